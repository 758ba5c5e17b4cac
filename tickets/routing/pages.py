"""Settings: how each team gives out work, what each agent takes on, and moving many tickets at once."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from agents import staff
from agents.models import Agent, Team
from agents.presence.models import Seat
from channels_app import jobs
from channels_app.models import Channel
from tickets.models import Actor, Ticket
from tickets.routing import bulk, considering, crew, desk, giving, warnings
from tickets.routing.forms import QueueForm, SeatForm, weight_fields
from tickets.routing.models import Move, Queue, Rule, Weight
from tickets.staff_pages.doors import leaders, me, number, one, sent

GET_OR_POST = ["GET", "POST"]


@leaders
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The teams one decides about, and the rules; administrators change rules."""
    teams = list(staff.teams_under(me(request)).select_related("queue"))
    queues = [getattr(team, "queue", None) or Queue(team=team) for team in teams]
    rows = list(Rule.objects.all())
    said = warnings.of_rules(rows)
    context = {
        "queues": [(queue, warnings.of_queue(queue)) for queue in queues],
        "rules": [(row, said[row.pk]) for row in rows],
        "may_change": me(request).is_admin,
    }
    return render(request, "settings/routing/index.html", context)


@leaders
@require_http_methods(GET_OR_POST)
def team(request: HttpRequest, team_id: int) -> HttpResponse:
    """One team's queue, and how much its channels' tickets weigh."""
    row = one(staff.teams_under(me(request)), team_id)
    queue = Queue.objects.filter(team=row).first() or Queue(team=row)
    channels = list(Channel.objects.filter(team=row))
    form = QueueForm(sent(request), instance=queue)
    weights = weight_fields(channels, crew.weights())(sent(request))
    if request.method == "POST" and form.is_valid() and weights.is_valid():
        with transaction.atomic():
            kept = form.save()
            _keep_weights(channels, weights)
            desk.changed(kept)
        messages.success(request, _("Saved"))
        return redirect(request.path)
    wrong = bool(form.errors or weights.errors)
    waiting = bulk.waiting_in(row).count()
    context = {"team": row, "form": form, "weights": weights, "warnings": warnings.of_queue(queue), "waiting": waiting}
    return render(request, "settings/routing/team.html", context, status=422 if wrong else 200)


def _keep_weights(channels: list[Channel], weights: forms.Form) -> None:
    for channel in channels:
        wanted = weights.cleaned_data[f"weight-{channel.pk}"]
        if wanted is None:
            Weight.objects.filter(channel=channel).delete()
        else:
            Weight.objects.update_or_create(channel=channel, defaults={"weight": wanted})


@leaders
@require_http_methods(GET_OR_POST)
def agent(request: HttpRequest, agent_id: int) -> HttpResponse:
    """What a colleague takes on."""
    row = one(staff.agents_under(me(request)), agent_id)
    seat = Seat.objects.filter(agent=row).first() or Seat(agent=row)
    initial = {"capacity": seat.capacity, "skills": seat.skills, "languages": seat.languages}
    form = SeatForm(sent(request), initial=initial)
    if request.method == "POST" and form.is_valid():
        Seat.objects.update_or_create(agent=row, defaults=form.cleaned_data)
        jobs.enqueue(giving.SERVE, 0, row.pk)
        messages.success(request, _("Saved"))
        return redirect(request.path)
    context = {"agent": row, "form": form, "load": crew.loads([row.pk], crew.weights())[row.pk]}
    return render(request, "settings/routing/agent.html", context, status=422 if form.errors else 200)


# ── Many at once ─────────────────────────────────────────────────────────────────────────────


