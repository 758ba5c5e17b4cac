"""LINE: signed batches in; a free reply while its token lives, then pushes that may be repeated."""

from __future__ import annotations

import copy
import json
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from agents.models import Agent, Team
from channels_app import http as http_module
from channels_app.adapters.line import LineAdapter
from channels_app.adapters.line.sound import duration_ms
from channels_app.contract import (
    Account,
    Conversation,
    Deletion,
    DeliveryFailed,
    Edit,
    Event,
    InboundMessage,
    InboundRequest,
    MediaGone,
    MediaNotReady,
    NotAuthentic,
    Notice,
    OutboundAttachment,
    OutboundMessage,
    QuickReply,
    Remote,
    SettingsInvalid,
    Unreadable,
    UnreadableEvent,
)
from channels_app.http import Blocked, Http, TooLarge
from channels_app.models import Address, Channel, Envelope
from tests.conftest import NOBODY, connect, lean_client
from tests.platforms import answer
from tests.platforms.line import BOT, GROUP, SECRET, TOKEN, USER, FakeLine, redelivered, sign
from tickets import delivery, replies
from tickets.models import Activity, Message, Ticket

adapter = LineAdapter()
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
PAYLOADS = Path(__file__).parent.parent / "platforms" / "payloads" / "line"
IN_GROUP = {"source": {"type": "group", "groupId": GROUP, "userId": USER}}


def account(**settings: str) -> Account:
    own = {"channel_secret": SECRET, "channel_access_token": TOKEN, "base_url": NOBODY}
    return Account(id=7, kind="line", name="LINE", settings={**own, **settings}, webhook_url="https://hub.example/w/7/")


@pytest.fixture
def line() -> Iterator[FakeLine]:
    with FakeLine() as platform:
        yield platform


def on(line: FakeLine) -> tuple[Account, Http]:
    return account(base_url=line.url), Http.trusting(line.url)


def payload(name: str) -> list[Any]:
    return list(adapter.parse(account(), json.loads((PAYLOADS / f"{name}.json").read_text())))


def news(*events: Any) -> list[Any]:
    return list(adapter.parse(account(), {"destination": BOT, "events": list(events)}))


def one(event: Any) -> Any:
    (found,) = news(event)
    return found


# ── Authenticity ─────────────────────────────────────────────────────────────────────────────


def signed_by(signature: str, body: bytes = b'{"events":[]}', **settings: str) -> None:
    adapter.verify(account(**settings), InboundRequest("POST", "", {"x-line-signature": signature}, body))


def test_the_raw_bytes_are_signed() -> None:
    signed_by(sign(b'{"events":[]}'))
    with pytest.raises(NotAuthentic):
        signed_by(sign(b'{"events":[]}'), b'{"events": []}')


def test_two_secrets_count_during_a_rotation() -> None:
    signed_by(sign(b'{"events":[]}'), channel_secret=f"new {SECRET}")


@pytest.mark.parametrize("signature", ["", " ", "WRONG", "ไทย", "\udcff", "=" * 44, "A" * 70_000])
def test_what_is_not_signed_right_is_refused(signature: str) -> None:
    with pytest.raises(NotAuthentic):
        signed_by(signature)


@pytest.mark.parametrize("secret", ["", " "])
def test_an_empty_secret_matches_not_even_itself(secret: str) -> None:
    with pytest.raises(NotAuthentic):
        signed_by(sign(b'{"events":[]}', ""), channel_secret=secret)


# ── What becomes what ────────────────────────────────────────────────────────────────────────


def test_the_verify_button_says_nothing() -> None:
    assert news() == []
    dummy = {"type": "message", "source": {"type": "user", "userId": "Udeadbeefdeadbeefdeadbeefdeadbeef"},
             "replyToken": "0" * 32, "message": {"id": "100001", "type": "text", "text": "Hello, world"}}  # fmt: skip
    assert news(dummy) == []


def test_a_text_with_mentions_and_what_it_can_be_answered_with() -> None:
    (message,) = payload("text_mentions_emojis")
    assert message.text == "@Toko halo (hello) @All"
    assert (message.conversation, message.is_group, message.sender.external_id) == (GROUP, True, USER)
    assert message.reply_handle["once"] is True
    until = datetime.fromisoformat(message.reply_handle["expires_at"])
    assert until - message.occurred_at == timedelta(seconds=50)
    assert message.quote_handle["token"].startswith("quote-")
    assert message.read_handle["token"].startswith("read-")


