"""A survey with two weeks of answers, so that its pages show something. It is off: the demo writes to nobody."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any

from django.utils import timezone

from surveys import definition, tallies, texts, versions
from surveys.models import Invitation, Response, Survey, SurveyVersion
from tickets.models import Activity, Message

SCORES = (5, 4, 5, 2, 5, 4, 3, 5, 1, 4)
COMMENTS = {
    5: "Cepat sekali, terima kasih!",
    2: "ตอบช้าไปหน่อย",
    1: "Paketnya masih belum sampai.",
    4: "",
    3: "",
}
State = Invitation.State


def make() -> Survey:
    """Made with the demo; answers stand on tickets that the demo's agents have resolved."""
    content = {
        "look": definition.STARS,
        "languages": list(texts.LANGUAGES),
        "texts": texts.usual(definition.CSAT),
        "questions": [],
        "anonymous": False,
    }
    rules = [
        {"name": "Low score", "low": 1, "high": 2, "follow_up_hours": 24},
        {"name": "Thanks", "low": 3, "high": 5, "thank": True},
    ]
    survey = Survey.objects.create(
        name="After help",
        kind=definition.CSAT,
        content=content,
        rules=rules,
        defects={"late_minutes": 60, "low_score": 2},
    )
    version = versions.version_of(survey)
    lines = Activity.objects.filter(type="ticket.resolved", actor_type="agent").select_related("ticket__customer")
    for place, line in enumerate(lines.order_by("seq")):
        _answered(survey, version, line, SCORES[place % len(SCORES)])
    # The timetable counts them: whoever makes the demo at the same time waits for this transaction.
    return survey


def _answered(survey: Survey, version: SurveyVersion, line: Activity, score: int) -> None:
    ticket = line.ticket
    assert ticket is not None
    asked = min(line.at + timedelta(minutes=10), timezone.now())
    answered = min(asked + timedelta(minutes=25), timezone.now())
    first = Message.objects.filter(ticket=ticket, direction=Message.Direction.OUT, agent__isnull=False).order_by("at")
    reply = first.values_list("at", flat=True).first()
    day = answered.astimezone(UTC).date()
    about: dict[str, Any] = {
        "survey": survey,
        "version": version,
        "ticket": ticket,
        "customer": ticket.customer,
        "channel_id": ticket.channel_id,
        "team_id": ticket.team_id,
        "agent_id": line.agent_id,
        "language": ticket.customer.language[:2] or "id",
        "customer_type": ticket.customer.type,
        "day": day,
    }
    invitation = Invitation.objects.create(
        **{**about, "day": line.at.astimezone(UTC).date()},
        resolution=line.seq,
        state=State.ANSWERED,
        asked_at=asked,
        expires_at=asked + timedelta(days=7),
        created_at=line.at,
        first_reply_seconds=max(int((reply - ticket.created_at).total_seconds()), 0) if reply else None,
    )
    Response.objects.create(
        **about, invitation=invitation, score=score, comment=COMMENTS[score], via=Response.Via.CHANNEL, at=answered,
        changed_at=answered,
    )  # fmt: skip
    tallies.touch({(survey.pk, invitation.day), (survey.pk, day)})
