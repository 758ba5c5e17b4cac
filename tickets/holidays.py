"""Holidays from elsewhere: a file that somebody uploads, or a feed that is read once a day.

What could not be read whole changes nothing: the holidays that were there stay, and the schedule says why.
"""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import structlog
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop as N_

from agents.hours import ical
from agents.hours.models import Holiday, Schedule
from channels_app import http
from channels_app.hours import book
from tickets.sla import watching

log = structlog.get_logger(__name__)

AGAIN = timedelta(days=1)
AFTER_FAILURE = timedelta(hours=1)
SECONDS = 20.0
Source = Holiday.Source


def sweep() -> None:
    """Read the feeds that are due (timetable)."""
    due = Schedule.objects.filter(feed_due_at__lte=timezone.now()).order_by("feed_due_at")
    for pk in due.values_list("pk", flat=True)[:20]:
        try:
            fetch(pk)
        except Exception:
            log.exception("a holiday feed could not be looked at", schedule=pk)


def fetch(pk: int) -> None:
    """Claim, read, put in place. A worker that dies on the way leaves it due in an hour."""
    now = timezone.now()
    if not Schedule.objects.filter(pk=pk, feed_due_at__lte=now).update(feed_due_at=now + AFTER_FAILURE):
        return
    schedule = Schedule.objects.get(pk=pk)
    try:
        days = ical.read(_get(schedule.feed_url), now.date())
    except ical.Unreadable as error:
        log.warning("a holiday feed was not read", schedule=pk, reason=str(error))
        Schedule.objects.filter(pk=pk, feed_url=schedule.feed_url).update(feed_error=str(error))
        return
    with transaction.atomic():
        # Whoever has changed the address meanwhile wants nothing of the old one.
        held = Schedule.objects.select_for_update().filter(pk=pk, feed_url=schedule.feed_url)
        if held.first() is not None:
            put(schedule, days, Source.FEED)
            held.update(feed_error="", feed_at=now, feed_due_at=now + AGAIN)


def _get(url: str) -> bytes:
    """Raises ical.Unreadable with words for whoever set the address."""
    try:
        answer = client(url).request(
            "GET", _web(url), follow=True, max_bytes=ical.MOST_BYTES, timeout=SECONDS,
            headers={"Accept": "text/calendar"},
        )  # fmt: skip
    except http.TooLarge as error:
        raise ical.Unreadable(N_("The calendar is larger than 1 MB.")) from error
    except http.Blocked as error:
        raise ical.Unreadable(N_("The address may not be used: it is private or not a web address.")) from error
    except http.HttpError as error:
        raise ical.Unreadable(N_("The calendar's server could not be reached.")) from error
    if not answer.ok:
        raise ical.Unreadable(N_("The calendar's server did not give the calendar."))
    return answer.body


def client(url: str) -> http.Http:
    """Never to private addresses: whoever may set a feed is no administrator of our network."""
    return http.Http()


def _web(url: str) -> str:
    """webcal: is what calendars call https:."""
    return "https:" + url[7:] if url.lower().startswith("webcal:") else url


@transaction.atomic
def put(schedule: Schedule, days: list[ical.Days], source: str) -> int:
    """In place of all that came from there before; gives how many there are."""
    Holiday.objects.filter(schedule=schedule, source=source).delete()
    Holiday.objects.bulk_create(
        [Holiday(schedule=schedule, first=one.first, last=one.last, name=one.name, source=source) for one in days],
        batch_size=500,
    )
    changed()
    return len(days)


def upload(schedule: Schedule, data: bytes) -> int:
    """Raises ical.Unreadable; then nothing has changed."""
    return put(schedule, ical.read(data, timezone.now().date()), Source.FILE)


def follow(schedule: Schedule, url: str) -> None:
    """Read this feed from now on ("": none); what another one brought goes. The timetable reads it within seconds."""
    if url != schedule.feed_url:
        Holiday.objects.filter(schedule=schedule, source=Source.FEED).delete()
    due = timezone.now() if url else None
    Schedule.objects.filter(pk=schedule.pk).update(feed_url=url, feed_due_at=due, feed_error="")


def is_address(url: str) -> bool:
    """Whether a feed can be there; "" is none."""
    try:
        parts = urlsplit(url)
        return not url or (parts.scheme.lower() in ("http", "https", "webcal") and bool(parts.hostname))
    except ValueError:
        return False


def changed(team_ids: list[int] | None = None) -> None:
    """Hours are others now: everybody reads them anew, and due times with them. Called by whoever changed them.

    team_ids: of these teams alone; None: of all.
    """
    book.forget()
    transaction.on_commit(lambda: watching.hours_changed(team_ids))
