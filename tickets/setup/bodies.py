"""What came in, as a person can read it: JSON and forms set out, text as text, else in hex."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl

from channels_app.contract import BadBody, read_json
from channels_app.models import Envelope

LONGEST = 64 * 1024
"""Bytes that are set out; the whole can be downloaded."""
HEX_SHOWN = 2 * 1024
MOST_FIELDS = 500
# Not among those that are kept (inbound.KEPT_HEADERS); should one ever be, it is not for eyes.
SECRETIVE = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"})


@dataclass(frozen=True, slots=True)
class Shown:
    """kind: how ``text`` was made. cut: there is more than is shown. size: of the whole, in bytes."""

    kind: Literal["json", "form", "text", "hex", "none"]
    text: str
    size: int
    cut: bool = False


def shown(envelope: Envelope) -> Shown:
    body = bytes(envelope.body)
    if not body:
        return Shown("none", "", 0)
    content_type = str(envelope.headers.get("content-type", "")).partition(";")[0].strip().lower()
    try:
        text = _text(body)
    except UnicodeDecodeError:
        return Shown("hex", _hex(body[:HEX_SHOWN]), len(body), cut=len(body) > HEX_SHOWN)
    cut = len(body) > LONGEST
    if not cut and content_type == "application/x-www-form-urlencoded":
        return Shown("form", _form(text), len(body))
    if not cut:
        try:
            return Shown("json", json.dumps(read_json(body), ensure_ascii=False, indent=2), len(body))
        except BadBody:
            pass
    return Shown("text", text, len(body), cut=cut)


def _text(body: bytes) -> str:
    """UTF-8, cut at a character; raises UnicodeDecodeError for anything else, NUL included."""
    if b"\x00" in body:
        raise UnicodeDecodeError("utf-8", body, 0, 1, "NUL")
    head = body[:LONGEST]
    try:
        return head.decode()
    except UnicodeDecodeError as error:
        if len(body) > LONGEST and error.start > LONGEST - 4:
            return head[: error.start].decode()
        raise


def _form(text: str) -> str:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        return text
    return "\n".join(f"{name} = {value}" for name, value in pairs) or text


def _hex(body: bytes) -> str:
    lines = []
    for at in range(0, len(body), 16):
        row = body[at : at + 16]
        seen = "".join(chr(byte) if 32 <= byte < 127 else "·" for byte in row)
        lines.append(f"{at:06x}  {row.hex(' '):<47}  {seen}")
    return "\n".join(lines)


def headers(envelope: Envelope) -> list[tuple[str, str]]:
    kept = envelope.headers if isinstance(envelope.headers, dict) else {}
    return [(name, "••••••••" if name.lower() in SECRETIVE else str(value)) for name, value in sorted(kept.items())]
