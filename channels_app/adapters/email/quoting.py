"""What each line of a mail is: text, quoted, an attribution, a header of a quoted mail, a mark, a signature.

Each line gets a letter; ``trimming`` looks at their order. One pass, linear; no code here knows a language.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from channels_app.adapters.email.phrases import (
    ABOVE,
    DAYS,
    DEVICES,
    FORWARD_PREFIXES,
    FORWARDED,
    LABELS,
    OPENERS,
    ORIGINAL,
    SENT_FROM,
    VERBS,
)
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
_DASHES = {ord(c): "-" for c in "\u2010\u2011\u2012\u2015\u2500\u2501"}
TABLE = {
    **_INVISIBLE,
    **_SPACES,
    **_DIGITS,
    **_DASHES,
    ord("："): ":",
    ord("＜"): "<",
    ord("＞"): ">",
    ord("’"): "'",
    ord("＿"): "_",
    ord("＝"): "=",
}
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
_ONLY_DATE = re.compile(r"(?:\s*[^\W\d_]{1,4}\.?)?(?:\s+(?:[^\W\d_]{1,4}\.? )?[\d./:-]+,?){1,2}\s*:")
_EASTERN_YEAR = re.compile(r"\d{4}[年년]")
_YEAR = re.compile(r"(?:19|20|24|25|26)\d\d|\d[./-]\d{1,2}[./-]\d{2}")
_HALF_A_DATE = re.compile(r"\d|,$")
_OPEN_ANGLE = re.compile(r"<[^<>]{0,100}$")
_CHINESE = re.compile(r"[^<>:]{1,60}[ >)][于於在] ?\d{4}")
_BY_ME = re.compile(r"\b(?:i|ich|saya|aku|yo|eu|io|ik|jag|jeg) |j'ai |ผม|ฉัน|ดิฉัน|\btôi |我(?:写|寫)")
"""Whoever says "I wrote" is writing."""
_DAY_NUMBER = re.compile(r"(?<![\d:])\d{1,2}(?!\d)|\d{4}")
_ADDRESS = re.compile(r"[<\[(]? ?(?:mailto:)?[^\s<>()\[\]]{1,100}@[^\s<>()\[\]]{1,100} ?[>\])]?|<\S{1,200}@")
_ENDS = re.compile(r"(?::|：|:>|: ?\*|>:)[\s_*]*$|wrote -{2,}$|-{3,}$")
_NAME_FIRST = re.compile(r"[\"'“]?[^<>:]{0,80}[\"'”]? ?[<(\[]")
_QUOTE = re.compile(r"\s{0,3}(?:>|&gt;)")
LABEL = re.compile(r"[\s*_]{0,12}([^\s*_:][^:*]{0,24}?)[\s*_]{0,4}:[\s*_]{0,4}(.*)")
_ORIGINAL = re.compile(
    r"[-_=—–*<>\s]*(?:"
    + "|".join(re.escape(p) for p in sorted(set(ORIGINAL), key=len, reverse=True))
    + r")[-_=—–*<>\s:]*"
)
FORWARD = re.compile(
    r"[-_=—–*<>\s]*(?:"
    + "|".join(re.escape(p) for p in sorted(set(FORWARDED), key=len, reverse=True))
    + r")[-_=—–*<>\s:]*"
)
_ORIGINAL_AND = re.compile(
    r"-{3,} ?(?:" + "|".join(re.escape(p) for p in sorted(set(ORIGINAL), key=len, reverse=True)) + r") ?-{3,}[^-]"
)
"""Some phones put the headers into the same line."""
_PASTED_FORWARD = re.compile(FORWARD_PREFIXES)
_WROTE_BETWEEN = re.compile(r"-{3,} ?[^-]{1,80} (?:wrote|schrieb|menulis|escribió|a écrit|написал|skrev) ?-{3,}")
_BETWEEN_RULES = re.compile(r"[-_=*]{3,} ?[^-_=*]{1,60}[-_=*]{3,}")
_ABOVE = re.compile(ABOVE)
_DEVICE = re.compile(DEVICES)
_SENT_FROM = re.compile(r"[\s<>*_(\[]{0,4}(?:" + "|".join(SENT_FROM) + r")")
_SIGNATURE = re.compile(r"\s{0,3}(?:--|—|–|__)\s*")
_RULE = re.compile(r"\s*(?:[-_=—–―─━ー*~]\s?){3,}\s*")
_FOOTER = re.compile(r"\s*_{2,}\s*")


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    plain: str
    """For matching: lower case, one kind of space and digit, no invisible letters."""


def plain_of(line: str) -> str:
    return line[:LONGEST_LINE].translate(TABLE).strip().lower()


# ── What each line is ────────────────────────────────────────────────────────────────────────
#   e empty   t text   q quoted   a attribution   h header of a quoted mail   o "original message"
#   b mark of an HTML client   f "forwarded message"   s signature mark   r a ruled line   m "sent from my …"


def kinds_of(lines: list[Line]) -> list[str]:
    kinds = [_simple(line) for line in lines]
    _doubt_sent_from(lines, kinds)
    _find_headers(lines, kinds)
    _find_attributions(lines, kinds)
    _find_quoted_forward(lines, kinds)
    _settle_maybes(lines, kinds)
    _join_wrapped_quotes(lines, kinds)
    return kinds


def _simple(line: Line) -> str:
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
        if plain.startswith(">>> ") and (plain.endswith(" >>>") or (_VERB.search(plain) and _ADDRESS.search(plain))):
            return "o"  # GroupWise.
        return "t" if len(plain) < 30 and _ENDS.search(plain) and (rest == ":" or _VERB.match(rest)) else "q"
    if _SIGNATURE.fullmatch(plain):
        return "s"
    if _RULE.fullmatch(plain):
        return "r"
    if len(plain) <= 100:
        if plain[0] in "-_=—–*<" and _ORIGINAL.fullmatch(plain):
            return "o"
        if (plain[0] in "-_=—–*<" or plain[-1] == ":") and FORWARD.fullmatch(plain):
            return "f"
        if _ABOVE.search(plain):
            return "o"
    if plain.startswith("---") and (_ORIGINAL_AND.match(plain) or _WROTE_BETWEEN.fullmatch(plain)):
        return "o"
    if len(plain) <= 120 and _SENT_FROM.match(plain) and not role_of(plain):
        return "m"
    return "t"


def _doubt_sent_from(lines: list[Line], kinds: list[str]) -> None:
    """ "Sent with …" without a word for a device is a signature only where it stands alone."""
    for at, kind in enumerate(kinds):
        if kind == "m" and not _DEVICE.search(lines[at].plain):
            before, after = kinds[at - 1] if at else "e", kinds[at + 1] if at + 1 < len(kinds) else "e"
            if before not in "esr" or after not in "esr?b" or len(lines[at].plain) > 60:
                kinds[at] = "t"


def _find_quoted_forward(lines: list[Line], kinds: list[str]) -> None:
    """Apple Mail quotes what it forwards, its own line above it, too."""
    before = ""
    for at, kind in enumerate(kinds):
        if kind == "q" and before in ("", "t", "?") and FORWARD.fullmatch(lines[at].plain.lstrip("> ")):
            kinds[at] = "f"
        if kind != "e":
            before = kind


def role_of(plain: str) -> str:
    found = LABEL.fullmatch(plain)
    return _ROLE_OF.get(found[1].strip(), "") if found else ""


def _find_headers(lines: list[Line], kinds: list[str]) -> None:
    """From:/Sent:/To:/Subject: in any language, as Outlook and others put them above the answered mail."""
    at = 0
    while at < len(lines):
        if kinds[at] == "t" and role_of(lines[at].plain) in ("from", "sent", "date", "subject", "to"):
            end = _header_block(lines, kinds, at)
            if not end and _is_head_of_one_line(lines[at].plain):
                end = at + 1
            if end:
                kinds[at:end] = ["h" if kind != "e" else "e" for kind in kinds[at:end]]
                above = next((i for i in range(at - 1, max(at - 4, -1), -1) if kinds[i] != "e"), -1)
                if above >= 0 and kinds[above] == "t" and _BETWEEN_RULES.fullmatch(lines[above].plain):
                    kinds[above] = "o"
                elif above >= 0 and "t" not in kinds[:above] and _PASTED_FORWARD.match(lines[above].plain):
                    kinds[above] = "f"
                at = end
                continue
        at += 1


def _is_head_of_one_line(plain: str) -> bool:
    """ "From: … Sent: … To: … Subject: …" by a program that lost the line ends."""
    if not 30 <= len(plain) < LONGEST_LINE or "@" not in plain:
        return False
    roles: set[str] = set()
    for before in plain.split(":")[:-1][:40]:
        words = before.split(" ")[-3:]
        roles |= {_ROLE_OF.get(" ".join(words[number:]), "") for number in range(len(words))}
    return {"from", "to", "subject"} <= roles and bool(roles & {"sent", "date"})


def _header_block(lines: list[Line], kinds: list[str], start: int) -> int:
    """Where the block ends, 0 if it is none: at least three of the labels, From among them (two after a marker)."""
    roles: set[str] = set()
    end = at = start
    stray = 0
    while at < min(len(lines), start + 24):
        role = role_of(lines[at].plain) if kinds[at] == "t" else ""
        if role:
            roles.add(role)
            end, stray = at + 1, 0
        elif kinds[at] == "e":
            following = next((i for i in range(at + 1, min(at + 2, len(lines))) if kinds[i] == "t"), -1)
            if following < 0 or not role_of(lines[following].plain):
                break
        else:
            stray += 1
            if stray > 3 or kinds[at] != "t":
                break
        at += 1
    marked = any(kinds[i] in "orbf?" for i in range(max(0, start - 3), start))
    # Where a parcel goes from and to, and when, is no head of a mail: that has a subject and a date, or an address.
    told = ("subject" in roles and roles & {"sent", "date"}) or any(
        _ADDRESS.search(line.plain) for line in lines[start:end]
    )
    sent = "sent" in roles and any(_DATE.search(line.plain) for line in lines[start:end])
    enough = (len(roles) >= 3 and (told or marked)) or (len(roles) >= 2 and (marked or (told and sent)))
    return end if enough and "from" in roles and roles & {"sent", "date", "subject", "to"} else 0


def _find_attributions(lines: list[Line], kinds: list[str]) -> None:
    """ "On … wrote:", also wrapped over lines. Looked for from its end, which is rare, backwards."""
    for end, line in enumerate(lines):
        if kinds[end] not in "t" or not line.plain:
            continue
        if not _ENDS.search(line.plain[-40:]):
            if len(line.plain) < 150 and _quote_follows(kinds, end) and _is_bare(line.plain):
                kinds[end] = "a"
            continue
        start = _attribution_start(lines, kinds, end)
        if start >= 0:
            kinds[start : end + 1] = ["a"] * (end + 1 - start)


def _attribution_start(lines: list[Line], kinds: list[str], end: int) -> int:
    joined = kept = ""
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
        strong = _strong_start(joined)
        named = _NAME_FIRST.match(joined) and _ADDRESS.search(joined)
        longer = strong or (named and (not _ADDRESS.search(kept) or _OPEN_ANGLE.search(lines[start].plain)))
        if _is_attribution(joined, several=start < end, quoted_next=quoted_next) and (best < 0 or longer):
            best, kept = start, joined
            if strong and not _goes_up(joined, lines[start - 1].plain if start else ""):
                break
    return best


def _goes_up(joined: str, above: str) -> bool:
    """A line that holds the end of an attribution alone begins with a digit, too."""
    if not _YEAR.search(joined) or not (_VERB.search(joined) or _ADDRESS.search(joined)):
        return True
    return joined[:1].isdigit() and above[-1:] not in ("", *".!?:;…。？！") and bool(_HALF_A_DATE.search(above))


def _is_bare(plain: str) -> bool:
    """ "2025/3/3 Shop <help@shop.example>" above a quote, with or without a verb at its end."""
    verb = _VERB.search(plain)
    ends = plain[-1] == ">" or (verb is not None and verb.end() == len(plain))
    return ends and _strong_start(plain) and bool(_ADDRESS.search(plain))


def _quote_follows(kinds: list[str], end: int) -> bool:
    return next((kind for kind in kinds[end + 1 : end + 4] if kind != "e"), "") == "q"


def _strong_start(text: str) -> bool:
    head = text.lstrip("-*_> ")
    opened = bool(_OPENER.match(head) or head[:1].isdigit() or _DAY.match(head) or _CHINESE.match(head))
    return opened and bool(_DATE.search(head[:120]))


def _is_attribution(text: str, *, several: bool, quoted_next: bool) -> bool:
    text = text.strip("*_ ")
    verb, address = _VERB.search(text), _ADDRESS.search(text)
    dated = bool(_DATE.search(text)) and bool(_DAY_NUMBER.search(text))
    strong = _strong_start(text)
    if several and not strong and not _NAME_FIRST.match(text):
        return False
    if verb and dated and address and not several:
        return True
    if verb and _EASTERN_YEAR.search(text) and len(text) - verb.end() <= 3 and len(text) <= 100:
        return not _BY_ME.search(text)
    if verb and dated:
        by_name = bool(address and _NAME_FIRST.match(text)) or _ends_with_date(text, verb)
        return (strong and _begins_with_date(text)) or by_name or quoted_next
    if verb and verb[0] not in ("said", "berkata") and quoted_next and _is_name_and_verb(text, verb):
        return True
    if verb and address:
        # "NAME <ADDR> schrieb:" without a date, the verb at the end.
        return len(text) - verb.end() < 20 or quoted_next
    if address and dated and not quoted_next:
        # Some languages need no verb: "пн, 3 мар. 2025 г. в 10:12, Anna <a@b>:"
        return strong and text.rstrip(" *_").endswith((">:", "):", "]:", ":")) and len(text) - address.end() < 30
    return bool(dated and (strong or address) and quoted_next and len(text) < 150)


def _is_name_and_verb(text: str, verb: re.Match[str]) -> bool:
    """ "NAME schreef:", "On Mon, Jun 1 NAME wrote:" """
    words = 10 if _OPENER.match(text) and _DAY_NUMBER.search(text) else 4
    return len(text) <= 80 and len(text) - verb.end() <= 3 and text.count(" ") <= words and not _BY_ME.search(text)


def _ends_with_date(text: str, verb: re.Match[str]) -> bool:
    """ "NAME schreef op 2025-03-03 10:12:" """
    return verb.start() <= 40 and bool(_ONLY_DATE.fullmatch(text, verb.end())) and not _BY_ME.search(text)


def _begins_with_date(text: str) -> bool:
    """Not "Le colis est arrivé le 3 mars, votre livreur a écrit :" nor "On 3 March I wrote:"."""
    first = re.search(r"\d", text)
    return bool(_ADDRESS.search(text)) or (first is not None and first.start() <= 22 and not _BY_ME.search(text))


def _settle_maybes(lines: list[Line], kinds: list[str]) -> None:
    """The mark of an HTML client counts where a quote, an attribution or header-like lines come next."""
    for at, kind in enumerate(kinds):
        if kind == "b" and next((one for one in kinds[at + 1 : at + 6] if one not in "e?"), "") == "f":
            kinds[at] = "e"
        if kind != "?":
            continue
        following = [i for i in range(at + 1, min(at + 12, len(kinds))) if kinds[i] not in "e?"][:5]
        shapes = [kinds[i] for i in following]
        labels = sum(bool(re.match(r"[^\s:][^:]{0,25}: ?\S", lines[i].plain)) for i in following)
        if shapes[:1] == ["f"]:
            kinds[at] = "e"
        elif following and role_of(lines[following[0]].plain) == "from" and following[0] <= at + 2:
            kinds[at] = "b"
        elif shapes[:1] in (["a"], ["h"], ["o"]) or "q" in shapes[1:4] or labels >= 3:
            kinds[at] = "b" if shapes[:1] != ["a"] and "q" not in shapes[:4] else "a"
            if kinds[at] == "a":
                for i in following[: shapes.index("q") if "q" in shapes else 0]:
                    kinds[i] = "a"
        else:
            kinds[at] = "e"


def _join_wrapped_quotes(lines: list[Line], kinds: list[str]) -> None:
    """A lone line of text between two quoted lines is the end of a quoted line that a mailer wrapped."""
    for at in range(1, len(kinds) - 1):
        if kinds[at] == "t" and kinds[at - 1] == "q" == kinds[at + 1] and len(lines[at - 1].text) > 50:
            kinds[at] = "q"
    last = len(kinds) - 1
    while last > 0 and kinds[last] == "e":
        last -= 1
    if last > 0 and kinds[last] == "t" and kinds[last - 1] == "q" and _goes_on(lines[last - 1].text, lines[last].text):
        kinds[last] = "q"


def _goes_on(line: str, following: str) -> bool:
    """The last words of a mail are the end of the quoted line above them."""
    text = line.rstrip()
    return len(text) > 60 and text[-1] not in ".?!:;)…。？！" and len(following) <= 40 and following[:1].islower()
