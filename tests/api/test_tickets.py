"""Tickets through the API: lists, one of them, and the verbs as resources."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from agents.models import Agent, Team
from channels_app.models import Channel
from tests.api.asserts import at_once, problem, said
from tests.conftest import Api, Customer
from tickets import lifecycle, replies
from tickets.models import Activity, Actor, Message, Tag, Ticket
from tickets.models.activity import newest


@pytest.fixture
def as_bea(bea: Agent) -> Api:
    return Api(bea)


@pytest.fixture
def as_carl(carl: Agent) -> Api:
    return Api(carl)


def numbers(page: Any) -> list[int]:
    return [row["number"] for row in page["results"]]


def many(channel: Channel, count: int) -> list[int]:
    """Tickets, oldest first."""
    return [
        Customer(channel, id=f"u-{number}", name=f"C{number}").writes(f"Halo {number}").ticket_id
        for number in range(count)
    ]


# ── Lists ────────────────────────────────────────────────────────────────────────────────────


def test_newest_activity_first(as_bea: Api, ticket: Ticket, eka: Customer, dora: Customer) -> None:
    other = eka.writes("Hai").ticket_id
    assert numbers(as_bea.get("/tickets/")) == [other, ticket.pk]
    dora.writes("Masih di sini?")
    assert numbers(as_bea.get("/tickets/")) == [ticket.pk, other]


def test_only_what_one_may_see(as_bea: Api, as_carl: Api, ana: Agent, ticket: Ticket) -> None:
    assert numbers(as_bea.get("/tickets/")) == [ticket.pk]
    assert numbers(as_carl.get("/tickets/")) == []
    assert numbers(Api(ana).get("/tickets/")) == [ticket.pk]
    Ticket.objects.update(team=None)
    assert numbers(as_carl.get("/tickets/")) == [ticket.pk]


def test_pages_forth_and_back(as_bea: Api, webhook_channel: Channel) -> None:
    made = many(webhook_channel, 7)[::-1]
    page = as_bea.get("/tickets/?limit=3&status=open")
    assert page["previous"] is None
    seen, firsts = numbers(page), [page]
    while page["next"]:
        page = follow(as_bea, page["next"])
        firsts.append(page)
        seen += numbers(page)
    assert seen == made
    assert len(firsts) == 3
    page = follow(as_bea, page["previous"])
    assert numbers(page) == made[3:6]
    page = follow(as_bea, page["previous"])
    assert numbers(page) == made[:3]
    assert page["previous"] is None


def follow(api: Api, link: str) -> Any:
    assert link.startswith("http://testserver/api/v1/")
    return api.get(link.removeprefix("http://testserver/api/v1"))


def test_a_page_stays_where_it_was_when_news_arrive(as_bea: Api, webhook_channel: Channel) -> None:
    made = many(webhook_channel, 4)[::-1]
    page = as_bea.get("/tickets/?limit=2")
    Customer(webhook_channel, id="u-new").writes("Baru")
    assert numbers(follow(as_bea, page["next"])) == made[2:]


def test_filters(as_bea: Api, bea: Agent, ana: Agent, ticket: Ticket, eka: Customer, north: Team, south: Team) -> None:
    other = eka.writes("Ada biru?").ticket
    lifecycle.assign(ticket.pk, bea, Actor.of(bea))
    lifecycle.change(ticket.pk, Actor.of(bea), priority="urgent", tags=["Retur"])
    lifecycle.resolve(other.pk, Actor.of(bea))
    expected = {
        "assignee=me": [ticket.pk],
        f"assignee={bea.pk}": [ticket.pk],
        f"assignee={ana.pk}": [],
        "assignee=none": [other.pk],
        "status=open": [ticket.pk],
        "status=resolved": [other.pk],
        "status=snoozed": [],
        "priority=urgent": [ticket.pk],
        "priority=normal": [other.pk],
        "tag=retur": [ticket.pk],
        "tag=lain": [],
        f"team={north.pk}&status=open": [ticket.pk],
        f"team={south.pk}": [],
        f"channel={ticket.channel_id}&priority=urgent": [ticket.pk],
        f"channel={ticket.channel_id + 1}": [],
        f"customer={other.customer_id}": [other.pk],
        "q=biru": [other.pk],
        "q=tiada": [],
        "q=biru&status=open": [],
        "nonsense=1&status=open": [ticket.pk],
    }
    for query, found in expected.items():
        assert numbers(as_bea.get(f"/tickets/?{query}")) == found, query


@pytest.mark.django_db(transaction=True)
def test_a_list_says_up_to_which_line_it_is_complete(as_bea: Api, ticket: Ticket) -> None:
    assert int(as_bea("GET", "/tickets/")["X-Activity"]) == newest() == ticket.seq


@pytest.mark.parametrize("path", ["/tickets/", "/customers/", "/tickets/?q=Halo"])
def test_a_constant_number_of_statements(
    as_bea: Api, webhook_channel: Channel, django_assert_max_num_queries: Any, path: str
) -> None:
    many(webhook_channel, 1)
    as_bea.get(path)
    with django_assert_max_num_queries(8) as few:
        as_bea.get(path)
    many(webhook_channel, 12)
    with django_assert_max_num_queries(8) as lots:
        as_bea.get(path)
    assert len(lots) == len(few)


# ── One ──────────────────────────────────────────────────────────────────────────────────────


def test_one(as_bea: Api, ticket: Ticket, webhook_channel: Channel, north: Team) -> None:
    row = as_bea.get(f"/tickets/{ticket.pk}/")
    assert row["channel"] == {"id": str(webhook_channel.pk), "kind": "webhook", "name": "Shop"}
    assert row["team"] == {"id": north.pk, "name": "North"}
    assert row["customer"]["name"] == "Dora"
    assert (row["status"], row["priority"], row["assignee"], row["tags"]) == ("open", "normal", None, [])
    assert row["created_at"].endswith("Z")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("PATCH", "", {"subject": "x"}),
        ("PATCH", "", {"bad": 1}),
        ("GET", "messages/", None),
        ("POST", "messages/", {"text": "x"}),
        ("POST", "messages/", {}),
        ("GET", "activity/", None),
        ("PUT", "assignee/", {"agent": "me"}),
        ("DELETE", "assignee/", None),
        ("PUT", "resolution/", None),
        ("DELETE", "resolution/", None),
        ("PUT", "snooze/", {"until": "2099-01-01T00:00:00Z"}),
        ("DELETE", "snooze/", None),
    ],
)
def test_a_ticket_out_of_sight_is_not_there(as_carl: Api, ticket: Ticket, method: str, path: str, body: Any) -> None:
    before = newest()
    problem(as_carl(method, f"/tickets/{ticket.pk}/{path}", body), 404)
    problem(as_carl(method, f"/tickets/{ticket.pk + 1000}/{path}", body), 404)
    assert newest() == before


def test_change(as_bea: Api, ticket: Ticket) -> None:
    body = {"subject": "  Pesanan\x00 #7 ", "priority": "high", "tags": ["Retur", "vip", "RETUR"]}
    row = said(as_bea("PATCH", f"/tickets/{ticket.pk}/", body))
    assert (row["subject"], row["priority"]) == ("Pesanan\ufffd #7", "high")
    assert [tag.lower() for tag in row["tags"]] == ["retur", "vip"]
    before = newest()
    assert said(as_bea("PATCH", f"/tickets/{ticket.pk}/", body))["seq"] == before
    assert newest() == before
    assert said(as_bea("PATCH", f"/tickets/{ticket.pk}/", {"tags": []}))["tags"] == []
    assert said(as_bea("PATCH", f"/tickets/{ticket.pk}/", {}))["priority"] == "high"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("subject", 7),
        ("subject", None),
        ("subject", "x" * 501),
        ("priority", "very"),
        ("priority", ["high"]),
        ("tags", "retur"),
        ("tags", [7]),
        ("tags", [""]),
        ("tags", {"a": 1}),
        ("tags", ["x" * 61]),
        ("tags", [str(n) for n in range(51)]),
        ("team", 10**6),
        ("team", "x"),
        ("team", 10**30),
        ("team", True),
        ("team", {}),
        ("status", "resolved"),
        ("number", 7),
    ],
)
def test_changes_that_are_refused(as_bea: Api, ticket: Ticket, field: str, value: Any) -> None:
    before = newest()
    errors = problem(as_bea("PATCH", f"/tickets/{ticket.pk}/", {field: value}), 400)["errors"]
    assert any(name.partition(".")[0] == field for name in errors)
    assert newest() == before


def test_a_move_to_another_team(as_bea: Api, as_carl: Api, ticket: Ticket, south: Team) -> None:
    assert said(as_bea("PATCH", f"/tickets/{ticket.pk}/", {"team": south.pk}))["team"] == {
        "id": south.pk,
        "name": "South",
    }
    problem(as_bea("GET", f"/tickets/{ticket.pk}/"), 404)
    as_carl.get(f"/tickets/{ticket.pk}/messages/")
    said(as_carl("PATCH", f"/tickets/{ticket.pk}/", {"team": None}))
    assert as_bea.get(f"/tickets/{ticket.pk}/")["team"] is None


# ── Verbs ────────────────────────────────────────────────────────────────────────────────────


def test_assign(as_bea: Api, bea: Agent, ana: Agent, ticket: Ticket) -> None:
    path = f"/tickets/{ticket.pk}/assignee/"
    assert said(as_bea("PUT", path, {"agent": "me"}))["assignee"] == {"id": bea.pk, "name": "Bea"}
    held = problem(Api(ana)("PUT", path, {"agent": ana.pk}), 409)
    assert held["holder"] == {"id": bea.pk, "name": "Bea"}
    assert said(Api(ana)("PUT", path, {"agent": "me", "take_over": True}))["assignee"]["id"] == ana.pk
    assert said(as_bea("DELETE", path))["assignee"] is None
    assert said(as_bea("DELETE", path))["assignee"] is None
    types = list(Activity.objects.filter(ticket=ticket, type__contains="gned").values_list("type", flat=True))
    assert types == ["ticket.assigned", "ticket.assigned"]


@pytest.mark.django_db(transaction=True)
def test_two_who_take_it_at_once(bea: Agent, ana: Agent, ticket: Ticket) -> None:
    posts = [(Api(agent), {"agent": "me"}, {}) for agent in (bea, ana)]
    answers = at_once(posts, f"/tickets/{ticket.pk}/assignee/", "PUT")
    assert sorted(answer.status_code for answer in answers) == [200, 409]


@pytest.mark.parametrize("agent", ["you", 10**6, None, True, [], {"id": 1}, 10**30, -1])
def test_assignees_that_are_none(as_bea: Api, ticket: Ticket, agent: Any) -> None:
    problem(as_bea("PUT", f"/tickets/{ticket.pk}/assignee/", {"agent": agent}), 400)
    problem(as_bea("PUT", f"/tickets/{ticket.pk}/assignee/", {}), 400)


def test_whoever_may_not_see_it_cannot_have_it(as_bea: Api, carl: Agent, ticket: Ticket) -> None:
    problem(as_bea("PUT", f"/tickets/{ticket.pk}/assignee/", {"agent": carl.pk}), 400)


def test_resolve_and_reopen(as_bea: Api, ticket: Ticket) -> None:
    path = f"/tickets/{ticket.pk}/resolution/"
    first, second = said(as_bea("PUT", path)), said(as_bea("PUT", path, {}))
    assert first == second
    assert first["status"] == "resolved"
    assert first["resolved_at"]
    assert said(as_bea("DELETE", path))["status"] == "open"
    assert said(as_bea("DELETE", path))["resolved_at"] is None
    lines = Activity.objects.filter(ticket=ticket, type__in=["ticket.resolved", "ticket.reopened"])
    assert lines.count() == 2


def test_reopening_behind_a_newer_ticket(as_bea: Api, ticket: Ticket, dora: Customer) -> None:
    said(as_bea("PUT", f"/tickets/{ticket.pk}/resolution/"))
    Ticket.objects.update(resolved_at=timezone.now() - timedelta(days=30))
    assert dora.writes("Soal lain").ticket_id != ticket.pk
    problem(as_bea("DELETE", f"/tickets/{ticket.pk}/resolution/"), 409)


def test_snooze_and_wake(as_bea: Api, ticket: Ticket) -> None:
    path = f"/tickets/{ticket.pk}/snooze/"
    row = said(as_bea("PUT", path, {"until": "2099-01-31T09:00:00+07:00"}))
    assert (row["status"], row["snoozed_until"]) == ("snoozed", "2099-01-31T02:00:00Z")
    assert said(as_bea("DELETE", path))["status"] == "open"
    assert said(as_bea("DELETE", path))["snoozed_until"] is None
    said(as_bea("PUT", f"/tickets/{ticket.pk}/resolution/"))
    problem(as_bea("PUT", path, {"until": "2099-01-31T09:00:00Z"}), 409)


@pytest.mark.parametrize(
    "until",
    [
        "2099-01-31T09:00:00",
        "2099-01-31",
        "tomorrow",
        4102444800,
        None,
        "",
        "2001-01-01T00:00:00Z",
        "9999-12-31T23:59:59-12:00",
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00+14:00",
        "2099-13-01T00:00:00Z",
        ["2099-01-31T09:00:00Z"],
    ],
)
def test_times_that_are_refused(as_bea: Api, ticket: Ticket, until: Any) -> None:
    assert "until" in problem(as_bea("PUT", f"/tickets/{ticket.pk}/snooze/", {"until": until}), 400)["errors"]


# ── Writing first ────────────────────────────────────────────────────────────────────────────


def test_an_agent_starts(as_bea: Api, sandbox_channel: Channel, north: Team) -> None:
    body = {"channel": str(sandbox_channel.pk), "to": "u-fitri", "subject": "Kiriman", "text": "Pesanan Anda siap."}
    row = said(as_bea("POST", "/tickets/", body), 201)
    assert (row["subject"], row["team"]["id"]) == ("Kiriman", north.pk)
    message = Message.objects.get(ticket=row["number"])
    assert (message.direction, message.text, message.status) == ("out", "Pesanan Anda siap.", "queued")
    # A chat has one unresolved ticket per conversation.
    problem(as_bea("POST", "/tickets/", body), 409)


@pytest.mark.django_db(transaction=True)
def test_two_who_start_at_once(bea: Agent, ana: Agent, sandbox_channel: Channel) -> None:
    body = {"channel": sandbox_channel.pk, "to": "u-fitri", "text": "Halo"}
    answers = at_once([(Api(agent), body, {}) for agent in (bea, ana)], "/tickets/")
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert Message.objects.count() == 1


def test_one_key_for_two_people_at_once(as_bea: Api, sandbox_channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other request is committed after this one has looked for its key."""
    body = {"channel": sandbox_channel.pk, "to": "u-hari", "text": "Halo"}
    said(as_bea("POST", "/tickets/", {**body, "to": "u-gita"}, idempotency_key="k"), 201)
    real, looked = replies._known, []

    def known(*asked: Any) -> Message | None:
        looked.append(asked)
        return None if len(looked) == 1 else real(*asked)

    monkeypatch.setattr(replies, "_known", known)
    problem(as_bea("POST", "/tickets/", body, idempotency_key="k"), 422)
    assert len(looked) == 2
    assert Ticket.objects.count() == 1


