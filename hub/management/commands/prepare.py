"""Everything a start needs: database, translations, static files, demo desk; each only where something changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand
from django.db import connection

from hub import stamp, translations

LOCK = 0x70656C61
LIMITS = ("lock_timeout", "idle_in_transaction_session_timeout")


class Command(BaseCommand):
    help = "Migrate, compile translations, collect static files and, outside production, make the demo desk once."
    requires_system_checks = "__all__"

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--files-only", action="store_true", help="leave the database alone (image build)")

    def handle(self, *args: Any, **options: Any) -> None:
        for directory in (settings.VAR_DIR / "tmp", Path(settings.MEDIA_ROOT)):
            directory.mkdir(parents=True, exist_ok=True)
        self.unless_done("translations", stamp.TRANSLATIONS, translations.compile_all)
        self.unless_done("static", stamp.STATIC, collect_static)
        if options["files_only"]:
            return
        with alone():
            call_command("migrate", interactive=False, verbosity=0)
            if not settings.PRODUCTION and "demo" in get_commands() and not get_user_model().objects.exists():
                call_command("demo", verbosity=0, stdout=self.stderr)

    def unless_done(self, name: str, patterns: tuple[str, ...], act: Callable[[], object]) -> None:
        digest = stamp.digest(patterns)
        if not stamp.holds(name, digest):
            act()
            stamp.write(name, digest)


def collect_static() -> None:
    call_command("collectstatic", interactive=False, verbosity=0, clear=True)


@contextmanager
def alone() -> Iterator[None]:
    """Two web processes that start together must not migrate together.

    Nor does a request's patience hold here: the second waits as long as the first takes, and on a machine
    that is busy the plan of a migration alone may take longer than a writer is given.
    """
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        for limit in LIMITS:
            cursor.execute(f"SET {limit} = 0")
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
            for limit in LIMITS:
                cursor.execute(f"RESET {limit}")
