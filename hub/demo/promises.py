"""Opening hours and a promise, so that their pages and the list show something.

The hours are those of the team that has no channel, and nothing is said to customers: the demo's own conversations go
on at any hour. The promise counts every minute; what is late is marked already, without a word in the log.
"""

from __future__ import annotations

from datetime import date, timedelta

from django.utils import timezone

from agents.hours.models import Holiday, Schedule, TeamHours
from agents.models import Team
from channels_app.hours import book
from tickets.models import Message, Ticket
from tickets.sla import following
from tickets.sla.clocks import Clocks
from tickets.sla.models import Kind, Policy

SHOP = [[["09:00", "12:00"], ["13:00", "18:00"]]] * 5 + [[["09:00", "14:00"]], []]
HOLIDAYS = ((1, 1, "Tahun Baru"), (5, 1, "Hari Buruh"), (6, 1, "Hari Lahir Pancasila"), (8, 17, "Hari Kemerdekaan"))
BEGUN = (70, 55, 30, 10)
"""So many minutes ago; the last for all others."""


def make(team: Team) -> None:
    """team: keeps the hours."""
    _hours(team)
    targets = {"low": 240, "normal": 60, "high": 30, "urgent": 15}
    policy = Policy.objects.create(
        name="Toko",
        business=False,
        warn_percent=75,
        targets={
            priority: {Kind.FIRST: minutes, Kind.NEXT: 2 * minutes, Kind.RESOLUTION: 24 * minutes}
            for priority, minutes in targets.items()
        },
        escalations={"breached": [{"do": "notify"}]},
    )
    following.policies.forget()
    waiting = Ticket.objects.filter(status="open", waiting_since__isnull=False).order_by("-seq")
    for place, ticket in enumerate(waiting):
        _promise(ticket, policy, BEGUN[min(place, len(BEGUN) - 1)])


def _hours(team: Team) -> None:
    schedule = Schedule.objects.create(name="Toko Senja", time_zone="Asia/Jakarta", weekly=SHOP)
    year = timezone.now().year
    Holiday.objects.bulk_create(
        Holiday(schedule=schedule, first=day, last=day, name=name)
        for day, name in ((date(each, month, of), name) for each in (year, year + 1) for month, of, name in HOLIDAYS)
    )
    lebaran = date(2027, 3, 10)
    Holiday.objects.create(schedule=schedule, first=lebaran, last=lebaran + timedelta(days=3), name="Idul Fitri")
    TeamHours.objects.create(team=team, schedule=schedule)
    book.forget()


def _promise(ticket: Ticket, policy: Policy, minutes: int) -> None:
    now = timezone.now()
    spoken = Message.objects.filter(ticket=ticket, direction=Message.Direction.OUT, agent__isnull=False).exists()
    clocks = Clocks.of(policy, answered=spoken)
    clocks.follow(policy, "normal", now - timedelta(minutes=minutes), None, is_open=True, waits=True)
    clocks.mark(now, None)
    Ticket.objects.filter(pk=ticket.pk).update(**following.columns(clocks))
