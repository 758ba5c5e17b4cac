"""A team that gives out work, colleagues who are there, and customers who wait."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from agents.models import Agent, Team
from agents.presence.models import Presence, Seat
from channels_app.models import Address, Channel
from customers.models import Customer, CustomerAddress
from tickets.intake import open_ticket
from tickets.models import Ticket
from tickets.models.activity import SYSTEM, record
from tickets.routing.models import Queue

Here = Callable[..., Agent]
Wait = Callable[..., Ticket]


@pytest.fixture
def queue(north: Team) -> Queue:
    return Queue.objects.create(team=north, mode=Queue.Mode.DIRECT)


def sit(agent: Agent, *, capacity: int = 10, skills: Any = (), languages: Any = (), choice: str = "") -> Agent:
    """They are there."""
    now = timezone.now()
    Presence.objects.update_or_create(
        agent=agent, defaults={"seen_at": now, "active_at": now, "choice": choice, "status": "online"}
    )
    Seat.objects.update_or_create(
        agent=agent, defaults={"capacity": capacity, "skills": list(skills), "languages": list(languages)}
    )
    return agent


def leave(agent: Agent) -> None:
    """The tab is closed, and the grace is over."""
    Presence.objects.filter(pk=agent.pk).update(seen_at=None)


_people = itertools.count(1)


def writes(channel: Channel, *, customer: Customer | None = None, language: str = "", **fields: Any) -> Ticket:
    """Somebody new, or somebody known by another address, whose ticket is open and nobody's."""
    number = next(_people)
    address = Address.objects.create(channel=channel, external_id=f"w-{number}", name=f"Dora {number}")
    person = customer or Customer.objects.create(name=f"Dora {number}", language=language)
    CustomerAddress.objects.create(address=address, customer=person)
    ticket = open_ticket(channel, Address.objects.get(pk=address.pk), **fields)
    record(ticket, "ticket.created", SYSTEM)
    return ticket
