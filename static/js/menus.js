// Menus whose choices the server knows: colleagues, tags, teams. Loaded when the first one is opened.

import { ask, calm, explain, fragment, toast, words } from "./web.js";

/** Fills the menu and keeps it in step with what is typed. */
export function fill(sheet) {
  const field = sheet.querySelector("input[type=search]");
  const found = sheet.querySelector(".offers");
  let turn = 0;
  const load = async () => {
    const mine = (turn += 1);
    sheet.setAttribute("aria-busy", "true");
    try {
      const response = await ask(`${sheet.dataset.choose}?${new URLSearchParams({ q: field.value.trim() })}`);
      const body = await response.text();
      if (mine !== turn || !sheet.isConnected) return;
      if (!response.ok) return explain(response.status, body);
      found.replaceChildren(fragment(body));
    } catch {
      toast(words("offline"), { bad: true });
    } finally {
      if (mine === turn) sheet.removeAttribute("aria-busy");
    }
  };
  if (!sheet.dataset.filled) {
    sheet.dataset.filled = "yes";
    const soon = calm(150, load);
    field.addEventListener("input", soon);
    field.addEventListener("keydown", async (event) => {
      if (event.key !== "Enter" || event.isComposing) return;
      event.preventDefault();
      // What stands there may be an answer to less than what was typed.
      await load();
      found.querySelector(".choice")?.click();
    });
  }
  field.value = "";
  load();
}
