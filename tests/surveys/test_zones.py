"""Whose night it is where neither the customer nor the channel says: the opening hours tell."""

from __future__ import annotations

from typing import Any

import pytest

from agents.hours.models import Schedule, TeamHours
from channels_app import hours
from channels_app.models import Address, Channel
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
