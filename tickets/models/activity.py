"""The log: one numbered line for everything that happens, written in the transaction that does it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, models
from django.utils import timezone

from agents.models import Agent, Team
from channels_app import jobs, prepared, wakeups
from customers.models import Customer
from tickets.models.message import Message
from tickets.models.ticket import Ticket
from tickets.sla.following import follow


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it. Always an argument (``by=``), never an ambient user."""

    type: str
    agent: Agent | None = None
    customer: Customer | None = None
    name: str = ""

    @classmethod
    def of(cls, agent: Agent) -> Actor:
        return cls("agent", agent=agent, name=agent.name)

    @classmethod
    def from_customer(cls, customer: Customer | None, name: str = "") -> Actor:
        return cls("customer", customer=customer, name=name or (customer.name if customer else ""))


SYSTEM = Actor("system")

STIRS = frozenset(
    f"ticket.{what}"
    for what in ("created", "reopened", "woken", "released", "changed", "resolved", "snoozed", "assigned", "merged")
)
"""After these a ticket may wait for somebody, or somebody may be free for the next (tickets/routing)."""


class Activity(models.Model):
    """seq is taken after the ticket's row is locked, so within a ticket it is the order of commits."""

    seq = models.BigAutoField(primary_key=True)
    type = models.CharField(max_length=40)
    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, null=True, db_index=False, related_name="activity")
    message = models.ForeignKey(Message, on_delete=models.CASCADE, null=True, related_name="+")
    actor_type = models.CharField(max_length=10)
    agent = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    customer = models.ForeignKey(Customer, on_delete=models.SET_NULL, null=True, related_name="+")
    actor_name = models.CharField(max_length=200, default="")
    at = models.DateTimeField(default=timezone.now)
    from_team = models.ForeignKey(Team, on_delete=models.SET_NULL, null=True, related_name="+")
    """Of a move to another team: the one that loses sight of the ticket, and is told so."""
    changes = models.JSONField(default=dict)
    """What changed, for the timeline: {"priority": ["normal", "high"]}."""

    class Meta:
        indexes = [
            models.Index(fields=["ticket", "seq"], name="activity_of_ticket"),
            models.Index(fields=["at"], name="activity_at"),
        ]

    team_now: int | None = None
    """Set by tickets.log: the ticket's team when the line was read, by which sight is judged."""
    gone: bool = False
    """Set by tickets.log: what it is about was deleted while the page was read; nobody is told."""

    def __str__(self) -> str:
        return f"{self.seq} {self.type}"


def record(
    ticket: Ticket,
    type: str,
    by: Actor,
    *,
    message: Message | None = None,
    changes: dict[str, Any] | None = None,
    from_team: int | None = None,
    **fields: Any,
) -> Activity:
    """Write the line and the ticket's changed fields together, and tell the readers after commit.

    The caller holds the ticket's row. This is the only way to write to the log, and so the only way
    to change a ticket: writing and announcing are one verb.
    """
    now = timezone.now()
    fields.update(follow(ticket, type, message, fields, now))
    line = prepared.insert(_line(Entry(ticket, type, message, changes), by, now, from_team))
    fields.update(seq=line.seq, updated_at=now)
    if message is not None and type == "message.added":
        fields["newest_message"] = message.pk
        if message.direction == Message.Direction.IN:
            fields["inbound_seq"] = line.seq
    prepared.update(Ticket, ticket.pk, **fields)
    for name, value in fields.items():
        setattr(ticket, name, value)
    ticket.told = (*ticket.told, line)
    wakeups.moved()
    if type in STIRS and (type != "ticket.assigned" or _freed(ticket, line)):
        jobs.enqueue("tickets.routing.desk.moved", ticket.pk, _freed(ticket, line))
    return line


@dataclass(frozen=True, slots=True)
class Entry:
    """A line to be written."""

    ticket: Ticket
    type: str
    message: Message | None = None
    changes: dict[str, Any] | None = None


