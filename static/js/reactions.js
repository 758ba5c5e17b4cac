// An emoji on a customer's message: six that say most, and taking one's own back.

import { ask, explain, fragment, toast, words } from "./web.js";

const EMOJIS = ["👍", "❤️", "😂", "😮", "😢", "🙏"];
let open = null;

export function choose(button, stream) {
  const mine = open?.button === button;
  close();
  if (mine) return;
  const row = button.closest(".msg");
  const given = row.querySelector(".reactions [data-ours]")?.dataset.ours;
  const menu = fragment('<div class="choose" role="group"></div>').firstChild;
  menu.setAttribute("aria-label", words("react"));
  for (const emoji of EMOJIS) {
    const choice = fragment('<button type="button"></button>').firstChild;
    choice.textContent = emoji;
    choice.setAttribute("aria-pressed", String(emoji === given));
    choice.addEventListener("click", () => send(row, emoji === given ? "" : emoji, stream));
    menu.append(choice);
  }
  button.setAttribute("aria-expanded", "true");
  button.parentElement.append(menu);
  open = { button, menu };
  menu.querySelector("button").focus();
}

function close() {
  if (!open) return;
  open.button.setAttribute("aria-expanded", "false");
  if (open.menu.contains(document.activeElement)) open.button.focus();
  open.menu.remove();
  open = null;
}

async function send(row, emoji, stream) {
  close();
  try {
    const response = await ask(`/messages/${row.id.slice(2)}/reaction/`, { method: "POST", body: new URLSearchParams({ emoji }) });
    if (response.ok) stream.refresh();
    else explain(response.status, await response.text());
  } catch {
    toast(words("offline"), { bad: true });
  }
}

document.addEventListener("pointerdown", (event) => open && !open.menu.contains(event.target) && !open.button.contains(event.target) && close());
document.addEventListener(
  "keydown",
  (event) => {
    if (!open) return;
    if (event.key === "Escape") {
      event.stopPropagation();
      close();
    }
    const all = [...open?.menu.children ?? []];
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by || !all.includes(document.activeElement)) return;
    event.preventDefault();
    all[(all.indexOf(document.activeElement) + by + all.length) % all.length].focus();
  },
  true,
);
