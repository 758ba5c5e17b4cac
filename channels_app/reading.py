"""Lenient readers for what platforms send: one odd field must not cost the message it came with.

A reader gives a clean value or the field's empty one and never raises. Only ``ident`` says None for
"no id", because without its ids an event cannot be kept once.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast, get_args
from urllib.parse import urlsplit

from channels_app.contract import (
    AttachmentKind,
    ContactCard,
    InboundAttachment,
    Location,
    Remote,
    clean_text,
    fit_id,
)

MAX_LINE = 255
MAX_NAME = 200
MAX_URL = 8192
_KINDS = frozenset(get_args(AttachmentKind))
_MIME = re.compile(r"[a-z0-9!#$&^_.+-]{1,80}/[a-z0-9!#$&^_.+-]{1,80}")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,189}")
_PHONE = re.compile(r"\+?\(?[0-9][0-9 ().-]{1,30}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8}){0,3}")
_OLDEST = datetime(2000, 1, 1, tzinfo=UTC).timestamp()
_DAY = timedelta(days=1).total_seconds()


def ident(value: Any) -> str | None:
    """An id as text (numbers too), in the length of its column; None when there is none."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return None
    return fit_id(value.strip()) or None


def text(value: Any) -> str:
    """What was said: never cut, never trimmed. A number is what it looks like."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return ""


def line(value: Any, limit: int = MAX_NAME) -> str:
    """A name or title: one line, no control characters, cut to a length a screen can take."""
    if not isinstance(value, str):
        return ""
    cut = clean_text(value[: limit * 4])
    return " ".join("".join(c if c.isprintable() else " " for c in cut).split())[:limit]


def email(value: Any) -> str:
    return _whole(_EMAIL, value)


def phone(value: Any) -> str:
    return _whole(_PHONE, value)


def language(value: Any) -> str:
    """``id``, ``zh-Hant-TW``; of an overlong tag the language alone."""
    found = _whole(_LANGUAGE, value)
    return found if len(found) <= 16 else re.split("[-_]", found)[0]


def mime(value: Any) -> str:
    """``image/png``: lower case, without parameters; "" if it is none."""
    return _whole(_MIME, value.partition(";")[0].lower()) if isinstance(value, str) else ""


def _whole(pattern: re.Pattern[str], value: Any) -> str:
    """The value if it looks like one (a cut address would be another address), else ""."""
    if not isinstance(value, str) or len(value) > MAX_LINE:
        return ""
    value = clean_text(value).strip()
    return value if pattern.fullmatch(value) else ""


def web_url(value: Any) -> str:
    """An http or https URL with a host; "" for anything else."""
    if not isinstance(value, str) or len(value) > MAX_URL:
        return ""
    value = clean_text(value).strip()
    try:
        parts = urlsplit(value)
        return value if parts.scheme in ("http", "https") and parts.hostname else ""
    except ValueError:
        return ""


def filename(value: Any) -> str:
    """The last part of a path, at most 200 characters with its ending kept."""
    name = line(re.split(r"[/\\]", value)[-1], 1000) if isinstance(value, str) else ""
    if len(name) <= MAX_NAME:
        return name
    stem, dot, ending = name.rpartition(".")
    return f"{stem[: MAX_NAME - 20]}.{ending}" if dot and len(ending) < 20 else name[:MAX_NAME]


def number(value: Any) -> float | None:
    """A finite number, also when written as text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and len(value) > 40:
        return None
    try:
        result = float(value)
    except (ValueError, OverflowError):
        return None
    return result if math.isfinite(result) else None


def size(value: Any) -> int | None:
    read = number(value)
    return int(read) if read is not None and 0 <= read < 2**53 else None


def moment(value: Any) -> datetime | None:
    """ISO 8601 (UTC where it names no zone) or Unix time in seconds or milliseconds; absurd is None."""
    stamp = number(value)
    if stamp is None:
        stamp = _iso(value)
    elif stamp > 1e11:
        stamp /= 1000
    if stamp is None or not _OLDEST <= stamp <= time.time() + _DAY:
        return None
    return datetime.fromtimestamp(stamp, UTC)


