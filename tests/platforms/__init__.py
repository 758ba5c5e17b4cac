"""Fake platforms over real HTTP on loopback: they record what they get and answer what a test scripted.

with FakePlatform() as platform:
    platform.will(status=429, headers={"Retry-After": "7"})
    ...
    assert platform.requests[0].json["text"] == "Halo"
"""

from __future__ import annotations

import json as json_module
import ssl
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Request:
    """What the platform got. Header names in lower case."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=time.time)

    @property
    def json(self) -> Any:
        return json_module.loads(self.body)

    @property
    def form(self) -> dict[str, list[str]]:
        return parse_qs(self.body.decode(), keep_blank_values=True)


@dataclass
class Answer:
    """delay: seconds before it. hang: never. drop: cut the line. trickle: seconds between the bytes.
    endless: bytes until the other side leaves."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0
    hang: bool = False
    drop: bool = False
    drop_after: int | None = None
    trickle: float = 0
    endless: bool = False


def answer(
    status: int = 200,
    body: bytes | str = b"",
    json: Any = None,
    headers: Mapping[str, str] | None = None,
    redirect: str = "",
    **more: Any,
) -> Answer:
    all_headers = dict(headers or {})
    if json is not None:
        body = json_module.dumps(json)
        all_headers.setdefault("Content-Type", "application/json")
    if redirect:
        status = status if 300 <= status < 400 else 302
        all_headers["Location"] = redirect
    return Answer(status=status, body=body.encode() if isinstance(body, str) else body, headers=all_headers, **more)


class FakePlatform:
    """Override ``respond`` for what the platform does by itself; ``will`` scripts the next answers."""

    host = "127.0.0.1"

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self._script: deque[Answer] = deque()
        self._always: Answer | None = None
        self._closing = threading.Event()
        self._arrived = threading.Condition()
        self._server = _Server((self.host, 0), _handler(self))
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._scheme = "https" if tls else "http"

    # ── life ──

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"{self._scheme}://{self.host}:{self.port}"

    # ── script ──

    def will(self, status: int = 200, **more: Any) -> Self:
        """Script the next answer; call again for the one after it."""
        self._script.append(answer(status, **more))
        return self

    def always(self, status: int = 200, **more: Any) -> Self:
        self._always = answer(status, **more)
        return self

    def respond(self, request: Request) -> Answer:
        return Answer()

    # ── looking back ──

    def wait_for(self, count: int, seconds: float = 60) -> list[Request]:
        with self._arrived:
            if not self._arrived.wait_for(lambda: len(self.requests) >= count, seconds):
                raise AssertionError(f"{len(self.requests)} of {count} requests came")
        return self.requests

    def paths(self) -> list[str]:
        return [request.path for request in self.requests]

    # ── inside ──

    def _take(self, request: Request) -> Answer:
        with self._arrived:
            self.requests.append(request)
            self._arrived.notify_all()
            if self._script:
                return self._script.popleft()
        return self._always or self.respond(request)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves early is part of many tests."""


def _handler(platform: FakePlatform) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version, sys_version = "Fake", ""

        def log_message(self, *args: Any) -> None:
            pass

        def _any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            parts = urlsplit(self.path)
            request = Request(
                method=self.command,
                path=parts.path,
                query=parse_qs(parts.query, keep_blank_values=True),
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self.rfile.read(length),
            )
            self._give(platform._take(request))

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = _any

        def _give(self, given: Answer) -> None:
            if given.hang:
                platform._closing.wait(60)
                self._cut()
                return
            if given.delay:
                platform._closing.wait(given.delay)
            if given.drop:
                self._cut()
                return
            self.send_response(given.status)
            for name, value in given.headers.items():
                self.send_header(name, value)
            if given.endless:
                self.end_headers()
                self._endless(given)
                return
            if "Content-Length" not in given.headers:
                self.send_header("Content-Length", str(len(given.body)))
            self.end_headers()
            if self.command != "HEAD":
                self._body(given)

        def _body(self, given: Answer) -> None:
            if given.drop_after is not None:
                self.wfile.write(given.body[: given.drop_after])
                self._cut()
            elif given.trickle:
                for byte in given.body:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    if platform._closing.wait(given.trickle):
                        break
                self.close_connection = True
            else:
                self.wfile.write(given.body)

        def _endless(self, given: Answer) -> None:
            block = given.body or b"\0" * 65536
            while not platform._closing.is_set():
                self.wfile.write(block)

        def _cut(self) -> None:
            self.close_connection = True
            self.connection.close()

    return Handler
