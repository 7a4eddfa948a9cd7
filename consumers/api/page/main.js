// How do the parts of the page work together? The state asks questions, answers are drawn, and what was counted asks again.

import { drawAbsence } from "./absence.js";
import { Activity } from "./activity.js";
import { drawChurn, drawFeedback } from "./churn.js";
import { COHORTS_MAX, Curves } from "./curves.js";
import { $, $$, setAttribute, setOptions, setText } from "./dom.js";
import { Explorer } from "./explorer.js";
import { drawKeyFigures } from "./figures.js";
import { Filters } from "./filters.js";
import { clock, count, today } from "./format.js";
import { drawHealth } from "./health.js";
import { drawLegend } from "./heat.js";
import { key } from "./key.js";
import { Live } from "./live.js";
import { QUESTIONS, address, recentText } from "./questions.js";
import { Revenue } from "./revenue.js";
import { Source, ask } from "./source.js";
import { CUSTOM, DEFAULTS, PRESET_WORDS, State, list } from "./state.js";
import { drawTriangle } from "./triangle.js";

const USUAL_APP = "demo"; // the one of `retention report`
const STATUS_MS = 300;
const STRANGE_MAX = 5, STRANGE_LETTERS_MAX = 60; // what is told of an address that says too much
const APPS_MS = 10_000; // how old the list of apps may be when something was counted

const state = new State(wordsOf($$("select[data-param]")));
const filters = new Filters(state);
const curves = new Curves($("#curves"));
const activity = new Activity();
const revenue = new Revenue($("#revenue"));
const live = new Live({ onStatus: looked, onChange: counted });
const expanded = new Set(); // segments whose cohorts show
const explorer = new Explorer($("#triangle"), $("#tip"), {
  onCohort: (cohort) => {
    const chosen = list(state.now.curve);
    const others = chosen.filter((one) => one !== cohort);
    state.set({ curve: (others.length < chosen.length ? others : [...chosen, cohort].slice(-COHORTS_MAX)).join() });
  },
  onSegment: (segment) => {
    if (!expanded.delete(segment)) expanded.add(segment);
    drawRetention({ same: false });
  },
});
let zones = new Map(); // app -> zone
let appsAt = -Infinity; // when the apps were asked for

const DRAW = {
  retention: drawRetention,
  active: () => activity.draw(sources.active.data, state.now.activity),
  crr: () => drawChurn(sources.crr.data, state.now.population),
  revenue: () => revenue.draw(sources.revenue.data, state.now.currency, ["week", "month"].includes(state.now.period) ? state.now.period : "day"),
  feedback: () => drawFeedback(sources.feedback.data),
};

const sources = Object.fromEntries(
  Object.keys(QUESTIONS).map((name) => [
    name,
    new Source({
      onAnswer: (data, how) => {
        // Shown before it is drawn: a chart wants to know how wide it may be.
        setText($(`[data-note=${name}]`), "");
        for (const box of $$(`[data-body=${name}]`)) box.hidden = false;
        DRAW[name](how);
        drawKeyFigures(answers());
        drawAbsence(answers(), state.now, [...zones.keys()]);
      },
      onTrouble: (detail, lasting) => trouble(name, detail, lasting),
      onBusy: (busy) => $$(`[data-body=${name}]`).forEach((box) => setAttribute(box, "aria-busy", busy ? "true" : null)),
    }),
  ]),
);

const answers = () => Object.fromEntries(Object.entries(sources).map(([name, source]) => [name, source.data]));

function drawRetention({ same = false } = {}) {
  const answer = sources.retention.data;
  if (!answer) return;
  const currencies = [...new Set(answer.rows.flatMap((row) => row.cells.flatMap((cell) => Object.keys(cell.revenue ?? {}))))].sort();
  const shows = [["rate", "Rates"], ["users", "Users"], ...currencies.map((name) => [name, `Revenue, ${name}`])];
  const show = shows.some(([value]) => value === state.now.show) ? state.now.show : "rate";
  setOptions($("#show"), shows, show);
  const chosen = list(state.now.curve);
  const cohorts = new Set(answer.rows.map((row) => row.cohort)).size;
  const hint = state.now.breakdown ? "Open a segment to see its cohorts." : "Choose some to draw their curves below.";
  for (const about of $$("#triangle-about, #triangle caption")) {
    setText(about, `${count(cohorts)} cohorts, newest first, dates in ${answer.timezone}. ${hint} Arrow keys move between cells.`);
  }
  setText($("#definition"), answer.definition ?? "");
  drawControls(state.now);
  drawTriangle($("#triangle"), answer, { show, chosen, expanded, flash: same });
  drawLegend($("#heat-legend"), answer);
  explorer.update(answer);
  curves.draw(answer, chosen);
}

function trouble(name, detail, lasting) {
  const note = $(`[data-note=${name}]`);
  const kept = sources[name].data !== null;
  setText(note, !detail ? "" : lasting || !kept ? `No numbers here: ${detail}.` : `These are the last numbers: ${detail}.`);
  setAttribute(note, "hidden", !detail);
  for (const box of $$(`[data-body=${name}]`)) setAttribute(box, "hidden", !kept && Boolean(detail));
  if (!detail) return;
  drawKeyFigures(answers());
  drawAbsence(answers(), state.now, [...zones.keys()]);
}

