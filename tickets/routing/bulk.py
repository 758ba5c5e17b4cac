"""Many tickets at once: all that somebody held, or all that waits in a queue. Each by the desk's own verb."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agents.models import Agent, Team
from tickets import lifecycle
from tickets.lifecycle import Held, Refused
from tickets.models import Actor, Ticket, TicketQuerySet

AT_A_TIME = 100
"""So many in one request: a page that shows how far it is asks for the next."""


@dataclass(frozen=True, slots=True)
class Progress:
    """done, refused: in this batch. left: what is still to do, without what was refused. after: where to go on."""

    done: int
    refused: int
    left: int
    after: int


def held_by(agent: Agent) -> TicketQuerySet:
    return Ticket.objects.unresolved().filter(assignee=agent)


def waiting_in(team: Team) -> TicketQuerySet:
    return Ticket.objects.unresolved().filter(team=team, assignee=None)


def hand_over(
    agent: Agent, to: Agent | None, by: Actor, *, after: int = 0, sight: TicketQuerySet | None = None
) -> Progress:
    """The next batch of an agent's tickets: to a colleague, or back to the queue, which gives them out again."""

    def one(number: int) -> None:
        if to is None:
            lifecycle.release(number, by, held_by=agent)
        elif Ticket.objects.filter(pk=number, assignee=agent).exists():
            lifecycle.assign(number, to, by, take_over=True)

    return _batch(held_by(agent), sight, after, one)


def drain(
    team: Team, by: Actor, *, to: Agent | None = None, into: Team | None = None, after: int = 0,
    sight: TicketQuerySet | None = None,
) -> Progress:  # fmt: skip
    """The next batch of what waits in a team's queue: to one colleague, or into another team's queue."""

    def one(number: int) -> None:
        if into is not None:
            lifecycle.change(number, by, team=into)
        elif to is not None:
            lifecycle.assign(number, to, by)

    return _batch(waiting_in(team), sight, after, one)


def _batch(found: TicketQuerySet, sight: TicketQuerySet | None, after: int, do: Callable[[int], None]) -> Progress:
    """In order of their numbers, each in a transaction of its own, so that nobody waits for the whole."""
    if sight is not None:
        found = found.filter(pk__in=sight.values("pk"))
    done = refused = 0
    numbers = list(found.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:AT_A_TIME])
    for number in numbers:
        try:
            do(number)
            done += 1
        except (Held, Refused):
            # Somebody took it a moment ago, or they may not see it: it stays where it is.
            refused += 1
    last = numbers[-1] if numbers else after
    return Progress(done, refused, found.filter(pk__gt=last).count(), last)
