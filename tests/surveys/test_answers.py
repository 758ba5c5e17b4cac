"""Answers written back, pressed and sent from the page: each taken once, and nothing lost that was no answer."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from agents.models import Agent
from surveys import answering, links, page, texts
from surveys.models import FollowUp, Invitation, Response, Survey
from tests.conftest import Customer, lead_to
from tests.surveys.conftest import around, asked, later, questions, resolved, survey
from tickets import replies, shapes, wording
from tickets.models import Activity, Message, Ticket

State = Invitation.State


def types(ticket: Ticket) -> list[str]:
    return list(Activity.objects.filter(ticket=ticket).order_by("seq").values_list("type", flat=True))


def press(customer: Customer, payload: str, id: str = "p-1") -> None:
    customer.sends({"type": "postback", "id": id, "sender": customer.sender, "title": "⭐ 4", "payload": payload})


# ── Written back ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("text", ["5", "๕", "lima", "five stars", "👍", "sangat puas", "ดีมาก"])
def test_an_answer_stays_on_its_ticket_and_opens_nothing(
    csat: Survey, ticket: Ticket, bea: Agent, dora: Customer, text: str
) -> None:
    asked(ticket, bea)
    message = dora.writes(text)
    ticket.refresh_from_db()
    assert message.ticket_id == ticket.pk
    assert (ticket.status, ticket.waiting_since) == ("resolved", None)
    assert types(ticket)[-2:] == ["survey.answered", "message.added"]
    (response,) = Response.objects.all()
    assert (response.score, response.via, response.agent) == (5, "channel", bea)
    assert response.customer_id == ticket.customer_id
    assert response.invitation.state == State.ANSWERED
    line = Activity.objects.get(type="survey.answered")
    assert wording.of_line(line) == "Dora answered the survey: 5 of 5"
    assert shapes.line_of(line)["data"]["number"] == ticket.pk


def test_more_than_an_answer_is_both(csat: Survey, ticket: Ticket, bea: Agent, dora: Customer) -> None:
    asked(ticket, bea)
    dora.writes("2, but my parcel is broken")
    ticket.refresh_from_db()
    assert ticket.status == "open"
    assert ticket.waiting_since
    assert Response.objects.get().score == 2
    assert types(ticket)[-3:] == ["survey.answered", "ticket.reopened", "message.added"]


@pytest.mark.parametrize("text", ["6", "0", "baik", "5 boxes are missing", "Halo?"])
def test_what_is_no_answer_opens_the_ticket(
    csat: Survey, ticket: Ticket, bea: Agent, dora: Customer, text: str
) -> None:
    asked(ticket, bea)
    dora.writes(text)
    ticket.refresh_from_db()
    assert ticket.status == "open"
    assert not Response.objects.exists()


def test_a_number_without_a_survey_is_a_message(csat: Survey, ticket: Ticket, bea: Agent, dora: Customer) -> None:
    resolved(ticket, bea)
    dora.writes("5")
    ticket.refresh_from_db()
    assert ticket.status == "open"


def test_a_number_after_the_time_to_answer_is_a_message(
    csat: Survey, ticket: Ticket, bea: Agent, dora: Customer
) -> None:
    later(asked(ticket, bea), days=8)
    dora.writes("5")
    ticket.refresh_from_db()
    assert ticket.status == "open"
    assert not Response.objects.exists()


def test_a_survey_is_open_though_the_ticket_was_resolved_again_without_asking(
    ticket: Ticket, bea: Agent, dora: Customer
) -> None:
    survey(when={"every_days": 30})
    first = asked(ticket, bea)
    dora.writes("Terima kasih ya")
    assert asked(ticket, bea).reason == "recent"
    dora.writes("5")
    ticket.refresh_from_db()
    assert (Response.objects.get().invitation, ticket.status) == (first, "resolved")


def test_a_number_after_the_reminder_answers_it(ticket: Ticket, bea: Agent, dora: Customer) -> None:
    survey(when={"remind_days": 1})
    row = asked(ticket, bea)
    replies.reply(ticket.pk, bea, replies.Draft(text="Paketnya sudah jalan."))
    later(row, days=1)
    around()
    dora.writes("5")
    assert Response.objects.get().score == 5


def test_a_number_that_answers_an_agent_is_a_message(csat: Survey, ticket: Ticket, bea: Agent, dora: Customer) -> None:
    asked(ticket, bea)
    replies.reply(ticket.pk, bea, replies.Draft(text="Berapa kardus?"))
    dora.writes("5")
    assert not Response.objects.exists()


def test_it_may_be_mended_at_once_and_not_days_later(csat: Survey, ticket: Ticket, bea: Agent, dora: Customer) -> None:
    asked(ticket, bea)
    dora.writes("1")
    dora.writes("4")
    assert [row.score for row in Response.objects.all()] == [4]
    Response.objects.update(changed_at=timezone.now() - timedelta(hours=2))
    dora.writes("3")
    ticket.refresh_from_db()
    assert (ticket.status, Response.objects.get().score) == ("open", 4)


def test_a_redelivered_answer_changes_nothing(csat: Survey, ticket: Ticket, bea: Agent, dora: Customer) -> None:
    asked(ticket, bea)
    dora.writes("5", id="m-5")
    before = types(ticket)
    dora.writes("5", id="m-5")
    assert types(ticket) == before


# ── Pressed ──────────────────────────────────────────────────────────────────────────────────


def test_a_button(csat: Survey, ticket: Ticket, bea: Agent, dora: Customer) -> None:
    row = asked(ticket, bea)
    press(dora, f"survey:{row.pk}:4")
    ticket.refresh_from_db()
    assert (Response.objects.get().score, ticket.status) == (4, "resolved")
    press(dora, f"survey:{row.pk}:4", "p-2")
    press(dora, f"survey:{row.pk}:2", "p-3")
    assert [one.score for one in Response.objects.all()] == [2]


def test_a_button_counts_while_another_thing_is_talked_about(
    csat: Survey, ticket: Ticket, bea: Agent, dora: Customer
) -> None:
    row = asked(ticket, bea)
    dora.writes("Satu lagi")
    press(dora, f"survey:{row.pk}:4")
    assert Response.objects.get().score == 4
    ticket.refresh_from_db()
    assert ticket.waiting_since, "what was asked still waits"


@pytest.mark.parametrize(
    "payload", ["survey:{pk}:6", "survey:{pk}:x", "survey:{pk}", "survey::4", "survey:9999:4", "ok"]
)
def test_a_button_of_no_sense(csat: Survey, ticket: Ticket, bea: Agent, dora: Customer, payload: str) -> None:
    row = asked(ticket, bea)
    press(dora, payload.format(pk=row.pk))
    assert not Response.objects.exists()
    ticket.refresh_from_db()
    assert ticket.status == "open"


def test_a_button_of_somebody_elses(csat: Survey, ticket: Ticket, bea: Agent, eka: Customer) -> None:
    row = asked(ticket, bea)
    press(eka, f"survey:{row.pk}:1")
    assert not Response.objects.exists()


# ── The page ─────────────────────────────────────────────────────────────────────────────────


def path(row: Invitation) -> str:
    return f"/s/{links.token(row.pk)}/"


@pytest.fixture
def phone() -> Client:
    return Client(raise_request_exception=False)


def test_looking_is_not_answering(csat: Survey, ticket: Ticket, bea: Agent, phone: Client) -> None:
    row = asked(ticket, bea)
    for score in (1, 2, 3, 4, 5):
        answer = phone.get(f"{path(row)}?score={score}")
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
        assert f'value="{score}" required checked' in answer.content.decode()
        phone.head(f"{path(row)}?score={score}")
    assert not Response.objects.exists()
    assert not phone.cookies


def test_the_button_counts_and_twice_is_once(csat: Survey, ticket: Ticket, bea: Agent, phone: Client) -> None:
    row = asked(ticket, bea)
    for _click in range(3):
        answer = phone.post(path(row), {"score": "4", "comment": "Cepat"})
        assert (answer.status_code, answer.headers["Location"]) == (303, path(row))
    (response,) = Response.objects.all()
    assert (response.score, response.comment, response.via) == (4, "Cepat", "page")
    assert types(ticket).count("survey.answered") == 1
    assert "Your answer: 4 of 5" in phone.get(path(row)).content.decode()
    assert "Cepat" in phone.get(f"{path(row)}?change=1").content.decode()
    phone.post(path(row), {"score": "2", "comment": "Rusak"})
    assert [one.score for one in Response.objects.all()] == [2]
    ticket.refresh_from_db()
    assert ticket.status == "resolved"


def test_it_is_small_and_speaks_the_customers_language(ticket: Ticket, bea: Agent, phone: Client) -> None:
    ticket.customer.language = "th"
    ticket.customer.save()
    row = asked_of("nps", ticket, bea)
    answer = phone.get(path(row), headers={"accept-language": "en"})
    page = answer.content.decode()
    assert '<html lang="th">' in page
    assert "แนะนำแน่นอน" in page
    style = (texts.__file__ or "").replace("surveys/texts.py", "static/css/survey.css")
    with open(style, "rb") as sheet:
        assert len(answer.content) + len(sheet.read()) < 15_000
    assert "<script" not in page
    assert "style=" not in page
    assert page.count('type="radio"') == 11


def asked_of(kind: str, ticket: Ticket, bea: Agent, **more: Any) -> Invitation:
    survey(kind, **more)
    return asked(ticket, bea)


@pytest.mark.parametrize("score", ["", "0", "6", "x", "4.5", "-1", "٤", "99999999999999999999"])
def test_a_score_off_the_scale(csat: Survey, ticket: Ticket, bea: Agent, phone: Client, score: str) -> None:
    row = asked(ticket, bea)
    answer = phone.post(path(row), {"score": score, "comment": "<b>Cepat</b>"})
    assert answer.status_code == 422
    assert "Choose one of the answers first." in answer.content.decode()
    assert "&lt;b&gt;Cepat" in answer.content.decode(), "what was typed is still there, and is text"
    assert not Response.objects.exists()


def test_links_that_are_not_ours(csat: Survey, ticket: Ticket, bea: Agent, phone: Client, settings: Any) -> None:
    row = asked(ticket, bea)
    good = links.token(row.pk)
    for wrong in (
        good[:-1], good[:-1] + "!", f"0{good}", f"{row.pk + 1}-{good.partition('-')[2]}", "x", "-", "9" * 400,
        f"{good}x", "1-" + "é" * 20,
    ):  # fmt: skip
        answer = phone.get(f"/s/{wrong}/")
        assert answer.status_code == 404
        assert "This link is not valid" in answer.content.decode()
        assert phone.post(f"/s/{wrong}/", {"score": "5"}).status_code == 404
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new one, long enough for everybody", [settings.SECRET_KEY]
    assert phone.get(f"/s/{good}/").status_code == 200
    settings.SECRET_KEY_FALLBACKS = []
    assert phone.get(f"/s/{good}/").status_code == 404
    assert not Response.objects.exists()


def test_when_it_is_over(csat: Survey, ticket: Ticket, bea: Agent, phone: Client) -> None:
    row = asked(ticket, bea)
    later(row, days=8)
    assert phone.get(path(row)).status_code == 410
    answer = phone.post(path(row), {"score": "5"})
    assert (answer.status_code, "This survey is closed" in answer.content.decode()) == (410, True)
    assert not Response.objects.exists()


def test_an_answer_can_be_seen_but_not_changed_when_it_is_over(
    csat: Survey, ticket: Ticket, bea: Agent, phone: Client
) -> None:
    row = asked(ticket, bea)
    phone.post(path(row), {"score": "5"})
    row.refresh_from_db()
    Invitation.objects.update(expires_at=timezone.now() - timedelta(days=1))
    page = phone.get(f"{path(row)}?change=1")
    assert (page.status_code, "Change my answer" in page.content.decode()) == (200, False)
    assert phone.post(path(row), {"score": "1"}).status_code == 410
    assert Response.objects.get().score == 5


def test_a_comment_of_a_megabyte(csat: Survey, ticket: Ticket, bea: Agent, phone: Client) -> None:
    row = asked(ticket, bea)
    answer = phone.post(path(row), {"score": "4", "comment": "a" * 1_000_000})
    assert answer.status_code == 422
    assert "at most 5000 characters" in answer.content.decode()
    assert len(answer.content) < 60_000
    assert 'value="4" required checked' in answer.content.decode()
    assert phone.post(path(row), {"score": "4", "comment": "a" * 5000}).status_code == 303


def test_another_link_of_the_same_mail_is_another_score(
    csat: Survey, ticket: Ticket, bea: Agent, phone: Client
) -> None:
    row = asked(ticket, bea)
    phone.post(path(row), {"score": "5", "comment": "Cepat"})
    assert "Your answer: 5 of 5" in phone.get(f"{path(row)}?score=5").content.decode()
    page = phone.get(f"{path(row)}?score=2").content.decode()
    assert 'value="2" required checked' in page
    assert "Cepat" in page
    assert Response.objects.get().score == 5


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"score=4&comment=" + b"a" * 13_000_000, "application/x-www-form-urlencoded"),
        (b"score=4&" + b"x=1&" * 6000, "application/x-www-form-urlencoded"),
        (b"score=\xff\xfe&comment=\xc3\x28", "application/x-www-form-urlencoded"),
        (b"--x\r\nContent-Disposition: form-data; name=score\r\n\r\n", "multipart/form-data; boundary=x"),
        (b"\0" * 100, "multipart/form-data"),
        (b'{"score": 4}', "application/json"),
        (b"score=4", "application/x-www-form-urlencoded; charset=nonsense"),
        (b"", ""),
    ],
    ids=["13 MB", "6000 fields", "no text", "cut", "no boundary", "JSON", "charset", "nothing"],
)
def test_a_body_of_no_sense_is_refused_in_words(
    csat: Survey, ticket: Ticket, bea: Agent, phone: Client, body: bytes, kind: str
) -> None:
    row = asked(ticket, bea)
    answer = phone.generic("POST", path(row), body, content_type=kind)
    assert answer.status_code in (303, 400, 413, 415, 422)
    assert Response.objects.count() == (answer.status_code == 303)


@pytest.mark.parametrize("comment", ["<script>alert(1)</script>", "=cmd()", "a\0b", "'; DROP TABLE x"])
def test_script_in_an_answer_is_text(csat: Survey, ticket: Ticket, bea: Agent, phone: Client, comment: str) -> None:
    row = asked(ticket, bea)
    assert phone.post(path(row), {"score": "1", "comment": comment}).status_code == 303
    page = phone.get(f"{path(row)}?change=1").content.decode()
    assert "<script>" not in page


def test_a_survey_changed_or_deleted_while_it_is_open(
    csat: Survey, ticket: Ticket, bea: Agent, phone: Client, dora: Customer
) -> None:
    row = asked(ticket, bea)
    csat.content = {"languages": ["en"], "texts": {"en": {"ask": "Another question"}}}
    csat.kind = "nps"
    csat.save()
    assert "How satisfied are you" in phone.get(path(row)).content.decode()
    Survey.objects.update(deleted_at=timezone.now(), enabled=False)
    assert phone.post(path(row), {"score": "5"}).status_code == 303
    assert (Response.objects.get().score, Response.objects.get().version.content["kind"]) == (5, "csat")


QUESTIONS = [
    {"key": "why", "kind": "choices", "low": 1, "high": 3, "text": {"en": "What went wrong?"},
     "options": [{"key": "slow", "text": {"en": "Slow"}}, {"key": "rude", "text": {"en": "Rude"}}]},
    {"key": "again", "kind": "choice", "low": 4, "high": 5, "text": {"en": "Again?"},
     "options": [{"key": "y", "text": {"en": "Yes"}}, {"key": "n", "text": {"en": "No"}}]},
    {"key": "more", "kind": "text", "text": {"en": "Anything else?"}},
]  # fmt: skip


def test_further_questions_depend_on_the_first_answer(ticket: Ticket, bea: Agent, phone: Client) -> None:
    row = asked_of("csat", ticket, bea, questions=QUESTIONS)
    phone.post(path(row), {"score": "2"})
    page = phone.get(path(row)).content.decode()
    assert ("What went wrong?" in page, "Again?" in page, "Anything else?" in page) == (True, False, True)
    sent = {"further": "1", "q-why": ["slow", "rude", "made up"], "q-again": "y", "q-more": "Tidak"}
    assert phone.post(path(row), sent).status_code == 303
    assert Response.objects.get().answers == {"why": ["slow", "rude"], "more": "Tidak"}
    assert 'value="slow" checked' in phone.get(path(row)).content.decode()
    assert Response.objects.get().score == 2


def test_a_further_answer_of_a_megabyte(ticket: Ticket, bea: Agent, phone: Client) -> None:
    row = asked_of("csat", ticket, bea, questions=QUESTIONS)
    phone.post(path(row), {"score": "2"})
    answer = phone.post(path(row), {"further": "1", "q-why": "slow", "q-more": "a" * 1_000_000})
    page = answer.content.decode()
    assert (answer.status_code, len(page) < 60_000) == (422, True)
    assert "at most 5000 characters" in page
    assert "aaaa" in page
    assert 'value="slow" checked' in page
    assert Response.objects.get().answers == {}
    assert phone.post(path(row), {"further": "1", "q-more": "a" * 5000}).status_code == 303


def test_who_answered_in_a_chat_gets_a_link_to_the_rest(ticket: Ticket, bea: Agent, dora: Customer) -> None:
    row = asked_of("csat", ticket, bea, questions=QUESTIONS)
    dora.writes("2")
    around()
    assert questions(ticket)[-1].text == f"Tell us more: {links.url(row.pk)}"


def test_a_forged_further_answer_without_a_score(csat: Survey, ticket: Ticket, bea: Agent, phone: Client) -> None:
    row = asked(ticket, bea)
    assert phone.post(path(row), {"further": "1"}).status_code == 422


# ── Anonymous ────────────────────────────────────────────────────────────────────────────────


def test_an_anonymous_answer_leaves_nothing_on_the_ticket(
    ticket: Ticket, bea: Agent, phone: Client, dora: Customer
) -> None:
    rules = [{"name": "low", "low": 1, "high": 2, "follow_up_hours": 24, "reopen": True}]
    row = asked_of("csat", ticket, bea, anonymous=True, rules=rules)
    (question,) = questions(ticket)
    assert links.url(row.pk) in question.text
    assert "quick_replies" not in question.extra
    before = types(ticket)
    phone.post(path(row), {"score": "1", "comment": "Buruk"})
    around()
    assert FollowUp.objects.count() == 1
    ticket.refresh_from_db()
    assert (types(ticket), ticket.status) == (before, "resolved")
    # A number that is written back would stand there for all to see: it is no answer.
    dora.writes("5")
    assert Response.objects.get().score == 1


def test_who_only_has_the_link_learns_nothing_of_an_anonymous_answer(ticket: Ticket, bea: Agent, phone: Client) -> None:
    """It stands in the conversation, so every agent of the team has it."""
    row = asked_of("csat", ticket, bea, anonymous=True, questions=QUESTIONS)
    answer = phone.post(path(row), {"score": "2", "comment": "Buruk"})
    own = answer.headers["Location"]
    assert own.startswith(f"{path(row)}?key=")
    page = phone.get(own).content.decode()
    assert ("Your answer: 2 of 5" in page, "What went wrong?" in page) == (True, True)
    assert phone.post(own, {"further": "1", "q-more": "Rahasia"}).headers["Location"] == f"{own}&saved=1"
    assert "Buruk" in phone.get(f"{own}&change=1").content.decode()

    colleague = Client(raise_request_exception=False)
    Response.objects.update(at=timezone.now() - timedelta(minutes=1))
    for query in ("", "?change=1", "?score=5", "?key=x", f"?key={'a' * 20}&change=1", "?saved=1"):
        page = colleague.get(path(row) + query).content.decode()
        assert "Thank you for your answer." in page
        for told in ("Your answer", "Buruk", "Rahasia", "What went wrong?", "Anything else?", "<form"):
            assert told not in page, query
    for sent in ({"score": "5"}, {"score": "2"}, {"further": "1", "q-more": "x"}):
        assert colleague.post(path(row), sent).headers["Location"] == path(row)
    response = Response.objects.get()
    assert (response.score, response.comment, response.answers["more"]) == (2, "Buruk", "Rahasia")
    # The key is of this one answer alone, and no link is a key.
    assert len({links.own(row.pk), links.own(row.pk + 1), links.token(row.pk).partition("-")[2]}) == 3


def test_a_second_click_of_who_answers_anonymously(ticket: Ticket, bea: Agent, phone: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr(page, "TWICE", timedelta(hours=1))
    row = asked_of("csat", ticket, bea, anonymous=True)
    twice = [phone.post(path(row), {"score": "4"}).headers["Location"] for _click in range(2)]
    assert twice[0] == twice[1]
    assert "Your answer: 4 of 5" in phone.get(twice[1]).content.decode()
    assert Response.objects.count() == 1


def test_the_happy_are_asked_for_a_review_where_their_team_does_not_read_it(
    ticket: Ticket, bea: Agent, phone: Client
) -> None:
    rules = [{"name": "R", "low": 5, "high": 5, "thank": True, "review": "https://r.example/toko"}]
    row = asked_of("csat", ticket, bea, anonymous=True, rules=rules)
    own = phone.post(path(row), {"score": "5"}).headers["Location"]
    around()
    assert len(questions(ticket)) == 1, "what was said to them would tell how they answered"
    assert 'href="https://r.example/toko"' in phone.get(own).content.decode()
    assert "r.example" not in phone.get(path(row)).content.decode()


def test_a_made_up_button_answers_nothing_anonymously(ticket: Ticket, bea: Agent, dora: Customer) -> None:
    row = asked_of("csat", ticket, bea, anonymous=True)
    press(dora, f"survey:{row.pk}:1")
    assert not Response.objects.exists()
    assert "survey.answered" not in types(ticket)


# ── By mail ──────────────────────────────────────────────────────────────────────────────────


def test_a_chat_with_few_buttons_is_asked_in_words(fitri: Customer, bea: Agent) -> None:
    lead_to(fitri.channel, able=json.dumps({"quick_replies": 10}))
    ticket = fitri.writes().ticket
    asked_of("nps", ticket, bea)
    assert "Answer with a number from 0 to 10." in questions(ticket)[0].text


def test_the_answer_is_counted_for_who_resolved_it(csat: Survey, ticket: Ticket, bea: Agent, ana: Agent) -> None:
    Ticket.objects.update(assignee=bea)
    row = asked(ticket, ana)
    answering.taken(row.pk, answering.Given(score=3))
    assert Response.objects.get().agent == ana


def test_what_a_claim_costs_a_message_without_a_survey(
    csat: Survey, ticket: Ticket, bea: Agent, dora: Customer, django_assert_max_num_queries: Any
) -> None:
    """One statement more than without surveys."""
    resolved(ticket, bea)
    with django_assert_max_num_queries(16):
        dora.writes("Halo lagi")
    assert Message.objects.filter(direction="in").count() == 2
