"""What a customer is told who writes while nobody is there: once per conversation until it opens again.

The ticket waits as any other does; this is only a word. It goes the way of everything that no person sends
(``automatic``), so no machine is answered and no two of them begin to talk.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from agents.hours.calendar import Calendar
from channels_app.contract import InboundMessage
from channels_app.hours import book
from tickets import automatic, threads
from tickets.models import Courtesy, Ticket

OPENS = "{opens}"
NEVER = timedelta(days=7)
"""Hours that never open: said again after so long."""


def tell(ticket: Ticket, news: InboundMessage) -> bool:
    """Whether it was told just now. The caller holds the ticket, and the message stands on it.

    Costs no statement while it is open, or where nothing is to be said.
    """
    known = book.get()
    words = known.away(ticket.team_id, ticket.channel_id)
    if words is None or ticket.waiting_since is None or threads.is_silent(news) or news.standby:
        return False
    calendar, now = known.of(ticket.team_id, ticket.channel_id), timezone.now()
    if calendar is None or calendar.is_open(now):
        return False
    opens = calendar.next_open(now)
    if _was_told(ticket, now):
        return False
    sent = automatic.send(ticket, lambda: text(words.texts, opens, calendar))
    if sent is not None:
        Courtesy.objects.update_or_create(ticket=ticket, defaults={"away_until": opens or now + NEVER})
    return sent is not None


def _was_told(ticket: Ticket, now: datetime) -> bool:
    """In this conversation, be it on another of its tickets (each mail may begin one)."""
    told = Q(ticket=ticket) | Q(ticket__address=ticket.address_id)
    return Courtesy.objects.filter(told, away_until__gt=now).exists()


def text(texts: Mapping[str, str], opens: datetime | None, calendar: Calendar) -> str:
    """In the language that is active; a language without words of its own has ours."""
    own = texts.get(get_language() or "", "").strip()
    when = moment(opens, calendar) if opens else _("later")
    return (own or standard()).replace(OPENS, when)


def standard() -> str:
    """Our own words, for a language that was left empty."""
    return _("Thank you for your message. Nobody is here right now; we are back {opens} and will answer then.")


def moment(at: datetime, calendar: Calendar) -> str:
    """A time on the clock of who opens, said so that it is clear whose clock it is: "Monday, 9:00 (WIB)"."""
    there = at.astimezone(ZoneInfo(calendar.zone))
    today = timezone.now().astimezone(ZoneInfo(calendar.zone)).date()
    near = timedelta() <= there.date() - today < timedelta(days=7)
    day = date_format(there, "l") if near else date_format(there, "l, j F")
    return f"{day}, {there:%H:%M} ({there.tzname()})"
