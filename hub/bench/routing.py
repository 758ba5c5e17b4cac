"""Row `routing`: how soon a message stands on the screen of the agent who got it, and how fast a full queue empties.

The first is compared to what the row `live` measures, on the same desk and in the same run; the second to bare
conditional updates, by as many connections at once.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable

from hub.bench import live, wire
from hub.bench.product import Backend, Desk
from hub.bench.report import Table, percentile

ONLINE = 50
RATE, SECONDS = 50, 30
WAITING = 10_000
# A SQLite file has one writer: more of them only wait for each other.
CLAIMERS = {True: 8, False: 50}
MINE = re.compile(rb'"type":"ticket.assigned".*?"assignee":\{"id":(\d+),.*?"name":"Pelanggan (\d+)"')


def run(backend: Backend) -> Table:
    table = Table(f"routing, {backend.name}")
    desk = backend.desk("routing", fresh=True)
    secret = desk.inside("data", "0", str(live.AGENTS))["secret"]
    with desk.running():
        seen = asyncio.run(live.Steady(desk.port, secret).run())
        desk.inside("queue", "open", str(ONLINE), "1000")
        ours = asyncio.run(Given(desk.port, secret).run())
    table.add(
        f"message sent → its agent's screen shows it as theirs, {ONLINE} online, {RATE}/s: p50", ours.p50 * 1000, "ms"
    )
    table.add("  p99", ours.p99 * 1000, "ms")
    table.add("  ratio to the row `live` of the same run: p50", ours.p50 / seen.p50)
    table.add("  p99", ours.p99 / seen.p99)
    table.add("  without an agent", ours.lost, most=0)
    table.add("  with two", ours.doubled, most=0)
    drain(table, desk, CLAIMERS[backend.embedded])
    return table


def drain(table: Table, desk: Desk, claimers: int) -> None:
    # Just enough for all of them: one ticket too many anywhere would leave one without an agent.
    desk.inside("queue", "open", str(ONLINE), str(2 * WAITING // ONLINE))
    desk.inside("queue", "wait", str(WAITING))
    bare = desk.inside("queue", "bare", str(claimers))
    desk.inside("queue", "wait", str(WAITING))
    done = desk.inside("queue", "drain", str(claimers))
    table.add(f"{WAITING} waiting, {claimers} claimers, capacity for just as many: left", done["left"], most=0)
    table.add("  assigned twice", done["twice"], most=0)
    table.add("  agents over their capacity", done["over"], most=0)
    ours, theirs = WAITING / done["seconds"], WAITING / bare["seconds"]
    table.add("  drained", ours, "tickets per second")
    table.add("  twin: bare conditional updates", theirs, "per second")
    table.add("  ratio to the twin", ours / theirs)


class Given:
    """So many new people a second; each is to be one agent's, who sees it."""

    def __init__(self, port: int, secret: str) -> None:
        self.port, self.secret = port, secret
        self.sent: dict[int, float] = {}
        self.times: dict[int, float] = {}
        self.doubled = 0

    async def run(self) -> Given:
        from hub.bench.data import token_of

        ears = [
            await wire.Ear.connect(self.port, "/ws/inbox/", token_of(agent), self.ear_of(agent))
            for agent in range(2, ONLINE + 2)
        ]
        await asyncio.sleep(3)
        # Nobody of these has written before.
        events = (wire.message(f"given-{number}", 1_000 + number) for number in range(RATE * SECONDS))
        requests = list(wire.signed_posts(self.port, 1, self.secret, events))
        free: asyncio.Queue[wire.Http] = asyncio.Queue()
        for _ in range(live.CONNECTIONS):
            free.put_nowait(await wire.Http.connect(self.port))
        began, tasks = time.perf_counter(), []
        for number, request in enumerate(requests):
            await asyncio.sleep(max(0.0, began + number / RATE - time.perf_counter()))
            tasks.append(asyncio.create_task(self.post(free, 1_000 + number, request)))
        await asyncio.gather(*tasks)
        deadline = time.perf_counter() + 15
        while len(self.times) < len(requests) and time.perf_counter() < deadline:
            await asyncio.sleep(0.1)
        for ear in ears:
            ear.close()
        self.p50, self.p99 = percentile(list(self.times.values()), 0.5), percentile(list(self.times.values()), 0.99)
        self.lost = len(requests) - len(self.times)
        return self

    async def post(self, free: asyncio.Queue[wire.Http], person: int, request: bytes) -> None:
        connection = await free.get()
        self.sent[person] = time.perf_counter()
        if await connection.send(request) != 200:
            raise RuntimeError("a webhook was refused")
        free.put_nowait(connection)

    def ear_of(self, agent: int) -> Callable[[bytes], None]:
        mine = str(agent).encode()

        def heard(frame: bytes) -> None:
            found = MINE.search(frame)
            person = int(found[2]) if found and found[1] == mine else None
            # Those of the row `live` before wait too, and are given out first.
            if person in self.sent:
                self.doubled += person in self.times
                self.times.setdefault(person, time.perf_counter() - self.sent[person])

        return heard
