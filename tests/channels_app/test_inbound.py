"""Envelope first: what got a 2xx is kept, opened at once or as soon as the cause is gone."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError, connection
from django.utils import timezone

from channels_app import inbound
from channels_app.contract import InboundMessage, NotAuthentic, Receipt, UnreadableEvent
from channels_app.models import Channel, Envelope
from tests.conftest import Customer
from tests.tickets.test_interleavings import at_once
from tickets import intake
from tickets.models import Activity, Message

Work = Callable[[], None]


@pytest.fixture
def trouble(monkeypatch: pytest.MonkeyPatch) -> dict[str, Exception]:
    """text → what opening a message with that text raises, until it is taken out."""
    causes: dict[str, Exception] = {}
    receive = intake.receive

    def troubled(channel: Channel, news: Any, envelope: Envelope) -> None:
        if isinstance(news, InboundMessage) and news.text in causes:
            # After half of the work, so that what is rolled back shows.
            receive(channel, news, envelope)
            raise causes[news.text]
        receive(channel, news, envelope)

    monkeypatch.setattr(inbound, "handler", lambda: troubled)
    return causes


def batch(dora: Customer, *texts: str) -> dict[str, Any]:
    events = [{"type": "message", "id": f"m-{text}", "sender": dora.sender, "text": text} for text in texts]
    return {"type": "batch", "events": events}


def later() -> None:
    Envelope.objects.exclude(retry_at=None).update(retry_at=timezone.now())


def test_an_opened_envelope_has_what_came(dora: Customer) -> None:
    message = dora.writes("Halo", id="m-1")
    envelope = Envelope.objects.get()
    assert (envelope.state, envelope.error, envelope.attempts, envelope.retry_at) == ("opened", "", 1, None)
    assert json.loads(bytes(envelope.body))["text"] == "Halo"
    assert message.envelope_id == envelope.pk
    assert {"webhook-id", "webhook-timestamp", "content-type"} <= set(envelope.headers)
    assert "webhook-signature" not in envelope.headers


def test_what_opening_raises_is_kept_and_tried_again(dora: Customer, work: Work, trouble: dict[str, Exception]) -> None:
    trouble["Halo"] = ZeroDivisionError("oh")
    dora.sends({"type": "message", "id": "m-1", "sender": dora.sender, "text": "Halo"})
    envelope = Envelope.objects.get()
    assert (envelope.state, envelope.error) == ("failed", "ZeroDivisionError: oh")
    assert not Message.objects.exists()
    assert envelope.retry_at is not None
    assert envelope.retry_at - timezone.now() < timedelta(seconds=9)
    later()
    work()
    envelope.refresh_from_db()
    assert (envelope.state, envelope.attempts) == ("failed", 2)
    trouble.clear()
    later()
    work()
    envelope.refresh_from_db()
    assert (envelope.state, envelope.error, envelope.retry_at, envelope.attempts) == ("opened", "", None, 3)
    assert Message.objects.get().envelope_id == envelope.pk


def test_a_parser_that_breaks_costs_nothing(dora: Customer, work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any) -> Any:
        raise KeyError("x")

    with monkeypatch.context() as patch:
        patch.setattr(type(dora.channel.adapter), "parse", broken)
        dora.sends({"type": "message", "id": "m-1", "sender": dora.sender, "text": "Halo"})
        later()
        work()
    assert Envelope.objects.get().error == "KeyError: 'x'"
    later()
    work()
    assert Message.objects.get().text == "Halo"


def test_what_is_wrong_for_good_is_not_tried_by_itself(
    dora: Customer, work: Work, trouble: dict[str, Exception]
) -> None:
    trouble["Halo"] = UnreadableEvent("odd")
    dora.sends({"type": "message", "id": "m-1", "sender": dora.sender, "text": "Halo"})
    work()
    envelope = Envelope.objects.get()
    assert (envelope.state, envelope.attempts, envelope.retry_at) == ("failed", 1, None)
    trouble.clear()
    inbound.replay(envelope.pk)
    envelope.refresh_from_db()
    assert (envelope.state, envelope.attempts) == ("opened", 2)
    lines = Activity.objects.count()
    Envelope.objects.update(state="failed")
    inbound.replay(envelope.pk)
    assert (Message.objects.count(), Activity.objects.count()) == (1, lines)


def test_of_a_batch_only_the_broken_one_fails(dora: Customer, work: Work, trouble: dict[str, Exception]) -> None:
    trouble["c"] = ZeroDivisionError("oh")
    dora.sends(batch(dora, "a", "b", "c", "d"))
    assert sorted(Message.objects.values_list("text", flat=True)) == ["a", "b", "d"]
    envelope = Envelope.objects.get()
    assert (envelope.state, envelope.error) == ("failed", "[2] ZeroDivisionError: oh")
    trouble.clear()
    later()
    work()
    envelope.refresh_from_db()
    assert (envelope.state, Message.objects.count()) == ("opened", 4)


def test_a_handler_may_say_not_yet(dora: Customer, work: Work, trouble: dict[str, Exception]) -> None:
    for texts in (("Halo",), ("a", "Halo")):
        trouble["Halo"] = inbound.NotYet("soon")
        dora.sends(batch(dora, *texts))
    assert set(Envelope.objects.values_list("state", flat=True)) == {"failed"}
    assert Envelope.objects.exclude(retry_at=None).count() == 2
    trouble.clear()
    later()
    work()
    assert set(Envelope.objects.values_list("state", flat=True)) == {"opened"}


def test_a_thousand_that_failed_are_opened_in_one_round(webhook_channel: Channel, work: Work) -> None:
    event = {"type": "message", "sender": {"id": "u"}, "text": "x"}
    Envelope.objects.bulk_create(
        Envelope(
            channel=webhook_channel, state="failed", error="x", retry_at=timezone.now(),
            body=json.dumps({**event, "id": f"m-{number}"}).encode(),
        )
        for number in range(60)
    )  # fmt: skip
    inbound.retry_due()
    assert Message.objects.count() == 60


def test_the_same_delivery_is_one_envelope(dora: Customer) -> None:
    event = {"type": "message", "id": "m-1", "sender": dora.sender, "text": "Halo"}
    assert [dora.post(event, delivery="msg_1").status_code for _ in range(3)] == [200] * 3
    assert Envelope.objects.count() == 1


def test_a_redelivery_of_what_failed_is_taken_too(dora: Customer, trouble: dict[str, Exception]) -> None:
    trouble["Halo"] = ZeroDivisionError()
    event = {"type": "message", "id": "m-1", "sender": dora.sender, "text": "Halo"}
    assert [dora.post(event, delivery="msg_1").status_code for _ in range(2)] == [200] * 2
    assert Envelope.objects.get().state == "failed"


def test_a_database_that_cannot_commit_is_no_2xx(dora: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*args: Any) -> Any:
        raise OperationalError("gone")

    monkeypatch.setattr(inbound, "_insert", down)
    monkeypatch.setattr(inbound, "_database_lives", lambda: False)
    response = dora.post({"type": "message", "id": "m-1", "sender": dora.sender})
    assert (response.status_code, response["Retry-After"]) == (503, "5")


def test_a_database_error_of_one_message_is_kept(dora: Customer, trouble: dict[str, Exception]) -> None:
    trouble["Halo"] = DatabaseError("deadlock")
    dora.sends({"type": "message", "id": "m-1", "sender": dora.sender, "text": "Halo"})
    assert Envelope.objects.exclude(retry_at=None).count() == 1


def test_what_is_opened_or_gone_is_not_replayed(dora: Customer) -> None:
    dora.writes()
    envelope = Envelope.objects.get()
    assert inbound.replay(envelope.pk) is None
    assert inbound.replay(10**6) is None
    Envelope.objects.update(state="failed", body=b"", retry_at=timezone.now())
    inbound.retry_due()
    envelope.refresh_from_db()
    assert (envelope.attempts, envelope.retry_at) == (1, None)


def test_after_three_days_it_is_tried_slowly(webhook_channel: Channel) -> None:
    envelope = Envelope(channel=webhook_channel, received_at=timezone.now() - timedelta(days=4))
    assert inbound._next_try(envelope) - timezone.now() > timedelta(minutes=9)


def test_bodies_are_kept_thirty_days(dora: Customer) -> None:
    message = dora.writes()
    Envelope.objects.update(received_at=timezone.now() - timedelta(days=29))
    inbound.purge()
    assert Envelope.objects.exists()
    Envelope.objects.update(received_at=timezone.now() - timedelta(days=31))
    inbound.purge()
    message.refresh_from_db()
    assert (Envelope.objects.exists(), message.envelope_id) == (False, None)


def test_batches_lock_addresses_in_one_order_and_what_has_none_last() -> None:
    def key(conversation: str) -> tuple[bool, str, int]:
        return inbound._lock_order((0, Receipt(state="read", conversation=conversation)))

    assert sorted(["b", "", "a"], key=key) == ["a", "b", ""]


@pytest.mark.django_db(transaction=True)
def test_batches_in_opposite_orders_at_once_lose_nothing(webhook_channel: Channel) -> None:
    people = [Customer(webhook_channel, id=f"u-{number}") for number in range(4)]

    def post(number: int) -> int:
        order = people if number % 2 else people[::-1]
        events = [{"type": "message", "id": f"m-{number}-{one.id}", "sender": one.sender, "text": "x"} for one in order]
        return people[0].post({"type": "batch", "events": events}).status_code

    assert at_once([lambda number=number: post(number) for number in range(8)]) == [200] * 8
    assert not Envelope.objects.exclude(state="opened").exists()
    assert Message.objects.count() == 32


@pytest.mark.django_db(transaction=True)
def test_a_lock_held_elsewhere_delays_but_loses_nothing(dora: Customer) -> None:
    dora.writes()
    assert connection.in_atomic_block is False
    assert dora.writes("lagi").text == "lagi"


# ── The door ─────────────────────────────────────────────────────────────────────────────────


def test_a_check_that_breaks_is_no_yes(dora: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(type(dora.channel.adapter), "verify", broken)
    assert dora.post({}).status_code == 401
    assert not Envelope.objects.exists()


def test_a_decoder_that_breaks_is_a_bad_body(dora: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(type(dora.channel.adapter), "decode", broken)
    assert dora.post({}).status_code == 400


def test_secrets_sealed_with_another_key_match_nothing(dora: Customer, settings: Any) -> None:
    settings.SECRET_KEY = "another " * 8
    assert dora.post({"type": "message"}).status_code == 401
    assert dora.client.get(f"/webhooks/{dora.channel.pk}/").status_code == 401


def test_a_handshake_is_answered_or_refused(dora: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    from channels_app.contract import HandshakeAnswer

    adapter, path = type(dora.channel.adapter), f"/webhooks/{dora.channel.pk}/?challenge=42"
    monkeypatch.setattr(
        adapter, "handshake", lambda self, account, request: HandshakeAnswer(request.query["challenge"])
    )
    response = dora.client.get(path)
    assert (response.status_code, response.content, response["Content-Type"][:10]) == (200, b"42", "text/plain")

    def refuse(self: Any, account: Any, request: Any) -> None:
        raise NotAuthentic("no")

    monkeypatch.setattr(adapter, "handshake", refuse)
    assert dora.client.get(path).status_code == 401


def test_a_channel_that_is_off_is_unknown(dora: Customer) -> None:
    Channel.objects.update(enabled=False)
    assert dora.post({"type": "message"}).status_code == 404


def test_a_channel_of_a_kind_that_is_gone_is_unknown(dora: Customer) -> None:
    Channel.objects.update(kind="telex")
    assert dora.post({"type": "message"}).status_code == 404
