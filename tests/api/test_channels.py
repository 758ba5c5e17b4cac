"""Channels through the API: who sees them, who makes them, and that secrets are shown once."""

from __future__ import annotations

from typing import Any

import pytest

from agents.models import Agent, Team
from channels_app import checks
from channels_app.models import Channel
from tests.api.asserts import problem, said
from tests.conftest import NOBODY, Api
from tests.platforms.webhook import SECRET


@pytest.fixture
def as_ana(ana: Agent) -> Api:
    return Api(ana)


def test_those_of_ones_teams_without_settings(ana: Agent, bea: Agent, carl: Agent, webhook_channel: Channel) -> None:
    for agent in (ana, bea):
        response = Api(agent)("GET", "/channels/")
        assert [row["id"] for row in said(response)["results"]] == [str(webhook_channel.pk)]
        assert SECRET.encode() not in response.content
        assert b"settings" not in response.content
        assert b"settings" not in Api(agent)("GET", f"/channels/{webhook_channel.pk}/").content
    assert Api(carl).get("/channels/")["results"] == []
    problem(Api(carl)("GET", f"/channels/{webhook_channel.pk}/"), 404)
    Channel.objects.update(team=None)
    assert len(Api(carl).get("/channels/")["results"]) == 1


def test_make_one(as_ana: Api, north: Team, south: Team) -> None:
    row = said(
        as_ana(
            "POST", "/channels/", {"kind": "webhook", "name": "Toko", "settings": {"reply_url": "https://a.example/"}}
        ),
        201,
    )
    assert set(row) == {"id", "kind", "name", "team", "webhook_url", "settings"}
    assert row["team"] == {"id": north.pk, "name": "North"}
    assert row["webhook_url"].endswith(f"/webhooks/{row['id']}/")
    assert row["settings"]["secret"].startswith("whsec_")
    assert row["settings"]["reply_url"] == "https://a.example/"
    assert Channel.objects.get(pk=row["id"]).clear_settings() == row["settings"]
    other = said(as_ana("POST", "/channels/", {"kind": "sandbox", "name": "Main", "team": south.pk}), 201)
    assert other["team"]["id"] == south.pk
    assert other["webhook_url"] == ""
    assert said(as_ana("POST", "/channels/", {"kind": "sandbox", "name": "Main", "team": None}), 201)["team"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "x"}, "kind"),
        ({"kind": "fax", "name": "x"}, "kind"),
        ({"kind": ["webhook"], "name": "x"}, "kind"),
        ({"kind": "webhook"}, "name"),
        ({"kind": "webhook", "name": ""}, "name"),
        ({"kind": "webhook", "name": "x" * 151}, "name"),
        ({"kind": "webhook", "name": "x", "team": 10**6}, "team"),
        ({"kind": "webhook", "name": "x", "settings": []}, "settings"),
        ({"kind": "webhook", "name": "x", "settings": "x"}, "settings"),
        ({"kind": "webhook", "name": "x", "settings": {"nonsense": "x"}}, "settings.nonsense"),
        ({"kind": "webhook", "name": "x", "settings": {"reply_url": "no address"}}, "settings.reply_url"),
        ({"kind": "webhook", "name": "x", "settings": {"reply_url": "javascript:alert(1)"}}, "settings.reply_url"),
        ({"kind": "webhook", "name": "x", "settings": {"reply_url": 7}}, "settings.reply_url"),
        ({"kind": "webhook", "name": "x", "settings": {"reply_url": ["https://a.example"]}}, "settings.reply_url"),
        ({"kind": "webhook", "name": "x", "settings": {"secret": {"a": 1}}}, "settings.secret"),
        ({"kind": "sms", "name": "x", "settings": {}}, "settings.account_sid"),
        ({"kind": "sms", "name": "x", "settings": {"mode": "loud"}}, "settings.mode"),
        ({"kind": "webhook", "name": "x", "nonsense": 1}, "nonsense"),
    ],
)
def test_what_is_refused(as_ana: Api, body: Any, field: str) -> None:
    assert field in problem(as_ana("POST", "/channels/", body), 400)["errors"]
    assert not Channel.objects.exists()


def test_only_administrators(bea: Agent, lena: Agent, carl: Agent, webhook_channel: Channel) -> None:
    for agent in (bea, lena):
        problem(Api(agent)("POST", "/channels/", {"kind": "sandbox", "name": "x"}), 403)
        problem(Api(agent)("PATCH", f"/channels/{webhook_channel.pk}/", {"name": "x"}), 403)
    problem(Api(carl)("PATCH", f"/channels/{webhook_channel.pk}/", {"name": "x"}), 404)


