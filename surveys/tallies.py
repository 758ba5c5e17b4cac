"""Counts by day, made anew from the rows whenever a day was touched: equal to the rows, and never added to.

Whoever changes an invitation or an answer says so in the same transaction (``touch``). The sweep takes the marks
that it sees away, then counts: a writer who commits later leaves a mark that it has not seen.
"""

from __future__ import annotations

from collections import Counter
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
Counts = Counter[tuple[int, str, str, str]]
"""(team, by, key, measure) → how many."""

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
    counts: Counts = Counter()
    invited = Invitation.objects.filter(survey=survey, day=day, is_test=False)
    answered = Response.objects.filter(survey=survey, day=day, invitation__is_test=False)
    measures = _measures(definition.defects(survey.defects))
    for by in (ALL, *COLUMNS, TAG):
        column = COLUMNS.get(by)
        through = ["team_id", *([column] if column else ["ticket__tags"] if by == TAG else [])]
        _add(counts, by, invited.values_list(*through).annotate(**measures), list(measures))
        _add(counts, by, invited.filter(state=State.SKIPPED).values_list(*through, "reason").annotate(n=Count("pk")))
        _add(counts, by, answered.values_list(*through, "score").annotate(n=Count("pk")))
    Tally.objects.filter(survey=survey, day=day).delete()
    Tally.objects.bulk_create(
        Tally(survey=survey, day=day, team=team, by=by, key=key, measure=measure, count=count)
        for (team, by, key, measure), count in counts.items()
        if count
    )


def _measures(defects: definition.Defects) -> dict[str, Count]:
    """One statement counts them all. ``judged_…`` are the opportunities."""
    asked = Q(asked_at__isnull=False)
    # An answer that came without the question having gone out (a link from a test) is no part of the rate.
    measures = {"asked": Count("pk", filter=asked), "answered": Count("pk", filter=asked & Q(state=State.ANSWERED))}
    if defects.late_minutes is not None:
        judged = Q(first_reply_seconds__isnull=False)
        late = Q(first_reply_seconds__gt=defects.late_minutes * 60)
        measures |= {"judged_late": Count("pk", filter=judged), "late": Count("pk", filter=late)}
    if defects.reopened:
        measures |= {"judged_reopen": Count("pk"), "reopen": Count("pk", filter=Q(reopened=True))}
    if defects.low_score is not None:
        scored = Q(response__isnull=False)
        low = Q(response__score__lte=defects.low_score)
        measures |= {"judged_low": Count("pk", filter=scored), "low": Count("pk", filter=low)}
    return measures


def _add(counts: Counts, by: str, rows: Iterable[Sequence[Any]], names: Sequence[str] = ()) -> None:
    """Of rows (team, key?, counts…) with names, or (team, key?, score or reason, count) without."""
    keyed = by != ALL
    for row in rows:
        team, rest = row[0] or 0, row[1:]
        key, rest = (_key(rest[0]), rest[1:]) if keyed else ("", rest)
        if keyed and by == TAG and rest and key == "":
            continue
        if names:
            for name, count in zip(names, rest, strict=True):
                counts[team, by, key, name] += count
        else:
            what, count = rest
            measure = f"score:{what}" if isinstance(what, int) else f"skipped:{what}"
            counts[team, by, key, measure] += count


def _key(value: Any) -> str:
    return "" if value is None else str(value)


def touch_all(survey: Survey) -> None:
    """What counts as a defect is another thing now: every day is counted anew."""
    touch(set(Invitation.objects.filter(survey=survey).values_list("survey_id", "day").distinct()))
    touch(set(Response.objects.filter(survey=survey).values_list("survey_id", "day").distinct()))
