"""What comes down to a platform, and what it allows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from channels_app.contract.failures import AttachmentKind, Words
from channels_app.contract.up import Remote

Purpose = Literal["response", "human_agent", "utility"]
_BLANK = re.compile(r"\{\{\s*([^{}\s]{1,100})\s*\}\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundAttachment:
    """open: gives the bytes; url: signed, public, an hour long, made anew at each attempt."""

    kind: AttachmentKind
    mime: str
    filename: str
    size: int
    url: str
    open: Callable[[], bytes] = field(repr=False)
    caption: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuickReply:
    title: str
    payload: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    name: str
    language: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    media: str = ""
    """Its header is a picture, a video or a document: the message's file, else what ``media_link`` leads to."""
    media_link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundMessage:
    """One part of a reply, small enough for the platform. key is the same on every attempt."""

    key: str
    to: str
    is_group: bool = False
    text: str = ""
    attachments: tuple[OutboundAttachment, ...] = ()
    reply_to: str = ""
    agent_id: int | None = None
    """Of an agent here; None: sent by nobody in person."""
    agent_name: str = ""
    agent_signature: str = ""
    """What they want to stand under what they write; see ``Adapter.closing``."""
    sent_at: datetime | None = None
    attempt: int = 1
    quick_replies: tuple[QuickReply, ...] = ()
    template: Template | None = None
    purpose: Purpose = "response"
    reply_handle: Mapping[str, Any] | None = None
    reply_to_handle: Mapping[str, Any] | None = None
    """The ``quote_handle`` that came with the message named in ``reply_to``; None: it had none."""
    unconfirmed: bool = False
    """An earlier attempt got no answer: it may be out already."""
    mail: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The platform took it. state "accepted": only queued there, receipts will tell the rest."""

    external_id: str = ""
    state: Literal["accepted", "sent", "delivered"] = "sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """What the desk knows when it asks for abilities or sends; times are aware."""

    external_id: str
    is_group: bool = False
    last_inbound_at: datetime | None = None
    last_inbound_id: str = ""
    """The customer's newest message: some platforms show typing, or mark read, by naming it."""
    blocked: bool = False
    erased: bool = False
    """We know no more who this was, so nobody can be written to, whatever the platform."""
    reply_handle: Mapping[str, Any] | None = None
    read_handle: Mapping[str, Any] | None = None
    """Of the message that ``mark_read`` is about; None elsewhere."""
    quota_left: int | None = None
    """What ``Adapter.quota`` last left of the month; None: unlimited or not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """What can be done in this conversation right now; asked again whenever it matters.

    max_length counts in ``unit``. reply_until: free-form answers are taken until then (None: no
    limit). closed: words why nothing can be sent now. quota_left: messages, None if unlimited.
    Outside the window a channel with templates says only_templates and leaves closed None.
    """

    max_length: int | None = None
    unit: Literal["characters", "utf16", "bytes"] = "characters"
    attachment_kinds: frozenset[str] = frozenset()
    max_attachment_bytes: int = 25 * 1024 * 1024
    max_attachments: int = 10
    max_total_bytes: int | None = None
    """Of all files of one message together; None: only each by itself."""
    has_recipients: bool = False
    """Others may get a copy (Cc, Bcc): ``OutboundMessage.mail`` names them."""
    per_minute: int | None = None
    """What goes out in a minute on the whole channel; more wait. None: no limit."""
    can_write_first: bool = False
    can_quote: bool = False
    can_react: bool = False
    shows_typing: bool = False
    reads_receipts: bool = False
    quick_replies: int = 0
    """How many answers may be offered as buttons under a message; 0: none."""
    quick_reply_title: int = 20
    """Characters of a button's words."""
    quick_reply_payload: int = 200
    """Bytes of what comes back when it is pressed."""
    templates: bool = False
    reply_until: datetime | None = None
    reply_window: timedelta | None = None
    closed: Words | None = None
    quota_left: int | None = None
    counts_segments: bool = False
    purpose: Purpose = "response"
    """Put on what is sent now."""
    window_words: Words | None = None
    """Which rule applies now: "Free answers for 24 hours after the customer's last message." """
    after_window: Words | None = None
    """What is possible once ``reply_until`` is over."""
    only_templates: bool = False
    """Nothing but a template can be sent now."""

    def length(self, text: str) -> int:
        if self.unit == "bytes":
            return len(text.encode("utf-8", "surrogatepass"))
        if self.unit == "utf16":
            return len(text.encode("utf-16-le", "surrogatepass")) // 2
        return len(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextMeasure:
    """How long a draft is on this channel, for the line under the composer."""

    length: int
    limit: int | None = None
    segments: int | None = None
    encoding: str = ""
    remaining_in_segment: int | None = None


# ── What a platform tells about itself and its people ────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a platform tells about a person. picture_url: fetched by the exchange, never shown from there."""

    name: str = ""
    username: str = ""
    language: str = ""
    picture_url: str = ""
    picture: Remote | None = None
    """Instead, where the adapter's own ``fetch_media`` must get it (the address would hold a secret)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageTemplate:
    """An approved text that may be sent outside the window.

    variables: the names of its blanks in order, each once. A blank stands in header, body, footer and
    buttons as ``{{name}}``; where a platform numbers each part from 1, the adapter gives those
    outside the body names of their own (header_1).
    """

    name: str
    language: str
    category: str = ""
    """MARKETING, UTILITY, AUTHENTICATION: as the platform says."""
    status: str = ""
    """Only what is APPROVED can be sent."""
    header: str = ""
    body: str = ""
    footer: str = ""
    buttons: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    """Names that may be given and need not be: what a button sends back, another address for the header."""
    media: Literal["", "image", "video", "document"] = ""
    """What its header shows; each message brings its own file, or shows the example."""
    example: str = ""
    """Where the file is that it was approved with."""
    external_id: str = ""


def fill(text: str, parameters: Mapping[str, str]) -> str:
    """A template's text with its blanks filled; one that nothing is given for stays as it is."""
    return _BLANK.sub(lambda blank: parameters.get(blank[1], blank[0]), text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """Messages of this month. limit None: unlimited."""

    limit: int | None
    used: int
