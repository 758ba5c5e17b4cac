"""Agents, teams, tags and keys through the API."""

from __future__ import annotations

from typing import Any

import pytest

from agents.models import Agent, Team, Token
from tests.api.asserts import problem, said
from tests.conftest import Api


@pytest.fixture
def as_ana(ana: Agent) -> Api:
    return Api(ana)


@pytest.fixture
def as_bea(bea: Agent) -> Api:
    return Api(bea)


def test_colleagues(as_bea: Api, bea: Agent, carl: Agent, ana: Agent, north: Team) -> None:
    assert {row["name"] for row in as_bea.get("/agents/")["results"]} == {"Ana", "Bea", "Carl"}
    assert {row["name"] for row in as_bea.get(f"/agents/?team={north.pk}")["results"]} == {"Ana", "Bea"}
    assert [row["name"] for row in as_bea.get("/agents/?role=admin")["results"]] == ["Ana"]
    problem(as_bea("GET", "/agents/?role=king"), 400)
    row = as_bea.get("/me/")
    assert (row["id"], row["role"], row["teams"]) == (bea.pk, "agent", [{"id": north.pk, "name": "North"}])
    assert as_bea.get(f"/agents/{bea.pk}/") == {
        name: row[name] for name in row if name not in ("language", "time_zone")
    }
    assert "password" not in row


def test_hire(as_ana: Api, north: Team) -> None:
    body = {
        "email": "Gita@Example.com",
        "name": "Gita",
        "role": "lead",
        "teams": [north.pk],
        "password": "kopi susu gula aren",
    }
    row = said(as_ana("POST", "/agents/", body), 201)
    assert (row["email"], row["role"], row["teams"]) == (
        "gita@example.com",
        "lead",
        [{"id": north.pk, "name": "North"}],
    )
    assert Agent.objects.get(pk=row["id"]).check_password("kopi susu gula aren")
    assert "email" in problem(as_ana("POST", "/agents/", {**body, "email": "GITA@example.com"}), 400)["errors"]
    nobody = said(as_ana("POST", "/agents/", {"email": "h@example.com", "name": "Hari"}), 201)
    assert not Agent.objects.get(pk=nobody["id"]).has_usable_password()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "x"),
        ("email", 7),
        ("name", ""),
        ("role", "king"),
        ("teams", [10**6]),
        ("teams", "x"),
        ("password", "123"),
        ("is_staff", True),
    ],
)
def test_hiring_that_is_refused(as_ana: Api, field: str, value: Any) -> None:
    body = {"email": "gita@example.com", "name": "Gita", field: value}
    assert field in problem(as_ana("POST", "/agents/", body), 400)["errors"]


def test_change_an_agent(as_ana: Api, bea: Agent, south: Team) -> None:
    row = said(as_ana("PATCH", f"/agents/{bea.pk}/", {"teams": [south.pk], "role": "lead", "name": "Bea L."}))
    assert (row["teams"], row["role"], row["name"]) == ([{"id": south.pk, "name": "South"}], "lead", "Bea L.")
    key = Api(bea)
    said(as_ana("PATCH", f"/agents/{bea.pk}/", {"is_active": False}))
    problem(key("GET", "/me/"), 401)
    problem(as_ana("PATCH", "/agents/999999/", {}), 404)


def test_the_last_administrator_stays(as_ana: Api, ana: Agent, bea: Agent) -> None:
    problem(as_ana("PATCH", f"/agents/{ana.pk}/", {"role": "agent"}), 409)
    problem(as_ana("PATCH", f"/agents/{ana.pk}/", {"is_active": False}), 409)
    said(as_ana("PATCH", f"/agents/{ana.pk}/", {"name": "Ana B."}))
    said(as_ana("PATCH", f"/agents/{bea.pk}/", {"role": "admin"}))
    said(as_ana("PATCH", f"/agents/{ana.pk}/", {"role": "agent"}))


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/agents/", {"email": "x@example.com", "name": "x"}),
        ("PATCH", "/agents/1/", {"role": "admin"}),
        ("POST", "/teams/", {"name": "x"}),
        ("PATCH", "/teams/1/", {"name": "x"}),
    ],
)
def test_only_administrators(as_bea: Api, lena: Agent, method: str, path: str, body: Any) -> None:
    for api in (as_bea, Api(lena)):
        problem(api(method, path, body), 403)


def test_teams(as_ana: Api, as_bea: Api, north: Team) -> None:
    row = said(as_ana("POST", "/teams/", {"name": " West "}), 201)
    assert row["name"] == "West"
    assert "name" in problem(as_ana("POST", "/teams/", {"name": "WEST"}), 400)["errors"]
    assert "name" in problem(as_ana("PATCH", f"/teams/{north.pk}/", {"name": "west"}), 400)["errors"]
    assert said(as_ana("PATCH", f"/teams/{north.pk}/", {"name": "North Pole"}))["name"] == "North Pole"
    assert [team["name"] for team in as_bea.get("/teams/")["results"]] == ["North Pole", "West"]
    assert as_bea.get(f"/teams/{row['id']}/") == row


def test_tags(as_bea: Api) -> None:
    said(as_bea("POST", "/tags/", {"name": "Retur"}), 201)
    problem(as_bea("POST", "/tags/", {"name": "retur"}), 400)
    assert [tag["name"] for tag in as_bea.get("/tags/?q=ETU")["results"]] == ["Retur"]
    assert as_bea.get("/tags/?q=x")["results"] == []


def test_keys(as_bea: Api, bea: Agent, ana: Agent) -> None:
    made = said(as_bea("POST", "/tokens/", {"name": "Kasir"}), 201)
    assert made["key"].startswith("plg_")
    mine = as_bea.get("/tokens/")["results"]
    assert mine[0] == {name: made[name] for name in made if name != "key"}
    assert made["key"].encode() not in as_bea("GET", "/tokens/").content
    with_it = Api(None)
    with_it.headers = {"authorization": f"Bearer {made['key']}"}
    assert with_it.get("/me/")["id"] == bea.pk
    problem(Api(ana)("DELETE", f"/tokens/{made['id']}/"), 404)
    assert as_bea("DELETE", f"/tokens/{made['id']}/").status_code == 204
    problem(with_it("GET", "/me/"), 401)
    problem(as_bea("DELETE", f"/tokens/{made['id']}/"), 404)
    assert made["id"] not in [row["id"] for row in as_bea.get("/tokens/")["results"]]
    assert Token.objects.filter(pk=made["id"]).exists()


@pytest.mark.parametrize("path", ["/agents/", "/teams/", "/tags/", "/tokens/", "/channels/"])
def test_a_constant_number_of_statements(as_ana: Api, django_assert_max_num_queries: Any, path: str) -> None:
    as_ana.get(path)
    with django_assert_max_num_queries(8) as few:
        as_ana.get(path)
    for number in range(6):
        team = said(as_ana("POST", "/teams/", {"name": f"T{number}"}), 201)["id"]
        said(as_ana("POST", "/agents/", {"email": f"a{number}@example.com", "name": "A", "teams": [team]}), 201)
        said(as_ana("POST", "/tags/", {"name": f"T{number}"}), 201)
        said(as_ana("POST", "/tokens/", {}), 201)
        said(as_ana("POST", "/channels/", {"kind": "sandbox", "name": "S", "team": team}), 201)
    with django_assert_max_num_queries(8) as lots:
        as_ana.get(path)
    assert len(few) == len(lots)
