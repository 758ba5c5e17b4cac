"""The visible reply: what a person wrote now, without what the mail client put below, above or around it.

Works on lines. Each gets a letter, then a few rules look at the order of letters. One pass, linear. What is cut
is only folded: the whole text is kept beside it, and a reply that would become empty is the whole text.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from channels_app.adapters.email.limits import LIMITS
from channels_app.adapters.email.phrases import DAYS, FORWARDED, LABELS, OPENERS, ORIGINAL, SENT_FROM, VERBS
from channels_app.adapters.email.rendering import BREAK, MAYBE

LONGEST_LINE = 1000
LONGEST_ATTRIBUTION = 350
MOST_LINES = 6
"""Over which one attribution may be wrapped."""

_INVISIBLE = {
    ord(c): None for c in "\u200b\u200c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff\u00ad"
}
_SPACES = {ord(c): " " for c in "\u00a0\u202f\u2007\u2009\u3000"}
_DIGITS = {
    ord(c): str(unicodedata.digit(c))
    for first in (0x0660, 0x06F0, 0x0966, 0x0E50, 0xFF10)
    for c in map(chr, range(first, first + 10))
}
_TABLE = {**_INVISIBLE, **_SPACES, **_DIGITS, ord("："): ":", ord("＜"): "<", ord("＞"): ">", ord("’"): "'"}
_ROLE_OF = {label: role for role, labels in LABELS.items() for label in labels}
_VERB = re.compile(
    "|".join(
        (
            rf"\b{re.escape(verb)}(?!\w)"
            if verb[0].isascii() or (verb[0].isalpha() and ord(verb[0]) < 0x0600)
            else re.escape(verb)
        )
        for verb in sorted(set(VERBS), key=len, reverse=True)
    )
)
_OPENER = re.compile(
    r"(?:-{2,} *)?(?:"
    + "|".join(re.escape(word) for word in sorted(set(OPENERS), key=len, reverse=True))
    + r")(?![a-zà-ÿ])"
)
_DAY = re.compile(
    r"(?:" + "|".join(re.escape(word) for word in sorted(set(DAYS), key=len, reverse=True)) + r")[\w'.]*[.,:]?[ ,]"
)
_DATE = re.compile(
    r"\b(?:19|20|24|25|26)\d\d(?!\d)|\b\d{1,4}[./-]\d{1,2}[./-]\d{1,4}\b|(?<!\d)\d{1,2}[:.hH]\d{2}(?!\d)|\d{4}年|\d{1,2}月\d{1,2}日|\d{4}년"
)
_DAY_NUMBER = re.compile(r"(?<![\d:])\d{1,2}(?!\d)|\d{4}")
_ADDRESS = re.compile(r"[<\[(]? ?(?:mailto:)?[^\s<>()\[\]]{1,100}@[^\s<>()\[\]]{1,100} ?[>\])]?|<\S{1,200}@")
_ENDS = re.compile(r"(?::|：|:>|: ?\*|>:)[\s_*]*$|wrote -{2,}$|-{3,}$")
_NAME_FIRST = re.compile(r"[\"'“]?[^<>:]{0,80}[\"'”]? ?[<(\[]")
_QUOTE = re.compile(r"\s{0,3}(?:>|&gt;)")
_LABEL = re.compile(r"[\s*_]{0,12}([^\s*_:][^:*]{0,24}?)[\s*_]{0,4}:[\s*_]{0,4}(.*)")
_ORIGINAL = re.compile(
    r"[-_=—–*<>\s]*(?:"
    + "|".join(re.escape(p) for p in sorted(set(ORIGINAL), key=len, reverse=True))
    + r")[-_=—–*<>\s:]*"
)
_FORWARDED = re.compile(
    r"[-_=—–*<>\s]*(?:"
    + "|".join(re.escape(p) for p in sorted(set(FORWARDED), key=len, reverse=True))
    + r")[-_=—–*<>\s:]*"
)
_SENT_FROM = re.compile(r"[\s<>*_(\[]{0,4}(?:" + "|".join(SENT_FROM) + r")")
_SIGNATURE = re.compile(r"\s{0,3}(?:--|—|–|__)\s*")
_RULE = re.compile(r"\s*(?:[-_=—–―─━*~]\s?){3,}\s*")
_FOOTER = re.compile(r"\s*_{2,}\s*")


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    plain: str
    """For matching: lower case, one kind of space and digit, no invisible letters."""


def visible_reply(text: str) -> str:
    """The reply in a plain text body, or in ``rendering.quoted_text``."""
    raw = text.split("\n")
    if len(raw) > LIMITS.trim_lines:
        raw = raw[: LIMITS.trim_lines]
    lines = [_Line(line, _plain(line)) for line in raw]
    kinds = _kinds(lines)
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
    lines = [_Line(line, _plain(line)) for line in raw]
    kinds = _kinds(lines)
    begin = next((i for i, kind in enumerate(kinds) if kind in ("fo" if marked else "f")), -1)
    first = next((i for i in range(begin + 1, len(kinds)) if kinds[i] == "h"), -1)
    if first < 0 or (begin < 0 and not marked) or any(kinds[i] != "e" for i in range(begin + 1, first) if begin >= 0):
        return None
    fields: dict[str, str] = {}
    role, at = "", first
    while at < len(kinds) and kinds[at] == "h":
        found = _LABEL.fullmatch(raw[at].translate(_TABLE))
        named = _role(lines[at].plain)
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
        and bool(_FORWARDED.fullmatch(_plain(short)))
    )


def _plain(line: str) -> str:
    return line[:LONGEST_LINE].translate(_TABLE).strip().lower()


# ── What each line is ────────────────────────────────────────────────────────────────────────
#   e empty   t text   q quoted   a attribution   h header of a quoted mail   o "original message"
#   b mark of an HTML client   f "forwarded message"   s signature mark   r a ruled line   m "sent from my …"


def _kinds(lines: list[_Line]) -> list[str]:
    kinds = [_simple(line) for line in lines]
    _find_headers(lines, kinds)
    _find_attributions(lines, kinds)
    _settle_maybes(lines, kinds)
    _join_wrapped_quotes(lines, kinds)
    return kinds


def _simple(line: _Line) -> str:
    plain = line.plain
    if not plain:
        return "e"
    if line.text == BREAK:
        return "b"
    if line.text == MAYBE:
        return "?"
    if _QUOTE.match(line.text) and not plain.startswith(">from "):
        # The end of "<\naddress\n> wrote:" is no quote.
        rest = plain.lstrip("> ")
        return "t" if len(plain) < 30 and _ENDS.search(plain) and (rest == ":" or _VERB.match(rest)) else "q"
    if _SIGNATURE.fullmatch(plain):
        return "s"
    if _RULE.fullmatch(plain):
        return "r"
    if len(plain) <= 100:
        if plain[0] in "-_=—–*<" and _ORIGINAL.fullmatch(plain):
            return "o"
        if (plain[0] in "-_=—–*<" or plain[-1] == ":") and _FORWARDED.fullmatch(plain):
            return "f"
    if len(plain) <= 120 and _SENT_FROM.match(plain):
        return "m"
    return "t"


def _role(plain: str) -> str:
    found = _LABEL.fullmatch(plain)
    return _ROLE_OF.get(found[1].strip(), "") if found else ""


def _find_headers(lines: list[_Line], kinds: list[str]) -> None:
    """From:/Sent:/To:/Subject: in any language, as Outlook and others put them above the answered mail."""
    at = 0
    while at < len(lines):
        if kinds[at] == "t" and _role(lines[at].plain) in ("from", "sent", "date", "subject", "to"):
            end = _header_block(lines, kinds, at)
            if end:
                kinds[at:end] = ["h" if kind != "e" else "e" for kind in kinds[at:end]]
                at = end
                continue
        at += 1


def _header_block(lines: list[_Line], kinds: list[str], start: int) -> int:
    """Where the block ends, 0 if it is none: at least three of the labels, From among them (two after a marker)."""
    roles: set[str] = set()
    end = at = start
    stray = 0
    while at < min(len(lines), start + 24):
        role = _role(lines[at].plain) if kinds[at] == "t" else ""
        if role:
            roles.add(role)
            end, stray = at + 1, 0
        elif kinds[at] == "e":
            following = next((i for i in range(at + 1, min(at + 2, len(lines))) if kinds[i] == "t"), -1)
            if following < 0 or not _role(lines[following].plain):
                break
        else:
            stray += 1
            if stray > 3 or kinds[at] != "t":
                break
        at += 1
    marked = any(kinds[i] in "orb?" for i in range(max(0, start - 3), start))
    enough = len(roles) >= 3 or (len(roles) >= 2 and marked)
    return end if enough and "from" in roles and roles & {"sent", "date", "subject", "to"} else 0


def _find_attributions(lines: list[_Line], kinds: list[str]) -> None:
    """ "On … wrote:", also wrapped over lines. Looked for from its end, which is rare, backwards."""
    for end, line in enumerate(lines):
        if kinds[end] not in "t" or not line.plain or not _ENDS.search(line.plain[-40:]):
            continue
        start = _attribution_start(lines, kinds, end)
        if start >= 0:
            kinds[start : end + 1] = ["a"] * (end + 1 - start)


def _attribution_start(lines: list[_Line], kinds: list[str], end: int) -> int:
    joined = ""
    best = -1
    gaps = 0
    quoted_next = _quote_follows(kinds, end)
    for start in range(end, max(-1, end - MOST_LINES), -1):
        if kinds[start] == "e":
            # A blank line inside only where the rest is a lone address ("<\nmailto:…\n> wrote:").
            gaps += 1
            if gaps > 1 or not joined.startswith(("<", ">", "mailto")):
                break
            continue
        if kinds[start] not in "t":
            break
        joined = f"{lines[start].plain} {joined}".strip()
        if len(joined) > LONGEST_ATTRIBUTION:
            break
        if _is_attribution(joined, several=start < end, quoted_next=quoted_next) and (
            best < 0 or _strong_start(joined)
        ):
            best = start
            if _strong_start(joined):
                break
    return best


def _quote_follows(kinds: list[str], end: int) -> bool:
    return next((kind for kind in kinds[end + 1 : end + 4] if kind != "e"), "") == "q"


def _strong_start(text: str) -> bool:
    head = text.lstrip("-*_> ")
    return bool(_OPENER.match(head) or head[:1].isdigit() or _DAY.match(head)) and bool(_DATE.search(head[:120]))


def _is_attribution(text: str, *, several: bool, quoted_next: bool) -> bool:
    text = text.strip("*_ ")
    verb, address = _VERB.search(text), _ADDRESS.search(text)
    dated = bool(_DATE.search(text)) and bool(_DAY_NUMBER.search(text))
    strong = _strong_start(text)
    if several and not strong and not _NAME_FIRST.match(text):
        return False
    if verb and dated:
        return strong or bool(address and _NAME_FIRST.match(text)) or quoted_next
    if verb and address:
        # "NAME <ADDR> schrieb:" without a date, the verb at the end.
        return len(text) - verb.end() < 20 or quoted_next
    if address and dated:
        # Some languages need no verb: "пн, 3 мар. 2025 г. в 10:12, Anna <a@b>:"
        return strong and text.rstrip(" *_").endswith((">:", "):", "]:", ":")) and len(text) - address.end() < 30
    return bool(dated and strong and quoted_next and len(text) < 150)


def _settle_maybes(lines: list[_Line], kinds: list[str]) -> None:
    """The mark of an HTML client counts where a quote, an attribution or header-like lines come next."""
    for at, kind in enumerate(kinds):
        if kind != "?":
            continue
        following = [i for i in range(at + 1, min(at + 12, len(kinds))) if kinds[i] not in "e?"][:5]
        shapes = [kinds[i] for i in following]
        labels = sum(bool(re.match(r"[^\s:][^:]{0,25}: ?\S", lines[i].plain)) for i in following)
        if shapes[:1] == ["f"]:
            kinds[at] = "e"
        elif shapes[:1] in (["a"], ["h"], ["o"]) or "q" in shapes[1:4] or labels >= 3:
            kinds[at] = "b" if shapes[:1] != ["a"] and "q" not in shapes[:4] else "a"
            if kinds[at] == "a":
                for i in following[: shapes.index("q") if "q" in shapes else 0]:
                    kinds[i] = "a"
        else:
            kinds[at] = "e"


def _join_wrapped_quotes(lines: list[_Line], kinds: list[str]) -> None:
    """A lone line of text between two quoted lines is the end of a quoted line that a mailer wrapped."""
    for at in range(1, len(kinds) - 1):
        if kinds[at] == "t" and kinds[at - 1] == "q" == kinds[at + 1] and len(lines[at - 1].text) > 50:
            kinds[at] = "q"


# ── What is kept ─────────────────────────────────────────────────────────────────────────────


def _choose(lines: list[_Line], kinds: list[str]) -> list[_Line]:
    forward = kinds.index("f") if "f" in kinds else len(kinds)
    first_text = next((i for i, kind in enumerate(kinds) if kind in "tqf"), -1)
    if first_text < 0:
        return lines
    end = len(lines)
    history = next((i for i, kind in enumerate(kinds[:forward]) if kind in "abho"), -1)
    told = any(kind in "t" for kind in kinds[:history]) if history >= 0 else False
    if history >= 0 and told:
        if kinds[history] in "bho" or not _answers_between(kinds, history):
            end = history
    elif history >= 0:
        return _from_below(lines, kinds, forward)
    elif forward < len(kinds):
        return lines
    return _without_tail(lines, kinds, min(end, len(lines)), forward)


def _answers_between(kinds: list[str], start: int) -> bool:
    """After the attribution there are quotes and, below or between them, words of the sender's own."""
    quoted = False
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


