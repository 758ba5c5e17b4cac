"""Meta's webhooks: the GET handshake, the signature on the raw bytes, and lenient readers of their bodies."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from channels_app import reading
from channels_app.contract import (
    Account,
    Field,
    HandshakeAnswer,
    InboundRequest,
    News,
    NotAuthentic,
    Unreadable,
    UnreadableEvent,
)

Json = Mapping[str, Any]
MAX_CHALLENGE = 1000


def new_token() -> str:
    return secrets.token_urlsafe(24)


APP_SECRET = Field(
    name="app_secret",
    label=_("App secret"),
    help=_("In Meta's app dashboard under App settings, Basic. During a rotation: two, separated by a space."),
    secret=True,
    required=True,
)
VERIFY_TOKEN = Field(
    name="verify_token",
    label=_("Verify token"),
    help=_("Any words; Meta asks for them once, when you enter the webhook address there."),
    secret=True,
    generate=new_token,
)
ACCESS_TOKEN = Field(
    name="access_token",
    label=_("Access token"),
    help=_("One that does not expire: of a system user, or of the page."),
    secret=True,
)
API_VERSION = Field(
    name="api_version",
    label=_("API version"),
    help=_("Of Meta's Graph API. Meta drops a version about two years after it came out."),
    default="v24.0",
)


# ── Who posts ────────────────────────────────────────────────────────────────────────────────


def verify(account: Account, request: InboundRequest) -> None:
    """HMAC-SHA256 of the raw bytes with the app's secret; the SHA-1 header is not looked at."""
    name, _sep, given = request.header("x-hub-signature-256").strip().partition("=")
    keys = account.get("app_secret").split()[:2]
    if name != "sha256" or not given or not keys:
        raise NotAuthentic("no SHA-256 signature, or no app secret to check it with")
    offered = given.encode("utf-8", "replace")
    for key in keys:
        right = hmac.digest(key.encode("utf-8", "replace"), request.body, "sha256").hex().encode()
        if hmac.compare_digest(right, offered):
            return
    raise NotAuthentic("the signature does not match")


def handshake(account: Account, request: InboundRequest) -> HandshakeAnswer:
    """Meta's GET when the webhook address is entered there: the challenge back, or 403."""
    query, token = request.query, account.get("verify_token").strip()
    right = bool(token) and hmac.compare_digest(_plain(token), _plain(query.get("hub.verify_token", "")))
    challenge = query.get("hub.challenge", "")
    if not right or query.get("hub.mode") != "subscribe" or not 0 < len(challenge) <= MAX_CHALLENGE:
        return HandshakeAnswer("The verify token is not the channel's.", 403)
    return HandshakeAnswer(challenge)


def _plain(token: str) -> bytes:
    return token.encode("utf-8", "replace")


# ── Reading their bodies ─────────────────────────────────────────────────────────────────────


def obj(value: Any) -> Json:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def items(value: Any) -> list[Any]:
    """The value if it is a list, else an empty one; a lone object counts as a list of it."""
    if isinstance(value, list):
        return value
    return [value] if isinstance(value, Mapping) else []


def word(value: Any) -> str:
    """A type, a status, a code: short, in lower case; "" if it is none."""
    return reading.text(value).strip().lower()[:80]


def entries(payload: Any, wanted: str) -> list[Any]:
    """The entries of a body about ``wanted`` ("page"); none of one that is about something else."""
    if not isinstance(payload, Mapping):
        raise UnreadableEvent("the body is not an object")
    if word(payload.get("object")) not in ("", wanted):
        return []
    given = payload.get("entry")
    if given is not None and not isinstance(given, list | Mapping):
        raise UnreadableEvent("“entry” is not a list")
    return items(given)


def fingerprint(prefix: str, event: Any) -> str:
    """An id for what has none, the same whenever it is delivered again."""
    dumped = json.dumps(event, sort_keys=True, default=str)
    return f"{prefix}-{hashlib.sha256(dumped.encode()).hexdigest()[:40]}"


def guarded(found: Iterable[News | Unreadable]) -> Iterator[News | Unreadable]:
    """The news of one event: whatever is wrong with it stays with it."""
    try:
        yield from found
    except UnreadableEvent as error:
        yield Unreadable(error=str(error))


def said(fields: Mapping[str, Any], limit: int = reading.MAX_LINE) -> dict[str, str]:
    """Those of the fields that say something, as one line each."""
    read = {name: reading.line(_as_text(value), limit) for name, value in fields.items()}
    return {name: value for name, value in read.items() if value}


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
