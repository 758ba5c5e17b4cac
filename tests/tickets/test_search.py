"""The search finds the same, in the same order, as reading everything would; whatever its shortcuts."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from django.db import connection
from django.utils import timezone

from agents.models import Agent, Team
from channels_app.models import Address, Channel
from customers.models import Customer, CustomerAddress
from tests.conftest import Customer as Writer
from tests.conftest import connect, hire
from tickets import checks, lists, mirrors, search
from tickets.lists import Filters
from tickets.models import Message, Ticket
from tickets.terms import Term

pytestmark = pytest.mark.django_db

WORDS = ["pesanan", "สินค้าของฉันยังไม่มา", "100%_sure", "Ärger", "di", "barang rusak", "résumé", "Dora", "x" * 30]


def found(agent: Agent, q: str, **filters: object) -> list[int]:
    return [row.number for row in lists.page(agent, Filters(q=q, **filters)).rows]  # type: ignore[arg-type]


# ── What is found ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "q"),
    [
        ("สวัสดีค่ะสินค้าที่สั่งไปยังไม่ได้รับเลยค่ะ", "สินค้า"),
        ("Mana PESANAN saya?", "pesanan"),
        ("diskon 50%_off \\ nya", "%_off \\"),
        ("ok", "ok"),
        ("ได้", "ไ"),
        ("tolong hubungi 0812-3456-7890 ya", "0812-3456-7890"),
        ("tolong hubungi 0812-3456-7890 ya", "+62 812 3456 7890"),
        ("tolong hubungi 0812 3456 7890 ya", "081234567890"),
        ("a\x00b", "a\x00b"),
        ("🎉🎉🎉", "🎉🎉🎉"),
    ],
)
def test_a_word_is_found_wherever_it_stands(bea: Agent, dora: Writer, eka: Writer, text: str, q: str) -> None:
    ticket = dora.writes("Halo").ticket
    dora.writes(text)
    eka.writes("Lain sekali, 50 off")
    assert found(bea, q) == [ticket.number]
    assert found(bea, f"  {q} ") == [ticket.number]


@pytest.mark.parametrize(
    "q", ["%", "_", "50%f", "xilofon", "   x   y", '"', "'", "a" * 5000, "\ud800", "((", "*", "x OR y", "NEAR(a b)"]
)
def test_what_is_not_there_is_not_found(bea: Agent, dora: Writer, q: str) -> None:
    dora.writes("500 f. dan lain-lain")
    assert found(bea, q) == []


def test_nothing_but_spaces_is_no_search(bea: Agent, ticket: Ticket) -> None:
    assert found(bea, "   ") == [ticket.number]


@pytest.mark.parametrize(
    "q", ["+6281234567890", "0812-3456-7890", "+62 812 3456 7890", "(0812) 3456-7890", "006281234567890", "81234567890"]
)
@pytest.mark.parametrize("stored", ["+6281234567890", "6281234567890", "whatsapp:+6281234567890"])
def test_a_phone_number_is_found_however_it_is_typed(sms_channel: Channel, ana: Agent, q: str, stored: str) -> None:
    ticket = open_ticket(sms_channel, Customer.objects.create(), Address(channel=sms_channel, external_id=stored))
    open_ticket(sms_channel, Customer.objects.create(), Address(channel=sms_channel, external_id="+6281234567000"))
    assert found(ana, q) == [ticket.number]


@pytest.mark.parametrize("q", ["Ibu Dewi", "dewi", "dewi@toko.example", "U-77", "sepatu merah"])
def test_subject_customer_and_addresses_are_searched(webhook_channel: Channel, ana: Agent, q: str) -> None:
    address = Address(channel=webhook_channel, external_id="u-77", email="dewi@toko.example")
    ticket = open_ticket(webhook_channel, Customer.objects.create(name="Ibu Dewi"), address, subject="Sepatu merah")
    open_ticket(
        webhook_channel, Customer.objects.create(name="Pak Budi"), Address(channel=webhook_channel, external_id="u-8")
    )
    assert found(ana, q) == [ticket.number]


def test_a_text_that_changed_is_found_by_its_new_words_alone(bea: Agent, dora: Writer) -> None:
    message = dora.writes("kecombrang")
    dora.writes("Halo")
    Ticket.objects.update(subject="")
    dora.edits(message.external_id or "", "rambutan")
    assert (found(bea, "kecombrang"), found(bea, "rambutan")) == ([], [message.ticket_id])
    dora.deletes(message.external_id or "")
    assert found(bea, "rambutan") == []


def test_an_agent_finds_only_what_they_may_see(bea: Agent, carl: Agent, ana: Agent, dora: Writer) -> None:
    ticket = dora.writes("kecombrang").ticket
    assert (found(bea, "kecombrang"), found(ana, "kecombrang"), found(carl, "kecombrang")) == (
        [ticket.number],
        [ticket.number],
        [],
    )
    assert (found(carl, "dora"), found(carl, "u-dora"), found(carl, "Dora", team=ticket.team_id)) == ([], [], [])


def test_filters_narrow_what_is_found(bea: Agent, dora: Writer, eka: Writer) -> None:
    first, second = dora.writes("kecombrang").ticket, eka.writes("kecombrang").ticket
    Ticket.objects.filter(pk=first.pk).update(assignee=bea, priority="urgent")
    assert found(bea, "kecombrang") == [second.number, first.number]
    assert found(bea, "kecombrang", assignee=bea.pk) == [first.number]
    assert found(bea, "kecombrang", assignee=0) == [second.number]
    assert found(bea, "kecombrang", priority="urgent", status="open") == [first.number]
    assert found(bea, "kecombrang", customer=second.customer_id) == [second.number]
    assert found(bea, "kecombrang", tag="no such") == []


# ── In which order, against reading everything ───────────────────────────────────────────────


def open_ticket(channel: Channel, customer: Customer, address: Address, **fields: object) -> Ticket:
    address.save()
    CustomerAddress.objects.create(customer=customer, address=address)
    values = {"team": channel.team, "threads": True, **fields}
    ticket = Ticket.objects.create(channel=channel, customer=customer, address=address, **values)
    say(ticket, "Halo")
    return ticket


def say(ticket: Ticket, text: str) -> None:
    message = Message.objects.create(
        ticket=ticket,
        channel_id=ticket.channel_id,
        team_id=ticket.team_id,
        direction="in",
        status="received",
        text=text,
    )
    Ticket.objects.filter(pk=ticket.pk).update(newest_message=message.pk)


@pytest.fixture
def crowd(north: Team, south: Team) -> Callable[[int], None]:
    """Sixty tickets of three teams and none, whose messages take turns."""

    def make(seed: int) -> None:
        chosen = random.Random(seed)
        teams = [north, south, Team.objects.create(name="West"), None]
        channels = [connect("webhook", team, secret="whsec_x") for team in teams]
        tickets = []
        for number in range(60):
            channel = chosen.choice(channels)
            name = chosen.choice(["Dora", "Siti", ""])
            address = Address(channel=channel, external_id=f"u-{number}", name=chosen.choice(["", "Dora"]))
            subject = chosen.choice(["", "pesanan", "barang rusak"])
            ticket = open_ticket(channel, Customer.objects.create(name=name), address, subject=subject)
            if chosen.random() < 0.5:
                Ticket.objects.filter(pk=ticket.pk).update(status="resolved", resolved_at=timezone.now())
            tickets.append(ticket)
        for _ in range(240):
            say(chosen.choice(tickets), chosen.choice([*WORDS, "", "", "", "Halo"]))

    return make


def by_reading_everything(agent: Agent, filters: Filters) -> list[tuple[int, int]]:
    q = filters.q.lower()
    result = []
    for ticket in lists.narrowed(Ticket.objects.visible_to(agent), filters):
        messages = list(ticket.messages.order_by("-pk").values_list("pk", "text"))
        words = f"{ticket.address.external_id} {ticket.address.phone} {ticket.address.email} {ticket.address.name}"
        if any(q in text.lower() for text in (ticket.subject, ticket.customer.name, words)):
            result.append((ticket.number, messages[0][0]))
        else:
            result += [(ticket.number, pk) for pk, text in messages if q in text.lower()][:1]
    return sorted(result, key=lambda row: -row[1])


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("window", [(5, 2), (40, 30), (5000, 500)])
def test_pages_both_ways_are_those_of_reading_everything(
    crowd: Callable[[int], None],
    ana: Agent,
    bea: Agent,
    monkeypatch: pytest.MonkeyPatch,
    window: tuple[int, int],
    seed: int,
) -> None:
    monkeypatch.setattr(search, "WINDOW", window)
    monkeypatch.setattr(search, "TEAM_WINDOW", window)
    monkeypatch.setattr(search, "HITS", 1 + seed)
    crowd(seed)
    # SQLite's LIKE knows capitals of ASCII only.
    words = ["pesanan", "สินค้า", "100%_", "rusak", "dora", "xxx", "nowhere", "u-1"]
    for agent in (ana, bea):
        for word in words:
            for filters in (Filters(q=word), Filters(q=word, status="open"), Filters(q=word, team=bea.teams.get().pk)):
                if not Term.of(word).indexed and window[0] < 5000:
                    continue
                expected = by_reading_everything(agent, filters)
                assert walk(agent, filters) == [number for number, _key in expected], (word, filters)
                assert walk_back(agent, filters, expected) == [number for number, _key in expected]


def walk(agent: Agent, filters: Filters, limit: int = 4) -> list[int]:
    result, before = [], None
    while True:
        page = lists.page(agent, filters, before=before, limit=limit)
        result += [row.number for row in page.rows]
        if page.older is None:
            return result
        assert len(page.rows) == limit
        before = page.older


def walk_back(agent: Agent, filters: Filters, expected: list[tuple[int, int]], limit: int = 4) -> list[int]:
    result: list[int] = []
    after: int | None = expected[-1][1] - 1 if expected else None
    while after is not None:
        page = lists.page(agent, filters, after=after, limit=limit)
        result = [row.number for row in page.rows] + result
        after = page.newer
    return result


def test_short_words_are_looked_for_in_the_newest_alone(ana: Agent, crowd: Callable[[int], None]) -> None:
    crowd(1)
    assert found(ana, "di") == [number for number, _key in by_reading_everything(ana, Filters(q="di"))]


def test_a_search_takes_few_statements(
    crowd: Callable[[int], None],
    bea: Agent,
    django_assert_max_num_queries: Callable[..., object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crowd(2)
    monkeypatch.setattr(search, "TEAM_WINDOW", (3, 2))
    for word in ("pesanan", "nowhere", "dora"):
        with django_assert_max_num_queries(6):
            lists.page(bea, Filters(q=word))


# ── The index itself ─────────────────────────────────────────────────────────────────────────


@pytest.mark.sqlite
def test_sqlite_has_its_triggers_after_all_migrations() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM sqlite_master WHERE type = 'trigger'")
        assert cursor.fetchone()[0] == 12


@pytest.mark.sqlite
def test_a_lost_trigger_is_mended_and_what_was_missed_is_found(ana: Agent, dora: Writer) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER message_search_ai")
        cursor.execute("DROP TRIGGER address_search_au")
    dora.writes("Halo")
    message = dora.writes("kecombrang")
    Address.objects.update(phone="+6281234567890")
    mirrors.mend()
    with connection.cursor() as cursor:
        cursor.execute("SELECT rowid FROM message_search WHERE message_search MATCH 'kecombrang'")
        assert cursor.fetchall() == [(message.pk,)]
        cursor.execute("SELECT count(*) FROM address_search WHERE address_search MATCH '81234567890'")
        assert cursor.fetchone()[0] == 1
        cursor.execute("INSERT INTO message_search(message_search) VALUES ('integrity-check')")


def test_a_database_without_thai_letters_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    assert checks.search_finds_thai(databases=["default"]) == []
    monkeypatch.setattr(checks, "finds_thai", lambda using: False)
    assert [warning.id for warning in checks.search_finds_thai(databases=["default"])] == ["tickets.W001"]
    assert checks.search_finds_thai() == []


def test_every_message_moves_its_ticket(bea: Agent, dora: Writer) -> None:
    dora.writes("satu")
    message = dora.writes("dua")
    assert Ticket.objects.get().newest_message == message.pk
    assert hire("Eve", None).sight().teams == frozenset()
