"""What an agent's own screen shows of routing: as what they are seen, and what they are offered."""

from __future__ import annotations

from typing import Any

from django.contrib import messages as flash
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agents.models import Agent
from agents.presence import roll
from agents.presence.models import Presence, Seat
from tickets import people
from tickets.lifecycle import Conflict
from tickets.models import Ticket
from tickets.routing import crew, desk, giving, words
from tickets.routing.models import Offer
from tickets.views import me, refusal, signed_in, wants_part


def state_of(agent: Agent) -> dict[str, Any]:
    """As what they are shown, and how much they have."""
    row = Presence.objects.filter(agent=agent).first()
    now = timezone.now()
    status = roll.status_of(row.choice, row.seen_at, row.active_at, now) if row else Presence.Status.OFFLINE.value
    seat = Seat.objects.filter(agent=agent).first() or Seat(agent=agent)
    load = crew.loads([agent.pk], crew.weights())[agent.pk]
    return {
        "status": status,
        "label": Presence.Status(status).label,
        "choice": row.choice if row else "",
        "choices": Presence.Choice.choices,
        "load": load,
        "capacity": seat.capacity,
    }


@signed_in
@require_http_methods(["GET", "POST"])
def presence(request: HttpRequest) -> HttpResponse:
    """The menu in the inbox; as a whole page where no script runs."""
    agent = me(request)
    if request.method == "POST":
        choice = request.POST.get("choice", "")
        if choice not in Presence.Choice.values:
            return HttpResponse(_("Choose one of these."), status=422, content_type="text/plain; charset=utf-8")
        desk.turned(roll.choose(agent.pk, choice))
        if not wants_part(request):
            flash.success(request, _("Saved"))
            return redirect("presence")
    name = "routing/_presence.html" if wants_part(request) else "routing/presence.html"
    return render(request, name, state_of(agent))


@signed_in
@require_safe
def offers(request: HttpRequest) -> HttpResponse:
    """What this agent may take right now."""
    agent, now = me(request), timezone.now()
    rows = Offer.objects.filter(agent=agent, state=Offer.State.OPEN, due_at__gt=now)
    found = list(rows.select_related("ticket__customer", "ticket__channel", "ticket__address"))
    seen = set(
        Ticket.objects.visible_to(agent).filter(pk__in=[row.ticket_id for row in found]).values_list("pk", flat=True)
    )
    shown = [
        {
            "offer": row,
            "ticket": row.ticket,
            "name": people.name_of(row.ticket),
            "why": words.of(row.why),
            "seconds": max(1, round((row.due_at - now).total_seconds())),
        }
        for row in found
        if row.ticket_id in seen
    ]
    name = "routing/_offers.html" if wants_part(request) else "routing/offers.html"
    return render(request, name, {"offers": shown})


@signed_in
@require_POST
def answer(request: HttpRequest, offer_id: int, verb: str) -> HttpResponse:
    """accept or decline. What is over is said, and where the ticket is opened one sees whose it is."""
    agent = me(request)
    try:
        if verb == "accept":
            ticket = giving.accept(offer_id, agent)
        elif verb == "decline":
            giving.decline(offer_id, agent)
        else:
            raise Http404
    except Offer.DoesNotExist as error:
        raise Http404 from error
    except Conflict as error:
        if wants_part(request):
            return refusal(error)
        flash.error(request, str(error))
        return redirect("inbox")
    where = reverse("ticket", args=[ticket.pk]) if verb == "accept" else reverse("inbox")
    if wants_part(request):
        said = _("The ticket is yours") if verb == "accept" else ""
        return JsonResponse({"words": said, "open": where if verb == "accept" else None})
    return redirect(where)
