"""What arrives: which ticket it joins, what it becomes, and that once is once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agents.models import Agent
from channels_app.contract import (
    Deletion,
    Edit,
    InboundAttachment,
    InboundMessage,
    Location,
    Notice,
    Receipt,
    Remote,
    Sender,
)
from channels_app.inbound import erase
from channels_app.models import Address, Channel, Envelope
from customers.models import Customer as Person
from tests.conftest import Customer
from tickets import intake, lifecycle, replies, shapes
from tickets.models import Activity, Actor, Attachment, Message, PendingNews, Ticket

LONG_AGO = "2025-11-01T08:00:00Z"


def types(ticket: Ticket) -> list[str]:
    return list(Activity.objects.filter(ticket=ticket).order_by("seq").values_list("type", flat=True))


def news(channel: Channel, *items: Any) -> None:
    """Straight through the seam, as an adapter's parse would give it."""
    for item in items:
        envelope = Envelope.objects.create(channel=channel, body=b"{}")
        intake.receive(channel, item, envelope)


def said(id: str = "g-1", text: str = "Halo", sender: str = "u-dora", **more: Any) -> InboundMessage:
    return InboundMessage(
        external_id=id, sender=Sender(external_id=sender, name=sender), text=text,
        conversation=more.pop("conversation", sender), **more,
    )  # fmt: skip


# ── A message ────────────────────────────────────────────────────────────────────────────────


def test_a_first_message_makes_a_customer_a_ticket_and_two_lines(dora: Customer) -> None:
    message = dora.writes("Halo, pesanan saya di mana?\nNomor 12", id="m-1", sent_at=LONG_AGO)
    ticket = message.ticket
    assert (message.status, message.direction, message.external_id) == ("received", "in", "m-1")
    assert message.sent_at is not None
    assert shapes.when(message.sent_at) == LONG_AGO
    assert (ticket.status, ticket.subject) == ("open", "Halo, pesanan saya di mana?")
    assert (ticket.team, ticket.customer.name) == (dora.channel.team, "Dora")
    assert types(ticket) == ["ticket.created", "message.added"]
    ticket.refresh_from_db()
    assert ticket.seq == Activity.objects.latest("seq").seq
    assert ticket.waiting_since is not None
    assert ticket.last_text == "Halo, pesanan saya di mana? Nomor 12"


@pytest.mark.django_db(transaction=True)
def test_at_most_twelve_statements_for_a_known_customer(dora: Customer) -> None:
    dora.writes()
    event = {"type": "message", "id": "m-2", "sender": dora.sender, "text": "lagi", "sent_at": LONG_AGO}
    with CaptureQueriesContext(connection) as asked:
        dora.sends(event)
    statements = [query["sql"] for query in asked]
    assert (statements[1][:5], statements[-1]) == ("BEGIN", "COMMIT")
    assert len(statements) <= 12, "\n".join(statements)


def test_the_same_message_again_changes_nothing(dora: Customer) -> None:
    first = dora.writes("Halo", id="m-1")
    seq = Activity.objects.latest("seq").seq
    again = dora.writes("something else", id="m-1")
    assert (again.pk, again.text) == (first.pk, "Halo")
    assert Activity.objects.latest("seq").seq == seq


def test_theirs_and_ours_may_have_the_same_number(dora: Customer, ana: Agent) -> None:
    ticket = dora.writes("Halo").ticket
    ours, _new = replies.reply(ticket.pk, ana, replies.Draft("Ya?"))
    Message.objects.filter(pk=ours.pk).update(external_id="1")
    theirs = dora.writes("satu", id="1")
    assert theirs.pk != ours.pk


# ── Which ticket ─────────────────────────────────────────────────────────────────────────────


def test_a_message_joins_the_open_ticket(dora: Customer, eka: Customer, ticket: Ticket) -> None:
    assert dora.writes("lagi").ticket_id == ticket.pk
    assert eka.writes("saya lain").ticket_id != ticket.pk


