"""A visitor who has left gets the answer by mail, once, and answers it there: through a real mail server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from django.utils import timezone

from agents.models import Agent, Team
from channels_app import outbound
from channels_app.adapters.email import composing, inward, told
from channels_app.contract import Notice, Receipt
from channels_app.models import Address, Channel, Envelope
from tests.conftest import connect
from tests.platforms.smtp import FakeMailServer, Taken
from tests.tickets.test_mail import SECRET, back, bounce, comes, post, written
from tests.widget.conftest import Browser, calm, dora, widget_channel
from tickets import intake, lifecycle, receipts, replies, wording
from tickets.continuing import mailing
from tickets.continuing.models import ContinuedMail, Unseen
from tickets.erasing import steps
from tickets.models import Activity, Actor, Message, PendingNews, Ticket

__all__ = ["calm", "dora", "widget_channel"]
pytestmark = pytest.mark.django_db
Work = Callable[[], None]
SITI = "siti@mail.example"


@pytest.fixture
def server() -> Iterator[FakeMailServer]:
    with FakeMailServer() as found:
        yield found


@pytest.fixture
def mailbox(north: Team, server: FakeMailServer, widget_channel: Channel) -> Channel:
    """The team's mail channel, named by the chat's."""
    found = connect(
        "email", north, "Toko", address="help@shop.example", inbound_secret=SECRET, smtp_url=server.url,
        reply_tokens="on",
    )  # fmt: skip
    setting(widget_channel, continue_by=str(found.pk))
    return found


def setting(channel: Channel, **given: str) -> None:
    channel.public_settings = {**channel.public_settings, **given}
    channel.save(update_fields=["public_settings"])


@pytest.fixture
def siti(dora: Browser, mailbox: Channel) -> Browser:
    """She has asked in the chat and left her address."""
    dora.ask("POST", "describe/", {"name": "Siti", "email": SITI})
    dora.says("Di mana pesanan saya?")
    return dora


def answers(agent: Agent, text: str, work: Work, **draft: Any) -> Message:
    message, _new = replies.reply(Ticket.objects.latest("pk").pk, agent, replies.Draft(text=text, **draft))
    work()
    message.refresh_from_db()
    assert message.status == "sent"
    return message


def later(**times: float) -> None:
    """So much time goes by; then the timetable looks."""
    for row in Unseen.objects.exclude(due_at=None):
        row.due_at = row.due_at - timedelta(**times) if row.due_at else None
        row.save()
    mailing.sweep()


def came(server: FakeMailServer) -> Taken:
    (found,) = server.taken
    return found


def body(taken: Taken) -> str:
    part = taken.mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


# ── It goes out ──────────────────────────────────────────────────────────────────────────────


def test_several_unseen_answers_go_in_one_mail(siti: Browser, bea: Agent, server: FakeMailServer, work: Work) -> None:
    answers(bea, "Sedang kami cek.", work)
    later(minutes=5)
    answers(bea, "Sudah dikirim.", work)
    later(minutes=9)
    # Ten minutes count from the last one.
    assert not server.taken
    later(minutes=1)
    taken = came(server)
    assert taken.recipients == [SITI]
    assert "Sedang kami cek.\n\nSudah dikirim." in body(taken)
    assert "Siti" in taken.mail["To"]
    ticket = Ticket.objects.get()
    line = Activity.objects.get(type="ticket.continued")
    assert (line.ticket_id, line.changes["to"], line.changes["error"]) == (ticket.pk, SITI, "")
    later(days=3)
    assert len(server.taken) == 1


def test_not_what_was_seen_meanwhile(siti: Browser, bea: Agent, server: FakeMailServer, work: Work) -> None:
    answers(bea, "Sedang kami cek.", work)
    siti.ask("POST", "receipts/", {"seen": 2})
    later(minutes=11)
    assert not server.taken
    answers(bea, "Sudah dikirim.", work)
    later(minutes=11)
    assert "Sedang" not in body(came(server))


def test_not_what_a_machine_wrote_nor_notes(siti: Browser, bea: Agent, server: FakeMailServer, work: Work) -> None:
    replies.reply(Ticket.objects.get().pk, bea, replies.Draft(text="rahasia", kind="note"))
    work()
    assert not Unseen.objects.exists()


def test_files_go_along(siti: Browser, bea: Agent, server: FakeMailServer, work: Work) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    from tickets.models import Attachment

    row = Attachment.objects.create(
        uploader=bea, kind="file", filename="nota.txt", mime="text/plain", size=4, state="stored"
    )
    row.file.save("nota.txt", SimpleUploadedFile("nota.txt", b"nota"))
    answers(bea, "Ini notanya", work, attachments=(row.pk,))
    later(minutes=11)
    assert [part.get_filename() for part in came(server).mail.iter_attachments()] == ["nota.txt"]


@pytest.mark.parametrize("how", ["off", "no address", "channel off", "own address", "bounced", "not an address"])
def test_nothing_goes_where_it_may_not(
    how: str, siti: Browser, bea: Agent, mailbox: Channel, widget_channel: Channel, server: FakeMailServer, work: Work
) -> None:
    if how == "off":
        setting(widget_channel, continue_by="")
    elif how == "no address":
        Address.objects.update(email="")
    elif how == "channel off":
        Channel.objects.filter(pk=mailbox.pk).update(enabled=False)
    elif how == "own address":
        Address.objects.update(email="help@shop.example")
    elif how == "not an address":
        Address.objects.update(email="siti@@x")
    elif how == "bounced":
        Address.objects.create(channel=mailbox, external_id=SITI, blocked_at=timezone.now())
    answers(bea, "Sudah dikirim.", work)
    later(minutes=11)
    assert not server.taken
    assert not Unseen.objects.exclude(due_at=None).exists()


def test_one_address_for_good(siti: Browser, bea: Agent, server: FakeMailServer, work: Work) -> None:
    """Else anybody could have our agents' words sent to one stranger after another."""
    answers(bea, "satu", work)
    later(minutes=11)
    siti.ask("POST", "describe/", {"email": "stranger@mail.example"})
    answers(bea, "dua", work)
    later(minutes=11)
    assert [taken.recipients for taken in server.taken] == [[SITI], [SITI]]


