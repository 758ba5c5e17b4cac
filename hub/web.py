"""What the web process does besides serving: checks the database's state, starts jobs, says that it is ready."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import structlog
from django.apps import apps
from django.conf import settings
from django.db import DatabaseError, connection
from django.utils.module_loading import import_string

from channels_app import jobs, mailboxes
from hub import celery, garbage, health

log = structlog.get_logger(__name__)

READY_WITHIN = 120


def temporary_directory() -> str:
    directory = Path(settings.VAR_DIR) / "tmp"
    directory.mkdir(parents=True, exist_ok=True)
    return str(directory)


def address() -> tuple[str, int]:
    return settings.HOST.strip("[]"), settings.PORT


def application() -> Any:
    return import_string(settings.ASGI_APPLICATION)


def start_parts() -> None:
    if settings.EMBEDDED:
        garbage.start()
        celery.app.finalize()
        jobs.start_embedded()
        mailboxes.start()


def stop_parts() -> None:
    """What runs may end, for a while; what waits is in the database."""
    if settings.EMBEDDED:
        mailboxes.stop_soon()
        ending = threading.Thread(target=jobs.stop, daemon=True)
        ending.start()
        ending.join(2)


def pending_migrations() -> set[tuple[str, str]]:
    """Migrations on disk that the database has not had. Names alone: loading them all would cost half a second."""
    try:
        with connection.cursor() as cursor:
            if "django_migrations" not in connection.introspection.table_names(cursor):
                return on_disk()
            cursor.execute("SELECT app, name FROM django_migrations")
            return on_disk() - set(cursor.fetchall())
    except DatabaseError as error:
        log.warning("the database does not answer yet", error=type(error).__name__)
        return set()
    finally:
        connection.close()


def on_disk() -> set[tuple[str, str]]:
    return {
        (app.label, path.stem)
        for app in apps.get_app_configs()
        for path in Path(app.path, "migrations").glob("[0-9]*.py")
    }


def announce() -> None:
    """Asked for by the supervisor: print where it is as soon as all of it works."""
    if os.environ.get("HUB_ANNOUNCE"):
        threading.Thread(target=_announce, name="announce", daemon=True).start()


def _announce() -> None:
    deadline = time.monotonic() + READY_WITHIN
    while set((found := health.report()).values()) != {health.OK}:
        if time.monotonic() > deadline:
            log.warning("not ready yet", **found)
            return
        time.sleep(0.1)
    print("\n".join(lines()), flush=True)  # noqa: T201


def lines() -> list[str]:
    local = f"http://{settings.HOST}:{settings.PORT}"
    result = ["", f"  Pelanggan is ready: {local}"]
    if local != settings.PUBLIC_URL:
        result.append(f"  for everybody else: {settings.PUBLIC_URL}")
    found = None if settings.PRODUCTION else sign_in()
    if found:
        result.append(f"  sign in as {found[0]} with the password {found[1]}")
    return [*result, ""]


def sign_in() -> tuple[str, str] | None:
    """Of the demo desk's first agent, if there is one."""
    try:
        found: tuple[str, str] | None = import_string("hub.demo.sign_in")()
    except ImportError:
        return None
    return found
