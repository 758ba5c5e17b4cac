"""Content-Transfer-Encoding undone, without complaint: what cannot be decoded stays as it came."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator

from channels_app.adapters.email.encoded import unbase64

_UU_BEGIN = re.compile(rb"^begin(?:-base64)? ([0-7]{3,4}) ([^\r\n]{0,254}\S)[ \t]*+\r?$", re.MULTILINE)
_NOT_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="))
_AFTER_THE_END = re.compile(rb"=[ \t]+[^\r\n]*")
_SOFT_BREAK = re.compile(rb"=[ \t]+\r?\n")
_BLANKS = re.compile(rb"[^\s=]{2} [^\s=]{2}|[^\s=]  ?[^\s=]{2}")


def decode(data: bytes, encoding: str) -> bytes:
    """The bytes that were meant. encoding: the header's value in lower case."""
    name = encoding_of(encoding)
    if name == "base64":
        return _base64(data)
    if name == "quotedprintable":
        return binascii.a2b_qp(_SOFT_BREAK.sub(b"=\n", data))
    if name in ("xuuencode", "uuencode", "xuue", "uue"):
        found = next(uuencoded(data), None)
        return found[3] if found else data
    return data


def encoding_of(value: str) -> str:
    """The name alone: without quotes, comments, parameters and strokes."""
    return re.sub(r"[^a-z0-9]", "", re.split(r"[;(]", value.lower(), maxsplit=1)[0])


def is_prose(data: bytes) -> bool:
    """Words with blanks between them, which no encoder writes."""
    return len(_BLANKS.findall(data[:400].strip())) > 2


def _base64(data: bytes) -> bytes:
    """All of it, also where several padded runs follow each other."""
    clean = _AFTER_THE_END.sub(b"=", data).translate(None, _NOT_BASE64)
    return b"".join(unbase64(run) for run in clean.split(b"=")[:10_000] if run)


def uuencoded(data: bytes) -> Iterator[tuple[int, int, str, bytes]]:
    """(start, end, file name, content) of each uuencoded file in a text."""
    at = 0
    while (begin := _UU_BEGIN.search(data, at)) is not None:
        out = bytearray()
        at = begin.end() + 1
        good = False
        while at < len(data):
            stop = data.find(b"\n", at)
            stop = len(data) if stop < 0 else stop
            line = data[at : min(stop, at + 200)].rstrip(b"\r")
            at = stop + 1
            if line.strip() in (b"end", b"===="):
                good = True
                break
            if line.strip() in (b"", b"`"):
                continue
            decoded = _uu_line(line)
            if decoded is None:
                break
            out += decoded
        if good:
            yield begin.start(), min(at, len(data)), begin[2].decode("utf-8", "replace"), bytes(out)


def _uu_line(line: bytes) -> bytes | None:
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:
        # Some encoders leave out or add a letter at the end of a line.
        length = (line[0] - 32) & 63
        try:
            return binascii.a2b_uu(line[: (length * 4 + 5) // 3 + 1].ljust((length * 4 + 5) // 3 + 1))
        except binascii.Error:
            return None
