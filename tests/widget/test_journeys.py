"""The widget on somebody's website, whose policy forbids all that can be forbidden, in a real browser."""

from __future__ import annotations

import gzip
import hashlib
import hmac
import json
import re
import time
import uuid
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, FilePayload, Response, Route, expect

from channels_app.widget import wording
from tests.journeys.conftest import sign_in
from tests.journeys.test_looks import findings
from tests.running import RunningHub
from tests.servers import until
from tests.widget.shop import Shop
from tests.widget.visiting import (
    BROWSER,
    HISTORY,
    PATIENT,
    PICTURE,
    PNG,
    Visit,
    answer,
    connected,
    heard,
    kept,
    on_the_desk,
    opened,
    said,
    say,
    soon,
    texts,
    ticket_of,
    word,
)

pytestmark = BROWSER
LOADER, IN_ALL = 6 * 1024, 25 * 1024


# ── Light ────────────────────────────────────────────────────────────────────────────────────


def test_one_request_before_the_click_and_little_after_it(visit: Visit, hub: RunningHub) -> None:
    page = visit(data={"times": "2"})
    answers: list[Response] = []
    page.on("response", lambda one: answers.append(one) if one.url.startswith(hub.url) else None)
    page.reload(wait_until="networkidle")
    expect(page.get_by_role("button", name="Open the chat")).to_have_count(1)
    # The line stands there twice: the second time is answered from the browser's memory.
    assert {one.url for one in answers} == {f"{hub.url}/widget.js"}
    assert weight(answers) <= LOADER
    assert page.evaluate("Object.keys(localStorage)") == []
    opened(page)
    before = [one for one in answers if not one.url.endswith("/widget.js")]
    assert 1 + len(before) <= 4
    assert weight([*answers[:1], *before]) <= IN_ALL


def test_two_channels_on_one_page_that_throws_its_body_away(visit: Visit, hub: RunningHub, shop: Shop) -> None:
    other = connected(hub, shop, colour="#ffd400", position="left", title="Gudang")
    token = other["settings"]["widget_token"]
    # What a channel looks like is known to each process within seconds.
    until(lambda: token in httpx.get(f"{hub.url}/widget.js", headers={"Referer": shop.url}, trust_env=False).text)
    page = visit(data={"also": token})
    buttons = page.locator("button.launcher")
    expect(buttons).to_have_count(2)
    # Its own colour before anything of the channel was asked for, and what is written on it can be read.
    button = page.locator(f"pelanggan-chat[data-channel='{token}'] button.launcher")
    expect(button).to_have_css("background-color", "rgb(255, 212, 0)")
    expect(button).to_have_css("color", "rgb(0, 0, 0)")
    page.evaluate("Pelanggan.open()")
    expect(page.get_by_role("dialog", name="Toko Kopi")).to_be_visible()
    page.evaluate("(one) => Pelanggan.channel(one).open()", token)
    expect(page.get_by_role("dialog", name="Gudang")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(1)
    page.get_by_role("textbox", name="Write a message").fill("belum selesai")
    page.evaluate("document.body.replaceWith(document.createElement('body')); 1")
    expect(buttons).to_have_count(2)
    expect(page.get_by_role("textbox", name="Write a message")).to_have_value("belum selesai")


ROUND = """() => {
  const round = {};
  round.round = round;
  return [() => Pelanggan.identify(round), () => Pelanggan.setAttributes({ round })].map((act) => {
    try {
      act();
    } catch (error) {
      return error.name;
    }
  });
}"""


def test_a_page_that_asks_twice_or_wrongly(visit: Visit, hub: RunningHub) -> None:
    page = visit(trouble=True)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(error.message))
    page.evaluate("window.told = []; for (const one of ['open', 'close']) Pelanggan.on(one, () => told.push(one)); 1")
    # What was asked for last holds.
    page.evaluate("Pelanggan.open(); Pelanggan.close(); Pelanggan.open(); Pelanggan.open(); 1")
    expect(page.get_by_label("Write a message")).to_be_focused()
    assert page.evaluate("told") == ["open"]
    # What cannot be sent is refused where it is said, and what is wrong holds up nothing behind it.
    assert page.evaluate(ROUND) == ["TypeError", "TypeError"]
    page.evaluate("Pelanggan.push(() => { throw new Error('of the page'); }, null, ['setAttributes', {plan: 'gold'}])")
    name = word()
    say(page, name)
    kept(page, name)
    assert len(errors) == 2
    assert "of the page" in errors[0]
    page.keyboard.press("Escape")
    number = answer(hub, name, "Satu")
    until(lambda: {"plan": "gold"} in facts_of(hub, number))
    expect(page).to_have_title("(1) Toko Kopi")
    page.get_by_role("button", name="Open the chat, new messages: 1").click()
    said(page, "Satu").get_by_role("button", name="Reply to this message").click()
    page.get_by_label("Write a message").fill("bukan untuk yang berikut")
    page.keyboard.press("Escape")
    answer(hub, name, "Dua")
    expect(page).to_have_title("(1) Toko Kopi")
    # Whoever comes next at this browser finds nothing of it.
    page.evaluate("mayVanish()")
    page.evaluate("Pelanggan.reset()")
    expect(page).to_have_title("Toko Kopi")
    opened(page)
    expect(page.get_by_label("Write a message")).to_have_value("")
    expect(page.locator(".quoting")).to_be_hidden()
    assert texts(page) == []


