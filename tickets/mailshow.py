"""The doors of a mail's look: the frame that it is shown in, and an agent's word that pictures may be loaded.

A picture from elsewhere tells its owner that the mail is being read, when and from where. So none is loaded until
an agent says so, for one mail or for all of its sender's; a sender whose mail is forged is never remembered.
"""

from __future__ import annotations

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_POST, require_safe

from agents.models import Agent
from tickets import mailframe, threads
from tickets.models import Actor, Message, PicturesAllowed, Ticket
from tickets.models.activity import record
from tickets.views import me, message_for, signed_in, wants_part

AT_ONCE = 500
# For what a mail leaves open; it weighs nothing against whatever the mail says itself.
GROUND = (
    "<style>:where(body){margin:12px;font:15px/1.5 system-ui,sans-serif;color:#1b2224;overflow-wrap:break-word}"
    ":where(img){max-width:100%;height:auto}"
    ":where(blockquote){margin:0 0 0 4px;padding-left:12px;border-left:2px solid #c9cdcd}</style>"
)


@signed_in
@require_safe
@xframe_options_sameorigin
def html(request: HttpRequest, message_id: int) -> HttpResponse:
    """A mail's HTML, sanitised before it was stored, in a frame that can neither run nor reach anything.

    What came with the mail stands in the answer itself: the frame has no session, so it could ask us for nothing.
    """
    found = message_for(request, message_id)
    if found.html is None:
        raise Http404
    remote = bool(found.extra.get("pictures"))
    shown = mailframe.shown(found, remote=remote)
    response = HttpResponse(f'<!doctype html><meta charset="utf-8"><base target="_blank">{GROUND}{shown}')
    response["Content-Security-Policy"] = (
        "sandbox allow-popups; default-src 'none'; style-src 'unsafe-inline'; "
        f"img-src data:{' https:' if remote else ''}; frame-ancestors 'self'"
    )
    response["Referrer-Policy"] = "no-referrer"
    return response


@signed_in
@require_POST
def pictures(request: HttpRequest, message_id: int) -> HttpResponseBase:
    """``for=message`` or ``for=sender``: pictures from elsewhere are loaded from now on."""
    found = message_for(request, message_id)
    if found.html is None or found.direction != Message.Direction.IN:
        raise Http404
    allow(found, me(request), sender=request.POST.get("for") == "sender")
    if wants_part(request):
        return HttpResponse(status=204, headers={"HX-Trigger": "desk:news"})
    return redirect(f"{reverse('ticket', args=[found.ticket_id])}#m-{found.pk}")


def allow(message: Message, agent: Agent, *, sender: bool) -> None:
    """sender: also for what they wrote on this ticket before, and for all that they will write."""
    with transaction.atomic():
        ticket = Ticket.objects.locked().get(pk=message.ticket_id)
        rows = [message]
        author = message.address
        if sender and author is not None and not threads.forged(message.extra.get("mail", {})):
            PicturesAllowed.objects.get_or_create(address=author, defaults={"agent": agent})
            theirs = Message.objects.filter(ticket=ticket, address=author, extra__has_key="remote_pictures")
            rows += [row for row in theirs[:AT_ONCE] if row.pk != message.pk]
        for row in rows:
            if row.extra.get("pictures") or (threads.forged(row.extra.get("mail", {})) and row.pk != message.pk):
                continue
            Message.objects.filter(pk=row.pk).update(extra={**row.extra, "pictures": "sender" if sender else "once"})
            record(ticket, "message.changed", Actor.of(agent), message=row, changes={"what": "pictures"})
