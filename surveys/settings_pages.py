"""Surveys under Settings: which there are, their words, when they are asked, and what follows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, Q
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agents.models import Agent
from surveys import checking, definition, following, forms, rule_forms, tallies, texts, trying, versions, when_forms
from surveys.models import Invitation, Survey
from tickets.staff_pages.doors import leaders, me, one, sent

GET_OR_POST = ["GET", "POST"]
State = Invitation.State


def may_change(agent: Agent, survey: Survey) -> bool:
    """Administrators all; a lead what is asked in their own teams alone."""
    teams = definition.when(survey.when).teams
    own = agent.sight().teams
    return own is None or (bool(teams) and teams <= own)


def _mine(request: HttpRequest, survey_id: int) -> Survey:
    """404: there is none; 403: it is not this lead's."""
    survey = one(Survey.objects.filter(deleted_at=None), survey_id)
    if not may_change(me(request), survey):
        raise PermissionDenied
    return survey


def _all_valid(rows: Sequence[Form]) -> bool:
    """All are looked at, so that all say what is wrong with them."""
    return sum(not row.is_valid() for row in rows) == 0


def _page(request: HttpRequest, tab: str, survey: Survey, bad: bool = False, **more: Any) -> HttpResponse:
    content = definition.content(versions.whole(survey))
    context = {"survey": survey, "tab": tab, "content": content, "gaps": checking.gaps(content), **more}
    return render(request, f"surveys/settings/{tab}.html", context, status=422 if bad else 200)


@leaders
@require_http_methods(GET_OR_POST)
def surveys(request: HttpRequest) -> HttpResponse:
    form = forms.NewSurvey(sent(request))
    agent = me(request)
    if request.method == "POST" and form.is_valid():
        survey = form.made()
        survey.position = Survey.objects.count()
        if not agent.is_admin:
            survey.when = {"teams": sorted(agent.sight().teams or ())}
        survey.save()
        messages.success(request, _("The survey is there now. It is off until you switch it on."))
        return redirect("settings_survey", survey.pk)
    waiting = Q(invitations__state=State.PENDING, invitations__is_test=False)
    rows = Survey.objects.filter(deleted_at=None).annotate(waiting=Count("invitations", filter=waiting))
    shown = [(row, may_change(agent, row)) for row in rows]
    context = {"form": form, "rows": shown}
    return render(request, "surveys/settings/list.html", context, status=422 if form.errors else 200)


@leaders
@require_http_methods(GET_OR_POST)
def words(request: HttpRequest, survey_id: int) -> HttpResponse:
    survey = _mine(request, survey_id)
    form = forms.Words(survey, sent(request))
    if request.method == "POST" and form.is_valid():
        content = form.content()
        changed = Survey(name=form.cleaned_data["name"], kind=survey.kind, content=content)
        missing = checking.gaps(definition.content(versions.whole(changed)))
        if survey.enabled and missing:
            words = _("The survey is on, so it has to be whole: %(what)s") % {"what": " ".join(missing[:5])}
            form.add_error(None, words)
        else:
            Survey.objects.filter(pk=survey.pk).update(name=changed.name, content=content)
            messages.success(request, _("Saved"))
            return redirect("settings_survey", survey.pk)
    return _page(request, "words", survey, bool(form.errors), form=form)


@leaders
@require_http_methods(GET_OR_POST)
def questions(request: HttpRequest, survey_id: int) -> HttpResponse:
    survey = _mine(request, survey_id)
    rows = forms.questions(survey, sent(request))
    bad = request.method == "POST" and not _all_valid(rows)
    if request.method == "POST" and not bad:
        content = {**survey.content, "questions": forms.kept_questions(rows)}
        missing = checking.gaps(definition.content({**content, "kind": survey.kind}))
        if survey.enabled and missing:
            messages.error(
                request, _("The survey is on, so it has to be whole: %(what)s") % {"what": " ".join(missing[:5])}
            )
            bad = True
        else:
            Survey.objects.filter(pk=survey.pk).update(content=content)
            messages.success(request, _("Saved"))
            return redirect("settings_survey_questions", survey.pk)
    return _page(request, "questions", survey, bad, rows=rows)


