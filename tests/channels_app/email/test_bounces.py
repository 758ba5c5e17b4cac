"""Which mails say that one of ours did not arrive; for good or for now, and which one."""

from __future__ import annotations

import pytest

from channels_app.adapters.email import parser
from channels_app.adapters.email.mail import Bounce
from tests.channels_app.email.mails import mail, multipart

OURS = "Message-ID: <12.34@shop.example>\r\nFrom: help@shop.example\r\nSubject: Re: pesanan\r\n\r\nHalo"


def report(action: str = "failed", status: str = "5.1.1", returned: str = "message/rfc822") -> bytes:
    fields = (
        "Reporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; ana@mail.example\r\n"
        f"Action: {action}\r\nStatus: {status}\r\nDiagnostic-Code: smtp; 550 {status}\r\n no such user"
    )
    raw = multipart(
        "report; report-type=delivery-status",
        "\r\nYour mail could not be delivered.",
        f"Content-Type: message/delivery-status\r\n\r\n{fields}",
        f"Content-Type: {returned}\r\n\r\n{OURS}",
        head="Subject: Undelivered Mail Returned to Sender\r\nReturn-Path: <>\r\n",
    )
    return raw.replace(b"ana@mail.example\r\nSubject", b"MAILER-DAEMON@mx.example\r\nSubject", 1)


def bounce(raw: bytes) -> Bounce | None:
    return parser.read(raw).bounce


@pytest.mark.parametrize("returned", ["message/rfc822", "text/rfc822-headers"])
def test_a_report_by_the_standard(returned: str) -> None:
    assert bounce(report(returned=returned)) == Bounce(
        kind="hard",
        recipient="ana@mail.example",
        status="5.1.1",
        message_id="12.34@shop.example",
        diagnostic="smtp; 550 5.1.1 no such user",
    )


@pytest.mark.parametrize(
    ("action", "status", "kind"),
    [
        ("failed", "5.2.2", "hard"),
        ("failed", "4.4.7", "soft"),
        ("delayed", "4.0.0", "soft"),
        ("Delayed", "5.0.0", "soft"),
        ("failed", "", "hard"),
    ],
)
def test_for_good_or_for_now(action: str, status: str, kind: str) -> None:
    found = bounce(report(action, status))
    assert found is not None
    assert found.kind == kind


@pytest.mark.parametrize("action", ["delivered", "relayed", "expanded"])
def test_a_receipt_is_no_bounce(action: str) -> None:
    assert bounce(report(action, "2.0.0")) is None


@pytest.mark.parametrize(
    ("sender", "subject", "body"),
    [
        ("MAILER-DAEMON@mx.example", "failure notice", "<ana@mail.example>:\r\n550 no such user"),
        (
            "Mail Delivery System <mailer-daemon@mx.example>",
            "Mail delivery failed: returning message to sender",
            "failed",
        ),
        ("postmaster@mx.example", "Undeliverable: Re: pesanan", "It could not be delivered to ana@mail.example"),
        ("postmaster@mx.example", "送信", "ana@mail.example was not delivered"),
        ("Mail Delivery Subsystem <md@mx.example>", "Delivery Status Notification (Failure)", "x"),
        ("postmaster@mx.example", "Mail gagal dikirim", "ana@mail.example"),
        ("postmaster@mx.example", "ไม่สามารถส่งอีเมลได้", "ana@mail.example"),
        ("postmaster@mx.example", "ไม่สามารถจัดส่ง: pesanan", "ana@mail.example"),
        ("postmaster@mx.example", "Penghantaran gagal", "ana@mail.example"),
        ("postmaster@mx.example", "No se puede entregar: pedido", "ana@mail.example"),
        ("postmaster@mx.example", "Недоставлено: заказ", "ana@mail.example"),
        ("postmaster@mx.example", "邮件传输失败！", "ana@mail.example"),
        ("Postmaster/ACME@ACME", "DELIVERY FAILURE: User not listed in Domino Directory", "ana@mail.example"),
        (
            f"Microsoft Outlook <MicrosoftExchange{'0a' * 16}@x.example>",
            "Undeliverable: Order",
            "Delivery has failed to these recipients or groups:",
        ),
        ('<"System Administrator"@x.example>', "Delivery Failure", "Reason: 550 unknown user <ana@mail.example>"),
        ("E1_SMTP_Mail_Service@x.example", "Returned Mail - Error", "<ana@mail.example>: mailbox unavailable. [550]"),
    ],
)
def test_a_machine_that_says_so_in_words(sender: str, subject: str, body: str) -> None:
    assert bounce(mail(f"Subject: {subject}", sender=sender, body=body)) is not None


def test_failed_recipients_named_in_a_header() -> None:
    found = bounce(mail("X-Failed-Recipients: ana@mail.example", "Subject: x", body=f"gone\r\n\r\n{OURS}"))
    assert found is not None
    assert (found.recipient, found.message_id) == ("ana@mail.example", "12.34@shop.example")


@pytest.mark.parametrize(
    ("sender", "subject", "body"),
    [
        (
            "Ana <ana@mail.example>",
            "Undelivered mail?",
            "My mail to you was returned to me: 550 5.1.1 user unknown. Why?",
        ),
        (
            "Ana <ana@mail.example>",
            "Delivery failed",
            "Your courier says the delivery failed. The address does not exist, he says.",
        ),
        ("Ana <ana@mail.example>", "Fwd: failure notice", "See what I got: could not be delivered"),
        ("postmaster@school.example", "Order of ten chairs", "Please send ten chairs."),
        ("delivery@courier.example", "Your parcel is here", "It arrives at ten."),
        ("support@shop2.example", "Re: Mail delivery failed", "It could not be delivered."),
        ("delivery@courier.example", "Your parcel", "It could not be delivered to the following address: Jl. X 1"),
        ("noreply@courier.example", "Delivery failed: we missed you", "It could not be delivered to Jl. Sudirman 5."),
        ("mail.admin@school.example", "Our order", "The printer could not be delivered. Please call."),
    ],
)
def test_people_who_write_about_a_failure_are_no_bounce(sender: str, subject: str, body: str) -> None:
    assert bounce(mail(f"Subject: {subject}", sender=sender, body=body)) is None


def test_a_bounce_is_shown_whole() -> None:
    read = parser.read(report())
    assert read.reply_text == read.text == "Your mail could not be delivered."


def test_the_address_in_words_is_without_its_quotes() -> None:
    found = bounce(
        mail("Subject: Undeliverable mail", sender="MAILER-DAEMON@x.example", body="Failed: 'ana@mail.example'")
    )
    assert found is not None
    assert found.recipient == "ana@mail.example"


def test_a_gateway_that_names_nobody_gives_the_mail_back() -> None:
    told = "\r\nThe following mail could not be delivered. Reason: exceeded maximum attempts."
    raw = multipart(
        "mixed", told, f"Content-Type: message/rfc822\r\n\r\n{OURS}", head="Subject: Mail could not be delivered\r\n"
    )
    found = bounce(raw)
    assert found is not None
    assert found.message_id == "12.34@shop.example"
    assert bounce(raw.replace(b"Subject: Mail", b"Subject: Fwd: Mail", 1)) is None
