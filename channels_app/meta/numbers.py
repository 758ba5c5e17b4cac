"""What WhatsApp's Cloud API posts: messages, echoes of the phone app, statuses, and news about the account.

Read by content, not by ``field``: the lists that are there say what it is. A person is known by their
number where there is one, else by the business-scoped id; both are handed up, so that they are one person.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from channels_app import reading
from channels_app.contract import (
    Deletion,
    Edit,
    InboundMessage,
    News,
    Notice,
    Reaction,
    Receipt,
    ReceiptState,
    ReplyTo,
    Sender,
    Unreadable,
    UnreadableEvent,
    fit_id,
)
from channels_app.meta import errors
from channels_app.meta.contents import READERS, Content
from channels_app.meta.door import Json, entries, fingerprint, guarded, items, obj, said, word

OBJECT = "whatsapp_business_account"
# What the dashboard's Test button sends: it must start nothing.
PING = ("0", "123456123")
NUMBER = re.compile(r"[0-9]{7,15}")
UNKNOWN = "unknown"
# A business-scoped user id, which stands where somebody hides their number.
SCOPED = re.compile(r"[A-Za-z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}")


@dataclass(frozen=True, slots=True)
class Scene:
    """What stands around the messages of one change.

    phone_number_id: which of our numbers it came to. own: the one that the channel names, "" if it takes all.
    """

    phone_number_id: str
    own: str
    contacts: tuple[Json, ...]
    known: Mapping[str, Json]
    errors: tuple[Any, ...] = ()
    entry: Json = field(default_factory=dict)


def parse(own: str, payload: Any) -> Iterator[News | Unreadable]:
    """own: the one number that counts, "" for all."""
    for entry in entries(payload, OBJECT):
        if not isinstance(entry, Mapping):
            yield Unreadable(error="an entry is not an object")
            continue
        yield from guarded(_changes(own, entry))


def _changes(own: str, entry: Json) -> Iterator[News | Unreadable]:
    for change in _several(entry, "changes"):
        yield from guarded(_change(own, entry, change))


def _several(holder: Json, name: str) -> list[Any]:
    given = holder.get(name)
    if given is not None and not isinstance(given, list | Mapping):
        raise UnreadableEvent(f"“{name}” is not a list")
    return items(given)


def _change(own: str, entry: Json, change: Any) -> Iterator[News | Unreadable]:
    value = obj(change).get("value")
    if not isinstance(value, Mapping):
        raise UnreadableEvent("a change has no value")
    number = reading.ident(obj(value.get("metadata")).get("phone_number_id")) or ""
    if (own and number and number != own) or (reading.ident(entry.get("id")), number) == PING:
        return
    scene, name = _scene(number, own, value, entry), word(obj(change).get("field"))
    # The files of old messages come after them, as if they were new ones.
    readable = ("history",) if name == "history" else LISTS
    lists = [name for name in readable if value.get(name) not in (None, [])]
    for listed in lists:
        yield from guarded(_each(scene, value, listed))
    if not lists:
        yield from _about_us(scene, name, value)


def _each(scene: Scene, value: Json, name: str) -> Iterator[News | Unreadable]:
    for item in _several(value, name):
        yield from guarded(_one(scene, name, item))


def _one(scene: Scene, name: str, item: Any) -> Iterator[News]:
    if not isinstance(item, Mapping):
        raise UnreadableEvent(f"one of “{name}” is not an object")
    yield from LISTS[name](scene, item)


def _scene(number: str, own: str, value: Json, entry: Json) -> Scene:
    contacts = tuple(contact for contact in items(value.get("contacts")) if isinstance(contact, Mapping))
    known: dict[str, Json] = {}
    for contact in contacts:
        for name in CONTACT_IDS:
            found = reading.ident(contact.get(name))
            if found:
                known.setdefault(found, contact)
    return Scene(number, own, contacts, known, tuple(items(value.get("errors"))), entry)


# ── People ───────────────────────────────────────────────────────────────────────────────────

CONTACT_IDS = ("wa_id", "user_id", "parent_user_id")
FROM_IDS = ("from", "from_user_id", "from_parent_user_id")
TO_IDS = ("to", "to_user_id", "to_parent_user_id")
RECIPIENT_IDS = ("recipient_id", "recipient_user_id", "recipient_parent_user_id", "parent_recipient_user_id")


def _ids(item: Json, names: tuple[str, ...]) -> list[str]:
    return [found for name in names if (found := reading.ident(item.get(name)))]


def _sender(scene: Scene, item: Json) -> Sender:
    sender = _person(scene, _ids(item, FROM_IDS))
    if sender is None:
        raise UnreadableEvent("the message names no sender")
    return sender


def _author(scene: Scene, item: Json) -> Sender:
    """Whoever wrote it; where nobody is named, somebody of whom there is this one message."""
    found = _person(scene, _ids(item, FROM_IDS))
    own = reading.ident(item.get("id"))
    if found or own is None:
        return found or _sender(scene, item)
    alone = scene.contacts[0] if len(scene.contacts) == 1 else {}
    return Sender(external_id=fit_id(f"{UNKNOWN}@{own}"), name=reading.line(obj(alone.get("profile")).get("name")))


def _person(scene: Scene, ids: list[str]) -> Sender | None:
    """Names come from the contact with one of the ids, or from the only contact there is; other ids of the
    same person only from the former."""
    contact = next((scene.known[name] for name in ids if name in scene.known), None)
    alone = scene.contacts[0] if len(scene.contacts) == 1 else None
    if contact is None and not ids:
        contact = alone
    all_ids = list(dict.fromkeys([*ids, *(_ids(contact, CONTACT_IDS) if contact else [])]))
    if not all_ids:
        return None
    external_id = all_ids[0]
    if SCOPED.fullmatch(external_id):
        # A number says more, wherever it stands.
        external_id = next(filter(NUMBER.fullmatch, all_ids), external_id)
    profile = obj(obj(contact or alone).get("profile"))
    return Sender(
        external_id=external_id,
        name=reading.line(profile.get("name")),
        username=reading.line(profile.get("username")),
        phone=f"+{external_id}" if NUMBER.fullmatch(external_id) else "",
        alt_ids=tuple(found for found in all_ids if found != external_id),
    )


# ── Messages ─────────────────────────────────────────────────────────────────────────────────


def _received(scene: Scene, item: Json) -> Iterator[News]:
    kind = word(item.get("type")) or next((name for name in (*SPECIAL, *READERS) if name in item), "")
    special = SPECIAL.get(kind)
    if special and isinstance(item.get(kind), Mapping):
        yield special(scene, item, _sender(scene, item) if kind != "system" else None, "")
    elif kind == "request_welcome":
        sender = _sender(scene, item)
        yield Notice(kind="chat_opened", sender=sender, **_common(scene, item, sender.external_id))
    else:
        yield _message(scene, item, kind, _author(scene, item), "")


def _echoed(scene: Scene, item: Json) -> Iterator[News]:
    """Written in the business's own phone app."""
    to = next(iter(_ids(item, TO_IDS)), "") or (reading.ident(item.get("group_id")) or "")
    if not to:
        raise UnreadableEvent("the echo does not say to whom")
    kind = word(item.get("type"))
    if kind in ("edit", "revoke") and isinstance(item.get(kind), Mapping):
        yield SPECIAL[kind](scene, item, None, to)
    elif kind != "reaction":  # a reaction of our own is no news of the customer's
        sender = Sender(external_id=next(iter(_ids(item, FROM_IDS)), "") or scene.phone_number_id or "us")
        yield _message(scene, item, kind, sender, to)


