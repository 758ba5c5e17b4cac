// What was written and is not yet known to be on the server: kept in this browser, sent in order, each once.
//
// Every item has an Idempotency-Key of its own, and keeps it whatever happens: a line that breaks, a page that is loaded
// again, a second tab that takes over. So it may be sent as often as need be, and arrives once.

import { ask, explain, forget, fragment, keep, kept, stored, words } from "./web.js";

const me = document.body.dataset.agent;
const PREFIX = `out:${me}:`;
const WAITS = [1000, 2000, 4000, 8000, 15000];
const TRIES = 5;
const PATIENCE = 30000;
const AT_ONCE = 60000;
// The server knows a key for a day.
const KEY_KNOWN = 23 * 3600000;

class Outbox extends EventTarget {
  constructor() {
    super();
    this.items = new Map();
    this.working = new Set();
    this.wakers = new Set();
    this.composer = null;
    this.read();
    window.addEventListener("storage", (event) => event.key?.startsWith(PREFIX) && this.heard(event));
    window.addEventListener("online", () => this.wake());
    window.addEventListener("beforeunload", (event) => [...this.items.values()].some((one) => one.loose) && event.preventDefault());
  }

  /** What other tabs, or this one before it was loaded again, left behind. */
  read() {
    for (const name of stored()) {
      const item = name.startsWith(PREFIX) ? kept(name) : null;
      if (item?.key) this.items.set(item.key, item);
    }
  }

  heard(event) {
    const key = event.key.slice(PREFIX.length);
    const item = event.newValue ? kept(event.key) : null;
    if (item) this.items.set(key, item);
    else this.items.delete(key);
    this.tell(item ?? { key }, !item);
    // Should the tab that has it be closed, this one goes on.
    if (item && item.state !== "failed") this.work(item.ticket);
  }

  of(ticket) {
    return [...this.items.values()].filter((item) => item.ticket === ticket).sort((one, other) => one.at - other.at);
  }

  start() {
    for (const item of this.items.values()) if (isDue(item)) this.work(item.ticket);
  }

  add(item) {
    item.at = Math.max(item.at, ...this.of(item.ticket).map((one) => one.at + 1));
    this.change(item, { state: "waiting" });
    this.work(item.ticket);
  }

  change(item, values) {
    Object.assign(item, values);
    this.items.set(item.key, item);
    item.loose = !keep(PREFIX + item.key, { ...item, loose: undefined });
    this.tell(item);
  }

  drop(key) {
    const item = this.items.get(key);
    this.items.delete(key);
    forget(PREFIX + key);
    if (item) this.tell(item, true);
    this.wake();
  }

  tell(item, gone = false) {
    this.dispatchEvent(new CustomEvent("change", { detail: { item, gone } }));
    window.dispatchEvent(new CustomEvent("desk:kept"));
  }

  /** Once more, with what the agent has seen by now. */
  again(item, seen) {
    const { key } = item;
    if (item.spent) this.drop(key);
    this.change(item, { state: "waiting", seen, line: false, tries: 0, ...(item.spent ? { key: crypto.randomUUID?.() ?? `${key}.`, spent: false } : {}) });
    this.work(item.ticket);
  }

  // One after the other in each ticket, and in one tab alone where the browser can see to that.

  async work(ticket) {
    if (this.working.has(ticket)) return;
    this.working.add(ticket);
    const act = async () => {
      this.read();
      for (let item = this.next(ticket); item; item = this.next(ticket)) await this.attempt(item);
    };
    try {
      await (navigator.locks ? navigator.locks.request(PREFIX + ticket, act) : act());
    } finally {
      this.working.delete(ticket);
    }
    if (this.next(ticket)) this.work(ticket);
  }

  next(ticket) {
    return this.of(ticket).find(isDue);
  }

