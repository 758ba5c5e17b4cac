// Being told while the tab is out of sight: a notification and a sound, where this browser's owner wants them.
// Loaded when the tab is hidden for the first time, or when the switches are shown.

import { ask, calm, keep, kept, words } from "./web.js";

const me = document.body.dataset.agent;
const HIDDEN = "pelanggan:in-sight";
const TELLER = "pelanggan:teller";
const GIVEN = 3000;
const TONES = [[880, 0], [1174.66, 0.13]];

export function wishes() {
  return { show: false, sound: false, ...kept("telling") };
}

// Of several tabs one tells; and none while the agent looks at another one. The browser lets go of a closed tab's locks.

let teller = !navigator.locks;
const chosen = new Promise((done) => {
  navigator.locks?.request(TELLER, () => (done((teller = true)), new Promise(() => {}))).catch(() => {});
});

let letGo = null;
function inSight() {
  if (document.visibilityState !== "visible") {
    letGo?.();
    letGo = null;
  } else if (!letGo && navigator.locks) {
    navigator.locks.request(HIDDEN, { mode: "shared" }, () => new Promise((done) => (letGo = done))).catch(() => {});
  }
}
document.addEventListener("visibilitychange", inSight);
inSight();

async function mayTell() {
  if (document.visibilityState === "visible") return false;
  // Loaded a moment ago, or the tab that told is just being closed: the browser may still be giving us its place.
  if (!teller) await Promise.race([chosen, new Promise((done) => setTimeout(done, GIVEN))]);
  if (!teller) return false;
  if (!navigator.locks) return true;
  const { held } = await navigator.locks.query();
  return !held.some((lock) => lock.name === HIDDEN);
}

// What is worth telling: a customer's words, and a ticket that a colleague has given to this agent.

const waiting = new Set();
let desk = null;
const soon = calm(600, tell);

export function heard(frame, from) {
  desk = from;
  const said = frame.type === "message.added" && frame.data.direction === "in";
  const given = frame.type === "ticket.assigned" && String(frame.data.assignee?.id) === me;
  if (String(frame.actor?.id) === me && frame.actor.type === "agent") return;
  if (!said && !given) return;
  waiting.add(frame.ticket);
  soon();
}

async function tell() {
  const numbers = [...waiting];
  waiting.clear();
  const { show, sound } = wishes();
  if (!numbers.length || !(show || sound) || !(await mayTell())) return;
  try {
    const response = await ask(`/told/?n=${numbers.join(",")}`);
    if (!response.ok) return;
    const { tickets } = await response.json();
    if (!tickets.length) return;
    if (sound) play();
    if (show) for (const ticket of tickets.slice(0, 3)) notify(ticket);
  } catch {
    // The line is cut; what was missed stands in the list, unread.
  }
}

/** Something else than a ticket's news, by the same wishes. */
export async function say({ title, tag, open }) {
  const { show, sound } = wishes();
  if (!(show || sound) || !(await mayTell())) return;
  if (sound) play();
  if (show) raise(title, "", tag, open);
}

function notify({ number, name, words: text }) {
  raise(name, text, `ticket-${number}`, () => desk.openTicket(`/tickets/${number}/${desk.query()}`));
}

/** One per tag: a newer one takes the place of the older. */
function raise(title, body, tag, open) {
  if (!("Notification" in window) || Notification.permission !== "granted") return;
  try {
    const shown = new Notification(title, { body, tag, icon: "/static/icons/pelanggan.svg" });
    shown.addEventListener("click", () => {
      window.focus();
      open();
      shown.close();
    });
  } catch {
    // Phones want a service worker for it.
  }
}

let context = null;

/** Two soft tones, made here. A browser that has not been touched yet keeps silent. */
export function play() {
  try {
    context ??= new AudioContext();
    context.resume();
    for (const [frequency, after] of TONES) {
      const at = context.currentTime + after;
      const tone = context.createOscillator();
      const volume = context.createGain();
      tone.frequency.value = frequency;
      volume.gain.setValueAtTime(0.0001, at);
      volume.gain.exponentialRampToValueAtTime(0.12, at + 0.02);
      volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.35);
      tone.connect(volume).connect(context.destination);
      tone.start(at);
      tone.stop(at + 0.4);
    }
  } catch {
    // No sound here.
  }
}

/** The two switches, in the inbox and in the profile. */
class Switches extends HTMLElement {
  connectedCallback() {
    this.closest("section[hidden]")?.removeAttribute("hidden");
    this.show = this.querySelector("[name=show]");
    this.sound = this.querySelector("[name=sound]");
    this.show.addEventListener("change", () => this.asked());
    this.sound.addEventListener("change", () => {
      if (this.sound.checked) play();
      this.save();
    });
    this.draw();
  }

  get able() {
    return "Notification" in window && window.isSecureContext;
  }

  /** Permission is asked for here only, by a click on the switch. */
  async asked() {
    if (this.show.checked && Notification.permission === "default") await Notification.requestPermission();
    this.save();
  }

  save() {
    const show = this.show.checked && this.able && Notification.permission === "granted";
    keep("telling", { show, sound: this.sound.checked });
    this.draw();
  }

  draw() {
    const { show, sound } = wishes();
    const refused = this.able && Notification.permission === "denied";
    this.show.checked = show && this.able && Notification.permission === "granted";
    this.show.disabled = !this.able || refused;
    this.sound.checked = sound;
    this.querySelector("[data-state]").textContent = !this.able ? words("notHere") : refused ? words("notAllowed") : "";
  }
}

customElements.define("desk-telling", Switches);
