"""The bytes of a message → ``Mail``. Never raises, linear in the size, bounded in memory; see ``limits``.

``parse`` gives the same as a plain dictionary, as ``mail_score.py`` and other tools want it.
"""

from __future__ import annotations

import logging
from typing import Any

from channels_app.adapters.email import (
    addresses,
    bodies,
    bounces,
    dates,
    headers,
    invites,
    loops,
    structure,
    trimming,
    verdicts,
)
from channels_app.adapters.email.headers import Headers
from channels_app.adapters.email.mail import File, Mail, Mailbox
from channels_app.contract import clean_text

log = logging.getLogger(__name__)
DELIVERED = (
    "delivered-to",
    "x-original-to",
    "envelope-to",
    "x-envelope-to",
    "x-delivered-to",
    "apparently-to",
    "x-forwarded-to",
    "x-rcpt-to",
)


def read(raw: bytes, *, authserv: str = "") -> Mail:
    """The message. authserv: whose Authentication-Results to believe, see ``verdicts``."""
    try:
        return _read(raw, authserv)
    except Exception:
        log.exception("a mail could not be read")
        return Mail(text=clean_text(raw[:200_000].decode("utf-8", "replace")), size=len(raw), notes=("unreadable",))


def _read(raw: bytes, authserv: str) -> Mail:
    root, notes = structure.read(raw)
    found = root.headers
    content = bodies.read(root)
    text = content.text
    sender = _sender(found)
    subject = clean_text(found.text("subject"))
    return_path = _return_path(found)
    list_id = found.text("list-id")
    automatic = loops.signs(found, subject, return_path, list_id)
    bounce = bounces.read(found, sender, subject, text, content.reports, content.returned, return_path == "")
    events = tuple(event for calendar in content.calendars[:20] for event in invites.read(calendar))
    if not text.strip() and events:
        text = "\n\n".join(invites.as_text(event) for event in events)
    return Mail(
        sender=sender,
        reply_to=_boxes(found, "reply-to"),
        sent_by=next(iter(_boxes(found, "sender")), None),
        original_sender=_original_sender(found),
        return_path=return_path,
        to=_boxes(found, "to"),
        cc=_boxes(found, "cc"),
        bcc=_boxes(found, "bcc"),
        delivered_to=_delivered_to(found),
        subject=subject,
        date=dates.date_of(found.raw("date")),
        message_id=next(iter(headers.ids(found.raw("message-id"))), ""),
        in_reply_to=_all_ids(found, "in-reply-to"),
        references=_all_ids(found, "references"),
        text=text,
        reply_text=_reply(content, text, bounce is not None),
        html=content.html,
        files=tuple(content.files),
        invites=events,
        automatic=automatic,
        bounce=bounce,
        verdicts=verdicts.read(found, authserv),
        instance=found.text(loops.INSTANCE_HEADER.lower()),
        size=len(raw),
        notes=tuple(dict.fromkeys((*notes, *content.notes))),
    )


def _boxes(found: Headers, name: str) -> tuple[Mailbox, ...]:
    """All headers of that name; some mailers write several."""
    boxes = [box for value in found.all(name)[:20] for box in addresses.read(value)]
    return tuple(Mailbox(name=clean_text(box.name), address=clean_text(box.address)) for box in boxes)


def _sender(found: Headers) -> Mailbox:
    """From; where it has no address, the one that an answer would go to."""
    boxes = _boxes(found, "from")
    addressed = next((box for box in boxes if box.address), None)
    if addressed is None:
        others = (*_boxes(found, "reply-to"), *_boxes(found, "sender"))
        addressed = next((box for box in others if box.address), Mailbox())
        addressed = Mailbox(name=(boxes[0].name if boxes else "") or addressed.name, address=addressed.address)
    return addressed


def _original_sender(found: Headers) -> str:
    boxes = _boxes(found, "x-original-sender") or _boxes(found, "x-original-from")
    return boxes[0].address if boxes else ""


def _return_path(found: Headers) -> str | None:
    if not found.has("return-path"):
        return None
    boxes = _boxes(found, "return-path")
    address = boxes[0].address if boxes else ""
    return address if "@" in address else "" if "<>" in found.raw("return-path").replace(" ", "") else None


def _delivered_to(found: Headers) -> tuple[str, ...]:
    every = [box.address for name in DELIVERED for box in _boxes(found, name) if box.address]
    return tuple(dict.fromkeys(every))


def _all_ids(found: Headers, name: str) -> tuple[str, ...]:
    """Of the first such header that has any; a second one is against the rules and often another's."""
    return next((got for value in found.all(name)[:20] if (got := headers.ids(value))), ())


def _reply(content: bodies.Content, text: str, bounce: bool) -> str:
    """A report is shown whole: what it quotes is the point."""
    if bounce:
        return text.strip()
    return trimming.visible_reply(content.quoted) or text.strip()


# ── As a plain dictionary ────────────────────────────────────────────────────────────────────


def parse(raw: bytes) -> dict[str, Any]:
    """``read`` as JSON-like data: ids without brackets, date in ISO 8601, texts as ``Mail`` has them."""
    mail = read(raw)
    return {
        "from_address": mail.sender.address or None,
        "from_name": mail.sender.name or None,
        "to": [box.address for box in mail.to if box.address],
        "cc": [box.address for box in mail.cc if box.address],
        "subject": mail.subject,
        "message_id": mail.message_id or None,
        "in_reply_to": mail.in_reply_to[0] if mail.in_reply_to else None,
        "references": list(mail.references),
        "date": mail.date.isoformat() if mail.date else None,
        "text": mail.text,
        "reply_text": mail.reply_text,
        "html": mail.html,
        "attachments": [_as_dict(file) for file in mail.files if not file.inline],
        "inline_images": [_as_dict(file) for file in mail.files if file.inline],
        "is_auto_reply": mail.automatic.is_reply,
        "is_bounce": mail.bounce is not None,
    }


def _as_dict(file: File) -> dict[str, Any]:
    return {
        "filename": file.filename or None,
        "mime": file.mime,
        "size": file.size,
        "content_id": file.content_id or None,
    }
