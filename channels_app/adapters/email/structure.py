"""The parts of a message as a tree of slices; linear in its size, whatever it pretends to be.

The standard library's parser takes 5 s for ten thousand parts, gives up at a thousand levels and needs 3 GB
for a subject of 400 KB in encoded words; here each level searches its own slice for its boundary and a budget
bounds all the searching. Bodies are not copied until somebody asks for one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from channels_app.adapters.email import charsets, headers, parameters, transfer
from channels_app.adapters.email.headers import Headers
from channels_app.adapters.email.limits import LIMITS

_META = re.compile(rb"<meta\b[^<>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_:.-]{2,40})", re.IGNORECASE)
_CHARSET = re.compile(rb"charset\s*=\s*[\"']?([A-Za-z0-9_.-]{2,40})", re.IGNORECASE)
_DULL = frozenset((b"utf-8", b"utf8", b"us-ascii", b"ascii"))
WHOLE = ("message/rfc822", "message/global", "message/news")
"""A message in the message: one file, not walked into."""


@dataclass(slots=True)
class Part:
    """One MIME part: its headers and where its body lies. ``data[start:end]`` is what was sent."""

    raw: bytes = field(repr=False)
    headers: Headers
    top: int
    start: int
    end: int
    depth: int = 0
    mime: str = "text/plain"
    params: dict[str, str] = field(default_factory=dict)
    disposition: str = ""
    disposition_params: dict[str, str] = field(default_factory=dict)
    children: list[Part] = field(default_factory=list)
    closed: bool = False
    """Kept as one file although it has parts: too deep, or no boundary found."""

    @property
    def kind(self) -> str:
        return self.mime.partition("/")[0]

    @property
    def encoding(self) -> str:
        return self.headers.raw("content-transfer-encoding").lower()

    @property
    def content_id(self) -> str:
        return self.headers.raw("content-id").strip().strip("<>").strip()

    @property
    def filename(self) -> str:
        """The sender's name of the file; "" where there is none."""
        for params, keys in ((self.disposition_params, ("filename", "name")), (self.params, ("name", "filename"))):
            for key in keys:
                if params.get(key):
                    return params[key]
        return ""

    def content(self) -> bytes:
        """The decoded body."""
        data = self.raw[self.start : self.end]
        if self.kind == "text" and transfer.encoding_of(self.encoding) == "base64" and transfer.is_prose(data):
            return data  # Said to be base64, but nobody encoded it.
        return transfer.decode(data, self.encoding)

    def source(self) -> bytes:
        """Headers and body as they came."""
        return self.raw[self.top : self.end]

    def text(self) -> str:
        """The decoded body as text, line ends as \\n."""
        return self.as_text(self.content())

    def as_text(self, data: bytes) -> str:
        """Bytes of this part in its charset."""
        charset = self.params.get("charset")
        if self.mime == "text/html" and not charsets.codec_of(charset or ""):
            told = _META.search(data, 0, 4096)
            charset = told[1].decode("ascii", "replace") if told else charset
        return charsets.decode(data, charset).replace("\r\n", "\n").replace("\r", "\n")

    def walk(self) -> Iterator[Part]:
        stack = [self]
        while stack:
            part = stack.pop()
            yield part
            stack.extend(reversed(part.children))


@dataclass(slots=True)
class _Reading:
    raw: bytes
    budget: int
    hint: str = ""
    """A charset that some part names, for headers that name none."""
    parts: int = 0
    notes: list[str] = field(default_factory=list)

    def note(self, word: str) -> None:
        if word not in self.notes:
            self.notes.append(word)


def read(raw: bytes) -> tuple[Part, tuple[str, ...]]:
    """The message's tree and which limits were met."""
    reading = _Reading(raw, LIMITS.scan * len(raw) + 65536)
    if len(raw) > LIMITS.message:
        raw = reading.raw = raw[: LIMITS.message]
        reading.note("message-cut")
    if b"\n" not in raw[:4096] and b"\r" in raw[:4096]:
        raw = reading.raw = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")  # An old Mac's line ends.
    reading.hint = next((one.decode() for one in _CHARSET.findall(raw, 0, 65536) if one.lower() not in _DULL), "")
    root = _part(reading, _beginning(raw), len(raw), 0, "text/plain")
    stack = [root]
    while stack:
        part = stack.pop()
        _open(reading, part)
        stack.extend(reversed(part.children))
    return root, tuple(reading.notes)