def test_a_message_wakes_a_snoozed_ticket(dora: Customer, ticket: Ticket, ana: Agent) -> None:
    lifecycle.snooze(ticket.pk, timezone.now() + timedelta(days=2), Actor.of(ana))
    assert dora.writes("lagi").ticket_id == ticket.pk
    ticket.refresh_from_db()
    assert (ticket.status, ticket.snoozed_until) == ("open", None)
    assert types(ticket)[-2:] == ["ticket.woken", "message.added"]


def test_within_seven_days_a_message_reopens(dora: Customer, ticket: Ticket, ana: Agent) -> None:
    lifecycle.resolve(ticket.pk, Actor.of(ana))
    Ticket.objects.update(resolved_at=timezone.now() - timedelta(days=6, hours=23))
    assert dora.writes("lagi").ticket_id == ticket.pk
    ticket.refresh_from_db()
    assert (ticket.status, ticket.resolved_at) == ("open", None)
    assert types(ticket)[-2:] == ["ticket.reopened", "message.added"]


def test_later_it_is_a_new_linked_ticket(dora: Customer, ticket: Ticket, ana: Agent) -> None:
    lifecycle.resolve(ticket.pk, Actor.of(ana))
    Ticket.objects.update(resolved_at=timezone.now() - timedelta(days=7, hours=1))
    new = dora.writes("lagi").ticket
    assert (new.previous_id, new.customer_id) == (ticket.pk, ticket.customer_id)
    with pytest.raises(lifecycle.Conflict):
        lifecycle.reopen(ticket.pk, Actor.of(ana))


def claim(ticket: Ticket, news: InboundMessage) -> str | None:
    return "survey.answered" if news.text == "5" else None


def test_a_claimed_answer_stays_and_does_not_reopen(dora: Customer, ticket: Ticket, ana: Agent, settings: Any) -> None:
    settings.REPLY_CLAIMS = ["tests.tickets.test_intake.claim"]
    lifecycle.resolve(ticket.pk, Actor.of(ana))
    Ticket.objects.update(resolved_at=timezone.now() - timedelta(days=30))
    assert dora.writes("5").ticket_id == ticket.pk
    ticket.refresh_from_db()
    assert (ticket.status, ticket.waiting_since) == ("resolved", None)
    assert types(ticket)[-2:] == ["survey.answered", "message.added"]


def test_the_database_itself_allows_one_unresolved_ticket(ticket: Ticket) -> None:
    from django.db import IntegrityError, transaction

    with pytest.raises(IntegrityError), transaction.atomic():
        Ticket.objects.create(channel=ticket.channel, customer=ticket.customer, address=ticket.address)


def test_a_group_is_one_conversation_of_several_people(webhook_channel: Channel) -> None:
    group = {"conversation": "g-1", "is_group": True, "group_name": "Keluarga"}
    news(webhook_channel, said("a", sender="u-dora", **group), said("b", sender="u-eka", **group))
    ticket = Ticket.objects.get()
    assert (ticket.address.external_id, ticket.address.is_group) == ("g-1", True)
    assert (ticket.customer.party, ticket.customer.name) == ("group", "Keluarga")
    assert [m.address.external_id for m in ticket.messages.order_by("id") if m.address] == ["u-dora", "u-eka"]


# ── People ───────────────────────────────────────────────────────────────────────────────────


def test_a_name_follows_the_platform_until_an_agent_writes_another(dora: Customer) -> None:
    dora.writes()
    dora.name = "Dora S."
    dora.writes()
    person = Person.objects.get()
    assert person.name == "Dora S."
    Person.objects.update(name="Ibu Dora")
    dora.name = "D."
    dora.writes()
    person.refresh_from_db()
    assert (person.name, Address.objects.get().name) == ("Ibu Dora", "D.")


