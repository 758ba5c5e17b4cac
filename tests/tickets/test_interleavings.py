"""Whatever order platforms deliver in, however often, and from how many sides: the same desk."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import close_old_connections, connection, connections, transaction
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from agents.models import Agent
from channels_app.models import Channel
from customers.models import Customer as Person
from tests.conftest import Customer, connect, hire, sweep_all
from tests.platforms.webhook import SECRET
from tickets import replies
from tickets.models import Message, Part, Ticket

START = datetime(2025, 11, 20, 8, 0, tzinfo=UTC)
DORA = {"id": "u-dora", "name": "Dora"}
EKA = {"id": "u-eka", "name": "Eka"}


def at(second: int) -> str:
    return (START + timedelta(seconds=second)).isoformat()


def story(ours: str) -> list[dict[str, Any]]:
    """Everything that may happen, each with its own time. ours: the platform's id of our reply."""
    return [
        {"type": "message", "id": "m-1", "sender": DORA, "text": "satu", "sent_at": at(1)},
        {"type": "message", "id": "m-2", "sender": DORA, "text": "dua", "sent_at": at(2)},
        {"type": "message", "id": "m-3", "sender": EKA, "text": "tiga", "sent_at": at(3)},
        {"type": "edit", "message": "m-1", "text": "satu, kedua", "at": at(4)},
        {"type": "edit", "message": "m-1", "sender": DORA, "text": "satu, ketiga", "at": at(5)},
        {"type": "edit", "message": "m-1", "sender": DORA, "text": "satu, pertama", "at": at(3)},
        {"type": "delete", "message": "m-2"},
        {"type": "edit", "message": "m-2", "sender": DORA, "text": "dua, kedua", "at": at(6)},
        {"type": "reaction", "message": "m-1", "sender": DORA, "emoji": "👍", "at": at(5)},
        {"type": "reaction", "message": "m-1", "sender": DORA, "emoji": "❤️", "at": at(7)},
        {"type": "reaction", "message": "m-1", "sender": EKA, "emoji": "🙏", "at": at(6)},
        {"type": "reaction", "message": "m-1", "sender": EKA, "removed": True, "at": at(8)},
        {"type": "reaction", "message": "m-3", "sender": EKA, "emoji": "🙏", "at": at(6)},
        {"type": "receipt", "message": ours, "status": "sent"},
        {"type": "receipt", "message": ours, "status": "delivered"},
        {"type": "receipt", "message": ours, "status": "failed", "error": {"title": "no"}},
        {"type": "receipt", "message": ours, "status": "read"},
        {"type": "message", "id": "m-1", "sender": DORA, "text": "satu", "sent_at": at(1)},
    ]


NEWS = story("x-1")
# A desk is built for every example: making a failing one smaller would take minutes.
QUICK = (Phase.explicit, Phase.generate)


def desk() -> dict[str, Any]:
    """All that an agent sees, without what no platform said (our own numbers and times)."""
    return {
        "people": sorted(Person.objects.values_list("name", flat=True)),
        "tickets": sorted(Ticket.objects.values_list("customer__name", "status", "subject")),
        "messages": sorted(
            (
                row.external_id or "", row.direction, row.ticket.customer.name, row.text, row.status,
                row.edited_at.isoformat() if row.edited_at else "", row.sent_at.isoformat() if row.sent_at else "",
                bool(row.deleted_at), row.from_edit,
                tuple((item["emoji"], item["author"]["name"]) for item in row.reactions),
            )
            for row in Message.objects.select_related("ticket__customer")
        ),
    }  # fmt: skip


def cast() -> tuple[Channel, Agent]:
    return connect("webhook", None, "Shop", secret=SECRET, reply_url="http://127.0.0.1:9/"), hire("Ana", None, "admin")


def our_reply(channel: Channel, agent: Agent) -> Message:
    """Dora has a ticket, and our answer to it is known to the platform as x-1."""
    first = Customer(channel).writes("mulai", id="m-0", sent_at=at(0))
    reply, _new = replies.reply(first.ticket_id, agent, replies.Draft("Ya?"))
    Message.objects.filter(pk=reply.pk).update(status="sent", external_id="x-1", next_attempt_at=None)
    Part.objects.filter(message=reply).update(status="sent", external_id="x-1")
    return reply


