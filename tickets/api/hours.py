"""Opening hours: schedules with their holidays, and which team and channel keeps which. Administrators write."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError as Wrong
from django.db import IntegrityError
from django.db.models import Q, QuerySet
from django.utils import timezone
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from agents.hours.models import LONGEST_RANGE, Holiday, Schedule, TeamHours, check_hours, check_week, check_zone
from agents.models import Agent, Sight, Team
from channels_app.hours import hours_for
from channels_app.models import ChannelHours
from tickets import holidays, opening, shapes
from tickets.api import pages, schema
from tickets.api.channels import seen_channels, team
from tickets.api.doors import Door, one, says
from tickets.api.inputs import Id, Line, Strict, Text, Yes, wrong

LONGEST_TEXT = 1000
MOST_SCHEDULES = 500
LANGUAGES = [code for code, _name in settings.LANGUAGES]
A = TypeVar("A", TeamHours, ChannelHours)

# ── Shapes ───────────────────────────────────────────────────────────────────────────────────


class ScheduleShape(schema.Shape):
    id = s.IntegerField()
    name = s.CharField()
    team = schema.Named(allow_null=True, help_text="Whose leads may change it, too.")
    time_zone = s.CharField()
    weekly = s.JSONField(help_text='Seven days, Monday first: [["09:00", "17:00"]]; an end before its start: next day.')
    is_default = s.BooleanField(help_text="Of whatever has no hours of its own.")
    open = s.BooleanField(help_text="Right now.")
    opens_at = s.DateTimeField(allow_null=True, help_text="Null: it is open, or does not open within two years.")
    feed_url = s.CharField(help_text="Of a holiday calendar; empty: none. Whoever may not change it sees the host.")
    feed_at = s.DateTimeField(allow_null=True, help_text="When it was last read whole.")
    feed_error = s.CharField()

    class Meta:
        ref_name = "Schedule"


class HolidayShape(schema.Shape):
    id = s.IntegerField()
    first = s.DateField()
    last = s.DateField(help_text="This one included.")
    name = s.CharField()
    hours = s.JSONField(help_text="Its intervals; none: closed.")
    source = s.ChoiceField(Holiday.Source.values)  # type: ignore[assignment]

    class Meta:
        ref_name = "Holiday"


class KeptShape(schema.Shape):
    schedule = schema.Named(allow_null=True, help_text="Null: a channel keeps its team's, a team the default.")
    open = s.BooleanField(help_text="Right now, by the hours that count.")
    opens_at = s.DateTimeField(allow_null=True)
    closed_until = s.DateTimeField(allow_null=True, help_text="Of a team that was closed by hand.")
    away_on = s.BooleanField(help_text="Customers who write while it is closed are told so.")
    away_texts = s.DictField(child=s.CharField(), help_text="By language; “{opens}” becomes the time of opening.")

    class Meta:
        ref_name = "KeptHours"


# ── What is taken ────────────────────────────────────────────────────────────────────────────


def _checked(check: Callable[[Any], None], value: Any) -> Any:
    try:
        check(value)
    except Wrong as error:
        raise s.ValidationError(error.messages) from error
    return value


class Week(s.JSONField):
    def to_internal_value(self, data: Any) -> Any:
        return _checked(check_week, super().to_internal_value(data))


class Hours(s.JSONField):
    def to_internal_value(self, data: Any) -> Any:
        return _checked(check_hours, super().to_internal_value(data))


class Zone(Line):
    def to_internal_value(self, data: Any) -> str:
        name: str = _checked(check_zone, super().to_internal_value(data))
        return name


class Feed(Text):
    def to_internal_value(self, data: Any) -> str:
        url = super().to_internal_value(data).strip()
        if not holidays.is_address(url):
            raise s.ValidationError("This is no web address like https://calendar.example/holidays.ics.")
        return url


class NewSchedule(Strict):
    name = Line(max_length=100)
    time_zone = Zone(max_length=64)
    weekly = Week(help_text='Seven days, Monday first, like [["09:00", "17:00"]].')
    team = Id(required=False, allow_null=True)
    is_default = Yes(required=False)
    feed_url = Feed(required=False, allow_blank=True, max_length=500)


class ScheduleChange(Strict):
    name = Line(max_length=100, required=False)
    time_zone = Zone(max_length=64, required=False)
    weekly = Week(required=False)
    team = Id(required=False, allow_null=True)
    is_default = Yes(required=False)
    feed_url = Feed(required=False, allow_blank=True, max_length=500)


class NewHoliday(Strict):
    first = s.DateField()
    last = s.DateField(required=False, help_text="Left out: it is one day.")
    name = Line(max_length=200, required=False, allow_blank=True)
    hours = Hours(required=False, help_text="Left out: closed.")

    def validate(self, attrs: Any) -> Any:
        last = attrs.setdefault("last", attrs["first"])
        if not timedelta() <= last - attrs["first"] <= LONGEST_RANGE:
            raise s.ValidationError({"last": ["This is before the first day, or more than a year after it."]})
        return attrs


class AwayTexts(s.DictField):
    child = Text(max_length=LONGEST_TEXT, allow_blank=True)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        given: dict[str, str] = super().to_internal_value(data)
        if unknown := given.keys() - set(LANGUAGES):
            words = f"This is not one of: {', '.join(LANGUAGES)}."
            raise s.ValidationError({name: [words] for name in unknown})
        return {code: text.strip() for code, text in given.items() if text.strip()}


class ChannelKept(Strict):
    schedule = Id(required=False, allow_null=True)
    away_on = Yes(required=False)
    away_texts = AwayTexts(required=False)


class TeamKept(ChannelKept):
    closed = Yes(required=False, help_text="True: for the rest of the day. False: open again.")


# ── Schedules ────────────────────────────────────────────────────────────────────────────────


def seen(sight: Sight) -> QuerySet[Schedule]:
    """Everybody's, those of one's own teams, and what one's own teams and channels keep."""
    found = Schedule.objects.select_related("team").prefetch_related("holidays")
    if sight.teams is None:
        return found
    kept = Q(is_default=True) | Q(pk__in=TeamHours.objects.filter(sight.where()).values("schedule"))
    kept |= Q(pk__in=ChannelHours.objects.filter(sight.where("channel__team_id")).values("schedule"))
    return found.filter(sight.where() | kept)


