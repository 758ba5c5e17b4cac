"""The log's safe horizon: whoever has read N never misses a smaller one, and nobody holds it for long."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from tests.conftest import Customer
from tickets.models import Activity, Ticket
from tickets.models.activity import SYSTEM, horizon, newest, purge, record

# On SQLite there is one writer at a time, and so nothing to test.
postgresql = pytest.mark.postgres


class Writer(threading.Thread):
    """A transaction of its own that stays open until it is told to end."""

    def __init__(self, ticket: Ticket | None, statement: str = "") -> None:
        super().__init__(daemon=True)
        self.ticket, self.statement = ticket, statement
        self.wrote, self.end = threading.Event(), threading.Event()
        self.seq = 0
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            with transaction.atomic():
                if self.ticket is not None:
                    self.seq = record(Ticket.objects.locked().get(pk=self.ticket.pk), "ticket.changed", SYSTEM).seq
                if self.statement:
                    with connection.cursor() as cursor:
                        cursor.execute(self.statement)
                self.wrote.set()
                self.end.wait(20)
                Ticket.objects.exists()
        except Exception as error:
            self.error = error
        finally:
            self.wrote.set()
            connections.close_all()


@contextmanager
def writing(*args: Any) -> Iterator[Writer]:
    writer = Writer(*args)
    writer.start()
    assert writer.wrote.wait(60)
    try:
        yield writer
    finally:
        writer.end.set()
        writer.join(60)


def two_tickets(dora: Customer, eka: Customer) -> tuple[Ticket, Ticket]:
    return dora.writes().ticket, eka.writes().ticket


def test_nothing_is_the_start_and_the_newest_line_the_horizon(db: None, dora: Customer) -> None:
    before = horizon()
    dora.writes()
    with transaction.atomic():
        # In a test's own transaction PostgreSQL counts it as an unfinished writer.
        assert newest() >= before + 2
    assert Activity.objects.latest("seq").seq == newest()


@postgresql
@pytest.mark.django_db(transaction=True)
def test_a_higher_number_that_commits_first_is_not_read_past_the_lower(dora: Customer, eka: Customer) -> None:
    slow_one, quick_one = two_tickets(dora, eka)
    with writing(slow_one) as slow:
        with writing(quick_one) as quick:
            pass
        assert quick.seq > slow.seq
        assert horizon() < slow.seq
        assert newest() >= quick.seq
    assert horizon() >= quick.seq
    assert Activity.objects.filter(seq__in=[slow.seq, quick.seq]).count() == 2


@postgresql
@pytest.mark.django_db(transaction=True)
def test_a_reader_among_many_writers_skips_nothing(dora: Customer, eka: Customer) -> None:
    tickets = [*two_tickets(dora, eka), Customer(dora.channel, id="u-3").writes().ticket]
    over, position = threading.Event(), horizon()
    read: list[int] = []

    def write(ticket: Ticket) -> None:
        for number in range(30):
            with transaction.atomic():
                record(Ticket.objects.locked().get(pk=ticket.pk), "ticket.changed", SYSTEM)
                time.sleep(0.002 * (number % 3))
        connections.close_all()

    threads = [threading.Thread(target=write, args=(ticket,)) for ticket in tickets]
    for thread in threads:
        thread.start()
    threading.Thread(target=lambda: ([thread.join() for thread in threads], over.set()), daemon=True).start()
    start = position
    while not over.is_set() or position < horizon():
        until = horizon()
        read += Activity.objects.filter(seq__gt=position, seq__lte=until).order_by("seq").values_list("seq", flat=True)
        position = until
    assert read == list(Activity.objects.filter(seq__gt=start).order_by("seq").values_list("seq", flat=True))
    assert len(read) == 90


@postgresql
@pytest.mark.django_db(transaction=True)
def test_foreign_transactions_do_not_hold_it(dora: Customer) -> None:
    ticket = dora.writes().ticket
    with writing(None, "SELECT count(*) FROM tickets_activity"):
        with writing(None, "LOCK TABLE agents_team IN ACCESS EXCLUSIVE MODE"), writing(ticket) as ours:
            pass
        assert horizon() >= ours.seq


@postgresql
@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_line_does_not_hold_it(dora: Customer) -> None:
    ticket = dora.writes().ticket
    with pytest.raises(ZeroDivisionError), transaction.atomic():  # noqa: PT012 (what is rolled back)
        record(Ticket.objects.locked().get(pk=ticket.pk), "ticket.changed", SYSTEM)
        raise ZeroDivisionError
    assert horizon() == newest()


@postgresql
@pytest.mark.django_db(transaction=True)
def test_an_idle_writer_of_ours_is_cut_after_five_seconds(dora: Customer, eka: Customer) -> None:
    slow, quick = two_tickets(dora, eka)
    started = time.monotonic()
    with writing(slow) as idle:
        with writing(quick) as other:
            pass
        while horizon() < other.seq:
            assert time.monotonic() - started < 120
            time.sleep(0.1)
        assert time.monotonic() - started > 3
    assert idle.error is not None
    assert not Activity.objects.filter(seq=idle.seq).exists()


def test_lines_are_kept_ninety_days_and_the_horizon_stands(dora: Customer) -> None:
    dora.writes()
    top = newest()
    Activity.objects.update(at=timezone.now() - timedelta(days=89))
    purge()
    assert Activity.objects.exists()
    Activity.objects.update(at=timezone.now() - timedelta(days=91))
    purge()
    assert not Activity.objects.exists()
    assert newest() == top
