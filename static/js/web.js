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

export function toast(text, { bad = false, link = null } = {}) {
  const place = document.getElementById("toasts");
  const shown = document.createElement("p");
  shown.className = bad ? "toast bad" : "toast";
  shown.textContent = text;
  if (link) {
    const anchor = document.createElement("a");
    anchor.href = link.href;
    anchor.textContent = link.text;
    shown.append(" ", anchor);
  }
  for (const other of place.children) if (other.textContent === shown.textContent) other.remove();
  place.append(shown);
  while (place.children.length > 3) place.firstElementChild.remove();
  if (!link) setTimeout(() => shown.remove(), bad ? 10000 : 4000);
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

/** A request for a part of a page; never follows a redirect to the sign-in page. */
export function ask(url, options = {}) {
  const headers = { "X-Requested-With": "fetch", ...options.headers };
  if (options.method === "POST") headers["X-CSRFToken"] = csrf();
  return fetch(url, { credentials: "same-origin", ...options, headers });
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
