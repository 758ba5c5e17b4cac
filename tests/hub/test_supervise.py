"""`make run` from outside: what it refuses, that it brings back what dies, that nothing is left when it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from hub import stamp, supervise
from hub.stamp import BASE_DIR
from tests.hub.conftest import answers, environment, eventually
from tests.servers import free_port

# A busy machine takes its time to start; what hangs is found all the same.
pytestmark = pytest.mark.timeout(1200)
SUPERVISOR = [sys.executable, "-m", "hub.supervise"]


class Product:
    def __init__(self, var: Path, port: int, **more: str) -> None:
        self.port = port
        self.output = (var / "output").open("w+b")
        # In a session of its own, as under a shell.
        self.process = subprocess.Popen(
            SUPERVISOR,
            cwd=BASE_DIR,
            env={**environment(var, port), **more},
            stdout=self.output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def ready(self) -> bool:
        return answers(f"http://127.0.0.1:{self.port}/readyz")

    def started(self) -> Product:
        """Itself, once it is ready; one that ended instead says what it printed."""
        eventually(lambda: self.ready() or self.process.poll() is not None)
        assert self.process.poll() is None, self.text()
        return self

    def children(self) -> list[int]:
        return children_of(self.process.pid)

    def text(self) -> str:
        return Path(self.output.name).read_text()

    def end(self) -> int:
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(120)


def children_of(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def lives(pid: int) -> bool:
    """Any thread of it does: the first may be gone while the others still hold port and database."""
    return any(map(runs, Path(f"/proc/{pid}/task").glob("*/stat")))


def runs(stat: Path) -> bool:
    try:
        return stat.read_text().rsplit(")", 1)[1].split()[0] not in "XZ"
    except (FileNotFoundError, ProcessLookupError):
        return False


def what(command: list[str]) -> str:
    return " ".join(filter(None, command[1:4]))


def role(pid: int) -> str:
    """What a child is, by what it was started with; "" while it is not that yet, or no more."""
    try:
        return what(Path(f"/proc/{pid}/cmdline").read_text().split("\0"))
    except OSError:
        return ""


def run(var: Path, **more: str) -> subprocess.CompletedProcess[str]:
    here = {**environment(var, free_port()), **more}
    return subprocess.run(SUPERVISOR, cwd=BASE_DIR, env=here, capture_output=True, text=True, timeout=200, check=False)


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("supervised")


@pytest.fixture
def product(var: Path) -> Iterator[Product]:
    running = Product(var, free_port()).started()
    yield running
    if running.process.poll() is None:
        running.end()


def test_no_django_in_the_supervisor() -> None:
    code = (
        "import sys, hub.supervise; print([name for name in sys.modules if name.split('.')[0] in ('django', 'celery')])"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=BASE_DIR, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize("given", ["DATABASE_URL", "REDIS_URL"])
def test_one_url_without_the_other_is_one_line(tmp_path: Path, given: str) -> None:
    ended = run(tmp_path, **{given: "x://y"})
    assert ended.returncode != 0
    assert len(ended.stderr.splitlines()) == 1
    assert "DATABASE_URL" in ended.stderr
    assert "REDIS_URL" in ended.stderr


def test_port_in_use_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = run(tmp_path, PORT=str(taken.getsockname()[1]))
    assert ended.returncode != 0
    assert len(ended.stderr.splitlines()) == 1
    assert "in use" in ended.stderr


def test_port_that_a_killed_one_still_holds_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as dying:
        dying.bind(("127.0.0.1", 0))
        dying.listen()
        for name in ("DATABASE_URL", "REDIS_URL"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HOST", "127.0.0.1")
        monkeypatch.setenv("PORT", str(dying.getsockname()[1]))
        monkeypatch.setattr(time, "sleep", lambda seconds: dying.close())
        supervise.check_environment()
        assert dying.fileno() == -1


def test_nonsense_for_a_port_is_one_line(tmp_path: Path) -> None:
    ended = run(tmp_path, PORT="http")
    assert (ended.returncode, len(ended.stderr.splitlines())) == (1, 1)


def test_production_without_a_secret_is_one_line(tmp_path: Path) -> None:
    ended = run(tmp_path, HUB_ENV="production", SECRET_KEY="")
    assert ended.returncode == supervise.BAD_SETTINGS
    assert len(ended.stderr.splitlines()) == 1
    assert "SECRET_KEY" in ended.stderr


def test_killed_children_are_back(product: Product) -> None:
    killed = product.children()
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: not any(map(lives, killed)))
    eventually(product.ready)


def test_sigterm_leaves_nothing(product: Product) -> None:
    children = product.children()
    assert children
    assert product.end() == 0
    assert not any(map(lives, children))
    assert not answers(f"http://127.0.0.1:{product.port}/healthz")


def test_ctrl_c_ends_it_in_order(product: Product) -> None:
    children = product.children()
    os.killpg(product.process.pid, signal.SIGINT)
    assert product.process.wait(120) == 0
    assert not any(map(lives, children))
    assert "Traceback" not in product.text()


def test_killed_with_9_it_takes_its_children_along_and_starts_again(product: Product, var: Path) -> None:
    children = product.children()
    product.process.kill()
    product.process.wait()
    eventually(lambda: not any(map(lives, children)))
    again = Product(var, product.port).started()
    assert again.end() == 0


def test_second_start_does_no_set_up(product: Product, var: Path) -> None:
    assert product.end() == 0
    before = (var / "stamps" / "everything").stat().st_mtime_ns
    again = Product(var, free_port()).started()
    assert again.end() == 0
    assert (var / "stamps" / "everything").stat().st_mtime_ns == before
    # How quick that is (6 s is the promise) `make bench ROW=start` measures; no test asserts seconds.


def test_says_where_it_is_once_ready(product: Product) -> None:
    eventually(lambda: f"Pelanggan is ready: http://127.0.0.1:{product.port}" in product.text())


def test_database_gone_means_set_up_again(var: Path) -> None:
    for path in var.glob("hub.sqlite3*"):
        path.unlink()
    running = Product(var, free_port()).started()
    assert running.end() == 0


def test_writes_only_under_var(product: Product, var: Path) -> None:
    httpx.post(f"http://127.0.0.1:{product.port}/webhooks/echo/", content=b"x" * 2_000_000)
    temporary = Path(f"/proc/{product.children()[0]}/environ").read_bytes().split(b"\0")
    assert f"TMPDIR={var / 'tmp'}".encode() in temporary


def test_pauses_grow_while_a_child_dies_at_once() -> None:
    child = supervise.Child(["false", "", "x"], dict(os.environ))
    pauses = []
    for _ in range(6):
        child.due = 0
        child.tend()
        assert child.process
        child.process.wait()
        child.tend()
        pauses.append(child.pause)
    assert pauses == [1, 2, 4, 5, 5, 5]


def test_stamp_follows_contents_not_dates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stamp, "BASE_DIR", tmp_path)
    (tmp_path / "a.po").write_text("one")
    first = stamp.digest(["*.po"])
    os.utime(tmp_path / "a.po", (1, 1))
    assert stamp.digest(["*.po"]) == first
    (tmp_path / "a.po").write_text("two")
    assert stamp.digest(["*.po"]) != first


@pytest.mark.postgres
@pytest.mark.redis
def test_web_worker_and_mailboxes_on_postgresql_and_redis(tmp_path: Path) -> None:
    urls = {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL")}
    running = Product(tmp_path, free_port(), **urls)
    try:
        running.started()
        each = sorted(map(what, (supervise.WEB, supervise.WORKER, supervise.MAILBOXES)))
        eventually(lambda: sorted(map(role, running.children())) == each)
        killed = running.children()
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: not any(map(lives, killed)))
        # Each of them once, and none in place of another.
        eventually(lambda: sorted(map(role, running.children())) == each)
        eventually(running.ready)
        assert not set(killed) & set(running.children())
    finally:
        assert running.end() == 0
