"""Who is there, what each takes on, what is offered, how teams give out work, and the rules."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents import staff
from agents.models import Agent, Team
from agents.presence import roll
from agents.presence.models import CAPACITY, MOST_CAPACITY, Presence, Seat
from channels_app import jobs
from tickets import shapes
from tickets.api import pages, schema
from tickets.api.doors import Door, one, says
from tickets.api.inputs import Choice, Id, Line, Plain, Strict, Yes, wrong
from tickets.api.problems import Problem
from tickets.lifecycle import Conflict
from tickets.models import Ticket
from tickets.routing import considering, crew, desk, giving, rules, words
from tickets.routing.models import Offer, Queue, Rule
from tickets.routing.rule_pages import MOST_RULES
from tickets.routing.rules import Wrong

S = serializers

# ── Shapes ───────────────────────────────────────────────────────────────────────────────────


class PresenceShape(schema.Shape):
    agent = schema.Named()
    status = S.ChoiceField(Presence.Status.values)
    choice = S.CharField(help_text="What they chose; empty: it follows their sockets and keys.")
    load = S.IntegerField()
    capacity = S.IntegerField()
    skills = S.ListField(child=S.CharField())
    languages = S.ListField(child=S.CharField())


class OfferShape(schema.Shape):
    id = S.IntegerField()
    ticket = S.IntegerField()
    made_at = S.DateTimeField()
    due_at = S.DateTimeField(help_text="Then it goes on to somebody else.")
    why = S.CharField(help_text="In your language.")


class QueueShape(schema.Shape):
    team = schema.Named()
    mode = S.ChoiceField(Queue.Mode.values)
    strategy = S.ChoiceField(Queue.Strategy.values)
    sticky = S.BooleanField()
    language = S.ChoiceField(Queue.Language.values)
    offer_seconds = S.IntegerField()
    fallback_minutes = S.IntegerField()
    ring_minutes = S.IntegerField()
    waiting = S.IntegerField(help_text="Open tickets that nobody has.")


class RuleShape(schema.Shape):
    id = S.IntegerField()
    name = S.CharField()
    position = S.IntegerField()
    active = S.BooleanField()
    conditions = S.ListField(child=S.DictField(), help_text='{"field", "values", "not"}; all have to hold.')
    actions = S.DictField(help_text="team, priority, tags, skills, sla, agent, reply.")


class TrialShape(schema.Shape):
    matched = S.IntegerField()
    of = S.IntegerField()
    examples = S.ListField(child=S.IntegerField(), help_text="Numbers of tickets.")


# ── What is taken ────────────────────────────────────────────────────────────────────────────


class PresenceChange(Strict):
    choice = Choice(Presence.Choice.values, allow_blank=True, help_text="Empty lets it follow you again.")


class SeatChange(Strict):
    capacity = S.IntegerField(min_value=0, max_value=MOST_CAPACITY, required=False)
    skills = S.ListField(child=Line(max_length=100), required=False, max_length=200)
    languages = S.ListField(child=Line(max_length=16), required=False, max_length=50)


class QueueChange(Strict):
    mode = Choice(Queue.Mode.values, required=False)
    strategy = Choice(Queue.Strategy.values, required=False)
    sticky = Yes(required=False)
    language = Choice(Queue.Language.values, required=False)
    offer_seconds = S.IntegerField(min_value=5, max_value=600, required=False)
    fallback_minutes = S.IntegerField(min_value=0, max_value=10_080, required=False)
    ring_minutes = S.IntegerField(min_value=1, max_value=1440, required=False)


class RuleInput(Strict):
    name = Line(max_length=100)
    conditions = S.ListField(child=Plain(), max_length=50)
    actions = Plain()
    active = Yes(required=False)
    position = Id(required=False)


class RuleChange(Strict):
    name = Line(max_length=100, required=False)
    conditions = S.ListField(child=Plain(), max_length=50, required=False)
    actions = Plain(required=False)
    active = Yes(required=False)
    position = Id(required=False)


class Trial(Strict):
    conditions = S.ListField(child=Plain(), max_length=50)


# ── Who is there ─────────────────────────────────────────────────────────────────────────────


def _colleagues() -> Any:
    return Agent.objects.filter(is_active=True).select_related("presence", "seat")


def _presences(rows: list[Agent]) -> list[shapes.Json]:
    now, loads = timezone.now(), crew.loads([row.pk for row in rows], crew.weights())
    return [_presence(row, now, loads[row.pk]) for row in rows]


def _presence(row: Agent, now: Any, load: int) -> shapes.Json:
    seat: Seat | None = getattr(row, "seat", None)
    kept: Presence | None = getattr(row, "presence", None)
    return {
        "agent": {"id": row.pk, "name": row.name},
        "status": crew.presence_of(row, now),
        "choice": kept.choice if kept else "",
        "load": load,
        "capacity": seat.capacity if seat else CAPACITY,
        "skills": seat.skills if seat else [],
        "languages": seat.languages if seat else [],
    }


class Presences(Door):
    @says(PresenceShape, listed=True)
    def get(self, request: Request) -> Response:
        """Colleagues: who is there, and how much each has."""
        rows, links = pages.by_key(request, _colleagues(), {"pk": int})
        return Response(pages.listed(links, _presences(list(rows))))


class MyPresence(Door):
    @says(PresenceShape)
    def get(self, request: Request) -> Response:
        """As what you are shown."""
        return Response(_presences([one(_colleagues(), pk=self.agent.pk)])[0])

    @says(PresenceShape, takes=PresenceChange)
    def put(self, request: Request) -> Response:
        """Away, do not disturb, offline, or as your sockets and keys say. Who is online and free is given work."""
        desk.turned(roll.choose(self.agent.pk, self.read(PresenceChange)["choice"]))
        return self.get(request)


class OneSeat(Door):
    @says(PresenceShape)
    def get(self, request: Request, agent_id: int) -> Response:
        """What a colleague takes on."""
        return Response(_presences([one(_colleagues(), pk=agent_id)])[0])

    @says(PresenceShape, takes=SeatChange, problems=(403,))
    def patch(self, request: Request, agent_id: int) -> Response:
        """For administrators, and for leads of their teams' agents."""
        self.only(Agent.Role.ADMIN, Agent.Role.LEAD)
        row, given = one(staff.agents_under(self.agent), pk=agent_id), self.read(SeatChange)
        for name in ("skills", "languages"):
            if name in given:
                given[name] = list(dict.fromkeys(word.lower() for word in given[name]))
        Seat.objects.update_or_create(agent=row, defaults=given)
        jobs.enqueue(giving.SERVE, 0, row.pk)
        return self.get(request, agent_id)


