"""What the inbox's pages show: places and counts beside the list, a ticket's messages in their order.

Everything here is bounded: a page costs the same few statements whatever the length of list or ticket.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import BooleanField, Count, ExpressionWrapper, Q, Subquery, Value
from django.db.models.functions import Coalesce
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from agents.models import Agent, Sight, Team
from channels_app import outbound, registry
from channels_app.contract import Abilities, Conversation, Words
from channels_app.models import Channel
from tickets import lists, wording
from tickets.models import Activity, Message, Ticket

S = Ticket.Status
ROWS = 40
MESSAGES = 50
LINES = 100
SAME_BREATH = timedelta(minutes=5)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


# ── Places: the views, teams and channels beside the list ────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Place:
    """A team or a channel that one may see."""

    id: int
    name: str
    icon: str = "users"
    playground: bool = False


@dataclass(frozen=True, slots=True)
class Places:
    sight: Sight
    teams: Sequence[Place]
    channels: Sequence[Place]

    def playgrounds(self) -> list[Place]:
        return [place for place in self.channels if place.playground]


def places(agent: Agent) -> Places:
    newer: str = ""
    """The key after which the page behind goes on; "" when this is the end."""
    """Teams, channels and with them the sight, in one statement."""
    teams, channels = Team.objects.all(), Channel.objects.all()
    if not agent.is_admin:
        own = agent.teams.through.objects.filter(agent_id=agent.pk).values("team_id")
        teams = teams.filter(pk__in=own)
        channels = channels.filter(Q(team_id__in=own) | Q(team=None))
    named = teams.order_by().annotate(what=Value("team"), of=Value("")).values_list("what", "pk", "name", "of")
    ours = channels.order_by().annotate(what=Value("channel")).values_list("what", "pk", "name", "kind")
    rows = sorted(named.union(ours, all=True), key=lambda row: (row[2].casefold(), row[1]))
    team_places = [Place(pk, name) for what, pk, name, _of in rows if what == "team"]
    channel_places = [_channel(pk, name, kind) for what, pk, name, kind in rows if what == "channel"]
    sight = Sight(None if agent.is_admin else frozenset(place.id for place in team_places))
    return Places(sight, team_places, channel_places)


def _channel(pk: int, name: str, kind: str) -> Place:
    try:
def later(ticket: Ticket, after: str) -> Stream:
    """The messages right after a key; from the beginning where it is none."""
    found = readable(Message.objects.filter(ticket=ticket))
    lines = Activity.objects.filter(ticket=ticket).exclude(type__startswith="message.")
    edge = _edge(after)
    if edge is not None:
        at, pk = edge
        found = found.filter(Q(at__gt=at) | Q(at=at, pk__gt=pk))
        lines = lines.filter(seq__gt=_first_line_of(pk))
    rows = list(found.order_by("at", "pk")[: MESSAGES + 1])
    rows, behind = rows[:MESSAGES], rows[MESSAGES:]
    if behind:
        lines = lines.filter(seq__lt=_first_line_of(behind[0].pk))
    newer = _key(rows[-1].at, rows[-1].pk) if behind else ""
    return Stream(arranged(rows, list(lines.order_by("seq")[:LINES])), rows, "", newer)


def around(ticket: Ticket, message_id: int) -> Stream:
    """A message that was looked for, with those before and after it; where it is not there, the newest."""
    own = Message.objects.filter(ticket=ticket)
    at = Subquery(own.filter(pk=message_id).values("at")[:1])
    before = own.filter(Q(at__lt=at) | Q(at=at, pk__lte=message_id)).order_by("-at", "-pk").values("pk")
    after = own.filter(Q(at__gt=at) | Q(at=at, pk__gt=message_id)).order_by("at", "pk").values("pk")
    half = MESSAGES // 2
    near = own.filter(Q(pk__in=before[: half + 2]) | Q(pk__in=after[: half + 1]))
    rows = list(readable(near).order_by("at", "pk"))
    place = next((place for place, row in enumerate(rows) if row.pk == message_id), None)
    if place is None:
        return stream(ticket)
    behind = rows[place + half + 1 :]
    first = max(place - half, 0)
    rows = rows[first : place + half + 1]
    lines = Activity.objects.filter(ticket=ticket).exclude(type__startswith="message.")
    if first:
        lines = lines.filter(seq__gte=_first_line_of(rows[0].pk))
    if behind:
        lines = lines.filter(seq__lt=_first_line_of(behind[0].pk))
    items = arranged(rows, list(lines.order_by("-seq")[:LINES])[::-1])
    older, newer = (_key(row.at, row.pk) if more else "" for row, more in ((rows[0], first), (rows[-1], behind)))
    return Stream(items, rows, older, newer)


        adapter = registry.adapter(kind)
    except registry.UnknownKind:
        return Place(pk, name, "unplug")
    return Place(pk, name, adapter.icon, adapter.has_playground and settings.SANDBOX_ENABLED)


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
        View("snoozed", _("Snoozed"), "alarm-clock", _("Nothing is snoozed"), _("They come back at their time.")),
        View("resolved", _("Resolved"), "circle-check", _("Nothing is resolved yet"), _("Done tickets are kept here.")),
    )
}
OF_PLACE = View("place", _("Open"), "inbox", _("No open tickets here"), NEW_ONES)
OF_SEARCH = View(
    "search", _("Search"), "search", _("Nothing was found"), _("Try fewer or other words, or a phone number.")
)
GONE = View(
    "gone", _("Not there"), "unplug", _("This team or channel is not there any more"), _("Choose another view.")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What the address says is to be listed; an unknown word falls back to what is open."""

    view: str = "open"
    team: int | None = None
    channel: int | None = None
    q: str = ""
    before: int | None = None

    @classmethod
    def of(cls, query: QueryDict) -> Selection:
        view = query.get("view", "open")
        return cls(
            view=view if view in VIEWS else "open",
            team=number(query.get("team")),
            channel=number(query.get("channel")),
            q=query.get("q", "").strip()[:200],
            before=number(query.get("before")),
        )

    @property
    def badge(self) -> str:
        """The name of its count; "" for a search."""
        if self.q:
            return ""
        if self.team or self.channel:
            return f"team-{self.team}" if self.team else f"channel-{self.channel}"
        return self.view

    @property
    def query(self) -> str:
        """As it stands in addresses: only what differs from the default."""
        given: list[tuple[str, object]] = []
        if self.q:
            given = [("q", self.q)]
        elif self.team or self.channel:
            given = [("team", self.team)] if self.team else [("channel", self.channel)]
        elif self.view != "open":
            given = [("view", self.view)]
        return urlencode(given)

    def filters(self, agent: Agent) -> lists.Filters:
        if self.q:
            return lists.Filters(q=self.q)
        if self.team or self.channel:
            return lists.Filters(status=S.OPEN, team=self.team, channel=self.channel)
        return {
            "mine": lists.Filters(status=S.OPEN, assignee=agent.pk),
            "unassigned": lists.Filters(status=S.OPEN, assignee=0),
            "open": lists.Filters(status=S.OPEN),
            "snoozed": lists.Filters(status=S.SNOOZED),
            "resolved": lists.Filters(status=S.RESOLVED),
        }[self.view]

    def described(self, here: Places) -> tuple[View, Words]:
        """(how it looks, its title)."""
        if self.q:
            return OF_SEARCH, self.q
        if self.team or self.channel:
            wanted, among = (self.team, here.teams) if self.team else (self.channel, here.channels)
            found = next((place for place in among if place.id == wanted), None)
            return (replace(OF_PLACE, icon=found.icon), found.name) if found else (GONE, GONE.title)
        return VIEWS[self.view], VIEWS[self.view].title


