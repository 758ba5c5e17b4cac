"""How teams' waiting tickets find their agent, and what is known on the way."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from agents.models import Agent, Team
from channels_app.models import Channel
from tickets.models import Ticket

MAIL, CHAT = 1, 2
"""What a ticket weighs where nobody said otherwise: a letter can wait beside others, somebody in a chat does not."""


class Queue(models.Model):
    """How a team's waiting tickets are given out. A team without a row, or with mode off, does it by hand."""

    class Mode(models.TextChoices):
        OFF = "off", _("By hand: colleagues take tickets themselves")
        DIRECT = "direct", _("Assign at once")
        OFFER = "offer", _("Offer, and go on to the next if it is not taken")

    class Strategy(models.TextChoices):
        LEAST_BUSY = "least_busy", _("Who is least busy")
        ROUND_ROBIN = "round_robin", _("In turn: who has waited longest for work")
        BEST_MATCH = "best_match", _("Who has the most skills for it")

    class Language(models.TextChoices):
        IGNORE = "ignore", _("It does not matter")
        PREFER = "prefer", _("Whoever speaks it comes first")
        REQUIRE = "require", _("Only whoever speaks it")

    team = models.OneToOneField(Team, on_delete=models.CASCADE, primary_key=True, related_name="queue")
    mode = models.CharField(_("mode"), max_length=8, choices=Mode.choices, default=Mode.OFF)
    strategy = models.CharField(_("who gets it"), max_length=12, choices=Strategy.choices, default=Strategy.LEAST_BUSY)
    sticky = models.BooleanField(_("previous agent first"), default=True)
    language = models.CharField(max_length=8, choices=Language.choices, default=Language.PREFER)
    offer_seconds = models.PositiveSmallIntegerField(
        default=30, validators=[MinValueValidator(5), MaxValueValidator(600)]
    )
    fallback_minutes = models.PositiveSmallIntegerField(default=0, validators=[MaxValueValidator(10_080)])
    """After so long skills and language are only preferred; 0: never."""
    ring_minutes = models.PositiveSmallIntegerField(
        default=15, validators=[MinValueValidator(1), MaxValueValidator(1440)]
    )
    rung_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.team_id}: {self.mode}"


class Weight(models.Model):
    """How much of an agent's capacity a ticket of this channel takes, where that is not the usual."""

    channel = models.OneToOneField(Channel, on_delete=models.CASCADE, primary_key=True, related_name="weight")
    weight = models.PositiveSmallIntegerField(validators=[MinValueValidator(1), MaxValueValidator(100)])

    def __str__(self) -> str:
        return f"{self.channel_id}: {self.weight}"


class Route(models.Model):
    """What is known of one ticket's way. Made by whoever knows something first."""

    ticket = models.OneToOneField(Ticket, on_delete=models.CASCADE, primary_key=True, related_name="route")
    considered_at = models.DateTimeField(null=True, blank=True)
    """When the rules were asked; they are asked once."""
    skills = models.JSONField(default=list)
    wanted = models.ForeignKey(Agent, on_delete=models.SET_NULL, null=True, db_index=False, related_name="+")
    """Whom a rule names."""
    why = models.JSONField(default=list)
    """Why nobody can take it, as it was last told: codes with values."""
    passed = models.JSONField(default=list)
    """Agents who were offered it and did not take it."""
    passed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["wanted"], name="route_wanted", condition=models.Q(wanted__isnull=False)),
        ]

    def __str__(self) -> str:
        return str(self.ticket_id)


class Offer(models.Model):
    """A ticket that an agent may take until a time."""

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        ACCEPTED = "accepted", _("Accepted")
        DECLINED = "declined", _("Declined")
        EXPIRED = "expired", _("Expired")
        VOID = "void", _("Overtaken")

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="offers")
    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="offers")
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    weight = models.PositiveSmallIntegerField(default=1)
    why = models.JSONField(default=list)
    made_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["ticket"], condition=models.Q(state="open"), name="one_open_offer_per_ticket"
            ),
            models.UniqueConstraint(
                fields=["agent"], condition=models.Q(state="open"), name="one_open_offer_per_agent"
            ),
        ]
        indexes = [models.Index(fields=["due_at"], name="offer_due", condition=models.Q(state="open"))]

    def __str__(self) -> str:
        return f"{self.ticket_id} → {self.agent_id} {self.state}"


class Move(models.Model):
    """Many tickets that somebody has moved at once: the line of each, so that all can be taken back."""

    by = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="moves")
    made_at = models.DateTimeField(default=timezone.now)
    lines = models.JSONField(default=list)
    """Numbers of the log's lines that were not taken back yet, in the order in which they were written."""
    stayed = models.PositiveIntegerField(default=0)
    """So many could not be moved."""

    def __str__(self) -> str:
        return f"{self.by_id}: {len(self.lines)}"


class Rule(models.Model):
    """Asked of every new ticket, in order. conditions, actions: ``rules`` says what may stand in them."""

    name = models.CharField(_("name"), max_length=100)
    position = models.PositiveIntegerField(default=0)
    active_since = models.DateTimeField(null=True, blank=True)
    """On since then, for tickets from then on; None: off."""
    conditions = models.JSONField(default=list)
    actions = models.JSONField(default=dict)

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.name
