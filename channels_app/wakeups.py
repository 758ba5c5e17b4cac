"""Wake-ups: "something moved, look at the database". They carry no work and may be lost.

Within the process they are direct calls; with Redis they reach the other processes too. Sending
happens in a thread of its own, so that a Redis that is down, slow or flushed neither fails nor
delays a request (a send is given up after 0.2 s).
"""

from __future__ import annotations

import json
import secrets
import threading
from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import redis
import structlog
from django.conf import settings
from django.db import transaction

log = structlog.get_logger(__name__)

LOG_MOVED = "log"
EPHEMERAL = "ephemeral"
VISITORS = "visitors"
TOPICS = (LOG_MOVED, EPHEMERAL, VISITORS)
# Redis numbers its databases, but a published word is heard in all of them.
PREFIX = f"pelanggan:{urlsplit(settings.REDIS_URL).path.strip('/') or 0}:"
GIVE_UP = 0.2

Listener = Callable[[bytes], None]

_listeners: dict[str, list[Listener]] = {}


class _Outbox(threading.Thread):
    """Runs what must not hold up a request: publishing, and handing jobs to the broker."""

    def __init__(self) -> None:
        super().__init__(name="wakeups-out", daemon=True)
        self.items: deque[tuple[str, Callable[[], object]]] = deque(maxlen=10_000)
        self.ready = threading.Event()
        self.failing = False

    def put(self, label: str, act: Callable[[], object]) -> None:
        # Ten "the log moved" waiting are as good as one.
        if label == LOG_MOVED and any(waiting == LOG_MOVED for waiting, _act in tuple(self.items)[:50]):
            return
        self.items.append((label, act))
        self.ready.set()

    def run(self) -> None:
        while True:
            self.ready.wait()
            self.ready.clear()
            while self.items:
                label, act = self.items.popleft()
                try:
                    act()
                except Exception as error:  # noqa: BLE001 (a wake-up may be lost, never raise)
                    if not self.failing:
                        words = "a wake-up was given up; the sweeps will find the work"
                        log.warning(words, label=label, error=str(error))
                    self.failing = True
                else:
                    self.failing = False


_outbox: _Outbox | None = None
_start = threading.Lock()


def later(label: str, act: Callable[[], object]) -> None:
    """Run it soon in the outgoing thread; failures are logged and forgotten."""
    global _outbox
    if _outbox is None or not _outbox.is_alive():
        with _start:
            if _outbox is None or not _outbox.is_alive():
                _outbox = _Outbox()
                _outbox.start()
    _outbox.put(label, act)


_client: redis.Redis | None = None


def _redis() -> redis.Redis:
    global _client
    if _client is None:
        _client = redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=GIVE_UP, socket_connect_timeout=GIVE_UP, max_connections=2
        )
    return _client


def moved() -> None:
    """The log moved: tell all readers once the transaction is committed."""
    transaction.on_commit(_tell_moved)


def _tell_moved() -> None:
    publish(LOG_MOVED, b"")


def publish(topic: str, payload: bytes) -> None:
    for listener in _listeners.get(topic, ()):
        listener(payload)
    if settings.REDIS_URL:
        later(topic, lambda: _redis().publish(PREFIX + topic, OWN_MARK + payload))


def publish_json(topic: str, value: dict[str, Any]) -> None:
    publish(topic, json.dumps(value).encode())


# Every process hears its own publications from Redis too; the mark tells them apart.
OWN_MARK = secrets.token_hex(8).encode()


def listen(topic: str, listener: Listener) -> None:
    """Call the listener for every wake-up of that topic; from other processes only those of TOPICS come."""
    _listeners.setdefault(topic, []).append(listener)
    if settings.REDIS_URL:
        _ear.start_once()


def forget(topic: str, listener: Listener) -> None:
    if listener in _listeners.get(topic, []):
        _listeners[topic].remove(listener)


class _Ear:
    """One subscription per process, reconnecting for ever."""

    def __init__(self) -> None:
        self.thread: threading.Thread | None = None
        self.lock = threading.Lock()

    def start_once(self) -> None:
        with self.lock:
            if self.thread is None or not self.thread.is_alive():
                self.thread = threading.Thread(target=self._run, name="wakeups-in", daemon=True)
                self.thread.start()

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            try:
                self._hear()
            except Exception as error:  # noqa: BLE001 (Redis may go and come back at any time)
                log.debug("no wake-ups from Redis for now", error=str(error))
                pause.wait(0.5)

    def _hear(self) -> None:
        client: Any = redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=None, socket_connect_timeout=2, health_check_interval=15
        )
        pubsub = client.pubsub(ignore_subscribe_messages=True)
        pubsub.subscribe(*(PREFIX + topic for topic in TOPICS))
        while True:
            message = pubsub.get_message(timeout=20)
            if message is None:
                continue
            data: bytes = message["data"]
            if data.startswith(OWN_MARK):
                continue
            for listener in _listeners.get(message["channel"].decode().removeprefix(PREFIX), ()):
                listener(data[len(OWN_MARK) :])


_ear = _Ear()