def number(text: str | None) -> int | None:
    """A whole number that fits a column; None for anything else."""
    text = text or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def badges(agent: Agent, sight: Sight) -> dict[str, int]:
    """Every count beside the list, in one statement over what is unresolved."""
    rows = (
        Ticket.objects.seen_with(sight)
        .unresolved()
        .order_by()
        .values_list("team_id", "channel_id")
        .annotate(
            mine=Count("pk", filter=Q(assignee=agent, status=S.OPEN)),
            unassigned=Count("pk", filter=Q(assignee=None, status=S.OPEN)),
            open=Count("pk", filter=Q(status=S.OPEN)),
            snoozed=Count("pk", filter=Q(status=S.SNOOZED)),
        )
    )
    found = dict.fromkeys(("mine", "unassigned", "open", "snoozed"), 0)
    for team, channel, mine, unassigned, opened, snoozed in rows:
        for name, value in (("mine", mine), ("unassigned", unassigned), ("open", opened), ("snoozed", snoozed)):
            found[name] += value
        for name in (f"team-{team}", f"channel-{channel}"):
            found[name] = found.get(name, 0) + opened
    return found


# ── A ticket's messages ──────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Item:
    """One thing in the stream: a message, or lines of the log between messages."""

    at: datetime
    key: str
    day: str
    message: Message | None = None
    lines: list[tuple[Activity, str]] = field(default_factory=list)
    name: str = ""
    who: str = ""
    cont: bool = False
    """The same author went on within minutes: no name again."""
    first_of_day: bool = False


@dataclass(frozen=True, slots=True)
class Stream:
    items: Sequence[Item]
    messages: Sequence[Message]
    older: str
    """The key from which the page before goes on; "" when this is the beginning."""


def stream(ticket: Ticket, before: str = "") -> Stream:
    """The newest messages before a key, with what happened between them, oldest first."""
    found = readable(Message.objects.filter(ticket=ticket))
    edge = _edge(before)
    if edge is not None:
        at, pk = edge
        found = found.filter(Q(at__lt=at) | Q(at=at, pk__lt=pk))
    rows = list(found.order_by("-at", "-pk")[: MESSAGES + 1])
    older = len(rows) > MESSAGES
    rows = rows[:MESSAGES][::-1]
    oldest = rows[0] if older else None
    lines = _lines_beside(ticket, oldest, edge)
    return Stream(arranged(rows, lines), rows, _key(rows[0].at, rows[0].pk) if older else "")


