"""The numbered log: of a ticket, and of all that one may see. The live socket carries the same lines."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from agents.models import Sight
from tickets import log, shapes
from tickets.api import pages, schema
from tickets.api.doors import Door, says
from tickets.api.inputs import position
from tickets.models import Activity
from tickets.models.activity import horizon

SENDS = {"X-Activity": "The safe horizon: no line at or below it can still appear."}


def told(rows: Iterable[Activity], sight: Sight) -> Iterable[dict[str, Any]]:
    """The lines as this sight hears them now; of a ticket that left it only the number."""
    for row in rows:
        if row.gone:
            continue
        if sight.covers(row.team_now):
            yield shapes.line_of(row)
        elif row.from_team_id is not None and sight.covers(row.from_team_id):
            yield shapes.hidden(row)


class Log(Door):
    @says(schema.Activity, listed=True, query={"after": "the last number you have; exclusive"}, sends=SENDS)
    def get(self, request: Request) -> Response:
        """Oldest first, up to the safe horizon: whoever has read N never misses a smaller one. Holes are normal."""
        after, limit = position(request, "after"), pages.limit_of(request)
        until = horizon()
        rows = log.lines(after, until, limit + 1, self.sight)
        more, rows = len(rows) > limit, rows[:limit]
        links = {"next": pages.address(request, after=str(rows[-1].seq)) if more else None, "previous": None}
        return Response(pages.listed(links, told(rows, self.sight)), headers={"X-Activity": str(until)})


class TicketLog(Door):
    @says(schema.Activity, listed=True, query={"after": "the last number you have; exclusive"}, sends=SENDS)
    def get(self, request: Request, number: int) -> Response:
        """What happened on this ticket, oldest first."""
        self.must_see(number)
        until = horizon()
        found = Activity.objects.filter(ticket=number, seq__gt=position(request, "after"), seq__lte=until)
        rows, links = pages.by_key(request, found, {"seq": int})
        return Response(pages.listed(links, told(log.with_data(rows), self.sight)), headers={"X-Activity": str(until)})
