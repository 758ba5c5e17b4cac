"""How a story waits: for a condition, never for a time.

until(page, lambda: held)          # something of the test's own, while the page goes on
told(page, "Undone")               # a word at the edge of the page, which may be gone again by now
settled(page)                      # what still moves into place is there
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from playwright.sync_api import Page, expect

WITHIN = 90_000
"""Milliseconds. For a machine ten times slower than one's own; nobody waits so long where nothing is wrong."""

# Words at the edge of the page go by themselves after seconds: what was ever said there is noted as it comes.
NOTED = """
document.addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("toasts");
  const { dataset } = document.documentElement;
  const note = (one) => (dataset.toasts = `${dataset.toasts ?? ""}${one.textContent}\\n`);
  for (const one of place?.children ?? []) note(one);
  const changed = (all) => all.forEach((change) => change.addedNodes.forEach(note));
  if (place) new MutationObserver(changed).observe(place, { childList: true });
});
"""


def until(page: Page, holds: Callable[[], object]) -> None:
    """Asked again and again from outside: a page whose policy forbids eval cannot wait for a condition by itself, and
    what a route has caught comes only while the page is let go on."""
    end = time.monotonic() + WITHIN / 1000
    while not holds():
        assert time.monotonic() < end, "it did not happen"
        page.wait_for_timeout(50)


def told(page: Page, text: str) -> None:
    """A word at the edge of this page, now or since it was loaded."""
    expect(page.locator("html")).to_have_attribute("data-toasts", re.compile(re.escape(text)))


def settled(page: Page) -> None:
    """What is still moving into place is there at once. Its end is not waited for: in a menu that was closed meanwhile,
    or in a row out of sight, the browser holds a movement still, and its end never comes."""
    page.evaluate(
        "document.getAnimations().filter(one => one.effect.getComputedTiming().endTime < Infinity)"
        ".forEach(one => one.finish())"
    )
