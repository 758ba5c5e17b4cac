"""The sandbox page: an agent plays the customer of a channel that has a playground, and sees what arrives there."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from agents.models import Sight
from channels_app import registry
from channels_app.contract import clean_text, fit_id
from channels_app.inbound import accept_own
from channels_app.models import Address, Channel
from tickets import choices, selections
from tickets.models import Message, Ticket
from tickets.views import me, signed_in, wants_part

SHOWN = 60
KNOWN = 8
LONGEST = 20_000
# As many as a wide screen shows side by side.
PHONES = 4
ARRIVED = (Message.Status.SENT, Message.Status.DELIVERED, Message.Status.READ)


def _channel(request: HttpRequest, channel_id: int) -> Channel:
    found = Channel.objects.select_related("team").filter(pk=channel_id).first() if channel_id < 2**63 else None
    if found is None or not settings.SANDBOX_ENABLED or not me(request).sight().covers(found.team_id):
        raise Http404
    try:
        if not found.adapter.has_playground:
            raise Http404
    except registry.UnknownKind as error:
        raise Http404 from error
    return found


def sender_of(name: str) -> str:
    """The same name is the same customer."""
    return fit_id(slugify(name, allow_unicode=True) or "-".join(f"{ord(c):x}" for c in name[:20]))


@signed_in
@require_http_methods(["GET", "POST"])
def sandbox(request: HttpRequest, channel_id: int) -> HttpResponse:
    channel = _channel(request, channel_id)
    if request.method == "POST":
        return _write(request, channel)
    names = _names(request)
    sight = me(request).sight()
    seen = Ticket.objects.seen_with(sight).filter(address=OuterRef("pk"))
    known = Address.objects.filter(Exists(seen), channel=channel).order_by("-pk").values_list("name", flat=True)[:KNOWN]
    context = {
        "channel": channel,
        "phones": _phones(channel, names, sight),
        "together": _together(names),
        "full": len(names) >= PHONES,
        "shop": next((place.id for place in selections.places(me(request)).websites()), None),
        "known": [one for one in dict.fromkeys(known) if one and one not in names],
    }
    return render(request, "sandbox/page.html", context)


def _names(request: HttpRequest) -> list[str]:
    """Who is played, each once, in the order of the address."""
    given = (_name(one) for one in request.GET.getlist("customer")[:20])
    return list({sender_of(name): name for name in given if name}.values())[:PHONES]


def _name(text: str) -> str:
    return " ".join(clean_text(text).split())[:100]


def _together(names: list[str]) -> str:
    return urlencode([("customer", name) for name in names])


def _phones(channel: Channel, names: list[str], sight: Sight) -> list[dict[str, Any]]:
    """One without a name where nobody is played yet. without: the address that leaves this one out."""
    if not names:
        return [{"name": "", "without": None, "said": []}]
    return [
        {"name": name, "without": _together([one for one in names if one != name]), **_said(channel, name, sight)}
        for name in names
    ]


@signed_in
@require_safe
def sandbox_messages(request: HttpRequest, channel_id: int) -> HttpResponse:
    """What the customer sees: never a note, and of our answers only those that arrived."""
    channel = _channel(request, channel_id)
    said = _said(channel, request.GET.get("customer", ""), me(request).sight())
    return render(request, "sandbox/_messages.html", said)


def _said(channel: Channel, name: str, sight: Sight) -> dict[str, Any]:
    if not name:
        return {"said": []}
    seen = Q(direction=Message.Direction.IN) | Q(direction=Message.Direction.OUT, status__in=ARRIVED)
    # A conversation that another team has taken over is theirs, also here.
    found = Message.objects.seen_with(sight).filter(
        seen, ticket__address__channel=channel, ticket__address__external_id=sender_of(name), deleted_at=None
    )
    rows = found.select_related("agent").prefetch_related("attachments").defer("html").order_by("-at", "-pk")[:SHOWN]
    return {"said": list(rows)[::-1]}


def _write(request: HttpRequest, channel: Channel) -> HttpResponse:
    name = _name(request.POST.get("customer", ""))
    text = request.POST.get("text", "").replace("\r\n", "\n")[:LONGEST]
    pressed = _pressed(channel, name, request.POST.get("pressed", ""))
    if not name or not (text.strip() or pressed):
        words = _("Write a name and a message.")
        return JsonResponse({"words": words}, status=422) if wants_part(request) else redirect(request.get_full_path())
    said = {"id": f"sandbox-{uuid.uuid4().hex}", "sender": sender_of(name), "name": name}
    accept_own(channel, {**said, **(pressed or {"text": text})})
    if wants_part(request):
        return HttpResponse(status=204)
    return redirect(f"{reverse('sandbox', args=[channel.pk])}?{_together(_names(request) or [name])}")


def _pressed(channel: Channel, name: str, given: str) -> dict[str, Any] | None:
    """A button under one of the messages that this customer sees: "message-place". None: there is none."""
    pk, _dash, place = given.partition("-")
    if not (pk.isdecimal() and place.isdecimal() and len(given) < 30):
        return None
    found = Message.objects.filter(
        pk=int(pk), direction=Message.Direction.OUT, status__in=ARRIVED, ticket__address__channel=channel,
        ticket__address__external_id=sender_of(name),
    ).first()  # fmt: skip
    offered = choices.of(found) if found else ()
    if found is None or int(place) >= len(offered):
        return None
    one = offered[int(place)]
    return {"postback": {"title": one.title, "payload": one.payload}, "reply_to": found.external_id}
