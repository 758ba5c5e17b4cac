"""What is set, and what an agent's own screen shows: over HTTP, without scripts."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone

from agents.hours.models import Schedule
from agents.models import Agent, Team
from agents.presence.models import Presence, Seat
from channels_app import hours
from channels_app.models import Channel
from tests.tickets.routing.conftest import sit, writes
from tickets import lifecycle
from tickets.models import Actor, Ticket
from tickets.routing import bulk, desk, warnings
from tickets.routing.models import Move, Offer, Queue, Rule, Weight

pytestmark = pytest.mark.django_db
# All doors are imported now: PostgreSQL ends a test's transaction that waits for that longer than 5 s.
assert get_resolver().url_patterns

PART = {"X-Requested-With": "fetch"}
QUEUE = {
    "mode": "offer", "strategy": "round_robin", "language": "require", "offer_seconds": "20",
    "fallback_minutes": "0", "ring_minutes": "15",
}  # fmt: skip


def as_(agent: Agent) -> Client:
    client = Client()
    client.force_login(agent, backend="django.contrib.auth.backends.ModelBackend")
    return client


def text_of(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


# ── Teams and agents ─────────────────────────────────────────────────────────────────────────


def test_a_lead_sets_their_own_team_and_nobody_elses(
    lena: Agent, bea: Agent, north: Team, south: Team, sms_channel: Channel
) -> None:
    page, elsewhere = f"/settings/routing/teams/{north.pk}/", f"/settings/routing/teams/{south.pk}/"
    given = {**QUEUE, f"weight-{sms_channel.pk}": "3"}
    assert as_(lena).post(page, given).status_code == 302
    queue = Queue.objects.get()
    assert (queue.team, queue.mode, queue.sticky, Weight.objects.get().weight) == (north, "offer", False, 3)
    assert as_(lena).post(page, {**given, f"weight-{sms_channel.pk}": ""}).status_code == 302
    assert not Weight.objects.exists()
    assert as_(lena).get(elsewhere).status_code == 404
    assert as_(bea).get(page).status_code == 403
    assert Client().get(page).status_code == 302


@pytest.mark.parametrize(
    "bad", [{"mode": "magic"}, {"offer_seconds": "1"}, {"ring_minutes": "0"}, {"fallback_minutes": "-1"}, {"mode": ""}]
)
def test_what_cannot_be_set_is_said_and_changes_nothing(ana: Agent, north: Team, bad: dict[str, str]) -> None:
    response = as_(ana).post(f"/settings/routing/teams/{north.pk}/", {**QUEUE, **bad})
    assert response.status_code == 422
    assert not Queue.objects.exists()


def test_what_would_leave_tickets_lying_is_said_where_it_is_set(
    ana: Agent, bea: Agent, north: Team, south: Team, sms_channel: Channel
) -> None:
    Queue.objects.create(team=south, mode="direct")
    Queue.objects.create(team=north, mode="direct", language="require")
    for agent in (ana, bea):
        sit(agent, capacity=0)
    assert "Nobody is in this team" in text_of(as_(ana).get(f"/settings/routing/teams/{south.pk}/"))
    said = text_of(as_(ana).get(f"/settings/routing/teams/{north.pk}/"))
    assert "Every capacity in this team is 0" in said
    assert "no colleague of this team has one" in said
    Schedule.objects.create(name="Never", time_zone="UTC", is_default=True)
    hours.book.forget()
    assert "The hours of this team never open" in text_of(as_(ana).get(f"/settings/routing/teams/{north.pk}/"))
    sit(bea, capacity=2, languages=["th"])
    Weight.objects.create(channel=sms_channel, weight=5)
    said = text_of(as_(ana).get("/settings/routing/"))
    assert "A ticket of SMS weighs more than anybody takes" in said
    assert "Every capacity" not in said


def test_what_an_agent_takes_on(lena: Agent, bea: Agent, carl: Agent) -> None:
    page = f"/settings/routing/agents/{bea.pk}/"
    given = {"capacity": "7", "skills": "Refunds,  billing\nrefunds", "languages": ["th", "id"]}
    assert as_(lena).post(page, given).status_code == 302
    seat = Seat.objects.get(agent=bea)
    assert (seat.capacity, seat.skills, seat.languages) == (7, ["refunds", "billing"], ["th", "id"])
    for bad in ({"capacity": "-1"}, {"capacity": "201"}, {"capacity": "x"}, {"languages": ["klingon"]}):
        assert as_(lena).post(page, {**given, **bad}).status_code == 422
    assert as_(lena).get(f"/settings/routing/agents/{carl.pk}/").status_code == 404
    assert as_(bea).get(page).status_code == 403


# ── Rules ────────────────────────────────────────────────────────────────────────────────────


def made(client: Client, **given: Any) -> Rule:
    response = client.post("/settings/routing/rules/new/", {"name": "Refunds", "set_priority": "high", **given})
    assert response.status_code == 302, text_of(response)
    return Rule.objects.latest("pk")


def test_a_rule_is_made_tried_ordered_switched_on_and_deleted(ana: Agent, sms_channel: Channel, north: Team) -> None:
    client = as_(ana)
    writes(sms_channel, subject="Refund please"), writes(sms_channel, subject="Hello")
    given = {
        "text": "refund, money back", "channel": [sms_channel.pk], "not_language": "on", "language": ["th"],
        "hours": "open", "set_team": north.pk, "set_agent": ana.pk, "add_tags": "Money, VIP", "need_skills": "Refunds",
        "reply": "We look into it.",
    }  # fmt: skip
    tried = client.post("/settings/routing/rules/new/", {"name": "x", "set_priority": "high", **given, "try": "1"})
    assert "It would have matched 1 of the last 2 tickets" in text_of(tried)
    assert "Refund please" in text_of(tried)
    assert not Rule.objects.exists()
    rule = made(client, **given)
    assert rule.active_since is None
    assert rule.conditions == [
        {"field": "channel", "values": [sms_channel.pk], "not": False},
        {"field": "language", "values": ["th"], "not": True},
        {"field": "text", "values": ["refund", "money back"], "not": False},
        {"field": "hours", "values": ["open"], "not": False},
    ]
    shown = client.get(f"/settings/routing/rules/{rule.pk}/").content.decode()
    assert "refund, money back" in shown
    assert (
        client.post(f"/settings/routing/rules/{rule.pk}/", {"name": "Renamed", "set_priority": "low"}).status_code
        == 302
    )
    rule.refresh_from_db()
    assert (rule.name, rule.conditions, rule.actions) == ("Renamed", [], {"priority": "low"})
    second = made(client)
    for verb, order in (("up", [second.pk, rule.pk]), ("up", [second.pk, rule.pk]), ("down", [rule.pk, second.pk])):
        client.post(f"/settings/routing/rules/{second.pk}/{verb}/")
        assert list(Rule.objects.values_list("pk", flat=True)) == order
    client.post(f"/settings/routing/rules/{rule.pk}/on/")
    client.post(f"/settings/routing/rules/{second.pk}/on/")
    said = text_of(client.get("/settings/routing/"))
    assert "“Renamed” stands before it, matches whenever this one does, and has already decided: priority." in said
    client.post(f"/settings/routing/rules/{rule.pk}/off/")
    assert Rule.objects.get(pk=rule.pk).active_since is None
    assert client.post(f"/settings/routing/rules/{rule.pk}/delete/").status_code == 302
    assert list(Rule.objects.all()) == [second]
    assert client.post(f"/settings/routing/rules/{second.pk}/fly/").status_code == 404


@pytest.mark.parametrize(
    "bad",
    [
        {"set_priority": ""}, {"name": ""}, {"text": "x" * 101}, {"channel": ["9" * 30]}, {"previous": "1.5"},
        {"set_team": "99999"}, {"hours": "sometimes"}, {"reply": "x" * 5000}, {"need_skills": "a\0b" * 60},
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_is_refused_in_words(ana: Agent, bad: dict[str, Any]) -> None:
    given = {"name": "x", "set_priority": "high", **bad}
    assert as_(ana).post("/settings/routing/rules/new/", given).status_code == 422
    assert not Rule.objects.exists()


def test_rules_are_for_administrators_and_a_broken_one_says_so(ana: Agent, lena: Agent) -> None:
    rule = Rule.objects.create(name="Old", conditions=[{"field": "moon"}], actions={"agent": 10**9})
    assert "cannot be read any more" in text_of(as_(lena).get("/settings/routing/"))
    assert as_(lena).get(f"/settings/routing/rules/{rule.pk}/").status_code == 403
    assert as_(lena).post(f"/settings/routing/rules/{rule.pk}/on/").status_code == 403
    assert as_(ana).get(f"/settings/routing/rules/{rule.pk}/").status_code == 200
    as_(ana).post(f"/settings/routing/rules/{rule.pk}/on/")
    rule.refresh_from_db()
    assert rule.active_since is None
    Rule.objects.update(conditions=[])
    assert "Its agent is not there any more" in text_of(as_(ana).get(f"/settings/routing/rules/{rule.pk}/"))


# ── One's own screen ─────────────────────────────────────────────────────────────────────────


def test_as_what_one_is_shown(bea: Agent) -> None:
    client = as_(bea)
    assert "Offline" in text_of(client.get("/presence/"))
    sit(bea)
    assert "0 of 10 busy" in text_of(client.get("/presence/", headers=PART))
    for choice, status in (("dnd", "dnd"), ("away", "away"), ("", "online"), ("offline", "offline")):
        assert client.post("/presence/", {"choice": choice}).status_code == 302
        assert Presence.objects.get().status == status
    assert client.post("/presence/", {"choice": "asleep"}).status_code == 422
    assert Client().get("/presence/", headers=PART).status_code == 401


def test_an_offer_is_shown_to_its_agent_and_taken(sms_channel: Channel, ana: Agent, bea: Agent, queue: Queue) -> None:
    Queue.objects.update(mode="offer")
    sit(bea)
    ticket = writes(sms_channel, subject="Help me")
    desk.sweep()
    offer = Offer.objects.get()
    assert "Help me" in text_of(as_(bea).get("/offers/", headers=PART))
    assert "Help me" not in text_of(as_(ana).get("/offers/", headers=PART))
    assert as_(ana).post(f"/offers/{offer.pk}/accept/", headers=PART).status_code == 404
    assert as_(bea).post(f"/offers/{offer.pk}/fly/", headers=PART).status_code == 404
    answer = as_(bea).post(f"/offers/{offer.pk}/accept/", headers=PART)
    assert answer.json() == {"words": "The ticket is yours", "open": f"/tickets/{ticket.pk}/"}
    assert Ticket.objects.get().assignee == bea
    again = as_(bea).post(f"/offers/{offer.pk}/accept/", headers=PART)
    assert (again.status_code, "over" in again.json()["words"]) == (409, True)
    assert as_(bea).post(f"/offers/{10**15}/decline/", headers=PART).status_code == 404
    assert as_(bea).post(f"/offers/{offer.pk}/decline/").status_code == 302


def test_by_hand_from_now_on_takes_back_what_is_offered(
    sms_channel: Channel, lena: Agent, bea: Agent, north: Team, queue: Queue, api: Any
) -> None:
    """Over the page as over the API."""
    for switch in (
        lambda: as_(lena).post(f"/settings/routing/teams/{north.pk}/", {**QUEUE, "mode": "off"}).status_code == 302,
        lambda: api(lena)("PATCH", f"/teams/{north.pk}/queue/", {"mode": "off"}).status_code == 200,
    ):
        Queue.objects.update(mode="offer")
        sit(bea)
        writes(sms_channel, subject="Help me")
        desk.sweep()
        assert "Help me" in text_of(as_(bea).get("/offers/", headers=PART))
        assert switch()
        assert "Help me" not in text_of(as_(bea).get("/offers/", headers=PART))
        assert not Offer.objects.filter(state="open").exists()


# ── Many at once ─────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "AT_A_TIME", 2)


def going_on(response: Any) -> dict[str, str]:
    """The hidden fields that a batch leaves for the next."""
    found = re.findall(
        r'<input type="hidden" name="(move|after|done|stayed)" value="(\d+)">', response.content.decode()
    )
    return dict(found)


def test_all_of_one_who_left_go_to_a_colleague_in_batches(
    sms_channel: Channel, ana: Agent, bea: Agent, lena: Agent, small_batches: None
) -> None:
    tickets = [writes(sms_channel, assignee=bea) for _ in range(5)]
    page, fields, rounds = f"/settings/routing/agents/{bea.pk}/hand-over/", {"agent": str(lena.pk)}, 0
    while (response := as_(ana).post(page, fields)).status_code == 200:
        rounds += 1
        assert "of 5 moved" in text_of(response)
        fields = {"agent": str(lena.pk), **going_on(response)}
    assert rounds == 2
    assert set(Ticket.objects.filter(pk__in=[one.pk for one in tickets]).values_list("assignee", flat=True)) == {
        lena.pk
    }
    assert as_(bea).get(page).status_code == 403
    # One page for all five, and all of them back by one button.
    assert "5 tickets moved." in text_of(as_(ana).get(response["Location"]))
    assert as_(lena).get(response["Location"]).status_code == 404
    said = all_back(as_(ana), response["Location"])
    assert "5 tickets are back." in said
    assert {row.assignee for row in Ticket.objects.all()} == {bea}
    assert "0 tickets moved." in text_of(as_(ana).get(response["Location"]))


def all_back(client: Client, page: str) -> str:
    """Press the button until it is done; gives what is said then."""
    fields: dict[str, str] = {}
    while (response := client.post(page, fields)).status_code == 200:
        fields = going_on(response)
    return text_of(client.get(response["Location"]))


def test_what_was_changed_since_is_not_taken_back(
    sms_channel: Channel, ana: Agent, bea: Agent, lena: Agent, carl: Agent, south: Team, small_batches: None
) -> None:
    """A colleague took one, one's agent is gone from its team; the other comes back, and it is said how many."""
    touched, other = writes(sms_channel, assignee=bea), writes(sms_channel, assignee=bea)
    moved = as_(ana).post(f"/settings/routing/agents/{bea.pk}/hand-over/", {"agent": str(lena.pk)})["Location"]
    lifecycle.assign(touched.pk, ana, Actor.of(ana), take_over=True)
    said = all_back(as_(ana), moved)
    assert "1 ticket is back. 1 was changed meanwhile and stays as it is." in said
    assert [Ticket.objects.get(pk=one.pk).assignee for one in (touched, other)] == [ana, bea]


