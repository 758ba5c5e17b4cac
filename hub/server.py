"""The web process: daphne with bounds, on HTTP bodies and on what waits for a slow socket.

daphne's own `send` returns at once whatever the other end does, so a browser that does not read would fill
the memory (limits.md, section 1). Here the transport is watched, per socket.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from io import BytesIO
from typing import Any
from weakref import WeakSet

# First, because it chooses Twisted's reactor.
from daphne.server import Server as DaphneServer  # isort: skip
from daphne.http_protocol import HTTPFactory, WebRequest
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from django.core.management import call_command
from twisted.internet import defer, reactor
from twisted.internet.error import CannotListenError
from twisted.logger import (
    FilteringLogObserver,
    LogLevel,
    LogLevelFilterPredicate,
    STDLibLogObserver,
    globalLogBeginner,
)

from hub import boot
from hub.supervise import NEEDS_SETUP, say

MAX_BODY = 48 * 1024 * 1024
MAX_FRAME = 64 * 1024
MAX_WAITING = 1024 * 1024
TOO_SLOW = 4408
GOING_AWAY = 1001
# How long a socket may take to answer our close frame, and a refused sender to notice.
CLOSE_WITHIN = 5
REFUSED_WITHIN = 30
# A download that moves no byte for so long is cut.
STALLED = 60
FINISH_WITHIN = 7
TOLD_WITHIN = 1
IN_MEMORY = 256 * 1024


def last_answer(status: int, title: str, detail: str) -> bytes:
    """Problem details as they go over the line, where no view is reached; nothing more is read there."""
    body = json.dumps({"title": title, "status": status, "detail": detail})
    head = f"HTTP/1.1 {status} {title}\r\nContent-Type: application/problem+json\r\nConnection: close\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode("ascii")


REFUSED = last_answer(413, "Content Too Large", "No request may be larger than 48 MiB.")
TOO_LONG = last_answer(431, "Request Header Fields Too Large", "A line of the request is over 16 KiB.")

loop_reactor: Any = reactor


class Nowhere(BytesIO):
    """Takes a refused body and keeps none of it."""

    def write(self, data: Any) -> int:
        return len(data)


class Gate:
    """Shut by the transport while the client has not yet read what it was sent."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()

    def pauseProducing(self) -> None:
        self.open.clear()

    def resumeProducing(self) -> None:
        self.open.set()

    def stopProducing(self) -> None:
        self.open.set()


