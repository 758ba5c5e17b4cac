"""Our accounts on platforms, the people there, and every raw request as it came."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from agents.hours.models import Away, Schedule
from agents.models import Team
from channels_app import registry, vault
from channels_app.contract import Account, Adapter, DeliveryFailed, fill

TO_THE_MINUTE = timedelta(minutes=1)


class Channel(models.Model):
    """One account of ours on a platform."""

    kind = models.CharField(_("kind"), max_length=30)
    name = models.CharField(_("name"), max_length=150)
    team = models.ForeignKey(Team, on_delete=models.SET_NULL, null=True, blank=True, related_name="channels")
    enabled = models.BooleanField(_("enabled"), default=True)
    public_settings = models.JSONField(default=dict, blank=True)
    sealed_settings = models.TextField(default="", blank=True, editable=False)
    """The secret settings as one encrypted JSON object."""
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_failure = models.TextField(default="", blank=True)
    last_failure_at = models.DateTimeField(null=True, blank=True)
    failure_category = models.CharField(max_length=12, default="", blank=True, editable=False)
    """"auth": the platform refuses our credentials until an administrator acts; "" when it took something since."""
    last_in_at = models.DateTimeField(null=True, blank=True, editable=False)
    """The platform was heard, and took something from us: to the minute, so that it costs no write each time."""
    last_out_at = models.DateTimeField(null=True, blank=True, editable=False)
    templates_at = models.DateTimeField(null=True, blank=True, editable=False)
    """When its templates were last the platform's."""
    templates_due_at = models.DateTimeField(null=True, blank=True, editable=False)
    quota_limit = models.PositiveIntegerField(null=True, blank=True, editable=False)
    quota_used = models.PositiveIntegerField(null=True, blank=True, editable=False)
    quota_at = models.DateTimeField(null=True, blank=True, editable=False)
    """When limit and use were last the platform's; a limit of None with a time: unlimited."""
    quota_due_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name

    @property
    def adapter(self) -> Adapter:
        return registry.adapter(self.kind)

    @property
    def quota_left(self) -> int | None:
        """Messages of this month; None: unlimited or not known."""
        if self.quota_limit is None or self.quota_used is None:
            return None
        return max(self.quota_limit - self.quota_used, 0)

    def webhook_url(self) -> str:
        """Where the platform posts to; "" where it never does."""
        return f"{settings.PUBLIC_URL}/webhooks/{self.pk}/" if self.adapter.has_webhook else ""

    def clear_settings(self) -> dict[str, Any]:
        """All settings in clear. Never log or show what this returns."""
        return {**self.public_settings, **vault.open_sealed(self.sealed_settings)}

    def put_settings(self, values: dict[str, Any]) -> None:
        """Sort the values into shown and sealed; the caller has checked them (checks.py) and saves."""
        # Whether these are good is found out with the next thing that is sent.
        self.failure_category = ""
        secret = {field.name for field in self.adapter.fields if field.secret}
        self.public_settings = {name: value for name, value in values.items() if name not in secret}
        self.sealed_settings = vault.seal({name: value for name, value in values.items() if name in secret})

    def heard(self) -> None:
        """Something authentic came in."""
        self._seen("last_in_at")

    def took(self) -> None:
        """The platform took something from us: its credentials are good, and a counted month is shorter."""
        # What is true of the quota from here on is asked for soon.
        self._seen("last_out_at", **({"quota_due_at": timezone.now()} if self.quota_at else {}))
        if self.failure_category:
            type(self).objects.filter(pk=self.pk).update(failure_category="")
            self.failure_category = ""

    def refused(self, failure: DeliveryFailed) -> None:
        """The platform does not take our credentials: an administrator has to know, whatever was tried."""
        if failure.category != "auth" or not failure.permanent:
            return
        words = "\n".join(filter(None, (failure.title, failure.detail)))[:500]
        type(self).objects.filter(pk=self.pk).update(
            last_failure=words, last_failure_at=timezone.now(), failure_category="auth"
        )
        self.failure_category = "auth"

    def _seen(self, field: str, **more: Any) -> None:
        now, before, failed = timezone.now(), getattr(self, field), self.last_failure_at
        # What works again after a failure is said at once.
        if before is None or now - before > TO_THE_MINUTE or (failed is not None and failed > before):
            type(self).objects.filter(pk=self.pk).update(**{field: now, **more})
            setattr(self, field, now)

    def account(self) -> Account:
        return Account(
            id=self.pk,
            kind=self.kind,
            name=self.name,
            settings=self.clear_settings(),
            webhook_url=self.webhook_url(),
            keep=self.renewed,
        )

    def public_account(self) -> Account:
        """As ``account``, with nothing in it that is a secret: for what is only shown."""
        return Account(
            id=self.pk,
            kind=self.kind,
            name=self.name,
            settings=self.public_settings,
            webhook_url=self.webhook_url(),
        )

    def renewed(self, values: Mapping[str, str]) -> None:
        """The platform has replaced secrets of ours by newer ones; nothing else about the channel changes."""
        if self._state.adding:
            return
        with transaction.atomic():
            row = type(self).objects.select_for_update(of=("self",)).get(pk=self.pk)
            row.put_settings({**row.clear_settings(), **values})
            type(self).objects.filter(pk=self.pk).update(
                public_settings=row.public_settings, sealed_settings=row.sealed_settings
            )

    def settled(self) -> str:
        """Names its settings as an administrator made them: the same until they are changed."""
        fixed = {field.name for field in self.adapter.fields if not field.renews}
        said = json.dumps(
            {name: value for name, value in self.clear_settings().items() if name in fixed}, sort_keys=True
        )
        return hashlib.sha256(said.encode()).hexdigest()


