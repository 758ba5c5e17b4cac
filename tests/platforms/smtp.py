"""A real mail server (aiosmtpd) on loopback that keeps what it takes, and refuses what it is told to."""

from __future__ import annotations

import asyncio
import threading
import time
from base64 import b64decode
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


@dataclass
class Taken:
    """One mail as it came: the envelope beside the bytes."""

    sender: str
    recipients: list[str]
    content: bytes

    @property
    def mail(self) -> EmailMessage:
        found = message_from_bytes(self.content, policy=policy.default)
        assert isinstance(found, EmailMessage)
        return found


@dataclass
class FakeMailServer:
    """``answers`` maps a step (MAIL, RCPT, an address, DATA) to the line it is answered with; "hang" never answers."""

    user: str = ""
    password: str = ""
    taken: list[Taken] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    tokens: set[str] | None = None
    """Access tokens that are good; a password is none then."""

    def __enter__(self) -> Self:
        options: dict[str, Any] = {"authenticator": self._authenticate, "auth_require_tls": False} if self.user else {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._calls: list[SMTP] = []
        made = self._loop.create_server(lambda: self._picked_up(options), "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(made, self._loop).result(60)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    def _picked_up(self, options: dict[str, Any]) -> SMTP:
        call = SMTP(self, hostname="mail.test", loop=self._loop, **options)
        self._calls.append(call)
        return call

    def __exit__(self, *_about: object) -> None:
        asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _hang_up(self) -> None:
        # Here and not in the test's thread: a caller who hangs up at the same moment would be counted twice.
        self._server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        # A caller who has not hung up yet would leave a stream that is found dead after its loop was closed.
        for call in self._calls:
            if call.transport is not None:
                call.transport.close()
        while any(call.transport is not None for call in self._calls):
            await asyncio.sleep(0.01)

    @property
    def url(self) -> str:
        login = f"{self.user}:{self.password}@" if self.user else ""
        return f"smtp://{login}127.0.0.1:{self.port}"

    def wait(self, count: int = 1) -> list[Taken]:
        """Until so many mails are here."""
        until = time.monotonic() + 60
        while len(self.taken) < count and time.monotonic() < until:
            time.sleep(0.01)
        assert len(self.taken) >= count, f"{len(self.taken)} mails came, {count} were expected"
        return self.taken

    # ── What aiosmtpd asks ──

    def _authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        right = isinstance(data, LoginPassword) and (data.login, data.password) == (
            self.user.encode(),
            self.password.encode(),
        )
        return AuthResult(success=right, handled=False)

    async def auth_XOAUTH2(self, server: Any, args: list[str]) -> AuthResult:
        """As Google and Microsoft do: a refusal begins with a challenge, which the client answers with nothing."""
        said = b64decode(args[1]).decode() if len(args) > 1 else ""
        user, _, rest = said.removeprefix("user=").partition("\x01auth=Bearer ")
        if user == self.user and rest.rstrip("\x01") in (self.tokens or set()):
            return AuthResult(success=True, auth_data=user)
        await server.push("334 eyJzdGF0dXMiOiI0MDEifQ==")
        await server._reader.readline()
        return AuthResult(success=False, handled=False)

    async def _answer(self, *steps: str) -> str | None:
        self.seen.append(steps[0])
        for step in steps:
            said = self.answers.get(step)
            if said == "hang":
                await asyncio.sleep(3600)
            if said:
                return said
        return None

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        said = await self._answer("MAIL")
        if said is None:
            envelope.mail_from, envelope.mail_options = address, options
        return said or "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        said = await self._answer("RCPT", address)
        if said is None:
            envelope.rcpt_tos.append(address)
        return said or "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        said = await self._answer("DATA")
        if said is None:
            self.taken.append(Taken(envelope.mail_from, list(envelope.rcpt_tos), envelope.original_content))
        return said or "250 2.0.0 taken"
