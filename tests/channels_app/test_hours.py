"""Which hours count for whom, what is kept of them, and what it costs."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agents.hours import weekly
from agents.hours.models import Holiday, Schedule, TeamHours
from agents.models import Team
from channels_app import hours
from channels_app.models import Channel, ChannelHours

NINE_TO_FIVE: Any = [[["09:00", "17:00"]]] * 7
NIGHTS: Any = [[["22:00", "02:00"]]] * 7


def made(name: str, week: Any = NINE_TO_FIVE, **fields: Any) -> Schedule:
    return Schedule.objects.create(name=name, time_zone="Asia/Jakarta", weekly=week, **fields)


@pytest.fixture
def channel(db: None, north: Team) -> Channel:
    return Channel.objects.create(kind="sandbox", name="Sandbox", team=north)


@pytest.mark.django_db
def test_the_channels_hours_win_over_its_teams_and_those_over_the_default(north: Team, channel: Channel) -> None:
    assert hours.hours_for(north.pk, channel.pk) is None
    ours, theirs, default = made("channel", NIGHTS), made("team"), made("default", is_default=True)
    hours.book.forget()
    found = hours.hours_for(north.pk, channel.pk)
    assert found is not None
    assert found.weekly == default.calendar([]).weekly
    TeamHours.objects.create(team=north, schedule=theirs)
    hours.book.forget()
    found = hours.hours_for(north.pk, channel.pk)
    assert found is not None
    assert found.spans(date(2026, 11, 23)) == ((540, 1020),)
    ChannelHours.objects.create(channel=channel, schedule=ours)
    hours.book.forget()
    found = hours.hours_for(north.pk, channel.pk)
    assert found is not None
    assert found.spans(date(2026, 11, 23)) == ((1320, 1560),)


@pytest.mark.django_db
def test_a_team_that_is_closed_today_is_closed_on_every_channel_until_its_midnight(
    north: Team, channel: Channel
) -> None:
    ChannelHours.objects.create(channel=channel, schedule=made("always", [[["00:00", "24:00"]]] * 7))
    row = TeamHours.objects.create(team=north, schedule=made("team"))
    now = timezone.now()
    row.close_today(now)
    hours.book.forget()
    assert not hours.is_open(north.pk, channel.pk)
    assert not hours.is_open(north.pk, None)
    assert hours.is_open(None, channel.pk)
    assert row.closed_until is not None
    assert timedelta() < row.closed_until - now <= timedelta(days=1)
    assert row.closed_until.astimezone(UTC).hour == 17, "midnight in Jakarta"
    row.open_again(timezone.now())
    hours.book.forget()
    assert hours.is_open(north.pk, channel.pk)


@pytest.mark.django_db
def test_of_two_holidays_on_one_day_closed_wins_and_what_is_long_past_is_not_read(north: Team) -> None:
    schedule = made("team", is_default=True)
    today = timezone.now().date()
    day = today + timedelta(days=3)
    Holiday.objects.create(schedule=schedule, first=day, last=day, name="Closed")
    Holiday.objects.create(schedule=schedule, first=day, last=day + timedelta(days=1), hours=[["10:00", "12:00"]])
    Holiday.objects.create(schedule=schedule, first=today - timedelta(days=900), last=today - timedelta(days=900))
    hours.book.forget()
    found = hours.hours_for(north.pk, None)
    assert found is not None
    assert found.spans(day) == ()
    assert found.spans(day + timedelta(days=1)) == ((600, 720),)
    assert len(found.special) == 2


@pytest.mark.django_db
def test_asking_costs_four_statements_every_two_seconds_at_most(north: Team, channel: Channel) -> None:
    for place in range(5):
        Holiday.objects.create(schedule=made(f"s{place}"), first=date(2026, 12, 25), last=date(2026, 12, 25))
    with CaptureQueriesContext(
        connection,
    ) as asked:
        for _time in range(20):
            hours.hours_for(north.pk, channel.pk)
    assert len(asked) <= 4


def test_how_intervals_are_written() -> None:
    assert weekly.spans([["13:00", "17:00"], ["9:00", "12:00"]]) == ((540, 720), (780, 1020))
    assert weekly.spans([["00:00", "24:00"]]) == ((0, 1440),)
    assert weekly.spans([["22:00", "02:00"]]) == ((1320, 1560),)
    assert weekly.written(((540, 720), (1320, 1560), (0, 1440))) == [
        ["09:00", "12:00"], ["22:00", "02:00"], ["00:00", "24:00"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    "day",
    [
        None, "09:00", [["09:00"]], [["09:00", "25:00"]], [["9", "17"]], [["24:00", "01:00"]], [[9, 17]],
        [["09:00", "12:00"], ["11:00", "13:00"]], [["00:00", "01:00"]] * 9, [["٠٩:٠٠", "17:00"]],
    ],
)  # fmt: skip
def test_what_is_no_interval_is_refused_with_words(day: Any) -> None:
    with pytest.raises(weekly.Unreadable, match=r"\w"):
        weekly.spans(day)


@pytest.mark.django_db
@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../etc/passwd", "Asia/Jakarta\0"])
def test_a_zone_that_is_none_is_refused(zone: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Schedule(name="x", time_zone=zone).full_clean()
    assert "time_zone" in refused.value.message_dict


def test_a_moment_that_was_closed_is_told_from_one_that_was_not() -> None:
    at = datetime(2026, 11, 22, 12, tzinfo=UTC)
    schedule = Schedule(name="x", time_zone="Asia/Jakarta", closed_from=at, closed_until=at + timedelta(hours=1))
    assert schedule.is_shut(at)
    assert not schedule.is_shut(at + timedelta(hours=1))
