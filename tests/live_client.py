"""A listener on the live socket, for tests: keeps what it hears, waits for what it should hear."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Self

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect


class Ear:
    """with Ear(hub, "bea", after=0) as ear: ear.until(lambda frame: frame["type"] == "message.added")"""

    def __init__(self, hub: Any, name: str = "bea", after: int | str | None = None, **headers: str) -> None:
        query = "" if after is None else f"?after={after}"
        given = {"Authorization": f"Bearer {hub.agent(name)['token']}"} if name else {}
        self.stack = ExitStack()
        opening = connect(
            hub.socket_url() + query,
            additional_headers={**given, **headers},
            max_size=None,
            proxy=None,
            open_timeout=60,
        )
        self.socket = self.stack.enter_context(opening)
        self.frames: list[dict[str, Any]] = []
        self.code: int | None = None
        self.news = threading.Condition()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        try:
            for text in self.socket:
                with self.news:
                    self.frames.append(json.loads(text))
                    self.news.notify_all()
        except ConnectionClosed:
            pass
        with self.news:
            self.code = self.socket.close_code
            self.news.notify_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stack.close()

    def say(self, value: object) -> None:
        self.socket.send(value if isinstance(value, str) else json.dumps(value))

    def until(self, holds: Callable[[dict[str, Any]], bool], seconds: float = 60) -> dict[str, Any]:
        """The first frame, past or to come, that is it."""
        end = time.monotonic() + seconds
        seen = 0
        with self.news:
            while True:
                for frame in self.frames[seen:]:
                    if holds(frame):
                        return frame
                seen = len(self.frames)
                if self.code is not None or not self.news.wait(max(end - time.monotonic(), 0)):
                    raise AssertionError(f"not heard (closed: {self.code}); last: {self.frames[-3:]}")

    def until_heard(self, lines: int, seconds: float = 60) -> None:
        """So many lines of the log."""
        with self.news:
            if not self.news.wait_for(lambda: len(self.lines()) >= lines or self.code is not None, seconds):
                raise AssertionError(f"{len(self.lines())} of {lines} lines heard")

    def closed(self, seconds: float = 60) -> int:
        with self.news:
            if not self.news.wait_for(lambda: self.code is not None, seconds):
                raise AssertionError("still open")
        assert self.code is not None
        return self.code

    @property
    def hello(self) -> dict[str, Any]:
        return self.until(lambda frame: frame["type"] == "hello")

    def lines(self) -> list[dict[str, Any]]:
        return [frame for frame in self.frames if "seq" in frame]


def refused(hub: Any, name: str = "bea", after: str | None = None, **headers: str) -> int:
    """The HTTP status that a socket which may not open gets."""
    try:
        with Ear(hub, name, after, **headers):
            return 101
    except InvalidStatus as error:
        return error.response.status_code
