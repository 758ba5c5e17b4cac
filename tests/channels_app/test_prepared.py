"""Statements that are built once do what Django's own would."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F

from agents.models import Team
from channels_app import prepared
from channels_app.models import Address, Channel, Envelope
from channels_app.prepared import Select
from customers.models import Customer, CustomerAddress
from tests.conftest import connect

pytestmark = pytest.mark.django_db
BY_ID = Select(
    lambda channel, external_id: Address.objects.select_related("customer_link__customer").filter(
        channel=channel.number, external_id=external_id.text
    ),
    holes=2,
)


@pytest.fixture
def channel(north: Team) -> Channel:
    return connect("sandbox", north)


def met(channel: Channel, name: str) -> Address:
    return Address.objects.create(channel=channel, external_id=name, name=name.title(), known_ids=[f"{name}-2"])


def fields(row: object) -> dict[str, object]:
    return {name: value for name, value in vars(row).items() if name != "_state"}


def test_a_row_with_what_hangs_on_it_is_found_in_one_statement(channel: Channel) -> None:
    dora, eka = met(channel, "dora"), met(channel, "eka")
    CustomerAddress.objects.create(address=dora, customer=Customer.objects.create(name="Dora S."))
    BY_ID.first(channel.pk, "nobody")
    with connection.execute_wrapper(lambda run, sql, *rest: (ran.append(sql), run(sql, *rest))[1]):
        ran: list[str] = []
        found = BY_ID.first(channel.pk, "dora")
        assert found is not None
        assert found.customer_link.customer.name == "Dora S."
        other = BY_ID.first(channel.pk, "eka")
        assert other is not None
        assert not hasattr(other, "customer_link")
    assert len(ran) == 2
    assert fields(other) == fields(Address.objects.get(pk=eka.pk))
    assert BY_ID.first(channel.pk + 1, "dora") is None
    found.name = "Baru"
    found.save()
    assert Address.objects.get(pk=dora.pk).name == "Baru"


def test_a_query_that_forgets_a_value_is_refused(channel: Channel) -> None:
    with pytest.raises(ValueError, match="does not use"):
        Select(lambda one, two: Address.objects.filter(external_id=one.text), holes=2).first("a", "b")


def test_a_row_is_written_as_save_writes_it(channel: Channel) -> None:
    for number in range(2):
        row = prepared.insert(
            Envelope(channel=channel, headers={"a": ["é"]}, body=b"\x00\xff", delivery_key=str(number))
        )
        assert row.pk
        assert not row._state.adding
        kept = Envelope.objects.get(pk=row.pk)
        assert fields(kept) == {**fields(Envelope.objects.get(pk=row.pk))}
        assert (kept.headers, bytes(kept.body), kept.received_at) == ({"a": ["é"]}, b"\x00\xff", row.received_at)
    assert any(name.endswith("Envelope") for name in prepared.known())
    with pytest.raises(IntegrityError), transaction.atomic():
        prepared.insert(Envelope(channel=channel, delivery_key="1"))


def test_an_expression_goes_the_long_way(channel: Channel) -> None:
    row = prepared.insert(Customer(name="a"))
    prepared.update(Customer, row.pk, name=F("language"))
    assert Customer.objects.get(pk=row.pk).name == ""


def test_columns_of_one_row_are_written_and_no_others(channel: Channel) -> None:
    dora, eka = met(channel, "dora"), met(channel, "eka")
    for name in ("x", "y"):
        prepared.update(Address, dora.pk, name=name, known_ids=[name], blocked_at=None)
    prepared.update(Address, dora.pk, channel=channel)
    dora.refresh_from_db()
    eka.refresh_from_db()
    assert (dora.name, dora.known_ids, dora.external_id, eka.name) == ("y", ["y"], "dora", "Eka")
