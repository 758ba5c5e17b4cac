"""Row `mail`: reading real mail without anything around it, and the slowest message by name.

The messages lie beside the checkout (`../shared/mail`); where they do not, mails of our own making stand in.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from channels_app.adapters.email import parser
from hub.bench import wire
from hub.bench.product import Backend
from hub.bench.report import Table
from hub.bench.text import pool

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "mail"
NOT_MAIL = {".json"}
TIMES = 3
POSTED, CONCURRENCY = 1000, 8
SLOWEST = 1.0
"""Seconds that no message may take."""


@dataclass(frozen=True)
class Alone:
    """Reading each message once, one after the other. seconds: processor time."""

    messages: int
    octets: int
    seconds: float
    slowest: str
    slowest_seconds: float

    @property
    def rate(self) -> float:
        """Messages per second."""
        return self.messages / self.seconds


def messages(folder: Path = FOLDER) -> Iterator[tuple[str, bytes]]:
    """(path in the folder, bytes) of every file that is a message or the body of one."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix not in NOT_MAIL:
            yield path.relative_to(folder).as_posix(), path.read_bytes()


def made_up(count: int) -> Iterator[tuple[str, bytes]]:
    """Replies as Gmail sends them."""
    for number, text in enumerate(pool(count, "in")):
        head = (
            f"From: Siti <siti{number}@mail.example>\r\nTo: help@shop.example\r\nSubject: Pesanan {number}\r\n"
            f"Message-ID: <{number}@mail.example>\r\nDate: Mon, 03 Mar 2025 10:12:00 +0700\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n\r\n"
        )
        quote = f"Pada Sen, 3 Mar 2025 pukul 10.12 Toko <help@shop.example> menulis:\r\n> {text}\r\n"
        yield f"made up {number}", f"{head}{text}\r\n\r\n{quote}".encode()


def parse_alone(mails: Sequence[tuple[str, bytes]], read: Callable[[bytes], object] = parser.read) -> Alone:
    """One turn over all of them."""
    total, slowest, worst = 0.0, "", 0.0
    for name, raw in mails:
        began = time.process_time()
        read(raw)
        took = time.process_time() - began
        total += took
        if took >= worst:
            slowest, worst = name, took
    return Alone(len(mails), sum(len(raw) for _, raw in mails), total, slowest, worst)


def run(backend: Backend) -> Table:
    table = Table(f"mail, {backend.name}")
    mails = list(messages()) or list(made_up(1000))
    # The first turn warms up; a noisy neighbour can only make a turn slower.
    best = min((parse_alone(mails) for _ in range(TIMES)), key=lambda turn: turn.seconds)
    table.add(f"parsing alone, {best.messages} messages, best of {TIMES}", best.rate, "mails/s")
    table.add("the same, by size", best.octets / best.seconds / 1e6, "MB/s")
    table.add(f"the slowest: {best.slowest}", best.slowest_seconds, "s", most=SLOWEST)
    _through_the_door(backend, table)
    return table


def _through_the_door(backend: Backend, table: Table) -> None:
    """The same mails, read alone and posted raw, one after the other in one run."""
    mails = [raw for _name, raw in made_up(POSTED)]
    desk = backend.desk("mail", fresh=True)
    desk.inside("data", "0")
    facts = desk.inside("mailchannel")
    with desk.running():
        accepted = asyncio.run(_post(desk.port, facts, mails))
    alone = min((parse_alone([("", raw) for raw in mails]) for _ in range(TIMES)), key=lambda turn: turn.seconds).rate
    table.add(f"{POSTED} mails through the raw door, concurrency {CONCURRENCY}", accepted, "mails/s")
    table.add("  the same mails, parsing alone", alone, "mails/s")
    table.add("  ratio to parsing alone", accepted / alone)


async def _post(port: int, facts: dict[str, Any], mails: Sequence[bytes]) -> float:
    """Accepted per second."""
    waiting = iter(mails)
    began = time.perf_counter()

    async def one() -> None:
        connection = await wire.Http.connect(port)
        for raw in waiting:
            head = (
                f"POST /webhooks/{facts['channel']}/mime/ HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
                f"Authorization: Bearer {facts['secret']}\r\nContent-Type: message/rfc822\r\n"
                f"Content-Length: {len(raw)}\r\n\r\n"
            )
            if await connection.send(head.encode() + raw) != 200:
                raise RuntimeError("a mail was refused")

    await asyncio.gather(*(one() for _ in range(CONCURRENCY)))
    return len(mails) / (time.perf_counter() - began)
