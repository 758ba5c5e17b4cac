"""What Telegram posts: one update, of one kind; each kind is a small function in a table.

Documented at core.telegram.org/bots/api#update. A message id is one of a kind in its chat only, so it is
kept with the chat (and with the business account whose chat it is).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from channels_app import reading
from channels_app.adapters.telegram import content
from channels_app.contract import (
    Deletion,
    Edit,
    InboundMessage,
    News,
    Notice,
    Postback,
    Reaction,
    ReplyTo,
    Sender,
    UnreadableEvent,
    fit_id,
    scoped_id,
)

Json = Mapping[str, Any]
UNKNOWN = "unknown"
GROUPS = ("group", "supergroup")
# Telegram's own stand-ins for an anonymous administrator, a channel in a group, and a forward from a channel.
STAND_INS = frozenset({"1087968824", "136817688", "777000"})
CUSTOM_EMOJI = "❔"


def news(payload: Any) -> list[News]:
    """All that one update says; several deletions may come in one."""
    if not isinstance(payload, Mapping):
        raise UnreadableEvent("the update is not an object")
    update = reading.ident(payload.get("update_id")) or ""
    for kind, value in payload.items():
        reader = READERS.get(kind) or UNASKED.get(kind)
        if reader is not None and isinstance(value, Mapping):
            return list(reader(update, value))
    return [_unknown(update, payload)]


def _inner(value: Json, name: str) -> Json:
    found = value.get(name)
    return found if isinstance(found, Mapping) else {}


# ── People and places ────────────────────────────────────────────────────────────────────────


def _person(value: Json) -> Sender | None:
    """A user, or a chat that speaks as one."""
    external_id = reading.ident(value.get("id"))
    if external_id is None:
        return None
    return Sender(
        external_id=external_id,
        name=name_of(value),
        username=reading.line(value.get("username"), 64),
        language=reading.language(value.get("language_code")),
        is_bot=value.get("is_bot") is True,
    )


def name_of(value: Json) -> str:
    names = (reading.line(value.get(part)) for part in ("first_name", "last_name"))
    return reading.line(" ".join(filter(None, names))) or reading.line(value.get("title"))


def _speaker(message: Json) -> Sender | None:
    """Who wrote it: a user, or the chat in whose name it was written."""
    user, chat, here = (_person(_inner(message, name)) for name in ("from", "sender_chat", "chat"))
    if chat and here and chat.external_id != here.external_id:
        return chat if user is None or user.external_id in STAND_INS else user
    # A post in a channel is the channel's own.
    return user or chat or (here if _inner(message, "chat").get("type") == "channel" else None)


def _where(update: str, message: Json, sender: Sender | None, at: str = "date") -> dict[str, Any]:
    """A conversation is a chat; it is a group where somebody else than the chat itself speaks in it."""
    chat = _inner(message, "chat")
    chat_id = reading.ident(chat.get("id"))
    alone = chat_id is None or sender is None or sender.external_id == chat_id or _is_business(message)
    return {
        "conversation": chat_id or (sender.external_id if sender else ""),
        "is_group": chat.get("type") in GROUPS or not alone,
        "group_name": "" if alone and chat.get("type") not in GROUPS else name_of(chat),
        "occurred_at": reading.moment(message.get(at)) or reading.moment(message.get("date")),
        "event_id": update,
    }


def _is_business(message: Json) -> bool:
    return bool(reading.ident(message.get("business_connection_id")))


def message_id(chat: Any, number: Any, business: Any = None) -> str:
    """The id that is one of a kind in this channel; "" where there is none."""
    here, own, account = reading.ident(chat), reading.ident(number), reading.ident(business)
    scope = ":".join(filter(None, (account, here)))
    return fit_id(scoped_id(scope, own)) if own and scope else own or ""


def _id_of(message: Json) -> str:
    chat, number = _inner(message, "chat").get("id"), message.get("message_id")
    passing = reading.ident(message.get("ephemeral_message_id"))
    if passing and reading.ident(number) in (None, "0"):
        number = f"e{passing}"
    return message_id(chat, number, message.get("business_connection_id"))


# ── Messages ─────────────────────────────────────────────────────────────────────────────────


def _message(update: str, message: Json) -> Iterator[News]:
    for name, kind in SERVICE.items():
        if content.is_there(message.get(name)):
            yield _service(update, message, name, kind)
            return
    yield _spoken(update, message)


def _spoken(update: str, message: Json) -> InboundMessage:
    sender, external_id = _speaker(message), _id_of(message)
    where = _where(update, message, sender)
    if not external_id:
        raise UnreadableEvent("the message has no id")
    said = content.read(message)
    pressed = _inner(message, "web_app_data")
    postback = Postback(title=reading.text(pressed.get("button_text")), payload=reading.text(pressed.get("data")))
    return InboundMessage(
        **where,
        external_id=external_id,
        sender=sender or _somebody(where),
        text=said.text,
        attachments=said.files,
        reply_to=_answered(message),
        postback=postback if pressed else None,
        unsupported=bool(said.unsupported) and not pressed,
        unsupported_reason="" if pressed else said.unsupported,
        echo=_is_own(message, sender),
        forwarded=any(content.is_there(message.get(name)) for name in FORWARDED),
        reply_handle=_handle(message),
        read_handle=_reading(message),
        thread_id=_thread(message),
        group_key=reading.ident(message.get("media_group_id")) or "",
    )


FORWARDED = ("forward_origin", "forward_date", "forward_from", "forward_from_chat", "forward_sender_name")


def _somebody(where: Mapping[str, Any]) -> Sender:
    """Nobody knows who."""
    return Sender(external_id=where["conversation"] or UNKNOWN, name=where["group_name"])


def _is_own(message: Json, sender: Sender | None) -> bool:
    """In a business account's chat the other one is the customer; the rest was written by its owner."""
    chat = reading.ident(_inner(message, "chat").get("id"))
    return _is_business(message) and sender is not None and chat is not None and sender.external_id != chat


