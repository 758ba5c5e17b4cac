"""Counts by day, made anew from the rows whenever a day was touched: equal to the rows, and never added to.

Whoever changes an invitation or an answer says so in the same transaction (``touch``). The sweep takes the marks
that it sees away, then counts: a writer who commits later leaves a mark that it has not seen.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Count, Q, QuerySet

from surveys import definition
from surveys.models import Invitation, Response, Survey, Tally, Touched

AT_A_TIME = 2000
DAYS_AT_A_TIME = 50
ALL, AGENT, CHANNEL, TAG, LANGUAGE, TYPE = "all", "agent", "channel", "tag", "language", "type"
COLUMNS = {AGENT: "agent_id", CHANNEL: "channel_id", LANGUAGE: "language", TYPE: "customer_type"}
SKIPPED = "skipped"
Counts = dict[tuple[int, str, str], Counter[str]]
"""(team, by, key) → column → how many."""

State = Invitation.State


def touch(days: Iterable[tuple[int, date]]) -> None:
    Touched.objects.bulk_create([Touched(survey_id=survey, day=day) for survey, day in sorted(set(days))])


def sweep() -> None:
    """Count what was touched (timetable)."""
    while _some():
        pass


def _some() -> bool:
    with transaction.atomic():
        marks = list(Touched.objects.select_for_update(skip_locked=True).order_by("pk")[:AT_A_TIME])
        days = sorted({(mark.survey_id, mark.day) for mark in marks})[:DAYS_AT_A_TIME]
        chosen = set(days)
        Touched.objects.filter(pk__in=[mark.pk for mark in marks if (mark.survey_id, mark.day) in chosen]).delete()
        surveys = Survey.objects.in_bulk({survey for survey, _day in days})
        # One after the other for a survey: two that count the same day would each write it.
        list(Survey.objects.select_for_update(no_key=True).filter(pk__in=surveys).order_by("pk").values_list("pk"))
        for survey, day in days:
            if survey in surveys:
                _count(surveys[survey], day)
    return bool(days)


def _count(survey: Survey, day: date) -> None:
    counts: Counts = defaultdict(Counter)
    invited = Invitation.objects.filter(survey=survey, day=day, is_test=False)
    answered = Response.objects.filter(survey=survey, day=day, invitation__is_test=False)
    measures = _measures(definition.defects(survey.defects))
    for by in (ALL, *COLUMNS, TAG):
        column = COLUMNS.get(by)
        through = ["team_id", *([column] if column else ["ticket__tags"] if by == TAG else [])]
        for row in invited.values_list(*through).annotate(**measures):
            _add(counts, by, row[: len(through)], dict(zip(measures, row[len(through) :], strict=True)))
        for *place, score, count in answered.values_list(*through, "score").annotate(n=Count("pk")):
            _add(counts, by, place, {f"s{score}": count})
    for team, reason, count in _reasons(invited):
        _add(counts, SKIPPED, (team, reason), {"skipped": count})
    Tally.objects.filter(survey=survey, day=day).delete()
    Tally.objects.bulk_create(
        Tally(survey=survey, day=day, team=team, by=by, key=key, **found)
        for (team, by, key), found in counts.items()
        if any(found.values())
    )


def _reasons(invited: QuerySet[Invitation]) -> Iterable[tuple[int | None, str, int]]:
    return invited.filter(state=State.SKIPPED).values_list("team_id", "reason").annotate(n=Count("pk"))


def _measures(defects: definition.Defects) -> dict[str, Count]:
    """One statement counts them all."""
    asked = Q(asked_at__isnull=False)
    measures = {
        "asked": Count("pk", filter=asked),
        "answered": Count("pk", filter=asked & Q(state=State.ANSWERED)),
        "skipped": Count("pk", filter=Q(state=State.SKIPPED)),
    }
    if defects.late_minutes is not None:
        measures["of_late"] = Count("pk", filter=Q(first_reply_seconds__isnull=False))
        measures["late"] = Count("pk", filter=Q(first_reply_seconds__gt=defects.late_minutes * 60))
    if defects.reopened:
        measures["of_reopened"] = Count("pk")
        measures["reopened_"] = Count("pk", filter=Q(reopened=True))
    if defects.low_score is not None:
        measures["of_low"] = Count("pk", filter=Q(response__isnull=False))
        measures["low"] = Count("pk", filter=Q(response__score__lte=defects.low_score))
    return measures


def _add(counts: Counts, by: str, place: Sequence[Any], found: dict[str, int]) -> None:
    """place: (team) or (team, key)."""
    key = "" if len(place) < 2 or place[1] is None else str(place[1])
    # A ticket without a tag is in no tag's count.
    if by == TAG and not key:
        return
    # Of the invitation's own column nothing else may have the name.
    counts[place[0] or 0, by, key].update({name.rstrip("_"): count for name, count in found.items()})


def touch_all(survey: Survey) -> None:
    """What counts as a defect is another thing now: every day is counted anew."""
    touch(set(Invitation.objects.filter(survey=survey).values_list("survey_id", "day").distinct()))
    touch(set(Response.objects.filter(survey=survey).values_list("survey_id", "day").distinct()))
