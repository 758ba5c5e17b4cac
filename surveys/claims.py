"""A "5" that a customer writes back is an answer, not a new request (``settings.REPLY_CLAIMS``).

Asked by intake, which holds conversation and ticket, before it reopens a resolved ticket; and of every pressed
button, whatever the ticket's state: a button of ours is never about anything else.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.utils import timezone

from channels_app.contract import InboundMessage
from surveys import answering, phrasing, understanding, versions
from surveys.models import Invitation, Response
from tickets.models import Actor, Message, Ticket
from tickets.models.activity import record

LINE = "survey.answered"
State = Invitation.State


def claim(ticket: Ticket, news: InboundMessage) -> tuple[str, dict[str, Any]] | None:
    """The line that says so, with what it keeps; None: it is a message like any other (and perhaps an answer too)."""
    if news.postback:
        return _pressed(ticket, news.postback.payload)
    return _written(ticket, news)


def _pressed(ticket: Ticket, payload: str) -> tuple[str, dict[str, Any]] | None:
    said = phrasing.read_payload(payload)
    row = answering.held(said[0]) if said else None
    # Of this very conversation: a payload that somebody made up rates no ticket of another.
    if said is None or row is None or not Ticket.objects.filter(pk=row.ticket_id, address=ticket.address_id).exists():
        return None
    assert row.version is not None
    if versions.content_of(row.version).anonymous:
        # No button of ours: such a survey has none.
        return None
    try:
        response = answering.take(row, answering.Given(score=said[1], via=Response.Via.CHANNEL))
    except answering.Unfit:
        return None
    return LINE, answering.line(response)


def _written(ticket: Ticket, news: InboundMessage) -> tuple[str, dict[str, Any]] | None:
    if news.attachments:
        return None
    row = _open(ticket)
    if row is None or row.version is None:
        return None
    content = versions.content_of(row.version)
    found = None if content.anonymous else understanding.answer(_said(news), content)
    if found is None:
        return None
    response = answering.take(row, answering.Given(score=found.score, via=Response.Via.CHANNEL))
    if found.whole:
        return LINE, answering.line(response)
    # "5, but my parcel is broken" is both: the answer is taken, and the message opens the ticket again.
    record(ticket, LINE, Actor.from_customer(ticket.customer), changes=answering.line(response))
    return None


def _said(news: InboundMessage) -> str:
    return news.text if news.reply_text is None else news.reply_text


def _open(ticket: Ticket) -> Invitation | None:
    """The newest that was asked on the ticket, if it is open and what is written now can be meant for it."""
    fresh = Q(response=None) | Q(response__changed_at__gt=timezone.now() - answering.RECENTLY)
    # Not the newest of all: the ticket may have been resolved again meanwhile, without asking again.
    asked = Invitation.objects.filter(ticket=ticket, asked_at__isnull=False)
    newest = asked.order_by("-pk").values_list("pk", flat=True).first()
    row = Invitation.objects.open().filter(fresh, pk=newest).first() if newest else None
    if row is None or row.message_id is None:
        return None
    # An agent has written since: "How many boxes?" – "5".
    later = Message.objects.filter(
        ticket=ticket, direction=Message.Direction.OUT, agent__isnull=False, pk__gt=row.message_id
    )
    return None if later.exists() else answering.held(row.pk)
