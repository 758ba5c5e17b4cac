"""The answers' shapes for OpenAPI. tickets.shapes makes the answers; a test holds the two together."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers as s

from agents.models import Agent as AgentRow
from channels_app.models import Envelope as EnvelopeRow
from customers.models import Customer as CustomerRow
from tickets.models import Attachment as AttachmentRow
from tickets.models import Message as MessageRow
from tickets.models import Ticket as TicketRow
from tickets.sla.models import Kind as SlaKind
from tickets.sla.models import State as SlaState

Shape = s.Serializer[Any]

KINDS = [
    "image", "video", "audio", "voice", "file", "sticker",
    "location", "contact", "story", "share", "product", "template",
]  # fmt: skip
ACTORS = ["customer", "agent", "system"]
CUSTOMER_TYPES = list(CustomerRow.Type.values)
ATTACHMENT_STATES = list(AttachmentRow.State.values)
ENVELOPE_STATES = list(EnvelopeRow.State.values)
SLA_KINDS = list(SlaKind.values)
SLA_STATES = [value for value in SlaState.values if value]
CATEGORIES = ["window", "blocked", "rate", "auth", "content", "unconfirmed", "unknown"]


class Named(Shape):
    id = s.IntegerField()
    name = s.CharField()


class ChannelName(Shape):
    id = s.CharField()
    kind = s.CharField()
    name = s.CharField()


class SlaClock(Shape):
    kind = s.ChoiceField(SLA_KINDS)
    due_at = s.DateTimeField(allow_null=True, help_text="Null while it stands still, and when it is over.")
    met_at = s.DateTimeField(allow_null=True, help_text="When it was answered or resolved, in time or not.")
    breached_at = s.DateTimeField(allow_null=True, help_text="Since when it was late.")
    paused = s.BooleanField(help_text="It stands still: snoozed, or the customer is asked.")


class Sla(Shape):
    policy = Named()
    state = s.ChoiceField(SLA_STATES, allow_null=True, help_text="The worst of the clocks that are not over.")
    clocks = SlaClock(many=True)


class Ticket(Shape):
    number = s.IntegerField()
    subject = s.CharField()
    status = s.ChoiceField(TicketRow.Status.values)
    priority = s.ChoiceField(TicketRow.Priority.values)
    assignee = Named(allow_null=True)
    team = Named(allow_null=True)
    channel = ChannelName()
    customer = Named()
    tags = s.ListField(child=s.CharField())
    seq = s.IntegerField(help_text="Its last line in the log.")
    snoozed_until = s.DateTimeField(allow_null=True)
    due_at = s.DateTimeField(allow_null=True, help_text="Of the running clock that ends first.")
    sla = Sla(allow_null=True, help_text="What is promised; null: nothing is.")
    created_at = s.DateTimeField()
    updated_at = s.DateTimeField()
    resolved_at = s.DateTimeField(allow_null=True)


class Author(Shape):
    type = s.ChoiceField(ACTORS)
    id = s.IntegerField(allow_null=True)
    name = s.CharField()
    address = s.CharField(allow_null=True)


class Place(Shape):
    lat = s.FloatField()
    lon = s.FloatField()
    name = s.CharField()
    address = s.CharField()


class Card(Shape):
    name = s.CharField()
    phones = s.ListField(child=s.CharField())
    emails = s.ListField(child=s.CharField())


class Attachment(Shape):
    id = s.IntegerField()
    kind = s.ChoiceField(KINDS)
    filename = s.CharField()
    mime = s.CharField()
    size = s.IntegerField(allow_null=True)
    url = s.CharField(allow_null=True)
    thumb_url = s.CharField(allow_null=True, help_text="A small picture of a large one.")
    caption = s.CharField()
    link = s.CharField(allow_null=True, help_text="Of a shared post, story or product: where a person can open it.")
    state = s.ChoiceField(ATTACHMENT_STATES)
    location = Place(allow_null=True)
    contact = Card(allow_null=True)


class Postback(Shape):
    title = s.CharField()
    payload = s.CharField()


class Reaction(Shape):
    emoji = s.CharField()
    author = s.JSONField()
    at = s.DateTimeField()


class UsedTemplate(Shape):
    name = s.CharField()
    language = s.CharField()
    category = s.CharField()
    parameters = s.DictField(child=s.CharField())


class SendError(Shape):
    code = s.CharField()
    title = s.CharField()
    detail = s.CharField()
    category = s.ChoiceField(CATEGORIES)
    retryable = s.BooleanField()


class Message(Shape):
    id = s.IntegerField()
    ticket = s.IntegerField()
    direction = s.ChoiceField(MessageRow.Direction.values)
    text = s.CharField(help_text="Of a mail: the whole.")
    reply_text = s.CharField(allow_null=True, help_text="Of a mail: the visible reply.")
    html = s.CharField(allow_null=True, help_text="Sanitised.")
    author = Author()
    channel = s.CharField()
    external_id = s.CharField(allow_null=True)
    reply_to = s.IntegerField(allow_null=True)
    about = s.JSONField(allow_null=True, help_text="What it answers when that is no message of ours.")
    template = UsedTemplate(allow_null=True, help_text="Of a reply by template; “text” is what the customer reads.")
    mail = s.JSONField(allow_null=True, help_text="Of a mail: from, to, cc, bcc, and what is known of its sender.")
    postback = Postback(allow_null=True)
    quick_replies = Postback(many=True, help_text="What the customer may press under it.")
    unsupported = s.BooleanField()
    standby = s.BooleanField()
    status = s.ChoiceField(MessageRow.Status.values)
    error = SendError(allow_null=True)
    attachments = Attachment(many=True)
    reactions = Reaction(many=True)
    sent_at = s.DateTimeField(allow_null=True, help_text="The platform's time.")
    created_at = s.DateTimeField()
    edited_at = s.DateTimeField(allow_null=True)
    deleted_at = s.DateTimeField(allow_null=True)


class Actor(Shape):
    type = s.ChoiceField(ACTORS)
    id = s.IntegerField(allow_null=True)
    name = s.CharField()


class Activity(Shape):
    seq = s.IntegerField()
    type = s.CharField(help_text="ticket.…, message.… or customer.…; more may be added.")
    ticket = s.IntegerField(allow_null=True)
    actor = Actor()
    at = s.DateTimeField()
    data = s.JSONField(  # type: ignore[assignment]  # the base class has a property of that name
        help_text="message.*: the message; else the ticket, as it is now; {number} if it left your sight. "
        "customer.*: the ticket's customer has standing, tags and attributes, too. sla.*: with told, the ids of the "
        "agents who are to be told, where the policy says so."
    )


class Address(Shape):
    id = s.IntegerField()
    channel = s.CharField()
    kind = s.CharField()
    external_id = s.CharField()
    name = s.CharField()
    phone = s.CharField()
    email = s.CharField()
    username = s.CharField()
    facts = s.DictField(child=s.CharField(), help_text="What else is said of them, by whatever name.")
    verified = s.BooleanField(help_text="False: they typed all of this themselves; it proves nothing.")
    picture_url = s.CharField(allow_null=True, help_text="For whoever may see them.")


class Customer(Shape):
    id = s.IntegerField()
    name = s.CharField()
    language = s.CharField()
    party = s.ChoiceField(CustomerRow.Party.values)
    type = s.ChoiceField(CUSTOMER_TYPES)
    standing = s.ChoiceField(CustomerRow.Standing.values, allow_null=True, help_text="With us; null: nobody has said.")
    tags = s.ListField(child=s.CharField(), help_text="The customer's own, not those of tickets.")
    attributes = s.DictField(
        child=s.JSONField(),
        help_text="Texts, numbers, true or false: what agents and programs have noted. What visitors say of themselves "
        "is in the facts of their addresses.",
    )
    addresses = Address(many=True)
    created_at = s.DateTimeField()


class Erasure(Shape):
    customer = s.IntegerField()
    asked_at = s.DateTimeField()
    done_at = s.DateTimeField(allow_null=True, help_text="Null: it is under way.")
    tickets = s.IntegerField(help_text="So far; the same for messages and files.")
    messages = s.IntegerField()
    files = s.IntegerField()


class CustomerExport(Shape):
    exported_at = s.DateTimeField()
    customer = s.DictField()
    addresses = s.ListField(child=s.DictField())
    tickets = s.ListField(child=s.DictField(), help_text="Each with all its messages.")
    elsewhere = s.ListField(child=s.DictField(), help_text="What they wrote on others' tickets, in groups for example.")
    surveys = s.ListField(child=s.DictField(), help_text="Their answers.")


class Quota(Shape):
    limit = s.IntegerField(allow_null=True, help_text="Null: unlimited.")
    used = s.IntegerField()
    at = s.DateTimeField()


class Channel(Shape):
    id = s.CharField()
    kind = s.CharField()
    name = s.CharField()
    team = Named(allow_null=True)
    enabled = s.BooleanField()
    webhook_url = s.CharField(help_text="Where the platform posts to; empty where it never does.")
    quota = Quota(allow_null=True, help_text="Messages of this month, where the platform counts them.")
    failure = s.CharField(allow_null=True, help_text="Why the platform refuses our credentials; null: it does not.")
    created_at = s.DateTimeField()


class Abilities(Shape):
    closed = s.CharField(allow_null=True, help_text="Why nothing can be sent now, in words.")
    only_templates = s.BooleanField(help_text="Nothing but an approved template can be sent now.")
    templates = s.BooleanField()
    purpose = s.ChoiceField(["response", "human_agent", "utility"])
    reply_until = s.DateTimeField(allow_null=True, help_text="Free answers are taken until then.")
    window_words = s.CharField(allow_null=True, help_text="Which rule applies now.")
    after_window = s.CharField(allow_null=True, help_text="What is possible afterwards.")
    quota_left = s.IntegerField(allow_null=True, help_text="Of this month; null: unlimited or not known.")
    max_length = s.IntegerField(allow_null=True)
    unit = s.ChoiceField(["characters", "utf16", "bytes"])
    attachment_kinds = s.ListField(child=s.CharField())
    max_attachment_bytes = s.IntegerField()
    max_attachments = s.IntegerField()
    quick_replies = s.IntegerField(help_text="How many buttons may stand under a message; 0: none.")
    quick_reply_title = s.IntegerField(help_text="Characters of a button's words.")
    quick_reply_payload = s.IntegerField(help_text="Bytes of what comes back when it is pressed.")
    can_write_first = s.BooleanField()
    can_quote = s.BooleanField()
    can_react = s.BooleanField()
    shows_typing = s.BooleanField()
    reads_receipts = s.BooleanField()


HEADERS = ["", "image", "video", "document"]


class Template(Shape):
    name = s.CharField()
    language = s.CharField()
    category = s.CharField()
    status = s.CharField(help_text="As the platform says; only APPROVED can be sent.")
    header = s.CharField()
    body = s.CharField(help_text="Its blanks stand as {{name}}.")
    footer = s.CharField()
    buttons = s.ListField(child=s.CharField())
    variables = s.ListField(child=s.CharField(), help_text="The names of the blanks, in order.")
    optional = s.ListField(child=s.CharField(), help_text="Names that may be given and need not be.")
    media = s.ChoiceField(HEADERS, help_text="What the header shows: name one attachment.")
    example = s.CharField(allow_null=True, help_text="The file it was approved with, sent where none is named.")
    synced_at = s.DateTimeField()


class Templates(Shape):
    synced_at = s.DateTimeField(allow_null=True)
    results = Template(many=True)


class MadeChannel(Shape):
    """With its secrets: shown this once."""

    id = s.CharField()
    kind = s.CharField()
    name = s.CharField()
    team = Named(allow_null=True)
    webhook_url = s.CharField()
    settings = s.DictField(child=s.JSONField())


class CheckLine(Shape):
    ok = s.BooleanField()
    words = s.CharField()


class Check(Shape):
    ok = s.BooleanField()
    lines = CheckLine(many=True)


class Played(Shape):
    message = Message()


class Envelope(Shape):
    id = s.IntegerField()
    channel = s.CharField()
    received_at = s.DateTimeField()
    state = s.ChoiceField(ENVELOPE_STATES)
    error = s.CharField(allow_null=True)
    attempts = s.IntegerField()
    messages = s.ListField(child=s.IntegerField())


class OpenedEnvelope(Envelope):
    headers = s.DictField(child=s.CharField())
    body = s.CharField(help_text="As text; empty when it is no longer kept.")


class Agent(Shape):
    id = s.IntegerField()
    name = s.CharField()
    email = s.EmailField()
    role = s.ChoiceField(AgentRow.Role.values)
    teams = Named(many=True)
    is_active = s.BooleanField()


class Me(Agent):
    language = s.CharField()
    time_zone = s.CharField()


class Token(Shape):
    id = s.IntegerField()
    name = s.CharField()
    created_at = s.DateTimeField()
    last_used_at = s.DateTimeField(allow_null=True)


class MadeToken(Token):
    key = s.CharField(help_text="Shown this once; only its hash is kept.")


class Problem(Shape):
    """RFC 9457 problem details."""

    type = s.CharField()
    title = s.CharField()
    status = s.IntegerField()
    detail = s.CharField()
    errors = s.DictField(  # type: ignore[assignment]
        child=s.ListField(child=s.CharField()), required=False, help_text="Of a 400: field → words."
    )
    holder = Named(required=False, help_text="Of a 409 on assigning: who has the ticket.")
    seq = s.IntegerField(required=False, help_text="Of a 409 on replying: the ticket's newest line.")
    new = Activity(many=True, required=False, help_text="Of a 409 on replying: what you had not seen.")
