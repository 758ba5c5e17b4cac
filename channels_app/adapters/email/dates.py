"""The Date header, as RFC 5322 has it and as mailers write it instead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_tz

from channels_app.adapters.email.headers import text_of

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_OTHER_MONTHS = {
    "ene": "Jan", "gen": "Jan", "jän": "Jan", "fév": "Feb", "fev": "Feb", "mär": "Mar", "mrz": "Mar", "mrt": "Mar",
    "maa": "Mar", "mac": "Mar", "abr": "Apr", "avr": "Apr", "mai": "May", "mei": "May", "maj": "May", "mag": "May",
    "giu": "Jun", "lug": "Jul", "juil": "Jul", "juin": "Jun", "ago": "Aug", "agu": "Aug", "aoû": "Aug", "aou": "Aug",
    "ogo": "Aug", "set": "Sep", "okt": "Oct", "out": "Oct", "ott": "Oct", "nop": "Nov", "dez": "Dec", "des": "Dec",
    "dic": "Dec", "dis": "Dec", "déc": "Dec",
}  # fmt: skip
"""By the first letters, of the languages that have Latin ones."""
_ZONES = {
    "WIB": "+0700", "WITA": "+0800", "WIT": "+0900", "ICT": "+0700", "SGT": "+0800", "MYT": "+0800", "PHT": "+0800",
    "HKT": "+0800", "JST": "+0900", "KST": "+0900", "CET": "+0100", "CEST": "+0200", "MEZ": "+0100", "MESZ": "+0200",
    "WET": "+0000", "WEST": "+0100", "EET": "+0200", "EEST": "+0300", "MSK": "+0300", "BRT": "-0300", "AEST": "+1000",
    "AEDT": "+1100", "NZST": "+1200", "NZDT": "+1300",
}  # fmt: skip
"""Only names that mean one thing."""
_NAMED_OFFSET = re.compile(r"\b(?:GMT|UTC?)\s*([+-])(\d{1,2})(?::?(\d{2}))?\b")
_COLON_OFFSET = re.compile(r"(?<=[\d\s])([+-]\d{2}):(\d{2})(?=[\s(]|$)")
_HALF_DAY = re.compile(r"\b(\d{1,2}):(\d{2})((?::\d{2})?)\s*([AaPp])\.?[Mm]\b\.?")
_ZONE = re.compile(r"\(?\b(" + "|".join(_ZONES) + r")\b\)?")
_OFFSET = re.compile(r"[+-]\d{4}\b")
_ANY_MONTH = re.compile(
    r"(\d{1,2})[. -]+([^\W\d_]{3,12})[. -]+(\d{2,4})\s+(?:\D{1,12} )?"
    r"(\d{1,2})[:.](\d{2})(?:[:.](\d{2}))?\s*([+-]\d{4})?"
)
_BUDDHIST = 543


def date_of(value: str) -> datetime | None:
    """An aware time; UTC where no zone is said; None where there is no date."""
    if not value:
        return None
    for attempt in _readings(_tidy(text_of(value)[:200].strip(" \"'"))):
        try:
            parts = parsedate_tz(attempt)
            if parts is None:
                continue
            year, month, day, hour, minute, second = parts[:6]
            moment = datetime(_year(year), month, day, hour, minute, min(second, 59), tzinfo=UTC)
            return moment - timedelta(seconds=parts[9] or 0)
        except (ValueError, OverflowError, TypeError, IndexError):
            continue
    return None


def _year(year: int) -> int:
    """Thai years count from the Buddha; a program that was never told of 2000 counts from 1900."""
    if 2450 <= year < 2700:
        return year - _BUDDHIST
    return year + 1900 if 100 <= year < 200 else year


def _tidy(value: str) -> str:
    """Zones and halves of the day as the standard's parser understands them."""
    value = _NAMED_OFFSET.sub(lambda found: f"{found[1]}{int(found[2]):02}{found[3] or '00'}", value)
    value = _COLON_OFFSET.sub(r"\1\2", value)
    value = _HALF_DAY.sub(_whole_day, value)
    if not _OFFSET.search(value):
        value = _ZONE.sub(lambda found: _ZONES[found[1]], value)
    return value


def _whole_day(found: re.Match[str]) -> str:
    hour = int(found[1])
    if hour <= 12:
        hour = hour % 12 + (12 if found[4] in "Pp" else 0)
    return f"{hour:02}:{found[2]}{found[3]}"


def _readings(value: str) -> Iterator[str]:
    """The value, then with what often goes wrong put right."""
    yield value
    plain = re.sub(r"\([^()]*\)", " ", value)
    plain = re.sub(r"\s+", " ", plain.replace(",", ", ")).strip()
    yield plain
    # "2019-01-29T10:11:12+0100" and "2019-01-29 10:11:12"
    iso = re.match(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})[T ]+(\d{1,2}:\d{2}(?::\d{2})?)(?:\.\d+)?\s*(.*)", plain)
    if iso and 1 <= int(iso[2]) <= 12:
        yield f"{iso[3]} {_MONTHS[int(iso[2]) - 1]} {iso[1]} {iso[4]} {iso[5].replace(':', '').replace('Z', '+0000')}"
    yield re.sub(r"^[^\d,]*,\s*", "", plain)
    yield from _in_other_words(plain)
    clock = re.search(r"(\d{1,2} [A-Za-z]{3,9}\.? \d{2,4}) (\d{1,2}:\d{2}(?::\d{2})?)\s*([AP]M)?\s*([+-]\d{4})?", plain)
    if clock:
        yield f"{clock[1]} {clock[2]} {clock[4] or '+0000'}"


def _in_other_words(plain: str) -> Iterator[str]:
    """Months of other languages, dots in the time, and all in numbers."""
    found = _ANY_MONTH.search(plain)
    if found:
        word = found[2].lower()
        month = next((_OTHER_MONTHS[word[:size]] for size in (4, 3) if word[:size] in _OTHER_MONTHS), word[:3].title())
        if month in _MONTHS:
            yield f"{found[1]} {month} {found[3]} {found[4]}:{found[5]}:{found[6] or '00'} {found[7] or '+0000'}"
    numbers = re.match(r"(\d{1,2})([/.])(\d{1,2})\2(\d{4}),? (\d{1,2}:\d{2}(?::\d{2})?)\s*([+-]\d{4})?", plain)
    if numbers:
        first, second = int(numbers[1]), int(numbers[3])
        # A stroke is mostly American; a dot never is.
        day, month_number = (second, first) if numbers[2] == "/" and first <= 12 else (first, second)
        if 1 <= month_number <= 12:
            yield f"{day} {_MONTHS[month_number - 1]} {numbers[4]} {numbers[5]} {numbers[6] or '+0000'}"
