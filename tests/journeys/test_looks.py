"""What every page keeps: accessible in light and dark, small at first load, right in Thai."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.journeys.waiting import settled, until
from tests.running import RunningHub

Enter = Callable[..., Page]
SIZES = {"wide": {"width": 1440, "height": 900}, "phone": {"width": 360, "height": 740}}


def findings(page: Page) -> list[str]:
    # A state that is still moving into place would be judged half-way.
    settled(page)
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {node['html'][:160]}" for one in found for node in one["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing(enter: Enter, hub: RunningHub, scheme: Any, size: str) -> None:
    stranger = enter("", expect_trouble=True, color_scheme=scheme, viewport=SIZES[size], reduced_motion="reduce")
    for path in ("/accounts/login/", "/accounts/password/reset/", "/nowhere/"):
        stranger.goto(path)
        assert findings(stranger) == [], path
    page = enter("bea", color_scheme=scheme, viewport=SIZES[size], reduced_motion="reduce")
    assert findings(page) == []
    for number in tickets(hub):
        page.goto(f"/tickets/{number}/")
        expect(page.locator("#stream .msg").first).to_be_visible()
        expect(page.locator("#list .rows.loading")).to_have_count(0)
        assert findings(page) == [], number
    for key in "psltmi":
        # Where there is room the customer is there already, and the key would take them away.
        if (key, size) != ("i", "wide"):
            page.keyboard.press(key)
        if key == "i":
            page.locator("#customer summary").click()
        else:
            expect(page.locator("details.menu[open]")).to_have_count(1)
            expect(page.locator("[aria-busy=true]")).to_have_count(0)
        assert findings(page) == [], key
        page.keyboard.press("Escape")
    page.get_by_title("More").click()
    assert findings(page) == []
    page.keyboard.press("Escape")
    page.get_by_label("Note").check()
    assert findings(page) == []
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert findings(page) == []
    page.goto("/?view=mine&q=tidakadasamasekali")
    assert findings(page) == []
    page.goto(f"/sandbox/{hub.channel('sandbox')['id']}/?customer=Siti")
    assert findings(page) == []
    page.goto("/settings/profile/")
    assert findings(page) == []


def tickets(hub: RunningHub) -> list[int]:
    """One of each status, and one with a failure."""
    with hub.api("bea") as api:
        rows = api.get("/tickets/", params={"limit": 200}).json()["results"]
    by_status = {row["status"]: row["number"] for row in rows}
    return sorted(set(by_status.values()))


# No part of the first load: what a customer has sent, what sends (fetched once the page is at rest, which on a slow
# machine is in the middle of it), and what is asked for because somebody has just written.
NO_PART = ("data:", "/attachments/", "/pending", "/outbox", "/rows/", "/news/")


@pytest.mark.parametrize("place", ["list", "ticket"])
def test_the_first_load_is_small(enter: Enter, hub: RunningHub, place: str) -> None:
    page = enter("bea")
    path = "/" if place == "list" else f"/tickets/{tickets(hub)[-1]}/"
    requests: dict[str, str] = {}
    received: dict[str, int] = {}
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    session.on(
        "Network.requestWillBeSent", lambda event: requests.setdefault(event["requestId"], event["request"]["url"])
    )
    session.on(
        "Network.loadingFinished", lambda event: received.update({event["requestId"]: event["encodedDataLength"]})
    )
    page.goto(path)
    expect(page.locator("html")).to_have_attribute("data-live", "on")
    if place == "ticket":
        expect(page.locator("#customer [data-customer]")).to_be_attached()
        expect(page.locator("#list .rows.loading")).to_have_count(0)
    page.wait_for_load_state("networkidle")
    # Each once: counts are asked for again whenever somebody writes.
    first = {url: one for one, url in reversed(requests.items()) if not any(part in url for part in NO_PART)}
    size = sum(received.get(one, 0) for one in first.values())
    print(f"{path}: {len(first)} requests, {size} bytes", *first, sep="\n  ")
    assert len(first) <= 12, first
    assert size <= 120 * 1024


def test_thai_years_and_the_agents_zone(enter: Enter, hub: RunningHub) -> None:
    page = enter("bea")
    page.goto("/settings/profile/")
    page.locator("[name=language]").select_option("th")
    page.locator("[name=time_zone]").select_option("Asia/Bangkok")
    saved(page)
    try:
        page.goto("/?view=resolved")
        expect(page.locator("html")).to_have_attribute("lang", "th")
        age = page.locator("#rows .row time.age").first
        until(page, lambda: (age.hover(), re.search(r"25[67]\d", age.get_attribute("title") or ""))[1])
        assert page.evaluate("document.body.dataset.zone") == "Asia/Bangkok"
    finally:
        page.goto("/settings/profile/")
        page.locator("[name=language]").select_option("")
        page.locator("[name=time_zone]").select_option("")
        saved(page)


def saved(page: Page) -> None:
    """The profile: what comes next is of a page that knows it."""
    with page.expect_navigation():
        page.locator("main button.primary").click()
