"""A platform of one's own: signed in, signed out, and lenient about everything but its ids."""

from __future__ import annotations

import cProfile
import json
import pstats
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from channels_app import http as http_module
from channels_app.adapters.webhook import WebhookAdapter, new_secret
from channels_app.contract import (
    Account,
    BadBody,
    Conversation,
    Deletion,
    DeliveryFailed,
    Edit,
    InboundMessage,
    InboundRequest,
    NotAuthentic,
    OutboundAttachment,
    OutboundMessage,
    Reaction,
    Receipt,
    SettingsInvalid,
    Unreadable,
    UnreadableEvent,
)
from channels_app.http import Http
from tests.platforms.webhook import SECRET, FakeWebhookPlatform, signed

adapter = WebhookAdapter()
OTHER = "whsec_" + "QUJD" * 8
HELLO = {
    "type": "message",
    "id": "m-1",
    "sender": {
        "id": "u-7",
        "name": "Dora",
        "email": "dora@example.com",
        "phone": "+62 813-1111-2222",
        "language": "id",
    },
    "text": "Halo, pesanan saya di mana?",
    "sent_at": "2026-01-02T03:04:05Z",
}


def account(**settings: str) -> Account:
    return Account(id=1, kind="webhook", name="Shop", settings={"secret": SECRET, **settings})


def request(body: bytes, headers: dict[str, str]) -> InboundRequest:
    return InboundRequest("POST", "http://hub/webhooks/1/", {k.lower(): v for k, v in headers.items()}, body)


def one(event: Any) -> Any:
    found = list(adapter.parse(account(), event))
    assert len(found) == 1
    return found[0]


# ── Authenticity ─────────────────────────────────────────────────────────────────────────────


def test_what_the_specs_own_library_signs_is_authentic() -> None:
    for body in (HELLO, "สวัสดี 😀".encode(), b"", b"{not json"):
        adapter.verify(account(), request(*signed(body)))


def test_the_delivery_id_is_the_signed_one() -> None:
    assert adapter.delivery_id(account(), request(*signed(HELLO, delivery="msg_9"))) == "msg_9"


def test_during_rotation_two_secrets_count() -> None:
    both = account(secret=f"{OTHER} {SECRET}")
    adapter.verify(both, request(*signed(HELLO, SECRET)))
    adapter.verify(both, request(*signed(HELLO, OTHER)))


def test_one_of_several_signatures_is_enough() -> None:
    body, headers = signed(HELLO)
    headers["webhook-signature"] = f"v1a,xyz v1,AAAA {headers['webhook-signature']} v2,ไทย"
    adapter.verify(account(), request(body, headers))


@pytest.mark.parametrize("minutes", [-6, 6, -100_000])
def test_a_stale_or_future_timestamp_is_refused(minutes: int) -> None:
    at = datetime.now(UTC) + timedelta(minutes=minutes)
    with pytest.raises(NotAuthentic):
        adapter.verify(account(), request(*signed(HELLO, at=at)))


@pytest.mark.parametrize("minutes", [-4, 4])
def test_clocks_may_be_minutes_apart(minutes: int) -> None:
    adapter.verify(account(), request(*signed(HELLO, at=datetime.now(UTC) + timedelta(minutes=minutes))))


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-signature": ""},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1"},
        {"webhook-signature": ","},
        {"webhook-signature": "v1,ไทย"},
        {"webhook-signature": "v1," + "A" * 44},
        {"webhook-id": ""},
        {"webhook-id": "other"},
        {"webhook-timestamp": ""},
        {"webhook-timestamp": "soon"},
        {"webhook-timestamp": "1e9"},
        {"webhook-timestamp": "9" * 5000},
        {"webhook-timestamp": "๑๒๓"},
        {"webhook-timestamp": str(int(time.time()) + 200)},
        {"webhook-timestamp": "-1"},
    ],
)
def test_a_changed_header_is_refused(change: dict[str, str]) -> None:
    body, headers = signed(HELLO)
    with pytest.raises(NotAuthentic):
        adapter.verify(account(), request(body, {**headers, **change}))


def test_a_changed_body_is_refused() -> None:
    body, headers = signed(HELLO)
    with pytest.raises(NotAuthentic):
        adapter.verify(account(), request(body + b" ", headers))


def test_the_names_of_an_older_spec_are_not_accepted() -> None:
    body, headers = signed(HELLO)
    with pytest.raises(NotAuthentic):
        adapter.verify(account(), request(body, {k.replace("webhook-", "svix-"): v for k, v in headers.items()}))


