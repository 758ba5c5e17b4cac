"""Lists of tickets: what is in a view, in which order, a page at a time by keyset, and how many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, Q

from agents.models import Agent, Sight
from tickets import search
from tickets.models import Tag, Ticket, TicketQuerySet
from tickets.sla.models import State

S = Ticket.Status

Reading = Callable[[TicketQuerySet, dict[int, int]], TicketQuerySet]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
END = datetime(9999, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
NUMBERS = 10**18
"""More tickets than there will be: a due time and a number are one key."""

# Up to so many, each team's index is read by itself.
MANY_TEAMS = 24


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
    sla: str = ""
    """at_risk or breached; "either" for both."""
    q: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """rows: at most ``limit``, in the order asked for. older, newer: the keys to ask for the pages beside, or None."""

    rows: Sequence[Ticket]
    older: int | None
    newer: int | None


def page(
    agent: Agent, filters: Filters, *, before: int | None = None, after: int | None = None, limit: int = 50,
    sight: Sight | None = None, reading: Reading | None = None, by_due: bool = False,
) -> Page:  # fmt: skip
    """One page of what this agent may see, in the order of the newest activity.

    before, after: a key from an earlier page. With ``q`` the order and the keys are those of the
    newest matching message. by_due: what is due, and that first which is due first ("before" goes on to later times).
    reading: what else is read of the rows, in the same statement; it is given their keys.
    """
    sight = sight or agent.sight()
    if filters.team:
        if not sight.covers(filters.team):
            return Page([], None, None)
        sight = Sight(frozenset({filters.team}))
    found = narrowed(Ticket.objects.all(), filters)
    if found.query.is_empty():
        return Page([], None, None)
    if filters.q.strip():
        few = filters.customer is not None
        keys = search.keys(sight, found, filters.q, before=before, after=after, limit=limit + 1, few=few)
    elif by_due:
        keys = _due_keys(sight, found.filter(due_at__isnull=False), before, after, limit + 1)
    else:
        keys = _keys(sight, found, before, after, limit + 1)
    more = len(keys) > limit
    keys = keys[:limit]
    if after is not None and before is None:
        keys.reverse()
        older, newer = bool(keys), more
    else:
        older, newer = more, before is not None and bool(keys)
    seen = Ticket.objects.seen_with(sight).filter(pk__in=[number for number, _key in keys])
    seen = reading(seen, dict(keys)) if reading else seen.for_reading()
    by_number = {row.pk: row for row in seen} if keys else {}
    rows = [by_number[number] for number, _key in keys if number in by_number]
    return Page(rows, keys[-1][1] if older else None, keys[0][1] if newer else None)


def narrowed(found: TicketQuerySet, filters: Filters) -> TicketQuerySet:
    if filters.status:
        found = found.filter(status=filters.status)
    if filters.unresolved or filters.status in (S.OPEN, S.SNOOZED):
        # Said of what is open, too, or SQLite does not see that the indexes of what is unresolved have it all.
        found = found.unresolved()
    if filters.assignee is not None:
        found = found.filter(assignee=filters.assignee or None)
    for name in ("team", "channel", "customer", "priority"):
        value = getattr(filters, name)
        if value:
            found = found.filter(**{name: value})
    if filters.sla:
        # Said of what is unresolved, for which there are indexes: nothing that is resolved has a state.
        found = found.unresolved()
        states = (State.AT_RISK, State.BREACHED) if filters.sla == "either" else (filters.sla,)
        found = found.filter(sla_state__in=states)
    if filters.tag:
        # By its number, looked up first: how many tickets have it decides how they are best found.
        tag = Tag.objects.filter(name__iexact=filters.tag).values_list("pk", flat=True).first()
        found = found.filter(tags=tag) if tag else found.none()
    return found


def _keys(
    sight: Sight, found: TicketQuerySet, before: int | None, after: int | None, limit: int
) -> list[tuple[int, int]]:
    """(number, key) of a page; nearest first when paging back."""

    def cut(part: TicketQuerySet) -> TicketQuerySet:
        if before is not None:
            part = part.filter(seq__lt=before)
        elif after is not None:
            return part.filter(seq__gt=after).order_by("seq")[:limit]
        return part.order_by("-seq")[:limit]

    if sight.teams is None or len(sight.teams) >= MANY_TEAMS:
        return list(cut(found.filter(sight.where())).values_list("number", "seq"))
    return _merged(
        [cut(found.filter(team=team)) for team in (None, *sorted(sight.teams))],
        "seq",
        "seq" if after is not None and before is None else "seq DESC",
        limit,
    )


def due_key(at: datetime, number: int) -> int:
    """Many are due at the same instant (when it opens), so the number is part of the key."""
    return (at - EPOCH) // MICROSECOND * NUMBERS + number


def of_due_key(key: int) -> tuple[datetime, int]:
    """Any number is one; what lies beyond all time is its end."""
    micros, number = divmod(min(max(key, 0), due_key(END, 0)), NUMBERS)
    return EPOCH + micros * MICROSECOND, number


def _due_keys(
    sight: Sight, found: TicketQuerySet, before: int | None, after: int | None, limit: int
) -> list[tuple[int, int]]:
    """The same in the order of due times."""
    back = after is not None and before is None
    order = ("-due_at", "-number") if back else ("due_at", "number")

    def cut(part: TicketQuerySet) -> TicketQuerySet:
        key = before if before is not None else after
        if key is not None:
            at, number = of_due_key(key)
            side = "lt" if back else "gt"
            beyond = Q(**{f"due_at__{side}": at}) | Q(**{f"number__{side}": number})
            part = part.filter(beyond, **{f"due_at__{side}e": at})
        return part.order_by(*order)[:limit]

    if sight.teams is None or len(sight.teams) >= MANY_TEAMS:
        rows = list(cut(found.filter(sight.where())).values_list("number", "due_at"))
    else:
        parts = [cut(found.filter(team=team)) for team in (None, *sorted(sight.teams))]
        rows = _merged(parts, "due_at", "due_at DESC, number DESC" if back else "due_at, number", limit)
    return [(number, due_key(_aware(at), number)) for number, at in rows if at is not None]


def _aware(at: datetime) -> datetime:
    """SQLite gives a column of a statement of our own without its zone, which is UTC."""
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _merged(parts: Sequence[TicketQuerySet], key: str, order: str, limit: int) -> list[tuple[int, Any]]:
    """The first of all parts together, in one statement: (number, key).

    "One of these teams or none" in order of seq has no index of its own; PostgreSQL would read tickets of
    all teams until it has enough of these. One team in order of seq has.
    """
    statements = [part.values_list("number", key).query.sql_with_params() for part in parts]
    # Each in a SELECT of its own, because SQLite takes no LIMIT in a part of a UNION.
    union = " UNION ALL ".join(
        f"SELECT * FROM ({text}) part{place}" for place, (text, _params) in enumerate(statements)
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT number, {key} FROM ({union}) parts ORDER BY {order} LIMIT {int(limit)}",
            [value for _text, params in statements for value in params],
        )
        return cursor.fetchall()  # type: ignore[no-any-return]


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


def counts_by(agent: Agent, sight: Sight | None = None) -> dict[str, dict[int, int]]:
    """How many are open per team (0: none) and per channel, in one statement."""
    sight = sight or agent.sight()
    teams: Counter[int] = Counter()
    channels: Counter[int] = Counter()
    open_ = Ticket.objects.seen_with(sight).unresolved().filter(status=S.OPEN).order_by()
    for team, channel, number in open_.values_list("team", "channel").annotate(Count("pk")):
        teams[team or 0] += number
        channels[channel] += number
    return {"teams": dict(teams), "channels": dict(channels)}
