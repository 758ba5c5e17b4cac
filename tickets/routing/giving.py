"""Giving a ticket to somebody: exactly one gets it, and nobody more than they take on.

Both are decided under locks and by conditions of the database, whatever anybody has read before: the agent's seat is
locked while their load is counted, and the ticket's row changes only as long as it is open and nobody's. The seat comes
first, the ticket second; each transaction takes one of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from agents.models import Agent
from agents.presence.models import Seat
from channels_app import jobs, wakeups
from tickets.lifecycle import Conflict
from tickets.models import Actor, Ticket
from tickets.models.activity import SYSTEM, record
from tickets.routing import crew
from tickets.routing.models import Offer, Queue, Route
from tickets.routing.strategies import Candidate, Reason, fits

SERVE = "tickets.routing.desk.moved"
OPEN = Offer.State.OPEN


def claim(number: int, team_id: int, agent: Candidate, weight: int, why: Sequence[Reason]) -> Candidate | None:
    """The candidate as they are afterwards; None: somebody else has it by now, or this agent is full or gone."""
    with transaction.atomic():
        load = _room(agent.agent, team_id, weight)
        if load is None or not _taken(number, team_id, agent.agent):
            return None
        _record(number, agent.agent, agent.name, SYSTEM, why)
    return replace(agent, load=load + weight, idle_since=(timezone.now() - crew.EPOCH).total_seconds())


def _room(agent_id: int, team_id: int, weight: int) -> int | None:
    """What they have, counted while their seat is ours; None: no room, closed account, or not of the team any more."""
    seats = Seat.objects.select_for_update(of=("self",))
    seat = seats.filter(pk=agent_id, agent__is_active=True, agent__teams=team_id).first()
    if seat is None:
        return None
    load = crew.loads([agent_id], crew.weights())[agent_id]
    return load if fits(load, seat.capacity, weight) else None


def _taken(number: int, team_id: int, agent_id: int) -> bool:
    """The one statement that decides whose it is."""
    waiting = Ticket.objects.filter(pk=number, team=team_id, status=Ticket.Status.OPEN, assignee=None)
    return waiting.update(assignee=agent_id) == 1


def _record(number: int, agent_id: int, name: str, by: Actor, why: Sequence[Reason]) -> Ticket:
    ticket = Ticket.objects.get(pk=number)
    changes: dict[str, Any] = {
        "assignee": [None, name],
        "before": {"assignee": None},
        "why": [list(one) for one in why],
    }
    record(ticket, "ticket.assigned", by, changes=changes, assignee_id=agent_id)
    Seat.objects.filter(pk=agent_id).update(last_assigned_at=timezone.now())
    Route.objects.filter(pk=number).update(why=[], passed=[])
    return ticket


# ── Offers ───────────────────────────────────────────────────────────────────────────────────


def offer(number: int, queue: Queue, agent: Candidate, weight: int, why: Sequence[Reason]) -> Candidate | None:
    """Ask them, until a time. What is offered counts as theirs until then."""
    now = timezone.now()
    with transaction.atomic():
        load = _room(agent.agent, queue.team_id, weight)
        if load is None or Offer.objects.filter(agent=agent.agent, state=OPEN).exists():
            return None
        rows = Ticket.objects.select_for_update(of=("self",), skip_locked=True)
        ticket = rows.filter(pk=number, team=queue.team_id, status=Ticket.Status.OPEN, assignee=None).first()
        if ticket is None or Offer.objects.filter(ticket=number, state=OPEN).exists():
            return None
        reasons = [list(one) for one in why]
        made = Offer.objects.create(
            ticket=ticket, agent_id=agent.agent, weight=weight, why=reasons, made_at=now,
            due_at=now + timedelta(seconds=queue.offer_seconds),
        )  # fmt: skip
        record(ticket, "routing.offered", SYSTEM, changes={"to": [None, agent.name], "why": reasons})
        transaction.on_commit(lambda: tell([agent.agent], "offer", offer=made.pk, ticket=number))
    return replace(agent, load=load + weight, asked=True)


def accept(offer_id: int, agent: Agent) -> Ticket:
    """Raises Conflict when it is not theirs to take any more, Offer.DoesNotExist when it was never theirs."""
    with transaction.atomic():
        # The seat first, as everywhere; the offer has held their place in the meantime.
        list(Seat.objects.select_for_update().filter(pk=agent.pk))
        row = Offer.objects.select_for_update().get(pk=offer_id, agent=agent)
        if row.state != OPEN or row.due_at <= timezone.now():
            raise Conflict(_("This offer is over. The ticket has gone on to somebody else."))
        team_id = Ticket.objects.filter(pk=row.ticket_id).values_list("team_id", flat=True).first()
        sees = agent.sight().covers(team_id)
        taken = team_id is not None and sees and _taken(row.ticket_id, team_id, agent.pk)
        Offer.objects.filter(pk=row.pk).update(state=Offer.State.ACCEPTED if taken else Offer.State.VOID)
        if taken:
            return _record(row.ticket_id, agent.pk, agent.name, Actor.of(agent), row.why)
    # The offer is closed all the same.
    raise Conflict(_("Somebody else has this ticket now."))


def decline(offer_id: int, agent: Agent) -> None:
    """It goes on to the next. Raises Offer.DoesNotExist; asked twice it does nothing."""
    row = Offer.objects.get(pk=offer_id, agent=agent)
    pass_on(row, Offer.State.DECLINED)


@transaction.atomic
def pass_on(row: Offer, state: str) -> bool:
    """Close an open offer: declined, expired, or overtaken. False: somebody else has closed it."""
    if not Offer.objects.filter(pk=row.pk, state=OPEN).update(state=state):
        return False
    ticket = Ticket.objects.locked().get(pk=row.ticket_id)
    if state != Offer.State.VOID:
        Route.objects.bulk_create([Route(ticket=ticket)], ignore_conflicts=True)
        route = Route.objects.get(pk=ticket.pk)
        passed = sorted({*route.passed, row.agent_id})
        Route.objects.filter(pk=ticket.pk).update(passed=passed, passed_at=timezone.now())
        record(ticket, "routing.passed", SYSTEM, changes={"by": [row.agent.name, None], "how": state})
    transaction.on_commit(lambda: tell([row.agent_id], "offer", offer=None, ticket=row.ticket_id))
    jobs.enqueue(SERVE, row.ticket_id, row.agent_id)
    return True


def tell(agents: Sequence[int], kind: str, **more: Any) -> None:
    """To these agents' own screens. May be lost: a page asks for what it has missed when it comes back."""
    if agents:
        wakeups.publish_json(wakeups.EPHEMERAL, {"type": kind, "to": list(agents), **more})
