"""`make drill`: 1,000 webhooks and 60 replies while the parts are killed with -9; then everything is counted.
Then the same with 1,000 surveys that are asked and answered (drill_surveys.py).

Embedded: the one process is killed twice, then all of it. With PostgreSQL and Redis (started here
where they are installed): web, worker and Redis in turn, Redis losing all it had. The sender repeats
what got no 2xx, as platforms do. Exit status 0 only if nothing is lost and nothing is doubled.

`make drill ARGS="surveys surveys-full"` runs these alone; there are embedded, full, surveys, surveys-full.
"""

from __future__ import annotations

import collections
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests import servers
from tests.drill_surveys import Surveys
from tests.platforms.webhook import FakeWebhookPlatform, signed
from tests.running import RunningHub

MESSAGES = 1000
REPLIES = 60
SENDERS = 40


class Drill:
    def __init__(self, hub: RunningHub, platform: FakeWebhookPlatform, kills: dict[int, Callable[[], None]]) -> None:
        self.hub, self.platform, self.kills = hub, platform, kills
        self.accepted = 0
        self.repeated = 0
        self.lock = threading.Lock()
        self.clients = threading.local()

    def client(self) -> httpx.Client:
        if not hasattr(self.clients, "one"):
            self.clients.one = httpx.Client(timeout=20, trust_env=False)
        return self.clients.one

    def send(self, number: int) -> None:
        """Until it gets a 2xx, with the same id."""
        channel = self.hub.channel("webhook")
        event = {
            "type": "message",
            "id": f"drill-{number}",
            "sender": {"id": f"drill-u{number % SENDERS}", "name": f"Pelanggan {number % SENDERS}"},
            "text": f"Pesan nomor {number}",
        }
        end = time.monotonic() + 120
        while time.monotonic() < end:
            body, headers = signed(event, channel["settings"]["secret"], f"drill-{number}")
            try:
                if self.client().post(channel["webhook_url"], content=body, headers=headers).is_success:
                    self.count()
                    return
            except httpx.TransportError:
                pass
            with self.lock:
                self.repeated += 1
            time.sleep(0.2)
        raise AssertionError(f"message {number} was never accepted")

    def count(self) -> None:
        with self.lock:
            self.accepted += 1
            kill = self.kills.pop(self.accepted, None)
        if kill is not None:
            threading.Thread(target=kill).start()

    def reply(self, number: int) -> int:
        """An agent answers, repeating with the same key until it is taken; gives the message's id."""
        end = time.monotonic() + 120
        while time.monotonic() < end:
            try:
                with self.hub.api("bea") as api:
                    tickets = api.get("/tickets/", params={"q": f"Pesan nomor {number}", "limit": 1}).json()["results"]
                    answer = api.post(
                        f"/tickets/{tickets[0]['number']}/messages/",
                        json={"text": f"Jawaban {number}"},
                        headers={"Idempotency-Key": f"drill-{number}"},
                    )
                    if answer.is_success:
                        return int(answer.json()["id"])
            except (httpx.TransportError, LookupError, ValueError):
                pass
            time.sleep(0.3)
        raise AssertionError(f"reply {number} was never accepted")

    def run(self) -> list[str]:
        with ThreadPoolExecutor(8) as senders, ThreadPoolExecutor(2) as agents:
            sent = [senders.submit(self.send, number) for number in range(MESSAGES)]
            answered = [agents.submit(self.reply, number) for number in range(REPLIES)]
            for future in sent:
                future.result()
            replies = [future.result() for future in answered]
        self.hub.wait_ready()
        return [*self.check_messages(), *self.check_replies(replies)]

    def check_messages(self) -> list[str]:
        found: collections.Counter[str] = collections.Counter()
        tickets = 0
        with self.hub.api("ana") as api:
            page: str | None = "/tickets/?limit=200&q=Pesan+nomor"
            while page:
                answer = api.get(page).json()
                for ticket in answer["results"]:
                    tickets += 1
                    found.update(self.messages_of(api, ticket["number"]))
                page = answer["next"]
            failed = api.get("/envelopes/", params={"state": "failed"}).json()["results"]
        wanted = {f"drill-{number}" for number in range(MESSAGES)}
        problems = [f"lost: {len(wanted - set(found))}"] if wanted - set(found) else []
        problems += [f"doubled: {name}" for name, times in found.items() if times > 1]
        problems += [f"failed envelope: {one['error']}" for one in failed]
        if tickets != SENDERS:
            problems.append(f"{tickets} tickets of {SENDERS} customers")
        return problems

    def messages_of(self, api: httpx.Client, number: int) -> list[str]:
        names: list[str] = []
        page: str | None = f"/tickets/{number}/messages/?limit=200"
        while page:
            answer = api.get(page).json()
            names += [one["external_id"] for one in answer["results"] if one["direction"] == "in"]
            page = answer["next"]
        return names

    def check_replies(self, ids: list[int]) -> list[str]:
        """Within 60 s each is with the platform, and once: every repetition carried the same key."""
        end = time.monotonic() + 60
        while time.monotonic() < end and len(self.platform.replies) < len(ids):
            time.sleep(0.2)
        texts = collections.Counter(said["text"] for said in self.platform.replies.values())
        problems = [f"reply never went out: {number}" for number in range(REPLIES) if not texts[f"Jawaban {number}"]]
        problems += [f"reply went out under two ids: {text}" for text, times in texts.items() if times > 1]
        if len(set(ids)) != len(ids):
            problems.append("one Idempotency-Key made two messages")
        return problems


