// The inbox: its panes and addresses, what is done to a ticket and undone, the keys.

import { Composer } from "./composer.js";
import { List } from "./list.js";
import { Live } from "./live.js";
import { Stream } from "./stream.js";
import { ask, calm, csrf, explain, fragment, freshToken, keep, kept, localise, missing, toast, words } from "./web.js";

const LOOK = 20000;
const SEEN = 1100;
const LATELY = 200;
const AT_WORK = 60000;
const $ = (selector) => document.querySelector(selector);
const wide = matchMedia("(min-width: 80rem)");

class Desk {
  constructor() {
    this.stream = null;
    this.composer = null;
    this.live = null;
    this.wasOffline = false;
    this.count = 0;
    this.list = new List(this);
    this.drawPanel(wide.matches && kept("panel") !== "off");
    wide.addEventListener("change", () => {
      this.drawPanel(wide.matches && kept("panel") !== "off");
      this.panel("show");
    });
    this.saySeen = calm(SEEN, () => this.seen());
    localise();
    this.ticketShown();
    if ($("#list").dataset.load) this.list.open($("#list").dataset.load);
    else this.list.shown();
    this.listen();
    setInterval(() => this.look(), LOOK);
    document.addEventListener("visibilitychange", () => {
      this.look();
      if (document.visibilityState === "visible") this.list.mark();
      else if (kept("telling")) telling();
    });
  }

  // Where we are.

  query(prefix = "?") {
    return this.list.query(prefix);
  }

  listen() {
    document.addEventListener("click", (event) => this.clicked(event));
    document.addEventListener("submit", (event) => this.submitted(event));
    document.addEventListener("keydown", (event) => this.key(event));
    document.addEventListener("toggle", (event) => this.menu(event), true);
    window.addEventListener("popstate", () => this.restore());
    for (const touch of ["keydown", "pointerdown", "pointermove"]) document.addEventListener(touch, () => this.atWork(), { passive: true });
    document.body.addEventListener("htmx:configRequest", ({ detail }) => {
      detail.headers["X-CSRFToken"] = csrf();
      if ("csrfmiddlewaretoken" in detail.parameters) detail.parameters.csrfmiddlewaretoken = csrf();
    });
    document.body.addEventListener("htmx:responseError", ({ detail }) => this.refused(detail));
    document.body.addEventListener("htmx:sendError", () => toast(words("offline"), { bad: true }));
    document.body.addEventListener("desk:news", () => {
      this.closeMenus();
      this.news();
    });
  }

  /** A token that was too old is fetched anew, and the same button pressed once more. */
  async refused({ xhr, elt }) {
    if (!xhr.getResponseHeader("X-Token-Refused") || elt.dataset.again) return explain(xhr.status, xhr.responseText);
    elt.dataset.again = "yes";
    await freshToken();
    elt.requestSubmit?.();
  }

