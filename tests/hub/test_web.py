"""What the web process says and checks besides serving."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError

from hub import health, web
from hub.stamp import BASE_DIR
from tests.hub.conftest import Web, environment
from tests.servers import free_port


def test_says_where_and_how_to_sign_in(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.HOST, settings.PORT, settings.PUBLIC_URL = "127.0.0.1", 8000, "https://hub.example"
    monkeypatch.setattr(web, "sign_in", lambda: ("ana@example", "open sesame"))
    said = "\n".join(web.lines())
    for part in ("http://127.0.0.1:8000", "https://hub.example", "ana@example", "open sesame"):
        assert part in said


def test_production_says_no_password(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.PRODUCTION = True
    monkeypatch.setattr(web, "sign_in", lambda: pytest.fail("asked for a password"))
    assert "sign in" not in "\n".join(web.lines())


def test_says_so_only_when_all_is_ready(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    answers = iter([{"database": "ok", "worker": "no"}, {"database": "ok", "worker": "ok"}])
    monkeypatch.setattr(health, "report", lambda: next(answers))
    monkeypatch.setattr(web, "lines", lambda: ["ready"])
    web._announce()
    assert capsys.readouterr().out == "ready\n"
    assert list(answers) == []


def test_database_that_does_not_answer_is_no_reason_to_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OperationalError

    monkeypatch.setattr(web.connection, "cursor", fail)
    monkeypatch.setattr(web.connection, "close", lambda: None)
    assert web.pending_migrations() == set()


def test_bad_settings_are_one_line(tmp_path: Path) -> None:
    here = environment(tmp_path, free_port(), PUBLIC_URL="hub.example")
    ended = subprocess.run(
        [sys.executable, "-m", "hub.server"], cwd=BASE_DIR, env=here, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 78
    assert len(ended.stderr.splitlines()) == 1
    assert "PUBLIC_URL" in ended.stderr


@pytest.mark.parametrize("part", ["web", "worker"])
def test_probe_of_what_runs_and_of_what_does_not(web: Web, part: str) -> None:
    def probe(port: int, var: Path) -> int:
        command = [sys.executable, "-m", "hub.probe", part]
        done = subprocess.run(command, cwd=BASE_DIR, env=environment(var, port), capture_output=True, check=False)
        return done.returncode

    assert probe(web.port, web.var) == 0
    empty = web.var / "empty"
    empty.mkdir(exist_ok=True)
    assert probe(free_port(), empty) != 0
