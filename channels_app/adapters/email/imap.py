"""A mailbox by IMAP: what is new since a number, its bytes, and IDLE. Nothing is ever deleted or moved."""

from __future__ import annotations

import hashlib
import imaplib
import re
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_noop as N_
from imap_tools import BaseMailBox, MailBox, MailBoxStartTls, MailBoxUnencrypted
from imap_tools.errors import ImapToolsError, MailboxFolderSelectError, MailboxLoginError

from channels_app.adapters.email import oauth, troubles
from channels_app.contract import Account, DeliveryFailed, SourceLost, Waiting
from channels_app.http import Http

TIMEOUT = 30.0
SLOW_POLL = 30.0
HEAD = 256 * 1024
MANY = 500
WRONG = N_("The mailbox does not accept user name and password.")
NO_FOLDER = N_("The mailbox has no such folder.")
UNREACHABLE = N_("The mailbox could not be reached.")
NO_TLS = N_("The mailbox offers no encryption, so no password was sent to it.")
SHOWN_FOLDERS = 20

_FETCHED = re.compile(rb"\bUID (\d+)")
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d+)")
_OF_THE_FORM = re.compile(rb"^(content-[a-z-]+|mime-version)\s*:.*\r?\n(?:[ \t].*\r?\n)*", re.IGNORECASE | re.MULTILINE)


class ImapSource:
    """See ``contract.Source``."""

    def __init__(self, account: Account, http: Http) -> None:
        url = account.get("imap_url").strip()
        parts = urlsplit(url)
        self.user, password = unquote(parts.username or ""), unquote(parts.password or "")
        folder = unquote(parts.path.strip("/")) or "INBOX"
        self.place = hashlib.sha256(f"{parts.hostname}\n{parts.port}\n{self.user}\n{folder}".encode()).hexdigest()
        self.mark_seen = account.get("mark_seen") == "on"
        self.host = parts.hostname or ""
        token = oauth.access_token(account, http) if oauth.wanted(account) and not password else ""
        try:
            self._open(url, password, token, folder)
        except DeliveryFailed as failure:
            # A token may end before its time: once more with a new one, before anybody is told.
            if not token or failure.code != "imap_login":
                raise
            self._open(url, password, oauth.access_token(account, http, fresh=True), folder)

    def _open(self, url: str, password: str, token: str, folder: str) -> None:
        self.box = _connected(url)
        try:
            with _spoken():
                self._login(password, token)
                self._select(folder)
        except BaseException:
            self.close()
            raise

    def _login(self, password: str, token: str) -> None:
        try:
            if token:
                self._show(token)
            else:
                self.box.login(self.user, password, initial_folder=None)
        except (MailboxLoginError, imaplib.IMAP4.error, UnicodeEncodeError) as error:
            if isinstance(error, imaplib.IMAP4.abort):
                raise
            raise DeliveryFailed(
                WRONG, permanent=True, category="auth", code="imap_login", detail=_said(error)
            ) from error

    def _show(self, token: str) -> None:
        """AUTHENTICATE XOAUTH2; the challenge that a refusal begins with is answered with nothing."""
        said = iter((oauth.login(self.user, token).encode(),))
        self.box.client.authenticate("XOAUTH2", lambda _challenge: next(said, b""))

    def _select(self, folder: str) -> None:
        try:
            self.box.folder.set(folder, readonly=not self.mark_seen)
        except MailboxFolderSelectError as error:
            detail = f"{folder[:100]} ({', '.join(self._folders())})"[:300]
            raise DeliveryFailed(
                NO_FOLDER, permanent=True, category="auth", code="imap_folder", detail=detail
            ) from error
        found = self.box.client.untagged_responses
        self.validity = _number(found.get("UIDVALIDITY"))
        self.next_uid = _number(found.get("UIDNEXT")) or 1
        self.idles = "IDLE" in self.box.client.capabilities or "IDLE" in _words(self.box.client.capability())

    def _folders(self) -> list[str]:
        """Their names, for whoever has to choose one."""
        with suppress(imaplib.IMAP4.error, ImapToolsError, OSError, ValueError):
            return [found.name for found in self.box.folder.list()][:SHOWN_FOLDERS]
        return []

    def waiting(self, after: int, since: date | None) -> Sequence[Waiting]:
        with _spoken():
            asked = f"UID {after + 1}:*" + (f" SINCE {_imap_date(since)}" if since else "")
            _status, data = _good(self.box.client.uid("SEARCH", asked))
            uids = sorted({int(one) for line in data if line for one in line.split() if one.isdigit()})
            # "n:*" names the last message even where it is below n.
            uids = [uid for uid in uids if uid > after]
            found: dict[int, int] = {}
            for at in range(0, len(uids), MANY):
                some = ",".join(map(str, uids[at : at + MANY]))
                _status, lines = _good(self.box.client.uid("FETCH", some, "(UID RFC822.SIZE)"))
                for line in lines:
                    uid, size = _FETCHED.search(_head(line)), _SIZE.search(_head(line))
                    if uid and size:
                        found[int(uid[1])] = int(size[1])
        return [Waiting(uid, found[uid]) for uid in uids if uid in found]

    def fetch(self, some: Sequence[Waiting], largest: int) -> Iterator[tuple[int, bytes]]:
        for one in some:
            with _spoken():
                large = one.size > largest
                what = f"(UID BODY.PEEK[HEADER]<0.{HEAD}>)" if large else "(UID BODY.PEEK[])"
                _status, data = _good(self.box.client.uid("FETCH", str(one.uid), what))
            raw = next(
                (item[1] for item in data if isinstance(item, tuple) and _FETCHED.search(item[0] + _tail(data))), None
            )
            # None: somebody deleted it a moment ago.
            if raw is not None:
                yield one.uid, _placeholder(raw, one.size) if large else raw

    def fetched(self, uids: Sequence[int]) -> None:
        if self.mark_seen and uids:
            with _spoken():
                self.box.client.uid("STORE", ",".join(map(str, uids)), "+FLAGS.SILENT", r"(\Seen)")

    def wait(self, seconds: float) -> None:
        with _spoken():
            if self.idles:
                self.box.idle.wait(timeout=seconds)
            else:
                time.sleep(min(seconds, SLOW_POLL))
                self.box.client.noop()

    def close(self) -> None:
        with suppress(Exception):
            self.box.client.sock.settimeout(3)
            self.box.client.logout()
        with suppress(Exception):
            self.box.client.shutdown()


