"""The widget on a website: a platform of our own, so sending means writing down what the visitor may read.

The one adapter that knows the database, by way of ``channels_app.widget.visitors``. It has no webhook: visitors
come by the widget's own doors, which hand over the payloads that ``parse`` reads.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.utils.html import escape
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop as N_

from channels_app import reading
from channels_app.contract import (
    READ_RECEIPTS,
    Abilities,
    Account,
    Adapter,
    CheckLine,
    Conversation,
    Copyable,
    DeliveryFailed,
    Field,
    InboundAttachment,
    InboundMessage,
    MediaGone,
    News,
    Notice,
    OutboundMessage,
    Postback,
    Remote,
    ReplyTo,
    Sender,
    Sent,
    SettingsInvalid,
    SetupStep,
    Unreadable,
    UnreadableEvent,
)
from channels_app.http import Http
from channels_app.widget import fields, visitors

KINDS = frozenset({"image", "video", "audio", "voice", "file"})
CHUNK = 64 * 1024
QUICK_REPLIES = 13
LONGEST_TITLE, LONGEST_PAYLOAD = 60, 1000


class WebchatAdapter(Adapter):
    kind = "webchat"
    label = _("Website chat")
    about = _("A chat on your own website, by one line in its pages.")
    icon = "message-square-text"
    has_webhook = False
    on_websites = True
    preview = "widget_preview"
    vouches = False
    fields = (
        Field(
            name="widget_token",
            label=_("Widget token"),
            help=_("Names this channel in the line on your website. Everybody can read it there."),
            generate=lambda: "wgt_" + secrets.token_urlsafe(18),
        ),
        Field(
            name="identity_secret",
            label=_("Identity secret"),
            help=_("Your server signs the ids of signed-in customers with it. Never put it into a page."),
            secret=True,
            generate=lambda: secrets.token_urlsafe(32),
        ),
        Field(
            name="origins",
            label=_("Websites"),
            help=_("Where the chat may stand, with spaces between: https://shop.example https://*.shop.example"),
        ),
        READ_RECEIPTS,
        *fields.ALL,
    )
    setup_steps = (
        SetupStep(words=_("Write down under “Websites” where the chat will stand. Nowhere else will it work.")),
        SetupStep(words=_("Put this line into the pages, before the end of the body."), copy="embed"),
        SetupStep(
            words=_("For customers who are signed in: sign their id with this secret on your server."),
            copy="identity_secret",
        ),
    )

    # ── in ──

    def parse(self, account: Account, payload: Any) -> Iterable[News | Unreadable]:
        if not isinstance(payload, Mapping):
            raise UnreadableEvent("the event is not an object")
        if payload.get("type") == "moved":
            return [_moved(payload)]
        return [_message(payload)]

    def fetch_media(self, account: Account, attachment: Remote, http: Http) -> Iterator[bytes]:
        found = visitors.open_upload(account.id, attachment.id)
        if found is None:
            raise MediaGone
        _row, file = found
        return iter(lambda: file.read(CHUNK), b"")

    # ── out ──

    def abilities(self, account: Account, conversation: Conversation, now: datetime) -> Abilities:
        return Abilities(
            max_length=visitors.LONGEST,
            attachment_kinds=KINDS,
            can_quote=True,
            shows_typing=True,
            reads_receipts=True,
            quick_replies=QUICK_REPLIES,
            quick_reply_title=LONGEST_TITLE,
            quick_reply_payload=LONGEST_PAYLOAD,
        )

    def send(self, account: Account, message: OutboundMessage, http: Http) -> Sent:
        if not visitors.deliver(account.id, message):
            raise DeliveryFailed(N_("This visitor is not known any more."), permanent=True, category="blocked")
        return Sent(external_id=message.key)

    def mark_read(self, account: Account, conversation: Conversation, external_id: str, http: Http) -> None:
        visitors.read_by_agent(account.id, conversation.external_id)

    def typing(self, account: Account, conversation: Conversation, http: Http) -> None:
        visitors.typing_by_agent(account.id, conversation.external_id)

    # ── set-up ──

    def check_settings(self, settings: Mapping[str, Any]) -> None:
        given = settings.get("origins") or ""
        items = given.replace(",", " ").split() if isinstance(given, str) else given
        if not isinstance(items, list) or not all(isinstance(one, str) and _is_origin(one) for one in items):
            words = _("Each must be an origin like https://shop.example, without a path.")
            raise SettingsInvalid({"origins": words})

    def copyable(self, account: Account, public_url: str) -> Mapping[str, Copyable]:
        token = escape(account.get("widget_token"))
        line = f'<script src="{escape(public_url)}/widget.js" data-channel="{token}" async></script>'
        return {"embed": Copyable(label=_("Line for your pages"), text=line)} if token else {}

    def check(self, account: Account, http: Http) -> list[CheckLine]:
        if not account.get("origins"):
            return [CheckLine(ok=False, words=_("No website is named yet: the chat works on our own demo page only."))]
        given = account.settings["origins"]
        places = given if isinstance(given, str) else ", ".join(given)
        return [CheckLine(ok=True, words=_("The chat may stand at: %s") % places)]

    # The platform is ours: a send writes the same row again.
    idempotent = True


def _is_origin(text: str) -> bool:
    try:
        # Only as the first part of a host does a star stand for anything.
        parts = urlsplit(text.replace("://*.", "://x.", 1))
        host, _port = parts.hostname, parts.port
    except ValueError:
        return False
    return (
        parts.scheme in ("http", "https")
        and bool(host)
        and parts.path in ("", "/")
        and not any(letter in text for letter in "?#@")
        and "*" not in parts.netloc
    )


def _moved(payload: Mapping[str, Any]) -> Notice:
    before, after = reading.ident(payload.get("from")), reading.ident(payload.get("to"))
    if before is None or after is None:
        raise UnreadableEvent("“from” or “to” is missing")
    return Notice(kind="identified", conversation=before, sender=Sender(external_id=before), moved_to=after)


def _message(payload: Mapping[str, Any]) -> InboundMessage:
    person = payload.get("sender")
    given = person if isinstance(person, Mapping) else {}
    external_id, sender = reading.ident(payload.get("id")), reading.ident(given.get("id"))
    if external_id is None or sender is None:
        raise UnreadableEvent("“id” or “sender” is missing")
    answered, pressed = reading.ident(payload.get("reply_to")), payload.get("postback")
    return InboundMessage(
        external_id=external_id,
        event_id=external_id,
        conversation=sender,
        occurred_at=reading.moment(payload.get("sent_at")),
        sender=Sender(
            external_id=sender,
            name=reading.line(given.get("name")),
            email=reading.email(given.get("email")),
            phone=reading.phone(given.get("phone")),
            language=reading.language(given.get("language")),
            facts=_facts(payload.get("attributes")),
        ),
        text=reading.text(payload.get("text")),
        attachments=tuple(_files(payload.get("attachments"))),
        reply_to=ReplyTo(external_id=answered) if answered else None,
        postback=Postback(title=reading.line(pressed.get("title")), payload=reading.line(pressed.get("payload"), 1000))
        if isinstance(pressed, Mapping)
        else None,
    )


def _facts(value: Any) -> dict[str, str]:
    items = value.items() if isinstance(value, Mapping) else ()
    return {reading.line(name, 60): reading.line(said, 200) for name, said in items if reading.line(name, 60)}


def _files(value: Any) -> Iterator[InboundAttachment]:
    for item in value if isinstance(value, list) else ():
        upload = reading.ident(item.get("upload")) if isinstance(item, Mapping) else None
        if upload is not None:
            yield InboundAttachment(
                kind=item.get("kind") if item.get("kind") in KINDS else "file",
                mime=reading.mime(item.get("mime")),
                filename=reading.filename(item.get("filename")),
                remote=Remote(id=upload),
            )
