"""Who is to be erased, and how far that is."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from agents.models import Agent
from customers.models import Customer


class Erasure(models.Model):
    """One customer, for good. The row says what is still to be done, so that whoever dies on the way is followed."""

    customer = models.OneToOneField(Customer, on_delete=models.CASCADE, primary_key=True, related_name="erasure")
    by = models.ForeignKey(Agent, on_delete=models.SET_NULL, null=True, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(null=True, default=timezone.now)
    """When somebody goes on; while it is worked on: until when nobody else does. None: nothing is left to do."""
    done_at = models.DateTimeField(null=True)
    """Nothing of the customer is left but the platforms' numbers of the messages, by which a repeated one is known;
    they go, too, when it is due once more."""
    names = models.JSONField(default=list)
    """By what raw requests name them. Empty when it is done."""
    channels = models.JSONField(default=list)
    """Ids of the channels on which they were known."""
    upto_ticket = models.BigIntegerField(default=0)
    upto_envelope = models.BigIntegerField(default=0)
    last_envelope = models.BigIntegerField(default=0)
    tickets = models.PositiveIntegerField(default=0)
    messages = models.PositiveIntegerField(default=0)
    files = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["due_at"], name="erasure_due", condition=models.Q(due_at__isnull=False))]

    def __str__(self) -> str:
        return f"{self.customer_id} {'done' if self.done_at else 'under way'}"
