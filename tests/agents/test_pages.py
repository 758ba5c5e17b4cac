"""One's own settings: profile and API tokens."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from agents.models import Agent, Token
from agents.tokens import find

STRANGE = {
    "a megabyte": "x" * 1_000_000,
    "combining": "a" + "\u0301" * 500,
    "NUL": "Be\0a",
    "turned round": "Bea \u202egnp.exe",
    "nothing to see": "\u200b\u200b",
    "blank": " \n ",
}


@pytest.fixture
def as_bea(bea: Agent) -> Client:
    client = Client()
    client.force_login(bea)
    return client


def test_the_old_address_leads_to_the_new_one(as_bea: Client) -> None:
    assert as_bea.get("/profile/").headers["Location"] == "/settings/profile/"
    # A page from before sends its form to the old one: it must not be lost on the way.
    assert as_bea.post("/profile/", {"name": "x"}).status_code == 307
    assert Client().get("/settings/profile/").headers["Location"] == "/accounts/login/?next=/settings/profile/"


def test_profile(as_bea: Client, bea: Agent) -> None:
    answer = as_bea.post("/settings/profile/", {"name": " Bea\nB. ", "language": "id", "time_zone": "Asia/Jakarta"})
    assert answer.headers["Location"] == "/settings/profile/"
    bea.refresh_from_db()
    assert (bea.name, bea.language, bea.time_zone) == ("Bea B.", "id", "Asia/Jakarta")
    page = as_bea.get("/settings/profile/").content.decode()
    assert 'lang="id"' in page
    assert bea.email in page
    assert "/accounts/password/change/" in page
    assert 'id="telling"' in page


def test_a_right_to_left_name_stays_as_it_is(as_bea: Client, bea: Agent) -> None:
    as_bea.post("/settings/profile/", {"name": "نور <script>alert(1)</script>"})
    bea.refresh_from_db()
    assert bea.name == "نور <script>alert(1)</script>"
    page = as_bea.get("/settings/tokens/").content.decode()
    assert "<script>alert" not in page
    assert as_bea.get("/").status_code == 200


@pytest.mark.parametrize("what", STRANGE)
def test_a_name_that_cannot_be_kept(as_bea: Client, bea: Agent, what: str) -> None:
    answer = as_bea.post("/settings/profile/", {"name": STRANGE[what]})
    assert answer.status_code == 422
    assert 'class="error" id="id_name_error"' in answer.content.decode()
    bea.refresh_from_db()
    assert bea.name == "Bea"
    assert as_bea.post("/settings/tokens/", {"name": STRANGE[what]}).status_code == 422


@pytest.mark.parametrize("field", ["language", "time_zone"])
@pytest.mark.parametrize("value", ["xx", "../../etc/passwd", "\0", "x" * 100_000])
def test_no_such_language_and_no_such_zone(as_bea: Client, field: str, value: str) -> None:
    answer = as_bea.post("/settings/profile/", {"name": "Bea", field: value})
    assert answer.status_code == 422
    assert f'id="id_{field}_error"' in answer.content.decode()


def test_a_key_is_shown_once(as_bea: Client, bea: Agent) -> None:
    answer = as_bea.post("/settings/tokens/", {"name": "Kasir <b>"})
    assert "no-store" in answer.headers["Cache-Control"]
    page = answer.content.decode()
    key = page.partition('id="key" readonly value="')[2].partition('"')[0]
    token = find(key)
    assert token is not None
    assert (token.agent, token.name) == (bea, "Kasir <b>")
    again = as_bea.get("/settings/tokens/").content.decode()
    assert key not in again
    assert "Kasir &lt;b&gt;" in again
    assert "Never used" in again


def test_revoking_asks_first(as_bea: Client, bea: Agent) -> None:
    token, key = Token.issue(bea, "Kasir")
    address = f"/settings/tokens/{token.pk}/revoke/"
    assert 'id="ask"' in as_bea.get(address).content.decode()
    assert find(key) is not None
    as_bea.post(address)
    assert find(key) is None
    first = Token.objects.get(pk=token.pk).revoked_at
    as_bea.post(address)
    assert Token.objects.get(pk=token.pk).revoked_at == first
    assert "Revoked" in as_bea.get("/settings/tokens/").content.decode()


def test_nobody_revokes_anothers_by_this_door(as_bea: Client, ana: Agent) -> None:
    token, key = Token.issue(ana)
    for number in (token.pk, 999_999, 10**30):
        assert as_bea.get(f"/settings/tokens/{number}/revoke/").status_code == 404
        assert as_bea.post(f"/settings/tokens/{number}/revoke/").status_code == 404
    assert find(key) is not None


def test_a_constant_number_of_statements(as_bea: Client, bea: Agent, django_assert_max_num_queries: Any) -> None:
    Token.issue(bea)
    with django_assert_max_num_queries(4) as few:
        as_bea.get("/settings/tokens/")
    for number in range(30):
        token, _key = Token.issue(bea, f"T{number}")
        token.revoke() if number % 2 else None
    with django_assert_max_num_queries(4) as lots:
        as_bea.get("/settings/tokens/")
    assert len(few) == len(lots)


def test_a_signature_of_ones_own(as_bea: Client, bea: Agent) -> None:
    answer = as_bea.post("/settings/profile/", {"name": "Bea", "signature": "Bea Tan\r\n+62 800\r\n"})
    assert answer.status_code == 302, answer.content
    bea.refresh_from_db()
    assert bea.signature == "Bea Tan\n+62 800"
    assert "+62 800" in as_bea.get("/settings/profile/").content.decode()
    for odd in ("x" * 2001, "a\0b", "\u202egnp.exe"):
        assert as_bea.post("/settings/profile/", {"name": "Bea", "signature": odd}).status_code == 422
