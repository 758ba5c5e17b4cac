"""Giving out what waits: at once when something changes, and from the database every few seconds.

``moved`` is the job behind every line of the log after which a ticket may wait or an agent may be free. It carries ids
and no work: what waits is what the tickets' rows say, so a job that is lost, or runs twice or with many others at once,
changes nothing but the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Case, Exists, IntegerField, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from agents.models import Agent
from agents.presence import roll
from agents.presence.models import Presence
from channels_app import jobs
from tickets import lifecycle
from tickets.models import Activity, Ticket, TicketQuerySet
from tickets.models.activity import SYSTEM, record
from tickets.routing import considering, crew, giving, strategies
from tickets.routing.models import Offer, Queue, Route
from tickets.routing.opening import closed_until
from tickets.routing.strategies import Candidate, Reason, Way, Work

log = structlog.get_logger(__name__)

S = Ticket.Status
PAGE = 200
AT_ONCE = 25
"""So many are given in one transaction: it holds the seats, and readers of the log wait for its lines."""
LOOK = 2_000
"""So many waiting tickets of a team are looked through for one that the free agents can take."""
ASK_AGAIN = timedelta(seconds=60)
"""Whoever passed is asked again after this, when nobody else is left."""
TAKEN_UP = timedelta(minutes=10)
URGENCY = ("urgent", "high", "normal", "low")
GIVING = (Queue.Mode.DIRECT, Queue.Mode.OFFER)
LEADS = (Agent.Role.LEAD, Agent.Role.ADMIN)


# ── What moves it ────────────────────────────────────────────────────────────────────────────


def moved(number: int, agent_id: int = 0) -> None:
    """Something happened to this ticket (0: none), and this agent may have room now (0: nobody)."""
    teams: list[int] = []
    if number:
        considering.consider(number)
        found = Ticket.objects.filter(pk=number, status=S.OPEN, team__queue__mode__in=GIVING)
        state = found.values_list("team", "assignee").first()
        if state is not None and state[1] is not None:
            let_go(Activity.objects.filter(ticket=number))
        if state is not None:
            teams.append(state[0])
    routed = Queue.objects.filter(mode__in=GIVING).select_related("team")
    if agent_id:
        through = Agent.teams.through.objects.filter(agent_id=agent_id).values("team_id")
        teams += routed.filter(team__in=through).values_list("pk", flat=True)
    for queue in routed.filter(pk__in=teams) if teams else ():
        serve(queue)


def sweep() -> None:
    """What is due, whatever was lost: rules not asked, offers that ran out, tickets that wait (timetable)."""
    considering.sweep()
    expire()
    queues = list(Queue.objects.exclude(mode=Queue.Mode.OFF).select_related("team"))
    if not queues:
        return
    let_go(Activity.objects.filter(at__gt=timezone.now() - TAKEN_UP))
    for queue in queues:
        serve(queue)


def watch() -> None:
    """Who came and went (timetable); who comes is given work at once, and everybody's own pages are told."""
    for turn in roll.settle():
        turned(turn)


def turned(turn: roll.Turn | None, *, told: bool = True) -> None:
    if turn is None:
        return
    if told:
        giving.tell([turn.agent_id], "presence", status=turn.after)
    if turn.after == Presence.Status.ONLINE:
        jobs.enqueue(giving.SERVE, 0, turn.agent_id)


def expire() -> None:
    """Offers whose time is over, whose ticket somebody else has, or whose agent is gone."""
    now = timezone.now()
    here = Presence.objects.filter(agent=OuterRef("agent"), seen_at__gt=now - roll.GRACE)
    waits = Q(ticket__status=S.OPEN, ticket__assignee=None)
    rows = Offer.objects.filter(state=Offer.State.OPEN).select_related("agent", "ticket")
    gone = Q(agent__is_active=False) | ~Exists(here)
    for row in rows.filter(Q(due_at__lte=now) | ~waits | gone).order_by("due_at")[:PAGE]:
        overtaken = row.ticket.status != S.OPEN or row.ticket.assignee_id is not None
        giving.pass_on(row, Offer.State.VOID if overtaken else Offer.State.EXPIRED)