def restart(hub: RunningHub) -> None:
    """All of it is gone at once; somebody types `make run` again."""
    hub.kill_all()
    hub.start()


Kills = dict[int, Callable[[], None]]


def embedded() -> list[str]:
    with desk() as (hub, platform, _redis):
        kills: Kills = {
            200: lambda: hub.kill("hub.server"),
            500: lambda: restart(hub),
            800: lambda: hub.kill("hub.server"),
        }
        return report("embedded default", Drill(hub, platform, kills))


def full() -> list[str]:
    with desk(full=True) as (hub, platform, redis):
        kills: Kills = {
            200: lambda: hub.kill("hub.server"),
            400: lambda: hub.kill("celery"),
            600: redis.kill_and_restart,
            800: lambda: restart(hub),
        }
        return report("PostgreSQL and Redis", Drill(hub, platform, kills))


def surveys() -> list[str]:
    with desk() as (hub, platform, _redis):
        asking: Kills = {100: lambda: hub.kill("hub.server"), 550: lambda: restart(hub)}
        answering: Kills = {300: lambda: hub.kill("hub.server"), 800: lambda: hub.kill("hub.server")}
        return reported("embedded default", Surveys(hub, platform, asking, answering))


def surveys_full() -> list[str]:
    with desk(full=True) as (hub, platform, redis):
        asking: Kills = {
            100: lambda: hub.kill("celery"),
            400: redis.kill_and_restart,
            700: lambda: hub.kill("hub.server"),
        }
        answering: Kills = {
            250: lambda: hub.kill("hub.server"),
            550: lambda: hub.kill("celery"),
            850: lambda: restart(hub),
        }
        return reported("PostgreSQL and Redis", Surveys(hub, platform, asking, answering))


@contextmanager
def desk(*, full: bool = False) -> Iterator[tuple[RunningHub, FakeWebhookPlatform, Redis]]:
    """The product with a platform beside it; full: on PostgreSQL and Redis, else the embedded default."""
    with ExitStack() as stack:
        environment = {"DATABASE_URL": "", "REDIS_URL": ""}
        redis = Redis()
        if full:
            redis.start()
            stack.callback(redis.stop)
            environment = {"DATABASE_URL": stack.enter_context(servers.postgres()), "REDIS_URL": redis.url}
        platform = stack.enter_context(FakeWebhookPlatform())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="drill-")))
        hub = stack.enter_context(RunningHub(folder, environment, platform.url))
        platform.secret = hub.channel("webhook")["settings"]["secret"]
        yield hub, platform, redis


class Redis:
    """One that keeps nothing, so that a restart is a flush."""

    def __init__(self) -> None:
        self.port = servers.free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        servers.until(lambda: servers.answers(self.port))

    def kill_and_restart(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
        time.sleep(2)
        self.start()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


def report(name: str, drill: Drill) -> list[str]:
    started = time.monotonic()
    problems = drill.run()
    spent = time.monotonic() - started
    print(
        f"{name}: {MESSAGES} webhooks, {REPLIES} replies, {drill.repeated} repetitions, {spent:.0f} s: "
        + ("nothing lost, nothing doubled" if not problems else "; ".join(problems[:10]))
    )
    if drill.kills:
        problems.append(f"{name}: {len(drill.kills)} kills never happened")
    return problems


def reported(name: str, drill: Surveys) -> list[str]:
    started = time.monotonic()
    problems = drill.run()
    print(
        f"{name}: {drill.tickets} surveys, each answer twice, {drill.repeated} repetitions, "
        f"{time.monotonic() - started:.0f} s: "
        + ("each asked once, each answered once" if not problems else f"{len(problems)}: {'; '.join(problems[:10])}"),
        flush=True,
    )
    return problems


def main() -> int:
    runs: dict[str, Callable[[], list[str]]] = {"embedded": embedded, "surveys": surveys}
    absent = servers.absent()
    if absent:
        print(f"skipped for want of {' and '.join(absent)}: the drill on PostgreSQL and Redis")
    else:
        runs |= {"full": full, "surveys-full": surveys_full}
    chosen = sys.argv[1:] or list(runs)
    problems: list[Any] = []
    for name in chosen:
        problems += runs[name]()
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
