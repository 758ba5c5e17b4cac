"""The doors ``anymail/<provider>/``: what a provider posts, proved by its own means and read through django-anymail.

Wherever the mail itself comes along, it is taken as it is and read by our own parser: what anymail makes of it has been
through text and back. Nothing is fetched here. Source: each provider's documentation of its webhooks.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import io
import json
import re
import time
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode

from django.core.handlers.wsgi import WSGIRequest

from channels_app import reading
from channels_app.adapters.email import esp_mails, inward, told
from channels_app.adapters.email.doors import Quiet, same
from channels_app.adapters.email.esp import ESPS, OWN_KEY, Esp, view
from channels_app.adapters.email.postmark import basic
from channels_app.contract import (
    Account,
    BadBody,
    InboundRequest,
    News,
    NotAuthentic,
    Unreadable,
    UnreadableEvent,
    read_json,
)

WINDOW = 300
"""Seconds that a signed time may differ from ours."""
STATES = {
    "queued": "accepted", "sent": "sent", "delivered": "delivered", "opened": "read", "bounced": "failed",
    "rejected": "failed", "failed": "failed", "deferred": "failed", "complained": "complaint",
}  # fmt: skip
Content = tuple[str, Any]


class EspDoor(Quiet):
    def __init__(self, esp: Esp) -> None:
        self.esp = esp

    # ── Whose it is ──

    def verify(self, account: Account, request: InboundRequest) -> None:
        """Fails closed: without a secret, and whatever a check does that is not a plain yes."""
        secrets = account.get("inbound_secret").split()
        if not secrets:
            raise NotAuthentic("there is no secret to prove it with")
        if self.esp.proof == "basic" or (self.esp.proof == "standard" and not _is_standard(secrets)):
            basic(account, request)
        elif self.esp.proof == "standard":
            _standard(secrets, request)
        elif not any(self._proves(secret, request) for secret in secrets):
            raise NotAuthentic("the signature is not right")

    def _proves(self, secret: str, request: InboundRequest) -> bool:
        """The view's own check; one secret of several, where a provider has one for mails and one for events."""
        try:
            found = view(self.esp, self.esp.tracking, **{self.esp.proved_with: secret}, webhook_secret=[])
            # The public address as it was on the wire: a proxy's own must not count.
            if hasattr(found, "webhook_url"):
                found.webhook_url = request.url
            found.run_validators(_as_django(request))
        except Exception:  # noqa: BLE001 (a check that breaks on odd bytes has not said yes)
            return False
        return True

    # ── What it is ──

    def decode(self, account: Account, request: InboundRequest) -> Content:
        if self.esp.name == "mandrill":
            return self.esp.name, _form(request.body)
        found = read_json(request.body)
        if not isinstance(found, dict | list):
            raise BadBody("the JSON is neither an object nor a list")
        return self.esp.name, found

    def read(self, account: Account, content: Any) -> Iterable[News | Unreadable]:
        name, data = content if isinstance(content, tuple) and len(content) == 2 else ("", None)
        if name != self.esp.name:
            raise UnreadableEvent("this came by another door")
        return [news for one in _singly(data) for news in self._one(account, one)]

    def _one(self, account: Account, one: Any) -> Iterable[News | Unreadable]:
        """One mail or event; what is wrong with it costs no other."""
        if not isinstance(one, Mapping):
            return [Unreadable(error="the event is not an object")]
        try:
            mail = esp_mails.of(self.esp.name, one)
            return self._events(one) if mail is None else inward.read(account, mail.raw, mail.extra)
        except UnreadableEvent as error:
            return [Unreadable(error=str(error))]
        except Exception as error:  # noqa: BLE001 (anymail reads what it expects, and raises anything for the rest)
            return [Unreadable(error=f"{self.esp.label} sent something of another shape: {type(error).__name__}")]

    def _events(self, one: Mapping[str, Any]) -> list[News | Unreadable]:
        arguments = {self.esp.proved_with: "x"} if self.esp.proof == "view" else {"webhook_secret": ["x:x"]}
        found = view(self.esp, self.esp.tracking, **arguments)
        news: list[News | Unreadable] = []
        for event in found.parse_events(_wrapped(self.esp, one)):
            said = json.dumps(event.esp_event, default=str)[:2000].lower()
            known = reading.mapping(event.metadata).get(OWN_KEY)
            news += told.one(
                STATES.get(str(event.event_type), ""),
                message_id=event.message_id,
                recipient=event.recipient,
                at=event.timestamp.timestamp() if event.timestamp else None,
                code=event.reject_reason,
                words=event.mta_response or event.description,
                soft=event.event_type == "deferred" or bool(re.search(r"soft[_ ]?bounce", said)),
                event_id=event.event_id,
                own_key=known,
            )
        return news


