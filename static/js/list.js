// The list pane: which view is shown, its rows kept up to date and in their place, the counts beside it.

import { ask, calm, explain, fragment, handsOff, localise, missing, toast, words } from "./web.js";

const AT_ONCE = 60;
const AGAIN = 3000;
// What lies below the screen is laid out a moment after what is seen, in a frame of its own.
const BELOW = 100;

// Whether a row of the list belongs behind another, in either order.
const older = (one, row) => Number(one.dataset.seq) < Number(row.dataset.seq);
const numberOf = (row) => Number(row.id.slice(2));
const dueLater = (one, row) => (Date.parse(one.dataset.due) - Date.parse(row.dataset.due) || numberOf(one) - numberOf(row)) > 0;
const $ = (selector) => document.querySelector(selector);

export class List {
  constructor(desk) {
    this.desk = desk;
    this.stale = new Set();
    /** The line of the log up to which the rows have everything. */
    this.at = 0;
    this.refreshRows = calm(250, () => this.fetchRows());
    this.refreshCounts = calm(1500, () => this.fetchCounts());
    const rowsCame = calm(0, () => {
      localise($("#list"));
      this.mended();
    });
    document.body.addEventListener("htmx:afterSwap", (event) => event.target.closest?.("#list") && rowsCame());
  }

  get head() {
    return $("#list .head");
  }

  query(prefix = "?") {
    const query = this.head?.dataset.query ?? "";
    return query ? prefix + query : "";
  }

  get searching() {
    return new URLSearchParams(this.head?.dataset.query).has("q");
  }

  /** Asks for a view; gives whether it is there. */
  async open(url) {
    const place = $("#list");
    place.setAttribute("aria-busy", "true");
    const turn = (this.turn = (this.turn ?? 0) + 1);
    try {
      const response = await ask(url, { headers: { "HX-Request": "true", "HX-Target": "list" } });
      const body = await response.text();
      if (turn !== this.turn) return;
      if (!response.ok) return this.notShown(url, response.status, body);
      place.replaceChildren(fragment(body));
      place.scrollTop = 0;
      htmx.process(place);
      localise(place);
      this.shown();
    } catch {
      if (turn === this.turn) this.notShown(url);
    } finally {
      if (turn === this.turn) place.removeAttribute("aria-busy");
    }
  }

  /** status: 0 when there was no answer at all. What is shown already stays; the page's first list is asked for again. */
  notShown(url, status = 0, body = "") {
    const waits = document.querySelector("#list > :is(.loading, .missing)");
    if (waits && (!status || status >= 500)) missing(waits, () => this.open(url));
    else if (status) explain(status, body);
    else toast(words("offline"), { bad: true });
  }

