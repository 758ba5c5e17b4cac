"""Who is asked, when, and in which words; and that it is once."""

from __future__ import annotations

import json
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from agents import kept
from agents.models import Agent, Team
from channels_app.models import Address, Channel, MessageTemplate
from customers.models import Customer as Person
from surveys import asking, definition, following, tallies, watching, zones
from surveys.models import Invitation, Survey
from tests.conftest import Customer, connect, lead_to
from tests.surveys.conftest import around, asked, later, questions, resolved, survey
from tests.tickets.test_mail import SECRET
from tickets import automatic, lifecycle
from tickets.models import Activity, Actor, Message, Ticket
from tickets.models.activity import SYSTEM

State, Reason = Invitation.State, Invitation.Reason


def types(ticket: Ticket) -> list[str]:
    return list(Activity.objects.filter(ticket=ticket).order_by("seq").values_list("type", flat=True))


def test_a_resolved_ticket_is_asked_about_once(csat: Survey, ticket: Ticket, bea: Agent) -> None:
    row = asked(ticket, bea)
    assert (row.state, row.agent, row.team) == (State.ASKED, bea, ticket.team)
    for _again in range(3):
        around()
    (message,) = questions(ticket)
    assert message.text.startswith("How satisfied are you with our help?")
    assert [one["payload"] for one in message.extra["quick_replies"]] == [f"survey:{row.pk}:{n}" for n in range(1, 6)]
    ticket.refresh_from_db()
    assert (ticket.status, ticket.waiting_since) == ("resolved", None)
    assert types(ticket)[-2:] == ["message.added", "survey.asked"]


def test_nobody_is_asked_where_no_survey_is_on(ticket: Ticket, bea: Agent) -> None:
    survey().delete()
    resolved(ticket, bea)
    around()
    assert not Invitation.objects.exists()


def test_again_after_a_second_resolution(csat: Survey, ticket: Ticket, bea: Agent, dora: Customer) -> None:
    asked(ticket, bea)
    dora.writes("Masih rusak")
    row = asked(ticket, bea)
    assert row.state == State.ASKED
    assert [one.reopened for one in Invitation.objects.order_by("pk")] == [True, False]
    assert len(questions(ticket)) == 2


def test_not_when_it_was_reopened_before(ticket: Ticket, bea: Agent) -> None:
    survey(when={"delay_minutes": 60})
    resolved(ticket, bea)
    watching.follow()
    lifecycle.reopen(ticket.pk, Actor.of(bea))
    around()
    assert Invitation.objects.get().reason == Reason.REOPENED
    # On one page of the log, too.
    resolved(ticket, bea)
    lifecycle.reopen(ticket.pk, Actor.of(bea))
    around()
    assert set(Invitation.objects.values_list("reason", flat=True)) == {Reason.REOPENED}
    assert questions(ticket) == []


def test_never_after_the_system_resolved_it(csat: Survey, ticket: Ticket) -> None:
    lifecycle.resolve(ticket.pk, SYSTEM)
    around()
    assert Invitation.objects.get().reason == Reason.AUTOMATIC


def test_never_for_spam(csat: Survey, ticket: Ticket, bea: Agent) -> None:
    lifecycle.change(ticket.pk, Actor.of(bea), tag="Spam")
    assert asked(ticket, bea).reason == Reason.SPAM


def test_never_for_what_turns_out_to_be_spam_before_it_is_asked(ticket: Ticket, bea: Agent) -> None:
    survey(when={"delay_minutes": 60})
    resolved(ticket, bea)
    around()
    lifecycle.change(ticket.pk, Actor.of(bea), tag="Spam")
    around()
    row = Invitation.objects.get()
    assert (row.state, row.reason, row.due_at) == (State.SKIPPED, Reason.SPAM, None)


def test_one_customer_within_so_many_days(dora: Customer, ticket: Ticket, bea: Agent) -> None:
    survey(when={"every_days": 30})
    first = asked(ticket, bea)
    dora.writes("Satu lagi")
    assert asked(ticket, bea).reason == Reason.RECENT
    later(first, days=31)
    dora.writes("Dan lagi")
    assert asked(ticket, bea).state == State.ASKED


