"""The chat beside its form: what is typed and not saved, for administrators, in a frame of our own pages alone."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from agents.models import Agent
from channels_app.models import Channel
from tests.widget.conftest import IDENTITY_SECRET

pytestmark = pytest.mark.django_db
FORM = {"name": "Shop", "setting-colour": "#FFDD00", "setting-greeting_th": "สวัสดี", "setting-position": "left"}


@pytest.fixture
def admin(client: Client, ana: Agent) -> Client:
    client.force_login(ana)
    return client


def shown(client: Client, **more: str) -> dict[str, Any]:
    response = client.post("/widget-preview/", {**FORM, **more})
    assert response.status_code == 200
    found: dict[str, Any] = response.json()
    return found


def test_what_is_typed_is_shown(admin: Client) -> None:
    found = shown(admin)
    assert (found["colour"], found["on_colour"], found["position"], found["title"]) == (
        "#ffdd00", "#000000", "left", "Shop",
    )  # fmt: skip
    assert found["texts"]["write"]
    assert not Channel.objects.exists()


def test_in_the_language_and_state_that_is_written_for(admin: Client) -> None:
    assert (shown(admin)["language"], shown(admin, focus="greeting_th")["greeting"]) == ("en", "สวัสดี")
    found = shown(admin, focus="out_of_hours_id")
    assert (found["language"], found["hours"]["open"]) == ("id", False)


def test_half_a_colour_is_no_colour_yet(admin: Client) -> None:
    assert shown(admin, **{"setting-colour": "#ff"})["colour"] == "#0b57d0"
    assert shown(admin, **{"setting-colour": "\x00"})["colour"] == "#0b57d0"


def test_only_our_own_pages_frame_it(admin: Client) -> None:
    response = admin.get("/widget-preview/")
    assert response["X-Frame-Options"] == "SAMEORIGIN"
    policy = response["Content-Security-Policy"]
    (ancestors,) = [part.split() for part in policy.split("; ") if part.startswith("frame-ancestors")]
    assert "'self'" in ancestors
    assert "'none'" not in ancestors


def test_only_administrators(client: Client, bea: Agent) -> None:
    assert client.get("/widget-preview/").status_code == 302
    client.force_login(bea)
    assert client.get("/widget-preview/").status_code == 403
    assert client.post("/widget-preview/", FORM).status_code == 403


def test_the_form_has_it_beside_it_and_others_have_none(
    admin: Client, widget_channel: Channel, sms_channel: Channel
) -> None:
    html = admin.get(f"/settings/channels/{widget_channel.pk}/edit/").content.decode()
    assert '<iframe src="/widget-preview/" data-preview' in html
    assert IDENTITY_SECRET not in html
    assert "data-preview" not in admin.get(f"/settings/channels/{sms_channel.pk}/edit/").content.decode()
