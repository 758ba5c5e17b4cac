"""An answer is taken down: one row for each invitation, whoever sends it how often, from wherever.

Until the invitation expires it may be changed, for people press the wrong star; what is counted is always that row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from channels_app import jobs
from channels_app.contract import clean_text
from surveys import definition, tallies, versions
from surveys.models import Invitation, Response
from tickets.models import Actor, Ticket
from tickets.models.activity import record

State = Invitation.State
LONGEST_COMMENT = 5000
RECENTLY = timedelta(hours=1)
"""So long a plain "4" after a plain "5" still mends it; later it is a message like any other."""


class Closed(Exception):
    """The time to answer is over, or there is nothing to answer."""


class Unfit(Exception):
    """The score is not on this survey's scale."""


@dataclass(frozen=True, slots=True)
class Given:
    """What was answered. None: that part is left as it is."""

    score: int | None = None
    comment: str | None = None
    answers: Mapping[str, Any] = field(default_factory=dict)
    via: str = Response.Via.PAGE


def taken(invitation: int, given: Given) -> Response:
    """From the page: writes the line on the ticket too. Raises Closed, Unfit."""
    with transaction.atomic():
        row, ticket = _held(invitation)
        before = Response.objects.filter(invitation=row).first()
        response = take(row, given)
        if not versions.content_of(response.version).anonymous and (before is None or before.score != response.score):
            record(ticket, "survey.answered", Actor.from_customer(ticket.customer), changes=line(response))
        return response


def _held(invitation: int) -> tuple[Invitation, Ticket]:
    """Ticket first, then the invitation: the order of everybody else."""
    number = Invitation.objects.filter(pk=invitation).values_list("ticket_id", flat=True).first()
    ticket = Ticket.objects.locked().select_related("customer").filter(pk=number or 0).first()
    row = held(invitation)
    if row is None or ticket is None:
        raise Closed
    return row, ticket


def held(invitation: int) -> Invitation | None:
    rows = Invitation.objects.open().select_for_update(of=("self",)).select_related("version")
    return rows.filter(pk=invitation).first()


def take(row: Invitation, given: Given) -> Response:
    """The caller holds ticket and invitation. Writes no line. Raises Closed, Unfit."""
    assert row.version is not None
    now = timezone.now()
    content = versions.content_of(row.version)
    response = Response.objects.filter(invitation=row).first()
    if response is None and given.score is None:
        raise Unfit
    if given.score is not None and given.score not in content.scores:
        raise Unfit
    if response is None:
        response = _first(row, given)
    changed = response._state.adding or (given.score is not None and given.score != response.score)
    response.score = response.score if given.score is None else given.score
    if given.comment is not None:
        changed |= bool(given.comment) and given.comment != response.comment
        response.comment = clean_text(given.comment)[:LONGEST_COMMENT]
    response.answers = {**response.answers, **given.answers}
    response.changed_at = now
    if changed and not row.is_test:
        response.follow_at = now
    response.save()
    if row.state != State.ANSWERED:
        # Nobody is reminded of what is answered; it only closes.
        Invitation.objects.filter(pk=row.pk).update(state=State.ANSWERED, due_at=None)
    tallies.touch({(row.survey_id, row.day), (row.survey_id, response.day)})
    if response.follow_at:
        jobs.enqueue("surveys.following.follow", response.pk)
    return response


def _first(row: Invitation, given: Given) -> Response:
    assert given.score is not None
    assert row.version_id is not None
    return Response(
        invitation=row,
        survey_id=row.survey_id,
        version_id=row.version_id,
        ticket_id=row.ticket_id,
        customer_id=row.customer_id,
        channel_id=row.channel_id,
        team_id=row.team_id,
        agent_id=row.agent_id,
        language=row.language,
        customer_type=row.customer_type,
        score=given.score,
        via=given.via,
        day=timezone.now().astimezone(UTC).date(),
    )


def line(response: Response) -> dict[str, Any]:
    """What the log keeps of it: the score, and of what scale."""
    return {"score": response.score, "of": definition.SCALES[versions.content_of(response.version).kind][1]}