def readable(found: Any) -> Any:
    """Messages with all that their template shows; a mail's HTML stays in the database."""
    return (
        found.for_reading()
        .select_related("reply_to__agent", "reply_to__address")
        .defer("html", "reply_to__html")
        .annotate(has_html=ExpressionWrapper(Q(html__isnull=False), output_field=BooleanField()))
    )


def _lines_beside(ticket: Ticket, oldest: Message | None, edge: tuple[datetime, int] | None) -> Sequence[Activity]:
    lines = Activity.objects.filter(ticket=ticket).exclude(type__startswith="message.")
    if oldest is not None:
        lines = lines.filter(seq__gte=_first_line_of(oldest.pk))
    if edge is not None:
        lines = lines.filter(seq__lt=_first_line_of(edge[1]))
    return list(lines.order_by("-seq")[:LINES])[::-1]


def _first_line_of(message_id: int) -> Any:
    """0 where the log is not kept so far back: then no line is older, and all there are come later."""
    first = Activity.objects.filter(message_id=message_id).order_by("seq").values("seq")[:1]
    return Coalesce(Subquery(first), Value(0))


def arranged(messages: Iterable[Message], lines: Iterable[Activity]) -> list[Item]:
    """In the order of time; lines of the log that follow each other become one item."""
    items = [_message_item(row) for row in messages]
    items += [_line_item(row) for row in lines]
    items.sort(key=lambda item: item.key)
    result: list[Item] = []
    for item in items:
        last = result[-1] if result else None
        item.first_of_day = last is None or last.day != item.day
        if last is not None and last.lines and item.lines and not item.first_of_day:
            last.lines += item.lines
            continue
        if last is not None and last.message and item.message and not item.first_of_day:
            item.cont = last.who == item.who and item.at - last.at < SAME_BREATH
        result.append(item)
    return result


def _message_item(row: Message) -> Item:
    return Item(
        at=row.at, key=_key(row.at, row.pk), day=_day(row.at), message=row,
        name=author_name(row), who=f"{row.direction}-{row.agent_id or ''}-{row.address_id or ''}",
    )  # fmt: skip


def _line_item(row: Activity) -> Item:
    # The platform's clock dates the first message, ours the ticket: it opens the stream all the same.
    at = EPOCH if row.type == "ticket.created" else row.at
    return Item(at=row.at, key=_key(at, 0), day=_day(row.at), lines=[(row, wording.of_line(row))])


def author_name(row: Message) -> str:
    if row.agent:
        return row.agent.name
    address = row.address
    if address is None:
        return ""
    link = getattr(address, "customer_link", None)
    return address.name or (link.customer.name if link else "") or address.external_id


def _key(at: datetime, pk: int) -> str:
    """Sorts as text as the stream does."""
    return f"{(at - EPOCH) // timedelta(microseconds=1):017d}.{pk:019d}"


def _edge(key: str) -> tuple[datetime, int] | None:
    at, _dot, pk = key.partition(".")
    if not (len(at) == 17 and at.isascii() and at.isdigit() and (found := number(pk.lstrip("0")))):
        return None
    try:
        return EPOCH + timedelta(microseconds=int(at)), found
    except OverflowError:
        return None


def _day(at: datetime) -> str:
    return timezone.localtime(at).date().isoformat()


# ── What the composer may do ─────────────────────────────────────────────────────────────────


def abilities(ticket: Ticket, messages: Sequence[Message]) -> Abilities:
    """From the rows at hand, without a statement; sending asks again, thoroughly."""
    last = next((row for row in reversed(messages) if "reply_handle" in row.extra), None)
    handle = last.extra["reply_handle"] if last else None
    if handle and handle.get("once") and any(_tried_since(row, last) for row in messages):
        handle = None
    conversation = Conversation(
        external_id=ticket.address.external_id,
        is_group=ticket.address.is_group,
        last_inbound_at=ticket.last_inbound_at,
        blocked=ticket.address.blocked_at is not None,
        reply_handle=handle,
        quota_left=ticket.channel.quota_left,
    )
    try:
        return outbound.abilities(ticket.channel, conversation)
    except registry.UnknownKind:
        return Abilities(closed=_("What connects this channel is not installed any more."))


def _tried_since(row: Message, last: Message | None) -> bool:
    return bool(last and row.first_attempt_at and row.first_attempt_at >= last.created_at)


def snooze_choices() -> list[tuple[Words, datetime]]:
    """Likely times, in the agent's own zone."""
    now = timezone.localtime()
    morning = now.replace(hour=9, minute=0, second=0, microsecond=0)
    return [
        (_("In one hour"), now + timedelta(hours=1)),
        (_("In three hours"), now + timedelta(hours=3)),
        (_("Tomorrow morning"), morning + timedelta(days=1)),
        (_("Next Monday"), morning + timedelta(days=7 - now.weekday())),
    ]
