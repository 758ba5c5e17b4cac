"""Accounts that close and teams that go: no ticket is lost, none is opened to everybody, somebody stays in charge."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client

from agents import staff
from agents.models import Agent, Team, Token
from agents.tokens import find
from channels_app.models import Channel
from tests.conftest import Api, Customer, connect, hire
from tickets import lifecycle, staffing
from tickets.models import Activity, Actor, Message, Ticket


def in_parallel(*acts: Callable[[], Any]) -> list[Any]:
    """Each in a thread with a connection of its own; what one raises is its answer."""
    together = threading.Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        try:
            together.wait(60)
            return act()
        except Exception as error:
            return type(error)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


# ── The last administrator ───────────────────────────────────────────────────────────────────


def administrators() -> int:
    return Agent.objects.filter(role="admin", is_active=True).count()


def test_the_last_administrator_stays(ana: Agent, bea: Agent) -> None:
    for given in ({"role": "lead"}, {"is_active": False}, {"role": "agent", "is_active": False}):
        with pytest.raises(staff.LastAdministrator):
            staff.change(ana.pk, **given)
    staff.change(ana.pk, name="Ana B.", role="admin", is_active=True)
    # A closed one does not count.
    closed = hire("Dina", None, "admin")
    staff.change(closed.pk, is_active=False)
    with pytest.raises(staff.LastAdministrator):
        staff.change(ana.pk, role="agent")
    staff.change(closed.pk, role="agent")
    staff.change(bea.pk, role="admin")
    staff.change(ana.pk, is_active=False)
    assert administrators() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("given", [{"role": "agent"}, {"is_active": False}])
def test_administrators_who_demote_each_other_at_once_leave_one(ana: Agent, given: dict[str, Any]) -> None:
    everybody = [ana.pk, *(hire(f"Admin{number}", None, "admin").pk for number in range(3))]
    for _round in range(3):
        Agent.objects.update(role="admin", is_active=True)
        answers = in_parallel(*(lambda pk=pk: staff.change(pk, **given) for pk in everybody))
        assert answers.count(staff.LastAdministrator) == 1
        assert administrators() == 1


# ── An account closes ────────────────────────────────────────────────────────────────────────


def test_closing_ends_sessions_and_stops_tokens(ana: Agent, bea: Agent) -> None:
    browsers = [Client(), Client()]
    for browser in browsers:
        browser.force_login(bea)
    other = Client()
    other.force_login(ana)
    _token, key = Token.issue(bea)
    staffing.close_account(bea.pk, ana, release=False)
    assert Session.objects.count() == 1
    assert find(key) is None
    assert all(browser.get("/settings/profile/").status_code == 302 for browser in browsers)
    assert other.get("/settings/profile/").status_code == 200
    staff.change(bea.pk, is_active=True)
    assert all(browser.get("/settings/profile/").status_code == 302 for browser in browsers)
    assert find(key) is not None


def test_the_api_ends_sessions_too(ana: Agent, bea: Agent) -> None:
    browser = Client()
    browser.force_login(bea)
    Api(ana)("PATCH", f"/agents/{bea.pk}/", {"is_active": False})
    assert not Session.objects.exists()


def test_their_tickets_are_released_if_asked_for(ana: Agent, bea: Agent, dora: Customer, eka: Customer) -> None:
    open_, resolved = dora.writes().ticket, eka.writes().ticket
    by = Actor.of(ana)
    for ticket in (open_, resolved):
        lifecycle.assign(ticket.pk, bea, by)
    lifecycle.resolve(resolved.pk, by)
    assert staffing.close_account(bea.pk, ana, release=False) == 0
    assert Ticket.objects.filter(assignee=bea).count() == 2
    assert staffing.close_account(bea.pk, ana, release=True) == 1
    open_.refresh_from_db()
    resolved.refresh_from_db()
    assert (open_.assignee, resolved.assignee) == (None, bea)
    line = Activity.objects.filter(type="ticket.released").get()
    assert (line.ticket, line.agent, line.seq) == (open_, ana, open_.seq)


def test_what_a_colleague_has_taken_meanwhile_stays_theirs(ana: Agent, bea: Agent, ticket: Ticket) -> None:
    lifecycle.assign(ticket.pk, ana, Actor.of(ana))
    lifecycle.release(ticket.pk, Actor.of(ana), held_by=bea)
    ticket.refresh_from_db()
    assert ticket.assignee == ana


# ── A team goes ──────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def busy(south: Team, ana: Agent, carl: Agent) -> Channel:
    """A channel of South with an open ticket that Carl has, and a resolved one."""
    channel = connect("webhook", south, "Toko Selatan", secret=Customer.secret)
    lifecycle.assign(Customer(channel, id="u-1").writes().ticket.pk, carl, Actor.of(carl))
    lifecycle.resolve(Customer(channel, id="u-2").writes().ticket.pk, Actor.of(carl))
    return channel


def test_a_team_with_work_is_not_deleted_without_saying_where_it_goes(busy: Channel, south: Team, ana: Agent) -> None:
    for into in (None, south):
        with pytest.raises(staff.Refused):
            staffing.delete_team(south, into, ana)
    assert Ticket.objects.filter(team=south).count() == 2
    assert Ticket.objects.filter(team=None).count() == 0


def test_its_work_goes_to_another_team(busy: Channel, south: Team, north: Team, ana: Agent, bea: Agent) -> None:
    nina = hire("Nina", None)
    staffing.delete_team(south, north, ana)
    assert not Team.objects.filter(pk=south.pk).exists()
    busy.refresh_from_db()
    assert busy.team == north
    for rows in (Ticket.objects.all(), Message.objects.all()):
        assert {row.team_id for row in rows} == {north.pk}
    assert Ticket.objects.visible_to(bea).count() == 2
    assert Ticket.objects.visible_to(nina).count() == Message.objects.visible_to(nina).count() == 0
    # What is unresolved moves with a line each, and leaves whoever may not see it any more.
    moved = Ticket.objects.unresolved().get()
    assert moved.assignee is None
    lines = Activity.objects.filter(ticket=moved).order_by("seq")
    assert [line.type for line in lines][-2:] == ["ticket.changed", "ticket.released"]
    assert lines.filter(type="ticket.changed").get().changes["team"] == ["South", "North"]


def test_a_team_without_work_just_goes(south: Team, ana: Agent, carl: Agent) -> None:
    staffing.delete_team(south, None, ana)
    assert list(carl.teams.all()) == []
    staffing.delete_team(south, None, ana)


def test_tickets_that_come_in_meanwhile_are_moved_too(
    busy: Channel, south: Team, north: Team, ana: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, rounds = staffing._empty, []

    def and_one_more(*args: Any) -> None:
        real(*args)
        if not rounds:
            # As of a transaction that had read the channel's team before, and commits now.
            late = Customer(busy, id="u-late").writes().ticket
            Ticket.objects.filter(pk=late.pk).update(team=south)
            Message.objects.filter(ticket=late).update(team=south)
        rounds.append(1)

    monkeypatch.setattr(staffing, "_empty", and_one_more)
    staffing.delete_team(south, north, ana)
    assert len(rounds) == 2
    assert Ticket.objects.filter(team=north).count() == 3


def test_many_resolved_tickets_move_in_batches(
    busy: Channel, south: Team, north: Team, ana: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        lifecycle.resolve(Customer(busy, id=f"u-old-{number}").writes().ticket.pk, Actor.of(ana))
    monkeypatch.setattr(staffing, "AT_A_TIME", 2)
    staffing.delete_team(south, north, ana)
    assert Ticket.objects.filter(team=north).count() == 7
    assert Message.objects.exclude(team=north).count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_move_to_a_team_that_goes_at_the_same_moment(
    busy: Channel, south: Team, north: Team, ana: Agent, ticket: Ticket
) -> None:
    """Whoever is first: the ticket ends in a team that is there, never in none."""
    answers = in_parallel(
        lambda: staffing.delete_team(south, north, ana),
        lambda: lifecycle.change(ticket.pk, Actor.of(ana), team=south),
    )
    assert answers[0] is None
    assert answers[1] is lifecycle.Refused or isinstance(answers[1], Ticket)
    ticket.refresh_from_db()
    assert ticket.team == north


# ── Who is in a team ─────────────────────────────────────────────────────────────────────────


def test_a_lead_moves_agents_but_no_administrator(lena: Agent, ana: Agent, carl: Agent, north: Team) -> None:
    staff.join(north.pk, carl.pk, lena)
    assert north in carl.teams.all()
    staff.leave(north.pk, carl.pk, lena)
    assert north not in carl.teams.all()
    with pytest.raises(staff.Forbidden):
        staff.leave(north.pk, ana.pk, lena)
    for wrong in ((north.pk, 999_999), (999_999, carl.pk)):
        with pytest.raises((Agent.DoesNotExist, Team.DoesNotExist)):
            staff.join(*wrong, by=lena)
