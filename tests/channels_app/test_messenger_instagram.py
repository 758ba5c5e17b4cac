"""Messenger and Instagram: what comes in beyond the samples, and what goes out, to a fake of Meta's API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from channels_app.adapters.instagram import InstagramAdapter
from channels_app.adapters.messenger import MessengerAdapter
from channels_app.contract import (
    Account,
    Conversation,
    Deletion,
    DeliveryFailed,
    Edit,
    InboundMessage,
    MediaGone,
    NoSeam,
    Notice,
    OutboundAttachment,
    OutboundMessage,
    Profile,
    QuickReply,
    Reaction,
    Receipt,
    Remote,
    Unreadable,
)
from channels_app.http import Blocked, Http, Unanswered
from channels_app.meta.pages import PageAdapter
from tests.platforms.meta import IG_ID, PAGE_ID, PERSON, TOKEN, FakeMeta, event, page, said

ADAPTERS: dict[str, PageAdapter] = {"messenger": MessengerAdapter(), "instagram": InstagramAdapter()}
messenger, instagram = ADAPTERS["messenger"], ADAPTERS["instagram"]
OWN = {"messenger": {"page_id": PAGE_ID}, "instagram": {"account_id": IG_ID}}
PAYLOADS = Path(__file__).parent.parent / "platforms" / "payloads"
NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
THAI = "ยินดีให้บริการค่ะ "


@pytest.fixture(params=["messenger", "instagram"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def meta() -> Iterator[FakeMeta]:
    with FakeMeta() as platform:
        yield platform


def account(kind: str, platform: FakeMeta | None = None, **given: str) -> Account:
    own = {"app_secret": "s", "access_token": TOKEN, "verify_token": "v", **OWN[kind]}
    return Account(1, kind, "x", {**own, "base_url": platform.url if platform else "", **given})


def payload(kind: str, name: str) -> list[Any]:
    return parse(kind, json.loads((PAYLOADS / kind / f"{name}.json").read_bytes()))


def parse(kind: str, body: Any) -> list[Any]:
    return list(ADAPTERS[kind].parse(account(kind), body))


def file(kind: Any = "image", mime: str = "image/png", size: int = 3) -> OutboundAttachment:
    return OutboundAttachment(
        kind=kind, mime=mime, filename="a", size=size, url="https://hub/signed", open=lambda: b"PNG"
    )


def reply(**more: Any) -> OutboundMessage:
    return OutboundMessage(key="41-1", to=more.pop("to", PERSON), **more)


def send(kind: str, platform: FakeMeta, message: OutboundMessage, **given: str) -> Any:
    return ADAPTERS[kind].send(account(kind, platform, **given), message, Http.trusting(platform.url))


def refused(kind: str, platform: FakeMeta, message: OutboundMessage, **given: str) -> DeliveryFailed:
    with pytest.raises(DeliveryFailed) as caught:
        send(kind, platform, message, **given)
    return caught.value


# ── In ───────────────────────────────────────────────────────────────────────────────────────


def test_files_of_all_kinds(kind: str) -> None:
    (message,) = payload(kind, "text_with_files_of_all_kinds")
    assert [attachment.kind for attachment in message.attachments] == ["image", "video", "audio", "file"]
    assert not any(attachment.remote.credentials for attachment in message.attachments)


def test_a_sticker_that_comes_twice_is_one(kind: str) -> None:
    (message,) = payload(kind, "sticker_as_picture_too")
    assert [attachment.kind for attachment in message.attachments] == ["sticker"]


def test_two_pictures_beside_a_sticker_stay() -> None:
    files = [{"type": "image", "payload": {"url": f"https://cdn.example/{n}"}} for n in "ab"]
    sticker = {"type": "sticker", "payload": {"url": "https://cdn.example/s", "sticker_id": 1}}
    (message,) = parse(
        "messenger", page("messenger", event("messenger", message={"mid": "m", "attachments": [*files, sticker]}))
    )
    assert [attachment.kind for attachment in message.attachments] == ["image", "image", "sticker"]


def test_a_postback_with_the_ad_that_led_to_it(kind: str) -> None:
    (message,) = payload(kind, "postback_with_mid")
    assert (message.external_id, message.text, message.postback.payload) == ("m_3", "Mulai", "GET_STARTED")
    assert message.referral == {
        "source": "ADS", "type": "OPEN_THREAD", "ref": "promo", "id": "42", "headline": "Batik",
        "media_url": "https://cdn.example/ad.jpg",
    }  # fmt: skip


def test_a_postback_without_an_id_has_one_that_stays() -> None:
    body = page("messenger", event("messenger", postback={"title": "Mulai", "payload": "x"}))
    (first,), (again,) = parse("messenger", body), parse("messenger", json.loads(json.dumps(body)))
    assert first.external_id == again.external_id
    (later,) = parse("messenger", page("messenger", event("messenger", at=1767225600124, postback={"payload": "x"})))
    assert later.external_id != first.external_id
    bare = event("messenger", postback={"payload": "x"})
    del bare["timestamp"]
    ids = {parse("messenger", page("messenger", bare, time=time))[0].external_id for time in (1, 2)}
    assert len(ids) == 2


def test_a_quick_reply_and_what_it_quotes(kind: str) -> None:
    (message,) = payload(kind, "quick_reply_and_quote")
    assert (message.postback.payload, message.postback.source) == ("yes", "quick_reply")
    assert message.reply_to.external_id == "m_0"


def test_a_reaction_without_its_sign(kind: str) -> None:
    love, gone = payload(kind, "reaction_without_sign")
    assert isinstance(love, Reaction)
    assert (love.emoji, love.removed) == ("\u2764\ufe0f", False)
    assert (gone.emoji, gone.removed) == ("", True)


def test_the_pages_own_reaction_is_no_news(kind: str) -> None:
    body = page(kind, event(kind, reaction={"mid": "m", "action": "react", "emoji": "👍"}))
    body["entry"][0]["messaging"][0]["sender"] = {"id": body["entry"][0]["id"]}
    assert parse(kind, body) == []


def test_unsent_and_unsupported(kind: str) -> None:
    gone, odd = payload(kind, "unsent_and_unsupported")
    assert isinstance(gone, Deletion)
    assert (gone.target, odd.unsupported) == ("m_5", True)


def test_an_echo_is_ours_and_of_the_customers_conversation(kind: str) -> None:
    (echo,) = payload(kind, "echo_of_another_app")
    assert (echo.echo, echo.conversation, echo.own_key) == (True, PERSON, "")
    (standby,) = payload(kind, "standby")
    assert standby.standby


def test_our_own_echo_names_our_key() -> None:
    (echo,) = payload("messenger", "own_echo")
    assert (echo.echo, echo.own_key, echo.external_id) == (True, "41-1", "m_20")


def test_handovers_and_opt_ins_are_lines(kind: str) -> None:
    passed, taken = payload(kind, "handover")
    assert isinstance(passed, Notice)
    assert (passed.kind, passed.detail["action"]) == ("handover", "pass_thread_control")
    assert passed.event_id != taken.event_id


def test_a_stopped_subscription_is_an_opt_out_and_tells_no_token() -> None:
    stopped, feedback, box = payload("messenger", "optins_and_feedback")
    assert (stopped.kind, stopped.blocked) == ("opt_out", None)
    assert "secret-token" not in str(stopped.detail)
    assert feedback.kind == "feedback"
    assert box.sender.external_id == "user_ref:u-1"


def test_the_answers_of_a_form_stand_in_its_line(kind: str) -> None:
    answer = {"type": "csat", "payload": "4", "follow_up": {"type": "free_form", "payload": "Ramah"}}
    form = {"feedback_screens": [{"screen_id": 0, "questions": {"q1": answer}}]}
    (told,) = parse(kind, page(kind, event(kind, messaging_feedback=form)))
    assert told.kind == "feedback"
    assert {"4", "Ramah"} <= set(told.detail.values())
    (roles,) = parse(kind, page(kind, event(kind, app_roles={"123": ["primary_receiver"]})))
    assert roles.detail == {"123.0": "primary_receiver", "action": "app_roles"}


def test_what_nobody_knows_is_shown(kind: str) -> None:
    found = payload(kind, "kinds_nobody_knows")
    assert all(isinstance(item, InboundMessage) and item.unsupported for item in found)
    assert [item.unsupported_reason for item in found] == ["hologram", "hologram", "message", "message"]
    assert found[1].attachments[0].remote.url == "https://cdn.example/h"
    assert len({item.external_id for item in found}) == 4


def test_a_broken_event_leaves_its_neighbours(kind: str) -> None:
    found = payload(kind, "one_broken_among_neighbours")
    assert [getattr(item, "text", "broken") for item in found] == ["sebelum", "broken", "broken", "broken", "sesudah"]
    assert isinstance(found[1], Unreadable)


def test_times_of_all_kinds(kind: str) -> None:
    first, second, epoch, far = payload(kind, "times_of_all_kinds")
    assert first.occurred_at == second.occurred_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert epoch.occurred_at is far.occurred_at is None


def test_receipts_are_watermarks_and_name_each_message_once() -> None:
    first, second, read = payload("messenger", "receipts_of_many")
    assert [item.external_id for item in (first, second, read)] == ["m_a", "m_b", ""]
    assert first.watermark
    assert second.watermark is None
    assert (read.state, read.watermark, read.recipient) == ("read", first.watermark, PERSON)
    (seen,) = payload("instagram", "read_of_a_message")
    assert isinstance(seen, Receipt)
    assert (seen.state, seen.external_id, seen.watermark) == ("read", "m_a", None)


def test_an_edit() -> None:
    (edit,) = payload("messenger", "edit")
    assert isinstance(edit, Edit)
    assert (edit.target, edit.text) == ("m_1", "Ini foto yang benar")


def test_an_edit_that_does_not_say_what_it_says_now_changes_nothing(kind: str) -> None:
    new, odd = (event(kind, message_edit={"mid": "m", "num_edit": number}) for number in (0, 1))
    (unreadable,) = parse(kind, page(kind, new, odd))
    assert isinstance(unreadable, Unreadable)


def test_cards_links_and_places() -> None:
    (message,) = payload("messenger", "templates_and_links")
    link, card, place = message.attachments
    assert (link.kind, link.caption, link.remote, link.link) == ("share", "Toko", None, "https://shop.example/1")
    assert (card.kind, card.caption, card.remote) == ("template", "Batik, Sarung", None)
    assert card.link == "https://shop.example/batik"
    assert (place.location.lat, place.location.lon, place.location.name) == (-6.2, 106.8, "Ana's Location")


def test_stories_posts_and_what_vanishes() -> None:
    mention, answer = payload("instagram", "story_mention_and_reply")
    assert mention.attachments[0].kind == "story"
    assert (answer.reply_to.kind, answer.reply_to.external_id) == ("story", "18")
    assert answer.reply_to.url.startswith("https://lookaside")
    (shared,) = payload("instagram", "post_shared_twice")
    assert [(one.kind, one.caption) for one in shared.attachments] == [("share", "Koleksi"), ("share", "")]
    (vanishing,) = payload("instagram", "picture_that_vanishes")
    assert (vanishing.unsupported_reason, vanishing.attachments) == ("ephemeral", ())


def test_a_real_message_under_changes_counts_and_a_comment_is_a_line() -> None:
    (message,) = payload("instagram", "message_under_changes")
    assert (message.text, message.sender.external_id) == ("Halo", PERSON)
    (comment,) = payload("instagram", "comment_on_a_post")
    assert (comment.kind, comment.conversation, comment.detail["text"]) == ("comment", PERSON, "Berapa?")


def test_the_test_button_starts_nothing(kind: str) -> None:
    test = {"mid": "random_mid", "text": "random_text"}
    assert parse(kind, page(kind, event(kind, message=test))) == []
    entry = {"id": "0", "changes": [{"field": "messages", "value": event(kind, message={"mid": "m", "text": "x"})}]}
    object_ = page(kind)["object"]
    assert (
        list(ADAPTERS[kind].parse(account(kind, page_id="", account_id=""), {"object": object_, "entry": [entry]}))
        == []
    )


def test_what_is_written_under_a_page_is_a_line_at_most() -> None:
    written = {"item": "comment", "verb": "add", "comment_id": "1_2", "post_id": "9_1", "created_time": 1767225600}
    theirs = {**written, "message": "Berapa?", "from": {"id": PERSON, "name": "Dewi"}}
    older = {**written, "message": "Berapa?", "sender_id": int(PERSON), "sender_name": "Dewi"}
    ours = {**written, "message": "Rp 5.000", "from": {"id": PAGE_ID}}
    liked = {"item": "like", "verb": "add", "from": {"id": PERSON}}
    changes = [{"field": "feed", "value": value} for value in (theirs, older, ours, liked)]
    mention = {"field": "mention", "value": {"item": "post", "message": "@toko", "from": {"id": PERSON}}}
    found = parse("messenger", page("messenger", changes=[*changes, mention, {"field": "conversations"}, 7]))
    assert [(item.kind, item.conversation, item.detail["text"]) for item in found] == [
        ("comment", PERSON, "Berapa?"), ("comment", PERSON, "Berapa?"), ("mention", PERSON, "@toko"),
    ]  # fmt: skip
    assert (found[0].sender.name, found[0].occurred_at) == ("Dewi", datetime(2026, 1, 1, tzinfo=UTC))
    assert len({item.event_id for item in found}) == 3


def test_a_link_of_the_older_spelling_and_what_an_unknown_attachment_says(kind: str) -> None:
    link = {"type": "fallback", "title": "Toko", "payload": None, "URL": "https://toko.example/a"}
    booked = {"type": "appointment_booking", "payload": {"title": "Selasa, 10.00"}}
    (said,) = parse(kind, page(kind, event(kind, message={"mid": "m", "attachments": [link, booked]})))
    (shared,) = said.attachments
    assert (shared.kind, shared.link, shared.caption) == ("share", "https://toko.example/a", "Toko")
    assert (said.text, said.unsupported_reason) == ("Selasa, 10.00", "appointment_booking")
    (ordered,) = parse(kind, page(kind, event(kind, order={"note": "Tanpa gula", "products": [{"id": "1"}]})))
    assert (ordered.text, ordered.unsupported_reason) == ("Tanpa gula", "order")
    heart = {"mid": "m", "attachments": [{"type": "like_heart"}]}
    (liked,) = parse(kind, page(kind, event(kind, message=heart)))
    assert [(file.kind, file.filename) for file in liked.attachments] == [("sticker", "\u2764\ufe0f")]


def test_files_come_without_the_token(meta: FakeMeta) -> None:
    meta.add_media("1", b"PNG", "image/png")
    http = Http.trusting(meta.url)
    for kind, adapter in ADAPTERS.items():
        assert b"".join(adapter.fetch_media(account(kind, meta), Remote(url=meta.cdn("1")), http)) == b"PNG"
        with pytest.raises(Blocked):
            adapter.fetch_media(account(kind), Remote(url=meta.cdn("1")), Http())
        with pytest.raises(MediaGone):
            adapter.fetch_media(account(kind, meta), Remote(url=meta.cdn("404")), http)
    assert not any("authorization" in request.headers for request in meta.requests)


# ── Out ──────────────────────────────────────────────────────────────────────────────────────


def test_a_text_to_messenger(meta: FakeMeta) -> None:
    sent = send("messenger", meta, reply(text="Halo", reply_to="m_x"))
    assert sent.external_id == "m_out1"
    (request,) = meta.requests
    assert request.path == f"/v24.0/{PAGE_ID}/messages"
    assert request.json == {
        "recipient": {"id": PERSON}, "messaging_type": "RESPONSE", "reply_to": {"mid": "m_x"},
        "message": {"text": "Halo", "metadata": "41-1"},
    }  # fmt: skip


def test_a_text_to_instagram(meta: FakeMeta) -> None:
    send("instagram", meta, reply(text="Halo"))
    send("instagram", meta, reply(text="Halo"), login="page")
    send("instagram", meta, reply(text="Halo"), account_id="")
    assert meta.paths() == [f"/v24.0/{IG_ID}/messages", "/v24.0/me/messages", "/v24.0/me/messages"]
    assert meta.requests[0].json == {"recipient": {"id": PERSON}, "message": {"text": "Halo"}}


def test_which_api_an_instagram_token_is_for() -> None:
    assert InstagramAdapter().api(account("instagram")) == "https://graph.instagram.com"
    assert InstagramAdapter().api(account("instagram", login="page")) == "https://graph.facebook.com"


def test_a_guest_is_answered_by_reference(meta: FakeMeta) -> None:
    send("messenger", meta, reply(to="user_ref:u-1", text="Halo"))
    assert meta.requests[0].json["recipient"] == {"user_ref": "u-1"}


@pytest.mark.parametrize(
    ("given", "type"),
    [
        (file(), "image"), (file("video", "video/mp4"), "video"), (file("audio", "audio/mpeg"), "audio"),
        (file("voice", "audio/ogg"), "audio"), (file("file", "application/pdf"), "file"),
    ],
)  # fmt: skip
def test_a_file_goes_as_a_signed_link(kind: str, meta: FakeMeta, given: OutboundAttachment, type: str) -> None:
    send(kind, meta, reply(attachments=(given,)))
    sent = meta.requests[0].json["message"]["attachment"]
    assert sent == {"type": type, "payload": {"url": "https://hub/signed"}}


@pytest.mark.parametrize("given", [file("file", "application/zip"), file("image", "image/png", 9 * 1024 * 1024)])
def test_what_instagram_does_not_take_is_not_sent(meta: FakeMeta, given: OutboundAttachment) -> None:
    failure = refused("instagram", meta, reply(attachments=(given,)))
    assert (failure.permanent, failure.category, meta.requests) == (True, "content", [])
    send("messenger", meta, reply(attachments=(given,)))


def parts(kind: str, **more: Any) -> list[OutboundMessage]:
    able = ADAPTERS[kind].abilities(account(kind), Conversation(external_id=PERSON, last_inbound_at=NOW), NOW)
    return list(ADAPTERS[kind].split(reply(**more), able))


def test_words_and_files_are_messages_of_their_own(kind: str) -> None:
    words, one, two = parts(
        kind, text="Ini", attachments=(file(), file()), reply_to="m_x", quick_replies=(QuickReply(title="Ya"),)
    )
    assert [(part.text, len(part.attachments), part.reply_to) for part in (words, one, two)] == [
        ("Ini", 0, "m_x"), ("", 1, ""), ("", 1, ""),
    ]  # fmt: skip
    assert [len(part.quick_replies) for part in (words, one, two)] == [0, 0, 1]
    assert len(parts(kind, text="", attachments=(file(),))) == 1
    assert len(parts(kind, text="Halo")) == 1


def test_instagram_counts_bytes() -> None:
    cut = parts("instagram", text=THAI * 20)
    assert len(cut) == 2
    assert max(len(part.text.encode()) for part in cut) <= 1000
    assert len(parts("messenger", text=THAI * 20)) == 1
    with pytest.raises(NoSeam):
        parts("instagram", text="ก" * 334)
    assert len(parts("instagram", text="ก" * 333)) == 1
    assert ADAPTERS["instagram"].measure(account("instagram"), "ก").length == 3


def test_messenger_counts_letters() -> None:
    assert len(parts("messenger", text="x" * 2000)) == 1
    assert [len(part.text) <= 2000 for part in parts("messenger", text="kata " * 500)] == [True, True]


def test_quick_replies(kind: str, meta: FakeMeta) -> None:
    choices = (
        QuickReply(title="Ya", payload="yes"),
        *(QuickReply(title=f"Pilihan yang panjang {n}") for n in range(14)),
    )
    send(kind, meta, reply(text="Mau?", quick_replies=choices))
    sent = meta.requests[0].json["message"]["quick_replies"]
    assert len(sent) == 13
    assert sent[0] == {"content_type": "text", "title": "Ya", "payload": "yes"}
    assert sent[1]["payload"] == "Pilihan yang panjang 0"


def test_reactions_read_marks_and_typing(kind: str, meta: FakeMeta) -> None:
    adapter, here = ADAPTERS[kind], Conversation(external_id=PERSON)
    own, http = account(kind, meta), Http.trusting(meta.url)
    adapter.react(own, here, "m_x", "\u2764\ufe0f", http)
    adapter.react(own, here, "m_x", "", http)
    adapter.mark_read(own, here, "m_x", http)
    adapter.typing(own, here, http)
    assert [act["sender_action"] for act in meta.acts] == ["react", "unreact", "mark_seen", "typing_on"]
    assert meta.acts[0]["payload"]["reaction"] == ("love" if kind == "instagram" else "\u2764\ufe0f")
    assert meta.acts[1]["payload"] == {"message_id": "m_x"}


# ── The window ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("hours", "people", "purpose", "closed", "until"),
    [
        (None, "on", "response", True, None),
        (0, "on", "response", False, 24),
        (23.99, "off", "response", False, 24),
        (24, "on", "human_agent", False, 7 * 24),
        (24, "off", "response", True, None),
        (7 * 24 - 0.01, "on", "human_agent", False, 7 * 24),
        (7 * 24, "on", "response", True, None),
        (-1, "on", "response", False, 24),
    ],
)
def test_24_hours_then_people_then_nobody(
    kind: str, hours: float | None, people: str, purpose: str, closed: bool, until: int | None
) -> None:
    last = NOW - timedelta(hours=hours) if hours is not None else None
    here = Conversation(external_id=PERSON, last_inbound_at=last)
    able = ADAPTERS[kind].abilities(account(kind, human_agent=people), here, NOW)
    assert (able.purpose, able.closed is not None, able.only_templates) == (purpose, closed, False)
    assert able.reply_until == (last + timedelta(hours=until) if last and until else None)
    assert bool(able.window_words and able.after_window) != closed
    assert not able.can_write_first


def test_what_people_write_after_a_day_says_so(kind: str, meta: FakeMeta) -> None:
    meta.closed.add(PERSON)
    failure = refused(kind, meta, reply(text="Halo"))
    assert (failure.code, failure.category, failure.permanent) == ("10", "window", True)
    assert "2018278" in failure.detail
    send(kind, meta, reply(text="Halo", purpose="human_agent"))
    assert {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}.items() <= meta.sends[0].body.items()


@pytest.mark.parametrize(("to", "category", "permanent"), [("551", "blocked", True), ("613", "rate", False)])
def test_people_that_fail(kind: str, meta: FakeMeta, to: str, category: str, permanent: bool) -> None:
    failure = refused(kind, meta, reply(to=to, text="x"))
    assert (failure.code, failure.category, failure.permanent) == (to, category, permanent)


# ── Profiles ─────────────────────────────────────────────────────────────────────────────────


def profile(kind: str, platform: FakeMeta, person: str = PERSON) -> Profile | None:
    return ADAPTERS[kind].fetch_profile(account(kind, platform), person, Http.trusting(platform.url))


def test_a_profile(kind: str, meta: FakeMeta) -> None:
    meta.people[PERSON] = {
        "name": "Dewi Lestari",
        "username": "dewi",
        "profile_pic": "https://cdn.example/d.jpg",
        "locale": "id_ID",
    }
    found = profile(kind, meta)
    assert found == Profile(
        name="Dewi Lestari", username="dewi", language="id_ID", picture_url="https://cdn.example/d.jpg"
    )


def test_a_field_without_permission_does_not_hide_the_name(meta: FakeMeta) -> None:
    meta.people[PERSON] = {"first_name": "Dewi", "last_name": "Lestari"}
    meta.will(403, json={"error": {"code": 230, "message": "Requires pages_user_locale"}})
    found = profile("messenger", meta)
    assert found
    assert found.name == "Dewi Lestari"


def test_nothing_told_is_none_and_trouble_is_asked_again(kind: str, meta: FakeMeta) -> None:
    assert profile(kind, meta, "404") is None
    assert profile(kind, meta, "user_ref:u-1") is None
    meta.people["1"] = {"profile_pic": "javascript:alert(1)"}
    assert profile(kind, meta, "1") is None
    for trouble in ({"status": 500}, {"status": 429}, {"status": 401}, {"drop": True}):
        meta.will(**trouble)
        with pytest.raises(Unanswered):
            profile(kind, meta)


# ── Set-up ───────────────────────────────────────────────────────────────────────────────────


def check(kind: str, platform: FakeMeta, **given: str) -> list[tuple[bool, str]]:
    lines = ADAPTERS[kind].check(account(kind, platform, **given), Http.trusting(platform.url))
    return [(line.ok, str(line.words)) for line in lines]


def test_a_check_says_what_is_known_and_subscribed(kind: str, meta: FakeMeta) -> None:
    known, subscribed = check(kind, meta)
    assert known[0]
    assert "atik" in known[1]
    assert subscribed[0]


@pytest.mark.parametrize(
    ("fields", "words"), [(None, "No app"), (["messaging_postbacks"], "messages"), ([], "messages")]
)
def test_a_check_says_what_the_webhook_lacks(kind: str, meta: FakeMeta, fields: list[str] | None, words: str) -> None:
    meta.subscribed = fields
    *_known, (ok, said_words) = check(kind, meta)
    assert not ok
    assert words in said_words


def test_a_check_that_finds_all(meta: FakeMeta) -> None:
    meta.subscribed = [
        "messages", "messaging_postbacks", "message_echoes", "message_deliveries", "message_reads",
        "message_reactions", "message_edits",
    ]  # fmt: skip
    assert check("messenger", meta)[-1] == (True, "The webhook brings all that this channel can show.")


@pytest.mark.parametrize("missing", ["app_secret", "verify_token", "access_token"])
def test_a_check_names_the_missing_setting(kind: str, meta: FakeMeta, missing: str) -> None:
    lines = check(kind, meta, **{missing: ""})
    assert any(not ok and missing.replace("_", " ") in words for ok, words in lines)


def test_a_bad_token_is_one_line(kind: str, meta: FakeMeta) -> None:
    assert [ok for ok, _words in check(kind, meta, access_token="old")] == [False]


def test_the_samples_text_is_read_by_every_account(kind: str) -> None:
    body = said(kind, "m_1")
    everyone = replace(account(kind), settings={})
    (message,) = ADAPTERS[kind].parse(everyone, body)
    assert isinstance(message, InboundMessage)
    assert message.text == "Halo"
