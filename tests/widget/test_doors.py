"""The widget's doors: a visitor talks with the desk, and only with it."""

from __future__ import annotations

import hmac
import json
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from agents.models import Agent
from channels_app import registry
from channels_app.contract import OutboundMessage, SettingsInvalid
from channels_app.models import Address, Channel, Envelope
from channels_app.widget import limits, views, visitors
from channels_app.widget.models import Visitor, VisitorConversation, VisitorEvent, VisitorUpload
from tests.conftest import Api, connect
from tests.widget.conftest import IDENTITY_SECRET, SHOP, Browser
from tickets.models import Attachment, Message, Ticket
from tickets.replies import Draft, reply

pytestmark = pytest.mark.django_db
PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489")
Work = Callable[[], None]


def answers(ticket: Ticket, agent: Agent, text: str, work: Work, **more: object) -> Message:
    message, _new = reply(ticket.pk, agent, Draft(text=text, **more))  # type: ignore[arg-type]
    work()
    message.refresh_from_db()
    return message


def test_a_message_becomes_a_ticket_and_the_answer_comes_back(dora: Browser, bea: Agent, work: Work) -> None:
    response = dora.says("สวัสดีค่ะ\nมีสีแดงไหมคะ")
    assert response.status_code == 201
    said = json.loads(response.content)
    assert (said["seq"], said["direction"], said["status"], said["text"]) == (1, "in", "sent", "สวัสดีค่ะ\nมีสีแดงไหมคะ")
    ticket = Ticket.objects.get()
    assert ticket.messages.get().text == "สวัสดีค่ะ\nมีสีแดงไหมคะ"
    message = answers(ticket, bea, "มีค่ะ", work)
    assert message.status == "sent"
    first, second = dora.reads()
    assert (second["seq"], second["direction"], second["text"], second["author"]["name"]) == (2, "out", "มีค่ะ", "Bea")
    assert dora.reads(after=1) == [second]
    assert first["id"] != second["id"]


def test_a_browser_that_says_nothing_leaves_no_customer(dora: Browser) -> None:
    assert not Address.objects.exists()
    assert dora.reads() == []


