"""`make run`: sets up what is missing, starts the product's processes and keeps them alive.

Standard library only: with Django in it this process would weigh five times as much.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from types import FrameType

from hub import stamp

# Exit statuses by which a child says that starting it again would not help (hub/boot.py).
NEEDS_SETUP = 3
BAD_SETTINGS = 78
GRACE = 10.0
LONGEST_PAUSE = 5.0
LONG_ENOUGH = 30.0
# A product that was killed keeps its port until the last of its threads is gone, on a busy disk for a while.
PORT_WITHIN = 5.0
PR_SET_PDEATHSIG = 1

WEB = [sys.executable, "-m", "hub.server"]
WORKER = [
    *(
        sys.executable,
        "-m",
        "celery",
        "--quiet",
        "-A",
        "hub.celery",
        "worker",
        "--pool",
        "threads",
        "--concurrency",
        "8",
    ),
    *("--without-gossip", "--without-mingle", "--loglevel", "WARNING"),
]
# Holds the mailboxes that are fetched (channels_app/mailboxes.py); embedded it is a thread of the web process.
MAILBOXES = [sys.executable, str(stamp.BASE_DIR / "manage.py"), "mailboxes"]


class Refused(Exception):
    """Why the product can't start, in one line for the person at the terminal."""


def _prctl() -> Callable[[int], None]:
    if sys.platform != "linux":
        return lambda number: None
    # Loaded before any fork: between fork and exec nothing may be imported.
    libc = ctypes.CDLL(None)
    return lambda number: libc.prctl(PR_SET_PDEATHSIG, int(number)) and None


end_with_parent = _prctl()


class Child:
    """One process of the product, started again whenever it ends."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.command = command
        self.environment = environment
        self.pause = 0.5
        self.due = 0.0
        self.started = 0.0
        self.process: subprocess.Popen[bytes] | None = None

    def tend(self) -> int | None:
        """Start it if it is due; its exit status if it has just ended."""
        now = time.monotonic()
        if self.process is None:
            if now >= self.due:
                self.start()
            return None
        status = self.process.poll()
        if status is not None:
            self.process = None
            self.pause = 0.5 if now - self.started > LONG_ENOUGH else min(self.pause * 2, LONGEST_PAUSE)
            self.due = now + self.pause
        return status

    def start(self) -> None:
        self.started = time.monotonic()
        self.process = spawn(self.command, self.environment)

    def name(self) -> str:
        return self.command[2]


def spawn(command: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    parent = os.getpid()

    def before_exec() -> None:
        # Killed with -9, this process can't end its children; the kernel does it.
        end_with_parent(signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    # A group of its own: Ctrl-C reaches this process alone, which then ends the children in order.
    return subprocess.Popen(
        command,
        env=environment,
        cwd=stamp.BASE_DIR,
        preexec_fn=before_exec,
        process_group=0,
    )


class Supervisor:
    def __init__(self) -> None:
        self.stopping = False
        self.environment = child_environment()
        self.children: list[Child] = []

    def run(self) -> int:
        check_environment()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self.stop)
        if os.environ.get("MAKELEVEL"):
            # Otherwise a killed make would leave the product behind, on its port.
            end_with_parent(signal.SIGTERM)
        if not stamp.holds("everything", stamp.everything()):
            self.set_up()
        self.children = [Child(command, self.environment) for command in commands()]
        self.children[0].environment = {**self.environment, "HUB_ANNOUNCE": "1"}
        try:
            return self.watch()
        finally:
            end([child.process for child in self.children if child.process])

    def stop(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True

    def watch(self) -> int:
        while not self.stopping:
            for child in self.children:
                status = child.tend()
                if status == BAD_SETTINGS:
                    return BAD_SETTINGS
                if status is not None:
                    self.ended(child, status)
            time.sleep(0.2)
        return 0

    def ended(self, child: Child, status: int) -> None:
        if self.stopping:
            return
        if status == NEEDS_SETUP:
            self.set_up()
            child.due = 0.0
            return
        child.environment = self.environment
        say(f"{child.name()} ended with status {status}; starting it again in {child.pause:.1f} s")

    def set_up(self) -> None:
        fingerprint = stamp.everything()
        process = spawn([sys.executable, "-m", "hub.boot"], self.environment)
        while process.poll() is None and not self.stopping:
            time.sleep(0.05)
        if self.stopping:
            end([process])
            raise SystemExit(0)
        if process.returncode == BAD_SETTINGS:
            raise SystemExit(BAD_SETTINGS)
        if process.returncode:
            raise Refused("set-up failed; what went wrong stands above")
        stamp.write("everything", fingerprint)


def commands() -> list[list[str]]:
    return [WEB, WORKER, MAILBOXES] if os.environ.get("DATABASE_URL") else [WEB]


def child_environment() -> dict[str, str]:
    temporary = stamp.var_dir() / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    return {
        "DJANGO_SETTINGS_MODULE": "hub.settings",
        **os.environ,
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(temporary),
        # Eight threads would otherwise keep eight heaps; two are as fast here and much smaller.
        "MALLOC_ARENA_MAX": os.environ.get("MALLOC_ARENA_MAX", "2"),
    }


def check_environment() -> None:
    given = {name for name in ("DATABASE_URL", "REDIS_URL") if os.environ.get(name)}
    if len(given) == 1:
        missing = ({"DATABASE_URL", "REDIS_URL"} - given).pop()
        raise Refused(f"{given.pop()} is set but {missing} is not: set both, or neither for the embedded default")
    host, port = os.environ.get("HOST") or "127.0.0.1", os.environ.get("PORT") or "8000"
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise Refused(f"PORT must be a number from 1 to 65535, not {port!r}")
    deadline = time.monotonic() + PORT_WITHIN
    while reason := why_not_listen(host, int(port)):
        if time.monotonic() > deadline:
            raise Refused(f"can't listen on {host}:{port}: {reason} (set PORT to another one)")
        time.sleep(0.1)


def why_not_listen(host: str, port: int) -> str:
    """What the system says against listening there; "" when nothing."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), port))
        except OSError as error:
            return error.strerror or str(error)
    return ""


def end(processes: list[subprocess.Popen[bytes]]) -> None:
    """Ask all at once, then insist."""
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + GRACE
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def say(line: str) -> None:
    print(f"pelanggan: {line}", file=sys.stderr, flush=True)


def main() -> int:
    try:
        return Supervisor().run()
    except Refused as error:
        say(str(error))
        return 1


if __name__ == "__main__":
    sys.exit(main())
