"""kind → adapter, from settings.CHANNEL_ADAPTERS: a third-party channel is a pip install and one line."""

from __future__ import annotations

from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from channels_app.contract import Adapter


class UnknownKind(LookupError):
    """No adapter of that kind is configured."""


@cache
def adapter(kind: str) -> Adapter:
    path = settings.CHANNEL_ADAPTERS.get(kind)
    if path is None:
        raise UnknownKind(kind)
    found = import_string(path)()
    assert isinstance(found, Adapter)
    return found


def kinds() -> list[str]:
    return list(settings.CHANNEL_ADAPTERS)
