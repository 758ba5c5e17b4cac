"""What came of the surveys, for leads and administrators: the figures, the tickets behind each, and a file."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from surveys import definition, drawing, figures, following, results, rule_forms, texts
from surveys.models import FollowUp, Response, Survey
from tickets.shapes import when
from tickets.staff_pages.doors import leaders, me, number, one, page, sent

AT_A_TIME = 50
PERIODS = (30, 90, 365)


def asked_of(request: HttpRequest) -> results.Asked | None:
    """What the address asks for, with what is usual in place of what makes no sense. None: there is no survey."""
    chosen = number(request.GET.get("survey"))
    rows = Survey.objects.filter(pk=chosen) if chosen else Survey.objects.order_by("deleted_at", "position", "pk")
    survey = rows.first()
    if survey is None:
        if chosen:
            raise Http404
        return None
    last = results.day(request.GET.get("to", ""), results.today())
    first = results.day(request.GET.get("from", ""), last - timedelta(days=results.DAYS - 1))
    if first > last:
        first, last = last, first
    first = max(first, last - timedelta(days=results.LONGEST))
    by, key = request.GET.get("by", ""), request.GET.get("key", "")[:20].replace("\0", "")
    if by not in results.PARTS:
        by, key = "", ""
    if by == "team" and not (key.isascii() and key.isdigit() and len(key) < 19):
        raise Http404
    return results.Asked(survey, me(request).sight(), first, last, by, key)


def link(asked: results.Asked, name: str = "survey_results", /, **more: Any) -> str:
    said = {"survey": asked.survey.pk, "from": asked.first, "to": asked.last, "by": asked.by, "key": asked.key, **more}
    query = urlencode({key: value for key, value in said.items() if value != "" or key == "key"})
    return f"{reverse(name)}?{query}"


@leaders
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    asked = asked_of(request)
    if asked is None:
        return render(request, "surveys/results/none.html")
    found = results.results(asked)
    context = {
        "asked": asked,
        "survey": asked.survey,
        "surveys": Survey.objects.order_by("deleted_at", "position", "pk"),
        "found": found,
        "score": _shown(asked.kind, found.score),
        "about": _about(asked.kind),
        "periods": [(days, link(asked, **_period(asked, days))) for days in PERIODS],
        "scores": _distribution(asked, found),
        "parts": _parts(asked, found),
        "reasons": [
            (label, count, _behind(asked, results.NOT_ASKED, reason=key)) for key, label, count in found.reasons
        ],
        "defects": [
            (_defect(name), bad, of, _behind(asked, name), _behind(asked, results.OF[name]))
            for name, bad, of in found.defects
        ],
        "drawing": _drawing(asked, found),
        "comments": results.comments(asked),
        "links": {what: _behind(asked, what) for what in results.WHAT},
        "csv": link(asked, "survey_results_csv"),
        "whole": link(results.Asked(asked.survey, asked.sight, asked.first, asked.last)),
        "slice": _slice_name(asked, found),
        "waiting": FollowUp.objects.filter(asked.sight.where("team_id"), done_at=None).count(),
    }
    return render(request, "surveys/results/page.html", context)


def _period(asked: results.Asked, days: int) -> dict[str, date]:
    return {"from": asked.last - timedelta(days=days - 1), "to": asked.last}


def _shown(kind: str, score: figures.Score) -> dict[str, Any]:
    """A score in the words of its kind: 84.2 %, or 31.0, or 5.41."""
    unit = " %" if kind == definition.CSAT else ""

    def text(value: float | None) -> str:
        return "" if value is None else f"{drawing.shown(kind, value)}{unit}"

    return {"value": text(score.value), "low": text(score.low), "high": text(score.high), "count": score.count}


def _about(kind: str) -> str:
    return {
        definition.CSAT: _("of the answers were 4 or 5"),
        definition.NPS: _("percent promoters (9, 10) less percent detractors (0 to 6)"),
        definition.CES: _("mean of the answers, 1 to 7"),
    }[kind]


def _defect(name: str) -> str:
    return {
        "late": _("The first reply was late"),
        "low": _("The score was low"),
        "reopened": _("Open again after it was resolved"),
    }[name]


def _behind(asked: results.Asked, what: str, **more: Any) -> str:
    return link(asked, "survey_answers", what=what, **more)


def _distribution(asked: results.Asked, found: results.Results) -> list[dict[str, Any]]:
    low, high = definition.SCALES[asked.kind]
    counts = {score: found.total.scores.get(score, 0) for score in range(low, high + 1)}
    most, total = max(counts.values()) or 1, sum(counts.values()) or 1
    return [
        {
            "score": score,
            "count": count,
            "percent": round(100 * count / total),
            "width": round(200 * count / most, 1),
            "url": _behind(asked, results.ANSWERS, score=score),
        }
        for score, count in counts.items()
    ]


def _parts(asked: results.Asked, found: results.Results) -> list[dict[str, Any]]:
    titles = {
        "agent": _("Agents"),
        "team": _("Teams"),
        "channel": _("Channels"),
        "tag": _("Tags"),
        "language": _("Languages"),
        "type": _("Customers"),
    }
    nobody = {"agent": _("Nobody"), "team": _("No team"), "language": _("Not known"), "type": _("Not known")}
    return [
        {
            "title": titles[by],
            "rows": [
                {
                    "name": row.name or nobody.get(by, row.key),
                    "score": _shown(asked.kind, row.score),
                    "rate": None if row.rate is None else round(row.rate),
                    "asked": row.asked,
                    "url": link(asked, by=by, key=row.key),
                    "behind": _behind(asked, results.ANSWERS, by=by, key=row.key),
                    "answered": _behind(asked, results.ANSWERED, by=by, key=row.key),
                    "here": (asked.by, asked.key) == (by, row.key),
                }
                for row in rows
            ],
        }
        for by, rows in found.parts.items()
        if rows
    ]


def _slice_name(asked: results.Asked, found: results.Results) -> str:
    rows = found.parts.get(asked.by, [])
    return next((row.name or row.key for row in rows if row.key == asked.key), asked.key)


def _drawing(asked: results.Asked, found: results.Results) -> drawing.Drawing | None:
    if found.chart is None:
        return None
    urls = [_behind(asked, results.ANSWERS, **{"from": first, "to": last}) for first, last, _count in found.days]
    return drawing.drawing(asked.kind, found.chart, urls)


# ── Behind a number ──────────────────────────────────────────────────────────────────────────


@leaders
@require_safe
def behind(request: HttpRequest) -> HttpResponse:
    """The tickets of one number, newest first, page by page from the last one that was shown."""
    asked = asked_of(request)
    what = request.GET.get("what", results.ANSWERS)
    if asked is None or what not in results.WHAT:
        raise Http404
    rows: QuerySet[Any]
    if what == results.ANSWERS:
        rows = results.answers(asked, number(request.GET.get("score")))
    else:
        rows = results.invitations(asked, what, request.GET.get("reason", "")[:10].replace("\0", ""))
    before = number(request.GET.get("before"))
    found = list((results.before(rows, before) if before else rows)[: AT_A_TIME + 1])
    more = len(found) > AT_A_TIME
    found = found[:AT_A_TIME]
    query = request.GET.copy()
    if more:
        query["before"] = str(found[-1].pk)
    context = {
        "asked": asked,
        "survey": asked.survey,
        "rows": [_line(row, what) for row in found],
        "back": link(asked),
        "next": f"?{query.urlencode()}" if more else "",
    }
    return render(request, "surveys/results/behind.html", context)


def _line(row: Any, what: str) -> dict[str, Any]:
    """The same of an answer and of an invitation."""
    response = row if what == results.ANSWERS else getattr(row, "response", None)
    return {
        "ticket": row.ticket,
        "customer": row.customer,
        "agent": row.agent,
        "channel": row.channel,
        "at": row.at if what == results.ANSWERS else row.created_at,
        "score": response.score if response else None,
        "comment": response.comment[:500] if response else "",
        "state": "" if what == results.ANSWERS else row.get_reason_display() or row.get_state_display(),
        "follow_up": getattr(row, "follow_up", None) if what == results.ANSWERS else None,
    }


# ── A file ───────────────────────────────────────────────────────────────────────────────────

COLUMNS = (
    "at", "survey", "kind", "score", "comment", "answers", "ticket", "customer", "agent", "team", "channel",
    "language", "customer_type", "via",
)  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""The wide ones too: a Japanese Excel takes them for the others."""
BEHIND = re.compile("(?<=[;\t])(?=[=+@＝＋＠]|[-－](?!\\)))")
"""Where an Excel that parts by semicolons, as those of Jakarta do, begins a cell with one; a wink stays as it is."""