def test_pictures_sent_together_share_a_key() -> None:
    first, second = payload("image_set")
    assert first.group_key == second.group_key != ""
    assert first.attachments[0].remote == Remote(id=first.external_id, credentials=True)


def test_media_that_line_keeps() -> None:
    video, audio, file = (message.attachments[0] for message in payload("media_from_line"))
    assert [(one.kind, one.duration) for one in (video, audio)] == [("video", 60.0), ("audio", 1.5)]
    assert (file.kind, file.filename, file.size) == ("file", "Faktur กันยายน.pdf", 2138)


def test_a_sticker_with_words_that_quotes() -> None:
    (message,) = payload("sticker_message")
    assert (message.text, message.reply_to.external_id) == ("terima kasih", "530000000000000001")
    assert message.attachments[0].filename == "Thanks thank you.png"
    assert message.attachments[0].remote.url.endswith("/stickershop/v1/sticker/52002734/android/sticker.png")
    assert not message.attachments[0].remote.credentials


def test_postbacks_with_their_params() -> None:
    picked, menu = payload("postbacks")
    assert (picked.postback.payload, picked.postback.title) == ("order=7", "2026-12-01")
    assert (menu.postback.payload, menu.postback.title) == ("menu", "")
    assert picked.external_id == picked.event_id


def test_a_group_and_who_is_in_it() -> None:
    join, joined, left, leave = payload("group_life")
    assert [(one.kind, one.blocked) for one in (join, joined, left, leave)] == [
        ("join", False), ("member_joined", None), ("member_left", None), ("leave", True),
    ]  # fmt: skip
    assert joined.detail == {"members": [USER, BOT]}
    assert left.conversation.startswith("R")


def test_notices_are_no_messages() -> None:
    found = payload("notices")
    assert all(isinstance(item, Notice) for item in found)
    assert [item.kind for item in found] == [
        "follow", "unfollow", "beacon", "account_link", "video_play_complete", "membership", "module", "handover",
        "handover", "bot_suspended", "delivery",
    ]  # fmt: skip
    assert [item.blocked for item in found[:2]] == [False, True]
    assert found[2].detail == {"hwid": "d41d8cd98f", "type": "enter", "dm": "0a"}
    assert len({item.event_id for item in found}) == len(found)


def test_an_edit_and_an_unsend() -> None:
    edit, deletion = payload("edit_unsend")
    assert isinstance(edit, Edit)
    assert isinstance(deletion, Deletion)
    assert edit.text == "Sudah saya ganti"
    assert edit.target == deletion.target == "530000000000000002"


def test_what_is_broken_loses_no_neighbour() -> None:
    kinds = [type(item) for item in payload("broken_among_good")]
    assert kinds == [Unreadable, Unreadable, InboundMessage, Unreadable]


def test_unknown_kinds_are_shown() -> None:
    coupon, closed = payload("coupon_unknown_type")
    assert (coupon.unsupported, coupon.unsupported_reason, coupon.text) == (True, "coupon", "Diskon 10%")
    assert (closed.unsupported_reason, closed.sender.external_id) == ("threadClosed", USER)


def test_a_place_that_is_nowhere_keeps_its_words_and_a_device_is_no_message(line: FakeLine) -> None:
    place = one(line.message("location", title="Toko", address="Jl. 1", latitude=None, longitude="x"))
    assert (place.unsupported_reason, place.text, place.attachments) == ("location", "Toko\nJl. 1", ())
    device = {"type": "scenarioResult", "deviceId": "t1", "result": {"resultCode": "success"}}
    told = one({**line.event(), "type": "things", "things": device})
    assert isinstance(told, Notice)
    assert (told.kind, told.detail["deviceId"]) == ("things", "t1")


def test_whoever_line_does_not_name_is_one_stand_in_for_each_group(line: FakeLine) -> None:
    nameless = {"source": {"type": "group", "groupId": GROUP}}
    first, second = news(line.message(of=nameless), line.message(of=nameless))
    assert first.sender == second.sender
    assert first.sender.external_id not in ("", GROUP)


