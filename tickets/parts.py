"""Parts of a ticket's page that the browser asks for while one works: what the composer may do now, a stretch of the
conversation, what the platform sent, an emoji on a message.

All start from what this agent may see; whole pages are in ``views``.
"""

from __future__ import annotations

import json

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_POST, require_safe

from channels_app import payloads
from channels_app.models import Channel, MessageTemplate
from tickets import lifecycle, pages, reactions, replies
from tickets.views import me, message_for, refusal, signed_in, ticket_for, wants_part

LONGEST_EVENT = 100_000
TEMPLATE = ("name", "language", "category", "header", "body", "footer", "buttons", "variables", "media")


@signed_in
@require_safe
@ensure_csrf_cookie
def composer(request: HttpRequest, number: int) -> HttpResponse:
    """What can be sent right now: windows end and quotas shrink while one writes. Brings a fresh CSRF cookie along."""
    found = ticket_for(me(request).sight(), number)
    return render(request, "ticket/_able.html", {"ticket": found, "able": replies.abilities_of(found)})


@signed_in
@require_safe
def stream(request: HttpRequest, number: int) -> HttpResponse:
    """Messages before or after a key, for a page that has let go of what is far away."""
    found = ticket_for(me(request).sight(), number)
    after = request.GET.get("after", "")
    shown = pages.later(found, after) if after else pages.stream(found, request.GET.get("before", ""))
    return render(request, "ticket/_items.html", {"ticket": found, "stream": shown})


@signed_in
@require_safe
def templates(request: HttpRequest, number: int) -> JsonResponse:
    """The approved texts of the ticket's channel, as they were when they were last synchronised."""
    found = ticket_for(me(request).sight(), number)
    rows = [
        {
            **{name: getattr(row, name) for name in TEMPLATE},
            "example": bool(row.example),
            "takes": _takes(found.channel, row),
        }
        for row in MessageTemplate.objects.filter(channel_id=found.channel_id)
        if row.approved
    ]
    return JsonResponse({"templates": rows})


def _takes(channel: Channel, row: MessageTemplate) -> str:
    """What the browser's picker offers for its header."""
    types = channel.adapter.template_file(row.media)[0] if row.media else None
    return ",".join(sorted(types or ()))


@signed_in
@require_POST
def reaction(request: HttpRequest, message_id: int) -> HttpResponse:
    """Our emoji on a customer's message; an empty one takes ours back."""
    found = message_for(request, message_id)
    try:
        reactions.react(found.pk, me(request), request.POST.get("emoji", "")[:100])
    except lifecycle.Refused as error:
        return refusal(error)
    return HttpResponse(status=204)


@signed_in
@require_safe
def event(request: HttpRequest, message_id: int) -> HttpResponse:
    """What the platform sent of this one message, for a kind of message that we do not know."""
    found = message_for(request, message_id)
    text, why = "", ""
    try:
        text = json.dumps(payloads.own_event(found.envelope, found.external_id or ""), ensure_ascii=False, indent=2)
    except payloads.NotKept:
        why = "gone"
    except payloads.NotAlone:
        why = "mixed"
    name = "ticket/_event.html" if wants_part(request) else "ticket/event.html"
    context = {"message": found, "text": text[:LONGEST_EVENT], "cut": len(text) > LONGEST_EVENT, "why": why}
    return render(request, name, context)
