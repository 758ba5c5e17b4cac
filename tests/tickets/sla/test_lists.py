"""What is due first, and what is at risk: lists, pages by keyset, the API and the rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agents.models import Agent, Team
from tests.conftest import Api, Customer
from tickets import lists, selections, shapes
from tickets.models import Ticket
from tickets.sla import following, watching
from tickets.sla.models import Policy


@pytest.fixture
def policy(db: None) -> Policy:
    targets = {"normal": {"first_response": 60, "resolution": 600}, "high": {"first_response": 30}}
    made = Policy.objects.create(name="Gold", business=False, warn_percent=50, targets=targets)
    following.policies.forget()
    return made


@pytest.fixture
def due(policy: Policy, dora: Customer) -> list[Ticket]:
    """Seven tickets, of which three are due at one instant and one is not due at all; in the order of their times."""
    now = timezone.now().replace(microsecond=0)
    minutes = [None, 5, 90, 30, 30, 30, 600]
    made = []
    for place, ahead in enumerate(minutes):
        ticket = Customer(dora.channel, id=f"u-{place}", name=f"C{place}").writes().ticket
        at = None if ahead is None else now + timedelta(minutes=ahead)
        Ticket.objects.filter(pk=ticket.pk).update(due_at=at)
        made.append(ticket)
    order = sorted(range(1, 7), key=lambda place: (minutes[place], place))
    return [made[place] for place in order]


@pytest.mark.parametrize("who", ["ana", "bea"])
def test_pages_by_due_time_neither_skip_nor_repeat(due: list[Ticket], who: str, request: Any) -> None:
    agent: Agent = request.getfixturevalue(who)
    numbers = [row.pk for row in due]
    seen, before = [], None
    pages = []
    while True:
        page = lists.page(agent, lists.Filters(), by_due=True, limit=2, before=before)
        seen += [row.pk for row in page.rows]
        pages.append(page)
        if page.older is None:
            break
        before = page.older
    assert seen == numbers
    back = lists.page(agent, lists.Filters(), by_due=True, limit=2, after=pages[-1].newer)
    assert [row.pk for row in back.rows] == numbers[-4:-2]
    assert back.older is not None


def test_an_agent_sees_what_is_due_in_their_teams_alone(due: list[Ticket], carl: Agent, south: Team) -> None:
    assert not lists.page(carl, lists.Filters(), by_due=True).rows
    Ticket.objects.filter(pk=due[3].pk).update(team=south)
    Ticket.objects.filter(pk=due[1].pk).update(team=None)
    found = lists.page(carl, lists.Filters(), by_due=True)
    assert [row.pk for row in found.rows] == [due[1].pk, due[3].pk]


@pytest.mark.parametrize("key", [-5, 0, 10**36 - 1, 1])
def test_any_number_is_a_key(due: list[Ticket], ana: Agent, key: int) -> None:
    found = lists.page(ana, lists.Filters(), by_due=True, before=key)
    assert len(found.rows) in (0, 6)


def test_the_view_of_what_is_at_risk_and_its_count(policy: Policy, dora: Customer, eka: Customer, bea: Agent) -> None:
    late, fine = dora.writes().ticket, eka.writes().ticket
    _age(late, 70)
    watching.sweep()
    client = Client()
    client.force_login(bea)
    page = client.get("/?view=at_risk").content.decode()
    assert f'id="t-{late.pk}"' in page
    assert f'id="t-{fine.pk}"' not in page
    assert 'class="pill due breached"' in page
    assert "Overdue" in page
    assert selections.badges(bea, bea.sight())["at_risk"] == 1
    rows = client.get(f"/rows/?view=at_risk&n={late.pk},{fine.pk}", headers={"X-Requested-With": "fetch"})
    assert f't-{fine.pk}"' not in rows.content.decode()


def _age(ticket: Ticket, minutes: int) -> None:
    """As if all had happened so long ago."""
    row = Ticket.objects.get(pk=ticket.pk)
    assert row.clocks is not None
    for clock in row.clocks["clocks"].values():
        for name in ("started_at", "since"):
            clock[name] = (timezone.now() - timedelta(minutes=minutes)).isoformat()
    Ticket.objects.filter(pk=row.pk).update(clocks=row.clocks, look_at=timezone.now())


def test_lists_cost_what_they_did(due: list[Ticket], ana: Agent, bea: Agent) -> None:
    for agent in (ana, bea):
        client = Client()
        client.force_login(agent)
        client.get("/?view=open")
        for address in ("/?view=at_risk", "/?view=open&sort=due", "/?view=open"):
            with CaptureQueriesContext(connection) as asked:
                answer = client.get(address)
            assert answer.status_code == 200
            assert len(asked) <= 8, [query["sql"] for query in asked]


def test_the_order_is_chosen_on_the_page_and_stays_in_its_addresses(due: list[Ticket], bea: Agent) -> None:
    client = Client()
    client.force_login(bea)
    page = client.get("/?view=mine").content.decode()
    assert 'href="/?view=mine&amp;sort=due"' in page
    page = client.get("/?sort=due").content.decode()
    places = [page.index(f'id="t-{row.pk}"') for row in due]
    assert places == sorted(places)
    assert 'data-order="due"' in page
    assert 'data-query="sort=due"' in page
    for address in (
        "/?q=Halo&sort=due",
        "/?view=resolved&sort=due",
        "/?sort=%00",
        "/?view=at_risk&before=9999999999999999999999",
    ):
        assert client.get(address).status_code == 200


def test_a_tickets_head_says_what_is_due(policy: Policy, dora: Customer, bea: Agent) -> None:
    ticket = dora.writes().ticket
    client = Client()
    client.force_login(bea)
    page = client.get(f"/tickets/{ticket.pk}/").content.decode()
    assert "First response: <time" in page
    assert "Resolution: <time" in page


# ── The API ──────────────────────────────────────────────────────────────────────────────────


def test_the_api_gives_due_times_and_filters_by_them(
    due: list[Ticket], api: Callable[[Agent], Api], ana: Agent, policy: Policy
) -> None:
    ask = api(ana)
    page = ask.get("/tickets/?ordering=due&limit=4")
    assert [row["number"] for row in page["results"]] == [row.pk for row in due[:4]]
    rest = ask.get("/tickets/?" + page["next"].partition("?")[2])
    assert [row["number"] for row in rest["results"]] == [row.pk for row in due[4:]]
    back = ask.get("/tickets/?" + rest["previous"].partition("?")[2])
    assert [row["number"] for row in back["results"]] == [row.pk for row in due[:4]]
    assert ask.get("/tickets/?sla=breached")["results"] == []
    _age(due[0], 70)
    watching.sweep()
    (late,) = ask.get("/tickets/?sla=breached")["results"]
    assert late["sla"]["policy"] == {"id": policy.pk, "name": "Gold"}
    first = late["sla"]["clocks"][0]
    assert (first["kind"], first["paused"], first["met_at"]) == ("first_response", False, None)
    assert first["breached_at"] == late["due_at"] == first["due_at"]
    assert ask("GET", "/tickets/?sla=late").status_code == 400
    assert ask("GET", "/tickets/?ordering=age").status_code == 400
    assert ask("GET", "/tickets/?ordering=due&q=halo").status_code == 400
    seq_cursor = ask.get("/tickets/?limit=2")["next"].partition("cursor=")[2]
    assert ask("GET", f"/tickets/?ordering=due&cursor={seq_cursor}").status_code == 400


def test_a_ticket_of_no_policy_says_so(ticket: Ticket) -> None:
    given = shapes.ticket(Ticket.objects.for_reading().get(pk=ticket.pk))
    assert (given["due_at"], given["sla"]) == (None, None)
