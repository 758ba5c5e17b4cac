"""Tags: how often each is used, their names, and merging two that mean the same."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from agents import staff
from agents.forms import Line
from tickets import tagging
from tickets.models import Actor, Tag
from tickets.staff_pages.doors import leaders, me, number, one, page, searched, sent

GET_OR_POST = ["GET", "POST"]


class TagName(forms.Form):
    name = Line(label=gettext_lazy("Name"), max_length=60)

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        # Where a ticket's tags are typed, a comma is what parts them.
        if "," in name:
            raise forms.ValidationError(_("A tag has no comma."))
        return name


@leaders
@require_http_methods(GET_OR_POST)
def tags(request: HttpRequest) -> HttpResponse:
    form = TagName(sent(request))
    if request.method == "POST" and form.is_valid():
        try:
            tag = tagging.name(Tag(), form.cleaned_data["name"])
        except staff.Taken as error:
            form.add_error("name", str(error))
        else:
            messages.success(request, _("The tag “%(name)s” is there now.") % {"name": tag.name})
            return redirect("settings_tags")
    q = searched(request)
    found = Tag.objects.filter(name__icontains=q) if q else Tag.objects.all()
    shown = page(request, found)
    used = tagging.uses(shown.object_list)
    context = {"form": form, "q": q, "tags": shown, "rows": [(tag, used.get(tag.pk, 0)) for tag in shown.object_list]}
    return render(request, "settings/tags.html", context, status=422 if form.errors else 200)


@leaders
@require_http_methods(GET_OR_POST)
def tag(request: HttpRequest, tag_id: int) -> HttpResponse:
    """A new name; where another tag has it, the two can be merged."""
    row = one(Tag.objects.all(), tag_id)
    form = TagName(sent(request), initial={"name": row.name})
    other = None
    if request.method == "POST" and form.is_valid():
        try:
            # A row of its own: a name that is refused must not stand in the page's title.
            tagging.name(one(Tag.objects.all(), row.pk), form.cleaned_data["name"])
        except tagging.Same as error:
            other = error.other
            if number(request.POST.get("merge")) == other.pk:
                return _merged(request, row, other)
            form.add_error("name", str(error))
        except staff.Taken as error:
            form.add_error("name", str(error))
        else:
            messages.success(request, _("Saved"))
            return redirect("settings_tags")
    used = tagging.uses([row, *([other] if other else [])])
    context = {"tag": row, "form": form, "other": other, "used": used.get(row.pk, 0)}
    context["other_used"] = used.get(other.pk, 0) if other else 0
    return render(request, "settings/tag.html", context, status=422 if form.errors else 200)


def _merged(request: HttpRequest, row: Tag, into: Tag) -> HttpResponse:
    try:
        tagging.merge(row, into, Actor.of(me(request)))
    except staff.Refused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("“%(name)s” is “%(into)s” now.") % {"name": row.name, "into": into.name})
    return redirect("settings_tags")


@leaders
@require_http_methods(GET_OR_POST)
def delete(request: HttpRequest, tag_id: int) -> HttpResponse:
    row = one(Tag.objects.all(), tag_id)
    if request.method == "POST":
        tagging.delete(row, Actor.of(me(request)))
        messages.success(request, _("The tag “%(name)s” is deleted.") % {"name": row.name})
        return redirect("settings_tags")
    return render(request, "settings/tag_delete.html", {"tag": row, "used": tagging.uses([row]).get(row.pk, 0)})
