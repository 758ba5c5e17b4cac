"""A customer's answers go where they go: what is kept, how it is erased, and moved (``settings.PERSONAL_DATA``)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import OuterRef, Subquery

from surveys import tallies
from surveys.models import AskedInvitations, FollowUp, Invitation, Response
from tickets.models import Activity, Ticket
from tickets.shapes import when

AT_ONCE = 100


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
    """Answers, invitations (their links are no links any more) and what the log says of a score. The number erased.

    Some tickets at a time; whoever dies in between has erased these, and the next one finds the others.
    """
    invited, count = Invitation.objects.filter(customer=customer), 0
    while numbers := list(invited.order_by("ticket").values_list("ticket_id", flat=True).distinct()[:AT_ONCE]):
        count += _erase(invited.filter(ticket__in=numbers), numbers)
    return count


def moved(tickets: Iterable[int], customer: int) -> None:
    """These tickets are another customer's from now on: two rows turned out to be one person."""
    Invitation.objects.filter(ticket__in=tickets).update(customer=customer)
    Response.objects.filter(ticket__in=tickets).update(customer=customer)


def team_goes(team: int) -> None:
    """What was asked, answered and is followed up in a team that is about to be deleted goes to the team that has the
    ticket by now. Without a team it would be everybody's. The caller's transaction deletes the team."""
    for model in (Invitation, Response):
        rows = model.objects.filter(team=team)
        tallies.touch(rows.order_by().values_list("survey_id", "day").distinct())
        rows.update(team=Subquery(Ticket.objects.filter(pk=OuterRef("ticket")).values("team")[:1]))
    theirs = Ticket.objects.filter(survey_responses__follow_up=OuterRef("pk")).values("team")[:1]
    FollowUp.objects.filter(team=team).update(team=Subquery(theirs))


@transaction.atomic
def _erase(invited: AskedInvitations, numbers: list[int]) -> int:
    # Whoever answers now waits, and finds that there is nothing to answer.
    list(Ticket.objects.locked().filter(pk__in=numbers).order_by("pk").values_list("pk"))
    answers = Response.objects.filter(invitation__in=invited)
    tallies.touch(set(invited.values_list("survey_id", "day")))
    tallies.touch(set(answers.values_list("survey_id", "day")))
    count = answers.count()
    invited.delete()
    Activity.objects.filter(ticket__in=numbers, type__startswith="survey.").update(changes={})
    return count
