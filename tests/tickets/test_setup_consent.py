"""The owner of a mailbox signs in at the provider: a real provider's two addresses over HTTP, and what comes back."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from django.test import Client

from agents.models import Agent
from channels_app import checks, consent
from channels_app.adapters.email import consenting, oauth, presets
from channels_app.contract import Account, Consent
from channels_app.models import Channel
from tests.platforms import Answer, FakePlatform, Request, answer
from tests.tickets.test_setup_channels import ROOT, sign, text  # noqa: F401 (a fixture)

Sign = Callable[[Agent], Client]
BACK = f"{ROOT}consent/"


class Provider(FakePlatform):
    """Asks nobody, and allows: the answer to the sign-in address is the way back, with a code that is good once."""

    def __init__(self) -> None:
        super().__init__()
        self.codes: dict[str, dict[str, str]] = {}
        self.lasting, self.denies = True, False

    def respond(self, request: Request) -> Answer:
        if request.path.startswith("/authorize"):
            asked = {name: values[0] for name, values in request.query.items()}
            code = f"code-{len(self.codes) + 1}"
            self.codes[code] = asked
            back = (
                {"error": "access_denied", "error_description": "The owner said no."} if self.denies else {"code": code}
            )
            return answer(
                302, headers={"Location": f"{asked['redirect_uri']}?{urlencode({**back, 'state': asked['state']})}"}
            )
        form = {name: values[0] for name, values in request.form.items()}
        asked = self.codes.pop(form.get("code", ""), {})
        digest = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        good = (
            form.get("grant_type") == "authorization_code"
            and asked.get("code_challenge") == digest.rstrip(b"=").decode()
            and (asked.get("client_id"), asked.get("redirect_uri")) == (form.get("client_id"), form.get("redirect_uri"))
            and form.get("client_secret") == "hush"
        )
        if not good:
            return answer(400, json={"error": "invalid_grant", "error_description": "No such code."})
        lasting = {"refresh_token": "refresh-new"} if self.lasting else {}
        return answer(json={"access_token": "access-1", "token_type": "Bearer", "expires_in": 3600, **lasting})


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider() as found:
        yield found
    oauth.forget()


@pytest.fixture
def box(provider: Provider) -> Channel:
    row = Channel(kind="email", name="Surat")
    row.put_settings(checks.complete("email", settings(provider)))
    row.save()
    return row


def settings(provider: Provider, **more: str) -> dict[str, str]:
    return {
        "address": "help@shop.example",
        "oauth_sign_in_url": f"{provider.url}/authorize?scope=mail+offline&prompt=consent",
        "oauth_token_url": f"{provider.url}/token",
        "oauth_client_id": "client-1",
        "oauth_client_secret": "hush",
        **more,
    }


def allowed(url: str) -> str:
    """The owner's browser at the provider: the path of ours that it is sent back to."""
    back = urlsplit(httpx.get(url, follow_redirects=False).headers["Location"])
    return f"{back.path}?{back.query}"


def begin(client: Client, row: Channel) -> str:
    response = client.get(f"{ROOT}{row.pk}/consent/")
    assert response.status_code == 302, text(response)
    assert response.headers["Cache-Control"] == "no-store"
    return response.headers["Location"]


def said(client: Client, path: str) -> str:
    return text(client.get(path, follow=True))


def test_the_owner_allows_us_in(sign: Sign, ana: Agent, box: Channel, provider: Provider) -> None:  # noqa: F811
    admin = sign(ana)
    assert f"{ROOT}{box.pk}/consent/" in text(admin.get(f"{ROOT}{box.pk}/"))
    assert BACK in text(admin.get(f"{ROOT}{box.pk}/setup/"))
    url = begin(admin, box)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert asked["redirect_uri"] == consent.redirect_uri()
    assert (asked["scope"], asked["prompt"], asked["login_hint"]) == ("mail offline", "consent", "help@shop.example")
    assert "hush" not in url
    assert "The provider lets us in" in said(admin, allowed(url))
    box.refresh_from_db()
    assert box.clear_settings()["oauth_refresh_token"] == "refresh-new"
    assert {**settings(provider), "oauth_refresh_token": "refresh-new"}.items() <= box.clear_settings().items()
    assert "refresh-new" not in text(admin.get(f"{ROOT}{box.pk}/"))


