"""What may be done with accounts and teams, and by whom: the same rules for the pages and the API.

An administrator does everything. A team lead puts colleagues into their own teams and takes them out,
but never touches an administrator. Nothing here knows what anybody works on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from agents.models import Agent, Team

ADMIN, LEAD, AGENT = Agent.Role.ADMIN, Agent.Role.LEAD, Agent.Role.AGENT


class Refused(Exception):
    """What cannot be done; the text says why, and what to do."""


class LastAdministrator(Refused):
    def __init__(self) -> None:
        super().__init__(_("This is the last administrator. Make another one first."))


class Taken(Refused):
    """There is one of this name or address already."""


class Forbidden(Refused):
    def __init__(self) -> None:
        super().__init__(_("Your role does not allow this."))


# ── Who may ──────────────────────────────────────────────────────────────────────────────────


def teams_under(by: Agent) -> QuerySet[Team]:
    """The teams whose members this agent decides about."""
    if by.is_admin:
        return Team.objects.all()
    return Team.objects.filter(agents=by) if by.role == LEAD else Team.objects.none()


def agents_under(by: Agent) -> QuerySet[Agent]:
    """The colleagues that this agent may look up in the settings: a lead those of their own teams."""
    if by.is_admin:
        return Agent.objects.all()
    members = Agent.teams.through.objects.filter(team_id__in=teams_under(by).values("pk"))
    return Agent.objects.filter(pk__in=members.values("agent_id"))


def may_move(by: Agent, agent: Agent) -> bool:
    """May put this agent into a team of theirs, or take them out."""
    return by.is_admin or (by.role == LEAD and not agent.is_admin)


# ── Accounts ─────────────────────────────────────────────────────────────────────────────────


def change(agent_id: int, *, teams: Collection[int] | None = None, **given: Any) -> Agent:
    """name, role, is_active; teams: ids of all of them. A closed account is signed out everywhere.

    Raises Agent.DoesNotExist, and LastAdministrator when nobody would be left to run the desk.
    """
    agent = _change(agent_id, teams, given)
    if given.get("is_active") is False:
        end_sessions(agent)
    return agent


@transaction.atomic
def _change(agent_id: int, teams: Collection[int] | None, given: dict[str, Any]) -> Agent:
    # All administrators in one order: two of them who demote each other meet at the first row, and the second sees
    # what the first has done.
    asked = Q(pk=agent_id) | Q(role=ADMIN, is_active=True)
    locked = {row.pk: row for row in Agent.objects.select_for_update(no_key=True).filter(asked).order_by("pk")}
    agent = locked.get(agent_id)
    if agent is None:
        raise Agent.DoesNotExist
    loses = given.get("role", ADMIN) != ADMIN or not given.get("is_active", True)
    if loses and agent.is_admin and agent.is_active and len(locked) == 1:
        raise LastAdministrator
    for name, value in given.items():
        setattr(agent, name, value)
    if given:
        agent.save(update_fields=list(given))
    if teams is not None:
        agent.teams.set(standing(teams))
    return agent


def standing(teams: Iterable[int]) -> list[Team]:
    """Those that are still there, held until the transaction ends so that nobody deletes them meanwhile."""
    return list(Team.objects.select_for_update(no_key=True).filter(pk__in=list(teams)).order_by("pk"))


def end_sessions(agent: Agent) -> int:
    """Sign out everywhere, browsers and their sockets. A session knows its agent, but not the other way round."""
    doomed = [
        row.session_key
        for row in Session.objects.filter(expire_date__gt=timezone.now()).iterator(chunk_size=500)
        if row.get_decoded().get(SESSION_KEY) == str(agent.pk)
    ]
    for start in range(0, len(doomed), 500):
        Session.objects.filter(session_key__in=doomed[start : start + 500]).delete()
    return len(doomed)


# ── Teams ────────────────────────────────────────────────────────────────────────────────────


def name_team(team: Team, name: str) -> Team:
    """Make one, or call it something else. Raises Taken."""
    team.name = name
    try:
        with transaction.atomic():
            team.save()
    except IntegrityError as error:
        raise Taken(_("There is a team of this name already.")) from error
    return team


@transaction.atomic
def join(team_id: int, agent_id: int, by: Agent) -> Agent:
    """Raises Agent.DoesNotExist, Team.DoesNotExist, Forbidden."""
    team, agent = _both(team_id, agent_id, by)
    agent.teams.add(team)
    return agent


@transaction.atomic
def leave(team_id: int, agent_id: int, by: Agent) -> Agent:
    """Raises Agent.DoesNotExist, Team.DoesNotExist, Forbidden."""
    team, agent = _both(team_id, agent_id, by)
    agent.teams.remove(team)
    return agent


def _both(team_id: int, agent_id: int, by: Agent) -> tuple[Team, Agent]:
    agent = Agent.objects.select_for_update(no_key=True).get(pk=agent_id)
    if not may_move(by, agent):
        raise Forbidden
    found = standing([team_id])
    if not found:
        raise Team.DoesNotExist
    return found[0], agent
