// What does a chart say to those who cannot see it, or want the numbers? The same model as a table.

import { el, keyed, setText } from "./dom.js";

/** Draws the table of a chart's model: a row for each place, a column for each line; open values are marked. */
export function drawNumbers(box, { title, x, long, lines, format }) {
  if (!box.firstElementChild) box.append(el("table", { class: "plain" }, el("caption", { class: "hidden" }), el("thead", {}, el("tr")), el("tbody")));
  const [caption, head, body] = box.firstElementChild.children;
  setText(caption, title);
  const columns = [{ key: "x", label: "" }, ...lines];
  keyed(head.firstElementChild, columns, (line) => line.key, (line) => (line.key === "x" ? el("td") : el("th", { scope: "col" })), (th, line) => setText(th, line.label));
  const places = x.map((value, at) => ({ value, at })).reverse();
  keyed(body, places, (place) => place.value, () => el("tr"), (tr, { value, at }) => {
    keyed(tr, columns, (line) => line.key, (line) => (line.key === "x" ? el("th", { scope: "row" }) : el("td")), (cell, line) => {
      if (line.key === "x") return setText(cell, long(value));
      const between = line.low?.[at] === null || !line.low ? "" : ` (${format(line.low[at])} to ${format(line.high[at])})`;
      setText(cell, `${format(line.values[at])}${between}${line.open?.[at] ? ", open" : ""}`);
    });
  });
}
