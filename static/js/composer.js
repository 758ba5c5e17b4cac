// Reply and note: what is written lives in this browser until the server has it, whatever happens to page, line or session.

import { ask, calm, forget, fragment, icon, keep, kept, label, stored, toast, words } from "./web.js";

const MEASURE = 300;
const TYPING = 2000;
const ABLE = 1500;
const REST = 3000;
const SOON = 3600000;
const LONGEST = 1000000;
const KEPT = 30 * 86400000;
// The server keeps an upload that was never sent for a day.
const FILES_KEPT = 23 * 3600000;
const FITS = CSS.supports("field-sizing", "content");
const me = document.body.dataset.agent;

// What is on its way is drawn and sent by a module of its own: a page on which nothing is written does without it.
let loaded = null;
function pending() {
  loaded ??= import("./pending.js").catch((error) => {
    loaded = null;
    throw error;
  });
  return loaded;
}

/** Left by a tab that was closed, or by this page before it was loaded again. */
function anythingWaiting() {
  return stored().some((name) => name.startsWith(`out:${me}:`));
}

// Files that are being added, by ticket: they go on while another ticket is open.
const adding = new Map();

if (me && anythingWaiting()) pending().then(({ outbox }) => outbox.start(), () => {});

export class Composer {
  constructor(root, desk) {
    this.root = root;
    this.desk = desk;
    this.form = root.querySelector("#composer");
    this.text = this.form.elements.text;
    this.ticket = Number(root.dataset.ticket);
    this.quote = null;
    this.key = "";
    for (const [ticket, uploads] of adding) if (!uploads.going) adding.delete(ticket);
    this.uploads = adding.get(this.ticket)?.moved(this) ?? null;
    this.template = null;
    this.buttons = [];
    this.offers = null;
    this.askAble = calm(ABLE, () => this.refreshAble());
    this.form.elements.seen.value = root.dataset.seen;
    this.listen();
    prune();
    this.open();
    this.apply();
    if (anythingWaiting()) pending().then(({ attach }) => attach(this), () => {});
    this.timer = setInterval(() => this.tick(), 1000);
  }

