"""The whole reader: never raises, whatever comes, and says what it found in one frozen record."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from channels_app.adapters.email import parser
from channels_app.adapters.email.mail import Mail, Mailbox
from tests.channels_app.email.mails import encoded, mail, multipart

WHOLE = multipart(
    "mixed",
    b"Content-Type: multipart/alternative; boundary=inner\r\n\r\n--inner\r\nContent-Type: text/plain; charset=windows-874\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\n=CA=C7=D1=CA=B4=D5\r\n--inner\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    b'<p>a</p><div class="gmail_quote">On Mon, 3 Mar 2025 at 10:12 A &lt;a@x&gt; wrote:<blockquote>b</blockquote></div>\r\n--inner--\r\n',
    "Content-Type: text/calendar\r\n\r\nBEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:20250303\r\nEND:VEVENT",
    "Content-Type: application/ms-tnef\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    + encoded(b"\x78\x9f\x3e\x22\x01\x00\x01\x0c\x80"),
    "Content-Type: message/delivery-status\r\n\r\nFinal-Recipient: rfc822; a@x.example\r\nAction: failed\r\nStatus: 5.0.0",
    b"Content-Type: message/rfc822\r\n\r\nMessage-ID: <1@x>\r\n\r\nx",
    head="Subject: =?utf-8?B?4Liq4Lin4Lix4Liq4LiU4Li1?=\r\nReferences: <a@x> <b@x>\r\nAuthentication-Results: mx; dmarc=pass\r\n",
)


def test_one_mail_whole() -> None:
    read = parser.read(
        mail(
            "Reply-To: Bo <bo@mail.example>", "Cc: c@mail.example", "Bcc: d@mail.example", "Sender: e@mail.example", "Delivered-To: help@shop.example",
            "X-Original-Sender: f@mail.example", "Subject: Pesanan", "Date: Mon, 03 Mar 2025 10:12:00 +0700", "Message-ID: <1@mail.example>",
            "In-Reply-To: <0@shop.example>", "References: <0@shop.example>", "Return-Path: <ana@mail.example>",
            "Authentication-Results: mx.shop.example; spf=pass; dkim=pass; dmarc=pass",
            to="Help <help@shop.example>, other@shop.example",
            body="Halo\n\nPada Sen, 3 Mar 2025 pukul 10.12 Toko <help@shop.example> menulis:\n> lama\n",
        )
    )  # fmt: skip
    assert read.sender == Mailbox(name="Ana", address="ana@mail.example")
    assert [box.address for box in (*read.reply_to, *read.to, *read.cc, *read.bcc)] == [
        "bo@mail.example", "help@shop.example", "other@shop.example", "c@mail.example", "d@mail.example",
    ]  # fmt: skip
    assert read.sent_by == Mailbox(address="e@mail.example")
    assert (read.original_sender, read.return_path) == ("f@mail.example", "ana@mail.example")
    assert read.recipients == ("help@shop.example", "other@shop.example", "c@mail.example", "d@mail.example")
    assert read.date == datetime(2025, 3, 3, 3, 12, tzinfo=UTC)
    assert (read.message_id, read.in_reply_to, read.references) == (
        "1@mail.example",
        ("0@shop.example",),
        ("0@shop.example",),
    )
    assert read.reply_text == "Halo"
    assert "> lama" in read.text
    assert (read.verdicts.spf, read.verdicts.dkim, read.verdicts.dmarc) == ("pass", "pass", "pass")
    assert (read.bounce, read.notes, read.html) == (None, (), None)


def test_a_mail_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        parser.read(mail()).subject = "x"  # type: ignore[misc]


def test_an_answer_goes_where_the_sender_can_be_reached() -> None:
    assert parser.read(mail("Reply-To: <bo@mail.example>", sender="Ana <>")).sender == Mailbox(
        name="Ana", address="bo@mail.example"
    )


def test_nothing_of_html_and_text_can_spoil_a_database() -> None:
    read = parser.read(mail("Subject: a\x00b", "Content-Type: text/html", body="<p>a\x00b</p>"))
    assert "\x00" not in f"{read.subject}{read.text}{read.html}{read.reply_text}"


def test_the_dictionary_is_plain() -> None:
    found = parser.parse(WHOLE)
    assert json.loads(json.dumps(found)) == found
    assert found["subject"] == "สวัสดี"
    assert found["references"] == ["a@x", "b@x"]


def test_a_failure_of_ours_is_shown_as_the_mail_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parser.structure, "read", lambda raw: 1 / 0)
    read = parser.read(mail())
    assert read.notes == ("unreadable",)
    assert "Halo" in read.text


def sound(read: Mail) -> None:
    assert "unreadable" not in read.notes
    assert read.date is None or read.date.tzinfo is not None
    assert bool(read.reply_text.strip()) == bool(read.text.strip())
    for text in (
        read.subject,
        read.text,
        read.reply_text,
        read.html or "",
        read.sender.address,
        *(file.filename for file in read.files),
    ):
        assert "\x00" not in text
        text.encode()


@hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=2000))
def test_bytes_of_any_kind(raw: bytes) -> None:
    sound(parser.read(raw))


@hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_a_mail_that_was_damaged_on_the_way(data: st.DataObject) -> None:
    raw = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 6))):
        start = data.draw(st.integers(0, len(raw)))
        junk = data.draw(
            st.one_of(
                st.binary(max_size=6),
                st.sampled_from([b"\r\n", b"--edge", b"--inner--", b"=?", b"?=", b'"', b"<", b"\x1b$B", b"\xff"]),
            )
        )
        raw[start : start + data.draw(st.integers(0, 40))] = junk
    sound(parser.read(bytes(raw)))


@hypothesis_settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.sampled_from(
            ["On Mon, 3 Mar 2025 at 10:12, A <a@x> wrote:", "> q", "", "text", "-- ", "____", "From: A", "Sent: Monday", "To: B", "Subject: C",
             "-----Original Message-----", "Sent from my iPhone", "---------- Forwarded message ---------", "เขียนว่า:", "wrote:", ">:", "<"]
        ),
        max_size=25,
    )
)  # fmt: skip
def test_lines_in_any_order(lines: list[str]) -> None:
    text = "\n".join(lines)
    read = parser.read(mail(body=text))
    sound(read)
    # Only folded: every line of the reply is a line of the whole, in the same order.
    whole = iter(read.text.split("\n"))
    assert all(any(line == other.strip() for other in whole) for line in map(str.strip, read.reply_text.split("\n")))
