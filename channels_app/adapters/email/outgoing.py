"""Mail going out: what may be sent, how it is handed to the channel's mail server, and whether that works.

``EmailAdapter`` gives its ``abilities``, ``send`` and ``check`` to the functions here. Not idempotent: SMTP
has no key by which a server would know a mail again. The Message-ID stays the same on every attempt, which
many mailboxes use to show a mail once, but none promises it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from django.utils.functional import lazystr
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop as N_

from channels_app.adapters.email import composing, esp, esp_send, oauth, smtp
from channels_app.contract import (
    Abilities,
    Account,
    Conversation,
    DeliveryFailed,
    Field,
    OutboundMessage,
    Sent,
)
from channels_app.http import Http

T = TypeVar("T")

KINDS = frozenset({"image", "video", "audio", "voice", "file"})
MAX_FILES_BYTES = 20 * 1024 * 1024
"""Of all files together: most servers take 25 MB after base64, which adds a third."""
MAX_RECIPIENTS = 50

GROUP = _("What your answers look like")
_ON_OFF = (("on", _("On")), ("off", _("Off")))
FIELDS = (
    Field(
        name="from_name",
        group=GROUP,
        label=_("Sender's name"),
        help=_("Stands before the address in what you send. Empty: the channel's name."),
    ),
    Field(
        name="signature",
        group=GROUP,
        label=_("Signature"),
        help=_(
            "Under every reply. {name} becomes the agent's name, {signature} their own signature. Empty: theirs alone."
        ),
        several_lines=True,
    ),
    Field(
        name="subject_number",
        group=GROUP,
        label=_("Number in the subject"),
        help=_("Puts the conversation's number, like [#12], into the subject of replies."),
        default="on",
        choices=_ON_OFF,
    ),
    Field(
        name="reply_tokens",
        group=GROUP,
        label=_("Reply addresses with a key"),
        help=_(
            "Answers come to help+key@…, so that they find their conversation even when a mail program drops the ids. "
            "Only where your mail server delivers such addresses."
        ),
        default="off",
        choices=_ON_OFF,
    ),
    Field(
        name="quote_history",
        group=GROUP,
        label=_("Quote what is answered"),
        help=_("Puts the customer's last mail under each reply."),
        default="off",
        choices=_ON_OFF,
    ),
    Field(
        name="per_minute",
        group=GROUP,
        label=_("Mails per minute"),
        help=_("What your mail server allows; more wait their turn. Empty: no limit."),
    ),
    Field(
        name="receipt",
        group=GROUP,
        label=_("Automatic receipt"),
        help=_("Tells whoever begins a conversation that their mail has come, once. Never sent to machines and lists."),
        default="off",
        choices=_ON_OFF,
    ),
)
"""Settings of what goes out, for the adapter's ``fields``."""

API = _("Sending through a provider's API instead of SMTP")
PROVIDER = (
    Field(
        name="provider",
        label=_("Provider"),
        help=_("Empty: by SMTP. Amazon SES and SendGrid take mail by SMTP."),
        choices=tuple((one.name, lazystr(one.label)) for one in esp.ESPS.values()),
        group=API,
    ),
    Field(name="provider_key", label=_("API key"), secret=True, group=API),
    Field(
        name="provider_account",
        label=_("What else the provider asks for"),
        help=_(
            "Mailgun: the sending domain, if it is not the address's. Mailjet: the secret key. Scaleway: the project."
        ),
        secret=True,
        group=API,
    ),
)


def problems(values: Mapping[str, Any]) -> dict[str, Any]:
    """Field name → words for what cannot work."""
    errors: dict[str, Any] = {}
    try:
        if values.get("smtp_url"):
            smtp.read_url(str(values["smtp_url"]))
    except ValueError:
        errors["smtp_url"] = _("This must be an address like smtp://user:password@mail.example:587.")
    errors |= {name: _(words) for name, words in esp_send.missing(values).items()}
    rate = str(values.get("per_minute") or "")
    if rate and not (rate.isascii() and rate.isdigit() and 0 < int(rate[:9]) <= 100_000):
        errors["per_minute"] = _("This must be a whole number above 0.")
    return errors


def abilities(account: Account, conversation: Conversation, now: datetime) -> Abilities:
    if conversation.blocked:
        return Abilities(closed=_("Mail to this address came back. It cannot be written to until they write again."))
    if not account.get("smtp_url") and not esp_send.through(account):
        return Abilities(closed=_("This channel has no mail server to send with: an administrator must name it."))
    rate = account.get("per_minute")
    return Abilities(
        attachment_kinds=KINDS,
        max_attachment_bytes=MAX_FILES_BYTES,
        max_attachments=50,
        max_total_bytes=MAX_FILES_BYTES,
        can_write_first=True,
        can_quote=True,
        has_recipients=True,
        per_minute=int(rate) if rate.isdigit() else None,
    )


def send(account: Account, message: OutboundMessage, http: Http) -> Sent:
    """Raises DeliveryFailed and nothing else. One mail, however long its text and however many its files."""
    if composing.total(message.attachments) > MAX_FILES_BYTES:
        raise DeliveryFailed(
            N_("The files are too large together for a mail."), permanent=True, category="content", code="too_large"
        )
    provider = esp_send.through(account)
    try:
        if provider is None:
            smtp.read_url(account.get("smtp_url"))
        composing.address(account.get("address"))
    except ValueError as error:
        raise DeliveryFailed(
            N_("This channel lacks its address or its mail server."), permanent=True, category="auth", code="settings"
        ) from error
    mail = composing.compose(account, message)
    if len(mail.recipients) > MAX_RECIPIENTS:
        raise DeliveryFailed(N_("A mail takes at most 50 recipients."), permanent=True, category="content")
    if provider is not None:
        return esp_send.send(account, provider, mail, message.key, http)
    signed_in(account, http, lambda server: smtp.hand_over(server, mail.envelope_from, mail.recipients, mail.content))
    return Sent(external_id=mail.message_id)


def signed_in(account: Account, http: Http, act: Callable[[smtp.Server], T]) -> T:
    """With an access token where the channel has OAuth and no password; once more with a new one where it was not
    taken, for then nothing has been said yet. Raises ValueError for what is no server."""
    server = smtp.read_url(account.get("smtp_url"))
    if not (server.user and oauth.wanted(account) and not server.password):
        return act(server)
    try:
        return act(replace(server, token=oauth.access_token(account, http)))
    except DeliveryFailed as failure:
        if failure.title != smtp.NO_LOGIN:
            raise
    return act(replace(server, token=oauth.access_token(account, http, fresh=True)))
