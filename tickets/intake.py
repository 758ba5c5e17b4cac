"""Something arrived: find customer and ticket, keep each message once.

Called by the exchange (settings.INBOUND_HANDLER) in its transaction, once per piece of news. Every
branch may be called again with the same news, in any order, and then changes nothing. Rows are
locked address first, ticket second, here and everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone
from django.utils.module_loading import import_string

from channels_app import prepared, wakeups
from channels_app.contract import (
    Deletion,
    Described,
    Edit,
    Event,
    InboundMessage,
    News,
    Notice,
    Reaction,
    Receipt,
    Sender,
    Typing,
    UnreadableEvent,
    clean_text,
    fit_id,
    platform_id,
)
from channels_app.inbound import NotYet, erase
from channels_app.models import Address, Channel, Envelope
from tickets import addresses, automatic, away, forwards, mailframe, media, pending, profiles, receipts, threads
from tickets.addresses import known_address
from tickets.continuing import fates
from tickets.excerpt import first_words, preview
from tickets.models import Activity, Actor, Message, PendingNews, Ticket
from tickets.models.activity import SYSTEM, record

Claimed = str | tuple[str, dict[str, Any]]
"""The line that a claimed message writes, and what the line keeps."""
Claim = Callable[[Ticket, InboundMessage], Claimed | None]

# How far a platform's clock is believed when a message takes its place in the conversation.
BELIEVED = timedelta(days=1)
# And where it is about a window; what is older says more about the clock.
LATEST = timedelta(days=30)


def receive(channel: Channel, news: News, envelope: Envelope) -> None:
    """The table "kind of news → what it does here"."""
    _HANDLERS[type(news)](channel, news, envelope)


# ── Messages ─────────────────────────────────────────────────────────────────────────────────


def _message(channel: Channel, news: InboundMessage, envelope: Envelope, edited: dict[str, Any] | None = None) -> None:
    """edited: it is an edit that overtook its original, and makes the message."""
    if news.echo:
        _echo(channel, news, envelope)
        return
    if channel.adapter.threads:
        news = forwards.original(channel, news)
    external_id = fit_id(news.external_id, 512)
    if not external_id:
        raise UnreadableEvent("the message has no id")
    conversation, author = _people(channel, news, news.sender)
    known, waiting = _known(channel, Message.Direction.IN, external_id)
    if known and edited:
        pending.edit(channel, external_id, edited)
        return
    if known:
        _again(known, news, external_id, envelope, (conversation, author))
        return
    if "delete" in waiting:
        erase(envelope.pk, external_id)
        return
    ticket, opening, said = _ticket_for(channel, conversation, news)
    if ticket.threads:
        threads.heard(ticket, author, news)
    message = _keep(channel, ticket, author, news, external_id, envelope, **(_as_edit(edited) if edited else {}))
    customer = author.customer_link.customer
    by = Actor.from_customer(customer, author.name)
    mailframe.remembered(message, author)
    _announce(ticket, message, by, opening, said, silent=threads.is_silent(news))
    if not away.tell(ticket, news) and opening == "ticket.created":
        automatic.receipt(ticket, news)
    _unblock(channel, conversation, news)
    profiles.want(channel, conversation, author)
    if waiting:
        pending.apply(channel, external_id)


def _unblock(channel: Channel, conversation: Address, news: InboundMessage) -> None:
    """Whoever writes is not blocking us, though nobody told that it ended; not by what was written before it."""
    blocked = conversation.blocked_at
    if blocked and channel.adapter.writing_unblocks and place(news.occurred_at, timezone.now()) > blocked:
        Address.objects.filter(pk=conversation.pk).update(blocked_at=None)


def _people(channel: Channel, news: Event, sender: Sender) -> tuple[Address, Address]:
    """(the conversation, its author): the same row in a chat of two, group and member in a group."""
    if not news.is_group or fit_id(news.conversation) == fit_id(sender.external_id):
        address = known_address(channel, sender)
        return address, address
    group = known_address(channel, Sender(external_id=news.conversation, name=news.group_name), is_group=True)
    return group, known_address(channel, sender)


def _known(channel: Channel, direction: str, external_id: str) -> tuple[int | None, set[str]]:
    """(the message with that id, what kinds of news wait for it), in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, '' FROM tickets_message WHERE channel_id = %s AND direction = %s AND external_id = %s"
            " UNION ALL SELECT NULL, kind FROM tickets_pendingnews WHERE channel_id = %s AND target = %s",
            [channel.pk, direction, external_id, channel.pk, external_id],
        )
        rows = cursor.fetchall()
    return next((row[0] for row in rows if row[0] is not None), None), {row[1] for row in rows if row[1]}


