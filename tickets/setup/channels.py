"""The pages on which channels are made, connected, watched and switched off.

Administrators do all of it; a team lead sees the channels of their teams, how they fare, and may try
them. Nobody is shown a secret that the platform gave. One of our own making (the other side needs it
too) is shown to an administrator who asks for it by a POST: once after creation would be safer by
nothing, for who may ask may also replace it, and whoever closed the page too early would have to.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from django.conf import settings
from django.contrib import messages as flash
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agents.models import Agent
from agents.settings_pages import ADMIN, LEAD, open_to
from channels_app import checks, registry, steps
from channels_app import templates as channel_templates
from channels_app.contract import Adapter, CheckLine, DeliveryFailed
from channels_app.forms import ChannelForm
from channels_app.models import Channel
from tickets.models import Message, Ticket
from tickets.setup import health
from tickets.views import me

log = structlog.get_logger(__name__)

AT_ONCE = 100
LONGEST_SHOWN = 2_000


# ── Which ones ───────────────────────────────────────────────────────────────────────────────


def visible(agent: Agent) -> QuerySet[Channel]:
    return Channel.objects.filter(agent.sight().where("team_id")).select_related("team")


def one(request: HttpRequest, channel_id: int) -> Channel:
    """404 unless this agent sees it."""
    found = visible(me(request)).filter(pk=channel_id).first() if channel_id < 2**63 else None
    if found is None:
        raise Http404
    return found


def _installed(row: Channel) -> Channel:
    """404 where its adapter is gone: there are no settings and nothing to try."""
    if row.kind not in registry.kinds():
        raise Http404
    return row


def _offered() -> list[Adapter]:
    """The kinds one can choose; a playground only where it is switched on."""
    found = [registry.adapter(kind) for kind in registry.kinds()]
    return [adapter for adapter in found if settings.SANDBOX_ENABLED or not adapter.has_playground]


# ── List ─────────────────────────────────────────────────────────────────────────────────────


@open_to(ADMIN, LEAD)
@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    found = visible(me(request)).order_by("name", "pk")
    after = _number(request.GET.get("after"))
    behind = found.filter(pk=after).values_list("name", "pk").first() if after else None
    if behind:
        found = found.filter(Q(name__gt=behind[0]) | Q(name=behind[0], pk__gt=behind[1]))
    rows = list(found[: AT_ONCE + 1])
    context = {
        "rows": health.of(rows[:AT_ONCE]),
        "more": rows[AT_ONCE - 1].pk if len(rows) > AT_ONCE else None,
        "after": after,
    }
    return render(request, "settings/channels/list.html", context)


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None


# ── A new one ────────────────────────────────────────────────────────────────────────────────


@open_to(ADMIN)
@require_safe
def kinds(request: HttpRequest) -> HttpResponse:
    return render(request, "settings/channels/kinds.html", {"kinds": _offered()})


@open_to(ADMIN)
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest, kind: str) -> HttpResponse:
    adapter = next((one for one in _offered() if one.kind == kind), None)
    if adapter is None:
        raise Http404
    mine = me(request).teams.order_by("pk").first()
    form = ChannelForm(kind, request.POST or None, team=mine.pk if mine else None, preset=request.GET.get("preset"))
    if request.method == "POST" and form.is_valid():
        row = form.save()
        log.info("a channel was made", channel=row.pk, kind=kind, by=me(request).pk)
        return redirect("settings_channel_setup", row.pk)
    context = {"form": form, "adapter": adapter}
    return render(request, "settings/channels/form.html", context, status=422 if form.errors else 200)


# ── One ──────────────────────────────────────────────────────────────────────────────────────


@open_to(ADMIN, LEAD)
@require_safe
def channel(request: HttpRequest, channel_id: int) -> HttpResponse:
    return _page(request, one(request, channel_id))


def _page(request: HttpRequest, row: Channel, **more: Any) -> HttpResponse:
    (state,) = health.of([row])
    context = {
        "channel": row,
        "health": state,
        "facts": _facts(row) if state.installed else [],
        "consent": asks_consent(row),
        **more,
    }
    return render(request, "settings/channels/channel.html", context)


def asks_consent(row: Channel) -> bool:
    return row.kind in registry.kinds() and row.adapter.asks_consent(row.public_account())


def _facts(row: Channel) -> list[tuple[Any, str]]:
    """What is set, without secrets: of these only whether they are there."""
    there = row.adapter.fields if row.sealed_settings or row.public_settings else ()
    found = []
    for field in there:
        value = row.public_settings.get(field.name)
        if field.secret or value in (None, ""):
            continue
        words = next((words for name, words in field.choices if name == value), None)
        text = str(words) if words else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        found.append((field.label, text[:LONGEST_SHOWN]))
    return found


@open_to(ADMIN)
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, channel_id: int) -> HttpResponse:
    one(request, channel_id)
    with transaction.atomic():
        # Two administrators at once: the second starts from what the first has saved.
        rows = Channel.objects.select_for_update(of=("self",)) if request.method == "POST" else Channel.objects.all()
        row = _installed(get_object_or_404(rows.select_related("team"), pk=channel_id))
        preset = request.GET.get("preset")
        form = ChannelForm(row.kind, request.POST or None, channel=row, team=row.team_id, preset=preset)
        if request.method == "POST" and form.is_valid():
            form.save()
            log.info("a channel was changed", channel=row.pk, by=me(request).pk)
            flash.success(request, _("Saved"))
            return redirect("settings_channel", row.pk)
    context = {"form": form, "adapter": row.adapter, "channel": row}
    return render(request, "settings/channels/form.html", context, status=422 if form.errors else 200)


@open_to(ADMIN)
@require_POST
def try_new(request: HttpRequest, kind: str) -> HttpResponse:
    """What is typed for a new channel, tried before it is kept."""
    adapter = next((one for one in _offered() if one.kind == kind and one.tried_first), None)
    if adapter is None:
        raise Http404
    return _tried_first(request, ChannelForm(kind, request.POST))


@open_to(ADMIN)
@require_POST
def try_change(request: HttpRequest, channel_id: int) -> HttpResponse:
    """The same for a change; secrets that were left out are those that are kept."""
    row = _installed(one(request, channel_id))
    if not row.adapter.tried_first:
        raise Http404
    return _tried_first(request, ChannelForm(row.kind, request.POST, channel=row))


def _tried_first(request: HttpRequest, form: ChannelForm) -> HttpResponse:
    if form.is_valid():
        lines = checks.first(form.kind, form.cleaned_data["name"], form.complete)
    else:
        lines = [CheckLine(ok=False, words=f"{_label(form, name)}: {' '.join(errors)}") for name, errors in
                 form.mistakes().items()]  # fmt: skip
    return render(request, "settings/channels/_tried.html", {"lines": lines})


def _label(form: ChannelForm, name: str) -> str:
    return str(form.fields[name].label) if name in form.fields else _("Settings")


# ── Connecting ───────────────────────────────────────────────────────────────────────────────


@open_to(ADMIN)
@require_http_methods(["GET", "POST"])
def setup(request: HttpRequest, channel_id: int) -> HttpResponse:
    """Step by step; a POST shows the secrets of our own making, and is never kept by a browser."""
    row = _installed(one(request, channel_id))
    reveal = request.method == "POST"
    if reveal:
        log.info("a channel's own secrets were shown", channel=row.pk, by=me(request).pk)
    found = steps.steps(row, reveal=reveal)
    hidden = any(step.value and step.value.own and step.value.there and not step.value.text for step in found)
    context = {"channel": row, "adapter": row.adapter, "steps": found, "hidden": hidden, "revealed": reveal}
    response = render(request, "settings/channels/setup.html", context)
    response.headers["Cache-Control"] = "no-store"
    return response


@open_to(ADMIN, LEAD)
@require_POST
def check(request: HttpRequest, channel_id: int) -> HttpResponse:
    """The adapter's own check against the real platform, line by line. Takes as long as its time limits."""
    return _tried(request, channel_id, checks.live, _("There is nothing to try on this kind of channel."))


