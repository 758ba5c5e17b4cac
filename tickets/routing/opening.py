"""Whether a team's channel is open at a moment, in the one place where routing asks."""

from __future__ import annotations

from datetime import datetime

from channels_app.hours import hours_for


def closed_until(team_id: int | None, channel_id: int | None, at: datetime) -> tuple[bool, datetime | None]:
    """(closed, until when). (True, None): it does not open again within two years."""
    calendar = hours_for(team_id, channel_id)
    if calendar is None or calendar.is_open(at):
        return False, None
    return True, calendar.next_open(at)


def never_opens(team_id: int | None, at: datetime) -> bool:
    calendar = hours_for(team_id, None)
    return calendar is not None and calendar.next_open(at) is None