@cache
def _claims(paths: tuple[str, ...]) -> list[Claim]:
    return [import_string(path) for path in paths]


def _ticket_for(channel: Channel, address: Address, news: InboundMessage) -> tuple[Ticket, str, dict[str, Any]]:
    """The ticket that a message joins, the line that this writes first ("" for none), and what that line keeps."""
    last = threads.ticket_of(channel, address, news) if channel.adapter.threads else threads.last_ticket(address.pk)
    if last is None:
        return open_ticket(channel, address, subject=subject_of(news)), "ticket.created", {}
    if threads.is_silent(news):
        return last, "", {}
    resolved = last.status == Ticket.Status.RESOLVED
    # A button may be of an older question, whatever the ticket is about by now.
    if resolved or news.postback:
        claimed = _claimed(last, news)
        if claimed is not None:
            return (last, *claimed)
    if not resolved:
        return last, "ticket.woken" if last.status == Ticket.Status.SNOOZED else "", {}
    assert last.resolved_at is not None
    if timezone.now() - last.resolved_at <= timedelta(days=settings.REOPEN_WITHIN_DAYS):
        return last, "ticket.reopened", {}
    return open_ticket(channel, address, subject=subject_of(news), previous=last), "ticket.created", {}


def _claimed(ticket: Ticket, news: InboundMessage) -> tuple[str, dict[str, Any]] | None:
    for claim in _claims(tuple(settings.REPLY_CLAIMS)):
        line = claim(ticket, news)
        if line:
            return (line, {}) if isinstance(line, str) else line
    return None


def open_ticket(
    channel: Channel, address: Address, *, subject: str = "", previous: Ticket | None = None, **fields: Any
) -> Ticket:
    """A new row; the caller holds the address and writes the line."""
    if channel.adapter.threads:
        fields["reply_token"] = threads.new_token()
    return prepared.insert(
        Ticket(
            channel=channel,
            team_id=channel.team_id,
            customer_id=address.customer_link.customer_id,
            address=address,
            threads=channel.adapter.threads,
            subject=subject[:500],
            previous=previous,
            **fields,
        )
    )


def subject_of(news: InboundMessage) -> str:
    """A mail's subject; of a chat the first words, so that a list of tickets says something."""
    pressed = news.postback
    words = news.text or (pressed.title or pressed.payload if pressed else "")
    return clean_text(news.subject or first_words(words))[:500]


def place(occurred_at: datetime | None, now: datetime) -> datetime:
    """Where a message stands in its conversation: the platform's time, where that is believable."""
    if occurred_at is None or not now - BELIEVED <= occurred_at <= now:
        return now
    return occurred_at


def _keep(
    channel: Channel,
    ticket: Ticket,
    author: Address | None,
    news: InboundMessage,
    external_id: str,
    envelope: Envelope,
    **fields: Any,
) -> Message:
    now = timezone.now()
    values: dict[str, Any] = {
        "direction": Message.Direction.IN,
        "status": Message.Status.RECEIVED,
        "address": author,
        **_content(channel, news),
        **fields,
    }
    message = prepared.insert(
        Message(
            ticket=ticket,
            channel=channel,
            team_id=ticket.team_id,
            external_id=external_id,
            envelope=envelope,
            created_at=now,
            at=place(news.occurred_at, now),
            **values,
        )
    )
    media.keep(message, news.attachments)
    return message


