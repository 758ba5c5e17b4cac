"""Whether a team's channel is open at a moment, in the one place where routing asks."""

from __future__ import annotations

from datetime import datetime


def closed_until(team_id: int | None, channel_id: int, at: datetime) -> tuple[bool, datetime | None]:
    """(closed, until when). (True, None): it never opens."""
    return False, None
