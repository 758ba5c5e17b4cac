"""Bodies that platforms really sent, read by our adapters, against what a careful reader took from them.

The samples lie beside the checkout (their licences forbid copying them in); without them this is skipped.
A new adapter joins with one line in FOLDERS and one signer.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.conf import settings
from django.utils.module_loading import import_string
from twilio.request_validator import RequestValidator

from channels_app.contract import (
    Account,
    Adapter,
    BadBody,
    Deletion,
    Edit,
    HandshakeAnswer,
    InboundAttachment,
    InboundMessage,
    InboundRequest,
    NotAuthentic,
    Notice,
    Reaction,
    Receipt,
    platform_id,
)

SAMPLES = settings.BASE_DIR.parent / "shared" / "samples"
META = ("whatsapp", "messenger", "instagram")
FOLDERS = {"twilio_sms": "sms", "line": "line", "telegram": "telegram", **{kind: kind for kind in META}}
# A platform's vectors hold for each of its kinds.
PLATFORMS: dict[str, tuple[str, ...]] = {
    "twilio": ("sms",), "line": ("line",), "telegram": ("telegram",), "meta": META,
}  # fmt: skip
URL = "https://hub.example/webhooks/1/"


def _registered(kind: str | None) -> bool:
    return kind in settings.CHANNEL_ADAPTERS


def _load(name: str, entries: str) -> list[dict[str, Any]]:
    path: Path = SAMPLES / name
    found = json.loads(path.read_text()) if path.exists() else {}
    if entries in found:
        return list(found[entries])
    return next((value for value in found.values() if isinstance(value, list) and value and "file" in value[0]), [])


ENTRIES = [entry for entry in _load("MANIFEST.json", "samples") if _registered(FOLDERS.get(entry["channel"]))]
VECTORS = [
    (kind, vector)
    for vector in _load("signatures.json", "vectors")
    for kind in PLATFORMS.get(vector["platform"], ())
    # What is not scored is a matter of policy.
    if _registered(kind) and vector.get("scored") is not False
]
pytestmark = pytest.mark.skipif(not SAMPLES.exists(), reason="no ../shared/samples beside the checkout")


def adapter_of(kind: str) -> Adapter:
    found: Adapter = import_string(settings.CHANNEL_ADAPTERS[kind])()
    return found


# ── Signing a sample as its platform would: kind → (settings, headers) for a body ────────────

Signer = Callable[[bytes], tuple[dict[str, str], dict[str, str]]]


def _twilio(body: bytes) -> tuple[dict[str, str], dict[str, str]]:
    form = dict(parse_qsl(body.decode(), keep_blank_values=True))
    signature = RequestValidator("token").compute_signature(URL, form)
    headers = {"content-type": "application/x-www-form-urlencoded; charset=UTF-8", "x-twilio-signature": signature}
    return {"account_sid": "AC1", "auth_token": "token", "from_number": "+6281200000000"}, headers


def _meta(body: bytes) -> tuple[dict[str, str], dict[str, str]]:
    mac = hmac.digest(b"app-secret", body, "sha256").hex()
    headers = {"content-type": "application/json", "x-hub-signature-256": f"sha256={mac}"}
    return {"app_secret": "app-secret", "verify_token": "meatyhamhock"}, headers


def _line(body: bytes) -> tuple[dict[str, str], dict[str, str]]:
    mac = base64.b64encode(hmac.digest(b"secret", body, "sha256")).decode()
    return {"channel_secret": "secret"}, {"content-type": "application/json", "x-line-signature": mac}


def _telegram(body: bytes) -> tuple[dict[str, str], dict[str, str]]:
    headers = {"content-type": "application/json", "x-telegram-bot-api-secret-token": "secret"}
    return {"secret_token": "secret"}, headers


SIGNERS: dict[str, Signer] = {
    "sms": _twilio, "line": _line, "telegram": _telegram, **dict.fromkeys(META, _meta),
}  # fmt: skip

# How a signature vector's secret is called in the settings of its kind.
SECRET_SETTINGS = {
    "sms": "auth_token", "line": "channel_secret", "telegram": "secret_token", **dict.fromkeys(META, "app_secret"),
}  # fmt: skip


# ── The tests ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["file"])
def test_a_sample_says_what_it_says(entry: dict[str, Any]) -> None:
    kind = FOLDERS[entry["channel"]]
    adapter, body = adapter_of(kind), (SAMPLES / entry["file"]).read_bytes().rstrip(b"\n")
    own, headers = SIGNERS[kind](body)
    account = Account(id=1, kind=kind, name="x", settings=own, webhook_url=URL)
    request = InboundRequest("POST", URL, headers, body)
    wanted = POLICY.get(entry["file"], entry["expected_events"])
    if [event["kind"] for event in wanted] == ["verification"]:
        _is_handshake(adapter, account, json.loads(body), wanted[0])
        return
    adapter.verify(account, request)
    if [event["kind"] for event in wanted] == ["malformed"]:
        with pytest.raises(BadBody):
            adapter.decode(account, request)
        return
    found = list(adapter.parse(account, adapter.decode(account, request)))
    # What a message means besides (STOP is an opt-out too) is told after it.
    extra = [item for item in found if isinstance(item, Notice) and item.kind == "opt_out"]
    news = [item for item in found if item not in extra] if "opt_out" in entry["expected"] else found
    assert len(news) == len(wanted), news
    for item, expected in zip(news, wanted, strict=True):
        CHECKS[expected["kind"]](item, expected)
    if "opt_out" in entry["expected"]:
        assert extra


# Where the contract says otherwise than the reader of the sample, who left it open.
POLICY: dict[str, list[dict[str, Any]]] = {
    # LINE's Verify button says nothing, in a post.
    "line/verify_empty_events.json": [],
    # A test of the dashboard starts nothing.
    "instagram/dashboard_test_event.json": [],
    # A comment is public: a line where a conversation is open with that person, never one of its own.
    "instagram/comment.json": [
        {"kind": "system", "sender_id": "1234536447", "text": None, "timestamp": "2018-02-23T15:21:47Z"}
    ],
}


def _is_handshake(adapter: Adapter, account: Account, given: dict[str, Any], expected: dict[str, Any]) -> None:
    request = InboundRequest("GET", URL, {}, b"", given["query"])
    assert adapter.handshake(account, request) == HandshakeAnswer(expected["text"])
    wrong = InboundRequest("GET", URL, {}, b"", {**given["query"], "hub.verify_token": "wrong"})
    answer = adapter.handshake(account, wrong)
    assert answer is not None
    assert answer.status == 403


def _is_at(item: Any, expected: dict[str, Any]) -> None:
    if expected.get("timestamp"):
        at = datetime.fromisoformat(expected["timestamp"])
        # Before the year 2000 no platform of ours was there: such a time is made up.
        assert item.occurred_at == (at if at.year >= 2000 else None)
    elif "timestamp" in expected and not isinstance(item, Notice):
        assert item.occurred_at is None


def _is_message(item: Any, expected: dict[str, Any]) -> None:
    assert isinstance(item, InboundMessage)
    assert not item.echo
    if expected["external_message_id"]:
        assert platform_id(item.external_id) == expected["external_message_id"]
    assert item.external_id
    # A guest has no id yet, and stands there by the reference that the platform gave; one whom the
    # platform does not name is a stand-in.
    assert item.sender.external_id in (expected["sender_id"], f"user_ref:{expected.get('user_ref')}") or (
        expected["sender_id"] is None and item.sender.external_id.startswith("unknown")
    )
    _is_content(item, expected)


def _is_content(item: InboundMessage, expected: dict[str, Any]) -> None:
    assert item.sender.name == (expected["sender_name"] or "")
    if "username" in expected:
        assert item.sender.username == expected["username"]
    if "catalog_id" in expected:
        assert item.text, "a basket is told in words, which the payload has none of"
    else:
        assert item.text == (expected["text"] or "")
    _is_at(item, expected)
    assert (platform_id(item.reply_to.external_id) if item.reply_to else None) == expected["reply_to"]
    _is_where(item, expected)
    if "reply_token" in expected and not item.standby:
        assert item.reply_handle
        assert item.reply_handle["token"] == expected["reply_token"]
    if "quote_token" in expected:
        assert item.quote_handle == {"token": expected["quote_token"]}
    if "story_url" in expected:
        assert item.reply_to
        assert (item.reply_to.kind, item.reply_to.url) == ("story", expected["story_url"])
    assert item.forwarded == expected.get("forwarded", False)
    assert item.standby == expected.get("standby", False)
    for name, value in (expected.get("referral") or {}).items():
        assert item.referral
        assert value is None or value in item.referral.values(), name
    for attachment, wanted in zip(item.attachments, expected["attachments"], strict=True):
        _is_attachment(attachment, wanted)


def _is_where(item: Any, expected: dict[str, Any]) -> None:
    """The conversation, where it is another than the sender."""
    if "conversation_id" in expected:
        assert item.conversation == expected["conversation_id"]
    if expected.get("is_group"):
        assert item.is_group


# What the manifest calls by more names than our contract has.
KINDS = {"story_mention": "story", "fallback": "share", "unsupported": "file", "animation": "video"}


def _is_attachment(attachment: InboundAttachment, wanted: dict[str, Any]) -> None:
    assert attachment.kind == KINDS.get(wanted["type"], wanted["type"])
    assert attachment.mime == (wanted["mime"] or "")
    # A sticker's name says what is on it: keywords, an emoji.
    assert attachment.filename == (wanted["filename"] or "") or attachment.kind == "sticker"
    assert attachment.caption == (wanted["caption"] or "")
    if wanted["id_or_url"] and attachment.kind != "location":
        assert attachment.remote or attachment.link
        remote = attachment.remote
        assert wanted["id_or_url"] in (attachment.link, *((remote.url, remote.id) if remote else ()))
    if "latitude" in wanted:
        place = attachment.location
        assert place
        assert (place.lat, place.lon) == (wanted["latitude"], wanted["longitude"])
        assert (place.name, place.address) == (wanted.get("name", ""), wanted.get("address", ""))
    if "phone" in wanted:
        assert attachment.contact
        assert (attachment.contact.name, attachment.contact.phones[0]) == (wanted["name"], wanted["phone"])


def _is_postback(item: Any, expected: dict[str, Any]) -> None:
    _is_message(item, expected)
    assert item.postback.payload == expected["payload"]
    for picked in (expected.get("params") or {}).values():
        assert item.postback.title == picked
    if "callback_id" in expected:
        assert expected["callback_id"] in item.external_id


def _is_unsupported(item: Any, expected: dict[str, Any]) -> None:
    _is_message(item, expected)
    assert item.unsupported
    assert item.unsupported_reason


def _is_echo(item: Any, expected: dict[str, Any]) -> None:
    assert isinstance(item, InboundMessage)
    assert item.echo
    assert item.external_id == expected["external_message_id"]
    assert item.conversation == expected["recipient_id"]
    assert item.sender.external_id == expected["sender_id"]
    _is_content(item, expected)


def _is_status(item: Any, expected: dict[str, Any]) -> None:
    assert isinstance(item, Receipt)
    assert item.external_id == (expected["external_message_id"] or "")
    assert item.state == {"undelivered": "failed"}.get(expected["status"], expected["status"])
    assert item.recipient == expected.get("recipient_id", item.recipient)
    assert item.own_key == expected.get("callback_data", item.own_key)
    _is_at(item, expected)
    if "watermark" in expected:
        assert item.watermark
        assert item.watermark.timestamp() * 1000 == expected["watermark"]
    if "errors" in expected:
        assert item.error
        assert [item.error.code] == [str(code) for code in expected["errors"]]


def _is_reaction(item: Any, expected: dict[str, Any]) -> None:
    assert isinstance(item, Reaction)
    assert (platform_id(item.target), item.sender.external_id) == (expected["reply_to"], expected["sender_id"])
    _is_where(item, expected)
    assert (item.emoji, item.removed) == (expected["text"] or "", expected["status"] == "unreact")
    _is_at(item, expected)


def _is_edit(item: Any, expected: dict[str, Any]) -> None:
    assert isinstance(item, Edit)
    assert (platform_id(item.target), item.text) == (expected["external_message_id"], expected["text"])
    _is_where(item, expected)
    assert item.sender
    assert (item.sender.external_id, item.sender.name) == (expected["sender_id"], expected["sender_name"] or "")
    _is_at(item, expected)
    for attachment, wanted in zip(item.attachments or (), expected["attachments"], strict=True):
        _is_attachment(attachment, wanted)


def _is_deletion(item: Any, expected: dict[str, Any]) -> None:
    assert isinstance(item, Deletion)
    assert platform_id(item.target) == expected["external_message_id"]
    _is_where(item, expected)
    _is_at(item, expected)


def _is_notice(item: Any, expected: dict[str, Any]) -> None:
    """A line in the log at most; what of the expected values it tells, it tells rightly."""
    assert isinstance(item, Notice)
    if expected["sender_id"]:
        assert item.sender
        assert item.sender.external_id == expected["sender_id"]
    for name in ("new_sender_id", "new_conversation_id"):
        if name in expected:
            assert item.moved_to == expected[name]
    if expected["kind"] in NOTICES:
        assert (item.kind, item.blocked) == (expected["kind"], NOTICES[expected["kind"]])
    _is_where(item, expected)
    _is_at(item, expected)
    told = [str(value) for value in item.detail.values()]
    for name in ("text", "status", "template", "app_id"):
        assert not expected.get(name) or expected[name] in told, name
    for value in (expected.get("referral") or {}).values():
        assert value in told


# Kinds of notices that mean that nobody can be written to any more, or can again.
NOTICES = {
    "follow": False, "unfollow": True, "join": False, "leave": True, "member_joined": None, "member_left": None,
}  # fmt: skip
CHECKS: dict[str, Callable[[Any, dict[str, Any]], None]] = {
    "message": _is_message,
    "postback": _is_postback,
    "unsupported": _is_unsupported,
    "echo": _is_echo,
    "status": _is_status,
    "reaction": _is_reaction,
    "edit": _is_edit,
    "delete": _is_deletion,
    **dict.fromkeys(["system", "optin", "referral", "handover", *NOTICES], _is_notice),
}


@pytest.mark.parametrize(("kind", "vector"), VECTORS, ids=[f"{kind}-{vector['name']}" for kind, vector in VECTORS])
def test_a_signature_is_judged_rightly(kind: str, vector: dict[str, Any]) -> None:
    body = vector["body"].encode()
    assert hashlib.sha256(body).hexdigest() == vector["body_sha256"]
    account = Account(id=1, kind=kind, name="x", settings={SECRET_SETTINGS[kind]: vector["secret"]})
    headers = {name.lower(): value for name, value in vector["headers"].items()}
    request = InboundRequest(vector.get("method", "POST"), vector.get("url", URL), headers, body)
    if vector["valid"]:
        adapter_of(kind).verify(account, request)
    else:
        with pytest.raises(NotAuthentic):
            adapter_of(kind).verify(account, request)
