"""What a mail says about the conversation it belongs to, in the order in which it is to be believed.

Pure: the keys to look for. Whoever looks them up stays inside the same channel, and asks for ``by_subject``
only when the sender is already in that conversation: a guessed number must not open another's.
Text of the subject alone ("Re: Invoice") never joins anything.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from channels_app.adapters.email.mail import Mail

SUBJECT_TOKEN = re.compile(r"\[#(\d{1,18})\]")
"""[#1234]; callers with another shape give their own pattern with one group."""
_TOKEN = r"[A-Za-z0-9_-]{8,80}"  # noqa: S105
_PREFIX = re.compile(
    r"^\s*(?:(?:re|r|aw|antw|sv|vs|ref|rv|res|odp|ynt|απ|σχετ|回复|回覆|答复|返信|답장|fwd?|wg|tr|rv|enc|i|doorst|vb|vl|pd|ilt|πρθ|转发|轉寄|転送|전달|balas|bls|tl|th|trs)"
    r"(?:\s*\[\d{1,3}\]|\s*\(\d{1,3}\))?\s*[:：]\s*)+",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Keys:
    """Look for them in this order; the first that is found decides."""

    ids: tuple[str, ...]
    """Message ids in lower case: In-Reply-To as written, then References from the newest to the oldest."""
    by_address: tuple[str, ...]
    """Tokens of our own reply addresses among the recipients."""
    by_subject: tuple[str, ...]
    """Numbers in the subject. Only for those who are on that conversation."""


def keys(mail: Mail, own_addresses: Iterable[str] = (), subject_token: re.Pattern[str] = SUBJECT_TOKEN) -> Keys:
    """own_addresses: the channel's; ``help@x`` stands for ``help+TOKEN@x``, ``*@reply.x`` for ``TOKEN@reply.x``."""
    found = [*mail.in_reply_to, *reversed(mail.references)]
    ids = tuple(dict.fromkeys(one.lower() for one in found if one))
    return Keys(ids, reply_tokens(mail, own_addresses), tuple(dict.fromkeys(subject_token.findall(mail.subject))))


def reply_tokens(mail: Mail, own_addresses: Iterable[str]) -> tuple[str, ...]:
    """From To, Cc, Bcc, Delivered-To and X-Original-To (rule 19)."""
    found: list[str] = []
    patterns = [_token_of(address) for address in own_addresses if "@" in address]
    written = [box.address for box in (*mail.to, *mail.cc, *mail.bcc)]
    for address in (*mail.delivered_to, *written):
        for pattern in patterns:
            token = pattern.fullmatch(address.strip())
            if token:
                found.append(token[1])
    return tuple(dict.fromkeys(found))


def _token_of(address: str) -> re.Pattern[str]:
    local, _, domain = address.strip().rpartition("@")
    if local == "*":
        return re.compile(rf"({_TOKEN})@{re.escape(domain)}", re.IGNORECASE)
    return re.compile(rf"{re.escape(local)}\+({_TOKEN})@{re.escape(domain)}", re.IGNORECASE)


def plain_subject(subject: str) -> str:
    """Without Re:, Fwd:, AW: and the like; for showing, never for joining."""
    return _PREFIX.sub("", subject, count=1).strip()


def identity(mail: Mail) -> str:
    """Two mails of one identity are one mail (rule 12): the Message-ID, else a hash of who, when and what."""
    if mail.message_id:
        return mail.message_id.lower()
    when = mail.date.isoformat() if mail.date else ""
    said = "\x1f".join((mail.sender.address.lower(), when, mail.subject, mail.text))
    files = "".join(hashlib.sha256(file.data).hexdigest() for file in mail.files)
    return "hash:" + hashlib.sha256((said + files).encode("utf-8", "replace")).hexdigest()
