"""Secrets at rest: one encrypted JSON object per channel, readable with SECRET_KEY or its fallbacks."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

CONTEXT = b"pelanggan channel settings v1"


class Unreadable(Exception):
    """Sealed with a key that is neither SECRET_KEY nor among SECRET_KEY_FALLBACKS."""


@lru_cache(maxsize=4)
def _box(keys: tuple[str, ...]) -> MultiFernet:
    derived = (hashlib.blake2b(key.encode(), key=CONTEXT[:64], digest_size=32).digest() for key in keys)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in derived])


def _current() -> MultiFernet:
    return _box((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


def seal(values: dict[str, Any]) -> str:
    return _current().encrypt(json.dumps(values).encode()).decode() if values else ""


@lru_cache(maxsize=256)
def _opened(sealed: str, box: MultiFernet) -> str:
    # The channel of a webhook is read for every request; its secrets are opened once per change.
    return box.decrypt(sealed.encode()).decode()


def open_sealed(sealed: str) -> dict[str, Any]:
    if not sealed:
        return {}
    try:
        values: dict[str, Any] = json.loads(_opened(sealed, _current()))
    except InvalidToken as error:
        raise Unreadable("the channel's secrets were sealed with another SECRET_KEY") from error
    return values
