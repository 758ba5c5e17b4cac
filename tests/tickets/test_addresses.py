"""One person is one address, whichever of their ids comes first; and an address that moves keeps its past."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agents.models import Agent
from channels_app import inbound
from channels_app.models import Address, AddressAlias, Channel, Envelope
from customers.models import Customer as Person
from customers.models import CustomerTag
from tests.conftest import Api, Customer
from tickets import addresses, lifecycle, replies, wording
from tickets.models import Activity, Actor, Message, Ticket

pytestmark = pytest.mark.django_db

PHONE = "+6281311112222"
SCOPED = "US.1234"


def person(channel: Channel, id: str, *alt: str, name: str = "Fitri") -> Customer:
    class Known(Customer):
        @property
        def sender(self) -> dict[str, Any]:  # type: ignore[override]
            return {"id": self.id, "name": self.name, "alt": list(alt)}

    return Known(channel, id=id, name=name)


def ids(channel: Channel) -> set[tuple[str, ...]]:
    rows = Address.objects.filter(channel=channel)
    return {(row.external_id, *sorted(row.aliases.values_list("alias", flat=True))) for row in rows}


def moves(customer: Customer, old: str, new: str, id: str = "mv-1") -> None:
    customer.sends({"type": "moved", "id": id, "from": old, "to": new})


# ── Other ids ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "order",
    [[(PHONE, SCOPED), (SCOPED,), (PHONE,)], [(SCOPED,), (PHONE, SCOPED), (PHONE,)], [(SCOPED, PHONE), (PHONE,)]],
)
def test_one_person_whichever_id_comes_first(chatty_channel: Channel, order: list[tuple[str, ...]]) -> None:
    written = [
        person(chatty_channel, first, *alt).writes(f"Halo {first}", id=f"m-{number}")
        for number, (first, *alt) in enumerate(order)
    ]
    assert len({message.ticket_id for message in written}) == 1
    assert Person.objects.count() == 1
    [known] = ids(chatty_channel)
    assert set(known) == {PHONE, SCOPED}
    assert known[0] == order[0][0], "answers go to the id that came first"


def test_two_who_turn_out_to_be_one(chatty_channel: Channel, ana: Agent) -> None:
    first = person(chatty_channel, PHONE, name="").writes("by phone", id="m-1")
    lifecycle.assign(first.ticket_id, ana, Actor.of(ana))
    Person.objects.filter(pk=first.ticket.customer_id).update(name="Bu Fitri", note="Pays in cash")
    second = person(chatty_channel, SCOPED).writes("by id", id="m-2")
    assert first.ticket_id != second.ticket_id
    third = person(chatty_channel, SCOPED, PHONE).writes("both", id="m-3")
    assert ids(chatty_channel) == {(PHONE, SCOPED)}
    assert third.ticket_id == second.ticket_id, "of two open conversations the newest goes on"
    older, newer = Ticket.objects.get(pk=first.ticket_id), Ticket.objects.get(pk=second.ticket_id)
    assert (older.status, older.waiting_since) == ("resolved", None)
    assert (newer.status, newer.previous_id, newer.assignee_id) == ("open", older.pk, ana.pk)
    assert newer.waiting_since == first.created_at, "the wait counts from the first question"
    assert {older.address_id, newer.address_id} == {Address.objects.get().pk}
    assert Person.objects.get().note == "Pays in cash"
    assert newer.customer == Person.objects.get()
    lines = Activity.objects.filter(type__in=["ticket.merged", "ticket.changed"]).order_by("seq")
    told = [wording.of_line(row) for row in lines]
    assert told == [
        f"The conversation goes on in ticket {newer.pk}",
        f"The system changed the ticket: goes on from ticket {older.pk}",
    ]


def test_what_an_agent_wrote_down_is_not_thrown_away(chatty_channel: Channel) -> None:
    person(chatty_channel, PHONE).writes(id="m-1")
    person(chatty_channel, SCOPED).writes(id="m-2")
    Person.objects.filter(links__address__external_id=SCOPED).update(note="A twin?")
    person(chatty_channel, SCOPED, PHONE).writes(id="m-3")
    assert sorted(Person.objects.values_list("note", flat=True)) == ["", "A twin?"]


def test_what_is_noted_of_two_who_are_one_is_kept_together(chatty_channel: Channel) -> None:
    for number, (id, noted) in enumerate(
        (
            (PHONE, {"attributes": {"Plan": "gold", "city": "Kedah"}}),
            (SCOPED, {"attributes": {"plan": "silver", "orders": 3}, "standing": "loyal"}),
        )
    ):
        message = person(chatty_channel, id).writes(id=f"m-{number}")
        Person.objects.filter(pk=message.ticket.customer_id).update(**noted)
        for name in ("VIP", f"only {number}"):
            CustomerTag.objects.create(customer=message.ticket.customer, name=name.lower() if number else name)
    person(chatty_channel, SCOPED, PHONE).writes(id="m-3")
    known = Person.objects.get()
    assert known.attributes == {"Plan": "gold", "city": "Kedah", "orders": 3}
    assert (known.standing, sorted(tag.name for tag in known.tags.all())) == ("loyal", ["VIP", "only 0", "only 1"])


def test_known_ids_cost_no_statement(chatty_channel: Channel, db: None) -> None:
    fitri = person(chatty_channel, PHONE, SCOPED)
    fitri.writes()
    plain = person(chatty_channel, "u-plain")
    plain.writes()

    def cost(customer: Customer) -> int:
        with CaptureQueriesContext(connection) as asked:
            customer.writes()
        return len(asked)

    assert cost(fitri) == cost(plain)


def test_an_alias_belongs_to_one_channel(chatty_channel: Channel, webhook_channel: Channel) -> None:
    person(chatty_channel, PHONE, SCOPED).writes()
    Customer(webhook_channel, id=SCOPED).writes()
    assert Address.objects.count() == 2


def test_customers_are_found_by_any_id(chatty_channel: Channel, bea: Agent, api: Any) -> None:
    person(chatty_channel, SCOPED, PHONE).writes()
    door: Api = api(bea)
    for asked in (SCOPED, "%2B6281311112222"):
        found = door.get(f"/customers/?address={asked}&channel={chatty_channel.pk}")["results"]
        assert len(found) == 1, asked
    assert door.get("/customers/?address=nobody")["results"] == []


def test_writing_first_finds_who_is_known_by_another_id(chatty_channel: Channel, ana: Agent) -> None:
    message = person(chatty_channel, SCOPED, PHONE).writes()
    lifecycle.resolve(message.ticket_id, Actor.of(ana))
    sent, _new = replies.start(chatty_channel, ana, PHONE, replies.Draft(text="Halo"))
    assert sent.ticket.address == message.ticket.address
    assert Address.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_ids_of_a_stranger_at_once(chatty_channel: Channel) -> None:
    """However the two interleave, one address; a deadlock the database breaks is opened again."""
    start = threading.Barrier(4)
    people = [
        person(chatty_channel, PHONE, SCOPED), person(chatty_channel, SCOPED, PHONE),
        person(chatty_channel, PHONE), person(chatty_channel, SCOPED, PHONE),
    ]  # fmt: skip

    def write(number: int) -> None:
        try:
            start.wait(60)
            people[number].sends({"type": "message", "id": f"m-{number}", "sender": people[number].sender, "text": "x"})
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    Envelope.objects.filter(state="failed").update(retry_at=timezone.now() - timedelta(seconds=1))
    inbound.retry_due()
    assert ids(chatty_channel) == {tuple(next(iter(ids(chatty_channel))))}
    assert {PHONE, SCOPED} == set(next(iter(ids(chatty_channel))))
    assert Message.objects.count() == 4
    assert Ticket.objects.unresolved().count() == 1


# ── Moves ────────────────────────────────────────────────────────────────────────────────────


def test_a_move_keeps_the_conversation(chatty_channel: Channel, ana: Agent) -> None:
    group = person(chatty_channel, "-100")
    first = group.writes()
    moves(group, "-100", "-1009")
    address = Address.objects.get()
    assert (address.external_id, address.known_ids) == ("-1009", ["-100"])
    assert person(chatty_channel, "-1009").writes(id="m-new").ticket_id == first.ticket_id
    assert person(chatty_channel, "-100").writes(id="m-late").ticket_id == first.ticket_id, (
        "what came late by the old id"
    )
    assert Activity.objects.filter(ticket=first.ticket_id, type="customer.moved").count() == 1
    sent, _new = replies.reply(first.ticket_id, ana, replies.Draft(text="ya"))
    assert sent.ticket.address.external_id == "-1009"


def test_a_move_twice_is_once(chatty_channel: Channel) -> None:
    group = person(chatty_channel, "-100")
    group.writes()
    moves(group, "-100", "-1009")
    moves(group, "-100", "-1009")
    moves(group, "-100", "-1009", id="mv-2")
    assert ids(chatty_channel) == {("-1009", "-100")}
    assert AddressAlias.objects.count() == 1


def test_the_new_id_was_here_before_its_news(chatty_channel: Channel) -> None:
    first = person(chatty_channel, "-100", name="Toko").writes(id="m-1")
    second = person(chatty_channel, "-1009", name="Toko").writes(id="m-2")
    moves(person(chatty_channel, "-100"), "-100", "-1009")
    assert ids(chatty_channel) == {("-1009", "-100")}
    assert Address.objects.get().pk == first.ticket.address_id, "the row that has been there longer stays"
    assert Ticket.objects.unresolved().get().pk == second.ticket_id
    assert Person.objects.count() == 1
    assert person(chatty_channel, "-1009").writes(id="m-3").ticket_id == second.ticket_id


def test_a_snoozed_ticket_wakes_when_an_open_one_joins_it(chatty_channel: Channel, ana: Agent) -> None:
    person(chatty_channel, "-100").writes(id="m-1")
    second = person(chatty_channel, "-1009").writes(id="m-2")
    lifecycle.snooze(second.ticket_id, timezone.now() + timedelta(days=1), Actor.of(ana))
    moves(person(chatty_channel, "-100"), "-100", "-1009")
    ticket = Ticket.objects.unresolved().get()
    assert (ticket.pk, ticket.status, ticket.snoozed_until) == (second.ticket_id, "open", None)


def test_a_move_and_back(chatty_channel: Channel) -> None:
    person(chatty_channel, "1").writes(id="m-1")
    moves(person(chatty_channel, "1"), "1", "2", id="a")
    moves(person(chatty_channel, "1"), "2", "1", id="b")
    assert ids(chatty_channel) == {("1", "2")}
    assert person(chatty_channel, "2").writes(id="m-2").ticket.address.external_id == "1"


def test_a_move_of_a_stranger_makes_nobody(chatty_channel: Channel) -> None:
    moves(person(chatty_channel, "1"), "1", "2")
    assert Address.objects.count() == 0
    assert Envelope.objects.get().state == "opened"


def test_a_long_id_is_the_same_everywhere(chatty_channel: Channel) -> None:
    long = "x" * 300
    person(chatty_channel, "1", long).writes(id="m-1")
    assert person(chatty_channel, long).writes(id="m-2").ticket.address.external_id == "1"
    assert addresses.find(chatty_channel, "nobody") is None
