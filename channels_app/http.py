"""The one HTTP client: every byte that leaves us for a platform, or for an address a sender named, goes through here.

A URL may come from anyone, so the address that was checked is the one connected to: names are resolved once, by us.
There is no keep-alive: a request that dies on a stale idle connection could not be told from one that
a platform has taken, and a reply sent twice costs more than a TLS handshake.
"""

from __future__ import annotations

import ipaddress
import math
import queue
import re
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any

import httpcore
import httpx
from django.utils.translation import gettext_noop as N_

from channels_app.contract import BadBody, Category, DeliveryFailed, MediaGone, MediaNotReady, read_json

CONNECT_SECONDS = 5.0
SEND_SECONDS = 15.0
MEDIA_SECONDS = 120.0
MAX_ANSWER = 1 << 20
MAX_MEDIA = 25 * 1024 * 1024
MAX_REDIRECTS = 5
MAX_RETRY_AFTER = 24 * 3600.0
CHUNK = 1 << 16
USER_AGENT = "Pelanggan"
# What may follow a redirect; all else may be a credential.
_HARMLESS = {"accept", "accept-language", "user-agent"}
_REDIRECTS = {301, 302, 303, 307, 308}


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


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer. headers are case-insensitive."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    url: str

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body as JSON; None when it is none."""
        try:
            return read_json(self.body)
        except BadBody:
            return None

    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object; empty when it is none."""
        value = self.json()
        return value if isinstance(value, dict) else {}


class Http:
    """Requests on behalf of one channel. Has no state, so threads may share it.

    allow_origins: ``scheme://host:port`` of what an administrator set for this channel, exempt from
    the block on private addresses. Nothing else is, and a redirect that leaves them is checked.
    """

    def __init__(self, allow_origins: frozenset[str] = frozenset()) -> None:
        self.allow_origins = frozenset(filter(None, map(origin, allow_origins)))

    @classmethod
    def trusting(cls, *urls: str) -> Http:
        """Exempts the origins of these URLs (a channel's own base_url and reply_url)."""
        return cls(frozenset(urls))

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        data: Mapping[str, Any] | None = None,
        files: Any = None,
        content: bytes | None = None,
        auth: tuple[str, str] | None = None,
        follow: bool = False,
        timeout: float | None = None,
        max_bytes: int = MAX_ANSWER,
    ) -> Response:
        """One request and its whole answer. follow: go after redirects (GET and HEAD only)."""
        body = {"json": json, "data": data, "files": files, "content": content}
        answer = self._open(method, url, headers, auth, body, follow, timeout or SEND_SECONDS, max_bytes)
        with answer:
            return Response(answer.status, answer.headers, b"".join(answer), answer.url)

    def stream(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        max_bytes: int = MAX_MEDIA,
        timeout: float | None = None,
    ) -> Download:
        """GET, redirects followed: an open answer, to be read in chunks and closed."""
        return self._open("GET", url, headers, auth, {}, True, timeout or MEDIA_SECONDS, max_bytes)

    def media(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        max_bytes: int = MAX_MEDIA,
    ) -> Download:
        """A file that came with a message. Raises MediaGone, MediaNotReady or HttpError (try again)."""
        download = self.stream(url, headers=headers, auth=auth, max_bytes=max_bytes)
        if download.status == 200:
            return download
        download.close()
        if download.status in (202, 425):
            raise MediaNotReady(f"the platform answered {download.status}")
        if download.status in (408, 429) or download.status >= 500:
            raise Unanswered(f"the platform answered {download.status}", download.status)
        raise MediaGone(f"the platform answered {download.status}")

    def _open(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        auth: tuple[str, str] | None,
        body: Mapping[str, Any],
        follow: bool,
        timeout: float,
        max_bytes: int,
    ) -> Download:
        deadline = _Deadline(timeout)
        request = _build(method, url, headers, auth, body)
        for _hop in range(MAX_REDIRECTS + 1):
            answer = self._hop(request, deadline, max_bytes)
            goes_on = follow and answer.status in _REDIRECTS and method in ("GET", "HEAD")
            target = answer.headers.get("location", "")
            if not (goes_on and target):
                return answer.checked()
            answer.close()
            request = _redirected(request, target)
        raise Blocked(f"more than {MAX_REDIRECTS} redirects")

    def _hop(self, request: httpx.Request, deadline: _Deadline, max_bytes: int) -> Download:
        trail = _Trail()
        guarded = origin(str(request.url)) not in self.allow_origins
        connection = httpcore.HTTPConnection(
            origin=httpcore.Origin(
                request.url.raw_scheme, request.url.raw_host, request.url.port or _PORTS[request.url.scheme]
            ),
            ssl_context=tls(),
            network_backend=_Door(guarded, deadline, trail),
        )
        try:
            with _classified(trail):
                answer = connection.handle_request(
                    httpcore.Request(
                        method=request.method,
                        url=httpcore.URL(
                            scheme=request.url.raw_scheme,
                            host=request.url.raw_host,
                            port=request.url.port,
                            target=request.url.raw_path,
                        ),
                        headers=request.headers.raw,
                        content=_sync(request.stream),
                    )
                )
        except BaseException:
            connection.close()
            raise
        return Download(connection, answer, trail, str(request.url), max_bytes)


