"""The one event of an envelope that a message came from, as the platform sent it, and nothing of its neighbours'.

A batch may carry the words of several people. What is shown to who may see one message is found with the adapter's
own ``parse``: an element of a list is that message's when the payload with it has the message and the payload without
it has not; so it goes inward, list by list, until the payload is that message and nothing else. No knowledge of any
platform is needed for that.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from channels_app.contract import Deletion, Edit, InboundMessage, News, Notice, Reaction, Receipt, Unreadable, fit_id
from channels_app.inbound import decoded
from channels_app.models import Envelope

Path = tuple[str, ...]
DEEPEST = 8


class NotKept(Exception):
    """The envelope, or its body, is gone: its days are over or a deletion took it."""


class NotAlone(Exception):
    """What the platform sent cannot be told apart from what it sent about others."""


def own_event(envelope: Envelope | None, external_id: str) -> Any:
    """The event as JSON values (a form's fields as a mapping). Raises NotKept or NotAlone."""
    if envelope is None or not envelope.body:
        raise NotKept
    try:
        payload = decoded(envelope)
        found = _Reader(envelope, external_id).narrowed(payload, lambda value: value, DEEPEST)
        # Shown as text: what no JSON can say (a mail as bytes) is no event that could be shown.
        json.dumps(found)
    except Exception as error:
        raise NotAlone from error
    return found


@dataclass(frozen=True, slots=True)
class _Reader:
    envelope: Envelope
    external_id: str

    def narrowed(self, value: Any, whole: Callable[[Any], Any], deepest: int) -> Any:
        """The innermost element that still is the message. whole: puts a value back where this one stands."""
        for path, items in _lists(value) if deepest else ():
            among = partial(_among, whole, value, path)
            if self.is_there(among()):
                continue
            # What names the id is tried first: a batch may hold a thousand.
            for item in sorted(items, key=lambda one: self.external_id not in json.dumps(one, default=str)):
                if self.is_there(among(item)):
                    return self.narrowed(item, among, deepest - 1)
            raise NotAlone
        if not self.is_alone(whole(value)):
            raise NotAlone
        return value

    def news(self, payload: Any) -> list[News | Unreadable]:
        channel = self.envelope.channel
        try:
            return list(channel.adapter.parse(channel.account(), payload))
        except Exception:  # noqa: BLE001 (a payload with a part taken out may be none any more)
            return []

    def is_there(self, payload: Any) -> bool:
        return any(self.is_ours(item) for item in self.news(payload))

    def is_alone(self, payload: Any) -> bool:
        news = self.news(payload)
        people = {item.conversation for item in news if self.is_ours(item) and not isinstance(item, Unreadable)}
        return bool(people) and all(
            self.is_ours(item) or (isinstance(item, Notice) and item.conversation in people) for item in news
        )

    def is_ours(self, item: News | Unreadable) -> bool:
        if isinstance(item, InboundMessage):
            return fit_id(item.external_id, 512) == self.external_id
        if isinstance(item, Edit | Deletion | Reaction):
            return fit_id(item.target, 512) == self.external_id
        return isinstance(item, Receipt) and self.external_id in (item.external_id, item.own_key)


def _lists(value: Any, path: Path = ()) -> Iterator[tuple[Path, list[Any]]]:
    """Every list that is reached through mappings alone; those inside its elements come when one is chosen."""
    if isinstance(value, list):
        yield path, value
    elif isinstance(value, dict) and len(path) < DEEPEST:
        for name, item in value.items():
            yield from _lists(item, (*path, name))


def _among(whole: Callable[[Any], Any], value: Any, path: Path, *items: Any) -> Any:
    """The whole payload with that list holding these alone."""
    return whole(_with(value, path, list(items)))


def _with(value: Any, path: Path, given: list[Any]) -> Any:
    """A copy with another list at that place."""
    if not path:
        return given
    return {**value, path[0]: _with(value[path[0]], path[1:], given)}
