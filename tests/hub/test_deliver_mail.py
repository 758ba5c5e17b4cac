"""The pipe of one's own mail server: what it hands over, and what it tells the server when it cannot."""

from __future__ import annotations

from typing import Any

import pytest

from channels_app import checks
from channels_app.models import Channel
from hub.management.commands.deliver_mail import BAD_DATA, CONFIG, TRY_AGAIN, deliver
from tests.platforms import FakePlatform

pytestmark = pytest.mark.django_db
MAIL = b"From: a@example.com\r\nSubject: Halo\r\n\r\nHalo\r\n"


@pytest.fixture
def channel() -> Channel:
    made = Channel(kind="email", name="Mail")
    made.put_settings(checks.complete("email", {"address": "help@shop.example", "inbound_secret": "mail:0123456789"}))
    made.save()
    return made


def test_the_mail_is_handed_to_the_channels_door(channel: Channel) -> None:
    with FakePlatform() as product:
        product.always(status=200)
        assert deliver(channel.pk, product.url, MAIL) == 0
        request = product.requests[0]
    assert request.path == f"/webhooks/{channel.pk}/mime/"
    assert request.body == MAIL
    assert request.headers["authorization"] == "Bearer mail:0123456789"


@pytest.mark.parametrize(
    ("trouble", "status"),
    [({"status": 503}, TRY_AGAIN), ({"status": 401}, TRY_AGAIN), ({"status": 404}, TRY_AGAIN),
     ({"drop": True}, TRY_AGAIN), ({"status": 413}, BAD_DATA), ({"status": 400}, BAD_DATA)],
)  # fmt: skip
def test_trouble_is_told_as_mail_servers_understand_it(
    channel: Channel, trouble: dict[str, Any], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with FakePlatform() as product:
        product.always(**trouble)
        assert deliver(channel.pk, product.url, MAIL) == status
    assert "mail:0123456789" not in capsys.readouterr().err


def test_nobody_listens_or_there_is_no_channel(channel: Channel) -> None:
    with FakePlatform() as gone:
        url = gone.url
    assert deliver(channel.pk, url, MAIL) == TRY_AGAIN
    assert deliver(999, url, MAIL) == CONFIG
