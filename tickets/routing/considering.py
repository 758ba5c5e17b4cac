"""The rules, asked of a ticket: what is known of it, what follows, and each ticket once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog
from django.db import DatabaseError, transaction
from django.db.models import Exists, Max, Min, OuterRef, Q, Subquery
from django.utils import timezone

from agents.models import Agent, Team
from customers import notes
from tickets import automatic, lifecycle
from tickets.models import Message, Ticket, TicketQuerySet
from tickets.models.activity import SYSTEM, record
from tickets.routing import rules
from tickets.routing.models import Queue, Route, Rule
from tickets.routing.opening import closed_until
from tickets.routing.rules import Facts, Outcome, Ready
from tickets.sla import verbs as sla
from tickets.sla.models import Policy

log = structlog.get_logger(__name__)

LONGEST_TEXT = 20_000
AT_A_TIME = 200
NEWEST = 1_000
"""So many numbers back the sweep looks for tickets that the rules were not asked about."""


# ── What is known ────────────────────────────────────────────────────────────────────────────


def with_previous(tickets: TicketQuerySet) -> TicketQuerySet:
    """previous_agent: who had the customer's ticket before this one."""
    others = Ticket.objects.filter(customer=OuterRef("customer_id"), assignee__isnull=False).exclude(pk=OuterRef("pk"))
    last = Subquery(others.order_by("-seq").values("assignee")[:1])
    found: TicketQuerySet = tickets.annotate(previous_agent=last)
    return found


def facts_of(tickets: TicketQuerySet) -> list[tuple[Ticket, Facts]]:
    """Four statements, however many tickets."""
    first = Message.objects.filter(ticket=OuterRef("pk"), direction=Message.Direction.IN).order_by("at", "pk")
    rows = with_previous(tickets).annotate(first_text=Subquery(first.values("text")[:1]))
    rows = rows.select_related("customer", "address").prefetch_related("tags", "customer__tags")
    return [(row, _facts(row)) for row in rows]


def _facts(row: Any) -> Facts:
    text = f"{row.subject}\n{row.first_text or ''}"[:LONGEST_TEXT]
    closed, _until = closed_until(row.team_id, row.channel_id, row.created_at)
    return Facts(
        number=row.pk,
        channel=row.channel_id,
        language=row.customer.language,
        type=row.customer.type,
        party=row.customer.party,
        standing=row.customer.standing,
        tags=frozenset(tag.name.lower() for tag in row.tags.all()),
        customer_tags=frozenset(tag.name.lower() for tag in row.customer.tags.all()),
        attributes=_small(row.customer.attributes),
        # Kept apart: who says “plan = gold” of himself has not paid for it.
        said=_small(row.address.facts),
        text=" ".join(text.split()).lower(),
        open=not closed,
        previous=row.previous_agent,
    )


def _small(values: Mapping[str, notes.Value]) -> dict[str, str]:
    return {name.lower(): " ".join(notes.text_of(value).split()).lower() for name, value in values.items()}


# ── Each ticket once ─────────────────────────────────────────────────────────────────────────


def active() -> list[tuple[datetime, Ready]]:
    """Those that are on, in order; what cannot be read is left out (the settings say so)."""
    rows = Rule.objects.filter(active_since__isnull=False)
    return [(row.active_since, read) for row in rows if row.active_since and (read := rules.ready(row))]


def since() -> datetime | None:
    """Tickets from then on are asked about before anybody gets them; None: there are no rules."""
    first: datetime | None = Rule.objects.filter(active_since__isnull=False).aggregate(first=Min("active_since"))[
        "first"
    ]
    return first


def forgotten(begin: datetime) -> TicketQuerySet:
    """Not asked about yet: among the newest, and among all that wait in a queue, however old."""
    done = Route.objects.filter(ticket=OuterRef("pk"), considered_at__isnull=False)
    found = Ticket.objects.unresolved().filter(~Exists(done), created_at__gte=begin)
    newest: int = Ticket.objects.aggregate(newest=Max("pk"))["newest"] or 0
    given_out = Queue.objects.exclude(mode=Queue.Mode.OFF).values("team")
    return found.filter(Q(pk__gt=newest - NEWEST) | Q(team__in=given_out, status=Ticket.Status.OPEN, assignee=None))


