"""Whether somebody is there to answer a visitor now, and when the next hours begin."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from channels_app.models import Channel


def hours(channel: Channel, now: datetime) -> dict[str, Any]:
    """{"open": bool, "opens_at": ISO time or None}. A channel without business hours is always open."""
    return {"open": True, "opens_at": None}
