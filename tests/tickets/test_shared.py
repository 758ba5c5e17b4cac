"""Posts, stories, products and cards: with a picture where there is one, and a link where it opens."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from agents.models import Agent
from channels_app.contract import AttachmentKind, InboundAttachment, InboundMessage, Remote, Sender
from channels_app.models import Channel, Envelope
from tests.conftest import Api
from tests.platforms.webhook import FakeWebhookPlatform
from tickets import intake
from tickets.models import Attachment, Ticket

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6260000000000500010d0a"
    "2db40000000049454e44ae426082"
)
Work = Callable[[], None]


def comes(channel: Channel, *files: InboundAttachment) -> Ticket:
    said = InboundMessage(
        external_id="m-1", conversation="u-dora", sender=Sender(external_id="u-dora"), attachments=files
    )
    intake.receive(channel, said, Envelope.objects.create(channel=channel))
    return Ticket.objects.get()


def card(kind: AttachmentKind, url: str = "", link: str = "", caption: str = "Kebaya") -> InboundAttachment:
    return InboundAttachment(kind=kind, caption=caption, link=link, remote=Remote(url=url) if url else None)


def page(ticket: Ticket, agent: Agent) -> str:
    client = Client()
    client.force_login(agent)
    return client.get(f"/tickets/{ticket.pk}/").content.decode()


@pytest.mark.parametrize(
    ("kind", "words"),
    [("share", "Shared"), ("story", "Story"), ("product", "Product"), ("template", "Message with buttons")],
)
def test_one_without_a_picture_is_a_card_and_no_failed_file(
    webhook_channel: Channel, bea: Agent, kind: AttachmentKind, words: str
) -> None:
    ticket = comes(webhook_channel, card(kind, link="https://shop.example/p/1?a=1&b=2"))
    (row,) = Api(bea).get(f"/tickets/{ticket.pk}/messages/")["results"][0]["attachments"]
    assert (row["kind"], row["state"], row["caption"]) == (kind, "stored", "Kebaya")
    assert (row["link"], row["url"]) == ("https://shop.example/p/1?a=1&b=2", None)
    shown = page(ticket, bea)
    assert 'href="https://shop.example/p/1?a=1&amp;b=2"' in shown
    assert "shop.example</a>" in shown
    assert f"<b>{words}</b>" in shown
    assert shown.count("Kebaya") == 1
    assert "could not be fetched" not in shown


def test_one_with_a_picture_shows_it(
    webhook_channel: Channel, bea: Agent, shop: FakeWebhookPlatform, work: Work
) -> None:
    url = shop.add_file("story.png", PNG, "image/png")
    ticket = comes(webhook_channel, card("story", url, link=url, caption=""))
    assert "Being fetched" in page(ticket, bea)
    work()
    (row,) = Api(bea).get(f"/tickets/{ticket.pk}/messages/")["results"][0]["attachments"]
    assert (row["kind"], row["state"], row["mime"], bool(row["url"])) == ("story", "stored", "image/png", True)
    shown = page(ticket, bea)
    assert "data-picture" in shown
    assert "<b>Story</b>" in shown


def test_a_page_about_it_is_not_kept_as_a_file(
    webhook_channel: Channel, bea: Agent, shop: FakeWebhookPlatform, work: Work
) -> None:
    url = shop.add_file("post", b"<html><script>alert(1)</script>", "text/html")
    ticket = comes(webhook_channel, card("share", url, link=url))
    work()
    row = Attachment.objects.get()
    assert (row.state, row.file.name, row.mime, row.size) == ("stored", "", "", None)
    assert Api(bea).get(f"/tickets/{ticket.pk}/messages/")["results"][0]["attachments"][0]["url"] is None
    assert "127.0.0.1</a>" in page(ticket, bea)


def test_a_story_that_is_over_says_so_and_keeps_its_words(
    webhook_channel: Channel, bea: Agent, shop: FakeWebhookPlatform, work: Work
) -> None:
    ticket = comes(webhook_channel, card("story", f"{shop.url}/gone", link=f"{shop.url}/gone"))
    work()
    assert Attachment.objects.get().state == "expired"
    shown = page(ticket, bea)
    assert "The platform no longer has it." in shown
    assert "Kebaya" in shown


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "//evil.example", "data:text/html,x", "https://[", "", "x" * 5000]
)
def test_what_is_no_link_is_not_offered(webhook_channel: Channel, bea: Agent, link: str) -> None:
    ticket = comes(webhook_channel, card("share", link=link))
    assert "javascript:" not in page(ticket, bea)
    found = Api(bea).get(f"/tickets/{ticket.pk}/messages/")["results"][0]["attachments"][0]["link"]
    assert found is None or found.startswith("https://")
