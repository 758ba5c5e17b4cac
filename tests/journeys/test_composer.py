"""What one writes is never lost and never sent twice: with files, without a line, over a reload. By keyboard alone,
but for what is dragged; the mouse has the same in ``test_inbox``.
"""

from __future__ import annotations

import base64
import re
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.journeys.hands import Keys
from tests.journeys.test_inbox import Dora, arrived, message, open_ticket
from tests.journeys.waiting import told, until
from tests.platforms.meta import APP_SECRET, NUMBER_ID, TOKEN, WABA_ID, FakeMeta
from tests.platforms.webhook import FakeWebhookPlatform
from tests.running import RunningHub

Enter = Callable[..., Page]
PIXEL = base64.b64encode(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6260000000000500010d0a"
        "2db40000000049454e44ae426082"
    )
).decode()
KEYS = Keys()
POST = re.compile(r"/tickets/\d+/messages/")


@pytest.fixture
def dora(hub: RunningHub) -> Dora:
    return Dora(hub)


def field(page: Page) -> Any:
    return page.get_by_label("Text")


def test_what_is_refused_comes_back_and_what_finds_no_line_waits(
    enter: Enter, platform: FakeWebhookPlatform, dora: Dora
) -> None:
    dora.says("Masih ada?")
    page = enter("bea", expect_trouble=True)
    open_ticket(page, dora, KEYS)
    page.route(POST, lambda route: route.abort("connectionrefused"))
    KEYS.write(field(page), "Masih, kak")
    field(page).press("Control+Enter")
    expect(field(page)).to_have_value("")
    expect(message(page, "Masih, kak")).to_contain_text("Waiting for the connection")
    # The next one is written meanwhile and waits behind it.
    KEYS.write(field(page), "Mau berapa?")
    field(page).press("Control+Enter")
    expect(message(page, "Mau berapa?")).to_have_count(1)
    page.unroute(POST)
    assert arrived(platform, dora, 2) == ["Masih, kak", "Mau berapa?"]
    for text in ("Masih, kak", "Mau berapa?"):
        expect(message(page, text)).to_have_count(1)
        expect(message(page, text)).to_contain_text("Sent")

    page.route(POST, lambda route: route.fulfill(status=422, json={"words": "The channel is switched off."}))
    KEYS.write(field(page), "Ditolak")
    field(page).press("Control+Enter")
    expect(page.locator("#notice")).to_contain_text("The channel is switched off.")
    expect(field(page)).to_have_value("Ditolak")
    expect(message(page, "Ditolak")).to_have_count(0)
    # Where something else is being written already, it stays in the ticket with its reason.
    held: list[Route] = []
    page.unroute(POST)
    page.route(POST, lambda route: held.append(route))
    field(page).press("Control+Enter")
    expect(message(page, "Ditolak")).to_contain_text("Sending")
    KEYS.write(field(page), "Yang baru")
    until(page, lambda: held)
    held[0].fulfill(status=422, json={"words": "Still switched off."})
    expect(message(page, "Ditolak")).to_contain_text("Still switched off.")
    expect(field(page)).to_have_value("Yang baru")
    page.unroute(POST)
    KEYS.press(message(page, "Ditolak").get_by_role("button", name="Edit"))
    expect(field(page)).to_have_value("Ditolak\n\nYang baru")
    expect(message(page, "Ditolak")).to_have_count(0)


def test_a_reload_in_the_middle_neither_loses_nor_doubles(
    enter: Enter, platform: FakeWebhookPlatform, dora: Dora
) -> None:
    dora.says("Halo")
    page = enter("bea", expect_trouble=True)
    open_ticket(page, dora, KEYS)

    def sent_but_never_answered(route: Route) -> None:
        route.fetch()
        route.abort("connectionreset")

    # The answer is lost although the reply went out, and the page cannot know better from its row.
    page.route(POST, sent_but_never_answered)
    page.route("**/news/**", lambda route: route.abort())
    KEYS.write(field(page), "Sekali saja")
    with page.expect_event("requestfailed", lambda request: bool(POST.search(request.url))):
        field(page).press("Control+Enter")
    expect(message(page, "Sekali saja")).to_contain_text("Waiting for the connection")
    assert arrived(platform, dora, 1) == ["Sekali saja"]
    page.unroute_all(behavior="wait")
    page.reload()
    expect(message(page, "Sekali saja")).to_have_count(1)
    expect(message(page, "Sekali saja")).to_contain_text("Sent")

    held: list[Route] = []
    page.route(POST, lambda route: held.append(route))
    KEYS.write(field(page), "Belum sempat")
    field(page).press("Control+Enter")
    expect(message(page, "Belum sempat")).to_contain_text("Sending")
    page.unroute(POST)
    page.reload()
    expect(message(page, "Belum sempat")).to_contain_text("Sent")
    expect(message(page, "Belum sempat")).to_have_count(1)
    expect(field(page)).to_have_value("")
    assert arrived(platform, dora, 2) == ["Sekali saja", "Belum sempat"]
    expect(page.locator("#stream .pending")).to_have_count(0)
    # Let go of as soon as what sends has been fetched and has seen the row.
    kept = "Object.keys(localStorage).filter((name) => name.startsWith('out:'))"
    until(page, lambda: page.evaluate(kept) == [])


