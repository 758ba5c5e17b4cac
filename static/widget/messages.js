// What was said, oldest first. Nodes stay as long as their message does: focus and pictures survive each change.

import { h, icon, initials, label, linked, ONLY_EMOJI, round } from "./elements.js";
import { fileOf, portrait } from "./files.js";

const TOGETHER = 5 * 60_000;
const NEAR = 80;

export class MessageList {
  constructor(chat) {
    this.chat = chat;
    this.nodes = new Map();
    this.stuck = true;
    this.older = h("button", { type: "button", class: "quiet older", hidden: true, onclick: () => chat.older() });
    this.rows = h("ol", { class: "rows", role: "list" });
    this.typing = h("div", { class: "typing", hidden: true }, h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i")), h("span", { class: "vh" }));
    this.newest = h("button", { type: "button", class: "round newest", hidden: true, onclick: () => this.toEnd(true) }, icon("down"));
    this.before = h("div", { class: "before" });
    this.place = h("div", { class: "said", tabindex: "0", role: "log", "aria-live": "off", onscroll: () => this.scrolled() }, this.before, this.older, this.rows, this.typing);
    this.room = new ResizeObserver(() => this.settle());
    this.room.observe(this.place);
  }

  translate() {
    const { words } = this.chat;
    this.place.setAttribute("aria-label", words("messages"));
    this.older.textContent = words("older");
    this.typing.querySelector(".vh").textContent = words("typing");
    label(this.newest, words("newest"));
    for (const { node } of this.nodes.values()) node.remove();
    this.nodes.clear();
  }

  // ── Where we look ──

  scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.place;
    this.stuck = scrollHeight - scrollTop - clientHeight < NEAR;
    this.newest.hidden = this.stuck;
    if (this.stuck) this.chat.looked();
  }

  /** What came late (a picture, a keyboard on the screen) does not push the newest out of sight. */
  settle() {
    if (this.stuck) this.toEnd();
  }

  toEnd(byHand = false) {
    this.stuck = true;
    this.place.scrollTop = this.place.scrollHeight;
    this.newest.hidden = true;
    if (byHand) this.place.focus();
  }

  typed() {
    clearTimeout(this.typingOver);
    this.typing.hidden = false;
    this.settle();
    this.typingOver = setTimeout(() => this.still(), 6000);
  }

  still() {
    clearTimeout(this.typingOver);
    this.typing.hidden = true;
  }

  // ── What is there ──

  /** messages: as the server gives them; waiting: as the store keeps them. */
  draw(messages, waiting, read) {
    const from = this.place.scrollHeight - this.place.scrollTop;
    const earlier = messages.length > 0 && this.top !== undefined && messages[0].seq < this.top;
    this.top = messages[0]?.seq;
    const rows = this.arrange([...messages, ...waiting.map((item) => this.asMessage(item))], read);
    const wanted = new Set(rows.map((row) => row.key));
    for (const [key, { node }] of this.nodes) {
      if (wanted.has(key)) continue;
      node.remove();
      this.nodes.delete(key);
    }
    let last;
    for (const row of rows) {
      const node = this.nodeOf(row);
      // Asked for now: a node that was made anew has taken its place already.
      const at = last ? last.nextSibling : this.rows.firstChild;
      if (node !== at) this.rows.insertBefore(node, at);
      last = node;
    }
    this.older.hidden = !messages.length || messages[0].seq <= 1;
    if (this.stuck) this.toEnd();
    else if (earlier) this.place.scrollTop = this.place.scrollHeight - from;
  }

  asMessage({ id, text, at, files, reply_to, failed, storing }) {
    const attachments = files.map(({ name, type, size }, position) => ({ filename: name, mime: type, size, waiting: `${id}/${position}` }));
    return { client_message_id: id, direction: "in", text, attachments, quick_replies: [], reply_to, author: {}, created_at: at, waiting: true, failed, storing };
  }

  /** Days, who said several things in a row, and what stands below the last of mine. */
  arrange(messages, read) {
    const rows = [];
    let day = "";
    const lastOwn = messages.findLast((one) => one.direction === "in" && !one.waiting);
    messages.forEach((message, at) => {
      const then = new Date(message.created_at);
      if (then.toDateString() !== day) {
        day = then.toDateString();
        rows.push({ key: `day ${day}`, day: then });
      }
      const near = (other) =>
        other && other.direction === message.direction && other.author.name === message.author.name &&
        Math.abs(new Date(other.created_at) - then) < TOGETHER && new Date(other.created_at).toDateString() === day;
      const first = !near(messages[at - 1]);
      const last = !near(messages[at + 1]);
      const state = message.failed ? "failed" : message.storing ? "" : message.waiting ? "sending" : message !== lastOwn ? "" : message.seq <= read ? "read" : "sent";
      const answerable = at === messages.length - 1 && message.quick_replies.length > 0;
      rows.push({ key: message.client_message_id || `seq ${message.seq}`, message, first, last, state, answerable });
    });
    return rows;
  }

  nodeOf(row) {
    const { message, ...how } = row;
    const sign = row.day ? "" : JSON.stringify([how, message.seq, message.text, message.failed, message.reply_to]);
    const known = this.nodes.get(row.key);
    if (known?.sign === sign) return known.node;
    if (known && known.body === this.bodySign(message)) {
      this.around(known, row);
      known.sign = sign;
      return known.node;
    }
    const made = row.day ? { node: this.dayOf(row.day) } : this.build(row);
    if (known) known.node.replaceWith(made.node);
    this.nodes.set(row.key, { ...made, sign });
    return made.node;
  }

