"""Counts by day, made anew from the rows whenever a day was touched: equal to the rows, and never added to.

Whoever changes an invitation or an answer leaves a mark in the same transaction (``touch``). The sweep looks at the
marks, counts while it holds nothing, then takes those marks away together with writing the counts: a writer who
commits meanwhile leaves a mark that it has not seen, and of two sweeps one finds its marks gone and writes nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Count, Q

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
    marks: dict[tuple[int, date], list[int]] = defaultdict(list)
    for pk, number, day in Touched.objects.order_by("pk").values_list("pk", "survey_id", "day")[:AT_A_TIME]:
        marks[number, day].append(pk)
    surveys = Survey.objects.in_bulk({number for number, _day in marks}) if marks else {}
    for number, day in sorted(marks)[:DAYS_AT_A_TIME]:
        survey = surveys[number]
        _replace(survey, day, marks[number, day], _counted(survey, day))
    return bool(marks)


@transaction.atomic
def _replace(survey: Survey, day: date, marks: Sequence[int], counted: Sequence[Tally]) -> None:
    if Touched.objects.filter(pk__in=marks).delete()[0] < len(marks):
        # Another has counted meanwhile, perhaps later than we did.
        transaction.set_rollback(True)
        return
    Tally.objects.filter(survey=survey, day=day).delete()
    Tally.objects.bulk_create(counted)


def _counted(survey: Survey, day: date) -> list[Tally]:
    """Each row of the day is read once for all columns, and once more where its ticket has tags."""
    counts: Counts = defaultdict(Counter)
    invited = Invitation.objects.filter(survey=survey, day=day, is_test=False)
    answered = Response.objects.filter(survey=survey, day=day, invitation__is_test=False)
    measures = _measures(definition.defects(survey.defects))
    columns = COLUMNS.values()
    for team, reason, *rest in invited.values_list("team_id", "reason", *columns).annotate(**measures):
        found = dict(zip(measures, rest[len(columns) :], strict=True))
        _spread(counts, team, rest, found)
        if found["skipped"]:
            counts[team or 0, SKIPPED, reason]["skipped"] += found["skipped"]
    for team, *values, score, count in answered.values_list("team_id", *columns, "score").annotate(n=Count("pk")):
        _spread(counts, team, values, {f"s{score}": count})
    tagged = invited.filter(ticket__tags__isnull=False)
    for team, tag, *rest in tagged.values_list("team_id", "ticket__tags").annotate(**measures):
        _add(counts, (team or 0, TAG, str(tag)), dict(zip(measures, rest, strict=True)))
    rated = answered.filter(ticket__tags__isnull=False)
    for team, tag, score, count in rated.values_list("team_id", "ticket__tags", "score").annotate(n=Count("pk")):
        _add(counts, (team or 0, TAG, str(tag)), {f"s{score}": count})
    return [
        Tally(survey=survey, day=day, team=team, by=by, key=key, **found)
        for (team, by, key), found in counts.items()
        if any(found.values())
    ]


def _spread(counts: Counts, team: int | None, values: Sequence[Any], found: dict[str, int]) -> None:
    """To the whole, and to each of COLUMNS by its value."""
    _add(counts, (team or 0, ALL, ""), found)
    for by, value in zip(COLUMNS, values, strict=False):
        _add(counts, (team or 0, by, "" if value is None else str(value)), found)


def _add(counts: Counts, place: tuple[int, str, str], found: dict[str, int]) -> None:
    # Of the invitation's own column nothing else may have the name.
    counts[place].update({name.rstrip("_"): count for name, count in found.items()})


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


def touch_all(survey: Survey) -> None:
    """What counts as a defect is another thing now: every day is counted anew."""
    touch(set(Invitation.objects.filter(survey=survey).values_list("survey_id", "day").distinct()))
    touch(set(Response.objects.filter(survey=survey).values_list("survey_id", "day").distinct()))
