// The inbox: three panes, addresses that are real, the list kept up to date, and the keys.

import { Composer } from "./composer.js";
import { Live } from "./live.js";
import { Stream } from "./stream.js";
import { localise } from "./time.js";
import { ask, calm, csrf, explain, fragment, handsOff, toast, words } from "./web.js";

const LOOK = 20000;
const AT_ONCE = 60;
const $ = (selector) => document.querySelector(selector);

class Desk {
  constructor() {
    this.stream = null;
    this.composer = null;
    this.live = null;
    this.stale = new Set();
    this.wasOffline = false;
    this.refreshRows = calm(250, () => this.fetchRows());
    this.refreshCounts = calm(1500, () => this.fetchCounts());
    this.pageTitle = document.title;
    localise();
    this.ticketShown();
    if ($("#list").dataset.load) this.openList($("#list").dataset.load, { push: false, pane: false });
    else this.listShown();
    this.listen();
    setInterval(() => this.look(), LOOK);
    document.addEventListener("visibilitychange", () => this.look());
  }

  // Where we are.

  query(prefix = "?") {
    const query = $("#list .head")?.dataset.query ?? "";
    return query ? prefix + query : "";
  }

  listen() {
    document.addEventListener("click", (event) => this.clicked(event));
    document.addEventListener("submit", (event) => {
      const form = event.target.closest("form[data-go]");
      if (!form) return;
      event.preventDefault();
      const q = new FormData(form).get("q").trim();
      this.openList(q ? `/?${new URLSearchParams({ q })}` : "/");
    });
    document.addEventListener("keydown", (event) => this.key(event));
    document.addEventListener("toggle", (event) => this.menu(event), true);
    window.addEventListener("popstate", () => this.restore());
    document.body.addEventListener("htmx:configRequest", (event) => (event.detail.headers["X-CSRFToken"] = csrf()));
    document.body.addEventListener("htmx:responseError", (event) => {
      const { status, responseText } = event.detail.xhr;
      explain(status, responseText);
    });
    document.body.addEventListener("htmx:sendError", () => toast(words("offline"), { bad: true }));
    const rowsCame = calm(0, () => {
      localise($("#list"));
      this.listMended();
    });
    document.body.addEventListener("htmx:afterSwap", (event) => event.target.closest?.("#list") && rowsCame());
    document.body.addEventListener("desk:news", () => {
      for (const menu of document.querySelectorAll("details.menu[open]")) menu.open = false;
      this.news();
    });
  }

  clicked(event) {
    if (event.target.closest("[data-help]")) return this.help();
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
    if (document.body.dataset.pane === "views" && !event.target.closest("#views")) return this.pane("list");
    const link = event.target.closest("a[data-go], a[data-pane-to]");
    if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    if (link.dataset.paneTo) {
      this.pane(link.dataset.paneTo);
      if (link.dataset.paneTo === "list") this.closeTicket({ words: false });
      return;
    }
    if (link.dataset.go === "ticket") this.openTicket(link.href);
    else this.openList(link.href);
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
    const list = new URLSearchParams(location.search);
    list.delete("before");
    if (list.toString() !== ($("#list .head")?.dataset.query ?? "")) {
      this.openList(`/${list.size ? `?${list}` : ""}`, { push: false, pane: !number });
    }
    if (number) this.openTicket(location.href, { push: false });
    else this.closeTicket({ push: false, words: false });
  }

  // The list.

  async openList(url, { push = true, pane = true } = {}) {
    const place = $("#list");
    place.setAttribute("aria-busy", "true");
    if (pane) this.pane("list");
    if (push) {
      this.push(url);
      if (this.stream) this.emptyTicket();
    }
    const turn = (this.listTurn = (this.listTurn ?? 0) + 1);
    try {
      const response = await ask(url, { headers: { "HX-Request": "true", "HX-Target": "list" } });
      const body = await response.text();
      if (turn !== this.listTurn) return;
      if (!response.ok) return explain(response.status, body);
      place.replaceChildren(fragment(body));
      place.scrollTop = 0;
      htmx.process(place);
      localise(place);
      this.listShown();
    } catch {
      toast(words("offline"), { bad: true });
    } finally {
      place.removeAttribute("aria-busy");
    }
  }

