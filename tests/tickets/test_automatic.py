"""Automatic mail: what it answers, what it never answers, and two machines that meet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from agents.models import Agent, Team
from channels_app.models import Channel
from tests.conftest import connect
from tests.platforms.smtp import FakeMailServer
from tests.tickets.test_mail import SECRET, back, comes, post, written
from tickets import automatic, replies
from tickets.models import Message, Ticket


@pytest.fixture
def server() -> Iterator[FakeMailServer]:
    with FakeMailServer() as found:
        yield found


def box(team: Team, server: FakeMailServer, name: str) -> Channel:
    return connect(
        "email", team, name, address=f"{name}@shop.example", inbound_secret=SECRET, smtp_url=server.url, receipt="on"
    )


@pytest.fixture
def help_(north: Team, server: FakeMailServer) -> Channel:
    return box(north, server, "help")


def test_a_receipt_once_for_who_begins(
    help_: Channel, server: FakeMailServer, work: Callable[[], None], bea: Agent
) -> None:
    asked = comes(help_)
    work()
    taken = server.wait()[0]
    assert taken.recipients == ["dora@mail.example"]
    assert taken.sender in ("", "<>")
    assert (taken.mail["Auto-Submitted"], taken.mail["Precedence"]) == ("auto-replied", "bulk")
    assert taken.mail["In-Reply-To"] == f"<{asked.external_id}>"
    ticket = Ticket.objects.get()
    assert ticket.waiting_since, "a machine has answered nothing"
    assert replies.news_since(ticket, bea, 0)[-1].message_id == asked.pk
    assert comes(help_, back(taken, "Terima kasih")).ticket_id == ticket.pk
    work()
    assert len(server.taken) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-generated"}, {"Precedence": "bulk"}, {"X_Auto_Response_Suppress": "All"},
        {"List_Id": "<l.example>"}, {"Return_Path": "<>"}, {"sender": "no-reply@mail.example"},
        {"sender": "mailer-daemon@mail.example"}, {"X_Loop": "x"}, {"sender": "help@shop.example"},
        {"subject": "Out of office: x"}, {"Authentication_Results": "mx; dmarc=fail header.from=mail.example"},
    ],
)  # fmt: skip
def test_none_for_machines_lists_and_the_forged(
    help_: Channel, headers: dict[str, str], work: Callable[[], None], server: FakeMailServer
) -> None:
    comes(help_, **headers)
    work()
    assert not Message.objects.filter(direction="out").exists()
    assert not server.taken


def test_none_where_it_is_off(north: Team, server: FakeMailServer) -> None:
    comes(connect("email", north, "x", address="x@shop.example", inbound_secret=SECRET, smtp_url=server.url))
    assert not Message.objects.filter(direction="out").exists()


@pytest.mark.parametrize("strangers", [False, True])
def test_two_channels_that_answer_each_other(
    north: Team, server: FakeMailServer, help_: Channel, work: Callable[[], None], monkeypatch: Any, strangers: bool
) -> None:
    """strangers: as if each were another installation's, known by nothing but what its mail says."""
    if strangers:
        monkeypatch.setattr(automatic, "_is_ours", lambda ticket: False)
    sales = box(north, server, "sales")
    doors = {"help@shop.example": help_, "sales@shop.example": sales}
    comes(help_, written("Halo", "Sales <sales@shop.example>"))
    carried = 0
    for _round in range(10):
        work()
        while carried < len(server.taken):
            taken = server.taken[carried]
            carried += 1
            assert carried <= 3, "they answer each other"
            assert post(doors[taken.recipients[0]], taken.content) == 200
    assert len(server.taken) <= 1
    assert Message.objects.count() <= 3


def test_an_address_gets_no_more_than_its_share(help_: Channel) -> None:
    for number in range(14):
        comes(help_, subject=f"Lagi {number}")
    assert Message.objects.filter(direction="out").count() == 10
    Message.objects.filter(direction="out").update(created_at=timezone.now() - timedelta(minutes=11))
    comes(help_, sender="eka@mail.example")
    for number in range(7):
        comes(help_, subject=f"Masih {number}")
    assert Message.objects.filter(direction="out", ticket__address__external_id="dora@mail.example").count() == 15


def test_a_channel_that_runs_wild_is_stopped_and_told_about(help_: Channel, monkeypatch: Any) -> None:
    monkeypatch.setattr(automatic, "BREAKER", (timedelta(hours=1), 3))
    for number in range(5):
        comes(help_, sender=f"c{number}@mail.example")
    assert Message.objects.filter(direction="out").count() == 3
    help_.refresh_from_db()
    assert help_.last_failure == automatic.STOPPED
