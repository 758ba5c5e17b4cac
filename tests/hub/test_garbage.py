"""Garbage is collected by one thread, while the others allocate."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Iterator

import pytest

from hub import garbage


class Thing:
    """Held by itself alone; says which thread let go of it."""

    gone_in: list[str] = []

    def __init__(self) -> None:
        self.own = self

    def __del__(self) -> None:
        self.gone_in.append(threading.current_thread().name)


@pytest.fixture
def collecting() -> Iterator[None]:
    garbage.start()
    yield
    garbage.stop()
    assert gc.isenabled()


def test_who_allocates_collects_nothing(collecting: None) -> None:
    Thing.gone_in.clear()
    lost = weakref.ref(Thing())
    end = time.monotonic() + 60
    # Far more than makes Python collect by itself.
    while lost() is not None and time.monotonic() < end:
        kept = [[number] for number in range(5000)]
        assert len(kept) == 5000
    assert lost() is None
    assert Thing.gone_in == ["garbage"]
