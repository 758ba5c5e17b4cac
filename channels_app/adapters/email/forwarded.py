"""Whom a mail that somebody forwards by hand is from: the head that their program wrote above it, or the mail attached.

It proves nothing: anybody can type such a head. Whether it counts is decided by who forwards (rule 24).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from channels_app.adapters.email import addresses, parser, threading, trimming
from channels_app.adapters.email.mail import Mail, Mailbox
from channels_app.contract import clean_text

_PREFIX = re.compile(
    r"\s*(?:fwd?|wg|tr|rv|enc|i|doorst|vb|vl|pd|ilt|πρθ|转发|轉寄|転送|전달|trs|terusan|ส่งต่อ)\s*[:：]", re.IGNORECASE
)
LARGEST = 4 * 1024 * 1024
"""Bytes of an attached mail that is looked into."""


@dataclass(frozen=True, slots=True)
class Original:
    """sender: has an address. text: what they wrote, without the forwarder's own words. message_id: "" if not known."""

    sender: Mailbox
    subject: str = ""
    text: str = ""
    message_id: str = ""


def original(mail: Mail) -> Original | None:
    """None: nothing is forwarded in it, or nobody with an address."""
    return _attached(mail) or _quoted(mail)


def _attached(mail: Mail) -> Original | None:
    """One mail attached, where the subject says that it is forwarded or nothing else is said."""
    mails = [file for file in mail.files if file.mime == "message/rfc822"]
    if len(mails) != 1 or len(mails[0].data) > LARGEST or not (_PREFIX.match(mail.subject) or not mail.text.strip()):
        return None
    found = parser.read(mails[0].data)
    if "@" not in found.sender.address:
        return None
    return Original(found.sender, found.subject, found.reply_text or found.text, found.message_id)


def _quoted(mail: Mail) -> Original | None:
    head = trimming.forwarded(mail.text, marked=bool(_PREFIX.match(mail.subject)))
    if head is None:
        return None
    boxes = [box for box in addresses.read(head.fields.get("from", "")) if "@" in box.address]
    if len(boxes) != 1:
        return None
    subject = head.fields.get("subject", "") or threading.plain_subject(mail.subject)
    sender = Mailbox(name=clean_text(boxes[0].name), address=clean_text(boxes[0].address))
    return Original(sender, clean_text(subject), head.text)
