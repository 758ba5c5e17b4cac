"""The desk that is measured: 20 teams, 50 agents, any number of tickets with 10 messages each, 5,000 unresolved.

`python -m hub.bench.data TICKETS` brings the database up to date, fills it unless it is filled already, and
prints as JSON what the rows need to know. Rows are made by arithmetic from their number, so both sizes are alike.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from hub import boot
from hub.bench import text

VERSION = "3"
EACH = 10
TEAMS, AGENTS = 20, 50
SMALL_TEAM = 1
UNRESOLVED = 5_000
# In this order: a row refers only to rows of the tables before its own.
FILLED = (
    "customers_customer",
    "channels_app_address",
    "customers_customeraddress",
    "tickets_ticket",
    "tickets_message",
    "tickets_activity",
)
SECRET = "whsec_" + "cGVsYW5nZ2FuLWJlbmNobWFyay1zZWNyZXQtMzItYnl0ZXM="
POOL = 16_384
Row = tuple[Any, ...]


class Desk:
    """What stands in which row."""

    def __init__(self, tickets: int, now: datetime) -> None:
        self.tickets, self.messages, self.now = tickets, tickets * EACH, now
        self.customers = max(2 * UNRESOLVED, tickets // 3)
        self.step = timedelta(days=365) / max(self.messages, 1)
        self.said = {kind: text.pool(POOL, kind) for kind in ("in", "out")}
        self.planted = self._planted() if tickets else {}

    def _planted(self) -> dict[int, str]:
        """ticket → the rare words in it: ten tickets of the older nine tenths, three of them of the small team."""
        tenth = self.tickets // 10
        places = [tenth * part + 3 for part in range(1, 8)]
        small = [next(t for t in range(tenth * part, self.tickets) if team_of(t) == SMALL_TEAM) for part in (2, 4, 6)]
        words = text.PLANTED.format(*text.RARE.values())
        return {ticket: f"{words} {text.as_typed(self.phone(ticket))}" for ticket in (*places, *small)}

    def customer_of(self, ticket: int) -> int:
        return (ticket - 1) % self.customers + 1

    def phone(self, ticket: int) -> str:
        return text.phone_of(self.customer_of(ticket))

    def at(self, message: int) -> str:
        return str(self.now - self.step * (self.messages - message))

    def text_of(self, ticket: int, turn: int) -> str:
        if turn == 4 and ticket in self.planted:
            return self.planted[ticket]
        chosen = (ticket * 2_654_435_761 + turn * 40_503) >> 4
        words = self.said["out" if turn % 2 else "in"][chosen % POOL]
        return f"{words} #{chosen % 999_983}" if chosen % 8 == 0 else words

    def rows(self, table: str) -> tuple[tuple[str, ...], Iterator[Row]]:
        made: tuple[tuple[str, ...], Iterator[Row]] = getattr(self, f"_{table}")()
        return made

    def _customers_customer(self) -> tuple[tuple[str, ...], Iterator[Row]]:
        names, at = text.NAMES, self.at(1)
        rows = (
            (number, f"{names[number % len(names)]} {number}", "id", "individual", "external", "", "", at)
            for number in range(1, self.customers + 1)
        )
        return ("id", "name", "language", "party", "type", "standing", "note", "created_at"), rows

    def _channels_app_address(self) -> tuple[tuple[str, ...], Iterator[Row]]:
        at = self.at(1)
        rows = (
            (
                number,
                channel_of(number),
                f"u-{number}",
                "",
                "",
                text.phone_of(number),
                "",
                "id",
                False,
                at,
                "[]",
                "",
                "",
                0,
            )
            for number in range(1, self.customers + 1)
        )
        columns = (
            "id",
            "channel_id",
            "external_id",
            "name",
            "username",
            "phone",
            "email",
            "language",
            "is_group",
            "created_at",
            *("known_ids", "picture", "picture_mime", "profile_attempts"),
        )
        return columns, rows

    def _customers_customeraddress(self) -> tuple[tuple[str, ...], Iterator[Row]]:
        at = self.at(1)
        return ("id", "address_id", "customer_id", "created_at"), (
            (number, number, number, at) for number in range(1, self.customers + 1)
        )

    def _tickets_ticket(self) -> tuple[tuple[str, ...], Iterator[Row]]:
        columns = (
            *(
                "number",
                "subject",
                "status",
                "priority",
                "threads",
                "seq",
                "newest_message",
                "snoozed_until",
                "created_at",
            ),
            *("updated_at", "resolved_at", "last_inbound_at", "waiting_since", "last_text", "last_direction"),
            *("address_id", "assignee_id", "channel_id", "customer_id", "team_id"),
        )
        return columns, map(self._ticket, range(1, self.tickets + 1))

    def _ticket(self, ticket: int) -> Row:
        newest = message_id(ticket, EACH - 1)
        at, customer = self.at(newest), self.customer_of(ticket)
        open_ = ticket > self.tickets - 2 * UNRESOLVED and ticket % 2 == 0
        snoozed = open_ and ticket % 20 == 0
        status = "snoozed" if snoozed else "open" if open_ else "resolved"
        until = str(self.now + timedelta(days=300)) if snoozed else None
        priority = ("urgent", "high", "low")[ticket % 3] if ticket % 29 == 0 else "normal"
        assignee = ticket * 31 % AGENTS + 1 if ticket % 10 > 2 else None
        opened = self.at(message_id(ticket, 0))
        return (
            *(ticket, self.text_of(ticket, 0)[:100], status, priority, False, newest, newest, until, opened, at),
            *(None if open_ else at, at, at if open_ else None, self.text_of(ticket, EACH - 1)[:160], "out"),
            *(customer, assignee, channel_of(customer), customer, team_of(ticket)),
        )

    def _tickets_message(self) -> tuple[tuple[str, ...], Iterator[Row]]:
        columns = (
            *("id", "ticket_id", "channel_id", "team_id", "direction", "external_id", "agent_id", "address_id", "text"),
            *("unsupported", "standby", "reactions", "extra", "status", "at", "created_at", "from_edit", "attempts"),
        )
        return columns, (self._message(number, *place(number)) for number in range(1, self.messages + 1))

    def _message(self, number: int, ticket: int, turn: int) -> Row:
        customer, at, ours = self.customer_of(ticket), self.at(number), turn % 2
        return (
            *(number, ticket, channel_of(customer), team_of(ticket), "out" if ours else "in", f"x{number}"),
            *(number % AGENTS + 1 if ours else None, None if ours else customer, self.text_of(ticket, turn)),
            *(False, False, "[]", "{}", "delivered" if ours else "received", at, at, False, 0),
        )

    def _tickets_activity(self) -> tuple[tuple[str, ...], Iterator[Row]]:
        """Of the newest tickets alone: the log is kept for a while, the desk for ever."""
        columns = ("seq", "type", "ticket_id", "message_id", "actor_type", "actor_name", "at", "changes")
        first = max(1, self.messages - 2 * UNRESOLVED * EACH + 1)
        return columns, (
            (number, "message.added", place(number)[0], number, "system", "", self.at(number), "{}")
            for number in range(first, self.messages + 1)
        )


def message_id(ticket: int, turn: int) -> int:
    """A hundred conversations go on at a time, each with its turns."""
    block, within = divmod(ticket - 1, 100)
    return block * 100 * EACH + turn * 100 + within + 1


def place(message: int) -> tuple[int, int]:
    """(ticket, turn) of a message."""
    block, rest = divmod(message - 1, 100 * EACH)
    turn, within = divmod(rest, 100)
    return block * 100 + within + 1, turn


def team_of(ticket: int) -> int | None:
    """The first team has 1 %, nobody 0.5 %, the nineteen others share the rest."""
    share = ticket * 7919 % 1000
    if share < 10:
        return SMALL_TEAM
    return None if share < 15 else 2 + share % (TEAMS - 1)


def channel_of(customer: int) -> int:
    return customer % TEAMS + 1


# ── Into the database ────────────────────────────────────────────────────────────────────────


def is_filled(tickets: int) -> bool:
    from django.db import DatabaseError, connection

    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT filled FROM hub_bench")
            return bool(cursor.fetchone()[0] == f"{VERSION} {tickets}")
    except DatabaseError:
        return False


def fill(tickets: int, together: int = 0) -> None:
    from django.db import connection

    began = time.monotonic()

    def say(words: str) -> None:
        print(f"{words} ({time.monotonic() - began:.0f} s)", file=sys.stderr, flush=True)

    cast(together)
    desk = Desk(tickets, datetime.now(UTC))
    with connection.cursor() as cursor:
        if not tickets:
            _remember(cursor, tickets)
            return
        bare, clothe = (_bare_postgresql, _clothe_postgresql) if connection.vendor == "postgresql" else (_bare, _clothe)
        put_back = bare(cursor)
        for table in FILLED:
            columns, rows = desk.rows(table)
            _copy(cursor, table, columns, rows)
            say(f"  {table} filled")
        clothe(cursor, put_back, say)
        _remember(cursor, tickets)
    say("  ready")


def _remember(cursor: Any, tickets: int) -> None:
    cursor.execute("CREATE TABLE hub_bench (filled varchar(40))")
    cursor.execute("INSERT INTO hub_bench VALUES (%s)", [f"{VERSION} {tickets}"])


def _copy(cursor: Any, table: str, columns: tuple[str, ...], rows: Iterable[Row]) -> None:
    from django.db import connection, transaction

    names = ", ".join(columns)
    if connection.vendor == "postgresql":
        with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            lines: list[str] = []
            for row in rows:
                lines.append("\t".join(["\\N" if value is None else str(value) for value in row]))
                if len(lines) == 5_000:
                    copy.write("\n".join(lines) + "\n")
                    lines.clear()
            copy.write("\n".join(lines) + ("\n" if lines else ""))
        return
    marks = ", ".join("?" for _ in columns)
    with transaction.atomic():
        cursor.connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)


def _bare_postgresql(cursor: Any) -> list[tuple[str, str]]:
    """Constraints and indexes off, so that each is built once instead of 10 million times."""
    tables = list(FILLED)
    cursor.execute(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE conrelid::regclass::text = ANY(%s) AND contype IN ('f', 'u', 'c')",
        [tables],
    )
    constraints = cursor.fetchall()
    for table, name, _definition in constraints:
        cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    cursor.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema() AND tablename = ANY(%s)"
        " AND indexname NOT IN (SELECT conname FROM pg_constraint)",
        [tables],
    )
    indexes = cursor.fetchall()
    for name, _definition in indexes:
        cursor.execute(f'DROP INDEX "{name}"')
    return [(name, definition) for name, definition in indexes] + [
        (name, f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}') for table, name, definition in constraints
    ]


def _clothe_postgresql(cursor: Any, put_back: list[tuple[str, str]], say: Any) -> None:
    cursor.execute("SET maintenance_work_mem = '1GB'")
    for name, definition in put_back:
        cursor.execute(definition)
        say(f"  {name}")
    for table in FILLED:
        key = {"tickets_activity": "seq", "tickets_ticket": "number"}.get(table, "id")
        cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', '{key}'), (SELECT max({key}) FROM {table}))")
    cursor.execute("VACUUM ANALYZE")


def _bare(cursor: Any) -> list[tuple[str, str]]:
    """SQLite: without the search's triggers; tickets/mirrors.py brings them back and fills its tables at once."""
    cursor.execute("PRAGMA foreign_keys = OFF")
    cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
    for (name,) in cursor.fetchall():
        cursor.execute(f"DROP TRIGGER {name}")
    return []


