"""What visitors' sockets are told: one listener per process, a conversation's sockets found by its number.

A wake-up names the conversation that moved; every two seconds all that are listened to are looked at without one,
in a few statements however many sockets there are. Each socket reads on from its own last number.
"""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import structlog
from django.db import close_old_connections, connection

from channels_app import wakeups
from channels_app.widget import visitors
from channels_app.widget.models import Visitor, VisitorConversation

logger = structlog.get_logger(__name__)

EVERY = 2.0
AT_A_TIME = 500

State = tuple[int, int, int, int]
"""last, delivered, seen, read: when one of them is another, there is something to tell."""


class Switchboard:
    """Sockets by conversation. All of it belongs to the event loop but the thread that looks."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.sockets: dict[int, set[Any]] = {}
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._look, name="visitors", daemon=True)

    def start(self) -> None:
        wakeups.listen(visitors.TOPIC, self._woken)
        self.thread.start()

    def stop(self) -> None:
        wakeups.forget(visitors.TOPIC, self._woken)
        self.over.set()

    def join(self, conversation: int, socket: Any) -> None:
        self.sockets.setdefault(conversation, set()).add(socket)

    def leave(self, conversation: int, socket: Any) -> None:
        group = self.sockets.get(conversation)
        if group is not None:
            group.discard(socket)
            if not group:
                del self.sockets[conversation]

    def _woken(self, payload: bytes) -> None:
        value = json.loads(payload)
        self.loop.call_soon_threadsafe(self._tell, value["conversation"], value.get("typing", False))

    def _tell(self, conversation: int, typing: bool) -> None:
        for socket in tuple(self.sockets.get(conversation, ())):
            socket.types() if typing else socket.wake()

    # ── In the thread ──

    def _look(self) -> None:
        known: dict[int, State] = {}
        while not self.over.wait(EVERY):
            try:
                close_old_connections()
                known = self._moved(known)
                self._check()
            except Exception:
                logger.exception("visitors could not be looked at; trying again")
                connection.close()
        connection.close()

    def _moved(self, known: dict[int, State]) -> dict[int, State]:
        found: dict[int, State] = {}
        wanted = list(self.sockets)
        for at in range(0, len(wanted), AT_A_TIME):
            rows = VisitorConversation.objects.filter(pk__in=wanted[at : at + AT_A_TIME])
            for pk, last, delivered, seen, read in rows.values_list(
                "pk", "last_seq", "delivered_seq", "seen_seq", "read_seq"
            ):
                found[pk] = (last, delivered, seen, read)
        for pk, state in found.items():
            if known.get(pk) != state:
                self.loop.call_soon_threadsafe(self._tell, pk, False)
        return found

    def _check(self) -> None:
        """Sockets whose token is worth nothing any more, or whose conversation is another one."""
        held = [socket for group in tuple(self.sockets.values()) for socket in tuple(group)]
        for at in range(0, len(held), AT_A_TIME):
            some = held[at : at + AT_A_TIME]
            rows = Visitor.objects.filter(
                pk__in={socket.visitor.pk for socket in some}, revoked_at=None, channel__enabled=True
            )
            now = {pk: (version, where) for pk, version, where in rows.values_list("pk", "version", "conversation_id")}
            for socket in some:
                if now.get(socket.visitor.pk) != (socket.visitor.version, socket.visitor.conversation_id):
                    self.loop.call_soon_threadsafe(socket.dismiss)


_boards: dict[asyncio.AbstractEventLoop, Switchboard] = {}


def switchboard() -> Switchboard:
    """The one of this process, started by the first socket."""
    loop = asyncio.get_running_loop()
    found = _boards.get(loop)
    if found is None:
        for stale in [other for other in _boards if other.is_closed()]:
            _boards.pop(stale).stop()
        found = _boards[loop] = Switchboard(loop)
        found.start()
    return found
