"""Staff: sight, roles, and tokens of which only a hash is kept."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from agents.models import Agent, Sight, Team, Token
from agents.tokens import find, token_of
from channels_app.models import Channel
from tests.conftest import PASSWORD, Customer, connect, hire
from tickets.models import Message, Ticket


@pytest.fixture
def desk(ticket: Ticket, south: Team) -> dict[str, Ticket]:
    """A ticket of North, one of South, one of no team."""
    return {
        "north": ticket,
        "south": Customer(connect("webhook", south, secret=Customer.secret)).writes().ticket,
        "nobody": Customer(connect("webhook", None, secret=Customer.secret)).writes().ticket,
    }


def seen(agent: Agent, desk: dict[str, Ticket]) -> set[str]:
    numbers = set(Ticket.objects.visible_to(agent).values_list("pk", flat=True))
    messages = set(Message.objects.visible_to(agent).values_list("ticket_id", flat=True))
    assert numbers == messages
    covered = {ticket.pk for ticket in Ticket.objects.all() if agent.sight().covers(ticket.team_id)}
    assert numbers == covered
    return {name for name, ticket in desk.items() if ticket.pk in numbers}


def test_sight(desk: dict[str, Ticket], ana: Agent, bea: Agent, carl: Agent, lena: Agent, south: Team) -> None:
    assert seen(ana, desk) == {"north", "south", "nobody"}
    assert seen(bea, desk) == seen(lena, desk) == {"north", "nobody"}
    assert seen(carl, desk) == {"south", "nobody"}
    assert seen(hire("Nina", None), desk) == {"nobody"}
    bea.teams.add(south)
    assert seen(bea, desk) == {"north", "south", "nobody"}


def test_equal_sights_are_one() -> None:
    assert len({Sight(frozenset({1, 2})), Sight(frozenset({2, 1})), Sight(None), Sight(frozenset())}) == 3


def test_a_token_is_shown_once_and_kept_as_a_hash(bea: Agent) -> None:
    token, key = Token.issue(bea, "script")
    assert key.startswith("plg_")
    assert len(key) > 36
    assert key not in str(Token.objects.values().get())
    found = find(key)
    assert found is not None
    assert found.agent == bea
    assert find(key + "x") is find("") is find("\ud800") is None
    token.revoke()
    assert find(key) is None


def test_a_closed_account_has_no_token(bea: Agent) -> None:
    _token, key = Token.issue(bea)
    Agent.objects.filter(pk=bea.pk).update(is_active=False)
    assert find(key) is None


def test_a_given_key_is_issued_once(bea: Agent) -> None:
    first, _key = Token.issue(bea, key="plg_demo")
    again, _key = Token.issue(bea, key="plg_demo")
    assert first.pk == again.pk


def test_use_is_noted_once_a_minute(bea: Agent) -> None:
    token, _key = Token.issue(bea)
    token.used()
    token.refresh_from_db()
    first = token.last_used_at
    token.used()
    token.refresh_from_db()
    assert token.last_used_at == first is not None


@pytest.mark.parametrize(
    ("header", "key"),
    [("Bearer abc", "abc"), ("bearer  abc ", "abc"), ("Basic abc", ""), ("abc", ""), ("", ""), ("Bearer", "")],
)
def test_only_bearer_counts(header: str, key: str) -> None:
    assert token_of(header) == key


def test_an_e_mail_address_is_once_whatever_its_case(bea: Agent) -> None:
    assert bea.check_password(PASSWORD)
    assert Agent.objects.get_by_natural_key("BEA@example.com") == bea
    with pytest.raises(IntegrityError), transaction.atomic():
        Agent.objects.create(email="BEA@example.com", name="Bea")
    with pytest.raises(IntegrityError), transaction.atomic():
        Team.objects.create(name="NORTH")


def test_a_superuser_is_an_administrator(db: None) -> None:
    root = Agent.objects.create_superuser("root@example.com", PASSWORD)
    assert (root.is_admin, root.is_staff, root.name) == (True, True, "root")


def test_a_team_that_goes_leaves_its_tickets_to_all(desk: dict[str, Ticket], bea: Agent, south: Team) -> None:
    south.delete()
    assert seen(bea, desk) == {"north", "south", "nobody"}
    assert Channel.objects.filter(team=None).count() == 2
