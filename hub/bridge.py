"""HTTP from an ASGI server to Django's WSGI handler, on a few threads that stay.

Django under ASGI makes a thread and a database connection for every request; here both are kept, which costs a
third of the processor time (limits.md, section 2).
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from concurrent.futures import Future, ThreadPoolExecutor
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Protocol, cast
from urllib.parse import unquote_to_bytes, urlsplit

import structlog

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

log = structlog.get_logger(__name__)

THREADS = 8
STREAMS = 4
IN_MEMORY = 1024 * 1024
CHUNK = 64 * 1024
BODY = "hub.body"
PLAIN = {b"content-length": "CONTENT_LENGTH", b"content-type": "CONTENT_TYPE"}
NO_BODY = (204, 304)


class Closable(Protocol):
    def close(self) -> None: ...


class FileChunks:
    """`wsgi.file_wrapper`: a file is read piece by piece, holding no thread while the browser reads."""

    def __init__(self, file: IO[bytes], block_size: int = CHUNK) -> None:
        self.file = file
        self.close = file.close

    def __iter__(self) -> Iterator[bytes]:
        return iter(lambda: self.file.read(CHUNK), b"")


class Answer:
    """What the WSGI application answered: all of it, or its start and where the rest comes from."""

    def __init__(self) -> None:
        self.status = 500
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""
        self.rest: Any = None

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        self.status = int(status[:3])
        self.headers = [(name.lower().encode("latin1"), value.encode("latin1")) for name, value in headers]

    def take(self, output: Any) -> None:
        if isinstance(output, FileChunks) or getattr(output, "streaming", False):
            self.rest = output
            return
        try:
            self.body = b"".join(output)
        finally:
            if hasattr(output, "close"):
                output.close()
        if self.status not in NO_BODY and not any(name == b"content-length" for name, _ in self.headers):
            self.headers.append((b"content-length", str(len(self.body)).encode()))

    def message(self) -> dict[str, Any]:
        return {"type": "http.response.start", "status": self.status, "headers": self.headers}

    def close(self) -> None:
        if self.rest is not None:
            self.rest.close()


class Bridge:
    """An ASGI application for HTTP over a WSGI one."""

    def __init__(self, application: Wsgi, threads: int = THREADS) -> None:
        self.application = application
        self.threads = ThreadPoolExecutor(threads, thread_name_prefix="http")
        # Apart, so that slow readers of generated answers never take the threads of everybody else.
        self.streams = ThreadPoolExecutor(STREAMS, thread_name_prefix="stream")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = scope.get("extensions", {}).get(BODY) or await spooled(receive)
        if body is None:
            return
        answer = await self._in_thread(self._answer, scope, body)
        await send(answer.message())
        if answer.rest is None:
            await send({"type": "http.response.body", "body": answer.body})
        else:
            await self._stream(answer, receive, send)

    async def _in_thread(self, act: Callable[..., Answer], *args: Any) -> Answer:
        future = self.threads.submit(act, *args)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            # The client is gone but the thread works on; whatever it opens has to be closed.
            future.add_done_callback(_close_result)
            raise

    def _answer(self, scope: Scope, body: IO[bytes]) -> Answer:
        answer = Answer()
        with body:
            try:
                answer.take(self.application(environ(scope, body), answer.start))
            except Exception:
                log.exception("no answer to a request", path=scope["path"])
                answer = Answer()
        return answer

    async def _stream(self, answer: Answer, receive: Receive, send: Send) -> None:
        gone = asyncio.ensure_future(_disconnected(receive))
        try:
            if isinstance(answer.rest, FileChunks):
                await self._send_file(answer.rest, gone, send)
            else:
                await self._send_generated(answer.rest, gone, send)
        finally:
            gone.cancel()

    async def _send_file(self, chunks: FileChunks, gone: asyncio.Future[None], send: Send) -> None:
        loop = asyncio.get_running_loop()
        try:
            while not gone.done():
                chunk = await loop.run_in_executor(self.threads, chunks.file.read, CHUNK)
                if not chunk:
                    await send({"type": "http.response.body"})
                    break
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        finally:
            # Not awaited: this must happen although the request was cancelled.
            self.threads.submit(chunks.close)

    async def _send_generated(self, chunks: Any, gone: asyncio.Future[None], send: Send) -> None:
        loop = asyncio.get_running_loop()

        def pump() -> None:
            # One thread for the whole of it: a generator may hold a database cursor.
            try:
                for chunk in chunks:
                    if gone.done():
                        return
                    message = {"type": "http.response.body", "body": bytes(chunk), "more_body": True}
                    asyncio.run_coroutine_threadsafe(_awaited(send(message)), loop).result()
            finally:
                chunks.close()

        await loop.run_in_executor(self.streams, pump)
        await send({"type": "http.response.body"})


async def _awaited(awaitable: Awaitable[None]) -> None:
    await awaitable


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _close_result(future: Future[Answer]) -> None:
    if not future.cancelled() and future.exception() is None:
        future.result().close()


async def spooled(receive: Receive) -> IO[bytes] | None:
    """The request's body as a file; None if the client went away before its end."""
    body = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            body.close()
            return None
        body.write(message.get("body", b""))
        if not message.get("more_body"):
            return cast("IO[bytes]", body)


def environ(scope: Scope, body: IO[bytes]) -> dict[str, Any]:
    """The WSGI environment of an ASGI scope; its path is the wire's own bytes, its length the true one."""
    path, query = wire_path(scope), scope.get("query_string", b"").decode("latin1")
    server, client = scope.get("server") or ("localhost", 80), scope.get("client")
    size = body.seek(0, 2)
    body.seek(0)
    result: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin1"),
        "QUERY_STRING": query,
        "REQUEST_URI": f"{path.decode('latin1')}?{query}" if query else path.decode("latin1"),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1] or 0),
        "SERVER_PROTOCOL": f"HTTP/{scope.get('http_version', '1.1')}",
        "REMOTE_ADDR": client[0] if client else "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileChunks,
    }
    add_headers(result, scope.get("headers", ()))
    # A chunked body declares no length, and Django reads none of a body without one.
    result.pop("HTTP_TRANSFER_ENCODING", None)
    if size or "CONTENT_LENGTH" in result:
        result["CONTENT_LENGTH"] = str(size)
    return result


def wire_path(scope: Scope) -> bytes:
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    if path.startswith(b"/"):
        return path
    return urlsplit(path).path or b"/"


def add_headers(result: dict[str, Any], headers: Iterable[tuple[bytes, bytes]]) -> None:
    for name, value in headers:
        if b"_" in name:
            # It would pass for the header with a dash, which a proxy has seen to (X-Forwarded-For).
            continue
        key = PLAIN.get(name) or f"HTTP_{name.decode('latin1').upper().replace('-', '_')}"
        text = value.decode("latin1")
        if key in result:
            result[key] += ("; " if key == "HTTP_COOKIE" else ",") + text
        else:
            result[key] = text
