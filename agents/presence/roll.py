"""Who is there: derived from open sockets, from what the agent last did, and from what they chose.

Each process says every few seconds whose sockets it holds; when nobody says so any more, the agent is gone. So a
closed tab, a cut line and a killed process are one and the same, and several tabs in several processes need no count.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from agents.presence.models import Presence, Seat

BEAT_EVERY = 10.0
GRACE = timedelta(seconds=35)
"""Without a beat for so long: offline. A beat is at most 10 s old, so a closed tab is noticed after 25 to 35 s."""
IDLE = timedelta(minutes=10)

S, C = Presence.Status, Presence.Choice


@dataclass(frozen=True, slots=True)
class Turn:
    """An agent's status changed."""

    agent_id: int
    before: str
    after: str


def status_of(choice: str, seen_at: datetime | None, active_at: datetime | None, now: datetime) -> str:
    """Pure. Clocks that went back make nobody leave."""
    if seen_at is None or now - seen_at > GRACE or choice == C.OFFLINE:
        return S.OFFLINE.value
    if choice:
        return choice
    if active_at is None or now - active_at > IDLE:
        return S.AWAY.value
    return S.ONLINE.value


def arrived(agent_id: int) -> Turn | None:
    """A socket opened."""
    now = timezone.now()
    if not Presence.objects.filter(pk=agent_id).update(seen_at=now, active_at=now):
        Presence.objects.bulk_create([Presence(agent_id=agent_id, seen_at=now, active_at=now)], ignore_conflicts=True)
        Seat.objects.bulk_create([Seat(agent_id=agent_id)], ignore_conflicts=True)
    return _one(agent_id, now)


def active(agent_id: int) -> Turn | None:
    """They typed or clicked somewhere."""
    now = timezone.now()
    Presence.objects.filter(pk=agent_id).update(seen_at=now, active_at=now)
    return _one(agent_id, now)


@transaction.atomic
def beat(agents: Collection[int]) -> None:
    """This process holds sockets of these; who is being told by another process at this moment is not waited for."""
    rows = Presence.objects.select_for_update(skip_locked=True).filter(pk__in=list(agents)).order_by("pk")
    Presence.objects.filter(pk__in=list(rows.values_list("pk", flat=True))).update(seen_at=timezone.now())


def choose(agent_id: int, choice: str) -> Turn | None:
    """What the agent wants to be; "" lets it follow again. Choosing is being there."""
    now = timezone.now()
    Presence.objects.bulk_create([Presence(agent_id=agent_id)], ignore_conflicts=True)
    Presence.objects.filter(pk=agent_id).update(choice=choice, active_at=now)
    return _one(agent_id, now)


def settle() -> list[Turn]:
    """Bring what was told up to date; each turn is given to one caller alone."""
    now = timezone.now()
    rows = Presence.objects.filter(~Q(status=S.OFFLINE) | Q(seen_at__gt=now - GRACE))
    return [turn for row in rows if (turn := _turn(row, now))]


def _one(agent_id: int, now: datetime) -> Turn | None:
    row = Presence.objects.filter(pk=agent_id).first()
    return _turn(row, now) if row else None


def _turn(row: Presence, now: datetime) -> Turn | None:
    after = status_of(row.choice, row.seen_at, row.active_at, now)
    if after == row.status:
        return None
    changed = Presence.objects.filter(pk=row.pk, status=row.status).update(status=after, since=now)
    return Turn(row.pk, row.status, after) if changed else None
