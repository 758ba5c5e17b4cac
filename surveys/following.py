"""What follows from an answer: somebody sees to a low score, the ticket opens again, a word of thanks, a review.

Rules are data of the survey. They are applied once an answer stands, in one transaction that also notes what was
done: a worker killed in it has done all or nothing, and an answer that is changed has done to it only what was not.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import structlog
from django.db import transaction
from django.db.models import Count, Q
from django.urls import reverse
from django.utils import timezone

from agents.models import Agent
from channels_app import jobs
from surveys import definition, links, tallies, texts, versions
from surveys.models import FollowUp, Response
from tickets import automatic, lifecycle, sendable
from tickets.models import Actor, Message, Ticket
from tickets.models.activity import SYSTEM, record
from tickets.routing import giving

log = structlog.get_logger(__name__)

AT_A_TIME = 100
LATER = timedelta(minutes=10)
PAST = 500
"""So many past answers a rule is tried on."""


def sweep() -> None:
    """Answers whose rules wait to be applied (timetable)."""
    due = Response.objects.filter(follow_at__lte=timezone.now()).order_by("follow_at")
    for pk in due.values_list("pk", flat=True)[:AT_A_TIME]:
        jobs.spread(follow, pk)


def follow(response_id: int) -> None:
    """Lock, look, act, note: what another did meanwhile is noted already."""
    with transaction.atomic():
        number = Response.objects.filter(pk=response_id).values_list("ticket_id", flat=True).first()
        ticket = Ticket.objects.locked().select_related("channel", "address", "customer").filter(pk=number or 0).first()
        rows = Response.objects.select_for_update(of=("self",)).select_related("survey", "version")
        response = rows.filter(pk=response_id, follow_at__lte=timezone.now()).first()
        if ticket is None or response is None:
            return
        matched = matching(definition.rules(response.survey.rules), response)
        waits = Steps(response, ticket).take(matched)
        again = timezone.now() + LATER if waits else None
        Response.objects.filter(pk=response.pk).update(done=sorted(set(response.done)), follow_at=again)


def matching(rules: Sequence[definition.Rule], response: Response) -> list[definition.Rule]:
    return [rule for rule in rules if rule.matches(response.score, response.comment, response.team_id)]


class Steps:
    """What is done about one answer; each kind of thing once, whatever the rules and however often it is changed."""

    def __init__(self, response: Response, ticket: Ticket) -> None:
        self.response, self.ticket = response, ticket
        self.content = versions.content_of(response.version)
        self.language = self.content.language(response.language)

    def take(self, rules: Sequence[definition.Rule]) -> bool:
        """True: something has to wait and is tried again."""
        hours = [(rule.follow_up_hours, rule.name) for rule in rules if rule.follow_up_hours]
        if hours and self._new(definition.FOLLOW_UP):
            self._follow_up(*min(hours))
        # What opens the ticket again would tell agents who it was.
        if any(rule.reopen for rule in rules) and not self.content.anonymous and self._new(definition.REOPEN):
            self._reopen()
        return self._say(rules)

    def _new(self, what: str) -> bool:
        if what in self.response.done:
            return False
        self.response.done.append(what)
        return True

    def _follow_up(self, hours: int, rule: str) -> None:
        owner = owner_of(self.ticket)
        due = timezone.now() + timedelta(hours=hours)
        row, made = FollowUp.objects.get_or_create(
            response=self.response,
            defaults={"owner": owner, "team_id": self.response.team_id, "rule": rule[:100], "due_at": due},
        )
        if made and owner is not None:
            self._ring(owner, row)
        if made and not self.content.anonymous:
            name = owner.name if owner else ""
            changes = {"owner": name, "due": due.isoformat(), "score": self.response.score, "rule": rule}
            record(self.ticket, "survey.follow_up", SYSTEM, changes=changes)

    def _ring(self, owner: Agent, row: FollowUp) -> None:
        """On whatever page of the desk they have open. It may be lost; the list of follow-ups has it for good."""
        said = {"id": row.pk, "score": self.response.score, "of": self.content.high}
        href = reverse("survey_follow_up", args=[row.pk])
        transaction.on_commit(lambda: giving.tell([owner.pk], "follow_up", href=href, **said))

    def _reopen(self) -> None:
        if self.ticket.status != Ticket.Status.RESOLVED:
            return
        try:
            # A transaction of its own inside: where a newer ticket is open the conversation goes on there.
            lifecycle.reopen(self.ticket.pk, SYSTEM)
        except lifecycle.Conflict:
            log.info("a newer ticket is open", ticket=self.ticket.pk)

    def _say(self, rules: Sequence[definition.Rule]) -> bool:
        """One message for all that there is to say, and only where they answered in the conversation."""
        if self.content.anonymous:
            # Its team reads the conversation: what is said there to the happy alone would tell who they are.
            return False
        thanks = any(rule.thank for rule in rules) and self.response.via == Response.Via.CHANNEL
        review = next((rule.review for rule in rules if rule.review), "")
        more = bool(self.content.further(self.response.score)) and self.response.via == Response.Via.CHANNEL
        wanted = [
            name for name, is_so in ((definition.THANK, thanks), (definition.REVIEW, bool(review)), ("more", more))
            if is_so and name not in self.response.done
        ]  # fmt: skip
        if not wanted:
            return False
        lines = []
        if definition.THANK in wanted:
            lines.append(self.content.word("thanks", self.language))
        if "more" in wanted:
            lines.append(f"{texts.say('more', self.language)} {links.url(self.response.invitation_id)}")
        if definition.REVIEW in wanted:
            lines.append(f"{texts.say('review', self.language)} {review}")
        try:
            sent = automatic.offer(self.ticket, lambda: "\n".join(lines), "auto-generated")
        except sendable.CannotSend:
            sent = "closed"
        if not isinstance(sent, Message) and sent == "rate":
            return True
        # What cannot be said now is not said a week later.
        self.response.done.extend(wanted)
        return False


def owner_of(ticket: Ticket) -> Agent | None:
    """A lead of the ticket's team, the one with the least to see to; else an administrator."""
    active = Agent.objects.filter(is_active=True).annotate(
        waiting=Count("follow_ups", filter=Q(follow_ups__done_at=None))
    )
    leads = active.filter(role=Agent.Role.LEAD)
    if ticket.team_id is not None:
        leads = leads.filter(teams=ticket.team_id)
    lead = leads.order_by("waiting", "pk").first()
    return lead or active.filter(role=Agent.Role.ADMIN).order_by("waiting", "pk").first()


