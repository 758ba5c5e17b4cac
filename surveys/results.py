"""What the answers say: read from the counts by day, as far as one may see, in a constant number of statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet, Sum
from django.utils import timezone
from django.utils.formats import date_format

from agents.models import Agent, Sight, Team
from channels_app.models import Channel
from customers.models import Customer
from surveys import checking, definition, figures, tallies
from surveys.models import Invitation, Response, Survey, Tally
from tickets.models import Tag

SCORES = [f"s{number}" for number in range(11)]
PARTS = (tallies.AGENT, "team", tallies.CHANNEL, tallies.TAG, tallies.LANGUAGE, tallies.TYPE)
COUNTED = (
    *SCORES, "asked", "answered", "skipped", "late", "of_late", "low", "of_low", "reopened", "of_reopened",
)  # fmt: skip
DAYS = 90
LONGEST = 366 * 5
DAILY, WEEKLY = 31, 200
MOST_ROWS = 50
State = Invitation.State


@dataclass(frozen=True, slots=True)
class Asked:
    """Which results are asked for. by and key: one slice of them (an agent, a channel, …); "": all."""

    survey: Survey
    sight: Sight
    first: date
    last: date
    by: str = ""
    key: str = ""

    @property
    def kind(self) -> str:
        return self.survey.kind

    def tallies(self) -> QuerySet[Tally]:
        found = Tally.objects.filter(survey=self.survey, day__range=(self.first, self.last))
        teams = self.sight.teams
        return found if teams is None else found.filter(team__in=[0, *sorted(teams)])


@dataclass(slots=True)
class Sums:
    """Added up counts."""

    counts: dict[str, int] = field(default_factory=dict)

    def add(self, row: Mapping[str, Any]) -> None:
        for name in COUNTED:
            self.counts[name] = self.counts.get(name, 0) + (row[name] or 0)

    def of(self, name: str) -> int:
        """No ``[]``: a template would ask it before the properties."""
        return self.counts.get(name, 0)

    @property
    def scores(self) -> dict[int, int]:
        return {number: self.of(name) for number, name in enumerate(SCORES) if self.of(name)}

    @property
    def answers(self) -> int:
        return sum(self.scores.values())


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a breakdown."""

    by: str
    key: str
    name: str
    score: figures.Score
    asked: int
    answered: int

    @property
    def rate(self) -> float | None:
        return 100 * self.answered / self.asked if self.asked else None


@dataclass(frozen=True, slots=True)
class Results:
    asked: Asked
    total: Sums
    score: figures.Score
    rate: float | None
    chart: figures.Chart | None
    days: list[tuple[date, date, int]]
    """Of each point of the chart: its first and last day, and how many answers."""
    parts: dict[str, list[Row]]
    reasons: list[tuple[str, str, int]]
    quality: figures.Quality
    defects: list[tuple[str, int, int]]


def results(asked: Asked) -> Results:
    """Two statements for the counts, and one for the names of each part."""
    by_day, total = _by_day(asked)
    buckets = _buckets(asked, by_day)
    chart = figures.control(asked.kind, [(_label(first, last), sums.scores) for first, last, sums in buckets])
    parts, reasons = _parts(asked)
    named = [(name, total.of(name), total.of(f"of_{name}")) for name in ("late", "low", "reopened")]
    return Results(
        asked=asked,
        total=total,
        score=figures.score(asked.kind, total.scores),
        rate=100 * total.of("answered") / total.of("asked") if total.of("asked") else None,
        chart=chart,
        days=[(first, last, sums.answers) for first, last, sums in buckets if sums.answers],
        parts=parts,
        reasons=reasons,
        quality=figures.quality(sum(one[1] for one in named), sum(one[2] for one in named)),
        defects=[one for one in named if one[2]],
    )


def _slice(asked: Asked) -> QuerySet[Tally]:
    if asked.by == "team":
        return asked.tallies().filter(by=tallies.ALL, team=int(asked.key or 0))
    return asked.tallies().filter(by=asked.by or tallies.ALL, key=asked.key)


def _sums() -> dict[str, Sum]:
    return {name: Sum(name) for name in COUNTED}


def _by_day(asked: Asked) -> tuple[dict[date, Sums], Sums]:
    found: dict[date, Sums] = defaultdict(Sums)
    total = Sums()
    for row in _slice(asked).values("day").annotate(**_sums()).order_by("day"):
        found[row["day"]].add(row)
        total.add(row)
    return found, total


def _buckets(asked: Asked, by_day: Mapping[date, Sums]) -> list[tuple[date, date, Sums]]:
    """Days, weeks or months, by how long the time is."""
    span = (asked.last - asked.first).days + 1
    step = 1 if span <= DAILY else 7 if span <= WEEKLY else 30
    found = []
    first = asked.first
    while first <= asked.last:
        last = min(first + timedelta(days=step - 1), asked.last)
        sums = Sums()
        for day in range((last - first).days + 1):
            one = by_day.get(first + timedelta(days=day))
            if one is not None:
                sums.add(one.counts)
        found.append((first, last, sums))
        first = last + timedelta(days=1)
    return found


def _label(first: date, last: date) -> str:
    shown = date_format(first, "j M")
    return shown if first == last else f"{shown} – {date_format(last, 'j M')}"


