"""WhatsApp, Messenger and Instagram from the platform's post to the desk and back, over a fake of Meta's API."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.http import HttpResponse
from django.utils import timezone

from agents.models import Agent, Team
from channels_app import templates
from channels_app.contract import Template
from channels_app.models import Channel, Envelope
from tests.conftest import connect, lean_client
from tests.platforms.meta import (
    APP_SECRET,
    CUSTOMER,
    IG_ID,
    NUMBER_ID,
    PAGE_ID,
    PERSON,
    TOKEN,
    VERIFY_TOKEN,
    WABA_ID,
    FakeMeta,
    event,
    page,
    said,
    signed,
    wa_message,
    wa_status,
    whatsapp,
)
from tickets import delivery, media, replies
from tickets.models import Actor, Attachment, Message, Part, Ticket
from tickets.replies import CannotSend

Work = Callable[[], None]
IDS = {"whatsapp": {"phone_number_id": NUMBER_ID, "business_account_id": WABA_ID}, "messenger": {"page_id": PAGE_ID},
       "instagram": {"account_id": IG_ID}}  # fmt: skip
KINDS = sorted(IDS)
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100


@pytest.fixture
def meta() -> Iterator[FakeMeta]:
    with FakeMeta() as platform:
        yield platform


@pytest.fixture
def channels(north: Team, meta: FakeMeta) -> dict[str, Channel]:
    own = {"app_secret": APP_SECRET, "verify_token": VERIFY_TOKEN, "access_token": TOKEN, "base_url": meta.url}
    return {kind: connect(kind, north, kind.title(), **own, **ids) for kind, ids in IDS.items()}


def post(channel: Channel, body: Any, **headers: str) -> HttpResponse:
    content, right = signed(body)
    given = {"HTTP_X_HUB_SIGNATURE_256": right["X-Hub-Signature-256"], **headers}
    path = f"/webhooks/{channel.pk}/"
    response: Any = lean_client().post(path, data=content, content_type="application/json", **given)
    return response


def takes(channel: Channel, body: Any) -> None:
    response = post(channel, body)
    assert response.status_code == 200, response.content


def writes(channel: Channel, id: str = "m-1", text: str = "Halo", **more: Any) -> Message:
    takes(channel, wa_message(id, text, **more) if channel.kind == "whatsapp" else said(channel.kind, id, text, **more))
    return Message.objects.get(channel=channel, direction="in", external_id=id)


def answer(ticket: Ticket, agent: Agent, text: str, **more: Any) -> Message:
    return replies.reply(ticket.pk, agent, replies.Draft(text, **more))[0]


def fate(message: Message) -> tuple[str, str | None]:
    message.refresh_from_db()
    return message.status, message.error["code"] if message.error else None


# ── There and back ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", KINDS)
def test_the_handshake_at_the_door(channels: dict[str, Channel], kind: str) -> None:
    path, query = f"/webhooks/{channels[kind].pk}/", {"hub.mode": "subscribe", "hub.challenge": "115"}
    answer = lean_client().get(path, {**query, "hub.verify_token": VERIFY_TOKEN})
    assert (answer.status_code, answer.content) == (200, b"115")
    assert lean_client().get(path, {**query, "hub.verify_token": "x"}).status_code == 403
    assert lean_client().get(path).status_code == 403


@pytest.mark.parametrize("kind", KINDS)
def test_unsigned_is_refused_and_bad_json_too_and_nothing_is_kept(channels: dict[str, Channel], kind: str) -> None:
    assert post(channels[kind], {}, HTTP_X_HUB_SIGNATURE_256="sha256=00").status_code == 401
    assert post(channels[kind], b'{"entry": [').status_code == 400
    assert not Envelope.objects.exists()
    assert post(channels[kind], {"object": "x", "entry": 7}).status_code == 200
    assert Envelope.objects.get().state == "ignored"


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_goes_out_once_and_its_echo_changes_nothing(
    channels: dict[str, Channel], kind: str, bea: Agent, meta: FakeMeta, work: Work
) -> None:
    asked = writes(channels[kind])
    reply = answer(asked.ticket, bea, "Sedang dikirim", reply_to=asked.pk)
    work()
    assert fate(reply) == ("sent", None)
    (sent,) = meta.sends
    assert sent.id == reply.external_id
    quoted = sent.body["context"]["message_id"] if kind == "whatsapp" else sent.body["reply_to"]["mid"]
    assert quoted == "m-1"
    if kind == "whatsapp":
        takes(channels[kind], wa_status(sent, "delivered"))
        takes(channels[kind], wa_status(sent, "read"))
        takes(channels[kind], wa_status(sent, "sent"))
    else:
        echo = {"mid": sent.id, "text": "Sedang dikirim", "is_echo": True, "app_id": 1}
        takes(channels[kind], page(kind, event(kind, message=echo)))
        later = int((timezone.now() + timedelta(seconds=5)).timestamp() * 1000)
        read = {"watermark": later} if kind == "messenger" else {"mid": sent.id}
        takes(channels[kind], page(kind, event(kind, read=read)))
    assert fate(reply) == ("read", None)
    assert Message.objects.filter(direction="out").count() == 1


@pytest.mark.parametrize("kind", KINDS)
def test_an_echo_of_another_app_is_shown_as_ours(channels: dict[str, Channel], kind: str) -> None:
    asked = writes(channels[kind])
    if kind == "whatsapp":
        echo = {"from": "6281200000000", "to": CUSTOMER, "id": "app-1", "timestamp": "1767225600", "type": "text",
                "text": {"body": "Dari ponsel"}}  # fmt: skip
        takes(channels[kind], whatsapp(field="smb_message_echoes", message_echoes=[echo]))
    else:
        takes(channels[kind], page(kind, event(kind, message={"mid": "app-1", "text": "Dari ponsel", "is_echo": True})))
    shown = Message.objects.get(external_id="app-1")
    assert (shown.direction, shown.agent, shown.status, shown.ticket) == ("out", None, "sent", asked.ticket)


def test_a_status_that_overtakes_the_answer_is_found_by_our_key(
    channels: dict[str, Channel], bea: Agent, meta: FakeMeta, work: Work
) -> None:
    reply = answer(writes(channels["whatsapp"]).ticket, bea, "Ya")
    meta.will(json={"messages": [{"id": "wamid.late"}]})
    status = {"id": "wamid.late", "status": "delivered", "timestamp": "1767225600", "recipient_id": CUSTOMER}
    takes(channels["whatsapp"], whatsapp(statuses=[{**status, "biz_opaque_callback_data": str(reply.pk)}]))
    work()
    assert fate(reply) == ("delivered", None)


def test_a_late_refusal_fails_the_reply_in_words(
    channels: dict[str, Channel], bea: Agent, meta: FakeMeta, work: Work
) -> None:
    reply = answer(writes(channels["whatsapp"]).ticket, bea, "Ya")
    work()
    takes(channels["whatsapp"], wa_status(meta.sends[0], "failed", errors=[{"code": 131047, "title": "Re-engagement"}]))
    assert fate(reply) == ("failed", "131047")
    assert reply.error
    assert reply.error["category"] == "window"


@pytest.mark.parametrize("kind", ["messenger", "instagram"])
def test_a_text_and_a_file_are_two_messages(
    channels: dict[str, Channel], kind: str, bea: Agent, meta: FakeMeta, work: Work
) -> None:
    from django.core.files.base import ContentFile

    from tickets import media

    ticket = writes(channels[kind]).ticket
    file = media.upload(bea, ContentFile(PNG), "a.png", "image/png")
    reply = answer(ticket, bea, "Ini", attachments=(file.pk,))
    work()
    assert fate(reply) == ("sent", None)
    words, picture = [sent.body["message"] for sent in meta.sends]
    assert words["text"] == "Ini"
    assert "link=" in picture["attachment"]["payload"]["url"]
    assert Part.objects.filter(message=reply, status="sent").count() == 2


def test_a_file_to_whatsapp_is_handed_over(
    channels: dict[str, Channel], bea: Agent, meta: FakeMeta, work: Work
) -> None:
    from django.core.files.base import ContentFile

    from tickets import media

    file = media.upload(bea, ContentFile(PNG), "a.png", "image/png")
    reply = answer(writes(channels["whatsapp"]).ticket, bea, "Ini", attachments=(file.pk,))
    work()
    assert fate(reply) == ("sent", None)
    (sent,) = meta.sends
    assert meta.uploads[sent.body["image"]["id"]] == ("a.png", "image/png", PNG)
    assert sent.body["image"]["caption"] == "Ini"


# ── Files ────────────────────────────────────────────────────────────────────────────────────


def test_a_picture_is_fetched_by_a_worker(channels: dict[str, Channel], meta: FakeMeta, work: Work) -> None:
    meta.add_media("111", PNG, "image/png")
    meta.add_media("c1", PNG, "image/png")
    picture = {"id": "111", "mime_type": "image/png", "caption": "Rusak"}
    writes(channels["whatsapp"], type="image", image=picture)
    writes(channels["messenger"], attachments=[{"type": "image", "payload": {"url": meta.cdn("c1")}}])
    assert set(Attachment.objects.values_list("state", flat=True)) == {"pending"}
    work()
    assert set(Attachment.objects.values_list("state", "kind", "mime")) == {("stored", "image", "image/png")}


def test_a_file_that_lies_or_is_gone(channels: dict[str, Channel], meta: FakeMeta, work: Work) -> None:
    meta.add_media("1", b"<script>alert(1)</script>", "image/png")
    meta.add_media("2", PNG, "image/png").expired = True
    for media_id in ("1", "2"):
        picture = {"id": media_id, "mime_type": "image/png"}
        writes(channels["whatsapp"], id=f"m-{media_id}", type="image", image=picture)
    private = {"type": "image", "payload": {"url": "http://127.0.0.1:9/x"}}
    writes(channels["instagram"], attachments=[private])
    work()
    found = Attachment.objects.order_by("pk").values_list("state", "kind")
    assert list(found) == [("stored", "file"), ("expired", "image"), ("blocked", "image")]


# ── Windows ──────────────────────────────────────────────────────────────────────────────────


def age(ticket: Ticket, hours: float) -> None:
    Ticket.objects.filter(pk=ticket.pk).update(last_inbound_at=timezone.now() - timedelta(hours=hours))


@pytest.mark.parametrize("kind", KINDS)
def test_outside_the_window_nothing_is_sent_that_meta_would_refuse(
    channels: dict[str, Channel], kind: str, bea: Agent, meta: FakeMeta, work: Work
) -> None:
    ticket = writes(channels[kind]).ticket
    age(ticket, 24 * 7 + 1)
    with pytest.raises(CannotSend):
        answer(ticket, bea, "Masih di sana?")
    work()
    assert meta.sends == []


@pytest.mark.parametrize("kind", ["messenger", "instagram"])
def test_after_a_day_the_tag_of_people_is_put_on(
    channels: dict[str, Channel], kind: str, bea: Agent, meta: FakeMeta, work: Work
) -> None:
    meta.closed.add(PERSON)
    ticket = writes(channels[kind]).ticket
    age(ticket, 25)
    reply = answer(ticket, bea, "Maaf menunggu")
    work()
    assert fate(reply) == ("sent", None)
    assert meta.sends[0].body["tag"] == "HUMAN_AGENT"


def test_meta_refuses_by_its_own_clock(channels: dict[str, Channel], bea: Agent, meta: FakeMeta, work: Work) -> None:
    meta.closed.add(CUSTOMER)
    reply = answer(writes(channels["whatsapp"]).ticket, bea, "Ya")
    work()
    assert fate(reply) == ("failed", "131047")


def test_a_limit_is_waited_for(channels: dict[str, Channel], bea: Agent, meta: FakeMeta, work: Work) -> None:
    meta.will(429, json={"error": {"code": 130429, "message": "Rate limit hit"}}, headers={"Retry-After": "120"})
    reply = answer(writes(channels["whatsapp"]).ticket, bea, "Ya")
    work()
    assert fate(reply) == ("queued", "130429")
    assert reply.next_attempt_at
    assert reply.next_attempt_at > timezone.now() + timedelta(seconds=110)


def test_what_got_no_answer_is_not_sent_again(
    channels: dict[str, Channel], bea: Agent, meta: FakeMeta, work: Work
) -> None:
    ticket = writes(channels["messenger"]).ticket
    work()  # the profile is asked for first
    asked = len(meta.requests)
    meta.will(drop=True)
    reply = answer(ticket, bea, "Ya")
    work()
    work()
    assert fate(reply)[0] == "failed"
    assert len(meta.requests) == asked + 1


# ── Twice, in any order, all at once ─────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_twice_and_in_any_order(channels: dict[str, Channel], kind: str, seed: int) -> None:
    channel = channels[kind]
    if kind == "whatsapp":
        sender = {"from": CUSTOMER, "timestamp": "1767225700"}
        edit = {"original_message_id": "a", "message": {"type": "text", "text": {"body": "baru"}}}
        bodies = [
            wa_message("a", "lama"),
            wa_message("b", "dua"),
            wa_message("c", "hapus"),
            whatsapp(messages=[{**sender, "id": "e", "type": "edit", "edit": edit}]),
            whatsapp(messages=[{**sender, "id": "r", "type": "revoke", "revoke": {"original_message_id": "c"}}]),
            whatsapp(
                messages=[{**sender, "id": "x", "type": "reaction", "reaction": {"message_id": "b", "emoji": "👍"}}]
            ),
        ]
    else:
        bodies = [
            said(kind, "a", "lama"),
            said(kind, "b", "dua"),
            said(kind, "c", "hapus"),
            page(kind, event(kind, at=1767225700000, message_edit={"mid": "a", "text": "baru", "num_edit": 1})),
            page(kind, event(kind, message={"mid": "c", "is_deleted": True})),
            page(kind, event(kind, reaction={"mid": "b", "action": "react", "emoji": "👍"})),
        ]
    twice = [*bodies, *bodies]
    random.Random(seed).shuffle(twice)
    for body in twice:
        takes(channel, body)
    found = {row.external_id: row for row in Message.objects.filter(channel=channel)}
    assert set(found) - {"c"} == {"a", "b"}
    assert (found["a"].text, bool(found["a"].edited_at)) == ("baru", True)
    assert [reaction["emoji"] for reaction in found["b"].reactions] == ["👍"]
    # A message deleted before it came never shows.
    assert found.get("c") is None or (found["c"].text, bool(found["c"].deleted_at)) == ("", True)
    assert Ticket.objects.filter(channel=channel).count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_storm_of_posts_over_http(live_server: Any, north: Team, meta: FakeMeta, settings: Any) -> None:
    own = {"app_secret": APP_SECRET, "access_token": TOKEN, "base_url": meta.url}
    channel = connect("whatsapp", north, "WhatsApp", **own)
    bodies = [wa_message(f"s-{number}", f"pesan {number}") for number in range(12)]
    statuses = meta.storm(f"{live_server.url}/webhooks/{channel.pk}/", bodies)
    assert set(statuses) <= {200, 503}
    if 503 in statuses:  # a database that was busy says so, and Meta posts again
        for body in bodies:
            meta.post(f"{live_server.url}/webhooks/{channel.pk}/", body)
    assert Message.objects.filter(channel=channel).count() == 12
    assert Ticket.objects.filter(channel=channel).count() == 1


def test_many_entries_in_one_body(channels: dict[str, Channel]) -> None:
    body = page("messenger", *(event("messenger", message={"mid": f"k-{n}", "text": "x"}) for n in range(150)))
    takes(channels["messenger"], body)
    assert Message.objects.filter(channel=channels["messenger"]).count() == 150


def test_an_entry_for_another_account_is_ignored(channels: dict[str, Channel]) -> None:
    takes(channels["whatsapp"], whatsapp("999", messages=[{"from": CUSTOMER, "id": "x", "type": "text"}]))
    assert Envelope.objects.get().state == "ignored"
    assert not Message.objects.exists()


# ── People ───────────────────────────────────────────────────────────────────────────────────


def test_a_changed_number_is_the_same_customer(channels: dict[str, Channel]) -> None:
    ticket = writes(channels["whatsapp"]).ticket
    system = {"type": "user_changed_number", "body": "Dewi changed", "wa_id": "6281399998888"}
    news = {"from": CUSTOMER, "id": "sys-1", "timestamp": "1767225700", "type": "system", "system": system}
    takes(channels["whatsapp"], whatsapp(messages=[news]))
    takes(channels["whatsapp"], wa_message("m-2", "nomor baru", **{"from": "6281399998888"}))
    assert Message.objects.get(external_id="m-2").ticket == ticket


# ── Templates with a picture above them ──────────────────────────────────────────────────────

EXAMPLE = "https://scontent.whatsapp.net/v/promo.jpg?ccb=1"


def promo(example: bool = True, kind: str = "IMAGE") -> dict[str, Any]:
    head = {"type": "HEADER", "format": kind, **({"example": {"header_handle": [EXAMPLE]}} if example else {})}
    return {
        "id": "9", "name": "promo", "language": "id", "status": "APPROVED", "category": "MARKETING",
        "components": [head, {"type": "BODY", "text": "Diskon {{1}}"},
                       {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Mau"}]}],
    }  # fmt: skip


@pytest.fixture
def late(channels: dict[str, Channel]) -> Ticket:
    """The window is over."""
    ticket = writes(channels["whatsapp"]).ticket
    Ticket.objects.update(last_inbound_at=timezone.now() - timedelta(hours=25))
    return Ticket.objects.get(pk=ticket.pk)


def by_template(ticket: Ticket, agent: Agent, *files: int, **parameters: str) -> Message:
    chosen = Template(name="promo", language="id", parameters={"1": "10%", **parameters})
    return replies.reply(ticket.pk, agent, replies.Draft(template=chosen, attachments=files))[0]


def file_of(agent: Agent, body: bytes = PNG, name: str = "a.png", mime: str = "image/png") -> int:
    return int(media.upload(agent, ContentFile(body), name, mime).pk)


def test_a_template_goes_out_with_the_agents_picture_or_its_example(
    late: Ticket, bea: Agent, meta: FakeMeta, work: Work
) -> None:
    meta.templates = [promo()]
    templates.sync(late.channel_id)
    with_own = by_template(late, bea, file_of(bea), payload_0="mau-10")
    by_template(late, bea)
    work()
    own, example = (sent.body["template"]["components"][0]["parameters"][0] for sent in meta.sends)
    assert meta.uploads[own["image"]["id"]][2] == PNG
    assert example == {"type": "image", "image": {"link": EXAMPLE}}
    assert meta.sends[0].body["template"]["components"][2]["parameters"] == [{"type": "payload", "payload": "mau-10"}]
    with_own.refresh_from_db()
    assert (with_own.status, with_own.text, with_own.attachments.count()) == ("sent", "Diskon 10%", 1)


def test_a_retry_takes_the_picture_along(late: Ticket, bea: Agent, meta: FakeMeta, work: Work) -> None:
    meta.templates = [promo(example=False)]
    templates.sync(late.channel_id)
    message = by_template(late, bea, file_of(bea))
    meta.will(status=400, json={"error": {"code": 131053, "message": "Media upload error"}})
    work()
    message.refresh_from_db()
    assert message.status == "failed"
    delivery.retry(message.pk, Actor.of(bea))
    work()
    assert "id" in meta.sends[0].body["template"]["components"][0]["parameters"][0]["image"]


@pytest.mark.parametrize(
    ("kind", "example", "files", "words"),
    [
        ("IMAGE", False, 0, "needs a file"),
        ("IMAGE", True, 2, "one file"),
        ("VIDEO", True, 1, "takes 3GPP, MP4"),
        (None, True, 1, "no picture"),
    ],
)
def test_a_file_that_the_template_cannot_show_is_said_at_once(
    late: Ticket, bea: Agent, meta: FakeMeta, kind: str | None, example: bool, files: int, words: str
) -> None:
    given = promo(example, kind or "IMAGE")
    meta.templates = [given if kind else {**given, "components": given["components"][1:]}]
    templates.sync(late.channel_id)
    with pytest.raises(CannotSend, match=words):
        by_template(late, bea, *(file_of(bea) for _ in range(files)))
    with pytest.raises(CannotSend):
        by_template(late, bea, **{f"header_{(kind or 'IMAGE').lower()}": "file:///etc/passwd"})


def test_a_large_picture_is_over_the_limit(late: Ticket, bea: Agent, meta: FakeMeta) -> None:
    meta.templates = [promo()]
    templates.sync(late.channel_id)
    row = file_of(bea)
    Attachment.objects.filter(pk=row).update(size=5 * 1024 * 1024 + 1)
    with pytest.raises(CannotSend, match="5 MB"):
        by_template(late, bea, row)


@pytest.mark.parametrize(("hours", "over"), [(1, False), (30, True), (7 * 24, True), (24 * 365 * 50, False)])
def test_a_message_that_comes_late_opens_no_window(channels: dict[str, Channel], hours: int, over: bool) -> None:
    """Meta tries for a week. What is older than any retry is a wrong clock, and the message is as new as it looks."""
    said_at = int((timezone.now() - timedelta(hours=hours)).timestamp())
    takes(channels["whatsapp"], wa_message("late", at=str(said_at)))
    assert replies.abilities_of(Ticket.objects.get()).only_templates == over


# ── A thousand in one body ───────────────────────────────────────────────────────────────────


def test_a_thousand_messages_in_one_body_are_there_when_it_is_answered(channels: dict[str, Channel]) -> None:
    """Of twenty people, one message broken and one twice: the neighbours are all there, each once."""
    channel = channels["whatsapp"]
    messages: list[dict[str, Any]] = [
        {"from": f"62813{number % 20:08}", "id": f"wamid.{number}", "timestamp": "1767225600", "type": "text",
         "text": {"body": f"no {number}"}} for number in range(998)
    ]  # fmt: skip
    messages[500:500] = [{"type": "text", "text": {"body": "nobody's"}}, messages[7]]
    takes(channel, whatsapp(messages=messages))
    assert Message.objects.filter(channel=channel).count() == 998
    assert Ticket.objects.filter(channel=channel).count() == 20
    (envelope,) = Envelope.objects.filter(channel=channel)
    assert (envelope.state, "[500]" in envelope.error) == ("failed", True)
    ticket = Ticket.objects.filter(address__external_id="6281300000007").get()
    texts = list(ticket.messages.order_by("at", "pk").values_list("text", flat=True))
    assert texts == [f"no {number}" for number in range(7, 998, 20)]
