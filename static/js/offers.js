// Buttons under a reply: what the customer may press instead of typing. As many and as long as the channel takes.

import { fragment, icon, toast, words } from "./web.js";

export class Offers {
  constructor(composer) {
    this.composer = composer;
    this.place = composer.form.querySelector("#offers");
    this.button = composer.form.querySelector("#choose-buttons");
    this.list = this.place.querySelector("ol");
    this.count = this.place.querySelector(".muted");
    this.place.addEventListener("keydown", (event) => this.key(event));
    this.place.addEventListener("input", () => this.read());
  }

  get most() {
    return Number(this.composer.able.dataset.buttons) || 0;
  }

  get fields() {
    return [...this.list.querySelectorAll("input")];
  }

  /** The titles as they are written; rows that are still empty are nobody's. */
  read() {
    this.composer.buttons = this.fields.map((field) => field.value.trim()).filter((title) => title);
    this.counted();
    this.composer.save();
  }

  /** As the composer has them: after a draft was opened, sent or taken back, or the kind was changed. */
  draw() {
    const { buttons, note } = this.composer;
    const written = this.fields.map((field) => field.value.trim()).filter((title) => title);
    if (written.join("\n") !== buttons.join("\n") || !buttons.length) this.list.replaceChildren(...buttons.map((title) => this.row(title)));
    for (const field of this.fields) field.maxLength = this.composer.able.dataset.buttonLength;
    this.show(!note);
  }

  show(shown = true) {
    this.place.hidden = !shown || !this.fields.length;
    this.button.setAttribute("aria-expanded", String(!this.place.hidden));
    this.named();
    this.counted();
  }

  add() {
    const empty = this.fields.find((field) => !field.value.trim());
    if (!empty && this.fields.length >= this.most) return toast(words("noMoreButtons", { limit: this.most }), { bad: true });
    if (!empty) this.list.append(this.row(""));
    this.show();
    (empty ?? this.fields.at(-1)).focus();
  }

  row(title) {
    const made = fragment('<li><input type="text" autocomplete="off" dir="auto"><button type="button" class="ghost"></button></li>').firstChild;
    const [field, button] = made.children;
    field.value = title;
    field.maxLength = this.composer.able.dataset.buttonLength;
    button.append(icon("x"));
    button.addEventListener("click", () => this.remove(field));
    return made;
  }

  named() {
    this.fields.forEach((field, place) => {
      const name = words("button", { number: place + 1 });
      field.setAttribute("aria-label", name);
      field.placeholder = name;
      field.nextElementSibling.setAttribute("aria-label", words("remove", { name }));
    });
  }

  counted() {
    this.count.textContent = words("buttonsOf", { count: this.composer.buttons.length, limit: this.most });
  }

  remove(field) {
    const place = this.fields.indexOf(field);
    field.parentElement.remove();
    this.read();
    this.show();
    (this.fields[Math.min(place, this.fields.length - 1)] ?? this.composer.text).focus();
  }

  /** Enter goes on to the next, Backspace in an empty one takes it away, Escape goes back to the text. */
  key(event) {
    const field = event.target;
    if (field.tagName !== "INPUT" || event.isComposing) return;
    if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      const next = this.fields[this.fields.indexOf(field) + 1];
      if (next) next.focus();
      else if (field.value.trim()) this.add();
    } else if (event.key === "Backspace" && !field.value) {
      event.preventDefault();
      const before = this.fields[this.fields.indexOf(field) - 1];
      this.remove(field);
      before?.focus();
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      for (const one of this.fields) if (!one.value.trim()) one.parentElement.remove();
      this.show();
      this.composer.text.focus();
    }
  }
}
