"""How many SQL statements a request makes, and how long the same take without the framework. Run inside a desk.

Reads a list of whole HTTP requests (as text) from its input, and prints one [statements, seconds] for each.
"""

from __future__ import annotations

import json
import sqlite3
import statistics
import sys
import time
from typing import Any

from hub import boot
from hub.bench import floor

TIMES = 15


def main() -> None:
    asked = json.load(sys.stdin)
    boot.start()
    # Only now: these read the settings.
    from django.db import connection

    results: list[tuple[int, float]] = []
    for request in asked:
        steps = floor.captured(request.encode())
        # Not what a request writes beside reading (when a token was used last).
        reads = [step for step in steps if step.sql.lstrip().startswith(("SELECT", "WITH"))]
        results.append((len(steps), _replayed(reads, _runner(connection.vendor))))
    print(json.dumps(results))


def _runner(vendor: str) -> Any:
    from django.conf import settings

    if vendor == "sqlite":
        database = settings.DATABASES["default"]
        plain = sqlite3.connect(database["NAME"], isolation_level=None)
        plain.executescript(database["OPTIONS"]["init_command"])
        return lambda sql, params: plain.execute(sql.replace("%s", "?").replace("%%", "%"), params or ()).fetchall()
    import psycopg

    cursor = psycopg.connect(settings.DATABASE_URL, autocommit=True, cursor_factory=psycopg.ClientCursor).cursor()

    def run(sql: str, params: Any) -> Any:
        cursor.execute(sql.encode(), params)
        return cursor.fetchall()

    return run


def _replayed(steps: list[floor.Step], run: Any) -> float:
    times = []
    for _ in range(TIMES + 2):
        began = time.perf_counter()
        for step in steps:
            run(step.sql, step.params)
        times.append(time.perf_counter() - began)
    return statistics.median(times[2:])


if __name__ == "__main__":
    main()
