// What are users worth? Totals, lifetime value by age and a row a cohort, in one currency at a time.

import { Chart } from "./chart.js";
import { $, el, keyed, setAttribute, setOptions, setText } from "./dom.js";
import { drawFigures } from "./figures.js";
import { LETTER, count, money, percent, period, shortMoney } from "./format.js";

const COLUMNS = ["Cohort", "Users", "Revenue", "LTV", "ARPU last", "Paying", "Bought again"];

/** The revenue panel. `fit(currency)` of the state is kept when the answer has it, else the first one is shown. */
export class Revenue {
  #figures = el("dl", { class: "figures small" });
  #chart;
  #table;

  constructor(box) {
    const chart = el("div", {}, el("h3", {}, "Lifetime value ", el("span", { class: "quiet" }, "revenue per user by age, complete periods")));
    this.#table = el("table", { class: "plain" }, el("caption", { class: "hidden" }, "Revenue by cohort"), el("thead", {}, el("tr", {}, ...COLUMNS.map((name) => el("th", { scope: "col" }, name)))), el("tbody"));
    box.append(this.#figures, chart, el("div", { class: "scroll tall", tabindex: 0, role: "region", "aria-label": "Revenue by cohort" }, this.#table));
    this.#chart = new Chart(chart);
  }

  /** Draws an answer of GET /api/v1/revenue. */
  draw(answer, wanted, kind) {
    const currencies = currenciesOf(answer);
    const currency = currencies.includes(wanted) ? wanted : currencies[0] ?? "";
    setOptions($("#currency"), currencies.map((name) => [name, name]), currency);
    setAttribute($("#currency-pick"), "hidden", currencies.length === 0);
    const { total } = answer;
    drawFigures(this.#figures, [
      ["Revenue", currency ? money(total.revenue[currency] ?? "0", currency) : "–", currencies.length > 1 ? `${currencies.length - 1} more currencies` : null],
      ["Buyers", count(total.buyers), null],
      ["Purchases", count(total.purchases), null],
      ["Bought again", percent(total.repeat_rate), null],
    ]);
    this.#draw(answer, currency, kind);
    keyed($("tbody", this.#table), [...answer.rows].reverse(), (row) => row.cohort, () => el("tr", {}, el("th", { scope: "row" }), ...COLUMNS.slice(1).map(() => el("td"))), (tr, row) => {
      cellsOf(row, currency, kind).forEach((text, at) => setText(tr.cells[at], text));
    });
  }

  #draw(answer, currency, kind) {
    const ages = Math.max(0, ...answer.rows.map((row) => row.cells.length));
    const x = Array.from({ length: ages }, (_, n) => n);
    const digits = digitsOf(currency);
    const show = (value) => (value === null || !currency ? "–" : money(value.toFixed(digits), currency));
    this.#chart.draw({
      title: "Lifetime value by age", x,
      label: (n) => `${LETTER[kind]}${n}`, long: (n) => `After ${LETTER[kind]}${n}`,
      lines: [{ key: "ltv", label: "LTV", slot: 0, values: x.map((n) => pooled(answer.rows, n, currency, digits)) }],
      format: show, axis: (value) => (currency ? shortMoney(value, currency) : ""),
    });
  }
}

function currenciesOf(answer) {
  const found = new Set(Object.keys(answer.total.revenue));
  for (const row of answer.rows) for (const cell of row.cells) for (const name of Object.keys(cell.revenue)) found.add(name);
  return [...found].sort();
}

const digitsOf = (currency) =>
  currency ? new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits : 0;

/** Decimal text as a whole number of the currency's smallest unit: sums of these are exact. */
function units(text, digits) {
  const [whole, part = ""] = text.split(".");
  return Number(`${whole}${part.padEnd(digits, "0").slice(0, digits)}`);
}

/** Revenue of the periods 0 to n over the users of the cohorts whose period n is complete. */
function pooled(rows, n, currency, digits) {
  let sum = 0, users = 0;
  for (const { cells, size } of rows) {
    if (!cells[n]?.complete) continue;
    users += size;
    for (const cell of cells.slice(0, n + 1)) sum += units(cell.revenue[currency] ?? "0", digits);
  }
  return users ? sum / users / 10 ** digits : null;
}

function cellsOf(row, currency, kind) {
  const last = row.cells.at(-1);
  const digits = digitsOf(currency);
  const sum = row.cells.reduce((total, cell) => total + units(cell.revenue[currency] ?? "0", digits), 0);
  const amount = (by) => (currency && by ? money(by[currency] ?? "0", currency) : "–");
  const all = currency ? money((sum / 10 ** digits).toFixed(digits), currency) : "–";
  return [period(row.cohort, kind), count(row.size), all, amount(last?.ltv), amount(last?.arpu), percent(last?.conversion), percent(row.repeat_rate)];
}
