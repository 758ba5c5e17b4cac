"""One piece of work for one customer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from agents.models import Agent, Sight, Team
from channels_app.models import Address, Channel
from customers.models import Customer

if TYPE_CHECKING:
    from tickets.models.activity import Activity


class Tag(models.Model):
    name = models.CharField(_("name"), max_length=60)

    class Meta:
        constraints = [models.UniqueConstraint(Lower("name"), name="tag_name_once")]
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class TicketQuerySet(models.QuerySet["Ticket"]):
    def visible_to(self, agent: Agent) -> TicketQuerySet:
        """The one place that says whose tickets an agent sees."""
        return self.seen_with(agent.sight())

    def seen_with(self, sight: Sight) -> TicketQuerySet:
        return self.filter(sight.where("team_id"))

    def unresolved(self) -> TicketQuerySet:
        return self.exclude(status=Ticket.Status.RESOLVED)

    def for_reading(self) -> TicketQuerySet:
        """With all that a row or the API's object shows, in two statements."""
        return self.select_related("channel", "team", "assignee", "customer", "address").prefetch_related("tags")

    def with_customer(self) -> TicketQuerySet:
        """With what stands beside it about the customer, in two statements; without its own tags."""
        return self.select_related("channel", "customer", "address").prefetch_related("customer__tags")

    def locked(self) -> TicketQuerySet:
        """For a change: the row is ours until the transaction ends; numbers are taken after this."""
        return self.select_for_update(of=("self",))


