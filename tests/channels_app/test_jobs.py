"""Jobs and the timetable: never twice at once, never lost by a failure."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from channels_app import jobs
from channels_app.models import Heartbeat

calls: list[Any] = []
hand_over = jobs._hand_over


def remember(*args: int | str) -> None:
    calls.append(args)


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    calls.clear()
    yield
    jobs.stop()


PATH = "tests.channels_app.test_jobs.remember"


@pytest.mark.django_db(transaction=True)
def test_a_job_starts_after_the_commit_and_never_after_a_rollback(jobs_inline: list[str]) -> None:
    with transaction.atomic():
        jobs.enqueue(PATH, 1)
        assert calls == []
    with pytest.raises(ZeroDivisionError), transaction.atomic():  # noqa: PT012 (what is rolled back)
        jobs.enqueue(PATH, 2)
        raise ZeroDivisionError
    assert calls == [(1,)]


def test_embedded_jobs_run_on_threads(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.REDIS_URL, settings.TIMETABLE = "", {}
    done = threading.Event()
    monkeypatch.setattr(jobs, "run", lambda act, *args: (calls.append(args), done.set()))
    hand_over(PATH, (1,))
    assert calls == []
    jobs.start_embedded()
    hand_over(PATH, (2,))
    assert done.wait(60)
    assert calls == [(2,)]


def test_a_process_that_is_ending_takes_no_job_and_raises_nothing(settings: Any) -> None:
    settings.REDIS_URL, settings.TIMETABLE = "", {}
    jobs.start_embedded()
    assert jobs._pool is not None
    jobs._pool.shutdown()
    hand_over(PATH, (1,))
    jobs.spread(remember, 1)


@jobs.of_many
def remember_all(*args: int | str) -> None:
    calls.append(args)


def test_what_waits_to_be_sent_goes_as_one_where_the_job_takes_many(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Any] = []
    outgoing: list[Any] = []
    monkeypatch.setattr(jobs.wakeups, "later", lambda label, act: outgoing.append(act))
    monkeypatch.setattr(jobs, "_send", lambda path, args: sent.append((path, list(args))))
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    many = "tests.channels_app.test_jobs.remember_all"
    hand_over(many, (1, 0))
    hand_over(PATH, (7,))
    hand_over(many, (2, 5))
    for act in outgoing:
        act()
    assert sent == [(many, [1, 0, 2, 5]), (PATH, [7])]
    hand_over(many, (3, 0))
    outgoing[-1]()
    assert sent[-1] == (many, [3, 0])


def test_every_job_that_is_enqueued_is_a_task_of_the_worker() -> None:
    """A name that Celery does not know is dropped with an error, and only the sweep finds the work."""
    for tasks in ("channels_app.tasks", "tickets.tasks", "surveys.tasks"):
        import_module(tasks)
    root = Path(jobs.__file__).parent.parent
    named = set()
    for folder in ("channels_app", "customers", "tickets", "surveys", "reports"):
        for file in (root / folder).rglob("*.py"):
            named |= set(re.findall(r'jobs\.enqueue\(\s*"([\w.]+)"', file.read_text()))
    assert "tickets.routing.desk.sweep" in named
    assert named <= set(jobs._celery().tasks)


def test_a_celery_task_is_named_by_its_path(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []

    class App:
        def send_task(self, path: str, **options: Any) -> None:
            sent.append((path, options["args"]))

    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    monkeypatch.setattr(jobs, "_celery", App)
    monkeypatch.setattr(jobs.wakeups, "later", lambda label, act: act())
    hand_over("tickets.delivery.deliver", (5,))
    assert sent == [("tickets.delivery.deliver", (5,))]


def test_a_job_that_fails_is_logged_and_leaves_its_callers_transaction_alone(db: None) -> None:
    def broken() -> None:
        raise ZeroDivisionError

    jobs.run(broken)
    assert connection.is_usable()
    Heartbeat.objects.create(name="still here", at=timezone.now())


def test_an_entry_is_never_queued_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "run", lambda act: act())
    entry = jobs._Entry(PATH, 1)
    assert entry.due(100.0)
    assert not entry.due(200.0)
    entry.work()
    assert entry.due(300.0)
    entry.work()
    assert not entry.due(300.5)
    assert calls == [(), ()]


def test_the_timetable_calls_and_stops(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.TIMETABLE = {PATH: 0.0}
    monkeypatch.setattr(jobs, "run", lambda act, *args: act(*args))
    jobs.start_timetable()
    deadline = threading.Event()
    for _ in range(50):
        if len(calls) >= 2:
            break
        deadline.wait(0.1)
    jobs.stop()
    count = len(calls)
    assert count >= 2
    deadline.wait(0.6)
    assert len(calls) == count


def test_every_entry_of_the_timetable_and_every_job_exists(settings: Any) -> None:
    from django.utils.module_loading import import_string

    for path in (*settings.TIMETABLE, "tickets.delivery.deliver", "tickets.media.fetch", "channels_app.inbound.replay"):
        assert callable(import_string(path)), path


def test_a_worker_lives_while_its_heart_beats(db: None) -> None:
    assert not jobs.worker_lives()
    jobs.beat()
    jobs.beat()
    assert jobs.worker_lives()
    Heartbeat.objects.update(at=timezone.now() - timedelta(seconds=16))
    assert not jobs.worker_lives()
