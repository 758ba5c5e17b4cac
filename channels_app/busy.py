"""A database that is busy or away for a moment: told from a fault of ours, and answered with "come again"."""

from __future__ import annotations

import json
import sqlite3

from django.db import InternalError, OperationalError
from django.http import HttpResponse

RETRY_AFTER = "5"
WORDS = "The database is busy or away. Try again in a moment."
# PostgreSQL cut our transaction because nothing came from us for too long (settings.DATABASES).
IDLE_TOO_LONG = "25P03"


def is_passing(error: BaseException | None) -> bool:
    """Whether the same request may well succeed in a moment: locked, refused, cut off, timed out.

    SQLite says OperationalError of a statement that is wrong, too; that does not pass.
    """
    cause = error.__cause__ if error else None
    if isinstance(error, OperationalError):
        return getattr(cause, "sqlite_errorcode", None) != sqlite3.SQLITE_ERROR
    return isinstance(error, InternalError) and getattr(cause, "sqlstate", None) == IDLE_TOO_LONG


def answer(detail: str = WORDS) -> HttpResponse:
    """503 as problem details, for machines."""
    said = {"type": "about:blank", "title": "Service Unavailable", "status": 503, "detail": detail}
    response = HttpResponse(json.dumps(said), status=503, content_type="application/problem+json")
    response["Retry-After"] = RETRY_AFTER
    response["Cache-Control"] = "no-store"
    return response