@pytest.mark.parametrize("secret", ["", " ", "whsec_", "whsec_====", "whsec_ไทย", "whsec_!!", OTHER])
def test_an_empty_unreadable_or_wrong_secret_never_matches(secret: str) -> None:
    empty_key = "v1,thDRQFQd+bCnoYUa9wRTTOqITsV8whvVnqWRuKdSZBg="
    body, headers = signed(HELLO)
    for signature in (headers["webhook-signature"], empty_key):
        with pytest.raises(NotAuthentic):
            adapter.verify(account(secret=secret), request(body, {**headers, "webhook-signature": signature}))


# ── Format ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"text": "\xff"}',
        b"\xff\xfe{\x00}\x00",
        b'{"a":' * 100 + b"1" + b"}" * 100,
        b'{"a":' + b"[" * 100 + b"]" * 100 + b"}",
        b'{"id": ' + b"9" * 5000 + b"}",
        b'{"id": ' + b"9" * 2000 + b"}",
    ],
)
def test_a_well_signed_bad_body_is_a_bad_body(body: bytes) -> None:
    """Not "not authentic": the sender would look for the mistake in the wrong place."""
    import base64
    import hmac

    stamp = str(int(time.time()))
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    mac = base64.b64encode(hmac.digest(key, b"msg_1." + stamp.encode() + b"." + body, "sha256")).decode()
    headers = {"webhook-id": "msg_1", "webhook-timestamp": stamp, "webhook-signature": f"v1,{mac}"}
    adapter.verify(account(), request(body, headers))
    with pytest.raises(BadBody):
        adapter.decode(account(), request(body, headers))


# ── What becomes what ────────────────────────────────────────────────────────────────────────


def test_a_message() -> None:
    message = one({**HELLO, "reply_to": 12, "attachments": [{"url": "https://x.example/a.png", "mime": "image/png"}]})
    assert isinstance(message, InboundMessage)
    assert (message.external_id, message.conversation, message.text) == ("m-1", "u-7", HELLO["text"])
    assert (message.sender.name, message.sender.phone) == ("Dora", "+62 813-1111-2222")
    assert (message.sender.email, message.sender.language) == ("dora@example.com", "id")
    assert message.occurred_at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert message.reply_to
    assert message.reply_to.external_id == "12"
    (file,) = message.attachments
    assert (file.kind, file.mime, file.remote and file.remote.url) == ("image", "image/png", "https://x.example/a.png")


def test_an_overlong_id_stays_an_id() -> None:
    ids = [one({**HELLO, "id": "x" * 300 + tail}).external_id for tail in ("a", "b", "a")]
    assert ids[0] == ids[2] != ids[1]
    assert len(ids[0]) <= 255


def test_a_text_is_never_cut_or_trimmed() -> None:
    text = "  ก็\u200b<script>alert(1)</script>\r\n" * 40_000
    assert one({**HELLO, "text": text}).text == text


def test_nul_and_lone_surrogates_are_replaced() -> None:
    event = json.loads('{"type":"message","id":"a\\u0000b","sender":{"id":"u\\ud800"},"text":"x\\u0000\\udfffy"}')
    message = one(event)
    assert (message.external_id, message.sender.external_id, message.text) == ("a�b", "u�", "x��y")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (1_767_323_045, 1_767_323_045),
        (1_767_323_045_500, 1_767_323_045.5),
        ("1767323045", 1_767_323_045),
        ("2026-01-02T03:04:05+07:00", 1_767_297_845),
        ("2026-01-02 03:04:05", 1_767_323_045),
        (0, None),
        (-1, None),
        (1e300, None),
        (10**300, None),
        ("9" * 5000, None),
        ("yesterday", None),
        (True, None),
        ([], None),
        (None, None),
        (float("inf"), None),
        ("2999-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00+14:00", None),
    ],
)
def test_times_in_every_spelling(given: Any, expected: float | None) -> None:
    found = one({**HELLO, "sent_at": given}).occurred_at
    assert (found.timestamp() if found else None) == expected


@pytest.mark.parametrize("odd", [None, 7, True, [], {}, "x", [None], [[]], {"id": []}, 1e308, "\x00", "a" * 5000])
@pytest.mark.parametrize(
    "name", ["attachments", "reply_to", "sent_at", "type_of", "email", "name", "phone", "language"]
)
def test_an_odd_optional_field_does_not_cost_the_text(name: str, odd: Any) -> None:
    event = {**HELLO, "sender": {**HELLO["sender"], name: odd}, name: odd}
    message = one(event)
    assert message.text == HELLO["text"]
    assert len(message.sender.name) <= 200
    assert len(message.sender.email) <= 254
    assert len(message.sender.phone) <= 32
    assert len(message.sender.language) <= 16


