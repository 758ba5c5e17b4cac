// From us to this browser: a socket that reads on from the last number, and plain requests where sockets are blocked.

import { backoff } from "./delivery.js";

const HELLO_WITHIN = 10_000;
const SOCKET_AGAIN = 300_000;
const WATCHES_EVERY = 5_000;
const LOOKS_EVERY = 60_000;

export class Hearing {
  /** tell: {frame(frame), line(isOn), doubt(), after() → the last number without a hole, awake() → whether somebody looks} */
  constructor(store, host, delivery, tell) {
    Object.assign(this, { store, host, delivery, tell });
    this.failures = 0;
    addEventListener("online", () => this.renew());
    addEventListener("offline", () => this.silent());
    addEventListener("pageshow", (event) => event.persisted && this.renew());
    const { connection } = navigator;
    let type = connection?.type;
    // The estimate of its speed changes all the time.
    connection?.addEventListener?.("change", () => type !== (type = connection.type) && this.renew());
    document.addEventListener("visibilitychange", () => document.hidden || this.look());
  }

  start() {
    if (this.on) return;
    this.on = {};
    this.connect();
    let ticked = Date.now();
    let looked = ticked;
    this.watch = setInterval(() => {
      const now = Date.now();
      // The machine slept: the socket looks alive and is not.
      if (now - ticked > 4 * WATCHES_EVERY && !document.hidden) this.renew();
      ticked = now;
      if (now - looked > LOOKS_EVERY * (this.tell.awake() ? 1 : 5)) {
        looked = now;
        this.look();
      }
    }, WATCHES_EVERY);
  }

  stop() {
    this.on = false;
    clearInterval(this.watch);
    clearTimeout(this.later);
    clearTimeout(this.asking);
    this.leave();
  }

  leave() {
    const { socket } = this;
    this.socket = undefined;
    this.ready = false;
    clearTimeout(this.patience);
    // Shut while it is being opened, browsers complain of it.
    if (socket?.readyState === WebSocket.CONNECTING) socket.onopen = () => socket.close();
    else socket?.close();
  }

  silent() {
    if (!this.on) return;
    this.leave();
    this.tell.line(false);
  }

  renew() {
    if (!this.on) return;
    this.leave();
    this.failures = 0;
    this.connect();
  }

  say(frame) {
    if (this.ready) this.socket.send(JSON.stringify(frame));
    return this.ready;
  }

  connect() {
    clearTimeout(this.later);
    const { token } = this.store.state;
    if (!this.on || this.socket || !token || !navigator.onLine) return;
    const address = `${this.host.hub.replace(/^http/, "ws")}/ws/widget/?after=${this.tell.after()}`;
    let socket;
    try {
      socket = this.socket = new WebSocket(address);
    } catch {
      // The page's policy names no socket of ours.
      this.failures = 2;
      this.poll();
      return;
    }
    // Not by its own word: where nobody is, that would be as long again.
    this.patience = setTimeout(() => this.socket === socket && this.closed(), HELLO_WITHIN);
    socket.onopen = () => socket.send(JSON.stringify({ type: "auth", token }));
    socket.onmessage = ({ data }) => this.socket === socket && this.hear(JSON.parse(data));
    socket.onclose = ({ code }) => this.socket === socket && this.closed(code);
  }

  hear(frame) {
    if (frame.type === "hello") {
      clearTimeout(this.patience);
      clearTimeout(this.asking);
      this.failures = 0;
      this.ready = true;
      this.tell.line(true);
    }
    this.tell.frame(frame);
  }

  closed(code) {
    const heard = this.ready;
    this.leave();
    if (!this.on) return;
    if (code === 4401) {
      // Once may be another tab's doing; again and again is not asked at once.
      this.later = setTimeout(() => this.tell.doubt(), this.failures ? backoff(this.failures) : 0);
      this.failures++;
      return;
    }
    this.tell.line(false);
    this.failures = heard ? 0 : this.failures + 1;
    if (this.failures >= 2) this.poll();
    const longest = this.failures >= 2 ? SOCKET_AGAIN : undefined;
    this.later = setTimeout(() => this.connect(), backoff(this.failures + (this.failures >= 2 ? 3 : 0), longest));
  }

  // ── Without a socket ──

  poll(misses = 0) {
    clearTimeout(this.asking);
    const often = this.tell.awake() ? 3_000 : 15_000;
    const pause = misses ? backoff(misses) : this.asked ? often : 0;
    this.asked = true;
    this.asking = setTimeout(async () => {
      if (!this.on || this.ready) return;
      const there = await this.look();
      if (!this.on || this.ready) return;
      // Whoever answers again may take sockets again, too.
      if (there && misses) this.renewSoon();
      this.poll(there ? 0 : misses + 1);
    }, pause);
  }

  renewSoon() {
    if (!this.socket) this.connect();
  }

  /** What is new, by one request: true. False: nobody answers; "no": somebody does, and gives nothing. */
  async look() {
    const { on } = this;
    if (!on || !this.store.state.token) return true;
    const after = this.tell.after();
    try {
      const { results, receipts } = await this.delivery.ask("GET", `messages/?after=${after}`, undefined, { within: 10_000 });
      // It may be of whoever was here before.
      if (this.on !== on) return true;
      const missed = results.some((one) => one.seq > this.tell.after());
      for (const message of results) this.tell.frame({ type: "message", ...message });
      if (receipts) this.tell.frame({ type: "receipts", ...receipts });
      if (missed && this.ready) this.renew();
      this.tell.line(true);
      return true;
    } catch (error) {
      if (error.status === 401) this.tell.doubt();
      if (!this.ready) this.tell.line(false);
      return error.status > 0 && error.status < 500 && "no";
    }
  }
}
