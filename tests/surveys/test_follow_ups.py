"""A low score is told to the lead who sees to it, at once and to nobody else; and what came of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from agents.models import Agent
from channels_app import wakeups
from surveys import answering, following
from surveys.models import FollowUp, Invitation
from tests.surveys.conftest import asked, survey
from tickets.models import Activity, Ticket

RULES = [{"name": "low", "low": 1, "high": 2, "follow_up_hours": 24}]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    frames: list[dict[str, Any]] = []
    monkeypatch.setattr(wakeups, "publish_json", lambda topic, frame: frames.append(frame))
    return frames


@pytest.fixture
def committed(django_capture_on_commit_callbacks: Any) -> Any:
    return lambda: django_capture_on_commit_callbacks(execute=True)


def answered(row: Invitation, score: int) -> None:
    answering.taken(row.pk, answering.Given(score=score))
    following.sweep()


def rings(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [frame for frame in told if frame["type"] == "follow_up"]


def test_the_lead_is_told_live(
    ticket: Ticket, bea: Agent, lena: Agent, told: list[dict[str, Any]], committed: Any
) -> None:
    survey(rules=RULES)
    row = asked(ticket, bea)
    with committed():
        answered(row, 2)
    (follow_up,) = FollowUp.objects.all()
    assert follow_up.owner == lena
    (frame,) = rings(told)
    assert frame == {
        "type": "follow_up", "to": [lena.pk], "id": follow_up.pk, "score": 2, "of": 5,
        "href": f"/surveys/follow-ups/{follow_up.pk}/",
    }  # fmt: skip
    page = Client()
    page.force_login(lena)
    assert page.get(frame["href"]).status_code == 200


def test_once_however_often_it_is_changed(
    ticket: Ticket, bea: Agent, lena: Agent, told: list[dict[str, Any]], committed: Any
) -> None:
    survey(rules=RULES)
    row = asked(ticket, bea)
    for score in (1, 2, 5, 1):
        with committed():
            answered(row, score)
    assert len(rings(told)) == 1


def test_a_good_score_rings_nobody(
    ticket: Ticket, bea: Agent, lena: Agent, told: list[dict[str, Any]], committed: Any
) -> None:
    survey(rules=RULES)
    row = asked(ticket, bea)
    with committed():
        answered(row, 4)
    assert rings(told) == []


def test_where_nobody_leads_an_administrator_is_told(
    ticket: Ticket, bea: Agent, ana: Agent, told: list[dict[str, Any]], committed: Any
) -> None:
    survey(rules=RULES, anonymous=True)
    row = asked(ticket, bea)
    with committed():
        answered(row, 1)
    (frame,) = rings(told)
    assert frame["to"] == [ana.pk]
    # Nothing of who it was.
    assert set(frame) == {"type", "to", "id", "score", "of", "href"}


def test_what_came_of_it_is_noted(ticket: Ticket, bea: Agent, lena: Agent) -> None:
    survey(rules=RULES)
    answered(asked(ticket, bea), 1)
    row = FollowUp.objects.get()
    page = Client()
    page.force_login(lena)
    answer = page.post(f"/surveys/follow-ups/{row.pk}/", {"outcome": "solved", "note": "Diganti"})
    assert answer.status_code == 302
    row.refresh_from_db()
    assert (row.outcome, row.note, row.done_by) == ("solved", "Diganti", lena)
    assert Activity.objects.filter(ticket=ticket, type="survey.followed_up", agent=lena).count() == 1


def test_what_came_while_the_lead_was_away_is_asked_for(ticket: Ticket, bea: Agent, lena: Agent, ana: Agent) -> None:
    survey(rules=RULES)
    address = "/surveys/follow-ups/waiting/"

    def asks(agent: Agent) -> Any:
        page = Client()
        page.force_login(agent)
        answer = page.get(address)
        return answer.json() if answer.status_code == 200 else answer.status_code

    assert asks(lena) == {"count": 0, "overdue": 0}
    answered(asked(ticket, bea), 1)
    assert asks(lena) == {"count": 1, "overdue": 0}
    FollowUp.objects.update(due_at=timezone.now() - timedelta(minutes=1))
    assert asks(lena) == {"count": 1, "overdue": 1}
    assert asks(ana) == {"count": 0, "overdue": 0}, "somebody else's"
    assert asks(bea) == 403
    assert Client().get(address).status_code in (302, 401)
    following.finish(FollowUp.objects.get(), "solved", "", lena)
    assert asks(lena) == {"count": 0, "overdue": 0}
    lenas = Client()
    lenas.force_login(lena)
    assert f'data-follow-ups="{address}"' in lenas.get("/").content.decode()
