"""What customers can send to make a page hard to show: very long tickets, stacked letters, text turned round."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from agents.models import Agent
from channels_app.models import Channel
from tests.conftest import Customer
from tickets import lifecycle
from tickets.models import Actor, Message, Ticket

LIST = {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "list"}
STACKED = "a" + "\u0301" * 500
TURNED = "\u202egnp.exe שלום עליכם مرحبا بك"


@pytest.fixture
def pages(bea: Agent) -> Client:
    client = Client()
    client.force_login(bea)
    return client


def test_a_ticket_of_ten_thousand_messages_opens_like_any_other(
    dora: Customer, pages: Client, django_assert_max_num_queries: Any
) -> None:
    dora.writes("Halo")
    ticket, now = Ticket.objects.get(), timezone.now()
    Message.objects.bulk_create(
        (
            Message(
                ticket=ticket, channel_id=ticket.channel_id, team_id=ticket.team_id, direction="in", status="received",
                text=f"Nomor {number}.", external_id=f"x-{number}", at=now + timedelta(seconds=number),
            )
            for number in range(10_000)
        ),
        batch_size=1000,
    )  # fmt: skip
    with django_assert_max_num_queries(8):
        html = pages.get(f"/tickets/{ticket.pk}/").content.decode()
    assert "Nomor 9999." in html
    assert html.count('<li class="item msg') == 50
    assert len(html) < 200_000
    older = re.search(r'data-load="([^"]*before=[^"]*)"', html)
    assert older
    with django_assert_max_num_queries(8):
        html = pages.get(older[1], HTTP_X_REQUESTED_WITH="fetch").content.decode()
    assert "Nomor 9949." in html
    assert "Nomor 9950." not in html


@pytest.mark.parametrize("name", [STACKED, TURNED], ids=["500 combining characters", "right to left"])
def test_an_odd_name_and_text_are_shown_everywhere_and_kept_apart(
    webhook_channel: Channel, bea: Agent, pages: Client, name: str
) -> None:
    customer = Customer(webhook_channel, id="u-odd", name=name)
    message = customer.writes(f"{name} halo")
    assert message.text == f"{name} halo", "nothing is lost of what was written"
    ticket = Ticket.objects.get()
    lifecycle.change(ticket.pk, Actor.of(bea), subject=name[:500])
    # An override of the direction alone is taken out of a customer's name; the words are all there.
    start = name[:40] if name is STACKED else name.split()[1]
    for path in ("/", f"/tickets/{ticket.pk}/", f"/tickets/{ticket.pk}/customer/", f"/?q={name[:60]}"):
        response = pages.get(path)
        assert response.status_code == 200, path
        html = response.content.decode()
        assert start in html, path
        # Each in a box whose direction is its own, so that it turns nothing round beside it.
        for place in re.finditer(re.escape(start), html):
            before = html[: place.start()]
            tag = before[before.rindex("<") :]
            inside = re.search(r"<title>[^<]*$|<(?:option|textarea|input)\b[^>]*$", before)
            assert inside or 'dir="auto"' in tag or tag.startswith(("<bdi", "<mark")) or '="' in tag, (path, tag)


def test_what_was_bookmarked_and_is_gone_is_said_in_words(pages: Client, bea: Agent) -> None:
    for query in ("team=999999", "channel=999999", "tag=hilang", "customer=999999", "view=hilang"):
        for headers in ({}, LIST):
            response = pages.get(f"/?{query}", **headers)
            assert response.status_code == 200, query
            assert "<h1" in response.content.decode(), query


def test_a_key_beyond_any_row_is_the_end_of_a_list(dora: Customer, pages: Client) -> None:
    dora.writes("Halo dari Dora")
    for query in ("q=halo", "q=0812", "customer=1&q=halo", "view=open", "view=at_risk"):
        for key in ("9" * 18, "9" * 20, "9" * 36, "0", "-1", "x"):
            assert pages.get(f"/?{query}&before={key}", **LIST).status_code == 200, (query, key)


@pytest.mark.parametrize("path", ["/", "/?view=mine&q=x", "/counts/", "/settings/"])
def test_only_the_head_of_a_page(bea: Agent, path: str) -> None:
    """What monitors and link checkers ask for."""
    client = Client()
    client.force_login(bea)
    assert client.head(path).status_code == client.get(path).status_code < 400
