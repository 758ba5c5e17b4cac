"""Beside the list and above it: views, teams and channels with their counts, and what an address asks to see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db import connection
from django.db.models import Count, Q, Value
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from agents.models import Agent, Sight, Team
from channels_app import registry
from channels_app.contract import Words
from channels_app.models import Channel
from tickets import glances, hits, lists, people
from tickets.models import Ticket, TicketQuerySet
from tickets.pages import number
from tickets.sla.models import State

S = Ticket.Status
ROWS = 40
# Beyond that a count says that it is many; nobody counts on.
MANY_UNREAD = 100

# ── Places: the views, teams and channels beside the list ────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Place:
    """A team or a channel that one may see."""

    id: int
    name: str
    icon: str = "users"
    playground: bool = False
    website: bool = False
    """It stands in the pages of a made-up shop, too."""
    trouble: str = ""
    """"auth": the platform refuses the channel's credentials."""


@dataclass(frozen=True, slots=True)
class Places:
    sight: Sight
    teams: Sequence[Place]
    channels: Sequence[Place]

    def playgrounds(self) -> list[Place]:
        return [place for place in self.channels if place.playground]

    def websites(self) -> list[Place]:
        return [place for place in self.channels if place.website]

    def troubles(self) -> list[Place]:
        """Channels that an administrator has to see to; nobody else can."""
        return [place for place in self.channels if place.trouble] if self.sight.teams is None else []


def places(agent: Agent) -> Places:
    """Teams, channels and with them the sight, in one statement."""
    teams, channels = Team.objects.all(), Channel.objects.all()
    if not agent.is_admin:
        own = agent.teams.through.objects.filter(agent_id=agent.pk).values("team_id")
        teams = teams.filter(pk__in=own)
        channels = channels.filter(Q(team_id__in=own) | Q(team=None))
    marked = teams.order_by().annotate(what=Value("team"), of=Value(""), no=Value(""))
    named = marked.values_list("what", "pk", "name", "of", "no")
    told = channels.order_by().annotate(what=Value("channel"))
    ours = told.values_list("what", "pk", "name", "kind", "failure_category")
    rows = sorted(named.union(ours, all=True), key=lambda row: (row[2].casefold(), row[1]))
    team_places = [Place(pk, name) for what, pk, name, _of, _no in rows if what == "team"]
    channel_places = [_channel(pk, name, kind, no) for what, pk, name, kind, no in rows if what == "channel"]
    sight = Sight(None if agent.is_admin else frozenset(place.id for place in team_places))
    return Places(sight, team_places, channel_places)


def _channel(pk: int, name: str, kind: str, trouble: str) -> Place:
    try:
        adapter = registry.adapter(kind)
    except registry.UnknownKind:
        return Place(pk, name, "unplug")
    tried = settings.SANDBOX_ENABLED
    return Place(pk, name, adapter.icon, adapter.has_playground and tried, adapter.on_websites and tried, trouble)


def _key(text: str | None) -> int | None:
    """A key of a page; those of due times are longer than a column."""
    text = text or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 36 else None


# ── Which list ───────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class View:
    name: str
    title: Words
    icon: str
    empty: Words
    hint: Words


