"""An agent's own page: name, language, time zone."""

from __future__ import annotations

import zoneinfo
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from agents.models import Agent

if TYPE_CHECKING:
    Form = forms.ModelForm[Agent]
else:
    Form = forms.ModelForm

# Where the first users are comes first.
NEAR = (
    "Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura", "Asia/Kuala_Lumpur", "Asia/Kuching", "Asia/Bangkok",
    "Asia/Singapore", "UTC",
)  # fmt: skip


def zones() -> list[tuple[Any, Any]]:
    others = sorted(name for name in zoneinfo.available_timezones() if "/" in name and not name.startswith("Etc/"))
    near = [(name, name.replace("_", " ")) for name in NEAR]
    rest = [(name, name.replace("_", " ")) for name in others if name not in NEAR]
    return [("", _("As the desk (%(zone)s)") % {"zone": settings.TIME_ZONE}), (_("Near"), near), (_("All"), rest)]


class Profile(Form):
    language = forms.ChoiceField(label=_("Language"), required=False)
    time_zone = forms.ChoiceField(label=_("Time zone"), required=False)

    class Meta:
        model = Agent
        fields = ("name", "language", "time_zone")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = _("Name")
        self.fields["name"].help_text = _("Customers may see it beside your answers.")
        language, zone = self.fields["language"], self.fields["time_zone"]
        assert isinstance(language, forms.ChoiceField)
        assert isinstance(zone, forms.ChoiceField)
        language.choices = [("", _("As the browser asks")), *settings.LANGUAGES]
        zone.choices = zones()


@login_required
@require_http_methods(["GET", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    assert isinstance(request.user, Agent)
    form = Profile(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        form.save()
        with translation.override(form.cleaned_data["language"] or translation.get_language()):
            messages.success(request, str(_("Saved")))
        return redirect("profile")
    return render(request, "agents/profile.html", {"form": form})
