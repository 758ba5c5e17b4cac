"""LINE Messaging API: signed batches in; out by the customer's reply token while it is free, then by push.

A reply token is good once and within a minute. It is tried while younger than 50 s and while no other
reply has had it (the desk sees to that). A push carries a retry key, so it may be repeated; a reply
that got no answer is repeated with its token, which LINE refuses when it was used: then it is out.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from django.utils.translation import gettext_lazy as _

from channels_app import reading
from channels_app.adapters.line import inward, outward
from channels_app.contract import (
    BASE_URL,
    READ_RECEIPTS,
    Abilities,
    Account,
    Adapter,
    CheckLine,
    Conversation,
    DeliveryFailed,
    Field,
    InboundRequest,
    News,
    NotAuthentic,
    OutboundMessage,
    Profile,
    Quota,
    Remote,
    Sent,
    SettingsInvalid,
    SetupStep,
    Unreadable,
)
from channels_app.http import Download, Http, HttpError, Response, Unanswered, failure_from

API = "https://api.line.me"
API_DATA = "https://api-data.line.me"
MAX_TEXT = 5000
KINDS = frozenset({"image", "video", "audio", "voice", "file"})
ADDRESS = re.compile(r"[UCR][0-9a-zA-Z]{8,63}", re.IGNORECASE)
TYPING_SECONDS = 20
CONSOLE = "https://developers.line.biz/console/"
MANAGER = "https://manager.line.biz/"


class LineAdapter(Adapter):
    kind = "line"
    label = _("LINE")
    about = _("A LINE Official Account: chats with friends of it, and groups it is in.")
    icon = "message-circle"
    api_host = API
    idempotent = True
    has_profiles = True
    can_connect = True
    fields = (
        Field(
            name="channel_secret",
            label=_("Channel secret"),
            help=_("On the tab “Basic settings” of the channel in the LINE Developers console."),
            secret=True,
        ),
        Field(
            name="channel_access_token",
            label=_("Channel access token"),
            help=_("The long-lived one, at the end of the tab “Messaging API”."),
            secret=True,
        ),
        READ_RECEIPTS,
        BASE_URL,
    )
    setup_steps = (
        SetupStep(words=_("Open your Messaging API channel in the LINE Developers console."), link=CONSOLE),
        SetupStep(words=_("Copy the channel secret and a long-lived access token from there to here, and save.")),
        SetupStep(words=_("Press Connect here, or put this address into “Webhook URL” there."), copy="webhook_url"),
        SetupStep(words=_("Turn on “Use webhook” and “Webhook redelivery”, so that no message gets lost.")),
        SetupStep(words=_("In LINE's manager: auto-reply messages off, chat on (for read receipts)."), link=MANAGER),
        SetupStep(words=_("For groups: allow the account to join group chats.")),
    )  # fmt: skip

    # ── in ──

    def verify(self, account: Account, request: InboundRequest) -> None:
        given = request.header("x-line-signature").encode("utf-8", "replace")
        for secret in account.get("channel_secret").split()[:2]:
            right = base64.b64encode(hmac.digest(secret.encode(), request.body, "sha256"))
            if hmac.compare_digest(right, given):
                return
        raise NotAuthentic("no signature matches, or no channel secret to check it with")

    def parse(self, account: Account, payload: Any) -> Iterable[News | Unreadable]:
        return inward.events(payload)

    def fetch_media(self, account: Account, attachment: Remote, http: Http) -> Download:
        """By the message's id with our token; a sender's own address and the sticker shop get none."""
        if attachment.credentials:
            url = f"{account.base_url(API_DATA)}/v2/bot/message/{quote(attachment.id, safe='')}/content"
            return http.media(url, headers=_bearer(account))
        if attachment.url.startswith(inward.STICKERS + "/"):
            return http.media(account.base_url(inward.STICKERS) + attachment.url.removeprefix(inward.STICKERS))
        return http.media(attachment.url)

    # ── out ──

    def abilities(self, account: Account, conversation: Conversation, now: datetime) -> Abilities:
        until = outward.expires_at(conversation.reply_handle)
        free = until is not None and now < until
        closed = BLOCKED if conversation.blocked else None
        if conversation.quota_left is not None and conversation.quota_left <= 0 and not free:
            closed = closed or _(outward.QUOTA_USED_UP)
        return Abilities(
            max_length=MAX_TEXT,
            unit="utf16",
            attachment_kinds=KINDS,
            can_write_first=True,
            can_quote=True,
            shows_typing=not conversation.is_group,
            quick_replies=outward.MAX_BUTTONS,
            quick_reply_title=outward.MAX_LABEL,
            quick_reply_payload=outward.MAX_DATA,
            reply_until=until if free else None,
            window_words=FREE if free else COUNTED,
            after_window=THEN_COUNTED if free else None,
            closed=closed,
            quota_left=conversation.quota_left,
        )

    def split(self, message: OutboundMessage, abilities: Abilities) -> Sequence[OutboundMessage]:
        return outward.parts_of(message, abilities)

    def send(self, account: Account, message: OutboundMessage, http: Http) -> Sent:
        if not account.get("channel_access_token").strip():
            raise DeliveryFailed(outward.NOT_SET_UP, permanent=True, category="auth", code="settings")
        token = outward.reply_token(message, datetime.now(UTC))
        if message.unconfirmed and not token and outward.began_in_time(message):
            # It may have gone out by the token, which can no longer tell; a push might be a second one.
            raise DeliveryFailed(outward.MAYBE_REPLIED, permanent=True, category="unconfirmed", code="reply_token")
        try:
            return self._reply(account, message, token, http) or self._push(account, message, http)
        except HttpError as error:
            if 200 <= error.status < 300:  # taken, whatever becomes of the answer's body
                return Sent()
            raise failure_from(error) from error

    def _reply(self, account: Account, message: OutboundMessage, token: str, http: Http) -> Sent | None:
        """None: there is no token, or it is over."""
        if not token:
            return None
        body = {"replyToken": token, "messages": outward.objects(account, message)}
        answer = _post(account, http, "/v2/bot/message/reply", body)
        if answer.ok:
            return Sent(external_id=outward.sent_id(answer))
        if not outward.token_is_over(answer):
            raise outward.failure(answer)
        # Nobody else has had this token: the attempt without an answer has used it.
        return Sent() if message.unconfirmed else None

    def _push(self, account: Account, message: OutboundMessage, http: Http) -> Sent:
        body = {"to": message.to, "messages": outward.objects(account, message)}
        key = {"X-Line-Retry-Key": outward.retry_key(account, message)}
        answer = _post(account, http, "/v2/bot/message/push", body, key)
        if not answer.ok and answer.status != 409:  # 409: accepted at an earlier attempt
            raise outward.failure(answer)
        return Sent(external_id=outward.sent_id(answer))

    def mark_read(self, account: Account, conversation: Conversation, external_id: str, http: Http) -> None:
        token = reading.text((conversation.read_handle or {}).get("token"))
        if token:
            _must(_post(account, http, "/v2/bot/chat/markAsRead", {"markAsReadToken": token}))

    def typing(self, account: Account, conversation: Conversation, http: Http) -> None:
        if not conversation.is_group:
            body = {"chatId": conversation.external_id, "loadingSeconds": TYPING_SECONDS}
            _must(_post(account, http, "/v2/bot/chat/loading/start", body))

    # ── beside the messages ──

    def fetch_profile(self, account: Account, external_id: str, http: Http) -> Profile | None:
        """Of a friend, or of a group we are in; LINE tells nothing of rooms."""
        path = PROFILES.get(external_id[:1].lower(), "") if ADDRESS.fullmatch(external_id) else ""
        return self._profile(account, http, path.format(external_id)) if path else None

    def fetch_member(self, account: Account, group: str, external_id: str, http: Http) -> Profile | None:
        """Of whoever is no friend of the account: named only through the group or room they wrote in."""
        path = MEMBERS.get(group[:1].lower(), "") if ADDRESS.fullmatch(group) and ADDRESS.fullmatch(external_id) else ""
        return self._profile(account, http, path.format(group, external_id)) if path else None

    def _profile(self, account: Account, http: Http, path: str) -> Profile | None:
        answer = _get(account, http, path)
        if answer.status in (400, 403, 404):
            return None
        if not answer.ok:
            raise Unanswered(f"the platform answered {answer.status}", answer.status)
        said = answer.json_object()
        return Profile(
            name=reading.line(said.get("displayName") or said.get("groupName")),
            language=reading.language(said.get("language")),
            picture_url=reading.web_url(said.get("pictureUrl")),
        )

    def quota(self, account: Account, http: Http) -> Quota | None:
        limit = _must(_get(account, http, "/v2/bot/message/quota")).json_object()
        used = _must(_get(account, http, "/v2/bot/message/quota/consumption")).json_object()
        return Quota(
            limit=reading.size(limit.get("value")) if limit.get("type") == "limited" else None,
            used=reading.size(used.get("totalUsage")) or 0,
        )

    # ── set-up ──

    def check_settings(self, settings: Mapping[str, Any]) -> None:
        errors: dict[str, Any] = {}
        token = str(settings.get("channel_access_token") or "").strip()
        if not (token.isascii() and token.isprintable()) or " " in token:
            errors["channel_access_token"] = _("One long line of letters, digits and signs.")
        if len(str(settings.get("channel_secret") or "").split()) > 2:
            errors["channel_secret"] = _("At most two secrets.")
        if errors:
            raise SettingsInvalid(errors)

    def check(self, account: Account, http: Http) -> Sequence[CheckLine]:
        missing = [
            CheckLine(ok=False, words=words)
            for name, words in (("channel_secret", NO_SECRET), ("channel_access_token", _(outward.NOT_SET_UP)))
            if not account.get(name).strip()
        ]
        if missing:
            return missing
        try:
            return [_check_bot(account, http), _check_webhook(account, http)]
        except DeliveryFailed as failed:
            return [CheckLine(ok=False, words=_(failed.title))]
        except HttpError as error:
            return [CheckLine(ok=False, words=_(failure_from(error).title))]

    def connect(self, account: Account, http: Http) -> Sequence[CheckLine]:
        try:
            endpoint = {"endpoint": account.webhook_url}
            _must(_send(account, http, "PUT", "/v2/bot/channel/webhook/endpoint", endpoint))
            tried = _must(_post(account, http, "/v2/bot/channel/webhook/test", endpoint)).json_object()
        except DeliveryFailed as failed:
            words = _("LINE did not take the webhook address: %(why)s") % {"why": failed.detail or _(failed.title)}
            return [CheckLine(ok=False, words=words)]
        except HttpError as error:
            return [CheckLine(ok=False, words=_(failure_from(error).title))]
        lines = [CheckLine(ok=True, words=_("LINE has the webhook address of this channel."))]
        if tried.get("success") is True:
            return [*lines, CheckLine(ok=True, words=_("LINE's test post to it arrived."))]
        why = reading.line(tried.get("detail") or tried.get("reason"), 300)
        return [*lines, CheckLine(ok=False, words=_("LINE's test post did not arrive: %(why)s") % {"why": why})]

    def normalise_address(self, account: Account, external_id: str) -> str:
        found = external_id.strip()
        if not ADDRESS.fullmatch(found):
            raise ValueError(external_id)
        return found


PROFILES = {"u": "/v2/bot/profile/{}", "c": "/v2/bot/group/{}/summary"}
MEMBERS = {"c": "/v2/bot/group/{}/member/{}", "r": "/v2/bot/room/{}/member/{}"}
FREE = _("The first answer within a minute of the customer's message is free.")
COUNTED = _("Each answer counts against this month's quota.")
THEN_COUNTED = _("After that each answer counts against this month's quota.")
BLOCKED = _("The customer has blocked this account, so nothing would arrive.")
NO_SECRET = _("This channel lacks its channel secret, so no message can come in.")


# ── Requests ─────────────────────────────────────────────────────────────────────────────────


def _bearer(account: Account) -> dict[str, str]:
    return {"Authorization": f"Bearer {account.get('channel_access_token').strip()}"}


def _send(
    account: Account, http: Http, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
) -> Response:
    url = account.base_url(API) + path
    return http.request(method, url, headers={**_bearer(account), **(headers or {})}, json=body)


def _post(
    account: Account, http: Http, path: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Response:
    return _send(account, http, "POST", path, body, headers)


def _get(account: Account, http: Http, path: str) -> Response:
    return _send(account, http, "GET", path)


def _must(answer: Response) -> Response:
    if not answer.ok:
        raise outward.failure(answer)
    return answer


def _check_bot(account: Account, http: Http) -> CheckLine:
    bot = _must(_get(account, http, "/v2/bot/info")).json_object()
    named = {"name": reading.line(bot.get("displayName")), "id": reading.line(bot.get("basicId"), 60)}
    return CheckLine(ok=True, words=_("LINE accepts the access token: it is %(name)s (%(id)s).") % named)


def _check_webhook(account: Account, http: Http) -> CheckLine:
    """404: none is set."""
    answer = _get(account, http, "/v2/bot/channel/webhook/endpoint")
    said = {} if answer.status == 404 else _must(answer).json_object()
    if not said.get("endpoint"):
        return CheckLine(ok=False, words=_("LINE has no webhook address yet: press Connect."))
    if said.get("endpoint") != account.webhook_url:
        words = _("LINE posts to another address: %(address)s. Press Connect.")
        return CheckLine(ok=False, words=words % {"address": reading.line(said.get("endpoint"), 200)})
    if said.get("active") is not True:
        return CheckLine(ok=False, words=_("LINE has the address, but “Use webhook” is off in the console."))
    return CheckLine(ok=True, words=_("LINE posts to this channel, and webhooks are on."))
