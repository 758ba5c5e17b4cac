"""Row `widget`: there and back between a visitor and an agent, and what a thousand visitors who say nothing cost.

Beside the visitor's way to the agent stands the one of `live`, a signed webhook's, from the same seconds; beside an
idle visitor's memory that of a bare WebSocket on the same server.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from hub.bench import wire
from hub.bench.product import Backend, free_port, pss, web
from hub.bench.report import Table, percentile
from hub.stamp import BASE_DIR

if TYPE_CHECKING:
    from playwright.sync_api import Browser

IDLE = 1_000
ROUNDS, TALKING = 200, 20
# Each address may open so many sockets at once; a thousand visitors do not share one.
ADDRESSES = 50


def run(backend: Backend) -> Table:
    table = Table(f"widget, {backend.name}")
    desk = backend.desk("widget", fresh=True)
    facts = desk.inside("data", "0", "1")
    tokens = desk.inside("widgetchannel", str(IDLE + TALKING))["tokens"]
    with desk.running() as process:
        talk = asyncio.run(Talk(desk.port, facts["secret"], tokens[IDLE:]).run())
        server = web(process.pid)
        ours = asyncio.run(idle(desk.port, server, "/ws/widget/?after=0", tokens[:IDLE]))
    port = free_port()
    twin = subprocess.Popen([sys.executable, "-m", "hub.bench.bare", str(port)], cwd=BASE_DIR)
    try:
        bare = asyncio.run(idle(port, twin.pid, "/", [""] * IDLE))
    finally:
        twin.terminate()
        twin.wait(20)
    for name, times in (
        ("visitor's message → agent's screen", talk.up),
        ("twin: a signed webhook → agent's screen", talk.twin),
        ("agent's answer → visitor's screen", talk.down),
        ("visitor's message → agent → visitor's screen", talk.round),
    ):
        table.add(f"{name}: p50", percentile(times, 0.5) * 1000, "ms")
        table.add("  p99", percentile(times, 0.99) * 1000, "ms")
    table.add("ratio of the p50 to the twin's", percentile(talk.up, 0.5) / percentile(talk.twin, 0.5))
    table.add(f"{IDLE:,} idle visitors: memory of the web process for each", ours, "KB")
    table.add("twin: a bare WebSocket on the same server", bare, "KB")
    table.add("ratio to the twin", ours / bare)
    return table


def loads(chromium: Browser, backend: Backend) -> dict[str, tuple[int, float]]:
    """Requests and KB (compressed, no headers) of ours in a shop's page: when it is shown, and until one can write."""
    desk = backend.desk("widgetpage", fresh=True)
    desk.inside("data", "0")
    desk.inside("widgetchannel", "0")
    with desk.running():
        page = chromium.new_context(base_url=desk.url).new_page()
        page.set_default_timeout(60_000)
        asked: list[str] = []
        heads: dict[str, int] = {}
        sizes: dict[str, int] = {}
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.on(
            "Network.requestWillBeSent",
            lambda event: asked.append(event["requestId"]) if "/widget" in event["request"]["url"] else None,
        )
        session.on(
            "Network.responseReceived",
            lambda event: heads.update({event["requestId"]: event["response"]["encodedDataLength"]}),
        )
        session.on(
            "Network.loadingFinished", lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]})
        )

        def taken() -> tuple[int, float]:
            ours = set(asked)
            return len(ours), sum(sizes.get(one, 0) - heads.get(one, 0) for one in ours) / 1024

        page.goto("/demo-shop/", wait_until="networkidle")
        before = taken()
        page.locator("pelanggan-chat").get_by_role("button").click()
        page.get_by_role("dialog").get_by_role("textbox").wait_for()
        after = taken()
        page.context.close()
    return {"before the click": before, "until one can write": after}


class Visitor(wire.Ear):
    """The widget's socket: it names its page, and says in its first frame who it is."""

    def __init__(self, port: int, path: str, token: str, heard: Any) -> None:
        super().__init__(port, path, "", heard)
        self.token = token
        origin = f"Origin: http://127.0.0.1:{port}\r\n".encode() if token else b""
        self.head = self.head.replace(b"Authorization: Bearer \r\n", origin)

    @classmethod
    async def calls(cls, port: int, path: str, token: str, heard: Any, number: int = 0) -> Visitor:
        own = (f"127.0.0.{2 + number % ADDRESSES}", 0)
        loop = asyncio.get_running_loop()
        _line, ear = await loop.create_connection(
            lambda: cls(port, path, token, heard), "127.0.0.1", port, local_addr=own
        )
        await asyncio.wait_for(ear.open, 60)
        if token:
            ear.say(json.dumps({"type": "auth", "token": token}))
        return ear


