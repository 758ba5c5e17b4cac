"""Envelopes through the API: seen and opened again by administrators."""

from __future__ import annotations

from typing import Any

import pytest

from agents.models import Agent
from channels_app.models import Channel, Envelope
from tests.api.asserts import problem, said
from tests.conftest import Api, Customer
from tickets import intake
from tickets.models import Message


@pytest.fixture
def as_ana(ana: Agent) -> Api:
    return Api(ana)


def test_what_became_of_each(as_ana: Api, dora: Customer, webhook_channel: Channel) -> None:
    message = dora.writes("Halo")
    dora.sends({"type": "batch", "events": []})
    dora.sends({"type": "message", "text": "without an id"})
    rows = as_ana.get("/envelopes/")["results"]
    assert [row["state"] for row in rows] == ["failed", "ignored", "opened"]
    assert [row["messages"] for row in rows] == [[], [], [message.pk]]
    assert rows[0]["error"]
    assert rows[2]["error"] is None
    assert {row["channel"] for row in rows} == {str(webhook_channel.pk)}
    assert [row["id"] for row in as_ana.get("/envelopes/?state=failed")["results"]] == [rows[0]["id"]]
    assert as_ana.get(f"/envelopes/?channel={10**6}")["results"] == []
    problem(as_ana("GET", "/envelopes/?state=odd"), 400)
    assert "without an id" in as_ana.get(f"/envelopes/{rows[0]['id']}/")["body"]
    page = as_ana.get("/envelopes/?limit=2")
    assert [row["id"] for row in as_ana.get(page["next"].removeprefix("http://testserver/api/v1"))["results"]] == [
        rows[2]["id"]
    ]


def test_open_again(as_ana: Api, dora: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:

        def fails(*args: Any, **options: Any) -> None:
            raise RuntimeError("a bug of the day")

        broken.setattr(intake, "open_ticket", fails)
        dora.sends({"type": "message", "id": "m-1", "sender": dora.sender, "text": "Halo"})
    row = as_ana.get("/envelopes/")["results"][0]
    assert (row["state"], row["attempts"]) == ("failed", 1)
    assert "a bug of the day" in row["error"]
    opened = said(as_ana("POST", f"/envelopes/{row['id']}/replay/"), 202)
    assert (opened["state"], opened["attempts"]) == ("opened", 2)
    assert opened["messages"] == [Message.objects.get().pk]
    problem(as_ana("POST", f"/envelopes/{row['id']}/replay/"), 409)
    problem(as_ana("POST", "/envelopes/999999/replay/"), 404)


def test_what_is_no_longer_kept(as_ana: Api, dora: Customer) -> None:
    dora.sends({"type": "message", "text": "without an id"})
    Envelope.objects.update(body=b"")
    problem(as_ana("POST", f"/envelopes/{Envelope.objects.get().pk}/replay/"), 409)


def test_only_administrators(bea: Agent, lena: Agent, dora: Customer) -> None:
    dora.writes("Halo")
    number = Envelope.objects.get().pk
    for agent in (bea, lena):
        problem(Api(agent)("GET", "/envelopes/"), 403)
        problem(Api(agent)("GET", f"/envelopes/{number}/"), 403)
        problem(Api(agent)("POST", f"/envelopes/{number}/replay/"), 403)


def test_a_constant_number_of_statements(as_ana: Api, dora: Customer, django_assert_max_num_queries: Any) -> None:
    dora.writes("Halo")
    as_ana.get("/envelopes/")
    with django_assert_max_num_queries(8) as few:
        as_ana.get("/envelopes/")
    for _ in range(8):
        dora.writes("Halo")
    with django_assert_max_num_queries(8) as lots:
        as_ana.get("/envelopes/")
    assert len(few) == len(lots)
