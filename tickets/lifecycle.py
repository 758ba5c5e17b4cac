"""Assign, resolve, reopen, snooze, change, and what follows from each.

Every verb takes the number of a ticket that its door has found through ``visible_to``, locks the
row, changes it and writes its line. Asked for what is so already, it does nothing and writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from agents.models import Agent, Team
from channels_app.contract import clean_text
from tickets.models import Actor, Message, Tag, Ticket
from tickets.models.activity import SYSTEM, record

S = Ticket.Status
MAX_TAGS = 50
LAST_YEAR = 9999


class Refused(Exception):
    """A verb that cannot be done; the text tells the agent why, and what to do."""


class Held(Refused):
    """Somebody else has the ticket."""

    def __init__(self, holder: Agent) -> None:
        super().__init__(_("%(name)s has this ticket. Take it over?") % {"name": holder.name})
        self.holder = holder


class Conflict(Refused):
    """The ticket's state forbids it."""


def _lock(number: int) -> Ticket:
    return Ticket.objects.locked().get(pk=number)


def _before(ticket: Ticket, *names: str) -> dict[str, Any]:
    """As it was, in the line's own words for undo.py: ids and times, for names may change."""
    values = {name.removesuffix("_id"): getattr(ticket, name) for name in names}
    return {
        "before": {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}
    }


@transaction.atomic
def assign(number: int, agent: Agent, by: Actor, *, take_over: bool = False) -> Ticket:
    """Raises Held when another has it and take_over is not said; Refused when the agent may not see it."""
    ticket = _lock(number)
    if ticket.assignee_id == agent.pk:
        return ticket
    if not agent.is_active or not agent.sight().covers(ticket.team_id):
        raise Refused(_("%(name)s cannot see this ticket. Move it to one of their teams first.") % {"name": agent.name})
    if ticket.assignee_id is not None and not take_over:
        assert ticket.assignee is not None
        raise Held(ticket.assignee)
    changes = {
        "assignee": [ticket.assignee.name if ticket.assignee else None, agent.name],
        **_before(ticket, "assignee_id"),
    }
    record(ticket, "ticket.assigned", by, changes=changes, assignee=agent)
    return ticket


@transaction.atomic
def release(number: int, by: Actor, *, held_by: Agent | None = None) -> Ticket:
    """held_by: only as long as this agent has it."""
    ticket = _lock(number)
    if ticket.assignee_id is not None and (held_by is None or ticket.assignee_id == held_by.pk):
        _release(ticket, by)
    return ticket


def _release(ticket: Ticket, by: Actor) -> None:
    changes = {"assignee": [ticket.assignee.name if ticket.assignee else None, None], **_before(ticket, "assignee_id")}
    record(ticket, "ticket.released", by, changes=changes, assignee=None)


@transaction.atomic
def resolve(number: int, by: Actor) -> Ticket:
    ticket = _lock(number)
    if ticket.status != S.RESOLVED:
        changes = {"status": [ticket.status, S.RESOLVED], **_before(ticket, "snoozed_until", "waiting_since")}
        record(
            ticket, "ticket.resolved", by, changes=changes,
            status=S.RESOLVED, resolved_at=timezone.now(), snoozed_until=None, waiting_since=None,
        )  # fmt: skip
    return ticket


def reopen(number: int, by: Actor) -> Ticket:
    """Raises Conflict where the conversation goes on in a newer ticket."""
    try:
        with transaction.atomic():
            ticket = _lock(number)
            if ticket.status == S.RESOLVED:
                changes = {"status": [ticket.status, S.OPEN]}
                record(ticket, "ticket.reopened", by, changes=changes, status=S.OPEN, resolved_at=None)
            return ticket
    except IntegrityError as error:
        raise Conflict(_("This conversation goes on in a newer ticket. Answer there.")) from error


@transaction.atomic
def snooze(number: int, until: datetime, by: Actor) -> Ticket:
    """Until a time to come; a message from the customer wakes it earlier."""
    ticket = _lock(number)
    if until <= timezone.now():
        raise Refused(_("Choose a time that is still to come."))
    if until.year >= LAST_YEAR:
        # On somebody's clock it would lie behind the end of all time, and nothing that names it could be shown.
        raise Refused(_("Choose a day and a time."))
    if ticket.status == S.RESOLVED:
        raise Conflict(_("This ticket is resolved. Reopen it first."))
    if ticket.status != S.SNOOZED or ticket.snoozed_until != until:
        changes = {"until": until.isoformat(), **_before(ticket, "snoozed_until")}
        record(ticket, "ticket.snoozed", by, changes=changes, status=S.SNOOZED, snoozed_until=until)
    return ticket