def picture_path(instance: Address, filename: str) -> str:
    """Random: nothing on the disk can be guessed."""
    return f"pictures/{timezone.now():%Y/%m}/{uuid.uuid4().hex}"


class Address(models.Model):
    """One person (or group) as one channel knows them."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="addresses")
    external_id = models.CharField(max_length=255)
    name = models.CharField(max_length=200, default="", blank=True)
    username = models.CharField(max_length=200, default="", blank=True)
    phone = models.CharField(max_length=32, default="", blank=True)
    email = models.CharField(max_length=254, default="", blank=True)
    language = models.CharField(max_length=16, default="", blank=True)
    facts = models.JSONField(default=dict, db_default={}, blank=True, editable=False)
    """What else is said of them (``Sender.facts``): shown to agents, never looked anybody up by."""
    is_group = models.BooleanField(default=False)
    blocked_at = models.DateTimeField(null=True, blank=True)
    """Since when they cannot be written to: opted out, blocked us, gone."""
    erased_at = models.DateTimeField(null=True, blank=True, editable=False)
    """Nothing says any more who this was (``erasing``); the row holds what is counted."""
    known_ids = models.JSONField(default=list, blank=True, editable=False)
    """Its aliases once more, so that the common case needs no statement to know that there is nothing new."""
    picture = models.FileField(upload_to=picture_path, blank=True, max_length=200)
    picture_mime = models.CharField(max_length=127, default="", blank=True)
    profile_at = models.DateTimeField(null=True, blank=True)
    """When the platform was last asked who this is, whatever it said."""
    profile_due_at = models.DateTimeField(null=True, blank=True)
    profile_attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "external_id"], name="address_once")]
        indexes = [
            models.Index(
                fields=["profile_due_at"], name="address_profile_due", condition=models.Q(profile_due_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.handle

    @property
    def handle(self) -> str:
        """What is shown of somebody without a name."""
        return str(_("Erased customer")) if self.erased_at else self.external_id

    @property
    def picture_url(self) -> str:
        """For who is signed in and may see them; "" where there is none (show the initials)."""
        if not self.picture:
            return ""
        version = str(self.picture.name).rpartition("/")[2][:8]
        return f"{reverse('address_picture', args=[self.pk])}?v={version}"


class AddressAlias(models.Model):
    """Another id of the same person on the same channel: a business-scoped id beside a phone number,
    or the id from before a move."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, db_index=False, related_name="+")
    alias = models.CharField(max_length=255)
    address = models.ForeignKey(Address, on_delete=models.CASCADE, related_name="aliases")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "alias"], name="alias_once")]

    def __str__(self) -> str:
        return self.alias


