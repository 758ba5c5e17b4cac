"""Mailgun: routes that forward a mail (whole where the URL ends in ``mime``, else in pieces) and events.

The signature covers a time stamp and a token, never the mail, so a token counts once (``Adapter.once``) and there is
no clock window: a retry is hours old. Source: Mailgun's documentation of routes and webhooks.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from typing import Any

from channels_app import reading
from channels_app.adapters.email import esp, inward, posted, rebuilt, told
from channels_app.adapters.email.doors import Quiet, same
from channels_app.adapters.email.posted import Form
from channels_app.contract import (
    Account,
    BadBody,
    InboundRequest,
    News,
    NotAuthentic,
    Unreadable,
    UnreadableEvent,
    read_json_object,
)

# The fields that Mailgun writes beside the mail's own headers.
HEADERS = (
    "From", "To", "Cc", "Reply-To", "Subject", "Date", "Message-Id", "In-Reply-To", "References", "Sender",
    "Return-Path", "Auto-Submitted", "Precedence", "List-Id", "List-Unsubscribe", "X-Auto-Response-Suppress",
    "X-Autoreply", "X-Autorespond", "X-Loop", "X-Pelanggan-Instance", "Authentication-Results", "X-Failed-Recipients",
)  # fmt: skip
EVENTS = {"accepted": "accepted", "delivered": "delivered", "opened": "read", "failed": "failed", "rejected": "failed",
          "bounced": "failed", "dropped": "failed"}  # fmt: skip


class Mailgun(Quiet):
    def verify(self, account: Account, request: InboundRequest) -> None:
        key = account.get("inbound_secret")
        stamp, token, signature = _signature(request)
        right = hmac.new(key.encode(), f"{stamp}{token}".encode("utf-8", "replace"), "sha256").hexdigest()
        if not key.strip() or not stamp or not token or not same(right, signature):
            raise NotAuthentic("the signature is not right")

    def once(self, request: InboundRequest) -> str:
        return _signature(request)[1]

    def decode(self, account: Account, request: InboundRequest) -> Any:
        if posted.kind_of(request) == "application/json":
            return read_json_object(request.body)
        form = posted.read(request)
        for name, value in form.fields.items():
            # The mail itself may be in any charset; what Mailgun writes is UTF-8.
            if name not in ("body-mime", "body-plain", "body-html", "stripped-text", "stripped-html"):
                _utf8(name, value)
        return form

    def read(self, account: Account, content: Any) -> Iterable[News | Unreadable]:
        if isinstance(content, Mapping):
            event = reading.mapping(content.get("event-data"))
            return _event(event) if event else _legacy({str(name): value for name, value in content.items()})
        if not isinstance(content, Form):
            raise UnreadableEvent("this is no form")
        if content.fields.get("event") and not any(name.startswith("body") for name in content.fields):
            return _legacy({name: content.text(name) for name in content.fields})
        extra = {
            "recipients": posted.recipients(content.text("recipient")),
            "received": content.text("timestamp"),
            "remote": _remote(content.text("attachments")),
        }
        raw = content.fields.get("body-mime") or _rebuilt(content)
        return inward.read(account, raw, extra)


def _signature(request: InboundRequest) -> tuple[str, str, str]:
    """(time stamp, token, signature), empty where the body has none."""
    try:
        if posted.kind_of(request) == "application/json":
            body = read_json_object(request.body)
            found: Any = body.get("signature")
            if not isinstance(found, Mapping):
                found = body
        else:
            form = posted.read(request)
            found = {name: form.text(name) for name in ("timestamp", "token", "signature")}
    except BadBody as error:
        raise NotAuthentic("there is no signature to be read") from error
    values = [found.get(name) for name in ("timestamp", "token", "signature")]
    stamp, token, signature = (str(value) if isinstance(value, str | int) else "" for value in values)
    return stamp, token, signature


def _utf8(name: str, value: bytes) -> None:
    try:
        value.decode()
    except UnicodeDecodeError as error:
        raise BadBody(f"the field {name[:40]!r} is not UTF-8") from error


def _rebuilt(form: Form) -> bytes:
    pairs = _pairs(form.text("message-headers"))
    there = {name.lower() for name, _value in pairs}
    folded = {name.lower(): name for name in reversed(form.fields)}
    for name in HEADERS:
        value = form.text(folded.get(name.lower(), "")) if name.lower() in folded else ""
        if value and name.lower() not in there:
            pairs.append((name, value))
            there.add(name.lower())
    if "from" not in there and form.text("sender"):
        pairs.append(("From", form.text("sender")))
    cids = {str(field): str(cid) for cid, field in posted.json_object(form.text("content-id-map")).items()}
    files = [
        rebuilt.Piece(
            filename=file.filename, mime=file.mime, data=file.data, content_id=cids.get(file.name, "").strip("<>")
        )
        for file in form.files
    ]
    return rebuilt.mail(pairs, form.text("body-plain"), form.text("body-html"), files)


def _pairs(text: str) -> list[tuple[str, str]]:
    """``message-headers``: a list of [name, value]; sometimes no JSON at all, then the single fields must do."""
    return [
        (pair[0], pair[1])
        for pair in posted.json_list(text)
        if isinstance(pair, list) and len(pair) == 2 and all(isinstance(one, str) for one in pair)
    ]


def _remote(text: str) -> list[Any]:
    """``store()`` keeps the files and names them: a list of url, content-type, name, size."""
    files = posted.json_list(text)
    return [{**file, "mime": file.get("content-type")} for file in files if isinstance(file, Mapping)]


def _event(event: Mapping[str, Any]) -> list[News | Unreadable]:
    message = reading.mapping(event.get("message"))
    headers = reading.mapping(message.get("headers"))
    status = reading.mapping(event.get("delivery-status"))
    return told.one(
        EVENTS.get(str(event.get("event")), str(event.get("event"))),
        message_id=headers.get("message-id"),
        recipient=event.get("recipient"),
        at=event.get("timestamp"),
        code=status.get("enhanced-code") or status.get("code") or event.get("reason"),
        words=status.get("message") or status.get("description"),
        soft=event.get("severity") == "temporary",
        event_id=event.get("id"),
        own_key=reading.mapping(event.get("user-variables")).get(esp.OWN_KEY),
    )


def _legacy(fields: Mapping[str, Any]) -> list[News | Unreadable]:
    """The events of before 2018, as form fields."""
    return told.one(
        EVENTS.get(str(fields.get("event")), str(fields.get("event"))),
        message_id=fields.get("Message-Id") or fields.get("message-id"),
        recipient=fields.get("recipient"),
        at=fields.get("timestamp"),
        code=fields.get("code"),
        words=fields.get("error") or fields.get("description"),
        soft=False,
    )
