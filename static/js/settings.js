// What the settings pages do more with scripts than without. Every address here is a page of its own too.
//
//   <button data-copy="#id" hidden>             copies that field's value (shown only where it can work)
//   <button data-reveal="#id" hidden>           shows and hides a value that is dotted out
//   <a data-ask href="/…/delete/">              the page behind it has <… id="ask">; here it opens as a dialog
//   <form data-into="#id">                      sent in the background; the answer's #id takes the place of ours
//   <button type="button" formaction data-into="#id" hidden>  the same of what its form says, sent there; it is no
//                                               submit button, for Enter is to press the one that saves
//   <form data-once>                            its button cannot be pressed twice
//   <form data-go-on>                           a part of it is done: it is sent again by itself, and shows how far it is
//   <div data-poll="#id">                       is asked for again every second until the answer has no data-poll

import { ask, csrf, explain, fragment, handsOff, toast, words } from "./web.js";

const FRESH = 60000;
let known = Date.now();
let token = csrf();

function prepare(root) {
  for (const button of root.querySelectorAll("[data-copy], [data-reveal], [formaction][data-into]")) button.hidden = false;
}

async function copy(button) {
  const field = document.querySelector(button.dataset.copy);
  const text = field.value ?? field.textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Not over plain HTTP, and not where the browser forbids it: the text is marked, one key is left to press.
    field.select?.();
    if (!document.execCommand("copy")) return toast(words("copyByHand"), { bad: true });
  }
  toast(words("copied"));
  button.classList.add("copied");
  setTimeout(() => button.classList.remove("copied"), 2000);
}

function reveal(button) {
  const field = document.querySelector(button.dataset.reveal);
  const hidden = field.type === "password";
  field.type = hidden ? "text" : "password";
  button.setAttribute("aria-pressed", String(hidden));
}

async function open(link) {
  const response = await ask(link.href).catch(() => null);
  const found = response?.ok && fragment(await response.text()).querySelector("#ask");
  if (!found) return location.assign(link.href);
  const dialog = document.createElement("dialog");
  dialog.className = "ask";
  dialog.setAttribute("aria-labelledby", "ask-title");
  found.removeAttribute("id");
  dialog.append(found);
  dialog.addEventListener("close", () => (dialog.remove(), link.focus()));
  dialog.addEventListener("click", (event) => {
    if (event.target !== dialog && !event.target.closest("[data-cancel]")) return;
    event.preventDefault();
    dialog.close();
  });
  document.body.append(dialog);
  dialog.showModal();
}

async function poll() {
  const place = document.querySelector("[data-poll]");
  if (!place) return;
  if (document.visibilityState === "visible") {
    const response = await ask(location.href).catch(() => null);
    const news = response?.ok && fragment(await response.text()).querySelector(place.dataset.poll);
    // Whoever reads or presses something in it keeps it as it is.
    if (news && !place.contains(document.activeElement)) {
      await handsOff();
      prepare(news);
      place.replaceWith(news);
    }
  }
  setTimeout(poll, 1000);
}

function busy(form, on) {
  for (const button of form.querySelectorAll("button:not([type=button])")) {
    button.disabled = on;
    if (on) button.setAttribute("aria-busy", "true");
    else button.removeAttribute("aria-busy");
  }
}

async function send(form, submitter) {
  const own = submitter?.dataset.into;
  const into = own ?? form.dataset.into;
  const place = document.querySelector(into);
  const body = new URLSearchParams(new FormData(form, own ? null : submitter));
  busy(form, true);
  if (own) submitter.setAttribute("aria-busy", "true");
  place.setAttribute("aria-busy", "true");
  try {
    const response = await ask(own ? submitter.formAction : form.action, { method: "POST", body });
    const text = await response.text();
    const news = response.ok && fragment(text).querySelector(into);
    if (!news) return explain(response.status, text, { beside: true });
    prepare(news);
    place.replaceChildren(...news.childNodes);
  } catch {
    toast(words("failed"), { bad: true });
  } finally {
    place.removeAttribute("aria-busy");
    busy(form, false);
    if (own) submitter.removeAttribute("aria-busy");
    // What was pressed may be gone with the old part: whoever uses the keyboard goes on where the answer is.
    (submitter?.isConnected ? submitter : place.querySelector("[data-shown]"))?.focus();
  }
}

/** Left open for a night, or beside a new sign-in: what was typed must not end at a sign-in page or an old token. */
async function asked(form, submitter) {
  busy(form, true);
  let response;
  try {
    response = await ask(location.href);
  } catch {
    return toast(words("offline"), { bad: true });
  } finally {
    busy(form, false);
  }
  if (response.status === 401 || response.redirected) return explain(401, response.redirected ? "" : await response.text(), { beside: true });
  known = Date.now();
  token = csrf();
  form.elements.csrfmiddlewaretoken.value = token;
  form.requestSubmit(submitter);
}

document.addEventListener("click", (event) => {
  const found = (name) => event.target.closest?.(`[${name}]`);
  if (found("data-copy")) copy(found("data-copy"));
  else if (found("data-reveal")) reveal(found("data-reveal"));
  else if (found("formaction")?.dataset.into && !found("formaction").ariaBusy) send(found("formaction").form, found("formaction"));
  else if (found("data-ask") && !(event.metaKey || event.ctrlKey || event.shiftKey)) {
    event.preventDefault();
    open(found("data-ask"));
  }
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.matches("[data-into]")) {
    event.preventDefault();
    send(form, event.submitter);
  } else if (form.elements.csrfmiddlewaretoken && (csrf() !== token || Date.now() - known > FRESH)) {
    event.preventDefault();
    asked(form, event.submitter);
  } else if (form.matches("[data-once]")) {
    // After the browser has read the form: a disabled button's value would not go with it.
    setTimeout(() => busy(form, true));
  }
});

// Back from the next page, a button must be ready again.
addEventListener("pageshow", (event) => {
  if (event.persisted) for (const form of document.querySelectorAll("[data-once]")) busy(form, false);
});

prepare(document);
poll();
// A moment to read how far it is, and to leave.
const more = document.querySelector("form[data-go-on]");
if (more) setTimeout(() => more.requestSubmit(), 400);
for (const here of document.querySelectorAll(".places [aria-current], .tabs-line [aria-current]")) here.scrollIntoView({ block: "nearest", inline: "center" });
document.querySelector(".wrong :is(input, select, textarea)")?.focus();
