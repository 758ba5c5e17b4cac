"""Row `surveys`: 100,000 resolved tickets due at once are asked about, each once; results of a million answers."""

from __future__ import annotations

import os

from hub.bench.product import Backend
from hub.bench.report import Table

TICKETS, ANSWERS = 100_000, 1_000_000
MOST_MEMORY = 150.0
STATEMENTS = 16
STATEMENTS_EACH = 1.5


def run(backend: Backend) -> Table:
    tickets = int(os.environ.get("BENCH_TICKETS", TICKETS))
    answers = int(os.environ.get("BENCH_ANSWERS", ANSWERS))
    table = Table(f"surveys, {backend.name}: {tickets:,} tickets due at once, {answers:,} answers")
    said = backend.desk("surveys", fresh=True).inside("asked", str(tickets), str(answers))
    table.add("tickets asked about", said["asked"], least=tickets)
    table.add(
        "  questions on them, and tickets that have one", said["messages"], f"({said['tickets']:,})", most=tickets
    )
    table.add("noticed in the log", said["noticed"], "tickets/s")
    table.add("asked, one worker, what waits on a channel taken at once", said["rate"], "tickets/s")
    table.add("  processor's time of the worker for each", said["used"] * 1000, "ms")
    table.add("  SQL statements for each", said["statements"], most=STATEMENTS_EACH)
    table.add("  bare claims of as many rows", said["claims"], "rows/s")
    table.add("  ratio to bare claims", said["rate"] / said["claims"])
    table.add("sent, one after the other, by a channel that answers at once", said["sent"], "messages/s")
    bound = "what channels and their workers send" if said["sent"] < said["rate"] else "asking"
    table.add("  so how fast all are asked is decided by", bound)
    table.add("memory that it took", said["memory"], "MB", most=MOST_MEMORY)
    table.add("counting a year's answers by day, all of it", said["counting"], "s")
    for name, half, most, statements, raw in said["pages"]:
        words = f"p50 {half * 1000:.0f} ms, p99 {most * 1000:.0f} ms, {statements} statements"
        beside = f"; raw SQL of the same: {raw * 1000:.0f} ms" if name.startswith("results") else ""
        table.add(name, f"{words}{beside}")
    table.add("statements, the most", max(float(row[3]) for row in said["pages"]), most=STATEMENTS)
    return table
