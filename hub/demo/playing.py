"""Plays the stories through the desk's own verbs, then moves what each wrote to the time that it happened."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.core.files.base import ContentFile
from django.db.models import Case, F, Max, OuterRef, QuerySet, Subquery, Value, When
from django.utils import timezone

from agents.models import Agent
from channels_app.contract import (
    ContactCard,
    Deletion,
    DeliveryFailed,
    Edit,
    InboundAttachment,
    InboundMessage,
    Location,
    News,
    Postback,
    Reaction,
    ReplyTo,
    Sender,
)
from channels_app.models import Address, Channel, Envelope
from customers.models import Customer, CustomerAddress
from hub.demo import files, stories
from hub.demo.stories import Step, Story
from tickets import intake, lifecycle, media, receipts, replies
from tickets.excerpt import preview
from tickets.models import Activity, Actor, Attachment, Message, Part, Ticket
from tickets.models.activity import SYSTEM, record

# Where people are known by their number.
BY_PHONE = {"sms"}
KINDS = {"png": "image", "mp3": "voice", "pdf": "file"}
S = Message.Status
STATUS = {">": S.DELIVERED, ">>": S.READ, ">!": S.FAILED}


def play(channels: list[Channel], agents: Mapping[str, Agent]) -> None:
    """All of it, oldest first, so that the log's order is the order of time."""
    began = timezone.now()
    by_kind = {channel.kind: channel for channel in channels}
    tales = stories.read(began)
    people = list(dict.fromkeys((tale.channel, tale.phone) for tale in tales))
    scenes = []
    for tale in tales:
        name = f"tr-{1 + people.index((tale.channel, tale.phone))}"
        scenes.append(Scene(tale, by_kind.get(tale.channel, channels[0]), agents, name))
    for number, step in stories.in_order(tales):
        scene = scenes[number]
        # Just after midnight a conversation of "yesterday" must not reach into tomorrow.
        step = replace(step, at=min(step.at, began - timedelta(seconds=1)))
        scene.play(step)
        shift(scene.ticket, began, step.at)
    for scene in scenes:
        shift_people(scene.ticket, began, scene.story.steps[0].at)
    for channel in channels:
        said = Message.objects.filter(channel=channel)
        channel.last_in_at = said.filter(direction=Message.Direction.IN).aggregate(at=Max("at"))["at"]
        channel.last_out_at = said.filter(direction=Message.Direction.OUT).aggregate(at=Max("at"))["at"]
        channel.save(update_fields=["last_in_at", "last_out_at"])


