// How do the numbers of one question reach the page, and stay fresh? Asked when the question changes or something was counted;
// drawn only when the answer says something else than before.

import { key } from "./key.js";

const ANSWER_MS_MAX = 20_000;
const REST_TIMES = 4; // a source rests so many times as long as its answer took, so a slow one is asked rarely
const REST_MS_MAX = 30_000;
const AS_OF = /"as_of":"[^"]*",?/; // moves with the clock, and is no change
const WORDS = { 401: "a read key is needed", 404: "this server does not offer them" };

/** Fetches JSON. Gives {status, text, data, detail, at}; status 0 when the server cannot be reached. `at` is the server's time. */
export async function ask(url, { signal, ms = ANSWER_MS_MAX } = {}) {
  try {
    const limit = AbortSignal.timeout(ms);
    const headers = key.headers;
    const response = await fetch(url, { headers, signal: signal ? AbortSignal.any([signal, limit]) : limit, cache: "no-store" });
    if (response.status === 401) key.refused(headers);
    const text = await response.text();
    const data = parsed(text);
    const detail = response.ok ? null : WORDS[response.status] ?? data?.detail ?? `the server answered ${response.status}`;
    const usable = response.ok && data !== null;
    return { status: usable || !response.ok ? response.status : 0, text, data, detail, at: Date.parse(response.headers.get("date")) };
  } catch {
    return { status: 0, text: "", data: null, detail: "the server cannot be reached", at: NaN };
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** One question that is kept answered. `onAnswer(data)` and `onTrouble(detail, lasting)` draw; `onBusy(busy)` may dim. */
export class Source {
  #url = null;
  #said = null; // the text of the answer that is drawn
  #asking = null; // aborts the request on its way
  #stale = false;
  #restUntil = 0;
  #timer = 0;

  constructor({ onAnswer, onTrouble, onBusy }) {
    this.onAnswer = onAnswer;
    this.onTrouble = onTrouble;
    this.onBusy = onBusy;
    this.data = null;
    document.addEventListener("visibilitychange", () => this.#stale && this.touch());
  }

  /** The address that is asked. */
  get url() {
    return this.#url;
  }

  /** Asks another question; the same one again changes nothing. */
  become(url) {
    if (url === this.#url) return;
    this.#url = url;
    this.#asking?.abort();
    this.#asking = null;
    this.#restUntil = 0;
    this.onBusy(true);
    this.touch();
  }

  /** Something was counted: ask again, as soon as it has rested. */
  touch() {
    this.#stale = true;
    clearTimeout(this.#timer);
    if (this.#asking || this.#url === null || document.hidden) return;
    this.#timer = setTimeout(() => this.#fetch(), Math.max(0, this.#restUntil - performance.now()));
  }

  async #fetch() {
    if (document.hidden) return;
    const asking = new AbortController();
    this.#asking = asking;
    this.#stale = false;
    const began = performance.now();
    const answer = await ask(this.#url, { signal: asking.signal });
    if (this.#asking !== asking) return; // another question has taken its place
    this.#asking = null;
    const took = performance.now() - began;
    this.#restUntil = performance.now() + Math.min(took * REST_TIMES, REST_MS_MAX);
    this.#take(answer);
    this.onBusy(false);
    if (this.#stale) this.touch();
  }

  #take(answer) {
    if (answer.status !== 200) {
      const refused = answer.status >= 400 && answer.status < 500;
      if (refused) this.data = this.#said = null;
      else this.#restUntil = performance.now(); // it comes back, and then the numbers shall too
      this.onTrouble(answer.detail, refused);
      return;
    }
    const said = answer.text.replace(AS_OF, "") + this.#url;
    this.asOf = answer.data.as_of;
    if (said === this.#said) return this.onTrouble(null, false);
    const same = this.#said?.endsWith(this.#url) ?? false;
    this.#said = said;
    this.data = answer.data;
    this.onTrouble(null, false);
    this.onAnswer(answer.data, { same });
  }
}
