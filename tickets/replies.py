"""An agent answers: a note or a reply, checked against what happened meanwhile, then on its way."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from agents.models import Agent
from channels_app import jobs, outbound
from channels_app.contract import QuickReply, Sender, Template, clean_text
from channels_app.models import Address, Channel
from tickets import addresses, choices, intake, letters, sendable
from tickets.excerpt import first_words, preview
from tickets.lifecycle import Conflict, Refused
from tickets.models import Activity, Actor, Attachment, IdempotencyKey, Message, Part, Ticket
from tickets.models.activity import record
from tickets.sendable import CannotSend, abilities_of, conversation_of

__all__ = [
    "CannotSend", "Conflict", "Draft", "KeyReused", "Refused", "Stale", "abilities_of", "conversation_of",
    "news_since", "purge_keys", "reply", "start",
]  # fmt: skip

S = Message.Status
KEYS_KEPT = timedelta(hours=24)


class KeyReused(Refused):
    """The same Idempotency-Key came with another request."""


class Stale(Refused):
    """Something another did that changes the answer is newer than what the agent had seen."""

    def __init__(self, seq: int, new: list[Activity]) -> None:
        super().__init__(_("There is something new on this ticket. Read it, then send again."))
        self.seq = seq
        self.new = new


@dataclass(frozen=True, slots=True)
class Draft:
    """What an agent wrote. seen: the last line of the log they had before them; None: unchecked."""

    text: str = ""
    kind: str = "reply"
    attachments: tuple[int, ...] = ()
    reply_to: int | None = None
    seen: int | None = None
    key: str = ""
    cc: tuple[str, ...] | None = None
    """Who gets a copy, where the channel has copies; None: whoever had the customer's last mail."""
    bcc: tuple[str, ...] = ()
    template: Template | None = None
    """An approved text in place of one's own; its blanks are filled from the parameters."""
    quick_replies: tuple[QuickReply, ...] = ()
    """What the customer may press instead of typing."""
    opening: tuple[int, str, str] | None = None
    """Of the first message of a new ticket: channel, address and subject, which its key stands for too."""

    def hash(self, number: int) -> str:
        said: list[Any] = [self.opening or number, self.text, self.kind, list(self.attachments), self.reply_to]
        if self.cc is not None or self.bcc:
            said.append([None if self.cc is None else list(self.cc), list(self.bcc)])
        if self.template:
            said.append([self.template.name, self.template.language, dict(self.template.parameters)])
        if self.quick_replies:
            said.append([[one.title, one.payload] for one in self.quick_replies])
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def reply(number: int, agent: Agent, draft: Draft) -> tuple[Message, bool]:
    """The message, and whether it is new (False: the same Idempotency-Key made it before).

    Raises CannotSend, Stale, KeyReused, Refused; then nothing was written.
    """
    draft = _keyed(draft)
    try:
        with transaction.atomic():
            ticket = Ticket.objects.locked().select_related("channel", "address").get(pk=number)
            known = _known(agent, draft, number)
            return (known, False) if known else (_write(ticket, agent, draft), True)
    except IntegrityError:
        # Two requests with one key on different tickets: the other one won.
        known = _known(agent, draft, number)
        if known is None:
            raise
        return known, False


def _keyed(draft: Draft) -> Draft:
    """Its key as a column can keep it."""
    if len(draft.key) > 255:
        raise Refused(_("The Idempotency-Key is longer than 255 characters."))
    return replace(draft, key=clean_text(draft.key))


def _known(agent: Agent, draft: Draft, number: int) -> Message | None:
    if not draft.key:
        return None
    found = IdempotencyKey.objects.filter(
        agent=agent, key=draft.key, created_at__gt=timezone.now() - KEYS_KEPT
    ).select_related("message")
    row = found.first()
    if row is None:
        IdempotencyKey.objects.filter(agent=agent, key=draft.key).delete()
        return None
    if row.body_hash != draft.hash(number):
        raise KeyReused(_("This Idempotency-Key was used for another request."))
    return row.message


