"""Buttons under a reply: written by keyboard, kept over a reload, pressed by the customer."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.journeys.hands import Keys
from tests.journeys.test_inbox import message
from tests.running import RunningHub

Enter = Callable[..., Page]


def test_buttons_are_offered_and_pressed(enter: Enter, hub: RunningHub) -> None:
    channel, keys, name = hub.channel("sandbox")["id"], Keys(), f"Rini {uuid.uuid4().hex[:6]}"
    page = enter("bea")
    page.goto(f"/sandbox/{channel}/?customer={name}")
    page.get_by_role("textbox", name="Message").fill("Mau pesan")
    page.keyboard.press("Enter")
    expect(page.locator(".said .in")).to_contain_text("Mau pesan")
    desk = page.context.new_page()
    desk.goto(f"/?channel={channel}")
    keys.open(desk.locator("#rows .row", has_text=name))
    text = desk.get_by_label("Text")
    text.fill("Antar atau ambil?")
    desk.get_by_role("button", name="Add a button").press("Enter")
    desk.get_by_label("Button 1", exact=True).fill("Antar")
    desk.keyboard.press("Enter")
    desk.get_by_label("Button 2", exact=True).fill("Ambil sendiri")
    expect(desk.locator("#offers")).to_contain_text("2 of 13 buttons")
    desk.reload()
    expect(desk.get_by_label("Button 2", exact=True)).to_have_value("Ambil sendiri")
    desk.get_by_label("Button 2", exact=True).press("Enter")
    desk.get_by_label("Button 3", exact=True).press("Backspace")
    expect(desk.get_by_label("Button 2", exact=True)).to_be_focused()
    desk.keyboard.press("Escape")
    expect(text).to_be_focused()
    desk.keyboard.press("Control+Enter")
    expect(message(desk, "Antar atau ambil?").locator(".offered li")).to_have_text(["Antar", "Ambil sendiri"])
    expect(message(desk, "Antar atau ambil?")).to_contain_text("Delivered")
    expect(desk.locator("#offers")).to_be_hidden()
    page.bring_to_front()
    keys.press(page.locator(".said .out").get_by_role("button", name="Ambil sendiri"))
    expect(page.locator(".said .in").last).to_contain_text("Ambil sendiri")
    expect(desk.locator("#stream .postback")).to_contain_text("Ambil sendiri")
