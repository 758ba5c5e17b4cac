"""Out of hours: said once until it opens, in the customer's language, and never to a machine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.translation import override

from agents.hours.models import Schedule, TeamHours
from agents.models import Agent, Team
from channels_app import hours
from channels_app.models import Address, ChannelHours
from tests.conftest import Customer, connect
from tests.tickets.test_mail import SECRET, comes
from tickets import away, lifecycle
from tickets.models import Actor, Message, Ticket

NIGHT = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
"""A Friday, ten in the evening in Jakarta."""
WEEKDAYS = [[["09:00", "17:00"]] if day < 5 else [] for day in range(7)]


@pytest.fixture
def closed(north: Team, monkeypatch: pytest.MonkeyPatch) -> dict[str, datetime]:
    schedule = Schedule.objects.create(name="Shop", time_zone="Asia/Jakarta", weekly=WEEKDAYS)
    TeamHours.objects.create(team=north, schedule=schedule, away_on=True, away_texts={"id": "Kami buka {opens}."})
    hours.book.forget()
    at = {"now": NIGHT}
    monkeypatch.setattr(timezone, "now", lambda: at["now"])
    return at


def told() -> list[str]:
    rows = Message.objects.filter(direction="out", extra__has_key="automatic").order_by("pk")
    return list(rows.values_list("text", flat=True))


def test_once_per_conversation_until_it_opens(closed: dict[str, datetime], dora: Customer, eka: Customer) -> None:
    ticket = dora.writes().ticket
    (words,) = told()
    assert words.startswith("Thank you for your message.")
    assert "Monday, 09:00 (WIB)" in words
    closed["now"] += timedelta(hours=20)
    dora.writes("Halo?")
    assert len(told()) == 1
    eka.writes()
    assert len(told()) == 2
    closed["now"] = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
    dora.writes("Sudah buka?")
    assert len(told()) == 2
    closed["now"] += timedelta(hours=12)
    dora.writes("Malam")
    assert len(told()) == 3
    assert Ticket.objects.get(pk=ticket.pk).waiting_since is not None, "it waits for the morning"


def test_in_the_customers_language_with_the_teams_own_words(closed: dict[str, datetime], dora: Customer) -> None:
    ticket = dora.writes().ticket
    Message.objects.all().delete()
    ticket.courtesy.delete()
    type(ticket.customer).objects.update(language="id")
    dora.writes("Halo")
    (words,) = told()
    assert words.startswith("Kami buka ")
    assert words.endswith("09:00 (WIB).")


def test_a_resolved_ticket_that_begins_again_and_a_new_one_of_the_same_conversation_are_not_told_twice(
    closed: dict[str, datetime], dora: Customer, bea: Agent
) -> None:
    ticket = dora.writes().ticket
    lifecycle.resolve(ticket.pk, Actor.of(bea))
    dora.writes("Lagi")
    lifecycle.resolve(ticket.pk, Actor.of(bea))
    Ticket.objects.filter(pk=ticket.pk).update(resolved_at=NIGHT - timedelta(days=30))
    assert dora.writes("Baru").ticket.pk != ticket.pk
    assert len(told()) == 1


def test_the_channels_words_win_and_nothing_is_said_where_it_is_open_or_switched_off(
    closed: dict[str, datetime], dora: Customer, eka: Customer, north: Team
) -> None:
    own = ChannelHours.objects.create(channel=dora.channel, away_on=True, away_texts={"en": "Back {opens}!"})
    hours.book.forget()
    dora.writes()
    assert told() == ["Back Monday, 09:00 (WIB)!"]
    own.schedule = Schedule.objects.create(name="All", time_zone="UTC", weekly=[[["00:00", "24:00"]]] * 7)
    own.save()
    hours.book.forget()
    eka.writes()
    assert len(told()) == 1
    ChannelHours.objects.all().delete()
    TeamHours.objects.update(away_on=False)
    hours.book.forget()
    Customer(dora.channel, id="u-3", name="Tri").writes()
    assert len(told()) == 1


@pytest.mark.parametrize("headers", [{}, {"Auto_Submitted": "auto-generated"}, {"List_Id": "<l.example>"}])
def test_a_mail_of_a_person_is_answered_and_a_machines_is_not(
    closed: dict[str, datetime], north: Team, headers: dict[str, str]
) -> None:
    comes(
        connect("email", north, "x", address="help@shop.example", inbound_secret=SECRET, smtp_url="smtp://127.0.0.1:9"),
        **headers,
    )
    assert len(told()) == (0 if headers else 1)


def test_two_mails_of_one_person_are_answered_once(closed: dict[str, datetime], north: Team) -> None:
    box = connect(
        "email",
        north,
        "x",
        address="help@shop.example",
        inbound_secret=SECRET,
        smtp_url="smtp://127.0.0.1:9",
        receipt="on",
    )
    assert comes(box, subject="One").ticket_id != comes(box, subject="Two").ticket_id
    assert len([words for words in told() if words.startswith("Thank you")]) == 1


def test_who_cannot_be_written_to_is_told_later(closed: dict[str, datetime], dora: Customer) -> None:
    dora.writes()
    Message.objects.filter(direction="out").delete()
    Ticket.objects.get().courtesy.delete()
    Address.objects.update(blocked_at=NIGHT + timedelta(days=3))
    dora.writes("Halo")
    assert told() == []
    Address.objects.update(blocked_at=None)
    dora.writes("Halo?")
    assert len(told()) == 1


def test_hours_that_never_open_are_told_of_without_a_time(closed: dict[str, datetime], dora: Customer) -> None:
    Schedule.objects.update(weekly=[[]] * 7)
    hours.book.forget()
    dora.writes()
    (words,) = told()
    assert "{opens}" not in words
    assert "later" in words


def test_while_it_is_open_nothing_is_asked_of_the_database(dora: Customer, north: Team) -> None:
    dora.writes()
    with CaptureQueriesContext(connection) as without:
        dora.writes()
    schedule = Schedule.objects.create(name="All", time_zone="UTC", weekly=[[["00:00", "24:00"]]] * 7)
    TeamHours.objects.create(team=north, schedule=schedule, away_on=True)
    hours.book.forget()
    hours.book.get()
    with CaptureQueriesContext(connection) as asked:
        dora.writes()
    assert len(asked) == len(without)


def test_a_time_of_next_month_is_said_with_its_date(closed: dict[str, datetime]) -> None:
    calendar = Schedule(name="x", time_zone="Asia/Bangkok", weekly=WEEKDAYS).calendar([])
    with override("en"):
        assert away.moment(datetime(2026, 12, 24, 2, tzinfo=UTC), calendar) == "Thursday, 24 December, 09:00 (+07)"