def told(order: Sequence[int], *, batches: bool = False) -> dict[str, Any]:
    """The desk after these news in that order; everything is taken back afterwards."""
    with transaction.atomic():
        channel, agent = cast()
        our_reply(channel, agent)
        dora = Customer(channel)
        if batches:
            half = len(order) // 2
            for part in (order[:half], order[half:]):
                dora.sends({"type": "batch", "events": [NEWS[number] for number in part]})
        else:
            for number in order:
                dora.sends(NEWS[number])
        sweep_all()
        seen = desk()
        transaction.set_rollback(True)
    return seen


@pytest.fixture
def expected(db: None) -> dict[str, Any]:
    return told(range(len(NEWS)))


def test_the_story_in_order(expected: dict[str, Any]) -> None:
    rows = {row[0]: row for row in expected["messages"]}
    assert rows["m-1"][3] == "satu, ketiga"
    assert rows["m-1"][-1] == (("❤️", "Dora"),)
    assert rows["m-2"][3] == ""
    assert rows["m-2"][7] is True
    assert rows["x-1"][4] == "read"
    assert expected["people"] == ["Dora", "Eka"]
    assert len(expected["tickets"]) == 2


def alike(seen: dict[str, Any], expected: dict[str, Any]) -> None:
    """A message that was taken back before it came never shows: that is its tombstone or nothing."""
    for one in (seen, expected):
        one["messages"] = [row for row in one["messages"] if row[0] != "m-2" or row[3] != ""]
    assert seen == expected


@settings(max_examples=40, phases=QUICK)
@given(order=st.permutations(range(len(NEWS))), again=st.lists(st.sampled_from(range(len(NEWS))), max_size=6))
@example(order=list(reversed(range(len(NEWS)))), again=[])
def test_any_order_and_any_redelivery_gives_the_same_desk(
    expected: dict[str, Any], order: list[int], again: list[int]
) -> None:
    alike(told([*order, *again]), dict(expected))


@settings(max_examples=25, phases=QUICK)
@given(order=st.permutations(range(len(NEWS))))
@example(order=[10, 1, 2, 3, 6, 11, 7, 8, 9, 4, 0, 5, 12, 13, 14, 15, 16, 17])
def test_any_batch_gives_the_same_desk(expected: dict[str, Any], order: list[int]) -> None:
    alike(told(order, batches=True), dict(expected))


# ── At once ──────────────────────────────────────────────────────────────────────────────────


def at_once(jobs: Sequence[Any]) -> list[Any]:
    """Each in a thread and a connection of its own, let go together."""
    gate, answers = threading.Barrier(len(jobs)), [None] * len(jobs)

    def run(number: int) -> None:
        gate.wait(60)
        try:
            answers[number] = jobs[number]()
        except Exception as error:
            answers[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    close_old_connections()
    return answers


@pytest.mark.django_db(transaction=True)
def test_the_same_message_twenty_times_at_once() -> None:
    channel, _ana = cast()
    event = {"type": "message", "id": "m-1", "sender": DORA, "text": "Halo"}
    answers = at_once([lambda n=n: Customer(channel).post(event, delivery=f"msg_{n % 10}") for n in range(20)])
    assert [answer.status_code for answer in answers] == [200] * 20
    assert (Message.objects.count(), Ticket.objects.count(), Person.objects.count()) == (1, 1, 1)


@pytest.mark.django_db(transaction=True)
def test_the_whole_story_at_once() -> None:
    channel, ana = cast()
    our_reply(channel, ana)
    posts = [
        lambda event=event, n=n: Customer(channel).post(event, delivery=f"d-{n}") for n, event in enumerate(NEWS * 2)
    ]
    for answer in at_once(posts):
        assert answer.status_code == 200, answer
    # What failed for a lock is tried again by itself.
    from channels_app.models import Envelope

    Envelope.objects.exclude(retry_at=None).update(retry_at=START)
    sweep_all()
    seen = desk()
    with transaction.atomic():
        flush()
    alike(seen, told(range(len(NEWS))))


def flush() -> None:
    from django.core.management import call_command

    call_command("flush", verbosity=0, interactive=False)


@pytest.mark.django_db(transaction=True)
def test_many_customers_at_once_have_a_ticket_each() -> None:
    channel, _ana = cast()
    at_once([lambda n=n: Customer(channel, id=f"u-{n % 6}").writes(f"text {n}", id=f"m-{n}") for n in range(18)])
    assert (Ticket.objects.count(), Message.objects.count()) == (6, 18)
    assert connection.vendor in ("sqlite", "postgresql")
