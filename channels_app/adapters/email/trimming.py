"""The visible reply: what a person wrote now, without what the mail client put below, above or around it.

``quoting`` says what each line is; here a few rules look at the order of the letters. One pass, linear. What is cut
is only folded: the whole text is kept beside it, and a reply that would become empty is the whole text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from channels_app.adapters.email.limits import LIMITS
from channels_app.adapters.email.phrases import FOOTERS
from channels_app.adapters.email.quoting import FORWARD, LABEL, TABLE, Line, kinds_of, plain_of, role_of
from channels_app.adapters.email.rendering import BREAK, MAYBE

_FOOTER_WORDS = re.compile(FOOTERS)


_GLUED = re.compile(
    r"(?<=\S) (On (?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[^<>\n]{8,90}<[^<>\s]{3,100}@[^<>\s]{3,100}> wrote:) (?=\S)"
)
"""Where a program lost all line ends."""


def visible_reply(text: str) -> str:
    """The reply in a plain text body, or in ``rendering.quoted_text``."""
    raw = _GLUED.sub(r"\n\1\n", text).split("\n") if " wrote: " in text else text.split("\n")
    if len(raw) > LIMITS.trim_lines:
        raw = raw[: LIMITS.trim_lines]
    lines = [Line(line, plain_of(line)) for line in raw]
    kinds = kinds_of(lines)
    kept = _choose(lines, kinds)
    reply = "\n".join(line.text for line in kept if line.text not in (BREAK, MAYBE)).strip()
    return reply or "\n".join(line for line in raw if line not in (BREAK, MAYBE)).strip()


@dataclass(frozen=True, slots=True)
class Head:
    """Of a forwarded mail: from, subject, … as written, and the text below it."""

    fields: dict[str, str]
    text: str


def forwarded(text: str, *, marked: bool) -> Head | None:
    """The first head that a mail program wrote above a mail that it forwards; None without one.

    marked: the subject says that it is forwarded, so a head without a line of its own above it counts, too.
    """
    raw = [line.lstrip("> ") if line.startswith(">") else line for line in text.split("\n")[: LIMITS.trim_lines]]
    # Most mails forward nothing: they are not taken apart once more.
    if not marked and not any(map(_forwards, raw)):
        return None
    lines = [Line(line, plain_of(line)) for line in raw]
    kinds = kinds_of(lines)
    begin = next((i for i, kind in enumerate(kinds) if kind in ("fo" if marked else "f")), -1)
    first = next((i for i in range(begin + 1, len(kinds)) if kinds[i] == "h"), -1)
    if first < 0 or (begin < 0 and not marked) or any(kinds[i] != "e" for i in range(begin + 1, first) if begin >= 0):
        return None
    fields: dict[str, str] = {}
    role, at = "", first
    while at < len(kinds) and kinds[at] == "h":
        found = LABEL.fullmatch(raw[at].translate(TABLE))
        named = role_of(lines[at].plain)
        if found and named:
            role = named
            fields.setdefault(role, found[2].strip().strip("*_ "))
        elif role and fields.get(role, "x") == "":
            fields[role] = raw[at].strip()
        at += 1
    return Head(fields, "\n".join(raw[at:]).strip()) if fields.get("from") else None


def _forwards(line: str) -> bool:
    short = line.strip()
    return (
        0 < len(short) <= 100
        and (short[0] in "-_=—–*<" or short[-1] in ":：")
        and bool(FORWARD.fullmatch(plain_of(short)))
    )


# ── What is kept ─────────────────────────────────────────────────────────────────────────────


def _choose(lines: list[Line], kinds: list[str]) -> list[Line]:
    forward = kinds.index("f") if "f" in kinds else len(kinds)
    first_text = next((i for i, kind in enumerate(kinds) if kind in "tqf"), -1)
    if first_text < 0:
        return lines
    end = len(lines)
    history = next((i for i, kind in enumerate(kinds[:forward]) if kind in "abho"), -1)
    told = any(kind in "t" for kind in kinds[:history]) if history >= 0 else False
    if history >= 0 and told:
        if kinds[history] in "bho" or not _answers_between(lines, kinds, history):
            end = history
    elif history >= 0:
        return _from_below(lines, kinds, forward)
    elif forward < len(kinds):
        return lines
    return _without_tail(lines, kinds, min(end, len(lines)), forward)


def _answers_between(lines: list[Line], kinds: list[str], start: int) -> bool:
    """After the attribution there are quotes and, below or between them, words of the sender's own."""
    quoted = False
    last = max((at for at in range(start, len(kinds)) if kinds[at] == "q"), default=-1)
    if any(
        kinds[at] == "t" and _FOOTER_WORDS.search(lines[at].plain) for at in range(last + 1, min(last + 60, len(kinds)))
    ):
        kinds = kinds[: last + 1]  # What stands below all quotes was put there on the way.
    for at in range(start, len(kinds)):
        kind = kinds[at]
        if kind == "q":
            quoted = True
        elif kind in "srmbho" and quoted:
            return False
        elif kind == "t" and quoted:
            return True
        elif kind == "t":
            return False
    return False


