"""Why a mail server could not be used, in words that say what to do. The same for mailboxes and for sending.

What servers answer is read for signs, never trusted: it is shown beside our words, cut to a line.
"""

from __future__ import annotations

import socket
import ssl

from django.utils.translation import gettext_noop as N_

from channels_app.contract import DeliveryFailed

NO_NAME = N_("There is no mail server of that name.")
NOBODY_THERE = N_("The mail server takes no connection at that port.")
TOO_SLOW = N_("The mail server did not answer in time: is the port right, and open from here?")
NO_TLS_THERE = N_("The mail server speaks no TLS at that port: choose STARTTLS, or another port.")
BAD_CERTIFICATE = N_("The mail server's certificate is not valid for its name.")

APP_PASSWORD = N_(
    "This provider wants a password made for programs (an app password), not the one that people sign in with."
)
ONLY_OAUTH = N_("Microsoft takes no passwords from programs: fill in what stands under OAuth, and leave them empty.")
NO_IMAP = N_("IMAP is switched off for this account: switch it on in the provider's settings.")
NO_SENDING = N_("Sending from programs is switched off for this account: switch it on in the provider's settings.")
BROWSER_FIRST = N_("The provider wants you to sign in with a browser first, then it lets programs in.")
TOO_MANY = N_("The provider sees too many connections or attempts: wait a quarter of an hour.")

# What is said by the server → our words. The first that is found is said.
_SAID: tuple[tuple[tuple[str, ...], str], ...] = (
    (("application-specific", "app password", "app-specific", "5.7.9", "authorization code"), APP_PASSWORD),
    (("not enabled for imap", "enable imap", "imap access is disabled", "imap is disabled", "imap disabled"), NO_IMAP),
    (("smtpclientauthentication is disabled", "smtp client authentication is disabled"), NO_SENDING),
    (("basic authentication is disabled", "basicauthblocked", "5.7.139"), ONLY_OAUTH),
    (("web browser", "webloginrequired", "weblogin"), BROWSER_FIRST),
    (("too many", "rate limit", "overquota", "exceeded command or bandwidth"), TOO_MANY),
)
# Who never says why a password was not taken.
_BY_HOST: tuple[tuple[tuple[str, ...], str], ...] = (
    (("gmail.com", "google.com", "googlemail.com", "yahoo.com", "me.com", "icloud.com", "fastmail.com",
      "aol.com", "zoho.com"), APP_PASSWORD),
    (("office365.com", "outlook.com", "hotmail.com"), ONLY_OAUTH),
)  # fmt: skip


def connecting(error: OSError, otherwise: str) -> DeliveryFailed:
    """What the line itself did. otherwise: the title where nothing better is known. Tried again by itself, unless
    the certificate is wrong."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return DeliveryFailed(
            BAD_CERTIFICATE, permanent=True, category="auth", code="tls", detail=line(error.verify_message)
        )
    title = otherwise
    if isinstance(error, socket.gaierror):
        title = NO_NAME
    elif isinstance(error, ConnectionRefusedError):
        title = NOBODY_THERE
    elif isinstance(error, TimeoutError):
        title = TOO_SLOW
    elif isinstance(error, ssl.SSLError) and "WRONG_VERSION" in str(error).upper():
        title = NO_TLS_THERE
    return DeliveryFailed(title, permanent=False, category="unknown", detail=line(error.strerror or str(error)))


def hint(host: str, said: str) -> str:
    """What to do about credentials that were not taken, untranslated; "" where nothing is known."""
    said = said.lower()
    by_words = next((words for signs, words in _SAID if any(sign in said for sign in signs)), "")
    return by_words or next((words for hosts, words in _BY_HOST if any(_under(host.lower(), one) for one in hosts)), "")


def _under(host: str, domain: str) -> bool:
    return host == domain or host.endswith(f".{domain}")


def line(text: str) -> str:
    return " ".join(text.split())[:300]
