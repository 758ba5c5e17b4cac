"""An administrator erases a customer while a colleague has the ticket open; the customer comes again as a new one."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.journeys.hands import Keys
from tests.journeys.test_inbox import Dora, mark, message, open_ticket, still_marked
from tests.journeys.test_staff import settled
from tests.running import RunningHub

Enter = Callable[..., Page]


def test_erased_before_a_colleagues_eyes(enter: Enter, hub: RunningHub) -> None:
    dora, keys = Dora(hub), Keys()
    dora.says("Alamat saya Jalan Mawar 5")
    # What is typed wrong is answered with 422, which a browser notes.
    bea, ana = enter("bea"), enter("ana", expect_trouble=True)
    open_ticket(bea, dora, keys)
    expect(message(bea, "Jalan Mawar")).to_be_visible()
    mark(bea)
    number = re.search(r"/tickets/(\d+)/", bea.url)
    assert number

    ana.goto(f"/tickets/{number[1]}/customer/")
    settled(ana)
    keys.press(ana.get_by_role("link", name="Erase…"))
    expect(ana.get_by_role("heading", name=f"Erase “{dora.name}” for good?")).to_be_visible()
    typed, button = ana.get_by_role("textbox"), ana.get_by_role("button", name="Erase for good")
    keys.write(typed, "no")
    keys.press(button)
    expect(ana.locator(".error")).to_have_text("This is not the number of this customer.")
    for scheme in ("light", "dark"):
        ana.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        settled(ana)
    customer = re.search(r"/customers/(\d+)/", ana.url)
    assert customer
    keys.write(typed, customer[1])
    keys.press(button)
    expect(ana.get_by_role("heading", name=f"Customer {customer[1]}")).to_be_visible()
    settled(ana)

    # Without a reload of the page.
    expect(bea.locator("#stream")).to_contain_text("Erased with the customer.")
    expect(bea.locator("#stream")).to_contain_text("Ana erased the customer")
    expect(bea.locator("#ticket-head")).to_contain_text("Erased customer")
    expect(bea.locator("body")).not_to_contain_text("Jalan Mawar")
    assert still_marked(bea)
    dora.says("Halo, saya baru di sini")
    open_ticket(bea, dora, keys)
    expect(message(bea, "saya baru di sini")).to_be_visible()
    expect(bea.locator("#customer")).to_contain_text("This is their only one.")
