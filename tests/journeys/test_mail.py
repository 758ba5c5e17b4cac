"""A mail in the browser: its frame without a picture from elsewhere, an answer with a copy, the mail server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from email.message import EmailMessage
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Page, expect

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


def test_a_mail_is_read_and_answered_with_a_copy(door: str, server: FakeMailServer, enter: Enter) -> None:
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
    page.get_by_role("link", name=name).click()
    message = page.locator(".item.in").last
    expect(message).to_contain_text("Berapa harganya?")
    message.get_by_text("Show the whole mail").click()
    expect(message.frame_locator("iframe").locator("b")).to_have_text("harganya")
    assert asked == []
    message.get_by_role("button", name="Load them").click()
    expect(page.locator(".item.in .pictures")).to_have_count(0)
    expect(page.locator(".item.in iframe")).to_be_visible()
    expect(page.locator(".item.in").last.frame_locator("iframe").locator("img")).to_have_attribute("src", picture)

    expect(page.get_by_label("Cc", exact=True)).to_have_value("eka@mail.example")
    page.get_by_label("Cc", exact=True).fill("eka@mail.example, Fitri <fitri@mail.example>")
    page.get_by_label("Text", exact=True).fill("Lima ribu.")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".item.out", has_text="Lima ribu.")).to_contain_text("Sent")
    taken = server.wait()[0]
    assert taken.recipients == ["dora@mail.example", "eka@mail.example", "fitri@mail.example"]
    assert taken.mail["In-Reply-To"] == mail["Message-ID"]
