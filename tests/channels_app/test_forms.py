"""The form that is made from an adapter's fields: secrets go in and never out."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings as django_settings

from agents.models import Team
from channels_app import checks, registry, vault
from channels_app.forms import PREFIX, REMOVE, ChannelForm
from channels_app.models import Channel
from hub.demo import accounts
from tests.conftest import NOBODY
from tests.platforms.twilio import ACCOUNT_SID, AUTH_TOKEN, OUR_NUMBER
from tests.platforms.webhook import SECRET

KINDS = sorted(django_settings.CHANNEL_ADAPTERS)
SMS = {"account_sid": ACCOUNT_SID, "auth_token": AUTH_TOKEN, "from_number": OUR_NUMBER, "mode": "live"}


def typed(name: str = "Toko", team: Team | None = None, remove: tuple[str, ...] = (), **values: Any) -> dict[str, Any]:
    """What a browser sends."""
    return {
        "name": name,
        "team": str(team.pk) if team else "",
        **{PREFIX + field: value for field, value in values.items()},
        **{REMOVE + field: "on" for field in remove},
    }


def demo_values(kind: str) -> dict[str, Any]:
    """Something valid for every kind, as the demo has it."""
    values = {field.name: accounts._value(kind, field) for field in registry.adapter(kind).fields}
    return {name: value for name, value in values.items() if isinstance(value, str)}


def refused(kind: str, data: dict[str, Any], channel: Channel | None = None) -> dict[str, Any]:
    form = ChannelForm(kind, data, channel=channel)
    assert not form.is_valid()
    return dict(form.errors)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_its_form(kind: str, north: Team) -> None:
    values = demo_values(kind)
    form = ChannelForm(kind, typed(team=north, **values))
    assert form.is_valid(), form.errors
    row = form.save()
    row.refresh_from_db()
    assert (row.kind, row.name, row.team) == (kind, "Toko", north)
    assert row.clear_settings() == checks.complete(kind, values)
    again = ChannelForm(kind, channel=row, team=row.team_id)
    html = "".join(str(setting.field) for setting in again.everything())
    for field in registry.adapter(kind).fields:
        kept = str(row.clear_settings().get(field.name) or "")
        if field.secret and kept:
            assert kept not in html
    assert len(again.everything()) == len(registry.adapter(kind).fields)


@pytest.mark.parametrize("kind", KINDS)
def test_sent_back_as_it_is_nothing_changes(kind: str, north: Team) -> None:
    first = ChannelForm(kind, typed(team=north, **demo_values(kind)))
    assert first.is_valid(), first.errors
    row = first.save()
    before = row.clear_settings()
    shown = ChannelForm(kind, channel=row)
    data = {setting.field.html_name: setting.field.value() or "" for setting in shown.everything()}
    data = {name: "" if name in _secrets(kind) else value for name, value in data.items()}
    form = ChannelForm(kind, {"name": row.name, "team": "", **data}, channel=row)
    assert form.is_valid(), form.errors
    form.save()
    row.refresh_from_db()
    assert row.clear_settings() == before
    assert row.team is None


def _secrets(kind: str) -> set[str]:
    return {PREFIX + field.name for field in registry.adapter(kind).fields if field.secret}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("nasty", ["<script>alert(1)</script>", "x" * 1_000_000, "\x00", "‮ใจ", "{}", "[[[[", "1e999"])
def test_anything_in_every_field_gets_an_answer(kind: str, nasty: str, north: Team) -> None:
    form = ChannelForm(kind, typed(name=nasty, **{field.name: nasty for field in registry.adapter(kind).fields}))
    if form.is_valid():
        assert form.save().pk
    else:
        assert all(words for words in form.errors.values())
        html = form.as_p()
        assert "<script>" not in html


def test_secrets_of_our_own_making_may_be_left_out(db: None) -> None:
    form = ChannelForm("webhook", typed(secret="", reply_url=""))
    assert form.is_valid(), form.errors
    assert form.save().clear_settings()["secret"].startswith("whsec_")


def test_what_is_wrong_stands_at_its_field(db: None) -> None:
    errors = refused("webhook", typed(secret="short", reply_url="javascript:alert(1)"))
    assert set(errors) == {PREFIX + "reply_url", PREFIX + "secret"}
    assert set(refused("sms", typed(mode="wild"))) >= {PREFIX + "mode"}
    assert set(refused("sandbox", typed(name="  "))) == {"name"}
    assert set(refused("sandbox", typed(name="x" * 151))) == {"name"}
    assert set(refused("sandbox", {**typed(), "team": "9" * 30})) == {"team"}


def test_a_secret_beside_a_mistake_is_asked_for_again(db: None) -> None:
    errors = refused("webhook", typed(secret=SECRET, reply_url="no address"))
    assert set(errors) == {PREFIX + "reply_url", PREFIX + "secret"}
    assert "once more" in str(errors[PREFIX + "secret"])


def test_an_empty_secret_is_kept_and_an_empty_text_is_cleared(webhook_channel: Channel) -> None:
    form = ChannelForm("webhook", typed(secret="", reply_url=f"{NOBODY}/reply/"), channel=webhook_channel)
    assert form.is_valid(), form.errors
    assert form.save().clear_settings() == {"secret": SECRET, "reply_url": f"{NOBODY}/reply/"}
    form = ChannelForm("webhook", typed(secret=SECRET, reply_url=""), channel=webhook_channel)
    assert form.is_valid(), form.errors
    assert form.save().clear_settings() == {"secret": SECRET}


def test_a_secret_can_be_taken_away(sms_channel: Channel) -> None:
    values = {**SMS, "auth_token": "", "base_url": NOBODY, "mode": "stub"}
    form = ChannelForm("sms", typed(**values, remove=("auth_token",)), channel=sms_channel)
    assert form.is_valid(), form.errors
    assert "auth_token" not in form.save().clear_settings()


def test_a_moved_address_asks_for_the_secret_at_its_field(sms_channel: Channel) -> None:
    before = sms_channel.clear_settings()
    moved = {**SMS, "base_url": "https://evil.example"}
    errors = refused("sms", typed(**{**moved, "auth_token": ""}), sms_channel)
    assert set(errors) == {PREFIX + "auth_token"}
    sms_channel.refresh_from_db()
    assert sms_channel.clear_settings() == before
    form = ChannelForm("sms", typed(**moved), channel=sms_channel)
    assert form.is_valid(), form.errors
    assert form.save().clear_settings()["base_url"] == "https://evil.example"


def test_secrets_that_cannot_be_read_are_entered_again(webhook_channel: Channel, settings: Any) -> None:
    settings.SECRET_KEY = "quite another key than the one before"
    with pytest.raises(vault.Unreadable):
        webhook_channel.clear_settings()
    assert ChannelForm("webhook", channel=webhook_channel).sealed
    blank = typed(secret="", reply_url=f"{NOBODY}/reply/")
    assert set(refused("webhook", blank, webhook_channel)) == {PREFIX + "secret"}
    form = ChannelForm("webhook", {**blank, PREFIX + "secret": SECRET}, channel=webhook_channel)
    assert form.is_valid(), form.errors
    assert form.save().clear_settings()["secret"] == SECRET


def test_a_setting_that_is_no_text_is_edited_as_json(webhook_channel: Channel) -> None:
    Channel.objects.update(public_settings={"reply_url": {"a": 1}})
    webhook_channel.refresh_from_db()
    form = ChannelForm("webhook", channel=webhook_channel)
    assert "&quot;a&quot;: 1" in str(form[PREFIX + "reply_url"])
    assert set(refused("webhook", typed(reply_url="{"), webhook_channel)) >= {PREFIX + "reply_url"}
