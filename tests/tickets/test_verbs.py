"""What an agent does to a ticket from the page, what the menus offer, and taking one back."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from agents.models import Agent, Team
from tests.conftest import hire
from tests.tickets.test_views import EVIL, PART, browser, text_of
from tickets import lifecycle
from tickets.models import Activity, Actor, Tag, Ticket
from tickets.pages import snooze_choices


@pytest.fixture
def pages(bea: Agent) -> Client:
    return browser(bea)


@pytest.mark.parametrize(("day", "choices"), [(22, 3), (23, 4)])
def test_no_time_to_wake_stands_there_twice(day: int, choices: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The 22nd is a Sunday: tomorrow is next Monday."""
    monkeypatch.setattr(timezone, "localtime", lambda: datetime(2026, 11, day, 15, 30, tzinfo=UTC))
    times = [at for _words, at in snooze_choices()]
    assert len(times) == len(set(times)) == choices


def do(pages: Client, ticket: Ticket, verb: str, **values: Any) -> Any:
    return pages.post(f"/tickets/{ticket.pk}/{verb}/", values, **PART)


def given(response: Any) -> dict[str, Any]:
    assert response.status_code == 200, response.content
    return dict(json.loads(response.content))


def words(response: Any) -> str:
    return str(json.loads(response.content)["words"])


def offered(pages: Client, ticket: Ticket, what: str, q: str = "") -> str:
    response = pages.get(f"/tickets/{ticket.pk}/choose/{what}/", {"q": q}, **PART)
    assert response.status_code == 200
    return text_of(response)


def names(html: str) -> list[str]:
    return re.findall(r'<bdi class="cut">([^<]*)</bdi>', html)


# ── Assigning ────────────────────────────────────────────────────────────────────────────────


def test_to_somebody_else(ticket: Ticket, pages: Client, lena: Agent) -> None:
    answer = given(do(pages, ticket, "assign", agent=lena.pk))
    assert answer["words"] == "Assigned to Lena"
    assert Ticket.objects.get().assignee == lena


@pytest.mark.parametrize("who", ["carl", "gone", "nobody", "words"])
def test_not_to_who_may_not_see_it(ticket: Ticket, pages: Client, carl: Agent, lena: Agent, who: str) -> None:
    Agent.objects.filter(pk=lena.pk).update(is_active=False)
    agent = {"carl": str(carl.pk), "gone": str(lena.pk), "nobody": "98765", "words": "x"}[who]
    response = do(pages, ticket, "assign", agent=agent, take_over="1")
    assert response.status_code == 422
    # Carl is not told apart from somebody who is not there.
    assert words(response) == "This colleague cannot see the ticket, or is not there any more."
    assert Ticket.objects.get().assignee is None


def test_taken_over_only_from_whom_the_page_showed(ticket: Ticket, pages: Client, ana: Agent, lena: Agent) -> None:
    lifecycle.assign(ticket.pk, ana, Actor.of(ana))
    late = do(pages, ticket, "assign", take_over="1", held=lena.pk)
    assert late.status_code == 409
    assert "Ana has this ticket" in words(late)
    assert do(pages, ticket, "assign", take_over="1", held=ana.pk).status_code == 200


def test_the_menu_lists_only_who_may_see_it(
    ticket: Ticket, pages: Client, ana: Agent, lena: Agent, carl: Agent, south: Team
) -> None:
    hire("Nina", ticket.team)
    Agent.objects.filter(name="Nina").update(is_active=False)
    assert names(offered(pages, ticket, "agent")) == ["Bea", "Ana", "Lena"]
    assert names(offered(pages, ticket, "agent", "LE")) == ["Lena"]
    assert "Nobody of that name may see this ticket." in offered(pages, ticket, "agent", "Carl")
    lifecycle.change(ticket.pk, Actor.of(ana), team=None)
    assert "Carl" in names(offered(pages, ticket, "agent"))


def test_a_long_menu_says_that_typing_helps(ticket: Ticket, pages: Client, north: Team) -> None:
    for number in range(15):
        hire(f"Sri{number:02}", north)
    html = offered(pages, ticket, "agent")
    assert len(names(html)) == 12
    assert "There are more. Type a name." in html


@pytest.mark.parametrize("what", ["agent", "tag", "team"])
def test_menus_are_for_who_sees_the_ticket(ticket: Ticket, carl: Agent, what: str) -> None:
    assert browser(carl).get(f"/tickets/{ticket.pk}/choose/{what}/", **PART).status_code == 404


def test_menus_cost_little(ticket: Ticket, pages: Client, lena: Agent, django_assert_max_num_queries: Any) -> None:
    lifecycle.change(ticket.pk, Actor.of(lena), tags=["vip", "retur"])
    for what in ("agent", "tag", "team"):
        with django_assert_max_num_queries(8):
            offered(pages, ticket, what, "a")


def test_a_menu_that_is_none(ticket: Ticket, pages: Client) -> None:
    assert pages.get(f"/tickets/{ticket.pk}/choose/everything/", **PART).status_code == 404


# ── Tags and teams ───────────────────────────────────────────────────────────────────────────


def test_one_tag_more_and_one_less(ticket: Ticket, pages: Client, ana: Agent) -> None:
    assert given(do(pages, ticket, "tag", tag=" VIP "))["words"] == "Tagged: VIP"
    # A colleague's tag of the meantime stays.
    lifecycle.change(ticket.pk, Actor.of(ana), tag="retur")
    assert given(do(pages, ticket, "untag", untag="vip"))["words"] == "Tag removed: VIP"
    assert [tag.name for tag in ticket.tags.all()] == ["retur"]
    assert words(do(pages, ticket, "tag", tag="  ")) == "Write the tag's name."
    assert given(do(pages, ticket, "untag", untag="never there")) == {"words": "", "undo": None}