class Download(Iterator[bytes]):
    """An open answer: status, headers, and its bytes in chunks as they come. Closes itself at the end."""

    def __init__(
        self, connection: httpcore.HTTPConnection, answer: httpcore.Response, trail: _Trail, url: str, max_bytes: int
    ) -> None:
        self.status = answer.status
        self.headers: Mapping[str, str] = httpx.Headers(answer.headers)
        self.url = url
        self._connection = connection
        self._trail = trail
        self._max_bytes = max_bytes
        trail.status = answer.status
        self._chunks = self._read(answer.iter_stream())

    def __enter__(self) -> Download:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __next__(self) -> bytes:
        return next(self._chunks)

    def close(self) -> None:
        self._chunks.close()
        self._connection.close()

    def checked(self) -> Download:
        """Refuses what says itself that it is too large, before a byte of it is read."""
        length = self.headers.get("content-length", "")
        if length.isascii() and length.isdigit() and (len(length) > 15 or int(length) > self._max_bytes):
            self.close()
            raise TooLarge(f"{length[:20]} bytes announced, {self._max_bytes} allowed", self.status)
        return self

    @property
    def content_type(self) -> str:
        """The media type without its parameters, in lower case; "" if there is none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def filename(self) -> str:
        """The name the server gives the file; "" if it gives none."""
        message = Message()
        message["content-disposition"] = re.sub(r"[\r\n\x00]", "", self.headers.get("content-disposition", ""))
        try:
            name = message.get_filename() or ""
        except (LookupError, UnicodeError, ValueError):
            return ""
        return re.split(r"[/\\]", name)[-1]

    def _read(self, wire: Iterable[bytes]) -> Generator[bytes, None, None]:
        try:
            with _classified(self._trail):
                total = 0
                for chunk in self._unpacked(self._counted(wire)):
                    total += len(chunk)
                    self._limit(total)
                    yield chunk
        finally:
            self._connection.close()

    def _counted(self, wire: Iterable[bytes]) -> Iterator[bytes]:
        total = 0
        for chunk in wire:
            total += len(chunk)
            self._limit(total)
            yield chunk

    def _limit(self, total: int) -> None:
        if total > self._max_bytes:
            raise TooLarge(f"more than the allowed {self._max_bytes} bytes", self.status)

    def _unpacked(self, wire: Iterable[bytes]) -> Iterator[bytes]:
        """We ask for plain bytes; whoever packs nevertheless is unpacked a piece at a time (bombs)."""
        if self.headers.get("content-encoding", "").strip().lower() not in ("gzip", "x-gzip", "deflate"):
            yield from wire
            return
        unpack = zlib.decompressobj(47)
        for chunk in wire:
            rest = chunk
            while rest and not unpack.eof:
                yield unpack.decompress(rest, CHUNK)
                rest = unpack.unconsumed_tail
        yield unpack.flush(CHUNK)


# ── What a failure means for a reply ─────────────────────────────────────────────────────────


def failure_from(cause: Response | HttpError, *, code: str = "", detail: str = "") -> DeliveryFailed:
    """An answer that is no success, or none at all, in the exchange's words. The same for all adapters.

    title is an untranslated msgid, so that what is stored reads right in every agent's language.
    """
    if isinstance(cause, Response):
        return _failure_of_status(cause, code, detail or excerpt(cause))
    title, category, permanent = _FAILURES[type(cause)]
    return DeliveryFailed(title, permanent=permanent, category=category, code=code, detail=detail or str(cause))


_FAILURES: dict[type[HttpError], tuple[str, Category, bool]] = {
    Refused: (N_("The platform could not be reached."), "unknown", False),
    Unanswered: (N_("No answer came, so it is not known whether the message arrived."), "unconfirmed", False),
    TooLarge: (N_("The answer was too long, so it is not known whether the message arrived."), "unconfirmed", False),
    Blocked: (N_("The channel's address may not be used: it is private or not a web address."), "content", True),
}  # fmt: skip


def _failure_of_status(answer: Response, code: str, detail: str) -> DeliveryFailed:
    def failed(title: str, category: Category, *, permanent: bool, retry_after: float | None = None) -> DeliveryFailed:
        return DeliveryFailed(
            title,
            permanent=permanent,
            category=category,
            code=code or str(answer.status),
            detail=detail,
            retry_after=retry_after,
        )

    wait = retry_after(answer.headers)
    if answer.status == 429:
        return failed(N_("The platform asks us to slow down."), "rate", permanent=False, retry_after=wait)
    if answer.status >= 500 or answer.status in (408, 425):
        return failed(N_("The platform has a problem of its own."), "unknown", permanent=False, retry_after=wait)
    if answer.status in (401, 403):
        return failed(N_("The platform does not accept the channel's credentials."), "auth", permanent=True)
    if answer.status < 400:
        return failed(N_("The channel's address leads elsewhere: set the final address."), "content", permanent=True)
    return failed(N_("The platform refused the message."), "content", permanent=True)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The Retry-After header in seconds (a number or an HTTP date), at most a day; None without one."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value).replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError, OverflowError):
            return None
    return None if math.isnan(seconds) else min(max(seconds, 0.0), MAX_RETRY_AFTER)


def excerpt(answer: Response) -> str:
    """The first words of an answer, for whoever looks for the reason."""
    return " ".join(answer.body[:1200].decode("utf-8", "replace").replace("\x00", "\ufffd").split())[:300]


# ── Which addresses ──────────────────────────────────────────────────────────────────────────

_PORTS = {"http": 80, "https": 443}
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
        port = parsed.port or _PORTS.get(parsed.scheme)
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


class _Deadline:
    """The end of the whole exchange on the wall clock, whatever trickles in meanwhile."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        left = self._end - time.monotonic()
        if left <= 0:
            raise httpcore.TimeoutException("the time is up")
        return left


