"""The desk's nouns."""

from tickets.models.activity import Activity, Actor
from tickets.models.courtesy import Courtesy, OutgoingReaction
from tickets.models.glance import Glance
from tickets.models.last_sight import LastSight
from tickets.models.message import Attachment, IdempotencyKey, Message, Part, PendingNews
from tickets.models.participant import Participant, PicturesAllowed
from tickets.models.ticket import Tag, Ticket, TicketQuerySet

__all__ = [
    "Activity", "Actor", "Attachment", "Courtesy", "Glance", "IdempotencyKey", "LastSight", "Message",
    "OutgoingReaction", "Part", "Participant", "PendingNews", "PicturesAllowed", "Tag", "Ticket", "TicketQuerySet",
]  # fmt: skip
