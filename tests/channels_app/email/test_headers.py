"""Headers as they are really written: encoded words, addresses, parameters, dates, ids."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from channels_app.adapters.email import addresses, dates, encoded, headers, parameters
from channels_app.adapters.email.mail import Mailbox


def block(raw: bytes) -> headers.Headers:
    return headers.read(raw, 0, len(raw))[0]


@pytest.mark.timeout(60)
def test_a_remark_that_never_begins_costs_nothing() -> None:
    """One such header was seconds; a mail has room for a hundred of them."""
    value = "text/plain; charset=x (" + " " * 60_000 + "y"
    for _part in range(100):
        assert parameters.read(value)[0] == "text/plain"
    assert parameters.read("text/plain; charset=utf-8  (as ever)")[1]["charset"] == "utf-8"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("=?utf-8?B?4Liq4Lin4Lix4Liq4LiU4Li1?=", "สวัสดี"),
        # A letter cut between two words, and white space between words is none.
        ("=?utf-8?B?4Lg=?= =?utf-8?B?qg==?=", "ส"),
        ("=?utf-8?Q?=E0=B8?=\n =?utf-8?Q?=AA?=", "ส"),
        # Base64 that was cut without padding.
        ("=?utf-8?B?4Liq4?= =?utf-8?B?Lin?=", "สว"),
        ("=?iso-8859-1?Q?a?= b =?iso-8859-1?Q?=FC?=", "a b ü"),
        ("=?utf-8?q?Halo_kak=3F?=", "Halo kak?"),
        ("=?utf-8?Q?Halo kak?=", "Halo kak"),
        ("=?utf-8*en?Q?Halo?=", "Halo"),
        ("=?windows-874?B?ytfRyrTV?=", "สืัสดี"),
        ("=?utf-8?Q?open", "=?utf-8?Q?open"),
        ("=?utf-8?X?odd?=", "=?utf-8?X?odd?="),
        ("=?nowhere?Q?abc?=", "abc"),
        ("=??Q?abc?=", "abc"),
        ("Re: =?utf-8?Q?a?=: b", "Re: a: b"),
        ("=?iso-8859-1?Q?Fr\u00f6sche?=", "Frösche"),
    ],
)
def test_encoded_words(raw: str, text: str) -> None:
    assert encoded.decode_words(raw) == text


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        ("Ana <ana@x.example>", [("Ana", "ana@x.example")]),
        ('"Doe, John" <j@x.example>, b@x.example', [("Doe, John", "j@x.example"), ("", "b@x.example")]),
        ("Doe, John <j@x.example>", [("Doe, John", "j@x.example")]),
        ("ana@x.example (Ana Lim)", [("Ana Lim", "ana@x.example")]),
        ("=?utf-8?B?RG9lLCBKb2hu?= <j@x.example>", [("Doe, John", "j@x.example")]),
        ("=?utf-8?Q?Doe,_John?= <j@x.example>", [("Doe, John", "j@x.example")]),
        ('"=?utf-8?Q?Ana?=" <ana@x.example>', [("Ana", "ana@x.example")]),
        ("'Ana' <ana@x.example>", [("Ana", "ana@x.example")]),
        ('"ana@x.example"', [("", "ana@x.example")]),
        ('"ana@x.example" <ana@x.example>', [("ana@x.example", "ana@x.example")]),
        (
            "Team: a@x.example, b@x.example;, c@x.example",
            [("", "a@x.example"), ("", "b@x.example"), ("", "c@x.example")],
        ),
        ("undisclosed-recipients:;", []),
        ("a@x.example; b@x.example", [("", "a@x.example"), ("", "b@x.example")]),
        ("Ana <mailto:ana@x.example>", [("Ana", "ana@x.example")]),
        ("Ana ana@x.example", [("Ana", "ana@x.example")]),
        ("Ana Lim [ana@x.example]", [("Ana Lim", "ana@x.example")]),
        ("Ana <ana@x.example", [("Ana", "ana@x.example")]),
        ("o'neil@x.example", [("", "o'neil@x.example")]),
        ("'ana@x.example'", [("", "ana@x.example")]),
        ("Ana <ana@[192.0.2.1]>", [("Ana", "ana@[192.0.2.1]")]),
        ('"ana lim"@x.example', [("", '"ana lim"@x.example')]),
        ('<"System Administrator"@x.example>', [("", '"System Administrator"@x.example')]),
        ("< ana@x.example >", [("", "ana@x.example")]),
        ("<@relay.example:ana@x.example>", [("", "ana@x.example")]),
        ('"Ana \\"A\\" Lim" <ana@x.example>', [('Ana "A" Lim', "ana@x.example")]),
        ("a@x.example b@x.example <c@x.example> d <d@x.example>", None),
        ("", []),
    ],
)
def test_addresses(raw: str, found: list[tuple[str, str]] | None) -> None:
    read = [(box.name, box.address) for box in addresses.read(raw)]
    assert found is None or read == found


def test_an_address_is_compared_without_its_tag() -> None:
    assert Mailbox(address="Help+a1@X.example").key == Mailbox(address="help@x.example").key


@pytest.mark.parametrize(
    ("raw", "main", "params"),
    [
        ('text/plain; charset="UTF-8"', "text/plain", {"charset": "UTF-8"}),
        ("text/plain; name=This is a test.txt", "text/plain", {"name": "This is a test.txt"}),
        ("attachment; filename=This is.txt; size=3", "attachment", {"filename": "This is.txt", "size": "3"}),
        ("attachment; filename*=utf-8''%E0%B9%83%E0%B8%9A.pdf", "attachment", {"filename": "ใบ.pdf"}),
        (
            "attachment; filename*0*=utf-8''%E0%B9%83; filename*1*=%E0%B8%9A; filename*2=.pdf",
            "attachment",
            {"filename": "ใบ.pdf"},
        ),
        ("attachment; filename*1=b.txt; filename*0=a", "attachment", {"filename": "ab.txt"}),
        ('attachment; filename="=?utf-8?B?4LmD4LiaLnBkZg==?="', "attachment", {"filename": "ใบ.pdf"}),
        ('attachment; filename="a;b.pdf"', "attachment", {"filename": "a;b.pdf"}),
        ('attachment; filename="a "b".pdf"', "attachment", {"filename": 'a "b".pdf'}),
        ("attachment; filename='x y.pdf'", "attachment", {"filename": "x y.pdf"}),
        ("ATTACHMENT ;FileName = x.pdf", "attachment", {"filename": "x.pdf"}),
        ("text/html charset=utf-8", "text/html", {"charset": "utf-8"}),
        ("text/html, charset=utf-8", "text/html", {"charset": "utf-8"}),
        ("text / html ; charset=utf-8", "text/html", {"charset": "utf-8"}),
        ('"text/html"; charset=utf-8', "text/html", {"charset": "utf-8"}),
        ("", "", {}),
        (";;;=;", "", {}),
    ],
)
def test_parameters(raw: str, main: str, params: dict[str, str]) -> None:
    assert parameters.read(raw) == (main, params)


@pytest.mark.parametrize(
    "raw",
    [
        "Mon, 03 Mar 2025 10:12:00 +0700",
        "Mon,03 Mar 2025 10:12:00 +0700 (ICT)",
        "3 Mar 2025 03:12:00 GMT",
        "2025-03-03T10:12:00+07:00",
        "2025-03-03 03:12:00",
        "Mon, 3 Mar 2025 10:12 +0700",
        "=?utf-8?Q?Mon,_03_Mar_2025_10:12:00_+0700?=",
        # Zones as people write them
        "Mon, 3 Mar 2025 10:12:00 +07:00",
        "Mon, 3 Mar 2025 10:12:00 GMT+7",
        "Mon, 3 Mar 2025 10:12:00 GMT+0700",
        "Mon, 3 Mar 2025 10:12:00 UTC+07:00 (WIB)",
        "Mon, 3 Mar 2025 10:12:00 WIB",
        "Mon Mar 3 10:12:00 ICT 2025",
        # Years of the Buddha, and of a program that was never told of 2000
        "Mon, 3 Mar 2568 10:12:00 +0700",
        "Mon, 3 Mar 125 10:12:00 +0700",
        "Mon, 3 Mar 25 10:12:00 +0700",
        # Months, days and times in other words
        "Sen, 3 Maret 2025 10.12.00 +0700",
        "Mo, 3 Mär 2025 10:12:00 +0700",
        "lun., 3 mars 2025 10:12:00 +0700",
        "Monday, March 3, 2025 10:12 AM +0700",
        "Sun, 2 Mar 2025 11:12:00 PM -0400",
        "3/3/2025 3:12:00 AM",
        "03.03.2025 03:12",
    ],
)
def test_dates(raw: str) -> None:
    assert dates.date_of(raw) == datetime(2025, 3, 3, 3, 12, tzinfo=UTC)


@pytest.mark.parametrize("raw", ["", "yesterday", "99 Foo 2025", "Mon, 32 Mar 2025 10:12:00 +9999", "0" * 5000])
def test_no_date_is_none(raw: str) -> None:
    assert dates.date_of(raw) is None


@pytest.mark.parametrize(
    ("raw", "ids"),
    [
        ("<a@x> <b@x>", ("a@x", "b@x")),
        ("<a@x>,<b@x>", ("a@x", "b@x")),
        ("< a@x >", ("a@x",)),
        ("<a\r\n @x>", ("a@x",)),
        ("a@x", ("a@x",)),
        ("Your message of Monday <a@x>", ("a@x",)),
        ("no id at all", ()),
        ("", ()),
    ],
)
def test_ids(raw: str, ids: tuple[str, ...]) -> None:
    assert headers.ids(raw) == ids


def test_a_block_with_everything_wrong() -> None:
    found = block(
        b"From ana@x.example Mon Mar  3 10:12:00 2025\r\n"
        b"Subject : Halo\r\n kak\r\nX Odd Name: x\r\nRecei\xc3\xa9ved: y\r\nnot indented\r\nTo:a@x.example\n\nbody: no\r\n"
    )
    assert found.text("subject") == "Halo kak"
    assert found.text("to") == "a@x.example"
    assert not found.has("body")


def test_raw_letters_in_a_header() -> None:
    assert block("Subject: สวัสดี\r\n\r\n".encode()).text("subject") == "สวัสดี"
    assert block(b"Subject: " + "สวัสดีครับ".encode("cp874") + b"\r\n\r\n").text("subject") == "สวัสดีครับ"


def test_a_header_cannot_bring_line_ends_or_nul_into_a_subject() -> None:
    subject = block(b"Subject: =?utf-8?Q?a=0D=0ABcc:_x=00?=\r\n\r\n").text("subject")
    assert subject == "a Bcc: x�"


def test_values_and_blocks_have_an_end() -> None:
    assert block(b"Subject: " + b"x" * 1_000_000 + b"\r\nTo: a@x.example\r\n\r\n").cut
    many = block(b"X-A: 1\r\n" * 300_000 + b"\r\n")
    assert many.cut
    assert len(many.items) <= 5_002
