"""The pages about envelopes: what failed and why, what came, and opening it again."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from agents.models import Agent
from channels_app.inbound import KEPT_HEADERS
from channels_app.models import Channel, Envelope
from tests.conftest import Customer
from tests.tickets.test_setup_channels import SCRIPT, Sign, sign, text
from tickets import intake
from tickets.models import Message
from tickets.setup import bodies

ROOT = "/settings/envelopes/"
__all__ = ["sign"]


@pytest.fixture
def admin(ana: Agent, sign: Sign) -> Client:
    return sign(ana)


def keep(channel: Channel, body: bytes = b"{}", **more: Any) -> Envelope:
    return Envelope.objects.create(channel=channel, body=body, **{"state": "failed", **more})


def listed(page: str) -> list[int]:
    return [int(number) for number in re.findall(rf'href="{ROOT}(\d+)/"', page)]


# ── Who ──────────────────────────────────────────────────────────────────────────────────────


def test_only_administrators(sign: Sign, bea: Agent, lena: Agent, webhook_channel: Channel) -> None:
    row = keep(webhook_channel)
    for agent in (bea, lena):
        for path in (ROOT, f"{ROOT}{row.pk}/", f"{ROOT}{row.pk}/body/"):
            assert "Your role does not allow it" in text(sign(agent).get(path), 403)
        for path in (f"{ROOT}replay/", f"{ROOT}{row.pk}/replay/"):
            assert sign(agent).post(path, {"channel": webhook_channel.pk}).status_code == 403
    row.refresh_from_db()
    assert (row.attempts, row.retry_at) == (1, None)


# ── The list ─────────────────────────────────────────────────────────────────────────────────


def test_what_is_listed(admin: Client, dora: Customer, webhook_channel: Channel, sms_channel: Channel) -> None:
    assert "Everything was opened" in text(admin.get(ROOT))
    dora.writes()
    dora.sends({"type": "batch", "events": []})
    dora.sends({"type": "message", "text": "without an id"})
    other = keep(sms_channel, error="KeyError: 'Body'", retry_at=timezone.now() + timedelta(minutes=9))
    failed, ignored = (
        Envelope.objects.get(state="failed", channel=webhook_channel),
        Envelope.objects.get(state="ignored"),
    )
    page = text(admin.get(ROOT))
    assert listed(page) == [other.pk, failed.pk, ignored.pk]
    assert "KeyError: &#x27;Body&#x27;" in page
    assert "next try" in page
    assert listed(text(admin.get(f"{ROOT}?state=failed"))) == [other.pk, failed.pk]
    assert listed(text(admin.get(f"{ROOT}?state=ignored"))) == [ignored.pk]
    assert listed(text(admin.get(f"{ROOT}?state=failed&channel={sms_channel.pk}"))) == [other.pk]
    assert "None like that" in text(admin.get(f"{ROOT}?channel={10**6}"))


@pytest.mark.parametrize(
    "query", ["state=opened", "state=%00", "channel=x", "channel=" + "9" * 40, "before=-1", "before=٣", "since=9&of=x"]
)
def test_odd_addresses(admin: Client, webhook_channel: Channel, query: str) -> None:
    row = keep(webhook_channel)
    assert listed(text(admin.get(f"{ROOT}?{query}"))) == [row.pk]
    huge = f"{ROOT}?channel={webhook_channel.pk}&since={'9' * 18}&of={'9' * 18}"
    assert admin.get(huge).status_code == 200


def test_pages_by_key_in_a_constant_number_of_statements(
    admin: Client, webhook_channel: Channel, django_assert_num_queries: Any
) -> None:
    rows = [keep(webhook_channel).pk for _ in range(2)]
    admin.get(ROOT)
    with django_assert_num_queries(4):
        admin.get(ROOT)
    rows += [row.pk for row in Envelope.objects.bulk_create(
        Envelope(channel=webhook_channel, state="failed", body=b"{}") for _ in range(60)
    )]  # fmt: skip
    with django_assert_num_queries(4):
        first = text(admin.get(f"{ROOT}?state=failed&channel={webhook_channel.pk}"))
    assert listed(first) == rows[::-1][:50]
    older = re.search(r'href="([^"]+before=\d+[^"]*)"', first)
    assert older
    second = text(admin.get(older[1].replace("&amp;", "&")))
    assert listed(second) == rows[::-1][50:]
    assert "To the newest" in second
    assert "No older ones" in text(admin.get(f"{ROOT}?before={rows[0]}"))


# ── One ──────────────────────────────────────────────────────────────────────────────────────


def test_one_with_what_it_became(admin: Client, dora: Customer, django_assert_num_queries: Any) -> None:
    message = dora.writes(f"Halo {SCRIPT}")
    path = f"{ROOT}{message.envelope_id}/"
    page = text(admin.get(path))
    assert f"/tickets/{message.ticket_id}/#m-{message.pk}" in page
    assert "&quot;type&quot;: &quot;message&quot;" in page
    assert SCRIPT not in page
    assert "webhook-id" in page
    assert "Replay" not in page
    with django_assert_num_queries(4):
        admin.get(path)


def test_secret_headers_are_neither_kept_nor_shown(admin: Client, dora: Customer, webhook_channel: Channel) -> None:
    assert not {"authorization", "cookie", "x-api-key"} & set(KEPT_HEADERS)
    dora.raw(b"{}")
    response = dora.post(
        {"type": "message", "text": "no id"}, HTTP_AUTHORIZATION="Bearer geheim", HTTP_COOKIE="s=geheim"
    )
    assert response.status_code == 200
    row = Envelope.objects.get()
    assert "geheim" not in str(row.headers)
    Envelope.objects.update(headers={"Authorization": "Bearer geheim"})
    assert "geheim" not in text(admin.get(f"{ROOT}{row.pk}/"))


@pytest.mark.parametrize(
    ("body", "content_type", "kind", "words"),
    [
        ('{"a":"สวัสดี"}'.encode(), "application/json", "json", '"a": "สวัสดี"'),
        (b"Body=Halo+Bu&From=%2B62812", "application/x-www-form-urlencoded", "form", "Body = Halo Bu\nFrom = +62812"),
        (b"From: a@example.com\r\n\r\nHi", "message/rfc822", "text", "From: a@example.com"),
        (b"{not json", "application/json", "text", "{not json"),
        (b"[" * 5000, "application/json", "text", "[[["),
        (b"\x00\xff\x10PNG", "image/png", "hex", "00 ff 10 50 4e 47"),
        (b"", "", "none", ""),
        (b"a" * (bodies.LONGEST - 1) + "ใจ".encode(), "text/plain", "text", "aaa"),
        (b'{"a":"' + b"b" * bodies.LONGEST + b'"}', "application/json", "text", "bbb"),
        (b"&".join(b"a=1" for _ in range(1000)), "application/x-www-form-urlencoded", "form", "a=1&a=1"),
    ],
)
def test_bodies_as_a_person_reads_them(
    admin: Client, webhook_channel: Channel, body: bytes, content_type: str, kind: str, words: str
) -> None:
    row = keep(webhook_channel, body, headers={"content-type": content_type})
    shown = bodies.shown(row)
    assert (shown.kind, shown.size) == (kind, len(body))
    assert words in shown.text
    assert len(shown.text) <= bodies.LONGEST * 2
    page = text(admin.get(f"{ROOT}{row.pk}/"))
    assert ("Only the beginning" in page) is shown.cut
    assert ("It came without a body." in page) is (not body)


def test_the_whole_is_a_file_that_no_browser_opens(admin: Client, webhook_channel: Channel) -> None:
    body = b"<script>alert(1)</script>\x00\xff" * 10_000
    row = keep(webhook_channel, body, headers={"content-type": "text/html"})
    response = admin.get(f"{ROOT}{row.pk}/body/")
    assert response.content == body
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["Content-Disposition"].startswith("attachment")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response.headers["Content-Security-Policy"]
    assert "no-store" in response.headers["Cache-Control"]
    assert admin.get(f"{ROOT}{keep(webhook_channel, b'').pk}/body/").status_code == 404


def test_erased_bodies_say_so(admin: Client, webhook_channel: Channel) -> None:
    gone = keep(webhook_channel, b"", erased_at=timezone.now(), state="opened")
    assert "What came was erased" in text(admin.get(f"{ROOT}{gone.pk}/"))
    struck = keep(webhook_channel, b"{}", erased_at=timezone.now())
    assert "its words were struck out" in text(admin.get(f"{ROOT}{struck.pk}/"))


@pytest.mark.parametrize("number", [10**6, 2**63, 10**30])
def test_no_such_envelope(admin: Client, number: int) -> None:
    for path in (f"{ROOT}{number}/", f"{ROOT}{number}/body/"):
        assert admin.get(path).status_code == 404
    assert admin.post(f"{ROOT}{number}/replay/").status_code == 404
    assert admin.post(f"{ROOT}replay/", {"channel": number}).status_code == 404
    assert admin.post(f"{ROOT}replay/", {"channel": "x"}).status_code == 404


# ── Again ────────────────────────────────────────────────────────────────────────────────────


def replayed(admin: Client, row: Envelope) -> str:
    assert admin.get(f"{ROOT}{row.pk}/replay/").status_code == 405
    return text(admin.post(f"{ROOT}{row.pk}/replay/", follow=True))


def test_replay_after_a_fix(admin: Client, dora: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:

        def fails(*args: Any, **options: Any) -> None:
            raise RuntimeError("a bug of the day")

        broken.setattr(intake, "open_ticket", fails)
        dora.sends({"type": "message", "id": "m-1", "sender": dora.sender, "text": "Halo"})
        row = Envelope.objects.get()
        page = text(admin.get(f"{ROOT}{row.pk}/"))
        assert "a bug of the day" in page
        assert "tried again by itself" in page
        assert "It failed again." in replayed(admin, row)
    page = replayed(admin, row)
    assert "Opened. What came of it is below." in page
    assert f"#m-{Message.objects.get().pk}" in page
    assert "opened already" in replayed(admin, row)
    assert Message.objects.count() == 1


def test_replay_of_the_ignored_and_of_the_gone(admin: Client, dora: Customer, webhook_channel: Channel) -> None:
    dora.sends({"type": "batch", "events": []})
    assert "there is nothing in it for this channel" in replayed(admin, Envelope.objects.get())
    assert "no longer kept" in replayed(admin, keep(webhook_channel, b""))


def test_replay_all_of_a_channel(
    admin: Client, webhook_channel: Channel, sms_channel: Channel, work: Callable[[], None]
) -> None:
    body = b'{"type":"message","id":"m-%d","sender":{"id":"u-1"},"text":"Halo"}'
    for number in range(3):
        keep(webhook_channel, body % number)
    stays = keep(webhook_channel, b'{"type":"message"}')
    page = text(admin.get(f"{ROOT}?state=failed&channel={webhook_channel.pk}"))
    assert "Replay all" in page
    response = admin.post(f"{ROOT}replay/", {"channel": webhook_channel.pk})
    going = response.headers["Location"]
    page = text(admin.get(going))
    assert "Opening again: 0 of 4 done." in page
    assert "data-poll" in page
    work()
    page = text(admin.get(going))
    assert "All 4 were opened again." in page
    assert "data-poll" not in page
    assert listed(page) == [stays.pk]
    Envelope.objects.all().delete()
    assert "nothing that could be opened again" in text(
        admin.post(f"{ROOT}replay/", {"channel": sms_channel.pk}, follow=True)
    )
