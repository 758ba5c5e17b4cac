"""Whether what an agent may see has changed since a browser of theirs was last there.

A socket that is open when it changes is told at once (``tickets.live``). One that comes back has only its number, so
the change takes a number of the log too: whoever read up to a lower one begins afresh.
"""

from __future__ import annotations

from django.db import transaction

from agents.models import Sight
from tickets.models import LastSight
from tickets.models.activity import take_number


def noted(agent_id: int, sight: Sight) -> int:
    """The number since which this agent has seen with this sight; 0: as long as we know. One statement as a rule."""
    written = "*" if sight.teams is None else ",".join(map(str, sorted(sight.teams)))
    known = LastSight.objects.filter(agent=agent_id).values_list("sight", "since").first()
    if known is None:
        # Two sockets of a new agent at once: either is right.
        LastSight.objects.bulk_create([LastSight(agent_id=agent_id, sight=written)], ignore_conflicts=True)
        return 0
    if known[0] == written:
        return known[1]
    with transaction.atomic():
        since = take_number()
        LastSight.objects.filter(agent=agent_id).exclude(sight=written).update(sight=written, since=since)
    # Another process may have been faster; then its number is the lower one, and right.
    return LastSight.objects.values_list("since", flat=True).get(agent=agent_id)
