"""Log lines: readable, and without secrets."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
import structlog
from django.test import Client, RequestFactory

from hub import log


def line(monkeypatch: pytest.MonkeyPatch, environment: str, event: str, **values: Any) -> str:
    monkeypatch.setenv("HUB_ENV", environment)
    formatter = log.formatter()
    caught: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            caught.append(formatter.format(record))

    logger, handler = logging.getLogger("tests.log"), Handler()
    logger.addHandler(handler)
    try:
        structlog.wrap_logger(logger, processors=structlog.get_config()["processors"]).warning(event, **values)
    finally:
        logger.removeHandler(handler)
    return caught[0]


def test_json_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    found = json.loads(line(monkeypatch, "production", "sent", ticket=7, text="สวัสดี"))
    assert (found["event"], found["ticket"], found["text"], found["level"]) == ("sent", 7, "สวัสดี", "warning")


def test_words_in_development(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "ticket" in line(monkeypatch, "development", "sent", ticket=7)


@pytest.mark.parametrize("environment", ["production", "development"])
@pytest.mark.parametrize(
    "values",
    [
        {"token": "s3cret"},
        {"Authorization": "Bearer s3cret"},
        {"channel_secret": "s3cret"},
        {"settings": {"auth_token": "s3cret", "deep": [{"password": "s3cret"}]}},
        {"headers": [{"cookie": "s3cret"}]},
    ],
)
def test_secrets_are_masked(monkeypatch: pytest.MonkeyPatch, environment: str, values: dict[str, Any]) -> None:
    found = line(monkeypatch, environment, "sent", **values)
    assert "s3cret" not in found
    assert log.MASK in found


def test_what_is_named_after_a_secret_but_is_a_number_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    assert json.loads(line(monkeypatch, "production", "x", token_count=3))["token_count"] == 3


def test_local_variables_never_reach_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        hidden = "s3cret"
        raise ValueError(f"no{hidden[:0]}")

    with pytest.raises(ValueError) as caught:
        fail()
    assert "s3cret" not in line(monkeypatch, "development", "broke", exc_info=caught.value)


@pytest.mark.parametrize("environment", ["production", "development"])
@pytest.mark.parametrize(
    "path", ["/invitations/s3cret:x/", "/accounts/password/reset/key/s3cret/", "/s/s3cret/?score=5", "/s/s3cret"]
)
def test_an_address_that_is_a_key_is_masked(monkeypatch: pytest.MonkeyPatch, environment: str, path: str) -> None:
    """In our own lines and in Django's, which has the request beside its words."""
    request = RequestFactory().post(path)
    own = line(monkeypatch, environment, "no answer to a request", path=path)
    foreign = line(monkeypatch, environment, f"Forbidden (no cookie): {path}", request=request)
    for found in (own, foreign):
        assert "s3cret" not in found
        assert log.MASK in found
    assert "/tickets/7/" in line(monkeypatch, environment, "x", path="/tickets/7/")


def test_what_django_says_of_a_refused_form_has_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    caught: list[str] = []
    formatter = log.formatter()

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            caught.append(formatter.format(record))

    logger, handler = logging.getLogger("django.security.csrf"), Handler()
    logger.addHandler(handler)
    try:
        assert Client(enforce_csrf_checks=True).post("/invitations/s3cret/").status_code == 403
    finally:
        logger.removeHandler(handler)
    assert caught
    assert "s3cret" not in "".join(caught)