class Request(WebRequest):  # type: ignore[misc]
    """One HTTP request: too large a body is refused before it is kept, a streamed answer waits for its reader."""

    refused = False
    taken = 0
    gate: Gate | None = None
    content: Any

    def __init__(self, *args: Any) -> None:
        # Otherwise Twisted reads a form into memory, parses it on the loop, and answers a bad one itself.
        super().__init__(*args, parsePOSTFormSubmission=False)

    def gotLength(self, length: int | None) -> None:
        if length is not None and length > MAX_BODY:
            self.refuse()
        elif length is not None and length < IN_MEMORY:
            self.content = BytesIO()
        else:
            self.content = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115

    def handleContentChunk(self, data: bytes) -> None:
        self.taken += len(data)
        if self.taken > MAX_BODY and not self.refused:
            self.content.close()
            self.refuse()
        self.content.write(data)

    def refuse(self) -> None:
        """Answer at once, then read on for a while: closed now, a sender still sending would never see the answer."""
        self.refused = True
        self.content = Nowhere()
        self.requestHeaders.removeHeader(b"Expect")
        transport = self.channel.transport
        transport.write(REFUSED)
        loop_reactor.callLater(REFUSED_WITHIN, lambda: transport.connected and transport.loseConnection())

    def process(self) -> Any:
        if not self.refused:
            return super().process()
        self.channel.loseConnection()
        return None

    def handle_reply(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.body" and self.channel is not None and not self.finished:
            if message.get("more_body") and self.gate is None:
                self.gate = Gate()
                self.registerProducer(self.gate, True)
            elif not message.get("more_body") and self.gate is not None:
                self.unregisterProducer()
        super().handle_reply(message)

    def connectionLost(self, reason: Any) -> None:
        if self.gate is not None:
            self.gate.stopProducing()
        super().connectionLost(reason)


class Factory(HTTPFactory):  # type: ignore[misc]
    def __init__(self, server: Any) -> None:
        super().__init__(server)
        self.connected: WeakSet[Any] = WeakSet()

    def buildProtocol(self, address: Any) -> Any:
        protocol = super().buildProtocol(address)
        protocol.requestFactory = Request
        # Twisted would hang up without a word.
        protocol._channel.lineLengthExceeded = lambda line: self.too_long(protocol._channel)
        self.connected.add(protocol)
        return protocol

    def too_long(self, channel: Any) -> None:
        """Answered, then read on for a moment: closed now, a sender still sending would never see the answer."""
        transport = channel.transport
        channel.dataReceived = lambda data: None
        transport.write(TOO_LONG)
        loop_reactor.callLater(CLOSE_WITHIN, lambda: transport.connected and transport.loseConnection())

    def unsent(self) -> bool:
        """An answer is given to the transport and has not left it: it would be lost if everything closed now."""
        transports = [protocol._channel.transport for protocol in self.connected]
        ours = (one for one in transports if one is not None and not isinstance(one.protocol, Socket))
        return any(one.connected and waiting_in(one) for one in ours)


class Socket(WebSocketProtocol):  # type: ignore[misc]
    """One live socket: closed when more than 1 MiB waits for it, cut if it does not even read that."""

    waiting = 0
    # The text sent last by any socket and its frame: a line of the log goes to all of them as the same bytes.
    last: tuple[str, bytes] = ("", b"")

    def connectionMade(self) -> None:
        super().connectionMade()
        # daphne leaves the HTTP channel there, which would stop reading from a slow reader.
        self.transport.unregisterProducer()
        self.gate = Gate()
        self.transport.registerProducer(self.gate, True)

    async def drained(self) -> None:
        """Until the other end has taken what waited: for whoever has much to send and need not send it now."""
        await self.gate.open.wait()

    def handle_reply(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.send" and self.state != self.STATE_CONNECTING:
            self.push(message)
        elif message["type"] != "websocket.close" or self.state in (self.STATE_CONNECTING, self.STATE_OPEN):
            super().handle_reply(message)

    def push(self, message: dict[str, Any]) -> None:
        text = message.get("text")
        if text is None:
            self.send_frame(framed(2, message["bytes"]))
        else:
            self.push_text(text)

    def push_text(self, text: str) -> None:
        """For whoever has the same for many: what is sent to one socket is the least that it can be."""
        self.send_frame(self.text_frame(text))

    def send_frame(self, frame: bytes) -> None:
        if self.state != self.STATE_OPEN:
            return
        if self.gate.open.is_set():
            self.waiting = 0
        elif self.waiting > MAX_WAITING and self.too_slow():
            # autobahn aborts the connection if this is not answered within closeHandshakeTimeout.
            self.sendCloseFrame(code=TOO_SLOW)
            return
        # Judged before, not after: one frame larger than the limit must get through, or no resume ever would.
        self.sendData(frame)
        self.waiting += len(frame)

    def text_frame(self, text: str) -> bytes:
        known, frame = Socket.last
        if known is not text:
            frame = framed(1, text.encode())
            Socket.last = (text, frame)
        return frame

    def too_slow(self) -> bool:
        """A steady reader may never be through and yet keep up: look at what is really there before closing."""
        self.waiting = waiting_in(self.transport)
        return self.waiting > MAX_WAITING


def waiting_in(transport: Any) -> int:
    """Bytes that Twisted holds for a connection."""
    return int(len(transport.dataBuffer) - transport.offset + transport._tempDataLen)


def framed(opcode: int, payload: bytes) -> bytes:
    """A whole frame as a server sends it. Ours, because autobahn would hold us to the limit meant for the client."""
    size = len(payload)
    if size < 126:
        head = bytes((0x80 | opcode, size))
    elif size < 65536:
        head = bytes((0x80 | opcode, 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x80 | opcode, 127)) + size.to_bytes(8, "big")
    return head + payload


class Server(DaphneServer):  # type: ignore[misc]
    """daphne's server, with the protocol classes above and an end in order."""

    def __init__(self, application: Any, host: str, port: int, ready: Callable[[], None]) -> None:
        super().__init__(
            application,
            endpoints=["ours"],
            request_buffer_size=256 * 1024,
            ping_interval=20,
            ping_timeout=30,
            application_close_timeout=30,
            server_name="",
        )
        self.host, self.port, self.ready = host, port, ready

    def run(self) -> None:
        self.connections: dict[Any, dict[str, Any]] = {}
        self.http_factory = Factory(self)
        self.ws_factory = websocket_factory(self)
        begin_log()
        loop_reactor.callLater(1, self.application_checker)
        loop_reactor.callLater(2, self.timeout_checker)
        self.listener = loop_reactor.listenTCP(self.port, self.http_factory, backlog=1024, interface=self.host)
        asyncio.set_event_loop(loop_reactor._asyncioEventloop)
        loop_reactor.addSystemEventTrigger("before", "shutdown", self.drain)
        loop_reactor.callWhenRunning(self.ready)
        loop_reactor.run()

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        if scope["type"] == "http":
            # The body as the file it already is; daphne would copy it once more, whole, into memory.
            scope["extensions"] = {"hub.body": protocol.content}
            protocol.content = BytesIO()
        else:
            scope["extensions"] = {"hub.drained": protocol.drained, "hub.push": protocol.push_text}
        return super().create_application(protocol, scope)

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        await super().handle_reply(protocol, message)
        if isinstance(protocol, Request) and protocol.gate is not None and not protocol.gate.open.is_set():
            try:
                await asyncio.wait_for(protocol.gate.open.wait(), STALLED)
            except TimeoutError:
                protocol.transport.abortConnection()

    def drain(self) -> Any:
        """No new connections, sockets told to come back elsewhere, what is under way finished."""
        return defer.Deferred.fromFuture(asyncio.ensure_future(self.finish()))

    async def finish(self) -> None:
        self.listener.stopListening()
        told = [
            protocol
            for protocol in list(self.connections)
            if isinstance(protocol, Socket) and protocol.state == Socket.STATE_OPEN
        ]
        for protocol in told:
            protocol.sendCloseFrame(code=GOING_AWAY)
        # Given to the transport it is not sent yet; whoever does not read is not waited for.
        soon = time.monotonic() + TOLD_WITHIN
        while any(one.transport.connected and waiting_in(one.transport) for one in told) and time.monotonic() < soon:
            await asyncio.sleep(0.02)
        deadline = time.monotonic() + FINISH_WITHIN
        while (self.busy(Request) or self.http_factory.unsent()) and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        left = self.busy(object)
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=1)

    def busy(self, kind: type) -> list[asyncio.Future[Any]]:
        tasks = [
            held.get("application_instance")
            for protocol, held in self.connections.items()
            if isinstance(protocol, kind)
        ]
        return [task for task in tasks if task is not None and not task.done()]


def websocket_factory(server: Server) -> Any:
    factory = WebSocketFactory(server, server="")
    factory.protocol = Socket
    factory.setProtocolOptions(
        autoPingTimeout=server.ping_timeout,
        # The consumer judges the origin: it knows whose it has to be.
        allowNullOrigin=True,
        openHandshakeTimeout=server.websocket_handshake_timeout,
        closeHandshakeTimeout=CLOSE_WITHIN,
        maxMessagePayloadSize=MAX_FRAME,
        maxFramePayloadSize=MAX_FRAME,
        # With a close frame and its code (1009), not a cut line.
        failByDrop=False,
        # Deflate would double the memory of a socket (limits.md, section 1).
        perMessageCompressionAccept=lambda offers: None,
    )
    return factory


def begin_log() -> None:
    worst: Any = LogLevelFilterPredicate(defaultLogLevel=LogLevel.error)
    lines: Any = STDLibLogObserver("twisted")
    observer: Any = FilteringLogObserver(lines, [worst])
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False, discardBuffer=True)


def main() -> None:
    boot.start()
    # Only now: these read the settings, which start() has judged.
    from hub import web

    tempfile.tempdir = os.environ.get("TMPDIR") or web.temporary_directory()
    if "--prepare" in sys.argv:
        call_command("prepare")
    if web.pending_migrations():
        sys.exit(NEEDS_SETUP)
    server = Server(web.application(), *web.address(), web.announce)
    web.start_parts()
    gc.collect()
    gc.freeze()
    try:
        server.run()
    except CannotListenError as error:
        say(f"can't listen on {error.interface}:{error.port}: {error.socketError.strerror}")
        leave(1)
    web.stop_parts()
    leave(0)


def leave(status: int) -> None:
    """At once: a thread that hangs in a dead connection would hold the process for ever."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
