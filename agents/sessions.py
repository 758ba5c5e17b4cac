"""Sessions in the database (settings.SESSION_ENGINE), asked for by nothing but what a key of ours can be."""

from __future__ import annotations

from django.contrib.sessions.backends import db


class SessionStore(db.SessionStore):
    """A cookie may hold anything in quotes, NUL too, which PostgreSQL takes in no text."""

    def _validate_session_key(self, key: str | None) -> bool:
        return bool(key and len(key) >= 8 and key.isascii() and key.isalnum())
