"""The Celery app is found by the name that the commands use, and hub itself imports no Celery."""

from __future__ import annotations

import subprocess
import sys

import celery
import pytest

from hub import supervise
from hub.celery import app
from hub.stamp import BASE_DIR


def test_the_worker_command_finds_the_app() -> None:
    name = supervise.WORKER[supervise.WORKER.index("-A") + 1]
    code = f"from celery.app.utils import find_app; print(find_app({name!r}).main)"
    found = subprocess.run([sys.executable, "-c", code], cwd=BASE_DIR, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "hub"


def test_importing_hub_imports_no_celery() -> None:
    code = "import sys, hub; print('celery' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], cwd=BASE_DIR, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


def test_jobs_survive_their_worker() -> None:
    assert app.conf.task_acks_late
    assert app.conf.task_ignore_result


@pytest.mark.parametrize("signal", ["worker_init", "worker_shutting_down", "setup_logging"])
def test_the_worker_runs_the_timetable_and_keeps_our_logging(signal: str) -> None:
    assert getattr(celery.signals, signal).receivers