@transaction.atomic
def wake(number: int, by: Actor) -> Ticket:
    ticket = _lock(number)
    if ticket.status == S.SNOOZED:
        changes = _before(ticket, "snoozed_until")
        record(ticket, "ticket.woken", by, changes=changes, status=S.OPEN, snoozed_until=None)
    return ticket


def wake_due() -> None:
    """Whose time has come (timetable)."""
    due = Ticket.objects.filter(status=S.SNOOZED, snoozed_until__lte=timezone.now()).order_by("snoozed_until")
    for number in due.values_list("pk", flat=True)[:200]:
        with transaction.atomic():
            ticket = _lock(number)
            if ticket.status == S.SNOOZED and ticket.snoozed_until and ticket.snoozed_until <= timezone.now():
                record(ticket, "ticket.woken", SYSTEM, status=S.OPEN, snoozed_until=None)


@transaction.atomic
def change(number: int, by: Actor, **wanted: Any) -> Ticket:
    """One line for all that really changes.

    subject, priority, team (or None), tags (all their names), or tag and untag (one more, one less).
    """
    ticket = _lock(number)
    fields: dict[str, Any] = {}
    changes: dict[str, Any] = {}
    if "subject" in wanted:
        wanted["subject"] = " ".join(clean_text(wanted["subject"]).split())[:500]
    for name in ("subject", "priority"):
        if name in wanted and wanted[name] != getattr(ticket, name):
            changes[name] = [getattr(ticket, name), wanted[name]]
            fields[name] = wanted[name]
    if wanted.keys() & {"tags", "tag", "untag"}:
        _retag(ticket, wanted, changes)
    moved_from = None
    if "team" in wanted and (wanted["team"].pk if wanted["team"] else None) != ticket.team_id:
        moved_from = ticket.team_id
        changes |= _before(ticket, "team_id", "assignee_id")
        fields["team"] = _move(ticket, wanted["team"], changes)
    if changes:
        record(ticket, "ticket.changed", by, changes=changes, from_team=moved_from, **fields)
    if "team" in fields and ticket.assignee is not None and not ticket.assignee.sight().covers(ticket.team_id):
        _release(ticket, SYSTEM)
    return ticket


def tag_name(name: str) -> str:
    return " ".join(clean_text(name).split())[:60].strip()


def _retag(ticket: Ticket, asked: dict[str, Any], changes: dict[str, Any]) -> None:
    before = sorted(ticket.tags.values_list("name", flat=True))
    names: Iterable[str] = asked.get("tags", before)
    wanted = {tag_name(name).lower(): tag_name(name) for name in names}
    one_more = tag_name(asked.get("tag", ""))
    wanted.setdefault(one_more.lower(), one_more)
    wanted.pop(tag_name(asked.get("untag", "")).lower(), None)
    wanted.pop("", None)
    if len(wanted) > MAX_TAGS:
        raise Refused(_("A ticket takes at most %(count)d tags.") % {"count": MAX_TAGS})
    if {name.lower() for name in before} == set(wanted):
        return
    # In one order, because each is held until the end: nobody merges or deletes it meanwhile.
    tags = [_tag(wanted[key]) for key in sorted(wanted)]
    ticket.tags.set(tags)
    changes["tags"] = [before, sorted(tag.name for tag in tags)]


def _tag(name: str) -> Tag:
    held = Tag.objects.select_for_update(no_key=True)
    found = held.filter(name__iexact=name).first()
    if found is None:
        Tag.objects.bulk_create([Tag(name=name)], ignore_conflicts=True)
        found = held.get(name__iexact=name)
    return found


def _move(ticket: Ticket, team: Team | None, changes: dict[str, Any]) -> Team | None:
    """The messages carry the team too, so that search sees no further than the inbox."""
    if team is not None and not Team.objects.select_for_update(no_key=True).filter(pk=team.pk).exists():
        raise Refused(_("This team is not there any more."))
    changes["team"] = [ticket.team.name if ticket.team else None, team.name if team else None]
    Message.objects.filter(ticket=ticket).update(team=team)
    return team
