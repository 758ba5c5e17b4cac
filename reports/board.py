"""The live board: who is there, what each has, what waits and for how long, and what will be late.

A fixed number of statements, whatever the size of the desk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, Count, IntegerField, Min, Q, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from agents import staff
from agents.models import Agent, Team
from agents.presence.models import CAPACITY, Presence, Seat
from tickets import people
from tickets.models import Ticket, TicketQuerySet
from tickets.routing import crew, words
from tickets.routing.desk import URGENCY

S = Ticket.Status
AGENTS, WAITING, AT_RISK = 200, 30, 20
AGES = (timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=4))
"""A queue's tickets are counted by how long they have waited: less than each of these, and more."""
ORDER = ("online", "away", "dnd", "offline")


@dataclass(frozen=True, slots=True)
class Colleague:
    agent: Agent
    status: str
    label: Any
    load: int
    capacity: int
    tickets: int
    skills: Sequence[str]


@dataclass(slots=True)
class Line:
    """What waits of one team and channel. ages: per step of AGES, and longer."""

    team: str
    channel: str
    count: int = 0
    oldest: datetime | None = None
    ages: list[int] = field(default_factory=lambda: [0] * (len(AGES) + 1))


def teams_of(agent: Agent) -> list[Team]:
    """Those that this agent leads; all of them for an administrator."""
    return list(staff.teams_under(agent))


def colleagues(agent: Agent, team: Team | None) -> list[Colleague]:
    """Whoever is there first, the busiest of them on top."""
    found = staff.agents_under(agent).filter(is_active=True)
    if team is not None:
        found = found.filter(teams=team)
    rows = list(found.select_related("presence", "seat")[:AGENTS])
    now, ids = timezone.now(), [row.pk for row in rows]
    loads = crew.loads(ids, crew.weights())
    held = Ticket.objects.unresolved().filter(assignee__in=ids, status=S.OPEN).order_by()
    tickets = dict(held.values_list("assignee").annotate(Count("pk")))
    shown = [_colleague(row, now, loads[row.pk], tickets.get(row.pk, 0)) for row in rows]
    return sorted(shown, key=lambda one: (ORDER.index(one.status), -one.load, one.agent.name))


def _colleague(row: Agent, now: datetime, load: int, tickets: int) -> Colleague:
    status = crew.presence_of(row, now)
    seat: Seat | None = getattr(row, "seat", None)
    skills = [*(words.language(code) for code in seat.languages), *seat.skills] if seat else []
    label = Presence.Status(status).label
    return Colleague(row, status, label, load, seat.capacity if seat else CAPACITY, tickets, skills)


def seen(agent: Agent, team: Team | None) -> TicketQuerySet:
    found = Ticket.objects.visible_to(agent).unresolved()
    return found if team is None else found.filter(team=team)


def queues(agent: Agent, team: Team | None) -> list[Line]:
    """What waits for somebody, by team and channel, in one statement."""
    now = timezone.now()
    begun = Coalesce("waiting_since", "created_at")
    step = Case(
        *(When(begun__gt=now - age, then=Value(place)) for place, age in enumerate(AGES)),
        default=Value(len(AGES)),
        output_field=IntegerField(),
    )
    waiting = seen(agent, team).filter(status=S.OPEN, assignee=None).order_by()
    counted = waiting.annotate(begun=begun).annotate(step=step)
    rows = counted.values_list("team__name", "channel__name", "step").annotate(Count("pk"), Min("begun"))
    found: dict[tuple[str, str], Line] = {}
    for team_name, channel, place, count, oldest in rows:
        line = found.setdefault((team_name or "", channel), Line(team_name or "", channel))
        line.count += count
        line.ages[place] += count
        line.oldest = min(oldest, line.oldest or oldest)
    return sorted(found.values(), key=lambda line: (-line.count, line.team, line.channel))


def waiting(agent: Agent, team: Team | None) -> list[dict[str, Any]]:
    """The first that would be given out, and why nobody has them."""
    urgency = Case(
        *(When(priority=name, then=Value(place)) for place, name in enumerate(URGENCY)),
        default=Value(len(URGENCY)),
        output_field=IntegerField(),
    )
    begun = Coalesce("waiting_since", "created_at")
    rows = seen(agent, team).filter(status=S.OPEN, assignee=None).annotate(begun=begun)
    rows = rows.select_related("customer", "address", "channel", "team", "route").order_by(urgency, "begun", "pk")
    return [
        {"ticket": row, "name": people.name_of(row), "since": row.waiting_since or row.created_at, "why": _why(row)}
        for row in rows[:WAITING]
    ]


def _why(row: Ticket) -> str:
    route = getattr(row, "route", None)
    return words.of(route.why) if route else ""


def at_risk(agent: Agent, team: Team | None) -> list[dict[str, Any]]:
    """What is late already or nearly, what is due first on top."""
    soon = Q(due_at__lte=timezone.now() + timedelta(minutes=30)) | Q(sla_state__in=("at_risk", "breached"))
    rows = seen(agent, team).filter(soon, due_at__isnull=False).select_related("customer", "address", "assignee")
    return [{"ticket": row, "name": people.name_of(row)} for row in rows.order_by("due_at", "pk")[:AT_RISK]]
