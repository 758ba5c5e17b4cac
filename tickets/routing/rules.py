"""Rules as data: what may stand in them, how they are read, and what they decide. Pure.

Conditions: a list of {"field", "values", "not"?}; all of them have to hold. Actions: {"team": id, "priority": name,
"tags": [names], "skills": [words], "sla": id, "agent": id, "reply": text}. ``conditions_of`` and ``actions_of`` raise
``Wrong`` with words; what stands in the database is read once more and may be older than this file.

Text is searched for plain words: no pattern that somebody writes can make it slow.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext as _

from customers.models import Customer
from tickets.models import Ticket
from tickets.routing import comparing

MOST_VALUES = 200
LONGEST_WORD = 100
LONGEST_ATTRIBUTE = 300
LONGEST_REPLY = 4000
OPEN, CLOSED = "open", "closed"
ANYBODY = 0


class Wrong(ValueError):
    """What a rule cannot be; the text tells its author why."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a ticket when the rules are asked."""

    number: int = 0
    channel: int = 0
    language: str = ""
    type: str = ""
    party: str = ""
    standing: str = ""
    tags: frozenset[str] = frozenset()
    """In small letters, like all that follows."""
    customer_tags: frozenset[str] = frozenset()
    attributes: Mapping[str, str] = field(default_factory=dict)
    """What agents and programs have noted about the customer, each value as text."""
    said: Mapping[str, str] = field(default_factory=dict)
    """What the website or the visitor says (``Address.facts``): anybody can make it up."""
    text: str = ""
    """Subject and first message, in small letters."""
    open: bool = True
    previous: int | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    field: str
    values: tuple[Any, ...]
    negative: bool = False

    def holds(self, facts: Facts) -> bool:
        return _HOLDS[self.field](facts, self.values) != self.negative


