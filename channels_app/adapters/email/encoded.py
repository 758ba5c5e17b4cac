"""RFC 2047: the encoded words of a header, as mailers really write them."""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass

from channels_app.adapters.email import charsets
from channels_app.adapters.email.limits import LIMITS

_START = re.compile(r"=\?([^?\s]{0,60})\?([bBqQ])\?")
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/=]")
_ASCII_RUNS = re.compile(r"([^\x00-\x7f]+)")
_ESCAPE = re.compile(rb"=([0-9A-Fa-f]{2})")


@dataclass(slots=True)
class _Word:
    """One encoded word; neighbours of one charset are decoded together, for letters are cut between them."""

    charset: str
    encoding: str
    text: str
    data: bytes = b""


def decode_words(value: str) -> str:
    """The value with its encoded words decoded. White space between two of them is none."""
    if "=?" not in value:
        return value
    out: list[str] = []
    run: list[_Word] = []
    at = 0
    for count, (start, end, word) in enumerate(_words(value)):
        between = value[at:start]
        if run and between.strip(" \t\r\n"):
            out.append(_decoded(run))
            run = []
        if not run:
            out.append(between)
        run.append(word)
        at = end
        if count >= LIMITS.encoded_words:
            break
    out.append(_decoded(run))
    out.append(value[at:])
    return "".join(out)


def _words(value: str) -> list[tuple[int, int, _Word]]:
    found: list[tuple[int, int, _Word]] = []
    at = 0
    while len(found) <= LIMITS.encoded_words:
        start = _START.search(value, at)
        if start is None:
            break
        end = value.find("?=", start.end())
        if end < 0:
            break
        again = _START.search(value, start.end(), end)
        if again is not None:  # The first has no end: it stops where the next begins.
            end = at = again.start()
        else:
            # "??=" is a question mark of the text and the end, where the text is written letter by letter.
            if value[end : end + 3] == "??=" and start[2] in "qQ":
                end += 1
            at = end + 2
        found.append((start.start(), at, _Word(start[1], start[2].upper(), value[start.end() : end])))
    return found


def _decoded(run: list[_Word]) -> str:
    """A run of neighbours. Base64 that was cut between two words is joined before it is opened."""
    out: list[str] = []
    pending: list[_Word] = []
    for word in run:
        last = pending[-1] if pending else None
        if last and (last.charset.lower(), last.encoding) != (word.charset.lower(), word.encoding):
            out.append(_one_charset(pending))
            pending = []
        pending.append(word)
    if pending:
        out.append(_one_charset(pending))
    return "".join(out)


def _one_charset(words: list[_Word]) -> str:
    charset = words[0].charset.partition("*")[0]
    if words[0].encoding == "Q":
        text = "".join(word.text for word in words)
        if not text.isascii():  # Letters that somebody forgot to encode stand for themselves.
            return "".join(
                run if not run.isascii() else charsets.decode(_quoted(run), charset) for run in _ASCII_RUNS.split(text)
            )
        data = _quoted(text)
    else:
        data, open_text = b"", ""
        for word in words:
            open_text += _NOT_BASE64.sub("", word.text)
            if len(open_text) % 4 == 0 or open_text.endswith("="):
                data += unbase64(open_text)
                open_text = ""
        data += unbase64(open_text)
    return charsets.decode(data, charset)


def _quoted(text: str) -> bytes:
    data = text.replace("_", " ").encode("utf-8", "surrogateescape")
    return _ESCAPE.sub(lambda match: bytes((int(match[1], 16),)), data)


def unbase64(text: str | bytes) -> bytes:
    """Base64 without complaint: padding is made up, what cannot be read ends it."""
    if isinstance(text, str):
        text = text.encode("ascii", "ignore")
    stem = text.rstrip(b"=")
    try:
        return binascii.a2b_base64(stem + b"===", strict_mode=False)
    except (binascii.Error, ValueError):
        # One letter too many: it carries no whole byte.
        try:
            return binascii.a2b_base64(stem[:-1] + b"===", strict_mode=False)
        except (binascii.Error, ValueError):
            return b""
