"""Opening hours and SLA policies over the API: administrators write, everybody reads what concerns them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from agents.hours.models import Holiday, Schedule, TeamHours
from agents.models import Agent, Team
from channels_app import hours
from channels_app.models import Channel, ChannelHours
from tests.api.asserts import problem, said
from tests.conftest import Api
from tickets.sla import following
from tickets.sla.models import Policy

pytestmark = pytest.mark.django_db

DAY = [["09:00", "17:00"]]
WEEK = [DAY] * 5 + [[], []]
NEVER: list[list[Any]] = [[] for _ in range(7)]
OFFICE = {"name": "Office", "time_zone": "Asia/Jakarta", "weekly": WEEK}
GOLD = {"name": "Gold", "targets": {"normal": {"first_response": 30}}, "warn_percent": 80}


def said_of(field: str, response: Any) -> None:
    """It is this field, or something in it, that is wrong."""
    errors = problem(response, 400)["errors"]
    assert errors
    assert {name.partition(".")[0] for name in errors} == {field}


# ── Schedules ────────────────────────────────────────────────────────────────────────────────


def test_a_schedule_is_made_changed_and_deleted(ana: Agent, north: Team) -> None:
    api = Api(ana)
    made = said(api("POST", "/schedules/", {**OFFICE, "is_default": True, "team": north.pk}), 201)
    page = f"/schedules/{made['id']}/"
    assert made["team"] == {"id": north.pk, "name": "North"}
    assert (made["is_default"], made["feed_url"]) == (True, "")
    assert hours.hours_for(None, None) is not None, "known at once"
    second = said(api("POST", "/schedules/", {**OFFICE, "name": "Night", "is_default": True}), 201)
    assert [row["is_default"] for row in api.get("/schedules/")["results"]] == [False, True]
    changed = said(api("PATCH", page, {"weekly": NEVER, "feed_url": "https://calendar.example/id.ics", "team": None}))
    assert (changed["open"], changed["opens_at"], changed["team"]) == (False, None, None)
    row = Schedule.objects.get(pk=made["id"])
    assert row.feed_due_at is not None
    Holiday.objects.create(schedule=row, first="2026-12-25", last="2026-12-25", source=Holiday.Source.FEED)
    assert said(api("PATCH", page, {"feed_url": ""}))["feed_url"] == ""
    assert not Holiday.objects.exists()
    assert api("DELETE", page).status_code == 204
    assert api("GET", page).status_code == 404
    assert api.get(f"/schedules/{second['id']}/")["name"] == "Night"


def test_the_address_of_a_private_calendar_is_for_who_may_change_it(
    ana: Agent, bea: Agent, lena: Agent, carl: Agent, north: Team
) -> None:
    """It opens the calendar for whoever knows it."""
    url, host = "https://calendar.example/private-5f3c/basic.ics", "https://calendar.example/"
    for team, told in ((north, {ana: url, lena: url, bea: host}), (None, {ana: url, lena: host, carl: host})):
        row = Schedule.objects.create(**OFFICE | {"name": str(team)}, team=team, feed_url=url)
        for who, expected in told.items():
            assert Api(who).get(f"/schedules/{row.pk}/")["feed_url"] == expected
            listed = {one["id"]: one["feed_url"] for one in Api(who).get("/schedules/")["results"]}
            assert listed[row.pk] == expected


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""), ("name", "Taken"), ("time_zone", "Mars/Base"), ("weekly", []), ("weekly", "always"),
        ("weekly", [[["17:00", "18:00"], ["17:30", "19:00"]]] + [[]] * 6), ("weekly", [[["25:00", "26:00"]]] * 7),
        ("weekly", [[[None, 3]]] * 7), ("weekly", None), ("team", 10**6), ("team", "x"), ("is_default", "yes"),
        ("feed_url", "ftp://x/y"), ("feed_url", "https://["), ("feed_url", 7), ("weather", "rain"),
    ],
)  # fmt: skip
def test_a_schedule_that_cannot_be_is_refused_by_its_field(ana: Agent, field: str, value: Any) -> None:
    Schedule.objects.create(name="taken", time_zone="UTC")
    row = Schedule.objects.create(name="Office", time_zone="UTC")
    api = Api(ana)
    said_of(field, api("POST", "/schedules/", {**OFFICE, "name": "New", field: value}))
    said_of(field, api("PATCH", f"/schedules/{row.pk}/", {field: value}))
    assert Schedule.objects.count() == 2


def test_holidays_come_and_go(ana: Agent, bea: Agent) -> None:
    api, row = Api(ana), Schedule.objects.create(name="Office", time_zone="UTC", weekly=WEEK)
    page = f"/schedules/{row.pk}/holidays/"
    made = said(api("POST", page, {"first": "2026-12-25", "name": "Natal"}), 201)
    assert (made["last"], made["hours"], made["source"]) == ("2026-12-25", [], "manual")
    said(api("POST", page, {"first": "2026-12-31", "last": "2027-01-01", "hours": [["09:00", "12:00"]]}), 201)
    assert [one["first"] for one in Api(bea).get(page)["results"]] == ["2026-12-25", "2026-12-31"]
    for bad in (
        {}, {"first": "soon"}, {"first": "2026-12-25", "last": "2026-12-24"},
        {"first": "2026-12-25", "last": "2028-12-25"}, {"first": "2026-12-25", "hours": [["9", "10"]]},
        {"first": "2026-12-25", "hours": {}},
    ):  # fmt: skip
        problem(api("POST", page, bad), 400)
    assert api("DELETE", f"{page}{made['id']}/").status_code == 204
    assert api("DELETE", f"{page}{made['id']}/").status_code == 404
    assert Holiday.objects.count() == 1


def test_what_a_team_and_a_channel_keep(ana: Agent, north: Team, sms_channel: Channel) -> None:
    api = Api(ana)
    never = Schedule.objects.create(name="Never", time_zone="UTC", weekly=NEVER)
    team, channel = f"/teams/{north.pk}/hours/", f"/channels/{sms_channel.pk}/hours/"
    assert api.get(team) == {
        "schedule": None, "open": True, "opens_at": None, "closed_until": None, "away_on": False, "away_texts": {},
    }  # fmt: skip
    kept = said(api("PATCH", team, {"schedule": never.pk, "away_on": True, "away_texts": {"id": "Tutup", "en": " "}}))
    assert (kept["schedule"]["name"], kept["open"], kept["away_texts"]) == ("Never", False, {"id": "Tutup"})
    assert api.get(channel)["open"] is False, "it keeps its team's"
    said(api("PATCH", channel, {"away_texts": {"th": "ปิด"}}))
    assert ChannelHours.objects.get().away_texts == {"th": "ปิด"}
    assert said(api("PATCH", team, {"schedule": None}))["open"] is True
    assert said(api("PATCH", team, {"closed": True}))["closed_until"] is not None
    assert api.get(channel)["open"] is False
    assert said(api("PATCH", team, {"closed": False}))["open"] is True
    assert TeamHours.objects.count() == 1
    for bad in ({"schedule": 10**6}, {"away_texts": {"de": "Zu"}}, {"away_texts": {"id": "x" * 1001}}, {"closed": 1}):
        problem(api("PATCH", team, bad), 400)
    problem(api("PATCH", channel, {"closed": True}), 400)


# ── SLA ──────────────────────────────────────────────────────────────────────────────────────


def test_a_policy_is_made_changed_and_deleted(ana: Agent, bea: Agent, north: Team, sms_channel: Channel) -> None:
    api = Api(ana)
    deeds = {"breached": [{"do": "priority", "value": "urgent"}, {"do": "assign", "value": bea.pk}, {"do": "notify"}]}
    given = {**GOLD, "teams": [north.pk], "channels": [sms_channel.pk], "priorities": ["normal"], "escalations": deeds}
    made = said(api("POST", "/sla-policies/", given), 201)
    assert made["escalations"] == {"warned": [], **deeds}
    assert (made["enabled"], made["business"], made["position"]) == (True, True, 1)
    assert following.policy_for(north.pk, sms_channel.pk, "normal") == Policy.objects.get(), "known at once"
    page = f"/sla-policies/{made['id']}/"
    changed = said(api("PATCH", page, {"warn_percent": None, "warn_minutes": 5, "enabled": False}))
    assert (changed["targets"], changed["warn_minutes"]) == (GOLD["targets"], 5)
    assert following.policy_for(north.pk, sms_channel.pk, "normal") is None
    assert api("DELETE", page).status_code == 204
    assert not Policy.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "gold"), ("name", ""), ("targets", {}), ("targets", {"normal": {}}), ("targets", {"soon": {}}),
        ("targets", {"normal": {"first_response": 0}}), ("targets", {"normal": {"lunch": 3}}), ("targets", [1]),
        ("teams", [10**6]), ("channels", [10**6]), ("priorities", ["soon"]), ("warn_percent", 100),
        ("warn_minutes", 5), ("position", -1), ("escalations", {"later": []}),
        ("escalations", {"breached": [{"do": "fly"}]}), ("escalations", {"breached": [{"do": "team", "value": "x"}]}),
        ("escalations", {"breached": [{"do": "team", "value": 10**6}]}),
        ("escalations", {"breached": [{"do": "notify", "value": 1}]}), ("escalations", {"warned": [{"do": "assign"}]}),
        ("escalations", {"warned": [{"do": "assign", "value": 1}, {"do": "release"}]}), ("moon", 1),
    ],
)  # fmt: skip
def test_a_policy_that_cannot_be_is_refused_by_its_field(ana: Agent, field: str, value: Any) -> None:
    Policy.objects.create(name="Gold", targets=GOLD["targets"])
    row = Policy.objects.create(name="Silver", targets=GOLD["targets"], warn_percent=80)
    api = Api(ana)
    said_of(field, api("POST", "/sla-policies/", {**GOLD, "name": "New", field: value}))
    said_of(field, api("PATCH", f"/sla-policies/{row.pk}/", {field: value}))
    assert list(Policy.objects.values_list("name", flat=True)) == ["Gold", "Silver"]


# ── Who may ──────────────────────────────────────────────────────────────────────────────────


def test_agents_read_what_concerns_them_and_change_nothing(
    ana: Agent, bea: Agent, north: Team, south: Team, sms_channel: Channel
) -> None:
    theirs = Schedule.objects.create(name="South's", time_zone="UTC", team=south)
    kept = Schedule.objects.create(name="North keeps it", time_zone="UTC", team=south)
    TeamHours.objects.create(team=north, schedule=kept)
    ours = Policy.objects.create(name="Ours", teams=[north.pk, south.pk], targets=GOLD["targets"])
    Policy.objects.create(name="South's", teams=[south.pk], targets=GOLD["targets"])
    api = Api(bea)
    assert [row["name"] for row in api.get("/schedules/")["results"]] == ["North keeps it"]
    assert [row["name"] for row in api.get("/sla-policies/")["results"]] == ["Ours"]
    assert api.get(f"/teams/{north.pk}/hours/")["schedule"] == {"id": kept.pk, "name": "North keeps it"}
    for hidden in (f"/schedules/{theirs.pk}/", f"/schedules/{theirs.pk}/holidays/", f"/teams/{south.pk}/hours/"):
        assert api("GET", hidden).status_code == 404
    holiday = Holiday.objects.create(schedule=kept, first=timezone.now().date(), last=timezone.now().date())
    for method, path, body in (
        ("POST", "/schedules/", OFFICE), ("PATCH", f"/schedules/{kept.pk}/", {}),
        ("DELETE", f"/schedules/{kept.pk}/", None),
        ("POST", f"/schedules/{kept.pk}/holidays/", {"first": "2026-12-25"}),
        ("DELETE", f"/schedules/{kept.pk}/holidays/{holiday.pk}/", None),
        ("PATCH", f"/teams/{north.pk}/hours/", {"closed": True}),
        ("PATCH", f"/channels/{sms_channel.pk}/hours/", {"away_on": True}),
        ("POST", "/sla-policies/", GOLD), ("PATCH", f"/sla-policies/{ours.pk}/", {}),
        ("DELETE", f"/sla-policies/{ours.pk}/", None),
    ):  # fmt: skip
        problem(api(method, path, body), 403)
        problem(Api(None)(method, path, body), 401)
    assert (Schedule.objects.count(), Policy.objects.count(), Holiday.objects.count()) == (2, 2, 1)


def test_lists_cost_the_same_however_long_they_are(ana: Agent, django_assert_max_num_queries: Any) -> None:
    for number in range(4):
        row = Schedule.objects.create(name=f"S{number}", time_zone="UTC")
        day = timezone.now().date() + timedelta(days=number)
        Holiday.objects.bulk_create(Holiday(schedule=row, first=day, last=day) for _ in range(3))
        Policy.objects.create(name=f"P{number}", targets=GOLD["targets"])
    api = Api(ana)
    with django_assert_max_num_queries(8):
        assert len(api.get("/schedules/")["results"]) == 4
    with django_assert_max_num_queries(8):
        assert len(api.get("/sla-policies/")["results"]) == 4