@open_to(ADMIN)
@require_POST
def connect(request: HttpRequest, channel_id: int) -> HttpResponse:
    row = _installed(one(request, channel_id))
    if not row.adapter.can_connect:
        raise Http404
    log.info("a channel was connected", channel=row.pk, by=me(request).pk)
    return _tried(request, channel_id, checks.connect, _("The platform was told."))


@open_to(ADMIN, LEAD)
@require_POST
def templates(request: HttpRequest, channel_id: int) -> HttpResponse:
    """Take over the platform's approved templates now, not at the next daily look."""
    if not _installed(one(request, channel_id)).adapter.has_templates:
        raise Http404
    return _tried(request, channel_id, _synchronised, "")


def _synchronised(row: Channel) -> Sequence[CheckLine]:
    try:
        count = channel_templates.sync(row.pk)
    except DeliveryFailed as failure:
        return [CheckLine(ok=False, words=f"{gettext(failure.title)} {failure.detail}".strip())]
    words = ngettext("%(count)d template is here now.", "%(count)d templates are here now.", count)
    return [CheckLine(ok=True, words=words % {"count": count})]


def _tried(
    request: HttpRequest, channel_id: int, act: Callable[[Channel], Sequence[CheckLine]], otherwise: str
) -> HttpResponse:
    row = _installed(one(request, channel_id))
    lines = checks.told(row, act) or [CheckLine(ok=True, words=otherwise)]
    # The platform may have taken a while: what is known of the channel is read again.
    return _page(request, one(request, channel_id), lines=lines)


# ── Off, on, away ────────────────────────────────────────────────────────────────────────────


@open_to(ADMIN)
@require_http_methods(["GET", "POST"])
def switch(request: HttpRequest, channel_id: int) -> HttpResponse:
    """GET asks before switching off; POST does what "on" says."""
    row = one(request, channel_id)
    if request.method == "GET":
        return render(request, "settings/channels/switch.html", {"channel": row})
    on = request.POST.get("on") == "1"
    Channel.objects.filter(pk=row.pk).update(enabled=on)
    log.info("a channel was switched", channel=row.pk, on=on, by=me(request).pk)
    words = _("%(name)s is on.") if on else _("%(name)s is off.")
    flash.success(request, words % {"name": row.name})
    return redirect("settings_channel", row.pk)


@open_to(ADMIN)
@require_http_methods(["GET", "POST"])
def delete(request: HttpRequest, channel_id: int) -> HttpResponse:
    """Only what nobody has talked on: else the history would go with it, so such a one is switched off."""
    row = one(request, channel_id)
    used = _used(row)
    if request.method == "GET" or used:
        status = 409 if request.method == "POST" else 200
        return render(request, "settings/channels/delete.html", {"channel": row, "used": used}, status=status)
    try:
        with transaction.atomic():
            Channel.objects.get(pk=row.pk).delete()
    except (ProtectedError, IntegrityError):
        # Something came in between the look and the act.
        return render(request, "settings/channels/delete.html", {"channel": row, "used": True}, status=409)
    log.info("a channel was deleted", channel=row.pk, kind=row.kind, by=me(request).pk)
    flash.success(request, _("%(name)s is deleted.") % {"name": row.name})
    return redirect("settings_channels")


def _used(row: Channel) -> bool:
    return Ticket.objects.filter(channel=row).exists() or Message.objects.filter(channel=row).exists()
