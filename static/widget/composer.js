// Where the visitor writes: a text that survives a reload, files by hand, by drag, from the clipboard or the camera.

import { h, icon, label, round } from "./elements.js";
import { isPicture, sizeOf } from "./files.js";

const TYPES_EVERY = 3_000;
const coarse = () => matchMedia("(pointer: coarse)").matches;

export class Composer {
  constructor(chat) {
    this.chat = chat;
    this.files = [];
    this.typed = 0;
    this.field = h("textarea", { rows: "1", dir: "auto", enterkeyhint: "send", autocomplete: "off", oninput: () => this.changed() });
    this.field.addEventListener("keydown", (event) => this.pressed(event));
    this.field.addEventListener("paste", (event) => this.pasted(event));
    this.picker = h("input", { type: "file", multiple: true, hidden: true, onchange: () => this.picked(this.picker) });
    this.lens = h("input", { type: "file", accept: "image/*", capture: "environment", hidden: true, onchange: () => this.picked(this.lens) });
    this.attach = round("attach", "", () => this.picker.click());
    this.camera = round("camera", "", () => this.lens.click(), { class: "round camera" });
    this.send = h("button", { type: "submit", class: "round go" }, icon("send"));
    this.quoted = h("div", { class: "quoting", hidden: true });
    this.chosen = h("ul", { class: "chosen", role: "list", hidden: true });
    this.wrong = h("p", { class: "wrong", role: "alert" });
    this.form = h(
      "form",
      { class: "composer", onsubmit: (event) => (event.preventDefault(), this.submit()) },
      this.quoted, this.chosen, this.wrong,
      h("div", { class: "writing" }, this.attach, this.camera, this.field, this.send), this.picker, this.lens,
    );
    this.field.value = chat.store.draft;
  }

  translate() {
    const { words } = this.chat;
    this.field.placeholder = words("write");
    this.field.setAttribute("aria-label", words("write"));
    for (const name of ["attach", "camera", "send"]) label(this[name], words(name));
    this.quote(this.quoting);
    this.drawFiles();
  }

  focus() {
    if (!this.form.hidden) this.field.focus({ preventScroll: true });
  }

  // ── Text ──

  changed() {
    this.grow();
    this.chat.store.draft = this.field.value;
    const now = Date.now();
    if (this.field.value.trim() && now - this.typed > TYPES_EVERY) {
      this.typed = now;
      this.chat.typing();
    }
  }

  grow() {
    this.field.style.setProperty("height", "auto");
    this.field.style.setProperty("height", `${Math.min(this.field.scrollHeight, 140)}px`);
  }

  pressed(event) {
    // Who chooses a word with Enter does not send it; on a phone Enter is a new line.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229 || coarse()) return;
    event.preventDefault();
    this.submit();
  }

  complain(words) {
    this.wrong.textContent = words;
  }

  clear() {
    this.files = [];
    this.field.value = "";
    this.typed = 0;
    this.complain("");
    this.changed();
    this.quote();
    this.drawFiles();
  }

  submit() {
    const { chat } = this;
    const text = this.field.value;
    if (!text.trim() && !this.files.length) return this.focus();
    const limit = chat.looks.limits.text;
    if ([...text].length > limit) return this.complain(chat.words("too_long", { limit }));
    const quoted = this.quoting && { id: this.quoting.id, author: this.quoting.author.name, text: this.quoting.text.slice(0, 120) };
    chat.send(text.trim() ? text : "", this.files, quoted ? { reply_to: quoted } : {});
    this.clear();
    this.focus();
  }

  quote(message) {
    const { words } = this.chat;
    this.quoting = message;
    this.quoted.hidden = !message;
    this.quoted.replaceChildren();
    if (!message) return;
    const name = message.direction === "in" ? words("you") : message.author.name || words("us");
    const about = h("span", { class: "about", dir: "auto" }, h("b", {}, words("quoting", { name })), h("span", {}, message.text || message.attachments[0]?.filename || ""));
    this.quoted.append(about, round("close", words("unquote"), () => (this.quote(), this.focus())));
    this.focus();
  }

  // ── Files ──

  picked(input) {
    this.add([...input.files]);
    input.value = "";
  }

  pasted(event) {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    this.add(files);
  }

  /** The whole window takes files that are dropped on it. */
  catches(panel) {
    const over = (isOver) => panel.toggleAttribute("data-over", isOver);
    const holdsFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files") && !this.form.hidden;
    panel.addEventListener("dragover", (event) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      over(true);
    });
    panel.addEventListener("dragleave", (event) => panel.contains(event.relatedTarget) || over(false));
    panel.addEventListener("drop", (event) => {
      over(false);
      if (!holdsFiles(event)) return;
      event.preventDefault();
      this.add([...event.dataTransfer.files]);
    });
  }

  add(files) {
    const { chat } = this;
    const { limits } = chat.looks;
    const wrong = [];
    for (const file of files) {
      const name = file.name;
      if (file.size > limits.file) wrong.push(chat.words("too_large", { name, limit: Math.floor(limits.file / 1048576) }));
      else if (!file.size) wrong.push(chat.words("empty", { name }));
      else if (this.files.length >= limits.files) wrong.push(chat.words("too_many", { limit: limits.files }));
      else this.files.push(file);
    }
    this.complain([...new Set(wrong)].slice(0, 3).join("\n"));
    this.drawFiles();
    this.focus();
  }

  drawFiles() {
    const { chat } = this;
    this.chosen.hidden = !this.files.length;
    this.chosen.replaceChildren(
      ...this.files.map((file) => {
        const away = () => {
          this.files = this.files.filter((one) => one !== file);
          this.drawFiles();
          this.focus();
        };
        const discard = `${chat.words("discard")}: ${file.name}`;
        const size = sizeOf(file.size, chat.host.language);
        return h("li", {}, icon(isPicture(file.type) ? "camera" : "file"), h("span", { class: "named", dir: "auto" }, file.name), h("span", { class: "size" }, size), round("close", discard, away));
      }),
    );
  }
}
