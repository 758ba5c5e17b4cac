"""The customer sees that theirs was read and that somebody is typing: once, in time, and only where that is wanted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.db import connections
from django.utils import timezone

from agents.models import Agent
from channels_app.models import Channel
from tests.conftest import Api, Customer, lead_to
from tests.platforms import answer
from tests.platforms.chatty import FakeChatty
from tickets import courtesies
from tickets.consumers import InboxConsumer, SignedIn
from tickets.live import Listener
from tickets.models import Courtesy, Message, Ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(chatty_channel: Channel, fitri: Customer) -> Ticket:
    lead_to(chatty_channel, read_receipts="on", able=json.dumps({"shows_typing": True}))
    return fitri.writes("Halo", id="m-1", read={"token": "r-1"}).ticket


def due() -> None:
    Courtesy.objects.filter(due_at__isnull=False).update(due_at=timezone.now())


# ── Read ─────────────────────────────────────────────────────────────────────────────────────


def test_the_newest_message_is_marked_once(chatty: FakeChatty, asked: Ticket, fitri: Customer) -> None:
    fitri.writes("lagi", id="m-2")
    for _look in range(3):
        courtesies.customer_sees("viewing", asked.pk)
        courtesies.sweep()
    assert [said["message"] for said in chatty.got("/read")] == ["m-2"]
    fitri.writes("dan lagi", id="m-3")
    courtesies.read(asked.pk)
    courtesies.sweep()
    assert [said["message"] for said in chatty.got("/read")] == ["m-2", "m-3"]


def test_what_the_platform_wants_back_goes_along(chatty: FakeChatty, asked: Ticket) -> None:
    courtesies.read(asked.pk)
    courtesies.sweep()
    assert chatty.got("/read") == [{"to": "u-fitri", "message": "m-1", "handle": {"token": "r-1"}}]


@pytest.mark.parametrize("switch", ["off", ""])
def test_only_where_the_administrator_wants_it(chatty: FakeChatty, asked: Ticket, switch: str) -> None:
    lead_to(asked.channel, read_receipts=switch)
    courtesies.read(asked.pk)
    courtesies.sweep()
    assert (chatty.got("/read"), Courtesy.objects.count()) == ([], 0)


def test_failures_are_tried_a_few_times(chatty: FakeChatty, asked: Ticket) -> None:
    chatty.answers["/read"] = [answer(503) for _ in range(9)]
    courtesies.read(asked.pk)
    for _round in range(9):
        due()
        courtesies.sweep()
    assert chatty.asked("/read") == 1 + len(courtesies.BACKOFF)
    courtesies.read(asked.pk)
    courtesies.sweep()
    assert chatty.asked("/read") == 1 + len(courtesies.BACKOFF), "given up until there is something new"


def test_a_refusal_is_not_repeated_and_a_wait_is_kept(chatty: FakeChatty, asked: Ticket, fitri: Customer) -> None:
    chatty.answers["/read"] = [answer(429, headers={"Retry-After": "300"})]
    courtesies.read(asked.pk)
    courtesies.sweep()
    wait = Courtesy.objects.get().due_at
    assert wait
    assert wait - timezone.now() > timedelta(minutes=4)
    due()
    chatty.answers["/read"] = [answer(400)]
    courtesies.sweep()
    assert (chatty.asked("/read"), Courtesy.objects.get().due_at) == (2, None)


def test_a_message_that_comes_while_one_is_marked_is_not_lost(
    chatty: FakeChatty, asked: Ticket, fitri: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    courtesies.read(asked.pk)
    real = courtesies.asking.mark_read

    def meanwhile(*args: Any) -> None:
        monkeypatch.setattr(courtesies.asking, "mark_read", real)
        fitri.writes("cepat", id="m-2")
        courtesies.read(asked.pk)
        real(*args)

    monkeypatch.setattr(courtesies.asking, "mark_read", meanwhile)
    courtesies.sweep()
    courtesies.sweep()
    assert [said["message"] for said in chatty.got("/read")] == ["m-1", "m-2"]


def test_two_workers_mark_once(chatty: FakeChatty, asked: Ticket) -> None:
    courtesies.read(asked.pk)
    Courtesy.objects.update(due_at=timezone.now() + courtesies.LEASE)
    courtesies.mark(asked.pk)
    assert chatty.got("/read") == []
    due()
    courtesies.mark(asked.pk)
    courtesies.mark(asked.pk)
    assert chatty.asked("/read") == 1


def test_a_thread_that_another_app_has_is_left_to_it(chatty: FakeChatty, asked: Ticket, fitri: Customer) -> None:
    fitri.writes("ke bot", id="m-2", standby=True)
    courtesies.read(asked.pk)
    courtesies.sweep()
    assert chatty.got("/read") == []


def test_the_api_marks_too(
    chatty: FakeChatty, asked: Ticket, bea: Agent, carl: Agent, api: Callable[[Agent], Api]
) -> None:
    assert api(carl)("PUT", f"/tickets/{asked.pk}/read/").status_code == 404
    assert api(bea)("PUT", f"/tickets/{asked.pk}/read/").status_code == 200
    courtesies.sweep()
    assert chatty.asked("/read") == 1


def test_nothing_to_mark(chatty: FakeChatty, asked: Ticket) -> None:
    Message.objects.all().delete()
    courtesies.read(asked.pk)
    courtesies.read(999_999)
    assert Courtesy.objects.count() == 0


# ── Typing ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.django_db(transaction=True)
def test_many_words_are_one_call(chatty: FakeChatty, asked: Ticket, jobs_inline: list[str]) -> None:
    for _word in range(5):
        courtesies.customer_sees("typing", asked.pk)
    assert chatty.got("/typing") == [{"to": "u-fitri", "message": "m-1"}]
    Courtesy.objects.update(typing_at=timezone.now() - courtesies.TYPING_EVERY)
    courtesies.customer_sees("typing", asked.pk)
    assert chatty.asked("/typing") == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "able", [{}, {"shows_typing": True, "shut": True}, {"shows_typing": True, "only_templates": True}]
)
def test_only_where_the_conversation_shows_it(
    chatty: FakeChatty, asked: Ticket, jobs_inline: list[str], able: dict[str, Any]
) -> None:
    lead_to(asked.channel, able=json.dumps(able))
    courtesies.typing(asked.pk)
    assert chatty.got("/typing") == []


@pytest.mark.django_db(transaction=True)
def test_a_failure_is_forgotten(chatty: FakeChatty, asked: Ticket, jobs_inline: list[str]) -> None:
    chatty.answers["/typing"] = [answer(500)]
    courtesies.typing(asked.pk)
    assert chatty.asked("/typing") == 1
    courtesies.customer_sees("typing", 999_999)
    courtesies.customer_sees("left", asked.pk)


def test_a_channel_without_typing_costs_one_statement(
    dora: Customer, django_assert_num_queries: Callable[[int], Any]
) -> None:
    number = dora.writes().ticket_id
    with django_assert_num_queries(1):
        courtesies.customer_sees("typing", number)
    with django_assert_num_queries(1):
        courtesies.customer_sees("viewing", number)


# ── On the live socket ───────────────────────────────────────────────────────────────────────


def words_of(agent: Agent, *words: dict[str, Any]) -> None:
    """What a browser says on its socket, as the consumer hears it."""

    async def nowhere(*args: Any) -> None:
        pass

    consumer = InboxConsumer()
    consumer.who, consumer.said, consumer.teams, consumer.shown = SignedIn(agent, agent.sight()), {}, {}, {}
    consumer.listener = Listener(agent_id=agent.pk, sight=agent.sight(), send=nowhere, close=nowhere, position=0)

    async def say() -> None:
        # One thread reads the database, so that its connection can be given back.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        for word in words:
            await consumer.receive(json.dumps(word))
        await database_sync_to_async(connections.close_all, thread_sensitive=False)()

    asyncio.run(say())


@pytest.mark.django_db(transaction=True)
def test_looking_and_typing_lead_to_it(chatty: FakeChatty, asked: Ticket, bea: Agent, jobs_inline: list[str]) -> None:
    words_of(bea, {"type": "viewing", "ticket": asked.pk}, {"type": "typing", "ticket": asked.pk})
    assert (chatty.asked("/read"), chatty.asked("/typing")) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_whoever_may_not_see_the_ticket_tells_nobody(
    chatty: FakeChatty, asked: Ticket, carl: Agent, jobs_inline: list[str]
) -> None:
    words_of(carl, {"type": "viewing", "ticket": asked.pk}, {"type": "typing", "ticket": asked.pk})
    assert (chatty.asked("/read"), chatty.asked("/typing")) == (0, 0)


@pytest.mark.parametrize(
    ("kind", "receipts", "words"),
    [
        ("sms", "on", {"viewing"}), ("webhook", "off", set()), ("line", "off", {"typing"}),
        ("telegram", "on", {"typing", "viewing"}), ("gone", "on", set()),
    ],
)  # fmt: skip
def test_words_that_no_customer_sees_ask_nothing(kind: str, receipts: str, words: set[str]) -> None:
    assert courtesies.shown_on(kind, {"read_receipts": receipts}) == words
