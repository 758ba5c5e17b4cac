"""Taking back what one has just done: the inverse verb, as long as nobody has touched the same thing since.

A verb's line in the log knows what was there before; undoing writes a line of its own, like any verb.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from agents.models import Agent, Team
from tickets import lifecycle, people
from tickets.lifecycle import Conflict
from tickets.models import Activity, Actor, Ticket
from tickets.sla import verbs as sla

S = Ticket.Status
STATUS = ("ticket.resolved", "ticket.reopened", "ticket.snoozed", "ticket.woken")
HOLDER = ("ticket.assigned", "ticket.released")
CHANGED = "ticket.changed"
CUSTOMER = "customer.changed"


def can(line: Activity) -> bool:
    return line.type in _INVERSE


def undo(line: Activity, by: Actor) -> Ticket:
    """line: the agent's own. Raises Conflict when the same thing was changed since, or cannot be had back."""
    assert line.ticket_id is not None
    with transaction.atomic():
        if line.type == CUSTOMER and line.ticket is not None:
            # The customer before the ticket, as whoever changes them.
            people.held(line.ticket.customer_id)
        ticket = Ticket.objects.locked().get(pk=line.ticket_id)
        later = next((one for one in _later(line) if _touches(one, line)), None)
        if later is not None:
            who = later.actor_name or _("The system")
            raise Conflict(_("%(who)s has changed this meanwhile, so it stays as it is.") % {"who": who})
        _INVERSE[line.type](ticket, line, by)
    return ticket


def _later(line: Activity) -> Any:
    return Activity.objects.filter(ticket=line.ticket_id, seq__gt=line.seq).order_by("seq")


def _touches(later: Activity, line: Activity) -> bool:
    """Whether a later line is about the same thing. A team's move may release the ticket: that belongs to it."""
    for things in (STATUS, HOLDER):
        if line.type in things:
            return later.type in things
    if later.type in HOLDER and "team" in line.changes:
        return later.actor_type == "agent"
    return later.type == line.type and bool(_fields(later) & _fields(line))


def _fields(line: Activity) -> set[str]:
    """What it is about; of a customer's attributes each by itself."""
    single = {f"attribute {name}" for pair in [line.changes.get("attributes")] if pair for name in pair[1]}
    return (set(line.changes) - {"before", "attributes"}) | single


def _before(line: Activity, name: str) -> Any:
    return line.changes.get("before", {}).get(name)


def _holder(ticket: Ticket, line: Activity, by: Actor) -> None:
    before = _before(line, "assignee")
    if before is None:
        lifecycle.release(ticket.pk, by)
        return
    agent = Agent.objects.filter(pk=before).first()
    if agent is None:
        raise Conflict(_("They are not there any more."))
    lifecycle.assign(ticket.pk, agent, by, take_over=True)


def _status(ticket: Ticket, line: Activity, by: Actor) -> None:
    """Back to open, or to the snooze that was before if its time is still to come."""
    if line.type == "ticket.reopened":
        lifecycle.resolve(ticket.pk, by)
        return
    until = _time(_before(line, "snoozed_until"))
    if line.type == "ticket.woken" and (until is None or until <= timezone.now()):
        raise Conflict(_("The time of that snooze is over."))
    if line.type == "ticket.resolved":
        _reopen(ticket, line, by)
    if until is not None and until > timezone.now():
        lifecycle.snooze(ticket.pk, until, by)
    elif line.type == "ticket.snoozed":
        lifecycle.wake(ticket.pk, by)


def _reopen(ticket: Ticket, line: Activity, by: Actor) -> None:
    lifecycle.reopen(ticket.pk, by)
    waiting = _time(_before(line, "waiting_since"))
    unset = Ticket.objects.filter(pk=ticket.pk, waiting_since=None)
    # The customer waits as long as before.
    if waiting is not None and unset.update(waiting_since=waiting):
        sla.waits_on(ticket.pk)


def _change(ticket: Ticket, line: Activity, by: Actor) -> None:
    """Tags one by one, so that a colleague's stay; what is named by an id may be gone."""
    wanted: dict[str, Any] = {name: line.changes[name][0] for name in ("subject", "priority") if name in line.changes}
    if "tags" in line.changes:
        before, after = map(set, line.changes["tags"])
        now = set(ticket.tags.values_list("name", flat=True))
        wanted["tags"] = (now - (after - before)) | (before - after)
    if "team" in line.changes:
        team = _before(line, "team")
        wanted["team"] = Team.objects.filter(pk=team).first() if team else None
        if team and wanted["team"] is None:
            raise Conflict(_("This team is not there any more."))
    lifecycle.change(ticket.pk, by, **wanted)
    holder = _before(line, "assignee")
    if "team" in line.changes and holder is not None and not Ticket.objects.get(pk=ticket.pk).assignee_id:
        _holder(ticket, line, by)


def _customer(ticket: Ticket, line: Activity, by: Actor) -> None:
    people.take_back(line, ticket.customer_id, by)


def _time(text: Any) -> datetime | None:
    return parse_datetime(text) if isinstance(text, str) else None


_INVERSE: dict[str, Callable[[Ticket, Activity, Actor], None]] = {
    **dict.fromkeys(HOLDER, _holder),
    **dict.fromkeys(STATUS, _status),
    CHANGED: _change,
    CUSTOMER: _customer,
}