def test_an_answer_counts_once_and_where_it_was_asked_for(
    sign: Sign,  # noqa: F811
    ana: Agent,
    bea: Agent,
    box: Channel,
    provider: Provider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    admin = sign(ana)
    path = allowed(begin(admin, box))
    assert "begin it again" in said(sign(ana), path)
    assert sign(bea).get(path).status_code == 403
    assert Client().get(path).headers["Location"].startswith("/accounts/login/")
    assert "begin it again" in said(admin, f"{BACK}?code=code-1&state=")
    assert "refresh" not in str(Channel.objects.get(pk=box.pk).clear_settings())
    assert "lets us in" in said(admin, path)
    asked = len(provider.requests)
    assert "begin it again" in said(admin, path)
    assert len(provider.requests) == asked
    late = allowed(begin(admin, box))
    now = time.time()
    monkeypatch.setattr("tickets.setup.consents.time.time", lambda: now + consent.LASTS + 60)
    assert "begin it again" in said(admin, late)


def test_what_goes_wrong_is_said_and_changes_nothing(
    sign: Sign,  # noqa: F811
    ana: Agent,
    box: Channel,
    provider: Provider,
) -> None:
    admin, before = sign(ana), box.clear_settings()
    provider.denies = True
    page = said(admin, allowed(begin(admin, box)))
    assert "did not let us in. The owner said no." in page
    provider.denies, provider.lasting = False, False
    assert "no lasting permission" in said(admin, allowed(begin(admin, box)))
    provider.codes.clear()
    url = begin(admin, box)
    state = parse_qs(urlsplit(url).query)["state"][0]
    page = said(admin, f"{BACK}?{urlencode({'code': 'guessed', 'state': state})}")
    assert "has taken our permission back" in page
    state = parse_qs(urlsplit(begin(admin, box)).query)["state"][0]
    assert "did not let us in" in said(admin, f"{BACK}?{urlencode({'code': 'x' * 5000, 'state': state})}")
    state = parse_qs(urlsplit(begin(admin, box)).query)["state"][0]
    script = {"error": "<script>alert(1)</script>\x00", "state": state}
    assert "<script>alert" not in said(admin, f"{BACK}?{urlencode(script)}")
    box.refresh_from_db()
    assert box.clear_settings() == before


def test_only_a_few_visits_are_remembered(sign: Sign, ana: Agent, box: Channel) -> None:  # noqa: F811
    admin = sign(ana)
    paths = [allowed(begin(admin, box)) for _ in range(6)]
    assert "begin it again" in said(admin, paths[0])
    assert "lets us in" in said(admin, paths[1])
    assert "lets us in" in said(admin, paths[-1])


def test_who_is_not_set_up_for_it_is_not_asked(
    sign: Sign,  # noqa: F811
    ana: Agent,
    box: Channel,
    sms_channel: Channel,
) -> None:
    admin = sign(ana)
    box.put_settings({name: value for name, value in box.clear_settings().items() if name != "oauth_client_id"})
    box.save()
    for row in (box, sms_channel):
        assert "/consent/" not in text(admin.get(f"{ROOT}{row.pk}/"))
        assert admin.get(f"{ROOT}{row.pk}/consent/").status_code == 404
    assert admin.post(f"{ROOT}{box.pk}/consent/").status_code == 405


@pytest.mark.parametrize("name", ["google", "microsoft", "outlook"])
def test_the_known_providers_are_asked_for_a_lasting_permission(name: str) -> None:
    values: dict[str, Any] = dict(next(one.values for one in presets.PRESETS if one.name == name))
    account = Account(id=1, kind="email", name="Surat", settings={**values, "oauth_client_id": "client-1"})
    assert consenting.asks(account)
    url = consenting.url(account, Consent(redirect_uri="https://hub.example/back/", state="s", verifier="v"))
    asked = {key: found[0] for key, found in parse_qs(urlsplit(url).query).items()}
    assert "offline" in f"{asked['scope']} {asked.get('access_type', '')}"
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