def test_five_mails_a_day(siti: Browser, bea: Agent, server: FakeMailServer, work: Work) -> None:
    for number in range(7):
        answers(bea, f"jawaban {number}", work)
        later(minutes=11)
    assert len(server.taken) == 5
    # A day later the rest goes, in one.
    ContinuedMail.objects.update(created_at=timezone.now() - timedelta(days=1, minutes=1))
    later(days=1)
    assert len(server.taken) == 6
    assert "jawaban 5\n\njawaban 6" in body(server.taken[-1])


def test_two_visitors_with_one_address_get_five_together(
    siti: Browser, bea: Agent, server: FakeMailServer, work: Work
) -> None:
    other = Browser()
    other.begins()
    other.ask("POST", "describe/", {"email": SITI})
    other.says("Halo")
    first, second = Ticket.objects.order_by("pk")
    for number in range(4):
        for ticket in (first, second):
            replies.reply(ticket.pk, bea, replies.Draft(text=f"jawaban {number}"))
        work()
        later(minutes=11)
    assert len(server.taken) == 5


# ── Once ─────────────────────────────────────────────────────────────────────────────────────


class Killed(BaseException):
    """The process is gone at this point."""


@pytest.mark.parametrize("when", ["before", "after"])
def test_whoever_dies_over_it_leaves_one_mail(
    when: str, siti: Browser, bea: Agent, server: FakeMailServer, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers(bea, "Sudah dikirim.", work)
    real = outbound.send

    def dies(*given: Any) -> Any:
        if when == "after":
            real(*given)
        raise Killed

    monkeypatch.setattr(outbound, "send", dies)
    with pytest.raises(Killed):
        later(minutes=11)
    monkeypatch.undo()
    # Nobody takes it up while the claim holds.
    mailing.sweep()
    assert len(server.taken) == (when == "after")
    later(minutes=2)
    ids = {taken.mail["Message-ID"] for taken in server.taken}
    assert len(ids) == 1
    assert ContinuedMail.objects.count() == Activity.objects.filter(type="ticket.continued").count() == 1
    later(minutes=2)
    assert len(server.taken) == (2 if when == "after" else 1)


def test_two_workers_send_one(siti: Browser, bea: Agent, server: FakeMailServer, work: Work) -> None:
    answers(bea, "Sudah dikirim.", work)
    later(minutes=11)
    mailing.go_on(Unseen.objects.get().pk)
    assert len(server.taken) == 1


def test_a_server_that_is_away_is_tried_again(siti: Browser, bea: Agent, server: FakeMailServer, work: Work) -> None:
    server.answers["MAIL"] = "451 4.3.0 Later"
    answers(bea, "Sudah dikirim.", work)
    later(minutes=11)
    assert not server.taken
    del server.answers["MAIL"]
    later(minutes=1)
    assert len(server.taken) == 1


def test_what_is_refused_for_good_is_told_to_agents(
    siti: Browser, bea: Agent, server: FakeMailServer, work: Work
) -> None:
    server.answers[SITI] = "550 5.1.1 No such user"
    answers(bea, "Sudah dikirim.", work)
    later(minutes=11)
    line = Activity.objects.get(type="ticket.continued")
    assert "The mail server refused the recipient." in wording.of_line(line)
    later(days=1)
    assert ContinuedMail.objects.get().attempts == 1
    # Nobody is there: the next answer does not knock again.
    del server.answers[SITI]
    answers(bea, "Sudah sampai?", work)
    later(days=1)
    assert not server.taken
    assert Address.objects.get(channel__kind="email").blocked_at


# ── It comes back ────────────────────────────────────────────────────────────────────────────


def reason(activity: Activity) -> str:
    return str(activity.changes["error"])


def test_to_an_address_from_which_it_came_back_nothing_more_goes(
    siti: Browser, bea: Agent, mailbox: Channel, server: FakeMailServer, work: Work
) -> None:
    answers(bea, "Sudah dikirim.", work)
    later(minutes=11)
    taken = came(server)
    # For now is not for good.
    assert post(mailbox, bounce(taken, "4.2.2", SITI)) == 200
    assert [reason(line) for line in Activity.objects.filter(type="ticket.continued")] == [""]
    for _again in range(2):
        assert post(mailbox, bounce(taken, "5.1.1", SITI.upper())) == 200
    first, second = Activity.objects.filter(type="ticket.continued").order_by("seq")
    assert first.ticket_id == second.ticket_id == Ticket.objects.get().pk
    assert wording.of_line(second) == (
        f"What was not seen in the chat could not be sent to {SITI}: The mail could not be delivered."
    )
    answers(bea, "Sudah sampai?", work)
    later(days=1)
    assert len(server.taken) == 1
    assert not PendingNews.objects.exists()
    # They may have left a wrong one: the right one is written to.
    siti.ask("POST", "describe/", {"email": "siti.rahma@mail.example"})
    answers(bea, "Halo?", work)
    later(days=1)
    assert server.taken[-1].recipients == ["siti.rahma@mail.example"]


def test_whoever_is_erased_leaves_no_address_behind(
    siti: Browser, ana: Agent, bea: Agent, mailbox: Channel, server: FakeMailServer, work: Work
) -> None:
    answers(bea, "Sudah dikirim.", work)
    later(minutes=11)
    assert post(mailbox, bounce(came(server), "5.1.1", SITI)) == 200
    assert Address.objects.filter(external_id=SITI).exists()
    steps.begin(Ticket.objects.get().customer_id, ana)
    assert not Address.objects.filter(external_id=SITI).exists()
    assert not ContinuedMail.objects.exists()


def test_who_writes_from_there_is_there_again(
    siti: Browser, bea: Agent, mailbox: Channel, server: FakeMailServer, work: Work
) -> None:
    answers(bea, "Sudah dikirim.", work)
    later(minutes=11)
    assert post(mailbox, bounce(came(server), "5.1.1", SITI)) == 200
    after = format_datetime(timezone.now() + timedelta(minutes=1))
    comes(mailbox, back(came(server), "Saya di sini", f"Siti <{SITI}>", Date=after))
    answers(bea, "Sudah sampai?", work)
    later(days=1)
    assert [taken.recipients for taken in server.taken] == [[SITI], [SITI]]


def test_what_came_back_to_somebody_else_says_nothing_of_her(
    siti: Browser, bea: Agent, mailbox: Channel, server: FakeMailServer, work: Work
) -> None:
    """She has her mail passed on, and there it is refused."""
    answers(bea, "Sudah dikirim.", work)
    later(minutes=11)
    assert post(mailbox, bounce(came(server), "5.1.1", "her.other@mail.example")) == 200
    assert reason(Activity.objects.filter(type="ticket.continued").latest("seq"))
    assert not Address.objects.filter(blocked_at__isnull=False).exists()


def test_a_bounce_that_is_faster_than_the_servers_answer(
    siti: Browser, bea: Agent, mailbox: Channel, server: FakeMailServer, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers(bea, "Sudah dikirim.", work)
    real = outbound.send

    def overtaken(*given: Any) -> Any:
        found = real(*given)
        assert post(mailbox, bounce(came(server), "5.1.1", SITI)) == 200
        return found

    monkeypatch.setattr(outbound, "send", overtaken)
    later(minutes=11)
    lines = Activity.objects.filter(type="ticket.continued").order_by("seq")
    assert [bool(reason(line)) for line in lines] == [False, True]
    assert Address.objects.get(external_id=SITI).blocked_at
    assert not PendingNews.objects.exists()


def test_who_calls_it_spam_gets_none(
    siti: Browser, bea: Agent, mailbox: Channel, server: FakeMailServer, work: Work
) -> None:
    answers(bea, "Sudah dikirim.", work)
    later(minutes=11)
    for to in ("stranger@mail.example", SITI):
        (news,) = told.one("complaint", message_id="x@provider.example", recipient=to, at=None)
        assert isinstance(news, Notice)
        intake.receive(mailbox, news, Envelope(channel=mailbox))
    line = Activity.objects.filter(type="ticket.continued").latest("seq")
    assert "The recipient calls our mail spam" in wording.of_line(line)
    answers(bea, "Sudah sampai?", work)
    later(days=1)
    assert len(server.taken) == 1
    assert [row.external_id for row in Address.objects.filter(channel=mailbox)] == [SITI]


def test_a_provider_knows_it_by_our_key(siti: Browser, bea: Agent, mailbox: Channel, work: Work) -> None:
    answers(bea, "Sudah dikirim.", work)
    later(minutes=11)
    mail = ContinuedMail.objects.get()
    assert composing.own_key(f"<{mail.external_id}>") == mail.key
    news = Receipt(
        state="failed", external_id="of-the-provider", own_key=mail.key, recipient=SITI,
        error=inward.failed("5.1.1", "550 no such user"),
    )  # fmt: skip
    receipts.receive(mailbox, news)
    assert Address.objects.get(external_id=SITI).blocked_at


# ── They answer ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("by", ["ids", "key"])
def test_their_answer_joins_the_same_ticket(
    by: str, siti: Browser, bea: Agent, mailbox: Channel, server: FakeMailServer, work: Work
) -> None:
    answers(bea, "Sudah dikirim.", work)
    later(minutes=11)
    taken = came(server)
    if by == "ids":
        mail = back(taken, "Terima kasih!", f"Siti <{SITI}>")
    else:
        mail = written("Terima kasih!", f"Siti <{SITI}>", To=str(taken.mail["Reply-To"]))
    message = comes(mailbox, mail)
    ticket = Ticket.objects.get()
    assert (message.ticket_id, message.channel_id) == (ticket.pk, mailbox.pk)
    assert ticket.waiting_since is not None
    # The chat's customer is not the mail's: an address that somebody typed links nobody.
    assert message.address is not None
    assert message.address.customer_link.customer_id != ticket.customer_id
    # She is not before the chat: the next answer follows soon, in the same thread.
    answers(bea, "Sama-sama.", work)
    later(minutes=1)
    second = server.taken[1].mail
    assert second["In-Reply-To"] == mail["Message-ID"]
    assert taken.mail["Message-ID"] in second["References"]
    assert [one["text"] for one in siti.reads()][-1] == "Sama-sama."


def test_it_goes_on_where_the_chat_is_now(
    siti: Browser, bea: Agent, mailbox: Channel, server: FakeMailServer, work: Work
) -> None:
    answers(bea, "Sudah dikirim.", work)
    later(minutes=11)
    first = Ticket.objects.get()
    lifecycle.resolve(first.pk, Actor.of(bea))
    Ticket.objects.update(resolved_at=timezone.now() - timedelta(days=30))
    siti.says("Halo lagi")
    second = Ticket.objects.latest("pk")
    assert second.pk != first.pk
    message = comes(mailbox, back(came(server), "Terima kasih!", f"Siti <{SITI}>"))
    assert message.ticket_id == second.pk


def test_nobody_guesses_their_way_in(siti: Browser, bea: Agent, mailbox: Channel, work: Work) -> None:
    answers(bea, "Sudah dikirim.", work)
    later(minutes=11)
    row, ticket = ContinuedMail.objects.get(), Ticket.objects.get()
    guessed = f"<chat-{row.pk}.{'0' * 20}@shop.example>"
    mail = written("Saya siapa?", "Evil <evil@mail.example>", f"Re: [#{ticket.pk}]", In_Reply_To=guessed)
    assert comes(mailbox, mail).ticket_id != ticket.pk


def test_a_machines_answer_changes_nothing(
    siti: Browser, bea: Agent, mailbox: Channel, server: FakeMailServer, work: Work
) -> None:
    answers(bea, "Sudah dikirim.", work)
    later(minutes=11)
    mail = back(came(server), "I am away", f"Siti <{SITI}>", Auto_Submitted="auto-replied")
    assert comes(mailbox, mail).ticket_id == Ticket.objects.get().pk
    assert Ticket.objects.get().waiting_since is None
    later(days=1)
    assert len(server.taken) == 1


def test_it_goes_along_when_two_rows_are_one_person(
    siti: Browser, bea: Agent, mailbox: Channel, server: FakeMailServer, work: Work
) -> None:
    answers(bea, "Sudah dikirim.", work)
    later(minutes=11)
    known = Browser()
    known.begins()
    known.identifies("42")
    known.says("Saya juga di sini")
    siti.identifies("42")
    (address,) = Address.objects.filter(channel__kind="webchat")
    assert Unseen.objects.get().pk == address.pk
    message = comes(mailbox, back(came(server), "Terima kasih!", f"Siti <{SITI}>"))
    assert message.ticket.address_id == address.pk
