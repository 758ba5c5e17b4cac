"""Surveys under Settings: who may, what is checked, and in which words."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver

from agents.models import Agent
from channels_app.models import Channel
from surveys import checking, definition, texts, versions
from surveys.models import Invitation, Response, Survey
from tests.surveys.conftest import around, asked, questions, survey
from tests.tickets.test_staff_pages import client_of, text
from tickets.models import Ticket

assert get_resolver().url_patterns


@pytest.fixture
def as_ana(ana: Agent) -> Client:
    return client_of(ana)


PAGES = ("", "questions/", "when/", "rules/", "preview/", "delete/")


def path(row: Survey, page: str = "") -> str:
    return f"/settings/surveys/{row.pk}/{page}"


def test_who_may(csat: Survey, ana: Agent, lena: Agent, bea: Agent, as_ana: Client) -> None:
    as_lena, as_bea = client_of(lena), client_of(bea)
    for page in PAGES:
        assert as_ana.get(path(csat, page)).status_code == 200, page
        assert as_lena.get(path(csat, page)).status_code == 403, "it is asked of all teams"
        assert as_bea.get(path(csat, page)).status_code == 403
        assert Client().get(path(csat, page)).status_code == 302
    assert (as_lena.get("/settings/surveys/").status_code, as_bea.get("/settings/surveys/").status_code) == (200, 403)
    csat.when = {"teams": [lena.teams.get().pk]}
    csat.save()
    assert as_lena.get(path(csat)).status_code == 200
    assert as_ana.get(path(csat).replace(str(csat.pk), "999")).status_code == 404


def test_a_new_one_has_its_texts_and_is_off(as_ana: Client) -> None:
    for kind in ("csat", "nps", "ces"):
        answer = as_ana.post("/settings/surveys/", {"name": f"One of {kind}", "kind": kind})
        row = Survey.objects.get(kind=kind)
        assert (answer.status_code, answer.headers["Location"], row.enabled) == (302, path(row), False)
        assert checking.gaps(definition.content(versions.whole(row))) == []
        assert as_ana.get(path(row, "preview/")).status_code == 200
    assert as_ana.post("/settings/surveys/", {"name": "", "kind": "x"}).status_code == 422


def test_a_leads_new_one_is_for_their_teams(lena: Agent) -> None:
    client = client_of(lena)
    client.post("/settings/surveys/", {"name": "Mine", "kind": "csat"})
    row = Survey.objects.get()
    assert row.when["teams"] == [lena.teams.get().pk]
    answer = client.post(path(row, "when/"), when_form(teams=[]))
    assert (answer.status_code, "Choose at least one of your teams" in text(answer)) == (422, True)


def words_form(row: Survey, **changed: Any) -> dict[str, Any]:
    said = {f"{name}_{code}": value for code, named in row.content["texts"].items() for name, value in named.items()}
    return {"name": row.name, "look": "faces", "languages": list(texts.LANGUAGES), **said, **changed}


def test_texts_are_checked_for_holes_in_clear_words(as_ana: Client, csat: Survey) -> None:
    answer = as_ana.post(path(csat), words_form(csat, ask_th="", thanks_id=" "))
    assert answer.status_code == 422
    assert "ภาษาไทย: the question is missing." in text(answer) or "ไทย: the question is missing." in text(answer)
    assert "Bahasa Indonesia: the thank-you is missing." in text(answer)
    Survey.objects.update(enabled=False)
    assert as_ana.post(path(csat), words_form(csat, ask_th="")).status_code == 302
    assert "the question is missing" in text(as_ana.get(path(csat)))
    as_ana.post(path(csat, "switch/"), {"on": "1"})
    csat.refresh_from_db()
    assert not csat.enabled, "it is not whole"
    as_ana.post(path(csat), words_form(csat, ask_th="พอใจไหม"))
    as_ana.post(path(csat, "switch/"), {"on": "1"})
    csat.refresh_from_db()
    assert (csat.enabled, csat.content["look"]) == (True, "faces")


def question_form(**rows: Any) -> dict[str, Any]:
    usual = {"q0-kind": "text", "q0-low": "1", "q0-high": "5"}
    return {**usual, **rows}


def all_languages(name: str, value: str) -> dict[str, str]:
    return {f"{name}_{code}": f"{value} {code}" for code in texts.LANGUAGES}


def test_further_questions(as_ana: Client, csat: Survey) -> None:
    good = question_form(**all_languages("q0-text", "Why?"))
    assert as_ana.post(path(csat, "questions/"), good).status_code == 302
    csat.refresh_from_db()
    (kept,) = csat.content["questions"]
    assert (kept["key"], kept["kind"], kept["text"]["id"]) == ("q1", "text", "Why? id")
    answer = as_ana.post(path(csat, "questions/"), {**good, "q1-kind": "choice", "q1-text_en": "Which?"})
    assert (answer.status_code, "Give at least two options." in text(answer)) == (422, True)
    options = {f"q1-options_{code}": "a\nb" for code in texts.LANGUAGES}
    second = {**good, "q1-kind": "choice", "q1-low": "1", "q1-high": "2", **all_languages("q1-text", "W"), **options}
    uneven = as_ana.post(path(csat, "questions/"), {**second, "q1-options_th": "a"})
    assert uneven.status_code == 422
    assert as_ana.post(path(csat, "questions/"), {**second, "q1-low": "4"}).status_code == 422
    assert as_ana.post(path(csat, "questions/"), second).status_code == 302
    csat.refresh_from_db()
    assert [(one["key"], len(one["options"])) for one in csat.content["questions"]] == [("q1", 0), ("q2", 2)]
    gone = {**second, **{f"q0-text_{code}": "" for code in texts.LANGUAGES}, "q2-kind": "text"}
    as_ana.post(path(csat, "questions/"), gone)
    csat.refresh_from_db()
    assert [one["key"] for one in csat.content["questions"]] == ["q2"], "a key stays with its question"


def when_form(**changed: Any) -> dict[str, Any]:
    return {
        "delay": "3", "unit": "1440", "quiet_from": "21:00", "quiet_to": "08:30", "every_days": "90", "percent": "50",
        "remind_days": "2", "expire_days": "10", "not_tags": "spam, Uji", **changed,
    }  # fmt: skip


def test_when(as_ana: Client, csat: Survey, webhook_channel: Channel) -> None:
    assert as_ana.post(path(csat, "when/"), when_form(channels=[webhook_channel.pk])).status_code == 302
    csat.refresh_from_db()
    when = definition.when(csat.when)
    assert (when.delay.days, when.percent, when.not_tags, when.channels) == (
        3,
        50,
        ("spam", "Uji"),
        {webhook_channel.pk},
    )
    assert 'value="08:30"' in text(as_ana.get(path(csat, "when/")))
    for wrong in (
        {"percent": "101"}, {"quiet_to": ""}, {"remind_days": "10"}, {"delay": "x"}, {"delay": "61"},
        {"channels": ["999"]},
    ):  # fmt: skip
        assert as_ana.post(path(csat, "when/"), when_form(**wrong)).status_code == 422, wrong


def rule_form(**changed: Any) -> dict[str, Any]:
    return {"r0-name": "Low", "r0-low": "1", "r0-high": "2", "r0-follow_up_hours": "24", "d-low_score": "2", **changed}


def test_rules_are_tried_on_past_answers(as_ana: Client, csat: Survey, ticket: Ticket, bea: Agent, dora: Any) -> None:
    asked(ticket, bea)
    dora.writes("2")
    answer = as_ana.post(path(csat, "rules/"), rule_form(**{"try": "1"}))
    assert "would have matched 1 of the last 1 answers" in text(answer)
    csat.refresh_from_db()
    assert csat.rules == []
    assert as_ana.post(path(csat, "rules/"), rule_form()).status_code == 302
    csat.refresh_from_db()
    assert definition.rules(csat.rules)[0].follow_up_hours == 24
    for wrong in (
        {"r0-low": "3"}, {"r0-high": "6"}, {"r0-follow_up_hours": ""}, {"r0-review": "javascript:alert(1)"},
        {"r0-review": "//x"}, {"r0-review": "http://["}, {"d-late_minutes": "0"},
    ):  # fmt: skip
        assert as_ana.post(path(csat, "rules/"), rule_form(**wrong)).status_code == 422, wrong


def test_a_test_goes_to_the_sandbox_and_counts_nowhere(as_ana: Client, sandbox_channel: Channel, ana: Agent) -> None:
    row = survey()
    Survey.objects.update(enabled=False)
    answer = as_ana.post(path(row, "test/"), {"language": "th"})
    assert answer.headers["Location"].startswith(f"/sandbox/{sandbox_channel.pk}/")
    invitation = Invitation.objects.get()
    assert (invitation.is_test, invitation.state) == (True, "asked")
    assert "พอใจ" in questions(invitation.ticket)[0].text
    around()
    assert Invitation.objects.count() == 1
    from surveys import answering

    answering.taken(invitation.pk, answering.Given(score=1))
    around()
    assert Response.objects.get().follow_at is None


def test_a_deleted_one_is_gone_from_the_list(as_ana: Client, csat: Survey) -> None:
    assert as_ana.post(path(csat, "delete/")).status_code == 302
    assert as_ana.get(path(csat)).status_code == 404
    assert "No surveys yet" in text(as_ana.get("/settings/surveys/"))
