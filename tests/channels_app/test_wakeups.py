"""Wake-ups may be lost; they never fail or delay whoever sends them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import transaction

from channels_app import wakeups


@pytest.fixture
def heard() -> Iterator[list[bytes]]:
    said: list[bytes] = []
    for topic in (wakeups.LOG_MOVED, wakeups.EPHEMERAL):
        wakeups.listen(topic, said.append)
    yield said
    for topic in (wakeups.LOG_MOVED, wakeups.EPHEMERAL):
        wakeups.forget(topic, said.append)


@pytest.mark.django_db(transaction=True)
def test_the_log_moved_once_it_is_committed(heard: list[bytes]) -> None:
    with transaction.atomic():
        wakeups.moved()
        assert heard == []
    assert heard == [b""]
    with pytest.raises(ZeroDivisionError), transaction.atomic():  # noqa: PT012 (what is rolled back)
        wakeups.moved()
        raise ZeroDivisionError
    assert heard == [b""]


def test_a_listener_hears_its_topic_until_it_is_forgotten(heard: list[bytes]) -> None:
    wakeups.publish_json(wakeups.EPHEMERAL, {"type": "typing"})
    wakeups.publish("elsewhere", b"x")
    assert heard == [b'{"type": "typing"}']
    wakeups.forget(wakeups.EPHEMERAL, heard.append)
    wakeups.forget(wakeups.EPHEMERAL, heard.append)
    wakeups.publish_json(wakeups.EPHEMERAL, {})
    assert len(heard) == 1


def test_a_redis_that_hangs_delays_nobody(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.REDIS_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        monkeypatch.setattr(wakeups, "_client", None)
        stuck, told = threading.Event(), threading.Event()
        wakeups.later("stuck", lambda: (stuck.wait(), told.set()))
        # Whoever waited for an answer would never come to the last line but one.
        for number in range(100):
            wakeups.publish(wakeups.LOG_MOVED, str(number).encode())
        assert not told.is_set()
        stuck.set()
        assert told.wait(60)


def test_what_fails_is_given_up_and_the_next_goes_on() -> None:
    done = threading.Event()
    wakeups.later("x", lambda: 1 / 0)
    wakeups.later("x", done.set)
    assert done.wait(2)


def test_ten_that_wait_are_as_good_as_one() -> None:
    outbox = wakeups._Outbox()
    for _ in range(10):
        outbox.put(wakeups.LOG_MOVED, lambda: None)
    outbox.put("job", lambda: None)
    outbox.put("job", lambda: None)
    assert [label for label, _act in outbox.items] == [wakeups.LOG_MOVED, "job", "job"]


@pytest.mark.postgres
def test_other_processes_hear_by_redis_and_we_do_not_hear_ourselves_twice(heard: list[bytes]) -> None:
    import redis

    client = redis.Redis.from_url(django_settings.REDIS_URL)
    deadline = time.monotonic() + 60
    while not any(item == b"theirs" for item in heard):
        assert time.monotonic() < deadline
        client.publish(wakeups.PREFIX + wakeups.EPHEMERAL, b"0123456789abcdef" + b"theirs")
        time.sleep(0.05)
    before = len(heard)
    wakeups.publish(wakeups.EPHEMERAL, b"ours")
    time.sleep(0.5)
    assert heard[before:].count(b"ours") == 1
