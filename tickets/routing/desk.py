"""Giving out what waits: at once when something changes, and from the database every few seconds.

``moved`` is the job behind every line of the log after which a ticket may wait or an agent may be free. It carries ids
and no work: what waits is what the tickets' rows say, so a job that is lost, or runs twice or with many others at once,
changes nothing but the time. Of many at once one does the work of all (``gathering``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import timedelta
from itertools import zip_longest
from typing import Any

import structlog
from django.db import transaction
from django.db.models import BooleanField, Case, Exists, IntegerField, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from agents.models import Agent
from agents.presence import roll
from agents.presence.models import Presence
from channels_app import jobs
from tickets import lifecycle
from tickets.models import Activity, Ticket, TicketQuerySet
from tickets.models.activity import SYSTEM, record
from tickets.routing import considering, crew, giving, sifting, strategies
from tickets.routing.gathering import Gathering
from tickets.routing.models import Offer, Queue, Route
from tickets.routing.opening import closed_until
from tickets.routing.sifting import Waits
from tickets.routing.strategies import Candidate, Reason

log = structlog.get_logger(__name__)

S = Ticket.Status
PAGE = 200
AT_ONCE = 25
"""So many are given in one transaction: it holds the seats, and readers of the log wait for its lines."""
LOOK = 2_000
"""So many waiting tickets of a team are looked through for one that the free agents can take."""
TAKEN_UP = timedelta(minutes=10)
URGENCY = ("urgent", "high", "normal", "low")
GIVING = (Queue.Mode.DIRECT, Queue.Mode.OFFER)
LEADS = (Agent.Role.LEAD, Agent.Role.ADMIN)
FOR_SOMEBODY = ("all_full", "nobody_online", "all_passed", "no_capacity", "nobody_in_team")
"""Told so, a ticket waits for an agent and not for a skill, a language or the morning."""


# ── What moves it ────────────────────────────────────────────────────────────────────────────


@jobs.of_many
def moved(*moves: int) -> None:
    """number, agent, number, agent …: something happened to this ticket (0: none), and this agent may have room now
    (0: nobody)."""
    _moves.bring(zip_longest(moves[::2], moves[1::2], fillvalue=0))


def _moved(moves: Collection[tuple[int, int]]) -> None:
    """All that happened since the last look, in as many statements as if it were one."""
    numbers = {number for number, _agent in moves if number}
    came: defaultdict[int, set[int]] = defaultdict(set)
    if numbers:
        considering.consider(numbers)
        found = Ticket.objects.filter(pk__in=numbers, status=S.OPEN, team__queue__mode__in=GIVING)
        rows = list(found.values_list("pk", "team", "assignee"))
        held = [row[0] for row in rows if row[2]]
        if held:
            let_go(Activity.objects.filter(ticket__in=held))
        for number, team, _assignee in rows:
            came[team].add(number)
    routed = Queue.objects.filter(mode__in=GIVING).select_related("team")
    agents = {agent for _number, agent in moves if agent}
    through = Agent.teams.through.objects.filter(agent_id__in=agents).values_list("team_id", flat=True)
    with_room = set(through) if agents else set()
    teams = with_room | came.keys()
    for queue in routed.filter(pk__in=teams) if teams else ():
        _serve_apart(queue, None if queue.pk in with_room else came[queue.pk])


_moves = Gathering(_moved)


def sweep() -> None:
    """What is due, whatever was lost: rules not asked, offers that ran out, tickets that wait (timetable)."""
    considering.sweep()
    queues = list(Queue.objects.exclude(mode=Queue.Mode.OFF).select_related("team"))
    if not queues:
        return
    expire()
    let_go(Activity.objects.filter(at__gt=timezone.now() - TAKEN_UP))
    for queue in queues:
        _serve_apart(queue)


def watch() -> None:
    """Who came and went (timetable); who comes is given work at once, and everybody's own pages are told."""
    for turn in roll.settle():
        turned(turn)


def changed(queue: Queue) -> None:
    """Somebody has changed how this team gives out work. Called in the transaction that keeps it."""
    if queue.mode != Queue.Mode.OFFER:
        giving.withdraw(queue.pk)
    jobs.enqueue("tickets.routing.desk.sweep")


