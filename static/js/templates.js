// Approved texts, for when nothing else may be sent: found by their words, filled in, seen as the customer will.

import { ask, calm, explain, fragment, icon, words } from "./web.js";

const BLANK = /\{\{\s*([^{}\s]+)\s*\}\}/g;
const SHOWN = 50;

export class Templates {
  constructor(composer) {
    this.composer = composer;
    this.form = composer.form;
    this.place = this.form.querySelector("#templates");
    this.button = this.form.querySelector("#choose-template");
    this.all = null;
    this.template = null;
    this.values = {};
    this.file = null;
    this.place.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      if (this.template) this.pick(null);
      else this.close(true);
    });
  }

  /** What would be sent; null while none is chosen. */
  get chosen() {
    if (!this.template || this.place.hidden) return null;
    const { name, language } = this.template;
    const files = this.file?.id ? [this.file] : [];
    return { name, language, files, values: this.filled(), text: plain(this.template, this.filled()) };
  }

  /** What is still wrong with it, by the name of its words; "" for nothing. */
  get lacks() {
    if (this.file?.sending) return "waitForFiles";
    if (this.template?.media && !this.file && !this.template.example) return "templateNeedsFile";
    return this.complete ? "" : "fillTemplate";
  }

  get complete() {
    return Boolean(this.template) && this.template.variables.every((name) => this.values[name]?.trim());
  }

  filled() {
    return Object.fromEntries(this.template.variables.map((name) => [name, (this.values[name] ?? "").trim()]));
  }

  async toggle() {
    if (!this.place.hidden) return this.close(true);
    if (!this.all) {
      const response = await ask(this.form.dataset.templates);
      const body = await response.text();
      if (!response.ok) return explain(response.status, body);
      this.all = JSON.parse(body).templates;
    }
    this.place.hidden = false;
    this.form.classList.add("with-template");
    this.button.setAttribute("aria-expanded", "true");
    this.pick(null);
  }

  close(back = false) {
    this.place.hidden = true;
    this.template = null;
    this.values = {};
    this.file = null;
    this.form.classList.remove("with-template");
    this.button.setAttribute("aria-expanded", "false");
    this.place.replaceChildren();
    if (back) this.button.focus();
  }

  pick(template) {
    this.template = template;
    this.values = {};
    this.file = null;
    if (template) this.fill();
    else this.search();
  }

  // The list.

  search() {
    const made = fragment('<input type="search" autocomplete="off"><ul class="found"></ul><p class="muted" hidden></p>');
    const [field, list, none] = made.children;
    field.setAttribute("aria-label", words("searchTemplates"));
    field.placeholder = words("searchTemplates");
    none.textContent = words(this.all.length ? "noTemplateFound" : "noTemplates");
    const draw = () => {
      const asked = field.value.trim().toLowerCase().split(/\s+/);
      const found = this.all.filter((one) => asked.every((word) => haystack(one).includes(word)));
      list.replaceChildren(...found.slice(0, SHOWN).map((one) => this.row(one)));
      none.hidden = found.length > 0;
    };
    field.addEventListener("input", calm(60, draw));
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.ctrlKey) {
        event.preventDefault();
        list.querySelector("button")?.click();
      } else if (event.key === "ArrowDown") {
        event.preventDefault();
        list.querySelector("button")?.focus();
      }
    });
    list.addEventListener("keydown", (event) => {
      const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!by) return;
      event.preventDefault();
      const buttons = [...list.querySelectorAll("button")];
      (buttons[buttons.indexOf(document.activeElement) + by] ?? field).focus();
    });
    this.place.replaceChildren(made);
    draw();
    field.hidden = !this.all.length;
    if (!field.hidden) field.focus();
  }

  row(template) {
    const made = fragment('<li><button type="button"><b dir="auto"></b><span class="kinds"></span><span class="words" dir="auto"></span></button></li>').firstChild;
    made.querySelector("b").textContent = named(template);
    made.querySelector(".kinds").append(...kinds(template));
    made.querySelector(".words").textContent = plain(template, {});
    made.firstChild.addEventListener("click", () => this.pick(template));
    return made;
  }

  // One of them, filled in.

  fill() {
    const { template } = this;
    const made = fragment('<div class="chosen"><header><b dir="auto"></b><span class="kinds"></span><button type="button" class="button"></button></header><div class="blanks"></div><div class="as-sent"><div class="bubble" dir="auto"></div></div></div>').firstChild;
    made.querySelector("b").textContent = named(template);
    made.querySelector(".kinds").append(...kinds(template));
    const another = made.querySelector("button");
    another.textContent = words("anotherTemplate");
    another.addEventListener("click", () => this.pick(null));
    if (template.media) made.querySelector(".blanks").append(this.header());
    for (const name of template.variables) made.querySelector(".blanks").append(this.blank(name, made));
    this.place.replaceChildren(made);
    preview(made.querySelector(".bubble"), template, this.values);
    (made.querySelector("input") ?? this.form.querySelector("#send")).focus();
  }

  // A header that is a picture, a film or a document: one's own, else the one that the platform has approved.

  header() {
    const { media, takes, example } = this.template;
    const field = fragment('<div class="field shows"><span></span><label class="button"><input class="vh" type="file"></label><span class="muted" aria-live="polite"></span></div>').firstChild;
    const [name, pick, told] = field.children;
    const input = pick.querySelector("input");
    name.textContent = words(HEADERS[media]);
    pick.append(icon("paperclip"), words("chooseFile"));
    input.accept = takes;
    told.textContent = words(example ? "exampleIsSent" : "templateNeedsFile");
    input.addEventListener("change", () => input.files[0] && this.upload(input.files[0], told));
    return field;
  }

  async upload(file, told) {
    const mine = { name: file.name, size: file.size, type: file.type, sending: true };
    this.file = mine;
    told.textContent = words("uploading", { name: file.name });
    const body = new FormData();
    body.append("size", file.size);
    body.append("file", file, file.name);
    let why = words("fileStopped");
    try {
      const response = await ask(this.form.dataset.upload, { method: "POST", body });
      const said = await response.json().catch(() => ({}));
      if (this.file !== mine) return;
      if (response.ok) {
        this.file = { id: said.id, name: said.name, size: mine.size, type: mine.type };
        return void (told.textContent = said.name);
      }
      why = said.words ?? words("fileFailed", { name: file.name });
    } catch {
      if (this.file !== mine) return;
    }
    this.file = null;
    told.textContent = why;
  }

  blank(name, made) {
    const field = fragment('<label class="field"><span></span><input type="text" maxlength="1000" autocomplete="off" dir="auto" required></label>').firstChild;
    field.firstChild.textContent = /^\d+$/.test(name) ? words("blank", { name }) : name;
    const input = field.querySelector("input");
    input.addEventListener("input", () => {
      this.values[name] = input.value;
      preview(made.querySelector(".bubble"), this.template, this.values);
    });
    // Enter goes on to the next blank; sending is done on purpose.
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      const inputs = [...this.place.querySelectorAll("input")];
      (inputs[inputs.indexOf(input) + 1] ?? this.form.querySelector("#send")).focus();
    });
    return field;
  }
}

