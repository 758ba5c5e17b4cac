"""Invite a colleague: the form, the link that is shown this once, a new link, taking it back."""

from __future__ import annotations

import structlog
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from agents import invitations, staff
from agents.forms import Invite
from agents.models import Agent, Invitation
from tickets.staff_pages.doors import leaders, me, one, sent

log = structlog.get_logger(__name__)


@leaders
@require_http_methods(["GET", "POST"])
def invite(request: HttpRequest) -> HttpResponse:
    by = me(request)
    form = Invite(sent(request), initial={"role": Agent.Role.AGENT}, teams=staff.teams_under(by), by=by)
    if request.method == "POST" and form.is_valid():
        try:
            row, key = invitations.invite(by, **form.cleaned_data)
        except staff.Taken as error:
            form.add_error("email", str(error))
        except staff.Refused as error:
            form.add_error(None, str(error))
        else:
            return _with_link(request, row, key)
    return render(request, "settings/invite.html", {"form": form}, status=422 if form.errors else 200)


def _with_link(request: HttpRequest, row: Invitation, key: str) -> HttpResponse:
    """The only page that ever shows this link; the letter is sent on the way."""
    context = {"invitation": row, "link": invitations.link(key), "letter": _letter(request, row, key)}
    response = render(request, "settings/invited.html", context)
    response["Cache-Control"] = "no-store"
    return response


def _letter(request: HttpRequest, row: Invitation, key: str) -> str:
    """sent, failed, or none where this installation has no mail server."""
    if not invitations.sends_letters():
        return "none"
    try:
        invitations.send_letter(row, key, me(request))
    except (OSError, ValueError) as error:
        log.warning("an invitation's letter was not taken", invitation=row.pk, error=type(error).__name__)
        return "failed"
    return "sent"


@leaders
@require_http_methods(["GET", "POST"])
def new_link(request: HttpRequest, invitation_id: int) -> HttpResponse:
    """Asks first: the link that is out ends."""
    row = one(invitations.under(me(request)), invitation_id)
    if request.method == "POST":
        try:
            return _with_link(request, row, invitations.renew(row, me(request)))
        except staff.Refused as error:
            return _gone(request, str(error))
    return render(request, "settings/invitation_link.html", {"invitation": row})


@leaders
@require_http_methods(["GET", "POST"])
def revoke(request: HttpRequest, invitation_id: int) -> HttpResponse:
    row = one(invitations.under(me(request)), invitation_id)
    if request.method == "POST":
        try:
            invitations.revoke(row)
        except staff.Refused as error:
            return _gone(request, str(error))
        messages.success(request, _("Withdrawn. The link opens nothing any more."))
        return redirect("settings_agents")
    return render(request, "settings/invitation_revoke.html", {"invitation": row})


def _gone(request: HttpRequest, words: str) -> HttpResponse:
    messages.error(request, words)
    return redirect("settings_agents")
