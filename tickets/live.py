"""What browsers are told, and who may hear it: one reader of the log per process.

A thread reads on from its own last number whenever somebody says "the log moved", and every second
without that. Each line is encoded once; the event loop hands the same text to every socket whose
agent may see it. A socket that comes back reads what it missed on its own (``consumers.py``) and
joins when it has caught up, so that there is neither gap nor double.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import structlog
from django.contrib.sessions.models import Session
from django.db import close_old_connections, connection
from django.utils import timezone

from agents.models import Agent, Sight, Token
from agents.presence import roll
from channels_app import wakeups
from tickets import log, shapes, sights
from tickets.models.activity import Activity, horizon

logger = structlog.get_logger(__name__)

EVERY = 1.0
CHECK_EVERY = 2.0
AT_A_TIME = 0.02
PAGE = 200
RESET = '{"type":"reset"}'
REVOKED = 4401


def encode(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class Line:
    """One line of the log, ready for whoever may hear it. Encoded at first need, and then once."""

    __slots__ = ("_full", "_hidden", "from_team", "row", "seq", "team")

    def __init__(self, row: Activity) -> None:
        self.row = row
        self.seq, self.team, self.from_team = row.seq, row.team_now, row.from_team_id
        self._full: str | None = None
        self._hidden: str | None = None

    def text_for(self, sight: Sight) -> str | None:
        """What this sight hears; None: nothing. A team that lost the ticket hears that it is gone."""
        if self.row.gone:
            return None
        if sight.covers(self.team):
            if self._full is None:
                self._full = encode(shapes.line_of(self.row))
            return self._full
        if self.from_team is not None and sight.covers(self.from_team):
            if self._hidden is None:
                self._hidden = encode(shapes.hidden(self.row))
            return self._hidden
        return None


@dataclass(eq=False, slots=True)
class Listener:
    """One socket, as the reader knows it. position: the last number it was given (or may skip)."""

    agent_id: int
    sight: Sight
    send: Callable[[str], Awaitable[None]]
    close: Callable[[int], Awaitable[None]]
    position: int
    token_id: int | None = None
    session_key: str | None = None
    password: str = field(default="", repr=False)
    """The agent's, hashed, as the session knows it; nothing where there is a token."""
    viewing: set[int] = field(default_factory=set)
    push: Callable[[str], None] | None = None
    """What `send` comes to, where the server offers it: without the layers in between it costs a third."""


