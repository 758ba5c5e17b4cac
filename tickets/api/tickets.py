"""Tickets: lists, one of them, and what is done to it. Actions are resources."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents.models import Agent, Team
from channels_app.models import Channel
from customers.models import CustomerAddress
from tickets import courtesies, lifecycle, lists, replies, shapes
from tickets.api import pages, schema
from tickets.api.customers import seen_customers
from tickets.api.doors import Door, one, says
from tickets.api.inputs import Choice, Id, Line, Moment, Strict, Text, Yes, choice, number, words, wrong
from tickets.api.messages import MAX_FILES, MAX_TEXT, ByTemplate, fits, template_in
from tickets.models import Ticket
from tickets.models.activity import horizon
from tickets.sla.models import State

QUERY = {
    "status": "open, snoozed or resolved",
    "assignee": "an agent's id, me or none",
    "team": "id",
    "channel": "id",
    "customer": "id",
    "tag": "name",
    "priority": "low, normal, high or urgent",
    "sla": "at_risk or breached",
    "ordering": "due: what is due first, and nothing that is not due; not together with q",
    "q": "in subject, messages and customer; newest matching message first",
}
HORIZON = {"X-Activity": "All lines of the log up to this number are in the answer."}


def filters_of(request: Request, agent: Agent, **fixed: Any) -> lists.Filters:
    asked: dict[str, Any] = {
        "status": choice(request, "status", Ticket.Status.values),
        "assignee": assignee_of(request, agent),
        "team": number(request, "team"),
        "channel": number(request, "channel"),
        "customer": number(request, "customer"),
        "tag": words(request, "tag"),
        "priority": choice(request, "priority", Ticket.Priority.values),
        "sla": choice(request, "sla", (State.AT_RISK.value, State.BREACHED.value)),
        "q": words(request, "q"),
    }
    return lists.Filters(**{**asked, **fixed})


def assignee_of(request: Request, agent: Agent) -> int | None:
    text = words(request, "assignee")
    if text in ("me", "none"):
        return agent.pk if text == "me" else 0
    return number(request, "assignee")


def page_of(door: Door, request: Request, filters: lists.Filters) -> Response:
    """One page; the horizon is taken first, so that all up to it is in what is read after it."""
    by_due = choice(request, "ordering", ("due",)) == "due"
    if by_due and filters.q:
        raise wrong("ordering", "What is found by “q” has an order of its own.")
    limit, cursor = pages.limit_of(request), pages.cursor_of(request, [datetime, int] if by_due else [int])
    at = horizon()
    key = None if cursor is None else lists.due_key(*cursor.values) if by_due else cursor.values[0]
    back = cursor is not None and cursor.back
    page = lists.page(
        door.agent, filters, before=None if back else key, after=key if back else None, limit=limit,
        sight=door.sight, by_due=by_due,
    )  # fmt: skip

    def link(key: int | None, back: bool) -> str | None:
        values = (key,) if key is None or not by_due else lists.of_due_key(key)
        return None if key is None else pages.link(request, pages.Cursor(back, values))

    links = {"next": link(page.older, False), "previous": link(page.newer, True)}
    return Response(pages.listed(links, map(shapes.ticket, page.rows)), headers={"X-Activity": str(at)})


class NewTicket(Strict):
    channel = Id()
    to = Line(required=False, help_text="An address as the channel knows it: a phone number, an id.")
    customer = Id(required=False, help_text="Instead of “to”: whose address on this channel is taken.")
    subject = Line(required=False, allow_blank=True, max_length=500)
    text = Text(validators=[fits], required=False, allow_blank=True, help_text=f"At most {MAX_TEXT} bytes.")
    attachments = serializers.ListField(child=Id(), required=False, max_length=MAX_FILES)
    template = ByTemplate(required=False, allow_null=True, help_text="Where a channel begins only with a template.")


class Tickets(Door):
    @says(schema.Ticket, listed=True, query=QUERY, sends=HORIZON)
    def get(self, request: Request) -> Response:
        """Newest activity first; with q, newest matching message first."""
        return page_of(self, request, filters_of(request, self.agent))

    @says(schema.Ticket, status=201, takes=NewTicket, problems=(409,))
    def post(self, request: Request) -> Response:
        """Write to a customer first, where the channel can."""
        given = self.read(NewTicket)
        channel = Channel.objects.filter(self.sight.where("team_id"), pk=given["channel"]).first()
        if channel is None:
            raise wrong("channel", "There is no such channel among those of your teams.")
        if not channel.enabled:
            raise wrong("channel", "This channel is switched off.")
        draft = replies.Draft(
            text=given.get("text", ""),
            attachments=tuple(given.get("attachments", ())),
            key=request.headers.get("Idempotency-Key", ""),
            template=template_in(given),
        )
        message, new = replies.start(channel, self.agent, self._to(channel, given), draft, given.get("subject", ""))
        return Response(shapes.ticket(self._fresh(message.ticket_id)), status=201 if new else 200)

    def _to(self, channel: Channel, given: dict[str, Any]) -> str:
        if ("to" in given) == ("customer" in given):
            raise wrong("to", "Give either “to” or “customer”.")
        if "to" in given:
            return str(given["to"])
        known = CustomerAddress.objects.filter(
            customer__in=seen_customers(self.sight).filter(pk=given["customer"]), address__channel=channel
        )
        found = known.order_by("-pk").values_list("address__external_id", flat=True).first()
        if found is None:
            raise wrong("customer", "There is no such customer, or they have no address on this channel.")
        return found

    def _fresh(self, number: int) -> Ticket:
        return Ticket.objects.for_reading().get(pk=number)


class CustomerTickets(Door):
    @says(schema.Ticket, listed=True, query={name: QUERY[name] for name in QUERY if name != "customer"}, sends=HORIZON)
    def get(self, request: Request, customer_id: int) -> Response:
        """Those of this customer that you may see."""
        one(seen_customers(self.sight), pk=customer_id)
        return page_of(self, request, filters_of(request, self.agent, customer=customer_id))


class TicketChange(Strict):
    subject = Line(required=False, allow_blank=True, max_length=500)
    priority = Choice(Ticket.Priority.values, required=False)
    team = Id(required=False, allow_null=True)
    tags = serializers.ListField(
        child=Line(max_length=60), required=False, max_length=lifecycle.MAX_TAGS, help_text="All of them."
    )


class OneTicket(Door):
    @says(schema.Ticket)
    def get(self, request: Request, number: int) -> Response:
        """The ticket as it is now."""
        return Response(shapes.ticket(self.ticket(number)))

    @says(schema.Ticket, takes=TicketChange)
    def patch(self, request: Request, number: int) -> Response:
        """Change subject, priority, team or tags. You may move a ticket to a team whose tickets you do not see."""
        self.must_see(number)
        wanted = self.read(TicketChange)
        if wanted.get("team") is not None:
            wanted["team"] = Team.objects.filter(pk=wanted["team"]).first()
            if wanted["team"] is None:
                raise wrong("team", "There is no such team.")
        lifecycle.change(number, self.by, **wanted)
        return answer(number)


def answer(number: int) -> Response:
    """The ticket after what was just done to it, also when that took it out of the agent's sight."""
    return Response(shapes.ticket(Ticket.objects.for_reading().get(pk=number)))