  listen() {
    const { root, form, text } = this;
    root.addEventListener("desk:seen", (event) => this.seen(event.detail.seq));
    root.addEventListener("desk:answered", (event) => this.warn(event.detail.name));
    // A customer's message may open a window, and brings what an answer uses up.
    root.addEventListener("desk:heard", () => (this.form.querySelector("#window, #closed") || this.able.dataset.until) && this.askAble());
    root.addEventListener("desk:quote", (event) => this.answer(event.detail));
    form.addEventListener("submit", (event) => (event.preventDefault(), this.send()));
    // What sending needs is fetched when somebody begins to write, or once the page is at rest, so that it is there
    // when the line is gone.
    text.addEventListener("focus", () => pending().catch(() => {}), { once: true });
    setTimeout(() => navigator.onLine && pending().catch(() => {}), REST);
    text.addEventListener("input", () => this.changed());
    form.querySelector(".copies")?.addEventListener("input", () => this.save());
    form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing) {
        event.preventDefault();
        this.send();
      }
    });
    for (const radio of form.elements.kind) radio.addEventListener("change", () => this.show(radio.value));
    form.querySelector("#quoted button").addEventListener("click", () => (this.answer(null), text.focus()));
    form.querySelector("#choose-template").addEventListener("click", () => this.templates());
    form.querySelector("#choose-buttons").addEventListener("click", () => this.offer(true));
    this.takeFiles();
  }

  get note() {
    return this.kind === "note";
  }

  get able() {
    return this.form.querySelector("#able");
  }

  get files() {
    return this.uploads?.of(this.kind) ?? [];
  }

  get empty() {
    return !this.text.value.trim() && !this.quote && !this.files.length && !this.buttons.length && !this.template?.chosen;
  }

  radio(kind) {
    return [...this.form.elements.kind].find((one) => one.value === kind);
  }

  seen(seq) {
    const field = this.form.elements.seen;
    field.value = Math.max(Number(seq), Number(field.value));
  }

  // Drafts: one for the reply and one for the note of each ticket, so that neither is ever sent as the other.

  store(kind) {
    return `draft:${me}:${this.ticket}:${kind}`;
  }

  open() {
    const drafts = { reply: readDraft(this.store("reply")), note: readDraft(this.store("note")) };
    let kind = this.form.elements.kind.value;
    if (!this.text.value && !drafts.reply && drafts.note) kind = "note";
    if (this.radio(kind).disabled) kind = "note";
    this.kind = kind;
    this.radio(kind).checked = true;
    // A text that came with the page is what the server gave back.
    if (!this.text.value) this.fill(drafts[kind]);
    if (drafts.reply?.files || drafts.note?.files) this.loadUploads().then((uploads) => uploads.restore(drafts), () => {});
    this.mode();
    this.fit();
    this.measure();
  }

  fill(draft) {
    this.text.value = draft?.text ?? "";
    this.key = draft?.key ?? "";
    this.showQuote(draft?.quote ?? null);
    this.showCopies(draft?.copies);
    this.showButtons(draft?.buttons ?? []);
  }

  // What the customer may press instead of typing.

  showButtons(titles) {
    this.buttons = titles;
    if (this.offers) this.offers.draw();
    else if (titles.length) this.offer();
  }

  async offer(asked = false) {
    try {
      const { Offers } = await import("./offers.js");
      this.offers ??= new Offers(this);
      if (asked) this.offers.add();
      else this.offers.draw();
    } catch {
      toast(words("offline"), { bad: true });
    }
  }

  /** Who else gets a mail; null where a channel knows no copies. */
  get copies() {
    const { cc, bcc } = this.form.elements;
    return cc && !this.note ? { cc: cc.value, bcc: bcc.value } : null;
  }

  showCopies(given) {
    const { cc, bcc } = this.form.elements;
    if (!cc) return;
    cc.value = given?.cc ?? cc.defaultValue;
    bcc.value = given?.bcc ?? "";
    this.form.querySelector(".copies").open = Boolean(cc.value || bcc.value);
  }

  save() {
    const files = this.uploads?.kept(this.kind) ?? readDraft(this.store(this.kind))?.files ?? [];
    const quote = this.quote ?? undefined;
    const copies = this.copies ?? undefined;
    const buttons = this.buttons.length ? this.buttons : undefined;
    window.dispatchEvent(new CustomEvent("desk:kept"));
    if (!this.text.value && !files.length && !quote && !buttons) return forget(this.store(this.kind));
    const key = this.key || undefined;
    return keep(this.store(this.kind), { text: this.text.value, files, quote, copies, buttons, key, at: Date.now() });
  }

  draft(kind) {
    return readDraft(this.store(kind)) ?? { text: "" };
  }

  /** Put words aside for one of the two, whichever is shown. */
  saveFor(kind, draft) {
    keep(this.store(kind), { ...draft, at: Date.now() });
  }

  changed() {
    this.save();
    this.fit();
    this.measure();
    const now = performance.now();
    if (!this.note && this.text.value && now - (this.typed ?? -Infinity) > TYPING) {
      this.typed = now;
      this.desk.say("typing", this.ticket);
    }
  }

  /** As tall as its text, within the limits of the style sheet, which does it itself where it can. */
  fit() {
    if (FITS) return;
    this.text.style.height = "auto";
    this.text.style.height = `${this.text.scrollHeight + 2}px`;
  }

  mode() {
    this.form.classList.toggle("note", this.note);
    this.text.placeholder = words(this.note ? "writeNote" : "writeReply");
    const takes = this.note ? "" : this.able.dataset.takes;
    const picker = this.form.elements.files;
    picker.disabled = !this.note && !this.able.dataset.kinds;
    picker.parentElement.classList.toggle("off", picker.disabled);
    picker.accept = this.note ? "" : this.able.dataset.accept;
    picker.closest("label").title = takes || words("addFiles");
    const only = "onlyTemplates" in this.able.dataset && !this.note;
    this.form.classList.toggle("only-templates", only);
    this.form.querySelector("#choose-template").hidden = this.note || !("templates" in this.able.dataset || only);
    this.form.querySelector("#choose-buttons").hidden = this.note || !this.able.dataset.buttons;
    this.uploads?.draw();
    this.offers?.draw();
    if (this.template && this.note) this.template.close();
  }

  show(kind) {
    if (this.kind === kind) return;
    this.save();
    this.kind = kind;
    this.radio(kind).checked = true;
    this.fill(readDraft(this.store(kind)));
    this.mode();
    this.fit();
    this.measure();
  }

  choose(kind) {
    if (this.radio(kind).disabled) return;
    this.show(kind);
    this.text.focus();
  }

  // Which message is answered.

  answer(quote) {
    if (quote && this.note && !this.radio("reply").disabled) this.show("reply");
    this.showQuote(quote);
    this.save();
    if (quote) this.text.focus();
  }

  showQuote(quote) {
    this.quote = quote && "quotes" in this.able.dataset ? quote : null;
    const place = this.form.querySelector("#quoted");
    place.hidden = !this.quote;
    if (!this.quote) return;
    place.querySelector("a").href = `#m-${quote.id}`;
    place.querySelector("b").textContent = quote.name;
    place.querySelector("a span").textContent = quote.text;
  }

  // What can be sent, and until when.

  apply() {
    const closed = "closed" in this.able.dataset;
    for (const name of ["quotes", "reacts"]) this.root.toggleAttribute(`data-${name}`, name in this.able.dataset);
    this.radio("reply").disabled = closed;
    if (closed && !this.note) {
      this.save();
      this.shut = Boolean(this.text.value);
      this.show("note");
    } else if (!closed && this.shut && this.note && this.empty) {
      this.shut = false;
      this.show("reply");
    }
    const kept = closed && readDraft(this.store("reply"))?.text;
    const shut = this.form.querySelector("#closed span");
    if (kept && shut) shut.append(` ${words("draftKept")}`);
    this.mode();
    this.measure();
    this.tick();
  }

  async refreshAble() {
    if (!this.root.isConnected) return;
    try {
      const response = await ask(this.form.dataset.able);
      if (!response.ok || !this.root.isConnected) return;
      const fresh = fragment(await response.text()).querySelector("#able");
      const before = this.able.innerText.trim();
      this.able.replaceWith(fresh);
      this.apply();
      const after = this.able.innerText.trim();
      if (after !== before && fresh.matches("[data-closed], [data-only-templates]")) document.getElementById("said").textContent = after;
    } catch {
      // Asked again by the clock.
    }
  }

  tick() {
    if (!this.root.isConnected) return clearInterval(this.timer);
    const time = this.able.querySelector("time[data-left]");
    if (!time || document.visibilityState === "hidden") return;
    const left = Date.parse(time.dateTime) - Date.now();
    if (left <= 0) {
      // It ends while one writes: what is written stays, what can be done with it changes.
      if (Date.now() - (this.ended ?? 0) > 10000) {
        this.ended = Date.now();
        this.askAble();
      }
      return;
    }
    const text = words("windowLeft", { time: label(new Date(time.dateTime), "until"), left: duration(left) });
    if (time.textContent !== text) time.textContent = text;
    this.able.querySelector("#window").classList.toggle("soon", left < SOON);
  }

  async templates() {
    try {
      const { Templates } = await import("./templates.js");
      this.template ??= new Templates(this);
      await this.template.toggle();
    } catch {
      toast(words("offline"), { bad: true });
    }
  }

  // How long it is on this channel.

  measure() {
    const place = this.form.querySelector("#count");
    const { counts, limit, unit } = this.able.dataset;
    place.title = "";
    place.classList.remove("over");
    if (!counts || this.note || !this.text.value) return (place.textContent = "");
    if (counts === "length") {
      const most = Number(limit) || Infinity;
      const length = lengthOf(this.text.value, unit);
      place.textContent = length > most * 0.8 ? words(unit === "bytes" ? "bytes" : "characters", { length, limit }) : "";
      place.title = length > most ? words("partsOver") : "";
      return place.classList.toggle("over", length > most);
    }
    clearTimeout(this.measuring);
    this.measuring = setTimeout(() => this.askLength(place), MEASURE);
  }

  async askLength(place) {
    const text = this.text.value;
    try {
      const response = await ask(this.form.dataset.measure, { method: "POST", body: new URLSearchParams({ text }) });
      if (!response.ok || text !== this.text.value || this.note) return;
      const counted = await response.json();
      place.textContent = words("segments", counted);
      place.classList.toggle("over", counted.segments > 3);
    } catch {
      // The line under the text can wait.
    }
  }

  // Files: by picker, by paste, dropped anywhere on the ticket.

  takeFiles() {
    const picker = this.form.elements.files;
    picker.addEventListener("change", () => {
      this.add([...picker.files]);
      picker.value = "";
    });
    this.text.addEventListener("paste", (event) => {
      const { files, types } = event.clipboardData ?? {};
      // A table from an office program brings its picture along; its text is meant.
      if (!files?.length || types.includes("text/plain")) return;
      event.preventDefault();
      this.add([...files]);
    });
    const zone = fragment('<div class="dropzone" hidden><p></p></div>').firstChild;
    zone.firstChild.append(icon("upload"), " ", words("dropHere"));
    this.root.append(zone);
    this.root.addEventListener("dragover", (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "copy";
      zone.hidden = false;
    });
    this.root.addEventListener("dragleave", (event) => !this.root.contains(event.relatedTarget) && (zone.hidden = true));
    this.root.addEventListener("drop", (event) => {
      zone.hidden = true;
      if (!event.dataTransfer?.files.length) return;
      event.preventDefault();
      this.add([...event.dataTransfer.files]);
    });
  }

  async add(files) {
    try {
      (await this.loadUploads()).add(files);
    } catch {
      toast(words("offline"), { bad: true });
    }
  }

  async loadUploads() {
    const { Uploads } = await import("./uploads.js");
    this.uploads ??= new Uploads(this);
    adding.set(this.ticket, this.uploads);
    return this.uploads;
  }

  // Sending.

  async send() {
    const { chosen } = this.template ?? {};
    const template = this.note ? null : chosen;
    if (this.starting || (this.form.classList.contains("only-templates") && !template)) return;
    const trouble = this.trouble(template);
    if (trouble) return toast(words(trouble), { bad: true });
    this.starting = true;
    try {
      const { attach, outbox } = await pending();
      attach(this);
      const files = this.files.map(({ id, name, size, type }) => ({ id, name, size, type }));
      outbox.add({
        ...{ key: this.key || newKey(), tried: Boolean(this.key), ticket: this.ticket, kind: this.kind },
        ...{ text: template ? template.text : this.text.value, files: template ? template.files : files, quote: template ? null : this.quote },
        ...{ copies: this.copies, template, buttons: template || this.note ? [] : this.buttons, seen: Number(this.form.elements.seen.value), name: this.form.dataset.name, at: Date.now() },
        // Only where the channel has copies do the fields exist.
        ...{ cc: this.form.elements.cc?.value, bcc: this.form.elements.bcc?.value },
      });
      if (template) this.template.close();
      else this.clear();
      this.text.focus();
    } catch {
      // What sends could not be fetched: nothing has left, all is still here.
      toast(words("offline"), { bad: true });
    } finally {
      this.starting = false;
    }
  }

  trouble(template) {
    if (template) return this.template.lacks;
    if (this.files.some((one) => one.state === "sending")) return "waitForFiles";
    if (this.files.some((one) => one.state === "failed")) return "filesFailed";
    if (!this.note && this.buttons.length && !this.text.value.trim()) return "buttonsNeedText";
    if (!this.text.value.trim() && !this.files.length) return "writeFirst";
    return this.text.value.length > LONGEST ? "textTooLong" : "";
  }

  clear() {
    this.fill(null);
    if (!this.note && this.form.elements.bcc) this.form.elements.bcc.value = "";
    this.uploads?.clear(this.kind);
    this.notice("");
    this.save();
    this.fit();
    this.measure();
  }

  /** What was refused comes back to be changed. False: something else is being written, so it stays where it is. */
  takeBack(item, why, html = "") {
    const other = item.kind === this.kind ? null : readDraft(this.store(item.kind));
    if (item.template || !this.empty || other || !this.root.isConnected) return false;
    this.restore(item, true);
    this.notice(html ? fragment(html) : banner("bad", why));
    const seq = this.form.querySelector("#notice [data-seq]")?.dataset.seq;
    // Having been shown what is new, the agent may send the same words again.
    if (seq) this.seen(seq);
    return true;
  }

  /** Into the composer, before what is there already. definite: the server has it for certain not. */
  restore(item, definite) {
    if (!this.radio(item.kind).disabled) this.show(item.kind);
    const here = item.kind === this.kind;
    const draft = here ? { text: this.text.value } : (readDraft(this.store(item.kind)) ?? { text: "" });
    const text = [item.text, draft.text].filter((one) => one).join("\n\n");
    // Nobody knows whether it has arrived: under its own key it cannot arrive a second time.
    const key = definite || draft.text ? undefined : item.key;
    if (!here) return this.saveFor(item.kind, { text, key, files: item.files, quote: item.quote ?? undefined, copies: item.copies ?? undefined, buttons: item.buttons });
    this.text.value = text;
    this.key = key ?? "";
    this.showQuote(item.quote ?? this.quote);
    if (item.copies) this.showCopies(item.copies);
    if (item.buttons?.length) this.showButtons(item.buttons);
    if (item.files.length) this.loadUploads().then((uploads) => (uploads.put(item.kind, item.files), this.save()));
    this.changed();
  }

  /** A colleague was faster while one was writing. */
  warn(name) {
    if (this.note || !this.text.value.trim() || this.form.querySelector("#notice").firstElementChild) return;
    this.notice(banner("warn", words("answered", { name })));
  }

  notice(content) {
    this.form.querySelector("#notice").replaceChildren(content);
  }
}

