"""`make test`: every check there is, each by name; exit status 0 only if all hold.

The suite runs on the embedded default and again on PostgreSQL and Redis, which are started for it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from hub.stamp import BASE_DIR
from tests import servers

BIN = Path(sys.executable).parent
STATIC = [
    [str(BIN / "ruff"), "check", "--quiet", "."],
    [str(BIN / "ruff"), "format", "--check", "--quiet", "."],
    [str(BIN / "mypy"), "."],
    [str(BIN / "lint-imports")],
    [sys.executable, "manage.py", "translations", "check"],
    [sys.executable, "manage.py", "makemigrations", "--check", "--dry-run"],
]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--static", action="store_true", help="no test suite")
    options, more = parser.parse_known_args()
    # What the person has set up for a running product must not be touched by tests.
    environment = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    failed = [name for name in (check(command, environment) for command in STATIC) if name]
    if not options.static:
        failed += suites(environment, more)
    if failed:
        print(f"FAILED: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def check(command: list[str], environment: dict[str, str], name: str = "") -> str:
    """Runs it; its name if it failed."""
    name = name or " ".join(Path(part).name for part in command if part not in (sys.executable, "--quiet"))
    print(f"== {name}", flush=True)
    return name if subprocess.run(command, cwd=BASE_DIR, env=environment, check=False).returncode else ""


def suites(environment: dict[str, str], more: list[str]) -> list[str]:
    failed = [suite("tests, embedded default", environment, more)]
    absent = servers.absent()
    if not absent:
        with servers.running() as urls:
            failed.append(suite("tests, PostgreSQL and Redis", {**environment, **urls}, more))
    elif os.environ.get("CI") == "true":
        failed.append(f"tests, PostgreSQL and Redis ({', '.join(absent)} not found)")
    else:
        print(f"== SKIPPED: tests, PostgreSQL and Redis ({', '.join(absent)} not found)", flush=True)
    return [name for name in failed if name]


def suite(name: str, environment: dict[str, str], more: list[str]) -> str:
    with tempfile.TemporaryDirectory(prefix="pelanggan-test-") as var:
        here = {**environment, "VAR_DIR": var}
        (Path(var) / "static").mkdir()
        failed = check([sys.executable, "manage.py", "translations", "compile"], here, "translations compile")
        return failed or check([sys.executable, "-m", "pytest", "-n", "2", *more], here, name)


if __name__ == "__main__":
    sys.exit(main())
