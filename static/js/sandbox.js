// The pretend phones: what each customer writes goes out, what the agents answer comes in.

import { Live } from "./live.js";
import { ask, calm, explain, fragment, localise, toast, words } from "./web.js";

class Phone {
  constructor(root) {
    this.list = root.querySelector(".said");
    this.form = root.querySelector("form");
    this.field = this.form.elements.text;
    this.refresh = calm(150, () => this.fetch());
    this.list.scrollTop = this.list.scrollHeight;
    this.form.addEventListener("submit", (event) => (event.preventDefault(), this.send()));
    this.list.addEventListener("click", (event) => {
      const pressed = event.target.closest("button[name=pressed]");
      if (!pressed) return;
      event.preventDefault();
      this.post({ pressed: pressed.value }, pressed);
    });
    this.field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.send();
    });
  }

  async fetch() {
    const { url, customer } = this.list.dataset;
    try {
      const response = await ask(`${url}?${new URLSearchParams({ customer })}`);
      // What broke on the server's side passes; what does not pass is said once.
      const over = !response.ok && response.status < 500;
      if (over && !this.over) explain(response.status, await response.text());
      this.over = over;
      if (!response.ok) return;
      const news = fragment(await response.text());
      localise(news);
      const { list } = this;
      const end = list.scrollHeight - list.scrollTop - list.clientHeight < 80;
      const ids = (root) => [...root.querySelectorAll("li")].map((item) => item.id).join();
      if (ids(news) === ids(list)) return;
      for (const item of [...news.children]) {
        const old = item.id && [...list.children].find((one) => one.id === item.id);
        if (old) item.replaceWith(old);
      }
      list.replaceChildren(news);
      if (end) list.scrollTop = list.scrollHeight;
    } catch {
      // Asked again by the next line, or by the clock.
    }
  }

  async send() {
    const text = this.field.value;
    if (!text.trim()) return;
    if (await this.post({ text }, this.form.querySelector("button"))) this.field.value = "";
  }

  async post(said, button) {
    button.disabled = true;
    try {
      const body = new URLSearchParams({ customer: this.list.dataset.customer, ...said });
      const response = await ask(this.form.action, { method: "POST", body });
      if (!response.ok) return void explain(response.status, await response.text());
      this.list.scrollTop = this.list.scrollHeight;
      this.refresh();
      return true;
    } catch {
      toast(words("offline"), { bad: true });
    } finally {
      button.disabled = false;
      this.field.focus();
    }
  }
}

localise();
const phones = [...document.querySelectorAll(".phone")].filter((root) => root.querySelector(".said").dataset.customer).map((root) => new Phone(root));
if (phones.length) {
  const all = () => phones.forEach((phone) => phone.refresh());
  const { channel } = phones[0].list.dataset;
  const live = new Live();
  live.addEventListener("line", ({ detail }) => detail.data?.channel === channel && all());
  live.addEventListener("state", ({ detail }) => detail.online && all());
  setInterval(() => document.visibilityState === "visible" && all(), 5000);
  // Beside others it is looked at where it stands; alone on a small screen it is what one came for.
  phones.at(-1).field.focus({ preventScroll: phones.length > 1 });
}
