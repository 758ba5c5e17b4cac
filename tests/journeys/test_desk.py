"""Around the composer: the customer beside the ticket, undo, what is unread, who has it, being told."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.hands import Hands, Keys, Mouse, both
from tests.journeys.test_inbox import Dora, open_ticket
from tests.journeys.waiting import told
from tests.running import RunningHub

Enter = Callable[..., Page]


@pytest.fixture
def dora(hub: RunningHub) -> Dora:
    return Dora(hub)


def toast(page: Page, text: str) -> Any:
    return page.locator(".toast", has_text=text)


def test_by_keys_done_and_undone(enter: Enter, dora: Dora) -> None:
    dora.says("Tolong dicek")
    page, hands = enter("bea"), Keys()
    open_ticket(page, dora, hands)
    keys = page.keyboard
    keys.press("p")
    expect(page.locator(".choice:focus")).to_have_count(1)
    keys.press("End")
    keys.press("Enter")
    told(page, "Priority: Urgent")
    expect(page.locator("summary[data-key=p]")).to_contain_text("Urgent")
    # The word may have gone by now; the key still takes back what was done last.
    keys.press("z")
    told(page, "Undone")
    expect(page.locator("summary[data-key=p]")).to_contain_text("Normal")

    tag = f"Tag {uuid.uuid4().hex[:6]}"
    keys.press("t")
    expect(page.get_by_placeholder("Add a tag")).to_be_focused()
    keys.type(tag)
    keys.press("Enter")
    expect(page.locator(".tag", has_text=tag)).to_be_visible()
    hands.press(page.locator(".tag", has_text=tag).get_by_role("link"))
    expect(page.locator("#list h1")).to_have_text(tag)
    open_ticket(page, dora, hands)
    keys.press("s")
    expect(page.locator(".choice:focus")).to_have_count(1)
    keys.press("Enter")
    # Undo by the button, which the keyboard reaches too; whoever is there has time.
    hands.reach(toast(page, "Snoozed until").get_by_role("button", name="Undo"))
    expect(page.locator(".ticket-head")).to_have_attribute("data-status", "snoozed")
    keys.press("Enter")
    expect(page.locator(".ticket-head")).to_have_attribute("data-status", "open")


def owner(page: Page, hands: Hands) -> None:
    """The menu of who has it."""
    if hands.name == "mouse":
        page.locator("#ticket-head summary.owner").click()
    else:
        page.keyboard.press("l")


def test_a_key_that_is_faster_than_the_page_begins_it(enter: Enter) -> None:
    page = enter("bea")
    # What the page leaves for a task of its own never comes.
    page.add_init_script("const later = setTimeout; window.setTimeout = (work, ms) => (ms ? later(work, ms) : 0);")
    page.reload()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog").get_by_role("heading", name="Being told")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("data-live", "on")


@both
def test_given_to_a_colleague_who_sees_it_at_once(enter: Enter, dora: Dora, hands: Hands) -> None:
    dora.says("Siapa yang urus?")
    # The browser itself complains of the 409 that Bea gets in the end.
    bea, ana = enter("bea", expect_trouble=True), enter("ana")
    hands.press(ana.get_by_role("link", name=re.compile("^Mine")))
    expect(ana.locator("#list h1")).to_have_text("Mine")
    open_ticket(bea, dora, hands)
    owner(bea, hands)
    expect(bea.get_by_placeholder("Find a colleague")).to_be_focused()
    bea.keyboard.type("ana")
    expect(bea.locator(".offers .choice")).to_have_count(1)
    # The answer to the last letter, not to the one before.
    expect(bea.locator(".sheet[aria-busy]")).to_have_count(0)
    if hands.name == "mouse":
        bea.locator(".offers .choice").click()
    else:
        bea.keyboard.press("Enter")
    told(bea, "Assigned to Ana")
    expect(bea.locator(".pick.owner")).to_contain_text("Ana")
    expect(dora.row(ana)).to_contain_text("Siapa yang urus?")
    expect(dora.row(ana)).to_have_class(re.compile("unread"))
    # What Ana has done since is not taken back by Bea.
    open_ticket(ana, dora, hands)
    owner(ana, hands)
    hands.press(ana.get_by_role("button", name="Nobody: back to Unassigned"))
    expect(bea.locator(".pick.owner")).to_contain_text("Nobody")
    bea.keyboard.press("z")
    told(bea, "Ana has changed this meanwhile")


@both
def test_read_in_one_tab_is_read_in_the_other(enter: Enter, dora: Dora, hands: Hands) -> None:
    first = enter("bea")
    second = first.context.new_page()
    second.goto("/?view=unassigned")
    expect(second.locator("html")).to_have_attribute("data-live", "on")
    dora.says("Halo, ada orang?")
    for page in (first, second):
        expect(dora.row(page)).to_have_class(re.compile("unread"))
    expect(second).to_have_title(re.compile(r"^\(\d+\+?\) Unassigned"))
    open_ticket(first, dora, hands)
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


@both
def test_a_customer_and_an_agent_of_one_number_are_two(enter: Enter, hub: RunningHub, dora: Dora, hands: Hands) -> None:
    dora.says("Siapa di sini?")
    ana, bea = enter("ana"), enter("bea")
    lines: list[Any] = []

    def between(line: Any) -> None:
        line.connect_to_server()
        lines.append(line)

    bea.route_web_socket("**/ws/inbox/**", between)
    bea.reload()
    expect(bea.locator("html")).to_have_attribute("data-live", "on")
    open_ticket(bea, dora, hands)
    open_ticket(ana, dora, hands)
    expect(bea.locator("#presence")).to_have_text("Ana is looking")
    number = int(bea.url.rpartition("/tickets/")[2].partition("/")[0])

    def customer(number_of: int, kind: str) -> None:
        actor = {"type": "customer", "id": number_of, "name": "Zed"}
        lines[-1].send(json.dumps({"type": kind, "ticket": number, "actor": actor}))

    customer(hub.agent("ana")["id"], "left")
    customer(10**9, "viewing")
    # Were she taken away with the customer, she would come back behind them.
    expect(bea.locator("#presence")).to_have_text("Ana, Zed are looking")


@pytest.mark.parametrize(
    ("width", "hands"), [(360, Mouse()), (768, Keys()), (1440, Mouse()), (1440, Keys())],
    ids=["360-mouse", "768-keys", "1440-mouse", "1440-keys"],
)  # fmt: skip
def test_the_customer_beside_the_ticket(enter: Enter, dora: Dora, width: int, hands: Hands) -> None:
    dora.says("Alamat saya berubah")
    page = enter("bea", viewport={"width": width, "height": 800})
    panel = page.get_by_role("complementary", name="Customer")
    open_ticket(page, dora, hands)
    if width < 1280:
        expect(panel).to_be_hidden()
        if hands.name == "mouse":
            page.locator("[data-panel]").click()
        else:
            page.keyboard.press("i")
    expect(panel.get_by_role("heading", name=dora.name)).to_be_visible()
    if width == 360:
        assert panel.evaluate("one => one.clientWidth") == 360
    expect(panel).to_contain_text(dora.id)
    hands.press(panel.locator("summary", has_text="Edit"))
    hands.write(panel.get_by_label("Name"), f"{dora.name} Lestari")
    hands.select(panel.get_by_label("Type"), "intermediary")
    hands.press(panel.get_by_role("button", name="Save"))
    expect(panel.get_by_role("heading", name=f"{dora.name} Lestari")).to_be_visible()
    expect(panel).to_contain_text("Intermediary")
    expect(page.locator("#stream")).to_contain_text("Bea changed the customer")
    if width < 1280:
        if hands.name == "mouse":
            panel.locator("[data-panel-close]:visible").first.click()
        else:
            page.keyboard.press("Escape")
        expect(panel).to_be_hidden()
        expect(page.locator("[data-panel]")).to_be_focused()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_what_is_noted_about_a_customer_by_keys(enter: Enter, dora: Dora) -> None:
    """Refused, nothing that was typed is lost; saved, it stands there; and it is taken back like any verb."""
    dora.says("Saya langganan lama")
    page, hands = enter("bea", viewport={"width": 1440, "height": 900}, expect_trouble=True), Keys()
    panel = page.get_by_role("complementary", name="Customer")
    open_ticket(page, dora, hands)
    hands.press(panel.locator("summary", has_text="Edit"))
    standing, attributes = panel.get_by_label("Standing"), panel.get_by_role("textbox", name="Attributes")
    hands.select(standing, "loyal")
    hands.write(panel.get_by_role("textbox", name="Tags of the customer"), "VIP, reseller")
    hands.write(attributes, "plan")
    hands.press(panel.get_by_role("button", name="Save"))
    told(page, "like: plan = gold")
    expect(attributes).to_have_value("plan")
    expect(standing).to_have_value("loyal")
    hands.write(attributes, "plan = gold")
    hands.press(panel.get_by_role("button", name="Save"))
    tags = panel.get_by_role("list", name="Tags of the customer")
    expect(tags.get_by_role("listitem")).to_have_text(["VIP", "reseller"])
    expect(panel).to_contain_text("Loyal")
    expect(panel.get_by_role("definition")).to_have_text("gold")
    page.keyboard.press("z")
    told(page, "Undone")
    expect(tags).to_have_count(0)
    expect(panel.get_by_role("definition")).to_have_count(0)


# The browser's own, which really shows it. No test can click what stands outside the page.
# The browser takes its time to choose the tab that tells.
WATCHED = """
window.told = [];
const request = navigator.locks.request.bind(navigator.locks);
navigator.locks.request = async (name, ...rest) => {
  if (name === "pelanggan:teller") await new Promise((done) => setTimeout(done, 1500));
  return request(name, ...rest);
};
window.Notification = new Proxy(window.Notification, {
  construct(real, given) {
    const shown = Reflect.construct(real, given);
    window.told.push(shown);
    shown.addEventListener("show", () => (document.documentElement.dataset.told = window.told.length));
    shown.addEventListener("error", () => (document.documentElement.dataset.told = "refused"));
    return shown;
  },
});
"""
# A tab that is out of sight.
HIDE = """
Object.defineProperty(document, "visibilityState", {value: "hidden", configurable: true});
document.dispatchEvent(new Event("visibilitychange"));
"""


@both
def test_told_while_the_tab_is_out_of_sight(enter: Enter, dora: Dora, hands: Hands) -> None:
    """What is clicked in the end stands outside the page, where no hands of ours reach."""
    page = enter("bea")
    page.context.grant_permissions(["notifications"])
    page.context.add_init_script(WATCHED)
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-live", "on")
    switches = page.locator("desk-telling")
    if hands.name == "mouse":
        page.locator("[data-help]:visible").first.click()
    else:
        page.keyboard.press("?")
    for name in ("Show a notification", "Play a sound"):
        hands.check(switches.get_by_label(name))
    page.keyboard.press("Escape")
    # What was switched on stays so: in this browser, and in the profile.
    page.goto("/settings/profile/")
    for name in ("Show a notification", "Play a sound"):
        expect(page.locator("desk-telling").get_by_label(name)).to_be_checked()
    page.go_back()
    expect(page.locator("html")).to_have_attribute("data-live", "on")
    dora.says("Ini belum diberitahukan")
    expect(dora.row(page)).to_contain_text("Ini belum diberitahukan")
    assert page.evaluate("window.told.length") == 0
    page.evaluate(HIDE)
    dora.says("Ada yang bisa bantu?")
    expect(page.locator("html")).to_have_attribute("data-told", "1")
    number = dora.row(page).get_attribute("id").removeprefix("t-")
    shown = page.evaluate("window.told.map((one) => [one.title, one.body, one.tag])")
    assert shown == [[dora.name, "Ada yang bisa bantu?", f"ticket-{number}"]]
    page.evaluate("window.told[0].dispatchEvent(new Event('click'))")
    expect(page.locator("#ticket-head")).to_contain_text(dora.name)
