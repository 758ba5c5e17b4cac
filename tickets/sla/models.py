"""What is promised, and what became of it. The clocks that run stand in their ticket's row (``clocks``)."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

MOST_MINUTES = 366 * 24 * 60


class Kind(models.TextChoices):
    FIRST = "first_response", _("First response")
    NEXT = "next_response", _("Next response")
    RESOLUTION = "resolution", _("Resolution")


class State(models.TextChoices):
    """Of a ticket: the worst of its clocks that are not at their end."""

    NONE = "", _("None")
    RUNNING = "running", _("In time")
    AT_RISK = "at_risk", _("At risk")
    BREACHED = "breached", _("Overdue")


class Policy(models.Model):
    """Targets for the tickets that meet all its conditions. The first in order that fits a ticket counts."""

    name = models.CharField(_("name"), max_length=100)
    position = models.PositiveIntegerField(default=0)
    enabled = models.BooleanField(default=True)
    teams = models.JSONField(default=list, blank=True)
    """Ids; an empty list leaves the condition out. The same for channels and priorities."""
    channels = models.JSONField(default=list, blank=True)
    priorities = models.JSONField(default=list, blank=True)
    targets = models.JSONField(default=dict, blank=True)
    """{"normal": {"first_response": 30}}: minutes by priority and kind; what is not there is not promised."""
    business = models.BooleanField(default=True)
    """Only open hours count; else every minute does."""
    warn_percent = models.PositiveSmallIntegerField(null=True, blank=True)
    """After so much of the target; None: see warn_minutes."""
    warn_minutes = models.PositiveIntegerField(null=True, blank=True)
    """So long before the end; both None: no warning."""
    escalations = models.JSONField(default=dict, blank=True)
    """{"breached": [{"do": "priority", "value": "urgent"}]}; see ``escalation``."""
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(Lower("name"), name="policy_name_once")]
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.name

    def fits(self, team_id: int | None, channel_id: int, priority: str) -> bool:
        return (
            (not self.teams or team_id in self.teams)
            and (not self.channels or channel_id in self.channels)
            and (not self.priorities or priority in self.priorities)
        )

    def target(self, priority: str, kind: str) -> int | None:
        """In seconds; None: nothing is promised."""
        minutes = self.targets.get(priority, {}).get(kind)
        return minutes * 60 if minutes else None

    def warns_after(self, target: int) -> int | None:
        """So many counted seconds of a target; None: no warning."""
        if self.warn_percent is not None:
            return target * self.warn_percent // 100
        return None if self.warn_minutes is None else max(target - self.warn_minutes * 60, 0)


class Outcome(models.Model):
    """One clock at its end, for reports. What nobody waits for any more (resolved unanswered) leaves none."""

    ticket = models.ForeignKey("tickets.Ticket", on_delete=models.CASCADE, db_index=False, related_name="outcomes")
    policy = models.ForeignKey(Policy, on_delete=models.SET_NULL, null=True, related_name="+")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    team = models.ForeignKey("agents.Team", on_delete=models.SET_NULL, null=True, related_name="+")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    target = models.PositiveIntegerField()
    spent = models.PositiveIntegerField()
    """Counted seconds, as the target."""
    met = models.BooleanField()

    class Meta:
        indexes = [
            models.Index(fields=["ended_at"], name="outcome_ended"),
            models.Index(fields=["ticket"], name="outcome_ticket"),
        ]

    def __str__(self) -> str:
        return f"#{self.ticket_id} {self.kind} {'met' if self.met else 'missed'}"
