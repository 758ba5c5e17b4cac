"""The control chart as an SVG of attributes alone: no script, no inline style, colours by class."""

from __future__ import annotations

from dataclasses import dataclass

from surveys import definition, figures

WIDTH, HEIGHT = 720, 240
LEFT, RIGHT, TOP, BOTTOM = 48, 12, 12, 28
ENDS = {definition.CSAT: (0.0, 100.0), definition.NPS: (-100.0, 100.0), definition.CES: (1.0, 7.0)}


@dataclass(frozen=True, slots=True)
class Dot:
    x: float
    y: float
    label: str
    value: str
    kind: str
    """in, out or run."""
    url: str
    count: int
    low: str
    high: str


@dataclass(frozen=True, slots=True)
class Drawing:
    width: int
    height: int
    left: int
    right: int
    middle: float
    middle_value: str
    line: str
    upper: str
    lower: str
    dots: list[Dot]
    marks: list[tuple[float, str]]
    names: list[tuple[float, str]]
    out: int
    runs: int


def shown(kind: str, value: float) -> str:
    return f"{value:.2f}" if kind == definition.CES else f"{value:.1f}"


def drawing(kind: str, chart: figures.Chart, urls: list[str]) -> Drawing:
    least, most = ENDS[kind]
    count = len(chart.points)
    step = (WIDTH - LEFT - RIGHT) / max(count, 1)

    def x(place: int) -> float:
        return round(LEFT + step * (place + 0.5), 1)

    def y(value: float) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (most - value) / (most - least), 1)

    dots = [
        Dot(
            x(place), y(point.value), point.label, shown(kind, point.value),
            "out" if point.out else "run" if point.run else "in", urls[place], point.count,
            shown(kind, point.low), shown(kind, point.high),
        )
        for place, point in enumerate(chart.points)
    ]  # fmt: skip
    every = max(count // 6, 1)
    heights = [least + (most - least) * part / 4 for part in range(5)]
    return Drawing(
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        right=WIDTH - RIGHT,
        middle=y(chart.middle),
        middle_value=shown(kind, chart.middle),
        line=" ".join(f"{dot.x},{dot.y}" for dot in dots),
        upper=_steps([(x(place), y(point.high)) for place, point in enumerate(chart.points)], step),
        lower=_steps([(x(place), y(point.low)) for place, point in enumerate(chart.points)], step),
        dots=dots,
        marks=[(y(height), shown(kind, height)) for height in heights],
        names=[(dot.x, dot.label) for dot in dots[::every]],
        out=sum(dot.kind == "out" for dot in dots),
        runs=sum(dot.kind == "run" for dot in dots),
    )


def _steps(places: list[tuple[float, float]], step: float) -> str:
    """A limit is a line for each group, as wide as its place."""
    return " ".join(f"{x - step / 2:.1f},{y} {x + step / 2:.1f},{y}" for x, y in places)
