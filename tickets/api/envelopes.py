"""Envelopes: what came in raw, what became of it, and opening it again after a fix. For administrators."""

from __future__ import annotations

from django.db.models import Prefetch, QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from channels_app import replays
from channels_app.models import Envelope
from tickets import shapes
from tickets.api import pages, schema
from tickets.api.doors import Door, one, says
from tickets.api.inputs import choice, number
from tickets.api.problems import Problem
from tickets.models import Message


def for_reading() -> QuerySet[Envelope]:
    ids = Message.objects.only("pk", "envelope").order_by("pk")
    return Envelope.objects.prefetch_related(Prefetch("messages", ids))


def shape(row: Envelope) -> shapes.Json:
    messages: QuerySet[Message] = row.messages.all()
    return {
        "id": row.pk,
        "channel": str(row.channel_id),
        "received_at": shapes.when(row.received_at),
        "state": row.state,
        "error": row.error or None,
        "attempts": row.attempts,
        "messages": [message.pk for message in messages],
    }


class Envelopes(Door):
    @says(schema.Envelope, listed=True, query={"state": "opened, ignored or failed", "channel": "id"})
    def get(self, request: Request) -> Response:
        """Newest first."""
        self.administrator()
        state, channel = choice(request, "state", Envelope.State.values), number(request, "channel")
        found = for_reading().defer("body", "headers")
        if state:
            found = found.filter(state=state)
        if channel:
            found = found.filter(channel=channel)
        rows, links = pages.by_key(request, found, {"pk": int}, newest_first=True)
        return Response(pages.listed(links, map(shape, rows)))


class OneEnvelope(Door):
    @says(schema.OpenedEnvelope)
    def get(self, request: Request, envelope_id: int) -> Response:
        """With what came, as text."""
        self.administrator()
        row = one(for_reading(), pk=envelope_id)
        return Response({**shape(row), "headers": row.headers, "body": bytes(row.body).decode("utf-8", "replace")})


class Replay(Door):
    @says(schema.Envelope, status=202, problems=(409,))
    def post(self, request: Request, envelope_id: int) -> Response:
        """Open it again. What is there already stays as it is."""
        self.administrator()
        one(Envelope.objects.only("pk"), pk=envelope_id)
        try:
            replays.one(envelope_id)
        except replays.CannotReplay as error:
            raise Problem(409, str(error)) from error
        return Response(shape(one(for_reading().defer("body"), pk=envelope_id)), status=202)