def test_a_closed_account_gets_nothing_back(sms_channel: Channel, ana: Agent, bea: Agent, lena: Agent) -> None:
    ticket = writes(sms_channel, assignee=bea)
    moved = as_(ana).post(f"/settings/routing/agents/{bea.pk}/hand-over/", {"agent": str(lena.pk)})["Location"]
    Agent.objects.filter(pk=bea.pk).update(is_active=False)
    assert "0 tickets are back. 1 was changed" in all_back(as_(ana), moved)
    assert Ticket.objects.get(pk=ticket.pk).assignee == lena


def test_a_day_later_it_cannot_be_taken_back(sms_channel: Channel, ana: Agent, bea: Agent, lena: Agent) -> None:
    writes(sms_channel, assignee=bea)
    page = f"/settings/routing/agents/{bea.pk}/hand-over/"
    old = as_(ana).post(page, {"agent": str(lena.pk)})["Location"]
    Move.objects.update(made_at=timezone.now() - bulk.KEPT - timedelta(minutes=1))
    new = as_(ana).post(page, {"agent": str(lena.pk)})["Location"]
    assert [as_(ana).get(one).status_code for one in (old, new)] == [404, 200]


def test_back_to_the_queue_they_are_given_out_again(
    sms_channel: Channel, ana: Agent, bea: Agent, lena: Agent, queue: Queue
) -> None:
    writes(sms_channel, assignee=bea)
    sit(lena)
    assert as_(ana).post(f"/settings/routing/agents/{bea.pk}/hand-over/", {"agent": ""}).status_code == 302
    desk.sweep()
    assert Ticket.objects.get().assignee == lena