def test_the_same_client_id_is_the_same_message(dora: Browser) -> None:
    first = dora.says("Halo", "c-1")
    again = dora.says("Halo", "c-1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert json.loads(first.content) == json.loads(again.content)
    assert Message.objects.count() == VisitorEvent.objects.count() == 1
    other = Browser()
    other.begins()
    assert other.says("Halo", "c-1").status_code == 201


def test_notes_stay_with_the_desk(dora: Browser, bea: Agent, work: Work) -> None:
    dora.says("Halo")
    answers(Ticket.objects.get(), bea, "rahasia", work, kind="note")
    assert [one["text"] for one in dora.reads()] == ["Halo"]


def test_an_answer_is_there_once_however_often_it_is_sent(dora: Browser, bea: Agent, work: Work) -> None:
    dora.says("Halo")
    message = answers(Ticket.objects.get(), bea, "Ya?", work)
    Message.objects.filter(pk=message.pk).update(status="queued", next_attempt_at=timezone.now())
    message.parts.update(status="queued")
    work()
    assert [one["text"] for one in dora.reads()] == ["Halo", "Ya?"]


def test_delivered_and_seen_reach_the_agent(dora: Browser, bea: Agent, work: Work) -> None:
    dora.says("Halo")
    message = answers(Ticket.objects.get(), bea, "Ya?", work)
    assert dora.ask("POST", "receipts/", {"delivered": 2}).status_code == 204
    message.refresh_from_db()
    assert message.status == "delivered"
    dora.ask("POST", "receipts/", {"seen": 2})
    message.refresh_from_db()
    assert message.status == "read"
    dora.ask("POST", "receipts/", {"delivered": 1, "seen": 1})
    assert VisitorConversation.objects.get().seen_seq == 2
    dora.ask("POST", "receipts/", {"seen": 10**18})
    assert VisitorConversation.objects.get().seen_seq == 2


def test_an_agent_who_opens_it_has_read_it(dora: Browser, widget_channel: Channel) -> None:
    dora.says("Halo")
    visitors.read_by_agent(widget_channel.pk, VisitorConversation.objects.get().external_id)
    assert dora.reads()[0]["status"] == "read"


# ── Files ────────────────────────────────────────────────────────────────────────────────────


def add(dora: Browser, content: bytes, name: str, declared: str) -> tuple[int, dict[str, object]]:
    response = dora.client.post(
        "/widget/attachments/",
        {"file": SimpleUploadedFile(name, content, declared)},
        HTTP_ORIGIN=SHOP,
        HTTP_AUTHORIZATION=f"Bearer {dora.token}",
    )
    return response.status_code, response.json()


def test_files_both_ways(dora: Browser, bea: Agent, work: Work) -> None:
    status, file = add(dora, PNG, "foto.png", "image/png")
    assert (status, file["kind"], file["mime"]) == (201, "image", "image/png")
    dora.says("", attachments=[file["id"]])
    work()
    kept = Attachment.objects.get(message__isnull=False)
    assert (kept.state, kept.filename, kept.mime) == ("stored", "foto.png", "image/png")
    own = Attachment.objects.create(uploader=bea, kind="file", filename="nota.pdf", mime="application/pdf", size=4)
    own.file.save("", SimpleUploadedFile("nota.pdf", b"%PDF"))
    own.state = "stored"
    own.save()
    answers(Ticket.objects.get(), bea, "Ini notanya", work, attachments=(own.pk,))
    said, answered = dora.reads()
    assert [one["filename"] for one in said["attachments"]] == ["foto.png"]
    assert [one["filename"] for one in answered["attachments"]] == ["nota.pdf"]
    assert "stored" not in answered["attachments"][0]
    for row, content, how in ((said, PNG, "inline"), (answered, b"%PDF", "attachment")):
        response = dora.ask("GET", row["attachments"][0]["url"].removeprefix("/widget/"))
        assert response.status_code == 200
        assert b"".join(response.streaming_content) == content  # type: ignore[attr-defined]
        assert response["Content-Disposition"].startswith(how)
        assert response["X-Content-Type-Options"] == "nosniff"


def test_a_file_that_lies_about_its_type_is_a_download(dora: Browser) -> None:
    _status, file = add(dora, b"<script>alert(1)</script>", "foto.png", "image/png")
    assert (file["kind"], file["mime"]) == ("file", "application/octet-stream")


def test_files_of_others_cannot_be_named(dora: Browser) -> None:
    other = Browser()
    other.begins()
    _status, file = add(other, PNG, "rahasia.png", "image/png")
    response = dora.says("lihat", attachments=[file["id"]])
    assert response.status_code == 400
    assert not Message.objects.exists()
    assert dora.says("", attachments=list(range(1, 100))).status_code == 400


def test_an_empty_and_a_large_file(dora: Browser, settings: object) -> None:
    assert add(dora, b"", "kosong", "text/plain")[0] == 400
    settings.MAX_ATTACHMENT_BYTES = 10  # type: ignore[attr-defined]
    assert add(dora, b"x" * 11, "besar", "text/plain")[0] == 413


def test_files_never_sent_go_after_a_day(dora: Browser) -> None:
    _status, file = add(dora, PNG, "foto.png", "image/png")
    visitors.purge()
    assert VisitorUpload.objects.exists()
    VisitorUpload.objects.update(created_at=timezone.now() - timedelta(days=2))
    visitors.purge()
    assert not VisitorUpload.objects.exists()
    assert dora.says("", attachments=[file["id"]]).status_code == 400


def test_browsers_that_never_wrote_go_after_a_month(dora: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitors, "PURGED_AT_ONCE", 2)
    silent = [Browser() for _ in range(5)]
    for one in silent:
        one.begins()
    dora.says("Halo")
    visitors.purge()
    assert VisitorConversation.objects.count() == 6
    VisitorConversation.objects.update(created_at=timezone.now() - timedelta(days=31))
    visitors.purge()
    assert VisitorConversation.objects.count() == 1
    assert dora.says("Masih di sini").status_code == 201
    assert silent[0].says("Halo").status_code == 401


def test_whoever_goes_leaves_no_file_behind(dora: Browser) -> None:
    assert add(dora, PNG, "foto.png", "image/png")[0] == 201
    VisitorConversation.objects.update(created_at=timezone.now() - timedelta(days=31))
    stored = str(VisitorUpload.objects.get().file.name)
    visitors.purge()
    assert VisitorUpload.objects.exists()
    VisitorUpload.objects.update(created_at=timezone.now() - timedelta(days=2))
    visitors.purge()
    assert not VisitorConversation.objects.exists()
    assert not default_storage.exists(stored)


# ── Who is who ───────────────────────────────────────────────────────────────────────────────


def test_a_proven_id_reads_its_history_on_any_browser(dora: Browser, bea: Agent, work: Work) -> None:
    dora.says("Saya Dora")
    assert dora.identifies("42", name="Dora", email="dora@example.com").status_code == 200
    answers(Ticket.objects.get(), bea, "Halo Dora", work)
    second = Browser()
    second.begins()
    second.says("dari ponsel")
    assert json.loads(second.identifies("42").content)["moved"] is True
    texts = ["Saya Dora", "Halo Dora", "dari ponsel"]
    assert [one["text"] for one in second.reads()] == texts == [one["text"] for one in dora.reads()]
    assert [one["seq"] for one in second.reads()] == [1, 2, 3]
    address = Address.objects.get(external_id="id:42")
    assert Message.objects.filter(ticket__address=address, direction="in").count() == 2
    second.says("lagi")
    assert Ticket.objects.filter(address=address, status="open").count() == 1


def test_saying_it_again_changes_nothing(dora: Browser) -> None:
    dora.says("Halo")
    dora.identifies("42")
    envelopes = Envelope.objects.count()
    assert json.loads(dora.identifies("42").content)["moved"] is False
    assert Envelope.objects.count() == envelopes


@pytest.mark.parametrize("secret", ["another", ""])
def test_a_wrong_hash_is_refused(dora: Browser, secret: str) -> None:
    assert dora.identifies("42", secret=secret or "x").status_code == 403
    assert Visitor.objects.get().conversation.external_id.startswith(visitors.ANONYMOUS)


def test_an_empty_secret_never_matches(dora: Browser, widget_channel: Channel) -> None:
    widget_channel.put_settings({**widget_channel.clear_settings(), "identity_secret": ""})
    widget_channel.save()
    assert dora.identifies("42", secret="").status_code == 403


def test_a_second_id_on_one_browser_does_not_take_the_first_along(dora: Browser) -> None:
    dora.identifies("42")
    dora.says("rahasia Dora")
    dora.identifies("43")
    assert dora.reads() == []
    dora.identifies("42")
    assert [one["text"] for one in dora.reads()] == ["rahasia Dora"]


def test_facts_from_a_page_are_shown_and_link_nobody(dora: Browser, widget_channel: Channel, north: object) -> None:
    dora.ask("POST", "describe/", {"name": "Siti", "email": "siti@example.com", "attributes": {"plan": "gold"}})
    dora.says("Halo")
    address = Address.objects.get()
    assert (address.name, address.email) == ("Siti", "siti@example.com")
    other = Browser()
    other.begins()
    other.ask("POST", "describe/", {"email": "siti@example.com"})
    other.says("Halo")
    assert Ticket.objects.values("customer").distinct().count() == 2


def test_an_agent_is_shown_what_nobody_has_verified(
    dora: Browser, bea: Agent, client: Client, api: Callable[[Agent], Api]
) -> None:
    dora.says("Halo")
    facts = {"plan <b>": "gold <script>", "cart": 3}
    dora.ask("POST", "describe/", {"name": "Siti", "email": "siti@example.com", "attributes": facts})
    ticket = Ticket.objects.get()
    client.force_login(bea)
    html = client.get(f"/tickets/{ticket.pk}/customer/").content.decode()
    assert 'plan &lt;b&gt;</dt><dd dir="auto">gold &lt;script&gt;' in html
    assert "siti@example.com" in html
    assert "not verified" in html
    (row,) = api(bea).get(f"/customers/{ticket.customer_id}/")["addresses"]
    assert (row["facts"], row["verified"]) == ({"plan <b>": "gold <script>", "cart": "3"}, False)


def test_what_is_said_of_one_person_is_not_said_of_the_next(dora: Browser) -> None:
    dora.identifies("42", name="Siti", email="siti@example.com", attributes={"plan": "gold"})
    dora.says("Halo")
    dora.identifies("43")
    dora.says("Halo lagi")
    first, second = Address.objects.order_by("pk")
    assert (first.name, first.email, first.facts) == ("Siti", "siti@example.com", {"plan": "gold"})
    assert (second.name, second.email, second.facts) == ("", "", {})


def test_facts_are_few_and_short(dora: Browser) -> None:
    dora.says("Halo")
    for step in range(4):
        many = {f"{step}-{number}": "x" * 1000 for number in range(30)}
        assert dora.ask("POST", "describe/", {"attributes": many}).status_code == 204
    facts = Address.objects.get().facts
    assert len(facts) == 40
    assert {len(value) for value in facts.values()} == {200}
    assert dora.ask("POST", "describe/", {"attributes": "x", "email": ["x"], "name": 3}).status_code == 204


def test_of_many_facts_the_newest_stay_and_one_that_is_null_goes(dora: Browser) -> None:
    dora.says("Halo")
    # A page's script sends all that the page has said so far.
    said: dict[str, Any] = {f"k{number}": number for number in range(45)}
    dora.ask("POST", "describe/", {"attributes": said})
    assert list(Address.objects.get().facts) == [f"k{number}" for number in range(5, 45)]
    said |= {"vip": True, "basket": ["tas", 2], "k44": None}
    dora.ask("POST", "describe/", {"attributes": said})
    facts = Address.objects.get().facts
    assert (facts["vip"], facts["basket"], facts["k43"]) == ("true", '["tas", 2]', "43")
    assert "k44" not in facts


@pytest.mark.parametrize("phone", ["(021) 555-1234", "+62 (0)812 3456 789", "0812.3456.7890"])
def test_a_phone_number_as_people_write_it_is_kept(phone: str, dora: Browser) -> None:
    """The same that the form in the chat lets pass (forms.js)."""
    dora.ask("POST", "describe/", {"phone": phone})
    assert Visitor.objects.get().phone == phone


# ── Strangers ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("origin", ["", "null", "https://evil.example", "https://shop.example.evil.example"])
@pytest.mark.parametrize(("method", "path"), [("GET", "messages/"), ("POST", "messages/"), ("OPTIONS", "messages/")])
def test_a_foreign_origin_gets_nothing(dora: Browser, origin: str, method: str, path: str) -> None:
    response = dora.ask(method, path, HTTP_ORIGIN=origin)
    assert response.status_code == 403
    assert "Access-Control-Allow-Origin" not in response
    assert "Origin" in response["Vary"]
    assert response["Cache-Control"] == "no-store"


def test_our_own_pages_may_although_a_browser_names_no_origin_when_it_reads(dora: Browser) -> None:
    headers = {"HTTP_ORIGIN": "", "HTTP_SEC_FETCH_SITE": "same-origin"}
    assert dora.ask("GET", "messages/", **headers).status_code == 200


def test_a_preflight_is_for_those_origins_only(dora: Browser) -> None:
    response = dora.ask("OPTIONS", "messages/")
    assert response.status_code == 204
    assert response["Access-Control-Allow-Origin"] == SHOP
    assert "Access-Control-Allow-Credentials" not in response


def test_every_host_below_a_domain(widget_channel: Channel) -> None:
    widget_channel.public_settings["origins"] = ["https://*.shop.example"]
    assert visitors.may_stand_at(widget_channel, "https://id.shop.example")
    assert not visitors.may_stand_at(widget_channel, "https://shop.example")
    assert not visitors.may_stand_at(widget_channel, "http://id.shop.example")
    assert not visitors.may_stand_at(widget_channel, "https://evilshop.example")


@pytest.mark.parametrize(
    ("written", "origin"),
    [
        ("https://Shop.Example/", "https://shop.example"),
        ("https://shop.example:443", "https://shop.example"),
        ("http://shop.example:80", "http://shop.example"),
        ("https://*.toko.example:443", "https://id.toko.example"),
        ("https://tokobücher.example", "https://xn--tokobcher-u9a.example"),
        ("https://ร้าน.example:8443", "https://xn--q3ct9b5e.example:8443"),
    ],
)
def test_an_origin_is_known_however_it_was_written(written: str, origin: str, widget_channel: Channel) -> None:
    registry.adapter("webchat").check_settings({"origins": written})
    widget_channel.public_settings["origins"] = written
    assert visitors.may_stand_at(widget_channel, origin)
    assert not visitors.may_stand_at(widget_channel, origin + "0")


@pytest.mark.parametrize(
    "written",
    ["*", "https://*", "https://shop.*", "https://a.*.example", "https://ana:pw@shop.example", "https://shop.example#a",
     "https://shop.example?", "https://shop.example:99999", "https://shop.example/path", "shop.example"],
)  # fmt: skip
def test_what_no_browser_says_is_no_website(written: str) -> None:
    with pytest.raises(SettingsInvalid):
        registry.adapter("webchat").check_settings({"origins": written})


@pytest.mark.parametrize("token", ["", "x", "WyJ2LTEiLDFd:1tx:abc"])
def test_a_forged_token(dora: Browser, token: str) -> None:
    assert dora.ask("GET", "messages/", HTTP_AUTHORIZATION=f"Bearer {token}").status_code == 401


def test_a_token_of_another_channel_works_where_that_stands_and_nowhere_else(dora: Browser, north: object) -> None:
    other_channel = connect(
        "webchat", None, "Other", widget_token="wgt_other", identity_secret="x", origins="https://other.example"
    )
    other = Browser(widget_token="wgt_other", origin="https://other.example")
    other.begins()
    assert other.ask("GET", "messages/", HTTP_ORIGIN=SHOP).status_code == 403
    assert Visitor.objects.filter(channel=other_channel).count() == 1


def test_a_token_that_was_turned_or_taken_back(dora: Browser) -> None:
    old = dora.token
    dora.token = json.loads(dora.ask("POST", "rotate/").content)["token"]
    assert dora.reads() == []
    assert dora.ask("GET", "messages/", HTTP_AUTHORIZATION=f"Bearer {old}").status_code == 401
    assert dora.ask("DELETE", "session/").status_code == 204
    assert dora.ask("GET", "messages/").status_code == 401


def test_a_visitor_reads_their_own_alone(dora: Browser) -> None:
    dora.says("rahasia")
    other = Browser()
    other.begins()
    assert other.reads() == []
    assert other.ask("GET", "files/1/0/").status_code == 404


# ── Bad input ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("given", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"\xff", 400),
        (b'{"a":' * 100 + b"1" + b"}" * 100, 400),
        ({"text": "x"}, 400),
        ({"client_message_id": "x" * 101, "text": "x"}, 400),
        ({"client_message_id": "1", "text": ""}, 400),
        ({"client_message_id": "1", "text": " ", "postback": {}}, 400),
        ({"client_message_id": "1", "postback": {"title": " ", "payload": 5}}, 400),
        ({"client_message_id": "1", "text": ["x"]}, 400),
        ({"client_message_id": "1", "text": "x", "attachments": "1"}, 400),
        ({"client_message_id": "1", "text": "x", "attachments": [True]}, 400),
        ({"client_message_id": "1", "text": "x", "attachments": [10**30]}, 400),
        ({"client_message_id": "1", "text": "x" * 10_001}, 413),
        ({"client_message_id": "1", "text": "x" * 1_000_000}, 413),
    ],
)
def test_what_cannot_be_kept_is_answered_clearly(dora: Browser, given: object, status: int) -> None:
    response = dora.ask("POST", "messages/", given)
    assert response.status_code == status
    assert json.loads(response.content)["detail"]
    assert not Message.objects.exists()