def _common(scene: Scene, item: Json, conversation: str) -> Content:
    group = reading.ident(item.get("group_id"))
    return {
        "conversation": group or conversation,
        "is_group": bool(group),
        "occurred_at": reading.moment(item.get("timestamp")),
        "event_id": reading.ident(item.get("id")) or "",
    }


def _message(scene: Scene, item: Json, kind: str, sender: Sender, to: str) -> InboundMessage:
    external_id = reading.ident(item.get("id"))
    if external_id is None:
        raise UnreadableEvent("the message has no id")
    reader = READERS.get(kind)
    content = reader(item) if reader else None
    if content is None:
        content = _unsupported(scene, item, kind)
    context = obj(item.get("context"))
    product = obj(context.get("referred_product"))
    return InboundMessage(
        external_id=external_id,
        sender=sender,
        echo=bool(to),
        forwarded=reading.flag(context.get("forwarded")) or reading.flag(context.get("frequently_forwarded")),
        reply_to=_answered(context, product),
        referral=_referral(obj(item.get("referral")), product),
        reply_handle=_from(scene) if not to else None,
        **_common(scene, item, to or sender.external_id),
        **content,
    )


def _from(scene: Scene) -> dict[str, str] | None:
    """Which of our numbers was written to: the answer goes out from it where the channel names none."""
    if scene.own or not scene.phone_number_id:
        return None
    return {"phone_number_id": scene.phone_number_id}