class MessageTemplate(models.Model):
    """A text that the platform has approved, as it was when the templates were last synchronised."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, db_index=False, related_name="templates")
    external_id = models.CharField(max_length=255, default="", blank=True)
    name = models.CharField(max_length=512)
    language = models.CharField(max_length=20, default="", blank=True)
    category = models.CharField(max_length=60, default="", blank=True)
    status = models.CharField(max_length=60, default="", blank=True)
    header = models.TextField(default="", blank=True)
    body = models.TextField(default="", blank=True)
    footer = models.TextField(default="", blank=True)
    buttons = models.JSONField(default=list, blank=True)
    variables = models.JSONField(default=list, blank=True)
    optional = models.JSONField(default=list, blank=True)
    """Names that may be given and need not be."""
    media = models.CharField(max_length=10, default="", blank=True)
    """image, video, document: what the header shows; "" for words."""
    example = models.TextField(default="", blank=True)
    """Where the file is that the template was approved with."""
    synced_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "name", "language"], name="template_once")]
        ordering = ["name", "language"]

    def __str__(self) -> str:
        return f"{self.name} ({self.language})"

    @property
    def approved(self) -> bool:
        return self.status.upper() == "APPROVED"

    def preview(self, parameters: Mapping[str, str]) -> str:
        """What the customer will read; a blank that nothing is given for stays as {{name}}."""
        return fill("\n\n".join(part for part in (self.header, self.body, self.footer) if part), parameters)


class Envelope(models.Model):
    """One raw inbound request as it came, kept before it is understood."""

    class State(models.TextChoices):
        OPENED = "opened", _("Opened")
        IGNORED = "ignored", _("Ignored")
        FAILED = "failed", _("Failed")

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="envelopes")
    received_at = models.DateTimeField(default=timezone.now, editable=False)
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPENED)
    error = models.TextField(default="", blank=True)
    attempts = models.PositiveIntegerField(default=1)
    retry_at = models.DateTimeField(null=True, blank=True)
    """When a worker tries again; None: not by itself."""
    delivery_key = models.CharField(max_length=64, null=True, blank=True)  # noqa: DJ001 (NULL is never equal)
    """Hash of the platform's delivery id and the body: a redelivery meets this constraint."""
    url = models.TextField(default="", blank=True)
    headers = models.JSONField(default=dict, blank=True)
    body = models.BinaryField(default=bytes)
    erased_at = models.DateTimeField(null=True, blank=True)
    """The body is gone: 30 days are over, or a customer's deletion took it."""
    once: str = ""
    """While it is being kept: the token in it that counts once (``UsedToken``)."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "delivery_key"], name="envelope_once")]
        indexes = [
            models.Index(fields=["retry_at"], name="envelope_retry", condition=models.Q(retry_at__isnull=False)),
            models.Index(fields=["received_at"], name="envelope_received"),
            # Those that a person looks at; what is opened at once, nearly all, writes none of these.
            models.Index(fields=["-id"], name="envelope_not_opened", condition=~models.Q(state="opened")),
            models.Index(fields=["state", "-id"], name="envelope_by_state", condition=~models.Q(state="opened")),
            models.Index(
                fields=["channel", "state", "-id"], name="envelope_of_channel", condition=~models.Q(state="opened")
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.state}"


class UsedToken(models.Model):
    """A signature that covers a token and not the body proves one body only. Kept for good: no time is signed that
    would end it."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, db_index=False, related_name="+")
    digest = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "digest"], name="token_once")]

    def __str__(self) -> str:
        return self.digest[:8]


class Mailbox(models.Model):
    """How far a channel's mailbox is fetched, and which process holds it."""

    channel = models.OneToOneField(Channel, on_delete=models.CASCADE, primary_key=True, related_name="mailbox")
    holder = models.CharField(max_length=64, default="", blank=True)
    """The process and thread that fetches; nobody else does while ``until`` is ahead."""
    until = models.DateTimeField(null=True, blank=True)
    place = models.CharField(max_length=64, default="", blank=True)
    """Digest of server, user and folder: another place is begun anew."""
    uidvalidity = models.BigIntegerField(default=0)
    last_uid = models.BigIntegerField(default=0)
    """All up to this one are fetched, as long as the server keeps ``uidvalidity``."""
    since = models.DateField(null=True, blank=True)
    """Older mail is never fetched: the first look, less the days to go back."""
    error = models.TextField(default="", blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"mailbox of {self.channel_id}"


class ChannelHours(Away):
    """A channel's own schedule and words for when nobody is there; without one its team's count."""

    channel = models.OneToOneField(Channel, on_delete=models.CASCADE, primary_key=True, related_name="hours")
    schedule = models.ForeignKey(Schedule, on_delete=models.SET_NULL, null=True, blank=True, related_name="channels")

    def __str__(self) -> str:
        return f"hours of {self.channel_id}"


class Heartbeat(models.Model):
    """A long-running part says that it lives; /readyz reads it."""

    name = models.CharField(max_length=50, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
