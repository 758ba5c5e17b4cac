"""Samples of messaging platforms posted to a channel's URL, and the desk asked through the API what it made of them.

What each should say stands in the samples' manifest; reading alone is tested in tests/test_samples.py.
"""

from __future__ import annotations

import copy
from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.http import HttpResponse
from django.utils import timezone
from twilio.request_validator import RequestValidator

from agents.models import Agent, Team
from channels_app.contract import Deletion, InboundMessage, InboundRequest, Notice, Reaction, Receipt, Sender
from channels_app.models import Channel, Envelope
from tests.conftest import Api, connect, lean_client
from tests.test_samples import ENTRIES, FOLDERS, KINDS, POLICY, SAMPLES, SIGNERS
from tickets import intake
from tickets.models import Activity, Message, Ticket

# A handshake is no post, and what is no JSON is refused: tests/test_samples.py has both.
HERE = [entry for entry in ENTRIES if entry["expected"]["kind"] not in ("verification", "malformed")]
pytestmark = pytest.mark.skipif(not SAMPLES.exists(), reason="no ../shared/samples beside the checkout")
SAID = ("message", "postback", "unsupported", "edit", "echo")
STATES = {"undelivered": "failed", "played": "read"}


class Desk:
    """One channel of the sample's kind, and what an administrator reads about it."""

    def __init__(self, entry: dict[str, Any], team: Team, ana: Agent) -> None:
        self.kind = FOLDERS[entry["channel"]]
        self.body = (SAMPLES / entry["file"]).read_bytes()
        values, headers = SIGNERS[self.kind](self.body)
        self.channel: Channel = connect(self.kind, team, **values)
        if self.kind == "sms":
            form = dict(parse_qsl(self.body.decode(), keep_blank_values=True))
            url = self.channel.account().webhook_url
            headers["x-twilio-signature"] = RequestValidator("token").compute_signature(url, form)
        self.type = headers.pop("content-type")
        self.headers = headers
        self.api = Api(ana)

    def post(self) -> HttpResponse:
        given: dict[str, Any] = {
            f"HTTP_{name.upper().replace('-', '_')}": value for name, value in self.headers.items()
        }
        path = f"/webhooks/{self.channel.pk}/"
        response: Any = lean_client().post(path, self.body, content_type=self.type, **given)
        return response

    def parsed(self) -> list[Any]:
        account = self.channel.account()
        request = InboundRequest("POST", account.webhook_url, {**self.headers, "content-type": self.type}, self.body)
        return list(self.channel.adapter.parse(account, self.channel.adapter.decode(account, request)))

    def seed(self) -> None:
        """What the sample is about is there: the message that it deletes, the talk that it tells of."""
        for item in self.parsed():
            if isinstance(item, Deletion | Reaction):
                self._says(item.target, item.conversation, item.is_group)
            elif isinstance(item, Notice) and item.conversation:
                self._says(f"before {item.conversation}", item.conversation, item.is_group)
            elif isinstance(item, Receipt):
                self._is_told(item)

    def _says(self, external_id: str, conversation: str, is_group: bool) -> None:
        sender = Sender(external_id=conversation if not is_group else "somebody")
        news = InboundMessage(
            external_id=external_id, sender=sender, conversation=conversation, is_group=is_group, text="rahasia"
        )
        intake.receive(self.channel, news, Envelope.objects.create(channel=self.channel, body=b"{}"))

    def _is_told(self, receipt: Receipt) -> None:
        """Our own message that the receipt is about: by its id, by its key, or as all there are."""
        who = receipt.conversation or "somebody"
        if not Ticket.objects.filter(channel=self.channel).exists():
            self._says(f"before {who}", who, receipt.is_group)
        ticket = Ticket.objects.get(channel=self.channel)
        Message.objects.create(
            ticket=ticket, channel=self.channel, team_id=ticket.team_id, direction="out", status="sending", text="x",
            external_id=receipt.external_id or "ours", at=receipt.occurred_at or timezone.now(),
        )  # fmt: skip

    def messages(self) -> list[dict[str, Any]]:
        rows = self.api.get(f"/tickets/?channel={self.channel.pk}")["results"]
        pages = [self.api.get(f"/tickets/{row['number']}/messages/")["results"] for row in rows]
        return sorted((message for page in pages for message in page), key=lambda message: int(message["id"]))

    def called(self, external_id: str) -> dict[str, Any]:
        (found,) = self.api.get(f"/messages/?channel={self.channel.pk}&external_id={external_id}")["results"]
        return dict(found)

    def lines(self) -> list[str]:
        """By the rows: in a transaction that is not over PostgreSQL's log shows nothing yet."""
        rows = Activity.objects.filter(ticket__channel=self.channel).order_by("pk")
        return list(rows.values_list("type", flat=True))


