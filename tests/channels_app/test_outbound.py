"""Down: when a send is tried again, and what an adapter's failure becomes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from channels_app import outbound
from channels_app.contract import Account, DeliveryFailed, Field, OutboundMessage
from channels_app.models import Channel


def wait(attempts: int = 1, *, idempotent: bool = False, age: timedelta = timedelta(0), **failure: Any) -> float | None:
    failed = DeliveryFailed("x", **{"permanent": False, **failure})
    now = timezone.now()
    at = outbound.next_attempt(failed, attempts, now - age, idempotent)
    return round((at - now).total_seconds()) if at else None


def test_waits_grow_and_end_after_a_day() -> None:
    waits = [wait(attempts) for attempts in range(1, 12)]
    assert waits[:3] == [1, 3, 10]
    assert waits == sorted(waits)
    assert wait(12, age=timedelta(hours=22)) == 3600
    assert wait(12, age=timedelta(hours=23, minutes=30)) is None


def test_retry_after_is_waited_for_and_not_shortened() -> None:
    assert wait(retry_after=40.0) == 40
    assert wait(retry_after=0.0) == 1
    assert wait(retry_after=-5.0) == 1
    assert wait(retry_after=12 * 3600.0) == 12 * 3600
    assert wait(retry_after=1e12) is None


def test_what_cannot_help_or_may_be_out_is_not_repeated() -> None:
    assert wait(permanent=True) is None
    assert wait(category="unconfirmed") is None
    assert wait(category="unconfirmed", idempotent=True) == 1


def test_only_addresses_that_lead_somewhere_are_exempt() -> None:
    account = Account(
        id=1, kind="x", name="x", settings={"base_url": "http://10.0.0.1:8080/x", "note": "http://10.0.0.2"}
    )
    fields = [Field(name="base_url", label="", redirects=True), Field(name="note", label="")]
    assert outbound.http_for(account, fields).allow_origins == {"http://10.0.0.1:8080"}


def test_an_adapter_may_raise_anything(webhook_channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any) -> None:
        raise KeyError("secret-token")

    monkeypatch.setattr(type(webhook_channel.adapter), "send", broken)
    with pytest.raises(DeliveryFailed) as failed:
        outbound.send(webhook_channel, OutboundMessage(key="1", to="u"))
    assert (failed.value.category, failed.value.detail) == ("unconfirmed", "KeyError")


def test_a_channel_that_is_off_sends_nothing(webhook_channel: Channel) -> None:
    webhook_channel.enabled = False
    with pytest.raises(DeliveryFailed) as failed:
        outbound.send(webhook_channel, OutboundMessage(key="1", to="u"))
    assert (failed.value.code, failed.value.permanent) == ("channel_off", True)


def test_a_draft_is_measured(sms_channel: Channel) -> None:
    assert outbound.measure(sms_channel, "สวัสดี").encoding == "UCS-2"
