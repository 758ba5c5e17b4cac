"""Row `page`: the inbox in a real Chromium: bytes and requests of the first load, statements, long tasks.

The bytes are those that cross the wire (compressed, with headers, nothing cached). Tasks are those of the page's own
thread while one loads, opens tickets, switches views, searches and messages keep coming, and while one reads back
through a ticket with 10,000 messages; the twin is the same walk through the small desk of the same run. A task's time
is the clock's; beside it stands the processor's, which other work on the machine does not make longer.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hub.bench import widget, wire
from hub.bench.inbox import NAMES, SIZES, filled, whole
from hub.bench.product import Backend, Desk
from hub.bench.report import Table

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

REQUESTS, KILOBYTES, STATEMENTS, TASK = 12, 120, 8, 100
WIDGET = {"before the click": (1, 6), "until one can write": (4, 25)}
ROUNDS = 3
MESSAGES = 20
WITHIN = 60_000
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
PAGES = 25
MARK = "pelanggan-bench"
TASKS = ("RunTask", "ThreadControllerImpl::RunTask")


def run(backend: Backend) -> Table:
    small, large = SIZES[backend.embedded]
    table = Table(f"page, {backend.name}: the inbox at {large:,} tickets")
    path = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    if path is None:
        table.add("Chromium", "not here: nothing measured")
        table.failed += 1
        return table
    desks = [filled(backend, size) for size in (small, large)]
    desk, facts = desks[-1]
    for name, asked in parts(facts).items():
        ((statements, _seconds),) = desk.inside("statements", told=[asked])
        table.add(f"statements, {name}", float(statements), most=STATEMENTS)
    longest: list[Longest] = []
    with browser(path) as chromium:
        for at, (one, told) in enumerate(desks):
            with one.running():
                if at:
                    for name, where in (("the list", "/"), ("a ticket", f"/tickets/{told['ticket']}/")):
                        requests, size = first_load(chromium, one, told, where)
                        table.add(f"first load of {name}, requests", float(requests), most=REQUESTS)
                        table.add(f"first load of {name}", size / 1024, "KB", most=KILOBYTES)
                longest.append(best(walk(chromium, one, told) for _ in range(ROUNDS)))
        longest.append(paging_back(chromium, backend))
        for name, (requests, kilobytes) in widget.loads(chromium, backend).items():
            table.add(f"the widget {name}, requests", float(requests), most=WIDGET[name][0])
            table.add(f"the widget {name}", kilobytes, "KB", most=WIDGET[name][1])
    names = (f"{NAMES[small]} tickets (the twin)", f"{NAMES[large]} tickets", "back through 10,000 messages")
    for name, (clock, processor) in zip(names, longest, strict=True):
        table.add(f"longest task, {name}", clock, "ms", most=None if "twin" in name else TASK)
        table.add("  of the processor's time", processor, "ms", most=None if "twin" in name else TASK)
    return table


Longest = tuple[float, float]


def best(walks: Iterable[Longest]) -> Longest:
    """Of some: other work on the machine only ever makes a task longer."""
    clocks, processors = zip(*walks, strict=True)
    return min(clocks), min(processors)


def parts(facts: dict[str, Any]) -> dict[str, str]:
    """The two requests that an agent makes all day, as a script of the page makes them."""
    headers = {"Cookie": facts["cookies"]["small"], "HX-Request": "true"}
    return {
        "opening a ticket": whole(f"/tickets/{facts['ticket']}/", {**headers, "HX-Target": "ticket"}),
        "switching a view": whole("/?view=unassigned", {**headers, "HX-Target": "list"}),
    }


@contextmanager
def browser(path: str) -> Iterator[Browser]:
    # Only for this row: the product runs without it.
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield chromium
        chromium.close()


@contextmanager
def opened(chromium: Browser, desk: Desk, facts: dict[str, Any]) -> Iterator[Page]:
    context = chromium.new_context(base_url=desk.url, viewport={"width": 1440, "height": 900})
    context.set_default_timeout(WITHIN)
    name, _, value = facts["cookies"]["small"].partition(";")[0].partition("=")
    context.add_cookies([{"name": name, "value": value, "url": desk.url}])
    yield context.new_page()
    context.close()


def first_load(chromium: Browser, desk: Desk, facts: dict[str, Any], where: str) -> tuple[int, int]:
    """(requests, bytes on the wire) until the network is quiet, with nothing in the cache."""
    with opened(chromium, desk, facts) as page:
        asked: list[str] = []
        sizes: list[int] = []
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.send("Network.setCacheDisabled", {"cacheDisabled": True})
        session.on("Network.requestWillBeSent", lambda event: asked.append(event["request"]["url"]))
        session.on("Network.loadingFinished", lambda event: sizes.append(int(event["encodedDataLength"])))
        page.goto(where, wait_until="networkidle")
        # What stands in the page itself (the tab's icon) is named too, and asks nobody.
        return sum(not url.startswith("data:") for url in asked), sum(sizes)


@contextmanager
def watched(page: Page) -> Iterator[list[Longest]]:
    """Afterwards the list has one entry: milliseconds of the longest task by the clock, and by the processor."""
    chromium = page.context.browser
    assert chromium is not None
    found: list[Longest] = []
    chromium.start_tracing(categories=["toplevel", "blink.user_timing"])
    yield found
    # Chromium has pages of its own, in processes of their own, with longer tasks than ours.
    page.evaluate("mark => performance.mark(mark)", MARK)
    events = json.loads(chromium.stop_tracing())["traceEvents"]
    ours = {one["pid"] for one in events if one.get("name") == MARK}
    named = (one for one in events if one.get("name") == "thread_name" and one["pid"] in ours)
    threads = {(one["pid"], one["tid"]) for one in named if one["args"]["name"] == "CrRendererMain"}
    tasks = [one for one in events if one.get("name") in TASKS and (one["pid"], one["tid"]) in threads]
    clocks, processors = ([one.get(name, 0) / 1000 for one in tasks] for name in ("dur", "tdur"))
    found.append((max(clocks), max(processors)))


def walk(chromium: Browser, desk: Desk, facts: dict[str, Any]) -> Longest:
    """A minute of an agent's morning."""
    with opened(chromium, desk, facts) as page, watched(page) as longest:
        page.goto("/")
        page.wait_for_selector("html[data-live=on]")
        for _ in range(3):
            page.keyboard.press("j")
            page.keyboard.press("Enter")
            page.wait_for_selector("#ticket:not([aria-busy]) #stream .msg")
        said(desk, facts)
        for view in ("unassigned", "resolved", "open"):
            page.locator(f"#views a[data-badge={view}]").click()
            page.wait_for_selector("#list:not([aria-busy]) #rows .row")
        page.locator("#q").fill(facts["words"]["common, Indonesian"])
        page.locator("#q").press("Enter")
        page.wait_for_selector("#list:not([aria-busy]) #rows .row")
    return longest[0]


