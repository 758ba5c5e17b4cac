// From this browser to us: one thing after the other, each until it is kept. Whoever waits is told why.

const ANSWERS_WITHIN = 30_000;
const STALLS_AFTER = 60_000;
export const LONGEST_PAUSE = 15_000;

/** Half to one and a half times 0.5, 1, 2 … seconds: a thousand browsers do not come back at once. */
export const backoff = (failures, longest = LONGEST_PAUSE) =>
  Math.min(longest, 500 * 2 ** Math.min(failures, 10)) * (0.5 + Math.random());

export class Failure extends Error {
  /** status 0: nobody answered; wait: seconds until it may be tried again. */
  constructor(status, detail = "", wait = 0) {
    super(detail);
    Object.assign(this, { status, detail, wait });
  }

  /** Said once, it would be said again. */
  get final() {
    return this.status >= 400 && this.status < 500 && ![401, 403, 408, 429].includes(this.status);
  }
}

const failure = (status, text, retryAfter) => {
  let detail = "";
  try {
    detail = JSON.parse(text).detail ?? "";
  } catch {
    // A page of some proxy.
  }
  return new Failure(status, String(detail), Number(retryAfter) || (status === 429 ? 2 : 0));
};

export class Delivery {
  /** tell: {kept(message), changed(), progress(id, share), trouble(kind), moved(), begun(), refused(detail)} */
  constructor(store, host, tell) {
    Object.assign(this, { store, host, tell });
    this.progress = new Map();
    this.cancelled = new Set();
  }

  // ── Asking ──

  async ask(method, path, body, { open = false, within = ANSWERS_WITHIN } = {}) {
    const headers = { "Accept-Language": this.host.language };
    if (!open) headers.Authorization = `Bearer ${this.store.state.token}`;
    // What carries no token is a request that a browser does not ask permission for first.
    if (body && !open) headers["Content-Type"] = "application/json";
    let answer, text;
    try {
      answer = await fetch(`${this.host.hub}/widget/${path}`, {
        method,
        headers,
        body: body && JSON.stringify(body),
        credentials: "omit",
        cache: "no-store",
        signal: AbortSignal.timeout(within),
      });
      text = await answer.text();
    } catch (error) {
      throw new Failure(0, String(error));
    }
    if (!answer.ok) throw failure(answer.status, text, answer.headers.get("Retry-After"));
    return text ? JSON.parse(text) : {};
  }

  /** A new visitor, unless another tab has already begun one. ``lost``: the token that is worth nothing any more. */
  begin(lost) {
    return this.store.alone("session", async () => {
      const { token } = this.store.state;
      if (token && token !== lost) return;
      const { language } = this.host;
      const path = `${this.host.channel}/session/?language=${language}`;
      const found = await this.ask("POST", path, { language }, { open: true });
      // Where there are no locks another tab may have been faster.
      if (this.store.state.token !== token) return;
      const { visitor, appearance } = found;
      this.store.keep({ visitor, token: found.token, appearance, described: "", identified: "", seen: 0 });
      this.tell.begun(Boolean(lost));
    });
  }

  // ── Sending ──

  pump() {
    this.wanted = true;
    this.wake?.();
    this.running ??= this.run().finally(() => {
      this.running = undefined;
      if (this.wanted && !this.over) this.pump();
    });
  }

  async run() {
    let failures = 0;
    while (this.wanted && !this.over) {
      this.wanted = false;
      try {
        this.wanted = (await this.store.alone("send", () => this.step())) || this.wanted;
        failures = 0;
        // While more is waiting, what was said of the pace still holds.
        if (!this.wanted || !this.paced) this.tell.trouble("");
        if (!this.wanted) this.paced = false;
      } catch (error) {
        this.wanted = true;
        await this.after(error instanceof Failure ? error : new Failure(0, String(error)), failures++);
      }
    }
  }

  async after(error, failures) {
    if (error.status === 401 && failures < 2) {
      await this.begin(this.store.state.token).catch(() => {});
    } else if (error.status === 429) {
      this.paced = true;
      this.tell.trouble("wait");
      await new Promise((done) => setTimeout(done, error.wait * 1000));
    } else {
      this.tell.trouble(error.status === 403 ? "refused" : "connecting");
      await this.pause(error.status === 403 ? LONGEST_PAUSE : backoff(failures));
    }
  }

