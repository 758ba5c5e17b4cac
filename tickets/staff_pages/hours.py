"""Opening hours: schedules with their holidays, and which team and channel keeps which."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from agents import staff
from agents.hours import ical
from agents.hours.models import Holiday, Schedule, TeamHours
from agents.models import Team
from channels_app.hours import book
from channels_app.models import Channel, ChannelHours
from tickets import away, holidays, opening
from tickets.staff_pages.doors import leaders, me, number, one, sent
from tickets.staff_pages.hours_forms import FeedForm, FileForm, HolidayForm, KeptForm, ScheduleForm, Week

GET_OR_POST = ["GET", "POST"]
HOLIDAYS_SHOWN = 200


def _teams(request: HttpRequest) -> list[Team]:
    """Those whose hours one may set."""
    return list(staff.teams_under(me(request)))


def _channels(request: HttpRequest) -> list[Channel]:
    rows = Channel.objects.select_related("team")
    return list(rows if me(request).is_admin else rows.filter(team__in=_teams(request)))


def _mine(request: HttpRequest, schedule_id: int) -> Schedule:
    """One that may be changed; another one is looked at and not changed."""
    row = one(opening.counted(Schedule.objects.all()), schedule_id)
    if not opening.may_change(me(request), row, [team.pk for team in _teams(request)]):
        raise PermissionDenied
    return row


@leaders
@require_http_methods(GET_OR_POST)
def schedules(request: HttpRequest) -> HttpResponse:
    """All schedules, what is wrong with them, and who keeps which."""
    teams, channels, by_admin = _teams(request), _channels(request), me(request).is_admin
    form = ScheduleForm(sent(request), teams=teams, by_admin=by_admin, auto_id="new_%s")
    if request.method == "POST" and form.is_valid():
        made = _saved(form, Schedule(weekly=[[["09:00", "17:00"]] if day < 5 else [] for day in range(7)]))
        if made is not None:
            messages.success(request, _("Made. Now set its hours."))
            return redirect("settings_schedule", made.pk)
    now, known = timezone.now(), book.get()
    own = [team.pk for team in teams]
    rows = opening.shown(opening.counted(Schedule.objects.all()))
    context = {
        "form": form,
        "rows": [(row, opening.may_change(me(request), row.schedule, own)) for row in rows],
        "teams": [
            {
                "team": team,
                "kept": known.teams.get(team.pk),
                "words": opening.state(known.of(team.pk, None), now),
                "shut": (found := known.teams.get(team.pk)) is not None and found.is_shut(now),
            }
            for team in teams
        ],
        "channels": [
            {
                "channel": channel,
                "kept": known.channels.get(channel.pk),
                "words": opening.state(known.of(channel.team_id, channel.pk), now),
            }
            for channel in channels
        ],
    }
    return render(request, "settings/hours.html", context, status=422 if form.errors else 200)


def _saved(form: ScheduleForm, row: Schedule) -> Schedule | None:
    given = form.cleaned_data
    row.name, row.time_zone, row.team_id = given["name"], given["time_zone"], given["team"]
    row.is_default = given.get("is_default", row.is_default)
    try:
        opening.keep(row)
    except IntegrityError:
        form.add_error("name", _("Another schedule has this name."))
        return None
    except Schedule.DoesNotExist as error:
        raise Http404 from error
    return row


@leaders
@require_http_methods(GET_OR_POST)
def schedule(request: HttpRequest, schedule_id: int) -> HttpResponse:
    """One schedule: its week, its holidays, its feed."""
    teams, by_admin = _teams(request), me(request).is_admin
    row = _mine(request, schedule_id)
    initial = {"name": row.name, "time_zone": row.time_zone, "team": row.team_id, "is_default": row.is_default}
    form = ScheduleForm(sent(request), initial=initial, teams=teams, by_admin=by_admin)
    week = Week(row.weekly, sent(request))
    if request.method == "POST":
        if "copy" in request.POST:
            week.copy_monday()
        good = week.is_valid() & form.is_valid()
        if good and "copy" not in request.POST:
            # A row of its own: a name that is refused must not stand in the page's title.
            changed = Schedule.objects.get(pk=row.pk)
            changed.weekly = week.days
            if _saved(form, changed) is not None:
                messages.success(request, _("Saved"))
                return redirect("settings_schedule", row.pk)
    return _page(request, row, {"form": form, "week": week}, 422 if form.errors or week.errors else 200)


def _page(request: HttpRequest, row: Schedule, more: dict[str, Any], status: int = 200) -> HttpResponse:
    days = row.holidays.filter(last__gte=timezone.now().date())
    context: dict[str, Any] = {
        "shown": opening.shown([row])[0],
        "form": ScheduleForm(
            initial={"name": row.name, "time_zone": row.time_zone, "team": row.team_id, "is_default": row.is_default},
            teams=_teams(request),
            by_admin=me(request).is_admin,
        ),
        "week": Week(row.weekly),
        "holiday": HolidayForm(auto_id="holiday_%s"),
        "feed": FeedForm(initial={"feed_url": row.feed_url}),
        "file": FileForm(),
        "holidays": days[:HOLIDAYS_SHOWN],
        "holidays_more": max(days.count() - HOLIDAYS_SHOWN, 0),
        **more,
    }
    return render(request, "settings/schedule.html", context, status=status)


@leaders
@require_POST
def add_holiday(request: HttpRequest, schedule_id: int) -> HttpResponse:
    row = _mine(request, schedule_id)
    form = HolidayForm(request.POST, auto_id="holiday_%s")
    if not form.is_valid():
        return _page(request, row, {"holiday": form}, 422)
    given = form.cleaned_data
    Holiday.objects.create(
        schedule=row, first=given["first"], last=given["last"], name=given["name"], hours=given["hours"]
    )
    holidays.changed()
    messages.success(request, _("Added"))
    return redirect("settings_schedule", row.pk)


@leaders
@require_POST
def drop_holiday(request: HttpRequest, schedule_id: int) -> HttpResponse:
    """One, by its id in the form; or all that a file brought."""
    row = _mine(request, schedule_id)
    if request.POST.get("what") == "file":
        found = Holiday.objects.filter(schedule=row, source=Holiday.Source.FILE)
    else:
        found = Holiday.objects.filter(schedule=row, pk=number(request.POST.get("holiday")) or 0)
    found.delete()
    holidays.changed()
    messages.success(request, _("Removed"))
    return redirect("settings_schedule", row.pk)


@leaders
@require_POST
def feed(request: HttpRequest, schedule_id: int) -> HttpResponse:
    """Another address, none, or the same once more; the timetable reads it within seconds."""
    row = _mine(request, schedule_id)
    form = FeedForm(request.POST)
    if not form.is_valid():
        return _page(request, row, {"feed": form}, 422)
    url = form.cleaned_data["feed_url"]
    with transaction.atomic():
        holidays.follow(row, url)
        holidays.changed()
    messages.success(request, _("The feed is being read. Look again in a moment.") if url else _("Saved"))
    return redirect("settings_schedule", row.pk)


@leaders
@require_POST
def upload(request: HttpRequest, schedule_id: int) -> HttpResponse:
    row = _mine(request, schedule_id)
    form = FileForm(request.POST, request.FILES)
    if form.is_valid():
        file = form.cleaned_data["file"]
        try:
            count = holidays.upload(row, file.read(ical.MOST_BYTES + 1))
        except ical.Unreadable as error:
            form.add_error("file", _(str(error)))
        else:
            words = ngettext("%(count)d holiday was read.", "%(count)d holidays were read.", count)
            messages.success(request, words % {"count": count})
            return redirect("settings_schedule", row.pk)
    return _page(request, row, {"file": form}, 422)


@leaders
@require_POST
def close_schedule(request: HttpRequest, schedule_id: int) -> HttpResponse:
    row = _mine(request, schedule_id)
    opening.switch(row, closed=request.POST.get("closed") == "1")
    return redirect("settings_hours")


@leaders
@require_POST
def close_team(request: HttpRequest, team_id: int) -> HttpResponse:
    team = one(staff.teams_under(me(request)), team_id)
    row, _made = TeamHours.objects.get_or_create(team=team)
    opening.switch(row, closed=request.POST.get("closed") == "1", team_ids=[team.pk])
    return redirect("settings_hours")


@leaders
@require_http_methods(GET_OR_POST)
def delete(request: HttpRequest, schedule_id: int) -> HttpResponse:
    row = _mine(request, schedule_id)
    if request.method == "POST":
        opening.drop(row)
        messages.success(request, _("The schedule “%(name)s” is deleted.") % {"name": row.name})
        return redirect("settings_hours")
    return render(request, "settings/schedule_delete.html", {"schedule": row})


@leaders
@require_http_methods(GET_OR_POST)
def of_team(request: HttpRequest, team_id: int) -> HttpResponse:
    team = one(staff.teams_under(me(request)), team_id)
    row = TeamHours.objects.filter(team=team).first() or TeamHours(team=team)
    return _kept(request, row, team.name, _("The default’s, or always open"), [team.pk])


@leaders
@require_http_methods(GET_OR_POST)
def of_channel(request: HttpRequest, channel_id: int) -> HttpResponse:
    rows = Channel.objects.all() if me(request).is_admin else Channel.objects.filter(team__in=_teams(request))
    channel = one(rows, channel_id)
    row = ChannelHours.objects.filter(channel=channel).first() or ChannelHours(channel=channel)
    return _kept(request, row, channel.name, _("Its team’s"), None)


def _kept(
    request: HttpRequest, row: TeamHours | ChannelHours, name: str, nothing: str, teams: list[int] | None
) -> HttpResponse:
    form = KeptForm(sent(request), row=row, schedules=Schedule.objects.all(), nothing=nothing)
    if request.method == "POST" and form.is_valid():
        row.schedule_id = form.cleaned_data["schedule"]
        row.away_on, row.away_texts = form.cleaned_data["away_on"], form.texts()
        opening.keep_of(row)
        holidays.changed(teams)
        messages.success(request, _("Saved"))
        return redirect("settings_hours")
    context = {"form": form, "name": name, "standard": away.standard()}
    return render(request, "settings/hours_kept.html", context, status=422 if form.errors else 200)
