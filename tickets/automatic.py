"""What no person sends: may it go out, and how it does. Every automatic message asks ``may_send`` first.

Two machines that answer each other fill both mailboxes in a night. So nothing answers a machine, a list, a daemon
or ourselves (the facts of the mail say so, RFC 3834); what is left is counted, per address and per channel.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Literal

import structlog
from django.db.models import Max, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as N_
from django.utils.translation import override

from channels_app import jobs, outbound, prepared, vault
from channels_app.contract import Abilities, Conversation, InboundMessage, QuickReply, Template
from channels_app.models import Channel, MessageTemplate
from tickets import choices, letters, sendable, threads
from tickets.models import Message, Part, Ticket
from tickets.models.activity import SYSTEM, Entry, record, record_all

log = structlog.get_logger(__name__)

Kind = Literal["auto-replied", "auto-generated"]
"""An answer to somebody, or a message of our own accord."""
CAPS = (
    (timedelta(minutes=10), 10),
    (timedelta(minutes=30), 15),
    (timedelta(minutes=60), 25),
    (timedelta(minutes=180), 50),
    (timedelta(minutes=600), 100),
)
"""Automatic messages to one address within so long, whatever the tickets."""
BREAKER = (timedelta(minutes=60), 500)
"""Of a whole channel: more is not busy, it is broken."""
STOPPED = N_("Automatic answers have stopped: too many went out within an hour. Something answers them by itself.")


class Facts:
    """What is looked at before a machine writes to a ticket; each is read when it is asked for."""

    def __init__(self, ticket: Ticket) -> None:
        self.ticket = ticket

    def said(self) -> Mapping[str, Any]:
        """What the customer's newest mail says about itself."""
        newest = Message.objects.filter(ticket=self.ticket, direction=Message.Direction.IN).order_by("-pk").first()
        return newest.extra.get("mail", {}) if newest else {}

    def is_ours(self) -> bool:
        return _is_ours(self.ticket)

    def sent(self) -> Sequence[datetime]:
        """When something automatic went to the address: as much as the caps want to know."""
        return list(_sent_lately([self.ticket.address_id]).values_list("created_at", flat=True)[: CAPS[-1][1]])


def may_send(
    ticket: Ticket,
    kind: Kind = "auto-replied",
    *,
    by_template: bool = False,
    conversation: Conversation | None = None,
    able: Abilities | None = None,
    facts: Facts | None = None,
) -> str | None:
    """None: yes. Else why not, in a word for the log. The caller holds the ticket; it may know the rest."""
    conversation = conversation or sendable.conversation_of(ticket)
    able = able or outbound.abilities(ticket.channel, conversation)
    facts = facts or Facts(ticket)
    if conversation.blocked or able.closed or (able.only_templates and not by_template):
        return "closed"
    return (
        _by_what_came(facts.said())
        or ("own-address" if facts.is_ours() else None)
        or ("rate" if _too_many(facts.sent()) else None)
        # What goes out of our own accord nobody has set off: whoever sends it says how much of it there is.
        or ("breaker" if kind == "auto-replied" and _broken(ticket.channel) else None)
    )


def _by_what_came(said: Mapping[str, Any]) -> str | None:
    reason = said.get("automatic")
    if reason or said.get("auto_reply"):
        return str(reason or "auto-reply")
    # Whoever is named there has written nothing: an answer would be unasked for.
    return "forged" if threads.forged(said) or said.get("spam") else None


def _is_ours(ticket: Ticket) -> bool:
    """Another of our own channels, which may have automatic answers of its own."""
    return ticket.threads and is_own(ticket.channel.kind, ticket.address.external_id)


def is_own(kind: str, external_id: str) -> bool:
    """What is sent there comes to a channel of ours."""
    return any(_is_of(one, external_id) for one in Channel.objects.filter(kind=kind))


def _is_of(channel: Channel, external_id: str) -> bool:
    try:
        return channel.adapter.is_own_address(channel.account(), external_id)
    except vault.Unreadable:
        return False


def _sent() -> QuerySet[Message]:
    return Message.objects.filter(direction=Message.Direction.OUT, agent=None, extra__has_key="automatic")


def _sent_lately(addresses: Iterable[int]) -> QuerySet[Message]:
    return _sent().filter(ticket__address__in=addresses, created_at__gt=timezone.now() - CAPS[-1][0])


