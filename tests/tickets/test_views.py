"""The pages: who sees what, what a form does, what stands in the page, and how many statements it costs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from agents.models import Agent, Team
from channels_app.models import Channel
from customers.models import Customer as Person
from tests.conftest import Customer, hire
from tickets import lifecycle, media, replies
from tickets.models import Activity, Actor, Attachment, Message, Ticket

PART = {"HTTP_X_REQUESTED_WITH": "fetch"}
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6260000000000500010d0a2db4"
    "0000000049454e44ae426082"
)
EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>"


def browser(agent: Agent | None, **more: Any) -> Client:
    client = Client(**more)
    if agent:
        client.force_login(agent)
    return client


def text_of(response: Any) -> str:
    return str(response.content.decode())


@pytest.fixture
def pages(bea: Agent) -> Client:
    return browser(bea)


def reply(ticket: Ticket, agent: Agent, text: str, **more: Any) -> Message:
    return replies.reply(ticket.pk, agent, replies.Draft(text=text, **more))[0]


# ── The door ─────────────────────────────────────────────────────────────────────────────────

PAGES = [
    "/",
    "/tickets/{n}/",
    "/tickets/{n}/news/",
    "/rows/?n={n}",
    "/counts/",
    "/messages/{m}/text/",
    "/settings/profile/",
]


@pytest.mark.parametrize("path", PAGES)
def test_a_stranger_is_asked_to_sign_in(ticket: Ticket, path: str) -> None:
    message = ticket.messages.get()
    response = Client().get(path.format(n=ticket.pk, m=message.pk))
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/?next=")


@pytest.mark.parametrize("path", PAGES[:-1])
def test_a_script_without_a_session_gets_words(ticket: Ticket, path: str) -> None:
    response = Client().get(path.format(n=ticket.pk, m=ticket.messages.get().pk), **PART)
    assert response.status_code == 401
    assert json.loads(response.content)["sign_in"] == "/accounts/login/"


@pytest.mark.parametrize("path", ["/tickets/{n}/", "/tickets/{n}/news/", "/messages/{m}/text/"])
def test_who_may_not_see_a_ticket_does_not_find_it(ticket: Ticket, carl: Agent, path: str) -> None:
    where = path.format(n=ticket.pk, m=ticket.messages.get().pk)
    assert browser(carl).get(where).status_code == 404
    assert browser(carl).get(where, **PART).status_code == 404


@pytest.mark.parametrize("verb", ["assign", "release", "resolve", "reopen", "wake", "messages", "measure"])
def test_who_may_not_see_a_ticket_cannot_act_on_it(ticket: Ticket, carl: Agent, verb: str) -> None:
    before = Activity.objects.count()
    assert browser(carl).post(f"/tickets/{ticket.pk}/{verb}/", {"text": "hi"}).status_code == 404
    assert Activity.objects.count() == before


def test_a_ticket_of_another_team_is_in_no_list(ticket: Ticket, carl: Agent) -> None:
    client = browser(carl)
    assert "Dora" not in text_of(client.get("/"))
    assert text_of(client.get(f"/rows/?n={ticket.pk}")).strip() == ""
    assert json.loads(client.get("/counts/").content)["open"] == 0
    assert "Shop" not in text_of(client.get("/"))


def test_a_number_too_large_for_a_column_is_not_there(pages: Client, db: None) -> None:
    assert pages.get(f"/tickets/{2**70}/").status_code == 404
    assert pages.get(f"/messages/{2**70}/text/").status_code == 404
    assert pages.get(f"/?before={2**70}&team={2**70}&channel=x").status_code == 200


def test_csrf_is_on(ticket: Ticket, bea: Agent) -> None:
    client = browser(bea, enforce_csrf_checks=True)
    response = client.post(f"/tickets/{ticket.pk}/resolve/")
    assert response.status_code == 403
    assert "This page is too old" in text_of(response)


def test_the_policy_allows_nothing_inline(ticket: Ticket, pages: Client) -> None:
    response = pages.get(f"/tickets/{ticket.pk}/")
    policy = response["Content-Security-Policy"]
    assert "unsafe" not in policy
    html = text_of(response)
    assert not re.search(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)", html)
    assert not re.search(r"\s(style|on\w+)=", html)
    assert "<style" not in html


def test_an_address_has_two_answers_and_caches_know(pages: Client, db: None) -> None:
    response = pages.get("/")
    assert "HX-Request" in response["Vary"]
    assert "no-cache" in response["Cache-Control"]


# ── Lists ────────────────────────────────────────────────────────────────────────────────────


def test_the_list_says_who_wrote_what_where(ticket: Ticket, pages: Client) -> None:
    html = text_of(pages.get("/"))
    assert "Dora" in html
    assert "Halo, pesanan saya di mana?" in html
    assert "Shop" in html
    assert f'href="/tickets/{ticket.pk}/"' in html


def test_views_narrow(ticket: Ticket, bea: Agent, ana: Agent, pages: Client) -> None:
    def shown(query: str) -> bool:
        return f'id="t-{ticket.pk}"' in text_of(pages.get(f"/?{query}"))

    assert shown("view=unassigned")
    assert shown("view=open")
    assert not shown("view=mine")
    lifecycle.assign(ticket.pk, bea, Actor.of(bea))
    assert shown("view=mine")
    assert not shown("view=unassigned")
    assert shown(f"team={ticket.team_id}")
    assert shown(f"channel={ticket.channel_id}")
    lifecycle.snooze(ticket.pk, timezone.now() + timedelta(hours=1), Actor.of(bea))
    assert shown("view=snoozed")
    assert not shown("view=open")
    lifecycle.resolve(ticket.pk, Actor.of(bea))
    assert shown("view=resolved")


def test_counts_are_of_what_one_sees(ticket: Ticket, bea: Agent, pages: Client, eka: Customer) -> None:
    eka.writes("Saya juga")
    lifecycle.assign(ticket.pk, bea, Actor.of(bea))
    counts = json.loads(pages.get("/counts/").content)
    assert counts == {
        "mine": 1, "unassigned": 1, "open": 2, "snoozed": 0, "at_risk": 0, "unread": 1, "new": 1,
        f"team-{ticket.team_id}": 2, f"channel-{ticket.channel_id}": 2,
    }  # fmt: skip


def test_a_view_of_a_team_that_is_gone_says_so(pages: Client, db: None) -> None:
    html = text_of(pages.get("/?team=987"))
    assert "This team or channel is not there any more" in html


def test_an_empty_view_says_what_to_do(pages: Client, db: None) -> None:
    assert "Take a ticket from Unassigned." in text_of(pages.get("/?view=mine"))


def test_pages_by_keyset(ticket: Ticket, pages: Client, make_tickets: Callable[[int], None]) -> None:
    make_tickets(60)
    first = text_of(pages.get("/"))
    seen = re.findall(r'id="t-(\d+)"', first)
    assert len(seen) == 40
    older = re.search(r'hx-get="(/\?before=\d+)"', first)
    assert older
    part = pages.get(older[1], HTTP_HX_REQUEST="true", HTTP_HX_TARGET="more")
    rest = re.findall(r'id="t-(\d+)"', text_of(part))
    assert len(rest) == 21
    assert not set(seen) & set(rest)
    assert "<html" not in text_of(part)


def test_rows_gives_only_what_belongs(ticket: Ticket, pages: Client) -> None:
    assert f'id="t-{ticket.pk}"' in text_of(pages.get(f"/rows/?n={ticket.pk},999,x&view=unassigned"))
    assert text_of(pages.get(f"/rows/?n={ticket.pk}&view=mine")).strip() == ""


def test_the_pane_alone_is_no_page(ticket: Ticket, pages: Client) -> None:
    html = text_of(pages.get(f"/tickets/{ticket.pk}/", HTTP_HX_REQUEST="true", HTTP_HX_TARGET="ticket"))
    assert "<html" not in html
    assert f'data-ticket="{ticket.pk}"' in html
    listed = text_of(pages.get("/", HTTP_HX_REQUEST="true", HTTP_HX_TARGET="list"))
    assert "<html" not in listed
    assert "data-at=" in listed


# ── Statements ───────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def make_tickets(webhook_channel: Channel) -> Callable[[int], None]:
    def make(count: int) -> None:
        for number in range(count):
            Customer(webhook_channel, id=f"u-{number}", name=f"N {number}").writes(f"Pesan {number}")

    return make


@pytest.mark.parametrize("role", ["admin", "agent"])
def test_a_list_costs_eight_statements(
    ticket: Ticket, north: Team, role: str, make_tickets: Callable[[int], None], django_assert_max_num_queries: Any
) -> None:
    make_tickets(45)
    lifecycle.change(ticket.pk, Actor("system"), tags=["vip", "late"])
    client = browser(hire("Sri", north, role))
    client.get("/")
    with django_assert_max_num_queries(8):
        assert client.get("/").status_code == 200
    with django_assert_max_num_queries(8):
        assert client.get("/?view=unassigned", HTTP_HX_REQUEST="true", HTTP_HX_TARGET="list").status_code == 200


@pytest.mark.parametrize("role", ["admin", "agent"])
@pytest.mark.parametrize("count", [3, 120])
def test_a_ticket_costs_eight_statements(
    ticket: Ticket, dora: Customer, north: Team, role: str, count: int, django_assert_max_num_queries: Any
) -> None:
    agent = hire("Sri", north, role)
    for number in range(count):
        dora.writes(f"Pesan {number}")
    first = ticket.messages.first()
    assert first
    Attachment.objects.create(message=first, kind="file", filename="a.txt", state="failed")
    lifecycle.change(ticket.pk, Actor.of(agent), tags=["vip"], priority="high")
    client = browser(agent)
    for headers in ({}, {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "ticket"}):
        with django_assert_max_num_queries(8):
            assert client.get(f"/tickets/{ticket.pk}/", **headers).status_code == 200
    with django_assert_max_num_queries(8):
        assert client.get(f"/tickets/{ticket.pk}/news/?since={ticket.seq}", **PART).status_code == 200


# ── A ticket ─────────────────────────────────────────────────────────────────────────────────


def test_messages_in_their_order_with_what_happened_between(ticket: Ticket, bea: Agent, pages: Client) -> None:
    lifecycle.assign(ticket.pk, bea, Actor.of(bea))
    reply(ticket, bea, "Kami cek dulu, ya.")
    reply(ticket, bea, "Tanya gudang", kind="note")
    html = text_of(pages.get(f"/tickets/{ticket.pk}/"))
    where = [
        html.index(text)
        for text in (
            "pesanan saya di mana?</div>",
            "Bea took the ticket",
            "Kami cek dulu, ya.</div>",
            "Tanya gudang</div>",
        )
    ]
    assert where == sorted(where)
    assert "Note, only for colleagues" in html
    assert "Waiting to be sent" in html


def test_a_long_ticket_opens_at_its_end(ticket: Ticket, pages: Client) -> None:
    now = timezone.now()
    Message.objects.bulk_create(
        Message(
            ticket=ticket, channel_id=ticket.channel_id, team_id=ticket.team_id, direction="in", status="received",
            text=f"Nomor {number:04d}", external_id=f"x-{number}", at=now + timedelta(seconds=number),
        )
        for number in range(120)
    )  # fmt: skip
    html = text_of(pages.get(f"/tickets/{ticket.pk}/"))
    assert "Nomor 0119" in html
    assert "Nomor 0069" not in html
    assert html.count('<li class="item msg') == 50
    seen = set(re.findall(r'id="m-(\d+)"', html))
    for expected in (50, 21):
        older = re.search(r'data-load="([^"]*before=[^"]*)"', html)
        assert older
        html = text_of(pages.get(older[1], HTTP_HX_REQUEST="true", HTTP_HX_TARGET="older"))
        more = set(re.findall(r'id="m-(\d+)"', html))
        assert len(more) == expected
        assert not more & seen
        seen |= more
    assert "Earlier messages" not in html


@pytest.mark.parametrize("before", ["x", "9" * 40, "99999999999999999.1", "00000000000000000.", "1.2"])
def test_a_key_that_is_none_is_ignored(ticket: Ticket, pages: Client, before: str) -> None:
    response = pages.get(f"/tickets/{ticket.pk}/", {"before": before}, HTTP_HX_REQUEST="true", HTTP_HX_TARGET="older")
    assert response.status_code == 200


def test_news_is_what_came_after(ticket: Ticket, dora: Customer, bea: Agent, pages: Client) -> None:
    seen = Ticket.objects.get(pk=ticket.pk).seq
    message = dora.writes("Sudah seminggu")
    lifecycle.change(ticket.pk, Actor.of(bea), priority="urgent")
    html = text_of(pages.get(f"/tickets/{ticket.pk}/news/?since={seen}", **PART))
    assert f'id="m-{message.pk}"' in html
    assert "m-first" not in html
    assert "pesanan saya di mana?</div>" not in html
    assert "priority Urgent" in html
    assert f'data-seq="{Ticket.objects.get(pk=ticket.pk).seq}"' in html


def test_news_after_much_is_a_fresh_start(ticket: Ticket, pages: Client) -> None:
    Activity.objects.bulk_create(
        Activity(type="ticket.changed", ticket=ticket, actor_type="system") for _ in range(201)
    )
    assert pages.get(f"/tickets/{ticket.pk}/news/?since=0", **PART).status_code == 205


def test_states_of_attachments_in_words(ticket: Ticket, pages: Client) -> None:
    message = ticket.messages.get()
    for state in ("pending", "expired", "blocked", "too_large", "failed"):
        Attachment.objects.create(message=message, kind="file", filename=f"{state}.bin", state=state)
    Attachment.objects.create(message=message, kind="location", state="stored", location={"lat": -6.2, "lon": 106.8})
    html = text_of(pages.get(f"/tickets/{ticket.pk}/"))
    for words in (
        "Being fetched…",
        "The platform no longer has it.",
        "Blocked: its",
        "Too large",
        "could not be fetched",
    ):
        assert words in html
    assert "mlat=-6.2&amp;mlon=106.8" in html


def test_a_deleted_message_and_a_postback_and_what_is_not_supported(
    ticket: Ticket, dora: Customer, pages: Client
) -> None:
    dora.writes("Rahasia", id="m-secret")
    dora.deletes("m-secret")
    dora.sends({"type": "postback", "id": "pb", "sender": dora.sender, "title": "Ya", "payload": "YES_1"})
    Message.objects.filter(external_id="m-first").update(unsupported=True)
    html = text_of(pages.get(f"/tickets/{ticket.pk}/"))
    assert "Rahasia" not in html
    assert "The customer deleted this message." in html
    assert "YES_1" in html
    assert "does not let us show" in html


def test_html_in_every_field_is_text(ticket: Ticket, dora: Customer, bea: Agent, ana: Agent) -> None:
    dora.name = EVIL
    message = dora.writes(EVIL, attachments=[{"url": "http://127.0.0.1:9/x", "filename": EVIL}])
    dora.edits(message.external_id or "", EVIL + " https://ok.example/?a=1&b=<b>")
    dora.reacts(message.external_id or "", EVIL)
    dora.sends({"type": "postback", "id": "pb", "sender": dora.sender, "title": EVIL, "payload": EVIL})
    Person.objects.update(name=EVIL)
    lifecycle.change(ticket.pk, Actor.of(bea), subject=EVIL, tags=[EVIL[:40]])
    Agent.objects.filter(pk=ana.pk).update(name=EVIL)
    ana.refresh_from_db()
    lifecycle.assign(ticket.pk, ana, Actor.of(ana))
    reply(ticket, ana, EVIL)
    client = browser(ana)
    for path in (
        "/",
        f"/tickets/{ticket.pk}/",
        f"/tickets/{ticket.pk}/news/?since=0",
        f"/?q={EVIL}",
        "/settings/profile/",
    ):
        html = text_of(client.get(path))
        assert "<script>alert" not in html, path
        assert "<img src=x" not in html, path


def test_links_tell_nothing(ticket: Ticket, dora: Customer, pages: Client) -> None:
    dora.writes("lihat https://toko.example/a?b=1&c=2). dan javascript:alert(1)")
    html = text_of(pages.get(f"/tickets/{ticket.pk}/"))
    assert (
        '<a href="https://toko.example/a?b=1&amp;c=2" target="_blank" rel="noopener noreferrer nofollow">'
        "https://toko.example/a?b=1&amp;c=2</a>)."
    ) in html
    assert 'href="javascript' not in html


def test_a_text_of_a_megabyte_is_cut_and_can_be_had_whole(ticket: Ticket, dora: Customer, pages: Client) -> None:
    message = dora.writes("kata " * 200_000)
    response = pages.get(f"/tickets/{ticket.pk}/")
    assert len(response.content) < 200_000
    assert "Show all of this long text" in text_of(response)
    whole = pages.get(f"/messages/{message.pk}/text/")
    assert whole["Content-Type"].startswith("text/plain")
    assert len(whole.content) == 1_000_000


def test_a_mails_html_is_in_a_frame_that_can_do_nothing(ticket: Ticket, pages: Client, carl: Agent) -> None:
    message = ticket.messages.get()
    Message.objects.filter(pk=message.pk).update(html="<p>Halo</p>")
    assert 'sandbox="allow-popups"' in text_of(pages.get(f"/tickets/{ticket.pk}/"))
    response = pages.get(f"/messages/{message.pk}/html/")
    assert "sandbox" in response["Content-Security-Policy"]
    assert "default-src 'none'" in response["Content-Security-Policy"]
    assert "script" not in response["Content-Security-Policy"]
    assert response["X-Frame-Options"] == "SAMEORIGIN"
    assert browser(carl).get(f"/messages/{message.pk}/html/").status_code == 404


def test_a_failure_is_told_in_the_agents_language(ticket: Ticket, bea: Agent, pages: Client) -> None:
    sent = reply(ticket, bea, "Halo")
    error = {
        "code": "1",
        "title": "The customer has blocked this channel.",
        "detail": "",
        "category": "blocked",
        "retryable": False,
    }
    Message.objects.filter(pk=sent.pk).update(status="failed", error=error, next_attempt_at=None)
    html = text_of(pages.get(f"/tickets/{ticket.pk}/"))
    assert "The customer has blocked this channel." in html
    assert reverse("retry", args=[sent.pk]) in html


# ── Verbs ────────────────────────────────────────────────────────────────────────────────────


def test_verbs_without_scripts_lead_back_to_the_ticket(ticket: Ticket, bea: Agent, pages: Client) -> None:
    response = pages.post(f"/tickets/{ticket.pk}/assign/?view=mine")
    assert response.status_code == 302
    assert response["Location"] == f"/tickets/{ticket.pk}/?view=mine"
    assert Ticket.objects.get().assignee == bea


def test_every_verb(ticket: Ticket, bea: Agent, north: Team, pages: Client) -> None:
    def do(verb: str, **values: str) -> Ticket:
        response = pages.post(f"/tickets/{ticket.pk}/{verb}/", values, **PART)
        assert response.status_code == 200, response.content
        given = json.loads(response.content)
        assert given["words"]
        assert given["undo"] == Activity.objects.filter(agent=bea).latest("seq").pk
        return Ticket.objects.get(pk=ticket.pk)

    assert do("assign").assignee == bea
    assert do("release").assignee is None
    assert do("priority", priority="urgent").priority == "urgent"
    assert do("subject", subject=" Paket  hilang ").subject == "Paket hilang"
    assert {tag.name for tag in do("tags", tags="vip, retur,").tags.all()} == {"vip", "retur"}
    assert do("snooze", until=(timezone.now() + timedelta(days=1)).isoformat()).status == "snoozed"
    assert do("wake").status == "open"
    assert do("snooze", until="2999-01-01T09:00").snoozed_until is not None
    assert do("resolve").status == "resolved"
    assert do("reopen").status == "open"
    assert do("team", team="").team is None
    assert do("team", team=str(north.pk)).team == north


@pytest.mark.parametrize(
    ("verb", "values", "words"),
    [
        ("snooze", {"until": "yesterday"}, "Choose a day and a time."),
        ("snooze", {"until": "2001-13-99T99:99"}, "Choose a day and a time."),
        ("snooze", {"until": "2001-01-01T09:00"}, "still to come"),
        ("priority", {"priority": "godlike"}, "Choose one of the priorities."),
        ("team", {"team": "98765"}, "This team is not there any more."),
    ],
)
def test_what_cannot_be_done_is_said_in_words(
    ticket: Ticket, pages: Client, verb: str, values: Any, words: str
) -> None:
    response = pages.post(f"/tickets/{ticket.pk}/{verb}/", values, **PART)
    assert response.status_code == 422
    assert words in json.loads(response.content)["words"]
    pages.post(f"/tickets/{ticket.pk}/{verb}/", values)
    assert words in text_of(pages.get(f"/tickets/{ticket.pk}/"))


def test_a_ticket_that_another_has_is_taken_over_only_on_purpose(ticket: Ticket, bea: Agent, ana: Agent) -> None:
    lifecycle.assign(ticket.pk, bea, Actor.of(bea))
    client = browser(ana)
    assert client.post(f"/tickets/{ticket.pk}/assign/", **PART).status_code == 409
    assert client.post(f"/tickets/{ticket.pk}/assign/", {"take_over": "1"}, **PART).status_code == 200


def test_an_unknown_verb_is_not_there(ticket: Ticket, pages: Client) -> None:
    assert pages.post(f"/tickets/{ticket.pk}/explode/").status_code == 404
    assert pages.get(f"/tickets/{ticket.pk}/resolve/").status_code == 405


# ── Writing ──────────────────────────────────────────────────────────────────────────────────


def say(client: Client, ticket: Ticket, text: str = "Halo", part: bool = True, **values: Any) -> Any:
    return client.post(f"/tickets/{ticket.pk}/messages/", {"text": text, **values}, **(PART if part else {}))


def test_a_reply_and_a_note(ticket: Ticket, bea: Agent, pages: Client) -> None:
    assert say(pages, ticket, "Baik\r\nkak", seen=str(ticket.seq)).status_code == 201
    assert say(pages, ticket, "Rahasia", kind="note").status_code == 201
    out, note = Message.objects.filter(agent=bea).order_by("pk")
    assert (out.direction, out.text) == ("out", "Baik\nkak")
    assert note.direction == "note"


def test_without_scripts_a_reply_leads_back(ticket: Ticket, pages: Client) -> None:
    response = say(pages, ticket, part=False)
    assert response.status_code == 302
    assert response["Location"] == f"/tickets/{ticket.pk}/"


def test_the_same_key_sends_once(ticket: Ticket, pages: Client) -> None:
    for _ in range(2):
        assert say(pages, ticket, key="k-1").status_code == 201
    assert Message.objects.filter(direction="out").count() == 1


def test_what_is_new_is_shown_first(ticket: Ticket, bea: Agent, ana: Agent, pages: Client) -> None:
    seen = Ticket.objects.get().seq
    reply(ticket, ana, "Sudah saya jawab")
    response = say(pages, ticket, seen=seen)
    assert response.status_code == 409
    html = text_of(response)
    assert "Ana answered meanwhile" in html
    assert "Sudah saya jawab" in html
    again = re.search(r'data-seq="(\d+)"', html)
    assert again
    assert say(pages, ticket, seen=again[1]).status_code == 201


def test_without_scripts_the_draft_comes_back_with_what_is_new(ticket: Ticket, ana: Agent, pages: Client) -> None:
    seen = Ticket.objects.get().seq
    reply(ticket, ana, "Sudah saya jawab")
    response = say(pages, ticket, "Draf saya", part=False, seen=seen)
    html = text_of(response)
    assert response.status_code == 409
    assert "Draf saya</textarea>" in html
    assert "Ana answered meanwhile" in html
    assert f'name="seen" value="{Ticket.objects.get().seq}"' in html


def test_an_empty_reply_is_refused_in_words(ticket: Ticket, pages: Client) -> None:
    response = say(pages, ticket, "  ")
    assert response.status_code == 422
    assert "Write something" in json.loads(response.content)["words"]
    assert "Write something" in text_of(say(pages, ticket, "  ", part=False))


def test_files_are_uploaded_and_sent(ticket: Ticket, bea: Agent, pages: Client) -> None:
    response = pages.post("/uploads/", {"file": SimpleUploadedFile("foto.png", PIXEL, "image/png")}, **PART)
    assert response.status_code == 201
    given = json.loads(response.content)
    assert given["kind"] == "image"
    assert say(pages, ticket, "", attachments=[given["id"]]).status_code == 201
    assert Attachment.objects.get().message == Message.objects.get(direction="out")


def test_without_scripts_files_come_with_the_form(ticket: Ticket, pages: Client) -> None:
    say(pages, ticket, "Ini", part=False, files=[SimpleUploadedFile("foto.png", PIXEL, "image/png")])
    assert Message.objects.get(direction="out").attachments.get().filename == "foto.png"


def test_a_file_over_the_limit_and_none_at_all(ticket: Ticket, pages: Client, settings: Any) -> None:
    settings.MAX_ATTACHMENT_BYTES = 10
    response = pages.post("/uploads/", {"file": SimpleUploadedFile("foto.png", PIXEL)}, **PART)
    assert response.status_code == 413
    assert "foto.png" in json.loads(response.content)["words"]
    assert pages.post("/uploads/", **PART).status_code == 400
    assert not Attachment.objects.exists()


def test_a_colleagues_upload_is_not_ones_own(ticket: Ticket, ana: Agent, pages: Client) -> None:
    theirs = media.upload(ana, SimpleUploadedFile("a.png", PIXEL), "a.png", "image/png")
    assert say(pages, ticket, attachments=[theirs.pk]).status_code == 422


def test_measure_counts_as_the_channel_does(
    ticket: Ticket, sms_channel: Channel, pages: Client, webhook_channel: Channel
) -> None:
    Ticket.objects.filter(pk=ticket.pk).update(channel=sms_channel)
    answer = json.loads(pages.post(f"/tickets/{ticket.pk}/measure/", {"text": "ส" * 80}, **PART).content)
    assert answer["segments"] == 2
    assert answer["encoding"]


def test_a_closed_channel_takes_only_notes(ticket: Ticket, pages: Client) -> None:
    ticket.address.blocked_at = timezone.now()
    ticket.channel.put_settings({**ticket.channel.clear_settings(), "reply_url": ""})
    ticket.channel.save()
    html = text_of(pages.get(f"/tickets/{ticket.pk}/"))
    assert 'id="closed"' in html
    assert re.search(r'value="reply" disabled', html)


def test_a_channel_outlives_its_adapter(ticket: Ticket, pages: Client) -> None:
    Channel.objects.update(kind="pigeon")
    assert "Dora" in text_of(pages.get("/"))
    assert "not installed any more" in text_of(pages.get(f"/tickets/{ticket.pk}/"))


def test_retry_really_sends_again(ticket: Ticket, bea: Agent, carl: Agent, pages: Client) -> None:
    sent = reply(ticket, bea, "Halo")
    assert pages.post(f"/messages/{sent.pk}/retry/", **PART).status_code == 409
    Message.objects.filter(pk=sent.pk).update(status="failed", next_attempt_at=None)
    assert browser(carl).post(f"/messages/{sent.pk}/retry/").status_code == 404
    assert pages.post(f"/messages/{sent.pk}/retry/", **PART).status_code == 204
    assert Message.objects.get(pk=sent.pk).status == "queued"


def test_what_another_teams_message_says_is_not_told_by_quoting_it(
    dora: Customer, eka: Customer, ticket: Ticket, ana: Agent, south: Team, pages: Client
) -> None:
    quoted = eka.writes("Rahasia selatan")
    dora.writes("Yang ini?", reply_to=str(quoted.external_id))
    where = f"/tickets/{ticket.pk}/"
    assert "Rahasia selatan" in text_of(pages.get(where))
    lifecycle.change(quoted.ticket_id, Actor.of(ana), team=south)
    html = text_of(pages.get(where))
    assert "Rahasia selatan" not in html
    assert "About an earlier message" in html


# ── The sandbox ──────────────────────────────────────────────────────────────────────────────


def test_playing_the_customer(sandbox_channel: Channel, bea: Agent, pages: Client) -> None:
    where = reverse("sandbox", args=[sandbox_channel.pk])
    assert where in text_of(pages.get("/"))
    assert pages.get(where).status_code == 200
    assert pages.post(where, {"customer": "Siti Aminah", "text": "Halo <b>"}, **PART).status_code == 204
    ticket = Ticket.objects.get()
    assert ticket.customer.name == "Siti Aminah"
    out = reply(ticket, bea, "Ada yang bisa dibantu?")
    reply(ticket, bea, "Rahasia", kind="note")
    seen = text_of(pages.get(f"{where}messages/?customer=Siti Aminah"))
    assert "Halo &lt;b&gt;" in seen
    assert "dibantu" not in seen
    assert "Rahasia" not in seen
    Message.objects.filter(pk=out.pk).update(status="delivered")
    assert "dibantu" in text_of(pages.get(f"{where}messages/?customer=Siti Aminah"))


def test_a_conversation_that_another_team_has_is_not_played(
    sandbox_channel: Channel, ana: Agent, bea: Agent, south: Team, pages: Client
) -> None:
    where = reverse("sandbox", args=[sandbox_channel.pk])
    pages.post(where, {"customer": "Siti", "text": "dari Siti"})
    assert "Siti" in text_of(pages.get(where))
    lifecycle.change(Ticket.objects.get().pk, Actor.of(ana), team=south)
    assert "Siti" not in text_of(pages.get(where))
    assert "dari Siti" not in text_of(pages.get(f"{where}?customer=Siti"))
    assert "dari Siti" not in text_of(pages.get(f"{where}messages/?customer=Siti"))
    assert "dari Siti" in text_of(browser(ana).get(f"{where}messages/?customer=Siti"))


def test_several_customers_are_played_side_by_side(sandbox_channel: Channel, bea: Agent, pages: Client) -> None:
    where = reverse("sandbox", args=[sandbox_channel.pk])
    pages.post(where, {"customer": "Siti", "text": "dari Siti"})
    pages.post(where, {"customer": "Budi", "text": "dari Budi"})
    both = f"{where}?customer=Siti&customer=Budi&customer=Siti"
    text = text_of(pages.get(both))
    assert [text.count(words) for words in ("dari Siti", "dari Budi", 'class="phone"')] == [1, 1, 2]
    assert pages.post(both, {"customer": "Budi", "text": "lagi"})["Location"] == f"{where}?customer=Siti&customer=Budi"
    crowd = text_of(pages.get(f"{where}?" + "&".join(f"customer=n{number}" for number in range(9))))
    assert crowd.count('class="phone"') == 4
    assert 'id="customer"' not in crowd


def test_the_same_name_is_the_same_customer(sandbox_channel: Channel, pages: Client) -> None:
    where = reverse("sandbox", args=[sandbox_channel.pk])
    for text in ("satu", "dua"):
        assert pages.post(where, {"customer": "สมชาย ใจดี", "text": text}).status_code == 302
    assert Ticket.objects.get().messages.count() == 2


def test_nothing_to_say(sandbox_channel: Channel, pages: Client) -> None:
    where = reverse("sandbox", args=[sandbox_channel.pk])
    assert pages.post(where, {"customer": "", "text": "x"}, **PART).status_code == 422
    assert pages.post(where, {"customer": "x", "text": " "}).status_code == 302
    assert not Ticket.objects.exists()


def test_only_where_there_is_a_playground_and_for_its_team(
    sandbox_channel: Channel, webhook_channel: Channel, carl: Agent, pages: Client, settings: Any
) -> None:
    where = reverse("sandbox", args=[sandbox_channel.pk])
    assert browser(carl).get(where).status_code == 404
    assert pages.get(reverse("sandbox", args=[webhook_channel.pk])).status_code == 404
    settings.SANDBOX_ENABLED = False
    assert pages.get(where).status_code == 404
    assert where not in text_of(pages.get("/"))


# ── Sign-in, languages, errors ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "name", ["account_login", "account_reset_password", "account_signup", "account_reset_password_done"]
)
def test_pages_for_strangers(name: str, db: None) -> None:
    html = text_of(Client().get(reverse(name)))
    assert "Bahasa Indonesia" in html
    assert "ไทย" in html


def test_the_language_can_be_chosen_before_sign_in(db: None) -> None:
    client = Client()
    response = client.post("/i18n/setlang/", {"language": "th", "next": "/accounts/login/"})
    assert response.status_code == 302
    assert '<html lang="th">' in text_of(client.get("/accounts/login/"))


def test_an_agents_own_language_and_zone(bea: Agent, pages: Client, ticket: Ticket) -> None:
    response = pages.post("/settings/profile/", {"name": "Bea", "language": "th", "time_zone": "Asia/Bangkok"})
    assert response.status_code == 302
    html = text_of(pages.get(f"/tickets/{ticket.pk}/"))
    assert '<html lang="th">' in html
    assert 'data-zone="Asia/Bangkok"' in html
    assert (
        pages.post("/settings/profile/", {"name": "Bea", "language": "xx", "time_zone": "Moon/Base"}).status_code == 422
    )
    bea.refresh_from_db()
    assert (bea.language, bea.time_zone) == ("th", "Asia/Bangkok")


def test_what_is_not_there_is_said_plainly(pages: Client, db: None) -> None:
    response = pages.get("/nowhere/")
    assert response.status_code == 404
    assert "This is not here" in text_of(response)


def test_the_page_for_our_own_failures_needs_nothing(django_assert_num_queries: Any, db: None) -> None:
    with django_assert_num_queries(0):
        assert "Something broke on our side" in render_to_string("500.html")