NEW_ONES = _("New ones appear here by themselves.")
VIEWS = {
    view.name: view
    for view in (
        View("mine", _("Mine"), "user-round", _("Nothing waits for you"), _("Take a ticket from Unassigned.")),
        View("unassigned", _("Unassigned"), "inbox", _("Every ticket has an owner"), NEW_ONES),
        View("open", _("All open"), "messages-square", _("No open tickets"), NEW_ONES),
        View(
            "at_risk", _("SLA at risk"), "timer", _("Nothing is late"), _("What is nearly due or overdue stands here.")
        ),
        View("snoozed", _("Snoozed"), "alarm-clock", _("Nothing is snoozed"), _("They come back at their time.")),
        View("resolved", _("Resolved"), "circle-check", _("Nothing is resolved yet"), _("Done tickets are kept here.")),
    )
}
OF_PLACE = View("place", _("Open"), "inbox", _("No open tickets here"), NEW_ONES)
OF_SEARCH = View(
    "search", _("Search"), "search", _("Nothing was found"), _("Try fewer or other words, or a phone number.")
)
OF_CUSTOMER = View(
    "customer",
    _("Customer"),
    "contact",
    _("No tickets of this customer"),
    _("Others may be in teams that are not yours."),
)
OF_TAG = View("tag", _("Tag"), "tag", _("No tickets with this tag"), _("Tags are given in the ticket’s head."))
GONE = View(
    "gone", _("Not there"), "unplug", _("This team or channel is not there any more"), _("Choose another view.")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What the address says is to be listed; an unknown word falls back to what is open."""

    view: str = "open"
    team: int | None = None
    channel: int | None = None
    customer: int | None = None
    tag: str = ""
    q: str = ""
    sort: str = ""
    """due: what is due first, and nothing else; "": the newest activity first."""
    before: int | None = None

    @classmethod
    def of(cls, query: QueryDict) -> Selection:
        view = query.get("view", "open")
        return cls(
            view=view if view in VIEWS else "open",
            team=number(query.get("team")),
            channel=number(query.get("channel")),
            customer=number(query.get("customer")),
            tag=" ".join(query.get("tag", "").replace("\x00", "").split())[:60],
            q=query.get("q", "").strip()[:200],
            sort="due" if query.get("sort") == "due" else "",
            before=_key(query.get("before")),
        )

    @property
    def by_due(self) -> bool:
        if self.q or self.customer or self.tag:
            return False
        return self.sort == "due" if self.can_be_by_due else self.view == "at_risk"

    @property
    def can_be_by_due(self) -> bool:
        """Where one may choose the order."""
        if self.q or self.customer or self.tag:
            return False
        return bool(self.team or self.channel) or self.view in ("mine", "unassigned", "open")

    @property
    def badge(self) -> str:
        """The name of its count; "" for a list that has none."""
        if self.q or self.customer or self.tag:
            return ""
        if self.team or self.channel:
            return f"team-{self.team}" if self.team else f"channel-{self.channel}"
        return self.view

    @property
    def costly(self) -> bool:
        """It takes statements of its own to know what belongs to it."""
        return bool(self.q or self.tag)

    @property
    def query(self) -> str:
        """As it stands in addresses: only what differs from the default."""
        given: list[tuple[str, object]] = []
        if self.q:
            given = [("q", self.q)]
        elif self.customer or self.tag:
            given = [("customer", self.customer)] if self.customer else [("tag", self.tag)]
        elif self.team or self.channel:
            given = [("team", self.team)] if self.team else [("channel", self.channel)]
        elif self.view != "open":
            given = [("view", self.view)]
        if self.sort and self.can_be_by_due:
            given.append(("sort", self.sort))
        return urlencode(given)

    @property
    def other_order(self) -> str:
        """The same list in the other order, as an address."""
        return "/?" + replace(self, sort="" if self.sort else "due", before=None).query

    def filters(self, agent: Agent) -> lists.Filters:
        if self.q:
            return lists.Filters(q=self.q)
        if self.customer or self.tag:
            return lists.Filters(customer=self.customer, tag="" if self.customer else self.tag)
        if self.team or self.channel:
            return lists.Filters(status=S.OPEN, team=self.team, channel=self.channel)
        return {
            "mine": lists.Filters(status=S.OPEN, assignee=agent.pk),
            "unassigned": lists.Filters(status=S.OPEN, assignee=0),
            "open": lists.Filters(status=S.OPEN),
            "at_risk": lists.Filters(status=S.OPEN, sla="either"),
            "snoozed": lists.Filters(status=S.SNOOZED),
            "resolved": lists.Filters(status=S.RESOLVED),
        }[self.view]

    def described(self, here: Places, rows: Sequence[Ticket]) -> tuple[View, Words]:
        """(how it looks, its title); a customer's name is that of the rows."""
        if self.q:
            return OF_SEARCH, self.q
        if self.customer:
            return OF_CUSTOMER, (people.name_of(rows[0]) if rows else OF_CUSTOMER.title)
        if self.tag:
            return OF_TAG, self.tag
        if self.team or self.channel:
            wanted, among = (self.team, here.teams) if self.team else (self.channel, here.channels)
            found = next((place for place in among if place.id == wanted), None)
            return (replace(OF_PLACE, icon=found.icon), found.name) if found else (GONE, GONE.title)
        return VIEWS[self.view], VIEWS[self.view].title


def page(agent: Agent, selection: Selection, sight: Sight) -> lists.Page:
    """The rows that the address asks for; in a search with the words around each hit."""

    def reading(rows: TicketQuerySet, keys: dict[int, int]) -> TicketQuerySet:
        rows = for_rows(rows, agent)
        return hits.with_excerpts(rows, selection.q, keys) if selection.q else rows

    filters = selection.filters(agent)
    found = lists.page(
        agent, filters, before=selection.before, limit=ROWS, sight=sight, reading=reading, by_due=selection.by_due
    )
    if selection.q:
        hits.only_hits(found.rows, selection.q)
    return found


def for_rows(rows: TicketQuerySet, agent: Agent) -> TicketQuerySet:
    """With all that a row of the list shows, in one statement; its tags stand in the ticket's head."""
    rows = rows.select_related("channel", "assignee", "customer", "address").defer("clocks")
    return glances.marked(rows, agent.pk)


# ── Counts ───────────────────────────────────────────────────────────────────────────────────


def badges(agent: Agent, sight: Sight) -> dict[str, int]:
    """Every count beside the list, in one statement over what is unresolved.

    unread, new: what this agent has not read, of what is theirs and of what is nobody's; both are told in the
    title of the browser's tab. Nobody counts on beyond MANY_UNREAD.
    """
    unresolved = Ticket.objects.seen_with(sight).unresolved().order_by()
    counted = unresolved.values_list("team_id", "channel_id").annotate(
        mine=Count("pk", filter=Q(assignee=agent, status=S.OPEN)),
        unassigned=Count("pk", filter=Q(assignee=None, status=S.OPEN)),
        open=Count("pk", filter=Q(status=S.OPEN)),
        snoozed=Count("pk", filter=Q(status=S.SNOOZED)),
        at_risk=Count("pk", filter=Q(status=S.OPEN, sla_state__in=(State.AT_RISK, State.BREACHED))),
    )
    unread = unresolved.filter(glances.unread(agent.pk), status=S.OPEN).values_list("pk")
    found = dict.fromkeys(("mine", "unassigned", "open", "snoozed", "at_risk", "unread", "new"), 0)
    for team, channel, mine, unassigned, opened, snoozed, at_risk, *fresh in _with_unread(
        counted, unread.filter(assignee=agent), unread.filter(assignee=None)
    ):
        found["unread"] += fresh[0]
        found["new"] += fresh[1]
        counts = {"mine": mine, "unassigned": unassigned, "open": opened, "snoozed": snoozed, "at_risk": at_risk}
        for name, value in counts.items():
            found[name] += value
        for name in (f"team-{team}", f"channel-{channel}") if channel else ():
            found[name] = found.get(name, 0) + opened
    return found


def _with_unread(counted: Any, mine: Any, unassigned: Any) -> list[Any]:
    """The counts, and in the same statement how many rows the two others have: each by an index of its own."""
    text, params = counted.query.sql_with_params()
    mine_text, mine_params = mine[:MANY_UNREAD].query.sql_with_params()
    new_text, new_params = unassigned[:MANY_UNREAD].query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT counted.*, 0, 0 FROM ({text}) counted"  # noqa: S608 (made of querysets, all values are parameters)
            f" UNION ALL SELECT NULL, NULL, 0, 0, 0, 0, 0, count(*), 0 FROM ({mine_text}) mine"
            f" UNION ALL SELECT NULL, NULL, 0, 0, 0, 0, 0, 0, count(*) FROM ({new_text}) fresh",
            [*params, *mine_params, *new_params],
        )
        return list(cursor.fetchall())
