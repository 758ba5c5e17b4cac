"""What a ticket's page shows: its messages in their order, what happened between them, what the composer may do.

Everything here is bounded: a page costs the same few statements whatever the length of list or ticket.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from channels_app import outbound, registry
from channels_app.contract import Abilities, Conversation, Words
from tickets import wording
from tickets.models import Activity, Message, Ticket
from tickets.profiles import LINE as QUIET

MESSAGES = 50
LINES = 100
SAME_BREATH = timedelta(minutes=5)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def number(text: str | None) -> int | None:
    """A whole number that fits a column; None for anything else."""
    text = text or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


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
    newer: str = ""
    """The key after which the page behind goes on; "" when this is the end."""


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


def later(ticket: Ticket, after: str) -> Stream:
    """The messages right after a key; from the beginning where it is none."""
    found = readable(Message.objects.filter(ticket=ticket))
    lines = _beside(ticket)
    edge = _edge(after)
    if edge is not None:
        at, pk = edge
        found = found.filter(Q(at__gt=at) | Q(at=at, pk__gt=pk))
        # That the ticket was opened stands at its beginning, wherever the log says it.
        lines = lines.filter(seq__gt=_first_line_of(pk)).exclude(type="ticket.created")
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
    lines = _beside(ticket)
    if first:
        lines = lines.filter(seq__gte=_first_line_of(rows[0].pk))
    if behind:
        lines = lines.filter(seq__lt=_first_line_of(behind[0].pk))
    items = arranged(rows, list(lines.order_by("-seq")[:LINES])[::-1])
    older, newer = (_key(row.at, row.pk) if more else "" for row, more in ((rows[0], first), (rows[-1], behind)))
    return Stream(items, rows, older, newer)


def readable(found: Any) -> Any:
    """Messages with all that their template shows; a mail's HTML stays in the database."""
    return (
        found.for_reading()
        .select_related("reply_to__agent", "reply_to__address")
        .defer("html", "reply_to__html")
        .annotate(has_html=ExpressionWrapper(Q(html__isnull=False), output_field=BooleanField()))
    )


def _beside(ticket: Ticket) -> QuerySet[Activity]:
    return Activity.objects.filter(ticket=ticket).exclude(type__startswith="message.").exclude(type=QUIET)


def in_stream(line: Activity) -> bool:
    """A line of its own between the messages; a new picture of the customer shows in the head alone."""
    return not line.type.startswith("message.") and line.type != QUIET


def _lines_beside(ticket: Ticket, oldest: Message | None, edge: tuple[datetime, int] | None) -> Sequence[Activity]:
    lines = _beside(ticket)
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
    if len(items) > 1 and items[0].key == _key(EPOCH, 0):
        # That the ticket was opened belongs to the day of its first message.
        items[0].day = items[1].day
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
    return address.name or (link.customer.name if link else "") or address.handle


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
        erased=ticket.address.erased_at is not None,
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
    choices = [
        (_("In one hour"), now + timedelta(hours=1)),
        (_("In three hours"), now + timedelta(hours=3)),
        (_("Tomorrow morning"), morning + timedelta(days=1)),
        (_("Next Monday"), morning + timedelta(days=7 - now.weekday())),
    ]
    # On a Sunday the last two are one.
    return choices[:3] if choices[2][1] == choices[3][1] else choices