def _write(ticket: Ticket, agent: Agent, draft: Draft) -> Message:
    text = clean_text(draft.text)
    files = _files(agent, draft.attachments)
    if not text.strip() and not files and draft.template is None:
        raise CannotSend(_("Write something or add a file first."))
    answered = _answered(ticket, draft)
    note = draft.kind == "note"
    extra: dict[str, Any] = {}
    count = 0
    if not note:
        _check_seen(ticket, agent, draft)
        if draft.quick_replies:
            extra[choices.NAME] = _choices(ticket, draft, text)
        if draft.template is not None:
            text, extra["template"] = sendable.filled(ticket, draft.template, text, files)
            count = 1
        else:
            count = len(sendable.parts(ticket, text, files))
        copied = letters.copies(ticket, abilities_of(ticket), draft.cc, draft.bcc) if _may_copy(ticket, draft) else None
        if copied:
            extra["mail"] = copied
    elif draft.template is not None:
        raise CannotSend(_("A template is for the customer, not for a note."))
    elif draft.quick_replies:
        raise CannotSend(_("Buttons are for the customer, not for a note."))
    now = timezone.now()
    message = Message.objects.create(
        ticket=ticket,
        channel_id=ticket.channel_id,
        team_id=ticket.team_id,
        direction=Message.Direction.NOTE if note else Message.Direction.OUT,
        agent=agent,
        text=text,
        reply_to=answered,
        # By it the agent's own page knows the row for what it sent.
        extra={**extra, **({"key": draft.key} if draft.key else {})},
        status=S.SENT if note else S.QUEUED,
        created_at=now,
        at=now,
        next_attempt_at=None if note else now,
    )
    for position, row in enumerate(files):
        Attachment.objects.filter(pk=row.pk).update(message=message, position=position)
    Part.objects.bulk_create(
        Part(message=message, channel_id=ticket.channel_id, position=position, status=S.QUEUED)
        for position in range(count)
    )
    if draft.key:
        IdempotencyKey.objects.create(agent=agent, key=draft.key, body_hash=draft.hash(ticket.pk), message=message)
    fields: dict[str, Any] = {}
    if not note:
        fields = {"waiting_since": None, "last_text": preview(message), "last_direction": "out"}
        jobs.enqueue("tickets.delivery.deliver", message.pk)
    record(ticket, "message.added", Actor.of(agent), message=message, **fields)
    return message


def _choices(ticket: Ticket, draft: Draft, text: str) -> list[dict[str, str]]:
    if draft.template is not None:
        raise CannotSend(_("A template has buttons of its own."))
    return choices.checked(abilities_of(ticket), draft.quick_replies, text)


def _may_copy(ticket: Ticket, draft: Draft) -> bool:
    """Asked for, or where it is usual; a chat pays nothing for it."""
    return ticket.threads or bool(draft.cc or draft.bcc)


def _files(agent: Agent, ids: Sequence[int]) -> list[Attachment]:
    """Uploads of this agent that were not sent yet, in the order given."""
    if not ids:
        return []
    rows = Attachment.objects.select_for_update().in_bulk([pk for pk in ids if 0 < pk < 2**63])
    files = [rows.get(pk) for pk in dict.fromkeys(ids)]
    if any(row is None or row.uploader_id != agent.pk or row.message_id is not None for row in files):
        raise CannotSend(_("One of the files is not there any more. Add it again."))
    return [row for row in files if row is not None]


def _answered(ticket: Ticket, draft: Draft) -> Message | None:
    if draft.reply_to is None:
        return None
    found = Message.objects.filter(ticket=ticket, pk=draft.reply_to).first()
    if found is None:
        raise Refused(_("The message that this answers is not on this ticket."))
    return found


# ── What is newer ────────────────────────────────────────────────────────────────────────────