function looked(answer, away) {
  drawHealth(answer, away);
  tell();
}

/** The words of the pickers that have theirs in the page itself; the other ones get theirs from answers. */
function wordsOf(pickers) {
  const fixed = pickers.filter((picker) => picker.options.length > 1);
  return Object.fromEntries(fixed.map((picker) => [picker.dataset.param, [...picker.options].map((option) => option.value)]));
}

/** The time that the numbers are of, in the app's zone. */
function tell() {
  const zone = zones.get(state.now.app) ?? "UTC";
  setText($("#clock"), document.body.dataset.away === undefined ? `${clock(live.now(), zone)} ${zone}` : "");
}

async function counted() {
  if (!zones.has(state.now.app) || performance.now() - appsAt > APPS_MS) await findApps();
  question(state.now); // the app's date may be another one now
  for (const source of Object.values(sources)) source.touch();
}

async function findApps() {
  const answer = await ask("/api/v1/apps");
  if (answer.status !== 200) return;
  appsAt = performance.now();
  const { apps, dimensions } = answer.data;
  zones = new Map(apps.map(({ app, timezone }) => [app, timezone]));
  $("#empty").hidden = apps.length > 0;
  filters.offer(dimensions);
  if (!state.now.app && apps.length) state.set({ app: zones.has(USUAL_APP) ? USUAL_APP : apps[0].app }, { quietly: true });
  const { app } = state.now;
  const names = [...zones.keys()];
  setOptions($("#app"), (names.includes(app) || !app ? names : [...names, app]).map((name) => [name, name]), app);
}

function question(now) {
  if (!now.app) return;
  const date = today(live.now(), zones.get(now.app) ?? "UTC");
  for (const [name, source] of Object.entries(sources)) {
    const url = address(QUESTIONS[name](now, date), now.app);
    source.become(url);
    const link = $(`[data-json=${name}]`);
    if (link) setAttribute(link, "href", url);
  }
}

/** The state in the words that are in force: a preset fills in what was not said. */
function inForce(now) {
  const answer = sources.retention.data;
  if (!now.preset || answer?.preset !== now.preset) return now;
  return { ...now, ...Object.fromEntries(PRESET_WORDS.map((name) => [name, answer[name] ?? now[name]])) };
}

/** A choice of the reader. A preset begins with its own words; one word changed, and it is no longer that preset. */
function choose(name, value) {
  const usual = Object.fromEntries(PRESET_WORDS.map((word) => [word, DEFAULTS[word]]));
  if (name === "preset") return state.set({ ...usual, brackets: "", preset: value });
  const words = PRESET_WORDS.includes(name) && state.now.preset ? { ...inForce(state.now), preset: "" } : {};
  const dates = name === "last" && value !== CUSTOM ? { from: "", to: "" } : {};
  return state.set({ ...words, ...dates, [name]: value });
}

function drawControls(now) {
  setText($("#last option[value='']"), recentText(now.period));
  const words = inForce(now);
  for (const control of $$("[data-param]")) {
    const value = words[control.dataset.param];
    // What an answer offers (currencies) may not hold the wish; it is chosen where the answer is drawn.
    const offered = !control.options || [...control.options].some((option) => option.value === value);
    if (offered && control.value !== value) control.value = value;
  }
  for (const box of $$("[data-if]")) {
    const [name, value] = box.dataset.if.split("=");
    box.hidden = now[name] !== value;
  }
  setText($("#strange"), strangeText(state.strange));
  $("#strange").hidden = state.strange.length === 0;
  $("[data-unfiltered]").hidden = !now.where;
  filters.draw(now);
  document.title = now.app ? `${now.app} · Retention` : "Retention";
}

function strangeText(pairs) {
  const told = pairs.slice(0, STRANGE_MAX).map(([name, value]) => `${name}=${value}`.slice(0, STRANGE_LETTERS_MAX));
  const more = pairs.length > told.length ? ` and ${count(pairs.length - told.length)} more` : "";
  return `Left out of the address, since this page does not know what to show for it: ${told.join(", ")}${more}.`;
}

state.listen((now) => {
  drawControls(now);
  question(now);
  for (const [name, source] of Object.entries(sources)) if (source.data) DRAW[name]({ same: false });
});
for (const control of $$("[data-param]")) {
  control.addEventListener("change", () => choose(control.dataset.param, control.value.trim()));
}
for (const link of $$(".json")) {
  // A link cannot show the key: what it leads to is fetched, and opened from here.
  link.addEventListener("click", async (event) => {
    if (!key.headers.Authorization) return;
    event.preventDefault();
    const { text, status } = await ask(link.href);
    if (status === 200) open(URL.createObjectURL(new Blob([text], { type: "application/json" })));
  });
}
key.onKey = async () => {
  appsAt = -Infinity;
  live.look();
  await counted();
};
drawControls(state.now);
await findApps();
live.start(); // the first status asks all questions; numbers are shown also where it takes its time, as without Kafka
setTimeout(() => question(state.now), STATUS_MS);
