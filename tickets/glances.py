"""What an agent has not read yet: what the customer wrote after the agent last looked."""

from __future__ import annotations

from django.db import connection
from django.db.models import BooleanField, Case, ExpressionWrapper, F, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce

from tickets.models import Glance, Ticket, TicketQuerySet

_LOOKED = """
INSERT INTO tickets_glance (agent_id, ticket_id, seq)
SELECT %s, t.number, CASE WHEN t.seq < %s THEN t.seq ELSE %s END FROM tickets_ticket t WHERE t.number = %s
ON CONFLICT (agent_id, ticket_id) DO UPDATE SET seq = excluded.seq WHERE tickets_glance.seq < excluded.seq
"""


def looked(agent_id: int, number: int, seq: int) -> None:
    """This agent has seen all of the ticket up to that line; never less than before, never what is still to come.

    The door saw to the sight.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOOKED, [agent_id, seq, seq, number])


def unread(agent_id: int) -> Q:
    """Whether a ticket is unread, as a condition.

    Who has never opened a ticket has not read it while its customer waits; what colleagues have
    answered already, and what is resolved, is no work for anyone.
    """
    looked = Glance.objects.filter(agent=agent_id, ticket=OuterRef("pk")).values("seq")[:1]
    never = Case(When(waiting_since=None, then=F("inbound_seq")), default=Value(0))
    return ~Q(status=Ticket.Status.RESOLVED) & Q(inbound_seq__gt=Coalesce(Subquery(looked), never))


def marked(rows: TicketQuerySet, agent_id: int) -> TicketQuerySet:
    """Rows with ``unread``, in the statement that reads them."""
    return rows.annotate(unread=ExpressionWrapper(unread(agent_id), output_field=BooleanField()))
