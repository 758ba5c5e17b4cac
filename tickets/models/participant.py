"""Who else is in a conversation, where a channel lets several be in it, and whose pictures are loaded."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from channels_app.models import Address
from tickets.models.ticket import Ticket


class Participant(models.Model):
    """Somebody beside the ticket's own address. Kept by address: who only gets copies is no customer of ours yet."""

    class Role(models.TextChoices):
        COPY = "cc", _("Gets copies")
        WRITER = "from", _("Has written")

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="participants")
    address = models.CharField(max_length=255)
    """In the channel's one spelling."""
    name = models.CharField(max_length=200, default="", blank=True)
    role = models.CharField(max_length=4, choices=Role.choices)
    since = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["ticket", "address"], name="participant_once")]
        indexes = [models.Index(fields=["address"], name="participant_address")]
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name or self.address


class PicturesAllowed(models.Model):
    """An agent said that pictures which this sender's mails fetch from elsewhere may be loaded."""

    address = models.OneToOneField(Address, on_delete=models.CASCADE, primary_key=True, related_name="+")
    agent = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return str(self.address_id)
