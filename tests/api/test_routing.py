"""Routing by the API: presence, seats, offers, queues, rules."""

from __future__ import annotations

from typing import Any

import pytest

from agents.models import Agent, Team
from agents.presence.models import Presence, Seat
from channels_app.models import Channel
from tests.api.asserts import problem, said
from tests.conftest import Api
from tests.tickets.routing.conftest import queue, sit, writes
from tickets.models import Ticket
from tickets.routing import desk
from tickets.routing.models import Offer, Queue, Rule

pytestmark = pytest.mark.django_db
__all__ = ["queue"]

CONDITIONS = [{"field": "text", "values": ["Refund"], "not": False}]


def test_who_is_there_and_what_they_are_shown_as(ana: Agent, bea: Agent, carl: Agent, lena: Agent) -> None:
    sit(bea, capacity=4, skills=["refunds"], languages=["th"])
    api = Api(bea)
    row = next(one for one in api.get("/presence/")["results"] if one["agent"]["id"] == bea.pk)
    assert row == {
        "agent": {"id": bea.pk, "name": "Bea"}, "status": "online", "choice": "", "load": 0, "capacity": 4,
        "skills": ["refunds"], "languages": ["th"],
    }  # fmt: skip
    assert said(api("PUT", "/me/presence/", {"choice": "dnd"}), 200)["status"] == "dnd"
    assert api.get("/me/presence/")["choice"] == "dnd"
    assert said(api("PUT", "/me/presence/", {"choice": ""}), 200)["status"] == "online"
    for bad in ({"choice": "asleep"}, {"choice": None}, {}, {"choice": "away", "more": 1}):
        problem(api("PUT", "/me/presence/", bad), 400)
    assert Presence.objects.get().choice == ""
    path = f"/agents/{bea.pk}/seat/"
    assert said(Api(lena)("PATCH", path, {"capacity": 0, "skills": ["VIP", "vip"]}), 200)["skills"] == ["vip"]
    assert Seat.objects.get(agent=bea).languages == ["th"]
    for bad in ({"capacity": -1}, {"capacity": 999}, {"skills": "vip"}, {"skills": [""]}, {"languages": [1]}):
        problem(Api(ana)("PATCH", path, bad), 400)
    problem(api("PATCH", path, {"capacity": 9}), 403)
    problem(Api(lena)("PATCH", f"/agents/{carl.pk}/seat/", {"capacity": 9}), 404)


def test_an_offer_is_taken_or_goes_on(sms_channel: Channel, ana: Agent, bea: Agent, queue: Queue) -> None:
    Queue.objects.update(mode="offer")
    sit(bea)
    ticket = writes(sms_channel)
    desk.sweep()
    (offer,) = Api(bea).get("/offers/")["results"]
    assert (offer["ticket"], offer["why"]) == (ticket.pk, "0 of 10 busy, the only one free")
    assert Api(ana).get("/offers/")["results"] == []
    problem(Api(ana)("PUT", f"/offers/{offer['id']}/acceptance/"), 404)
    problem(Api(ana)("DELETE", f"/offers/{offer['id']}/"), 404)
    assert Api(bea)("DELETE", f"/offers/{offer['id']}/").status_code == 204
    problem(Api(bea)("PUT", f"/offers/{offer['id']}/acceptance/"), 409)
    sit(ana)
    desk.sweep()
    (offer,) = Api(ana).get("/offers/")["results"]
    taken = said(Api(ana)("PUT", f"/offers/{offer['id']}/acceptance/"), 200)
    assert (taken["number"], taken["assignee"]["id"]) == (ticket.pk, ana.pk)
    assert Offer.objects.filter(state="accepted").count() == 1


def test_how_a_team_gives_out_work(
    ana: Agent, bea: Agent, lena: Agent, north: Team, south: Team, sms_channel: Channel
) -> None:
    path = f"/teams/{north.pk}/queue/"
    assert Api(ana).get(path)["mode"] == "off"
    writes(sms_channel)
    changed = said(Api(lena)("PATCH", path, {"mode": "direct", "sticky": False, "offer_seconds": 60}), 200)
    assert (changed["mode"], changed["sticky"], changed["offer_seconds"], changed["waiting"]) == (
        "direct",
        False,
        60,
        1,
    )
    for bad in ({"mode": "magic"}, {"offer_seconds": 1}, {"ring_minutes": 0}, {"sticky": "perhaps"}, {"x": 1}):
        problem(Api(ana)("PATCH", path, bad), 400)
    problem(Api(bea)("GET", path), 403)
    problem(Api(lena)("GET", f"/teams/{south.pk}/queue/"), 404)


def test_rules_are_made_tried_and_changed(ana: Agent, bea: Agent, lena: Agent, sms_channel: Channel) -> None:
    api = Api(ana)
    writes(sms_channel, subject="Refund"), writes(sms_channel)
    trial = said(api("POST", "/rule-trials/", {"conditions": CONDITIONS}), 200)
    assert (trial["matched"], trial["of"], len(trial["examples"])) == (1, 2, 1)
    given: dict[str, Any] = {"name": "Refunds", "conditions": CONDITIONS, "actions": {"priority": "high"}}
    rule = said(api("POST", "/rules/", given), 201)
    assert (rule["active"], rule["conditions"]) == (False, [{"field": "text", "values": ["refund"], "not": False}])
    path = f"/rules/{rule['id']}/"
    assert said(api("PATCH", path, {"active": True, "position": 7}), 200)["active"] is True
    ticket = writes(sms_channel, subject="My refund")
    desk.sweep()
    assert Ticket.objects.get(pk=ticket.pk).priority == "high"
    assert said(api("PATCH", path, {"active": False}), 200)["position"] == 7
    assert [one["id"] for one in Api(lena).get("/rules/")["results"]] == [rule["id"]]
    for bad in (
        {**given, "conditions": [{"field": "moon", "values": [1]}]}, {**given, "conditions": [1]}, {"name": "x"},
        {**given, "actions": {}}, {**given, "actions": {"team": "1"}}, {**given, "name": ""}, {**given, "more": 1},
    ):  # fmt: skip
        problem(api("POST", "/rules/", bad), 400)
    for method in ("GET", "POST"):
        problem(Api(bea)(method, "/rules/", given if method == "POST" else None), 403)
    problem(Api(lena)("PATCH", path, {"name": "y"}), 403)
    assert api("DELETE", path).status_code == 204
    problem(api("GET", path), 404)
    assert not Rule.objects.exists()
