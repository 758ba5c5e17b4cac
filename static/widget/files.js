// Files in a message. Pictures are painted on a canvas: they come with the visitor's token, which no address may
// hold, and a canvas needs nothing from the page's policy. All else is a download, whatever it calls itself.

import { h, icon, round } from "./elements.js";

const PICTURES = ["image/png", "image/jpeg", "image/gif", "image/webp"];
const SMALL = 232;

export const sizeOf = (bytes, language) => {
  const [value, unit] = bytes < 1e6 ? [bytes / 1e3, "kilobyte"] : [bytes / 1e6, "megabyte"];
  const shown = value < 10 ? Math.max(0.1, Math.round(value * 10) / 10) : Math.round(value);
  return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "short" }).format(shown);
};

export const isPicture = (mime) => PICTURES.includes(mime);

/** Where the bytes of a message's file come from: this browser while it waits, then the server. */
const bytesOf = async (chat, file) => {
  const kept = file.waiting && (await chat.store.file(file.waiting));
  if (kept) return kept;
  const answer = await fetch(chat.host.hub + (file.url ?? sentAs(chat, file)), {
    headers: { Authorization: `Bearer ${chat.store.state.token}`, "Accept-Language": chat.host.language },
    credentials: "omit",
  });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.blob();
};

/** It waited when it was drawn, and is with the server by now. */
const sentAs = (chat, { waiting }) => {
  const [id, position] = waiting.split("/");
  return chat.list.current.get(id).attachments[position].url;
};

const paint = async (canvas, bytes, width, height) => {
  const picture = await createImageBitmap(bytes);
  const share = Math.min(1, width / picture.width, height / picture.height);
  const sharp = Math.min(window.devicePixelRatio || 1, 2, 1 / share);
  const [wide, high] = [Math.max(1, picture.width * share), Math.max(1, picture.height * share)];
  canvas.width = wide * sharp;
  canvas.height = high * sharp;
  canvas.style.setProperty("aspect-ratio", `${wide} / ${high}`);
  canvas.style.setProperty("width", `${wide}px`);
  const pen = canvas.getContext("2d");
  pen.imageSmoothingQuality = "high";
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
};

const portraits = {};

/** In place of the initials, once it is there; who has taken theirs away has initials again. */
export const portrait = (chat, url, face) => {
  const canvas = h("canvas");
  portraits[url] ??= fetch(chat.host.hub + url).then((answer) => answer.blob());
  portraits[url]
    .then((bytes) => paint(canvas, bytes, 28, 28))
    .then(() => face.replaceChildren(canvas))
    .catch(() => delete portraits[url]);
};

const save = async (chat, file) => {
  try {
    const bytes = await bytesOf(chat, file);
    const address = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
    h("a", { href: address, download: file.filename, rel: "noopener" }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
  } catch {
    chat.say(chat.words("gone"));
  }
};

export const fileOf = (chat, file) => (isPicture(file.mime) ? pictureOf(chat, file) : downloadOf(chat, file));

const downloadOf = (chat, file) =>
  h(
    "button",
    {
      type: "button", class: "file", "aria-label": chat.words("download", { name: file.filename }),
      onclick: () => save(chat, file),
    },
    icon("file"),
    h("span", { class: "named", dir: "auto" }, file.filename),
    h("span", { class: "size" }, sizeOf(file.size, chat.host.language)),
  );

const pictureOf = (chat, file) => {
  const canvas = h("canvas", { width: 1, height: 1 });
  const label = chat.words("picture", { name: file.filename });
  const button = h("button", { type: "button", class: "picture", "aria-label": label, onclick: () => enlarge(chat, file, button) }, canvas);
  bytesOf(chat, file)
    .then((bytes) => paint(canvas, bytes, SMALL, SMALL))
    .then(() => chat.list.settle())
    // It calls itself a picture, and the browser does not know it.
    .catch(() => button.replaceWith(downloadOf(chat, file)));
  return button;
};

const enlarge = async (chat, file, from) => {
  const canvas = h("canvas", { role: "img", "aria-label": chat.words("picture", { name: file.filename }) });
  const shut = () => {
    view.remove();
    from.focus();
  };
  const view = h(
    "div",
    {
      class: "enlarged", role: "dialog", "aria-modal": "true", "aria-label": file.filename,
      onclick: (event) => event.target === view && shut(),
      onkeydown: (event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        shut();
      },
    },
    h("div", { class: "tools" }, round("save", chat.words("download", { name: file.filename }), () => save(chat, file)), round("close", chat.words("shut"), shut)),
    canvas,
  );
  chat.panel.append(view);
  view.querySelector("button:last-of-type").focus();
  const { clientWidth, clientHeight } = view;
  await paint(canvas, await bytesOf(chat, file), clientWidth - 24, clientHeight - 88).catch(shut);
};
