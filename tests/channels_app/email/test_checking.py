"""Trying a mail channel: each thing that goes wrong is said in words that help, and no password is ever among them."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from channels_app.adapters.email import checking, smtp, troubles
from channels_app.contract import Account
from channels_app.http import Http
from tests.dovecot import PASSWORD, Dovecot, dovecot
from tests.platforms.smtp import FakeMailServer

needs_dovecot = pytest.mark.skipif(
    not (shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin")), reason="Dovecot is not installed"
)


def account(**settings: Any) -> Account:
    return Account(id=1, kind="email", name="Toko", settings={"address": "help@shop.example", **settings})


def words(**settings: Any) -> str:
    """Of the one line that does not work."""
    found = [line for line in checking.lines(account(**settings), Http()) if not line.ok]
    assert len(found) == 1, found
    assert "rahasia" not in str(found[0].words)
    return str(found[0].words)


@contextmanager
def says(*lines: bytes) -> Iterator[int]:
    """A server that says one line after another, whatever it hears; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    line, _ = listening.accept()
                    with line:
                        for one in lines:
                            line.sendall(one)
                            if not line.recv(4096):
                                break

        threading.Thread(target=serve, daemon=True).start()
        yield int(listening.getsockname()[1])


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with dovecot() as found:
        yield found


@pytest.fixture
def outbox() -> Iterator[FakeMailServer]:
    with FakeMailServer(user="help", password="rahasia") as found:
        yield found


@needs_dovecot
def test_both_ways_work_and_say_so(server: Dovecot, outbox: FakeMailServer) -> None:
    lines = checking.lines(account(imap_url=server.url(), smtp_url=outbox.url), Http())
    assert [line.ok for line in lines] == [True, True]
    assert f"127.0.0.1:{server.port}" in str(lines[0].words)
    assert f"127.0.0.1:{outbox.port}" in str(lines[1].words)
    assert not outbox.taken, "nothing is sent"


@needs_dovecot
def test_one_way_broken_does_not_hide_the_other(server: Dovecot, outbox: FakeMailServer) -> None:
    lines = checking.lines(account(imap_url=server.url(), smtp_url="smtp://127.0.0.1:9"), Http())
    assert [line.ok for line in lines] == [True, False]
    lines = checking.lines(account(imap_url="imaps://a:b@127.0.0.1:9", smtp_url=outbox.url), Http())
    assert [line.ok for line in lines] == [False, True]


def test_a_name_that_is_nobodys(outbox: FakeMailServer) -> None:
    assert troubles.NO_NAME in words(imap_url="imaps://a:rahasia@imap.nowhere.invalid", smtp_url=outbox.url)
    assert troubles.NO_NAME in words(smtp_url="smtps://a:rahasia@smtp.nowhere.invalid")


def test_a_port_where_nobody_is(outbox: FakeMailServer) -> None:
    assert troubles.NOBODY_THERE in words(imap_url="imaps://a:rahasia@127.0.0.1:9", smtp_url=outbox.url)
    assert troubles.NOBODY_THERE in words(smtp_url="smtp://a:rahasia@127.0.0.1:9")


def test_tls_where_there_is_none(outbox: FakeMailServer) -> None:
    with says(b"* OK ready\r\n", b"") as port:
        found = words(imap_url=f"imaps://a:rahasia@127.0.0.1:{port}", smtp_url=outbox.url)
    assert troubles.NO_TLS_THERE in found
    assert troubles.NO_TLS_THERE in words(smtp_url=f"smtps://a:rahasia@127.0.0.1:{outbox.port}")


@needs_dovecot
def test_a_wrong_password_and_a_folder_that_is_not_there(server: Dovecot, outbox: FakeMailServer) -> None:
    found = words(imap_url=server.url(password="wrong"), smtp_url=outbox.url)
    assert "does not accept user name and password" in found
    assert PASSWORD not in found
    server.deliver("1", b"Subject: x\r\n\r\n", folder="Archive")
    found = words(imap_url=server.url(folder="Nowhere"), smtp_url=outbox.url)
    assert "no such folder" in found
    assert "Archive" in found, "it names those that there are"
    found = words(smtp_url=outbox.url.replace("rahasia", "wrong"))
    assert smtp.NO_LOGIN in found


def test_a_sender_that_is_refused(outbox: FakeMailServer) -> None:
    outbox.answers["MAIL"] = "553 5.7.1 Sender address rejected: not owned by user"
    found = words(smtp_url=outbox.url)
    assert smtp.NO_SENDER in found
    assert "not owned by user" in found


def test_a_channel_that_cannot_send_says_so() -> None:
    assert "No mail server" in words(smtp_url="")


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        (b"[ALERT] Application-specific password required: https://support", troubles.APP_PASSWORD),
        (b"[ALERT] Your account is not enabled for IMAP use.", troubles.NO_IMAP),
        (b"You are yet to enable IMAP for your account.", troubles.NO_IMAP),
        (b"[ALERT] Please log in via your web browser: https://", troubles.BROWSER_FIRST),
        (b"[ALERT] Too many simultaneous connections.", troubles.TOO_MANY),
        (b"LOGIN failed: BasicAuthBlocked", troubles.ONLY_OAUTH),
    ],
)
def test_what_providers_say_about_a_mailbox(answer: bytes, meant: str, outbox: FakeMailServer) -> None:
    with _imap(answer) as port:
        assert meant in words(imap_url=f"imap://a:rahasia@127.0.0.1:{port}", smtp_url=outbox.url)


@contextmanager
def _imap(refusal: bytes) -> Iterator[int]:
    """Speaks as much IMAP as a login that is refused needs."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):
                line, _ = listening.accept()
                with line, line.makefile("rb") as said:
                    line.sendall(b"* OK ready\r\n")
                    for heard in said:
                        tag, _, command = heard.partition(b" ")
                        if command.upper().startswith(b"CAPABILITY"):
                            line.sendall(b"* CAPABILITY IMAP4rev1\r\n" + tag + b" OK done\r\n")
                        elif command.upper().startswith(b"LOGIN"):
                            line.sendall(tag + b" NO " + refusal + b"\r\n")
                        else:
                            line.sendall(b"* BYE\r\n" + tag + b" OK done\r\n")

        threading.Thread(target=serve, daemon=True).start()
        yield int(listening.getsockname()[1])


@pytest.mark.parametrize(
    ("host", "said", "meant"),
    [
        ("imap.gmail.com", "[AUTHENTICATIONFAILED] Invalid credentials", troubles.APP_PASSWORD),
        ("smtp.mail.yahoo.com", "535 5.7.0", troubles.APP_PASSWORD),
        ("imap.mail.me.com", "", troubles.APP_PASSWORD),
        ("outlook.office365.com", "LOGIN failed.", troubles.ONLY_OAUTH),
        ("smtp.office365.com", "5.7.139 SmtpClientAuthentication is disabled for the Tenant", troubles.NO_SENDING),
        ("mail.shop.example", "Authentication failed.", ""),
        ("notgmail.com", "Authentication failed.", ""),
    ],
)
def test_what_is_known_of_a_provider(host: str, said: str, meant: str) -> None:
    assert troubles.hint(host, said) == meant


def test_a_provider_stands_in_for_the_mail_server() -> None:
    (line,) = checking.lines(account(provider="brevo", provider_key="rahasia"), Http())
    assert line.ok
    assert "Brevo" in str(line.words)
    assert "rahasia" not in str(line.words)