class Talk:
    """One after the other, so that each time is that of one message."""

    def __init__(self, port: int, secret: str, tokens: list[str]) -> None:
        self.port, self.secret, self.tokens = port, secret, tokens
        self.up: list[float] = []
        self.down: list[float] = []
        self.round: list[float] = []
        self.twin: list[float] = []
        self.waits: dict[str, asyncio.Future[dict[str, Any]]] = {}

    async def run(self) -> Talk:
        from hub.bench.data import token_of

        self.agent = token_of(1)
        ears: list[wire.Ear] = [await wire.Ear.connect(self.port, "/ws/inbox/", self.agent, self.hear)]
        for token in self.tokens:
            ears.append(await Visitor.calls(self.port, "/ws/widget/?after=0", token, self.hear))
        self.line = await wire.Http.connect(self.port)
        posts = wire.signed_posts(
            self.port, 1, self.secret, (wire.message(f"twin-{n}", n, f"twin-{n}") for n in range(ROUNDS))
        )
        for number, post in enumerate(posts):
            await self.one(number)
            at, frame = time.perf_counter(), self.awaits(f"twin-{number}")
            await self.line.send(post)
            await asyncio.wait_for(frame, 30)
            self.twin.append(time.perf_counter() - at)
            # So that nobody comes near the rate at which one visitor may write.
            await asyncio.sleep(0.05)
        for ear in ears:
            ear.close()
        return self

    async def one(self, number: int) -> None:
        token, began = self.tokens[number % TALKING], time.perf_counter()
        frame = self.awaits(f"asks-{number}")
        body = {"client_message_id": f"c-{number}", "text": f"asks-{number}"}
        await self.post("/widget/messages/", token, body, f"Origin: http://127.0.0.1:{self.port}\r\n")
        said = await asyncio.wait_for(frame, 30)
        self.up.append(time.perf_counter() - began)
        at, answer = time.perf_counter(), self.awaits(f"told-{number}")
        await self.post(f"/api/v1/tickets/{said['ticket']}/messages/", self.agent, {"text": f"told-{number}"})
        await asyncio.wait_for(answer, 30)
        self.down.append(time.perf_counter() - at)
        self.round.append(time.perf_counter() - began)

    def awaits(self, text: str) -> asyncio.Future[dict[str, Any]]:
        found: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self.waits[text] = found
        return found

    async def post(self, path: str, token: str, body: dict[str, Any], more: str = "") -> None:
        content = json.dumps(body).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nContent-Type: application/json\r\n{more}"
            f"Authorization: Bearer {token}\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        status = await self.line.send(head.encode() + content)
        if status not in (200, 201):
            raise RuntimeError(f"{path}: {status}")

    def hear(self, frame: bytes) -> None:
        """On the agent's screen what a customer wrote, on the visitor's what an agent wrote."""
        found = json.loads(frame)
        data = found if found["type"] == "message" else found.get("data") or {}
        kind = (found["type"], data.get("direction"))
        text = data.get("text") if kind in (("message.added", "in"), ("message", "out")) else None
        waits = self.waits.pop(text, None) if text else None
        if waits is not None:
            waits.set_result(found)


async def idle(port: int, server: int, path: str, tokens: list[str]) -> float:
    """KB that the server's memory grows by for each of those who only listen."""
    first = None
    for _ in range(100):
        try:
            first = await Visitor.calls(port, path, tokens[0], lambda frame: None)
            break
        except OSError:
            await asyncio.sleep(0.1)
    assert first is not None
    await asyncio.sleep(2)
    before = pss(server)
    ears = [await Visitor.calls(port, path, token, lambda frame: None, number) for number, token in enumerate(tokens)]
    # Until the last one was greeted, and looked after once or twice without news.
    await asyncio.sleep(6)
    grown = (pss(server) - before) * 1024 / len(ears)
    for ear in (first, *ears):
        ear.close()
    return grown
