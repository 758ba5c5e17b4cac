"""Telegram: one update a post, ids that are of their chat, files as bytes, a token that nobody reads."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.forms.models import model_to_dict
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from agents.models import Agent, Team
from channels_app import http as http_module
from channels_app.adapters.telegram import TelegramAdapter
from channels_app.contract import (
    Account,
    Conversation,
    Deletion,
    DeliveryFailed,
    Edit,
    Event,
    InboundRequest,
    MediaGone,
    NotAuthentic,
    Notice,
    OutboundAttachment,
    OutboundMessage,
    QuickReply,
    Reaction,
    Remote,
    SettingsInvalid,
    UnreadableEvent,
    platform_id,
    scoped_id,
)
from channels_app.http import Http, HttpError, TooLarge, Unanswered
from channels_app.models import Address, Channel
from tests.channels_app.test_line import mutate, words_of
from tests.conftest import NOBODY, Api, connect, lean_client
from tests.platforms import answer
from tests.platforms.telegram import BOT_TOKEN, CHAT, GROUP, SECRET, SITI, FakeTelegram
from tickets import replies
from tickets.models import Message, Ticket

adapter = TelegramAdapter()
PAYLOADS = Path(__file__).parent.parent / "platforms" / "payloads" / "telegram"
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
HERE = str(CHAT["id"])


def account(**settings: str) -> Account:
    own = {"bot_token": BOT_TOKEN, "secret_token": SECRET, "base_url": NOBODY}
    return Account(
        id=7, kind="telegram", name="T", settings={**own, **settings}, webhook_url="https://hub.example/w/7/"
    )


@pytest.fixture
def telegram() -> Iterator[FakeTelegram]:
    with FakeTelegram() as platform:
        yield platform


def on(telegram: FakeTelegram) -> tuple[Account, Http]:
    return account(base_url=telegram.url), Http.trusting(telegram.url)


def news(update: Any) -> list[Any]:
    return list(adapter.parse(account(), update))


def one(update: Any) -> Any:
    (found,) = news(update)
    return found


def payload(name: str) -> Any:
    return one(json.loads((PAYLOADS / f"{name}.json").read_text()))


def message(telegram: FakeTelegram, **more: Any) -> Any:
    return one(telegram.update(**more))


# ── Authenticity ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("given_token", ["", " ", "wrong", SECRET + " ", "ไทย", "\udcff", "x" * 70_000])
def test_another_secret_is_refused(given_token: str) -> None:
    headers = {"x-telegram-bot-api-secret-token": given_token}
    with pytest.raises(NotAuthentic):
        adapter.verify(account(), InboundRequest("POST", "", headers, b"{}"))


def test_the_delivery_is_the_update() -> None:
    request = InboundRequest("POST", "", {}, b'{"update_id": 815000001}')
    assert adapter.delivery_id(account(), request) == "815000001"
    assert adapter.delivery_id(account(), replace(request, body=b"[]")) == ""


# ── What becomes what ────────────────────────────────────────────────────────────────────────


def test_an_album_is_its_largest_pictures_under_one_key() -> None:
    first = payload("album_first")
    assert (first.text, first.group_key) == ("Dua foto", "13900000000000001")
    (picture,) = first.attachments
    assert (picture.kind, picture.remote.id, picture.width) == ("image", "AgACAgUAAxkBAA2", 1280)


def test_in_a_topic_only_a_real_answer_is_one() -> None:
    answered = payload("topic_reply_quote")
    assert (answered.reply_to.snippet, answered.thread_id) == ("Besok?", "31")
    assert answered.reply_handle["topic"] == "31"
    assert payload("topic_no_reply").reply_to is None


def test_what_lies_in_another_chat_is_named() -> None:
    reply_to = payload("external_reply").reply_to
    assert (reply_to.external_id, reply_to.snippet) == (scoped_id("-1001111111111", "55"), "Sambal 250 g")
    assert payload("story_reply").reply_to.kind == "story"


def test_places_and_people() -> None:
    (place,) = payload("venue").attachments
    assert (place.location.name, place.location.lat) == ("Toko Rasa", -6.9147)
    edit = payload("live_location")
    assert isinstance(edit, Edit)
    assert edit.attachments[0].location.live
    (card,) = payload("contact").attachments
    assert card.contact.name == "Budi Santoso"
    assert card.contact.phones == ("+62 813-1111-2222", "+622220001000")
    assert card.contact.emails == ("budi@example.com",)


def test_who_spoke_in_a_group() -> None:
    anonymous, channel, siti = payload("anonymous_admin"), payload("channel_in_group"), payload("topic_reply_quote")
    assert {item.conversation for item in (anonymous, channel, siti)} == {"-1002345678901"}
    assert all(item.is_group for item in (anonymous, channel, siti))
    assert (anonymous.sender.external_id, channel.sender.name) == ("1087968824", "Katalog")
    assert (siti.sender.name, siti.group_name) == ("Siti Aminah", "Pelanggan setia")
    post = payload("channel_post")
    assert (post.conversation, post.sender.external_id, post.is_group) == ("-1001111111111", "-1001111111111", False)


def test_moved_blocked_and_gone() -> None:
    moved, blocked, left = payload("migrate_from"), payload("blocked"), payload("member_left")
    assert (moved.conversation, moved.moved_to) == ("-4100200300", "-1002345678901")
    assert (blocked.kind, blocked.blocked, blocked.conversation) == ("unfollow", True, HERE)
    assert (left.kind, left.sender.external_id, left.blocked) == ("member_left", HERE, None)


@pytest.mark.parametrize(
    ("before", "after", "chat", "expected"),
    [
        ("kicked", "member", "private", ("follow", False)),
        ("left", "member", "supergroup", ("join", False)),
        ("member", "administrator", "supergroup", ("member_changed", False)),
        ("member", "left", "group", ("leave", True)),
        ("member", "kicked", "supergroup", ("leave", True)),
    ],
)
def test_the_bots_own_membership(before: str, after: str, chat: str, expected: tuple[str, bool]) -> None:
    update = {"chat": {"id": 5, "type": chat}, "from": SITI, "date": 1790000000,
              "old_chat_member": {"status": before}, "new_chat_member": {"status": after}}  # fmt: skip
    notice = one({"update_id": 1, "my_chat_member": update})
    assert (notice.kind, notice.blocked) == expected


def test_pressed_buttons() -> None:
    pressed = payload("pressed_title")
    assert (pressed.postback.title, pressed.postback.payload) == ("Besar", "l")
    assert platform_id(pressed.external_id) == platform_id(pressed.reply_to.external_id)
    assert pressed.external_id != pressed.reply_to.external_id, "pressed twice is two presses of one message"
    gone = payload("pressed_inaccessible")
    assert (gone.postback.payload, platform_id(gone.external_id), gone.occurred_at) == ("ya", "12", None)
    app = payload("web_app")
    assert (app.postback.title, app.postback.payload, app.unsupported) == ("Pilih ukuran", '{"size":"L"}', False)


def test_reactions() -> None:
    removed, custom = payload("reaction_removed"), payload("reaction_in_group")
    assert isinstance(removed, Reaction)
    assert (removed.removed, removed.emoji, removed.target) == (True, "👍", scoped_id(HERE, "9001"))
    assert (custom.removed, custom.emoji, custom.sender.name) == (False, "❔", "Katalog")


def test_a_business_account_and_its_owner() -> None:
    owner, customer, edit = (payload(f"business_{name}") for name in ("from_owner", "from_customer", "edited"))
    assert (owner.echo, owner.conversation, customer.echo) == (True, HERE, False)
    assert customer.reply_handle == {"business": "BqYw-1", "topic": ""}
    assert customer.read_handle == {"business": "BqYw-1"}
    assert customer.external_id.startswith("BqYw-1:")
    assert edit.sender.external_id == HERE
    deleted = news({"update_id": 1, "deleted_business_messages": {
        "business_connection_id": "BqYw-1", "chat": CHAT, "message_ids": [1, "2", None]}})  # fmt: skip
    assert [item.target for item in deleted] == [scoped_id(f"BqYw-1:{HERE}", number) for number in ("1", "2")]
    assert all(isinstance(item, Deletion) for item in deleted)


def test_what_has_no_place_on_a_desk_is_shown_with_its_words() -> None:
    lists, query = payload("checklist"), payload("inline_query")
    assert (lists.unsupported_reason, lists.text) == ("checklist", "Pesanan\n• Sambal\n• Kerupuk")
    assert (query.unsupported_reason, query.text, query.sender.name) == ("inline_query", "sambal", "Siti Aminah")
    assert [one.kind for one in payload("paid_media").attachments] == ["image", "video"]
    assert [one.kind for one in payload("gif").attachments] == ["image"]


@pytest.mark.parametrize(
    "kind",
    ["new_chat_title", "pinned_message", "video_chat_ended", "forum_topic_created", "poll_option_added",
     "community_chat_added", "community_chat_removed", "managed_bot_created"],
)  # fmt: skip
def test_service_messages_are_notices(telegram: FakeTelegram, kind: str) -> None:
    notice = message(telegram, **{kind: {"x": 1}})
    assert isinstance(notice, Notice)
    assert notice.kind == kind


def test_fields_that_are_filled_in_and_say_nothing(telegram: FakeTelegram) -> None:
    empty = {"new_chat_members": [], "photo": [], "delete_chat_photo": False, "sticker": None, "forward_date": None}
    said = message(telegram, text="Halo", **empty)
    assert (said.text, said.attachments, said.forwarded, said.unsupported) == ("Halo", (), False, False)
    assert isinstance(message(telegram, forum_topic_closed={}), Notice)


def test_what_newer_clients_send(telegram: FakeTelegram) -> None:
    sizes = [{"file_id": "small", "width": 9, "height": 9}, {"file_id": "large", "width": 90, "height": 90}]
    live = {"file_id": "film", "duration": 2, "photo": sizes}
    for more in ({"live_photo": live}, {"live_photo": live, "photo": sizes}):
        (picture,) = message(telegram, **more).attachments
        assert (picture.kind, picture.remote.id) == ("image", "large")
    paid = {"star_count": 1, "paid_media": [{"type": "live_photo", "live_photo": live}]}
    assert message(telegram, paid_media=paid).attachments[0].remote.id == "large"
    people = {"request_id": 1, "users": [{"user_id": 7, "first_name": "Budi"}, {"user_id": 8}]}
    shared = message(telegram, users_shared=people)
    assert ([file.contact.name for file in shared.attachments], shared.unsupported) == (["Budi"], False)
    assert message(telegram, users_shared={"user_ids": [7]}).unsupported_reason == "users_shared"
    assert message(telegram, chat_shared={"chat_id": 7, "title": "Toko"}).text == "Toko"


def test_a_guests_message_is_read_and_not_asked_for(telegram: FakeTelegram) -> None:
    guest = one(telegram.update("guest_message", text="Halo", guest_query_id="q"))
    assert (guest.text, guest.conversation, guest.unsupported) == ("Halo", HERE, False)
    own, http = on(telegram)
    adapter.connect(own, http)
    assert "guest_message" not in str(telegram.requests[-1].body)


def test_what_passes_by_has_an_id_of_its_own(telegram: FakeTelegram) -> None:
    ids = {message(telegram, text="x", message_id=0, ephemeral_message_id=number).external_id for number in (1, 2)}
    assert len(ids) == 2


def test_whoever_writes_to_a_channel_is_answered_there(telegram: FakeTelegram) -> None:
    chat = {"id": -100123, "type": "supergroup", "title": "Toko", "is_direct_messages": True}
    said = message(telegram, chat=chat, text="Halo", direct_messages_topic={"topic_id": 77, "user": {"id": 5}})
    own, http = on(telegram)
    adapter.send(own, reply(reply_handle=said.reply_handle), http)
    assert telegram.sent[0]["direct_messages_topic_id"] == 77


def test_ids_of_64_bits_and_ids_as_text(telegram: FakeTelegram) -> None:
    huge = 2**52 - 1
    found = message(telegram, chat={"id": huge, "type": "private"}, **{"from": {"id": str(huge)}})
    assert (found.conversation, found.sender.external_id, found.is_group) == (str(huge), str(huge), False)


@pytest.mark.parametrize("stamp", [0, 99999999999999, -1, "soon", None, []])
def test_an_absurd_time_is_none(telegram: FakeTelegram, stamp: Any) -> None:
    assert message(telegram, date=stamp, text="x").occurred_at is None


@pytest.mark.parametrize("body", [{}, [], None, 7, {"message": {}}, {"message": []}, {"callback_query": {"id": "1"}}])
def test_without_ids_an_update_is_unreadable(body: Any) -> None:
    with pytest.raises(UnreadableEvent):
        news(body)


BODIES = [json.loads(path.read_text()) for path in sorted(PAYLOADS.iterdir())]


@given(data=st.data())
def test_an_update_with_anything_wrong_is_read_or_unreadable(data: st.DataObject) -> None:
    body = copy.deepcopy(data.draw(st.sampled_from(BODIES)))
    for _time in range(data.draw(st.integers(1, 4))):
        body = mutate(body, data.draw)
    try:
        found = news(body)
    except UnreadableEvent:
        return
    assert all(isinstance(item, Event) for item in found)
    assert all(isinstance(item, Notice | Edit | Deletion | Reaction) or item.external_id for item in found)
    adapter.wants_acknowledgement(account(), body)


# ── Media ────────────────────────────────────────────────────────────────────────────────────


def test_a_file_by_its_path(telegram: FakeTelegram) -> None:
    own, http = on(telegram)
    telegram.files["f1"] = ("photos/file 1.jpg", answer(body=b"jpeg", headers={"Content-Type": "image/jpeg"}))
    assert b"".join(adapter.fetch_media(own, Remote(id="f1", credentials=True), http)) == b"jpeg"
    with pytest.raises(MediaGone):
        adapter.fetch_media(own, Remote(id="f2"), http)
    telegram.files["big"] = ("", answer())
    with pytest.raises(TooLarge):
        adapter.fetch_media(own, Remote(id="big"), http)
    telegram.will(503)
    with pytest.raises(Unanswered):
        adapter.fetch_media(own, Remote(id="f1"), http)


def test_the_token_is_in_no_error(telegram: FakeTelegram) -> None:
    """A proxy may name the address that it was asked for."""
    own, http = on(telegram)
    page = f"no such page: /bot{BOT_TOKEN}/sendMessage"
    for status in (400, 403, 404, 429, 502):
        telegram.will(status, json={"description": page}).will(status, body=page)
        for _answer in range(2):
            with pytest.raises(DeliveryFailed) as caught:
                adapter.send(own, reply(), http)
            assert BOT_TOKEN not in str(caught.value) + caught.value.detail
    telegram.always(302, redirect=f"http://[{BOT_TOKEN}")
    with pytest.raises((HttpError, MediaGone)) as broken:
        list(adapter.fetch_media(own, Remote(id="f1"), http))
    assert BOT_TOKEN not in str(broken.value)
    assert BOT_TOKEN not in repr(own)


# ── Sending ──────────────────────────────────────────────────────────────────────────────────


def reply(text: str = "Ada", **more: Any) -> OutboundMessage:
    return OutboundMessage(**{"key": "41", "to": HERE, "text": text, "sent_at": NOW, **more})


def file(kind: Any, mime: str, name: str = "a.bin", content: bytes = b"x") -> OutboundAttachment:
    return OutboundAttachment(
        kind=kind, mime=mime, filename=name, size=len(content), url="https://hub.example/a", open=lambda: content
    )


def test_a_text_as_it_is_with_buttons_and_a_quotation(telegram: FakeTelegram) -> None:
    own, http = on(telegram)
    buttons = (QuickReply(title="Ya"), QuickReply(title="ไม่" * 30))
    sent = adapter.send(own, reply("a < b & *c*", reply_to=scoped_id(HERE, "9"), quick_replies=buttons), http)
    (call,) = telegram.sent
    assert call["text"] == "a < b & *c*"
    assert "parse_mode" not in call
    assert call["reply_parameters"] == {"message_id": 9, "allow_sending_without_reply": True}
    yes, long = (row[0] for row in call["reply_markup"]["inline_keyboard"])
    assert yes == {"text": "Ya", "callback_data": "Ya"}
    assert len(long["callback_data"].encode()) <= 64
    assert sent.external_id == scoped_id(HERE, str(call["message_id"]))


def test_into_the_topic_and_on_whose_behalf(telegram: FakeTelegram) -> None:
    own, http = on(telegram)
    sent = adapter.send(own, reply(reply_handle={"business": "BqYw-1", "topic": "31"}), http)
    assert (telegram.sent[0]["message_thread_id"], telegram.sent[0]["business_connection_id"]) == (31, "BqYw-1")
    assert sent.external_id.startswith(f"BqYw-1:{HERE}")


@pytest.mark.parametrize(
    ("kind", "mime", "method"),
    [
        ("image", "image/png", "sendPhoto"),
        ("image", "image/gif", "sendAnimation"),
        ("image", "image/svg+xml", "sendDocument"),
        ("video", "video/mp4", "sendVideo"),
        ("video", "video/webm", "sendDocument"),
        ("voice", "audio/ogg", "sendVoice"),
        ("audio", "audio/mpeg", "sendAudio"),
        ("file", "application/pdf", "sendDocument"),
    ],
)
def test_each_kind_of_file_by_its_method(telegram: FakeTelegram, kind: str, mime: str, method: str) -> None:
    own, http = on(telegram)
    adapter.send(own, reply("Ini", attachments=(file(kind, mime, "ไฟล์.bin", b"bytes"),)), http)
    (call,) = telegram.sent
    assert (call["method"], call["caption"], call["file"][2]) == (method, "Ini", b"bytes")
    assert call["file"][1] == mime


def test_how_a_reply_is_cut() -> None:
    able = adapter.abilities(account(), Conversation(external_id=HERE), NOW)
    picture, paper = file("image", "image/png"), file("file", "application/pdf")
    one_part = adapter.split(reply("Ini", attachments=(picture,)), able)
    assert len(one_part) == 1
    several = adapter.split(
        reply("Ini", attachments=(picture, paper), reply_to="x", quick_replies=(QuickReply(title="Ya"),)), able
    )
    assert [(part.text, len(part.attachments)) for part in several] == [("Ini", 0), ("", 1), ("", 1)]
    assert [bool(part.reply_to) for part in several] == [True, False, False]
    assert [bool(part.quick_replies) for part in several] == [False, False, True]
    long = adapter.split(reply("kata " * 1000, attachments=(picture,)), able)
    assert [len(part.attachments) for part in long] == [0, 0, 1]
    assert len(adapter.split(reply("😀" * 4096), able)) == 1, "counted in characters"


@pytest.mark.parametrize(
    ("status", "description", "expected"),
    [
        (403, "Forbidden: bot was blocked by the user", ("blocked", True)),
        (403, "Forbidden: user is deactivated", ("blocked", True)),
        (403, "Forbidden: bot was kicked from the supergroup chat", ("blocked", True)),
        (403, "Forbidden: something new", ("blocked", True)),
        (400, "Bad Request: chat not found", ("content", True)),
        (400, "Bad Request: not enough rights to send text messages to the chat", ("blocked", True)),
        (400, "Bad Request: need administrator rights in the channel chat", ("blocked", True)),
        (400, "Bad Request: CHAT_RESTRICTED", ("blocked", True)),
        (403, "Forbidden: the group chat was deleted", ("blocked", True)),
        (400, "Bad Request: BUSINESS_PEER_INVALID", ("blocked", True)),
        (400, "Bad Request: something new", ("content", True)),
        (401, "Unauthorized", ("auth", True)),
        (404, "Not Found", ("auth", True)),
        (413, "Request Entity Too Large", ("content", True)),
        (502, "Bad Gateway", ("unknown", False)),
    ],
)
def test_refusals_in_words(telegram: FakeTelegram, status: int, description: str, expected: tuple[str, bool]) -> None:
    own, http = on(telegram)
    telegram.refusals[CHAT["id"]] = (status, description, {})
    with pytest.raises(DeliveryFailed) as caught:
        adapter.send(own, reply(), http)
    assert (caught.value.category, caught.value.permanent) == expected
    assert caught.value.detail == description


@pytest.mark.parametrize("seconds", [5, 3600, 10**9])
def test_a_flood_waits_as_long_as_telegram_says(telegram: FakeTelegram, seconds: int) -> None:
    own, http = on(telegram)
    telegram.refusals[CHAT["id"]] = (429, f"Too Many Requests: retry after {seconds}", {"retry_after": seconds})
    with pytest.raises(DeliveryFailed) as caught:
        adapter.send(own, reply(), http)
    assert (caught.value.category, caught.value.permanent) == ("rate", False)
    assert caught.value.retry_after == min(seconds, http_module.MAX_RETRY_AFTER)


def test_a_group_that_moved_is_written_to_where_it_is(telegram: FakeTelegram) -> None:
    own, http = on(telegram)
    telegram.refusals[-41] = (400, "Bad Request: group chat was upgraded to a supergroup chat",
                              {"migrate_to_chat_id": GROUP["id"]})  # fmt: skip
    sent = adapter.send(own, reply(to="-41", attachments=(file("image", "image/png"),)), http)
    assert sent.external_id == scoped_id(str(GROUP["id"]), str(telegram.sent[0]["message_id"]))
    telegram.refusals[GROUP["id"]] = (400, "upgraded", {"migrate_to_chat_id": -41})
    with pytest.raises(DeliveryFailed):
        adapter.send(own, reply(to="-41"), http)
    assert len(telegram.sent) == 1


def test_a_taken_send_whose_answer_breaks_off_is_sent(telegram: FakeTelegram) -> None:
    own, http = on(telegram)
    telegram.will(200, body=b'{"ok":true', headers={"Content-Length": "1000"}, drop_after=5)
    assert adapter.send(own, reply(), http).state == "sent"
    assert not adapter.idempotent, "what got no answer is for an agent to decide"


# ── Beside the messages ──────────────────────────────────────────────────────────────────────


def test_reactions_typing_read_marks_and_presses(telegram: FakeTelegram) -> None:
    own, http = on(telegram)
    talk = Conversation(external_id=HERE, reply_handle={"business": "", "topic": "31"})
    adapter.react(own, talk, scoped_id(HERE, "9"), "👍", http)
    adapter.react(own, talk, scoped_id(HERE, "9"), "", http)
    assert [call["reaction"] for call in telegram.called("setMessageReaction")] == [
        [{"type": "emoji", "emoji": "👍"}],
        [],
    ]
    assert telegram.called("setMessageReaction")[0]["message_id"] == 9
    adapter.typing(own, talk, http)
    assert telegram.called("sendChatAction") == [{"chat_id": CHAT["id"], "message_thread_id": 31, "action": "typing"}]
    adapter.mark_read(own, talk, scoped_id(HERE, "9"), http)
    assert telegram.called("readBusinessMessage") == []
    adapter.mark_read(own, replace(talk, read_handle={"business": "BqYw-1"}), scoped_id(HERE, "9"), http)
    assert telegram.called("readBusinessMessage") == [
        {"business_connection_id": "BqYw-1", "chat_id": CHAT["id"], "message_id": 9}
    ]
    pressed = json.loads((PAYLOADS / "pressed_title.json").read_text())
    assert adapter.wants_acknowledgement(own, pressed)
    assert not adapter.wants_acknowledgement(own, telegram.update(text="x"))
    adapter.acknowledge(own, pressed, http)
    assert telegram.called("answerCallbackQuery") == [{"callback_query_id": "4382bfdwdsb323b2d9"}]
    telegram.will(400, json={"description": "Bad Request: REACTION_INVALID"})
    with pytest.raises(DeliveryFailed) as caught:
        adapter.react(own, talk, scoped_id(HERE, "9"), "🦄", http)
    assert "emoji" in caught.value.title


def test_profiles(telegram: FakeTelegram) -> None:
    own, http = on(telegram)
    telegram.chats[CHAT["id"]] = {**CHAT, "username": "sitiaminah", "photo": {"big_file_id": "x"}}
    found = adapter.fetch_profile(own, HERE, http)
    assert found is not None
    assert (found.name, found.username, found.picture_url) == ("Siti Aminah", "sitiaminah", "")
    assert found.picture == Remote(id="x", credentials=True)
    assert adapter.fetch_profile(own, "1", http) is None
    telegram.will(502)
    with pytest.raises(Unanswered):
        adapter.fetch_profile(own, HERE, http)


def test_a_picture_of_a_person_without_the_token_anywhere(
    telegram: FakeTelegram, posts: Any, channel: Channel, jobs_inline: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    drawn = BytesIO()
    Image.new("RGB", (300, 300), "red").save(drawn, "PNG")
    telegram.chats[CHAT["id"]] = {**CHAT, "photo": {"big_file_id": "p1"}}
    telegram.files["p1"] = ("profile/1.png", answer(body=drawn.getvalue(), headers={"Content-Type": "image/png"}))
    posts(telegram.update(text="Halo"))
    address = Address.objects.get(external_id=HERE)
    assert address.picture
    assert address.picture_mime.startswith("image/")
    kept = json.dumps([model_to_dict(row, exclude=["picture"]) for row in Address.objects.all()], default=str)
    assert BOT_TOKEN not in kept + caplog.text


# ── Set-up ───────────────────────────────────────────────────────────────────────────────────


def test_the_check_names_the_step_that_is_missing(telegram: FakeTelegram) -> None:
    own, http = on(telegram)
    assert not adapter.check(account(bot_token=" "), http)[0].ok
    assert [ok for ok, _words in words_of(adapter.check(own, http))] == [True, False]
    assert words_of(adapter.connect(own, http)) == [(True, "Telegram posts to this channel from now on.")]
    asked = telegram.called("setWebhook")[0]
    assert (asked["url"], asked["secret_token"]) == (own.webhook_url, SECRET)
    assert {"message", "message_reaction", "callback_query", "my_chat_member"} <= set(asked["allowed_updates"])
    assert [ok for ok, _words in words_of(adapter.check(own, http))] == [True, True]
    telegram.hook |= {"last_error_message": "Connection timed out", "pending_update_count": 4}
    assert words_of(adapter.check(own, http))[2] == (
        False, "Telegram's last post did not arrive: Connection timed out (4 are waiting).",
    )  # fmt: skip
    telegram.hook |= {"last_error_message": "", "allowed_updates": ["message"]}
    assert not words_of(adapter.check(own, http))[2][0]
    telegram.hook["url"] = "https://elsewhere.example/"
    assert "elsewhere.example" in words_of(adapter.check(own, http))[1][1]
    telegram.me["can_read_all_group_messages"] = False
    assert "privacy mode" in words_of(adapter.check(own, http))[2][1]
    wrong = account(bot_token="1:wrong", base_url=telegram.url)
    assert [ok for ok, _words in words_of([*adapter.check(wrong, http), *adapter.connect(wrong, http)])] == [False] * 2


def test_settings_that_cannot_work() -> None:
    for odd in ({"bot_token": "a/../b"}, {"secret_token": "ไทย"}, {"secret_token": "x" * 257}):
        with pytest.raises(SettingsInvalid):
            adapter.check_settings(odd)


# ── Through the desk ─────────────────────────────────────────────────────────────────────────


@pytest.fixture
def channel(north: Team, telegram: FakeTelegram) -> Channel:
    return connect("telegram", north, "T", bot_token=BOT_TOKEN, secret_token=SECRET, base_url=telegram.url)


@pytest.fixture
def posts(channel: Channel) -> Callable[[Any], Any]:
    def post(update: Any) -> Any:
        response = lean_client().post(
            f"/webhooks/{channel.pk}/", json.dumps(update).encode(), content_type="application/json",
            HTTP_X_TELEGRAM_BOT_API_SECRET_TOKEN=SECRET,
        )  # fmt: skip
        assert response.status_code == 200, response.content
        return response

    return post


def test_from_webhook_to_reply(
    telegram: FakeTelegram, posts: Any, ana: Agent, work: Callable[[], None], channel: Channel
) -> None:
    posts(telegram.update(text="Halo", message_id=7))
    ticket = Ticket.objects.get()
    asked = Message.objects.get()
    sent, _new = replies.reply(ticket.pk, ana, replies.Draft(text="Ada", reply_to=asked.pk))
    work()
    (call,) = telegram.sent
    assert (call["text"], call["reply_parameters"]["message_id"]) == ("Ada", 7)
    sent.refresh_from_db()
    assert sent.status == "sent"
    api = Api(ana)
    (found,) = api.get(f"/messages/?channel={channel.pk}&external_id={call['message_id']}&direction=out")["results"]
    assert (found["id"], found["external_id"]) == (sent.pk, str(call["message_id"]))
    posts(telegram.update("message_reaction", message_id=call["message_id"], user=SITI, old_reaction=[],
                          new_reaction=[{"type": "emoji", "emoji": "👍"}]))  # fmt: skip
    sent.refresh_from_db()
    assert [one["emoji"] for one in sent.reactions] == ["👍"]


def test_one_number_in_two_chats_is_two_messages(
    telegram: FakeTelegram, posts: Any, ana: Agent, channel: Channel
) -> None:
    other = {"id": 77, "first_name": "Budi", "type": "private"}
    posts(telegram.update(text="satu", message_id=5))
    posts(telegram.update(text="dua", message_id=5, chat=other, **{"from": {"id": 77, "first_name": "Budi"}}))
    rows = Api(ana).get(f"/messages/?channel={channel.pk}&external_id=5")["results"]
    assert sorted(row["text"] for row in rows) == ["dua", "satu"]
    assert Ticket.objects.count() == 2


def test_once_in_any_order_and_in_parallel(telegram: FakeTelegram, posts: Any, transactional_db: None) -> None:
    updates = [telegram.update(text=str(number)) for number in range(3)]

    def post(update: Any) -> None:
        try:
            posts(update)
        finally:
            connection.close()

    for update in (updates[2], updates[0]):
        post(update)
    threads = [threading.Thread(target=post, args=(update,)) for update in [*updates, *reversed(updates)]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(Message.objects.order_by("sent_at").values_list("text", flat=True)) == ["0", "1", "2"]
    assert Ticket.objects.count() == 1


def test_a_press_is_acknowledged_by_a_worker(telegram: FakeTelegram, jobs_inline: list[str], posts: Any) -> None:
    posts(json.loads((PAYLOADS / "pressed_title.json").read_text()))
    assert telegram.called("answerCallbackQuery") == [{"callback_query_id": "4382bfdwdsb323b2d9"}]
    assert Message.objects.get().postback == {"title": "Besar", "payload": "l"}


def test_a_blocked_bot_is_known_and_nothing_is_sent(
    telegram: FakeTelegram, posts: Any, bea: Agent, work: Callable[[], None]
) -> None:
    posts(telegram.update(text="Halo"))
    telegram.refusals[CHAT["id"]] = (403, "Forbidden: bot was blocked by the user", {})
    sent, _new = replies.reply(Ticket.objects.get().pk, bea, replies.Draft(text="Ada"))
    work()
    sent.refresh_from_db()
    assert (sent.status, sent.error["category"]) == ("failed", "blocked")
    assert Address.objects.get(external_id=HERE).blocked_at
    with pytest.raises(replies.CannotSend):
        replies.reply(Ticket.objects.get().pk, bea, replies.Draft(text="Lagi"))


def test_whoever_writes_again_has_not_blocked_us(telegram: FakeTelegram, posts: Any, channel: Channel) -> None:
    """Also where nobody told that the block ended; what was written before it says nothing."""
    now = int(datetime.now(UTC).timestamp())
    posts(telegram.update(text="Halo", date=now - 100))
    blocked = json.loads((PAYLOADS / "blocked.json").read_text())
    posts(blocked)
    posts(telegram.update(text="Terlambat", date=now - 50))
    assert Address.objects.get(external_id=HERE).blocked_at
    posts(telegram.update(text="Masih di sini", date=int(datetime.now(UTC).timestamp()) + 2))
    assert not Address.objects.get(external_id=HERE).blocked_at


def test_a_group_that_moves_keeps_its_conversation(telegram: FakeTelegram, posts: Any) -> None:
    old = {"id": -41, "title": "Pelanggan setia", "type": "group"}
    posts(telegram.update(text="Halo", chat=old))
    posts(telegram.update(chat=old, migrate_to_chat_id=GROUP["id"]))
    posts(telegram.update(chat=GROUP, migrate_from_chat_id=-41))
    posts(telegram.update(text="Di sini", chat=GROUP))
    ticket = Ticket.objects.get()
    assert ticket.address.external_id == str(GROUP["id"])
    assert ticket.messages.count() == 2


def test_a_business_owners_own_words_are_shown_and_deletions_take_them(telegram: FakeTelegram, posts: Any) -> None:
    business = {"business_connection_id": "BqYw-1"}
    posts(telegram.update("business_message", text="Ada L?", message_id=1, **business))
    posts(telegram.update("business_message", text="Ada", message_id=2, **business, **{"from": {"id": 50}}))
    assert list(Message.objects.order_by("pk").values_list("direction", "status")) == [
        ("in", "received"), ("out", "sent"),
    ]  # fmt: skip
    posts({"update_id": 1, "deleted_business_messages": {**business, "chat": CHAT, "message_ids": [1, 2]}})
    assert set(Message.objects.values_list("text", flat=True)) == {""}


def test_a_picture_comes_live_and_one_too_big_says_so(
    telegram: FakeTelegram, posts: Any, work: Callable[[], None]
) -> None:
    telegram.files["f1"] = ("photos/1.png", answer(body=b"\x89PNG\r\n\x1a\n" + b"\0" * 30))
    telegram.files["f2"] = ("", answer())
    posts(telegram.update(photo=[{"file_id": "f1"}]))
    posts(telegram.update(document={"file_id": "f2", "file_name": "a.zip", "file_size": 30_000_000}))
    work()
    states = [row.attachments.get().state for row in Message.objects.order_by("pk")]
    assert states == ["stored", "too_large"]
