"""Under the HTTP client: which addresses may be reached, and sockets that keep to a deadline.

A name is resolved once, here; every address it has is checked, and one of those is connected to. Asking
the system a second time would let a name server answer "public" first and "your own network" then.
"""

from __future__ import annotations

import ipaddress
import queue
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpcore
import httpx

CONNECT_SECONDS = 5.0
CHUNK = 1 << 16


# ── What can go wrong ────────────────────────────────────────────────────────────────────────


class HttpError(Exception):
    """status: that of the answer if its first lines came through, else 0."""

    status = 0


class Refused(HttpError):
    """The request never went out (no such name, no connection, no TLS): safe to repeat."""


class Unanswered(HttpError):
    """The request went out and no complete answer came: nobody knows what became of it."""

    def __init__(self, words: str, status: int = 0) -> None:
        super().__init__(words)
        self.status = status


class Blocked(HttpError):
    """The address may not be used: private, not http(s), or no address at all."""


class TooLarge(HttpError):
    """The answer is bigger than allowed, on the wire or unpacked."""

    def __init__(self, words: str, status: int = 0) -> None:
        super().__init__(words)
        self.status = status


# ── Which addresses ──────────────────────────────────────────────────────────────────────────

PORTS = {"http": 80, "https": 443}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_CLOSED_V4 = [
    ipaddress.ip_network(net)
    for net in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
        "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    )
]  # fmt: skip
_GLOBAL_V6 = ipaddress.ip_network("2000::/3")
# IETF assignments with Teredo, documentation (twice), and 6to4, which carries an IPv4 address.
_CLOSED_V6 = [ipaddress.ip_network(net) for net in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")]


def origin(url: str) -> str:
    """``scheme://host:port``, spelled one way; "" if the URL has none."""
    try:
        parsed = httpx.URL(url)
        port = parsed.port or PORTS.get(parsed.scheme)
    except (httpx.InvalidURL, TypeError, ValueError):
        return ""
    if not (parsed.scheme and parsed.host and port):
        return ""
    host = parsed.raw_host.decode("ascii").lower()
    return f"{parsed.scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def is_public(address: str) -> bool:
    """Whether anyone on the internet could reach it: what we may connect to for a stranger."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        embedded = ip.ipv4_mapped or (ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None)
        if embedded is None:
            return ip in _GLOBAL_V6 and not any(ip in net for net in _CLOSED_V6)
        ip = embedded
    return not any(ip in net for net in _CLOSED_V4)


# ── The wire ─────────────────────────────────────────────────────────────────────────────────


@cache
def tls() -> ssl.SSLContext:
    """Made once: reading the certificate store takes longer than a handshake."""
    return httpx.create_ssl_context()


class Deadline:
    """The end of the whole exchange on the wall clock, whatever trickles in meanwhile."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        left = self._end - time.monotonic()
        if left <= 0:
            raise httpcore.TimeoutException("the time is up")
        return left


@dataclass
class Trail:
    """How far a request got, which decides whether it may be repeated."""

    went_out: bool = False
    status: int = 0


class classified:
    """Turns what the wire raises into the four errors above."""

    def __init__(self, trail: Trail) -> None:
        self._trail = trail

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, httpcore.LocalProtocolError) and not self._trail.went_out:
            # Without the value: it may be a key that was pasted with a line end.
            raise Blocked(f"the request cannot be made: {str(error).partition(' b')[0]}") from None
        wire = (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError, zlib.error)
        if isinstance(error, wire):
            words = str(error) or type(error).__name__
            if self._trail.went_out:
                raise Unanswered(words, self._trail.status) from error
            raise Refused(words) from error


class Door(httpcore.NetworkBackend):
    """Resolves a name once, checks every address it has, and connects to one of those."""

    def __init__(self, guarded: bool, deadline: Deadline, trail: Trail) -> None:
        self._guarded, self._deadline, self._trail = guarded, deadline, trail

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        end = Deadline(min(CONNECT_SECONDS, self._deadline.left()))
        found = _resolve(host, port, end.left())
        if self._guarded and not all(is_public(address[0]) for _family, address in found):
            raise Blocked(f"{host} is not a public address")
        problem: OSError = OSError(f"{host} has no address")
        for count, (family, address) in enumerate(found):
            sock = socket.socket(family, socket.SOCK_STREAM)
            try:
                sock.settimeout(end.left() / (len(found) - count))
                sock.connect(address)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError as error:
                problem = error
                sock.close()
            except BaseException:
                sock.close()
                raise
            else:
                return _Wire(sock, self._deadline, self._trail)
        raise httpcore.ConnectError(str(problem) or "no connection") from problem


class _Wire(httpcore.NetworkStream):
    """A socket whose every step is cut at the one deadline."""

    def __init__(self, sock: socket.socket, deadline: Deadline, trail: Trail) -> None:
        self._sock, self._deadline, self._trail = sock, deadline, trail

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._sock.settimeout(self._deadline.left())
        try:
            return self._sock.recv(max_bytes)
        except TimeoutError as error:
            raise httpcore.ReadTimeout("no answer in time") from error
        except OSError as error:
            raise httpcore.ReadError(str(error)) from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        rest = memoryview(buffer)
        try:
            while rest:
                self._sock.settimeout(self._deadline.left())
                self._trail.went_out = True
                rest = rest[self._sock.send(rest[:CHUNK]) :]
        except TimeoutError as error:
            raise httpcore.WriteTimeout("the request was not taken in time") from error
        except OSError as error:
            raise httpcore.WriteError(str(error)) from error

    def close(self) -> None:
        self._sock.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        self._sock.settimeout(self._deadline.left())
        try:
            self._sock = ssl_context.wrap_socket(self._sock, server_hostname=server_hostname)
        except (OSError, ValueError) as error:
            self._sock.close()
            raise httpcore.ConnectError(f"no TLS: {error}") from error
        return self

    def get_extra_info(self, info: str) -> Any:
        return self._sock if info == "socket" else None


Found = list[tuple[int, tuple[Any, ...]]]


def _resolve(host: str, port: int, seconds: float) -> Found:
    """The addresses of a name. In a thread, for the system's resolver knows no deadline."""
    answers: queue.SimpleQueue[Found | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(lookup(host, port))
        except (OSError, UnicodeError) as error:
            answers.put(error)

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        found = answers.get(timeout=seconds)
    except queue.Empty:
        raise httpcore.ConnectTimeout(f"no answer about {host} from the name server") from None
    if isinstance(found, Exception):
        raise httpcore.ConnectError(f"{host} has no address: {found}") from found
    return found


def lookup(host: str, port: int) -> Found:
    return [(info[0], info[4]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
