"""A colleague is invited by a link and starts to work; the pages about staff keep what every page keeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.hands import Hands, Keys, Mouse
from tests.journeys.test_looks import SIZES, findings
from tests.running import RunningHub

Enter = Callable[..., Page]


def settled(page: Page) -> None:
    assert findings(page) == [], page.url
    sideways = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert sideways <= 0, page.url


def test_from_the_invitation_to_the_inbox(enter: Enter, hub: RunningHub) -> None:
    """By keyboard alone."""
    ana, keys = enter("ana"), Keys()
    ana.goto("/settings/agents/invite/")
    keys.write(ana.get_by_label("E-mail address"), "gita@example.com")
    keys.write(ana.get_by_label("Name", exact=True), "Gita")
    keys.check(ana.get_by_label(hub.agent("bea")["team"]["name"]))
    keys.press(ana.get_by_role("button", name="Make the link"))
    link = ana.get_by_label("Link of the invitation").input_value()
    settled(ana)

    # Whoever's account is closed may be refused something before their page knows why; the browser complains of it.
    gita = enter("", color_scheme="dark", expect_trouble=True)
    gita.goto(link)
    settled(gita)
    keys.write(gita.get_by_label("Password", exact=True), "gula aren 2026")
    keys.press(gita.get_by_role("button", name="Make my account"))
    expect(gita.locator("html")).to_have_attribute("data-live", "on")
    expect(gita.locator("#rows .row").first).to_be_visible()

    # The account is closed again: asked for in a dialog, and the inbox says so by itself.
    ana.goto("/settings/agents/?q=gita")
    keys.press(ana.get_by_role("link", name="Gita", exact=True))
    keys.press(ana.get_by_role("link", name="Close", exact=True))
    dialog = ana.get_by_role("dialog")
    expect(dialog.get_by_role("heading")).to_have_text("Close the account of Gita?")
    ana.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(ana.get_by_role("link", name="Close", exact=True)).to_be_focused()
    ana.keyboard.press("Enter")
    keys.press(dialog.get_by_role("button", name="Close the account"))
    expect(ana.get_by_role("status").filter(has_text="cannot sign in any more")).to_be_visible()
    settled(ana)
    expect(gita.get_by_text("Your session has ended").first).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_pages_about_staff(enter: Enter, hub: RunningHub, scheme: Any) -> None:
    hands: Hands = Mouse() if scheme == "light" else Keys()
    size = SIZES["phone" if scheme == "light" else "wide"]
    page = enter("ana", color_scheme=scheme, viewport=size, reduced_motion="reduce", expect_trouble=True)
    bea, team = hub.agent("bea"), hub.agent("bea")["team"]
    with hub.api("ana") as api:
        tag = api.get("/tags/").json()["results"][0]["id"]
    for path in (
        "profile/", "tokens/", "agents/", "agents/?show=closed", f"agents/{bea['id']}/", f"agents/{bea['id']}/close/",
        "teams/", f"teams/{team['id']}/", f"teams/{team['id']}/delete/", "tags/", f"tags/{tag}/", f"tags/{tag}/delete/",
    ):  # fmt: skip
        page.goto(f"/settings/{path}")
        settled(page)
    page.goto("/settings/teams/")
    hands.write(page.get_by_label("Name", exact=True), team["name"].upper())
    hands.press(page.get_by_role("button", name="Make"))
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    settled(page)
