"""What the customer is shown of us beside messages: that theirs was read, and that somebody is typing.

Both begin with a word on the live socket and are told to the platform by a worker. A read mark waits as a
row and is told once; typing is of the moment, and at most every few seconds in one conversation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import structlog
from django.db.models import Q
from django.utils import timezone

from channels_app import asking, jobs, registry
from channels_app.contract import READ_RECEIPTS, Adapter, DeliveryFailed
from tickets.models import Courtesy, Message, Ticket
from tickets.sendable import abilities_of, conversation_of

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=30)
BACKOFF = (5, 60, 600)
TYPING_EVERY = timedelta(seconds=5)


def shown_on(kind: str, public_settings: Mapping[str, Any]) -> frozenset[str]:
    """Of an agent's live words those that a customer of such a channel may see: for the others nothing is asked."""
    try:
        adapter = registry.adapter(kind)
    except registry.UnknownKind:
        return frozenset()
    types, reads = type(adapter).typing is not Adapter.typing, public_settings.get(READ_RECEIPTS.name) == "on"
    return frozenset(word for word, shown in (("typing", types), ("viewing", reads)) if shown)


def customer_sees(word: str, number: int) -> None:
    """An agent's live word about a ticket that they may see. A failure is logged: no socket closes over it."""
    act = {"viewing": read, "typing": typing}.get(word)
    if act is None:
        return
    try:
        act(number)
    except Exception:
        log.exception("a courtesy was not noted", word=word, ticket=number)


# ── Read ─────────────────────────────────────────────────────────────────────────────────────


def read(number: int) -> None:
    """An agent has the conversation before them: the platform is told of the newest message, where the
    channel's administrator wants that."""
    ticket = Ticket.objects.select_related("channel").filter(pk=number).first()
    if ticket is None or ticket.channel.public_settings.get(READ_RECEIPTS.name) != "on":
        return
    theirs = Message.objects.filter(ticket=number, direction=Message.Direction.IN).exclude(external_id=None)
    newest = theirs.order_by("-at", "-id").values_list("pk", "standby").first()
    # Another app has the thread: it says what was read.
    if newest is None or newest[1]:
        return
    Courtesy.objects.get_or_create(ticket=ticket)
    wanted = Courtesy.objects.filter(ticket=ticket, seen__lt=newest[0])
    if wanted.update(seen=newest[0], due_at=timezone.now(), attempts=0):
        jobs.enqueue("tickets.courtesies.mark", number)


def sweep() -> None:
    """Tell platforms what is due (timetable)."""
    due = Courtesy.objects.filter(due_at__lte=timezone.now()).order_by("due_at")
    for pk in due.values_list("pk", flat=True)[:100]:
        jobs.spread(mark, pk)


def mark(number: int) -> None:
    """Claim, tell, finish; a worker that dies on the way leaves a claim that runs out."""
    now = timezone.now()
    if not Courtesy.objects.filter(pk=number, due_at__lte=now).update(due_at=now + LEASE):
        return
    row = Courtesy.objects.select_related("ticket__channel", "ticket__address").get(pk=number)
    message = Message.objects.filter(pk=row.seen).first()
    # Of somebody who was erased no platform hears again.
    erased = row.ticket.address.erased_at is not None
    if erased or message is None or message.external_id is None or row.told >= row.seen:
        _told(row)
        return
    conversation = replace(conversation_of(row.ticket), read_handle=message.extra.get("read_handle"))
    try:
        asking.mark_read(row.ticket.channel, conversation, message.external_id)
    except DeliveryFailed as failure:
        _failed(row, failure)
    else:
        _told(row)


def _told(row: Courtesy) -> None:
    Courtesy.objects.filter(pk=row.pk).update(told=row.seen)
    # What was read meanwhile is due of its own accord.
    Courtesy.objects.filter(pk=row.pk, seen=row.seen).update(due_at=None, attempts=0)
    Courtesy.objects.filter(pk=row.pk, seen__gt=row.seen).update(due_at=timezone.now())


def _failed(row: Courtesy, failure: DeliveryFailed) -> None:
    attempts = row.attempts + 1
    log.info("a read mark was not taken", ticket=row.pk, attempt=attempts, reason=str(failure))
    if failure.permanent or attempts > len(BACKOFF):
        _told(row)
        return
    wait = timedelta(seconds=max(BACKOFF[attempts - 1], failure.retry_after or 0))
    Courtesy.objects.filter(pk=row.pk, seen=row.seen).update(attempts=attempts, due_at=timezone.now() + wait)


# ── Typing ───────────────────────────────────────────────────────────────────────────────────


def typing(number: int) -> None:
    """An agent writes to the customer. Of many words in a few seconds, from many agents, one is passed on."""
    ticket = Ticket.objects.select_related("channel").filter(pk=number).first()
    if ticket is None or type(ticket.channel.adapter).typing is Adapter.typing:
        return
    now = timezone.now()
    Courtesy.objects.get_or_create(ticket=ticket)
    silent = Q(typing_at=None) | Q(typing_at__lte=now - TYPING_EVERY)
    if Courtesy.objects.filter(silent, ticket=ticket).update(typing_at=now):
        jobs.enqueue("tickets.courtesies.show_typing", number)


def show_typing(number: int) -> None:
    ticket = Ticket.objects.select_related("channel", "address").filter(pk=number).first()
    if ticket is None:
        return
    able = abilities_of(ticket)
    if not able.shows_typing or able.closed or able.only_templates:
        return
    try:
        asking.typing(ticket.channel, conversation_of(ticket))
    except DeliveryFailed as failure:
        log.info("typing was not shown", ticket=number, reason=str(failure))
