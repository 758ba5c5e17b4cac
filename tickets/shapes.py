"""The desk's objects as JSON: what the API answers, the log tells and the sockets push is one and the same.

Callers read rows with ``for_reading()``; nothing here runs a statement of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from channels_app import registry
from channels_app.contract import Abilities, platform_id
from channels_app.models import Address, MessageTemplate
from customers.models import Customer
from tickets import choices, media
from tickets.models import Activity, Attachment, Message, Ticket
from tickets.sla.clocks import Clocks

Json = dict[str, Any]


def when(at: datetime | None) -> str | None:
    """ISO 8601 in UTC."""
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def ticket(row: Ticket) -> Json:
    assignee, team = row.assignee, row.team
    return {
        "number": row.number,
        "subject": row.subject,
        "status": row.status,
        "priority": row.priority,
        "assignee": {"id": assignee.pk, "name": assignee.name} if assignee else None,
        "team": {"id": team.pk, "name": team.name} if team else None,
        "channel": {"id": str(row.channel_id), "kind": row.channel.kind, "name": row.channel.name},
        "customer": {"id": row.customer_id, "name": row.customer.name or row.address.name or _id_of(row.address)},
        "tags": sorted(tag.name for tag in row.tags.all()),
        "seq": row.seq,
        "snoozed_until": when(row.snoozed_until),
        "due_at": when(row.due_at),
        "sla": sla(row),
        "created_at": when(row.created_at),
        "updated_at": when(row.updated_at),
        "resolved_at": when(row.resolved_at),
    }


def _id_of(address: Address) -> str:
    """For want of a name; of somebody who was erased there is nothing to be said."""
    return "" if address.erased_at else address.external_id


def sla(row: Ticket) -> Json | None:
    """What is promised on the ticket and how it stands; null: nothing is."""
    if row.clocks is None:
        return None
    clocks = Clocks.load(row.clocks)
    return {
        "policy": {"id": clocks.policy, "name": clocks.name},
        "state": row.sla_state or None,
        "clocks": [
            {
                "kind": kind,
                "due_at": when(clock.due_at),
                "met_at": when(clock.met_at),
                "breached_at": when(clock.breached_at),
                "paused": clock.unfinished and clock.since is None,
            }
            for kind, clock in clocks.clocks.items()
        ],
    }


def author(row: Message) -> Json:
    if row.direction == Message.Direction.IN:
        address = row.address
        link = getattr(address, "customer_link", None) if address else None
        return {
            "type": "customer",
            "id": link.customer_id if link else None,
            "name": (address.name if address else "") or (link.customer.name if link else ""),
            "address": address.external_id if address else None,
        }
    if row.agent:
        return {"type": "agent", "id": row.agent.pk, "name": row.agent.name, "address": None}
    return {"type": "system", "id": None, "name": "", "address": None}


def message(row: Message) -> Json:
    return {
        "id": row.pk,
        "ticket": row.ticket_id,
        "direction": row.direction,
        "text": row.text,
        "reply_text": row.reply_text,
        "html": row.html,
        "author": author(row),
        "channel": str(row.channel_id),
        "external_id": row.external_id and platform_id(row.external_id),
        "reply_to": row.reply_to_id,
        "about": row.about,
        "template": used_template(row),
        "mail": mail(row),
        "postback": row.postback,
        "quick_replies": list(choices.as_json(row)),
        "unsupported": row.unsupported,
        "standby": row.standby,
        "status": row.status,
        "error": row.error,
        "attachments": [attachment(item) for item in row.attachments.all()],
        "reactions": row.reactions,
        "sent_at": when(row.sent_at),
        "created_at": when(row.created_at),
        "edited_at": when(row.edited_at),
        "deleted_at": when(row.deleted_at),
    }


def used_template(row: Message) -> Json | None:
    kept = row.extra.get("template")
    return {name: kept[name] for name in ("name", "language", "category", "parameters")} if kept else None


def mail(row: Message) -> Json | None:
    """What a mail says beside its words: to whom, by whom, whether it is what it claims to be. null: it is none."""
    said = row.extra.get("mail")
    if not said:
        return None
    if row.direction == Message.Direction.OUT:
        return {"cc": _plain(said.get("cc")), "bcc": _plain(said.get("bcc"))}
    return {
        **{name: said.get(name, []) for name in ("from", "to", "cc", "bcc", "reply_to")},
        "message_id": said.get("message_id", ""),
        "date": said.get("date") or None,
        "automatic": bool(said.get("auto_reply")),
        "list": bool(said.get("list")),
        "spam": bool(said.get("spam")),
        "dmarc": said.get("dmarc", ""),
    }


def _plain(addresses: list[str] | None) -> list[Json]:
    return [{"name": "", "address": one} for one in addresses or []]


def attachment(row: Attachment) -> Json:
    stored = row.state == Attachment.State.STORED and bool(row.file)
    return {
        "id": row.pk,
        "kind": row.kind,
        "filename": row.filename,
        "mime": row.mime,
        "size": row.size,
        "url": settings.PUBLIC_URL + media.path_of(row) if stored else None,
        "thumb_url": settings.PUBLIC_URL + media.thumb_path_of(row) if stored and row.thumb else None,
        "caption": row.caption,
        "link": media.link_of(row) or None,
        "state": row.state,
        "location": row.location,
        "contact": row.contact,
    }


def actor(row: Activity) -> Json:
    who = row.agent_id if row.actor_type == "agent" else row.customer_id if row.actor_type == "customer" else None
    return {"type": row.actor_type, "id": who, "name": row.actor_name}


def line(row: Activity, data: Json) -> Json:
    """One line of the log. data: the message for message.*, else the ticket, as they are now."""
    return {
        "seq": row.seq,
        "type": row.type,
        "ticket": row.ticket_id,
        "actor": actor(row),
        "at": when(row.at),
        "data": data,
    }


def line_of(row: Activity) -> Json:
    """The line with its data; the row comes from ``lines_for_reading``."""
    if row.type.startswith("message.") and row.message is not None:
        return line(row, message(row.message))
    assert row.ticket is not None
    data = ticket(row.ticket)
    if row.type.startswith("customer."):
        data["customer"] |= noted(row.ticket.customer)
    if "told" in row.changes:
        data["told"] = row.changes["told"]
    return line(row, data)


def hidden(row: Activity) -> Json:
    """The same for whoever may no longer see the ticket."""
    return line(row, {"number": row.ticket_id})


def vouched(row: Address) -> bool:
    """The platform stands for what it says of them; else they have typed it themselves."""
    try:
        return row.channel.adapter.vouches
    except registry.UnknownKind:
        return True


def address(row: Address) -> Json:
    return {
        "id": row.pk,
        "channel": str(row.channel_id),
        "kind": row.channel.kind,
        "external_id": row.external_id,
        "name": row.name,
        "phone": row.phone,
        "email": row.email,
        "username": row.username,
        "facts": row.facts,
        "verified": vouched(row),
        "picture_url": settings.PUBLIC_URL + row.picture_url if row.picture else None,
    }


def abilities(able: Abilities) -> Json:
    """What a conversation takes right now; words are in the reader's language."""
    return {
        "closed": str(able.closed) if able.closed else None,
        "only_templates": able.only_templates,
        "templates": able.templates,
        "purpose": able.purpose,
        "reply_until": when(able.reply_until),
        "window_words": str(able.window_words) if able.window_words else None,
        "after_window": str(able.after_window) if able.after_window else None,
        "quota_left": able.quota_left,
        "max_length": able.max_length,
        "unit": able.unit,
        "attachment_kinds": sorted(able.attachment_kinds),
        "max_attachment_bytes": able.max_attachment_bytes,
        "max_attachments": able.max_attachments,
        "quick_replies": able.quick_replies,
        "quick_reply_title": able.quick_reply_title,
        "quick_reply_payload": able.quick_reply_payload,
        "can_write_first": able.can_write_first,
        "has_recipients": able.has_recipients,
        "max_total_bytes": able.max_total_bytes,
        "can_quote": able.can_quote,
        "can_react": able.can_react,
        "shows_typing": able.shows_typing,
        "reads_receipts": able.reads_receipts,
    }


def template(row: MessageTemplate) -> Json:
    return {
        "name": row.name,
        "language": row.language,
        "category": row.category,
        "status": row.status,
        "header": row.header,
        "body": row.body,
        "footer": row.footer,
        "buttons": row.buttons,
        "variables": row.variables,
        "optional": row.optional,
        "media": row.media,
        "example": row.example or None,
        "synced_at": when(row.synced_at),
    }


def noted(row: Customer) -> Json:
    """What is noted down about them; the row comes with its tags."""
    return {
        "standing": row.standing or None,
        "tags": sorted(tag.name for tag in row.tags.all()),
        "attributes": row.attributes,
    }


def customer(row: Customer, addresses: Iterable[Address]) -> Json:
    return {
        "id": row.pk,
        "name": row.name,
        "language": row.language,
        "party": row.party,
        "type": row.type,
        **noted(row),
        "addresses": [address(item) for item in addresses],
        "created_at": when(row.created_at),
    }