def test_a_bad_attachment_stays_as_a_placeholder() -> None:
    bad = ["javascript:alert(1)", {"url": "file:///etc/passwd"}, {"url": 7}, 7, None, {"mime": "image/png"}, "http://["]
    found = one({**HELLO, "attachments": bad}).attachments
    assert [file.remote.url for file in found] == [""] * len(bad)
    assert found[5].kind == "image"


def test_places_contacts_and_stickers() -> None:
    place, card, sticker, nowhere = one(
        {
            **HELLO,
            "attachments": [
                {"kind": "location", "location": {"lat": -6.2, "lon": "106.8", "name": "Kantor"}},
                {"kind": "contact", "name": "Bea", "phones": ["+62811", 7], "emails": ["bea@example.com"]},
                {"kind": "sticker", "url": "https://x.example/s.webp", "mime": "image/webp"},
                {"kind": "location", "lat": 999, "lon": 0},
            ],
        }
    ).attachments
    assert (place.kind, place.location.lat, place.location.lon, place.location.name) == (
        "location",
        -6.2,
        106.8,
        "Kantor",
    )
    assert (card.kind, card.contact.name, card.contact.phones) == ("contact", "Bea", ("+62811",))
    assert (sticker.kind, sticker.mime) == ("sticker", "image/webp")
    assert nowhere.location is None


def test_filenames_keep_their_last_part() -> None:
    names = ["../../etc/passwd", "C:\\x\\bukti.pdf", "a" * 500 + ".pdf", "x\r\ny.txt"]
    found = one(
        {**HELLO, "attachments": [{"url": "https://x.example/", "filename": name} for name in names]}
    ).attachments
    assert [file.filename for file in found][:2] == ["passwd", "bukti.pdf"]
    assert found[2].filename.endswith(".pdf")
    assert len(found[2].filename) <= 200
    assert found[3].filename == "x y.txt"


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("accepted", "accepted"),
        ("queued", "accepted"),
        ("sent", "sent"),
        ("delivered", "delivered"),
        ("read", "read"),
        ("played", "read"),
        ("opened", "read"),
        ("failed", "failed"),
        ("undelivered", "failed"),
        ("bounced", "failed"),
        ("dropped", "failed"),
        ("DELIVERED", "delivered"),
    ],
)
def test_receipts(status: str, state: str) -> None:
    receipt = one({"type": "receipt", "message": 12, "status": status, "at": 1_767_323_045})
    assert isinstance(receipt, Receipt)
    assert (receipt.state, receipt.external_id, receipt.own_key) == (state, "12", "12")
    assert receipt.occurred_at
    assert bool(receipt.error) == (state == "failed")


@pytest.mark.parametrize(
    ("error", "title", "code"),
    [
        ("Number is off", "Number is off", ""),
        ({"code": 131, "title": "Gone", "detail": "d"}, "Gone", "131"),
        ({"message": "Gone"}, "Gone", ""),
        (None, "The platform could not deliver the message.", ""),
        (["x"], "The platform could not deliver the message.", ""),
    ],
)
def test_a_failed_receipt_says_why(error: Any, title: str, code: str) -> None:
    failure = one({"type": "receipt", "message": "m", "status": "failed", "error": error}).error
    assert (failure.title, failure.code, failure.permanent) == (title, code, True)


def test_edit_delete_reaction_and_postback() -> None:
    edit = one({"type": "edit", "message": "m-1", "text": "", "sender": {"id": "u-7"}})
    assert (type(edit), edit.target, edit.text, edit.sender.external_id) == (Edit, "m-1", "", "u-7")
    gone = one({"type": "delete", "message": 5})
    assert (type(gone), gone.target) == (Deletion, "5")
    liked = one({"type": "reaction", "message": "m-1", "sender": "u-7", "emoji": "👍🏽"})
    assert (type(liked), liked.emoji, liked.removed, liked.conversation) == (Reaction, "👍🏽", False, "u-7")
    assert one({"type": "reaction", "message": "m-1", "sender": "u-7", "emoji": "👍", "removed": True}).removed
    assert one({"type": "reaction", "message": "m-1", "sender": "u-7"}).removed
    pressed = one({"type": "postback", "id": "p-1", "sender": {"id": "u-7"}, "title": "Ya", "payload": {"a": 1}})
    assert (pressed.text, pressed.postback.title, pressed.postback.payload) == ("Ya", "Ya", '{"a": 1}')
    assert one({"type": "postback", "id": "p-1", "sender": {"id": "u-7"}, "payload": "YES"}).text == "YES"