def _answered(context: Json, product: Json) -> ReplyTo | None:
    answered = reading.ident(context.get("id"))
    if answered:
        return ReplyTo(external_id=answered)
    retailer = reading.ident(product.get("product_retailer_id"))
    return ReplyTo(external_id=retailer, kind="product") if retailer else None


def _referral(referral: Json, product: Json) -> dict[str, str] | None:
    """The ad or post that brought them here, or the product they ask about."""
    found = said({name: referral.get(key) for name, key in REFERRAL.items()}, reading.MAX_URL)
    found |= said(
        {"media_url": referral.get("image_url") or referral.get("video_url") or referral.get("media_url")},
        reading.MAX_URL,
    )
    if product:
        found |= {"source": "product"} | said(
            {"id": product.get("product_retailer_id"), "catalog": product.get("catalog_id")}
        )
    return found or None


REFERRAL = {
    "source": "source_type", "id": "source_id", "url": "source_url", "headline": "headline", "body": "body",
    "media_type": "media_type", "thumbnail_url": "thumbnail_url", "click_id": "ctwa_clid", "ref": "ref",
}  # fmt: skip


def _unsupported(scene: Scene, item: Json, kind: str) -> Content:
    """Shown with what text there is, and why it is not more."""
    inner = obj(item.get(kind))
    error = obj(next(iter([*items(item.get("errors")), *scene.errors]), None))
    what = reading.line(inner.get("type"), 80) if kind in ("unsupported", "unknown") else kind
    why = reading.line(obj(error.get("error_data")).get("details"), 120) or reading.line(error.get("title"), 120)
    return {
        "text": reading.text(obj(item.get("text")).get("body")) or reading.text(inner.get("caption")),
        "unsupported": True,
        "unsupported_reason": what or why or kind or "message",
    }


# ── What happens to messages, and to people ──────────────────────────────────────────────────


def _target(given: Json, name: str) -> str:
    found = reading.ident(given.get(name))
    if found is None:
        raise UnreadableEvent(f"“{name}” is missing or not an id")
    return found


def _reaction(scene: Scene, item: Json, sender: Sender | None, to: str) -> News:
    assert sender is not None
    given = obj(item.get("reaction"))
    emoji = reading.line(given.get("emoji"), 64)
    return Reaction(
        target=_target(given, "message_id"),
        sender=sender,
        emoji=emoji,
        removed=not emoji,
        **_common(scene, item, to or sender.external_id),
    )


def _edit(scene: Scene, item: Json, sender: Sender | None, to: str) -> News:
    given = obj(item.get("edit"))
    message = obj(given.get("message")) or given
    kind = word(message.get("type")) or next((name for name in READERS if name in message), "")
    content = READERS[kind]({**message, "type": kind}) if kind in READERS else None
    if content is None:
        raise UnreadableEvent("the edit does not say what the message says now")
    files = tuple(file for file in content.get("attachments", ()) if file.remote or file.location or file.contact)
    return Edit(
        target=_target(given, "original_message_id"),
        text=content.get("text", ""),
        sender=sender,
        attachments=files or None,
        **_common(scene, item, to or (sender.external_id if sender else "")),
    )


def _revoke(scene: Scene, item: Json, sender: Sender | None, to: str) -> News:
    target = _target(obj(item.get("revoke")), "original_message_id")
    return Deletion(target=target, sender=sender, **_common(scene, item, to or (sender.external_id if sender else "")))


