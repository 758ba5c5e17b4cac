"""Holiday feeds: read once a day, bounded, and whatever goes wrong the old holidays stay."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from agents.hours import ical
from agents.hours.models import Holiday, Schedule, TeamHours
from agents.models import Team
from channels_app import hours, http
from tests.agents.hours.test_ical import file
from tickets import holidays, opening


def event(days_ahead: int, name: str) -> str:
    return f"DTSTART;VALUE=DATE:{timezone.now() + timedelta(days=days_ahead):%Y%m%d}\r\nSUMMARY:{name}"


class Feed:
    """A calendar's server on loopback; what it gives is set by the test."""

    def __init__(self) -> None:
        self.status, self.body, self.asked = 200, file(event(9, "Natal")), 0
        self.endless = False
        feed = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                feed.asked += 1
                self.send_response(feed.status)
                if not feed.endless:
                    self.send_header("Content-Length", str(len(feed.body)))
                self.end_headers()
                try:
                    self.wfile.write(feed.body)
                    for _megabyte in range(100 if feed.endless else 0):
                        self.wfile.write(b"X" * (1 << 20))
                except OSError:
                    pass

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/holidays.ics"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def feed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Feed]:
    found = Feed()
    monkeypatch.setattr(holidays, "client", http.Http.trusting)
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture
def schedule(db: None, feed: Feed) -> Schedule:
    return Schedule.objects.create(
        name="Shop", time_zone="Asia/Jakarta", feed_url=feed.url, feed_due_at=timezone.now(), is_default=True
    )


def names(schedule: Schedule) -> list[str]:
    return list(schedule.holidays.values_list("name", flat=True))


def again(schedule: Schedule) -> Schedule:
    Schedule.objects.update(feed_due_at=timezone.now())
    holidays.sweep()
    return Schedule.objects.get(pk=schedule.pk)


def test_read_once_a_day_in_place_of_what_it_said_before(schedule: Schedule, feed: Feed) -> None:
    today = timezone.now().date()
    Holiday.objects.create(schedule=schedule, first=today, last=today, name="By hand")
    holidays.sweep()
    holidays.sweep()
    assert feed.asked == 1
    assert names(schedule) == ["By hand", "Natal"]
    row = Schedule.objects.get()
    assert row.feed_at is not None
    assert row.feed_due_at is not None
    assert timedelta(hours=23) < row.feed_due_at - timezone.now() <= timedelta(days=1)
    feed.body = file(event(20, "Nyepi"))
    again(schedule)
    assert names(schedule) == ["By hand", "Nyepi"]
    found = hours.hours_for(None, None)
    assert found is not None
    assert today + timedelta(days=20) in found.special


@pytest.mark.parametrize("what", ["down", "500", "garbage", "sign-in", "large", "endless", "many", "hangs up"])
def test_whatever_goes_wrong_the_old_holidays_stay_and_the_schedule_says_why(
    schedule: Schedule, feed: Feed, what: str
) -> None:
    holidays.sweep()
    assert names(schedule) == ["Natal"]
    expected = {
        "down": "could not be reached", "500": "did not give", "garbage": "not an iCalendar", "sign-in": "not an iCal",
        "large": "1 MB", "endless": "1 MB", "many": "10,000", "hangs up": "could not be reached",
    }[what]  # fmt: skip
    if what == "down":
        Schedule.objects.update(feed_url="http://127.0.0.1:9/x.ics")
    feed.status = 500 if what == "500" else 200
    feed.body = {
        "garbage": b"\x00\xff" * 999, "sign-in": b"<html>", "large": b"X" * (ical.MOST_BYTES + 1), "endless": b"",
        "many": b"BEGIN:VEVENT\n" * 20_000,
    }.get(what, feed.body)  # fmt: skip
    feed.endless = what == "endless"
    if what == "hangs up":
        Schedule.objects.update(feed_url=feed.url + "?")
        feed.server.shutdown()
        feed.server.server_close()
    row = again(schedule)
    assert expected in row.feed_error
    assert names(schedule) == ["Natal"]
    assert row.feed_due_at is not None
    assert row.feed_due_at - timezone.now() <= timedelta(hours=1)


def test_whoever_saves_the_week_meanwhile_undoes_neither_the_feed_nor_a_closed_day(schedule: Schedule) -> None:
    opened = Schedule.objects.get(pk=schedule.pk)
    holidays.sweep()
    now = timezone.now()
    Schedule.objects.get(pk=schedule.pk).close_today(now)
    opened.name = "Toko"
    opening.keep(opened)
    row = Schedule.objects.get(pk=schedule.pk)
    assert (row.name, row.feed_error, row.is_shut(now)) == ("Toko", "", True)
    assert row.feed_at is not None
    assert row.feed_due_at is not None
    assert row.feed_due_at > now + timedelta(hours=23)
    row.delete()
    with pytest.raises(Schedule.DoesNotExist):
        opening.keep(opened)
    assert not Schedule.objects.exists()


def test_whoever_saves_a_teams_words_meanwhile_does_not_open_it(schedule: Schedule, north: Team) -> None:
    TeamHours.objects.create(team=north, schedule=schedule)
    opened, now = TeamHours.objects.get(pk=north.pk), timezone.now()
    TeamHours.objects.get(pk=north.pk).close_today(now)
    opened.away_on = True
    opening.keep_of(opened)
    row = TeamHours.objects.get(pk=north.pk)
    assert (row.away_on, row.is_shut(now)) == (True, True)


def test_what_is_well_again_takes_the_error_away(schedule: Schedule, feed: Feed) -> None:
    feed.status = 404
    assert again(schedule).feed_error
    feed.status = 200
    assert not again(schedule).feed_error
    assert names(schedule) == ["Natal"]


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/x.ics", "http://169.254.169.254/latest", "file:///etc/passwd", "webcal://"]
)
def test_no_feed_leads_to_private_addresses_or_files(db: None, url: str) -> None:
    Schedule.objects.create(name="x", time_zone="UTC", feed_url=url, feed_due_at=timezone.now())
    holidays.sweep()
    assert "may not be used" in Schedule.objects.get().feed_error


def test_a_file_takes_the_place_of_the_file_before(schedule: Schedule) -> None:
    assert holidays.upload(schedule, file(event(1, "A"), event(2, "B"))) == 2
    assert holidays.upload(schedule, file(event(3, "C"))) == 1
    with pytest.raises(ical.Unreadable):
        holidays.upload(schedule, b"x")
    assert names(schedule) == ["C"]


@pytest.mark.django_db(transaction=True)
def test_two_workers_read_a_feed_once(schedule: Schedule, feed: Feed) -> None:
    def sweep() -> None:
        holidays.sweep()
        connections.close_all()

    threads = [threading.Thread(target=sweep) for _worker in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    assert feed.asked == 1
    assert names(schedule) == ["Natal"]
