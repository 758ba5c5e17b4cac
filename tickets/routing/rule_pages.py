"""Settings: the rules, their order, and trying one before it is switched on."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import Max
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from tickets.routing import rules, warnings
from tickets.routing.forms import RuleForm
from tickets.routing.models import Rule
from tickets.routing.pages import matched_of
from tickets.staff_pages.doors import administrators, one, sent

GET_OR_POST = ["GET", "POST"]
MOST_RULES = 200


@administrators
@require_http_methods(GET_OR_POST)
def new(request: HttpRequest) -> HttpResponse:
    return _page(request, Rule())


@administrators
@require_http_methods(GET_OR_POST)
def rule(request: HttpRequest, rule_id: int) -> HttpResponse:
    return _page(request, one(Rule.objects.all(), rule_id))


def _page(request: HttpRequest, row: Rule) -> HttpResponse:
    """One form, two buttons: try it on what came lately, or keep it."""
    initial = RuleForm.initial_of(row) if row.pk else {}
    form = RuleForm(sent(request), initial=initial)
    more: dict[str, Any] = {}
    if request.method == "POST" and form.is_valid():
        row.name = form.cleaned_data["name"]
        row.conditions, row.actions = form.cleaned_data["conditions"], form.cleaned_data["actions"]
        if "try" in request.POST:
            read = rules.ready(row)
            assert read is not None
            more = matched_of(read, request)
        elif not row.pk and Rule.objects.count() >= MOST_RULES:
            form.add_error(None, _("There are at most %(count)d rules.") % {"count": MOST_RULES})
        else:
            if not row.pk:
                row.position = (Rule.objects.aggregate(last=Max("position"))["last"] or 0) + 1
            row.save()
            messages.success(request, _("Saved"))
            return redirect("settings_rule", row.pk)
    if row.pk and not form.is_bound:
        more["warnings"] = warnings.of_rules(list(Rule.objects.all())).get(row.pk, [])
    context = {"rule": row, "form": form, "conditions": _conditions(form), **more}
    return render(request, "settings/routing/rule.html", context, status=422 if form.errors else 200)


def _conditions(form: RuleForm) -> list[dict[str, Any]]:
    """Each with its "not", and whether it says anything: those stand open."""
    found = []
    for name in (*form.MANY, *form.ONE):
        said = bool(form[name].value())
        wrong = bool(form[name].errors)
        ticks = hasattr(form[name].field, "choices") and name in form.MANY
        found.append({"field": form[name], "not": form[f"not_{name}"], "open": said or wrong, "ticks": ticks})
    return found


@administrators
@require_POST
def act(request: HttpRequest, rule_id: int, verb: str) -> HttpResponse:
    """on, off, up, down, delete."""
    row = one(Rule.objects.all(), rule_id)
    if verb == "on":
        if rules.ready(row) is None:
            messages.error(request, _("This rule cannot be read any more. Open it and save it again."))
        else:
            Rule.objects.filter(pk=row.pk, active_since=None).update(active_since=timezone.now())
            messages.success(request, _("On: for tickets from now on."))
    elif verb == "off":
        Rule.objects.filter(pk=row.pk).update(active_since=None)
        messages.success(request, _("Off"))
    elif verb in ("up", "down"):
        _move(row, -1 if verb == "up" else 1)
    elif verb == "delete":
        row.delete()
        messages.success(request, _("The rule is deleted."))
    else:
        raise Http404
    return redirect("settings_routing")


@transaction.atomic
def _move(row: Rule, by: int) -> None:
    """All positions are written anew: two that are the same, or a hole, mend themselves."""
    order = [one.pk for one in Rule.objects.select_for_update()]
    at = order.index(row.pk)
    to = min(max(at + by, 0), len(order) - 1)
    order.insert(to, order.pop(at))
    for position, pk in enumerate(order):
        Rule.objects.filter(pk=pk).update(position=position)
