// What the settings look like, beside the form in which they are typed: nothing is saved by it.
//
//   <form data-previewed> … </form>  <iframe data-preview src="/…/">
//
// The frame's own address answers a POST of the form (no secrets) with what the frame is to show.

import { ask } from "./web.js";

const PAUSE = 250;
const form = document.querySelector("[data-previewed]");
const frame = document.querySelector("[data-preview]");
let ready = false;
let waits;
let latest = 0;

function typed() {
  const body = new URLSearchParams(new FormData(form));
  for (const field of form.elements) if (field.type === "password") body.delete(field.name);
  const own = form.contains(document.activeElement) ? document.activeElement.name : "";
  body.set("focus", (own ?? "").replace("setting-", ""));
  return body;
}

async function show() {
  const mine = ++latest;
  const response = await ask(frame.src, { method: "POST", body: typed() }).catch(() => null);
  // A slow answer must not undo a newer one.
  if (!response?.ok || mine !== latest || !ready) return;
  frame.contentWindow.postMessage({ preview: await response.json() }, location.origin);
}

function soon() {
  clearTimeout(waits);
  waits = setTimeout(show, PAUSE);
}

addEventListener("message", ({ origin, source, data }) => {
  if (origin !== location.origin || source !== frame.contentWindow || !data?.ready) return;
  ready = true;
  show();
});
for (const event of ["input", "change", "focusin"]) form.addEventListener(event, soon);
// The frame may have been ready before we listened.
frame.src += "";
