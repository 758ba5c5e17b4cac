"""Where an agent plays the customer, on channels that have no platform behind them."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.http import Http404
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from channels_app import inbound
from channels_app.models import Channel, Envelope
from tickets import shapes
from tickets.api import pages, schema
from tickets.api.channels import seen_channels
from tickets.api.doors import Door, one, says
from tickets.api.inputs import Line, Plain, Strict, Text, position, words, wrong
from tickets.api.messages import MAX_FILES, fits
from tickets.api.problems import Problem
from tickets.models import Message


class Pressed(Strict):
    title = Line(required=False, allow_blank=True, max_length=1000)
    payload = Text(required=False, allow_blank=True, max_length=1000)


class Spoken(Strict):
    sender = Line(max_length=255, help_text="Who you play: any name.")
    text = Text(required=False, allow_blank=True, validators=[fits])
    name = Line(required=False, allow_blank=True, max_length=200)
    attachments = serializers.ListField(
        child=Plain(), required=False, max_length=MAX_FILES, help_text="{url, filename, mime}"
    )
    postback = Pressed(required=False, allow_null=True, help_text="A button of “quick_replies”, as it was offered.")


class Playground(Door):
    def _channel(self, channel_id: int) -> Channel:
        row = one(seen_channels(self.sight), pk=channel_id)
        if not (settings.SANDBOX_ENABLED and row.enabled and row.adapter.has_playground):
            raise Http404
        return row

    @says(schema.Played, status=201, takes=Spoken)
    def post(self, request: Request, channel_id: int) -> Response:
        """Say something as the customer."""
        channel = self._channel(channel_id)
        given = self.read(Spoken)
        pressed = any((given.get("postback") or {}).values())
        if not (given.get("text", "").strip() or given.get("attachments") or pressed):
            raise wrong("text", "Write something first.")
        news = {**given, "id": f"sandbox-{uuid.uuid4().hex}", "sent_at": timezone.now().isoformat()}
        envelope = inbound.accept_own(channel, news)
        if envelope is None or envelope.state != Envelope.State.OPENED:
            raise Problem(400, envelope.error if envelope else "This was said already.")
        message = Message.objects.for_reading().get(channel=channel, direction="in", external_id=news["id"])
        return Response({"message": shapes.message(message)}, status=201)

    @says(schema.Message, listed=True, query={"sender": "who you play", "after": "id of the last message you have"})
    def get(self, request: Request, channel_id: int) -> Response:
        """What the customer sees: their conversation, oldest first, without notes."""
        channel = self._channel(channel_id)
        found = Message.objects.seen_with(self.sight).for_reading().filter(
            ticket__address__channel=channel,
            ticket__address__external_id=words(request, "sender"),
            direction__in=["in", "out"],
            pk__gt=position(request, "after"),
        )  # fmt: skip
        rows, links = pages.by_key(request, found, {"pk": int})
        return Response(pages.listed(links, map(shapes.message, rows)))
