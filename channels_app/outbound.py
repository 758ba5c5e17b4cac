"""Down: what the desk says goes to a platform; what it may say is asked here first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop as N_

from channels_app import vault
from channels_app.contract import (
    Abilities,
    Account,
    Conversation,
    DeliveryFailed,
    Field,
    OutboundMessage,
    Sent,
    TextMeasure,
)
from channels_app.http import Http
from channels_app.models import Channel

log = structlog.get_logger(__name__)

SEALED = N_("This channel's secrets cannot be read with today's key: an administrator must enter them again.")
SEALED_LAZY = _(SEALED)
ERASED = _("This customer was erased: nobody can be written to here any more.")

# Between attempts, in seconds; then the last for as long as GIVE_UP_AFTER allows.
BACKOFF = (1, 3, 10, 30, 120, 600, 1800, 3600)
GIVE_UP_AFTER = timedelta(hours=24)


def http_for(account: Account, fields: Sequence[Field]) -> Http:
    """The HTTP client with the one exemption: origins that an administrator set on this channel."""
    ours = [field for field in fields if field.redirects and {"http", "https"} & set(field.schemes)]
    return Http.trusting(*(account.get(field.name) for field in ours if account.get(field.name)))


def abilities(channel: Channel, conversation: Conversation, now: datetime | None = None) -> Abilities:
    if conversation.erased:
        return Abilities(closed=ERASED)
    try:
        return channel.adapter.abilities(channel.account(), conversation, now or timezone.now())
    except vault.Unreadable:
        return Abilities(closed=SEALED_LAZY)


def measure(channel: Channel, text: str) -> TextMeasure:
    try:
        return channel.adapter.measure(channel.account(), text)
    except vault.Unreadable:
        return TextMeasure(length=len(text))


def closing(channel: Channel, agent_name: str, agent_signature: str) -> str:
    """What stands under what this agent sends by it, without their doing."""
    try:
        return channel.adapter.closing(channel.account(), agent_name, agent_signature)
    except vault.Unreadable:
        return ""


def split(channel: Channel, message: OutboundMessage, able: Abilities) -> Sequence[OutboundMessage]:
    return channel.adapter.split(message, able)


def send(channel: Channel, part: OutboundMessage) -> Sent:
    """Send one part. Whatever goes wrong comes out as DeliveryFailed with words for the agent."""
    if not channel.enabled:
        raise DeliveryFailed(
            N_("This channel is switched off."), permanent=True, category="content", code="channel_off"
        )
    adapter = channel.adapter
    try:
        account = channel.account()
    except vault.Unreadable as error:
        raise DeliveryFailed(SEALED, permanent=True, category="auth", code="sealed") from error
    try:
        sent = adapter.send(account, part, http_for(account, adapter.fields))
    except DeliveryFailed:
        raise
    except Exception as error:
        log.exception("an adapter broke while sending", channel=channel.pk, kind=channel.kind)
        raise DeliveryFailed(
            N_("The channel could not send this."),
            permanent=False,
            category="unconfirmed",
            detail=type(error).__name__,
        ) from error
    channel.took()
    return sent


def next_attempt(failure: DeliveryFailed, attempts: int, first_at: datetime, idempotent: bool) -> datetime | None:
    """When to try again by ourselves; None: never.

    No answer after sending means that it may be out: repeated only where the platform knows our key.
    """
    now = timezone.now()
    if failure.permanent or (failure.category == "unconfirmed" and not idempotent):
        return None
    wait = timedelta(seconds=BACKOFF[min(attempts, len(BACKOFF)) - 1])
    if failure.retry_after is not None:
        wait = timedelta(seconds=min(max(failure.retry_after, 1), GIVE_UP_AFTER.total_seconds()))
    return now + wait if now + wait - first_at < GIVE_UP_AFTER else None
