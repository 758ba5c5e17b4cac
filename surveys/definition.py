"""What a survey is, as plain data: its scale, its words, when it is asked, and what follows.

Everything here is read from JSON columns. Reading never fails: what is missing or wrong gets its default, so that a
row of an older version, or one that somebody mended by hand, asks nobody nonsense and breaks no page. What a lead
types is judged before it is kept, in ``checking``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time, timedelta
from typing import Any

CSAT, NPS, CES = "csat", "nps", "ces"
SCALES: dict[str, tuple[int, int]] = {CSAT: (1, 5), NPS: (0, 10), CES: (1, 7)}
STARS, FACES, NUMBERS = "stars", "faces", "numbers"
WORDS = ("ask", "low", "high", "comment", "thanks", "remind")
"""The texts that a survey needs in each of its languages."""
CHOICE, CHOICES, TEXT = "choice", "choices", "text"
FOLLOW_UP, REOPEN, THANK, REVIEW = "follow_up", "reopen", "thank", "review"

Json = Mapping[str, Any]


def _number(value: Any, default: int, low: int, high: int) -> int:
    return value if type(value) is int and low <= value <= high else default


def _words(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _ids(value: Any) -> frozenset[int]:
    return frozenset(one for one in value if type(one) is int) if isinstance(value, list) else frozenset()


def _names(value: Any) -> tuple[str, ...]:
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> list[Json]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _clock(value: Any) -> time | None:
    try:
        return time.fromisoformat(value) if isinstance(value, str) and value else None
    except ValueError:
        return None


def _texts(value: Any) -> dict[str, str]:
    return {code: text for code, text in _object(value).items() if isinstance(text, str)}


# ── What is asked ────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Option:
    key: str
    text: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Question:
    """One more question, asked of those whose score is from ``low`` to ``high``."""

    key: str
    kind: str
    low: int
    high: int
    text: Mapping[str, str]
    options: tuple[Option, ...] = ()

    def asked_of(self, score: int) -> bool:
        return self.low <= score <= self.high


@dataclass(frozen=True, slots=True)
class Content:
    """What a customer sees. Kept as it was when they were asked (``SurveyVersion``)."""

    kind: str = CSAT
    look: str = STARS
    languages: tuple[str, ...] = ()
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    questions: tuple[Question, ...] = ()
    anonymous: bool = False

    @property
    def low(self) -> int:
        return SCALES[self.kind][0]

    @property
    def high(self) -> int:
        return SCALES[self.kind][1]

    @property
    def scores(self) -> range:
        return range(self.low, self.high + 1)

    def language(self, wanted: str) -> str:
        """The customer's where the survey has it, else the survey's first."""
        wanted = wanted.lower()
        near = (wanted, wanted.partition("-")[0])
        return next((one for one in near if one in self.languages), self.languages[0] if self.languages else "en")

    def word(self, name: str, language: str) -> str:
        return self.texts.get(language, {}).get(name, "")

    def further(self, score: int) -> list[Question]:
        return [one for one in self.questions if one.asked_of(score)]


def content(given: Any) -> Content:
    said = _object(given)
    kind = said.get("kind") if said.get("kind") in SCALES else CSAT
    assert isinstance(kind, str)
    look = said.get("look") if said.get("look") in (STARS, FACES, NUMBERS) else STARS
    assert isinstance(look, str)
    low, high = SCALES[kind]
    return Content(
        kind=kind,
        look=look if kind == CSAT else NUMBERS,
        languages=_names(said.get("languages")),
        texts={code: _texts(texts) for code, texts in _object(said.get("texts")).items()},
        questions=tuple(_question(one, low, high) for one in _objects(said.get("questions"))),
        anonymous=said.get("anonymous") is True,
    )


def _question(said: Json, low: int, high: int) -> Question:
    kind = said.get("kind")
    return Question(
        key=_words(said.get("key"))[:40],
        kind=kind if kind in (CHOICE, CHOICES) else TEXT,
        low=_number(said.get("low"), low, low, high),
        high=_number(said.get("high"), high, low, high),
        text=_texts(said.get("text")),
        options=tuple(
            Option(_words(one.get("key"))[:40], _texts(one.get("text"))) for one in _objects(said.get("options"))
        ),
    )


# ── When ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Template:
    """What is sent where the channel takes nothing but an approved template. A blank may say {link} or {name}."""

    channel: int
    name: str
    language: str
    blanks: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class When:
    channels: frozenset[int] = frozenset()
    """Empty: all. The same for teams and customer types."""
    teams: frozenset[int] = frozenset()
    types: tuple[str, ...] = ()
    not_tags: tuple[str, ...] = ("spam",)
    delay: timedelta = timedelta(minutes=10)
    quiet_from: time | None = time(21)
    quiet_to: time | None = time(9)
    every_days: int = 30
    """One customer is asked at most once within so many days; 0: each time."""
    percent: int = 100
    remind_days: int = 0
    """One reminder so many days after the question; 0: none."""
    expire_days: int = 7
    templates: tuple[Template, ...] = ()

    def template(self, channel: int) -> Template | None:
        return next((one for one in self.templates if one.channel == channel), None)


def when(given: Any) -> When:
    said = _object(given)
    usual = When()
    return When(
        channels=_ids(said.get("channels")),
        teams=_ids(said.get("teams")),
        types=_names(said.get("types")),
        not_tags=_names(said.get("not_tags")) if "not_tags" in said else usual.not_tags,
        delay=timedelta(minutes=_number(said.get("delay_minutes"), 10, 0, 60 * 24 * 60)),
        quiet_from=_clock(said.get("quiet_from")) if "quiet_from" in said else usual.quiet_from,
        quiet_to=_clock(said.get("quiet_to")) if "quiet_to" in said else usual.quiet_to,
        every_days=_number(said.get("every_days"), usual.every_days, 0, 3650),
        percent=_number(said.get("percent"), 100, 0, 100),
        remind_days=_number(said.get("remind_days"), 0, 0, 90),
        expire_days=_number(said.get("expire_days"), 7, 1, 365),
        templates=tuple(
            Template(
                _number(one.get("channel"), 0, 1, 2**62), _words(one.get("name")), _words(one.get("language")),
                _texts(one.get("blanks")),
            )
            for one in _objects(said.get("templates"))
        ),
    )  # fmt: skip


# ── What follows ─────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Rule:
    """Of answers from ``low`` to ``high``: what is done about them."""

    name: str
    low: int
    high: int
    with_comment: bool = False
    """Only where something was written beside the score."""
    teams: frozenset[int] = frozenset()
    follow_up_hours: int | None = None
    reopen: bool = False
    thank: bool = False
    review: str = ""
    """The address of a page where happy customers may say it publicly."""

    def matches(self, score: int, comment: str, team: int | None) -> bool:
        return (
            self.low <= score <= self.high
            and (not self.with_comment or bool(comment.strip()))
            and (not self.teams or team in self.teams)
        )


def rules(given: Any) -> Sequence[Rule]:
    return [_rule(one) for one in _objects(given)]


def _rule(said: Json) -> Rule:
    hours = said.get("follow_up_hours")
    return Rule(
        name=_words(said.get("name")),
        low=_number(said.get("low"), 1, 0, 10),
        high=_number(said.get("high"), 0, 0, 10),
        with_comment=said.get("with_comment") is True,
        teams=_ids(said.get("teams")),
        follow_up_hours=hours if type(hours) is int and 0 < hours <= 24 * 90 else None,
        reopen=said.get("reopen") is True,
        thank=said.get("thank") is True,
        review=_words(said.get("review")),
    )


@dataclass(frozen=True, slots=True)
class Defects:
    """What counts as a defect, as the lead defines it. Each is one opportunity of a resolved ticket."""

    late_minutes: int | None = None
    """The first answer took longer; None: lateness is none."""
    low_score: int | None = 2
    """The score was this or lower."""
    reopened: bool = True


def defects(given: Any) -> Defects:
    said = _object(given)
    late, low = said.get("late_minutes"), said.get("low_score", 2)
    return Defects(
        late_minutes=late if type(late) is int and late > 0 else None,
        low_score=low if type(low) is int else None,
        reopened=said.get("reopened", True) is True,
    )
