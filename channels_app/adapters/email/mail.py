"""What a message says, as plain frozen data. ``parser.read`` makes it; nothing in it points back at the bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

BounceKind = Literal["hard", "soft"]
Verdict = Literal["pass", "fail", "softfail", "neutral", "none", "temperror", "permerror", ""]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """A person or a list: the name as written, the address in the sender's own spelling ("" if none)."""

    name: str = ""
    address: str = ""

    @property
    def key(self) -> str:
        """For comparing: lower case, without a plus-tag."""
        local, at, domain = self.address.lower().rpartition("@")
        return f"{local.split('+', 1)[0] or local}{at}{domain}"


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One attachment or inline picture, decoded. filename "" where the sender gave none."""

    filename: str = ""
    mime: str = "application/octet-stream"
    content_id: str = ""
    """Without brackets; what ``cid:`` in the HTML names."""
    inline: bool = False
    data: bytes = field(default=b"", repr=False)

    @property
    def size(self) -> int:
        return len(self.data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Invite:
    """One event of a text/calendar part. Times are aware, or naive where the calendar names no zone."""

    method: str = ""
    """REQUEST, CANCEL, REPLY, PUBLISH, … in capitals; "" if none."""
    uid: str = ""
    summary: str = ""
    description: str = ""
    place: str = ""
    starts: datetime | None = None
    ends: datetime | None = None
    all_day: bool = False
    zone: str = ""
    organizer: Mailbox | None = None
    attendees: tuple[Mailbox, ...] = ()
    repeats: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounce:
    """Our mail could not be delivered. message_id: of ours, without brackets, "" if the report has none."""

    kind: BounceKind
    recipient: str = ""
    status: str = ""
    """RFC 3463, as 5.1.1; "" if none is said."""
    message_id: str = ""
    diagnostic: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """What the receiving server found out; "" where it says nothing. spam: it took the mail for spam."""

    authserv: str = ""
    spf: Verdict = ""
    dkim: Verdict = ""
    dmarc: Verdict = ""
    spam: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Automatic:
    """Signs that no person wrote this for us, as the headers have them (lower case)."""

    auto_submitted: str = ""
    precedence: str = ""
    suppress: str = ""
    """X-Auto-Response-Suppress."""
    marks: tuple[str, ...] = ()
    """Names of X-Autoreply and its kin that are there."""
    loop: tuple[str, ...] = ()
    """Values of X-Loop and of our own loop header."""
    list_id: str = ""
    is_list: bool = False
    null_return_path: bool = False
    is_reply: bool = False
    """An out-of-office notice or another answer of a machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One message. Ids are without brackets. Everything unsaid is empty, nothing is None but what can be unknown."""

    sender: Mailbox = Mailbox()
    """From, or Sender where From is missing."""
    reply_to: tuple[Mailbox, ...] = ()
    sent_by: Mailbox | None = None
    """The Sender header."""
    original_sender: str = ""
    """X-Original-Sender or X-Original-From of a mailing group; an address."""
    return_path: str | None = None
    """The envelope sender; "" for the null path, None where no header says."""
    to: tuple[Mailbox, ...] = ()
    cc: tuple[Mailbox, ...] = ()
    bcc: tuple[Mailbox, ...] = ()
    delivered_to: tuple[str, ...] = ()
    """Addresses of Delivered-To, X-Original-To, Envelope-To and the like."""
    subject: str = ""
    date: datetime | None = None
    message_id: str = ""
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    text: str = ""
    """The whole message as text."""
    reply_text: str = ""
    """What the sender wrote now: without quotes and signature; never empty while text is not."""
    html: str | None = None
    """The whole message as HTML that is safe to store and show; None where it came as text only."""
    files: tuple[File, ...] = ()
    invites: tuple[Invite, ...] = ()
    automatic: Automatic = Automatic()
    bounce: Bounce | None = None
    verdicts: Verdicts = Verdicts()
    instance: str = ""
    """Our own instance header, where this is a copy of a mail of ours."""
    size: int = 0
    notes: tuple[str, ...] = ()
    """Limits that were met: header-cut, too-many-parts, too-deep, text-cut, html-cut, message-cut."""

    @property
    def recipients(self) -> tuple[str, ...]:
        """All addresses it was sent to, in lower case, each once."""
        found = [box.address for box in (*self.to, *self.cc, *self.bcc)]
        return tuple(dict.fromkeys(address.lower() for address in (*found, *self.delivered_to) if address))
