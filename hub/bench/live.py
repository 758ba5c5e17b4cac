"""Row `live`: how soon 200 agents see a message, and how much of a bare broadcast's rate is left for the product.

The rates are per second of the server's processor time: others share the machine, and both servers have one loop.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import time
from collections import Counter

from hub.bench import wire
from hub.bench.product import Backend, Desk, free_port, processor_seconds, web
from hub.bench.report import Table, percentile
from hub.stamp import BASE_DIR

AGENTS = 200
RATE, SECONDS = 50, 30
CONNECTIONS = 8
CUSTOMERS = 100
# Less than the 1 MiB at which a slow socket is closed.
BURST = 1_400
NAME = re.compile(rb'"external_id":"live-(\d+)"')


def run(backend: Backend) -> Table:
    table = Table(f"live, {backend.name}")
    desk = backend.desk("live", fresh=True)
    facts = desk.inside("data", "0", str(AGENTS))
    with desk.running() as process:
        steady = asyncio.run(Steady(desk.port, facts["secret"]).run())
        ours, size = asyncio.run(burst(desk, web(process.pid)))
    bare = broadcast(size)
    table.add(f"webhook sent → frame received, {AGENTS} agents, {RATE}/s for {SECONDS} s: p50", steady.p50 * 1000, "ms")
    table.add("  p99", steady.p99 * 1000, "ms")
    table.add("  the webhook's own answer: p50", steady.answer * 1000, "ms")
    table.add("  frame p50 / answer p50", steady.p50 / steady.answer, most=3)
    table.add("  lost", steady.lost, most=0)
    table.add("  doubled", steady.doubled, most=0)
    table.add(f"burst of {BURST} lines of {size} bytes to {AGENTS} sockets", ours, "deliveries per processor second")
    table.add("twin: a bare broadcast of as many bytes", bare, "deliveries per processor second")
    table.add("ratio to the twin", ours / bare, least=0.7)
    return table


class Steady:
    """So many messages a second, each to be heard once by everybody."""

    def __init__(self, port: int, secret: str) -> None:
        self.port, self.secret = port, secret
        self.sent: dict[int, float] = {}
        self.heard: Counter[int] = Counter()
        self.times: list[float] = []
        self.answers: list[float] = []

    async def run(self) -> Steady:
        from hub.bench.data import token_of

        ears = [await wire.Ear.connect(self.port, "/ws/inbox/", token_of(1 + n), self.hear) for n in range(AGENTS)]
        events = (wire.message(f"live-{number}", number % CUSTOMERS) for number in range(RATE * SECONDS))
        requests = list(wire.signed_posts(self.port, 1, self.secret, events))
        posters = [await wire.Http.connect(self.port) for _ in range(CONNECTIONS)]
        free: asyncio.Queue[wire.Http] = asyncio.Queue()
        for poster in posters:
            free.put_nowait(poster)
        began, tasks = time.perf_counter(), []
        for number, request in enumerate(requests):
            await asyncio.sleep(max(0.0, began + number / RATE - time.perf_counter()))
            tasks.append(asyncio.create_task(self.post(free, number, request)))
        await asyncio.gather(*tasks)
        await asyncio.sleep(3)
        for ear in ears:
            ear.close()
        self.p50, self.p99 = percentile(self.times, 0.5), percentile(self.times, 0.99)
        self.answer = percentile(self.answers, 0.5)
        self.lost = sum(AGENTS - min(self.heard[number], AGENTS) for number in range(len(requests)))
        self.doubled = sum(max(self.heard[number] - AGENTS, 0) for number in range(len(requests)))
        return self

    async def post(self, free: asyncio.Queue[wire.Http], number: int, request: bytes) -> None:
        connection = await free.get()
        self.sent[number] = time.perf_counter()
        if await connection.send(request) != 200:
            raise RuntimeError("a webhook was refused")
        self.answers.append(time.perf_counter() - self.sent[number])
        free.put_nowait(connection)

    def hear(self, frame: bytes) -> None:
        found = NAME.search(frame)
        if found:
            number = int(found[1])
            self.heard[number] += 1
            self.times.append(time.perf_counter() - self.sent[number])


async def burst(desk: Desk, server: int) -> tuple[float, int]:
    """(deliveries a second, bytes of a frame): all lines are in the log at once, the reader reads them out."""
    from hub.bench.data import token_of

    ears = [await wire.Ear.connect(desk.port, "/ws/inbox/", token_of(1 + n), lambda frame: None) for n in range(AGENTS)]
    await asyncio.sleep(3)
    for ear in ears:
        ear.only_count()
    before = processor_seconds(server)
    size = int(await asyncio.to_thread(desk.inside, "lines", str(BURST)))
    await arrived(ears, BURST * size)
    return BURST * AGENTS / (processor_seconds(server) - before), size


async def arrived(ears: list[wire.Ear], expected: int) -> None:
    deadline = time.perf_counter() + 60
    while min(ear.bytes for ear in ears) < expected:
        if time.perf_counter() > deadline:
            raise RuntimeError(f"the burst did not arrive: {min(ear.bytes for ear in ears)} of {expected} bytes")
        await asyncio.sleep(0.02)
    for ear in ears:
        ear.close()


def broadcast(size: int) -> float:
    """The twin's deliveries a second."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "hub.bench.bare", str(port)], cwd=BASE_DIR)
    try:
        return asyncio.run(_broadcast(port, size, process.pid))
    finally:
        process.terminate()
        process.wait(20)


async def _broadcast(port: int, size: int, server: int) -> float:
    for _ in range(100):
        try:
            ears = [await wire.Ear.connect(port, "/", "", lambda frame: None)]
            break
        except OSError:
            await asyncio.sleep(0.1)
    ears += [await wire.Ear.connect(port, "/", "", lambda frame: None) for _ in range(AGENTS)]
    for ear in ears:
        ear.only_count()
    before = processor_seconds(server)
    # The one that asks hears nothing.
    ears[0].say(f'{{"lines": {BURST}, "size": {size - 4}}}')
    await arrived(ears[1:], BURST * size)
    ears[0].close()
    return BURST * AGENTS / (processor_seconds(server) - before)
