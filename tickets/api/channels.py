"""Channels: made and changed by administrators; their secrets are shown once, when they are made."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext
from rest_framework.request import Request
from rest_framework.response import Response

from agents.models import Agent, Sight, Team
from channels_app import checks, registry, templates
from channels_app.contract import DeliveryFailed
from channels_app.models import Channel, MessageTemplate
from tickets import shapes
from tickets.api import pages, schema
from tickets.api.doors import Door, one, says
from tickets.api.inputs import Choice, Id, Line, Plain, Strict, Yes, wrong
from tickets.api.problems import Problem


def seen_channels(sight: Sight) -> QuerySet[Channel]:
    return Channel.objects.filter(sight.where("team_id")).select_related("team")


def team_of(row: Channel) -> shapes.Json | None:
    return {"id": row.team.pk, "name": row.team.name} if row.team else None


def shape(row: Channel) -> shapes.Json:
    return {
        "id": str(row.pk),
        "kind": row.kind,
        "name": row.name,
        "team": team_of(row),
        "enabled": row.enabled,
        "webhook_url": row.webhook_url(),
        "quota": _quota(row),
        "failure": row.last_failure if row.failure_category else None,
        "created_at": shapes.when(row.created_at),
    }


def _quota(row: Channel) -> shapes.Json | None:
    if row.quota_at is None or row.quota_used is None:
        return None
    return {"limit": row.quota_limit, "used": row.quota_used, "at": shapes.when(row.quota_at)}


def with_secrets(row: Channel) -> shapes.Json:
    """The object of ``demo --json``. For the administrator who has just made the channel, and nobody else."""
    return {
        "id": str(row.pk),
        "kind": row.kind,
        "name": row.name,
        "team": team_of(row),
        "webhook_url": row.webhook_url(),
        "settings": row.clear_settings(),
    }


def team(team_id: int | None) -> Team | None:
    found = Team.objects.filter(pk=team_id).first() if team_id else None
    if team_id and found is None:
        raise wrong("team", "There is no such team.")
    return found


class Kind(Choice):
    """Those that are installed."""

    def __init__(self) -> None:
        super().__init__(registry.kinds())


class NewChannel(Strict):
    kind = Kind()
    name = Line(max_length=150)
    team = Id(required=False, allow_null=True, help_text="Left out: yours. Null: for all.")
    settings = Plain(required=False, help_text="As the kind wants them; secrets of our own making may be left out.")


class ChannelChange(Strict):
    name = Line(required=False, max_length=150)
    team = Id(required=False, allow_null=True)
    enabled = Yes(required=False)
    settings = Plain(required=False, help_text="Those that change. A changed address asks for the secrets again.")


class Channels(Door):
    @says(schema.Channel, listed=True)
    def get(self, request: Request) -> Response:
        """Those of your teams, without settings."""
        rows, links = pages.by_key(request, seen_channels(self.sight), {"pk": int})
        return Response(pages.listed(links, map(shape, rows)))

    @says(schema.MadeChannel, status=201, takes=NewChannel)
    def post(self, request: Request) -> Response:
        """For administrators. The answer shows the secrets this once."""
        self.administrator()
        given = self.read(NewChannel)
        theirs = team(given["team"]) if "team" in given else self.agent.teams.order_by("pk").first()
        row = Channel(kind=given["kind"], name=given["name"], team=theirs)
        row.put_settings(checks.complete(given["kind"], given.get("settings", {})))
        row.save()
        return Response(with_secrets(row), status=201)


class OneChannel(Door):
    @says(schema.Channel)
    def get(self, request: Request, channel_id: int) -> Response:
        """Without settings."""
        return Response(shape(one(seen_channels(self.sight), pk=channel_id)))

    @says(schema.Channel, takes=ChannelChange)
    def patch(self, request: Request, channel_id: int) -> Response:
        """For administrators."""
        row = one(seen_channels(self.sight), pk=channel_id)
        self.administrator()
        given: dict[str, Any] = self.read(ChannelChange)
        if "team" in given:
            row.team = team(given["team"])
        row.name, row.enabled = given.get("name", row.name), given.get("enabled", row.enabled)
        if "settings" in given:
            row.put_settings(checks.complete(row.kind, given["settings"], row.clear_settings()))
        row.save(update_fields=["name", "team", "enabled", "public_settings", "sealed_settings", "failure_category"])
        return Response(shape(row))


class Templates(Door):
    @says(schema.Templates)
    def get(self, request: Request, channel_id: int) -> Response:
        """Its approved texts and those that wait for approval, as they were when last synchronised."""
        return self._answer(one(seen_channels(self.sight), pk=channel_id))

    @says(schema.Templates, problems=(409,))
    def post(self, request: Request, channel_id: int) -> Response:
        """Synchronise with the platform now. For administrators and leads."""
        row = one(seen_channels(self.sight), pk=channel_id)
        self.only(Agent.Role.ADMIN, Agent.Role.LEAD)
        try:
            templates.sync(row.pk)
        except DeliveryFailed as failure:
            raise Problem(409, f"{gettext(failure.title)} {failure.detail}".strip()) from failure
        return self._answer(one(seen_channels(self.sight), pk=channel_id))

    def _answer(self, row: Channel) -> Response:
        rows = MessageTemplate.objects.filter(channel=row)
        return Response({"synced_at": shapes.when(row.templates_at), "results": [shapes.template(one) for one in rows]})


class Check(Door):
    @says(schema.Check)
    def post(self, request: Request, channel_id: int) -> Response:
        """Try the real platform and say in words what works. For administrators and leads."""
        row = one(seen_channels(self.sight), pk=channel_id)
        self.only(Agent.Role.ADMIN, Agent.Role.LEAD)
        told = [{"ok": line.ok, "words": str(line.words)} for line in checks.told(row)]
        return Response({"ok": all(line["ok"] for line in told), "lines": told})
