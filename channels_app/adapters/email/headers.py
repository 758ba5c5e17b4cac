"""A part's header block: bytes → names and values, lenient about everything that real mailers get wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from channels_app.adapters.email import charsets
from channels_app.adapters.email.encoded import decode_words
from channels_app.adapters.email.limits import LIMITS
from channels_app.contract import clean_text

# A name may hold any printable letter; some mailers put a blank before the colon.
_NAME = re.compile(rb"([!-9;-~]{1,200})[ \t]*:")
_ODD_NAME = re.compile(rb"([^:\r\n]{1,80}?)[ \t]*:[ \t]")
_MBOX = re.compile(rb">?From ")
_ID = re.compile(r"<([^<>]{1,998})>")


@dataclass(slots=True)
class Headers:
    """Names in lower case with their raw values, in order. text() decodes, raw() does not."""

    items: list[tuple[str, str]] = field(default_factory=list)
    cut: bool = False

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.items if key == name]

    def raw(self, name: str) -> str:
        """The first value as written, unfolded; "" when there is none."""
        return next((value for key, value in self.items if key == name), "")

    def text(self, name: str) -> str:
        return text_of(self.raw(name))

    def has(self, name: str) -> bool:
        return any(key == name for key, _ in self.items)


def text_of(value: str) -> str:
    """A value for people: encoded words decoded, line ends and controls gone."""
    decoded = clean_text(decode_words(value))
    return re.sub(r"[\r\n\t\x00-\x08\x0b\x0c\x0e-\x1f]+", " ", decoded).strip()


def read(data: bytes, start: int, end: int, hint: str = "") -> tuple[Headers, int]:
    """The header block at data[start:end] and where the body begins."""
    found = Headers()
    fields: list[tuple[bytes, list[bytes]]] = []
    at, used = start, 0
    while at < end:
        stop = data.find(b"\n", at, end)
        line_end = end if stop < 0 else stop + 1
        line = data[at : min(line_end, at + LIMITS.header + 1)].rstrip(b"\r\n")
        found.cut = found.cut or line_end - at > LIMITS.header + 2
        if not line:
            at = line_end
            break
        if not _take(line, fields, data, line_end, end):
            break
        at = line_end
        used += len(line)
        if used > LIMITS.header_block or len(fields) > LIMITS.header_lines:
            found.cut = True
            at = _after_blank(data, at, end)
            break
    for name, lines in fields:
        value, cut = _value(lines, hint)
        found.cut = found.cut or cut
        found.items.append((name.decode("ascii", "replace").lower(), value))
    return found, at


def _take(line: bytes, fields: list[tuple[bytes, list[bytes]]], data: bytes, following: int, end: int) -> bool:
    """Put one line where it belongs; False where the body begins without an empty line."""
    if line[:1] in b" \t" and fields:
        fields[-1][1].append(line)
        return True
    named = _NAME.match(line)
    if named:
        fields.append((named[1], [line[named.end() :]]))
        return True
    if not fields and (_MBOX.match(line) or _NAME.match(data, following, end)):
        return True  # An mbox's own line, or a word that a program put on top.
    odd = _ODD_NAME.match(line)
    if odd and (fields or _header_follows(data, following, end)):
        fields.append((odd[1], [line[odd.end() :]]))
        return True
    # A folded line without its indent: only where more headers follow.
    if fields and _header_follows(data, following, end):
        fields[-1][1].append(b" " + line)
        return True
    return False


def _header_follows(data: bytes, at: int, end: int) -> bool:
    """One of the next lines before an empty one is a header."""
    for line in data[at : min(end, at + 8000)].split(b"\n")[:100]:
        if not line.strip():
            return False
        if _NAME.match(line) and b" " not in line[: line.find(b":")].rstrip():
            return True
    return False


def _after_blank(data: bytes, at: int, end: int) -> int:
    places = [found + len(gap) for gap in (b"\n\r\n", b"\n\n") if (found := data.find(gap, max(at - 2, 0), end)) >= 0]
    return min(places, default=end)


def _value(lines: list[bytes], hint: str) -> tuple[str, bool]:
    joined = b" ".join(line.strip(b" \t\r") for line in lines)
    cut = len(joined) > LIMITS.header
    if cut:
        joined = joined[: LIMITS.header]
    text = joined.decode("ascii") if joined.isascii() and b"\x1b" not in joined else charsets.guess(joined, hint)
    return text.replace("\r", " ").strip(" \t"), cut


def ids(value: str) -> tuple[str, ...]:
    """The message ids of Message-ID, In-Reply-To or References, without brackets, in order."""
    if not value:
        return ()
    value = _unfold_words(value)
    found = [re.sub(r"\s+", "", inner) for inner in _ID.findall(value)]
    if not found:
        # Without brackets: words that look like an id; a lone word is taken as it is.
        words = [word.strip("<>,;\"'") for word in value.split()]
        found = [word for word in words if "@" in word] or (words if len(words) == 1 else [])
    return tuple(clean_text(one)[:998] for one in found if one)[: LIMITS.references]


def _unfold_words(value: str) -> str:
    return decode_words(value) if "=?" in value else value
