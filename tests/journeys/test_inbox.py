"""A customer writes, agents answer: the product's story through its real doors, in a real browser."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.hands import Hands, Keys, Mouse, both
from tests.journeys.waiting import WITHIN, told, until
from tests.platforms.webhook import FakeWebhookPlatform
from tests.running import RunningHub

Enter = Callable[..., Page]


class Dora:
    """A customer of her own for each story."""

    def __init__(self, hub: RunningHub) -> None:
        self.hub = hub
        self.id = f"u-{uuid.uuid4().hex[:10]}"
        self.name = f"Dora {self.id[2:8]}"

    def says(self, text: str, **more: Any) -> None:
        self.hub.say(text, sender=self.id, name=self.name, **more)

    def row(self, page: Page) -> Any:
        return page.locator("#rows .row", has_text=self.name)


@pytest.fixture
def dora(hub: RunningHub) -> Dora:
    return Dora(hub)


def message(page: Page, text: str) -> Any:
    return page.locator("#stream .msg", has_text=text)


def open_ticket(page: Page, dora: Dora, hands: Hands | None = None) -> None:
    (hands or Mouse()).open(dora.row(page))
    expect(page.locator(".ticket")).to_be_visible()
    expect(page.locator("#ticket-head")).to_contain_text(dora.name)
    # Where there is room for the customer's column it has been asked for, and is there.
    expect(page.locator("body[data-customer='off'], #customer [data-customer]")).to_have_count(1)


def mark(page: Page) -> None:
    """A page that is loaded again loses the mark."""
    page.evaluate("window.marked = true")


def still_marked(page: Page) -> bool:
    return bool(page.evaluate("window.marked === true"))


def until_fetched(page: Page, part: str) -> None:
    names = "performance.getEntriesByType('resource').map(one => one.name)"
    until(page, lambda: any(part in name for name in page.evaluate(names)))


def replies(platform: FakeWebhookPlatform, dora: Dora) -> list[str]:
    return [one["text"] for one in platform.sent_to(dora.id)]


def arrived(platform: FakeWebhookPlatform, dora: Dora, count: int) -> list[str]:
    end = time.monotonic() + WITHIN / 1000
    while len(replies(platform, dora)) < count and time.monotonic() < end:
        time.sleep(0.05)
    return replies(platform, dora)


@both
def test_two_agents_see_it_and_one_answers(
    enter: Enter, hub: RunningHub, platform: FakeWebhookPlatform, dora: Dora, hands: Hands
) -> None:
    ana, bea = enter("ana"), enter("bea")
    for page in (ana, bea):
        mark(page)
    dora.says("Halo, paket saya belum datang")
    for page in (ana, bea):
        expect(dora.row(page)).to_contain_text("Halo, paket saya belum datang")
    open_ticket(ana, dora, hands)
    open_ticket(bea, dora, hands)
    expect(bea.locator("#presence")).to_contain_text("Ana")
    dora.says("Sudah tiga hari 😢")
    for page in (ana, bea):
        expect(message(page, "Sudah tiga hari")).to_have_count(1)
    expect(bea.locator("#said")).to_contain_text("Sudah tiga hari")

    # Typing is of the moment: whoever was not heard goes on typing, as people do.
    for left in reversed(range(20)):
        hands.write(ana.get_by_label("Text"), "Maaf, kami cek dulu.")
        try:
            expect(bea.locator("#presence")).to_contain_text("Ana is typing", timeout=WITHIN / 20)
            break
        except AssertionError:
            if not left:
                raise
    hands.send(ana)
    expect(message(ana, "Maaf, kami cek dulu.")).to_contain_text("Sent")
    expect(message(bea, "Maaf, kami cek dulu.")).to_contain_text("Sent")
    expect(ana.get_by_label("Text")).to_have_value("")
    assert arrived(platform, dora, 1) == ["Maaf, kami cek dulu."]
    expect(dora.row(bea).locator(".words")).to_contain_text("Maaf, kami cek dulu.")
    assert still_marked(ana)
    assert still_marked(bea)


def test_a_line_that_is_cut_is_caught_up(enter: Enter, dora: Dora) -> None:
    """By keyboard alone."""
    keys = Keys()
    dora.says("Pertama")
    page = enter("bea")
    other = Dora(dora.hub)
    open_ticket(page, dora, keys)
    mark(page)
    keys.write(page.get_by_label("Text"), "Draf saya")
    page.context.set_offline(True)
    expect(page.locator("#offline")).to_be_visible()
    for number in range(1, 6):
        dora.says(f"Saat putus {number}")
    other.says("Saya baru")
    page.context.set_offline(False)
    for number in range(1, 6):
        expect(message(page, f"Saat putus {number}")).to_have_count(1)
    expect(message(page, "Pertama")).to_have_count(1)
    expect(other.row(page)).to_have_count(1)
    expect(dora.row(page)).to_have_count(1)
    expect(page.locator("#offline")).to_be_hidden()
    expect(page.get_by_label("Text")).to_have_value("Draf saya")
    shown = [text for text in page.locator("#stream .msg .text").all_inner_texts() if text.startswith("Saat")]
    assert shown == [f"Saat putus {number}" for number in range(1, 6)]
    assert still_marked(page)


def test_the_web_process_is_killed_and_comes_back(enter: Enter, hub: RunningHub, dora: Dora) -> None:
    """By keyboard alone, but for what the customer does."""
    dora.says("Pertama")
    page = enter("bea", expect_trouble=True)
    open_ticket(page, dora, Keys())
    mark(page)
    page.keyboard.press("r")
    page.keyboard.type("Sebentar, ")
    # What sends without a line is fetched as soon as one writes; nobody can send with what never came.
    until_fetched(page, "/outbox")
    with hub.without("hub.server"):
        expect(page.locator("html")).to_have_attribute("data-live", "off")
        page.keyboard.type("saya cek")
        page.keyboard.press("Control+Enter")
        expect(message(page, "Sebentar, saya cek")).to_contain_text("Waiting for the connection")
        # The server is back before Dora has written: what waits here goes on its way only after her.
        page.route("**/tickets/*/messages/", lambda route: route.abort())
    dora.says("Kedua")
    page.unroute("**/tickets/*/messages/")
    expect(page.locator("html")).to_have_attribute("data-live", "on")
    expect(message(page, "Kedua")).to_have_count(1)
    # The customer went on writing while the line was gone: nothing is sent behind one's back, the words come back.
    expect(page.locator("#notice")).to_contain_text("Kedua")
    expect(page.get_by_label("Text")).to_have_value("Sebentar, saya cek")
    page.get_by_label("Text").focus()
    page.keyboard.press("Control+Enter")
    expect(message(page, "Sebentar, saya cek")).to_contain_text("Sent")
    expect(message(page, "Sebentar, saya cek")).to_have_count(1)
    assert still_marked(page)
    with hub.api("bea") as api:
        number = page.url.rpartition("/tickets/")[2].partition("/")[0]
        said = [one["text"] for one in api.get(f"/tickets/{number}/messages/").json()["results"]]
    assert sorted(said) == ["Kedua", "Pertama", "Sebentar, saya cek"]


@both
def test_two_answer_at_once(enter: Enter, platform: FakeWebhookPlatform, dora: Dora, hands: Hands) -> None:
    dora.says("Berapa harganya?")
    ana, bea = enter("ana"), enter("bea", expect_trouble=True)
    open_ticket(ana, dora, hands)
    open_ticket(bea, dora, hands)
    # What Ana does does not reach Bea's eyes in time.
    bea.route("**/news/**", lambda route: route.abort())
    hands.write(bea.get_by_label("Text"), "Rp50.000, kak")
    hands.write(ana.get_by_label("Text"), "Lima puluh ribu")
    hands.send(ana)
    # It stands there before the server has it: only what is sent is faster than Bea.
    expect(message(ana, "Lima puluh ribu")).to_contain_text("Sent")
    hands.send(bea)
    expect(bea.locator("#notice")).to_contain_text("Ana answered meanwhile")
    expect(bea.locator("#notice")).to_contain_text("Lima puluh ribu")
    expect(bea.get_by_label("Text")).to_have_value("Rp50.000, kak")
    assert arrived(platform, dora, 1) == ["Lima puluh ribu"]
    bea.unroute("**/news/**")
    hands.write(bea.get_by_label("Text"), "Betul, dan ongkir gratis")
    hands.send(bea)
    expect(message(bea, "Betul, dan ongkir gratis")).to_have_count(1)
    expect(message(bea, "Lima puluh ribu")).to_have_count(1)
    assert arrived(platform, dora, 2) == ["Lima puluh ribu", "Betul, dan ongkir gratis"]


def test_a_colleagues_answer_is_told_while_one_writes(enter: Enter, dora: Dora) -> None:
    """By keyboard alone."""
    keys = Keys()
    dora.says("Masih ada?")
    ana, bea = enter("ana"), enter("bea")
    open_ticket(ana, dora, keys)
    open_ticket(bea, dora, keys)
    keys.write(bea.get_by_label("Text"), "Masih, kak")
    keys.write(ana.get_by_label("Text"), "Masih ada dua")
    keys.send(ana)
    expect(bea.locator("#notice")).to_contain_text("Ana answered meanwhile. Read it before you send.")
    expect(bea.get_by_label("Text")).to_have_value("Masih, kak")


@both
def test_the_sandbox_beside_the_inbox(enter: Enter, hub: RunningHub, hands: Hands) -> None:
    name = f"Siti {uuid.uuid4().hex[:6]}"
    agent = enter("bea")
    phone = agent.context.new_page()
    phone.goto(f"/sandbox/{hub.channel('sandbox')['id']}/")
    hands.write(phone.get_by_label("You are"), name)
    hands.press(phone.get_by_role("button", name="Begin"))
    hands.write(phone.get_by_label("Message", exact=True), "Buka jam berapa?")
    hands.press(phone.get_by_role("button", name="Send"))
    expect(phone.locator("#phone .in")).to_contain_text("Buka jam berapa?")
    row = agent.locator("#rows .row", has_text=name)
    expect(row).to_contain_text("Buka jam berapa?")
    hands.open(row)
    hands.kind(agent, "note")
    hands.write(agent.get_by_label("Text"), "Jangan lupa Minggu tutup")
    hands.send(agent)
    expect(agent.locator("#stream .note")).to_contain_text("Jangan lupa Minggu tutup")
    hands.kind(agent, "reply")
    hands.write(agent.get_by_label("Text"), "Jam 9 sampai 21, kak")
    hands.send(agent)
    expect(phone.locator("#phone .out")).to_contain_text("Jam 9 sampai 21, kak")
    expect(phone.locator("#phone")).not_to_contain_text("Jangan lupa")
    expect(message(agent, "Jam 9 sampai 21")).to_contain_text("Delivered")


EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)><b>tebal</b>"


@both
def test_html_in_every_field_is_harmless(enter: Enter, dora: Dora, hands: Hands) -> None:
    dora.name = f"{EVIL} {dora.id}"
    dora.says(EVIL, attachments=[{"url": "http://127.0.0.1:9/x.svg", "filename": f"{EVIL}.svg"}])
    page = enter("bea")
    row = page.locator("#rows .row", has_text=dora.id)
    expect(row).to_contain_text("<script>alert(1)</script>")
    hands.open(row)
    expect(message(page, "<b>tebal</b>").first).to_be_visible()
    hands.kind(page, "note")
    hands.write(page.get_by_label("Text"), EVIL)
    hands.send(page)
    expect(page.locator("#stream .note .text")).to_have_text(EVIL)
    hands.press(page.get_by_title("More"))
    hands.write(page.get_by_label("Subject"), EVIL)
    page.keyboard.press("Enter")
    expect(page.locator(".titles h1")).to_have_text(EVIL)
    hands.write(page.get_by_role("searchbox"), EVIL)
    page.keyboard.press("Enter")
    expect(page.locator("#list h1")).to_contain_text("<script>")
    assert page.locator("#stream b:text-is('tebal'), #rows b:text-is('tebal')").count() == 0


@both
def test_a_session_that_ends_keeps_the_draft(enter: Enter, hub: RunningHub, dora: Dora, hands: Hands) -> None:
    dora.says("Tolong")
    page = enter("bea", expect_trouble=True)
    open_ticket(page, dora, hands)
    where = page.url
    hands.write(page.get_by_label("Text"), "Jawaban yang panjang")
    page.context.clear_cookies(name="sessionid")
    hands.send(page)
    told(page, "Sign in again; your draft is kept.")
    expect(page.get_by_label("Text")).to_have_value("Jawaban yang panjang")
    hands.press(page.locator(".toast a").first)
    agent = hub.agent("bea")
    hands.write(page.get_by_label("E-mail address"), agent["email"])
    hands.write(page.get_by_label("Password", exact=True), agent["password"])
    hands.press(page.get_by_role("button", name="Sign in"))
    page.wait_for_url(where)
    expect(page.get_by_label("Text")).to_have_value("Jawaban yang panjang")
    hands.send(page)
    expect(message(page, "Jawaban yang panjang")).to_have_count(1)


def test_a_token_that_is_a_night_old_costs_nothing(enter: Enter, dora: Dora) -> None:
    """By keyboard alone. The browser has forgotten the cookie, and the page has the token of yesterday."""
    dora.says("Selamat malam")
    page, keys = enter("bea", expect_trouble=True), Keys()
    open_ticket(page, dora, keys)
    mark(page)
    page.context.clear_cookies(name="csrftoken")
    keys.write(page.get_by_label("Text"), "Selamat pagi")
    keys.send(page)
    expect(message(page, "Selamat pagi")).to_contain_text("Sent")
    expect(message(page, "Selamat pagi")).to_have_count(1)
    page.context.clear_cookies(name="csrftoken")
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    expect(page.locator(".ticket-head")).to_have_attribute("data-status", "resolved")
    assert still_marked(page)


@both
def test_addresses_are_real(enter: Enter, dora: Dora, hands: Hands) -> None:
    dora.says("Halo")
    page = enter("bea")
    mark(page)
    hands.press(page.get_by_role("link", name=re.compile("^Unassigned")))
    expect(page.locator("#list h1")).to_have_text("Unassigned")
    open_ticket(page, dora, hands)
    expect(page).to_have_url(re.compile(r"/tickets/\d+/\?view=unassigned$"))
    page.go_back()
    expect(page.locator(".ticket")).to_have_count(0)
    expect(page).to_have_url(re.compile(r"/\?view=unassigned$"))
    page.go_back()
    expect(page.locator("#list h1")).to_have_text("All open")
    page.go_forward()
    page.go_forward()
    expect(page.locator("#ticket-head")).to_contain_text(dora.name)
    expect(page.locator("#list h1")).to_have_text("Unassigned")
    assert still_marked(page)
    page.reload()
    expect(page.locator("#ticket-head")).to_contain_text(dora.name)
    expect(dora.row(page).locator("a")).to_have_attribute("aria-current", "true")


def test_by_keyboard_alone(enter: Enter, dora: Dora) -> None:
    dora.says("Dengan papan ketik")
    page = enter("bea")
    expect(dora.row(page)).to_have_count(1)
    keys = page.keyboard
    # "j" and Enter; hers may not be the first, where another ticket has just moved.
    open_ticket(page, dora, Keys())
    keys.press("a")
    expect(page.locator(".pill.owner")).to_contain_text("Bea")
    keys.press("n")
    keys.type("catatan")
    keys.press("Control+Enter")
    expect(page.locator("#stream .note")).to_contain_text("catatan")
    keys.press("Escape")
    keys.press("r")
    keys.type("jawaban")
    keys.press("Control+Enter")
    # What is still on its way when the ticket is resolved would open it again.
    expect(page.locator("#stream .out")).to_contain_text("Sent")
    expect(page.locator("#stream .out")).to_contain_text("jawaban")
    keys.press("Escape")
    keys.press("e")
    expect(page.locator(".ticket-head")).to_have_attribute("data-status", "resolved")
    expect(dora.row(page)).to_have_count(0)
    keys.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    keys.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    keys.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()


# Done when the page knows that its end is no longer what is read.
TO_TOP = """one => new Promise((done) => {
  one.scrollTo({top: 0, behavior: "instant"});
  requestAnimationFrame(() => requestAnimationFrame(done));
})"""


@both
def test_a_file_goes_out_and_what_is_read_stays_in_place(
    enter: Enter, platform: FakeWebhookPlatform, dora: Dora, hands: Hands
) -> None:
    for number in range(30):
        dora.says(f"Baris {number}")
    page = enter("bea")
    open_ticket(page, dora, hands)
    page.locator("#scroll").evaluate(TO_TOP)
    expect(page.locator("#stream .msg").first).to_be_in_viewport()
    dora.says("Di bawah")
    expect(page.locator("#pill")).to_be_visible()
    assert page.locator("#scroll").evaluate("one => one.scrollTop") == 0
    hands.press(page.locator("#pill"))
    expect(message(page, "Di bawah")).to_be_in_viewport()
    hands.add(page, {"name": "nota.txt", "mimeType": "text/plain", "buffer": b"isi"})
    expect(page.locator("#adding .done")).to_contain_text("nota.txt")
    hands.write(page.get_by_label("Text"), "Ini notanya")
    hands.send(page)
    expect(message(page, "Ini notanya")).to_contain_text("nota.txt")
    expect(message(page, "Ini notanya")).to_contain_text("Sent")
    sent = platform.sent_to(dora.id)
    assert sent[0]["attachments"][0]["filename"] == "nota.txt"


@both
def test_a_click_is_not_lost_when_its_row_changes_under_it(enter: Enter, dora: Dora, hands: Hands) -> None:
    """With the mouse the row changes between down and up; a key opens at once, so the row changes before it and must
    keep the place of who is there."""
    ana = enter("ana")
    dora.says("pertama")
    link = dora.row(ana).locator("a")
    expect(link).to_contain_text("pertama")
    if isinstance(hands, Keys):
        hands.reach(link)
        dora.says("kedua")
        expect(link).to_contain_text("kedua")
        expect(link).to_be_focused()
        ana.keyboard.press("Enter")
    else:
        # The row may be replaced at any moment, so nothing is kept of where it was: hover looks again by itself.
        link.hover()
        ana.mouse.down()
        with ana.expect_response(re.compile("/rows/")):
            dora.says("kedua")
        ana.mouse.up()
    expect(ana.locator("#ticket-head")).to_contain_text(dora.name)
    expect(dora.row(ana)).to_contain_text("kedua")


@both
def test_a_button_of_the_head_is_not_lost_when_the_head_changes_under_it(
    enter: Enter, dora: Dora, hands: Hands
) -> None:
    dora.says("pertama")
    ana = enter("ana")
    open_ticket(ana, dora, hands)
    button = ana.locator("#ticket-head").get_by_role("button", name="Resolve")
    if isinstance(hands, Keys):
        hands.reach(button)
        ana.keyboard.down("Space")
    else:
        button.hover()
        ana.mouse.down()
    with ana.expect_response(re.compile("/news/")):
        dora.says("kedua")
    if isinstance(hands, Keys):
        ana.keyboard.up("Space")
    else:
        ana.mouse.up()
    expect(ana.locator(".ticket-head")).to_have_attribute("data-status", "resolved")
    expect(message(ana, "kedua")).to_have_count(1)


def anew(page: Page, change: Callable[[], None]) -> None:
    """The head of the ticket is another one when this returns."""
    page.locator("#ticket-head").evaluate("one => one.setAttribute('data-old', '')")
    change()
    expect(page.locator("#ticket-head:not([data-old])")).to_have_count(1)


def test_the_head_keeps_the_focus(enter: Enter, hub: RunningHub, dora: Dora) -> None:
    """By keyboard alone; with a mouse there is no place to keep. What is drawn anew under somebody's hands leaves them
    where they are, and a menu that is open stays open until they have done with it."""
    dora.says("Halo")
    page, keys = enter("bea"), Keys()
    open_ticket(page, dora, keys)
    number = page.url.rpartition("/tickets/")[2].partition("/")[0]
    for control in ("summary[data-key=p]", "[data-key=e]", "[data-panel]", "summary[title=More]"):
        keys.reach(page.locator(f"#ticket-head {control}"))
        anew(page, lambda: dora.says("Masih di sana?"))
        expect(page.locator(f"#ticket-head {control}")).to_be_focused()

    keys.press(page.locator("#ticket-head summary[data-key=p]"))
    expect(page.locator(".choice:focus")).to_have_count(1)
    page.keyboard.press("End")
    with hub.api("ana") as api:
        assert api.patch(f"/tickets/{number}/", json={"subject": "Paket hilang"}).status_code == 200
        expect(page.locator("#stream")).to_contain_text("Paket hilang")
        expect(page.locator("#ticket-head details[open]")).to_have_count(1)
        expect(page.locator(".choice:focus")).to_have_text(re.compile("Urgent"))
        # Closed, it shows what has come meanwhile.
        anew(page, lambda: page.keyboard.press("Escape"))
        expect(page.locator(".titles h1")).to_have_text("Paket hilang")
        expect(page.locator("#ticket-head summary[data-key=p]")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".choice:focus")).to_have_count(1)
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(page.locator("#ticket-head summary[data-key=p]")).to_contain_text("Urgent")