def _thread(message: Json) -> str:
    return reading.ident(message.get("message_thread_id")) or ""


def _handle(message: Json) -> dict[str, Any]:
    """Where an answer goes beside the chat: on whose behalf, into which topic, to whom of a channel's readers."""
    topic = _thread(message) if message.get("is_topic_message") is True else ""
    direct = reading.ident(_inner(message, "direct_messages_topic").get("topic_id"))
    handle = {"business": reading.ident(message.get("business_connection_id")) or "", "topic": topic}
    return {**handle, "direct": direct} if direct else handle


def _reading(message: Json) -> dict[str, Any] | None:
    """Only a business account's messages can be marked as read."""
    return {"business": reading.ident(message["business_connection_id"])} if _is_business(message) else None


def _answered(message: Json) -> ReplyTo | None:
    quoted = reading.text(_inner(message, "quote").get("text"))
    original, elsewhere = _inner(message, "reply_to_message"), _inner(message, "external_reply")
    own = reading.ident(original.get("message_id"))
    if own and not (message.get("is_topic_message") is True and own == _thread(message)):
        chat, business = _inner(message, "chat").get("id"), message.get("business_connection_id")
        snippet = quoted or reading.text(original.get("text")) or reading.text(original.get("caption"))
        return ReplyTo(external_id=message_id(chat, own, business), snippet=snippet[:500])
    if elsewhere:
        found = message_id(_inner(elsewhere, "chat").get("id"), elsewhere.get("message_id"))
        return ReplyTo(external_id=found, snippet=(quoted or content.read(elsewhere).text)[:500])
    if _inner(message, "reply_to_story"):
        return ReplyTo(external_id=reading.ident(_inner(message, "reply_to_story").get("id")) or "", kind="story")
    return None


def _edited(update: str, message: Json) -> Iterator[News]:
    sender, target = _speaker(message), _id_of(message)
    where = _where(update, message, sender, "edit_date")
    if not target:
        raise UnreadableEvent("the edit names no message")
    said = content.read(message)
    # What its owner changed is known already, or nobody can say whose it is.
    author = None if _is_own(message, sender) else sender or _somebody(where)
    yield Edit(**where, target=target, text=said.text, sender=author, attachments=said.files or None)


def _deleted(update: str, value: Json) -> Iterator[News]:
    chat, business, ids = _inner(value, "chat"), value.get("business_connection_id"), value.get("message_ids")
    where = _where(update, value, None)
    for one in ids[:1000] if isinstance(ids, list) else []:
        target = message_id(chat.get("id"), one, business)
        if target:
            yield Deletion(**where, target=target, sender=_person(chat))


