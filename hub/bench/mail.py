"""Row `mail`: reading real mail without anything around it, and the slowest message by name.

The messages lie beside the checkout (`../shared/mail`); where they do not, mails of our own making stand in.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from channels_app.adapters.email import parser
from hub.bench.product import Backend
from hub.bench.report import Table
from hub.bench.text import pool

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "mail"
NOT_MAIL = {".json"}
TIMES = 3
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
    return table
