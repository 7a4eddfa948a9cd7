// How is the triangle explored by hand and by keyboard? A tip that says what a cell means, arrow keys between cells, and a
// choice of cohorts for the curves.

import { $, $$, setAttribute, setText } from "./dom.js";
import { count, interval, longPeriod, money, percent } from "./format.js";
import { meaning } from "./triangle.js";

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const UNIT = { hour: "hour", day: "day", week: "week", month: "month" };

/** Makes a table explorable. `onCohort(cohort)` and `onSegment(segment)` are told what was chosen in its first column. */
export class Explorer {
  #table;
  #tip;
  #answer = null;
  #at = null; // the cell that the tip is about

  constructor(table, tip, { onCohort, onSegment }) {
    this.#table = table;
    this.#tip = tip;
    table.addEventListener("pointerover", (event) => this.#tell(event.target.closest("td, th")));
    table.addEventListener("pointerleave", () => this.#tell(null));
    table.addEventListener("focusout", () => this.#tell(null));
    addEventListener("scroll", () => this.#place(), { capture: true, passive: true });
    addEventListener("keydown", (event) => event.key === "Escape" && this.#tell(null));
    table.addEventListener("focusin", (event) => this.#focused(event.target));
    table.addEventListener("keydown", (event) => this.#key(event));
    table.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      const { row } = meaning.get(button.closest("th"));
      if (row.average) onSegment(row.segment);
      else onCohort(row.cohort);
    });
  }

  /** The table shows another answer: what the tip says of its cell may be new. */
  update(answer) {
    this.#answer = answer;
    // One stop for the Tab key; from there the arrow keys lead everywhere.
    const stops = $$("th > [tabindex], td[tabindex]", this.#table);
    if (!stops.some((node) => node.tabIndex === 0) && stops.length) setAttribute(stops[0], "tabindex", 0);
    this.#tell(this.#at?.isConnected ? this.#at : null);
  }

  #focused(target) {
    for (const node of $$('[tabindex="0"]', this.#table)) if (node !== target) setAttribute(node, "tabindex", -1);
    setAttribute(target, "tabindex", 0);
    this.#tell(target.closest("td, th"));
  }

  #key(event) {
    const cell = event.target.closest("td, th");
    const step = STEPS[event.key];
    if (!cell || (!step && event.key !== "Home" && event.key !== "End")) return;
    event.preventDefault();
    const rows = [...this.#table.rows].slice(1);
    const down = step?.[0] ?? 0;
    const row = rows[rows.indexOf(cell.parentElement) + down];
    if (!row) return;
    const places = [...row.cells].map((one) => (one.tabIndex >= 0 || one.hasAttribute("tabindex") ? one : $("[tabindex]", one))).filter(Boolean);
    const column = (node) => node.closest("td, th").cellIndex;
    const wanted = { Home: 0, End: Infinity }[event.key] ?? cell.cellIndex + step[1];
    const forward = step?.[1] === 1;
    const next = forward ? places.find((node) => column(node) >= wanted) : places.findLast((node) => column(node) <= wanted);
    next?.focus();
  }

  #tell(cell) {
    const about = cell && meaning.get(cell);
    if (this.#at !== cell) this.#at?.removeAttribute("aria-describedby");
    this.#at = about ? cell : null;
    this.#tip.hidden = !about;
    if (!about) return;
    setText(this.#tip, sentences(this.#answer, about));
    setAttribute(cell, "aria-describedby", "tip");
    this.#place();
  }

  /** Below its cell, above it where there is no room. */
  #place() {
    if (!this.#at) return;
    const cell = this.#at.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.#tip;
    const below = cell.bottom + 6;
    this.#tip.style.left = `${Math.max(8, Math.min(cell.left, innerWidth - width - 8))}px`;
    this.#tip.style.top = `${below + height > innerHeight ? cell.top - height - 6 : below}px`;
  }
}

function sentences(answer, { row, cell }) {
  const who = row.average ? row.segment ?? "All cohorts" : longPeriod(row.cohort, answer.period, answer.timezone);
  const where = row.average || row.segment === null ? who : `${row.segment}, ${who}`;
  if (!cell) return `${where}\n${count(row.size)} users${row.size_complete ? "" : " so far"}`;
  const lines = [
    `${where}, ${UNIT[answer.period]} ${cell.label ?? cell.n}`,
    `${count(cell.users)} of ${count(cell.size ?? row.size)} users: ${percent(cell.rate)}`,
  ];
  if (cell.low !== null) lines.push(`95 % interval ${interval(cell.low, cell.high)}`);
  for (const [currency, amount] of Object.entries(cell.revenue ?? {})) lines.push(money(amount, currency));
  if (cell.complete === false) lines.push("Still open");
  return lines.join("\n");
}
