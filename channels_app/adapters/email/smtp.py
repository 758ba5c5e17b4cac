"""One mail to one mail server, by hand over ``smtplib``: each step's failure means something else for the reply.

Until the last line of the message is sent nothing has gone out, and it may be tried again. After it, a server
that does not answer may have the mail: SMTP knows no key of ours, so only a person repeats that.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import parse_qs, unquote, urlsplit

from django.utils.translation import gettext_noop as N_

from channels_app.adapters.email import oauth, troubles
from channels_app.contract import Category, DeliveryFailed

TIMEOUT = 15.0
"""Seconds for one answer."""
DEADLINE = 45.0
"""Seconds for all of it: a server that sends a byte now and then is cut off."""
_CODE = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")

UNREACHABLE = N_("The mail server could not be reached.")
NO_ANSWER = N_("No answer came, so it is not known whether the message arrived.")
NO_LOGIN = N_("The mail server does not accept user name and password.")
NO_TLS = N_("The mail server offers no encryption, so nothing was sent to it.")
LATER = N_("The mail server asks us to try again later.")
REFUSED = N_("The mail server refused the message.")
NO_SUCH = N_("The mail server refused the recipient.")
NO_SENDER = N_("The mail server does not let us send from this address.")


@dataclass(frozen=True, slots=True)
class Server:
    """Where mail is handed over. tls: "implicit", "on" (STARTTLS or nothing), "auto" (if offered), "off"."""

    host: str
    port: int
    tls: str
    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    """An access token; where there is one, no password is said."""


def read_url(url: str) -> Server:
    """``smtp://user:password@host:587?tls=on`` (or ``smtp+tls://…``), or ``smtps://…``. Raises ValueError.

    User and password are percent-encoded. tls is left to the server for ``smtp://``, but a password goes
    in clear to nobody: with one, and beyond this machine, encryption is needed unless ``tls=off`` is said.
    """
    parts = urlsplit(url.strip())
    if parts.scheme not in ("smtp", "smtps", "smtp+tls") or not parts.hostname:
        raise ValueError("not an smtp:// address")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    said = parse_qs(parts.query).get("tls", [""])[0].lower()
    if said not in ("", "on", "off", "auto", "starttls"):
        raise ValueError("tls is on, off or auto")
    if parts.scheme == "smtps":
        tls = "implicit"
    elif parts.scheme == "smtp+tls" or said == "starttls":
        tls = "on"
    elif said:
        tls = said
    else:
        tls = "on" if user and not _near(parts.hostname) else "auto"
    return Server(
        parts.hostname, parts.port or (465 if tls == "implicit" else 587 if user else 25), tls, user, password
    )


def _near(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


# ── A session ────────────────────────────────────────────────────────────────────────────────


@contextmanager
def session(server: Server) -> Iterator[smtplib.SMTP]:
    """Connected, encrypted, signed in. Raises DeliveryFailed; whatever happens in it is cut off in time."""
    smtp = _connect(server)
    # A deadline for the whole of it: smtplib has one per answer only.
    cut = threading.Timer(DEADLINE, lambda: _cut(smtp))
    cut.daemon = True
    cut.start()
    try:
        _prepare(smtp, server)
        yield smtp
        with suppress(smtplib.SMTPException, OSError):
            smtp.quit()
    finally:
        cut.cancel()
        smtp.close()


def _cut(smtp: smtplib.SMTP) -> None:
    with suppress(OSError, AttributeError):
        smtp.sock.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]


def _connect(server: Server) -> smtplib.SMTP:
    try:
        if server.tls == "implicit":
            return smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT, context=ssl.create_default_context())
        return smtplib.SMTP(server.host, server.port, timeout=TIMEOUT)
    except smtplib.SMTPResponseException as error:
        raise _from_answer(error.smtp_code, error.smtp_error, REFUSED) from error
    except (smtplib.SMTPException, OSError, UnicodeError) as error:
        raise _broke(error) from error


def _broke(error: Exception) -> DeliveryFailed:
    """smtplib's own exceptions are OSErrors too, and say nothing of the line."""
    if isinstance(error, OSError) and not isinstance(error, smtplib.SMTPException):
        return troubles.connecting(error, UNREACHABLE)
    return failed(UNREACHABLE, "unknown", permanent=False, detail=_line(str(error)))


def _prepare(smtp: smtplib.SMTP, server: Server) -> None:
    try:
        smtp.ehlo_or_helo_if_needed()
        if server.tls in ("on", "auto"):
            _encrypt(smtp, server)
        if server.token:
            said = iter((oauth.login(server.user, server.token),))
            # A refusal begins with a challenge, which is answered with nothing.
            smtp.auth("XOAUTH2", lambda _challenge=None: next(said, ""))
        elif server.user:
            smtp.login(server.user, server.password)
    except smtplib.SMTPAuthenticationError as error:
        permanent = error.smtp_code >= 500
        raise failed(
            NO_LOGIN if permanent else LATER, "auth" if permanent else "unknown",
            permanent=permanent, code=str(error.smtp_code), detail=_words(error.smtp_error),
        ) from error  # fmt: skip
    except smtplib.SMTPNotSupportedError as error:
        raise failed(NO_LOGIN, "auth", permanent=True, detail=_line(str(error))) from error
    except smtplib.SMTPResponseException as error:
        raise _from_answer(error.smtp_code, error.smtp_error, REFUSED) from error
    except (smtplib.SMTPException, OSError, UnicodeError) as error:
        raise _broke(error) from error


