"""The timetable's part: who is nearly due is warned of, who is overdue is marked, each once.

Each ticket in a transaction of its own, held while it is looked at: two workers never mark the same, and one that is
killed leaves the row as it was, due for the next look.
"""

from __future__ import annotations

from datetime import timedelta

import structlog
from django.db import transaction
from django.utils import timezone

from tickets.models import Ticket
from tickets.models.activity import SYSTEM, record
from tickets.sla import escalation, following
from tickets.sla.clocks import Clocks
from tickets.sla.models import Policy

log = structlog.get_logger(__name__)

AT_ONCE = 200
AGAIN = timedelta(minutes=1)


def sweep() -> None:
    """All that are due (timetable). One that cannot be looked at costs the others nothing."""
    due = Ticket.objects.filter(look_at__lte=timezone.now()).order_by("look_at")
    for number in due.values_list("pk", flat=True)[:AT_ONCE]:
        try:
            look(number)
        except Exception:
            log.exception("a ticket's clocks could not be looked at", ticket=number)
            later = timezone.now() + AGAIN
            Ticket.objects.filter(pk=number, look_at__lte=timezone.now()).update(look_at=later)


@transaction.atomic
def look(number: int) -> None:
    """By the hours of now: where they were changed, the due time moves without a word in the log."""
    ticket = Ticket.objects.locked().filter(pk=number).first()
    now = timezone.now()
    if ticket is None or ticket.clocks is None or ticket.look_at is None or ticket.look_at > now:
        return
    clocks = Clocks.load(ticket.clocks)
    marked = clocks.mark(now, following.calendar_of(clocks, ticket.team_id, ticket.channel_id))
    columns = following.columns(clocks)
    if not marked:
        Ticket.objects.filter(pk=number).update(**columns)
        return
    # One that was made a moment ago, by another process, is not among those that are kept yet.
    policy, lines = following.policy_of(clocks) or Policy.objects.filter(pk=clocks.policy).first(), []
    for line, kind in marked:
        due = clocks.clocks[kind].due_at
        changes = {"kind": kind, "due_at": due.isoformat() if due else None, "policy": clocks.name}
        lines.append(record(ticket, line, SYSTEM, changes=changes, **columns))
    deeds = {} if policy is None else policy.escalations
    for written in lines:
        escalation.escalate(ticket, written, deeds.get(written.type.removeprefix("sla."), []))


def hours_changed(team_ids: list[int] | None = None) -> int:
    """Opening hours are others now: every ticket whose clocks run is looked at again; gives how many those are.

    team_ids: of these teams alone; None: of all. One statement; the work is the timetable's.
    """
    running = Ticket.objects.unresolved().exclude(sla_state="").filter(clocks__business=True)
    if team_ids is not None:
        running = running.filter(team__in=team_ids)
    return running.update(look_at=timezone.now())
