"""The whole product as `make run` starts it, in a folder of its own: for live tests, journeys and the drill.

with RunningHub(tmp_path) as hub:
    hub.post(hub.channel("webhook"), {"type": "message", ...})
    hub.api("bea").get("/tickets/")
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg

from tests.platforms.webhook import signed
from tests.servers import answers, free_port, until

ROOT = Path(__file__).resolve().parent.parent
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 2
PER_WORKER = 7
"""Of Redis's sixteen databases, so that hubs of two test processes and seven of one never share a queue."""

_hubs = itertools.count()


class RunningHub:
    """Embedded, or on DATABASE_URL and REDIS_URL where these are given (a fresh database is made)."""

    def __init__(self, folder: Path, environment: dict[str, str] | None = None, platform_url: str = "") -> None:
        given = {**os.environ, **(environment or {})}
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.platform_url = platform_url
        self.database = ""
        self.environment = {
            name: value
            for name, value in given.items()
            if name not in ("HUB_ENV", "PUBLIC_URL", "ALLOWED_HOSTS", "SECRET_KEY", "DJANGO_SETTINGS_MODULE")
        }
        self.environment.update(PORT=str(self.port), HOST="127.0.0.1", VAR_DIR=str(folder), LOG_LEVEL="WARNING")
        self.process: subprocess.Popen[bytes] | None = None
        self.log_path = folder / "hub.log"
        self.demo: dict[str, Any] = {}
        # One for all: making a client costs more than a request.
        self.customers = httpx.Client(timeout=30, trust_env=False)

    @property
    def embedded(self) -> bool:
        return not self.environment.get("DATABASE_URL")

    # ── life ──

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.embedded:
            self._fresh_database()
        self.start()
        arguments = ["--platform-url", self.platform_url] if self.platform_url else []
        self.demo = json.loads(self.manage("demo", "--json", *arguments))
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.customers.close()
        self.stop()
        if self.database:
            self._administer(f'DROP DATABASE IF EXISTS "{self.database}" WITH (FORCE)')

    def _fresh_database(self) -> None:
        self.database = f"hub_{uuid.uuid4().hex[:12]}"
        self.server_url = self.environment["DATABASE_URL"]
        self._administer(f'CREATE DATABASE "{self.database}"')
        self.environment["DATABASE_URL"] = urlunsplit(urlsplit(self.server_url)._replace(path=f"/{self.database}"))
        # A queue of one's own: two hubs on one Redis would take each other's jobs.
        number = WORKER * PER_WORKER + next(_hubs) % PER_WORKER + 1
        self.environment["REDIS_URL"] = urlunsplit(urlsplit(self.environment["REDIS_URL"])._replace(path=f"/{number}"))

    def _administer(self, statement: str) -> None:
        with psycopg.connect(self.server_url, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]

    def start(self) -> None:
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "hub.supervise"], cwd=ROOT, env=self.environment, stdout=log, stderr=log
            )
        self.wait_ready()

    def wait_ready(self, seconds: float = 400) -> None:
        end, last = time.monotonic() + seconds, ""
        while time.monotonic() < end:
            if self.process is not None and self.process.poll() is not None:
                raise AssertionError(f"the hub ended with {self.process.returncode}:\n{self.log()}")
            try:
                answer = httpx.get(f"{self.url}/readyz", timeout=10, trust_env=False)
                if answer.status_code == 200:
                    return
                last = answer.text
            except httpx.TransportError as error:
                last = str(error)
            time.sleep(0.1)
        raise AssertionError(f"not ready after {seconds} s: {last}\n{self.log()}")

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def children(self, part: str) -> list[int]:
        """Process ids of the supervisor's children whose command line has that part."""
        assert self.process is not None
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                    command = (entry / "cmdline").read_bytes().decode().replace("\0", " ")
                except (OSError, IndexError, ValueError):
                    continue
                if parent == self.process.pid and part in command:
                    found.append(int(entry.name))
        return found

    def kill(self, part: str) -> None:
        """kill -9 of one part: "hub.server" or "celery"."""
        for pid in self.children(part):
            os.kill(pid, signal.SIGKILL)

    @contextmanager
    def without(self, part: str) -> Iterator[None]:
        """Killed as by ``kill``, and away for as long as this lasts: whoever would start it again is held still.

        "hub.server" only: that it is gone is known by its port.
        """
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGSTOP)
        try:
            self.kill(part)
            until(lambda: not answers(self.port))
            yield
        finally:
            os.kill(self.process.pid, signal.SIGCONT)
        self.wait_ready()

    def kill_all(self) -> None:
        assert self.process is not None
        pids = [*self.children(""), self.process.pid]
        for pid in reversed(pids):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait()
        self.process = None
        # Killed is not yet gone: whoever starts the next one by hand takes longer than the kernel does.
        until(lambda: not answers(self.port))

    def log(self) -> str:
        return self.log_path.read_text(errors="replace")[-6000:] if self.log_path.exists() else ""

    def manage(self, *arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise AssertionError(f"manage.py {arguments}: {done.stderr}")
        return done.stdout

    # ── doors ──

    def agent(self, name: str) -> dict[str, Any]:
        return next(one for one in self.demo["agents"] if one["name"].lower().startswith(name))

    def channel(self, kind: str) -> dict[str, Any]:
        return next(one for one in self.demo["channels"] if one["kind"] == kind)

    def api(self, name: str = "bea") -> httpx.Client:
        return httpx.Client(
            base_url=f"{self.url}/api/v1",
            headers={"Authorization": f"Bearer {self.agent(name)['token']}"},
            timeout=30,
            trust_env=False,
        )

    def socket_url(self, after: int | None = None) -> str:
        query = "" if after is None else f"?after={after}"
        return f"ws://127.0.0.1:{self.port}/ws/inbox/{query}"

    def post(self, event: dict[str, Any], delivery: str = "", client: httpx.Client | None = None) -> httpx.Response:
        channel = self.channel("webhook")
        body, headers = signed(event, channel["settings"]["secret"], delivery or uuid.uuid4().hex)
        return (client or self.customers).post(channel["webhook_url"], content=body, headers=headers)

    def say(self, text: str, sender: str = "u-dora", name: str = "Dora", **more: Any) -> str:
        """A customer writes by the webhook channel; gives the message's external id."""
        external_id = more.pop("id", uuid.uuid4().hex)
        event = {"type": "message", "id": external_id, "sender": {"id": sender, "name": name}, "text": text, **more}
        response = self.post(event)
        assert response.status_code < 300, response.text
        return str(external_id)
