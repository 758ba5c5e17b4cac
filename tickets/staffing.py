"""What follows on the desk when a colleague leaves or a team goes: no ticket is lost, and none is opened to all."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from agents import staff
from agents.models import Agent, Team
from channels_app.models import Channel
from tickets import lifecycle
from tickets.models import Actor, Message, Ticket, TicketQuerySet

AT_A_TIME = 500
ROUNDS = 20
"""So often tickets may arrive for a team that is being emptied before its deletion is given up."""


def close_account(agent_id: int, by: Agent, *, release: bool) -> int:
    """Sign out and keep out; with release their unresolved tickets go back to Unassigned. Gives how many went.

    Raises Agent.DoesNotExist, staff.LastAdministrator.
    """
    agent = staff.change(agent_id, is_active=False)
    return release_all(agent, Actor.of(by)) if release else 0


def release_all(agent: Agent, by: Actor) -> int:
    """Each in a transaction of its own, so that nobody waits for the whole."""
    released = 0
    for number in list(held_by(agent).values_list("pk", flat=True)):
        released += lifecycle.release(number, by, held_by=agent).assignee_id is None
    return released


def held_by(agent: Agent) -> TicketQuerySet:
    return Ticket.objects.unresolved().filter(assignee=agent).order_by("pk")


def delete_team(team: Team, into: Team | None, by: Agent) -> None:
    """Its tickets and channels go to another team first; raises staff.Refused when it has some and there is none.

    A ticket without a team is seen by everybody, so it must never come to that. What is unresolved moves by the
    desk's own verb, with a line in the log; what is resolved moves quietly. Stopped half-way it can be asked for again.
    """
    if into is not None and into.pk == team.pk:
        raise staff.Refused(_("Choose another team."))
    for _round in range(ROUNDS):
        if into is not None:
            _empty(team, into, Actor.of(by))
        if _delete_if_empty(team, into):
            return
        if into is None:
            raise staff.Refused(_("This team has tickets or channels. Choose the team that takes them over."))
    raise staff.Refused(_("New tickets keep coming in. Try again in a moment."))


def has_work(team: Team) -> bool:
    return (
        Channel.objects.filter(team=team).exists()
        or Ticket.objects.filter(team=team).exists()
        or Message.objects.filter(team=team).exists()
    )


def _empty(team: Team, into: Team, by: Actor) -> None:
    # Channels first: what comes in from now on is the other team's.
    Channel.objects.filter(team=team).update(team=into)
    for number in list(Ticket.objects.filter(team=team).unresolved().order_by("pk").values_list("pk", flat=True)):
        lifecycle.change(number, by, team=into)
    for numbers in _batches(team):
        with transaction.atomic():
            rows = Ticket.objects.locked().filter(pk__in=numbers, team=team).order_by("pk")
            held = [row.pk for row in rows]
            Message.objects.filter(ticket__in=held).update(team=into)
            Ticket.objects.filter(pk__in=held).update(team=into)


def _batches(team: Team) -> Iterator[list[int]]:
    last = 0
    while True:
        numbers = list(
            Ticket.objects.filter(team=team, pk__gt=last).order_by("pk").values_list("pk", flat=True)[:AT_A_TIME]
        )
        if not numbers:
            return
        yield numbers
        last = numbers[-1]


@transaction.atomic
def _delete_if_empty(team: Team, into: Team | None) -> bool:
    """Under the lock that whoever moves a ticket or an agent to this team must have."""
    teams = list(Team.objects.select_for_update().filter(pk__in=[team.pk, into.pk if into else team.pk]).order_by("pk"))
    if team not in teams:
        return True
    if into is not None and into not in teams:
        raise staff.Refused(_("This team is not there any more."))
    if has_work(team):
        return False
    for path in settings.PERSONAL_DATA:
        # What other floors keep follows its ticket.
        import_module(path).team_goes(team.pk)
    Team.objects.filter(pk=team.pk).delete()
    return True
