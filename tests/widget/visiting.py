"""What a visitor does in the chat, what an agent answers, and how a test waits for either."""

from __future__ import annotations

import base64
import os
import re
import time
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect

from tests.journeys.conftest import CHROMIUM
from tests.running import RunningHub
from tests.widget.shop import Shop

WITHIN = 60_000
# Whoever found nobody asks again within half a minute, and may find nobody twice.
PATIENT = 120_000
BROWSER = [
    pytest.mark.browser,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not CHROMIUM.exists() and os.environ.get("CI") != "true", reason="Chromium is not here"),
]
HISTORY = "**/widget/messages/?before=9007199254740991"
NEWS = re.compile(r"/widget/messages/\?after=")
SAYING = re.compile(r"/widget/messages/$")
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR4nGPgzksFIgYIBQAW7gN5wBTYugAAAABJRU5ErkJggg=="
)
PICTURE: FilePayload = {"name": "kopi.png", "mimeType": "image/png", "buffer": PNG}

# Looks whenever the conversation changes, as no test can from outside: what was said is there, and once.
STEADILY = """{
  let isOn = true;
  const seen = new Set();
  const look = (rows) => {
    const texts = [...rows.querySelectorAll(".msg .text")].map((one) => one.textContent);
    const there = new Set(texts);
    for (const one of seen) if (isOn && !there.has(one)) unsteady(`vanished: ${one}`);
    if (isOn && there.size < texts.length) unsteady(`twice: ${texts.join(" | ")}`);
    seen.clear();
    for (const one of there) seen.add(one);
  };
  window.mayVanish = () => void (isOn = false);
  const found = setInterval(() => {
    const rows = document.querySelector("pelanggan-chat")?.chat?.list.rows;
    if (!rows) return;
    clearInterval(found);
    new MutationObserver(() => look(rows)).observe(rows, { childList: true, subtree: true, characterData: true });
  }, 20);
}"""
Visit = Callable[..., Page]


def connected(hub: RunningHub, shop: Shop, **settings: str) -> dict[str, Any]:
    given = {
        "kind": "webchat",
        "name": "Toko Kopi",
        "settings": {"origins": shop.url, "read_receipts": "on", **settings},
    }
    with hub.api("ana") as api:
        found: dict[str, Any] = api.post("/channels/", json=given).raise_for_status().json()
    return found


# ── The visitor ──────────────────────────────────────────────────────────────────────────────


def opened(page: Page) -> Page:
    page.get_by_role("button", name="Open the chat").click()
    expect(page.get_by_label("Write a message")).to_be_focused()
    return page


def say(page: Page, text: str) -> None:
    page.get_by_label("Write a message").fill(text)
    page.keyboard.press("Enter")


def said(page: Page, text: str) -> Locator:
    return page.locator(".msg", has=page.get_by_text(text, exact=True))


def kept(page: Page, text: str) -> None:
    """The visitor reads that it has gone: it is the last of theirs, and the hub has it."""
    expect(said(page, text)).to_have_attribute("data-state", re.compile("sent|read"), timeout=PATIENT)


def nothing_waits(page: Page) -> None:
    expect(page.locator("[data-state=sending]")).to_have_count(0, timeout=PATIENT)


def texts(page: Page) -> list[str]:
    """At one look. Nothing may be missing there that has been there, and nothing twice."""
    return page.locator(".msg .text").all_inner_texts()


def heard(page: Page) -> Locator:
    """What was read out: a notice goes after some seconds, here it stays until three others have come."""
    return page.locator("[aria-live=polite]")


def soon(page: Page, holds: Callable[[], object]) -> None:
    """Until then the browser's own news are let in."""
    end = time.monotonic() + WITHIN / 1000
    while not holds():
        assert time.monotonic() < end, "not within a minute"
        page.wait_for_timeout(50)


# ── The desk ─────────────────────────────────────────────────────────────────────────────────


def answer(hub: RunningHub, to: str, text: str) -> int:
    """Bea answers the message with that text."""
    with hub.api("bea") as api:
        number = ticket_of(api, to)
        api.post(f"/tickets/{number}/messages/", json={"text": text}).raise_for_status()
    return number


def ticket_of(api: httpx.Client, text: str) -> int:
    end = time.monotonic() + WITHIN / 1000
    while True:
        found = api.get("/tickets/", params={"q": text}).raise_for_status().json()["results"]
        if found:
            return int(found[0]["number"])
        assert time.monotonic() < end, f"{text} is on no ticket"
        time.sleep(0.1)


def on_the_desk(hub: RunningHub, number: int) -> list[str]:
    with hub.api("bea") as api:
        rows = api.get(f"/tickets/{number}/messages/", params={"limit": 200}).json()["results"]
    return [one["text"] for one in rows if one["direction"] == "in"]


def word() -> str:
    """Found by a search, and by nobody else's."""
    return f"kata{uuid.uuid4().hex[:10]}"