def test_keys_that_are_too_long_or_odd(as_bea: Api, sandbox_channel: Channel) -> None:
    body = {"channel": sandbox_channel.pk, "to": "u-hari", "text": "Halo"}
    problem(as_bea("POST", "/tickets/", body, idempotency_key="x" * 256), 400)
    first = said(as_bea("POST", "/tickets/", body, idempotency_key="x" * 255), 201)
    assert said(as_bea("POST", "/tickets/", body, idempotency_key="x" * 255))["number"] == first["number"]
    path = f"/tickets/{first['number']}/messages/"
    made = said(as_bea("POST", path, {"text": "Ya"}, idempotency_key="a\x00b"), 201)
    assert said(as_bea("POST", path, {"text": "Ya"}, idempotency_key="a\x00b"))["id"] == made["id"]


def test_an_agent_starts_with_a_customer_that_is_known(as_bea: Api, as_carl: Api, sandbox_channel: Channel) -> None:
    first = said(as_bea("POST", "/tickets/", {"channel": sandbox_channel.pk, "to": "u-gita", "text": "Satu"}), 201)
    said(as_bea("PUT", f"/tickets/{first['number']}/resolution/"))
    body = {"channel": sandbox_channel.pk, "customer": first["customer"]["id"], "text": "Dua"}
    second = said(as_bea("POST", "/tickets/", body), 201)
    assert second["customer"] == first["customer"]
    assert second["number"] != first["number"]


