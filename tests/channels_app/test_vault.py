"""Secrets at rest: unreadable without the key, readable with an older one."""

from __future__ import annotations

from typing import Any

import pytest

from agents.models import Team
from channels_app import vault
from channels_app.models import Channel
from tests.conftest import connect
from tests.platforms.webhook import SECRET


def test_sealed_says_nothing_and_opens_again() -> None:
    sealed = vault.seal({"secret": "kopi"})
    assert "kopi" not in sealed
    assert sealed != vault.seal({"secret": "kopi"})
    assert vault.open_sealed(sealed) == {"secret": "kopi"}
    assert (vault.seal({}), vault.open_sealed("")) == ("", {})


def test_an_older_key_still_opens(settings: Any) -> None:
    sealed, old = vault.seal({"secret": "kopi"}), settings.SECRET_KEY
    settings.SECRET_KEY = "another " * 8
    with pytest.raises(vault.Unreadable):
        vault.open_sealed(sealed)
    settings.SECRET_KEY_FALLBACKS = [old]
    assert vault.open_sealed(sealed) == {"secret": "kopi"}


def test_what_was_tampered_with_does_not_open() -> None:
    sealed = vault.seal({"secret": "kopi"})
    with pytest.raises(vault.Unreadable):
        vault.open_sealed(sealed[:-4] + "AAA=")


def test_a_channel_keeps_its_secrets_apart(north: Team) -> None:
    channel = connect("webhook", north, secret=SECRET, reply_url="https://shop.example/")
    stored = Channel.objects.values().get(pk=channel.pk)
    assert SECRET not in str(stored)
    assert stored["public_settings"] == {"reply_url": "https://shop.example/"}
    assert Channel.objects.get().account().get("secret") == SECRET
    assert SECRET not in repr(channel.account())
