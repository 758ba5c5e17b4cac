"""The live socket /ws/inbox/: who may listen, from which number, and what they may say."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from typing import Any
from urllib.parse import parse_qs

import structlog
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.db import DatabaseError
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from agents import tokens
from agents.models import Agent, Sight, Token
from channels_app import wakeups
from tickets import glances, live, log, sights
from tickets.courtesies import customer_sees, shown_on
from tickets.models import Ticket
from tickets.models.activity import Activity, horizon, newest
from tickets.routing import presence

logger = structlog.get_logger(__name__)

BAD_AFTER = 4400
PAGE = 200
SAY_EVERY = 1.0
ACTIVE_EVERY = 5.0
MOST_LATE = 50
NUMBER = re.compile(r"[+-]?[0-9]+")
BEYOND = 30


@dataclass(frozen=True, slots=True)
class SignedIn:
    agent: Agent
    sight: Sight
    token: Token | None = None
    session_key: str | None = None


def sign_in(headers: dict[str, str]) -> SignedIn | None:
    """By Bearer token, else by session cookie; None: neither, or an Origin that is not ours.

    A browser sends its cookie along from any page, so with a cookie the Origin must be ours. A token
    is sent on purpose; with one there is no Origin, or ours.
    """
    ours = headers.get("origin") == settings.PUBLIC_ORIGIN
    authorization = headers.get("authorization", "")
    if authorization:
        token = tokens.find(tokens.token_of(authorization))
        if token is None or not (ours or "origin" not in headers):
            return None
        token.used()
        return SignedIn(token.agent, token.agent.sight(), token=token)
    return _by_session(headers.get("cookie", "")) if ours else None


def _by_session(cookie: str) -> SignedIn | None:
    try:
        jar = SimpleCookie(cookie)
    except CookieError:
        return None
    morsel = jar.get(settings.SESSION_COOKIE_NAME)
    if morsel is None:
        return None
    store: Any = import_module(settings.SESSION_ENGINE)
    session = store.SessionStore(morsel.value)
    if session.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS:
        return None
    agent = Agent.objects.filter(pk=session.get(SESSION_KEY), is_active=True).first()
    # The hash changes with the password: sessions from before are worth nothing.
    if agent is None or not constant_time_compare(session.get(HASH_SESSION_KEY, ""), agent.get_session_auth_hash()):
        return None
    return SignedIn(agent, agent.sight(), session_key=session.session_key)


def read_after(query: str) -> int | None:
    """The number to resume from; None: none was given. Raises ValueError for what is no number."""
    values = parse_qs(query, keep_blank_values=True).get("after")
    if values is None:
        return None
    text = values[-1]
    if not NUMBER.fullmatch(text):
        raise ValueError(text[:100])
    # However many digits: beyond the newest is the newest.
    return 0 if text.startswith("-") else int(text) if len(text) < BEYOND else 10**BEYOND


class InboxConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """Thin: it signs in, catches up and listens to what the client says. The reader pushes by itself."""

    listener: live.Listener | None = None
    reader: live.Reader
    who: SignedIn

    async def connect(self) -> None:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in self.scope["headers"]}
        who = await database_sync_to_async(sign_in, thread_sensitive=False)(headers)
        if who is None:
            await self.close()
            return
        self.who = who
        self.said: dict[tuple[str, int], float] = {}
        self.late: dict[int, tuple[int, asyncio.Task[None]]] = {}
        self.teams: dict[int, tuple[float, int | None]] = {}
        self.shown: dict[int, frozenset[str]] = {}
        await self.accept()
        try:
            after = read_after(self.scope["query_string"].decode("latin-1"))
        except ValueError:
            await self.close(code=BAD_AFTER)
            return
        self.reader = await live.reader()
        await self._begin(after)

    async def _begin(self, after: int | None) -> None:
        at, last, kept, same = await database_sync_to_async(_where, thread_sensitive=False)(
            after, self.who.agent.pk, self.who.sight
        )
        position = at if after is None else min(after, last)
        listener = live.Listener(
            agent_id=self.who.agent.pk,
            sight=self.who.sight,
            send=self._push,
            close=self._close,
            position=position if kept else at,
            token_id=self.who.token.pk if self.who.token else None,
            session_key=self.who.session_key,
            password=self.who.agent.password if self.who.session_key else "",
            push=self.scope.get("extensions", {}).get("hub.push"),
        )
        self.listener = listener
        await self._push(live.encode({"type": "hello", "at": at}))
        if not (kept and same):
            await self._push(live.RESET)
        # Reads of the database take turns with the reader's progress until there is nothing between.
        while not self.reader.add(listener):
            await self._catch_up(listener, self.reader.position)
        await database_sync_to_async(presence.arrived, thread_sensitive=False)(self.who.agent.pk)

    async def _catch_up(self, listener: live.Listener, until: int) -> None:
        while listener.position < until:
            rows = await database_sync_to_async(log.lines, thread_sensitive=False)(
                listener.position, until, PAGE, listener.sight
            )
            for row in rows:
                text = live.Line(row).text_for(listener.sight)
                if text is not None:
                    await self._push(text)
            listener.position = rows[-1].seq if len(rows) == PAGE else until
            await self._drained()

    async def _drained(self) -> None:
        """A long way to catch up must not pile up in front of a slow browser."""
        wait: Callable[[], Any] | None = self.scope.get("extensions", {}).get("hub.drained")
        if wait is not None:
            await wait()

    async def _push(self, text: str) -> None:
        await self.base_send({"type": "websocket.send", "text": text})

    async def _close(self, code: int) -> None:
        await self.close(code=code)

    async def disconnect(self, code: int) -> None:
        listener, self.listener = self.listener, None
        if listener is not None:
            self.reader.remove(listener)
            for number, (upto, task) in tuple(self.late.items()):
                task.cancel()
                # Late is only what was said before; where it may not be seen there is no team.
                if number in self.teams:
                    await self._note(number, upto)
            for number in listener.viewing:
                self._tell("left", number, self.teams[number][1])

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """A courtesy that the database had no time for is lost; the socket goes on."""
        try:
            await self._heard(text_data)
        except DatabaseError as error:
            logger.warning("what a browser said was lost", agent=self.who.agent.pk, error=str(error)[:200])

    async def _heard(self, text_data: str | None) -> None:
        """Typing, viewing, and up to where was read; what is no such frame is ignored."""
        try:
            value = json.loads(text_data or "")
            kind, number = value["type"], value.get("ticket")
        except (ValueError, TypeError, KeyError, RecursionError):
            return
        if kind == "active":
            await self._at_work()
        if kind not in ("typing", "viewing", "left", "seen") or type(number) is not int or not 0 < number < 2**63:
            return
        upto = value.get("upto")
        if kind == "seen" and (type(upto) is not int or not 0 < upto < 2**63):
            return
        await (self._looked(number, upto) if kind == "seen" else self._here(kind, number))

    def _too_soon(self, kind: str, number: int) -> float:
        """Seconds until this may be said again; 0: now, and it counts as said."""
        now = time.monotonic()
        left = self.said.get((kind, number), -SAY_EVERY) + SAY_EVERY - now
        if left > 0:
            return left
        if len(self.said) > 200:
            self.said.clear()
        self.said[kind, number] = now
        return 0.0

    async def _looked(self, number: int, upto: int) -> None:
        """Said too soon it waits for its turn instead of being lost: the last word about a ticket is the one that
        counts, and nobody says it again."""
        if self.listener is None or (number not in self.late and len(self.late) >= MOST_LATE):
            return
        if waiting := self.late.pop(number, None):
            waiting[1].cancel()
        if left := self._too_soon("seen", number):
            later = asyncio.get_running_loop().create_task(self._looked_later(number, upto, left))
            self.late[number] = upto, later
        elif await self._may_see(number, time.monotonic()):
            await self._note(number, upto)

    async def _looked_later(self, number: int, upto: int, left: float) -> None:
        await asyncio.sleep(left)
        del self.late[number]
        await self._looked(number, upto)

    async def _note(self, number: int, upto: int) -> None:
        await database_sync_to_async(glances.looked, thread_sensitive=False)(self.who.agent.pk, number, upto)
        self._tell("seen", number, self.teams[number][1], upto=upto)

    async def _here(self, kind: str, number: int) -> None:
        if self.listener is None or self._too_soon(kind, number) or not await self._may_see(number, time.monotonic()):
            return
        if kind in self.shown.get(number, ()):
            await database_sync_to_async(customer_sees, thread_sensitive=False)(kind, number)
        if kind == "viewing":
            self.listener.viewing = {number}
        elif kind == "left":
            self.listener.viewing.discard(number)
        self._tell(kind, number, self.teams[number][1])

    async def _at_work(self) -> None:
        """Somebody types or clicks: no away for as long as they do."""
        now = time.monotonic()
        if self.listener is not None and now - self.said.get(("active", 0), 0.0) >= ACTIVE_EVERY:
            self.said["active", 0] = now
            await database_sync_to_async(presence.active, thread_sensitive=False)(self.who.agent.pk)

    async def _may_see(self, number: int, now: float) -> bool:
        known = self.teams.get(number)
        if known is None or now - known[0] > 10:
            found = await database_sync_to_async(_team_of, thread_sensitive=False)(number)
            if found is None or self.listener is None:
                return False
            if len(self.teams) > 500:
                self.teams = {key: value for key, value in self.teams.items() if key in self.listener.viewing}
                self.shown = {key: self.shown[key] for key in self.teams}
            known, self.shown[number] = (now, found[0]), found[1]
            self.teams[number] = known
        return self.listener is not None and self.listener.sight.covers(known[1])

    def _tell(self, kind: str, number: int, team: int | None, **more: int) -> None:
        who = {"type": "agent", "id": self.who.agent.pk, "name": self.who.agent.name}
        wakeups.publish_json(wakeups.EPHEMERAL, {"type": kind, "ticket": number, "actor": who, "team": team, **more})


def _where(after: int | None, agent_id: int, sight: Sight) -> tuple[int, int, bool, bool]:
    """(the safe horizon, the newest number, whether all after that number is still kept, whether this agent has seen
    with the same eyes since).
    """
    # Noted first, so that what is loaded at this horizon was read with these eyes.
    since = sights.noted(agent_id, sight)
    at = horizon()
    kept = True
    if after is not None:
        old = timezone.now() - timedelta(days=settings.LOG_KEEP_DAYS)
        first = Activity.objects.order_by("seq").values_list("seq", "at").first()
        # Holes are normal; only a log whose oldest line is as old as the limit has lost lines to it.
        kept = first is None or after + 1 >= first[0] or first[1] > old + timedelta(days=1)
    # Whoever begins with nothing has nothing to forget.
    return at, max(newest(), at), kept, not after or after >= since


def _team_of(number: int) -> tuple[int | None, frozenset[str]] | None:
    """(its team, which live words its customer may see), in one statement."""
    wanted = Ticket.objects.filter(pk=number).values_list("team_id", "channel__kind", "channel__public_settings")
    found = wanted.first()
    return (found[0], shown_on(found[1], found[2])) if found else None
