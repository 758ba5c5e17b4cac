"""The form that is made from an adapter's fields: secrets go in and never out."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings as django_settings

from agents.models import Team
from channels_app import checks, pieces, registry, vault
from channels_app.forms import PREFIX, REMOVE, ChannelForm
from channels_app.models import Channel
from hub.demo import accounts
from tests.conftest import NOBODY
from tests.platforms.twilio import ACCOUNT_SID, AUTH_TOKEN, OUR_NUMBER
from tests.platforms.webhook import SECRET

KINDS = sorted(django_settings.CHANNEL_ADAPTERS)
SMS = {"account_sid": ACCOUNT_SID, "auth_token": AUTH_TOKEN, "from_number": OUR_NUMBER, "mode": "live"}


PARTED = {field.name: field for kind in KINDS for field in registry.adapter(kind).fields if field.parts is not None}


def in_pieces(values: dict[str, Any]) -> dict[str, Any]:
    """A setting that is asked for in pieces, as it is typed; one that cannot be taken apart goes into each."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if name not in PARTED:
            found[name] = value
            continue
        parts = PARTED[name].parts
        assert parts is not None
        split = parts.split(value)
        found |= {f"{name}-{piece.name}": split.get(piece.name, value) for piece in parts.fields}
    return found


def typed(name: str = "Toko", team: Team | None = None, remove: tuple[str, ...] = (), **values: Any) -> dict[str, Any]:
    """What a browser sends."""
    return {
        "name": name,
        "team": str(team.pk) if team else "",
        **{PREFIX + field: value for field, value in in_pieces(values).items()},
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
    singly = [piece for field in registry.adapter(kind).fields for piece in pieces.of(field)]
    assert len(again.everything()) == len(singly)


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
    singly = (piece for field in registry.adapter(kind).fields for piece in pieces.of(field))
    return {PREFIX + field.name for field in singly if field.secret}


MAIL: dict[str, Any] = {
    "address": "help@shop.example", "inbound_secret": "mail:x",
    "imap_url": "imaps://help%40shop.example:p%3Aw%20%25@imap.shop.example:993/Shop/Orders",
    "smtp_url": "smtp://help%40shop.example:s%2Fecret@smtp.shop.example:587?tls=on",
}  # fmt: skip


@pytest.fixture
def mail(north: Team) -> Channel:
    form = ChannelForm("email", typed(team=north, **MAIL))
    assert form.is_valid(), form.errors
    return form.save()


def changed(row: Channel, *, remove: tuple[str, ...] = (), **pieces_: Any) -> ChannelForm:
    """The page as it was shown, with some of it typed anew: no secret comes back from it by itself."""
    shown = ChannelForm("email", channel=row)
    data = {setting.field.html_name: setting.field.value() or "" for setting in shown.everything()}
    data = {name: "" if name in _secrets("email") else value for name, value in data.items()}
    data |= {PREFIX + name.replace("__", "-"): value for name, value in pieces_.items()}
    return ChannelForm(
        "email", {"name": "x", "team": "", **data, **{REMOVE + one: "on" for one in remove}}, channel=row
    )


def test_pieces_become_the_one_address_that_is_kept(mail: Channel) -> None:
    kept = mail.clear_settings()
    assert (kept["imap_url"], kept["smtp_url"]) == (MAIL["imap_url"], MAIL["smtp_url"])
    assert "secret" not in str(mail.public_settings)
    html = "".join(str(row.field) for row in ChannelForm("email", channel=mail).everything())
    assert "imap.shop.example" in html
    assert "Shop/Orders" in html
    assert "p:w %" not in html
    assert "s/ecret" not in html


def test_a_password_stays_with_its_server_and_no_other(mail: Channel) -> None:
    form = changed(mail, imap_url__folder="INBOX", smtp_url__user="other@shop.example")
    assert form.is_valid(), form.errors
    assert form.complete["imap_url"] == "imaps://help%40shop.example:p%3Aw%20%25@imap.shop.example:993/INBOX"
    assert form.complete["smtp_url"] == MAIL["smtp_url"].replace("help", "other")
    form = changed(mail, smtp_url__password="neu")
    assert form.is_valid(), form.errors
    assert form.complete["smtp_url"] == "smtp://help%40shop.example:neu@smtp.shop.example:587?tls=on"
    assert form.complete["imap_url"] == MAIL["imap_url"]
    for piece, value in (("host", "evil.example"), ("port", "2525"), ("tls", "none")):
        form = changed(mail, **{f"smtp_url__{piece}": value})
        assert not form.is_valid()
        assert "changed" in str(form.errors[PREFIX + "smtp_url-password"])
    form = changed(mail, smtp_url__host="mx.example", smtp_url__password="neu")
    assert set(form.errors) >= {PREFIX + "imap_url-password", PREFIX + "inbound_secret"}, "they are asked for again"
    form = changed(
        mail, smtp_url__host="mx.example", smtp_url__password="neu", imap_url__password="a", inbound_secret="mail:x"
    )
    assert form.is_valid(), form.errors


def test_pieces_can_be_emptied_and_a_password_taken_away(mail: Channel) -> None:
    gone: dict[str, Any] = {f"imap_url__{piece}": "" for piece in ("host", "port", "user", "folder")}
    form = changed(mail, **gone)
    assert form.is_valid(), form.errors
    assert "imap_url" not in form.complete
    form = changed(mail, remove=("smtp_url-password",), inbound_secret="mail:x")
    assert form.is_valid(), form.errors
    assert form.complete["smtp_url"] == "smtp://help%40shop.example@smtp.shop.example:587?tls=on"


def test_what_is_wrong_with_a_piece_stands_at_it(db: None) -> None:
    data = {
        **typed(address="help@shop.example"),
        PREFIX + "imap_url-host": "imap.example/x",
        PREFIX + "imap_url-port": "0",
    }
    errors = refused("email", data)
    assert set(errors) == {PREFIX + f"imap_url-{piece}" for piece in ("host", "port", "user")}


@pytest.mark.parametrize("name", [one.name for one in registry.adapter("email").presets])
def test_a_known_provider_is_filled_in(name: str, db: None) -> None:
    form = ChannelForm("email", preset=name)
    assert form.preset
    for field, value in form.preset.values.items():
        assert form[PREFIX + field].value() == value
    own = {"imap_url-host": "mail.shop.example", "smtp_url-host": "mail.shop.example"} if name == "hosting" else {}
    data: dict[str, Any] = {
        **form.preset.values,
        **own,
        "address": "a@shop.example",
        "imap_url-user": "a",
        "smtp_url-user": "a",
    }
    made = ChannelForm("email", typed(**data))
    assert made.is_valid(), made.errors
    assert made.complete["imap_url"].startswith("imaps://a@")
    assert ChannelForm("email", preset="nobody").preset is None


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
