// What a visitor may say of themselves: before the chat where the shop asks, and an address while nobody is there.

import { h } from "./elements.js";

const LOOKS_RIGHT = {
  email: (value) => /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(value),
  phone: (value) => value.replace(/\D/g, "").length >= 7 && /^\+?\(?\d[\d ().-]{1,30}$/.test(value),
};
const FILLS = { name: "name", email: "email", phone: "tel" };

/** A form of these fields; ``done`` gets {name: value} once all is right. */
export const formOf = (chat, { fields, intro, button, known, done }) => {
  const inputs = new Map();
  const rows = fields.map(({ name, label, type, required }) => {
    const id = `f-${name}`;
    const input = h("input", { id, name, type, autocomplete: FILLS[name], dir: "auto", maxlength: "200", "aria-describedby": `${id}-wrong`, "aria-required": required && "true" });
    input.value = known[name] ?? "";
    const wrong = h("span", { id: `${id}-wrong`, class: "wrong" });
    inputs.set(name, { input, wrong, required });
    return h("p", { class: "field" }, h("label", { for: id }, label, required ? null : h("span", { class: "soft" }, ` (${chat.words("optional")})`)), input, wrong);
  });
  const submit = (event) => {
    event.preventDefault();
    const found = {};
    let first;
    for (const [name, { input, wrong, required }] of inputs) {
      const value = input.value.trim();
      const bad = !value ? required && "needed" : LOOKS_RIGHT[name]?.(value) === false && `bad_${name}`;
      wrong.textContent = bad ? chat.words(bad) : "";
      input.setAttribute("aria-invalid", !!bad);
      if (bad) first ??= input;
      else if (value) found[name] = value;
    }
    if (first) first.focus();
    else done(found);
  };
  return h("form", { class: "asked", novalidate: true, onsubmit: submit }, intro ? h("p", {}, intro) : null, ...rows, h("button", { type: "submit", class: "primary" }, button));
};
