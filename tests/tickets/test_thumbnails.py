"""Large pictures get a small one beside them; whatever cannot be made smaller is shown as it came."""

from __future__ import annotations

import os
import struct
import zlib
from io import BytesIO
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.test import Client
from django.utils import timezone
from PIL import Image

from agents.models import Agent
from tests.conftest import Customer
from tests.platforms.webhook import FakeWebhookPlatform
from tickets import media, pending, replies, shapes, thumbnails
from tickets.models import Activity, Attachment

pytestmark = pytest.mark.django_db


def photograph(kind: str = "PNG", size: tuple[int, int] = (900, 600), **more: Any) -> bytes:
    """Noise: no format can make it small."""
    image = Image.frombytes("RGB", size, os.urandom(size[0] * size[1] * 3))
    file = BytesIO()
    image.save(file, kind, **more)
    return file.getvalue()


def animation(kind: str) -> bytes:
    frames = [Image.frombytes("RGB", (400, 400), os.urandom(480_000)) for _ in range(2)]
    frames[0] = Image.new("RGB", (400, 400), "red")
    file = BytesIO()
    frames[0].save(
        file, kind, save_all=True, append_images=frames[1:], **({"lossless": True} if kind == "WEBP" else {})
    )
    return file.getvalue()


def bomb(edge: int = 60_000) -> bytes:
    """A PNG of billions of pixels in a few bytes, and enough behind it to count as large."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", edge, edge, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", os.urandom(thumbnails.LARGE)) + chunk(b"IEND", b"")
    )


def received(dora: Customer, shop: FakeWebhookPlatform, body: bytes, name: str = "p.png") -> Attachment:
    url = shop.add_file(name, body, "image/png")
    message = dora.writes("lihat", attachments=[{"url": url, "filename": name, "mime": "image/png"}])
    media.sweep()
    return Attachment.objects.get(message=message)


def small(row: Attachment) -> Image.Image:
    with row.thumb.open("rb") as file:
        image = Image.open(BytesIO(file.read()))
        image.load()
        return image


# ── Made ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_fetched_picture_gets_a_small_one(dora: Customer, shop: FakeWebhookPlatform, kind: str) -> None:
    row = received(dora, shop, photograph(kind, **({"lossless": True} if kind == "WEBP" else {"quality": 95})))
    assert row.state == "stored"
    image = small(row)
    assert (image.format, image.size) == ("WEBP", (640, 427))
    assert (row.thumb.size or 0) < (row.size or 0)
    assert media.thumb_path_of(row) == media.path_of(row) + "?thumb"
    assert Activity.objects.filter(message=row.message, type="message.changed").count() == 1, "one line for both"


@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
def test_an_animation_keeps_its_first_frame(kind: str) -> None:
    made = thumbnails.shrunk(BytesIO(animation(kind)), f"image/{kind.lower()}")
    assert made
    image = Image.open(BytesIO(made))
    assert getattr(image, "n_frames", 1) == 1
    red, green, blue = image.convert("RGB").getpixel((200, 200))  # type: ignore[misc]
    assert red > 200
    assert max(green, blue) < 60


def test_it_stands_as_the_camera_was_held() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    made = thumbnails.shrunk(BytesIO(photograph("JPEG", (900, 600), exif=exif)), "image/jpeg")
    assert made
    assert Image.open(BytesIO(made)).size == (427, 640)


def test_a_small_picture_needs_none(dora: Customer, shop: FakeWebhookPlatform) -> None:
    row = received(dora, shop, photograph(size=(60, 60)))
    assert (row.state, row.thumb.name, media.thumb_path_of(row)) == ("stored", "", media.path_of(row))


@pytest.mark.parametrize(
    "body",
    [bomb(), photograph()[: thumbnails.LARGE + 5000], b"\x89PNG\r\n\x1a\n" + os.urandom(thumbnails.LARGE)],
    ids=["bomb", "truncated", "noise"],
)
def test_what_cannot_be_made_smaller_is_shown_as_it_came(
    dora: Customer, shop: FakeWebhookPlatform, body: bytes
) -> None:
    row = received(dora, shop, body)
    assert (row.state, row.thumb.name, row.mime) == ("stored", "", "image/png")
    assert shapes.attachment(row)["thumb_url"] is None


def test_an_upload_gets_one_from_the_sweep(bea: Agent) -> None:
    row = media.upload(bea, ContentFile(photograph()), "foto.png", "image/png")
    assert row.thumb_due_at is not None
    thumbnails.sweep()
    row.refresh_from_db()
    assert small(row).size == (640, 427)
    assert row.thumb_due_at is None
    thumbnails.make(row.pk)
    assert Attachment.objects.get().thumb.name == row.thumb.name, "once"


def test_a_claim_that_ran_out_is_taken_up(bea: Agent) -> None:
    row = media.upload(bea, ContentFile(photograph()), "foto.png", "image/png")
    Attachment.objects.update(thumb_due_at=timezone.now() + thumbnails.LEASE)
    thumbnails.make(row.pk)
    assert Attachment.objects.get().thumb.name == "", "another has it"
    Attachment.objects.update(thumb_due_at=timezone.now())
    thumbnails.sweep()
    assert Attachment.objects.get().thumb.name


# ── Served ───────────────────────────────────────────────────────────────────────────────────


def test_served_with_the_same_sight_and_headers(
    dora: Customer, shop: FakeWebhookPlatform, bea: Agent, carl: Agent, client: Client
) -> None:
    row = received(dora, shop, photograph())
    where = media.thumb_path_of(row)
    assert client.get(where).status_code == 404
    client.force_login(carl)
    assert client.get(where).status_code == 404
    client.force_login(bea)
    response: Any = client.get(where)
    assert (response.status_code, response["Content-Type"]) == (200, "image/webp")
    assert (response["X-Content-Type-Options"], response["Cache-Control"]) == ("nosniff", "private")
    assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert len(b"".join(response.streaming_content)) == row.thumb.size
    whole: Any = client.get(media.path_of(row))
    assert (whole["Content-Type"], whole["Content-Length"]) == ("image/png", str(row.size))
    assert whole["ETag"] != response["ETag"]


# ── Gone ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.django_db(transaction=True)
def test_it_goes_with_its_message(dora: Customer, shop: FakeWebhookPlatform) -> None:
    row = received(dora, shop, photograph())
    assert default_storage.exists(str(row.thumb.name))
    assert row.message
    with transaction.atomic():
        pending.delete(dora.channel, str(row.message.external_id))
    assert not default_storage.exists(str(row.thumb.name))
    assert not default_storage.exists(str(row.file.name))


def test_an_upload_never_sent_takes_it_along(bea: Agent) -> None:
    row = media.upload(bea, ContentFile(photograph()), "foto.png", "image/png")
    thumbnails.sweep()
    Attachment.objects.update(created_at=timezone.now() - 2 * replies.KEYS_KEPT)
    row.refresh_from_db()
    replies.purge_keys()
    assert not default_storage.exists(str(row.thumb.name))