def _encrypt(smtp: smtplib.SMTP, server: Server) -> None:
    if not smtp.has_extn("starttls"):
        if server.tls == "on":
            raise failed(NO_TLS, "auth", permanent=True, code="tls")
        return
    context = ssl.create_default_context()
    if server.tls == "auto" and not (server.password or server.token):
        # Better any encryption than none, where nothing secret is said and none would be taken, too.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    smtp.starttls(context=context)
    smtp.ehlo()


# ── One mail ─────────────────────────────────────────────────────────────────────────────────


def hand_over(server: Server, envelope_from: str, recipients: Sequence[str], content: bytes) -> str:
    """The server's own words on taking it. Raises DeliveryFailed; then nobody got it, unless "unconfirmed".

    All recipients or none: a mail of which one copy is missing would look sent.
    """
    with session(server) as smtp:
        options = ["BODY=8BITMIME"] if smtp.has_extn("8bitmime") else []
        if not all(address.isascii() for address in (envelope_from, *recipients)):
            if not smtp.has_extn("smtputf8"):
                raise failed(NO_SUCH, "content", permanent=True, code="smtputf8")
            options.append("SMTPUTF8")
            smtp.command_encoding = "utf-8"
        _step(lambda: smtp.mail(envelope_from, options), NO_SENDER, "content")
        for position, address in enumerate(recipients):
            # Only of the first, the customer, it says that they cannot be written to.
            category: Category = "blocked" if position == 0 else "content"
            _step(lambda address=address: smtp.rcpt(address), NO_SUCH, category, about=address)  # type: ignore[misc]
        _step(lambda: smtp.docmd("DATA"), REFUSED, "content", wanted=354)
        return _say(smtp, content)


def _step(
    do: Callable[[], tuple[int, bytes]], title: str, category: Category, *, about: str = "", wanted: int = 0
) -> None:
    try:
        code, answer = do()
    except (smtplib.SMTPException, OSError, UnicodeError) as error:
        raise failed(UNREACHABLE, "unknown", permanent=False, detail=_line(str(error))) from error
    if code != wanted if wanted else not 200 <= code < 300:
        raise _from_answer(code, answer, title, category, about)


def _say(smtp: smtplib.SMTP, content: bytes) -> str:
    """The message itself; from its last line on nobody knows until the server answers."""
    body = re.sub(rb"(?m)^\.", b"..", content)
    try:
        smtp.send(body if body.endswith(b"\r\n") else body + b"\r\n")
    except (smtplib.SMTPException, OSError) as error:
        raise failed(UNREACHABLE, "unknown", permanent=False, detail=_line(str(error))) from error
    try:
        smtp.send(b".\r\n")
        code, answer = smtp.getreply()
    except (smtplib.SMTPException, OSError) as error:
        raise failed(NO_ANSWER, "unconfirmed", permanent=False, detail=_line(str(error))) from error
    if not 200 <= code < 300:
        raise _from_answer(code, answer, REFUSED)
    return _words(answer)


def _from_answer(
    code: int, answer: bytes | str, title: str, category: Category = "content", about: str = ""
) -> DeliveryFailed:
    """5xx is the server's last word, 4xx is for now."""
    words = _words(answer)
    enhanced = _CODE.search(words)
    detail = f"{about}: {words}" if about else words
    if code >= 500:
        if category == "blocked" and not _about_the_person(code, enhanced):
            category = "content"
        return failed(title, category, permanent=True, code=enhanced[0] if enhanced else str(code), detail=detail)
    return failed(LATER, "rate", permanent=False, code=enhanced[0] if enhanced else str(code), detail=detail)


def _about_the_person(code: int, enhanced: re.Match[str] | None) -> bool:
    """Whether a refused recipient is one who is not there: policy (5.7) and a full mailbox (5.2.2) are not that."""
    if enhanced is None:
        return code in (550, 551, 553)
    return enhanced[2] == "1" or (enhanced[2], enhanced[3]) == ("2", "1")


def failed(title: str, category: Category, *, permanent: bool, code: str = "", detail: str = "") -> DeliveryFailed:
    return DeliveryFailed(title, permanent=permanent, category=category, code=code, detail=detail)


def _words(answer: bytes | str) -> str:
    return _line(answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer)


def _line(text: str) -> str:
    return " ".join(text.split())[:300]
