"""The widget's socket, on the running product: nothing missed, nothing twice, nothing of anybody else's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.live_client import Ear
from tests.running import RunningHub


class Tab:
    """A page of ours with the chat open: HTTP to speak, the socket to hear."""

    def __init__(self, hub: RunningHub, token: str = "") -> None:
        self.hub = hub
        self.http = httpx.Client(base_url=f"{hub.url}/widget", headers={"Origin": hub.url}, trust_env=False, timeout=60)
        if not token:
            widget = hub.channel("webchat")["settings"]["widget_token"]
            token = self.http.post(f"/{widget}/session/", json={}).raise_for_status().json()["token"]
        self.token = token
        self.http.headers["Authorization"] = f"Bearer {token}"
        self.number = 0

    def says(self, text: str) -> dict[str, Any]:
        self.number += 1
        given = {"client_message_id": f"{id(self)}-{self.number}", "text": text}
        found: dict[str, Any] = self.http.post("/messages/", json=given).raise_for_status().json()
        return found

    @contextmanager
    def listens(
        self, after: int | str | None = 0, origin: str = "", token: str | None = None
    ) -> Iterator[ClientConnection]:
        query = "" if after is None else f"?after={after}"
        address = self.hub.url.replace("http", "ws") + f"/ws/widget/{query}"
        with connect(address, additional_headers={"Origin": origin or self.hub.url}, proxy=None) as socket:
            socket.send(json.dumps({"type": "auth", "token": self.token if token is None else token}))
            yield socket


def closed_with(socket: ClientConnection) -> int | None:
    """Reads on to the end."""
    try:
        while True:
            socket.recv(timeout=60)
    except ConnectionClosed:
        return socket.close_code


def heard(socket: ClientConnection, kind: str) -> dict[str, Any]:
    while True:
        frame: dict[str, Any] = json.loads(socket.recv(timeout=60))
        if frame["type"] == kind:
            return frame


def until_heard(socket: ClientConnection, kind: str, act: Callable[[], None]) -> dict[str, Any]:
    """For what is of the moment and may be lost: as people do, it is done again while nothing is heard."""
    for _ in range(12):
        act()
        try:
            while True:
                frame: dict[str, Any] = json.loads(socket.recv(timeout=5.5))
                if frame["type"] == kind:
                    return frame
        except TimeoutError:
            continue
    raise AssertionError(f"no {kind} was heard")


def answer(hub: RunningHub, said: dict[str, Any], text: str) -> int:
    with hub.api("bea") as api:
        found = api.get("/messages/", params={"external_id": said["id"], "direction": "in"}).json()["results"][0]
        api.post(f"/tickets/{found['ticket']}/messages/", json={"text": text}).raise_for_status()
        return int(found["ticket"])


def test_an_answer_is_heard_at_once_and_a_late_comer_reads_on(hub: RunningHub) -> None:
    tab = Tab(hub)
    said = tab.says("Halo")
    with tab.listens(after=1) as socket:
        assert heard(socket, "hello")["at"] == 1
        answer(hub, said, "Ya, kak?")
        frame = heard(socket, "message")
        assert (frame["seq"], frame["text"], frame["direction"]) == (2, "Ya, kak?", "out")
    tab.says("Masih ada?")
    with tab.listens(after=1) as socket:
        assert [heard(socket, "message")["seq"] for _ in range(2)] == [2, 3]
    with tab.listens(after=None) as socket:
        assert heard(socket, "hello")["at"] == 3
        assert heard(socket, "receipts") == {"type": "receipts", "delivered": 0, "seen": 0, "read": 0}


def test_two_tabs_of_one_visitor_agree(hub: RunningHub) -> None:
    tab = Tab(hub)
    other = Tab(hub, tab.token)
    with tab.listens() as first, other.listens() as second:
        heard(first, "hello")
        heard(second, "hello")
        for number in range(5):
            (tab if number % 2 else other).says(f"pesan {number}")
        texts = [[heard(socket, "message")["text"] for _ in range(5)] for socket in (first, second)]
    assert texts[0] == texts[1] == [f"pesan {number}" for number in range(5)]


def test_typing_and_reading_go_both_ways(hub: RunningHub) -> None:
    tab = Tab(hub)
    said = tab.says("Halo")
    number = answer(hub, said, "Ya?")
    with Ear(hub, "bea") as bea, tab.listens() as socket:
        assert heard(socket, "message")["text"] == "Halo"
        seq = heard(socket, "message")["seq"]
        for left in reversed(range(12)):
            # Of the moment, and so it may be lost: whoever types on is heard.
            socket.send(json.dumps({"type": "typing"}))
            with suppress(AssertionError) if left else nullcontext():
                frame = bea.until(lambda one: one["type"] == "typing" and one["ticket"] == number, seconds=5)
                break
        assert frame["actor"]["type"] == "customer"
        socket.send(json.dumps({"type": "seen", "seq": seq}))
        bea.until(lambda one: one["type"] == "message.status" and one["data"].get("status") == "read")
        assert until_heard(socket, "typing", lambda: bea.say({"type": "typing", "ticket": number})) == {
            "type": "typing"
        }


def test_a_socket_that_never_says_who_it_is_and_one_that_lies(hub: RunningHub) -> None:
    tab = Tab(hub)
    with tab.listens(token="forged") as socket:
        assert closed_with(socket) == 4401
    address = hub.url.replace("http", "ws") + "/ws/widget/"
    with connect(address, additional_headers={"Origin": hub.url}, proxy=None) as silent:
        assert closed_with(silent) == 4401


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_a_foreign_origin_is_not_let_in(hub: RunningHub, origin: str) -> None:
    with pytest.raises(InvalidStatus, match="403"), Tab(hub).listens(origin=origin):
        pass


def test_a_number_that_is_none(hub: RunningHub) -> None:
    with Tab(hub).listens(after="x") as socket:
        assert closed_with(socket) == 4400


def test_a_token_taken_back_ends_its_sockets(hub: RunningHub) -> None:
    tab = Tab(hub)
    tab.says("Halo")
    with tab.listens() as socket:
        heard(socket, "hello")
        tab.http.delete("/session/").raise_for_status()
        assert closed_with(socket) == 4401


def test_sockets_that_never_read_keep_nobody_waiting(hub: RunningHub) -> None:
    silent, other = Tab(hub), Tab(hub)
    for _ in range(15):
        silent.says("ช้า" * 3000)
    address = hub.url.replace("http", "ws") + "/ws/widget/?after=0"
    with ExitStack() as held:
        for _ in range(3):
            # The library reads a few frames ahead and then leaves the rest on the line, as we read none.
            origin = {"Origin": hub.url}
            line = held.enter_context(connect(address, additional_headers=origin, proxy=None, close_timeout=0))
            line.send(json.dumps({"type": "auth", "token": silent.token}))
        with other.listens() as socket:
            said = other.says("Halo")
            assert heard(socket, "message")["text"] == "Halo"
            answer(hub, said, "Ya?")
            assert heard(socket, "message")["text"] == "Ya?"


def test_many_at_once_each_hear_their_own(hub: RunningHub) -> None:
    tabs = [Tab(hub) for _ in range(12)]

    def talk(tab: Tab, name: int) -> list[str]:
        with tab.listens() as socket:
            for number in range(3):
                tab.says(f"{name}: {number}")
            return [heard(socket, "message")["text"] for _ in range(3)]

    with ThreadPoolExecutor(len(tabs)) as pool:
        # What breaks in one of them breaks the test.
        texts = list(pool.map(talk, tabs, range(len(tabs))))
    assert texts == [[f"{name}: {number}" for number in range(3)] for name in range(len(tabs))]
