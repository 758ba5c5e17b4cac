"""Due times as pages show them: words and a drawing beside the colour; the browser counts down."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.utils import timezone

from tickets.models import Ticket
from tickets.sla.clocks import Clocks
from tickets.sla.models import Kind

register = template.Library()


@register.filter
def overdue(at: datetime | None) -> bool:
    return at is not None and at <= timezone.now()


@register.filter
def running(row: Ticket) -> list[dict[str, Any]]:
    """The clocks that run or stand still, the one that is due first before the others."""
    if row.clocks is None or row.status == Ticket.Status.RESOLVED:
        return []
    found = [
        {
            "name": Kind(kind).label,
            "due_at": clock.due_at,
            "state": "breached" if clock.breached_at else "at_risk" if clock.warned_at else "running",
            "paused": clock.since is None,
        }
        for kind, clock in Clocks.load(row.clocks).unfinished()
        if kind in Kind.values
    ]
    return sorted(found, key=lambda clock: (clock["due_at"] is None, clock["due_at"] or timezone.now()))
