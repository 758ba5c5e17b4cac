"""What a Telegram message holds: text, files, places, people, and all that has no place on a desk.

Documented at core.telegram.org/bots/api#message. Exactly one kind of content stands in a message, but for
what newer clients add beside the older form (an animation is a document too, a venue a location).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from channels_app import reading
from channels_app.contract import AttachmentKind, ContactCard, InboundAttachment, Remote

Json = Mapping[str, Any]
Files = tuple[InboundAttachment, ...]


@dataclass(frozen=True, slots=True)
class Content:
    """unsupported: the reason, "" where all of it is shown."""

    text: str = ""
    files: Files = ()
    unsupported: str = ""


def read(message: Json) -> Content:
    text = reading.text(message.get("text")) or reading.text(message.get("caption"))
    for name, reader in READERS.items():
        found = message.get(name)
        if is_there(found):
            content = reader(found)
            return replace(content, text=text or content.text, files=_captioned(content.files, message))
    if text:
        return Content(text=text)
    unknown = [name for name, value in message.items() if isinstance(value, Mapping | list) and name not in AROUND]
    return Content(unsupported=reading.line(next(iter(unknown), ""), 40) or "empty")


def is_there(value: Any) -> bool:
    """Some relays fill in every field: none, no, an empty list. An empty object says that it happened."""
    return not (value is None or value is False or value in ("", []))


def _captioned(files: Files, message: Json) -> Files:
    caption = reading.text(message.get("caption"))
    return tuple(replace(file, caption=caption) for file in files) if caption else files


def _inner(value: Any, name: str) -> Json:
    found = value.get(name) if isinstance(value, Mapping) else None
    return found if isinstance(found, Mapping) else {}


# ── Files ────────────────────────────────────────────────────────────────────────────────────


def _file(kind: AttachmentKind, ending: str = "") -> Callable[[Any], Content]:
    def read(value: Any) -> Content:
        return Content(files=(_attachment(kind, value),)) if isinstance(value, Mapping) else Content(unsupported=kind)

    return read


def _attachment(kind: AttachmentKind, value: Json, filename: str = "") -> InboundAttachment:
    file_id = reading.ident(value.get("file_id"))
    return InboundAttachment(
        kind=kind,
        mime=reading.mime(value.get("mime_type")),
        filename=reading.filename(value.get("file_name")) or filename,
        size=reading.size(value.get("file_size")),
        remote=Remote(id=file_id, credentials=True) if file_id else None,
        width=reading.size(value.get("width")),
        height=reading.size(value.get("height")),
        duration=reading.number(value.get("duration")),
    )


def _photo(value: Any) -> Content:
    """One picture in several sizes: the largest."""
    sizes = [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
    if not sizes:
        return Content(unsupported="photo")
    return Content(files=(_attachment("image", max(sizes, key=_size)),))


def _live_photo(value: Any) -> Content:
    """A picture that moves for a moment: the picture, else the film."""
    shown = _photo(value.get("photo")) if isinstance(value, Mapping) else Content()
    return shown if shown.files else _file("video")(value)


def _size(one: Json) -> tuple[int, int]:
    area = (reading.size(one.get("width")) or 0) * (reading.size(one.get("height")) or 0)
    return reading.size(one.get("file_size")) or 0, area


def _animation(value: Any) -> Content:
    """A film without sound mostly, sometimes a GIF."""
    moving = isinstance(value, Mapping) and reading.mime(value.get("mime_type")) == "image/gif"
    return _file("image" if moving else "video")(value)


def _sticker(value: Any) -> Content:
    """Its emoji is its name: moving ones cannot be shown in a browser."""
    if not isinstance(value, Mapping):
        return Content(unsupported="sticker")
    ending = ".tgs" if reading.flag(value.get("is_animated")) else ".webm" if value.get("is_video") else ".webp"
    emoji = reading.line(value.get("emoji"), 16)
    return Content(files=(_attachment("sticker", value, emoji + ending if emoji else ""),))


def _paid_media(value: Any) -> Content:
    items = value.get("paid_media") if isinstance(value, Mapping) else None
    files: Files = ()
    for item in items[:10] if isinstance(items, list) else []:
        if isinstance(item, Mapping) and item.get("photo") is not None:
            files += _photo(item["photo"]).files
        elif isinstance(item, Mapping) and item.get("live_photo") is not None:
            files += _live_photo(item["live_photo"]).files
        elif isinstance(item, Mapping) and item.get("video") is not None:
            files += _file("video")(item["video"]).files
    return Content(files=files, unsupported="" if files else "paid_media")


# ── Places and people ────────────────────────────────────────────────────────────────────────


def _location(value: Any) -> Content:
    place = reading.location(value) if isinstance(value, Mapping) else None
    if place is None:
        return Content(unsupported="location")
    live = reading.number(value.get("live_period")) is not None
    return Content(files=(InboundAttachment(kind="location", location=replace(place, live=live)),))


def _venue(value: Any) -> Content:
    at = _inner(value, "location")
    place = (
        reading.location({**at, "location": None, "name": value.get("title"), "address": value.get("address")})
        if at
        else None
    )
    if place is None:
        return Content(unsupported="venue")
    return Content(files=(InboundAttachment(kind="location", location=place),))


def _contact(value: Any) -> Content:
    if not isinstance(value, Mapping):
        return Content(unsupported="contact")
    name = " ".join(filter(None, (reading.line(value.get(part)) for part in ("first_name", "last_name"))))
    card = reading.vcard(value.get("vcard"))
    phones = [reading.card_phone(value.get("phone_number")), *card.phones]
    contact = ContactCard(name=name or card.name, phones=_once(phones), emails=_once(card.emails))
    if not (contact.name or contact.phones or contact.emails):
        return Content(unsupported="contact")
    return Content(files=(InboundAttachment(kind="contact", contact=contact),))


def _users_shared(value: Any) -> Content:
    """People whom somebody chose at our asking; older bots are told their numbers alone."""
    people = value.get("users") if isinstance(value, Mapping) else None
    cards = [_contact(one).files for one in (people[:10] if isinstance(people, list) else [])]
    files = tuple(file for card in cards for file in card)
    return Content(files=files, unsupported="" if files else "users_shared")


def _once(values: Sequence[str]) -> tuple[str, ...]:
    """Each number once, however it is spelled."""
    return tuple({re.sub(r"[ ().-]", "", value): value for value in reversed(values) if value}.values())[::-1]


# ── Said without words ───────────────────────────────────────────────────────────────────────


def _dice(value: Any) -> Content:
    said = value if isinstance(value, Mapping) else {}
    text = " ".join(filter(None, (reading.line(said.get("emoji"), 16), reading.text(said.get("value")))))
    return Content(text=text, unsupported="" if text else "dice")


def _poll(value: Any) -> Content:
    """The question is the text; what can be chosen stands in the reason."""
    options = value.get("options") if isinstance(value, Mapping) else None
    listed = (
        [reading.line(one.get("text"), 60) for one in (options or [])[:12] if isinstance(one, Mapping)]
        if isinstance(options, list)
        else []
    )
    question = reading.text(value.get("question")) if isinstance(value, Mapping) else ""
    return Content(text=question, unsupported=_reason("poll", ", ".join(filter(None, listed))))


def _game(value: Any) -> Content:
    files = _photo(value.get("photo")).files if isinstance(value, Mapping) else ()
    return Content(text=_words(value, "title", "description"), files=files, unsupported="game")


def _checklist(value: Any) -> Content:
    tasks = value.get("tasks") if isinstance(value, Mapping) else None
    listed = (
        [reading.line(one.get("text"), 200) for one in tasks[:50] if isinstance(one, Mapping)]
        if isinstance(tasks, list)
        else []
    )
    text = "\n".join(filter(None, [_words(value, "title"), *(f"• {task}" for task in listed if task)]))
    return Content(text=text, unsupported="checklist")


def _only(kind: str, *names: str) -> Callable[[Any], Content]:
    """Not for a desk: shown as what it is, with the words there are."""
    return lambda value: Content(text=_words(value, *names), unsupported=kind)


def _words(value: Any, *names: str) -> str:
    given = value if isinstance(value, Mapping) else {}
    return "\n".join(filter(None, (reading.text(given.get(name)) for name in names)))


def _reason(kind: str, more: str) -> str:
    return f"{kind}: {more}"[:200] if more else kind


# In this order: what newer clients say stands before its older form.
READERS: dict[str, Callable[[Any], Content]] = {
    "animation": _animation,
    "venue": _venue,
    "paid_media": _paid_media,
    "photo": _photo,
    "live_photo": _live_photo,
    "video": _file("video"),
    "video_note": _file("video"),
    "voice": _file("voice"),
    "audio": _file("audio"),
    "document": _file("file"),
    "sticker": _sticker,
    "location": _location,
    "contact": _contact,
    "dice": _dice,
    "poll": _poll,
    "game": _game,
    "checklist": _checklist,
    "story": _only("story"),
    "invoice": _only("invoice", "title", "description"),
    "successful_payment": _only("successful_payment"),
    "refunded_payment": _only("refunded_payment"),
    "giveaway": _only("giveaway", "prize_description"),
    "giveaway_winners": _only("giveaway_winners", "prize_description"),
    "gift": _only("gift", "text"),
    "unique_gift": _only("unique_gift"),
    "gift_upgrade_sent": _only("gift_upgrade_sent", "text"),
    "passport_data": _only("passport_data"),
    "users_shared": _users_shared,
    "user_shared": _only("users_shared"),
    "chat_shared": _only("chat_shared", "title"),
}

# What stands around the content of a message and is none.
AROUND = frozenset({
    "from", "chat", "sender_chat", "sender_business_bot", "via_bot", "reply_to_message", "external_reply", "quote",
    "reply_to_story", "forward_origin", "forward_from", "forward_from_chat", "entities", "caption_entities",
    "link_preview_options", "reply_markup", "direct_messages_topic", "suggested_post_info",
})  # fmt: skip
