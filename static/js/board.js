// The board moves: as soon as the log says that something happened, and every few seconds for what the log does not say.

import { Live } from "./live.js";
import { ask, calm, fragment, localise } from "./web.js";

const EVERY = 5000;
const AT_WORK = 60000;
const board = document.getElementById("board");
let busy = false;
let worked = 0;

/** Not from under somebody who is choosing whom to give a ticket to. */
async function draw() {
  if (busy || document.visibilityState !== "visible" || board.contains(document.activeElement)) return;
  busy = true;
  try {
    const response = await ask(location.pathname + location.search);
    if (!response.ok) return;
    const fresh = fragment(await response.text());
    if (board.contains(document.activeElement)) return;
    board.replaceChildren(fresh);
    localise(board);
  } catch {
    // No line: the next look tries again.
  } finally {
    busy = false;
  }
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