def _clothe(cursor: Any, put_back: list[tuple[str, str]], say: Any) -> None:
    from tickets import mirrors

    mirrors.mend()
    say("  search tables")
    cursor.execute("ANALYZE")


def cast(together: int = 0) -> None:
    """Teams, agents with a token each, a channel per team. The first agent is the administrator, the second is
    of the small team alone. together: so many agents instead, all of the first channel's team.
    """
    from django.core.management.color import no_style
    from django.db import connection

    from agents.models import Agent, Team, Token
    from channels_app.models import Channel

    numbers = range(1, (together or AGENTS) + 1)
    Team.objects.bulk_create([Team(id=number, name=f"Team {number}") for number in range(1, TEAMS + 1)])
    Agent.objects.bulk_create([_agent(number) for number in numbers])
    Agent.teams.through.objects.bulk_create(
        [
            Agent.teams.through(agent_id=number, team_id=1 if together else (number - 2) % TEAMS + 1)
            for number in numbers[1:]
        ]
    )
    for agent in Agent.objects.all():
        Token.issue(agent, "bench", token_of(agent.pk))
    for number in range(1, TEAMS + 1):
        channel = Channel(id=number, kind="webhook", name=f"Channel {number}", team_id=number)
        channel.put_settings({"secret": SECRET})
        channel.save(force_insert=True)
    # PostgreSQL counts on only from the rows it numbered itself.
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), [Team, Agent, Channel]):
            cursor.execute(statement)


