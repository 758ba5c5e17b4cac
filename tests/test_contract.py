"""Promises that every registered adapter keeps, whoever wrote it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any, get_args

import pytest
from django.conf import settings
from django.utils.functional import Promise
from django.utils.module_loading import import_string
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from channels_app import contract
from channels_app import http as http_module
from channels_app.contract import (
    Abilities,
    Account,
    Adapter,
    BadBody,
    Category,
    Conversation,
    DeliveryFailed,
    Event,
    InboundRequest,
    NotAuthentic,
    OutboundMessage,
    Sent,
    SettingsInvalid,
    TextMeasure,
    Unreadable,
    UnreadableEvent,
)
from channels_app.http import Http
from tests.platforms import FakePlatform

KINDS = sorted(settings.CHANNEL_ADAPTERS)
FORM = "application/x-www-form-urlencoded"
NOW = datetime(2026, 1, 2, tzinfo=UTC)
# What a platform says to a send that went well, where an empty object would not do.
GOOD_ANSWERS: dict[str, Any] = {
    "sms": {"sid": "SM1", "status": "queued"},
    "line": {"sentMessages": [{"id": "461230966842064897", "quoteToken": "IStG5h1Tz7b"}]},
    "telegram": {"ok": True, "result": {"message_id": 7, "chat": {"id": 4200, "type": "private"}}},
    "whatsapp": {"messaging_product": "whatsapp", "messages": [{"id": "wamid.1"}]},
    "messenger": {"recipient_id": "u-7", "message_id": "m_1"},
    "instagram": {"recipient_id": "u-7", "message_id": "aWdf1"},
}
# An address that the platform would take.
TO = {
    "sms": "+6281311112222",
    "line": "U4af4980629dead0629dead0629dead06",
    "telegram": "4200",
    "whatsapp": "6281311112222",
}


@pytest.fixture(params=KINDS)
def adapter(request: pytest.FixtureRequest) -> Adapter:
    return import_string(settings.CHANNEL_ADAPTERS[request.param])()


@pytest.fixture
def platform():
    with FakePlatform() as fake:
        yield fake


def account(adapter: Adapter, url: str = "", **given: str) -> Account:
    """Every field filled with something that could be right."""
    own = {field.name: _value(field, url) for field in adapter.fields}
    return Account(id=1, kind=adapter.kind, name="x", settings={**own, **given}, webhook_url="http://hub/webhooks/1/")


def _value(field: contract.Field, url: str) -> str:
    if field.is_url:
        return url if "https" in field.schemes or not url else f"{field.schemes[0]}://user:word@mail.example.com"
    if field.generate:
        return field.generate()
    if field.name == "origins":
        return "https://shop.example"
    if field.name == "address":
        return "help@shop.example"
    if field.name in ("sendgrid_public_key", "sns_certificates", "per_minute"):
        return ""
    return field.default or ("+6281200000000" if field.name.endswith("number") else "abc123")


# What follows the channel's address where a kind has several doors.
DOORS = {"email": ("mime", "mailgun", "postmark", "sendgrid", "ses", "", "nowhere")}


def inbound(body: bytes = b"{}", suffix: str = "", **headers: str) -> InboundRequest:
    return InboundRequest("POST", "http://hub/webhooks/1/", headers, body, suffix=suffix)


def doors(adapter: Adapter) -> tuple[str, ...]:
    return DOORS.get(adapter.kind, ("",))


def reply(adapter: Adapter) -> OutboundMessage:
    return OutboundMessage(key="41", to=TO.get(adapter.kind, "u-7"), text="Halo", agent_name="Ana", sent_at=NOW)


# ── What it says about itself ────────────────────────────────────────────────────────────────


def test_it_declares_itself(adapter: Adapter) -> None:
    assert settings.CHANNEL_ADAPTERS[adapter.kind].endswith(type(adapter).__name__)
    assert isinstance(adapter.label, Promise), "labels are translated when they are shown"
    assert adapter.icon
    names = [field.name for field in adapter.fields]
    assert len(names) == len(set(names))
    for field in adapter.fields:
        assert field.name.isidentifier()
        assert isinstance(field.label, Promise)
        assert not field.help or isinstance(field.help, Promise)
        assert all(isinstance(words, Promise) for _value, words in field.choices)
        assert not field.redirects or field.is_url, "only a URL says where credentials go"
        if field.generate:
            assert field.generate() != field.generate()


def test_an_adapter_has_no_state(adapter: Adapter) -> None:
    assert vars(adapter) == {}


def test_what_a_platform_names_itself_gives_way_to_base_url(adapter: Adapter) -> None:
    if adapter.api_host:
        assert "base_url" in {field.name for field in adapter.fields}


def test_its_abilities_can_be_asked_at_any_time(adapter: Adapter) -> None:
    for conversation in (
        Conversation(external_id=""),
        Conversation(external_id="x", last_inbound_at=NOW, blocked=True),
    ):
        able = adapter.abilities(account(adapter), conversation, NOW)
        assert isinstance(able, Abilities)
        assert able.attachment_kinds <= set(get_args(contract.AttachmentKind))
        assert able.closed is None or isinstance(able.closed, Promise)
    assert isinstance(adapter.measure(account(adapter), "สวัสดี 😀"), TextMeasure)


def test_what_it_generates_and_proposes_it_accepts(adapter: Adapter) -> None:
    adapter.check_settings(account(adapter, "https://api.example.com").settings)


def test_odd_settings_are_refused_in_words_or_taken(adapter: Adapter) -> None:
    for odd in ("", " ", "\x00", "ไทย", "x" * 10_000, "https://[", 7, None, [], {}):
        errors: dict[str, Any] = {}
        try:
            adapter.check_settings({field.name: odd for field in adapter.fields})
        except SettingsInvalid as error:
            errors = error.errors
        assert set(errors) <= {field.name for field in adapter.fields}
        assert all(isinstance(words, Promise) for words in errors.values())


# ── Only the platform may post ───────────────────────────────────────────────────────────────


def test_unsigned_is_refused(adapter: Adapter) -> None:
    for body, door in product((b"{}", b"", b"\xff" * 100, b"a=1&b=2"), doors(adapter)):
        with pytest.raises(NotAuthentic):
            adapter.verify(account(adapter), inbound(body, door))


def test_an_empty_secret_never_matches(adapter: Adapter) -> None:
    """Also not with every signature header there may be, empty or made with an empty key."""
    names = [
        "webhook-id", "webhook-timestamp", "webhook-signature", "x-twilio-signature", "x-hub-signature-256",
        "x-line-signature", "x-telegram-bot-api-secret-token", "authorization",
    ]  # fmt: skip
    for secret in ("", " "):
        own = account(adapter, **{field.name: secret for field in adapter.fields if field.secret})
        for value, door in product(("", " ", "sha256=", "Bearer ", "Basic Og==", "v1,"), doors(adapter)):
            with pytest.raises(NotAuthentic):
                adapter.verify(own, inbound(suffix=door, **dict.fromkeys(names, value)))


def test_no_header_makes_it_stumble(adapter: Adapter) -> None:
    for value in ("ไทย", "\udcff", "a" * 70_000, ",", "=", "v1,=,=", "sha256=ไทย", "Basic ???", "\x00"):
        headers = {"webhook-id": value, "webhook-timestamp": value, "webhook-signature": value}
        headers |= {"x-twilio-signature": value, "content-type": value, "authorization": value}
        headers |= {"x-hub-signature-256": value, "x-line-signature": value, "x-telegram-bot-api-secret-token": value}
        for door in doors(adapter):
            with pytest.raises(NotAuthentic):
                adapter.verify(account(adapter), inbound(b"a=1", door, **headers))


# ── Whatever comes, nothing but words ────────────────────────────────────────────────────────

NAMES = [
    "type", "id", "sender", "text", "attachments", "reply_to", "sent_at", "message", "status", "error", "at", "emoji",
    "events", "payload", "title", "removed", "MessageSid", "From", "To", "Body", "NumMedia", "MediaUrl0",
    "MessageStatus", "Latitude", "Longitude", "ErrorCode", "OptOutType", "url", "mime", "filename", "kind", "name",
]  # fmt: skip
WORDS = [
    "message",
    "receipt",
    "edit",
    "delete",
    "reaction",
    "postback",
    "batch",
    "read",
    "failed",
    "location",
    "contact",
    "1",
]
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(WORDS)
    | st.just("\x00") | st.just("x" * 10_000) | st.just(10**400) | st.just("\ud800") | st.just("http://[")
)  # fmt: skip
keys = st.sampled_from(NAMES) | st.text(max_size=8)
garbage = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=8), max_leaves=30
)
objects = st.dictionaries(keys, garbage, max_size=12)
plausible = st.fixed_dictionaries(
    {
        "type": st.sampled_from(WORDS),
        "id": scalars,
        "message": garbage,
        "sender": garbage,
        "MessageSid": scalars,
        "From": scalars,
    },
    optional={name: garbage for name in NAMES if name not in {"type", "id", "message", "sender", "MessageSid", "From"}},
)


@pytest.mark.parametrize("kind", KINDS)
@hypothesis_settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    payload=objects | plausible | st.builds(lambda items: {"events": items}, st.lists(garbage | plausible, max_size=4))
)
def test_garbage_is_unreadable_and_nothing_worse(kind: str, payload: Any) -> None:
    adapter: Adapter = import_string(settings.CHANNEL_ADAPTERS[kind])()
    try:
        news = list(adapter.parse(account(adapter), payload))
    except UnreadableEvent:
        return
    for item in news:
        assert isinstance(item, Event | Unreadable)
        _storable(item)


def _storable(value: Any) -> None:
    """No NUL, no lone surrogate, no id over what the database takes."""
    if isinstance(value, str):
        assert "\x00" not in value
        value.encode()
    elif isinstance(value, tuple | list):
        for item in value:
            _storable(item)
    elif hasattr(value, "__dataclass_fields__"):
        for name in value.__dataclass_fields__:
            found = getattr(value, name)
            if name in ("external_id", "conversation", "event_id", "target"):
                assert len(found) <= 255
            _storable(found)


@pytest.mark.parametrize("kind", KINDS)
@hypothesis_settings(max_examples=100, deadline=None)
@given(body=st.binary(max_size=200))
def test_any_bytes_are_read_or_a_bad_body(kind: str, body: bytes) -> None:
    adapter: Adapter = import_string(settings.CHANNEL_ADAPTERS[kind])()
    kinds = ("application/json", "application/x-www-form-urlencoded", "", "x/y; charset=\x00")
    for content_type, door in product(kinds, doors(adapter)):
        request = inbound(body, door, **{"content-type": content_type})
        with suppress(BadBody, UnreadableEvent, NotAuthentic):
            list(adapter.parse(account(adapter), adapter.decode(account(adapter), request)))
        adapter.delivery_id(account(adapter), request)


# ── Its folder of payloads ───────────────────────────────────────────────────────────────────

PAYLOADS = Path(__file__).parent / "platforms" / "payloads"


def test_it_has_payloads_and_reads_them(adapter: Adapter) -> None:
    files = sorted((PAYLOADS / adapter.kind).iterdir())
    assert files, "a channel comes with bodies its platform really sends"
    for file in files:
        form = file.name.endswith(".form.txt")
        door = file.name.split(".")[0] if adapter.kind in DOORS else ""
        request = inbound(file.read_bytes(), door, **{"content-type": FORM if form else "application/json"})
        every_account = account(adapter, phone_number_id="", page_id="", account_id="")
        news = list(adapter.parse(every_account, adapter.decode(every_account, request)))
        assert [item for item in news if isinstance(item, Event)], file.name
        broken = [item for item in news if isinstance(item, Unreadable)]
        assert bool(broken) == ("broken" in file.name), file.name


# ── Sending ──────────────────────────────────────────────────────────────────────────────────


def speaks_http(adapter: Adapter) -> bool:
    """Mail goes by SMTP unless a provider's API is chosen: tests/channels_app/test_mail_providers.py."""
    return not adapter.fetches and any(field.redirects and "https" in field.schemes for field in adapter.fields)