def test_a_sample_is_the_same_each_time_and_about_that_large() -> None:
    drawn = [watching.is_drawn(1, seq, 30) for seq in range(4000)]
    assert drawn == [watching.is_drawn(1, seq, 30) for seq in range(4000)]
    assert 1050 < sum(drawn) < 1350
    assert not any(watching.is_drawn(1, seq, 0) for seq in range(300))
    assert all(watching.is_drawn(1, seq, 100) for seq in range(300))


def test_who_is_left_out_by_the_sample_is_counted(ticket: Ticket, bea: Agent) -> None:
    survey(when={"percent": 0})
    assert (asked(ticket, bea).state, Invitation.objects.get().reason) == (State.SKIPPED, Reason.SAMPLE)


def test_the_first_survey_that_fits(ticket: Ticket, bea: Agent, sms_channel: Channel) -> None:
    survey(name="SMS alone", when={"channels": [sms_channel.pk]})
    survey(name="Others' team", when={"teams": [ticket.team_id + 1 if ticket.team_id else 1]})
    survey("nps", name="All")
    assert asked(ticket, bea).survey.name == "All"
    assert questions(ticket)[0].text.startswith("How likely are you")


def test_in_the_customers_language(csat: Survey, ticket: Ticket, bea: Agent) -> None:
    ticket.customer.language = "th-TH"
    ticket.customer.save()
    assert asked(ticket, bea).language == "th"
    assert "พอใจ" in questions(ticket)[0].text


def test_in_words_where_there_are_no_buttons(csat: Survey, fitri: Customer, bea: Agent) -> None:
    lead_to(fitri.channel, able=json.dumps({"quick_replies": 4}))
    ticket = fitri.writes().ticket
    asked(ticket, bea)
    (message,) = questions(ticket)
    assert "Answer with a number from 1 to 5." in message.text
    assert "quick_replies" not in message.extra


def test_a_reminder_once_and_then_it_is_over(ticket: Ticket, bea: Agent) -> None:
    survey(when={"remind_days": 2, "expire_days": 5})
    row = asked(ticket, bea)
    later(row, days=2)
    around()
    around()
    row.refresh_from_db()
    assert row.state == State.REMINDED
    assert len(questions(ticket)) == 2
    assert questions(ticket)[1].text.startswith("We would still like to know:")
    later(row, days=3)
    around()
    row.refresh_from_db()
    assert (row.state, row.due_at) == (State.EXPIRED, None)
    assert len(questions(ticket)) == 2


def test_of_a_ticket_that_was_asked_about_twice_the_newer_question_is_reminded_of(
    ticket: Ticket, bea: Agent, dora: Customer
) -> None:
    survey(when={"remind_days": 2})
    asked(ticket, bea)
    dora.writes("Masih rusak")
    asked(ticket, bea)
    for row in Invitation.objects.all():
        later(row, days=2)
    around()
    around()
    assert list(Invitation.objects.order_by("pk").values_list("state", flat=True)) == [State.ASKED, State.REMINDED]
    assert len(questions(ticket)) == 3


def test_nobody_is_reminded_who_has_answered(ticket: Ticket, bea: Agent, dora: Customer) -> None:
    survey(when={"remind_days": 1})
    row = asked(ticket, bea)
    dora.writes("5")
    later(row, days=1)
    around()
    assert len(questions(ticket)) == 1


def test_a_survey_that_is_switched_off_meanwhile(csat: Survey, ticket: Ticket, bea: Agent) -> None:
    resolved(ticket, bea)
    watching.follow()
    Survey.objects.update(enabled=False)
    around()
    assert Invitation.objects.get().reason == Reason.OFF


def test_a_channel_that_is_off_is_waited_for(csat: Survey, ticket: Ticket, bea: Agent) -> None:
    Channel.objects.update(enabled=False)
    row = asked(ticket, bea)
    assert row.state == State.PENDING
    Channel.objects.update(enabled=True)
    Invitation.objects.update(due_at=timezone.now())
    around()
    row.refresh_from_db()
    assert row.state == State.ASKED