def test_a_queue_is_emptied_into_another(
    sms_channel: Channel, ana: Agent, north: Team, south: Team, carl: Agent, small_batches: None
) -> None:
    tickets = [writes(sms_channel) for _ in range(3)]
    page = f"/settings/routing/teams/{north.pk}/drain/"
    assert as_(ana).post(page, {"where": f"agent-{carl.pk}"}).status_code == 422
    response = as_(ana).post(page, {"where": f"team-{south.pk}"})
    fields = {"where": f"team-{south.pk}", **going_on(response)}
    response = as_(ana).post(page, fields)
    assert response.status_code == 302
    assert {row.team for row in Ticket.objects.all()} == {south}
    assert len(tickets) == 3
    for where in ("", "team-x", f"team-{north.pk}", "agent-999999"):
        assert as_(ana).post(page, {"where": where}).status_code == 422
    assert "3 tickets are back." in all_back(as_(ana), response["Location"])
    assert {row.team for row in Ticket.objects.all()} == {north}


def test_a_lead_takes_back_what_their_own_move_took_out_of_sight(
    sms_channel: Channel, lena: Agent, north: Team, south: Team
) -> None:
    ticket = writes(sms_channel)
    page = f"/settings/routing/teams/{north.pk}/drain/"
    moved = as_(lena).post(page, {"where": f"team-{south.pk}"})["Location"]
    assert not Ticket.objects.visible_to(lena).exists()
    assert "1 ticket is back." in all_back(as_(lena), moved)
    assert Ticket.objects.get(pk=ticket.pk).team == north


