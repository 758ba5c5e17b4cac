"""What the exchange forgets of a person, and what it must not take from others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from channels_app import erasing
from channels_app.models import Address, AddressAlias, Channel, Envelope

pytestmark = pytest.mark.django_db


def envelope(channel: Channel, body: Any, state: str = "opened") -> Envelope:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Envelope.objects.create(channel=channel, body=raw, state=state, url="/webhooks/1/", headers={"a": "b"})


def event(sender: str, id: str = "m-1") -> dict[str, Any]:
    return {"type": "message", "id": id, "sender": {"id": sender, "name": "Dora"}, "text": f"Halo dari {sender}"}


def test_an_address_has_nothing_left_and_is_nobodys(webhook_channel: Channel) -> None:
    row = Address.objects.create(
        channel=webhook_channel, external_id="u-dora", name="Dora", phone="+6281234567890", email="dora@shop.example",
        username="dora", language="id", facts={"Paket": "Emas"}, known_ids=["d-1"],
    )  # fmt: skip
    AddressAlias.objects.create(channel=webhook_channel, alias="d-1", address=row)
    assert erasing.names([row]) == ["+6281234567890", "d-1", "dora", "dora@shop.example", "u-dora"]
    erasing.forget(row)
    row.refresh_from_db()
    said = json.dumps([row.external_id, row.name, row.phone, row.email, row.username, row.facts, row.known_ids])
    assert "dora" not in said.lower()
    assert "628" not in said
    assert row.erased_at
    assert row.blocked_at
    assert (row.handle, AddressAlias.objects.count()) == ("Erased customer", 0)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"to": "u-dora"}', True),
        (b"From=%2B6281234567890&Body=Halo", True),
        (b'{"recipient": "6281234567890"}', True),
        (b'{"from": "u-dorabella"}', False),
        (b'{"from": "626281234567890"}', False),
        (b"", False),
    ],
)
def test_raw_requests_are_found_by_whole_ids(webhook_channel: Channel, body: bytes, found: bool) -> None:
    row = envelope(webhook_channel, body)
    said = ["u-dora", "+6281234567890"]
    assert (row.pk in erasing.naming([webhook_channel.pk], said, row.pk - 1)) is found
    assert erasing.naming([webhook_channel.pk + 1], said, row.pk - 1) == []


def test_what_was_opened_goes_whole(webhook_channel: Channel) -> None:
    row = envelope(webhook_channel, {"events": [event("u-dora"), event("u-eka", "m-2")]})
    erasing.erase(row.pk, {"u-dora"})
    row.refresh_from_db()
    assert (bytes(row.body), row.url, row.headers, row.state) == (b"", "", {}, "opened")
    assert row.erased_at


def test_what_is_still_to_be_opened_keeps_what_is_others(webhook_channel: Channel) -> None:
    row = envelope(webhook_channel, {"events": [event("u-dora"), event("u-eka", "m-2")]}, "failed")
    erasing.erase(row.pk, {"u-dora"})
    row.refresh_from_db()
    assert "Halo dari u-eka" in bytes(row.body).decode()
    assert "Halo dari u-dora" not in bytes(row.body).decode()
    assert row.state == "failed"


@pytest.mark.parametrize("body", [event("u-dora"), b'{"type": "message", "sender": "u-dora'])
def test_what_is_theirs_alone_or_cannot_be_read_is_never_opened(webhook_channel: Channel, body: Any) -> None:
    row = envelope(webhook_channel, body, "failed")
    erasing.erase(row.pk, {"u-dora"})
    row.refresh_from_db()
    assert (bytes(row.body), row.state, row.retry_at) == (b"", "ignored", None)
