"""Hours are set, a customer writes, the time that is left counts down and ends with the answer."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from tests.journeys.hands import Keys
from tests.journeys.test_looks import SIZES
from tests.journeys.test_staff import settled
from tests.running import RunningHub

Enter = Callable[..., Page]


def test_hours_by_keyboard_and_what_is_due(enter: Enter, hub: RunningHub) -> None:
    keys = Keys()
    name = f"Malam {uuid.uuid4().hex[:6]}"
    ana = enter("ana", "/", viewport=SIZES["phone"], color_scheme="dark", reduced_motion="reduce")
    ana.goto("/settings/hours/")
    settled(ana)
    ana.get_by_label("Name", exact=True).fill(name)
    ana.get_by_label("Time zone").select_option("Asia/Bangkok")
    ana.get_by_role("button", name="Make").press("Enter")
    expect(ana.get_by_role("heading", name=name)).to_be_visible()
    ana.get_by_label("Sunday, from").first.fill("22:00")
    ana.get_by_label("Sunday, to").first.fill("02:00")
    ana.get_by_label("Monday, to").first.fill("18:30")
    ana.get_by_role("button", name="Copy Monday").press("Enter")
    expect(ana.get_by_label("Friday, to").first).to_have_value("18:30")
    ana.get_by_role("button", name="Save", exact=True).first.press("Enter")
    expect(ana.get_by_role("status").filter(has_text="Saved")).to_be_visible()
    expect(ana.get_by_label("Sunday, to").first).to_have_value("02:00")
    settled(ana)
    team = hub.agent("bea")["team"]["id"]
    for page in (f"hours/teams/{team}/", "sla/", "sla/new/"):
        ana.goto(f"/settings/{page}")
        settled(ana)

    # The demo's policy promises an answer within the hour.
    customer = f"Rini {uuid.uuid4().hex[:6]}"
    bea = enter("bea")
    hub.say("Halo, buka jam berapa?", sender=f"u-{uuid.uuid4().hex}", name=customer)
    row: Any = bea.locator("#rows .row", has_text=customer)
    expect(row.locator(".pill.due")).to_have_text(re.compile(r"\d+m left|1h left"))
    bea.get_by_role("link", name="Due first").press("Enter")
    expect(bea.locator("#list .head[data-order=due]")).to_have_count(1)
    keys.open(row)
    expect(bea.locator("#ticket-head .facts")).to_contain_text("First response:")
    keys.write(bea.get_by_label("Text"), "Jam sembilan")
    keys.send(bea)
    expect(bea.locator("#ticket-head .facts")).to_contain_text("Resolution: paused")
    # What is not due any more leaves the list of what is.
    expect(row).to_have_count(0)
