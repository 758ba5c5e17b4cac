"""Schedules and holidays, and which team keeps which. A channel's own stand with the channel (channels_app)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from agents.hours import weekly
from agents.hours.calendar import Calendar, Span
from agents.models import Team

Hours = list[list[str]]
"""One day's intervals as they are written, see ``weekly``."""
LONGEST_RANGE = timedelta(days=366)


def no_week() -> list[Hours]:
    return [[] for _day in range(7)]


def check_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValidationError(_("This time zone is not known.")) from error


def check_week(value: Any) -> None:
    try:
        weekly.week(value)
    except weekly.Unreadable as error:
        raise ValidationError(str(error)) from error


def check_hours(value: Any) -> None:
    try:
        weekly.spans(value)
    except weekly.Unreadable as error:
        raise ValidationError(str(error)) from error


class Closable(models.Model):
    """ "Closed today": from when somebody said so until local midnight, or until they open again.

    Only the newest closure is kept, also after it is over: clocks that ran through it still leave it out.
    """

    closed_from = models.DateTimeField(null=True, blank=True)
    closed_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True

    @property
    def zone(self) -> str:
        raise NotImplementedError

    def shut(self) -> tuple[tuple[datetime, datetime], ...]:
        if self.closed_from is None or self.closed_until is None or self.closed_until <= self.closed_from:
            return ()
        return ((self.closed_from, self.closed_until),)

    def is_shut(self, at: datetime) -> bool:
        return any(start <= at < end for start, end in self.shut())

    def close_today(self, at: datetime) -> None:
        """Until the next midnight there; asked for again, nothing changes."""
        if not self.is_shut(at):
            self.closed_from, self.closed_until = at, next_midnight(self.zone, at)
            self.save(update_fields=["closed_from", "closed_until"])

    def open_again(self, at: datetime) -> None:
        if self.is_shut(at):
            self.closed_until = at
            self.save(update_fields=["closed_until"])


def next_midnight(zone: str, at: datetime) -> datetime:
    tomorrow = at.astimezone(ZoneInfo(zone)).date() + timedelta(days=1)
    return datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=ZoneInfo(zone)).astimezone(at.tzinfo)


class Schedule(Closable):
    """Opening hours of a week in one time zone, with the dates that are different."""

    name = models.CharField(_("name"), max_length=100)
    team = models.ForeignKey(Team, on_delete=models.SET_NULL, null=True, blank=True, related_name="schedules")
    """Whose leads may change it, too; None: administrators alone."""
    time_zone = models.CharField(_("time zone"), max_length=64, validators=[check_zone])
    weekly = models.JSONField(default=no_week, validators=[check_week])
    is_default = models.BooleanField(default=False)
    """Of whatever has no hours of its own."""
    feed_url = models.URLField(_("calendar feed"), max_length=500, default="", blank=True)
    feed_due_at = models.DateTimeField(null=True, blank=True)
    """When it is fetched next; whoever fetches it moves it first, so that nobody else does."""
    feed_at = models.DateTimeField(null=True, blank=True)
    """When it was last read whole."""
    feed_error = models.TextField(default="", blank=True)
    """Why it was not read the last time, as an English source text; "" when it was."""
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("name"), name="schedule_name_once"),
            models.UniqueConstraint(fields=["is_default"], condition=models.Q(is_default=True), name="one_default"),
        ]
        indexes = [
            models.Index(
                fields=["feed_due_at"], name="schedule_feed_due", condition=models.Q(feed_due_at__isnull=False)
            )
        ]
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> str:
        return self.time_zone

    def calendar(self, holidays: Iterable[Holiday]) -> Calendar:
        """holidays: its own. Two on one date: closed wins over hours, the later over the earlier."""
        special: dict[date, tuple[Span, ...]] = {}
        for row in sorted(holidays, key=lambda row: (not row.hours, row.pk or 0)):
            spans = weekly.spans(row.hours)
            special.update(dict.fromkeys(row.days(), spans))
        return Calendar(self.time_zone, weekly.week(self.weekly), special, self.shut())


class Holiday(models.Model):
    """A date, or several in a row, with no hours or with hours of their own."""

    class Source(models.TextChoices):
        MANUAL = "manual", _("By hand")
        FILE = "file", _("From a file")
        FEED = "feed", _("From the feed")

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="holidays")
    first = models.DateField(_("first day"))
    last = models.DateField(_("last day"))
    name = models.CharField(_("name"), max_length=200, default="", blank=True)
    source = models.CharField(max_length=6, choices=Source.choices, default=Source.MANUAL)
    hours = models.JSONField(default=list, blank=True, validators=[check_hours])
    """[]: closed."""

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(last__gte=models.F("first")), name="holiday_ends_after_it_begins")
        ]
        indexes = [models.Index(fields=["schedule", "last"], name="holiday_of_schedule")]
        ordering = ["first", "last", "id"]

    def __str__(self) -> str:
        return f"{self.first} {self.name}".strip()

    def days(self) -> Iterator[date]:
        day = self.first
        while day <= min(self.last, self.first + LONGEST_RANGE):
            yield day
            day += timedelta(days=1)


class Away(models.Model):
    """What customers are told while nobody is there: one text per language, ``{opens}`` in it is filled."""

    away_on = models.BooleanField(default=False)
    away_texts = models.JSONField(default=dict, blank=True)
    """{"id": "Kami buka lagi {opens}."}; a language without one gets our own words."""

    class Meta:
        abstract = True


class TeamHours(Closable, Away):
    """A team's schedule; without one, the default's."""

    team = models.OneToOneField(Team, on_delete=models.CASCADE, primary_key=True, related_name="hours")
    schedule = models.ForeignKey(Schedule, on_delete=models.SET_NULL, null=True, blank=True, related_name="teams")

    def __str__(self) -> str:
        return f"hours of {self.team_id}"

    @property
    def zone(self) -> str:
        return self.schedule.time_zone if self.schedule else str(settings.TIME_ZONE)
