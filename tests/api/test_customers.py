"""Customers through the API: visible by their tickets."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from agents.models import Agent, Team
from channels_app.models import Address, Channel
from customers.models import Customer as Row
from customers.models import CustomerAddress
from tests.api.asserts import problem, said
from tests.conftest import Api, Customer
from tickets import log, shapes
from tickets.models import Activity, Message, Ticket


@pytest.fixture
def as_bea(bea: Agent) -> Api:
    return Api(bea)


def names(page: Any) -> list[str]:
    return [row["name"] for row in page["results"]]


def test_one(as_bea: Api, ticket: Ticket, webhook_channel: Channel) -> None:
    row = as_bea.get(f"/customers/{ticket.customer_id}/")
    assert (row["name"], row["party"], row["type"]) == ("Dora", "individual", "external")
    assert [(it["external_id"], it["kind"], it["channel"]) for it in row["addresses"]] == [
        ("u-dora", "webhook", str(webhook_channel.pk))
    ]
    assert as_bea.get("/customers/")["results"] == [row]


def test_visible_by_their_tickets(
    as_bea: Api, carl: Agent, ticket: Ticket, webhook_channel: Channel, south: Team
) -> None:
    as_carl, path = Api(carl), f"/customers/{ticket.customer_id}/"
    for address in ("/customers/", f"/customers/?address=u-dora&channel={webhook_channel.pk}", "/customers/?q=dora"):
        assert names(as_carl.get(address)) == []
    problem(as_carl("GET", path), 404)
    problem(as_carl("PATCH", path, {"name": "x"}), 404)
    problem(as_carl("GET", f"{path}tickets/"), 404)
    # To all if there is none.
    Row.objects.create(name="Baru")
    assert names(as_carl.get("/customers/")) == ["Baru"]
    # With only the visible tickets listed.
    other = Ticket.objects.create(
        channel=webhook_channel, team=south, customer_id=ticket.customer_id, address=ticket.address, threads=True
    )
    as_carl.get(path)
    assert [row["number"] for row in as_carl.get(f"{path}tickets/")["results"]] == [other.pk]
    assert [row["number"] for row in as_bea.get(f"{path}tickets/")["results"]] == [ticket.pk]


def test_find(as_bea: Api, ticket: Ticket, eka: Customer, sms_channel: Channel, webhook_channel: Channel) -> None:
    eka.writes("Hai")
    fitri = Row.objects.create(name="Fitri")
    address = Address.objects.create(channel=sms_channel, external_id="+6281234", phone="+6281234")
    CustomerAddress.objects.create(address=address, customer=fitri)
    expected = {
        "address=u-dora": ["Dora"],
        f"address=u-dora&channel={webhook_channel.pk}": ["Dora"],
        f"address=u-dora&channel={sms_channel.pk}": [],
        f"channel={webhook_channel.pk}": ["Eka", "Dora"],
        "address=" + quote("+6281234"): ["Fitri"],
        "address=+6281234": ["Fitri"],
        "address=nobody": [],
        "q=DOR": ["Dora"],
        "q=81234": ["Fitri"],
        "q=u-e": ["Eka"],
        "q=%25": [],
    }
    for query, found in expected.items():
        assert names(as_bea.get(f"/customers/?{query}")) == found, query
    problem(as_bea("GET", "/customers/?channel=x"), 400)


def test_change(as_bea: Api, ticket: Ticket) -> None:
    path = f"/customers/{ticket.customer_id}/"
    body = {"name": " Dora\x00 Lestari ", "language": "id", "party": "business", "type": "intermediary"}
    row = said(as_bea("PATCH", path, body))
    assert (row["name"], row["language"], row["party"], row["type"]) == (
        "Dora\ufffd Lestari",
        "id",
        "business",
        "intermediary",
    )
    assert said(as_bea("PATCH", path, {})) == row


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", 7),
        ("name", "x" * 201),
        ("language", "x" * 17),
        ("party", "cat"),
        ("type", None),
        ("standing", "king"),
        ("tags", "vip"),
        ("tags", [""]),
        ("tags", ["x" * 61]),
        ("tags", [str(number) for number in range(51)]),
        ("attributes", []),
        ("attributes", {"a=b": 1}),
        ("attributes", {"a": {"b": 1}}),
        ("attributes", {"a": "x" * 501}),
        ("attributes", {"a": 2**60}),
        ("id", 7),
        ("note", "x"),
    ],
)
def test_changes_that_are_refused(as_bea: Api, ticket: Ticket, field: str, value: Any) -> None:
    errors = problem(as_bea("PATCH", f"/customers/{ticket.customer_id}/", {field: value}), 400)["errors"]
    assert [name.partition(".")[0] for name in errors] == [field]


def test_a_group_has_its_members_as_authors(as_bea: Api, ticket: Ticket) -> None:
    assert Message.objects.get().address.customer_link.customer_id == ticket.customer_id  # type: ignore[union-attr]


# ── Noted down ───────────────────────────────────────────────────────────────────────────────


def test_standing_tags_and_attributes(as_bea: Api, ticket: Ticket) -> None:
    path = f"/customers/{ticket.customer_id}/"
    row = as_bea.get(path)
    assert (row["standing"], row["tags"], row["attributes"]) == (None, [], {})
    given = {
        "standing": "loyal",
        "tags": [" VIP", "lama", "vip"],
        "attributes": {"plan": "gold", "orders": 3, "ok": True},
    }
    row = said(as_bea("PATCH", path, given))
    assert (row["standing"], row["tags"]) == ("loyal", ["VIP", "lama"])
    assert row["attributes"] == {"plan": "gold", "orders": 3, "ok": True}
    # Tags as a whole, of attributes what is named; another spelling is the same one.
    row = said(as_bea("PATCH", path, {"standing": None, "tags": ["vip"], "attributes": {"PLAN": None, "orders": 4.5}}))
    assert (row["standing"], row["tags"], row["attributes"]) == (None, ["VIP"], {"orders": 4.5, "ok": True})
    assert as_bea.get(path) == row


def test_too_many_attributes_are_refused_and_change_nothing(as_bea: Api, ticket: Ticket) -> None:
    path = f"/customers/{ticket.customer_id}/"
    said(as_bea("PATCH", path, {"attributes": {f"a{number}": number for number in range(50)}}))
    problem(as_bea("PATCH", path, {"name": "Lain", "attributes": {"more": 1}}), 400)
    row = as_bea.get(path)
    assert (row["name"], len(row["attributes"])) == ("Dora", 50)


def test_found_by_what_is_noted(as_bea: Api, carl: Agent, ticket: Ticket, eka: Customer) -> None:
    eka.writes("Hai")
    said(
        as_bea("PATCH", f"/customers/{ticket.customer_id}/", {"tags": ["VIP"], "standing": "loyal", "type": "internal"})
    )
    expected = {
        "tag=vip": ["Dora"], "tag=vi": [], "tag=VIP&standing=loyal": ["Dora"], "standing=new": [],
        "type=internal": ["Dora"], "type=external": ["Eka"],
    }  # fmt: skip
    for query, found in expected.items():
        assert names(as_bea.get(f"/customers/?{query}")) == found, query
    assert names(Api(carl).get("/customers/?tag=vip")) == []
    problem(as_bea("GET", "/customers/?standing=king"), 400)


def test_the_log_tells_what_is_noted_now(as_bea: Api, ticket: Ticket) -> None:
    said(as_bea("PATCH", f"/customers/{ticket.customer_id}/", {"tags": ["lama"]}))
    said(as_bea("PATCH", f"/customers/{ticket.customer_id}/", {"tags": ["VIP"], "attributes": {"plan": "gold"}}))
    lines = log.with_data(Activity.objects.filter(ticket=ticket, type="customer.changed"))
    told = [shapes.line_of(line)["data"]["customer"] for line in lines]
    noted = {"standing": None, "tags": ["VIP"], "attributes": {"plan": "gold"}}
    assert told == [{"id": ticket.customer_id, "name": "Dora", **noted}] * 2


def test_a_list_costs_the_same_however_much_is_noted(
    as_bea: Api, ticket: Ticket, eka: Customer, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(8) as few:
        as_bea.get("/customers/")
    eka.writes("Hai")
    for row in Row.objects.all():
        said(as_bea("PATCH", f"/customers/{row.pk}/", {"tags": ["a", "b"], "attributes": {"plan": "gold"}}))
    with django_assert_max_num_queries(8) as lots:
        assert len(as_bea.get("/customers/?tag=a")["results"]) == 2
    assert len(lots) == len(few)