def news_since(ticket: Ticket, agent: Agent, seen: int) -> list[Activity]:
    """What another did after that line and what changes an answer: never receipts, routing, one's own."""
    by_customer = Q(actor_type="customer") & (
        Q(type="message.added") | Q(type="message.changed", changes__what__in=["edited", "deleted"])
    )
    verbs = ["message.added", "ticket.resolved", "ticket.reopened", "ticket.assigned"]
    by_colleague = Q(actor_type="agent", type__in=verbs) & ~Q(agent=agent)
    # Somebody answered in the platform's own app.
    by_echo = Q(actor_type="system", type="message.added", message__direction=Message.Direction.OUT)
    by_echo &= ~Q(message__extra__has_key="automatic")
    lines = Activity.objects.filter(by_customer | by_colleague | by_echo, ticket=ticket, seq__gt=seen)
    return list(lines.order_by("seq")[:50])


def _check_seen(ticket: Ticket, agent: Agent, draft: Draft) -> None:
    if draft.seen is None:
        return
    new = news_since(ticket, agent, draft.seen)
    if new:
        raise Stale(ticket.seq, new)


# ── Writing first ────────────────────────────────────────────────────────────────────────────


def start(channel: Channel, agent: Agent, to: str, draft: Draft, subject: str = "") -> tuple[Message, bool]:
    """An agent opens a ticket with an address and writes the first message; True: it is new (see reply)."""
    draft = _keyed(draft)
    account = channel.account()
    if not outbound.abilities(channel, sendable.strange(channel, to)).can_write_first:
        raise CannotSend(_("On this channel the customer writes first."))
    try:
        external_id = channel.adapter.normalise_address(account, to)
    except ValueError as error:
        raise CannotSend(_("%(address)s is not an address on this channel.") % {"address": to[:100]}) from error
    draft = replace(draft, opening=(channel.pk, external_id, subject))
    try:
        return _start(channel, agent, external_id, draft, subject)
    except IntegrityError:
        # Two requests with one key to different people: the other one won.
        known = _known(agent, draft, 0)
        if known is None:
            raise
        return known, False


def _start(channel: Channel, agent: Agent, external_id: str, draft: Draft, subject: str) -> tuple[Message, bool]:
    with transaction.atomic():
        address = addresses.known_address(channel, _sender(external_id))
        known = _known(agent, draft, 0)
        if known is not None:
            return known, False
        ticket = None if channel.adapter.threads else _unresolved(address)
        if ticket is not None:
            if not agent.sight().covers(ticket.team_id):
                raise Conflict(_("Another team is talking with this customer already."))
            words = _("Ticket %(number)d with this customer is still open. Answer there.")
            raise Conflict(words % {"number": ticket.pk})
        last = Ticket.objects.filter(address=address).order_by("-number").first()
        title = clean_text(subject)[:500] or first_words(
            clean_text(draft.text) or sendable.preview(channel, draft.template)
        )
        # What the customer wrote on an earlier ticket may have left a window open.
        heard = last.last_inbound_at if last else None
        ticket = intake.open_ticket(channel, address, subject=title, previous=last, last_inbound_at=heard)
        ticket.address = address
        record(ticket, "ticket.created", Actor.of(agent))
        return _write(ticket, agent, draft), True


def _sender(external_id: str) -> Sender:
    """What the address itself tells: a phone number or an e-mail address."""
    phone = external_id if external_id.startswith("+") else ""
    return Sender(external_id=external_id, phone=phone, email=external_id if "@" in external_id else "")


def _unresolved(address: Address) -> Ticket | None:
    return Ticket.objects.locked().unresolved().filter(address=address).first()


def purge_keys() -> None:
    """Idempotency keys are kept 24 h, uploads that were never sent as long (timetable)."""
    old = timezone.now() - KEYS_KEPT
    IdempotencyKey.objects.filter(created_at__lt=old).delete()
    for row in Attachment.objects.filter(message=None, created_at__lt=old)[:500]:
        for file in (row.file, row.thumb):
            if file:
                file.delete(save=False)
        row.delete()
