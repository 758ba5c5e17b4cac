"""Providers through django-anymail: each post proved or refused, read by our own parser; sending through their APIs."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from django.conf import settings
from django.test import Client

from agents.models import Agent, Team
from channels_app.adapters.email import composing, esp, esp_send, inward
from channels_app.contract import Account, DeliveryFailed, OutboundAttachment, OutboundMessage
from channels_app.http import Http
from channels_app.models import Channel, Envelope
from tests.conftest import connect
from tests.platforms import Answer, FakePlatform, Request, answer
from tickets import replies
from tickets.models import Message

pytestmark = pytest.mark.django_db
SECRET = "mail:0123456789"
WHSEC = "whsec_" + base64.b64encode(b"k" * 24).decode()
KEY = rsa.generate_private_key(65537, 2048)
PUBLIC = base64.b64encode(
    KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
).decode()
MAIL = (
    "From: =?utf-8?B?4Liq4Lih4LiK4Liy4Lii?= <som@mail.example>\r\nTo: help@shop.example\r\nSubject: Pesanan 7\r\n"
    "Message-ID: <{id}@mail.example>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nสวัสดี\r\n"
)
JSON, FORM = "application/json", "application/x-www-form-urlencoded"


@pytest.fixture
def channel(north: Team) -> Callable[..., Channel]:
    def made(secret: str = SECRET, **more: str) -> Channel:
        return connect("email", north, "Mail", address="help@shop.example", inbound_secret=secret, **more)

    return made


# ── What each posts, and how it proves itself ────────────────────────────────────────────────


def raw(number: str = "1") -> str:
    return MAIL.replace("{id}", number)


def brevo(number: str = "1") -> Any:
    box = {"Name": "สมชาย", "Address": "som@mail.example"}
    return {
        "items": [
            {
                "Uuid": ["u-1"], "MessageId": f"<{number}@mail.example>", "From": box,
                "To": [{"Name": "", "Address": "help@shop.example"}], "Subject": "Pesanan 7",
                "Headers": {"Message-ID": f"<{number}@mail.example>", "Received": ["a", "b"]},
                "RawTextBody": "สวัสดี", "RawHtmlBody": None, "Recipients": ["help@shop.example"],
                "Attachments": [{"Name": "ใบเสร็จ.pdf", "ContentType": "application/pdf", "ContentLength": 4,
                                 "DownloadToken": "tok/en"}],
            }
        ]
    }  # fmt: skip


def mailjet(number: str = "1") -> Any:
    return {
        "Sender": "som@mail.example", "Recipient": "help@shop.example", "Text-part": "สวัสดี", "Html-part": "",
        "Headers": {"From": "สมชาย <som@mail.example>", "To": "help@shop.example", "Subject": "Pesanan 7",
                    "Message-ID": f"<{number}@mail.example>", "Received": ["a", "b"]},
        "Parts": [
            {"Headers": {"Content-Type": "text/plain"}, "ContentRef": "Text-part"},
            {"Headers": {"Content-Type": 'application/pdf; name="struk.pdf"',
                         "Content-Disposition": 'attachment; filename="struk.pdf"'}, "ContentRef": "Attachment1"},
        ],
        "Attachment1": base64.b64encode(b"%PDF").decode(),
    }  # fmt: skip


BODIES: dict[str, Callable[[str], Any]] = {
    "brevo": brevo,
    "mailersend": lambda n="1": {
        "type": "inbound.message",
        "data": {"id": "x", "raw": raw(n), "recipients": {"rcptTo": [{"email": "help@shop.example"}]}},
    },
    "mailjet": mailjet,
    "mandrill": lambda n="1": [
        {"event": "inbound", "ts": 1700000000, "msg": {"raw_msg": raw(n), "email": "help@shop.example"}}
    ],
    "postal": lambda n="1": {
        "id": 1, "rcpt_to": "help@shop.example", "mail_from": "som@mail.example", "base64": True,
        "message": base64.b64encode(raw(n).encode()).decode(),
    },
    "sparkpost": lambda n="1": [
        {"msys": {"relay_message": {"protocol": "smtp", "rcpt_to": "help@shop.example",
                                    "content": {"email_rfc822": raw(n), "email_rfc822_is_base64": False}}}},
        {"msys": {}},
    ],
}  # fmt: skip
SECRETS = {"postal": PUBLIC, "resend": WHSEC}


def proof(name: str, body: bytes, url: str, secret: str = "") -> dict[str, str]:
    """The headers that this provider proves itself with; secret: a wrong one."""
    key = secret or SECRETS.get(name, SECRET)
    if name == "mailersend":
        return {"Signature": hmac.digest(key.encode(), body, "sha256").hex()}
    if name == "mailtrap":
        return {"Mailtrap-Signature": hmac.digest(key.encode(), body, "sha256").hex()}
    if name == "mandrill":
        signed = url + "mandrill_events" + parse_qs(body.decode())["mandrill_events"][0]
        return {"X-Mandrill-Signature": base64.b64encode(hmac.digest(key.encode(), signed.encode(), "sha1")).decode()}
    if name == "postal":
        signer = rsa.generate_private_key(65537, 2048) if secret else KEY
        return {"X-Postal-Signature": base64.b64encode(signer.sign(body, padding.PKCS1v15(), hashes.SHA1())).decode()}
    if name == "resend":
        stamp = str(int(time.time()))
        signed_ = base64.b64encode(hmac.digest((secret or "k" * 24).encode(), f"m1.{stamp}.".encode() + body, "sha256"))
        return {"Svix-Id": "m1", "Svix-Timestamp": stamp, "Svix-Signature": "v1,xx v1," + signed_.decode()}
    return {"Authorization": "Basic " + base64.b64encode(key.encode()).decode()}


def packed(name: str, data: Any) -> tuple[bytes, str]:
    if name == "mandrill":
        return urlencode({"mandrill_events": json.dumps(data)}).encode(), FORM
    body = json.dumps(data).encode()
    if name == "unisender_go":
        whole = json.dumps({"auth": SECRET, **data}).encode()
        body = whole.replace(SECRET.encode(), hashlib.md5(whole).hexdigest().encode())
    return body, JSON


def post(channel: Channel, name: str, data: Any, secret: str = "") -> Any:
    body, kind = packed(name, data)
    path = f"/webhooks/{channel.pk}/anymail/{name}/"
    headers = proof(name, body, settings.PUBLIC_URL + path, secret)
    return Client().post(path, body, content_type=kind, headers=headers)


@pytest.mark.parametrize("name", sorted(BODIES))
def test_a_mail_by_each_provider(name: str, channel: Callable[..., Channel]) -> None:
    box = channel(SECRETS.get(name, SECRET))
    assert post(box, name, BODIES[name]("1")).status_code == 200
    message = Message.objects.select_related("ticket", "address").get()
    assert Envelope.objects.get().error == ""
    assert (message.external_id, message.text.strip()) == ("1@mail.example", "สวัสดี")
    assert message.ticket.subject == "Pesanan 7"
    assert message.address
    assert (message.address.external_id, message.address.name) == ("som@mail.example", "สมชาย")
    if name in ("brevo", "mailjet"):
        file = message.attachments.get()
        assert file.filename == {"brevo": "ใบเสร็จ.pdf", "mailjet": "struk.pdf"}[name]
    # Posted again: the same mail once.
    assert post(box, name, BODIES[name]("1")).status_code == 200
    assert Message.objects.count() == 1


@pytest.mark.parametrize("name", sorted({*BODIES, "mailtrap", "resend", "unisender_go"}))
def test_nothing_is_kept_of_what_proves_nothing(name: str, channel: Callable[..., Channel]) -> None:
    data = BODIES.get(name, lambda n: {"event": "x", "auth": "0" * 32})("1")
    box = channel(SECRETS.get(name, SECRET))
    assert post(box, name, data, secret="mail:wrong").status_code == 401 or name == "unisender_go"
    body, kind = packed(name, data)
    if name == "unisender_go":
        body = body.replace(b'"x"', b'"y"')
    path = f"/webhooks/{box.pk}/anymail/{name}/"
    for headers in ({}, {"Authorization": "Basic eDp4"}, {"Signature": "", "X-Postal-Signature": "!", "Svix-Id": "m1"}):
        assert Client().post(path, body, content_type=kind, headers=headers).status_code == 401
    # No secret proves nothing, whatever is signed with it.
    empty = channel("")
    settings_ = {name: value for name, value in empty.clear_settings().items() if name != "inbound_secret"}
    empty.put_settings(settings_)
    empty.save()
    assert post(empty, name, data).status_code == 401
    assert not Envelope.objects.exists()


def test_no_such_provider(channel: Callable[..., Channel]) -> None:
    box = channel()
    for name in ("nobody", "scaleway", "anymail", ""):
        assert post(box, name, {}).status_code == 401


def test_an_old_signature_is_refused(channel: Callable[..., Channel]) -> None:
    box = channel(WHSEC)
    body = json.dumps({"type": "email.delivered", "data": {}}).encode()
    stamp = str(int(time.time()) - 900)
    signed = base64.b64encode(hmac.digest(b"k" * 24, f"m1.{stamp}.".encode() + body, "sha256")).decode()
    headers = {"Svix-Id": "m1", "Svix-Timestamp": stamp, "Svix-Signature": f"v1,{signed}"}
    path = f"/webhooks/{box.pk}/anymail/resend/"
    assert Client().post(path, body, content_type=JSON, headers=headers).status_code == 401


@pytest.mark.parametrize("name", ["brevo", "mailjet", "sparkpost", "mandrill", "postal", "mailersend", "mailtrap"])
def test_odd_shapes_are_no_trouble(name: str, channel: Callable[..., Channel]) -> None:
    box = channel(SECRETS.get(name, SECRET))
    odd: list[Any] = [{}, [], [None], [7], {"items": [7]}, {"event": 7}, {"Headers": 7, "Parts": 7}, {"msys": 7},
                      [{"msys": {"a": 1, "b": 2}}], {"type": "inbound.message"}, {"rcpt_to": 1, "message": 7},
                      {"rcpt_to": 1, "base64": True, "message": "é"}, [{"event": "inbound", "msg": 7}],
                      {"events": [{"event": "inbound.message_received"}]}]  # fmt: skip
    for data in odd:
        said = post(box, name, data)
        assert said.status_code == (400 if name == "mandrill" and not isinstance(data, list) else 200), data
    assert not Message.objects.exists()


def test_authentic_but_not_the_format(channel: Callable[..., Channel]) -> None:
    box = channel()
    basic = {"Authorization": "Basic " + base64.b64encode(SECRET.encode()).decode()}
    for body in (b"{", b"7", b'"x"', b'{"a":' * 70 + b"1" + b"}" * 70):
        path = f"/webhooks/{box.pk}/anymail/brevo/"
        assert Client().post(path, body, content_type=JSON, headers=basic).status_code == 400
    assert not Envelope.objects.exists()


def test_one_bad_mail_of_a_bundle_costs_no_other(channel: Callable[..., Channel]) -> None:
    bundle = {"items": [7, brevo("1")["items"][0], {"Subject": "from nobody"}, brevo("2")["items"][0]]}
    assert post(channel(), "brevo", bundle).status_code == 200
    assert set(Message.objects.values_list("external_id", flat=True)) == {"1@mail.example", "2@mail.example"}
    envelope = Envelope.objects.get()
    assert envelope.state == Envelope.State.FAILED
    assert "[0]" in envelope.error


def test_a_mail_that_stayed_with_the_provider_says_so(channel: Callable[..., Channel]) -> None:
    data = {"from": "Som <som@mail.example>", "to": ["help@shop.example"], "subject": "Pesanan", "message_id": "<9@x>"}
    assert post(channel(WHSEC), "resend", {"type": "email.received", "data": data}).status_code == 200
    message = Message.objects.get()
    assert message.unsupported
    assert message.ticket.subject == "Pesanan"
    assert message.extra["unsupported_reason"] == inward.ELSEWHERE
    box = channel()
    event = {"events": [{"event": "inbound.message_received", "inbox_id": 7, "message_id": "m", "timestamp": 1}]}
    assert post(box, "mailtrap", event).status_code == 200
    assert "mailbox that is fetched" in Envelope.objects.get(channel=box).error


# ── Sending ──────────────────────────────────────────────────────────────────────────────────

TAKEN: dict[str, Any] = {
    "mailgun": {"id": "<own@shop.example>", "message": "Queued."},
    "postmark": {"ErrorCode": 0, "Message": "OK", "MessageID": "pm-1", "To": "dora@mail.example"},
    "brevo": {"messageId": "<2026.1@smtp-relay.example>"},
    "mailersend": {},
    "mailjet": {
        "Messages": [{"Status": "success", "To": [{"Email": "dora@mail.example", "MessageID": 7, "MessageUUID": "u"}]}]
    },
    "mailtrap": {"success": True, "message_ids": ["mt-1"]},
    "mandrill": [{"email": "dora@mail.example", "status": "sent", "_id": "md-1"}],
    "postal": {"status": "success", "data": {"messages": {"dora@mail.example": {"id": 5, "token": "t"}}}},
    "resend": {"id": "re-1"},
    "scaleway": {"emails": [{"id": "sw-1", "message_id": "sw-1", "status": "new", "mail_rcpt": "dora@mail.example"}]},
    "sparkpost": {"results": {"id": "sp-1", "total_accepted_recipients": 1, "total_rejected_recipients": 0}},
    "unisender_go": {"status": "success", "job_id": "ug-1", "emails": ["dora@mail.example"]},
}  # fmt: skip


@pytest.fixture
def api() -> Iterator[FakePlatform]:
    with FakePlatform() as found:
        yield found


def account(name: str, url: str, **more: str) -> Account:
    known = {"address": "help@shop.example", "provider": name, "provider_key": "key-7", "provider_account": "acc-7"}
    return Account(id=1, kind="email", name="Toko", settings={**known, "base_url": url, **more})


def sent(name: str, api: FakePlatform, **more: Any) -> Any:
    file = OutboundAttachment(
        kind="file", mime="application/pdf", filename="ใบเสร็จ.pdf", size=4, url="", open=lambda: b"%PDF"
    )
    mail = {"subject": "Pesanan", "number": 12, "to_name": "Dora", "answered": "q@mail.example", **more}
    message = OutboundMessage(key="77", to="dora@mail.example", text="Ini *jawaban*.", attachments=(file,), mail=mail)
    box = account(name, api.url)
    return esp_send.send(box, esp.ESPS[name], composing.compose(box, message), message.key, Http.trusting(api.url))


def words_of(request: Request) -> str:
    text = request.body.decode("utf-8", "replace")
    if request.headers.get("content-type", "").startswith(FORM):
        return json.dumps(request.form, ensure_ascii=False)
    return json.dumps(json.loads(text), ensure_ascii=False) if text.startswith(("{", "[")) else text


@pytest.mark.parametrize("name", sorted(esp.ESPS))
def test_a_mail_goes_out_by_each_provider(name: str, api: FakePlatform) -> None:
    status = 202 if name == "mailersend" else 200
    api.will(status, json=TAKEN[name], headers={"X-Message-Id": "ms-1", "Content-Type": JSON})
    found = sent(name, api)
    (request,) = api.requests
    said = words_of(request)
    for wanted in ("dora@mail.example", "Ini *jawaban*.", "<em>jawaban</em>", "Re: Pesanan [#12]", "q@mail.example"):
        assert wanted in said, (name, wanted)
    if esp.ESPS[name].named:
        assert "77" in said
    assert "key-7" in json.dumps(dict(request.headers)) + said or "authorization" in request.headers
    assert found.external_id
    assert found.state == "sent"


@pytest.mark.parametrize(
    ("status", "category", "permanent"),
    [
        (401, "auth", True),
        (422, "content", True),
        (429, "rate", False),
        (500, "unknown", False),
        (302, "content", True),
    ],
)
def test_each_refusal_means_what_it_is(status: int, category: str, permanent: bool, api: FakePlatform) -> None:
    api.will(status, json={"message": "no"}, headers={"Location": f"{api.url}/elsewhere"})
    with pytest.raises(DeliveryFailed) as failure:
        sent("brevo", api)
    assert (failure.value.category, failure.value.permanent) == (category, permanent)
    assert "key-7" not in f"{failure.value.title} {failure.value.detail}"
    assert len(api.requests) == 1, "credentials go past no redirect"


def test_no_answer_is_not_repeated_and_a_closed_door_is(api: FakePlatform) -> None:
    api.will(drop=True)
    with pytest.raises(DeliveryFailed) as failure:
        sent("brevo", api)
    assert failure.value.category == "unconfirmed"
    api.will(200, body="not JSON at all")
    with pytest.raises(DeliveryFailed) as failure:
        sent("brevo", api)
    assert failure.value.category == "unconfirmed"
    api.close()
    with pytest.raises(DeliveryFailed) as failure:
        sent("brevo", api)
    assert (failure.value.category, failure.value.permanent) == ("unknown", False)


def test_a_recipient_that_the_provider_refuses(api: FakePlatform) -> None:
    api.will(
        200, json=[{"email": "dora@mail.example", "status": "rejected", "reject_reason": "hard-bounce", "_id": "x"}]
    )
    with pytest.raises(DeliveryFailed) as failure:
        sent("mandrill", api)
    assert (failure.value.category, failure.value.permanent) == ("blocked", True)


def test_copies_are_told_apart(api: FakePlatform) -> None:
    api.will(200, json=TAKEN["brevo"])
    sent("brevo", api, cc=["eka@mail.example"], bcc=["audit@shop.example"])
    body = api.requests[0].json
    assert [box["email"] for box in body["to"]] == ["dora@mail.example"]
    assert [box["email"] for box in body["cc"]] == ["eka@mail.example"]
    assert [box["email"] for box in body["bcc"]] == ["audit@shop.example"]


# ── There and back ───────────────────────────────────────────────────────────────────────────

EVENTS: dict[str, Callable[[str, str], Any]] = {
    "brevo": lambda kind, own: {
        "event": {"delivered": "delivered", "failed": "hard_bounce", "soft": "soft_bounce"}[kind],
        "email": "dora@mail.example", "ts_epoch": 1700000000000, "message-id": "<2026.1@smtp-relay.example>",
        "reason": "550 no such user",
    },
    "mailjet": lambda kind, own: {
        "event": "sent" if kind == "delivered" else "bounce", "email": "dora@mail.example", "time": 1700000000,
        "MessageID": 7, "error": "user unknown", "Payload": json.dumps({"pelanggan": own}),
        **({} if kind != "delivered" else {"error": None}),
    },
    "mandrill": lambda kind, own: [
        {"event": "hard_bounce" if kind == "failed" else "send", "_id": "md-1", "ts": 1700000000,
         "msg": {"email": "dora@mail.example", "diag": "550 no such user", "metadata": {"pelanggan": own}}}
    ],
    "sparkpost": lambda kind, own: [
        {"msys": {"message_event": {"type": "delivery" if kind == "delivered" else "bounce", "bounce_class": "10",
                                    "raw_rcpt_to": "dora@mail.example", "transmission_id": "sp-1", "event_id": "1",
                                    "timestamp": "1700000000", "rcpt_meta": {"pelanggan": own}}}}
    ],
}  # fmt: skip


class Provider(FakePlatform):
    """Takes a mail, and gives the files of one that it posted."""

    name = ""

    def respond(self, request: Request) -> Answer:
        if request.method == "GET":
            return answer(body=b"%PDF-1.4 struk", headers={"Content-Type": "application/pdf"})
        return answer(json=json.loads(json.dumps(TAKEN[self.name]).replace("dora@", "som@")))


@pytest.fixture
def provider() -> Iterator[Callable[[str], Provider]]:
    with Provider() as found:

        def named(name: str) -> Provider:
            found.name = name
            return found

        yield named


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_what_became_of_it_comes_back(
    name: str,
    channel: Callable[..., Channel],
    bea: Agent,
    work: Callable[[], None],
    provider: Callable[[str], Provider],
) -> None:
    api = provider(name)
    box = channel(provider=name, provider_key="key-7", provider_account="acc-7", base_url=api.url)
    assert post(box, name, BODIES[name]("1")).status_code == 200
    asked = Message.objects.get()
    reply, _new = replies.reply(asked.ticket_id, bea, replies.Draft(text="Ya."))
    work()
    reply.refresh_from_db()
    assert reply.status == "sent", reply.error

    def told(kind: str) -> None:
        data = json.loads(json.dumps(EVENTS[name](kind, str(reply.pk))).replace("dora@", "som@"))
        assert post(box, name, data).status_code == 200
        assert not Envelope.objects.exclude(error="").exists()
        reply.refresh_from_db()

    if name == "brevo":
        file = asked.attachments.get()
        assert (file.state, file.file.read()) == ("stored", b"%PDF-1.4 struk")
        (fetched,) = [request for request in api.requests if request.method == "GET"]
        assert (fetched.path, fetched.headers["api-key"]) == ("/v3/inbound/attachments/tok%2Fen", "key-7")
        told("soft")
        assert reply.status == "sent", "they go on trying"
    told("failed")
    assert reply.status == "failed"
    assert reply.error
    assert reply.error["category"] == "blocked"
    if name != "mandrill":
        told("delivered")
        assert reply.status == "delivered", "a later delivery counts"
