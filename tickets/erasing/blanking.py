"""The desk's own part: what was said goes, with its files and raw requests; that it was said stays, and is counted.

Each function does a little and says whether there may be more. Files go before the rows that name them, so that a
process that ends in between leaves nothing on the disk that nobody knows of.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_noop as N_

from channels_app import erasing
from channels_app.contract import DeliveryFailed
from tickets import lifecycle, receipts
from tickets.continuing.models import ContinuedMail
from tickets.erasing.models import Erasure
from tickets.excerpt import first_words
from tickets.models import Activity, Actor, Attachment, Message, Participant, Ticket
from tickets.models.activity import SYSTEM, record
from tickets.models.courtesy import OutgoingReaction
from tickets.models.message import Part

LINE = "customer.erased"
AT_ONCE = 100
MARK = {"erased": True}
"""What a message's ``extra`` says instead of all that it said."""
D, S = Message.Direction, Message.Status


def tickets(row: Erasure) -> bool:
    """Theirs, one after another: a hundred messages at once, and when there are none left, the ticket itself."""
    number = (
        Ticket.objects.filter(customer=row.pk, pk__gt=row.upto_ticket).order_by("pk").values_list("pk", flat=True)
    ).first()
    if number is None:
        return False
    said = list(Message.objects.filter(ticket=number, deleted_at=None).order_by("pk")[:AT_ONCE])
    if said:
        _empty(row, number, said)
    else:
        _close(row, number)
    return True


def elsewhere(row: Erasure) -> bool:
    """What they said on tickets that are not theirs: in a group, in somebody's mail."""
    theirs = Message.objects.filter(address__customer_link__customer=row.pk, deleted_at=None)
    found = theirs.exclude(ticket__customer=row.pk).order_by("ticket", "pk")
    number = found.values_list("ticket", flat=True).first()
    if number is None:
        return False
    said = list(found.filter(ticket=number)[:AT_ONCE])
    before = {message.pk: message.text for message in said}
    with transaction.atomic():
        ticket = _empty(row, number, said)
        last = Message.objects.filter(ticket=ticket, direction__in=(D.IN, D.OUT)).order_by("-at", "-pk").first()
        for message in said:
            fields: dict[str, Any] = {"last_text": ""} if last is not None and last.pk == message.pk else {}
            # A subject that was taken from their words.
            if ticket.subject and ticket.subject == first_words(before[message.pk])[:500]:
                fields["subject"] = ""
            record(ticket, "message.changed", SYSTEM, message=message, changes={"what": "deleted"}, **fields)
    return True


def reactions(row: Erasure) -> bool:
    """Theirs under others' messages, which only a group has; and their name in the log."""
    groups = Message.objects.filter(channel__in=row.channels, ticket__address__is_group=True).exclude(reactions=[])
    for pk, shown in groups.exclude(ticket__customer=row.pk).values_list("pk", "reactions").iterator():
        if any(_is_theirs(one, row) for one in shown):
            _unreact(row, pk)
    Activity.objects.filter(customer=row.pk).exclude(actor_name="").update(actor_name="")
    return False


def _is_theirs(reaction: dict[str, Any], row: Erasure) -> bool:
    by = reaction.get("author", {})
    return bool(by.get("type") == "customer" and by.get("id") == row.pk)


def _unreact(row: Erasure, message_id: int) -> None:
    with transaction.atomic():
        number = Message.objects.values_list("ticket_id", flat=True).get(pk=message_id)
        ticket = Ticket.objects.locked().get(pk=number)
        message = Message.objects.get(pk=message_id)
        message.reactions = [one for one in message.reactions if not _is_theirs(one, row)]
        marks = message.extra.get("reacted", {})
        extra = {**message.extra, "reacted": {by: mark for by, mark in marks.items() if by not in row.names}}
        Message.objects.filter(pk=message_id).update(reactions=message.reactions, extra=extra)
        record(ticket, "message.changed", SYSTEM, message=message, changes={"what": "reaction"})


# ── Messages ─────────────────────────────────────────────────────────────────────────────────


def _empty(row: Erasure, number: int, said: Sequence[Message]) -> Ticket:
    """Their files, raw requests, words; what was still to be sent is not. Gives the ticket, which is held."""
    ids = [message.pk for message in said]
    files = list(Attachment.objects.filter(message__in=ids))
    for file in files:
        for stored in (file.file, file.thumb):
            if stored:
                stored.storage.delete(str(stored.name))
    for envelope in sorted({pk for message in said for pk in _envelopes(message)}):
        erasing.erase(envelope, row.names)
    with transaction.atomic():
        ticket = Ticket.objects.locked().get(pk=number)
        # A file that is being fetched finds no row when it comes, and goes by itself.
        Attachment.objects.filter(message__in=ids).delete()
        OutgoingReaction.objects.filter(message__in=ids).delete()
        gone = Message.objects.filter(pk__in=ids)
        waiting = list(gone.filter(status=S.QUEUED).values_list("pk", flat=True))
        gone.update(
            text="", html=None, reply_text=None, about=None, postback=None, reactions=[], extra=MARK, error=None,
            deleted_at=timezone.now(), next_attempt_at=None,
        )  # fmt: skip
        Message.objects.filter(pk__in=waiting).update(status=S.FAILED, error=_not_sent())
        Part.objects.filter(message__in=waiting, status=S.QUEUED).update(status=S.FAILED)
        Erasure.objects.filter(pk=row.pk).update(messages=F("messages") + len(ids), files=F("files") + len(files))
    return ticket


def _envelopes(message: Message) -> set[int]:
    return {one for one in (message.envelope_id, *message.extra.get("envelopes", [])) if one}


def _not_sent() -> dict[str, Any]:
    words = N_("The customer was erased before this was sent.")
    return receipts.error_json(DeliveryFailed(words, permanent=True, category="blocked", code="erased"))


# ── The ticket ───────────────────────────────────────────────────────────────────────────────


@transaction.atomic
def _close(row: Erasure, number: int) -> None:
    """Resolved, without words. The line makes open pages show it."""
    ticket = lifecycle.resolve(number, SYSTEM)
    if Message.objects.filter(ticket=ticket, deleted_at=None).exists():
        return  # A colleague has just written something: it goes first.
    Participant.objects.filter(ticket=ticket).delete()
    ContinuedMail.objects.filter(ticket=ticket).delete()
    _unsay(ticket)
    by = Actor.of(row.by) if row.by else SYSTEM
    record(ticket, LINE, by, subject="", last_text="", reply_token="")
    Erasure.objects.filter(pk=row.pk).update(upto_ticket=number, tickets=F("tickets") + 1)


def _unsay(ticket: Ticket) -> None:
    """What the log has of their words and names; who did what when stays."""
    lines = Activity.objects.filter(ticket=ticket)
    lines.filter(actor_type="customer").update(actor_name="")
    told = Q(type__startswith="customer.") | Q(type__in=("ticket.continued", "ticket.reaction_failed"))
    lines.filter(told).update(changes={})
    for line in lines.filter(type="ticket.changed", changes__has_key="subject"):
        Activity.objects.filter(pk=line.pk).update(changes={**line.changes, "subject": ["", ""]})
