"""Whether a team's channel is open at a moment, in the one place where routing asks."""

from __future__ import annotations

from datetime import datetime

from channels_app.hours import hours_for


def closed_until(team_id: int | None, channel_id: int, at: datetime) -> tuple[bool, datetime | None]:
    """(closed, until when). (True, None): it never opens."""
    calendar = hours_for(team_id, channel_id)
    if calendar is None or calendar.is_open(at):
        return False, None
    return True, calendar.next_open(at)