@pytest.mark.parametrize(
    "change",
    [
        {"to": None},
        {"to": ""},
        {"to": 7},
        {"text": ""},
        {"text": None},
        {"channel": 10**6},
        {"channel": "x"},
        {"channel": None},
        {"customer": 1},
        {"subject": ["x"]},
        {"attachments": [1]},
        {"attachments": "x"},
        {"nonsense": 1},
    ],
)
def test_starts_that_are_refused(as_bea: Api, sandbox_channel: Channel, change: dict[str, Any]) -> None:
    body = {"channel": sandbox_channel.pk, "to": "u-hari", "text": "Halo", **change}
    problem(as_bea("POST", "/tickets/", body), 400)
    assert not Ticket.objects.exists()


def test_starting_where_one_may_not(
    as_bea: Api, as_carl: Api, ticket: Ticket, webhook_channel: Channel, sandbox_channel: Channel
) -> None:
    body = {"channel": sandbox_channel.pk, "to": "u-hari", "text": "Halo"}
    assert "channel" in problem(as_carl("POST", "/tickets/", body), 400)["errors"]
    no_address = {"channel": sandbox_channel.pk, "customer": ticket.customer_id, "text": "Halo"}
    assert "customer" in problem(as_bea("POST", "/tickets/", no_address), 400)["errors"]
    Channel.objects.update(enabled=False)
    assert "channel" in problem(as_bea("POST", "/tickets/", body), 400)["errors"]


def test_tags_are_made_as_they_are_needed(as_bea: Api, ticket: Ticket) -> None:
    said(as_bea("PATCH", f"/tickets/{ticket.pk}/", {"tags": ["Baru"]}))
    assert Tag.objects.filter(name="Baru").exists()