def _pressed(update: str, query: Json) -> Iterator[News]:
    """A button under one of our messages. Telegram tells of no time."""
    sender, message = _person(_inner(query, "from")), _inner(query, "message")
    external_id = reading.ident(query.get("id")) or update
    if sender is None or not external_id:
        raise UnreadableEvent("the pressed button has no id, or nobody pressed it")
    payload = reading.text(query.get("data")) or reading.text(query.get("game_short_name"))
    where = {**_where(update, message, sender), "occurred_at": None}
    under = _id_of(message)
    # Known by the press, shown by the message it was under.
    pressed = (
        scoped_id(f"press {external_id}", reading.ident(message.get("message_id")) or "") if under else external_id
    )
    yield InboundMessage(
        **where,
        external_id=fit_id(pressed),
        sender=sender,
        postback=Postback(title=_title(message, payload), payload=payload),
        reply_to=ReplyTo(external_id=under) if under else None,
        reply_handle=_handle(message),
    )


def _title(message: Json, payload: str) -> str:
    """What stood on the button: the keyboard comes along."""
    rows = _inner(message, "reply_markup").get("inline_keyboard")
    for row in rows[:100] if isinstance(rows, list) else []:
        for button in row[:20] if isinstance(row, list) else []:
            if isinstance(button, Mapping) and payload and button.get("callback_data") == payload:
                return reading.text(button.get("text"))
    return ""


# ── Reactions ────────────────────────────────────────────────────────────────────────────────


def _reaction(update: str, value: Json) -> Iterator[News]:
    """Both lists are whole; the desk keeps one for each author: what was added, else what is left."""
    sender = _person(_inner(value, "user")) or _person(_inner(value, "actor_chat"))
    target = _id_of(value)
    if sender is None or not target:
        raise UnreadableEvent("the reaction names no message, or nobody reacted")
    old, new = _emojis(value.get("old_reaction")), _emojis(value.get("new_reaction"))
    added = [one for one in new if one not in old]
    emoji = next((one for one in (*added, *new, *old) if one), "")
    yield Reaction(**_where(update, value, sender), target=target, sender=sender, emoji=emoji, removed=not new)


def _emojis(value: Any) -> list[str]:
    listed = [one for one in value[:50] if isinstance(one, Mapping)] if isinstance(value, list) else []
    return [REACTED.get(str(one.get("type"))[:20], "") or reading.line(one.get("emoji"), 64) for one in listed]


REACTED = {"custom_emoji": CUSTOM_EMOJI, "paid": "⭐"}


# ── Notices ──────────────────────────────────────────────────────────────────────────────────


def _service(update: str, message: Json, name: str, kind: str) -> Notice:
    sender, value = _speaker(message), message[name]
    where = _where(update, message, sender)
    people = value if isinstance(value, list) else [value]
    members = [one for one in (_person(two) for two in people[:50] if isinstance(two, Mapping)) if one]
    detail: dict[str, Any] = {}
    if name in ("new_chat_members", "new_chat_member", "left_chat_member") and members:
        sender, detail = members[0], {"members": [one.name or one.external_id for one in members]}
    elif isinstance(value, str):
        detail = {"text": reading.line(value, 300)}
    moved_to = ""
    if name == "migrate_to_chat_id":
        moved_to = reading.ident(value) or ""
    elif name == "migrate_from_chat_id":
        moved_to, where["conversation"] = where["conversation"], reading.ident(value) or ""
    return Notice(**where, kind=kind, sender=sender, moved_to=moved_to, detail=detail)