# ── Offers ───────────────────────────────────────────────────────────────────────────────────


def _offer(row: Offer) -> shapes.Json:
    return {
        "id": row.pk,
        "ticket": row.ticket_id,
        "made_at": shapes.when(row.made_at),
        "due_at": shapes.when(row.due_at),
        "why": words.of(row.why),
    }


class Offers(Door):
    @says(OfferShape, listed=True)
    def get(self, request: Request) -> Response:
        """What you may take right now."""
        found = Offer.objects.filter(agent=self.agent, state=Offer.State.OPEN, due_at__gt=timezone.now())
        rows, links = pages.by_key(request, found, {"pk": int})
        return Response(pages.listed(links, map(_offer, rows)))


class OneOffer(Door):
    @says(None, status=204)
    def delete(self, request: Request, offer_id: int) -> Response:
        """Not now: it goes on to the next."""
        giving.decline(one(Offer.objects.filter(agent=self.agent), pk=offer_id).pk, self.agent)
        return Response(status=204)


class Acceptance(Door):
    @says(schema.Ticket, problems=(409,))
    def put(self, request: Request, offer_id: int) -> Response:
        """Take the ticket."""
        row = one(Offer.objects.filter(agent=self.agent), pk=offer_id)
        try:
            taken = giving.accept(row.pk, self.agent)
        except Conflict as error:
            raise Problem(409, str(error)) from error
        return Response(shapes.ticket(self.ticket(taken.pk)))


# ── Queues ───────────────────────────────────────────────────────────────────────────────────


class OneQueue(Door):
    @says(QueueShape, problems=(403,))
    def get(self, request: Request, team_id: int) -> Response:
        """How a team gives out work. For administrators, and for its leads."""
        self.only(Agent.Role.ADMIN, Agent.Role.LEAD)
        team = one(staff.teams_under(self.agent), pk=team_id)
        return Response(_queue(team))

    @says(QueueShape, takes=QueueChange, problems=(403,))
    def patch(self, request: Request, team_id: int) -> Response:
        """Change how a team gives out work."""
        self.only(Agent.Role.ADMIN, Agent.Role.LEAD)
        team = one(staff.teams_under(self.agent), pk=team_id)
        given = self.read(QueueChange)
        with transaction.atomic():
            queue, _made = Queue.objects.update_or_create(team=team, defaults=given)
            desk.changed(queue)
        return Response(_queue(team))


