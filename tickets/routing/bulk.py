"""Many tickets at once: all that somebody held, or all that waits in a queue. Each by the desk's own verb.

What was done is kept for a day as the lines of the log that it made (``Move``), so that it can be taken back as any
single verb can: what somebody has touched since stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from agents.models import Agent, Sight, Team
from tickets import lifecycle, undo
from tickets.lifecycle import Refused
from tickets.models import Activity, Actor, Ticket, TicketQuerySet
from tickets.routing.models import Move

AT_A_TIME = 100
"""So many in one request: a page that shows how far it is asks for the next."""
KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Progress:
    """done, refused: in this batch. left: what is still to do, without what was refused. after: where to go on."""

    done: int
    refused: int
    left: int
    after: int
    lines: tuple[int, ...] = ()
    """What the log says of those that were done."""


def held_by(agent: Agent) -> TicketQuerySet:
    return Ticket.objects.unresolved().filter(assignee=agent)


def waiting_in(team: Team) -> TicketQuerySet:
    return Ticket.objects.unresolved().filter(team=team, assignee=None)


def hand_over(
    agent: Agent, to: Agent | None, by: Actor, *, after: int = 0, sight: TicketQuerySet | None = None
) -> Progress:
    """The next batch of an agent's tickets: to a colleague, or back to the queue, which gives them out again."""

    def one(number: int) -> Ticket | None:
        if to is None:
            return lifecycle.release(number, by, held_by=agent)
        if Ticket.objects.filter(pk=number, assignee=agent).exists():
            return lifecycle.assign(number, to, by, take_over=True)
        return None

    return _batch(held_by(agent), sight, after, one)


def drain(
    team: Team, by: Actor, *, to: Agent | None = None, into: Team | None = None, after: int = 0,
    sight: TicketQuerySet | None = None,
) -> Progress:  # fmt: skip
    """The next batch of what waits in a team's queue: to one colleague, or into another team's queue."""

    def one(number: int) -> Ticket | None:
        if into is not None:
            return lifecycle.change(number, by, team=into)
        return lifecycle.assign(number, to, by) if to is not None else None

    return _batch(waiting_in(team), sight, after, one)


def _batch(
    found: TicketQuerySet, sight: TicketQuerySet | None, after: int, do: Callable[[int], Ticket | None]
) -> Progress:
    """In order of their numbers, each in a transaction of its own, so that nobody waits for the whole."""
    if sight is not None:
        found = found.filter(pk__in=sight.values("pk"))
    refused, lines = 0, list[int]()
    numbers = list(found.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:AT_A_TIME])
    for number in numbers:
        try:
            ticket = do(number)
        except Refused:
            # Somebody took it a moment ago, or they may not see it: it stays where it is.
            refused += 1
            continue
        if ticket is not None and ticket.told:
            lines.append(ticket.told[0].seq)
    last = numbers[-1] if numbers else after
    left = found.filter(pk__gt=last).count()
    return Progress(len(numbers) - refused, refused, left, last, tuple(lines))


# ── Taking it back ───────────────────────────────────────────────────────────────────────────


@transaction.atomic
def keep(by: Agent, move_id: int | None, progress: Progress) -> Move:
    """Add a batch to what this agent began; what is older than a day cannot be taken back any more."""
    Move.objects.filter(made_at__lt=timezone.now() - KEPT).delete()
    move = Move.objects.select_for_update().filter(pk=move_id, by=by).first() if move_id else None
    move = move or Move(by=by)
    move.lines = [*move.lines, *progress.lines]
    move.stayed += progress.refused
    move.save()
    return move


def take_back(move: Move, by: Agent) -> Progress:
    """The newest batch of what is left of it. What was changed since, or may not be seen any more, is refused.

    Killed half-way and called again, it refuses what it has taken back already.
    """
    numbers = move.lines[-AT_A_TIME:]
    sight, done = by.sight(), 0
    for line in Activity.objects.filter(pk__in=numbers, agent=by).order_by("-seq"):
        try:
            if not _in_sight(line, sight):
                raise Refused
            undo.undo(line, Actor.of(by))
        except Refused:
            continue
        done += 1
    move.lines = move.lines[:-AT_A_TIME]
    Move.objects.filter(pk=move.pk).update(lines=move.lines)
    return Progress(done, len(numbers) - done, len(move.lines), 0)


def _in_sight(line: Activity, sight: Sight) -> bool:
    """As for a single one: also what one's own move has taken out of sight."""
    if "team" in line.changes or line.ticket_id is None:
        return sight.covers(line.from_team_id)
    return Ticket.objects.seen_with(sight).filter(pk=line.ticket_id).exists()
