"""A chat platform of one's own: signed JSON in, signed JSON out, as the public Standard Webhooks spec says.

The signature is checked here and not by the spec's library: that one wants the body as text (and
parses it), while we must tell a well-signed bad body (400) from a badly signed one (401).
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop as N_

from channels_app import reading
from channels_app.contract import (
    Abilities,
    Account,
    Adapter,
    CheckLine,
    Conversation,
    Deletion,
    DeliveryFailed,
    Edit,
    Field,
    InboundMessage,
    InboundRequest,
    News,
    NotAuthentic,
    OutboundMessage,
    Postback,
    Reaction,
    Receipt,
    ReceiptState,
    Remote,
    ReplyTo,
    Sender,
    Sent,
    SettingsInvalid,
    Unreadable,
    UnreadableEvent,
)
from channels_app.http import Download, Http, HttpError, Response, failure_from

TOLERANCE_SECONDS = 300
PREFIX = "whsec_"
KINDS = frozenset({"image", "video", "audio", "voice", "file"})


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


class WebhookAdapter(Adapter):
    kind = "webhook"
    label = _("Webhook")
    about = _("A platform of your own, or any program that can post and sign JSON.")
    icon = "webhook"
    idempotent = True
    fields = (
        Field(
            name="secret",
            label=_("Signing secret"),
            help=_("Starts with whsec_. Both sides sign with it. During a rotation: two, separated by a space."),
            secret=True,
            required=True,
            generate=new_secret,
        ),
        Field(
            name="reply_url",
            label=_("Reply address"),
            help=_("Answers are posted here."),
            is_url=True,
            redirects=True,
        ),
    )

    # ── in ──

    def verify(self, account: Account, request: InboundRequest) -> None:
        delivery, stamp, given = (request.header(f"webhook-{name}") for name in ("id", "timestamp", "signature"))
        if not (delivery and stamp and given):
            raise NotAuthentic("a signature header is missing")
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
            raise NotAuthentic("the timestamp is no number")
        if abs(time.time() - int(stamp)) > TOLERANCE_SECONDS:
            raise NotAuthentic("the timestamp is over five minutes away")
        offered = [mac.encode("utf-8", "replace") for version, _comma, mac in _signatures(given) if version == "v1"]
        for key in keys(account):
            right = sign(key, delivery, stamp, request.body).encode()
            if any(hmac.compare_digest(right, mac) for mac in offered):
                return
        raise NotAuthentic("no signature matches")

    def delivery_id(self, account: Account, request: InboundRequest) -> str:
        return request.header("webhook-id")

    def parse(self, account: Account, payload: Any) -> Iterable[News | Unreadable]:
        if not isinstance(payload, Mapping):
            raise UnreadableEvent("the event is not an object")
        batch = payload.get("events")
        if isinstance(batch, list) and payload.get("type", "batch") == "batch":
            return [_item(event) for event in batch]
        return [_event(payload)]

    def fetch_media(self, account: Account, attachment: Remote, http: Http) -> Download:
        return http.media(attachment.url)

    # ── out ──

    def abilities(self, account: Account, conversation: Conversation, now: datetime) -> Abilities:
        closed = None if account.get("reply_url") else NO_REPLY_URL_LAZY
        return Abilities(
            attachment_kinds=KINDS, can_write_first=True, can_quote=True, reads_receipts=True, closed=closed,
            quick_replies=13, quick_reply_title=60, quick_reply_payload=1000,
        )  # fmt: skip

    def send(self, account: Account, message: OutboundMessage, http: Http) -> Sent:
        try:
            answer = self._post(account, http, message.key, _outgoing(message))
        except HttpError as error:
            if 200 <= error.status < 300:  # any 2xx means sent, whatever becomes of the answer's body
                return Sent(external_id=message.key)
            raise failure_from(error) from error
        if not answer.ok:
            raise failure_from(answer)
        return Sent(external_id=reading.ident(answer.json_object().get("id")) or message.key)

    def _post(self, account: Account, http: Http, key: str, body: Mapping[str, Any]) -> Response:
        url = account.get("reply_url").strip()
        if not url:
            raise DeliveryFailed(NO_REPLY_URL, permanent=True, category="content", code="reply_url")
        signing = keys(account)
        if not signing:
            raise DeliveryFailed(NO_SECRET, permanent=True, category="auth", code="secret")
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        stamp = str(int(time.time()))
        headers = {
            "content-type": "application/json",
            "webhook-id": key,
            "webhook-timestamp": stamp,
            "webhook-signature": " ".join("v1," + sign(secret, key, stamp, content) for secret in signing),
        }
        return http.request("POST", url, headers=headers, content=content)

    # ── set-up ──

    def check_settings(self, settings: Mapping[str, Any]) -> None:
        words = str(settings.get("secret") or "").split()
        if len(words) > 2 or not all(map(_key, words)):
            raise SettingsInvalid({"secret": _("One or two secrets: whsec_ and then base64.")})

    def check(self, account: Account, http: Http) -> Sequence[CheckLine]:
        try:
            answer = self._post(account, http, f"check-{secrets.token_hex(8)}", {"type": "ping"})
        except DeliveryFailed as failure:
            return [CheckLine(ok=False, words=_(failure.title))]
        except HttpError as error:
            return [CheckLine(ok=False, words=_(failure_from(error).title))]
        if answer.ok:
            return [CheckLine(ok=True, words=_("The reply address took a signed test post."))]
        return [CheckLine(ok=False, words=_(failure_from(answer).title))]


NO_REPLY_URL = N_("This channel has no reply address: an administrator can set one in its settings.")
NO_REPLY_URL_LAZY = _("This channel has no reply address: an administrator can set one in its settings.")
NO_SECRET = N_("This channel has no usable signing secret: an administrator can set one in its settings.")


# ── Signatures ───────────────────────────────────────────────────────────────────────────────


def keys(account: Account) -> list[bytes]:
    """The secrets as bytes, those that are any; an empty or unreadable one never matches."""
    return [key for key in map(_key, account.get("secret").split()[:2]) if key]


def _key(secret: str) -> bytes:
    encoded = secret.removeprefix(PREFIX).rstrip("=")
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""


def sign(key: bytes, delivery: str, stamp: str, body: bytes) -> str:
    signed = b".".join((delivery.encode("utf-8", "surrogateescape"), stamp.encode(), body))
    return base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def _signatures(header: str) -> list[tuple[str, str, str]]:
    return [item.partition(",") for item in header.split(" ")[:20]]


# ── What comes in ────────────────────────────────────────────────────────────────────────────


def _item(event: Any) -> News | Unreadable:
    """One of a batch: whatever is wrong with it stays with it."""
    if not isinstance(event, Mapping):
        return Unreadable(error="the event is not an object")
    try:
        return _event(event)
    except UnreadableEvent as error:
        return Unreadable(error=str(error))


def _event(event: Mapping[str, Any]) -> News:
    inner = event.get("data")
    if isinstance(inner, Mapping) and not {"id", "message", "sender"} & event.keys():
        # As the public spec wraps it: {"type", "timestamp", "data"}.
        event = {"sent_at": event.get("timestamp"), "at": event.get("timestamp"), **inner, "type": event.get("type")}
    kind = event.get("type")
    reader = READERS.get(kind) if isinstance(kind, str) else None
    return reader(event) if reader else _unknown(event)


def _need(event: Mapping[str, Any], name: str) -> str:
    found = reading.ident(event.get(name))
    if found is None:
        raise UnreadableEvent(f"“{name}” is missing or not an id")
    return found


def _sender(event: Mapping[str, Any]) -> Sender:
    sender = _sender_if_any(event)
    if sender is None:
        raise UnreadableEvent("“sender” has no id")
    return sender


def _sender_if_any(event: Mapping[str, Any]) -> Sender | None:
    given = event.get("sender")
    person = given if isinstance(given, Mapping) else {"id": given}
    external_id = reading.ident(person.get("id"))
    if external_id is None:
        return None
    return Sender(
        external_id=external_id,
        name=reading.line(person.get("name")),
        email=reading.email(person.get("email")),
        phone=reading.phone(person.get("phone")),
        language=reading.language(person.get("language")),
    )


def _message(event: Mapping[str, Any]) -> InboundMessage:
    external_id, sender = _need(event, "id"), _sender(event)
    answered = event.get("reply_to")
    answered = reading.ident(answered.get("id") if isinstance(answered, Mapping) else answered)
    return InboundMessage(
        external_id=external_id,
        event_id=external_id,
        conversation=sender.external_id,
        occurred_at=reading.moment(event.get("sent_at")),
        sender=sender,
        text=reading.text(event.get("text")),
        attachments=reading.attachments(event.get("attachments")),
        reply_to=ReplyTo(external_id=answered) if answered else None,
    )


def _unknown(event: Mapping[str, Any]) -> InboundMessage:
    """A type that nobody knows yet is shown with what it has."""
    try:
        message = _message(event)
    except UnreadableEvent as error:
        raise UnreadableEvent(f"unknown type {str(event.get('type'))[:40]!r}: {error}") from None
    reason = reading.line(event.get("type"), 40) or "no type"
    return replace(message, unsupported=True, unsupported_reason=reason)


def _postback(event: Mapping[str, Any]) -> InboundMessage:
    title, payload = reading.text(event.get("title")), event.get("payload")
    if isinstance(payload, Mapping | list):
        payload = json.dumps(payload, ensure_ascii=False)
    postback = Postback(title=title, payload=reading.text(payload))
    return replace(_message(event), text=title or postback.payload, postback=postback)


STATES: dict[str, ReceiptState] = {
    "accepted": "accepted", "queued": "accepted", "sending": "accepted",
    "sent": "sent", "delivered": "delivered",
    "read": "read", "played": "read", "opened": "read",
    "failed": "failed", "undelivered": "failed", "bounced": "failed", "dropped": "failed",
}  # fmt: skip


def _receipt(event: Mapping[str, Any]) -> Receipt:
    target = _need(event, "message")
    status = event.get("status")
    state = STATES.get(status.strip().lower()) if isinstance(status, str) else None
    if state is None:
        raise UnreadableEvent(f"unknown receipt status {str(status)[:40]!r}")
    sender = _sender_if_any(event)
    return Receipt(
        state=state,
        external_id=target,
        own_key=target,
        event_id=reading.ident(event.get("id")) or "",
        conversation=sender.external_id if sender else "",
        occurred_at=reading.moment(event.get("at")),
        error=_error(event.get("error")) if state == "failed" else None,
    )


def _error(given: Any) -> DeliveryFailed:
    error = given if isinstance(given, Mapping) else {"title": given}
    said = reading.line(error.get("title") or error.get("message"), 300)
    return DeliveryFailed(
        said or N_("The platform could not deliver the message."),
        permanent=True,
        code=reading.line(reading.text(error.get("code")), 60),
        detail=reading.line(error.get("detail"), 1000),
    )


def _edit(event: Mapping[str, Any]) -> Edit:
    sender = _sender_if_any(event)
    if not isinstance(event.get("text"), str):
        raise UnreadableEvent("the edit has no text")
    given = event.get("attachments")
    return Edit(
        target=_need(event, "message"),
        event_id=reading.ident(event.get("id")) or "",
        conversation=sender.external_id if sender else "",
        occurred_at=_when(event),
        text=reading.text(event["text"]),
        sender=sender,
        attachments=reading.attachments(given) if isinstance(given, list) else None,
    )


def _delete(event: Mapping[str, Any]) -> Deletion:
    sender = _sender_if_any(event)
    return Deletion(
        target=_need(event, "message"),
        event_id=reading.ident(event.get("id")) or "",
        conversation=sender.external_id if sender else "",
        occurred_at=_when(event),
        sender=sender,
    )


def _reaction(event: Mapping[str, Any]) -> Reaction:
    target, sender, emoji = _need(event, "message"), _sender(event), reading.line(event.get("emoji"), 64)
    return Reaction(
        target=target,
        event_id=reading.ident(event.get("id")) or "",
        conversation=sender.external_id,
        occurred_at=_when(event),
        sender=sender,
        emoji=emoji,
        removed=reading.flag(event.get("removed")) or not emoji,
    )


def _when(event: Mapping[str, Any]) -> datetime | None:
    return reading.moment(event.get("at")) or reading.moment(event.get("sent_at"))


READERS: dict[str, Callable[[Mapping[str, Any]], News]] = {
    "message": _message,
    "postback": _postback,
    "receipt": _receipt,
    "edit": _edit,
    "delete": _delete,
    "reaction": _reaction,
}


# ── What goes out ────────────────────────────────────────────────────────────────────────────


def _outgoing(message: OutboundMessage) -> dict[str, Any]:
    sent_at = message.sent_at or datetime.now(UTC)
    return {
        "type": "message",
        # A number as everywhere in the API; only the parts after the first have a key that is none.
        "id": int(message.key) if message.key.isdecimal() else message.key,
        "to": {"id": message.to},
        "text": message.text,
        "attachments": [
            {"url": file.url, "filename": file.filename, "mime": file.mime, "size": file.size}
            for file in message.attachments
        ],
        "reply_to": message.reply_to or None,
        **({"quick_replies": [asdict(one) for one in message.quick_replies]} if message.quick_replies else {}),
        "agent": {"name": message.agent_name},
        "sent_at": sent_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
    }
