"""Row `start`: from `make run` to ready when everything is set up, and the memory of all processes, idle."""

from __future__ import annotations

import time

from hub.bench.product import Backend, pss
from hub.bench.report import Table

MAKE = ["make", "--no-print-directory", "run"]
TIMES = 3
IDLE = 10.0
# After so long the heartbeat of the worker before makes nobody look ready any more.
FORGOTTEN = 16.0
SECONDS, MEGABYTES = 6, 150


def run(backend: Backend) -> Table:
    table = Table(f"start, {backend.name}")
    desk = backend.desk("start", fresh=True)
    with desk.running(MAKE):
        pass
    times = []
    for turn in range(TIMES):
        if not backend.embedded:
            time.sleep(FORGOTTEN)
        began = time.perf_counter()
        with desk.running(MAKE) as process:
            times.append(time.perf_counter() - began)
            if turn == TIMES - 1:
                time.sleep(IDLE)
                memory = pss(process.pid)
    table.add(f"make run → ready, warm, best of {TIMES}", min(times), "s", most=SECONDS)
    table.add("memory (PSS) of all processes, idle", memory, "MB", most=MEGABYTES if backend.embedded else None)
    return table