@dataclass(frozen=True, slots=True)
class Actions:
    team: int | None = None
    priority: str = ""
    tags: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    sla: int | None = None
    agent: int | None = None
    reply: str = ""

    def __bool__(self) -> bool:
        return bool(
            self.team or self.priority or self.tags or self.skills or self.sla or self.agent or self.reply
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ready:
    """A rule that has been read."""

    id: int
    name: str
    conditions: tuple[Condition, ...]
    actions: Actions

    def matches(self, facts: Facts) -> bool:
        return all(condition.holds(facts) for condition in self.conditions)


@dataclass(slots=True)
class Outcome:
    """What all matching rules come to: of a single thing the first rule's, of tags and skills everybody's."""

    team: int | None = None
    priority: str = ""
    tags: list[str] = field(default_factory=list)
    skills: list[str] = field(default_factory=list)
    sla: int | None = None
    agent: int | None = None
    reply: str = ""
    rules: list[str] = field(default_factory=list)


SINGLE = ("team", "priority", "sla", "agent", "reply")
SEVERAL = ("tags", "skills")


def decide(rules: Iterable[Ready], facts: Facts) -> Outcome:
    """Each rule is asked once, of the facts as they were: none can set off another, so nothing goes in circles."""
    made = Outcome()
    for rule in rules:
        if not rule.matches(facts):
            continue
        made.rules.append(rule.name)
        for name in SINGLE:
            if getattr(rule.actions, name) and not getattr(made, name):
                setattr(made, name, getattr(rule.actions, name))
        for name in SEVERAL:
            has = getattr(made, name)
            has.extend(one for one in getattr(rule.actions, name) if one not in has)
    return made


# ── Reading ──────────────────────────────────────────────────────────────────────────────────


def conditions_of(given: Any) -> tuple[Condition, ...]:
    """Raises Wrong."""
    if not isinstance(given, list):
        raise Wrong(_("Conditions must be a list."))
    found = tuple(_condition(one) for one in given)
    if len({(one.field, one.negative) for one in found}) < len(found):
        raise Wrong(_("Each condition can be used once."))
    return found


def _condition(given: Any) -> Condition:
    if not isinstance(given, dict) or given.get("field") not in _READ:
        raise Wrong(_("There is no such condition."))
    name, values = given["field"], given.get("values")
    if not isinstance(values, list) or not values or len(values) > MOST_VALUES:
        raise Wrong(_("A condition needs at least one value."))
    read = tuple(dict.fromkeys(_READ[name](value) for value in values))
    return Condition(name, read, given.get("not") is True)


def actions_of(given: Any) -> Actions:
    """Raises Wrong; also where nothing is done at all."""
    if not isinstance(given, dict) or given.keys() - set(Actions.__dataclass_fields__):
        raise Wrong(_("There is no such action."))
    found = Actions(
        team=_number(given["team"]) if given.get("team") else None,
        priority=_one_of(Ticket.Priority.values)(given["priority"]) if given.get("priority") else "",
        tags=_words(given.get("tags")),
        skills=tuple(word.lower() for word in _words(given.get("skills"))),
        sla=_number(given["sla"]) if given.get("sla") else None,
        agent=_number(given["agent"]) if given.get("agent") else None,
        reply=_reply(given.get("reply") or ""),
    )
    if not found:
        raise Wrong(_("A rule must do something."))
    return found


def ready(row: Any) -> Ready | None:
    """A row as it is used; None: it stands in the database as this version cannot read it."""
    try:
        return Ready(row.pk, row.name, conditions_of(row.conditions), actions_of(row.actions))
    except Wrong:
        return None


def stored(conditions: Sequence[Condition]) -> list[dict[str, Any]]:
    """As the database keeps them."""
    return [{"field": one.field, "values": list(one.values), "not": one.negative} for one in conditions]


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**63:
        raise Wrong(_("This is no number of a row."))
    return value


def _word(value: Any) -> str:
    word = " ".join(value.replace("\0", "").split()).lower() if isinstance(value, str) else ""
    if not word or len(word) > LONGEST_WORD:
        raise Wrong(_("A word must have 1 to %(count)d characters.") % {"count": LONGEST_WORD})
    return word


def _attribute(value: Any) -> str:
    """As ``comparing`` reads it."""
    text = " ".join(value.replace("\0", "").split()).lower() if isinstance(value, str) else ""
    found = comparing.spelled(text) if len(text) <= LONGEST_ATTRIBUTE else text
    if found is None:
        raise Wrong(_("Write each attribute like: plan = gold, orders > 10, or only its name."))
    # Its one spelling may be longer, and is read again.
    if len(found) > LONGEST_ATTRIBUTE:
        raise Wrong(_("An attribute must have 1 to %(count)d characters.") % {"count": LONGEST_ATTRIBUTE})
    return found


def _words(given: Any) -> tuple[str, ...]:
    if given in (None, ""):
        return ()
    if not isinstance(given, list | tuple) or len(given) > MOST_VALUES:
        raise Wrong(_("This must be a list of words."))
    return tuple(dict.fromkeys(" ".join(_word(one) and str(one).replace("\0", "").split()) for one in given))


def _reply(value: Any) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_REPLY:
        raise Wrong(_("The text is too long."))
    return value.replace("\0", "").strip()


def _one_of(values: Iterable[str]) -> Callable[[Any], str]:
    allowed = tuple(values)

    def read(value: Any) -> str:
        if value not in allowed:
            raise Wrong(_("Choose one of these: %(names)s") % {"names": ", ".join(allowed)})
        return str(value)

    return read


_READ: Mapping[str, Callable[[Any], Any]] = {
    "channel": _number,
    "language": _word,
    "type": _one_of(Customer.Type.values),
    "party": _one_of(Customer.Party.values),
    "standing": _one_of(Customer.Standing.values),
    "tag": _word,
    "customer_tag": _word,
    "attribute": _attribute,
    "said": _attribute,
    "text": _word,
    "word": _word,
    "hours": _one_of((OPEN, CLOSED)),
    "previous": _number,
}
FIELDS = tuple(_READ)


# ── What holds ───────────────────────────────────────────────────────────────────────────────


def _spoken(code: str) -> str:
    return code.replace("_", "-").lower()


def _language(facts: Facts, values: tuple[Any, ...]) -> bool:
    has = _spoken(facts.language)
    return bool(has) and any(has == wanted or has.startswith(f"{wanted}-") for wanted in map(_spoken, values))


def _previous(facts: Facts, values: tuple[Any, ...]) -> bool:
    return facts.previous is not None and (ANYBODY in values or facts.previous in values)


def _noted(known: Mapping[str, str], values: tuple[Any, ...]) -> bool:
    return any(comparing.holds(value, known) for value in values)


class _Apart:
    """For str.translate: letters, the signs on them (vowels and tones of Thai) and digits stay, all else is a space."""

    def __getitem__(self, code: int) -> int:
        return code if unicodedata.category(chr(code))[0] in "LMN" else 32


@lru_cache(maxsize=16)
def _apart(text: str) -> str:
    """Its words, each with a space on both sides."""
    return f" {' '.join(text.translate(_Apart()).split())} "


def _word_of(facts: Facts, values: tuple[Any, ...]) -> bool:
    words = _apart(facts.text)
    return any(len(word := _apart(value)) > 2 and word in words for value in values)


_HOLDS: Mapping[str, Callable[[Facts, tuple[Any, ...]], bool]] = {
    "channel": lambda facts, values: facts.channel in values,
    "language": _language,
    "type": lambda facts, values: facts.type in values,
    "party": lambda facts, values: facts.party in values,
    "standing": lambda facts, values: facts.standing in values,
    "tag": lambda facts, values: any(value in facts.tags for value in values),
    "customer_tag": lambda facts, values: any(value in facts.customer_tags for value in values),
    "attribute": lambda facts, values: _noted(facts.attributes, values),
    "said": lambda facts, values: _noted(facts.said, values),
    "text": lambda facts, values: any(value in facts.text for value in values),
    "word": _word_of,
    "hours": lambda facts, values: (OPEN if facts.open else CLOSED) in values,
    "previous": _previous,
}


# ── What cannot be meant ─────────────────────────────────────────────────────────────────────


def impossible(conditions: Sequence[Condition]) -> Condition | None:
    """A condition that another of the same rule excludes; None: they can hold together."""
    for one in conditions:
        for other in conditions:
            apart = one.field == other.field and other.negative and not one.negative
            if apart and set(one.values) <= set(other.values):
                return one
    hours = next((one for one in conditions if one.field == "hours"), None)
    if hours is not None and set(hours.values) == {OPEN, CLOSED} and hours.negative:
        return hours
    return None


def covers(wide: Sequence[Condition], narrow: Sequence[Condition]) -> bool:
    """Whether the first hold whenever the second do, as far as can be told from looking at them."""
    return all(
        any(
            one.field == other.field
            and one.negative == other.negative
            and (set(other.values) <= set(one.values) if not one.negative else set(one.values) <= set(other.values))
            for other in narrow
        )
        for one in wide
    )


def waiting_for_each_other(rules: Sequence[Ready]) -> list[tuple[Ready, Ready, str]]:
    """(rule, another that gives a tag it asks for, the tag): it looks like a chain or a circle, and is none."""
    found = []
    for rule in rules:
        asked = {tag for one in rule.conditions if one.field == "tag" and not one.negative for tag in one.values}
        for giver in rules:
            given = next((tag for tag in giver.actions.tags if tag.lower() in asked), None)
            if giver is not rule and given is not None:
                found.append((rule, giver, given))
    return found


def overruled(rules: Sequence[Ready]) -> list[tuple[Ready, Ready, str]]:
    """(rule, the earlier one that always comes before it, what it therefore never decides)."""
    found = []
    for place, rule in enumerate(rules):
        for name in SINGLE:
            wanted = getattr(rule.actions, name)
            if not wanted:
                continue
            first = next(
                (
                    one
                    for one in rules[:place]
                    if getattr(one.actions, name) and getattr(one.actions, name) != wanted
                    and covers(one.conditions, rule.conditions)
                ),
                None,
            )  # fmt: skip
            if first is not None:
                found.append((rule, first, name))
    return found