# What is told in a chat and said by nobody. All others of the kind are named as Telegram does.
SERVICE = {
    "new_chat_members": "member_joined",
    "new_chat_member": "member_joined",
    "left_chat_member": "member_left",
    "migrate_to_chat_id": "moved",
    "migrate_from_chat_id": "moved",
    **{
        name: name
        for name in (
            "new_chat_title", "new_chat_photo", "delete_chat_photo", "group_chat_created", "supergroup_chat_created",
            "channel_chat_created", "message_auto_delete_timer_changed", "pinned_message", "connected_website",
            "write_access_allowed", "proximity_alert_triggered", "boost_added", "chat_background_set",
            "forum_topic_created", "forum_topic_edited", "forum_topic_closed", "forum_topic_reopened",
            "general_forum_topic_hidden", "general_forum_topic_unhidden", "giveaway_created", "giveaway_completed",
            "video_chat_scheduled", "video_chat_started", "video_chat_ended", "video_chat_participants_invited",
            "voice_chat_scheduled", "voice_chat_started", "voice_chat_ended", "voice_chat_participants_invited",
            "checklist_tasks_done", "checklist_tasks_added", "paid_message_price_changed",
            "direct_message_price_changed", "suggested_post_approved", "suggested_post_approval_failed",
            "suggested_post_declined", "suggested_post_paid", "suggested_post_refunded",
            "chat_owner_left", "chat_owner_changed", "managed_bot_created", "poll_option_added", "poll_option_deleted",
            "community_chat_added", "community_chat_joined", "community_chat_removed",
        )
    },
}  # fmt: skip
GONE = ("kicked", "left")


def _own_membership(update: str, value: Json) -> Iterator[News]:
    """The bot itself: blocked or taken back by a person, put into a group or out of it."""
    sender, status = _person(_inner(value, "from")), _inner(value, "new_chat_member").get("status")
    before = _inner(value, "old_chat_member").get("status")
    private = _inner(value, "chat").get("type") == "private"
    mute = status == "restricted" and _inner(value, "new_chat_member").get("can_send_messages") is False
    blocked, was = status in GONE or mute, before in GONE
    kind = "member_changed"
    if blocked:
        kind = "unfollow" if private else "leave"
    elif was:
        kind = "follow" if private else "join"
    where = {**_where(update, value, sender), **({"is_group": False, "group_name": ""} if private else {})}
    yield Notice(**where, kind=kind, sender=sender, blocked=blocked, detail={"status": reading.line(status, 40)})


def _membership(update: str, value: Json) -> Iterator[News]:
    changed = _inner(value, "new_chat_member")
    status, before = changed.get("status"), _inner(value, "old_chat_member").get("status")
    kind = "member_left" if status in GONE else "member_joined" if before in GONE else "member_changed"
    sender = _person(_inner(changed, "user")) or _person(_inner(value, "from"))
    yield Notice(**_where(update, value, sender), kind=kind, sender=sender, detail={"status": reading.line(status, 40)})


def _told(kind: str) -> Callable[[str, Json], Iterator[News]]:
    def read(update: str, value: Json) -> Iterator[News]:
        sender = _person(_inner(value, "from")) or _person(_inner(value, "user"))
        yield Notice(**_where(update, value, sender), kind=kind, sender=sender)

    return read


# ── What nobody knows yet ────────────────────────────────────────────────────────────────────


def _unknown(update: str, payload: Json) -> InboundMessage:
    """Shown with what it has, under whoever it names."""
    kind, value = next(((name, one) for name, one in payload.items() if isinstance(one, Mapping)), ("", {}))
    named = (_person(_inner(value, name)) for name in ("from", "user", "voter_chat", "chat", "sender_chat"))
    sender = next(filter(None, named), None)
    own = _id_of(value) or reading.ident(value.get("id"))
    if not (update or own):
        raise UnreadableEvent("the update has no id")
    where = _where(update, value, sender)
    return InboundMessage(
        **where,
        external_id=fit_id(f"update-{update}" if update else own or ""),
        sender=sender or _somebody(where),
        text=reading.text(value.get("query")) or reading.text(value.get("question")) or content.read(value).text,
        unsupported=True,
        unsupported_reason=reading.line(kind, 40) or "empty update",
    )


READERS: dict[str, Callable[[str, Json], Iterator[News]]] = {
    "message": _message,
    "edited_message": _edited,
    "channel_post": _message,
    "edited_channel_post": _edited,
    "business_message": _message,
    "edited_business_message": _edited,
    "deleted_business_messages": _deleted,
    "business_connection": _told("business_connection"),
    "callback_query": _pressed,
    "message_reaction": _reaction,
    "message_reaction_count": _told("reaction_count"),
    "my_chat_member": _own_membership,
    "chat_member": _membership,
    "chat_join_request": _told("join_request"),
    "chat_boost": _told("boost"),
    "removed_chat_boost": _told("boost_removed"),
}
# Read where they come, and not asked for: a guest's chat is not the bot's, so no answer of ours would get there.
UNASKED: dict[str, Callable[[str, Json], Iterator[News]]] = {"guest_message": _message}