def sweep() -> None:
    """Whatever a lost wake-up has left."""
    begin = since()
    if begin is not None:
        consider(list(forgotten(begin).order_by("pk").values_list("pk", flat=True)[:AT_A_TIME]))


def consider(numbers: Iterable[int]) -> None:
    """Ask the rules about these tickets, and do what they say; a second time it does nothing."""
    known = active()
    for number in sorted(numbers) if known else ():
        try:
            _consider(number, known)
        except DatabaseError:
            log.exception("the rules could not be asked; the sweep does it again", ticket=number)
        except Exception:
            # No rule is worth a ticket that nobody ever gets.
            log.exception("the rules failed; the ticket goes on without them", ticket=number)
            _first_time(Ticket(pk=number))


@transaction.atomic
def _consider(number: int, known: Sequence[tuple[datetime, Ready]]) -> None:
    """Each in a transaction of its own: what its rules do may wait for other rows."""
    ticket = Ticket.objects.locked().filter(pk=number).first()
    if ticket is None or not _first_time(ticket):
        return
    found = [read for begin, read in known if begin <= ticket.created_at]
    facts = facts_of(Ticket.objects.filter(pk=number))[0][1]
    outcome = rules.decide(found, facts)
    if outcome.rules and ticket.status != Ticket.Status.RESOLVED:
        _apply(ticket, outcome)


def _first_time(ticket: Ticket) -> bool:
    Route.objects.bulk_create([Route(ticket=ticket)], ignore_conflicts=True)
    return bool(Route.objects.filter(pk=ticket.pk, considered_at=None).update(considered_at=timezone.now()))


def _apply(ticket: Ticket, outcome: Outcome) -> None:
    """Through the desk's own verbs. What names somebody or something that is gone is left out, the rest is done."""
    record(ticket, "routing.ruled", SYSTEM, changes={"rules": outcome.rules})
    wanted: dict[str, Any] = {}
    if outcome.priority:
        wanted["priority"] = outcome.priority
    if outcome.tags:
        wanted["tags"] = {*ticket.tags.values_list("name", flat=True), *outcome.tags}
    team = Team.objects.filter(pk=outcome.team).first() if outcome.team else None
    if team is not None:
        wanted["team"] = team
    if wanted:
        _try(ticket.pk, "change", lambda: lifecycle.change(ticket.pk, SYSTEM, **wanted))
    policy = Policy.objects.filter(pk=outcome.sla).first() if outcome.sla else None
    if policy is not None:
        _try(ticket.pk, "sla", lambda: sla.apply(ticket.pk, policy, SYSTEM))
    agent = Agent.objects.filter(pk=outcome.agent, is_active=True).first() if outcome.agent else None
    Route.objects.filter(pk=ticket.pk).update(skills=sorted(outcome.skills), wanted=agent)
    if agent is not None and not _is_given_out(ticket.pk):
        _try(ticket.pk, "agent", lambda: lifecycle.assign(ticket.pk, agent, SYSTEM))
    if outcome.reply:
        automatic.send(Ticket.objects.get(pk=ticket.pk), lambda: outcome.reply)


def _try(number: int, what: str, do: Any) -> None:
    try:
        with transaction.atomic():
            do()
    except lifecycle.Refused as error:
        log.info("a rule's action was refused", ticket=number, action=what, reason=str(error))


def _is_given_out(number: int) -> bool:
    """The team's queue gives it to the named agent as soon as they can take it."""
    team = Ticket.objects.filter(pk=number).values_list("team_id", flat=True).first()
    return Queue.objects.filter(pk=team).exclude(mode=Queue.Mode.OFF).exists()


# ── Before it is switched on ─────────────────────────────────────────────────────────────────


def rehearse(rule: Ready, tickets: TicketQuerySet, limit: int = 500) -> tuple[list[Ticket], int]:
    """(those of the newest tickets that it would have matched, of how many)."""
    newest = tickets.filter(pk__in=list(tickets.order_by("-pk").values_list("pk", flat=True)[:limit]))
    found = facts_of(newest.order_by("-pk"))
    return [row for row, facts in found if rule.matches(facts)], len(found)


def untouched(begin: datetime | None) -> Q:
    """What may be given out: asked about, or older than the rules."""
    if begin is None:
        return Q()
    return Q(route__considered_at__isnull=False) | Q(created_at__lt=begin)
