"""What an agent does to a ticket from the page: the verbs, taking one back, and what their menus offer.

A script gets the verb's words and the number of its line, by which it can be undone; without one the ticket is shown
again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages as flash
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.timezone import get_current_timezone, is_naive, make_aware
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from agents.models import Agent, Team
from tickets import lifecycle, pages, people, undo, wording
from tickets.lifecycle import Refused
from tickets.models import Activity, Actor, Tag, Ticket
from tickets.views import me, refusal, signed_in, ticket_for, wants_part

CHOICES = 12

Verb = Callable[[Ticket, HttpRequest], Ticket]


# ── Doors ────────────────────────────────────────────────────────────────────────────────────


@signed_in
@require_POST
def act(request: HttpRequest, number: int, verb: str) -> HttpResponse:
    """Assign, resolve, snooze and the like: the verb's name is in the address."""
    found, do = ticket_for(me(request).sight(), number), _VERBS.get(verb)
    if do is None:
        raise Http404
    return _done(request, found.pk, lambda: do(found, request))


@signed_in
@require_POST
def take_back(request: HttpRequest, number: int) -> HttpResponse:
    """Undo one's own line ``seq``; also of a ticket that one's own move has taken out of sight."""
    seq, sight = pages.number(request.POST.get("seq")) or 0, me(request).sight()
    line = Activity.objects.filter(pk=seq, ticket=number, agent=me(request)).first() if number < 2**63 else None
    if line is None or not undo.can(line):
        raise Http404
    moved = "team" in line.changes and sight.covers(line.from_team_id)
    if not moved:
        ticket_for(sight, number)
    return _done(request, number, lambda: undo.undo(line, Actor.of(me(request))), back=True)


def _done(request: HttpRequest, number: int, do: Callable[[], Ticket], *, back: bool = False) -> HttpResponse:
    try:
        told = do().told
    except Refused as error:
        if wants_part(request):
            return refusal(error)
        flash.error(request, str(error))
    else:
        if wants_part(request):
            line = None if back else next((one for one in told if one.agent_id == me(request).pk), None)
            words = _("Undone") if back else wording.of_deed(line, me(request)) if line else ""
            return JsonResponse({"words": words, "undo": line.pk if line and undo.can(line) else None})
    return redirect(f"{reverse('ticket', args=[number])}?{request.GET.urlencode()}".rstrip("?"))


# ── Verbs ────────────────────────────────────────────────────────────────────────────────────


def _assign(ticket: Ticket, request: HttpRequest) -> Ticket:
    """To oneself, or to ``agent``. Taking over needs ``take_over``; ``held`` says from whom, as the page showed it."""
    given, agent = request.POST, me(request)
    if "agent" in given:
        wanted = pages.number(given["agent"])
        # Whoever may not see the ticket is not told apart from whoever is not there.
        found = people.may_see(ticket).filter(pk=wanted).first() if wanted else None
        if found is None:
            raise Refused(_("This colleague cannot see the ticket, or is not there any more."))
        agent = found
    take_over = given.get("take_over") == "1"
    held = pages.number(given.get("held"))
    if held and ticket.assignee_id not in (None, held):
        take_over = False
    return lifecycle.assign(ticket.pk, agent, Actor.of(me(request)), take_over=take_over)


def _snooze(ticket: Ticket, request: HttpRequest) -> Ticket:
    try:
        until = parse_datetime(request.POST.get("until", ""))
    except ValueError:
        until = None
    if until is None:
        raise Refused(_("Choose a day and a time."))
    until = make_aware(until, get_current_timezone()) if is_naive(until) else until
    return lifecycle.snooze(ticket.pk, until, Actor.of(me(request)))


def _priority(ticket: Ticket, request: HttpRequest) -> Ticket:
    wanted = request.POST.get("priority", "")
    if wanted not in Ticket.Priority.values:
        raise Refused(_("Choose one of the priorities."))
    return lifecycle.change(ticket.pk, Actor.of(me(request)), priority=wanted)