def weight(answers: list[Response]) -> int:
    """Of each script and each answer once, as gzip makes it."""
    return sum(len(gzip.compress(body, 9)) for body in {one.url: one.body() for one in answers}.values())


# ── A conversation ───────────────────────────────────────────────────────────────────────────


def test_a_conversation_with_the_desk(visit: Visit, hub: RunningHub, chromium: Browser) -> None:
    name = word()
    page = opened(visit())
    say(page, f"{name}\nMasih ada? https://shop.example/kopi. ☕")
    expect(page.locator("[data-state=sent]")).to_have_count(1)
    link = page.locator(".mine a")
    expect(link).to_have_attribute("href", "https://shop.example/kopi")
    expect(link).to_have_attribute("rel", "noopener noreferrer nofollow ugc")
    say(page, "<img src=x onerror=alert(1)>")
    expect(said(page, "<img src=x onerror=alert(1)>")).to_have_count(1)
    with chromium.new_context(base_url=hub.url, locale="en-GB") as context:
        bea = context.new_page()
        sign_in(bea, hub, "bea")
        bea.goto("/settings/profile/")
        bea.get_by_label("Picture").set_input_files(PICTURE)
        bea.locator(".foot-actions button").click()
        expect(bea.locator(".identity img")).to_be_visible()
        with hub.api("bea") as api:
            bea.goto(f"/tickets/{ticket_of(api, name)}/")
        expect(bea.locator("#stream .msg")).to_have_count(2)
        expect(page.locator("[data-state=read]")).to_have_count(1)
        field = bea.get_by_label("Text")
        end = time.monotonic() + PATIENT / 1000
        # A sign of the moment may be lost, and is gone in some seconds: seen once is seen.
        while not page.locator(".typing").is_visible():
            assert time.monotonic() < end
            field.press_sequentially("Masih")
            bea.wait_for_timeout(300)
        field.fill("Masih, kak 🙂")
        bea.locator("#send").click()
        expect(said(page, "Masih, kak 🙂")).to_contain_text("Bea")
        expect(page.locator(".typing")).to_be_hidden()
        expect(heard(page)).to_contain_text("Bea: Masih, kak 🙂")
        expect(bea.locator("#stream .msg.out", has_text="Masih, kak")).to_contain_text("Read")
    said(page, "Masih, kak 🙂").get_by_role("button", name="Reply to this message").click()
    say(page, "Dua bungkus")
    expect(said(page, "Dua bungkus").locator("blockquote")).to_contain_text("Masih, kak")
    expect(said(page, "Masih, kak 🙂").locator(".face canvas")).to_be_visible()
    # Of a long conversation the end comes first, and the rest when it is asked for.
    kept(page, "Dua bungkus")
    whole = texts(page)

    def its_end(route: Route) -> None:
        response = route.fetch()
        given = response.json()
        route.fulfill(response=response, json={**given, "results": given["results"][-2:]})

    page.route(HISTORY, its_end)
    page.reload()
    opened(page)
    expect(page.locator(".msg")).to_have_count(2)
    page.get_by_role("button", name="Show earlier messages").click()
    expect(page.locator(".msg")).to_have_count(4)
    expect(page.get_by_role("button", name="Show earlier messages")).to_be_hidden()
    assert texts(page) == whole