@leaders
@require_http_methods(GET_OR_POST)
def hand_over(request: HttpRequest, agent_id: int) -> HttpResponse:
    """All that an agent holds: to a colleague, or back to the queues."""
    row = one(staff.agents_under(me(request)), agent_id)
    seen = Ticket.objects.visible_to(me(request))
    others = list(staff.agents_under(me(request)).filter(is_active=True).exclude(pk=row.pk))
    progress = move = None
    if request.method == "POST":
        to = next((other for other in others if other.pk == number(request.POST.get("agent"))), None)
        by, after = Actor.of(me(request)), number(request.POST.get("after")) or 0
        progress = bulk.hand_over(row, to, by, after=after, sight=seen)
        move = bulk.keep(me(request), number(request.POST.get("move")), progress)
        if not progress.left:
            return redirect("settings_routing_move", move.pk)
    held = bulk.held_by(row).filter(pk__in=seen.values("pk")).count()
    context = {"agent": row, "others": others, "held": held, **_going_on(request, progress, move)}
    return render(request, "settings/routing/hand_over.html", context)


@leaders
@require_http_methods(GET_OR_POST)
def drain(request: HttpRequest, team_id: int) -> HttpResponse:
    """All that waits in a queue: to a colleague, or into another team."""
    row = one(staff.teams_under(me(request)), team_id)
    teams = list(Team.objects.exclude(pk=row.pk))
    people = list(Agent.objects.filter(is_active=True, teams=row))
    progress, move, words = None, None, ""
    if request.method == "POST":
        kind, _sep, which = request.POST.get("where", "").partition("-")
        to = next((one for one in people if kind == "agent" and one.pk == number(which)), None)
        into = next((one for one in teams if kind == "team" and one.pk == number(which)), None)
        if to is None and into is None:
            words = _("Choose a colleague or a team.")
        else:
            by, after = Actor.of(me(request)), number(request.POST.get("after")) or 0
            seen = Ticket.objects.visible_to(me(request))
            progress = bulk.drain(row, by, to=to, into=into, after=after, sight=seen)
            move = bulk.keep(me(request), number(request.POST.get("move")), progress)
            if not progress.left:
                return redirect("settings_routing_move", move.pk)
    context: dict[str, Any] = {"team": row, "words": words}
    context["people"] = [(f"agent-{one.pk}", one.name) for one in people]
    context["teams"] = [(f"team-{one.pk}", one.name) for one in teams]
    context |= {"waiting": bulk.waiting_in(row).count(), **_going_on(request, progress, move)}
    return render(request, "settings/routing/drain.html", context, status=422 if words else 200)


def _going_on(request: HttpRequest, progress: bulk.Progress | None, move: Move | None) -> dict[str, Any]:
    """After a batch the form goes on from where it was; a script presses its button, everybody else does by hand."""
    if progress is None or move is None:
        return {}
    done = (number(request.POST.get("done")) or 0) + progress.done
    chosen = request.POST.get("where") or request.POST.get("agent") or ""
    return {"progress": progress, "move": move, "done": done, "chosen": chosen, "all": done + progress.left}


@leaders
@require_http_methods(GET_OR_POST)
def move(request: HttpRequest, move_id: int) -> HttpResponse:
    """What one has just moved, and the button that takes all of it back."""
    row = one(Move.objects.filter(by=me(request)), move_id)
    context: dict[str, Any] = {"move": row, "count": len(row.lines)}
    if request.method == "POST":
        progress = bulk.take_back(row, me(request))
        done = (number(request.POST.get("done")) or 0) + progress.done
        stayed = (number(request.POST.get("stayed")) or 0) + progress.refused
        context |= {"progress": progress, "done": done, "stayed": stayed, "all": done + stayed + progress.left}
        if not progress.left:
            _say_what_is_back(request, done, stayed)
            return redirect("settings_routing")
    return render(request, "settings/routing/move.html", context)


def _say_what_is_back(request: HttpRequest, done: int, stayed: int) -> None:
    text = ngettext("%(count)d ticket is back.", "%(count)d tickets are back.", done) % {"count": done}
    if stayed:
        text += " " + ngettext(
            "%(count)d was changed meanwhile and stays as it is.",
            "%(count)d were changed meanwhile and stay as they are.",
            stayed,
        ) % {"count": stayed}
    messages.success(request, text)


def matched_of(rule: Any, request: HttpRequest) -> dict[str, Any]:
    """What a rule would have matched lately, of the tickets that one sees."""
    found, of = considering.rehearse(rule, Ticket.objects.visible_to(me(request)))
    return {"tried": True, "matched": len(found), "of": of, "examples": found[:10]}