HANDED_OVER = """([type, bytes]) => {
  const name = type === "paste" ? "tempel.png" : "seret.png";
  const data = new DataTransfer();
  data.items.add(new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], name, {type: "image/png"}));
  const options = {bubbles: true, cancelable: true};
  if (type === "paste") {
    document.querySelector("#say").dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, ...options}));
    return;
  }
  // Beside the ticket a file is nothing, and above all no page of its own; on it, it is added.
  const left = (place) => ["dragover", "drop"].filter((what) =>
    document.querySelector(place).dispatchEvent(new DragEvent(what, {dataTransfer: data, ...options})));
  return [...left("#list"), ...left("#stream")];
}"""


def test_files_pasted_and_dropped_even_when_one_stops_half_way(
    enter: Enter, platform: FakeWebhookPlatform, dora: Dora
) -> None:
    dora.says("Kirim fotonya")
    page = enter("bea", expect_trouble=True)
    open_ticket(page, dora, KEYS)
    page.route("**/uploads/", lambda route: route.abort("connectionreset"), times=1)
    page.evaluate(HANDED_OVER, ["paste", PIXEL])
    chip = page.locator("#adding .chip", has_text="tempel.png")
    expect(chip).to_contain_text("Stopped half-way")
    KEYS.write(field(page), "Ini fotonya")
    field(page).press("Control+Enter")
    told(page, "A file is not there")
    KEYS.press(chip.get_by_role("button", name="Try tempel.png again"))
    assert page.evaluate(HANDED_OVER, ["drop", PIXEL]) == []
    expect(page.locator(".dropzone")).to_be_hidden()
    expect(page.locator("#adding .chip")).to_have_count(2)
    expect(page.locator("#adding .done")).to_have_count(2)
    # A draft keeps its files over a reload.
    page.reload()
    expect(page.locator("#adding .done")).to_have_count(2)
    expect(field(page)).to_have_value("Ini fotonya")
    field(page).press("Control+Enter")
    expect(message(page, "Ini fotonya").locator(".files img")).to_have_count(2)
    expect(page.locator("#adding .chip")).to_have_count(0)
    arrived(platform, dora, 1)
    sent = platform.sent_to(dora.id)
    assert sorted(file["filename"] for one in sent for file in one["attachments"]) == ["seret.png", "tempel.png"]


def test_a_file_goes_on_while_its_agent_looks_at_another_ticket(
    enter: Enter, hub: RunningHub, platform: FakeWebhookPlatform, dora: Dora
) -> None:
    other = Dora(hub)
    other.says("Saya juga")
    dora.says("Kirim fotonya")
    page = enter("bea")
    open_ticket(page, dora, KEYS)
    held: list[Route] = []
    page.route("**/uploads/", lambda route: held.append(route))
    page.evaluate(HANDED_OVER, ["paste", PIXEL])
    until(page, lambda: held)
    open_ticket(page, other, KEYS)
    expect(page.locator("#adding .chip")).to_have_count(0)
    open_ticket(page, dora, KEYS)
    expect(page.locator("#adding .sending", has_text="tempel.png").get_by_role("progressbar")).to_be_visible()
    held.pop().continue_()
    expect(page.locator("#adding .done")).to_have_count(1)
    KEYS.write(field(page), "Ini fotonya")
    field(page).press("Control+Enter")
    expect(message(page, "Ini fotonya").locator(".files img")).to_have_count(1)
    arrived(platform, dora, 1)


def test_one_message_is_answered_by_keyboard(enter: Enter, platform: FakeWebhookPlatform, dora: Dora) -> None:
    dora.says("Yang merah berapa?", id=(asked := f"m-{uuid.uuid4().hex}"))
    dora.says("Atau yang biru?")
    page = enter("bea")
    open_ticket(page, dora, KEYS)
    expect(message(page, "Atau yang biru?")).to_have_count(1)
    page.locator("#stream article").last.focus()
    page.keyboard.press("ArrowUp")
    expect(message(page, "Yang merah berapa?").locator("article")).to_be_focused()
    page.keyboard.press("q")
    expect(field(page)).to_be_focused()
    expect(page.locator("#quoted")).to_contain_text("Yang merah berapa?")
    page.keyboard.type("Rp50.000")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#quoted")).to_be_hidden()
    expect(message(page, "Rp50.000").locator(".quote")).to_contain_text("Yang merah berapa?")
    expect(message(page, "Rp50.000")).to_contain_text("Sent")
    assert arrived(platform, dora, 1) == ["Rp50.000"]
    (sent,) = platform.sent_to(dora.id)
    assert asked in str(sent["reply_to"])


