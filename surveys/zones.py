"""Whose night it is: the time zone of a customer, and the next moment that is not in their quiet hours."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from django.conf import settings
from django.db.models import Q
from phonenumbers import timezone as phone_zones

from channels_app.hours import hours_for
from channels_app.models import Address, Channel
from customers.models import Customer

NAMED = ("time_zone", "timezone")
"""The attribute of a customer, or of a visitor, that says where they are."""
UNKNOWN = "Etc/Unknown"
MOST_ZONES = 4
"""A country of more zones tells too little: then the channel's own counts."""


def zones_of(
    address: Address, channel: Channel, customer: Customer | None = None, phones: Sequence[str] = ()
) -> list[ZoneInfo]:
    """Where the customer may be: as their attribute says, else by their phone, here or elsewhere (``phones_of``), else
    by the channel. Of a country with several zones all: a good time is good in each."""
    ways = [_said(customer.attributes if customer else {}), _said(address.facts)]
    ways += [_of_phone(number) for number in (address.phone or address.external_id, *phones)]
    return next((found for found in map(_known, ways) if found), None) or _known((_of_channel(channel),))


def phones_of(customers: Iterable[int]) -> dict[int, list[str]]:
    """The numbers that each is known by, on whatever channel, in one statement."""
    found: dict[int, list[str]] = defaultdict(list)
    numbers = Q(phone__startswith="+") | Q(external_id__startswith="+")
    rows = Address.objects.filter(numbers, customer_link__customer__in=set(customers)).order_by("pk")
    for customer, phone, external_id in rows.values_list("customer_link__customer", "phone", "external_id"):
        found[customer].append(phone or external_id)
    return found


def _said(notes: Mapping[str, Any]) -> tuple[str, ...]:
    """The zone that an attribute of theirs names."""
    return tuple(str(value) for name, value in notes.items() if name.lower().replace(" ", "_") in NAMED)


@lru_cache(maxsize=2048)
def _of_phone(number: str) -> tuple[str, ...]:
    if not number.startswith("+"):
        return ()
    try:
        found = phone_zones.time_zones_for_number(phonenumbers.parse(number, None))
    except phonenumbers.NumberParseException:
        return ()
    return tuple(found) if len(found) <= MOST_ZONES and UNKNOWN not in found else ()


def _of_channel(channel: Channel) -> str:
    """Its setting, else the zone of the opening hours that count for it: who opens there sells there."""
    hours = hours_for(channel.team_id, channel.pk)
    return str(channel.public_settings.get("time_zone") or (hours.zone if hours else "") or settings.TIME_ZONE)


def _known(names: Sequence[str]) -> list[ZoneInfo]:
    found = []
    for name in names:
        try:
            found.append(ZoneInfo(name))
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
    return found


def is_quiet(at: time, begins: time | None, ends: time | None) -> bool:
    """The hours may go over midnight. None: there are none; the same time twice: none."""
    if begins is None or ends is None or begins == ends:
        return False
    if begins < ends:
        return begins <= at < ends
    return at >= begins or at < ends


def awake(at: datetime, zones: Sequence[ZoneInfo], begins: time | None, ends: time | None) -> datetime:
    """The first moment from ``at`` on that is in nobody's quiet hours; where there is none, in the first zone's."""

    def good(moment: datetime, asked: Sequence[ZoneInfo]) -> bool:
        return not any(is_quiet(moment.astimezone(zone).time(), begins, ends) for zone in asked)

    if begins is None or ends is None or good(at, zones):
        return at
    # A quiet time can only be over when somebody's is.
    over = sorted(moment for zone in zones for moment in _ends(at, zone, ends) if moment > at)
    for asked in (zones, zones[:1]):
        found = next((moment for moment in over if good(moment, asked)), None)
        if found is not None:
            return found
    return at


def _ends(at: datetime, zone: ZoneInfo, ends: time) -> list[datetime]:
    today = at.astimezone(zone).date()
    return [datetime.combine(today + timedelta(days=day), ends, zone).astimezone(UTC) for day in range(3)]
