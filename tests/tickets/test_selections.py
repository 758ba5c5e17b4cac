"""Which list an address asks for, what is unread in it, and how what was found is shown."""

from __future__ import annotations

import json
import re
import unicodedata
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from agents.models import Agent, Team
from channels_app.models import Address, Channel
from tests.conftest import Customer, hire
from tests.tickets.test_views import EVIL, browser, reply, text_of
from tickets import glances, hits, lifecycle
from tickets.models import Actor, Glance, Message, Ticket


@pytest.fixture
def pages(bea: Agent) -> Client:
    return browser(bea)


def row(pages: Client, ticket: Ticket, query: str = "") -> str:
    found = re.search(rf'<li class="row[^"]*" id="t-{ticket.pk}".*?</li>', text_of(pages.get(f"/?{query}")), re.DOTALL)
    return found[0] if found else ""


def unread(pages: Client, ticket: Ticket) -> bool:
    html = row(pages, ticket)
    assert html
    assert ("Unread." in html) == (" unread" in html.partition(">")[0])
    return "Unread." in html


def look(ticket: Ticket, agent: Agent) -> None:
    glances.looked(agent.pk, ticket.pk, Ticket.objects.get(pk=ticket.pk).seq)


# ── Unread ───────────────────────────────────────────────────────────────────────────────────


def test_unread_until_it_was_looked_at(ticket: Ticket, dora: Customer, bea: Agent, ana: Agent, pages: Client) -> None:
    assert unread(pages, ticket)
    look(ticket, bea)
    assert not unread(pages, ticket)
    assert unread(browser(ana), ticket)
    lifecycle.change(ticket.pk, Actor.of(ana), priority="urgent")
    assert not unread(pages, ticket)
    dora.writes("Halo?")
    assert unread(pages, ticket)


def test_what_a_colleague_has_answered_is_no_news_for_who_never_looked(
    ticket: Ticket, dora: Customer, ana: Agent, bea: Agent, pages: Client
) -> None:
    reply(ticket, ana, "Sudah dikirim")
    assert not unread(pages, ticket)
    dora.writes("Belum sampai")
    assert unread(pages, ticket)
    look(ticket, bea)
    dora.writes("Tolong")
    reply(ticket, ana, "Kami cek")
    # Bea follows it: she has not read what the customer said since.
    assert unread(pages, ticket)


def test_what_is_resolved_is_not_unread(ticket: Ticket, ana: Agent, pages: Client) -> None:
    lifecycle.resolve(ticket.pk, Actor.of(ana))
    assert "Unread." not in row(pages, ticket, "view=resolved")


def test_looking_goes_neither_back_nor_ahead(ticket: Ticket, bea: Agent) -> None:
    glances.looked(bea.pk, ticket.pk, 2**62)
    now = Ticket.objects.get().seq
    assert Glance.objects.get().seq == now
    glances.looked(bea.pk, ticket.pk, 1)
    assert Glance.objects.get().seq == now
    glances.looked(bea.pk, 987654, 1)
    assert Glance.objects.count() == 1


def test_the_title_counts_what_is_mine_or_nobodys(
    ticket: Ticket, dora: Customer, eka: Customer, bea: Agent, ana: Agent, pages: Client
) -> None:
    def counts() -> tuple[int, int]:
        found = json.loads(pages.get("/counts/").content)
        return found["unread"], found["new"]

    eka.writes("Saya juga")
    assert counts() == (0, 2)
    lifecycle.assign(ticket.pk, bea, Actor.of(bea))
    assert counts() == (1, 1)
    look(ticket, bea)
    assert counts() == (0, 1)
    dora.writes("Halo?")
    lifecycle.assign(ticket.pk, ana, Actor.of(ana), take_over=True)
    assert counts() == (0, 1)


def test_counts_come_along_with_the_list(ticket: Ticket, pages: Client, django_assert_max_num_queries: Any) -> None:
    html = text_of(pages.get("/?view=mine"))
    found = re.search(r'data-counts="([^"]*)"', html)
    assert found
    assert json.loads(found[1].replace("&quot;", '"'))["unassigned"] == 1
    # Where statements are dear the page asks for them afterwards.
    assert "data-counts" not in text_of(pages.get("/?q=halo"))