def test_in_standby_there_is_nothing_to_answer_with(line: FakeLine) -> None:
    message = one({**line.message(), "mode": "standby"})
    assert message.standby
    assert message.reply_handle is None


@pytest.mark.parametrize(
    ("stamp", "year"),
    [(1790000000000, 2026), (1790000000, 2026), ("1790000000000", 2026), (0, None), (99999999999999, None),
     (-1, None), ("soon", None), (None, None), ([], None), (1e400, None)],
)  # fmt: skip
def test_any_timestamp(line: FakeLine, stamp: Any, year: int | None) -> None:
    message = one({**line.message(), "timestamp": stamp})
    assert (message.occurred_at.year if message.occurred_at else None) == year
    assert bool(message.reply_handle) == bool(year)


def test_ids_may_be_numbers(line: FakeLine) -> None:
    event = line.message(id=325708)
    event["source"]["userId"], event["webhookEventId"] = 7, 8
    message = one(event)
    assert (message.external_id, message.sender.external_id, message.event_id) == ("325708", "7", "8")


@pytest.mark.parametrize("body", [{}, {"events": None}, {"events": {}}, {"events": "x"}, [], None, 7])
def test_a_body_without_events_is_unreadable(body: Any) -> None:
    with pytest.raises(UnreadableEvent):
        list(adapter.parse(account(), body))


def test_an_event_without_an_id_keeps_the_one_it_got(line: FakeLine) -> None:
    """Old bodies have no webhookEventId: the same event is the same, also as a redelivery."""
    event = line.event("postback", postback={"data": "a", "params": {}})
    del event["webhookEventId"]
    again, other = redelivered(event), {**event, "timestamp": event["timestamp"] + 1}
    assert one(event).external_id == one(again).external_id != one(other).external_id


BODIES = [json.loads(path.read_text()) for path in sorted(PAYLOADS.iterdir())]


def mutate(value: Any, draw: Callable[[st.SearchStrategy[Any]], Any]) -> Any:
    """One value somewhere inside is another, or gone."""
    odd = st.sampled_from([None, "", "x" * 300, 0, -1, 10**30, 1.5, True, [], {}, [{}], "\x00", "\ud800", {"id": []}])
    if isinstance(value, dict) and value:
        name = draw(st.sampled_from(sorted(value)))
        if draw(st.integers(0, 2)):
            return {**value, name: mutate(value[name], draw)}
        return {**value, name: draw(odd)} if draw(st.booleans()) else {k: v for k, v in value.items() if k != name}
    if isinstance(value, list) and value:
        index = draw(st.integers(0, len(value) - 1))
        return [mutate(item, draw) if at == index else item for at, item in enumerate(value)]
    return draw(odd)


@given(data=st.data())
def test_a_body_with_anything_wrong_is_read_or_unreadable(data: st.DataObject) -> None:
    body = copy.deepcopy(data.draw(st.sampled_from(BODIES)))
    for _time in range(data.draw(st.integers(1, 4))):
        body = mutate(body, data.draw)
    try:
        found = list(adapter.parse(account(), body))
    except UnreadableEvent:
        return
    assert all(isinstance(item, Event | Unreadable) for item in found)


# ── Media ────────────────────────────────────────────────────────────────────────────────────

KEPT = Remote(id="53", credentials=True)


def test_a_file_is_fetched_with_our_token_once_it_is_ready(line: FakeLine) -> None:
    line.content["53"] = [answer(202), answer(body=b"film", headers={"Content-Type": "video/mp4"})]
    own, http = on(line)
    with pytest.raises(MediaNotReady):
        adapter.fetch_media(own, KEPT, http)
    download = adapter.fetch_media(own, KEPT, http)
    assert (download.content_type, b"".join(download)) == ("video/mp4", b"film")


def test_a_file_that_is_gone_or_endless(line: FakeLine, monkeypatch: pytest.MonkeyPatch) -> None:
    own, http = on(line)
    with pytest.raises(MediaGone):
        adapter.fetch_media(own, KEPT, http)
    monkeypatch.setattr(http_module, "MAX_MEDIA", 1000)
    line.content["53"] = [answer(endless=True)]
    with pytest.raises(TooLarge):
        list(
            http.media(
                f"{line.url}/v2/bot/message/53/content", headers={"Authorization": f"Bearer {TOKEN}"}, max_bytes=1000
            )
        )


