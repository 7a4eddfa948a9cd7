// Which questions does a state ask of the interface? One function a source; parameters that are the default are left out.

import { dayNumber, isoDay } from "./format.js";
import { CUSTOM, DEFAULTS } from "./state.js";

/** How many days "Recent" reaches back; empty is what the interface does by itself, 30 days. */
const RECENT_DAYS = { hour: 2, day: "", week: 84, month: 365 };
/** The same of the triangle: as many as in `retention report`, so that numbers are the same there, and D30 has some. */
const COHORT_DAYS = { ...RECENT_DAYS, day: 36 };
const RECENT_TEXT = { hour: "Today and yesterday", day: "Last 30 days (cohorts: 36)", week: "Last 12 weeks", month: "Last 12 months" };
/** Columns that a table on a screen bears. */
const PERIODS_MAX = { hour: 48, day: 60, week: 26, month: 12 };

/** What "Recent" means for a period. */
export const recentText = (period) => RECENT_TEXT[period] ?? RECENT_TEXT.day;

/** The question behind each source as {path, parameters}; `today` is the app's local date. */
export const QUESTIONS = {
  retention: (state, today) => ({
    path: "/api/v1/retention",
    parameters: {
      ...range(state, today, state.period, COHORT_DAYS),
      ...given(state, "period", "week_start", "cohort", "return", "criterion", "window", "brackets", "preset", "where", "breakdown"),
      ...(state.brackets ? {} : { periods: PERIODS_MAX[state.period] ?? PERIODS_MAX.day }),
    },
  }),
  active: (state, today) => ({
    path: "/api/v1/active",
    parameters: {
      ...range(state, today, state.activity),
      ...(state.activity === "day" ? {} : { period: state.activity }),
      ...given(state, "week_start"),
    },
  }),
  crr: (state, today) => ({
    path: "/api/v1/crr",
    parameters: { ...wholeRange(state, today), ...given(state, "population", "where") },
  }),
  revenue: (state, today) => ({
    path: "/api/v1/revenue",
    parameters: {
      ...range(state, today, state.period),
      ...(["week", "month"].includes(state.period) ? { period: state.period } : {}),
      ...(state.buyers === "install" ? {} : { cohort: state.buyers }),
      ...given(state, "week_start", "where"),
    },
  }),
  feedback: (state, today) => ({ path: "/api/v1/feedback", parameters: range(state, today, state.period) }),
};

/** The address of a question for an app. */
export function address({ path, parameters }, app) {
  return `${path}?${new URLSearchParams({ app, ...parameters })}`;
}

function range(state, today, period, recent = RECENT_DAYS) {
  if (state.last === CUSTOM) return given(state, "from", "to");
  const days = Number(state.last || (recent[period] ?? ""));
  return days ? { from: isoDay(dayNumber(today) - days + 1) } : {};
}

/** The same days, but ended: who stayed is known only of a range that is over. */
function wholeRange(state, today) {
  if (state.last === CUSTOM) return given(state, "from", "to");
  const days = Number(state.last || RECENT_DAYS[state.period] || 30);
  return { from: isoDay(dayNumber(today) - days), to: isoDay(dayNumber(today) - 1) };
}

function given(state, ...names) {
  return Object.fromEntries(names.filter((name) => state[name] !== DEFAULTS[name]).map((name) => [name, state[name]]));
}
