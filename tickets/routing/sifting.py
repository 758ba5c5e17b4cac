"""A long queue, looked through for what somebody can take right now: a few columns of each, and nothing is locked.

Work of one kind is judged once, so two thousand tickets that wait for a skill nobody has cost one judgement, and no row
of theirs is held or written again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.utils import timezone

from tickets.models import Ticket
from tickets.routing import crew, strategies
from tickets.routing.models import Queue
from tickets.routing.strategies import Choice, Way, Work

ASK_AGAIN = timedelta(seconds=60)
"""Whoever passed is asked again after this, when nobody else is left."""


class Waits(NamedTuple):
    """What counts of a ticket that waits. Of its route: None where there is none."""

    channel: int
    threads: bool
    waiting_since: datetime | None
    created_at: datetime
    language: str
    wanted: int | None = None
    skills: list[str] | None = None
    passed: list[int] | None = None
    passed_at: datetime | None = None


FIELDS = (
    *("channel", "threads", "waiting_since", "created_at", "customer__language"),
    *("route__wanted", "route__skills", "route__passed", "route__passed_at"),
)


def way_of(queue: Queue) -> Way:
    return Way(queue.strategy, queue.sticky, queue.language)


def work_of(queue: Queue, row: Waits, known: crew.Weights, previous: int | None = None) -> Work:
    now = timezone.now()
    waited = now - (row.waiting_since or row.created_at)
    asked_again = row.passed_at is None or now - row.passed_at > ASK_AGAIN
    return Work(
        weight=crew.weight_of(row.channel, row.threads, known),
        language=row.language,
        skills=frozenset(row.skills or ()),
        previous=previous,
        wanted=row.wanted,
        passed=frozenset(row.passed or () if not asked_again else ()),
        relaxed=bool(queue.fallback_minutes) and waited >= timedelta(minutes=queue.fallback_minutes),
    )


def sift(queue: Queue, numbers: Sequence[int], known: crew.Weights) -> tuple[list[int], list[int]]:
    """(those of these tickets that somebody can take, those that wait for another reason than they were told)."""
    people, way = crew.of_team(queue.team_id, known), way_of(queue)
    rows = Ticket.objects.filter(pk__in=numbers).values_list("pk", "route__why", *FIELDS)
    found = {number: (why, Waits(*rest)) for number, why, *rest in rows}
    judged: dict[Work, Choice] = {}
    takeable, told_anew = [], []
    for number in numbers:
        if number not in found:
            continue
        why, row = found[number]
        work = work_of(queue, row, known)
        choice = judged.get(work) or judged.setdefault(work, strategies.choose(work, people, way))
        if choice.agent is not None:
            takeable.append(number)
        elif is_news(why, choice.reasons):
            told_anew.append(number)
    return takeable, told_anew


def is_news(why: Any, reasons: Sequence[strategies.Reason]) -> bool:
    """Whether these reasons are to be said. That others are being asked about something else passes in seconds."""
    return reasons[0][0] != "all_asked" and (why or []) != [list(one) for one in reasons]
