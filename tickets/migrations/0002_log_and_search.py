"""PostgreSQL: the log's horizon and the search indexes."""

from __future__ import annotations

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

# A shared advisory lock, taken before the statement takes any number, whose key holds the highest
# number given out so far: a lower bound of what this transaction may still write. PostgreSQL drops
# it after the transaction's rows have become visible, which is just what horizon() counts on.
# Whoever writes to the log is also cut after 5 s, so that nobody can hold the horizon back for long.
#
# message_search has the team in it (GIN knows no NULL, so 0 stands for none): a word that is common
# everywhere is looked up for an agent of a small team without reading everybody's messages.
POSTGRESQL = """
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gin;

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

CREATE INDEX message_search ON tickets_message USING gin ((coalesce(team_id, 0)), text gin_trgm_ops);
CREATE INDEX ticket_search ON tickets_ticket USING gin (subject gin_trgm_ops);
CREATE INDEX customer_search ON customers_customer USING gin (name gin_trgm_ops);
CREATE INDEX address_search ON channels_app_address USING gin ((external_id || ' ' || phone || ' ' || email || ' ' || name) gin_trgm_ops);
"""


def forwards(apps: object, editor: BaseDatabaseSchemaEditor) -> None:
    # SQLite's part is in tickets/mirrors.py.
    if editor.connection.vendor == "postgresql":
        editor.execute(POSTGRESQL, params=None)


class Migration(migrations.Migration):
    dependencies = [("tickets", "0001_initial")]
    operations = [migrations.RunPython(forwards, migrations.RunPython.noop, elidable=False)]
