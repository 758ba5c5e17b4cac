"""The pages about channels: who may do what, and that no page ever shows a secret that was typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from agents.models import Agent, Team
from channels_app import checks, pieces, registry
from channels_app.contract import CheckLine
from channels_app.models import Channel, Envelope
from tests.channels_app.test_forms import KINDS, SMS, demo_values, typed
from tests.conftest import NOBODY, Customer, connect
from tests.platforms import answer
from tests.platforms.chatty import FakeChatty
from tests.platforms.twilio import AUTH_TOKEN, FakeTwilio
from tests.platforms.webhook import SECRET
from tickets.models import Ticket

ROOT = "/settings/channels/"
SCRIPT = "<script>alert(1)</script>"
Sign = Callable[[Agent], Client]


@pytest.fixture
def sign() -> Sign:
    def signed_in(agent: Agent) -> Client:
        client = Client(raise_request_exception=False)
        client.force_login(agent)
        return client

    return signed_in


def text(response: Any, status: int = 200) -> str:
    assert response.status_code == status, (response.status_code, response.content[:500])
    return str(response.content.decode())


def pages(row: Channel) -> list[str]:
    return [f"{ROOT}{row.pk}/{part}" for part in ("", "edit/", "setup/", "switch/", "delete/")]


# ── Who ──────────────────────────────────────────────────────────────────────────────────────


def test_agents_get_a_clear_word(sign: Sign, bea: Agent, webhook_channel: Channel) -> None:
    for path in (ROOT, f"{ROOT}new/", f"{ROOT}new/sms/", *pages(webhook_channel)):
        assert "Your role does not allow it" in text(sign(bea).get(path), 403)
    assert sign(bea).post(f"{ROOT}{webhook_channel.pk}/check/").status_code == 403


def test_strangers_sign_in_first(client: Client, webhook_channel: Channel) -> None:
    for path in (ROOT, *pages(webhook_channel)):
        assert client.get(path).headers["Location"].startswith("/accounts/login/")


def test_a_lead_sees_and_tries_the_channels_of_their_teams(
    sign: Sign, lena: Agent, south: Team, webhook_channel: Channel
) -> None:
    theirs, foreign, common = webhook_channel, connect("sms", south, "Elsewhere"), connect("sandbox", None, "Common")
    lead = sign(lena)
    shown = text(lead.get(ROOT))
    assert theirs.name in shown
    assert common.name in shown
    assert foreign.name not in shown
    assert "Add a channel" not in shown
    page = text(lead.get(f"{ROOT}{theirs.pk}/"))
    assert f"/webhooks/{theirs.pk}/" in page
    assert f"{NOBODY}/reply/" in page
    assert "Delete…" not in page
    assert "edit/" not in page
    assert "tried" in text(lead.post(f"{ROOT}{theirs.pk}/check/"))
    for path in pages(foreign)[:1]:
        assert lead.get(path).status_code == 404
    assert lead.post(f"{ROOT}{foreign.pk}/check/").status_code == 404
    for path in (f"{ROOT}new/", f"{ROOT}new/sms/", *pages(theirs)[1:]):
        assert lead.get(path).status_code == 403
        assert lead.post(path).status_code in (403, 405)
    theirs.refresh_from_db()
    assert theirs.enabled


@pytest.mark.parametrize("number", [10**6, 2**63, 10**30])
def test_no_such_channel(sign: Sign, ana: Agent, number: int) -> None:
    admin = sign(ana)
    for part in ("", "edit/", "setup/", "switch/", "delete/"):
        assert admin.get(f"{ROOT}{number}/{part}").status_code == 404
    for part in ("check/", "connect/"):
        assert admin.post(f"{ROOT}{number}/{part}").status_code == 404


# ── The list ─────────────────────────────────────────────────────────────────────────────────


def test_an_empty_desk_says_how_to_begin(sign: Sign, ana: Agent, lena: Agent) -> None:
    assert "No channel yet" in text(sign(ana).get(ROOT))
    assert "An administrator can connect one" in text(sign(lena).get(ROOT))


def test_the_list_in_a_constant_number_of_statements(
    sign: Sign, ana: Agent, lena: Agent, north: Team, dora: Customer, django_assert_num_queries: Any
) -> None:
    dora.sends({"type": "message", "text": "without an id"})
    for agent, most in ((ana, 4), (lena, 5)):
        client = sign(agent)
        client.get(ROOT)
        with django_assert_num_queries(most):
            client.get(ROOT)
        connect("sms", north, "One more")
        with django_assert_num_queries(most):
            client.get(ROOT)


def test_more_channels_than_a_page(sign: Sign, ana: Agent, north: Team) -> None:
    Channel.objects.bulk_create(Channel(kind="sandbox", name=f"C{number // 2:03}", team=north) for number in range(103))
    first = text(sign(ana).get(ROOT))
    last = Channel.objects.order_by("name", "pk")[99]
    assert f"?after={last.pk}" in first
    second = text(sign(ana).get(f"{ROOT}?after={last.pk}"))
    assert second.count('class="sign') == 3
    assert "No more channels" in text(sign(ana).get(f"{ROOT}?after={Channel.objects.order_by('-name', '-pk')[0].pk}"))
    for odd in ("x", "-1", "9" * 40, "٣"):
        assert sign(ana).get(f"{ROOT}?after={odd}").status_code == 200


def test_health_in_words(sign: Sign, ana: Agent, dora: Customer, webhook_channel: Channel) -> None:
    page = text(sign(ana).get(f"{ROOT}{webhook_channel.pk}/"))
    assert "Nothing has come in yet." in page
    assert "No answer has gone out yet." in page
    dora.writes()
    dora.sends({"type": "message", "text": "without an id"})
    Channel.objects.update(
        last_failure="The platform has a problem of its own.\nHTTP 500", last_failure_at=timezone.now(),
        quota_limit=500, quota_used=12, quota_at=timezone.now(),
    )  # fmt: skip
    page = text(sign(ana).get(f"{ROOT}{webhook_channel.pk}/"))
    assert "Last heard from the platform" in page
    assert "The platform has a problem of its own. HTTP 500" in page
    assert "1 envelope could not be opened." in page
    assert f"/settings/envelopes/?state=failed&amp;channel={webhook_channel.pk}" in page
    assert "12 of 500 messages" in page
    assert "1 envelope failed" in text(sign(ana).get(ROOT))
    assert "a problem of its own" in text(sign(ana).get(ROOT))
    Channel.objects.update(last_out_at=timezone.now())
    assert "a problem of its own" not in text(sign(ana).get(ROOT)), "the channel has worked since"


def test_a_channel_outlives_its_adapter(sign: Sign, ana: Agent, webhook_channel: Channel) -> None:
    Channel.objects.update(kind="pigeon")
    admin = sign(ana)
    assert "Not installed" in text(admin.get(ROOT))
    assert "is not installed any more" in text(admin.get(f"{ROOT}{webhook_channel.pk}/"))
    for part in ("edit/", "setup/"):
        assert admin.get(f"{ROOT}{webhook_channel.pk}/{part}").status_code == 404
    for part in ("connect/", "check/"):
        assert admin.post(f"{ROOT}{webhook_channel.pk}/{part}").status_code == 404
    assert admin.post(f"{ROOT}{webhook_channel.pk}/switch/", {"on": "0"}).status_code == 302


# ── Making one ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", KINDS)
def test_from_choice_to_steps(kind: str, sign: Sign, ana: Agent, north: Team) -> None:
    admin = sign(ana)
    assert f"{ROOT}new/{kind}/" in text(admin.get(f"{ROOT}new/"))
    form = text(admin.get(f"{ROOT}new/{kind}/"))
    for piece in (one for field in registry.adapter(kind).fields for one in pieces.of(field)):
        assert f'name="setting-{piece.name}"' in form
    values = demo_values(kind)
    response = admin.post(f"{ROOT}new/{kind}/", typed(team=north, **values))
    row = Channel.objects.get()
    assert response.headers["Location"] == f"{ROOT}{row.pk}/setup/"
    secrets = {
        str(row.clear_settings()[field.name]): bool(field.generate)
        for field in registry.adapter(kind).fields
        if field.secret and row.clear_settings().get(field.name)
    }
    steps = admin.get(f"{ROOT}{row.pk}/setup/")
    assert steps.headers["Cache-Control"] == "no-store"
    if row.webhook_url():
        assert row.webhook_url() in text(steps)
    for path in (ROOT, *pages(row)):
        assert [secret for secret in secrets if secret in text(admin.get(path))] == [], path
    shown = admin.post(f"{ROOT}{row.pk}/setup/")
    assert shown.headers["Cache-Control"] == "no-store"
    for secret, own in secrets.items():
        assert own or secret not in text(shown)


def test_our_own_secret_is_shown_when_asked_for(sign: Sign, ana: Agent, lena: Agent, webhook_channel: Channel) -> None:
    path = f"{ROOT}{webhook_channel.pk}/setup/"
    assert SECRET not in text(sign(ana).get(path))
    assert SECRET in text(sign(ana).post(path))
    assert SECRET not in text(sign(lena).post(path), 403)
    unprotected = Client(enforce_csrf_checks=True)
    unprotected.force_login(ana)
    assert SECRET not in text(unprotected.post(path), 403)


def test_what_is_wrong_is_said_and_what_was_typed_is_kept(sign: Sign, ana: Agent) -> None:
    response = sign(ana).post(f"{ROOT}new/sms/", typed(name="Toko <b>", **{**SMS, "from_number": "not a number"}))
    page = text(response, 422)
    assert "Not saved yet" in page
    assert 'value="Toko &lt;b&gt;"' in page
    assert "not a number" in page
    assert AUTH_TOKEN not in page
    assert not Channel.objects.exists()


def test_unknown_kinds(sign: Sign, ana: Agent, settings: Any) -> None:
    admin = sign(ana)
    assert admin.get(f"{ROOT}new/fax/").status_code == 404
    assert admin.post(f"{ROOT}new/fax/", typed()).status_code == 404
    settings.SANDBOX_ENABLED = False
    assert f"{ROOT}new/sandbox/" not in text(admin.get(f"{ROOT}new/"))
    assert admin.get(f"{ROOT}new/sandbox/").status_code == 404


@pytest.mark.parametrize("kind", KINDS)
def test_script_in_every_field_stays_text(kind: str, sign: Sign, ana: Agent) -> None:
    admin = sign(ana)
    data = typed(name=SCRIPT, **{field.name: SCRIPT for field in registry.adapter(kind).fields})
    response = admin.post(f"{ROOT}new/{kind}/", data)
    assert response.status_code in (302, 422)
    assert SCRIPT.encode() not in response.content
    row = connect(
        kind, None, SCRIPT, **{field.name: SCRIPT for field in registry.adapter(kind).fields if not field.secret}
    )
    for path in (ROOT, *pages(row)):
        assert SCRIPT not in text(admin.get(path)), path


def test_a_megabyte_in_a_field(sign: Sign, ana: Agent) -> None:
    response = sign(ana).post(f"{ROOT}new/webhook/", typed(name="x" * 10**6, secret="y" * 10**6, reply_url="z" * 10**6))
    page = text(response, 422)
    assert "This is too long." in page
    assert "y" * 100 not in page


# ── Changing one ─────────────────────────────────────────────────────────────────────────────


def test_change_name_team_and_settings(sign: Sign, ana: Agent, south: Team, webhook_channel: Channel) -> None:
    path = f"{ROOT}{webhook_channel.pk}/edit/"
    response = sign(ana).post(path, typed(name="Baru", team=south, secret="", reply_url=f"{NOBODY}/reply/"))
    assert response.headers["Location"] == f"{ROOT}{webhook_channel.pk}/"
    webhook_channel.refresh_from_db()
    assert (webhook_channel.name, webhook_channel.team) == ("Baru", south)
    assert webhook_channel.clear_settings() == {"secret": SECRET, "reply_url": f"{NOBODY}/reply/"}


def test_a_moved_address_asks_for_the_secrets_at_their_field(sign: Sign, ana: Agent, sms_channel: Channel) -> None:
    path = f"{ROOT}{sms_channel.pk}/edit/"
    before = sms_channel.clear_settings()
    moved = {**SMS, "base_url": "https://evil.example"}
    page = text(sign(ana).post(path, typed(name="SMS", **{**moved, "auth_token": ""})), 422)
    assert "Type this secret again" in page.split('id="id_setting-auth_token_error"')[1][:200]
    sms_channel.refresh_from_db()
    assert sms_channel.clear_settings() == before
    assert sign(ana).post(path, typed(name="SMS", **moved)).status_code == 302


def test_secrets_sealed_with_another_key(sign: Sign, ana: Agent, webhook_channel: Channel, settings: Any) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "quite another key than the one before", []
    admin = sign(ana)
    assert "enter them again" in text(admin.get(f"{ROOT}{webhook_channel.pk}/edit/"))
    assert "is not set yet" in text(admin.post(f"{ROOT}{webhook_channel.pk}/setup/"))
    assert "cannot be read with today" in text(admin.post(f"{ROOT}{webhook_channel.pk}/check/"))
    text(admin.get(f"{ROOT}{webhook_channel.pk}/"))


def test_switch_off_and_on(sign: Sign, ana: Agent, webhook_channel: Channel, dora: Customer) -> None:
    admin, path = sign(ana), f"{ROOT}{webhook_channel.pk}/switch/"
    assert "Switch off Shop?" in text(admin.get(path))
    admin.post(path, {"on": "0"})
    assert dora.post({"type": "message"}).status_code == 404
    assert "Switched off" in text(admin.get(ROOT))
    admin.post(path, {"on": "1"})
    dora.writes()


def test_delete_one_that_nobody_used(sign: Sign, ana: Agent, webhook_channel: Channel, dora: Customer) -> None:
    dora.sends({"type": "message", "text": "without an id"})
    admin, path = sign(ana), f"{ROOT}{webhook_channel.pk}/delete/"
    assert "Delete Shop?" in text(admin.get(path))
    assert admin.post(path).headers["Location"] == ROOT
    assert not Channel.objects.exists()
    assert not Envelope.objects.exists()


def test_one_with_conversations_is_not_deleted(sign: Sign, ana: Agent, ticket: Ticket) -> None:
    path = f"{ROOT}{ticket.channel_id}/delete/"
    for response, status in ((sign(ana).get(path), 200), (sign(ana).post(path), 409)):
        assert "cannot be deleted" in text(response, status)
    assert Channel.objects.exists()
    assert Ticket.objects.exists()


def test_something_came_in_while_one_was_about_to_delete(
    sign: Sign, ana: Agent, ticket: Ticket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tickets.setup.channels._used", lambda row: False)
    assert "cannot be deleted" in text(sign(ana).post(f"{ROOT}{ticket.channel_id}/delete/"), 409)
    assert Ticket.objects.exists()


# ── Trying one ───────────────────────────────────────────────────────────────────────────────


def test_a_live_check_line_by_line(sign: Sign, lena: Agent, sms_channel: Channel, twilio: FakeTwilio) -> None:
    path = f"{ROOT}{sms_channel.pk}/check/"
    page = text(sign(lena).post(path))
    assert "Twilio accepts the Account SID" in page
    assert "Works" in page
    twilio.will(401)
    page = text(sign(lena).post(path))
    assert "Does not work" in page
    assert AUTH_TOKEN not in page
    assert sign(lena).get(path).status_code == 405


def test_a_check_that_breaks_is_said(sign: Sign, ana: Agent, sms_channel: Channel, monkeypatch: Any) -> None:
    def broken(channel: Channel) -> Any:
        raise RuntimeError(AUTH_TOKEN)

    monkeypatch.setattr(checks, "live", broken)
    page = text(sign(ana).post(f"{ROOT}{sms_channel.pk}/check/"))
    assert "The check could not be made." in page
    assert AUTH_TOKEN not in page


def test_a_channel_with_nothing_to_try(sign: Sign, ana: Agent, sandbox_channel: Channel) -> None:
    assert "There is nothing to try" in text(sign(ana).post(f"{ROOT}{sandbox_channel.pk}/check/"))


def test_connect_where_the_adapter_can(
    sign: Sign, ana: Agent, lena: Agent, webhook_channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"{ROOT}{webhook_channel.pk}/connect/"
    admin, kind = sign(ana), type(webhook_channel.adapter)
    assert admin.post(path).status_code == 404
    monkeypatch.setattr(kind, "can_connect", True)
    monkeypatch.setattr(kind, "connect", lambda *args: [CheckLine(ok=True, words="It posts here now.")])
    assert "connect/" in text(admin.get(f"{ROOT}{webhook_channel.pk}/"))
    assert "It posts here now." in text(admin.post(path))
    assert sign(lena).post(path).status_code == 403
    assert "connect/" not in text(sign(lena).get(f"{ROOT}{webhook_channel.pk}/"))


def test_templates_are_loaded_when_asked_for(
    sign: Sign, ana: Agent, chatty: FakeChatty, chatty_channel: Channel, webhook_channel: Channel
) -> None:
    chatty.templates = [{"name": "promo", "language": "id", "status": "APPROVED"}]
    path = f"{ROOT}{chatty_channel.pk}/"
    assert f'action="{path}templates/"' in text(sign(ana).get(path))
    assert "1 template is here now." in text(sign(ana).post(f"{path}templates/"))
    chatty.answers["/templates"] = [answer(503)]
    assert "is here now" not in text(sign(ana).post(f"{path}templates/"))
    assert sign(ana).post(f"{ROOT}{webhook_channel.pk}/templates/").status_code == 404
