"""Trying a mail channel, in words: signing in to the mailbox and opening its folder, signing in to send, and whether
the server lets us send from the channel's address. Nothing is fetched and nothing is sent."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from django.utils.translation import gettext as _now

from channels_app.adapters.email import composing, esp_send, outgoing, smtp, troubles
from channels_app.adapters.email.imap import ImapSource
from channels_app.contract import Account, CheckLine, DeliveryFailed, SourceLost
from channels_app.http import Http


def lines(account: Account, http: Http) -> Sequence[CheckLine]:
    """Each way by itself: one may work while the other does not."""
    return [*mailbox(account, http), *sending(account, http)]


def mailbox(account: Account, http: Http) -> list[CheckLine]:
    """No line where nothing is fetched."""
    url = account.get("imap_url")
    if not url:
        return []
    place = _place(url, 993)
    try:
        ImapSource(account, http).close()
    except DeliveryFailed as failure:
        return [CheckLine(ok=False, words=f"{_now('Fetching')} ({place}): {_why(url, failure)}")]
    except SourceLost:
        broke = _now("The mailbox broke off the connection.")
        return [CheckLine(ok=False, words=f"{_now('Fetching')} ({place}): {broke}")]
    return [CheckLine(ok=True, words=_now("Fetching works: the mailbox opens at %(server)s.") % {"server": place})]


def sending(account: Account, http: Http) -> list[CheckLine]:
    """Connect, encrypt and sign in as for sending, and name the sender."""
    provider = esp_send.through(account)
    if provider is not None:
        # Their APIs have nothing in common that could be asked without sending.
        words = _now("Answers go out through %(provider)s. Whether it takes the key shows with the first one.")
        return [CheckLine(ok=True, words=words % {"provider": provider.label})]
    url = account.get("smtp_url")
    if not url:
        return [CheckLine(ok=False, words=_now("No mail server to send with is set."))]
    try:
        sender = composing.address(account.get("address"))
        place = _place(url, smtp.read_url(url).port)
        code, answer = outgoing.signed_in(account, http, lambda server: _named(server, sender))
    except DeliveryFailed as failure:
        return [CheckLine(ok=False, words=f"{_now('Sending')} ({place}): {_why(url, failure)}")]
    except ValueError:
        return [CheckLine(ok=False, words=_now("No mail server to send with is set."))]
    if code >= 400:
        words = f"{_now(smtp.NO_SENDER)} {troubles.line(answer.decode('utf-8', 'replace'))}"
        return [CheckLine(ok=False, words=f"{_now('Sending')} ({place}): {words}")]
    return [CheckLine(ok=True, words=_now("Sending works: signed in at %(server)s.") % {"server": place})]


def _named(server: smtp.Server, sender: str) -> tuple[int, bytes]:
    with smtp.session(server) as mail:
        return mail.mail(sender)


def _place(url: str, otherwise: int) -> str:
    """Server and port: never the user or the password beside them."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or otherwise}"


def _why(url: str, failure: DeliveryFailed) -> str:
    host = urlsplit(url).hostname or ""
    wanted = failure.category == "auth" and failure.code not in ("imap_folder", "tls", "oauth")
    hint = troubles.hint(host, f"{failure.code} {failure.detail}") if wanted else ""
    return " ".join(filter(None, (_now(failure.title), hint and _now(hint), failure.detail)))
