"""Our reaction: on the message at once, at the platform soon, and gone again if the platform does not want it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from agents.models import Agent
from channels_app.models import Channel
from tests.conftest import Api, Customer, lead_to
from tests.platforms import answer
from tests.platforms.chatty import FakeChatty
from tickets import reactions, replies, wording
from tickets.models import Activity, Message, OutgoingReaction

pytestmark = pytest.mark.django_db


@pytest.fixture
def message(chatty_channel: Channel, fitri: Customer) -> Message:
    lead_to(chatty_channel, able=json.dumps({"can_react": True}))
    return fitri.writes("Terima kasih", id="m-1")


def shown(message: Message) -> list[tuple[str, str]]:
    return [(item["author"]["type"], item["emoji"]) for item in Message.objects.get(pk=message.pk).reactions]


def due() -> None:
    OutgoingReaction.objects.update(due_at=timezone.now())


def failures(message: Message) -> list[str]:
    rows = Activity.objects.filter(message=message, type=reactions.LINE).order_by("seq")
    return [wording.of_line(row) for row in rows]


def test_it_is_shown_at_once_and_sent(chatty: FakeChatty, message: Message, bea: Agent) -> None:
    reactions.react(message.pk, bea, "👍")
    assert shown(message) == [("agent", "👍")]
    reactions.sweep()
    reactions.sweep()
    assert chatty.got("/react") == [{"to": "u-fitri", "message": "m-1", "emoji": "👍"}]
    assert OutgoingReaction.objects.count() == 0


def test_we_are_one_author(chatty: FakeChatty, message: Message, bea: Agent, ana: Agent, fitri: Customer) -> None:
    fitri.reacts("m-1", "😂")
    reactions.react(message.pk, bea, "👍")
    reactions.sweep()
    reactions.react(message.pk, ana, "❤️")
    reactions.sweep()
    assert shown(message) == [("customer", "😂"), ("agent", "❤️")]
    reactions.react(message.pk, bea, "")
    reactions.sweep()
    assert shown(message) == [("customer", "😂")]
    assert [said["emoji"] for said in chatty.got("/react")] == ["👍", "❤️", ""]
    fitri.reacts("m-1", "🙏")
    assert shown(message) == [("customer", "🙏")]


def test_a_customers_reaction_leaves_ours(chatty: FakeChatty, message: Message, bea: Agent, fitri: Customer) -> None:
    reactions.react(message.pk, bea, "👍")
    fitri.reacts("m-1", "🙏")
    assert sorted(shown(message)) == [("agent", "👍"), ("customer", "🙏")]


def test_twice_is_once(chatty: FakeChatty, message: Message, bea: Agent) -> None:
    reactions.react(message.pk, bea, "👍")
    lines = Activity.objects.count()
    reactions.react(message.pk, bea, "👍")
    assert Activity.objects.count() == lines
    reactions.sweep()
    assert chatty.asked("/react") == 1


def test_a_change_of_mind_before_it_is_sent(chatty: FakeChatty, message: Message, bea: Agent) -> None:
    reactions.react(message.pk, bea, "👍")
    reactions.react(message.pk, bea, "❤️")
    reactions.sweep()
    assert [said["emoji"] for said in chatty.got("/react")] == ["❤️"]


def test_a_change_of_mind_while_it_is_sent(
    chatty: FakeChatty, message: Message, bea: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    reactions.react(message.pk, bea, "👍")
    real = reactions.asking.react

    def meanwhile(*args: Any) -> None:
        monkeypatch.setattr(reactions.asking, "react", real)
        real(*args)
        reactions.react(message.pk, bea, "❤️")

    monkeypatch.setattr(reactions.asking, "react", meanwhile)
    reactions.sweep()
    chatty.answers["/react"] = [answer(400)]
    reactions.sweep()
    assert [said["emoji"] for said in chatty.got("/react")] == ["👍", "❤️"]
    assert shown(message) == [("agent", "👍")], "back to what the platform has"


def test_what_the_platform_refuses_is_taken_back_with_words(chatty: FakeChatty, message: Message, bea: Agent) -> None:
    chatty.answers["/react"] = [answer(400)]
    reactions.react(message.pk, bea, "👍")
    reactions.sweep()
    assert shown(message) == []
    assert failures(message) == ["The reaction 👍 could not be sent: The platform refused the message."]
    reactions.react(message.pk, bea, "❤️")
    reactions.sweep()
    chatty.answers["/react"] = [answer(400)]
    reactions.react(message.pk, bea, "")
    reactions.sweep()
    assert shown(message) == [("agent", "❤️")]
    assert failures(message)[1] == "Our reaction could not be taken back: The platform refused the message."


def test_a_passing_failure_is_tried_again_a_few_times(chatty: FakeChatty, message: Message, bea: Agent) -> None:
    chatty.answers["/react"] = [answer(503), answer(drop=True)]
    reactions.react(message.pk, bea, "👍")
    for _round in range(3):
        due()
        reactions.sweep()
    assert (chatty.asked("/react"), shown(message), failures(message)) == (3, [("agent", "👍")], [])
    chatty.answers["/react"] = [answer(503) for _ in range(9)]
    reactions.react(message.pk, bea, "❤️")
    for _round in range(9):
        due()
        reactions.sweep()
    assert chatty.asked("/react") == 3 + 1 + len(reactions.BACKOFF)
    assert shown(message) == [("agent", "👍")]


def test_a_message_deleted_meanwhile_shows_nothing(
    chatty: FakeChatty, message: Message, bea: Agent, fitri: Customer
) -> None:
    chatty.answers["/react"] = [answer(400)]
    reactions.react(message.pk, bea, "👍")
    fitri.deletes("m-1")
    reactions.sweep()
    assert shown(message) == []
    with pytest.raises(replies.CannotSend):
        reactions.react(message.pk, bea, "👍")


@pytest.mark.parametrize("emoji", ["👍🏽", "❤️", "👨‍👩‍👧", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "1️⃣", "🇮🇩", "‼️"])
def test_these_are_emoji(message: Message, bea: Agent, emoji: str) -> None:
    reactions.react(message.pk, bea, f" {emoji} ")
    assert shown(message) == [("agent", emoji)]


@pytest.mark.parametrize("emoji", ["ok", "x👍", "👍 👍", "1", "!", "ก", "\u202e👍", "👍" * 17, "\x00", "​👍"])
def test_these_are_none(message: Message, bea: Agent, emoji: str) -> None:
    with pytest.raises(replies.Refused, match="one emoji"):
        reactions.react(message.pk, bea, emoji)


def test_only_where_and_on_what_it_can_be(message: Message, bea: Agent) -> None:
    own, _new = replies.reply(message.ticket_id, bea, replies.Draft(text="ya"))
    with pytest.raises(replies.CannotSend, match="what the customer wrote"):
        reactions.react(own.pk, bea, "👍")
    for able, words in (({}, "no reactions"), ({"can_react": True, "shut": True}, "a day ago")):
        lead_to(message.channel, able=json.dumps(able))
        with pytest.raises(replies.CannotSend, match=words):
            reactions.react(message.pk, bea, "👍")


def test_the_api(chatty: FakeChatty, message: Message, bea: Agent, carl: Agent, api: Callable[[Agent], Api]) -> None:
    where = f"/messages/{message.pk}/reaction/"
    assert api(carl)("PUT", where, {"emoji": "👍"}).status_code == 404
    door = api(bea)
    given = json.loads(door("PUT", where, {"emoji": "👍"}).content)
    [reaction] = given["reactions"]
    assert (reaction["emoji"], reaction["author"]["name"], set(reaction)) == ("👍", "Bea", {"emoji", "author", "at"})
    assert door("PUT", where, {"emoji": "no"}).status_code == 400
    assert door("PUT", where, {}).status_code == 400
    assert json.loads(door("DELETE", where).content)["reactions"] == []
    assert door("DELETE", where).status_code == 200
    reactions.sweep()
    assert [said["emoji"] for said in chatty.got("/react")] == [""]


def test_the_page(chatty: FakeChatty, message: Message, bea: Agent, carl: Agent, client: Client) -> None:
    where = f"/messages/{message.pk}/reaction/"
    client.force_login(carl)
    assert client.post(where, {"emoji": "👍"}).status_code == 404
    client.force_login(bea)
    assert client.post(where, {"emoji": "👍"}).status_code == 204
    assert shown(message) == [("agent", "👍")]
    refused = client.post(where, {"emoji": "no"})
    assert (refused.status_code, refused.json()["words"]) == (422, "Choose one emoji.")
    assert client.get(where).status_code == 405
