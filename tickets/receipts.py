"""What became of our messages, as platforms report it: late, twice, out of order, or all at once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from channels_app.contract import DeliveryFailed, Receipt, clean_text, fit_id
from channels_app.models import Address, Channel
from tickets.continuing import fates
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
    target = fit_id(news.external_id or news.own_key, 512)
    part = find_part(channel, target, news.own_key)
    if part is not None:
        _apply_to(part, payload)
        _came_back(part, news)
    elif (
        target
        and not _apply_to_echo(channel, target, payload)
        and not fates.told(channel, target, payload, own_key=news.own_key, recipient=news.recipient)
    ):
        _keep(channel, target, "receipt", payload)


def _came_back(part: Part, news: Receipt) -> None:
    """A mail is refused long after it was taken: whoever it was for cannot be written to, as if it were at once."""
    error = news.error
    if news.state != "failed" or error is None or error.category != "blocked" or not error.permanent:
        return
    ticket = Ticket.objects.select_related("address").get(messages=part.message_id)
    # A copy that came back says nothing of the customer.
    if ticket.threads and fit_id(news.recipient) in ("", ticket.address.external_id):
        Address.objects.filter(pk=ticket.address_id, blocked_at=None).update(blocked_at=timezone.now())


def _keep(channel: Channel, target: str, kind: str, payload: dict[str, Any]) -> None:
    """It overtook our send's answer: it waits a day for it."""
    waiting = PendingNews.objects.filter(channel=channel, target=target, kind=kind, payload=payload)
    if not waiting.exists():
        expires = timezone.now() + timedelta(hours=24)
        PendingNews.objects.create(channel=channel, target=target, kind=kind, payload=payload, expires_at=expires)


def own_key(message_id: int, position: int) -> str:
    """What the platform is told to know our send by, the same on every attempt."""
    return str(message_id) if position == 0 else f"{message_id}-{position}"


def read_own_key(key: str) -> tuple[int, int] | None:
    number, _dash, position = key.partition("-")
    if number.isascii() and number.isdigit() and len(number) < 19 and (not position or position.isdigit()):
        return int(number), int(position or 0)
    return None


def find_part(channel: Channel, target: str, key: str = "") -> Part | None:
    """By the platform's id, else by our own key where the platform said that it is ours."""
    part = Part.objects.filter(channel=channel, external_id=target).first() if target else None
    own = read_own_key(key)
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
    return min(statuses, key=lambda status: RANK[S(status)], default=S.SENT)


def apply(channel: Channel, target: str, payload: dict[str, Any]) -> bool:
    """False: no message of ours has that id (yet)."""
    part = find_part(channel, target)
    if part is None:
        return _apply_to_echo(channel, target, payload) or fates.told(channel, target, payload)
    _apply_to(part, payload)
    return True


def _apply_to(part: Part, payload: dict[str, Any]) -> None:
    ticket = Ticket.objects.locked().get(messages=part.message_id)
    part.refresh_from_db()
    status = forward(part.status, payload["state"])
    if status != part.status:
        Part.objects.filter(pk=part.pk).update(status=status)
        settle(ticket, Message.objects.get(pk=part.message_id), payload["error"])


def _apply_to_echo(channel: Channel, target: str, payload: dict[str, Any]) -> bool:
    """Written in the platform's own app: such a message has no parts."""
    found = Message.objects.filter(channel=channel, direction="out", external_id=target).first()
    if found is None:
        return False
    ticket = Ticket.objects.locked().get(pk=found.ticket_id)
    _forward_echo(ticket, Message.objects.get(pk=found.pk), payload)
    return True


def _forward_echo(ticket: Ticket, message: Message, payload: dict[str, Any]) -> None:
    status = forward(message.status, payload["state"])
    if status != message.status:
        _put(ticket, message, status, payload["error"])


def settle(ticket: Ticket, message: Message, error: dict[str, Any] | None = None) -> None:
    """The message's status from its parts'. The caller holds the ticket."""
    statuses = list(message.parts.values_list("status", flat=True))
    status = whole(statuses)
    if message.claimed_until is not None or (S.QUEUED in statuses and status != S.FAILED):
        # Still being sent: the sender reads the parts when it is through, and the reason is here.
        Message.objects.filter(pk=message.pk).update(error=error or message.error)
    elif status != message.status:
        _put(ticket, message, status, error)


def _put(ticket: Ticket, message: Message, status: str, error: dict[str, Any] | None) -> None:
    Message.objects.filter(pk=message.pk).update(
        status=status, error=(error or message.error) if status == S.FAILED else None, next_attempt_at=None
    )
    record(ticket, "message.status", SYSTEM, message=message, changes={"status": [message.status, status]})


def _watermark(channel: Channel, conversation: str, until: datetime, payload: dict[str, Any]) -> None:
    """All our own messages of the conversation up to that time."""
    here = Message.objects.filter(channel=channel, ticket__address__external_id=conversation, direction="out")
    _reach(here, until, payload)
    if here.filter(claimed_until__isnull=False).exists():
        _keep(channel, conversation, "watermark", {**payload, "until": until.isoformat()})


def catch_up(channel: Channel, conversation: str) -> None:
    """A send is recorded: watermarks that overtook its answer reach it too."""
    here = Message.objects.filter(channel=channel, ticket__address__external_id=conversation, direction="out")
    for waiting in PendingNews.objects.filter(channel=channel, target=conversation, kind="watermark").order_by("id"):
        _reach(here, datetime.fromisoformat(waiting.payload["until"]), waiting.payload)


def _reach(here: QuerySet[Message], until: datetime, payload: dict[str, Any]) -> None:
    """Parts by the time their send began; what was written in the platform's own app by its own."""
    behind = [S.SENDING, S.SENT, S.DELIVERED]
    parts = Part.objects.filter(message__in=here, sent_at__lte=until, status__in=behind)
    echoes = here.filter(agent=None, parts=None, at__lte=until, status__in=behind)
    numbers = {*parts.values_list("message__ticket_id", flat=True), *echoes.values_list("ticket_id", flat=True)}
    for ticket in Ticket.objects.locked().filter(pk__in=numbers).order_by("pk"):
        for part in parts.filter(message__ticket=ticket).order_by("pk"):
            _apply_to(part, payload)
        for message in echoes.filter(ticket=ticket).order_by("pk"):
            _forward_echo(ticket, message, payload)


def confirm(channel: Channel, external_id: str, key: str) -> bool:
    """An echo: True if it is of our own send (which it confirms) or known already."""
    part = find_part(channel, external_id, key)
    if part is None:
        return Message.objects.filter(channel=channel, direction="out", external_id=external_id).exists()
    if part.external_id is None:
        try:
            with transaction.atomic():
                Part.objects.filter(pk=part.pk, external_id=None).update(external_id=external_id)
                if part.position == 0:
                    Message.objects.filter(pk=part.message_id, external_id=None).update(external_id=external_id)
        except IntegrityError:
            return True
    _apply_to(part, {"state": S.SENT, "error": None, "at": None})
    return True
