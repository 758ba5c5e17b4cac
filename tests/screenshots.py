"""`make screenshots`: the demo desk as it looks in Chromium, into docs/screenshots/."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.journeys.conftest import CHROMIUM, QUIETLY, sign_in
from tests.journeys.waiting import settled
from tests.platforms.webhook import FakeWebhookPlatform
from tests.running import RunningHub

TARGET = Path(__file__).resolve().parent.parent / "docs" / "screenshots"
WIDE = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}


def main() -> int:
    if not CHROMIUM.exists():
        print("Chromium is not here", file=sys.stderr)
        return 1
    TARGET.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="pelanggan-") as folder,
        FakeWebhookPlatform() as platform,
        RunningHub(Path(folder), platform_url=platform.url) as hub,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=QUIETLY)
        for scheme in ("light", "dark"):
            page = desk(browser, hub, WIDE, scheme)
            show(page, hub, "urgent" if scheme == "dark" else "image")
            keep(page, f"inbox-{scheme}.png")
        page = desk(browser, hub, PHONE, "light")
        keep(page, "inbox-phone.png")
        show(page, hub, "image")
        keep(page, "ticket-phone.png")
        beside(browser, hub)
        settings(browser, hub)
        browser.close()
    return 0


def settings(browser: Browser, hub: RunningHub) -> None:
    page = desk(browser, hub, WIDE, "light", "ana")
    page.goto("/settings/channels/new/")
    keep(page, "channels.png")


def desk(browser: Browser, hub: RunningHub, size: Any, scheme: Any, name: str = "bea") -> Page:
    context = browser.new_context(
        base_url=hub.url, viewport=size, color_scheme=scheme, reduced_motion="reduce", locale="en-GB"
    )
    page = context.new_page()
    sign_in(page, hub, name)
    expect(page.locator("html")).to_have_attribute("data-live", "on")
    return page


def show(page: Page, hub: RunningHub, what: str) -> None:
    """A ticket worth a look: one with a picture, or the most pressing one."""
    with hub.api("bea") as api:
        rows = api.get("/tickets/", params={"status": "open", "limit": 100}).json()["results"]
        if what == "urgent":
            number = next(row["number"] for row in rows if row["priority"] == "urgent")
        else:
            number = next(row["number"] for row in rows if _has_picture(api, row["number"]))
    page.goto(f"/tickets/{number}/")
    expect(page.locator("#stream .msg").first).to_be_visible()
    expect(page.locator("#list .rows.loading")).to_have_count(0)


def _has_picture(api: Any, number: int) -> bool:
    messages = api.get(f"/tickets/{number}/messages/").json()["results"]
    return any(file["kind"] == "image" for one in messages for file in one["attachments"])


def beside(browser: Browser, hub: RunningHub) -> None:
    """The customer's phone and the agent's answer, as two windows on one desk."""
    agent = desk(browser, hub, {"width": 960, "height": 820}, "light")
    phone = agent.context.new_page()
    phone.set_viewport_size({"width": 1100, "height": 868})
    phone.goto(f"/sandbox/{hub.channel('sandbox')['id']}/?customer=Siti Aminah")
    say(phone, "Kak, toko buka sampai jam berapa hari ini?")
    agent.locator("#rows .row", has_text="Siti Aminah").locator("a").click()
    agent.get_by_label("Text").fill("Sampai jam 21.00, Kak. Mau kami siapkan dulu pesanannya?")
    agent.locator("#send").click()
    expect(phone.locator("#phone .out")).to_contain_text("Sampai jam 21.00")
    say(phone, "Boleh! Rendang 2, es cendol 1 ya")
    expect(agent.locator("#stream")).to_contain_text("Rendang 2")
    settled(agent)
    agent.screenshot(path=TARGET / "sandbox-inbox.png")
    phone.locator(".phone").screenshot(path=TARGET / "sandbox-phone.png")
    together(browser)


def say(phone: Page, text: str) -> None:
    phone.get_by_label("Message", exact=True).fill(text)
    phone.get_by_role("button", name="Send").click()
    expect(phone.locator("#phone")).to_contain_text(text)


def together(browser: Browser) -> None:
    """One picture of the two."""
    page = browser.new_page(viewport={"width": 1440, "height": 868})
    page.goto(TARGET.as_uri() + "/sandbox-inbox.png")
    frames = "".join(
        f'<img src="{(TARGET / name).as_uri()}" height="{height}">'
        for name, height in (("sandbox-phone.png", 780), ("sandbox-inbox.png", 820))
    )
    sheet = (
        "body{margin:0;padding:24px;display:flex;gap:24px;align-items:center;justify-content:center;"
        "background:#cfcabf}img{display:block}"
    )
    file = TARGET / "together.html"
    file.write_text(f"<style>{sheet}</style>{frames}")
    page.goto(file.as_uri(), wait_until="load")
    page.screenshot(path=TARGET / "sandbox.png")
    page.close()
    for name in ("together.html", "sandbox-phone.png", "sandbox-inbox.png"):
        (TARGET / name).unlink()


def keep(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    page.screenshot(path=TARGET / name)


if __name__ == "__main__":
    sys.exit(main())
