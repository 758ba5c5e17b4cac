"""Who is behind a ticket: what stands beside the conversation about them, and what an agent may change of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import phonenumbers
from django.conf import settings
from django.conf.locale import LANG_INFO
from django.db import transaction
from django.db.models import Count, Q, QuerySet, Window
from django.utils.translation import gettext as _

from agents.models import Agent, Sight
from channels_app.contract import Words, clean_text
from channels_app.models import Address
from customers.models import Customer, CustomerAddress
from tickets.erasing.models import Erasure
from tickets.lifecycle import Refused
from tickets.models import Actor, Message, Ticket
from tickets.models.activity import record

FIELDS = ("name", "language", "party", "type")
OTHERS = 5
ADDRESSES = 30
MEMBERS = 30
# Beside those of the product, what is spoken and written around it.
LANGUAGES_NEAR = (
    "zh-hans", "zh-hant", "ta", "hi", "bn", "ur", "vi", "my", "km", "ar", "ja", "ko", "nl", "fr", "de", "es", "pt",
    "ru",
)  # fmt: skip


# ── Changing ─────────────────────────────────────────────────────────────────────────────────


@transaction.atomic
def change(customer_id: int, by: Actor, sight: Sight, *, number: int | None = None, **wanted: Any) -> Customer:
    """name, language, party, type; the door saw to it that ``by`` may see the customer. Raises Refused.

    The line stands on the ticket at hand, else on their newest unresolved one that the agent sees, else on the newest.
    """
    customer = Customer.objects.select_for_update().get(pk=customer_id)
    if Erasure.objects.filter(pk=customer_id).exists():
        raise Refused(_("This customer was erased. Nothing can be written about them any more."))
    changes = {name: [getattr(customer, name), value] for name, value in _read(wanted).items()}
    changes = {name: pair for name, pair in changes.items() if pair[0] != pair[1]}
    if not changes:
        return customer
    Customer.objects.filter(pk=customer.pk).update(**{name: pair[1] for name, pair in changes.items()})
    for name, pair in changes.items():
        setattr(customer, name, pair[1])
    ticket = _ticket_of(customer_id, sight, number)
    if ticket is not None:
        record(ticket, "customer.changed", by, changes=changes)
    return customer


def _read(wanted: dict[str, Any]) -> dict[str, str]:
    values: dict[str, str] = {}
    for name in FIELDS:
        if name in wanted:
            values[name] = " ".join(clean_text(wanted[name]).split())
    for name, choices in (("party", Customer.Party.values), ("type", Customer.Type.values)):
        if name in values and values[name] not in choices:
            raise Refused(_("Choose one of those that are offered."))
    if len(values.get("name", "")) > 200 or len(values.get("language", "")) > 16:
        raise Refused(_("The name is too long."))
    return values


def _ticket_of(customer_id: int, sight: Sight, number: int | None) -> Ticket | None:
    theirs = Ticket.objects.seen_with(sight).filter(customer=customer_id).order_by("-seq")
    found = theirs.filter(pk=number).first() if number else theirs.unresolved().first() or theirs.first()
    return None if found is None else Ticket.objects.locked().get(pk=found.pk)


def may_see(ticket: Ticket) -> QuerySet[Agent]:
    """Colleagues who may have this ticket: of its team, administrators, and all if it has none."""
    active = Agent.objects.filter(is_active=True)
    if ticket.team_id is None:
        return active
    members = Agent.teams.through.objects.filter(team_id=ticket.team_id).values("agent_id")
    return active.filter(Q(role=Agent.Role.ADMIN) | Q(pk__in=members))


# ── Beside the conversation ──────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Panel:
    customer: Customer
    name: str
    addresses: Sequence[Address]
    others: Sequence[Ticket]
    total: int
    """Of their other tickets, as far as this agent sees them."""
    members: Sequence[Address]
    """Who has written in a group chat; empty where it is none."""
    first_seen: datetime


def panel(ticket: Ticket, sight: Sight) -> Panel:
    """Two statements, in a group three; the ticket was read ``for_reading``."""
    links = CustomerAddress.objects.filter(customer=ticket.customer_id).select_related("address__channel")
    addresses = [link.address for link in links.order_by("pk")[:ADDRESSES]]
    others = list(
        Ticket.objects.seen_with(sight)
        .filter(customer=ticket.customer_id)
        .exclude(pk=ticket.pk)
        .select_related("channel")
        .annotate(total=Window(Count("pk")))
        .order_by("-seq")[:OTHERS]
    )
    return Panel(
        customer=ticket.customer,
        name=name_of(ticket),
        addresses=addresses,
        others=others,
        total=getattr(others[0], "total", 0) if others else 0,
        members=_members(ticket) if ticket.address.is_group else (),
        first_seen=min([ticket.customer.created_at, *(address.created_at for address in addresses)]),
    )


def _members(ticket: Ticket) -> Sequence[Address]:
    wrote = Message.objects.filter(ticket=ticket, direction=Message.Direction.IN).values("address")
    return list(Address.objects.filter(pk__in=wrote).exclude(pk=ticket.address_id).order_by("name", "pk")[:MEMBERS])


def name_of(ticket: Ticket) -> str:
    return ticket.customer.name or ticket.address.name or ticket.address.handle


def phone(number: str) -> str:
    """+6281234567890 as people write it; what is no whole number stays as it is."""
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def languages(now: str) -> list[tuple[str, Words]]:
    """For a choice; what a platform has said stays among them, whatever it is."""
    known = [code for code, _name in settings.LANGUAGES]
    listed = [(code, LANG_INFO[code]["name_local"]) for code in (*known, *LANGUAGES_NEAR)]
    if now and now not in dict(listed):
        listed.insert(0, (now, LANG_INFO.get(now.lower(), {}).get("name_local", now)))
    return [("", _("Not known")), *listed]