def turned(turn: roll.Turn | None, *, told: bool = True) -> None:
    if turn is None:
        return
    if told:
        giving.tell([turn.agent_id], "presence", status=turn.after)
    if turn.after == Presence.Status.ONLINE:
        jobs.enqueue(giving.SERVE, 0, turn.agent_id)


def expire() -> None:
    """Offers whose time is over, whose ticket somebody else has or another team, or whose agent is gone."""
    now = timezone.now()
    here = Presence.objects.filter(agent=OuterRef("agent"), seen_at__gt=now - roll.GRACE)
    waits = Q(ticket__status=S.OPEN, ticket__assignee=None, ticket__team__queue__mode=Queue.Mode.OFFER)
    rows = Offer.objects.filter(state=Offer.State.OPEN).select_related("agent")
    gone = Q(agent__is_active=False) | ~Exists(here)
    rows = rows.annotate(waits=Case(When(waits, then=Value(True)), default=Value(False), output_field=BooleanField()))
    for row in rows.filter(Q(due_at__lte=now) | Q(waits=False) | gone).order_by("due_at")[:PAGE]:
        giving.pass_on(row, Offer.State.EXPIRED if row.waits else Offer.State.VOID)


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


def serve(queue: Queue, came: Collection[int] | None = None) -> int:
    """Give out what this team's free colleagues can take. Gives how many tickets went.

    came: nothing has happened but that these came. What waited before them was looked at, and is only looked at again
    if it waits for somebody who may have room by now.
    """
    known = crew.weights()
    if came is not None and _is_ahead(queue, known):
        came = None
    numbers, closed = _open_first(queue, came)
    waited, told_anew = len(numbers), list[int]()
    # A queue that is only long is emptied from the front; one whose front could not be helped is looked through.
    if waited > PAGE and _stuck(queue).filter(pk__in=numbers[:AT_ONCE]).exclude(why=[]).exists():
        numbers, told_anew = sifting.sift(queue, numbers, known)
    given, at, free = 0, 0, True
    while at < len(numbers) and free:
        done, looked, free = _serve_some(queue, numbers[at : at + PAGE], known)
        given, at = given + done, at + looked
    # Nobody has room for these now, or the channel is closed: who was not told why is told.
    _serve_some(queue, _untold(numbers[at:], lambda why: bool(why)), known)
    _serve_some(queue, _untold(closed, lambda why: bool(why) and why[0][0] == "closed"), known)
    _serve_some(queue, told_anew[:PAGE], known)
    if given < waited:
        _ring(queue)
    return given


def _serve_apart(queue: Queue, came: Collection[int] | None = None) -> None:
    """One team's queue that cannot be served costs the others nothing; the sweep comes back to it."""
    try:
        serve(queue, came)
    except Exception:
        log.exception("a team's queue could not be served", team=queue.pk)


def _is_ahead(queue: Queue, known: crew.Weights) -> bool:
    """Whether somebody has room whom others may have waited for longer. With offers anybody has, in a moment."""
    if queue.mode == Queue.Mode.OFFER:
        return True
    if not _stuck(queue).filter(why__0__0__in=FOR_SOMEBODY).exists():
        return False
    return any(_free(one) for one in crew.of_team(queue.team_id, known))


def _stuck(queue: Queue) -> QuerySet[Route]:
    """Those of a team's tickets of which somebody may have said why they wait."""
    return Route.objects.filter(ticket__team=queue.team_id, ticket__status=S.OPEN, ticket__assignee=None)


def _open_first(queue: Queue, came: Collection[int] | None = None, most: int = LOOK) -> tuple[list[int], list[int]]:
    """(what waits on channels that are open now, what waits on the others), in the order in which they go."""
    found = waiting(queue) if came is None else waiting(queue).filter(pk__in=came)
    rows = list(found.values_list("pk", "channel")[:most])
    now = timezone.now()
    shut = {channel for channel in {row[1] for row in rows} if closed_until(queue.team_id, channel, now)[0]}
    return [pk for pk, channel in rows if channel not in shut], [pk for pk, channel in rows if channel in shut]


def _serve_some(queue: Queue, numbers: Sequence[int], known: crew.Weights) -> tuple[int, int, bool]:
    """(how many of these tickets went, how many were looked at, whether anybody still has room)."""
    # A transaction that does nothing would hold SQLite's one writer all the same.
    return _give_some(queue, numbers, known) if numbers else (0, 0, False)


