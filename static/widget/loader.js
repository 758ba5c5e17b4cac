// The button on somebody's website, and the door that the page itself may use. The chat comes when it is asked for.
// Served by channels_app/widget/scripts.py, which fills in what stands between underscores.

(() => {
  "use strict";
  const NAME = "pelanggan-chat";
  const LOOKS = __LOOKS__;
  const WORDS = __WORDS__;
  const LINE = "script[data-channel][src$='/widget.js']";
  const own = document.currentScript ?? document.querySelector(LINE);
  if (!own?.dataset.channel) return;
  const hub = new URL(own.src, location.href).origin;

  const language = (wanted) => {
    const tags = wanted ? [wanted] : (navigator.languages ?? [navigator.language]);
    return tags.map((tag) => String(tag).toLowerCase().split(/[-_]/)[0]).find((code) => code in WORDS) ?? "en";
  };

  const drawing = (...paths) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    for (const d of paths) {
      const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      path.setAttribute("d", d);
      svg.append(path);
    }
    return svg;
  };

  class Widget extends HTMLElement {
    static drawing = drawing;

    constructor() {
      super();
      this.attachShadow({ mode: "open" });
      this.dress(__CSS__);
      this.ears = new Map();
      this.facts = {};
      this.unread = 0;
      this.button = document.createElement("button");
      this.button.className = "launcher";
      this.button.type = "button";
      this.button.setAttribute("aria-haspopup", "dialog");
      this.button.setAttribute("aria-expanded", "false");
      this.badge = document.createElement("span");
      this.badge.className = "badge";
      this.badge.hidden = true;
      this.button.append(
        drawing(
          "M2.992 16.342a2 2 0 0 1 .094 1.167l-1.065 3.29a1 1 0 0 0 1.236 1.168l3.413-.998a2 2 0 0 1 1.099.092 10 10 0 1 0-4.777-4.719",
          "M8 12h.01M12 12h.01M16 12h.01",
        ),
        drawing("m6 9 6 6 6-6"),
        this.badge,
      );
      this.button.addEventListener("click", () => (this.isOpen ? this.close() : this.open()));
      this.trouble = document.createElement("p");
      this.trouble.className = "trouble";
      this.trouble.setAttribute("role", "alert");
      this.shadowRoot.append(this.button, this.trouble);
    }

    /** A sheet in no document's source: no policy of the page forbids it. */
    dress(css) {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(css);
      this.shadowRoot.adoptedStyleSheets = [...this.shadowRoot.adoptedStyleSheets, sheet];
    }

    settle({ channel, wanted, looks, hub, title, chat }) {
      Object.assign(this, { channel, wanted, hub, chatUrl: chat, titled: title });
      this.dataset.channel = channel;
      this.look({ position: "right", ...LOOKS[channel], ...looks });
      this.speak();
      this.place();
      if (this.knownHere()) whenIdle(() => this.load().catch(() => {}));
    }

    look({ colour, on_colour: ink, position, theme }) {
      if (/^#[0-9a-f]{6}$/i.test(colour ?? "")) {
        this.style.setProperty("--brand", colour);
        this.style.setProperty("--on-brand", ink ?? readable(colour));
      }
      if (position) this.dataset.position = position === "left" ? "left" : "right";
      if (theme) this.dataset.theme = theme;
    }

    speak() {
      this.language = language(this.wanted);
      const words = WORDS[this.language];
      const label = this.isOpen ? words.close : this.unread ? words.unread.replace("%(count)s", this.unread) : words.open;
      this.lang = this.language;
      this.dir = "ltr";
      this.button.setAttribute("aria-label", label);
      this.button.title = label;
    }

    /** Pages of one document throw their body away; what was said in the chat stays with this element. */
    place() {
      if (!document.body) document.addEventListener("DOMContentLoaded", () => this.place(), { once: true });
      else if (!this.isConnected) document.body.append(this);
    }

    disconnectedCallback() {
      setTimeout(() => this.place());
    }

    knownHere() {
      try {
        return Boolean(JSON.parse(localStorage.getItem(`pelanggan:${this.channel}`) ?? "{}").token);
      } catch {
        return false;
      }
    }

    load() {
      this.loading ??= import(this.hub + this.chatUrl + (this.tries ? `?try=${this.tries}` : ""))
        .then((module) => (this.chat = module.start(this)))
        .catch((error) => {
          this.tries = (this.tries ?? 0) + 1;
          this.loading = undefined;
          throw error;
        });
      return this.loading;
    }

    /** Whatever is asked for last holds: two calls open it once, and who shuts it at once finds it shut. */
    async open() {
      const turn = (this.turn = {});
      this.trouble.textContent = "";
      this.button.setAttribute("aria-busy", "true");
      try {
        await (await this.load()).open(() => this.turn === turn);
      } catch (error) {
        this.trouble.textContent = WORDS[this.language].failed;
        console.error(error);
        this.tell("error", { reason: "load", detail: String(error) });
      } finally {
        this.button.removeAttribute("aria-busy");
      }
    }

    close() {
      this.turn = undefined;
      this.chat?.close();
    }

    identify(person) {
      this.person = plain(person);
      this.chat?.identify();
    }

    setAttributes(given) {
      const attributes = plain(given);
      this.facts.attributes = { ...this.facts.attributes, ...attributes };
      this.chat?.describe({ attributes });
    }

    setLanguage(wanted) {
      this.wanted = wanted;
      this.speak();
      this.chat?.translate().catch(() => {});
    }

    async reset() {
      this.turn = this.person = undefined;
      this.facts = {};
      if (this.chat || this.knownHere()) await (await this.load()).reset();
    }

    async preview(appearance) {
      this.look(appearance);
      this.shown = appearance;
      if (!this.isOpen) await this.open();
      this.chat?.preview(appearance);
    }

    on(event, act) {
      if (!this.ears.has(event)) this.ears.set(event, new Set());
      this.ears.get(event).add(act);
      return () => this.ears.get(event).delete(act);
    }

    tell(event, detail) {
      for (const act of this.ears.get(event) ?? []) {
        try {
          act(detail);
        } catch (error) {
          reportError(error);
        }
      }
    }

    // ── What the chat says to its button ──

    opened(isOpen) {
      // One window at a time.
      if (isOpen) for (const other of document.querySelectorAll(NAME)) if (other.isOpen) other.close();
      this.isOpen = isOpen;
      this.toggleAttribute("data-open", isOpen);
      this.button.setAttribute("aria-expanded", String(isOpen));
      this.speak();
      this.tell(isOpen ? "open" : "close", {});
    }

    count(unread) {
      if (unread === this.unread) return;
      this.unread = unread;
      this.badge.textContent = unread > 99 ? "99+" : unread;
      this.badge.hidden = !unread;
      this.speak();
      if (this.titled !== "off") {
        document.title = (unread ? `(${unread}) ` : "") + document.title.replace(/^\(\d+\) /, "");
      }
      this.tell("unread", { count: unread });
    }
  }

  /** What can be sent; whoever gives what cannot hears of it here, and nothing that waits is held up. */
  const plain = (given) => JSON.parse(JSON.stringify({ ...given }));

  /** White or black, whichever has the higher contrast. */
  const readable = (colour) => {
    const [r, g, b] = [1, 3, 5].map((at) => (parseInt(colour.slice(at, at + 2), 16) / 255) ** 2.2);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.183 ? "#000000" : "#ffffff";
  };

  const whenIdle = (act) => {
    const later = () => (window.requestIdleCallback ?? setTimeout)(act);
    document.readyState === "complete" ? later() : window.addEventListener("load", later, { once: true });
  };

  if (!customElements.get(NAME)) customElements.define(NAME, Widget);

  const verbs = ["open", "close", "identify", "setLanguage", "setAttributes", "on", "reset", "preview"];
  const before = window.Pelanggan;
  let api = before;
  if (!before?.mount) {
    const widgets = new Map();
    const speaking = (find) => Object.fromEntries(verbs.map((verb) => [verb, (...given) => find()?.[verb](...given)]));
    api = {
      // Scripts that load by themselves run in any order; the page's first is the one that stands first.
      ...speaking(() => widgets.get(document.querySelector(LINE)?.dataset.channel) ?? widgets.values().next().value),
      channel: (name) => speaking(() => widgets.get(name)),
      /** ["open"], ["identify", {…}] or a function: as calls are put down before this script is there. */
      push: (...calls) => {
        for (const call of calls) {
          try {
            typeof call === "function" ? call(api) : api[call[0]]?.(...[...call].slice(1));
          } catch (error) {
            reportError(error);
          }
        }
      },
      mount: (options) => {
        if (widgets.has(options.channel)) return;
        const widget = document.createElement(NAME);
        if (widgets.size) widget.style.setProperty("--nth", widgets.size);
        widgets.set(options.channel, widget);
        widget.settle(options);
      },
    };
    window.Pelanggan = api;
  }
  const { channel, language: wanted, color, colour = color, position, theme, title } = own.dataset;
  const looks = Object.fromEntries(Object.entries({ colour, position, theme }).filter(([, value]) => value));
  api.mount({ channel, wanted, looks, hub, title, chat: "__CHAT__" });
  if (Array.isArray(before)) api.push(...before);
})();
