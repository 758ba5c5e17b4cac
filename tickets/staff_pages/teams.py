"""Teams: who is in them, what they are called, and what becomes of their work when one goes."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from agents import staff
from agents.forms import Line
from agents.models import Agent, Team
from channels_app.models import Channel
from tickets import staffing
from tickets.models import Ticket
from tickets.staff_pages.doors import administrators, leaders, me, number, one, sent

GET_OR_POST = ["GET", "POST"]


class TeamName(forms.Form):
    name = Line(label=gettext_lazy("Name"), max_length=100)


def _saved(form: TeamName, team: Team) -> bool:
    try:
        staff.name_team(team, form.cleaned_data["name"])
    except staff.Taken as error:
        form.add_error("name", str(error))
        return False
    return True


def _counted(teams: QuerySet[Team]) -> list[dict[str, Any]]:
    """Each team with its people, channels and unresolved tickets: four statements, however many there are."""

    def per_team(rows: QuerySet[Any], field: str = "team_id") -> dict[int, int]:
        counted = rows.filter(**{f"{field}__in": ids}).order_by().values_list(field).annotate(Count("pk"))
        return dict(counted)

    found = list(teams)
    ids = [team.pk for team in found]
    people = per_team(Agent.teams.through.objects.filter(agent__is_active=True))
    channels = per_team(Channel.objects.all())
    tickets = per_team(Ticket.objects.unresolved())
    return [
        {
            "team": team,
            "people": people.get(team.pk, 0),
            "channels": channels.get(team.pk, 0),
            "tickets": tickets.get(team.pk, 0),
        }
        for team in found
    ]


@leaders
@require_http_methods(GET_OR_POST)
def teams(request: HttpRequest) -> HttpResponse:
    """A lead sees their own; administrators see all and make new ones here."""
    by_admin = me(request).is_admin
    if request.method == "POST" and not by_admin:
        raise PermissionDenied
    form = TeamName(sent(request))
    if request.method == "POST" and form.is_valid():
        team = Team()
        if _saved(form, team):
            messages.success(request, _("Made. Now choose who is in it."))
            return redirect("settings_team", team.pk)
    context = {"form": form if by_admin else None, "teams": _counted(staff.teams_under(me(request)))}
    return render(request, "settings/teams.html", context, status=422 if form.errors else 200)


@leaders
@require_http_methods(GET_OR_POST)
def team(request: HttpRequest, team_id: int) -> HttpResponse:
    row = one(staff.teams_under(me(request)), team_id)
    by_admin = me(request).is_admin
    if request.method == "POST" and not by_admin:
        raise PermissionDenied
    form = TeamName(sent(request), initial={"name": row.name})
    # A row of its own: a name that is refused must not stand in the page's title.
    if request.method == "POST" and form.is_valid() and _saved(form, Team.objects.get(pk=row.pk)):
        messages.success(request, _("Saved"))
        return redirect("settings_team", row.pk)
    return _team_page(request, row, form, 422 if form.errors else 200)


def _team_page(request: HttpRequest, row: Team, form: TeamName, status: int) -> HttpResponse:
    movable = Agent.objects.filter(is_active=True).exclude(teams=row)
    if not me(request).is_admin:
        movable = movable.exclude(role=Agent.Role.ADMIN)
    people = list(row.agents.filter(is_active=True))
    context = {
        "team": row,
        "form": form if me(request).is_admin else None,
        "people": [(agent, staff.may_move(me(request), agent)) for agent in people],
        "others": movable,
        "channels": row.channels.all(),
        "tickets": Ticket.objects.unresolved().filter(team=row).count(),
    }
    return render(request, "settings/team.html", context, status=status)


@leaders
@require_POST
def member(request: HttpRequest, team_id: int, verb: str) -> HttpResponse:
    """join or leave; the agent's id is in the form."""
    row = one(staff.teams_under(me(request)), team_id)
    do = {"join": staff.join, "leave": staff.leave}.get(verb)
    if do is None:
        raise Http404
    try:
        agent = do(row.pk, number(request.POST.get("agent")) or 0, me(request))
    except staff.Forbidden as error:
        raise PermissionDenied from error
    except (Agent.DoesNotExist, Team.DoesNotExist):
        messages.error(request, _("Choose a colleague."))
        return redirect("settings_team", row.pk)
    text = _("%(name)s is in the team now.") if verb == "join" else _("%(name)s is not in the team any more.")
    messages.success(request, text % {"name": agent.name})
    # A lead who left their own team does not see it any more.
    return redirect("settings_team", row.pk) if agent != me(request) else redirect("settings_teams")


@administrators
@require_http_methods(GET_OR_POST)
def delete(request: HttpRequest, team_id: int) -> HttpResponse:
    """Asks where tickets and channels go: without a team they would be everybody's."""
    row = one(Team.objects.all(), team_id)
    others = list(Team.objects.exclude(pk=row.pk))
    words = ""
    if request.method == "POST":
        into = next((other for other in others if other.pk == number(request.POST.get("into"))), None)
        try:
            staffing.delete_team(row, into, me(request))
        except staff.Refused as error:
            words = str(error)
        else:
            messages.success(request, _("The team “%(name)s” is deleted.") % {"name": row.name})
            return redirect("settings_teams")
    counted = Ticket.objects.filter(team=row).aggregate(
        unresolved=Count("pk", filter=~Q(status=Ticket.Status.RESOLVED)),
        resolved=Count("pk", filter=Q(status=Ticket.Status.RESOLVED)),
    )
    context = {"team": row, "others": others, "words": words, "counted": counted}
    context |= {"has_work": staffing.has_work(row), "channels": row.channels.count()}
    return render(request, "settings/team_delete.html", context, status=409 if words else 200)
