// What the chat is made of: elements, drawings, and a text with its links. Nothing is ever read as HTML.

const DRAWINGS = {
  close: ["M18 6 6 18", "m6 6 12 12"],
  send: [
    "M3.714 3.048a.498.498 0 0 0-.683.627l2.843 7.627a2 2 0 0 1 0 1.396l-2.842 7.627a.498.498 0 0 0 .682.627l18-8.5a.5.5 0 0 0 0-.904z",
    "M6 12h16",
  ],
  attach: [
    "m16 6-8.414 8.586a2 2 0 0 0 2.829 2.829l8.414-8.586a4 4 0 1 0-5.657-5.657l-8.379 8.551a6 6 0 1 0 8.485 8.485l8.379-8.551",
  ],
  camera: [
    "M14 4a2 2 0 0 1 1.76 1.05l.48.9A2 2 0 0 0 18 7h2a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2V9a2 2 0 0 1 2-2h2a2 2 0 0 0 1.76-1.05l.48-.9A2 2 0 0 1 10 4z",
    "M9 13a3 3 0 1 0 6 0a3 3 0 1 0-6 0",
  ],
  loud: [
    "M11 4.702a.705.705 0 0 0-1.203-.498L6.413 7.587A1.4 1.4 0 0 1 5.416 8H3a1 1 0 0 0-1 1v6a1 1 0 0 0 1 1h2.416a1.4 1.4 0 0 1 .997.413l3.383 3.384A.705.705 0 0 0 11 19.298z",
    "M16 9a5 5 0 0 1 0 6",
    "M19.364 18.364a9 9 0 0 0 0-12.728",
  ],
  quiet: [
    "M11 4.702a.705.705 0 0 0-1.203-.498L6.413 7.587A1.4 1.4 0 0 1 5.416 8H3a1 1 0 0 0-1 1v6a1 1 0 0 0 1 1h2.416a1.4 1.4 0 0 1 .997.413l3.383 3.384A.705.705 0 0 0 11 19.298z",
    "m22 9-6 6",
    "m16 9 6 6",
  ],
  reply: ["M20 18v-2a4 4 0 0 0-4-4H4", "m9 17-5-5 5-5"],
  file: [
    "M6 22a2 2 0 0 1-2-2V4a2 2 0 0 1 2-2h8a2.4 2.4 0 0 1 1.704.706l3.588 3.588A2.4 2.4 0 0 1 20 8v12a2 2 0 0 1-2 2z",
    "M14 2v5a1 1 0 0 0 1 1h5",
  ],
  save: ["M12 15V3", "M21 15v4a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2v-4", "m7 10 5 5 5-5"],
  down: ["M12 5v14", "m19 12-7 7-7-7"],
  tick: ["M20 6 9 17l-5-5"],
  ticks: ["M18 6 7 17l-5-5", "m22 10-7.5 7.5L13 16"],
};

export const h = (tag, given = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if ((value ?? false) !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => (child ?? false) !== false));
  return node;
};

/** The loader draws the button in the same way. */
export const icon = (name) => customElements.get("pelanggan-chat").drawing(...DRAWINGS[name]);

export const round = (name, label, onclick, more = {}) =>
  h("button", { type: "button", class: "round", "aria-label": label, title: label, onclick, ...more }, icon(name));

/** What is drawn only, for those who hear it and those who point at it. */
export const label = (node, words) => {
  node.setAttribute("aria-label", words);
  node.title = words;
};

const LINK = /\bhttps?:\/\/[^\s<>"']+/gi;

/** The text as nodes; addresses of http and https can be followed, and nothing else. */
export const linked = (text) => {
  const nodes = [];
  let at = 0;
  for (const found of text.matchAll(LINK)) {
    const address = found[0].replace(/[.,:;!?)\]}…”’]+$/u, "");
    nodes.push(text.slice(at, found.index));
    nodes.push(h("a", { href: address, target: "_blank", rel: "noopener noreferrer nofollow ugc" }, address));
    at = found.index + address.length;
  }
  return [...nodes, text.slice(at)];
};

export const ONLY_EMOJI = /^(?:\p{Extended_Pictographic}[\uFE0F\u200D\u{1F3FB}-\u{1F3FF}]*|\p{Regional_Indicator}{2}|\s){1,8}$/u;

/** "Budi Santoso" → "BS"; of scripts without such letters the first one as people see it. */
export const initials = (name) => {
  const words = name.trim().split(/\s+/u);
  const of = (word) => (Intl.Segmenter ? [...new Intl.Segmenter().segment(word)][0]?.segment : word[0]) ?? "";
  return (of(words[0]) + (words.length > 1 ? of(words[words.length - 1]) : "")).toUpperCase();
};

export const filled = (words, values) => words.replace(/%\((\w+)\)s/g, (_all, name) => values[name] ?? "");
