"""/healthz asks nothing of anybody; /readyz says in words what is missing, and never more than 503."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import wait
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from channels_app import jobs
from channels_app.models import Heartbeat
from hub import health

SECRET = "hunter2"

pytestmark = pytest.mark.urls("tests.hub.small.doors")


@pytest.fixture(autouse=True)
def nothing_left_running() -> Iterator[None]:
    """A check that still runs is not asked again: what hung in one test must not answer the next."""
    yield
    wait(health._running.values(), 60)


@pytest.fixture
def alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "worker_lives", lambda: True)
    monkeypatch.setattr(health, "broker", lambda: health.OK)


def test_healthz_needs_no_database(client: Client) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok")
    assert client.post("/healthz").status_code == 405


def test_ready(client: Client, alive: None) -> None:
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"database": "ok", "redis": "ok", "worker": "ok"})


def test_no_heartbeat(client: Client, alive: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "worker_lives", lambda: False)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"database": "ok", "redis": "ok", "worker": "no heartbeat in the last 15 seconds"}


def test_database_down_is_said_without_its_address(
    client: Client, alive: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> bool:
        raise OperationalError(f"postgresql://hub:{SECRET}@db failed")

    monkeypatch.setattr(jobs, "worker_lives", fail)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["database"] == "does not answer (OperationalError)"
    assert SECRET not in answer.content.decode()


def test_redis_down_is_said(client: Client, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "worker_lives", lambda: True)
    settings.REDIS_URL = f"redis://:{SECRET}@127.0.0.1:1/0"
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["redis"] == f"does not answer ({redis.ConnectionError.__name__})"


def test_what_hangs_is_given_up(client: Client, alive: None, monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(health, "PATIENCE", 0.1)
    monkeypatch.setattr(jobs, "worker_lives", over.wait)
    for _ in range(3):
        assert client.get("/readyz").json()["worker"] == "no answer within 2 seconds"
    over.set()


def test_broken_check_is_a_503_too(client: Client, alive: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> bool:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(jobs, "worker_lives", fail)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert SECRET not in answer.content.decode()


@pytest.mark.django_db
def test_heartbeat_goes_stale() -> None:
    jobs.beat()
    assert jobs.worker_lives()
    Heartbeat.objects.update(at=timezone.now() - timedelta(seconds=16))
    assert not jobs.worker_lives()


def test_stand_in_for_redis_delivers(settings: Any) -> None:
    settings.REDIS_URL = ""
    assert health.broker() == health.OK
