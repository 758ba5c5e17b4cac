"""Bodies that platforms really sent, read by our adapters, against what a careful reader took from them.

The samples lie beside the checkout (their licences forbid copying them in); without them this is skipped.
A new adapter joins with one line in FOLDERS and one signer.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
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
    InboundAttachment,
    InboundMessage,
    InboundRequest,
    NotAuthentic,
    Notice,
    Receipt,
)

SAMPLES = settings.BASE_DIR.parent / "shared" / "samples"
FOLDERS = {"twilio_sms": "sms"}
PLATFORMS = {"twilio": "sms"}
URL = "https://hub.example/webhooks/1/"


def _registered(folder: str, kinds: dict[str, str]) -> bool:
    return kinds.get(folder) in settings.CHANNEL_ADAPTERS


def _load(name: str, entries: str) -> list[dict[str, Any]]:
    path: Path = SAMPLES / name
    found = json.loads(path.read_text()) if path.exists() else {}
    if entries in found:
        return list(found[entries])
    return next((value for value in found.values() if isinstance(value, list) and value and "file" in value[0]), [])


ENTRIES = [entry for entry in _load("MANIFEST.json", "samples") if _registered(entry["channel"], FOLDERS)]
VECTORS = [
    vector
    for vector in _load("signatures.json", "vectors")
    # What is not scored is a matter of policy.
    if _registered(vector["platform"], PLATFORMS) and vector.get("scored") is not False
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


SIGNERS: dict[str, Signer] = {"sms": _twilio}

# How a signature vector's secret is called in the settings of its kind.
SECRET_SETTINGS = {"sms": "auth_token"}


# ── The tests ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["file"])
def test_a_sample_says_what_it_says(entry: dict[str, Any]) -> None:
    kind = FOLDERS[entry["channel"]]
    adapter, body = adapter_of(kind), (SAMPLES / entry["file"]).read_bytes().rstrip(b"\n")
    own, headers = SIGNERS[kind](body)
    account = Account(id=1, kind=kind, name="x", settings=own, webhook_url=URL)
    request = InboundRequest("POST", URL, headers, body)
    adapter.verify(account, request)
    found = list(adapter.parse(account, adapter.decode(account, request)))
    notices = [item for item in found if isinstance(item, Notice)]
    news = [item for item in found if not isinstance(item, Notice)]
    assert len(news) == len(entry["expected_events"])
    for item, expected in zip(news, entry["expected_events"], strict=True):
        CHECKS[expected["kind"]](item, expected)
    if "opt_out" in entry["expected"]:
        assert [notice.kind for notice in notices] == ["opt_out"]


def _is_message(item: Any, expected: dict[str, Any]) -> None:
    assert isinstance(item, InboundMessage)
    assert item.external_id == expected["external_message_id"]
    assert item.sender.external_id == expected["sender_id"]
    assert item.sender.name == (expected["sender_name"] or "")
    assert item.text == (expected["text"] or "")
    assert (item.occurred_at.isoformat() if item.occurred_at else None) == expected["timestamp"]
    assert (item.reply_to.external_id if item.reply_to else None) == expected["reply_to"]
    for attachment, wanted in zip(item.attachments, expected["attachments"], strict=True):
        _is_attachment(attachment, wanted)


def _is_attachment(attachment: InboundAttachment, wanted: dict[str, Any]) -> None:
    assert attachment.kind == wanted["type"]
    assert attachment.mime == (wanted["mime"] or "")
    if wanted["id_or_url"]:
        assert attachment.remote
        assert wanted["id_or_url"] in (attachment.remote.url, attachment.remote.id)
    if "latitude" in wanted:
        assert attachment.location
        assert (attachment.location.lat, attachment.location.lon) == (wanted["latitude"], wanted["longitude"])


def _is_postback(item: Any, expected: dict[str, Any]) -> None:
    _is_message(item, expected)
    assert item.postback.payload == expected["payload"]


def _is_status(item: Any, expected: dict[str, Any]) -> None:
    assert isinstance(item, Receipt)
    assert item.external_id == expected["external_message_id"]
    assert item.state == {"undelivered": "failed"}.get(expected["status"], expected["status"])
    assert item.recipient == expected.get("recipient_id", item.recipient)
    if "errors" in expected:
        assert item.error
        assert [item.error.code] == [str(code) for code in expected["errors"]]


CHECKS: dict[str, Callable[[Any, dict[str, Any]], None]] = {
    "message": _is_message,
    "postback": _is_postback,
    "status": _is_status,
}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector['platform']}-{vector['name']}")
def test_a_signature_is_judged_rightly(vector: dict[str, Any]) -> None:
    kind, body = PLATFORMS[vector["platform"]], vector["body"].encode()
    assert hashlib.sha256(body).hexdigest() == vector["body_sha256"]
    account = Account(id=1, kind=kind, name="x", settings={SECRET_SETTINGS[kind]: vector["secret"]})
    headers = {name.lower(): value for name, value in vector["headers"].items()}
    request = InboundRequest(vector["method"], vector["url"], headers, body)
    if vector["valid"]:
        adapter_of(kind).verify(account, request)
    else:
        with pytest.raises(NotAuthentic):
            adapter_of(kind).verify(account, request)