def test_a_senders_own_address_gets_no_token(line: FakeLine) -> None:
    with FakeLine() as elsewhere, pytest.raises(MediaGone):
        adapter.fetch_media(on(line)[0], Remote(url=elsewhere.url + "/x.jpg"), Http.trusting(line.url, elsewhere.url))
    assert "authorization" not in elsewhere.requests[0].headers
    with pytest.raises(Blocked):
        adapter.fetch_media(on(line)[0], Remote(url="http://127.0.0.1:1/x.jpg"), Http.trusting(line.url))


def test_a_stickers_picture_comes_from_the_shop_without_a_token(line: FakeLine) -> None:
    line.content["/stickershop/v1/sticker/52002734/android/sticker.png"] = [answer(body=b"png")]
    remote = payload("sticker_message")[0].attachments[0].remote
    assert b"".join(adapter.fetch_media(on(line)[0], remote, on(line)[1])) == b"png"
    assert "authorization" not in line.requests[0].headers


# ── Sending ──────────────────────────────────────────────────────────────────────────────────


def reply(text: str = "Ada", **more: Any) -> OutboundMessage:
    return OutboundMessage(**{"key": "41", "to": USER, "text": text, "sent_at": NOW, **more})


def handle(line: FakeLine, age: float = 0) -> Any:
    return one(line.message(of={"age": age})).reply_handle


def test_the_reply_token_first_and_once(line: FakeLine) -> None:
    own, http = on(line)
    token = handle(line)
    assert adapter.send(own, reply(reply_handle=token), http).external_id
    assert adapter.send(own, reply(key="42", reply_handle=token), http).external_id, "over: pushed at once"
    assert [(call["how"], call["to"]) for call in line.sent] == [("reply", USER), ("push", USER)]


def test_an_old_token_is_not_tried(line: FakeLine) -> None:
    adapter.send(*_args(line, reply(reply_handle=handle(line, age=55))))
    assert line.paths() == ["/v2/bot/message/push"]


def _args(line: FakeLine, message: OutboundMessage) -> tuple[Account, OutboundMessage, Http]:
    own, http = on(line)
    return own, message, http


def test_a_push_that_got_no_answer_is_repeated_with_its_key_and_arrives_once(line: FakeLine) -> None:
    first = adapter.send(*_args(line, reply()))
    again = adapter.send(*_args(line, reply(attempt=2, unconfirmed=True)))
    assert first == again
    assert len(line.sent) == 1
    keys = [request.headers["x-line-retry-key"] for request in line.requests]
    assert keys[0] == keys[1]
    adapter.send(*_args(line, reply(key="41-1")))
    adapter.send(*_args(line, reply(sent_at=NOW + timedelta(seconds=1))))
    assert len({request.headers["x-line-retry-key"] for request in line.requests}) == 3


def test_a_reply_that_got_no_answer_is_known_by_its_token(line: FakeLine) -> None:
    """Whether it had arrived or not, it is there once."""
    token, sent_at = handle(line), datetime.now(UTC)
    arrived = reply(reply_handle=token, sent_at=sent_at)
    adapter.send(*_args(line, arrived))
    adapter.send(*_args(line, replace(arrived, attempt=2, unconfirmed=True)))
    assert len(line.sent) == 1
    lost = reply(key="42", reply_handle=handle(line), sent_at=sent_at, attempt=2, unconfirmed=True)
    adapter.send(*_args(line, lost))
    assert [call["how"] for call in line.sent] == ["reply", "reply"]


def test_a_reply_whose_token_can_no_longer_tell_is_left_to_the_agent(line: FakeLine) -> None:
    token = handle(line, age=51)
    born = datetime.now(UTC) - timedelta(seconds=20)
    with pytest.raises(DeliveryFailed) as caught:
        adapter.send(*_args(line, reply(reply_handle=token, sent_at=born, attempt=2, unconfirmed=True)))
    assert (caught.value.category, caught.value.permanent) == ("unconfirmed", True)
    assert line.requests == []
    later = datetime.now(UTC) + timedelta(seconds=1)
    adapter.send(*_args(line, reply(reply_handle=token, sent_at=later, attempt=2, unconfirmed=True)))
    assert [call["how"] for call in line.sent] == ["push"], "written after its time: it can only have been pushed"


