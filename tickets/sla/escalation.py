"""What follows when a ticket is nearly due or overdue: a table of deeds, each one of the desk's own verbs.

A deed is {"do": name, "value": what}; a policy has a list of them for warnings and one for breaches. A deed that
cannot be done (the team is gone, the agent may not see the ticket) is logged, and the others are done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import structlog
from django.db import transaction

from agents.models import Agent, Team
from tickets import lifecycle
from tickets.models import Activity, Ticket
from tickets.models.activity import SYSTEM

log = structlog.get_logger(__name__)

PRIORITIES = [str(value) for value in Ticket.Priority.values]


def _raise_priority(ticket: Ticket, value: Any) -> None:
    """To at least this one."""
    if PRIORITIES.index(ticket.priority) < PRIORITIES.index(value):
        lifecycle.change(ticket.pk, SYSTEM, priority=value)


def _move(ticket: Ticket, value: Any) -> None:
    lifecycle.change(ticket.pk, SYSTEM, team=Team.objects.get(pk=value))


def _assign(ticket: Ticket, value: Any) -> None:
    lifecycle.assign(ticket.pk, Agent.objects.get(pk=value), SYSTEM, take_over=True)


def _release(ticket: Ticket, value: Any) -> None:
    """Back to the queue, for whoever is free."""
    lifecycle.release(ticket.pk, SYSTEM)


DEEDS: dict[str, Callable[[Ticket, Any], None]] = {
    "priority": _raise_priority,
    "team": _move,
    "assign": _assign,
    "release": _release,
}


def escalate(ticket: Ticket, line: Activity, deeds: Iterable[Mapping[str, Any]]) -> None:
    """In the transaction that marks it by this line, so that it is done once. The caller holds the ticket."""
    for deed in deeds:
        name, value = deed.get("do"), deed.get("value")
        try:
            with transaction.atomic():
                if name == "notify":
                    notify(ticket, line)
                elif name in DEEDS:
                    DEEDS[name](Ticket.objects.get(pk=ticket.pk), value)
        except (lifecycle.Refused, Agent.DoesNotExist, Team.DoesNotExist, ValueError, TypeError) as error:
            log.warning("an escalation was not possible", ticket=ticket.pk, deed=name, reason=str(error))


def notify(ticket: Ticket, line: Activity) -> None:
    """The line names the team's leads (administrators where it has none) and whoever holds it: their pages say so.

    Nobody has read the line yet. It comes to them as every line does, also when they were away for a moment.
    """
    leads = Agent.objects.filter(is_active=True, role=Agent.Role.LEAD, teams=ticket.team_id) if ticket.team_id else None
    told = list(leads.values_list("pk", flat=True)) if leads is not None else []
    if not told:
        told = list(Agent.objects.filter(is_active=True, role=Agent.Role.ADMIN).values_list("pk", flat=True))
    if ticket.assignee_id and ticket.assignee_id not in told:
        told.append(ticket.assignee_id)
    line.changes = {**line.changes, "told": told}
    Activity.objects.filter(pk=line.pk).update(changes=line.changes)
