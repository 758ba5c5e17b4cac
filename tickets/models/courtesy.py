"""What the customer is shown of us beside messages, as rows that wait for a worker."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from tickets.models.message import Message
from tickets.models.ticket import Ticket


class Courtesy(models.Model):
    """Of one conversation: up to which message the platform was told that we have read, and when it
    was last told that somebody is typing."""

    ticket = models.OneToOneField(Ticket, on_delete=models.CASCADE, primary_key=True, related_name="courtesy")
    seen = models.BigIntegerField(default=0)
    """The customer's newest message that an agent had before them."""
    told = models.BigIntegerField(default=0)
    """The message that the platform was told of, or that was given up."""
    due_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    typing_at = models.DateTimeField(null=True, blank=True)
    away_until = models.DateTimeField(null=True, blank=True)
    """The customer was told that nobody is there until then (tickets/away.py)."""

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], name="courtesy_due", condition=models.Q(due_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"#{self.ticket_id} {self.told}/{self.seen}"


class OutgoingReaction(models.Model):
    """Our reaction on its way: shown already, and taken back if the platform does not want it."""

    message = models.OneToOneField(Message, on_delete=models.CASCADE, primary_key=True, related_name="+")
    emoji = models.CharField(max_length=64, default="", blank=True)
    """ "" takes ours back."""
    before = models.JSONField(null=True, blank=True)
    """Our reaction as the platform has it; shown again if this fails."""
    agent = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    version = models.PositiveIntegerField(default=1)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["due_at"], name="reaction_due")]

    def __str__(self) -> str:
        return f"{self.message_id} {self.emoji}"