def _system(scene: Scene, item: Json, _sender: Sender | None, _to: str) -> News:
    """The number or the id of a person has changed, or their security code has."""
    given = obj(item.get("system"))
    kind = word(given.get("type"))
    before = _ids(item, FROM_IDS) + _ids(given, ("customer", "previous_user_id"))
    moved = "" if "identity" in kind else next(iter(_ids(given, ("wa_id", "new_wa_id", "user_id"))), "")
    told = MOVED.search(reading.text(given.get("body"))[:1000])
    if not before and moved:
        # Who they were stands in the words alone.
        before = [told[1] if told and told[2].rstrip(".") == moved else moved]
    if not before:
        raise UnreadableEvent("the system message names nobody")
    person = _person(scene, before[:1])
    common = _common(scene, item, before[0])
    if moved in ("", before[0]):
        return Notice(kind="identity_changed" if "identity" in kind else "system", sender=person,
                      detail=said({"words": given.get("body"), "type": kind}), **common)  # fmt: skip
    return Notice(kind="number_changed", sender=person, moved_to=moved,
                  detail=said({"words": given.get("body"), "from": before[0], "to": moved}), **common)  # fmt: skip


MOVED = re.compile(r"\bfrom (\S{1,150}) to (\S{1,150})")

SPECIAL: dict[str, Callable[[Scene, Json, Sender | None, str], News]] = {
    "reaction": _reaction,
    "edit": _edit,
    "revoke": _revoke,
    "system": _system,
}


def _user_id_changed(scene: Scene, item: Json) -> Iterator[News]:
    """Whoever we know by the old id has the new one; whoever we know by number keeps that."""
    change = obj(item.get("user_id")) or obj(item.get("parent_user_id"))
    before, now = reading.ident(change.get("previous")), reading.ident(change.get("current"))
    yield Notice(
        kind="user_id_changed",
        conversation=before or "",
        moved_to=now if now and before and now != before else "",
        sender=_person(scene, _ids(item, ("wa_id",))),
        occurred_at=reading.moment(item.get("timestamp")),
        event_id=fingerprint("user_id", item),
        detail=said({"words": item.get("detail"), "from": before, "to": now}),
    )


# ── Statuses ─────────────────────────────────────────────────────────────────────────────────

STATES: dict[str, ReceiptState] = {
    "accepted": "accepted", "queued": "accepted", "pending": "accepted", "held_for_quality_assessment": "accepted",
    "sent": "sent", "delivered": "delivered", "read": "read", "played": "read",
    "failed": "failed", "undelivered": "failed",
}  # fmt: skip


# What is said of our message besides: they deleted it, or it names a product that is not there any more.
TOLD = frozenset({"deleted", "warning"})


def _status(scene: Scene, item: Json) -> Iterator[News]:
    what, kind = word(item.get("status")), word(item.get("type"))
    external_id, key = reading.ident(item.get("id")) or "", reading.ident(item.get("biz_opaque_callback_data")) or ""
    to = next(iter(_ids(item, RECIPIENT_IDS)), "")
    at = reading.moment(item.get("timestamp"))
    if kind in ("call", "payment"):
        detail = said({"status": item.get("status"), "id": external_id})
        yield Notice(kind=kind, conversation=to, occurred_at=at, event_id=f"{external_id[:200]}:{what}", detail=detail)
        return
    if what in TOLD:
        detail = said({"id": external_id, "to": to})
        yield Notice(
            kind=f"message_{what}", conversation=to, occurred_at=at, event_id=f"{external_id[:200]}:{what}",
            detail=detail,
        )  # fmt: skip
        return
    state = STATES.get(what)
    if state is None:
        raise UnreadableEvent(f"unknown message status {what!r}")
    if not (external_id or key):
        raise UnreadableEvent("the status names no message")
    error = next(iter([*items(item.get("errors")), *scene.errors]), None) if state == "failed" else None
    yield Receipt(
        state=state,
        external_id=external_id,
        own_key=key,
        conversation=to,
        recipient=to,
        is_group=word(item.get("recipient_type")) == "group",
        occurred_at=at,
        event_id=f"{external_id[:200]}:{what}",
        error=errors.late_failure(error) if state == "failed" else None,
    )


# ── News about the account ───────────────────────────────────────────────────────────────────


