"""Presence as sockets and pages bring it about: a failure here is logged and costs nobody their socket."""

from __future__ import annotations

import structlog

from agents.presence import roll
from tickets.routing import desk

log = structlog.get_logger(__name__)


def arrived(agent_id: int) -> None:
    """A socket of theirs is open. Their page asks for its own state, so nobody is told."""
    try:
        desk.turned(roll.arrived(agent_id), told=False)
    except Exception:
        log.exception("an arrival was not noted", agent=agent_id)


def active(agent_id: int) -> None:
    """Their page says that they are at work."""
    try:
        desk.turned(roll.active(agent_id))
    except Exception:
        log.exception("that somebody is at work was not noted", agent=agent_id)
