"""The desk's pages: whole documents for an address, and the same parts alone for a page that is open already.

Sight is enforced where a ticket or message is fetched; what one may not see is not there (404). A request that a
script makes (``wants_part``) is never redirected to the sign-in page: it gets 401 and words, and the draft stays.
"""

from __future__ import annotations

from collections.abc import Callable
from email.utils import getaddresses
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib import messages as flash
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_POST, require_safe

from agents.models import Agent, Sight
from channels_app import outbound
from channels_app.contract import QuickReply, Template
from tickets import delivery, letters, lifecycle, lists, media, pages, replies, selections, shapes, wording
from tickets.erasing.blanking import LINE as ERASED
from tickets.models import Activity, Actor, Message, Ticket, TicketQuerySet
from tickets.models.activity import horizon

View = Callable[..., HttpResponseBase]
NEWS = 200
ROWS_AT_ONCE = 60
LONGEST_MEASURED = 100_000
LONGEST_TEXT = 2_000_000


# ── The door ─────────────────────────────────────────────────────────────────────────────────


def wants_part(request: HttpRequest) -> bool:
    """Asked by a script for a part of a page."""
    return "HX-Request" in request.headers or request.headers.get("X-Requested-With") == "fetch"


def signed_in(view: View) -> View:
    @wraps(view)
    def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            response = view(request, *args, **kwargs)
        elif wants_part(request):
            words = _("Your session has ended. Sign in again; your draft is kept.")
            response = JsonResponse({"words": words, "sign_in": reverse(settings.LOGIN_URL)}, status=401)
        else:
            response = redirect_to_login(request.get_full_path() if request.method == "GET" else "/")
        # One address, two answers: the whole page or a part of it.
        patch_vary_headers(response, ["HX-Request", "HX-Target", "X-Requested-With"])
        response.headers.setdefault("Cache-Control", "private, no-cache")
        return response

    return door


def me(request: HttpRequest) -> Agent:
    assert isinstance(request.user, Agent)
    return request.user


def target(request: HttpRequest) -> str:
    """The pane that a part is for; "" for a whole page."""
    return request.headers.get("HX-Target", "") if wants_part(request) else ""


def refusal(error: lifecycle.Refused) -> JsonResponse:
    status = 409 if isinstance(error, lifecycle.Held | lifecycle.Conflict) else 422
    return JsonResponse({"words": str(error)}, status=status)


def ticket_for(sight: Sight, number: int, rows: TicketQuerySet | None = None) -> Ticket:
    rows = Ticket.objects.for_reading() if rows is None else rows
    found = rows.seen_with(sight).filter(pk=number).first() if number < 2**63 else None
    if found is None:
        raise Http404
    return found


def message_for(request: HttpRequest, message_id: int) -> Message:
    found = Message.objects.visible_to(me(request)).filter(pk=message_id).first() if message_id < 2**63 else None
    if found is None:
        raise Http404
    return found


# ── Lists ────────────────────────────────────────────────────────────────────────────────────


@signed_in
@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """Views and list; no ticket open."""
    # Before anything is read: what happens from here on the socket tells.
    at = horizon()
    here = selections.places(me(request))
    selection = selections.Selection.of(request.GET)
    context = {
        "here": here,
        "selection": selection,
        "pane": "list",
        "at": at,
        **_shell(),
        **_list(request, here, selection),
    }
    if target(request) in ("list", "more"):
        return render(request, "inbox/_list.html" if target(request) == "list" else "inbox/_rows.html", context)
    return render(request, "inbox/page.html", context)


def _list(request: HttpRequest, here: selections.Places, selection: selections.Selection) -> dict[str, Any]:
    page = selections.page(me(request), selection, here.sight)
    view, title = selection.described(here, page.rows)
    given = {"view": view, "title": title, "rows": page.rows, "older": page.older}
    if target(request) != "more" and not selection.costly:
        # The counts come along where there is a statement left for them; else the page asks.
        given["counts"] = selections.badges(me(request), here.sight)
    return given


def _shell() -> dict[str, Any]:
    return {"views": selections.VIEWS.values(), "max_bytes": settings.MAX_ATTACHMENT_BYTES}


@signed_in
@require_safe
def rows(request: HttpRequest) -> HttpResponse:
    """The rows of these tickets as far as they belong in this list."""
    numbers = [found for found in map(pages.number, request.GET.get("n", "").split(",")) if found][:ROWS_AT_ONCE]
    agent, selection = me(request), selections.Selection.of(request.GET)
    # A search keeps its hits as they are: only what stands in the list is brought up to date.
    filters = lists.Filters() if selection.q else selection.filters(agent)
    found = selections.for_rows(lists.narrowed(Ticket.objects.visible_to(agent), filters).filter(pk__in=numbers), agent)
    if selection.by_due:
        found = found.filter(due_at__isnull=False)
    return render(request, "inbox/_rows.html", {"rows": found.order_by("-seq"), "selection": selection})


