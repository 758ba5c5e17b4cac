"""Figures as a table, each with what it has to reach where there is such a thing."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Table:
    title: str
    rows: list[tuple[str, str, str, str]] = field(default_factory=list)
    failed: int = 0

    def add(
        self, what: str, figure: float | str, unit: str = "", *, most: float | None = None, least: float | None = None
    ) -> None:
        """One line. most, least: what it has to reach."""
        words = figure if isinstance(figure, str) else number(figure)
        goal, holds = "", True
        if most is not None and not isinstance(figure, str):
            goal, holds = f"≤ {number(most)}", figure <= most
        elif least is not None and not isinstance(figure, str):
            goal, holds = f"≥ {number(least)}", figure >= least
        self.failed += not holds
        self.rows.append((what, f"{words} {unit}".strip(), goal, "" if not goal else "ok" if holds else "MISSED"))

    def show(self) -> None:
        print(f"\n{self.title}\n{'─' * width(self.title)}")
        widths = [max([width(row[column]) for row in self.rows] or [0]) for column in range(4)]
        for row in self.rows:
            print("  ".join(padded(cell, size) for cell, size in zip(row, widths, strict=True)).rstrip(), flush=True)


def number(value: float) -> str:
    if value == int(value) and abs(value) < 1e9:
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def width(text: str) -> int:
    """In columns: Thai vowels above and below take none."""
    return sum(unicodedata.category(letter) not in ("Mn", "Me") for letter in text)


def padded(text: str, size: int) -> str:
    return text + " " * (size - width(text))


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")
