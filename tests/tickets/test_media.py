"""Files: fetched by a worker, sniffed, limited, gone with their message."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.files.base import ContentFile
from django.utils import timezone

from agents.models import Agent
from channels_app import filetypes
from tests.conftest import Customer
from tests.platforms import FakePlatform
from tests.platforms.webhook import FakeWebhookPlatform
from tickets import media
from tickets.models import Activity, Attachment

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100
Work = Callable[[], None]


def due() -> None:
    Attachment.objects.exclude(next_attempt_at=None).update(next_attempt_at=timezone.now())


def stored_files() -> list[Path]:
    root = Path(django_settings.MEDIA_ROOT)
    return [path for path in root.rglob("*") if path.is_file()]


def sent(dora: Customer, url: str, **more: Any) -> Attachment:
    return dora.writes(attachments=[{"url": url, **more}]).attachments.get()


def test_a_file_is_fetched_and_the_browsers_hear_of_it(dora: Customer, shop: FakeWebhookPlatform, work: Work) -> None:
    row = sent(dora, shop.add_file("foto.png", PNG, "image/png"), filename="foto.png", mime="image/png")
    assert row.state == "pending"
    work()
    row.refresh_from_db()
    assert (row.state, row.mime, row.size, row.kind, row.filename) == ("stored", "image/png", 108, "image", "foto.png")
    assert row.file.read() == PNG
    line = Activity.objects.latest("seq")
    assert (line.type, line.changes) == ("message.changed", {"what": "attachment", "state": "stored"})


@pytest.mark.parametrize(
    ("name", "declared", "body", "mime", "kind"),
    [
        ("virus.exe", "application/x-msdownload", PNG, "image/png", "image"),
        ("a.png", "image/png", b"<html><script>alert(1)</script>", "application/octet-stream", "file"),
        ("a.svg", "image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml", None),
        ("a.html", "text/html", b"<html>", "text/html", "file"),
        ("a.pdf", "application/pdf", b"%PDF-1.4 ", "application/pdf", "file"),
        ("", "", b"plain", None, None),
    ],
)
def test_the_type_is_what_it_is_not_what_it_is_called(
    dora: Customer, shop: FakeWebhookPlatform, work: Work, name: str, declared: str, body: bytes, mime: str, kind: str
) -> None:
    row = sent(dora, shop.add_file("x", body, declared or "text/plain"), filename=name, mime=declared)
    work()
    row.refresh_from_db()
    assert row.state == "stored"
    assert (row.mime in filetypes.INLINE) == (mime == "image/png")
    assert mime is None or row.mime == mime
    assert kind is None or row.kind == kind


@pytest.mark.parametrize(
    "url", ["http://10.0.0.8/a", "http://169.254.169.254/latest", "http://[::1]:9/a", "http://127.1:9/a"]
)
def test_a_private_address_is_blocked(dora: Customer, work: Work, url: str) -> None:
    row = sent(dora, url)
    work()
    row.refresh_from_db()
    assert (row.state, row.next_attempt_at) == ("blocked", None)


def test_a_redirect_to_a_private_address_is_blocked(dora: Customer, shop: FakeWebhookPlatform, work: Work) -> None:
    with FakePlatform() as inside:
        shop.will(redirect=f"{inside.url}/secret")
        row = sent(dora, f"{shop.url}/a")
        work()
        row.refresh_from_db()
        assert (row.state, inside.requests) == ("blocked", [])


def test_two_gigabytes_are_not_fetched(dora: Customer, shop: FakeWebhookPlatform, work: Work) -> None:
    shop.will(body=b"x", headers={"Content-Length": str(2 * 1024**3)})
    announced = sent(dora, f"{shop.url}/a")
    work()
    shop.will(endless=True)
    endless = sent(dora, f"{shop.url}/b")
    work()
    for row in (announced, endless):
        row.refresh_from_db()
        assert row.state == "too_large"
    assert stored_files() == []


def test_what_is_gone_is_expired_and_what_fails_is_tried_again(
    dora: Customer, shop: FakeWebhookPlatform, work: Work
) -> None:
    shop.will(404).will(503)
    gone, later = sent(dora, f"{shop.url}/a"), sent(dora, shop.add_file("b", PNG, "image/png"))
    work()
    gone.refresh_from_db()
    later.refresh_from_db()
    assert (gone.state, later.state, later.attempts) == ("expired", "pending", 1)
    due()
    work()
    later.refresh_from_db()
    assert later.state == "stored"


def test_a_server_that_is_never_there_is_given_up(dora: Customer, work: Work) -> None:
    row = sent(dora, "https://nowhere.example/a")
    for _ in media.BACKOFF:
        due()
        work()
    row.refresh_from_db()
    assert (row.state, row.next_attempt_at) == ("failed", None)


def test_two_workers_fetch_once(dora: Customer, shop: FakeWebhookPlatform) -> None:
    row = sent(dora, shop.add_file("a", PNG, "image/png"))
    media.fetch(row.pk)
    media.fetch(row.pk)
    assert len(shop.requests) == 1


def test_a_disk_that_is_full_is_tried_again(
    dora: Customer, shop: FakeWebhookPlatform, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = sent(dora, shop.add_file("a", PNG, "image/png"))

    def full(*args: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(media, "_store", full)
        work()
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("pending", 1)
    due()
    work()
    row.refresh_from_db()
    assert row.state == "stored"


def test_a_message_deleted_while_its_file_is_fetched(
    dora: Customer, shop: FakeWebhookPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, download = sent(dora, shop.add_file("a", PNG, "image/png")), media._download
    assert row.message is not None
    target = row.message.external_id or ""

    def slow(*args: Any) -> str:
        declared = download(*args)
        dora.deletes(target)
        return declared

    monkeypatch.setattr(media, "_download", slow)
    media.fetch(row.pk)
    assert not Attachment.objects.exists()
    assert stored_files() == []


@pytest.mark.django_db(transaction=True)
def test_a_deletion_takes_the_file_from_the_disk(dora: Customer, shop: FakeWebhookPlatform, work: Work) -> None:
    row = sent(dora, shop.add_file("a", PNG, "image/png"))
    work()
    assert len(stored_files()) == 1
    assert row.message is not None
    dora.deletes(row.message.external_id or "")
    assert stored_files() == []


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"), ("C:\\Windows\\a.exe", "a.exe"), ("a/b/", ""), ("..", ""), ("", ""),
        ("a\x00b\r\n.png", "a\ufffdb.png"), ('a"<b>|?*.png', "ab.png"), ("สลิป.png", "สลิป.png"),
        ("\u202egnp.exe", "gnp.exe"),
    ],
)  # fmt: skip
def test_names_keep_their_last_part(given: str, kept: str) -> None:
    assert media.safe_name(given) == kept


def test_a_long_name_keeps_its_ending() -> None:
    name = media.safe_name("x" * 400 + ".png")
    assert len(name) <= 200
    assert name.endswith(".png")


def test_an_upload_is_its_uploaders_alone_and_its_place_says_nothing(bea: Agent) -> None:
    row = media.upload(bea, ContentFile(PNG), "../x.exe", "application/x-msdownload")
    assert (row.uploader, row.message_id, row.state, row.mime, row.filename) == (
        bea,
        None,
        "stored",
        "image/png",
        "x.exe",
    )
    assert "x.exe" not in row.file.name


def test_a_signed_link_opens_its_own_file_for_an_hour(bea: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    row = media.upload(bea, ContentFile(PNG), "a.png", "")
    token = media.signed_url(row).partition("?link=")[2]
    assert media.link_opens(row.pk, token)
    assert not media.link_opens(row.pk + 1, token)
    assert not media.link_opens(row.pk, token[:-1])
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 3700)
    assert not media.link_opens(row.pk, token)


def test_uploads_never_sent_go_after_a_day(bea: Agent) -> None:
    from datetime import timedelta

    from tickets import replies

    row = media.upload(bea, ContentFile(PNG), "a.png", "")
    replies.purge_keys()
    assert len(stored_files()) == 1
    Attachment.objects.filter(pk=row.pk).update(created_at=timezone.now() - timedelta(hours=25))
    replies.purge_keys()
    assert (Attachment.objects.exists(), stored_files()) == (False, [])
