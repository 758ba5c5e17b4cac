"""What goes to Telegram: one method for a text and one for each kind of file, uploaded as bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from channels_app import reading
from channels_app.adapters.telegram.updates import message_id
from channels_app.contract import (
    Abilities,
    OutboundAttachment,
    OutboundMessage,
    QuickReply,
    platform_id,
    split_text,
)

MAX_TEXT = 4096
MAX_CAPTION = 1024
MAX_FILE = 50 * 1024 * 1024
MAX_PHOTO = 10 * 1024 * 1024
MAX_BUTTONS, MAX_LABEL, MAX_DATA = 13, 64, 64


def parts_of(message: OutboundMessage, able: Abilities) -> Sequence[OutboundMessage]:
    """A file takes a short text along as its caption; more files go one by one."""
    texts = split_text(message.text, able) if message.text else []
    files = list(message.attachments)
    if len(texts) == 1 and len(files) == 1 and able.length(texts[0]) <= MAX_CAPTION:
        return [message]
    parts = [replace(message, text=text, attachments=()) for text in texts]
    parts += [replace(message, text="", attachments=(file,)) for file in files]
    first, *others = parts or [message]
    # One quotation, above; buttons stand under the last.
    whole = [first, *(replace(part, reply_to="") for part in others)]
    return [*(replace(part, quick_replies=()) for part in whole[:-1]), whole[-1]]


def method_and_body(message: OutboundMessage) -> tuple[str, dict[str, Any]]:
    """The method's name and the request's body: ``json``, or ``data`` and ``files`` for an upload."""
    about = {**target(message.to, message.reply_handle), **_around(message)}
    if not message.attachments:
        return "sendMessage", {"json": {**about, "text": message.text}}
    file = message.attachments[0]
    method, field = _method(file)
    caption = message.text or file.caption[:MAX_CAPTION]
    data = {**about, **({"caption": caption} if caption else {})}
    form = {name: value if isinstance(value, str) else json.dumps(value) for name, value in data.items()}
    content = (file.filename or field, file.open(), file.mime or "application/octet-stream")
    return method, {"data": form, "files": {field: content}}


def target(chat: str, handle: Mapping[str, Any] | None) -> dict[str, Any]:
    """To whom, into which topic and on whose behalf."""
    given = handle or {}
    topic, business = reading.size(given.get("topic")), reading.ident(given.get("business"))
    direct = reading.size(given.get("direct"))
    return {
        "chat_id": number(chat),
        **({"message_thread_id": topic} if topic else {}),
        **({"direct_messages_topic_id": direct} if direct else {}),
        **({"business_connection_id": business} if business else {}),
    }


def number(value: str) -> int | str:
    """Ids are numbers; what is none (@channel) stays as it is."""
    digits = value.removeprefix("-")
    return int(value) if digits.isascii() and digits.isdigit() and len(digits) < 20 else value


def _around(message: OutboundMessage) -> dict[str, Any]:
    more: dict[str, Any] = {}
    answered = reading.size(platform_id(message.reply_to)) if message.reply_to else None
    if answered:
        more["reply_parameters"] = {"message_id": answered, "allow_sending_without_reply": True}
    if message.quick_replies:
        more["reply_markup"] = {"inline_keyboard": [[_button(one)] for one in message.quick_replies]}
    return more


def _button(one: QuickReply) -> dict[str, str]:
    """What comes back is at most 64 bytes."""
    data = (one.payload or one.title).encode()[:MAX_DATA].decode(errors="ignore")
    return {"text": one.title, "callback_data": data}


def _method(file: OutboundAttachment) -> tuple[str, str]:
    """What Telegram would refuse as a photo or a voice goes as a file."""
    if file.kind == "image" and file.mime in ("image/jpeg", "image/png", "image/webp") and file.size <= MAX_PHOTO:
        return "sendPhoto", "photo"
    return METHODS.get((file.kind, file.mime), ("sendDocument", "document"))


METHODS = {
    ("image", "image/gif"): ("sendAnimation", "animation"),
    ("video", "video/mp4"): ("sendVideo", "video"),
    ("voice", "audio/ogg"): ("sendVoice", "voice"),
    ("audio", "audio/ogg"): ("sendVoice", "voice"),
    **{
        (kind, mime): ("sendAudio", "audio")
        for kind in ("audio", "voice")
        for mime in ("audio/mpeg", "audio/mp3", "audio/mp4", "audio/m4a", "audio/x-m4a")
    },
}


def sent_id(result: Mapping[str, Any], message: OutboundMessage) -> str:
    """As the same message would come in: with its chat, and the account it was sent for."""
    chat = result.get("chat")
    here = chat.get("id") if isinstance(chat, dict) else message.to
    business = (message.reply_handle or {}).get("business")
    return message_id(here, result.get("message_id"), business)
