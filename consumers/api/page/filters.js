// Whose numbers are shown? The pickers of dimension and value, the conditions as chips, and the dimensions to break down by.

import { $, el, keyed, setAttribute, setOptions, setText } from "./dom.js";
import { count } from "./format.js";
import { ask } from "./source.js";
import { conditions, whereOf } from "./state.js";

const NOT_SET = "(not set)";
const TYPE = "\u0000type"; // no value of a dimension begins like that: asks for a text field

/** The pickers. They change `where` and `breakdown` of the state. */
export class Filters {
  #state;
  #dimensions = [];

  constructor(state) {
    this.#state = state;
    $("#dimension").addEventListener("change", () => this.#offer());
    $("#value").addEventListener("change", () => this.#chosen($("#value").value));
    $("#value-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const text = $("#value-text").value;
      if (text) this.#add($("#dimension").value, text);
    });
  }

  /** The dimensions that there are. */
  offer(dimensions) {
    this.#dimensions = dimensions;
    setOptions($("#dimension"), [["", "anything"], ...dimensions.map((name) => [name, name])]);
    this.#state.know("breakdown", dimensions);
    setOptions($("#breakdown"), [["", "Nothing"], ...dimensions.map((name) => [name, name])], this.#state.now.breakdown);
  }

  /** Shows the conditions of a state. */
  draw({ where }) {
    const pairs = conditions(where);
    keyed($("#filters"), pairs, (pair) => pair.join("\n"), (pair) => this.#chip(pair));
    setAttribute($("#filters"), "hidden", pairs.length === 0);
  }

  #chip([name, value]) {
    const remove = el("button", { type: "button", "aria-label": `Remove the filter ${name}: ${value}` }, "×");
    remove.addEventListener("click", () => {
      this.#state.set({ where: whereOf(conditions(this.#state.now.where).filter((pair) => pair[0] !== name || pair[1] !== value)) });
      $("#dimension").focus();
    });
    return el("li", {}, el("span", {}, `${name}: ${value}`), remove);
  }

  async #offer() {
    const dimension = $("#dimension").value;
    setAttribute($("#value-pick"), "hidden", true);
    setAttribute($("#value-form"), "hidden", true);
    if (!dimension) return;
    const answer = await ask(`/api/v1/values?${new URLSearchParams({ app: this.#state.now.app, dimension })}`);
    if ($("#dimension").value !== dimension) return;
    const { values = [], more = 0 } = answer.data ?? {};
    const options = values.map(({ value, users }) => [value, `${value} (${count(users)})`]);
    const others = more || answer.status !== 200 ? [[TYPE, more ? `one of ${count(more)} others …` : "type a value …"]] : [];
    setOptions($("#value"), [["", `choose a ${dimension} …`], ...options, [NOT_SET, NOT_SET], ...others], "");
    setText($("label[for=value]"), `Value of ${dimension}`);
    setText($("label[for=value-text]"), `Value of ${dimension}`);
    setAttribute($("#value-pick"), "hidden", null);
  }

  #chosen(value) {
    if (!value) return;
    if (value !== TYPE) return this.#add($("#dimension").value, value);
    setAttribute($("#value-form"), "hidden", null);
    $("#value-text").focus();
  }

  #add(name, value) {
    // A user has one value of a dimension, so a second condition on it would leave nobody: it takes the place of the first.
    const others = conditions(this.#state.now.where).filter((pair) => pair[0] !== name);
    this.#state.set({ where: whereOf([...others, [name, value]]) });
    $("#value-text").value = "";
    $("#dimension").value = "";
    $("#dimension").focus();
    this.#offer();
  }
}
