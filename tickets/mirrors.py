"""SQLite's search tables: FTS5 mirrors of what is searched, kept by triggers.

Trigrams find a word inside a Thai sentence, which has no spaces. Django alters a SQLite table by making it
anew, which silently drops its triggers: so they are looked after once all migrations have run, not in one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import connections

# name → (table, key, column)
COLUMNS = {
    "message_search": ("tickets_message", "id", "text"),
    "ticket_search": ("tickets_ticket", "number", "subject"),
    "customer_search": ("customers_customer", "id", "name"),
}
ADDRESS = "channels_app_address"
ADDRESS_WORDS = "{0}.external_id || ' ' || {0}.phone || ' ' || {0}.email || ' ' || {0}.name"
FOUND = "SELECT name FROM sqlite_master WHERE type IN ('table', 'trigger') AND name LIKE '%_search%'"


def mend(using: str = "default", **kwargs: Any) -> None:
    """Make what is missing (the receiver of post_migrate). A mirror that had lost a trigger is filled anew."""
    connection = connections[using]
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute(FOUND)
        there = {row[0] for row in cursor.fetchall()}
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        tables = {row[0] for row in cursor.fetchall()}
        for name, (table, key, column) in COLUMNS.items():
            if table in tables:
                _make(
                    cursor,
                    there,
                    _of_column(name, table, key, column),
                    [f"INSERT INTO {name}({name}) VALUES ('rebuild')"],
                )
        if ADDRESS in tables:
            _make(cursor, there, _of_address(), REFILL_ADDRESSES)


def _make(cursor: Any, there: set[str], wanted: Mapping[str, str], refill: list[str]) -> None:
    missing = [statement for name, statement in wanted.items() if name not in there]
    for statement in [*missing, *(refill if missing else ())]:
        cursor.execute(statement)


def _of_column(name: str, table: str, key: str, column: str) -> dict[str, str]:
    forget = f"INSERT INTO {name}({name}, rowid, {column}) VALUES ('delete', old.{key}, old.{column});"
    learn = f"INSERT INTO {name}(rowid, {column}) VALUES (new.{key}, new.{column});"
    return {
        name: f"CREATE VIRTUAL TABLE {name} USING"
        f" fts5({column}, content='{table}', content_rowid='{key}', tokenize='trigram')",
        f"{name}_ai": f"CREATE TRIGGER {name}_ai AFTER INSERT ON {table} BEGIN {learn} END",
        f"{name}_ad": f"CREATE TRIGGER {name}_ad AFTER DELETE ON {table} BEGIN {forget} END",
        # Not for every move of a ticket in its list: only where the searched words change.
        f"{name}_au": f"CREATE TRIGGER {name}_au AFTER UPDATE OF {column} ON {table}"
        f" WHEN new.{column} IS NOT old.{column} BEGIN {forget} {learn} END",
    }


def _of_address() -> dict[str, str]:
    new, name = ADDRESS_WORDS.format("new"), "address_search"
    return {
        # Not external content: the searched words are put together from four columns.
        name: f"CREATE VIRTUAL TABLE {name} USING fts5(words, tokenize='trigram')",
        f"{name}_ai": f"CREATE TRIGGER {name}_ai AFTER INSERT ON {ADDRESS} BEGIN"
        f" INSERT INTO {name}(rowid, words) VALUES (new.id, {new}); END",
        f"{name}_ad": f"CREATE TRIGGER {name}_ad AFTER DELETE ON {ADDRESS} BEGIN"
        f" DELETE FROM {name} WHERE rowid = old.id; END",
        f"{name}_au": f"CREATE TRIGGER {name}_au AFTER UPDATE OF external_id, phone, email, name ON {ADDRESS} BEGIN"
        f" UPDATE {name} SET words = {new} WHERE rowid = new.id; END",
    }


REFILL_ADDRESSES = [
    "DELETE FROM address_search",
    f"INSERT INTO address_search(rowid, words) SELECT id, {ADDRESS_WORDS.format(ADDRESS)} FROM {ADDRESS}",
]
