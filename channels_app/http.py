"""The one HTTP client: every byte that leaves us for a platform, or for an address a sender named, goes through here.

A URL may come from anyone, so the address that was checked is the one connected to: names are resolved once, by us.
There is no keep-alive: a request that dies on a stale idle connection could not be told from one that
a platform has taken, and a reply sent twice costs more than a TLS handshake.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any

import httpcore
import httpx
from django.utils.translation import gettext_noop as N_

from channels_app.contract import BadBody, Category, DeliveryFailed, MediaGone, MediaNotReady, read_json
from channels_app.wire import (
    CHUNK,
    PORTS,
    Blocked,
    Deadline,
    Door,
    HttpError,
    Refused,
    TooLarge,
    Trail,
    Unanswered,
    classified,
    origin,
    tls,
)

__all__ = [
    "Blocked",
    "Download",
    "Http",
    "HttpError",
    "Refused",
    "Response",
    "TooLarge",
    "Unanswered",
    "excerpt",
    "failure_from",
    "origin",
    "retry_after",
]

SEND_SECONDS = 15.0
MEDIA_SECONDS = 120.0
MAX_ANSWER = 1 << 20
MAX_MEDIA = 25 * 1024 * 1024
MAX_REDIRECTS = 5
MAX_RETRY_AFTER = 24 * 3600.0
USER_AGENT = "Pelanggan"
# What may follow a redirect; all else may be a credential.
_HARMLESS = {"accept", "accept-language", "user-agent"}
_REDIRECTS = {301, 302, 303, 307, 308}


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
        deadline = Deadline(timeout)
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

    def _hop(self, request: httpx.Request, deadline: Deadline, max_bytes: int) -> Download:
        trail = Trail()
        guarded = origin(str(request.url)) not in self.allow_origins
        connection = httpcore.HTTPConnection(
            origin=httpcore.Origin(
                request.url.raw_scheme, request.url.raw_host, request.url.port or PORTS[request.url.scheme]
            ),
            ssl_context=tls(),
            network_backend=Door(guarded, deadline, trail),
        )
        try:
            with classified(trail):
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
        self, connection: httpcore.HTTPConnection, answer: httpcore.Response, trail: Trail, url: str, max_bytes: int
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
            with classified(self._trail):
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


# ── Requests ─────────────────────────────────────────────────────────────────────────────────


def _build(
    method: str, url: str, headers: Mapping[str, str] | None, auth: tuple[str, str] | None, body: Mapping[str, Any]
) -> httpx.Request:
    try:
        parsed = httpx.URL(url)
        if parsed.scheme not in PORTS or not parsed.host:
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