def _from_below(lines: list[Line], kinds: list[str], forward: int) -> list[Line]:
    """The mail begins with an attribution or a header: the answer stands below the quote, or between."""
    body = re.sub(r"[abhoe?]", "", "".join(kinds))
    below = _below(kinds)
    if below:
        return _without_tail(lines[below:], kinds[below:], len(lines) - below, len(lines) - below)
    if "t" not in body:
        return lines
    kept = [i for i, kind in enumerate(kinds) if kind not in "abho"]
    return _without_tail([lines[i] for i in kept], [kinds[i] for i in kept], len(kept), len(kept))


def _below(kinds: list[str]) -> int:
    """Where the answer under one quote begins; 0 if the mail has another shape."""
    first = next((i for i, kind in enumerate(kinds) if kind not in "abhoe?"), len(kinds))
    after = next((i for i in range(first, len(kinds)) if kinds[i] not in "qe"), len(kinds))
    rest = kinds[after:]
    return after if after > first and "q" in kinds[first:after] and "t" in rest and "q" not in rest else 0


def _without_tail(lines: list[Line], kinds: list[str], end: int, forward: int) -> list[Line]:
    """Cut the signature, then quotes that nothing follows."""
    if forward < end:
        return lines
    cut = _signature(lines, kinds, end)
    told = False
    for at in range(cut):
        told = told or kinds[at] == "t"
    while cut > 0 and told and kinds[cut - 1] in "qear?":
        cut -= 1
    return lines[:cut]


def _signature(lines: list[Line], kinds: list[str], end: int) -> int:
    """Where the signature begins; end if there is none. What is answered below a quote under it is no signature."""
    last_text = max((i for i in range(end) if kinds[i] == "t"), default=-1)
    last_quote = max((i for i in range(last_text) if kinds[i] == "q"), default=-1)
    footer = _footer(lines, kinds, end, last_text)
    told = False
    for at in range(end):
        kind = kinds[at]
        if kind == "t":
            told = True
        elif told and at > last_quote and (kind in "sm" or at == footer):
            return at
    return end


def _footer(lines: list[Line], kinds: list[str], end: int, last_text: int) -> int:
    """The first ruled line below text, if little comes after it and no other rule parts that: -1 if there is none."""
    first_text = next((i for i in range(end) if kinds[i] == "t"), end)
    rules = [i for i in range(first_text, end) if kinds[i] == "r"][:2]
    if not rules or (len(rules) > 1 and rules[1] < last_text and _is_box(lines, kinds, rules[0])):
        return -1
    return rules[0] if _short_tail(lines, kinds, rules[0] + 1, end) else -1


def _is_box(lines: list[Line], kinds: list[str], rule: int) -> bool:
    """Several rules part a text: one right below its line, or one that "…:" announces."""
    above = next((i for i in range(rule - 1, -1, -1) if kinds[i] != "e"), -1)
    return above == rule - 1 or (above >= 0 and lines[above].plain.endswith(":"))


def _short_tail(lines: list[Line], kinds: list[str], start: int, end: int) -> bool:
    """A ruled line parts a signature or a footer from the rest; a long text after it is text."""
    count = letters = 0
    for at in range(start, end):
        if kinds[at] != "e":
            count += 1
            letters += len(lines[at].text)
            if count > 15 or letters > 900:
                return False
    return True
