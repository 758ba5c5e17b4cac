"""The owner of a mailbox signs in at the provider and allows us in, instead of a password or a token that is typed.

Source: RFC 6749, 4.1 (authorization code) and RFC 7636 (PKCE, S256); Google's "OAuth 2.0 for web server applications",
Microsoft's "OAuth 2.0 authorization code flow". What a provider wants besides stands in the sign-in address itself.
"""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from django.utils.translation import gettext_noop as N_

from channels_app.adapters.email import oauth
from channels_app.contract import Account, Consent, DeliveryFailed
from channels_app.http import Http

NEEDED = ("oauth_sign_in_url", "oauth_token_url", "oauth_client_id")
NOT_LASTING = N_(
    "The provider let us in, but gave no lasting permission (refresh token): take our right away in the account there, "
    "and sign in again."
)


def asks(account: Account) -> bool:
    return all(account.get(name).strip() for name in NEEDED)


def url(account: Account, consent: Consent) -> str:
    """The sign-in address with what this visit needs; what an administrator wrote into it stays."""
    parts = urlsplit(account.get("oauth_sign_in_url").strip())
    digest = hashlib.sha256(consent.verifier.encode()).digest()
    asked = {
        **dict(parse_qsl(parts.query, keep_blank_values=True)),
        "response_type": "code",
        "client_id": account.get("oauth_client_id").strip(),
        "redirect_uri": consent.redirect_uri,
        "state": consent.state,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
        "login_hint": account.get("address").strip(),
    }
    return urlunsplit((parts.scheme, parts.netloc, parts.path, urlencode(asked), ""))


def refresh_token(account: Account, consent: Consent, code: str, http: Http) -> str:
    """Raises DeliveryFailed in words."""
    answered = oauth.granted(
        account,
        {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": consent.redirect_uri,
            "code_verifier": consent.verifier,
        },
        http,
    )
    lasting = answered.get("refresh_token")
    if not isinstance(lasting, str) or not lasting:
        raise DeliveryFailed(NOT_LASTING, permanent=True, category="auth", code="oauth")
    return lasting
