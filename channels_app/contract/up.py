"""News from a platform: what goes up to the desk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from channels_app.contract.failures import AttachmentKind, DeliveryFailed, ReceiptState


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """A person as this channel knows them. Only external_id is sure to be there."""

    external_id: str
    name: str = ""
    username: str = ""
    phone: str = ""
    email: str = ""
    language: str = ""
    avatar_url: str = ""
    is_bot: bool = False
    alt_ids: tuple[str, ...] = ()
    """Other ids of the same person on this platform (WhatsApp: phone and business-scoped id)."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """What else is said of them, by whatever name: shown to agents as it is, never used to find anybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    lat: float
    lon: float
    name: str = ""
    address: str = ""
    live: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactCard:
    name: str = ""
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """Where a file can be fetched later. credentials: the adapter's ``fetch_media`` must add them."""

    url: str = ""
    id: str = ""
    credentials: bool = False
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundAttachment:
    """A file (by remote or data), a place or a business card that came with a message."""

    kind: AttachmentKind
    mime: str = ""
    filename: str = ""
    size: int | None = None
    caption: str = ""
    remote: Remote | None = None
    data: bytes | None = field(default=None, repr=False)
    location: Location | None = None
    contact: ContactCard | None = None
    link: str = ""
    """Where a person can open it: a shared post, a product, a page. Never fetched; ``remote`` may be its picture."""
    content_id: str = ""
    inline: bool = False
    width: int | None = None
    height: int | None = None
    duration: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyTo:
    """What a message answers: one of our or their messages, or a story, an ad, a product."""

    external_id: str = ""
    kind: Literal["message", "story", "ad", "product"] = "message"
    url: str = ""
    snippet: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Postback:
    title: str = ""
    payload: str = ""
    source: str = "button"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What all news have in common.

    conversation: external id of the person or group it belongs to ("" where the platform does not
    say, as in most receipts). occurred_at: the platform's time, aware, or None. event_id: the
    platform's own id of this event where it has one, to tell a redelivery from a repetition.
    """

    conversation: str = ""
    is_group: bool = False
    group_name: str = ""
    occurred_at: datetime | None = None
    event_id: str = ""
    standby: bool = False
    """Another app has the thread: show, do not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundMessage(Event):
    """Something was said: text, files, a button pressed, or a kind nobody knows yet.

    echo: written in the platform's own app, or our own send coming back (own_key tells ours).
    unsupported: shown with what text there is; never dropped.
    """

    external_id: str
    sender: Sender
    text: str = ""
    html: str | None = None
    reply_text: str | None = None
    subject: str = ""
    attachments: tuple[InboundAttachment, ...] = ()
    reply_to: ReplyTo | None = None
    postback: Postback | None = None
    unsupported: bool = False
    unsupported_reason: str = ""
    echo: bool = False
    own_key: str = ""
    forwarded: bool = False
    reply_handle: Mapping[str, Any] | None = None
    """What a later answer may use up: LINE's reply token with its expiry. With ``once`` in it the desk
    gives it to one reply only."""
    quote_handle: Mapping[str, Any] | None = None
    """What the platform wants back when this very message is quoted (LINE's quote token)."""
    read_handle: Mapping[str, Any] | None = None
    """What the platform wants back when this message is marked read (LINE's mark-as-read token)."""
    referral: Mapping[str, Any] | None = None
    mail: Mapping[str, Any] | None = None
    """Of a mail: to, cc, ids, auto-reply and authentication verdicts (the e-mail adapter says)."""
    thread_id: str = ""
    group_key: str = ""
    """Album: messages of one key belong together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt(Event):
    """What became of our message: by its external id, by our own key, or all up to a watermark."""

    state: ReceiptState
    external_id: str = ""
    own_key: str = ""
    watermark: datetime | None = None
    recipient: str = ""
    error: DeliveryFailed | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction(Event):
    """One author's emoji on a message; removed takes it back."""

    target: str
    sender: Sender
    emoji: str = ""
    removed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit(Event):
    target: str
    text: str
    sender: Sender | None = None
    attachments: tuple[InboundAttachment, ...] | None = None
    """None: left as they were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion(Event):
    """The content must go, from the envelope too."""

    target: str
    sender: Sender | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice(Event):
    """follow, unfollow, join, leave, opt_in, opt_out, referral, handover …: an activity, no message."""

    kind: str
    sender: Sender | None = None
    blocked: bool | None = None
    """True: cannot be written to any more; False: can again; None: says nothing about that."""
    moved_to: str = ""
    """The same person or group has this id from now on (a group that became a supergroup, a changed
    number); ``conversation`` or else the sender is the id until now."""
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Typing(Event):
    """Somebody is writing just now: told to whoever looks, kept nowhere."""

    sender: Sender


@dataclass(frozen=True, slots=True, kw_only=True)
class Described(Event):
    """Somebody told more about themselves and said nothing: whom nobody has met yet stays unknown."""

    sender: Sender


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """One event of a batch that could not be understood at all; its neighbours go on."""

    error: str


News = InboundMessage | Receipt | Reaction | Edit | Deletion | Notice | Typing | Described
