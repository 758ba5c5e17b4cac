"""What counts say, and how sure one can be: pure arithmetic on counts, each formula named.

The interval is of 95 %. A rate of satisfied customers: Wilson's score interval. The recommendation score (NPS): Wald's
with three answers added (Rocks 2016, The American Statistician 70). An effort score: the mean with Student's t.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist

from surveys import definition

Z = 1.959963984540054
SATISFIED = 4
DETRACTORS, PROMOTERS = 6, 9
RANGE_OF_TWO = 1.128
"""d₂: how far two values of a deviation of 1 lie apart on average."""
RUN = 8
"""So many points in a row on one side of the middle are no chance any more."""
_T = (0.0, 12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281)

Counts = Mapping[int, int]
"""score → how many answers."""


@dataclass(frozen=True, slots=True)
class Score:
    """value: percent, −100 to 100, or a mean, by the kind. low, high: of the interval; None: too few answers."""

    value: float | None
    low: float | None
    high: float | None
    count: int


def value_of(kind: str, score: int) -> float:
    """What one answer adds to the mean."""
    if kind == definition.CSAT:
        return 100.0 if score >= SATISFIED else 0.0
    if kind == definition.NPS:
        return 100.0 if score >= PROMOTERS else -100.0 if score <= DETRACTORS else 0.0
    return float(score)


def score(kind: str, counts: Counts) -> Score:
    count = sum(counts.values())
    if not count:
        return Score(None, None, None, 0)
    mean, deviation = moments(kind, counts)
    if kind == definition.CSAT:
        low, high = wilson(round(mean * count / 100), count)
        return Score(mean, 100 * low, 100 * high, count)
    if count < 2:
        return Score(mean, None, None, count)
    if kind == definition.NPS:
        low, high = recommended(counts)
        return Score(mean, min(low, mean), max(high, mean), count)
    if not deviation:
        # All said the same: of how much answers differ nothing is known yet.
        return Score(mean, None, None, count)
    # The sample's deviation, with one degree of freedom gone for the mean.
    half = student(count - 1) * deviation * math.sqrt(count / (count - 1)) / math.sqrt(count)
    low, high = definition.SCALES[kind]
    return Score(mean, max(mean - half, float(low)), min(mean + half, float(high)), count)


def moments(kind: str, counts: Counts) -> tuple[float, float]:
    """(mean, deviation) of the values of all answers; there is at least one."""
    count = sum(counts.values())
    values = [(value_of(kind, score), many) for score, many in counts.items()]
    mean = sum(value * many for value, many in values) / count
    return mean, math.sqrt(sum(many * (value - mean) ** 2 for value, many in values) / count)


def wilson(successes: int, count: int) -> tuple[float, float]:
    """Of a rate, from 0 to 1. Right also where all or none succeeded."""
    if not count:
        return 0.0, 1.0
    rate, square = successes / count, Z * Z
    middle = (rate + square / (2 * count)) / (1 + square / count)
    half = Z * math.sqrt(rate * (1 - rate) / count + square / (4 * count * count)) / (1 + square / count)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def recommended(counts: Counts) -> tuple[float, float]:
    """Of the recommendation score, from −100 to 100, as if three more had answered: ¾ of a promoter, ¾ of a detractor,
    the rest between. Without them two promoters would be 100 for sure."""
    count = sum(counts.values()) + 3
    up = (sum(many for score, many in counts.items() if score >= PROMOTERS) + 0.75) / count
    down = (sum(many for score, many in counts.items() if score <= DETRACTORS) + 0.75) / count
    middle, half = up - down, Z * math.sqrt((up + down - (up - down) ** 2) / count)
    return 100 * max(middle - half, -1.0), 100 * min(middle + half, 1.0)


def student(freedom: int) -> float:
    """The 97.5 % point of Student's t; beyond the table by Cornish and Fisher's expansion (to 1e-3)."""
    if freedom < len(_T):
        return _T[max(freedom, 1)]
    terms = (
        (Z**3 + Z) / 4,
        (5 * Z**5 + 16 * Z**3 + 3 * Z) / 96,
        (3 * Z**7 + 19 * Z**5 + 17 * Z**3 - 15 * Z) / 384,
    )
    return Z + sum(term / float(freedom) ** power for power, term in enumerate(terms, 1))


# ── Is it a change, or chance? ───────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Point:
    """One day, week or month. low, high: the control limits for that many answers."""

    label: str
    value: float
    count: int
    low: float
    high: float
    out: bool
    """Beyond the limits."""
    run: bool
    """One of many in a row on one side of the middle."""


@dataclass(frozen=True, slots=True)
class Chart:
    middle: float
    points: tuple[Point, ...]


def control(kind: str, groups: Sequence[tuple[str, Counts]]) -> Chart | None:
    """Shewhart's chart of means with limits of three sigma by the size of each group; of a rate it is the p-chart.

    Else sigma is how answers differ within their group, and where no group has two, how groups differ from the next
    (XmR): a real change between groups must not widen the limits that are to show it. Groups without an answer are no
    points. None: there is nothing to draw.
    """
    found = [(label, counts) for label, counts in groups if sum(counts.values())]
    if not found:
        return None
    whole: dict[int, int] = {}
    for _label, counts in found:
        for one, many in counts.items():
            whole[one] = whole.get(one, 0) + many
    middle, deviation = moments(kind, whole)
    least, most = {definition.CSAT: (0.0, 100.0), definition.NPS: (-100.0, 100.0)}.get(
        kind, (float(definition.SCALES[kind][0]), float(definition.SCALES[kind][1]))
    )
    values = [moments(kind, counts)[0] for _label, counts in found]
    if kind != definition.CSAT:
        deviation = _within(kind, [counts for _label, counts in found], values) or deviation
    in_runs = _runs([value > middle for value in values], [value == middle for value in values])
    points = []
    for place, (label, counts) in enumerate(found):
        count = sum(counts.values())
        half = 3 * deviation / math.sqrt(count)
        low, high = max(middle - half, least), min(middle + half, most)
        value = values[place]
        # A limit at the end of the scale cannot be passed; what rounding does is no signal.
        out = value < low - 1e-9 or value > high + 1e-9
        points.append(Point(label, value, count, low, high, out, place in in_runs))
    return Chart(middle, tuple(points))


def _within(kind: str, groups: Sequence[Counts], means: Sequence[float]) -> float:
    """The pooled deviation of single answers; 0: it cannot be told."""
    freedom = sum(sum(counts.values()) - 1 for counts in groups)
    if freedom:
        squares = sum(sum(counts.values()) * moments(kind, counts)[1] ** 2 for counts in groups)
        return math.sqrt(squares / freedom)
    moved = [abs(after - before) for before, after in pairwise(means)]
    return sum(moved) / len(moved) / RANGE_OF_TWO if moved else 0.0


def _runs(above: Sequence[bool], at: Sequence[bool]) -> set[int]:
    found: set[int] = set()
    run: list[int] = []
    for place, side in enumerate(above):
        if at[place]:
            run = []
            continue
        if run and above[run[-1]] != side:
            run = []
        run.append(place)
        if len(run) >= RUN:
            found.update(run)
    return found


# ── Defects ──────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Quality:
    defects: int
    opportunities: int
    dpmo: float | None
    """Defects per million opportunities; None: there were no opportunities."""
    sigma: float | None
    """Of the process, with the usual shift of 1.5; None: no opportunities."""


def quality(defects: int, opportunities: int) -> Quality:
    if not opportunities:
        return Quality(defects, 0, None, None)
    rate = min(defects / opportunities, 1.0)
    # No defect so far is not none ever: half of one, so that the sigma has an end.
    bounded = min(max(rate, 0.5 / opportunities), 1 - 0.5 / opportunities)
    return Quality(defects, opportunities, rate * 1_000_000, NormalDist().inv_cdf(1 - bounded) + 1.5)
