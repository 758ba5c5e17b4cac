"""Promised times on the desk: through real webhooks and the desk's own verbs, with a clock that the test moves."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agents.hours.models import Schedule, TeamHours
from agents.models import Agent, Team
from channels_app import hours
from tests.conftest import Customer, hire
from tickets import lifecycle, log, replies, shapes, undo
from tickets.models import Activity, Actor, Ticket
from tickets.models.activity import SYSTEM
from tickets.sla import escalation, following, verbs, watching
from tickets.sla.models import Outcome, Policy

MINUTES = timedelta(minutes=1)
TARGETS = {"first_response": 60, "next_response": 120, "resolution": 600}


class Clock:
    """The time that all of the product reads; only the test moves it."""

    def __init__(self) -> None:
        self.at = timezone.now().replace(microsecond=0)

    def __call__(self) -> datetime:
        return self.at

    def on(self, minutes: float) -> None:
        self.at += minutes * MINUTES


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    clock = Clock()
    monkeypatch.setattr(timezone, "now", clock)
    return clock


def promise(**fields: Any) -> Policy:
    given = {"name": "Gold", "business": False, "warn_percent": 50, "targets": dict.fromkeys(PRIORITIES, TARGETS)}
    made = Policy.objects.create(**{**given, **fields})
    following.policies.forget()
    return made


PRIORITIES = [str(value) for value in Ticket.Priority.values]


@pytest.fixture
def policy(db: None, clock: Clock) -> Policy:
    return promise()


def fresh(ticket: Ticket) -> Ticket:
    return Ticket.objects.get(pk=ticket.pk)


def lines(ticket: Ticket) -> list[tuple[str, str]]:
    found = Activity.objects.filter(ticket=ticket, type__startswith="sla.").order_by("seq")
    return [(line.type, line.changes["kind"]) for line in found]


def answer(ticket: Ticket, agent: Agent) -> None:
    replies.reply(ticket.pk, agent, replies.Draft(text="Sebentar"))


# ── Through a ticket's life ──────────────────────────────────────────────────────────────────


def test_from_the_first_message_to_the_resolution(policy: Policy, dora: Customer, bea: Agent, clock: Clock) -> None:
    ticket = dora.writes().ticket
    assert ticket.due_at == clock.at + 60 * MINUTES
    assert ticket.sla_state == "running"
    clock.on(20)
    answer(ticket, bea)
    assert fresh(ticket).due_at is None, "the customer is asked: nothing is due"
    clock.on(1000)
    dora.writes()
    assert fresh(ticket).due_at == clock.at + 120 * MINUTES
    clock.on(30)
    lifecycle.resolve(ticket.pk, Actor.of(bea))
    done = fresh(ticket)
    assert (done.due_at, done.look_at, done.sla_state) == (None, None, "")
    found = {row.kind: (row.spent, row.met) for row in Outcome.objects.filter(ticket=ticket)}
    assert found == {"first_response": (1200, True), "resolution": (3000, True)}


def test_a_note_an_assignment_and_an_automatic_answer_stop_nothing(
    policy: Policy, dora: Customer, bea: Agent, clock: Clock
) -> None:
    ticket = dora.writes().ticket
    due = ticket.due_at
    clock.on(5)
    replies.reply(ticket.pk, bea, replies.Draft(text="hm", kind="note"))
    lifecycle.assign(ticket.pk, bea, Actor.of(bea))
    lifecycle.release(ticket.pk, Actor.of(bea))
    dora.writes("Halo?")
    assert fresh(ticket).due_at == due


def test_snoozed_it_stands_still_and_woken_it_goes_on(policy: Policy, dora: Customer, bea: Agent, clock: Clock) -> None:
    ticket = dora.writes().ticket
    clock.on(10)
    lifecycle.snooze(ticket.pk, clock.at + 300 * MINUTES, Actor.of(bea))
    assert fresh(ticket).due_at is None
    clock.on(301)
    lifecycle.wake_due()
    assert fresh(ticket).due_at == clock.at + 50 * MINUTES


def test_reopened_it_begins_anew(policy: Policy, dora: Customer, bea: Agent, clock: Clock) -> None:
    ticket = dora.writes().ticket
    answer(ticket, bea)
    lifecycle.resolve(ticket.pk, Actor.of(bea))
    clock.on(30)
    dora.writes("Belum beres")
    again = fresh(ticket)
    assert again.status == "open"
    assert again.due_at == clock.at + 120 * MINUTES
    assert again.clocks is not None
    assert again.clocks["clocks"]["resolution"]["spent"] == 0


def test_taking_back_a_resolution_lets_the_customer_wait_on(
    policy: Policy, dora: Customer, bea: Agent, clock: Clock
) -> None:
    ticket = dora.writes().ticket
    clock.on(5)
    line = lifecycle.resolve(ticket.pk, Actor.of(bea)).told[-1]
    undo.undo(line, Actor.of(bea))
    assert fresh(ticket).due_at == clock.at + 60 * MINUTES


def test_a_ticket_that_an_agent_begins_waits_for_no_first_response(
    policy: Policy, dora: Customer, bea: Agent, clock: Clock
) -> None:
    message, _new = replies.start(dora.channel, bea, "u-fitri", replies.Draft(text="Pesanan Anda siap"))
    assert message.ticket.due_at is None
    reply = Customer(dora.channel, id="u-fitri", name="Fitri").writes("Terima kasih")
    assert reply.ticket.pk == message.ticket_id
    assert fresh(reply.ticket).due_at == clock.at + 120 * MINUTES


def test_the_first_policy_that_fits_counts_and_priority_and_team_choose_again(
    dora: Customer, north: Team, south: Team, ana: Agent, clock: Clock
) -> None:
    promise(name="Urgent", position=1, priorities=["urgent"], targets={"urgent": {"first_response": 10}})
    promise(name="South", position=2, teams=[south.pk], targets={"normal": {"first_response": 30}})
    promise(name="All", position=3)
    ticket = dora.writes().ticket
    assert ticket.clocks is not None
    assert ticket.clocks["name"] == "All"
    clock.on(5)
    lifecycle.change(ticket.pk, Actor.of(ana), priority="urgent")
    assert fresh(ticket).due_at == clock.at + 5 * MINUTES
    lifecycle.change(ticket.pk, Actor.of(ana), priority="normal", team=south)
    assert fresh(ticket).due_at == clock.at + 25 * MINUTES


def test_what_a_rule_chose_stays_whatever_team_and_priority_say(policy: Policy, dora: Customer, clock: Clock) -> None:
    vip = promise(name="VIP", position=9, enabled=True, targets={one: {"first_response": 5} for one in PRIORITIES})
    ticket = dora.writes().ticket
    clock.on(2)
    verbs.apply(ticket.pk, vip, SYSTEM)
    assert fresh(ticket).due_at == clock.at + 3 * MINUTES
    lifecycle.change(ticket.pk, SYSTEM, priority="high")
    assert fresh(ticket).due_at == clock.at + 3 * MINUTES
    count = Activity.objects.count()
    verbs.apply(ticket.pk, vip, SYSTEM)
    assert Activity.objects.count() == count
    verbs.apply(ticket.pk, None, SYSTEM)
    assert (fresh(ticket).due_at, fresh(ticket).clocks) == (None, None)


def test_a_policy_that_is_gone_harms_no_ticket(policy: Policy, dora: Customer, bea: Agent, clock: Clock) -> None:
    ticket = dora.writes().ticket
    policy.delete()
    following.policies.forget()
    clock.on(90)
    watching.sweep()
    assert ("sla.breached", "first_response") in lines(ticket)
    answer(ticket, bea)
    dora.writes()
    lifecycle.resolve(ticket.pk, Actor.of(bea))
    dora.writes("lagi")
    assert fresh(ticket).clocks is None


# ── What it costs ────────────────────────────────────────────────────────────────────────────


def statements(dora: Customer) -> list[str]:
    with CaptureQueriesContext(connection) as asked:
        dora.writes()
    return [
        query["sql"] for query in asked if "FROM" in query["sql"] or "INTO" in query["sql"] or "SET" in query["sql"]
    ]


@pytest.mark.django_db(transaction=True)
def test_the_clocks_cost_a_message_no_statement(dora: Customer, bea: Agent) -> None:
    ticket = dora.writes().ticket
    answer(ticket, bea)
    without = len(statements(dora))
    promise(business=True)
    TeamHours.objects.create(
        team=Team.objects.get(name="North"),
        schedule=Schedule.objects.create(name="x", time_zone="Asia/Jakarta", weekly=[[["00:00", "24:00"]]] * 7),
    )
    hours.book.forget()
    lifecycle.resolve(ticket.pk, Actor.of(bea))
    dora.writes()
    answer(ticket, bea)
    following.policies.get(), hours.book.get()
    assert fresh(ticket).clocks is not None
    assert len(statements(dora)) == without
    assert fresh(ticket).due_at is not None


# ── Warned, marked, escalated ────────────────────────────────────────────────────────────────


def test_warned_before_and_marked_at_the_breach_each_once(policy: Policy, dora: Customer, clock: Clock) -> None:
    ticket = dora.writes().ticket
    for minutes, expected, state in (
        (29, [], "running"),
        (2, [("sla.warned", "first_response")], "at_risk"),
        (30, [("sla.breached", "first_response")], "breached"),
    ):
        clock.on(minutes)
        before = lines(ticket)
        watching.sweep()
        watching.sweep()
        assert lines(ticket)[len(before) :] == expected
        assert fresh(ticket).sla_state == state
    assert fresh(ticket).due_at == clock.at - MINUTES, "it stays due, so that it stands first"


def test_a_breach_escalates_once_and_what_cannot_be_done_keeps_nothing_else_from_happening(
    dora: Customer, north: Team, south: Team, bea: Agent, carl: Agent, clock: Clock
) -> None:
    promise(
        escalations={
            "breached": [
                {"do": "team", "value": 99999},
                {"do": "assign", "value": carl.pk},
                {"do": "priority", "value": "high"},
                {"do": "nothing known"},
                {"do": "priority", "value": "no priority"},
                {"do": "team", "value": south.pk},
                {"do": "assign", "value": carl.pk},
            ]
        }
    )
    ticket = dora.writes().ticket
    clock.on(61)
    watching.sweep()
    after = fresh(ticket)
    assert (after.priority, after.team_id, after.assignee_id) == ("high", south.pk, carl.pk)
    lifecycle.change(ticket.pk, SYSTEM, priority="low")
    watching.sweep()
    assert fresh(ticket).priority == "low"


def test_a_raised_priority_is_never_lowered(dora: Customer, clock: Clock) -> None:
    promise(escalations={"breached": [{"do": "priority", "value": "high"}]})
    ticket = dora.writes().ticket
    lifecycle.change(ticket.pk, SYSTEM, priority="urgent")
    clock.on(61)
    watching.sweep()
    assert fresh(ticket).priority == "urgent"


def test_a_policy_that_this_process_has_not_heard_of_yet_escalates_all_the_same(
    dora: Customer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    promise(escalations={"breached": [{"do": "priority", "value": "urgent"}]})
    ticket = dora.writes().ticket
    clock.on(61)
    monkeypatch.setattr(following, "policy_of", lambda clocks: None)
    watching.sweep()
    assert fresh(ticket).priority == "urgent"


def test_leads_and_the_holder_are_told_and_where_nobody_leads_administrators(
    dora: Customer, ana: Agent, bea: Agent, carl: Agent, clock: Clock
) -> None:
    promise(escalations={"warned": [{"do": "notify"}], "breached": [{"do": "notify"}]})
    ticket = dora.writes().ticket
    lifecycle.assign(ticket.pk, bea, Actor.of(bea))

    def told() -> list[tuple[str, list[int]]]:
        """As the log says it, which is what pages hear, also those that were away for a moment."""
        found = map(shapes.line_of, log.with_data(Activity.objects.filter(ticket=ticket).order_by("seq")))
        return [(line["type"], line["data"]["told"]) for line in found if "told" in line["data"]]

    clock.on(31)
    watching.sweep()
    assert told() == [("sla.warned", [ana.pk, bea.pk])]
    lena = hire("Lena", Team.objects.get(name="North"), Agent.Role.LEAD)
    clock.on(30)
    watching.sweep()
    assert told()[1:] == [("sla.breached", [lena.pk, bea.pk])]


def test_one_that_cannot_be_looked_at_waits_a_minute_and_holds_up_nobody(
    policy: Policy, dora: Customer, eka: Customer, clock: Clock
) -> None:
    broken, other = dora.writes().ticket, eka.writes().ticket
    Ticket.objects.filter(pk=broken.pk).update(clocks={"policy": 1, "name": "x", "clocks": {"next_response": {}}})
    clock.on(31)
    watching.sweep()
    assert lines(other) == [("sla.warned", "first_response")]
    assert fresh(broken).look_at == clock.at + MINUTES


def test_a_worker_that_is_killed_between_mark_and_commit_leaves_it_due(
    policy: Policy, dora: Customer, clock: Clock, monkeypatch: Any
) -> None:
    ticket = dora.writes().ticket
    clock.on(61)

    class Killed(BaseException):
        pass

    def killed(*args: Any) -> None:
        raise Killed

    Policy.objects.update(escalations={"breached": [{"do": "notify"}]})
    following.policies.forget()
    with monkeypatch.context() as patch:
        patch.setattr(escalation, "notify", killed)
        with pytest.raises(Killed):
            watching.sweep()
    assert lines(ticket) == []
    watching.sweep()
    assert lines(ticket) == [("sla.breached", "first_response")]


@pytest.mark.django_db(transaction=True)
def test_many_workers_at_once_mark_each_once(policy: Policy, webhook_customers: list[Customer], clock: Clock) -> None:
    tickets = [one.writes().ticket for one in webhook_customers]
    clock.on(61)
    ready, errors = threading.Barrier(4), []

    def sweep() -> None:
        try:
            ready.wait(60)
            watching.sweep()
        except Exception as error:  # pragma: no cover (it is what the test is about)
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=sweep) for _worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    assert not errors
    for ticket in tickets:
        assert lines(ticket) == [("sla.breached", "first_response")]


@pytest.fixture
def webhook_customers(dora: Customer) -> list[Customer]:
    return [Customer(dora.channel, id=f"u-{place}", name=f"C{place}") for place in range(12)]


# ── Hours ────────────────────────────────────────────────────────────────────────────────────


def open_all_day(north: Team) -> Schedule:
    made = Schedule.objects.create(name="Shop", time_zone="UTC", weekly=[[["00:00", "24:00"]]] * 7)
    TeamHours.objects.create(team=north, schedule=made)
    hours.book.forget()
    return made


def test_changed_hours_hold_for_the_whole_time_since_the_clock_last_stood_still(
    north: Team, dora: Customer, clock: Clock
) -> None:
    promise(business=True)
    schedule = open_all_day(north)
    ticket = dora.writes().ticket
    clock.on(30)
    schedule.weekly = [[]] * 7
    schedule.save()
    hours.book.forget()
    assert watching.hours_changed() == 1
    log = Activity.objects.count()
    watching.sweep()
    assert fresh(ticket).due_at is None
    assert Activity.objects.count() == log, "a due time that moves is no news of the ticket"
    schedule.weekly = [[["00:00", "24:00"]]] * 7
    schedule.save()
    hours.book.forget()
    watching.hours_changed()
    watching.sweep()
    assert fresh(ticket).due_at == clock.at + 30 * MINUTES


def test_closed_today_stops_the_clocks_of_that_team(north: Team, dora: Customer, clock: Clock) -> None:
    promise(business=True)
    schedule = open_all_day(north)
    ticket = dora.writes().ticket
    clock.on(10)
    schedule.close_today(clock.at)
    assert schedule.closed_until is not None
    hours.book.forget()
    watching.hours_changed([north.pk])
    watching.sweep()
    assert fresh(ticket).due_at == schedule.closed_until + 50 * MINUTES


def test_a_move_to_a_team_with_other_hours_keeps_what_was_counted(
    north: Team, south: Team, dora: Customer, ana: Agent, clock: Clock
) -> None:
    promise(business=True)
    open_all_day(north)
    never = Schedule.objects.create(name="Never", time_zone="UTC")
    TeamHours.objects.create(team=south, schedule=never)
    hours.book.forget()
    ticket = dora.writes().ticket
    clock.on(20)
    lifecycle.change(ticket.pk, Actor.of(ana), team=south)
    assert fresh(ticket).due_at is None
    clock.on(500)
    lifecycle.change(ticket.pk, Actor.of(ana), team=north)
    assert fresh(ticket).due_at == clock.at + 40 * MINUTES
