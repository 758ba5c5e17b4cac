"""Signing in to a mail server without a password: a refresh token gives access tokens, which live about an hour.

Where a provider gives a new refresh token with an access token (Microsoft), it is kept in place of the old one: that
one ends after 90 days, however often it was used. Source: RFC 6749, 6; what Google and Microsoft say of XOAUTH2.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_noop as N_

from channels_app.contract import Account, DeliveryFailed
from channels_app.http import Http, HttpError, Response

EARLY = 120.0
"""Seconds before its end that a token is not used any more."""
SHORTEST, LONGEST = 60.0, 24 * 3600.0
_MOST = 256

UNREACHABLE = N_("The address that gives access tokens could not be reached.")
GONE = N_("The provider has taken our permission back, or it has become too old: connect the mailbox again (OAuth).")
WRONG_CLIENT = N_("The provider does not know this OAuth client, or its secret is wrong or too old.")
WRONG_ASKED = N_("The provider does not let this OAuth client into mailboxes: give it the right to read and send mail.")
REFUSED = N_("The provider gave no access token.")
NO_ADDRESS = N_("The address that gives access tokens (OAuth) is not set.")
_WORDS = {
    "invalid_grant": GONE, "interaction_required": GONE, "consent_required": GONE, "login_required": GONE,
    "invalid_client": WRONG_CLIENT, "unauthorized_client": WRONG_CLIENT, "invalid_scope": WRONG_ASKED,
    "access_denied": WRONG_ASKED,
}  # fmt: skip

_held: dict[str, tuple[str, float]] = {}
"""What was asked with (a digest) → (access token, until when by this machine's clock)."""
_lock = threading.Lock()


def wanted(account: Account) -> bool:
    return bool(_refresh(account))


def access_token(account: Account, http: Http, *, fresh: bool = False) -> str:
    """Of this account, asked for at most once an hour in a process. fresh: the last one was not taken.

    Raises DeliveryFailed in words; permanent where only an administrator can help.
    """
    with _lock:
        token, until = _held.get(_key(account, _refresh(account)), ("", 0.0))
    if token and not fresh and time.monotonic() < until:
        return token
    return _asked(account, http)


def login(user: str, token: str) -> str:
    """What is said in AUTHENTICATE XOAUTH2."""
    return f"user={user}\x01auth=Bearer {token}\x01\x01"


def _refresh(account: Account) -> str:
    return account.get("oauth_refresh_token").strip()


def _key(account: Account, refresh: str) -> str:
    names = ("oauth_token_url", "oauth_client_id", "oauth_client_secret")
    said = "\n".join([refresh, *(account.get(name) for name in names)])
    return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()


def _asked(account: Account, http: Http) -> str:
    refresh = _refresh(account)
    said = granted(account, {"grant_type": "refresh_token", "refresh_token": refresh}, http)
    token = str(said["access_token"])
    renewed = said.get("refresh_token")
    if isinstance(renewed, str) and renewed and renewed != refresh:
        account.keep({"oauth_refresh_token": renewed})
        refresh = renewed
    _hold(_key(account, refresh), token, said.get("expires_in"))
    return token


def granted(account: Account, asked: Mapping[str, str], http: Http) -> dict[str, Any]:
    """What the token address answers to what is asked of it: it has an access token. Raises DeliveryFailed in words."""
    url = account.get("oauth_token_url").strip()
    if not url:
        raise DeliveryFailed(NO_ADDRESS, permanent=True, category="auth", code="oauth")
    form = {**asked, "client_id": account.get("oauth_client_id").strip()}
    secret = account.get("oauth_client_secret").strip()
    if secret:
        form["client_secret"] = secret
    try:
        answer = http.request("POST", url, data=form)
    except HttpError as error:
        raise DeliveryFailed(UNREACHABLE, permanent=False, category="unknown", detail=str(error)[:200]) from error
    said = answer.json_object()
    token = said.get("access_token")
    if not answer.ok or not isinstance(token, str) or not token:
        raise _refused(answer)
    return said


def _hold(key: str, token: str, seconds: object) -> None:
    lives = float(seconds) if isinstance(seconds, int | float | str) and str(seconds).isdigit() else 3600.0
    with _lock:
        if len(_held) >= _MOST:
            _held.clear()
        _held[key] = (token, time.monotonic() + min(max(lives - EARLY, SHORTEST), LONGEST))


def _refused(answer: Response) -> DeliveryFailed:
    """``error`` is one of a few words (RFC 6749, 5.2); ``error_description`` is for people and says no secret."""
    said = answer.json_object()
    error = str(said.get("error") or answer.status)[:60]
    detail = " ".join(f"{error} {said.get('error_description') or ''}".split())[:200]
    permanent = answer.status < 500 and answer.status != 429
    title = _WORDS.get(error, REFUSED)
    return DeliveryFailed(
        title, permanent=permanent, category="auth" if permanent else "unknown", code="oauth", detail=detail
    )


def forget() -> None:
    """For tests: what is held in this process."""
    with _lock:
        _held.clear()
