"""A customer is erased: nothing says any more who they were, what is counted stays, and they may come again."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core import serializers
from django.core.files.base import ContentFile
from django.db import connection
from django.test import Client
from django.utils import timezone

from agents.models import Agent
from channels_app import erasing
from channels_app.models import Address, Channel, Envelope
from channels_app.widget import visitors
from channels_app.widget.models import Visitor, VisitorEvent
from customers.models import Customer as Known
from tests.conftest import Api, Customer, lead_to, sweep_all
from tests.platforms.chatty import FakeChatty
from tests.platforms.webhook import FakeWebhookPlatform
from tests.tickets.test_intake import news, said
from tests.widget.conftest import Browser, widget_channel
from tickets import courtesies, lifecycle, people, profiles, replies, wording
from tickets.erasing import steps
from tickets.erasing.models import Erasure
from tickets.models import Activity, Actor, Attachment, Message, Ticket
from tickets.models.courtesy import Courtesy

__all__ = ["widget_channel"]
WORDS = ("Dora", "pesanan", "u-dora", "Jalan Mawar", "kuitansi")


def erased(customer: int, by: Agent) -> Erasure:
    """Begun, and worked on until it is done."""
    steps.begin(customer, by)
    finish(customer)
    return Erasure.objects.get(pk=customer)


def finish(customer: int) -> None:
    for _turn in range(20):
        Erasure.objects.filter(pk=customer, done_at=None).update(due_at=timezone.now())
        if Erasure.objects.filter(pk=customer, done_at=None).exists():
            steps.go_on(customer)
    assert Erasure.objects.get(pk=customer).done_at


def everything() -> str:
    """All that the database has, but for what agents and channels are."""
    from django.apps import apps

    rows = [
        row
        for model in apps.get_models()
        if model._meta.app_label not in ("agents", "presence", "auth", "contenttypes", "sessions", "account")
        for row in model._default_manager.all()
    ]
    said = serializers.serialize("json", rows, ensure_ascii=False)
    return said + " ".join(bytes(body).decode() for body in Envelope.objects.values_list("body", flat=True))


def stored(settings: Any) -> list[Path]:
    return [one for one in Path(settings.MEDIA_ROOT).rglob("*") if one.is_file()]


@pytest.fixture
def story(ticket: Ticket, dora: Customer, ana: Agent, bea: Agent) -> Ticket:
    """Words of all kinds, in all places."""
    people.change(ticket.customer_id, Actor.of(bea), bea.sight(), number=ticket.pk, name="Dora Wati", language="id")
    noted = {"standing": "loyal", "tags": ["tetangga Dora"], "attributes": {"rumah": "Jalan Mawar", "kartu Dora": 7}}
    people.change(ticket.customer_id, Actor.of(bea), bea.sight(), number=ticket.pk, **noted)
    Address.objects.filter(pk=ticket.address_id).update(phone="+6281234567890", facts={"Alamat": "Jalan Mawar"})
    dora.writes("Kirim ke Jalan Mawar 5", id="m-second", quick_replies=[])
    replies.reply(ticket.pk, bea, replies.Draft(text="Baik, Dora"))
    replies.reply(ticket.pk, bea, replies.Draft(text="Dora tidak sabar", kind="note"))
    dora.reacts("m-second", "🙏")
    dora.edits("m-second", "Kirim ke Jalan Mawar 7")
    lifecycle.change(ticket.pk, Actor.of(bea), subject="pesanan Dora", tag="vip")
    # Raw requests that became no message.
    dora.receipt("no-such-message", "read", sender=dora.sender)
    dora.sends({"type": "unheard of", "sender": dora.sender})
    return ticket


def test_nothing_says_who_they_were(story: Ticket, ana: Agent) -> None:
    assert all(word in everything() for word in ("Dora", "pesanan", "u-dora", "Jalan Mawar"))
    row = erased(story.customer_id, ana)
    left = everything()
    assert [word for word in (*WORDS, "628123") if word in left] == []
    assert (row.tickets, row.messages, row.names) == (1, 4, [])


def test_what_was_counted_stays(story: Ticket, ana: Agent, bea: Agent) -> None:
    before = list(Message.objects.order_by("pk").values_list("pk", "direction", "agent", "created_at"))
    erased(story.customer_id, ana)
    story.refresh_from_db()
    assert (story.status, story.subject, story.last_text) == ("resolved", "", "")
    assert [tag.name for tag in story.tags.all()] == ["vip"]
    assert list(Message.objects.order_by("pk").values_list("pk", "direction", "agent", "created_at")) == before
    types = list(Activity.objects.filter(ticket=story).order_by("seq").values_list("type", flat=True))
    assert types[-2:] == ["ticket.resolved", "customer.erased"]
    line = Activity.objects.get(type="customer.erased")
    assert (line.agent, wording.of_line(line)) == (ana, "Ana erased the customer")
    assert wording.of_line(Activity.objects.filter(type="customer.changed").latest("seq"))


def test_the_same_person_is_a_new_customer_who_sees_nothing_of_before(
    story: Ticket, ana: Agent, dora: Customer
) -> None:
    erased(story.customer_id, ana)
    message = dora.writes("Halo, saya baru di sini")
    assert message.ticket_id != story.pk
    assert message.ticket.customer_id != story.customer_id
    assert message.ticket.previous_id is None
    assert message.ticket.customer.name == "Dora"


def test_a_message_that_comes_while_it_is_erased_is_the_new_customers(
    story: Ticket, ana: Agent, dora: Customer
) -> None:
    steps.begin(story.customer_id, ana)
    message = dora.writes("Masih di sana?")
    finish(story.customer_id)
    message.refresh_from_db()
    assert (message.text, message.deleted_at) == ("Masih di sana?", None)
    assert message.ticket_id != story.pk
    assert message.ticket.status == "open"


def test_a_message_that_a_platform_repeats_brings_nothing_back(story: Ticket, ana: Agent, dora: Customer) -> None:
    erased(story.customer_id, ana)
    customers, tickets = Known.objects.count(), Ticket.objects.count()
    event = {"type": "message", "id": "m-first", "sender": dora.sender, "text": "Halo, pesanan saya di mana?"}
    dora.sends(event)
    dora.edits("m-second", "Kirim ke Jalan Mawar 9")
    assert (Known.objects.count(), Ticket.objects.count()) == (customers, tickets)
    left = everything()
    assert [word for word in WORDS if word in left] == []


def test_after_a_month_the_numbers_of_messages_go_too(story: Ticket, ana: Agent) -> None:
    row = erased(story.customer_id, ana)
    assert Message.objects.filter(external_id="m-first").exists()
    steps.sweep()
    assert Message.objects.filter(external_id="m-first").exists()
    Erasure.objects.filter(pk=row.pk).update(due_at=timezone.now())
    steps.sweep()
    assert not Message.objects.exclude(external_id=None).exists()
    assert Erasure.objects.get(pk=row.pk).due_at is None


def test_files_are_gone_from_the_disk(
    shop: FakeWebhookPlatform, dora: Customer, ana: Agent, bea: Agent, work: Callable[[], None], settings: Any
) -> None:
    url = shop.add_file("kuitansi.png", b"\x89PNG\r\n\x1a\n" + b"0" * 60, "image/png")
    picture = {"url": url, "filename": "kuitansi.png", "mime": "image/png"}
    message = dora.writes("Ini kuitansinya", attachments=[picture])
    work()
    assert Attachment.objects.get().state == "stored"
    assert len(stored(settings)) == 1
    row = erased(message.ticket.customer_id, ana)
    assert (stored(settings), Attachment.objects.count(), row.files) == ([], 0, 1)


def test_what_was_to_be_sent_to_them_is_not_sent(
    story: Ticket, ana: Agent, bea: Agent, shop: FakeWebhookPlatform, work: Callable[[], None]
) -> None:
    steps.begin(story.customer_id, ana)
    # Even before the worker comes to the ticket.
    work()
    finish(story.customer_id)
    work()
    assert shop.replies == {}
    assert Message.objects.get(direction="out").status == "failed"
    with pytest.raises(lifecycle.Refused, match="erased"):
        replies.reply(story.pk, bea, replies.Draft(text="Masih di sana?"))


def test_a_worker_that_dies_is_followed_by_another(
    story: Ticket, ana: Agent, dora: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        lifecycle.resolve(Ticket.objects.latest("pk").pk, Actor.of(ana))
        Ticket.objects.update(resolved_at=timezone.now() - timedelta(days=30))
        dora.writes(f"pesanan {number}")
    steps.begin(story.customer_id, ana)
    monkeypatch.setattr(steps, "AT_A_TIME", -1.0)
    turns = 0
    while Erasure.objects.filter(done_at=None).exists():
        steps.go_on(story.customer_id)
        turns += 1
        assert turns < 60
    assert turns > 4
    assert Erasure.objects.get().tickets == 4
    assert not Message.objects.exclude(text="").exists()


def test_one_that_is_at_work_is_left_alone(story: Ticket, ana: Agent) -> None:
    steps.begin(story.customer_id, ana)
    Erasure.objects.update(due_at=timezone.now() + steps.LEASE)
    steps.sweep()
    steps.go_on(story.customer_id)
    assert Message.objects.exclude(text="").exists()


def test_in_others_groups_only_what_they_said(dora: Customer, eka: Customer, ana: Agent) -> None:
    group = {"conversation": "g-1", "is_group": True, "group_name": "Keluarga"}
    news(
        dora.channel, said("a", "pesanan Dora", sender=dora.id, **group), said("b", "Saya Eka", sender=eka.id, **group)
    )
    own, other = Message.objects.order_by("pk")
    assert own.ticket_id == other.ticket_id
    dora.reacts("b", "👍")
    link = own.address.customer_link if own.address else None
    assert link
    assert link.customer_id != own.ticket.customer_id
    erased(link.customer_id, ana)
    own.refresh_from_db()
    other.refresh_from_db()
    assert (own.text, other.text, other.reactions) == ("", "Saya Eka", [])
    assert own.ticket.status == "open"
    left = everything()
    assert [word for word in WORDS if word in left] == []


def test_a_chat_on_a_website_ends_and_begins_anew(widget_channel: Channel, ana: Agent, settings: Any) -> None:
    visit = Browser()
    visitor = Visitor.objects.get(public_id=visit.begins(name="Dora"))
    upload = visitors.upload(visitor, ContentFile(b"isi kuitansi"), "kuitansi.txt", "text/plain")
    assert visit.says("pesanan Dora", attachments=[upload.pk]).status_code in (200, 201)
    sweep_all()
    assert len(stored(settings)) == 2
    ticket = Ticket.objects.get()
    assert erasing.kept(ticket.address)["browsers"]
    erased(ticket.customer_id, ana)
    assert stored(settings) == []
    assert not VisitorEvent.objects.exists()
    # The token is nobody's any more; the same browser begins a chat in which nothing was said.
    assert visit.says("Halo?").status_code == 401
    again = Browser()
    again.begins()
    assert again.says("Halo lagi").status_code in (200, 201)
    assert Ticket.objects.latest("pk").customer_id != ticket.customer_id
    assert "pesanan" not in everything()


def test_what_a_platform_answers_too_late_is_not_kept(
    fitri: Customer, chatty: FakeChatty, ana: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    chatty.profiles[fitri.id] = {"name": "Fitri Ayu", "language": "id"}
    ticket = fitri.writes().ticket
    real = profiles.asking.profile

    def slow(channel: Channel, external_id: str) -> Any:
        answer = real(channel, external_id)
        steps.begin(ticket.customer_id, ana)
        return answer

    monkeypatch.setattr(profiles.asking, "profile", slow)
    profiles.sweep()
    finish(ticket.customer_id)
    assert "Fitri" not in everything()
    assert Address.objects.get().profile_due_at is None


def test_the_platform_is_told_nothing_about_them(fitri: Customer, chatty: FakeChatty, ana: Agent, bea: Agent) -> None:
    lead_to(fitri.channel, read_receipts="on")
    ticket = fitri.writes().ticket
    erased(ticket.customer_id, ana)
    courtesies.customer_sees("viewing", ticket.pk)
    assert Courtesy.objects.filter(due_at__isnull=False).exists()
    before = len(chatty.requests)
    courtesies.sweep()
    assert len(chatty.requests) == before
    assert not Courtesy.objects.filter(due_at__isnull=False).exists()


def test_nobody_writes_about_them_any_more(story: Ticket, ana: Agent, bea: Agent) -> None:
    erased(story.customer_id, ana)
    with pytest.raises(lifecycle.Refused, match="erased"):
        people.change(story.customer_id, Actor.of(bea), bea.sight(), number=story.pk, name="Dora")


# ── Doors ────────────────────────────────────────────────────────────────────────────────────


def page(customer: int, what: str = "erase") -> str:
    return f"/customers/{customer}/{what}/"


def browser(agent: Agent) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(agent)
    return client


def test_the_page_says_what_goes_and_wants_the_number(story: Ticket, ana: Agent) -> None:
    client = browser(ana)
    shown = client.get(page(story.customer_id)).content.decode()
    assert "Erase “Dora Wati” for good?" in shown
    assert "the words of 4 messages" in shown
    assert "1 message that waits to be sent" in shown
    for wrong in ("", "0", "Dora Wati", f"{story.customer_id}0"):
        answer = client.post(page(story.customer_id), {"number": wrong})
        assert answer.status_code == 422, wrong
    assert not Erasure.objects.exists()
    assert client.post(page(story.customer_id), {"number": str(story.customer_id)}).status_code == 302
    assert "is being erased" in client.get(page(story.customer_id)).content.decode()
    # Pressed twice.
    client.post(page(story.customer_id), {"number": str(story.customer_id)})
    assert Erasure.objects.count() == 1
    finish(story.customer_id)
    assert "was erased on" in client.get(page(story.customer_id)).content.decode()


def test_looking_erases_nothing(story: Ticket, ana: Agent) -> None:
    client = browser(ana)
    for method in (client.get, client.head):
        assert method(f"{page(story.customer_id)}?number={story.customer_id}").status_code == 200
    assert client.put(page(story.customer_id)).status_code == 405
    assert not Erasure.objects.exists()


def test_only_administrators(story: Ticket, bea: Agent, lena: Agent, carl: Agent) -> None:
    for agent in (bea, lena, carl):
        for what in ("erase", "export"):
            assert browser(agent).get(page(story.customer_id, what)).status_code == 403
        assert browser(agent).post(page(story.customer_id), {"number": str(story.customer_id)}).status_code == 403
    assert not Erasure.objects.exists()
    assert "Erase…" not in browser(bea).get(f"/tickets/{story.pk}/customer/").content.decode()


def test_the_panel_leads_there(story: Ticket, ana: Agent) -> None:
    assert page(story.customer_id) in browser(ana).get(f"/tickets/{story.pk}/customer/").content.decode()


def test_by_the_api(story: Ticket, ana: Agent, bea: Agent, carl: Agent, api: Callable[[Agent], Api]) -> None:
    path = f"/customers/{story.customer_id}/"
    assert api(bea)("DELETE", path).status_code == 403
    assert api(carl)("DELETE", path).status_code == 404
    assert api(ana)("DELETE", "/customers/999999/").status_code == 404
    answer = api(ana)("DELETE", path)
    assert (answer.status_code, json.loads(answer.content)["done_at"]) == (202, None)
    finish(story.customer_id)
    said = json.loads(api(ana)("DELETE", path).content)
    assert (bool(said["done_at"]), said["messages"]) == (True, 4)
    assert api(ana).get(path)["name"] == ""
    assert api(ana).get(f"/tickets/{story.pk}/")["customer"] == {"id": story.customer_id, "name": ""}


def test_what_we_know_is_one_file(story: Ticket, ana: Agent, bea: Agent, api: Callable[[Agent], Api]) -> None:
    assert api(bea)("GET", f"/customers/{story.customer_id}/export/").status_code == 403
    said = api(ana).get(f"/customers/{story.customer_id}/export/")
    assert said["customer"]["name"] == "Dora Wati"
    assert (said["customer"]["standing"], said["customer"]["tags"]) == ("loyal", ["tetangga Dora"])
    assert said["customer"]["attributes"] == {"rumah": "Jalan Mawar", "kartu Dora": 7}
    assert said["addresses"][0]["facts"] == {"Alamat": "Jalan Mawar"}
    assert [one["text"] for one in said["tickets"][0]["messages"]][1:] == [
        "Kirim ke Jalan Mawar 7", "Baik, Dora", "Dora tidak sabar",
    ]  # fmt: skip
    assert said["surveys"] == []
    answer = browser(ana).get(page(story.customer_id, "export"))
    assert "attachment" in answer.headers["Content-Disposition"]
    assert json.loads(answer.content)["customer"] == said["customer"]


def test_an_open_page_shows_it(story: Ticket, ana: Agent, bea: Agent) -> None:
    since = Activity.objects.latest("seq").seq
    erased(story.customer_id, ana)
    assert browser(bea).get(f"/tickets/{story.pk}/news/?since={since}").status_code == 205
    shown = browser(bea).get(f"/tickets/{story.pk}/").content.decode()
    assert "Erased with the customer." in shown
    assert "Erased customer" in shown
    assert "The customer opened the ticket" in shown
    panel = browser(ana).get(f"/tickets/{story.pk}/customer/").content.decode()
    assert "erased-" not in panel
    assert 'class="edit"' not in panel
    assert page(story.customer_id) not in panel
    assert not [word for word in WORDS if word in shown]
    assert "erased-" not in shown.partition('id="list"')[0]


def test_the_search_finds_nothing_of_it(story: Ticket, ana: Agent) -> None:
    erased(story.customer_id, ana)
    for words in ("pesanan", "Jalan Mawar", "Dora", "81234567890"):
        shown = browser(ana).get("/", {"q": words}).content.decode()
        assert f"/tickets/{story.pk}/" not in shown, words


@pytest.mark.sqlite
def test_the_search_table_has_forgotten_the_words(story: Ticket, ana: Agent) -> None:
    erased(story.customer_id, ana)
    with connection.cursor() as cursor:
        for table in ("message_search", "ticket_search", "customer_search", "address_search"):
            for words in ("pesanan", "Mawar", "Dora"):
                cursor.execute(f"SELECT count(*) FROM {table} WHERE {table} MATCH %s", [words])
                assert cursor.fetchone() == (0,), (table, words)


def test_what_is_of_others_stays(story: Ticket, ana: Agent, eka: Customer) -> None:
    other = eka.writes("Saya Eka, tetangga Dora")
    erased(story.customer_id, ana)
    other.refresh_from_db()
    assert (other.text, other.ticket.customer.name) == ("Saya Eka, tetangga Dora", "Eka")
    assert bytes(Envelope.objects.get(messages=other).body)


def test_mail_that_answers_an_erased_ticket_begins_a_new_one(north: Any, ana: Agent) -> None:
    from tests.conftest import connect
    from tests.tickets.test_mail import SECRET, comes

    mailbox: Channel = connect("email", north, "Toko", address="help@shop.example", inbound_secret=SECRET)
    first = comes(mailbox)
    erased(first.ticket.customer_id, ana)
    again = comes(mailbox, In_Reply_To=first.external_id or "")
    assert again.ticket_id != first.ticket_id
    first.ticket.refresh_from_db()
    assert first.ticket.status == "resolved"
