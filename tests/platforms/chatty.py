"""A platform with all that messaging platforms have beside messages: profiles, templates, a quota, read marks …

It speaks the webhook channel's language, so that tests of the desk need no real platform's. What it allows
stands in the channel's setting ``able``, as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from channels_app.adapters.webhook import WebhookAdapter
from channels_app.contract import (
    READ_RECEIPTS,
    Abilities,
    Account,
    Conversation,
    DeliveryFailed,
    Field,
    InboundMessage,
    MessageTemplate,
    News,
    Notice,
    OutboundMessage,
    Profile,
    Quota,
    Sent,
    Unreadable,
)
from channels_app.http import Http, HttpError, Response, failure_from
from tests.platforms import Answer, Request, answer
from tests.platforms.webhook import FakeWebhookPlatform

WINDOW_OVER = _("The customer wrote more than a day ago.")
FREE = _("Free answers for 24 hours after the customer's last message.")
THEN = _("After that only templates.")


class ChattyAdapter(WebhookAdapter):
    kind = "chatty"
    label = _("Chatty")
    has_profiles = True
    has_templates = True
    fields = (
        *WebhookAdapter.fields,
        READ_RECEIPTS,
        Field(name="api", label=_("API"), is_url=True, redirects=True),
        Field(name="able", label=_("Abilities")),
    )

    def parse(self, account: Account, payload: Any) -> Iterable[News | Unreadable]:
        if isinstance(payload, Mapping) and payload.get("type") == "moved":
            return [Notice(kind="moved", conversation=payload["from"], moved_to=payload["to"], event_id=payload["id"])]
        news = list(super().parse(account, payload))
        return [self._more(item, payload) if isinstance(item, InboundMessage) else item for item in news]

    def _more(self, news: InboundMessage, payload: Mapping[str, Any]) -> InboundMessage:
        said = payload.get("sender")
        alt = tuple(said.get("alt", ())) if isinstance(said, Mapping) else ()
        return replace(
            news,
            sender=replace(news.sender, alt_ids=alt),
            quote_handle=payload.get("quote"),
            read_handle=payload.get("read"),
            echo=bool(payload.get("echo")),
            standby=bool(payload.get("standby")),
        )

    def abilities(self, account: Account, conversation: Conversation, now: datetime) -> Abilities:
        able = super().abilities(account, conversation, now)
        given: dict[str, Any] = json.loads(account.get("able") or "{}")
        if given.pop("window", False):
            until = conversation.last_inbound_at and conversation.last_inbound_at + timedelta(hours=24)
            over = until is None or until <= now
            able = replace(
                able,
                reply_until=None if over else until,
                only_templates=over,
                window_words=WINDOW_OVER if over else FREE,
                after_window=THEN,
                templates=True,
            )
        if given.pop("shut", False):
            able = replace(able, closed=WINDOW_OVER)
        return replace(able, quota_left=conversation.quota_left, **given)

    def send(self, account: Account, message: OutboundMessage, http: Http) -> Sent:
        self._do(http.request("POST", f"{account.get('api')}/send", json=_sent(message)))
        return Sent(external_id=f"c-{message.key}")

    def fetch_profile(self, account: Account, external_id: str, http: Http) -> Profile | None:
        found = http.request("GET", f"{account.get('api')}/profiles/{external_id}")
        if found.status == 404:
            return None
        return Profile(**self._do(found))

    def templates(self, account: Account, http: Http) -> Sequence[MessageTemplate]:
        rows = self._do(http.request("GET", f"{account.get('api')}/templates"))["data"]
        return [MessageTemplate(**{**row, "variables": tuple(row.get("variables", ()))}) for row in rows]

    def quota(self, account: Account, http: Http) -> Quota | None:
        found = self._do(http.request("GET", f"{account.get('api')}/quota"))
        return Quota(limit=found["limit"], used=found["used"]) if found else None

    def mark_read(self, account: Account, conversation: Conversation, external_id: str, http: Http) -> None:
        said = {"to": conversation.external_id, "message": external_id, "handle": conversation.read_handle}
        self._do(http.request("POST", f"{account.get('api')}/read", json=said))

    def typing(self, account: Account, conversation: Conversation, http: Http) -> None:
        said = {"to": conversation.external_id, "message": conversation.last_inbound_id}
        self._do(http.request("POST", f"{account.get('api')}/typing", json=said))

    def react(self, account: Account, conversation: Conversation, external_id: str, emoji: str, http: Http) -> None:
        said = {"to": conversation.external_id, "message": external_id, "emoji": emoji}
        try:
            self._do(http.request("POST", f"{account.get('api')}/react", json=said))
        except HttpError as error:
            raise failure_from(error) from error

    def wants_acknowledgement(self, account: Account, payload: Any) -> bool:
        return isinstance(payload, Mapping) and payload.get("type") == "postback"

    def acknowledge(self, account: Account, payload: Any, http: Http) -> None:
        self._do(http.request("POST", f"{account.get('api')}/acknowledge", json={"id": payload["id"]}))

    def _do(self, found: Response) -> dict[str, Any]:
        if found.status == 401:
            raise DeliveryFailed(
                "The platform does not accept the channel's credentials.", permanent=True, category="auth"
            )
        if not found.ok:
            raise failure_from(found)
        return found.json_object()


def _sent(message: OutboundMessage) -> dict[str, Any]:
    given = message.template
    template = {"name": given.name, "language": given.language, "parameters": dict(given.parameters)} if given else None
    return {
        "key": message.key, "to": message.to, "text": message.text, "purpose": message.purpose, "template": template,
        "reply_to": message.reply_to, "quote": message.reply_to_handle,
    }  # fmt: skip


class FakeChatty(FakeWebhookPlatform):
    """``answers`` by path stand in place of what it does by itself; ``got`` has the bodies by path."""

    def __init__(self) -> None:
        super().__init__()
        self.profiles: dict[str, dict[str, Any]] = {}
        self.templates: list[dict[str, Any]] = []
        self.quota: dict[str, Any] = {}
        self.answers: dict[str, list[Answer]] = {}

    def respond(self, request: Request) -> Answer:
        if self.answers.get(request.path):
            return self.answers[request.path].pop(0)
        if request.path.startswith("/profiles/"):
            found = self.profiles.get(request.path.removeprefix("/profiles/"))
            return answer(404) if found is None else answer(json=found)
        if request.path == "/templates":
            return answer(json={"data": self.templates})
        if request.path == "/quota":
            return answer(json=self.quota)
        if request.method == "POST" and request.path in ("/read", "/typing", "/react", "/acknowledge", "/send"):
            return answer(json={})
        return super().respond(request)

    def got(self, path: str) -> list[Any]:
        return [request.json for request in self.requests if request.path == path]

    def asked(self, path: str) -> int:
        return self.paths().count(path)
