"""Automatic messages to many tickets at once: the same as one by one, in fewer statements."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agents.models import Team
from channels_app import outbound, prepared
from channels_app.models import Channel
from tests.conftest import Customer, connect
from tests.tickets.test_mail import SECRET, comes
from tickets import automatic, sendable
from tickets.models import Activity, Message, Part, Ticket


@pytest.fixture
def tickets(eka: Customer) -> list[Ticket]:
    found = [Customer(eka.channel, id=f"u-{number}").writes(f"Halo {number}").ticket for number in range(4)]
    Customer(eka.channel, id="u-1").writes("Lagi")
    return [Ticket.objects.get(pk=one.pk) for one in found]


def test_the_conversations_are_those_of_one_by_one(tickets: list[Ticket]) -> None:
    """With handles: none, one for ever, one that is good for one reply, and one that a reply has tried."""
    handles: list[Any] = [None, {"token": "a"}, {"token": "b", "once": True}, {"token": "c", "once": True}]
    for ticket, handle in zip(tickets, handles, strict=True):
        if handle:
            Message.objects.filter(ticket=ticket).update(extra={"reply_handle": handle})
    tried = Message.objects.create(
        ticket=tickets[3], channel=tickets[3].channel, direction="out", status="sent", first_attempt_at=timezone.now()
    )
    Message.objects.create(ticket=tickets[1], channel=tickets[1].channel, direction="out", status="queued")
    found = sendable.conversations_of(tickets)
    assert found == {ticket.pk: sendable.conversation_of(ticket) for ticket in tickets}
    assert [found[one.pk].reply_handle for one in tickets] == [None, {"token": "a"}, handles[2], None]
    assert found[tickets[1].pk].last_inbound_id
    Message.objects.filter(pk=tried.pk).update(first_attempt_at=timezone.now() - timedelta(days=1))
    assert sendable.conversations_of(tickets)[tickets[3].pk].reply_handle == handles[3]


def test_what_one_gets_all_get(tickets: list[Ticket]) -> None:
    alone, *others = tickets
    single = automatic.offer(alone, lambda: "Puas?", "auto-generated")
    assert isinstance(single, Message)
    many = automatic.Many(others)
    for ticket in others:
        able = outbound.abilities(ticket.channel, many.conversation_of(ticket))
        assert isinstance(many.offer(ticket, lambda: "Puas?", able=able), Message)
        many.note(ticket, "survey.asked", {"survey": "x"})
    before = Message.objects.filter(direction="out").count()
    assert before == 1, "nothing is kept before write()"
    many.write()

    def seen(ticket: Ticket) -> dict[str, Any]:
        row = Message.objects.filter(ticket=ticket, direction="out").values().get()
        part = Part.objects.filter(message=row["id"]).values().get()
        line = Activity.objects.filter(ticket=ticket, type="message.added", message=row["id"]).values().get()
        kept = Ticket.objects.get(pk=ticket.pk)
        assert kept.newest_message == row["id"]
        assert kept.seq == Activity.objects.filter(ticket=ticket).latest("seq").seq == ticket.seq
        own = ("id", "ticket_id", "message_id", "seq", "created_at", "at", "next_attempt_at")
        return {name: value for one in (row, part, line) for name, value in one.items() if name not in own}

    assert [seen(ticket) for ticket in others] == [seen(alone)] * 3
    for ticket in others:
        assert [line.type for line in ticket.told] == ["message.added", "survey.asked"]


def test_who_may_not_be_written_to_alone_may_not_be_among_many(help_: Channel, tickets: list[Ticket]) -> None:
    for name in ("machine", "sales", "often", "dora"):
        comes(help_, sender=f"{name}@{'shop' if name == 'sales' else 'mail'}.example")
    asked = {ticket.address.external_id.partition("@")[0]: ticket for ticket in Ticket.objects.filter(channel=help_)}
    Message.objects.filter(ticket=asked["machine"]).update(extra={"mail": {"automatic": "list"}})
    for _time in range(automatic.CAPS[0][1]):
        automatic.offer(asked["often"], lambda: "Lagi", "auto-generated")
    many = automatic.Many(list(asked.values()))
    said = {}
    for name, ticket in asked.items():
        able = outbound.abilities(ticket.channel, many.conversation_of(ticket))
        said[name] = many.offer(ticket, lambda: "Puas?", able=able)
        assert said[name] == automatic.may_send(ticket, "auto-generated") or name == "dora"
    assert {name: reason for name, reason in said.items() if isinstance(reason, str)} == {
        "machine": "list", "sales": "own-address", "often": "rate",
    }  # fmt: skip
    assert isinstance(said["dora"], Message)


@pytest.fixture
def help_(north: Team) -> Channel:
    connect("email", north, "sales", address="sales@shop.example", inbound_secret=SECRET, smtp_url="smtp://127.0.0.1:9")
    return connect(
        "email", north, "help", address="help@shop.example", inbound_secret=SECRET, smtp_url="smtp://127.0.0.1:9"
    )


def test_columns_of_many_rows_in_one_statement(tickets: list[Ticket]) -> None:
    for place, ticket in enumerate(tickets):
        ticket.subject, ticket.snoozed_until, ticket.clocks = f"It's {place} %s", None, {"a": [place]}
        ticket.due_at = timezone.now() if place else None
    with CaptureQueriesContext(connection) as found:
        prepared.update_all(tickets[:3], "subject", "snoozed_until", "due_at", "clocks")
        prepared.update_all([], "subject")
    assert len(found) == 1
    for ticket in tickets[:3]:
        kept = Ticket.objects.get(pk=ticket.pk)
        assert (kept.subject, kept.due_at, kept.snoozed_until) == (ticket.subject, ticket.due_at, None)
        assert json.dumps(kept.clocks) == json.dumps(ticket.clocks)
    assert Ticket.objects.get(pk=tickets[3].pk).subject == "Halo 3"