def let_go(lines: QuerySet[Activity]) -> None:
    """A customer came back, and whoever had the ticket is not there: it waits again, where the team gives out work.

    So does what a closed account still holds.
    """
    lately = timezone.now() - TAKEN_UP
    changed_hands = ("ticket.assigned", "ticket.released")
    since_then = Activity.objects.filter(ticket=OuterRef("ticket"), seq__gt=OuterRef("seq"), type__in=changed_hands)
    reopened = lines.filter(~Exists(since_then), type="ticket.reopened", at__gt=lately).values("ticket")
    here = Presence.objects.filter(agent=OuterRef("assignee"), seen_at__gt=timezone.now() - roll.GRACE).exclude(
        choice=Presence.Choice.OFFLINE
    )
    routed = Queue.objects.exclude(mode=Queue.Mode.OFF).values("team")
    held = Ticket.objects.unresolved().filter(status=S.OPEN, team__in=routed, assignee__isnull=False)
    came_back = Q(pk__in=reopened) & ~Exists(here)
    for number, agent in held.filter(came_back | Q(assignee__is_active=False)).values_list("pk", "assignee")[:PAGE]:
        lifecycle.release(number, SYSTEM, held_by=Agent(pk=agent))


# ── One team's queue ─────────────────────────────────────────────────────────────────────────


def waiting(queue: Queue) -> TicketQuerySet:
    """Open, nobody's, offered to nobody: the most urgent first, then who has waited longest."""
    urgency = Case(
        *(When(priority=name, then=Value(place)) for place, name in enumerate(URGENCY)),
        default=Value(len(URGENCY)),
        output_field=IntegerField(),
    )
    offered = Offer.objects.filter(ticket=OuterRef("pk"), state=Offer.State.OPEN)
    found = Ticket.objects.unresolved().filter(status=S.OPEN, team=queue.team_id, assignee=None)
    found = found.filter(~Exists(offered), considering.untouched(considering.since()))
    return found.order_by(urgency, Coalesce("waiting_since", "created_at"), "number")


def serve(queue: Queue) -> int:
    """Give out what this team's free colleagues can take. Gives how many tickets went."""
    numbers, closed = _open_first(queue)
    known, given, at, free = crew.weights(), 0, 0, True
    while at < len(numbers) and free:
        done, looked, free = _serve_some(queue, numbers[at : at + PAGE], known)
        given, at = given + done, at + looked
    # Nobody has room for these now, or the channel is closed: who was not told why is told.
    _serve_some(queue, _untold(numbers[at:], lambda why: bool(why)), known)
    _serve_some(queue, _untold(closed, lambda why: bool(why) and why[0][0] == "closed"), known)
    if numbers:
        _ring(queue, len(numbers) - given)
    return given


def _open_first(queue: Queue) -> tuple[list[int], list[int]]:
    """(what waits on channels that are open now, what waits on the others), in the order in which they go."""
    rows = list(waiting(queue).values_list("pk", "channel")[:LOOK])
    now = timezone.now()
    shut = {channel for channel in {row[1] for row in rows} if closed_until(queue.team_id, channel, now)[0]}
    return [pk for pk, channel in rows if channel not in shut], [pk for pk, channel in rows if channel in shut]


@transaction.atomic
def _serve_some(queue: Queue, numbers: Sequence[int], known: crew.Weights) -> tuple[int, int, bool]:
    """(how many of these tickets went, how many were looked at, whether anybody still has room).

    Who serves the same team meanwhile waits, and so do the log's readers: it ends after so many.
    """
    if not numbers:
        return 0, 0, False
    people = {one.agent: one for one in crew.of_team(queue.team_id, known, lock=True)}
    given: list[int] = []
    known_before: list[int] = []
    busy: set[int] = set()
    looked = len(numbers)
    for ticket in _page(queue, numbers):
        agent = _serve_one(queue, ticket, people, known)
        if agent is not None:
            people[agent.agent] = agent
            busy.add(agent.agent)
            given.append(ticket.pk)
            if hasattr(ticket, "route"):
                known_before.append(ticket.pk)
        if len(given) == AT_ONCE:
            looked = numbers.index(ticket.pk) + 1
            break
    if given:
        giving.note(busy)
    if known_before:
        # Who was offered it and passed is remembered until somebody has it.
        offers = queue.mode == Queue.Mode.OFFER
        Route.objects.filter(pk__in=known_before).update(why=[], **({} if offers else {"passed": []}))
    return len(given), looked, any(_free(one) for one in people.values())


