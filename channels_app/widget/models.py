"""Visitors: the browsers that hold a token, the conversations they read, and all that was said there, numbered.

A conversation here is one Address of the exchange (its ``external_id``), which may not exist yet: a browser that
opens the chat and says nothing leaves no customer behind.
"""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone

from agents.models import Agent
from channels_app.models import Channel


class VisitorConversation(models.Model):
    """What one person, on however many browsers, and our side have said."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="visitor_conversations")
    external_id = models.CharField(max_length=255)
    last_seq = models.PositiveBigIntegerField(default=0)
    delivered_seq = models.PositiveBigIntegerField(default=0)
    """Up to here a browser has had what we said, and up to here a person has seen it."""
    seen_seq = models.PositiveBigIntegerField(default=0)
    read_seq = models.PositiveBigIntegerField(default=0)
    """Up to here an agent has opened what the visitor said."""
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "external_id"], name="visitor_conversation_once")]
        indexes = [models.Index(fields=["created_at"], name="visitor_silent", condition=models.Q(last_seq=0))]

    def __str__(self) -> str:
        return self.external_id


class Visitor(models.Model):
    """One browser. Its token names it and its version; a higher version or ``revoked_at`` ends the token."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="visitors")
    conversation = models.ForeignKey(VisitorConversation, on_delete=models.CASCADE, related_name="visitors")
    public_id = models.CharField(max_length=40, unique=True)
    version = models.PositiveIntegerField(default=1)
    name = models.CharField(max_length=200, default="", blank=True)
    email = models.CharField(max_length=254, default="", blank=True)
    phone = models.CharField(max_length=32, default="", blank=True)
    language = models.CharField(max_length=16, default="", blank=True)
    attributes = models.JSONField(default=dict, blank=True)
    """What the shop's page says of them, unverified: shown to agents, never used to find anybody."""
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name or self.public_id


class VisitorEvent(models.Model):
    """One message as the visitor may see it; ``seq`` counts within the conversation, without holes."""

    class Direction(models.TextChoices):
        IN = "in"
        OUT = "out"

    conversation = models.ForeignKey(VisitorConversation, on_delete=models.CASCADE, related_name="events")
    seq = models.PositiveBigIntegerField()
    direction = models.CharField(max_length=3, choices=Direction.choices)
    public_id = models.CharField(max_length=80)
    """Of the visitor's: a new one; of ours: the key of the send, the same on every attempt."""
    client_message_id = models.CharField(max_length=100, null=True, blank=True)  # noqa: DJ001 (NULL is never equal)
    text = models.TextField(default="", blank=True)
    author = models.ForeignKey(Agent, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    author_name = models.CharField(max_length=200, default="", blank=True)
    attachments = models.JSONField(default=list, blank=True)
    """[{filename, mime, size, kind, stored}]: stored is a name in the file storage, shown to nobody."""
    quick_replies = models.JSONField(default=list, blank=True)
    reply_to = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["conversation", "seq"], name="visitor_event_seq"),
            models.UniqueConstraint(fields=["conversation", "public_id"], name="visitor_event_once"),
            models.UniqueConstraint(fields=["conversation", "client_message_id"], name="visitor_event_client"),
        ]
        ordering = ["seq"]

    def __str__(self) -> str:
        return f"{self.direction} {self.seq}"


def upload_path(instance: VisitorUpload, filename: str) -> str:
    """Random: nothing on the disk can be guessed."""
    return f"visitors/{timezone.now():%Y/%m}/{uuid.uuid4().hex}"


class VisitorUpload(models.Model):
    """A visitor's file: theirs alone until it is sent, then fetched by the desk like any platform's."""

    visitor = models.ForeignKey(Visitor, on_delete=models.CASCADE, related_name="uploads")
    file = models.FileField(upload_to=upload_path, max_length=200)
    filename = models.CharField(max_length=200)
    mime = models.CharField(max_length=127)
    kind = models.CharField(max_length=8, default="file")
    size = models.PositiveBigIntegerField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["created_at"], name="visitor_upload_unsent", condition=models.Q(sent_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return self.filename