def record_all(entries: Sequence[Entry], by: Actor) -> None:
    """``record`` for many tickets, in two statements however many there are. The caller holds all of the rows.

    Only for what changes nothing else about a ticket, and for messages of ours; a ticket's lines are in this order.
    """
    assert not any(entry.type in STIRS or (entry.message and entry.message.direction == "in") for entry in entries)
    now = timezone.now()
    lines = [_line(entry, by, now, None) for entry in entries]
    prepared.insert_all(lines)
    for entry, line in zip(entries, lines, strict=True):
        ticket = entry.ticket
        ticket.seq, ticket.updated_at, ticket.told = line.seq, now, (*ticket.told, line)
        if entry.message is not None and entry.type == "message.added":
            ticket.newest_message = entry.message.pk
    prepared.update_all(
        {entry.ticket.pk: entry.ticket for entry in entries}.values(), "seq", "updated_at", "newest_message"
    )
    if entries:
        wakeups.moved()


def _line(entry: Entry, by: Actor, at: datetime, from_team: int | None) -> Activity:
    return Activity(
        type=entry.type,
        ticket=entry.ticket,
        message=entry.message,
        actor_type=by.type,
        agent=by.agent,
        customer=by.customer,
        actor_name=by.name[:200],
        at=at,
        from_team_id=from_team,
        changes=entry.changes or {},
    )


def _freed(ticket: Ticket, line: Activity) -> int:
    """Who may have room for something else after this line; 0: nobody."""
    before = line.changes.get("before", {}).get("assignee")
    return before or (ticket.assignee_id if line.type in ("ticket.resolved", "ticket.snoozed") else 0) or 0


# The trigger of migration 0002 takes this lock, with the sequence's last number in its lower 48 bits,
# before a number is taken. It is gone only when the number's row is visible (or rolled back).
LOCK_SPACE = 0x504C

# SQLite's own counter: it stands even when the newest lines were purged.
_NEWEST = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'tickets_activity'), 0)"
_GIVEN = "SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END AS seq FROM tickets_activity_seq_seq"
# The inner SELECT names the outer row, so it is run only when that has been read: first the number, then the locks.
_HORIZON = f"""
SELECT given.seq, (
  SELECT min((l.classid::bigint << 32 | l.objid::bigint) & 281474976710655)
  FROM pg_locks l
  WHERE given.seq >= 0 AND l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND (l.classid::bigint >> 16) = %s
)
FROM ({_GIVEN} OFFSET 0) given
"""  # noqa: S608 (two texts of ours)


def horizon() -> int:
    """The safe horizon: no line at or below this number can still appear.

    PostgreSQL: the highest number given out, or the lower bound of our oldest unfinished writer.
    The order matters: first the number, then the locks; a writer whose lock is not seen by then
    takes a higher number. SQLite has one writer at a time, so there the newest line is the horizon.
    """
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            cursor.execute(_NEWEST)
            return int(cursor.fetchone()[0])
        cursor.execute(_HORIZON, [LOCK_SPACE])
        given, unfinished = cursor.fetchone()
        return int(given) if unfinished is None else min(int(given), int(unfinished))


def newest() -> int:
    """The highest number given out so far, finished or not."""
    with connection.cursor() as cursor:
        cursor.execute(_GIVEN if connection.vendor == "postgresql" else _NEWEST)
        return int(cursor.fetchone()[0])


def take_number() -> int:
    """A number that no line will ever have, higher than all given out so far. Holes are normal."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT nextval('tickets_activity_seq_seq')")
            return int(cursor.fetchone()[0])
        cursor.execute("UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'tickets_activity'")
    return newest()


def purge() -> None:
    """The log is kept settings.LOG_KEEP_DAYS; a reader from before that is told to start afresh."""
    old = timezone.now() - timedelta(days=settings.LOG_KEEP_DAYS)
    while True:
        batch = list(Activity.objects.filter(at__lt=old).order_by("at").values_list("seq", flat=True)[:5000])
        if not batch:
            return
        Activity.objects.filter(seq__in=batch).delete()
