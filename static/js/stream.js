// The open ticket: merges what is new into the messages without moving what is being read, and shows who else is there.

import { ask, calm, explain, fragment, handsOff, label, localise, toast, words } from "./web.js";

const CLOSE = 120;
const NEAR = 600;
const SAME_BREATH = 5 * 60000;
const LOOKS = 45000;
const TYPES = 5000;
const ANSWER = 1200;
const AGAIN = 3000;
// A ticket may have ten thousand messages; the page keeps the part that is being read.
const MOST = 300;
const KEPT = 200;
const me = document.body.dataset.agent;

export class Stream {
  constructor(root, desk) {
    this.desk = desk;
    this.root = root;
    this.ticket = Number(root.dataset.ticket);
    this.list = root.querySelector("#stream");
    this.scroll = root.querySelector("#scroll");
    this.pill = root.querySelector("#pill");
    this.presence = root.querySelector("#presence");
    this.others = new Map();
    this.refresh = calm(100, () => this.fetch());
    this.fetching = false;
    this.pill.addEventListener("click", () => this.toEnd(true));
    // From a search one arrives somewhere in the middle.
    this.pinned = !this.list.querySelector("#newer");
    this.scroll.addEventListener("scroll", () => this.scrolled(), { passive: true });
    // Pictures grow after they are placed; who reads the end stays there.
    this.sizes = new ResizeObserver(() => this.pinned && this.toEnd());
    this.sizes.observe(this.list);
    this.sizes.observe(this.scroll);
    this.list.addEventListener("click", (event) => this.clicked(event));
    this.list.addEventListener("keydown", (event) => this.key(event));
    this.list.addEventListener("focusin", (event) => this.rove(event.target.closest(".msg > article")));
    this.dress();
    if (this.pinned) this.toEnd();
    this.timer = setInterval(() => this.shownPresence(), 1500);
  }

  close() {
    clearInterval(this.timer);
    this.sizes.disconnect();
  }

  get seen() {
    return Number(this.root.dataset.seen);
  }

  atEnd() {
    return this.scroll.scrollHeight - this.scroll.scrollTop - this.scroll.clientHeight < CLOSE;
  }

  toEnd(smooth = false) {
    this.pill.hidden = true;
    // What lies between is not on the page: the newest messages come in its place.
    if (this.list.querySelector("#newer")) return this.newest();
    const calmly = smooth && !matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.scroll.scrollTo({ top: this.scroll.scrollHeight, behavior: calmly ? "smooth" : "instant" });
  }

  scrolled() {
    this.pinned = this.atEnd() && !this.list.querySelector("#newer");
    if (this.pinned) this.pill.hidden = true;
    // Only who has scrolled themselves wants more; a page that has just been opened asks for nothing.
    if (!this.moved) return void (this.moved = true);
    if (this.scroll.scrollTop < NEAR && this.list.querySelector("#older[data-asked]")) this.more(this.list.querySelector("#older"));
    else if (this.scroll.scrollHeight - this.scroll.scrollTop - this.scroll.clientHeight < NEAR) this.more(this.list.querySelector("#newer"));
  }

  // Pages of a long ticket.

  clicked(event) {
    const marker = event.target.closest(".older");
    if (marker && event.target.closest("a") && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      // From then on earlier messages come by themselves.
      this.reading = true;
      return this.more(marker);
    }
    const quote = event.target.closest("[data-quote]");
    if (quote) return this.quote(quote.closest(".msg"));
    const react = event.target.closest("[data-react]");
    if (react) return void import("./reactions.js").then(({ choose }) => choose(react, this), () => toast(words("offline"), { bad: true }));
    const link = event.target.closest("a.quote");
    if (link && !event.ctrlKey && !event.metaKey) return this.visit(event, link.getAttribute("href").slice(1));
    if (event.target.closest("a[data-picture]")) this.picture(event);
  }

