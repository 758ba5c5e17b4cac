"""The frame of the settings pages: who is shown what, and where one begins."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from agents import settings_pages
from agents.models import Agent
from hub.urls import urlpatterns as everything


@settings_pages.open_to(settings_pages.ADMIN)
def vault(request: HttpRequest) -> HttpResponse:
    return HttpResponse("gold")


urlpatterns = [path("vault/", vault), *everything]


@pytest.fixture
def vaulted(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__


def shown(agent: Agent) -> list[str]:
    request = HttpRequest()
    request.user, request.path = agent, "/settings/"
    return [place.section.name for place in settings_pages.places(request)]


def test_each_role_is_shown_its_own_pages(ana: Agent, lena: Agent, bea: Agent) -> None:
    assert set(shown(bea)) <= {"settings_profile", "settings_tokens"}
    assert "settings_envelopes" not in shown(lena)
    assert set(shown(bea)) <= set(shown(lena)) <= set(shown(ana))


def test_settings_lead_to_the_first_page(client: Client, bea: Agent) -> None:
    assert client.get("/settings/").headers["Location"].startswith("/accounts/login/")
    client.force_login(bea)
    response = client.get("/settings/")
    assert response.status_code == 302
    assert client.get(response.headers["Location"], follow=True).status_code == 200


def test_a_door_for_one_role(vaulted: None, client: Client, ana: Agent, bea: Agent) -> None:
    assert client.get("/vault/").headers["Location"] == "/accounts/login/?next=/vault/"
    assert client.post("/vault/").headers["Location"] == "/accounts/login/?next=/settings/"
    asked = client.get("/vault/", headers={"X-Requested-With": "fetch"})
    assert (asked.status_code, asked.json()["sign_in"]) == (401, "/accounts/login/")
    client.force_login(bea)
    refused = client.get("/vault/")
    assert refused.status_code == 403
    assert b"Your role does not allow it" in refused.content
    part = client.get("/vault/", headers={"X-Requested-With": "fetch"})
    assert (part.status_code, part.json()["words"]) == (403, "Your role does not allow this.")
    client.force_login(ana)
    opened = client.get("/vault/")
    assert opened.content == b"gold"
    assert "no-cache" in opened.headers["Cache-Control"]