def test_tags_that_are_there_are_offered_and_others_can_be_made(ticket: Ticket, pages: Client, ana: Agent) -> None:
    Tag.objects.bulk_create(Tag(name=name) for name in ("Garansi", "garis", "VIP"))
    lifecycle.change(ticket.pk, Actor.of(ana), tag="VIP")
    assert names(offered(pages, ticket, "tag")) == ["Garansi", "garis"]
    assert names(offered(pages, ticket, "tag", "GAR")) == ["Garansi", "garis"]
    html = offered(pages, ticket, "tag", "gar")
    assert "Make the tag “<bdi>gar</bdi>”" in html
    assert "Make the tag" not in offered(pages, ticket, "tag", "garansi")
    assert "The ticket has this tag already." in offered(pages, ticket, "tag", "vip")
    assert "&lt;script&gt;" in offered(pages, ticket, "tag", EVIL)


def test_a_move_to_another_team_can_be_taken_back(ticket: Ticket, pages: Client, south: Team, north: Team) -> None:
    html = offered(pages, ticket, "team")
    assert names(html) == ["North", "South"]
    assert html.count("you will not see it") == 1
    moved = given(do(pages, ticket, "team", team=south.pk))
    assert moved["words"] == "Moved to South"
    assert pages.get(f"/tickets/{ticket.pk}/").status_code == 404
    assert given(do(pages, ticket, "undo", seq=moved["undo"]))["words"] == "Undone"
    assert Ticket.objects.get().team == north


# ── Undo ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("verb", "values"),
    [
        ("assign", {}),
        ("resolve", {}),
        ("snooze", {"until": "2999-01-01T09:00"}),
        ("priority", {"priority": "urgent"}),
        ("subject", {"subject": "Lain"}),
        ("tag", {"tag": "VIP"}),
    ],
)
def test_each_verb_says_how_to_take_it_back(ticket: Ticket, pages: Client, verb: str, values: dict[str, str]) -> None:
    def state() -> tuple[object, ...]:
        now = Ticket.objects.get()
        return now.status, now.priority, now.subject, now.assignee, [tag.name for tag in now.tags.all()]

    before = state()
    done = given(do(pages, ticket, verb, **values))
    assert done["words"]
    assert state() != before
    assert given(do(pages, ticket, "undo", seq=done["undo"])) == {"words": "Undone", "undo": None}
    assert state() == before


def test_what_a_colleague_did_since_is_not_undone(ticket: Ticket, pages: Client, ana: Agent) -> None:
    done = given(do(pages, ticket, "priority", priority="urgent"))
    lifecycle.change(ticket.pk, Actor.of(ana), priority="low")
    response = do(pages, ticket, "undo", seq=done["undo"])
    assert response.status_code == 409
    assert words(response) == "Ana has changed this meanwhile, so it stays as it is."
    assert Ticket.objects.get().priority == "low"


def test_only_ones_own_and_what_can_be_undone(ticket: Ticket, pages: Client, ana: Agent, carl: Agent) -> None:
    theirs = lifecycle.resolve(ticket.pk, Actor.of(ana)).told[0]
    opened = Activity.objects.order_by("seq").first()
    assert opened
    for seq in (theirs.pk, opened.pk, 2**62, "x", ""):
        assert do(pages, ticket, "undo", seq=seq).status_code == 404
    done = given(do(pages, ticket, "reopen"))
    assert do(browser(carl), ticket, "undo", seq=done["undo"]).status_code == 404
    assert Ticket.objects.get().status == "open"


def test_who_has_lost_sight_of_it_undoes_nothing(ticket: Ticket, pages: Client, bea: Agent) -> None:
    done = given(do(pages, ticket, "resolve"))
    bea.teams.clear()
    assert do(pages, ticket, "undo", seq=done["undo"]).status_code == 404
    assert Ticket.objects.get().status == "resolved"


def test_nothing_changed_offers_nothing(ticket: Ticket, pages: Client) -> None:
    assert given(do(pages, ticket, "release")) == {"words": "", "undo": None}


def test_the_head_offers_all_of_it(ticket: Ticket, pages: Client, bea: Agent) -> None:
    lifecycle.change(ticket.pk, Actor.of(bea), tags=["a&b=c"], priority="high")
    html = text_of(pages.get(f"/tickets/{ticket.pk}/"))
    keys = set(re.findall(r'data-key="(\w)"', html))
    assert keys == set("aelmpsti")
    assert 'href="/?tag=a%26b%3Dc"' in html
    helped = set(re.findall(r"<kbd>(\w)</kbd>", html))
    assert keys | {"z"} <= helped


def test_a_token_that_is_too_old_is_told_apart(ticket: Ticket, bea: Agent) -> None:
    client = browser(bea, enforce_csrf_checks=True)
    refused = client.post(f"/tickets/{ticket.pk}/resolve/", {"csrfmiddlewaretoken": "x" * 64}, **PART)
    assert refused.status_code == 403
    assert refused["X-Token-Refused"]
    assert Ticket.objects.get().status == "open"
    # What the script does then: the counts bring a token along, and the same thing is done once more.
    token = client.get("/counts/", **PART).cookies["csrftoken"].value
    again = client.post(f"/tickets/{ticket.pk}/resolve/", {"csrfmiddlewaretoken": token}, **PART)
    assert again.status_code == 200
    assert Ticket.objects.get().status == "resolved"