const DRAWN = { image: "image", video: "play", document: "file" };
const HEADERS = { image: "picture", video: "video", document: "document" };

function named(template) {
  return template.name.replaceAll("_", " ");
}

function haystack(template) {
  return `${template.name} ${named(template)} ${template.language} ${template.category} ${template.header} ${template.body} ${template.footer}`.toLowerCase();
}

function kinds(template) {
  return [template.category.toLowerCase().replaceAll("_", " "), template.language].filter((one) => one).map((text) => {
    const pill = document.createElement("span");
    pill.className = "pill";
    pill.textContent = text;
    return pill;
  });
}

function plain(template, values) {
  const text = [template.header, template.body, template.footer].filter((one) => one).join("\n\n");
  return text.replace(BLANK, (all, name) => values[name] || all);
}

function preview(place, template, values) {
  place.replaceChildren();
  if (template.media) {
    const made = document.createElement("p");
    made.className = "header";
    made.append(icon(DRAWN[template.media]), " ", words(HEADERS[template.media]));
    place.append(made);
  }
  for (const part of ["header", "body", "footer"]) {
    if (!template[part]) continue;
    const made = document.createElement("p");
    made.className = part;
    let at = 0;
    for (const match of template[part].matchAll(BLANK)) {
      made.append(template[part].slice(at, match.index));
      const mark = document.createElement("mark");
      mark.textContent = values[match[1]] || match[0];
      mark.classList.toggle("open", !values[match[1]]);
      made.append(mark);
      at = match.index + match[0].length;
    }
    made.append(template[part].slice(at));
    place.append(made);
  }
  for (const title of template.buttons) {
    const made = document.createElement("span");
    made.className = "answer";
    made.append(icon("reply"), " ", String(title));
    place.append(made);
  }
}
