// Who stayed, and what do they say? The customer retention rate of a range, and the scores of the feedback.

import { withoutRate } from "./absence.js";
import { $, el, setText } from "./dom.js";
import { drawFigures } from "./figures.js";
import { count, percent } from "./format.js";

/** Draws the answer of GET /api/v1/crr, with its sum in words. */
export function drawChurn(answer, population) {
  const box = $("#churn");
  if (!box.firstElementChild) box.append(el("dl", { class: "figures small" }), el("p", { class: "hint" }));
  const [list, text] = box.children;
  const points = (value) => (value === null ? "–" : `${value.toFixed(1)}%`);
  drawFigures(list, [
    ["Stayed (CRR)", points(answer.crr), withoutRate(answer) ?? between(answer)],
    ["Churn", points(answer.churn), null],
    ["New", count(answer.new), null],
    ["Resurrected", count(answer.resurrected), null],
  ]);
  const who = population === "customers" ? "bought" : "were active";
  setText(text, `${count(answer.cs)} ${who} in the range before. ${count(answer.ce)} ${who} in this one, ${count(answer.cn)} of them not in the one before: ${count(answer.ce - answer.cn)} stayed.`);
}

const between = ({ low, high }) => (typeof low === "number" ? `${low.toFixed(1)}–${high.toFixed(1)} %` : null);

/** Draws the answer of GET /api/v1/feedback. */
export function drawFeedback({ nps, csat, answers }) {
  const box = $("#feedback");
  if (!box.firstElementChild) box.append(el("dl", { class: "figures small" }));
  drawFigures(box.firstElementChild, [
    ["NPS", nps === null ? "–" : nps.toFixed(0), `${count(answers.nps)} answers`],
    ["CSAT", percent(csat), `${count(answers.csat)} answers`],
  ]);
}
