"""The description of the API is valid, says what is really answered, and its page needs no loosened policy."""

from __future__ import annotations

import re
from io import StringIO
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from django.test import Client
from django.urls import get_resolver

from agents.models import Agent
from channels_app.models import Channel
from tests.api.asserts import problem, said
from tests.api.test_attachments import upload
from tests.conftest import Api, Customer
from tickets.models import Message, Ticket


@pytest.fixture(scope="module")
def described() -> Any:
    out = StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=out)
    return yaml.safe_load(out.getvalue())


def test_valid_and_whole(described: Any) -> None:
    routes = {str(door.pattern) for door in get_resolver("tickets.api.urls").url_patterns[0].url_patterns}
    routes |= {str(door.pattern) for door in get_resolver("surveys.api_urls").url_patterns}
    expected = {"/api/v1/" + re.sub(r"<\w+:(\w+)>", r"{\1}", route) for route in routes}
    assert set(described["paths"]) == expected
    for path in described["paths"].values():
        for operation in path.values():
            assert operation["security"] == [{"bearer": []}]
            assert operation["description"]


def keys(described: Any, name: str) -> set[str]:
    return set(described["components"]["schemas"][name]["properties"])


@pytest.mark.django_db(transaction=True)
def test_what_is_answered_is_what_is_described(
    described: Any,
    ana: Agent,
    ticket: Ticket,
    dora: Customer,
    webhook_channel: Channel,
    sandbox_channel: Channel,
) -> None:
    api = Api(ana)

    def same(value: Any, name: str) -> None:
        assert set(value) == keys(described, name), name

    def lists(path: str, name: str) -> Any:
        page = api.get(path)
        assert set(page) == keys(described, f"{name}Page") == {"next", "previous", "results"}
        same(page["results"][0], name)
        return page["results"][0]

    row = lists("/tickets/", "Ticket")
    same(row["channel"], "ChannelName")
    same(row["customer"], "Named")
    same(api.get(f"/tickets/{ticket.pk}/"), "Ticket")
    file = said(upload(api), 201)
    same(file, "Attachment")
    message = said(api("POST", f"/tickets/{ticket.pk}/messages/", {"text": "Ya", "attachments": [file["id"]]}), 201)
    same(message, "Message")
    same(message["author"], "Author")
    same(message["attachments"][0], "Attachment")
    dora.reacts(str(ticket.messages.get(direction="in").external_id), "👍")
    same(lists(f"/tickets/{ticket.pk}/messages/", "Message")["reactions"][0], "Reaction")
    same(lists("/activity/", "Activity")["actor"], "Actor")
    lists(f"/tickets/{ticket.pk}/activity/", "Activity")
    same(lists("/customers/", "Customer")["addresses"][0], "Address")
    lists(f"/customers/{ticket.customer_id}/tickets/", "Ticket")
    lists("/channels/", "Channel")
    same(said(api("POST", "/channels/", {"kind": "sandbox", "name": "S"}), 201), "MadeChannel")
    check = said(api("POST", f"/channels/{webhook_channel.pk}/check/"))
    same(check, "Check")
    for line in check["lines"]:
        same(line, "CheckLine")
    same(said(api("POST", f"/channels/{sandbox_channel.pk}/sandbox/", {"sender": "u", "text": "x"}), 201), "Played")
    envelope = lists("/envelopes/", "Envelope")
    same(api.get(f"/envelopes/{envelope['id']}/"), "OpenedEnvelope")
    lists("/agents/", "Agent")
    same(api.get("/me/"), "Me")
    lists("/teams/", "Named")
    lists("/tokens/", "Token")
    same(said(api("POST", "/tokens/", {}), 201), "MadeToken")
    assert set(problem(api("GET", "/tickets/999999/"), 404)) <= keys(described, "Problem")
    Message.objects.filter(pk=message["id"]).update(
        error={"code": "", "title": "", "detail": "", "category": "unknown", "retryable": True}
    )
    same(api.get(f"/messages/{message['id']}/")["error"], "SendError")


def test_the_description_is_public(db: None) -> None:
    response = Client().get("/api/schema/")
    assert response.status_code == 200
    assert yaml.safe_load(response.content)["openapi"].startswith("3.")


def test_the_page_stands_under_the_strict_policy(db: None) -> None:
    response = Client().get("/api/docs/")
    assert response.status_code == 200
    policy, page = response["Content-Security-Policy"], response.content.decode()
    assert "unsafe" not in policy
    assert "<style" not in page
    assert " style=" not in page
    assert not re.search(r"<script(?![^>]*\ssrc=)", page)
    assert not re.search(r"(src|href)=\"(https?:)?//", page)
    script = re.findall(r'<script src="([^"]+)"', page)[-1].replace("&amp;", "&")
    loader = Client().get(script)
    assert loader["Content-Type"].startswith("application/javascript")
    assert b"/api/schema/" in loader.content
