"""Pages by keyset: {"next", "previous", "results"}, each found by an index, however far one has turned."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.db.models import Model, Q, QuerySet
from rest_framework.request import Request

from tickets.api.inputs import LARGEST, given, wrong

M = TypeVar("M", bound=Model)
Key = Mapping[str, type]

LIMIT = 50
MOST = 200


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins: just beyond the row with these values, forwards or backwards."""

    back: bool
    values: tuple[Any, ...]

    def __str__(self) -> str:
        values = [value.isoformat() if isinstance(value, datetime) else value for value in self.values]
        packed = json.dumps([int(self.back), *values], separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def limit_of(request: Request) -> int:
    text = given(request, "limit")
    if not text:
        return LIMIT
    if not (text.isascii() and text.isdigit()) or not text.strip("0"):
        raise wrong("limit", "This is not a number of 1 or more.")
    return MOST if len(text) > 6 else min(int(text), MOST)


def cursor_of(request: Request, kinds: Sequence[type]) -> Cursor | None:
    text = given(request, "cursor")
    if not text:
        return None
    try:
        value = json.loads(base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)))
        back, *values = value
        if back not in (0, 1) or len(values) != len(kinds):
            raise ValueError
        return Cursor(bool(back), tuple(_read(item, kind) for item, kind in zip(values, kinds, strict=True)))
    except (ValueError, TypeError, OverflowError, binascii.Error, RecursionError):
        raise wrong("cursor", "This is not a cursor of ours. Follow “next” and “previous” as they are.") from None


def _read(value: Any, kind: type) -> Any:
    if kind is datetime:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError
        # In UTC already here: at either end of all time the database would find no such moment.
        return moment.astimezone(UTC)
    if type(value) is not int or abs(value) > LARGEST:
        raise ValueError
    return value


def link(request: Request, cursor: Cursor | None) -> str | None:
    if cursor is None:
        return None
    return address(request, cursor=str(cursor))


def address(request: Request, **changed: str) -> str:
    """This very address with other parameters."""
    query = {name: value for name, value in request.GET.items() if name not in ("cursor", *changed)}
    return request.build_absolute_uri(request.path) + "?" + urlencode({**query, **changed}, errors="replace")


def by_key(
    request: Request, rows: QuerySet[M], key: Key, *, newest_first: bool = False
) -> tuple[list[M], dict[str, Any]]:
    """The rows of the page that is asked for, and the answer to put their shapes into."""
    limit, cursor = limit_of(request), cursor_of(request, list(key.values()))
    back = cursor is not None and cursor.back
    rising = newest_first == back
    if cursor is not None:
        rows = rows.filter(_beyond(list(key), cursor.values, "gt" if rising else "lt"))
    found = list(rows.order_by(*(name if rising else f"-{name}" for name in key))[: limit + 1])
    more = len(found) > limit
    found = found[:limit]
    if back:
        found.reverse()
    onward, before = (bool(found), more) if back else (more, cursor is not None and bool(found))

    def at(row: M, backwards: bool) -> Cursor:
        return Cursor(backwards, tuple(getattr(row, name) for name in key))

    return found, {
        "next": link(request, at(found[-1], False) if onward else None),
        "previous": link(request, at(found[0], True) if before else None),
    }


def _beyond(names: Sequence[str], values: Sequence[Any], side: str) -> Q:
    """(a, b) > (x, y), in a form for which both databases use the index."""
    first = Q(**{f"{names[0]}__{side}": values[0]})
    if len(names) == 1:
        return first
    rest = Q(**{names[0]: values[0]}) & _beyond(names[1:], values[1:], side)
    return Q(**{f"{names[0]}__{side}e": values[0]}) & (first | rest)


def listed(links: dict[str, Any], results: Iterable[Any]) -> dict[str, Any]:
    return {**links, "results": list(results)}
