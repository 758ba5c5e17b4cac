"""The real product, started once per worker, and Chromium in front of it.

with ``enter("bea")`` an agent has a browser of their own, signed in, at the inbox.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests.journeys.waiting import NOTED, WITHIN
from tests.platforms.webhook import FakeWebhookPlatform
from tests.running import RunningHub

CHROMIUM = Path(shutil.which("chromium") or "/usr/bin/chromium")
QUIETLY = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
]  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.timeout(900))
            if not CHROMIUM.exists() and os.environ.get("CI") != "true":
                item.add_marker(pytest.mark.skip(reason="Chromium is not here"))


@pytest.fixture(scope="session")
def platform() -> Iterator[FakeWebhookPlatform]:
    with FakeWebhookPlatform() as running:
        yield running


@pytest.fixture(scope="session")
def hub(platform: FakeWebhookPlatform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    with RunningHub(tmp_path_factory.mktemp("hub"), platform_url=platform.url) as running:
        platform.secret = running.channel("webhook")["settings"]["secret"]
        yield running


# Of the package, not the session: Playwright's loop must not run while other tests use the database.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=QUIETLY)
        yield browser
        browser.close()


Enter = Callable[..., Page]


@pytest.fixture
def enter(hub: RunningHub, chromium: Browser) -> Iterator[Enter]:
    """Opens the product as an agent. Whatever a page complains of fails the test: errors, dialogs, CSP."""
    # Set here: other modules of the same process have settings of their own.
    expect.set_options(timeout=WITHIN)
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_for(name: str, path: str = "/", expect_trouble: bool = False, **options: object) -> Page:
        context = chromium.new_context(base_url=hub.url, locale="en-GB", **options)  # type: ignore[arg-type]
        context.set_default_timeout(WITHIN)
        context.add_init_script(NOTED)
        contexts.append(context)
        page = context.new_page()
        if not expect_trouble:
            watch(page, complaints)
        if name:
            sign_in(page, hub, name)
            page.goto(path)
            expect(page.locator("html")).to_have_attribute("data-live", "on")
        return page

    yield open_for
    for context in contexts:
        context.close()
    assert complaints == []


def watch(page: Page, complaints: list[str]) -> None:
    page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
    page.on("dialog", lambda dialog: (complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.on(
        "console",
        lambda line: complaints.append(f"console: {line.text}") if _is_complaint(line) else None,
    )


def _is_complaint(line: ConsoleMessage) -> bool:
    return line.type in ("error", "warning") and not any(part in line.text for part in NO_FAULT)


# A line that a story cuts is the browser's to complain of; and what notes words for us may not run in a mail's frame.
NO_FAULT = ("ERR_INTERNET_DISCONNECTED", "frame is sandboxed and the 'allow-scripts' permission is not")


def sign_in(page: Page, hub: RunningHub, name: str) -> None:
    agent = hub.agent(name)
    page.goto("/accounts/login/")
    page.get_by_label("E-mail address").fill(agent["email"])
    page.get_by_label("Password", exact=True).fill(agent["password"])
    page.get_by_role("button", name="Sign in").click()
    # The address of the form ends in a stroke, too: only another one means that the answer is here.
    page.wait_for_url(lambda address: "/accounts/" not in address)
