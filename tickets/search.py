"""Search in messages, subjects, names and addresses: newest matching message first, in steps that stay cheap.

1. The newest messages and tickets that the agent may see are looked through as they are. A common word
   fills the page from these, and what the trigram index holds of it would take seconds to read.
2. A word that is rare there is looked up in the index, which then has few places of it. What lies between
   is looked for in a wider window.

What a window has not looked at lies beyond its edge; only what is on this side of all edges is sure to be
in order. A ticket's key is its newest matching message; if its subject or customer matches, its newest one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models.expressions import RawSQL

from agents.models import Sight
from tickets.fragments import TRUE, Sql, join, listed, matches, sql
from tickets.models import TicketQuerySet
from tickets.terms import Term

Keys = list[tuple[int, int]]

# How many of the newest messages and tickets are looked through: of all, or of one's teams, which lie
# scattered among the others and of which the index knows the places.
WINDOW, TEAM_WINDOW = (5_000, 500), (1_200, 120)
NARROW, MIDDLE, WIDE, EVERYTHING = 1, 4, 8, 0
# Hits per place on the page, for a ticket that has the word in many of its messages counts once.
HITS = 20
# Up to so many teams are each read by their own index: of tickets and messages, of places of a word.
MANY_TEAMS, FEW_TEAMS = 24, 6
LARGEST = 2**63 - 1
ADDRESS = "(a.external_id || ' ' || a.phone || ' ' || a.email || ' ' || a.name)"


def keys(
    sight: Sight,
    found: TicketQuerySet,
    q: str,
    *,
    before: int | None,
    after: int | None,
    limit: int,
    few: bool = False,
) -> Keys:
    """(ticket number, key) of a page; nearest first when paging back.

    found: the tickets that count, of those that this sight covers. few: they are few (a customer's), so all of
    them are looked through.
    """
    term = Term.of(q)
    if not term.literal:
        return []
    search = Search(sight, found, term, before, None if before is not None else after, limit)
    if few:
        return search.in_each_ticket()
    seen = search.look(NARROW, NARROW)
    if seen.enough:
        return seen.keys
    if not term.indexed:
        # A word of one or two letters, which is looked for in the newest alone.
        return search.look(MIDDLE, MIDDLE).keys
    # So many in the narrow window that the wide one will do? Otherwise the index has few of them.
    seen = search.look(*(WIDE if hits * WIDE >= limit else EVERYTHING for hits in seen.hits))
    return seen.keys if seen.enough else search.look(EVERYTHING, EVERYTHING).keys


@dataclass(frozen=True, slots=True)
class Seen:
    keys: Keys
    enough: bool
    """The page is full, or there is no more."""
    hits: tuple[int, int]


class Search:
    def __init__(
        self, sight: Sight, found: TicketQuerySet, term: Term, before: int | None, after: int | None, limit: int
    ) -> None:
        self.found, self.seen, self.term, self.limit = found, found.filter(sight.where()), term, limit
        self.forward = after is not None
        bound = after if self.forward else before
        # What no number of a row can be is behind the last of them.
        self.bound = None if bound is None else min(bound, LARGEST)
        self.order, self.furthest = ("ASC", "max") if self.forward else ("DESC", "min")
        self.teams: list[int | None] | None = None
        if sight.teams is not None and len(sight.teams) < MANY_TEAMS:
            self.teams = [None, *sorted(sight.teams)]
        self.messages, self.tickets = WINDOW if self.teams is None else TEAM_WINDOW

    def look(self, texts: int, names: int) -> Seen:
        """One statement: what there is, and up to where was looked for it. texts, names: how far to look."""
        by_text = self._places(names) if texts == EVERYTHING else self._in_messages(texts)
        by_name = self._named() if names == EVERYTHING else self._in_tickets(names)
        statement = sql(
            "WITH {}, {} SELECT 0, number, max(key)"
            " FROM (SELECT * FROM by_text UNION ALL SELECT * FROM by_name) u GROUP BY number HAVING {}",
            by_text,
            by_name,
            self.within("max(key)"),
        )
        if texts != EVERYTHING:
            statement = sql(
                "{} UNION ALL {}", statement, self._edge(1, "hits", "tickets_message", "id", texts * self.messages)
            )
        if names != EVERYTHING:
            edge = self._edge(2, "by_name", "tickets_ticket", "newest_message", names * self.tickets)
            statement = sql("{} UNION ALL {}", statement, edge)
        if texts == names == EVERYTHING:
            statement = sql(f"{{}} ORDER BY 3 {self.order} LIMIT {self.limit}", statement)
        return self._seen(self.fetch(statement))

    def _seen(self, rows: list[Any]) -> Seen:
        looked = {what: (hits, edge) for what, hits, edge in rows if what}
        found = self.sorted((number, key) for what, number, key in rows if not what)
        edges = [edge for _hits, edge in looked.values() if edge is not None]
        sure = found
        if edges:
            edge = min(edges) if self.forward else max(edges)
            sure = [row for row in found if (row[1] <= edge if self.forward else row[1] >= edge)]
        full = len(sure) >= self.limit
        hits = (looked.get(1, (0,))[0], looked.get(2, (0,))[0])
        return Seen((sure if full else found)[: self.limit], full or not edges, hits)

    def in_each_ticket(self) -> Keys:
        columns = ("number", "newest_message", "subject", "customer_id")
        statement = sql(
            "SELECT number, key FROM (SELECT t.number, {} AS key FROM ({}) t) u WHERE key IS NOT NULL AND {}"
            f" ORDER BY key {self.order} LIMIT {self.limit}",
            self.exact(),
            Sql(*self.seen.values(*columns).query.sql_with_params()),
            self.within("key"),
        )
        return self.sorted(self.fetch(statement))

    # ── By what is said ──

    def _in_messages(self, times: int) -> Sql:
        """hits: the messages in the window; by_text: their tickets."""
        window = self.newest("id, ticket_id, text", "tickets_message", "id", times * self.messages)
        return sql(
            f"hits AS MATERIALIZED (SELECT id, ticket_id FROM ({{}}) m WHERE {{}} LIMIT {self._most('hits')}), {{}}",
            window,
            matches("m.text", self.term.typed),
            self._by_text("SELECT ticket_id AS number, max(id) AS key FROM hits GROUP BY ticket_id", within_teams=True),
        )

    def _places(self, names: int) -> Sql:
        """by_text from the index. MATERIALIZED keeps PostgreSQL from walking through all messages instead."""
        return sql(
            "places AS MATERIALIZED (SELECT m.ticket_id AS number, max(m.id) AS key FROM tickets_message m"
            " WHERE {} AND {} GROUP BY m.ticket_id), {}",
            listed("m", "m.text", "id", self.term.typed, self.term.pattern),
            self._in_teams(),
            self._by_text("SELECT number, key FROM places", known=names == EVERYTHING),
        )

    def _by_text(self, hits: str, *, known: bool = False, within_teams: bool = False) -> Sql:
        if self.bound is None or known:
            return sql(
                f"by_text AS (SELECT h.number, h.key FROM ({hits}) h WHERE {{}})", self.counts("h.number", within_teams)
            )
        # On a later page: a ticket may have been shown already, for a newer message or for its name.
        return sql(
            f"by_text AS (SELECT t.number, {{}} AS key FROM ({hits}) h"
            " JOIN tickets_ticket t ON t.number = h.number WHERE {})",
            self.exact(),
            self.counts("h.number", within_teams),
        )

    # ── By what a ticket is called, and whose it is ──

    def _in_tickets(self, times: int) -> Sql:
        columns = "number, newest_message, subject, customer_id"
        return sql(
            "by_name AS MATERIALIZED (SELECT t.number, t.newest_message AS key FROM ({}) t"
            f" WHERE CASE WHEN {{}} THEN {{}} END LIMIT {self._most('by_name')})",
            self.newest(columns, "tickets_ticket", "newest_message", times * self.tickets),
            self.named(),
            self.counts("t.number", within_teams=True),
        )

    def _named(self) -> Sql:
        """by_name from the indexes."""
        term = self.term
        return sql(
            "people AS MATERIALIZED (SELECT c.id FROM customers_customer c WHERE {}"
            " UNION SELECT l.customer_id FROM channels_app_address a"
            " JOIN customers_customeraddress l ON l.address_id = a.id WHERE {}),"
            " named AS MATERIALIZED (SELECT t.number, t.newest_message AS key FROM tickets_ticket t WHERE {}"
            " UNION ALL SELECT t.number, t.newest_message FROM tickets_ticket t"
            " WHERE t.customer_id IN (SELECT id FROM people)),"
            " by_name AS (SELECT n.number, n.key FROM named n WHERE {})",
            listed("c", "c.name", "id", [term.literal]),
            listed("a", ADDRESS, "id", term.addresses),
            listed("t", "t.subject", "number", [term.literal]),
            self.counts("n.number"),
        )

    def named(self) -> Sql:
        """Whether a ticket t matches by itself: in its subject, its customer's name or addresses.

        Scalar subqueries, which are looked up one by one; joined, PostgreSQL may read all customers.
        """
        return sql(
            "({} OR (SELECT count(*) FROM customers_customer c WHERE c.id = t.customer_id AND {}) > 0"
            " OR (SELECT count(*) FROM customers_customeraddress l JOIN channels_app_address a ON a.id = l.address_id"
            " WHERE l.customer_id = t.customer_id AND {}) > 0)",
            matches("t.subject", [self.term.literal]),
            matches("c.name", [self.term.literal]),
            matches(ADDRESS, self.term.addresses),
        )

    def exact(self) -> Sql:
        """The key of a ticket t."""
        return sql(
            "CASE WHEN {} THEN t.newest_message"
            " ELSE (SELECT max(x.id) FROM tickets_message x WHERE x.ticket_id = t.number AND {}) END",
            self.named(),
            matches("x.text", self.term.typed),
        )

    # ── Windows ──

    def newest(self, columns: str, table: str, key: str, limit: int) -> Sql:
        """The newest rows of what the agent may see: by one index, or by one walk per team."""
        scopes = [TRUE] if self.teams is None else [_in_team(team) for team in self.teams]
        end = f"ORDER BY {key} {self.order} LIMIT {limit}"
        walks = [
            sql(f"SELECT {columns} FROM {table} WHERE {{}} AND {{}} {end}", scope, self.within(key))
            for scope in scopes
        ]  # fmt: skip
        if len(walks) == 1:
            return walks[0]
        each = [sql(f"SELECT * FROM ({{}}) w{place}", walk) for place, walk in enumerate(walks)]
        return sql(f"SELECT * FROM ({{}}) w {end}", join(" UNION ALL ", each))

    def _edge(self, what: int, name: str, table: str, key: str, limit: int) -> Sql:
        """(what, how many were found, the last key looked at; NULL where nothing lies beyond it)."""
        most, column = self._most(name), "id" if name == "hits" else "key"
        return sql(
            f"SELECT {what}, (SELECT count(*) FROM {name}), CASE WHEN (SELECT count(*) FROM {name}) = {most}"
            f" THEN (SELECT {self.furthest}({column}) FROM {name})"
            f" ELSE (SELECT {self.furthest}({key}) FROM ({{}}) e HAVING count(*) = {limit}) END",
            self.newest(key, table, key, limit),
        )

    def _most(self, name: str) -> int:
        return HITS * self.limit if name == "hits" else self.limit

    # ── What counts ──

    def within(self, column: str) -> Sql:
        """On this page's side of the key that was given."""
        if self.bound is None:
            return TRUE
        return sql(f"{column} {'>' if self.forward else '<'} {{}}", self.bound)

    def counts(self, column: str, within_teams: bool = False) -> Sql:
        """Whether the ticket with that number is one of those asked for. within_teams: the window saw to its team."""
        asked = self.found if within_teams and self.teams is not None else self.seen
        if not asked.query.where:
            return TRUE
        one = asked.filter(number=RawSQL(column, ())).values("number")  # noqa: S611 (a name of ours)
        text, params = one.query.sql_with_params()
        # LIMIT keeps PostgreSQL from reading all of them first.
        return Sql(f"EXISTS ({text} LIMIT 1 OFFSET 0)", params)

    def _in_teams(self) -> Sql:
        """As the index of messages has it, which is read once for each of them; a phone number is rare enough."""
        if connection.vendor != "postgresql" or self.term.pattern:
            return TRUE
        if self.teams is None or len(self.teams) > FEW_TEAMS:
            return TRUE
        return Sql(f"coalesce(m.team_id, 0) IN ({', '.join(str(team or 0) for team in self.teams)})")

    def sorted(self, rows: Iterable[tuple[int, int]]) -> Keys:
        return sorted(rows, key=lambda row: row[1], reverse=not self.forward)

    def fetch(self, statement: Sql) -> list[Any]:
        # Never as a prepared statement (Django's default): a plan made for any word would suit none.
        with connection.cursor() as cursor:
            cursor.execute(statement.text, statement.params)
            return list(cursor.fetchall())


def _in_team(team: int | None) -> Sql:
    return Sql("team_id IS NULL") if team is None else sql("team_id = {}", team)
