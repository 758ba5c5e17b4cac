"""A customer's answers leave with them: what is kept of them, and how it goes (``settings.PERSONAL_DATA``)."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from surveys import tallies
from surveys.models import Invitation, Response
from tickets.models import Activity, Ticket
from tickets.shapes import when


def kept(customer: int) -> list[dict[str, Any]]:
    """All that surveys know of this customer."""
    rows = Response.objects.filter(customer=customer).select_related("survey").order_by("pk")
    return [
        {
            "survey": row.survey.name,
            "score": row.score,
            "comment": row.comment,
            "answers": row.answers,
            "at": when(row.at),
        }
        for row in rows
    ]


def erase(customer: int) -> int:
    """Answers, invitations (their links are no links any more) and what the log says of a score. The number erased."""
    with transaction.atomic():
        numbers = list(Invitation.objects.filter(customer=customer).values_list("ticket_id", flat=True).distinct())
        # Whoever answers now waits, and finds that there is nothing to answer.
        list(Ticket.objects.locked().filter(pk__in=numbers).order_by("pk").values_list("pk"))
        invited = Invitation.objects.filter(customer=customer)
        tallies.touch(set(invited.values_list("survey_id", "day")))
        tallies.touch(set(Response.objects.filter(customer=customer).values_list("survey_id", "day")))
        count = Response.objects.filter(customer=customer).count()
        invited.delete()
        Activity.objects.filter(ticket__in=numbers, type__startswith="survey.").update(changes={})
    return count