  /** Until then, or until there is reason to try at once. */
  pause(milliseconds) {
    return new Promise((done) => {
      const timer = setTimeout(done, milliseconds);
      this.wake = () => {
        clearTimeout(timer);
        this.wake = undefined;
        // Several reasons at once are one.
        setTimeout(done, 100);
      };
    });
  }

  /** One thing; true when there may be more. */
  async step() {
    if (!this.store.state.token) {
      await this.begin();
      return true;
    }
    if (await this.introduce()) return true;
    const item = this.store.queue().find((one) => !one.failed);
    if (!item || item.storing) return false;
    try {
      await this.send(item);
    } catch (error) {
      // Taken back, it is no trouble of the line's.
      if (!error.final && this.store.item(item.id)) throw error;
      this.giveUp(item, error);
    } finally {
      this.progress.delete(item.id);
    }
    this.tell.changed();
    return true;
  }

  /** Who this is goes before what they say. */
  async introduce() {
    const { visitor, facts, described, identified } = this.store.state;
    const person = this.host.person && JSON.stringify([visitor, this.host.person]);
    if (person && person !== identified) {
      try {
        const { moved } = await this.ask("POST", "identify/", this.host.person);
        this.store.keep({ identified: person });
        this.tell.identified(moved);
      } catch (error) {
        if (!error.final && error.status !== 403) throw error;
        this.host.person = undefined;
        this.tell.refused(error.detail);
      }
      return true;
    }
    const told = facts && JSON.stringify([visitor, facts]);
    if (told && told !== described) {
      try {
        await this.ask("POST", "describe/", facts);
      } catch (error) {
        if (!error.final) throw error;
      }
      this.store.keep({ described: told });
      return true;
    }
    return false;
  }

  async send(item) {
    const attachments = [];
    for (const [at, file] of item.files.entries()) {
      if (!file.upload || file.by !== this.store.state.visitor) {
        Object.assign(file, { upload: await this.upload(item, at, file), by: this.store.state.visitor });
        this.store.change(item.id, { files: item.files });
      }
      attachments.push(file.upload);
    }
    // Taken back while its files were on their way.
    if (!this.store.item(item.id)) return;
    const { id, text, reply_to, postback } = item;
    const said = { client_message_id: id, text, attachments, reply_to: reply_to?.id, postback };
    const message = await this.ask("POST", "messages/", said);
    this.store.drop(id);
    this.tell.kept(message);
  }

  giveUp(item, { detail, status }) {
    if (!this.store.item(item.id)) return;
    const files = item.files.map(({ name, type, size }) => ({ name, type, size }));
    // The files may be gone there and still be here: once more from the beginning.
    const again = status === 400 && files.length && !item.again;
    this.store.change(item.id, again ? { files, again: true } : { files, failed: detail || " " });
  }

  async upload(item, at, { name }) {
    const file = await this.store.file(`${item.id}/${at}`);
    if (!this.store.item(item.id)) throw new Failure(400);
    if (!file) throw new Failure(410, this.tell.gone());
    const form = new FormData();
    form.append("file", file, name);
    return new Promise((good, bad) => {
      const request = new XMLHttpRequest();
      let patience;
      const moving = () => {
        clearTimeout(patience);
        patience = setTimeout(() => request.abort(), STALLS_AFTER);
      };
      this.cancelling = { id: item.id, abort: () => request.abort() };
      request.open("POST", `${this.host.hub}/widget/attachments/`);
      request.setRequestHeader("Authorization", `Bearer ${this.store.state.token}`);
      request.setRequestHeader("Accept-Language", this.host.language);
      request.upload.onprogress = (event) => {
        moving();
        const share = (at + (event.lengthComputable ? event.loaded / event.total : 0)) / item.files.length;
        this.progress.set(item.id, share);
        this.tell.progress(item.id, share);
      };
      request.onloadend = () => {
        clearTimeout(patience);
        this.cancelling = undefined;
        if (request.status === 201) good(JSON.parse(request.responseText).id);
        else bad(failure(request.status, request.responseText, request.status && request.getResponseHeader("Retry-After")));
      };
      moving();
      request.send(form);
    });
  }

  cancel(id) {
    this.cancelled.add(id);
    this.store.drop(id);
    if (this.cancelling?.id === id) this.cancelling.abort();
    this.tell.changed();
  }

  retry(id) {
    this.store.change(id, { failed: undefined, again: undefined });
    this.tell.changed();
    this.pump();
  }
}
