"""All that an adapter needs to know: what goes up to the desk, what comes down to a platform.

Plain frozen data and one base class. Nothing here touches Django's models, the database or the
network, so that an adapter can live in a package of its own and be read in one sitting.
Names lean on the field's terms (channel account, conversation, postback, receipt, standby).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from channels_app.http import Http

# A string that may be translated later (gettext_lazy gives a proxy, not a str).
Words = Any

AttachmentKind = Literal[
    "image", "video", "audio", "voice", "file", "sticker",
    "location", "contact", "story", "share", "product", "template",
]  # fmt: skip
ReceiptState = Literal["accepted", "sent", "delivered", "read", "failed"]
Category = Literal["window", "blocked", "rate", "auth", "content", "unconfirmed", "unknown"]
MAX_JSON_DEPTH = 64
LONGEST_NUMBER = 1000
"""Digits of an integer; a thousand and more are an attack, not an id."""


# ── What went wrong ──────────────────────────────────────────────────────────────────────────


class NotAuthentic(Exception):
    """The request is not from the platform: 401, nothing kept. The text is for our log only."""


class BadBody(Exception):
    """The body is not in the declared format (encoding, JSON, form): 400, nothing kept."""


class UnreadableEvent(Exception):
    """One event lacks what it needs (its id, its sender): the envelope fails, its neighbours live."""


class SettingsInvalid(Exception):
    """What an administrator typed cannot work: field name → words."""

    def __init__(self, errors: Mapping[str, Words]) -> None:
        super().__init__("; ".join(f"{name}: {words}" for name, words in errors.items()))
        self.errors = dict(errors)


class DeliveryFailed(Exception):
    """A send that did not happen, or of which nobody knows whether it did.

    permanent: trying again cannot help. category "unconfirmed": the request went out and no answer
    came, so it is repeated only where the adapter says ``idempotent``. retry_after: seconds.
    """

    def __init__(
        self,
        title: str,
        *,
        permanent: bool,
        category: Category = "unknown",
        code: str = "",
        detail: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{code} {title}".strip())
        self.title = title
        self.permanent = permanent
        self.category: Category = category
        self.code = code
        self.detail = detail
        self.retry_after = retry_after


class NoSeam(ValueError):
    """A text over the limit has no place where it can be cut naturally."""


class MediaGone(Exception):
    """The platform no longer has the file (expired, deleted): the placeholder stays."""


class MediaNotReady(Exception):
    """The platform is still preparing the file: ask again later."""


# ── A channel account and a request, as an adapter sees them ─────────────────────────────────


@dataclass(frozen=True, slots=True)
class Account:
    """One channel of ours with its decrypted settings; never stored, never logged."""

    id: int
    kind: str
    name: str
    settings: Mapping[str, Any] = field(repr=False)
    webhook_url: str = ""

    def get(self, name: str) -> str:
        """The setting as text; "" when it is missing."""
        value = self.settings.get(name)
        return "" if value is None else str(value)

    def base_url(self, default: str) -> str:
        """``https://host`` of the platform's API, or what the administrator put in its place."""
        return (self.get("base_url") or default).rstrip("/")


@dataclass(frozen=True, slots=True)
class InboundRequest:
    """One raw HTTP request. header names are lower-case; url is the public one, as signed."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    query: Mapping[str, str] = field(default_factory=dict)
    suffix: str = ""
    """What follows ``/webhooks/<channel id>/`` in the path, without slashes ("" mostly)."""

    def header(self, name: str) -> str:
        return self.headers.get(name.lower(), "")


@dataclass(frozen=True, slots=True)
class HandshakeAnswer:
    """What a platform's GET challenge is answered with, as plain text."""

    body: str
    status: int = 200


# ── News from a platform (goes up) ───────────────────────────────────────────────────────────


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
    """What a later answer may use up: LINE's reply token with its expiry."""
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
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """One event of a batch that could not be understood at all; its neighbours go on."""

    error: str


News = InboundMessage | Receipt | Reaction | Edit | Deletion | Notice


