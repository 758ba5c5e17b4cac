"""A team begins to offer its tickets: an agent is asked, takes one with a key, and sees why it was them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
from playwright.sync_api import Page, expect

from tests.journeys.test_looks import findings
from tests.running import RunningHub
from tests.servers import until

Enter = Callable[..., Page]


def team_of(hub: RunningHub, name: str) -> int:
    return int(hub.agent(name)["team"]["id"])


def status(api: httpx.Client) -> Any:
    return api.get("/me/presence/").json()["status"]


def test_from_the_switch_to_the_ticket(enter: Enter, hub: RunningHub) -> None:
    carl, team = enter("carl"), team_of(hub, "carl")
    with hub.api("carl") as mine, hub.api("ana") as admin:
        # The socket is open, so he is there; the menu comes with the first touch.
        until(lambda: status(mine) == "online")
        carl.mouse.move(200, 200)
        menu = carl.locator("details[data-presence]")
        menu.locator("summary").press("Enter")
        menu.get_by_role("button", name="Do not disturb").press("Enter")
        expect(carl.locator("[data-presence] summary")).to_contain_text("Do not disturb")
        assert findings(carl) == []

        assert admin.patch(f"/teams/{team}/queue/", json={"mode": "offer", "offer_seconds": 600}).status_code == 200
        try:
            begin(hub, admin, carl, mine, team)
        finally:
            admin.patch(f"/teams/{team}/queue/", json={"mode": "off"})
            mine.put("/me/presence/", json={"choice": ""})


def begin(hub: RunningHub, admin: httpx.Client, carl: Page, mine: httpx.Client, team: int) -> None:
    waiting = admin.get("/tickets/", params={"team": team, "status": "open", "limit": 200}).json()["results"]
    number = next((row["number"] for row in waiting if row["assignee"] is None), None)
    if number is None:
        number = waiting[0]["number"]
        assert admin.request("DELETE", f"/tickets/{number}/assignee/").is_success
    assert mine.get("/offers/").json()["results"] == []

    # He is there again, and is asked at once.
    carl.locator("[data-presence] summary").press("Enter")
    carl.locator("[data-presence]").get_by_role("button", name="Online").press("Enter")
    offer = carl.locator("[data-offer]")
    expect(offer.get_by_role("button", name="Take it")).to_be_visible()
    assert findings(carl) == []
    taken = offer.get_attribute("data-ticket")
    carl.locator("#ticket").focus()
    carl.keyboard.press("y")
    carl.wait_for_url(f"**/tickets/{taken}/**")
    expect(carl.locator(".stream")).to_contain_text("Carl took the ticket")
    expect(carl.locator(".stream")).to_contain_text("the only one free")
