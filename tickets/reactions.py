"""Our own reaction to a customer's message: shown at once, sent by a worker, taken back if it is refused.

To the platform we are one author, so there is one reaction of ours on a message, whoever of us gave it.
"""

from __future__ import annotations

import unicodedata
from datetime import timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from agents.models import Agent
from channels_app import asking, jobs
from channels_app.contract import DeliveryFailed
from tickets.lifecycle import Refused
from tickets.models import Actor, Message, OutgoingReaction, Ticket
from tickets.models.activity import SYSTEM, record
from tickets.sendable import CannotSend, abilities_of, conversation_of, in_words

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=30)
BACKOFF = (2, 10, 60, 300)
LONGEST = 16
LINE = "ticket.reaction_failed"


def react(message_id: int, agent: Agent, emoji: str) -> Message:
    """Put ours on the message, in place of one that is there; "" takes it back. Twice is once. Raises Refused."""
    emoji = _checked(emoji)
    with transaction.atomic():
        found = Message.objects.get(pk=message_id)
        ticket = Ticket.objects.locked().select_related("channel", "address").get(pk=found.ticket_id)
        message = Message.objects.get(pk=message_id)
        _check(ticket, message)
        before = ours(message)
        if (before["emoji"] if before else "") != emoji:
            _show(message, _by(agent, emoji) if emoji else None)
            _queue(message, agent, emoji, before)
            changes = {"what": "reaction"}
            record(ticket, "message.changed", Actor.of(agent), message=message, changes=changes)
            jobs.enqueue("tickets.reactions.send", message_id)
    return Message.objects.for_reading().get(pk=message_id)


def ours(message: Message) -> dict[str, Any] | None:
    """Our reaction as it stands on the message."""
    return next((item for item in message.reactions if item["author"]["type"] == "agent"), None)


def _checked(emoji: str) -> str:
    """An emoji is told by what it is not: letters, spaces, more than a few characters."""
    emoji = emoji.strip()
    kinds = [(char, unicodedata.category(char)) for char in emoji]
    drawn = any(char > "\u2000" and kind in ("So", "Sk", "Po", "Sm", "Me", "Cn") for char, kind in kinds)
    wrong = any(kind[0] in "LZ" or (kind in ("Cc", "Cf", "Co", "Cs") and char not in JOINERS) for char, kind in kinds)
    if emoji and (len(emoji) > LONGEST or wrong or not drawn):
        raise Refused(_("Choose one emoji."))
    return emoji


# Zero width joiner, and the letters that spell a flag's region.
JOINERS = {"\u200d", *map(chr, range(0xE0020, 0xE0080))}


def _check(ticket: Ticket, message: Message) -> None:
    if message.direction != Message.Direction.IN or not message.external_id or message.deleted_at:
        raise CannotSend(_("One can only react to what the customer wrote."))
    able = abilities_of(ticket)
    if able.closed or able.only_templates:
        raise CannotSend(in_words(able))
    if not able.can_react:
        raise CannotSend(_("This channel takes no reactions."))


def _by(agent: Agent, emoji: str) -> dict[str, Any]:
    author = {"type": "agent", "id": agent.pk, "name": agent.name, "address": None}
    return {"emoji": emoji, "author": author, "at": timezone.now().isoformat()}


def _show(message: Message, reaction: dict[str, Any] | None) -> None:
    others = [item for item in message.reactions if item["author"]["type"] != "agent"]
    Message.objects.filter(pk=message.pk).update(reactions=[*others, reaction] if reaction else others)


def _queue(message: Message, agent: Agent, emoji: str, before: dict[str, Any] | None) -> None:
    """One row per message. What the platform has stays what it was before the first change."""
    row, made = OutgoingReaction.objects.get_or_create(
        message=message, defaults={"emoji": emoji, "agent": agent, "before": before}
    )
    if not made:
        OutgoingReaction.objects.filter(pk=row.pk).update(
            emoji=emoji, agent=agent, version=F("version") + 1, attempts=0, due_at=timezone.now()
        )


# ── On its way ───────────────────────────────────────────────────────────────────────────────


def sweep() -> None:
    """Send what is due (timetable)."""
    due = OutgoingReaction.objects.filter(due_at__lte=timezone.now()).order_by("due_at")
    for pk in due.values_list("pk", flat=True)[:100]:
        jobs.spread(send, pk)


def send(message_id: int) -> None:
    """Claim, send, finish. The same reaction twice is one to every platform, so an answer that did not come
    is no reason to stop."""
    now = timezone.now()
    if not OutgoingReaction.objects.filter(pk=message_id, due_at__lte=now).update(due_at=now + LEASE):
        return
    row = OutgoingReaction.objects.select_related("message__ticket__channel", "message__ticket__address").get(
        pk=message_id
    )
    message, ticket = row.message, row.message.ticket
    try:
        asking.react(ticket.channel, conversation_of(ticket), message.external_id or "", row.emoji)
    except DeliveryFailed as failure:
        _failed(row, failure)
    else:
        _through(row)


def _through(row: OutgoingReaction) -> None:
    with transaction.atomic():
        Ticket.objects.locked().get(pk=row.message.ticket_id)
        if OutgoingReaction.objects.filter(pk=row.pk, version=row.version).delete()[0]:
            return
        # Another one was chosen while this was under way: now this is what the platform has.
        sent = {**_by(row.agent, row.emoji)} if row.agent and row.emoji else None
        OutgoingReaction.objects.filter(pk=row.pk).update(before=sent, due_at=timezone.now())


def _failed(row: OutgoingReaction, failure: DeliveryFailed) -> None:
    attempts = row.attempts + 1
    log.info("a reaction was not taken", message=row.pk, attempt=attempts, reason=str(failure))
    if not failure.permanent and attempts <= len(BACKOFF):
        wait = timedelta(seconds=max(BACKOFF[attempts - 1], failure.retry_after or 0))
        OutgoingReaction.objects.filter(pk=row.pk, version=row.version).update(
            attempts=attempts, due_at=timezone.now() + wait
        )
        return
    with transaction.atomic():
        ticket = Ticket.objects.locked().get(pk=row.message.ticket_id)
        if not OutgoingReaction.objects.filter(pk=row.pk, version=row.version).delete()[0]:
            OutgoingReaction.objects.filter(pk=row.pk).update(due_at=timezone.now())
            return
        message = Message.objects.get(pk=row.pk)
        if not message.deleted_at:
            _show(message, row.before)
            record(ticket, "message.changed", SYSTEM, message=message, changes={"what": "reaction"})
        changes = {"emoji": row.emoji, "reason": failure.title}
        record(ticket, LINE, SYSTEM, message=message, changes=changes)
