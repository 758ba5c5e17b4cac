"""Pages that belong to no floor: what is shown when something is wrong."""

from __future__ import annotations

import sys

import structlog
from django.db import DataError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views import defaults

from channels_app import busy
from tickets.api import problems
from tickets.views import wants_part

log = structlog.get_logger(__name__)

# Nobody reads a page there.
MACHINES = ("/api/", "/webhooks/", "/widget/")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """An old page was sent in after the sign-in behind it ended: say what to do. Scripts get a new token and repeat."""
    response = render(request, "403_csrf.html", status=403)
    response["X-Token-Refused"] = "1"
    return response


def not_here(request: HttpRequest) -> HttpResponse:
    """A door that a library brings along and this product keeps shut."""
    raise Http404


def unreadable(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler400: what no view was asked about, like a host that is not ours."""
    if request.path.startswith(MACHINES):
        return problems.answer(400, "The request cannot be read.")
    return defaults.bad_request(request, exception)


def unknown(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler404."""
    if request.path.startswith(MACHINES):
        return problems.answer(404, "There is nothing at this address.")
    return defaults.page_not_found(request, exception)


def broke(request: HttpRequest) -> HttpResponseBase:
    """handler500: also of what broke in a middleware, which no other hook is told of.

    A database that is busy or away is no fault: 503, and come again. A value that it refuses is the sender's.
    """
    error = sys.exc_info()[1]
    if busy.is_passing(error):
        return _busy(request, error)
    if isinstance(error, DataError):
        log.error("a value got as far as the database, which refused it", path=request.path[:200], exc_info=error)
        return unreadable(request, error)
    if request.path.startswith(MACHINES):
        return problems.answer(500, "Something went wrong on our side. It has been logged.")
    return defaults.server_error(request)


def _busy(request: HttpRequest, error: BaseException | None) -> HttpResponse:
    log.warning("the database was busy or away", path=request.path[:200], error=str(error)[:300])
    response = busy.answer() if request.path.startswith(MACHINES) else _busy_page(request)
    # Told in one line above: Django would add a traceback for each of a hundred that waited.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def _busy_page(request: HttpRequest) -> HttpResponse:
    """Without the request's context: who is signed in stands in the database."""
    response: HttpResponse
    if wants_part(request):
        response = JsonResponse({"words": _("The hub is very busy. Try again in a moment.")}, status=503)
    else:
        response = HttpResponse(render_to_string("503.html"), status=503)
    response["Retry-After"] = busy.RETRY_AFTER
    response["Cache-Control"] = "no-store"
    return response
