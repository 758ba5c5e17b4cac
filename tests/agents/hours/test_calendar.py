"""The calendar against a model that looks at the wall clock minute by minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agents.hours.calendar import ALL_DAY, LOOK_AHEAD, MINUTES, Calendar, Span, always

MINUTE = timedelta(minutes=1)
# Half hours, southern summers, a jump at midnight (Beirut), one by thirty minutes (Lord Howe), none at all.
ZONES = (
    "Asia/Jakarta", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Beirut", "Asia/Kathmandu", "UTC",
    "Pacific/Apia",
)  # fmt: skip
# Around changes of the clock, and one ordinary day.
MOMENTS = (
    datetime(2026, 3, 28, 20, tzinfo=UTC), datetime(2026, 10, 24, 20, tzinfo=UTC), datetime(2026, 3, 7, 20, tzinfo=UTC),
    datetime(2026, 11, 1, 0, tzinfo=UTC), datetime(2026, 4, 4, 10, tzinfo=UTC), datetime(2026, 7, 15, 9, tzinfo=UTC),
    datetime(2011, 12, 29, 12, tzinfo=UTC),
)  # fmt: skip


def span(start: int, length: int) -> Span:
    return start, start + length


spans = st.lists(st.builds(span, st.integers(0, MINUTES - 1), st.integers(1, MINUTES)), max_size=3).map(tuple)
weeks = st.lists(spans, min_size=7, max_size=7).map(tuple)
starts = st.builds(lambda moment, more: moment + more * MINUTE, st.sampled_from(MOMENTS), st.integers(0, 3 * MINUTES))


def special_near(start: datetime) -> st.SearchStrategy[dict[date, tuple[Span, ...]]]:
    days = st.integers(-2, 4).map(lambda ahead: start.date() + timedelta(days=ahead))
    return st.dictionaries(days, spans, max_size=3)


def naive_open(calendar: Calendar, at: datetime) -> bool:
    """What the clock on the wall says, and nothing else."""
    if any(start <= at < end for start, end in calendar.shut):
        return False
    wall = at.astimezone(ZoneInfo(calendar.zone))
    minute = wall.hour * 60 + wall.minute
    today, yesterday = wall.date(), wall.date() - timedelta(days=1)

    def of(day: date) -> tuple[Span, ...]:
        return calendar.special.get(day, calendar.weekly[day.weekday()])

    return any(start <= minute < end for start, end in of(today)) or any(
        minute + MINUTES < end for _start, end in of(yesterday)
    )


@st.composite
def calendars(draw: st.DrawFn) -> tuple[Calendar, datetime]:
    start = draw(starts)
    shut = draw(
        st.lists(
            st.builds(
                lambda ahead, length: (start + ahead * MINUTE, start + (ahead + length) * MINUTE),
                st.integers(-500, 3000), st.integers(1, 2000),
            ),
            max_size=2,
        )
    )  # fmt: skip
    special = draw(special_near(start))
    return Calendar(draw(st.sampled_from(ZONES)), draw(weeks), special, tuple(shut)), start


@settings(max_examples=60)
@given(calendars(), st.integers(1, 2 * MINUTES))
def test_minutes_counted_one_by_one_are_the_same(given: tuple[Calendar, datetime], minutes: int) -> None:
    calendar, start = given
    opened = [naive_open(calendar, start + ahead * MINUTE) for ahead in range(minutes)]
    assert [calendar.is_open(start + ahead * MINUTE) for ahead in range(0, minutes, 7)] == opened[::7]
    assert calendar.between(start, start + minutes * MINUTE) == 60 * sum(opened)
    first = next((ahead for ahead, is_open in enumerate(opened) if is_open), None)
    found = calendar.next_open(start)
    if first is not None:
        assert found == start + first * MINUTE
    else:
        assert found is None or found >= start + minutes * MINUTE


@settings(max_examples=60)
@given(calendars(), st.integers(0, 3 * 3600))
def test_adding_is_the_inverse_of_counting(given: tuple[Calendar, datetime], seconds: int) -> None:
    calendar, start = given
    due = calendar.add(start, seconds)
    if due is None:
        assert calendar.between(start, start + timedelta(days=LOOK_AHEAD - 3)) < seconds
        return
    assert calendar.between(start, due) == seconds
    if seconds:
        # The very instant, not some later one at which as much has passed.
        assert calendar.between(start, due - timedelta(seconds=1)) == seconds - 1


@settings(max_examples=30)
@given(calendars(), st.integers(0, 4000), st.integers(0, 4000))
def test_what_counts_can_be_cut_anywhere(given: tuple[Calendar, datetime], first: int, second: int) -> None:
    calendar, start = given
    middle, end = start + first * MINUTE, start + (first + second) * MINUTE
    assert calendar.between(start, end) == calendar.between(start, middle) + calendar.between(middle, end)
    assert calendar.between(end, start) == (0 if second + first else calendar.between(start, start))


OFFICE = Calendar("Europe/Berlin", tuple(((540, 720), (780, 1020)) if day < 5 else () for day in range(7)))


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin"))


def test_an_hour_that_the_clock_skips_counts_nothing_and_one_that_comes_twice_counts_twice() -> None:
    night = Calendar("Europe/Berlin", (((0, 360),),) * 7)
    assert night.between(berlin("2026-03-29T00:00"), berlin("2026-03-29T06:00")) == 5 * 3600
    assert night.between(berlin("2026-10-25T00:00"), berlin("2026-10-25T06:00")) == 7 * 3600
    # Opens at half past two, which that night does not have: it opens as the clock jumps over it.
    gap = Calendar("Europe/Berlin", (((150, 300),),) * 7)
    assert gap.next_open(berlin("2026-03-29T01:00")) == berlin("2026-03-29T03:00")
    assert gap.add(berlin("2026-03-29T01:00"), 3600) == berlin("2026-03-29T04:00")


def test_several_intervals_a_day_and_past_midnight() -> None:
    assert OFFICE.is_open(berlin("2026-11-20T11:59"))
    assert not OFFICE.is_open(berlin("2026-11-20T12:00"))
    assert OFFICE.add(berlin("2026-11-20T11:30"), 3600) == berlin("2026-11-20T13:30")
    assert OFFICE.add(berlin("2026-11-20T16:30"), 3600) == berlin("2026-11-23T09:30")
    assert OFFICE.closes(berlin("2026-11-20T11:00")) == berlin("2026-11-20T12:00")
    assert OFFICE.closes(berlin("2026-11-21T11:00")) is None
    friday = Calendar("Asia/Jakarta", tuple(((1320, 1560),) if day == 4 else () for day in range(7)))
    jakarta = ZoneInfo("Asia/Jakarta")
    assert friday.is_open(datetime(2026, 11, 21, 1, 59, tzinfo=jakarta))
    assert not friday.is_open(datetime(2026, 11, 21, 2, tzinfo=jakarta))
    assert friday.closes(datetime(2026, 11, 20, 23, tzinfo=jakarta)) == datetime(2026, 11, 21, 2, tzinfo=jakarta)


def test_a_holiday_takes_away_what_begins_on_it_also_after_its_midnight() -> None:
    nights = Calendar("UTC", (((1320, 1560),),) * 7, {date(2026, 12, 25): ()})
    assert nights.is_open(datetime(2026, 12, 25, 1, tzinfo=UTC))
    assert not nights.is_open(datetime(2026, 12, 25, 23, tzinfo=UTC))
    assert not nights.is_open(datetime(2026, 12, 26, 1, tzinfo=UTC))


@pytest.mark.parametrize("weekly", [((),) * 7, (ALL_DAY,) * 7])
def test_hours_that_never_open_and_those_that_never_close(weekly: tuple[tuple[Span, ...], ...]) -> None:
    at = datetime(2026, 11, 22, 12, tzinfo=UTC)
    calendar = Calendar("Asia/Bangkok", weekly)
    if weekly[0]:
        assert calendar.next_open(at) == at
        assert calendar.closes(at) is None
        assert calendar.add(at, 300 * 86400) == at + timedelta(days=300)
    else:
        assert calendar.next_open(at) is None
        assert calendar.add(at, 1) is None
        assert calendar.add(at, 0) == at
        assert calendar.between(at, at + timedelta(days=300)) == 0


@example(hours=5)
@given(st.integers(1, 40))
def test_what_is_shut_ends_by_itself(hours: int) -> None:
    at = datetime(2026, 11, 22, 12, tzinfo=UTC)
    shut = always("Asia/Jakarta", ((at, at + timedelta(hours=hours)),))
    assert not shut.is_open(at)
    assert shut.next_open(at) == at + timedelta(hours=hours)
    assert shut.add(at - timedelta(hours=1), 7200) == at + timedelta(hours=hours + 1)


class Counting(dict[date, tuple[Span, ...]]):
    """A calendar's special days that know how often a day was looked up."""

    looked = 0

    def get(self, day: object, default: object = None) -> None:  # type: ignore[override]
        self.looked += 1


def test_no_question_looks_at_more_days_than_it_must() -> None:
    """Counted in days, not in seconds: the work is linear in the time asked about, and ends after two years."""
    at = datetime(2026, 11, 22, 12, tzinfo=UTC)
    for ask, most in (
        (lambda calendar: calendar.add(at, 3600), 6),
        (lambda calendar: calendar.add(at, 300 * 86400), 306),
        (lambda calendar: calendar.between(at, at + timedelta(days=30)), 40),
    ):
        special = Counting()
        ask(Calendar("Europe/Berlin", (ALL_DAY,) * 7, special))
        assert special.looked <= most
    special = Counting()
    assert Calendar("Europe/Berlin", ((),) * 7, special).next_open(at) is None
    assert special.looked <= LOOK_AHEAD + 3
