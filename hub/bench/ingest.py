"""Row `ingest`: signed webhooks accepted per second, against the same SQL sent straight to the database."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from hub.bench import wire
from hub.bench.product import Backend
from hub.bench.report import Table, percentile

CUSTOMERS = 256
CONCURRENCY = 32
SECONDS = 8.0
# What the product has to reach, by backend (the embedded figure stands beside it).
LEAST = {"PostgreSQL + Redis": 0.12}


def run(backend: Backend) -> Table:
    table = Table(f"ingest, {backend.name}")
    desk = backend.desk("ingest", fresh=True)
    facts = desk.inside("data", "0")
    with desk.running():
        asyncio.run(known(desk.port, facts["secret"]))
        accepted, times = asyncio.run(pour(desk.port, facts["secret"]))
    # After the product, not beside it: each gets the machine for itself.
    floor = desk.inside("floor", str(CUSTOMERS))
    table.add(f"accepted, concurrency {CONCURRENCY}, {CUSTOMERS} conversations", accepted, "per s")
    table.add("  answer p50", percentile(times, 0.5) * 1000, "ms")
    table.add("  answer p99", percentile(times, 0.99) * 1000, "ms")
    table.add(f"floor: the same SQL and commits by {floor['connections']} connection(s)", floor["rate"], "per s")
    table.add("ratio to the floor", accepted / floor["rate"], least=LEAST.get(backend.name))
    table.add("SQL statements per webhook", floor["statements"], most=12)
    return table


async def known(port: int, secret: str) -> None:
    """Every customer has written once: their tickets are open."""
    events = (wire.message(f"first-{customer}", customer) for customer in range(CUSTOMERS))
    connection = await wire.Http.connect(port)
    for request in wire.signed_posts(port, 1, secret, events):
        if await connection.send(request) != 200:
            raise RuntimeError("a webhook was refused")


async def pour(port: int, secret: str) -> tuple[float, list[float]]:
    """(accepted per second, how long each answer took)."""
    numbers = iter(range(10**9))
    started = time.perf_counter()
    times: list[float] = []

    def events() -> Iterator[dict[str, object]]:
        while time.perf_counter() - started < SECONDS:
            number = next(numbers)
            yield wire.message(f"more-{number}", number % CUSTOMERS)

    requests = wire.signed_posts(port, 1, secret, events())

    async def one() -> None:
        connection = await wire.Http.connect(port)
        for request in requests:
            sent = time.perf_counter()
            if await connection.send(request) != 200:
                raise RuntimeError("a webhook was refused")
            times.append(time.perf_counter() - sent)

    await asyncio.gather(*(one() for _ in range(CONCURRENCY)))
    return len(times) / (time.perf_counter() - started), times
