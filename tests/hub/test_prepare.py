"""Set-up does each thing once, and again when what it depends on has changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from hub import stamp, translations, web
from hub.management.commands import prepare


@pytest.fixture
def done(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What set-up did."""
    settings.VAR_DIR, settings.MEDIA_ROOT = tmp_path, tmp_path / "media"
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    calls: list[str] = []
    monkeypatch.setattr(translations, "compile_all", lambda: calls.append("translations"))
    monkeypatch.setattr(prepare, "collect_static", lambda: calls.append("static"))
    return calls


def test_files_once(done: list[str]) -> None:
    call_command("prepare", files_only=True)
    call_command("prepare", files_only=True)
    assert done == ["translations", "static"]


def test_again_when_something_changed(done: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    call_command("prepare", files_only=True)
    monkeypatch.setattr(stamp, "TRANSLATIONS", ("Makefile",))
    call_command("prepare", files_only=True)
    assert done == ["translations", "static", "translations"]


def test_folders_are_there_afterwards(done: list[str], tmp_path: Path) -> None:
    call_command("prepare", files_only=True)
    assert (tmp_path / "tmp").is_dir()
    assert (tmp_path / "media").is_dir()


@pytest.mark.django_db
def test_nothing_is_pending_in_a_migrated_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web.connection, "close", lambda: None)
    assert web.pending_migrations() == set()
    found = web.on_disk()
    monkeypatch.setattr(web, "on_disk", lambda: found | {("tickets", "9999_next")})
    assert web.pending_migrations() == {("tickets", "9999_next")}


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_request_s_patience_does_not_hold_for_migrations() -> None:
    def limits() -> list[str]:
        with connection.cursor() as cursor:
            found = []
            for name in prepare.LIMITS:
                cursor.execute(f"SHOW {name}")
                found.append(cursor.fetchone()[0])
            return found

    usual = limits()
    assert "0" not in usual
    with prepare.alone():
        assert limits() == ["0", "0"]
    assert limits() == usual
