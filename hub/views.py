"""Pages that belong to no floor: what is shown when something is wrong."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """An old page was sent in after the sign-in behind it ended: say what to do. Scripts get a new token and repeat."""
    response = render(request, "403_csrf.html", status=403)
    response["X-Token-Refused"] = "1"
    return response


def not_here(request: HttpRequest) -> HttpResponse:
    """A door that a library brings along and this product keeps shut."""
    raise Http404
