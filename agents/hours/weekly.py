"""Intervals as they are written and stored: ``[["09:00", "17:00"], ["22:00", "02:00"]]``; seven such lists are a week.

An end that is not after its start is on the next day; "24:00" is midnight, and "00:00" to "00:00" is the whole day.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import pairwise
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from agents.hours.calendar import MINUTES, Span

MOST_A_DAY = 8
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)|24:00", re.ASCII)


class Unreadable(ValueError):
    """Something in it is no interval; the text says what, in the reader's language."""


def spans(written: Any) -> tuple[Span, ...]:
    """The intervals of one day, in order. Raises Unreadable."""
    if not isinstance(written, list):
        raise Unreadable(_("This is not a list of times."))
    if len(written) > MOST_A_DAY:
        words = ngettext("At most %(count)d interval a day.", "At most %(count)d intervals a day.", MOST_A_DAY)
        raise Unreadable(words % {"count": MOST_A_DAY})
    found = sorted(_span(pair) for pair in written)
    for one, following in pairwise(found):
        if following[0] < one[1]:
            raise Unreadable(_("Two intervals of a day overlap."))
    return tuple(found)


def _span(pair: Any) -> Span:
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        raise Unreadable(_("An interval has a beginning and an end."))
    start, end = (_minutes(text) for text in pair)
    if start == MINUTES:
        raise Unreadable(_("A day begins at 00:00."))
    return start, end if end > start else end + MINUTES


def _minutes(text: Any) -> int:
    match = _TIME.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        raise Unreadable(_("Write times like 09:00 or 17:30."))
    return MINUTES if match[1] is None else int(match[1]) * 60 + int(match[2])


def week(written: Any) -> tuple[tuple[Span, ...], ...]:
    """Seven days, Monday first. Raises Unreadable."""
    if not isinstance(written, list) or len(written) != 7:
        raise Unreadable(_("A week has seven days."))
    return tuple(spans(day) for day in written)


def written(day: Iterable[Span]) -> list[list[str]]:
    """The other way round."""
    return [[_text(start), "24:00" if end == MINUTES else _text(end % MINUTES)] for start, end in day]


def _text(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def in_words(day: Sequence[Sequence[str]]) -> str:
    """For a person: "09:00–12:00, 13:00–17:00"."""
    return ", ".join(f"{start}–{end}" for start, end in day)


def never(week_: Sequence[Sequence[Span]], special: Iterable[tuple[date, Sequence[Span]]], today: date) -> bool:
    """Neither a weekday nor a day to come has hours."""
    return not any(week_) and not any(hours for day, hours in special if day >= today)
