"""winmail.dat (TNEF, MS-OXTNEF): the files and the text that Outlook hid in it.

Own reader: the library for it has rested since January 2021. Each attribute is a level, an id, a length and a
checksum; nothing is read beyond the bytes that are there. A body in compressed RTF alone is not read.
"""

from __future__ import annotations

import mimetypes
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from channels_app.adapters.email import charsets
from channels_app.adapters.email.limits import LIMITS
from channels_app.adapters.email.mail import File

SIGNATURE = 0x223E9F78
_BODY, _CODEPAGE, _PROPERTIES = 0x800C, 0x9007, 0x9003
_FILE_STARTS, _FILE_TITLE, _FILE_DATA, _FILE_PROPERTIES = 0x9002, 0x8010, 0x800F, 0x9005
_TEXT, _HTML, _LONG_NAME, _NAME, _SHORT_NAME = 0x1000, 0x1013, 0x3707, 0x3001, 0x3704
_MIME, _CONTENT_ID, _DATA = 0x370E, 0x3712, 0x3701
_FIXED = {0x02: 4, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0A: 4, 0x0B: 4, 0x14: 8, 0x40: 8, 0x48: 16}
_VARIABLE = {0x0D, 0x1E, 0x1F, 0x102}


@dataclass(slots=True)
class Opened:
    files: list[File] = field(default_factory=list)
    text: str = ""
    html: str = ""


def mime_of(name: str) -> str:
    """By the file's ending."""
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def read(data: bytes) -> Opened | None:
    """What is inside; None where it is no TNEF."""
    if len(data) < 6 or struct.unpack_from("<I", data)[0] != SIGNATURE:
        return None
    opened, codepage = Opened(), "cp1252"
    for attribute, value in _attributes(data):
        if attribute == _CODEPAGE and len(value) >= 4:
            codepage = f"cp{struct.unpack_from('<I', value)[0]}"
        elif attribute == _BODY:
            opened.text = opened.text or _text(value, codepage)
        elif attribute == _PROPERTIES:
            _take_body(opened, value, codepage)
        elif attribute == _FILE_STARTS:
            if len(opened.files) >= LIMITS.tnef_files:
                break
            opened.files.append(File())
        elif opened.files:
            _take_file(opened.files, attribute, value, codepage)
    opened.files = [file for file in opened.files if file.data]
    return opened


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 6
    while at + 9 <= len(data):
        level, attribute, _kind, length = struct.unpack_from("<BHHI", data, at)
        at += 9
        if level not in (1, 2) or at + length > len(data):
            return
        yield attribute, data[at : at + length]
        at += length + 2


def _take_body(opened: Opened, value: bytes, codepage: str) -> None:
    for tag, content, wide in _properties(value):
        if tag == _TEXT and not opened.text:
            opened.text = _text(content, "utf-16-le" if wide else codepage)
        elif tag == _HTML and not opened.html:
            opened.html = _text(content, "utf-16-le" if wide else codepage)


def _take_file(files: list[File], attribute: int, value: bytes, codepage: str) -> None:
    file = files[-1]
    if attribute == _FILE_TITLE and not file.filename:
        file = _named(file, _text(value, codepage))
    elif attribute == _FILE_DATA:
        file = replace(file, data=value)
    elif attribute == _FILE_PROPERTIES:
        names: dict[int, str] = {}
        for tag, content, wide in _properties(value):
            if tag in (_LONG_NAME, _NAME, _SHORT_NAME, _MIME, _CONTENT_ID):
                names[tag] = _text(content, "utf-16-le" if wide else codepage)
            elif tag == _DATA and not file.data:
                # An embedded object begins with the 16 bytes of its class.
                file = replace(file, data=content)
        name = names.get(_LONG_NAME) or names.get(_NAME) or file.filename or names.get(_SHORT_NAME, "")
        file = _named(file, name)
        if names.get(_MIME):
            file = replace(file, mime=names[_MIME].lower())
        if names.get(_CONTENT_ID):
            file = replace(file, content_id=names[_CONTENT_ID].strip("<>"), inline=True)
    files[-1] = file


def _named(file: File, name: str) -> File:
    name = name.strip()
    return replace(file, filename=name, mime=mime_of(name)) if name else file


def _text(value: bytes, codec: str) -> str:
    return charsets.decode(value, codec).partition("\x00")[0] if codec != "utf-16-le" else _wide(value)


def _wide(value: bytes) -> str:
    return value.decode("utf-16-le", "replace").partition("\x00")[0]


def _properties(data: bytes) -> Iterator[tuple[int, bytes, bool]]:
    """(property id, value, is it UTF-16) of a block of MAPI properties; stops at the first that makes no sense."""
    if len(data) < 4:
        return
    at = 4
    for _ in range(min(struct.unpack_from("<I", data)[0], 5000)):
        if at + 4 > len(data):
            return
        kind, tag = struct.unpack_from("<HH", data, at)
        at += 4
        if tag >= 0x8000:
            at = _after_name(data, at)
        many, kind = kind & 0x1000, kind & 0x0FFF
        count = 1
        if (many or kind in _VARIABLE) and at + 4 <= len(data):
            count = struct.unpack_from("<I", data, at)[0]
            at += 4
        for number in range(min(count, 5000)):
            value, at = _property(data, at, kind)
            if value is None:
                return
            if number == 0:
                yield tag, value, kind == 0x1F


def _after_name(data: bytes, at: int) -> int:
    """A property with a name of its own: GUID, then a number or a text."""
    if at + 24 > len(data):
        return len(data)
    by_text, length = struct.unpack_from("<II", data, at + 16)
    return at + 24 + ((length + 3) // 4 * 4 if by_text else 0)


def _property(data: bytes, at: int, kind: int) -> tuple[bytes | None, int]:
    if kind in _VARIABLE:
        if at + 4 > len(data):
            return None, at
        length = struct.unpack_from("<I", data, at)[0]
        at += 4
    elif kind in _FIXED:
        length = _FIXED[kind]
    else:
        return None, at
    if at + length > len(data):
        return None, at
    value = data[at : at + length]
    return (value[16:] if kind == 0x0D else value), at + (length + 3) // 4 * 4