def test_unread_answers_stand_on_the_button_and_in_the_title(visit: Visit, hub: RunningHub) -> None:
    name = word()
    page = opened(visit(first="window.rung = 0; window.AudioContext = class { resume() { rung++; } }"))
    page.evaluate("window.counts = []; Pelanggan.on('unread', one => counts.push(one.count)); 1")
    say(page, name)
    expect(page.locator("[data-state=sent]")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_role("button", name="Open the chat")).to_be_focused()
    answer(hub, name, "Satu")
    expect(page.get_by_role("button", name="Open the chat, new messages: 1")).to_be_visible()
    expect(page).to_have_title("(1) Toko Kopi")
    assert page.evaluate("counts") == [1]
    # No sound, unless the visitor wants it.
    assert page.evaluate("rung") == 0
    answer(hub, name, "Dua")
    page.reload()
    expect(page.get_by_role("button", name="Open the chat, new messages: 2")).to_be_visible()
    opened(page)
    expect(page).to_have_title("Toko Kopi")
    assert texts(page) == [name, "Satu", "Dua"]
    page.get_by_role("button", name="Play a sound for new messages").click()
    expect(page.get_by_role("button", name="Play no sound")).to_be_visible()
    assert page.evaluate("rung") == 1
    page.keyboard.press("Escape")
    answer(hub, name, "Tiga")
    expect(page.get_by_role("button", name="Open the chat, new messages: 1")).to_be_visible()
    assert page.evaluate("rung") == 2


