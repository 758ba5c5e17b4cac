"""Bearer tokens: the only key that opens /api/."""

from __future__ import annotations

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from agents.models import Agent, Token


def token_of(header: str) -> str:
    """The key in an Authorization header; "" when it is not a Bearer one."""
    scheme, _space, key = header.partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def find(key: str) -> Token | None:
    if not key:
        return None
    return Token.objects.valid().select_related("agent").filter(digest=Token.digest_of(key)).first()


class BearerAuthentication(BaseAuthentication):
    """A session cookie is no token here, so the API needs no CSRF defence."""

    def authenticate(self, request: Request) -> tuple[Agent, Token] | None:
        header = request.META.get("HTTP_AUTHORIZATION", "")
        if not header:
            return None
        token = find(token_of(header))
        if token is None:
            raise AuthenticationFailed("This token is not valid.")
        token.used()
        return token.agent, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'