class Assignment(Strict):
    agent = serializers.JSONField(help_text="An agent's id, or “me”.")
    take_over = Yes(required=False, default=False)

    def validate_agent(self, value: Any) -> Any:
        return value if value == "me" else Id().run_validation(value)


class Assignee(Door):
    @says(schema.Ticket, takes=Assignment, problems=(409,))
    def put(self, request: Request, number: int) -> Response:
        """Give the ticket to an agent. 409 with the holder if another has it, unless take_over is said."""
        self.must_see(number)
        given = self.read(Assignment)
        agent = self.agent if given["agent"] == "me" else Agent.objects.filter(pk=given["agent"]).first()
        if agent is None:
            raise wrong("agent", "There is no such agent.")
        lifecycle.assign(number, agent, self.by, take_over=given["take_over"])
        return answer(number)

    @says(schema.Ticket)
    def delete(self, request: Request, number: int) -> Response:
        """Nobody has it any more."""
        self.must_see(number)
        lifecycle.release(number, self.by)
        return answer(number)


class Resolution(Door):
    @says(schema.Ticket)
    def put(self, request: Request, number: int) -> Response:
        """Resolve. Twice is once."""
        self.must_see(number)
        lifecycle.resolve(number, self.by)
        return answer(number)

    @says(schema.Ticket, problems=(409,))
    def delete(self, request: Request, number: int) -> Response:
        """Reopen. 409 where the conversation goes on in a newer ticket."""
        self.must_see(number)
        lifecycle.reopen(number, self.by)
        return answer(number)


class Abilities(Door):
    @says(schema.Abilities)
    def get(self, request: Request, number: int) -> Response:
        """What can be sent to the customer right now; windows end and quotas shrink, so it is asked again."""
        return Response(shapes.abilities(replies.abilities_of(self.ticket(number))))


class Read(Door):
    @says(schema.Ticket)
    def put(self, request: Request, number: int) -> Response:
        """You have read the conversation: where the channel sends read receipts, the customer sees that."""
        self.must_see(number)
        courtesies.read(number)
        return answer(number)


class Until(Strict):
    until = Moment()


class Snooze(Door):
    @says(schema.Ticket, takes=Until, problems=(409,))
    def put(self, request: Request, number: int) -> Response:
        """Put it away until a time to come; a message from the customer wakes it earlier."""
        self.must_see(number)
        until = self.read(Until)["until"]
        try:
            lifecycle.snooze(number, until, self.by)
        except lifecycle.Conflict:
            raise
        except lifecycle.Refused as error:
            raise wrong("until", str(error)) from error
        return answer(number)

    @says(schema.Ticket)
    def delete(self, request: Request, number: int) -> Response:
        """Wake it."""
        self.must_see(number)
        lifecycle.wake(number, self.by)
        return answer(number)
