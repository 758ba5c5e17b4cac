"""The house keeps its own rules: what is configurable is documented, names say something, floors stay floors."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
APPS = ("hub", "surveys", "reports", "tickets", "customers", "channels_app", "agents")
BANNED = {"utils", "helpers", "common", "services", "managers", "base", "misc", "core"}
KINDS = set(settings.CHANNEL_ADAPTERS)
# An import inside a function hides a cycle or a cost; these are stated where they stand.
LATE_IMPORTS = {"hub/server.py", "hub/probe.py", "agents/hours/ical.py"}
# The benchmarks set the environment of the product before they may import what reads it.
LATE_FOLDERS = ("hub/bench/",)


def python(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from (path for path in sorted((ROOT / folder).rglob("*.py")) if "migrations" not in path.parts)


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def strings(node: ast.AST) -> set[str]:
    return {part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)}


# ── What is configurable is documented ───────────────────────────────────────────────────────


READERS = ("os.environ.get", "_list", "_flag", "_number")


def environment() -> set[str]:
    """Names that settings.py reads: os.environ[…], os.environ.get(…), _list(…), _flag(…), _number(…)."""
    found = set()
    for node in ast.walk(tree(ROOT / "hub/settings.py")):
        if isinstance(node, ast.Call) and node.args and ast.unparse(node.func) in READERS:
            found |= {arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant)}
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ":
            found |= strings(node.slice)
    return found


def test_settings_read_the_environment() -> None:
    assert {"PORT", "DATABASE_URL", "ALLOWED_HOSTS", "SANDBOX_ENABLED"} <= environment()


def test_every_variable_is_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text()
    assert sorted(variable for variable in environment() if f"`{variable}`" not in text) == []


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_channel_is_in_its_readme(kind: str) -> None:
    assert f"`{kind}`" in (ROOT / "channels_app/README.md").read_text()


def jobs() -> set[str]:
    """The entries of the timetable and the Celery tasks, by their dotted names."""
    found = set(settings.TIMETABLE)
    for path in python(*APPS):
        if path.name == "tasks.py":
            found |= set(re.findall(r'name="([a-z_.]+)"', path.read_text()))
    assert "tickets.delivery.deliver" in found
    return found


def test_every_job_is_in_the_architecture() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    assert sorted(job for job in jobs() if f"`{job}`" not in text) == []


# ── Names ────────────────────────────────────────────────────────────────────────────────────


def test_no_drawer_for_everything() -> None:
    assert [name(path) for path in python(*APPS) if BANNED & {path.stem, path.parent.name}] == []


# ── The desk never asks which channel this is ────────────────────────────────────────────────


def branches(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Compare):
        yield from (node.left, *node.comparators)
    if isinstance(node, ast.match_case):
        yield node.pattern
    if isinstance(node, ast.Subscript):
        yield node.slice


def asks_for_kind(path: Path) -> Iterator[str]:
    for node in ast.walk(tree(path)):
        for part in branches(node):
            if strings(part) & KINDS:
                yield f"{name(path)}:{part.lineno}"


def test_the_desk_compares_no_adapter_kind() -> None:
    assert [line for path in python("surveys", "reports", "tickets", "customers") for line in asks_for_kind(path)] == []


def test_templates_compare_no_adapter_kind() -> None:
    kinds = "|".join(sorted(KINDS))
    asks = re.compile(rf"{{%\s*(?:el)?if\b[^%]*['\"](?:{kinds})['\"]|ifchanged[^%]*['\"](?:{kinds})['\"]")
    assert [name(path) for path in sorted((ROOT / "templates").rglob("*.html")) if asks.search(path.read_text())] == []


def test_the_check_itself_sees_what_it_forbids(tmp_path: Path) -> None:
    kind = sorted(KINDS)[0]
    for line in (f"if channel.kind == '{kind}': pass", f"x = kind in ('a', '{kind}')", f"{{}}['{kind}']"):
        found = [node for node in ast.walk(ast.parse(line)) for part in branches(node) if strings(part) & KINDS]
        assert found, line


def test_the_exchange_has_never_heard_of_tickets() -> None:
    found = [name(path) for path in python("channels_app") if re.search(r"\bticket", path.read_text(), re.IGNORECASE)]
    assert found == []


# ── Imports ──────────────────────────────────────────────────────────────────────────────────


def late_imports(path: Path) -> Iterator[str]:
    for function in ast.walk(tree(path)):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    yield f"{name(path)}:{node.lineno}"


def late(path: str) -> bool:
    return path in LATE_IMPORTS or path.startswith(LATE_FOLDERS)


def ready(line: str) -> bool:
    """AppConfig.ready is where Django itself wants late imports."""
    return line.split(":")[0].endswith("/apps.py")


def test_imports_stand_at_the_top() -> None:
    found = {line for path in python(*APPS) if not late(name(path)) for line in late_imports(path)}
    assert sorted(line for line in found if not ready(line)) == []


def test_import_rules_hold() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
