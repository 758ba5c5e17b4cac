"""Beside the form of a channel: the chat as it would look, with what is typed and not saved yet."""

from __future__ import annotations

from datetime import timedelta

from csp.decorators import csp_replace
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language, override
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_http_methods

from agents.settings_pages import ADMIN, open_to
from channels_app.contract import clean_text
from channels_app.forms import PREFIX
from channels_app.widget import appearance

CODES = tuple(code for code, _name in settings.LANGUAGES)


@open_to(ADMIN)
@require_http_methods(["GET", "POST"])
@xframe_options_sameorigin
@csp_replace({"frame-ancestors": ["'self'"]})  # type: ignore[untyped-decorator]
def page(request: HttpRequest) -> HttpResponse:
    """GET: the page for the frame. POST: the form as it is now, and ``focus``, the field that is typed in; gives the
    appearance, in the language of that field, and closed while it is about being closed."""
    if request.method == "GET":
        return render(request, "settings/channels/widget_preview.html")
    given = {name.removeprefix(PREFIX): clean_text(str(value)) for name, value in request.POST.items()}
    focus = given.get("focus", "")
    language = next((code for code in CODES if focus.endswith(f"_{code}")), get_language() or CODES[0])
    with override(language):
        found = appearance.shown(given, given.get("name", ""))
    if focus.startswith("out_of_hours"):
        opens = timezone.now() + timedelta(hours=14)
        found["hours"] = {"open": False, "opens_at": opens.isoformat()}
    return JsonResponse(found)
