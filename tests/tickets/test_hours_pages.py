"""The settings pages about opening hours: who may, what they save, what they refuse and what they warn of."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver
from django.utils import timezone

from agents.hours.models import Holiday, Schedule, TeamHours
from agents.models import Agent, Team
from channels_app import hours
from channels_app.models import Channel, ChannelHours
from tests.agents.hours.test_ical import file

assert get_resolver().url_patterns

WEEK = [[["09:00", "12:00"], ["13:00", "17:00"]]] * 5 + [[], [["22:00", "02:00"]]]


@pytest.fixture
def schedule(north: Team) -> Schedule:
    return Schedule.objects.create(name="Shop", time_zone="Asia/Jakarta", weekly=WEEK, team=north)


def of(agent: Agent) -> Client:
    client = Client()
    client.force_login(agent)
    return client


def text(answer: Any) -> str:
    page: str = answer.content.decode()
    return page


def filled(**changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"name": "Shop", "time_zone": "Asia/Jakarta", "team": ""}
    for day, pairs in enumerate(WEEK):
        for place, (start, end) in enumerate(pairs):
            given |= {f"d{day}-{place}-from": start, f"d{day}-{place}-to": end}
    return {**given, **changes}


def test_who_may_look_and_who_may_change(
    schedule: Schedule, ana: Agent, lena: Agent, bea: Agent, north: Team, south: Team, sandbox_channel: Channel
) -> None:
    other = Schedule.objects.create(name="Others", time_zone="UTC", team=south)
    foreign = Channel.objects.create(kind="sandbox", name="South's", team=south)
    own = f"/settings/hours/{schedule.pk}/"
    assert of(bea).get("/settings/hours/").status_code == 403
    assert Client().get("/settings/hours/").status_code == 302
    for agent, expected in ((ana, [200] * 5), (lena, [200, 403, 200, 404, 404])):
        client = of(agent)
        addresses = (
            own, f"/settings/hours/{other.pk}/", f"/settings/hours/teams/{north.pk}/",
            f"/settings/hours/teams/{south.pk}/", f"/settings/hours/channels/{foreign.pk}/",
        )  # fmt: skip
        assert [client.get(address).status_code for address in addresses] == expected
        page = text(client.get("/settings/hours/"))
        assert "Others" in page, "a schedule's name is no secret: whoever chooses must see it"
    lead = of(lena)
    assert lead.post(f"/settings/hours/{other.pk}/delete/").status_code == 403
    assert lead.post(f"/settings/hours/teams/{south.pk}/closed/", {"closed": "1"}).status_code == 404
    assert lead.get(f"/settings/hours/channels/{sandbox_channel.pk}/").status_code == 200
    # A lead makes one for a team of theirs, and never the default.
    made = {"name": "Mine", "time_zone": "UTC", "is_default": "on"}
    assert lead.post("/settings/hours/", {**made, "team": south.pk}).status_code == 422
    assert lead.post("/settings/hours/", {**made, "team": north.pk}).status_code == 302
    assert not Schedule.objects.get(name="Mine").is_default


def test_a_week_is_saved_as_it_is_written(schedule: Schedule, ana: Agent) -> None:
    client = of(ana)
    page = text(client.get(f"/settings/hours/{schedule.pk}/"))
    assert 'name="d6-0-to" value="02:00"' in page
    sent = filled(**{"d5-1-from": "10:00", "d5-1-to": "14:00", "d0-0-to": "", "d0-0-from": ""})
    assert client.post(f"/settings/hours/{schedule.pk}/", sent).status_code == 302
    week = Schedule.objects.get().weekly
    assert week[0] == [["13:00", "17:00"]]
    assert week[5] == [["10:00", "14:00"]]
    assert week[6] == [["22:00", "02:00"]]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"d0-0-to": "14:00"}, "overlap"), ({"d0-0-to": ""}, "like 09:00"), ({"d0-0-from": "25:00"}, "like 09:00"),
        ({"d0-0-from": "\x00"}, "like 09:00"), ({"name": ""}, "required"), ({"time_zone": "Mars/X"}, "valid choice"),
        ({"name": "Night"}, "Another schedule has this name"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_beside_it_and_nothing_is_saved(
    schedule: Schedule, ana: Agent, changes: dict[str, str], words: str
) -> None:
    Schedule.objects.create(name="night", time_zone="UTC")
    answer = of(ana).post(f"/settings/hours/{schedule.pk}/", filled(**{"d1-0-from": "08:00", **changes}))
    assert answer.status_code == 422
    assert words in text(answer)
    assert 'value="08:00"' in text(answer), "what was typed stays"
    assert Schedule.objects.get(pk=schedule.pk).weekly == WEEK


def test_monday_is_copied_to_the_other_weekdays_and_saved_by_the_next_press(schedule: Schedule, ana: Agent) -> None:
    answer = of(ana).post(f"/settings/hours/{schedule.pk}/", filled(**{"d0-0-from": "07:00", "copy": "1"}))
    page = text(answer)
    assert answer.status_code == 200
    assert page.count('value="07:00"') == 5
    assert Schedule.objects.get().weekly == WEEK


def test_there_is_one_default_at_most(schedule: Schedule, ana: Agent, north: Team) -> None:
    Schedule.objects.create(name="Old", time_zone="UTC", is_default=True)
    assert of(ana).post(f"/settings/hours/{schedule.pk}/", filled(is_default="on")).status_code == 302
    assert [row.name for row in Schedule.objects.filter(is_default=True)] == ["Shop"]
    found = hours.hours_for(north.pk, None)
    assert found is not None
    assert found.zone == "Asia/Jakarta"


def test_warned_of_what_never_opens_is_used_by_none_and_a_feed_that_fails(schedule: Schedule, ana: Agent) -> None:
    page = text(of(ana).get("/settings/hours/"))
    assert "No team and no channel keeps it." in page
    assert "never opens" not in page
    Schedule.objects.update(weekly=[[]] * 7, feed_error="The calendar is larger than 1 MB.")
    hours.book.forget()
    page = text(of(ana).get("/settings/hours/"))
    assert "It never opens." in page
    assert "Never open" in page
    assert "The calendar is larger than 1 MB." in page
    # One special day to come is an opening.
    day = timezone.now().date() + timedelta(days=30)
    Holiday.objects.create(schedule=schedule, first=day, last=day, hours=[["10:00", "12:00"]])
    hours.book.forget()
    assert "It never opens." not in text(of(ana).get("/settings/hours/"))


def test_the_state_is_told_on_the_readers_clock_and_the_schedules(
    schedule: Schedule, ana: Agent, monkeypatch: Any
) -> None:
    from datetime import UTC, datetime

    monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 11, 20, 15, tzinfo=UTC))
    ana.time_zone = "Asia/Kathmandu"
    ana.save()
    assert "Closed, opens Sun 20:45 (Sun 22:00 WIB)" in text(of(ana).get("/settings/hours/"))


def test_holidays_by_hand(schedule: Schedule, ana: Agent) -> None:
    client, address = of(ana), f"/settings/hours/{schedule.pk}/holidays/"
    day = timezone.now().date() + timedelta(days=3)
    assert client.post(address, {"first": day.isoformat(), "name": "Natal"}).status_code == 302
    half = {
        "first": day.isoformat(),
        "last": (day + timedelta(days=1)).isoformat(),
        "opens": "09:00",
        "closes": "12:00",
    }
    assert client.post(address, half).status_code == 302
    assert [(row.hours, (row.last - row.first).days) for row in Holiday.objects.all()] == [
        ([], 0), ([["09:00", "12:00"]], 1),
    ]  # fmt: skip
    for wrong in (
        {"first": "x"}, {}, {"first": day.isoformat(), "last": "2020-01-01"},
        {"first": day.isoformat(), "last": "2099-01-01"}, {"first": day.isoformat(), "opens": "09:00"},
    ):  # fmt: skip
        assert client.post(address, wrong).status_code == 422
    page = text(client.get(f"/settings/hours/{schedule.pk}/"))
    assert "Natal" in page
    row = Holiday.objects.get(name="Natal")
    assert client.post(address + "remove/", {"holiday": row.pk}).status_code == 302
    assert client.post(address + "remove/", {"holiday": "x" * 40}).status_code == 302
    assert Holiday.objects.count() == 1


def test_a_file_and_a_feed(schedule: Schedule, ana: Agent) -> None:
    client, address = of(ana), f"/settings/hours/{schedule.pk}/"
    data = file(f"DTSTART;VALUE=DATE:{timezone.now() + timedelta(days=5):%Y%m%d}\r\nSUMMARY:Nyepi")
    answer = client.post(address + "file/", {"file": SimpleUploadedFile("h.ics", data)}, follow=True)
    assert "1 holiday was read." in text(answer)
    assert "Nyepi" in text(answer)
    for bad in (b"<html>", b"", b"x" * (2 << 20)):
        assert client.post(address + "file/", {"file": SimpleUploadedFile("h.ics", bad)}).status_code == 422
    assert Holiday.objects.get().name == "Nyepi"
    for url in ("ftp://x/y", "https://", "nonsense", "http://[", "https://x.example/" + "y" * 600):
        assert client.post(address + "feed/", {"feed_url": url}).status_code == 422
    assert client.post(address + "feed/", {"feed_url": "webcal://cal.example/id.ics"}).status_code == 302
    row = Schedule.objects.get()
    assert row.feed_due_at is not None
    assert row.feed_due_at <= timezone.now()
    client.post(address + "feed/", {"feed_url": ""})
    assert Schedule.objects.get().feed_due_at is None
    client.post(address + "holidays/remove/", {"what": "file"})
    assert not Holiday.objects.exists()


def test_closed_today_by_schedule_and_by_team(schedule: Schedule, lena: Agent, north: Team) -> None:
    client = of(lena)
    client.post(f"/settings/hours/teams/{north.pk}/closed/", {"closed": "1"})
    assert not hours.is_open(north.pk, None)
    assert "Closed today" in text(client.get("/settings/hours/"))
    client.post(f"/settings/hours/teams/{north.pk}/closed/", {"closed": "0"})
    assert hours.is_open(north.pk, None)
    client.post(f"/settings/hours/{schedule.pk}/closed/", {"closed": "1"})
    assert Schedule.objects.get().is_shut(timezone.now())


def test_what_a_team_and_a_channel_keep_and_what_customers_are_told(
    schedule: Schedule, ana: Agent, north: Team, sandbox_channel: Channel
) -> None:
    client = of(ana)
    given = {"schedule": schedule.pk, "away_on": "on", "text_id": "Kami buka {opens}", "text_en": "  "}
    assert client.post(f"/settings/hours/teams/{north.pk}/", given).status_code == 302
    row = TeamHours.objects.get()
    assert (row.schedule_id, row.away_on, row.away_texts) == (schedule.pk, True, {"id": "Kami buka {opens}"})
    assert client.post(f"/settings/hours/channels/{sandbox_channel.pk}/", {"schedule": ""}).status_code == 302
    assert ChannelHours.objects.get().schedule is None
    assert client.post(f"/settings/hours/teams/{north.pk}/", {"schedule": "999"}).status_code == 422
    assert client.post(f"/settings/hours/teams/{north.pk}/", {"text_id": "x" * 1001}).status_code == 422
    client.post(f"/settings/hours/{schedule.pk}/delete/")
    assert TeamHours.objects.get().schedule is None
    assert hours.is_open(north.pk, None)


def test_the_list_costs_the_same_however_many_there_are(ana: Agent) -> None:
    client = of(ana)

    def asked() -> int:
        client.get("/settings/hours/")
        hours.book.forget()
        with CaptureQueriesContext(connection) as found:
            client.get("/settings/hours/")
        return len(found)

    Schedule.objects.create(name="s", time_zone="UTC")
    few = asked()
    for place in range(6):
        made = Schedule.objects.create(name=f"s{place}", time_zone="UTC", team=Team.objects.create(name=f"t{place}"))
        Holiday.objects.create(schedule=made, first="2027-01-01", last="2027-01-01")
        TeamHours.objects.create(team=made.team, schedule=made)  # type: ignore[misc]
    assert asked() == few
