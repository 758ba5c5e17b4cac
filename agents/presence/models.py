"""Whether an agent is there, and how much and what kind of work they take."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from agents.models import Agent

CAPACITY = 10
MOST_CAPACITY = 200


class Presence(models.Model):
    """One row per agent who was ever here. Only ``roll`` writes it."""

    class Status(models.TextChoices):
        ONLINE = "online", _("Online")
        AWAY = "away", _("Away")
        DND = "dnd", _("Do not disturb")
        OFFLINE = "offline", _("Offline")

    class Choice(models.TextChoices):
        AUTOMATIC = "", _("Online")
        AWAY = "away", _("Away")
        DND = "dnd", _("Do not disturb")
        OFFLINE = "offline", _("Show me as offline")

    agent = models.OneToOneField(Agent, on_delete=models.CASCADE, primary_key=True, related_name="presence")
    choice = models.CharField(max_length=8, choices=Choice.choices, default="", blank=True)
    """What the agent chose; "" follows the sockets and the keyboard."""
    seen_at = models.DateTimeField(null=True, blank=True)
    """When a process last held an open socket of theirs."""
    active_at = models.DateTimeField(null=True, blank=True)
    """When they last touched a page."""
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.OFFLINE)
    """As it was last told; ``roll.settle`` brings it up to date."""
    since = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.agent_id} {self.status}"


class Seat(models.Model):
    """What an agent takes on. Its row is the lock under which work is given to them."""

    agent = models.OneToOneField(Agent, on_delete=models.CASCADE, primary_key=True, related_name="seat")
    capacity = models.PositiveSmallIntegerField(_("capacity"), default=CAPACITY)
    """In weights: a channel says how much each of its tickets weighs. 0: nothing is given to them."""
    skills = models.JSONField(default=list, blank=True)
    """Free words in small letters."""
    languages = models.JSONField(default=list, blank=True)
    """Codes like "th" or "zh-hant"."""
    last_assigned_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.agent_id}: {self.capacity}"
