"""The same survey by mail and in the widget: how it is asked there, and how it is answered."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from django.test import Client

from agents.models import Agent, Team
from channels_app.models import Channel
from channels_app.widget.models import VisitorEvent
from surveys.models import Response, Survey
from tests.conftest import connect
from tests.platforms.smtp import FakeMailServer
from tests.surveys.conftest import around, asked, questions
from tests.tickets.test_mail import SECRET, back, comes
from tests.widget.conftest import Browser, widget_channel
from tickets.models import Ticket

__all__ = ["widget_channel"]


@pytest.fixture
def server() -> Iterator[FakeMailServer]:
    with FakeMailServer() as found:
        yield found


@pytest.fixture
def mailbox(north: Team, server: FakeMailServer) -> Channel:
    return connect("email", north, "Toko", address="help@shop.example", inbound_secret=SECRET, smtp_url=server.url)


def test_by_mail_as_links_that_a_scanner_may_open(
    csat: Survey, mailbox: Channel, bea: Agent, server: FakeMailServer, work: Callable[[], None]
) -> None:
    message = comes(mailbox)
    asked(message.ticket, bea)
    (question,) = questions(message.ticket)
    work()
    taken = server.wait()[0]
    assert taken.mail["Auto-Submitted"] == "auto-generated"
    links = re.findall(r"https?://\S+(/s/\S+)", question.text)
    assert [link.partition("score=")[2] for link in links] == ["1", "2", "3", "4", "5"]
    scanner = Client(raise_request_exception=False)
    for link in links:
        assert scanner.get(link).status_code == 200
    assert not Response.objects.exists()
    assert scanner.post(links[3], {"score": "4"}).status_code == 303
    assert Response.objects.get().score == 4


def test_a_number_by_mail_above_the_quote(
    csat: Survey, mailbox: Channel, bea: Agent, server: FakeMailServer, work: Callable[[], None]
) -> None:
    message = comes(mailbox)
    asked(message.ticket, bea)
    work()
    taken = server.wait()[0]
    quoted = "5\n\nOn Mon, 3 Mar 2025 at 10:12, Toko <help@shop.example> wrote:\n> How satisfied are you?\n> 1: x\n"
    assert comes(mailbox, back(taken, quoted)).ticket_id == message.ticket_id
    assert Response.objects.get().score == 5
    assert Ticket.objects.get().status == "resolved"


def test_a_machine_is_not_asked(csat: Survey, mailbox: Channel, bea: Agent) -> None:
    message = comes(mailbox, Auto_Submitted="auto-generated")
    assert asked(message.ticket, bea).reason == "automatic"


def test_in_the_widget_by_buttons(csat: Survey, widget_channel: Channel, bea: Agent, work: Callable[[], None]) -> None:
    browser = Browser()
    browser.begins()
    assert browser.says("Halo").status_code in (200, 201)
    ticket = Ticket.objects.get(channel=widget_channel)
    row = asked(ticket, bea)
    work()
    around()
    event = VisitorEvent.objects.get(direction="out")
    assert [one["payload"] for one in event.quick_replies] == [f"survey:{row.pk}:{score}" for score in range(1, 6)]
    pressed = event.quick_replies[4]
    assert browser.says(postback=pressed).status_code in (200, 201)
    assert Response.objects.get().score == 5
    ticket.refresh_from_db()
    assert ticket.status == "resolved"
