"""The demo desk: made once, the same keys at every call, and as true as what people would have written."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from agents.models import Agent, Token
from channels_app import registry
from channels_app.models import Channel, Envelope
from customers.models import Customer
from hub import demo
from hub.demo import files, people, playing, stories
from hub.stamp import BASE_DIR
from tickets.models import Activity, Attachment, Message, Part, Ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def empty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the conversations, which take a second or two."""
    monkeypatch.setattr(playing, "play", lambda channels, agents: None)


def told(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("demo", "--json", *arguments, stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def settings_of(found: dict[str, Any], kind: str) -> dict[str, Any]:
    values: dict[str, Any] = next(one["settings"] for one in found["channels"] if one["kind"] == kind)
    return values


# ── What is told ─────────────────────────────────────────────────────────────────────────────


def test_json_alone_on_stdout_and_of_the_promised_shape(empty: None, capfd: pytest.CaptureFixture[str]) -> None:
    call_command("demo", "--json")
    found = json.loads(capfd.readouterr().out)
    assert set(found) == {"url", "agents", "channels"}
    ana, bea, carl = found["agents"][:3]
    for one in found["agents"]:
        assert set(one) == {"id", "name", "email", "password", "token", "role", "team"}
        assert set(one["team"]) == {"id", "name"}
    assert [(one["name"], one["role"]) for one in (ana, bea, carl)] == [
        ("Ana", "admin"), ("Bea", "agent"), ("Carl", "agent"),
    ]  # fmt: skip
    assert ana["team"] == bea["team"] != carl["team"]
    assert [one["kind"] for one in found["channels"]] == registry.kinds()
    for one in found["channels"]:
        assert set(one) == {"id", "kind", "name", "team", "webhook_url", "settings"}
        assert one["team"] == ana["team"]
        if registry.adapter(one["kind"]).has_webhook:
            assert one["webhook_url"] == f"{found['url']}/webhooks/{one['id']}/"


def test_a_second_call_tells_the_same_and_makes_nothing(empty: None) -> None:
    first = told()
    before = (Agent.objects.count(), Channel.objects.count(), Token.objects.count())
    assert told() == first
    assert (Agent.objects.count(), Channel.objects.count(), Token.objects.count()) == before


def test_the_keys_open_the_doors_and_none_is_kept_in_clear(empty: None) -> None:
    found = told()
    for one in found["agents"]:
        agent = Agent.objects.get(pk=one["id"])
        validate_password(one["password"], agent)
        assert agent.check_password(one["password"])
        assert Token.objects.valid().get(digest=Token.digest_of(one["token"])).agent == agent
        assert one["token"].startswith("plg_")
    assert len(base64.b64decode(settings_of(found, "webhook")["secret"].removeprefix("whsec_"))) >= 24
    assert len(settings_of(found, "sms")["account_sid"]) == 34
    for channel in Channel.objects.all():
        clear = channel.clear_settings()
        for field in channel.adapter.fields:
            assert (
                not clear.get(field.name)
                or not field.secret
                or clear[field.name] not in f"{channel.public_settings}{channel.sealed_settings}"
            )


def test_another_installation_has_other_keys(empty: None, settings: Any) -> None:
    first = [(one.password, one.token) for one in people.PEOPLE]
    settings.SECRET_KEY = "another installation's"
    assert not set(first) & {(one.password, one.token) for one in people.PEOPLE}


# ── What people change stays changed ─────────────────────────────────────────────────────────


def test_a_changed_password_stays_and_is_said(empty: None, capsys: pytest.CaptureFixture[str]) -> None:
    first = told()
    assert demo.sign_in() == (first["agents"][0]["email"], first["agents"][0]["password"])
    ana = Agent.objects.get(name="Ana")
    ana.set_password("something of my own")
    ana.save()
    assert told() == first
    assert "ana@pelanggan.example" in capsys.readouterr().err
    assert demo.sign_in() is None
    ana.refresh_from_db()
    assert ana.check_password("something of my own")


def test_a_revoked_token_stays_revoked_and_is_said(empty: None, capsys: pytest.CaptureFixture[str]) -> None:
    key = told()["agents"][1]["token"]
    Token.objects.get(digest=Token.digest_of(key)).revoke()
    told()
    assert "bea@pelanggan.example: the token was revoked" in capsys.readouterr().err
    assert not Token.objects.valid().filter(digest=Token.digest_of(key)).exists()


def test_a_password_that_was_hashed_anew_is_still_known(empty: None) -> None:
    told()
    ana = Agent.objects.get(name="Ana")
    ana.set_password(people.PEOPLE[0].password)
    ana.save()
    assert demo.sign_in() is not None


# ── Where the channels talk to ───────────────────────────────────────────────────────────────


def test_the_platform_url_leads_all_channels_there_until_another_is_given(empty: None) -> None:
    before = told()
    assert settings_of(before, "webhook")["reply_url"] == ""
    assert settings_of(before, "sms")["mode"] == "stub"
    there = told("--platform-url", "http://127.0.0.1:4999/")
    assert settings_of(there, "webhook")["reply_url"] == "http://127.0.0.1:4999/reply/"
    assert settings_of(there, "sms")["base_url"] == "http://127.0.0.1:4999"
    assert settings_of(there, "sms")["mode"] == "live"
    assert settings_of(there, "webhook")["secret"] == settings_of(before, "webhook")["secret"]
    assert told() == there
    assert settings_of(told("--platform-url", "http://localhost:5000"), "sms")["base_url"] == "http://localhost:5000"
    assert told("--platform-url", "") == before


def test_a_platform_url_that_is_none_is_refused(empty: None) -> None:
    before = told()
    with pytest.raises(CommandError):
        told("--platform-url", "nonsense")
    assert told() == before


def test_an_smtp_url_is_for_channels_that_have_one(empty: None) -> None:
    assert told("--smtp-url", "smtp://127.0.0.1:2525") == told()


# ── Where there must be none ─────────────────────────────────────────────────────────────────


def test_production_refuses(settings: Any) -> None:
    settings.PRODUCTION = True
    with pytest.raises(CommandError):
        told()
    assert demo.sign_in() is None
    assert not Agent.objects.exists()


def test_production_refuses_in_one_line(tmp_path: Path) -> None:
    unwanted = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY")
    outer = {name: value for name, value in os.environ.items() if name not in unwanted}
    safe = {"SECRET_KEY": os.urandom(30).hex(), "PUBLIC_URL": "https://hub.example", "ALLOWED_HOSTS": "hub.example"}
    for more in ({}, safe):
        here = {**outer, "HUB_ENV": "production", "VAR_DIR": str(tmp_path), **more}
        command = [sys.executable, "manage.py", "demo", "--json"]
        ended = subprocess.run(command, cwd=BASE_DIR, env=here, capture_output=True, text=True, check=False)
        assert ended.returncode != 0
        assert ended.stdout == ""
        assert len(ended.stderr.splitlines()) == 1
        assert "HUB_ENV=production" in ended.stderr


# ── Two at once ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.django_db(transaction=True)
def test_two_at_once_make_it_once() -> None:
    made: list[dict[str, Any]] = []

    def run() -> None:
        try:
            made.append(demo.make().as_json())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 2
    assert made[0] == made[1]
    assert Ticket.objects.count() == len(stories.read(timezone.now()))
    assert Agent.objects.count() == len(people.PEOPLE)


# ── The conversations ────────────────────────────────────────────────────────────────────────


def test_the_desk_is_lifelike_and_true(work: Callable[[], None]) -> None:
    """One desk for all that is asked of it: it takes a second or two to make."""
    desk = demo.make()
    of_many_kinds()
    times_are_past_and_in_order()
    tickets_say_who_waits()
    replies_look_as_delivery_leaves_them()
    only_their_team_sees_them(desk)
    before = (Activity.objects.count(), Message.objects.count())
    work()
    assert (Activity.objects.count(), Message.objects.count()) == before
    Ticket.objects.all().delete()
    assert not demo.make().is_new, "who has tidied up does not want it back"
    assert not Ticket.objects.exists()


def of_many_kinds() -> None:
    assert 36 <= Ticket.objects.count() <= 48
    assert set(Customer.objects.values_list("language", flat=True)) == {"id", "ms", "th", "en"}
    assert {ticket.channel.kind for ticket in Ticket.objects.all()} == {"webhook", "sms", "sandbox"}
    assert set(Ticket.objects.values_list("status", flat=True)) == {"open", "snoozed", "resolved"}
    assert set(Ticket.objects.values_list("priority", flat=True)) == {"low", "normal", "high", "urgent"}
    assert {"delivered", "read", "failed", "received", "sent"} == set(Message.objects.values_list("status", flat=True))
    kinds = set(Attachment.objects.values_list("kind", flat=True))
    assert {"image", "voice", "file", "location", "contact"} <= kinds
    assert not Attachment.objects.exclude(state="stored").exists()
    assert not Message.objects.filter(next_attempt_at__isnull=False).exists()
    for row in Attachment.objects.exclude(file=""):
        assert default_storage.exists(row.file.name)
    assert Message.objects.filter(edited_at__isnull=False).count() >= 2
    assert Message.objects.filter(deleted_at__isnull=False, text="").exists()
    assert Message.objects.filter(postback__isnull=False).exists()
    assert any(message.reactions for message in Message.objects.all())
    assert Message.objects.filter(reply_to__isnull=False).exists()
    assert Ticket.objects.filter(previous__isnull=False).exists()
    assert not Ticket.objects.filter(subject="").exists()
    failed = Message.objects.get(status="failed")
    assert failed.error is not None
    assert failed.error["retryable"]


def times_are_past_and_in_order() -> None:
    now = timezone.now()
    lines = list(Activity.objects.order_by("seq"))
    assert all(earlier.at <= later.at <= now for earlier, later in pairwise(lines))
    assert lines[0].at < now - timedelta(days=12)
    for ticket in Ticket.objects.all():
        first, last = (ticket.messages.order_by(order).first() for order in ("at", "-at"))
        assert first is not None
        assert last is not None
        assert ticket.created_at == first.created_at <= last.created_at <= ticket.updated_at <= now
        assert ticket.updated_at == Activity.objects.get(seq=ticket.seq).at
        assert ticket.snoozed_until is None or ticket.snoozed_until > now
    for message in Message.objects.all():
        assert message.at == message.created_at
        assert message.sent_at in (None, message.at)
    assert not Envelope.objects.filter(received_at__gt=now).exists()
    assert not Customer.objects.filter(created_at__gt=now - timedelta(minutes=5)).exists()


def tickets_say_who_waits() -> None:
    for ticket in Ticket.objects.all():
        talk = list(ticket.messages.exclude(direction="note").order_by("at", "pk"))
        incoming = [message for message in talk if message.direction == "in"]
        answered = max((place for place, message in enumerate(talk) if message.direction == "out"), default=-1)
        waiting = talk[answered + 1 :]
        assert ticket.last_inbound_at == incoming[-1].created_at
        assert ticket.last_direction == talk[-1].direction
        if ticket.status == "resolved":
            assert ticket.waiting_since is None
            assert ticket.resolved_at is not None
        else:
            assert ticket.waiting_since == (waiting[0].created_at if waiting else None)


def replies_look_as_delivery_leaves_them() -> None:
    for message in Message.objects.filter(direction="out"):
        part = Part.objects.get(message=message)
        assert part.status == message.status
        assert part.external_id == message.external_id
        assert (part.external_id is None) == (message.status == "failed")


def only_their_team_sees_them(desk: demo.Made) -> None:
    assert not Ticket.objects.visible_to(desk.people["Carl"]).exists()
    assert not Message.objects.visible_to(desk.people["Carl"]).exists()
    for name in ("Ana", "Bea", "Lina"):
        assert Ticket.objects.visible_to(desk.people[name]).count() == Ticket.objects.count()


@pytest.mark.parametrize("clock", ["00:00", "03:30", "12:00", "23:59"])
def test_no_story_reaches_into_the_future_at_any_hour(clock: str) -> None:
    hour, minute = map(int, clock.split(":"))
    now = datetime(2026, 3, 14, hour, minute, tzinfo=stories.SHOP_TIME)
    for story in stories.read(now):
        assert story.steps[-1].at <= now, story.customer


def test_every_file_is_what_its_name_says() -> None:
    starts = {"png": b"\x89PNG\r\n\x1a\n", "pdf": b"%PDF-1.4", "mp3": b"\xff\xf3"}
    names = {step.file for story in stories.read(timezone.now()) for step in story.steps if step.file}
    assert {name.rpartition(".")[2] for name in names} == set(starts)
    for name in names:
        assert files.make(name).startswith(starts[name.rpartition(".")[2]])


# ── The door ─────────────────────────────────────────────────────────────────────────────────


def test_the_printed_password_signs_in(empty: None, client: Client) -> None:
    ana = told()["agents"][0]
    client.post(reverse("account_login"), {"login": ana["email"], "password": ana["password"]})
    assert client.session["_auth_user_id"] == str(ana["id"])
