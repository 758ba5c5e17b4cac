"""Files: kept or fetched, their type found out, served only to who may see the ticket."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from html import unescape
from itertools import islice
from typing import IO, Any

import filetype
import structlog
from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.signing import BadSignature, TimestampSigner
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from channels_app import http, jobs
from channels_app.contract import (
    ContactCard,
    InboundAttachment,
    Location,
    MediaGone,
    MediaNotReady,
    OutboundAttachment,
    Remote,
    clean_text,
)
from channels_app.filetypes import INLINE, sniff
from channels_app.outbound import http_for
from tickets import thumbnails
from tickets.models import Attachment, Message, Ticket
from tickets.models.activity import SYSTEM, record

log = structlog.get_logger(__name__)

BACKOFF = (1, 5, 20, 60, 300, 900, 3600)
MAX_NOT_READY = 30
LEASE = timedelta(seconds=150)
LINK_LIVES = 3600
NO_FILE = ("location", "contact")
# Something on the platform: its title and where to open it; a picture or a film of it where there is one.
CARDS = ("share", "story", "product", "template")
# No person sends more with one message; a sender that names a million is kept from filling the disk.
MAX_FILES = 500
_PLACED = re.compile(r' data-cid="([^"]*)"')
"""A picture that has its place in the message's own HTML (``mailframe``)."""
LONGEST_LINK = 4000
S = Attachment.State


def keep(message: Message, attachments: Iterable[InboundAttachment]) -> None:
    """The rows of a new message's files; what has to be fetched is fetched by a worker."""
    rows = [_row(message, position, item) for position, item in enumerate(islice(attachments, MAX_FILES))]
    if not rows:
        return
    placed = {unescape(one).strip("<>") for one in _PLACED.findall(message.html or "")}
    for row in rows:
        if row.content_id and row.content_id.strip("<>") in placed:
            row.details["in_place"] = True
    Attachment.objects.bulk_create(rows)
    for row in rows:
        if row.next_attempt_at:
            jobs.enqueue("tickets.media.fetch", row.pk)
        elif row.thumb_due_at:
            jobs.enqueue("tickets.thumbnails.make", row.pk)


def _row(message: Message, position: int, item: InboundAttachment) -> Attachment:
    row = Attachment(
        message=message,
        position=position,
        kind=item.kind,
        filename=safe_name(item.filename),
        mime=clean_text(item.mime)[:127],
        size=item.size,
        caption=clean_text(item.caption),
        content_id=clean_text(item.content_id)[:255],
        details={
            name: value
            for name, value in (
                ("width", item.width),
                ("height", item.height),
                ("duration", item.duration),
                ("inline", item.inline),
                ("link", clean_text(item.link)[:LONGEST_LINK]),
            )
            if value
        },
    )
    if item.location:
        place = item.location
        words = {"name": clean_text(place.name), "address": clean_text(place.address)}
        row.location = {"lat": place.lat, "lon": place.lon, **words}
    if item.contact:
        card = item.contact
        row.contact = {
            "name": clean_text(card.name),
            "phones": [clean_text(phone) for phone in card.phones],
            "emails": [clean_text(email) for email in card.emails],
        }
    if item.data is not None:
        _store(row, ContentFile(item.data))
        row.thumb_due_at = timezone.now() if thumbnails.wanted(row) else None
    elif item.remote and (item.remote.url or item.remote.id):
        row.state = S.PENDING
        row.remote = _remote_json(item.remote)
        row.next_attempt_at = timezone.now()
    else:
        row.state = S.STORED if item.kind in (*NO_FILE, *CARDS) else S.FAILED
    return row


def _remote_json(remote: Remote) -> dict[str, Any]:
    return {
        "url": clean_text(remote.url),
        "id": clean_text(remote.id),
        "credentials": remote.credentials,
        "expires_at": remote.expires_at.isoformat() if remote.expires_at else None,
    }


def link_of(row: Attachment) -> str:
    """Where a person can open it; "" where there is nothing to open. Only http and https."""
    found = str(row.details.get("link") or "")
    return found if found.startswith(("https://", "http://")) else ""


