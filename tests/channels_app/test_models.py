"""What a channel knows about its own health."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from channels_app import outbound
from channels_app.contract import DeliveryFailed, OutboundMessage
from channels_app.models import Channel
from tests.conftest import Customer
from tests.platforms.webhook import FakeWebhookPlatform


def writes(queries: CaptureQueriesContext) -> list[str]:
    return [one["sql"] for one in queries if 'UPDATE "channels_app_channel"' in one["sql"]]


def test_what_came_in_is_noted_once_a_minute(dora: Customer) -> None:
    assert dora.channel.last_in_at is None
    with CaptureQueriesContext(connection) as queries:
        dora.writes()
        dora.writes()
    assert len(writes(queries)) == 1
    dora.channel.refresh_from_db()
    first = dora.channel.last_in_at
    assert first is not None
    Channel.objects.update(last_in_at=first - timedelta(minutes=2))
    dora.writes()
    dora.channel.refresh_from_db()
    assert dora.channel.last_in_at is not None
    assert dora.channel.last_in_at >= first


def test_what_is_refused_was_not_heard(dora: Customer) -> None:
    assert dora.raw(b"{}").status_code == 401
    dora.channel.refresh_from_db()
    assert dora.channel.last_in_at is None


def test_what_went_out_is_noted_and_a_failure_is_not(shop: FakeWebhookPlatform, webhook_channel: Channel) -> None:
    part = OutboundMessage(key="1", to="u-dora", text="Halo", sent_at=timezone.now())
    shop.will(500)
    with pytest.raises(DeliveryFailed):
        outbound.send(webhook_channel, part)
    webhook_channel.refresh_from_db()
    assert webhook_channel.last_out_at is None
    outbound.send(webhook_channel, part)
    webhook_channel.refresh_from_db()
    assert webhook_channel.last_out_at is not None


def test_what_works_again_after_a_failure_is_said_at_once(shop: FakeWebhookPlatform, webhook_channel: Channel) -> None:
    part = OutboundMessage(key="1", to="u-dora", text="Halo", sent_at=timezone.now())
    outbound.send(webhook_channel, part)
    Channel.objects.update(last_failure_at=timezone.now())
    webhook_channel.refresh_from_db()
    outbound.send(webhook_channel, part)
    webhook_channel.refresh_from_db()
    assert webhook_channel.last_out_at is not None
    assert webhook_channel.last_failure_at is not None
    assert webhook_channel.last_out_at > webhook_channel.last_failure_at
