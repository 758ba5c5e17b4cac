// As what one is shown, what one is offered, and the bell for leads. Loaded with the first touch of the page, or when
// something of it comes.

import { ask, explain, fragment, handsOff, kept, toast, words } from "./web.js";

const me = document.body.dataset.agent;
let desk = null;
let place = null;
let clock = 0;

export function begin(from) {
  if (desk) return;
  desk = from;
  document.addEventListener("keydown", key);
  document.addEventListener("submit", submitted);
  desk.live?.addEventListener("state", ({ detail }) => detail.online && load());
  load();
}

/** What may have been missed is asked for: frames of these kinds are not kept anywhere. */
function load() {
  return Promise.all([show(), offers(), waiting()]).catch(() => {});
}

export function heard(frame) {
  if (frame.type === "presence") show().catch(() => {});
  else if (frame.type === "offer") offered(frame);
  else if (frame.type === "follow_up") followUp(frame);
  else if (frame.type === "ring") {
    const link = { href: `/board/?team=${frame.team}`, text: words("openBoard") };
    toast(words("nobodyCan", { name: frame.name, count: frame.count }), { bad: true, link });
  }
}

async function show(body = null) {
  const response = await ask("/presence/", body ? { method: "POST", body } : {});
  const text = await response.text();
  if (!response.ok) return explain(response.status, text);
  await handsOff();
  const old = document.querySelector("[data-presence]");
  if (!old) return;
  // An open menu is somebody's work: only what they choose themselves closes it, and what is new waits as long.
  if (old.open && !body) {
    if (!old.dataset.waits) old.addEventListener("toggle", () => show().catch(() => {}), { once: true });
    old.dataset.waits = "yes";
    return;
  }
  const inside = old.contains(document.activeElement);
  old.replaceWith(fragment(text));
  if (inside) document.querySelector("[data-presence] summary")?.focus({ preventScroll: true });
}

/** How many low scores wait for this lead, those too that came while nobody was here. */
async function waiting() {
  const place = document.querySelector("[data-follow-ups]");
  if (!place) return;
  const response = await ask(place.dataset.followUps);
  if (!response.ok) return;
  const { count, overdue } = await response.json();
  place.hidden = !count;
  place.querySelector(".n").textContent = count || "";
  place.querySelector("a").classList.toggle("fresh", overdue > 0);
}

/** A low score that this lead is to see to. It stays until it is read, or others have come. */
async function followUp({ score, of, href }) {
  waiting().catch(() => {});
  const text = words("lowScore", { score, most: of });
  toast(text, { bad: true, link: { href, text: words("openFollowUp") } });
  if (document.visibilityState === "hidden" && kept("telling")) {
    const { say } = await import("./telling.js");
    say({ title: text, tag: href, open: () => location.assign(href) });
  }
}

// Offers.

async function offered(frame) {
  await offers().catch(() => {});
  if (frame.offer && document.visibilityState === "hidden" && kept("telling")) {
    const { heard: tell } = await import("./telling.js");
    tell({ type: "ticket.assigned", ticket: frame.ticket, actor: {}, data: { assignee: { id: me } } }, desk);
  }
}

async function offers() {
  const response = await ask("/offers/");
  if (!response.ok) return;
  const found = fragment(await response.text());
  const fresh = [...found.querySelectorAll("[data-offer]")];
  const known = new Set([...(place?.querySelectorAll("[data-offer]") ?? [])].map((one) => one.dataset.offer));
  if (!place && !fresh.length) return;
  if (!place) {
    place = document.createElement("section");
    place.className = "offers-place";
    place.setAttribute("aria-live", "assertive");
    place.setAttribute("aria-label", words("offers"));
    document.body.append(place);
  }
  const still = new Set(fresh.map((one) => one.dataset.offer));
  for (const one of [...place.children]) if (!still.has(one.dataset.offer)) one.remove();
  for (const one of fresh) {
    if (known.has(one.dataset.offer)) continue;
    one.dataset.until = Date.now() + Number(one.dataset.seconds) * 1000;
    place.append(one);
  }
  clearInterval(clock);
  if (place.children.length) clock = setInterval(tick, 1000);
}

/** The server decides when it is over; here it only goes from the screen. */
function tick() {
  for (const one of [...place.children]) {
    const left = Math.ceil((Number(one.dataset.until) - Date.now()) / 1000);
    if (left <= 0) one.remove();
    else one.querySelector(".left").textContent = `${left} s`;
  }
  if (!place.children.length) clearInterval(clock);
}

function key(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || !place?.firstElementChild) return;
  if (localStorage.getItem("keys") === "off" || document.querySelector("dialog[open]")) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  const button = place.querySelector(`[aria-keyshortcuts="${event.key}"]`);
  if (!button) return;
  event.preventDefault();
  button.click();
}

async function submitted(event) {
  const form = event.target;
  const menu = form.closest("[data-presence]");
  const offer = form.closest(".offers-place [data-offer]");
  if (!menu && !offer) return;
  event.preventDefault();
  try {
    if (menu) return await show(new FormData(form, event.submitter));
    const response = await ask(form.action, { method: "POST", body: new FormData(form, event.submitter) });
    const body = await response.text();
    offer.remove();
    if (!response.ok) return explain(response.status, body);
    const answer = JSON.parse(body);
    if (answer.words) toast(answer.words);
    if (answer.open) desk.openTicket(answer.open);
  } catch {
    toast(words("offline"), { bad: true });
  }
}