# ── Out to a platform (comes down) ───────────────────────────────────────────────────────────


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


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundMessage:
    """One part of a reply, small enough for the platform. key is the same on every attempt."""

    key: str
    to: str
    is_group: bool = False
    text: str = ""
    attachments: tuple[OutboundAttachment, ...] = ()
    reply_to: str = ""
    agent_name: str = ""
    sent_at: datetime | None = None
    attempt: int = 1
    quick_replies: tuple[QuickReply, ...] = ()
    template: Template | None = None
    purpose: Literal["response", "human_agent", "utility"] = "response"
    reply_handle: Mapping[str, Any] | None = None
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
    blocked: bool = False
    reply_handle: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """What can be done in this conversation right now; asked again whenever it matters.

    max_length counts in ``unit``. reply_until: free-form answers are taken until then (None: no
    limit). closed: words why nothing can be sent now. quota_left: messages, None if unlimited.
    """

    max_length: int | None = None
    unit: Literal["characters", "utf16", "bytes"] = "characters"
    attachment_kinds: frozenset[str] = frozenset()
    max_attachment_bytes: int = 25 * 1024 * 1024
    max_attachments: int = 10
    can_write_first: bool = False
    can_quote: bool = False
    can_react: bool = False
    shows_typing: bool = False
    reads_receipts: bool = False
    quick_replies: int = 0
    templates: bool = False
    reply_until: datetime | None = None
    reply_window: timedelta | None = None
    closed: Words | None = None
    quota_left: int | None = None
    counts_segments: bool = False

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One setting of a channel, from which forms, checks and the API are made.

    secret: encrypted at rest, write-only. generate: made by us when left out. A change of a field
    with redirects=True (it says where credentials go) asks for the secrets again.
    """

    name: str
    label: Words
    help: Words = ""
    secret: bool = False
    required: bool = False
    generate: Callable[[], str] | None = None
    default: str = ""
    choices: tuple[tuple[str, Words], ...] = ()
    is_url: bool = False
    redirects: bool = False


BASE_URL = Field(
    name="base_url",
    label=_("API address"),
    help=_("Only for a test server or a proxy: stands in place of the platform's own address."),
    is_url=True,
    redirects=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckLine:
    """One line of a live check, in words: what was tried and how it went."""

    ok: bool
    words: Words


# ── The plug-in ──────────────────────────────────────────────────────────────────────────────


class Adapter:
    """One platform. Stateless: everything it needs comes as an argument.

    The exchange owns the order of steps: ``verify`` → ``decode`` → envelope kept → ``parse``. An
    adapter only says how its platform does each. ``parse`` is pure: no network, no database.
    """

    kind: ClassVar[str]
    label: ClassVar[Words]
    icon: ClassVar[str] = "message-circle"
    fields: ClassVar[tuple[Field, ...]] = ()
    api_host: ClassVar[str] = ""
    """``https://host`` of the platform's API, "" if there is none."""
    has_webhook: ClassVar[bool] = True
    has_playground: ClassVar[bool] = False
    """An agent may play the customer on a page of ours."""
    threads: ClassVar[bool] = False
    """Several conversations may run side by side with one address (mail); a chat has one."""
    idempotent: ClassVar[bool] = False
    """The platform knows ``OutboundMessage.key``: a send without an answer may be repeated."""
    max_body: ClassVar[int] = 10 * 1024 * 1024

    # ── in ──

    def verify(self, account: Account, request: InboundRequest) -> None:
        """Raise NotAuthentic unless the platform sent these bytes. An empty secret never matches."""
        raise NotAuthentic("this channel takes no webhooks")

    def handshake(self, account: Account, request: InboundRequest) -> HandshakeAnswer | None:
        """Answer the platform's GET challenge; None where it has none (405). May raise NotAuthentic."""
        return None

    def decode(self, account: Account, request: InboundRequest) -> Any:
        """Bytes → the declared format. Raise BadBody when they are not it."""
        return read_json_object(request.body)

    def delivery_id(self, account: Account, request: InboundRequest) -> str:
        """The platform's id of this delivery, the same on a redelivery; "" where it has none."""
        return ""

    def parse(self, account: Account, payload: Any) -> Iterable[News | Unreadable]:
        """The payload's news in order. UnreadableEvent may be raised where there is one event only."""
        raise NotImplementedError

    def answer(self, account: Account, request: InboundRequest) -> tuple[str, str]:
        """(body, content type) of the 2xx answer."""
        return "", "text/plain"

    def fetch_media(self, account: Account, attachment: Remote, http: Http) -> Iterator[bytes]:
        """Fetch a file with the channel's credentials. Raise MediaGone or MediaNotReady."""
        raise MediaGone

    # ── out ──

    def abilities(self, account: Account, conversation: Conversation, now: datetime) -> Abilities:
        """What this conversation allows now (windows and quotas change with time)."""
        return Abilities()

    def split(self, message: OutboundMessage, abilities: Abilities) -> Sequence[OutboundMessage]:
        """Cut one reply into parts that the platform takes; keys are the caller's business."""
        from_text = split_text(message.text, abilities)
        if len(from_text) <= 1:
            return [message]
        return _with_texts(message, from_text)

    def send(self, account: Account, message: OutboundMessage, http: Http) -> Sent:
        """Send one part. Return Sent or raise DeliveryFailed; nothing else."""
        raise NotImplementedError

    def mark_read(self, account: Account, conversation: Conversation, external_id: str, http: Http) -> None:
        """Tell the platform that an agent has seen it (where it can)."""

    def typing(self, account: Account, conversation: Conversation, http: Http) -> None:
        """Show "typing…" to the customer (where it can)."""

    def measure(self, account: Account, text: str) -> TextMeasure:
        """How long a draft is, in the platform's own way of counting."""
        able = self.abilities(account, Conversation(external_id=""), EPOCH)
        return TextMeasure(length=able.length(text), limit=able.max_length)

    # ── set-up ──

    def check_settings(self, settings: Mapping[str, Any]) -> None:
        """Raise SettingsInvalid for what cannot work; required fields are checked by the exchange."""

    def check(self, account: Account, http: Http) -> Sequence[CheckLine]:
        """Try the real thing and say in words what works and what does not."""
        return []

    def normalise_address(self, account: Account, external_id: str) -> str:
        """The one spelling of an address on this channel. Raise ValueError if it cannot be one."""
        if not external_id.strip():
            raise ValueError(external_id)
        return external_id.strip()


EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


# ── Small pieces that several adapters share ─────────────────────────────────────────────────


def read_json(body: bytes) -> Any:
    """Strict JSON: UTF-8, at most 64 levels deep, no monster integers, no NaN. BadBody otherwise."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadBody("the body is not UTF-8") from error
    if _depth(text) > MAX_JSON_DEPTH:
        raise BadBody(f"the JSON is nested over {MAX_JSON_DEPTH} levels")
    try:
        # The hook costs every number a call, so it is used only where there is a long one to refuse.
        as_int = _long_number if _MANY_DIGITS.search(text) else None
        return json.loads(text, parse_constant=_no_constant, parse_int=as_int)
    except (ValueError, RecursionError) as error:
        raise BadBody(f"the body is not JSON: {str(error)[:200]}") from error


def read_json_object(body: bytes) -> dict[str, Any]:
    value = read_json(body)
    if not isinstance(value, dict):
        raise BadBody("the JSON is not an object")
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _long_number(digits: str) -> Any:
    if len(digits) >= LONGEST_NUMBER:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)


# A string is swallowed whole; possessive (++), so that a missing quote cannot make it slow.
_JSON_TOKENS = re.compile(r'"(?:[^"\\]++|\\.)*+"?|([\[{])|[\]}]', re.DOTALL)
_MANY_DIGITS = re.compile(rf"\d{{{LONGEST_NUMBER - 1}}}")


def _depth(text: str) -> int:
    """Deepest nesting, counted before parsing: the parser itself would recurse."""
    if text.count("[") + text.count("{") <= MAX_JSON_DEPTH:
        return 0
    depth = deepest = 0
    for token in _JSON_TOKENS.finditer(text):
        if token[1]:
            depth += 1
            deepest = max(deepest, depth)
        elif token[0] in "]}":
            depth -= 1
    return deepest


_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def clean_text(text: str) -> str:
    """NUL and lone surrogates become U+FFFD; nothing else in a customer's text is changed or cut."""
    return text if text.isascii() and "\x00" not in text else _UNSTORABLE.sub("\ufffd", text)


def fit_id(external_id: str, limit: int = 255) -> str:
    """An id in the length of its column: a longer one keeps its start and gets a digest."""
    external_id = clean_text(external_id)
    if len(external_id) <= limit:
        return external_id
    digest = hashlib.sha256(external_id.encode()).hexdigest()
    return external_id[: limit - 65] + "#" + digest


def split_text(text: str, abilities: Abilities) -> list[str]:
    """Cut where it is natural: paragraph, line, sentence, word.

    Joined by what was at the seams the parts are the text again; no part is over the limit and a
    NoSeam is raised where only a cut inside a word would do.
    """
    limit = abilities.max_length
    if limit is None or abilities.length(text) <= limit:
        return [text]
    parts: list[str] = []
    rest = text
    while abilities.length(rest) > limit:
        cut = _cut(rest, _fitting(rest, limit, abilities))
        parts.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    if rest:
        parts.append(rest)
    return [part for part in parts if part]


def _fitting(text: str, limit: int, abilities: Abilities) -> int:
    """How many characters from the start fit (binary search: bytes and UTF-16 count differently)."""
    low, high = 1, min(len(text), limit)
    while low < high:
        middle = (low + high + 1) // 2
        if abilities.length(text[:middle]) <= limit:
            low = middle
        else:
            high = middle - 1
    return low


def _cut(text: str, fits: int) -> int:
    """Where to cut: after the last seam of the best kind that is not too near the start."""
    for seam in ("\n\n", "\n", ". ", "! ", "? ", "。", " "):
        at = text.rfind(seam, 1, fits + 1)
        if at >= fits // 2:
            return min(at + len(seam.rstrip()), fits)
    at = max(text.rfind(seam, 1, fits + 1) for seam in ("\n", " "))
    if at < 1:
        raise NoSeam(fits)
    return at


def _with_texts(message: OutboundMessage, texts: Sequence[str]) -> list[OutboundMessage]:
    """The attachments travel with the first part."""
    return [
        replace(message, text=text, attachments=message.attachments if i == 0 else ()) for i, text in enumerate(texts)
    ]
