"""Results: what is counted, who sees it, what stands behind each number, and what it costs."""

from __future__ import annotations

import csv
import io
import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.db.models import Sum
from django.test import Client
from django.urls import get_resolver

from agents.models import Agent
from surveys import answering, following, results, results_pages, tallies
from surveys.models import FollowUp, Invitation, Response, Survey, Tally
from tests.conftest import Customer
from tests.surveys.conftest import around, asked, resolved, survey
from tests.tickets.test_staff_pages import client_of, text
from tickets import lifecycle, wording
from tickets.models import Activity, Actor, Ticket

assert get_resolver().url_patterns
PAGE, ANSWERS = "/surveys/results/", "/surveys/results/answers/"


@pytest.fixture
def as_ana(ana: Agent) -> Client:
    return client_of(ana)


def answered(customer: Customer, agent: Agent, score: int, comment: str = "") -> Response:
    row = asked(customer.writes().ticket, agent)
    return answering.taken(row.pk, answering.Given(score=score, comment=comment))


@pytest.fixture
def five(csat: Survey, eka: Customer, bea: Agent) -> list[Response]:
    """Scores 5, 5, 4, 2, 1 of five customers."""
    found = [
        answered(Customer(eka.channel, id=f"u-{place}", name=f"C{place}"), bea, score, f"=kata{place}")
        for place, score in enumerate((5, 5, 4, 2, 1))
    ]
    tallies.sweep()
    return found


def test_the_page_says_it_in_figures(five: list[Response], as_ana: Client) -> None:
    page = text(as_ana.get(PAGE))
    assert "60.0 %" in page
    assert "100.0 % answered: 5 of 5" in page
    assert "23.1 % to 88.2 %" in page
    assert "=kata4" in page
    assert "style=" not in page.split("<main")[1]
    assert '<svg class="chart"' in page
    assert "As a table" in page


def test_every_number_opens_what_is_behind_it(five: list[Response], as_ana: Client) -> None:
    page = text(as_ana.get(PAGE))
    links = set(re.findall(r'href="([^"]*/surveys/results/answers/\?[^"]*)"[^>]*>(\d+)</a>', page))
    assert len(links) > 8
    for link, number in links:
        behind = text(as_ana.get(link.replace("&amp;", "&")))
        assert len(re.findall(r'<a href="/tickets/\d+/"', behind)) == int(number), link


@pytest.mark.parametrize("what", ["answers", "asked"])
def test_page_by_page_each_stands_once_the_newest_day_first(
    five: list[Response], as_ana: Client, monkeypatch: Any, what: str
) -> None:
    monkeypatch.setattr(results_pages, "AT_A_TIME", 2)
    # Answered today and on three days before, in no order of their numbers.
    for place, ago in enumerate((1, 0, 3, 1, 2)):
        day = five[place].day - timedelta(days=ago)
        Response.objects.filter(pk=five[place].pk).update(day=day)
        Invitation.objects.filter(pk=five[place].invitation_id).update(day=day)
    found, address = [], f"{ANSWERS}?what={what}"
    while address:
        page = text(as_ana.get(address))
        found += [int(number) for number in re.findall(r'<a href="/tickets/(\d+)/"', page)]
        more = re.search(r'href="(\?[^"]*before=[^"]*)"', page)
        address = ANSWERS + more[1].replace("&amp;", "&") if more else ""
    assert found == [five[place].ticket_id for place in (1, 3, 0, 4, 2)]
    # Whom the page stopped at was erased meanwhile.
    assert as_ana.get(f"{ANSWERS}?what={what}&before=999999").status_code == 200


def test_what_went_wrong_opens_too(five: list[Response], as_ana: Client, bea: Agent) -> None:
    Survey.objects.update(defects={"late_minutes": 1, "low_score": 2, "reopened": True})
    Invitation.objects.filter(pk=five[0].invitation_id).update(first_reply_seconds=600)
    lifecycle.reopen(five[1].ticket_id, Actor.of(bea))
    tallies.touch_all(Survey.objects.get())
    around()
    page = text(as_ana.get(PAGE))
    found = {}
    for link in set(re.findall(r'href="([^"]*/answers/\?[^"]*)"', page)):
        what = re.search(r"what=(\w+)", link)
        assert what, link
        rows = re.findall(r'<a href="/tickets/(\d+)/"', text(as_ana.get(link.replace("&amp;", "&"))))
        if "by=" not in link and "score=" not in link and "reason=" not in link:
            found[what[1]] = len(rows)
    assert found == {
        "answers": 5, "asked": 5, "answered": 5, "defects": 4, "late": 1, "of_late": 1, "low": 2, "of_low": 5,
        "reopened": 1, "of_reopened": 5,
    }  # fmt: skip


