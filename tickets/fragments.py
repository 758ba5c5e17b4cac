"""SQL put together from pieces, each with its parameters; for statements that the ORM has no words for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection


@dataclass(frozen=True, slots=True)
class Sql:
    text: str
    params: tuple[Any, ...] = ()


NOTHING = Sql("")
TRUE = Sql("1 = 1")


def sql(template: str, *parts: Any) -> Sql:
    """Each {} is the next part: SQL as it is, anything else as a parameter."""
    first, *rest = template.split("{}")
    text = first
    params: list[Any] = []
    for part, piece in zip(parts, rest, strict=True):
        text += (part.text if isinstance(part, Sql) else "%s") + piece
        params += part.params if isinstance(part, Sql) else [part]
    return Sql(text, tuple(params))


def join(separator: str, parts: Sequence[Sql]) -> Sql:
    return Sql(separator.join(part.text for part in parts), tuple(value for part in parts for value in part.params))


def matches(column: str, words: Sequence[str]) -> Sql:
    """% and _ are letters like any other, capitals do not count."""
    return sql("({})", join(" OR ", [Sql(f"{column} {_like(word)}", (_pattern(word),)) for word in words]))


def _pattern(word: str) -> str:
    return "%" + re.sub(r"([%_\\])", r"\\\1", word) + "%"


def _like(word: str) -> str:
    if connection.vendor == "sqlite":
        return r"LIKE %s ESCAPE '\'"
    # ILIKE takes both sides to small letters, row for row; Thai and digits have none.
    return "LIKE %s" if word.lower() == word.upper() else "ILIKE %s"


def listed(table: str, column: str, key: str, words: Sequence[str], pattern: str = "") -> Sql:
    """The same as `matches`, from the trigram index. pattern: a regular expression that says the same as words."""
    if connection.vendor != "sqlite":
        return sql(f"{column} ~ {{}}", pattern) if pattern else matches(column, words)
    name = {"a": "address_search", "m": "message_search", "t": "ticket_search", "c": "customer_search"}[table]
    phrases = " OR ".join('"' + word.replace('"', '""') + '"' for word in words)
    return sql(f"{table}.{key} IN (SELECT rowid FROM {name} WHERE {name} MATCH {{}})", phrases)