@pytest.mark.parametrize(
    ("trouble", "expected"),
    [
        ({"status": 429, "json": {"message": "The API rate limit has been exceeded. Try again later."},
          "headers": {"Retry-After": "3"}}, ("rate", False, 3.0)),
        ({"status": 429, "json": {"message": "You have reached your monthly limit."}}, ("rate", True, None)),
        ({"status": 403, "json": {"message": "Access to this API is not available for your account"}},
         ("auth", True, None)),
        ({"status": 401, "json": {"message": "Authentication failed"}}, ("auth", True, None)),
        ({"status": 400, "json": {"message": "The request body has 1 error(s)",
                                  "details": [{"message": "May not be empty", "property": "messages[0].text"}]}},
         ("content", True, None)),
        ({"status": 500}, ("unknown", False, None)),
    ],
)  # fmt: skip
def test_refusals_in_words(line: FakeLine, trouble: dict[str, Any], expected: tuple[str, bool, float | None]) -> None:
    for token in (None, handle(line)):
        line.will(**trouble)
        with pytest.raises(DeliveryFailed) as caught:
            adapter.send(*_args(line, reply(reply_handle=token)))
        assert (caught.value.category, caught.value.permanent, caught.value.retry_after) == expected
        assert len(caught.value.title) > 10
        assert TOKEN not in caught.value.detail
    assert line.sent == []


def test_what_was_wrong_is_told(line: FakeLine) -> None:
    with pytest.raises(DeliveryFailed) as caught:
        adapter.send(*_args(line, reply(text="x" * 5001)))
    assert "messages[0].text" in caught.value.detail
    with pytest.raises(DeliveryFailed) as caught:
        adapter.send(*_args(line, reply(to="U-nobody")))
    assert caught.value.title == "LINE knows nobody by this address on this channel."


def test_a_taken_send_whose_answer_breaks_off_is_sent(line: FakeLine) -> None:
    line.will(200, body=b'{"sentMessages":[{"id"', headers={"Content-Length": "1000"}, drop_after=5)
    assert adapter.send(*_args(line, reply())).state == "sent"


def file(kind: Any, mime: str, name: str = "a.bin", content: bytes = b"x", size: int = 0) -> OutboundAttachment:
    return OutboundAttachment(
        kind=kind, mime=mime, filename=name, size=size or len(content), url=f"https://hub.example/{name}",
        open=lambda: content,
    )  # fmt: skip


M4A = b"\0\0\0\x20ftypM4A " + b"\0" * 16 + b"\0\0\0\x6cmoov\0\0\0\x64mvhd" + struct.pack(">IIIII", 0, 0, 0, 600, 1500)


def test_files_go_by_address_and_what_has_no_type_as_a_link(line: FakeLine) -> None:
    files = (
        file("image", "image/png", "a.png"),
        file("video", "video/mp4", "b.mp4"),
        file("audio", "audio/mp4", "c.m4a", M4A),
        file("file", "application/pdf", "d.pdf"),
        file("voice", "audio/ogg", "e.ogg"),
        file("image", "image/jpeg", "f.jpg", size=11 * 1024 * 1024),
    )
    able = adapter.abilities(account(), Conversation(external_id=USER), NOW)
    whole = reply("Ini", attachments=files, reply_handle=handle(line), quick_replies=(QuickReply(title="Ya"),))
    first, second = adapter.split(whole, able)
    assert (first.text, len(first.attachments), second.text, len(second.attachments)) == ("Ini", 4, "", 2)
    assert (second.reply_handle, bool(first.quick_replies), bool(second.quick_replies)) == (None, False, True)
    for number, part in enumerate((first, second)):
        adapter.send(*_args(line, replace(part, key=f"41-{number}")))
    sent = [message for call in line.sent for message in call["messages"]]
    assert [message["type"] for message in sent] == ["text", "image", "video", "audio", "text", "text", "text"]
    assert sent[1]["originalContentUrl"] == "https://hub.example/a.png"
    assert sent[2]["previewImageUrl"].startswith("https://hub.example/")
    assert sent[3]["duration"] == 2500
    assert sent[4]["text"] == "d.pdf\nhttps://hub.example/d.pdf"
    assert [call["how"] for call in line.sent] == ["reply", "push"]


