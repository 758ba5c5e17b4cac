"""What we know of a customer, as one JSON document: for who asks what is kept of them, and before it is erased."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from django.conf import settings
from django.db.models import Count, Q
from django.utils import timezone

from channels_app import erasing
from channels_app.models import Address
from customers.models import Customer
from tickets import shapes
from tickets.models import Attachment, Message, Ticket

Json = dict[str, Any]
D, S = Message.Direction, Message.Status
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Counts:
    """What erasing takes away."""

    addresses: int
    tickets: int
    open: int
    messages: int
    files: int
    waiting: int
    """Messages that are still to be sent to them."""


def counts(customer: int) -> Counts:
    """Four statements."""
    found = Ticket.objects.filter(customer=customer).aggregate(
        tickets=Count("pk"), open=Count("pk", filter=~Q(status=Ticket.Status.RESOLVED))
    )
    said = _said(customer).filter(deleted_at=None)
    sums = said.aggregate(messages=Count("pk"), waiting=Count("pk", filter=Q(direction=D.OUT, status=S.QUEUED)))
    return Counts(
        addresses=Address.objects.filter(customer_link__customer=customer, erased_at=None).count(),
        files=Attachment.objects.filter(message__in=said.values("pk")).count(),
        **found,
        **sums,
    )


def _said(customer: int) -> Any:
    """On their own tickets all, elsewhere what they wrote."""
    return Message.objects.filter(Q(ticket__customer=customer) | Q(address__customer_link__customer=customer))


def export(customer: Customer) -> Json:
    """All of it, with what other floors keep (``settings.PERSONAL_DATA``), by the name of the floor."""
    addresses = Address.objects.filter(customer_link__customer=customer.pk).select_related("channel").order_by("pk")
    fields = ("name", "language", "party", "type", "standing", "note", "attributes")
    return {
        "exported_at": shapes.when(timezone.now()),
        "customer": {
            "id": customer.pk,
            **{name: getattr(customer, name) for name in fields},
            "tags": sorted(customer.tags.values_list("name", flat=True)),
            "created_at": shapes.when(customer.created_at),
        },
        "addresses": [erasing.kept(one) for one in addresses],
        "tickets": list(_tickets(customer.pk)),
        "elsewhere": [_message(one) for one in _read(_said(customer.pk).exclude(ticket__customer=customer.pk))],
        **{path.partition(".")[0]: import_module(path).kept(customer.pk) for path in settings.PERSONAL_DATA},
    }


def _tickets(customer: int) -> Iterator[Json]:
    by_ticket: dict[int, list[Json]] = {}
    for row in _read(Message.objects.filter(ticket__customer=customer)):
        by_ticket.setdefault(row.ticket_id, []).append(_message(row))
    for ticket in Ticket.objects.filter(customer=customer).prefetch_related("tags", "participants").order_by("pk"):
        yield {
            "number": ticket.pk,
            "subject": ticket.subject,
            "status": ticket.status,
            "tags": sorted(tag.name for tag in ticket.tags.all()),
            "participants": [{"address": one.address, "name": one.name} for one in ticket.participants.all()],
            "created_at": shapes.when(ticket.created_at),
            "resolved_at": shapes.when(ticket.resolved_at),
            "messages": by_ticket.get(ticket.pk, []),
        }


def _read(rows: Any) -> Iterator[Message]:
    found = rows.select_related("agent", "address").prefetch_related("attachments").order_by("at", "pk")
    return iter(found.iterator(chunk_size=AT_ONCE))


def _message(row: Message) -> Json:
    return {
        "at": shapes.when(row.at),
        "direction": row.direction,
        "by": row.agent.name if row.agent else str(row.address) if row.address else "",
        "text": row.text,
        "html": row.html,
        "status": row.status,
        "reactions": row.reactions,
        "files": [
            {
                "name": file.filename, "mime": file.mime, "size": file.size, "caption": file.caption,
                "location": file.location, "contact": file.contact,
            }
            for file in row.attachments.all()
        ],
    }  # fmt: skip