def _queue(team: Team) -> shapes.Json:
    row = Queue.objects.filter(team=team).first() or Queue(team=team)
    names = ("mode", "strategy", "sticky", "language", "offer_seconds", "fallback_minutes", "ring_minutes")
    waiting = Ticket.objects.unresolved().filter(team=team, status=Ticket.Status.OPEN, assignee=None).count()
    return {
        "team": {"id": team.pk, "name": team.name},
        **{name: getattr(row, name) for name in names},
        "waiting": waiting,
    }


# ── Rules ────────────────────────────────────────────────────────────────────────────────────


def _rule(row: Rule) -> shapes.Json:
    return {
        "id": row.pk,
        "name": row.name,
        "position": row.position,
        "active": row.active_since is not None,
        "conditions": row.conditions,
        "actions": row.actions,
    }


def _checked(given: dict[str, Any]) -> dict[str, Any]:
    """Conditions and actions as they are kept; raises what becomes a 400."""
    found: dict[str, Any] = {name: given[name] for name in ("name", "position") if name in given}
    try:
        if "conditions" in given:
            found["conditions"] = rules.stored(rules.conditions_of(given["conditions"]))
    except Wrong as error:
        raise wrong("conditions", str(error)) from error
    try:
        if "actions" in given:
            rules.actions_of(given["actions"])
            found["actions"] = given["actions"]
    except Wrong as error:
        raise wrong("actions", str(error)) from error
    return found


class Rules(Door):
    @says(RuleShape, listed=True, problems=(403,))
    def get(self, request: Request) -> Response:
        """In the order in which they are asked. For administrators and leads."""
        self.only(Agent.Role.ADMIN, Agent.Role.LEAD)
        rows, links = pages.by_key(request, Rule.objects.all(), {"position": int, "pk": int})
        return Response(pages.listed(links, map(_rule, rows)))

    @says(RuleShape, status=201, takes=RuleInput, problems=(403, 409))
    def post(self, request: Request) -> Response:
        """For administrators; off unless “active” says otherwise, and then for tickets from now on."""
        self.administrator()
        given = self.read(RuleInput)
        if Rule.objects.count() >= MOST_RULES:
            raise Problem(409, f"There are at most {MOST_RULES} rules.")
        last = (Rule.objects.aggregate(last=Max("position"))["last"] or 0) + 1
        active = timezone.now() if given.get("active") else None
        row = Rule.objects.create(**{"position": last, **_checked(given)}, active_since=active)
        return Response(_rule(row), status=201)


class OneRule(Door):
    @says(RuleShape, problems=(403,))
    def get(self, request: Request, rule_id: int) -> Response:
        """A rule. For administrators and leads."""
        self.only(Agent.Role.ADMIN, Agent.Role.LEAD)
        return Response(_rule(one(Rule.objects.all(), pk=rule_id)))

    @says(RuleShape, takes=RuleChange, problems=(403,))
    def patch(self, request: Request, rule_id: int) -> Response:
        """For administrators."""
        self.administrator()
        given = self.read(RuleChange)
        fields = _checked(given)
        with transaction.atomic():
            row = one(Rule.objects.select_for_update(), pk=rule_id)
            if "active" in given and given["active"] != (row.active_since is not None):
                fields["active_since"] = timezone.now() if given["active"] else None
            if fields:
                Rule.objects.filter(pk=row.pk).update(**fields)
        return Response(_rule(one(Rule.objects.all(), pk=rule_id)))

    @says(None, status=204, problems=(403,))
    def delete(self, request: Request, rule_id: int) -> Response:
        """For administrators. What it has done to tickets stays."""
        self.administrator()
        one(Rule.objects.all(), pk=rule_id).delete()
        return Response(status=204)


class Trials(Door):
    @says(TrialShape, takes=Trial, problems=(403,))
    def post(self, request: Request) -> Response:
        """How many of the last 500 tickets these conditions would have matched. Nothing is kept or changed."""
        self.administrator()
        conditions = _checked(self.read(Trial))["conditions"]
        rule = rules.Ready(0, "", rules.conditions_of(conditions), rules.Actions())
        found, of = considering.rehearse(rule, Ticket.objects.seen_with(self.sight))
        return Response({"matched": len(found), "of": of, "examples": [row.pk for row in found[:10]]})
