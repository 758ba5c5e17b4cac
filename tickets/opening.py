"""Opening hours as the settings show them: who keeps which, whether it is open, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Count, QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from agents.hours import weekly
from agents.hours.calendar import Calendar
from agents.hours.models import Closable, Schedule, TeamHours
from agents.models import Agent
from channels_app.hours import book
from channels_app.models import ChannelHours
from tickets import holidays


@dataclass(frozen=True, slots=True)
class Shown:
    """One schedule with what a person wants to know of it at a glance."""

    schedule: Schedule
    calendar: Calendar
    is_open: bool
    words: str
    shut: bool
    """Closed by hand right now."""
    uses: int
    warnings: Sequence[str]


def shown(schedules: Iterable[Schedule]) -> list[Shown]:
    """schedules: from ``counted``. The calendars are those that everything else uses."""
    now, known = timezone.now(), book.get()
    found = []
    for row in schedules:
        calendar = known.schedules.get(row.pk) or row.calendar(row.holidays.all())
        uses = row.teams_count + row.channels_count  # type: ignore[attr-defined]
        is_open = calendar.is_open(now)
        words = state(calendar, now)
        found.append(Shown(row, calendar, is_open, words, row.is_shut(now), uses, warnings(row, calendar, uses)))
    return found


def counted(rows: QuerySet[Schedule]) -> QuerySet[Schedule]:
    return rows.select_related("team").annotate(
        teams_count=Count("teams", distinct=True), channels_count=Count("channels", distinct=True)
    )


def warnings(row: Schedule, calendar: Calendar, uses: int) -> list[str]:
    said = []
    today = timezone.now().astimezone(ZoneInfo(row.time_zone)).date()
    if weekly.never(calendar.weekly, calendar.special.items(), today):
        said.append(_("It never opens. Whoever keeps it is closed for good, and nothing is ever due."))
    if not uses and not row.is_default:
        said.append(_("No team and no channel keeps it."))
    if row.feed_error:
        said.append(_("The holiday feed: %(why)s") % {"why": _(row.feed_error)})
    return said


def state(calendar: Calendar | None, now: datetime) -> str:
    """Open or not, and until when: on the reader's clock, and on the schedule's where that is another one."""
    if calendar is None:
        return _("Always open")
    if calendar.is_open(now):
        until = calendar.closes(now)
        return _("Open now, until %(time)s") % {"time": both(until, calendar.zone)} if until else _("Always open")
    opens = calendar.next_open(now)
    return _("Closed, opens %(time)s") % {"time": both(opens, calendar.zone)} if opens else _("Never open")


def both(at: datetime, zone: str) -> str:
    here, there = timezone.localtime(at), at.astimezone(ZoneInfo(zone))
    words = _clock(here)
    if here.utcoffset() != there.utcoffset():
        words += f" ({_clock(there)} {there.tzname()})"
    return words


def _clock(at: datetime) -> str:
    return f"{date_format(at, 'D')} {at:%H:%M}"


def upcoming(day: date) -> bool:
    return day >= timezone.now().date()


def may_change(agent: Agent, schedule: Schedule, teams: Iterable[int]) -> bool:
    """teams: those that a lead leads."""
    return agent.is_admin or (schedule.team_id is not None and schedule.team_id in set(teams))


KEPT = ("name", "team_id", "time_zone", "weekly", "is_default")


@transaction.atomic
def keep(row: Schedule, feed: str | None = None) -> None:
    """Save it. feed: another address of its holidays. Raises IntegrityError where another has this name, and
    Schedule.DoesNotExist where it was deleted meanwhile."""
    if row.is_default:
        # There is one at most; the one before makes room.
        Schedule.objects.filter(is_default=True).exclude(pk=row.pk).update(is_default=False)
    if row._state.adding:
        row.save()
    # Only what a person sets: a feed that was read meanwhile, or “closed today”, is not undone.
    elif not Schedule.objects.filter(pk=row.pk).update(**{name: getattr(row, name) for name in KEPT}):
        raise Schedule.DoesNotExist
    if feed is not None and feed != row.feed_url:
        holidays.follow(row, feed)
    holidays.changed()


def keep_of(row: TeamHours | ChannelHours) -> None:
    """What a team or channel keeps and tells. Not whether it is closed today: somebody may just have said so."""
    values = {name: getattr(row, name) for name in ("schedule_id", "away_on", "away_texts")}
    type(row).objects.update_or_create(pk=row.pk, defaults=values)


def drop(row: Schedule) -> None:
    """Whoever kept it keeps their team's, or the default's."""
    row.delete()
    holidays.changed()


def switch(row: Closable, *, closed: bool, team_ids: list[int] | None = None) -> None:
    """Closed today, or open again; clocks follow. team_ids: whose tickets it concerns; None: anybody's."""
    now = timezone.now()
    if closed:
        row.close_today(now)
    else:
        row.open_again(now)
    holidays.changed(team_ids)
