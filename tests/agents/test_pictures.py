"""An agent's picture: made small whatever was given, and open to every website at an address nobody can guess."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from agents import pictures
from agents.models import Agent

PAGE = "/settings/profile/"


@pytest.fixture
def as_bea(bea: Agent) -> Client:
    client = Client()
    client.force_login(bea)
    return client


def drawn(kind: str, size: tuple[int, int], mode: str = "RGB") -> bytes:
    image, made = Image.effect_noise(size, 90).convert(mode), BytesIO()
    image.save(made, kind, exif=b"Exif\0\0where she lives", comment=b"where she lives")
    return made.getvalue()


def bomb() -> bytes:
    """A PNG of few bytes that says that it is 60,000 × 60,000."""
    head = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))


def gives(client: Client, body: bytes, name: str = "saya.png") -> Any:
    return client.post(PAGE, {"name": "Bea", "picture": SimpleUploadedFile(name, body, "image/png")})


@pytest.mark.parametrize(
    ("kind", "size", "mode", "edge"),
    [
        ("PNG", (300, 200), "RGBA", 96),
        ("JPEG", (500, 900), "RGB", 96),
        ("WEBP", (97, 400), "RGB", 96),
        ("GIF", (40, 60), "P", 40),
    ],
)
def test_a_picture_is_cut_to_a_small_square(kind: str, size: tuple[int, int], mode: str, edge: int) -> None:
    small = pictures.small(BytesIO(drawn(kind, size, mode)))
    assert len(small) <= 8 * 1024
    assert b"where she lives" not in small
    with Image.open(BytesIO(small)) as image:
        assert (image.format, image.size, image.mode) == ("WEBP", (edge, edge), "RGB")


@pytest.mark.django_db
def test_it_stands_on_the_desk_and_is_open_to_every_website(as_bea: Client, bea: Agent) -> None:
    assert gives(as_bea, drawn("JPEG", (300, 200))).status_code == 302
    bea.refresh_from_db()
    address = pictures.address_of(str(bea.picture.name))
    assert as_bea.get(PAGE).content.decode().count(f'src="{address}"') == 1
    assert f'src="{address}"' in as_bea.get("/").content.decode()
    # Another form of the page leaves it as it is.
    as_bea.post(PAGE, {"name": "Bea T."})
    answer = Client().get(address)
    assert answer.getvalue()[8:12] == b"WEBP"
    assert answer.headers["Content-Type"] == "image/webp"
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in answer.headers


@pytest.mark.django_db(transaction=True)
def test_another_one_and_none_leave_nothing_behind(as_bea: Client, bea: Agent) -> None:
    addresses = []
    for size in ((10, 10), (20, 20)):
        gives(as_bea, drawn("PNG", size))
        bea.refresh_from_db()
        addresses.append(pictures.address_of(str(bea.picture.name)))
    assert [Client().get(address).status_code for address in addresses] == [404, 200]
    assert "Remove the picture" in as_bea.get(PAGE).content.decode()
    as_bea.post(PAGE, {"name": "Bea", "no_picture": "on"})
    bea.refresh_from_db()
    assert not bea.picture
    assert Client().get(addresses[1]).status_code == 404
    assert "Remove the picture" not in as_bea.get(PAGE).content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "body",
    [
        b"<script>alert(1)</script>",
        b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        b"\x89PNG\r\n\x1a\n",
        bomb(),
        b"\xff\xd8\xff" + b"x" * pictures.MOST_BYTES,
    ],
    ids=["script", "svg", "cut off", "bomb", "too large"],
)
def test_what_is_no_picture_is_refused_and_the_one_before_stays(as_bea: Client, bea: Agent, body: bytes) -> None:
    pictures.keep(bea, pictures.small(BytesIO(drawn("PNG", (10, 10)))))
    bea.refresh_from_db()
    answer = gives(as_bea, body)
    assert answer.status_code == 422
    assert "This picture cannot be used. Choose another one." in answer.content.decode()
    before = bea.picture.name
    bea.refresh_from_db()
    assert bea.picture.name == before
    assert default_storage.exists(str(before))
