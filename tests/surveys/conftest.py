"""A survey that is on, and a ticket that is resolved."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from agents.models import Agent
from surveys import asking, following, tallies, texts, watching
from surveys.models import Invitation, Survey
from tickets import lifecycle
from tickets.models import Actor, Message, Ticket
from tickets.models.activity import newest

AT_ONCE = {"delay_minutes": 0, "quiet_from": "", "quiet_to": "", "every_days": 0}


def survey(kind: str = "csat", *, name: str = "After help", rules: Any = (), **more: Any) -> Survey:
    """Switched on, asked at once unless ``when`` says otherwise; texts in four languages."""
    when = {**AT_ONCE, **more.pop("when", {})}
    content = {"look": "stars", "languages": list(texts.LANGUAGES), "texts": texts.usual(kind), **more}
    return Survey.objects.create(
        name=name, kind=kind, enabled=True, content=content, when=when, rules=list(rules), defects={}
    )


@pytest.fixture(autouse=True)
def place(db: None, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that is one transaction is its own unfinished writer: it reads its own lines all the same."""
    marker = request.node.get_closest_marker("django_db")
    if marker is None or not marker.kwargs.get("transaction"):
        monkeypatch.setattr(watching, "horizon", newest)
    watching.now_reads_from(newest())


@pytest.fixture
def csat(db: None) -> Survey:
    return survey()


@pytest.fixture
def turn() -> Callable[[], None]:
    """One round of the surveys' timetable."""
    return around


def around() -> None:
    watching.follow()
    asking.sweep()
    following.sweep()
    tallies.sweep()


def resolved(ticket: Ticket, agent: Agent) -> Ticket:
    return lifecycle.resolve(ticket.pk, Actor.of(agent))


def asked(ticket: Ticket, agent: Agent) -> Invitation:
    """Resolved and asked: the invitation is open."""
    resolved(ticket, agent)
    around()
    return Invitation.objects.filter(ticket=ticket).latest("pk")


def later(row: Invitation, **span: float) -> None:
    """As if it had been asked so long ago."""
    ago = timedelta(**span)
    for field in ("due_at", "asked_at", "expires_at"):
        at = getattr(row, field)
        Invitation.objects.filter(pk=row.pk).update(**{field: at - ago if at else None})


def questions(ticket: Ticket) -> list[Message]:
    return list(Message.objects.filter(ticket=ticket, direction="out", agent=None).order_by("pk"))


def soon() -> Any:
    return timezone.now() + timedelta(minutes=1)
