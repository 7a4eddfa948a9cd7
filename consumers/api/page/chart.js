// How is a chart drawn, and kept while its numbers change? uPlot in the colours of the page, with a legend and a table in HTML.
/* global uPlot */

import { el, keyed, setAttribute, setText } from "./dom.js";
import { drawNumbers } from "./numbers.js";

const LABEL_PX = 68;
const STRIDES = [1, 2, 3, 5, 7, 10, 14, 15, 20, 28, 30, 50, 60, 90];
const DASHES = [[], [], [7, 3], [2, 3], [10, 3, 2, 3], [4, 4], [12, 4], [1, 4]];
const OPEN_DASH = [1, 5];
const VEILS = { 1: "2b", 2: "1f", 3: "17" };
const FONT = "11px system-ui, sans-serif";
const dark = matchMedia("(prefers-color-scheme: dark)");

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
/** Values where `keep` says so; a line is drawn on to its first open point, so the last complete one belongs to both. */
const pick = (values, keep) => values.map((value, at) => (keep(at) ? value : null));

/**
 * A chart in a box. `draw(model)`:
 *   title       what the chart says, for those who do not see it
 *   x           whole numbers, ascending;  label(x), long(x) name them
 *   lines       [{key, label, slot (colour), values, low, high, open: [boolean], stacked: values as drawn}]
 *   rest        the place whose values show while nobody points at one
 *   most        the most that a value can be, where there is such: the axis ends there
 *   bars        whether they are bars instead of lines
 *   format(v), axis(v)   a value in full, and beside the axis
 */
export class Chart {
  #model = null;
  #plot = null;
  #shape = "";

