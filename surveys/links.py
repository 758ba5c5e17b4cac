"""The address of a survey's page: the invitation's number and our signature, so that none can be guessed or made up."""

from __future__ import annotations

import base64
import hashlib
import hmac

from django.conf import settings

CONTEXT = b"pelanggan survey link v1"
OWN = b"pelanggan survey answer v1"
LETTERS = 20
"""120 bits of the signature."""
MOST = 2**63


def token(invitation: int) -> str:
    return f"{invitation}-{_signature(settings.SECRET_KEY, invitation)}"


def read(text: str) -> int | None:
    """The invitation's number; None: this is no link of ours."""
    number, _dash, signature = text.partition("-")
    if not (number.isascii() and number.isdigit() and len(number) < 19 and len(signature) == LETTERS):
        return None
    invitation = int(number)
    # A number with zeros before it is another text of the same signature: one address each.
    return invitation if str(invitation) == number and _is_good(invitation, signature) else None


def own(invitation: int) -> str:
    """What only the browser gets that has just answered, so that it alone is shown the answer."""
    return _signature(settings.SECRET_KEY, invitation, OWN)


def is_own(invitation: int, said: str) -> bool:
    return _is_good(invitation, said, OWN)


def _is_good(invitation: int, signature: str, context: bytes = CONTEXT) -> bool:
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return any(hmac.compare_digest(_signature(key, invitation, context).encode(), signature.encode()) for key in keys)


def url(invitation: int, score: int | None = None) -> str:
    asked = "" if score is None else f"?score={score}"
    return f"{settings.PUBLIC_URL}/s/{token(invitation)}/{asked}"


def _signature(key: str, invitation: int, context: bytes = CONTEXT) -> str:
    digest = hmac.digest(hashlib.sha256(context + key.encode()).digest(), str(invitation).encode(), "sha256")
    return base64.urlsafe_b64encode(digest).decode()[:LETTERS]
