// What does one look at first? A line of figures: retention of the usual days, actives, stickiness, churn.

import { isEmpty, withoutRate } from "./absence.js";
import { $, el, keyed, setAttribute, setText } from "./dom.js";
import { LETTER, count, interval, percent } from "./format.js";

/** The ages that figures are of; those in USUAL show also while no cohort is so old. */
const USUAL = { hour: [1], day: [1, 7, 30], week: [1], month: [1] };
const PLACES = { hour: [1, 6, 12, 24], day: [1, 7, 14, 30], week: [1, 4, 8, 12], month: [1, 3, 6, 12] };

/** Draws [label, value, remark] figures into a description list. */
export function drawFigures(list, figures) {
  keyed(list, figures, ([label]) => label, ([label]) => el("div", {}, el("dt", {}, label), el("dd"), el("dd", { class: "quiet" })), (item, [, value, remark]) => {
    setText(item.children[1], value);
    setText(item.children[2], remark ?? "");
    setAttribute(item.children[2], "hidden", !remark);
  });
}

/** Draws the key figures from the answers that there are. */
export function drawKeyFigures({ retention, active, crr }) {
  const figures = [];
  if (retention) figures.push(...returned(retention));
  if (active) figures.push(...actives(active.rows));
  if (crr) figures.push(["Churn", crr.churn === null ? "–" : `${crr.churn.toFixed(1)}%`, withoutRate(crr) ?? `${crr.crr.toFixed(1)}% stayed`]);
  drawFigures($("#figures"), figures);
}

function returned(answer) {
  const letter = LETTER[answer.period];
  const bracketed = answer.rows.some((row) => row.cells.some((cell) => cell.label));
  const places = bracketed
    ? [...new Set(answer.average.map((cell) => cell.n))].filter((n) => n > 0).slice(0, 4)
    : PLACES[answer.period].filter((n) => USUAL[answer.period].includes(n) || answer.average.some((cell) => cell.n === n && cell.size));
  return places.map((n) => {
    const cells = answer.average.filter((cell) => cell.n === n);
    const users = cells.reduce((sum, cell) => sum + cell.users, 0);
    const size = cells.reduce((sum, cell) => sum + cell.size, 0);
    const name = `${letter}${cells[0]?.label ?? n}`;
    if (!size) return [name, "–", missing(answer, n)];
    return [name, percent(users / size), cells.length === 1 ? interval(cells[0].low, cells[0].high) : `${count(size)} users`];
  });
}

/** Why an age has no figure: older cohorts may have it, where those of these dates have not come to it. */
function missing(answer, n) {
  if (isEmpty(answer)) return "nobody";
  return answer.rows.some((row) => row.cells.some((cell) => cell.n === n)) ? "not over yet" : "beyond these dates";
}

/** Of the last period that is over; what the running one has so far stands below. */
function actives(rows) {
  const now = rows.at(-1);
  const over = rows.findLast((row) => row.complete) ?? now;
  if (!now) return [];
  const figure = (name, member, show) => [name, show(over[member]), over === now || now[member] === null ? null : `${show(now[member])} so far`];
  return [figure("DAU", "dau", count), figure("WAU", "wau", count), figure("MAU", "mau", count), figure("Stickiness", "stickiness", percent)];
}
