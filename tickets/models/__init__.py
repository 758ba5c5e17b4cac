"""The desk's nouns."""

from tickets.models.activity import Activity, Actor
from tickets.models.glance import Glance
from tickets.models.message import Attachment, IdempotencyKey, Message, Part, PendingNews
from tickets.models.ticket import Tag, Ticket, TicketQuerySet

__all__ = [
    "Activity", "Actor", "Attachment", "Glance", "IdempotencyKey", "Message", "Part", "PendingNews", "Tag", "Ticket",
    "TicketQuerySet",
]  # fmt: skip
