"""Opening again by hand: one, or all that failed of a channel."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from channels_app import replays
from channels_app.models import Channel, Envelope
from tests.conftest import Customer
from tickets.models import Message


@pytest.fixture
def failed(dora: Customer) -> Envelope:
    dora.sends({"type": "message", "text": "without an id"})
    return Envelope.objects.get()


def test_one_that_fails_again_says_so(failed: Envelope) -> None:
    again = replays.one(failed.pk)
    assert again is not None
    assert (again.state, again.attempts) == ("failed", 2)


def test_what_cannot_be_opened_again(dora: Customer, failed: Envelope) -> None:
    Envelope.objects.update(body=b"")
    with pytest.raises(replays.CannotReplay, match="no longer kept"):
        replays.one(failed.pk)
    Envelope.objects.update(state="opened")
    with pytest.raises(replays.CannotReplay, match="opened already"):
        replays.one(failed.pk)


def test_all_of_a_channel_and_how_far_it_is(
    failed: Envelope, webhook_channel: Channel, sms_channel: Channel, work: Callable[[], None]
) -> None:
    body = b'{"type":"message","id":"m-%d","sender":{"id":"u-1"},"text":"Halo"}'
    kept = [Envelope(channel=webhook_channel, state="failed", body=body % number) for number in range(3)]
    gone = Envelope(channel=webhook_channel, state="failed", body=b"")
    other = Envelope(channel=sms_channel, state="failed", body=b"x=1")
    Envelope.objects.bulk_create([*kept, gone, other])
    run = replays.all_failed(webhook_channel.pk)
    assert (run.count, run.waiting) == (4, 4)
    work()
    assert run.waiting == 0
    assert Message.objects.count() == 3
    left = Envelope.objects.filter(channel=webhook_channel, state="failed")
    assert set(left.values_list("pk", "attempts")) == {(failed.pk, 2), (gone.pk, 1)}
    assert Envelope.objects.get(pk=other.pk).retry_at is None
