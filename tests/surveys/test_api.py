"""Surveys over the API, and that answers leave with their customer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver

from agents.models import Agent, Team
from customers.models import Customer as Person
from surveys import answering, erasing, links, tallies
from surveys.models import FollowUp, Invitation, Response, Survey, Tally
from tests.conftest import Api, Customer, hire
from tests.surveys.conftest import around, asked, survey
from tickets import addresses, lifecycle, staffing
from tickets.erasing import steps
from tickets.models import Activity, Actor, Ticket

assert get_resolver().url_patterns
Door = Callable[[Agent | None], Api]


@pytest.fixture
def response(csat: Survey, ticket: Ticket, bea: Agent) -> Response:
    row = asked(ticket, bea)
    return answering.taken(row.pk, answering.Given(score=2, comment="Lambat"))


def test_surveys_and_answers(api: Door, response: Response, bea: Agent, carl: Agent, csat: Survey) -> None:
    door = api(bea)
    (found,) = door.get("/surveys/")["results"]
    assert door.get(f"/surveys/{csat.pk}/") == found
    assert (found["name"], found["kind"], found["anonymous"]) == ("After help", "csat", False)
    (said,) = door.get("/survey-answers/?score=2")["results"]
    assert (said["score"], said["comment"], said["ticket"]) == (2, "Lambat", response.ticket_id)
    assert said["customer"]["name"] == "Dora"
    assert door.get("/survey-answers/?score=3")["results"] == []
    assert door.get(f"/survey-answers/?ticket={response.ticket_id}")["results"] == [said]
    assert api(carl).get("/survey-answers/")["results"] == []
    for wrong in ("score=x", "survey=x", "ticket=-1", "cursor=x"):
        assert door("GET", f"/survey-answers/?{wrong}").status_code == 400, wrong
    assert door("GET", "/surveys/999/").status_code == 404


def test_an_answer_on_a_ticket_that_has_gone_to_another_team_is_not_told(
    api: Door, response: Response, ana: Agent, bea: Agent, south: Team
) -> None:
    lifecycle.change(response.ticket_id, Actor.of(ana), team=south)
    assert api(bea)("GET", f"/tickets/{response.ticket_id}/").status_code == 404
    assert api(bea).get("/survey-answers/")["results"] == []
    assert len(api(ana).get("/survey-answers/")["results"]) == 1


def test_what_was_answered_in_a_team_that_is_deleted_does_not_become_everybodys(
    api: Door, csat: Survey, ticket: Ticket, bea: Agent, ana: Agent, north: Team
) -> None:
    Survey.objects.filter(pk=csat.pk).update(rules=[{"name": "Low", "high": 2, "follow_up_hours": 4}])
    answering.taken(asked(ticket, bea).pk, answering.Given(score=1, comment="Rahasia"))
    around()
    nina, west = hire("Nina", None, Agent.Role.LEAD), Team.objects.create(name="West")
    staffing.delete_team(north, west, ana)
    around()
    assert {one.team for model in (Invitation, Response, FollowUp) for one in model.objects.all()} == {west}
    assert api(nina).get("/survey-answers/")["results"] == []
    assert api(nina).get(f"/surveys/{csat.pk}/results/")["answered"] == 0
    nina.teams.add(west)
    (said,) = api(nina).get("/survey-answers/")["results"]
    assert (said["comment"], said["team"]["name"]) == ("Rahasia", "West")
    assert api(nina).get(f"/surveys/{csat.pk}/results/")["answered"] == 1


def test_results(api: Door, response: Response, bea: Agent, lena: Agent, csat: Survey) -> None:
    around()
    assert api(bea)("GET", f"/surveys/{csat.pk}/results/").status_code == 403
    found = api(lena).get(f"/surveys/{csat.pk}/results/")
    assert (found["asked"], found["answered"], found["scores"]) == (1, 1, {"2": 1})
    assert found["score"]["value"] == 0
    assert found["parts"]["agent"][0]["name"] == "Bea"
    assert found["quality"]["defects"] == 1
    bad = api(lena)("GET", f"/surveys/{csat.pk}/results/?from=2026-02-02&to=2026-01-01")
    assert bad.status_code == 400


def test_an_anonymous_answer_is_nobodys_for_agents(
    api: Door, ticket: Ticket, bea: Agent, lena: Agent, ana: Agent
) -> None:
    survey(anonymous=True)
    row = asked(ticket, bea)
    answering.taken(row.pk, answering.Given(score=1, comment="Buruk"))
    around()
    (said,) = api(bea).get("/survey-answers/")["results"]
    assert (said["score"], said["ticket"], said["customer"]) == (1, None, None)
    assert api(bea).get(f"/survey-answers/?ticket={ticket.pk}")["results"] == []
    assert api(bea).get(f"/survey-answers/?customer={ticket.customer_id}")["results"] == []
    (seen,) = api(lena).get("/survey-answers/")["results"]
    assert seen["customer"]["name"] == "Dora"
    lines = api(bea).get(f"/tickets/{ticket.pk}/activity/")["results"]
    assert {line["type"] for line in lines} & {"survey.answered", "survey.follow_up"} == set()


def test_answers_leave_with_their_customer(
    api: Door, response: Response, bea: Agent, ana: Agent, ticket: Ticket, eka: Customer
) -> None:
    other = asked(eka.writes().ticket, bea)
    answering.taken(other.pk, answering.Given(score=5))
    around()
    assert erasing.kept(ticket.customer_id)[0]["comment"] == "Lambat"
    path = f"/customers/{ticket.customer_id}/survey-answers/"
    assert api(bea)("DELETE", path).status_code == 403
    assert api(ana)("DELETE", "/customers/999/survey-answers/").status_code == 404
    answer = api(ana)("DELETE", path)
    assert (answer.status_code, answer.json()) == (200, {"erased": 1})
    assert [row.invitation_id for row in Response.objects.all()] == [other.pk]
    assert not any(Activity.objects.filter(ticket=ticket, type__startswith="survey.").values_list("changes", flat=True))
    tallies.sweep()
    assert set(Tally.objects.filter(by="all").values_list("s2", "s5")) == {(0, 1)}
    phone = Client(raise_request_exception=False)
    link = f"/s/{links.token(response.invitation_id)}/"
    assert phone.get(link).status_code == 410
    assert phone.post(link, {"score": "5"}).status_code == 410
    assert Response.objects.count() == 1


def test_a_customer_who_goes_takes_their_answers_along(response: Response, ticket: Ticket) -> None:
    """By the database itself, whoever deletes."""
    Activity.objects.all().delete()
    customer = ticket.customer
    ticket.delete()
    customer.delete()
    assert not Invitation.objects.exists()
    assert not Response.objects.exists()


def test_a_button_after_erasure_is_a_message(
    response: Response, ticket: Ticket, dora: Customer, ana: Agent, api: Any
) -> None:
    erasing.erase(ticket.customer_id)
    payload = f"survey:{response.invitation_id}:5"
    dora.sends({"type": "postback", "id": "p-9", "sender": dora.sender, "title": "5", "payload": payload})
    ticket.refresh_from_db()
    assert ticket.status == "open"
    assert not Response.objects.exists()


def test_a_link_after_erasure_says_that_it_is_no_longer_there(response: Response, ticket: Ticket) -> None:
    path = f"/s/{links.token(response.invitation_id)}/"
    erasing.erase(ticket.customer_id)
    phone = Client(raise_request_exception=False)
    for answer in (phone.get(path), phone.post(path, {"score": "5"}), phone.head(path)):
        assert answer.status_code == 410
        assert answer.headers["Cache-Control"] == "no-store"
    assert "This survey is no longer there" in phone.get(path).content.decode()
    assert not Response.objects.exists()


def test_the_desk_erases_answers_with_their_customer(response: Response, ticket: Ticket, ana: Agent) -> None:
    steps.begin(ticket.customer_id, ana)
    steps.go_on(ticket.customer_id)
    assert not Response.objects.exists()
    assert not Invitation.objects.exists()
    assert "Lambat" not in str(list(Activity.objects.values_list("changes", flat=True)))


def test_answers_stay_where_two_rows_turn_out_to_be_one_person(csat: Survey, eka: Customer, bea: Agent) -> None:
    """A platform says so, and the row that was there twice goes; nothing that hangs on it may go along."""
    row = asked(Customer(eka.channel, id="old").writes().ticket, bea)
    answering.taken(row.pk, answering.Given(score=2, comment="Lambat"))
    stays = Customer(eka.channel, id="new").writes().ticket
    addresses.merge(stays.address, row.ticket.address)
    assert not Person.objects.filter(pk=row.customer_id).exists()
    response = Response.objects.get()
    assert response.customer_id == response.invitation.customer_id == stays.customer_id
    assert Client().get(f"/s/{links.token(row.pk)}/").status_code == 200