def test_a_long_text_is_cut_by_utf16_units() -> None:
    able = adapter.abilities(account(), Conversation(external_id=USER), NOW)
    parts = adapter.split(reply("😀" * 2400 + " " + "ไทย " * 400), able)
    assert len(parts) == 2
    assert all(able.length(part.text) <= 5000 for part in parts)


def test_buttons_and_a_quotation(line: FakeLine) -> None:
    buttons = (QuickReply(title="Pesanan yang kemarin sore", payload="order=7"), QuickReply(title="Lain"))
    quoting = reply(quick_replies=buttons, reply_to="53", reply_to_handle={"token": "quote-9"})
    adapter.send(*_args(line, quoting))
    (message,) = line.sent[0]["messages"]
    assert message["quoteToken"] == "quote-9"
    first, second = (item["action"] for item in message["quickReply"]["items"])
    assert first == {
        "type": "postback", "label": "Pesanan yang kemari…", "data": "order=7",
        "displayText": "Pesanan yang kemarin sore",
    }  # fmt: skip
    assert second == {"type": "message", "label": "Lain", "text": "Lain"}
    adapter.send(*_args(line, reply(key="42", reply_to="53")))
    assert "quoteToken" not in line.sent[1]["messages"][0], "a message without a token cannot be quoted"


def test_how_long_a_sound_is() -> None:
    assert duration_ms(M4A) == 2500
    frame = b"\xff\xfb\x90\x00" + b"\0" * 413
    assert duration_ms(b"ID3\x04\0\0\0\0\0\x0a" + b"\0" * 10 + frame * 40) == pytest.approx(1042, abs=2)
    for odd in (b"", b"RIFF", b"\xff" * 5000, b"\0\0\0\0ftyp" + b"mvhd", b"ID3\x04\0\0\x7f\x7f\x7f\x7f"):
        assert duration_ms(odd) > 0


# ── What is allowed now ──────────────────────────────────────────────────────────────────────


def test_the_first_answer_is_free_for_a_while_then_it_counts() -> None:
    token = {"token": "t", "expires_at": (NOW + timedelta(seconds=50)).isoformat(), "once": True}
    talk = Conversation(external_id=USER, reply_handle=token, quota_left=0)
    able = adapter.abilities(account(), talk, NOW)
    assert (able.reply_until, able.closed) == (NOW + timedelta(seconds=50), None)
    assert "free" in str(able.window_words)
    assert "quota" in str(able.after_window)
    later = adapter.abilities(account(), talk, NOW + timedelta(seconds=51))
    assert later.reply_until is None
    assert "used up" in str(later.closed)
    some = adapter.abilities(account(), replace(talk, quota_left=3), NOW + timedelta(seconds=51))
    assert (some.closed, some.quota_left) == (None, 3)
    assert adapter.abilities(account(), replace(talk, blocked=True), NOW).closed
    assert not adapter.abilities(account(), replace(talk, is_group=True), NOW).shows_typing


def test_quota(line: FakeLine) -> None:
    own, http = on(line)
    assert adapter.quota(own, http).limit is None
    line.limit = 2
    for key in ("1", "2"):
        adapter.send(own, reply(key=key), http)
    assert (adapter.quota(own, http).limit, adapter.quota(own, http).used) == (2, 2)
    with pytest.raises(DeliveryFailed) as caught:
        adapter.send(own, reply(key="3"), http)
    assert (caught.value.code, caught.value.permanent) == ("monthly_limit", True)


def test_read_marks_and_typing(line: FakeLine) -> None:
    own, http = on(line)
    adapter.mark_read(own, Conversation(external_id=USER, read_handle={"token": "read-1"}), "53", http)
    adapter.mark_read(own, Conversation(external_id=USER), "53", http)
    adapter.typing(own, Conversation(external_id=USER), http)
    adapter.typing(own, Conversation(external_id=GROUP, is_group=True), http)
    assert (line.read, line.typing) == (["read-1"], [USER])