def test_a_missing_name_erases_none(dora: Customer) -> None:
    dora.writes(sender={"id": dora.id, "name": "Dora", "phone": "+62 813 1111 2222"})
    dora.writes(sender={"id": dora.id})
    address = Address.objects.get()
    assert (address.name, address.phone) == ("Dora", "+62 813 1111 2222")


# ── What becomes what ────────────────────────────────────────────────────────────────────────


def test_a_postback_shows_its_title_or_else_its_payload(dora: Customer) -> None:
    button = {"type": "postback", "sender": dora.sender, "payload": "BUY_1"}
    dora.sends({**button, "id": "p-1", "title": "Beli"})
    dora.sends({**button, "id": "p-2"})
    first, second = Message.objects.order_by("id")
    assert (first.text, first.postback) == ("Beli", {"title": "Beli", "payload": "BUY_1"})
    assert (second.text, second.direction) == ("BUY_1", "in")


def test_an_unknown_type_is_shown_with_what_it_has(dora: Customer) -> None:
    dora.sends({"type": "hologram", "id": "h-1", "sender": dora.sender, "text": "lihat"})
    message = Message.objects.get()
    assert (message.unsupported, message.text) == (True, "lihat")


def test_places_and_contacts_are_kept(webhook_channel: Channel) -> None:
    place = InboundAttachment(kind="location", location=Location(lat=-6.2, lon=106.8, name="Monas\x00"))
    news(webhook_channel, said(attachments=(place,)))
    row = Attachment.objects.get()
    assert (row.state, row.location["name"]) == ("stored", "Monas\ufffd")


def test_reply_to_finds_theirs_and_ours(dora: Customer, ticket: Ticket, ana: Agent) -> None:
    ours, _new = replies.reply(ticket.pk, ana, replies.Draft("Ya?"))
    assert dora.writes("a", reply_to="m-first").reply_to == ticket.messages.get(external_id="m-first")
    assert dora.writes("b", reply_to=str(ours.pk)).reply_to_id == ours.pk
    unknown = dora.writes("c", reply_to="nobody-knows")
    assert unknown.reply_to is None
    assert unknown.about["id"] == "nobody-knows"


def test_an_attachment_that_names_nothing_is_a_placeholder(dora: Customer) -> None:
    message = dora.writes(attachments=[{"filename": "../../etc/passwd"}])
    row = message.attachments.get()
    assert (row.state, row.filename) == ("failed", "passwd")


def test_a_million_attachments_do_not_fill_the_disk(webhook_channel: Channel) -> None:
    many = tuple(InboundAttachment(kind="file") for _ in range(5_000))
    news(webhook_channel, said(attachments=many))
    assert Attachment.objects.count() == 500


def test_a_notice_is_a_line_on_the_open_ticket_and_no_message(webhook_channel: Channel, ticket: Ticket) -> None:
    sender = Sender(external_id="u-dora")
    notice = Notice(kind="unfollow", sender=sender, conversation="u-dora", blocked=True, event_id="e-1")
    news(webhook_channel, notice, notice, Notice(kind="follow", sender=Sender(external_id="u-nobody")))
    assert types(ticket)[2:] == ["customer.unfollow"]
    assert Address.objects.get().blocked_at is not None
    news(webhook_channel, Notice(kind="follow", sender=sender, conversation="u-dora", blocked=False))
    assert Address.objects.get().blocked_at is None
    assert Message.objects.count() == 1


# ── Echoes ───────────────────────────────────────────────────────────────────────────────────


def test_an_echo_is_ours_by_nobody(webhook_channel: Channel, ticket: Ticket) -> None:
    echo = said("e-1", "dari ponsel", sender="page", conversation="u-dora", echo=True)
    news(webhook_channel, echo, echo)
    message = Message.objects.get(direction="out")
    assert (message.status, message.ticket_id) == ("sent", ticket.pk)
    assert shapes.author(message)["type"] == "system"
    ticket.refresh_from_db()
    assert (ticket.waiting_since, ticket.last_text) == (None, "dari ponsel")


