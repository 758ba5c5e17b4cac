"""In the embedded default garbage is collected by a thread that never writes, and by no other.

Python collects in whatever thread allocates next. What it lets go of may be a cursor of another thread, which an
exception has kept in a cycle; for that SQLite wants the other thread's connection, and that one may be standing in
line for the write lock which the collecting thread holds. Seen on a busy machine: both stand there for good, and
nothing is written any more. A thread of its own may wait as long as it likes.
"""

from __future__ import annotations

import gc
import threading

EVERY = 0.2
"""Seconds."""
MIDDLE, ALL = 10, 50
"""Each so many-th time the older generations too."""

_over: threading.Event | None = None


def start() -> None:
    global _over
    if _over is not None:
        return
    _over = threading.Event()
    gc.disable()
    # What is loaded by now stays: looking through it each time would hold up everybody for nothing.
    gc.freeze()
    threading.Thread(target=_run, args=(_over, gc.get_threshold()[0]), name="garbage", daemon=True).start()


def stop() -> None:
    """As Python does it again."""
    global _over
    if _over is not None:
        _over.set()
        _over = None
        gc.unfreeze()
        gc.enable()


def _run(over: threading.Event, enough: int) -> None:
    rounds = 0
    while not over.wait(EVERY):
        # Where nothing happens there is nothing to look through.
        if gc.get_count()[0] < enough:
            continue
        rounds += 1
        gc.collect(2 if rounds % ALL == 0 else 1 if rounds % MIDDLE == 0 else 0)
