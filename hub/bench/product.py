"""The product as `make run` starts it, on databases of its own: under var/bench, or beside DATABASE_URL's."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from hub.stamp import BASE_DIR, var_dir

FOLDER = var_dir() / "bench"
OURS = "pelanggan_bench_"
# Not the database number of a product that may be running: its workers would take our jobs.
REDIS_NUMBER = "/15"
READY_WITHIN = 120
LEFT_OUT = (
    "HUB_ENV",
    "PUBLIC_URL",
    "ALLOWED_HOSTS",
    "DJANGO_SETTINGS_MODULE",
    "MAKELEVEL",
    "MAKEFLAGS",
    "TRUSTED_PROXIES",
)


@dataclass(frozen=True)
class Backend:
    name: str
    database_url: str = ""
    redis_url: str = ""

    @property
    def embedded(self) -> bool:
        return not self.database_url

    def desk(self, name: str, *, fresh: bool = False) -> Desk:
        """A database of that name, made if need be. fresh: without what an earlier run left there."""
        folder = FOLDER / f"{'embedded' if self.embedded else 'servers'}_{name}"
        if fresh:
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        given = {"SECRET_KEY": "the benchmark's own key, which keeps nothing secret", "VAR_DIR": str(folder)}
        if not self.embedded:
            url = urlunsplit(urlsplit(self.database_url)._replace(path=f"/{OURS}{name}"))
            self._database(f"{OURS}{name}", fresh)
            given |= {
                "DATABASE_URL": url,
                "REDIS_URL": urlunsplit(urlsplit(self.redis_url)._replace(path=REDIS_NUMBER)),
            }
        return Desk(self, folder, given)

    def _database(self, name: str, fresh: bool) -> None:
        import psycopg

        with psycopg.connect(self.database_url, autocommit=True) as connection:
            if fresh:
                connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                connection.execute(f'CREATE DATABASE "{name}"'.encode())

    def clean(self) -> None:
        """Give the disk back."""
        if self.embedded:
            shutil.rmtree(FOLDER, ignore_errors=True)
            return
        import psycopg

        with psycopg.connect(self.database_url, autocommit=True) as connection:
            rows = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [OURS + "%"]).fetchall()
            for (name,) in rows:
                connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


def backends() -> list[Backend]:
    """The embedded default, and the servers that the environment names."""
    found = [Backend("embedded")]
    if os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"):
        found.append(Backend("PostgreSQL + Redis", os.environ["DATABASE_URL"], os.environ["REDIS_URL"]))
    return found


@dataclass
class Desk:
    backend: Backend
    folder: Path
    given: dict[str, str]
    port: int = field(default_factory=lambda: free_port())

    @property
    def environment(self) -> dict[str, str]:
        left_out = (*LEFT_OUT, "DATABASE_URL", "REDIS_URL")
        outer = {name: value for name, value in os.environ.items() if name not in left_out}
        return {**outer, "LOG_LEVEL": "WARNING", "HOST": "127.0.0.1", "PORT": str(self.port), **self.given}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def inside(self, module: str, *arguments: str, told: Any = None) -> Any:
        """Run one of our modules as a process of the product would; what it prints is JSON."""
        command = [sys.executable, "-m", f"hub.bench.{module}", *arguments]
        done = subprocess.run(
            command,
            env=self.environment,
            cwd=BASE_DIR,
            stdout=subprocess.PIPE,
            input=json.dumps(told).encode(),
            check=True,
        )
        return json.loads(done.stdout)

    @contextmanager
    def running(self, command: list[str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
        """Started, ready, and ended again."""
        command = command or [sys.executable, "-m", "hub.supervise"]
        with (self.folder / "hub.log").open("ab") as log:
            process = subprocess.Popen(command, env=self.environment, cwd=BASE_DIR, stdout=log, stderr=log)
        try:
            self.wait_ready(process)
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def wait_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + READY_WITHIN
        while process.poll() is None and time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=3):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        raise RuntimeError(f"the product did not get ready; see {self.folder / 'hub.log'}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def tree(pid: int) -> list[int]:
    """A process with all below it."""
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            after = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(after[1]), []).append(int(path.parent.name))
    found, waiting = [], [pid]
    while waiting:
        found.append(waiting.pop())
        waiting += parents.get(found[-1], [])
    return found


def web(pid: int) -> int:
    """The web process below the supervisor."""
    return next(one for one in tree(pid) if b"hub.server" in Path(f"/proc/{one}/cmdline").read_bytes())


def processor_seconds(pid: int) -> float:
    """What a process has used so far, all threads together."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(path.read_text().split()[0]) for path in tasks) / 1e9


def pss(pid: int) -> float:
    """Proportional resident memory in MB of a process with all below it."""
    total = 0
    for one in tree(pid):
        for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total / 1024
