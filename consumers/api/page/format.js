// How are numbers, dates and money written? In one way on the whole page; dates are those of the app's zone.

const COUNT = new Intl.NumberFormat("en");
const SHORT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const PERCENT = new Intl.NumberFormat("en", { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
const WHOLE = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 0 });
const DAY = new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", day: "numeric", month: "short" });
const WEEKDAY = new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", weekday: "short" });
const LONG_DAY = new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", weekday: "short", day: "numeric", month: "short", year: "numeric" });
const MONTH = new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", month: "short", year: "numeric" });
const NONE = "–";
const DAY_MS = 86_400_000;

export const LETTER = { hour: "H", day: "D", week: "W", month: "M" };

export const count = (number) => (number === null || number === undefined ? NONE : COUNT.format(number));
export const short = (number) => (number === null || number === undefined ? NONE : SHORT.format(number));
export const percent = (rate) => (rate === null || rate === undefined ? NONE : PERCENT.format(rate));
export const wholePercent = (rate) => WHOLE.format(rate);

/** "38.1–40.3 %", the interval of a rate; empty without one. */
export const interval = (low, high) =>
  low === null || low === undefined ? "" : `${(low * 100).toFixed(1)}–${(high * 100).toFixed(1)} %`;

/**
 * Money as the interface gives it: decimal text, never a float on its way to the screen. It has as many digits as there: an average
 * has more than coins have, and of some currencies browsers know only what is in use (COP, HUF, PKR).
 */
export function money(text, currency) {
  if (text === null || text === undefined) return NONE;
  const digits = text.split(".")[1]?.length;
  return new Intl.NumberFormat("en", {
    style: "currency", currency, currencyDisplay: "narrowSymbol", minimumFractionDigits: digits, maximumFractionDigits: digits,
  }).format(text);
}

/** Money for narrow places. */
export const shortMoney = (number, currency) =>
  new Intl.NumberFormat("en", {
    style: "currency", currency, currencyDisplay: "narrowSymbol", notation: "compact", maximumSignificantDigits: 3,
  }).format(number);

const at = (iso) => new Date(`${iso}T00:00:00Z`);

/** The day of the calendar as a whole number. */
export const dayNumber = (iso) => at(iso).getTime() / DAY_MS;

/** The ISO date of a day number. */
export const isoDay = (number) => new Date(number * DAY_MS).toISOString().slice(0, 10);

/** A period by its first date (an instant for hours), as narrow as it stays clear. */
export function period(text, kind, zone = "UTC") {
  if (kind === "hour") return clock(new Date(text), zone, false);
  return (kind === "month" ? MONTH : DAY).format(at(text));
}

/** The same for a row of a table: days with their weekday, which is what makes them differ. */
export const rowPeriod = (text, kind, zone) =>
  kind === "day" ? `${WEEKDAY.format(at(text))} ${DAY.format(at(text))}` : period(text, kind, zone);

/** A period by its first date, in full. */
export function longPeriod(text, kind, zone = "UTC") {
  if (kind === "hour") return clock(new Date(text), zone, false);
  if (kind === "month") return MONTH.format(at(text));
  return kind === "week" ? `week of ${LONG_DAY.format(at(text))}` : LONG_DAY.format(at(text));
}

/** An instant in a zone: "20 Nov, 14:00", or with seconds only the time of day. */
export function clock(instant, zone, seconds = true) {
  const wanted = seconds ? { timeStyle: "medium" } : { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" };
  return new Intl.DateTimeFormat("en-GB", { ...wanted, timeZone: known(zone) }).format(instant);
}

/** The local date of an instant. */
export const today = (instant, zone) => new Intl.DateTimeFormat("en-CA", { timeZone: known(zone) }).format(instant);

function known(zone) {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return zone;
  } catch {
    return "UTC"; // a zone younger than the browser
  }
}
