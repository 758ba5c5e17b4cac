"""The door to a file's bytes: for whoever may see its message, and harmless in a browser whatever it is."""

from __future__ import annotations

import re
from typing import IO, Any

from django.db.models.fields.files import FieldFile
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from agents import tokens
from agents.models import Agent
from channels_app import filetypes
from channels_app.models import Address
from tickets import media, profiles, thumbnails
from tickets.models import Attachment

MIME = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,62}/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}")
ONE_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


@require_safe
def attachment(request: HttpRequest, attachment_id: int, filename: str) -> HttpResponseBase:
    row = Attachment.objects.select_related("message").filter(pk=attachment_id, state=Attachment.State.STORED).first()
    if row is None or not row.file or not _may_see(request, row):
        raise Http404
    if "thumb" in request.GET and row.thumb:
        return _served(request, row.thumb, thumbnails.MIME, row.filename or row.kind)
    return _served(request, row.file, row.mime, row.filename or row.kind)


@require_safe
def picture(request: HttpRequest, address_id: int) -> HttpResponseBase:
    """A customer's picture as their platform had it: for whoever may see one of their tickets."""
    address = Address.objects.filter(pk=address_id).exclude(picture="").first() if address_id < 2**63 else None
    if address is None or not any(profiles.may_see(agent.sight(), address) for agent in _askers(request)):
        raise Http404
    return _served(request, address.picture, address.picture_mime, "picture", "private, max-age=3600")


def _served(request: HttpRequest, file: FieldFile, mime: str, name: str, kept: str = "private") -> HttpResponseBase:
    etag = f'"{str(file.name).rpartition("/")[2]}"'
    found: HttpResponseBase | None = get_conditional_response(request, etag=etag)
    found = found or _bytes_of(request, file, etag)
    for header, value in _headers(mime, name, etag, kept).items():
        found.headers[header] = value
    return found


def _may_see(request: HttpRequest, row: Attachment) -> bool:
    """By a signed link, which we give to platforms; else who may see the message; before that its uploader alone."""
    link = request.GET.get("link")
    if link and media.link_opens(row.pk, link):
        return True
    return any(_sees(agent, row) for agent in _askers(request))


def _askers(request: HttpRequest) -> list[Agent]:
    token = tokens.find(tokens.token_of(request.headers.get("Authorization", "")))
    signed_in = [request.user] if isinstance(request.user, Agent) and request.user.is_active else []
    return [*signed_in, *([token.agent] if token else [])]


def _sees(agent: Agent, row: Attachment) -> bool:
    if row.message is None:
        return row.uploader_id == agent.pk
    return agent.sight().covers(row.message.team_id)


def _headers(mime: str, name: str, etag: str, kept: str) -> dict[str, str]:
    return {
        "Content-Type": mime if MIME.fullmatch(mime) else "application/octet-stream",
        "Content-Disposition": content_disposition_header(mime not in filetypes.INLINE, name) or "attachment",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": kept,
        "Accept-Ranges": "bytes",
        "ETag": etag,
    }


def _bytes_of(request: HttpRequest, stored: FieldFile, etag: str) -> HttpResponseBase:
    try:
        file: IO[bytes] = stored.open("rb")
    except FileNotFoundError:
        raise Http404 from None
    size = stored.size
    asked = _range(request, size, etag)
    if asked is not None and asked[0] > asked[1]:
        file.close()
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    first, last = asked or (0, size - 1)
    headers = {"Content-Length": str(last - first + 1)}
    if asked:
        headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    status = 206 if asked else 200
    if request.method == "HEAD":
        file.close()
        return HttpResponse(status=status, headers=headers)
    file.seek(first)
    return FileResponse(Slice(file, last - first + 1), status=status, headers=headers)


def _range(request: HttpRequest, size: int, etag: str) -> tuple[int, int] | None:
    """(first, last) byte; first > last: cannot be had; None: the whole. Several ranges at once are the whole too."""
    found = ONE_RANGE.fullmatch(request.headers.get("Range", "").strip())
    if found is None or found.groups() == ("", "") or request.headers.get("If-Range", etag) != etag:
        return None
    start, end = found.groups()
    if not start:
        return (max(size - int(end), 0), size - 1) if int(end) else (1, 0)
    first, last = int(start), min(int(end) if end else size - 1, size - 1)
    if end and int(end) < first:
        return None
    return (first, last) if first < size else (1, 0)


class Slice:
    """A part of a file as a file, so that it is streamed like a whole one."""

    def __init__(self, file: IO[bytes], length: int) -> None:
        self.file = file
        self.left = length
        self.close = file.close

    def read(self, size: int = -1) -> bytes:
        wanted = self.left if size < 0 else min(size, self.left)
        found = self.file.read(wanted)
        self.left -= len(found)
        return found

    def __iter__(self) -> Any:
        return iter(lambda: self.read(64 * 1024), b"")