def test_counts_are_those_of_the_rows(five: list[Response], eka: Customer, bea: Agent) -> None:
    def counted() -> dict[str, int]:
        sums = {name: Sum(name) for name in results.COUNTED}
        return {name: value for name, value in Tally.objects.filter(by="all").aggregate(**sums).items() if value}

    before = {"s5": 2, "s4": 1, "s2": 1, "s1": 1, "asked": 5, "answered": 5, "low": 2, "of_low": 5, "of_reopened": 5}
    assert counted() == before
    answering.taken(five[0].invitation_id, answering.Given(score=1))
    tallies.sweep()
    assert counted() == {**before, "s5": 1, "s1": 2, "low": 3}
    lifecycle.reopen(five[1].ticket_id, Actor.of(bea))
    around()
    assert counted()["reopened"] == 1
    five[2].invitation.delete()
    tallies.touch({(five[2].survey_id, five[2].day)})
    tallies.sweep()
    assert counted()["asked"] == 4
    assert "s4" not in counted()


def test_a_tag_that_is_put_on_later_counts(five: list[Response], bea: Agent) -> None:
    lifecycle.change(five[0].ticket_id, Actor.of(bea), tag="Retur")
    around()
    row = Tally.objects.get(by="tag", s5=1)
    assert row.asked == 1


def test_a_mark_that_comes_late_is_not_lost(five: list[Response]) -> None:
    """Each change leaves a mark of its own: one that is taken away was seen."""
    tallies.touch({(five[0].survey_id, five[0].day)})
    Response.objects.filter(pk=five[0].pk).update(score=3)
    tallies.sweep()
    assert Tally.objects.filter(by="all").aggregate(n=Sum("s3"))["n"] == 1


def test_who_sees_what(five: list[Response], lena: Agent, bea: Agent, carl: Agent, south: Any, ana: Agent) -> None:
    assert "60.0 %" in text(client_of(lena).get(PAGE))
    assert client_of(bea).get(PAGE).status_code == 403
    other = client_of(Agent.objects.create_user("l@example.com", "x", name="Lars", role="lead"))
    page = text(other.get(PAGE))
    assert "60.0 %" not in page
    assert "kata" not in page
    assert "<li>" not in text(other.get(ANSWERS)).split("<main")[1]
    assert "kata" not in b"".join(other.get("/surveys/results/answers.csv")).decode()


def test_the_number_of_statements_is_the_same_however_many_answered(
    five: list[Response], eka: Customer, bea: Agent, as_ana: Client, django_assert_num_queries: Any
) -> None:
    as_ana.get(PAGE)

    def statements() -> int:
        with django_assert_num_queries(13, exact=False) as found:
            assert as_ana.get(PAGE).status_code == 200
        return len(found)

    few = statements()
    for place in range(10):
        answered(Customer(eka.channel, id=f"v-{place}", name=f"D{place}"), bea, 1 + place % 5)
    tallies.sweep()
    assert statements() == few
    with django_assert_num_queries(6, exact=False):
        as_ana.get(ANSWERS)


def test_a_file_that_no_spreadsheet_runs(five: list[Response], as_ana: Client, ana: Agent) -> None:
    ana.name = "@Ana"
    ana.save()
    Response.objects.filter(pk=five[0].pk).update(agent=ana, comment='-1+1\nzwei, "drei"')
    answer = as_ana.get("/surveys/results/answers.csv")
    content = b"".join(answer).decode()
    assert content.startswith("\ufeff")
    rows = list(csv.DictReader(io.StringIO(content.removeprefix("\ufeff"))))
    assert len(rows) == 5
    last = rows[-1]
    assert (last["agent"], last["comment"], last["score"]) == ("'@Ana", '\'-1+1\nzwei, "drei"', "5")
    assert rows[0]["comment"].startswith("'=kata")
    for wide in ("＝1+1", "＠SUM", "\n=1"):
        assert results_pages.cell(wide) == f"'{wide}"
    # Excel in Jakarta parts by semicolons, and takes no notice of our commas.
    assert results_pages.cell("bagus;=cmd|' /C calc'!A0;-2+3") == "bagus;'=cmd|' /C calc'!A0;'-2+3"
    assert results_pages.cell("bagus ;-) ; =) \t ok") == "bagus ;-) ; =) \t ok"


@pytest.mark.parametrize(
    "query",
    [
        "?from=x&to=9999-99-99", "?from=2030-01-01&to=2020-01-01", "?by=agent&key=99999999999999999999", "?by=xx&key=1",
        "?by=agent&key=", "?by=tag&key=x", "?by=language&key=%00", "?from=0001-01-01", "?score=99", "?before=abc",
    ],
)  # fmt: skip
def test_addresses_of_any_kind(five: list[Response], as_ana: Client, query: str) -> None:
    for page in (PAGE, ANSWERS, "/surveys/results/answers.csv"):
        answer = as_ana.get(page + query)
        assert answer.status_code == 200, (page, query)


