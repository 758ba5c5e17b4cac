"""Surveys, who is asked when, what they said, and what was done about it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from agents.models import Agent, Sight, Team
from channels_app.models import Channel
from customers.models import Customer
from surveys import definition
from tickets.models import Message, Ticket


class Survey(models.Model):
    """What a lead edits. Deleted ones stay as rows: their answers and open questions are still about them."""

    class Kind(models.TextChoices):
        CSAT = definition.CSAT, _("Satisfaction (1 to 5)")
        NPS = definition.NPS, _("Recommendation (0 to 10)")
        CES = definition.CES, _("Effort (1 to 7)")

    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(_("kind"), max_length=4, choices=Kind.choices, default=Kind.CSAT)
    enabled = models.BooleanField(_("switched on"), default=False)
    position = models.PositiveIntegerField(default=0)
    """Of several that fit a ticket, the first is asked."""
    content = models.JSONField(default=dict)
    when = models.JSONField(default=dict)
    rules = models.JSONField(default=list)
    defects = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.name


class SurveyVersion(models.Model):
    """A survey's words as somebody was asked them. Never changed, so an open question survives its survey."""

    survey = models.ForeignKey(Survey, on_delete=models.CASCADE, related_name="versions")
    digest = models.CharField(max_length=64)
    content = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["survey", "digest"], name="survey_version_once")]

    def __str__(self) -> str:
        return f"{self.survey_id}/{self.digest[:8]}"


class AskedInvitations(models.QuerySet["Invitation"]):
    def open(self) -> AskedInvitations:
        """Asked, and the time to answer is not over."""
        asked = [Invitation.State.ASKED, Invitation.State.REMINDED, Invitation.State.ANSWERED]
        return self.filter(state__in=asked, expires_at__gt=timezone.now())

    def seen_with(self, sight: Sight) -> AskedInvitations:
        return self.filter(sight.where("team_id"))


class Invitation(models.Model):
    """One resolution of one ticket, and whether its customer is asked. What is next to be done is due at ``due_at``."""

    class State(models.TextChoices):
        PENDING = "pending", _("Waiting to be asked")
        ASKED = "asked", _("Asked")
        REMINDED = "reminded", _("Reminded")
        ANSWERED = "answered", _("Answered")
        SKIPPED = "skipped", _("Not asked")
        EXPIRED = "expired", _("Not answered")

    class Reason(models.TextChoices):
        WINDOW = "window", _("The channel's time to write was over")
        BLOCKED = "blocked", _("The customer cannot be written to")
        CLOSED = "closed", _("The channel could not send")
        AUTOMATIC = "automatic", _("Resolved by the system, or written by a machine")
        SPAM = "spam", _("Its tags say not to ask")
        RECENT = "recent", _("The customer was asked not long ago")
        SAMPLE = "sample", _("Left out by the sample")
        REOPENED = "reopened", _("Open again before it was asked")
        GROUP = "group", _("A group chat")
        OFF = "off", _("The survey was switched off")
        LATE = "late", _("It could not be asked in time")

    survey = models.ForeignKey(Survey, on_delete=models.CASCADE, db_index=False, related_name="invitations")
    version = models.ForeignKey(
        SurveyVersion, on_delete=models.PROTECT, null=True, db_index=False, related_name="invitations"
    )
    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, db_index=False, related_name="invitations")
    resolution = models.BigIntegerField(unique=True)
    """The log's line of the resolution: each is asked about once."""
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, db_index=False, related_name="invitations")
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, db_index=False, related_name="+")
    team = models.ForeignKey(Team, on_delete=models.SET_NULL, null=True, related_name="+")
    agent = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    """Who resolved it, which is who is judged."""
    language = models.CharField(max_length=16, default="")
    customer_type = models.CharField(max_length=12, default="")
    first_reply_seconds = models.PositiveBigIntegerField(null=True)
    """From the ticket's beginning to an agent's first reply; None: there was none."""
    reopened = models.BooleanField(default=False)
    """After this resolution."""

    state = models.CharField(max_length=8, choices=State.choices, default=State.PENDING)
    reason = models.CharField(max_length=10, choices=Reason.choices, default="", blank=True)
    due_at = models.DateTimeField(null=True)
    """When the next step is due: ask, remind, expire; None: nothing more happens by itself."""
    asked_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    message = models.ForeignKey(Message, on_delete=models.SET_NULL, null=True, related_name="+")
    claim = models.UUIDField(null=True, editable=False)
    claimed_until = models.DateTimeField(null=True, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0)
    is_test = models.BooleanField(default=False)
    """A lead tries the survey: it counts nowhere, and nothing follows."""
    created_at = models.DateTimeField(default=timezone.now)
    day = models.DateField()
    """UTC, of the resolution: what rates are counted by."""

    objects = AskedInvitations.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["channel", "due_at"], name="invitation_due", condition=models.Q(due_at__isnull=False)),
            models.Index(fields=["ticket", "-id"], name="invitation_ticket"),
            models.Index(fields=["customer", "-asked_at"], name="invitation_customer"),
            # For the channel's rate: how many were asked within the last seconds.
            models.Index(
                fields=["channel", "asked_at"], name="invitation_asked", condition=models.Q(asked_at__isnull=False)
            ),
            models.Index(fields=["survey", "day"], name="invitation_day"),
            models.Index(fields=["claim"], name="invitation_claim", condition=models.Q(claim__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.state}"


class ResponseQuerySet(models.QuerySet["Response"]):
    def seen_with(self, sight: Sight) -> ResponseQuerySet:
        return self.filter(sight.where("team_id"))


class Response(models.Model):
    """What a customer said: one row for each invitation, whatever is pressed how often. What results are counted by
    stands beside the score, as it was then."""

    class Via(models.TextChoices):
        CHANNEL = "channel", _("In the conversation")
        PAGE = "page", _("On the page")

    invitation = models.OneToOneField(Invitation, on_delete=models.CASCADE, related_name="response")
    survey = models.ForeignKey(Survey, on_delete=models.CASCADE, db_index=False, related_name="responses")
    version = models.ForeignKey(SurveyVersion, on_delete=models.PROTECT, db_index=False, related_name="+")
    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="survey_responses")
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="survey_responses")
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, db_index=False, related_name="+")
    team = models.ForeignKey(Team, on_delete=models.SET_NULL, null=True, db_index=False, related_name="+")
    agent = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, db_index=False, related_name="+"
    )
    language = models.CharField(max_length=16, default="")
    customer_type = models.CharField(max_length=12, default="")
    score = models.SmallIntegerField()
    comment = models.TextField(default="", blank=True)
    answers = models.JSONField(default=dict)
    """key of the question → text, key of an option, or list of keys."""
    via = models.CharField(max_length=8, choices=Via.choices)
    at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)
    day = models.DateField()
    """UTC, of the first answer."""
    follow_at = models.DateTimeField(null=True)
    """The rules are to be applied; None: done."""
    done = models.JSONField(default=list)
    """Which of the things that follow were done already; none is done twice."""

    objects = ResponseQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["survey", "day", "score"], name="response_day"),
            models.Index(fields=["survey", "-id"], name="response_newest"),
            models.Index(fields=["survey", "team", "-id"], name="response_team"),
            models.Index(fields=["survey", "agent", "-id"], name="response_agent"),
            models.Index(fields=["survey", "channel", "-id"], name="response_channel"),
            models.Index(fields=["survey", "score", "-id"], name="response_score"),
            models.Index(fields=["follow_at"], name="response_follow", condition=models.Q(follow_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.score}"


class FollowUp(models.Model):
    """Somebody sees to an answer: who, until when, and what came of it."""

    class Outcome(models.TextChoices):
        SOLVED = "solved", _("Solved for the customer")
        EXPLAINED = "explained", _("Explained")
        COMPENSATED = "compensated", _("Made good for")
        UNREACHED = "unreached", _("The customer could not be reached")
        NOTHING = "nothing", _("Nothing to be done")

    response = models.OneToOneField(Response, on_delete=models.CASCADE, related_name="follow_up")
    team = models.ForeignKey(Team, on_delete=models.SET_NULL, null=True, related_name="+")
    owner = models.ForeignKey(Agent, on_delete=models.SET_NULL, null=True, related_name="follow_ups")
    rule = models.CharField(max_length=100, default="")
    due_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now)
    outcome = models.CharField(max_length=12, choices=Outcome.choices, default="", blank=True)
    note = models.TextField(default="", blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.ForeignKey(Agent, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["owner", "due_at"], name="follow_up_open", condition=models.Q(done_at=None))]

    def __str__(self) -> str:
        return f"#{self.pk} {self.outcome or 'open'}"


