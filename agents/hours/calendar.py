"""Opening hours as arithmetic: open or not, when next, and how much of a stretch of time counts.

Pure: no database, no clock. A schedule is open at an instant when the wall clock of its zone then reads a time
within one of the day's intervals. From that alone follows what happens when clocks change: an hour that is skipped
counts nothing, an hour that comes twice counts twice. An interval belongs to the day on which it begins, so a
holiday on Friday also takes away the hours after Friday's midnight.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from agents.hours.zones import Stretch, instants

Span = tuple[int, int]
"""Minutes after the day's midnight: 0 ≤ start < 1440, start < end ≤ start + 1440. (1320, 1560) is 22:00 to 02:00."""

MINUTES = 24 * 60
LOOK_AHEAD = 2 * 366
"""So many days are looked through for the next opening or a due time; what is not found by then never comes."""
ALL_DAY: tuple[Span, ...] = ((0, MINUTES),)


@dataclass(frozen=True, slots=True)
class Calendar:
    """weekly: Monday first. special: the intervals of single dates in place of the weekday's; () is closed.
    shut: closed in between, whatever the hours say ("closed today")."""

    zone: str
    weekly: tuple[tuple[Span, ...], ...]
    special: Mapping[date, tuple[Span, ...]] = field(default_factory=dict, hash=False)
    shut: tuple[Stretch, ...] = ()

    def spans(self, day: date) -> tuple[Span, ...]:
        """The intervals that begin on a day."""
        found = self.special.get(day)
        return self.weekly[day.weekday()] if found is None else found

    def is_open(self, at: datetime) -> bool:
        if any(start <= at < end for start, end in self.shut):
            return False
        here = at.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None)
        seconds = here.hour * 3600 + here.minute * 60 + here.second
        return any(start * 60 <= seconds < end * 60 for start, end in self.spans(here.date())) or any(
            seconds + MINUTES * 60 < end * 60 for _start, end in self.spans(here.date() - timedelta(days=1))
        )

    def next_open(self, at: datetime) -> datetime | None:
        """When it is open again: ``at`` itself if it is open then; None: not within two years."""
        return next((max(start, at) for start, end in self._stretches(at) if end > at), None)

    def closes(self, at: datetime) -> datetime | None:
        """Until when it is open without a break from ``at`` on; None: it is closed then, or never closes."""
        until = at
        for start, end in self._stretches(at):
            if start > until:
                return until if until > at else None
            until = max(until, end)
        return None

    def add(self, start: datetime, seconds: float) -> datetime | None:
        """When so much open time has passed since start (for none: start); None: not within two years."""
        left = timedelta(seconds=seconds)
        if seconds <= 0:
            return start
        for first, last in self._stretches(start):
            since = max(first, start)
            if last <= since:
                continue
            if since + left <= last:
                return since + left
            left -= last - since
        return None

    def between(self, start: datetime, end: datetime) -> float:
        """Open seconds from start to end; 0 where end is not later."""
        if end <= start:
            return 0.0
        days = (end - start).days + 3
        return sum(
            (min(last, end) - max(first, start)).total_seconds()
            for first, last in self._stretches(start, days)
            if last > start and first < end
        )

    def _stretches(self, at: datetime, days: int = LOOK_AHEAD) -> Iterator[Stretch]:
        """Open stretches from the day before ``at`` on, in order; two may touch, none overlap. Without what is shut."""
        for first, last in self._apart(at, days):
            rest = [(first, last)]
            for start, end in self.shut:
                rest = [
                    piece
                    for since, until in rest
                    for piece in ((since, min(until, start)), (max(since, end), until))
                    if piece[0] < piece[1]
                ]
            # Two that are shut and overlap cut a piece twice; what is left is the same.
            yield from sorted(set(rest))

    def _apart(self, at: datetime, days: int) -> Iterator[Stretch]:
        """Each instant once, also where stretches overlap: a later day's may begin within an earlier one."""
        done = datetime.min.replace(tzinfo=UTC)
        waiting: list[Stretch] = []
        first_day = at.astimezone(ZoneInfo(self.zone)).date() - timedelta(days=2)
        for ahead in range(days + 3):
            day = first_day + timedelta(days=ahead)
            waiting.extend(self._of_day(day))
            # What begins before can be of no later day: the clock that is most ahead is so by 14 hours.
            sure = datetime.combine(day, time(10), UTC)
            for start, end in sorted(waiting):
                if start < sure and done < end:
                    yield max(start, done), end
                    done = end
            waiting = [stretch for stretch in waiting if stretch[0] >= sure]

    def _of_day(self, day: date) -> Iterator[Stretch]:
        midnight = datetime.combine(day, time())
        for start, end in self.spans(day):
            yield from instants(self.zone, midnight + timedelta(minutes=start), midnight + timedelta(minutes=end))


def always(zone: str = "UTC", shut: tuple[Stretch, ...] = ()) -> Calendar:
    return Calendar(zone, (ALL_DAY,) * 7, shut=shut)
