"""The settings pages: which there are, who may open them, and where one begins.

A page is listed here once, by the name of its URL; the page itself may live on any floor above.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import NoReverseMatch, reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from agents.models import Agent

ADMIN, LEAD, AGENT = Agent.Role.ADMIN, Agent.Role.LEAD, Agent.Role.AGENT
EVERYBODY = (ADMIN, LEAD, AGENT)
View = Callable[..., HttpResponseBase]


@dataclass(frozen=True, slots=True)
class Section:
    """One entry of the side navigation. name: of its URL. also: of a page that belongs to it and lies elsewhere."""

    name: str
    title: Any
    icon: str
    roles: tuple[str, ...] = EVERYBODY
    also: str = ""


SECTIONS = (
    Section("settings_profile", gettext_lazy("Profile"), "user-round"),
    Section("settings_tokens", gettext_lazy("API tokens"), "key-round"),
    Section("settings_agents", gettext_lazy("Agents"), "users", (ADMIN, LEAD)),
    Section("settings_teams", gettext_lazy("Teams"), "messages-square", (ADMIN, LEAD)),
    Section("settings_hours", gettext_lazy("Opening hours"), "calendar-days", (ADMIN, LEAD)),
    Section("settings_sla", gettext_lazy("SLA policies"), "timer", (ADMIN, LEAD)),
    Section("settings_routing", gettext_lazy("Routing"), "forward", (ADMIN, LEAD)),
    Section("settings_tags", gettext_lazy("Tags"), "tag", (ADMIN, LEAD)),
    Section("settings_channels", gettext_lazy("Channels"), "plug", (ADMIN, LEAD)),
    Section("settings_surveys", gettext_lazy("Surveys"), "smile-plus", (ADMIN, LEAD)),
    Section("survey_results", gettext_lazy("Survey results"), "gauge", (ADMIN, LEAD), also="survey_follow_ups"),
    Section("settings_envelopes", gettext_lazy("Envelopes"), "mail-warning", (ADMIN,)),
)


@dataclass(frozen=True, slots=True)
class Place:
    """A section as one agent sees it."""

    section: Section
    url: str
    current: bool


def places(request: HttpRequest) -> list[Place]:
    """The sections that this agent may open, in order; what is not installed is left out."""
    role = getattr(request.user, "role", "")
    found = []
    for section in SECTIONS:
        if role not in section.roles:
            continue
        try:
            url = reverse(section.name)
        except NoReverseMatch:
            continue
        here = (url, reverse(section.also)) if section.also else url
        found.append(Place(section, url, request.path.startswith(here)))
    return found


def open_to(*roles: str) -> Callable[[View], View]:
    """A page for these roles: strangers sign in first, others get a clear word (403).

    A script that asks for a part of a page gets the words as JSON: {"words", "sign_in"?}.
    """

    def wrap(view: View) -> View:
        @wraps(view)
        def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            part = request.headers.get("X-Requested-With") == "fetch"
            if isinstance(request.user, Agent) and request.user.role in roles:
                response = view(request, *args, **kwargs)
            elif request.user.is_authenticated:
                if not part:
                    raise PermissionDenied
                response = JsonResponse({"words": _("Your role does not allow this.")}, status=403)
            elif part:
                words = _("Your session has ended. Sign in again.")
                response = JsonResponse({"words": words, "sign_in": reverse(settings.LOGIN_URL)}, status=401)
            else:
                here = request.get_full_path() if request.method == "GET" else reverse("settings")
                response = redirect_to_login(here)
            patch_vary_headers(response, ["X-Requested-With"])
            response.headers.setdefault("Cache-Control", "private, no-cache")
            return response

        return door

    return wrap


@open_to(*EVERYBODY)
def first(request: HttpRequest) -> HttpResponse:
    """To the first page that one may see."""
    found = places(request)
    return redirect(found[0].url if found else "/")
