// What does the page show, and how is that one link? The state is the page's query string; defaults are left out of it.

/** Every parameter of the page with its default. Those of the interface have the names that they have there. */
export const DEFAULTS = Object.freeze({
  app: "", last: "", from: "", to: "",
  period: "day", week_start: "monday", cohort: "install", return: "session", criterion: "on", window: "calendar",
  brackets: "", preset: "", where: "", breakdown: "",
  show: "rate", curve: "", activity: "day", population: "users", buyers: "install", currency: "",
});

/** The words that a preset fills in where the state leaves them at their defaults. */
export const PRESET_WORDS = ["cohort", "return", "criterion", "window", "week_start"];

/** The state that a query string says; what it does not know is left out. */
export function read(search) {
  const given = new URLSearchParams(search);
  return Object.fromEntries(Object.entries(DEFAULTS).map(([name, usual]) => [name, given.get(name) ?? usual]));
}

/** The query string of a state. */
export function write(state) {
  const said = Object.entries(DEFAULTS).filter(([name, usual]) => state[name] !== usual);
  const search = new URLSearchParams(said.map(([name]) => [name, state[name]])).toString();
  return search ? `?${search}` : "";
}

/** The conditions of `where` as [name, value] pairs. */
export function conditions(where) {
  return where
    .split(",")
    .filter((part) => part.includes(":"))
    .map((part) => {
      const colon = part.indexOf(":");
      return [part.slice(0, colon), decoded(part.slice(colon + 1))];
    });
}

/** `where` from [name, value] pairs; values are percent-encoded inside. */
export const whereOf = (pairs) => pairs.map(([name, value]) => `${name}:${encodeURIComponent(value.toWellFormed())}`).join(",");

/** A list in one parameter, such as the cohorts whose curves are drawn. */
export const list = (text) => text.split(",").filter(Boolean);

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The state of the page: read from the address, written to it, told to whoever listens. */
export class State {
  #listeners = [];

  constructor() {
    this.now = read(location.search);
    addEventListener("popstate", () => this.#become(read(location.search)));
  }

  /** Calls back at every change, with the new state. */
  listen(listener) {
    this.#listeners.push(listener);
  }

  /** Changes some parameters. A change by the reader is a step that Back undoes; `quietly` it is none. */
  set(changes, { quietly = false } = {}) {
    const next = { ...this.now, ...changes };
    if (write(next) === write(this.now)) return;
    history[quietly ? "replaceState" : "pushState"](null, "", `${location.pathname}${write(next)}${location.hash}`);
    this.#become(next);
  }

  #become(next) {
    this.now = next;
    for (const listener of this.#listeners) listener(next);
  }
}
