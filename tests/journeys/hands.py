"""How a story's person uses the page: with a mouse, or with nothing but a keyboard.

hands.open(row); hands.write(field, "Halo"); hands.press(button)

The keyboard goes only where the Tab key goes, and only where one sees where one is.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

WITHIN = 45
# What one can come to by Tab, and what shows where one is when the focus comes by key.
REACHED = """one => {
  if (!one.isConnected) return 'gone';
  const inside = one.closest('details:not([open])');
  const shut = inside && one !== inside.querySelector(':scope > summary');
  if (one.tabIndex < 0 || one.disabled || shut || one.closest('[inert]')) return 'not in the order of Tab';
  one.focus({focusVisible: true});
  if (document.activeElement !== one) return 'takes no focus';
  const ring = ({ outlineStyle, boxShadow }) => outlineStyle !== 'none' || boxShadow !== 'none';
  const rings = (box) => box && (ring(getComputedStyle(box)) || ring(getComputedStyle(box, '::after')));
  // What is drawn for a hidden field stands beside or around it.
  const drawn = [one, one.nextElementSibling, one.parentElement, one.closest('.box, .field, .pair, form')];
  return drawn.some(rings) ? '' : 'shows no focus';
}"""
PLACE = """wanted => {
  const links = [...document.querySelectorAll('#rows > .row > a')];
  return [links.indexOf(document.activeElement), links.indexOf(wanted)];
}"""


class Hands(ABC):
    name: str

    @abstractmethod
    def press(self, target: Locator) -> None:
        """A link, a button, the head of something that opens."""

    @abstractmethod
    def open(self, row: Locator) -> None:
        """A ticket, in the list."""

    @abstractmethod
    def check(self, box: Locator) -> None: ...

    @abstractmethod
    def select(self, field: Locator, value: str) -> None: ...

    @abstractmethod
    def write(self, field: Locator, text: str) -> None:
        """In place of what stands there."""

    @abstractmethod
    def kind(self, page: Page, kind: str) -> None:
        """The composer writes a "reply" or a "note"."""

    @abstractmethod
    def send(self, page: Page) -> None:
        """What stands in the composer."""

    @abstractmethod
    def add(self, page: Page, file: FilePayload | Path) -> None:
        """A file, with the browser's own dialog."""


class Mouse(Hands):
    name = "mouse"

    def press(self, target: Locator) -> None:
        target.click()

    def open(self, row: Locator) -> None:
        row.locator("a").click()

    def check(self, box: Locator) -> None:
        box.check()

    def select(self, field: Locator, value: str) -> None:
        field.select_option(value)

    def write(self, field: Locator, text: str) -> None:
        field.click()
        field.fill(text)

    def kind(self, page: Page, kind: str) -> None:
        page.locator(f"#composer .tabs input[value={kind}]").check()

    def send(self, page: Page) -> None:
        page.locator("#send").click()

    def add(self, page: Page, file: FilePayload | Path) -> None:
        with page.expect_file_chooser() as chooser:
            page.get_by_title("Add files").click()
        chooser.value.set_files(file)


class Keys(Hands):
    name = "keys"

    def reach(self, target: Locator) -> None:
        found, end = "gone", time.monotonic() + WITHIN
        # What is live is drawn anew at any moment.
        while found == "gone" and time.monotonic() < end:
            expect(target).to_be_visible()
            found = target.evaluate(REACHED)
        assert found == "", f"{target}: {found}"

    def press(self, target: Locator) -> None:
        self.reach(target)
        target.page.keyboard.press("Enter")

    def open(self, row: Locator) -> None:
        """By the list's own keys, wherever one is."""
        page = row.page
        page.bring_to_front()
        expect(row).to_have_count(1)
        if page.locator("input:focus, textarea:focus, select:focus").count():
            page.keyboard.press("Escape")
        link = row.locator("a")
        end = time.monotonic() + WITHIN
        while time.monotonic() < end:
            here, there = link.evaluate(PLACE)
            if here == there >= 0:
                page.keyboard.press("Enter")
                return
            # Rows come and go meanwhile; one step, and another look.
            page.keyboard.press("j" if here < there else "k")
        raise AssertionError(f"no key leads to {row}")

    def check(self, box: Locator) -> None:
        self.reach(box)
        if not box.is_checked():
            box.page.keyboard.press("Space")
        expect(box).to_be_checked()

    def select(self, field: Locator, value: str) -> None:
        self.reach(field)
        # A letter, as often as it takes: the first choice that begins with it, then the next.
        text = field.locator(f"option[value='{value}']").inner_text()
        for _ in range(field.locator("option").count()):
            if field.input_value() == value:
                return
            field.page.keyboard.press(text[0])
        raise AssertionError(f"no key chooses {text}")

    def write(self, field: Locator, text: str) -> None:
        self.reach(field)
        field.page.keyboard.press("Control+A")
        field.page.keyboard.press("Delete")
        field.page.keyboard.insert_text(text)

    def kind(self, page: Page, kind: str) -> None:
        tab = page.locator(f"#composer .tabs input[value={kind}]")
        if tab.is_checked():
            return
        # From one to the other by arrow, as among any radio buttons.
        self.reach(page.locator("#composer .tabs input:checked"))
        page.keyboard.press("ArrowRight")
        expect(tab).to_be_checked()

    def send(self, page: Page) -> None:
        self.reach(page.get_by_label("Text"))
        page.keyboard.press("Control+Enter")

    def add(self, page: Page, file: FilePayload | Path) -> None:
        # The dialog is the browser's: one that does not come is asked for again, as people do.
        for left in reversed(range(4)):
            self.reach(page.locator("#composer input[type=file]"))
            try:
                with page.expect_file_chooser(timeout=WITHIN * 250) as chooser:
                    page.keyboard.press("Enter")
            except PlaywrightTimeout:
                if not left:
                    raise
            else:
                chooser.value.set_files(file)
                return


# A story that is told with either.
both: Any = pytest.mark.parametrize("hands", [Mouse(), Keys()], ids=["mouse", "keys"])
