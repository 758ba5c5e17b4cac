"""What `make drill` fills and counts (tests/drill_surveys.py), without a hub: what is missing or doubled is seen."""

from __future__ import annotations

from typing import Any

import pytest

from agents.models import Agent
from channels_app.models import Channel
from surveys import answering
from surveys.models import Invitation
from tests import drill_surveys
from tests.surveys.conftest import around
from tickets.models import Message, Ticket

TICKETS = 6


@pytest.fixture
def filled(webhook_channel: Channel, bea: Agent, lena: Agent, monkeypatch: Any) -> None:
    monkeypatch.setattr(drill_surveys, "_links", lambda names: {})
    drill_surveys.fill(TICKETS, webhook_channel.pk)
    around()


def answered() -> dict[str, int]:
    for place, row in enumerate(Invitation.objects.order_by("pk")):
        score = drill_surveys.LOW if place % 3 else drill_surveys.BEST
        answering.taken(row.pk, answering.Given(score=score))
    around()
    Message.objects.filter(direction="out").update(status="sent", next_attempt_at=None)
    return drill_surveys.count()


def test_all_is_well(filled: None) -> None:
    assert drill_surveys.count()["left"] == TICKETS, "questions that wait to be sent"
    assert drill_surveys.problems_in(answered(), TICKETS) == []


def test_what_is_missing_or_doubled_is_said(filled: None) -> None:
    found = answered()
    ticket = Ticket.objects.order_by("pk").first()
    assert ticket is not None
    Message.objects.create(
        ticket=ticket, channel=ticket.channel, direction="out", status="sent", extra={"quick_replies": []}
    )
    Invitation.objects.filter(ticket=ticket).delete()
    said = drill_surveys.problems_in(drill_surveys.count(), TICKETS)
    assert f"questions: {TICKETS + 1} instead of {TICKETS}" in said
    assert f"answers: {TICKETS - 1} instead of {TICKETS}" in said
    assert found["answers"] == TICKETS
