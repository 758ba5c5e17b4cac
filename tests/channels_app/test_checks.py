"""What an administrator types for a channel."""

from __future__ import annotations

from typing import Any

import pytest

from channels_app import checks
from channels_app.contract import SettingsInvalid
from channels_app.models import Channel
from tests.platforms.twilio import ACCOUNT_SID, AUTH_TOKEN, OUR_NUMBER, FakeTwilio
from tests.platforms.webhook import SECRET

SMS = {"account_sid": ACCOUNT_SID, "auth_token": AUTH_TOKEN, "from_number": OUR_NUMBER}


def wrong(kind: str, given: dict[str, Any], old: dict[str, Any] | None = None) -> set[str]:
    with pytest.raises(SettingsInvalid) as found:
        checks.complete(kind, given, old)
    return set(found.value.errors)


def test_secrets_of_our_own_making_are_made() -> None:
    first, second = checks.complete("webhook", {}), checks.complete("webhook", {})
    assert first["secret"].startswith("whsec_")
    assert first["secret"] != second["secret"]
    assert checks.complete("sms", SMS)["mode"] == "live"


@pytest.mark.parametrize(
    "given",
    [
        {"colour": "red"}, {"secret": ""}, {"secret": "short of base64!"}, {"secret": 7}, {"secret": "x" * 20_001},
        {"secret": "a\x00"}, {"reply_url": "javascript:alert(1)"}, {"reply_url": "shop.example"}, {"reply_url": 7},
        {"reply_url": "https://"}, {"reply_url": "https://[x"}, {"reply_url": "https://a:99999/"},
        {"reply_url": "https://a/\ud800"},
    ],
)  # fmt: skip
def test_what_cannot_work_is_named(given: dict[str, Any]) -> None:
    assert wrong("webhook", given) == set(given)


def test_a_choice_is_one_of_the_choices() -> None:
    assert wrong("sms", {**SMS, "mode": "wild"}) == {"mode"}


def test_what_is_left_out_keeps_its_value() -> None:
    old = {"secret": SECRET, "reply_url": "https://a.example/"}
    assert checks.complete("webhook", {}, old) == old
    assert checks.complete("webhook", {"reply_url": None}, old) == old
    assert checks.complete("webhook", {"reply_url": "https://a.example/"}, old) == old


def test_a_new_address_asks_for_the_secret_again() -> None:
    chat = {"secret": SECRET, "reply_url": "https://a.example/"}
    assert wrong("webhook", {"reply_url": "https://b.example/"}, chat) == {"secret"}
    assert checks.complete("webhook", {"reply_url": "", "secret": SECRET}, chat) == {"secret": SECRET}
    old = checks.complete("sms", SMS)
    assert wrong("sms", {"base_url": "https://evil.example"}, old) == {"auth_token"}
    moved = {"base_url": "https://proxy.example", "auth_token": AUTH_TOKEN}
    assert checks.complete("sms", moved, old)["base_url"] == "https://proxy.example"
    assert wrong("sms", {"base_url": ""}, {**old, "base_url": "https://proxy.example"}) == {"auth_token"}


def test_a_live_check_tries_the_real_thing(sms_channel: Channel, twilio: FakeTwilio) -> None:
    assert [line.ok for line in checks.live(sms_channel)] == [True]
    twilio.will(401)
    assert [line.ok for line in checks.live(sms_channel)] == [False]
