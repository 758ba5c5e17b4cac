"""A survey from the lead's first click to what came of a bad answer; and its pages in light and dark."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.journeys.hands import Keys, Mouse
from tests.journeys.test_inbox import Dora, message, open_ticket, replies
from tests.journeys.test_staff import settled
from tests.journeys.waiting import told, until
from tests.platforms.webhook import FakeWebhookPlatform
from tests.running import RunningHub

Enter = Callable[..., Page]
PHONE = {"width": 360, "height": 640}
MORE = "What went wrong?"


@pytest.fixture
def dora(hub: RunningHub) -> Dora:
    return Dora(hub)


def customer_of(api: httpx.Client, dora: Dora) -> tuple[int, int]:
    """(the ticket's number, the customer's)"""
    rows = api.get("/tickets/", params={"limit": 200}).json()["results"]
    return next((row["number"], row["customer"]["id"]) for row in rows if row["customer"]["name"] == dora.name)


def test_from_the_settings_to_what_came_of_it(
    enter: Enter, hub: RunningHub, dora: Dora, platform: FakeWebhookPlatform
) -> None:
    lina, name = enter("lina"), f"Bantuan {uuid.uuid4().hex[:6]}"
    made(lina, hub, name)
    survey = lina.url
    try:
        link = answered_in_the_chat(enter, hub, dora, platform)
        lina.goto("/")
        expect(lina.locator("html")).to_have_attribute("data-live", "on")
        regretted(enter, link)
        # She has the inbox before her, and is told there.
        told(lina, "A customer gave 1 of 5. It is yours to follow up.")
        followed_up(lina, dora)
        counted(lina, hub, name, dora)
        seen_in_light_and_dark(lina, survey, link)
    finally:
        lina.goto(survey)
        switch = lina.get_by_role("button", name="Switch off")
        if switch.count():
            switch.click()
            expect(lina.get_by_role("button", name="Switch on")).to_be_visible()


def made(lina: Page, hub: RunningHub, name: str) -> None:
    """Only for intermediaries, which no other story's customers are."""
    hands = Mouse()
    lina.goto("/settings/surveys/")
    hands.write(lina.get_by_label("Name", exact=True), name)
    hands.press(lina.get_by_role("button", name="Make"))
    expect(lina.locator("h1")).to_have_text(name)
    survey = lina.url
    hands.press(lina.get_by_role("link", name="Further questions"))
    for code in ("en", "id", "ms", "th"):
        hands.write(lina.locator(f"[name=q0-text_{code}]"), MORE if code == "en" else f"{MORE} ({code})")
    hands.press(lina.get_by_role("button", name="Save"))
    expect(lina.get_by_role("heading", name="Question 1")).to_be_visible()
    hands.press(lina.get_by_role("link", name="When", exact=True))
    for label, value in (("Ask after", "0"), ("Quiet from", ""), ("until", ""), ("Days before the same", "0")):
        lina.get_by_label(label, exact=label == "until").fill(value)
    hands.check(lina.get_by_label(hub.agent("lina")["team"]["name"], exact=True))
    hands.check(lina.get_by_label("Intermediary"))
    hands.press(lina.get_by_role("button", name="Save"))
    # The page that it leads to, not the one that it left.
    expect(lina.locator("#toasts")).to_contain_text("Saved")
    expect(lina.get_by_label("Intermediary")).to_be_checked()
    expect(lina.get_by_label("Ask after")).to_have_value("0")
    hands.press(lina.get_by_role("button", name="Switch on"))
    expect(lina.get_by_role("button", name="Switch off")).to_be_visible()
    lina.goto(survey)


def answered_in_the_chat(enter: Enter, hub: RunningHub, dora: Dora, platform: FakeWebhookPlatform) -> str:
    """Resolved by a key, asked on the platform, answered by a number; gives the link to the rest of the survey."""
    dora.says("Berapa lama kirim ke Medan?")
    with hub.api("ana") as api:
        number, customer = customer_of(api, dora)
        assert api.patch(f"/customers/{customer}/", json={"type": "intermediary"}).status_code == 200
        bea = enter("bea")
        open_ticket(bea, dora, Keys())
        bea.keyboard.press("e")
        expect(bea.locator(".stream")).to_contain_text("Bea resolved the ticket")
        until(bea, lambda: any("How satisfied" in text for text in replies(platform, dora)))
        (question,) = platform.sent_to(dora.id)
        assert len(question["quick_replies"]) == 5
        dora.says("4")
        expect(bea.locator(".stream")).to_contain_text(f"{dora.name} answered the survey: 4 of 5")
        expect(message(bea, "4").last).to_be_visible()
        assert api.get(f"/tickets/{number}/").json()["status"] == "resolved"
        until(bea, lambda: any("/s/" in text for text in replies(platform, dora)))
    found = re.search(r"https?://[^/]+(/s/\S+)", " ".join(replies(platform, dora)))
    assert found
    return found[1]


