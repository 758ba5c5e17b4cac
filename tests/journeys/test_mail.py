"""A mail in the browser: its frame without a picture from elsewhere, an answer with a copy, the mail server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from email.message import EmailMessage
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.journeys.hands import Hands, both
from tests.journeys.test_looks import findings
from tests.platforms.smtp import FakeMailServer
from tests.running import RunningHub

Enter = Callable[..., Page]


@pytest.fixture
def server() -> Iterator[FakeMailServer]:
    with FakeMailServer() as found:
        yield found


@pytest.fixture
def door(hub: RunningHub, server: FakeMailServer) -> str:
    """Where mails of a new channel come in, which sends through ``server``."""
    response = httpx.post(
        f"{hub.url}/api/v1/channels/",
        headers={"Authorization": f"Bearer {hub.agent('ana')['token']}"},
        json={
            "kind": "email", "name": f"Mail {uuid4().hex[:6]}", "team": hub.agent("ana")["team"]["id"],
            "settings": {"address": "help@shop.example", "inbound_secret": "mail:kopi", "smtp_url": server.url},
        },
        trust_env=False,
    )  # fmt: skip
    assert response.status_code == 201, response.text
    return f"{response.json()['webhook_url']}mime/"


@both
def test_a_mail_is_read_and_answered_with_a_copy(door: str, server: FakeMailServer, enter: Enter, hands: Hands) -> None:
    name = f"Dora {uuid4().hex[:5]}"
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Cc"] = f"{name} <dora@mail.example>", "help@shop.example", "eka@mail.example"
    mail["Subject"], mail["Message-ID"] = "Tanya harga", f"<{uuid4().hex}@mail.example>"
    mail.set_content("Berapa harganya?")
    picture = "https://track.example/p.gif"
    mail.add_alternative(f'<p>Berapa <b>harganya</b>?</p><img alt="iklan" src="{picture}">', subtype="html")
    headers = {"Authorization": "Bearer mail:kopi"}
    assert httpx.post(door, content=mail.as_bytes(), headers=headers, trust_env=False).status_code == 200

    page = enter("bea")
    asked: list[str] = []
    page.route("https://track.example/**", lambda route: (asked.append(route.request.url), route.fulfill(status=204)))
    hands.open(page.locator("#rows .row", has_text=name))
    message = page.locator(".item.in").last
    expect(message).to_contain_text("Berapa harganya?")
    hands.press(message.locator("summary", has_text="Show the whole mail"))
    expect(message.frame_locator("iframe").locator("b")).to_have_text("harganya")
    assert asked == []
    hands.press(message.get_by_role("button", name="Load them"))
    expect(page.locator(".item.in .pictures")).to_have_count(0)
    expect(page.locator(".item.in iframe")).to_be_visible()
    expect(page.locator(".item.in").last.frame_locator("iframe").locator("img")).to_have_attribute("src", picture)

    expect(page.get_by_label("Cc", exact=True)).to_have_value("eka@mail.example")
    hands.write(page.get_by_label("Cc", exact=True), "eka@mail.example, Fitri <fitri@mail.example>")
    hands.write(page.get_by_label("Text", exact=True), "Lima ribu.")
    hands.send(page)
    expect(page.locator(".item.out", has_text="Lima ribu.")).to_contain_text("Sent")
    taken = server.wait()[0]
    assert taken.recipients == ["dora@mail.example", "eka@mail.example", "fitri@mail.example"]
    assert taken.mail["In-Reply-To"] == mail["Message-ID"]


def test_a_mailbox_is_set_up_with_a_known_provider_and_tried(enter: Enter) -> None:
    """On a phone, by keyboard: what is known is filled in, what is wrong is said, Enter saves."""
    page = enter("ana", viewport={"width": 360, "height": 740})
    page.goto("/settings/channels/new/email/")
    page.get_by_role("link", name="Yahoo", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Yahoo", exact=True)).to_have_attribute("aria-current", "true")
    box = page.get_by_role("group", name="Mailbox to fetch from (IMAP)")
    out = page.get_by_role("group", name="Server for mail going out (SMTP)")
    expect(box.get_by_label("Server")).to_have_value("imap.mail.yahoo.com")
    expect(out.get_by_label("Port")).to_have_value("465")
    name = f"Surat {uuid4().hex[:6]}"
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Address", exact=True).fill("help@shop.example")
    for part in (box, out):
        part.get_by_label("Server").fill("127.0.0.1")
        part.get_by_label("Port").fill("9")
        part.get_by_label("User name").fill("help@shop.example")
        part.get_by_label("Password", exact=True).fill("rahasia")
    assert findings(page) == []
    page.get_by_role("button", name="Try it before saving").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#tried li")).to_have_count(2)
    expect(page.locator("#tried")).to_contain_text("Fetching (127.0.0.1:9): The mail server takes no connection")
    expect(box.get_by_label("Password", exact=True)).to_have_value("rahasia")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    # Nothing is fetched here: the mailbox would only be knocked at until the end of all journeys.
    for label in ("Server", "Port", "User name", "Password", "Folder"):
        box.get_by_label(label, exact=True).fill("")
    page.get_by_label("Name", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="How to connect it")).to_be_visible()
    page.get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