def test_a_rule_that_leaves_tickets_lying_or_waits_for_another_says_so(ana: Agent, bea: Agent, north: Team) -> None:
    now, empty = timezone.now(), Team.objects.create(name="Nobody here")
    Seat.objects.create(agent=bea, skills=["refunds"])
    Rule.objects.create(name="Away", conditions=[], actions={"team": empty.pk, "skills": ["refunds", "magic"]})
    Rule.objects.create(name="Staffed", conditions=[], actions={"team": north.pk, "skills": ["refunds"]})
    for name, asked, given in (("First", "b", "a"), ("Second", "A", "B")):
        conditions = [{"field": "tag", "values": [asked]}]
        Rule.objects.create(name=name, active_since=now, conditions=conditions, actions={"tags": [given]})
    said = warnings.of_rules(list(Rule.objects.all()))
    away, staffed, first, second = (said[pk] for pk in Rule.objects.order_by("pk").values_list("pk", flat=True))
    assert away == ["Nobody is in its team: what it moves there waits.", "No colleague has this skill: magic."]
    assert staffed == []
    assert [one.partition(".")[0] for one in (*first, *second)] == [
        "It asks for the tag “B”, which “Second” gives",
        "It asks for the tag “a”, which “First” gives",
    ]
    assert "none sets off another" in text_of(as_(ana).get("/settings/routing/"))


def test_pages_cost_the_same_however_much_there_is(
    ana: Agent, bea: Agent, north: Team, sms_channel: Channel, django_assert_max_num_queries: Any
) -> None:
    for number in range(5):
        Rule.objects.create(name=f"r{number}", conditions=[], actions={"agent": bea.pk}, active_since=timezone.now())
    client = as_(ana)
    client.get("/settings/routing/")
    with django_assert_max_num_queries(15):
        client.get("/settings/routing/")
