"""The WSGI application: every path through settings.MIDDLEWARE, the lean paths through a few of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application
from django.utils import timezone, translation
from django.utils.module_loading import import_string

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings")


class LeanHandler(WSGIHandler):
    """For machines that post by the hundred: no session, no language, no cookie."""

    def load_middleware(self, is_async: bool = False) -> None:
        handler: Any = convert_exception_to_response(self._get_response)  # type: ignore[attr-defined]
        for path in reversed(settings.LEAN_MIDDLEWARE):
            handler = convert_exception_to_response(import_string(path)(handler))
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        self._middleware_chain = handler


full = get_wsgi_application()
lean = LeanHandler()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    # The threads live on, and so would the language and the time zone of the request before.
    translation.deactivate()
    timezone.deactivate()
    handler = lean if environ["PATH_INFO"].startswith(settings.LEAN_PATHS) else full
    return handler(environ, start_response)
