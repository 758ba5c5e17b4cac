"""One way to log: key=value lines for people, JSON lines in production, secrets masked in both."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog
from django.http import HttpRequest

SECRET = re.compile(r"token|secret|passw|authorization|api_?key|signature|cookie|credential", re.IGNORECASE)
MASK = "•••"
# Addresses that are keys themselves: of an invitation, of a new password, of a survey.
KEYS = re.compile(r"(/(?:invitations|password/reset/key|s)/)[^/\s?\"']+")
DEEPEST = 5


def mask(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A log outlives the secret's owner: what is named like a secret is never written."""
    for key in event:
        event[key] = _masked(key, event[key])
    return event


def _masked(key: object, value: Any, depth: int = 0) -> Any:
    if isinstance(key, str) and SECRET.search(key) and value is not None and not isinstance(value, bool | int):
        return MASK
    if isinstance(value, HttpRequest):
        # Django hands it to its own lines, and shows its address.
        value = f"{value.method} {value.path}"
    if isinstance(value, str):
        return KEYS.sub(rf"\1{MASK}", value)
    if isinstance(value, dict) and depth < DEEPEST:
        return {inner: _masked(inner, held, depth + 1) for inner, held in value.items()}
    if isinstance(value, list | tuple) and depth < DEEPEST:
        return [_masked(None, held, depth + 1) for held in value]
    return value


SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.stdlib.ExtraAdder(),
    mask,
]


def formatter() -> structlog.stdlib.ProcessorFormatter:
    """For settings.LOGGING; also sends structlog's own loggers that way."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=SHARED,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_last_steps()],
    )


def _last_steps() -> list[Any]:
    if os.environ.get("HUB_ENV") == "production":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    # Plain tracebacks: the pretty ones print the local variables, and so the secrets in them.
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