def test_an_echo_does_not_reopen(webhook_channel: Channel, ticket: Ticket, ana: Agent) -> None:
    lifecycle.resolve(ticket.pk, Actor.of(ana))
    news(webhook_channel, said("e-1", sender="page", conversation="u-dora", echo=True))
    ticket.refresh_from_db()
    assert ticket.status == "resolved"


def test_an_echo_of_our_own_send_only_confirms_it(webhook_channel: Channel, ticket: Ticket, ana: Agent) -> None:
    ours, _new = replies.reply(ticket.pk, ana, replies.Draft("Ya?"))
    echo = said("x-9", "Ya?", sender="page", conversation="u-dora", echo=True, own_key=str(ours.pk))
    news(webhook_channel, echo, echo)
    ours.refresh_from_db()
    assert (Message.objects.filter(direction="out").count(), ours.external_id) == (1, "x-9")


def test_an_echo_while_our_send_is_under_way_waits(webhook_channel: Channel, ticket: Ticket, ana: Agent) -> None:
    ours, _new = replies.reply(ticket.pk, ana, replies.Draft("Ya?"))
    Message.objects.filter(pk=ours.pk).update(claimed_until=timezone.now() + timedelta(seconds=20))
    with pytest.raises(intake.OwnSendUnderWay):
        news(webhook_channel, said("x-9", sender="page", conversation="u-dora", echo=True))


# ── Edits ────────────────────────────────────────────────────────────────────────────────────


def test_an_edit_replaces_the_text_and_what_the_list_shows(dora: Customer, ticket: Ticket) -> None:
    dora.edits("m-first", "Pesanan 12 di mana?", at="2025-11-02T08:00:00Z")
    message = ticket.messages.get()
    ticket.refresh_from_db()
    assert message.text == ticket.subject == ticket.last_text == "Pesanan 12 di mana?"
    assert shapes.when(message.edited_at) == "2025-11-02T08:00:00Z"
    assert types(ticket)[-1] == "message.changed"


def test_a_subject_of_an_agents_making_stays(dora: Customer, ticket: Ticket, ana: Agent) -> None:
    lifecycle.change(ticket.pk, Actor.of(ana), subject="Pengiriman")
    dora.edits("m-first", "baru")
    dora.deletes("m-first")
    ticket.refresh_from_db()
    assert ticket.subject == "Pengiriman"


def test_of_two_edits_the_later_one_counts(dora: Customer, ticket: Ticket) -> None:
    dora.edits("m-first", "kedua", at="2025-11-02T08:00:02Z")
    dora.edits("m-first", "pertama", at="2025-11-02T08:00:01Z")
    assert ticket.messages.get().text == "kedua"


def test_an_edit_of_an_unknown_message_makes_it(dora: Customer) -> None:
    edit = {"type": "edit", "message": "m-1", "sender": dora.sender}
    dora.sends({**edit, "text": "kedua", "at": "2025-11-02T08:00:02Z"})
    dora.sends({**edit, "text": "pertama", "at": "2025-11-02T08:00:01Z"})
    late = dora.writes("asli", id="m-1", sent_at=LONG_AGO, reply_to="x")
    assert (late.text, late.from_edit) == ("kedua", False)
    assert (shapes.when(late.edited_at), shapes.when(late.sent_at)) == ("2025-11-02T08:00:02Z", LONG_AGO)
    assert late.about["id"] == "x"
    assert Message.objects.count() == Ticket.objects.count() == 1


def test_an_edit_by_nobody_waits_for_its_message(dora: Customer) -> None:
    dora.edits("m-1", "kedua", attachments=[{"url": "https://files.example/b.png", "mime": "image/png"}])
    message = dora.writes("asli", id="m-1", attachments=[{"url": "https://files.example/a.png"}])
    assert (message.text, message.attachments.get().remote["url"]) == ("kedua", "https://files.example/b.png")
    assert not PendingNews.objects.exists()


