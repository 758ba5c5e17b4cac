"""The WSGI bridge alone, with applications that behave badly."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from django.http import FileResponse

from hub import bridge
from hub.bridge import Bridge

SCOPE: dict[str, Any] = {
    "type": "http",
    "method": "POST",
    "path": "/a b",
    "raw_path": b"/a%20b",
    "query_string": b"x=%20",
    "headers": [],
    "client": ["203.0.113.9", 5],
    "server": ["127.0.0.1", 8000],
}


class Stream:
    """A streamed answer that tells what happened to it."""

    streaming = True

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self.chunks = chunks
        self.closed = threading.Event()
        self.threads: set[str] = set()

    def __iter__(self) -> Any:
        for chunk in self.chunks:
            self.threads.add(threading.current_thread().name)
            yield chunk

    def close(self) -> None:
        self.closed.set()


def environ(headers: list[tuple[bytes, bytes]] = (), body: bytes = b"", **scope: Any) -> dict[str, Any]:  # type: ignore[assignment]
    return bridge.environ({**SCOPE, "headers": list(headers), **scope}, io.BytesIO(body))


def test_path_and_query_are_the_wires() -> None:
    found = environ(raw_path=b"/%E0%B8%81%2Fb", query_string=b"a=%20&a")
    assert found["PATH_INFO"].encode("latin1").decode() == "/ก/b"
    assert found["REQUEST_URI"] == "/%E0%B8%81%2Fb?a=%20&a"
    assert environ(raw_path=b"http://evil.example/x")["PATH_INFO"] == "/x"


def test_length_is_the_true_one() -> None:
    assert environ([(b"transfer-encoding", b"chunked")], b"four")["CONTENT_LENGTH"] == "4"
    assert "HTTP_TRANSFER_ENCODING" not in environ([(b"transfer-encoding", b"chunked")], b"four")
    assert "CONTENT_LENGTH" not in environ()


def test_repeated_headers_are_joined() -> None:
    found = environ([(b"cookie", b"a=1"), (b"cookie", b"b=2"), (b"x-a", b"1"), (b"x-a", b"2")])
    assert (found["HTTP_COOKIE"], found["HTTP_X_A"]) == ("a=1; b=2", "1,2")


def test_a_header_with_an_underscore_is_not_the_one_with_a_dash() -> None:
    found = environ([(b"x_forwarded_for", b"203.0.113.1"), (b"x-forwarded-for", b"198.51.100.1"), (b"x_b", b"1")])
    assert found["HTTP_X_FORWARDED_FOR"] == "198.51.100.1"
    assert "HTTP_X_B" not in found


def played(application: Callable[..., Any], messages: list[dict[str, Any]], **scope: Any) -> list[dict[str, Any]]:
    """What the bridge sends for such a request."""
    sent: list[dict[str, Any]] = []

    async def play() -> None:
        waiting = [*messages]

        async def receive() -> dict[str, Any]:
            return waiting.pop(0) if waiting else await asyncio.Event().wait()  # type: ignore[return-value]

        async def send(message: Any) -> None:
            sent.append(message)

        await asyncio.wait_for(Bridge(application, threads=2)({**SCOPE, **scope}, receive, send), 5)

    asyncio.run(play())
    return sent


REQUEST = [{"type": "http.request", "body": b"hel", "more_body": True}, {"type": "http.request", "body": b"lo"}]


def test_body_comes_whole_and_length_is_added() -> None:
    def application(environ: dict[str, Any], start: Any) -> list[bytes]:
        start("200 OK", [("X-Name", "é")])
        return [environ["wsgi.input"].read(), b"!"]

    start, body = played(application, REQUEST)
    assert (start["status"], start["headers"]) == (200, [(b"x-name", b"\xe9"), (b"content-length", b"6")])
    assert (body["body"], body.get("more_body", False)) == (b"hello!", False)


def test_exception_is_a_500_without_words() -> None:
    def application(environ: dict[str, Any], start: Any) -> list[bytes]:
        raise RuntimeError("secret")

    start, body = played(application, REQUEST)
    assert (start["status"], body["body"]) == (500, b"")


def test_client_gone_before_its_body_is_not_served() -> None:
    assert played(lambda *_: pytest.fail("called"), [REQUEST[0], {"type": "http.disconnect"}]) == []


def test_stream_is_sent_piece_by_piece_on_one_thread_and_closed() -> None:
    stream = Stream([b"a", b"b"])

    def application(environ: dict[str, Any], start: Any) -> Stream:
        start("200 OK", [])
        return stream

    sent = played(application, REQUEST)
    assert [message.get("body", b"") for message in sent[1:]] == [b"a", b"b", b""]
    assert stream.closed.is_set()
    assert len(stream.threads) == 1
    assert "stream" in stream.threads.pop()


def test_stream_ends_when_the_client_leaves() -> None:
    def forever() -> Iterable[bytes]:
        while True:
            yield b"x"

    stream = Stream(forever())

    def application(environ: dict[str, Any], start: Any) -> Stream:
        start("200 OK", [])
        return stream

    played(application, [*REQUEST, {"type": "http.disconnect"}])
    assert stream.closed.is_set()


def test_file_answer_is_closed_after_it_was_read() -> None:
    file = io.BytesIO(b"z" * 200_000)
    closed = threading.Event()

    def application(environ: dict[str, Any], start: Any) -> Any:
        start("200 OK", [])
        answer = FileResponse(file)
        file.close = closed.set  # type: ignore[method-assign]
        return environ["wsgi.file_wrapper"](answer.file_to_stream, answer.block_size)

    sent = played(application, REQUEST)
    assert b"".join(message.get("body", b"") for message in sent[1:]) == b"z" * 200_000
    assert closed.wait(2)


def test_threads_are_few_and_stay() -> None:
    names: set[str] = set()

    def application(environ: dict[str, Any], start: Any) -> list[bytes]:
        names.add(threading.current_thread().name)
        start("200 OK", [])
        return []

    async def play() -> None:
        one = Bridge(application, threads=2)
        for _ in range(20):
            messages = iter(REQUEST)

            async def receive(messages: Any = messages) -> Any:
                return next(messages)

            async def send(message: Any) -> None:
                pass

            await one(dict(SCOPE), receive, send)

    asyncio.run(play())
    assert 1 <= len(names) <= 2
