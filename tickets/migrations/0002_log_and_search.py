"""The log's horizon (PostgreSQL) and the search indexes (both databases)."""

from __future__ import annotations

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

# A shared advisory lock, taken before the statement takes any number, whose key holds the highest
# number given out so far: a lower bound of what this transaction may still write. PostgreSQL drops
# it after the transaction's rows have become visible, which is just what horizon() counts on.
# Whoever writes to the log is also cut after 5 s, so that nobody can hold the horizon back for long.
POSTGRESQL = """
CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE FUNCTION pelanggan_log_writer() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE given bigint;
BEGIN
  SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END INTO given FROM tickets_activity_seq_seq;
  PERFORM pg_advisory_xact_lock_shared((20556::bigint << 48) | (given & 281474976710655));
  PERFORM set_config('statement_timeout', '5000', true);
  PERFORM set_config('idle_in_transaction_session_timeout', '5000', true);
  RETURN NULL;
END $$;
CREATE TRIGGER pelanggan_log_writer BEFORE INSERT ON tickets_activity
  FOR EACH STATEMENT EXECUTE FUNCTION pelanggan_log_writer();

CREATE INDEX message_search ON tickets_message USING gin (text gin_trgm_ops);
CREATE INDEX ticket_search ON tickets_ticket USING gin (subject gin_trgm_ops);
CREATE INDEX customer_search ON customers_customer USING gin (name gin_trgm_ops);
CREATE INDEX address_search ON channels_app_address USING gin ((external_id || ' ' || phone || ' ' || email || ' ' || name) gin_trgm_ops);
"""

# FTS5 with trigrams finds a word inside a Thai sentence; the tables mirror the rows by triggers.
MIRRORS = {
    "message_search": ("tickets_message", "id", "text"),
    "ticket_search": ("tickets_ticket", "number", "subject"),
    "customer_search": ("customers_customer", "id", "name"),
}


def _mirror(name: str, table: str, key: str, column: str) -> list[str]:
    return [
        f"CREATE VIRTUAL TABLE {name} USING fts5({column}, content='{table}', content_rowid='{key}', tokenize='trigram')",
        f"CREATE TRIGGER {name}_ai AFTER INSERT ON {table} BEGIN"
        f" INSERT INTO {name}(rowid, {column}) VALUES (new.{key}, new.{column}); END",
        f"CREATE TRIGGER {name}_ad AFTER DELETE ON {table} BEGIN"
        f" INSERT INTO {name}({name}, rowid, {column}) VALUES ('delete', old.{key}, old.{column}); END",
        f"CREATE TRIGGER {name}_au AFTER UPDATE OF {column} ON {table} BEGIN"
        f" INSERT INTO {name}({name}, rowid, {column}) VALUES ('delete', old.{key}, old.{column});"
        f" INSERT INTO {name}(rowid, {column}) VALUES (new.{key}, new.{column}); END",
    ]


_ADDRESS = "{0}.external_id || ' ' || {0}.phone || ' ' || {0}.email || ' ' || {0}.name"
ADDRESS_MIRROR = [
    # Not external content: the searched text is put together from four columns.
    "CREATE VIRTUAL TABLE address_search USING fts5(words, tokenize='trigram')",
    "CREATE TRIGGER address_search_ai AFTER INSERT ON channels_app_address BEGIN"
    f" INSERT INTO address_search(rowid, words) VALUES (new.id, {_ADDRESS.format('new')}); END",
    "CREATE TRIGGER address_search_ad AFTER DELETE ON channels_app_address BEGIN"
    " DELETE FROM address_search WHERE rowid = old.id; END",
    "CREATE TRIGGER address_search_au AFTER UPDATE OF external_id, phone, email, name ON channels_app_address BEGIN"
    f" UPDATE address_search SET words = {_ADDRESS.format('new')} WHERE rowid = new.id; END",
]


def forwards(apps: object, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute(POSTGRESQL, params=None)
        return
    for name, (table, key, column) in MIRRORS.items():
        for statement in _mirror(name, table, key, column):
            editor.execute(statement, params=None)
    for statement in ADDRESS_MIRROR:
        editor.execute(statement, params=None)


class Migration(migrations.Migration):
    dependencies = [("tickets", "0001_initial")]
    operations = [migrations.RunPython(forwards, migrations.RunPython.noop, elidable=False)]