def _beginning(raw: bytes) -> int:
    """After a byte order mark and blank lines, if headers follow."""
    at = 3 if raw.startswith(b"\xef\xbb\xbf") else 0
    first = at
    while first < min(len(raw), at + 1000) and raw[first : first + 1] in b"\r\n \t":
        first += 1
    colon = raw[first : first + 200].split(b"\n", 1)[0]
    return first if b":" in colon or first == at else at


def _part(reading: _Reading, start: int, end: int, depth: int, default: str) -> Part:
    found, body = headers.read(reading.raw, start, end, reading.hint)
    if found.cut:
        reading.note("header-cut")
    part = Part(reading.raw, found, start, min(body, end), end, depth)
    mime, part.params = parameters.read(found.raw("content-type"))
    part.mime = mime if _is_mime(mime) else default if not mime else _nearly(mime)
    part.disposition, part.disposition_params = parameters.read(found.raw("content-disposition"))
    return part


def _is_mime(mime: str) -> bool:
    kind, slash, sub = mime.partition("/")
    return bool(kind and slash and sub)


def _nearly(mime: str) -> str:
    """``text``, ``text-html`` and the like."""
    if mime.startswith("text"):
        return "text/html" if "html" in mime else "text/plain"
    return "text/plain"


def _open(reading: _Reading, part: Part) -> None:
    """Find the children of a multipart."""
    if part.kind != "multipart":
        return
    if part.depth >= LIMITS.depth:
        reading.note("too-deep")
        part.closed = True
        return
    boundary = _boundary(reading.raw, part)
    if not boundary:
        # A multipart without parts is shown as what it looks like.
        part.mime = "text/plain"
        return
    default = "message/rfc822" if part.mime == "multipart/digest" else "text/plain"
    for start, end in _slices(reading, part, boundary):
        if reading.parts >= LIMITS.parts:
            reading.note("too-many-parts")
            break
        reading.parts += 1
        part.children.append(_part(reading, start, end, part.depth + 1, default))
    if not part.children:
        part.closed = reading.budget <= 0
        part.mime = part.mime if part.closed else "text/plain"


def _boundary(raw: bytes, part: Part) -> bytes:
    """The delimiter as it stands in the body, found there where the header does not name it."""
    named = part.params.get("boundary", "").strip()
    if named:
        wanted = b"--" + named.encode("utf-8", "surrogateescape")
        if raw.find(wanted, part.start, part.end) >= 0:
            return wanted
    for line in raw[part.start : min(part.end, part.start + 4000)].split(b"\n")[:50]:
        if line.startswith(b"--") and len(line.strip()) > 4 and b" " not in line.strip():
            return line.strip()
    return b""


def _slices(reading: _Reading, part: Part, boundary: bytes) -> Iterator[tuple[int, int]]:
    """Where each child lies. A missing end is the parent's end."""
    raw = reading.raw
    opened = -1
    for line_start, line_end, last in _delimiters(reading, part, boundary):
        if opened >= 0:
            yield opened, _without_line_end(raw, opened, line_start)
        opened = -1 if last else line_end
        if last:
            return
    if 0 <= opened < part.end:
        yield opened, part.end


def _delimiters(reading: _Reading, part: Part, boundary: bytes) -> Iterator[tuple[int, int, bool]]:
    """(start, end, is it the last) of each delimiter line."""
    raw, at = reading.raw, part.start
    while reading.budget > 0:
        found = raw.find(boundary, at, part.end)
        reading.budget -= (part.end if found < 0 else found) - at + 64
        if found < 0:
            return
        at = found + len(boundary)
        if found > part.start and raw[found - 1 : found] not in (b"\n", b"\r"):
            continue
        stop = raw.find(b"\n", at, part.end)
        stop = part.end if stop < 0 else stop + 1
        rest = raw[at : min(stop, at + 80)].strip()
        # Words behind the last one belong to what follows it (RFC 2046, 5.1.1).
        ends = rest.startswith(b"--") and (rest[2:3] in (b" ", b"\t") or not rest[2:].strip(b"- \t"))
        if rest and not ends:
            continue
        yield found, stop, ends
        at = stop
    reading.note("too-deep")


def _without_line_end(raw: bytes, start: int, end: int) -> int:
    """The line end before a delimiter belongs to the delimiter."""
    if end > start and raw[end - 1 : end] == b"\n":
        end -= 1
        if end > start and raw[end - 1 : end] == b"\r":
            end -= 1
    return end