  /** The message that was answered, where it is on the page. */
  visit(event, id) {
    const row = document.getElementById(id);
    if (!row) return;
    event.preventDefault();
    row.scrollIntoView({ block: "center" });
    row.querySelector("article").focus({ preventScroll: true });
    row.classList.add("found");
    setTimeout(() => row.classList.remove("found"), 1600);
  }

  picture(event) {
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const link = event.target.closest("a");
    // Without the viewer the picture opens as a page of its own.
    import("./media.js").then(({ show }) => show(link, this.list), () => window.open(link.href, "_blank", "noopener"));
  }

  async more(marker) {
    if (!marker || marker.dataset.busy) return;
    marker.dataset.busy = "true";
    marker.setAttribute("aria-busy", "true");
    try {
      const response = await ask(marker.dataset.load);
      const body = await response.text();
      if (!this.root.isConnected || !marker.isConnected) return;
      if (!response.ok) return explain(response.status, body);
      this.insert(marker, fragment(body));
    } catch {
      toast(words("offline"), { bad: true });
    } finally {
      delete marker.dataset.busy;
      marker.removeAttribute("aria-busy");
    }
  }

  /** What is read stays where it is, whatever comes in above and goes below. */
  insert(marker, page) {
    const up = marker.id === "older";
    const box = this.scroll.getBoundingClientRect();
    const anchor = [...this.list.querySelectorAll(":scope > .item")].find((one) => one.getBoundingClientRect().bottom > box.top);
    const before = anchor?.getBoundingClientRect().top;
    const focused = marker.contains(document.activeElement);
    this.pinned = false;
    const fresh = [...page.children].filter((one) => !one.id || one.matches(".older") || !document.getElementById(one.id));
    marker.replaceWith(...fresh);
    this.trim(up);
    if (this.reading) this.list.querySelector("#older")?.setAttribute("data-asked", "");
    this.dress();
    for (const item of fresh) {
      if (!item.isConnected) continue;
      localise(item);
      if (item.querySelector("[hx-post], [hx-get]")) htmx.process(item);
    }
    if (anchor?.isConnected) this.scroll.scrollTop += anchor.getBoundingClientRect().top - before;
    // The button that was pressed is gone: who goes by keyboard goes on where the new part meets the old.
    if (focused) anchor?.querySelector("article, summary")?.focus({ preventScroll: true });
    if (!this.list.querySelector("#newer")) this.pinned = this.atEnd();
  }

  trim(up) {
    const items = [...this.list.querySelectorAll(":scope > .item:not(.pending)")];
    if (items.length <= MOST) return;
    const far = up ? items.slice(KEPT) : items.slice(0, -KEPT).reverse();
    // A page goes on from a message: the part that goes begins behind one, or ends before one.
    const at = far.findIndex((one) => (up ? one.previousElementSibling : one.nextElementSibling)?.classList.contains("msg"));
    if (at < 0) return;
    const gone = far.slice(at);
    const edge = up ? gone[0].previousElementSibling : gone[0].nextElementSibling;
    for (const item of gone) item.remove();
    this.list.querySelector(up ? "#newer" : "#older")?.remove();
    const made = fragment('<li class="older"><a class="button"></a></li>').firstChild;
    made.id = up ? "newer" : "older";
    made.dataset.load = `/tickets/${this.ticket}/stream/?${up ? "after" : "before"}=${edge.dataset.key}`;
    made.firstChild.href = `/tickets/${this.ticket}/`;
    made.firstChild.textContent = words(up ? "laterMessages" : "earlierMessages");
    edge[up ? "after" : "before"](made);
  }

  async newest() {
    try {
      const response = await ask(`/tickets/${this.ticket}/stream/`);
      if (!response.ok || !this.root.isConnected) return;
      const waiting = [...this.list.querySelectorAll(":scope > .pending")];
      this.list.replaceChildren(fragment(await response.text()), ...waiting);
      this.reading = false;
      this.dress();
      localise(this.list);
      htmx.process(this.list);
      this.toEnd();
    } catch {
      toast(words("offline"), { bad: true });
    }
  }

  // What is new.