  clicked(event) {
    const { target } = event;
    if (target.closest("[data-help]")) return this.help();
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(target)) menu.open = false;
    const copy = target.closest("[data-copy]");
    if (copy) return this.copy(copy.dataset.copy);
    if (document.body.dataset.pane === "views" && !target.closest("#views")) return this.pane("list");
    const link = target.closest("a[data-go], a[data-pane-to], a[data-panel], a[data-panel-close]");
    if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    const { go, paneTo } = link.dataset;
    if ("panel" in link.dataset) return this.panel("toggle");
    if ("panelClose" in link.dataset) return this.panel("close");
    if (paneTo) {
      this.pane(paneTo);
      if (paneTo === "list") this.closeTicket({ words: false });
    } else if (go === "ticket") this.openTicket(link.href);
    else this.openList(link.href);
  }

  submitted(event) {
    const form = event.target;
    if ("act" in form.dataset) {
      event.preventDefault();
      return this.act(form, event.submitter);
    }
    if (!form.matches("form[data-go]")) return;
    event.preventDefault();
    const q = new FormData(form).get("q").trim();
    this.openList(q ? `/?${new URLSearchParams({ q })}` : "/");
  }

  pane(name) {
    document.body.dataset.pane = name;
  }

  push(url) {
    if (url !== location.href) history.pushState({}, "", url);
  }

  /** Back and forward: only the pane that differs is asked for. */
  restore() {
    const number = location.pathname.match(/^\/tickets\/(\d+)\//)?.[1];
    const query = new URLSearchParams(location.search);
    for (const name of ["before", "m"]) query.delete(name);
    if (query.toString() !== (this.list.head?.dataset.query ?? "")) {
      if (!number) this.pane("list");
      this.list.open(`/${query.size ? `?${query}` : ""}`);
    }
    if (number) this.openTicket(location.href, { push: false });
    else this.closeTicket({ push: false, words: false });
  }

  openList(url) {
    this.pane("list");
    this.push(url);
    if (this.stream) this.emptyTicket();
    this.list.open(url);
  }

  /** at: the line of the log up to which the list has everything. */
  listShown(at, title) {
    if (!this.stream) this.title(title);
    if (this.live) this.list.moved(...this.live.since(at));
    else this.connect(at);
  }

  // The ticket.

  async openTicket(url, { push = true } = {}) {
    const place = $("#ticket");
    place.setAttribute("aria-busy", "true");
    this.pane("ticket");
    if (push) this.push(url);
    const turn = (this.ticketTurn = (this.ticketTurn ?? 0) + 1);
    if (!this.stream && !place.querySelector(".missing")) place.replaceChildren($("#ticket-waits").content.cloneNode(true));
    try {
      const response = await ask(url, { headers: { "HX-Request": "true", "HX-Target": "ticket" } });
      const body = await response.text();
      if (turn !== this.ticketTurn) return;
      if (!response.ok) return this.notShown(url, response.status, body);
      this.leave();
      place.replaceChildren(fragment(body));
      htmx.process(place);
      localise(place);
      this.ticketShown();
      // On a narrow screen the row that was pressed is out of sight.
      if (document.activeElement === document.body || !document.activeElement.checkVisibility?.()) place.focus({ preventScroll: true });
    } catch {
      if (turn === this.ticketTurn) this.notShown(url);
    } finally {
      if (turn === this.ticketTurn) place.removeAttribute("aria-busy");
    }
  }

  /** status: 0 when there was no answer at all. The ticket that is there stays, and the address is its own again. */
  notShown(url, status = 0, body = "") {
    const waits = $("#ticket .missing") ?? $("#ticket > .ticket-waits > .scroll");
    if (waits && (!status || status >= 500)) return missing(waits, () => this.openTicket(url, { push: false }));
    if (status) explain(status, status === 404 ? "" : body);
    else toast(words("offline"), { bad: true });
    if (!this.stream) this.closeTicket({ words: false });
    else history.replaceState({}, "", `/tickets/${this.stream.ticket}/${this.query()}`);
  }

  ticketShown() {
    const root = $(".ticket");
    if (!root) return;
    this.stream = new Stream(root, this);
    this.composer = new Composer(root, this);
    root.addEventListener("desk:seen", () => {
      this.saySeen();
      this.drawPanel(this.panelOn);
    });
    this.toHit();
    this.title(root.dataset.title);
    this.list.mark();
    this.look();
    $("#customer").hidden = false;
    // A drawer that was opened for one ticket does not lie over the next.
    this.drawPanel(this.panelOn && wide.matches);
    this.panel("show");
    // Lines that came between the reading of this fragment and now.
    if (this.live?.since(this.stream.seen).includes(this.stream.ticket)) this.news();
  }

  /** From a search: the message that was found, in the middle of the screen. */
  toHit() {
    const row = document.getElementById(`m-${new URLSearchParams(location.search).get("m")}`);
    if (!row) return;
    this.stream.pinned = false;
    row.classList.add("found");
    row.scrollIntoView({ block: "center" });
  }

  leave() {
    if (!this.stream) return;
    // What was on the screen last has been read, too.
    if (this.saidSeen !== `${this.stream.ticket} ${this.stream.seen}`) this.seen();
    this.live?.say("left", this.stream.ticket);
    this.stream.close();
    this.composer.close?.();
    this.stream = this.composer = null;
  }

  emptyTicket() {
    this.ticketTurn = (this.ticketTurn ?? 0) + 1;
    this.leave();
    $("#ticket").removeAttribute("aria-busy");
    $("#ticket").replaceChildren($("#none").content.cloneNode(true));
    $("#customer").hidden = true;
    $("#customer").replaceChildren();
    this.list.mark();
  }

  closeTicket({ push = true, words: say = true } = {}) {
    // What one has moved to another team oneself needs no word of loss.
    if (say && this.stream && this.movedAway !== this.stream.ticket) this.lost();
    this.emptyTicket();
    this.pane("list");
    this.title(this.list.head?.dataset.title ?? "");
    if (push) this.push(`/${this.query()}`);
  }

  lost() {
    explain(404, "");
  }

  news() {
    this.stream?.refresh();
  }

  say(type, ticket) {
    this.live?.say(type, ticket);
  }

  look() {
    if (!this.stream || document.visibilityState !== "visible") return;
    this.say("viewing", this.stream.ticket);
    this.saySeen();
  }

  /** This agent has read all that is on the screen: their other tabs and the counts follow. */
  seen() {
    if (!this.stream || !this.live || document.visibilityState !== "visible") return;
    this.saidSeen = `${this.stream.ticket} ${this.stream.seen}`;
    this.live.say("seen", this.stream.ticket, { upto: this.stream.seen });
  }

  // Verbs, and taking one back.

  async act(form, button) {
    if (form.dataset.busy) return;
    form.dataset.busy = "yes";
    const body = new FormData(form, button);
    const ticket = Number(form.action.match(/tickets\/(\d+)/)[1]);
    this.closeMenus();
    try {
      const response = await ask(form.action, { method: "POST", body });
      const answer = await response.text();
      if (response.ok) this.done(ticket, JSON.parse(answer), form.action.includes("/team/"));
      else explain(response.status, answer);
      // What was typed there stays, to be mended.
      if (!response.ok && form.dataset.act === "panel") return;
    } catch {
      toast(words("offline"), { bad: true });
      if (form.dataset.act === "panel") return;
    } finally {
      delete form.dataset.busy;
    }
    if (form.dataset.act === "panel") return this.panel("show");
    this.news();
  }

  done(ticket, { words: text, undo }, moved = false) {
    if (moved) this.movedAway = ticket;
    if (!text) return;
    const act = () => this.undo(ticket, undo);
    const shown = toast(text, { action: undo ? { text: words("undo"), key: "z", act } : null });
    this.lastDone = undo ? { ticket, shown, act } : null;
  }

  /** By key: while the word is there; after that as long as nothing else was done and the ticket is open. */
  undoLast() {
    const { ticket, shown, act } = this.lastDone ?? {};
    if (!act || !(shown.isConnected || ticket === this.stream?.ticket)) return;
    shown.remove();
    act();
  }

  async undo(ticket, seq) {
    const last = this.lastDone;
    this.lastDone = null;
    try {
      const response = await ask(`/tickets/${ticket}/undo/`, { method: "POST", body: new URLSearchParams({ seq }) });
      const answer = await response.text();
      if (!response.ok) return explain(response.status, answer);
      toast(JSON.parse(answer).words);
      if (this.stream?.ticket === ticket) this.news();
      else if (this.movedAway === ticket && !this.stream) this.openTicket(`/tickets/${ticket}/${this.query()}`);
      this.movedAway = null;
    } catch {
      this.lastDone = last;
      toast(words("offline"), { bad: true });
    }
  }

  // The customer beside the ticket: a column where there is room, else a drawer.

  get panelOn() {
    return document.body.dataset.customer === "on";
  }

  drawPanel(on) {
    document.body.dataset.customer = on ? "on" : "off";
    $("[data-panel]")?.setAttribute("aria-expanded", String(on));
  }

  async panel(act, ...given) {
    if (act === "show" && !this.panelOn) return;
    try {
      const { Panel } = await import("./customer.js");
      this.customer ??= new Panel(this, wide);
      this.customer[act](...given);
    } catch {
      toast(words("offline"), { bad: true });
    }
  }

  async copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      toast(words("copied"));
    } catch {
      // Without https, or not allowed.
      toast(text);
    }
  }

  // Title and icon of the tab: what waits, unread, for this agent or for anybody.

  waiting(count) {
    this.count = count;
    this.title(this.titleText ?? "");
    const link = $("link[rel=icon]");
    link.dataset.plain ??= link.href;
    const dot = encodeURIComponent('<circle cx="25" cy="7" r="7" fill="#d92d20" stroke="#fff" stroke-width="2"/></svg>');
    const icon = count ? link.dataset.plain.replace(/%3C\/svg%3E\s*$/i, dot) : link.dataset.plain;
    if (link.href !== icon) link.href = icon;
  }

  title(text) {
    this.titleText = text;
    const count = this.count > 99 ? "99+" : this.count;
    document.title = `${count ? `(${count}) ` : ""}${text} · Pelanggan`;
  }

  // Live.

  connect(at) {
    // The ticket was read a moment before the list: what came between is among the last lines. Its own last line may be
    // a month old, and nobody wants all that was said since.
    this.live = new Live(this.stream ? Math.max(Math.min(at, this.stream.seen), at - LATELY) : at);
    this.live.addEventListener("line", ({ detail }) => this.line(detail));
    this.live.addEventListener("word", ({ detail }) => this.word(detail));
    this.live.addEventListener("reset", () => this.afresh());
    this.live.addEventListener("state", ({ detail }) => this.state(detail.online));
    this.live.addEventListener("refused", () => this.stillSignedIn());
    this.live.addEventListener("gone", () => explain(401, ""));
  }

  line(frame) {
    if (!frame.ticket) return;
    if (frame.seq > this.list.at) {
      this.list.moved(frame.ticket);
      if (!frame.type.startsWith("message.status")) this.list.refreshCounts();
      if (frame.data?.told?.includes(Number(document.body.dataset.agent))) this.nearlyDue(frame);
    }
    if (frame.ticket === this.stream?.ticket && frame.seq > this.stream.seen) this.news();
    if (this.panelOn && this.stream) this.panel("heard", frame);
    if (document.visibilityState === "hidden" && kept("telling")) telling().then((tell) => tell.heard(frame, this), () => {});
  }

  word(frame) {
    // Read in another tab of one's own.
    if (frame.type === "seen") this.list.read(frame.ticket, frame.upto);
    else if (["follow_up", "offer", "presence", "ring"].includes(frame.type)) this.presence((here) => here.heard(frame));
    else if (frame.ticket === this.stream?.ticket) this.stream.word(frame);
  }

  /** A lead, or whoever has the ticket, is told on whatever they are looking at. */
  nearlyDue({ ticket, type, data }) {
    // The line may have waited for a page that was away.
    if (data.status === "resolved") return;
    const link = { href: `/tickets/${ticket}/`, text: words("openTicket") };
    const bad = type === "sla.breached";
    const shown = toast(words(bad ? "ticketOverdue" : "ticketNearlyDue", { number: ticket }), { bad, link });
    setTimeout(() => shown.remove(), 30000);
  }

  afresh() {
    this.list.open(`/${this.query()}`);
    if (this.stream) this.openTicket(location.href, { push: false });
  }

  state(online) {
    const bar = $("#offline");
    clearTimeout(this.offlineSoon);
    document.documentElement.dataset.live = online ? "on" : "off";
    if (online) {
      if (!bar.hidden) toast(words("connected"));
      bar.hidden = true;
      this.look();
      if (this.wasOffline) {
        this.news();
        this.list.readElsewhere();
      }
      this.wasOffline = false;
      return;
    }
    this.wasOffline = true;
    // A blink is not worth a word.
    this.offlineSoon = setTimeout(() => {
      bar.querySelector("span").textContent = words("offline");
      bar.hidden = false;
    }, navigator.onLine ? 1500 : 0);
  }

  async stillSignedIn() {
    try {
      const response = await ask("/counts/");
      if (response.status === 401) {
        this.live.over = true;
        explain(401, await response.text());
      }
    } catch {
      // No line at all.
    }
  }

  /** Somebody is at this page: nobody takes them for away, and what they are offered is looked for. */
  atWork() {
    if (!this.live || Date.now() - (this.worked ?? 0) < AT_WORK) return;
    this.worked = Date.now();
    this.live.say("active");
    this.presence(() => {});
  }

  presence(act) {
    import("./presence.js").then((here) => (here.begin(this), act(here)), () => {});
  }

  // Keys.

  key(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === "Escape") return this.escape();
    const sheet = event.key === "Enter" && event.target.closest("[data-choose]");
    if (sheet && event.target.type === "search") {
      event.preventDefault();
      return this.menus(({ pick }) => pick(sheet));
    }
    if (inMenu(event)) {
      event.preventDefault();
      return choose(event);
    }
    if ($("dialog[open]") || event.target.closest("input, textarea, select, [contenteditable]")) return;
    if (["ArrowDown", "ArrowUp"].includes(event.key) && event.target.closest("#scroll, #customer")) return;
    const keys = {
      ArrowDown: () => this.list.step(1),
      ArrowUp: () => this.list.step(-1),
      ...(localStorage.getItem("keys") === "off" ? {} : this.letters()),
    };
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  letters() {
    const press = (key) => () => document.querySelector(`#ticket-head [data-key="${key}"]`)?.click();
    return {
      j: () => this.list.step(1),
      k: () => this.list.step(-1),
      r: () => this.composer?.choose("reply"),
      n: () => this.composer?.choose("note"),
      ...Object.fromEntries([..."aelspmti"].map((key) => [key, press(key)])),
      z: () => this.undoLast(),
      "/": () => (this.pane(innerWidth < 960 ? "views" : document.body.dataset.pane), $("#q").focus(), $("#q").select()),
      "?": () => this.help(),
    };
  }

  escape() {
    const menu = $("details.menu[open]");
    if (document.body.dataset.pane === "views") this.pane("list");
    else if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    } else if (!$("dialog[open]") && this.stream && this.panelOn && !wide.matches) {
      this.panel("close");
    } else if (document.activeElement?.closest("#composer, #q")) {
      document.activeElement.blur();
    } else if (this.stream && !$("dialog[open]")) {
      const row = document.getElementById(`t-${this.stream.ticket}`);
      this.pane("list");
      row?.querySelector("a").focus();
    }
  }

  menu(event) {
    const menu = event.target;
    if (!menu.matches?.("details.menu")) return;
    if (!menu.open) return void (this.stream?.headWaits && this.news());
    for (const other of document.querySelectorAll("details.menu[open]")) if (other !== menu) other.open = false;
    const first = menu.querySelector(".sheet input:not([type=hidden]), .sheet button");
    first?.focus({ preventScroll: true });
    const sheet = menu.querySelector("[data-choose]");
    if (!sheet) return;
    // At once, not when the module is there: who types quickly has begun by then.
    first.value = "";
    this.menus(({ fill }) => fill(sheet));
  }

  menus(act) {
    import("./menus.js").then(act, () => toast(words("offline"), { bad: true }));
  }

  /** Whoever was in a menu goes on from its button. */
  closeMenus() {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (menu.contains(document.activeElement)) menu.querySelector("summary").focus({ preventScroll: true });
      menu.open = false;
    }
  }

  help() {
    const dialog = $("#help");
    const box = $("#keys-on");
    box.checked = localStorage.getItem("keys") !== "off";
    box.onchange = () => localStorage.setItem("keys", box.checked ? "on" : "off");
    telling().catch(() => {});
    dialog.showModal();
  }
}

/** An arrow that goes through a menu's choices; in a field only what the field itself has no use for. */
function inMenu({ key, target }) {
  if (!target.closest("details.menu .sheet")) return false;
  if (target.matches("input, select, textarea")) return target.type === "search" && ["ArrowDown", "ArrowUp"].includes(key);
  return ["ArrowDown", "ArrowUp", "Home", "End"].includes(key);
}

function choose({ key, target }) {
  const sheet = target.closest(".sheet");
  const all = [...sheet.querySelectorAll(".choice")];
  const at = all.indexOf(target);
  const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[key];
  if (next < 0) sheet.querySelector("input[type=search]")?.focus();
  else all[Math.min(next, all.length - 1)]?.focus();
}

function telling() {
  return import("./telling.js");
}

let begun;
const begin = () => (begun ??= new Desk());
// In a task of its own: what was read and prepared until here took one already. Whoever is faster begins it.
setTimeout(begin);
for (const touch of ["pointerdown", "click", "keydown", "submit"]) addEventListener(touch, begin, { capture: true, once: true });
