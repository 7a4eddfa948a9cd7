// What does the page show, and how is that one link? The state is the page's query string; defaults are left out of it.

/** Every parameter of the page with its default. Those of the interface have the names that they have there. */
export const DEFAULTS = Object.freeze({
  app: "", last: "", from: "", to: "",
  period: "day", week_start: "monday", cohort: "install", return: "session", criterion: "on", window: "calendar",
  brackets: "", preset: "", where: "", breakdown: "",
  show: "rate", curve: "", activity: "day", population: "users", buyers: "install", currency: "",
});

/** The word of `last` for the dates `from` and `to`. */
export const CUSTOM = "custom";
const DATES = ["from", "to"];

/** The words that a preset fills in where the state leaves them at their defaults. */
export const PRESET_WORDS = ["cohort", "return", "criterion", "window", "week_start"];

/**
 * What a query string says, as {state, strange}: `strange` are the pairs [name, value] that are left out, since there is no such
 * name, its word is none of `words` (by name), it is said twice, or it is no date.
 */
export function read(search, words = {}) {
  const state = { ...DEFAULTS };
  const strange = [], seen = new Set();
  for (const [name, value] of new URLSearchParams(search)) {
    const known = Object.hasOwn(DEFAULTS, name) && !seen.has(name) && (!value || fits(name, value, words));
    seen.add(name);
    if (!known) strange.push([name, value]);
    else if (value) state[name] = value;
  }
  if (state.from || state.to) {
    if (![DEFAULTS.last, CUSTOM].includes(state.last)) strange.push(["last", state.last]); // dates that are named say more
    state.last = CUSTOM;
  }
  return { state, strange };
}

function fits(name, value, words) {
  if (!DATES.includes(name)) return words[name]?.includes(value) ?? true;
  const picker = document.createElement("input");
  picker.type = "date";
  picker.value = value; // becomes empty where that is no date
  return picker.value === value;
}

/** The query string of a state; dates say by themselves that they are meant. */
export function write(state) {
  const isSaid = (name) => name !== "last" || state.last !== CUSTOM || !(state.from || state.to);
  const said = Object.entries(DEFAULTS).filter(([name, usual]) => state[name] !== usual && isSaid(name));
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

const place = (state) => `${location.pathname}${write(state)}${location.hash}`;

/** The state of the page: read from the address, written to it, told to whoever listens. */
export class State {
  #listeners = [];
  #words;

  /** `words` by parameter: those that its picker offers. */
  constructor(words) {
    this.#words = words;
    this.#read();
    addEventListener("popstate", () => {
      this.#read();
      this.#become(this.now);
    });
  }

  /** Takes up the address, and puts it right where it says what is left out; `strange` is that. */
  #read() {
    const { state, strange } = read(location.search, this.#words);
    this.now = state;
    this.strange = strange;
    if (strange.length) history.replaceState(null, "", place(state));
  }

  /** The words of a parameter are known by now: another one in the address is left out. */
  know(name, words) {
    this.#words[name] = words;
    const value = this.now[name];
    if (!value || words.includes(value)) return;
    this.strange = [...this.strange, [name, value]];
    this.set({ [name]: DEFAULTS[name] }, { quietly: true });
  }

  /** Calls back at every change, with the new state. */
  listen(listener) {
    this.#listeners.push(listener);
  }

  /** Changes some parameters. A change by the reader is a step that Back undoes; `quietly` it is none. */
  set(changes, { quietly = false } = {}) {
    const next = { ...this.now, ...changes };
    if (write(next) === write(this.now)) return;
    if (!quietly) this.strange = [];
    history[quietly ? "replaceState" : "pushState"](null, "", place(next));
    this.#become(next);
  }

  #become(next) {
    this.now = next;
    for (const listener of this.#listeners) listener(next);
  }
}
