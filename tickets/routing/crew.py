"""Who could take a ticket right now, and how much each has: a few statements, whatever the size of desk or queue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from django.db.models import Count
from django.utils import timezone

from agents.models import Agent
from agents.presence.models import CAPACITY, Presence, Seat
from agents.presence.roll import GRACE, status_of
from tickets.models import Ticket
from tickets.routing.models import CHAT, MAIL, Offer, Weight
from tickets.routing.strategies import Candidate

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Weights = Mapping[int, int]


def weights() -> dict[int, int]:
    """Of the channels where somebody set one."""
    return dict(Weight.objects.values_list("channel", "weight"))


def weight_of(channel_id: int, threads: bool, known: Weights) -> int:
    return known.get(channel_id) or (MAIL if threads else CHAT)


def loads(agents: Iterable[int], known: Weights) -> Counter[int]:
    """What each holds: open tickets, and what is being offered to them. Snoozed ones wait without them."""
    return _held(list(agents), known)[0]


def _held(ids: Sequence[int], known: Weights) -> tuple[Counter[int], set[int]]:
    """(what each holds, who is being asked), in two statements."""
    found, asked = Counter[int](), set()
    held = Ticket.objects.unresolved().filter(assignee__in=ids, status=Ticket.Status.OPEN).order_by()
    for agent, channel, threads, count in held.values_list("assignee", "channel", "threads").annotate(Count("pk")):
        found[agent] += count * weight_of(channel, threads, known)
    for agent, weight in Offer.objects.filter(agent__in=ids, state=Offer.State.OPEN).values_list("agent", "weight"):
        found[agent] += weight
        asked.add(agent)
    return found, asked


def of_team(team_id: int, known: Weights, *, lock: bool = False) -> list[Candidate]:
    """The team's colleagues who are there, as strategies see them; where nobody is, all who may sign in. In four
    statements, and one more where some are away.

    lock: nobody else gives work to those who are online until the transaction ends. All are locked in one order, and
    counted afterwards, so what is decided then holds.
    """
    now, found = timezone.now(), Agent.objects.filter(teams=team_id, is_active=True).select_related("presence")
    # Most of a large team is not there; only when nobody is does it matter who they are.
    members = list(found.filter(presence__seen_at__gt=now - GRACE)) or list(found)
    online = {one.pk for one in members if presence_of(one, now) == Presence.Status.ONLINE}
    seat_of = _locked(online) if lock else {}
    unlocked = [one.pk for one in members if one.pk not in seat_of]
    if unlocked:
        seat_of |= {seat.pk: seat for seat in Seat.objects.filter(pk__in=unlocked)}
    held, asked = _held(list(online), known)
    return [_candidate(one, seat_of.get(one.pk), held[one.pk], one.pk in asked, one.pk in online) for one in members]


def _locked(online: set[int]) -> dict[int, Seat]:
    """Everybody's who is online: without a row of their own there would be nothing to lock."""
    seats = Seat.objects.select_for_update().order_by("pk")
    found = {seat.pk: seat for seat in seats.filter(pk__in=online)}
    missing = online - found.keys()
    if missing:
        Seat.objects.bulk_create([Seat(agent_id=agent) for agent in sorted(missing)], ignore_conflicts=True)
        found |= {seat.pk: seat for seat in seats.filter(pk__in=missing)}
    return found


def presence_of(agent: Agent, now: datetime) -> str:
    """As it is at this moment, whatever was told last. The row came along."""
    row: Presence | None = getattr(agent, "presence", None)
    return status_of(row.choice, row.seen_at, row.active_at, now) if row else Presence.Status.OFFLINE.value


def _candidate(agent: Agent, seat: Seat | None, load: int, asked: bool, online: bool) -> Candidate:
    given = seat.last_assigned_at if seat else None
    return Candidate(
        agent=agent.pk,
        name=agent.name,
        online=online,
        asked=asked,
        load=load,
        capacity=seat.capacity if seat else CAPACITY,
        skills=frozenset(seat.skills if seat else ()),
        languages=frozenset(seat.languages if seat else ()),
        idle_since=(given - EPOCH).total_seconds() if given else 0.0,
    )