def _parts(asked: Asked) -> tuple[dict[str, list[Row]], list[tuple[str, str, int]]]:
    found: dict[tuple[str, str], Sums] = defaultdict(Sums)
    for row in asked.tallies().values("by", "key", "team").annotate(**_sums()).order_by():
        if row["by"] == tallies.ALL:
            found["team", str(row["team"])].add(row)
        else:
            found[row["by"], row["key"]].add(row)
    names = _names(found)
    parts: dict[str, list[Row]] = {by: [] for by in PARTS}
    for (by, key), sums in found.items():
        if by in parts and (sums.of("asked") or sums.answers):
            score = figures.score(asked.kind, sums.scores)
            parts[by].append(Row(by, key, names.get((by, key), ""), score, sums.of("asked"), sums.of("answered")))
    for rows in parts.values():
        rows.sort(key=lambda row: (-row.score.count, row.name))
        del rows[MOST_ROWS:]
    labels = dict(Invitation.Reason.choices)
    reasons = [
        (key, str(labels.get(key, key)), sums.of("skipped"))
        for (by, key), sums in found.items()
        if by == tallies.SKIPPED
    ]
    return parts, sorted(reasons, key=lambda one: -one[2])


def _names(keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    wanted: dict[str, set[str]] = defaultdict(set)
    for by, key in keys:
        wanted[by].add(key)
    named: dict[tuple[str, str], str] = {}
    rows: list[tuple[str, QuerySet[Any]]] = [
        (tallies.AGENT, Agent.objects.all()), ("team", Team.objects.all()), (tallies.CHANNEL, Channel.objects.all()),
        (tallies.TAG, Tag.objects.all()),
    ]  # fmt: skip
    for by, found in rows:
        ids = [int(key) for key in wanted[by] if key.isdigit()]
        named |= {(by, str(pk)): name for pk, name in found.filter(pk__in=ids).values_list("pk", "name")}
    types = dict(Customer.Type.choices)
    named |= {(tallies.LANGUAGE, key): checking.language_name(key) for key in wanted[tallies.LANGUAGE]}
    named |= {(tallies.TYPE, key): str(types.get(key, key)) for key in wanted[tallies.TYPE]}
    return named


# ── The rows behind a number ─────────────────────────────────────────────────────────────────

ANSWERS, ASKED, ANSWERED, NOT_ASKED, DEFECTS = "answers", "asked", "answered", "skipped", "defects"
LATE, LOW, REOPENED = "late", "low", "reopened"
OF = {LATE: "of_late", LOW: "of_low", REOPENED: "of_reopened"}
"""Each kind of defect, and what could have been one."""
WHAT = (ANSWERS, ASKED, ANSWERED, NOT_ASKED, DEFECTS, *OF, *OF.values())
NEWEST = ("-day", "-id")
"""By the index of days, so that a page reads a day or two. By number alone SQLite sorts all that a year has."""
_COLUMNS = {tallies.AGENT: "agent", tallies.CHANNEL: "channel", "team": "team", tallies.TAG: "ticket__tags"}


def _within(asked: Asked) -> Q:
    where = asked.sight.where("team_id") & Q(survey=asked.survey, day__range=(asked.first, asked.last))
    if asked.by in _COLUMNS:
        pk = int(asked.key) if asked.key.isdigit() and len(asked.key) < 19 else 0
        where &= Q(**{f"{_COLUMNS[asked.by]}_id" if asked.by != tallies.TAG else "ticket__tags": pk or None})
    elif asked.by:
        where &= Q(**{tallies.COLUMNS[asked.by]: asked.key})
    return where


def answers(asked: Asked, score: int | None = None) -> QuerySet[Response]:
    rows = Response.objects.filter(_within(asked), invitation__is_test=False)
    rows = rows if score is None else rows.filter(score=score)
    return rows.select_related("ticket", "customer", "agent", "channel", "follow_up__owner").order_by(*NEWEST)


def invitations(asked: Asked, what: str, reason: str = "") -> QuerySet[Invitation]:
    chosen = {
        ASKED: Q(asked_at__isnull=False),
        ANSWERED: Q(asked_at__isnull=False, state=State.ANSWERED),
        NOT_ASKED: Q(state=State.SKIPPED, **({"reason": reason} if reason else {})),
        **_defects(definition.defects(asked.survey.defects)),
    }[what]
    rows = Invitation.objects.filter(_within(asked), chosen, is_test=False)
    return rows.select_related("ticket", "customer", "agent", "channel", "response").order_by(*NEWEST)


def before(rows: QuerySet[Any], last: int) -> QuerySet[Any]:
    """Those of ``answers`` or ``invitations`` that stand behind this one; by its number alone where it is gone."""
    day = rows.model.objects.filter(pk=last).values_list("day", flat=True).first()
    return rows.filter(pk__lt=last) if day is None else rows.filter(Q(day__lt=day) | Q(day=day, pk__lt=last))


def _defects(said: definition.Defects) -> dict[str, Q]:
    """As ``tallies`` counts them: each kind, what could have been one, and all that are."""
    none = Q(pk__in=())
    late = none if said.late_minutes is None else Q(first_reply_seconds__gt=said.late_minutes * 60)
    low = none if said.low_score is None else Q(response__score__lte=said.low_score)
    reopened = Q(reopened=True) if said.reopened else none
    return {
        LATE: late, OF[LATE]: Q(first_reply_seconds__isnull=False), LOW: low, OF[LOW]: Q(response__isnull=False),
        REOPENED: reopened, OF[REOPENED]: Q(), DEFECTS: late | low | reopened,
    }  # fmt: skip


def comments(asked: Asked, count: int = 20) -> list[Response]:
    return list(answers(asked).exclude(comment="")[:count])


def today() -> date:
    return timezone.now().astimezone(UTC).date()


def day(text: str, default: date) -> date:
    """What an address says; anything else is the default."""
    try:
        found = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 (a day has no zone)
    except ValueError:
        return default
    return found if date(2000, 1, 1) <= found <= date(2200, 1, 1) else default