def _untold(numbers: Sequence[int], is_told: Callable[[list[Any]], bool]) -> list[int]:
    """Some of those who have not been told why they wait."""
    known = dict(Route.objects.filter(pk__in=numbers).values_list("pk", "why")) if numbers else {}
    return [number for number in numbers if not is_told(known.get(number, []))][:PAGE]


def _free(one: Candidate) -> bool:
    return one.online and not one.asked and strategies.fits(one.load, one.capacity, 1)


def _page(queue: Queue, numbers: Sequence[int]) -> Iterator[Ticket]:
    """Those that still wait, held, in the order of the numbers."""
    still = Ticket.objects.filter(pk__in=numbers, status=S.OPEN, team=queue.team_id, assignee=None)
    still = still.exclude(offers__state=Offer.State.OPEN).select_related("customer", "route")
    by_number = {row.pk: row for row in considering.with_previous(giving.held(still))}
    return (by_number[number] for number in numbers if number in by_number)


def _serve_one(queue: Queue, ticket: Ticket, people: dict[int, Candidate], known: crew.Weights) -> Candidate | None:
    """Give one ticket, or say why it cannot be given."""
    closed, until = closed_until(queue.team_id, ticket.channel_id, timezone.now())
    if closed:
        _say_why(ticket, [("closed", {"until": until.isoformat() if until else None})])
        return None
    work = _work(queue, ticket, known)
    choice = strategies.choose(work, list(people.values()), Way(queue.strategy, queue.sticky, queue.language))
    if choice.agent is None:
        _say_why(ticket, list(choice.reasons))
        return None
    return giving.give(ticket, queue, choice.agent, work.weight, choice.reasons)


def _work(queue: Queue, ticket: Ticket, known: crew.Weights) -> Work:
    route: Route | None = getattr(ticket, "route", None)
    now = timezone.now()
    waited = now - (ticket.waiting_since or ticket.created_at)
    asked_again = route is None or route.passed_at is None or now - route.passed_at > ASK_AGAIN
    return Work(
        weight=crew.weight_of(ticket.channel_id, ticket.threads, known),
        language=ticket.customer.language,
        skills=frozenset(route.skills if route else ()),
        previous=getattr(ticket, "previous_agent", None),
        wanted=route.wanted_id if route else None,
        passed=frozenset(route.passed if route and not asked_again else ()),
        relaxed=bool(queue.fallback_minutes) and waited >= timedelta(minutes=queue.fallback_minutes),
    )


# ── When nobody can ──────────────────────────────────────────────────────────────────────────


def _say_why(ticket: Ticket, reasons: list[Reason]) -> None:
    """Once per reason, not once per look. That others are being asked about something else passes in seconds."""
    route: Route | None = getattr(ticket, "route", None)
    why = [list(one) for one in reasons]
    if why[0][0] == "all_asked" or (route is not None and route.why == why):
        return
    if route is None:
        Route.objects.bulk_create([Route(ticket=ticket)], ignore_conflicts=True)
    Route.objects.filter(pk=ticket.pk).update(why=why)
    record(ticket, "routing.waiting", SYSTEM, changes={"why": why})


def _ring(queue: Queue, left: int) -> None:
    """Tell the team's leads once per period that tickets wait which nobody can take; while closed nobody is rung."""
    if left <= 0:
        return
    now = timezone.now()
    stuck = Route.objects.filter(ticket__team=queue.team_id, ticket__status=S.OPEN, ticket__assignee=None)
    why = next((row.why for row in stuck.exclude(why=[]).order_by("ticket")[:1]), None)
    if not why or why[0][0] in ("closed", "all_asked"):
        return
    due = Q(rung_at=None) | Q(rung_at__lte=now - timedelta(minutes=queue.ring_minutes))
    if not Queue.objects.filter(due, pk=queue.pk).update(rung_at=now):
        return
    leads = Agent.objects.filter(is_active=True, teams=queue.team_id, role__in=LEADS)
    told = list(leads.values_list("pk", flat=True))
    if not told:
        told = list(Agent.objects.filter(is_active=True, role=Agent.Role.ADMIN).values_list("pk", flat=True))
    giving.tell(told, "ring", team=queue.team_id, name=queue.team.name, count=left, why=why)
