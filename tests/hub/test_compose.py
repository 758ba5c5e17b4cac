"""docker-compose.yml and Dockerfile name only what exists; nothing of them can be run here, so they are read."""

from __future__ import annotations

import importlib.util
import re
from typing import Any

import pytest
import yaml

from hub import supervise
from hub.stamp import BASE_DIR

COMPOSE: dict[str, Any] = yaml.safe_load((BASE_DIR / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}


def commands() -> list[list[str]]:
    found = [service["command"] for service in OURS.values()]
    found += [service["healthcheck"]["test"][1:] for service in OURS.values()]
    docker = (BASE_DIR / "Dockerfile").read_text()
    return found + [yaml.safe_load(match) for match in re.findall(r"CMD (\[.*\])", docker)]


def test_the_parts() -> None:
    assert set(SERVICES) == {"web", "worker", "mailboxes", "postgres", "redis"}
    assert set(OURS) == {"web", "worker", "mailboxes"}
    assert SERVICES["postgres"]["image"].startswith("postgres:16")
    assert SERVICES["redis"]["image"].startswith("redis:7")


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_commands_name_what_exists(command: list[str]) -> None:
    if "manage.py" in command:
        module = f"hub.management.commands.{command[-1]}"
    else:
        module = command[command.index("-m" if "-m" in command else "-A") + 1]
    assert importlib.util.find_spec(module), module


def test_worker_is_the_one_of_make_run() -> None:
    assert SERVICES["worker"]["command"] == supervise.WORKER[2:]


def test_all_have_a_health_check_and_restart() -> None:
    for name, service in SERVICES.items():
        assert service["healthcheck"]["test"], name
        assert service["restart"] == "unless-stopped"


def test_volumes_are_declared() -> None:
    used = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert used == set(COMPOSE["volumes"])


def test_production_has_no_default_for_what_must_be_secret() -> None:
    for service in OURS.values():
        environment = service["environment"]
        assert environment["HUB_ENV"] == "production"
        for name in ("SECRET_KEY", "PUBLIC_URL", "ALLOWED_HOSTS"):
            assert environment[name].startswith(f"${{{name}:?"), name
        assert "${POSTGRES_PASSWORD:?" in environment["DATABASE_URL"]


def test_every_variable_is_one_that_settings_read() -> None:
    settings = (BASE_DIR / "hub/settings.py").read_text()
    for name in OURS["web"]["environment"]:
        assert f'"{name}"' in settings, name


def test_thai_can_be_searched() -> None:
    assert "C.UTF-8" in SERVICES["postgres"]["environment"]["POSTGRES_INITDB_ARGS"]


def test_image_does_not_run_as_root_and_leaves_no_key_behind() -> None:
    docker = (BASE_DIR / "Dockerfile").read_text()
    assert re.search(r"^USER pelanggan$", docker, re.MULTILINE)
    assert "SECRET_KEY=only-while-the-image-is-built" in docker
    assert "var" in (BASE_DIR / ".dockerignore").read_text().split()
