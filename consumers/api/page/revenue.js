// What are users worth? Totals, lifetime value by age and a row a cohort, in one currency at a time.

import { Chart } from "./chart.js";
import { $, el, keyed, setAttribute, setOptions, setText } from "./dom.js";
import { drawFigures } from "./figures.js";
import { LETTER, count, money, percent, period, shortMoney } from "./format.js";

const COLUMNS = ["Cohort", "Users", "Revenue", "LTV", "Paying", "Bought again"];
const HORIZON = { day: 90, week: 26, month: 12 };

/** The revenue panel. */
export class Revenue {
  #figures = el("dl", { class: "figures small" });
  #chart;
  #table;

  constructor(box) {
    const chart = el("div", {}, el("h3", {}, "Lifetime value ", el("span", { class: "quiet" }, "revenue per user up to an age, over the cohorts that have come to it: fewer by age, so it may fall")));
    this.#table = el("table", { class: "plain" }, el("caption", { class: "hidden" }, "Revenue by cohort"), el("thead", {}, el("tr", {}, ...COLUMNS.map((name) => el("th", { scope: "col" }, name)))), el("tbody"));
    box.append(this.#figures, chart, el("div", { class: "scroll tall", tabindex: 0, role: "region", "aria-label": "Revenue by cohort" }, this.#table));
    this.#chart = new Chart(chart);
  }

  /** Draws an answer of GET /api/v1/revenue in the wanted currency, or in the one that most cells have. */
  draw(answer, wanted, kind) {
    const currencies = currenciesOf(answer);
    const currency = currencies.includes(wanted) ? wanted : usual(answer, currencies);
    setOptions($("#currency"), currencies.map((name) => [name, name]), currency);
    setAttribute($("#currency-pick"), "hidden", currencies.length === 0);
    const { total } = answer;
    drawFigures(this.#figures, [
      ["Revenue", currency ? money(total.revenue[currency] ?? "0", currency) : "–", currencies.length > 1 ? `${currencies.length - 1} more currencies` : null],
      ["Buyers", count(total.buyers), null],
      ["Purchases", count(total.purchases), null],
      ["Bought again", percent(total.repeat_rate), null],
      ...projected(answer, currency, kind),
    ]);
    this.#draw(answer, currency, kind);
    const digits = digitsOf(answer, currency);
    keyed($("tbody", this.#table), [...answer.rows].reverse(), (row) => row.cohort, () => el("tr", {}, el("th", { scope: "row" }), ...COLUMNS.slice(1).map(() => el("td"))), (tr, row) => {
      cellsOf(row, currency, digits, kind).forEach((text, at) => setText(tr.cells[at], text));
    });
  }

  #draw(answer, currency, kind) {
    const ages = Math.max(0, ...answer.rows.map((row) => (row.size ? row.cells.length : 0)));
    const x = Array.from({ length: ages }, (_, n) => n);
    const digits = answer.average.find(({ ltv }) => currency in ltv)?.ltv[currency].split(".")[1]?.length ?? 0;
    const show = (value) => (value === null || !currency ? "–" : money(value.toFixed(digits), currency));
    this.#chart.draw({
      title: "Lifetime value by age", x,
      label: (n) => `${LETTER[kind]}${n}`, long: (n) => `After ${LETTER[kind]}${n}`,
      lines: [{ key: "ltv", label: "LTV", slot: 0, values: lifetime(answer, ages, currency) }],
      format: show, axis: (value) => (currency ? shortMoney(value, currency) : ""),
    });
  }
}

function currenciesOf(answer) {
  const found = new Set(Object.keys(answer.total.revenue));
  for (const row of answer.rows) for (const cell of row.cells) for (const name of Object.keys(cell.revenue)) found.add(name);
  return [...found].sort();
}

/** How many digits after the point amounts of a currency have; the interface gives all of them. */
function digitsOf({ total, rows }, currency) {
  const some = [total, ...rows.flatMap((row) => row.cells)].find(({ revenue }) => currency in revenue);
  return some?.revenue[currency].split(".")[1]?.length ?? 0;
}

/** Decimal text as a whole number of the currency's smallest unit: sums of these are exact. */
function units(text, digits) {
  const [whole, part = ""] = text.split(".");
  return Number(`${whole}${part.padEnd(digits, "0")}`);
}

/** By age n: what the interface says that a user has paid up to it, of the cohorts that have come to it; null where none has. */
function lifetime({ average }, ages, currency) {
  const reached = average.slice(0, ages).map(({ size, ltv }) => (size ? Number(ltv[currency] ?? 0) : null));
  return [...reached, ...Array(ages - reached.length).fill(null)];
}

/** What the interface expects of a user, where it ventures to say so. */
function projected({ projection }, currency, kind) {
  const point = projection?.find((one) => one.currency === currency)?.points.find(({ n }) => n === HORIZON[kind]);
  if (!point) return [];
  const show = (text) => money(text, currency);
  return [[`LTV by ${LETTER[kind]}${point.n}, projected`, show(point.ltv), `${show(point.low)} to ${show(point.high)}`]];
}

function usual(answer, currencies) {
  const cells = answer.rows.flatMap((row) => row.cells);
  const often = (name) => cells.filter((cell) => name in cell.revenue).length;
  return currencies.toSorted((a, b) => often(b) - often(a))[0] ?? "";
}

function cellsOf(row, currency, digits, kind) {
  const last = row.cells.at(-1);
  const sum = row.cells.reduce((total, cell) => total + units(cell.revenue[currency] ?? "0", digits), 0);
  const amount = (by) => (currency && by?.[currency] ? money(by[currency], currency) : "–");
  const all = currency ? money((sum / 10 ** digits).toFixed(digits), currency) : "–";
  return [period(row.cohort, kind), count(row.size), all, amount(last?.ltv), percent(last?.conversion), percent(row.repeat_rate)];
}