# ── Lists by customer and tag ────────────────────────────────────────────────────────────────


def test_by_tag(ticket: Ticket, eka: Customer, bea: Agent, pages: Client) -> None:
    other = eka.writes("Lain").ticket
    lifecycle.change(ticket.pk, Actor.of(bea), tags=["VIP & co"])
    lifecycle.resolve(ticket.pk, Actor.of(bea))
    assert row(pages, ticket, "tag=vip+%26+co")
    assert not row(pages, other, "tag=vip+%26+co")
    html = text_of(pages.get("/?tag=gone"))
    assert "No tickets with this tag" in html
    assert "<bdi>gone</bdi>" in html
    assert "<script" not in text_of(pages.get("/", {"tag": EVIL})).partition("data-title=")[2].partition(">")[0]


@pytest.mark.parametrize("query", ["customer=1", "tag=vip", "customer=987", "tag=none", "team=1", "view=mine"])
def test_each_list_costs_eight_statements(
    ticket: Ticket, north: Team, query: str, django_assert_max_num_queries: Any
) -> None:
    lifecycle.change(ticket.pk, Actor("system"), tags=["vip"])
    pages = browser(hire("Sri", north))
    with django_assert_max_num_queries(8):
        assert pages.get(f"/?{query}").status_code == 200


@pytest.mark.parametrize("query", ["customer=x", "customer=" + "9" * 40, "tag=%00", "m=x", "q=%00"])
def test_addresses_that_say_nothing(pages: Client, ticket: Ticket, query: str) -> None:
    assert pages.get(f"/?{query}").status_code == 200
    assert pages.get(f"/tickets/{ticket.pk}/?{query}").status_code == 200


# ── What was found ───────────────────────────────────────────────────────────────────────────

FAR = "kata " * 3_000


@pytest.mark.parametrize(
    ("text", "q", "marked"),
    [
        ("Paket RESI saya belum datang", "resi", "<mark>RESI</mark>"),
        (FAR + "di sini pesanan hilang" + FAR, "Pesanan", "<mark>pesanan</mark>"),
        ("สวัสดีค่ะอยากสอบถามเรื่องค่าจัดส่งสินค้าหน่อยค่ะ", "ค่าจัดส่ง", "<mark>ค่าจัดส่ง</mark>"),
        ("Hubungi 0812-3456-7890 ya", "+62 812 3456 7890", "<mark>0812-3456-7890</mark>"),
        ("Hubungi +62 812 3456 7890 ya", "081234567890", "<mark>+62 812 3456 7890</mark>"),
        ("a <b>tebal</b> & c", "<b>", "a <mark>&lt;b&gt;</mark>tebal&lt;/b&gt; &amp; c"),
        ("100% dari_sini", "100%", "<mark>100%</mark> dari_sini"),
    ],
)
def test_a_row_shows_the_words_around_the_hit(dora: Customer, pages: Client, text: str, q: str, marked: str) -> None:
    dora.writes("Selamat pagi")
    message = dora.writes(text)
    for number in range(3):
        dora.writes(f"Lain {number}")
    html = text_of(pages.get("/", {"q": q}))
    assert marked in html
    assert f"m={message.pk}" in html
    assert len(html) < 60_000
    opened = text_of(pages.get(f"/tickets/{message.ticket_id}/", {"q": q, "m": message.pk}))
    assert marked.removeprefix("…") in opened or len(text) > 20_000 or text.startswith("kata")


def test_subject_name_and_address_are_marked_too(ticket: Ticket, pages: Client, bea: Agent) -> None:
    lifecycle.change(ticket.pk, Actor.of(bea), subject="Retur barang")
    Address.objects.update(phone="+628123456789")
    html = text_of(pages.get("/?q=retur"))
    assert "<mark>Retur</mark> barang" in html
    # No message says it, so the ticket opens at its end.
    assert "m=" not in row(pages, ticket, "q=retur").partition("data-go")[0]
    assert "<mark>Dor</mark>a" in text_of(pages.get("/?q=dor"))
    assert "<mark>+628123456789</mark>" in text_of(pages.get("/?q=08123456789"))