def test_an_event_wrapped_as_the_public_spec_has_it() -> None:
    inner = {name: value for name, value in HELLO.items() if name not in ("type", "sent_at")}
    message = one({"type": "message", "timestamp": "2026-01-02T03:04:05Z", "data": inner})
    assert (message.external_id, message.text) == (HELLO["id"], HELLO["text"])
    assert message.occurred_at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    receipt = one({"type": "receipt", "data": {"message": "9", "status": "read"}})
    assert (receipt.external_id, receipt.state) == ("9", "read")
    assert one({**HELLO, "data": {"id": "other", "text": "x"}}).external_id == HELLO["id"]


@pytest.mark.parametrize("kind", ["poll", "", None, 7, [], {"a": 1}, "MESSAGE"])
def test_an_unknown_type_is_shown_with_what_it_has(kind: Any) -> None:
    message = one({**HELLO, "type": kind})
    assert message.unsupported
    assert message.text == HELLO["text"]


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"type": "message"},
        {"type": "message", "id": "a"},
        {"type": "message", "sender": {"id": "a"}},
        {"type": "message", "id": "", "sender": {"id": "a"}},
        {"type": "message", "id": True, "sender": {"id": "a"}},
        {"type": "message", "id": 1.5, "sender": {"id": "a"}},
        {"type": "message", "id": "a", "sender": []},
        {"type": "receipt", "message": "a"},
        {"type": "receipt", "status": "read"},
        {"type": "receipt", "message": "a", "status": "lost"},
        {"type": "edit", "message": "a"},
        {"type": "edit", "text": "a"},
        {"type": "delete"},
        {"type": "reaction", "message": "a"},
        {"type": "postback", "id": 1},
        {"type": "poll"},
        [],
        None,
        7,
    ],
)
def test_without_its_ids_an_event_is_unreadable(event: Any) -> None:
    with pytest.raises(UnreadableEvent):
        list(adapter.parse(account(), event))


@pytest.mark.parametrize(
    "wrap", [lambda events: {"events": events}, lambda events: {"type": "batch", "events": events}]
)
def test_one_broken_item_does_not_lose_its_neighbours(wrap) -> None:
    events = [{**HELLO, "id": "1"}, {**HELLO, "id": "2"}, {"type": "message"}, {**HELLO, "id": "4"}, 7, None]
    found = list(adapter.parse(account(), wrap(events)))
    assert [type(item) for item in found] == [InboundMessage] * 2 + [Unreadable, InboundMessage, Unreadable, Unreadable]
    assert list(adapter.parse(account(), wrap([]))) == []


def test_parsing_is_short() -> None:
    """Counted in calls, which are the same on every machine."""
    own, profile = account(), cProfile.Profile()
    list(adapter.parse(own, HELLO))
    for _ in range(10):
        profile.runcall(lambda: list(adapter.parse(own, HELLO)))
    assert pstats.Stats(profile).total_calls / 10 < 200  # type: ignore[attr-defined]


# ── Out ──────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def platform():
    with FakeWebhookPlatform() as fake:
        yield fake


FILE = OutboundAttachment(
    kind="image", mime="image/png", filename="a.png", size=3, url="https://hub/a?sig=1", open=lambda: b"png"
)
REPLY = OutboundMessage(
    key="41",
    to="u-7",
    text="Sedang dikirim",
    reply_to="m-1",
    agent_name="Ana",
    attachments=(FILE,),
    sent_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
)


def send(platform: FakeWebhookPlatform, message: OutboundMessage = REPLY, **settings: str):
    own = account(**{"reply_url": platform.reply_url, **settings})
    return adapter.send(own, message, Http.trusting(platform.reply_url))


def test_a_reply_is_posted_as_promised(platform: FakeWebhookPlatform) -> None:
    assert send(platform).external_id == "ext-41"
    assert platform.replies["41"] == {
        "type": "message",
        "id": 41,
        "to": {"id": "u-7"},
        "text": "Sedang dikirim",
        "attachments": [{"url": "https://hub/a?sig=1", "filename": "a.png", "mime": "image/png", "size": 3}],
        "reply_to": "m-1",
        "agent": {"name": "Ana"},
        "sent_at": "2026-01-02T03:04:05Z",
    }
    assert platform.requests[0].headers["webhook-id"] == "41"


