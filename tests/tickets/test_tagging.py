"""Tags: names once, merged and deleted without a ticket losing anything else."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from agents import staff
from agents.models import Agent
from tests.conftest import Customer
from tickets import lifecycle, tagging
from tickets.models import Activity, Actor, Tag, Ticket


@pytest.fixture
def by(ana: Agent) -> Actor:
    return Actor.of(ana)


def tagged(customer: Customer, by: Actor, *names: str) -> Ticket:
    return lifecycle.change(customer.writes().ticket.pk, by, tags=names)


def names(ticket: Ticket) -> set[str]:
    return set(ticket.tags.values_list("name", flat=True))


def test_names_are_once(by: Actor) -> None:
    first = tagging.name(Tag(), "Retur")
    with pytest.raises(tagging.Same) as refused:
        tagging.name(Tag(), "RETUR")
    assert refused.value.other == first
    second = tagging.name(Tag(), "Ganti")
    with pytest.raises(staff.Taken):
        tagging.name(second, "retur")
    assert tagging.name(first, "retur").name == "retur"


def test_merge(dora: Customer, eka: Customer, by: Actor) -> None:
    one = tagged(dora, by, "Refund", "VIP")
    both = tagged(eka, by, "Refund", "Retur")
    resolved = tagged(Customer(dora.channel, id="u-old"), by, "Refund")
    lifecycle.resolve(resolved.pk, by)
    refund, retur = Tag.objects.get(name="Refund"), Tag.objects.get(name="Retur")
    tagging.merge(refund, retur, by)
    assert names(one) == {"Retur", "VIP"}
    assert names(both) == names(resolved) == {"Retur"}
    assert not Tag.objects.filter(name="Refund").exists()
    assert tagging.uses([retur]) == {retur.pk: 3}
    # Whoever looks at an open ticket is told; one that is resolved changes quietly.
    told = Activity.objects.filter(type="ticket.changed", changes__tags=[["Refund", "VIP"], ["Retur", "VIP"]])
    assert told.get().ticket == one
    assert Activity.objects.filter(ticket=resolved, type="ticket.changed").count() == 1


def test_delete(dora: Customer, by: Actor) -> None:
    ticket = tagged(dora, by, "Refund", "VIP")
    resolved = tagged(Customer(dora.channel, id="u-old"), by, "Refund")
    lifecycle.resolve(resolved.pk, by)
    refund = Tag.objects.get(name="Refund")
    tagging.delete(refund, by)
    assert (names(ticket), names(resolved)) == ({"VIP"}, set())
    tagging.delete(refund, by)


def test_of_very_many_only_the_newest_are_told(dora: Customer, by: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    tickets = [tagged(Customer(dora.channel, id=f"u-{number}"), by, "Promo") for number in range(4)]
    monkeypatch.setattr(tagging, "TOLD", 2)
    before = Activity.objects.count()
    tagging.delete(Tag.objects.get(), by)
    assert Activity.objects.count() == before + 2
    assert [names(ticket) for ticket in tickets] == [set()] * 4


def test_a_merge_into_what_is_gone(dora: Customer, by: Actor) -> None:
    ticket = tagged(dora, by, "Refund", "VIP")
    refund, vip = Tag.objects.get(name="Refund"), Tag.objects.get(name="VIP")
    Tag.objects.filter(pk=refund.pk).delete()
    with pytest.raises(staff.Refused):
        tagging.merge(refund, vip, by)
    assert names(ticket) == {"VIP"}


@pytest.mark.django_db(transaction=True)
def test_tagging_while_the_tag_is_deleted(dora: Customer, by: Actor) -> None:
    """Whoever is first, nobody's request breaks, and the tickets point at no tag that is gone."""
    tickets = [Customer(dora.channel, id=f"u-{number}").writes().ticket for number in range(4)]

    def tag(ticket: Ticket) -> Any:
        lifecycle.change(ticket.pk, by, tags=["Zebra", "Refund", "Alpha"])

    def delete(_none: Any) -> Any:
        for found in Tag.objects.filter(name="Refund"):
            tagging.delete(found, by)

    together = threading.Barrier(5)

    def run(act: Any, value: Any) -> Any:
        try:
            together.wait(60)
            return act(value)
        except Exception as error:
            return error
        finally:
            connection.close()

    for _round in range(4):
        tagging.name(Tag(), "Refund") if not Tag.objects.filter(name="Refund").exists() else None
        with ThreadPoolExecutor(5) as pool:
            done = list(pool.map(run, [tag, tag, tag, tag, delete], [*tickets, None]))
        assert done == [None] * 5
        assert all({"Zebra", "Alpha"} <= names(ticket) for ticket in tickets)
        for ticket in tickets:
            lifecycle.change(ticket.pk, by, tags=["Zebra"])
