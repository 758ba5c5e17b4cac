// Times in the reader's language and the agent's zone. Thai counts Buddhist years by itself ("th" → ca-buddhist).

const language = document.documentElement.lang || "en";
// The browser knows the region: "en-GB" counts 24 hours where "en" has AM and PM.
const regional = navigator.languages.find((one) => one.split("-")[0] === language) ?? language;
const locale = language.startsWith("th") ? "th-TH-u-ca-buddhist-nu-latn" : regional;
const timeZone = document.body.dataset.zone || undefined;

function format(options) {
  try {
    return new Intl.DateTimeFormat(locale, { timeZone, ...options });
  } catch {
    return new Intl.DateTimeFormat(locale, options);
  }
}

const clock = format({ hour: "2-digit", minute: "2-digit" });
const dayMonth = format({ day: "numeric", month: "short" });
const date = format({ day: "numeric", month: "short", year: "numeric" });
const weekday = format({ weekday: "long", day: "numeric", month: "long" });
const weekdayYear = format({ weekday: "long", day: "numeric", month: "long", year: "numeric" });
const soon = format({ weekday: "short", hour: "2-digit", minute: "2-digit" });
const exact = format({ dateStyle: "full", timeStyle: "medium" });
const isoDay = new Intl.DateTimeFormat("en-CA", { timeZone: format({}).resolvedOptions().timeZone });
const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
const units = ["second", "minute", "hour", "day"];
const spans = Object.fromEntries(
  units.map((unit) => [unit, new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "narrow" })]),
);

export function dayOf(at) {
  return isoDay.format(at);
}

function daysAgo(at, now) {
  return Math.round((Date.parse(dayOf(now)) - Date.parse(dayOf(at))) / 86400000);
}

function sameYear(at, now) {
  return dayOf(at).slice(0, 4) === dayOf(now).slice(0, 4);
}

function span(seconds) {
  const s = Math.max(seconds, 0);
  if (s < 60) return spans.minute.format(0);
  if (s < 3600) return spans.minute.format(Math.floor(s / 60));
  if (s < 86400) return spans.hour.format(Math.floor(s / 3600));
  return spans.day.format(Math.floor(s / 86400));
}

const shown = {
  time: (at) => clock.format(at),
  day(at, now) {
    const days = daysAgo(at, now);
    if (days === 0 || days === 1) return capital(relative.format(-days, "day"));
    return (sameYear(at, now) ? weekday : weekdayYear).format(at);
  },
  age(at, now) {
    const days = daysAgo(at, now);
    if (days <= 0) return clock.format(at);
    if (days === 1) return capital(relative.format(-1, "day"));
    return (sameYear(at, now) ? dayMonth : date).format(at);
  },
  date: (at) => date.format(at),
  span: (at, now) => span((now - at) / 1000),
  until: (at, now) => (at - now < 6 * 86400000 ? soon.format(at) : `${dayMonth.format(at)} ${clock.format(at)}`),
};

function capital(text) {
  return text.charAt(0).toLocaleUpperCase(locale) + text.slice(1);
}

export function label(at, as) {
  return shown[as](at, new Date());
}

/** Rewrite every <time data-as> below. */
export function localise(root = document) {
  const now = new Date();
  for (const element of root.querySelectorAll("time[data-as]")) {
    const at = new Date(element.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    const text = shown[element.dataset.as]?.(at, now);
    if (text && element.textContent !== text) element.textContent = text;
    if (!element.title) element.title = exact.format(at);
  }
}

setInterval(() => document.visibilityState === "visible" && localise(), 30000);
