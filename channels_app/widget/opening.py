"""Whether somebody is there to answer a visitor now, and when the next hours begin."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from channels_app.hours import book, hours_for
from channels_app.models import Channel


def hours(channel: Channel, now: datetime) -> dict[str, Any]:
    """{"open": bool, "opens_at": ISO time or None}. A channel for which no hours count is always open."""
    calendar = hours_for(channel.team_id, channel.pk)
    if calendar is None or calendar.is_open(now):
        return {"open": True, "opens_at": None}
    opens = calendar.next_open(now)
    return {"open": False, "opens_at": opens.astimezone(UTC).isoformat().replace("+00:00", "Z") if opens else None}


def words(channel: Channel, language: str) -> str:
    """What the channel or its team says while nobody is there, in that language; "" for nothing."""
    away = book.get().away(channel.team_id, channel.pk)
    return away.texts.get(language, "") if away else ""
