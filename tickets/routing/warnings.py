"""What in the settings would leave tickets lying, or can never do anything: said in words where it is set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from agents.models import Agent, Team
from agents.presence.models import Seat
from channels_app.models import Channel
from tickets.routing import crew, rules
from tickets.routing.models import Queue, Rule
from tickets.routing.opening import never_opens
from tickets.routing.rules import Actions
from tickets.sla.models import Policy


def of_queue(queue: Queue) -> list[str]:
    """Four statements."""
    if queue.mode == Queue.Mode.OFF:
        return []
    found = []
    members = list(Agent.objects.filter(teams=queue.team_id, is_active=True).values_list("pk", flat=True))
    seats = list(Seat.objects.filter(pk__in=members))
    most = max((seat.capacity for seat in seats), default=0)
    if not members:
        found.append(_("Nobody is in this team: nothing can be given out."))
    elif seats and most == 0 and len(seats) == len(members):
        found.append(_("Every capacity in this team is 0: nothing can be given out."))
    if members and queue.language == Queue.Language.REQUIRE and not any(seat.languages for seat in seats):
        found.append(_("A language is required, but no colleague of this team has one: nothing in any language goes."))
    known = crew.weights()
    for channel in Channel.objects.filter(team=queue.team_id):
        weight = known.get(channel.pk, 1)
        if seats and 0 < most < weight:
            text = _(
                "A ticket of %(channel)s weighs more than anybody takes: each goes to somebody who has nothing else."
            )
            found.append(text % {"channel": channel.name})
    if never_opens(queue.team_id, timezone.now()):
        found.append(_("The hours of this team never open: everything waits."))
    return found


def of_rules(rows: Sequence[Rule]) -> dict[int, list[str]]:
    """By rule. Those that are off are looked at alone; order and contradiction concern those that are on."""
    read = {row.pk: rules.ready(row) for row in rows}
    found: dict[int, list[str]] = {row.pk: [] for row in rows}
    world = _World(one.actions for one in read.values() if one)
    for row in rows:
        one = read[row.pk]
        if one is None:
            found[row.pk].append(_("This rule cannot be read any more. Open it and save it again."))
            continue
        if rules.impossible(one.conditions):
            found[row.pk].append(_("Its conditions exclude each other: it never matches."))
        found[row.pk] += world.missing(one.actions)
    on = [one for row in rows if row.active_since and (one := read[row.pk])]
    for later, first, what in rules.overruled(on):
        text = _("“%(name)s” stands before it, matches whenever this one does, and has already decided: %(what)s.")
        found[later.id].append(text % {"name": first.name, "what": _named(what)})
    for rule, giver, tag in rules.waiting_for_each_other(on):
        text = _(
            "It asks for the tag “%(tag)s”, which “%(name)s” gives. "
            "Rules ask about a ticket as it came: none sets off another."
        )
        found[rule.id].append(text % {"tag": tag, "name": giver.name})
    return found


def _named(what: str) -> str:
    return {
        "team": _("team"),
        "priority": _("priority"),
        "sla": _("SLA"),
        "agent": _("agent"),
        "reply": _("automatic reply"),
    }[what]


class _World:
    """Which teams, agents and policies that rules name are there; five statements for all rules."""

    def __init__(self, actions: Iterable[Actions]) -> None:
        given = list(actions)

        def named(what: str) -> set[Any]:
            return {getattr(one, what) for one in given if getattr(one, what)}

        self.teams = set(Team.objects.filter(pk__in=named("team")).values_list("pk", flat=True))
        agents = Agent.objects.filter(pk__in=named("agent"), is_active=True).prefetch_related("teams")
        self.agents = {one.pk: one for one in agents}
        members = Agent.teams.through.objects.filter(team_id__in=self.teams, agent__is_active=True)
        self.staffed = set(members.values_list("team_id", flat=True))
        seats = Seat.objects.filter(agent__is_active=True).exclude(skills=[]).values_list("skills", flat=True)
        self.skills = {skill for skills in seats for skill in skills}
        self.policies = set(Policy.objects.filter(pk__in=named("sla")).values_list("pk", flat=True))

    def missing(self, actions: Actions) -> list[str]:
        found = []
        if actions.team and actions.team not in self.teams:
            found.append(_("Its team is not there any more."))
        elif actions.team and actions.team not in self.staffed:
            found.append(_("Nobody is in its team: what it moves there waits."))
        if alone := [skill for skill in actions.skills if skill not in self.skills]:
            found.append(_("No colleague has this skill: %(names)s.") % {"names": ", ".join(alone)})
        if actions.sla and actions.sla not in self.policies:
            found.append(_("Its SLA is not there any more."))
        agent = self.agents.get(actions.agent or 0)
        if actions.agent and agent is None:
            found.append(_("Its agent is not there any more, or may not sign in."))
        if agent and actions.team and not agent.is_admin and actions.team not in {one.pk for one in agent.teams.all()}:
            found.append(_("%(name)s is not in that team and cannot get its tickets.") % {"name": agent.name})
        return found
