"""Calls to the Bot API and what its refusals mean. The token stands in the URL, so no URL leaves this file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from django.utils.translation import gettext_noop as N_

from channels_app import reading
from channels_app.contract import Account, Category, DeliveryFailed
from channels_app.http import (
    MAX_RETRY_AFTER,
    Download,
    Http,
    HttpError,
    Response,
    failure_from,
    retry_after,
)

API = "https://api.telegram.org"


def call(account: Account, http: Http, method: str, json: Any = None, **more: Any) -> Response:
    """The answer, whatever it is. Raises HttpError without the token in it."""
    try:
        return http.request("POST", f"{_root(account)}/{method}", json=json, **more)
    except HttpError as error:
        raise _scrubbed(account, error) from None


def must(account: Account, http: Http, method: str, json: Any = None, **more: Any) -> dict[str, Any]:
    """The result of a call that went well (of those that give an object). Raises DeliveryFailed or HttpError."""
    answer = call(account, http, method, json, **more)
    if not answer.ok:
        raise failure(account, answer)
    result = answer.json_object().get("result")
    return result if isinstance(result, dict) else {}


def download(account: Account, http: Http, path: str) -> Download:
    root = f"{account.base_url(API)}/file/bot{_token(account)}"
    try:
        return http.media(f"{root}/{quote(path, safe='/')}")
    except HttpError as error:
        raise _scrubbed(account, error) from None


def _token(account: Account) -> str:
    return quote(account.get("bot_token").strip(), safe=":")


def _root(account: Account) -> str:
    return f"{account.base_url(API)}/bot{_token(account)}"


def _scrubbed(account: Account, error: HttpError) -> HttpError:
    return type(error)(scrub(account, str(error)), error.status)


def scrub(account: Account, words: str) -> str:
    """A proxy's error page may name the address it was asked for."""
    for secret in {account.get("bot_token").strip(), _token(account)}:
        words = words.replace(secret, "…") if secret else words
    return words


# ── What an answer means ─────────────────────────────────────────────────────────────────────


def parameters(answer: Response) -> Mapping[str, Any]:
    found = answer.json_object().get("parameters")
    return found if isinstance(found, dict) else {}


def failure(account: Account, answer: Response) -> DeliveryFailed:
    """By the description, for Telegram has no finer codes than HTTP's."""
    said = scrub(account, reading.line(answer.json_object().get("description"), 300))
    for words, title, category in REFUSALS:
        if answer.status in (400, 403) and words in said.lower():
            return DeliveryFailed(title, permanent=True, category=category, code=str(answer.status), detail=said)
    if answer.status == 403:
        return DeliveryFailed(GONE, permanent=True, category="blocked", code="403", detail=said)
    if answer.status == 404:
        return DeliveryFailed(WRONG_TOKEN, permanent=True, category="auth", code="404", detail=said)
    found = failure_from(answer, detail=said)
    found.detail = scrub(account, found.detail)
    if answer.status == 429:
        told = reading.number(parameters(answer).get("retry_after"))
        wait = retry_after(answer.headers) if told is None else told
        found.retry_after = None if wait is None else min(max(wait, 0.0), MAX_RETRY_AFTER)
    return found


BLOCKED = N_("The customer has blocked the bot.")
GONE = N_("The bot may not write here any more.")
NO_CHAT = N_("Telegram knows no such chat, or nobody there has written to the bot yet.")
NO_RIGHTS = N_("The bot may not write in this group: its administrators decide that.")
WRONG_TOKEN = N_("Telegram does not know this bot token.")
NOT_SET_UP = N_("This channel lacks its bot token: an administrator can set it.")
# A refusal's words in lower case → what the agent reads.
REFUSALS: tuple[tuple[str, str, Category], ...] = (
    ("blocked by the user", BLOCKED, "blocked"),
    ("user is deactivated", N_("The customer's Telegram account is deleted."), "blocked"),
    ("bot was kicked", N_("The bot was removed from this group."), "blocked"),
    ("not a member", N_("The bot was removed from this group."), "blocked"),
    ("can't initiate conversation", NO_CHAT, "blocked"),
    ("bots can't send messages to bots", NO_CHAT, "blocked"),
    ("chat not found", NO_CHAT, "content"),
    ("user not found", NO_CHAT, "content"),
    ("peer_id_invalid", NO_CHAT, "content"),
    ("not enough rights", NO_RIGHTS, "blocked"),
    ("chat_write_forbidden", NO_RIGHTS, "blocked"),
    ("have no rights", NO_RIGHTS, "blocked"),
    ("administrator rights", NO_RIGHTS, "blocked"),
    ("chat_admin_required", NO_RIGHTS, "blocked"),
    ("chat_restricted", NO_RIGHTS, "blocked"),
    ("user_banned_in_channel", NO_RIGHTS, "blocked"),
    ("user_is_blocked", BLOCKED, "blocked"),
    ("input_user_deactivated", N_("The customer's Telegram account is deleted."), "blocked"),
    ("channel_private", N_("The bot was removed from this group."), "blocked"),
    ("group chat was deleted", N_("The bot was removed from this group."), "blocked"),
    ("chat_id is empty", NO_CHAT, "content"),
    ("business_peer_invalid", GONE, "blocked"),
    ("business_connection", GONE, "blocked"),
    ("business connection", GONE, "blocked"),
    ("voice_messages_forbidden", N_("The customer takes no voice messages."), "content"),
    ("topic_closed", N_("This topic of the group is closed."), "content"),
    ("message is too long", N_("The message is too long."), "content"),
    ("caption is too long", N_("The message is too long."), "content"),
    ("reaction_invalid", N_("Telegram does not take this emoji as a reaction."), "content"),
)
