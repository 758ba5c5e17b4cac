"""WhatsApp: what comes in beyond the samples, and what goes out, to a fake of Meta's API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from channels_app import http as http_module
from channels_app.adapters.whatsapp import WhatsAppAdapter
from channels_app.contract import (
    Account,
    Conversation,
    Deletion,
    DeliveryFailed,
    Edit,
    InboundMessage,
    MediaGone,
    Notice,
    OutboundAttachment,
    OutboundMessage,
    QuickReply,
    Reaction,
    Receipt,
    Remote,
    SettingsInvalid,
    Template,
    Unreadable,
    fill,
)
from channels_app.http import Blocked, Http, TooLarge, Unanswered
from channels_app.meta.errors import FATES, late_failure
from tests.platforms.meta import CUSTOMER, NUMBER_ID, TOKEN, WABA_ID, FakeMeta, multipart, wa_message, whatsapp

adapter = WhatsAppAdapter()
NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
PAYLOADS = Path(__file__).parent.parent / "platforms" / "payloads" / "whatsapp"


@pytest.fixture
def meta() -> Iterator[FakeMeta]:
    with FakeMeta() as platform:
        yield platform


def account(platform: FakeMeta | None = None, **given: str) -> Account:
    own = {"app_secret": "s", "access_token": TOKEN, "phone_number_id": NUMBER_ID, "business_account_id": WABA_ID}
    return Account(1, "whatsapp", "x", {**own, "base_url": platform.url if platform else "", **given})


def parse(body: Any, **given: str) -> list[Any]:
    return list(adapter.parse(account(None, **given), body))


def payload(name: str) -> list[Any]:
    """Read as a channel that takes every number."""
    return parse(json.loads((PAYLOADS / f"{name}.json").read_bytes()), phone_number_id="")


def file(kind: Any = "image", mime: str = "image/png", size: int = 3, name: str = "a.png") -> OutboundAttachment:
    return OutboundAttachment(
        kind=kind, mime=mime, filename=name, size=size, url="https://hub/signed", open=lambda: b"PNG"
    )


def reply(**more: Any) -> OutboundMessage:
    return OutboundMessage(key="41", to=more.pop("to", CUSTOMER), **more)


def send(platform: FakeMeta, message: OutboundMessage, **given: str) -> Any:
    own = account(platform, **given)
    return adapter.send(own, message, Http.trusting(platform.url))


def refused(platform: FakeMeta, message: OutboundMessage, **given: str) -> DeliveryFailed:
    with pytest.raises(DeliveryFailed) as caught:
        send(platform, message, **given)
    return caught.value


# ── In ───────────────────────────────────────────────────────────────────────────────────────


def test_files_of_all_kinds() -> None:
    image, voice, sticker, document, video = payload("media_with_direct_url")
    assert (image.text, image.attachments[0].caption) == ("Rusak", "Rusak")
    assert image.attachments[0].remote.id == "111"
    assert image.attachments[0].remote.credentials
    assert (voice.attachments[0].kind, voice.attachments[0].remote.id) == ("voice", "112")
    assert sticker.attachments[0].kind == "sticker"
    assert (document.attachments[0].kind, document.attachments[0].filename) == ("file", "struk.pdf")
    assert video.attachments[0].kind == "video"


def test_choices_forms_and_products() -> None:
    button, row, form, template = payload("answers_to_choices")
    assert (button.postback.payload, button.text, button.reply_to.external_id) == ("yes", "Ya", "wamid.OURS")
    assert (row.postback.payload, row.postback.source) == ("size-l", "list")
    assert json.loads(form.postback.payload) == {"rating": "5"}
    assert template.postback.source == "template"
    (asked,) = payload("question_about_a_product")
    assert asked.reply_to.external_id == "wamid.CAT"
    assert asked.referral == {"source": "product", "id": "KAIN-7", "catalog": "1"}


def test_a_group_is_the_conversation_and_its_members_are_the_authors() -> None:
    said, reacted = payload("group_message_and_reaction")
    for news in (said, reacted):
        assert (news.conversation, news.is_group, news.sender.external_id) == ("Y2FwaV9ncm91cA", True, CUSTOMER)
    assert isinstance(reacted, Reaction)


def test_both_ids_of_a_person_are_handed_up() -> None:
    (said, other) = payload("text_two_numbers_in_one_body")
    assert said.sender.external_id == CUSTOMER
    assert said.sender.alt_ids == ("ID.7700001", "ID.ENT.9900001")
    assert (said.sender.name, said.sender.username, said.sender.phone) == ("Dewi Lestari", "dewi.l", f"+{CUSTOMER}")
    assert (other.sender.name, other.sender.alt_ids) == ("", ())
    (hidden,) = payload("username_without_number")
    assert (hidden.sender.external_id, hidden.sender.phone, hidden.sender.username) == ("ID.7700002", "", "sari")


def test_the_contact_of_another_person_lends_no_id() -> None:
    contact = {"profile": {"name": "Budi"}, "wa_id": "628999", "user_id": "ID.2"}
    body = whatsapp(contacts=[contact], messages=[{"from": CUSTOMER, "id": "m", "type": "text", "text": {"body": "x"}}])
    (said,) = parse(body)
    assert (said.sender.external_id, said.sender.alt_ids) == (CUSTOMER, ())


def test_a_person_moves_to_another_number_or_id() -> None:
    (moved,) = payload("user_changed_user_id")
    assert (moved.kind, moved.conversation, moved.moved_to) == ("number_changed", "ID.7700002", "MY.1")
    (same,) = payload("identity_changed")
    assert (same.kind, same.moved_to) == ("identity_changed", "")


def test_edits_and_revocations() -> None:
    edit, revoked = payload("edit_and_revoke_of_text")
    assert isinstance(edit, Edit)
    assert (edit.target, edit.text, edit.attachments) == ("wamid.OWN1", "Halo, pesanan saya sudah sampai", None)
    assert isinstance(revoked, Deletion)
    assert revoked.target == "wamid.OWN2"


def test_what_the_phone_app_wrote_is_ours() -> None:
    echo, revoked = payload("echoes_of_the_phone_app")
    assert (echo.echo, echo.conversation, echo.text) == (True, CUSTOMER, "Ini gambarnya")
    assert echo.attachments[0].remote.id == "116"
    assert isinstance(revoked, Deletion)
    assert (revoked.target, revoked.sender) == ("wamid.APP1", None)


def test_statuses() -> None:
    *known, failed, group = payload("statuses_of_all_kinds")
    assert [item.state for item in known] == ["sent", "delivered", "read", "read"]
    assert all((item.own_key, item.recipient) == ("41", CUSTOMER) for item in known)
    assert failed.state == "failed"
    assert (failed.error.code, failed.error.category, failed.error.permanent) == ("131026", "unknown", True)
    assert (group.is_group, group.recipient) == (True, "Y2FwaV9ncm91cA")


def test_an_unknown_status_is_unreadable_and_a_payment_is_no_failure() -> None:
    odd = {"id": "w", "status": "teleported", "recipient_id": CUSTOMER}
    paid = {"id": "w", "status": "failed", "type": "payment", "recipient_id": CUSTOMER}
    unreadable, notice = parse(whatsapp(statuses=[odd, paid]))
    assert isinstance(unreadable, Unreadable)
    assert isinstance(notice, Notice)
    assert notice.kind == "payment"


@pytest.mark.parametrize("status", ["deleted", "warning"])
def test_what_is_said_of_our_message_besides_is_a_line(status: str) -> None:
    (told,) = parse(whatsapp(statuses=[{"id": "w", "status": status, "recipient_id": CUSTOMER}]))
    assert isinstance(told, Notice)
    assert (told.kind, told.conversation) == (f"message_{status}", CUSTOMER)


def test_files_of_old_messages_are_no_new_ones() -> None:
    old = {"from": CUSTOMER, "id": "wamid.OLD", "timestamp": "1757225600", "type": "image", "image": {"id": "1"}}
    (told,) = parse(whatsapp(field="history", messages=[old]))
    assert isinstance(told, Notice)
    assert told.kind == "history"
    (declined,) = parse(whatsapp(field="history", history=[{"errors": [{"code": 2593109, "title": "Off"}]}]))
    assert (declined.kind, declined.detail) == ("history", {"code": "2593109", "detail": "Off"})


def test_a_message_without_its_type_is_read_by_what_it_has() -> None:
    text = {"from": CUSTOMER, "id": "m1", "text": {"body": "Halo"}}
    picture = {"from": CUSTOMER, "id": "m2", "image": {"id": "7", "caption": "Ini"}}
    said, shown = parse(whatsapp(messages=[text, picture]))
    assert (said.text, said.unsupported) == ("Halo", False)
    assert (shown.text, shown.attachments[0].remote.id, shown.unsupported) == ("Ini", "7", False)


def test_what_nobody_is_named_for_is_not_lost() -> None:
    contacts = [{"profile": {"name": "Dewi"}}]
    one, two = (
        parse(whatsapp(contacts=contacts, messages=[{"id": name, "type": "text", "text": {"body": "Halo"}}]))[0]
        for name in ("wamid.A", "wamid.B")
    )
    assert (one.text, one.sender.name, one.sender.phone) == ("Halo", "Dewi", "")
    assert one.conversation == one.sender.external_id == "unknown@wamid.A"
    assert one.conversation != two.conversation


def test_a_new_id_whose_old_one_stands_in_the_words() -> None:
    system = {"type": "user_changed_user_id", "user_id": "MY.2"}

    def told(body: str) -> Any:
        return parse(whatsapp(messages=[{"id": "m", "type": "system", "system": {**system, "body": body}}]))[0]

    moved = told("User Dewi changed from ID.1 to MY.2")
    assert (moved.kind, moved.conversation, moved.moved_to) == ("number_changed", "ID.1", "MY.2")
    for body in ("User Dewi changed from ID.1 to MY.3", ""):
        assert (told(body).kind, told(body).conversation, told(body).moved_to) == ("system", "MY.2", "")


def test_a_business_card_in_text_and_a_number_as_its_owner_wrote_it() -> None:
    written = "BEGIN:VCARD\nVERSION:3.0\nFN:Sari Dewi\nTEL;TYPE=CELL:+62 811 1\nEMAIL:sari@toko.example\nEND:VCARD"
    odd = {"name": {"formatted_name": "Toko"}, "phones": [{"phone": "021-555 ext. 12"}]}
    cards = [{"vcard": written}, {"vcard": written, "phones": [{"phone": "62811"}]}, odd]
    (said,) = parse(whatsapp(messages=[{"from": CUSTOMER, "id": "m", "type": "contacts", "contacts": cards}]))
    assert [file.contact.name for file in said.attachments] == ["Sari Dewi", "Sari Dewi", "Toko"]
    assert [file.contact.phones for file in said.attachments] == [("+62 811 1",), ("62811",), ("021-555 ext. 12",)]
    assert said.attachments[0].contact.emails == ("sari@toko.example",)


def test_who_left_a_group_and_who_asks_to_come_in() -> None:
    gone = {"type": "group_participants_remove", "group_id": "g", "removed_participants": [
        {"wa_id": "628111", "username": "@budi"}, {"input": "ID.7"}, 7]}  # fmt: skip
    asks = {"type": "group_join_request_created", "group_id": "g", "wa_id": "628222", "user_id": "ID.8"}
    left, request = parse(whatsapp(field="group_participants_update", groups=[gone, asks]))
    assert (left.kind, left.sender.external_id, left.detail["members"]) == ("member_left", "628111", ["@budi", "ID.7"])
    assert (request.kind, request.sender.external_id) == ("group_join_request_created", "628222")
    assert (left.conversation, left.is_group) == ("g", True)


def test_what_nobody_knows_is_shown_with_its_reason() -> None:
    found = payload("types_nobody_knows")
    assert all(isinstance(item, InboundMessage) and item.unsupported for item in found)
    assert [item.unsupported_reason for item in found] == ["hologram", "poll_creation", "text", "image"]


@pytest.mark.parametrize(
    ("name", "kind", "told"),
    [
        ("marketing_preference", "opt_out", {"category": "marketing_messages"}),
        ("calls", "call", {"status": "COMPLETED", "duration": "12"}),
        ("history_of_the_phone_app", "history", {"progress": "55"}),
        ("address_book_of_the_phone_app", "smb_app_state_sync", {}),
        ("errors_of_no_message", "platform_error", {"code": "130429"}),
        ("quality_of_the_number", "phone_number_quality_update", {"event": "FLAGGED"}),
        ("group_participants", "member_joined", {"members": [CUSTOMER]}),
        ("chat_opened", "chat_opened", {}),
    ],
)
def test_what_is_no_message_is_a_line_at_most(name: str, kind: str, told: dict[str, str]) -> None:
    (notice,) = payload(name)
    assert isinstance(notice, Notice)
    assert notice.kind == kind
    assert told.items() <= notice.detail.items()


def test_a_broken_message_leaves_its_neighbours() -> None:
    found = payload("one_broken_among_neighbours")
    assert [getattr(item, "text", getattr(item, "state", "broken")) for item in found] == [
        "sebelum", "broken", "broken", "sesudah", "broken", "delivered",
    ]  # fmt: skip
    assert found[3].occurred_at is None
    assert found[5].recipient == CUSTOMER


# ── Files ────────────────────────────────────────────────────────────────────────────────────


def fetch(platform: FakeMeta, remote: Remote, **given: str) -> bytes:
    return b"".join(adapter.fetch_media(account(platform, **given), remote, Http.trusting(platform.url)))


def test_a_file_is_asked_for_by_its_id(meta: FakeMeta) -> None:
    meta.add_media("111", b"JPEG", "image/jpeg")
    download = adapter.fetch_media(account(meta), Remote(id="111", credentials=True), Http.trusting(meta.url))
    assert download.content_type == "image/jpeg"
    assert b"".join(download) == b"JPEG"
    assert meta.paths() == ["/v24.0/111", "/files/111"]
    assert all(request.headers["authorization"] == f"Bearer {TOKEN}" for request in meta.requests)


def test_a_file_that_is_gone(meta: FakeMeta) -> None:
    meta.add_media("111", b"JPEG", "image/jpeg").expired = True
    for media_id in ("111", "404"):
        with pytest.raises(MediaGone):
            fetch(meta, Remote(id=media_id))


def test_the_link_that_came_along_helps_where_the_id_is_gone(meta: FakeMeta) -> None:
    meta.add_media("112", b"PDF", "application/pdf")
    url = "https://lookaside.fbsbx.com/files/112?ext=1"
    assert fetch(meta, Remote(id="404", url=url)) == b"PDF"
    assert fetch(meta, Remote(url=url)) == b"PDF"
    assert meta.requests[-1].query == {"ext": ["1"]}


def test_the_token_goes_to_meta_alone(meta: FakeMeta) -> None:
    with FakeMeta() as elsewhere:
        elsewhere.always(body=b"file")
        meta.will(json={"url": f"{elsewhere.url}/x"})
        both = Http.trusting(meta.url, elsewhere.url)
        assert b"".join(adapter.fetch_media(account(meta), Remote(id="1"), both)) == b"file"
        assert "authorization" not in elsewhere.requests[0].headers
        meta.will(json={"url": f"{meta.url}/y"}).will(redirect=f"{elsewhere.url}/z")
        assert b"".join(adapter.fetch_media(account(meta), Remote(id="1"), both)) == b"file"
        assert "authorization" not in elsewhere.requests[1].headers


def test_a_file_on_a_private_address_is_not_fetched(meta: FakeMeta) -> None:
    with FakeMeta() as inside:
        meta.will(json={"url": f"{inside.url}/x"})
        with pytest.raises(Blocked):
            fetch(meta, Remote(id="1"))
        assert inside.requests == []


@pytest.mark.parametrize("trouble", [{"status": 500}, {"status": 429}, {"status": 401}, {"drop": True}])
def test_trouble_that_passes_is_tried_again(meta: FakeMeta, trouble: dict[str, Any]) -> None:
    meta.always(**trouble)
    with pytest.raises(Unanswered):
        fetch(meta, Remote(id="1"))


def test_an_endless_file_is_cut_off(meta: FakeMeta, monkeypatch: pytest.MonkeyPatch) -> None:
    meta.will(json={"url": f"{meta.url}/files/1"}).will(endless=True)
    with pytest.raises(TooLarge):
        fetch(meta, Remote(id="1"))


@pytest.mark.parametrize("url", ["", "no address", "file:///etc/passwd", 7])
def test_an_answer_without_an_address_is_gone(meta: FakeMeta, url: Any) -> None:
    meta.will(json={"url": url})
    with pytest.raises(MediaGone):
        fetch(meta, Remote(id="1"))


# ── Out ──────────────────────────────────────────────────────────────────────────────────────


def test_a_text(meta: FakeMeta) -> None:
    sent = send(meta, reply(text="Lihat https://toko.example", reply_to="wamid.X"))
    assert (sent.external_id, sent.state) == ("wamid.OUT1", "sent")
    (request,) = meta.requests
    assert request.path == f"/v24.0/{NUMBER_ID}/messages"
    assert request.json == {
        "messaging_product": "whatsapp", "recipient_type": "individual", "to": CUSTOMER, "type": "text",
        "text": {"body": "Lihat https://toko.example", "preview_url": True},
        "context": {"message_id": "wamid.X"}, "biz_opaque_callback_data": "41",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("to", "group", "address"),
    [
        ("ID.7700002", False, {"recipient_type": "individual", "recipient": "ID.7700002"}),
        ("US.ENT.118", False, {"recipient_type": "individual", "recipient": "US.ENT.118"}),
        ("Y2Fw", True, {"recipient_type": "group", "to": "Y2Fw"}),
    ],
)
def test_who_hides_their_number_and_groups(meta: FakeMeta, to: str, group: bool, address: dict[str, str]) -> None:
    send(meta, reply(to=to, is_group=group, text="Halo"))
    assert address.items() <= meta.requests[0].json.items()


def test_the_version_is_a_setting(meta: FakeMeta) -> None:
    send(meta, reply(text="x"), api_version="v23.0")
    assert meta.paths() == [f"/v23.0/{NUMBER_ID}/messages"]


def test_without_an_id_of_its_own_the_number_written_to_answers(meta: FakeMeta) -> None:
    (said,) = parse(wa_message("m"), phone_number_id="")
    send(meta, reply(text="x", reply_handle=said.reply_handle), phone_number_id="")
    assert meta.paths() == [f"/v24.0/{NUMBER_ID}/messages"]
    (said,) = parse(wa_message("m"))
    assert said.reply_handle is None
    assert refused(meta, reply(text="x"), phone_number_id="").code == "phone_number_id"


def test_a_file_is_uploaded_and_sent_by_its_id(meta: FakeMeta) -> None:
    send(meta, reply(text="Ini", attachments=(file(),)))
    upload, message = meta.requests
    assert (upload.path, message.path) == (f"/v24.0/{NUMBER_ID}/media", f"/v24.0/{NUMBER_ID}/messages")
    assert multipart(upload)["file"] == ("a.png", "image/png", b"PNG")
    assert multipart(upload)["type"][2] == b"image/png"
    assert message.json["image"] == {"id": "901", "caption": "Ini"}


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (file("image", "image/gif"), "document"),
        (file("image", "image/jpeg", 6 * 1024 * 1024), "document"),
        (file("video", "video/mp4"), "video"),
        (file("video", "video/webm"), "document"),
        (file("audio", "audio/mpeg"), "audio"),
        (file("voice", "audio/ogg"), "audio"),
        (file("file", "application/pdf"), "document"),
        (file("sticker", "image/webp"), "sticker"),
        (file("image", "image/webp"), "document"),
    ],
)
def test_each_file_goes_as_what_whatsapp_takes(meta: FakeMeta, given: OutboundAttachment, kind: str) -> None:
    send(meta, reply(attachments=(given,)))
    body = meta.requests[-1].json
    assert body["type"] == kind
    assert body[kind].get("filename") == ("a.png" if kind == "document" else None)
    assert body[kind].get("voice") == (True if given.kind == "voice" else None)


@pytest.mark.parametrize("given", [file("file", "application/zip"), file("video", "video/mp4", 9 * 1024 * 1024)])
def test_what_cannot_be_uploaded_in_time_goes_as_a_link(meta: FakeMeta, given: OutboundAttachment) -> None:
    send(meta, reply(attachments=(given,)))
    (request,) = meta.requests
    assert request.json[request.json["type"]]["link"] == "https://hub/signed"


def test_an_upload_without_an_answer_may_be_tried_again(meta: FakeMeta) -> None:
    """Nothing was sent by it; a message without an answer may be out."""
    meta.will(drop=True)
    failure = refused(meta, reply(attachments=(file(),)))
    assert (failure.permanent, failure.category) == (False, "unknown")
    meta.will(json={"id": "901"}).will(drop=True)
    assert refused(meta, reply(attachments=(file(),))).category == "unconfirmed"


def parts(**more: Any) -> list[OutboundMessage]:
    able = adapter.abilities(account(), Conversation(external_id=CUSTOMER, last_inbound_at=NOW), NOW)
    return list(adapter.split(reply(**more), able))


def test_words_go_with_the_first_file_where_it_carries_them() -> None:
    one, two = parts(text="Ini", attachments=(file(), file()), reply_to="wamid.X")
    assert (one.text, len(one.attachments), one.reply_to) == ("Ini", 1, "wamid.X")
    assert (two.text, len(two.attachments), two.reply_to) == ("", 1, "")


@pytest.mark.parametrize("given", [file("audio", "audio/mpeg"), file("sticker", "image/webp")])
def test_else_they_go_first(given: OutboundAttachment) -> None:
    words, sound = parts(text="Ini", attachments=(given,))
    assert (words.text, words.attachments, sound.text) == ("Ini", (), "")
    words, picture = parts(text="x" * 1025, attachments=(file(),))
    assert (len(words.text), picture.text) == (1025, "")


def test_a_long_text_is_cut_at_4096() -> None:
    assert [len(part.text) for part in parts(text="kata " * 1000)] == [4094, 905]
    assert len(parts(text="x" * 4096)) == 1
    assert len(parts(text="", attachments=(file(),))) == 1


def test_three_choices_are_buttons_and_more_are_a_list(meta: FakeMeta) -> None:
    send(meta, reply(text="Ukuran?", quick_replies=(QuickReply(title="S"), QuickReply(title="L", payload="size-l"))))
    buttons = meta.requests[0].json["interactive"]
    assert buttons["type"] == "button"
    assert [b["reply"] for b in buttons["action"]["buttons"]] == [
        {"id": "S", "title": "S"},
        {"id": "size-l", "title": "L"},
    ]
    send(meta, reply(text="Ukuran?", quick_replies=tuple(QuickReply(title=f"Pilihan {i}") for i in range(12))))
    rows = meta.requests[1].json["interactive"]["action"]["sections"][0]["rows"]
    assert len(rows) == 10
    send(meta, reply(text="Ukuran?", quick_replies=(QuickReply(title="Yang besar sekali, warna biru"),)))
    (row,) = meta.requests[2].json["interactive"]["action"]["sections"][0]["rows"]
    assert row == {"id": "Yang besar sekali, warna biru", "title": "Yang besar sekali, warn…"}


def test_choices_stand_under_the_last_words() -> None:
    picture, words = parts(text="Mau?", attachments=(file(),), quick_replies=(QuickReply(title="Ya"),))
    assert (picture.text, len(picture.attachments), picture.quick_replies) == ("", 1, ())
    assert (words.text, len(words.quick_replies)) == ("Mau?", 1)


def test_reactions_read_marks_and_typing(meta: FakeMeta) -> None:
    here = Conversation(external_id=CUSTOMER, last_inbound_id="wamid.IN")
    http, own = Http.trusting(meta.url), account(meta, read_receipts="on")
    adapter.react(own, here, "wamid.IN", "🙏", http)
    adapter.react(own, here, "wamid.IN", "", http)
    adapter.mark_read(own, here, "wamid.IN", http)
    adapter.typing(own, here, http)
    assert [act.get("reaction", {}).get("emoji") for act in meta.acts[:2]] == ["🙏", ""]
    assert meta.acts[2] == {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.IN"}
    assert meta.acts[3]["typing_indicator"] == {"type": "text"}


def test_typing_would_mark_as_read_so_it_needs_the_switch(meta: FakeMeta) -> None:
    here, http = Conversation(external_id=CUSTOMER, last_inbound_id="wamid.IN"), Http.trusting(meta.url)
    adapter.typing(account(meta, read_receipts="off"), here, http)
    adapter.typing(account(meta, read_receipts="on"), replace(here, last_inbound_id=""), http)
    assert meta.requests == []
    assert not adapter.abilities(account(), here, NOW).shows_typing
    assert adapter.abilities(account(read_receipts="on"), here, NOW).shows_typing


# ── The window ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("hours", "only_templates"),
    [(0, False), (23.99, False), (24, True), (24 * 30, True), (None, True), (-1, False)],
)
def test_24_hours_then_templates(hours: float | None, only_templates: bool) -> None:
    last = NOW - timedelta(hours=hours) if hours is not None else None
    able = adapter.abilities(account(), Conversation(external_id=CUSTOMER, last_inbound_at=last), NOW)
    assert (able.only_templates, able.closed) == (only_templates, None)
    assert able.reply_until == (None if only_templates or last is None else last + timedelta(hours=24))
    assert str(able.window_words)
    assert bool(able.after_window) != only_templates
    assert able.can_write_first


# ── Templates ────────────────────────────────────────────────────────────────────────────────

ORDER = {
    "id": "1", "name": "order_sent", "language": "id", "status": "APPROVED", "category": "UTILITY",
    "components": [
        {"type": "HEADER", "format": "TEXT", "text": "Pesanan {{1}}"},
        {"type": "BODY", "text": "Halo {{1}}, pesanan Anda dikirim {{2}}."},
        {"type": "FOOTER", "text": "Toko Batik"},
        {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Oke"},
                                        {"type": "URL", "text": "Lacak", "url": "https://toko.example/{{1}}"}]},
    ],
}  # fmt: skip


def read_templates(platform: FakeMeta, *given: dict[str, Any], **settings: str) -> list[Any]:
    platform.templates = list(given)
    return list(adapter.templates(account(platform, **settings), Http.trusting(platform.url)))


def test_templates_are_read_page_by_page(meta: FakeMeta) -> None:
    found = read_templates(meta, *({**ORDER, "id": str(n), "name": f"t{n}"} for n in range(5)))
    assert [template.name for template in found] == [f"t{n}" for n in range(5)]
    assert {request.path for request in meta.requests} == {f"/v24.0/{WABA_ID}/message_templates"}
    assert read_templates(meta, ORDER, business_account_id="") == []


def test_a_template_with_its_blanks(meta: FakeMeta) -> None:
    (found,) = read_templates(meta, ORDER)
    assert (found.category, found.status, found.language) == ("UTILITY", "APPROVED", "id")
    assert found.variables == ("header_1", "1", "2", "button_1")
    assert fill(found.header, {"header_1": "77"}) == "Pesanan 77"
    assert found.buttons == ("Oke", "Lacak: https://toko.example/{{button_1}}")
    filled = {"button_1": "abc", "2": "besok\nsiang", "1": "Dewi", "header_1": "77"}
    send(meta, reply(template=Template(name="order_sent", language="id", parameters=filled)))
    assert meta.sends[0].body["template"] == {
        "name": "order_sent", "language": {"code": "id"},
        "components": [
            {"type": "header", "parameters": [{"type": "text", "text": "77"}]},
            {"type": "body", "parameters": [{"type": "text", "text": "Dewi"}, {"type": "text", "text": "besok siang"}]},
            {"type": "button", "sub_type": "url", "index": "1", "parameters": [{"type": "text", "text": "abc"}]},
        ],
    }  # fmt: skip


def test_named_blanks_and_pictures(meta: FakeMeta) -> None:
    named = {**ORDER, "components": [{"type": "HEADER", "format": "IMAGE"},
                                     {"type": "BODY", "text": "Halo {{first_name}}, {{header_note}}"}]}  # fmt: skip
    (found,) = read_templates(meta, named)
    assert (found.variables, found.optional) == (("first_name", "body_header_note"), ("header_image",))
    assert (found.media, found.header, found.example) == ("image", "", "")
    filled = {"header_image": "https://toko.example/a.jpg", "first_name": "Dewi", "body_header_note": "!"}
    send(meta, reply(template=Template(name="t", language="id", parameters=filled, media="image")))
    header, body = meta.sends[0].body["template"]["components"]
    assert header["parameters"] == [{"type": "image", "image": {"link": "https://toko.example/a.jpg"}}]
    assert [blank["parameter_name"] for blank in body["parameters"]] == ["first_name", "header_note"]


@pytest.mark.parametrize(
    ("media", "mime", "about"),
    [
        ("image", "image/png", {"id"}), ("video", "video/mp4", {"id"}),
        ("document", "application/pdf", {"id", "filename"}), ("document", "application/zip", {"link", "filename"}),
    ],
)  # fmt: skip
def test_a_header_shows_the_file_that_was_chosen(meta: FakeMeta, media: Any, mime: str, about: set[str]) -> None:
    own = Template(name="t", language="id", parameters={"1": "Dewi"}, media=media, media_link="https://cdn.example/x")
    send(meta, reply(text="Halo Dewi", template=own, attachments=(file(mime=mime, name="a b.x"),)))
    header, body = meta.sends[0].body["template"]["components"]
    (shown,) = header["parameters"]
    assert (shown["type"], set(shown[media])) == (media, about)
    assert shown[media].get("filename", "a b.x") == "a b.x"
    if "id" in about:
        assert meta.uploads[shown[media]["id"]][1] == mime
    assert body["parameters"] == [{"type": "text", "text": "Dewi"}]


def test_else_it_shows_the_example(meta: FakeMeta) -> None:
    head = {"type": "HEADER", "format": "VIDEO", "example": {"header_handle": ["https://cdn.example/v.mp4?a=1"]}}
    (found,) = read_templates(meta, {**ORDER, "components": [head, {"type": "BODY", "text": "Halo"}]})
    assert (found.media, found.example, found.variables) == ("video", "https://cdn.example/v.mp4?a=1", ())
    send(meta, reply(template=Template(name="t", language="id", media="video", media_link=found.example)))
    (header,) = meta.sends[0].body["template"]["components"]
    assert header["parameters"] == [{"type": "video", "video": {"link": found.example}}]


def test_what_a_quick_answer_sends_back_may_be_given(meta: FakeMeta) -> None:
    (found,) = read_templates(meta, ORDER)
    assert found.optional == ("payload_0",)
    send(meta, reply(template=Template(name="t", language="id", parameters={"payload_0": "order=77" + "x" * 200})))
    (button,) = meta.sends[0].body["template"]["components"]
    assert button == {
        "type": "button", "sub_type": "quick_reply", "index": "0",
        "parameters": [{"type": "payload", "payload": ("order=77" + "x" * 200)[:128]}],
    }  # fmt: skip


def test_a_header_that_is_a_place(meta: FakeMeta) -> None:
    parts = [{"type": "HEADER", "format": "LOCATION"}, {"type": "BODY", "text": "Halo {{1}}"}]
    (found,) = read_templates(meta, {**ORDER, "components": parts})
    assert found.variables == ("header_name", "header_address", "header_latitude", "header_longitude", "1")
    spot = {"latitude": "-6.2", "longitude": "106.8", "name": "Toko", "address": "Jl. 1"}
    filled = {"1": "Dewi", **{f"header_{name}": value for name, value in spot.items()}}
    send(meta, reply(template=Template(name="t", language="id", parameters=filled)))
    header, body = meta.sends[0].body["template"]["components"]
    assert header == {"type": "header", "parameters": [{"type": "location", "location": spot}]}
    assert body["parameters"] == [{"type": "text", "text": "Dewi"}]


def test_ten_blanks_go_in_their_order(meta: FakeMeta) -> None:
    send(meta, reply(template=Template(name="t", language="id", parameters={str(n): str(n) for n in range(11, 0, -1)})))
    (body,) = meta.sends[0].body["template"]["components"]
    assert [blank["text"] for blank in body["parameters"]] == [str(n) for n in range(1, 12)]


def test_a_template_without_blanks_and_one_with_a_code(meta: FakeMeta) -> None:
    send(meta, reply(template=Template(name="hello_world", language="en_US")))
    assert "components" not in meta.sends[0].body["template"]
    buttons = [{"type": "OTP", "text": "Copy"}, {"type": "COPY_CODE", "text": "Off"}]
    body = {"type": "BODY", "text": "{{1}} is your code."}
    code = {**ORDER, "components": [body, {"type": "BUTTONS", "buttons": buttons}]}
    (found,) = read_templates(meta, code)
    assert found.variables == ("1", "button_0", "coupon_1")


@pytest.mark.parametrize(
    "odd",
    [
        {"components": [{"type": "CAROUSEL", "cards": []}]},
        {"components": [{"type": "BUTTONS", "buttons": [{"type": "FLOW", "text": "x"}]}]},
        {"components": [{"type": "HEADER", "format": "HOLOGRAM"}]},
        {"name": None},
        {"language": 7},
    ],
)
def test_what_cannot_be_filled_with_words_is_left_out(meta: FakeMeta, odd: dict[str, Any]) -> None:
    assert [template.name for template in read_templates(meta, {**ORDER, **odd}, ORDER)] == ["order_sent"]


@pytest.mark.parametrize("components", [None, "x", [None, 7, {"type": 7}], [{"type": "BODY", "text": 7}]])
def test_odd_templates_are_read_or_left_out(meta: FakeMeta, components: Any) -> None:
    (found,) = read_templates(meta, {**ORDER, "components": components})
    assert found.variables == ()


# ── Failures ─────────────────────────────────────────────────────────────────────────────────


def test_outside_the_window_meta_refuses_and_a_template_goes(meta: FakeMeta) -> None:
    meta.closed.add(CUSTOMER)
    failure = refused(meta, reply(text="Halo"))
    assert (failure.code, failure.category, failure.permanent) == ("131047", "window", True)
    send(meta, reply(template=Template(name="hello_world", language="en_US")))


@pytest.mark.parametrize(
    ("to", "category", "permanent", "wait"),
    [
        ("6281300000026", "unknown", True, None),
        ("6281300000056", "rate", False, 7),
        ("6281300000429", "rate", False, 7),
    ],
)
def test_numbers_that_fail(meta: FakeMeta, to: str, category: str, permanent: bool, wait: float | None) -> None:
    failure = refused(meta, reply(to=to, text="x"))
    assert (failure.category, failure.permanent, failure.retry_after) == (category, permanent, wait)


def test_a_token_that_is_no_longer_good(meta: FakeMeta) -> None:
    failure = refused(meta, reply(text="x"), access_token="old")
    assert (failure.code, failure.category, failure.permanent) == ("190", "auth", True)
    assert refused(meta, reply(text="x"), access_token="").code == "access_token"
    assert refused(meta, reply(text="x"), access_token="a\r\nb").code == "access_token"


@pytest.mark.parametrize("code", sorted(FATES))
def test_every_code_has_words_and_a_fate(meta: FakeMeta, code: str) -> None:
    number, _slash, sub = code.partition("/")
    body = {"code": int(number), "message": "m", **({"error_subcode": int(sub)} if sub else {})}
    meta.will(400, json={"error": body})
    failure = refused(meta, reply(text="x"))
    fate = FATES[code]
    assert (failure.title, failure.category, failure.permanent) == (fate.title, fate.category, fate.permanent)
    assert failure.code == number
    assert late_failure(body).title == fate.title


@pytest.mark.parametrize(
    ("status", "headers", "error", "permanent", "wait"),
    [
        (400, {"X-Business-Use-Case-Usage": json.dumps({"2": [{"estimated_time_to_regain_access": 3}]})},
         {"code": 80007}, False, 180),
        (400, {"X-Business-Use-Case-Usage": "{"}, {"code": 4}, False, None),
        (400, {"Retry-After": "9"}, {"code": 131056}, False, 9),
        (400, {}, {"code": 131056}, False, 6),
        (400, {}, {"code": 131048}, False, 3600),
        (400, {"Retry-After": "9"}, {"code": 131047}, True, None),
        (400, {}, {"code": 987654, "is_transient": True}, False, None),
        (400, {}, {"code": 987654}, True, None),
        (503, {"Retry-After": "9"}, {"code": 987654}, False, 9),
        (403, {}, {"code": 275}, True, None),
        (400, {}, {"code": {}, "message": []}, True, None),
    ],
)  # fmt: skip
def test_how_long_to_wait(
    meta: FakeMeta, status: int, headers: dict[str, str], error: Any, permanent: bool, wait: float | None
) -> None:
    meta.will(status, json={"error": error}, headers=headers)
    failure = refused(meta, reply(text="x"))
    assert (failure.permanent, failure.retry_after) == (permanent, wait)


def test_no_answer_is_unconfirmed(meta: FakeMeta, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_module, "SEND_SECONDS", 0.3)
    meta.always(hang=True)
    assert refused(meta, reply(text="x")).category == "unconfirmed"
    assert not adapter.idempotent
    assert len(meta.requests) == 1


def test_a_template_that_is_sent_out_slowly_is_only_accepted(meta: FakeMeta) -> None:
    meta.will(json={"messages": [{"id": "wamid.1", "message_status": "held_for_quality_assessment"}]})
    assert send(meta, reply(text="x")).state == "accepted"


def test_a_late_failure_reads_like_an_early_one() -> None:
    early = {"code": 131047, "title": "Re-engagement message", "error_data": {"details": "More than 24 hours"}}
    failure = late_failure(early)
    assert (failure.code, failure.category, failure.detail) == ("131047", "window", "More than 24 hours")
    assert late_failure(None).category == "unknown"
    # A code that is new, of a family that is known.
    assert (late_failure({"code": 132999}).category, late_failure({"code": 299}).category) == ("content", "auth")
    assert late_failure({"code": 1329}).category == "unknown"
    assert late_failure({"code": "x" * 1000, "title": 7}).permanent


def test_a_failed_status_of_no_reason_still_says_something() -> None:
    (receipt,) = parse(whatsapp(statuses=[{"id": "w", "status": "failed", "errors": "x"}]))
    assert isinstance(receipt, Receipt)
    assert receipt.error
    assert receipt.error.title


# ── Set-up ───────────────────────────────────────────────────────────────────────────────────


def check(platform: FakeMeta, **given: str) -> list[tuple[bool, str]]:
    own = account(platform, verify_token="v", **given)
    return [(line.ok, str(line.words)) for line in adapter.check(own, Http.trusting(platform.url))]


def test_a_check_that_finds_nothing_wrong(meta: FakeMeta) -> None:
    known, subscribed = check(meta)
    assert known == (True, "Meta knows this number: +62 812-0000-0000 Batik.")
    assert subscribed[0]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"app_secret": ""}, "app secret"),
        ({"verify_token": ""}, "verify token"),
        ({"access_token": ""}, "access token"),
        ({"access_token": "old"}, "access token"),
        ({"phone_number_id": "404"}, "number"),
    ],
)
def test_a_check_says_which_step_is_missing(meta: FakeMeta, given: dict[str, str], words: str) -> None:
    own = Account(1, "whatsapp", "x", {**account(meta, verify_token="v").settings, **given})
    lines = adapter.check(own, Http.trusting(meta.url))
    assert any(not line.ok and words in str(line.words) for line in lines)


def test_a_check_without_a_subscription_or_an_answer(meta: FakeMeta) -> None:
    meta.subscribed = None
    assert [ok for ok, _words in check(meta)] == [True, False]
    assert all(ok for ok, _words in check(meta, business_account_id="", phone_number_id=""))
    meta.always(500)
    assert not any(ok for ok, _words in check(meta))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("+62 813-1111-2222", "6281311112222"), ("6281311112222", "6281311112222"),
        ("00 66 81 234 5678", "66812345678"),
        ("ID.7700002", "ID.7700002"), (" US.ENT.1 ", "US.ENT.1"),
    ],
)  # fmt: skip
def test_addresses(given: str, expected: str) -> None:
    assert adapter.normalise_address(account(), given) == expected


@pytest.mark.parametrize("given", ["", "u-7", "081311112222", "+62", "62813111122223333", "١٢٣٤٥٦٧٨", "US."])
def test_what_is_no_address(given: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        adapter.normalise_address(account(), given)


def test_the_number_itself_is_not_its_id() -> None:
    with pytest.raises(SettingsInvalid) as caught:
        adapter.check_settings({"phone_number_id": "+6281200000000"})
    assert set(caught.value.errors) == {"phone_number_id"}
