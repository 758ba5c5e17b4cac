"""What was said on a ticket, its files, and how it travels."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from agents.models import Agent, Sight, Team
from channels_app.models import Address, Channel, Envelope
from tickets.models.ticket import Ticket


class MessageQuerySet(models.QuerySet["Message"]):
    def seen_with(self, sight: Sight) -> MessageQuerySet:
        return self.filter(sight.where("team_id"))

    def visible_to(self, agent: Agent) -> MessageQuerySet:
        return self.seen_with(agent.sight())

    def for_reading(self) -> MessageQuerySet:
        """With all that the API's object shows, in three statements."""
        return self.select_related("agent", "address__customer_link__customer").prefetch_related("attachments")


class Message(models.Model):
    class Direction(models.TextChoices):
        IN = "in", _("From the customer")
        OUT = "out", _("To the customer")
        NOTE = "note", _("Internal note")

    class Status(models.TextChoices):
        RECEIVED = "received", _("Received")
        QUEUED = "queued", _("Waiting to be sent")
        SENDING = "sending", _("Sending")
        SENT = "sent", _("Sent")
        DELIVERED = "delivered", _("Delivered")
        READ = "read", _("Read")
        FAILED = "failed", _("Failed")

    # No index of their own where one of Meta begins with them: a message is written more often than read.
    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, db_index=False, related_name="messages")
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, db_index=False, related_name="messages")
    team = models.ForeignKey(Team, on_delete=models.SET_NULL, null=True, blank=True, db_index=False, related_name="+")
    """The ticket's team, kept beside the text so that search sees as quickly as sight allows."""
    direction = models.CharField(max_length=4, choices=Direction.choices)
    external_id = models.CharField(max_length=512, null=True, blank=True)  # noqa: DJ001 (NULL is never equal)
    envelope = models.ForeignKey(Envelope, on_delete=models.SET_NULL, null=True, blank=True, related_name="messages")

    agent = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="messages"
    )
    address = models.ForeignKey(Address, on_delete=models.SET_NULL, null=True, blank=True, related_name="messages")
    """Who of the customers wrote it (in a group: the member); None for our own."""

    text = models.TextField(default="", blank=True)
    reply_text = models.TextField(null=True, blank=True)  # noqa: DJ001 (null: not a mail)
    html = models.TextField(null=True, blank=True)  # noqa: DJ001 (null: there is none)
    reply_to = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    about = models.JSONField(null=True, blank=True)
    """What it answers when that is no message of ours: story, ad, product, or an id we do not know."""
    postback = models.JSONField(null=True, blank=True)
    unsupported = models.BooleanField(default=False)
    standby = models.BooleanField(default=False)
    reactions = models.JSONField(default=list, blank=True)
    extra = models.JSONField(default=dict, blank=True)
    """What one kind of channel needs later: reply handle, referral, mail headers, album key."""

    status = models.CharField(max_length=10, choices=Status.choices)
    error = models.JSONField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    """The platform's time."""
    at = models.DateTimeField(default=timezone.now)
    """Where it stands in the conversation: the platform's time where that is believable, else ours."""
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    edited_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    from_edit = models.BooleanField(default=False)
    """Made by an edit that overtook its original."""

    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    first_attempt_at = models.DateTimeField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    """A worker is sending it until then; later the claim is nobody's."""
    claim = models.UUIDField(null=True, blank=True, editable=False)

    objects = MessageQuerySet.as_manager()

    class Meta:
        constraints = [
            # Once is once. Ours and theirs are told apart: a platform may number both from 1.
            models.UniqueConstraint(fields=["channel", "direction", "external_id"], name="message_once"),
        ]
        indexes = [
            models.Index(fields=["ticket", "at", "id"], name="message_in_ticket"),
            models.Index(fields=["team", "-id"], name="message_team"),
            models.Index(fields=["-id"], name="message_no_team", condition=models.Q(team=None)),
            models.Index(
                fields=["next_attempt_at"], name="message_due", condition=models.Q(next_attempt_at__isnull=False)
            ),
            models.Index(
                fields=["claimed_until"], name="message_claimed", condition=models.Q(claimed_until__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.direction} {self.text[:40]}"


class Part(models.Model):
    """One send of an outgoing message; a text over the channel's limit has several."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="parts")
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, db_index=False, related_name="+")
    position = models.PositiveSmallIntegerField()
    external_id = models.CharField(max_length=512, null=True, blank=True)  # noqa: DJ001 (NULL is never equal)
    status = models.CharField(max_length=10, choices=Message.Status.choices)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["message", "position"], name="part_once"),
            models.UniqueConstraint(fields=["channel", "external_id"], name="part_external_id_once"),
        ]
        # In place of the channel's own: how many went out in the last minute is asked before each send.
        indexes = [models.Index(fields=["channel", "sent_at"], name="part_sent")]

    def __str__(self) -> str:
        return f"{self.message_id}/{self.position} {self.status}"


def attachment_path(instance: Attachment, filename: str) -> str:
    """Random and without the sender's name: nothing on the disk can be guessed or executed."""
    return f"attachments/{timezone.now():%Y/%m}/{uuid.uuid4().hex}"


class Attachment(models.Model):
    class State(models.TextChoices):
        PENDING = "pending", _("Being fetched")
        STORED = "stored", _("Stored")
        EXPIRED = "expired", _("No longer available")
        BLOCKED = "blocked", _("Blocked")
        TOO_LARGE = "too_large", _("Too large")
        FAILED = "failed", _("Could not be fetched")

    message = models.ForeignKey(Message, on_delete=models.CASCADE, null=True, blank=True, related_name="attachments")
    uploader = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    position = models.PositiveSmallIntegerField(default=0)
    kind = models.CharField(max_length=10)
    filename = models.CharField(max_length=255, default="", blank=True)
    mime = models.CharField(max_length=127, default="", blank=True)
    size = models.BigIntegerField(null=True, blank=True)
    caption = models.TextField(default="", blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    file = models.FileField(upload_to=attachment_path, blank=True, max_length=200)
    remote = models.JSONField(null=True, blank=True)
    location = models.JSONField(null=True, blank=True)
    contact = models.JSONField(null=True, blank=True)
    content_id = models.CharField(max_length=255, default="", blank=True)
    details = models.JSONField(default=dict, blank=True)
    """Width, height, duration, inline: what the platform said about it."""
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    thumb = models.FileField(upload_to=attachment_path, blank=True, max_length=200)
    """A small picture of a large one; "" where the original is small, or could not be made smaller."""
    thumb_due_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["position", "id"]
        indexes = [
            models.Index(
                fields=["thumb_due_at"], name="attachment_thumb_due", condition=models.Q(thumb_due_at__isnull=False)
            ),
            models.Index(
                fields=["next_attempt_at"], name="attachment_due", condition=models.Q(next_attempt_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.filename or self.kind


class PendingNews(models.Model):
    """A reaction or receipt whose message is not there yet waits 24 h for it; a deletion for good."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="+")
    target = models.CharField(max_length=512)
    kind = models.CharField(max_length=10)
    payload = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["channel", "target"], name="pending_target")]

    def __str__(self) -> str:
        return f"{self.kind} → {self.target}"


class IdempotencyKey(models.Model):
    """An agent's request that was made already: the same key gives the same message."""

    agent = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    body_hash = models.CharField(max_length=64)
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["agent", "key"], name="idempotency_key_once")]

    def __str__(self) -> str:
        return self.key