  async fetch() {
    if (this.fetching) return (this.again = true);
    this.fetching = true;
    try {
      const response = await ask(`/tickets/${this.ticket}/news/?since=${this.seen}${this.desk.query("&")}`);
      if (!this.root.isConnected) return;
      if (response.status === 205) this.desk.openTicket(location.href, { push: false });
      else if (response.status === 404) this.desk.closeTicket();
      else if (response.ok) {
        const news = fragment(await response.text());
        await handsOff();
        if (this.root.isConnected) this.merge(news);
      } else if (response.status < 500 || this.failed) explain(response.status, await response.text());
      // What passes by itself is no news: only the second time is said.
      this.failed = response.status >= 500;
      if (this.failed) this.later();
    } catch {
      // The socket may well live on: without this, what was missed would wait for the ticket's next line.
      this.later();
    } finally {
      this.fetching = false;
      if (this.again) {
        this.again = false;
        this.refresh();
      }
    }
  }

  later() {
    setTimeout(() => this.root.isConnected && navigator.onLine && this.refresh(), AGAIN);
  }

  merge(news) {
    const head = news.querySelector("#ticket-head");
    const seq = Number(head.querySelector("[data-seq]").dataset.seq);
    const end = this.pinned;
    this.mergeHead(head);
    let last = null;
    let heard = false;
    const items = [...news.querySelectorAll("ol > .item")];
    if (items.some((item) => item.dataset.album)) this.unalbum();
    for (const item of items) {
      const added = this.place(item);
      heard ||= item.classList.contains("in");
      if (added) {
        item.classList.add("fresh");
        last = item;
      }
    }
    this.list.querySelector(".nothing")?.remove();
    this.dress();
    localise(this.root);
    this.root.dataset.seen = Math.max(this.seen, seq);
    this.root.dispatchEvent(new CustomEvent("desk:seen", { detail: { seq: this.seen } }));
    if (heard) this.root.dispatchEvent(new CustomEvent("desk:heard"));
    if (last) this.announce(last, end);
    if (end) this.toEnd();
  }

  /** An open menu is somebody's work: it stays until it is closed, and what is new waits as long. */
  mergeHead(head) {
    const old = this.root.querySelector("#ticket-head");
    this.headWaits = Boolean(old.querySelector("details[open]"));
    if (this.headWaits) return;
    const focused = old.contains(document.activeElement) ? sameAs(document.activeElement) : null;
    old.replaceWith(head);
    htmx.process(head);
    if (!focused) return;
    const same = [...head.querySelectorAll("a, button, summary")].find((one) => sameAs(one) === focused);
    (same ?? this.root.closest("#ticket")).focus({ preventScroll: true });
  }

  /** True when it was not there before. */
  place(item) {
    // What stood there while it was on its way is this message: its row takes the place without a blink.
    const twin = item.dataset.sent && document.getElementById(`p-${item.dataset.sent}`);
    const old = document.getElementById(item.id);
    if (old) this.keepState(old, item);
    const before = old ?? twin;
    const focused = before?.contains(document.activeElement);
    if (old) old.dataset.key === item.dataset.key ? old.replaceWith(item) : old.remove();
    twin?.remove();
    if (!item.isConnected && !this.sort(item)) return false;
    htmx.process(item);
    if (item.dataset.sent) this.root.dispatchEvent(new CustomEvent("desk:sent", { detail: item.dataset.sent }));
    if (focused) item.querySelector("article")?.focus({ preventScroll: true });
    return !before;
  }

  /** What is open stays open; a film that plays, a picture that is there is not loaded again. */
  keepState(old, item) {
    const open = [...old.querySelectorAll("details")].map((one) => one.open);
    item.querySelectorAll("details").forEach((one, at) => (one.open = open[at] ?? false));
    for (const media of item.querySelectorAll("img, video, voice-note")) {
      const source = (one) => (one.querySelector("audio") ?? one).getAttribute("src");
      const same = [...old.querySelectorAll(media.localName)].find((one) => source(one) === source(media));
      if (same) media.replaceWith(same);
    }
  }

