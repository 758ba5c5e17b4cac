"""Nothing is sent that the platform would refuse: windows, templates, and what changes while a reply waits."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from agents.models import Agent
from channels_app import templates
from channels_app.contract import Template
from channels_app.models import Address, Channel, MessageTemplate
from tests.conftest import Api, Customer, lead_to
from tests.platforms import answer
from tests.platforms.chatty import FakeChatty
from tickets import delivery, lifecycle, replies, sendable
from tickets.models import Actor, Message, Ticket

pytestmark = pytest.mark.django_db

READY: dict[str, Any] = {
    "name": "order_ready", "language": "id", "category": "UTILITY", "status": "APPROVED",
    "body": "Pesanan {{1}} siap diambil di {{place}}.", "footer": "Toko Kopi", "variables": ["1", "place"],
}  # fmt: skip
FILLED = Template(name="order_ready", language="id", parameters={"1": "12", "place": "Jl. Melati"})
TEXT = "Pesanan 12 siap diambil di Jl. Melati.\n\nToko Kopi"


@pytest.fixture
def windowed(chatty: FakeChatty, chatty_channel: Channel) -> Channel:
    lead_to(chatty_channel, able=json.dumps({"window": True}))
    chatty.templates = [READY, {**READY, "name": "promo", "status": "PAUSED"}]
    templates.sync(chatty_channel.pk)
    return chatty_channel


@pytest.fixture
def asked(windowed: Channel, fitri: Customer) -> Ticket:
    return fitri.writes("Sudah jadi?", id="m-1").ticket


def later(ticket: Ticket, hours: float = 25) -> None:
    Ticket.objects.filter(pk=ticket.pk).update(last_inbound_at=timezone.now() - timedelta(hours=hours))


def say(ticket: Ticket, agent: Agent, text: str = "Sudah", **more: Any) -> Message:
    return replies.reply(ticket.pk, agent, replies.Draft(text=text, **more))[0]


def fresh(message: Message) -> Message:
    return Message.objects.get(pk=message.pk)


# ── Inside and outside the window ────────────────────────────────────────────────────────────


def test_inside_the_window_anything_goes(chatty: FakeChatty, asked: Ticket, ana: Agent) -> None:
    say(asked, ana)
    delivery.sweep()
    [sent] = chatty.got("/send")
    assert (sent["text"], sent["purpose"], sent["template"]) == ("Sudah", "response", None)


def test_outside_only_a_template(asked: Ticket, ana: Agent) -> None:
    later(asked)
    with pytest.raises(replies.CannotSend) as refused:
        say(asked, ana)
    assert str(refused.value) == ("The customer wrote more than a day ago. Only an approved template can be sent now.")
    assert Message.objects.filter(direction="out").count() == 0
    say(asked, ana, kind="note")


def test_a_reply_that_waited_too_long_is_not_sent(chatty: FakeChatty, asked: Ticket, ana: Agent) -> None:
    message = say(asked, ana)
    later(asked)
    delivery.sweep()
    assert chatty.got("/send") == []
    message = fresh(message)
    assert message.status == "failed"
    assert message.error == {
        "code": "window", "title": sendable.FREE_TIME_OVER, "detail": "The customer wrote more than a day ago.",
        "category": "window", "retryable": False,
    }  # fmt: skip
    assert Channel.objects.get(kind="chatty").last_failure == "", "that is not the channel's fault"


def test_after_the_customer_has_written_again_retry_sends_it(
    chatty: FakeChatty, asked: Ticket, ana: Agent, fitri: Customer
) -> None:
    message = say(asked, ana)
    later(asked)
    delivery.sweep()
    fitri.writes("Halo?")
    delivery.retry(message.pk, Actor.of(ana))
    delivery.sweep()
    assert [sent["text"] for sent in chatty.got("/send")] == ["Sudah"]


def test_whoever_left_meanwhile_gets_nothing(chatty: FakeChatty, asked: Ticket, ana: Agent) -> None:
    message = say(asked, ana)
    lead_to(asked.channel, able=json.dumps({"shut": True}))
    Address.objects.update(blocked_at=timezone.now())
    delivery.sweep()
    assert chatty.got("/send") == []
    assert fresh(message).error["category"] == "blocked"  # type: ignore[index]


def test_what_the_moment_asks_for_goes_along(chatty: FakeChatty, asked: Ticket, ana: Agent) -> None:
    lead_to(asked.channel, able=json.dumps({"purpose": "human_agent"}))
    say(asked, ana)
    delivery.sweep()
    assert chatty.got("/send")[0]["purpose"] == "human_agent"


def test_the_quota_is_part_of_what_is_allowed(asked: Ticket) -> None:
    Channel.objects.filter(pk=asked.channel_id).update(quota_limit=10, quota_used=9)
    assert replies.abilities_of(Ticket.objects.get(pk=asked.pk)).quota_left == 1


# ── Templates ────────────────────────────────────────────────────────────────────────────────


def test_a_template_is_sent_as_one_and_read_as_text(chatty: FakeChatty, asked: Ticket, ana: Agent) -> None:
    later(asked)
    message = say(asked, ana, "", template=FILLED)
    assert (message.text, Ticket.objects.get().last_text) == (TEXT, TEXT.replace("\n\n", " "))
    delivery.sweep()
    [sent] = chatty.got("/send")
    assert sent["template"] == {"name": "order_ready", "language": "id", "parameters": dict(FILLED.parameters)}
    assert sent["text"] == TEXT
    assert fresh(message).status == "sent"


def test_a_failed_template_is_tried_again_as_a_template(chatty: FakeChatty, asked: Ticket, ana: Agent) -> None:
    later(asked)
    message = say(asked, ana, "", template=FILLED)
    chatty.answers["/send"] = [answer(503)]
    delivery.sweep()
    Message.objects.filter(pk=message.pk).update(next_attempt_at=timezone.now())
    delivery.sweep()
    assert [sent["template"]["name"] for sent in chatty.got("/send")] == ["order_ready"] * 2
    assert fresh(message).status == "sent"


@pytest.mark.parametrize(
    ("draft", "words"),
    [
        ({"template": Template(name="nope", language="id")}, "no template nope (id)"),
        ({"template": Template(name="order_ready", language="th")}, "no template order_ready (th)"),
        ({"template": Template(name="promo", language="id")}, "not approved"),
        ({"template": Template(name="order_ready", language="id")}, "Still empty: 1, place"),
        (
            {"template": Template(name="order_ready", language="id", parameters={"1": "12", "place": " "})},
            "empty: place",
        ),
        ({"template": Template(name="order_ready", language="id", parameters={"2": "x"})}, "no blank 2"),
        ({"template": Template(name="order_ready", language="id", parameters={"1": "x" * 1025, "place": "y"})}, "1024"),
        ({"template": FILLED, "text": "and more"}, "leave the text empty"),
        ({"template": FILLED, "kind": "note"}, "not for a note"),
    ],
)
def test_what_is_wrong_with_a_template_is_said(asked: Ticket, ana: Agent, draft: dict[str, Any], words: str) -> None:
    with pytest.raises(replies.CannotSend, match=r".*" + words.replace("(", r"\(").replace(")", r"\)")):
        say(asked, ana, draft.pop("text", ""), **draft)
    assert Message.objects.filter(agent=ana).count() == 0


def test_a_template_of_another_channel_is_none(asked: Ticket, ana: Agent, webhook_channel: Channel) -> None:
    MessageTemplate.objects.update(channel=webhook_channel)
    with pytest.raises(replies.CannotSend):
        say(asked, ana, "", template=FILLED)


def test_a_line_break_in_a_blank_becomes_a_space(asked: Ticket, ana: Agent) -> None:
    message = say(
        asked, ana, "", template=Template(name="order_ready", language="id", parameters={"1": "1\n2", "place": "x"})
    )
    assert message.text.startswith("Pesanan 1 2 siap")


def test_one_key_stands_for_one_template(asked: Ticket, ana: Agent) -> None:
    first = say(asked, ana, "", template=FILLED, key="k")
    assert say(asked, ana, "", template=FILLED, key="k") == first
    other = Template(name="order_ready", language="id", parameters={"1": "13", "place": "x"})
    with pytest.raises(replies.KeyReused):
        say(asked, ana, "", template=other, key="k")


# ── Writing first ────────────────────────────────────────────────────────────────────────────


def test_a_conversation_may_begin_with_a_template_only(chatty: FakeChatty, windowed: Channel, ana: Agent) -> None:
    with pytest.raises(replies.CannotSend):
        replies.start(windowed, ana, "u-new", replies.Draft(text="Halo"))
    assert Ticket.objects.count() == 0
    message, _new = replies.start(windowed, ana, "u-new", replies.Draft(template=FILLED))
    assert message.ticket.subject == TEXT.splitlines()[0]
    delivery.sweep()
    assert chatty.got("/send")[0]["template"]["name"] == "order_ready"


def test_an_open_window_carries_over_to_a_new_ticket(asked: Ticket, windowed: Channel, ana: Agent) -> None:
    lifecycle.resolve(asked.pk, Actor.of(ana))
    message, _new = replies.start(windowed, ana, "u-fitri", replies.Draft(text="Satu lagi"))
    assert message.ticket_id != asked.pk


# ── Quotes ───────────────────────────────────────────────────────────────────────────────────


def test_what_came_with_the_quoted_message_goes_back(
    chatty: FakeChatty, asked: Ticket, ana: Agent, fitri: Customer
) -> None:
    quoted = fitri.writes("yang ini", id="m-2", quote={"token": "q-1"})
    say(asked, ana, reply_to=quoted.pk)
    say(asked, ana, "lagi", reply_to=Message.objects.get(external_id="m-1").pk)
    delivery.sweep()
    delivery.sweep()
    assert [(sent["reply_to"], sent["quote"]) for sent in chatty.got("/send")] == [
        ("m-2", {"token": "q-1"}),
        ("m-1", None),
    ]


# ── Doors ────────────────────────────────────────────────────────────────────────────────────


def test_the_api_says_what_is_allowed(asked: Ticket, bea: Agent, carl: Agent, api: Callable[[Agent], Api]) -> None:
    door = api(bea)
    able = door.get(f"/tickets/{asked.pk}/abilities/")
    assert (able["only_templates"], able["closed"], able["purpose"]) == (False, None, "response")
    assert able["window_words"] == "Free answers for 24 hours after the customer's last message."
    assert able["reply_until"].endswith("Z")
    later(asked)
    able = door.get(f"/tickets/{asked.pk}/abilities/")
    assert (able["only_templates"], able["reply_until"]) == (True, None)
    assert api(carl)("GET", f"/tickets/{asked.pk}/abilities/").status_code == 404


def test_the_api_sends_by_template(asked: Ticket, bea: Agent, api: Callable[[Agent], Api]) -> None:
    later(asked)
    door = api(bea)
    refused = door("POST", f"/tickets/{asked.pk}/messages/", {"text": "Halo"})
    assert (refused.status_code, "template" in json.loads(refused.content)["detail"]) == (400, True)
    body = {"template": {"name": "order_ready", "language": "id", "parameters": {"1": "12", "place": "Jl. Melati"}}}
    made = json.loads(door("POST", f"/tickets/{asked.pk}/messages/", body).content)
    assert made["text"] == TEXT
    assert made["template"] == {**body["template"], "category": "UTILITY"}
    for wrong in ({"name": 1}, {"language": "id"}, {"name": "order_ready", "parameters": {"1": 2}}, "order_ready"):
        assert door("POST", f"/tickets/{asked.pk}/messages/", {"template": wrong}).status_code == 400
    new = {"channel": asked.channel_id, "to": "u-new", **body}
    started = door("POST", "/tickets/", new)
    assert started.status_code == 201
    assert json.loads(started.content)["subject"] == TEXT.splitlines()[0]


def test_the_api_lists_and_synchronises_templates(
    chatty: FakeChatty, windowed: Channel, bea: Agent, ana: Agent, carl: Agent, api: Callable[[Agent], Api]
) -> None:
    where = f"/channels/{windowed.pk}/templates/"
    found = api(bea).get(where)
    assert [(row["name"], row["status"]) for row in found["results"]] == [
        ("order_ready", "APPROVED"),
        ("promo", "PAUSED"),
    ]
    assert found["results"][0]["variables"] == ["1", "place"]
    assert api(carl)("GET", where).status_code == 404
    assert api(bea)("POST", where).status_code == 403
    chatty.templates = [READY]
    synced = api(ana)("POST", where)
    assert len(json.loads(synced.content)["results"]) == 1
    chatty.answers["/templates"] = [answer(503)]
    assert api(ana)("POST", where).status_code == 409
    assert len(api(bea).get(where)["results"]) == 1


def test_a_channel_shows_quota_and_refused_credentials(
    windowed: Channel, bea: Agent, api: Callable[[Agent], Api]
) -> None:
    door = api(bea)
    shown = door.get(f"/channels/{windowed.pk}/")
    assert (shown["quota"], shown["failure"]) == (None, None)
    Channel.objects.filter(pk=windowed.pk).update(
        quota_limit=5, quota_used=2, quota_at=timezone.now(), failure_category="auth", last_failure="No."
    )
    shown = door.get(f"/channels/{windowed.pk}/")
    assert (shown["quota"]["limit"], shown["quota"]["used"], shown["failure"]) == (5, 2, "No.")


def test_measuring_a_draft_says_the_same(asked: Ticket, bea: Agent, client: Client) -> None:
    client.force_login(bea)
    said = client.post(f"/tickets/{asked.pk}/measure/", {"text": "Halo"}).json()
    assert (said["length"], said["only_templates"], said["closed"]) == (4, False, None)
    assert said["after_window"] == "After that only templates."
