"""The pretend platform that ships with the product: an agent plays the customer on a page of ours.

It stands for any chat, so that a newcomer sees the whole way without an account anywhere. Three
customers misbehave on purpose (MAGIC), so that failures can be seen too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop as N_

from channels_app import reading
from channels_app.contract import (
    Abilities,
    Account,
    Adapter,
    Conversation,
    DeliveryFailed,
    InboundMessage,
    News,
    OutboundMessage,
    Postback,
    Remote,
    ReplyTo,
    Sender,
    Sent,
    Unreadable,
    UnreadableEvent,
)
from channels_app.http import Download, Http

KINDS = frozenset({"image", "video", "audio", "voice", "file"})
QUICK_REPLIES = 13
LONGEST_TITLE, LONGEST_PAYLOAD = 60, 1000
# Who is written to decides what goes wrong: blocked never arrives, flaky fails once, silent does not answer.
MAGIC = ("blocked", "flaky", "silent")


class SandboxAdapter(Adapter):
    kind = "sandbox"
    label = _("Sandbox")
    about = _("A pretend platform: play the customer yourself, without an account anywhere.")
    icon = "flask-conical"
    has_webhook = False
    has_playground = True

    def parse(self, account: Account, payload: Any) -> Iterable[News | Unreadable]:
        if not isinstance(payload, Mapping):
            raise UnreadableEvent("the event is not an object")
        external_id, sender = reading.ident(payload.get("id")), reading.ident(payload.get("sender"))
        if external_id is None or sender is None:
            raise UnreadableEvent("“id” or “sender” is missing")
        answered, pressed = reading.ident(payload.get("reply_to")), payload.get("postback")
        return [
            InboundMessage(
                external_id=external_id,
                event_id=external_id,
                conversation=sender,
                occurred_at=reading.moment(payload.get("sent_at")),
                sender=Sender(
                    external_id=sender,
                    name=reading.line(payload.get("name")),
                    language=reading.language(payload.get("language")),
                ),
                text=reading.text(payload.get("text")),
                attachments=reading.attachments(payload.get("attachments")),
                reply_to=ReplyTo(external_id=answered) if answered else None,
                postback=_pressed(pressed) if isinstance(pressed, Mapping) else None,
            )
        ]

    def fetch_media(self, account: Account, attachment: Remote, http: Http) -> Download:
        return http.media(attachment.url)

    def abilities(self, account: Account, conversation: Conversation, now: datetime) -> Abilities:
        return Abilities(
            max_length=4000, attachment_kinds=KINDS, can_write_first=True, can_quote=True, quick_replies=QUICK_REPLIES,
            quick_reply_title=LONGEST_TITLE, quick_reply_payload=LONGEST_PAYLOAD,
        )  # fmt: skip

    def send(self, account: Account, message: OutboundMessage, http: Http) -> Sent:
        if message.to == "blocked":
            raise DeliveryFailed(N_("The customer has blocked this channel."), permanent=True, category="blocked")
        if message.to == "flaky" and message.attempt <= 1:
            raise DeliveryFailed(N_("The platform has a problem of its own."), permanent=False)
        if message.to == "silent":
            words = N_("No answer came, so it is not known whether the message arrived.")
            raise DeliveryFailed(words, permanent=False, category="unconfirmed")
        return Sent(external_id=f"sandbox-{message.key}", state="delivered")


def _pressed(given: Mapping[str, Any]) -> Postback:
    return Postback(
        title=reading.line(given.get("title")), payload=reading.text(given.get("payload"))[:LONGEST_PAYLOAD],
        source="quick_reply",
    )  # fmt: skip