@contextmanager
def _spoken() -> Iterator[None]:
    """What the library and the server may do while we speak, as one exception."""
    try:
        yield
    except (DeliveryFailed, SourceLost):
        raise
    except (imaplib.IMAP4.error, ImapToolsError, OSError, ValueError, EOFError) as error:
        raise SourceLost(f"{type(error).__name__}: {error}"[:300]) from error


def _connected(url: str) -> BaseMailBox:
    """imaps:// encrypts at once; imap:// by STARTTLS, but on this machine, or with ``?tls=off``, not at all."""
    parts = urlsplit(url)
    host, off = parts.hostname or "", parse_qs(parts.query).get("tls", [""])[0] == "off"
    try:
        if parts.scheme == "imaps":
            return MailBox(host, parts.port or 993, timeout=TIMEOUT, ssl_context=ssl.create_default_context())
        if off or host in ("localhost", "127.0.0.1", "::1"):
            return MailBoxUnencrypted(host, parts.port or 143, timeout=TIMEOUT)
        return MailBoxStartTls(host, parts.port or 143, timeout=TIMEOUT, ssl_context=ssl.create_default_context())
    except imaplib.IMAP4.abort as error:
        raise SourceLost(str(error)[:300]) from error
    except imaplib.IMAP4.error as error:
        raise DeliveryFailed(NO_TLS, permanent=True, category="auth", detail=str(error)[:300]) from error
    except OSError as error:
        raise troubles.connecting(error, UNREACHABLE) from error


def _said(error: Exception) -> str:
    """The server's own words out of what the library makes of them."""
    result = getattr(error, "command_result", None)
    if isinstance(result, tuple) and len(result) > 1 and isinstance(result[1], list):
        return troubles.line(b" ".join(one for one in result[1] if isinstance(one, bytes)).decode("utf-8", "replace"))
    return troubles.line(str(error).removeprefix("b'").rstrip("'"))


def _good(answer: Any) -> tuple[str, list[Any]]:
    status, data = answer
    if status != "OK":
        raise SourceLost(f"the mailbox said {status}: {data!r}"[:300])
    return status, data


def _head(line: Any) -> bytes:
    return line[0] if isinstance(line, tuple) else line or b""


def _tail(data: list[Any]) -> bytes:
    """Some servers name the UID behind the message."""
    return b" ".join(item for item in data if isinstance(item, bytes))


def _words(answer: Any) -> list[str]:
    return b" ".join(line for line in answer[1] if line).decode("ascii", "replace").upper().split()


def _number(values: Any) -> int:
    digits = (values or [b""])[-1] or b""
    return int(digits) if digits.isdigit() else 0


MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _imap_date(day: date) -> str:
    """In English whatever the process's language is."""
    return f"{day.day:02}-{MONTHS[day.month - 1]}-{day.year}"


def _placeholder(header: bytes, size: int) -> bytes:
    """The head of a mail that is too large, and words instead of its body."""
    note = _now("This mail is too large to be fetched (%(size)s MB). It is still in the mailbox.") % {
        "size": size // 1_000_000
    }
    kept = _OF_THE_FORM.sub(b"", header.rstrip(b"\r\n") + b"\r\n")
    return kept + b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + note.encode() + b"\r\n"