def paging_back(chromium: Browser, backend: Backend) -> Longest:
    """A ticket of 10,000 messages, read backwards page after page."""
    desk = backend.desk("long", fresh=True)
    secret = desk.inside("data", "0")["secret"]
    with desk.running():
        said(desk, {"secret": secret}, 1)
        facts = desk.inside("long")
        return best(_back(chromium, desk, facts) for _ in range(ROUNDS))


def _back(chromium: Browser, desk: Desk, facts: dict[str, Any]) -> Longest:
    with opened(chromium, desk, facts) as page, watched(page) as longest:
        page.goto(f"/tickets/{facts['ticket']}/")
        page.locator("#older a").click()
        first = page.locator("#stream .msg").first
        for _ in range(PAGES):
            before = first.get_attribute("id")
            page.locator("#scroll").evaluate("one => one.scrollTo({top: 0, behavior: 'instant'})")
            page.wait_for_selector(f"#stream .msg:not(#{before}) ~ #{before}", state="attached")
    return longest[0]


def said(desk: Desk, facts: dict[str, Any], messages: int = MESSAGES) -> None:
    """Messages of known customers come in while the page is open."""
    # The data is kept from run to run: these were never said before.
    bodies = (wire.message(f"page-{time.time_ns()}", turn) for turn in range(messages))
    requests = wire.signed_posts(desk.port, 1, facts["secret"], bodies)

    async def post() -> None:
        connection = await wire.Http.connect(desk.port)
        for request in requests:
            await connection.send(request)

    # Playwright's own loop runs in this thread.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, post()).result()