DOORS = {f"anymail/{name}": EspDoor(esp) for name, esp in ESPS.items() if esp.tracking}


# ── Proofs ───────────────────────────────────────────────────────────────────────────────────


def _is_standard(secrets: list[str]) -> bool:
    return any(secret.startswith("whsec_") for secret in secrets)


def _standard(secrets: list[str], request: InboundRequest) -> None:
    """Standard Webhooks under Svix's older header names."""
    number, stamp = request.header("svix-id"), request.header("svix-timestamp")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 12 and abs(time.time() - int(stamp)) <= WINDOW):
        raise NotAuthentic("the time is not right")
    said = f"{number}.{stamp}.".encode("utf-8", "replace") + request.body
    given = [one.partition(",")[2] for one in request.header("svix-signature").split() if one.startswith("v1,")]
    for secret in secrets:
        try:
            key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except (ValueError, binascii.Error):
            continue
        right = base64.b64encode(hmac.digest(key, said, "sha256")).decode()
        if number and key and any(same(right, one) for one in given):
            return
    raise NotAuthentic("the signature is not right")


def _as_django(request: InboundRequest) -> WSGIRequest:
    """The same request as anymail's views know them; its body is not read again."""
    named = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request.headers.items()}
    found = WSGIRequest(
        {
            **named, "REQUEST_METHOD": "POST", "PATH_INFO": "/", "SERVER_NAME": "localhost", "SERVER_PORT": "443",
            "CONTENT_TYPE": request.header("content-type"), "CONTENT_LENGTH": str(len(request.body)),
            "wsgi.input": io.BytesIO(request.body), "wsgi.url_scheme": "https",
        }
    )  # fmt: skip
    found._body = request.body
    return found


# ── Shapes ───────────────────────────────────────────────────────────────────────────────────


def _form(body: bytes) -> Any:
    """Mandrill's: a form with one field of JSON."""
    try:
        fields = parse_qs(body.decode("ascii"), strict_parsing=True, max_num_fields=100, errors="strict")
        text = fields["mandrill_events"][0]
    except (ValueError, KeyError) as error:
        raise BadBody("the body is not a form with events") from error
    found = read_json(text.encode("utf-8", "surrogatepass"))
    if not isinstance(found, list):
        raise BadBody("the events are not a list")
    return found


def _singly(data: Any) -> list[Any]:
    """Each by itself, as each provider bundles them."""
    if isinstance(data, list):
        return data
    found = reading.mapping(data)
    for name in ("items", "events"):
        if isinstance(found.get(name), list):
            return list(found[name])
    return [found]


def _wrapped(esp: Esp, one: Mapping[str, Any]) -> WSGIRequest:
    """One event in the bundle that the view expects, as a request."""
    event: Any = dict(one)
    bundle = {"sparkpost": [event], "mailtrap": {"events": [event]}}.get(esp.name, event)
    kind, body = "application/json", json.dumps(bundle)
    if esp.name == "mandrill":
        kind, body = "application/x-www-form-urlencoded", urlencode({"mandrill_events": json.dumps([event])})
    return _as_django(InboundRequest(method="POST", url="", headers={"content-type": kind}, body=body.encode()))
