"""Invitations: one link, one account, one week; what the database has opens nothing."""

from __future__ import annotations

import re
import smtplib
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection
from django.test import Client
from django.utils import timezone

from agents import invitations, staff
from agents.models import Agent, Invitation, Team
from tests.conftest import PASSWORD

GITA = {"email": "Gita@Example.com", "name": "Gita", "role": "agent"}
LINK = re.compile(r'value="(http[^"]*/invitations/[^"]+/)"')
GIVEN = {"name": "Gita S.", "password": "gula aren 2026", "language": "ms"}


def client_of(agent: Agent) -> Client:
    client = Client()
    client.force_login(agent)
    return client


@pytest.fixture
def as_ana(ana: Agent) -> Client:
    return client_of(ana)


def invited(by: Agent, team: Team | None = None, role: str = "agent", email: str = "gita@example.com") -> str:
    """The address of the page that a link opens."""
    teams = [team.pk] if team else []
    _row, key = invitations.invite(by, email=email, name="Gita", role=role, teams=teams)
    return f"/invitations/{key}/"


def path_in(page: str) -> str:
    found = LINK.search(page)
    assert found, page
    return "/invitations/" + found[1].partition("/invitations/")[2]


# ── Make ─────────────────────────────────────────────────────────────────────────────────────


def test_invite_and_accept(as_ana: Client, ana: Agent, north: Team) -> None:
    answer = as_ana.post("/settings/agents/invite/", {**GITA, "role": "lead", "teams": [north.pk]})
    assert answer.headers["Cache-Control"] == "no-store"
    path = path_in(answer.content.decode())
    assert path not in as_ana.get("/settings/agents/").content.decode()
    stranger = Client()
    assert "Ana" in stranger.get(path).content.decode()
    done = stranger.post(path, GIVEN)
    assert done.headers["Location"] == "/"
    agent = Agent.objects.get(email="gita@example.com")
    assert (agent.name, agent.role, agent.language, list(agent.teams.all())) == ("Gita S.", "lead", "ms", [north])
    assert agent.check_password("gula aren 2026")
    assert stranger.get("/settings/profile/").status_code == 200
    assert Client().login(email="gita@example.com", password="gula aren 2026")


def test_only_a_hash_is_kept(ana: Agent) -> None:
    key = invited(ana).removeprefix("/invitations/").removesuffix("/")
    values = str(Invitation.objects.values().get())
    for part in (key, key.partition(":")[0], key.partition(":")[2]):
        assert part not in values


def test_one_open_invitation_per_address(as_ana: Client, ana: Agent, bea: Agent) -> None:
    invited(ana)
    assert "open already" in as_ana.post("/settings/agents/invite/", GITA).content.decode()
    Agent.objects.filter(pk=bea.pk).update(is_active=False)
    answer = as_ana.post("/settings/agents/invite/", {**GITA, "email": "BEA@example.com"})
    assert "closed account" in answer.content.decode()
    answer = as_ana.post("/settings/agents/invite/", {**GITA, "email": ana.email})
    assert answer.status_code == 422
    assert 'id="id_email_error"' in answer.content.decode()
    assert Invitation.objects.count() == 1


def test_one_that_is_too_old_makes_room(as_ana: Client, ana: Agent) -> None:
    old = invited(ana)
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert Client().get(old).status_code == 410
    assert as_ana.post("/settings/agents/invite/", GITA).status_code == 200
    assert Invitation.objects.open().count() == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", ""), ("email", "x"), ("email", "x" * 300 + "@example.com"), ("email", "gi\0ta@example.com"),
        ("email", "a@example.com\nBcc: b@example.com"), ("name", ""), ("name", "x" * 1_000_000),
        ("name", "a" + "\u0301" * 500), ("role", "king"), ("teams", ["1" * 40]), ("teams", ["x"]), ("teams", ["\0"]),
    ],
)  # fmt: skip
def test_what_is_no_invitation(as_ana: Client, north: Team, field: str, value: Any) -> None:
    answer = as_ana.post("/settings/agents/invite/", {**GITA, field: value})
    assert answer.status_code == 422
    assert 'class="error"' in answer.content.decode()
    assert not Invitation.objects.exists()


