"""The pages about envelopes: what could not be opened, why, what came, and opening it again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog
from django.contrib import messages as flash
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from agents.settings_pages import ADMIN, open_to
from channels_app import replays
from channels_app.models import Channel, Envelope
from tickets.models import Message
from tickets.setup import bodies, health
from tickets.views import me

log = structlog.get_logger(__name__)

ROWS = 50
LARGEST = 2**63
MESSAGES_SHOWN = 50
STATES = (Envelope.State.FAILED, Envelope.State.IGNORED)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the address asks for; what cannot be is left out."""

    state: str
    channel: int | None
    before: int | None

    @classmethod
    def of(cls, given: QueryDict) -> Wanted:
        state = given.get("state", "")
        return cls(
            state=state if state in STATES else "",
            channel=_number(given.get("channel")),
            before=_number(given.get("before")),
        )

    def address(self, **changed: Any) -> str:
        """The list with these filters, from its start unless ``before`` is given."""
        query = {"state": self.state, "channel": self.channel, **changed}
        query = {name: value for name, value in query.items() if value}
        return reverse("settings_envelopes") + (f"?{urlencode(query)}" if query else "")


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None


@open_to(ADMIN)
@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    wanted = Wanted.of(request.GET)
    found = Envelope.objects.filter(health.UNOPENED).select_related("channel").defer("body", "headers")
    if wanted.state:
        found = found.filter(state=wanted.state)
    if wanted.channel:
        found = found.filter(channel=wanted.channel)
    if wanted.before:
        found = found.filter(pk__lt=wanted.before)
    rows = list(found.order_by("-pk")[: ROWS + 1])
    channels = list(Channel.objects.only("pk", "name", "kind").order_by("name", "pk"))
    context = {
        "rows": rows[:ROWS],
        "older": wanted.address(before=rows[ROWS - 1].pk) if len(rows) > ROWS else None,
        "newest": wanted.address() if wanted.before else None,
        "wanted": wanted,
        "tabs": _tabs(wanted),
        "channels": channels,
        "channel": next((one for one in channels if one.pk == wanted.channel), None),
        "run": _run(request.GET, wanted),
    }
    return render(request, "settings/envelopes/list.html", context)


def _tabs(wanted: Wanted) -> list[tuple[str, Any, bool]]:
    choices = [("", _("All")), *((state.value, state.label) for state in STATES)]
    return [(wanted.address(state=state), words, wanted.state == state) for state, words in choices]


# ── One ──────────────────────────────────────────────────────────────────────────────────────


def one(envelope_id: int) -> Envelope:
    found = Envelope.objects.select_related("channel").filter(pk=envelope_id).first() if envelope_id < LARGEST else None
    if found is None:
        raise Http404
    return found


@open_to(ADMIN)
@require_safe
def envelope(request: HttpRequest, envelope_id: int) -> HttpResponse:
    row = one(envelope_id)
    became = Message.objects.filter(envelope=row).select_related("ticket__customer").order_by("pk")
    context = {
        "envelope": row,
        "body": bodies.shown(row),
        "headers": bodies.headers(row),
        "became": became.defer("html")[:MESSAGES_SHOWN],
        "can_replay": row.state != Envelope.State.OPENED and bool(row.body),
    }
    return render(request, "settings/envelopes/envelope.html", context)


@open_to(ADMIN)
@require_safe
def body(request: HttpRequest, envelope_id: int) -> HttpResponse:
    """The whole, byte for byte, as a file that no browser opens."""
    row = one(envelope_id)
    if not row.body:
        raise Http404
    response = HttpResponse(bytes(row.body), content_type="application/octet-stream")
    response["Content-Disposition"] = f'attachment; filename="envelope-{row.pk}.bin"'
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


# ── Again ────────────────────────────────────────────────────────────────────────────────────


@open_to(ADMIN)
@require_POST
def replay(request: HttpRequest, envelope_id: int) -> HttpResponse:
    row = one(envelope_id)
    try:
        opened = replays.one(row.pk)
    except replays.CannotReplay as error:
        flash.error(request, str(error))
        return redirect("settings_envelope", row.pk)
    log.info("an envelope was opened again", envelope=row.pk, by=me(request).pk)
    if opened is None or opened.state == Envelope.State.OPENED:
        flash.success(request, _("Opened. What came of it is below."))
    elif opened.state == Envelope.State.IGNORED:
        flash.success(request, _("Read again: there is nothing in it for this channel."))
    else:
        flash.error(request, _("It failed again. The reason is below."))
    return redirect("settings_envelope", row.pk)


@open_to(ADMIN)
@require_POST
def replay_all(request: HttpRequest) -> HttpResponse:
    """All that failed of one channel; the list says how far it is."""
    wanted = _number(request.POST.get("channel"))
    channel = Channel.objects.filter(pk=wanted).first() if wanted else None
    if channel is None:
        raise Http404
    run = replays.all_failed(channel.pk)
    log.info("failed envelopes were opened again", channel=channel.pk, count=run.count, by=me(request).pk)
    query: dict[str, str | int] = {"state": "failed", "channel": channel.pk}
    if run.count:
        query |= {"since": round(run.since.timestamp() * 1000), "of": run.count}
    else:
        flash.error(request, _("There is nothing that could be opened again."))
    return redirect(f"{reverse('settings_envelopes')}?{urlencode(query)}")


@dataclass(frozen=True, slots=True)
class Progress:
    done: int
    count: int

    @property
    def over(self) -> bool:
        return self.done >= self.count

    @property
    def words(self) -> str:
        if self.over:
            told = ngettext("%(count)d was opened again.", "All %(count)d were opened again.", self.count)
            return f"{told % {'count': self.count}} {_('What is still here failed once more.')}"
        return _("Opening again: %(done)d of %(count)d done.") % {"done": self.done, "count": self.count}


def _run(given: QueryDict, wanted: Wanted) -> Progress | None:
    """How far a replay of all is; the address alone knows of it."""
    since, count = _number(given.get("since")), _number(given.get("of"))
    if not (wanted.channel and since and count) or since > 10**14:
        return None
    # Half a millisecond is lost in the address: the rows' time is no later than the next one.
    run = replays.Run(wanted.channel, datetime.fromtimestamp((since + 1) / 1000, UTC), min(count, 10**9))
    return Progress(max(run.count - run.waiting, 0), run.count)