class Scene:
    """One conversation."""

    def __init__(self, story: Story, channel: Channel, agents: Mapping[str, Agent], name: str) -> None:
        self.story = story
        self.channel = channel
        self.agents = agents
        digits = "+" + "".join(filter(str.isdigit, story.phone))
        known_as = digits if story.channel in BY_PHONE else name
        self.sender = Sender(external_id=known_as, name=story.customer, phone=digits, language=story.language)
        self.said: list[str] = []
        self.answer = ""
        self.sorted_out = False

    @property
    def ticket(self) -> Ticket:
        here = Ticket.objects.filter(address__channel=self.channel, address__external_id=self.sender.external_id)
        return here.latest("pk")

    def play(self, step: Step) -> None:
        MARKS[step.mark[0]](self, step)
        if not self.sorted_out:
            self._sort_out()

    def _sort_out(self) -> None:
        self.sorted_out = True
        wanted: dict[str, Any] = {"priority": self.story.priority, "tags": self.story.tags}
        lifecycle.change(self.ticket.pk, Actor.of(self.agents[self.story.first_agent("Lina")]), **wanted)

    # ── the customer ──

    def says(self, step: Step) -> None:
        answered = ReplyTo(external_id=self.answer) if step.mark == "<^" else None
        self.message(step, text=step.words, attachments=_attached(step.file), reply_to=answered)

    def message(self, step: Step, **content: Any) -> None:
        self.said.append(f"{self.sender.external_id}-{step.at:%m%d%H%M%S}-{len(self.said) + 1}")
        content.update(sender=self.sender, conversation=self.sender.external_id, occurred_at=step.at)
        self.receive(step, InboundMessage(external_id=self.said[-1], **content))

    def receive(self, step: Step, news: News) -> None:
        body = json.dumps({"demo": type(news).__name__, "words": step.words, "at": step.at.isoformat()})
        envelope = Envelope.objects.create(channel=self.channel, received_at=step.at, body=body.encode())
        intake.receive(self.channel, news, envelope)

    def does(self, step: Step) -> None:
        act, _space, rest = step.words.partition(" ")
        DEEDS[act](self, step, [part.strip() for part in rest.split(" / ")])

    def reacts(self, step: Step, words: list[str]) -> None:
        self.receive(step, Reaction(target=self.answer, sender=self.sender, emoji=words[0], occurred_at=step.at))

    def edits(self, step: Step, words: list[str]) -> None:
        self.receive(step, Edit(target=self.said[-1], text=words[0], sender=self.sender, occurred_at=step.at))

    def deletes(self, step: Step, words: list[str]) -> None:
        self.receive(step, Deletion(target=self.said[-1], sender=self.sender, occurred_at=step.at))
        Envelope.objects.filter(messages__external_id=self.said[-1]).update(erased_at=step.at)

    def presses(self, step: Step, words: list[str]) -> None:
        self.message(step, postback=Postback(title=words[0], payload=words[1]))

    def places(self, step: Step, words: list[str]) -> None:
        lat, lon = map(float, words[0].split(","))
        here = Location(lat=lat, lon=lon, name=words[1], address=words[2])
        self.message(step, attachments=(InboundAttachment(kind="location", location=here),))

    def hands(self, step: Step, words: list[str]) -> None:
        card = ContactCard(name=words[0], phones=(words[1],))
        self.message(step, attachments=(InboundAttachment(kind="contact", contact=card),))

    # ── the agents ──

    def replies(self, step: Step) -> None:
        """As delivery leaves one behind: nothing of the demo may be sent anywhere."""
        agent, ticket = self.agents[step.who], self.ticket
        text, _mark, reason = step.what.partition(" # ")
        status = STATUS[step.mark]
        message = Message.objects.create(
            ticket=ticket, channel=self.channel, team_id=ticket.team_id, direction="out", agent=agent,
            text=text, status=status, error=_error(reason), attempts=1, first_attempt_at=step.at,
        )  # fmt: skip
        self.answer = f"demo-{message.pk}"
        name = None if status == S.FAILED else self.answer
        Message.objects.filter(pk=message.pk).update(external_id=name)
        Part.objects.create(
            message=message, channel=self.channel, position=0, external_id=name, status=status,
            sent_at=step.at if name else None,
        )  # fmt: skip
        self._attach(message, agent, step.file)
        record(
            ticket, "message.added", Actor.of(agent), message=message,
            waiting_since=None, last_text=preview(message), last_direction="out",
        )  # fmt: skip
        record(ticket, "message.status", SYSTEM, message=message, changes={"status": [S.QUEUED, status]})

    def _attach(self, message: Message, agent: Agent, name: str) -> None:
        if name:
            row = media.upload(agent, ContentFile(files.make(name)), name, "")
            Attachment.objects.filter(pk=row.pk).update(message=message)

    def notes(self, step: Step) -> None:
        replies.reply(self.ticket.pk, self.agents[step.who], replies.Draft(step.what, kind="note"))

    def acts(self, step: Step) -> None:
        agent = self.agents[step.who]
        verb, _space, rest = step.what.partition(" ")
        number, by = self.ticket.pk, Actor.of(agent)
        if verb == "assign":
            lifecycle.assign(number, self.agents[rest] if rest else agent, by)
        elif verb == "snooze":
            lifecycle.snooze(number, stories.moment(rest, timezone.now(), back=False), by)
        else:
            getattr(lifecycle, verb)(number, by)


MARKS: dict[str, Callable[[Scene, Step], None]] = {
    "<": Scene.says,
    "=": Scene.does,
    ">": Scene.replies,
    "~": Scene.notes,
    "!": Scene.acts,
}
DEEDS: dict[str, Callable[[Scene, Step, list[str]], None]] = {
    "react": Scene.reacts,
    "edit": Scene.edits,
    "delete": Scene.deletes,
    "press": Scene.presses,
    "place": Scene.places,
    "card": Scene.hands,
}


def _attached(name: str) -> tuple[InboundAttachment, ...]:
    if not name:
        return ()
    kind: Any = KINDS[name.rpartition(".")[2]]
    return (InboundAttachment(kind=kind, filename=name, data=files.make(name)),)


def _error(reason: str) -> dict[str, Any] | None:
    code, _slash, title = reason.partition(" / ")
    return receipts.error_json(DeliveryFailed(title, permanent=False, code=code)) if reason else None


# ── Into the past ────────────────────────────────────────────────────────────────────────────


def shift(ticket: Ticket, began: datetime, at: datetime) -> None:
    """Whatever of the ticket bears a time since we began was written by the last step: it happened then."""
    moved = ("created_at", "updated_at", "resolved_at", "last_inbound_at", "waiting_since")
    _back(Ticket.objects.filter(pk=ticket.pk), began, at, *moved)
    _back(Message.objects.filter(ticket=ticket), began, at, "created_at", "at", "deleted_at")
    _back(Activity.objects.filter(ticket=ticket), began, at, "at")


def shift_people(ticket: Ticket, began: datetime, at: datetime) -> None:
    """And who wrote is known since their first message, a file as long as its message."""
    _back(Address.objects.filter(pk=ticket.address_id), began, at, "created_at")
    _back(CustomerAddress.objects.filter(address=ticket.address_id), began, at, "created_at")
    _back(Customer.objects.filter(pk=ticket.customer_id), began, at, "created_at")
    when = Message.objects.filter(pk=OuterRef("message")).values("created_at")
    Attachment.objects.filter(message__ticket=ticket).update(created_at=Subquery(when))


def _back(rows: QuerySet[Any], began: datetime, at: datetime, *names: str) -> None:
    rows.update(**{name: Case(When(**{f"{name}__gte": began}, then=Value(at)), default=F(name)) for name in names})