def _opens(row: Schedule, now: datetime) -> shapes.Json:
    calendar = row.calendar(row.holidays.all())
    is_open = calendar.is_open(now)
    return {"open": is_open, "opens_at": None if is_open else shapes.when(calendar.next_open(now))}


def may_change(door: Door, row: Schedule) -> bool:
    """As on the pages."""
    return door.agent.role != Agent.Role.AGENT and opening.may_change(door.agent, row, door.sight.teams or ())


def where(url: str) -> str:
    """Whose calendar it is. The rest of a private calendar's address is what opens it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}/" if parts.hostname else ""


def schedule_shape(row: Schedule, whole: bool = True) -> shapes.Json:
    return {
        "id": row.pk,
        "name": row.name,
        "team": {"id": row.team.pk, "name": row.team.name} if row.team else None,
        "time_zone": row.time_zone,
        "weekly": row.weekly,
        "is_default": row.is_default,
        **_opens(row, timezone.now()),
        "feed_url": row.feed_url if whole else where(row.feed_url),
        "feed_at": shapes.when(row.feed_at),
        "feed_error": row.feed_error,
    }


def _put(row: Schedule, given: dict[str, Any]) -> None:
    """Raises what becomes a 400; then nothing has changed."""
    feed = given.pop("feed_url", None)
    if "team" in given:
        row.team = team(given.pop("team"))
    for name, value in given.items():
        setattr(row, name, value)
    try:
        opening.keep(row, feed)
    except IntegrityError as error:
        raise wrong("name", "Another schedule has this name.") from error


class Schedules(Door):
    @says(ScheduleShape, listed=True)
    def get(self, request: Request) -> Response:
        """Those of your teams and channels, and everybody's."""
        rows, links = pages.by_key(request, seen(self.sight), {"pk": int})
        return Response(pages.listed(links, [schedule_shape(row, may_change(self, row)) for row in rows]))

    @says(ScheduleShape, status=201, takes=NewSchedule, problems=(403,))
    def post(self, request: Request) -> Response:
        """For administrators."""
        self.administrator()
        given, row = self.read(NewSchedule), Schedule()
        if Schedule.objects.count() >= MOST_SCHEDULES:
            raise wrong("name", f"There are at most {MOST_SCHEDULES} schedules.")
        _put(row, given)
        return Response(schedule_shape(one(seen(self.sight), pk=row.pk)), status=201)


class OneSchedule(Door):
    @says(ScheduleShape)
    def get(self, request: Request, schedule_id: int) -> Response:
        """A schedule."""
        row = one(seen(self.sight), pk=schedule_id)
        return Response(schedule_shape(row, may_change(self, row)))

    @says(ScheduleShape, takes=ScheduleChange, problems=(403,))
    def patch(self, request: Request, schedule_id: int) -> Response:
        """For administrators. Clocks that run by it follow."""
        self.administrator()
        _put(one(Schedule.objects.all(), pk=schedule_id), self.read(ScheduleChange))
        return self.get(request, schedule_id)

    @says(None, status=204, problems=(403,))
    def delete(self, request: Request, schedule_id: int) -> Response:
        """For administrators. Whoever kept it keeps their team's or the default's."""
        self.administrator()
        opening.drop(one(Schedule.objects.all(), pk=schedule_id))
        return Response(status=204)