def test_what_is_not_there(five: list[Response], as_ana: Client) -> None:
    for query in ("?survey=999", "?by=team&key=x", "?by=team&key=99999999999999999999"):
        assert as_ana.get(PAGE + query).status_code == 404
    assert as_ana.get(f"{ANSWERS}?what=x").status_code == 404


def test_without_any_survey(as_ana: Client, ana: Agent) -> None:
    assert "No results yet" in text(as_ana.get(PAGE))
    survey()
    assert as_ana.get(PAGE).status_code == 200
    for kind in ("nps", "ces"):
        row = survey(kind)
        assert as_ana.get(f"{PAGE}?survey={row.pk}").status_code == 200


def test_not_asked_is_counted_by_reason(ticket: Ticket, bea: Agent, as_ana: Client) -> None:
    survey(when={"percent": 0})
    resolved(ticket, bea)
    around()
    page = text(as_ana.get(PAGE))
    assert "Left out by the sample: <a" in page


def test_a_long_time_is_drawn_in_weeks_and_months(csat: Survey, ana: Agent) -> None:
    first = date(2026, 1, 1)
    for place in range(300):
        Tally.objects.create(survey=csat, day=first + timedelta(days=place), team=0, by="all", s5=8, s1=2)
    for days, points in ((30, 30), (90, 13), (300, 10)):
        one = results.Asked(csat, ana.sight(), first, first + timedelta(days=days - 1))
        found = results.results(one)
        assert found.chart is not None
        assert len(found.chart.points) == points
        assert sum(point.count for point in found.chart.points) == 10 * days


# ── Follow-ups ───────────────────────────────────────────────────────────────────────────────

LOW = [{"name": "Low", "low": 1, "high": 2, "follow_up_hours": 24, "reopen": True}]
HIGH = [
    {"name": "Thanks", "low": 3, "high": 5, "thank": True},
    {"name": "R", "low": 5, "high": 5, "review": "https://r.example"},
]


def test_a_low_score_is_somebodys_to_see_to(ticket: Ticket, bea: Agent, lena: Agent, dora: Customer) -> None:
    survey(rules=LOW)
    asked(ticket, bea)
    dora.writes("1")
    for _again in range(3):
        around()
    row = FollowUp.objects.get()
    assert (row.owner, row.rule) == (lena, "Low")
    ticket.refresh_from_db()
    assert ticket.status == "open"
    lines = Activity.objects.filter(ticket=ticket, type="survey.follow_up")
    assert [wording.of_line(line).startswith("Lena follows up on the answer, until") for line in lines] == [True]
    client = client_of(lena)
    assert f"#{ticket.pk}" in text(client.get("/surveys/follow-ups/"))
    answer = client.post(f"/surveys/follow-ups/{row.pk}/", {"outcome": "solved", "note": "Diganti"})
    assert answer.status_code == 302
    row.refresh_from_db()
    assert (row.outcome, row.done_by) == ("solved", lena)
    assert row.done_at
    assert "Nothing to follow up" in text(client.get("/surveys/follow-ups/"))
    assert '<a href="/surveys/results/" aria-current="page">' in client.get("/surveys/follow-ups/").content.decode()
    assert "Solved for the customer" in text(client.get("/surveys/follow-ups/?show=done"))
    assert client.post(f"/surveys/follow-ups/{row.pk}/", {"outcome": "x"}).status_code == 422
    assert client_of(bea).get("/surveys/follow-ups/").status_code == 403


def test_thanks_once_and_a_review_of_who_is_happy(ticket: Ticket, bea: Agent, dora: Customer) -> None:
    survey(rules=HIGH)
    asked(ticket, bea)
    dora.writes("4")
    around()
    dora.writes("5")
    around()
    around()
    said = Activity.objects.filter(ticket=ticket, type="message.added", message__agent=None, message__direction="out")
    said = said.order_by("seq")
    texts = [line.message.text for line in said if line.message]
    assert texts[1] == "Thank you for your answer."
    assert texts[2].endswith("https://r.example")
    assert len(texts) == 3
    ticket.refresh_from_db()
    assert ticket.status == "resolved"


def test_a_team_without_a_lead(ticket: Ticket, bea: Agent, ana: Agent) -> None:
    assert following.owner_of(ticket) == ana
    ana.is_active = False
    ana.save()
    assert following.owner_of(ticket) is None


def test_one_with_less_to_do_gets_the_next(ticket: Ticket, lena: Agent, bea: Agent, eka: Customer) -> None:
    second = Agent.objects.create_user("m@example.com", "x", name="Max", role="lead")
    second.teams.add(*lena.teams.all())
    survey(rules=LOW)
    for place in range(4):
        answered(Customer(eka.channel, id=f"u-{place}"), bea, 1)
        around()
    assert sorted(FollowUp.objects.values_list("owner__name", flat=True)) == ["Lena", "Lena", "Max", "Max"]
    assert Invitation.objects.count() == 4
