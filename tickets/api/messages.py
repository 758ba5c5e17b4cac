"""Messages: what was said, saying something, sending again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from channels_app.contract import SCOPE, QuickReply, Template, clean_text, fit_id
from channels_app.models import Channel
from tickets import delivery, reactions, replies, shapes
from tickets.api import pages, schema
from tickets.api.doors import Door, one, says
from tickets.api.inputs import LARGEST, Choice, Id, Line, Strict, Text, choice, number, words, wrong
from tickets.models import Message

MAX_TEXT = 1024 * 1024
MAX_FILES = 50
IN_ORDER: pages.Key = {"at": datetime, "pk": int}
HEADER = {
    "Idempotency-Key": "At most 255 characters, kept 24 h: again, also in parallel, gives the same message with 200."
}


def fits(text: str) -> None:
    if len(text.encode()) > MAX_TEXT:
        raise ValidationError("This is over 1 MB.")


class ByTemplate(Strict):
    name = Line(max_length=512)
    language = Line(required=False, allow_blank=True, default="", max_length=20)
    parameters = serializers.DictField(
        child=Text(allow_blank=True, max_length=2000), required=False, help_text="Blank → what stands in it."
    )


def template_in(given: dict[str, Any]) -> Template | None:
    said = given.get("template")
    if not said:
        return None
    return Template(name=said["name"], language=said["language"], parameters=said.get("parameters", {}))


class Offered(Strict):
    title = Line(max_length=1000)
    payload = Text(required=False, allow_blank=True, max_length=2000, help_text="Left out: the title.")


class NewMessage(Strict):
    text = Text(required=False, allow_blank=True, validators=[fits])
    kind = Choice(["reply", "note"], required=False, default="reply")
    attachments = serializers.ListField(
        child=Id(), required=False, max_length=MAX_FILES, help_text="Ids of your uploads."
    )
    reply_to = Id(required=False, allow_null=True)
    cc = serializers.ListField(
        child=Line(max_length=255), required=False, allow_null=True, max_length=48,
        help_text="Of a mail. Left out: whoever had the customer's last one.",
    )  # fmt: skip
    bcc = serializers.ListField(child=Line(max_length=255), required=False, max_length=48, help_text="Of a mail.")
    template = ByTemplate(required=False, allow_null=True, help_text="In place of a text: one of the channel's.")
    quick_replies = serializers.ListField(
        child=Offered(), required=False, max_length=MAX_FILES,
        help_text="What the customer may press; comes back as a postback. The channel says how many.",
    )  # fmt: skip
    seen = serializers.IntegerField(
        required=False, allow_null=True, min_value=-LARGEST, max_value=LARGEST,
        help_text="The last line of the log that you had before you. Left out: not checked.",
    )  # fmt: skip


class TicketMessages(Door):
    @says(schema.Message, listed=True)
    def get(self, request: Request, number: int) -> Response:
        """Oldest first."""
        self.must_see(number)
        rows, links = pages.by_key(request, Message.objects.for_reading().filter(ticket=number), IN_ORDER)
        return Response(pages.listed(links, map(shapes.message, rows)))

    @says(
        schema.Message, status=201, also={200: schema.Message}, takes=NewMessage, headers=HEADER, problems=(409, 422)
    )  # fmt: skip
    def post(self, request: Request, number: int) -> Response:
        """Reply or write a note. 409 with “seq” and “new” when something you had not seen changes the answer."""
        self.must_see(number)
        given = self.read(NewMessage)
        draft = replies.Draft(
            text=given.get("text", ""),
            kind=given["kind"],
            attachments=tuple(given.get("attachments", ())),
            reply_to=given.get("reply_to"),
            seen=given.get("seen"),
            key=request.headers.get("Idempotency-Key", ""),
            cc=None if given.get("cc") is None else tuple(given["cc"]),
            bcc=tuple(given.get("bcc", ())),
            template=template_in(given),
            quick_replies=tuple(QuickReply(**one) for one in given.get("quick_replies", ())),
        )
        message, new = replies.reply(number, self.agent, draft)
        return Response(shapes.message(Message.objects.for_reading().get(pk=message.pk)), status=201 if new else 200)


class Messages(Door):
    @says(
        schema.Message, listed=True,
        query={"channel": "id", "external_id": "the platform's id", "direction": "in, out or note"},
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """Find a message by what its platform calls it."""
        channel, external_id = number(request, "channel"), words(request, "external_id", 2000)
        if not external_id:
            raise wrong("external_id", "Give “external_id”, and “channel” if you know it.")
        direction = choice(request, "direction", Message.Direction.values)
        # All three columns of the constraint's index are named, so that it is used.
        here = Message.objects.seen_with(self.sight).for_reading().filter(
            channel__in=Channel.objects.filter(**({"pk": channel} if channel else {})),
            direction__in=[direction] if direction else Message.Direction.values,
        )  # fmt: skip
        found = here.filter(external_id__in={fit_id(external_id, 512), fit_id(external_id)})
        rows, links = pages.by_key(request, found, {"pk": int})
        if not rows:
            # Of a platform that numbers per conversation: no index helps, so it is looked for only then.
            found = here.filter(external_id__endswith=SCOPE + clean_text(external_id))
            rows, links = pages.by_key(request, found, {"pk": int})
        return Response(pages.listed(links, map(shapes.message, rows)))


class OneMessage(Door):
    @says(schema.Message)
    def get(self, request: Request, message_id: int) -> Response:
        """The message as it is now."""
        return Response(shapes.message(one(Message.objects.seen_with(self.sight).for_reading(), pk=message_id)))


class Emoji(Strict):
    emoji = Text(max_length=64, help_text="One emoji, in place of ours that is there.")


class OurReaction(Door):
    @says(schema.Message, takes=Emoji)
    def put(self, request: Request, message_id: int) -> Response:
        """React to what a customer wrote. Taken back, with a line in the log, if the platform refuses."""
        one(Message.objects.seen_with(self.sight), pk=message_id)
        return Response(shapes.message(reactions.react(message_id, self.agent, self.read(Emoji)["emoji"])))

    @says(schema.Message)
    def delete(self, request: Request, message_id: int) -> Response:
        """Take our reaction back."""
        one(Message.objects.seen_with(self.sight), pk=message_id)
        return Response(shapes.message(reactions.react(message_id, self.agent, "")))


class Retry(Door):
    @says(schema.Message, status=202, problems=(409,))
    def post(self, request: Request, message_id: int) -> Response:
        """Send a failed reply again: only the parts that did not go out."""
        one(Message.objects.seen_with(self.sight), pk=message_id)
        return Response(shapes.message(delivery.retry(message_id, self.by)), status=202)
