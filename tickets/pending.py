"""Reactions, edits, deletions and receipts: done to their message, or kept until it comes.

Platforms deliver in any order and more than once, so each is a step that only goes forward: of two
edits the later one counts, of two reactions of one author too, and nothing comes after a deletion.
``react``, ``edit`` and ``delete`` give False where the message is not there (yet).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from channels_app.inbound import erase
from channels_app.models import Channel
from customers.models import Customer
from tickets import media, receipts
from tickets.excerpt import first_words, preview
from tickets.models import Actor, Message, Part, PendingNews, Ticket
from tickets.models.activity import SYSTEM, record

WAITS = timedelta(hours=24)
# Named, so that the index (channel, direction, id) finds the row and does not read a channel's all.
SPOKEN = (Message.Direction.IN, Message.Direction.OUT)


def find(channel: Channel, target: str) -> Message | None:
    """By the platform's id: theirs first, then ours (by a later part too), then by our own number."""
    return _by_id(channel, target) or _by_own_number(channel, target)


def _by_id(channel: Channel, target: str) -> Message | None:
    direct = Message.objects.filter(channel=channel, direction__in=SPOKEN, external_id=target)
    part = Message.objects.filter(parts__channel=channel, parts__external_id=target)
    return direct.order_by("direction").first() or part.first()


def _by_own_number(channel: Channel, target: str) -> Message | None:
    """Platforms of one's own know our messages by our number."""
    if not (target.isascii() and target.isdigit() and len(target) < 19):
        return None
    return Message.objects.filter(channel=channel, pk=int(target), direction=Message.Direction.OUT).first()


def _locked(message: Message | None) -> tuple[Ticket, Message] | None:
    """The message with its ticket's row locked, read again after the lock."""
    if message is None:
        return None
    ticket = Ticket.objects.locked().get(pk=message.ticket_id)
    again = Message.objects.filter(pk=message.pk).select_related("address__customer_link__customer").first()
    return (ticket, again) if again else None


def _theirs(channel: Channel, target: str) -> tuple[Ticket, Message] | None:
    """What a platform may change: never an agent's reply that it knows by nothing but our number,
    for it may number its own messages from 1 and mean one that is still on its way."""
    found = _by_id(channel, target)
    if found is not None and found.agent_id is not None and found.external_id == str(found.pk):
        return None
    return _locked(found)


def _customer(message: Message) -> Actor:
    link = getattr(message.address, "customer_link", None) if message.address else None
    return Actor.from_customer(link.customer, message.address.name if message.address else "") if link else SYSTEM


# ── Reactions ────────────────────────────────────────────────────────────────────────────────


def react(channel: Channel, target: str, payload: dict[str, Any]) -> bool:
    """One reaction per author; of two the later one counts, whichever came first."""
    found = _locked(find(channel, target))
    if found is None:
        return False
    ticket, message = found
    author, at = payload["author"], payload["at"]
    marks: dict[str, list[str]] = message.extra.get("reacted", {})
    mark = [at, "" if payload["removed"] else payload["emoji"]]
    if message.deleted_at or (at and author in marks and marks[author] >= mark):
        return True
    reactions = [item for item in message.reactions if item["author"]["address"] != author]
    if not payload["removed"]:
        reactions.append(_reaction(payload))
    extra = {**message.extra, "reacted": {**marks, author: mark}} if at else message.extra
    changed = _seen(reactions) != _seen(message.reactions)
    if changed or extra is not message.extra:
        values = {"reactions": sorted(reactions, key=_order)} if changed else {}
        Message.objects.filter(pk=message.pk).update(extra=extra, **values)
    if changed:
        customer = Customer.objects.filter(pk=payload["customer"]).first()
        by = Actor.from_customer(customer, payload["name"])
        record(ticket, "message.changed", by, message=message, changes={"what": "reaction"})
    return True


def _reaction(payload: dict[str, Any]) -> dict[str, Any]:
    who = {"type": "customer", "id": payload["customer"], "name": payload["name"], "address": payload["author"]}
    return {"emoji": payload["emoji"], "author": who, "at": payload["at"] or timezone.now().isoformat()}


def _seen(reactions: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(item["emoji"], item["author"]["address"]) for item in reactions}


def _order(reaction: dict[str, Any]) -> tuple[str, str]:
    return reaction["at"], reaction["author"]["address"] or ""


# ── Edits and deletions ──────────────────────────────────────────────────────────────────────


