"""The settings pages about SLA policies."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver

from agents.hours.models import Schedule
from agents.models import Agent, Team
from channels_app import hours
from tickets.models import Ticket
from tickets.sla import following
from tickets.sla.models import Policy

assert get_resolver().url_patterns


def of(agent: Agent) -> Client:
    client = Client()
    client.force_login(agent)
    return client


def text(answer: Any) -> str:
    page: str = answer.content.decode()
    return page


GOLD = {
    "name": "Gold", "enabled": "on", "business": "on", "warn_percent": "75", "warn_minutes": "",
    "target-normal-first_response": "30", "target-urgent-resolution": "240",
}  # fmt: skip


def test_administrators_change_leads_look_and_agents_do_neither(db: None, ana: Agent, lena: Agent, bea: Agent) -> None:
    row = Policy.objects.create(name="Gold", targets={"normal": {"first_response": 5}})
    expected = {ana: [200, 200, 200, 200], lena: [200, 403, 403, 403], bea: [403] * 4}
    for agent, statuses in expected.items():
        client = of(agent)
        addresses = ("", "new/", f"{row.pk}/", f"{row.pk}/delete/")
        assert [client.get(f"/settings/sla/{address}").status_code for address in addresses] == statuses
        if agent is not ana:
            assert client.post("/settings/sla/new/", GOLD).status_code == 403
            assert client.post(f"/settings/sla/{row.pk}/move/", {"to": "up"}).status_code == 403
    assert Policy.objects.count() == 1


def test_a_policy_as_it_is_filled_in_and_shown_again(ana: Agent, carl: Agent, north: Team, south: Team) -> None:
    client = of(ana)
    sent = {
        **GOLD, "teams": [north.pk], "priorities": ["normal", "urgent"], "warned-notify": "on",
        "breached-priority": "urgent", "breached-team": south.pk, "breached-assign": carl.pk, "breached-notify": "on",
    }  # fmt: skip
    assert client.post("/settings/sla/new/", sent).status_code == 302
    row = Policy.objects.get()
    assert row.targets == {"normal": {"first_response": 30}, "urgent": {"resolution": 240}}
    assert (row.teams, row.priorities, row.warn_percent, row.warn_minutes) == (
        [north.pk],
        ["normal", "urgent"],
        75,
        None,
    )
    assert row.escalations == {
        "warned": [{"do": "notify"}],
        "breached": [
            {"do": "priority", "value": "urgent"}, {"do": "team", "value": south.pk},
            {"do": "assign", "value": carl.pk}, {"do": "notify"},
        ],
    }  # fmt: skip
    assert following.policy_for(north.pk, 1, "normal") == row
    assert following.policy_for(south.pk, 1, "normal") is None
    page = text(client.get(f"/settings/sla/{row.pk}/"))
    assert 'name="target-normal-first_response" value="30"' in page
    assert "North" in text(client.get("/settings/sla/"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": ""}, "required"), ({"name": "OTHER"}, "Another policy has this name"),
        ({"warn_minutes": "5"}, "Give one of the two"), ({"warn_percent": "100"}, "99"),
        ({"target-normal-first_response": "0"}, "greater than or equal to 1"),
        ({"target-normal-first_response": "", "target-urgent-resolution": ""}, "Promise something"),
        ({"target-normal-first_response": "9" * 30}, "less than or equal"),
        ({"teams": ["99999"]}, "valid choice"), ({"priorities": ["x"]}, "valid choice"),
        ({"breached-assign": "99999"}, "valid choice"),
        ({"breached-assign": "OWN", "breached-release": "on"}, "not both"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(ana: Agent, changes: dict[str, Any], words: str) -> None:
    Policy.objects.create(name="Other")
    changes = {name: ana.pk if value == "OWN" else value for name, value in changes.items()}
    answer = of(ana).post("/settings/sla/new/", {**GOLD, **changes})
    assert answer.status_code == 422
    assert words in text(answer)
    assert Policy.objects.count() == 1


def test_their_order_is_changed_one_place_at_a_time(ana: Agent) -> None:
    rows = [Policy.objects.create(name=name, position=0) for name in "ABC"]
    client = of(ana)

    def order() -> str:
        return "".join(row.name for row in Policy.objects.all())

    for row, to, expected in (
        (rows[2], "up", "ACB"), (rows[0], "up", "ACB"), (rows[0], "down", "CAB"), (rows[1], "down", "CAB")
    ):  # fmt: skip
        assert client.post(f"/settings/sla/{row.pk}/move/", {"to": to}).status_code == 302
        assert order() == expected


def test_warned_of_what_is_never_reached_and_of_what_is_gone(ana: Agent) -> None:
    targets = {"normal": {"first_response": 5}}
    Policy.objects.create(name="All", position=1, targets=targets)
    Policy.objects.create(name="Behind", position=2, targets=targets)
    Policy.objects.create(name="Gone", position=3, teams=[99999], channels=[99999], enabled=False)
    Schedule.objects.create(name="Never", time_zone="UTC")
    hours.book.forget()
    page = text(of(ana).get("/settings/sla/"))
    assert page.count("A policy above takes all tickets") == 1
    assert "Its teams are gone" in page
    assert "Its channels are gone" in page
    assert "It promises nothing." in page
    assert "nothing is ever due" in page


def test_deleted_its_tickets_stay_as_they_are(ana: Agent, ticket: Ticket) -> None:
    row = Policy.objects.create(name="Gold", targets={"normal": {"first_response": 5}})
    assert of(ana).post(f"/settings/sla/{row.pk}/delete/").status_code == 302
    assert not Policy.objects.exists()