def _content(channel: Channel, news: InboundMessage) -> dict[str, Any]:
    """What the message says, as columns."""
    postback = news.postback
    text = news.text
    if postback and not text:
        text = postback.title or postback.payload
    extra = {
        name: value
        for name, value in (
            ("reply_handle", news.reply_handle),
            ("quote_handle", news.quote_handle),
            ("read_handle", news.read_handle),
            ("referral", news.referral),
            ("mail", news.mail),
            ("unsupported_reason", news.unsupported_reason),
            ("forwarded", news.forwarded),
            ("group_key", news.group_key),
            ("thread_id", news.thread_id),
        )
        if value
    }
    html = None if news.html is None else mailframe.safe(clean_text(news.html))
    if mailframe.has_remote(html):
        extra["remote_pictures"] = True
    answered = _answered(channel, news)
    return {
        "text": clean_text(text),
        "reply_text": None if news.reply_text is None else clean_text(news.reply_text),
        "html": html,
        "postback": _clean({"title": postback.title, "payload": postback.payload}) if postback else None,
        "unsupported": news.unsupported,
        "standby": news.standby,
        "sent_at": news.occurred_at,
        "extra": _clean(extra),
        **answered,
    }


def _clean(value: Any) -> Any:
    """The same for what goes into a JSON column: PostgreSQL takes neither NUL nor lone surrogates."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        return {clean_text(str(name)): _clean(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return value.isoformat() if isinstance(value, datetime) else value


def _answered(channel: Channel, news: InboundMessage) -> dict[str, Any]:
    """reply_to as one of our rows, or about with what the platform said of it."""
    reply = news.reply_to
    if reply is None:
        return {}
    named = platform_id(reply.external_id)
    about = _clean({"id": named, "kind": reply.kind, "url": reply.url, "snippet": reply.snippet})
    found = None
    if reply.external_id and reply.kind == "message":
        found = pending.find(channel, fit_id(reply.external_id, 512))
    return {"reply_to": found, "about": None if found else about}


def _announce(
    ticket: Ticket, message: Message, by: Actor, opening: str, said: dict[str, Any], *, silent: bool = False
) -> None:
    """silent: a machine answered; it is read by whoever likes, and changes nothing about who waits for whom."""
    if silent:
        if opening:
            record(ticket, opening, by)
        record(ticket, "message.added", SYSTEM, message=message, last_text=preview(message), last_direction="in")
        return
    # The platform counts its window from when the customer wrote, not from when we heard of it.
    heard = _heard(message, timezone.now())
    fields: dict[str, Any] = {
        "last_inbound_at": max(heard, ticket.last_inbound_at or heard),
        "waiting_since": ticket.waiting_since or message.created_at,
        "last_text": preview(message),
        "last_direction": message.direction,
    }
    if opening == "ticket.woken":
        record(ticket, opening, by, status=Ticket.Status.OPEN, snoozed_until=None)
    elif opening == "ticket.reopened":
        record(ticket, opening, by, status=Ticket.Status.OPEN, resolved_at=None)
    elif opening == "ticket.created":
        record(ticket, opening, by)
    elif opening:
        # Claimed (an answer to a survey): it stays on its ticket, which waits for nobody.
        record(ticket, opening, by, message=message, changes=said)
        fields.pop("waiting_since")
    record(ticket, "message.added", by, message=message, **fields)


def _heard(message: Message, now: datetime) -> datetime:
    """When they wrote. Platforms deliver up to a week late, and their windows are over by then."""
    said = message.sent_at
    return said if said and now - LATEST <= said <= now else min(message.at, now)


def _again(
    message_id: int, news: InboundMessage, external_id: str, envelope: Envelope, met: tuple[Address, Address]
) -> None:
    """A redelivery, which changes nothing; or the late original of a message that an edit had to make.

    met: who it is from; of whom nothing else is known than this, and it was deleted, is nobody.
    """
    message = Message.objects.select_related("channel").get(pk=message_id)
    if message.deleted_at:
        erase(envelope.pk, external_id)
        addresses.unmeet(*met)
        return
    if message.envelope_id == envelope.pk and not message.from_edit:
        return
    ticket = Ticket.objects.locked().get(pk=message.ticket_id)
    message.refresh_from_db()
    pending.carried_by(message, envelope.pk)
    if message.from_edit:
        _complete(ticket, message, news)


def _complete(ticket: Ticket, message: Message, news: InboundMessage) -> None:
    """What the edit could not know."""
    content = _content(message.channel, news)
    for edited in ("text", "html", "reply_text"):
        content.pop(edited)
    content["extra"] |= message.extra
    Message.objects.filter(pk=message.pk).update(
        **content, from_edit=False, at=place(news.occurred_at, message.created_at)
    )
    if "files_edited" not in message.extra:
        media.keep(message, news.attachments)
    record(ticket, "message.changed", SYSTEM, message=message, changes={"what": "completed"})


# ── Echoes ───────────────────────────────────────────────────────────────────────────────────


class OwnSendUnderWay(NotYet):
    """The echo may be of a reply whose answer is not recorded yet: the envelope is tried again."""


def _echo(channel: Channel, news: InboundMessage, envelope: Envelope) -> None:
    """Written in the platform's own app, or our own send coming back, which it only confirms."""
    external_id = fit_id(news.external_id, 512)
    conversation = known_address(channel, Sender(external_id=news.conversation), is_group=news.is_group)
    if receipts.confirm(channel, external_id, news.own_key):
        return
    under_way = Message.objects.filter(ticket__address=conversation, claimed_until__isnull=False)
    if under_way.exists() and envelope.attempts < 10:
        raise OwnSendUnderWay("a reply is being sent in this conversation; its echo waits for the answer")
    ticket, opening = threads.last_ticket(conversation.pk), ""
    if ticket is None:
        ticket, opening = open_ticket(channel, conversation, subject=subject_of(news)), "ticket.created"
    message = _keep(
        channel,
        ticket,
        None,
        news,
        external_id,
        envelope,
        direction=Message.Direction.OUT,
        status=Message.Status.SENT,
        address=None,
    )
    if opening:
        record(ticket, opening, SYSTEM)
    record(
        ticket,
        "message.added",
        SYSTEM,
        message=message,
        waiting_since=None,
        last_text=preview(message),
        last_direction=message.direction,
    )
    pending.apply(channel, external_id)


