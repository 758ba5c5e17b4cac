"""Who should get a ticket, and why: pure functions of what is known at one moment.

A choice is explained in codes with values, never in words: each reader has their own language (``words``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

Reason = tuple[str, dict[str, Any]]
"""A code of ``words``, and what it speaks of."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An agent of the team at this moment. load, capacity: weights; idle_since: when they last got work, in seconds."""

    agent: int
    name: str = ""
    online: bool = True
    asked: bool = False
    """An offer is on their screen right now."""
    load: int = 0
    capacity: int = 10
    skills: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    idle_since: float = 0.0


@dataclass(frozen=True, slots=True)
class Work:
    """A ticket that waits. relaxed: it has waited so long that skills and language are wishes now."""

    weight: int = 1
    language: str = ""
    skills: frozenset[str] = frozenset()
    previous: int | None = None
    wanted: int | None = None
    passed: frozenset[int] = frozenset()
    relaxed: bool = False


@dataclass(frozen=True, slots=True)
class Way:
    """How a team gives out work: models.Queue without its row."""

    strategy: str = "least_busy"
    sticky: bool = True
    language: str = "prefer"


@dataclass(frozen=True, slots=True)
class Choice:
    """agent None: nobody, and the reasons say why not."""

    agent: Candidate | None
    reasons: tuple[Reason, ...] = ()


def fits(load: int, capacity: int, weight: int) -> bool:
    """A ticket heavier than all of a capacity fits who has nothing else: else it would wait for ever."""
    return capacity > 0 and load + min(weight, capacity) <= capacity


def spoken(language: str) -> str:
    """Of a tag like "zh-Hant-TW" what people call the language: "zh"."""
    return language.replace("_", "-").partition("-")[0].lower()


def choose(work: Work, crew: Sequence[Candidate], way: Way) -> Choice:
    """The one who should get it."""
    able = list(_able(work, crew, way))
    if not able:
        return Choice(None, (_nobody(work, crew, way),))
    for preferred, code in ((work.wanted, "named"), (work.previous if way.sticky else None, "previous")):
        found = next((one for one in able if one.agent == preferred), None)
        if found is not None:
            return Choice(found, ((code, {}), *_about(found, work)))
    if way.language != "ignore" and any(_speaks(one, work) for one in able):
        able = [one for one in able if _speaks(one, work)]
    key = _ORDERS.get(way.strategy, _least_busy)
    found = min(able, key=lambda one: key(one, work))
    return Choice(found, (*_about(found, work), *_why_first(found, able)))


# ── Who may ──────────────────────────────────────────────────────────────────────────────────


def _sieve(work: Work, way: Way) -> list[tuple[Callable[[Candidate], bool], Callable[[], Reason]]]:
    """One condition after the other, each with what to say when it leaves nobody."""
    steps: list[tuple[Callable[[Candidate], bool], Callable[[], Reason]]] = [
        (lambda one: one.capacity > 0, lambda: ("no_capacity", {})),
    ]
    if work.skills and not work.relaxed:
        steps.append((lambda one: work.skills <= one.skills, lambda: ("no_skill", {"skills": sorted(work.skills)})))
    if work.language and way.language == "require" and not work.relaxed:
        steps.append((lambda one: _speaks(one, work), lambda: ("no_language", {"language": spoken(work.language)})))
    return [
        *steps,
        (lambda one: one.online, lambda: ("nobody_online", {})),
        (lambda one: one.agent not in work.passed, lambda: ("all_passed", {})),
        (lambda one: fits(one.load, one.capacity, work.weight), lambda: ("all_full", {})),
        (lambda one: not one.asked, lambda: ("all_asked", {})),
    ]


def _able(work: Work, crew: Sequence[Candidate], way: Way) -> Iterable[Candidate]:
    steps = [holds for holds, _why in _sieve(work, way)]
    # Most of a large team is not there: asked first, though said last.
    return (one for one in crew if one.online and all(holds(one) for holds in steps))


def _nobody(work: Work, crew: Sequence[Candidate], way: Way) -> Reason:
    """The first condition that leaves nobody."""
    if not crew:
        return ("nobody_in_team", {})
    left = list(crew)
    for holds, why in _sieve(work, way):
        left = [one for one in left if holds(one)]
        if not left:
            return why()
    raise AssertionError("somebody is left")


def _speaks(one: Candidate, work: Work) -> bool:
    return bool(work.language) and spoken(work.language) in {spoken(code) for code in one.languages}


# ── Who is first ─────────────────────────────────────────────────────────────────────────────


def _share(one: Candidate) -> float:
    return one.load / one.capacity


def _round_robin(one: Candidate, work: Work) -> tuple[float, ...]:
    return (one.idle_since, one.agent)


def _least_busy(one: Candidate, work: Work) -> tuple[float, ...]:
    return (_share(one), one.idle_since, one.agent)


def _best_match(one: Candidate, work: Work) -> tuple[float, ...]:
    matches = len(work.skills & one.skills) + _speaks(one, work)
    return (-matches, _share(one), one.idle_since, one.agent)


_ORDERS: dict[str, Callable[[Candidate, Work], tuple[float, ...]]] = {
    "round_robin": _round_robin,
    "least_busy": _least_busy,
    "best_match": _best_match,
}


# ── Why ──────────────────────────────────────────────────────────────────────────────────────


def _about(one: Candidate, work: Work) -> list[Reason]:
    said: list[Reason] = []
    if _speaks(one, work):
        said.append(("speaks", {"language": spoken(work.language)}))
    if skills := sorted(work.skills & one.skills):
        said.append(("skills", {"skills": skills}))
    if work.relaxed and (work.skills - one.skills or (work.language and not _speaks(one, work))):
        said.append(("fallback", {}))
    return [*said, ("busy", {"load": one.load, "capacity": one.capacity})]


def _why_first(one: Candidate, able: Sequence[Candidate]) -> list[Reason]:
    if len(able) == 1:
        return [("only", {})]
    longest = all(one.idle_since <= other.idle_since for other in able)
    least = all(_share(one) <= _share(other) for other in able)
    if longest:
        return [("longest_idle", {})]
    return [("least_busy", {})] if least else []