def test_profiles_of_people_and_groups(line: FakeLine) -> None:
    own, http = on(line)
    line.profiles[USER] = {
        "displayName": "ส้ม 🍊",
        "userId": USER,
        "language": "th",
        "pictureUrl": "https://p.example/x",
    }
    line.profiles[GROUP] = {"groupId": GROUP, "groupName": "Pelanggan setia"}
    found = adapter.fetch_profile(own, USER, http)
    assert (found.name, found.language, found.picture_url) == ("ส้ม 🍊", "th", "https://p.example/x")
    assert adapter.fetch_profile(own, GROUP, http).name == "Pelanggan setia"
    for nobody in ("U" + "9" * 32, "R" + "9" * 32, f"unknown@{GROUP}", "unknown", ""):
        assert adapter.fetch_profile(own, nobody, http) is None
    line.will(503)
    with pytest.raises(http_module.Unanswered):
        adapter.fetch_profile(own, USER, http)


def test_a_member_of_a_group_who_is_no_friend_gets_their_name(
    line: FakeLine, posts: Any, channel: Channel, jobs_inline: list[str]
) -> None:
    line.profiles[GROUP] = {"groupName": "Pelanggan setia"}
    line.profiles[f"{GROUP}/member/{USER}"] = {"displayName": "Budi"}
    posts(line.message(of=IN_GROUP))
    assert set(Address.objects.values_list("name", flat=True)) == {"Pelanggan setia", "Budi"}


# ── Set-up ───────────────────────────────────────────────────────────────────────────────────


def words_of(lines: Any) -> list[tuple[bool, str]]:
    return [(line.ok, str(line.words)) for line in lines]


def test_the_check_names_the_step_that_is_missing(line: FakeLine) -> None:
    own, http = on(line)
    (missing,) = adapter.check(replace(own, settings={"channel_secret": "x"}), http)
    assert not missing.ok
    assert [ok for ok, _words in words_of(adapter.check(own, http))] == [True, False]
    assert words_of(adapter.connect(own, http)) == [
        (True, "LINE has the webhook address of this channel."),
        (True, "LINE's test post to it arrived."),
    ]
    assert line.endpoint == own.webhook_url
    assert all(ok for ok, _words in words_of(adapter.check(own, http)))
    line.active = False
    assert "Use webhook" in words_of(adapter.check(own, http))[1][1]
    line.endpoint = "https://elsewhere.example/"
    assert "elsewhere.example" in words_of(adapter.check(own, http))[1][1]
    wrong = replace(own, settings={**own.settings, "channel_access_token": "wrong"})
    assert [ok for ok, _words in words_of(adapter.check(wrong, http))] == [False]
    assert [ok for ok, _words in words_of(adapter.connect(wrong, http))] == [False]
    line.test_post = {"success": False, "statusCode": 502, "reason": "ERROR_STATUS_CODE", "detail": "502"}
    assert words_of(adapter.connect(own, http))[1] == (False, "LINE's test post did not arrive: 502")
    with FakeLine() as gone:
        pass
    nowhere = replace(own, settings={**own.settings, "base_url": gone.url})
    assert [ok for ok, _words in words_of(adapter.check(nowhere, Http.trusting(gone.url)))] == [False]


def test_settings_that_cannot_work() -> None:
    for odd in ({"channel_access_token": "two words"}, {"channel_access_token": "ไทย"}, {"channel_secret": "a b c"}):
        with pytest.raises(SettingsInvalid):
            adapter.check_settings(odd)


# ── Through the desk ─────────────────────────────────────────────────────────────────────────


@pytest.fixture
def channel(north: Team, line: FakeLine) -> Channel:
    return connect("line", north, "LINE", channel_secret=SECRET, channel_access_token=TOKEN, base_url=line.url)


@pytest.fixture
def posts(channel: Channel, line: FakeLine) -> Callable[..., Any]:
    def post(*events: Any) -> Any:
        body, headers = line.signed(*events)
        own = {"HTTP_X_LINE_SIGNATURE": headers["X-Line-Signature"]}
        return lean_client().post(f"/webhooks/{channel.pk}/", body, content_type="application/json", **own)

    return post


def test_from_webhook_to_reply(
    line: FakeLine, posts: Any, bea: Agent, work: Callable[[], None], channel: Channel
) -> None:
    assert posts(line.message(text="สวัสดี")).status_code == 200
    ticket = Ticket.objects.get()
    for text in ("Halo", "Masih ada"):
        replies.reply(ticket.pk, bea, replies.Draft(text=text))
        work()
    assert [(call["how"], call["messages"][0]["text"]) for call in line.sent] == [
        ("reply", "Halo"),
        ("push", "Masih ada"),
    ]
    assert [path for path in line.paths() if "message" in path] == ["/v2/bot/message/reply", "/v2/bot/message/push"]
    assert set(Message.objects.filter(direction="out").values_list("status", flat=True)) == {"sent"}


