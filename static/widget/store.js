// What this browser keeps of one channel: who the visitor is, what waits to be sent, and its files.
// Each waiting message has a key of its own in localStorage, so that two tabs never write over each other.

const DATABASE = "pelanggan";

export class Store {
  constructor(channel, changed) {
    this.name = `pelanggan:${channel}`;
    this.memory = new Map();
    this.files = new Map();
    this.last = 0;
    addEventListener("storage", (event) => {
      if (event.key === null || event.key.startsWith(this.name)) changed();
    });
  }

  // ── Small things ──

  read(key) {
    try {
      const text = localStorage.getItem(key);
      if (text !== null) return JSON.parse(text);
    } catch {
      // Storage is shut here, or not ours any more.
    }
    return this.memory.get(key);
  }

  /** False: it is kept for this page alone. */
  write(key, value) {
    try {
      localStorage.setItem(key, JSON.stringify(value));
      this.memory.delete(key);
      return true;
    } catch {
      this.memory.set(key, value);
      return false;
    }
  }

  remove(key) {
    this.memory.delete(key);
    try {
      localStorage.removeItem(key);
    } catch {
      // Nothing was there.
    }
  }

  keys() {
    const found = new Set(this.memory.keys());
    try {
      for (let at = 0; at < localStorage.length; at++) found.add(localStorage.key(at));
    } catch {
      // Then only what this page remembers.
    }
    return [...found];
  }

  /** token, visitor, facts, described, identified, seen, sound, appearance */
  get state() {
    return this.read(this.name) ?? {};
  }

  keep(news) {
    this.write(this.name, { ...this.state, ...news });
  }

  get draft() {
    return this.read(`${this.name}:draft`) ?? "";
  }

  set draft(text) {
    if (text) this.write(`${this.name}:draft`, text);
    else this.remove(`${this.name}:draft`);
  }

  // ── What waits ──

  /** Oldest first: {id, text, at, reply_to, postback, files: [{name, type, size, upload}], failed, storing} */
  queue() {
    const first = `${this.name}:q:`;
    return this.keys()
      .filter((key) => key.startsWith(first))
      .sort()
      .map((key) => this.read(key))
      .filter(Boolean);
  }

  /** There at once, and ready to be sent when its files are safe; until then nothing overtakes it. */
  async add(item, files) {
    const waiting = this.queue();
    const newest = waiting.length ? parseInt(waiting[waiting.length - 1].id, 36) : 0;
    this.last = Math.max(Date.now(), this.last + 1, newest + 1);
    const chance = [...crypto.getRandomValues(new Uint8Array(9))].map((byte) => byte.toString(36).padStart(2, "0")).join("");
    const id = `${this.last.toString(36).padStart(9, "0")}-${chance}`;
    const kept = { ...item, id, at: new Date().toISOString(), files: files.map(({ name, type, size }) => ({ name, type, size })) };
    const key = this.key(id);
    let there = [];
    if (files.length) {
      this.memory.set(key, { ...kept, storing: true });
      there = await Promise.all(files.map((file, at) => this.putFile(`${id}/${at}`, file)));
      // Taken back meanwhile.
      if (!this.memory.has(key)) return { safe: true };
    }
    return { safe: this.write(key, kept) && there.every(Boolean) };
  }

  key(id) {
    return `${this.name}:q:${id}`;
  }

  item(id) {
    return this.read(this.key(id));
  }

  change(id, news) {
    const found = this.item(id);
    if (found) this.write(this.key(id), { ...found, ...news });
  }

  drop(id) {
    const found = this.item(id);
    this.remove(this.key(id));
    for (const at of (found?.files ?? []).keys()) this.dropFile(`${id}/${at}`);
  }

  forget() {
    for (const { id } of this.queue()) this.drop(id);
    for (const key of this.keys()) {
      if (key === this.name || key.startsWith(`${this.name}:`)) this.remove(key);
    }
  }

  // ── Files ──

  withFiles(act, mode) {
    this.opened ??= new Promise((good, bad) => {
      const asked = indexedDB.open(DATABASE, 1);
      asked.onupgradeneeded = () => asked.result.createObjectStore("files");
      asked.onsuccess = () => good(asked.result);
      asked.onerror = asked.onblocked = () => bad(asked.error);
    });
    return this.opened.then(
      (database) =>
        new Promise((good, bad) => {
          const work = database.transaction("files", mode);
          const asked = act(work.objectStore("files"));
          work.oncomplete = () => good(asked.result);
          work.onerror = work.onabort = () => bad(work.error);
        }),
    );
  }

  async putFile(name, file) {
    this.files.set(name, file);
    try {
      await this.withFiles((files) => files.put(file, this.name + name), "readwrite");
      return this.files.delete(name);
    } catch {
      return false;
    }
  }

  async file(name) {
    if (this.files.has(name)) return this.files.get(name);
    return this.withFiles((files) => files.get(this.name + name), "readonly").catch(() => undefined);
  }

  dropFile(name) {
    this.files.delete(name);
    this.withFiles((files) => files.delete(this.name + name), "readwrite").catch(() => {});
  }

  // ── One tab at a time ──

  /** Where the browser has no locks or refuses them, the server's "once per client id" is what holds. */
  alone(what, act) {
    let begun;
    const once = () => ((begun = true), act());
    const locked = navigator.locks?.request(`${this.name}:${what}`, once);
    return locked ? locked.catch((error) => (begun ? Promise.reject(error) : act())) : act();
  }
}