class Place(models.Model):
    """How far the desk's log is read; moved in the transaction that acts on what was read."""

    name = models.CharField(max_length=20, primary_key=True)
    seq = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.name}: {self.seq}"


class Tally(models.Model):
    """Counts of one day, so that a page of results reads some thousand rows, however many people answered.

    Made anew from the rows themselves (``tallies``) whenever something of that day changed.
    """

    survey = models.ForeignKey(Survey, on_delete=models.CASCADE, db_index=False, related_name="+")
    day = models.DateField()
    team = models.BigIntegerField()
    """0: no team."""
    by = models.CharField(max_length=8)
    """What ``key`` names: all, agent, channel, tag, language, type; or skipped, and then the reason."""
    key = models.CharField(max_length=20, default="")
    s0 = models.PositiveIntegerField(default=0)
    """So many answers with this score; the same for the others."""
    s1 = models.PositiveIntegerField(default=0)
    s2 = models.PositiveIntegerField(default=0)
    s3 = models.PositiveIntegerField(default=0)
    s4 = models.PositiveIntegerField(default=0)
    s5 = models.PositiveIntegerField(default=0)
    s6 = models.PositiveIntegerField(default=0)
    s7 = models.PositiveIntegerField(default=0)
    s8 = models.PositiveIntegerField(default=0)
    s9 = models.PositiveIntegerField(default=0)
    s10 = models.PositiveIntegerField(default=0)
    asked = models.PositiveIntegerField(default=0)
    answered = models.PositiveIntegerField(default=0)
    """Of those asked."""
    skipped = models.PositiveIntegerField(default=0)
    late = models.PositiveIntegerField(default=0)
    of_late = models.PositiveIntegerField(default=0)
    """So many could have been late: the opportunities. The same for low and reopened."""
    low = models.PositiveIntegerField(default=0)
    of_low = models.PositiveIntegerField(default=0)
    reopened = models.PositiveIntegerField(default=0)
    of_reopened = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["survey", "by", "day"], name="tally_of_survey")]

    def __str__(self) -> str:
        return f"{self.day} {self.by} {self.key}"


class Touched(models.Model):
    """A day of a survey whose counts are to be made anew. Only ever added to and taken away whole, so that a writer
    who commits late is not overlooked."""

    survey = models.ForeignKey(Survey, on_delete=models.CASCADE, db_index=False, related_name="+")
    day = models.DateField()

    def __str__(self) -> str:
        return f"{self.survey_id} {self.day}"