def safe_name(name: str) -> str:
    """The last part of the path, without what a file system or a header could trip over."""
    name = clean_text(name).replace("\\", "/").rpartition("/")[2]
    name = "".join(c for c in name if c.isprintable() and c not in '<>:"|?*').strip(". ")
    stem, dot, suffix = name.rpartition(".")
    if len(name) > 200:
        name = f"{stem[:180]}{dot}{suffix[:15]}" if stem else name[:200]
    return name


def _store(row: Attachment, file: File[bytes]) -> None:
    """Write the bytes and note type and size; the caller saves the row."""
    head = file.read(4096)
    file.seek(0)
    row.mime = sniff(head, row.mime)
    row.file.save("", file, save=False)
    row.size = row.file.size
    row.state = S.STORED
    # What it is shown as follows what it is, not what it was called.
    sniffed = row.mime.partition("/")[0]
    if row.kind == "file" and row.mime in INLINE:
        row.kind = sniffed
    elif row.kind in ("image", "video", "audio") and row.kind != sniffed:
        row.kind = "file"
    if not row.filename:
        extension = filetype.guess(head)
        row.filename = f"{row.kind}.{extension.extension}" if extension else row.kind


def upload(agent: Any, file: File[bytes], name: str, declared: str) -> Attachment:
    """An agent's file: theirs alone until it is sent."""
    row = Attachment(uploader=agent, kind="file", filename=safe_name(name), mime=declared[:127])
    _store(row, file)
    row.thumb_due_at = timezone.now() if thumbnails.wanted(row) else None
    row.save()
    if row.thumb_due_at:
        jobs.enqueue("tickets.thumbnails.make", row.pk)
    return row


def as_json(items: Iterable[InboundAttachment]) -> list[dict[str, Any]]:
    """What an edit brings, so that it can wait for its message. Only what is fetched later can."""
    return [{name: value for name, value in asdict(item).items() if name != "data"} for item in items]


def _from_json(item: dict[str, Any]) -> InboundAttachment:
    remote, place, card = item["remote"], item["location"], item["contact"]
    return InboundAttachment(
        **{
            **item,
            "remote": Remote(**{**remote, "expires_at": None}) if remote else None,
            "location": Location(**place) if place else None,
            "contact": ContactCard(**card) if card else None,
        }
    )


def replace(message: Message, items: Iterable[dict[str, Any]]) -> None:
    """An edit's files in place of those there were."""
    remove(message)
    keep(message, map(_from_json, items))


def for_platform(row: Attachment) -> OutboundAttachment:
    def read() -> bytes:
        with row.file.open("rb") as file:
            return bytes(file.read())

    return OutboundAttachment(
        kind=row.kind,  # type: ignore[arg-type]
        mime=row.mime,
        filename=row.filename,
        size=row.size or 0,
        url=signed_url(row),
        open=read,
        caption=row.caption,
    )


def remove(message: Message) -> None:
    for row in message.attachments.all():
        for file in (row.file, row.thumb):
            if file:
                transaction.on_commit(partial(file.storage.delete, str(file.name)))
        row.delete()


# ── Fetching ─────────────────────────────────────────────────────────────────────────────────


def sweep() -> None:
    """Fetch what is due (timetable)."""
    due = Attachment.objects.filter(next_attempt_at__lte=timezone.now()).order_by("next_attempt_at")
    for pk in due.values_list("pk", flat=True)[:20]:
        jobs.spread(fetch, pk)


def fetch(attachment_id: int) -> None:
    """Claim, fetch, finish. A worker that dies on the way leaves a claim that runs out."""
    now = timezone.now()
    claimed = Attachment.objects.filter(pk=attachment_id, next_attempt_at__lte=now).update(next_attempt_at=now + LEASE)
    if not claimed:
        return
    row = Attachment.objects.select_related("message__channel").get(pk=attachment_id)
    assert row.message is not None
    row.attempts += 1
    if not row.remote or not (row.remote.get("url") or row.remote.get("id")):
        _finish(row, S.FAILED)
        return
    with tempfile.TemporaryFile() as file:
        try:
            declared = _download(row, file)
            file.seek(0)
            row.mime = row.mime if row.mime and row.mime != "application/octet-stream" else declared
            if row.kind not in CARDS or _is_shown(sniff(file.read(4096), declared)):
                file.seek(0)
                _store(row, File(file, name=""))
                thumbnails.add(row, file)
            else:
                row.mime = row.filename = ""  # a page about it, and no picture of it: the card has its address
        except (MediaGone, http.Blocked, http.TooLarge) as error:
            _finish(row, _state(error))
        except Exception as error:  # noqa: BLE001 (a platform's answer or a disk may do anything; tried again, then failed)
            _again(row, error)
        else:
            _finish(row, S.STORED)


