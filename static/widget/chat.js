// The chat behind the button: what there is, what is new, and how it stands with the line.

import { inkOn, mix } from "./colours.js";
import { Composer } from "./composer.js";
import { backoff, Delivery } from "./delivery.js";
import { filled, h, icon, initials, label, round } from "./elements.js";
import { formOf } from "./forms.js";
import { Hearing } from "./hearing.js";
import { MessageList } from "./messages.js";
import { Store } from "./store.js";

const NEWEST = "9007199254740991";
const SAID_FOR = 8_000;
const LINGERS = 5_000;
const QUIET_BEFORE_TROUBLE = 1_500;
// Of what others say, the ground on which ink has less contrast than on the window's.
const GROUND = { light: "#f5f6f8", dark: "#23272f" };
const TABBABLE = "button:not([disabled]),a[href],input:not([hidden]),textarea,[tabindex='0']";

class Chat {
  constructor(host) {
    this.host = host;
    this.messages = new Map();
    this.receipts = { delivered: 0, seen: 0, read: 0 };
    this.lingering = new Map();
    this.drawn = [];
    this.upto = 0;
    this.lineOn = true;
    this.trouble = "";
    host.dress(__CSS__);
    this.store = new Store(host.channel, () => this.elsewhere());
    this.delivery = new Delivery(this.store, host, {
      kept: (message) => (this.accept(message), this.draw()),
      changed: () => this.draw(),
      progress: (id, share) => this.list.progressed(id, share),
      trouble: (kind) => this.troubled(kind),
      begun: (again) => this.begun(again),
      identified: (moved) => this.identified(moved),
      refused: (detail) => host.tell("error", { reason: "identify", detail }),
      gone: () => this.words("gone"),
    });
    this.hearing = new Hearing(this.store, host, this.delivery, {
      frame: (frame) => this.hear(frame),
      line: (isOn) => this.onLine(isOn),
      doubt: () => this.refresh(),
      after: () => this.upto,
      awake: () => this.isOpen && !document.hidden,
    });
    this.looks = this.store.state.appearance;
    this.live = h("div", { class: "vh", "aria-live": "polite", role: "status" });
    this.list = new MessageList(this);
    this.composer = new Composer(this);
    this.build();
    addEventListener("online", () => (this.delivery.pump(), this.note()));
    addEventListener("offline", () => this.note());
    document.addEventListener("visibilitychange", () => this.looked());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.paint());
    visualViewport?.addEventListener("resize", () => this.fit());
    if (Object.keys(host.facts).length) this.describe(host.facts);
    if (this.store.state.token) this.listen();
  }

  build() {
    this.face = h("span", { class: "face", "aria-hidden": "true" });
    this.title = h("h2", { id: "chat-title", dir: "auto" });
    this.expected = h("p", { class: "expected", dir: "auto" });
    this.sound = round("quiet", "", () => this.setSound(!this.soundOn));
    this.shut = round("close", "", () => this.close());
    this.notice = h("p", { class: "notice", hidden: true });
    this.asked = h("div", { class: "asking" });
    this.panel = h(
      "section",
      { class: "panel", role: "dialog", "aria-modal": "true", "aria-labelledby": "chat-title", hidden: true, onkeydown: (event) => this.pressed(event) },
      h("header", {}, this.face, h("div", { class: "heading" }, this.title, this.expected), this.sound, this.shut),
      h("div", { class: "middle" }, this.list.place, this.list.newest),
      this.asked, this.notice, this.composer.form, h("div", { class: "dropping", "aria-hidden": "true" }),
    );
    this.composer.catches(this.panel);
    // What is typed here is no shortcut of the page's.
    for (const kind of ["keydown", "keypress", "keyup"]) this.panel.addEventListener(kind, (event) => event.stopPropagation());
    this.host.shadowRoot.append(this.panel, this.live);
  }

  words = (name, values = {}) => filled(this.looks?.texts[name] ?? "", values);

  // ── Open and shut ──

  async open(wanted) {
    if (this.isOpen) return this.composer.focus();
    await this.ready();
    if (!wanted()) return;
    this.host.opened(true);
    this.isOpen = true;
    this.panel.hidden = false;
    // Of a modal dialog only what stands inside is read out.
    this.panel.append(this.live);
    this.fit();
    this.draw();
    this.list.toEnd();
    this.looked();
    const first = this.composer.form.hidden ? this.panel.querySelector(".asking input") : this.composer.field;
    // In a preview somebody is typing elsewhere.
    if (this.shown) return;
    (first ?? this.shut).focus({ preventScroll: true });
    this.listen();
    this.delivery.pump();
  }

  close() {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.panel.hidden = true;
    this.host.shadowRoot.append(this.live);
    this.host.opened(false);
    this.host.button.focus({ preventScroll: true });
  }

  /** What the chat says and how it looks: from the last time, and anew behind it. */
  async ready() {
    if (this.host.shown) return this.preview(this.host.shown);
    const current = this.looks?.language === this.host.language;
    if (!this.store.state.token) await this.delivery.begin();
    else if (!current) await this.translate();
    else this.translate().catch(() => {});
    this.dress(this.store.state.appearance);
  }

  async translate() {
    const { token } = this.store.state;
    if (!token && !this.looks) return;
    const found = await this.delivery.ask("GET", `${this.host.channel}/appearance/?language=${this.host.language}`, undefined, { open: true });
    // Forgotten meanwhile, or in another language by now: nothing of it is kept.
    if (this.store.state.token !== token || found.language !== this.host.language) return;
    this.store.keep({ appearance: found });
    this.dress(found);
  }

  preview(appearance) {
    this.shown = appearance;
    this.dress(appearance);
  }

  dress(looks) {
    const same = JSON.stringify(looks) === this.dressed;
    this.looks = looks;
    if (same) return;
    this.dressed = JSON.stringify(looks);
    this.host.look(looks);
    this.paint();
    this.panel.lang = looks.language;
    this.title.textContent = looks.title;
    this.face.textContent = initials(looks.title);
    this.expected.textContent = looks.expected;
    this.expected.hidden = !looks.expected;
    this.panel.querySelector(".dropping").textContent = this.words("drop");
    label(this.shut, this.words("close"));
    this.setSound(this.store.state.sound ?? looks.sound, true);
    this.list.translate();
    this.greet();
    this.composer.translate();
    this.draw();
  }

  greet() {
    const { greeting, hours, out_of_hours: away } = this.looks;
    const when = hours.opens_at && new Intl.DateTimeFormat(this.host.language, { weekday: "long", day: "numeric", month: "long", hour: "numeric", minute: "2-digit" }).format(new Date(hours.opens_at));
    const closed = hours.open ? "" : h("p", { class: "away", dir: "auto" }, `${away}${when ? `\n${this.words("back", { when })}` : ""}`);
    this.list.before.replaceChildren(h("p", { class: "greeting", dir: "auto" }, greeting), closed);
  }

  paint() {
    const { colour, theme } = this.looks ?? {};
    if (!colour) return;
    const dark = theme === "dark" || (theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
    this.host.toggleAttribute("data-dark", dark);
    const ground = GROUND[dark ? "dark" : "light"];
    const soft = mix(colour, ground, dark ? 0.78 : 0.88);
    const set = (name, value) => this.host.style.setProperty(name, value);
    set("--brand-ink", inkOn(ground, colour));
    set("--brand-soft", soft);
    set("--brand-soft-ink", inkOn(soft, colour));
  }

  /** On a phone the keyboard takes a part of the screen; what is left is ours. */
  fit() {
    const full = matchMedia("(max-width: 480px), (max-height: 480px)").matches;
    this.panel.style.setProperty("--room", full && visualViewport && visualViewport.scale === 1 ? `${visualViewport.height}px` : "");
    this.list.settle();
  }

  pressed(event) {
    if (event.key === "Escape") this.close();
    if (event.key !== "Tab") return;
    const inside = this.panel.querySelector(".enlarged") ?? this.panel;
    const stops = [...inside.querySelectorAll(TABBABLE)].filter((one) => one.getClientRects().length);
    const [first, last] = event.shiftKey ? [stops[stops.length - 1], stops[0]] : [stops[0], stops[stops.length - 1]];
    if (this.host.shadowRoot.activeElement !== last) return;
    event.preventDefault();
    first.focus();
  }

  // ── What there is ──

  async listen() {
    if (this.listening || this.shown) return;
    const turn = (this.listening = {});
    for (let failures = 0; this.listening === turn && !this.fetched; failures++) {
      try {
        await this.fetch();
      } catch (error) {
        if (error.status === 401) await this.delivery.begin(this.store.state.token).catch(() => {});
        if (error.status !== 401 || failures) {
          this.onLine(false);
          await new Promise((done) => setTimeout(done, error.wait * 1000 || backoff(failures)));
        }
      }
    }
    if (this.listening !== turn) return;
    this.hearing.start();
    this.delivery.pump();
    this.host.tell("ready", {});
  }

  /** From the beginning: our token is turned down, or another conversation is ours from now on. */
  refresh() {
    this.hearing.stop();
    this.listening = undefined;
    this.fetched = false;
    return this.listen();
  }

  /** The newest page in place of whatever was shown. */
  async fetch() {
    const { token } = this.store.state;
    this.from = token;
    const had = new Set(this.messages.values());
    const found = await this.delivery.ask("GET", `messages/?before=${NEWEST}`);
    if (this.store.state.token !== token) return;
    // What was sent while we asked is not in the answer.
    const since = [...this.messages.values()].filter((one) => !had.has(one) && one.seq > found.at);
    this.messages = new Map([...found.results, ...since].map((one) => [one.seq, one]));
    this.upto = found.at;
    this.receipts = found.receipts;
    this.store.keep({ seen: Math.max(found.receipts.seen, this.store.state.seen ?? 0) });
    this.fetched = true;
    this.onLine(true);
    this.draw();
    this.looked();
  }

  async older() {
    const [first] = this.sorted();
    const found = await this.delivery.ask("GET", `messages/?before=${first.seq}`).catch(() => ({ results: [] }));
    for (const one of found.results) this.messages.set(one.seq, one);
    this.draw();
  }

  begun(again) {
    this.empty();
    this.fetched = true;
    this.from = this.store.state.token;
    if (again) this.say(this.words("anew"));
    this.draw();
    this.hearing.renew();
    this.delivery.pump();
  }

  identified(moved) {
    this.host.tell("identified", { moved });
    if (!moved) return;
    this.store.keep({ seen: 0 });
    this.refresh();
  }

  /** Another tab has done something. */
  elsewhere() {
    const { token, appearance } = this.store.state;
    if (this.from && token !== this.from) {
      this.empty();
      if (!token) return this.silence();
      this.from = token;
      this.refresh();
    }
    if (appearance && this.looks && appearance.language === this.host.language) this.dress(appearance);
    if (this.listening && this.store.queue().length) this.delivery.pump();
    this.draw();
  }

  empty() {
    this.messages.clear();
    this.lingering.clear();
    this.drawn = [];
    this.upto = 0;
    this.receipts = { delivered: 0, seen: 0, read: 0 };
    clearTimeout(this.telling);
    this.toTell = {};
  }

  silence() {
    this.listening = undefined;
    this.fetched = false;
    this.from = undefined;
    this.hearing.stop();
    this.composer.clear();
    this.close();
    this.draw();
  }

  async reset() {
    const { token } = this.store.state;
    if (token) this.delivery.ask("DELETE", "session/").catch(() => {});
    this.store.forget();
    this.empty();
    this.silence();
    this.looks = this.dressed = undefined;
  }

  // ── News ──

  hear(frame) {
    if (frame.type === "message") this.accept(frame);
    else if (frame.type === "typing") return this.list.typed();
    else if (frame.type === "receipts") {
      this.receipts = { delivered: frame.delivered, seen: frame.seen, read: frame.read };
      if (frame.seen > (this.store.state.seen ?? 0)) this.store.keep({ seen: frame.seen });
    } else if (frame.type !== "hello") return;
    clearTimeout(this.soon);
    this.soon = setTimeout(() => this.draw(), 0);
  }

  accept(message) {
    // By its id: who is identified has all of it under other numbers.
    const known = [...this.messages.values()].find((one) => one.id === message.id);
    if (known) this.messages.delete(known.seq);
    this.messages.set(message.seq, message);
    while (this.messages.has(this.upto + 1)) this.upto++;
    if (known) return;
    this.host.tell("message", { id: message.id, direction: message.direction, text: message.text, author: message.author.name });
    if (message.direction === "in") return;
    this.list.still();
    this.announce(message);
    this.acknowledge({ delivered: message.seq });
    if (this.soundOn && (document.hidden || !this.isOpen)) this.ring();
    setTimeout(() => this.looked());
  }

  announce(message) {
    const who = message.author.name || this.words("us");
    const what = message.text || message.attachments.map((one) => one.filename).join(", ");
    this.speak(`${who}: ${what}`);
  }

  /** For those who hear the page. */
  speak(words) {
    this.live.append(h("p", { dir: "auto" }, words));
    while (this.live.children.length > 3) this.live.firstChild.remove();
  }

  acknowledge(news) {
    clearTimeout(this.telling);
    this.toTell = { ...this.toTell, ...news };
    this.telling = setTimeout(() => {
      const told = this.toTell;
      this.toTell = {};
      const said = Object.entries(told).every(([type, seq]) => this.hearing.say({ type, seq }));
      if (!said) this.delivery.ask("POST", "receipts/", told).catch(() => {});
    }, 200);
  }

  /** Seen is what stands on a screen that somebody has before them. */
  looked() {
    if (this.isOpen && !document.hidden && this.list.stuck) {
      const seen = Math.max(0, ...this.sorted().filter((one) => one.direction === "out").map((one) => one.seq));
      if (seen > (this.store.state.seen ?? 0)) {
        this.store.keep({ seen });
        this.acknowledge({ seen });
      }
    }
    this.count();
  }

  count() {
    const seen = this.store.state.seen ?? 0;
    this.host.count([...this.messages.values()].filter((one) => one.direction === "out" && one.seq > seen).length);
  }

  typing() {
    if (!this.hearing.say({ type: "typing" }) && this.store.state.token) {
      this.delivery.ask("POST", "receipts/", { typing: true }).catch(() => {});
    }
  }

  sorted() {
    return [...this.messages.values()].sort((one, other) => one.seq - other.seq);
  }

  waiting() {
    const known = new Set([...this.messages.values()].map((one) => one.client_message_id));
    const waiting = this.store.queue();
    // Another tab has sent it, and its number is still on the way to this one.
    for (const item of this.drawn) {
      if (!waiting.some((one) => one.id === item.id) && !this.lingering.has(item.id)) {
        this.lingering.set(item.id, item);
        setTimeout(() => this.settle(item.id), LINGERS);
      }
    }
    this.drawn = waiting;
    for (const [id, item] of this.lingering) {
      if (!item || known.has(id) || this.delivery.cancelled.has(id)) this.lingering.delete(id);
      else waiting.push(item);
    }
    return waiting.filter((one) => !known.has(one.id)).sort((one, other) => (one.id < other.id ? -1 : 1));
  }

  /** Sent by another tab, or taken back there: the server knows, and until it says so the words stay. */
  async settle(id) {
    if (!this.lingering.has(id)) return;
    if (this.hearing.on && (await this.hearing.look()) === true) this.lingering.set(id);
    else setTimeout(() => this.settle(id), LINGERS);
    this.draw();
  }

  draw() {
    if (!this.looks) return;
    this.count();
    if (!this.isOpen) return;
    const waiting = this.waiting();
    this.list.draw(this.sorted(), waiting, this.receipts.read);
    this.ask(waiting);
    this.note();
  }

  // ── The visitor ──

  async send(text, files, more = {}) {
    this.list.stuck = true;
    if (this.shown) {
      const seq = this.upto + 1;
      const said = { seq, id: `p${seq}`, direction: "in", text, attachments: [], quick_replies: [], author: {}, created_at: new Date().toISOString() };
      this.messages.set(seq, said);
      this.upto = seq;
      return this.draw();
    }
    const added = this.store.add({ text, ...more }, files);
    this.draw();
    const { safe } = await added;
    if (!safe && files.length) this.say(this.words("full"));
    this.draw();
    this.delivery.pump();
  }

  identify() {
    if (this.store.state.token) this.delivery.pump();
  }

  describe(news) {
    const { facts = {} } = this.store.state;
    const attributes = { ...facts.attributes, ...news.attributes };
    const all = { ...facts, ...news, language: this.host.language };
    this.store.keep({ facts: Object.keys(attributes).length ? { ...all, attributes } : all });
    if (this.store.state.token) this.delivery.pump();
  }

  /** What we would like to know before, or while nobody is there; nothing twice, nothing of whom the page has named. */
  ask(waiting) {
    const { prechat, describe, hours } = this.looks;
    const { facts = {}, begun } = this.store.state;
    const said = this.messages.size + waiting.length > 0;
    const before = prechat.length > 0 && !begun && !said && !this.host.person;
    const away = !before && !hours.open && said && !facts.email && !this.host.person?.email;
    const kind = before ? "before" : away ? "away" : "";
    this.composer.form.hidden = before;
    if (kind === this.askedFor) return;
    this.askedFor = kind;
    this.asked.replaceChildren();
    if (before) {
      const done = (found) => {
        this.store.keep({ begun: true });
        if (Object.keys(found).length) this.describe(found);
        this.draw();
        this.composer.focus();
      };
      this.asked.append(formOf(this, { fields: prechat, button: this.words("begin"), known: facts, done }));
    } else if (away) {
      const done = (found) => {
        if (!found.email) return;
        this.describe(found);
        this.draw();
        this.say(this.words("left_email", found));
        this.composer.focus();
      };
      const fields = describe.map((field) => ({ ...field, required: true }));
      this.asked.append(formOf(this, { fields, intro: this.words("leave_email"), button: this.words("save"), known: facts, done }));
    }
    this.list.settle();
  }

  // ── How it stands ──

  onLine(isOn) {
    clearTimeout(this.worry);
    if (isOn) {
      this.lineOn = true;
      this.delivery.wake?.();
      this.note();
    } else {
      this.worry = setTimeout(() => ((this.lineOn = false), this.note()), QUIET_BEFORE_TROUBLE);
    }
  }

  troubled(kind) {
    this.trouble = kind;
    this.note();
  }

  /** For a moment; what lasts comes back behind it. */
  say(words) {
    this.said = words;
    clearTimeout(this.saying);
    this.saying = setTimeout(() => ((this.said = ""), this.note()), SAID_FOR);
    this.note();
  }

  note() {
    const lasting = !navigator.onLine ? "offline" : this.trouble || (this.lineOn ? "" : "connecting");
    const words = this.said || (lasting && !this.shown ? this.words(lasting) : "");
    if (words === this.notice.textContent) return;
    this.notice.textContent = words;
    this.notice.hidden = !words;
    if (words && this.isOpen) this.speak(words);
    this.list.settle();
  }

  setSound(isOn, quietly = false) {
    this.soundOn = isOn;
    this.sound.replaceChildren(icon(isOn ? "loud" : "quiet"));
    label(this.sound, this.words(isOn ? "sound_off" : "sound_on"));
    if (quietly) return;
    this.store.keep({ sound: isOn });
    if (isOn) this.ring();
  }

  /** Two soft tones; a browser that has not been touched yet stays silent. */
  ring() {
    try {
      this.speaker ??= new AudioContext();
      this.speaker.resume();
      for (const [at, pitch] of [[0, 660], [0.12, 880]]) {
        const [tone, loudness] = [this.speaker.createOscillator(), this.speaker.createGain()];
        const from = this.speaker.currentTime + at;
        tone.frequency.value = pitch;
        loudness.gain.setValueAtTime(0, from);
        loudness.gain.linearRampToValueAtTime(0.08, from + 0.02);
        loudness.gain.exponentialRampToValueAtTime(0.0001, from + 0.3);
        tone.connect(loudness).connect(this.speaker.destination);
        tone.start(from);
        tone.stop(from + 0.32);
      }
    } catch {
      // No sound on this machine.
    }
  }
}

export const start = (host) => new Chat(host);
