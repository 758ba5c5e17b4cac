// Requests to our own pages, the page's words, and the short messages at its edge.

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

/** What an answer that is no success means, said once and in words. Gives the words. */
export function explain(status, body) {
  let given = {};
  try {
    given = JSON.parse(body);
  } catch {
    // Not ours, or a whole page: our own words stand for it.
  }
  const here = location.pathname + location.search;
  if (status === 401) {
    const link = { href: `${given.sign_in ?? "/accounts/login/"}?next=${encodeURIComponent(here)}`, text: words("signIn") };
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

let pressed = Promise.resolve();
let release = () => {};
document.addEventListener("pointerdown", () => (pressed = new Promise((done) => (release = done))), true);
// The click comes right behind: whoever waits must not take its target away before.
for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, () => setTimeout(release, 50), true);

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
