"""What rules and people do about a ticket's policy."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from tickets.models import Actor, Ticket
from tickets.models.activity import record
from tickets.sla import following
from tickets.sla.clocks import Clocks
from tickets.sla.models import Policy


@transaction.atomic
def apply(number: int, policy: Policy | None, by: Actor) -> Ticket:
    """This policy from now on, whatever team and priority say; None: no clocks any more.

    Clocks that run keep what they have counted. Asked for what is so already, it does nothing.
    """
    ticket = Ticket.objects.locked().get(pk=number)
    clocks = Clocks.load(ticket.clocks) if ticket.clocks else None
    if (clocks.policy if clocks else None) == (policy.pk if policy else None):
        return ticket
    changes = {"sla": [clocks.name if clocks else None, policy.name if policy else None]}
    after = following.replaced(ticket, clocks, policy, timezone.now()) if policy else None
    record(ticket, "ticket.changed", by, changes=changes, **following.columns(after))
    return ticket


def waits_on(number: int) -> None:
    """The customer waits again without having written (a resolution was taken back). The caller holds the ticket."""
    ticket = Ticket.objects.get(pk=number)
    if ticket.clocks is not None:
        clocks = following.brought(ticket, Clocks.load(ticket.clocks), timezone.now())
        Ticket.objects.filter(pk=number).update(**following.columns(clocks))
