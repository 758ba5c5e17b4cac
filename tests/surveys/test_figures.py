"""The arithmetic of results, against values from textbooks and against plain counting."""

from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveys import definition, figures

COUNTS = st.dictionaries(st.integers(1, 5), st.integers(0, 400), max_size=5).filter(lambda found: sum(found.values()))


@pytest.mark.parametrize(
    ("successes", "count", "low", "high"),
    # Newcombe 1998, table I, method 3 (Wilson's score without correction).
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0000, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson(successes: int, count: int, low: float, high: float) -> None:
    assert figures.wilson(successes, count) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("freedom", "point"), [(1, 12.706), (5, 2.571), (10, 2.228), (11, 2.201), (30, 2.042), (120, 1.980)]
)
def test_student(freedom: int, point: float) -> None:
    assert figures.student(freedom) == pytest.approx(point, abs=2e-3)


def test_recommendation() -> None:
    found = figures.score(definition.NPS, {10: 50, 9: 20, 8: 15, 3: 15})
    assert found.value == pytest.approx(55.0)
    # Of 103: 70.75 promoters, 15.75 detractors. sqrt(p + d − (p − d)²)
    up, down = 70.75 / 103, 15.75 / 103
    half = 196 * math.sqrt((up + down - (up - down) ** 2) / 103)
    assert found.low == pytest.approx(100 * (up - down) - half, abs=0.01)
    assert found.high == pytest.approx(100 * (up - down) + half, abs=0.01)


def test_few_who_all_agree_prove_little() -> None:
    found = figures.score(definition.NPS, {10: 3})
    assert (found.value, found.high) == (100, 100)
    assert found.low is not None
    assert found.low < 0
    assert figures.score(definition.NPS, {0: 3}).low == -100
    assert figures.score(definition.CES, {7: 3}) == figures.Score(7, None, None, 3)


def test_effort() -> None:
    values = [1] * 3 + [4] * 5 + [7] * 4
    found = figures.score(definition.CES, {1: 3, 4: 5, 7: 4})
    assert found.value == pytest.approx(statistics.mean(values))
    assert found.low is not None
    assert found.value is not None
    assert found.value - found.low == pytest.approx(2.201 * statistics.stdev(values) / math.sqrt(12), abs=0.003)


def test_nothing_and_one() -> None:
    for kind in definition.SCALES:
        assert figures.score(kind, {}) == figures.Score(None, None, None, 0)
        assert figures.score(kind, {5: 1}).count == 1


@given(COUNTS, st.sampled_from([definition.CSAT, definition.NPS, definition.CES]))
def test_the_interval_holds_the_value_and_stays_on_the_scale(counts: dict[int, int], kind: str) -> None:
    found = figures.score(kind, counts)
    ends = {definition.CSAT: (0, 100), definition.NPS: (-100, 100), definition.CES: (1, 7)}[kind]
    assert found.value is not None
    if found.low is not None and found.high is not None:
        assert ends[0] - 1e-9 <= found.low <= found.value + 1e-9
        assert found.value - 1e-9 <= found.high <= ends[1] + 1e-9


def test_a_real_change_is_told_from_noise() -> None:
    steady = [(f"d{day}", {5: 80 + day % 3, 1: 20 - day % 3}) for day in range(20)]
    chart = figures.control(definition.CSAT, [*steady, ("bad", {5: 40, 1: 60})])
    assert chart is not None
    assert [point.label for point in chart.points if point.out] == ["bad"]
    calm = figures.control(definition.CSAT, steady)
    assert calm is not None
    assert not any(point.out for point in calm.points)


def test_the_limits_of_a_rate_are_those_of_a_p_chart() -> None:
    chart = figures.control(definition.CSAT, [("a", {5: 30, 2: 10}), ("b", {4: 50, 3: 10}), ("empty", {})])
    assert chart is not None
    middle = 80 / 100
    assert [point.label for point in chart.points] == ["a", "b"]
    half = 3 * math.sqrt(middle * (1 - middle) / 40) * 100
    assert chart.points[0].low == pytest.approx(80 - half)
    assert chart.points[0].high == pytest.approx(min(80 + half, 100))


def test_the_limits_of_a_mean_are_by_what_differs_within_the_groups() -> None:
    days = [{5: 6, 6: 8, 7: 6}, {5: 7, 6: 7, 7: 6}, {1: 7, 2: 6, 3: 7}]
    chart = figures.control(definition.CES, [(str(place), counts) for place, counts in enumerate(days)])
    assert chart is not None
    each = [[score for score, many in counts.items() for _one in range(many)] for counts in days]
    sigma = math.sqrt(sum(19 * statistics.variance(one) for one in each) / 57)
    middle = statistics.mean(score for one in each for score in one)
    assert chart.points[0].low == pytest.approx(middle - 3 * sigma / math.sqrt(20))
    assert [point.out for point in chart.points] == [True] * 3, "by all answers together the first two would not be"


def test_of_single_answers_it_is_the_chart_of_moving_ranges() -> None:
    values = [4, 5, 4, 5, 4, 5, 4, 6, 4]
    chart = figures.control(definition.CES, [(str(place), {value: 1}) for place, value in enumerate(values)])
    assert chart is not None
    middle, moved = statistics.mean(values), (6 * 1 + 2 * 2) / 8
    assert chart.points[0].low == pytest.approx(middle - 2.66 * moved, abs=0.01)
    assert chart.points[0].high == pytest.approx(min(middle + 2.66 * moved, 7), abs=0.01)


def test_where_nothing_differs_within_the_groups() -> None:
    chart = figures.control(definition.CES, [("a", {5: 2}), ("b", {6: 2})])
    assert chart is not None
    assert not any(point.out for point in chart.points)
    same = figures.control(definition.NPS, [("a", {9: 3}), ("b", {10: 1})])
    assert same is not None
    assert not any(point.out for point in same.points)


def test_a_long_run_on_one_side_is_no_chance() -> None:
    groups = [(str(day), {5: 52, 1: 48}) for day in range(8)] + [(str(day), {5: 48, 1: 52}) for day in range(8, 12)]
    chart = figures.control(definition.CSAT, groups)
    assert chart is not None
    assert [point.run for point in chart.points] == [True] * 8 + [False] * 4


@pytest.mark.parametrize(
    ("defects", "of", "sigma"), [(66_807, 1_000_000, 3.0), (6_210, 1_000_000, 4.0), (308_538, 1_000_000, 2.0)]
)
def test_sigma_levels_of_the_six_sigma_table(defects: int, of: int, sigma: float) -> None:
    found = figures.quality(defects, of)
    assert found.dpmo == pytest.approx(defects)
    assert found.sigma == pytest.approx(sigma, abs=1e-3)


def test_quality_without_defects_or_without_anything() -> None:
    assert figures.quality(0, 0) == figures.Quality(0, 0, None, None)
    none = figures.quality(0, 100)
    assert none.dpmo == 0
    assert none.sigma is not None
    assert 4 < none.sigma < 4.1
    assert figures.quality(5, 5).sigma is not None
