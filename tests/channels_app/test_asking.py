"""What is asked of a platform beside messages: quota, acknowledgement, and credentials that are refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from agents.models import Agent
from channels_app import acknowledging, asking, outbound, quotas
from channels_app.contract import DeliveryFailed, OutboundMessage
from channels_app.models import Channel, Envelope
from tests.conftest import Api, Customer, lead_to
from tests.platforms import answer
from tests.platforms.chatty import FakeChatty

pytestmark = pytest.mark.django_db


def fresh(channel: Channel) -> Channel:
    return Channel.objects.get(pk=channel.pk)


def heard(channel: Channel) -> None:
    Channel.objects.filter(pk=channel.pk).update(last_in_at=timezone.now())


def due(channel: Channel) -> None:
    Channel.objects.filter(pk=channel.pk).update(quota_due_at=timezone.now())


def test_the_quota_is_kept_and_read_again_in_time(chatty: FakeChatty, chatty_channel: Channel) -> None:
    heard(chatty_channel)
    chatty.quota = {"limit": 500, "used": 499}
    quotas.sweep()
    quotas.sweep()
    row = fresh(chatty_channel)
    assert (row.quota_left, row.quota_limit, chatty.asked("/quota")) == (1, 500, 1)
    chatty.quota = {"limit": 500, "used": 501}
    due(chatty_channel)
    quotas.sweep()
    assert fresh(chatty_channel).quota_left == 0
    chatty.quota = {"limit": None, "used": 7}
    due(chatty_channel)
    quotas.sweep()
    assert fresh(chatty_channel).quota_left is None
    assert fresh(chatty_channel).quota_at is not None


def test_a_quota_that_cannot_be_read_stays_as_it_was(chatty: FakeChatty, chatty_channel: Channel) -> None:
    heard(chatty_channel)
    chatty.quota = {"limit": 10, "used": 3}
    quotas.sweep()
    due(chatty_channel)
    chatty.answers["/quota"] = [answer(503)]
    quotas.sweep()
    assert fresh(chatty_channel).quota_left == 7


def test_what_was_sent_makes_the_quota_due(chatty: FakeChatty, chatty_channel: Channel) -> None:
    heard(chatty_channel)
    chatty.quota = {"limit": 10, "used": 3}
    quotas.sweep()
    outbound.send(fresh(chatty_channel), OutboundMessage(key="1", to="u", text="x"))
    assert fresh(chatty_channel).quota_due_at <= timezone.now()  # type: ignore[operator]


def test_refused_credentials_are_noted_until_something_works(chatty: FakeChatty, chatty_channel: Channel) -> None:
    chatty.answers["/quota"] = [answer(401)]
    with pytest.raises(DeliveryFailed):
        asking.quota(chatty_channel)
    assert fresh(chatty_channel).failure_category == "auth"
    assert "credentials" in fresh(chatty_channel).last_failure
    outbound.send(fresh(chatty_channel), OutboundMessage(key="1", to="u", text="x"))
    assert fresh(chatty_channel).failure_category == ""


def test_other_failures_are_not(chatty: FakeChatty, chatty_channel: Channel) -> None:
    chatty.answers["/quota"] = [answer(503), answer(429)]
    for _attempt in range(2):
        with pytest.raises(DeliveryFailed):
            asking.quota(chatty_channel)
    assert fresh(chatty_channel).failure_category == ""


def test_whatever_an_adapter_meets_comes_out_as_a_failure(chatty: FakeChatty, chatty_channel: Channel) -> None:
    chatty.quota = {"unknown": 1}
    with pytest.raises(DeliveryFailed) as failed:
        asking.quota(chatty_channel)
    assert not failed.value.permanent
    lead_to(chatty_channel, api="http://127.0.0.1:9")
    with pytest.raises(DeliveryFailed):
        asking.quota(chatty_channel)
    Channel.objects.update(enabled=False)
    with pytest.raises(DeliveryFailed) as failed:
        asking.quota(fresh(chatty_channel))
    assert failed.value.code == "channel_off"


# ── Acknowledgement ──────────────────────────────────────────────────────────────────────────


def presses(customer: Customer, id: str = "p-1") -> None:
    customer.sends({"type": "postback", "id": id, "sender": customer.sender, "title": "Ya", "payload": "yes"})


@pytest.mark.django_db(transaction=True)
def test_a_pressed_button_is_acknowledged_after_the_commit(
    chatty: FakeChatty, fitri: Customer, jobs_inline: list[str]
) -> None:
    fitri.writes("Halo")
    assert chatty.got("/acknowledge") == []
    presses(fitri)
    assert chatty.got("/acknowledge") == [{"id": "p-1"}]
    assert jobs_inline.count("channels_app.acknowledging.acknowledge") == 1


@pytest.mark.django_db(transaction=True)
def test_a_redelivery_is_not_acknowledged_again(chatty: FakeChatty, fitri: Customer, jobs_inline: list[str]) -> None:
    event = {"type": "postback", "id": "p-1", "sender": fitri.sender, "title": "Ya", "payload": "yes"}
    fitri.post(event, "msg_same")
    fitri.post(event, "msg_same")
    assert len(chatty.got("/acknowledge")) == 1


def test_it_is_tried_twice_and_then_forgotten(chatty: FakeChatty, fitri: Customer) -> None:
    presses(fitri)
    envelope = Envelope.objects.get()
    chatty.answers["/acknowledge"] = [answer(503), answer(503), answer(200, json={})]
    acknowledging.acknowledge(envelope.pk)
    assert chatty.asked("/acknowledge") == 2
    chatty.answers["/acknowledge"] = [answer(400)]
    acknowledging.acknowledge(envelope.pk)
    assert chatty.asked("/acknowledge") == 3, "a refusal is not repeated"
    assert Envelope.objects.get().state == Envelope.State.OPENED


def test_times_of_one_channel(chatty: FakeChatty, chatty_channel: Channel) -> None:
    """Nothing is asked of a channel that is switched off."""
    heard(chatty_channel)
    Channel.objects.update(enabled=False, quota_due_at=timezone.now() - timedelta(days=1))
    quotas.sweep()
    assert chatty.requests == []


def test_administrators_are_told_in_the_inbox(
    chatty: FakeChatty, chatty_channel: Channel, ana: Agent, bea: Agent, client: Client
) -> None:
    client.force_login(ana)
    assert "refuses our credentials" not in client.get("/").content.decode()
    Channel.objects.update(failure_category="auth")
    assert "Chatty: the platform refuses our credentials" in client.get("/").content.decode()
    client.force_login(bea)
    assert "refuses our credentials" not in client.get("/").content.decode()


def test_new_credentials_end_the_warning(chatty_channel: Channel, ana: Agent, api: Callable[[Agent], Api]) -> None:
    Channel.objects.update(failure_category="auth")
    answered = api(ana)("PATCH", f"/channels/{chatty_channel.pk}/", {"settings": {"able": "{}"}})
    assert (answered.status_code, fresh(chatty_channel).failure_category) == (200, "")
