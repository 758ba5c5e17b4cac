"""A team begins to offer its tickets: an agent is asked, takes one with a key, and sees why it was them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.journeys.test_looks import SIZES, findings
from tests.journeys.test_staff import settled
from tests.journeys.waiting import told
from tests.running import RunningHub
from tests.servers import until

Enter = Callable[..., Page]


def team_of(hub: RunningHub, name: str) -> int:
    return int(hub.agent(name)["team"]["id"])


def status(api: httpx.Client) -> Any:
    return api.get("/me/presence/").json()["status"]


def test_from_the_switch_to_the_ticket(enter: Enter, hub: RunningHub) -> None:
    carl, usual = enter("carl"), team_of(hub, "carl")
    with hub.api("carl") as mine, hub.api("ana") as admin:
        # A team of its own, which is always open and which nobody else is in.
        team = admin.post("/teams/", json={"name": f"Antrean {uuid.uuid4().hex[:6]}"}).json()["id"]
        him = f"/agents/{hub.agent('carl')['id']}/"
        assert admin.patch(him, json={"teams": [usual, team]}).status_code == 200
        try:
            story(hub, admin, carl, mine, team)
        finally:
            # What he has open he may not see any more in a moment, and a browser complains of each 404.
            carl.goto("about:blank")
            admin.patch(f"/teams/{team}/queue/", json={"mode": "off"})
            admin.patch(him, json={"teams": [usual]})
            mine.put("/me/presence/", json={"choice": ""})


def story(hub: RunningHub, admin: httpx.Client, carl: Page, mine: httpx.Client, team: int) -> None:
    # The socket is open, so he is there; the menu comes with the first touch.
    until(lambda: status(mine) == "online")
    carl.mouse.move(200, 200)
    menu = carl.locator("details[data-presence]")
    menu.locator("summary").press("Enter")
    menu.get_by_role("button", name="Do not disturb").press("Enter")
    expect(carl.locator("[data-presence] summary")).to_contain_text("Do not disturb")
    assert findings(carl) == []
    assert admin.patch(f"/teams/{team}/queue/", json={"mode": "offer", "offer_seconds": 600}).status_code == 200
    begin(hub, admin, carl, mine, team)


def begin(hub: RunningHub, admin: httpx.Client, carl: Page, mine: httpx.Client, team: int) -> None:
    hub.say("Boleh tanya harga grosir?", sender="u-grosir", name="Grosir Jaya")
    number = next(
        row["number"]
        for row in admin.get("/tickets/", params={"limit": 200}).json()["results"]
        if row["customer"]["name"] == "Grosir Jaya"
    )
    assert admin.patch(f"/tickets/{number}/", json={"team": team, "priority": "urgent"}).status_code == 200
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
    assert int(taken or 0) == number
    assert mine.put(f"/tickets/{number}/resolution/").is_success


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_pages_about_routing(enter: Enter, hub: RunningHub, scheme: Any) -> None:
    size = SIZES["phone" if scheme == "light" else "wide"]
    ana, team = enter("ana", viewport=size, color_scheme=scheme), team_of(hub, "ana")
    agent = hub.agent("bea")["id"]
    for path in (
        "", f"teams/{team}/", f"teams/{team}/drain/", f"agents/{agent}/", f"agents/{agent}/hand-over/", "rules/new/",
    ):  # fmt: skip
        ana.goto(f"/settings/routing/{path}")
        expect(ana.locator("#main h1")).to_be_visible()
        settled(ana)
    ana.goto("/presence/")
    settled(ana)
    ana.goto("/board/")
    expect(ana.get_by_role("heading", name="Who is there")).to_be_visible()
    settled(ana)


def test_the_board_says_that_it_is_old_and_goes_on(enter: Enter) -> None:
    ana = enter("ana", expect_trouble=True)
    ana.goto("/board/")
    expect(ana.get_by_role("heading", name="Who is there")).to_be_visible()
    ana.route("**/board/", lambda route: route.abort())
    expect(ana.locator("#offline")).to_contain_text("No connection")
    assert findings(ana) == []
    ana.unroute("**/board/")
    expect(ana.locator("#offline")).to_be_hidden()
    # Signed out meanwhile: said, and nobody looks at yesterday's board.
    ana.context.clear_cookies()
    expect(ana.locator(".toast").get_by_role("link", name="Sign in")).to_be_visible()


def test_a_lead_is_told_of_what_is_nearly_due_wherever_they_look(enter: Enter, hub: RunningHub) -> None:
    """From the policy to the word on the page: a promise of one minute, warned of a minute before its end."""
    ana = enter("ana")
    expect(ana.locator("html")).to_have_attribute("data-live", "on")
    name = f"Kilat {uuid.uuid4().hex[:6]}"
    with hub.api("ana") as admin:
        team = admin.post("/teams/", json={"name": name}).json()["id"]
        promise = {"name": name, "teams": [team], "business": False, "targets": {"urgent": {"resolution": 1}}}
        deeds = {"warn_minutes": 1, "escalations": {"warned": [{"do": "notify"}]}}
        # The first that fits a ticket counts, and the demo's fits all.
        others = admin.get("/sla-policies/").json()["results"]
        for row in others:
            admin.patch(f"/sla-policies/{row['id']}/", json={"position": row["position"] + 1})
        policy = admin.post("/sla-policies/", json={**promise, **deeds, "position": 0})
        assert policy.status_code == 201, policy.text
        try:
            hub.say("Barang saya kosong, tolong segera", sender=f"u-{name}", name=name)
            found = admin.get("/tickets/", params={"limit": 200}).json()["results"]
            number = next(row["number"] for row in found if row["customer"]["name"] == name)
            assert admin.patch(f"/tickets/{number}/", json={"team": team, "priority": "urgent"}).is_success
            told(ana, f"Ticket {number} is nearly due.")
        finally:
            admin.delete(f"/sla-policies/{policy.json()['id']}/")
            for row in others:
                admin.patch(f"/sla-policies/{row['id']}/", json={"position": row["position"]})
