"""A ticket's clocks through its life, with the time and the hours given."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agents.hours.calendar import Calendar
from tickets.sla.clocks import Clocks, elapsed
from tickets.sla.models import Kind, Policy, State

MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
OFFICE = Calendar("UTC", tuple(((540, 1020),) if day < 5 else () for day in range(7)))


def policy(**fields: Any) -> Policy:
    targets = {"normal": {"first_response": 60, "next_response": 120, "resolution": 480}}
    return Policy(pk=7, **{"name": "Gold", "targets": targets, "warn_percent": 50, **fields})


def begun(**fields: Any) -> tuple[Clocks, Policy]:
    chosen = policy(**fields)
    return Clocks.of(chosen), chosen


def follow(clocks: Clocks, chosen: Policy, at: datetime, calendar: Calendar | None = None, **facts: bool) -> list[str]:
    facts = {"is_open": True, "waits": True, **facts}
    return [kind for kind, _clock in clocks.follow(chosen, "normal", at, calendar, **facts)]


def test_first_response_then_next_response_and_resolution_pauses_while_the_customer_is_asked() -> None:
    clocks, chosen = begun()
    follow(clocks, chosen, MONDAY)
    assert clocks.due_at() == MONDAY + HOUR
    assert clocks.look_at() == MONDAY + HOUR / 2
    assert follow(clocks, chosen, MONDAY + HOUR / 2, waits=False, answered=True) == ["first_response"]
    assert clocks.due_at() is None
    assert clocks.clocks["first_response"].met_at == MONDAY + HOUR / 2
    follow(clocks, chosen, MONDAY + 3 * HOUR)
    assert clocks.clocks["next_response"].due_at == MONDAY + 5 * HOUR
    # Eight hours, of which half of one is counted.
    assert clocks.clocks["resolution"].due_at == MONDAY + 10.5 * HOUR
    ended = follow(clocks, chosen, MONDAY + 4 * HOUR, is_open=False, waits=False, resolved=True)
    assert ended == ["resolution"], "nobody answered: the next response is neither met nor missed"
    assert clocks.state() is State.NONE
    assert clocks.look_at() is None


def test_a_snooze_stops_all_clocks_and_they_go_on_where_they_were() -> None:
    clocks, chosen = begun()
    follow(clocks, chosen, MONDAY)
    follow(clocks, chosen, MONDAY + HOUR / 4, is_open=False)
    assert clocks.due_at() is None
    assert clocks.look_at() is None
    follow(clocks, chosen, MONDAY + 24 * HOUR)
    assert clocks.due_at() == MONDAY + 24.75 * HOUR


def test_by_business_time_a_night_does_not_count() -> None:
    clocks, chosen = begun()
    evening = MONDAY + 7.5 * HOUR
    follow(clocks, chosen, evening, OFFICE)
    assert clocks.due_at() == MONDAY + 24.5 * HOUR
    assert clocks.look_at() == MONDAY + 8 * HOUR


def test_hours_that_never_open_make_nothing_due() -> None:
    clocks, chosen = begun()
    follow(clocks, chosen, MONDAY, Calendar("UTC", ((),) * 7))
    assert clocks.due_at() is None
    assert clocks.look_at() is None
    assert clocks.mark(MONDAY + 1000 * HOUR, Calendar("UTC", ((),) * 7)) == []
    # Hours are set after all: the clock has been running since Monday.
    assert clocks.mark(MONDAY + 2 * HOUR, None) == [("sla.breached", "first_response")]


def test_each_is_warned_of_once_and_marked_once() -> None:
    clocks, chosen = begun()
    follow(clocks, chosen, MONDAY)
    assert clocks.mark(MONDAY + HOUR / 4, None) == []
    assert clocks.mark(MONDAY + HOUR / 2, None) == [("sla.warned", "first_response")]
    assert clocks.state() is State.AT_RISK
    assert clocks.mark(MONDAY + HOUR / 2, None) == []
    assert clocks.mark(MONDAY + 5 * HOUR, None) == [
        ("sla.breached", "first_response"), ("sla.warned", "resolution")
    ]  # fmt: skip
    assert clocks.mark(MONDAY + 5 * HOUR, None) == []
    assert clocks.state() is State.BREACHED
    assert clocks.clocks["first_response"].breached_at == MONDAY + HOUR


def test_who_was_asleep_through_both_marks_the_breach_alone() -> None:
    clocks, chosen = begun()
    follow(clocks, chosen, MONDAY)
    assert ("sla.warned", "first_response") not in clocks.mark(MONDAY + 2 * HOUR, None)


def test_a_late_answer_is_late_also_where_no_timetable_had_seen_it() -> None:
    clocks, chosen = begun()
    follow(clocks, chosen, MONDAY)
    follow(clocks, chosen, MONDAY + 2 * HOUR, waits=False, answered=True)
    first = clocks.clocks["first_response"]
    assert first.breached_at is not None
    assert first.met_at == MONDAY + 2 * HOUR


def test_another_priority_gives_other_targets_and_what_was_counted_stays() -> None:
    clocks, chosen = begun(
        targets={"normal": {"first_response": 60, "resolution": 480}, "urgent": {"first_response": 30}}
    )
    follow(clocks, chosen, MONDAY)
    clocks.mark(MONDAY + 0.75 * HOUR, None)
    clocks.aim(chosen, "urgent", MONDAY + 0.75 * HOUR, None)
    assert clocks.due_at() == MONDAY + HOUR / 2
    assert "resolution" not in clocks.clocks
    assert clocks.mark(MONDAY + 0.75 * HOUR, None) == [("sla.breached", "first_response")]
    clocks.aim(chosen, "normal", MONDAY + 0.75 * HOUR, None)
    assert clocks.state() is not State.BREACHED


def test_a_move_to_other_hours_keeps_what_those_before_had_counted() -> None:
    clocks, chosen = begun()
    evening = MONDAY + 7.5 * HOUR
    follow(clocks, chosen, evening, OFFICE)
    # At seven in the evening half an hour is counted, and from then on every minute.
    clocks.settle(evening + 2.5 * HOUR, OFFICE, None)
    assert clocks.due_at() == evening + 3 * HOUR


DEEDS = st.lists(
    st.tuples(st.sampled_from(["writes", "answers", "snooze", "wake", "look"]), st.integers(1, 3000)),
    min_size=1, max_size=25,
)  # fmt: skip


@settings(max_examples=80)
@given(DEEDS, st.sampled_from([None, OFFICE]))
def test_whatever_happens_the_clocks_count_exactly_the_open_time_in_which_the_customer_waited(
    deeds: list[tuple[str, int]], calendar: Calendar | None
) -> None:
    """Against a model that adds up stretch by stretch; and what is stored says the same when it is read again."""
    clocks, chosen = begun()
    at, waits, is_open = MONDAY, False, True
    counted = 0.0
    for what, minutes in deeds:
        later = at + timedelta(minutes=minutes)
        counted += elapsed(calendar, at, later) if waits and is_open else 0
        at = later
        if what == "look":
            clocks.mark(at, calendar)
        else:
            waits = {"writes": True, "answers": False}.get(what, waits)
            is_open = {"writes": True, "snooze": False, "wake": True}.get(what, is_open)
            follow(clocks, chosen, at, calendar, waits=waits, is_open=is_open, answered=what == "answers")
        clocks = Clocks.load(json.loads(json.dumps(clocks.dump())))
        resolution = clocks.clocks.get(Kind.RESOLUTION)
        assert (resolution.counted(at, calendar) if resolution else 0) == counted
        running = [clock for _kind, clock in clocks.unfinished() if clock.since]
        assert bool(running) == (waits and is_open)
        for clock in running:
            assert clock.due_at is not None
            if clock.due_at > at:
                assert elapsed(calendar, at, clock.due_at) == clock.target - clock.counted(at, calendar)
