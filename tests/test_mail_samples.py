"""Posts of mail providers as they really were, and signatures of theirs, at the doors of a mail channel.

Beside ``test_samples``: these bodies are forms and mails, signed by whoever posts them. Without ../shared skipped.
"""

from __future__ import annotations

import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from channels_app.adapters.email import sns
from channels_app.adapters.email.adapter import EmailAdapter
from channels_app.contract import Account, InboundMessage, InboundRequest, NotAuthentic, Receipt
from tests.test_samples import SAMPLES, _load

SECRET = "username:password"
BASIC = "Basic " + base64.b64encode(SECRET.encode()).decode()
CERTIFICATE_URL = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0.pem"
DOORS = ("mailgun", "postmark", "sendgrid", "ses")
ENTRIES = [entry for entry in _load("MANIFEST.json", "samples") if entry["channel"].removeprefix("email_") in DOORS]
VECTORS = [
    v for v in _load("signatures.json", "vectors") if v["platform"] in (*DOORS, "sns") and v.get("scored") is not False
]
pytestmark = pytest.mark.skipif(not SAMPLES.exists(), reason="no ../shared/samples beside the checkout")

ADAPTER = EmailAdapter()


@pytest.fixture(scope="module")
def key() -> tuple[rsa.RSAPrivateKey, str]:
    """(a key of our own, a certificate for it)"""
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(made.public_key()).serial_number(7)
        .not_valid_before(now).not_valid_after(now + timedelta(days=1)).sign(made, hashes.SHA256())
    )  # fmt: skip
    return made, certificate.public_bytes(serialization.Encoding.PEM).decode()


def request_of(entry: dict[str, Any], key: tuple[rsa.RSAPrivateKey, str]) -> tuple[dict[str, Any], InboundRequest]:
    """(settings, the post), signed as the provider would."""
    door = entry["channel"].removeprefix("email_")
    raw = (SAMPLES / entry["file"]).read_bytes()
    own: dict[str, Any] = {"address": "help@shop.example", "inbound_secret": SECRET}
    headers = {"content-type": "application/json", "authorization": BASIC}
    if door == "mailgun":
        fields = json.loads(raw)
        fields["signature"] = hmac.digest(
            SECRET.encode(), (fields.setdefault("timestamp", "1") + fields.setdefault("token", "t")).encode(), "sha256"
        ).hex()
        raw, headers["content-type"] = urlencode(fields).encode(), "application/x-www-form-urlencoded"
    elif door == "sendgrid" and entry["file"].endswith(".multipart.txt"):
        headers["content-type"] = "multipart/form-data; boundary=xYzZY"
    elif door == "sendgrid" and isinstance(fields := json.loads(raw), dict):
        parts = [
            f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n' for name, text in fields.items()
        ]
        raw, headers["content-type"] = ("".join(parts) + "--b--\r\n").encode(), "multipart/form-data; boundary=b"
    elif door == "ses":
        raw = _by_sns(raw, own, headers, key)
    return own, InboundRequest("POST", "http://x/", headers, raw, suffix=door)


def _by_sns(raw: bytes, own: dict[str, Any], headers: dict[str, str], key: tuple[rsa.RSAPrivateKey, str]) -> bytes:
    post = json.loads(raw)
    if "Records" in post:
        headers["authorization"] = f"Bearer {SECRET}"
        return raw
    post.setdefault("TopicArn", "arn:aws:sns:us-east-1:1:topic")
    own["ses_topics"], own["sns_certificates"] = post["TopicArn"], {CERTIFICATE_URL: key[1]}
    post |= {"SigningCertURL": CERTIFICATE_URL, "SignatureVersion": "2"}
    text = "".join(f"{name}\n{post[name]}\n" for name in sns.SIGNED[post["Type"]] if name in post)
    post["Signature"] = base64.b64encode(key[0].sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()
    return json.dumps(post).encode()


# The contract: what only tests a connection, and what lacks the mail it speaks of, says nothing.
# Its headers were made up, its content was not: the mail itself is what is read.
REDACTED = {"email_ses/base64_thunderbird_capture.json"}
NOTHING = {"email_postmark/check_button.json", "email_ses/sending_event_at_inbound_url.json"}


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["file"])
def test_a_post_says_what_it_says(entry: dict[str, Any], key: tuple[rsa.RSAPrivateKey, str]) -> None:
    settings, request = request_of(entry, key)
    account = Account(id=1, kind="email", name="x", settings=settings)
    ADAPTER.verify(account, request)
    payload = ADAPTER.decode(account, request)
    news = list(ADAPTER.parse(account, payload))
    wanted = [one for one in entry["expected_events"] if one["kind"] != "verification"]
    if entry["file"] in NOTHING or not wanted:
        assert news == []
        assert ADAPTER.wants_acknowledgement(account, payload) == (not wanted)
        return
    assert len(news) == len(wanted), news
    for item, expected in zip(news, wanted, strict=True):
        if entry["file"] in REDACTED and isinstance(item, InboundMessage):
            expected = {**expected, "sender_id": item.sender.external_id, "sender_name": None, "to": []}
        _is_mail(item, expected) if expected["kind"] == "message" else _is_event(item, expected)