@transaction.atomic
def _give_some(queue: Queue, numbers: Sequence[int], known: crew.Weights) -> tuple[int, int, bool]:
    """Who serves the same team meanwhile waits, and so do the log's readers: it ends after so many."""
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
            looked = numbers.index(ticket.pk) + 1 if ticket.pk in numbers else AT_ONCE
            break
    if not given and len(numbers) > AT_ONCE and not waiting(queue).exists():
        # All of it is gone: there is no more to look at.
        looked = LOOK
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
    """Those that still wait, held, in the order of the numbers: as many as can go, and the rest if it is asked for."""
    first, rest = numbers[:AT_ONCE], numbers[AT_ONCE:]
    found = _held(queue, first)
    if rest and not found:
        # While we waited for this team's seats others have served it: what we had read is over, and the queue's front
        # is read again, now that nobody else gives from it.
        found = _held(queue, _open_first(queue, most=AT_ONCE)[0])
    yield from found
    if rest:
        yield from _held(queue, rest)


def _held(queue: Queue, numbers: Sequence[int]) -> list[Ticket]:
    still = Ticket.objects.filter(pk__in=numbers, status=S.OPEN, team=queue.team_id, assignee=None)
    still = still.exclude(offers__state=Offer.State.OPEN).select_related("customer", "route")
    by_number = {row.pk: row for row in considering.with_previous(giving.held(still))}
    return [by_number[number] for number in numbers if number in by_number]


def _serve_one(queue: Queue, ticket: Ticket, people: dict[int, Candidate], known: crew.Weights) -> Candidate | None:
    """Give one ticket, or say why it cannot be given."""
    closed, until = closed_until(queue.team_id, ticket.channel_id, timezone.now())
    if closed:
        _say_why(ticket, [("closed", {"until": until.isoformat() if until else None})])
        return None
    work = sifting.work_of(queue, _waits(ticket), known, getattr(ticket, "previous_agent", None))
    choice = strategies.choose(work, list(people.values()), sifting.way_of(queue))
    if choice.agent is None:
        _say_why(ticket, list(choice.reasons))
        return None
    return giving.give(ticket, queue, choice.agent, work.weight, choice.reasons)


def _waits(ticket: Ticket) -> Waits:
    route: Route | None = getattr(ticket, "route", None)
    about = (ticket.channel_id, ticket.threads, ticket.waiting_since, ticket.created_at, ticket.customer.language)
    return Waits(*about, route.wanted_id, route.skills, route.passed, route.passed_at) if route else Waits(*about)


# ── When nobody can ──────────────────────────────────────────────────────────────────────────


def _say_why(ticket: Ticket, reasons: list[Reason]) -> None:
    """Once per reason, not once per look."""
    route: Route | None = getattr(ticket, "route", None)
    if not sifting.is_news(route.why if route else None, reasons):
        return
    why = [list(one) for one in reasons]
    if route is None:
        Route.objects.bulk_create([Route(ticket=ticket)], ignore_conflicts=True)
    Route.objects.filter(pk=ticket.pk).update(why=why)
    record(ticket, "routing.waiting", SYSTEM, changes={"why": why})


def _ring(queue: Queue) -> None:
    """Tell the team's leads once per period that tickets wait which nobody can take; while closed nobody is rung."""
    now = timezone.now()
    before = now - timedelta(minutes=queue.ring_minutes)
    if queue.rung_at is not None and queue.rung_at > before:
        return
    why = next((row.why for row in _stuck(queue).exclude(why=[]).order_by("ticket")[:1]), None)
    if not why or why[0][0] in ("closed", "all_asked"):
        return
    due = Q(rung_at=None) | Q(rung_at__lte=before)
    if not Queue.objects.filter(due, pk=queue.pk).update(rung_at=now):
        return
    left = len(_open_first(queue)[0])
    leads = Agent.objects.filter(is_active=True, teams=queue.team_id, role__in=LEADS)
    told = list(leads.values_list("pk", flat=True))
    if not told:
        told = list(Agent.objects.filter(is_active=True, role=Agent.Role.ADMIN).values_list("pk", flat=True))
    giving.tell(told, "ring", team=queue.team_id, name=queue.team.name, count=left, why=why)
