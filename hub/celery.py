"""The Celery app. Only wake-ups travel through it: the work itself is rows in the database."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_init, worker_shutting_down
from django.utils.module_loading import import_string

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings")

app = Celery("hub")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logging(**kwargs: Any) -> None:
    """Being connected is enough: Celery then leaves settings.LOGGING alone."""


# Not worker_ready: that waits for Redis, and the sweeps are what does the work while Redis is away.
@worker_init.connect
def start_timetable(**kwargs: Any) -> None:
    import_string("channels_app.jobs.start_timetable")()


@worker_shutting_down.connect
def stop_timetable(**kwargs: Any) -> None:
    import_string("channels_app.jobs.stop")()
