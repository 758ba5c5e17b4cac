"""Postmark: JSON in, one post per mail or event; nothing is signed, so user and password stand in the URL.

Source: Postmark's documentation of inbound and of its webhooks.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Any

from channels_app import reading
from channels_app.adapters.email import esp, inward, posted, rebuilt, told
from channels_app.adapters.email.doors import Quiet, same
from channels_app.contract import (
    Account,
    InboundRequest,
    News,
    NotAuthentic,
    Unreadable,
    UnreadableEvent,
    read_json_object,
)

STATES = {"Delivery": "delivered", "Bounce": "failed", "Open": "read", "SpamComplaint": "complained"}
AGAIN = ("Transient", "DnsError", "AutoResponder", "ChallengeVerification", "AddressChange", "Subscribe", "Unsubscribe")
NO_ID = "00000000-0000-0000-0000-000000000000"
"""Of the Check button and the test posts."""
ONCE = ("From", "To", "Cc", "Bcc", "Subject", "Date")


def basic(account: Account, request: InboundRequest) -> None:
    """``user:password`` of the URL is the whole secret. Raises NotAuthentic."""
    scheme, _, given = request.header("authorization").strip().partition(" ")
    try:
        credentials = base64.b64decode(given.strip().encode("ascii"), validate=True).decode()
    except (ValueError, binascii.Error) as error:
        raise NotAuthentic("user and password cannot be read") from error
    if scheme.lower() != "basic" or not same(account.get("inbound_secret"), credentials):
        raise NotAuthentic("user and password are not right")


class Postmark(Quiet):
    def verify(self, account: Account, request: InboundRequest) -> None:
        basic(account, request)

    def decode(self, account: Account, request: InboundRequest) -> Any:
        return read_json_object(request.body)

    def read(self, account: Account, content: Any) -> Iterable[News | Unreadable]:
        if not isinstance(content, Mapping):
            raise UnreadableEvent("this is no object")
        kind = content.get("RecordType")
        if isinstance(kind, str) and kind and kind != "Inbound":
            return _event(kind, content)
        if content.get("MessageID") == NO_ID:
            return []
        extra = {"recipients": posted.recipients(content.get("OriginalRecipient"))}
        whole = content.get("RawEmail")
        raw = whole.encode("utf-8", "replace") if isinstance(whole, str) and whole else _rebuilt(content)
        return inward.read(account, raw, extra)


def _event(kind: str, content: Mapping[str, Any]) -> list[News | Unreadable]:
    if content.get("MessageID") == NO_ID:
        return []
    why = content.get("Type")
    return told.one(
        STATES.get(kind, ""),
        message_id=content.get("MessageID"),
        recipient=content.get("Recipient") or content.get("Email"),
        at=content.get("DeliveredAt") or content.get("BouncedAt") or content.get("ReceivedAt"),
        code=why,
        words=content.get("Details") or content.get("Description"),
        soft=why in AGAIN,
        event_id=content.get("ID"),
        own_key=reading.mapping(content.get("Metadata")).get(esp.OWN_KEY),
    )


def _rebuilt(content: Mapping[str, Any]) -> bytes:
    pairs = [
        (str(item.get("Name")), str(item.get("Value")))
        for item in reading.listed(content.get("Headers"))
        if isinstance(item, Mapping) and str(item.get("Name")).lower() not in [name.lower() for name in ONCE[:-1]]
    ]
    there = {name.lower() for name, _value in pairs}
    pairs += [("From", _people(content, "From")), ("To", _people(content, "To"))]
    pairs += [(name, _people(content, name)) for name in ("Cc", "Bcc")]
    pairs.append(("Subject", reading.text(content.get("Subject"))))
    for name, field in (("Date", "Date"), ("Reply-To", "ReplyTo")):
        if name.lower() not in there:
            pairs.append((name, reading.text(content.get(field))))
    pieces = [_piece(item) for item in reading.listed(content.get("Attachments")) if isinstance(item, Mapping)]
    pairs = [(name, value) for name, value in pairs if value]
    return rebuilt.mail(pairs, reading.text(content.get("TextBody")), reading.text(content.get("HtmlBody")), pieces)


def _people(content: Mapping[str, Any], name: str) -> str:
    """The structured form where it is there: it needs no quoting to be read rightly."""
    full = content.get(f"{name}Full")
    people = full if isinstance(full, list) else [full]
    boxes = [_box(one) for one in people if isinstance(one, Mapping) and isinstance(one.get("Email"), str)]
    return ", ".join(boxes) or reading.text(content.get(name))


def _box(one: Mapping[str, Any]) -> str:
    name = reading.line(one.get("Name")).replace("\\", "").replace('"', "")
    return f'"{name}" <{one["Email"]}>' if name else str(one["Email"])


def _piece(item: Mapping[str, Any]) -> rebuilt.Piece:
    return rebuilt.Piece(
        filename=reading.line(item.get("Name")),
        mime=reading.text(item.get("ContentType")),
        content_id=reading.text(item.get("ContentID")).strip("<>"),
        encoded=reading.text(item.get("Content") or item.get("Data")),
    )
