"""Somebody signs in at a channel's provider and allows us in: out with the browser, back with a code, kept.

The visit is remembered by whoever sends the browser (a session): what comes back is worth something only there.
"""

from __future__ import annotations

import secrets
from typing import TypedDict

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from channels_app.contract import Consent
from channels_app.models import Channel
from channels_app.outbound import http_for

LASTS = 3600
"""Seconds that a visit may take; a code itself lives some minutes."""


class Visit(TypedDict):
    channel: int
    verifier: str
    at: float


def redirect_uri() -> str:
    """The one address that is registered with every provider."""
    return settings.PUBLIC_URL + reverse("settings_channel_consented")


def begin(channel: Channel, now: float) -> tuple[str, str, Visit]:
    """(where to, its state, what to remember under it)."""
    state, visit = secrets.token_urlsafe(24), Visit(channel=channel.pk, verifier=secrets.token_urlsafe(48), at=now)
    return channel.adapter.consent_url(channel.public_account(), _consent(state, visit)), state, visit


def finish(channel: Channel, state: str, visit: Visit, code: str) -> None:
    """Keep what the code is worth. Raises DeliveryFailed in words, vault.Unreadable."""
    account = channel.account()
    http = http_for(account, channel.adapter.fields)
    values = channel.adapter.consented(account, _consent(state, visit), code, http)
    with transaction.atomic():
        row = Channel.objects.select_for_update(of=("self",)).get(pk=channel.pk)
        row.put_settings({**row.clear_settings(), **values})
        row.save(update_fields=["public_settings", "sealed_settings", "failure_category"])


def _consent(state: str, visit: Visit) -> Consent:
    return Consent(redirect_uri=redirect_uri(), state=state, verifier=visit["verifier"])