def test_an_outdated_edit_takes_no_files(dora: Customer, ticket: Ticket) -> None:
    dora.edits("m-first", "kedua", at="2025-11-02T08:00:02Z", attachments=[{"url": "https://files.example/b.png"}])
    dora.edits("m-first", "pertama", at="2025-11-02T08:00:01Z", attachments=[])
    assert ticket.messages.get().attachments.count() == 1


# ── Deletions ────────────────────────────────────────────────────────────────────────────────


def bodies() -> str:
    return "".join(bytes(envelope.body).decode() for envelope in Envelope.objects.all())


def test_a_deletion_takes_the_words_everywhere(dora: Customer, ticket: Ticket) -> None:
    file = {"url": "https://files.example/rahasia.png"}
    dora.writes("rahasia", id="m-2", attachments=[file])
    dora.reacts("m-2", "👍")
    dora.deletes("m-2")
    message = Message.objects.get(external_id="m-2")
    assert (message.text, message.html, message.reactions) == ("", None, [])
    assert message.deleted_at is not None
    assert not Attachment.objects.exists()
    ticket.refresh_from_db()
    assert "rahasia" not in bodies() + ticket.last_text + ticket.subject
    count = Activity.objects.count()
    dora.deletes("m-2")
    assert Activity.objects.count() == count


def test_what_was_edited_or_sent_twice_is_erased_from_every_envelope(dora: Customer) -> None:
    dora.writes("rahasia satu", id="m-1")
    dora.writes("rahasia satu", id="m-1")
    dora.edits("m-1", "rahasia dua", at="2025-11-02T08:00:02Z")
    dora.edits("m-1", "rahasia nol", at="2025-11-02T08:00:01Z")
    dora.deletes("m-1")
    dora.edits("m-1", "rahasia tiga")
    dora.writes("rahasia satu", id="m-1")
    assert "rahasia" not in bodies()
    ticket = Ticket.objects.get()
    assert "rahasia" not in ticket.subject + ticket.last_text + ticket.messages.get().text


def test_a_late_original_of_a_deleted_message_never_shows(dora: Customer) -> None:
    dora.edits("m-1", "rahasia dua")
    dora.deletes("m-1")
    dora.edits("m-1", "rahasia tiga")
    dora.sends({"type": "edit", "message": "m-1", "sender": dora.sender, "text": "rahasia empat"})
    dora.sends({"type": "message", "id": "m-1", "sender": dora.sender, "text": "rahasia satu"})
    assert not Message.objects.exists()
    assert not Ticket.objects.exists()
    assert "rahasia" not in bodies() + "".join(str(row.payload) for row in PendingNews.objects.all())
    PendingNews.objects.update(created_at=timezone.now() - timedelta(days=400))
    from tickets import pending

    pending.settle()
    dora.sends({"type": "message", "id": "m-1", "sender": dora.sender, "text": "rahasia satu"})
    assert not Message.objects.exists()


def test_of_a_batch_only_the_deleted_words_go(dora: Customer, eka: Customer) -> None:
    first = {"type": "message", "id": "m-1", "sender": dora.sender, "text": "sama"}
    second = {"type": "message", "id": "m-2", "sender": eka.sender, "text": "sama"}
    dora.sends({"type": "batch", "events": [first, second, {"type": "message"}]})
    envelope = Envelope.objects.get()
    assert envelope.state == "failed"
    dora.deletes("m-1")
    envelope.refresh_from_db()
    body = bytes(envelope.body).decode()
    assert body.count("sama") == 1
    assert "m-2" in body
    assert envelope.erased_at is not None


def test_a_body_that_cannot_be_read_goes_as_a_whole(webhook_channel: Channel) -> None:
    envelope = Envelope.objects.create(channel=webhook_channel, body=b"\xff rahasia", state="failed")
    erase(envelope.pk, "m-1")
    envelope.refresh_from_db()
    assert bytes(envelope.body) == b""


