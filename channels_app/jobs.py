"""Jobs and the timetable: who works off what the database says is due.

With Redis a job is a Celery task on a worker; in the embedded default the same function runs on a
few threads of the one process (a broker in memory would only add a hop and a poll). Either way the
database holds the work: a job that never starts is found by the timetable's sweeps.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, TypeVar

import structlog
from django.conf import settings
from django.db import close_old_connections, connection, transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from channels_app import wakeups
from channels_app.models import Heartbeat

log = structlog.get_logger(__name__)

THREADS = 8
TICK = 0.25
WORKER = "worker"
FRESH = timedelta(seconds=15)

F = TypeVar("F", bound=Callable[..., object])

_pool: ThreadPoolExecutor | None = None
_timetable: Timetable | None = None


def enqueue(path: str, *args: int | str) -> None:
    """Have the function at that dotted path called soon after this transaction commits.

    Arguments are ids only. On a worker it is the Celery task of the same name (tasks.py lists them).
    """
    transaction.on_commit(lambda: _hand_over(path, args))


def of_many(act: F) -> F:
    """Marks a job that takes the arguments of any number of calls, one after the other: those that still wait to be
    sent to the broker when it is its turn go as one."""
    act.of_many = True  # type: ignore[attr-defined]
    return act


_together: defaultdict[str, deque[tuple[int | str, ...]]] = defaultdict(lambda: deque(maxlen=10_000))


def _hand_over(path: str, args: tuple[int | str, ...]) -> None:
    if settings.REDIS_URL:
        if hasattr(import_string(path), "of_many"):
            _together[path].append(args)
            wakeups.later(path, lambda: _send_together(path))
        else:
            wakeups.later(path, lambda: _send(path, args))
    elif _pool is not None:
        _submit(_pool, run, import_string(path), *args)


def _send(path: str, args: Sequence[int | str]) -> None:
    _celery().send_task(path, args=args, retry=False, ignore_result=True)


def _send_together(path: str) -> None:
    """In the outgoing thread, which alone takes away what others add: nothing where an earlier call took it along."""
    waiting, args = _together[path], list[int | str]()
    while waiting:
        args += waiting.popleft()
    if args:
        _send(path, args)


def _submit(pool: ThreadPoolExecutor, act: Callable[..., object], *args: object) -> bool:
    """False while the process is ending: the row stays for the next one."""
    try:
        pool.submit(act, *args)
    except RuntimeError:
        return False
    return True


def spread(act: Callable[..., object], *args: int | str) -> None:
    """From a sweep: run it on this process's threads, or here where there are none."""
    global _pool
    if _timetable is None:
        run(act, *args)
        return
    if _pool is None:
        _pool = ThreadPoolExecutor(THREADS, thread_name_prefix="job")
    _submit(_pool, run, act, *args)


def _celery() -> Any:
    # By path: the embedded default never pays for importing Celery.
    return import_string(settings.CELERY_APP)


def run(act: Callable[..., object], *args: int | str) -> None:
    """Call it with the database connection looked after, and its failure logged, not raised."""
    called_inside = connection.in_atomic_block
    if not called_inside:
        close_old_connections()
    try:
        act(*args)
    except Exception:
        log.exception("a job failed; its row stays due", job=getattr(act, "__name__", str(act)), args=args)
        if not called_inside and (connection.in_atomic_block or not connection.is_usable()):
            connection.close()


class Timetable(threading.Thread):
    """Calls each entry of settings.TIMETABLE every so many seconds, never twice at once."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        super().__init__(name="timetable", daemon=True)
        self.pool = pool
        self.over = threading.Event()
        self.entries = [_Entry(path, seconds) for path, seconds in settings.TIMETABLE.items()]

    def run(self) -> None:
        while not self.over.wait(TICK):
            now = time.monotonic()
            for entry in self.entries:
                if entry.due(now) and not _submit(self.pool, entry.work):
                    return


class _Entry:
    def __init__(self, path: str, seconds: float) -> None:
        self.act: Callable[[], object] = import_string(path)
        self.seconds = seconds
        self.next = 0.0
        self.busy = threading.Lock()

    def due(self, now: float) -> bool:
        # Held from here on: what waits for a thread must not be queued a second time.
        if now < self.next or not self.busy.acquire(blocking=False):
            return False
        self.next = now + self.seconds
        return True

    def work(self) -> None:
        try:
            run(self.act)
        finally:
            self.busy.release()


def start_embedded() -> None:
    """Jobs and timetable in this process (the embedded default)."""
    global _pool
    _pool = ThreadPoolExecutor(THREADS, thread_name_prefix="job")
    start_timetable()


def start_timetable() -> None:
    """The timetable alone, in a thread beside a Celery worker."""
    global _timetable
    _timetable = Timetable(ThreadPoolExecutor(THREADS // 2, thread_name_prefix="timetable"))
    _timetable.start()


def stop() -> None:
    """Let what runs end; what waits is in the database."""
    global _pool, _timetable
    if _timetable is not None:
        _timetable.over.set()
        _timetable.pool.shutdown(wait=True, cancel_futures=True)
        _timetable = None
    if _pool is not None:
        _pool.shutdown(wait=True, cancel_futures=True)
        _pool = None


def beat() -> None:
    """Say that a worker lives."""
    Heartbeat.objects.update_or_create(name=WORKER, defaults={"at": timezone.now()})


def worker_lives() -> bool:
    return Heartbeat.objects.filter(name=WORKER, at__gt=timezone.now() - FRESH).exists()
