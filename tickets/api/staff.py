"""Agents, teams, tags, and one's own keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents import staff
from agents.models import Agent, Team, Token
from tickets import shapes, tagging
from tickets.api import pages, schema
from tickets.api.doors import Door, one, says
from tickets.api.inputs import Choice, Id, Line, Strict, Text, Yes, choice, number, words, wrong
from tickets.api.problems import Problem
from tickets.models import Tag

Row = TypeVar("Row", Team, Tag)


def named(row: Team | Tag) -> shapes.Json:
    return {"id": row.pk, "name": row.name}


# ── Agents ───────────────────────────────────────────────────────────────────────────────────


def agent_shape(row: Agent) -> shapes.Json:
    return {
        "id": row.pk,
        "name": row.name,
        "email": row.email,
        "role": row.role,
        "teams": [named(team) for team in row.teams.all()],
        "is_active": row.is_active,
    }


def agents() -> QuerySet[Agent]:
    return Agent.objects.prefetch_related("teams")


def teams_of(ids: list[int]) -> list[Team]:
    found = list(Team.objects.filter(pk__in=ids))
    if len(found) != len(set(ids)):
        raise wrong("teams", "One of these teams does not exist.")
    return found


class NewAgent(Strict):
    email = serializers.EmailField(max_length=254)
    name = Line(max_length=150)
    role = Choice(Agent.Role.values, required=False, default=Agent.Role.AGENT.value)
    teams = serializers.ListField(child=Id(), required=False, max_length=200)
    password = Text(required=False, max_length=200, help_text="Left out: they set one by “forgot password”.")

    def validate_password(self, value: str) -> str:
        try:
            validate_password(value)
        except DjangoValidationError as error:
            raise serializers.ValidationError(error.messages) from error
        return value


class AgentChange(Strict):
    name = Line(required=False, max_length=150)
    role = Choice(Agent.Role.values, required=False)
    teams = serializers.ListField(child=Id(), required=False, max_length=200, help_text="All of them.")
    is_active = Yes(required=False)


class Agents(Door):
    @says(schema.Agent, listed=True, query={"team": "id", "role": "admin, lead or agent"})
    def get(self, request: Request) -> Response:
        """All colleagues."""
        found, team, role = agents(), number(request, "team"), choice(request, "role", Agent.Role.values)
        if team:
            found = found.filter(teams=team)
        if role:
            found = found.filter(role=role)
        rows, links = pages.by_key(request, found, {"pk": int})
        return Response(pages.listed(links, map(agent_shape, rows)))

    @says(schema.Agent, status=201, takes=NewAgent)
    def post(self, request: Request) -> Response:
        """For administrators."""
        self.administrator()
        given = self.read(NewAgent)
        teams, password = teams_of(given.pop("teams", [])), given.pop("password", None)
        email = given.pop("email")
        if Agent.objects.filter(email__iexact=email).exists():
            raise wrong("email", "There is an agent with this address already.")
        try:
            with transaction.atomic():
                agent = Agent.objects.create_user(email, password, **given)
                agent.teams.set(teams)
        except IntegrityError as error:
            raise wrong("email", "There is an agent with this address already.") from error
        return Response(agent_shape(one(agents(), pk=agent.pk)), status=201)


class OneAgent(Door):
    @says(schema.Agent)
    def get(self, request: Request, agent_id: int) -> Response:
        """A colleague."""
        return Response(agent_shape(one(agents(), pk=agent_id)))

    @says(schema.Agent, takes=AgentChange, problems=(409,))
    def patch(self, request: Request, agent_id: int) -> Response:
        """For administrators."""
        self.administrator()
        given = self.read(AgentChange)
        teams = teams_of(given.pop("teams")) if "teams" in given else None
        try:
            staff.change(agent_id, teams=None if teams is None else [team.pk for team in teams], **given)
        except staff.LastAdministrator as error:
            raise Problem(409, str(error)) from error
        return Response(agent_shape(one(agents(), pk=agent_id)))


class Me(Door):
    @says(schema.Me)
    def get(self, request: Request) -> Response:
        """Whose token this is."""
        row = one(agents(), pk=self.agent.pk)
        return Response({**agent_shape(row), "language": row.language, "time_zone": row.time_zone})


# ── Teams and tags ───────────────────────────────────────────────────────────────────────────


class NewTeam(Strict):
    name = Line(max_length=100)


class Teams(Door):
    @says(schema.Named, listed=True)
    def get(self, request: Request) -> Response:
        """All teams: a ticket can be moved to any of them."""
        rows, links = pages.by_key(request, Team.objects.all(), {"pk": int})
        return Response(pages.listed(links, map(named, rows)))

    @says(schema.Named, status=201, takes=NewTeam)
    def post(self, request: Request) -> Response:
        """For administrators."""
        self.administrator()
        return Response(named(called(staff.name_team, Team(), self.read(NewTeam)["name"])), status=201)


class OneTeam(Door):
    @says(schema.Named)
    def get(self, request: Request, team_id: int) -> Response:
        """A team."""
        return Response(named(one(Team.objects.all(), pk=team_id)))

    @says(schema.Named, takes=NewTeam)
    def patch(self, request: Request, team_id: int) -> Response:
        """For administrators: its name."""
        self.administrator()
        row = one(Team.objects.all(), pk=team_id)
        return Response(named(called(staff.name_team, row, self.read(NewTeam)["name"])))


def called(give: Callable[[Row, str], Row], row: Row, name: str) -> Row:
    try:
        return give(row, name)
    except staff.Taken as error:
        raise wrong("name", str(error)) from error


class NewTag(Strict):
    name = Line(max_length=60)


class Tags(Door):
    @says(schema.Named, listed=True, query={"q": "in the name"})
    def get(self, request: Request) -> Response:
        """All tags."""
        found, term = Tag.objects.all(), words(request, "q")
        rows, links = pages.by_key(request, found.filter(name__icontains=term) if term else found, {"pk": int})
        return Response(pages.listed(links, map(named, rows)))

    @says(schema.Named, status=201, takes=NewTag)
    def post(self, request: Request) -> Response:
        """A ticket's PATCH makes missing tags too."""
        return Response(named(called(tagging.name, Tag(), self.read(NewTag)["name"])), status=201)


# ── Keys ─────────────────────────────────────────────────────────────────────────────────────


def token_shape(row: Token) -> shapes.Json:
    return {
        "id": row.pk,
        "name": row.name,
        "created_at": shapes.when(row.created_at),
        "last_used_at": shapes.when(row.last_used_at),
    }


class NewToken(Strict):
    name = Line(required=False, allow_blank=True, max_length=100)


class Tokens(Door):
    @says(schema.Token, listed=True)
    def get(self, request: Request) -> Response:
        """Your own that are valid."""
        found = Token.objects.filter(agent=self.agent, revoked_at=None)
        rows, links = pages.by_key(request, found, {"pk": int}, newest_first=True)
        return Response(pages.listed(links, map(token_shape, rows)))

    @says(schema.MadeToken, status=201, takes=NewToken)
    def post(self, request: Request) -> Response:
        """The answer shows the key this once."""
        row, key = Token.issue(self.agent, self.read(NewToken).get("name", ""))
        return Response({**token_shape(row), "key": key}, status=201)


class OneToken(Door):
    @says(None, status=204)
    def delete(self, request: Request, token_id: int) -> Response:
        """Revoke one of your own; sockets opened with it close within seconds."""
        one(Token.objects.filter(agent=self.agent, revoked_at=None), pk=token_id).revoke()
        return Response(status=204)