# ── A window ─────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def meta() -> Iterator[FakeMeta]:
    with FakeMeta() as running:
        yield running


def whatsapp(hub: RunningHub, meta: FakeMeta) -> dict[str, Any]:
    settings = {
        "app_secret": APP_SECRET, "access_token": TOKEN, "phone_number_id": NUMBER_ID,
        "business_account_id": WABA_ID, "base_url": meta.url,
    }  # fmt: skip
    with hub.api("ana") as api:
        made = api.post("/channels/", json={"kind": "whatsapp", "name": "WhatsApp", "team": None, "settings": settings})
    assert made.status_code == 201, made.text
    return dict(made.json())


class Wati:
    """A customer of a channel on which one may answer freely for 24 hours after their last word."""

    def __init__(self, meta: FakeMeta, url: str) -> None:
        self.meta, self.url = meta, url
        self.number, self.name = f"62813{time.time_ns() % 10**8:08d}", f"Wati {uuid.uuid4().hex[:4]}"

    def says(self, text: str, ago: timedelta = timedelta(0)) -> None:
        said = {
            "from": self.number, "id": f"wamid.{uuid.uuid4().hex}", "type": "text", "text": {"body": text},
            "timestamp": str(int((datetime.now(UTC) - ago).timestamp())),
        }  # fmt: skip
        value = {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "15550001111", "phone_number_id": NUMBER_ID},
            "contacts": [{"profile": {"name": self.name}, "wa_id": self.number}],
            "messages": [said],
        }
        entry = {"id": WABA_ID, "changes": [{"field": "messages", "value": value}]}
        self.meta.post(self.url, {"object": "whatsapp_business_account", "entry": [entry]})


def written_before_the_end(page: Page, wati: Wati, words: str) -> None:
    """The window ends while one writes, by the clock. How long this machine takes to write is not known before: one
    that was too slow is given twice the time with the next message."""
    for seconds in (10, 20, 40, 80, 160):
        wati.says(f"Pesanan saya? {seconds}", ago=timedelta(hours=24, seconds=-seconds))
        try:
            expect(page.locator("#window.soon")).to_contain_text("left", timeout=seconds * 1000)
            field(page).focus(timeout=seconds * 1000)
        except (AssertionError, PlaywrightTimeout):
            continue
        page.keyboard.insert_text(words)
        if field(page).input_value() == words:
            return
    raise AssertionError("nothing could be written in time")


def test_a_window_that_ends_while_one_writes(enter: Enter, hub: RunningHub, meta: FakeMeta) -> None:
    meta.templates = [
        {
            "id": "1", "name": "order_update", "language": "id", "status": "APPROVED", "category": "UTILITY",
            "components": [
                {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["https://cdn.example/a.jpg"]}},
                {"type": "BODY", "text": "Halo {{1}}, pesanan Anda sudah {{2}}."},
            ],
        }
    ]  # fmt: skip
    channel = whatsapp(hub, meta)
    with hub.api("ana") as api:
        assert api.post(f"/channels/{channel['id']}/templates/").status_code == 200
    wati = Wati(meta, channel["webhook_url"])
    wati.says("Ada orang?", ago=timedelta(hours=30))
    page = enter("bea")
    KEYS.open(page.locator("#rows .row", has_text=wati.name))
    expect(page.locator("#window")).to_contain_text("only a template can be sent")
    written_before_the_end(page, wati, "Sebentar, kami cek")
    # It ends: what is written is kept, and what can be done now takes its place.
    expect(page.locator("#window")).to_contain_text("only a template can be sent")
    expect(field(page)).to_be_hidden()
    KEYS.press(page.get_by_role("button", name="Templates"))
    KEYS.press(page.locator("#templates .found button").first)
    KEYS.write(page.get_by_label("Blank 1"), "Wati")
    KEYS.write(page.get_by_label("Blank 2"), "dikirim")
    expect(page.locator(".as-sent")).to_contain_text("Halo Wati, pesanan Anda sudah dikirim.")
    expect(page.locator("#templates")).to_contain_text("the template's own example is sent")
    own = {"name": "resi.png", "mimeType": "image/png", "buffer": base64.b64decode(PIXEL)}
    page.locator("#templates input[type=file]").set_input_files(own)  # type: ignore[arg-type]
    expect(page.locator("#templates .shows")).to_contain_text("resi.png")
    expect(page.locator("#templates .shows")).not_to_contain_text("Adding")
    KEYS.press(page.locator("#send"))
    expect(message(page, "Halo Wati, pesanan Anda sudah dikirim.")).to_contain_text("Sent")
    assert meta.sends[-1].body["template"]["name"] == "order_update"
    assert "id" in meta.sends[-1].body["template"]["components"][0]["parameters"][0]["image"]
    # The customer writes again, and the draft is there again.
    wati.says("Terima kasih")
    expect(field(page)).to_have_value("Sebentar, kami cek")
    expect(field(page)).to_be_visible()
