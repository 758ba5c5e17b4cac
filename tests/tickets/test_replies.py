"""An agent answers: once per key, never behind a colleague's back, and only what the channel takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.utils import timezone

from agents.models import Agent, Team
from channels_app.contract import InboundMessage, Receipt, Sender
from channels_app.models import Address, Channel, Envelope
from tests.conftest import Customer, lead_to
from tests.tickets.test_interleavings import at_once
from tickets import intake, lifecycle, media, receipts, replies
from tickets.lifecycle import Conflict, Refused
from tickets.models import Activity, Actor, Attachment, IdempotencyKey, Message, Ticket
from tickets.replies import CannotSend, Draft, KeyReused, Stale

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100


def newest() -> int:
    return Activity.objects.latest("seq").seq


def upload(agent: Agent, body: bytes = PNG, name: str = "a.png") -> int:
    return int(media.upload(agent, ContentFile(body), name, "image/png").pk)


def answer(ticket: Ticket, agent: Agent, text: str = "Ya?", **more: Any) -> Message:
    return replies.reply(ticket.pk, agent, Draft(text, **more))[0]


# ── What is written ──────────────────────────────────────────────────────────────────────────


def test_a_reply_waits_to_be_sent_and_the_customer_no_longer_waits(ticket: Ticket, bea: Agent) -> None:
    message = answer(ticket, bea, "Sedang\ndikirim\x00")
    ticket.refresh_from_db()
    assert (message.status, message.direction, message.text) == ("queued", "out", "Sedang\ndikirim\ufffd")
    assert (ticket.waiting_since, ticket.last_text, ticket.last_direction) == (None, "Sedang dikirim\ufffd", "out")
    assert message.parts.count() == 1


def test_a_note_goes_nowhere(ticket: Ticket, bea: Agent) -> None:
    message = answer(ticket, bea, "VIP", kind="note")
    ticket.refresh_from_db()
    assert (message.direction, message.next_attempt_at, message.parts.count()) == ("note", None, 0)
    assert ticket.waiting_since is not None
    assert ticket.last_text != "VIP"


def test_a_reply_to_a_resolved_ticket_does_not_reopen_it(ticket: Ticket, bea: Agent) -> None:
    lifecycle.resolve(ticket.pk, Actor.of(bea))
    answer(ticket, bea, "Sama-sama")
    ticket.refresh_from_db()
    assert ticket.status == "resolved"


def test_an_empty_reply_is_none(ticket: Ticket, bea: Agent) -> None:
    for text in ("", " \n\t"):
        with pytest.raises(CannotSend):
            answer(ticket, bea, text)


def test_what_it_answers_must_be_on_the_ticket(ticket: Ticket, eka: Customer, bea: Agent) -> None:
    other = eka.writes()
    for number in (other.pk, 10**30, -1):
        with pytest.raises(Refused):
            answer(ticket, bea, reply_to=number)


# ── Idempotency-Key ──────────────────────────────────────────────────────────────────────────


def test_the_same_key_makes_one_message(ticket: Ticket, bea: Agent, ana: Agent) -> None:
    draft = Draft("Ya?", key="k-1", seen=newest())
    first, new = replies.reply(ticket.pk, bea, draft)
    assert new
    answer(ticket, ana, "Saya juga")
    again, new = replies.reply(ticket.pk, bea, draft)
    assert (again.pk, new) == (first.pk, False)
    assert answer(ticket, ana, "Ya?", key="k-1").pk != first.pk


def test_the_same_key_with_another_body_is_refused(ticket: Ticket, eka: Customer, bea: Agent) -> None:
    answer(ticket, bea, "Ya?", key="k-1")
    for number, draft in (
        (ticket.pk, Draft("Tidak", key="k-1")),
        (ticket.pk, Draft("Ya?", kind="note", key="k-1")),
        (eka.writes().ticket_id, Draft("Ya?", key="k-1")),
    ):
        with pytest.raises(KeyReused):
            replies.reply(number, bea, draft)


def test_a_key_is_kept_a_day(ticket: Ticket, bea: Agent) -> None:
    first = answer(ticket, bea, "Ya?", key="k-1")
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=23))
    replies.purge_keys()
    assert answer(ticket, bea, "Ya?", key="k-1").pk == first.pk
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert answer(ticket, bea, "Tidak", key="k-1").pk != first.pk


def test_a_key_of_256_characters_is_refused(ticket: Ticket, bea: Agent) -> None:
    answer(ticket, bea, key="k" * 255)
    with pytest.raises(Refused):
        answer(ticket, bea, key="k" * 256)


@pytest.mark.django_db(transaction=True)
def test_the_same_key_at_once_makes_one_message(dora: Customer, bea: Agent) -> None:
    ticket = dora.writes().ticket
    draft = Draft("Ya?", key="k-1")
    answers = at_once([lambda: replies.reply(ticket.pk, bea, draft)] * 8)
    assert len({message.pk for message, _new in answers}) == 1
    assert sorted(new for _message, new in answers) == [False] * 7 + [True]


# ── seen ─────────────────────────────────────────────────────────────────────────────────────


def echo(ticket: Ticket) -> None:
    said = InboundMessage(external_id="e", sender=Sender(external_id="p"), conversation="u-dora", text="x", echo=True)
    intake.receive(ticket.channel, said, Envelope.objects.create(channel=ticket.channel))


CHANGES_THE_ANSWER: dict[str, Callable[[Ticket, Customer, Agent], object]] = {
    "message": lambda ticket, dora, ana: dora.writes("lagi"),
    "edit": lambda ticket, dora, ana: dora.edits("m-first", "baru"),
    "deletion": lambda ticket, dora, ana: dora.deletes("m-first"),
    "reply": lambda ticket, dora, ana: answer(ticket, ana),
    "note": lambda ticket, dora, ana: answer(ticket, ana, kind="note"),
    "resolution": lambda ticket, dora, ana: lifecycle.resolve(ticket.pk, Actor.of(ana)),
    "assignment": lambda ticket, dora, ana: lifecycle.assign(ticket.pk, ana, Actor.of(ana)),
    "answered in the platform's own app": lambda ticket, dora, ana: echo(ticket),
}


@pytest.mark.parametrize("what", CHANGES_THE_ANSWER)
def test_stale_after_what_changes_the_answer(ticket: Ticket, dora: Customer, ana: Agent, bea: Agent, what: str) -> None:
    seen = newest()
    CHANGES_THE_ANSWER[what](ticket, dora, ana)
    with pytest.raises(Stale) as stale:
        answer(ticket, bea, seen=seen)
    ticket.refresh_from_db()
    assert (stale.value.seq, stale.value.new[-1].seq) == (ticket.seq, ticket.seq)
    assert answer(ticket, bea, "catatan", kind="note", seen=seen).pk
    assert answer(ticket, bea, seen=ticket.seq).pk


DOES_NOT: dict[str, Callable[[Ticket, Customer, Agent], object]] = {
    "own reply": lambda ticket, dora, bea: answer(ticket, bea),
    "own resolution": lambda ticket, dora, bea: lifecycle.resolve(ticket.pk, Actor.of(bea)),
    "own assignment": lambda ticket, dora, bea: lifecycle.assign(ticket.pk, bea, Actor.of(bea)),
    "receipt": lambda ticket, dora, bea: receipts.receive(
        ticket.channel, Receipt(state="read", external_id="x", own_key=str(answer(ticket, bea).pk))
    ),
    "reaction": lambda ticket, dora, bea: dora.reacts("m-first", "👍"),
    "routing": lambda ticket, dora, bea: lifecycle.assign(ticket.pk, bea, Actor("system")),
    "priority": lambda ticket, dora, bea: lifecycle.change(ticket.pk, Actor.of(bea), priority="high"),
    "snooze": lambda ticket, dora, bea: lifecycle.snooze(
        ticket.pk, timezone.now() + timedelta(hours=1), Actor("system")
    ),
}


@pytest.mark.parametrize("what", DOES_NOT)
def test_not_stale_after_anything_else(ticket: Ticket, dora: Customer, bea: Agent, what: str) -> None:
    seen = newest()
    DOES_NOT[what](ticket, dora, bea)
    assert answer(ticket, bea, seen=seen).pk


def test_without_seen_nothing_is_checked(ticket: Ticket, ana: Agent, bea: Agent) -> None:
    answer(ticket, ana)
    assert answer(ticket, bea).pk
    assert answer(ticket, bea, seen=10**12).pk


@pytest.mark.django_db(transaction=True)
def test_of_two_replies_at_once_one_wins(dora: Customer, ana: Agent, bea: Agent) -> None:
    ticket, seen = dora.writes().ticket, newest()
    answers = at_once([lambda who=who: answer(ticket, who, seen=seen) for who in (ana, bea)])
    assert sorted(type(one).__name__ for one in answers) == ["Message", "Stale"]


# ── What the channel takes ───────────────────────────────────────────────────────────────────


def test_files_of_ones_own_go_along_in_order(ticket: Ticket, bea: Agent) -> None:
    first, second = upload(bea), upload(bea)
    message = answer(ticket, bea, "", attachments=(second, first))
    assert [row.pk for row in message.attachments.all()] == [second, first]


def test_files_of_others_or_sent_before_are_refused(ticket: Ticket, bea: Agent, ana: Agent, dora: Customer) -> None:
    hers, sent = upload(ana), upload(bea)
    answer(ticket, bea, attachments=(sent,))
    theirs = dora.writes(attachments=[{"url": "https://files.example/a.png"}]).attachments.get().pk
    for number in (hers, sent, theirs, 10**30, -5, 999_999):
        with pytest.raises(CannotSend):
            answer(ticket, bea, attachments=(number,))
    assert Message.objects.filter(direction="out").count() == 1


def test_more_or_larger_files_than_the_channel_takes(
    sms_channel: Channel, bea: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sms(**more: Any) -> Message:
        return replies.start(sms_channel, bea, "+6281311112222", Draft("Halo", **more))[0]

    with pytest.raises(CannotSend, match="10 files"):
        sms(attachments=tuple(upload(bea) for _ in range(11)))
    big = upload(bea)
    Attachment.objects.filter(pk=big).update(size=6 * 1024 * 1024)
    with pytest.raises(CannotSend, match="5 MB"):
        sms(attachments=(big,))
    odd = upload(bea)
    Attachment.objects.filter(pk=odd).update(kind="sticker")
    with pytest.raises(CannotSend, match=r"a\.png"):
        sms(attachments=(odd,))
    assert not Ticket.objects.exists()


def test_a_text_without_a_seam_names_the_limit(sms_channel: Channel, bea: Agent) -> None:
    with pytest.raises(CannotSend, match=r"1601.*1600"):
        replies.start(sms_channel, bea, "+6281311112222", Draft("x" * 1601))
    with pytest.raises(CannotSend):
        replies.start(sms_channel, bea, "+6281311112222", Draft("kata " * 20_000))


def test_a_channel_that_cannot_send_now_says_so(ticket: Ticket, bea: Agent) -> None:
    lead_to(ticket.channel, reply_url="")
    with pytest.raises(CannotSend, match="no reply address"):
        answer(ticket, bea)
    assert answer(ticket, bea, kind="note").pk


# ── Writing first ────────────────────────────────────────────────────────────────────────────


def test_an_agent_writes_first(sms_channel: Channel, bea: Agent) -> None:
    message, _new = replies.start(sms_channel, bea, "0813-1111-2222", Draft("Halo, ini toko"), subject="Pesanan")
    ticket = message.ticket
    assert (ticket.address.external_id, ticket.address.phone, ticket.subject) == ("+6281311112222",) * 2 + ("Pesanan",)
    assert [line.type for line in Activity.objects.order_by("seq")] == ["ticket.created", "message.added"]
    with pytest.raises(Conflict):
        replies.start(sms_channel, bea, "+6281311112222", Draft("lagi"))
    with pytest.raises(CannotSend):
        replies.start(sms_channel, bea, "nobody", Draft("lagi"))
    assert Address.objects.count() == 1


def test_a_conversation_of_another_team_is_not_named(sms_channel: Channel, bea: Agent, ana: Agent, south: Team) -> None:
    message, _new = replies.start(sms_channel, bea, "+6281311112222", Draft("Halo"))
    with pytest.raises(Conflict, match=str(message.ticket_id)):
        replies.start(sms_channel, bea, "+6281311112222", Draft("lagi"))
    lifecycle.change(message.ticket_id, Actor.of(ana), team=south)
    with pytest.raises(Conflict, match="Another team") as refused:
        replies.start(sms_channel, bea, "+6281311112222", Draft("lagi"))
    assert str(message.ticket_id) not in str(refused.value)


def test_a_ticket_that_an_agent_starts_is_started_once_per_key(bea: Agent, sms_channel: Channel) -> None:
    draft = Draft("Halo", key="start-1")
    first, new = replies.start(sms_channel, bea, "+6281311112222", draft)
    again, newer = replies.start(sms_channel, bea, "0813-1111-2222", draft)
    assert (again.pk, new, newer) == (first.pk, True, False)
    with pytest.raises(replies.KeyReused):
        replies.start(sms_channel, bea, "+6281311112222", replace(draft, text="Hai"))


def test_a_channel_whose_secrets_cannot_be_read_says_so(
    bea: Agent, ticket: Ticket, settings: Any, client: Client
) -> None:
    old = settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another key altogether, and a long one", []
    with pytest.raises(CannotSend, match="secrets cannot be read"):
        replies.reply(ticket.pk, bea, Draft("Halo"))
    client.force_login(bea)
    page = client.get(f"/tickets/{ticket.pk}/")
    assert page.status_code == 200
    assert "secrets cannot be read" in page.content.decode()
    settings.SECRET_KEY_FALLBACKS = [old]
    assert replies.reply(ticket.pk, bea, Draft("Halo"))[1]
