"""SLA policies: what is promised for which tickets, in order. Everybody reads, administrators write."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max, Model
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from agents.models import Agent, Sight, Team
from channels_app.models import Channel
from tickets import shapes
from tickets.api import pages, schema
from tickets.api.doors import Door, one, says
from tickets.api.inputs import Choice, Id, Line, Strict, Yes, wrong
from tickets.models import Ticket
from tickets.sla import following
from tickets.sla.escalation import DEEDS
from tickets.sla.models import MOST_MINUTES, Kind, Policy

MOST_POLICIES = 200
PRIORITIES = [str(value) for value in Ticket.Priority.values]
VALUED = ("priority", "team", "assign")
DO = sorted({*DEEDS, "notify"})

# ── Shapes ───────────────────────────────────────────────────────────────────────────────────


class DeedShape(schema.Shape):
    do = s.ChoiceField(DO)
    value = s.JSONField(required=False, help_text="A priority, or the id of a team or an agent; else left out.")

    class Meta:
        ref_name = "Deed"


class EscalationsShape(schema.Shape):
    warned = DeedShape(many=True)
    breached = DeedShape(many=True)

    class Meta:
        ref_name = "Escalations"


class PolicyShape(schema.Shape):
    id = s.IntegerField()
    name = s.CharField()
    position = s.IntegerField(help_text="The first in order that fits a ticket counts.")
    enabled = s.BooleanField()
    teams = s.ListField(child=s.IntegerField(), help_text="Ids; none: of any team. The same for what follows.")
    channels = s.ListField(child=s.IntegerField())
    priorities = s.ListField(child=s.CharField())
    targets = s.DictField(
        child=s.DictField(child=s.IntegerField()),
        help_text="priority → kind → minutes: what is not there is not promised.",
    )
    business = s.BooleanField(help_text="Only open hours count.")
    warn_percent = s.IntegerField(allow_null=True)
    warn_minutes = s.IntegerField(allow_null=True)
    escalations = EscalationsShape()

    class Meta:
        ref_name = "SlaPolicy"


# ── What is taken ────────────────────────────────────────────────────────────────────────────


class TargetsInput(Strict):
    """Minutes by kind."""

    def get_fields(self) -> dict[str, Any]:
        return {
            kind: s.IntegerField(min_value=1, max_value=MOST_MINUTES, required=False) for kind in map(str, Kind.values)
        }


class PromisesInput(Strict):
    """By priority."""

    def get_fields(self) -> dict[str, Any]:
        return {priority: TargetsInput(required=False) for priority in PRIORITIES}


class Priority(Line):
    """By name; a field of choices would be a second enum of the same."""

    def to_internal_value(self, data: Any) -> str:
        name = super().to_internal_value(data)
        if name not in PRIORITIES:
            raise s.ValidationError(f"This is not one of: {', '.join(PRIORITIES)}.")
        return name


class DeedInput(Strict):
    do = Choice(DO)
    value = s.JSONField(required=False)

    def validate(self, attrs: Any) -> Any:
        name, value = attrs["do"], attrs.get("value")
        if (name in VALUED) != ("value" in attrs):
            raise s.ValidationError({"value": ["Of priority, team and assign, and of nothing else."]})
        if name == "priority" and value not in PRIORITIES:
            raise s.ValidationError({"value": [f"This is not one of: {', '.join(PRIORITIES)}."]})
        if name in ("team", "assign") and (type(value) is not int or not 0 < value < 2**63):
            raise s.ValidationError({"value": ["This is not an id."]})
        return dict(attrs)


class EscalationsInput(Strict):
    warned = s.ListField(child=DeedInput(), required=False, max_length=len(DO))
    breached = s.ListField(child=DeedInput(), required=False, max_length=len(DO))


class _Policy(Strict):
    enabled = Yes(required=False)
    position = s.IntegerField(min_value=0, max_value=2**31 - 1, required=False)
    teams = s.ListField(child=Id(), required=False, max_length=200)
    channels = s.ListField(child=Id(), required=False, max_length=200)
    priorities = s.ListField(child=Priority(), required=False, max_length=len(PRIORITIES))
    business = Yes(required=False)
    warn_percent = s.IntegerField(min_value=1, max_value=99, required=False, allow_null=True)
    warn_minutes = s.IntegerField(min_value=1, max_value=MOST_MINUTES, required=False, allow_null=True)
    escalations = EscalationsInput(required=False)


class NewPolicy(_Policy):
    name = Line(max_length=100)
    targets = PromisesInput(help_text='{"normal": {"first_response": 30}}, in minutes.')


class PolicyChange(_Policy):
    name = Line(max_length=100, required=False)
    targets = PromisesInput(required=False)


# ── Doors ────────────────────────────────────────────────────────────────────────────────────


def policy_shape(row: Policy) -> shapes.Json:
    names = ("name", "position", "enabled", "teams", "channels", "priorities", "targets", "business")
    return {
        "id": row.pk,
        **{name: getattr(row, name) for name in (*names, "warn_percent", "warn_minutes")},
        "escalations": {moment: row.escalations.get(moment, []) for moment in ("warned", "breached")},
    }


def _seen(sight: Sight) -> Any:
    """Those that may count for a ticket that one sees."""
    if sight.teams is None:
        return Policy.objects.all()
    rows = Policy.objects.values_list("pk", "teams")
    return Policy.objects.filter(pk__in=[pk for pk, teams in rows if not teams or sight.teams & set(teams)])


def _exist(model: type[Model], ids: Iterable[int], name: str, words: str) -> None:
    wanted = set(ids)
    if model._default_manager.filter(pk__in=wanted).count() != len(wanted):
        raise wrong(name, words)


def _put(row: Policy, given: dict[str, Any]) -> None:
    """Raises what becomes a 400; then nothing has changed."""
    for name, value in given.items():
        setattr(row, name, value)
    row.targets = {priority: dict(targets) for priority, targets in row.targets.items() if targets}
    if not row.targets:
        raise wrong("targets", "Promise something: at least one time.")
    if row.warn_percent and row.warn_minutes:
        raise wrong("warn_minutes", "Give one of warn_percent and warn_minutes.")
    _exist(Team, row.teams, "teams", "One of these teams does not exist.")
    _exist(Channel, row.channels, "channels", "One of these channels does not exist.")
    for moment, deeds in row.escalations.items():
        if {"assign", "release"} <= {deed["do"] for deed in deeds}:
            raise wrong("escalations", f"{moment}: it can be assigned or given back, not both.")
        _exist(Team, (deed["value"] for deed in deeds if deed["do"] == "team"), "escalations", "There is no such team.")
        named = (deed["value"] for deed in deeds if deed["do"] == "assign")
        _exist(Agent, named, "escalations", "There is no such agent.")
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise wrong("name", "Another policy has this name.") from error
    following.policies.forget()


class Policies(Door):
    @says(PolicyShape, listed=True)
    def get(self, request: Request) -> Response:
        """Those that may count for your tickets, in the order in which they are asked."""
        rows, links = pages.by_key(request, _seen(self.sight), {"position": int, "pk": int})
        return Response(pages.listed(links, map(policy_shape, rows)))

    @says(PolicyShape, status=201, takes=NewPolicy, problems=(403,))
    def post(self, request: Request) -> Response:
        """For administrators. The last in order unless it says otherwise; for tickets that are new or change."""
        self.administrator()
        given = self.read(NewPolicy)
        if Policy.objects.count() >= MOST_POLICIES:
            raise wrong("name", f"There are at most {MOST_POLICIES} policies.")
        last = Policy.objects.aggregate(last=Max("position"))["last"] or 0
        row = Policy(position=last + 1)
        _put(row, given)
        return Response(policy_shape(row), status=201)


class OnePolicy(Door):
    @says(PolicyShape)
    def get(self, request: Request, policy_id: int) -> Response:
        """A policy."""
        return Response(policy_shape(one(_seen(self.sight), pk=policy_id)))

    @says(PolicyShape, takes=PolicyChange, problems=(403,))
    def patch(self, request: Request, policy_id: int) -> Response:
        """For administrators. Clocks that run already stay as they are."""
        self.administrator()
        row = one(Policy.objects.all(), pk=policy_id)
        _put(row, self.read(PolicyChange))
        return Response(policy_shape(row))

    @says(None, status=204, problems=(403,))
    def delete(self, request: Request, policy_id: int) -> Response:
        """For administrators. Clocks that run by it run on."""
        self.administrator()
        one(Policy.objects.all(), pk=policy_id).delete()
        following.policies.forget()
        return Response(status=204)
