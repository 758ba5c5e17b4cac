"""Uploads, and the door to a file's bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from agents.models import Agent
from tests.api.asserts import problem, said
from tests.conftest import Api
from tickets import media
from tickets.models import Attachment, Ticket

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)) * 4


@pytest.fixture
def as_bea(bea: Agent) -> Api:
    return Api(bea)


def upload(api: Api, data: bytes = PNG, name: str = "struk.png", kind: str = "image/png") -> Any:
    file = SimpleUploadedFile(name, data, kind)
    return api.client.post("/api/v1/attachments/", {"file": file}, headers=api.headers)


# ── Uploading ────────────────────────────────────────────────────────────────────────────────


def test_upload(as_bea: Api, bea: Agent) -> None:
    row = said(upload(as_bea), 201)
    assert (row["kind"], row["filename"], row["mime"], row["size"]) == ("image", "struk.png", "image/png", len(PNG))
    assert Attachment.objects.get(pk=row["id"]).uploader == bea


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\\\temp\\\\a.png", "a.png"),
        ("<script>.png", "script.png"),
        ("ใบเสร็จ.png", "ใบเสร็จ.png"),
    ],
)
def test_names_keep_their_last_part(as_bea: Api, given: str, kept: str) -> None:
    assert said(upload(as_bea, name=given), 201)["filename"] == kept


def test_too_large(as_bea: Api, settings: Any) -> None:
    settings.MAX_ATTACHMENT_BYTES = 1000
    problem(upload(as_bea), 413)
    said(upload(as_bea, PNG[:1000]), 201)
    settings.MAX_ATTACHMENT_BYTES = 0
    problem(upload(as_bea, b"x" * 1_100_000), 413)
    assert Attachment.objects.count() == 1


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("multipart/form-data; boundary=b", b"", 400),
        ("multipart/form-data; boundary=b", b"--b\r\ngarbage", 400),
        ("multipart/form-data; boundary=b", b"not a form at all", 400),
        ("multipart/form-data", b"--b--", 400),
        ("multipart/form-data; boundary=" + "b" * 300, b"x", 415),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\ntext\r\n--b--\r\n',
            400,
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="x"; filename="a"\r\n\r\ntext\r\n--b--\r\n',
            400,
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n\r\n--b--\r\n',
            400,
        ),
        ("application/json", b"{}", 415),
        ("text/plain", b"x", 415),
    ],
)
def test_broken_forms(as_bea: Api, kind: str, body: bytes, status: int) -> None:
    response = as_bea.client.post("/api/v1/attachments/", body, content_type=kind, headers=as_bea.headers)
    problem(response, status)


def test_a_declared_type_is_not_believed(as_bea: Api) -> None:
    assert (
        said(upload(as_bea, b"<script>alert(1)</script>", "a.png", "image/png"), 201)["mime"]
        == "application/octet-stream"
    )
    odd = said(upload(as_bea, b"hello", "a", "text/x\x00y"), 201)
    assert "\x00" not in odd["mime"]


def test_an_upload_is_its_uploaders_alone(as_bea: Api, bea: Agent, ana: Agent) -> None:
    url = path_of(said(upload(as_bea), 201))
    assert as_bea.client.get(url, headers=as_bea.headers).status_code == 200
    other = Api(ana)
    assert other.client.get(url, headers=other.headers).status_code == 404
    assert Client().get(url).status_code == 404


def path_of(row: Any) -> str:
    url = str(row["url"])
    return "/attachments/" + url.partition("/attachments/")[2]


# ── The bytes ────────────────────────────────────────────────────────────────────────────────

Keep = Callable[..., Attachment]


@pytest.fixture
def keep(ticket: Ticket, bea: Agent) -> Keep:
    """A file on Dora's message."""

    def make(data: bytes = PNG, name: str = "struk.png", declared: str = "") -> Attachment:
        row = media.upload(bea, ContentFile(data), name, declared)
        Attachment.objects.filter(pk=row.pk).update(message=ticket.messages.first(), uploader=None)
        row.refresh_from_db()
        return row

    return make


def fetch(agent: Agent, row: Attachment, **headers: str) -> Any:
    client = Client()
    client.force_login(agent)
    return client.get(media.path_of(row), headers={name.replace("_", "-"): value for name, value in headers.items()})


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


def test_by_cookie_and_by_token(keep: Keep, bea: Agent, carl: Agent, ana: Agent) -> None:
    row = keep()
    assert body(fetch(bea, row)) == body(fetch(ana, row)) == PNG
    assert fetch(carl, row).status_code == 404
    for agent, status in ((bea, 200), (carl, 404)):
        api = Api(agent)
        assert api.client.get(media.path_of(row), headers=api.headers).status_code == status
    assert Client().get(media.path_of(row)).status_code == 404
    bad = {"authorization": "Bearer nonsense"}
    assert Client().get(media.path_of(row), headers=bad).status_code == 404


def test_a_move_of_the_ticket_moves_the_sight(keep: Keep, bea: Agent, carl: Agent, south: Any, ticket: Ticket) -> None:
    from tickets import lifecycle
    from tickets.models import Actor

    row = keep()
    lifecycle.change(ticket.pk, Actor.of(bea), team=south)
    assert fetch(bea, row).status_code == 404
    assert fetch(carl, row).status_code == 200


