// What every page of ours needs: requests, the page's words, the short messages at its edge, times as the reader writes them.

const texts = JSON.parse(document.getElementById("words")?.textContent ?? "{}");

/** A text of the page's language; {name} is filled in. */
export function words(name, values = {}) {
  return (texts[name] ?? name).replace(/\{(\w+)\}/g, (all, key) => values[key] ?? all);
}

/** Read at every use: a sign-in in another tab changes it. */
export function csrf() {
  return document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";
}

/** A word at the edge of the page. action: {text, key, act}, a button that takes it away; who is about to press it has time. */
export function toast(text, { bad = false, link = null, action = null } = {}) {
  const place = document.getElementById("toasts");
  const shown = document.createElement("p");
  shown.className = bad ? "toast bad" : "toast";
  shown.append(text);
  if (link) {
    const anchor = document.createElement("a");
    anchor.href = link.href;
    anchor.textContent = link.text;
    if (link.beside) anchor.target = "_blank";
    shown.append(" ", anchor);
  }
  if (action) shown.append(" ", actionButton(shown, action));
  for (const other of place.children) if (other.textContent === shown.textContent) other.remove();
  place.append(shown);
  while (place.children.length > 3) place.firstElementChild.remove();
  if (!link) fade(shown, action ? 8000 : bad ? 10000 : 4000);
  return shown;
}

function actionButton(shown, { text, key, act }) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = text;
  if (key) {
    button.setAttribute("aria-keyshortcuts", key);
    const hint = document.createElement("kbd");
    hint.textContent = key;
    hint.setAttribute("aria-hidden", "true");
    button.append(" ", hint);
  }
  button.addEventListener("click", () => {
    shown.remove();
    act();
  });
  return button;
}

/** Goes by itself, but not from under a pointer or the focus. */
function fade(shown, after) {
  setTimeout(() => (shown.matches(":hover, :focus-within") ? fade(shown, 2000) : shown.remove()), after);
}

/** What an answer that is no success means, said once and in words. Gives the words.
 *
 * beside: one signs in in a tab of its own, since what is typed on this page is kept nowhere else.
 */
export function explain(status, body, { beside = false } = {}) {
  let given = {};
  try {
    given = JSON.parse(body);
  } catch {
    // Not ours, or a whole page: our own words stand for it.
  }
  const here = location.pathname + location.search;
  if (status === 401) {
    const link = { href: `${given.sign_in ?? "/accounts/login/"}?next=${encodeURIComponent(here)}`, text: words("signIn"), beside };
    toast(given.words ?? words("sessionOver"), { bad: true, link });
    return given.words ?? words("sessionOver");
  }
  const text = given.words ?? (status === 403 ? words("tooOld") : words("failed"));
  toast(text, { bad: true });
  return text;
}

/** A request for a part of a page; never follows a redirect to the sign-in page.
 *
 * A token that is too old (a night, a sign-in in another tab) is fetched anew and the request made once more: it was
 * refused before anything was done.
 */
export async function ask(url, options = {}, again = false) {
  const headers = { "X-Requested-With": "fetch", ...options.headers };
  if (options.method === "POST") {
    headers["X-CSRFToken"] = csrf();
    // A form brings the token of the time when it was drawn, and the server looks at that one first.
    if (options.body?.has?.("csrfmiddlewaretoken")) options.body.set("csrfmiddlewaretoken", csrf());
  }
  const response = await fetch(url, { credentials: "same-origin", ...options, headers });
  if (again || response.status !== 403 || !response.headers.has("X-Token-Refused")) return response;
  await freshToken();
  return ask(url, options, true);
}

/** The answer sets the cookie. */
export function freshToken() {
  return fetch("/counts/", { credentials: "same-origin", headers: { "X-Requested-With": "fetch" } });
}