def test_odd_characters_are_kept(dora: Browser) -> None:
    assert dora.says("a\x00b\ud800 <script>alert(1)</script>").status_code == 201
    assert Message.objects.get().text == "a\ufffdb\ufffd <script>alert(1)</script>"


def test_odd_numbers(dora: Browser) -> None:
    assert dora.ask("GET", "messages/?after=x").status_code == 400
    assert dora.ask("GET", "messages/?after=999999999").status_code == 200
    assert dora.ask("GET", "files/99999999999999999999/0/").status_code == 404
    assert dora.ask("POST", "receipts/", {"seen": "x"}).status_code == 400
    assert dora.ask("PUT", "messages/").status_code == 405


def test_a_flood_from_one_is_told_to_wait_and_slows_nobody_else(dora: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Browser()
    other.begins()
    # Two hundred within one second, however slow this machine is.
    now = time.monotonic()
    monkeypatch.setattr(limits.time, "monotonic", lambda: now)
    statuses = [dora.says(f"pesan {number}").status_code for number in range(200)]
    assert statuses == [201] * 20 + [429] * 180
    response = dora.says("lagi")
    assert int(response["Retry-After"]) >= 1
    assert other.says("Halo").status_code == 201
    assert Message.objects.count() == 21


def test_a_flood_from_foreign_websites_costs_nobody_the_database(
    dora: Browser, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    now = time.monotonic()
    monkeypatch.setattr(limits.time, "monotonic", lambda: now)
    with django_assert_max_num_queries(limits.MISS.burst):
        statuses = {dora.ask("GET", "messages/", HTTP_ORIGIN="https://evil.example").status_code for _ in range(200)}
    assert statuses == {403}
    assert dora.says("Halo").status_code == 201


@pytest.mark.parametrize(
    ("path", "given"),
    [
        ("messages/", {"client_message_id": "c-1", "text": "Halo"}),
        ("describe/", {"name": "Dora"}),
        ("receipts/", {"seen": 1}),
        ("identify/", {"id": "42", "hash": hmac.new(IDENTITY_SECRET.encode(), b"42", "sha256").hexdigest()}),
    ],
)
def test_who_is_erased_at_this_moment_begins_anew(
    path: str, given: dict[str, Any], dora: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = visitors.find

    def erased(token: str) -> Visitor:
        found = find(token)
        found.conversation.delete()
        return found

    monkeypatch.setattr(visitors, "find", erased)
    assert dora.ask("POST", path, given).status_code == 401
    assert not Message.objects.exists()


def test_ids_in_any_order_and_one_twice(dora: Browser) -> None:
    for name in ("c-3", "c-1", "c-2", "c-1", "c-3"):
        assert dora.says(f"pesan {name}", name).status_code in (200, 201)
    said = [(one["seq"], one["client_message_id"], one["text"]) for one in dora.reads()]
    assert said == [(1, "c-3", "pesan c-3"), (2, "c-1", "pesan c-1"), (3, "c-2", "pesan c-2")]
    # Another text under a known id is the message that there was.
    assert json.loads(dora.says("lain", "c-1").content)["text"] == "pesan c-1"


SCRIPT = '"><script>alert(1)</script>'


def test_a_script_in_every_field_is_text(dora: Browser, bea: Agent, client: Client, ana: Agent) -> None:
    dora.ask(
        "POST", "describe/",
        {"name": SCRIPT, "email": SCRIPT, "phone": SCRIPT, "language": SCRIPT, "attributes": {SCRIPT: SCRIPT}},
    )  # fmt: skip
    _status, file = add(dora, PNG, f"{SCRIPT}.png", "image/png")
    first = json.loads(dora.says(SCRIPT, SCRIPT, attachments=[file["id"]]).content)
    dora.says("", postback={"title": SCRIPT, "payload": SCRIPT}, reply_to=first["id"])
    dora.says("x", reply_to=SCRIPT)
    ticket = Ticket.objects.get()
    client.force_login(bea)
    for path in ("/", f"/tickets/{ticket.pk}/", f"/tickets/{ticket.pk}/customer/"):
        html = client.get(path).content.decode()
        assert "alert(1)" in html
        assert "<script>alert" not in html
    assert dora.reads()[0]["text"] == SCRIPT


def test_a_program_is_never_shown_nor_run(dora: Browser) -> None:
    program = b"MZ" + bytes(200)
    _status, file = add(dora, program, "kamera.jpg.exe", "image/jpeg")
    assert file["kind"] == "file"
    dora.says("", attachments=[file["id"]])
    response = dora.ask("GET", dora.reads()[0]["attachments"][0]["url"].removeprefix("/widget/"))
    assert response["Content-Disposition"].startswith("attachment")
    assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert not response["Content-Type"].startswith(("image/", "text/html"))


def test_identity_of_one_channel_proves_nothing_in_another(dora: Browser) -> None:
    connect("webchat", None, "Other", widget_token="wgt_other", identity_secret="another", origins=SHOP)
    views.forget()
    other = Browser(widget_token="wgt_other")
    other.begins()
    dora.identifies("42")
    dora.says("rahasia")
    assert other.identifies("42").status_code == 403
    assert other.identifies("42", secret="another").status_code == 200
    assert other.reads() == []


def test_an_unknown_widget(dora: Browser) -> None:
    assert dora.ask("POST", "wgt_nobody/session/").status_code == 404


def test_what_the_page_is_told_has_no_secret(dora: Browser) -> None:
    response = dora.ask("GET", f"{dora.widget_token}/appearance/")
    assert response.status_code == 200
    assert IDENTITY_SECRET not in response.content.decode()


def test_the_face_beside_an_answer_is_the_one_the_agent_has_by_now(
    dora: Browser, widget_channel: Channel, bea: Agent, django_assert_num_queries: Any
) -> None:
    dora.says("Halo")
    to = VisitorConversation.objects.get().external_id
    message = OutboundMessage(key="41", to=to, text="Halo juga", agent_id=bea.pk, agent_name="Bea")
    assert visitors.deliver(widget_channel.pk, message)
    assert [one["author"] for one in dora.reads()] == [{"name": "", "picture": ""}, {"name": "Bea", "picture": ""}]
    Agent.objects.filter(pk=bea.pk).update(picture=f"agents/{(name := uuid.uuid4())}")
    assert dora.reads()[1]["author"] == {"name": "Bea", "picture": f"/pictures/agents/{name}"}
    conversation = VisitorConversation.objects.get()
    with django_assert_num_queries(1):
        [visitors.as_json(event, conversation) for event in visitors.read(conversation, 0)]


def test_a_note_shows_who_wrote_it(dora: Browser, bea: Agent, client: Client, work: Work) -> None:
    dora.says("Halo")
    ticket = Ticket.objects.get()
    answers(ticket, bea, "Pelanggan lama", work, kind="note")
    Agent.objects.filter(pk=bea.pk).update(picture=f"agents/{(name := uuid.uuid4())}")
    client.force_login(bea)
    stream = client.get(f"/tickets/{ticket.pk}/").content.decode().partition('id="stream"')[2]
    assert f'<img src="/pictures/agents/{name}"' in stream