# ── The letter ───────────────────────────────────────────────────────────────────────────────


def test_the_letter(as_ana: Client) -> None:
    page = as_ana.post("/settings/agents/invite/", GITA).content.decode()
    assert "is on its way" in page
    letter = mail.outbox[0]
    assert letter.to == ["gita@example.com"]
    assert path_in(page) in letter.body
    assert letter.subject == "Ana invites you to Pelanggan"


def test_a_letter_that_is_not_taken_leaves_a_good_link(as_ana: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Any, messages: Any) -> int:
        raise smtplib.SMTPServerDisconnected("gone")

    monkeypatch.setattr(EmailBackend, "send_messages", refuse)
    page = as_ana.post("/settings/agents/invite/", GITA).content.decode()
    assert "did not take the letter" in page
    assert Client().get(path_in(page)).status_code == 200


def test_without_a_mail_server_nothing_is_printed(as_ana: Client, settings: Any, capsys: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    page = as_ana.post("/settings/agents/invite/", GITA).content.decode()
    assert "sends no mail" in page
    assert path_in(page) not in capsys.readouterr().out


# ── The link ─────────────────────────────────────────────────────────────────────────────────


def test_a_link_is_good_once(ana: Agent) -> None:
    path = invited(ana)
    assert Client().post(path, GIVEN).status_code == 302
    for again in (Client().get(path), Client().post(path, GIVEN)):
        assert again.status_code == 410
        assert "used already" in again.content.decode()
    assert Agent.objects.filter(email="gita@example.com").count() == 1


def test_a_link_that_was_replaced_or_withdrawn(as_ana: Client, ana: Agent) -> None:
    old = invited(ana)
    row = Invitation.objects.get()
    door = f"/settings/agents/invitations/{row.pk}"
    assert 'id="ask"' in as_ana.get(f"{door}/link/").content.decode()
    new = path_in(as_ana.post(f"{door}/link/").content.decode())
    assert "replaced" in Client().get(old).content.decode()
    assert Client().get(new).status_code == 200
    as_ana.post(f"{door}/revoke/")
    answer = Client().post(new, GIVEN)
    assert answer.status_code == 410
    assert "withdrawn" in answer.content.decode()
    page = as_ana.post(f"{door}/link/", follow=True).content.decode()
    assert "has been withdrawn meanwhile" in page
    assert not Agent.objects.filter(email="gita@example.com").exists()


def test_a_renewed_link_is_good_for_another_week(ana: Agent) -> None:
    invited(ana)
    Invitation.objects.update(expires_at=timezone.now() - timedelta(days=1))
    key = invitations.renew(Invitation.objects.get(), ana)
    assert Client().get(f"/invitations/{key}/").status_code == 200


@pytest.mark.parametrize("key", ["x", "x:y", ":", "%00", "a" * 5000, "%F0%9F%92%A9", "%ff%fe", "1:1:1"])
def test_a_forged_link(ana: Agent, key: str) -> None:
    invited(ana)
    for answer in (Client().get(f"/invitations/{key}/"), Client().post(f"/invitations/{key}/", GIVEN)):
        assert answer.status_code == 404
        assert "Traceback" not in answer.content.decode()


def test_a_changed_character_is_forged(ana: Agent) -> None:
    path = invited(ana)
    changed = path.replace(path[20], "A" if path[20] != "A" else "B", 1)
    assert Client().get(changed).status_code == 404


def test_it_falls_with_whoever_invited(ana: Agent, lena: Agent, north: Team, south: Team) -> None:
    path = invited(lena, north)
    assert Client().get(path).status_code == 200
    lena.teams.set([south])
    assert Client().get(path).status_code == 410
    lena.teams.set([north])
    staff.change(lena.pk, role="agent")
    assert Client().get(path).status_code == 410
    page = client_of(ana).get("/settings/agents/").content.decode()
    assert "may not invite any more" in page
    # An administrator who makes a new link answers for it.
    key = invitations.renew(Invitation.objects.get(), ana)
    assert Client().get(f"/invitations/{key}/").status_code == 200
    other = Agent.objects.create_user("root@example.com", PASSWORD, name="Root", role="admin")
    staff.change(ana.pk, is_active=False)
    assert Client().get(f"/invitations/{key}/").status_code == 410
    assert other.is_active


def test_someone_who_is_signed_in_is_told(ana: Agent, bea: Agent) -> None:
    path = invited(ana)
    browser = client_of(bea)
    for answer in (browser.get(path), browser.post(path, GIVEN)):
        assert answer.status_code == 409
        assert "You are signed in as" in answer.content.decode()
    assert Client().get(path).status_code == 200


def test_the_address_was_given_away_meanwhile(ana: Agent) -> None:
    path = invited(ana)
    Agent.objects.create_user("GITA@example.com", PASSWORD, name="Other")
    answer = Client().post(path, GIVEN)
    assert answer.status_code == 409
    assert "account with this address already" in answer.content.decode()


def test_a_team_that_is_gone_by_then(ana: Agent, north: Team, south: Team) -> None:
    _row, key = invitations.invite(ana, email="g@example.com", name="G", role="agent", teams=[north.pk, south.pk])
    south.delete()
    Client().post(f"/invitations/{key}/", GIVEN)
    assert list(Agent.objects.get(email="g@example.com").teams.all()) == [north]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("password", "kurz"), ("password", "1234567890"), ("password", "password123"), ("password", "x" * 1_000_000),
        ("password", "gita@example.com"), ("password", ""), ("password", "geheim \0 geheim"), ("name", ""),
        ("name", "x" * 1_000_000), ("language", "xx"), ("language", ""),
    ],
)  # fmt: skip
def test_what_makes_no_account(ana: Agent, field: str, value: str) -> None:
    path = invited(ana)
    answer = Client().post(path, {**GIVEN, field: value})
    assert answer.status_code == 422
    assert f'id="id_{field}_error"' in answer.content.decode()
    assert Client().post(path, GIVEN).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_two_at_once_make_one_account(ana: Agent) -> None:
    path = invited(ana)
    both = threading.Barrier(4)

    def accept(number: int) -> int:
        try:
            client = Client(raise_request_exception=False)
            both.wait(60)
            return client.post(path, {**GIVEN, "name": f"Gita {number}"}).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(accept, range(4)))
    assert answers == [302, 410, 410, 410]
    assert Agent.objects.filter(email="gita@example.com").count() == 1


