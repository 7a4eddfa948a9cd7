// Which shade has a rate? Ten steps on a square-root scale, so that both 40 % and 4 % can be read from it.

import { el, keyed, setAttribute } from "./dom.js";
import { wholePercent } from "./format.js";

export const STEPS = 10;
const TOPS = [0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.8, 1];

/** The rate that gets the deepest shade: a round one at or above the best average of everybody, which no small cohort or segment moves. */
export function top(answer) {
  const by = new Map(); // n -> [users, size]
  for (const { n, users, size } of answer.average) {
    const [some, of] = by.get(n) ?? [0, 0];
    by.set(n, [some + users, of + size]);
  }
  if (startsFull(answer)) by.delete(0);
  const best = Math.max(0, ...[...by.values()].map(([users, size]) => (size ? users / size : 0)));
  return TOPS.find((value) => value >= best) ?? 1;
}

/** Whether cell 0 is the cohort itself, so that its 100 % says nothing. */
export const startsFull = (answer) => answer.return === "session" || answer.return === "any";

/** The step of a rate, 0 to 9. */
export const step = (rate, most) => Math.min(STEPS - 1, Math.floor(Math.sqrt(Math.max(0, rate) / most) * STEPS));

/** Draws the legend of the shades; there is none where no cell has one. */
export function drawLegend(box, answer) {
  const most = top(answer);
  const isShaded = (cell) => cell.rate !== null && (cell.n > 0 || !startsFull(answer));
  setAttribute(box, "hidden", !answer.rows.some((row) => row.cells.some(isShaded)));
  const parts = [
    ["low", () => el("span"), (node) => (node.textContent = "0%")],
    ...Array.from({ length: STEPS }, (_, at) => [`s${at}`, () => el("i", { class: `heat-${at}`, "aria-hidden": true })]),
    ["high", () => el("span"), (node) => (node.textContent = most < 1 ? `${wholePercent(most)} and more` : "100%")],
    ["open", () => el("i", { class: "open", "aria-hidden": true })],
    ["open-text", () => el("span", {}, "still open")],
    ["absent", () => el("i", { class: "absent", "aria-hidden": true })],
    ["absent-text", () => el("span", {}, "not begun")],
  ];
  keyed(box, parts, ([name]) => name, ([, make]) => make(), (node, [, , update]) => update?.(node));
}
