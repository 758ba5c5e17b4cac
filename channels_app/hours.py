"""Which hours count for a conversation: the channel's own, else its team's, else the default's; none: always open.

Read from the database every two seconds at most per process; a change is known at once where it was made.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from agents.hours.calendar import Calendar, always
from agents.hours.models import Holiday, Schedule, TeamHours
from agents.kept import Kept
from channels_app.models import ChannelHours

PAST = timedelta(days=400)
"""So far back a clock that still runs may have begun."""


@dataclass(frozen=True, slots=True)
class AwayWords:
    """What is said while nobody is there. texts: by language."""

    texts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Book:
    """All hours of this installation, worked out."""

    schedules: Mapping[int, Calendar] = field(default_factory=dict)
    default: int | None = None
    teams: Mapping[int, TeamHours] = field(default_factory=dict)
    channels: Mapping[int, ChannelHours] = field(default_factory=dict)

    def of(self, team_id: int | None, channel_id: int | None) -> Calendar | None:
        """None: always open."""
        channel, team = self.channels.get(channel_id or 0), self.teams.get(team_id or 0)
        chosen = (channel and channel.schedule_id) or (team and team.schedule_id) or self.default
        calendar = self.schedules.get(chosen) if chosen else None
        shut = team.shut() if team else ()
        if not shut:
            return calendar
        # The team is who answers: what it closes is closed, whoever's hours count.
        calendar = calendar or always(settings.TIME_ZONE)
        return replace(calendar, shut=(*calendar.shut, *shut))

    def away(self, team_id: int | None, channel_id: int | None) -> AwayWords | None:
        """None: nothing is said. The channel's words win over its team's."""
        for row in (self.channels.get(channel_id or 0), self.teams.get(team_id or 0)):
            if row is not None and row.away_on:
                return AwayWords(row.away_texts)
        return None


def _read() -> Book:
    """In four statements, however many there are."""
    schedules = list(Schedule.objects.all())
    holidays: defaultdict[int, list[Holiday]] = defaultdict(list)
    if schedules:
        for row in Holiday.objects.filter(last__gte=timezone.now().date() - PAST):
            holidays[row.schedule_id].append(row)
    return Book(
        {row.pk: row.calendar(holidays[row.pk]) for row in schedules},
        next((row.pk for row in schedules if row.is_default), None),
        {row.pk: row for row in TeamHours.objects.all()},
        {row.pk: row for row in ChannelHours.objects.all()},
    )


book = Kept(_read)
"""``book.get()``; after a change to any of it: ``book.forget()``."""


def hours_for(team_id: int | None, channel_id: int | None) -> Calendar | None:
    """The hours that count for what this team has on this channel; None: always open."""
    return book.get().of(team_id, channel_id)


def is_open(team_id: int | None, channel_id: int | None) -> bool:
    """Right now."""
    calendar = hours_for(team_id, channel_id)
    return calendar is None or calendar.is_open(timezone.now())
