"""winmail.dat opened, calendars readable."""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from channels_app.adapters.email import invites, parser, winmail
from tests.channels_app.email.mails import encoded, mail, multipart


def attribute(level: int, name: int, value: bytes) -> bytes:
    return struct.pack("<BHHI", level, name, 0, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)


def properties(*each: tuple[int, int, bytes]) -> bytes:
    out = struct.pack("<I", len(each))
    for kind, tag, value in each:
        out += struct.pack("<HHII", kind, tag, 1, len(value)) + value + b"\0" * (-len(value) % 4)
    return out


def tnef(*attributes: bytes) -> bytes:
    return struct.pack("<IH", winmail.SIGNATURE, 1) + b"".join(attributes)


THAI_NAME = "ใบเสร็จ.pdf"
SAMPLE = tnef(
    attribute(1, 0x9007, struct.pack("<II", 874, 0)),
    attribute(1, 0x9003, properties((0x1F, 0x1000, "Halo".encode("utf-16-le") + b"\0\0"))),
    attribute(2, 0x9002, b"\0" * 14),
    attribute(2, 0x8010, b"short.pdf\0"),
    attribute(2, 0x800F, b"%PDF"),
    attribute(2, 0x9005, properties((0x1F, 0x3707, THAI_NAME.encode("utf-16-le") + b"\0\0"))),
)


def part(data: bytes) -> str:
    return f"Content-Type: application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: base64\r\n\r\n{encoded(data)}"


def test_winmail_is_opened() -> None:
    read = parser.read(multipart("mixed", "\r\n\r\n", part(SAMPLE)))
    assert [(file.filename, file.mime, file.data) for file in read.files] == [(THAI_NAME, "application/pdf", b"%PDF")]
    assert read.text == "Halo"


def test_its_text_does_not_double_the_mails_own() -> None:
    assert parser.read(multipart("mixed", "\r\nHalo kak", part(SAMPLE))).text == "Halo kak"


@pytest.mark.parametrize("data", [b"", b"x" * 100, SAMPLE[:6], struct.pack("<IH", winmail.SIGNATURE, 1) + b"\xff" * 40])
def test_what_cannot_be_opened_stays_a_file(data: bytes) -> None:
    read = parser.read(multipart("mixed", "\r\nHalo", part(data)))
    assert [file.filename for file in read.files] == ["winmail.dat"]


@hypothesis_settings(max_examples=200, deadline=None)
@given(st.integers(0, len(SAMPLE) - 1), st.binary(max_size=8), st.integers(0, len(SAMPLE)))
def test_a_damaged_winmail_never_raises(at: int, junk: bytes, length: int) -> None:
    winmail.read((SAMPLE[:at] + junk + SAMPLE[at + len(junk) :])[:length])


CALENDAR = (
    "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VTIMEZONE\r\nTZID:Asia/Bangkok\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT\r\n"
    "UID:1@x\r\nSUMMARY:นัดหมาย\\, ครั้งที่ 1\r\nDTSTART;TZID=Asia/Bangkok:20250303T101200\r\nDTEND;TZID=Asia/Bangkok:20250303T111200\r\n"
    'LOCATION:Bangkok\r\nORGANIZER;CN="Lim, Ana":mailto:ana@x.example\r\nATTENDEE;CN=Bo:MAILTO:bo@x.example\r\n'
    "DESCRIPTION:one\\ntwo and a long line that is fol\r\n ded\r\nBEGIN:VALARM\r\nDESCRIPTION:no\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR"
)


def test_an_invitation() -> None:
    read = parser.read(
        multipart("mixed", f"Content-Type: text/calendar; method=REQUEST; charset=utf-8\r\n\r\n{CALENDAR}")
    )
    (event,) = read.invites
    assert (event.method, event.uid, event.summary, event.place) == ("REQUEST", "1@x", "นัดหมาย, ครั้งที่ 1", "Bangkok")
    assert event.starts == datetime(2025, 3, 3, 10, 12, tzinfo=ZoneInfo("Asia/Bangkok"))
    assert event.organizer is not None
    assert (event.organizer.name, event.attendees[0].address) == ("Lim, Ana", "bo@x.example")
    assert event.description == "one\ntwo and a long line that is folded"
    assert read.text.split("\n")[:3] == [
        "นัดหมาย, ครั้งที่ 1",
        "2025-03-03 10:12 – 2025-03-03 11:12 (Asia/Bangkok)",
        "Bangkok",
    ]
    assert [file.mime for file in read.files] == ["text/calendar"]


@pytest.mark.parametrize(
    ("start", "moment", "whole_day"),
    [
        ("DTSTART:20250303T031200Z", datetime(2025, 3, 3, 3, 12, tzinfo=UTC), False),
        ("DTSTART;VALUE=DATE:20250303", datetime(2025, 3, 3), True),
        ("DTSTART;TZID=SE Asia Standard Time:20250303T101200", datetime(2025, 3, 3, 10, 12), False),
        ("DTSTART;TZID=../../etc/passwd:20250303T101200", datetime(2025, 3, 3, 10, 12), False),
        ("DTSTART:20251399T999999", None, False),
        ("DTSTART:soon", None, False),
    ],
)
def test_times(start: str, moment: datetime | None, whole_day: bool) -> None:
    (event,) = invites.read(f"BEGIN:VCALENDAR\nBEGIN:VEVENT\n{start}\nEND:VEVENT\nEND:VCALENDAR")
    assert (event.starts, event.all_day) == (moment, whole_day)


@pytest.mark.parametrize(
    "text",
    ["", "BEGIN:VCALENDAR", "END:VEVENT\n" * 10, "BEGIN:VEVENT\n" * 5000, ";:" * 10000, 'A;B="' + '"' * 20000 + ":x"],
)
def test_broken_calendars(text: str) -> None:
    assert len(invites.read(text)) <= 50


def test_a_calendar_never_hides_the_text() -> None:
    assert parser.read(mail(body="Halo")).invites == ()
