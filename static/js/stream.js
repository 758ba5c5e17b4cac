// The open ticket: merges what is new into the messages without moving what is being read, and shows who else is there.

import { label, localise } from "./time.js";
import { ask, calm, explain, fragment, words } from "./web.js";

const CLOSE = 120;
const SAME_BREATH = 5 * 60000;
const LOOKS = 45000;
const TYPES = 5000;
const ANSWER = 1200;

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
    this.scroll.addEventListener("scroll", () => this.atEnd() && (this.pill.hidden = true), { passive: true });
    // Pictures grow after they are placed; who reads the end stays there.
    this.pinned = true;
    this.scroll.addEventListener("scroll", () => (this.pinned = this.atEnd()), { passive: true });
    this.sizes = new ResizeObserver(() => this.pinned && this.toEnd());
    this.sizes.observe(this.list);
    this.sizes.observe(this.scroll);
    this.keepPlace();
    this.toEnd();
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
    const calmly = smooth && !matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.scroll.scrollTo({ top: this.scroll.scrollHeight, behavior: calmly ? "smooth" : "instant" });
  }

  /** Earlier messages come in above: what is read stays where it is. */
  keepPlace() {
    let height = 0;
    let top = 0;
    this.list.addEventListener("htmx:beforeSwap", () => {
      this.pinned = false;
      height = this.scroll.scrollHeight;
      top = this.scroll.scrollTop;
    });
    const mend = () => {
      this.mending = false;
      this.tidy();
      localise(this.list);
      this.scroll.scrollTop = top + this.scroll.scrollHeight - height;
    };
    // htmx tells it once for every element that came.
    this.list.addEventListener("htmx:afterSwap", () => {
      if (!this.mending) queueMicrotask(mend);
      this.mending = true;
    });
  }

  async fetch() {
    if (this.fetching) return (this.again = true);
    this.fetching = true;
    try {
      const response = await ask(`/tickets/${this.ticket}/news/?since=${this.seen}${this.desk.query("&")}`);
      if (!this.root.isConnected) return;
      if (response.status === 205) this.desk.openTicket(location.href, { push: false });
      else if (response.status === 404) this.desk.closeTicket();
      else if (response.ok) this.merge(fragment(await response.text()));
      else explain(response.status, await response.text());
    } catch {
      // The line is cut: the socket comes back and asks again.
    } finally {
      this.fetching = false;
      if (this.again) {
        this.again = false;
        this.refresh();
      }
    }
  }

  merge(news) {
    const head = news.querySelector("#ticket-head");
    const seq = Number(head.querySelector("[data-seq]").dataset.seq);
    const end = this.pinned;
    this.mergeHead(head);
    let last = null;
    for (const item of [...news.querySelectorAll("ol > .item")]) {
      const added = this.place(item);
      if (added) {
        item.classList.add("fresh");
        last = item;
      }
    }
    this.list.querySelector(".nothing")?.remove();
    this.tidy();
    localise(this.root);
    this.root.dataset.seen = Math.max(this.seen, seq);
    this.root.dispatchEvent(new CustomEvent("desk:seen", { detail: { seq: this.seen } }));
    if (last) this.announce(last, end);
    if (end) this.toEnd();
  }

  /** An open menu is somebody's work: it stays until it is closed. */
  mergeHead(head) {
    const old = this.root.querySelector("#ticket-head");
    const busy = old.querySelector("details[open]");
    const focused = old.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    if (busy && old.contains(document.activeElement)) return;
    old.replaceWith(head);
    htmx.process(head);
    if (focused) head.querySelector(`[data-key="${focused}"]`)?.focus();
  }

  /** True when it was not there before. */
  place(item) {
    const old = document.getElementById(item.id);
    if (old) {
      const open = [...old.querySelectorAll("details")].map((one) => one.open);
      item.querySelectorAll("details").forEach((one, at) => (one.open = open[at] ?? false));
      // A film that plays, a picture that is there: what has not changed is not loaded again.
      for (const media of item.querySelectorAll("img, video, audio")) {
        const same = [...old.querySelectorAll(media.tagName)].find((one) => one.getAttribute("src") === media.getAttribute("src"));
        if (same) media.replaceWith(same);
      }
      if (old.dataset.key === item.dataset.key) old.replaceWith(item);
      else old.remove();
    }
    if (!item.isConnected) {
      const oldest = this.list.querySelector(".item");
      // Older than what is loaded: it comes with the earlier messages.
      if (this.list.querySelector("#older") && oldest && item.dataset.key < oldest.dataset.key) return false;
      let after = this.list.lastElementChild;
      while (after && !(after.dataset.key && after.dataset.key <= item.dataset.key)) after = after.previousElementSibling;
      if (after) after.after(item);
      else this.list.append(item);
    }
    htmx.process(item);
    return !old;
  }

  /** Day lines where days change, names where authors change. */
  tidy() {
    let before = null;
    for (const element of [...this.list.children]) {
      if (element.classList.contains("day")) element.remove();
    }
    for (const item of this.list.querySelectorAll(":scope > .item")) {
      const fresh = before?.dataset.day !== item.dataset.day;
      if (fresh) item.before(this.dayLine(item));
      const close = before && Date.parse(item.dataset.at) - Date.parse(before.dataset.at) < SAME_BREATH;
      item.classList.toggle("cont", Boolean(!fresh && item.dataset.who && before.dataset.who === item.dataset.who && close));
      before = item;
    }
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
    if (!name || item.dataset.agent === document.body.dataset.agent) return;
    const text = item.querySelector(".text")?.textContent.slice(0, 200) ?? "";
    document.getElementById("said").textContent = `${words("newMessage", { name })} ${text}`;
    if (item.classList.contains("out")) this.root.dispatchEvent(new CustomEvent("desk:answered", { detail: { name } }));
    if (!end) {
      this.pill.querySelector("span").textContent = words("newMessage", { name });
      this.pill.hidden = false;
    }
  }

  // Who else is here.

  word(frame) {
    const { id, name } = frame.actor;
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
