"""A channel's owner signs in at the provider: out with the browser, and back to one address for all channels."""

from __future__ import annotations

import time

import structlog
from django.contrib import messages as flash
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from agents.settings_pages import ADMIN, open_to
from channels_app import consent, vault
from channels_app.contract import DeliveryFailed, clean_text
from channels_app.outbound import SEALED_LAZY
from tickets.setup import channels
from tickets.views import me

log = structlog.get_logger(__name__)

KEPT = "consents"
AT_ONCE = 5
"""So many visits of one browser are remembered: tabs that were left open push out each other only."""
LONGEST = 4_000


@open_to(ADMIN)
@require_safe
def begin(request: HttpRequest, channel_id: int) -> HttpResponse:
    """A link, not a form: our policy lets no form lead to another origin."""
    row = channels.one(request, channel_id)
    if not channels.asks_consent(row):
        raise Http404
    url, state, visit = consent.begin(row, time.time())
    visits = list(request.session.get(KEPT, {}).items())[1 - AT_ONCE :]
    request.session[KEPT] = {**dict(visits), state: visit}
    response = HttpResponseRedirect(url)
    response.headers["Cache-Control"] = "no-store"
    return response


@open_to(ADMIN)
@require_safe
def finish(request: HttpRequest) -> HttpResponse:
    """What the provider says; worth something once, and only in the browser that was sent there."""
    state = request.GET.get("state", "")
    visit = request.session.get(KEPT, {}).pop(state, None)
    request.session.modified = visit is not None
    if visit is None or time.time() - visit["at"] > consent.LASTS:
        flash.error(request, _("This sign-in is not known any more: begin it again on the channel's page."))
        return redirect("settings_channels")
    row = channels.one(request, visit["channel"])
    code = request.GET.get("code", "")
    if not code or len(code) > LONGEST:
        said = clean_text(request.GET.get("error_description") or request.GET.get("error") or "")[:200]
        flash.error(request, f"{_('The provider did not let us in.')} {said}".strip())
        return redirect("settings_channel", row.pk)
    try:
        consent.finish(row, state, visit, code)
    except DeliveryFailed as failure:
        flash.error(request, f"{gettext(failure.title)} {failure.detail}".strip())
    except vault.Unreadable:
        flash.error(request, str(SEALED_LAZY))
    else:
        log.info("a channel was allowed in", channel=row.pk, by=me(request).pk)
        flash.success(request, _("The provider lets us in. Try it now."))
    return redirect("settings_channel", row.pk)