def test_who_blocked_us_is_not_asked(csat: Survey, ticket: Ticket, bea: Agent) -> None:
    Address.objects.update(blocked_at=timezone.now())
    assert asked(ticket, bea).reason == Reason.BLOCKED
    assert types(ticket)[-1] == "survey.skipped"


# ── Windows ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def old(fitri: Customer, bea: Agent) -> Ticket:
    """A ticket on a channel whose time to write freely is over."""
    lead_to(fitri.channel, able=json.dumps({"window": True}))
    ticket = fitri.writes("Halo").ticket
    Ticket.objects.filter(pk=ticket.pk).update(last_inbound_at=timezone.now() - timedelta(days=3))
    return ticket


def test_where_the_window_is_over_it_is_counted(csat: Survey, old: Ticket, bea: Agent) -> None:
    assert asked(old, bea).reason == Reason.WINDOW


def test_where_the_window_is_over_the_chosen_template_goes(old: Ticket, bea: Agent, chatty_channel: Channel) -> None:
    survey(when={"templates": [a_template(chatty_channel)]})
    row = asked(old, bea)
    assert row.state == State.ASKED
    (message,) = questions(old)
    assert f"/s/{row.pk}-" in message.text
    assert message.extra["template"]["name"] == "ask"


# ── Night ────────────────────────────────────────────────────────────────────────────────────


def test_quiet_hours_are_the_customers(bea: Agent, ticket: Ticket, monkeypatch: Any) -> None:
    survey(when={"quiet_from": "21:00", "quiet_to": "09:00", "expire_days": 30})
    Address.objects.update(phone="+62215551234")  # Jakarta, UTC+7
    night = datetime(2026, 11, 21, 15, 30, tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: night)
    resolved(ticket, bea)
    around()
    row = Invitation.objects.get()
    assert row.state == State.PENDING
    assert row.due_at == datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
    assert questions(ticket) == []


def test_where_somebody_is(db: None, sms_channel: Channel, settings: Any) -> None:
    settings.TIME_ZONE = "Asia/Bangkok"

    def named(**fields: Any) -> set[str]:
        return {str(zone) for zone in zones.zones_of(Address(channel=sms_channel, **fields), sms_channel)}

    assert named(external_id="+62215551234") == {"Asia/Jakarta"}
    assert named(external_id="u-1", phone="+66812345678") == {"Asia/Bangkok"}
    # A country of many zones tells too little; a name tells nothing.
    assert named(external_id="+12025550123") == {"America/New_York"}
    assert named(external_id="u-1") == {"Asia/Bangkok"}
    sms_channel.public_settings["time_zone"] = "Asia/Jakarta"
    assert named(external_id="u-1") == {"Asia/Jakarta"}


