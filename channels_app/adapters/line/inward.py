"""What LINE posts, read leniently: its official models refuse a whole body for one odd field.

Documented at developers.line.biz (webhook event objects) and in line/line-openapi's webhook.yml.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from channels_app import reading
from channels_app.contract import (
    Deletion,
    Edit,
    InboundAttachment,
    InboundMessage,
    News,
    Notice,
    Postback,
    Remote,
    ReplyTo,
    Sender,
    Unreadable,
    UnreadableEvent,
)

Json = Mapping[str, Any]
STICKERS = "https://stickershop.line-scdn.net"
# A reply token lives a minute, in older reports half of one; what is younger than this is tried.
TOKEN_LIVES = timedelta(seconds=50)
UNKNOWN = "unknown"
# Who the console's older Verify button pretends to be.
NOBODY = "Udeadbeefdeadbeefdeadbeefdeadbeef"


def events(payload: Any) -> list[News | Unreadable]:
    """Every event of the body; an empty list is the Verify button."""
    found = payload.get("events") if isinstance(payload, Mapping) else None
    if not isinstance(found, list):
        raise UnreadableEvent("“events” is not a list")
    return [news for event in found for news in _event(event)]


def _event(event: Any) -> list[News | Unreadable]:
    """One event: whatever is wrong with it stays with it."""
    if not isinstance(event, Mapping):
        return [Unreadable(error="the event is not an object")]
    if _inner(event, "source").get("userId") == NOBODY:
        return []
    kind = event.get("type")
    reader = READERS.get(kind) if isinstance(kind, str) else None
    try:
        return [reader(event) if reader else _unknown(event)]
    except UnreadableEvent as error:
        return [Unreadable(error=str(error))]


def _inner(event: Json, name: str) -> Json:
    found = event.get(name)
    return found if isinstance(found, Mapping) else {}


# ── What all events have in common ───────────────────────────────────────────────────────────


def _where(event: Json) -> dict[str, Any]:
    """The conversation: a group or room where there is one, else the user."""
    source = _inner(event, "source")
    group = reading.ident(source.get("groupId")) or reading.ident(source.get("roomId"))
    return {
        "conversation": group or reading.ident(source.get("userId")) or "",
        "is_group": group is not None,
        "occurred_at": reading.moment(event.get("timestamp")),
        "event_id": reading.ident(event.get("webhookEventId")) or "",
        "standby": event.get("mode") == "standby",
    }


def _person(event: Json) -> Sender | None:
    user = reading.ident(_inner(event, "source").get("userId"))
    return Sender(external_id=user) if user else None


def _sender(event: Json, where: Mapping[str, Any]) -> Sender:
    """In a group LINE names only those who agreed to it; all others of one group are one stand-in."""
    found = _person(event)
    if found:
        return found
    group = where["conversation"]
    return Sender(external_id=reading.ident(f"{UNKNOWN}@{group}") or UNKNOWN if group else UNKNOWN)


def _own_id(event: Json) -> str:
    """The id of an event that has no message: LINE's own, or what stays the same on a redelivery."""
    given = reading.ident(event.get("webhookEventId"))
    if given:
        return given
    lasting = {name: value for name, value in event.items() if name != "deliveryContext"}
    return "event-" + hashlib.sha256(json.dumps(_plain(lasting), sort_keys=True).encode()).hexdigest()[:40]


def _plain(value: Any) -> Any:
    """Without its lists, for an event that is looked at in part must keep its id."""
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items() if not isinstance(item, list)}
    return value if isinstance(value, str | int | float) else None


def _handle(event: Json, occurred_at: datetime | None) -> dict[str, Any] | None:
    """Another module answers in standby; a token of unknown age may be over."""
    token = reading.ident(event.get("replyToken"))
    if not token or occurred_at is None or event.get("mode") == "standby":
        return None
    return {"token": token, "expires_at": (occurred_at + TOKEN_LIVES).isoformat(), "once": True}


