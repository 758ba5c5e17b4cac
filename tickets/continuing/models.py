"""Conversations with somebody who may be gone, and the mails that went after them."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from channels_app.models import Address, Channel
from tickets.models import Ticket

KEY = "chat-"


class Unseen(models.Model):
    """A conversation in which something may wait to be seen: looked at when it is due."""

    address = models.OneToOneField(Address, on_delete=models.CASCADE, primary_key=True, related_name="+")
    due_at = models.DateTimeField(null=True, blank=True)
    """While it is worked on: until when nobody else takes it up."""
    to = models.CharField(max_length=254, default="", blank=True)
    """Where the first mail went, and so every later one: nobody has our answers sent to one stranger after another.
    "" again when it came back: nobody got it."""
    upto = models.PositiveBigIntegerField(default=0)
    """Our messages up to this one were mailed."""

    class Meta:
        indexes = [models.Index(fields=["due_at"], name="unseen_due", condition=models.Q(due_at__isnull=False))]

    def __str__(self) -> str:
        return f"{self.address_id} up to {self.upto}"


class ContinuedMail(models.Model):
    """One mail with what was unseen. It is written before it is sent, and is the same on every attempt."""

    unseen = models.ForeignKey(Unseen, on_delete=models.CASCADE, related_name="mails")
    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="+")
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="+")
    """The mail channel that it goes through."""
    to = models.CharField(max_length=254)
    upto = models.PositiveBigIntegerField()
    messages = models.JSONField(default=list)
    """Ids of the messages in it."""
    token = models.CharField(max_length=32, unique=True)
    """Of its reply address, where the channel has such."""
    external_id = models.CharField(max_length=512, default="", blank=True, db_index=True)
    """Its Message-ID, in lower case; "" until it is known."""
    attempts = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    ended_at = models.DateTimeField(null=True, blank=True)
    """When it was sent, given up or not needed any more."""
    error = models.TextField(default="", blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["unseen", "upto"], name="continued_once")]
        indexes = [models.Index(fields=["to", "created_at"], name="continued_to")]

    def __str__(self) -> str:
        return f"{self.to} up to {self.upto}"

    @property
    def key(self) -> str:
        """What it is sent by: no number of a message."""
        return f"{KEY}{self.pk}"

    @staticmethod
    def read_key(key: str) -> int | None:
        number = key.removeprefix(KEY)
        return int(number) if number != key and number.isascii() and number.isdigit() and len(number) < 19 else None