def test_the_same_id_on_every_attempt(platform: FakeWebhookPlatform) -> None:
    platform.will(503)
    with pytest.raises(DeliveryFailed):
        send(platform)
    send(platform)
    assert [request.headers["webhook-id"] for request in platform.requests] == ["41", "41"]


def test_during_rotation_both_secrets_sign(platform: FakeWebhookPlatform) -> None:
    send(platform, secret=f"{OTHER} {SECRET}")
    got = platform.requests[0]
    assert [Webhook(secret).verify(got.body, got.headers)["id"] for secret in (OTHER, SECRET)] == [41, 41]


@pytest.mark.parametrize("body", [b"", b"OK", b"[]", b'{"id": null}', b'{"id": ""}', b"\xff", b"x" * 2_000_000])
def test_any_2xx_means_sent(platform: FakeWebhookPlatform, body: bytes) -> None:
    platform.will(202, body=body)
    assert send(platform).external_id == "41"


def test_the_platforms_own_id_counts(platform: FakeWebhookPlatform) -> None:
    platform.will(json={"id": 77})
    assert send(platform).external_id == "77"


@pytest.mark.parametrize(
    ("trouble", "category", "permanent"),
    [
        ({"status": 429, "headers": {"Retry-After": "7"}}, "rate", False),
        ({"status": 500}, "unknown", False),
        ({"status": 401}, "auth", True),
        ({"status": 400}, "content", True),
        ({"redirect": "/x"}, "content", True),
        ({"drop": True}, "unconfirmed", False),
        ({"hang": True}, "unconfirmed", False),
    ],
)
def test_what_goes_wrong(
    platform: FakeWebhookPlatform, trouble: dict, category: str, permanent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_module, "SEND_SECONDS", 0.5)
    platform.will(**trouble)
    with pytest.raises(DeliveryFailed) as caught:
        send(platform)
    assert (caught.value.category, caught.value.permanent) == (category, permanent)
    if category == "rate":
        assert caught.value.retry_after == 7
    assert len(platform.requests) == 1


def test_without_a_reply_address_the_agent_is_told_what_to_do() -> None:
    with pytest.raises(DeliveryFailed) as caught:
        adapter.send(account(), REPLY, Http())
    assert caught.value.permanent
    assert "reply address" in caught.value.title
    now = datetime.now(UTC)
    assert adapter.abilities(account(), Conversation(external_id="u"), now).closed
    assert not adapter.abilities(account(reply_url="http://x/"), Conversation(external_id="u"), now).closed


def test_without_a_secret_nothing_is_sent_unsigned(platform: FakeWebhookPlatform) -> None:
    with pytest.raises(DeliveryFailed) as caught:
        send(platform, secret="")
    assert caught.value.category == "auth"
    assert platform.requests == []


def test_a_private_reply_address_that_nobody_exempted_is_blocked(platform: FakeWebhookPlatform) -> None:
    with pytest.raises(DeliveryFailed) as caught:
        adapter.send(account(reply_url=platform.reply_url), REPLY, Http())
    assert caught.value.permanent
    assert platform.requests == []


# ── Set-up ───────────────────────────────────────────────────────────────────────────────────


def test_a_secret_of_our_own_making_works() -> None:
    secret = new_secret()
    adapter.check_settings({"secret": secret})
    adapter.verify(account(secret=secret), request(*signed(HELLO, secret)))
    assert new_secret() != secret


@pytest.mark.parametrize("secret", ["whsec_ไทย", "a b c", "hunter2!", f"{SECRET} x!"])
def test_a_secret_that_cannot_work_is_said_so(secret: str) -> None:
    with pytest.raises(SettingsInvalid):
        adapter.check_settings({"secret": secret})


def test_the_live_check_posts_a_signed_ping(platform: FakeWebhookPlatform) -> None:
    own, http = account(reply_url=platform.reply_url), Http.trusting(platform.reply_url)
    assert [line.ok for line in adapter.check(own, http)] == [True]
    platform.will(401)
    (line,) = adapter.check(own, http)
    assert not line.ok
    assert "credentials" in str(line.words)
    assert [line.ok for line in adapter.check(account(), http)] == [False]


def test_a_file_is_fetched_without_our_credentials(platform: FakeWebhookPlatform) -> None:
    url = platform.add_file("a.png", b"png", "image/png")
    (file,) = one({**HELLO, "attachments": [{"url": url}]}).attachments
    assert b"".join(adapter.fetch_media(account(), file.remote, Http.trusting(platform.url))) == b"png"
    assert not {"authorization", "webhook-signature"} & set(platform.requests[0].headers)
