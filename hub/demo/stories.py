"""Reads stories.txt: who wrote what, and when, as steps that desk.py plays in the order of time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

SHOP_TIME = timezone(timedelta(hours=7))
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
LINE = re.compile(r"(?:(?P<later>\d+[smhd]) )?(?P<mark><\^?|>[>!]?|[~!=]) (?P<rest>.+)")
FILE = re.compile(r" \[(?P<name>[\w.-]+)\]$")


@dataclass(frozen=True)
class Step:
    at: datetime
    mark: str
    words: str
    file: str = ""

    @property
    def who(self) -> str:
        """The agent, of what an agent does."""
        return re.split("[: ]", self.words, maxsplit=1)[0]

    @property
    def what(self) -> str:
        return re.split("[: ]", self.words, maxsplit=1)[1].strip()


@dataclass
class Story:
    channel: str
    customer: str
    phone: str
    language: str
    priority: str
    tags: list[str]
    steps: list[Step] = field(default_factory=list)

    def first_agent(self, otherwise: str) -> str:
        return next((step.who for step in self.steps if step.mark[0] in ">~!"), otherwise)


def read(now: datetime) -> list[Story]:
    """All stories, as if today were that moment."""
    stories: list[Story] = []
    at = now
    for line in Path(__file__).with_name("stories.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("=="):
            channel, customer, phone, language, begins, priority, tags = (part.strip() for part in line[2:].split("|"))
            at = moment(begins, now, back=True)
            names = [name.strip() for name in tags.split(",") if name.strip()]
            stories.append(Story(channel, customer, phone, language, priority, names))
        elif line and not line.startswith("#"):
            at, step = _step(line, at)
            stories[-1].steps.append(step)
    return stories


def _step(line: str, at: datetime) -> tuple[datetime, Step]:
    found = LINE.fullmatch(line)
    if found is None:
        raise ValueError(f"stories.txt: {line}")
    at += _length(found["later"]) if found["later"] else timedelta(seconds=20)
    file = FILE.search(found["rest"])
    return at, Step(at, found["mark"], FILE.sub("", found["rest"]), file["name"] if file else "")


def _length(text: str) -> timedelta:
    return timedelta(**{UNITS[text[-1]]: int(text[:-1])})


def moment(text: str, now: datetime, *, back: bool) -> datetime:
    """ "3d 09:12" is that time of day in the shop; "20m" is so long from now."""
    length, _space, clock = text.partition(" ")
    at = now - _length(length) if back else now + _length(length)
    if not clock:
        return at
    hour, minute = clock.split(":")
    return at.astimezone(SHOP_TIME).replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)


def in_order(stories: list[Story]) -> Iterator[tuple[int, Step]]:
    """(number of the story, step), oldest first."""
    steps = [(step.at, number, step) for number, story in enumerate(stories) for step in story.steps]
    for _at, number, step in sorted(steps, key=lambda item: item[:2]):
        yield number, step