# ── What happens to messages ─────────────────────────────────────────────────────────────────


def _receipt(channel: Channel, news: Receipt, envelope: Envelope) -> None:
    receipts.receive(channel, news)


def _reaction(channel: Channel, news: Reaction, envelope: Envelope) -> None:
    author = known_address(channel, news.sender)
    payload = {
        "emoji": clean_text(news.emoji)[:64],
        "removed": news.removed or not news.emoji,
        "author": author.external_id,
        "name": author.name,
        "customer": author.customer_link.customer_id,
        "at": _stamp(news),
    }
    target = fit_id(news.target, 512)
    if not target:
        raise UnreadableEvent("the reaction names no message")
    if not pending.react(channel, target, payload):
        pending.keep(channel, target, "reaction", payload)


def _stamp(news: Event) -> str | None:
    """The platform's time in the one spelling that sorts as it should."""
    return news.occurred_at.astimezone(UTC).isoformat(timespec="microseconds") if news.occurred_at else None


def _edit(channel: Channel, news: Edit, envelope: Envelope) -> None:
    target = fit_id(news.target, 512)
    if not target:
        raise UnreadableEvent("the edit names no message")
    files = None if news.attachments is None else _clean(media.as_json(news.attachments))
    payload = {"text": clean_text(news.text), "at": _stamp(news), "files": files, "envelope": envelope.pk}
    if pending.edit(channel, target, payload):
        return
    if PendingNews.objects.filter(channel=channel, target=target, kind="delete").exists():
        erase(envelope.pk, target)
    elif news.sender is None:
        # Nobody to show it under yet: it waits for its original.
        pending.keep(channel, target, "edit", payload)
    else:
        _message(channel, _as_message(news, news.sender), envelope, payload)


