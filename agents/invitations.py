"""Invite a colleague by a link: signed, good for a week and for once; the database does not have it."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable
from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.core.mail import EmailMessage, get_connection
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from agents.models import Agent, Invitation, Team, Token
from agents.staff import AGENT, Forbidden, Refused, Taken, standing, teams_under

GOOD_FOR = timedelta(days=7)
LETTER_WITHIN = 10
"""Seconds that a mail server may take: a person waits for the page."""
_signer = signing.Signer(salt="agents.invitation")


class Unusable(Refused):
    """A link that opens nothing. status: of HTTP."""

    def __init__(self, words: str, status: int = 410) -> None:
        super().__init__(words)
        self.status = status


def may_invite(by: Agent, role: str, teams: Collection[int], own: Collection[int]) -> bool:
    """An administrator anybody; a lead an agent, into teams of their own. own: the ids of those."""
    if by.is_admin:
        return by.is_active
    return by.is_active and by.role == Agent.Role.LEAD and role == AGENT and bool(teams) and set(teams) <= set(own)


def under(by: Agent) -> QuerySet[Invitation]:
    """The invitations that this agent may renew and withdraw."""
    if by.is_admin:
        return Invitation.objects.all()
    own = teams_under(by).values("pk")
    beyond = Invitation.teams.through.objects.exclude(team_id__in=own).values("invitation_id")
    within = Invitation.teams.through.objects.filter(team_id__in=own).values("invitation_id")
    return Invitation.objects.filter(role=AGENT, pk__in=within).exclude(pk__in=beyond)


# ── Make, renew, withdraw ────────────────────────────────────────────────────────────────────


@transaction.atomic
def invite(by: Agent, *, email: str, name: str, role: str, teams: Iterable[int]) -> tuple[Invitation, str]:
    """The second value is the link's key, which cannot be had again. Raises Taken, Forbidden."""
    email = Agent.objects.normalize_email(email).lower()
    chosen = standing(teams)
    if not may_invite(by, role, [team.pk for team in chosen], _own(by)):
        raise Forbidden
    _must_be_free(email)
    now, key = timezone.now(), _signer.sign(secrets.token_urlsafe(32))
    Invitation.objects.open().filter(email__iexact=email, expires_at__lte=now).update(revoked_at=now)
    try:
        with transaction.atomic():
            row = Invitation.objects.create(
                email=email, name=name, role=role, invited_by=by, digest=Token.digest_of(key), expires_at=now + GOOD_FOR
            )
    except IntegrityError as error:
        raise Taken(_("An invitation to this address is open already. Make a new link for it in the list.")) from error
    row.teams.set(chosen)
    return row, key


def _must_be_free(email: str) -> None:
    there = Agent.objects.filter(email__iexact=email).first()
    if there is not None and there.is_active:
        raise Taken(_("There is an agent with this address already."))
    if there is not None:
        raise Taken(_("There is a closed account with this address. Open it again instead."))


def _own(by: Agent) -> list[int]:
    return [] if by.is_admin else list(teams_under(by).values_list("pk", flat=True))


@transaction.atomic
def renew(invitation: Invitation, by: Agent) -> str:
    """A new link, good for another week; the old one ends. From now on this agent answers for it."""
    row = _still_open(invitation)
    key = _signer.sign(secrets.token_urlsafe(32))
    row.digest, row.expires_at, row.invited_by = Token.digest_of(key), timezone.now() + GOOD_FOR, by
    row.save(update_fields=["digest", "expires_at", "invited_by"])
    return key


@transaction.atomic
def revoke(invitation: Invitation) -> None:
    row = _still_open(invitation)
    row.revoked_at = timezone.now()
    row.save(update_fields=["revoked_at"])


def _still_open(invitation: Invitation) -> Invitation:
    row = Invitation.objects.select_for_update(of=("self",)).get(pk=invitation.pk)
    if row.accepted_at:
        raise Refused(_("%(name)s has accepted this invitation meanwhile.") % {"name": row.name})
    if row.revoked_at:
        raise Refused(_("This invitation has been withdrawn meanwhile."))
    return row


# ── The link ─────────────────────────────────────────────────────────────────────────────────


def link(key: str) -> str:
    return settings.PUBLIC_URL + reverse("invitation", args=[key])


def find(key: str) -> Invitation:
    """What a link opens; raises Unusable with the reason in words."""
    try:
        _signer.unsign(key)
    except signing.BadSignature:
        raise Unusable(_("This link is not complete, or it is not one of ours."), 404) from None
    row = Invitation.objects.select_related("invited_by").filter(digest=Token.digest_of(key)).first()
    if row is None:
        raise Unusable(_("This link has been replaced by a newer one. Look for it, or ask for another."))
    _must_be_usable(row)
    return row


def _must_be_usable(row: Invitation) -> None:
    if row.accepted_at:
        raise Unusable(_("This invitation has been used already. Sign in with your e-mail address and password."))
    if row.revoked_at or not is_backed(row):
        raise Unusable(_("This invitation has been withdrawn. Ask an administrator of your desk."))
    if row.is_over:
        raise Unusable(_("This invitation is too old. Ask for a new link."))


def is_backed(row: Invitation) -> bool:
    """Whoever invited could still do so today."""
    by = row.invited_by
    if by is None or by.is_admin:
        return by is not None and by.is_active
    return may_invite(by, row.role, [team.pk for team in row.teams.all()], [team.pk for team in by.teams.all()])


@transaction.atomic
def accept(key: str, *, name: str, password: str, language: str) -> Agent:
    """Make the account. Of two at once the second finds the invitation used. Raises Unusable."""
    found = find(key)
    row = Invitation.objects.select_for_update(of=("self",)).select_related("invited_by").get(pk=found.pk)
    if row.digest != found.digest:
        raise Unusable(_("This link has been replaced by a newer one. Look for it, or ask for another."))
    _must_be_usable(row)
    teams: list[Team] = standing(row.teams.values_list("pk", flat=True))
    try:
        with transaction.atomic():
            agent = Agent.objects.create_user(row.email, password, name=name, role=row.role, language=language)
    except IntegrityError as error:
        raise Unusable(_("There is an account with this address already. Sign in with it."), 409) from error
    agent.teams.set(teams)
    row.accepted_at = timezone.now()
    row.save(update_fields=["accepted_at"])
    return agent


# ── The letter ───────────────────────────────────────────────────────────────────────────────


def sends_letters() -> bool:
    """Whether this installation has a mail server; printing to the console would only spread the link."""
    return not settings.EMAIL_BACKEND.endswith((".console.EmailBackend", ".dummy.EmailBackend"))


def send_letter(row: Invitation, key: str, by: Agent) -> None:
    """Raises OSError (smtplib's errors are such) when the mail server does not take it."""
    context = {"invitation": row, "by": by, "link": link(key)}
    EmailMessage(
        subject=" ".join((_("%(name)s invites you to Pelanggan") % {"name": by.name}).split()),
        body=render_to_string("agents/invitation.txt", context),
        to=[row.email],
        connection=get_connection(timeout=LETTER_WITHIN),
    ).send()