def edit(channel: Channel, target: str, payload: dict[str, Any]) -> bool:
    found = _theirs(channel, target)
    if found is None:
        return False
    ticket, message = found
    if message.deleted_at:
        erase(payload["envelope"], target)
        return True
    carried_by(message, payload["envelope"])
    at, text, last = payload["at"], payload["text"], message.extra.get("edited")
    outdated = at and last and (last, message.text) >= (at, text)
    if outdated or (message.edited_at and not at and message.text == text):
        return True
    before = message.text
    message.text, message.html, message.reply_text = text, None, None
    message.edited_at = datetime.fromisoformat(at) if at else timezone.now()
    message.extra["edited"] = at or last
    if payload["files"] is not None:
        media.replace(message, payload["files"])
        message.extra["files_edited"] = True
    message.save(update_fields=["text", "html", "reply_text", "edited_at", "extra"])
    fields = {**_list_row(ticket, message), **_subject(ticket, before, text)}
    record(ticket, "message.changed", _customer(message), message=message, changes={"what": "edited"}, **fields)
    return True


def carried_by(message: Message, envelope_id: int | None) -> None:
    """Note one more envelope with the message's words, for the day when they are taken back. The
    caller holds the ticket."""
    known = message.extra.get("envelopes", [])
    if envelope_id is None or envelope_id == message.envelope_id or envelope_id in known:
        return
    message.extra["envelopes"] = [*known, envelope_id]
    Message.objects.filter(pk=message.pk).update(extra=message.extra)


def delete(channel: Channel, target: str) -> bool:
    """What was said goes, everywhere: row, files, list, envelopes. That something was said stays."""
    found = _theirs(channel, target)
    if found is None:
        return False
    ticket, message = found
    if message.deleted_at:
        return True
    for envelope in (message.envelope_id, *message.extra.get("envelopes", [])):
        erase(envelope, target)
    media.remove(message)
    before = message.text
    gone: dict[str, Any] = {"text": "", "html": None, "reply_text": None, "postback": None, "about": None}
    Message.objects.filter(pk=message.pk).update(**gone, reactions=[], extra={}, deleted_at=timezone.now())
    message.text, message.reply_text = "", None
    fields = {**_list_row(ticket, message), **_subject(ticket, before, "")}
    record(ticket, "message.changed", _customer(message), message=message, changes={"what": "deleted"}, **fields)
    return True


def _list_row(ticket: Ticket, message: Message) -> dict[str, Any]:
    """The list shows the last words: they change with the message that they are of."""
    last = Message.objects.filter(ticket=ticket, direction__in=SPOKEN).order_by("-at", "-id").first()
    return {"last_text": preview(message)} if last is not None and last.pk == message.pk else {}


def _subject(ticket: Ticket, before: str, after: str) -> dict[str, Any]:
    """A subject that was taken from the message follows it; one that an agent wrote stays."""
    return {"subject": first_words(after)[:500]} if ticket.subject and ticket.subject == first_words(before) else {}


# ── Waiting ──────────────────────────────────────────────────────────────────────────────────


def keep(channel: Channel, target: str, kind: str, payload: dict[str, Any]) -> None:
    """Once per different piece of news. A deletion waits for good: its original must never show."""
    expires = None if kind == "delete" else timezone.now() + WAITS
    same = PendingNews.objects.filter(channel=channel, target=target, kind=kind, payload=payload)
    if not same.exists():
        PendingNews.objects.create(channel=channel, target=target, kind=kind, payload=payload, expires_at=expires)


def bury(channel: Channel, target: str) -> None:
    """A deletion that overtook its message: it waits for good, and what waited to change it goes."""
    for waiting in PendingNews.objects.filter(channel=channel, target=target, kind__in=["edit", "reaction"]):
        erase(waiting.payload.get("envelope"), target)
        waiting.delete()
    keep(channel, target, "delete", {})


_DO: dict[str, Callable[[Channel, str, dict[str, Any]], bool]] = {
    "reaction": react,
    "edit": edit,
    "receipt": receipts.apply,
    "delete": lambda channel, target, payload: delete(channel, target),
}


def apply(channel: Channel, target: str) -> None:
    """The message is there now: what waited for it is done, in the order it came."""
    for waiting in PendingNews.objects.filter(channel=channel, target=target, kind__in=list(_DO)).order_by("id"):
        if _DO[waiting.kind](channel, target, waiting.payload):
            waiting.delete()


def settle() -> None:
    """What arrived while its message was being written in another transaction (timetable)."""
    PendingNews.objects.filter(expires_at__lt=timezone.now()).delete()
    there = {"channel_id": OuterRef("channel_id"), "external_id": OuterRef("target")}
    direct = Message.objects.filter(**there, direction__in=SPOKEN)
    ready = PendingNews.objects.filter(Q(Exists(direct)) | Q(Exists(Part.objects.filter(**there))), kind__in=list(_DO))
    for waiting in ready.select_related("channel").order_by("-id")[:200]:
        with transaction.atomic():
            apply(waiting.channel, waiting.target)
