// The files of a draft on their way to the server: how far each is, what went wrong with it, and once more.

import { calm, csrf, explain, fragment, freshToken, icon, words } from "./web.js";

const AT_ONCE = 2;
const most = () => Number(document.body.dataset.maxBytes) || Infinity;

export class Uploads {
  constructor(composer) {
    this.entries = [];
    this.moved(composer);
    window.addEventListener("online", () => this.resume());
  }

  /** Whoever looks at another ticket meanwhile finds their files as far as they have come, in the ticket's next composer. */
  moved(composer) {
    this.composer = composer;
    this.form = composer.form;
    this.place = this.form.querySelector("#adding");
    // What another tab has sent meanwhile is no part of the draft any more.
    const files = (kind) => composer.draft(kind).files ?? [];
    this.entries = this.entries.filter((one) => one.state !== "done" || files(one.kind).some(({ id }) => id === one.id));
    return this;
  }

  get going() {
    return this.entries.some((one) => one.state === "sending" || one.state === "waiting" || one.stopped);
  }

  of(kind) {
    return this.entries.filter((entry) => entry.kind === kind);
  }

  /** As a draft keeps them; a file without an id has to be added again. */
  kept(kind) {
    return this.of(kind).map(({ id, name, size, type }) => ({ id, name, size, type }));
  }

  restore(drafts) {
    for (const [kind, draft] of Object.entries(drafts)) {
      if (draft?.files && !this.of(kind).length) this.put(kind, draft.files);
    }
  }

  put(kind, files) {
    for (const file of files) {
      const known = file.id ? { state: "done" } : { state: "failed", why: words("addAgain") };
      this.entries.push({ ...file, ...known, kind });
    }
    this.draw();
  }

  clear(kind) {
    for (const entry of this.of(kind)) release(entry);
    this.entries = this.entries.filter((entry) => entry.kind !== kind);
    this.draw();
  }

  add(files) {
    const { kind } = this.composer;
    for (const file of files) {
      const entry = { file, name: file.name || words("file"), size: file.size, type: file.type, kind, progress: 0 };
      if (file.type.startsWith("image/") && file.type !== "image/svg+xml") entry.picture = URL.createObjectURL(file);
      entry.why = this.refusal(entry);
      // A folder looks like a file until it is read.
      entry.state = entry.why ? "failed" : "waiting";
      entry.final = Boolean(entry.why);
      this.entries.push(entry);
    }
    // A tab that is closed before they are there says so when the ticket is opened again.
    this.composer.save();
    this.draw();
    this.go();
  }

  /** What the channel would not carry is said before it is sent. */
  refusal(entry) {
    const { able } = this.composer;
    const note = entry.kind === "note";
    const limit = note ? most() : Math.min(most(), Number(able.dataset.fileBytes) || Infinity);
    if (entry.size > limit) return words("fileTooLarge", { name: entry.name, limit: Math.floor(limit / 1048576) });
    if (note) return "";
    const shown = able.dataset.shown.split(" ").includes(entry.type);
    const kind = shown ? entry.type.split("/")[0] : "file";
    if (!able.dataset.kinds.split(" ").includes(kind)) return able.dataset.takes || words("fileNotCarried");
    const others = this.of(entry.kind).filter((one) => one.state !== "failed").length;
    return others >= Number(able.dataset.files) ? words("tooManyFiles", { count: able.dataset.files }) : "";
  }

  go() {
    const busy = this.entries.filter((entry) => entry.state === "sending").length;
    for (const entry of this.entries.filter((one) => one.state === "waiting").slice(0, Math.max(AT_ONCE - busy, 0))) this.send(entry);
  }

  resume() {
    for (const entry of this.entries) if (entry.stopped) this.again(entry);
  }

  again(entry) {
    Object.assign(entry, { state: "waiting", why: "", stopped: false, progress: 0 });
    this.draw();
    this.go();
  }