@signed_in
@require_safe
@ensure_csrf_cookie
def counts(request: HttpRequest) -> HttpResponse:
    """Also where a page that is too old gets a fresh CSRF cookie."""
    return JsonResponse(selections.badges(me(request), me(request).sight()))


# ── A ticket ─────────────────────────────────────────────────────────────────────────────────


@signed_in
@require_safe
def ticket(request: HttpRequest, number: int) -> HttpResponse:
    """One ticket with its newest messages; as a whole page the list beside it comes by itself."""
    return _ticket_page(request, number)


def _ticket_page(request: HttpRequest, number: int, status: int = 200, **more: Any) -> HttpResponse:
    here = selections.places(me(request))
    found = ticket_for(here.sight, number)
    if target(request) == "older":
        shown = pages.stream(found, request.GET.get("before", ""))
        return render(request, "ticket/_items.html", {"ticket": found, "stream": shown})
    hit = pages.number(request.GET.get("m"))
    shown = pages.around(found, hit) if hit else pages.stream(found)
    context = {
        "here": here,
        "selection": selections.Selection.of(request.GET),
        "pane": "ticket",
        "ticket": found,
        "stream": shown,
        "able": (able := pages.abilities(found, shown.messages)),
        "copies": letters.usual_copies(found) if able.has_recipients else [],
        "closing": outbound.closing(found.channel, me(request).name, me(request).signature) if found.threads else "",
        "snooze_choices": pages.snooze_choices(),
        "priorities": Ticket.Priority.choices,
        **_shell(),
        **more,
    }
    name = "ticket/_pane.html" if target(request) == "ticket" else "inbox/page.html"
    return render(request, name, context, status=status)


@signed_in
@require_safe
def news(request: HttpRequest, number: int) -> HttpResponse:
    """All that changed on a ticket after a line of the log: its head, the messages, the lines."""
    here = selections.places(me(request))
    found = ticket_for(here.sight, number)
    since = pages.number(request.GET.get("since")) or 0
    lines = list(Activity.objects.filter(ticket=found, seq__gt=since).order_by("seq")[: NEWS + 1])
    if len(lines) > NEWS or any(line.type == ERASED for line in lines):
        # Too much to mend piece by piece: the page opens the ticket afresh.
        return JsonResponse({"reload": True}, status=205)
    touched = [line.message_id for line in lines if line.message_id and line.type.startswith("message.")]
    items = [
        *pages.arranged(pages.readable(Message.objects.filter(pk__in=touched)) if touched else (), ()),
        *pages.arranged((), (line for line in lines if pages.in_stream(line))),
    ]
    context = {
        "here": here,
        "ticket": found,
        "selection": selections.Selection.of(request.GET),
        "items": items,
        "snooze_choices": pages.snooze_choices(),
        "priorities": Ticket.Priority.choices,
    }
    return render(request, "ticket/_news.html", context)


@signed_in
@require_POST
def say(request: HttpRequest, number: int) -> HttpResponse:
    """A reply or a note. What is new is shown first, and the draft stays where it was written."""
    found = ticket_for(me(request).sight(), number)
    if request.POST.get("agent", str(me(request).pk)) != str(me(request).pk):
        # Another one has signed in by another tab: nobody's words go out under somebody else's name.
        words = _("Another person is signed in now. Sign in as yourself again; your draft is kept.")
        return JsonResponse({"words": words, "sign_in": reverse(settings.LOGIN_URL)}, status=401)
    try:
        with transaction.atomic():
            draft = _draft(request)
            message, _made = replies.reply(found.pk, me(request), draft)
    except replies.Stale as stale:
        context = {"new": [(line, wording.of_news(line)) for line in stale.new], "seq": stale.seq, "words": str(stale)}
        if wants_part(request):
            return render(request, "ticket/_stale.html", context, status=409)
        return _ticket_page(request, number, 409, draft=request.POST, **context)
    except replies.KeyReused as error:
        # The first try had gone through; then the text was changed.
        return JsonResponse({"words": str(error), "code": "sent"}, status=422)
    except lifecycle.Refused as error:
        if wants_part(request):
            return refusal(error)
        return _ticket_page(request, number, 422, draft=request.POST, words=str(error))
    if wants_part(request):
        return JsonResponse({"id": message.pk}, status=201)
    return redirect(_address(found.pk, request))


