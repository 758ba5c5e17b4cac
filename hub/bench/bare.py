"""The twin of `live`: the same web server with the smallest application, which hands out what it is told to.

A listener's first text decides: `{"lines": N, "size": B}` broadcasts N texts of B bytes to all sockets.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from hub.server import Server, leave

Send = Callable[[dict[str, Any]], Awaitable[None]]

PAGE = 200

listeners: set[Send] = set()


async def application(scope: dict[str, Any], receive: Callable[[], Awaitable[dict[str, Any]]], send: Send) -> None:
    if scope["type"] != "websocket":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})
        return
    await receive()
    await send({"type": "websocket.accept"})
    listeners.add(send)
    while (message := await receive())["type"] == "websocket.receive":
        listeners.discard(send)
        await broadcast(**json.loads(message["text"]))
    listeners.discard(send)


async def broadcast(lines: int, size: int) -> None:
    for number in range(lines):
        text = f'{{"seq":{number}}}'.ljust(size, "x")
        for send in tuple(listeners):
            await send({"type": "websocket.send", "text": text})
        # As often as the product comes up for air: after each page of the log.
        if number % PAGE == PAGE - 1:
            await asyncio.sleep(0)


if __name__ == "__main__":
    Server(application, "127.0.0.1", int(sys.argv[1]), lambda: None).run()
    leave(0)
