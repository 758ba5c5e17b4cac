"""Giving out work: at once, to one, within what they take on, and with the reason in the log."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.module_loading import import_string

from agents import staff
from agents.models import Agent, Team
from agents.presence.models import Presence, Seat
from channels_app.models import Channel
from tests.conftest import Customer, connect, hire
from tests.tickets.routing.conftest import leave, sit, writes
from tests.tickets.test_interleavings import at_once
from tickets import lifecycle, wording
from tickets.lifecycle import Conflict
from tickets.models import Activity, Actor, Ticket
from tickets.routing import crew, desk, giving, presence, sifting
from tickets.routing.models import Offer, Queue, Route, Weight

pytestmark = pytest.mark.django_db


def holder(ticket: Ticket) -> Agent | None:
    return Ticket.objects.select_related("assignee").get(pk=ticket.pk).assignee


def last_line(ticket: Ticket) -> str:
    return wording.of_line(Activity.objects.filter(ticket=ticket).latest("seq"))


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[int], str, dict[str, Any]]]:
    heard: list[tuple[list[int], str, dict[str, Any]]] = []
    monkeypatch.setattr(giving, "tell", lambda agents, kind, **more: heard.append((agents, kind, more)))
    return heard


# ── At once ──────────────────────────────────────────────────────────────────────────────────


def test_a_message_that_arrives_has_its_agent_as_soon_as_it_is_committed(
    dora: Customer, bea: Agent, queue: Queue, jobs_inline: list[str]
) -> None:
    sit(bea, capacity=5)
    dora.writes("Halo")
    ticket = Ticket.objects.get()
    assert ticket.assignee == bea
    assert last_line(ticket) == "The system assigned the ticket to Bea: 0 of 5 busy, the only one free"


def test_teams_that_give_out_nothing_are_left_alone(
    dora: Customer, bea: Agent, north: Team, jobs_inline: list[str]
) -> None:
    sit(bea)
    dora.writes("Halo")
    desk.sweep()
    assert Ticket.objects.get().assignee is None
    assert not Route.objects.exists()


def test_who_comes_online_gets_the_most_urgent_then_the_oldest(
    sms_channel: Channel, bea: Agent, queue: Queue, jobs_inline: list[str]
) -> None:
    old, new, urgent = writes(sms_channel), writes(sms_channel), writes(sms_channel, priority="urgent")
    desk.sweep()
    assert {holder(one) for one in (old, new, urgent)} == {None}
    sit(bea, capacity=4)
    Presence.objects.update(status="offline")
    presence.arrived(bea.pk)
    assert [holder(one) for one in (urgent, old, new)] == [bea, bea, None]


@pytest.mark.parametrize("verb", ["resolve", "snooze", "release"])
def test_who_has_finished_one_gets_the_next(
    sms_channel: Channel, bea: Agent, queue: Queue, jobs_inline: list[str], verb: str
) -> None:
    sit(bea, capacity=2)
    first, second = writes(sms_channel), writes(sms_channel)
    assert [holder(first), holder(second)] == [bea, None]
    # What is released goes to whoever has waited longer.
    Ticket.objects.filter(pk=second.pk).update(waiting_since=timezone.now() - timedelta(hours=1))
    by = Actor.of(bea)
    if verb == "snooze":
        lifecycle.snooze(first.pk, timezone.now() + timedelta(hours=1), by)
    else:
        getattr(lifecycle, verb)(first.pk, by)
    assert holder(second) == bea


def test_a_lost_wake_up_costs_time_alone(sms_channel: Channel, bea: Agent, queue: Queue) -> None:
    sit(bea)
    ticket = writes(sms_channel)
    assert holder(ticket) is None
    desk.sweep()
    assert holder(ticket) == bea


def test_a_customer_who_comes_back_does_not_wait_for_somebody_who_has_gone_home(
    dora: Customer, bea: Agent, ana: Agent, queue: Queue
) -> None:
    sit(bea)
    dora.writes("Halo")
    desk.sweep()
    ticket = Ticket.objects.get()
    lifecycle.resolve(ticket.pk, Actor.of(bea))
    leave(bea)
    sit(ana)
    dora.writes("Satu lagi")
    desk.sweep()
    assert holder(ticket) == ana
    # Who is given it on purpose keeps it, wherever they are.
    lifecycle.assign(ticket.pk, bea, Actor.of(ana), take_over=True)
    desk.sweep()
    assert holder(ticket) == bea


def test_who_is_there_without_a_seat_gets_one(sms_channel: Channel, bea: Agent, queue: Queue) -> None:
    sit(bea)
    Seat.objects.all().delete()
    ticket = writes(sms_channel)
    desk.sweep()
    assert (holder(ticket), Seat.objects.get().capacity) == (bea, 10)
    assert Seat.objects.get().last_assigned_at is not None


def test_what_a_closed_account_holds_waits_again(sms_channel: Channel, ana: Agent, bea: Agent, queue: Queue) -> None:
    sit(bea)
    ticket = writes(sms_channel)
    desk.sweep()
    staff.change(bea.pk, is_active=False)
    sit(ana)
    desk.sweep()
    assert holder(ticket) == ana


# ── Within what they take on ─────────────────────────────────────────────────────────────────


def test_a_chat_weighs_more_than_a_mail_and_a_channel_what_it_is_set_to(
    sms_channel: Channel, north: Team, bea: Agent, queue: Queue
) -> None:
    sit(bea, capacity=5)
    chats = [writes(sms_channel) for _ in range(3)]
    mail = Ticket.objects.filter(pk=writes(sms_channel).pk)
    mail.update(threads=True)
    desk.sweep()
    assert [holder(one) for one in chats] == [bea, bea, None]
    assert mail.get().assignee == bea
    assert crew.loads([bea.pk], crew.weights())[bea.pk] == 5
    Weight.objects.create(channel=sms_channel, weight=1)
    desk.sweep()
    assert holder(chats[2]) == bea


def test_one_who_cannot_be_helped_holds_nobody_up(sms_channel: Channel, bea: Agent, queue: Queue) -> None:
    queue.language = Queue.Language.REQUIRE
    queue.save()
    sit(bea, languages=["id"])
    thai, indonesian = writes(sms_channel, language="th"), writes(sms_channel, language="id")
    desk.sweep()
    assert [holder(thai), holder(indonesian)] == [None, bea]
    assert last_line(thai) == "Nobody can take this ticket yet: nobody speaks Thai"
    desk.sweep()
    assert Activity.objects.filter(ticket=thai, type="routing.waiting").count() == 1


@pytest.mark.parametrize(
    ("choice", "capacity", "words"),
    [
        ("", 0, "nobody in the team takes work: every capacity is 0"),
        ("dnd", 5, "nobody is online"),
        ("away", 5, "nobody is online"),
    ],
)
def test_why_nobody_can(sms_channel: Channel, bea: Agent, queue: Queue, choice: str, capacity: int, words: str) -> None:
    sit(bea, capacity=capacity, choice=choice)
    ticket = writes(sms_channel)
    desk.sweep()
    assert last_line(ticket).endswith(words)


def test_a_team_without_agents_says_so(sms_channel: Channel, queue: Queue) -> None:
    ticket = writes(sms_channel)
    desk.sweep()
    assert last_line(ticket).endswith("nobody is in the team")


def test_who_waits_far_back_is_told_why_too(
    sms_channel: Channel, bea: Agent, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "PAGE", 2)
    sit(bea, capacity=2)
    tickets = [writes(sms_channel) for _ in range(5)]
    desk.sweep()
    desk.sweep()
    assert [holder(one) for one in tickets] == [bea, None, None, None, None]
    assert all(last_line(one).endswith("everybody is full") for one in tickets[1:])


def test_while_it_is_closed_work_waits_for_the_morning_and_nobody_is_rung(
    sms_channel: Channel, sandbox_channel: Channel, bea: Agent, queue: Queue, monkeypatch: pytest.MonkeyPatch, told: Any
) -> None:
    morning = timezone.now() + timedelta(hours=9)
    closed = {sms_channel.pk: (True, morning)}
    monkeypatch.setattr(desk, "closed_until", lambda team, channel, at: closed.get(channel, (False, None)))
    sit(bea)
    night, day = writes(sms_channel), writes(sandbox_channel)
    desk.sweep()
    desk.sweep()
    assert [holder(night), holder(day)] == [None, bea]
    assert "closed until" in last_line(night)
    assert Activity.objects.filter(ticket=night, type="routing.waiting").count() == 1
    assert told == []
    # It has been told something else in the meantime, by another team.
    Route.objects.filter(pk=night.pk).update(why=[["all_full", {}]])
    desk.sweep()
    assert Route.objects.get(pk=night.pk).why[0][0] == "closed"
    closed[sms_channel.pk] = (True, None)
    never = writes(sms_channel)
    desk.sweep()
    assert last_line(never) == "Nobody can take this ticket yet: closed"
    closed.clear()
    desk.sweep()
    assert [holder(night), holder(never)] == [bea, bea]


def test_more_than_one_transaction_gives(
    sms_channel: Channel, bea: Agent, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "AT_ONCE", 2)
    sit(bea, capacity=100)
    tickets = [writes(sms_channel) for _ in range(5)]
    assert desk.serve(queue) == 5
    assert {holder(one) for one in tickets} == {bea}


def test_who_comes_late_to_a_long_queue_reads_its_front_again(
    sms_channel: Channel, bea: Agent, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And gives as much as whoever was first, instead of paging through what others have given out meanwhile."""
    monkeypatch.setattr(desk, "AT_ONCE", 3)
    sit(bea, capacity=100)
    tickets = [writes(sms_channel).pk for _number in range(8)]
    Ticket.objects.filter(pk__in=tickets[:4]).update(assignee=bea)
    assert desk._give_some(queue, tickets[:4], {}) == (3, 3, True)
    assert list(desk.waiting(queue).values_list("pk", flat=True)) == tickets[7:]
    # When there is no more, nobody pages on.
    Ticket.objects.filter(pk=tickets[7]).update(assignee=bea)
    assert desk._give_some(queue, tickets[:4], {}) == (0, desk.LOOK, True)


