"""Signing in without a password: a real token endpoint over HTTP, a real mailbox (Dovecot) and a real mail server."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from channels_app import checks, mailboxes
from channels_app.adapters.email import checking, imap, oauth, outgoing
from channels_app.adapters.email.imap import ImapSource
from channels_app.contract import Account, DeliveryFailed, OutboundMessage
from channels_app.http import Http
from channels_app.models import Channel, Mailbox
from tests.channels_app.test_mailboxes import keeper, mail, until  # noqa: F401 (a fixture)
from tests.dovecot import USER, Dovecot, dovecot
from tests.platforms import Answer, FakePlatform, Request, answer
from tests.platforms.smtp import FakeMailServer
from tickets.models import Message

HERE = bool(shutil.which("dovecot")) or Path("/usr/sbin/dovecot").exists()
needs_dovecot = pytest.mark.skipif(not HERE and not os.environ.get("CI"), reason="Dovecot is not installed")
pytestmark = pytest.mark.django_db(transaction=True)


class Provider(FakePlatform):
    """Gives access tokens for its refresh token, and tells whoever asks (the mailbox) whether one is good."""

    def __init__(self) -> None:
        super().__init__()
        self.refresh, self.rotates, self.error, self.seconds = "refresh-1", False, "", 3600
        self.tokens: list[str] = []
        self.good: set[str] = set()

    def respond(self, request: Request) -> Answer:
        if request.path.startswith("/introspect"):
            token = request.form.get("token", request.query.get("token", [""]))[0]
            return answer(json={"active": token in self.good, "username": USER, "email": USER})
        form = {name: values[0] for name, values in request.form.items()}
        wanted = {"grant_type": "refresh_token", "client_id": "client-1", "client_secret": "hush"}
        if self.error or form != {**wanted, "refresh_token": self.refresh}:
            said = self.error or "invalid_grant"
            return answer(400, json={"error": said, "error_description": "Token has been expired or revoked."})
        token = f"access-{len(self.tokens) + 1}"
        self.tokens.append(token)
        self.good.add(token)
        more = {}
        if self.rotates:
            self.refresh = f"refresh-{len(self.tokens) + 1}"
            more = {"refresh_token": self.refresh}
        return answer(json={"access_token": token, "token_type": "Bearer", "expires_in": self.seconds, **more})


@pytest.fixture
def provider() -> Iterator[Provider]:
    oauth.forget()
    with Provider() as found:
        yield found
    oauth.forget()


@pytest.fixture
def server(provider: Provider) -> Iterator[Dovecot]:
    with dovecot(introspection=f"{provider.url}/introspect") as found:
        yield found


@pytest.fixture
def outbox(provider: Provider) -> Iterator[FakeMailServer]:
    """Takes an access token alone."""
    with FakeMailServer(user=USER, tokens=provider.good) as found:
        yield found


def settings(provider: Provider, **more: str) -> dict[str, str]:
    return {
        "address": USER, "inbound_secret": "mail:x", "oauth_token_url": f"{provider.url}/token",
        "oauth_client_id": "client-1", "oauth_client_secret": "hush", "oauth_refresh_token": "refresh-1", **more,
    }  # fmt: skip


def account(provider: Provider, keep: Callable[[Any], None] = lambda values: None, **more: str) -> Account:
    return Account(id=1, kind="email", name="Toko", settings=settings(provider, **more), keep=keep)


def http(provider: Provider) -> Http:
    return Http.trusting(f"{provider.url}/token")


def without_password(server: Dovecot) -> str:
    return f"imap://{USER.replace('@', '%40')}@127.0.0.1:{server.port}/INBOX"


def refusal(account_: Account, http_: Http) -> DeliveryFailed:
    with pytest.raises(DeliveryFailed) as found:
        oauth.access_token(account_, http_, fresh=True)
    for secret in ("hush", "refresh-1", "access-"):
        assert secret not in f"{found.value.title} {found.value.detail}"
    return found.value


# ── Tokens ───────────────────────────────────────────────────────────────────────────────────


def test_a_token_is_asked_for_once_an_hour(provider: Provider) -> None:
    box = account(provider)
    assert [oauth.access_token(box, http(provider)) for _ in range(3)] == ["access-1"] * 3
    assert oauth.access_token(box, http(provider), fresh=True) == "access-2"
    assert oauth.access_token(box, http(provider)) == "access-2"
    assert len(provider.requests) == 2
    other = account(provider, oauth_client_id="client-2")
    with pytest.raises(DeliveryFailed):
        oauth.access_token(other, http(provider))


def test_a_token_that_ends_soon_is_not_used_long(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic()
    monkeypatch.setattr(oauth.time, "monotonic", lambda: now)
    box = account(provider)
    oauth.access_token(box, http(provider))
    monkeypatch.setattr(oauth.time, "monotonic", lambda: now + provider.seconds - 60)
    assert oauth.access_token(box, http(provider)) == "access-2"


def test_a_new_refresh_token_takes_the_old_ones_place(provider: Provider) -> None:
    provider.rotates = True
    row = Channel(kind="email", name="Mail")
    row.put_settings(checks.complete("email", settings(provider)))
    row.save()
    before, named = row.clear_settings(), row.settled()
    assert oauth.access_token(row.account(), http(provider)) == "access-1"
    row.refresh_from_db()
    assert row.clear_settings() == {**before, "oauth_refresh_token": "refresh-2"}
    assert row.settled() == named, "no administrator has changed anything"
    assert oauth.access_token(row.account(), http(provider)) == "access-1", "it is known under the new one too"
    assert oauth.access_token(row.account(), http(provider), fresh=True) == "access-2"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("invalid_grant", oauth.GONE), ("invalid_client", oauth.WRONG_CLIENT),
        ("unauthorized_client", oauth.WRONG_CLIENT), ("invalid_scope", oauth.WRONG_ASKED),
        ("something_new", oauth.REFUSED),
    ],
)  # fmt: skip
def test_each_refusal_says_what_to_do(provider: Provider, error: str, words: str) -> None:
    provider.error = error
    found = refusal(account(provider), http(provider))
    assert (found.title, found.category, found.permanent) == (words, "auth", True)


def test_a_provider_that_is_down_is_asked_again(provider: Provider) -> None:
    provider.will(503)
    assert not refusal(account(provider), http(provider)).permanent
    provider.will(200, body="<html>")
    assert refusal(account(provider), http(provider)).permanent
    provider.will(drop=True)
    assert not refusal(account(provider), http(provider)).permanent
    found = refusal(account(provider, oauth_token_url=""), http(provider))
    assert found.title == oauth.NO_ADDRESS


def test_a_private_address_is_asked_only_where_an_administrator_set_it(provider: Provider) -> None:
    assert not refusal(account(provider), Http()).permanent
    assert not provider.requests


# ── The mailbox ──────────────────────────────────────────────────────────────────────────────


@needs_dovecot
def test_a_mailbox_opens_with_a_token(server: Dovecot, provider: Provider) -> None:
    server.deliver("1", mail(1))
    source = ImapSource(account(provider, imap_url=without_password(server)), http(provider))
    try:
        assert len(source.waiting(0, None)) == 1
    finally:
        source.close()
    # One that was taken back before its time is replaced, once.
    provider.good.clear()
    ImapSource(account(provider, imap_url=without_password(server)), http(provider)).close()
    assert provider.tokens == ["access-1", "access-2"]


@needs_dovecot
def test_a_token_that_is_not_taken_is_said(
    server: Dovecot, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider, "good", _Never())
    box = account(provider, imap_url=without_password(server), smtp_url="")
    with pytest.raises(DeliveryFailed) as found:
        ImapSource(box, http(provider))
    assert (found.value.title, found.value.permanent) == (imap.WRONG, True)
    assert "access-" not in found.value.detail


class _Never(set[str]):
    def __contains__(self, _item: object) -> bool:
        return False


@needs_dovecot
def test_permission_that_was_taken_back_is_told_on_the_channel(
    server: Dovecot,
    provider: Provider,
    keeper: Callable[[], mailboxes.Keeper],  # noqa: F811
) -> None:
    server.deliver("1", mail(1))
    row = Channel(kind="email", name="Mail")
    row.put_settings(checks.complete("email", settings(provider, imap_url=without_password(server))))
    row.save()
    provider.error = "invalid_grant"
    provider.rotates = True
    held = keeper()
    until(lambda: Channel.objects.get(pk=row.pk).last_failure != "")
    row.refresh_from_db()
    assert oauth.GONE in row.last_failure
    assert row.failure_category == "auth"
    assert oauth.GONE in Mailbox.objects.get(channel=row).error
    until(lambda: row.pk in held.paused)
    assert held.paused[row.pk][0] > time.monotonic() + 60
    # Connected again: tried at once, and a refresh token that renews itself ends no session.
    provider.error = ""
    row.put_settings({**row.clear_settings(), "oauth_client_id": "client-1", "backfill_days": "3"})
    row.save()
    until(lambda: Message.objects.count() == 1)
    server.deliver("2", mail(2))
    until(lambda: Message.objects.count() == 2)
    assert provider.tokens == ["access-1"]
    assert Channel.objects.get(pk=row.pk).failure_category == ""


# ── Sending ──────────────────────────────────────────────────────────────────────────────────


def smtp_url(outbox: FakeMailServer) -> str:
    return f"smtp://{USER.replace('@', '%40')}@127.0.0.1:{outbox.port}?tls=off"


def test_mail_goes_out_with_a_token(outbox: FakeMailServer, provider: Provider) -> None:
    box = account(provider, smtp_url=smtp_url(outbox))
    message = OutboundMessage(key="7", to="dora@mail.example", text="Halo")
    outgoing.send(box, message, http(provider))
    assert outbox.wait()[0].recipients == ["dora@mail.example"]
    provider.good.clear()
    outgoing.send(box, message, http(provider))
    assert len(outbox.wait(2)) == 2
    assert provider.tokens == ["access-1", "access-2"]
    (line,) = checking.sending(box, http(provider))
    assert line.ok
    provider.good.clear()
    provider.error = "invalid_grant"
    with pytest.raises(DeliveryFailed) as found:
        outgoing.send(box, message, http(provider))
    assert (found.value.title, found.value.category, found.value.permanent) == (oauth.GONE, "auth", True)
    (line,) = checking.sending(box, http(provider))
    assert oauth.GONE in str(line.words)
    assert json.dumps(str(line.words)).count("access-") == 0


def test_a_password_comes_before_a_token(provider: Provider) -> None:
    with FakeMailServer(user="help", password="rahasia") as other:
        box = account(provider, smtp_url=other.url)
        outgoing.send(box, OutboundMessage(key="7", to="dora@mail.example", text="Halo"), http(provider))
        assert other.wait()
    assert not provider.requests
