"""Lists of tickets: what is in a view, in which order, a page at a time by keyset, and how many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Q

from agents.models import Agent, Sight
from tickets import search
from tickets.models import Ticket, TicketQuerySet

S = Ticket.Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """All optional; together they narrow. assignee: an agent's id, or 0 for nobody."""

    status: str = ""
    unresolved: bool = False
    assignee: int | None = None
    team: int | None = None
    channel: int | None = None
    customer: int | None = None
    tag: str = ""
    priority: str = ""
    q: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """rows: at most ``limit``, newest first. older, newer: the keys to ask for the pages beside, or None."""

    rows: Sequence[Ticket]
    older: int | None
    newer: int | None


def page(
    agent: Agent, filters: Filters, *, before: int | None = None, after: int | None = None, limit: int = 50,
    sight: Sight | None = None,
) -> Page:  # fmt: skip
    """One page of what this agent may see, in the order of the newest activity.

    before, after: a key from an earlier page. With ``q`` the order and the keys are those of the
    newest matching message.
    """
    sight = sight or agent.sight()
    found = narrowed(Ticket.objects.seen_with(sight), filters)
    if filters.q.strip():
        keys = search.keys(sight, found, filters.q, before=before, after=after, limit=limit + 1)
    else:
        keys = _keys(found, before, after, limit + 1)
    more = len(keys) > limit
    keys = keys[:limit]
    if after is not None and before is None:
        keys.reverse()
        older, newer = bool(keys), more
    else:
        older, newer = more, before is not None and bool(keys)
    by_number = {row.pk: row for row in Ticket.objects.for_reading().filter(pk__in=[number for number, _key in keys])}
    rows = [by_number[number] for number, _key in keys if number in by_number]
    return Page(rows, keys[-1][1] if older else None, keys[0][1] if newer else None)


def narrowed(found: TicketQuerySet, filters: Filters) -> TicketQuerySet:
    if filters.status:
        found = found.filter(status=filters.status)
    if filters.unresolved:
        found = found.unresolved()
    if filters.assignee is not None:
        found = found.filter(assignee=filters.assignee or None)
    for name in ("team", "channel", "customer", "priority"):
        value = getattr(filters, name)
        if value:
            found = found.filter(**{name: value})
    if filters.tag:
        found = found.filter(tags__name__iexact=filters.tag)
    return found


def _keys(found: TicketQuerySet, before: int | None, after: int | None, limit: int) -> list[tuple[int, int]]:
    """(number, key) of a page; nearest first when paging back."""
    if before is not None:
        found = found.filter(seq__lt=before)
    elif after is not None:
        return list(found.filter(seq__gt=after).order_by("seq").values_list("number", "seq")[:limit])
    return list(found.order_by("-seq").values_list("number", "seq")[:limit])


def counts(agent: Agent, sight: Sight | None = None) -> dict[str, int]:
    """The badges, in one statement over what is unresolved."""
    sight = sight or agent.sight()
    row = (
        Ticket.objects.seen_with(sight)
        .unresolved()
        .aggregate(
            mine=Count("pk", filter=Q(assignee=agent, status=S.OPEN)),
            unassigned=Count("pk", filter=Q(assignee=None, status=S.OPEN)),
            open=Count("pk", filter=Q(status=S.OPEN)),
            snoozed=Count("pk", filter=Q(status=S.SNOOZED)),
        )
    )
    return {name: int(value) for name, value in row.items()}
