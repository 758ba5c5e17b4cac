"""The settings pages about agents, teams and tags: who may open what, what they say, how much they ask the database."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver

from agents.models import Agent, Team, Token
from agents.tokens import find
from channels_app.models import Channel
from tests.conftest import Customer, connect, hire
from tickets import lifecycle
from tickets.models import Actor, Tag, Ticket

# All doors are imported now: PostgreSQL ends a test's transaction that waits for that longer than 5 s.
assert get_resolver().url_patterns


def client_of(agent: Agent) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(agent)
    return client


@pytest.fixture
def as_ana(ana: Agent) -> Client:
    return client_of(ana)


@pytest.fixture
def as_lena(lena: Agent) -> Client:
    return client_of(lena)


@pytest.fixture
def as_bea(bea: Agent) -> Client:
    return client_of(bea)


@pytest.fixture
def tag(db: None) -> Tag:
    return Tag.objects.create(name="Retur")


def text(answer: Any) -> str:
    page: str = answer.content.decode()
    return page


# ── Who may ──────────────────────────────────────────────────────────────────────────────────


def test_who_may_open_what(
    ana: Agent, lena: Agent, bea: Agent, carl: Agent, north: Team, south: Team, tag: Tag
) -> None:
    """For each page: what a stranger, an agent, a lead and an administrator get; the same for a form that is sent."""
    token, _key = Token.issue(carl)
    pages = {
        "/settings/profile/": (302, 200, 200, 200),
        "/settings/tokens/": (302, 200, 200, 200),
        "/settings/agents/": (302, 403, 200, 200),
        "/settings/agents/invite/": (302, 403, 200, 200),
        f"/settings/agents/{bea.pk}/": (302, 403, 200, 200),
        f"/settings/agents/{carl.pk}/": (302, 403, 404, 200),
        f"/settings/agents/{carl.pk}/close/": (302, 403, 403, 200),
        f"/settings/agents/{carl.pk}/tokens/{token.pk}/revoke/": (302, 403, 403, 200),
        f"/settings/agents/{bea.pk}/tokens/{token.pk}/revoke/": (302, 403, 403, 404),
        f"/settings/agents/{carl.pk}/reopen/": (302, 403, 403, 405),
        "/settings/teams/": (302, 403, 200, 200),
        f"/settings/teams/{north.pk}/": (302, 403, 200, 200),
        f"/settings/teams/{south.pk}/": (302, 403, 404, 200),
        f"/settings/teams/{south.pk}/delete/": (302, 403, 403, 200),
        f"/settings/teams/{south.pk}/members/join/": (302, 403, 405, 405),
        "/settings/tags/": (302, 403, 200, 200),
        f"/settings/tags/{tag.pk}/": (302, 403, 200, 200),
        f"/settings/tags/{tag.pk}/delete/": (302, 403, 200, 200),
        "/settings/tags/999999/": (302, 403, 404, 404),
        f"/settings/tags/{10**40}/": (302, 403, 404, 404),
        f"/settings/agents/{10**40}/": (302, 403, 404, 404),
        f"/settings/teams/{10**40}/": (302, 403, 404, 404),
    }
    clients = [Client(), *map(client_of, (bea, lena, ana))]
    for path, wanted in pages.items():
        assert tuple(client.get(path).status_code for client in clients) == wanted, path
        for client, status in zip(clients, wanted, strict=True):
            if status in (302, 403, 404):
                assert client.post(path, {"name": "x"}).status_code == status, path
    assert "Your role does not allow it" in text(clients[1].get("/settings/agents/"))


def test_a_lead_changes_neither_accounts_nor_names(as_lena: Client, bea: Agent, north: Team) -> None:
    for path in (f"/settings/agents/{bea.pk}/", f"/settings/teams/{north.pk}/", "/settings/teams/"):
        given = {"name": "Pwned", "role": "admin", "teams": [north.pk]}
        assert as_lena.post(path, given).status_code == 403, path
        assert 'name="role"' not in text(as_lena.get(path))
    bea.refresh_from_db()
    assert (bea.name, bea.role) == ("Bea", "agent")
    assert set(Team.objects.values_list("name", flat=True)) == {"North"}


def test_a_lead_and_the_people_of_their_teams(
    as_lena: Client, ana: Agent, bea: Agent, carl: Agent, north: Team, south: Team
) -> None:
    page = text(as_lena.get("/settings/agents/"))
    assert bea.email in page
    assert carl.email not in page
    members = f"/settings/teams/{north.pk}/members"
    assert as_lena.post(f"{members}/join/", {"agent": carl.pk}).status_code == 302
    assert set(carl.teams.all()) == {north, south}
    assert as_lena.post(f"{members}/leave/", {"agent": bea.pk}).status_code == 302
    assert list(bea.teams.all()) == []
    assert as_lena.post(f"{members}/leave/", {"agent": ana.pk}).status_code == 403
    assert as_lena.post(f"/settings/teams/{south.pk}/members/join/", {"agent": bea.pk}).status_code == 404
    for nobody in ("", "x", "999999", "1" * 40, "\0"):
        assert "Choose a colleague." in text(as_lena.post(f"{members}/join/", {"agent": nobody}, follow=True))
    assert as_lena.post(f"{members}/dance/", {"agent": bea.pk}).status_code == 404


def test_a_lead_who_leaves_their_own_team_sees_it_no_more(as_lena: Client, lena: Agent, north: Team) -> None:
    answer = as_lena.post(f"/settings/teams/{north.pk}/members/leave/", {"agent": lena.pk})
    assert answer.headers["Location"] == "/settings/teams/"
    assert as_lena.get(f"/settings/teams/{north.pk}/").status_code == 404


# ── Agents ───────────────────────────────────────────────────────────────────────────────────


def test_change_an_agent(as_ana: Client, bea: Agent, south: Team) -> None:
    given = {"name": "Bea <b>L.</b>", "role": "lead", "teams": [south.pk]}
    assert as_ana.post(f"/settings/agents/{bea.pk}/", given).status_code == 302
    bea.refresh_from_db()
    assert (bea.name, bea.role, list(bea.teams.all())) == ("Bea <b>L.</b>", "lead", [south])
    page = text(as_ana.get(f"/settings/agents/{bea.pk}/"))
    assert "<b>L.</b>" not in page
    assert "Bea &lt;b&gt;L.&lt;/b&gt;" in page


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""), ("name", "x" * 1_000_000), ("name", "a" + "\u0301" * 500), ("name", "a\0b"), ("role", "king"),
        ("teams", ["999999"]), ("teams", ["1" * 40]), ("teams", ["x", "\0"]),
    ],
)  # fmt: skip
def test_what_cannot_be_kept_is_said_at_its_field(as_ana: Client, bea: Agent, field: str, value: Any) -> None:
    answer = as_ana.post(f"/settings/agents/{bea.pk}/", {"name": "B", "role": "lead", field: value})
    assert answer.status_code == 422
    assert 'class="error"' in text(answer)
    bea.refresh_from_db()
    assert (bea.name, bea.role) == ("Bea", "agent")


def test_the_last_administrator_is_told_so(as_ana: Client, ana: Agent) -> None:
    answer = as_ana.post(f"/settings/agents/{ana.pk}/", {"name": "Ana", "role": "agent"})
    assert answer.status_code == 422
    assert "This is the last administrator" in text(answer)
    assert "cannot close your own account" in text(as_ana.post(f"/settings/agents/{ana.pk}/close/"))
    ana.refresh_from_db()
    assert ana.is_admin
    assert ana.is_active
    hire("Dina", None, "admin")
    # Whoever gives up their role is led to what they may still see.
    answer = as_ana.post(f"/settings/agents/{ana.pk}/", {"name": "Ana", "role": "agent"}, follow=True)
    assert answer.status_code == 200


def test_close_and_open_again(as_ana: Client, bea: Agent, ticket: Ticket, ana: Agent) -> None:
    lifecycle.assign(ticket.pk, bea, Actor.of(bea))
    address = f"/settings/agents/{bea.pk}"
    assert "Release their 1 unresolved ticket," in text(as_ana.get(f"{address}/close/"))
    answer = as_ana.post(f"{address}/close/", {"release": "1"}, follow=True)
    assert "1 ticket is unassigned now." in text(answer)
    ticket.refresh_from_db()
    assert ticket.assignee is None
    assert bea.email not in text(as_ana.get("/settings/agents/"))
    assert bea.email in text(as_ana.get("/settings/agents/?show=closed"))
    assert as_ana.get(f"{address}/close/").status_code == 404
    assert as_ana.post(f"{address}/reopen/").status_code == 302
    bea.refresh_from_db()
    assert bea.is_active


def test_tickets_kept_at_first_can_be_released_later(as_ana: Client, bea: Agent, ticket: Ticket) -> None:
    lifecycle.assign(ticket.pk, bea, Actor.of(bea))
    as_ana.post(f"/settings/agents/{bea.pk}/close/")
    assert "Release 1 ticket" in text(as_ana.get(f"/settings/agents/{bea.pk}/"))
    as_ana.post(f"/settings/agents/{bea.pk}/release/")
    ticket.refresh_from_db()
    assert ticket.assignee is None


def test_anybodys_token_is_revoked_but_never_shown(as_ana: Client, bea: Agent) -> None:
    token, key = Token.issue(bea, "Kasir")
    page = text(as_ana.get(f"/settings/agents/{bea.pk}/"))
    assert "Kasir" in page
    assert key not in page
    assert token.digest not in page
    as_ana.post(f"/settings/agents/{bea.pk}/tokens/{token.pk}/revoke/")
    assert find(key) is None


def test_search(as_ana: Client, bea: Agent, carl: Agent) -> None:
    page = text(as_ana.get("/settings/agents/?q=CARL@"))
    assert carl.email in page
    assert bea.email not in page
    for odd in ("%00", "x" * 5000, "%ff", "%25", "نور", "&page=-1", "&page=x", f"&page={10**40}"):
        assert as_ana.get(f"/settings/agents/?q={odd}").status_code == 200
        assert as_ana.get(f"/settings/tags/?q={odd}").status_code == 200
    assert "Nobody found" in text(as_ana.get("/settings/agents/?q=nobody-like-that"))


# ── Teams ────────────────────────────────────────────────────────────────────────────────────


def test_make_and_rename_a_team(as_ana: Client, north: Team) -> None:
    answer = as_ana.post("/settings/teams/", {"name": "  West \n Coast "})
    west = Team.objects.get(name="West Coast")
    assert answer.headers["Location"] == f"/settings/teams/{west.pk}/"
    for path in ("/settings/teams/", f"/settings/teams/{west.pk}/"):
        for name in ("NORTH", "", "x" * 101, "a\0b", "\u202e"):
            answer = as_ana.post(path, {"name": name})
            assert answer.status_code == 422, name
            assert 'id="id_name_error"' in text(answer)
    assert "There is a team of this name already." in text(as_ana.post("/settings/teams/", {"name": "north"}))
    as_ana.post(f"/settings/teams/{west.pk}/", {"name": "west coast"})
    west.refresh_from_db()
    assert west.name == "west coast"


def test_what_a_team_has(as_ana: Client, bea: Agent, north: Team, ticket: Ticket) -> None:
    page = " ".join(text(as_ana.get("/settings/teams/")).split())
    assert "2 agents</span><span>1 channel</span><span>1 unresolved ticket</span>" in page
    page = text(as_ana.get(f"/settings/teams/{north.pk}/"))
    assert "Shop" in page
    assert "1 unresolved ticket" in page


def test_delete_a_team(as_ana: Client, north: Team, south: Team, ticket: Ticket) -> None:
    address = f"/settings/teams/{north.pk}/delete/"
    page = text(as_ana.get(address))
    assert "1 unresolved ticket" in page
    assert "1 channel" in page
    for nowhere in ("", str(north.pk), "999999", "x", "1" * 40):
        answer = as_ana.post(address, {"into": nowhere})
        assert answer.status_code == 409, nowhere
        assert "Choose the team" in text(answer)
    assert as_ana.post(address, {"into": south.pk}).headers["Location"] == "/settings/teams/"
    ticket.refresh_from_db()
    assert ticket.team == south
    assert Channel.objects.get(pk=ticket.channel_id).team == south
    assert as_ana.get(address).status_code == 404


def test_the_only_team_with_work_stays(as_ana: Client, north: Team, ticket: Ticket) -> None:
    page = text(as_ana.get(f"/settings/teams/{north.pk}/delete/"))
    assert "There is no other team to take them." in page
    assert "Delete the team</button>" not in page


# ── Tags ─────────────────────────────────────────────────────────────────────────────────────


def test_make_rename_and_delete_a_tag(as_lena: Client, ticket: Ticket, lena: Agent) -> None:
    assert as_lena.post("/settings/tags/", {"name": " <i>VIP</i> "}).status_code == 302
    tag = Tag.objects.get(name="<i>VIP</i>")
    for name in ("<I>vip</i>", "", "a,b", "x" * 1_000_000, "\0"):
        answer = as_lena.post("/settings/tags/", {"name": name})
        assert answer.status_code == 422, name
        assert 'id="id_name_error"' in text(answer)
    lifecycle.change(ticket.pk, Actor.of(lena), tags=[tag.name])
    page = text(as_lena.get("/settings/tags/"))
    assert "<i>VIP" not in page
    assert "on 1 ticket" in page
    as_lena.post(f"/settings/tags/{tag.pk}/", {"name": "VIP"})
    assert "It is taken off 1 ticket." in text(as_lena.get(f"/settings/tags/{tag.pk}/delete/"))
    as_lena.post(f"/settings/tags/{tag.pk}/delete/")
    assert not Tag.objects.exists()
    assert not ticket.tags.exists()


def test_a_name_that_is_taken_offers_to_merge(as_lena: Client, lena: Agent, ticket: Ticket, tag: Tag) -> None:
    lifecycle.change(ticket.pk, Actor.of(lena), tags=["Refund"])
    refund = Tag.objects.get(name="Refund")
    address = f"/settings/tags/{refund.pk}/"
    answer = as_lena.post(address, {"name": "RETUR"})
    assert answer.status_code == 422
    assert f'name="merge" value="{tag.pk}"' in text(answer)
    assert "Merge “Refund” into “Retur”" in text(answer)
    # Only what was offered is done.
    assert as_lena.post(address, {"name": "RETUR", "merge": "999"}).status_code == 422
    assert as_lena.post(address, {"name": "RETUR", "merge": str(tag.pk)}).status_code == 302
    assert list(ticket.tags.all()) == [tag]
    assert not Tag.objects.filter(pk=refund.pk).exists()


# ── How much they ask the database ───────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("path", "most"),
    [("agents/", 10), ("agents/?show=closed", 10), ("teams/", 6), ("tags/", 5), ("agents/invite/", 3)],
)
def test_constant_statements(
    as_ana: Client, ana: Agent, north: Team, path: str, most: int, django_assert_max_num_queries: Any
) -> None:
    def grow(count: int) -> None:
        for number in range(count):
            at = f"{path}-{number}-{count}"[:50]
            team = Team.objects.create(name=f"T {at}")
            hire(f"a{number}x{count}", team)
            closed = hire(f"c{number}x{count}", team)
            Agent.objects.filter(pk=closed.pk).update(is_active=False)
            Tag.objects.create(name=f"Tag {at}")
            channel = connect("webhook", team, secret=Customer.secret)
            made = Customer(channel).writes().ticket
            lifecycle.change(made.pk, Actor.of(ana), tags=[f"Tag {at}"])
            given = {"email": f"g{number}x{count}@example.com", "name": "G", "role": "agent", "teams": [team.pk]}
            assert as_ana.post("/settings/agents/invite/", given).status_code == 200

    grow(1)
    with django_assert_max_num_queries(most) as few:
        as_ana.get(f"/settings/{path}")
    grow(5)
    with django_assert_max_num_queries(most) as lots:
        as_ana.get(f"/settings/{path}")
    assert len(few) == len(lots)


def test_long_lists_come_in_pages(as_ana: Client) -> None:
    Tag.objects.bulk_create([Tag(name=f"Tag {number:03}") for number in range(120)])
    first = text(as_ana.get("/settings/tags/?q=Tag"))
    assert "Tag 049" in first
    assert "Tag 050" not in first
    assert "?q=Tag&amp;page=2" in first
    assert "Tag 119" in text(as_ana.get("/settings/tags/?q=Tag&page=99"))
