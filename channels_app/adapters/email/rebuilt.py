"""A mail put together again from the pieces that a provider took it apart into, so that one parser reads all."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

# Of the sender's own words about its form nothing holds any more.
_OF_THE_FORM = ("content-", "mime-version")
_NAME = re.compile(r"[!-9;-~]{1,200}")
_LINE = 76


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A file. encoded: base64 as the provider wrote it, perhaps cut; else the bytes."""

    filename: str = ""
    mime: str = ""
    content_id: str = ""
    data: bytes = field(default=b"", repr=False)
    encoded: str = field(default="", repr=False)


def mail(headers: Iterable[tuple[str, str]], text: str, html: str, files: Sequence[Piece] = ()) -> bytes:
    """RFC 5322 bytes. The first header of a name that people write once counts; odd names are left out."""
    out = [_header(name, value) for name, value in headers if _keeps(name)]
    body = [_text("plain", text)] if text or not html else []
    if html:
        body.append(_text("html", html))
    content = body[0] if len(body) == 1 else _multipart("alternative", body, files)
    if files:
        content = _multipart("mixed", [content, *(_file(piece, html) for piece in files)], files)
    return b"".join(out) + b"MIME-Version: 1.0\r\n" + content


def _keeps(name: str) -> bool:
    return bool(_NAME.fullmatch(name)) and not name.lower().startswith(_OF_THE_FORM)


def _header(name: str, value: str) -> bytes:
    """On one line: nothing that a sender wrote can begin a header of its own."""
    return f"{name}: {' '.join(value.split())}\r\n".encode("utf-8", "replace")


def _text(kind: str, text: str) -> bytes:
    head = f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return head.encode() + _base64(text.encode("utf-8", "replace"))


def _base64(data: bytes) -> bytes:
    return base64.encodebytes(data).replace(b"\n", b"\r\n")


def _multipart(kind: str, parts: Sequence[bytes], files: Sequence[Piece]) -> bytes:
    """All bodies are base64 here, so no line of theirs can be a boundary."""
    boundary = f"=_{kind}_{len(files)}"
    head = f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\n'.encode()
    mark = f"--{boundary}\r\n".encode()
    return head + b"".join(mark + part + b"\r\n" for part in parts) + f"--{boundary}--\r\n".encode()


def _file(piece: Piece, html: str) -> bytes:
    inline = bool(piece.content_id) and f"cid:{piece.content_id}" in html
    mime = piece.mime.partition(";")[0].strip()
    if not re.fullmatch(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+", mime) or mime.lower().startswith("multipart/"):
        mime = "application/octet-stream"
    head = [f"Content-Type: {mime}", "Content-Transfer-Encoding: base64"]
    name = base64.b64encode(piece.filename.encode("utf-8", "replace")).decode()
    named = f'; filename="=?utf-8?B?{name}?="' if name else ""
    head.append(f"Content-Disposition: {'inline' if inline else 'attachment'}{named}")
    if piece.content_id:
        head.append(f"Content-ID: <{' '.join(piece.content_id.split())}>")
    body = _wrapped(piece.encoded) if piece.encoded else _base64(piece.data)
    return "\r\n".join([*head, "", ""]).encode("utf-8", "replace") + body


def _wrapped(encoded: str) -> bytes:
    plain = re.sub(r"[^A-Za-z0-9+/=_-]", "", encoded)
    return "\r\n".join(plain[at : at + _LINE] for at in range(0, len(plain), _LINE)).encode()
