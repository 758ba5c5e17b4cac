"""A PostgreSQL and a Redis of our own for the length of a test run: on free loopback ports, thrown away after."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

FAST = ["fsync=off", "full_page_writes=off", "max_connections=200", "shared_buffers=64MB", "log_min_messages=fatal"]

FIRST_PORT, LAST_PORT = 20_000, 32_000
_given: set[int] = set()


def postgres_tool(name: str) -> str | None:
    """Debian keeps them out of the path."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    return shutil.which(name) or (str(found[0]) if found else None)


def absent() -> list[str]:
    tools = {"PostgreSQL": postgres_tool("initdb"), "Redis": shutil.which("redis-server")}
    return [name for name, path in tools.items() if path is None]


def free_port() -> int:
    """Below those that the kernel gives to whoever connects to something: nobody takes it by chance before its server
    listens, nor while that is killed and comes back."""
    while True:
        port = FIRST_PORT + secrets.randbelow(LAST_PORT - FIRST_PORT)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in _given:
            _given.add(port)
            return port


@contextmanager
def running() -> Iterator[dict[str, str]]:
    """Both, as the environment that points to them."""
    with ExitStack() as stack:
        yield {
            "DATABASE_URL": stack.enter_context(postgres()),
            "REDIS_URL": stack.enter_context(redis()),
        }


@contextmanager
def postgres() -> Iterator[str]:
    # As root it would refuse to start.
    user: dict[str, Any] = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
    initdb, server, port = str(postgres_tool("initdb")), str(postgres_tool("postgres")), free_port()
    with tempfile.TemporaryDirectory(prefix="pelanggan-pg-") as folder:
        if user:
            shutil.chown(folder, "postgres", "postgres")
        data = f"{folder}/data"
        create = [initdb, "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"]
        subprocess.run(create, check=True, stdout=subprocess.DEVNULL, cwd=folder, **user)
        options = [part for option in (*FAST, f"unix_socket_directories={folder}") for part in ("-c", option)]
        command = [server, "-D", data, "-h", "127.0.0.1", "-p", str(port), *options]
        with process(command, port, cwd=folder, **user):
            # The port opens a little before the database answers.
            ready = [str(postgres_tool("psql")), "-h", "127.0.0.1", "-p", str(port), "-U", "postgres", "-qc"]
            until(lambda: subprocess.run([*ready, "SELECT 1"], capture_output=True, check=False).returncode == 0)
            subprocess.run([*ready, "CREATE DATABASE pelanggan"], check=True)
            yield f"postgresql://postgres@127.0.0.1:{port}/pelanggan"


@contextmanager
def redis() -> Iterator[str]:
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with tempfile.TemporaryDirectory(prefix="pelanggan-redis-") as folder, process(command, port, cwd=folder):
        yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def process(command: list[str], port: int, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, **options)
    try:
        until(lambda: answers(port))
        yield running
    finally:
        # To PostgreSQL SIGINT means: now, without waiting for its clients.
        running.send_signal(2)
        try:
            running.wait(10)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def until(holds: Any, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError("a service for the tests did not start")
        time.sleep(0.05)