@given(
    at=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),
    begins=st.times().map(lambda one: one.replace(second=0, microsecond=0)),
    ends=st.times().map(lambda one: one.replace(second=0, microsecond=0)),
    zone=st.sampled_from(["UTC", "Asia/Jakarta", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"]),
)
def test_awake_is_never_quiet_never_earlier_and_never_later_than_need_be(
    at: datetime, begins: time, ends: time, zone: str
) -> None:
    now, here = at.replace(tzinfo=UTC), ZoneInfo(zone)
    found = zones.awake(now, [here], begins, ends)
    assert found >= now
    assert not zones.is_quiet(found.astimezone(here).time(), begins, ends)
    if found > now:
        assert zones.is_quiet(now.astimezone(here).time(), begins, ends)
        assert found - now <= timedelta(hours=25)
        if zone.startswith("Asia/"):  # where no clock is put on
            assert found.astimezone(here).time() == ends


# ── In the middle ────────────────────────────────────────────────────────────────────────────


def test_a_claim_that_runs_out_is_taken_up(csat: Survey, ticket: Ticket, bea: Agent) -> None:
    resolved(ticket, bea)
    watching.follow()
    claimed = asking.claim(ticket.channel_id, 10, timezone.now())
    assert claimed is not None
    assert asking.claim(ticket.channel_id, 10, timezone.now()) is None
    asking.sweep()
    assert questions(ticket) == []
    Invitation.objects.update(due_at=timezone.now())
    asking.sweep()
    assert len(questions(ticket)) == 1
    # Whoever slept with the old claim finds that it is nobody's.
    asking.done(*claimed)
    assert len(questions(ticket)) == 1


def test_one_that_breaks_does_not_hold_up_the_others(
    csat: Survey, ticket: Ticket, eka: Customer, bea: Agent, monkeypatch: Any
) -> None:
    other = eka.writes("Halo").ticket
    real = asking.Batch._send

    def broken(self: Any, row: Invitation, at: Ticket, *rest: Any) -> Any:
        if at.pk == ticket.pk:
            raise RuntimeError("broken")
        return real(self, row, at, *rest)

    monkeypatch.setattr(asking.Batch, "_send", broken)
    resolved(ticket, bea)
    resolved(other, bea)
    around()
    assert len(questions(other)) == 1
    bad = Invitation.objects.get(ticket=ticket)
    assert (bad.state, bad.attempts) == (State.PENDING, 1)
    assert bad.due_at is not None
    assert bad.due_at > timezone.now()


def test_no_more_than_the_channel_takes(csat: Survey, eka: Customer, bea: Agent, monkeypatch: Any) -> None:
    monkeypatch.setattr(asking, "WAITING", 3)
    for number in range(5):
        resolved(Customer(eka.channel, id=f"u-{number}").writes().ticket, bea)
    around()
    assert Invitation.objects.filter(state=State.ASKED).count() == 3
    around()
    assert Invitation.objects.filter(state=State.ASKED).count() == 3, "they wait to be sent"


@pytest.mark.parametrize("how", ["buttons", "template", "mail"])
def test_a_hundred_cost_no_more_statements_than_ten(
    how: str, eka: Customer, bea: Agent, chatty_channel: Channel, north: Team, monkeypatch: Any
) -> None:
    # Hours are read every two seconds, whoever asks.
    monkeypatch.setattr(kept, "SECONDS", 3600)
    channel, templates = eka.channel, []
    if how == "template":
        lead_to(chatty_channel, able=json.dumps({"window": True}))
        channel = chatty_channel
        templates = [a_template(channel)]
    elif how == "mail":
        channel = connect(
            "email", north, "help", address="help@shop.example", inbound_secret=SECRET, smtp_url="smtp://127.0.0.1:9"
        )
    survey(when={"quiet_from": "03:00", "quiet_to": "03:01", "every_days": 30, "templates": templates})
    ask_about(channel, 1, bea)
    few, many = ask_about(channel, 10, bea), ask_about(channel, 100, bea)
    assert Invitation.objects.filter(state=State.ASKED, channel=channel).count() == 111
    assert few == many
    assert len(few) <= 24


def ask_about(channel: Channel, count: int, agent: Agent) -> list[str]:
    """So many new tickets of new customers on the channel; gives the statements of the batch that asks them."""
    first = Address.objects.count()
    names = [f"c{number}@mail.example" for number in range(first, first + count)]
    addresses = Address.objects.bulk_create([Address(channel=channel, external_id=name) for name in names])
    people = Person.objects.bulk_create([Person(name=name, language="id") for name in names])
    now = timezone.now()
    wrote = now - (timedelta(days=3) if channel.kind == "chatty" else timedelta())
    tickets = Ticket.objects.bulk_create(
        [
            Ticket(
                channel=channel, team_id=channel.team_id, address=one, customer=who, status="resolved",
                resolved_at=now, last_inbound_at=wrote, threads=bool(type(channel.adapter).threads),
                reply_token=f"t{one.pk}" if type(channel.adapter).threads else "",
            )
            for one, who in zip(addresses, people, strict=True)
        ]
    )  # fmt: skip
    Message.objects.bulk_create(
        [
            Message(
                ticket=one, channel=channel, direction="in", status="received", external_id=f"m{one.pk}", text="Halo",
                address_id=one.address_id,
            )
            for one in tickets
        ]
    )  # fmt: skip
    Activity.objects.bulk_create(
        [Activity(type="ticket.resolved", ticket=one, actor_type="agent", agent=agent) for one in tickets]
    )
    watching.follow()
    claimed = asking.claim(channel.pk, count, timezone.now())
    assert claimed is not None
    with CaptureQueriesContext(connection) as found:
        asking.done(*claimed)
    return [" ".join(one["sql"].split()[:5]) for one in found.captured_queries if "SAVEPOINT" not in one["sql"]]


def a_template(channel: Channel) -> dict[str, Any]:
    MessageTemplate.objects.create(
        channel=channel, name="ask", language="id", status="APPROVED", body="Halo {{1}}: {{2}}", variables=["1", "2"]
    )
    return {"channel": channel.pk, "name": "ask", "language": "id", "blanks": {"1": "{name}", "2": "{link}"}}


def test_one_customer_once_within_a_batch(eka: Customer, bea: Agent) -> None:
    """Two of their tickets are due at one moment, on one channel."""
    survey(when={"every_days": 30})
    tickets = [Customer(eka.channel, id=f"u-{number}").writes().ticket for number in range(2)]
    Ticket.objects.update(customer=tickets[0].customer)
    for ticket in tickets:
        resolved(ticket, bea)
    around()
    assert [(row.state, row.reason) for row in Invitation.objects.order_by("pk")] == [
        (State.ASKED, ""), (State.SKIPPED, Reason.RECENT),
    ]  # fmt: skip
    assert Message.objects.filter(direction="out").count() == 1


def test_an_address_gets_no_more_than_its_share_within_a_batch(eka: Customer, bea: Agent, monkeypatch: Any) -> None:
    survey(when={"every_days": 0})
    monkeypatch.setattr(automatic, "CAPS", ((timedelta(minutes=10), 2),))
    ticket = eka.writes("Halo").ticket
    for _time in range(3):
        resolved(ticket, bea)
        watching.follow()
        lifecycle.reopen(ticket.pk, Actor.of(bea))
    resolved(ticket, bea)
    watching.follow()
    Invitation.objects.update(state=State.PENDING, reason="", due_at=timezone.now())
    asking.sweep()
    assert len(questions(ticket)) == 2
    waits = Invitation.objects.filter(state=State.PENDING)
    assert waits.count() == 2
    assert all(row.due_at and row.due_at > timezone.now() for row in waits)


def test_a_channel_that_sends_fast_is_given_more_to_send(
    csat: Survey, eka: Customer, bea: Agent, monkeypatch: Any
) -> None:
    monkeypatch.setattr(asking, "WAITING", 3)
    monkeypatch.setattr(asking, "LATELY", timedelta(hours=1))
    for number in range(12):
        resolved(Customer(eka.channel, id=f"u-{number}").writes().ticket, bea)
    watching.follow()
    found = []
    for _round in range(3):
        asking.sweep()
        found.append(Invitation.objects.filter(state=State.ASKED).count())
        Message.objects.filter(status="queued").update(status="sent", next_attempt_at=None)
    # As many as it has just sent: 3, then 3 more, then 6.
    assert found == [3, 6, 12]


def test_nothing_to_do_costs_next_to_nothing(eka: Customer, bea: Agent, django_assert_max_num_queries: Any) -> None:
    """The timetable asks every second or two, also where there has never been a survey."""
    resolved(eka.writes().ticket, bea)
    around()
    for entry, most in ((watching.follow, 2), (asking.sweep, 1), (following.sweep, 1), (tallies.sweep, 1)):
        with django_assert_max_num_queries(most):
            entry()


def test_definitions_of_any_shape_are_read() -> None:
    for wrong in (None, 1, "x", [], {"texts": 3, "questions": [1, {"low": "x"}], "kind": 7}, {"quiet_from": "25:99"}):
        definition.content(wrong)
        definition.when(wrong)
        definition.rules(wrong)
        definition.defects(wrong)
