"""The ways in over HTTP, by what follows the channel's address: a provider's name, or ``mime`` for one's own server.

Each door says whether the bytes are authentic, reads its provider's shape, and gives the news in it. Wherever there
is the mail as it was sent, that is read; all doors share the one parser.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from channels_app.adapters.email import inward
from channels_app.contract import Account, BadBody, InboundRequest, News, NotAuthentic, Unreadable
from channels_app.http import Http

LONGEST_SECRET = 4096


@dataclass(frozen=True, slots=True)
class Post:
    """What one door decoded: ``read`` of the same door understands it."""

    door: str
    content: Any


class Door(Protocol):
    """One provider."""

    def verify(self, account: Account, request: InboundRequest) -> None:
        """Raise NotAuthentic."""

    def decode(self, account: Account, request: InboundRequest) -> Any:
        """Raise BadBody."""

    def delivery_id(self, account: Account, request: InboundRequest) -> str: ...

    def once(self, request: InboundRequest) -> str:
        """What may count once only, whatever stands beside it; "" where nothing does."""

    def read(self, account: Account, content: Any) -> Iterable[News | Unreadable]:
        """May raise UnreadableEvent where there is one event only."""

    def confirms(self, content: Any) -> bool:
        """Whether the provider waits to hear from us."""

    def confirm(self, account: Account, content: Any, http: Http) -> None: ...


class Quiet:
    """For the doors whose providers name no delivery and wait for nothing."""

    def delivery_id(self, account: Account, request: InboundRequest) -> str:
        return ""

    def once(self, request: InboundRequest) -> str:
        return ""

    def confirms(self, content: Any) -> bool:
        return False

    def confirm(self, account: Account, content: Any, http: Http) -> None:
        return


def same(secret: str, given: str) -> bool:
    """In constant time. An empty secret never matches."""
    if not secret.strip() or not given or len(given) > LONGEST_SECRET:
        return False
    return hmac.compare_digest(secret.encode("utf-8", "replace"), given.encode("utf-8", "replace"))


class Mime(Quiet):
    """One's own mail server: the body is the mail itself (RFC 5322), the token is the secret."""

    def verify(self, account: Account, request: InboundRequest) -> None:
        scheme, _, token = request.header("authorization").strip().partition(" ")
        if scheme.lower() != "bearer" or not same(account.get("inbound_secret"), token.strip()):
            raise NotAuthentic("the token is not right")

    def decode(self, account: Account, request: InboundRequest) -> bytes:
        if not looks_like_mail(request.body):
            raise BadBody("the body is not a mail (RFC 5322)")
        return request.body

    def delivery_id(self, account: Account, request: InboundRequest) -> str:
        """The same bytes are the same delivery: a mailbox that is read once more brings them again."""
        return "mime"

    def read(self, account: Account, content: Any) -> Iterable[News | Unreadable]:
        return inward.read(account, content)


def looks_like_mail(body: bytes) -> bool:
    """Whether a header stands in the first lines: blank lines, an mbox line and odd lines among them are forgiven."""
    for line in body[:65_536].lstrip(b"\xef\xbb\xbf\r\n\t ").splitlines()[:20]:
        name, colon, _ = line.partition(b":")
        if (
            colon
            and name
            and name.strip()
            and len(name) < 200
            and b"\x00" not in name
            and not set(name.strip()) & set(b" \t<>{}\"'")
        ):
            return True
    return False