def _agent(number: int) -> Any:
    from agents.models import Agent

    role = Agent.Role.ADMIN if number == 1 else Agent.Role.AGENT
    return Agent(id=number, email=f"agent{number}@bench.example", name=f"Agent {number}", role=role, password="!")


def token_of(agent: int) -> str:
    return f"plg_bench_{agent}_{'x' * 32}"


def facts(tickets: int) -> dict[str, Any]:
    """What the rows ask for."""
    desk = Desk(tickets, datetime.now(UTC))
    of_small = [ticket for ticket in desk.planted if team_of(ticket) == SMALL_TEAM]
    kinds = {"common": text.COMMON, "rare": text.RARE, "absent": text.ABSENT}
    words = {f"{kind}, {language}": word for kind, both in kinds.items() for language, word in both.items()}
    typed = text.as_typed(desk.phone(of_small[0]))
    words |= {"common, phone": typed[:4], "rare, phone": typed, "absent, phone": text.ABSENT_PHONE}
    newest = max(ticket for ticket in range(tickets - 400, tickets) if team_of(ticket) == SMALL_TEAM)
    cookies = {"admin": cookie_of(1), "small": cookie_of(2)}
    return {
        "secret": SECRET,
        "admin": token_of(1),
        "small": token_of(2),
        "cookies": cookies,
        "ticket": newest,
        "words": words,
    }


def cookie_of(number: int) -> str:
    """Of a signed-in browser."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from agents.models import Agent

    agent = Agent.objects.get(pk=number)
    session = SessionStore()
    session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(agent.pk), settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = agent.get_session_auth_hash()
    session.save()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"


def main() -> None:
    tickets = int(sys.argv[1])
    boot.start()
    # Only now: these read the settings.
    from django.core.management import call_command

    from agents.models import Team
    from hub.management.commands import prepare

    with prepare.alone():
        call_command("migrate", interactive=False, verbosity=0, skip_checks=True)
    if not is_filled(tickets):
        if Team.objects.exists():
            # Filled by an older version of this file, or in part: whoever asked begins with an empty database.
            print("null")
            return
        fill(tickets, int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    print(json.dumps(facts(tickets) if tickets else {"secret": SECRET}))


if __name__ == "__main__":
    main()
