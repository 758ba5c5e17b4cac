"""Of a batch only the one event is shown that a message came from; what cannot be told apart is not shown."""

from __future__ import annotations

import json
from typing import Any

import pytest

from channels_app import payloads
from channels_app.models import Channel, Envelope
from tests.conftest import Customer, connect
from tests.platforms.meta import NUMBER_ID, whatsapp
from tickets.models import Message


def kept(channel: Channel, body: Any) -> Envelope:
    return Envelope.objects.create(channel=channel, body=json.dumps(body).encode())


def event(sender: dict[str, str], name: str, **more: Any) -> dict[str, Any]:
    return {"type": "message", "id": name, "sender": sender, "text": f"words of {name}", **more}


def test_alone_it_is_shown_whole(dora: Customer) -> None:
    message = dora.writes("Halo", id="m-1")
    found = payloads.own_event(message.envelope, "m-1")
    assert (found["id"], found["text"], found["sender"]["id"]) == ("m-1", "Halo", "u-dora")


def test_of_a_batch_only_its_own(dora: Customer, eka: Customer) -> None:
    events = [event(dora.sender, "m-1"), event(eka.sender, "m-2"), event(dora.sender, "m-3", reply_to="m-2")]
    dora.sends({"type": "batch", "events": events})
    message = Message.objects.get(external_id="m-2")
    # The third names the id too, but it is not the message.
    assert payloads.own_event(message.envelope, "m-2") == events[1]


def test_two_events_of_one_message_are_not_taken_for_one(webhook_channel: Channel, dora: Customer) -> None:
    twice = [event(dora.sender, "m-1"), event(dora.sender, "m-2")]
    with pytest.raises(payloads.NotAlone):
        payloads.own_event(kept(webhook_channel, {"type": "batch", "events": twice}), "m-9")


def test_what_is_gone_is_said(webhook_channel: Channel) -> None:
    for envelope in (None, Envelope.objects.create(channel=webhook_channel, body=b"")):
        with pytest.raises(payloads.NotKept):
            payloads.own_event(envelope, "m-1")


def test_a_body_that_is_no_json_any_more(webhook_channel: Channel) -> None:
    with pytest.raises(payloads.NotAlone):
        payloads.own_event(Envelope.objects.create(channel=webhook_channel, body=b"{"), "m-1")


def test_neighbours_names_beside_the_messages_stay_out(db: None) -> None:
    """WhatsApp puts the people of a body in a list of their own."""
    channel = connect("whatsapp", None, app_secret="x", phone_number_id=NUMBER_ID)
    people = [{"profile": {"name": name}, "wa_id": number} for name, number in (("Sari", "62811"), ("Budi", "62812"))]
    said = [
        {"from": number, "id": f"wamid.{number}", "timestamp": "1767225600", "type": "order", "order": {"text": number}}
        for number in ("62811", "62812")
    ]
    body = whatsapp(contacts=people, messages=said)
    found = payloads.own_event(kept(channel, body), "wamid.62812")
    assert found == said[1]
    assert "Sari" not in json.dumps(found)


def test_a_thousand_events_are_searched_in_a_moment(webhook_channel: Channel, dora: Customer) -> None:
    parsed: list[Any] = []
    adapter = webhook_channel.adapter
    whole = type(adapter).parse

    def counted(self: Any, account: Any, payload: Any) -> Any:
        parsed.append(payload)
        return whole(self, account, payload)

    events = [event({"id": f"u-{number}"}, f"m-{number}") for number in range(1000)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(adapter), "parse", counted)
        found = payloads.own_event(kept(webhook_channel, {"type": "batch", "events": events}), "m-777")
    assert found["id"] == "m-777"
    assert len(parsed) < 20
