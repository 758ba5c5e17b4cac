"""What no person sends: may it go out, and how it does. Every automatic message asks ``may_send`` first.

Two machines that answer each other fill both mailboxes in a night. So nothing answers a machine, a list, a daemon
or ourselves (the facts of the mail say so, RFC 3834); what is left is counted, per address and per channel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, Literal

import structlog
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as N_
from django.utils.translation import override

from channels_app import jobs, outbound, vault
from channels_app.contract import Abilities, Conversation, InboundMessage, QuickReply, Template
from channels_app.models import Channel
from tickets import choices, letters, sendable, threads
from tickets.models import Message, Part, Ticket
from tickets.models.activity import SYSTEM, record

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


def may_send(
    ticket: Ticket,
    kind: Kind = "auto-replied",
    *,
    by_template: bool = False,
    conversation: Conversation | None = None,
    able: Abilities | None = None,
) -> str | None:
    """None: yes. Else why not, in a word for the log. The caller holds the ticket; the two last it may know already."""
    conversation = conversation or sendable.conversation_of(ticket)
    able = able or outbound.abilities(ticket.channel, conversation)
    if conversation.blocked or able.closed or (able.only_templates and not by_template):
        return "closed"
    newest = Message.objects.filter(ticket=ticket, direction=Message.Direction.IN).order_by("-pk").first()
    said: Mapping[str, Any] = newest.extra.get("mail", {}) if newest else {}
    return (
        _by_what_came(said)
        or ("own-address" if _is_ours(ticket) else None)
        or ("rate" if _too_many(ticket) else None)
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


def _too_many(ticket: Ticket) -> bool:
    now = timezone.now()
    here = _sent().filter(ticket__address=ticket.address_id, created_at__gt=now - CAPS[-1][0])
    times = list(here.values_list("created_at", flat=True)[: CAPS[-1][1]])
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
    extra: dict[str, Any] = {"automatic": kind}
    if template is not None:
        words, extra["template"] = sendable.filled(ticket, template, "", ())
    else:
        words, offered = text(), list(quick_replies())
        if offered:
            extra[choices.NAME] = choices.checked(able, offered, words)
    return _queued(ticket, words, extra)


def _queued(ticket: Ticket, words: str, extra: dict[str, Any]) -> Message:
    now = timezone.now()
    message = Message.objects.create(
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
    Part.objects.create(message=message, channel_id=ticket.channel_id, position=0, status=Message.Status.QUEUED)
    record(ticket, "message.added", SYSTEM, message=message)
    jobs.enqueue("tickets.delivery.deliver", message.pk)
    return message


def receipt(ticket: Ticket, news: InboundMessage) -> None:
    """To whoever begins a conversation, once, where the channel's setting ``receipt`` is on."""
    if ticket.channel.public_settings.get("receipt") == "on" and not threads.is_silent(news):
        send(ticket, lambda: _("We have your message and will answer it here. Its number is #%d.") % ticket.pk)