def _draft(request: HttpRequest) -> replies.Draft:
    given = request.POST
    text = given.get("text", "").replace("\r\n", "\n")
    if len(text) > LONGEST_TEXT:
        raise replies.CannotSend(_("The text is too long."))
    files = [pages.number(one) or 0 for one in given.getlist("attachments")]
    # Without scripts the files come with the form.
    files += [_keep(me(request), file).pk for file in request.FILES.getlist("files")]
    return replies.Draft(
        text=text,
        kind="note" if given.get("kind") == "note" else "reply",
        attachments=tuple(files),
        # What is no number is no message: better refused than sent without what it answers.
        reply_to=pages.number(given["reply_to"]) or 0 if given.get("reply_to") else None,
        seen=pages.number(given.get("seen")),
        key=given.get("key", ""),
        cc=_people(given["cc"]) if "cc" in given else None,
        bcc=_people(given.get("bcc", "")),
        template=_template(request),
        quick_replies=tuple(QuickReply(title=title) for title in given.getlist("button")[:50] if title.strip()),
    )


def _people(line: str) -> tuple[str, ...]:
    """What stands in Cc or Bcc: addresses with commas, semicolons or blanks between, names as mail programs write them.

    What is none goes on as it is, to be refused by its name.
    """
    line = " ".join(line[:10_000].replace(";", ",").split())
    found = tuple(address for _name, address in getaddresses([line]) if address)
    return found or ((line,) if line.strip(" ,") else ())


def _template(request: HttpRequest) -> Template | None:
    """An approved text with what stands in its blanks."""
    name = request.POST.get("template", "")
    if not name:
        return None
    blanks = {field.removeprefix("var-"): str(text) for field, text in request.POST.items() if field.startswith("var-")}
    return Template(name=name, language=request.POST.get("template_language", ""), parameters=blanks)


def _whole(request: HttpRequest, file: Any) -> None:
    """The browser says how long the file is before it sends it: one that stopped half-way is none."""
    said = pages.number(request.POST.get("size"))
    if said is not None and said != file.size:
        raise replies.CannotSend(_("%(name)s did not arrive whole. Add it again.") % {"name": file.name})


def _keep(agent: Agent, file: Any) -> Any:
    if file.size > settings.MAX_ATTACHMENT_BYTES:
        limit = settings.MAX_ATTACHMENT_BYTES // (1024 * 1024)
        raise replies.CannotSend(_("%(name)s is over the limit of %(limit)d MB.") % {"name": file.name, "limit": limit})
    return media.upload(agent, file, file.name, file.content_type or "")


@signed_in
@require_POST
def upload(request: HttpRequest) -> HttpResponse:
    """One file of a draft; it is its uploader's alone until it is sent."""
    file = request.FILES.get("file")
    if file is None:
        return JsonResponse({"words": _("No file came with the request.")}, status=400)
    try:
        _whole(request, file)
    except replies.CannotSend as error:
        return JsonResponse({"words": str(error)}, status=400)
    try:
        row = _keep(me(request), file)
    except lifecycle.Refused as error:
        return JsonResponse({"words": str(error)}, status=413)
    return JsonResponse({"id": row.pk, "name": row.filename, "size": row.size, "kind": row.kind}, status=201)


@signed_in
@require_POST
def measure(request: HttpRequest, number: int) -> HttpResponse:
    """How long a draft is in the channel's own way of counting, and whether anything can be sent at all."""
    found = ticket_for(me(request).sight(), number)
    text = request.POST.get("text", "")[:LONGEST_MEASURED]
    counted, able = outbound.measure(found.channel, text), replies.abilities_of(found)
    return JsonResponse(
        {
            "length": counted.length,
            "limit": able.max_length or counted.limit,
            "segments": counted.segments,
            "encoding": counted.encoding,
            "remaining": counted.remaining_in_segment,
            **shapes.abilities(able),
        }
    )


@signed_in
@require_POST
def retry(request: HttpRequest, message_id: int) -> HttpResponse:
    found = message_for(request, message_id)
    return _done(request, found.ticket_id, lambda: delivery.retry(found.pk, Actor.of(me(request))))


@signed_in
@require_safe
def text(request: HttpRequest, message_id: int) -> HttpResponse:
    """The whole of a text that is too long for its bubble."""
    response = HttpResponse(message_for(request, message_id).text, content_type="text/plain; charset=utf-8")
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response


# ── Afterwards ───────────────────────────────────────────────────────────────────────────────


def _done(request: HttpRequest, number: int, do: Callable[[], object]) -> HttpResponse:
    """Do it and say so; a script then asks for the news, without one the ticket is shown again."""
    try:
        do()
    except lifecycle.Refused as error:
        if wants_part(request):
            return refusal(error)
        flash.error(request, str(error))
    if wants_part(request):
        return HttpResponse(status=204, headers={"HX-Trigger": "desk:news"})
    return redirect(_address(number, request))


def _address(number: int, request: HttpRequest) -> str:
    return f"{reverse('ticket', args=[number])}?{request.GET.urlencode()}".rstrip("?")
