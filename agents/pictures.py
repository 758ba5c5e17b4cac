"""An agent's picture: small, square, and at an address that nobody can guess and everybody may read.

Customers see it in the chat on a website, where no session of ours is. What was uploaded is never kept: it is
decoded with limits, cut to a square and written anew, so nothing that lay in the file goes out again.
"""

from __future__ import annotations

import threading
import uuid
import warnings
from contextlib import suppress
from functools import partial
from importlib import import_module
from io import BytesIO
from typing import IO, Any

import structlog
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.http import FileResponse, Http404, HttpRequest, HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_safe

from agents.models import PICTURES, Agent

log = structlog.get_logger(__name__)

EDGE = 96
MOST_BYTES = 5 * 1024 * 1024
FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
# A JPEG is decoded at a part of its size, all else whole: four bytes for each of these.
MOST_PIXELS = {"JPEG": 60_000_000}
MOST_PIXELS_ELSE = 16_000_000
FOR_EVER = "public, max-age=31536000, immutable"
_one_at_a_time = threading.Lock()


class Unusable(Exception):
    """No picture, a broken one, or one that would take too much memory."""


def small(file: IO[bytes]) -> bytes:
    """A square WebP of at most 96 × 96, some 8 KB at the most, of an animation its first frame. Raises Unusable."""
    with _one_at_a_time, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _small(file)
        except Unusable:
            raise
        except Exception as error:
            # A decoder may meet anything in somebody's file.
            log.info("an agent's picture could not be used", error=str(error)[:200])
            raise Unusable from error


def _small(file: IO[bytes]) -> bytes:
    # By path: a process that is shown no picture does not pay for the decoders.
    pil, operations = import_module("PIL.Image"), import_module("PIL.ImageOps")
    image: Any = pil.open(file, formats=FORMATS)
    width, height = image.size
    if width * height > MOST_PIXELS.get(image.format, MOST_PIXELS_ELSE):
        raise Unusable
    image.draft("RGB", (EDGE * 2, EDGE * 2))
    edge = min(EDGE, *image.size)
    with suppress(Exception):
        # Which side is up; what cannot be read of it leaves the picture as it lies.
        image = operations.exif_transpose(image)
    image = operations.fit(image.convert("RGBA"), (edge, edge))
    # On white: a face that shows through is hard to see on one of two grounds.
    plain = pil.new("RGB", image.size, "white")
    plain.paste(image, mask=image)
    made = BytesIO()
    plain.save(made, "WEBP", quality=80)
    return made.getvalue()


def keep(agent: Agent, picture: bytes) -> None:
    """In place of the one before, whose address is worth nothing from now on; b"" takes it away."""
    with transaction.atomic():
        row = Agent.objects.select_for_update().get(pk=agent.pk)
        if row.picture:
            transaction.on_commit(partial(default_storage.delete, str(row.picture.name)))
        row.picture = None
        if picture:
            row.picture.save("", ContentFile(picture), save=False)
        Agent.objects.filter(pk=row.pk).update(picture=row.picture.name or "")


def address_of(stored: str) -> str:
    """Where everybody may read it; "" where there is none (show the initials)."""
    return reverse("agent_picture", args=[stored.rpartition("/")[2]]) if stored else ""


@require_safe
def show(request: HttpRequest, name: uuid.UUID) -> HttpResponseBase:
    """To every website, without a session; each picture has an address of its own, so it is kept for ever."""
    stored = f"{PICTURES}/{name}"
    if not default_storage.exists(stored):
        raise Http404
    response = FileResponse(default_storage.open(stored, "rb"), content_type="image/webp")
    response["Cache-Control"] = FOR_EVER
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    open_to_websites(response)
    return response


def open_to_websites(response: HttpResponseBase) -> None:
    """What scripts on any website may read: by CORS, and in pages that isolate themselves."""
    response["Access-Control-Allow-Origin"] = "*"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    response["X-Content-Type-Options"] = "nosniff"
