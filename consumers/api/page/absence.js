// Why is there nothing to see? An app that nobody has heard of, days without anybody, or a cohort that this app's events never begin.

import { $, setAttribute, setText } from "./dom.js";

/** Whether the cohorts of an answer are empty, all of them: then nothing is "not over yet", there is nobody. */
export const isEmpty = (answer) => answer.rows.every((row) => row.size === 0);

/** Why a range has no retention rate, as the terminal says it; null where it has one. */
export const withoutRate = ({ crr, complete }) => (crr !== null ? null : complete ? "nobody was there before" : "the range still runs");

/** Says why the triangle is empty, where it is; `apps` are the names of those that have been counted. */
export function drawAbsence({ retention, active }, { app, where }, apps) {
  const empty = Boolean(retention) && isEmpty(retention);
  const isActive = Boolean(active?.rows.some((row) => row.dau > 0));
  // An app that sends sessions only has no cohorts of installs: it is not empty, and that is said.
  const uninstalled = empty && isActive && retention.cohort === "install" && !where;
  setAttribute($("#no-installs"), "hidden", !uninstalled);
  const why = empty && !uninstalled ? reason(app, where, apps) : "";
  setText($("#nobody"), why);
  setAttribute($("#nobody"), "hidden", !why);
}

function reason(app, where, apps) {
  if (!apps.length) return ""; // nothing at all has been counted, and the page says that
  if (!apps.includes(app)) return `No app “${app}” is known here: nothing has been counted of it. The picker App has those that are.`;
  if (where) return "Nobody in these days is in such a cohort and passes the filters. Other dates are chosen above, under Dates.";
  return "Nobody in these days is in such a cohort. Other dates are chosen above, under Dates.";
}