def _token(message: Json, name: str) -> dict[str, str] | None:
    token = reading.text(message.get(name))
    return {"token": token} if token else None


# ── Messages ─────────────────────────────────────────────────────────────────────────────────


def _message(event: Json) -> InboundMessage:
    message, where = _inner(event, "message"), _where(event)
    external_id = reading.ident(message.get("id")) or where["event_id"]
    if not external_id:
        raise UnreadableEvent("the message has no id")
    kind = message.get("type")
    file = FILES.get(kind) if isinstance(kind, str) else None
    found = file(message, external_id) if file else None
    known = kind == "text" if found is None else found.kind != "location" or found.location is not None
    quoted = reading.ident(message.get("quotedMessageId"))
    return InboundMessage(
        **where,
        external_id=external_id,
        sender=_sender(event, where),
        text=reading.text(message.get("text")) or ("" if known else _words(message)),
        attachments=(found,) if found and known else (),
        reply_to=ReplyTo(external_id=quoted) if quoted else None,
        unsupported=not known,
        unsupported_reason="" if known else reading.line(kind, 40) or "no type",
        reply_handle=_handle(event, where["occurred_at"]),
        quote_handle=_token(message, "quoteToken"),
        read_handle=_token(message, "markAsReadToken"),
        group_key=reading.ident(_inner(message, "imageSet").get("id")) or "",
    )


def _words(message: Json) -> str:
    """What a message says that cannot be shown: a place that is nowhere, a kind that nobody knows."""
    return "\n".join(filter(None, (reading.text(message.get(name)) for name in ("title", "address", "altText"))))


def _file(message: Json, external_id: str) -> InboundAttachment:
    """Kept by LINE under the message's id, or lying where its sender (a LIFF app) said."""
    provider, kind = _inner(message, "contentProvider"), message["type"]
    elsewhere = provider.get("type") == "external"
    remote = Remote(url=reading.web_url(provider.get("originalContentUrl"))) if elsewhere else None
    duration = reading.number(message.get("duration"))
    return InboundAttachment(
        kind=kind,
        filename=reading.filename(message.get("fileName")),
        size=reading.size(message.get("fileSize")),
        remote=remote or Remote(id=external_id, credentials=True),
        duration=duration / 1000 if duration is not None and 0 <= duration < 1e10 else None,
    )


def _place(message: Json, external_id: str) -> InboundAttachment:
    place = reading.location({**message, "name": message.get("title"), "location": None})
    return InboundAttachment(kind="location", location=place)


def _sticker(message: Json, external_id: str) -> InboundAttachment:
    """The picture lies in LINE's shop, open to all; its keywords name it."""
    sticker, words = reading.ident(message.get("stickerId")) or "", message.get("keywords")
    named = [reading.line(word, 40) for word in words[:3]] if isinstance(words, list) else []
    path = f"/stickershop/v1/sticker/{quote(sticker, safe='')}/android/sticker.png"
    return InboundAttachment(
        kind="sticker",
        filename=reading.filename(" ".join(filter(None, named)) + ".png") if any(named) else "",
        remote=Remote(id=sticker, url=STICKERS + path if sticker else ""),
    )


FILES: dict[str, Callable[[Json, str], InboundAttachment]] = {
    "image": _file,
    "video": _file,
    "audio": _file,
    "file": _file,
    "location": _place,
    "sticker": _sticker,
}


def _edited(event: Json) -> Edit:
    message, where = _inner(event, "message"), _where(event)
    target = reading.ident(message.get("id"))
    if not target or not isinstance(message.get("text"), str):
        raise UnreadableEvent("the edit names no message, or has no text")
    return Edit(**where, target=target, text=reading.text(message["text"]), sender=_sender(event, where))


def _unsent(event: Json) -> Deletion:
    target = reading.ident(_inner(event, "unsend").get("messageId"))
    if not target:
        raise UnreadableEvent("“unsend” names no message")
    return Deletion(**_where(event), target=target, sender=_person(event))