def cell(value: Any) -> str:
    """What a spreadsheet would take for a formula is made a text by an apostrophe."""
    text = "" if value is None else str(value)
    text = f"'{text}" if text.startswith(FORMULA) else text
    return BEHIND.sub("'", text)


class _Line:
    """What csv writes to; a line is handed on as soon as it is written."""

    def write(self, text: str) -> str:
        return text


@leaders
@require_safe
def export(request: HttpRequest) -> StreamingHttpResponse:
    """All answers that are asked for, a line each, in as little memory however many there are."""
    asked = asked_of(request)
    if asked is None:
        raise Http404
    answer = StreamingHttpResponse(_lines(asked), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="survey-{asked.survey.pk}-{asked.last}.csv"'
    return answer


def _lines(asked: results.Asked) -> Iterator[str]:
    writer = csv.writer(_Line())
    # Without the mark Excel takes Thai for Latin letters.
    yield "\ufeff" + writer.writerow(COLUMNS)
    rows = results.answers(asked).select_related("ticket", "customer", "agent", "channel", "team")
    for row in rows.iterator(chunk_size=1000):
        yield writer.writerow([cell(value) for value in _values(asked.survey, row)])


def _values(survey: Survey, row: Response) -> list[Any]:
    said = "; ".join(
        f"{key}: {', '.join(value) if isinstance(value, list) else value}" for key, value in row.answers.items()
    )
    return [
        when(row.at), survey.name, survey.kind, row.score, row.comment, said, row.ticket_id, row.customer.name,
        row.agent.name if row.agent else "", row.team.name if row.team else "", row.channel.name, row.language,
        row.customer_type, row.via,
    ]  # fmt: skip


# ── Follow-ups ───────────────────────────────────────────────────────────────────────────────


@leaders
@require_safe
def follow_ups(request: HttpRequest) -> HttpResponse:
    """Open ones first due first; or those that are done."""
    agent = me(request)
    done = request.GET.get("show") == "done"
    rows = FollowUp.objects.filter(agent.sight().where("team_id"), done_at__isnull=not done)
    if request.GET.get("owner") == "me":
        rows = rows.filter(owner=agent)
    rows = rows.select_related("response__ticket", "response__customer", "response__survey", "owner", "done_by")
    shown = page(request, rows.order_by("-done_at" if done else "due_at", "pk"))
    context = {"shown": shown, "done": done, "mine": request.GET.get("owner") == "me", "now": timezone.now()}
    return render(request, "surveys/results/follow_ups.html", context)


@leaders
@require_safe
def waiting(request: HttpRequest) -> JsonResponse:
    """How many wait for this lead, and how many of them are overdue: asked by a page of the desk that comes (back)."""
    agent = me(request)
    rows = FollowUp.objects.filter(agent.sight().where("team_id"), owner=agent, done_at=None)
    late = Count("pk", filter=Q(due_at__lt=timezone.now()))
    answer = JsonResponse(rows.aggregate(count=Count("pk"), overdue=late))
    answer.headers["Cache-Control"] = "no-store"
    return answer


@leaders
@require_http_methods(["GET", "POST"])
def follow_up(request: HttpRequest, follow_up_id: int) -> HttpResponse:
    agent = me(request)
    rows = FollowUp.objects.filter(agent.sight().where("team_id"))
    row = one(rows.select_related("response__ticket", "response__customer", "response__survey", "owner"), follow_up_id)
    if not agent.is_admin and agent.role != agent.Role.LEAD:
        raise PermissionDenied
    form = rule_forms.OutcomeForm(sent(request), initial={"outcome": row.outcome, "note": row.note})
    if request.method == "POST" and form.is_valid():
        following.finish(row, form.cleaned_data["outcome"], form.cleaned_data["note"], agent)
        messages.success(request, _("Saved"))
        return redirect("survey_follow_ups")
    context = {"row": row, "form": form, "label": _label(row)}
    return render(request, "surveys/results/follow_up.html", context, status=422 if form.errors else 200)


def _label(row: FollowUp) -> str:
    content = definition.content(row.response.version.content)
    return texts.label(content, row.response.score, content.language(row.response.language))
