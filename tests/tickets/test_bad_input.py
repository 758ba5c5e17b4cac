"""What nobody should send and somebody will: each gets its answer, none a 5xx, and nothing is lost."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.http import HttpRequest

from channels_app import views
from channels_app.models import Channel, Envelope
from customers.models import Customer as Person
from tests.conftest import Customer
from tests.platforms.webhook import signed
from tickets.models import Attachment, Message, Ticket

MIB = 1024 * 1024


def hello(dora: Customer, **more: Any) -> dict[str, Any]:
    return {"type": "message", "id": "m-1", "sender": dora.sender, "text": "Halo", **more}


def status(response: Any) -> int:
    return int(response.status_code)


def nothing_kept() -> bool:
    return not Envelope.objects.exists() and not Message.objects.exists() and not Person.objects.exists()


# ── Refused ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", ["999999", "x", "٣", "1_0", "-1", "0", "9" * 30, "%00"])
def test_an_unknown_channel(dora: Customer, path: str) -> None:
    assert status(dora.client.post(f"/webhooks/{path}/", b"{}", content_type="application/json")) == 404
    assert status(dora.client.get(f"/webhooks/{path}/")) == 404


def test_a_channel_without_webhooks_is_unknown(dora: Customer, sandbox_channel: Channel) -> None:
    assert status(dora.client.post(f"/webhooks/{sandbox_channel.pk}/", b"{}", content_type="application/json")) == 404


def test_unsigned_and_wrongly_signed(dora: Customer) -> None:
    assert status(dora.raw(b"{}")) == 401
    assert status(dora.post(hello(dora), HTTP_WEBHOOK_SIGNATURE="v1,AAAA")) == 401
    assert status(dora.post(hello(dora), HTTP_WEBHOOK_ID="another")) == 401
    dora.secret = "whsec_" + "QUJD" * 8
    assert status(dora.post(hello(dora))) == 401
    assert nothing_kept()


@pytest.mark.parametrize("minutes", [-6, 6, -600_000])
def test_a_stale_timestamp(dora: Customer, minutes: int) -> None:
    body, headers = signed(hello(dora), at=datetime.now(UTC) + timedelta(minutes=minutes))
    more = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    assert status(dora.raw(body, **more)) == 401
    assert nothing_kept()


def test_a_body_of_11_mib_before_all_else(dora: Customer) -> None:
    assert status(dora.raw(b"x" * (11 * MIB))) == 413
    assert status(dora.post(hello(dora, text="x" * (10 * MIB)))) == 413
    assert nothing_kept()


class Endless:
    """A body without a length, or with a lie about it."""

    def __init__(self) -> None:
        self.given = 0

    def read(self, size: int = -1) -> bytes:
        assert size >= 0
        self.given += size
        return b"x" * size


@pytest.mark.parametrize("declared", ["", "12", "-1", "many", "0x10"])
def test_a_streamed_body_is_read_no_further_than_the_limit(webhook_channel: Channel, declared: str) -> None:
    request = HttpRequest()
    request.method = "POST"
    request.META = {"CONTENT_LENGTH": declared, "SERVER_NAME": "localhost", "SERVER_PORT": "80"}
    request._stream = body = Endless()  # type: ignore[attr-defined,assignment]
    request._read_started = False  # type: ignore[attr-defined]
    assert views.webhook(request, str(webhook_channel.pk)).status_code == 413
    assert body.given <= 10 * MIB + 1


def test_a_declared_length_is_not_even_read(webhook_channel: Channel) -> None:
    request = HttpRequest()
    request.method = "POST"
    request.META = {"CONTENT_LENGTH": str(11 * MIB)}
    assert views.webhook(request, str(webhook_channel.pk)).status_code == 413


BAD_BODIES = {
    "nothing": b"",
    "not UTF-8": b'{"type": "message", "text": "\xff\xfe"}',
    "not JSON": b"{not json",
    "two values": b"{} {}",
    "cut off": b'{"type": "mess',
    "NaN": b'{"type": "message", "n": NaN}',
    "100 deep": b'{"a":' * 100 + b"1" + b"}" * 100,
    "100,000 deep": b"[" * 100_000,
    "a number of thousands of digits": b'{"n": ' + b"9" * 5000 + b"}",
    "a list": b"[1, 2]",
    "a text": b'"message"',
    "null": b"null",
}


@pytest.mark.parametrize("what", BAD_BODIES)
def test_well_signed_but_not_the_format(dora: Customer, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import base64
    import hashlib
    import hmac

    stamp, key = str(int(time.time())), base64.b64decode(dora.secret.removeprefix("whsec_"))
    mac = hmac.new(key, b"msg_1." + stamp.encode() + b"." + BAD_BODIES[what], hashlib.sha256).digest()
    headers = {
        "HTTP_WEBHOOK_ID": "msg_1", "HTTP_WEBHOOK_TIMESTAMP": stamp,
        "HTTP_WEBHOOK_SIGNATURE": "v1," + base64.b64encode(mac).decode(),
    }  # fmt: skip
    assert status(dora.raw(BAD_BODIES[what], **headers)) == 400
    assert status(dora.raw(BAD_BODIES[what] + b" ", **headers)) == 401
    assert nothing_kept()


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_other_methods(dora: Customer, method: str) -> None:
    assert status(dora.client.generic(method, f"/webhooks/{dora.channel.pk}/", b"{}")) == 405


# ── Taken ────────────────────────────────────────────────────────────────────────────────────

WRONG_SHAPES: list[Any] = [
    {},
    {"type": None},
    {"type": 7},
    {"type": ["message"]},
    {"type": {"a": 1}},
    {"type": "message"},
    {"type": "message", "id": [], "sender": {}},
    {"type": "message", "id": "x", "sender": "", "text": "a"},
    {"type": "message", "id": True, "sender": {"id": None}},
    {"type": "receipt", "message": {}, "status": []},
    {"type": "edit", "message": 5, "text": {}},
    {"type": "reaction", "message": "x", "sender": [1]},
    {"type": "delete", "message": ""},
    {"type": "batch", "events": [None, 1, "x", [], {}, {"type": "message"}]},
]


@pytest.mark.parametrize("event", WRONG_SHAPES, ids=lambda event: json.dumps(event)[:40])
def test_valid_json_of_the_wrong_shape_is_kept_and_listed(dora: Customer, event: Any) -> None:
    assert status(dora.post(event)) == 200
    envelope = Envelope.objects.get()
    assert (envelope.state, bool(envelope.error), envelope.retry_at) == ("failed", True, None)
    assert not Message.objects.exists()


ODD_VALUES: list[Any] = [
    None,
    7,
    -1.5,
    True,
    [],
    {},
    [[]],
    "",
    "\x00",
    "\ud800",
    "x" * 100_000,
    10**400,
    {"id": {"id": 1}},
]


@pytest.mark.parametrize("field", ["text", "attachments", "reply_to", "sent_at", "postback", "extra"])
def test_an_odd_field_costs_no_message(dora: Customer, field: str) -> None:
    for number, value in enumerate(ODD_VALUES):
        assert status(dora.post(hello(dora, id=f"m-{number}", **{field: value}))) == 200
    assert Message.objects.count() == len(ODD_VALUES)


@pytest.mark.parametrize("field", ["name", "email", "phone", "language"])
def test_an_odd_field_of_the_sender_costs_no_message(dora: Customer, field: str) -> None:
    for number, value in enumerate(ODD_VALUES):
        event = hello(dora, id=f"m-{number}", sender={"id": "u-dora", field: value})
        assert status(dora.post(event)) == 200
    assert (Message.objects.count(), Person.objects.count()) == (len(ODD_VALUES), 1)


def test_a_batch_whose_third_item_is_broken(dora: Customer) -> None:
    items = [hello(dora, id=f"m-{n}", text=str(n)) for n in range(5)]
    items[2] = {"type": "message", "text": "no id"}
    assert status(dora.post({"type": "batch", "events": items})) == 200
    assert sorted(Message.objects.values_list("text", flat=True)) == ["0", "1", "3", "4"]
    envelope = Envelope.objects.get()
    assert (envelope.state, envelope.error[:3]) == ("failed", "[2]")


def test_ids_longer_than_any_column_are_told_apart(dora: Customer) -> None:
    for ending in ("a", "b", "a"):
        sender = {"id": "y" * 5000 + ending}
        assert status(dora.post(hello(dora, id="x" * 5000 + ending, sender=sender))) == 200
    assert (Message.objects.count(), Ticket.objects.count()) == (2, 2)


def test_an_empty_batch_is_nothing(dora: Customer) -> None:
    assert status(dora.post({"type": "batch", "events": []})) == 200
    assert Envelope.objects.get().state == "ignored"


def test_a_text_of_one_megabyte_is_whole(dora: Customer) -> None:
    text = "สวัสดี ลูกค้า 😀\n" * 60_000
    assert dora.writes(text).text == text


BAD = "a\x00b\ud83dc\udc00d"
GOOD = "a\ufffdb\ufffdc\ufffdd"


def test_nul_and_lone_surrogates_in_every_field(dora: Customer) -> None:
    dora.id, dora.name = f"u-{BAD}", BAD
    file = {"url": f"https://files.example/{BAD}", "filename": BAD, "caption": BAD, "mime": f"image/{BAD}"}
    event = hello(dora, id=f"m-{BAD}", text=f" {BAD}\n\u202e😀 ", attachments=[file], reply_to=BAD)
    place = {"kind": "location", "lat": 1, "lon": 2, "name": BAD}
    card = {"kind": "contact", "name": BAD, "phones": [BAD]}
    event["attachments"] += [place, card]
    assert status(dora.post(event)) == 200
    message = Message.objects.get()
    assert (message.external_id, message.text) == (f"m-{GOOD}", f" {GOOD}\n\u202e😀 ")
    assert message.about["id"] == GOOD
    assert (message.address.external_id, message.ticket.customer.name) == (f"u-{GOOD}", GOOD)
    file_row, place_row, _card_row = message.attachments.all()
    assert (file_row.filename, place_row.location["name"]) == (GOOD, GOOD)
    for more in (
        {"type": "reaction", "message": f"m-{BAD}", "sender": dora.sender, "emoji": BAD},
        {"type": "postback", "id": f"p-{BAD}", "sender": dora.sender, "title": BAD, "payload": BAD},
        {"type": "receipt", "message": BAD, "status": "failed", "error": {"code": BAD, "title": BAD, "detail": BAD}},
        {"type": "edit", "message": f"m-{BAD}", "text": BAD},
        {"type": "edit", "message": f"unknown-{BAD}", "text": BAD},
        {"type": "delete", "message": f"gone-{BAD}"},
        {"type": BAD, "id": f"h-{BAD}", "sender": dora.sender, "text": BAD},
    ):
        assert status(dora.post(more)) == 200
    assert not Envelope.objects.filter(state="failed").exists()
    message.refresh_from_db()
    assert (message.text, message.reactions[0]["emoji"]) == (GOOD, GOOD)


def test_nul_in_the_path_and_headers_is_kept_harmlessly(dora: Customer) -> None:
    body, headers = signed(hello(dora))
    more = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    path = f"/webhooks/{dora.channel.pk}/%00%ed%a0%80?q=%00"
    response = dora.client.post(path, body, content_type="application/json", HTTP_USER_AGENT="\x00\ud800", **more)
    assert status(response) == 200
    assert Message.objects.exists()


HTML = "<script>alert(1)</script><img src=x onerror=alert(1)>&amp;\"'"


def test_html_and_script_are_kept_to_the_letter(dora: Customer) -> None:
    dora.name = HTML
    message = dora.writes(HTML, attachments=[{"url": "https://files.example/x", "filename": "<b>a</b>.html"}])
    assert (message.text, message.ticket.customer.name, message.html) == (HTML, HTML, None)
    assert message.ticket.subject == HTML


def test_the_same_message_twice_with_other_words(dora: Customer) -> None:
    assert [status(dora.post(hello(dora, text=text), delivery="msg_1")) for text in ("a", "b", "a")] == [200] * 3
    assert (Message.objects.get().text, Envelope.objects.count(), Ticket.objects.count()) == ("a", 2, 1)


def test_a_million_attachments(dora: Customer) -> None:
    assert status(dora.post(hello(dora, attachments=[{}] * 50_000))) == 200
    assert Attachment.objects.count() == 500
