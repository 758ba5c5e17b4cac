"""What has not come yet has a place, what does not come is said there, and it comes by itself or by a button."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.journeys.test_looks import SIZES, findings, tickets
from tests.running import RunningHub

Enter = Callable[..., Page]
TICKET, PANEL = "**/tickets/*/", "**/tickets/*/customer/"


def part_of(page: Page, url: str, answer: Callable[[Route], object]) -> None:
    """Parts of the page, not the page itself."""
    page.route(url, lambda route: route.continue_() if route.request.is_navigation_request() else answer(route))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_does_not_come_is_asked_for_again(enter: Enter, hub: RunningHub, scheme: Any) -> None:
    page = enter("bea", expect_trouble=True, color_scheme=scheme, viewport=SIZES["wide"], reduced_motion="reduce")
    number = tickets(hub)[-1]
    part_of(page, "**/", lambda route: route.abort())
    part_of(page, PANEL, lambda route: route.fulfill(status=503, body=""))
    page.goto(f"/tickets/{number}/")
    missing = page.get_by_role("heading", name="This could not be loaded")
    expect(page.locator("#list").get_by_role("heading", name="This could not be loaded")).to_be_visible()
    expect(page.locator("#customer").get_by_role("heading", name="This could not be loaded")).to_be_visible()
    expect(page.locator("#stream .msg").first).to_be_visible()
    assert findings(page) == []
    page.unroute("**/")
    page.unroute(PANEL)
    page.locator("#list").get_by_role("button", name="Try again").click()
    expect(page.locator("#rows .row").first).to_be_visible()
    # Nobody presses the other one.
    expect(page.locator("#customer [data-customer]")).to_be_attached()
    expect(missing).to_have_count(0)
    expect(page.locator("html")).to_have_attribute("data-live", "on")


def test_a_ticket_that_does_not_come_on_a_phone(enter: Enter, hub: RunningHub) -> None:
    page = enter("bea", expect_trouble=True, viewport=SIZES["phone"], reduced_motion="reduce")
    held: list[Route] = []
    cut: list[bool] = []
    part_of(page, TICKET, lambda route: route.abort() if cut else held.append(route))
    page.locator("#rows .row a").first.click()
    expect(page.locator("#ticket .ticket-waits")).to_be_visible()
    expect(page.get_by_role("heading", name="Choose a ticket")).to_have_count(0)
    assert findings(page) == []
    cut.append(True)
    while held:
        held.pop().abort()
    expect(page.get_by_role("heading", name="This could not be loaded")).to_be_visible()
    assert findings(page) == []
    page.locator("#ticket .back").click()
    expect(page.locator("#rows .row a").first).to_be_visible()
    page.unroute(TICKET)
    page.locator("#rows .row a").first.click()
    expect(page.locator("#stream .msg").first).to_be_visible()
    expect(page.get_by_role("heading", name="This could not be loaded")).to_have_count(0)