def test_marks_are_never_markup(ticket: Ticket, dora: Customer, pages: Client) -> None:
    dora.writes(EVIL)
    for q in ("script", "<", "&", "lt;", '"', "mark"):
        html = text_of(pages.get("/", {"q": q})) + text_of(pages.get(f"/tickets/{ticket.pk}/", {"q": q}))
        assert "<script>alert" not in html, q
        assert "<img src=x" not in html, q
        assert "&<mark>" not in html, q


def test_a_search_costs_eight_statements(
    ticket: Ticket, dora: Customer, north: Team, django_assert_max_num_queries: Any
) -> None:
    dora.writes("Paket kedua")
    pages = browser(hire("Sri", north))
    for q in ("paket", "dora", "tidakadasamasekali", "08123456789", "ค่าจัดส่ง", "x"):
        with django_assert_max_num_queries(8):
            assert pages.get("/", {"q": q}).status_code == 200


@pytest.fixture
def long_ticket(ticket: Ticket) -> list[int]:
    """The numbers of its 400 messages in their order."""
    now = timezone.now()
    Message.objects.bulk_create(
        Message(
            ticket=ticket, channel_id=ticket.channel_id, team_id=ticket.team_id, direction="in", status="received",
            text=f"Nomor {number:04d}", external_id=f"x-{number}", at=now + timedelta(seconds=number),
        )
        for number in range(400)
    )  # fmt: skip
    return list(ticket.messages.order_by("at", "pk").values_list("pk", flat=True))


@pytest.mark.parametrize("place", [0, 3, 200, 390, 400])
def test_the_ticket_opens_where_the_hit_is(
    ticket: Ticket, long_ticket: list[int], pages: Client, place: int, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(8):
        html = text_of(pages.get(f"/tickets/{ticket.pk}/?q=nomor&m={long_ticket[place]}"))
    shown = [int(one) for one in re.findall(r'id="m-(\d+)"', html)]
    assert shown == long_ticket[max(place - 25, 0) : place + 26]
    assert ('id="older"' in html) == (place > 25)
    assert ('id="newer"' in html) == (place + 25 < 400)


def test_a_hit_of_another_ticket_opens_at_the_end(
    ticket: Ticket, long_ticket: list[int], eka: Customer, pages: Client
) -> None:
    foreign = eka.writes("Lain")
    html = text_of(pages.get(f"/tickets/{ticket.pk}/?m={foreign.pk}"))
    assert f'id="m-{long_ticket[-1]}"' in html
    assert f'id="m-{foreign.pk}"' not in html


def test_words_begin_at_a_word(db: None) -> None:
    pattern = hits.pattern("hilang")
    text = "satu dua tiga empat lima enam tujuh delapan sembilan hilang " + "lagi " * 60
    words = hits.around(text, pattern)
    assert words.startswith("…tujuh delapan sembilan hilang")
    assert words.endswith("…")
    assert "hilang" in words
    assert hits.around("tanpa", pattern) == ""
    assert hits.pattern("  ") is None


def test_thai_words_are_not_cut_within_a_sign() -> None:
    pattern = hits.pattern("สีแดง")
    assert hits.around("อยากทราบว่าสินค้าชิ้นนี้มีสีแดงไหมคะ", pattern).startswith("อยาก")
    long = "สวัสดีค่ะ" * 4
    for lead in range(20):
        first = hits.around(long + "ที่นี่"[: lead % 6] + "มีสีแดง", pattern).removeprefix("…")[0]
        assert unicodedata.category(first) == "Lo"
        assert first not in "ะาำ"


def test_who_may_is_shown_to_the_first_channel(pages: Client, ana: Agent) -> None:
    assert "Add a channel" in text_of(browser(ana).get("/"))
    assert "Add a channel" not in text_of(pages.get("/"))


def test_a_channel_that_is_gone(pages: Client, webhook_channel: Channel) -> None:
    assert "This team or channel is not there any more" in text_of(pages.get("/?channel=98765"))
