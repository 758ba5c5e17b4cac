"""The live board: what it shows to whom, what it costs, and work given from it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agents.models import Agent, Team
from channels_app.models import Channel
from tests.conftest import connect, hire
from tests.tickets.routing.conftest import queue, sit, writes
from tests.tickets.routing.test_pages import PART, as_, text_of
from tickets import lifecycle
from tickets.models import Actor, Ticket
from tickets.routing import desk
from tickets.routing.models import Queue

pytestmark = pytest.mark.django_db
__all__ = ["queue"]


def test_who_is_there_and_what_waits_for_how_long_and_why(
    sms_channel: Channel, lena: Agent, bea: Agent, queue: Queue
) -> None:
    sit(bea, capacity=2, languages=["th"], skills=["refunds"])
    writes(sms_channel, subject="Mine")
    desk.sweep()
    old = writes(sms_channel, subject="Old one", language="id")
    Ticket.objects.filter(pk=old.pk).update(
        waiting_since=timezone.now() - timedelta(hours=5), due_at=timezone.now(), sla_state="breached"
    )
    desk.sweep()
    said = text_of(as_(lena).get("/board/"))
    assert "Bea Online 2 of 2 1 Thai, refunds" in said
    assert "North SMS 1 0 0 0 1" in said
    assert "Old one" in said
    assert "everybody is full" in said
    assert "Late" in said
    part = as_(lena).get("/board/", headers=PART).content.decode()
    assert "Old one" in part
    assert "<html" not in part


def test_a_lead_sees_their_own_teams_and_agents_see_no_board(
    sms_channel: Channel, south: Team, lena: Agent, bea: Agent, carl: Agent, ana: Agent
) -> None:
    writes(connect("sandbox", south, "Elsewhere"), subject="Not for the north")
    said = text_of(as_(lena).get(f"/board/?team={south.pk}"))
    assert "Not for the north" not in said
    assert "Carl" not in said
    assert "Not for the north" in text_of(as_(ana).get("/board/"))
    assert as_(bea).get("/board/").status_code == 403
    assert Client().get("/board/").status_code == 302
    for team in ("x", "9" * 30, "-1", ""):
        assert as_(lena).get(f"/board/?team={team}").status_code == 200


def test_tickets_are_taken_and_given_from_there(
    sms_channel: Channel, south: Team, lena: Agent, bea: Agent, carl: Agent
) -> None:
    first, second, third = (writes(sms_channel) for _ in range(3))
    client = as_(lena)
    assert client.post("/board/give/", {"ticket": first.pk, "agent": ""}).status_code == 302
    assert client.post("/board/give/", {"ticket": second.pk, "agent": bea.pk}).status_code == 302
    # Not somebody who cannot see it, nor what somebody has by now.
    client.post("/board/give/", {"ticket": third.pk, "agent": carl.pk})
    lifecycle.assign(third.pk, bea, Actor.of(bea))
    client.post("/board/give/", {"ticket": third.pk, "agent": lena.pk})
    assert [Ticket.objects.get(pk=one.pk).assignee for one in (first, second, third)] == [lena, bea, bea]
    elsewhere = writes(connect("sandbox", south, "Elsewhere"))
    assert client.post("/board/give/", {"ticket": elsewhere.pk}).status_code == 404
    assert as_(bea).post("/board/give/", {"ticket": first.pk}).status_code == 403


def test_it_costs_the_same_however_large_the_desk(sms_channel: Channel, north: Team, ana: Agent, queue: Queue) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as made:
            assert client.get("/board/", headers=PART).status_code == 200
        return len(made)

    client = as_(ana)
    sit(hire("Fay", north))
    writes(sms_channel)
    cost()
    few = cost()
    for number in range(6):
        sit(hire(f"Gus{number}", north))
        writes(sms_channel), writes(sms_channel, assignee=ana)
    assert cost() == few
    assert few <= 14