# ── Who may ──────────────────────────────────────────────────────────────────────────────────


def test_a_lead_invites_agents_into_their_own_teams(lena: Agent, ana: Agent, north: Team, south: Team) -> None:
    as_lena = client_of(lena)
    for wrong in ({"role": "admin"}, {"role": "lead"}, {"teams": [south.pk]}, {"teams": []}):
        answer = as_lena.post("/settings/agents/invite/", {**GITA, "teams": [north.pk], **wrong})
        assert answer.status_code == 422, wrong
    assert not Invitation.objects.exists()
    assert as_lena.post("/settings/agents/invite/", {**GITA, "teams": [north.pk]}).status_code == 200
    mine = Invitation.objects.get()
    for others in (
        invitations.invite(ana, email="a@example.com", name="A", role="lead", teams=[north.pk])[0],
        invitations.invite(ana, email="b@example.com", name="B", role="agent", teams=[north.pk, south.pk])[0],
        invitations.invite(ana, email="c@example.com", name="C", role="agent", teams=[])[0],
    ):
        for verb in ("link", "revoke"):
            assert as_lena.post(f"/settings/agents/invitations/{others.pk}/{verb}/").status_code == 404
    page = as_lena.get("/settings/agents/").content.decode()
    assert "gita@example.com" in page
    assert "b@example.com" not in page
    assert as_lena.post(f"/settings/agents/invitations/{mine.pk}/revoke/").status_code == 302
    with pytest.raises(staff.Forbidden):
        invitations.invite(lena, email="d@example.com", name="D", role="agent", teams=[south.pk])


def test_agents_invite_nobody(bea: Agent, ana: Agent) -> None:
    invited(ana)
    row = Invitation.objects.get()
    browser = client_of(bea)
    for path in ("invite/", f"invitations/{row.pk}/link/", f"invitations/{row.pk}/revoke/"):
        assert browser.get(f"/settings/agents/{path}").status_code == 403
        assert browser.post(f"/settings/agents/{path}", GITA).status_code == 403
