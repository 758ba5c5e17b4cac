"""Mail at the doors of a channel, over HTTP as it comes: what is refused, what is kept, what counts once."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from channels_app import checks, inbound
from channels_app.models import Channel, Envelope, UsedToken
from tickets.models import Message, Ticket

pytestmark = pytest.mark.django_db
SECRET = "mail:0123456789"
MAIL = (
    "From: =?utf-8?B?4Liq4Lih4LiK4Liy4Lii?= <Som.Chai@Example.com>\r\nTo: help@shop.example\r\nSubject: Pesanan 7\r\n"
    "Message-ID: <a1@example.com>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nสวัสดี\r\n"
)


@pytest.fixture
def channel() -> Channel:
    made = Channel(kind="email", name="Mail")
    made.put_settings(checks.complete("email", {"address": "help@shop.example", "inbound_secret": SECRET}))
    made.save()
    return made


def post(channel: Channel, door: str, body: bytes | str, content_type: str = "message/rfc822", **headers: str) -> Any:
    data = body.encode() if isinstance(body, str) else body
    return Client().post(f"/webhooks/{channel.pk}/{door}", data, content_type=content_type, headers=headers)


def bearer(channel: Channel, mail: bytes | str, token: str = SECRET) -> Any:
    return post(channel, "mime/", mail, authorization=f"Bearer {token}")


def mailgun(channel: Channel, token: str = "t1", secret: str = SECRET, **fields: str) -> Any:
    signature = hmac.digest(secret.encode(), f"1{token}".encode(), "sha256").hex()
    form = {"timestamp": "1", "token": token, "signature": signature, "recipient": "help@shop.example", **fields}
    return post(channel, "mailgun/", urlencode(form), "application/x-www-form-urlencoded")


def test_a_raw_mail_becomes_a_ticket(channel: Channel) -> None:
    assert bearer(channel, MAIL).status_code == 200
    message = Message.objects.get()
    assert (message.external_id, message.text, message.ticket.subject) == ("a1@example.com", "สวัสดี\n", "Pesanan 7")
    assert message.address
    assert (message.address.external_id, message.address.name) == ("som.chai@example.com", "สมชาย")
    assert message.extra["mail"]["to"] == [{"name": "", "address": "help@shop.example"}]


def test_an_id_on_our_domain_is_said_of_it(channel: Channel) -> None:
    """Rule 11: whatever answers by itself asks for this word first."""
    bearer(channel, MAIL.replace("a1@example.com", "7.0@shop.example"))
    assert Message.objects.get().extra["mail"]["automatic"] == "own-message"


def test_the_same_mail_by_several_ways_is_one(channel: Channel) -> None:
    """In another folder, to another of our addresses, by a provider: other headers, one Message-ID."""
    bearer(channel, MAIL)
    bearer(channel, "Delivered-To: sales@shop.example\r\n" + MAIL)
    mailgun(channel, **{"body-mime": MAIL})
    assert (Message.objects.count(), Envelope.objects.count()) == (1, 3)


def test_without_an_id_the_same_mail_is_one_and_another_is_another(channel: Channel) -> None:
    bare = MAIL.replace("Message-ID: <a1@example.com>\r\n", "")
    for mail in (bare, "Delivered-To: sales@shop.example\r\n" + bare, bare.replace("Pesanan 7", "Pesanan 8")):
        assert bearer(channel, mail).status_code == 200
    assert Message.objects.count() == 2


@pytest.mark.parametrize("token", ["", " ", "wrong", "Mail:0123456789", "ไทย", "x" * 70_000])
def test_the_wrong_token_keeps_nothing(channel: Channel, token: str) -> None:
    assert bearer(channel, MAIL, base64.b64encode(token.encode()).decode()).status_code == 401
    assert not Envelope.objects.exists()


def test_no_door_and_no_channel(channel: Channel) -> None:
    for door in ("", "nowhere/", "mime/more/"):
        assert post(channel, door, MAIL, authorization=f"Bearer {SECRET}").status_code == 401
    assert Client().post("/webhooks/999/mime/", MAIL, content_type="message/rfc822").status_code == 404


def test_a_mail_of_50_mb_is_too_large(channel: Channel) -> None:
    assert bearer(channel, MAIL.encode() + b"x" * (50 * 1024 * 1024)).status_code == 413
    assert not Envelope.objects.exists()


@pytest.mark.parametrize("body", [b"", b"\r\n\r\n", b"\x00\x01\x02" * 50, b"{}", b'{"From": "a@b"}', b"no header here"])
def test_what_is_no_mail_is_refused(channel: Channel, body: bytes) -> None:
    assert bearer(channel, body).status_code == 400
    assert not Envelope.objects.exists()


def test_a_mail_cut_off_is_kept_with_what_there_is(channel: Channel) -> None:
    whole = MAIL.replace("text/plain; charset=utf-8", 'multipart/mixed; boundary="b"').replace(
        "สวัสดี", "--b\r\n\r\nHalo"
    )
    assert bearer(channel, whole).status_code == 200
    assert "Halo" in Message.objects.get().text


def test_a_mail_from_nobody_is_kept_as_failed(channel: Channel) -> None:
    assert bearer(channel, MAIL.replace("<Som.Chai@Example.com>", "")).status_code == 200
    assert Envelope.objects.get().state == Envelope.State.FAILED
    assert not Message.objects.exists()


def test_our_own_copy_is_nothing(channel: Channel) -> None:
    own = MAIL.replace("Som.Chai@Example.com", "Help@shop.example")
    assert bearer(channel, "X-Pelanggan-Instance: here\r\n" + own).status_code == 200
    assert Envelope.objects.get().state == Envelope.State.IGNORED
    # Forged: kept, marked.
    assert bearer(channel, own).status_code == 200
    assert Message.objects.get().extra["mail"]["own_address"] is True


def test_a_bounce_is_no_message(channel: Channel) -> None:
    bounce = (
        "Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example\r\nTo: help@shop.example\r\nSubject: Undelivered\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n--b\r\n\r\nSorry.\r\n--b\r\n'
        "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        "Final-Recipient: rfc822; gone@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b\r\n"
        "Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: <7@shop.example>\r\n\r\n--b--\r\n"
    )
    assert bearer(channel, bounce).status_code == 200
    assert Envelope.objects.get().state == Envelope.State.OPENED
    assert not Ticket.objects.exists()


def test_a_token_of_mailgun_counts_once(channel: Channel) -> None:
    first = {"body-plain": "Halo", "from": "a@example.com", "Message-Id": "<1@x>", "subject": "Halo"}
    assert mailgun(channel, **first).status_code == 200
    again = mailgun(channel, **{**first, "Message-Id": "<2@x>", "body-plain": "Forged with an old signature"})
    assert again.status_code == 200
    assert [message.text.strip() for message in Message.objects.all()] == ["Halo"]
    assert (Envelope.objects.count(), UsedToken.objects.count()) == (1, 1)
    assert mailgun(channel, token="t2", **{**first, "Message-Id": "<2@x>"}).status_code == 200
    assert Message.objects.count() == 2


def test_a_failure_does_not_use_the_token_twice(channel: Channel) -> None:
    """Kept as failed, opened again from what is kept."""
    assert mailgun(channel, **{"body-plain": "Halo"}).status_code == 200
    envelope = Envelope.objects.get()
    assert envelope.state == Envelope.State.FAILED
    inbound.replay(envelope.pk)
    envelope.refresh_from_db()
    assert (envelope.state, UsedToken.objects.count()) == (Envelope.State.FAILED, 1)


def test_forged_posts_of_each_provider_keep_nothing(channel: Channel) -> None:
    basic = "Basic " + base64.b64encode(b"mail:wrong").decode()
    assert mailgun(channel, secret="wrong", **{"body-plain": "x"}).status_code == 401
    for door, body in (
        ("postmark/", {"MessageID": "1", "From": "a@example.com"}),
        ("sendgrid/", []),
        ("ses/", {"Type": "Notification"}),
    ):
        assert post(channel, door, json.dumps(body), "application/json", authorization=basic).status_code == 401
    assert not Envelope.objects.exists()


def test_authentic_but_not_the_format_is_400(channel: Channel) -> None:
    basic = "Basic " + base64.b64encode(SECRET.encode()).decode()
    for door, body, kind in (
        ("postmark/", b"{", "application/json"), ("postmark/", b"[]", "application/json"),
        ("sendgrid/", b"{}", "application/json"), ("sendgrid/", b"x", "multipart/form-data; boundary=b"),
        ("sendgrid/", b"x=1", "text/plain"), ("postmark/", b'{"a":' * 70 + b"1" + b"}" * 70, "application/json"),
    ):  # fmt: skip
        assert post(channel, door, body, kind, authorization=basic).status_code == 400, (door, body)
    assert mailgun(channel, subject="x").status_code == 200
    signature = hmac.digest(SECRET.encode(), b"1t9", "sha256").hex()
    odd = f"timestamp=1&token=t9&signature={signature}&subject=%ff%fe"
    assert post(channel, "mailgun/", odd, "application/x-www-form-urlencoded").status_code == 400


def test_odd_types_everywhere_are_no_trouble(channel: Channel) -> None:
    basic = "Basic " + base64.b64encode(SECRET.encode()).decode()
    odd: list[Any] = [None, 7, True, [], {}, [None], {"x": None}, "\x00", "x" * 5000]
    for value in odd:
        for key in ("From", "FromFull", "ToFull", "Headers", "Attachments", "TextBody", "MessageID", "RecordType"):
            body = json.dumps({"From": "a@example.com", "TextBody": "x", key: value})
            assert post(channel, "postmark/", body, "application/json", authorization=basic).status_code == 200
        for event in (
            value,
            {"event": value, "email": value},
            {"event": "bounce", "smtp-id": value, "timestamp": value},
        ):
            body = json.dumps([event])
            assert post(channel, "sendgrid/", body, "application/json", authorization=basic).status_code == 200


def test_the_check_button_of_postmark_is_no_message(channel: Channel) -> None:
    basic = "Basic " + base64.b64encode(SECRET.encode()).decode()
    body = {"From": "support@postmarkapp.com", "MessageID": "00000000-0000-0000-0000-000000000000", "TextBody": "Test"}
    assert post(channel, "postmark/", json.dumps(body), "application/json", authorization=basic).status_code == 200
    assert not Message.objects.exists()


def test_without_topics_nothing_of_amazon_is_taken(channel: Channel) -> None:
    body = {
        "Type": "SubscriptionConfirmation",
        "TopicArn": "arn:1",
        "SubscribeURL": "https://sns.us-east-1.amazonaws.com/",
    }
    assert post(channel, "ses/", json.dumps(body), "text/plain").status_code == 401
    assert not Envelope.objects.exists()


def test_files_of_a_form_are_files_of_the_mail(channel: Channel) -> None:
    """Mailgun's multipart, with a picture in its place and a Thai name."""
    signature = hmac.digest(SECRET.encode(), b"1t1", "sha256").hex()
    fields = {
        "timestamp": "1", "token": "t1", "signature": signature, "from": "Ani <ani@example.com>", "subject": "Foto",
        "body-plain": "Ini fotonya", "body-html": '<p>Ini <img src="cid:foto"></p>', "Message-Id": "<f@x>",
        "content-id-map": '{"<foto>": "attachment-1"}',
    }  # fmt: skip
    parts = [f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n' for name, text in fields.items()]
    for number, name, mime in ((1, "foto.png", "image/png"), (2, "ใบเสร็จ.pdf", "application/pdf")):
        parts.append(
            f'--b\r\nContent-Disposition: form-data; name="attachment-{number}"; filename="{name}"\r\n'
            f"Content-Type: {mime}\r\n\r\nbytes {number}\r\n"
        )
    body = "".join(parts) + "--b--\r\n"
    assert post(channel, "mailgun/", body, "multipart/form-data; boundary=b").status_code == 200
    message = Message.objects.get()
    assert message.text.strip() == "Ini fotonya"
    found = {file.filename: file.size for file in message.attachments.all()}
    assert found == {"foto.png": 7, "ใบเสร็จ.pdf": 7}
    assert message.html
    assert 'data-cid="foto"' in message.html


def test_nothing_of_a_form_can_write_a_header(channel: Channel) -> None:
    odd = {
        "from": "a@example.com\r\nX-Loop: yes\r\nBcc: all@shop.example",
        "subject": "x\r\n\r\nbody",
        "body-plain": "x",
    }
    assert mailgun(channel, **odd).status_code == 200
    message = Message.objects.get()
    assert message.extra["mail"]["bcc"] == []
    assert message.text.strip() == "x"