def test_change(as_ana: Api, webhook_channel: Channel, south: Team) -> None:
    path = f"/channels/{webhook_channel.pk}/"
    row = said(as_ana("PATCH", path, {"name": "Toko baru", "team": south.pk, "enabled": False}))
    assert (row["name"], row["team"]["id"], row["enabled"]) == ("Toko baru", south.pk, False)
    webhook_channel.refresh_from_db()
    assert webhook_channel.clear_settings() == {"secret": SECRET, "reply_url": f"{NOBODY}/reply/"}
    assert "enabled" in problem(as_ana("PATCH", path, {"enabled": "no"}), 400)["errors"]


def test_a_changed_address_asks_for_the_secrets_again(as_ana: Api, sms_channel: Channel) -> None:
    path, url = f"/channels/{sms_channel.pk}/", "https://evil.example"
    before = sms_channel.clear_settings()
    assert "settings.auth_token" in problem(as_ana("PATCH", path, {"settings": {"base_url": url}}), 400)["errors"]
    sms_channel.refresh_from_db()
    assert sms_channel.clear_settings() == before
    said(as_ana("PATCH", path, {"settings": {"base_url": url, "auth_token": "typed again"}}))
    sms_channel.refresh_from_db()
    assert sms_channel.clear_settings() == {**before, "base_url": url, "auth_token": "typed again"}


def test_nul_and_surrogates_in_settings(as_ana: Api) -> None:
    body = b'{"kind": "sms", "name": "a\\u0000\\ud800", "settings": {"account_sid": "a\\u0000", "auth_token": "\\ud800", "from_number": "+628\\u0000"}}'  # noqa: E501
    response: Any = as_ana.client.post(
        "/api/v1/channels/", body, content_type="application/json", headers=as_ana.headers
    )
    assert response.status_code in (201, 400)


def test_a_live_check(
    as_ana: Api, bea: Agent, lena: Agent, webhook_channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/channels/{webhook_channel.pk}/check/"
    found = said(as_ana("POST", path))
    assert found["ok"] is all(line["ok"] for line in found["lines"])
    said(Api(lena)("POST", path))
    problem(Api(bea)("POST", path), 403)

    def broken(channel: Channel) -> Any:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(checks, "live", broken)
    response = as_ana("POST", path)
    assert said(response)["ok"] is False
    assert SECRET.encode() not in response.content


# ── Playing the customer ─────────────────────────────────────────────────────────────────────


def test_play_the_customer(bea: Agent, carl: Agent, sandbox_channel: Channel) -> None:
    api, path = Api(bea), f"/channels/{sandbox_channel.pk}/sandbox/"
    first = said(api("POST", path, {"sender": "u-7", "name": "Indah", "text": "Halo\x00 <b>"}), 201)["message"]
    assert (first["text"], first["author"]["name"], first["direction"]) == ("Halo\ufffd <b>", "Indah", "in")
    said(api("POST", f"/tickets/{first['ticket']}/messages/", {"text": "Catatan", "kind": "note"}), 201)
    said(api("POST", f"/tickets/{first['ticket']}/messages/", {"text": "Hai Indah"}), 201)
    again = said(api("POST", path, {"sender": "u-7", "text": "Ada biru?"}), 201)["message"]
    assert again["ticket"] == first["ticket"]
    seen = api.get(f"{path}?sender=u-7")["results"]
    assert [row["text"] for row in seen] == ["Halo\ufffd <b>", "Hai Indah", "Ada biru?"]
    assert [row["id"] for row in api.get(f"{path}?sender=u-7&after={seen[1]['id']}")["results"]] == [again["id"]]
    assert api.get(f"{path}?sender=u-8")["results"] == []
    problem(Api(carl)("POST", path, {"sender": "u-7", "text": "x"}), 404)
    problem(Api(carl)("GET", f"{path}?sender=u-7"), 404)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"sender": "u-7"},
        {"sender": "u-7", "text": ""},
        {"text": "x"},
        {"sender": "", "text": "x"},
        {"sender": 7, "text": "x"},
        {"sender": "u" * 256, "text": "x"},
        {"sender": "u-7", "text": ["x"]},
        {"sender": "u-7", "text": "x", "attachments": ["x"]},
        {"sender": "u-7", "text": "x", "nonsense": 1},
    ],
)
def test_playing_badly(bea: Agent, sandbox_channel: Channel, body: Any) -> None:
    problem(Api(bea)("POST", f"/channels/{sandbox_channel.pk}/sandbox/", body), 400)


def test_where_nobody_can_be_played(
    bea: Agent, sandbox_channel: Channel, webhook_channel: Channel, settings: Any
) -> None:
    body = {"sender": "u-7", "text": "x"}
    problem(Api(bea)("POST", f"/channels/{webhook_channel.pk}/sandbox/", body), 404)
    settings.SANDBOX_ENABLED = False
    problem(Api(bea)("POST", f"/channels/{sandbox_channel.pk}/sandbox/", body), 404)
    problem(Api(bea)("GET", f"/channels/{sandbox_channel.pk}/sandbox/?sender=u-7"), 404)
