"""Search in messages, subjects, names and phone numbers, newest matching message first."""

from __future__ import annotations

from django.db.models import Max, Q

from agents.models import Sight
from tickets.models import TicketQuerySet


def keys(
    sight: Sight, found: TicketQuerySet, q: str, *, before: int | None, after: int | None, limit: int
) -> list[tuple[int, int]]:
    """(ticket number, id of its newest matching message) of a page."""
    term = q.strip()
    match = (
        Q(messages__text__icontains=term)
        | Q(subject__icontains=term)
        | Q(customer__name__icontains=term)
        | Q(address__phone__icontains=term)
        | Q(address__external_id__icontains=term)
    )
    rows = found.filter(match).annotate(key=Max("messages__id"))
    if before is not None:
        rows = rows.filter(key__lt=before)
    if after is not None:
        return list(rows.filter(key__gt=after).order_by("key").values_list("number", "key")[:limit])
    return list(rows.order_by("-key").values_list("number", "key")[:limit])
