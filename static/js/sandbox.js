// The pretend phone: what the customer writes goes out, what the agents answer comes in.

import { Live } from "./live.js";
import { ask, calm, explain, fragment, localise, toast, words } from "./web.js";

const list = document.getElementById("phone");
const form = document.getElementById("write");
const field = form.elements.text;
const { url, customer, channel } = list.dataset;

async function fetchAll() {
  if (!customer) return;
  try {
    const response = await ask(`${url}?${new URLSearchParams({ customer })}`);
    if (!response.ok) return explain(response.status, await response.text());
    const news = fragment(await response.text());
    localise(news);
    const end = list.scrollHeight - list.scrollTop - list.clientHeight < 80;
    const ids = (root) => [...root.querySelectorAll("li")].map((item) => item.id).join();
    if (ids(news) === ids(list)) return;
    for (const item of [...news.children]) {
      const old = item.id && document.getElementById(item.id);
      if (old) item.replaceWith(old);
    }
    list.replaceChildren(news);
    if (end) list.scrollTop = list.scrollHeight;
  } catch {
    // Asked again by the next line, or by the clock.
  }
}

const refresh = calm(150, fetchAll);

async function send() {
  const text = field.value;
  if (!text.trim()) return;
  const body = new URLSearchParams({ customer, text });
  form.querySelector("button").disabled = true;
  try {
    const response = await ask(form.action, { method: "POST", body });
    if (!response.ok) return explain(response.status, await response.text());
    field.value = "";
    list.scrollTop = list.scrollHeight;
    refresh();
  } catch {
    toast(words("offline"), { bad: true });
  } finally {
    form.querySelector("button").disabled = false;
    field.focus();
  }
}

localise();
list.scrollTop = list.scrollHeight;
if (customer) {
  form.addEventListener("submit", (event) => (event.preventDefault(), send()));
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  });
  const live = new Live();
  live.addEventListener("line", ({ detail }) => detail.data?.channel === channel && refresh());
  live.addEventListener("state", ({ detail }) => detail.online && refresh());
  setInterval(() => document.visibilityState === "visible" && refresh(), 5000);
  field.focus();
}