@pytest.mark.parametrize("arrived", [True, False])
def test_a_reply_without_an_answer_is_there_once(
    line: FakeLine, posts: Any, bea: Agent, work: Callable[[], None], monkeypatch: pytest.MonkeyPatch, arrived: bool
) -> None:
    """The desk repeats it; the token tells whether it had arrived."""
    posts(line.message())
    message, _new = replies.reply(Ticket.objects.get().pk, bea, replies.Draft(text="Halo"))
    take = line._reply
    if arrived:
        monkeypatch.setattr(line, "_reply", lambda request: [take(request), answer(drop=True)][1])
        work()
        monkeypatch.setattr(line, "_reply", take)
    else:
        line.will(drop=True)
        work()
    Message.objects.filter(pk=message.pk).update(next_attempt_at=datetime.now(UTC))
    delivery.sweep()
    message.refresh_from_db()
    assert message.status == "sent"
    assert [call["how"] for call in line.sent] == ["reply"]


def test_redelivery_in_any_order_and_in_parallel(line: FakeLine, posts: Any, transactional_db: None) -> None:
    events = [line.message(text=f"{number}", of={"age": 9 - number}) for number in range(3)]
    bodies = [[events[2]], [redelivered(events[0])], [events[1], redelivered(events[2])], [events[0]]]

    def post(body: list[Any]) -> None:
        try:
            assert posts(*body).status_code == 200
        finally:
            connection.close()

    threads = [threading.Thread(target=post, args=(body,)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = Message.objects.order_by("sent_at").values_list("text", flat=True)
    assert list(found) == ["0", "1", "2"]
    assert Ticket.objects.count() == 1


def test_a_thousand_events_in_one_body(line: FakeLine, posts: Any) -> None:
    events = [{**line.event("botSuspended"), "source": None} for _number in range(999)]
    assert posts(*events, line.message(text="the last")).status_code == 200
    assert Message.objects.get().text == "the last"
    assert Envelope.objects.get().state == "opened"


def test_unsent_is_gone_everywhere_and_blocked_is_known(line: FakeLine, posts: Any) -> None:
    said = line.message(text="rahasia")
    posts(said, line.message(text="tetap"))
    posts(line.event("unsend", unsend={"messageId": said["message"]["id"]}))
    posts(line.event("unfollow"))
    assert sorted(Message.objects.values_list("text", flat=True)) == ["", "tetap"]
    assert all(b"rahasia" not in bytes(body) for body in Envelope.objects.values_list("body", flat=True))
    assert Address.objects.get(external_id=USER).blocked_at
    assert Activity.objects.filter(type="customer.unfollow").count() == 1
    posts(line.event("follow", follow={"isUnblocked": True}))
    assert not Address.objects.get(external_id=USER).blocked_at


def test_a_group_is_one_conversation_of_many(line: FakeLine, posts: Any, bea: Agent, work: Callable[[], None]) -> None:
    other = {"source": {"type": "group", "groupId": GROUP, "userId": "U" + "7" * 32}}
    posts(line.message(of=IN_GROUP), line.message(of=other))
    ticket = Ticket.objects.get()
    assert ticket.address.external_id == GROUP
    assert len(set(Message.objects.values_list("address", flat=True))) == 2
    replies.reply(ticket.pk, bea, replies.Draft(text="Halo semua"))
    work()
    assert line.sent[0]["to"] == GROUP


def test_a_picture_that_is_late_and_one_that_lies(line: FakeLine, posts: Any, work: Callable[[], None]) -> None:
    picture = line.message("image", contentProvider={"type": "line"})
    line.content[picture["message"]["id"]] = [
        answer(body=b"<html>not a picture", headers={"Content-Type": "image/png"})
    ]
    private = line.message("image", contentProvider={"type": "external", "originalContentUrl": "http://10.0.0.1/x.png"})
    posts(picture, private)
    work()
    first, second = Message.objects.order_by("pk")
    assert first.attachments.get().kind == "file", "it calls itself a picture"
    assert second.attachments.get().state == "blocked"