  /** Into its place by time. False: that place is on a page which is not loaded. */
  sort(item) {
    const rows = this.list.querySelectorAll(":scope > .item:not(.pending)");
    const older = this.list.querySelector("#older") && rows[0] && item.dataset.key < rows[0].dataset.key;
    const newer = this.list.querySelector("#newer") && rows.length && item.dataset.key > rows[rows.length - 1].dataset.key;
    if (older) return false;
    if (newer) {
      this.announce(item, false);
      return false;
    }
    let after = this.list.lastElementChild;
    while (after && !(after.dataset.key && after.dataset.key <= item.dataset.key)) after = after.previousElementSibling;
    if (after) after.after(item);
    else this.list.append(item);
    return true;
  }

  /** Of one's own and not yet on the server. */
  append(item) {
    this.list.append(item);
    this.list.querySelector(".nothing")?.remove();
    this.dress();
    this.pinned = true;
    this.toEnd();
  }

  /** Day lines where days change, names where authors change, pictures that were sent together in one frame. */
  dress() {
    let before = null;
    this.unalbum();
    // Only what is wrong is touched: a long page is laid out anew for every line that comes and goes.
    for (const item of this.list.querySelectorAll(":scope > .item")) {
      const fresh = before?.dataset.day !== item.dataset.day;
      const line = item.previousElementSibling?.classList.contains("day") ? item.previousElementSibling : null;
      if (line && line.dataset.day !== item.dataset.day) line.remove();
      if (fresh && line?.dataset.day !== item.dataset.day) item.before(this.dayLine(item));
      if (!fresh && line?.isConnected) line.remove();
      const close = before && Date.parse(item.dataset.at) - Date.parse(before.dataset.at) < SAME_BREATH;
      const cont = Boolean(!fresh && item.dataset.who && before.dataset.who === item.dataset.who && close);
      item.classList.toggle("cont", cont);
      before?.classList.toggle("goes-on", cont && item.classList.contains("in"));
      before = item;
    }
    before?.classList.remove("goes-on");
    for (const line of this.list.querySelectorAll(":scope > .day")) if (!line.nextElementSibling?.classList.contains("item")) line.remove();
    this.album();
    this.rove(null);
    if (this.list.querySelector("voice-note:not(:defined)")) import("./media.js").catch(() => {});
  }

  /** Each of an album is a message of its own; their pictures stand in the first one's frame. */
  album() {
    let first = null;
    for (const item of this.list.querySelectorAll(":scope > .item")) {
      if (!item.dataset.album || item.dataset.album !== first?.dataset.album) {
        first = item.dataset.album ? item : null;
        continue;
      }
      const frame = first.querySelector(".files");
      const files = item.querySelector(".files");
      if (!frame || !files || item.querySelector(".bubble > .text, .reactions, .why, .gone")) continue;
      for (const file of [...files.children]) {
        file.dataset.of = item.id;
        frame.append(file);
      }
      item.classList.add("joined");
    }
    for (const frame of this.list.querySelectorAll(".files")) {
      const many = frame.querySelectorAll(":scope > .image, :scope > .video").length > 1;
      frame.classList.toggle("grid", many);
      frame.parentElement.classList.toggle("framed", many);
    }
  }

  unalbum() {
    for (const file of this.list.querySelectorAll(".files > li[data-of]")) {
      document.getElementById(file.dataset.of)?.querySelector(".files")?.append(file);
      delete file.dataset.of;
    }
    for (const item of this.list.querySelectorAll(":scope > .joined")) item.classList.remove("joined");
  }

  dayLine(item) {
    const at = item.dataset.at ?? item.querySelector("time").dateTime;
    const line = fragment('<li class="day"><h2><time data-as="day"></time></h2></li>').firstChild;
    line.dataset.day = item.dataset.day;
    const time = line.querySelector("time");
    time.dateTime = at;
    time.textContent = label(new Date(at), "day");
    return line;
  }

