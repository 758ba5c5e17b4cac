"""SendGrid: Inbound Parse (a form, with the whole mail where "raw" is on) and the Event Webhook (a JSON list).

User and password stand in the URL; where a verification key is set the post must be signed too (ECDSA over time
stamp and raw body). Source: Twilio SendGrid's documentation.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from channels_app import reading
from channels_app.adapters.email import charsets, inward, posted, rebuilt, told
from channels_app.adapters.email.doors import Quiet
from channels_app.adapters.email.posted import Form
from channels_app.adapters.email.postmark import basic
from channels_app.contract import (
    Account,
    BadBody,
    InboundRequest,
    News,
    NotAuthentic,
    Unreadable,
    UnreadableEvent,
    read_json,
)

STATES = {
    "processed": "accepted", "delivered": "delivered", "open": "read", "bounce": "failed", "dropped": "failed",
    "blocked": "failed", "deferred": "failed", "spamreport": "spamreport",
}  # fmt: skip
FIELDS = ("from", "to", "cc", "subject")


class SendGrid(Quiet):
    def verify(self, account: Account, request: InboundRequest) -> None:
        basic(account, request)
        key = account.get("sendgrid_public_key").strip()
        if key and not _signed(key, request):
            raise NotAuthentic("the signature is not right")

    def decode(self, account: Account, request: InboundRequest) -> Any:
        if posted.kind_of(request) == "application/json":
            events = read_json(request.body)
            if not isinstance(events, list):
                raise BadBody("the JSON is not a list of events")
            return events
        form = posted.read(request)
        form.named = posted.json_object(form.fields.get("charsets", b"").decode("utf-8", "replace"))
        return form

    def read(self, account: Account, content: Any) -> Iterable[News | Unreadable]:
        if isinstance(content, list):
            return [news for event in content for news in _event(event)]
        if not isinstance(content, Form):
            raise UnreadableEvent("this is no form")
        envelope = posted.json_object(content.text("envelope"))
        extra = {"recipients": posted.recipients(envelope.get("to"))}
        return inward.read(account, content.fields.get("email") or _rebuilt(content), extra)


def _signed(key: str, request: InboundRequest) -> bool:
    stamp = request.header("x-twilio-email-event-webhook-timestamp").encode("utf-8", "replace")
    try:
        signature = base64.b64decode(
            request.header("x-twilio-email-event-webhook-signature").encode("ascii"), validate=True
        )
        public = load_der_public_key(base64.b64decode(key))
        if not isinstance(public, ec.EllipticCurvePublicKey):
            return False
        public.verify(signature, stamp + request.body, ec.ECDSA(SHA256()))
    except (ValueError, binascii.Error, InvalidSignature):
        return False
    return True


def _event(event: Any) -> list[News | Unreadable]:
    if not isinstance(event, Mapping):
        return [Unreadable(error="the event is not an object")]
    said = str(event.get("event"))
    return told.one(
        STATES.get(said, ""),
        message_id=event.get("smtp-id") or event.get("sg_message_id"),
        recipient=event.get("email"),
        at=event.get("timestamp"),
        code=event.get("status") or event.get("type"),
        words=event.get("reason") or event.get("response"),
        soft=said == "deferred" or event.get("type") == "blocked",
        event_id=event.get("sg_event_id"),
    )


def _rebuilt(form: Form) -> bytes:
    """The fields are decoded already, and what an administrator's rules changed; the rest is in the header block."""
    pairs = _headers(form.fields.get("headers", b""))
    given = {name: form.text(name) for name in FIELDS}
    pairs = [(name, value) for name, value in pairs if not given.get(name.lower())]
    pairs += [(name.title(), value) for name, value in given.items() if value]
    infos = posted.json_object(form.text("attachment-info"))
    files = [_piece(file, reading.mapping(infos.get(file.name))) for file in form.files]
    return rebuilt.mail(pairs, form.text("text"), form.text("html"), files)


def _headers(block: bytes) -> list[tuple[str, str]]:
    text = charsets.decode(block, "utf-8").replace("\r\n", "\n")
    unfolded = text.replace("\n ", " ").replace("\n\t", " ")
    lines = [line.partition(":") for line in unfolded.split("\n")[:5000] if ":" in line]
    return [(name.strip(), value.strip()) for name, _colon, value in lines]


def _piece(file: posted.PostedFile, info: Mapping[str, Any]) -> rebuilt.Piece:
    return rebuilt.Piece(
        filename=file.filename or reading.line(info.get("filename")),
        mime=file.mime,
        content_id=reading.text(info.get("content-id")).strip("<>"),
        data=file.data,
    )
