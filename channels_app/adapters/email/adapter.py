"""E-mail: several ways in, one parser, SMTP out.

In: a provider's webhook or one's own mail server (``doors``), or a mailbox that is fetched (``mailboxes`` of the
exchange, which hands the bytes to the ``mime`` door's reader). Out: ``outgoing``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from channels_app.adapters.email import (
    checking,
    composing,
    consenting,
    doors,
    esp_door,
    esp_mails,
    fields,
    loops,
    outgoing,
    presets,
    smtp,
)
from channels_app.adapters.email.doors import Door, Post
from channels_app.adapters.email.imap import ImapSource
from channels_app.adapters.email.mail import Mailbox
from channels_app.adapters.email.mailgun import Mailgun
from channels_app.adapters.email.postmark import Postmark
from channels_app.adapters.email.sendgrid import SendGrid
from channels_app.adapters.email.ses import Ses
from channels_app.contract import (
    BASE_URL,
    Abilities,
    Account,
    Adapter,
    CheckLine,
    Consent,
    Conversation,
    InboundRequest,
    MediaGone,
    News,
    NotAuthentic,
    OutboundMessage,
    Remote,
    Sent,
    SettingsInvalid,
    SetupStep,
    Source,
    Unreadable,
    UnreadableEvent,
)
from channels_app.http import Http

DOORS: Mapping[str, Door] = {
    "mime": doors.Mime(),
    "mailgun": Mailgun(),
    "postmark": Postmark(),
    "sendgrid": SendGrid(),
    "ses": Ses(),
    **esp_door.DOORS,
}


class EmailAdapter(Adapter):
    kind = "email"
    label = _("E-mail")
    about = _("A mailbox, a mail provider, or your own mail server.")
    icon = "mail"
    threads = True
    fetches = True
    mailbox_door = "mime"
    longest_send = smtp.DEADLINE + smtp.TIMEOUT
    max_body = 40 * 1024 * 1024
    tried_first = True
    presets = presets.PRESETS
    setup_steps = (
        SetupStep(
            words=_(
                "From a mailbox there is nothing more to do: what is there is fetched as it arrives. Nothing is "
                "deleted. The other two ways below are for who needs them."
            )
        ),
        SetupStep(
            words=_(
                "From a provider: give their inbound and their event webhooks this address with the provider's name "
                "behind it: mailgun/, postmark/, sendgrid/, ses/, or anymail/ and brevo/, mailersend/, mailjet/, "
                "mailtrap/, mandrill/, postal/, resend/, sparkpost/, unisender_go/."
            ),
            copy="webhook_url",
        ),
        SetupStep(
            words=_(
                "From your own mail server: it posts each mail to this address with mime/ behind it, or pipes it into "
                "manage.py deliver_mail. Provider or server prove themselves with this secret."
            ),
            copy="inbound_secret",
        ),
        SetupStep(
            words=_(
                "Only for OAuth: name this as the redirect address (redirect URI) of the application that you register "
                "with the provider. Then “Sign in at the provider” stands on the channel's page."
            ),
            copy="consent_url",
        ),
    )
    fields = (
        fields.ADDRESS,
        fields.MAILBOX_URL,
        fields.WAY_OUT,
        *fields.TOKENS,
        *fields.MORE,
        *outgoing.FIELDS,
        *fields.WAYS_IN,
        *outgoing.PROVIDER,
        BASE_URL,
    )

    # ── in ──

    def verify(self, account: Account, request: InboundRequest) -> None:
        self._door(request).verify(account, request)

    def decode(self, account: Account, request: InboundRequest) -> Post:
        door = self._door(request)
        return Post(request.suffix.lower(), door.decode(account, request))

    def delivery_id(self, account: Account, request: InboundRequest) -> str:
        door = DOORS.get(request.suffix.lower())
        return door.delivery_id(account, request) if door else ""

    def once(self, account: Account, request: InboundRequest) -> str:
        door = DOORS.get(request.suffix.lower())
        return door.once(request) if door else ""

    def parse(self, account: Account, payload: Any) -> Iterable[News | Unreadable]:
        if not isinstance(payload, Post) or payload.door not in DOORS:
            raise UnreadableEvent("this came by no door of ours")
        return DOORS[payload.door].read(account, payload.content)

    def wants_acknowledgement(self, account: Account, payload: Any) -> bool:
        return isinstance(payload, Post) and payload.door in DOORS and DOORS[payload.door].confirms(payload.content)

    def acknowledge(self, account: Account, payload: Any, http: Http) -> None:
        if isinstance(payload, Post) and payload.door in DOORS:
            DOORS[payload.door].confirm(account, payload.content, http)

    def _door(self, request: InboundRequest) -> Door:
        door = DOORS.get(request.suffix.lower())
        if door is None:
            raise NotAuthentic("there is no such door: mailgun/, postmark/, sendgrid/, ses/, anymail/… or mime/")
        return door

    def fetch_media(self, account: Account, attachment: Remote, http: Http) -> Iterator[bytes]:
        """A file that stayed with the provider; its key goes to the provider's own host and nowhere else."""
        url = esp_mails.file_url(account, attachment.url)
        if not url:
            raise MediaGone
        return http.media(url, headers={"api-key": account.get("provider_key")})

    def has_mailbox(self, account: Account) -> bool:
        return bool(account.get("imap_url"))

    def open_mailbox(self, account: Account, http: Http) -> Source:
        return ImapSource(account, http)

    def backfill_days(self, account: Account) -> int:
        days = account.get("backfill_days").strip()
        return int(days) if days.isascii() and days.isdigit() and len(days) < 5 else 0

    # ── out ──

    def abilities(self, account: Account, conversation: Conversation, now: datetime) -> Abilities:
        return outgoing.abilities(account, conversation, now)

    def closing(self, account: Account, agent_name: str, agent_signature: str) -> str:
        return composing.closing(account, agent_name, agent_signature)

    def send(self, account: Account, message: OutboundMessage, http: Http) -> Sent:
        return outgoing.send(account, message, http)

    # ── set-up ──

    def check_settings(self, settings: Mapping[str, Any]) -> None:
        errors = {**outgoing.problems(settings), **fields.problems(settings)}
        if errors:
            raise SettingsInvalid(errors)

    def asks_consent(self, account: Account) -> bool:
        return consenting.asks(account)

    def consent_url(self, account: Account, consent: Consent) -> str:
        return consenting.url(account, consent)

    def consented(self, account: Account, consent: Consent, code: str, http: Http) -> Mapping[str, str]:
        return {"oauth_refresh_token": consenting.refresh_token(account, consent, code, http)}

    def check(self, account: Account, http: Http) -> Sequence[CheckLine]:
        return checking.lines(account, http)

    def is_own_address(self, account: Account, external_id: str) -> bool:
        return loops.is_own_address(Mailbox(address=external_id), [account.get("address")])

    def normalise_address(self, account: Account, external_id: str) -> str:
        address = external_id.strip().lower()
        if not fields.is_address(address):
            raise ValueError(external_id)
        return address
