"""How the clocks follow the ticket: asked by ``record``, through which every change of a ticket goes.

What it answers is written in the same statement as the change itself. Where no policy fits it answers nothing, and
costs nothing; hours and policies are read every two seconds at most per process.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from agents.hours.calendar import Calendar
from agents.kept import Kept
from channels_app.hours import hours_for
from tickets.sla.clocks import Clock, Clocks
from tickets.sla.models import Outcome, Policy

if TYPE_CHECKING:
    from tickets.models.message import Message
    from tickets.models.ticket import Ticket

Fields = dict[str, Any]


def _read() -> list[Policy]:
    return list(Policy.objects.filter(enabled=True))


policies = Kept(_read)
"""The enabled ones in their order; after a change: ``policies.forget()``."""


def policy_for(team_id: int | None, channel_id: int, priority: str) -> Policy | None:
    return next((row for row in policies.get() if row.fits(team_id, channel_id, priority)), None)


def columns(clocks: Clocks | None) -> Fields:
    """What a ticket's row says of them."""
    if clocks is None:
        return {"clocks": None, "due_at": None, "look_at": None, "sla_state": ""}
    return {
        "clocks": clocks.dump(),
        "due_at": clocks.due_at(),
        "look_at": clocks.look_at(),
        "sla_state": clocks.state().value,
    }


def calendar_of(clocks: Clocks, team_id: int | None, channel_id: int) -> Calendar | None:
    """None: every minute counts."""
    return hours_for(team_id, channel_id) if clocks.business else None


def follow(ticket: Ticket, type: str, message: Message | None, fields: Fields, now: datetime) -> Fields:
    """More columns for the ticket's change. type: of the line. fields: what the change itself writes."""
    if type.startswith("sla.") or "clocks" in fields:
        return {}
    chooses = type in ("ticket.created", "ticket.reopened") or bool(fields.keys() & {"priority", "team"})
    if ticket.clocks is None and not chooses:
        return {}
    if not chooses and not fields.keys() & {"status", "waiting_since"}:
        return {}
    after = _After(ticket, fields)
    clocks = _chosen(ticket, after, type, now) if chooses else _loaded(ticket)
    if clocks is None:
        return {} if ticket.clocks is None else columns(None)
    _bring(clocks, after, ticket, message, now)
    return columns(clocks)


class _After:
    """The ticket as it will be."""

    def __init__(self, ticket: Ticket, fields: Fields) -> None:
        self.status: str = fields.get("status", ticket.status)
        self.priority: str = fields.get("priority", ticket.priority)
        self.waits = fields.get("waiting_since", ticket.waiting_since) is not None
        self.answers = "waiting_since" in fields and not self.waits
        self.team_id: int | None = ticket.team_id
        if "team" in fields:
            self.team_id = fields["team"].pk if fields["team"] else None
        self.channel_id = ticket.channel_id


def _loaded(ticket: Ticket) -> Clocks | None:
    return None if ticket.clocks is None else Clocks.load(ticket.clocks)


def _chosen(ticket: Ticket, after: _After, type: str, now: datetime) -> Clocks | None:
    """A ticket that is new, opened again, of another team or priority: by which policy it is measured from now on."""
    before = _loaded(ticket)
    policy = policy_of(before) if before and before.pinned else None
    policy = policy or policy_for(after.team_id, after.channel_id, after.priority)
    if policy is None:
        return None
    pinned = before is not None and before.pinned and before.policy == policy.pk
    if before is None or type == "ticket.reopened":
        return Clocks.of(policy, pinned=pinned, answered=_was_answered(ticket, before))
    return _under(policy, before, ticket, after, pinned, now)


def _was_answered(ticket: Ticket, before: Clocks | None) -> bool:
    """The first response is once in a ticket's life. One that was measured by nothing so far: whoever spoke last."""
    return before.answered if before else ticket.last_direction == "out"


def _under(policy: Policy, clocks: Clocks, ticket: Ticket, after: _After, pinned: bool, now: datetime) -> Clocks:
    old = calendar_of(clocks, ticket.team_id, ticket.channel_id)
    clocks.business, clocks.pinned = policy.business, pinned
    new = calendar_of(clocks, after.team_id, after.channel_id)
    clocks.settle(now, old, new)
    clocks.aim(policy, after.priority, now, new)
    return clocks


def replaced(ticket: Ticket, clocks: Clocks | None, policy: Policy, now: datetime) -> Clocks:
    """The ticket's clocks under a policy that somebody chose for it."""
    after = _After(ticket, {})
    if clocks is None:
        clocks = Clocks.of(policy, pinned=True, answered=_was_answered(ticket, None))
    else:
        clocks = _under(policy, clocks, ticket, after, True, now)
    _bring(clocks, after, ticket, None, now, policy)
    return clocks


def policy_of(clocks: Clocks) -> Policy | None:
    return next((row for row in policies.get() if row.pk == clocks.policy), None)


def brought(ticket: Ticket, clocks: Clocks, now: datetime) -> Clocks:
    """The clocks as the ticket's row is now."""
    _bring(clocks, _After(ticket, {}), ticket, None, now)
    return clocks


def _bring(
    clocks: Clocks, after: _After, ticket: Ticket, message: Message | None, now: datetime, policy: Policy | None = None
) -> None:
    calendar = calendar_of(clocks, after.team_id, after.channel_id)
    ended = clocks.follow(
        policy or policy_of(clocks),
        after.priority,
        now,
        calendar,
        is_open=after.status == "open",
        waits=after.waits,
        answered=after.answers and message is not None and message.direction == "out",
        resolved=after.status == "resolved",
    )
    if ended:
        Outcome.objects.bulk_create(_outcome(ticket, after.team_id, clocks, kind, clock) for kind, clock in ended)


def _outcome(ticket: Ticket, team_id: int | None, clocks: Clocks, kind: str, clock: Clock) -> Outcome:
    assert clock.met_at is not None
    known = policy_of(clocks)
    return Outcome(
        ticket=ticket, policy=known, kind=kind, team_id=team_id, started_at=clock.started_at, ended_at=clock.met_at,
        target=clock.target, spent=int(clock.spent), met=clock.breached_at is None,
    )  # fmt: skip
