"""What a business notes down about a customer: tags, and attributes as its own systems have them. Pure.

A tag is a short word. An attribute is a short name with a text, a number, or true or false. What stands here was said
by agents and by programs with a token; what visitors say of themselves stays with their address (``Address.facts``).
Neither capitals nor spaces tell two names apart. Whatever cannot be is ``Wrong``, with words.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from channels_app.contract import clean_text

MOST_TAGS = 50
LONGEST_TAG = 60
MOST_ATTRIBUTES = 50
LONGEST_NAME = 60
LONGEST_TEXT = 500
LARGEST = 2**53
"""Beyond it a number is not the same in every program that reads it."""
SIGNS = "=<>"
"""Stand between a name and its value where they are typed, so no name has them."""

Value = str | int | float | bool
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,15})(\.[0-9]{1,9})?", re.ASCII)


class Wrong(ValueError):
    """What a tag or an attribute cannot be."""


def plain(text: str) -> str:
    """One line, without what no database keeps."""
    return " ".join(clean_text(text).split())


# ── Tags ─────────────────────────────────────────────────────────────────────────────────────


def tags_of(given: Iterable[Any]) -> list[str]:
    """Each once; of two spellings the first. Raises Wrong."""
    found: dict[str, str] = {}
    for one in given:
        name = plain(one) if isinstance(one, str) else ""
        if not name or len(name) > LONGEST_TAG:
            raise Wrong(_("A tag must have 1 to %(count)d characters.") % {"count": LONGEST_TAG})
        found.setdefault(name.lower(), name)
    if len(found) > MOST_TAGS:
        raise Wrong(_("A customer can have %(count)d tags at most.") % {"count": MOST_TAGS})
    return list(found.values())


# ── Attributes ───────────────────────────────────────────────────────────────────────────────


def patch_of(given: Any) -> dict[str, Value | None]:
    """{name: value}, None where it is to go. Raises Wrong."""
    if not isinstance(given, Mapping):
        raise Wrong(_("Attributes must be names with values."))
    found: dict[str, Value | None] = {}
    for name, value in given.items():
        read = plain(name) if isinstance(name, str) else ""
        if not read or len(read) > LONGEST_NAME or set(read) & set(SIGNS):
            raise Wrong(
                _("The name of an attribute must have 1 to %(count)d characters, and none of these: = < >")
                % {"count": LONGEST_NAME}
            )
        found[read] = None if value is None else _value(read, value)
    return found


def _value(name: str, value: Any) -> Value:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        if abs(value) > LARGEST or not math.isfinite(value):
            raise Wrong(_("The number of “%(name)s” is too large.") % {"name": name})
        return value
    text = plain(value) if isinstance(value, str) else ""
    if not text or len(text) > LONGEST_TEXT:
        raise Wrong(
            _("“%(name)s” must be a text of 1 to %(count)d characters, a number, true or false.")
            % {"name": name, "count": LONGEST_TEXT}
        )
    return text


def patched(now: Mapping[str, Value], patch: Mapping[str, Value | None]) -> dict[str, Value]:
    """A name that is there keeps its spelling. Raises Wrong where there would be too many; what is there already may
    always be changed or go."""
    after = dict(now)
    spelled = {name.lower(): name for name in after}
    for name, value in patch.items():
        place = spelled.get(name.lower(), name)
        if value is None:
            after.pop(place, None)
        else:
            after[place] = value
            spelled[name.lower()] = place
    if len(after) > max(MOST_ATTRIBUTES, len(now)):
        raise Wrong(_("A customer can have %(count)d attributes at most.") % {"count": MOST_ATTRIBUTES})
    return after


def differing(before: Mapping[str, Value], after: Mapping[str, Value]) -> list[dict[str, Value | None]]:
    """[what was, what is] of the names that differ; None: it was not there. True is another thing than 1."""
    names = [
        name
        for name in {**before, **after}
        if (before.get(name), type(before.get(name))) != (after.get(name), type(after.get(name)))
    ]
    return [{name: values.get(name) for name in names} for values in (before, after)]


# ── As they are typed and compared ───────────────────────────────────────────────────────────


def text_of(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return format(Decimal(str(value)), "f").removesuffix(".0")
    return value


def value_of(text: str) -> Value:
    """A number only where it reads the same afterwards: 007 and 1.50 stay as they were typed."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if _NUMBER.fullmatch(text):
        value = float(text) if "." in text else int(text)
        if abs(value) <= LARGEST and text_of(value) == text:
            return value
    return text


def typed(text: str) -> dict[str, str]:
    """Lines like “plan = gold”. Raises Wrong."""
    found = {}
    for line in text.splitlines():
        name, sign, value = map(plain, line.partition("="))
        if not name and not sign:
            continue
        if not name or not value:
            raise Wrong(_("Write each attribute on a line of its own, like: plan = gold"))
        found[name] = value
    return found


def as_typed(attributes: Mapping[str, Value]) -> str:
    return "\n".join(f"{name} = {text_of(value)}" for name, value in sorted(attributes.items()))


def changes_typed(now: str, before: str) -> dict[str, Value | None]:
    """Only what was changed in the form, so that what a colleague has written meanwhile stays. Raises Wrong."""
    after, was = typed(now), typed(before)
    changed: dict[str, Value | None] = {name: None for name in was if name not in after}
    return changed | {name: value_of(text) for name, text in after.items() if was.get(name) != text}
