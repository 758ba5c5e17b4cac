"""Every error of the API as RFC 9457 problem details, whatever raised it."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

import structlog
from django.core.exceptions import ObjectDoesNotExist, RequestDataTooBig, SuspiciousOperation
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.db import DataError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import APIException, ErrorDetail, ValidationError

from channels_app import busy
from channels_app.contract import SettingsInvalid, clean_text
from tickets import log as activity_log
from tickets import shapes
from tickets.lifecycle import Conflict, Held, Refused
from tickets.replies import KeyReused, Stale

log = structlog.get_logger(__name__)

CONTENT_TYPE = "application/problem+json"
# As RFC 9110 names them; Python's names change with its version.
TITLES = {413: "Content Too Large", 422: "Unprocessable Content"}
NOT_FOUND = "There is nothing here, or it is not yours to see."


class Problem(Exception):
    """An answer other than success, in the words of HTTP."""

    def __init__(self, status: int, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.more = more


def answer(status: int, detail: str, **more: Any) -> HttpResponse:
    title = TITLES.get(status) or HTTPStatus(status).phrase
    text = json.dumps(
        {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}, ensure_ascii=False
    )
    response = HttpResponse(clean_text(text), content_type=CONTENT_TYPE, status=status)
    response["Cache-Control"] = "no-store"
    return response


def handle(error: Exception, context: dict[str, Any]) -> HttpResponseBase:
    """settings.REST_FRAMEWORK["EXCEPTION_HANDLER"]."""
    if busy.is_passing(error):
        return _busy(error)
    for kind, tell in _TELLERS:
        if isinstance(error, kind):
            told: HttpResponseBase = tell(error)
            return told
    log.error("the API broke", exc_info=error, view=type(context.get("view")).__name__)
    return answer(500, "Something went wrong on our side. It has been logged.")


def unknown(request: HttpRequest, path: str = "") -> HttpResponseBase:
    """A path below /api/ that is none; one that only lacks its slash is shown the way, method and body kept."""
    if not request.path.endswith("/") and not request.path.startswith("//") and _exists(request.path + "/"):
        query = f"?{request.META['QUERY_STRING']}" if request.META.get("QUERY_STRING") else ""
        response = HttpResponsePermanentRedirect(request.path + "/" + query)
        response.status_code = 308
        return response
    return answer(404, "There is no such address in this API. See /api/docs/.")


unknown_path = csrf_exempt(unknown)


def _exists(path: str) -> bool:
    try:
        return resolve(path).func is not unknown_path
    except Resolver404:
        return False


# ── What raised it → what is said ────────────────────────────────────────────────────────────


def _problem(error: Any) -> HttpResponse:
    return answer(error.status, error.detail, **error.more)


def _invalid(error: Any) -> HttpResponse:
    errors = _flat(error.detail)
    return answer(400, "; ".join(f"{name}: {words[0]}" for name, words in errors.items())[:1000], errors=errors)


def _flat(detail: Any, name: str = "") -> dict[str, list[str]]:
    """{"field": ["words"]}, also for what is nested: "attachments.0"."""
    if isinstance(detail, dict):
        found: dict[str, list[str]] = {}
        for key, value in detail.items():
            inner = name if key == "non_field_errors" else f"{name}.{key}" if name else clean_text(str(key))[:100]
            found.update(_flat(value, inner))
        return found
    if isinstance(detail, list) and any(isinstance(item, dict) for item in detail):
        return _flat({str(number): item for number, item in enumerate(detail) if item}, name)
    words = detail if isinstance(detail, list) else [detail]
    return {name or "body": [str(word) for word in words]}


def _framework(error: Any) -> HttpResponse:
    detail = error.detail if isinstance(error.detail, ErrorDetail | str) else error.default_detail
    response = answer(error.status_code, str(detail))
    challenge = getattr(error, "auth_header", None)
    if challenge:
        response["WWW-Authenticate"] = challenge
    return response


def _held(error: Any) -> HttpResponse:
    return answer(409, str(error), holder={"id": error.holder.pk, "name": error.holder.name})


def _stale(error: Any) -> HttpResponse:
    lines = activity_log.with_data(error.new)
    return answer(409, str(error), seq=error.seq, new=[shapes.line_of(row) for row in lines])


def _settings(error: Any) -> HttpResponse:
    errors = {f"settings.{name}": [str(words)] for name, words in error.errors.items()}
    return answer(400, "; ".join(f"{name}: {words[0]}" for name, words in errors.items())[:1000], errors=errors)


def _busy(error: Any) -> HttpResponse:
    log.warning("the database was busy or away", error=str(error)[:300])
    return busy.answer()


def _unkept(error: Any) -> HttpResponse:
    log.error("a value got as far as the database, which refused it", exc_info=error)
    return answer(400, "A value cannot be kept as it is.")


# The first that fits: special ones stand before general ones.
_TELLERS: list[tuple[type[Exception] | tuple[type[Exception], ...], Any]] = [
    (Problem, _problem),
    (ValidationError, _invalid),
    (APIException, _framework),
    (Held, _held),
    (Stale, _stale),
    (Conflict, lambda error: answer(409, str(error))),
    (KeyReused, lambda error: answer(422, str(error))),
    (Refused, lambda error: answer(400, str(error))),
    (SettingsInvalid, _settings),
    ((Http404, ObjectDoesNotExist), lambda error: answer(404, NOT_FOUND)),
    (DjangoPermissionDenied, lambda error: answer(403, "Your role does not allow this.")),
    (RequestDataTooBig, lambda error: answer(413, "The request is too large.")),
    (SuspiciousOperation, lambda error: answer(400, "The request cannot be read.")),
    (DataError, _unkept),
]