@dataclass
class _Trail:
    """How far a request got, which decides whether it may be repeated."""

    went_out: bool = False
    status: int = 0


class _classified:
    """Turns what the wire raises into the four errors above."""

    def __init__(self, trail: _Trail) -> None:
        self._trail = trail

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, httpcore.LocalProtocolError) and not self._trail.went_out:
            raise Blocked(f"the request cannot be made: {error}") from error
        wire = (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError, zlib.error)
        if isinstance(error, wire):
            words = str(error) or type(error).__name__
            if self._trail.went_out:
                raise Unanswered(words, self._trail.status) from error
            raise Refused(words) from error


class _Door(httpcore.NetworkBackend):
    """Resolves a name once, checks every address it has, and connects to one of those."""

    def __init__(self, guarded: bool, deadline: _Deadline, trail: _Trail) -> None:
        self._guarded, self._deadline, self._trail = guarded, deadline, trail

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        end = _Deadline(min(CONNECT_SECONDS, self._deadline.left()))
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

    def __init__(self, sock: socket.socket, deadline: _Deadline, trail: _Trail) -> None:
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


# ── Requests ─────────────────────────────────────────────────────────────────────────────────


def _build(
    method: str, url: str, headers: Mapping[str, str] | None, auth: tuple[str, str] | None, body: Mapping[str, Any]
) -> httpx.Request:
    try:
        parsed = httpx.URL(url)
        if parsed.scheme not in _PORTS or not parsed.host:
            raise Blocked("not an http or https address")
        credentials = auth or ((parsed.username, parsed.password) if parsed.userinfo else None)
        # Accept-Encoding: what nobody has packed needs no unpacking.
        fixed = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", "Connection": "close"}
        request = httpx.Request(method, parsed, headers={**fixed, **(headers or {})}, **body)
        if credentials:
            request = next(httpx.BasicAuth(*credentials).auth_flow(request))
    except (httpx.InvalidURL, UnicodeError, TypeError, ValueError) as error:
        raise Blocked(f"the request cannot be made: {error}") from error
    return request


def _redirected(request: httpx.Request, target: str) -> httpx.Request:
    """The next hop, without anything that could be a credential, also on the same host."""
    kept = {name: value for name, value in request.headers.items() if name in _HARMLESS}
    try:
        url = request.url.join(target).copy_with(userinfo=b"", fragment=None)
    except (httpx.InvalidURL, UnicodeError, ValueError) as error:
        raise Blocked(f"a redirect to no address: {error}") from error
    return _build(request.method, str(url), kept, None, {})


def _sync(stream: Any) -> Iterable[bytes]:
    assert isinstance(stream, httpx.SyncByteStream)
    return stream