def _iso(value: Any) -> float | None:
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        read = datetime.fromisoformat(value.strip())
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def mapping(value: Any) -> Mapping[str, Any]:
    """An object; empty where it is none."""
    return value if isinstance(value, Mapping) else {}


def listed(value: Any) -> list[Any]:
    """A list; empty where it is none."""
    return value if isinstance(value, list) else []


def flag(value: Any) -> bool:
    return value is True or value in (1, "1", "true", "True", "yes")


# ── Attachments ──────────────────────────────────────────────────────────────────────────────


def kind_of(media_type: str) -> AttachmentKind:
    """By the media type; whatever is no picture, film or sound is a file."""
    main = media_type.partition("/")[0]
    return cast(AttachmentKind, main) if main in ("image", "video", "audio") else "file"


def attachments(value: Any) -> tuple[InboundAttachment, ...]:
    """A list of ``{"url", "filename", "mime", "size", "kind", "caption"}``, places and contacts among them.

    An entry that names nothing to fetch stays as a placeholder: the agent sees that something was there.
    """
    return tuple(attachment(item) for item in value) if isinstance(value, list) else ()


def attachment(value: Any) -> InboundAttachment:
    if isinstance(value, str):
        value = {"url": value}
    if not isinstance(value, Mapping):
        value = {}
    media_type = mime(value.get("mime") or value.get("content_type"))
    given = value.get("kind") or value.get("type")
    kind = cast(AttachmentKind, given) if isinstance(given, str) and given in _KINDS else kind_of(media_type)
    place, card = location(value), contact(value)
    if kind == "location" and place:
        return InboundAttachment(kind="location", location=place, caption=text(value.get("caption")))
    if kind == "contact" and card:
        return InboundAttachment(kind="contact", contact=card, caption=text(value.get("caption")))
    return InboundAttachment(
        kind=kind,
        mime=media_type,
        filename=filename(value.get("filename") or value.get("name")),
        size=size(value.get("size")),
        caption=text(value.get("caption")),
        remote=Remote(url=web_url(value.get("url"))),
    )


def location(value: Mapping[str, Any]) -> Location | None:
    inner = value.get("location")
    place: Mapping[str, Any] = inner if isinstance(inner, Mapping) else value
    lat = number(place.get("lat", place.get("latitude")))
    lon = number(place.get("lon", place.get("longitude")))
    if lat is None or lon is None or abs(lat) > 90 or abs(lon) > 180:
        return None
    return Location(lat=lat, lon=lon, name=line(place.get("name")), address=line(place.get("address"), 500))


def contact(value: Mapping[str, Any]) -> ContactCard | None:
    inner = value.get("contact")
    card: Mapping[str, Any] = inner if isinstance(inner, Mapping) else value
    read = ContactCard(
        name=line(card.get("name")),
        phones=_some(card_phone, card.get("phones")),
        emails=_some(email, card.get("emails")),
    )
    return read if read.name or read.phones or read.emails else None


def card_phone(value: Any) -> str:
    """As it stands on the card: with an extension, a star, whatever its owner wrote."""
    return phone(value) or line(value, 60)


def vcard(value: Any) -> ContactCard:
    """What a business card in text says of name, phones and e-mail addresses."""
    card = text(value)[:20_000]
    return ContactCard(
        name=next(iter(_on_card(card, "FN", line)), ""),
        phones=tuple(_on_card(card, "TEL", card_phone)),
        emails=tuple(_on_card(card, "EMAIL", email)),
    )


def _on_card(card: str, name: str, reader: Any) -> list[str]:
    found = re.findall(
        rf"^(?:item\d+\.)?{name}(?:;[^:\r\n]*)?:(?:tel:)?([^\r\n]{{1,200}})", card, re.MULTILINE | re.IGNORECASE
    )
    return [read for value in found[:20] if (read := reader(value.strip()))]


def _some(reader: Any, values: Any) -> tuple[str, ...]:
    found: Iterable[str] = map(reader, values[:20]) if isinstance(values, list) else ()
    return tuple(filter(None, found))
