"""The pretend platform: every message arrives, but for the customers who misbehave on purpose."""

from __future__ import annotations

from typing import Any

import pytest

from channels_app.adapters.sandbox import MAGIC, SandboxAdapter
from channels_app.contract import (
    Account,
    DeliveryFailed,
    InboundRequest,
    NotAuthentic,
    OutboundMessage,
    UnreadableEvent,
)
from channels_app.http import Http

adapter = SandboxAdapter()
ACCOUNT = Account(id=1, kind="sandbox", name="Sandbox", settings={})


def send(to: str, attempt: int = 1) -> Any:
    return adapter.send(ACCOUNT, OutboundMessage(key="41", to=to, text="Halo", attempt=attempt), Http())


def test_what_the_page_says_becomes_a_message() -> None:
    event = {
        "id": 1,
        "sender": "dora",
        "name": "Dora",
        "text": "Halo",
        "attachments": [{"url": "http://x.example/a.png"}],
    }
    (message,) = adapter.parse(ACCOUNT, event)
    assert (message.external_id, message.conversation, message.sender.name, message.text) == (
        "1",
        "dora",
        "Dora",
        "Halo",
    )
    assert len(message.attachments) == 1


@pytest.mark.parametrize("event", [{}, {"id": "1"}, {"sender": "x"}, {"id": "1", "sender": {}}, [], None])
def test_without_its_ids_an_event_is_unreadable(event: Any) -> None:
    with pytest.raises(UnreadableEvent):
        list(adapter.parse(ACCOUNT, event))


def test_replies_are_delivered_at_once() -> None:
    sent = send("dora")
    assert (sent.external_id, sent.state) == ("sandbox-41", "delivered")


def test_the_magic_customers() -> None:
    assert MAGIC == ("blocked", "flaky", "silent")
    with pytest.raises(DeliveryFailed) as blocked:
        send("blocked")
    assert (blocked.value.permanent, blocked.value.category) == (True, "blocked")
    with pytest.raises(DeliveryFailed) as flaky:
        send("flaky")
    assert not flaky.value.permanent
    assert send("flaky", attempt=2).state == "delivered"
    with pytest.raises(DeliveryFailed) as silent:
        send("silent", attempt=9)
    assert silent.value.category == "unconfirmed"


def test_nobody_can_post_to_it() -> None:
    assert not adapter.has_webhook
    assert adapter.has_playground
    with pytest.raises(NotAuthentic):
        adapter.verify(ACCOUNT, InboundRequest("POST", "http://hub/webhooks/1/", {}, b"{}"))