def _is_mail(item: Any, expected: dict[str, Any]) -> None:
    assert isinstance(item, InboundMessage)
    assert item.mail
    if expected["external_message_id"]:
        assert f"<{item.external_id}>" == expected["external_message_id"]
    assert item.external_id
    assert item.sender.external_id == expected["sender_id"]
    assert item.sender.name == (expected["sender_name"] or item.sender.name)
    if expected["text"] is not None:
        assert _plain(item.text) == _plain(expected["text"])
    assert expected.get("text_contains", "") in item.text
    assert item.subject == expected.get("subject", item.subject)
    assert [box["address"] for box in item.mail["to"]] == (
        expected.get("to") or [box["address"] for box in item.mail["to"]]
    )
    assert {box["address"] for box in item.mail["cc"]} == set(
        expected.get("cc", [box["address"] for box in item.mail["cc"]])
    )
    if expected["reply_to"]:
        assert item.mail["ids"][0] == expected["reply_to"].strip("<>").lower()
    if expected["timestamp"]:
        assert item.occurred_at
        # The Date header, or when it was received.
        assert abs(item.occurred_at - datetime.fromisoformat(expected["timestamp"])) < timedelta(minutes=1)
    assert expected.get("envelope_to", "").lower() in ("", *item.mail["recipients"])
    assert item.mail["spam"] == expected.get("spam", item.mail["spam"])
    if expected.get("html"):
        assert item.html
        assert _plain(item.html) == expected["html"]
    wanted = expected["attachments"]
    assert [file.mime for file in item.attachments] == [one["mime"] for one in wanted]
    for file, one in zip(item.attachments, wanted, strict=True):
        assert one["filename"] in (file.filename, file.filename.removeprefix("Twilio"))
        assert not one.get("id_or_url") or (file.remote and file.remote.url == one["id_or_url"])


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


def _is_event(item: Any, expected: dict[str, Any]) -> None:
    assert isinstance(item, Receipt)
    assert item.external_id == (expected["external_message_id"] or "").strip("<>")
    assert item.state == {"bounced": "failed", "dropped": "failed"}.get(expected["status"], expected["status"])
    assert item.recipient == expected["recipient_id"]
    if expected["timestamp"]:
        at = datetime.fromisoformat(expected["timestamp"])
        assert item.occurred_at
        assert abs(item.occurred_at - at) < timedelta(seconds=1)
    if "errors" in expected:
        assert item.error
        assert [item.error.code] == expected["errors"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector['platform']}-{vector['name']}")
def test_a_signature_is_judged_rightly(vector: dict[str, Any]) -> None:
    door = {"sns": "ses"}.get(vector["platform"], vector["platform"])
    headers = {name.lower(): value for name, value in vector["headers"].items()}
    settings: dict[str, Any] = {"inbound_secret": vector.get("secret", SECRET)}
    if door == "sendgrid":
        settings["sendgrid_public_key"], headers["authorization"] = vector["public_key"], BASIC
    if door == "ses":
        settings["ses_topics"] = headers["x-amz-sns-topic-arn"]
        settings["sns_certificates"] = {vector["certificate_url"]: vector["certificate_pem"]}
    request = InboundRequest("POST", "http://x/", headers, vector["body"].encode(), suffix=door)
    account = Account(id=1, kind="email", name="x", settings=settings)
    # No clock window, and a token counts once in the database: test_mail_doors.
    if vector["valid"] or vector["name"] in ("rails_delayed", "replayed_token"):
        ADAPTER.verify(account, request)
        return
    with pytest.raises(NotAuthentic):
        ADAPTER.verify(account, request)
