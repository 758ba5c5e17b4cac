"""Small pictures of large ones, so that opening a ticket does not load every photograph whole.

Made by a worker, one at a time in a process, because a decoded picture is a hundred times its file. What
cannot be made smaller (a broken file, a bomb, a kind we do not know) is shown as it came.
"""

from __future__ import annotations

import threading
import warnings
from datetime import timedelta
from importlib import import_module
from io import BytesIO
from typing import IO, Any

import structlog
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone

from channels_app import jobs
from tickets.models import Attachment, Message, Ticket
from tickets.models.activity import SYSTEM, record

log = structlog.get_logger(__name__)

LARGE = 200 * 1024
EDGE = 640
FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/gif": "GIF", "image/webp": "WEBP"}
MIME = "image/webp"
# A JPEG is decoded at an eighth of its size, all else whole: four bytes for each of these.
MOST_PIXELS = {"JPEG": 60_000_000}
MOST_PIXELS_ELSE = 25_000_000
LEASE = timedelta(minutes=5)
_one_at_a_time = threading.Lock()


def shrunk(file: IO[bytes], mime: str, edge: int = EDGE) -> bytes | None:
    """A WebP of at most edge × edge, of an animation its first frame; None: it cannot be made."""
    kind = FORMATS.get(mime)
    if kind is None:
        return None
    with _one_at_a_time, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _shrunk(file, kind, edge)
        except Exception as error:  # noqa: BLE001 (a decoder may meet anything in a stranger's file)
            log.info("a picture could not be made smaller", mime=mime, error=str(error)[:200])
            return None


def _shrunk(file: IO[bytes], kind: str, edge: int) -> bytes | None:
    # By path: a process that shrinks nothing does not pay for the decoders.
    pil, operations = import_module("PIL.Image"), import_module("PIL.ImageOps")
    file.seek(0)
    image: Any = pil.open(file, formats=[kind])
    width, height = image.size
    if width * height > MOST_PIXELS.get(kind, MOST_PIXELS_ELSE):
        return None
    image.draft("RGB", (edge * 2, edge * 2))
    image = operations.exif_transpose(image)
    transparent = "transparency" in image.info or image.mode in ("RGBA", "LA", "PA")
    image = image.convert("RGBA" if transparent else "RGB")
    image.thumbnail((edge, edge))
    small = BytesIO()
    image.save(small, "WEBP", quality=80)
    return small.getvalue()


def wanted(row: Attachment) -> bool:
    return row.mime in FORMATS and (row.size or 0) > LARGE


def add(row: Attachment, file: IO[bytes]) -> None:
    """At once, by a worker that has the bytes in hand; the caller saves the row."""
    small = shrunk(file, row.mime) if wanted(row) else None
    if small is not None and len(small) < (row.size or 0):
        row.thumb.save("", ContentFile(small), save=False)


def sweep() -> None:
    """Make what is due (timetable)."""
    due = Attachment.objects.filter(thumb_due_at__lte=timezone.now()).order_by("thumb_due_at")
    for pk in due.values_list("pk", flat=True)[:20]:
        jobs.spread(make, pk)


def make(attachment_id: int) -> None:
    """Claim, make, finish: of what did not come by way of a worker (an upload, a part of a mail)."""
    now = timezone.now()
    if not Attachment.objects.filter(pk=attachment_id, thumb_due_at__lte=now).update(thumb_due_at=now + LEASE):
        return
    row = Attachment.objects.get(pk=attachment_id)
    if row.file:
        with row.file.open("rb") as file:
            add(row, file)
    _finish(row)


def _finish(row: Attachment) -> None:
    """Write it down and tell the browsers; a message deleted meanwhile takes the picture along."""
    with transaction.atomic():
        message = Message.objects.filter(pk=row.message_id or 0).first()
        ticket = Ticket.objects.locked().filter(pk=message.ticket_id).first() if message else None
        there = Attachment.objects.filter(pk=row.pk).update(thumb=row.thumb.name or "", thumb_due_at=None)
        if there and row.thumb and ticket is not None and message is not None:
            record(ticket, "message.changed", SYSTEM, message=message, changes={"what": "attachment", "state": "thumb"})
    if not there and row.thumb:
        row.thumb.storage.delete(str(row.thumb.name))