def regretted(enter: Enter, link: str) -> None:
    """On an old phone, without a script: what was pressed too soon is changed, and the rest is answered."""
    phone = enter("", java_script_enabled=False, viewport=PHONE)
    answer = phone.goto(link)
    assert answer
    assert len(answer.body()) < 15_000
    expect(phone.locator("body")).to_contain_text("Your answer: 4 of 5")
    phone.get_by_role("link", name="Change my answer").click()
    phone.locator("#s1").check()
    phone.get_by_label("main reason").fill("Paketnya rusak")
    phone.get_by_role("button", name="Send").click()
    expect(phone.locator("body")).to_contain_text("Your answer: 1 of 5")
    phone.get_by_label(MORE).fill("Kardusnya basah")
    phone.get_by_role("button", name="Send").click()
    expect(phone.locator("[role=status]")).to_contain_text("Saved")
    expect(phone.get_by_label(MORE)).to_have_value("Kardusnya basah")


def followed_up(lina: Page, dora: Dora) -> None:
    hands = Keys()
    lina.goto("/surveys/follow-ups/?owner=me")
    row = lina.locator(".things > li", has_text="Paketnya rusak")
    settled(lina)
    hands.press(row.get_by_role("link"))
    expect(lina.locator(".spec")).to_contain_text(dora.name)
    settled(lina)
    hands.select(lina.get_by_label("What came of it"), "solved")
    hands.write(lina.get_by_label("Note"), "Dikirim ulang")
    hands.press(lina.get_by_role("button", name="Save"))
    lina.wait_for_url("**/surveys/follow-ups/")
    expect(row).to_have_count(0)
    lina.goto("/surveys/follow-ups/?show=done")
    expect(row).to_contain_text("Solved for the customer")


def counted(lina: Page, hub: RunningHub, name: str, dora: Dora) -> None:
    """The figures are counted anew by a worker; each opens the tickets behind it."""
    with hub.api("lina") as api:
        number = next(row["id"] for row in api.get("/surveys/").json()["results"] if row["name"] == name)
        results = f"/surveys/{number}/results/"
        until(lina, lambda: api.get(results).json()["scores"].get("1") == 1)
    lina.goto(f"/surveys/results/?survey={number}")
    expect(lina.locator(".voices")).to_contain_text("Paketnya rusak")
    expect(lina.locator(".figures")).to_contain_text("100.0 % answered: 1 of 1")
    settled(lina)
    answers = lina.locator(".figures .block", has=lina.get_by_role("heading", name="Answers", exact=True))
    Keys().press(answers.locator(".figure a"))
    expect(lina.locator("h1")).to_have_text("The tickets behind it")
    settled(lina)
    behind = lina.locator(".things > li", has_text=dora.name)
    behind.get_by_role("link").first.click()
    expect(lina.locator("#ticket-head")).to_contain_text(dora.name)
    expect(lina.locator(".stream")).to_contain_text("Lina followed up on the answer: Solved for the customer")


def seen_in_light_and_dark(lina: Page, survey: str, link: str) -> None:
    """What the story has not looked at already."""
    theirs = [
        link,
        f"{link}?change=1",
        *(f"{survey}{tab}" for tab in ("", "questions/", "when/", "rules/", "preview/")),
    ]
    others = ["/settings/surveys/", "/surveys/results/", "/surveys/follow-ups/?show=done"]
    for scheme, paths in (("light", theirs), ("dark", [*theirs, *others])):
        lina.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        for path in paths:
            lina.goto(path)
            expect(lina.locator("h1").first).to_be_visible()
            settled(lina)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_behind_a_link_is_accessible(enter: Enter, hub: RunningHub, scheme: Any) -> None:
    """Made up, used up: what strangers see of a link that is none."""
    page = enter("", expect_trouble=True, color_scheme=scheme, viewport=PHONE)
    page.goto("/s/1-forged/")
    expect(page.locator("h1")).to_have_text("This link is not valid")
    settled(page)