def _from_below(lines: list[_Line], kinds: list[str], forward: int) -> list[_Line]:
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


def _without_tail(lines: list[_Line], kinds: list[str], end: int, forward: int) -> list[_Line]:
    """Cut the signature, then quotes that nothing follows."""
    if forward < end:
        return lines
    cut = _signature(lines, kinds, end)
    told = False
    for at in range(cut):
        told = told or kinds[at] == "t"
    while cut > 0 and told and kinds[cut - 1] in "qea?":
        cut -= 1
    return lines[:cut]


def _signature(lines: list[_Line], kinds: list[str], end: int) -> int:
    """Where the signature begins; end if there is none. What is answered below a quote under it is no signature."""
    last_text = max((i for i in range(end) if kinds[i] == "t"), default=-1)
    last_quote = max((i for i in range(last_text) if kinds[i] == "q"), default=-1)
    told = False
    for at in range(end):
        kind = kinds[at]
        if kind == "t":
            told = True
        elif told and at > last_quote and (kind in "sm" or (kind == "r" and _short_tail(lines, kinds, at + 1, end))):
            return at
    return end


def _short_tail(lines: list[_Line], kinds: list[str], start: int, end: int) -> bool:
    """A ruled line parts a signature or a footer from the rest; a long text after it is text."""
    count = letters = 0
    for at in range(start, end):
        if kinds[at] != "e":
            count += 1
            letters += len(lines[at].text)
            if count > 15 or letters > 900:
                return False
    return True
