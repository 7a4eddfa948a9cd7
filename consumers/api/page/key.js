// Which key does this tab show to the server, and how does it get one? Asked for when the server wants one; it goes into a header, never
// into an address, and is forgotten with the tab.

import { $, setAttribute, setText } from "./dom.js";

const NAME = "retention-read-key";
const WANTED = "This server shows its numbers to whoever has a read key.";
const WRONG = "The server does not take that key. Is it a read key of this server?";

/** The key of this tab; empty where none was given. */
export class Key {
  #key = stored();
  #dialog = $("#key");
  #onKey = () => {};

  constructor() {
    const form = $("form", this.#dialog);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#key = $("input", form).value.trim();
      keep(this.#key);
      $("input", form).value = "";
      this.#dialog.close();
      this.#show();
      this.#onKey();
    });
    $("#key-change").addEventListener("click", () => this.#ask(WANTED));
    $("#key-later").addEventListener("click", () => this.#dialog.close());
    this.#show();
  }

  /** What is done when another key was given. */
  set onKey(done) {
    this.#onKey = done;
  }

  /** The headers of a request. */
  get headers() {
    return this.#key ? { Authorization: `Bearer ${this.#key}` } : {};
  }

  /** The server has refused these headers for want of a key; an answer to an older key changes nothing. */
  refused(headers) {
    if (headers.Authorization !== this.headers.Authorization || this.#dialog.open) return;
    if (this.#asked !== this.#key) this.#ask(this.#key ? WRONG : WANTED); // once: whoever closes it wants it closed
    this.#asked = this.#key;
  }

  #asked = null; // the key whose refusal was told

  #ask(why) {
    setText($("#key-why"), why);
    this.#show(true);
    this.#dialog.showModal();
  }

  #show(wanted = Boolean(this.#key)) {
    setAttribute($("#key-change"), "hidden", !wanted);
  }
}

function stored() {
  try {
    return sessionStorage.getItem(NAME) ?? "";
  } catch {
    return ""; // a browser that keeps nothing: the key lives as long as the page
  }
}

function keep(key) {
  try {
    sessionStorage.setItem(NAME, key);
  } catch {
    // see above
  }
}

export const key = new Key();