def _too_many(times: Sequence[datetime]) -> bool:
    now = timezone.now()
    return any(sum(now - at < span for at in times) >= most for span, most in CAPS)


def _broken(channel: Channel) -> bool:
    """Said where administrators look at the channel; it is over when an hour was quiet enough."""
    span, most = BREAKER
    answers = _sent().filter(channel=channel, created_at__gt=timezone.now() - span, extra__automatic="auto-replied")
    if answers[: most + 1].count() < most:
        return False
    Channel.objects.filter(pk=channel.pk).update(last_failure=STOPPED, last_failure_at=timezone.now())
    log.error("automatic answers have stopped", channel=channel.pk)
    return True


def send(
    ticket: Ticket,
    text: Callable[[], str],
    kind: Kind = "auto-replied",
    *,
    quick_replies: Callable[[], Iterable[QuickReply]] = tuple,
) -> Message | None:
    """Puts it on its way, in the customer's language; None: it may not be. The caller holds the ticket.

    quick_replies: what can be pressed under it; what is pressed comes back as a postback. Raises CannotSend where
    the channel takes fewer or shorter ones (``sendable.abilities_of(ticket).quick_replies`` says how many).
    It changes nothing about who waits for whom: a machine has answered nothing.
    """
    with override(letters.language(ticket)):
        sent = offer(ticket, text, kind, quick_replies=quick_replies)
    return sent if isinstance(sent, Message) else None


def offer(
    ticket: Ticket,
    text: Callable[[], str],
    kind: Kind,
    *,
    quick_replies: Callable[[], Iterable[QuickReply]] = tuple,
    template: Template | None = None,
    conversation: Conversation | None = None,
) -> Message | str:
    """As ``send``, in whatever language the caller is; instead of None it is told why not, in a word.

    template: goes out in place of the text where nothing else may. Raises CannotSend.
    """
    conversation = conversation or sendable.conversation_of(ticket)
    able = outbound.abilities(ticket.channel, conversation)
    reason = may_send(ticket, kind, by_template=template is not None, conversation=conversation, able=able)
    if reason:
        log.info("no automatic message", ticket=ticket.pk, reason=reason)
        return reason
    message = _drafted(ticket, text, kind, able, quick_replies, template)
    message.save(force_insert=True)
    _part(message).save(force_insert=True)
    record(ticket, "message.added", SYSTEM, message=message)
    jobs.enqueue("tickets.delivery.deliver", message.pk)
    return message


def _drafted(
    ticket: Ticket,
    text: Callable[[], str],
    kind: Kind,
    able: Abilities,
    quick_replies: Callable[[], Iterable[QuickReply]],
    template: Template | None,
    lookup: sendable.Lookup | None = None,
) -> Message:
    """The message, not kept yet. Raises CannotSend."""
    extra: dict[str, Any] = {"automatic": kind}
    if template is not None:
        words, extra["template"] = sendable.filled(ticket, template, "", (), able=able, lookup=lookup)
    else:
        words, offered = text(), list(quick_replies())
        if offered:
            extra[choices.NAME] = choices.checked(able, offered, words)
    now = timezone.now()
    return Message(
        ticket=ticket,
        channel_id=ticket.channel_id,
        team_id=ticket.team_id,
        direction=Message.Direction.OUT,
        text=words,
        extra=extra,
        status=Message.Status.QUEUED,
        created_at=now,
        at=now,
        next_attempt_at=now,
    )


def _part(message: Message) -> Part:
    return Part(message=message, channel_id=message.channel_id, position=0, status=Message.Status.QUEUED)


# ── To many at once ──────────────────────────────────────────────────────────────────────────


