"""Up to where an agent has looked at a ticket. Nobody else's business, so it is no line of the log."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from tickets.models.ticket import Ticket


class Glance(models.Model):
    agent = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, db_index=False, related_name="+")
    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="+")
    seq = models.BigIntegerField()
    """The newest line of the log that was on the screen."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["agent", "ticket"], name="glance_once")]

    def __str__(self) -> str:
        return f"{self.agent_id}: {self.ticket_id} up to {self.seq}"
