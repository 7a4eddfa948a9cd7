// Is everything counted? The state of the pipeline in one word at the top, and in numbers at the bottom.

import { $, el, keyed, setAttribute, setText } from "./dom.js";
import { drawFigures } from "./figures.js";
import { count } from "./format.js";

/** Draws what GET /api/v1/status says, or that it says nothing. */
export function drawHealth(answer, away) {
  const [state, word] = stateOf(answer, away);
  setAttribute($("#live"), "data-state", state);
  setText($("#live"), word);
  setAttribute(document.body, "data-away", away ? "" : null);
  if (answer.status === 200) drawStatus(answer.data);
}

function stateOf(answer, away) {
  if (away) return ["away", "Server away, trying again"];
  if (answer.status !== 200) return ["trouble", answer.detail];
  if (answer.data.missing_topics?.length) return ["trouble", "Topics are missing"];
  return answer.data.caught_up ? ["live", "Live"] : ["behind", "Catching up"];
}

function drawStatus(status) {
  const box = $("#health");
  if (!box.firstElementChild) {
    const columns = ["Topic", "Partition", "Counted to", "End", "Behind"].map((name) => el("th", { scope: "col" }, name));
    box.append(
      el("dl", { class: "figures small" }),
      el("details", { class: "numbers" }, el("summary", {}, "Partitions"),
        el("div", { class: "scroll tall", tabindex: 0, role: "region", "aria-label": "Partitions" },
          el("table", { class: "plain" }, el("caption", { class: "hidden" }, "Partitions of the input topics"), el("thead", {}, el("tr", {}, ...columns)), el("tbody")))),
    );
  }
  drawFigures($("dl", box), [
    ["Everything counted", status.caught_up ? "yes" : "not yet", null],
    ["Behind", count(status.lag), "records"],
    ["Records counted", count(status.applied), null],
    ["Dead letters", count(status.dead_letters), status.dead_letters ? "retention dead-letters shows them" : null],
    ["Erased", count(status.erased), null],
    ["Lost offsets", count(status.offset_holes), null],
  ]);
  keyed($("tbody", box), status.partitions ?? [], (one) => `${one.topic} ${one.partition}`, (one) => el("tr", {}, el("th", { scope: "row" }, one.topic), ...[1, 2, 3, 4].map(() => el("td"))), (tr, one) => {
    [one.partition, one.next, one.end, one.lag].forEach((value, at) => setText(tr.cells[at + 1], count(value)));
  });
}
