"""Providers that are reached through django-anymail: what each wants to know, and what it tells.

Mailgun, Postmark, SendGrid and Amazon SES have doors of their own (``doors``), which read the mail as it was sent;
SendGrid and SES send by SMTP (anymail does not support the one any more, and needs boto3 for the other). Of
anymail are used here: the signature checks, the one language of what became of a mail, and sending through an API. Its
views are asked as functions, with this channel's secret; its global settings and its signals are not used. It is
imported when a channel needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal

Proof = Literal["basic", "view", "standard"]
"""How a post proves itself: user and password, by the view's own check of a signature, or Standard Webhooks."""

OWN_KEY = "pelanggan"
"""Under this name a provider is told our number of a mail, and tells it again with each event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Esp:
    """One provider. name: of its door and of anymail's modules."""

    name: str
    label: str
    tracking: str = ""
    """The class that reads its events; "" where it posts none."""
    inbound: str = ""
    """The class that puts a mail together out of pieces; "" where the mail itself comes along, or cannot come."""
    proof: Proof = "basic"
    proved_with: str = "webhook_secret"
    """The view's argument that takes the channel's secret."""
    key: str = "api_key"
    """The backend's argument that takes the API key."""
    account: str = ""
    """The backend's argument that takes what else is asked for."""
    api: str = ""
    """Where its API is; "" where ``base_url`` must say it."""
    named: bool = True
    """What we tell it of a mail comes back with its events, so that they find their message by our own number."""
    more: Mapping[str, Any] = field(default_factory=dict)
    """Arguments for the views, as far as they insist."""


ESPS: Mapping[str, Esp] = {
    one.name: one
    for one in (
        Esp(name="mailgun", label="Mailgun", account="sender_domain",
            api="https://api.mailgun.net/v3"),
        Esp(name="postmark", label="Postmark", key="server_token",
            api="https://api.postmarkapp.com/"),
        Esp(name="brevo", label="Brevo", api="https://api.brevo.com/v3/",
            tracking="BrevoTrackingWebhookView", inbound="BrevoInboundWebhookView", more={"api_key": ""}),
        Esp(name="mailersend", label="MailerSend", key="api_token",
            api="https://api.mailersend.com/v1/", tracking="MailerSendTrackingWebhookView", proof="view",
            proved_with="signing_secret", named=False),
        Esp(name="mailjet", label="Mailjet", account="secret_key",
            api="https://api.mailjet.com/v3.1/", tracking="MailjetTrackingWebhookView",
            inbound="MailjetInboundWebhookView"),
        Esp(name="mailtrap", label="Mailtrap", key="api_token",
            api="https://send.api.mailtrap.io/api/", tracking="MailtrapTrackingWebhookView", proof="view",
            proved_with="tracking_secret"),
        Esp(name="mandrill", label="Mandrill", api="https://mandrillapp.com/api/1.0",
            tracking="MandrillCombinedWebhookView", proof="view", proved_with="webhook_key"),
        Esp(name="postal", label="Postal", tracking="PostalTrackingWebhookView", proof="view",
            proved_with="webhook_key", named=False),
        Esp(name="resend", label="Resend", api="https://api.resend.com/",
            tracking="ResendTrackingWebhookView", proof="standard"),
        Esp(name="scaleway", label="Scaleway", key="secret_key", account="project_id",
            api="https://api.scaleway.com/transactional-email/v1alpha1/regions/fr-par/", named=False),
        Esp(name="sparkpost", label="SparkPost", api="https://api.sparkpost.com/api/v1",
            tracking="SparkPostTrackingWebhookView"),
        Esp(name="unisender_go", label="Unisender Go",
            tracking="UnisenderGoTrackingWebhookView", proof="view", proved_with="api_key"),
    )
}  # fmt: skip


def view(esp: Esp, name: str, **arguments: Any) -> Any:
    """An instance of one of anymail's views. Its own look into global settings is told to find nothing."""
    found: Callable[..., Any] = getattr(import_module(f"anymail.webhooks.{esp.name}"), name)
    return found(**{**esp.more, **arguments})
