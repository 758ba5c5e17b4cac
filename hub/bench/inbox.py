"""Row `inbox`: lists, tickets, badges and searches through HTTP, at two sizes of the desk."""

from __future__ import annotations

import http.client
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from hub.bench.product import Backend, Desk
from hub.bench.report import Table, number, percentile

SIZES = {True: (10_000, 100_000), False: (10_000, 1_000_000)}
NAMES = {10_000: "10k", 100_000: "100k", 1_000_000: "1m"}
TIMES, WARM_UP = 40, 5
WHO = {"admin": "administrator", "small": "agent of a small team"}
SLOWEST_SEARCH = 5.0
GROWTH = 1.5
STATEMENTS = 8


@dataclass
class Measured:
    p50: float
    p99: float
    statements: int
    plain: float


def run(backend: Backend) -> Table:
    small, large = SIZES[backend.embedded]
    table = Table(f"inbox, {backend.name}: {small:,} and {large:,} tickets; of the larger: p50, p99, statements")
    of_small, of_large = measured(filled(backend, small), filled(backend, large))
    for name, one in of_large.items():
        before = of_small[name]
        table.add(
            name,
            f"{one.p50 * 1000:.1f} ms  {one.p99 * 1000:.1f} ms  {one.statements}  ("
            f"{NAMES[small]}: {before.p50 * 1000:.1f} ms; × {number(one.p50 / one.plain)} of its SQL alone)",
        )
    growth = {name: one.p50 / of_small[name].p50 for name, one in of_large.items()}
    table.add("growth of p50 with the desk, the most:", max(growth.values()), worst(growth), most=GROWTH)
    lists = {name: float(one.statements) for name, one in of_large.items()}
    table.add("statements, the most:", max(lists.values()), worst(lists), most=STATEMENTS)
    for who in WHO.values():
        first = of_large[f"{who}: first page"].p50
        searches = {name: one.p50 / first for name, one in of_large.items() if name.startswith(f"{who}: search")}
        table.add("slowest search / first page:", max(searches.values()), worst(searches), most=SLOWEST_SEARCH)
    return table


def worst(figures: dict[str, float]) -> str:
    return f"({max(figures, key=lambda name: figures[name])})"


Filled = tuple[Desk, dict[str, Any]]
Asked = dict[str, tuple[str, dict[str, str]]]


def filled(backend: Backend, tickets: int) -> Filled:
    desk = backend.desk(NAMES[tickets])
    facts = desk.inside("data", str(tickets))
    if facts is None:
        desk = backend.desk(NAMES[tickets], fresh=True)
        facts = desk.inside("data", str(tickets))
    return desk, facts


def measured(*desks: Filled) -> list[dict[str, Measured]]:
    """Both sizes run at once and take turns, so that whatever else the machine does slows them alike."""
    asked: list[Asked] = [
        {f"{WHO[who]}: {name}": (path, headers) for who in WHO for name, path, headers in paths(facts, who)}
        for _desk, facts in desks
    ]
    with ExitStack() as stack:
        for desk, _facts in desks:
            stack.enter_context(desk.running())
        times = in_turns([desk.port for desk, _facts in desks], asked)
    results = []
    for (desk, _facts), questions, found in zip(desks, asked, times, strict=True):
        plain = desk.inside("statements", told=[whole(path, headers) for path, headers in questions.values()])
        results.append(
            {
                name: Measured(percentile(found[name], 0.5), percentile(found[name], 0.99), statements, seconds)
                for name, (statements, seconds) in zip(questions, plain, strict=True)
            }
        )
    return results


def paths(facts: dict[str, Any], who: str) -> list[tuple[str, str, dict[str, str]]]:
    api = {"Authorization": f"Bearer {facts[who]}"}
    browser = {"Cookie": facts["cookies"][who]}
    ticket = facts["ticket"]
    return [
        ("first page", "/api/v1/tickets/?status=open", api),
        ("all tickets", "/api/v1/tickets/", api),
        ("unassigned", "/api/v1/tickets/?status=open&assignee=none", api),
        ("a ticket", f"/api/v1/tickets/{ticket}/", api),
        ("its messages", f"/api/v1/tickets/{ticket}/messages/", api),
        *((f"search {kind}", f"/api/v1/tickets/?q={quote(word)}", api) for kind, word in facts["words"].items()),
        ("page: inbox", "/", browser),
        ("page: open ticket", f"/tickets/{ticket}/", browser),
        ("page: badge counts", "/counts/", browser),
    ]


def whole(path: str, headers: dict[str, str]) -> str:
    lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines) + "\r\n\r\n"


def in_turns(ports: list[int], asked: list[Asked]) -> list[dict[str, list[float]]]:
    """Seconds of each request, one after the other, on one connection to each desk."""
    connections = [http.client.HTTPConnection("127.0.0.1", port, timeout=120) for port in ports]
    times: list[dict[str, list[float]]] = [{name: [] for name in asked[0]} for _ in ports]
    for _ in range(WARM_UP + TIMES):
        for name in asked[0]:
            for connection, questions, found in zip(connections, asked, times, strict=True):
                found[name].append(timed(connection, *questions[name]))
    return [{name: found[name][WARM_UP:] for name in found} for found in times]


def timed(connection: http.client.HTTPConnection, path: str, headers: dict[str, str]) -> float:
    began = time.perf_counter()
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status}")
    return time.perf_counter() - began
