"""The made-up shop: only where one plays, with the line that every website has, and a proof that is good."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from agents.models import Agent
from channels_app.models import Channel
from channels_app.widget.models import Visitor
from tests.widget.conftest import IDENTITY_SECRET, TOKEN, Browser

pytestmark = pytest.mark.django_db


def test_the_shop_has_the_chat_in_its_page(client: Client, widget_channel: Channel) -> None:
    response = client.get(f"/demo-shop/?channel={widget_channel.pk}&language=th")
    html = response.content.decode()
    assert f'<script src="/widget.js" data-channel="{TOKEN}" data-language="th" async></script>' in html
    assert '<html lang="th">' in html
    assert IDENTITY_SECRET not in html
    assert "unsafe-inline" not in response["Content-Security-Policy"]
    assert not re.search(r"<script(?![^>]*\bsrc=)| style=| on\w+=", html)
    assert client.get("/demo-shop/").status_code == 200


def test_who_signs_in_there_is_believed(client: Client, dora: Browser, widget_channel: Channel) -> None:
    html = client.get("/demo-shop/").content.decode()
    identity, proof = re.findall(r'data-id="([^"]*)".*?data-hash="([^"]*)"', html, re.DOTALL)[0]
    assert dora.ask("POST", "identify/", {"id": identity, "hash": proof}).status_code == 200
    assert Visitor.objects.get().conversation.external_id == f"id:{identity}"


@pytest.mark.parametrize("channel", ["0", "x", "9" * 30, "-1"])
def test_no_such_channel(client: Client, widget_channel: Channel, channel: str) -> None:
    assert client.get(f"/demo-shop/?channel={channel}").status_code == 404


def test_a_channel_that_stands_on_no_website_has_no_shop(client: Client, sms_channel: Channel) -> None:
    assert client.get(f"/demo-shop/?channel={sms_channel.pk}").status_code == 404
    assert client.get("/demo-shop/").status_code == 404


def test_not_where_one_works(client: Client, widget_channel: Channel, settings: object) -> None:
    settings.SANDBOX_ENABLED = False  # type: ignore[attr-defined]
    assert client.get("/demo-shop/").status_code == 404


def test_the_empty_inbox_and_the_playground_lead_there(
    client: Client, ana: Agent, widget_channel: Channel, sandbox_channel: Channel, settings: object
) -> None:
    client.force_login(ana)
    link = f'href="/demo-shop/?channel={widget_channel.pk}"'
    pages = ("/", f"/sandbox/{sandbox_channel.pk}/")
    assert all(link in client.get(page).content.decode() for page in pages)
    settings.SANDBOX_ENABLED = False  # type: ignore[attr-defined]
    assert link not in client.get("/").content.decode()
