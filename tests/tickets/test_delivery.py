"""A queued reply goes out once, in order, and its fate is written down."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from agents.models import Agent
from channels_app import jobs, outbound
from channels_app.contract import Receipt, Sent
from channels_app.models import Channel
from tests.conftest import Customer, connect
from tests.platforms.twilio import FakeTwilio
from tests.platforms.webhook import FakeWebhookPlatform
from tests.tickets.test_interleavings import at_once
from tickets import delivery, intake, lifecycle, receipts, replies
from tickets.models import Activity, Actor, Message, Part, Ticket

Work = Callable[[], None]


def answer(ticket: Ticket, agent: Agent, text: str = "Ya?", **more: Any) -> Message:
    return replies.reply(ticket.pk, agent, replies.Draft(text, **more))[0]


def fate(message: Message) -> tuple[str, str | None]:
    message.refresh_from_db()
    return message.status, message.error["category"] if message.error else None


def due() -> None:
    """The time of the next attempt has come."""
    Message.objects.exclude(next_attempt_at=None).update(next_attempt_at=timezone.now())


@pytest.fixture
def sms_ticket(sms_channel: Channel, twilio: FakeTwilio) -> Ticket:
    """Somebody has sent an SMS; the answer goes to a platform that knows no key of ours."""
    from channels_app.contract import InboundMessage, Sender
    from channels_app.models import Envelope

    said = InboundMessage(external_id="SM1", sender=Sender(external_id="+6281311112222"), conversation="+6281311112222")
    intake.receive(sms_channel, said, Envelope.objects.create(channel=sms_channel))
    return Ticket.objects.get(channel=sms_channel)


# ── Out it goes ──────────────────────────────────────────────────────────────────────────────


def test_a_reply_goes_out_and_is_sent(ticket: Ticket, bea: Agent, shop: FakeWebhookPlatform, work: Work) -> None:
    message = answer(ticket, bea, "Sedang dikirim", reply_to=ticket.messages.get().pk)
    assert message.status == "queued"
    work()
    assert fate(message) == ("sent", None)
    said = shop.replies[str(message.pk)]
    assert (said["id"], said["to"], said["text"]) == (message.pk, {"id": "u-dora"}, "Sedang dikirim")
    assert (said["agent"], said["reply_to"]) == ({"name": "Bea"}, "m-first")
    assert message.external_id == f"ext-{message.pk}"
    states = [line.changes["status"] for line in Activity.objects.filter(type="message.status").order_by("seq")]
    assert states == [["queued", "sending"], ["sending", "sent"]]


def test_a_job_sends_it_without_waiting_for_a_sweep(
    jobs_inline: list[str], dora: Customer, bea: Agent, shop: FakeWebhookPlatform
) -> None:
    message = answer(dora.writes().ticket, bea)
    assert [path for path in jobs_inline if "routing" not in path] == ["tickets.delivery.deliver"]
    assert fate(message) == ("sent", None)


def test_in_order_per_conversation_also_with_a_retry_in_between(
    ticket: Ticket, eka: Customer, bea: Agent, shop: FakeWebhookPlatform, work: Work
) -> None:
    shop.will(503)
    first, second = answer(ticket, bea, "satu"), answer(ticket, bea, "dua")
    other = answer(eka.writes().ticket, bea, "untuk Eka")
    work()
    assert (fate(first)[0], fate(second)[0], fate(other)[0]) == ("queued", "queued", "sent")
    due()
    work()
    assert [fate(first), fate(second)] == [("sent", None), ("sent", None)]
    assert [reply["text"] for reply in shop.replies.values()] == ["untuk Eka", "satu", "dua"]


@pytest.mark.django_db(transaction=True)
def test_two_workers_send_it_once(dora: Customer, bea: Agent, shop: FakeWebhookPlatform) -> None:
    message = answer(dora.writes().ticket, bea)
    at_once([lambda: delivery.deliver(message.pk)] * 4)
    assert len(shop.requests) == 1
    assert fate(message) == ("sent", None)


@pytest.mark.django_db(transaction=True)
def test_two_workers_keep_the_order(dora: Customer, bea: Agent, shop: FakeWebhookPlatform) -> None:
    ticket = dora.writes().ticket
    several = [answer(ticket, bea, str(number)) for number in range(4)]
    shop.will(delay=0.3)
    at_once([lambda pk=message.pk: delivery.deliver(pk) for message in reversed(several)])
    for _ in several:
        delivery.sweep()
    assert [request.json["text"] for request in shop.requests] == ["0", "1", "2", "3"]


# ── What goes wrong ──────────────────────────────────────────────────────────────────────────


def test_a_platform_with_a_problem_is_tried_again(
    ticket: Ticket, bea: Agent, shop: FakeWebhookPlatform, work: Work
) -> None:
    shop.will(503)
    message = answer(ticket, bea)
    work()
    assert fate(message)[0] == "queued"
    assert message.next_attempt_at is not None
    assert message.next_attempt_at - timezone.now() < timedelta(seconds=2)
    work()
    assert len(shop.requests) == 1
    due()
    work()
    assert fate(message) == ("sent", None)
    assert [request.headers["webhook-id"] for request in shop.requests] == [str(message.pk)] * 2


def test_retry_after_is_honoured(ticket: Ticket, bea: Agent, shop: FakeWebhookPlatform, work: Work) -> None:
    shop.will(429, headers={"Retry-After": "40"})
    message = answer(ticket, bea)
    work()
    assert fate(message) == ("queued", "rate")
    assert message.next_attempt_at is not None
    assert 38 < (message.next_attempt_at - timezone.now()).total_seconds() <= 40


def test_a_refused_connection_is_tried_again(ticket: Ticket, bea: Agent, work: Work) -> None:
    message = answer(ticket, bea)
    work()
    assert fate(message) == ("queued", "unknown")


def test_a_refusal_is_final_and_an_agent_may_retry(
    ticket: Ticket, bea: Agent, shop: FakeWebhookPlatform, work: Work
) -> None:
    shop.will(400)
    message = answer(ticket, bea)
    work()
    assert fate(message) == ("failed", "content")
    assert (message.error["retryable"], message.next_attempt_at) == (False, None)
    ticket.channel.refresh_from_db()
    assert ticket.channel.last_failure_at is not None
    delivery.retry(message.pk, Actor.of(bea))
    assert fate(message) == ("queued", None)
    work()
    assert fate(message) == ("sent", None)
    with pytest.raises(lifecycle.Conflict):
        delivery.retry(message.pk, Actor.of(bea))


def test_no_answer_where_the_platform_knows_our_key(
    ticket: Ticket, bea: Agent, shop: FakeWebhookPlatform, work: Work
) -> None:
    shop.will(drop=True)
    message = answer(ticket, bea)
    work()
    assert fate(message) == ("queued", "unconfirmed")
    due()
    work()
    assert fate(message) == ("sent", None)
    assert len({request.headers["webhook-id"] for request in shop.requests}) == 1


def test_no_answer_elsewhere_is_never_repeated_by_itself(
    sms_ticket: Ticket, bea: Agent, twilio: FakeTwilio, work: Work
) -> None:
    twilio.will(drop=True)
    message = answer(sms_ticket, bea)
    for _ in range(3):
        work()
        due()
    assert fate(message) == ("failed", "unconfirmed")
    assert (len(twilio.requests), message.error["retryable"]) == (1, True)
    delivery.retry(message.pk, Actor.of(bea))
    work()
    assert (fate(message)[0], len(twilio.messages)) == ("sending", 1)


def test_a_channel_that_is_off(ticket: Ticket, bea: Agent, work: Work) -> None:
    message = answer(ticket, bea)
    Channel.objects.update(enabled=False)
    work()
    assert fate(message)[0] == "failed"
    assert message.error["code"] == "channel_off"


def test_who_has_blocked_us_is_marked(bea: Agent, sandbox_channel: Channel, work: Work) -> None:
    message, _new = replies.start(sandbox_channel, bea, "blocked", replies.Draft("Halo"))
    work()
    assert fate(message) == ("failed", "blocked")
    assert message.ticket.address.blocked_at is not None


def test_after_a_day_it_is_given_up(ticket: Ticket, bea: Agent, shop: FakeWebhookPlatform, work: Work) -> None:
    message = answer(ticket, bea)
    Message.objects.update(first_attempt_at=timezone.now() - timedelta(days=2))
    shop.will(503)
    work()
    assert fate(message) == ("failed", "unknown")
    assert message.error["retryable"] is True


def test_an_adapter_that_breaks_is_unconfirmed(
    ticket: Ticket, bea: Agent, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any) -> Sent:
        raise ZeroDivisionError

    monkeypatch.setattr(type(ticket.channel.adapter), "send", broken)
    message = answer(ticket, bea)
    work()
    assert fate(message) == ("queued", "unconfirmed")


# ── A worker that dies ───────────────────────────────────────────────────────────────────────


def die(message: Message, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    """The worker is killed after it claimed, before or while it sends."""

    class Killed(BaseException):
        pass

    def killed(*args: Any) -> Any:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(*((delivery, "_begin") if when == "before" else (outbound, "send")), killed)
        with pytest.raises(Killed):
            delivery.deliver(message.pk)
    assert fate(message)[0] == "sending"


@pytest.mark.parametrize("when", ["before", "while"])
def test_a_dead_workers_reply_goes_out_after_the_lease(
    ticket: Ticket, bea: Agent, shop: FakeWebhookPlatform, work: Work, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    message = answer(ticket, bea)
    die(message, monkeypatch, when)
    work()
    assert fate(message)[0] == "sending"
    assert timedelta(seconds=50) > delivery.LEASE
    Message.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    work()
    assert fate(message) == ("sent", None)


def test_what_had_not_begun_is_sent_everywhere(
    sms_ticket: Ticket, bea: Agent, twilio: FakeTwilio, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = answer(sms_ticket, bea)
    die(message, monkeypatch, "before")
    Message.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    work()
    assert (fate(message)[0], len(twilio.messages)) == ("sending", 1)


def test_what_had_begun_is_for_an_agent_to_decide(
    sms_ticket: Ticket, bea: Agent, twilio: FakeTwilio, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = answer(sms_ticket, bea)
    die(message, monkeypatch, "while")
    Message.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    work()
    work()
    assert (fate(message), twilio.messages) == (("failed", "unconfirmed"), [])


def test_one_that_hangs_does_not_take_all_workers(ticket: Ticket, bea: Agent, shop: FakeWebhookPlatform) -> None:
    message = answer(ticket, bea)
    others = [replies.start(ticket.channel, bea, f"u-{n}", replies.Draft("x"))[0] for n in range(delivery.PER_CHANNEL)]
    Message.objects.filter(pk__in=[other.pk for other in others]).update(claimed_until=timezone.now())
    delivery.deliver(message.pk)
    assert fate(message)[0] == "queued"


# ── Parts ────────────────────────────────────────────────────────────────────────────────────

LONG = ("kata " * 400).strip()


def test_a_long_text_goes_in_parts_and_a_retry_sends_the_missing_ones(
    sms_ticket: Ticket, bea: Agent, twilio: FakeTwilio, work: Work
) -> None:
    message = answer(sms_ticket, bea, LONG)
    assert message.parts.count() == 2
    twilio.will(201, json={"sid": "SMfirst", "status": "queued"}).will(400, json={"code": 21610, "message": "stop"})
    work()
    assert fate(message)[0] == "failed"
    assert list(message.parts.order_by("position").values_list("status", flat=True)) == ["sending", "failed"]
    delivery.retry(message.pk, Actor.of(bea))
    work()
    assert (fate(message)[0], len(twilio.messages)) == ("sending", 1)
    assert message.external_id == "SMfirst"
    sent = " ".join(request.form["Body"][0] for request in twilio.requests[::2])
    assert sent == LONG


def test_limits_that_changed_meanwhile_lose_no_words(
    sms_ticket: Ticket, bea: Agent, twilio: FakeTwilio, work: Work
) -> None:
    message = answer(sms_ticket, bea, LONG)
    message.parts.filter(position=1).delete()
    work()
    assert " ".join(sent["body"] for sent in twilio.messages) == LONG


# ── Receipts ─────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def sent(ticket: Ticket, bea: Agent, shop: FakeWebhookPlatform) -> Message:
    message = answer(ticket, bea)
    delivery.deliver(message.pk)
    message.refresh_from_db()
    return message


def test_receipts_only_go_forward(dora: Customer, sent: Message) -> None:
    seen = []
    for status in ("queued", "delivered", "sent", "failed", "opened", "delivered"):
        dora.receipt(sent.external_id or "", status)
        seen.append(fate(sent)[0])
    assert seen == ["sent", "delivered", "delivered", "delivered", "read", "read"]


def test_failed_has_its_reason_and_yields_to_delivered(dora: Customer, sent: Message) -> None:
    dora.receipt(sent.external_id or "", "undelivered", error={"code": "30003", "title": "Unreachable"})
    assert fate(sent)[0] == "failed"
    assert (sent.error["code"], sent.error["title"]) == ("30003", "Unreachable")
    dora.receipt(sent.external_id or "", "sent")
    assert fate(sent)[0] == "failed"
    dora.receipt(sent.external_id or "", "delivered")
    assert fate(sent) == ("delivered", None)


@pytest.mark.parametrize("status", ["delivered", "failed"])
def test_a_receipt_may_overtake_the_answer(
    dora: Customer, ticket: Ticket, bea: Agent, shop: FakeWebhookPlatform, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    message, send = answer(ticket, bea), outbound.send

    def overtaken(channel: Channel, part: Any) -> Sent:
        done = send(channel, part)
        dora.receipt(done.external_id, status, error={"title": "no"})
        dora.receipt(message.pk, status, error={"title": "no"})
        return done

    monkeypatch.setattr(outbound, "send", overtaken)
    delivery.deliver(message.pk)
    assert fate(message)[0] == status
    assert (message.error or {}).get("title") == ("no" if status == "failed" else None)


def test_a_watermark_reaches_all_up_to_its_time(dora: Customer, bea: Agent, sent: Message, work: Work) -> None:
    until = timezone.now()
    later = answer(sent.ticket, bea, "nanti")
    work()
    receipts.receive(sent.channel, Receipt(state="read", conversation="u-dora", watermark=until))
    assert (fate(sent)[0], fate(later)[0]) == ("read", "sent")


def test_a_watermark_may_overtake_the_answer(
    ticket: Ticket, bea: Agent, shop: FakeWebhookPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    message, send = answer(ticket, bea), outbound.send

    def overtaken(channel: Channel, part: Any) -> Sent:
        done = send(channel, part)
        receipts.receive(channel, Receipt(state="read", conversation="u-dora", watermark=timezone.now()))
        return done

    monkeypatch.setattr(outbound, "send", overtaken)
    delivery.deliver(message.pk)
    assert fate(message)[0] == "read"


def test_a_confirmation_while_a_retry_waits_ends_the_waiting(
    dora: Customer, ticket: Ticket, bea: Agent, shop: FakeWebhookPlatform, work: Work
) -> None:
    shop.will(drop=True)
    message = answer(ticket, bea)
    work()
    dora.receipt(message.pk, "delivered")
    assert fate(message) == ("delivered", None)
    due()
    work()
    assert len(shop.requests) == 1


def test_twilio_reports_by_callback(sms_ticket: Ticket, bea: Agent, twilio: FakeTwilio, work: Work) -> None:
    message = answer(sms_ticket, bea)
    work()
    assert fate(message)[0] == "sending"
    sid = twilio.messages[0]["sid"]
    receipts.receive(message.channel, Receipt(state="delivered", external_id=sid))
    assert fate(message)[0] == "delivered"


def test_an_echo_faster_than_the_answer_is_not_a_second_message(
    ticket: Ticket, bea: Agent, shop: FakeWebhookPlatform
) -> None:
    from channels_app.contract import InboundMessage, Sender
    from channels_app.models import Envelope

    message = answer(ticket, bea)
    echo = InboundMessage(
        external_id=f"ext-{message.pk}", sender=Sender(external_id="page"), conversation="u-dora", text="Ya?", echo=True
    )
    intake.receive(ticket.channel, echo, Envelope.objects.create(channel=ticket.channel))
    assert Message.objects.filter(direction="out").count() == 2
    delivery.deliver(message.pk)
    assert Message.objects.filter(direction="out").count() == 1
    assert fate(message) == ("sent", None)


def test_a_broken_row_does_not_stop_the_sweep(
    ticket: Ticket, bea: Agent, shop: FakeWebhookPlatform, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = answer(ticket, bea)
    other, _new = replies.start(connect("sandbox", None), bea, "u-1", replies.Draft("x"))
    Message.objects.filter(pk=other.pk).update(claimed_until=timezone.now() - timedelta(minutes=1))

    def broken(number: int) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(delivery, "_take_up", broken)
    work()
    assert fate(message) == ("sent", None)


@pytest.mark.django_db(transaction=True)
def test_a_hanging_platform_holds_no_database_lock(
    dora: Customer, bea: Agent, shop: FakeWebhookPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    ticket = dora.writes().ticket
    message = answer(ticket, bea)
    answered, respond = threading.Event(), shop.respond
    monkeypatch.setattr(shop, "respond", lambda request: (answered.wait(60), respond(request))[1])
    sender = threading.Thread(target=jobs.run, args=(delivery.deliver, message.pk))
    sender.start()
    shop.wait_for(1)
    # This comes to its end while the platform still thinks.
    dora.writes("lagi")
    assert sender.is_alive()
    answered.set()
    sender.join()
    assert Part.objects.get().status == "sent"


@pytest.mark.sqlite
def test_what_went_out_lately_is_found_by_an_index(ticket: Ticket, bea: Agent) -> None:
    lately = delivery._gone(answer(ticket, bea), timezone.now())
    assert "part_sent" in lately.explain()
