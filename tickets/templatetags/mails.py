"""What stands beside a mail's words: by whom and to whom it was, what it is not, and when one is invited."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import template
from django.utils import timezone

from tickets import mailframe, threads
from tickets.models import Attachment, Message
from tickets.templatetags.desk import stored_as
from tickets.wording import written

register = template.Library()
MOST_NAMED = 50


@register.filter
def mail(message: Message) -> dict[str, Any] | None:
    """None: it is no mail. People are "Name <address>"; those of our own replies are addresses."""
    said = message.extra.get("mail")
    if not isinstance(said, Mapping):
        return None
    return {
        "sender": _people([said.get("from")]),
        "forwarded_by": _people([said.get("forwarded_by")]),
        "to": _people(said.get("to")),
        "cc": _people(said.get("cc")),
        "bcc": _people(said.get("bcc")),
        "date": _when(said.get("date")),
        "forged": threads.forged(said),
        "own": bool(said.get("own_address")),
        "automatic": bool(said.get("auto_reply")),
        "list": bool(said.get("list")),
        "spam": bool(said.get("spam")),
        "invites": [_invite(one) for one in said.get("invites") or () if isinstance(one, Mapping)],
    }


@register.filter
def in_place(message: Message) -> list[Attachment]:
    """The pictures that the mail's own look shows, as far as they go onto one page (``mailframe``)."""
    found, left = [], mailframe.MOST_IN_PLACE
    for row in message.attachments.all():
        if row.details.get("in_place") and stored_as(row) == "image" and (row.size or 0) <= left:
            left -= row.size or 0
            found.append(row)
    return found


@register.filter
def listed(message: Message) -> list[Attachment]:
    """What stands below the message: all files but those that are seen in their place."""
    seen = {row.pk for row in in_place(message)}
    return [row for row in message.attachments.all() if row.pk not in seen]


def _people(boxes: Any) -> str:
    if not isinstance(boxes, list | tuple):
        return ""
    return ", ".join(filter(None, map(_person, boxes[:MOST_NAMED])))


def _person(box: Any) -> str:
    if isinstance(box, str):
        return box
    if not isinstance(box, Mapping):
        return ""
    name, address = str(box.get("name") or ""), str(box.get("address") or "")
    return f"{name} <{address}>" if name and address else name or address


def _when(value: Any) -> str:
    """As the reader's clock has it; a time without a zone as it was written."""
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return ""
    return written(timezone.localtime(at) if timezone.is_aware(at) else at, "DATETIME_FORMAT")


def _invite(event: Mapping[str, Any]) -> dict[str, Any]:
    people = event.get("attendees")
    return {
        "summary": str(event.get("summary") or ""),
        "place": str(event.get("place") or ""),
        "starts": _when(event.get("starts")),
        "ends": _when(event.get("ends")),
        "organizer": _people([event.get("organizer")]),
        "attendees": _people(people),
        "cancelled": str(event.get("method") or "").upper() == "CANCEL",
    }