function banner(look, text) {
  const made = fragment('<div class="banner" role="alert"><div></div></div>');
  made.firstChild.classList.add(look);
  made.firstChild.prepend(icon(look === "bad" ? "circle-alert" : "triangle-alert"));
  made.querySelector("div > div").textContent = text;
  return made;
}

/** Without a secure address there is no randomUUID. */
function newKey() {
  return crypto.randomUUID?.() ?? [...crypto.getRandomValues(new Uint32Array(4))].map((one) => one.toString(16)).join("-");
}

function lengthOf(text, unit) {
  if (unit === "bytes") return new TextEncoder().encode(text).length;
  return unit === "utf16" ? text.length : [...text].length;
}

const language = document.documentElement.lang || "en";
const counted = (unit, count) => new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "short" }).format(count);

function duration(left) {
  const seconds = Math.ceil(left / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  if (hours) return `${counted("hour", hours)} ${counted("minute", minutes)}`;
  return seconds >= 120 ? counted("minute", minutes) : counted("second", seconds);
}

function readDraft(name) {
  const draft = kept(name);
  if (!draft || typeof draft.text !== "string") return null;
  const files = (draft.files ?? []).filter((one) => one.name);
  const old = Date.now() - draft.at > FILES_KEPT;
  return { ...draft, files: files.length ? files.map((one) => (old ? { ...one, id: undefined } : one)) : undefined };
}

/** Drafts of last month are nobody's. */
function prune() {
  for (const name of stored()) {
    if (name.startsWith("draft:") && !(Date.now() - kept(name)?.at < KEPT)) forget(name);
  }
}

// What waits in this browser is told in the list: a draft, or what could not be sent.

function mark() {
  const waiting = new Map();
  for (const name of stored()) {
    const [what, whose, ticket] = name.split(":");
    if (whose !== me) continue;
    if (what === "draft" && !waiting.has(ticket)) waiting.set(ticket, "draft");
    if (what === "out") {
      const item = kept(name);
      if (item?.state === "failed") waiting.set(String(item.ticket), "notSentYet");
    }
  }
  for (const row of document.querySelectorAll("#rows > .row")) {
    const place = row.querySelector(".meta");
    const text = waiting.get(row.id.slice(2));
    if (!place || (place.dataset.draft ?? "") === (text ? words(text) : "")) continue;
    if (text) place.dataset.draft = words(text);
    else delete place.dataset.draft;
  }
}

const list = document.getElementById("list");
if (list) {
  // Dropped beside the ticket, a file would take the page's place.
  for (const what of ["dragover", "drop"]) {
    document.addEventListener(what, (event) => {
      if (event.defaultPrevented || !event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "none";
    });
  }
  const soon = calm(400, mark);
  new MutationObserver(soon).observe(list, { childList: true, subtree: true });
  document.addEventListener("input", (event) => event.target.id === "say" && soon());
  window.addEventListener("storage", soon);
  window.addEventListener("desk:kept", soon);
  soon();
}
