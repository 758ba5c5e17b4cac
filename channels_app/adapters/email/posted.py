"""What providers post, as fields and files: forms read as bytes, for each field may have a charset of its own."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from channels_app import reading
from channels_app.adapters.email import charsets, structure
from channels_app.adapters.email.limits import LIMITS
from channels_app.contract import BadBody, InboundRequest, UnreadableEvent, read_json, read_json_object

MAX_FIELDS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedFile:
    """One file of a form."""

    name: str
    filename: str
    mime: str
    data: bytes = field(repr=False)


@dataclass(slots=True)
class Form:
    """Fields as the bytes that were posted; of several with one name the first."""

    fields: dict[str, bytes] = field(default_factory=dict)
    files: list[PostedFile] = field(default_factory=list)
    named: Mapping[str, Any] = field(default_factory=dict)
    """Field → charset, where the provider names it."""

    def text(self, name: str) -> str:
        """The field as text; "" when it is missing. UTF-8 unless the provider or the bytes say otherwise."""
        data = self.fields.get(name, b"")
        charset = self.named.get(name)
        return charsets.decode(data, charset if isinstance(charset, str) else "utf-8") if data else ""

    def get(self, *names: str) -> str:
        """The first of these that says something."""
        return next((found for name in names if (found := self.text(name))), "")


def kind_of(request: InboundRequest) -> str:
    return request.header("content-type").partition(";")[0].strip().lower()


def read(request: InboundRequest) -> Form:
    """Multipart or URL-encoded. Raises BadBody for anything else, and for a form that is none."""
    kind = kind_of(request)
    if kind == "multipart/form-data":
        return multipart(request.header("content-type"), request.body)
    if kind == "application/x-www-form-urlencoded":
        return urlencoded(request.body)
    raise BadBody("the body is neither a form nor JSON")


def urlencoded(body: bytes) -> Form:
    try:
        body.decode("ascii")
        # latin-1 both ways: the bytes that were meant, whatever they mean.
        pairs = parse_qsl(
            body.decode("latin-1"), keep_blank_values=True, max_num_fields=MAX_FIELDS, encoding="latin-1",
            strict_parsing=True,
        )  # fmt: skip
    except ValueError as error:
        raise BadBody("the body is not a URL-encoded form") from error
    form = Form()
    for name, value in pairs:
        form.fields.setdefault(name, value.encode("latin-1"))
    return form


def multipart(content_type: str, body: bytes) -> Form:
    """With bare LF too, as some providers write it. The names are theirs, the bytes the sender's."""
    head = f"Content-Type: {' '.join(content_type.split())}\r\n\r\n".encode("utf-8", "replace")
    root, _notes = structure.read(head + body)
    boundary = root.params.get("boundary", "").encode("utf-8", "replace")
    if not boundary or not root.children or b"--" + boundary + b"--" not in body[-1000 - len(boundary) :]:
        raise BadBody("the body is not a multipart form, or broke off")
    if len(root.children) >= min(MAX_FIELDS, LIMITS.parts):
        raise BadBody("the form has too many fields")
    form = Form()
    for part in root.children:
        name = part.disposition_params.get("name", "")
        data = part.raw[part.start : part.end]
        if "filename" in part.disposition_params:
            form.files.append(PostedFile(name=name, filename=part.filename, mime=part.mime, data=data))
        elif name:
            form.fields.setdefault(name, data)
    return form


def json_object(text: str) -> dict[str, Any]:
    """A field's JSON object; empty where it is none."""
    try:
        return read_json_object(text.encode("utf-8", "replace"))
    except BadBody:
        return {}


def json_list(text: str) -> list[Any]:
    """A field's JSON list; empty where it is none."""
    try:
        return reading.listed(read_json(text.encode("utf-8", "replace")))
    except BadBody:
        return []


def unpacked(text: str) -> bytes:
    """A whole mail in base64, broken into lines or not, padded or not. Raises UnreadableEvent."""
    plain = re.sub(r"\s+", "", text)
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4))
    except (ValueError, binascii.Error) as error:
        raise UnreadableEvent("the mail is not base64") from error


def recipients(*values: Any) -> list[str]:
    """Addresses out of texts and lists of texts, one each."""
    found = [one for value in values for one in (value if isinstance(value, list) else [value])]
    return [reading.line(one) for one in found if isinstance(one, str) and one]
