"""Around the composer: the customer beside the ticket, undo, what is unread, who has it, being told."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.test_inbox import Dora, open_ticket
from tests.running import RunningHub

Enter = Callable[..., Page]
WITHIN = 45_000
expect.set_options(timeout=WITHIN)


@pytest.fixture
def dora(hub: RunningHub) -> Dora:
    return Dora(hub)


def toast(page: Page, text: str) -> Any:
    return page.locator(".toast", has_text=text)


def test_by_keys_done_and_undone(enter: Enter, dora: Dora) -> None:
    dora.says("Tolong dicek")
    page = enter("bea")
    open_ticket(page, dora)
    keys = page.keyboard
    keys.press("p")
    expect(page.locator(".choice:focus")).to_have_count(1)
    keys.press("End")
    keys.press("Enter")
    expect(toast(page, "Priority: Urgent")).to_be_visible()
    expect(page.locator("summary[data-key=p]")).to_contain_text("Urgent")
    keys.press("z")
    expect(toast(page, "Undone")).to_be_visible()
    expect(page.locator("summary[data-key=p]")).to_contain_text("Normal")

    tag = f"Tag {uuid.uuid4().hex[:6]}"
    keys.press("t")
    expect(page.get_by_placeholder("Add a tag")).to_be_focused()
    keys.type(tag)
    keys.press("Enter")
    expect(page.locator(".tag", has_text=tag)).to_be_visible()
    page.locator(".tag", has_text=tag).get_by_role("link").click()
    expect(page.locator("#list h1")).to_have_text(tag)
    open_ticket(page, dora)
    keys.press("s")
    expect(page.locator(".choice:focus")).to_have_count(1)
    keys.press("Enter")
    expect(page.locator(".ticket-head")).to_have_attribute("data-status", "snoozed")
    # Undo by the button, which the keyboard reaches too.
    toast(page, "Snoozed until").get_by_role("button", name="Undo").focus()
    keys.press("Enter")
    expect(page.locator(".ticket-head")).to_have_attribute("data-status", "open")


def test_given_to_a_colleague_who_sees_it_at_once(enter: Enter, dora: Dora) -> None:
    dora.says("Siapa yang urus?")
    # The browser itself complains of the 409 that Bea gets in the end.
    bea, ana = enter("bea", expect_trouble=True), enter("ana")
    ana.get_by_role("link", name=re.compile("^Mine")).click()
    expect(ana.locator("#list h1")).to_have_text("Mine")
    open_ticket(bea, dora)
    bea.keyboard.press("l")
    expect(bea.get_by_placeholder("Find a colleague")).to_be_focused()
    bea.keyboard.type("ana")
    expect(bea.locator(".offers .choice")).to_have_count(1)
    bea.keyboard.press("Enter")
    expect(toast(bea, "Assigned to Ana")).to_be_visible()
    expect(bea.locator(".pick.owner")).to_contain_text("Ana")
    expect(dora.row(ana)).to_contain_text("Siapa yang urus?")
    expect(dora.row(ana)).to_have_class(re.compile("unread"))
    # What Ana has done since is not taken back by Bea.
    open_ticket(ana, dora)
    ana.keyboard.press("l")
    ana.get_by_role("button", name="Nobody: back to Unassigned").click()
    expect(bea.locator(".pick.owner")).to_contain_text("Nobody")
    bea.keyboard.press("z")
    expect(toast(bea, "Ana has changed this meanwhile")).to_be_visible()


def test_read_in_one_tab_is_read_in_the_other(enter: Enter, dora: Dora) -> None:
    first = enter("bea")
    second = first.context.new_page()
    second.goto("/?view=unassigned")
    expect(second.locator("html")).to_have_attribute("data-live", "on")
    dora.says("Halo, ada orang?")
    for page in (first, second):
        expect(dora.row(page)).to_have_class(re.compile("unread"))
    expect(second).to_have_title(re.compile(r"^\(\d+\+?\) Unassigned"))
    open_ticket(first, dora)
    expect(dora.row(first)).not_to_have_class(re.compile("unread"))
    expect(dora.row(second)).not_to_have_class(re.compile("unread"))
    # What comes while it is open is read as it comes; when nobody looks it is not.
    dora.says("Halo?")
    expect(dora.row(second)).to_contain_text("Halo?")
    expect(dora.row(second)).not_to_have_class(re.compile("unread"))
    first.goto("/")
    dora.says("Masih di sana?")
    for page in (first, second):
        expect(dora.row(page)).to_contain_text("Masih di sana?")
        expect(dora.row(page)).to_have_class(re.compile("unread"))


def test_a_customer_and_an_agent_of_one_number_are_two(enter: Enter, hub: RunningHub, dora: Dora) -> None:
    dora.says("Siapa di sini?")
    ana, bea = enter("ana"), enter("bea")
    lines: list[Any] = []

    def between(line: Any) -> None:
        line.connect_to_server()
        lines.append(line)

    bea.route_web_socket("**/ws/inbox/**", between)
    bea.reload()
    expect(bea.locator("html")).to_have_attribute("data-live", "on")
    open_ticket(bea, dora)
    open_ticket(ana, dora)
    expect(bea.locator("#presence")).to_have_text("Ana is looking")
    number = int(bea.url.rpartition("/tickets/")[2].partition("/")[0])

    def customer(number_of: int, kind: str) -> None:
        actor = {"type": "customer", "id": number_of, "name": "Zed"}
        lines[-1].send(json.dumps({"type": kind, "ticket": number, "actor": actor}))

    customer(hub.agent("ana")["id"], "left")
    customer(10**9, "viewing")
    # Were she taken away with the customer, she would come back behind them.
    expect(bea.locator("#presence")).to_have_text("Ana, Zed are looking")


@pytest.mark.parametrize("width", [360, 768, 1440])
def test_the_customer_beside_the_ticket(enter: Enter, dora: Dora, width: int) -> None:
    dora.says("Alamat saya berubah")
    page = enter("bea", viewport={"width": width, "height": 800})
    panel = page.get_by_role("complementary", name="Customer")
    open_ticket(page, dora)
    if width < 1280:
        expect(panel).to_be_hidden()
        page.keyboard.press("i")
        if width == 360:
            assert panel.evaluate("one => one.clientWidth") == 360
    expect(panel.get_by_role("heading", name=dora.name)).to_be_visible()
    expect(panel).to_contain_text(dora.id)
    panel.locator("summary", has_text="Edit").click()
    panel.get_by_label("Name").fill(f"{dora.name} Lestari")
    panel.get_by_label("Type").select_option("intermediary")
    panel.get_by_role("button", name="Save").click()
    expect(panel.get_by_role("heading", name=f"{dora.name} Lestari")).to_be_visible()
    expect(panel).to_contain_text("Intermediary")
    expect(page.locator("#stream")).to_contain_text("Bea changed the customer")
    if width < 1280:
        page.keyboard.press("Escape")
        expect(panel).to_be_hidden()
        expect(page.locator("[data-panel]")).to_be_focused()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


# What a browser on a desk has and one without a window has not; and a tab that is out of sight.
PRETEND = """
window.told = [];
window.Notification = class extends EventTarget {
  static permission = "granted";
  static requestPermission = async () => "granted";
  constructor(title, options) {
    super();
    window.told.push([title, options.body, options.tag]);
    window.last = this;
    document.documentElement.dataset.told = window.told.length;
  }
  close() {}
};
"""
HIDE = """
Object.defineProperty(document, "visibilityState", {value: "hidden", configurable: true});
document.dispatchEvent(new Event("visibilitychange"));
"""


def test_told_while_the_tab_is_out_of_sight(enter: Enter, dora: Dora) -> None:
    page = enter("bea")
    page.context.add_init_script(PRETEND)
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-live", "on")
    page.keyboard.press("?")
    page.get_by_label("Show a notification").check()
    expect(page.get_by_label("Show a notification")).to_be_checked()
    page.keyboard.press("Escape")
    dora.says("Ini belum diberitahukan")
    expect(dora.row(page)).to_contain_text("Ini belum diberitahukan")
    assert page.evaluate("window.told") == []
    page.evaluate(HIDE)
    dora.says("Ada yang bisa bantu?")
    expect(page.locator("html")).to_have_attribute("data-told", "1")
    number = dora.row(page).get_attribute("id").removeprefix("t-")
    assert page.evaluate("window.told") == [[dora.name, "Ada yang bisa bantu?", f"ticket-{number}"]]
    page.evaluate("window.last.dispatchEvent(new Event('click'))")
    expect(page.locator("#ticket-head")).to_contain_text(dora.name)
