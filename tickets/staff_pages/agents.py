"""Colleagues: the list, one of them, closing and opening an account."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agents import invitations, staff
from agents.forms import Person
from agents.models import Agent, Team
from agents.views import tokens_of
from tickets import staffing
from tickets.models import Actor
from tickets.staff_pages.doors import administrators, leaders, me, one, page, searched, sent

GET_OR_POST = ["GET", "POST"]
INVITED_SHOWN = 100


@leaders
@require_safe
def agents(request: HttpRequest) -> HttpResponse:
    """Those whom one may look up, by name; closed accounts apart; and who is invited."""
    found = staff.agents_under(me(request))
    closed, q = request.GET.get("show") == "closed", searched(request)
    shown = found.filter(is_active=not closed).prefetch_related("teams")
    if q:
        shown = shown.filter(Q(name__icontains=q) | Q(email__icontains=q))
    invited = invitations.under(me(request)).filter(accepted_at=None, revoked_at=None).select_related("invited_by")
    invited = invited.prefetch_related("teams", "invited_by__teams")[:INVITED_SHOWN]
    context = {
        "agents": page(request, shown),
        "q": q,
        "closed": closed,
        "counts": found.aggregate(
            open=Count("pk", filter=Q(is_active=True)), closed=Count("pk", filter=Q(is_active=False))
        ),
        "invited": [(row, invitations.is_backed(row)) for row in invited],
    }
    return render(request, "settings/agents.html", context)


@leaders
@require_http_methods(GET_OR_POST)
def agent(request: HttpRequest, agent_id: int) -> HttpResponse:
    """One of them. A lead reads; whom their own teams have is changed on the team's page."""
    row = one(staff.agents_under(me(request)).prefetch_related("teams"), agent_id)
    context: dict[str, Any] = {"agent": row, "held": staffing.held_by(row).count()}
    if not me(request).is_admin:
        if request.method == "POST":
            raise PermissionDenied
        return render(request, "settings/agent.html", context)
    initial = {"name": row.name, "role": row.role, "teams": [team.pk for team in row.teams.all()]}
    form = Person(sent(request), initial=initial, teams=Team.objects.all())
    if request.method == "POST" and form.is_valid():
        try:
            staff.change(row.pk, **form.cleaned_data)
        except staff.LastAdministrator as error:
            form.add_error("role", str(error))
        else:
            messages.success(request, _("Saved"))
            # Whoever gave up their own role may not open this page any more.
            return redirect("settings" if row.pk == me(request).pk else request.path)
    context |= {"form": form, "tokens": tokens_of(row)}
    return render(request, "settings/agent.html", context, status=422 if form.errors else 200)


# ── Closing and opening an account ───────────────────────────────────────────────────────────


@administrators
@require_http_methods(GET_OR_POST)
def close(request: HttpRequest, agent_id: int) -> HttpResponse:
    """Asks first, and says what becomes of their tickets."""
    row = one(Agent.objects.filter(is_active=True), agent_id)
    words = _("You cannot close your own account. Another administrator can.") if row.pk == me(request).pk else ""
    if request.method == "POST" and not words:
        try:
            released = staffing.close_account(row.pk, me(request), release=request.POST.get("release") == "1")
        except staff.Refused as error:
            words = str(error)
        else:
            messages.success(request, _closed(row, released))
            return redirect("settings_agent", row.pk)
    context = {"agent": row, "held": staffing.held_by(row).count(), "words": words}
    return render(request, "settings/agent_close.html", context, status=409 if words else 200)


def _closed(row: Agent, released: int) -> str:
    if not released:
        return _("%(name)s is signed out and cannot sign in any more.") % {"name": row.name}
    return ngettext(
        "%(name)s is signed out. %(count)d ticket is unassigned now.",
        "%(name)s is signed out. %(count)d tickets are unassigned now.",
        released,
    ) % {"name": row.name, "count": released}


@administrators
@require_POST
def reopen(request: HttpRequest, agent_id: int) -> HttpResponse:
    row = one(Agent.objects.all(), agent_id)
    staff.change(row.pk, is_active=True)
    messages.success(request, _("%(name)s can sign in again.") % {"name": row.name})
    return redirect("settings_agent", row.pk)


@administrators
@require_POST
def release(request: HttpRequest, agent_id: int) -> HttpResponse:
    """The tickets that a closed account still holds."""
    row = one(Agent.objects.filter(is_active=False), agent_id)
    count = staffing.release_all(row, Actor.of(me(request)))
    text = ngettext("%(count)d ticket is unassigned now.", "%(count)d tickets are unassigned now.", count)
    messages.success(request, text % {"count": count})
    return redirect("settings_agent", row.pk)


@administrators
@require_http_methods(GET_OR_POST)
def revoke_token(request: HttpRequest, agent_id: int, token_id: int) -> HttpResponse:
    """Of anybody; the key itself is nowhere to be had."""
    row = one(Agent.objects.all(), agent_id)
    token = one(row.tokens.all(), token_id)
    if request.method == "POST":
        token.revoke()
        messages.success(request, _("Revoked. Whatever used “%(name)s” is signed out.") % {"name": token})
        return redirect("settings_agent", row.pk)
    return render(request, "agents/token_revoke.html", {"token": token, "agent": row})
