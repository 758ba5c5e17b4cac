"""Which conversation a mail belongs to: the keys, in the order in which they are believed."""

from __future__ import annotations

import re

from channels_app.adapters.email import parser, threading
from tests.channels_app.email.mails import mail


def keys(*lines: str, to: str = "help@shop.example", own: tuple[str, ...] = ("help@shop.example",)) -> threading.Keys:
    return threading.keys(parser.read(mail(*lines, to=to)), own)


def test_in_reply_to_first_then_references_from_the_newest() -> None:
    found = keys("In-Reply-To: <C@x> <b@X>", "References: <a@x> <b@x>\r\n <c@x> < D@x >")
    assert found.ids == ("c@x", "b@x", "d@x", "a@x")


def test_the_token_of_the_reply_address_wherever_it_stands() -> None:
    token = "a1B2c3D4e5"
    for found in (
        keys(to=f"Shop <help+{token}@shop.example>"),
        keys(f"Cc: HELP+{token}@Shop.example"),
        keys(f"Delivered-To: help+{token}@shop.example"),
        keys(f"X-Original-To: <help+{token}@shop.example>"),
        keys(to=f"{token}@reply.shop.example", own=("*@reply.shop.example",)),
    ):
        assert found.by_address == (token,)
    assert keys(to=f"help+{token}@other.example").by_address == ()
    assert keys(to=f"xhelp+{token}@shop.example").by_address == ()
    assert keys(to="help+short@shop.example").by_address == ()


def test_numbers_in_the_subject_are_named_apart() -> None:
    assert keys("Subject: Re: [#1234] Pesanan [#77]").by_subject == ("1234", "77")
    assert keys("Subject: Re: Pesanan #1234").by_subject == ()
    read = parser.read(mail("Subject: Re: (SHOP-9)"))
    assert threading.keys(read, (), re.compile(r"\(SHOP-(\d+)\)")).by_subject == ("9",)


def test_a_subject_alone_joins_nothing() -> None:
    assert keys("Subject: Re: Invoice") == threading.Keys((), (), ())


def test_a_plain_subject() -> None:
    for subject in ("Re: AW: x", "RE[2]: x", "Balas: x", "回复：x", "Fwd: Re: x", "  x "):
        assert threading.plain_subject(subject) == "x"
    assert threading.plain_subject("Report: x") == "Report: x"


def test_the_same_mail_twice_is_one() -> None:
    one, two = parser.read(mail("Message-ID: <A@x>")), parser.read(mail("Message-ID: <a@X>", body="other"))
    assert threading.identity(one) == threading.identity(two)
    plain = mail("Date: Mon, 03 Mar 2025 10:12:00 +0700", "Subject: x")
    assert threading.identity(parser.read(plain)) == threading.identity(parser.read(plain))
    assert threading.identity(parser.read(plain)) != threading.identity(parser.read(plain.replace(b"Halo", b"Hola")))
