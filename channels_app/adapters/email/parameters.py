"""Content-Type and Content-Disposition with their parameters: RFC 2045, RFC 2231, and what mailers make of them."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from channels_app.adapters.email import charsets
from channels_app.adapters.email.encoded import decode_words
from channels_app.adapters.email.headers import text_of
from channels_app.adapters.email.limits import LIMITS

_SLASH = re.compile(r"^(\s*+\"?[\w.+-]++)\s*+/\s*+")
# A blank or a comma stands for a forgotten semicolon.
_MAIN = re.compile(r"\s*+\"?([^\s;,\"]*+)\"?(.*)", re.DOTALL)
_SKIP = re.compile(r"[;,\s]*+")
_KEY = re.compile(r"([^\s=;\"]{1,80}+)\s*+=\s*+")
_QUOTED = re.compile(r'"((?:[^"\\]++|\\.)*+)"')
_NEXT = re.compile(r";\s*+(?:[A-Za-z][\w*-]{0,60}+\s*+=|$)")
_REMARK = re.compile(r"(?<!\s)\s*+\([^()]*\)$")
_PIECE = re.compile(r"(?P<name>[^*]+)(?:\*(?P<number>\d{1,4}))?(?P<coded>\*)?")


def read(value: str) -> tuple[str, dict[str, str]]:
    """(main value in lower case, parameters by lower-case name), decoded."""
    begun = _MAIN.match(_SLASH.sub(r"\1/", value))
    main, rest = (begun[1], begun[2]) if begun else ("", "")
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[bool, str]]] = {}
    for key, text in _pairs(rest):
        piece = _PIECE.fullmatch(key)
        if piece is None:
            continue
        name = piece["name"].lower()
        if piece["number"] is None and not piece["coded"]:
            plain.setdefault(name, text)
        else:
            pieces.setdefault(name, {}).setdefault(int(piece["number"] or 0), (bool(piece["coded"]), text))
    found = {name: text_of(decode_words(text)) for name, text in plain.items()}
    for name, parts in pieces.items():
        joined = _extended(parts)
        if joined:
            found[name] = joined
    return main.strip("'").lower(), found


def _pairs(rest: str) -> list[tuple[str, str]]:
    out: list[tuple[str, str]] = []
    at = 0
    while at < len(rest) and len(out) < LIMITS.parameters:
        skipped = _SKIP.match(rest, at)
        at = skipped.end() if skipped else at
        key = _KEY.match(rest, at)
        if key is None:
            semicolon = rest.find(";", at)
            if semicolon < 0:
                break
            at = semicolon
            continue
        value, at = _value(rest, key.end())
        out.append((key[1], value))
    return out


def _value(rest: str, at: int) -> tuple[str, int]:
    """A quoted value, or all up to the next parameter: file names hold blanks and semicolons unquoted too."""
    quoted = _QUOTED.match(rest, at)
    if quoted:
        after = rest[quoted.end() : quoted.end() + 200].lstrip()
        if not after or after[0] == ";":
            return re.sub(r"\\(.)", r"\1", quoted[1]), quoted.end()
    following = _NEXT.search(rest, at)
    stop = following.start() if following else len(rest)
    value = rest[at:stop].strip().rstrip(";").strip()
    if "=?" not in value:
        value = _REMARK.sub("", value) if " (" in value and "." not in value else value
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    return value.strip('"'), stop


def _extended(parts: dict[int, tuple[bool, str]]) -> str:
    """RFC 2231: charset'language'text of the first piece, the rest in order; coded ones are percent-encoded."""
    charset = ""
    data = b""
    any_coded = False
    for count, number in enumerate(sorted(parts)):
        coded, text = parts[number]
        if coded and count == 0 and text.count("'") >= 2:
            charset, _, text = text.split("'", 2)
        any_coded = any_coded or coded
        data += unquote_to_bytes(text) if coded or charset else text.encode("utf-8", "surrogateescape")
    text = charsets.decode(data, charset) if charset else charsets.guess(data)
    return text_of(decode_words(text))
