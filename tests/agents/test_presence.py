"""Who is there: from sockets, from hands on the keyboard, and from what they chose."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from agents.models import Agent, Sight
from agents.presence import roll
from agents.presence.models import Presence, Seat
from tests.tickets.test_interleavings import at_once
from tickets import live
from tickets.routing import presence

NOW = timezone.now()
spans = st.none() | st.timedeltas(timedelta(hours=-1), timedelta(hours=1)).map(lambda span: NOW - span)


@given(st.sampled_from(Presence.Choice.values), spans, spans)
def test_a_choice_never_makes_somebody_seem_more_there_than_they_are(
    choice: str, seen: datetime | None, active: datetime | None
) -> None:
    status = roll.status_of(choice, seen, active, NOW)
    gone = seen is None or NOW - seen > roll.GRACE
    assert status in Presence.Status.values
    if gone or choice == "offline":
        assert status == "offline"
    elif choice:
        assert status == choice
    else:
        assert (status == "away") == (active is None or NOW - active > roll.IDLE)


@pytest.mark.django_db
def test_from_the_first_tab_to_the_last(bea: Agent) -> None:
    assert roll.arrived(bea.pk) == roll.Turn(bea.pk, "offline", "online")
    assert Seat.objects.get().capacity == 10
    # A second tab, perhaps in another process, is no news.
    assert roll.arrived(bea.pk) is None
    Presence.objects.update(active_at=NOW - timedelta(minutes=11))
    assert roll.settle() == [roll.Turn(bea.pk, "online", "away")]
    assert roll.settle() == []
    assert roll.active(bea.pk) == roll.Turn(bea.pk, "away", "online")
    # One of two processes is killed: the other says that they are still here.
    Presence.objects.update(seen_at=timezone.now() - roll.GRACE - timedelta(seconds=1))
    roll.beat({bea.pk, 10**9})
    assert roll.settle() == []
    Presence.objects.update(seen_at=timezone.now() - roll.GRACE - timedelta(seconds=1))
    assert roll.settle() == [roll.Turn(bea.pk, "online", "offline")]
    assert roll.settle() == []


@pytest.mark.django_db
def test_what_they_chose_stays_until_they_choose_otherwise(bea: Agent) -> None:
    roll.arrived(bea.pk)
    assert roll.choose(bea.pk, "dnd") == roll.Turn(bea.pk, "online", "dnd")
    assert roll.active(bea.pk) is None
    assert roll.choose(bea.pk, "") == roll.Turn(bea.pk, "dnd", "online")


@pytest.mark.django_db
def test_who_was_never_here_may_choose_and_is_not_there_for_it(carl: Agent) -> None:
    assert roll.choose(carl.pk, "") is None
    assert Presence.objects.get().status == "offline"


@pytest.mark.django_db(transaction=True)
def test_each_turn_is_given_to_one_alone(bea: Agent, carl: Agent) -> None:
    for agent in (bea, carl):
        roll.arrived(agent.pk)
    Presence.objects.update(seen_at=None)
    told = [turn for turns in at_once([roll.settle] * 4) for turn in turns]
    assert sorted(turn.agent_id for turn in told) == sorted([bea.pk, carl.pk])


@pytest.mark.django_db(transaction=True)
def test_a_process_says_whose_sockets_it_holds(bea: Agent, carl: Agent) -> None:
    async def nothing(_text: object) -> None: ...

    loop = asyncio.new_event_loop()
    try:
        reader = live.Reader(loop)
        sight = Sight(None)
        reader.groups[sight] = {live.Listener(bea.pk, sight, nothing, nothing, 0) for _tab in range(2)}
        for agent in (bea, carl):
            roll.arrived(agent.pk)
        Presence.objects.update(seen_at=NOW - timedelta(hours=1))
        reader._beat()
    finally:
        loop.close()
    assert [turn.agent_id for turn in roll.settle()] == [carl.pk]


@pytest.mark.django_db
def test_a_failure_costs_nobody_their_socket(bea: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(agent_id: int) -> None:
        raise OSError("the database is away")

    monkeypatch.setattr(roll, "arrived", broken)
    monkeypatch.setattr(roll, "active", broken)
    presence.arrived(bea.pk)
    presence.active(bea.pk)
    assert not Presence.objects.exists()
