"""Whatever goes wrong is told as problem details, never as a 5xx."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from django.db import DataError, OperationalError
from django.test import Client

from agents.models import Token
from tests.api.asserts import problem
from tickets import lists
from tickets.models import Ticket

HUGE = "9" * 40


@pytest.mark.parametrize("path", ["/tickets/", "/tickets/1/", "/messages/", "/activity/", "/channels/", "/me/"])
def test_without_a_token(api: Any, path: str) -> None:
    problem(api(None)("GET", path), 401)


@pytest.mark.parametrize("header", ["Bearer nonsense", "Bearer", "Basic YW5hOnB3", "Bearer ", "é", "Bearer \ufffd"])
def test_a_bad_token(db: None, header: str) -> None:
    problem(Client().get("/api/v1/me/", headers={"authorization": header.encode().decode("latin-1")}), 401)


def test_a_revoked_token(api: Any, bea: Any) -> None:
    client = api(bea)
    client.get("/me/")
    Token.objects.get(agent=bea).revoke()
    problem(client("GET", "/me/"), 401)


def test_a_closed_account(api: Any, bea: Any) -> None:
    client = api(bea)
    bea.is_active = False
    bea.save()
    problem(client("GET", "/me/"), 401)


def test_a_cookie_is_no_token(bea: Any) -> None:
    client = Client()
    client.force_login(bea)
    problem(client.get("/api/v1/me/"), 401)
    problem(client.post("/api/v1/tags/", {"name": "x"}, content_type="application/json"), 401)


@pytest.mark.parametrize(
    "path", ["/nothing/", "/tickets/x/", f"/tickets/{HUGE}/", "/tickets/1/nothing/", "/%00/", "//"]
)
def test_unknown_addresses(api: Any, bea: Any, path: str) -> None:
    problem(api(bea)("GET", path), 404)
    problem(api(bea)("POST", path, {}), 404)


@pytest.mark.parametrize("path", ["/api/", "/api/v2/tickets/", "/api/v1/"])
def test_unknown_addresses_above(db: None, path: str) -> None:
    problem(Client().get(path), 404)


def test_a_forgotten_slash_is_shown_the_way(api: Any, bea: Any) -> None:
    response = api(bea)("POST", "/tags?a=1", {"name": "x"})
    assert response.status_code == 308
    assert response["Location"] == "/api/v1/tags/?a=1"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/tickets/"),
        ("PUT", "/tickets/1/"),
        ("GET", "/tickets/1/assignee/"),
        ("GET", "/attachments/"),
        ("OPTIONS", "/me/"),
    ],
)
def test_wrong_methods(api: Any, bea: Any, method: str, path: str) -> None:
    response = api(bea)(method, path)
    problem(response, 405)
    assert response["Allow"]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'"x"',
        b"12",
        b"null",
        b"\xff\xfe",
        b'{"name": NaN}',
        b'{"name": ' + b"[" * 100 + b"]" * 100 + b"}",
        b'{"name": ' + b"9" * 5000 + b"}",
        b'{"name": "a"} b',
    ],
)
def test_bodies_that_are_not_a_json_object(api: Any, bea: Any, body: bytes) -> None:
    client = api(bea)
    response = client.client.post("/api/v1/tags/", body, content_type="application/json", headers=client.headers)
    problem(response, 400)


@pytest.mark.parametrize("value", [None, 7, 1.5, True, [], {}, "", "   ", "x" * 61])
def test_values_of_the_wrong_kind(api: Any, bea: Any, value: Any) -> None:
    assert "name" in problem(api(bea)("POST", "/tags/", {"name": value}), 400)["errors"]


def test_an_unknown_field(api: Any, bea: Any) -> None:
    assert "nmae" in problem(api(bea)("POST", "/tags/", {"nmae": "x"}), 400)["errors"]
    problem(api(bea)("POST", "/tags/", {"\ud800": "x", "name": "x"}), 400)


def test_another_content_type(api: Any, bea: Any) -> None:
    client = api(bea)
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/xml"):
        response = client.client.post("/api/v1/tags/", b"name=x", content_type=kind, headers=client.headers)
        problem(response, 415)


def test_a_body_that_is_too_large(api: Any, bea: Any, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    problem(api(bea)("POST", "/tags/", {"name": "x" * 1000}), 413)


def test_any_accept_header_gets_json(api: Any, bea: Any) -> None:
    assert api(bea)("GET", "/me/", accept="text/html")["Content-Type"] == "application/json"
    problem(api(bea)("GET", "/tickets/1/", accept="application/xml"), 404)
    api(bea).get("/me/?format=xml")


@pytest.mark.parametrize("limit", ["0", "abc", "-1", "1.5", "٣", "00"])
def test_bad_limits(api: Any, bea: Any, limit: str) -> None:
    assert "limit" in problem(api(bea)("GET", f"/tickets/?limit={limit}"), 400)["errors"]


@pytest.mark.parametrize("limit", ["1", "200", "201", "1000", "9" * 30])
def test_good_limits(api: Any, bea: Any, limit: str) -> None:
    api(bea).get(f"/tickets/?limit={limit}")


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "é",
        "%00",
        "W10",
        "e30",
        "WzAsMV0x",
        "WzAsMSwyXQ",
        "WzUsMV0",
        "WzAsInh5Il0",
        "WzAsdHJ1ZV0",
        "bnVsbA",
        "W1tdLFtdXQ",
        "WzAsOTk5OTk5OTk5OTk5OTk5OTk5OTk5OV0",
    ],
)
@pytest.mark.parametrize("path", ["/tickets/", "/customers/", "/teams/"])
def test_bad_cursors(api: Any, bea: Any, path: str, cursor: str) -> None:
    assert "cursor" in problem(api(bea)("GET", f"{path}?cursor={cursor}"), 400)["errors"]


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-01-01T00:00:00"])
def test_cursors_beyond_all_time(api: Any, bea: Any, ticket: Ticket, moment: str) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps([0, moment, 1]).encode()).decode().rstrip("=")
    for path in (f"/tickets/{ticket.pk}/messages/?", "/tickets/?ordering=due&"):
        assert "cursor" in problem(api(bea)("GET", f"{path}cursor={cursor}"), 400)["errors"]


@pytest.mark.parametrize(
    "query",
    [
        "status=bogus",
        "priority=very",
        "assignee=you",
        "assignee=0",
        "team=x",
        "channel=-1",
        f"customer={HUGE}",
        "team=1.5",
        "channel=٣",
        "q=" + "x" * 501,
        "status=open%00",
    ],
)
def test_bad_filters(api: Any, bea: Any, query: str) -> None:
    assert query.partition("=")[0] in problem(api(bea)("GET", f"/tickets/?{query}"), 400)["errors"]


@pytest.mark.parametrize(
    "path", ["/tickets/{}/", "/tickets/{}/messages/", "/messages/{}/", "/customers/{}/", "/channels/{}/"]
)
def test_ids_at_the_edge(api: Any, ana: Any, path: str) -> None:
    for number in ("0", "9" * 18, str(2**63 - 1), str(2**63), "9" * 5000):
        problem(api(ana)("GET", path.format(number)), 404)


def test_a_database_that_is_away(api: Any, bea: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*args: Any, **options: Any) -> None:
        raise OperationalError("database is locked")

    client = api(bea)
    monkeypatch.setattr(lists, "page", away)
    response = client("GET", "/tickets/")
    problem(response, 503)
    assert response["Retry-After"]


def test_a_value_that_the_database_refuses(api: Any, bea: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*args: Any, **options: Any) -> None:
        raise DataError("value too long for type character varying(5): the secret is 42")

    client = api(bea)
    monkeypatch.setattr(lists, "page", refused)
    assert "42" not in str(problem(client("GET", "/tickets/"), 400))


def test_a_bug_of_ours_says_nothing_of_the_inside(api: Any, bea: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any, **options: Any) -> None:
        raise ZeroDivisionError("the secret is 42")

    client = api(bea)
    monkeypatch.setattr(lists, "page", broken)
    assert "42" not in str(problem(client("GET", "/tickets/"), 500))


def test_nothing_is_kept_by_caches(api: Any, bea: Any, ticket: Ticket) -> None:
    assert api(bea)("GET", "/tickets/")["Cache-Control"] == "no-store"
    assert api(bea)("GET", "/tickets/999/")["Cache-Control"] == "no-store"
