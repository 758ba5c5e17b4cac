"""The verbs: said twice they are one line; what follows from each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from agents.models import Agent, Team
from tests.conftest import Customer
from tests.tickets.test_interleavings import at_once
from tickets import lifecycle
from tickets.lifecycle import Conflict, Held, Refused
from tickets.models import Activity, Actor, Tag, Ticket

SOON = timezone.now() + timedelta(days=1)

VERBS: dict[str, tuple[str, Callable[[Ticket, Agent], object]]] = {
    "assign": ("ticket.assigned", lambda ticket, bea: lifecycle.assign(ticket.pk, bea, Actor.of(bea))),
    "resolve": ("ticket.resolved", lambda ticket, bea: lifecycle.resolve(ticket.pk, Actor.of(bea))),
    "snooze": ("ticket.snoozed", lambda ticket, bea: lifecycle.snooze(ticket.pk, SOON, Actor.of(bea))),
    "priority": ("ticket.changed", lambda ticket, bea: lifecycle.change(ticket.pk, Actor.of(bea), priority="high")),
    "tags": ("ticket.changed", lambda ticket, bea: lifecycle.change(ticket.pk, Actor.of(bea), tags=["VIP", "vip "])),
    "subject": ("ticket.changed", lambda ticket, bea: lifecycle.change(ticket.pk, Actor.of(bea), subject=" a \n b ")),
    "team": ("ticket.changed", lambda ticket, bea: lifecycle.change(ticket.pk, Actor.of(bea), team=None)),
}


def lines(ticket: Ticket) -> list[str]:
    return list(Activity.objects.filter(ticket=ticket).order_by("seq").values_list("type", flat=True))[2:]


@pytest.mark.parametrize("verb", VERBS)
def test_twice_is_one_line_by_who_did_it(ticket: Ticket, bea: Agent, verb: str) -> None:
    line, act = VERBS[verb]
    act(ticket, bea)
    act(ticket, bea)
    assert lines(ticket) == [line]
    last = Activity.objects.latest("seq")
    ticket.refresh_from_db()
    assert (last.agent, last.actor_name, ticket.seq) == (bea, "Bea", last.seq)


@pytest.mark.parametrize("verb", ["release", "reopen", "wake"])
def test_what_is_so_already_writes_nothing(ticket: Ticket, bea: Agent, verb: str) -> None:
    getattr(lifecycle, verb)(ticket.pk, Actor.of(bea))
    assert lines(ticket) == []


def test_a_held_ticket_is_taken_over_only_on_purpose(ticket: Ticket, ana: Agent, bea: Agent) -> None:
    lifecycle.assign(ticket.pk, ana, Actor.of(ana))
    with pytest.raises(Held) as held:
        lifecycle.assign(ticket.pk, bea, Actor.of(bea))
    assert held.value.holder == ana
    assert lifecycle.assign(ticket.pk, bea, Actor.of(bea), take_over=True).assignee == bea
    lifecycle.release(ticket.pk, Actor.of(bea))
    ticket.refresh_from_db()
    assert (ticket.assignee, lines(ticket)) == (None, ["ticket.assigned", "ticket.assigned", "ticket.released"])


def test_only_who_may_see_it_can_have_it(ticket: Ticket, ana: Agent, bea: Agent, carl: Agent) -> None:
    with pytest.raises(Refused):
        lifecycle.assign(ticket.pk, carl, Actor.of(ana))
    Agent.objects.filter(pk=bea.pk).update(is_active=False)
    bea.refresh_from_db()
    with pytest.raises(Refused):
        lifecycle.assign(ticket.pk, bea, Actor.of(ana))


@pytest.mark.django_db(transaction=True)
def test_two_who_take_it_at_once(dora: Customer, ana: Agent, bea: Agent) -> None:
    ticket = dora.writes().ticket
    answers = at_once([lambda who=who: lifecycle.assign(ticket.pk, who, Actor.of(who)) for who in (ana, bea)])
    assert sorted(type(one).__name__ for one in answers) == ["Held", "Ticket"]


def test_resolving_ends_a_snooze_and_the_waiting(ticket: Ticket, bea: Agent) -> None:
    lifecycle.snooze(ticket.pk, SOON, Actor.of(bea))
    lifecycle.resolve(ticket.pk, Actor.of(bea))
    ticket.refresh_from_db()
    assert (ticket.status, ticket.snoozed_until, ticket.waiting_since) == ("resolved", None, None)
    with pytest.raises(Conflict):
        lifecycle.snooze(ticket.pk, SOON, Actor.of(bea))
    lifecycle.reopen(ticket.pk, Actor.of(bea))
    ticket.refresh_from_db()
    assert (ticket.status, ticket.resolved_at) == ("open", None)


def test_a_snooze_needs_a_time_to_come_and_ends_by_itself(ticket: Ticket, bea: Agent) -> None:
    with pytest.raises(Refused):
        lifecycle.snooze(ticket.pk, timezone.now() - timedelta(seconds=1), Actor.of(bea))
    lifecycle.snooze(ticket.pk, SOON, Actor.of(bea))
    lifecycle.wake_due()
    assert lines(ticket) == ["ticket.snoozed"]
    Ticket.objects.update(snoozed_until=timezone.now() - timedelta(seconds=1))
    lifecycle.wake_due()
    lifecycle.wake_due()
    assert lines(ticket) == ["ticket.snoozed", "ticket.woken"]
    assert Activity.objects.latest("seq").actor_type == "system"


def test_one_line_for_all_that_changes(ticket: Ticket, bea: Agent) -> None:
    lifecycle.change(ticket.pk, Actor.of(bea), priority="urgent", tags=["VIP", "Retur"], subject="Retur")
    changes = Activity.objects.latest("seq").changes
    assert changes["priority"] == ["normal", "urgent"]
    assert changes["tags"] == [[], ["Retur", "VIP"]]
    assert Tag.objects.count() == 2
    lifecycle.change(ticket.pk, Actor.of(bea), tags=["vip"])
    assert [tag.name for tag in ticket.tags.all()] == ["VIP"]
    with pytest.raises(Refused):
        lifecycle.change(ticket.pk, Actor.of(bea), tags=[str(number) for number in range(51)])


def test_a_ticket_that_moves_takes_its_messages_and_leaves_who_cannot_see_it(
    ticket: Ticket, bea: Agent, carl: Agent, north: Team, south: Team
) -> None:
    lifecycle.assign(ticket.pk, bea, Actor.of(bea))
    lifecycle.change(ticket.pk, Actor.of(bea), team=south)
    ticket.refresh_from_db()
    assert (ticket.team, ticket.assignee) == (south, None)
    assert set(ticket.messages.values_list("team", flat=True)) == {south.pk}
    assert lines(ticket)[1:] == ["ticket.changed", "ticket.released"]
    moved = Activity.objects.get(type="ticket.changed")
    assert (moved.from_team, moved.changes["team"]) == (north, ["North", "South"])
    assert not Ticket.objects.visible_to(bea).exists()
    assert Ticket.objects.visible_to(carl).exists()


def test_an_administrator_keeps_a_ticket_that_moves(ticket: Ticket, ana: Agent, south: Team) -> None:
    lifecycle.assign(ticket.pk, ana, Actor.of(ana))
    lifecycle.change(ticket.pk, Actor.of(ana), team=south)
    ticket.refresh_from_db()
    assert ticket.assignee == ana
