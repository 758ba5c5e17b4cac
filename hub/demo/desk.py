"""Makes what is missing of the demo, all in one transaction, so that two who start at once make it once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from agents.models import Agent
from channels_app.models import Channel
from hub.demo import accounts, people, playing, promises, survey

LOCK = 0x64656D6F
PATIENCE = 60_000
"""Milliseconds to wait for another that makes the same."""


@dataclass(frozen=True)
class Made:
    people: dict[str, Agent]
    channels: list[Channel]
    is_new: bool

    def changed(self) -> list[str]:
        return people.changed(self.people)

    def as_json(self) -> dict[str, Any]:
        return {
            "url": settings.PUBLIC_URL,
            "agents": [_agent(one, self.people[one.name]) for one in people.PEOPLE],
            "channels": [_channel(channel) for channel in self.channels],
        }


def make(platform_url: str | None = None, smtp_url: str | None = None) -> Made:
    """None leaves an address as it was. Raises SettingsInvalid for one that cannot be."""
    passwords = people.hashes()
    with _patiently(), transaction.atomic():
        _alone()
        agents, is_new = people.make_people(passwords)
        channels = accounts.make_channels(people.team_of(agents["Ana"]))
        if is_new:
            playing.play(channels, agents)
            promises.make(people.team_of(agents["Carl"]))
            survey.make()
        if platform_url is not None:
            accounts.point(channels, accounts.PLATFORM, platform_url.rstrip("/"))
        if smtp_url is not None:
            accounts.point(channels, accounts.MAIL, smtp_url)
    return Made(agents, channels, is_new)


@contextmanager
def _patiently() -> Iterator[None]:
    """A second call may have to wait until the first has made everything: on SQLite already to begin."""
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        usual = cursor.fetchone()[0]
        cursor.execute(f"PRAGMA busy_timeout = {PATIENCE}")
        try:
            yield
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {usual}")


def _alone() -> None:
    """SQLite's transactions are alone by themselves (IMMEDIATE)."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = {PATIENCE}")
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def _agent(one: people.Person, agent: Agent) -> dict[str, Any]:
    team = agent.teams.order_by("pk").first()
    return {
        "id": agent.pk,
        "name": agent.name,
        "email": agent.email,
        "password": one.password,
        "token": one.token,
        "role": agent.role,
        "team": {"id": team.pk, "name": team.name} if team else None,
    }


def _channel(channel: Channel) -> dict[str, Any]:
    return {
        "id": str(channel.pk),
        "kind": channel.kind,
        "name": channel.name,
        "team": {"id": channel.team.pk, "name": channel.team.name} if channel.team else None,
        "webhook_url": channel.webhook_url(),
        "settings": accounts.full_settings(channel),
    }
