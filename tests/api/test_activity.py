"""The numbered log through the API."""

from __future__ import annotations

from typing import Any

import pytest

from agents.models import Agent, Team
from channels_app.models import Channel
from tests.api.asserts import problem
from tests.conftest import Api, Customer
from tickets import lifecycle, log
from tickets.api.activity import told
from tickets.models import Activity, Actor, Message, Ticket
from tickets.models.activity import newest

# The horizon stops below unfinished writers, and PostgreSQL would count the test's own transaction among them.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def as_bea(bea: Agent) -> Api:
    return Api(bea)


def all_lines(api: Api, path: str) -> list[Any]:
    lines: list[Any] = []
    while path:
        page = api.get(path.removeprefix("http://testserver/api/v1"))
        lines += page["results"]
        path = page["next"]
    return lines


def test_everything_in_order(as_bea: Api, ticket: Ticket, eka: Customer) -> None:
    for number in range(5):
        eka.writes(f"Halo {number}")
    lines = all_lines(as_bea, "/activity/?limit=2")
    assert [line["type"] for line in lines] == ["ticket.created", "message.added"] * 2 + ["message.added"] * 4
    assert [line["seq"] for line in lines] == sorted({line["seq"] for line in lines})
    assert lines[0]["data"]["number"] == lines[0]["ticket"] == ticket.pk
    assert lines[1]["data"]["text"] == "Halo, pesanan saya di mana?"
    assert lines[1]["actor"] == {"type": "customer", "id": ticket.customer_id, "name": "Dora"}
    response = as_bea("GET", f"/activity/?after={lines[-1]['seq']}")
    assert int(response["X-Activity"]) == newest()
    assert as_bea.get(f"/activity/?after={lines[3]['seq']}")["results"] == lines[4:]


@pytest.mark.parametrize(
    ("after", "all_of_it"), [("-5", True), ("0", True), ("", True), ("9" * 50, False), ("-" + "9" * 50, True)]
)
def test_odd_numbers(as_bea: Api, ticket: Ticket, after: str, all_of_it: bool) -> None:
    assert bool(as_bea.get(f"/activity/?after={after}")["results"]) is all_of_it


@pytest.mark.parametrize("after", ["x", "1.5", "--1", "1e3", "٣", "null", "%00", "-"])
def test_what_is_no_number(as_bea: Api, after: str) -> None:
    assert "after" in problem(as_bea("GET", f"/activity/?after={after}"), 400)["errors"]


def test_only_what_one_may_see(as_bea: Api, carl: Agent, ticket: Ticket, bea: Agent, south: Team) -> None:
    as_carl = Api(carl)
    assert as_carl.get("/activity/")["results"] == []
    before = newest()
    lifecycle.change(ticket.pk, Actor.of(bea), team=south)
    # The line of the move is for both; whoever lost the ticket learns no more than its number.
    assert [line["data"] for line in as_bea.get(f"/activity/?after={before}")["results"]] == [{"number": ticket.pk}]
    assert as_bea.get(f"/activity/?after={newest()}")["results"] == []
    assert [line["type"] for line in as_carl.get("/activity/")["results"]] == [
        "ticket.created",
        "message.added",
        "ticket.changed",
    ]
    problem(as_bea("GET", f"/tickets/{ticket.pk}/activity/"), 404)


def test_of_a_ticket(as_bea: Api, ticket: Ticket, eka: Customer, dora: Customer) -> None:
    eka.writes("Hai")
    dora.writes("Lagi")
    lines = all_lines(as_bea, f"/tickets/{ticket.pk}/activity/?limit=1")
    assert [line["type"] for line in lines] == ["ticket.created", "message.added", "message.added"]
    assert {line["ticket"] for line in lines} == {ticket.pk}
    assert as_bea.get(f"/tickets/{ticket.pk}/activity/?after={lines[1]['seq']}")["results"] == lines[2:]


def test_what_was_erased_stays_erased(as_bea: Api, dora: Customer) -> None:
    message = dora.writes("Rahasia saya 4711")
    dora.deletes(str(message.external_id))
    response = as_bea("GET", "/activity/")
    assert b"4711" not in response.content


def test_a_message_that_went_while_the_page_was_read_is_told_to_nobody(ticket: Ticket, ana: Agent) -> None:
    rows = list(Activity.objects.order_by("seq"))
    Message.objects.all().delete()
    assert [line["type"] for line in told(log.with_data(rows), ana.sight())] == ["ticket.created"]


@pytest.mark.parametrize("path", ["/activity/", "/tickets/{}/activity/"])
def test_a_constant_number_of_statements(
    as_bea: Api, ticket: Ticket, dora: Customer, webhook_channel: Channel, django_assert_max_num_queries: Any, path: str
) -> None:
    path = path.format(ticket.pk)
    as_bea.get(path)
    with django_assert_max_num_queries(10) as few:
        as_bea.get(path)
    for number in range(8):
        dora.writes(f"Nomor {number}")
        Customer(webhook_channel, id=f"u-{number}").writes("Halo")
    with django_assert_max_num_queries(10) as lots:
        as_bea.get(path)
    assert len(lots) == len(few)
