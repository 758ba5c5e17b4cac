"""What goes to LINE: message objects, at most five in a call, and what its refusals mean."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.templatetags.static import static
from django.utils.translation import gettext_noop as N_

from channels_app import reading
from channels_app.adapters.line.sound import duration_ms
from channels_app.contract import (
    Abilities,
    Account,
    Category,
    DeliveryFailed,
    OutboundAttachment,
    OutboundMessage,
    QuickReply,
    split_text,
)
from channels_app.http import Response, failure_from

MAX_OBJECTS = 5
MAX_IMAGE = 10 * 1024 * 1024
MAX_BUTTONS = 13
MAX_LABEL = 20
MAX_DATA = 300
PICTURES = {"image/jpeg", "image/png"}
SOUNDS = {"audio/mpeg", "audio/mp3", "audio/mp4", "audio/x-m4a", "audio/m4a"}
RETRIES = uuid.UUID("6c696e65-7265-5472-8979-6b6579000000")


def retry_key(account: Account, message: OutboundMessage) -> str:
    """The same on every attempt, and never that of another hub or of this one before it began anew."""
    born = message.sent_at.isoformat() if message.sent_at else ""
    return str(uuid.uuid5(RETRIES, f"{account.webhook_url} {message.key} {born}"))


# ── The reply token ──────────────────────────────────────────────────────────────────────────


def reply_token(message: OutboundMessage, now: datetime) -> str:
    """The token of the customer's last message while it is good; "" then and after."""
    handle = message.reply_handle or {}
    until = expires_at(handle)
    return reading.text(handle.get("token")) if until and now < until else ""


def expires_at(handle: Any) -> datetime | None:
    return reading.moment(handle.get("expires_at")) if handle else None


def began_in_time(message: OutboundMessage) -> bool:
    """Whether an earlier attempt of this message may have used the token, which is over now."""
    until = expires_at(message.reply_handle)
    return until is not None and (message.sent_at is None or message.sent_at < until)


def token_is_over(answer: Response) -> bool:
    return answer.status == 400 and "reply token" in reading.text(answer.json_object().get("message")).lower()


# ── Message objects ──────────────────────────────────────────────────────────────────────────


def parts_of(message: OutboundMessage, able: Abilities) -> Sequence[OutboundMessage]:
    """Text first, then files, five objects to a call: a call counts once against the quota."""
    texts, files = split_text(message.text, able) if message.text else [], list(message.attachments)
    parts: list[OutboundMessage] = []
    while texts or files or not parts:
        text = texts.pop(0) if texts else ""
        room = MAX_OBJECTS - bool(text)
        taken, files = files[:room], files[room:]
        parts.append(replace(message, text=text, attachments=tuple(taken), quick_replies=()))
    # One token, one quotation; buttons stand under the last.
    later = [replace(part, reply_handle=None, reply_to="", reply_to_handle=None) for part in parts[1:]]
    whole = [parts[0], *later]
    whole[-1] = replace(whole[-1], quick_replies=message.quick_replies)
    return whole


def objects(account: Account, message: OutboundMessage) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    if message.text:
        quoted = (message.reply_to_handle or {}).get("token") if message.reply_to else None
        made.append({"type": "text", "text": message.text, **({"quoteToken": quoted} if quoted else {})})
    made += [_file(account, file) for file in message.attachments]
    if made and message.quick_replies:
        made[-1]["quickReply"] = {"items": [_button(one) for one in message.quick_replies[:MAX_BUTTONS]]}
    return made


def _file(account: Account, file: OutboundAttachment) -> dict[str, Any]:
    """By address, for LINE takes no bytes; what it has no message type for is a link."""
    if file.kind == "image" and file.mime in PICTURES and file.size <= MAX_IMAGE:
        return {"type": "image", "originalContentUrl": file.url, "previewImageUrl": file.url}
    if file.kind == "video" and file.mime == "video/mp4":
        return {"type": "video", "originalContentUrl": file.url, "previewImageUrl": _still(account)}
    if file.kind in ("audio", "voice") and file.mime in SOUNDS:
        return {"type": "audio", "originalContentUrl": file.url, "duration": duration_ms(file.open())}
    words = [file.caption, file.filename, file.url]
    return {"type": "text", "text": "\n".join(filter(None, words))}


def _still(account: Account) -> str:
    """LINE wants a picture in place of the film; we take none out of it, so it is one for all."""
    ours = urlsplit(account.webhook_url)
    path = static("icons/video.png")
    return path if urlsplit(path).netloc else f"{ours.scheme}://{ours.netloc}{path}"


def _button(one: QuickReply) -> dict[str, Any]:
    label = one.title if len(one.title) <= MAX_LABEL else one.title[: MAX_LABEL - 1] + "…"
    if one.payload:
        action = {"type": "postback", "data": one.payload[:MAX_DATA], "displayText": one.title[:MAX_DATA]}
    else:
        action = {"type": "message", "text": one.title[:MAX_DATA]}
    return {"type": "action", "action": {"label": label, **action}}


# ── What an answer means ─────────────────────────────────────────────────────────────────────


def sent_id(answer: Response) -> str:
    """The first of the messages that this call made."""
    made = answer.json_object().get("sentMessages")
    first = made[0] if isinstance(made, list) and made and isinstance(made[0], dict) else {}
    return reading.ident(first.get("id")) or ""


def failure(answer: Response) -> DeliveryFailed:
    said = answer.json_object()
    message = reading.line(said.get("message"), 300)
    details = said.get("details")
    more = [
        f"{reading.line(one.get('property'), 100)}: {reading.line(one.get('message'), 200)}"
        for one in (details[:5] if isinstance(details, list) else [])
        if isinstance(one, dict)
    ]
    detail = "; ".join(filter(None, [message, *more]))
    if answer.status == 429 and "monthly limit" in message.lower():
        return _failed(QUOTA_USED_UP, "rate", "monthly_limit", detail)
    if answer.status == 403:
        return _failed(NOT_ALLOWED, "auth", "403", detail)
    if answer.status == 400 and "'to'" in message:
        return _failed(NO_SUCH_ADDRESS, "content", "400", detail)
    return failure_from(answer, detail=detail)


def _failed(title: str, category: Category, code: str, detail: str) -> DeliveryFailed:
    return DeliveryFailed(title, permanent=True, category=category, code=code, detail=detail)


QUOTA_USED_UP = N_("This month's LINE messages are used up: an administrator can buy more in LINE's manager.")
NOT_ALLOWED = N_("LINE does not allow this channel to do that: look at its plan and its settings.")
NO_SUCH_ADDRESS = N_("LINE knows nobody by this address on this channel.")
NOT_SET_UP = N_("This channel lacks its access token: an administrator can set it.")
MAYBE_REPLIED = N_("No answer came, so it is not known whether the message arrived.")
