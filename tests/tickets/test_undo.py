"""Taking back what one has just done, and not what somebody else has done since."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from agents.models import Agent, Team
from tests.conftest import Customer
from tickets import lifecycle, undo
from tickets.lifecycle import Conflict
from tickets.models import Activity, Actor, Ticket

SOON = timezone.now() + timedelta(hours=1)
Do = Callable[[Ticket, Agent], Ticket]


def line(done: Ticket) -> Activity:
    return done.told[0]


def state(ticket: Ticket) -> dict[str, object]:
    now = Ticket.objects.get(pk=ticket.pk)
    names = ("status", "priority", "subject", "assignee_id", "team_id", "snoozed_until", "waiting_since")
    return {"tags": sorted(tag.name for tag in now.tags.all()), **{name: getattr(now, name) for name in names}}


VERBS: dict[str, tuple[Do | None, Do]] = {
    "assign": (None, lambda t, a: lifecycle.assign(t.pk, a, Actor.of(a))),
    "release": (
        lambda t, a: lifecycle.assign(t.pk, a, Actor.of(a)),
        lambda t, a: lifecycle.release(t.pk, Actor.of(a)),
    ),
    "resolve": (None, lambda t, a: lifecycle.resolve(t.pk, Actor.of(a))),
    "resolve what was snoozed": (
        lambda t, a: lifecycle.snooze(t.pk, SOON, Actor.of(a)),
        lambda t, a: lifecycle.resolve(t.pk, Actor.of(a)),
    ),
    "snooze": (None, lambda t, a: lifecycle.snooze(t.pk, SOON, Actor.of(a))),
    "snooze longer": (
        lambda t, a: lifecycle.snooze(t.pk, SOON, Actor.of(a)),
        lambda t, a: lifecycle.snooze(t.pk, SOON + timedelta(days=1), Actor.of(a)),
    ),
    "wake": (
        lambda t, a: lifecycle.snooze(t.pk, SOON, Actor.of(a)),
        lambda t, a: lifecycle.wake(t.pk, Actor.of(a)),
    ),
    "priority": (None, lambda t, a: lifecycle.change(t.pk, Actor.of(a), priority="urgent")),
    "subject": (None, lambda t, a: lifecycle.change(t.pk, Actor.of(a), subject="Retur")),
    "tag": (
        lambda t, a: lifecycle.change(t.pk, Actor.of(a), tags=["lama"]),
        lambda t, a: lifecycle.change(t.pk, Actor.of(a), tag="VIP"),
    ),
    "untag": (
        lambda t, a: lifecycle.change(t.pk, Actor.of(a), tags=["lama", "VIP"]),
        lambda t, a: lifecycle.change(t.pk, Actor.of(a), untag="vip"),
    ),
    "no team": (None, lambda t, a: lifecycle.change(t.pk, Actor.of(a), team=None)),
}


@pytest.mark.parametrize("name", VERBS)
def test_all_is_as_before(ticket: Ticket, bea: Agent, name: str) -> None:
    first, verb = VERBS[name]
    if first:
        first(ticket, bea)
    before = state(ticket)
    done = verb(ticket, bea)
    assert state(ticket) != before
    undo.undo(line(done), Actor.of(bea))
    assert state(ticket) == before


def test_reopening_is_undone_by_resolving(ticket: Ticket, bea: Agent) -> None:
    lifecycle.resolve(ticket.pk, Actor.of(bea))
    undo.undo(line(lifecycle.reopen(ticket.pk, Actor.of(bea))), Actor.of(bea))
    assert Ticket.objects.get().status == "resolved"


def test_who_had_it_has_it_again(ticket: Ticket, ana: Agent, bea: Agent) -> None:
    lifecycle.assign(ticket.pk, bea, Actor.of(bea))
    done = lifecycle.assign(ticket.pk, ana, Actor.of(ana), take_over=True)
    undo.undo(line(done), Actor.of(ana))
    assert Ticket.objects.get().assignee == bea


def test_a_move_to_another_team_gives_the_holder_back(ticket: Ticket, bea: Agent, south: Team, north: Team) -> None:
    lifecycle.assign(ticket.pk, bea, Actor.of(bea))
    done = lifecycle.change(ticket.pk, Actor.of(bea), team=south)
    assert Ticket.objects.get().assignee is None
    undo.undo(line(done), Actor.of(bea))
    again = Ticket.objects.get()
    assert (again.team, again.assignee) == (north, bea)
    assert set(again.messages.values_list("team", flat=True)) == {north.pk}


def test_what_a_colleague_changed_since_stays(ticket: Ticket, ana: Agent, bea: Agent) -> None:
    changed = lifecycle.change(ticket.pk, Actor.of(bea), priority="urgent")
    resolved = lifecycle.resolve(ticket.pk, Actor.of(bea))
    taken = lifecycle.assign(ticket.pk, bea, Actor.of(bea))
    lifecycle.change(ticket.pk, Actor.of(ana), priority="low")
    lifecycle.reopen(ticket.pk, Actor.of(ana))
    lifecycle.release(ticket.pk, Actor.of(ana))
    before = Activity.objects.count()
    for done in (changed, resolved, taken):
        with pytest.raises(Conflict, match="Ana has changed this meanwhile"):
            undo.undo(line(done), Actor.of(bea))
    assert Activity.objects.count() == before


def test_what_a_colleague_changed_beside_it_does_not_matter(ticket: Ticket, ana: Agent, bea: Agent) -> None:
    done = lifecycle.change(ticket.pk, Actor.of(bea), tag="VIP")
    lifecycle.change(ticket.pk, Actor.of(ana), priority="low", subject="Retur")
    lifecycle.assign(ticket.pk, ana, Actor.of(ana))
    undo.undo(line(done), Actor.of(bea))
    assert state(ticket)["tags"] == []
    assert state(ticket)["priority"] == "low"


def test_a_message_that_reopened_it_counts_as_change(ticket: Ticket, dora: Customer, bea: Agent) -> None:
    done = lifecycle.snooze(ticket.pk, SOON, Actor.of(bea))
    dora.writes("Masih di sana?")
    with pytest.raises(Conflict, match="Dora has changed this meanwhile"):
        undo.undo(line(done), Actor.of(bea))


def test_a_snooze_that_is_over_does_not_come_back(ticket: Ticket, bea: Agent) -> None:
    lifecycle.snooze(ticket.pk, SOON, Actor.of(bea))
    past = (timezone.now() - timedelta(minutes=1)).isoformat()
    done = lifecycle.wake(ticket.pk, Actor.of(bea))
    woken = line(done)
    woken.changes["before"]["snoozed_until"] = past
    with pytest.raises(Conflict, match="is over"):
        undo.undo(woken, Actor.of(bea))


def test_who_may_not_see_it_any_more_does_not_get_it_back(ticket: Ticket, ana: Agent, bea: Agent) -> None:
    lifecycle.assign(ticket.pk, bea, Actor.of(bea))
    done = lifecycle.release(ticket.pk, Actor.of(ana))
    bea.teams.clear()
    with pytest.raises(lifecycle.Refused, match="cannot see this ticket"):
        undo.undo(line(done), Actor.of(ana))


def test_nothing_changed_is_nothing_to_undo(ticket: Ticket, bea: Agent) -> None:
    assert lifecycle.release(ticket.pk, Actor.of(bea)).told == ()
    assert lifecycle.change(ticket.pk, Actor.of(bea), priority="normal").told == ()
