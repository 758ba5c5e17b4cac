"""Telegram Bot API: one update a post, known by a secret header; sends have no idempotency key.

The bot token is part of every URL: see ``api.py``, the one place that makes them.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from channels_app import reading
from channels_app.adapters.telegram import api, outward, updates
from channels_app.contract import (
    BASE_URL,
    READ_RECEIPTS,
    Abilities,
    Account,
    Adapter,
    BadBody,
    CheckLine,
    Conversation,
    DeliveryFailed,
    Field,
    InboundRequest,
    MediaGone,
    News,
    NotAuthentic,
    OutboundMessage,
    Profile,
    Remote,
    Sent,
    SettingsInvalid,
    SetupStep,
    Unreadable,
    platform_id,
    read_json_object,
)
from channels_app.http import Download, Http, HttpError, TooLarge, Unanswered, failure_from

SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
TOKEN = re.compile(r"[A-Za-z0-9:_-]{1,200}")
KINDS = frozenset({"image", "video", "audio", "voice", "file"})
BOTFATHER = "https://t.me/BotFather"


class TelegramAdapter(Adapter):
    kind = "telegram"
    label = _("Telegram")
    about = _("A Telegram bot: chats with people who started it, and groups it is in.")
    icon = "send"
    api_host = api.API
    has_profiles = True
    can_connect = True
    fields = (
        Field(
            name="bot_token",
            label=_("Bot token"),
            help=_("BotFather gives it with the bot: a number, a colon and 35 characters."),
            secret=True,
        ),
        Field(
            name="secret_token",
            label=_("Webhook secret"),
            help=_("Telegram sends it along with every update. Made by us if left empty."),
            secret=True,
            required=True,
            generate=lambda: secrets.token_urlsafe(32),
        ),
        READ_RECEIPTS,
        BASE_URL,
    )
    setup_steps = (
        SetupStep(words=_("Write /newbot to BotFather in Telegram and choose a name."), link=BOTFATHER),
        SetupStep(words=_("Copy the token that it gives you to here, and save.")),
        SetupStep(words=_("Press Connect: Telegram is told to post to this address."), copy="webhook_url"),
        SetupStep(words=_("For groups: send BotFather /setprivacy and choose Disable, then add the bot to the group.")),
    )

    # ── in ──

    def verify(self, account: Account, request: InboundRequest) -> None:
        given = request.header("x-telegram-bot-api-secret-token").encode("utf-8", "replace")
        for secret in account.get("secret_token").split()[:1]:
            if hmac.compare_digest(secret.encode(), given):
                return
        raise NotAuthentic("the secret token does not match, or there is none")

    def delivery_id(self, account: Account, request: InboundRequest) -> str:
        try:
            return reading.ident(read_json_object(request.body).get("update_id")) or ""
        except BadBody:
            return ""

    def parse(self, account: Account, payload: Any) -> Iterable[News | Unreadable]:
        return updates.news(payload)

    def fetch_media(self, account: Account, attachment: Remote, http: Http) -> Download:
        answer = api.call(account, http, "getFile", {"file_id": attachment.id})
        said = answer.json_object()
        if not answer.ok:
            described = reading.line(said.get("description"), 300).lower()
            if "too big" in described:
                raise TooLarge("a bot gets files of at most 20 MB", answer.status)
            if answer.status in (400, 403) and "temporarily" not in described:
                raise MediaGone(api.scrub(account, described))
            raise Unanswered(f"the platform answered {answer.status}", answer.status)
        file = said.get("result")
        path = reading.text(file.get("file_path")) if isinstance(file, dict) else ""
        if not path:
            raise MediaGone("Telegram names no path for the file")
        return api.download(account, http, path)

    def wants_acknowledgement(self, account: Account, payload: Any) -> bool:
        return isinstance(payload, Mapping) and isinstance(payload.get("callback_query"), Mapping)

    def acknowledge(self, account: Account, payload: Any, http: Http) -> None:
        """The pressed button stops turning. One that was pressed too long ago is not asked about any more."""
        query = reading.ident(payload["callback_query"].get("id"))
        if query:
            api.must(account, http, "answerCallbackQuery", {"callback_query_id": query})

    # ── out ──

    def abilities(self, account: Account, conversation: Conversation, now: datetime) -> Abilities:
        return Abilities(
            max_length=outward.MAX_TEXT,
            attachment_kinds=KINDS,
            max_attachment_bytes=outward.MAX_FILE,
            can_quote=True,
            can_react=True,
            shows_typing=True,
            quick_replies=outward.MAX_BUTTONS,
            quick_reply_title=outward.MAX_LABEL,
            quick_reply_payload=outward.MAX_DATA,
            closed=BLOCKED if conversation.blocked else None,
        )

    def split(self, message: OutboundMessage, abilities: Abilities) -> Sequence[OutboundMessage]:
        return outward.parts_of(message, abilities)

    def send(self, account: Account, message: OutboundMessage, http: Http) -> Sent:
        if not account.get("bot_token").strip():
            raise DeliveryFailed(api.NOT_SET_UP, permanent=True, category="auth", code="settings")
        method, body = outward.method_and_body(message)
        try:
            answer = api.call(account, http, method, **body)
            moved = reading.ident(api.parameters(answer).get("migrate_to_chat_id"))
            if answer.status == 400 and moved and moved != message.to:
                # The group has another id since it became a supergroup; nothing went to the old one.
                method, body = outward.method_and_body(replace(message, to=moved))
                answer = api.call(account, http, method, **body)
        except HttpError as error:
            if 200 <= error.status < 300:  # taken, whatever becomes of the answer's body
                return Sent()
            raise failure_from(error) from error
        if not answer.ok:
            raise api.failure(account, answer)
        result = answer.json_object().get("result")
        return Sent(external_id=outward.sent_id(result if isinstance(result, dict) else {}, message))

    def mark_read(self, account: Account, conversation: Conversation, external_id: str, http: Http) -> None:
        """Only in the chats of a business account, where its owner lets the bot do so."""
        business = reading.ident((conversation.read_handle or {}).get("business"))
        message = reading.size(platform_id(external_id))
        if business and message:
            chat = outward.number(conversation.external_id)
            body = {"business_connection_id": business, "chat_id": chat, "message_id": message}
            api.must(account, http, "readBusinessMessage", body)

    def typing(self, account: Account, conversation: Conversation, http: Http) -> None:
        where = outward.target(conversation.external_id, conversation.reply_handle)
        api.must(account, http, "sendChatAction", {**where, "action": "typing"})

    def react(self, account: Account, conversation: Conversation, external_id: str, emoji: str, http: Http) -> None:
        reaction = [{"type": "emoji", "emoji": emoji}] if emoji else []
        body = {
            "chat_id": outward.number(conversation.external_id),
            "message_id": reading.size(platform_id(external_id)),
            "reaction": reaction,
        }
        try:
            api.must(account, http, "setMessageReaction", body)
        except HttpError as error:
            raise failure_from(error) from error

    # ── beside the messages ──

    def fetch_profile(self, account: Account, external_id: str, http: Http) -> Profile | None:
        """Of whoever has written to the bot, and of its groups. A picture by its id: its address holds the token."""
        answer = api.call(account, http, "getChat", {"chat_id": outward.number(external_id)})
        if answer.status in (400, 403, 404):
            return None
        if not answer.ok:
            raise Unanswered(f"the platform answered {answer.status}", answer.status)
        chat = answer.json_object().get("result")
        if not isinstance(chat, dict):
            return None
        photo = chat.get("photo")
        file_id = reading.ident(photo.get("big_file_id")) if isinstance(photo, dict) else None
        return Profile(
            name=updates.name_of(chat),
            username=reading.line(chat.get("username"), 64),
            picture=Remote(id=file_id, credentials=True) if file_id else None,
        )

    # ── set-up ──

    def check_settings(self, settings: Mapping[str, Any]) -> None:
        errors: dict[str, Any] = {}
        token, secret = (str(settings.get(name) or "").strip() for name in ("bot_token", "secret_token"))
        if token and not TOKEN.fullmatch(token):
            errors["bot_token"] = _("A number, a colon and 35 characters.")
        if secret and not SECRET.fullmatch(secret):
            errors["secret_token"] = _("Letters, digits, _ and - only, at most 256.")
        if errors:
            raise SettingsInvalid(errors)

    def check(self, account: Account, http: Http) -> Sequence[CheckLine]:
        if not account.get("bot_token").strip():
            return [CheckLine(ok=False, words=_(api.NOT_SET_UP))]
        try:
            me = api.must(account, http, "getMe")
            hook = api.must(account, http, "getWebhookInfo")
        except DeliveryFailed as failed:
            return [CheckLine(ok=False, words=_(failed.title))]
        except HttpError as error:
            return [CheckLine(ok=False, words=_(failure_from(error).title))]
        named = {"name": reading.line(me.get("username"), 64)}
        lines = [CheckLine(ok=True, words=_("Telegram accepts the token: it is @%(name)s.") % named)]
        return [*lines, *_check_webhook(account, hook), *_check_groups(me)]

    def connect(self, account: Account, http: Http) -> Sequence[CheckLine]:
        wanted = {
            "url": account.webhook_url,
            "secret_token": account.get("secret_token").strip(),
            "allowed_updates": sorted(updates.READERS),
        }
        try:
            api.must(account, http, "setWebhook", wanted)
        except DeliveryFailed as failed:
            words = _("Telegram did not take the webhook address: %(why)s") % {"why": failed.detail or _(failed.title)}
            return [CheckLine(ok=False, words=words)]
        except HttpError as error:
            return [CheckLine(ok=False, words=_(failure_from(error).title))]
        return [CheckLine(ok=True, words=_("Telegram posts to this channel from now on."))]

    def normalise_address(self, account: Account, external_id: str) -> str:
        found = external_id.strip()
        if not re.fullmatch(r"-?[0-9]{1,19}", found):
            raise ValueError(external_id)
        return found


BLOCKED = _("The customer has blocked the bot.")


def _check_webhook(account: Account, hook: Mapping[str, Any]) -> list[CheckLine]:
    url, trouble = reading.text(hook.get("url")), reading.line(hook.get("last_error_message"), 200)
    if not url:
        return [CheckLine(ok=False, words=_("Telegram has no webhook address yet: press Connect."))]
    if url != account.webhook_url:
        words = _("Telegram posts to another address: %(address)s. Press Connect.")
        return [CheckLine(ok=False, words=words % {"address": url[:200]})]
    lines = [CheckLine(ok=True, words=_("Telegram posts to this channel."))]
    allowed = hook.get("allowed_updates")
    if isinstance(allowed, list) and set(updates.READERS) - set(map(str, allowed)):
        lines.append(
            CheckLine(ok=False, words=_("Telegram does not send all that this channel can read: press Connect."))
        )
    if trouble:
        waiting = int(reading.number(hook.get("pending_update_count")) or 0)
        words = _("Telegram's last post did not arrive: %(why)s (%(count)d are waiting).")
        lines.append(CheckLine(ok=not waiting, words=words % {"why": trouble, "count": waiting}))
    return lines


def _check_groups(me: Mapping[str, Any]) -> list[CheckLine]:
    """Privacy mode is a choice, but one that surprises."""
    if me.get("can_read_all_group_messages") is not False:
        return []
    return [CheckLine(ok=True, words=_("In groups the bot sees only commands and answers to it (privacy mode)."))]
