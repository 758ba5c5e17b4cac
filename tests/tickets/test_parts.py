"""Parts of a ticket's page: what the composer may do, stretches of a long ticket, what the platform sent, sending."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from agents.models import Agent
from channels_app.contract import Abilities
from channels_app.models import Channel, MessageTemplate
from tests.conftest import Customer
from tests.tickets.test_views import EVIL, PART, PIXEL, browser, reply, say, text_of
from tickets.models import Attachment, Message, Ticket
from tickets.templatetags import said


@pytest.fixture
def pages(bea: Agent) -> Client:
    return browser(bea)


def words(response: Any) -> str:
    return str(json.loads(response.content)["words"])


@pytest.mark.parametrize("part", ["composer", "stream", "templates"])
def test_who_may_not_see_the_ticket_gets_no_part_of_it(ticket: Ticket, carl: Agent, part: str) -> None:
    assert browser(carl).get(f"/tickets/{ticket.pk}/{part}/", **PART).status_code == 404
    assert Client().get(f"/tickets/{ticket.pk}/{part}/", **PART).status_code == 401


# ── Sending ──────────────────────────────────────────────────────────────────────────────────


def test_the_row_tells_its_author_which_of_their_own_it_is(
    ticket: Ticket, ana: Agent, pages: Client, bea: Agent
) -> None:
    first = say(pages, ticket, "Halo", key="k-1")
    again = say(pages, ticket, "Halo", key="k-1")
    assert json.loads(first.content) == json.loads(again.content)
    path = f"/tickets/{ticket.pk}/news/?since=0"
    assert 'data-sent="k-1"' in text_of(pages.get(path, **PART))
    assert "k-1" not in text_of(browser(ana).get(path, **PART))


def test_a_text_changed_after_it_went_is_not_sent_a_second_time(ticket: Ticket, pages: Client) -> None:
    say(pages, ticket, "Halo", key="k-1")
    changed = say(pages, ticket, "Halo, kak", key="k-1")
    assert changed.status_code == 422
    assert json.loads(changed.content)["code"] == "sent"
    assert Message.objects.filter(direction="out").count() == 1


def test_nobodys_words_go_out_under_another_name(ticket: Ticket, ana: Agent, bea: Agent, pages: Client) -> None:
    response = say(pages, ticket, "Halo", agent=str(ana.pk))
    assert response.status_code == 401
    assert "Another person is signed in now" in words(response)
    assert say(pages, ticket, "Halo", agent=str(bea.pk)).status_code == 201
    assert not Message.objects.filter(agent=ana).exists()


def test_a_reply_to_one_message(ticket: Ticket, eka: Customer, pages: Client) -> None:
    asked = ticket.messages.get()
    assert say(pages, ticket, "Ini", reply_to=asked.pk).status_code == 201
    assert Message.objects.get(direction="out").reply_to == asked
    elsewhere = eka.writes("Punya saya")
    for wrong in (elsewhere.pk, 2**62):
        refused = say(pages, ticket, "Ini", reply_to=wrong)
        assert refused.status_code == 422
        assert "not on this ticket" in words(refused)
    assert Message.objects.filter(direction="out").count() == 1


@pytest.fixture
def template(webhook_channel: Channel) -> MessageTemplate:
    return MessageTemplate.objects.create(
        channel=webhook_channel, name="kirim", language="id", category="UTILITY", status="APPROVED",
        body="Halo {{1}}, pesanan {{nomor}} dikirim.", variables=["1", "nomor"], buttons=["Ya"],
    )  # fmt: skip


def test_approved_templates_are_offered(ticket: Ticket, template: MessageTemplate, pages: Client) -> None:
    MessageTemplate.objects.create(channel=ticket.channel, name="tunggu", language="id", status="PENDING")
    (found,) = json.loads(pages.get(f"/tickets/{ticket.pk}/templates/", **PART).content)["templates"]
    assert (found["name"], found["variables"], found["buttons"]) == ("kirim", ["1", "nomor"], ["Ya"])


def test_a_template_goes_out_with_its_blanks_filled(ticket: Ticket, template: MessageTemplate, pages: Client) -> None:
    given = {"template": "kirim", "template_language": "id", "var-1": EVIL, "var-nomor": "42"}
    assert say(pages, ticket, "", **given).status_code == 201
    message = Message.objects.get(direction="out")
    assert message.text == f"Halo {EVIL}, pesanan 42 dikirim."
    assert message.extra["template"]["parameters"] == {"1": EVIL, "nomor": "42"}
    assert "Fill in every blank" in words(say(pages, ticket, "", **{**given, "var-1": " "}))
    assert say(pages, ticket, "", **{**given, "template": "lain"}).status_code == 422
    assert Message.objects.filter(direction="out").count() == 1


# ── Files ────────────────────────────────────────────────────────────────────────────────────


def test_a_file_that_stopped_half_way_is_no_file(pages: Client, db: None) -> None:
    whole = SimpleUploadedFile("foto.png", PIXEL, "image/png")
    refused = pages.post("/uploads/", {"size": str(len(PIXEL) * 2), "file": whole}, **PART)
    assert refused.status_code == 400
    assert "foto.png did not arrive whole" in words(refused)
    assert not Attachment.objects.exists()
    whole.seek(0)
    assert pages.post("/uploads/", {"size": str(len(PIXEL)), "file": whole}, **PART).status_code == 201


def test_a_body_that_ends_inside_the_file_keeps_nothing(pages: Client, db: None) -> None:
    line = "b0undary"
    head = f'--{line}\r\nContent-Disposition: form-data; name="size"\r\n\r\n{len(PIXEL)}\r\n'
    head += f'--{line}\r\nContent-Disposition: form-data; name="file"; filename="foto.png"\r\n\r\n'
    body = head.encode() + PIXEL[: len(PIXEL) // 2]
    refused = pages.generic("POST", "/uploads/", body, f"multipart/form-data; boundary={line}", **PART)
    assert refused.status_code == 400
    assert not Attachment.objects.exists()


# ── What the composer may do ─────────────────────────────────────────────────────────────────


def test_what_can_be_sent_is_told_anew_with_a_fresh_token(ticket: Ticket, pages: Client) -> None:
    response = pages.get(f"/tickets/{ticket.pk}/composer/", **PART)
    html = text_of(response)
    assert 'data-kinds="' in html
    assert " data-quotes" in html
    assert "data-closed" not in html
    assert "csrftoken" in response.cookies
    ticket.channel.put_settings({**ticket.channel.clear_settings(), "reply_url": ""})
    ticket.channel.save()
    closed = text_of(pages.get(f"/tickets/{ticket.pk}/composer/", **PART))
    assert "data-closed" in closed
    assert "You can still write a note." in closed


@pytest.mark.parametrize(
    ("kinds", "words", "accept"),
    [
        ({"image", "video"}, "This channel takes only pictures, videos.", "image/png"),
        (set(), "This channel takes no files.", ""),
        ({"image", "file"}, "", ""),
    ],
)
def test_files_that_a_channel_does_not_carry_are_named_before(kinds: set[str], words: str, accept: str) -> None:
    able = Abilities(attachment_kinds=frozenset(kinds))
    assert said.takes(able) == words
    assert accept in said.accepted(able)
    assert "audio" not in said.accepted(able)


# ── Stretches of a long ticket ───────────────────────────────────────────────────────────────


def keys(html: str) -> list[str]:
    return re.findall(r'id="m-\d+" data-key="([^"]+)"', html)


def test_a_long_ticket_can_be_read_in_both_directions(
    ticket: Ticket, bea: Agent, pages: Client, django_assert_max_num_queries: Any
) -> None:
    now = timezone.now()
    Message.objects.bulk_create(
        Message(
            ticket=ticket, channel_id=ticket.channel_id, team_id=ticket.team_id, direction="in", status="received",
            text=f"Nomor {number}", external_id=f"x-{number}", at=now + timedelta(seconds=number),
        )
        for number in range(120)
    )  # fmt: skip
    path = f"/tickets/{ticket.pk}/stream/"
    newest = text_of(pages.get(path, **PART))
    assert 'id="newer"' not in newest
    up = [keys(newest)]
    html = newest
    while older := re.search(r'data-load="([^"]*before=[^"]*)"', html):
        html = text_of(pages.get(older[1], **PART))
        up.insert(0, keys(html))
    everything = [key for page in up for key in page]
    assert len(everything) == 121
    assert everything == sorted(everything)
    down = up[0]
    while True:
        with django_assert_max_num_queries(8):
            html = text_of(pages.get(f"{path}?after={down[-1]}", **PART))
        down = [*down, *keys(html)]
        if 'id="newer"' not in html:
            break
    assert down == everything


def test_lines_between_two_stretches_are_in_one_of_them(ticket: Ticket, dora: Customer, bea: Agent) -> None:
    from tickets import lifecycle, pages
    from tickets.models import Actor

    for number in range(60):
        dora.writes(f"Nomor {number}")
        lifecycle.change(ticket.pk, Actor.of(bea), subject=f"Subjek {number}")
    newest = pages.stream(ticket)
    older = pages.stream(ticket, newest.older)
    # A page lets go of what stands behind a message.
    last = max(at for at, item in enumerate(older.items) if item.message)
    behind = pages.later(ticket, older.items[last].key)
    told = [line.pk for item in [*older.items[:last], *behind.items] for line, _words in item.lines]
    assert len(told) == len(set(told)) == 61
    assert [item.message.pk for item in behind.items if item.message] == [row.pk for row in newest.messages]


# ── What the platform sent ───────────────────────────────────────────────────────────────────


def test_an_unknown_kind_shows_its_own_event_and_no_others(
    dora: Customer, eka: Customer, pages: Client, carl: Agent
) -> None:
    dora.sends(
        {
            "type": "batch",
            "events": [
                {"type": "poll", "id": "m-poll", "sender": dora.sender, "options": [EVIL, "dua"]},
                {"type": "message", "id": "m-other", "sender": eka.sender, "text": "Rahasia Eka"},
            ],
        }
    )
    message = Message.objects.get(external_id="m-poll")
    path = f"/messages/{message.pk}/event/"
    assert path in text_of(pages.get(f"/tickets/{message.ticket_id}/"))
    for headers in (PART, {}):
        html = text_of(pages.get(path, **headers))
        assert "&quot;options&quot;" in html
        assert "Rahasia" not in html
        assert EVIL not in html
    assert browser(carl).get(path, **PART).status_code == 404
    assert message.envelope
    message.envelope.delete()
    assert "not kept any more" in text_of(pages.get(path, **PART))


def test_what_cannot_be_told_apart_is_not_shown(dora: Customer, pages: Client) -> None:
    message = dora.writes("Halo", id="m-1")
    Message.objects.filter(pk=message.pk).update(external_id="m-elsewhere")
    html = text_of(pages.get(f"/messages/{message.pk}/event/", **PART))
    assert "cannot be shown alone" in html
    assert "Halo" not in html


# ── How messages look ────────────────────────────────────────────────────────────────────────


def test_reactions_stand_together_and_ours_is_known(ticket: Ticket, pages: Client) -> None:
    message = ticket.messages.get()
    given = [("👍", "customer", "Dora"), ("👍", "agent", "Bea"), (EVIL, "customer", EVIL)]
    Message.objects.filter(pk=message.pk).update(
        reactions=[{"emoji": emoji, "author": {"type": kind, "name": name}, "at": ""} for emoji, kind, name in given]
    )
    html = text_of(pages.get(f"/tickets/{ticket.pk}/"))
    assert 'title="Dora, Bea" class="ours" data-ours="👍"' in html
    assert EVIL not in html


def test_where_a_customer_came_from_and_what_was_forwarded(ticket: Ticket, pages: Client) -> None:
    extra = {
        "referral": {"source_type": "ad", "headline": "Kopi murah", "source_url": "https://fb.example/ad"},
        "forwarded": True,
    }
    Message.objects.filter(pk=ticket.messages.get().pk).update(extra=extra)
    html = text_of(pages.get(f"/tickets/{ticket.pk}/"))
    for shown in ("Came from an ad", "Kopi murah", 'href="https://fb.example/ad"', "Forwarded"):
        assert shown in html
    extra["referral"] = {"ref": "x", "source_url": "javascript:alert(1)"}
    Message.objects.filter(pk=ticket.messages.get().pk).update(extra=extra)
    html = text_of(pages.get(f"/tickets/{ticket.pk}/"))
    assert "Came by a link" in html
    assert "javascript:" not in html


def test_a_file_that_a_draft_never_sent_is_ones_own(pages: Client, ana: Agent, bea: Agent) -> None:
    made = pages.post("/uploads/", {"file": SimpleUploadedFile("a.png", PIXEL, "image/png")}, **PART)
    path = f"/attachments/{json.loads(made.content)['id']}/a.png"
    assert pages.get(path).status_code == 200
    assert browser(ana).get(path).status_code == 404


def test_a_new_ticket_begins_on_the_day_of_its_first_message(ticket: Ticket, bea: Agent, pages: Client) -> None:
    at = timezone.now() - timedelta(days=3)
    Message.objects.filter(pk=ticket.messages.get().pk).update(at=at)
    reply(ticket, bea, "Halo")
    days = re.findall(r'<li class="day" data-day="([^"]+)"', text_of(pages.get(f"/tickets/{ticket.pk}/")))
    assert days == sorted(days)
    assert len(days) == 2
