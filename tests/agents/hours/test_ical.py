"""Holidays out of iCalendar files: good ones, odd ones and hostile ones."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.hours import ical

TODAY = date(2026, 11, 22)


def file(*events: str) -> bytes:
    inside = "".join(f"BEGIN:VEVENT\r\n{event}\r\nEND:VEVENT\r\n" for event in events)
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\n{inside}END:VCALENDAR\r\n".encode()


def days(*events: str) -> list[tuple[str, str, str]]:
    return [(str(one.first), str(one.last), one.name) for one in ical.read(file(*events), TODAY)]


def test_whole_days_with_their_names_and_the_end_that_is_written_is_the_day_after() -> None:
    assert days(
        "DTSTART;VALUE=DATE:20261225\r\nDTEND;VALUE=DATE:20261226\r\nSUMMARY:Natal",
        "DTSTART;VALUE=DATE:20270320\r\nDTEND;VALUE=DATE:20270323\r\nSUMMARY:Idul\\, Fitri",
        "DTSTART;VALUE=DATE:20270413\r\nDURATION:P3D\r\nSUMMARY:สงกรานต์",
        "DTSTART;VALUE=DATE:20270101\r\nSUMMARY:New\r\n  Year",
    ) == [
        ("2026-12-25", "2026-12-25", "Natal"),
        ("2027-01-01", "2027-01-01", "New Year"),
        ("2027-03-20", "2027-03-22", "Idul, Fitri"),
        ("2027-04-13", "2027-04-15", "สงกรานต์"),
    ]


def test_what_has_a_time_is_cancelled_or_long_past_is_no_holiday() -> None:
    assert (
        days(
            "DTSTART:20261225T090000Z\r\nSUMMARY:Meeting",
            "DTSTART;VALUE=DATE:20261226\r\nSTATUS:CANCELLED\r\nSUMMARY:x",
            "DTSTART;VALUE=DATE:20101226\r\nSUMMARY:x",
            "DTSTART;VALUE=DATE:20991226\r\nSUMMARY:x",
            "SUMMARY:no day",
            "DTSTART;VALUE=DATE:20261399\r\nSUMMARY:no such day",
        )
        == []
    )


def test_every_year_without_the_one_that_is_taken_out() -> None:
    found = days("DTSTART;VALUE=DATE:19450817\r\nRRULE:FREQ=YEARLY\r\nEXDATE;VALUE=DATE:20270817\r\nSUMMARY:Merdeka")
    assert [first for first, _last, _name in found] == ["2026-08-17", "2028-08-17", "2029-08-17"]
    found = days("DTSTART;VALUE=DATE:20261201\r\nRRULE:FREQ=WEEKLY;UNTIL=20261215T000000Z\r\nSUMMARY:x")
    assert [first for first, _last, _name in found] == ["2026-12-01", "2026-12-08", "2026-12-15"]
    found = days("DTSTART;VALUE=DATE:20261201\r\nRRULE:FREQ=DAILY;COUNT=2\r\nSUMMARY:x")
    assert [first for first, _last, _name in found] == ["2026-12-01", "2026-12-02"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html><h1>Sign in</h1>",
        b"\xff\xfe\x00",
        b"BEGIN:VCALENDAR\r\n" * 3000,
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT",
    ],
)
def test_what_is_no_calendar_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(ical.Unreadable, match="not an iCalendar file"):
        ical.read(data, TODAY)


def test_a_calendar_without_holidays_is_one() -> None:
    assert ical.read(file(), TODAY) == []


def test_a_file_is_bounded_in_bytes_events_and_repetitions(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ical.Unreadable, match="1 MB"):
        ical.read(b"BEGIN:VCALENDAR" + b" " * ical.MOST_BYTES, TODAY)
    with pytest.raises(ical.Unreadable, match="10,000"):
        ical.read(b"BEGIN:VEVENT\n" * (ical.MOST_EVENTS + 1), TODAY)
    # Every second of all time is asked for, and the 31st of February for ever.
    assert days(
        "DTSTART;VALUE=DATE:20261225\r\nRRULE:FREQ=SECONDLY\r\nSUMMARY:x",
        "DTSTART;VALUE=DATE:20261226\r\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31\r\nSUMMARY:y",
    ) == [("2026-12-25", "2026-12-25", "x"), ("2026-12-26", "2026-12-26", "y")]
    monkeypatch.setattr(ical, "MOST_DAYS", 1000)
    with pytest.raises(ical.Unreadable, match="too often"):
        days("DTSTART;VALUE=DATE:20261225\r\nRRULE:FREQ=DAILY\r\nSUMMARY:x")
    monkeypatch.setattr(ical, "SECONDS", -1.0)
    with pytest.raises(ical.Unreadable, match="too often"):
        days("DTSTART;VALUE=DATE:20261225\r\nSUMMARY:x")


LINES = st.sampled_from(
    [
        "BEGIN:VEVENT", "END:VEVENT", "BEGIN:VCALENDAR", "END:VCALENDAR", "DTSTART;VALUE=DATE:20261225", "DTSTART:x",
        "DTSTART;TZID=Mars/X:20261225T010101", "DTEND;VALUE=DATE:00010101", "DTEND;VALUE=DATE:99991231",
        "DURATION:-P9999999D", "DURATION:P1W", "RRULE:FREQ=YEARLY;INTERVAL=0", "RRULE:FREQ=YEARLY;COUNT=-1", "RRULE:x",
        "RRULE:FREQ=MONTHLY;BYDAY=5MO;BYSETPOS=400", "EXDATE;VALUE=DATE:20261225,x", "RDATE;VALUE=DATE:20270101",
        "RDATE;VALUE=PERIOD:19960403T020000Z/19960403T040000Z", "SUMMARY:\x00a", "STATUS:", "SUMMARY;X=\"", "  folded",
        "DTSTART;VALUE=DATE:20261225", "RRULE:FREQ=DAILY;UNTIL=00010101", "DTSTART;VALUE=DATE:99991231",
    ]
)  # fmt: skip


@settings(max_examples=150)
@given(st.lists(LINES, max_size=12), st.booleans())
def test_whatever_stands_in_it_it_is_read_or_refused(lines: list[str], framed: bool) -> None:
    data = file("\r\n".join(lines)) if framed else "\r\n".join(lines).encode()
    try:
        found = ical.read(data, TODAY)
    except ical.Unreadable:
        return
    assert all(one.first <= one.last and "\x00" not in one.name for one in found)
