"""Of many who call for the same work at once, one does the work of all.

Whoever comes while it is being done leaves what they bring, and goes; whoever does it looks once more before they end,
so nothing that was left is overlooked. It is this process's alone: across processes the locks of the work itself
decide, and what a killed process had gathered is found by its sweep.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable
from typing import Generic, TypeVar

T = TypeVar("T")


class Gathering(Generic[T]):
    """act: does the work of all that were brought, in one call."""

    def __init__(self, act: Callable[[Collection[T]], object]) -> None:
        self._act = act
        self._brought: set[T] = set()
        self._busy = False
        self._lock = threading.Lock()

    def bring(self, things: Iterable[T]) -> None:
        """Raises what the work raises, at whoever does it; what came meanwhile then waits for the next who comes."""
        with self._lock:
            self._brought.update(things)
            if self._busy:
                return
            self._busy = True
        try:
            while taken := self._take():
                self._act(taken)
        except BaseException:
            with self._lock:
                self._busy = False
            raise

    def _take(self) -> set[T]:
        """All that is there; none: whoever comes from now on does the work themselves."""
        with self._lock:
            taken, self._brought = self._brought, set()
            self._busy = bool(taken)
            return taken