def _postback(event: Json) -> InboundMessage:
    """What was picked (a date, a time) is all the title there is."""
    given, where = _inner(event, "postback"), _where(event)
    params = _inner(given, "params")
    picked = next(filter(None, (reading.line(params.get(name)) for name in ("datetime", "date", "time"))), "")
    return InboundMessage(
        **where,
        external_id=_own_id(event),
        sender=_sender(event, where),
        postback=Postback(title=picked, payload=reading.text(given.get("data"))),
        reply_handle=_handle(event, where["occurred_at"]),
    )


def _unknown(event: Json) -> InboundMessage:
    """An event that nobody knows yet is shown with what it has."""
    where, message = _where(event), _inner(event, "message")
    if message:
        reason = reading.line(event.get("type"), 40) or "no type"
        return replace(_message(event), unsupported=True, unsupported_reason=reason)
    if not where["conversation"] and not where["event_id"]:
        raise UnreadableEvent(f"unknown type {str(event.get('type'))[:40]!r} of nobody")
    return InboundMessage(
        **where,
        external_id=_own_id(event),
        sender=_sender(event, where),
        unsupported=True,
        unsupported_reason=reading.line(event.get("type"), 40) or "no type",
        reply_handle=_handle(event, where["occurred_at"]),
    )


# ── Notices ──────────────────────────────────────────────────────────────────────────────────


def _notice(kind: str, inner: str = "", *, blocked: bool | None = None) -> Callable[[Json], Notice]:
    def read(event: Json) -> Notice:
        said = {reading.line(name, 60): _said(value) for name, value in list(_inner(event, inner).items())[:20]}
        return Notice(**_noticed(event), kind=kind, sender=_person(event), blocked=blocked, detail=said)

    return read


def _noticed(event: Json) -> dict[str, Any]:
    """With an id in any case: the same body posted again says nothing new."""
    return {**_where(event), "event_id": _own_id(event)}


def _said(value: Any) -> Any:
    """A detail is a short word, a number, or some short words."""
    if isinstance(value, list):
        return [reading.line(reading.text(item), 100) for item in value[:20]]
    return value if isinstance(value, bool) else reading.line(reading.text(value), 300)


def _members(kind: str, inner: str) -> Callable[[Json], Notice]:
    """Who came or went; LINE may name several at once."""

    def read(event: Json) -> Notice:
        members = _inner(event, inner).get("members")
        listed = members[:100] if isinstance(members, list) else []
        ids = [reading.ident(one.get("userId")) for one in listed if isinstance(one, Mapping)]
        found = [one for one in ids if one]
        sender = Sender(external_id=found[0]) if found else None
        return Notice(**_noticed(event), kind=kind, sender=sender, detail={"members": found})

    return read


READERS: dict[str, Callable[[Json], News]] = {
    "message": _message,
    "messageEdited": _edited,
    "unsend": _unsent,
    "postback": _postback,
    "follow": _notice("follow", "follow", blocked=False),
    "unfollow": _notice("unfollow", blocked=True),
    "join": _notice("join", blocked=False),
    "leave": _notice("leave", blocked=True),
    "memberJoined": _members("member_joined", "joined"),
    "memberLeft": _members("member_left", "left"),
    "beacon": _notice("beacon", "beacon"),
    "accountLink": _notice("account_link", "link"),
    "videoPlayComplete": _notice("video_play_complete", "videoPlayComplete"),
    "membership": _notice("membership", "membership"),
    "things": _notice("things", "things"),
    "module": _notice("module", "module"),
    "activated": _notice("handover", "chatControl"),
    "deactivated": _notice("handover"),
    "botSuspended": _notice("bot_suspended"),
    "botResumed": _notice("bot_resumed"),
    "delivery": _notice("delivery", "delivery"),
}
