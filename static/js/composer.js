// Reply and note: the draft lives in this browser until it is sent, whatever happens to page, line or session.

import { ask, csrf, explain, fragment, toast, words } from "./web.js";

const MEASURE = 300;
const TYPING = 2000;
const KEPT = 30 * 86400000;

export class Composer {
  constructor(root, desk) {
    this.root = root;
    this.desk = desk;
    this.form = root.querySelector("#composer");
    this.text = this.form.elements.text;
    this.ticket = Number(root.dataset.ticket);
    this.store = `draft:${document.body.dataset.agent}:${this.ticket}`;
    this.files = [];
    this.uploads = 0;
    this.sending = false;
    this.restore();
    this.form.elements.seen.value = root.dataset.seen;
    root.addEventListener("desk:seen", (event) => (this.form.elements.seen.value = event.detail.seq));
    root.addEventListener("desk:answered", (event) => this.warn(event.detail.name));
    this.form.addEventListener("submit", (event) => (event.preventDefault(), this.send()));
    this.text.addEventListener("input", () => this.changed());
    this.text.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing) this.send();
    });
    for (const radio of this.form.elements.kind) radio.addEventListener("change", () => this.changed());
    this.takeFiles();
    this.fit();
    this.mode();
    this.measure();
  }

  get note() {
    return this.form.elements.kind.value === "note";
  }

  // The draft.

  restore() {
    prune();
    let kept = {};
    try {
      kept = JSON.parse(localStorage.getItem(this.store) ?? "{}");
    } catch {
      localStorage.removeItem(this.store);
    }
    if (!this.text.value && kept.text) this.text.value = kept.text;
    this.key = kept.key ?? crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
    const radio = [...this.form.elements.kind].find((one) => one.value === kept.kind);
    if (radio && !radio.disabled) radio.checked = true;
    for (const file of kept.files ?? []) this.list(file);
  }

  save() {
    const files = this.files.filter((one) => one.id).map(({ id, name }) => ({ id, name }));
    if (!this.text.value && !files.length) return localStorage.removeItem(this.store);
    const draft = { text: this.text.value, kind: this.form.elements.kind.value, key: this.key, files, at: Date.now() };
    try {
      localStorage.setItem(this.store, JSON.stringify(draft));
    } catch {
      // No room: the text is still on the page.
    }
  }

  changed() {
    this.save();
    this.fit();
    this.mode();
    this.measure();
    const now = performance.now();
    if (!this.note && this.text.value && now - (this.typed ?? -Infinity) > TYPING) {
      this.typed = now;
      this.desk.say("typing", this.ticket);
    }
  }

  /** As tall as its text, within the limits of the style sheet. */
  fit() {
    this.text.style.height = "auto";
    this.text.style.height = `${this.text.scrollHeight + 2}px`;
  }

  mode() {
    this.form.classList.toggle("note", this.note);
    this.text.placeholder = words(this.note ? "writeNote" : "writeReply");
  }

  choose(kind) {
    const radio = [...this.form.elements.kind].find((one) => one.value === kind);
    if (radio.disabled) return;
    radio.checked = true;
    this.changed();
    this.text.focus();
  }

  // How long it is on this channel.

  measure() {
    const place = this.form.querySelector("#count");
    const counts = this.form.dataset.counts;
    const limit = Number(this.form.dataset.limit) || Infinity;
    if (!counts || this.note || !this.text.value) return (place.textContent = "");
    if (counts === "length") {
      const near = this.text.value.length > limit * 0.8;
      place.textContent = near ? words("characters", { length: this.text.value.length, limit }) : "";
      place.title = this.text.value.length > limit ? words("partsOver") : "";
      return place.classList.toggle("over", this.text.value.length > limit);
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

  // Files.

  takeFiles() {
    const picker = this.form.elements.files;
    picker.addEventListener("change", () => {
      for (const file of picker.files) this.add(file);
      picker.value = "";
    });
    this.text.addEventListener("paste", (event) => {
      if (!event.clipboardData?.files.length) return;
      event.preventDefault();
      for (const file of event.clipboardData.files) this.add(file);
    });
    const box = this.root;
    box.addEventListener("dragover", (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      this.form.classList.add("drop");
    });
    box.addEventListener("dragleave", () => this.form.classList.remove("drop"));
    box.addEventListener("drop", (event) => {
      if (!event.dataTransfer?.files.length) return;
      event.preventDefault();
      this.form.classList.remove("drop");
      for (const file of event.dataTransfer.files) this.add(file);
    });
  }

  add(file) {
    const most = Number(document.body.dataset.maxBytes);
    if (most && file.size > most) {
      return toast(words("fileTooLarge", { name: file.name, limit: Math.floor(most / 1048576) }), { bad: true });
    }
    const entry = this.list({ name: file.name });
    const bar = document.createElement("progress");
    bar.max = 1;
    bar.value = 0;
    bar.setAttribute("aria-label", words("uploading", { name: file.name }));
    entry.element.querySelector("span").after(bar);
    const body = new FormData();
    body.append("file", file);
    // fetch cannot tell how far an upload is.
    const request = new XMLHttpRequest();
    request.open("POST", this.form.dataset.upload);
    request.setRequestHeader("X-Requested-With", "fetch");
    request.setRequestHeader("X-CSRFToken", csrf());
    request.upload.onprogress = (event) => event.lengthComputable && (bar.value = event.loaded / event.total);
    this.uploads += 1;
    request.onloadend = () => {
      this.uploads -= 1;
      bar.remove();
      if (request.status === 201) {
        entry.id = JSON.parse(request.responseText).id;
        return this.save();
      }
      if (request.status) explain(request.status, request.responseText);
      else if (!entry.removed) toast(words("fileFailed", { name: file.name }), { bad: true });
      this.drop(entry);
    };
    entry.request = request;
    request.send(body);
  }

  list(file) {
    const entry = { ...file };
    const element = fragment('<li class="chip"><span class="t" dir="auto"></span><button type="button" class="ghost"></button></li>').firstChild;
    element.querySelector("span").textContent = file.name;
    const button = element.querySelector("button");
    button.append(icon("x"));
    button.setAttribute("aria-label", words("remove", { name: file.name }));
    button.addEventListener("click", () => this.drop(entry));
    entry.element = element;
    this.files.push(entry);
    this.form.querySelector("#adding").append(element);
    return entry;
  }

  drop(entry) {
    entry.removed = true;
    entry.request?.abort();
    entry.element.remove();
    this.files = this.files.filter((one) => one !== entry);
    this.save();
  }

  // Sending.

  async send() {
    if (this.sending) return;
    if (this.uploads) return toast(words("waitForFiles"), { bad: true });
    const note = this.note;
    const body = new URLSearchParams({
      text: this.text.value,
      kind: this.form.elements.kind.value,
      seen: this.form.elements.seen.value,
      key: this.key,
    });
    for (const file of this.files) body.append("attachments", file.id);
    this.busy(true);
    try {
      const response = await ask(this.form.action, { method: "POST", body });
      const answer = await response.text();
      if (response.status === 201) this.sent(note);
      else if (response.status === 409 && answer.trimStart().startsWith("<")) this.stale(answer);
      else this.refused(response.status, answer);
    } catch {
      // Nobody knows whether it arrived: the same key makes sure that sending again sends it once.
      toast(words("offline"), { bad: true });
    } finally {
      this.busy(false);
    }
  }

  busy(now) {
    this.sending = now;
    this.form.querySelector("#send").disabled = now;
    this.form.toggleAttribute("aria-busy", now);
  }

  sent(note) {
    this.text.value = "";
    for (const file of [...this.files]) file.element.remove();
    this.files = [];
    this.key = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
    this.notice("");
    this.save();
    this.fit();
    this.measure();
    this.desk.news();
    this.desk.stream?.toEnd();
    document.getElementById("said").textContent = words(note ? "noteSaved" : "sent");
    this.text.focus();
  }

  stale(html) {
    const shown = fragment(html);
    const seq = shown.querySelector("[data-seq]")?.dataset.seq;
    this.notice(shown);
    // Having been shown what is new, the agent may send the same words again.
    if (seq) this.form.elements.seen.value = Math.max(Number(seq), Number(this.form.elements.seen.value));
    this.desk.news();
    this.text.focus();
  }

  refused(status, answer) {
    const banner = fragment('<div class="banner bad" role="alert"><div></div></div>');
    banner.querySelector(".banner").prepend(icon("circle-alert"));
    banner.querySelector("div > div").textContent = explain(status, answer);
    this.notice(banner);
  }

  /** A colleague was faster while one was writing. */
  warn(name) {
    if (this.note || !this.text.value.trim()) return;
    const banner = fragment('<div class="banner warn" role="alert"><div></div></div>');
    banner.querySelector(".banner").prepend(icon("triangle-alert"));
    banner.querySelector("div > div").textContent = words("answered", { name });
    if (!this.form.querySelector("#notice").firstElementChild) this.notice(banner);
  }

  notice(content) {
    this.form.querySelector("#notice").replaceChildren(content);
  }
}

export function icon(name) {
  const drawing = fragment('<svg class="i" aria-hidden="true"><use></use></svg>').firstChild;
  drawing.firstElementChild.setAttribute("href", `#i-${name}`);
  return drawing;
}

/** Drafts of last month are nobody's. */
function prune() {
  for (let at = localStorage.length - 1; at >= 0; at -= 1) {
    const name = localStorage.key(at);
    if (!name?.startsWith("draft:")) continue;
    try {
      if (Date.now() - JSON.parse(localStorage.getItem(name)).at > KEPT) localStorage.removeItem(name);
    } catch {
      localStorage.removeItem(name);
    }
  }
}
