// How does the cohort triangle look as a table? A row a cohort, a column a period; open cells are marked, absent ones are empty.

import { $, el, keyed, setAttribute, setText } from "./dom.js";
import { LETTER, count, longPeriod, money, percent, rowPeriod } from "./format.js";
import { startsFull, step, top } from "./heat.js";

const FLASH_MS = 1_200;
const still = matchMedia("(prefers-reduced-motion: reduce)");

/** What a table cell shows, for the line below the table: {row, cell} of the answer. */
export const meaning = new WeakMap();

/**
 * Draws an answer into the table; touches only what differs from what is there.
 *
 * view: {show: "rate" | "users" | a currency, chosen: cohorts whose curve is drawn, expanded: segments whose cohorts show,
 * flash: whether a change is to be seen as one}
 */
export function drawTriangle(table, answer, view) {
  const columns = columnsOf(answer);
  const most = top(answer);
  drawHead($("thead", table), answer, columns);
  const groups = groupsOf(answer);
  const single = groups.length === 1 && groups[0].segment === null;
  keyed(
    table,
    [{ part: "caption" }, { part: "thead" }, ...groups],
    (group) => group.part ?? `segment ${group.segment}`,
    () => el("tbody"),
    (body, group) => {
      if (!group.part) drawGroup(body, group, { answer, columns, most, view, single });
    },
  );
}

/** The columns of an answer as [n, label], those of its longest row. */
export function columnsOf(answer) {
  const found = new Map();
  for (const { cells } of answer.rows) for (const { n, label } of cells) found.set(n, label ?? String(n));
  return [...found].sort(([a], [b]) => a - b);
}

function groupsOf(answer) {
  const groups = new Map();
  for (const row of answer.rows) {
    if (!groups.has(row.segment)) groups.set(row.segment, { segment: row.segment, rows: [], average: [] });
    groups.get(row.segment).rows.push(row);
  }
  for (const cell of answer.average) groups.get(cell.segment)?.average.push(cell);
  return [...groups.values()];
}

function drawHead(head, answer, columns) {
  if (!head.firstElementChild) head.append(el("tr"));
  const letter = LETTER[answer.period];
  const cells = [["cohort", "Cohort"], ["size", "Users"], ...columns.map(([n, label]) => [`n${n}`, `${letter}${label.replace("-", "–")}`])];
  keyed(head.firstElementChild, cells, ([key]) => key, () => el("th", { scope: "col" }), (th, [, text]) => setText(th, text));
}

function drawGroup(body, group, how) {
  const open = how.single || how.view.expanded.has(group.segment);
  const size = group.rows.reduce((sum, row) => sum + row.size, 0);
  const average = { average: true, segment: group.segment, size, cells: group.average, size_complete: true };
  // The newest cohort is what people look for first.
  const rows = [average, ...(open ? [...group.rows].reverse() : [])];
  keyed(body, rows, (row) => row.cohort ?? "average", (row) => makeRow(row, how), (tr, row) => drawRow(tr, row, how, open));
}

function makeRow(row, { single }) {
  const head = el("th", { scope: row.average && !single ? "rowgroup" : "row" });
  const plain = row.average ? single : !single;
  head.append(plain ? el("span", { tabindex: -1 }) : el("button", { type: "button", tabindex: -1 }));
  const tr = el("tr", { class: row.average ? "average" : null }, head, el("td", { class: "size" }));
  head.dataset.key = "cohort";
  tr.cells[1].dataset.key = "size";
  return tr;
}

function drawRow(tr, row, how, open) {
  const { answer, columns, view } = how;
  const [head, size] = tr.cells;
  drawHeader(head.firstElementChild, row, how, open);
  setText(size, count(row.size));
  setAttribute(size, "class", row.size_complete ? "size" : "size open");
  setAttribute(size, "aria-label", row.size_complete ? null : `${count(row.size)} so far`);
  meaning.set(size, { row });
  meaning.set(head, { row });
  const cells = new Map(row.cells.map((cell) => [cell.n, cell]));
  const parts = [{ key: "cohort" }, { key: "size" }, ...columns.map(([n]) => ({ key: `n${n}`, cell: cells.get(n) }))];
  keyed(tr, parts, (part) => part.key, () => el("td"), (td, part) => {
    if (td !== head && td !== size) drawCell(td, row, part.cell, { answer, most: how.most, view });
  });
}

function drawHeader(node, row, { answer, view, single }, open) {
  if (row.average) {
    setText(node, !single ? row.segment : view.show === "rate" ? "Average" : "Total");
    if (!single) setAttribute(node, "aria-expanded", String(open));
    return;
  }
  setText(node, rowPeriod(row.cohort, answer.period, answer.timezone));
  setAttribute(node, "title", longPeriod(row.cohort, answer.period, answer.timezone));
  if (!single) return;
  node.dataset.cohort = row.cohort;
  const place = view.chosen.indexOf(row.cohort);
  setAttribute(node, "aria-pressed", String(place >= 0));
  setAttribute(node, "data-line", place >= 0 ? place + 1 : null);
}

function drawCell(td, row, cell, { answer, most, view }) {
  if (!cell) {
    meaning.delete(td);
    if (td.hasChildNodes()) td.replaceChildren();
    setAttribute(td, "class", "absent");
    setAttribute(td, "tabindex", null);
    return;
  }
  meaning.set(td, { row, cell });
  const open = cell.complete === false;
  const text = shown(cell, view.show);
  const changed = td.firstChild && td.firstChild.data !== text;
  if (!td.firstChild) td.append(text);
  else if (changed) td.firstChild.data = text;
  if (open && !td.children.length) td.append(el("span", { class: "hidden" }, " so far"));
  if (!open && td.children.length) td.firstElementChild.remove();
  const full = cell.n === 0 && startsFull(answer);
  const shade = full ? "full" : cell.rate === null ? "nobody" : `heat-${step(cell.rate, most)}`;
  setAttribute(td, "class", open ? `${shade} open` : shade);
  setAttribute(td, "tabindex", -1);
  if (changed && view.flash && !still.matches) td.animate([{ outlineColor: "var(--ink)" }, { outlineColor: "transparent" }], FLASH_MS);
}

function shown(cell, show) {
  if (show === "users") return count(cell.users);
  if (show === "rate") return percent(cell.rate);
  return cell.revenue ? money(cell.revenue[show] ?? "0", show) : "–";
}