# ── Holidays ─────────────────────────────────────────────────────────────────────────────────


def holiday_shape(row: Holiday) -> shapes.Json:
    return {
        "id": row.pk,
        "first": row.first.isoformat(),
        "last": row.last.isoformat(),
        "name": row.name,
        "hours": row.hours,
        "source": row.source,
    }


class Holidays(Door):
    @says(HolidayShape, listed=True)
    def get(self, request: Request, schedule_id: int) -> Response:
        """All of a schedule's, wherever they come from."""
        found = one(seen(self.sight), pk=schedule_id).holidays.all()
        rows, links = pages.by_key(request, found, {"pk": int})
        return Response(pages.listed(links, map(holiday_shape, rows)))

    @says(HolidayShape, status=201, takes=NewHoliday, problems=(403,))
    def post(self, request: Request, schedule_id: int) -> Response:
        """For administrators."""
        self.administrator()
        schedule = one(Schedule.objects.all(), pk=schedule_id)
        row = Holiday.objects.create(schedule=schedule, **self.read(NewHoliday))
        holidays.changed()
        return Response(holiday_shape(row), status=201)


class OneHoliday(Door):
    @says(None, status=204, problems=(403,))
    def delete(self, request: Request, schedule_id: int, holiday_id: int) -> Response:
        """For administrators. One that a feed brings comes again with it."""
        self.administrator()
        one(Holiday.objects.filter(schedule=schedule_id), pk=holiday_id).delete()
        holidays.changed()
        return Response(status=204)


# ── Who keeps which ──────────────────────────────────────────────────────────────────────────


def kept_shape(row: TeamHours | ChannelHours, team_id: int | None, channel_id: int | None) -> shapes.Json:
    calendar, now = hours_for(team_id, channel_id), timezone.now()
    is_open = calendar is None or calendar.is_open(now)
    shut = row.closed_until if isinstance(row, TeamHours) and row.is_shut(now) else None
    return {
        "schedule": {"id": row.schedule.pk, "name": row.schedule.name} if row.schedule else None,
        "open": is_open,
        "opens_at": None if is_open or calendar is None else shapes.when(calendar.next_open(now)),
        "closed_until": shapes.when(shut),
        "away_on": row.away_on,
        "away_texts": row.away_texts,
    }


def _keep(row: TeamHours | ChannelHours, given: dict[str, Any], teams: list[int] | None) -> None:
    if "schedule" in given:
        chosen = given.pop("schedule")
        if chosen and not Schedule.objects.filter(pk=chosen).exists():
            raise wrong("schedule", "There is no such schedule.")
        row.schedule_id = chosen
    for name, value in given.items():
        setattr(row, name, value)
    opening.keep_of(row)
    holidays.changed(teams)


class HoursOfTeam(Door):
    def _row(self, found: Team) -> TeamHours:
        rows = TeamHours.objects.select_related("schedule")
        return rows.filter(team=found).first() or TeamHours(team=found)

    @says(KeptShape)
    def get(self, request: Request, team_id: int) -> Response:
        """Of a team of yours."""
        found = one(Team.objects.filter(self.sight.where("pk")), pk=team_id)
        return Response(kept_shape(self._row(found), found.pk, None))

    @says(KeptShape, takes=TeamKept, problems=(403,))
    def patch(self, request: Request, team_id: int) -> Response:
        """For administrators."""
        self.administrator()
        found, given = one(Team.objects.all(), pk=team_id), self.read(TeamKept)
        closed, row = given.pop("closed", None), self._row(found)
        _keep(row, given, [found.pk])
        if closed is not None:
            opening.switch(row, closed=closed, team_ids=[found.pk])
        return self.get(request, team_id)


class HoursOfChannel(Door):
    @says(KeptShape)
    def get(self, request: Request, channel_id: int) -> Response:
        """Of a channel of yours."""
        found = one(seen_channels(self.sight), pk=channel_id)
        rows = ChannelHours.objects.select_related("schedule").filter(channel=found)
        row = rows.first() or ChannelHours(channel=found)
        return Response(kept_shape(row, found.team_id, found.pk))

    @says(KeptShape, takes=ChannelKept, problems=(403,))
    def patch(self, request: Request, channel_id: int) -> Response:
        """For administrators."""
        self.administrator()
        found, given = one(seen_channels(self.sight), pk=channel_id), self.read(ChannelKept)
        _keep(ChannelHours.objects.filter(channel=found).first() or ChannelHours(channel=found), given, None)
        return self.get(request, channel_id)