def test_a_customer_cannot_take_back_an_agents_words_by_number(dora: Customer, ticket: Ticket, ana: Agent) -> None:
    ours, _new = replies.reply(ticket.pk, ana, replies.Draft("Ya?"))
    Message.objects.filter(pk=ours.pk).update(external_id=str(ours.pk))
    dora.edits(str(ours.pk), "Tidak!")
    dora.deletes(str(ours.pk))
    ours.refresh_from_db()
    assert (ours.text, ours.deleted_at) == ("Ya?", None)


# ── Reactions ────────────────────────────────────────────────────────────────────────────────


def emojis(message: Message) -> list[tuple[str, str]]:
    message.refresh_from_db()
    return [(item["emoji"], item["author"]["address"]) for item in message.reactions]


def test_one_reaction_per_author_and_a_removal_removes(dora: Customer, eka: Customer, ticket: Ticket) -> None:
    message = ticket.messages.get()
    dora.reacts("m-first", "👍", at="2025-11-02T08:00:01Z")
    eka.reacts("m-first", "🙏", at="2025-11-02T08:00:02Z")
    dora.reacts("m-first", "❤️", at="2025-11-02T08:00:03Z")
    assert emojis(message) == [("🙏", "u-eka"), ("❤️", "u-dora")]
    dora.reacts("m-first", "", removed=True, at="2025-11-02T08:00:04Z")
    assert emojis(message) == [("🙏", "u-eka")]
    assert message.reactions[0]["author"] == {
        "type": "customer", "id": Person.objects.get(name="Eka").pk, "name": "Eka", "address": "u-eka",
    }  # fmt: skip


def test_a_removal_that_overtook_its_reaction_counts(dora: Customer, ticket: Ticket) -> None:
    dora.reacts("m-first", "", removed=True, at="2025-11-02T08:00:04Z")
    dora.reacts("m-first", "👍", at="2025-11-02T08:00:01Z")
    assert emojis(ticket.messages.get()) == []


def test_a_reaction_waits_a_day_for_its_message(dora: Customer) -> None:
    from tickets import pending

    dora.reacts("m-1", "👍")
    dora.reacts("m-2", "👍")
    assert emojis(dora.writes(id="m-1")) == [("👍", "u-dora")]
    PendingNews.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    pending.settle()
    assert emojis(dora.writes(id="m-2")) == []


def test_a_reaction_to_our_reply_by_our_number(dora: Customer, ticket: Ticket, ana: Agent) -> None:
    ours, _new = replies.reply(ticket.pk, ana, replies.Draft("Ya?"))
    dora.reacts(str(ours.pk), "👍")
    assert emojis(ours) == [("👍", "u-dora")]


def test_news_without_what_it_needs_fails_and_is_kept(dora: Customer) -> None:
    for event in (
        {"type": "message", "id": "m-1"},
        {"type": "message", "sender": dora.sender},
        {"type": "edit", "text": "x"},
        {"type": "delete"},
        {"type": "reaction", "sender": dora.sender},
        {"type": "receipt", "status": "read"},
        {"type": "receipt", "message": "1", "status": "exploded"},
    ):
        dora.sends(event)
    assert set(Envelope.objects.values_list("state", "retry_at")) == {("failed", None)}
    assert all(Envelope.objects.values_list("error", flat=True))


@pytest.mark.parametrize("kind", [Edit, Deletion, Receipt])
def test_what_names_nothing_does_nothing(webhook_channel: Channel, kind: type) -> None:
    from channels_app.contract import UnreadableEvent

    if kind is Receipt:
        news(webhook_channel, Receipt(state="read"))
        return
    with pytest.raises(UnreadableEvent):
        news(webhook_channel, kind(target="", **({"text": "x"} if kind is Edit else {})))


def test_remote_files_wait_for_a_worker(webhook_channel: Channel) -> None:
    news(webhook_channel, said(attachments=(InboundAttachment(kind="image", remote=Remote(id="media-1")),)))
    assert Attachment.objects.get().state == "pending"
