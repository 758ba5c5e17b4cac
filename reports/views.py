"""The board's pages: looked at by leads and administrators, and work is taken or given from there."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from agents.models import Team
from reports import board
from tickets import lifecycle, pages, people
from tickets.lifecycle import Refused
from tickets.models import Actor
from tickets.staff_pages.doors import leaders, me
from tickets.views import ticket_for, wants_part


def _team(request: HttpRequest, teams: list[Team], given: str | None) -> Team | None:
    wanted = pages.number(given)
    return next((team for team in teams if team.pk == wanted), None)


@leaders
@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """All of one's teams, or one of them; a script asks again and again for the part that moves."""
    agent = me(request)
    teams = board.teams_of(agent)
    team = _team(request, teams, request.GET.get("team"))
    colleagues = board.colleagues(agent, team)
    context = {
        "teams": teams,
        "team": team,
        "colleagues": colleagues,
        "queues": board.queues(agent, team),
        "waiting": board.waiting(agent, team),
        "at_risk": board.at_risk(agent, team),
        "others": [one.agent for one in colleagues if one.agent.pk != agent.pk],
    }
    return render(request, "reports/_board.html" if wants_part(request) else "reports/board.html", context)


@leaders
@require_POST
def give(request: HttpRequest) -> HttpResponse:
    """A waiting ticket to oneself or to a colleague, by the desk's own verb."""
    given, agent = request.POST, me(request)
    ticket = ticket_for(agent.sight(), pages.number(given.get("ticket")) or 0)
    wanted = pages.number(given.get("agent")) or agent.pk
    to = people.may_see(ticket).filter(pk=wanted).first()
    try:
        if to is None:
            raise Refused(_("This colleague cannot see the ticket, or is not there any more."))
        lifecycle.assign(ticket.pk, to, Actor.of(agent))
    except Refused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Ticket %(number)d: %(name)s") % {"number": ticket.pk, "name": to.name})
    team = pages.number(given.get("team"))
    return redirect(reverse("board") + (f"?team={team}" if team else ""))
