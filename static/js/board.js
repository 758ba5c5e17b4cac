// The board moves: as soon as the log says that something happened, and every few seconds for what the log does not say.

import { Live } from "./live.js";
import { ask, calm, explain, fragment, handsOff, localise, words } from "./web.js";

const EVERY = 5000;
const AT_WORK = 60000;
const board = document.getElementById("board");
const bar = document.getElementById("offline");
let busy = false;
let over = false;
let worked = 0;

/** Not from under somebody who is choosing whom to give a ticket to. */
const chosen = () => board.querySelector("form:focus-within");

async function draw() {
  if (busy || document.visibilityState !== "visible" || chosen()) return;
  busy = true;
  try {
    const response = await ask(location.pathname + location.search);
    const body = await response.text();
    // What stands here is of a moment ago: nobody may take it for now.
    old(response.status >= 500);
    ended(!response.ok && response.status < 500, response.status, body);
    if (!response.ok) return;
    await handsOff();
    if (!chosen()) shown(fragment(body));
  } catch {
    old(true);
  } finally {
    busy = false;
  }
}

/** Signed out, or no longer a lead: said once. What broke on the server's side passes. */
function ended(is, status, body) {
  if (is && !over) explain(status, body);
  over = is;
}

function old(is) {
  if (bar.hidden === !is) return;
  bar.querySelector("span").textContent = is ? words("offline") : "";
  bar.hidden = !is;
}

/** Whoever is on a link by keyboard stays on it. */
function shown(fresh) {
  const held = document.activeElement?.closest("#board a");
  const same = held && `#${held.id}`;
  board.replaceChildren(fresh);
  localise(board);
  if (same) board.querySelector(same)?.focus({ preventScroll: true });
}

const live = new Live();
const soon = calm(1000, draw);
live.addEventListener("line", soon);
live.addEventListener("gone", () => location.reload());
setInterval(draw, EVERY);
document.addEventListener("visibilitychange", draw);
for (const touch of ["keydown", "pointerdown", "pointermove"]) {
  document.addEventListener(
    touch,
    () => {
      if (Date.now() - worked < AT_WORK) return;
      worked = Date.now();
      live.say("active");
    },
    { passive: true },
  );
}
localise();
document.querySelector(".board-head [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
