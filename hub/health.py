"""Is it alive, and is it of use: `/healthz` says the first, `/readyz` the second with reasons in words."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NoAnswer

import redis
import structlog
from django.conf import settings
from django.db import DatabaseError, close_old_connections
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from channels_app import jobs, wakeups

log = structlog.get_logger(__name__)

PATIENCE = 2.0
OK = "ok"
PROBE = "probe"
NO_DATABASE = "database: "

# Threads of their own: a database that hangs must not take a request's thread with it.
_threads = ThreadPoolExecutor(2, thread_name_prefix="health")
_running: dict[str, Future[str]] = {}


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    found = report()
    answer = JsonResponse(found, status=200 if set(found.values()) == {OK} else 503)
    # Being asked every few seconds, Django would fill the log with "Service Unavailable".
    answer._has_been_logged = True  # type: ignore[attr-defined]
    return answer


def report() -> dict[str, str]:
    """Each part: "ok", or why not."""
    asked = {name: _ask(name, check) for name, check in (("worker", worker), ("redis", broker))}
    said = {name: _answer(future) for name, future in asked.items()}
    # The heartbeat is a row: whoever could read it has shown that the database answers.
    missing = said["worker"].removeprefix(NO_DATABASE) if said["worker"].startswith(NO_DATABASE) else ""
    database = missing or OK
    return {
        "database": database,
        "redis": said["redis"],
        "worker": "not known while the database does not answer" if missing else said["worker"],
    }


def worker() -> str:
    close_old_connections()
    try:
        return OK if jobs.worker_lives() else "no heartbeat in the last 15 seconds"
    except DatabaseError as error:
        return f"{NO_DATABASE}does not answer ({type(error).__name__})"
    finally:
        close_old_connections()


def broker() -> str:
    if not settings.REDIS_URL:
        return OK if stand_in_works() else "the in-process stand-in does not deliver"
    try:
        client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE)
        with client:
            client.ping()
    except (redis.RedisError, OSError) as error:
        return f"does not answer ({type(error).__name__})"
    return OK


def stand_in_works() -> bool:
    """Without Redis wake-ups are direct calls: one to ourselves has to arrive."""
    heard: list[bytes] = []
    wakeups.listen(PROBE, heard.append)
    try:
        wakeups.publish(PROBE, b"?")
    finally:
        wakeups.forget(PROBE, heard.append)
    return bool(heard)


def _ask(name: str, check: Callable[[], str]) -> Future[str]:
    before = _running.get(name)
    if before is None or before.done():
        before = _running[name] = _threads.submit(check)
    return before


def _answer(future: Future[str]) -> str:
    try:
        return future.result(PATIENCE)
    except NoAnswer:
        return "no answer within 2 seconds"
    except Exception as error:
        log.exception("a health check failed")
        return f"the check failed ({type(error).__name__})"
