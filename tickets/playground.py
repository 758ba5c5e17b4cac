"""The sandbox page: an agent plays the customer of a channel that has a playground, and sees what arrives there."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from channels_app import registry
from channels_app.contract import clean_text, fit_id
from channels_app.inbound import accept_own
from channels_app.models import Address, Channel
from tickets.models import Message
from tickets.views import me, signed_in, wants_part

SHOWN = 60
KNOWN = 8
LONGEST = 20_000
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
    name = " ".join(clean_text(request.GET.get("customer", "")).split())[:100]
    known = Address.objects.filter(channel=channel).order_by("-pk").values_list("name", flat=True)[:KNOWN]
    context = {"channel": channel, "name": name, "known": [one for one in known if one], **_said(channel, name)}
    return render(request, "sandbox/page.html", context)


@signed_in
@require_GET
def sandbox_messages(request: HttpRequest, channel_id: int) -> HttpResponse:
    """What the customer sees: never a note, and of our answers only those that arrived."""
    channel = _channel(request, channel_id)
    return render(request, "sandbox/_messages.html", _said(channel, request.GET.get("customer", "")))


def _said(channel: Channel, name: str) -> dict[str, Any]:
    if not name:
        return {"said": []}
    seen = Q(direction=Message.Direction.IN) | Q(direction=Message.Direction.OUT, status__in=ARRIVED)
    found = Message.objects.filter(
        seen, ticket__address__channel=channel, ticket__address__external_id=sender_of(name), deleted_at=None
    )
    rows = found.select_related("agent").prefetch_related("attachments").defer("html").order_by("-at", "-pk")[:SHOWN]
    return {"said": list(rows)[::-1]}


def _write(request: HttpRequest, channel: Channel) -> HttpResponse:
    name = " ".join(clean_text(request.POST.get("customer", "")).split())[:100]
    text = request.POST.get("text", "").replace("\r\n", "\n")[:LONGEST]
    if not name or not text.strip():
        words = _("Write a name and a message.")
        return JsonResponse({"words": words}, status=422) if wants_part(request) else redirect(request.get_full_path())
    accept_own(channel, {"id": f"sandbox-{uuid.uuid4().hex}", "sender": sender_of(name), "name": name, "text": text})
    if wants_part(request):
        return HttpResponse(status=204)
    return redirect(f"{reverse('sandbox', args=[channel.pk])}?{urlencode({'customer': name})}")
