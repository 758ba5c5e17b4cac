// Pictures large, one after the other, and voice notes: loaded when the first of them is there.

import { fragment, icon, words } from "./web.js";

// Pictures.

let viewer = null;

/** The picture of a link, with those before and after it in the ticket. */
export function show(link, list) {
  viewer ??= new Viewer();
  viewer.open(link, [...list.querySelectorAll("a[data-picture]:not(.sticker)")]);
}

class Viewer {
  constructor() {
    this.dialog = fragment(
      '<dialog class="viewer"><header><p dir="auto"></p><a class="ghost" download></a><button type="button" class="ghost" data-to="close" autofocus></button></header>' +
        '<button type="button" class="ghost" data-to="-1"></button><img alt=""><button type="button" class="ghost" data-to="1"></button></dialog>',
    ).firstChild;
    this.picture = this.dialog.querySelector("img");
    this.label(this.dialog.querySelector("a"), "download", words("download"));
    const names = { close: ["x", words("close")], "-1": ["chevron-left", words("pictureBefore")], 1: ["chevron-right", words("pictureNext")] };
    for (const button of this.dialog.querySelectorAll("button")) this.label(button, ...names[button.dataset.to]);
    this.dialog.addEventListener("click", (event) => this.pressed(event));
    this.dialog.addEventListener("keydown", (event) => this.key(event));
    this.dialog.addEventListener("close", () => this.back());
    this.picture.addEventListener("load", () => this.dialog.classList.remove("waits"));
    document.body.append(this.dialog);
  }

  label(element, drawing, text) {
    element.append(icon(drawing));
    element.setAttribute("aria-label", text);
    element.title = text;
  }

  open(link, all) {
    this.from = link;
    this.all = all.includes(link) ? all : [link];
    this.at = this.all.indexOf(link);
    this.draw();
    this.dialog.showModal();
  }

  draw() {
    const link = this.all[this.at];
    const small = link.querySelector("img");
    this.dialog.classList.add("waits");
    this.picture.src = link.href;
    this.picture.alt = small.alt;
    const name = link.dataset.name || small.alt;
    this.dialog.querySelector("p").textContent = this.all.length > 1 ? `${words("pictureOf", { at: this.at + 1, count: this.all.length })} · ${name}` : name;
    this.dialog.setAttribute("aria-label", name);
    this.dialog.querySelector("a").href = link.href;
    for (const button of this.dialog.querySelectorAll("button:not([data-to=close])")) {
      const to = this.at + Number(button.dataset.to);
      button.disabled = to < 0 || to >= this.all.length;
      // The neighbours are there before they are asked for.
      if (!button.disabled) new Image().src = this.all[to].href;
    }
  }

  step(by) {
    const to = this.at + by;
    if (to < 0 || to >= this.all.length) return;
    this.at = to;
    this.draw();
  }

  pressed(event) {
    const to = event.target.closest("[data-to]")?.dataset.to;
    if (to === "close" || event.target === this.dialog) return this.dialog.close();
    if (to) this.step(Number(to));
  }

  key(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    this.step(by);
  }

  back() {
    this.picture.removeAttribute("src");
    const link = this.all[this.at];
    (link.isConnected ? link : this.from).focus();
    link.scrollIntoView({ block: "nearest" });
  }
}

// Voice notes and other sound.

const SPEEDS = [1, 1.5, 2];
let playing = null;

class VoiceNote extends HTMLElement {
  connectedCallback() {
    if (this.audio) return;
    this.audio = this.querySelector("audio");
    this.audio.controls = false;
    this.append(
      fragment(
        '<button type="button" class="play"></button><span class="track"><input type="range" min="0" max="1000" value="0" step="1"><span class="of"><span class="name" dir="auto"></span><span class="time"></span></span></span><button type="button" class="speed">1×</button>',
      ),
    );
    this.play = this.querySelector(".play");
    this.bar = this.querySelector("input");
    this.speed = this.querySelector(".speed");
    this.time = this.querySelector(".time");
    this.querySelector(".name").textContent = "voice" in this.dataset ? words("voice") : this.dataset.name;
    this.querySelector(".name").prepend(icon("voice" in this.dataset ? "mic" : "music"), " ");
    this.bar.setAttribute("aria-label", words("position"));
    this.play.addEventListener("click", () => (this.audio.paused ? this.start() : this.audio.pause()));
    this.bar.addEventListener("input", () => this.seek(this.bar.value / 1000));
    this.speed.addEventListener("click", () => this.faster());
    this.addEventListener("keydown", (event) => this.key(event));
    for (const name of ["play", "pause", "ended", "timeupdate", "durationchange", "error"]) this.audio.addEventListener(name, () => this.draw());
    this.rate(1);
    this.draw();
  }

  get seconds() {
    const own = this.audio.duration;
    return Number.isFinite(own) && own > 0 ? own : Number(this.dataset.seconds) || 0;
  }

  async start() {
    if (playing && playing !== this) playing.audio.pause();
    playing = this;
    this.audio.playbackRate = this.current;
    try {
      await this.audio.play();
    } catch {
      this.draw();
    }
  }

  seek(part) {
    if (!this.seconds) return;
    // Not fetched yet: it begins there.
    if (this.audio.readyState === 0) this.audio.preload = "metadata";
    this.audio.currentTime = part * this.seconds;
    this.draw();
  }

  faster() {
    this.rate(SPEEDS[(SPEEDS.indexOf(this.current) + 1) % SPEEDS.length]);
  }

  rate(value) {
    this.current = value;
    this.audio.playbackRate = value;
    this.speed.textContent = `${value}×`;
    this.speed.setAttribute("aria-label", words("speed", { value: `${value}×` }));
  }

  key(event) {
    if (event.target === this.bar && event.key === " ") {
      event.preventDefault();
      this.play.click();
    }
  }

  draw() {
    const going = !this.audio.paused && !this.audio.ended;
    if (this.going !== going) {
      this.going = going;
      this.play.replaceChildren(icon(going ? "pause" : "play"));
      this.play.setAttribute("aria-label", words(going ? "pause" : "play"));
    }
    const at = this.audio.currentTime;
    this.bar.disabled = !this.seconds;
    if (this.seconds) this.bar.value = Math.round((at / this.seconds) * 1000);
    const text = this.audio.error ? words("cannotPlay") : at || going ? `${clock(at)} / ${clock(this.seconds)}` : this.seconds ? clock(this.seconds) : "";
    if (this.time.textContent !== text) this.time.textContent = text;
    this.bar.setAttribute("aria-valuetext", clock(at));
  }
}

function clock(seconds) {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

customElements.define("voice-note", VoiceNote);