  /** `low` is for a chart of one line that hardly moves. */
  constructor(box, { low = false } = {}) {
    this.canvas = el("div", { class: low ? "plot low" : "plot", role: "img" });
    this.legend = el("ul", { class: "lines" });
    this.when = el("p", { class: "when quiet" });
    this.numbers = el("details", { class: "numbers" }, el("summary", {}, "Numbers"), el("div", { class: "scroll", tabindex: 0, role: "region" }));
    this.numbers.addEventListener("toggle", () => this.#table());
    box.append(el("div", { class: "under" }, this.legend, this.when), this.canvas, this.numbers);
    new ResizeObserver(() => this.#resize()).observe(this.canvas);
    dark.addEventListener("change", () => this.#model && this.#build());
  }

  /** Draws a model; the same shape with other values moves the lines, and the pointer stays where it is. */
  draw(model) {
    this.#model = model;
    setAttribute(this.canvas, "aria-label", `${model.title}. The numbers are in the table below.`);
    keyed(this.legend, model.lines, (line) => line.key, () => el("li", {}, el("i", { "aria-hidden": true }), el("span"), el("b")), (item, line) => {
      setAttribute(item.firstChild, "class", `swatch ${model.bars ? `bar-${line.key}` : `line-${line.slot}`}`);
      setText(item.children[1], line.label);
    });
    const shape = JSON.stringify([model.bars, model.lines.map((line) => [line.key, line.slot, !!line.low, lonely(line)])]);
    if (this.#plot && shape === this.#shape) {
      this.#plot.setData(this.#data());
      const { left, top } = this.#plot.cursor;
      if (left >= 0) this.#plot.setCursor({ left, top });
    } else {
      this.#shape = shape;
      this.#build();
    }
    this.#point(this.#plot?.cursor.idx ?? null);
    this.#table();
  }

  #table() {
    if (!this.numbers.open || !this.#model) return;
    setAttribute(this.numbers.lastChild, "aria-label", `${this.#model.title}, numbers`);
    drawNumbers(this.numbers.lastChild, this.#model);
  }

  #size() {
    return { width: Math.floor(this.canvas.clientWidth), height: Math.floor(this.canvas.clientHeight) };
  }

  #resize() {
    const size = this.#size();
    if (!size.width || !this.#model) return;
    if (this.#plot) this.#plot.setSize(size);
    else this.#build();
  }

  /** The values under the pointer, otherwise those at rest: the latest complete ones if the model does not say. */
  #point(index) {
    const { lines, x, long, format, rest } = this.#model;
    const complete = (at) => lines.some((line) => line.values[at] !== null && !line.open?.[at]);
    const last = x.findLastIndex((_, place) => complete(place));
    const at = index ?? Math.min(rest ?? last, last);
    const open = at >= 0 && lines.some((line) => line.open?.[at]);
    setText(this.when, at < 0 || at >= x.length ? "" : `${long(x[at])}${open ? ", still open" : ""}`);
    lines.forEach((line, place) => setText(this.legend.children[place].lastChild, format(line.values[at] ?? null)));
  }

  #data() {
    const { x, lines } = this.#model;
    const columns = lines.flatMap((line) => {
      const drawn = line.stacked ?? line.values;
      const open = (at) => Boolean(line.open?.[at]);
      const joins = (at) => open(at) || (!this.#model.bars && open(at + 1));
      const both = [pick(drawn, (at) => !open(at)), pick(drawn, joins)];
      return line.low ? [...both, line.high, line.low] : both;
    });
    return [x, ...columns];
  }

  #build() {
    const size = this.#size();
    if (!size.width) return;
    this.#plot?.destroy();
    const series = [{}], bands = [];
    const veil = VEILS[this.#model.lines.length] ?? "0d"; // many bands over each other would hide the lines
    for (const line of this.#model.lines) {
      series.push(...this.#series(line));
      if (!line.low) continue;
      bands.push({ series: [series.length, series.length + 1], fill: `${color(`--line-${line.slot}`)}${veil}` });
      series.push({ stroke: null, points: { show: false } }, { stroke: null, points: { show: false } });
    }
    const pad = this.#model.bars ? 0.6 : 0;
    this.#plot = new uPlot({
      ...size, series, bands,
      legend: { show: false },
      padding: [10, 22, 0, 0],
      cursor: { y: false, drag: { x: false, y: false }, points: { show: !this.#model.bars, size: 7 } },
      scales: {
        x: { time: false, range: (_, least, most) => [least - pad - (least === most ? 0.5 : 0), most + pad + (least === most ? 0.5 : 0)] },
        y: { range: () => this.#heights() },
      },
      axes: this.#axes(),
      hooks: { setCursor: [(plot) => this.#point(plot.cursor.idx ?? null)] },
    }, this.#data(), this.canvas);
  }

  /** From 0 to the highest value or end of an interval: a band that the axis cuts would look as if it ended there. */
  #heights() {
    const { lines, most = Infinity } = this.#model;
    const drawn = lines.flatMap((line) => [...(line.stacked ?? line.values), ...(line.high ?? [])]).filter((value) => value !== null);
    if (!drawn.length) return [0, 1];
    const [least, highest] = uPlot.rangeNum(Math.min(0, ...drawn), Math.max(0, ...drawn) || 1, 0.08, true);
    return [least, Math.min(highest, most)];
  }

  #series(line) {
    const { key, slot } = line;
    const stroke = color(this.#model.bars ? `--life-${key}` : `--line-${slot}`);
    if (this.#model.bars) {
      const paths = uPlot.paths.bars({ size: [0.72, 36] });
      return [
        { paths, fill: stroke, stroke, width: 0, points: { show: false } },
        { paths, fill: (plot) => hatch(plot.ctx, stroke), stroke, width: 1, points: { show: false } },
      ];
    }
    const width = slot === 0 ? 2.25 : 1.5;
    return [
      { stroke, width, dash: DASHES[slot % DASHES.length], points: { show: lonely(line), size: 7, fill: stroke } },
      { stroke, width, dash: OPEN_DASH, points: { show: false } },
    ];
  }

  #axes() {
    const common = { stroke: color("--muted"), font: FONT, grid: { stroke: color("--line"), width: 1 }, ticks: { show: false } };
    return [
      {
        ...common, grid: { show: false }, size: 28,
        splits: (plot) => {
          const { x } = this.#model;
          const wanted = x.length / Math.max(2, Math.floor(plot.width / LABEL_PX));
          const stride = STRIDES.find((one) => one >= wanted) ?? Math.ceil(wanted);
          return x.filter((_, at) => at % stride === 0);
        },
        values: (_, splits) => splits.map((at) => this.#model.label(at)),
      },
      {
        ...common, gap: 6, space: 36,
        size: (_, values) => 16 + 6.4 * Math.max(3, ...(values ?? []).map((text) => text.length)),
        values: (_, splits) => splits.map((value) => this.#model.axis(value)),
      },
    ];
  }
}

/** Whether a line is one point, and so none that can be seen. */
const lonely = ({ values, open }) => values.filter((value, at) => value !== null && !open?.[at]).length === 1;

/** Stripes for what is still open, so that it differs by more than its shade. */
function hatch(context, stroke) {
  const tile = document.createElement("canvas");
  const ratio = Math.max(1, Math.round(devicePixelRatio));
  tile.width = tile.height = 6 * ratio;
  const pen = tile.getContext("2d");
  pen.strokeStyle = stroke;
  pen.lineWidth = 1.5 * ratio;
  for (const shift of [-1, 0, 1]) {
    pen.moveTo(shift * tile.width, tile.width);
    pen.lineTo((shift + 1) * tile.width, 0);
  }
  pen.stroke();
  return context.createPattern(tile, "repeat");
}
