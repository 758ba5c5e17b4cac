"""Language and time zone of the agent who looks."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

LANGUAGES = frozenset(code for code, _name in settings.LANGUAGES)


def zone_of(name: str) -> zoneinfo.ZoneInfo | None:
    try:
        return zoneinfo.ZoneInfo(name) if name else None
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None


class Preferences:
    """The agent's own choice; else the language cookie or what the browser asks for."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(("/api/", "/static/")):
            return self.get_response(request)
        user = request.user
        language = user.language if user.is_authenticated else ""
        if language not in LANGUAGES:
            language = translation.get_language_from_request(request)
        zone = zone_of(user.time_zone) if user.is_authenticated else None
        with translation.override(language), timezone.override(zone or settings.TIME_ZONE):
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        return response
