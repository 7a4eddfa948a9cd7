// How do cohorts fade? The average with its interval, the cohorts that were chosen, or the average of every segment.

import { Chart } from "./chart.js";
import { LETTER, longPeriod, percent, wholePercent } from "./format.js";
import { startsFull } from "./heat.js";
import { columnsOf } from "./triangle.js";

export const COHORTS_MAX = 5;
const SEGMENTS_MAX = 6;
const RESTS = { hour: 1, day: 7, week: 1, month: 1 };
const UNIT = { hour: "Hour", day: "Day", week: "Week", month: "Month" };

/** The chart of retention curves. */
export class Curves {
  #chart;

  constructor(box) {
    this.#chart = new Chart(box);
  }

  /** Draws an answer; `chosen` are cohorts. */
  draw(answer, chosen) {
    // Where cell 0 is the cohort itself, its 100 % would only flatten what is to be seen.
    const columns = columnsOf(answer).filter(([n]) => n > 0 || !startsFull(answer));
    const places = columns.map(([n]) => n);
    const segments = [...new Set(answer.rows.map((row) => row.segment))].slice(0, SEGMENTS_MAX);
    const lines = segments.map((segment, slot) =>
      line(segment ?? "average", segment ?? "Average", slot, places, answer.average.filter((cell) => cell.segment === segment)),
    );
    if (segments.length === 1 && segments[0] === null) {
      chosen.forEach((cohort, place) => {
        const row = answer.rows.find((one) => one.cohort === cohort);
        if (row) lines.push(line(cohort, longPeriod(cohort, answer.period, answer.timezone), place + 1, places, row.cells));
      });
    }
    this.#chart.draw({
      title: "Retention curves",
      x: columns.map((_, at) => at),
      label: (at) => `${LETTER[answer.period]}${columns[at]?.[1] ?? ""}`,
      long: (at) => `${UNIT[answer.period]} ${columns[at]?.[1] ?? ""}`,
      lines,
      rest: Math.max(0, places.indexOf(RESTS[answer.period])),
      format: percent,
      axis: wholePercent,
      most: 1,
    });
  }
}

function line(key, label, slot, places, cells) {
  const by = new Map(cells.map((cell) => [cell.n, cell]));
  const column = (member) => places.map((n) => by.get(n)?.[member] ?? null);
  return {
    key, label, slot,
    values: column("rate"), low: column("low"), high: column("high"),
    open: places.map((n) => by.get(n)?.complete === false),
  };
}