def _tag(ticket: Ticket, request: HttpRequest) -> Ticket:
    name = lifecycle.tag_name(request.POST.get("tag", ""))
    if not name:
        raise Refused(_("Write the tag's name."))
    return lifecycle.change(ticket.pk, Actor.of(me(request)), tag=name)


def _team(ticket: Ticket, request: HttpRequest) -> Ticket:
    wanted = pages.number(request.POST.get("team"))
    team = Team.objects.filter(pk=wanted).first() if wanted is not None else None
    if wanted is not None and team is None:
        raise Refused(_("This team is not there any more."))
    return lifecycle.change(ticket.pk, Actor.of(me(request)), team=team)


def _plain(do: Callable[[int, Actor], Ticket]) -> Verb:
    return lambda ticket, request: do(ticket.pk, Actor.of(me(request)))


def _changing(name: str, read: Callable[[str], Any] = str) -> Verb:
    return lambda ticket, request: lifecycle.change(
        ticket.pk, Actor.of(me(request)), **{name: read(request.POST.get(name, ""))}
    )


_VERBS: dict[str, Verb] = {
    "assign": _assign,
    "release": _plain(lifecycle.release),
    "resolve": _plain(lifecycle.resolve),
    "reopen": _plain(lifecycle.reopen),
    "snooze": _snooze,
    "wake": _plain(lifecycle.wake),
    "priority": _priority,
    "subject": _changing("subject"),
    "tag": _tag,
    "untag": _changing("untag"),
    "tags": _changing("tags", lambda text: text.split(",")),
    "team": _team,
}


# ── What the menus offer ─────────────────────────────────────────────────────────────────────


@signed_in
@require_safe
def choices(request: HttpRequest, number: int, what: str) -> HttpResponse:
    """Colleagues who may see the ticket, tags, or teams that match what was typed."""
    found = ticket_for(me(request).sight(), number)
    offer = _OFFERS.get(what)
    if offer is None:
        raise Http404
    q = " ".join(request.GET.get("q", "").replace("\x00", "").split())[:60]
    return render(request, f"ticket/_choose_{what}.html", {"ticket": found, "q": q, **offer(found, q, me(request))})


def _agents(ticket: Ticket, q: str, agent: Agent) -> dict[str, Any]:
    """Oneself first; one more than is shown tells that typing helps."""
    found = people.may_see(ticket)
    if q:
        found = found.filter(Q(name__icontains=q) | Q(email__istartswith=q))
    rows = list(found.order_by("name", "pk")[: CHOICES + 1])
    return {"agents": sorted(rows[:CHOICES], key=lambda row: row.pk != agent.pk), "more": len(rows) > CHOICES}


def _tags(ticket: Ticket, q: str, agent: Agent) -> dict[str, Any]:
    has = {tag.name.casefold() for tag in ticket.tags.all()}
    found = Tag.objects.filter(name__icontains=q) if q else Tag.objects.all()
    rows = [tag for tag in found.order_by("name")[: CHOICES + len(has)] if tag.name.casefold() not in has][:CHOICES]
    new = lifecycle.tag_name(q)
    known = {tag.name.casefold() for tag in rows} | has
    # A name that begins like ten others is looked for among all.
    if new and new.casefold() not in known and Tag.objects.filter(name__iexact=new).exists():
        rows.insert(0, Tag(name=new))
        known.add(new.casefold())
    return {"tags": rows, "new": new if new.casefold() not in known else ""}


def _teams(ticket: Ticket, q: str, agent: Agent) -> dict[str, Any]:
    found = Team.objects.filter(name__icontains=q) if q else Team.objects.all()
    rows, sight = list(found.order_by("name")[:50]), agent.sight()
    return {"teams": rows, "mine": [row for row in rows if sight.covers(row.pk)], "none": not q}


_OFFERS: dict[str, Callable[[Ticket, str, Agent], dict[str, Any]]] = {"agent": _agents, "tag": _tags, "team": _teams}
