"""Quick replies: what a customer may press instead of typing, under a message of ours.

They are kept with the message (``extra``), so that a retry offers them again, and go out with its last part. What is
pressed comes back as a postback. How many there may be, and how long, the channel says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from channels_app.contract import Abilities, QuickReply, clean_text
from tickets.models import Message
from tickets.sendable import CannotSend

NAME = "quick_replies"


def checked(able: Abilities, given: Iterable[QuickReply], text: str) -> list[dict[str, str]]:
    """What is kept with the message. Raises CannotSend in words for what the channel cannot carry."""
    rows = [_row(one) for one in given]
    if not rows:
        return []
    if not able.quick_replies:
        raise CannotSend(_("This channel has no buttons."))
    if len(rows) > able.quick_replies:
        words = ngettext(
            "This channel takes %(count)d button under a message.",
            "This channel takes %(count)d buttons under a message.",
            able.quick_replies,
        )
        raise CannotSend(words % {"count": able.quick_replies})
    if not text.strip():
        raise CannotSend(_("Buttons stand under words: write something first."))
    for row in rows:
        _check(able, row)
    if len({row["title"] for row in rows}) < len(rows) or len({row["payload"] for row in rows}) < len(rows):
        raise CannotSend(_("Two buttons are the same."))
    return rows


def _row(given: QuickReply) -> dict[str, str]:
    title = " ".join(clean_text(given.title).split())
    return {"title": title, "payload": clean_text(given.payload) or title}


def _check(able: Abilities, row: Mapping[str, str]) -> None:
    title, payload = row["title"], row["payload"]
    if not title:
        raise CannotSend(_("A button needs words."))
    if len(title) > able.quick_reply_title:
        words = _("The button “%(title)s” is too long: this channel takes %(limit)d characters.")
        raise CannotSend(words % {"title": title[:60], "limit": able.quick_reply_title})
    # One that only repeats the title is cut by the adapter; one that was given means something as a whole.
    if payload != title and len(payload.encode()) > able.quick_reply_payload:
        words = _("What the button “%(title)s” sends back is too long: this channel takes %(limit)d bytes.")
        raise CannotSend(words % {"title": title, "limit": able.quick_reply_payload})


def of(message: Message) -> tuple[QuickReply, ...]:
    """What goes out under the message."""
    return tuple(QuickReply(title=row["title"], payload=row["payload"]) for row in as_json(message))


def as_json(message: Message) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = message.extra.get(NAME, ())
    return found
