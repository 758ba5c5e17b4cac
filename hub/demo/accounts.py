"""One demo channel of every kind; a kind to come needs a line in VALUES only where a made-up secret won't do."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings

from agents.models import Team
from channels_app import checks, registry
from channels_app.contract import Field
from channels_app.models import Channel
from hub.demo.people import OURS, derive

Value = Callable[[str], str]

NO_MAIL = ("smtp_url", "imap_url", "oauth_client_secret", "oauth_refresh_token", "provider_key", "provider_account")
VALUES: dict[tuple[str, str], Value] = {
    ("webhook", "secret"): lambda label: "whsec_" + base64.b64encode(derive(label)).decode(),
    ("sms", "account_sid"): lambda label: "AC" + derive(label).hex()[:32],
    ("sms", "auth_token"): lambda label: derive(label).hex()[:32],
    # The shape of a free-phone number, and one that nobody has.
    ("sms", "from_number"): lambda label: "+628001234567",
    ("sms", "mode"): lambda label: "stub",
    ("line", "channel_secret"): lambda label: derive(label).hex()[:32],
    ("telegram", "bot_token"): lambda label: f"7000000001:{base64.urlsafe_b64encode(derive(label)).decode()[:35]}",
    ("email", "address"): lambda label: "help@toko-rasa.example",
    # As basic auth wants it too: Postmark and SendGrid post with user and password.
    ("email", "inbound_secret"): lambda label: f"mail:{derive(label).hex()[:32]}",
    # Nowhere until --smtp-url says where; no provider and no mailbox stand behind it.
    **{("email", name): lambda label: "" for name in NO_MAIL},
    ("webchat", "widget_token"): lambda label: "wgt_" + derive(label).hex()[:24],
    ("webchat", "colour"): lambda label: "#a8231c",
    ("webchat", "title"): lambda label: OURS,
    ("webchat", "expected"): lambda label: "minutes",
    # PUBLIC_URL's own always may; a developer may have typed the other name of the same machine.
    ("webchat", "origins"): lambda label: f"http://localhost:{settings.PORT} http://127.0.0.1:{settings.PORT}",
    # Account ids as Meta's look, that nobody has.
    ("whatsapp", "phone_number_id"): lambda label: "100000000000001",
    ("whatsapp", "business_account_id"): lambda label: "200000000000001",
    ("messenger", "page_id"): lambda label: "300000000000001",
    ("instagram", "account_id"): lambda label: "17841400000000001",
}
NAMES = {"webhook": f"{OURS} chat", "sms": f"{OURS} SMS", "sandbox": "Sandbox"}

# What --platform-url and --smtp-url mean for a setting of that name, whatever the kind.
PLATFORM: dict[str, Value] = {
    "base_url": lambda url: url,
    "reply_url": lambda url: f"{url}/reply/" if url else "",
    "mode": lambda url: "live" if url else "stub",
}
MAIL: dict[str, Value] = {"smtp_url": lambda url: url}


def make_channels(team: Team) -> list[Channel]:
    """The first channel of each kind that the demo team has, made if need be."""
    return [
        Channel.objects.filter(kind=kind, team=team).order_by("pk").first() or _new(kind, team)
        for kind in registry.kinds()
    ]


def _new(kind: str, team: Team) -> Channel:
    adapter = registry.adapter(kind)
    channel = Channel(kind=kind, name=NAMES.get(kind, f"{OURS} {adapter.label}"), team=team)
    channel.put_settings(checks.complete(kind, {field.name: _value(kind, field) for field in adapter.fields}))
    channel.save()
    return channel


def _value(kind: str, field: Field) -> str:
    label = f"channel {kind} {field.name}"
    made = VALUES.get((kind, field.name))
    if made:
        return made(label)
    return base64.urlsafe_b64encode(derive(label)).decode().rstrip("=") if field.secret else field.default


def point(channels: list[Channel], meaning: Mapping[str, Value], url: str) -> None:
    """Where the demo channels talk to from now on. Raises SettingsInvalid."""
    for channel in channels:
        here = {field.name: meaning[field.name](url) for field in channel.adapter.fields if field.name in meaning}
        if here:
            channel.put_settings(checks.complete(channel.kind, {**full_settings(channel), **here}))
            channel.save(update_fields=["public_settings", "sealed_settings"])


def full_settings(channel: Channel) -> dict[str, Any]:
    """In clear, those that are empty included."""
    values = channel.clear_settings()
    return {field.name: values.get(field.name, "") for field in channel.adapter.fields}
