"""A database that is busy or away, values that it refuses, faults of ours: what each door says then."""

from __future__ import annotations

import asyncio
import runpy
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import DataError, InternalError, OperationalError
from django.test import Client

from agents.models import Agent
from channels_app import busy, views
from channels_app.widget import limits
from channels_app.widget import views as widget
from hub.stamp import BASE_DIR
from tests.api.asserts import problem
from tests.conftest import Customer, lean_client
from tickets import selections
from tickets.consumers import InboxConsumer, read_after

PART = {"X-Requested-With": "fetch"}


def away(*args: Any, **options: Any) -> Any:
    raise OperationalError("database is locked")


def broken(*args: Any, **options: Any) -> Any:
    raise ZeroDivisionError("the secret is 42")


def refusing(*args: Any, **options: Any) -> Any:
    raise DataError("value too long")


@pytest.fixture
def pages(bea: Agent) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(bea)
    return client


# ── Which trouble passes ─────────────────────────────────────────────────────────────────────


def as_django(kind: type[Exception], cause: Exception) -> Exception:
    error = kind(str(cause))
    error.__cause__ = cause
    return error


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Path]:
    """A database that another writer holds."""
    holder = sqlite3.connect(tmp_path / "held.sqlite3", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    yield tmp_path / "held.sqlite3"
    holder.close()


def failure(path: Path, statement: str) -> sqlite3.OperationalError:
    connection = sqlite3.connect(path, timeout=0, isolation_level=None)
    try:
        connection.execute(statement)
    except sqlite3.OperationalError as error:
        return error
    finally:
        connection.close()
    raise AssertionError(statement)


def test_a_lock_passes_and_a_wrong_statement_does_not(locked: Path) -> None:
    assert busy.is_passing(as_django(OperationalError, failure(locked, "BEGIN IMMEDIATE")))
    assert not busy.is_passing(as_django(OperationalError, failure(locked, "SELECT * FROM nowhere")))


@pytest.mark.parametrize(
    ("cause", "passes"),
    [
        (psycopg.errors.LockNotAvailable(), True),
        (psycopg.errors.QueryCanceled(), True),
        (psycopg.errors.AdminShutdown(), True),
        (psycopg.OperationalError("connection refused"), True),
        (psycopg.errors.IdleInTransactionSessionTimeout(), True),
        (psycopg.errors.InFailedSqlTransaction(), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_postgresql_says_in_passing(cause: Exception, passes: bool) -> None:
    kind = OperationalError if isinstance(cause, psycopg.OperationalError) else InternalError
    assert busy.is_passing(as_django(kind, cause)) == passes


def test_nothing_else_passes() -> None:
    assert not busy.is_passing(None)
    assert not busy.is_passing(ValueError())


# ── What is said then ────────────────────────────────────────────────────────────────────────


def test_a_page_says_so_and_when_to_come_again(pages: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selections, "places", away)
    response = pages.get("/")
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert "<h1>Just a moment</h1>" in response.content.decode()
    part = pages.get("/", headers=PART)
    assert (part.status_code, part["Retry-After"], list(part.json())) == (503, "5", ["words"])


def test_before_any_view_is_reached(pages: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.middleware.zone_of", away)
    assert pages.get("/").status_code == 503
    monkeypatch.setattr("agents.middleware.zone_of", broken)
    response = pages.get("/")
    assert response.status_code == 500
    assert "42" not in response.content.decode()


def test_a_value_that_the_database_refuses_is_no_fault_of_ours(pages: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selections, "places", refusing)
    assert pages.get("/").status_code == 400


def test_a_webhook_is_asked_for_again(dora: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "_channel", away)
    response = dora.post({"type": "message"})
    problem(response, 503)
    assert response["Retry-After"] == "5"


def test_the_chat_on_a_website_learns_when_to_come_again(
    db: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits.forget()
    monkeypatch.setattr(widget, "known_channels", away)
    ours = settings.PUBLIC_ORIGIN
    response = lean_client().post("/widget/x/session/", b"{}", "application/json", headers={"origin": ours})
    problem(response, 503)
    assert (response["Retry-After"], response["Access-Control-Allow-Origin"]) == ("5", ours)
    response = lean_client().post("/widget/x/session/", headers={"origin": "https://shop.example"})
    problem(response, 503)


# ── What no view is asked about ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", ["/webhooks/1", "/webhooks/", "/widget/nothing/here/"])
def test_a_machine_at_no_address_is_told_as_a_machine(db: None, path: str) -> None:
    problem(lean_client().post(path), 404)


def test_a_foreign_host(db: None) -> None:
    problem(Client().get("/api/v1/me/", headers={"host": "evil.example"}), 400)
    assert Client().get("/", headers={"host": "evil.example"}).status_code == 400


def test_a_session_that_is_none(db: None) -> None:
    """In quotes a cookie can hold anything; PostgreSQL takes no NUL in a text."""
    for value in ('"\\000aaaaaaaaaaaa"', '"a\\047 OR 1=1 --"', "x" * 5000, "\xe9" * 20):
        response = Client().get("/", headers={"cookie": f"sessionid={value}"})
        assert (response.status_code, response["Location"]) == (302, "/accounts/login/?next=/")


@pytest.mark.parametrize(
    ("query", "number"),
    [("", None), ("after=7", 7), ("after=-7", 0), ("after=0", 0), ("after=%2B7", 7), ("after=1&after=2", 2)],
)
def test_where_a_socket_goes_on(query: str, number: int | None) -> None:
    assert read_after(query) == number


@pytest.mark.parametrize("digits", [19, 40, 5000])
def test_however_long_a_number_it_is_beyond_the_newest(digits: int) -> None:
    assert (read_after(f"after={'9' * digits}") or 0) >= 10**18
    assert read_after(f"after=-{'9' * digits}") == 0


@pytest.mark.parametrize("text", ["", "x", "1.5", "٣", "1e3", "0x1", "+-1", "%00"])
def test_no_number_at_all(text: str) -> None:
    with pytest.raises(ValueError):
        read_after(f"after={text}")


def test_a_courtesy_that_is_lost_does_not_cost_the_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = InboxConsumer()
    consumer.who = SimpleNamespace(agent=SimpleNamespace(pk=1))  # type: ignore[assignment]
    monkeypatch.setattr(consumer, "_here", away)
    asyncio.run(consumer.receive('{"type": "typing", "ticket": 1}'))
    monkeypatch.setattr(consumer, "_here", broken)
    with pytest.raises(ZeroDivisionError):
        asyncio.run(consumer.receive('{"type": "typing", "ticket": 1}'))


# ── Settings ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HUB_ENV", "prod"),
        ("TRUSTED_PROXIES", "10.0.0.0/8,proxy.example"),
        ("TIME_ZONE", "Asia/Jakrta"),
        ("LOG_LEVEL", "loud"),
        ("REOPEN_WITHIN_DAYS", "a week"),
        ("PORT", "http"),
        ("DATABASE_URL", "mysql://me:secret@host/name"),
        ("DATABASE_URL", "nonsense"),
    ],
)
def test_a_setting_that_cannot_be_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    if name == "DATABASE_URL":
        monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured, match=name) as caught:
        runpy.run_path(str(BASE_DIR / "hub/settings.py"))
    assert "secret" not in str(caught.value)


def test_an_empty_setting_is_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HUB_ENV", "TIME_ZONE", "LOG_LEVEL", "REOPEN_WITHIN_DAYS", "PORT", "HOST", "MEDIA_ROOT"):
        monkeypatch.setenv(name, "")
    found = runpy.run_path(str(BASE_DIR / "hub/settings.py"))
    assert (found["HUB_ENV"], found["PORT"], found["HOST"]) == ("development", 8000, "127.0.0.1")
    assert found["MEDIA_ROOT"] == found["VAR_DIR"] / "media"