export function fragment(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

const AGAIN = 5000;

/** Where something was to come and did not: that it is not there, and a button. Asked again by itself, too. */
export function missing(place, again) {
  let shown = place;
  if (!place.matches(".missing")) {
    shown = document.getElementById("missing").content.firstElementChild.cloneNode(true);
    place.replaceWith(shown);
  }
  clearTimeout(shown.waiting);
  shown.waiting = setTimeout(() => shown.isConnected && again(), AGAIN);
  shown.querySelector("button").onclick = again;
}

let pressed = Promise.resolve();
let release = () => {};
const press = () => (pressed = new Promise((done) => (release = done)));
document.addEventListener("pointerdown", press, true);
// With the space bar a button is pressed when the key comes up.
document.addEventListener("keydown", (event) => event.key === " " && !event.repeat && event.target.closest?.("button, summary") && press(), true);
// The click comes right behind: whoever waits must not take its target away before.
for (const end of ["pointerup", "pointercancel", "keyup"]) document.addEventListener(end, () => setTimeout(release, 50), true);

/** While a button is held down nothing under it may be replaced, or the click is lost. At most two seconds. */
export function handsOff() {
  return Promise.race([pressed, new Promise((done) => setTimeout(done, 2000))]);
}

/** At most one call per `wait` ms, the last one always made. */
export function calm(wait, act) {
  let timer = 0;
  let last = -Infinity;
  return () => {
    if (timer) return;
    timer = setTimeout(() => {
      timer = 0;
      last = performance.now();
      act();
    }, Math.max(last + wait - performance.now(), 0));
  };
}

/** A drawing of the page's own, as the templates have them. */
export function icon(name, look = "") {
  const drawing = fragment('<svg class="i" aria-hidden="true"><use></use></svg>').firstChild;
  if (look) drawing.classList.add(look);
  drawing.firstElementChild.setAttribute("href", `#i-${name}`);
  return drawing;
}

// The browser's own store: full, or shut by its owner, it must not cost what is on the page.

export function stored() {
  try {
    return Object.keys(localStorage);
  } catch {
    return [];
  }
}

export function keep(name, value) {
  try {
    localStorage.setItem(name, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

export function forget(name) {
  try {
    localStorage.removeItem(name);
  } catch {
    // Then nothing was kept either.
  }
}

export function kept(name) {
  try {
    return JSON.parse(localStorage.getItem(name));
  } catch {
    return null;
  }
}

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

/** Made when it is first asked for: each costs the page's start a millisecond, and few are needed there. */
const later = (make) => {
  let made;
  return () => (made ??= make());
};

const clock = later(() => format({ hour: "2-digit", minute: "2-digit" }));
const dayMonth = later(() => format({ day: "numeric", month: "short" }));
const date = later(() => format({ day: "numeric", month: "short", year: "numeric" }));
const weekday = later(() => format({ weekday: "long", day: "numeric", month: "long" }));
const weekdayYear = later(() => format({ weekday: "long", day: "numeric", month: "long", year: "numeric" }));
const soon = later(() => format({ weekday: "short", hour: "2-digit", minute: "2-digit" }));
const exact = later(() => format({ dateStyle: "full", timeStyle: "medium" }));
const isoDay = later(() => new Intl.DateTimeFormat("en-CA", { timeZone: clock().resolvedOptions().timeZone }));
const relative = later(() => new Intl.RelativeTimeFormat(locale, { numeric: "auto" }));
const spanOf = (unit) => later(() => new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "narrow" }));
const [minutes, hours, daysLong] = ["minute", "hour", "day"].map(spanOf);

const QUARTER = 900000;
const MANY = 5000;
const days = new Map();

/** No zone's day begins within a quarter of an hour, so one answer does for all of it. */
export function dayOf(at) {
  const quarter = Math.floor(at / QUARTER);
  if (!days.has(quarter)) {
    if (days.size > MANY) days.clear();
    days.set(quarter, isoDay().format(at));
  }
  return days.get(quarter);
}

function daysAgo(at, now) {
  return Math.round((Date.parse(dayOf(now)) - Date.parse(dayOf(at))) / 86400000);
}

function sameYear(at, now) {
  return dayOf(at).slice(0, 4) === dayOf(now).slice(0, 4);
}

function span(seconds) {
  const s = Math.max(seconds, 0);
  if (s < 3600) return minutes().format(Math.floor(s / 60));
  if (s < 86400) return hours().format(Math.floor(s / 3600));
  return daysLong().format(Math.floor(s / 86400));
}

/** Hours with minutes while it is a matter of hours: "2 h 10 min". */
function fine(seconds) {
  const s = Math.max(seconds, 0);
  if (s < 3600 || s >= 86400) return span(s);
  const rest = Math.floor((s % 3600) / 60);
  return rest ? `${hours().format(Math.floor(s / 3600))} ${minutes().format(rest)}` : span(s);
}

const shown = {
  time: (at) => clock().format(at),
  day(at, now) {
    const days = daysAgo(at, now);
    if (days === 0 || days === 1) return capital(relative().format(-days, "day"));
    return (sameYear(at, now) ? weekday() : weekdayYear()).format(at);
  },
  age(at, now) {
    const days = daysAgo(at, now);
    if (days <= 0) return clock().format(at);
    if (days === 1) return capital(relative().format(-1, "day"));
    return (sameYear(at, now) ? dayMonth() : date()).format(at);
  },
  date: (at) => date().format(at),
  span: (at, now) => span((now - at) / 1000),
  due: (at, now) => words(at > now ? "timeLeft" : "timeOver", { time: fine(Math.abs(at - now) / 1000) }),
  until: (at, now) => (at - now < 6 * 86400000 ? soon().format(at) : `${dayMonth().format(at)} ${clock().format(at)}`),
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
  }
}

/** The whole of it is told to who points at it. */
document.addEventListener("pointerover", ({ target }) => {
  const time = target.closest?.("time[data-as]");
  const at = time && !time.title ? new Date(time.dateTime) : null;
  if (at && !Number.isNaN(at.getTime())) time.title = exact().format(at);
});

// The first of each kind reads its language for milliseconds: here, in another task than what the page does with it.
if (document.querySelector("time[data-as]")) {
  dayOf(new Date());
  span(0);
}

setInterval(() => document.visibilityState === "visible" && localise(), 30000);
