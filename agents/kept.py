"""What is set by few and read by every message: read from the database every two seconds at most, per process."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, TypeVar

from django.db import transaction

T = TypeVar("T")
SECONDS = 2.0
_ALL: list[Kept] = []  # type: ignore[type-arg]


class Kept(Generic[T]):
    """A value and the function that reads it. Whoever changes what it is read from calls ``forget``: this process
    knows at once, the others within two seconds."""

    def __init__(self, read: Callable[[], T]) -> None:
        self._read = read
        self._value: tuple[float, T] | None = None
        _ALL.append(self)

    def get(self) -> T:
        now = time.monotonic()
        if self._value is None or now - self._value[0] > SECONDS:
            self._value = (now, self._read())
        return self._value[1]

    def forget(self) -> None:
        """Now, for the rest of this transaction, and when it is committed, for whoever read meanwhile."""
        self._value = None
        transaction.on_commit(self._drop)

    def _drop(self) -> None:
        self._value = None


def forget_all() -> None:
    """Between tests, whose databases are rolled back."""
    for one in _ALL:
        one._drop()