@leaders
@require_http_methods(GET_OR_POST)
def when(request: HttpRequest, survey_id: int) -> HttpResponse:
    survey = _mine(request, survey_id)
    form = when_forms.WhenForm(survey, me(request), sent(request))
    if request.method == "POST" and form.is_valid():
        Survey.objects.filter(pk=survey.pk).update(when=form.kept())
        messages.success(request, _("Saved"))
        return redirect("settings_survey_when", survey.pk)
    return _page(request, "when", survey, bool(form.errors), form=form)


@leaders
@require_http_methods(GET_OR_POST)
def rules(request: HttpRequest, survey_id: int) -> HttpResponse:
    """Saved, or only tried on past answers."""
    survey = _mine(request, survey_id)
    rows, defects = rule_forms.rules(survey, sent(request)), rule_forms.DefectsForm(survey, sent(request))
    good = request.method == "POST" and _all_valid([*rows, defects])
    kept = [row.kept() for row in rows if not row.is_empty] if good else list(survey.rules)
    if good and "try" not in request.POST:
        with transaction.atomic():
            Survey.objects.filter(pk=survey.pk).update(rules=kept, defects=defects.kept())
            if definition.defects(survey.defects) != definition.defects(defects.kept()):
                survey.defects = defects.kept()
                tallies.touch_all(survey)
        messages.success(request, _("Saved"))
        return redirect("settings_survey_rules", survey.pk)
    past, matched = following.tried(survey.pk, definition.rules(kept))
    tried = [*matched, *[None] * (len(rows) - len(matched))]
    context = {"rows": list(zip(rows, tried, strict=False)), "past": past, "defects": defects}
    return _page(request, "rules", survey, request.method == "POST" and not good, **context)


@leaders
@require_POST
def switch(request: HttpRequest, survey_id: int) -> HttpResponse:
    survey = _mine(request, survey_id)
    on = request.POST.get("on") == "1"
    missing = checking.gaps(definition.content(versions.whole(survey)))
    if on and missing:
        messages.error(request, _("It is not whole yet: %(what)s") % {"what": " ".join(missing[:5])})
    else:
        Survey.objects.filter(pk=survey.pk).update(enabled=on)
        messages.success(request, _("The survey is on.") if on else _("The survey is off."))
    return redirect("settings_survey", survey.pk)


@leaders
@require_safe
def preview(request: HttpRequest, survey_id: int) -> HttpResponse:
    """In each of its languages: what the conversation shows, and the page behind the link."""
    survey = _mine(request, survey_id)
    content = definition.content(versions.whole(survey))
    shown = [
        {
            "code": code,
            "name": checking.language_name(code),
            **{name: content.word(name, code) for name in definition.WORDS},
            "answer": texts.say("answer", code) % {"low": content.low, "high": content.high},
            "scores": [(score, texts.label(content, score, code)) for score in content.scores],
            "further": [
                (one, one.text.get(code, ""), [option.text.get(code, "") for option in one.options])
                for one in content.questions
            ],
        }
        for code in content.languages
    ]  # fmt: skip
    return _page(request, "preview", survey, shown=shown, sandboxes=trying.sandboxes(me(request)))


@leaders
@require_POST
def test(request: HttpRequest, survey_id: int) -> HttpResponse:
    """To a made-up customer of the sandbox, whose answer counts nowhere."""
    survey = _mine(request, survey_id)
    content = definition.content(versions.whole(survey))
    language = request.POST.get("language", "")
    try:
        where = trying.send(survey, me(request), language if language in content.languages else "")
    except trying.Nowhere as error:
        messages.error(request, str(error))
        return redirect("settings_survey_preview", survey.pk)
    messages.success(request, _("The question is on its way. Play the customer here."))
    return redirect(where)


@leaders
@require_http_methods(GET_OR_POST)
def delete(request: HttpRequest, survey_id: int) -> HttpResponse:
    """Nobody is asked any more; who was asked can still answer, and the results stay."""
    survey = _mine(request, survey_id)
    if request.method == "POST":
        Survey.objects.filter(pk=survey.pk).update(deleted_at=timezone.now(), enabled=False)
        messages.success(request, _("The survey “%(name)s” is deleted.") % {"name": survey.name})
        return redirect("settings_surveys")
    asked = Invitation.objects.open().filter(survey=survey).exclude(state=State.ANSWERED).count()
    return render(request, "surveys/settings/delete.html", {"survey": survey, "asked": asked})