  bodySign(message) {
    return message && JSON.stringify([message.text, message.attachments.map((one) => one.filename), message.direction]);
  }

  dayOf(day) {
    const { language } = this.chat.host;
    // By a clock that is slow here, too, nothing was said tomorrow.
    const days = Math.max(0, Math.round((new Date().setHours(0, 0, 0, 0) - new Date(day).setHours(0, 0, 0, 0)) / 86_400_000));
    const shown = days < 2
      ? new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(-days, "day")
      : new Intl.DateTimeFormat(language, { day: "numeric", month: "long", year: days > 300 ? "numeric" : undefined }).format(day);
    return h("li", { class: "day" }, h("span", {}, shown));
  }

  build(row) {
    const { message } = row;
    const mine = message.direction === "in";
    const { chat } = this;
    const name = mine ? chat.words("you") : message.author.name || chat.words("us");
    const bubble = h("div", { class: "bubble" });
    if (message.reply_to) bubble.append(this.quoteOf(message.reply_to));
    for (const file of message.attachments) bubble.append(fileOf(chat, file));
    if (message.text) {
      const big = ONLY_EMOJI.test(message.text) && !message.attachments.length;
      bubble.append(h("p", { class: big ? "text big" : "text", dir: "auto" }, ...linked(message.text)));
    }
    const face = mine ? null : h("span", { class: "face", "aria-hidden": "true" }, initials(name));
    if (message.author.picture) portrait(chat, message.author.picture, face);
    const meta = h("div", { class: "meta" });
    const answers = h("div", { class: "answers" });
    const quote = round("reply", chat.words("quote"), () => chat.composer.quote(this.current.get(message.client_message_id || message.id)), { class: "quote-it" });
    const node = h("li", { class: `msg ${mine ? "mine" : "theirs"}` }, face, h("div", { class: "column" }, h("span", { class: "vh" }, `${name}: `), h("div", { class: "line" }, bubble, quote), meta, answers));
    const made = { node, meta, answers, quote, name, body: this.bodySign(message) };
    this.around(made, row);
    return made;
  }

  current = new Map();

  /** What changes about a message that stands there: its neighbours, its state, whether it can be answered by a button. */
  around({ node, meta, answers, quote, name }, { message, first, last, state, answerable }) {
    const { chat } = this;
    this.current.set(message.client_message_id || message.id, message);
    node.classList.toggle("first", first);
    node.classList.toggle("last", last);
    node.dataset.state = state;
    // It keeps its room: the bubble is made for it.
    quote.style.setProperty("visibility", message.waiting ? "hidden" : "");
    const time = new Intl.DateTimeFormat(chat.host.language, { timeStyle: "short" }).format(new Date(message.created_at));
    meta.replaceChildren();
    if (state === "failed") {
      const again = h("button", { type: "button", class: "quiet", onclick: () => chat.delivery.retry(message.client_message_id) }, chat.words("retry"));
      const away = h("button", { type: "button", class: "quiet", onclick: () => chat.delivery.cancel(message.client_message_id) }, chat.words("discard"));
      meta.append(h("span", { class: "wrong" }, `${chat.words("failed_message")}\n${message.failed}`), again, away);
    } else if (state === "sending") {
      meta.append(h("span", {}, chat.words("sending")));
      if (message.attachments.length) {
        const bar = h("progress", { "aria-label": chat.words("sending") });
        bar.value = chat.delivery.progress.get(message.client_message_id) ?? 0;
        meta.append(bar, h("button", { type: "button", class: "quiet", onclick: () => chat.delivery.cancel(message.client_message_id) }, chat.words("cancel")));
      }
    } else if (last || state) {
      if (message.direction === "out" && last) meta.append(h("span", { dir: "auto", class: "who" }, name));
      meta.append(h("time", { datetime: message.created_at }, time));
      if (state) meta.append(h("span", { class: "state" }, icon(state === "read" ? "ticks" : "tick"), chat.words(state)));
    }
    answers.replaceChildren();
    answers.hidden = !answerable;
    if (answerable) this.offer(answers, message);
  }

  /** Buttons that answer. Short ones of one kind (0 to 10, faces) stand side by side, as a scale does. */
  offer(place, message) {
    const { chat } = this;
    const replies = message.quick_replies;
    const scale = replies.length > 2 && replies.every(({ title }) => [...title].length <= 2 || ONLY_EMOJI.test(title));
    place.classList.toggle("scale", scale);
    place.style.setProperty("--columns", replies.length > 7 ? Math.ceil(replies.length / 2) : replies.length);
    place.setAttribute("role", "group");
    place.setAttribute("aria-label", chat.words("answers"));
    for (const { title, payload } of replies) {
      const answer = () => chat.send(title, [], { postback: { title, payload } });
      place.append(h("button", { type: "button", class: "answer", dir: "auto", onclick: answer }, title));
    }
  }

  quoteOf({ author, text }) {
    const { chat } = this;
    return h("blockquote", { dir: "auto" }, h("b", {}, author || chat.words("you")), h("span", {}, text));
  }

  progressed(id, share) {
    const bar = this.nodes.get(id)?.meta.querySelector("progress");
    if (bar) bar.value = share;
  }
}
