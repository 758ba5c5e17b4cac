"""A load generator that costs little, because it shares its processors with what it measures: bytes in, bytes out."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from typing import Any


def signed_posts(port: int, channel: int, secret: str, events: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    """Whole HTTP requests, signed as Standard Webhooks says."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    for event in events:
        body = json.dumps(event, ensure_ascii=False).encode()
        stamp, name = str(int(time.time())), f"msg_{event['id']}"
        mac = base64.b64encode(hmac.digest(key, f"{name}.{stamp}.".encode() + body, hashlib.sha256)).decode()
        yield (
            f"POST /webhooks/{channel}/ HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
            f"webhook-id: {name}\r\nwebhook-timestamp: {stamp}\r\nwebhook-signature: v1,{mac}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode() + body


def message(name: str, customer: int, text: str = "") -> dict[str, Any]:
    words = text or f"Halo kak, pesanan saya {name} belum sampai, mohon dibantu ya. สินค้ายังไม่ได้รับเลยค่ะ"
    return {
        "type": "message",
        "id": name,
        "sender": {"id": f"u-{customer}", "name": f"Pelanggan {customer}"},
        "text": words,
    }


class Http(asyncio.Protocol):
    """One connection, one request at a time; `status` of each answer."""

    def __init__(self) -> None:
        self.waiting: asyncio.Future[int] | None = None
        self.buffer = b""

    @classmethod
    async def connect(cls, port: int) -> Http:
        loop = asyncio.get_running_loop()
        _transport, protocol = await loop.create_connection(cls, "127.0.0.1", port)
        return protocol

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, found, body = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(body) >= length and self.waiting is not None:
            self.buffer = b""
            self.waiting.set_result(int(head[9:12]))

    def connection_lost(self, error: Exception | None) -> None:
        if self.waiting is not None and not self.waiting.done():
            self.waiting.set_exception(error or ConnectionError("closed"))

    async def send(self, request: bytes) -> int:
        self.waiting = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self.waiting


class Ear(asyncio.Protocol):
    """One WebSocket that only listens; each whole frame's payload goes to `heard`."""

    def __init__(self, port: int, path: str, token: str, heard: Callable[[bytes], None]) -> None:
        self.head = (
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(b'0123456789abcdef').decode()}\r\nSec-WebSocket-Version: 13\r\n"
            f"Authorization: Bearer {token}\r\n\r\n"
        ).encode()
        self.heard = heard
        self.open = asyncio.get_running_loop().create_future()
        self.buffer = bytearray()
        self.bytes = 0
        self.counts_only = False

    @classmethod
    async def connect(cls, port: int, path: str, token: str, heard: Callable[[bytes], None]) -> Ear:
        loop = asyncio.get_running_loop()
        _transport, ear = await loop.create_connection(lambda: cls(port, path, token, heard), "127.0.0.1", port)
        await asyncio.wait_for(ear.open, 30)
        return ear

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.transport.write(self.head)

    def data_received(self, data: bytes) -> None:
        self.bytes += len(data)
        if self.counts_only:
            return
        self.buffer += data
        if not self.open.done():
            head, found, rest = bytes(self.buffer).partition(b"\r\n\r\n")
            if not found:
                return
            if b" 101 " not in head.partition(b"\r\n")[0]:
                self.open.set_exception(ConnectionError(head[:60].decode()))
                return
            self.open.set_result(None)
            self.buffer = bytearray(rest)
        self._frames()

    def _frames(self) -> None:
        buffer, at = self.buffer, 0
        while len(buffer) - at >= 2:
            size, start = buffer[at + 1] & 127, at + 2
            if size == 126:
                size, start = int.from_bytes(buffer[at + 2 : at + 4], "big"), at + 4
            elif size == 127:
                size, start = int.from_bytes(buffer[at + 2 : at + 10], "big"), at + 10
            if len(buffer) < start + size:
                break
            if buffer[at] & 15 == 9:
                # A pong, or the server takes us for dead.
                self.transport.write(bytes([0x8A, 0x80 | size, 0, 0, 0, 0]) + buffer[start : start + size])
            else:
                self.heard(bytes(buffer[start : start + size]))
            at = start + size
        del buffer[:at]

    def say(self, text: str) -> None:
        payload = text.encode()
        self.transport.write(bytes([0x81, 0x80 | len(payload), 0, 0, 0, 0]) + payload)

    def only_count(self) -> None:
        """From now on: a burst is faster than frames can be taken apart here."""
        self.bytes, self.counts_only = 0, True

    def close(self) -> None:
        self.transport.abort()
