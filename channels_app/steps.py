"""How a channel is connected, step by step: what to paste where, and what of it may be shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from channels_app import consent, vault
from channels_app.contract import Field, SetupStep
from channels_app.models import Channel

WEBHOOK_URL = "webhook_url"
CONSENT_URL = "consent_url"


@dataclass(frozen=True, slots=True)
class Value:
    """What a step wants copied. text "": there is none, or it is a secret that was not asked for.

    own: made by us, so that the platform has to be given it; such a one may be shown. What an
    administrator typed came from the platform and is never shown again.
    """

    name: str
    label: Any
    text: str
    secret: bool
    own: bool
    there: bool


@dataclass(frozen=True, slots=True)
class Step:
    words: Any
    link: str
    value: Value | None


def steps(channel: Channel, *, reveal: bool = False) -> list[Step]:
    """The adapter's own steps, or those that follow from its fields. reveal: with the secrets of our own making."""
    adapter = channel.adapter
    fields = {field.name: field for field in adapter.fields}
    try:
        kept = channel.clear_settings()
    except vault.Unreadable:
        kept = dict(channel.public_settings)
    made = _made(channel)
    return [
        Step(
            step.words,
            step.link,
            made.get(step.copy) or _value(channel, step.copy, fields.get(step.copy), kept, reveal=reveal),
        )
        for step in adapter.setup_steps or _usual(channel)
    ]


def _made(channel: Channel) -> dict[str, Value]:
    """What the adapter puts together for copying, from settings that are no secrets."""
    found = channel.adapter.copyable(channel.public_account(), settings.PUBLIC_URL)
    return {
        name: Value(name, one.label, one.text, secret=False, own=True, there=bool(one.text))
        for name, one in found.items()
    }


def _value(channel: Channel, name: str, field: Field | None, kept: dict[str, Any], *, reveal: bool) -> Value | None:
    if name == WEBHOOK_URL:
        url = channel.webhook_url()
        return Value(name, _("Webhook address"), url, secret=False, own=True, there=bool(url))
    if name == CONSENT_URL:
        return Value(name, _("Redirect address"), consent.redirect_uri(), secret=False, own=True, there=True)
    if field is None:
        return None
    text = str(kept.get(name) or "")
    own = bool(field.generate)
    shown = text if not field.secret or (own and reveal) else ""
    return Value(name, field.label, shown, secret=field.secret, own=own, there=bool(text))


def _usual(channel: Channel) -> Sequence[SetupStep]:
    if not channel.adapter.has_webhook:
        return []
    ours = [field for field in channel.adapter.fields if field.generate]
    return [
        SetupStep(
            words=_("Give the platform this address, so that it posts there what customers write."), copy=WEBHOOK_URL
        ),
        *(
            SetupStep(words=_("Give the platform this too: both sides need the same."), copy=field.name)
            for field in ours
        ),
    ]