@pytest.fixture(params=[kind for kind in KINDS if speaks_http(import_string(settings.CHANNEL_ADAPTERS[kind]))])
def speaker(request: pytest.FixtureRequest) -> Adapter:
    """An adapter that sends over HTTP."""
    return import_string(settings.CHANNEL_ADAPTERS[request.param])()


def send(adapter: Adapter, url: str) -> Sent:
    return adapter.send(account(adapter, url), reply(adapter), Http.trusting(url))


# For the widget sending is keeping, so it wants a visitor in a database: tests/widget. A mail wants a mail server:
# tests/channels_app/email/test_outgoing.py.
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("webchat", "email")])
def test_a_good_answer_is_sent(kind: str, platform: FakePlatform) -> None:
    adapter: Adapter = import_string(settings.CHANNEL_ADAPTERS[kind])()
    platform.always(json=GOOD_ANSWERS.get(adapter.kind, {}))
    sent = send(adapter, platform.url)
    assert isinstance(sent, Sent)
    assert sent.external_id
    assert bool(platform.requests) == speaks_http(adapter)


@pytest.mark.parametrize(
    ("trouble", "permanent", "categories"),
    [
        ({"status": 429, "headers": {"Retry-After": "7"}}, False, {"rate"}),
        ({"status": 500}, False, {"unknown"}),
        ({"status": 503, "body": "<html>", "headers": {"Content-Type": "text/html"}}, False, {"unknown"}),
        ({"status": 401}, True, {"auth"}),
        ({"status": 400, "body": "{"}, True, {"content", "unknown"}),
        ({"redirect": "http://127.0.0.1:9/"}, True, {"content"}),
        ({"drop": True}, False, {"unconfirmed"}),
        ({"hang": True}, False, {"unconfirmed"}),
    ],
)
def test_trouble_is_a_failure_in_words(
    speaker: Adapter, platform: FakePlatform, monkeypatch: pytest.MonkeyPatch,
    trouble: dict[str, Any], permanent: bool, categories: set[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(http_module, "SEND_SECONDS", 0.4)
    platform.always(**trouble)
    with pytest.raises(DeliveryFailed) as caught:
        send(speaker, platform.url)
    failure = caught.value
    assert failure.permanent == permanent
    assert failure.category in categories
    assert failure.category in get_args(Category)
    assert isinstance(failure.title, str)
    assert failure.title
    if trouble.get("status") == 429:
        assert failure.retry_after == 7
    assert len(platform.requests) == 1, "an adapter never repeats by itself"


def test_a_refused_connection_is_tried_again(speaker: Adapter) -> None:
    with FakePlatform() as gone:
        url = gone.url
    with pytest.raises(DeliveryFailed) as caught:
        send(speaker, url)
    assert (caught.value.permanent, caught.value.category) == (False, "unknown")


def test_a_private_address_that_nobody_exempted_gets_nothing(speaker: Adapter, platform: FakePlatform) -> None:
    with pytest.raises(DeliveryFailed) as caught:
        speaker.send(account(speaker, platform.url), reply(speaker), Http())
    assert caught.value.permanent
    assert platform.requests == []


def test_without_settings_a_send_fails_in_words(speaker: Adapter) -> None:
    bare = Account(id=1, kind=speaker.kind, name="x", settings={})
    with pytest.raises(DeliveryFailed) as caught:
        speaker.send(bare, reply(speaker), Http())
    assert caught.value.permanent
    assert caught.value.title


def test_what_can_be_pressed_stands_under_the_last_part_and_is_sent(speaker: Adapter, platform: FakePlatform) -> None:
    """Where an adapter says that it has buttons; their words arrive whole, up to the length that it says."""
    given = account(speaker, platform.url)
    able = speaker.abilities(given, Conversation(external_id=TO.get(speaker.kind, "u-7"), last_inbound_at=NOW), NOW)
    if not able.quick_replies:
        return
    titles = [f"{n} ".ljust(able.quick_reply_title, "x") for n in range(able.quick_replies)]
    offered = tuple(contract.QuickReply(title=title, payload=f"p{n}") for n, title in enumerate(titles))
    long = "kata " * ((able.max_length or 10) // 4)
    parts = speaker.split(replace(reply(speaker), text=long, quick_replies=offered), able)
    assert [part.quick_replies for part in parts] == [()] * (len(parts) - 1) + [offered]
    platform.always(json=GOOD_ANSWERS.get(speaker.kind, {"id": "x-1"}))
    speaker.send(given, parts[-1], Http.trusting(platform.url))
    sent = str(platform.requests[-1].json)
    assert all(title in sent and f"p{n}" in sent for n, title in enumerate(titles))


def test_addresses_are_spelled_or_refused(adapter: Adapter) -> None:
    for given_address in ("", " ", "+6281311112222", "u-7", "\x00", "x" * 1000, "whatsapp:"):
        try:
            found = adapter.normalise_address(account(adapter), given_address)
        except ValueError:
            continue
        assert adapter.normalise_address(account(adapter), found) == found