def finish(follow_up: FollowUp, outcome: str, note: str, by: Agent) -> FollowUp:
    """What came of it; said once more, the newer word counts."""
    with transaction.atomic():
        ticket = Ticket.objects.locked().get(pk=follow_up.response.ticket_id)
        row = FollowUp.objects.select_for_update(of=("self",)).select_related("response__version").get(pk=follow_up.pk)
        first = row.done_at is None
        row.outcome, row.note, row.done_by = outcome, note, by
        row.done_at = row.done_at or timezone.now()
        row.save(update_fields=["outcome", "note", "done_by", "done_at"])
        if first and not versions.content_of(row.response.version).anonymous:
            record(ticket, "survey.followed_up", Actor.of(by), changes={"outcome": outcome})
        tallies.touch({(row.response.survey_id, row.response.day)})
    return row


def tried(survey_id: int, rules: Sequence[definition.Rule]) -> tuple[int, list[int]]:
    """(how many past answers there are to try on, how many of them each rule would have matched)."""
    past = (
        Response.objects.filter(survey=survey_id, invitation__is_test=False)
        .order_by("-id")
        .only("score", "comment", "team_id")[:PAST]
    )
    found = list(past)
    return len(found), [sum(rule.matches(one.score, one.comment, one.team_id) for one in found) for rule in rules]
