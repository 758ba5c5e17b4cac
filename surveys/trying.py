"""A survey is tried on the sandbox: a made-up customer there is really asked, and their answer counts nowhere."""

from __future__ import annotations

import uuid
from datetime import UTC, timedelta
from urllib.parse import urlencode

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from agents.models import Agent
from channels_app import registry
from channels_app.inbound import accept_own
from channels_app.models import Channel
from surveys import asking
from surveys.models import Invitation, Survey
from tickets import lifecycle
from tickets.models import Actor, Ticket

NAME = "Survey test"
SENDER = "survey-test"


class Nowhere(Exception):
    """There is no sandbox to try it on; in words."""


def playgrounds() -> list[str]:
    """Kinds of channel that one can play the customer of."""
    return [kind for kind in registry.kinds() if registry.adapter(kind).has_playground]


def sandboxes(agent: Agent) -> list[Channel]:
    if not settings.SANDBOX_ENABLED:
        return []
    rows = Channel.objects.filter(agent.sight().where("team_id"), kind__in=playgrounds(), enabled=True)
    return list(rows.order_by("pk"))


def send(survey: Survey, agent: Agent, language: str) -> str:
    """The address of the page on which the customer is played. Raises Nowhere."""
    channel = next(iter(sandboxes(agent)), None)
    if channel is None:
        raise Nowhere(_("There is no sandbox channel that you see."))
    accept_own(
        channel,
        {"id": f"survey-{uuid.uuid4().hex}", "sender": SENDER, "name": NAME, "language": language, "text": "Halo"},
    )
    ticket = Ticket.objects.filter(channel=channel, address__external_id=SENDER).latest("number")
    resolved = lifecycle.resolve(ticket.pk, Actor.of(agent))
    row = _invitation(survey, resolved, agent, language)
    if row is not None:
        mine = uuid.uuid4()
        Invitation.objects.filter(pk=row.pk).update(claim=mine)
        asking.done(mine, [row.pk])
    return f"{reverse('sandbox', args=[channel.pk])}?{urlencode({'customer': NAME})}"


@transaction.atomic
def _invitation(survey: Survey, ticket: Ticket, agent: Agent, language: str) -> Invitation | None:
    """Before the log is read: a resolution is asked about once, so this one is the test's."""
    if not ticket.told:
        return None
    now = timezone.now()
    return Invitation.objects.create(
        survey=survey,
        ticket=ticket,
        resolution=ticket.told[-1].seq,
        customer_id=ticket.customer_id,
        channel_id=ticket.channel_id,
        team_id=ticket.team_id,
        agent=agent,
        language=language or "en",
        due_at=now,
        expires_at=now + timedelta(hours=1),
        day=now.astimezone(UTC).date(),
        is_test=True,
    )
