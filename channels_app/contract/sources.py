"""A mailbox that is fetched from: what the exchange asks of an adapter that ``fetches``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Waiting:
    """One message there: its number, and its size in bytes."""

    uid: int
    size: int


class Source(Protocol):
    """An open session. Everything may raise DeliveryFailed (in words), OSError or ``SourceLost``."""

    place: str
    """Names server, user and folder; another place has other numbers."""
    validity: int
    """While it stays the same, so do the numbers."""
    next_uid: int
    """Below it is all that was there when the session was opened."""

    def waiting(self, after: int, since: date | None) -> Sequence[Waiting]:
        """Those above that number, in order; since: of the first look, not older than that day."""

    def fetch(self, some: Sequence[Waiting], largest: int) -> Iterator[tuple[int, bytes]]:
        """(number, bytes), one message in memory at a time; of one over ``largest`` bytes the head and a note."""

    def fetched(self, uids: Sequence[int]) -> None:
        """They are kept now."""

    def wait(self, seconds: float) -> None:
        """Until something is new, or that long."""

    def close(self) -> None:
        """Never raises."""


class SourceLost(Exception):
    """The connection broke, or the server said something that cannot be understood: begin again."""