def test_a_signed_link(keep: Keep, monkeypatch: pytest.MonkeyPatch) -> None:
    row, other = keep(), keep()
    path = "/attachments/" + media.signed_url(row).partition("/attachments/")[2]
    assert body(Client().get(path)) == PNG
    assert Client().get(path.replace(f"/{row.pk}/", f"/{other.pk}/")).status_code == 404
    assert Client().get(path + "x").status_code == 404
    monkeypatch.setattr(media, "LINK_LIVES", -1)
    assert Client().get(path).status_code == 404


@pytest.mark.parametrize(
    ("data", "name", "declared", "inline"),
    [
        (PNG, "a.png", "", True),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF" + b"0" * 300, "a.jpg", "", True),
        (b"GIF89a" + b"0" * 300, "a.gif", "", True),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 " + b"0" * 300, "a.webp", "", True),
        (b"\x00\x00\x00\x18ftypmp42" + b"0" * 300, "a.mp4", "", True),
        (b"\x1aE\xdf\xa3" + b"0" * 27 + b"webm" + b"0" * 300, "a.webm", "", None),
        (b"ID3\x04" + b"0" * 300, "a.mp3", "", True),
        (b"OggS" + b"0" * 300, "a.ogg", "", True),
        (b"\x00\x00\x00\x18ftypM4A " + b"0" * 300, "a.m4a", "", True),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "a.svg", "image/svg+xml", False),
        (b"<html><script>alert(1)</script>", "a.html", "text/html", False),
        (b"%PDF-1.7" + b"0" * 300, "a.pdf", "application/pdf", False),
        (b"<html>", "a.png", "image/png", False),
        (b"MZ" + b"0" * 300, "a.exe", "", False),
        (b"hello", "a.txt", "text/plain", False),
    ],
)
def test_only_harmless_types_are_shown_in_place(
    keep: Keep, bea: Agent, data: bytes, name: str, declared: str, inline: bool | None
) -> None:
    response = fetch(bea, keep(data, name, declared))
    if inline is not None:
        assert response["Content-Disposition"].startswith("inline" if inline else "attachment")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert response["Cache-Control"] == "private"
    assert int(response["Content-Length"]) == len(data) == len(body(response))


def test_names_in_headers(keep: Keep, bea: Agent) -> None:
    row = keep(b"%PDF-1.7 x", "ใบเสร็จ.pdf")
    assert "filename*=utf-8''%E0%B9%83" in fetch(bea, row)["Content-Disposition"]
    for mime in ("text/html\r\nx: y", "é/x", "", "x" * 127):
        Attachment.objects.filter(pk=row.pk).update(mime=mime)
        assert fetch(bea, row)["Content-Type"] == "application/octet-stream"


@pytest.mark.parametrize(
    ("asked", "status", "first", "last"),
    [
        ("bytes=0-9", 206, 0, 9),
        ("bytes=1000-", 206, 1000, len(PNG) - 1),
        ("bytes=-5", 206, len(PNG) - 5, len(PNG) - 1),
        ("bytes=0-999999", 206, 0, len(PNG) - 1),
        ("bytes=-999999", 206, 0, len(PNG) - 1),
        ("bytes=9-3", 200, 0, len(PNG) - 1),
        ("bytes=0-1,4-5", 200, 0, len(PNG) - 1),
        ("lines=1-2", 200, 0, len(PNG) - 1),
        ("bytes=-", 200, 0, len(PNG) - 1),
        ("bytes=٣-", 200, 0, len(PNG) - 1),
    ],
)
def test_ranges(keep: Keep, bea: Agent, asked: str, status: int, first: int, last: int) -> None:
    response = fetch(bea, keep(), range=asked)
    assert response.status_code == status
    assert body(response) == PNG[first : last + 1]
    assert int(response["Content-Length"]) == last - first + 1
    assert response["Accept-Ranges"] == "bytes"
    if status == 206:
        assert response["Content-Range"] == f"bytes {first}-{last}/{len(PNG)}"


@pytest.mark.parametrize("asked", ["bytes=999999-", "bytes=-0", f"bytes={'9' * 18}-"])
def test_ranges_that_cannot_be_had(keep: Keep, bea: Agent, asked: str) -> None:
    response = fetch(bea, keep(), range=asked)
    assert response.status_code == 416
    assert response["Content-Range"] == f"bytes */{len(PNG)}"


def test_a_range_of_an_older_file_is_the_whole(keep: Keep, bea: Agent) -> None:
    row = keep()
    etag = fetch(bea, row)["ETag"]
    assert fetch(bea, row, range="bytes=0-1", if_range=etag).status_code == 206
    assert fetch(bea, row, range="bytes=0-1", if_range='"other"').status_code == 200
    assert fetch(bea, row, if_none_match=etag).status_code == 304


def test_head_and_other_methods(keep: Keep, bea: Agent) -> None:
    client, row = Client(), keep()
    client.force_login(bea)
    head = client.head(media.path_of(row))
    assert (head.status_code, head["Content-Length"], body(head)) == (200, str(len(PNG)), b"")
    assert client.post(media.path_of(row)).status_code == 405


def test_what_has_no_bytes(keep: Keep, bea: Agent) -> None:
    row = keep()
    row.file.storage.delete(row.file.name)
    assert fetch(bea, row).status_code == 404
    Attachment.objects.filter(pk=row.pk).update(state="pending", file="")
    assert fetch(bea, row).status_code == 404
    client = Client()
    client.force_login(bea)
    for number in ("0", "9" * 30, "9" * 5000):
        assert client.get(f"/attachments/{number}/x").status_code == 404