  shown() {
    const { at, badge, query, title, counts } = this.head.dataset;
    for (const link of document.querySelectorAll("#views a[data-badge]")) {
      if (link.dataset.badge === badge) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    const field = $("#q");
    if (document.activeElement !== field) field.value = new URLSearchParams(query).get("q") ?? "";
    this.at = Number(at);
    setTimeout(() => $("#rows")?.classList.add("whole"), BELOW);
    this.desk.listShown(this.at, title);
    if (counts) this.showCounts(JSON.parse(counts));
    else this.refreshCounts();
    this.mended();
  }

  /** After rows came: none twice, and a word when there is none. */
  mended() {
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

  /** Which one is open; what is being looked at is read. */
  mark() {
    const open = this.desk.stream?.ticket;
    for (const link of document.querySelectorAll("#rows a[data-go]")) {
      const row = link.closest("li");
      if (row.id === `t-${open}`) {
        link.setAttribute("aria-current", "true");
        if (document.visibilityState === "visible") this.read(open);
      } else if (link.hasAttribute("aria-current")) link.removeAttribute("aria-current");
    }
  }

  /** upto: the line of the log up to which it was read, here or in another tab. */
  read(ticket, upto = Infinity) {
    const row = document.getElementById(`t-${ticket}`);
    if (!row?.classList.contains("unread") || Number(row.dataset.seq) > upto) return;
    row.classList.remove("unread");
    row.querySelector(".new").replaceChildren();
    const { of } = row.dataset;
    if (this.counts?.[of]) this.showCounts({ ...this.counts, [of]: this.counts[of] - 1 });
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
    if (tooMany) return this.open(`/${this.query()}`);
    const query = this.query("&");
    try {
      const response = await ask(`/rows/?n=${numbers.join(",")}${query}`);
      const news = fragment(await response.text());
      await handsOff();
      if (query !== this.query("&")) return;
      if (response.ok) this.merge(numbers, news);
      else if (response.status >= 500) this.later(numbers);
    } catch {
      this.later(numbers);
    }
  }

  later(numbers) {
    for (const number of numbers) this.stale.add(number);
    // Without a line they wait for it.
    setTimeout(() => navigator.onLine && this.moved(...numbers), AGAIN);
  }

  /** The line was gone: what was read elsewhere meanwhile is no line of the log, so it is asked for. */
  readElsewhere() {
    const unread = [...document.querySelectorAll("#rows > .row.unread")].map(numberOf);
    // More at once would mean the whole list, from its top.
    this.moved(...this.stale, ...unread.slice(0, AT_ONCE / 2));
    this.refreshCounts();
  }

  /** Rows move to where they belong; what one looks at stays where it is. */
  merge(numbers, news) {
    const rows = $("#rows");
    const scroller = $("#list");
    const { searching } = this;
    const focused = document.activeElement?.closest?.(".row")?.id;
    // Everything is read before anything is written: one layout, however many rows there are.
    const top = scroller.scrollTop;
    const anchor = top > 0 ? [...rows.children].find((row) => row.offsetTop >= top && !numbers.includes(Number(row.id.slice(2)))) : null;
    const before = anchor?.offsetTop;
    const fresh = new Map([...news.querySelectorAll(".row")].map((row) => [row.id, row]));
    for (const number of numbers) {
      const old = document.getElementById(`t-${number}`);
      const row = fresh.get(`t-${number}`);
      if (searching) {
        if (old && row) this.replaceHit(old, row);
        continue;
      }
      old?.remove();
      if (row) this.insert(rows, row, old);
    }
    localise(rows);
    this.mended();
    if (anchor?.isConnected) scroller.scrollTop += anchor.offsetTop - before;
    if (focused) document.getElementById(focused)?.querySelector("a").focus({ preventScroll: true });
  }

  insert(rows, row, old) {
    const behind = this.head?.dataset.order === "due" ? dueLater : older;
    const next = [...rows.children].find((one) => !one.dataset.seq || behind(one, row));
    // Beyond what is loaded: it comes with the older tickets.
    if (next?.id === "more" && !old && rows.children.length > 1) return;
    if (!old) row.classList.add("fresh");
    rows.insertBefore(row, next ?? null);
  }

  /** What was found stays as it was found. */
  replaceHit(old, row) {
    row.querySelector(".words").replaceWith(old.querySelector(".words"));
    row.querySelector("a").href = old.querySelector("a").href;
    old.replaceWith(row);
  }

  step(by) {
    const links = [...document.querySelectorAll("#rows > .row > a")];
    const focused = links.indexOf(document.activeElement);
    const from = focused >= 0 ? focused : links.findIndex((link) => link.hasAttribute("aria-current"));
    const next = links[Math.min(Math.max(from + by, 0), links.length - 1)];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  }

  // Counts.

  async fetchCounts() {
    try {
      const response = await ask("/counts/");
      if (response.ok) this.showCounts(await response.json());
    } catch {
      // The next line asks again.
    }
  }

  showCounts(counts) {
    this.counts = counts;
    for (const badge of document.querySelectorAll("[data-count]")) {
      const text = String(counts[badge.dataset.count] || "");
      if (badge.textContent !== text) badge.textContent = text;
    }
    for (const [name, view] of [["unread", "mine"], ["new", "unassigned"]]) {
      const link = $(`#views a[data-badge="${view}"]`);
      link?.classList.toggle("fresh", counts[name] > 0);
      const said = link?.querySelector(".said");
      const text = counts[name] ? words("unread", { count: counts[name] }) : "";
      if (said && said.textContent !== text) said.textContent = text;
    }
    this.desk.waiting(counts.unread + counts.new);
  }
}
