"""What is asked of a platform beside messages: who somebody is, templates, the quota, read marks, reactions.

Called by workers and by an administrator's button, never while a platform or a customer waits. Whatever
goes wrong comes out as DeliveryFailed with words; credentials that are refused are noted on the channel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import structlog
from django.utils.translation import gettext_noop as N_

from channels_app import outbound, vault
from channels_app.contract import (
    Account,
    Adapter,
    Conversation,
    DeliveryFailed,
    MessageTemplate,
    Profile,
    Quota,
    Remote,
)
from channels_app.http import Http, HttpError, failure_from
from channels_app.models import Channel

log = structlog.get_logger(__name__)

T = TypeVar("T")


def profile(channel: Channel, external_id: str) -> Profile | None:
    return _ask(channel, lambda adapter, account, http: adapter.fetch_profile(account, external_id, http))


def member(channel: Channel, group: str, external_id: str) -> Profile | None:
    return _ask(channel, lambda adapter, account, http: adapter.fetch_member(account, group, external_id, http))


def picture(channel: Channel, remote: Remote) -> Iterator[bytes]:
    """Of a profile, in chunks; raises as ``fetch_media``."""
    account = channel.account()
    return channel.adapter.fetch_media(account, remote, outbound.http_for(account, channel.adapter.fields))


def templates(channel: Channel) -> Sequence[MessageTemplate]:
    return _ask(channel, lambda adapter, account, http: list(adapter.templates(account, http)))


def quota(channel: Channel) -> Quota | None:
    return _ask(channel, lambda adapter, account, http: adapter.quota(account, http))


def mark_read(channel: Channel, conversation: Conversation, external_id: str) -> None:
    _ask(channel, lambda adapter, account, http: adapter.mark_read(account, conversation, external_id, http))


def typing(channel: Channel, conversation: Conversation) -> None:
    _ask(channel, lambda adapter, account, http: adapter.typing(account, conversation, http))


def react(channel: Channel, conversation: Conversation, external_id: str, emoji: str) -> None:
    _ask(channel, lambda adapter, account, http: adapter.react(account, conversation, external_id, emoji, http))


def acknowledge(channel: Channel, payload: Any) -> None:
    _ask(channel, lambda adapter, account, http: adapter.acknowledge(account, payload, http))


def http_of(channel: Channel) -> Http:
    """The channel's client, for what its platform names (a picture): no credentials go along."""
    return outbound.http_for(channel.account(), channel.adapter.fields)


def _ask(channel: Channel, act: Callable[[Adapter, Account, Http], T]) -> T:
    if not channel.enabled:
        raise DeliveryFailed(
            N_("This channel is switched off."), permanent=True, category="content", code="channel_off"
        )
    adapter = channel.adapter
    try:
        account = channel.account()
    except vault.Unreadable as error:
        raise DeliveryFailed(outbound.SEALED, permanent=True, category="auth", code="sealed") from error
    try:
        return act(adapter, account, outbound.http_for(account, adapter.fields))
    except DeliveryFailed as failure:
        channel.refused(failure)
        raise
    except HttpError as error:
        raise failure_from(error) from error
    except Exception as error:
        log.exception("an adapter broke while asking its platform", channel=channel.pk, kind=channel.kind)
        raise DeliveryFailed(
            N_("The platform's answer was not understood."),
            permanent=False,
            detail=type(error).__name__,
        ) from error
