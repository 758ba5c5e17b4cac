// Menus whose choices the server knows: colleagues, tags, teams. Loaded when the first one is opened.

import { ask, calm, explain, fragment, toast, words } from "./web.js";

const SOON = 150;
const turns = new WeakMap();

/** Fills the menu and keeps it in step with what is typed. */
export function fill(sheet) {
  if (!sheet.dataset.filled) {
    sheet.dataset.filled = "yes";
    sheet.querySelector("input[type=search]").addEventListener("input", calm(SOON, () => load(sheet)));
  }
  return load(sheet);
}

/** Enter in the field: the first choice. What stands there may be an answer to less than what was typed. */
export async function pick(sheet) {
  let answer = await load(sheet);
  while (answer === "overtaken") answer = await load(sheet);
  if (answer === "shown") sheet.querySelector(".offers .choice")?.click();
}

async function load(sheet) {
  const turn = (turns.get(sheet) ?? 0) + 1;
  turns.set(sheet, turn);
  sheet.setAttribute("aria-busy", "true");
  const q = sheet.querySelector("input[type=search]").value.trim();
  try {
    const response = await ask(`${sheet.dataset.choose}?${new URLSearchParams({ q })}`);
    const body = await response.text();
    if (!sheet.isConnected) return "gone";
    if (turn !== turns.get(sheet)) return "overtaken";
    if (!response.ok) return explain(response.status, body);
    sheet.querySelector(".offers").replaceChildren(fragment(body));
    return "shown";
  } catch {
    return toast(words("offline"), { bad: true });
  } finally {
    if (turn === turns.get(sheet)) sheet.removeAttribute("aria-busy");
  }
}
