// What is on its way, where it will stand: at the end of the ticket, until its row comes from the server.

import { outbox } from "./outbox.js";
import { dayOf, fragment, icon, localise, words } from "./web.js";

export { outbox };

const me = document.body.dataset.agent;
// Behind every key of a row, which are digits.
const LAST = "~";

/** The ticket that is open: what is on its way is drawn there, and what is refused goes back there. */
export function attach(composer) {
  if (outbox.composer === composer) return;
  outbox.composer = composer;
  composer.root.addEventListener("desk:sent", ({ detail }) => outbox.drop(detail));
  for (const item of outbox.of(composer.ticket)) {
    const row = composer.root.querySelector(`[data-sent="${CSS.escape(item.key)}"]`);
    if (row || item.state === "accepted") outbox.drop(item.key);
    else draw(item);
  }
  if (composer.desk.stream.pinned) composer.desk.stream.toEnd();
  outbox.start();
}

outbox.addEventListener("change", ({ detail: { item, gone } }) => (gone ? document.getElementById(`p-${item.key}`)?.remove() : draw(item)));

function draw(item) {
  const { composer } = outbox;
  if (composer?.ticket !== item.ticket || !composer.root.isConnected) return;
  const { stream } = composer.desk;
  const old = document.getElementById(`p-${item.key}`);
  const made = element(item, composer);
  const focused = old?.contains(document.activeElement);
  if (old) old.replaceWith(made);
  else if (!stream.list.querySelector(`[data-sent="${CSS.escape(item.key)}"]`)) stream.append(made);
  if (focused) composer.text.focus();
}

function element(item, composer) {
  const look = item.kind === "note" ? "note" : "out";
  const made = fragment(
    '<li class="item msg pending"><article tabindex="-1"><header><b dir="auto"></b></header><div class="bubble"></div>' +
      '<footer><time data-as="time"></time><span class="state"></span></footer></article></li>',
  ).firstChild;
  made.id = `p-${item.key}`;
  made.classList.add(look, item.line ? "line" : item.state);
  const at = new Date(item.at);
  Object.assign(made.dataset, { key: `${LAST}${String(item.at).padStart(16, "0")}`, day: dayOf(at), who: `${look}-${me}-` });
  Object.assign(made.dataset, { at: at.toISOString(), name: item.name, agent: me });
  made.querySelector("header b").textContent = item.name;
  if (item.kind === "note") made.querySelector("header").append(kindOfNote());
  const bubble = made.querySelector(".bubble");
  if (item.quote) bubble.append(quoted(item.quote));
  if (item.text) bubble.append(textual(item.text));
  if (item.files.length) bubble.append(files(item.files));
  if (item.buttons?.length) bubble.append(offered(item.buttons));
  made.querySelector("time").dateTime = at.toISOString();
  made.querySelector(".state").append(...state(item));
  if (item.state === "failed" || item.line) made.querySelector("article").append(actions(item, composer));
  localise(made);
  return made;
}

function kindOfNote() {
  const kind = document.createElement("span");
  kind.className = "kind";
  kind.append(icon("lock"), words("onlyColleagues"));
  return kind;
}

function quoted(quote) {
  const made = fragment('<a class="quote"><b dir="auto"></b><span dir="auto"></span></a>').firstChild;
  made.href = `#m-${quote.id}`;
  made.querySelector("b").textContent = quote.name;
  made.querySelector("span").textContent = quote.text;
  return made;
}

function textual(text) {
  const made = fragment('<div class="text" dir="auto"></div>').firstChild;
  made.textContent = text.slice(0, 20000);
  return made;
}

function files(given) {
  const list = fragment('<ul class="files"></ul>').firstChild;
  for (const file of given) {
    const made = fragment('<li><span class="chip"><span class="t"><b dir="auto"></b></span></span></li>').firstChild;
    made.querySelector("b").textContent = file.name;
    made.querySelector(".chip").prepend(icon("file"));
    list.append(made);
  }
  return list;
}

function offered(titles) {
  const list = fragment('<ul class="offered"></ul>').firstChild;
  for (const title of titles) {
    const made = fragment('<li dir="auto"></li>').firstChild;
    made.textContent = title;
    list.append(made);
  }
  return list;
}

function state(item) {
  if (item.state === "failed") return [icon("circle-alert"), words("notSentYet")];
  if (item.line) return [icon("wifi-off"), words("waitsForLine")];
  return item.state === "accepted" ? [icon("clock"), words("queued")] : [icon("loader"), words("sending")];
}

function actions(item, composer) {
  const bad = item.state === "failed";
  const made = fragment('<div class="why" role="group"><p></p><span class="acts"></span></div>').firstChild;
  made.classList.toggle("bad", bad);
  made.setAttribute("aria-label", words("notSentYet"));
  made.querySelector("p").textContent = bad ? item.why : words("sentWhenBack");
  const again = button("rotate-ccw", words("tryAgain"), () => (bad ? outbox.again(item, seenIn(composer)) : outbox.wake()));
  const edit = button("pencil", words("edit"), () => {
    outbox.drop(item.key);
    composer.restore(item, bad && !item.spent);
    composer.text.focus();
  });
  made.querySelector(".acts").append(again, ...(item.template ? [button("trash-2", words("discard"), () => outbox.drop(item.key))] : [edit]));
  return made;
}

function seenIn(composer) {
  return Number(composer.form.elements.seen.value);
}

function button(drawing, text, act) {
  const made = fragment('<button type="button" class="button"></button>').firstChild;
  made.append(icon(drawing), text);
  made.addEventListener("click", act);
  return made;
}
