"""Setting up a mail channel on its pages: known providers, pieces, and trying before anything is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from agents.models import Agent
from channels_app.adapters.email import troubles
from channels_app.forms import PREFIX
from channels_app.models import Channel, Mailbox
from tests.channels_app.test_forms import typed
from tests.platforms.smtp import FakeMailServer
from tests.tickets.test_setup_channels import ROOT, sign, text  # noqa: F401 (a fixture)

Sign = Callable[[Agent], Client]


@pytest.fixture
def server() -> Iterator[FakeMailServer]:
    with FakeMailServer(user="help", password="rahasia") as found:
        yield found


def mail(**more: Any) -> dict[str, Any]:
    return typed(name="Surat", address="help@shop.example", inbound_secret="mail:x", **more)


def test_a_known_provider_fills_the_page_without_scripts(sign: Sign, ana: Agent) -> None:  # noqa: F811
    page = text(sign(ana).get(f"{ROOT}new/email/"))
    assert 'href="?preset=google"' in page
    assert "imap.gmail.com" not in page
    page = text(sign(ana).get(f"{ROOT}new/email/?preset=google"))
    assert 'value="imap.gmail.com"' in page
    assert 'value="smtp.gmail.com"' in page
    assert 'aria-current="true"' in page
    assert "myaccount.google.com" in page
    assert 'href="?preset=' not in text(sign(ana).get(f"{ROOT}new/sms/?preset=google"))


def test_it_is_tried_before_it_is_kept(sign: Sign, ana: Agent, bea: Agent, server: FakeMailServer) -> None:  # noqa: F811
    admin, path = sign(ana), f"{ROOT}new/email/try/"
    said = text(admin.post(path, mail(smtp_url=server.url)))
    assert "Sending works" in said
    said = text(admin.post(path, mail(smtp_url=server.url.replace("rahasia", "salah"))))
    assert "does not accept user name and password" in said
    assert "salah" not in said
    said = text(admin.post(path, {**mail(smtp_url=server.url), PREFIX + "smtp_url-port": "x"}))
    assert "Port: This must be a whole number" in said
    assert "once more" not in said
    assert not Channel.objects.exists()
    assert not server.taken
    assert sign(bea).post(path, mail()).status_code == 403
    assert admin.post(f"{ROOT}new/sms/try/", {}).status_code == 404
    assert admin.get(path).status_code == 405


def test_a_change_is_tried_with_the_secrets_that_are_kept(
    sign: Sign,  # noqa: F811
    ana: Agent,
    server: FakeMailServer,
) -> None:
    admin = sign(ana)
    made = admin.post(f"{ROOT}new/email/", mail(smtp_url=server.url))
    assert made.status_code == 302, text(made, 422)
    row = Channel.objects.get()
    data = {**mail(smtp_url=server.url), PREFIX + "smtp_url-password": "", PREFIX + "inbound_secret": ""}
    assert "Sending works" in text(admin.post(f"{ROOT}{row.pk}/edit/try/", data))
    before = row.clear_settings()
    # Elsewhere it goes only with a password that is typed for it.
    said = text(admin.post(f"{ROOT}{row.pk}/edit/try/", {**data, PREFIX + "smtp_url-host": "localhost"}))
    assert "address it is sent to has changed" in said
    row.refresh_from_db()
    assert row.clear_settings() == before
    assert [line for line in server.seen if line == "MAIL"] == ["MAIL"]


def test_how_the_mailbox_fares_is_told(sign: Sign, ana: Agent) -> None:  # noqa: F811
    made = sign(ana).post(f"{ROOT}new/email/", mail(imap_url="imaps://help:x@imap.shop.example"))
    assert made.status_code == 302, text(made, 422)
    row = Channel.objects.get()
    path = f"{ROOT}{row.pk}/"
    assert "mailbox cannot" not in text(sign(ana).get(path))
    box = Mailbox.objects.create(channel=row, error=f"{troubles.NO_NAME}\nName or service not known")
    page = text(sign(ana).get(path))
    assert "The mailbox cannot be looked into:" in page
    assert "There is no mail server of that name. Name or service not known" in page
    Mailbox.objects.filter(pk=box.pk).update(error="", checked_at=timezone.now())
    page = text(sign(ana).get(path))
    assert "Last looked into the mailbox" in page
    assert "cannot be looked into" not in page
