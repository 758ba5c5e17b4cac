"""Where a time zone's clock jumps, and which instants a stretch of its wall clock stands for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

Stretch = tuple[datetime, datetime]
"""From the first instant (UTC) to the second, which is not in it any more."""

DAY = timedelta(days=1)


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    offset = at.astimezone(zone).utcoffset()
    assert offset is not None
    return offset


@lru_cache(maxsize=512)
def _jumps(name: str, year: int) -> tuple[tuple[datetime, timedelta, timedelta], ...]:
    """(instant, offset before, offset from it on) of one year, to the second; no zone jumps twice within a day."""
    zone = ZoneInfo(name)
    found = []
    at, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    before = _offset(zone, at)
    while at < end:
        later = at + DAY
        after = _offset(zone, later)
        if after != before:
            found.append((_moment(zone, at, later, before), before, after))
        at, before = later, after
    return tuple(found)


def _moment(zone: ZoneInfo, low: datetime, high: datetime, before: timedelta) -> datetime:
    """The first second at which the offset is another one."""
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
        low, high = (middle, high) if _offset(zone, middle) == before else (low, middle)
    return high


def instants(name: str, start: datetime, end: datetime) -> Iterator[Stretch]:
    """All instants at which the zone's wall clock reads from start to end (naive).

    What the clock skips is not there; what it shows twice is there twice.
    """
    low, high = start.replace(tzinfo=UTC) - 2 * DAY, end.replace(tzinfo=UTC) + 2 * DAY
    near = [jump for year in range(low.year, high.year + 1) for jump in _jumps(name, year) if low <= jump[0] < high]
    if not near:
        offset = _offset(ZoneInfo(name), start.replace(tzinfo=UTC))
        yield (start - offset).replace(tzinfo=UTC), (end - offset).replace(tzinfo=UTC)
        return
    edges = [low, *(jump[0] for jump in near), high]
    offsets = [near[0][1], *(jump[2] for jump in near)]
    for offset, since, until in zip(offsets, edges, edges[1:], strict=False):
        first = max((start - offset).replace(tzinfo=UTC), since)
        last = min((end - offset).replace(tzinfo=UTC), until)
        if first < last:
            yield first, last
