"""Whose night it is: as the customer's attribute says, else their phone, else the channel or its opening hours."""

from __future__ import annotations

from typing import Any

import pytest

from agents.hours.models import Schedule, TeamHours
from channels_app import hours
from channels_app.models import Address, Channel
from customers.models import Customer, CustomerAddress
from surveys import zones

pytestmark = pytest.mark.django_db


def named(channel: Channel, **fields: Any) -> set[str]:
    return {str(zone) for zone in zones.zones_of(Address(channel=channel, **fields), channel)}


def test_the_hours_that_count_for_the_channel_say_where_it_is(webhook_channel: Channel, settings: Any) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    assert named(webhook_channel, external_id="u-1") == {"Europe/Berlin"}
    schedule = Schedule.objects.create(name="Toko", time_zone="Asia/Makassar")
    assert webhook_channel.team
    TeamHours.objects.create(team=webhook_channel.team, schedule=schedule)
    hours.book.forget()
    assert named(webhook_channel, external_id="u-1") == {"Asia/Makassar"}
    assert named(webhook_channel, external_id="u-1", phone="+66812345678") == {"Asia/Bangkok"}
    webhook_channel.public_settings["time_zone"] = "Asia/Jakarta"
    assert named(webhook_channel, external_id="u-1") == {"Asia/Jakarta"}


def zone_of(address: Address, customer: Customer | None = None) -> set[str]:
    phones = zones.phones_of([customer.pk])[customer.pk] if customer else ()
    return {str(zone) for zone in zones.zones_of(address, address.channel, customer, phones)}


def test_a_customers_own_zone_comes_before_their_phones(webhook_channel: Channel) -> None:
    here = Address(channel=webhook_channel, external_id="u-1", phone="+66812345678")
    said = Customer(pk=1, attributes={"Time zone": "America/Sao_Paulo", "plan": "gold"})
    assert zone_of(here, said) == {"America/Sao_Paulo"}
    here.facts = {"timezone": "Asia/Tokyo"}
    assert zone_of(here, Customer(pk=1)) == {"Asia/Tokyo"}


@pytest.mark.parametrize("zone", ["Mars/Base", "", "../../etc/passwd", "Asia", "a" * 9000, "x\0y", 7, True, None])
def test_a_zone_that_is_none_says_nothing(webhook_channel: Channel, zone: Any) -> None:
    here = Address(channel=webhook_channel, external_id="u-1", phone="+66812345678")
    said = Customer(pk=1, attributes={"time_zone": zone})
    assert zone_of(here, said) == {"Asia/Bangkok"}
    here.facts = {"timezone": "Asia/Tokyo"}
    assert zone_of(here, said) == {"Asia/Tokyo"}


def test_a_phone_that_is_known_from_elsewhere(webhook_channel: Channel, sms_channel: Channel) -> None:
    """Who writes a mail and has written an SMS before."""
    customer = Customer.objects.create(name="Dora")
    mail = Address.objects.create(channel=webhook_channel, external_id="dora@mail.example")
    phone = Address.objects.create(channel=sms_channel, external_id="+66812345678")
    for address in (mail, phone):
        CustomerAddress.objects.create(address=address, customer=customer)
    assert zone_of(mail, customer) == {"Asia/Bangkok"}
