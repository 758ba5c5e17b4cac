"""The floor of `ingest`: the statements of one real webhook, replayed without the product. Run inside a desk.

Every id in them is made recognisable first (each table counts from a number of its own), so that a replay
can put its own conversation and what its own INSERTs returned in their places.
"""

from __future__ import annotations

import json
import multiprocessing
import sqlite3
import sys
import threading
import time
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from hub import boot
from hub.bench import data, wire

TABLES = (
    *("channels_app_envelope", "channels_app_address", "customers_customer", "customers_customeraddress"),
    *("tickets_ticket", "tickets_message", "tickets_activity"),
)
SECONDS = 5.0
PROCESSES, THREADS = 2, 4
TOKEN = "floor-captured"


@dataclass
class Step:
    sql: str
    params: Any
    atomic: bool
    returned: int | None


def call(request: bytes, headers: dict[str, str] | None = None) -> tuple[str, bytes]:
    """One HTTP request through the product's own WSGI application."""
    from hub.wsgi import application

    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    path, _, query = first.split(" ")[1].partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": first.split(" ")[0], "PATH_INFO": path, "QUERY_STRING": query, "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000", "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.input": BytesIO(body), "wsgi.errors": sys.stderr,
        "wsgi.url_scheme": "http", "CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": "application/json",
    }  # fmt: skip
    for line in lines:
        name, _, value = line.partition(": ")
        if name.lower() not in ("content-length", "content-type"):
            environ["HTTP_" + name.upper().replace("-", "_")] = value
    said: list[str] = []
    answer: Any = application(environ, lambda status, headers, exc_info=None: said.append(status))
    content = b"".join(answer)
    answer.close()
    return said[0], content


def captured(request: bytes) -> list[Step]:
    from django.db import connection

    steps: list[Step] = []

    def keep(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        step = Step(sql, params, connection.in_atomic_block, None)
        # SQLite's is a statement like any other to Django; here it is the player's.
        if not sql.startswith("BEGIN"):
            steps.append(step)
        result = execute(sql, params, many, context)
        if "RETURNING" in sql:
            cursor = context["cursor"]
            rows = cursor.fetchall()
            step.returned = rows[0][0]
            cursor.fetchall = lambda: rows
            cursor.fetchone = lambda: rows[0]
        return result

    with connection.execute_wrapper(keep):
        status, _content = call(request)
    if not status.startswith("200"):
        raise RuntimeError(status)
    return steps


def spread_numbers() -> None:
    """Each table counts on from a billion of its own."""
    from django.db import connection

    with connection.cursor() as cursor:
        for place, table in enumerate(TABLES, 1):
            start = place * 10**9
            if connection.vendor == "postgresql":
                key = {"tickets_ticket": "number", "tickets_activity": "seq"}.get(table, "id")
                cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', '{key}'), {start})")
            else:
                cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [table])
                cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [table, start])


class Player:
    """Replays the steps for one conversation, over one connection."""

    def __init__(self, steps: list[Step], people: dict[int, int], number: int) -> None:
        self.steps, self.people, self.number, self.count = steps, people, number, 0

    def play(self, run: Any, begin: Any, commit: Any) -> None:
        self.count += 1
        name = f"floor-{self.number}-{self.count}"
        ids, inside = dict(self.people), False
        for step in self.steps:
            if step.atomic and not inside:
                begin()
                inside = True
            rows = run(step.sql, self._own(step.params, ids, name))
            if step.returned is not None:
                ids[step.returned] = rows[0][0]
        commit()

    def _own(self, value: Any, ids: dict[int, int], name: str) -> Any:
        if isinstance(value, tuple | list):
            return [self._own(item, ids, name) for item in value]
        if isinstance(value, int) and not isinstance(value, bool):
            return ids.get(value, value)
        if isinstance(value, str):
            # The hash of a delivery, which has to be new as well.
            return name.ljust(64, "x") if len(value) == 64 and value.isalnum() else value.replace(TOKEN, name)
        return value


def main() -> None:
    customers = int(sys.argv[1])
    boot.start()
    # Only now: these read the settings.
    from django.db import connection

    from channels_app import wakeups
    from tickets.models import Ticket

    wakeups.moved = lambda: None
    spread_numbers()
    secret = data.SECRET
    requests = wire.signed_posts(8000, 1, secret, iter([wire.message(f"{TOKEN}-0", 10**6), wire.message(TOKEN, 10**6)]))
    call(next(requests))
    steps = captured(next(requests))
    mine = Ticket.objects.select_related("address__customer_link").get(address__external_id=f"u-{10**6}")
    link = mine.address.customer_link.pk
    people = [
        {mine.number: row.number, mine.address_id: row.address_id, mine.customer_id: row.customer_id, link: link}
        for row in Ticket.objects.exclude(pk=mine.pk).order_by("number")[:customers]
    ]
    connection.close()
    rate, connections = (postgresql if connection.vendor == "postgresql" else sqlite)(steps, people)
    print(json.dumps({"rate": rate, "connections": connections, "statements": len(steps)}))


def postgresql(steps: list[Step], people: list[dict[int, int]]) -> tuple[float, int]:
    context = multiprocessing.get_context("fork")
    results: Any = context.Queue()
    workers = [context.Process(target=_process, args=(steps, people, part, results)) for part in range(PROCESSES)]
    for worker in workers:
        worker.start()
    rate = sum(results.get() for _ in workers)
    for worker in workers:
        worker.join()
    return rate, PROCESSES * THREADS


def _process(steps: list[Step], people: list[dict[int, int]], part: int, results: Any) -> None:
    counts: list[int] = []
    own = [people[part * THREADS + thread :: PROCESSES * THREADS] for thread in range(THREADS)]
    threads = [
        threading.Thread(target=_connection, args=(steps, mine, part * THREADS + thread, counts))
        for thread, mine in enumerate(own)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results.put(sum(counts) / SECONDS)


def _connection(steps: list[Step], people: list[dict[int, int]], number: int, counts: list[int]) -> None:
    import psycopg
    from django.conf import settings

    url = settings.DATABASE_URL
    with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
        cursor = connection.cursor()

        def run(sql: str, params: Any) -> Any:
            cursor.execute(sql.encode(), params)
            return cursor.fetchall() if cursor.description else None

        counts.append(
            _play(steps, people, number, run, lambda: cursor.execute("BEGIN"), lambda: cursor.execute("COMMIT"))
        )


def sqlite(steps: list[Step], people: list[dict[int, int]]) -> tuple[float, int]:
    from django.conf import settings

    database = settings.DATABASES["default"]
    connection = sqlite3.connect(database["NAME"], isolation_level=None)
    connection.executescript(database["OPTIONS"]["init_command"])

    def run(sql: str, params: Any) -> Any:
        return connection.execute(sql.replace("%s", "?"), params or ()).fetchall()

    done = _play(
        steps, people, 0, run, lambda: connection.execute("BEGIN IMMEDIATE"), lambda: connection.execute("COMMIT")
    )
    return done / SECONDS, 1


def _play(steps: list[Step], people: list[dict[int, int]], number: int, run: Any, begin: Any, commit: Any) -> int:
    players = [Player(steps, mine, number * 1000 + place) for place, mine in enumerate(people)]
    ends, done = time.perf_counter() + SECONDS, 0
    while time.perf_counter() < ends:
        players[done % len(players)].play(run, begin, commit)
        done += 1
    return done


if __name__ == "__main__":
    main()