def test_previous_agent_first_while_they_can(sms_channel: Channel, ana: Agent, bea: Agent, queue: Queue) -> None:
    sit(ana)
    sit(bea, capacity=4)
    first = writes(sms_channel)
    lifecycle.assign(first.pk, bea, Actor.of(bea))
    second = writes(sms_channel, customer=first.customer)
    desk.sweep()
    assert holder(second) == bea
    assert "had this customer before" in last_line(second)
    third = writes(sms_channel, customer=first.customer)
    desk.sweep()
    assert holder(third) == ana


def test_a_look_at_the_queue_costs_the_same_however_long_it_is(sms_channel: Channel, bea: Agent, queue: Queue) -> None:
    def cost() -> int:
        with CaptureQueriesContext(
            connection,
        ) as made:
            desk.serve(queue)
        return len(made)

    sit(bea, choice="away")
    writes(sms_channel)
    desk.serve(queue)
    one = cost()
    for _ in range(7):
        writes(sms_channel)
    desk.serve(queue)
    assert cost() == one


def test_a_long_queue_that_nobody_can_take_is_looked_through_and_left_alone(
    sms_channel: Channel, bea: Agent, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither is a row of it held, nor does it cost more when it is longer; who can be helped is found behind it."""
    monkeypatch.setattr(desk, "PAGE", 4)
    monkeypatch.setattr("agents.kept.SECONDS", 3600.0)
    sit(bea, capacity=4)

    def wait(count: int) -> list[Ticket]:
        made = [writes(sms_channel) for _ in range(count)]
        Route.objects.bulk_create(Route(ticket=one, skills=["falconry"]) for one in made)
        for _ in range(5):
            desk.serve(queue)
        return made

    hard = wait(6)
    assert all(last_line(one).endswith("nobody knows falconry") for one in hard)
    queue.refresh_from_db()  # the lead has been rung
    with CaptureQueriesContext(connection) as made:
        desk.serve(queue)
    assert not [one for one in made.captured_queries if "UPDATE" in one["sql"] or "SAVEPOINT" in one["sql"]]
    hard += wait(8)
    assert statements(lambda: desk.serve(queue)) == len(made)
    easy = writes(sms_channel)
    assert desk.serve(queue) == 1
    assert [holder(one) for one in (easy, hard[0])] == [bea, None]
    # Why they wait is another reason now: they are told, some at a time.
    Seat.objects.update(skills=["falconry"])
    Presence.objects.update(choice="away")
    for _ in range(5):
        desk.serve(queue)
    assert {last_line(one) for one in hard} == {"Nobody can take this ticket yet: nobody is online"}


# ── Many jobs at once ────────────────────────────────────────────────────────────────────────


def statements(act: Any) -> int:
    with CaptureQueriesContext(connection) as made:
        act()
    return len(made)


def test_a_ticket_more_costs_two_statements(
    sms_channel: Channel, ana: Agent, bea: Agent, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its line and its own row; everything else is asked once for all that came."""
    sit(ana, capacity=100), sit(bea, capacity=100)
    # Hours and policies are read once in two seconds: not by what is counted.
    monkeypatch.setattr("agents.kept.SECONDS", 3600.0)
    writes(sms_channel)
    desk.sweep()
    one, nine = [writes(sms_channel)], [writes(sms_channel) for _ in range(9)]
    cost = statements(lambda: desk._moved([(ticket.pk, 0) for ticket in one]))
    assert statements(lambda: desk._moved([(ticket.pk, 0) for ticket in nine])) == cost + 2 * 8
    assert cost <= 17, cost
    assert all(holder(ticket) for ticket in one + nine)


def test_one_job_may_stand_for_many(sms_channel: Channel, bea: Agent, queue: Queue) -> None:
    sit(bea, capacity=100)
    tickets = [writes(sms_channel) for _ in range(3)]
    desk.moved(tickets[0].pk, 0, tickets[1].pk, 0, tickets[2].pk)
    assert {holder(ticket) for ticket in tickets} == {bea}


def test_what_came_is_looked_at_alone_while_nobody_waits_for_an_agent(
    sms_channel: Channel, bea: Agent, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []
    serve_one = desk._serve_one

    def noted(queue: Queue, ticket: Ticket, *more: Any) -> Any:
        looked.append(ticket.pk)
        return serve_one(queue, ticket, *more)

    sit(bea, capacity=100)
    hard = [writes(sms_channel) for _ in range(3)]
    Route.objects.bulk_create(Route(ticket=one, skills=["falconry"]) for one in hard)
    desk.sweep()
    assert [holder(one) for one in hard] == [None] * 3
    monkeypatch.setattr(desk, "_serve_one", noted)
    new = writes(sms_channel)
    desk.moved(new.pk)
    assert (holder(new), looked) == (bea, [new.pk])
    # An agent who comes may know more: everything is looked at again.
    Seat.objects.update(skills=["falconry"])
    desk.moved(0, bea.pk)
    assert {holder(one) for one in hard} == {bea}


def test_who_has_waited_for_an_agent_comes_before_who_has_just_come(
    sms_channel: Channel, bea: Agent, queue: Queue
) -> None:
    sit(bea, capacity=2)
    first, old = writes(sms_channel), writes(sms_channel)
    desk.sweep()
    assert [holder(first), holder(old)] == [bea, None]
    # There is room, and the job that says so has not come yet.
    Seat.objects.update(capacity=4)
    new = writes(sms_channel)
    desk.moved(new.pk)
    assert [holder(old), holder(new)] == [bea, None]
    assert last_line(new).endswith("everybody is full")


def test_one_teams_trouble_is_not_anothers(
    sms_channel: Channel, south: Team, bea: Agent, carl: Agent, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    Queue.objects.create(team=south, mode=Queue.Mode.DIRECT)
    sit(bea), sit(carl)
    weights = crew.of_team

    def fails(team: int, *more: Any, **named: Any) -> Any:
        if team == queue.pk:
            raise ValueError("this team's queue is cursed")
        return weights(team, *more, **named)

    monkeypatch.setattr(crew, "of_team", fails)
    cursed, ticket = writes(sms_channel), writes(connect("sandbox", south, "Elsewhere"))
    desk.sweep()
    assert (holder(cursed), holder(ticket)) == (None, carl)
    ticket = writes(Channel.objects.get(name="Elsewhere"))
    desk._moved([(cursed.pk, 0), (ticket.pk, 0)])
    assert holder(ticket) == carl


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("tickets.routing.desk.sweep", 2),
        ("tickets.routing.desk.watch", 1),
        ("tickets.sla.watching.sweep", 1),
        ("tickets.holidays.sweep", 1),
    ],
)
def test_what_runs_every_second_costs_next_to_nothing_where_nothing_is_set(
    dora: Customer, ana: Agent, bea: Agent, path: str, most: int
) -> None:
    dora.writes("Halo")
    assert statements(import_string(path)) <= most


# ── Exactly one ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("some", [desk.AT_ONCE, 2])
def test_many_at_once_give_each_ticket_once_and_nobody_too_much(
    sms_channel: Channel, north: Team, queue: Queue, monkeypatch: pytest.MonkeyPatch, some: int
) -> None:
    """Each claimer in a thread and with a connection of its own; the bench does it with fifty on 10,000."""
    monkeypatch.setattr(desk, "AT_ONCE", some)
    people = [sit(hire(f"Agent{n}", north), capacity=6) for n in range(4)]
    tickets = [writes(sms_channel) for _ in range(20)]
    at_once([lambda: desk.serve(queue)] * 6)
    held = Ticket.objects.filter(assignee__isnull=False)
    assert held.count() == 12
    for agent in people:
        assert held.filter(assignee=agent).count() == 3
    given = Activity.objects.filter(type="ticket.assigned").values_list("ticket", flat=True)
    assert sorted(given) == sorted(held.values_list("pk", flat=True))
    assert len(tickets) == 20


def test_who_left_the_team_or_may_not_sign_in_gets_nothing(
    sms_channel: Channel, north: Team, ana: Agent, bea: Agent, queue: Queue
) -> None:
    sit(ana), sit(bea)
    ana.teams.remove(north)
    Agent.objects.filter(pk=bea.pk).update(is_active=False)
    ticket = writes(sms_channel)
    desk.sweep()
    assert holder(ticket) is None
    assert last_line(ticket).endswith("nobody is in the team")


@pytest.mark.django_db(transaction=True)
def test_taken_by_hand_at_the_same_moment(sms_channel: Channel, ana: Agent, bea: Agent, queue: Queue) -> None:
    """Whoever comes second finds it taken; nobody's line is overwritten."""
    sit(bea)
    for _ in range(5):
        ticket = writes(sms_channel)
        at_once([lambda: desk.serve(queue), lambda n=ticket.pk: lifecycle.assign(n, ana, Actor.of(ana))])
        assert Activity.objects.filter(ticket=ticket, type="ticket.assigned").count() == 1
        assert holder(ticket) in (ana, bea)


# ── Offers ───────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def asking(queue: Queue) -> Queue:
    queue.mode = Queue.Mode.OFFER
    queue.save()
    return queue


def offered() -> list[str]:
    return list(Offer.objects.filter(state="open").order_by("pk").values_list("agent__name", flat=True))


def late(**span: float) -> None:
    Offer.objects.filter(state="open").update(due_at=timezone.now() - timedelta(**span))


def test_what_is_not_taken_goes_on_to_the_next(
    sms_channel: Channel, ana: Agent, bea: Agent, asking: Queue, django_capture_on_commit_callbacks: Any, told: Any
) -> None:
    sit(ana), sit(bea)
    ticket = writes(sms_channel)
    with django_capture_on_commit_callbacks(execute=True):
        desk.sweep()
    assert offered() == ["Ana"]
    assert told[-1] == ([ana.pk], "offer", {"offer": Offer.objects.get().pk, "ticket": ticket.pk})
    late(seconds=1)
    desk.sweep()
    assert offered() == ["Bea"]
    giving.decline(Offer.objects.get(state="open").pk, bea)
    desk.sweep()
    assert offered() == []
    assert last_line(ticket).endswith("everybody was asked and nobody took it")
    # After a while they are asked again: no ticket is left lying.
    Route.objects.update(passed_at=timezone.now() - sifting.ASK_AGAIN - timedelta(seconds=1))
    desk.sweep()
    assert offered() == ["Ana"]
    taken = giving.accept(Offer.objects.get(state="open").pk, ana)
    assert (taken.pk, holder(ticket)) == (ticket.pk, ana)
    assert last_line(ticket).startswith("Ana took the ticket: 0 of 10 busy")


def test_what_is_offered_takes_its_place(sms_channel: Channel, bea: Agent, asking: Queue) -> None:
    sit(bea, capacity=2)
    writes(sms_channel), writes(sms_channel)
    desk.sweep()
    assert crew.loads([bea.pk], {})[bea.pk] == 2
    assert len(offered()) == 1


def test_an_offer_that_is_over_is_nobodys(sms_channel: Channel, ana: Agent, bea: Agent, asking: Queue) -> None:
    sit(bea)
    ticket = writes(sms_channel)
    desk.sweep()
    offer = Offer.objects.get()
    with pytest.raises(Offer.DoesNotExist):
        giving.accept(offer.pk, ana)
    late(seconds=1)
    with pytest.raises(Conflict):
        giving.accept(offer.pk, bea)
    assert holder(ticket) is None


def test_who_takes_it_by_hand_is_first(sms_channel: Channel, ana: Agent, bea: Agent, asking: Queue) -> None:
    sit(bea)
    ticket = writes(sms_channel)
    desk.sweep()
    lifecycle.assign(ticket.pk, ana, Actor.of(ana))
    with pytest.raises(Conflict):
        giving.accept(Offer.objects.get().pk, bea)
    assert (holder(ticket), Offer.objects.get().state) == (ana, "void")
    desk.sweep()
    assert holder(ticket) == ana


@pytest.mark.parametrize("how", ["deleted", "closed", "gone"])
def test_an_agent_who_vanishes_while_asked_strands_nothing(
    sms_channel: Channel, ana: Agent, bea: Agent, asking: Queue, how: str
) -> None:
    sit(bea)
    ticket = writes(sms_channel)
    desk.sweep()
    assert offered() == ["Bea"]
    if how == "deleted":
        bea.delete()
    elif how == "closed":
        staff.change(bea.pk, is_active=False)
    else:
        leave(bea)
    sit(ana)
    desk.sweep()
    assert offered() == ["Ana"]
    assert giving.accept(Offer.objects.get(state="open").pk, ana).pk == ticket.pk


@pytest.mark.django_db(transaction=True)
def test_accepted_and_expired_at_the_same_moment(sms_channel: Channel, ana: Agent, bea: Agent, asking: Queue) -> None:
    sit(bea)
    ticket = writes(sms_channel)
    desk.sweep()
    offer = Offer.objects.select_related("agent").get()
    outcome: list[str] = []

    def take() -> None:
        try:
            giving.accept(offer.pk, bea)
            outcome.append("taken")
        except Conflict:
            outcome.append("over")

    at_once([take, lambda: giving.pass_on(offer, Offer.State.EXPIRED)])
    assert (holder(ticket) == bea) == (outcome == ["taken"])
    assert (Offer.objects.get().state == "accepted") == (outcome == ["taken"])


@pytest.mark.parametrize("mode", ["off", "direct"])
def test_a_team_that_offers_no_more_takes_back_what_is_open(
    sms_channel: Channel, ana: Agent, bea: Agent, asking: Queue, told: Any, mode: str,
    django_capture_on_commit_callbacks: Any,
) -> None:  # fmt: skip
    sit(ana), sit(bea)
    tickets = [writes(sms_channel), writes(sms_channel)]
    desk.sweep()
    assert sorted(offered()) == ["Ana", "Bea"]
    asking.mode = mode
    asking.save()
    with django_capture_on_commit_callbacks(execute=True):
        desk.changed(asking)
    assert offered() == []
    assert set(Offer.objects.values_list("state", flat=True)) == {"void"}
    # Their screens look again; nobody has passed anything up.
    withdrawn = [(agents, more["ticket"]) for agents, kind, more in told if kind == "offer" and more["offer"] is None]
    assert sorted(withdrawn) == sorted(([row.agent_id], row.ticket_id) for row in Offer.objects.all())
    assert not Activity.objects.filter(type="routing.passed").exists()
    desk.sweep()
    assert [holder(one) is None for one in tickets] == [mode == "off"] * 2


def test_an_offer_does_not_follow_a_ticket_to_a_team_that_offers_nothing(
    sms_channel: Channel, south: Team, ana: Agent, bea: Agent, asking: Queue
) -> None:
    sit(bea)
    ticket = writes(sms_channel)
    desk.sweep()
    lifecycle.change(ticket.pk, Actor.of(ana), team=south)
    desk.sweep()
    assert (offered(), Offer.objects.get().state) == ([], "void")


# ── Ringing ──────────────────────────────────────────────────────────────────────────────────


def test_a_ticket_that_nobody_can_take_rings_the_lead_once_per_period(
    sms_channel: Channel, ana: Agent, lena: Agent, bea: Agent, queue: Queue, told: Any
) -> None:
    writes(sms_channel)
    desk.sweep()
    desk.sweep()
    rung = [(agents, more["count"]) for agents, kind, more in told if kind == "ring"]
    assert [(sorted(agents), count) for agents, count in rung] == [(sorted([ana.pk, lena.pk]), 1)]
    Queue.objects.update(rung_at=timezone.now() - timedelta(minutes=16))
    desk.sweep()
    assert len([one for one in told if one[1] == "ring"]) == 2


def test_another_teams_queue_is_another_matter(south: Team, carl: Agent, bea: Agent, queue: Queue) -> None:
    channel = connect("sandbox", south, "Elsewhere")
    sit(bea), sit(carl)
    ticket = writes(channel)
    desk.sweep()
    assert holder(ticket) is None
