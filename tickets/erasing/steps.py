"""A customer is erased in steps, each a short transaction, and each the same when it is done twice.

The first is done while the administrator waits: who the customer was, and how they are reached. From then on nobody
can write to them here, and what they write is a new customer's. A worker does the rest; where it dies, the timetable
goes on from what the row and the database say.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from agents.models import Agent
from channels_app import erasing, jobs
from channels_app.models import Address
from customers.models import Customer, CustomerTag
from tickets.continuing import fates
from tickets.erasing import blanking
from tickets.erasing.models import Erasure
from tickets.models import Message, Participant, PendingNews
from tickets.models.courtesy import Courtesy
from tickets.models.message import Part
from tickets.models.participant import PicturesAllowed

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=60)
AT_A_TIME = 20.0
"""Seconds that one job works before it gives its thread back."""
IDS = 500
GO_ON = "tickets.erasing.steps.go_on"


def begin(customer_id: int, by: Agent) -> Erasure:
    """The door saw to it that ``by`` may. Begun twice it is one erasure."""
    known = Erasure.objects.filter(pk=customer_id).first()
    if known is not None:
        return known
    row = _cut(customer_id, by)
    log.info("a customer is erased", customer=customer_id, agent=by.pk)
    jobs.enqueue(GO_ON, customer_id)
    return row


@transaction.atomic
def _cut(customer_id: int, by: Agent | None) -> Erasure:
    """Chats first, then addresses, then the customer: the order of whoever brings a message."""
    theirs = Address.objects.filter(customer_link__customer=customer_id, erased_at=None).order_by("pk")
    erasing.conversations(theirs)
    held = list(theirs.select_for_update(of=("self",)).select_related("channel"))
    row, _made = Erasure.objects.get_or_create(
        customer_id=customer_id,
        defaults={"by": by, "upto_envelope": erasing.oldest() - 1, "last_envelope": erasing.newest()},
    )
    row.names = sorted({*row.names, *erasing.names(held)})
    row.channels = sorted({*row.channels, *(one.channel_id for one in held)})
    row.save(update_fields=["names", "channels"])
    numbers = [one.pk for one in held]
    for one in held:
        # On others' tickets, by the spelling of their own channel.
        Participant.objects.filter(address=one.external_id, ticket__channel=one.channel_id).delete()
        erasing.forget(one)
    fates.forget(numbers)
    PicturesAllowed.objects.filter(address__in=numbers).delete()
    Courtesy.objects.filter(ticket__address__in=numbers).delete()
    PendingNews.objects.filter(channel__in=row.channels, payload__author__in=row.names).delete()
    # First the row, which whoever writes about them holds, then what they have written.
    Customer.objects.filter(pk=customer_id).update(name="", language="", standing="", note="", attributes={})
    CustomerTag.objects.filter(customer=customer_id).delete()
    return row


# ── Going on ─────────────────────────────────────────────────────────────────────────────────


def sweep() -> None:
    """Whom somebody was to go on with (timetable)."""
    due = Erasure.objects.filter(due_at__lte=timezone.now()).order_by("due_at")
    for pk in due.values_list("pk", flat=True)[:20]:
        jobs.spread(go_on, pk)


def go_on(customer_id: int) -> None:
    """Claim, do what is next, and so on until it is done or its time is over."""
    now = timezone.now()
    if not Erasure.objects.filter(pk=customer_id, due_at__lte=now).update(due_at=now + LEASE):
        return
    end = time.monotonic() + AT_A_TIME
    row = Erasure.objects.select_related("by").get(pk=customer_id)
    if row.done_at is not None:
        _numbers(row)
        return
    for step in STEPS:
        while step(row):
            Erasure.objects.filter(pk=customer_id).update(due_at=timezone.now() + LEASE)
            if time.monotonic() > end:
                Erasure.objects.filter(pk=customer_id).update(due_at=timezone.now())
                jobs.enqueue(GO_ON, customer_id)
                return
            row.refresh_from_db()
    _finish(row)


def _parts(row: Erasure) -> bool:
    """What other floors keep of them."""
    for path in settings.PERSONAL_DATA:
        import_module(path).erase(row.pk)
    return False


def _envelopes(row: Erasure) -> bool:
    """Raw requests that became no message: receipts, follows, what failed."""
    if row.upto_envelope >= row.last_envelope:
        return False
    for pk in erasing.naming(row.channels, row.names, row.upto_envelope):
        if pk <= row.last_envelope:
            erasing.erase(pk, row.names)
    Erasure.objects.filter(pk=row.pk).update(upto_envelope=row.upto_envelope + erasing.SPAN)
    return True


STEPS: tuple[Callable[[Erasure], bool], ...] = (
    _parts, blanking.tickets, blanking.elsewhere, blanking.reactions, _envelopes,
)  # fmt: skip


def _finish(row: Erasure) -> None:
    if Address.objects.filter(customer_link__customer=row.pk, erased_at=None).exists():
        # An address of theirs came to them meanwhile: all is looked through once more, with its names.
        _cut(row.pk, None)
        Erasure.objects.filter(pk=row.pk).update(
            upto_ticket=0, upto_envelope=erasing.oldest() - 1, due_at=timezone.now()
        )
        return
    now = timezone.now()
    Erasure.objects.filter(pk=row.pk).update(
        names=[], done_at=now, due_at=now + timedelta(days=settings.ENVELOPE_KEEP_DAYS)
    )
    log.info("a customer was erased", customer=row.pk, tickets=row.tickets, messages=row.messages, files=row.files)


def _numbers(row: Erasure) -> None:
    """No platform repeats so old a message: its number, in which some have the person's, goes too."""
    for found in (
        Message.objects.filter(ticket__customer=row.pk),
        Message.objects.filter(address__customer_link__customer=row.pk),
    ):
        while some := list(found.exclude(external_id=None).values_list("pk", flat=True)[:IDS]):
            Message.objects.filter(pk__in=some).update(external_id=None)
    parts = Part.objects.filter(message__ticket__customer=row.pk).exclude(external_id=None)
    while some := list(parts.values_list("pk", flat=True)[:IDS]):
        Part.objects.filter(pk__in=some).update(external_id=None)
    Erasure.objects.filter(pk=row.pk).update(due_at=None)
