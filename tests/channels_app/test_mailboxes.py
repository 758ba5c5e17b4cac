"""Mail that is fetched, from a real IMAP server: held open, broken in the middle, begun anew, and never twice."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from channels_app import checks, mailboxes
from channels_app.http import Http
from channels_app.models import Channel, Envelope, Mailbox
from tests.dovecot import Cutting, Dovecot, dovecot
from tickets.models import Message

HERE = bool(shutil.which("dovecot")) or Path("/usr/sbin/dovecot").exists()
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not HERE and not os.environ.get("CI"), reason="Dovecot is not installed"),
]


def mail(number: int | str, more: str = "", text: str = "Halo") -> bytes:
    return (
        f"From: Ani <ani@example.com>\r\n{more}To: help@shop.example\r\nSubject: Surat {number}\r\n"
        f"Message-ID: <{number}@example.com>\r\n\r\n{text} {number}\r\n"
    ).encode()


@pytest.fixture
def server() -> Iterator[Dovecot]:
    with dovecot() as running:
        yield running


@pytest.fixture
def keeper(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], mailboxes.Keeper]]:
    """Starts one, as a process of its own would; all end with the test."""
    monkeypatch.setattr(mailboxes, "LOOK", 0.1)
    monkeypatch.setattr(mailboxes, "IDLE", 1.0)
    monkeypatch.setattr(mailboxes, "FIRST_PAUSE", 0.2)
    made: list[mailboxes.Keeper] = []

    def start() -> mailboxes.Keeper:
        made.append(mailboxes.Keeper())
        made[-1].start()
        return made[-1]

    yield start
    for one in made:
        one.end()
        one.join(5)
        for thread in one.held.values():
            thread.join(10)


def channel_of(url: str, **more: str) -> Channel:
    made = Channel(kind="email", name="Mail")
    made.put_settings(checks.complete("email", {"address": "help@shop.example", "imap_url": url, **more}))
    made.save()
    return made


def until(done: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, (list(Mailbox.objects.values()), Message.objects.count())
        time.sleep(0.05)


def session(channel: Channel) -> int:
    """One look, in this thread: how many were fetched."""
    assert mailboxes.take(channel.pk, "me")
    source = channel.adapter.open_mailbox(channel.account(), Http())
    try:
        return mailboxes.catch_up(channel, source, "me")
    finally:
        source.close()


def test_mail_is_fetched_while_the_mailbox_is_held_open(
    server: Dovecot, keeper: Callable[[], mailboxes.Keeper]
) -> None:
    server.deliver("1", mail(1))
    channel = channel_of(server.url())
    keeper()
    until(lambda: Message.objects.count() == 1)
    server.deliver("2", mail(2))
    until(lambda: Message.objects.count() == 2)
    assert set(Message.objects.values_list("external_id", flat=True)) == {"1@example.com", "2@example.com"}
    # Neither deleted nor marked as read: the flags stand in the file's name.
    names = [file.name for part in ("new", "cur") for file in (server.maildir() / part).iterdir()]
    assert len(names) == 2
    assert not any("S" in name.partition(":2,")[2] or "T" in name.partition(":2,")[2] for name in names)
    assert Mailbox.objects.get(channel=channel).error == ""


def test_a_line_that_breaks_in_a_mail_loses_and_doubles_nothing(
    server: Dovecot, keeper: Callable[[], mailboxes.Keeper]
) -> None:
    for number in range(30):
        server.deliver(str(number), mail(number, text="x" * 4000))
    line = Cutting(server.port, after=60_000)
    line.start()
    channel_of(server.url(port=line.port))
    keeper()
    until(lambda: Message.objects.count() == 30)
    assert line.cut.is_set()
    assert Envelope.objects.count() == 30


def test_a_wrong_password_is_said_in_words(server: Dovecot, keeper: Callable[[], mailboxes.Keeper]) -> None:
    server.deliver("1", mail(1))
    channel = channel_of(server.url(password="wrong"))
    held = keeper()
    until(lambda: Channel.objects.get(pk=channel.pk).last_failure != "")
    channel.refresh_from_db()
    assert "does not accept user name and password" in channel.last_failure
    assert "wrong" not in channel.last_failure
    assert channel.failure_category == "auth"
    assert held.paused[channel.pk][0] > time.monotonic() + 60, "a server that is asked too often shuts us out"
    # The right one is tried at once.
    channel.put_settings({**channel.clear_settings(), "imap_url": server.url()})
    channel.save()
    until(lambda: Message.objects.count() == 1)


def test_a_mailbox_with_five_thousand_mails_is_begun_today(server: Dovecot) -> None:
    old = time.time() - 30 * 86400
    for number in range(5000):
        server.deliver_old(f"{int(old)}.{number}", mail(number), old)
    server.own()
    server.deliver("new", mail("new"))
    channel = channel_of(server.url(), backfill_days="2")
    started = time.monotonic()
    assert session(channel) == 1
    assert time.monotonic() - started < 15
    server.deliver("newer", mail("newer"))
    assert session(channel) == 1
    assert set(Message.objects.values_list("external_id", flat=True)) == {"new@example.com", "newer@example.com"}


def test_numbers_that_begin_anew_double_nothing(server: Dovecot) -> None:
    for number in range(3):
        server.deliver(str(number), mail(number))
    channel = channel_of(server.url())
    assert session(channel) == 3
    before = Mailbox.objects.get(channel=channel)
    server.recreate()
    server.deliver("later", mail("later"))
    session(channel)
    after = Mailbox.objects.get(channel=channel)
    assert (before.uidvalidity, before.place) != (after.uidvalidity, after.place)
    assert (Message.objects.count(), Envelope.objects.count()) == (4, 4)


def test_the_same_mail_in_two_folders_and_to_two_addresses_is_one(server: Dovecot) -> None:
    server.deliver("1", mail(1))
    server.deliver("2", mail(1, more="Delivered-To: sales@shop.example\r\n"))
    server.deliver("3", mail(1), folder="Archive")
    channel = channel_of(server.url())
    session(channel)
    channel.put_settings({**channel.clear_settings(), "imap_url": server.url(folder="Archive")})
    channel.save()
    session(channel)
    assert Message.objects.count() == 1


def test_a_mail_too_large_stands_there_in_words(server: Dovecot, monkeypatch: pytest.MonkeyPatch) -> None:
    server.deliver("1", mail(1, text="x" * 200_000))
    channel = channel_of(server.url())
    monkeypatch.setattr(type(channel.adapter), "max_body", 100_000)
    assert session(channel) == 1
    message = Message.objects.get()
    assert message.ticket.subject == "Surat 1"
    assert "too large" in message.text


def test_one_process_holds_a_mailbox_and_another_takes_over(server: Dovecot) -> None:
    channel = channel_of(server.url())
    assert mailboxes.take(channel.pk, "first")
    assert not mailboxes.take(channel.pk, "second")
    assert mailboxes.take(channel.pk, "first")
    # The first one died.
    assert timedelta(seconds=60) - timedelta(seconds=mailboxes.LOOK) > mailboxes.LEASE
    Mailbox.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert mailboxes.take(channel.pk, "second")
    assert not mailboxes.take(channel.pk, "first")
    mailboxes.give_back(channel.pk, "second")
    assert mailboxes.take(channel.pk, "first")
