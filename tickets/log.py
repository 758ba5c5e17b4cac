"""Reading the log: one page of lines with what they are about, in a constant number of statements."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Q, prefetch_related_objects

from agents.models import Sight
from tickets.models import Activity, Message, Ticket


def lines(after: int, until: int, limit: int, sight: Sight | None = None) -> Sequence[Activity]:
    """The lines in (after, until] in order, at most limit; with a sight only what it covers.

    A line of a move to another team is also for the team that loses the ticket.
    """
    rows = Activity.objects.filter(seq__gt=after, seq__lte=until)
    if sight is not None and sight.teams is not None:
        rows = rows.filter(sight.where("ticket__team_id") | Q(from_team_id__in=sorted(sight.teams)))
    return with_data(rows.order_by("seq")[:limit])


def with_data(rows: object) -> Sequence[Activity]:
    found = list(rows)  # type: ignore[call-overload]
    tickets = {row.ticket_id for row in found if not row.type.startswith("message.")}
    messages = {row.message_id for row in found if row.type.startswith("message.")}
    by_number = {row.pk: row for row in Ticket.objects.for_reading().filter(pk__in=tickets)} if tickets else {}
    by_id = {row.pk: row for row in Message.objects.for_reading().filter(pk__in=messages)} if messages else {}
    told = {row.ticket_id for row in found if row.type.startswith("customer.")} & by_number.keys()
    prefetch_related_objects([by_number[number].customer for number in sorted(told, key=str)], "tags")
    for row in found:
        # The team comes with the data in one statement, so that sight and what is shown are of one moment.
        if row.ticket_id in by_number:
            row.ticket = by_number[row.ticket_id]
            row.team_now = row.ticket.team_id
        if row.message_id in by_id:
            row.message = by_id[row.message_id]
            row.team_now = row.message.team_id
        about = row.message_id in by_id if row.type.startswith("message.") else row.ticket_id in by_number
        row.gone = not about
    return found  # type: ignore[no-any-return]