class Many:
    """``offer`` to many tickets, of our own accord: what is looked at is read together, and what goes out is written
    together, in as many statements for a hundred as for one.

    many = Many(tickets)
    many.offer(ticket, …), many.note(ticket, …)     as often as need be
    many.write()                                    before that nothing is kept, and messages have no numbers

    The caller holds the tickets. What was offered here counts for what is offered next.
    """

    def __init__(self, tickets: Sequence[Ticket]) -> None:
        self._tickets = tickets
        self._numbers = [ticket.pk for ticket in tickets]
        self._messages: list[Message] = []
        self._entries: list[Entry] = []
        self._templates: dict[tuple[int, str, str], MessageTemplate | None] = {}

    def conversation_of(self, ticket: Ticket) -> Conversation:
        return self._conversations[ticket.pk]

    def offer(
        self,
        ticket: Ticket,
        text: Callable[[], str],
        *,
        able: Abilities,
        quick_replies: Callable[[], Iterable[QuickReply]] = tuple,
        template: Template | None = None,
    ) -> Message | str:
        """The message that ``write`` will keep, or why not, in a word. Raises CannotSend."""
        kind: Kind = "auto-generated"
        reason = may_send(
            ticket,
            kind,
            by_template=template is not None,
            conversation=self.conversation_of(ticket),
            able=able,
            facts=_Known(ticket, self._said, self._channels, self._times[ticket.address_id]),
        )
        if reason:
            log.info("no automatic message", ticket=ticket.pk, reason=reason)
            return reason
        message = _drafted(ticket, text, kind, able, quick_replies, template, self._template)
        self._messages.append(message)
        self._entries.append(Entry(ticket, "message.added", message))
        self._times[ticket.address_id].append(message.created_at)
        return message

    def note(self, ticket: Ticket, type: str, changes: dict[str, Any]) -> None:
        """A line on the ticket, behind those that were added before."""
        self._entries.append(Entry(ticket, type, changes=changes))

    def write(self) -> None:
        prepared.insert_all(self._messages)
        prepared.insert_all([_part(message) for message in self._messages])
        record_all(self._entries, SYSTEM)
        for message in self._messages:
            jobs.enqueue("tickets.delivery.deliver", message.pk)

    # ── What is known, read when it is first asked for ──

    @cached_property
    def _conversations(self) -> dict[int, Conversation]:
        return sendable.conversations_of(self._tickets)

    @cached_property
    def _said(self) -> dict[int, Mapping[str, Any]]:
        theirs = Message.objects.filter(ticket__in=self._numbers, direction=Message.Direction.IN)
        newest = Message.objects.filter(pk__in=theirs.values("ticket").annotate(newest=Max("pk")).values("newest"))
        return {ticket: extra.get("mail", {}) for ticket, extra in newest.values_list("ticket_id", "extra")}

    @cached_property
    def _times(self) -> dict[int, list[datetime]]:
        found: dict[int, list[datetime]] = defaultdict(list)
        sent = _sent_lately({ticket.address_id for ticket in self._tickets})
        for address, at in sent.values_list("ticket__address", "created_at"):
            found[address].append(at)
        return found

    @cached_property
    def _channels(self) -> dict[str, list[Channel]]:
        """By kind: of our channels those that might be whom a mail goes to."""
        found: dict[str, list[Channel]] = defaultdict(list)
        for channel in Channel.objects.filter(kind__in={one.channel.kind for one in self._tickets if one.threads}):
            found[channel.kind].append(channel)
        return found

    def _template(self, channel: Channel, given: Template) -> MessageTemplate | None:
        key = (channel.pk, given.name, given.language)
        if key not in self._templates:
            self._templates[key] = sendable.found_template(channel, given)
        return self._templates[key]


class _Known(Facts):
    """Read already."""

    def __init__(
        self,
        ticket: Ticket,
        said: Mapping[int, Mapping[str, Any]],
        channels: Mapping[str, Sequence[Channel]],
        times: Sequence[datetime],
    ) -> None:
        super().__init__(ticket)
        self._said, self._channels, self._times = said, channels, times

    def said(self) -> Mapping[str, Any]:
        return self._said.get(self.ticket.pk, {})

    def is_ours(self) -> bool:
        ticket = self.ticket
        ours = self._channels[ticket.channel.kind] if ticket.threads else ()
        return any(_is_of(one, ticket.address.external_id) for one in ours)

    def sent(self) -> Sequence[datetime]:
        return self._times


def receipt(ticket: Ticket, news: InboundMessage) -> None:
    """To whoever begins a conversation, once, where the channel's setting ``receipt`` is on."""
    if ticket.channel.public_settings.get("receipt") == "on" and not threads.is_silent(news):
        send(ticket, lambda: _("We have your message and will answer it here. Its number is #%d.") % ticket.pk)
