"""Lists: what is in a view, in which order, a page at a time both ways, in few statements; and the badges."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from agents.models import Agent, Team
from channels_app.models import Address, Channel
from customers.models import Customer
from tests.conftest import connect, hire
from tickets import lists
from tickets.lists import Filters
from tickets.models import Tag, Ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(north: Team, south: Team, bea: Agent) -> None:
    """Eighty tickets, of teams and of none, in every state."""
    chosen = random.Random(7)
    channels = [
        connect("webhook", team, secret="whsec_x") for team in (north, south, Team.objects.create(name="West"), None)
    ]
    people = [Customer.objects.create(name=name) for name in ("Dora", "Eka", "Fajar")]
    rare, common = Tag.objects.create(name="VIP"), Tag.objects.create(name="shop")
    for number in range(1, 81):
        channel = chosen.choice(channels)
        status = chosen.choice(["open", "open", "snoozed", "resolved"])
        ticket = Ticket.objects.create(
            channel=channel, team=channel.team, customer=chosen.choice(people), threads=True, status=status,
            address=Address.objects.create(channel=channel, external_id=f"u-{number}"),
            priority=chosen.choice(["low", "normal", "normal", "urgent"]), assignee=chosen.choice([None, bea]),
            snoozed_until=timezone.now() + timedelta(days=1) if status == "snoozed" else None,
            resolved_at=timezone.now() if status == "resolved" else None, seq=1000 - number * 7 % 83,
        )  # fmt: skip
        ticket.tags.set([common, rare] if number % 20 == 0 else [common] if number % 3 == 0 else [])


def expected(agent: Agent, filters: Filters) -> list[int]:
    return [row.number for row in lists.narrowed(Ticket.objects.visible_to(agent), filters).order_by("-seq")]


def turned(agent: Agent, filters: Filters, limit: int = 7) -> tuple[list[int], list[int]]:
    """All numbers, paging to the end and back again."""
    there: list[int] = []
    page = lists.page(agent, filters, limit=limit)
    while True:
        there += [row.number for row in page.rows]
        if page.older is None:
            break
        assert len(page.rows) == limit
        page = lists.page(agent, filters, before=page.older, limit=limit)
    back = [row.number for row in page.rows]
    while page.newer is not None:
        page = lists.page(agent, filters, after=page.newer, limit=limit)
        back = [row.number for row in page.rows] + back
    return there, back


FILTERS = [
    {}, {"unresolved": True}, {"status": "open"}, {"status": "resolved"}, {"status": "snoozed"}, {"assignee": 0},
    {"assignee": 1}, {"priority": "urgent"}, {"tag": "vip"}, {"tag": "Shop", "status": "open"}, {"tag": "none"},
    {"customer": 1}, {"channel": 1}, {"channel": 2, "unresolved": True}, {"team": 1}, {"team": 2, "status": "open"},
]  # fmt: skip


@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_pages_both_ways_are_the_list(desk: None, ana: Agent, bea: Agent, filters: dict[str, object]) -> None:
    # Of customers, channels and teams: the first or second one.
    rows = {"customer": Customer.objects, "channel": Channel.objects, "team": Team.objects}
    given = {
        name: rows[name].order_by("pk")[int(str(value)) - 1].pk if name in rows else value
        for name, value in filters.items()
    }
    if given.get("assignee"):
        given["assignee"] = bea.pk
    asked = Filters(**given)  # type: ignore[arg-type]
    for agent in (ana, bea, hire("Nobody", None)):
        right = expected(agent, asked)
        assert turned(agent, asked) == (right, right)


def test_an_agent_of_many_teams_sees_the_same(desk: None, monkeypatch: pytest.MonkeyPatch, bea: Agent) -> None:
    before = turned(bea, Filters())
    monkeypatch.setattr(lists, "MANY_TEAMS", 1)
    assert turned(bea, Filters()) == before


def test_another_team_is_an_empty_list(desk: None, bea: Agent, south: Team) -> None:
    assert lists.page(bea, Filters(team=south.pk)) == lists.Page([], None, None)


@pytest.mark.parametrize("filters", [Filters(), Filters(status="open", tag="shop"), Filters(unresolved=True)])
def test_a_list_takes_few_statements_whatever_its_length(
    desk: None, bea: Agent, filters: Filters, django_assert_max_num_queries: Callable[..., object]
) -> None:
    for limit in (1, 50):
        with django_assert_max_num_queries(5):
            lists.page(bea, filters, limit=limit)


def test_badges_count_what_one_may_see(
    desk: None, ana: Agent, bea: Agent, django_assert_num_queries: Callable[..., object]
) -> None:
    for agent in (ana, bea):
        seen = Ticket.objects.visible_to(agent)
        open_ = seen.filter(status="open")
        assert lists.counts(agent) == {
            "mine": open_.filter(assignee=agent).count(),
            "unassigned": open_.filter(assignee=None).count(),
            "open": open_.count(),
            "snoozed": seen.filter(status="snoozed").count(),
        }
        by = lists.counts_by(agent)
        assert sum(by["teams"].values()) == sum(by["channels"].values()) == open_.count()
        assert by["teams"].get(0, 0) == open_.filter(team=None).count()
    sight = bea.sight()
    with django_assert_num_queries(1):
        lists.counts(bea, sight)
    with django_assert_num_queries(1):
        lists.counts_by(bea, sight)
