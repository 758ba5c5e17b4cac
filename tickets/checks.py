"""What can be wrong with an installation and would otherwise be noticed late: that Thai words are not found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog
from django.core import checks
from django.db import DatabaseError, connections

log = structlog.get_logger(__name__)

THAI = "สวัสดี"
NO_THAI = "The search will not find Thai words: this database's LC_CTYPE knows no Thai letters."
HINT = "Make the database with LC_CTYPE C.UTF-8: CREATE DATABASE … TEMPLATE template0 LC_CTYPE 'C.UTF-8'."


def finds_thai(using: str) -> bool:
    """False only when PostgreSQL makes no trigrams of a Thai word, as it does with LC_CTYPE C."""
    connection = connections[using]
    if connection.vendor != "postgresql":
        return True
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT coalesce(array_length(show_trgm(%s), 1), 0)", [THAI])
            return bool(cursor.fetchone()[0])
    except DatabaseError:
        # Before the first migration there is no such function, and nothing to search.
        return True


def search_finds_thai(databases: Sequence[str] | None = None, **kwargs: Any) -> list[checks.CheckMessage]:
    return [
        checks.Warning(NO_THAI, hint=HINT, id="tickets.W001")
        for using in databases or ()
        if not finds_thai(using)
    ]  # fmt: skip


def say_so(using: str = "default", **kwargs: Any) -> None:
    """At set-up, where nobody runs `manage.py check --database default` (the receiver of post_migrate)."""
    if not finds_thai(using):
        log.warning(NO_THAI, hint=HINT)