def _is_shown(mime: str) -> bool:
    return mime in INLINE and not mime.startswith("audio/")


def _state(error: Exception) -> str:
    return {MediaGone: S.EXPIRED, http.Blocked: S.BLOCKED, http.TooLarge: S.TOO_LARGE}[type(error)]


def _download(row: Attachment, file: IO[bytes]) -> str:
    """Stream into the file; gives the answer's content type. Raises what the states are made of."""
    assert row.message is not None
    channel = row.message.channel
    account = channel.account()
    given = row.remote or {}
    remote = Remote(url=given.get("url", ""), id=given.get("id", ""), credentials=given.get("credentials", False))
    chunks: Iterator[bytes] = channel.adapter.fetch_media(account, remote, http_for(account, channel.adapter.fields))
    size = 0
    try:
        for chunk in chunks:
            size += len(chunk)
            if size > settings.MAX_ATTACHMENT_BYTES:
                raise http.TooLarge("over the limit")
            file.write(chunk)
    finally:
        getattr(chunks, "close", lambda: None)()
    row.filename = row.filename or safe_name(getattr(chunks, "filename", "") or "")
    return str(getattr(chunks, "content_type", "") or "")


def _again(row: Attachment, error: Exception) -> None:
    log.info("a file could not be fetched", attachment=row.pk, attempt=row.attempts, error=str(error)[:300])
    # A platform that is still preparing gets more patience, but a file that is never ready is not polled for ever.
    if row.attempts >= (MAX_NOT_READY if isinstance(error, MediaNotReady) else len(BACKOFF)):
        _finish(row, S.FAILED)
        return
    wait = timedelta(seconds=BACKOFF[min(row.attempts, len(BACKOFF)) - 1])
    Attachment.objects.filter(pk=row.pk).update(attempts=row.attempts, next_attempt_at=timezone.now() + wait)


def _finish(row: Attachment, state: str) -> None:
    """Write what became of it and tell the browsers; a message deleted meanwhile takes the file along."""
    with transaction.atomic():
        message = Message.objects.filter(pk=row.message_id or 0).first()
        ticket = Ticket.objects.locked().filter(pk=message.ticket_id).first() if message else None
        row.state, row.next_attempt_at = state, None
        there = Attachment.objects.filter(pk=row.pk).update(
            state=state, next_attempt_at=None, attempts=row.attempts, mime=row.mime, size=row.size,
            file=row.file.name or "", filename=row.filename, kind=row.kind, thumb=row.thumb.name or "",
        )  # fmt: skip
        if there and ticket is not None and message is not None:
            record(ticket, "message.changed", SYSTEM, message=message, changes={"what": "attachment", "state": state})
    if not there:
        for file in (row.file, row.thumb):
            if file:
                file.storage.delete(str(file.name))


# ── Addresses of files ───────────────────────────────────────────────────────────────────────

_signer = TimestampSigner(salt="attachment link")


def path_of(row: Attachment) -> str:
    """For who is signed in and may see the ticket."""
    return reverse("attachment", args=[row.pk, row.filename or row.kind])


def thumb_path_of(row: Attachment) -> str:
    """The small picture, where there is one; else the file itself."""
    return path_of(row) + ("?thumb" if row.thumb else "")


def signed_url(row: Attachment) -> str:
    """For a platform that fetches it: public, an hour long, made anew at each attempt."""
    token = _signer.sign(str(row.pk)).partition(":")[2]
    return f"{settings.PUBLIC_URL}{path_of(row)}?link={token}"


def link_opens(attachment_id: int, token: str) -> bool:
    try:
        _signer.unsign(f"{attachment_id}:{token}", max_age=LINK_LIVES)
    except BadSignature:
        return False
    return True