@pytest.mark.parametrize("entry", HERE, ids=lambda entry: entry["file"])
def test_what_the_desk_shows_of_a_sample(entry: dict[str, Any], north: Team, ana: Agent) -> None:
    desk = Desk(entry, north, ana)
    desk.seed()
    seeded = len(desk.messages())
    assert desk.post().status_code == 200
    assert not Envelope.objects.filter(channel=desk.channel, state="failed").exists()
    wanted = POLICY.get(entry["file"], entry["expected_events"])
    told = [item for item in desk.parsed() if isinstance(item, Notice) and item.conversation]
    said = [event for event in wanted if event["kind"] in SAID]
    messages = desk.messages()[seeded:]
    # One that comes twice in a body is there once.
    assert len(messages) == len({event["external_message_id"] or number for number, event in enumerate(said)})
    nameless = list(messages)
    for event in said:
        known = event["external_message_id"]
        message = desk.called(known) if known else nameless[0]
        nameless = [one for one in nameless if one["id"] != message["id"]]
        _is_shown(message, event)
    for event in wanted:
        if event["kind"] == "delete":
            gone = desk.called(event["external_message_id"])
            assert (gone["text"], gone["attachments"], bool(gone["deleted_at"])) == ("", [], True)
        if event["kind"] == "reaction":
            given = [event["text"]] if event["text"] else []
            assert [one["emoji"] for one in desk.called(event["reply_to"])["reactions"]] == given
        if event["kind"] == "status":
            ours = desk.called(event["external_message_id"] or "ours")
            assert ours["status"] == STATES.get(event["status"], event["status"])
            codes = [str(code) for code in event.get("errors", [])]
            assert not codes or ours["error"]["code"] in codes
    assert bool(told) == any(line.startswith("customer.") for line in desk.lines())
    before = copy.deepcopy(desk.messages()), desk.lines()
    assert desk.post().status_code == 200
    assert (desk.messages(), desk.lines()) == before, "posted again it says nothing new"


def _is_shown(message: dict[str, Any], event: dict[str, Any]) -> None:
    payload = event.get("payload")
    picked = next(iter((event.get("params") or {}).values()), None)
    if "catalog_id" in event:
        assert message["text"], "a basket is told in words, which the payload has none of"
    else:
        assert message["text"] == (event["text"] or picked or payload or "")
    if event["kind"] == "echo":
        assert (message["direction"], message["status"], message["author"]["type"]) == ("out", "sent", "system")
        assert message["text"] == (event["text"] or "")
        return
    assert (message["direction"], message["status"]) == ("in", "received")
    if event["sender_id"]:
        assert message["author"]["address"] == event["sender_id"]
    if event["sender_name"]:
        assert message["author"]["name"] == event["sender_name"]
    odd = event["kind"] == "unsupported" or any(one["type"] == "unsupported" for one in event["attachments"])
    assert message["unsupported"] == odd or (event["text"] and event["text"] in message["text"])
    assert message["standby"] == event.get("standby", False)
    if event["kind"] == "edit":
        assert message["edited_at"]
    elif event["timestamp"]:
        assert (
            message["sent_at"] == event["timestamp"].replace("+00:00", "Z")
            or event["timestamp"][:19] in message["sent_at"]
        )
    if payload:
        assert message["postback"]["payload"] == payload
    if event.get("reply_to") and event["kind"] != "edit":
        assert message["about"]["id"] == event["reply_to"], "what it answers was before our time"
    assert len(message["attachments"]) == len(event["attachments"])
    for shown, wanted in zip(message["attachments"], event["attachments"], strict=True):
        assert shown["kind"] == KINDS.get(wanted["type"], wanted["type"])
        assert shown["caption"] == (wanted["caption"] or "")
        if wanted["filename"]:
            assert shown["filename"] == wanted["filename"]
        if "latitude" in wanted:
            assert (shown["location"]["lat"], shown["location"]["lon"]) == (wanted["latitude"], wanted["longitude"])
        if "phone" in wanted:
            assert shown["contact"]["phones"] == [wanted["phone"]]