  async attempt(item) {
    if (item.tried && Date.now() - item.at > KEY_KNOWN) return this.fail(item, words("notKnown"));
    if (!navigator.onLine) {
      this.change(item, { state: "waiting", line: true });
      return this.pause(WAITS.at(-1));
    }
    this.change(item, { state: "sending", tried: true });
    let response;
    let body;
    try {
      response = await post(item);
      body = await response.text();
    } catch {
      return this.noLine(item);
    }
    // Its row was on the page before the answer was.
    if (!this.items.has(item.key)) return;
    if (response.ok) return this.accepted(item, JSON.parse(body).id);
    const passing = response.status >= 500 || response.status === 408 || response.status === 429;
    if (passing && (item.tries ?? 0) < TRIES) return this.noLine(item);
    this.refused(item, response.status, body);
  }

  /** Nobody knows whether it arrived: it waits and is sent again under its own key. */
  noLine(item) {
    const tries = (item.tries ?? 0) + 1;
    if (!this.items.has(item.key)) return;
    this.change(item, { state: "waiting", line: true, tries });
    return this.pause(WAITS[Math.min(tries, WAITS.length) - 1]);
  }

  pause(time) {
    return new Promise((done) => {
      const wake = () => (clearTimeout(timer), this.wakers.delete(wake), done());
      const timer = setTimeout(wake, time);
      this.wakers.add(wake);
    });
  }

  wake() {
    for (const wake of [...this.wakers]) wake();
  }

  accepted(item, id) {
    this.change(item, { state: "accepted", id, line: false });
    document.getElementById("said").textContent = words(item.kind === "note" ? "noteSaved" : "sent");
    if (this.composer?.ticket === item.ticket) this.composer.desk.news();
    // Its row takes its place; where that is not on the page nobody waits for it.
    setTimeout(() => this.drop(item.key), AT_ONCE);
  }

  refused(item, status, body) {
    const html = status === 409 && body.trimStart().startsWith("<") ? body : "";
    const given = html ? { words: fragment(html).querySelector("b")?.textContent } : parsed(body);
    const why = status === 401 ? explain(status, body) : (given.words ?? words(OURS[status] ?? "failed"));
    this.holdBack(item);
    if (this.composer?.ticket === item.ticket && this.composer.takeBack(item, why, html)) {
      if (html) this.composer.desk.news();
      return this.drop(item.key);
    }
    this.fail(item, why, given.code === "sent");
  }

  fail(item, why, spent = false) {
    this.change(item, { state: "failed", why, spent, line: false });
    document.getElementById("said").textContent = `${words("notSent", { number: item.ticket })} ${why}`;
  }

  /** What was written behind a reply that did not go must not go without it. */
  holdBack(item) {
    if (item.kind === "note") return;
    for (const other of this.of(item.ticket)) {
      if (other.kind !== "note" && other.at > item.at && isDue(other)) this.change(other, { state: "failed", why: words("heldBack") });
    }
  }
}

const OURS = { 403: "tooOld", 404: "ticketGone", 413: "textTooLong" };

function isDue(item) {
  return item.state === "waiting" || item.state === "sending";
}

function parsed(body) {
  try {
    return JSON.parse(body);
  } catch {
    // A whole page: our own words stand for it.
    return {};
  }
}

async function post(item) {
  const body = new FormData();
  for (const name of ["kind", "seen", "key"]) body.append(name, item[name]);
  // A template's words are the platform's: only what stands in its blanks is sent.
  body.append("text", item.template ? "" : item.text);
  body.append("agent", me);
  for (const [name, value] of Object.entries(item.copies ?? {})) body.append(name, value);
  if (item.quote) body.append("reply_to", item.quote.id);
  for (const name of ["cc", "bcc"]) if (item[name] !== undefined) body.append(name, item[name]);
  for (const file of item.files) body.append("attachments", file.id);
  for (const title of item.buttons ?? []) body.append("button", title);
  if (item.template) {
    body.append("template", item.template.name);
    body.append("template_language", item.template.language);
    for (const [name, value] of Object.entries(item.template.values)) body.append(`var-${name}`, value);
  }
  // A page that is left in this moment has sent all the same, as far as the browser lets it.
  const keepalive = [...body.values()].reduce((sum, one) => sum + one.length, 0) < 15000;
  return ask(`/tickets/${item.ticket}/messages/`, { method: "POST", body, keepalive, signal: AbortSignal.timeout(PATIENCE) });
}

export const outbox = new Outbox();
