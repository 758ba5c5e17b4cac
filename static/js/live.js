// The live socket: one numbered log. Whatever happens to the line, the page resumes from the last number it has.

const FIRST = 500;
const LONGEST = 15000;
const REMEMBERED = 1000;
const ASLEEP = 20000;

export class Live extends EventTarget {
  /** after: all that is on the page is at least as new as this line of the log; null: only what comes from now on. */
  constructor(after = null) {
    super();
    this.position = after;
    this.recent = [];
    this.wait = FIRST;
    this.socket = null;
    this.timer = 0;
    this.over = false;
    window.addEventListener("offline", () => this.drop());
    window.addEventListener("online", () => this.again(0));
    // A machine that slept has a dead line which nobody has noticed yet.
    let tick = Date.now();
    setInterval(() => {
      const gap = Date.now() - tick;
      tick = Date.now();
      if (gap > ASLEEP + 5000) this.drop();
    }, 5000);
    this.open();
  }

  open() {
    if (this.over || this.socket) return;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/ws/inbox/${this.position === null ? "" : `?after=${this.position}`}`);
    this.socket = socket;
    let greeted = false;
    socket.onmessage = (event) => {
      if (this.socket !== socket) return;
      const frame = JSON.parse(event.data);
      if (frame.type === "hello") {
        greeted = true;
        this.wait = FIRST;
        this.position ??= frame.at;
        this.tell("state", { online: true });
      } else if (frame.type === "reset") this.tell("reset");
      else if (frame.seq) this.line(frame);
      else this.tell("word", frame);
    };
    socket.onclose = (event) => {
      if (this.socket !== socket) return;
      this.socket = null;
      this.tell("state", { online: false });
      if (event.code === 4401) return this.signIn();
      if (event.code === 4400) this.position = null;
      if (!greeted && !navigator.onLine) return;
      // A refused handshake looks like a cut line; a page knows whether the session still lives.
      if (!greeted) this.tell("refused");
      this.again(this.wait);
      this.wait = Math.min(this.wait * 2, LONGEST);
    };
  }

  line(frame) {
    if (frame.seq <= this.position) return;
    this.position = frame.seq;
    this.recent.push([frame.seq, frame.ticket]);
    if (this.recent.length > REMEMBERED) this.recent.splice(0, REMEMBERED / 2);
    this.tell("line", frame);
  }

  /** Tickets that moved after a number: what was read from the database before they came. */
  since(seq) {
    return this.recent.filter(([number]) => number > seq).map(([, ticket]) => ticket);
  }

  say(type, ticket, more = {}) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ type, ticket, ...more }));
  }

  drop() {
    const socket = this.socket;
    this.socket = null;
    if (socket) {
      socket.close();
      this.tell("state", { online: false });
    }
    if (navigator.onLine) this.again(0);
  }

  /** With a little chance in it, so that a thousand browsers do not come back in the same moment. */
  again(wait) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.open(), wait ? wait * (0.5 + Math.random()) : 0);
  }

  signIn() {
    this.over = true;
    this.tell("gone");
  }

  tell(type, detail = {}) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
