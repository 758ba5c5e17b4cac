"""The plug-in: one base class whose methods stand in the order of a message's day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django.utils.translation import gettext_noop as N_

from channels_app.contract.accounts import (
    Account,
    CheckLine,
    Consent,
    Copyable,
    Field,
    HandshakeAnswer,
    InboundRequest,
    Preset,
    SetupStep,
)
from channels_app.contract.down import (
    Abilities,
    Conversation,
    MessageTemplate,
    OutboundMessage,
    Profile,
    Quota,
    Sent,
    TextMeasure,
)
from channels_app.contract.failures import DeliveryFailed, MediaGone, NotAuthentic, Words
from channels_app.contract.sources import Source
from channels_app.contract.text import read_json_object, split_text, with_texts
from channels_app.contract.up import News, Remote, Unreadable

if TYPE_CHECKING:
    from channels_app.http import Http

EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


class Adapter:
    """One platform. Stateless: everything it needs comes as an argument.

    The exchange owns the order of steps: ``verify`` → ``decode`` → envelope kept → ``parse``. An
    adapter only says how its platform does each. ``parse`` is pure: no network, no database.
    """

    kind: ClassVar[str]
    label: ClassVar[Words]
    about: ClassVar[Words] = ""
    """One line for whoever chooses a kind of channel: what it is, and whose."""
    icon: ClassVar[str] = "message-circle"
    fields: ClassVar[tuple[Field, ...]] = ()
    api_host: ClassVar[str] = ""
    """``https://host`` of the platform's API, "" if there is none."""
    has_webhook: ClassVar[bool] = True
    has_playground: ClassVar[bool] = False
    """An agent may play the customer on a page of ours."""
    preview: ClassVar[str] = ""
    """The name of a URL of ours that shows, in a frame beside the form, what these settings look like: GET gives the
    page, POST what a script hands on to it (see ``static/js/preview.js``)."""
    on_websites: ClassVar[bool] = False
    """Visitors of a website talk by it; where playgrounds are on, a made-up shop of ours shows it at work."""
    vouches: ClassVar[bool] = True
    """The platform stands for names, phones and e-mail addresses; False: people type them, and nobody checks."""
    threads: ClassVar[bool] = False
    """Several conversations may run side by side with one address (mail); a chat has one."""
    idempotent: ClassVar[bool] = False
    """The platform knows ``OutboundMessage.key``: a send without an answer may be repeated."""
    longest_send: ClassVar[float] = 15
    """Seconds that one send may take; so long nobody else takes the reply up."""
    max_body: ClassVar[int] = 10 * 1024 * 1024
    writing_unblocks: ClassVar[bool] = True
    """Whoever writes can be written to again; not where people opt in and out by law."""
    has_profiles: ClassVar[bool] = False
    """``fetch_profile`` may know a person's name, language and picture."""
    has_templates: ClassVar[bool] = False
    can_connect: ClassVar[bool] = False
    """``connect`` tells the platform where to post, so that nobody has to copy the address."""
    fetches: ClassVar[bool] = False
    """``open_mailbox`` may have something to fetch, whatever comes by webhook besides."""
    mailbox_door: ClassVar[str] = ""
    """The suffix under which ``decode`` and ``parse`` take what a mailbox has."""
    tried_first: ClassVar[bool] = False
    """``check`` needs nothing but the settings, so that they can be tried before they are kept."""
    presets: ClassVar[tuple[Preset, ...]] = ()
    """Providers whose values are known, for whoever sets a channel up."""
    setup_steps: ClassVar[tuple[SetupStep, ...]] = ()

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

    def once(self, account: Account, request: InboundRequest) -> str:
        """What may count once only, where the signature covers it and not the body; the second is taken for known."""
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

    # ── in, fetched: ``mailboxes`` of the exchange does that, in one process for each mailbox ──

    def has_mailbox(self, account: Account) -> bool:
        """Whether this channel is set to fetch from one. Pure."""
        return False

    def open_mailbox(self, account: Account, http: Http) -> Source:
        """A session. Raises DeliveryFailed in words for an administrator, or SourceLost."""
        raise NotImplementedError

    def backfill_days(self, account: Account) -> int:
        """How old that may be which is fetched at the first look."""
        return 0

    # ── out ──

    def abilities(self, account: Account, conversation: Conversation, now: datetime) -> Abilities:
        """What this conversation allows now (windows and quotas change with time)."""
        return Abilities()

    def split(self, message: OutboundMessage, abilities: Abilities) -> Sequence[OutboundMessage]:
        """Cut one reply into parts that the platform takes; keys are the caller's business."""
        from_text = split_text(message.text, abilities)
        if len(from_text) <= 1:
            return [message]
        return with_texts(message, from_text)

    def closing(self, account: Account, agent_name: str, agent_signature: str) -> str:
        """What is put under a reply of that agent by itself, as text: shown before it is sent. Pure."""
        return ""

    def send(self, account: Account, message: OutboundMessage, http: Http) -> Sent:
        """Send one part. Return Sent or raise DeliveryFailed; nothing else."""
        raise NotImplementedError

    def mark_read(self, account: Account, conversation: Conversation, external_id: str, http: Http) -> None:
        """Tell the platform that an agent has seen it (where it can; ``READ_RECEIPTS`` among the fields).

        May raise DeliveryFailed or HttpError: tried again a few times unless permanent.
        """

    def typing(self, account: Account, conversation: Conversation, http: Http) -> None:
        """Show "typing…" to the customer (where ``abilities`` says shows_typing). What it raises is forgotten."""

    def react(self, account: Account, conversation: Conversation, external_id: str, emoji: str, http: Http) -> None:
        """Put our reaction on a message; emoji "" takes it back. Raises DeliveryFailed."""
        raise DeliveryFailed(
            N_("This channel takes no reactions."), permanent=True, category="content", code="no_reactions"
        )

    def measure(self, account: Account, text: str) -> TextMeasure:
        """How long a draft is, in the platform's own way of counting."""
        able = self.abilities(account, Conversation(external_id=""), EPOCH)
        return TextMeasure(length=able.length(text), limit=able.max_length)

    # ── beside the messages: called by workers, never while a platform or a person waits ──

    def fetch_profile(self, account: Account, external_id: str, http: Http) -> Profile | None:
        """What the platform tells about a person; None: nothing. Raises HttpError: asked again later."""
        return None

    def fetch_member(self, account: Account, group: str, external_id: str, http: Http) -> Profile | None:
        """The same of somebody who is known from a group alone, where ``fetch_profile`` said None."""
        return None

    def templates(self, account: Account, http: Http) -> Sequence[MessageTemplate]:
        """All of the account's templates, whatever their status. Raises DeliveryFailed or HttpError."""
        return []

    def template_file(self, media: str) -> tuple[frozenset[str] | None, int]:
        """What a template's header of that kind takes: media types (None: any), and bytes at most. Pure."""
        return None, 25 * 1024 * 1024

    def quota(self, account: Account, http: Http) -> Quota | None:
        """How many messages the month still has; None where the platform counts none. Raises as templates."""
        return None

    def wants_acknowledgement(self, account: Account, payload: Any) -> bool:
        """Whether the platform waits to hear that what it posted was seen (a pressed button). Pure."""
        return False

    def acknowledge(self, account: Account, payload: Any, http: Http) -> None:
        """Say so, after the envelope is committed. What it raises is logged and tried once more."""

    # ── set-up ──

    def check_settings(self, settings: Mapping[str, Any]) -> None:
        """Raise SettingsInvalid for what cannot work; required fields are checked by the exchange."""

    def copyable(self, account: Account, public_url: str) -> Mapping[str, Copyable]:
        """What the steps show to be copied beside settings: a name that ``SetupStep.copy`` uses, and its text. Pure."""
        return {}

    def asks_consent(self, account: Account) -> bool:
        """Whether somebody has to sign in at the provider and allow us in: asked of what is no secret. Pure."""
        return False

    def consent_url(self, account: Account, consent: Consent) -> str:
        """Where the browser of whoever allows it goes; it comes back to ``consent.redirect_uri``. Pure."""
        raise NotImplementedError

    def consented(self, account: Account, consent: Consent, code: str, http: Http) -> Mapping[str, str]:
        """The settings that the code of the provider's answer is worth. Raises DeliveryFailed."""
        raise NotImplementedError

    def check(self, account: Account, http: Http) -> Sequence[CheckLine]:
        """Try the real thing and say in words what works and what does not."""
        return []

    def normalise_address(self, account: Account, external_id: str) -> str:
        """The one spelling of an address on this channel. Raise ValueError if it cannot be one."""
        if not external_id.strip():
            raise ValueError(external_id)
        return external_id.strip()

    def is_own_address(self, account: Account, external_id: str) -> bool:
        """Whether what is sent there comes to this very channel (where addresses of ours stand among people's)."""
        return False

    def connect(self, account: Account, http: Http) -> Sequence[CheckLine]:
        """Tell the platform to post to ``account.webhook_url``, and say in words how that went."""
        return []
