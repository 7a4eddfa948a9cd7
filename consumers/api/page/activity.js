// Who is active, how often, and where do they come from? Charts of actives, stickiness and lifecycle.

import { Chart } from "./chart.js";
import { $ } from "./dom.js";
import { count, dayNumber, isoDay, longPeriod, percent, period, short, wholePercent } from "./format.js";

/** The three charts of the answer of GET /api/v1/active. */
export class Activity {
  #actives = new Chart($("#actives"));
  #stickiness = new Chart($("#stickiness"), { low: true });
  #lifecycle = new Chart($("#lifecycle"));

  /** Draws an answer by day, week or month. */
  draw({ rows }, kind) {
    const open = rows.map((row) => !row.complete);
    const column = (member) => rows.map((row) => row[member]);
    const line = (key, label, slot, values = column(key)) => ({ key, label, slot, values, open });
    const dates = {
      x: rows.map((row) => dayNumber(row.date)),
      label: (x) => period(isoDay(x), kind),
      long: (x) => longPeriod(isoDay(x), kind),
    };
    const people = { format: count, axis: short };
    this.#actives.draw({
      title: "Users active in 1, 7 and 30 days", ...dates, ...people,
      lines: [line("dau", "DAU", 0), line("wau", "WAU", 2), line("mau", "MAU", 1)],
    });
    this.#stickiness.draw({
      title: "Stickiness, DAU / MAU", ...dates, format: percent, axis: wholePercent,
      lines: [line("stickiness", "Stickiness", 0)],
    });
    this.#lifecycle.draw({
      title: "Active users by where they come from", bars: true, ...ordinal(rows, kind), ...people,
      lines: stack(rows, line),
    });
  }
}

/** Bars stand side by side, whatever the length of a month. */
function ordinal(rows, kind) {
  return {
    x: rows.map((_, at) => at),
    label: (at) => (rows[at] ? period(rows[at].date, kind) : ""),
    long: (at) => (rows[at] ? longPeriod(rows[at].date, kind) : ""),
  };
}

/** The tallest bar is drawn first, so that each one after it covers a part; who is gone hangs below the line. */
function stack(rows, line) {
  const sum = (...members) => rows.map((row) => members.reduce((total, member) => total + row[member], 0));
  return [
    { ...line("new", "New", 0), stacked: sum("new", "returning", "resurrected") },
    { ...line("resurrected", "Resurrected", 1), stacked: sum("returning", "resurrected") },
    { ...line("returning", "Returning", 2), stacked: sum("returning") },
    { ...line("dormant", "Dormant", 3), stacked: rows.map((row) => (row.dormant === null ? null : -row.dormant)) },
  ];
}
