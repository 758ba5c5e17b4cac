"""Staff: who answers, in which team, and with which keys."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from datetime import timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

PICTURES = "agents"
TOKEN_PREFIX = "plg_"  # noqa: S105 (what every token starts with, so that secret scanners know it)


class Team(models.Model):
    """A group that shares a queue."""

    name = models.CharField(_("name"), max_length=100)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(Lower("name"), name="team_name_once")]
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


def picture_path(instance: Agent, filename: str) -> str:
    """Random: whoever has the address may read it."""
    return f"{PICTURES}/{uuid.uuid4()}"


class AgentManager(BaseUserManager["Agent"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> Agent:
        agent = self.model(email=self.normalize_email(email).lower(), **fields)
        agent.set_password(password)
        agent.save(using=self._db)
        return agent

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> Agent:
        fields.setdefault("name", email.partition("@")[0])
        return self.create_user(email, password, role=Agent.Role.ADMIN, **fields)

    def get_by_natural_key(self, username: str | None) -> Agent:
        return self.get(email__iexact=username)


class Agent(AbstractBaseUser, PermissionsMixin):
    """A member of staff; also Django's user."""

    class Role(models.TextChoices):
        ADMIN = "admin", _("Administrator")
        LEAD = "lead", _("Team lead")
        AGENT = "agent", _("Agent")

    email = models.EmailField(_("e-mail address"), unique=True)
    name = models.CharField(_("name"), max_length=150)
    role = models.CharField(_("role"), max_length=10, choices=Role.choices, default=Role.AGENT)
    teams = models.ManyToManyField(Team, related_name="agents", blank=True, verbose_name=_("teams"))
    language = models.CharField(_("language"), max_length=8, default="", blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, default="", blank=True)
    signature = models.TextField(_("signature"), max_length=2000, default="", blank=True)
    """Under what they write, where a channel has such a place."""
    picture = models.FileField(upload_to=picture_path, blank=True, max_length=100)
    """Customers see it too: see ``agents.pictures``."""
    is_active = models.BooleanField(_("may sign in"), default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[AgentManager] = AgentManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="agent_email_once")]
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name or self.email

    @property
    def is_admin(self) -> bool:
        return self.role == self.Role.ADMIN

    @property
    def is_staff(self) -> bool:
        return self.is_admin

    def get_short_name(self) -> str:
        return self.name.partition(" ")[0]

    def sight(self) -> Sight:
        """What this agent may see right now (one statement, none for an administrator)."""
        if self.is_admin:
            return Sight(None)
        return Sight(frozenset(self.teams.through.objects.filter(agent_id=self.pk).values_list("team_id", flat=True)))


class Sight:
    """The teams whose tickets someone may see; None stands for all.

    Every door starts from it: the ORM's ``visible_to``, the live reader and the search alike.
    """

    __slots__ = ("teams",)

    def __init__(self, teams: frozenset[int] | None) -> None:
        self.teams = teams

    def covers(self, team_id: int | None) -> bool:
        return self.teams is None or team_id is None or team_id in self.teams

    def where(self, field: str = "team_id") -> models.Q:
        """The same as a condition on a column that names a team."""
        if self.teams is None:
            return models.Q()
        return models.Q(**{f"{field}__in": sorted(self.teams)}) | models.Q(**{f"{field}__isnull": True})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sight) and self.teams == other.teams

    def __hash__(self) -> int:
        return hash(self.teams)


class TokenQuerySet(models.QuerySet["Token"]):
    def valid(self) -> TokenQuerySet:
        return self.filter(revoked_at=None, agent__is_active=True)


class Token(models.Model):
    """A key to the API. Only its hash is kept; the key itself is shown once."""

    agent = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(_("name"), max_length=100, default="", blank=True)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = TokenQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name or f"#{self.pk}"

    @staticmethod
    def digest_of(key: str) -> str:
        """The keys are random, 190 bits and more: a plain hash cannot be turned back."""
        return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()

    @classmethod
    def issue(cls, agent: Agent, name: str = "", key: str = "") -> tuple[Token, str]:
        """Make a token; the second value is the key, which cannot be had again."""
        key = key or TOKEN_PREFIX + secrets.token_urlsafe(32)
        token, _made = cls.objects.get_or_create(digest=cls.digest_of(key), defaults={"agent": agent, "name": name})
        return token, key

    def used(self) -> None:
        """Note the use, once a minute at most: no write per request."""
        now = timezone.now()
        if self.last_used_at is None or now - self.last_used_at > timedelta(minutes=1):
            type(self).objects.filter(pk=self.pk).update(last_used_at=now)

    def revoke(self) -> None:
        type(self).objects.filter(pk=self.pk, revoked_at=None).update(revoked_at=timezone.now())


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self) -> InvitationQuerySet:
        """Neither taken up nor withdrawn; some of them may be too old by now."""
        return self.filter(accepted_at=None, revoked_at=None)


class Invitation(models.Model):
    """A colleague who may make their own account by a link. Only the link's hash is kept."""

    email = models.EmailField(_("e-mail address"))
    name = models.CharField(_("name"), max_length=150)
    role = models.CharField(_("role"), max_length=10, choices=Agent.Role.choices, default=Agent.Role.AGENT)
    teams = models.ManyToManyField(Team, related_name="invitations", blank=True, verbose_name=_("teams"))
    digest = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(Agent, on_delete=models.SET_NULL, null=True, related_name="invitations")
    """Who answers for it: when they lose the right to invite, the link is worth nothing."""
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                condition=models.Q(accepted_at=None, revoked_at=None),
                name="one_open_invitation_per_address",
            ),
        ]
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.email

    @property
    def is_over(self) -> bool:
        return self.expires_at <= timezone.now()
