"""The customer beside a ticket, asked for by the page when the ticket is there; and what a hidden tab is to tell."""

from __future__ import annotations

from typing import Any

from django.contrib import messages as flash
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from customers import notes
from customers.models import Customer
from tickets import pages, people
from tickets.lifecycle import Refused
from tickets.models import Actor, Ticket
from tickets.views import me, refusal, signed_in, ticket_for, wants_part

TOLD_AT_ONCE = 20


@signed_in
@require_http_methods(["GET", "POST"])
def customer(request: HttpRequest, number: int) -> HttpResponse:
    """Who the customer is, where they can be reached, what else they have asked; POST changes what is known."""
    sight = me(request).sight()
    ticket = ticket_for(sight, number, Ticket.objects.with_customer())
    if request.method == "POST":
        line = None
        try:
            line = people.change(ticket.customer_id, Actor.of(me(request)), sight, number=number, **_wanted(request))
        except Refused as error:
            if wants_part(request):
                return refusal(error)
            flash.error(request, str(error))
        if wants_part(request):
            return JsonResponse({"words": _("Saved"), "undo": line.pk if line else None})
        return redirect(reverse("customer", args=[number]))
    context = {
        "ticket": ticket,
        "panel": people.panel(ticket, sight),
        "parties": Customer.Party.choices,
        "types": Customer.Type.choices,
        "standings": Customer.Standing.choices,
        "noted": notes.as_typed(ticket.customer.attributes),
        "attributes": [(name, notes.text_of(value)) for name, value in sorted(ticket.customer.attributes.items())],
        "languages": people.languages(ticket.customer.language),
    }
    name = "ticket/_customer.html" if wants_part(request) else "ticket/customer.html"
    return render(request, name, context)


def _wanted(request: HttpRequest) -> dict[str, Any]:
    """What the form says. Of tags and attributes only what was changed in it: a colleague's stay. Raises Refused."""
    given = request.POST
    wanted: dict[str, Any] = {name: given[name] for name in people.FIELDS if name in given}
    if "tags" in given:
        now, before = _tags(given["tags"]), _tags(given.get("tags_before", ""))
        wanted |= {"tagged": [now[one] for one in now if one not in before]}
        wanted |= {"untagged": [before[one] for one in before if one not in now]}
    if "attributes" in given:
        try:
            wanted["attributes"] = notes.changes_typed(given["attributes"], given.get("attributes_before", ""))
        except notes.Wrong as error:
            raise Refused(str(error)) from error
    return wanted


def _tags(text: str) -> dict[str, str]:
    """By their small letters."""
    words = map(notes.plain, text.replace("\n", ",").split(","))
    return {one.lower(): one for one in words if one}


@signed_in
@require_safe
def told(request: HttpRequest) -> JsonResponse:
    """Of these tickets those that concern this agent: their own, and what is nobody's in one of their teams."""
    numbers = [found for found in map(pages.number, request.GET.get("n", "").split(",")) if found][:TOLD_AT_ONCE]
    agent = me(request)
    mine = Q(assignee=agent)
    ours = Q(assignee=None) & (Q(team=None) | Q(team__in=agent.teams.all()))
    rows = Ticket.objects.visible_to(agent).filter(mine | ours, pk__in=numbers, status=Ticket.Status.OPEN)
    rows = rows.select_related("customer", "address").order_by("-seq")
    return JsonResponse(
        {"tickets": [{"number": row.pk, "name": people.name_of(row), "words": row.last_text} for row in rows]}
    )
