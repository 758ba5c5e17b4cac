"""Mail that an agent forwards by hand: the customer's, where the agent is proved; else it stays what it says it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from email.message import EmailMessage
from email.utils import make_msgid
from typing import Any

import pytest
from django.test import Client

from agents.models import Agent, Team
from channels_app.adapters.email import forwarded, parser
from channels_app.models import Channel
from tests.conftest import connect
from tests.platforms.smtp import FakeMailServer
from tests.tickets.test_mail import SECRET, answers, comes, written
from tickets.models import Participant, Ticket

PROVED = "mx.shop.example; spf=pass; dkim=pass; dmarc=pass header.from=example.com"
FORGED = "mx.shop.example; dmarc=fail header.from=example.com"
HEADS = {
    "gmail": "Tolong urus.\n\n---------- Forwarded message ---------\nFrom: Dora Tan <dora@mail.example>\n"
             "Date: Sen, 3 Mar 2025\nSubject: Pesanan 7\nTo: bea@example.com\n\nDi mana pesanan saya?",
    "gmail-id": "---------- Forwarded message ---------\nDari: Dora Tan <dora@mail.example>\n"
                "Date: Sen, 3 Mar 2025 pukul 10.12\nSubject: Pesanan 7\nTo: <bea@example.com>\n\nDi mana pesanan saya?",
    "gmail-th": "---------- Forwarded message ---------\nจาก: Dora Tan <dora@mail.example>\n"
                "วันที่: จ. 3 มี.ค. 2568\nเรื่อง: Pesanan 7\nถึง: <bea@example.com>\n\nDi mana pesanan saya?",
    "apple": "Fyi\n\nBegin forwarded message:\n\nFrom: Dora Tan <dora@mail.example>\nSubject: Pesanan 7\n"
             "Date: 3 March 2025\nTo: bea@example.com\n\nDi mana pesanan saya?",
    "outlook": "Tolong.\n\n________________________________\nFrom: Dora Tan <dora@mail.example>\n"
               "Sent: Monday, March 3, 2025\nTo: Bea <bea@example.com>\nSubject: Pesanan 7\n\nDi mana pesanan saya?",
    "outlook-id": "Dari: Dora Tan <dora@mail.example>\nDikirim: 3 Maret 2025\nKepada: Bea <bea@example.com>\n"
                  "Perihal: Pesanan 7\n\nDi mana pesanan saya?",
}  # fmt: skip


@pytest.fixture
def server() -> Iterator[FakeMailServer]:
    with FakeMailServer() as found:
        yield found


@pytest.fixture
def mailbox(north: Team, server: FakeMailServer) -> Channel:
    return connect(
        "email", north, "Toko", address="help@shop.example", inbound_secret=SECRET, smtp_url=server.url,
        authserv="mx.shop.example", receipt="on",
    )  # fmt: skip


def sends_on(text: str, sender: str = "Bea <bea@example.com>", verdict: str = PROVED, **more: str) -> EmailMessage:
    more.setdefault("subject", "Fwd: Pesanan 7")
    return written(text, sender, Authentication_Results=verdict, **more)


@pytest.mark.parametrize("name", sorted(HEADS))
def test_the_ticket_is_the_customers(
    name: str, mailbox: Channel, bea: Agent, work: Callable[[], None], server: FakeMailServer, client: Client
) -> None:
    message = comes(mailbox, sends_on(HEADS[name], Cc="ana@example.com"))
    ticket = message.ticket
    assert (ticket.address.external_id, ticket.address.name) == ("dora@mail.example", "Dora Tan")
    assert ticket.subject == "Pesanan 7"
    assert message.reply_text == "Di mana pesanan saya?"
    assert message.text.startswith(HEADS[name][:20]), "what the agent wrote above it is kept"
    assert message.extra["mail"]["forwarded_by"] == {"name": "Bea", "address": "bea@example.com"}
    assert not Participant.objects.exists(), "whoever had the agent's mail had not the customer's"
    client.force_login(bea)
    assert "Forwarded by Bea &lt;bea@example.com&gt;" in client.get(f"/tickets/{ticket.pk}/").content.decode()
    work()
    assert server.taken == [], "nobody who has written nothing gets a receipt"
    reply = answers(message, bea, "Sudah dikirim.")
    work()
    reply.refresh_from_db()
    taken = server.wait()[0]
    assert taken.recipients == ["dora@mail.example"]
    assert str(message.external_id) not in (taken.mail["In-Reply-To"] or "") + (taken.mail["References"] or "")
    again = comes(
        mailbox, written("Terima kasih", "Dora Tan <dora@mail.example>", In_Reply_To=taken.mail["Message-ID"])
    )
    assert again.ticket_id == ticket.pk


def attached() -> EmailMessage:
    inner = written(
        "Di mana pesanan saya?", "Dora Tan <dora@mail.example>", "Pesanan 7", Message_ID="<asli@mail.example>"
    )
    mail = sends_on("")
    mail.add_attachment(inner)
    return mail


def test_forwarded_as_a_file(mailbox: Channel, bea: Agent, work: Callable[[], None], server: FakeMailServer) -> None:
    message = comes(mailbox, attached())
    assert message.ticket.address.external_id == "dora@mail.example"
    assert (message.reply_text or "").strip() == "Di mana pesanan saya?"
    answers(message, bea)
    work()
    assert server.wait()[0].mail["In-Reply-To"] == "<asli@mail.example>", "their program knows what it answers"


@pytest.mark.parametrize(
    "mail",
    [
        sends_on(HEADS["gmail"], verdict=FORGED),
        sends_on(HEADS["gmail"], verdict="mx.shop.example; spf=pass; dkim=pass; dmarc=none"),
        sends_on(HEADS["gmail"], verdict="elsewhere.example; dmarc=pass header.from=example.com"),
        sends_on(HEADS["gmail"], sender="Eve <eve@evil.example>"),
        sends_on(HEADS["gmail"], sender="Bea <bea@example.com.evil.example>"),
        sends_on(HEADS["gmail"].replace("dora@mail.example", "ana@example.com")),
        sends_on(HEADS["gmail"].replace("dora@mail.example", "help@shop.example")),
        sends_on(HEADS["gmail"].replace("<dora@mail.example>", "")),
        sends_on("Halo, ini Bea.", subject="Fwd: Pesanan"),
        sends_on("Halo\n\nPada Sen, 3 Mar 2025 pukul 10.12 Dora <dora@mail.example> menulis:\n> Ya?", subject="Re: x"),
    ],
    ids=["forged", "not proved", "another server", "a stranger", "a likeness", "a colleague", "ourselves", "nobody",
         "nothing", "an answer"],
)  # fmt: skip
def test_else_it_is_the_senders(mail: EmailMessage, mailbox: Channel, ana: Agent, bea: Agent) -> None:
    message = comes(mailbox, mail)
    said = message.extra["mail"]
    assert message.ticket.address.external_id == said["from"]["address"] != "dora@mail.example"
    assert "forwarded_by" not in said
    assert message.agent is None


def test_not_without_a_named_server_nor_from_a_closed_account(mailbox: Channel, bea: Agent) -> None:
    bea.is_active = False
    bea.save()
    assert comes(mailbox, sends_on(HEADS["gmail"])).ticket.address.external_id == "bea@example.com"
    bea.is_active = True
    bea.save()
    mailbox.put_settings({name: value for name, value in mailbox.clear_settings().items() if name != "authserv"})
    mailbox.save()
    found = comes(mailbox, sends_on(HEADS["gmail"]))
    assert found.ticket.address.external_id == "bea@example.com", "the topmost verdict may be the sender's own"


def test_it_joins_the_ticket_that_it_was_on(mailbox: Channel, bea: Agent) -> None:
    asked = comes(mailbox, sender="Dora Tan <dora@mail.example>")
    again = comes(mailbox, sends_on(HEADS["gmail"], subject=f"Fwd: Pesanan [#{asked.ticket_id}]"))
    assert again.ticket_id == asked.ticket_id
    assert Ticket.objects.count() == 1


@pytest.mark.parametrize("text", ["", "From:", "From: x\n", "---------- Forwarded message ---------\n" * 5000,
                                  "Fwd\nFrom: " + "<" * 20_000, "From: a@b\nTo: c@d\nSubject: x\n" * 3000])  # fmt: skip
def test_odd_heads_are_no_trouble(text: str) -> None:
    mail = parser.read(f"From: a@example.com\r\nSubject: Fwd: x\r\nMessage-ID: {make_msgid()}\r\n\r\n{text}".encode())
    found: Any = forwarded.original(mail)
    assert found is None or "@" in found.sender.address
