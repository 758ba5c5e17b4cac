"""Giving a ticket to somebody: exactly one gets it, and nobody more than they take on.

Both are decided under locks, whatever anybody has read before. The seats of those who might get it are locked, in one
order, before their load is counted; then the ticket's row is locked, and only as long as it is open and nobody's: a row
that somebody else holds is passed over, never waited for. So a transaction that gives never waits for a ticket.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
from tickets.models import Actor, Ticket, TicketQuerySet
from tickets.models.activity import SYSTEM, record
from tickets.routing import crew
from tickets.routing.models import Offer, Queue, Route
from tickets.routing.strategies import Candidate, Reason

SERVE = "tickets.routing.desk.moved"
OPEN = Offer.State.OPEN


def held(tickets: TicketQuerySet) -> TicketQuerySet:
    """Those of them that are ours until the transaction ends."""
    return tickets.select_for_update(of=("self",), skip_locked=True)


def give(ticket: Ticket, queue: Queue, agent: Candidate, weight: int, why: Sequence[Reason]) -> Candidate:
    """Assign or offer it. The caller holds the ticket and the agent's seat; gives the agent as they are afterwards."""
    if queue.mode == Queue.Mode.OFFER:
        _offer(ticket, queue, agent, weight, why)
        return replace(agent, load=agent.load + weight, asked=True)
    _assigned(ticket, agent.agent, agent.name, SYSTEM, why)
    return replace(agent, load=agent.load + weight, idle_since=(timezone.now() - crew.EPOCH).total_seconds())


def _assigned(ticket: Ticket, agent_id: int, name: str, by: Actor, why: Sequence[Any]) -> None:
    changes = {"assignee": [None, name], "before": {"assignee": None}, "why": [list(one) for one in why]}
    record(ticket, "ticket.assigned", by, changes=changes, assignee_id=agent_id)


def note(agents: Iterable[int]) -> None:
    """They have just been given work."""
    Seat.objects.filter(pk__in=list(agents)).update(last_assigned_at=timezone.now())


# ── Offers ───────────────────────────────────────────────────────────────────────────────────


def _offer(ticket: Ticket, queue: Queue, agent: Candidate, weight: int, why: Sequence[Reason]) -> None:
    """Ask them, until a time. What is offered counts as theirs until then."""
    now, reasons = timezone.now(), [list(one) for one in why]
    due = now + timedelta(seconds=queue.offer_seconds)
    made = Offer.objects.create(
        ticket=ticket, agent_id=agent.agent, weight=weight, why=reasons, made_at=now, due_at=due
    )
    record(ticket, "routing.offered", SYSTEM, changes={"to": [None, agent.name], "why": reasons})
    number = ticket.pk
    transaction.on_commit(lambda: tell([agent.agent], "offer", offer=made.pk, ticket=number))


def accept(offer_id: int, agent: Agent) -> Ticket:
    """Raises Conflict when it is not theirs to take any more, Offer.DoesNotExist when it was never theirs."""
    with transaction.atomic():
        # The seat first, as everywhere; the offer has held their place in the meantime.
        list(Seat.objects.select_for_update().filter(pk=agent.pk))
        row = Offer.objects.select_for_update().get(pk=offer_id, agent=agent)
        if row.state != OPEN or row.due_at <= timezone.now():
            raise Conflict(_("This offer is over. The ticket has gone on to somebody else."))
        waits = Ticket.objects.seen_with(agent.sight()).filter(status=Ticket.Status.OPEN, assignee=None)
        ticket = waits.locked().filter(pk=row.ticket_id).first()
        Offer.objects.filter(pk=row.pk).update(state=Offer.State.ACCEPTED if ticket else Offer.State.VOID)
        if ticket is not None:
            _assigned(ticket, agent.pk, agent.name, Actor.of(agent), row.why)
            Route.objects.filter(pk=ticket.pk).update(why=[], passed=[])
            note([agent.pk])
            return ticket
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


def withdraw(team_id: int) -> None:
    """This team offers nothing any more: what its agents are asked is taken back, and their screens are told."""
    for row in Offer.objects.filter(state=OPEN, ticket__team=team_id).select_related("agent"):
        pass_on(row, Offer.State.VOID)


def tell(agents: Sequence[int], kind: str, **more: Any) -> None:
    """To these agents' own screens. May be lost: a page asks for what it has missed when it comes back."""
    if agents:
        wakeups.publish_json(wakeups.EPHEMERAL, {"type": kind, "to": list(agents), **more})
