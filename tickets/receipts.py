"""What became of our messages, as platforms report it: late, twice, out of order, or all at once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from channels_app.contract import DeliveryFailed, Receipt, clean_text, fit_id
from channels_app.models import Channel
from tickets.models import Message, Part, PendingNews, Ticket
from tickets.models.activity import SYSTEM, record

S = Message.Status
RANK = {S.QUEUED: 0, S.SENDING: 1, S.SENT: 2, S.DELIVERED: 3, S.READ: 4}
STATE = {"accepted": S.SENDING, "sent": S.SENT, "delivered": S.DELIVERED, "read": S.READ, "failed": S.FAILED}


def error_json(failure: DeliveryFailed, *, retryable: bool | None = None) -> dict[str, Any]:
    return {
        "code": clean_text(failure.code)[:100],
        "title": clean_text(failure.title)[:500],
        "detail": clean_text(failure.detail)[:2000],
        "category": failure.category,
        "retryable": (not failure.permanent) if retryable is None else retryable,
    }


def receive(channel: Channel, news: Receipt) -> None:
    payload = {
        "state": STATE[news.state],
        "error": error_json(news.error) if news.error else None,
        "at": news.occurred_at.isoformat() if news.occurred_at else None,
    }
    if news.watermark is not None:
        _watermark(channel, fit_id(news.conversation or news.recipient), news.watermark, payload)
    targets = [fit_id(name, 512) for name in (news.own_key, news.external_id) if name]
    if any(apply(channel, target, payload) for target in dict.fromkeys(targets)):
        return
    if targets:
        waiting = PendingNews.objects.filter(channel=channel, target=targets[-1], kind="receipt", payload=payload)
        if not waiting.exists():
            expires = timezone.now() + timedelta(hours=24)
            PendingNews.objects.create(
                channel=channel, target=targets[-1], kind="receipt", payload=payload, expires_at=expires
            )


def own_key(message_id: int, position: int) -> str:
    """What the platform is told to know our send by, the same on every attempt."""
    return str(message_id) if position == 0 else f"{message_id}-{position}"


def read_own_key(key: str) -> tuple[int, int] | None:
    number, _dash, position = key.partition("-")
    if number.isascii() and number.isdigit() and len(number) < 19 and (not position or position.isdigit()):
        return int(number), int(position or 0)
    return None


def find_part(channel: Channel, target: str) -> Part | None:
    """By the platform's id, else by our own key."""
    part = Part.objects.filter(channel=channel, external_id=target).first()
    own = read_own_key(target)
    if part is None and own is not None:
        part = Part.objects.filter(channel=channel, message_id=own[0], position=own[1]).first()
    return part


def forward(current: str, news: str) -> str:
    """Only forward; failed yields to a later delivered or read, and to nothing else."""
    if news == S.FAILED:
        return S.FAILED if RANK.get(S(current), 9) < RANK[S.DELIVERED] else current
    if current == S.FAILED:
        return news if news in (S.DELIVERED, S.READ) else current
    return news if RANK[S(news)] > RANK[S(current)] else current


def whole(statuses: list[str]) -> str:
    """The status of a message from its parts': failed if one failed, else the one furthest behind."""
    if S.FAILED in statuses:
        return S.FAILED
    return min(statuses, key=lambda status: RANK[S(status)])


def apply(channel: Channel, target: str, payload: dict[str, Any]) -> bool:
    """False: no message of ours has that id (yet)."""
    part = find_part(channel, target)
    if part is None:
        return _apply_to_echo(channel, target, payload)
    ticket = Ticket.objects.locked().get(messages=part.message_id)
    part.refresh_from_db()
    status = forward(part.status, payload["state"])
    if status != part.status:
        Part.objects.filter(pk=part.pk).update(status=status)
        _settle(ticket, Message.objects.get(pk=part.message_id), payload["error"])
    return True


def _apply_to_echo(channel: Channel, target: str, payload: dict[str, Any]) -> bool:
    """Written in the platform's own app: such a message has no parts."""
    found = Message.objects.filter(channel=channel, direction="out", external_id=target).first()
    if found is None:
        return False
    ticket = Ticket.objects.locked().get(pk=found.ticket_id)
    message = Message.objects.get(pk=found.pk)
    status = forward(message.status, payload["state"])
    if status != message.status:
        _put(ticket, message, status, payload["error"])
    return True


def _settle(ticket: Ticket, message: Message, error: dict[str, Any] | None) -> None:
    if message.claimed_until is not None or message.next_attempt_at is not None:
        return  # still being sent: the sender reads the parts when it is through
    status = whole(list(message.parts.values_list("status", flat=True)))
    if status != message.status:
        _put(ticket, message, status, error)


def _put(ticket: Ticket, message: Message, status: str, error: dict[str, Any] | None) -> None:
    Message.objects.filter(pk=message.pk).update(status=status, error=error if status == S.FAILED else None)
    record(ticket, "message.status", SYSTEM, message=message, changes={"status": [message.status, status]})


def _watermark(channel: Channel, conversation: str, until: datetime, payload: dict[str, Any]) -> None:
    """All our own messages of the conversation up to that time."""
    parts = Part.objects.filter(
        channel=channel,
        message__ticket__address__external_id=conversation,
        sent_at__lte=until,
        status__in=[S.SENDING, S.SENT, S.DELIVERED],
    )
    numbers = sorted(set(parts.values_list("message__ticket_id", flat=True)))
    for ticket in Ticket.objects.locked().filter(pk__in=numbers).order_by("pk"):
        for message in Message.objects.filter(ticket=ticket, parts__in=parts).distinct().order_by("pk"):
            for part in message.parts.filter(sent_at__lte=until):
                Part.objects.filter(pk=part.pk).update(status=forward(part.status, payload["state"]))
            _settle(ticket, message, payload["error"])


def confirm(channel: Channel, external_id: str, key: str) -> bool:
    """An echo: True if it is of our own send (which it confirms) or known already."""
    part = find_part(channel, external_id)
    own = read_own_key(key) if key else None
    if part is None and own is not None:
        part = Part.objects.filter(channel=channel, message_id=own[0], position=own[1]).first()
    if part is None:
        return Message.objects.filter(channel=channel, direction="out", external_id=external_id).exists()
    if part.external_id != external_id and part.external_id is None:
        try:
            with transaction.atomic():
                Part.objects.filter(pk=part.pk, external_id=None).update(external_id=external_id)
                if part.position == 0:
                    Message.objects.filter(pk=part.message_id, external_id=None).update(external_id=external_id)
        except IntegrityError:
            return True
    return apply(channel, own_key(part.message_id, part.position), {"state": S.SENT, "error": None, "at": None})
