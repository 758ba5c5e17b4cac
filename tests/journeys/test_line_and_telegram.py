"""LINE and Telegram in the browser: from the platform's post to the agent and back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.journeys.hands import Hands, Keys, Mouse
from tests.journeys.test_meta import PNG
from tests.platforms import FakePlatform, answer
from tests.platforms import line as line_platform
from tests.platforms import telegram as telegram_platform
from tests.platforms.line import FakeLine
from tests.platforms.telegram import FakeTelegram
from tests.running import RunningHub

Enter = Callable[..., Page]


class Person(Protocol):
    """A customer on a channel of the running hub."""

    name: str

    def says(self, text: str) -> None: ...
    def shows_a_picture(self) -> None: ...
    def got(self) -> list[str]: ...


def made(hub: RunningHub, kind: str, platform: FakePlatform, **settings: str) -> str:
    """The webhook's address of a new channel, made by an administrator."""
    response = httpx.post(
        f"{hub.url}/api/v1/channels/",
        headers={"Authorization": f"Bearer {hub.agent('ana')['token']}"},
        json={
            "kind": kind, "name": f"{kind} {uuid4().hex[:6]}", "team": hub.agent("ana")["team"]["id"],
            "settings": {**settings, "base_url": platform.url},
        },
        trust_env=False,
    )  # fmt: skip
    assert response.status_code == 201, response.text
    return str(response.json()["webhook_url"])


class OnLine:
    def __init__(self, hub: RunningHub, line: FakeLine) -> None:
        self.line, self.name = line, "Somchai " + uuid4().hex[:4]
        self.source = {"source": {"type": "user", "userId": "U" + uuid4().hex}}
        line.profiles[self.source["source"]["userId"]] = {"displayName": self.name}
        self.url = made(
            hub, "line", line, channel_secret=line_platform.SECRET, channel_access_token=line_platform.TOKEN
        )

    def says(self, text: str) -> None:
        assert self.line.post(self.url, self.line.message(text=text, of=self.source)).status_code == 200

    def shows_a_picture(self) -> None:
        picture = self.line.message("image", contentProvider={"type": "line"}, of=self.source)
        ready = answer(body=PNG, headers={"Content-Type": "image/png"})
        self.line.content[picture["message"]["id"]] = [answer(202), ready]
        assert self.line.post(self.url, picture).status_code == 200

    def got(self) -> list[str]:
        return [message["text"] for call in self.line.sent for message in call["messages"]]


class OnTelegram:
    def __init__(self, hub: RunningHub, telegram: FakeTelegram) -> None:
        self.telegram, number = telegram, uuid4().int % 10**9
        self.chat: dict[str, Any] = {"id": number, "first_name": "Siti", "last_name": str(number), "type": "private"}
        self.name = f"Siti {number}"
        telegram.chats[number] = self.chat
        self.url = made(
            hub, "telegram", telegram, bot_token=telegram_platform.BOT_TOKEN, secret_token=telegram_platform.SECRET
        )

    def posts(self, **more: Any) -> None:
        own = {"chat": self.chat, "from": self.chat, "date": int(time.time())}
        assert self.telegram.post(self.url, self.telegram.update(**{**own, **more})).status_code == 200

    def says(self, text: str) -> None:
        self.posts(text=text)

    def shows_a_picture(self) -> None:
        self.telegram.files["p"] = ("photos/p.png", answer(body=PNG, headers={"Content-Type": "image/png"}))
        self.posts(photo=[{"file_id": "p", "width": 1, "height": 1}])

    def got(self) -> list[str]:
        return [call["text"] for call in self.telegram.sent]


@pytest.fixture(params=["line", "telegram"])
def person(request: pytest.FixtureRequest, hub: RunningHub) -> Iterator[Person]:
    if request.param == "line":
        with FakeLine() as line:
            yield OnLine(hub, line)
    else:
        with FakeTelegram() as telegram:
            yield OnTelegram(hub, telegram)


def test_from_the_platform_to_the_browser_and_back(enter: Enter, person: Person) -> None:
    """The same story each time: once by mouse, once by keyboard alone."""
    hands: Hands = Mouse() if isinstance(person, OnLine) else Keys()
    ana = enter("ana")
    person.says("Halo dari ponsel")
    row = ana.locator("#rows .row", has_text=person.name)
    expect(row).to_contain_text("Halo dari ponsel")
    hands.open(row)
    expect(ana.locator("#ticket-head")).to_contain_text(person.name)
    person.shows_a_picture()
    expect(ana.locator("#stream .msg img")).to_have_count(1)

    hands.write(ana.get_by_label("Text"), "Terima kasih, kami cek")
    hands.send(ana)
    expect(ana.locator("#stream .msg", has_text="Terima kasih, kami cek")).to_contain_text("Sent")
    assert person.got() == ["Terima kasih, kami cek"]
