"""An administrator connects a channel by keyboard alone, tries it, and opens an envelope again."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.hands import Hands, Keys, Mouse
from tests.journeys.test_looks import findings
from tests.platforms.webhook import FakeWebhookPlatform
from tests.running import RunningHub

Enter = Callable[..., Page]
PHONE, WIDE = {"width": 360, "height": 740}, {"width": 1440, "height": 900}


def tab_to(page: Page, words: str) -> None:
    """As far as the key goes; what cannot be reached is not found."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText?.trim() ?? ''").startswith(words):
            return
    raise AssertionError(f"no key leads to {words}")


def test_connect_and_try_a_channel_by_keyboard(enter: Enter, platform: FakeWebhookPlatform) -> None:
    page = enter("ana")
    page.get_by_role("link", name="Settings").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/settings/**")
    tab_to(page, "Channels")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Channels")).to_be_visible()
    tab_to(page, "Add a channel")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Webhook").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Name").focus()
    page.keyboard.type("Toko Kunci")
    page.get_by_label("Signing secret", exact=True).focus()
    page.keyboard.type(platform.secret)
    page.get_by_label("Reply address").focus()
    page.keyboard.type("not an address")
    page.keyboard.press("Control+A")
    page.keyboard.type(platform.reply_url)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="How to connect it")).to_be_visible()
    expect(page.get_by_label("Webhook address")).to_have_value(re.compile(r"/webhooks/\d+/$"))
    assert findings(page) == []
    tab_to(page, "Show")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Signing secret")).to_have_value(platform.secret)
    expect(page.get_by_label("Signing secret")).to_be_focused()
    tab_to(page, "Try it now")
    page.keyboard.press("Enter")
    expect(page.locator("#tried")).to_contain_text("The reply address took a signed test post.")
    expect(page.get_by_role("button", name="Try it now")).to_be_focused()
    page.reload()
    expect(page.get_by_role("button", name="Show")).to_be_visible()
    page.goto(page.url.replace("setup/", ""))
    page.get_by_role("link", name="Delete…").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Delete Toko Kunci?")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("link", name="Delete…")).to_be_focused()
    page.keyboard.press("Enter")
    # Before it is there, the key leads round to the link that opens it.
    expect(page.get_by_role("dialog", name="Delete Toko Kunci?")).to_be_visible()
    tab_to(page, "Delete")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Toko Kunci is deleted.")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_envelope_is_looked_at_and_opened_again(enter: Enter, hub: RunningHub, scheme: Any) -> None:
    hands: Hands = Mouse() if scheme == "light" else Keys()
    for number in range(2):
        hub.post({"type": "message", "text": f"tanpa id {number}"})
    page = enter("ana", color_scheme=scheme, viewport=PHONE if scheme == "dark" else WIDE, reduced_motion="reduce")
    for path in ("channels/", "channels/new/", "channels/new/webhook/", "envelopes/?state=ignored&channel=999"):
        page.goto(f"/settings/{path}")
        assert findings(page) == [], path
    page.goto(f"/settings/channels/{hub.channel('webhook')['id']}/")
    assert findings(page) == []
    hands.press(page.get_by_role("link", name="Look at them"))
    expect(page.get_by_role("heading", name="Envelopes")).to_be_visible()
    assert findings(page) == []
    hands.press(page.locator(".things .what a").first)
    expect(page.locator("pre.raw").last).to_contain_text("tanpa id")
    assert findings(page) == []
    hands.press(page.get_by_role("button", name="Replay"))
    expect(page.get_by_text("It failed again. The reason is below.")).to_be_visible()
    expect(page.locator(".spec")).to_contain_text("2 times")
    page.goto(f"/settings/envelopes/?state=failed&channel={hub.channel('webhook')['id']}")
    hands.press(page.get_by_role("button", name="Replay all"))
    expect(page.locator("#found")).to_contain_text("What is still here failed once more.")


def test_what_is_typed_outlives_the_session(enter: Enter, hub: RunningHub) -> None:
    """By keyboard alone: signed in anew in a tab beside it, and saved as it was typed."""
    page, keys, name = enter("ana", expect_trouble=True), Keys(), f"rusak di jalan {uuid.uuid4().hex[:6]}"
    page.goto("/settings/tags/")
    field = page.get_by_label("Name", exact=True)
    keys.write(field, name)
    page.context.clear_cookies()
    page.keyboard.press("Enter")
    with page.context.expect_page() as beside:
        keys.press(page.locator(".toast").get_by_role("link", name="Sign in"))
    agent = hub.agent("ana")
    keys.write(beside.value.get_by_label("E-mail address"), agent["email"])
    keys.write(beside.value.get_by_label("Password", exact=True), agent["password"])
    keys.press(beside.value.get_by_role("button", name="Sign in"))
    expect(beside.value.get_by_role("heading", name="Tags")).to_be_visible()
    expect(field).to_have_value(name)
    keys.reach(field)
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()
