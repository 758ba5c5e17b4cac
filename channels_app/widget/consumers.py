"""The live socket /ws/widget/: a visitor hears their own conversation, from the number they name."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any
from urllib.parse import parse_qs

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer

from channels_app.widget import limits, live, views, visitors
from channels_app.widget.models import Visitor, VisitorConversation

AUTH_WITHIN = 5.0
TYPING_EVERY = 2.0
BAD_AFTER = 4400
NOT_KNOWN = 4401


class VisitorConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """The first frame has to be {"type": "auth", "token"}: a token never stands in an address."""

    visitor: Visitor
    position = 0
    known = False
    told: tuple[int, int, int] | None = None

    async def connect(self) -> None:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in self.scope["headers"]}
        self.origin = headers.get("origin", "")
        client = self.scope.get("client")
        flood = limits.wait("address", client[0] if client else "", limits.OF_ADDRESS)
        if flood or not await database_sync_to_async(views.stands_somewhere, thread_sensitive=False)(self.origin):
            await self.close()
            return
        await self.accept()
        self.typed = 0.0
        self.turn = asyncio.Lock()
        self.tasks: set[asyncio.Task[None]] = set()
        self.patience = asyncio.get_running_loop().call_later(AUTH_WITHIN, self._unless_known)

    def _unless_known(self) -> None:
        if not self.known:
            self.dismiss()

    def dismiss(self) -> None:
        self._soon(self.close(code=NOT_KNOWN))

    def _soon(self, act: Any) -> None:
        async def quietly() -> None:
            try:
                await act
            except Exception:  # noqa: BLE001 (the socket went away by itself)
                return

        task = asyncio.get_running_loop().create_task(quietly())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def disconnect(self, code: int) -> None:
        if hasattr(self, "patience"):
            self.patience.cancel()
        if self.known:
            self.board.leave(self.visitor.conversation_id, self)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        frame = _read(text_data or "")
        if not self.known:
            await self._sign_in(frame)
        elif frame.get("type") == "typing":
            now = time.monotonic()
            if now - self.typed > TYPING_EVERY:
                self.typed = now
                await database_sync_to_async(visitors.typing, thread_sensitive=False)(self.visitor)
        elif frame.get("type") in ("seen", "delivered"):
            seq = frame.get("seq")
            if type(seq) is int and 0 < seq < 2**63 and not limits.wait("ask", self.visitor.public_id, limits.ASK):
                told = {frame["type"]: seq}
                try:
                    await database_sync_to_async(visitors.acknowledge, thread_sensitive=False)(self.visitor, **told)
                except visitors.NotKnown:
                    self.dismiss()

    async def _sign_in(self, frame: dict[str, Any]) -> None:
        try:
            if frame.get("type") != "auth":
                raise visitors.NotKnown
            token = str(frame.get("token") or "")
            public_id, _version = visitors.read_token(token)
            if limits.wait("ask", public_id, limits.ASK):
                raise visitors.NotKnown
            visitor = await database_sync_to_async(visitors.find, thread_sensitive=False)(token)
            if not visitors.may_stand_at(visitor.channel, self.origin):
                raise visitors.NotKnown
        except visitors.NotKnown:
            await self.close(code=NOT_KNOWN)
            return
        try:
            after = _after(self.scope["query_string"].decode("latin-1"))
        except ValueError:
            await self.close(code=BAD_AFTER)
            return
        self.visitor, self.known = visitor, True
        last = visitor.conversation.last_seq
        self.position = last if after is None else min(after, last)
        self.board = live.switchboard()
        self.board.join(visitor.conversation_id, self)
        await self._push({"type": "hello", "at": last})
        await self._read_on()

    def wake(self) -> None:
        self._soon(self._read_on())

    def types(self) -> None:
        self._soon(self._push({"type": "typing"}))

    async def _read_on(self) -> None:
        """One at a time, so that numbers rise on the socket."""
        async with self.turn:
            while True:
                try:
                    row, events = await database_sync_to_async(_news, thread_sensitive=False)(
                        self.visitor.conversation_id, self.position
                    )
                except VisitorConversation.DoesNotExist:
                    # Forgotten at this moment: the chat begins anew.
                    self.dismiss()
                    return
                for event in events:
                    await self._push({"type": "message", **visitors.as_json(event, row)})
                    self.position = event.seq
                if len(events) < visitors.PAGE:
                    break
            state = (row.delivered_seq, row.seen_seq, row.read_seq)
            if state != self.told:
                self.told = state
                await self._push({"type": "receipts", "delivered": state[0], "seen": state[1], "read": state[2]})

    async def _push(self, value: dict[str, Any]) -> None:
        await self.base_send({"type": "websocket.send", "text": json.dumps(value, ensure_ascii=False)})


def _news(conversation: int, after: int) -> tuple[VisitorConversation, list[Any]]:
    row = VisitorConversation.objects.get(pk=conversation)
    return row, visitors.read(row, after)


def _read(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _after(query: str) -> int | None:
    values = parse_qs(query, keep_blank_values=True).get("after")
    if values is None:
        return None
    if not values[-1].lstrip("-").isascii() or not values[-1].lstrip("-").isdigit() or len(values[-1]) > 18:
        raise ValueError(values[-1])
    return max(int(values[-1]), 0)