class Reader:
    """Reads in its thread; everything about listeners happens on the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.position = 0
        """What all listeners have been given. Belongs to the event loop."""
        self.groups: dict[Sight, set[Listener]] = {}
        self.queue: asyncio.Queue[tuple[list[Line], int]] = asyncio.Queue()
        self.moved = threading.Event()
        self.over = False
        self.started = asyncio.Event()
        self.task: asyncio.Task[None] | None = None
        self.thread = threading.Thread(target=self._read, name="log-reader", daemon=True)

    async def start(self) -> None:
        self.task = self.loop.create_task(self._hand_out())
        wakeups.listen(wakeups.LOG_MOVED, self._wake)
        wakeups.listen(wakeups.EPHEMERAL, self._ephemeral)
        self.thread.start()
        await self.started.wait()

    def stop(self) -> None:
        self.over = True
        wakeups.forget(wakeups.LOG_MOVED, self._wake)
        wakeups.forget(wakeups.EPHEMERAL, self._ephemeral)
        self.moved.set()
        if self.task is not None:
            self.task.cancel()

    # ── In the thread ──

    def _wake(self, payload: bytes) -> None:
        self.moved.set()

    def _read(self) -> None:
        position = -1
        checked = timezone.now()
        beaten = 0.0
        while not self.over:
            try:
                close_old_connections()
                if position < 0:
                    position = horizon()
                    self.loop.call_soon_threadsafe(self._begin, position)
                else:
                    position = self._read_on(position)
                if (timezone.now() - checked).total_seconds() >= CHECK_EVERY:
                    checked = timezone.now()
                    self._check()
                if time.monotonic() - beaten >= roll.BEAT_EVERY:
                    beaten = time.monotonic()
                    self._beat()
            except Exception:
                logger.exception("the log could not be read; trying again")
                connection.close()
                self.moved.clear()
                self.moved.wait(0.5)
                continue
            self.moved.wait(EVERY)
            self.moved.clear()
        connection.close()

    def _begin(self, position: int) -> None:
        self.position = position
        self.started.set()

    def _read_on(self, position: int) -> int:
        until = horizon()
        while position < until and not self.over:
            # Read even while nobody listens: who joins before these are handed out counts on them.
            rows = list(log.lines(position, until, PAGE))
            reached = rows[-1].seq if len(rows) == PAGE else until
            lines = [Line(row) for row in rows]
            self.loop.call_soon_threadsafe(self.queue.put_nowait, (lines, reached))
            position = reached
        return position

    def _check(self) -> None:
        """Who may still listen, and to what: teams, role, account, token and session, in four statements
        (and those that note a change)."""
        listeners = [listener for group in tuple(self.groups.values()) for listener in tuple(group)]
        if not listeners:
            return
        agents = {
            row.pk: row for row in Agent.objects.filter(pk__in={one.agent_id for one in listeners}, is_active=True)
        }
        teams: dict[int, set[int]] = {pk: set() for pk in agents}
        members = Agent.teams.through.objects.filter(agent_id__in=list(agents)).values_list("agent_id", "team_id")
        for agent_id, team_id in members:
            teams[agent_id].add(team_id)
        tokens = {one.token_id for one in listeners if one.token_id}
        sessions = {one.session_key for one in listeners if one.session_key}
        valid_tokens = (
            set(Token.objects.valid().filter(pk__in=tokens).values_list("pk", flat=True)) if tokens else set()
        )
        valid_sessions: set[str] = set()
        if sessions:
            alive = Session.objects.filter(session_key__in=sessions, expire_date__gt=timezone.now())
            valid_sessions = set(alive.values_list("session_key", flat=True))
        for one in listeners:
            agent = agents.get(one.agent_id)
            keyed = one.token_id in valid_tokens if one.token_id else one.session_key in valid_sessions
            # A session from before a new password opens no page any more, but its row stays until its time is over.
            if agent is None or not keyed or (one.password and one.password != agent.password):
                self.loop.call_soon_threadsafe(self._dismiss, one)
                continue
            sight = Sight(None if agent.is_admin else frozenset(teams[one.agent_id]))
            if sight != one.sight:
                sights.noted(one.agent_id, sight)
                self.loop.call_soon_threadsafe(self._change_sight, one, sight)

    def _beat(self) -> None:
        """Whose sockets are open here: they are there, whatever other processes know."""
        here = {listener.agent_id for group in tuple(self.groups.values()) for listener in tuple(group)}
        if here:
            roll.beat(here)

    # ── On the event loop ──

    def add(self, listener: Listener) -> bool:
        """Join the live ones; False: the log has moved past this listener, which must read on first."""
        if listener.position < self.position:
            return False
        self.groups.setdefault(listener.sight, set()).add(listener)
        return True

    def remove(self, listener: Listener) -> None:
        group = self.groups.get(listener.sight)
        if group is not None:
            group.discard(listener)
            if not group:
                del self.groups[listener.sight]

    async def _hand_out(self) -> None:
        while True:
            lines, reached = await self.queue.get()
            # First the number, so that whoever joins from here on has read these lines by itself.
            self.position = reached
            pause = time.monotonic() + AT_A_TIME
            for sight, group in tuple(self.groups.items()):
                for line in lines:
                    text = line.text_for(sight)
                    if text is not None:
                        await self._to_all(tuple(group), line.seq, text)
                    if time.monotonic() > pause:
                        # A long page must not hold up everybody else on this loop.
                        await asyncio.sleep(0)
                        pause = time.monotonic() + AT_A_TIME

    async def _to_all(self, group: Iterable[Listener], seq: int, text: str) -> None:
        for listener in group:
            if seq > listener.position:
                listener.position = seq
                try:
                    if listener.push is not None:
                        listener.push(text)
                    else:
                        await listener.send(text)
                except Exception:  # noqa: BLE001 (a socket that is gone must not cost the others their frame)
                    self.remove(listener)

    def _dismiss(self, listener: Listener) -> None:
        self.remove(listener)
        self._soon(listener.close(REVOKED))

    def _change_sight(self, listener: Listener, sight: Sight) -> None:
        joined = listener in self.groups.get(listener.sight, ())
        self.remove(listener)
        listener.sight = sight
        if joined:
            self.groups.setdefault(sight, set()).add(listener)
        self._soon(listener.send(RESET))

    def _soon(self, act: Awaitable[None]) -> None:
        async def quietly() -> None:
            try:
                await act
            except Exception:  # noqa: BLE001 (the socket went away by itself)
                logger.debug("a socket went away")

        task = self.loop.create_task(quietly())
        _tasks.add(task)
        task.add_done_callback(_tasks.discard)

    def _ephemeral(self, payload: bytes) -> None:
        self.loop.call_soon_threadsafe(self._pass_on, payload)

    def _pass_on(self, payload: bytes) -> None:
        """Typing and viewing: to whoever may see the ticket, but not back to the agent it is about.

        What an agent has read is for their own other tabs alone.
        """
        value = json.loads(payload)
        if "to" in value:
            self._to_some(set(value.pop("to")), encode(value))
            return
        actor = value["actor"]
        # A customer's number may be an agent's too.
        team, agent_id = value.pop("team"), actor["id"] if actor["type"] == "agent" else None
        text, own = encode(value), value["type"] == "seen"
        for sight, group in tuple(self.groups.items()):
            if sight.covers(team):
                for listener in tuple(group):
                    if (listener.agent_id == agent_id) == own:
                        self._soon(listener.send(text))

    def _to_some(self, agents: set[int], text: str) -> None:
        """For these agents' own screens: an offer, a bell, what they are shown as."""
        for group in tuple(self.groups.values()):
            for listener in tuple(group):
                if listener.agent_id in agents:
                    self._soon(listener.send(text))


_tasks: set[asyncio.Task[None]] = set()
_readers: dict[asyncio.AbstractEventLoop, Reader] = {}


async def reader() -> Reader:
    """The one of this process, started by the first socket."""
    loop = asyncio.get_running_loop()
    found = _readers.get(loop)
    if found is None:
        for stale in [other for other in _readers if other.is_closed()]:
            _readers.pop(stale).stop()
        found = _readers[loop] = Reader(loop)
        await found.start()
    await found.started.wait()
    return found
