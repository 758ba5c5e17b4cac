"""Holidays out of an iCalendar file (RFC 5545): whole days with their names, within bounds.

What has a time of day is an appointment and no holiday, and is left out. A file is data of strangers: it is bounded in
bytes, events, and in the time that its rules of repetition may take.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_noop as N_

if TYPE_CHECKING:
    from icalendar import Event

MOST_BYTES = 1 << 20
MOST_EVENTS = 10_000
MOST_DAYS = 5_000
LONGEST = timedelta(days=366)
SECONDS = 15.0
"""For all of a file's repetitions together."""
BACK, AHEAD = timedelta(days=400), timedelta(days=3 * 366)
REPEATS = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY")


NONSENSE = (
    ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, ZeroDivisionError, RecursionError,
)  # fmt: skip


class Unreadable(Exception):
    """The file cannot be used. The text is an English source text, kept as it is and translated when it is shown."""


@dataclass(frozen=True, slots=True, order=True)
class Days:
    """From the first to the last, both included."""

    first: date
    last: date
    name: str


def read(data: bytes, today: date) -> list[Days]:
    """From about a year ago to three years ahead, in order. Raises Unreadable."""
    if len(data) > MOST_BYTES:
        raise Unreadable(N_("The calendar is larger than 1 MB."))
    if data.upper().count(b"BEGIN:VEVENT") > MOST_EVENTS:
        raise Unreadable(N_("The calendar has more than 10,000 events."))
    # Only here, and dateutil likewise: most installations never read a calendar, and it is megabytes of memory.
    from icalendar import Calendar

    try:
        calendar = Calendar.from_ical(data)
    except NONSENSE as error:
        raise Unreadable(N_("This is not an iCalendar file.")) from error
    ends = time.monotonic() + SECONDS
    found: set[Days] = set()
    for event in calendar.walk("VEVENT"):
        try:
            found.update(_of_event(event, today))
        except NONSENSE:
            # The library tells of a property that it could not read when that is looked at: this event is none.
            continue
        if len(found) > MOST_DAYS or time.monotonic() > ends:
            raise Unreadable(N_("The calendar repeats its events too often."))
    return sorted(found)


def _of_event(event: Any, today: date) -> Iterator[Days]:
    """Nothing where it is cancelled, has a time of day, or cannot be understood."""
    if str(event.get("STATUS", "")).upper() == "CANCELLED":
        return
    first = _day(event, "DTSTART")
    if first is None:
        return
    length = _length(event, first)
    name = " ".join(str(event.get("SUMMARY", "")).replace("\x00", "").split())[:200]
    for day in _repeated(event, first, today):
        if today - BACK <= day + length and day <= today + AHEAD:
            yield Days(day, day + length, name)


def _day(event: Event, name: str) -> date | None:
    """A date alone; None for a time, for nothing and for nonsense."""
    try:
        value = event.get(name).dt
    except NONSENSE:
        return None
    return value if isinstance(value, date) and not isinstance(value, datetime) else None


def _length(event: Event, first: date) -> timedelta:
    """From the first day to the last. The end that is written is the day after (RFC 5545, 3.6.1)."""
    end = _day(event, "DTEND")
    days = timedelta()
    if end is not None:
        days = end - first - timedelta(days=1)
    else:
        try:
            days = event.get("DURATION").dt - timedelta(days=1)
        except NONSENSE:
            days = timedelta()
    return min(max(timedelta(days=days.days), timedelta()), LONGEST)


def _repeated(event: Event, first: date, today: date) -> set[date]:
    """The first day and those by its rule, without the ones that are taken out."""
    days = {first}
    rule = event.get("RRULE")
    if rule is not None and not isinstance(rule, list):
        days |= _by_rule(rule, first, today)
    days |= set(_listed(event, "RDATE"))
    return days - set(_listed(event, "EXDATE"))


def _by_rule(rule: Any, first: date, today: date) -> set[date]:
    from dateutil.rrule import rrulestr

    try:
        if str(rule.get("FREQ", [""])[0]).upper() not in REPEATS:
            return set()
        start, until = (datetime.combine(day, datetime.min.time()) for day in (first, today + AHEAD))
        # UNTIL may have a zone, which a day has not; and a rule without end is looked at no further than we care.
        told = rule.get("UNTIL", [None])[0]
        if told is not None:
            ends = told.date() if isinstance(told, datetime) else told
            until = min(until, datetime.combine(ends, datetime.min.time()))
        text = ";".join(part for part in rule.to_ical().decode().split(";") if not part.upper().startswith("UNTIL="))
        repeats: Any = rrulestr(text, dtstart=start)
        # A rule has an end or a number of times, not both.
        found = []
        for at in repeats if "COUNT" in rule else repeats.replace(until=until):
            if at > until:
                break
            found.append(at.date())
        return set(found)
    except NONSENSE:
        return set()


def _listed(event: Event, name: str) -> Iterator[date]:
    given = event.get(name)
    for one in given if isinstance(given, list) else [given] if given is not None else []:
        for each in getattr(one, "dts", ()):
            value = getattr(each, "dt", None)
            if isinstance(value, datetime):
                yield value.date()
            elif isinstance(value, date):
                yield value