def _as_message(news: Edit, sender: Sender) -> InboundMessage:
    return InboundMessage(
        external_id=news.target,
        sender=sender,
        conversation=news.conversation or sender.external_id,
        is_group=news.is_group,
        group_name=news.group_name,
        occurred_at=news.occurred_at,
        text=news.text,
        attachments=news.attachments or (),
    )


def _as_edit(edited: dict[str, Any]) -> dict[str, Any]:
    """The columns of a message that an edit makes; when the original was sent nobody knows yet."""
    at = edited["at"]
    extra = {"edited": at, **({} if edited["files"] is None else {"files_edited": True})}
    edited_at = datetime.fromisoformat(at) if at else timezone.now()
    return {"from_edit": True, "edited_at": edited_at, "sent_at": None, "extra": extra}


def _deletion(channel: Channel, news: Deletion, envelope: Envelope) -> None:
    target = fit_id(news.target, 512)
    if not target:
        raise UnreadableEvent("the deletion names no message")
    if not pending.delete(channel, target):
        pending.bury(channel, target)


def _notice(channel: Channel, news: Notice, envelope: Envelope) -> None:
    """follow, unfollow, opt-out …: a line on the open ticket if there is one, no message."""
    external_id = fit_id(news.conversation or (news.sender.external_id if news.sender else ""))
    if news.moved_to:
        address = addresses.move(channel, external_id, news.moved_to)
    else:
        address = addresses.find(channel, external_id) if external_id else None
    if address is None:
        if news.blocked:
            fates.unwanted(channel, external_id)
        return
    if news.blocked is not None and bool(address.blocked_at) != news.blocked:
        Address.objects.filter(pk=address.pk).update(blocked_at=timezone.now() if news.blocked else None)
    ticket = Ticket.objects.locked().unresolved().filter(address=address).order_by("-number").first()
    if ticket is None:
        return
    line = f"customer.{news.kind}"[:40]
    changes = _clean({**dict(news.detail), **({"event": news.event_id} if news.event_id else {})})
    if news.event_id and Activity.objects.filter(ticket=ticket, type=line, changes__event=news.event_id).exists():
        return
    link = getattr(address, "customer_link", None)
    record(ticket, line, Actor.from_customer(link.customer if link else None, address.name), changes=changes)


def _typing(channel: Channel, news: Typing, envelope: Envelope) -> None:
    """To whoever looks at the open ticket of that conversation; kept nowhere."""
    found = Ticket.objects.unresolved().filter(address__channel=channel, address__external_id=fit_id(news.conversation))
    row = found.values_list("pk", "team_id", "customer_id", "customer__name", "address__name").first()
    if row is None:
        return
    number, team, customer, *names = row
    actor = {"type": "customer", "id": customer, "name": next(filter(None, names), "")}
    wakeups.publish_json(wakeups.EPHEMERAL, {"type": "typing", "ticket": number, "actor": actor, "team": team})


def _described(channel: Channel, news: Described, envelope: Envelope) -> None:
    """On the address, if that person has ever written; else it comes along with their first message."""
    if addresses.find(channel, fit_id(news.sender.external_id)) is not None:
        known_address(channel, news.sender)


_HANDLERS: dict[type, Callable[[Channel, Any, Envelope], None]] = {
    InboundMessage: _message,
    Receipt: _receipt,
    Reaction: _reaction,
    Edit: _edit,
    Deletion: _deletion,
    Notice: _notice,
    Typing: _typing,
    Described: _described,
}