class Ticket(models.Model):
    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        SNOOZED = "snoozed", _("Snoozed")
        RESOLVED = "resolved", _("Resolved")

    class Priority(models.TextChoices):
        LOW = "low", _("Low")
        NORMAL = "normal", _("Normal")
        HIGH = "high", _("High")
        URGENT = "urgent", _("Urgent")

    number = models.BigAutoField(primary_key=True)
    subject = models.CharField(_("subject"), max_length=500, default="", blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.OPEN)
    priority = models.CharField(_("priority"), max_length=10, choices=Priority.choices, default=Priority.NORMAL)
    # No index of their own where one of Meta.indexes begins with them: every message moves a ticket
    # to the top of its lists, and so writes each of its indexes again.
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        db_index=False,
        related_name="tickets",
    )
    team = models.ForeignKey(
        Team, on_delete=models.SET_NULL, null=True, blank=True, db_index=False, related_name="tickets"
    )
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, db_index=False, related_name="tickets")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, db_index=False, related_name="tickets")
    address = models.ForeignKey(Address, on_delete=models.PROTECT, db_index=False, related_name="tickets")
    """The conversation: the person or group that a reply goes to."""
    threads = models.BooleanField(default=False)
    """The channel may have several unresolved tickets with one address (mail); chats have one."""
    reply_token = models.CharField(max_length=32, default="", db_default="", blank=True, editable=False)
    """Nobody's guess: who answers to an address with it has had a mail of this ticket. "" where nothing threads."""
    previous = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="next")
    tags = models.ManyToManyField(Tag, blank=True, related_name="tickets")

    seq = models.BigIntegerField(default=0, editable=False)
    """Its last line in the log. Lists are in this order."""
    newest_message = models.BigIntegerField(default=0, editable=False)
    """Of what it says last; 0: nothing yet. What a search finds by subject or customer is in this order."""
    inbound_seq = models.BigIntegerField(default=0, db_default=0, editable=False)
    """The line of what the customer wrote last; whoever has looked beyond it has read it (glances.py)."""
    snoozed_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    resolved_at = models.DateTimeField(null=True, blank=True)
    last_inbound_at = models.DateTimeField(null=True, blank=True)
    """When the customer last wrote: reply windows count from it."""
    waiting_since = models.DateTimeField(null=True, blank=True)
    """Since when the customer waits for an answer; None: they do not."""
    clocks = models.JSONField(null=True, blank=True, editable=False)
    """What runs towards its due times (tickets/sla/clocks.py), here so that ticket and clocks change in one statement;
    None: nothing is promised."""
    due_at = models.DateTimeField(null=True, blank=True, editable=False)
    """Of the running clock that ends first."""
    look_at = models.DateTimeField(null=True, blank=True, editable=False)
    """When the timetable has something to mark."""
    sla_state = models.CharField(max_length=8, default="", db_default="", blank=True, editable=False)
    """The worst of the clocks that have not ended: "" (none), running, at_risk, breached."""
    last_text = models.CharField(max_length=160, default="", blank=True)
    last_direction = models.CharField(max_length=4, default="", blank=True)

    objects = TicketQuerySet.as_manager()

    told: tuple[Activity, ...] = ()
    """The lines that the verbs have written on this very object, for whoever wants to take one back."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["address"],
                condition=models.Q(threads=False) & ~models.Q(status="resolved"),
                name="one_unresolved_ticket_per_conversation",
            ),
            models.UniqueConstraint(
                fields=["reply_token"], condition=~models.Q(reply_token=""), name="reply_token_once"
            ),
            models.CheckConstraint(
                condition=models.Q(status="snoozed", snoozed_until__isnull=False)
                | (~models.Q(status="snoozed") & models.Q(snoozed_until__isnull=True)),
                name="snoozed_has_a_time",
            ),
            models.CheckConstraint(
                condition=models.Q(status="resolved", resolved_at__isnull=False)
                | (~models.Q(status="resolved") & models.Q(resolved_at__isnull=True)),
                name="resolved_has_a_time",
            ),
        ]
        indexes = [
            # One per kind of list: made for "newest activity first" within what one may see.
            models.Index(fields=["-seq"], name="ticket_all"),
            models.Index(fields=["team", "-seq"], name="ticket_team"),
            models.Index(fields=["-seq"], name="ticket_unresolved", condition=~models.Q(status="resolved")),
            # With all that the badges count, so that counting reads no ticket.
            models.Index(
                fields=["team", "-seq", "status", "assignee", "channel", "sla_state"],
                name="ticket_team_unres",
                condition=~models.Q(status="resolved"),
            ),
            models.Index(fields=["-seq"], name="ticket_resolved", condition=models.Q(status="resolved")),
            models.Index(fields=["team", "-seq"], name="ticket_team_res", condition=models.Q(status="resolved")),
            models.Index(fields=["assignee", "-seq"], name="ticket_assignee", condition=~models.Q(status="resolved")),
            models.Index(fields=["assignee", "-seq"], name="ticket_assignee_all"),
            models.Index(fields=["priority", "-seq"], name="ticket_priority", condition=~models.Q(priority="normal")),
            models.Index(fields=["channel", "-seq"], name="ticket_channel"),
            models.Index(fields=["customer", "-seq"], name="ticket_customer"),
            models.Index(fields=["address", "-number"], name="ticket_address"),
            models.Index(fields=["snoozed_until"], name="ticket_snoozed", condition=models.Q(status="snoozed")),
            # What is due first: of all, of a team, of no team; and what the timetable has to look at.
            models.Index(fields=["due_at", "number"], name="ticket_due", condition=models.Q(due_at__isnull=False)),
            models.Index(
                fields=["team", "due_at", "number"], name="ticket_team_due", condition=models.Q(due_at__isnull=False)
            ),
            models.Index(fields=["look_at"], name="ticket_look", condition=models.Q(look_at__isnull=False)),
            # For the search: the newest tickets, of all and of a team.
            models.Index(fields=["-newest_message"], name="ticket_newest"),
            models.Index(fields=["team", "-newest_message"], name="ticket_team_newest"),
            # PostgreSQL does not see that "no team" in an index of teams is in order, too.
            models.Index(fields=["-seq"], name="ticket_no_team", condition=models.Q(team=None)),
            models.Index(fields=["-newest_message"], name="ticket_no_team_newest", condition=models.Q(team=None)),
        ]

    def __str__(self) -> str:
        return f"#{self.number} {self.subject}".strip()