  listShown() {
    const head = $("#list .head");
    const at = Number(head.dataset.at);
    for (const link of document.querySelectorAll("#views a[data-badge]")) {
      if (link.dataset.badge === head.dataset.badge) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    const field = $("#q");
    if (document.activeElement !== field) field.value = new URLSearchParams(head.dataset.query).get("q") ?? "";
    this.mark();
    if (!this.stream) this.title(head.dataset.title);
    if (this.live) this.moved(...this.live.since(at));
    else this.connect(at);
    this.listMended();
    this.refreshCounts();
  }

  /** After rows came: none twice, and a word when there is none. */
  listMended() {
    const known = new Map();
    for (const row of document.querySelectorAll("#rows > .row")) {
      const other = known.get(row.id);
      if (!other) known.set(row.id, row);
      else if (Number(row.dataset.seq) > Number(other.dataset.seq)) {
        other.remove();
        known.set(row.id, row);
      } else row.remove();
    }
    const none = $("#no-rows");
    if (none) none.hidden = Boolean($("#rows").firstElementChild);
    this.mark();
  }

  mark() {
    for (const link of document.querySelectorAll("#rows a[data-go]")) {
      const open = this.stream && link.closest("li").id === `t-${this.stream.ticket}`;
      if (open) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }

  moved(...tickets) {
    for (const ticket of tickets) if (ticket) this.stale.add(ticket);
    if (this.stale.size) this.refreshRows();
  }

  async fetchRows() {
    if (!$("#rows")) return;
    const numbers = [...this.stale].slice(-AT_ONCE);
    const tooMany = this.stale.size > AT_ONCE;
    this.stale.clear();
    if (!numbers.length) return;
    if (tooMany) return this.openList(`/${this.query()}`, { push: false, pane: false });
    const query = this.query("&");
    try {
      const response = await ask(`/rows/?n=${numbers.join(",")}${query}`);
      const news = fragment(await response.text());
      await handsOff();
      if (!response.ok || query !== this.query("&")) return;
      this.mergeRows(numbers, news);
    } catch {
      for (const number of numbers) this.stale.add(number);
    }
  }

  /** Rows move to where they belong; what one looks at stays where it is. */
  mergeRows(numbers, news) {
    const rows = $("#rows");
    const scroller = $("#list");
    const searching = new URLSearchParams($("#list .head").dataset.query).has("q");
    const focused = document.activeElement?.closest?.(".row")?.id;
    const anchor = [...rows.children].find((row) => row.offsetTop >= scroller.scrollTop && !numbers.includes(Number(row.id.slice(2))));
    const before = anchor?.offsetTop;
    const fresh = new Map([...news.querySelectorAll(".row")].map((row) => [row.id, row]));
    for (const number of numbers) {
      const old = document.getElementById(`t-${number}`);
      const row = fresh.get(`t-${number}`);
      if (searching) {
        if (old && row) old.replaceWith(row);
        continue;
      }
      old?.remove();
      if (!row) continue;
      const seq = Number(row.dataset.seq);
      const next = [...rows.children].find((one) => !one.dataset.seq || Number(one.dataset.seq) < seq);
      // Beyond what is loaded: it comes with the older tickets.
      if (next?.id === "more" && !old && rows.children.length > 1) continue;
      if (!old) row.classList.add("fresh");
      rows.insertBefore(row, next ?? null);
    }
    localise(rows);
    this.listMended();
    if (anchor?.isConnected && scroller.scrollTop > 0) scroller.scrollTop += anchor.offsetTop - before;
    if (focused) document.getElementById(focused)?.querySelector("a").focus({ preventScroll: true });
  }

  async fetchCounts() {
    try {
      const response = await ask("/counts/");
      if (!response.ok) return;
      const counts = await response.json();
      for (const badge of document.querySelectorAll("[data-count]")) {
        const text = String(counts[badge.dataset.count] || "");
        if (badge.textContent !== text) badge.textContent = text;
      }
    } catch {
      // The next line asks again.
    }
  }

  // The ticket.

  async openTicket(url, { push = true } = {}) {
    const place = $("#ticket");
    place.setAttribute("aria-busy", "true");
    this.pane("ticket");
    if (push) this.push(url);
    const turn = (this.ticketTurn = (this.ticketTurn ?? 0) + 1);
    try {
      const response = await ask(url, { headers: { "HX-Request": "true", "HX-Target": "ticket" } });
      const body = await response.text();
      if (turn !== this.ticketTurn) return;
      if (!response.ok) return response.status === 404 ? this.lost() : explain(response.status, body);
      this.leave();
      place.replaceChildren(fragment(body));
      htmx.process(place);
      localise(place);
      this.ticketShown();
      // On a narrow screen the row that was pressed is out of sight.
      if (document.activeElement === document.body || !document.activeElement.checkVisibility?.()) place.focus({ preventScroll: true });
    } catch {
      toast(words("offline"), { bad: true });
    } finally {
      place.removeAttribute("aria-busy");
    }
  }

  ticketShown() {
    const root = $(".ticket");
    if (!root) return;
    this.stream = new Stream(root, this);
    this.composer = new Composer(root, this);
    this.title(root.dataset.title);
    this.mark();
    this.look();
    // Lines that came between the reading of this fragment and now.
    if (this.live?.since(this.stream.seen).includes(this.stream.ticket)) this.news();
  }

  leave() {
    if (!this.stream) return;
    this.live?.say("left", this.stream.ticket);
    this.stream.close();
    this.stream = this.composer = null;
  }

  emptyTicket() {
    this.ticketTurn = (this.ticketTurn ?? 0) + 1;
    this.leave();
    $("#ticket").replaceChildren($("#none").content.cloneNode(true));
    this.mark();
  }

  closeTicket({ push = true, words: say = true } = {}) {
    if (say && this.stream) this.lost();
    this.emptyTicket();
    this.pane("list");
    this.title($("#list .head")?.dataset.title ?? "");
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
    if (this.stream && document.visibilityState === "visible") this.say("viewing", this.stream.ticket);
  }

  title(text) {
    document.title = `${text} · Pelanggan`;
  }

  // Live.

  connect(at) {
    this.live = new Live(this.stream ? Math.min(at, this.stream.seen) : at);
    this.live.addEventListener("line", ({ detail }) => this.line(detail));
    this.live.addEventListener("word", ({ detail }) => detail.ticket === this.stream?.ticket && this.stream.word(detail));
    this.live.addEventListener("reset", () => this.afresh());
    this.live.addEventListener("state", ({ detail }) => this.state(detail.online));
    this.live.addEventListener("refused", () => this.stillSignedIn());
    this.live.addEventListener("gone", () => explain(401, ""));
  }

  line(frame) {
    if (!frame.ticket) return;
    this.moved(frame.ticket);
    if (!frame.type.startsWith("message.status")) this.refreshCounts();
    if (frame.ticket === this.stream?.ticket && frame.seq > this.stream.seen) this.news();
  }

  afresh() {
    this.openList(`/${this.query()}`, { push: false, pane: false });
    this.refreshCounts();
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
      if (this.wasOffline) this.news();
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

  // Keys.

  key(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === "Escape") return this.escape();
    if ($("dialog[open]") || event.target.closest("input, textarea, select, [contenteditable]")) return;
    if (["ArrowDown", "ArrowUp"].includes(event.key) && event.target.closest("#scroll")) return;
    const keys = {
      ArrowDown: () => this.step(1),
      ArrowUp: () => this.step(-1),
      ...(localStorage.getItem("keys") === "off" ? {} : this.letters()),
    };
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  letters() {
    return {
      j: () => this.step(1),
      k: () => this.step(-1),
      r: () => this.composer?.choose("reply"),
      n: () => this.composer?.choose("note"),
      a: () => this.press("a"),
      e: () => this.press("e"),
      "/": () => (this.pane(innerWidth < 700 ? "views" : document.body.dataset.pane), $("#q").focus(), $("#q").select()),
      "?": () => this.help(),
    };
  }

  press(key) {
    document.querySelector(`#ticket-head [data-key="${key}"]`)?.click();
  }

  step(by) {
    const links = [...document.querySelectorAll("#rows > .row > a")];
    const focused = links.indexOf(document.activeElement);
    const from = focused >= 0 ? focused : links.findIndex((link) => link.hasAttribute("aria-current"));
    const next = links[Math.min(Math.max(from + by, 0), links.length - 1)];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  }

  escape() {
    const menu = $("details.menu[open]");
    if (document.body.dataset.pane === "views") this.pane("list");
    else if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
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
    if (menu.matches?.("details.menu") && menu.open) {
      for (const other of document.querySelectorAll("details.menu[open]")) if (other !== menu) other.open = false;
      menu.querySelector(".sheet input:not([type=hidden]), .sheet button")?.focus({ preventScroll: true });
    }
  }

  help() {
    const dialog = $("#help");
    const box = $("#keys-on");
    box.checked = localStorage.getItem("keys") !== "off";
    box.onchange = () => localStorage.setItem("keys", box.checked ? "on" : "off");
    dialog.showModal();
  }
}

new Desk();
