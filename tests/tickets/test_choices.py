"""Quick replies: offered under a message, checked against the channel, kept for a retry, answered as a postback."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from agents.models import Agent, Team
from channels_app.contract import Abilities, InboundMessage, OutboundMessage, QuickReply, Sender
from channels_app.contract.text import with_texts
from channels_app.models import Channel, Envelope
from tests.api.asserts import problem, said
from tests.conftest import Api, Customer, connect
from tests.platforms.webhook import FakeWebhookPlatform
from tickets import automatic, choices, intake
from tickets.models import Message, Ticket
from tickets.sendable import CannotSend

ABLE = Abilities(quick_replies=3, quick_reply_title=10, quick_reply_payload=12)


def offer(*titles: str, payload: str = "") -> list[QuickReply]:
    return [QuickReply(title=title, payload=payload) for title in titles]


def test_the_payload_is_the_title_unless_it_is_said() -> None:
    kept = choices.checked(
        ABLE, [QuickReply(title="  Ya \n benar"), QuickReply(title="Tidak", payload="n\x00")], "Mau?"
    )
    assert kept == [{"title": "Ya benar", "payload": "Ya benar"}, {"title": "Tidak", "payload": "n\ufffd"}]


@pytest.mark.parametrize(
    ("able", "given", "text", "words"),
    [
        (Abilities(), offer("Ya"), "Mau?", "no buttons"),
        (ABLE, offer("1", "2", "3", "4"), "Mau?", "takes 3 buttons"),
        (replace(ABLE, quick_replies=1), offer("1", "2"), "Mau?", "takes 1 button "),
        (ABLE, offer("Ya"), " \n", "write something first"),
        (ABLE, offer("Ya", " "), "Mau?", "needs words"),
        (ABLE, offer("Sebelas kata"), "Mau?", "10 characters"),
        (ABLE, offer("Ya", payload="tiga belas lebih"), "Mau?", "12 bytes"),
        (ABLE, offer("Ya", "Tidak", "Ya"), "Mau?", "the same"),
        (ABLE, offer("Ya", "Tidak", payload="x"), "Mau?", "the same"),
    ],
)
def test_what_the_channel_cannot_carry_is_said_in_words(
    able: Abilities, given: list[QuickReply], text: str, words: str
) -> None:
    with pytest.raises(CannotSend, match=words):
        choices.checked(able, given, text)


def test_a_title_in_many_bytes_may_still_be_its_own_payload() -> None:
    assert choices.checked(ABLE, offer("สวัสดีค่ะ"), "Mau?")[0]["payload"] == "สวัสดีค่ะ"


def test_of_several_parts_only_the_last_offers() -> None:
    whole = OutboundMessage(key="1", to="u", text="a b", quick_replies=tuple(offer("Ya")))
    assert [len(part.quick_replies) for part in with_texts(whole, ["a", "b", "c"])] == [0, 0, 1]
    assert len(with_texts(whole, ["a"])[0].quick_replies) == 1


# ── Through the API to the platform, and back ────────────────────────────────────────────────


def path(ticket: Ticket) -> str:
    return f"/tickets/{ticket.pk}/messages/"


BUTTONS = [{"title": "Ya", "payload": "y"}, {"title": "Tidak"}]
KEPT = [{"title": "Ya", "payload": "y"}, {"title": "Tidak", "payload": "Tidak"}]


def test_from_the_api_to_the_platform_and_back(
    ticket: Ticket, dora: Customer, bea: Agent, shop: FakeWebhookPlatform, work: Callable[[], None]
) -> None:
    api = Api(bea)
    row = said(api("POST", path(ticket), {"text": "Mau?", "quick_replies": BUTTONS}), 201)
    assert row["quick_replies"] == KEPT
    work()
    assert shop.replies[str(row["id"])]["quick_replies"] == KEPT
    dora.sends({"type": "postback", "id": "p-1", "sender": dora.sender, "title": "Ya", "payload": "y"})
    answered = api.get(path(ticket))["results"][-1]
    assert (answered["direction"], answered["text"], answered["postback"]) == (
        "in",
        "Ya",
        {"title": "Ya", "payload": "y"},
    )
    assert answered["quick_replies"] == []


def test_a_retry_offers_them_again(
    ticket: Ticket, bea: Agent, shop: FakeWebhookPlatform, work: Callable[[], None]
) -> None:
    shop.will(status=400)
    row = said(Api(bea)("POST", path(ticket), {"text": "Mau?", "quick_replies": BUTTONS}), 201)
    work()
    assert Message.objects.get(pk=row["id"]).status == "failed"
    again = said(Api(bea)("POST", f"/messages/{row['id']}/retry/"), 202)
    assert again["quick_replies"] == KEPT
    work()
    assert shop.requests[-1].json["quick_replies"] == KEPT
    assert Message.objects.get(pk=row["id"]).status == "sent"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"quick_replies": [{"title": str(n)} for n in range(14)]}, "13 buttons"),
        ({"quick_replies": [{"title": "x" * 61}]}, "60 characters"),
        ({"quick_replies": [{"title": "x", "payload": "y" * 1001}]}, "1000 bytes"),
        ({"quick_replies": [{"title": "x"}], "kind": "note"}, "note"),
        ({"quick_replies": [{"title": "x"}], "text": ""}, "Write something"),
        ({"quick_replies": [{"payload": "x"}]}, "title"),
        ({"quick_replies": [{"title": ""}]}, "title"),
        ({"quick_replies": ["Ya"]}, "quick_replies"),
        ({"quick_replies": {"title": "x"}}, "quick_replies"),
        ({"quick_replies": [{"title": "x", "url": "y"}]}, "url"),
    ],
)
def test_what_is_wrong_with_them_is_said(ticket: Ticket, bea: Agent, more: dict[str, Any], words: str) -> None:
    answer = problem(Api(bea)("POST", path(ticket), {"text": "Mau?", **more}), 400)
    assert words in str(answer)
    assert not Message.objects.filter(direction="out").exists()


def test_a_channel_without_buttons(north: Team, bea: Agent) -> None:
    channel = connect("sms", north, "SMS", account_sid="AC1", auth_token="x", from_number="+62812000", mode="stub")
    ticket = started(channel)
    answer = problem(Api(bea)("POST", path(ticket), {"text": "Mau?", "quick_replies": BUTTONS}), 400)
    assert "no buttons" in str(answer)


def started(channel: Channel) -> Ticket:
    heard = InboundMessage(external_id="m1", conversation="+628111", sender=Sender(external_id="+628111"), text="Hai")
    intake.receive(channel, heard, Envelope.objects.create(channel=channel))
    return Ticket.objects.get(channel=channel)


def test_the_sandbox_presses_them(sandbox_channel: Channel, bea: Agent, work: Callable[[], None]) -> None:
    api = Api(bea)
    door = f"/channels/{sandbox_channel.pk}/sandbox/"
    number = said(api("POST", door, {"sender": "siti", "text": "Halo"}), 201)["message"]["ticket"]
    sent = said(api("POST", f"/tickets/{number}/messages/", {"text": "Mau?", "quick_replies": BUTTONS}), 201)
    work()
    pressed = said(api("POST", door, {"sender": "siti", "postback": KEPT[0]}), 201)["message"]
    assert (pressed["text"], pressed["postback"]) == ("Ya", KEPT[0])
    problem(api("POST", door, {"sender": "siti", "postback": {}}), 400)

    page, where = Client(), f"/sandbox/{sandbox_channel.pk}/"
    page.force_login(bea)
    seen = page.get(f"{where}messages/", {"customer": "siti"}).content.decode()
    assert f'value="{sent["id"]}-1"' in seen
    script = {"HTTP_X_REQUESTED_WITH": "fetch"}
    assert page.post(where, {"customer": "siti", "pressed": f"{sent['id']}-1"}, **script).status_code == 204
    newest = Message.objects.latest("pk")
    assert (newest.text, newest.postback, newest.reply_to_id) == ("Tidak", KEPT[1], sent["id"])
    for nothing in (f"{sent['id']}-2", f"{sent['id']}-", f"{10**25}-0", "x-0", f"{pressed['id']}-0"):
        assert page.post(where, {"customer": "siti", "pressed": nothing}, **script).status_code == 422
    assert page.post(where, {"customer": "budi", "pressed": f"{sent['id']}-1"}, **script).status_code == 422


def test_the_desk_offers_them_where_the_channel_can(ticket: Ticket, bea: Agent) -> None:
    page, where = Client(), f"/tickets/{ticket.pk}/"
    page.force_login(bea)
    assert 'data-buttons="13" data-button-length="60"' in page.get(where).content.decode()
    posted = page.post(
        f"{where}messages/", {"text": "Mau?", "button": ["Ya <b>", " ", "Tidak"]}, HTTP_X_REQUESTED_WITH="fetch"
    )
    assert posted.status_code == 201
    assert [one["title"] for one in Message.objects.latest("pk").extra[choices.NAME]] == ["Ya <b>", "Tidak"]
    shown = page.get(where).content.decode()
    assert '<li dir="auto">Ya &lt;b&gt;</li>' in shown
    refused = page.post(f"{where}messages/", {"text": "Mau?", "button": ["Ya", "Ya"]}, HTTP_X_REQUESTED_WITH="fetch")
    assert (refused.status_code, "the same" in refused.json()["words"]) == (422, True)
    assert (
        "data-buttons"
        not in page.get(f"/tickets/{started(connect('sms', ticket.team, 'x', mode='stub')).pk}/").content.decode()
    )


def test_the_same_key_with_other_buttons_is_another_request(ticket: Ticket, bea: Agent) -> None:
    api = Api(bea)
    for given, status in ((BUTTONS, 201), (BUTTONS, 200), (BUTTONS[:1], 422), ([], 422)):
        body = {"text": "Mau?", "quick_replies": given}
        assert api("POST", path(ticket), body, Idempotency_Key="k").status_code == status


# ── What no person sends ─────────────────────────────────────────────────────────────────────


def test_an_automatic_message_offers_them_in_the_customers_language(
    ticket: Ticket, shop: FakeWebhookPlatform, work: Callable[[], None]
) -> None:
    sent = automatic.send(
        ticket, lambda: "Puas?", "auto-generated", quick_replies=lambda: [QuickReply(title="Ya", payload="survey:5")]
    )
    assert sent is not None
    work()
    assert shop.requests[-1].json["quick_replies"] == [{"title": "Ya", "payload": "survey:5"}]
    sent.refresh_from_db()
    assert (sent.status, sent.extra["automatic"]) == ("sent", "auto-generated")


def test_an_automatic_message_with_too_many_is_refused_whole(ticket: Ticket) -> None:
    with pytest.raises(CannotSend):
        automatic.send(ticket, lambda: "Puas?", quick_replies=lambda: offer(*map(str, range(20))))
    assert not Message.objects.filter(direction="out").exists()