def _call(scene: Scene, item: Json) -> Iterator[News]:
    outgoing = word(item.get("direction")) == "business_initiated"
    other = next(iter(_ids(item, TO_IDS if outgoing else FROM_IDS)), "")
    detail = said({name: item.get(name) for name in ("event", "direction", "status", "duration")})
    yield Notice(kind="call", event_id=fingerprint("call", item), conversation=other, detail=detail,
                 occurred_at=reading.moment(item.get("timestamp")))  # fmt: skip


def _preference(scene: Scene, item: Json) -> Iterator[News]:
    """Whether they want marketing; answers are taken either way."""
    sender = _person(scene, _ids(item, ("wa_id", "user_id", "parent_user_id")))
    kind = {"stop": "opt_out", "resume": "opt_in"}.get(word(item.get("value")), "preference")
    detail = said({name: item.get(name) for name in ("category", "value", "detail")})
    yield Notice(kind=kind, conversation=sender.external_id if sender else "", sender=sender, detail=detail,
                 occurred_at=reading.moment(item.get("timestamp")), event_id=fingerprint(kind, item))  # fmt: skip


# Who came and who went, by the type of the news: (what it is here, the list that names them)
MEMBERS = {
    "group_participants_add": ("member_joined", "added_participants"),
    "group_participants_remove": ("member_left", "removed_participants"),
}


def _group(scene: Scene, item: Json) -> Iterator[News]:
    type_ = word(item.get("type")) or "group"
    kind, listed = MEMBERS.get(type_, (type_, ""))
    people = [person for one in items(item.get(listed)) if (person := _member(obj(one)))]
    detail: dict[str, Any] = {
        **said({name: value for name, value in list(item.items())[:20] if isinstance(value, str | int)}),
        **({"members": [person.username or person.external_id for person in people[:50]]} if people else {}),
    }
    yield Notice(
        kind=kind[:31],
        sender=people[0] if people else _member(item),
        conversation=reading.ident(item.get("group_id")) or "",
        is_group=True,
        occurred_at=reading.moment(item.get("timestamp")),
        event_id=fingerprint("group", item),
        detail=detail,
    )


def _member(item: Json) -> Sender | None:
    found = _ids(item, (*CONTACT_IDS, "input"))
    if not found:
        return None
    return Sender(external_id=found[0], username=reading.line(item.get("username")), alt_ids=tuple(found[1:]))


def _history(scene: Scene, item: Json) -> Iterator[News]:
    """Half a year of old messages when a phone app is linked: told, not opened as if they had just come."""
    about, error = obj(item.get("metadata")), next(iter(items(item.get("errors"))), None)
    detail = said({name: about.get(name) for name in ("phase", "chunk_order", "progress")})
    if error:
        # They do not want to share it.
        failure = errors.late_failure(error)
        detail |= said({"code": failure.code, "detail": failure.detail})
    yield Notice(kind="history", detail=detail)


LISTS: dict[str, Callable[[Scene, Json], Iterator[News]]] = {
    "messages": _received,
    "message_echoes": _echoed,
    "statuses": _status,
    "user_id_update": _user_id_changed,
    "calls": _call,
    "user_preferences": _preference,
    "groups": _group,
    "history": _history,
}
# Fields whose name is too long or too odd for a line in the log.
NAMES = {
    "message_template_status_update": "template_status",
    "message_template_quality_update": "template_quality",
    "message_template_components_update": "template_changed",
    "template_category_update": "template_category",
}


def _about_us(scene: Scene, name: str, value: Json) -> Iterator[News]:
    """Templates, quality, restrictions, errors of no message: nobody's conversation."""
    if name in ("", "messages") and not scene.errors:
        return
    at: datetime | None = reading.moment(value.get("timestamp")) or reading.moment(scene.entry.get("time"))
    detail = said({key: given for key, given in list(value.items())[:30] if isinstance(given, str | int)})
    if scene.errors:
        failure = errors.late_failure(scene.errors[0])
        name, detail = "platform_error", said({"code": failure.code, "detail": failure.detail})
    yield Notice(
        kind=NAMES.get(name, name)[:31], occurred_at=at, event_id=fingerprint("account", [name, value]), detail=detail
    )
