"""Visitors of a shop's website, in front of the widget's own doors."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from agents.models import Team
from channels_app.models import Channel
from channels_app.widget import limits, views
from tests.conftest import connect
from tests.journeys.conftest import CHROMIUM, QUIETLY, watch
from tests.running import RunningHub
from tests.widget.shop import Shop
from tests.widget.visiting import STEADILY, WITHIN, Visit, connected

SHOP = "https://shop.example"
TOKEN, IDENTITY_SECRET = "wgt_of_the_shop", "the shop's own secret"


@pytest.fixture(autouse=True)
def calm() -> Iterator[None]:
    limits.forget()
    views.forget()
    yield
    limits.forget()
    views.forget()


@pytest.fixture
def widget_channel(north: Team) -> Channel:
    return connect(
        "webchat", north, "Shop chat", widget_token=TOKEN, identity_secret=IDENTITY_SECRET, origins=SHOP,
        read_receipts="on",
    )  # fmt: skip


@pytest.fixture(scope="package")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    with RunningHub(tmp_path_factory.mktemp("widget")) as running:
        yield running


@dataclass
class Browser:
    """One dora of one visitor."""

    widget_token: str = TOKEN
    origin: str = SHOP
    token: str = ""
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def ask(self, method: str, path: str, given: Any = None, **headers: str) -> HttpResponse:
        meta = {"HTTP_ORIGIN": self.origin, **({"HTTP_AUTHORIZATION": f"Bearer {self.token}"} if self.token else {})}
        body = given if isinstance(given, bytes) else b"" if given is None else json.dumps(given).encode()
        response: Any = self.client.generic(
            method, f"/widget/{path}", body, content_type="application/json", **{**meta, **headers}
        )
        return response

    def begins(self, **given: Any) -> str:
        response = self.ask("POST", f"{self.widget_token}/session/", given)
        assert response.status_code == 201, response.content
        found = json.loads(response.content)
        self.token = found["token"]
        return str(found["visitor"])

    def says(self, text: str = "", client_message_id: str = "", **more: Any) -> HttpResponse:
        name = client_message_id or f"c-{id(self)}-{next(self.numbers)}"
        return self.ask("POST", "messages/", {"client_message_id": name, "text": text, **more})

    def reads(self, after: int = 0) -> list[dict[str, Any]]:
        response = self.ask("GET", f"messages/?after={after}")
        assert response.status_code == 200, response.content
        found: list[dict[str, Any]] = json.loads(response.content)["results"]
        return found

    def identifies(self, identity: str, secret: str = IDENTITY_SECRET, **facts: Any) -> HttpResponse:
        proof = hmac.new(secret.encode(), identity.encode(), hashlib.sha256).hexdigest()
        return self.ask("POST", "identify/", {"id": identity, "hash": proof, **facts})


@pytest.fixture
def dora(widget_channel: Channel) -> Browser:
    found = Browser()
    found.begins()
    return found


# ── In a real browser ────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=QUIETLY)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def shop(hub: RunningHub) -> Iterator[Shop]:
    with Shop(hub.url) as running:
        yield running


@pytest.fixture(scope="module")
def channel(hub: RunningHub, shop: Shop) -> dict[str, Any]:
    return connected(hub, shop)


@pytest.fixture
def visit(chromium: Chromium, shop: Shop, channel: dict[str, Any]) -> Iterator[Visit]:
    """A visitor's browser at the shop. Whatever a page complains of fails the test, its policy included; and so does a
    message that vanishes or stands there twice, even for a moment, until the page is told ``mayVanish()``."""
    # Here, not where it is defined: other modules of the same process have settings of their own.
    expect.set_options(timeout=WITHIN)
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def come(
        within: BrowserContext | None = None,
        trouble: bool = False,
        data: dict[str, str] | None = None,
        first: str = "",
        **options: Any,
    ) -> Page:
        context = within or chromium.new_context(**{"locale": "en-GB", **options})
        if within is None:
            contexts.append(context)
            context.set_default_timeout(WITHIN)
            context.expose_binding("unsteady", lambda _source, what: complaints.append(what))
            context.add_init_script(STEADILY)
        page = context.new_page()
        if first:
            page.add_init_script(first)
        if not trouble:
            watch(page, complaints)
        page.goto(shop.page(**{"channel": channel["settings"]["widget_token"], **(data or {})}))
        return page

    yield come
    for context in contexts:
        context.close()
    assert complaints == []
