"""Reactions, edits, deletions and receipts: done to their message, or kept until it comes.

Each of the first three functions gives False where the message is not there (yet).
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
from tickets.models import Actor, Message, Part, PendingNews, Ticket
from tickets.models.activity import SYSTEM, record

WAITS = timedelta(hours=24)


def _locked(channel: Channel, target: str) -> tuple[Ticket, Message] | None:
    """The message with its ticket's row locked, read after the lock."""
    found = (
        Message.objects.filter(channel=channel, external_id=target).order_by("direction").values_list("pk", "ticket_id").first()
        or Message.objects.filter(parts__channel=channel, parts__external_id=target).values_list("pk", "ticket_id").first()
        or _by_own_number(channel, target)
    )
    if found is None:
        return None
    ticket = Ticket.objects.locked().get(pk=found[1])
    return ticket, Message.objects.get(pk=found[0])


def _by_own_number(channel: Channel, target: str) -> tuple[int, int] | None:
    """Platforms of one's own know our messages by our number."""
    if not (target.isascii() and target.isdigit() and len(target) < 19):
        return None
    ours = Message.objects.filter(channel=channel, pk=int(target), direction=Message.Direction.OUT)
    return ours.values_list("pk", "ticket_id").first()


def _time(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None


def _customer(message: Message) -> Actor:
    link = getattr(message.address, "customer_link", None) if message.address else None
    return Actor.from_customer(link.customer, message.address.name if message.address else "") if link else SYSTEM


def react(channel: Channel, target: str, payload: dict[str, Any]) -> bool:
    """One reaction per author; of two the later one counts, whichever came first."""
    found = _locked(channel, target)
    if found is None:
        return False
    ticket, message = found
    if message.deleted_at:
        return True
    seen: dict[str, str] = message.extra.get("reacted_at", {})
    author, at = payload["author"], payload["at"]
    if at and author in seen and seen[author] >= at:
        return True
    reactions = [item for item in message.reactions if item["author"]["address"] != author]
    if not payload["removed"]:
        customer = Customer.objects.filter(links__address__channel=channel, links__address__external_id=author).first()
        who = {"type": "customer", "id": customer.pk if customer else None, "name": payload["name"], "address": author}
        reactions.append({"emoji": payload["emoji"], "author": who, "at": at or timezone.now().isoformat()})
    if reactions == message.reactions:
        return True
    before = [(item["emoji"], item["author"]["address"]) for item in message.reactions]
    if before == [(item["emoji"], item["author"]["address"]) for item in reactions]:
        return True
    extra = {**message.extra, "reacted_at": {**seen, author: at}} if at else message.extra
    Message.objects.filter(pk=message.pk).update(reactions=reactions, extra=extra)
    customer_id = payload.get("customer")
    by = Actor("customer", customer=Customer.objects.filter(pk=customer_id).first(), name=payload["name"])
    record(ticket, "message.changed", by, message=message, changes={"what": "reaction"})
    return True


def edit(channel: Channel, target: str, payload: dict[str, Any]) -> bool:
    found = _locked(channel, target)
    if found is None:
        return False
    ticket, message = found
    at = _time(payload["at"])
    outdated = at and message.edited_at and message.sent_at and at < message.edited_at
    if message.deleted_at or outdated or (message.text == payload["text"] and message.edited_at):
        return True
    Message.objects.filter(pk=message.pk).update(
        text=payload["text"], html=None, reply_text=None, edited_at=at or timezone.now()
    )
    message.text = payload["text"]
    record(ticket, "message.changed", _customer(message), message=message, changes={"what": "edited"}, **_list_row(ticket, message))
    return True


def delete(channel: Channel, target: str) -> bool:
    """What was said goes, everywhere: row, files, list, envelope. That something was said stays."""
    found = _locked(channel, target)
    if found is None:
        return False
    ticket, message = found
    if message.deleted_at:
        return True
    files = [(item.filename, (item.remote or {}).get("url", "")) for item in message.attachments.all()]
    erase(message.envelope_id, [message.text, message.html or "", *(word for pair in files for word in pair)])
    media.remove(message)
    old_text = message.text
    Message.objects.filter(pk=message.pk).update(
        text="", html=None, reply_text=None, postback=None, about=None, reactions=[], extra={}, deleted_at=timezone.now()
    )
    message.text, message.reply_text = "", None
    fields = _list_row(ticket, message)
    if ticket.subject and old_text.strip().startswith(ticket.subject.rstrip("…")):
        fields["subject"] = ""
    record(ticket, "message.changed", _customer(message), message=message, changes={"what": "deleted"}, **fields)
    return True


def _list_row(ticket: Ticket, message: Message) -> dict[str, Any]:
    """The list shows the last words: they change with the message that they are of."""
    last = Message.objects.filter(ticket=ticket).exclude(direction=Message.Direction.NOTE).order_by("-at", "-id").first()
    if last is None or last.pk != message.pk:
        return {}
    return {"last_text": " ".join((message.reply_text or message.text)[:400].split())[:160]}


# ── Waiting ──────────────────────────────────────────────────────────────────────────────────


def keep(channel: Channel, target: str, kind: str, payload: dict[str, Any]) -> None:
    """Once per different piece of news. A deletion waits for good: its original must never show."""
    expires = None if kind == "delete" else timezone.now() + WAITS
    same = PendingNews.objects.filter(channel=channel, target=target, kind=kind, payload=payload)
    if not same.exists():
        PendingNews.objects.create(channel=channel, target=target, kind=kind, payload=payload, expires_at=expires)


_DO: dict[str, Callable[[Channel, str, dict[str, Any]], bool]] = {
    "reaction": react,
    "edit": edit,
    "receipt": receipts.apply,
    "delete": lambda channel, target, payload: delete(channel, target),
}


def apply(channel: Channel, target: str) -> None:
    """The message is there now: what waited for it is done, in the order it came."""
    for waiting in PendingNews.objects.filter(channel=channel, target=target).order_by("id"):
        if _DO[waiting.kind](channel, target, waiting.payload):
            waiting.delete()


def settle() -> None:
    """What arrived while its message was being written in another transaction (timetable)."""
    PendingNews.objects.filter(expires_at__lt=timezone.now()).delete()
    direct = Message.objects.filter(channel_id=OuterRef("channel_id"), external_id=OuterRef("target"))
    part = Part.objects.filter(channel_id=OuterRef("channel_id"), external_id=OuterRef("target"))
    ready = PendingNews.objects.filter(Q(Exists(direct)) | Q(Exists(part))).select_related("channel")
    for waiting in ready[:200]:
        with transaction.atomic():
            apply(waiting.channel, waiting.target)
