"""How the chat looks and what it says: from settings, in the visitor's language, in one answer."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.utils.html import escape
from django.utils.translation import override

from agents.hours.models import Schedule
from agents.models import Agent, Team
from channels_app import checks
from channels_app.contract import SettingsInvalid
from channels_app.hours import book
from channels_app.models import Channel, ChannelHours
from channels_app.widget import appearance, views
from tests.conftest import connect
from tests.widget.conftest import IDENTITY_SECRET, SHOP, Browser

pytestmark = pytest.mark.django_db


def seen(browser: Browser, language: str = "") -> dict[str, Any]:
    query = f"?language={language}" if language else ""
    response = browser.ask("GET", f"{browser.widget_token}/appearance/{query}")
    assert response.status_code == 200, response.content
    found: dict[str, Any] = json.loads(response.content)
    return found


def put(channel: Channel, **settings: Any) -> None:
    channel.put_settings(checks.complete(channel.kind, settings, channel.clear_settings()))
    channel.save()
    views.forget()


def test_a_new_browser_is_told_with_its_session(widget_channel: Channel) -> None:
    browser = Browser()
    response = browser.ask("POST", f"{browser.widget_token}/session/", {"language": "th-TH"})
    found = json.loads(response.content)["appearance"]
    assert (found["language"], found["title"], found["colour"]) == ("th", "Shop chat", "#0b57d0")
    assert found["hours"] == {"open": True, "opens_at": None}
    assert {**found, "language": "en"}.keys() == seen(browser).keys()


def test_ones_own_words_are_said_in_their_language_alone(dora: Browser, widget_channel: Channel) -> None:
    put(widget_channel, greeting_th="สวัสดีค่ะ", title="Kopi Kita", expected="hour", out_of_hours_id="Kami tutup.")
    assert seen(dora, "th")["greeting"] == "สวัสดีค่ะ"
    assert seen(dora, "en")["greeting"] == "Hello! How can we help you?"
    assert seen(dora, "id")["out_of_hours"] == "Kami tutup."
    assert seen(dora, "xx")["language"] == "en"
    assert seen(dora, "en")["expected"] == "We usually answer within an hour."
    assert seen(dora)["title"] == "Kopi Kita"


def test_the_browsers_language_where_the_page_says_none(dora: Browser) -> None:
    response = dora.ask("GET", f"{dora.widget_token}/appearance/", HTTP_ACCEPT_LANGUAGE="id-ID,en;q=0.5")
    assert json.loads(response.content)["language"] == "id"
    assert response["Cache-Control"] == "private, max-age=60"
    assert response["Access-Control-Allow-Origin"] == SHOP


def test_what_is_asked_before_the_chat(dora: Browser, widget_channel: Channel) -> None:
    assert seen(dora)["prechat"] == []
    put(widget_channel, prechat_email="required", prechat_name="optional")
    assert seen(dora)["prechat"] == [
        {"name": "name", "label": "Name", "type": "text", "required": False},
        {"name": "email", "label": "E-mail", "type": "email", "required": True},
    ]


def test_a_visitor_is_told_when_somebody_is_there_again(dora: Browser, widget_channel: Channel) -> None:
    week = [[["09:00", "17:00"]] for _day in range(5)] + [[], []]
    row = Schedule.objects.create(name="Office", time_zone="Asia/Jakarta", weekly=week)
    ChannelHours.objects.create(
        channel=widget_channel, schedule=row, away_on=True, away_texts={"en": "Back soon.", "th": "ปิดแล้ว"}
    )
    book.forget()
    sunday = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
    assert appearance.of(widget_channel, sunday)["hours"] == {"open": False, "opens_at": "2026-11-23T02:00:00Z"}
    monday = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
    assert appearance.of(widget_channel, monday)["hours"] == {"open": True, "opens_at": None}
    # What the channel says of itself while nobody is there, unless the chat has words of its own.
    assert (seen(dora, "en")["out_of_hours"], seen(dora, "th")["out_of_hours"]) == ("Back soon.", "ปิดแล้ว")
    put(widget_channel, out_of_hours_th="พบกันพรุ่งนี้")
    assert seen(dora, "th")["out_of_hours"] == "พบกันพรุ่งนี้"
    book.forget()


@pytest.mark.parametrize("step", range(0, 256, 15))
def test_the_text_on_a_colour_can_be_read(step: int) -> None:
    for colour in (f"#{step:02x}{step:02x}{step:02x}", f"#{step:02x}8a00", f"#ff{step:02x}00", f"#00{step:02x}ff"):
        assert appearance.contrast(colour, appearance.on(colour)) >= 4.5


def test_settings_that_are_no_settings_are_the_default() -> None:
    with override("en"):
        found = appearance.shown({"colour": "red", "position": 3, "greeting_en": ["x"], "prechat_name": "x"}, "Shop")
    assert (found["colour"], found["position"], found["prechat"]) == ("#0b57d0", "right", [])
    assert found["greeting"] == "Hello! How can we help you?"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("colour", "red"), ("colour", "#12345"), ("colour", 7), ("position", "top"), ("continue_after", "0"),
        ("continue_after", "ten"), ("continue_after", "-1"), ("continue_after", "9" * 40), ("greeting_en", "x" * 501),
        ("continue_by", "999999"), ("continue_by", "x"), ("title", "a\x00b"), ("prechat_name", "always"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_at_the_field(widget_channel: Channel, name: str, value: object) -> None:
    with pytest.raises(SettingsInvalid) as refused:
        checks.complete("webchat", {name: value}, widget_channel.clear_settings())
    assert set(refused.value.errors) == {name}


def test_the_mail_channel_is_one_of_ours_that_threads(widget_channel: Channel, north: Team) -> None:
    mail_channel = connect("email", north, "Mail", address="help@shop.example", smtp_url="")
    (field,) = [one for one in widget_channel.adapter.fields if one.name == "continue_by"]
    assert checks.choosable(field) == [mail_channel]
    put(widget_channel, continue_by=str(mail_channel.pk), continue_after="3")
    assert widget_channel.public_settings["continue_by"] == str(mail_channel.pk)


def test_the_line_for_the_pages_is_there_to_be_copied(widget_channel: Channel, ana: Agent, client: Client) -> None:
    client.force_login(ana)
    html = client.get(f"/settings/channels/{widget_channel.pk}/setup/").content.decode()
    line = '<script src="http://127.0.0.1:8000/widget.js" data-channel="wgt_of_the_shop" async></script>'
    assert escape(line) in html
    assert IDENTITY_SECRET not in html