def test_files_by_hand_and_by_drop_and_what_is_no_picture(visit: Visit, hub: RunningHub) -> None:
    name = word()
    page = opened(visit())
    files: list[FilePayload] = [
        PICTURE,
        {"name": "virus.exe", "mimeType": "application/x-msdownload", "buffer": b"MZ\x90\x00" + b"\x00" * 200},
        {"name": "bohong.png", "mimeType": "image/png", "buffer": b"<script>alert(1)</script>"},
        {"name": "kosong.txt", "mimeType": "text/plain", "buffer": b""},
    ]
    page.locator("input[type=file]").first.set_input_files(files)
    expect(page.locator(".composer [role=alert]")).to_have_text("kosong.txt is empty.")
    held = page.evaluate_handle(
        "() => { const held = new DataTransfer(); held.items.add(new File(['abc'], 'tarik  dua.txt')); return held; }"
    )
    page.get_by_role("dialog").dispatch_event("drop", {"dataTransfer": held})
    page.get_by_label("Write a message").evaluate(
        """(field, bytes) => {
          const held = new DataTransfer();
          held.items.add(new File([new Uint8Array(bytes)], "tempel.png", {type: "image/png"}));
          field.dispatchEvent(new ClipboardEvent("paste", {clipboardData: held, bubbles: true, cancelable: true}));
        }""",
        list(PNG),
    )
    say(page, name)
    expect(page.locator("[data-state=sent]")).to_have_count(1)
    expect(page.get_by_role("button", name="Picture: kopi.png").locator("canvas")).to_be_visible()
    for download in ("virus.exe", "bohong.png"):
        expect(page.get_by_role("button", name=f"Download {download}")).to_be_visible()
    with page.expect_download() as found:
        page.get_by_role("button", name="Download virus.exe").click()
    assert found.value.suggested_filename == "virus.exe"
    page.get_by_role("button", name="Picture: kopi.png").click()
    expect(page.get_by_role("dialog", name="kopi.png")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Picture: kopi.png")).to_be_focused()
    with hub.api("bea") as api:
        number = ticket_of(api, name)
        rows = api.get(f"/tickets/{number}/messages/").json()["results"]
    wanted = ["kopi.png", "virus.exe", "bohong.png", "tarik dua.txt", "tempel.png"]
    assert [one["filename"] for one in rows[0]["attachments"]] == wanted
    # One is there, the other on its way: half. What is taken back then never comes, and holds nothing up.
    page.evaluate(
        """() => {
          const { tell } = document.querySelector("pelanggan-chat").chat.delivery;
          const { trouble } = tell;
          window.troubles = [];
          tell.trouble = (kind) => (troubles.push(kind), trouble(kind));
        }"""
    )
    uploads: list[Route] = []

    def the_first(route: Route) -> None:
        uploads.append(route)
        if len(uploads) == 1:
            route.fallback()

    page.route("**/widget/attachments/", the_first)
    page.locator("input[type=file]").first.set_input_files([PICTURE, PICTURE])
    say(page, "batal saja")
    expect(page.get_by_role("progressbar", name="Sending")).to_have_js_property("value", 0.5)
    soon(page, lambda: len(uploads) == 2)
    say(page, "sesudahnya")
    expect(said(page, "sesudahnya")).to_have_count(1)
    page.evaluate("mayVanish()")
    page.get_by_role("button", name="Cancel").click()
    expect(said(page, "batal saja")).to_have_count(0)
    kept(page, "sesudahnya")
    assert page.evaluate("troubles.filter(Boolean)") == []
    assert on_the_desk(hub, number) == [name, "sesudahnya"]


# ── Who is who ───────────────────────────────────────────────────────────────────────────────


def facts_of(hub: RunningHub, number: int) -> list[dict[str, str]]:
    with hub.api("bea") as api:
        customer = api.get(f"/tickets/{number}/").raise_for_status().json()["customer"]["id"]
        return [one["facts"] for one in api.get(f"/customers/{customer}/").raise_for_status().json()["addresses"]]


def test_a_proven_customer_finds_their_history_on_a_second_browser(
    visit: Visit, hub: RunningHub, channel: dict[str, Any]
) -> None:
    name, identity = word(), uuid.uuid4().hex
    proof = hmac.new(channel["settings"]["identity_secret"].encode(), identity.encode(), hashlib.sha256).hexdigest()
    person = {"id": identity, "name": "Dora", "email": "dora@example.com", "hash": proof}
    # As a page says it that is there before our script.
    page = opened(
        visit(first=f"window.Pelanggan = [['identify', {json.dumps(person)}], ['setAttributes', {{plan: 'gold'}}]]")
    )
    say(page, name)
    number = answer(hub, name, "Halo Dora")
    expect(said(page, "Halo Dora")).to_have_count(1)
    until(lambda: {"plan": "gold"} in facts_of(hub, number))
    other = visit(trouble=True)
    other.evaluate("window.wrong = []; Pelanggan.on('error', (one) => wrong.push(one.reason)); 1")
    other.evaluate("(one) => Pelanggan.identify(one)", {**person, "hash": "0" * 64})
    opened(other)
    say(other, "dari ponsel")
    expect(other.locator("[data-state=sent]")).to_have_count(1)
    assert other.evaluate("wrong") == ["identify"]
    assert texts(other) == ["dari ponsel"]
    other.evaluate("(one) => Pelanggan.identify(one)", person)
    expect(said(other, "Halo Dora")).to_have_count(1)
    expect(said(page, "dari ponsel")).to_have_count(1)
    assert texts(page) == texts(other) == [name, "Halo Dora", "dari ponsel"]
    page.evaluate("window.shut = 0; Pelanggan.on('close', () => shut++); Pelanggan.close()")
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert page.evaluate("shut") == 1
    other.evaluate("mayVanish()")
    other.evaluate("Pelanggan.reset()")
    expect(other.get_by_role("dialog")).to_be_hidden()
    assert other.evaluate("Object.keys(localStorage)") == []


# ── For everybody ────────────────────────────────────────────────────────────────────────────


def test_what_is_asked_before_and_while_closed(visit: Visit, hub: RunningHub, shop: Shop) -> None:
    asking = connected(hub, shop, prechat_name="required")

    def closed(route: Route) -> None:
        response = route.fetch()
        given = response.json()
        given["appearance"]["hours"] = {"open": False, "opens_at": "2030-01-07T02:00:00Z"}
        route.fulfill(response=response, json=given)

    page = visit(
        data={"channel": asking["settings"]["widget_token"]}, timezone_id="Asia/Jakarta", reduced_motion="reduce"
    )
    page.route("**/session/**", closed)
    page.get_by_role("button", name="Open the chat").click()
    expect(page.get_by_label("Name")).to_be_focused()
    # With its date, for it may be weeks away.
    expect(page.get_by_text(re.compile("We are back: Monday, January 7,? .*9:00"))).to_be_visible()
    page.get_by_role("button", name="Start the chat").click()
    expect(page.get_by_text("This is needed.")).to_be_visible()
    assert findings(page) == []
    page.get_by_label("Name").fill("Siti")
    page.keyboard.press("Enter")
    name = word()
    say(page, name)
    expect(page.locator("[data-state=sent]")).to_have_count(1)
    with hub.api("bea") as api:
        ticket = api.get(f"/tickets/{ticket_of(api, name)}/").json()
    assert ticket["customer"]["name"] == "Siti"
    page.get_by_label("E-mail").fill("siti")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Write an address like name@example.com.")).to_be_visible()
    page.get_by_label("E-mail").fill("siti@example.com")
    with page.expect_response("**/widget/describe/") as told:
        page.get_by_role("button", name="Save").click()
    assert told.value.status == 204
    expect(heard(page)).to_contain_text("Thank you. We answer here and to siti@example.com.")
    expect(page.get_by_label("E-mail")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_a_phone_shows_all_of_it(visit: Visit, hub: RunningHub, scheme: Any) -> None:
    name = word()
    page = visit(color_scheme=scheme, viewport={"width": 320, "height": 640}, reduced_motion="reduce", has_touch=True)
    assert findings(page) == []
    opened(page)
    # On a phone Enter is a new line.
    page.get_by_label("Write a message").fill(f"{name}\n" + "katapanjangtanpaspasi" * 25)
    page.get_by_role("button", name="Send").click()
    answer(hub, name, "Silakan: https://shop.example/" + "x" * 80)
    expect(page.locator(".theirs")).to_have_count(1)
    page.get_by_role("button", name="Reply to this message").last.click()
    # There the camera is one touch away.
    with page.expect_file_chooser() as camera:
        page.get_by_role("button", name="Take a photo").click()
    assert camera.value.element.get_attribute("capture") == "environment"
    camera.value.set_files(PICTURE)
    expect(page.locator(".chosen")).to_contain_text("kopi.png")
    assert findings(page) == []
    # What was said can be scrolled, and the window round it cannot.
    assert page.get_by_role("dialog").evaluate("(one) => one.scrollHeight - one.clientHeight") == 0
    assert page.locator(".said").evaluate("(one) => one.scrollHeight > one.clientHeight")
    panel = page.get_by_role("dialog").bounding_box()
    assert panel == {"x": 0, "y": 0, "width": 320, "height": 640}
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    said_width, room = page.locator(".said").evaluate("(one) => [one.scrollWidth, one.clientWidth]")
    assert said_width <= room
    # Round the window and not out of it.
    seen = set()
    for _stop in range(30):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.localName"))
    assert seen == {"pelanggan-chat"}


@pytest.mark.parametrize("language", ["en", "id", "ms", "th"])
def test_each_language(visit: Visit, language: str) -> None:
    page = visit(data={"language": f"{language}-XX"}, locale="de-DE")
    label = page.locator("button.launcher").get_attribute("aria-label")
    assert label == wording.launcher(language)["open"]
    page.locator("button.launcher").click()
    words = wording.texts(language)
    expect(page.get_by_label(words["write"])).to_be_focused()
    expect(page.get_by_role("dialog")).to_have_attribute("lang", language)
    if language == "th":
        page.evaluate("Pelanggan.setLanguage('id')")
        expect(page.get_by_label(wording.texts("id")["write"])).to_be_visible()