  send(entry, fresh = false) {
    const body = new FormData();
    // Said first, so that the server knows when the file stopped half-way.
    body.append("size", entry.file.size);
    body.append("file", entry.file, entry.name);
    // fetch cannot tell how far an upload is.
    const request = new XMLHttpRequest();
    request.open("POST", this.form.dataset.upload);
    request.setRequestHeader("X-Requested-With", "fetch");
    request.setRequestHeader("X-CSRFToken", csrf());
    request.upload.onprogress = (event) => event.lengthComputable && this.show(entry, event.loaded / event.total);
    request.onloadend = () => this.ended(entry, request, fresh);
    Object.assign(entry, { request, state: "sending", size: entry.file.size });
    this.draw();
    request.send(body);
  }

  async ended(entry, request, fresh) {
    entry.request = null;
    if (entry.removed) return this.go();
    // The page's token may be a night old.
    if (request.status === 403 && !fresh) {
      await freshToken().catch(() => {});
      return this.send(entry, true);
    }
    if (request.status === 201) {
      const { id, name } = JSON.parse(request.responseText);
      Object.assign(entry, { id, name, state: "done" });
    } else if (request.status) {
      const why = request.status === 401 ? explain(401, request.responseText) : (said(request.responseText) ?? words("fileFailed", { name: entry.name }));
      Object.assign(entry, { state: "failed", why, final: request.status === 413 });
    } else Object.assign(entry, { state: "failed", why: words("fileStopped"), stopped: true });
    if (entry.state === "failed") document.getElementById("said").textContent = `${entry.name}: ${entry.why}`;
    this.saved(entry);
    this.draw();
    this.go();
  }

  /** What is not on the page, the other kind's draft or that of a ticket left meanwhile, is changed where it is kept. */
  saved(entry) {
    const { composer } = this;
    if (entry.kind === composer.kind && composer.root.isConnected) composer.save();
    else composer.saveFor(entry.kind, { ...composer.draft(entry.kind), files: this.kept(entry.kind) });
  }

  show(entry, progress) {
    entry.progress = progress;
    if (entry.bar) entry.bar.value = progress;
  }

  remove(entry) {
    entry.removed = true;
    entry.request?.abort();
    release(entry);
    this.entries = this.entries.filter((one) => one !== entry);
    this.saved(entry);
    this.draw();
    this.go();
    this.composer.text.focus();
  }

  draw() {
    this.paint ??= calm(0, () => this.place.replaceChildren(...this.of(this.composer.kind).map((entry) => this.chip(entry))));
    this.paint();
  }

  chip(entry) {
    const made = fragment('<li class="chip"><span class="t"><b dir="auto"></b><span class="how"></span></span></li>').firstChild;
    made.classList.add(entry.state);
    made.prepend(entry.picture ? picture(entry) : icon(entry.state === "failed" ? "circle-alert" : "file"));
    made.querySelector("b").textContent = entry.name;
    made.querySelector(".how").textContent = entry.why || (entry.size ? bytes(entry.size) : "");
    if (entry.state === "sending" || entry.state === "waiting") {
      entry.bar = document.createElement("progress");
      entry.bar.max = 1;
      entry.bar.value = entry.progress ?? 0;
      entry.bar.setAttribute("aria-label", words("uploading", { name: entry.name }));
      made.querySelector(".how").replaceChildren(entry.bar);
    }
    if (entry.state === "failed" && entry.file && !entry.final) made.append(button("rotate-ccw", words("tryAgainWith", { name: entry.name }), () => this.again(entry)));
    made.append(button("x", words(entry.state === "sending" ? "stopAdding" : "remove", { name: entry.name }), () => this.remove(entry)));
    return made;
  }
}

function picture(entry) {
  const made = document.createElement("img");
  made.src = entry.picture;
  made.alt = "";
  return made;
}

function release(entry) {
  if (entry.picture) URL.revokeObjectURL(entry.picture);
}

function button(drawing, text, act) {
  const made = fragment('<button type="button" class="ghost"></button>').firstChild;
  made.append(icon(drawing));
  made.setAttribute("aria-label", text);
  made.title = text;
  made.addEventListener("click", act);
  return made;
}

function said(body) {
  try {
    return JSON.parse(body).words;
  } catch {
    return null;
  }
}

const language = document.documentElement.lang || "en";

function bytes(size) {
  const [unit, count] = size < 1000000 ? ["kilobyte", Math.max(size / 1000, 1)] : ["megabyte", size / 1000000];
  return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: count < 10 ? 1 : 0 }).format(count);
}
