"""WhatsApp, Messenger and Instagram in the browser: from the platform's post to the agent and back."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.journeys.hands import Hands, Keys, Mouse
from tests.platforms.meta import FakeMeta, event, page, signed, wa_status, whatsapp
from tests.running import RunningHub

Enter = Callable[..., Page]
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8cfc000000301010018dd8db0"
    "0000000049454e44ae426082"
)
ACCOUNT = {"whatsapp": "phone_number_id", "messenger": "page_id", "instagram": "account_id"}


class Platform:
    """One channel of that kind on the running hub, made by an administrator, and a customer there."""

    def __init__(self, hub: RunningHub, kind: str, meta: FakeMeta) -> None:
        self.kind, self.meta = kind, meta
        self.person = "62813" + str(uuid.uuid4().int)[:8]
        self.name = f"Dewi {self.person[-6:]}"
        self.account = str(uuid.uuid4().int)[:15]
        values = {"app_secret": "s3cret", "access_token": "EAAG-test-token", "base_url": meta.url}
        team = hub.agent("ana")["team"]["id"]
        made = httpx.post(
            f"{hub.url}/api/v1/channels/",
            headers={"Authorization": f"Bearer {hub.agent('ana')['token']}"},
            json={
                "kind": kind,
                "name": f"{kind} {self.account}",
                "team": team,
                "settings": {**values, ACCOUNT[kind]: self.account},
            },
            trust_env=False,
        )
        assert made.status_code == 201, made.text
        self.url = made.json()["webhook_url"]
        meta.people[self.person] = {"name": self.name}

    def says(self, id: str, text: str, picture: str = "") -> None:
        if self.kind == "whatsapp":
            contacts = [{"profile": {"name": self.name}, "wa_id": self.person}]
            said = {
                "from": self.person,
                "id": id,
                "timestamp": str(int(time.time())),
                "type": "text",
                "text": {"body": text},
            }
            if picture:
                said |= {"type": "image", "image": {"id": picture, "mime_type": "image/png"}}
            self.posts(whatsapp(self.account, contacts=contacts, messages=[said]))
        else:
            files = [{"type": "image", "payload": {"url": self.meta.cdn(picture)}}] if picture else []
            self.posts(self.event(message={"mid": id, "text": text, "attachments": files}))

    def event(self, **what: Any) -> dict[str, Any]:
        happened = event(self.kind, at=int(time.time() * 1000), **what)
        happened["sender"], happened["recipient"] = {"id": self.person}, {"id": self.account}
        return page(self.kind, happened, id=self.account)

    def reads(self) -> None:
        (sent,) = [one for one in self.meta.sends if one.to == self.person]
        if self.kind == "whatsapp":
            self.posts(wa_status(sent, "read"))
        else:
            seen = {"mid": sent.id} if self.kind == "instagram" else {"watermark": int(time.time() * 1000) + 2000}
            self.posts(self.event(read=seen))

    def posts(self, body: Any) -> None:
        body["entry"][0].get("changes", [{"value": {"metadata": {}}}])[0]["value"]["metadata"]["phone_number_id"] = (
            self.account
        )
        content, headers = signed(body, "s3cret")
        assert httpx.post(self.url, content=content, headers=headers, trust_env=False).status_code == 200


@pytest.fixture(scope="module")
def meta() -> Iterator[FakeMeta]:
    with FakeMeta() as platform:
        platform.add_media("pic1", PNG, "image/png")
        yield platform


@pytest.mark.parametrize("kind", sorted(ACCOUNT))
def test_from_the_platform_to_the_browser_and_back(enter: Enter, hub: RunningHub, meta: FakeMeta, kind: str) -> None:
    """The same story each time: once by mouse, else by keyboard alone."""
    hands: Hands = Mouse() if kind == "messenger" else Keys()
    dewi, ana = Platform(hub, kind, meta), enter("ana")
    dewi.says(f"{dewi.person}-1", "Halo dari ponsel")
    row = ana.locator("#rows .row", has_text=dewi.name)
    expect(row).to_contain_text("Halo dari ponsel")
    hands.open(row)
    expect(ana.locator("#ticket-head")).to_contain_text(dewi.name)
    dewi.says(f"{dewi.person}-2", "" if kind == "whatsapp" else "Ini fotonya", picture="pic1")
    expect(ana.locator("#stream .msg img")).to_have_count(1)

    hands.write(ana.get_by_label("Text"), "Terima kasih, kami cek")
    hands.send(ana)
    answer = ana.locator("#stream .msg", has_text="Terima kasih, kami cek")
    expect(answer).to_contain_text("Sent")
    dewi.reads()
    expect(answer).to_contain_text("Read")
