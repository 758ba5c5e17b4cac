"""A web process of our own, on a free port and with its own var/."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from hub.stamp import BASE_DIR
from tests.servers import free_port


def environment(var: Path, port: int, **more: str) -> dict[str, str]:
    """Embedded, whatever the suite itself runs on."""
    outer = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    small = {"DJANGO_SETTINGS_MODULE": "tests.hub.small.settings", "VAR_DIR": str(var), "PORT": str(port)}
    return {**outer, **small, "HOST": "127.0.0.1", "PUBLIC_URL": "", **more}


def eventually(holds: Callable[[], object], seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=10).status_code == 200
    except httpx.HTTPError:
        return False


@dataclass
class Web:
    process: subprocess.Popen[bytes]
    port: int
    var: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def sockets(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws/chatter/"

    def memory(self) -> int:
        """Resident bytes."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def start(var: Path) -> Web:
    port = free_port()
    here = environment(var, port)
    migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(migrate, cwd=BASE_DIR, env=here, check=True)
    process = subprocess.Popen([sys.executable, "-m", "hub.server"], cwd=BASE_DIR, env=here)
    web = Web(process, port, var)
    eventually(lambda: answers(f"{web.url}/healthz"))
    return web


@pytest.fixture(scope="package")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    running = start(tmp_path_factory.mktemp("web"))
    yield running
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(120) == 0