  announce(item, end) {
    const name = item.dataset.name;
    if (!name || item.dataset.agent === me) return;
    const text = item.querySelector(".text")?.textContent.slice(0, 200) ?? "";
    document.getElementById("said").textContent = `${words("newMessage", { name })} ${text}`;
    if (item.classList.contains("out")) this.root.dispatchEvent(new CustomEvent("desk:answered", { detail: { name } }));
    if (!end) {
      this.pill.querySelector("span").textContent = words("newMessage", { name });
      this.pill.hidden = false;
    }
  }

  // By keyboard: one message has the focus, arrows go to its neighbours, Tab into what can be done with it.

  rove(article) {
    const articles = [...this.list.querySelectorAll(":scope > .msg:not(.joined) > article")];
    const held = article ?? articles.find((one) => one.tabIndex === 0) ?? articles.at(-1);
    for (const one of articles) {
      const index = one === held ? 0 : -1;
      if (one.tabIndex === index) continue;
      one.tabIndex = index;
      for (const tool of one.querySelectorAll(":scope > .tools button")) tool.tabIndex = index;
    }
  }

  key(event) {
    const article = event.target.closest(".msg > article");
    if (!article || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, audio, video")) return;
    const own = event.target === article;
    if (own && event.key === "q") {
      event.preventDefault();
      return this.quote(article.parentElement);
    }
    if (!own || !["ArrowUp", "ArrowDown", "Home", "End"].includes(event.key)) return;
    const all = [...this.list.querySelectorAll(":scope > .msg:not(.joined) > article")];
    const at = { ArrowUp: all.indexOf(article) - 1, ArrowDown: all.indexOf(article) + 1, Home: 0, End: all.length - 1 }[event.key];
    event.preventDefault();
    if (at < 0) return this.list.querySelector("#older a")?.focus();
    all[Math.min(at, all.length - 1)].focus({ preventScroll: true });
    all[Math.min(at, all.length - 1)].scrollIntoView({ block: "nearest" });
  }

  quote(row) {
    if (!row.querySelector("[data-quote]") || !this.root.hasAttribute("data-quotes")) return;
    const said = row.querySelector(".bubble > .text, .postback span:not(.vh), .chip b, .files [data-name]");
    const text = (said?.textContent.trim() || said?.dataset.name || "…").slice(0, 160);
    const detail = { id: Number(row.id.slice(2)), name: row.dataset.name || row.querySelector("header b").textContent, text };
    this.root.dispatchEvent(new CustomEvent("desk:quote", { detail }));
  }

  // Who else is here.

  word(frame) {
    const { name } = frame.actor;
    // A customer's number may be an agent's too.
    const id = `${frame.actor.type}:${frame.actor.id}`;
    // Who has just come does not know yet that we are here; said twice within a second it would not be passed on.
    if (!this.others.has(id) && frame.type !== "left") setTimeout(() => this.desk.look(), ANSWER);
    const known = this.others.get(id) ?? { name, looks: 0, types: 0 };
    if (frame.type === "left") this.others.delete(id);
    else {
      known.looks = Date.now() + LOOKS;
      if (frame.type === "typing") known.types = Date.now() + TYPES;
      this.others.set(id, known);
    }
    this.shownPresence();
  }

  shownPresence() {
    const now = Date.now();
    for (const [id, one] of this.others) if (one.looks < now) this.others.delete(id);
    const all = [...this.others.values()];
    const typing = all.filter((one) => one.types > now);
    const names = (typing.length ? typing : all).map((one) => one.name).join(", ");
    const key = typing.length ? "typing" : all.length > 1 ? "lookingMany" : "looking";
    const text = names ? words(key, { names }) : "";
    if (this.presence.textContent !== text) this.presence.textContent = text;
    this.presence.classList.toggle("types", typing.length > 0);
  }
}

/** What tells a button or link of the head from the others, before and after it is drawn anew. */
function sameAs(one) {
  return one.dataset.key ?? `${one.localName} ${one.getAttribute("href") ?? one.value ?? ""} ${one.title}`;
}
