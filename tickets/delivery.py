"""A queued reply goes out: claimed by one worker, in order per conversation, its fate written down."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as N_
from django.utils.translation import override

from channels_app import jobs, outbound
from channels_app.contract import Abilities, DeliveryFailed, NoSeam, OutboundMessage, Sent, fit_id
from channels_app.models import Address, Channel
from tickets import choices, letters, media, pending, receipts, sendable
from tickets.continuing import mailing
from tickets.lifecycle import Conflict
from tickets.models import Actor, Message, Part, Ticket
from tickets.models.activity import SYSTEM, record

log = structlog.get_logger(__name__)

S = Message.Status
# One send takes 15 s at most, or what its adapter says; the claim is renewed before each part.
LEASE = timedelta(seconds=25)
MARGIN = timedelta(seconds=10)
MINUTE = timedelta(minutes=1)
AT_A_TIME = 200
PER_CHANNEL = 5


def sweep() -> None:
    """Send what is due and take up what a dead worker left behind (timetable)."""
    for pk in Message.objects.filter(claimed_until__lt=timezone.now()).values_list("pk", flat=True)[:AT_A_TIME]:
        jobs.run(_take_up, pk)
    due = _sendable(Message.objects.filter(next_attempt_at__lte=timezone.now())).order_by("next_attempt_at", "pk")
    for pk in due.values_list("pk", flat=True)[:AT_A_TIME]:
        jobs.spread(deliver, pk)


def _sendable(messages: QuerySet[Message]) -> QuerySet[Message]:
    """Those with nothing before them in their conversation that still waits or is on its way."""
    before = Message.objects.filter(
        Q(status=S.QUEUED) | Q(claimed_until__isnull=False),
        ticket__address=OuterRef("ticket__address"),
        direction=Message.Direction.OUT,
        pk__lt=OuterRef("pk"),
    )
    return messages.filter(status=S.QUEUED, claimed_until=None).exclude(Exists(before))


def deliver(message_id: int) -> None:
    """Send it, then what waits behind it in the conversation."""
    following: int | None = message_id
    while following is not None:
        message = _claim(following)
        if message is None:
            return
        _send(message)
        following = _next(message)


def _next(message: Message) -> int | None:
    waiting = Message.objects.filter(
        ticket__address_id=message.ticket.address_id, status=S.QUEUED, next_attempt_at__lte=timezone.now()
    )
    return waiting.order_by("pk").values_list("pk", flat=True).first()


def _claim(message_id: int) -> Message | None:
    """Conditional update: zero rows mean that a colleague was faster, or that it is not its turn."""
    now = timezone.now()
    mine = uuid.uuid4()
    with transaction.atomic():
        found = Message.objects.filter(pk=message_id).values_list("ticket_id", "ticket__address_id").first()
        if found is None:
            return None
        # The address first: two workers with two messages of one conversation must not both go.
        Address.objects.select_for_update().get(pk=found[1])
        ticket = Ticket.objects.locked().get(pk=found[0])
        turn = _sendable(Message.objects.filter(pk=message_id, next_attempt_at__lte=now))
        if not turn.exists() or _busy(ticket.channel_id):
            return None
        Message.objects.filter(pk=message_id).update(
            status=S.SENDING, claim=mine, claimed_until=now + LEASE, next_attempt_at=None, attempts=F("attempts") + 1
        )
        Message.objects.filter(pk=message_id, first_attempt_at=None).update(first_attempt_at=now)
        message = Message.objects.select_related("channel", "agent", "ticket__address", "reply_to").get(pk=message_id)
        record(ticket, "message.status", SYSTEM, message=message, changes={"status": [S.QUEUED, S.SENDING]})
        return message


def _busy(channel_id: int) -> bool:
    """One platform that hangs must not take all workers: the others' replies go on."""
    return Message.objects.filter(channel_id=channel_id, claimed_until__isnull=False).count() >= PER_CHANNEL


def _send(message: Message) -> None:
    # Reasons are stored as their English source and translated for whoever reads them.
    with override("en"):
        try:
            for position, part in enumerate(_parts(message)):
                if _begin(message, position):
                    _sent(message, position, outbound.send(message.channel, part))
        except DeliveryFailed as failure:
            _failed(message, failure)
        else:
            _through(message)


def _begin(message: Message, position: int) -> bool:
    """Note that this part goes out now, so that whoever finds it half done knows; False: it is out."""
    now = timezone.now()
    with transaction.atomic():
        if not Part.objects.filter(message=message, position=position, status=S.QUEUED).update(sent_at=now):
            return False
        ours = Message.objects.filter(pk=message.pk, claim=message.claim, claimed_until__isnull=False)
        longest = timedelta(seconds=message.channel.adapter.longest_send)
        if not ours.update(claimed_until=now + max(LEASE, longest + MARGIN)):
            # This process slept longer than its claim: somebody else has taken it up.
            transaction.set_rollback(True)
            return False
        return True


def _parts(message: Message) -> list[OutboundMessage]:
    ticket = message.ticket
    conversation = sendable.conversation_of(ticket, message)
    able = outbound.abilities(message.channel, conversation)
    template = sendable.template_of(message)
    sendable.still(able, conversation, template)
    _in_turn(message, able)
    whole = OutboundMessage(
        key="",
        to=ticket.address.external_id,
        is_group=ticket.address.is_group,
        text=message.text,
        attachments=tuple(media.for_platform(row) for row in message.attachments.all()),
        reply_to=(message.reply_to.external_id or "") if message.reply_to else "",
        agent_id=message.agent_id,
        agent_name=message.agent.name if message.agent else "",
        agent_signature=message.agent.signature if message.agent else "",
        sent_at=message.created_at,
        attempt=message.attempts,
        quick_replies=choices.of(message),
        reply_handle=conversation.reply_handle,
        reply_to_handle=message.reply_to.extra.get("quote_handle") if message.reply_to else None,
        template=template,
        purpose=able.purpose,
        mail=letters.of(message),
    )
    try:
        # A template is one text for the platform, however long it is.
        parts = [whole] if template else outbound.split(message.channel, whole, able)
    except NoSeam as error:
        raise _cut_otherwise() from error
    _fit(message, len(parts))
    begun = message.parts.filter(status=S.QUEUED, sent_at__isnull=False)
    unconfirmed = set(begun.values_list("position", flat=True)) if message.attempts > 1 else set()
    return [
        replace(part, key=receipts.own_key(message.pk, position), unconfirmed=position in unconfirmed)
        for position, part in enumerate(parts)
    ]


def _in_turn(message: Message, able: Abilities) -> None:
    """A channel that takes so many a minute gets no more; the rest waits until the minute is over."""
    if able.per_minute is None:
        return
    now = timezone.now()
    times = list(_gone(message, now - MINUTE)[: able.per_minute])
    if len(times) >= able.per_minute and times[-1] is not None:
        wait = (times[-1] + MINUTE - now).total_seconds()
        words = N_("This channel has sent as much as it may in a minute; it goes on by itself.")
        raise DeliveryFailed(words, permanent=False, category="rate", code="per_minute", retry_after=wait)


def _gone(message: Message, since: datetime) -> QuerySet[Part, datetime | None]:
    """When the channel sent what else it sent since then, newest first; by the index, however much there is."""
    found = Part.objects.filter(channel_id=message.channel_id, sent_at__gt=since).exclude(message=message)
    return found.order_by("-sent_at").values_list("sent_at", flat=True)


def _fit(message: Message, count: int) -> None:
    """The channel's limits may have changed since the reply was written: it has other parts then."""
    if message.parts.count() == count:
        return
    if message.parts.exclude(status=S.QUEUED).exists():
        raise _cut_otherwise()
    message.parts.all().delete()
    Part.objects.bulk_create(
        Part(message=message, channel_id=message.channel_id, position=position, status=S.QUEUED)
        for position in range(count)
    )


def _cut_otherwise() -> DeliveryFailed:
    return DeliveryFailed(N_("The channel could not send this."), permanent=True, category="content")


def _sent(message: Message, position: int, sent: Sent) -> None:
    """One part is out: written at once, for it must not go twice."""
    external_id = fit_id(sent.external_id, 512) or None
    with transaction.atomic():
        Ticket.objects.locked().get(pk=message.ticket_id)
        part = Part.objects.get(message=message, position=position)
        # A receipt may have been faster than the answer.
        part.status = receipts.forward(part.status, receipts.STATE[sent.state])
        try:
            with transaction.atomic():
                _name(message, part, external_id)
        except IntegrityError:
            _absorb_echo(message, part, external_id)
        if external_id:
            pending.apply(message.channel, external_id)
        receipts.catch_up(message.channel, message.ticket.address.external_id)


def _name(message: Message, part: Part, external_id: str | None) -> None:
    part.external_id = external_id
    part.save(update_fields=["status", "external_id"])
    if part.position == 0:
        Message.objects.filter(pk=message.pk).update(external_id=external_id)


def _absorb_echo(message: Message, part: Part, external_id: str | None) -> None:
    """The platform's echo was faster than its answer and stands as a message: it is this one."""
    echo = Message.objects.filter(
        channel=message.channel, direction="out", external_id=external_id, agent=None, parts=None
    )
    if echo.exclude(pk=message.pk).delete()[0]:
        _name(message, part, external_id)
        return
    # An id that the platform gave twice: the send is still true, only receipts will not find it.
    log.warning("a platform gave one id to two messages", channel=message.channel_id, external_id=external_id)
    Part.objects.filter(pk=part.pk).update(status=part.status)


def _finish(message: Message, change: Callable[[Ticket, Message], None]) -> None:
    """Give the claim back and write what became of it, if the claim is still ours."""
    with transaction.atomic():
        ticket = Ticket.objects.locked().get(pk=message.ticket_id)
        ours = Message.objects.filter(pk=message.pk, claim=message.claim, claimed_until__isnull=False)
        now = Message.objects.get(pk=message.pk)
        if ours.update(claimed_until=None, claim=None):
            change(ticket, now)
        else:
            receipts.settle(ticket, now)


def _through(message: Message) -> None:
    channel = message.channel

    def change(ticket: Ticket, message: Message) -> None:
        status = receipts.whole(list(message.parts.values_list("status", flat=True)))
        error = message.error if status == S.FAILED else None
        Message.objects.filter(pk=message.pk).update(status=status, error=error)
        record(ticket, "message.status", SYSTEM, message=message, changes={"status": [S.SENDING, status]})
        mailing.answered(channel, ticket, message)

    _finish(message, change)


def _failed(message: Message, failure: DeliveryFailed) -> None:
    first = message.first_attempt_at or timezone.now()
    again = outbound.next_attempt(failure, message.attempts, first, message.channel.adapter.idempotent)

    def change(ticket: Ticket, message: Message) -> None:
        status = S.QUEUED if again else S.FAILED
        error = receipts.error_json(failure, retryable=not failure.permanent)
        Message.objects.filter(pk=message.pk).update(status=status, error=error, next_attempt_at=again)
        waiting = Part.objects.filter(message=message, status=S.QUEUED)
        if not again:
            waiting.update(status=S.FAILED)
        elif failure.category != "unconfirmed":
            waiting.update(sent_at=None)
        changes = {"status": [S.SENDING, status], "again_at": again.isoformat() if again else None}
        record(ticket, "message.status", SYSTEM, message=message, changes=changes)
        if failure.category == "blocked" and failure.permanent:
            Address.objects.filter(pk=ticket.address_id, blocked_at=None).update(blocked_at=timezone.now())
        if not again and failure.category != "window":
            words = "\n".join(filter(None, (failure.title, failure.detail)))[:500]
            Channel.objects.filter(pk=message.channel_id).update(last_failure=words, last_failure_at=timezone.now())
            message.channel.refused(failure)

    _finish(message, change)


def _take_up(message_id: int) -> None:
    """A worker died between claim and result. What had not begun is sent, and what had where the
    platform knows our key; else nobody knows whether it went out, so an agent decides."""
    with transaction.atomic():
        found = Message.objects.filter(pk=message_id).select_related("channel").first()
        if found is None:
            return
        ticket = Ticket.objects.locked().get(pk=found.ticket_id)
        left = Message.objects.filter(pk=message_id, claimed_until__lt=timezone.now())
        if not left.update(claimed_until=None, claim=None):
            return
        statuses = list(found.parts.values_list("status", flat=True))
        fields: dict[str, Any] = {}
        if S.QUEUED not in statuses:
            status = receipts.whole(statuses)
            mailing.answered(found.channel, ticket, found)
        elif (
            found.channel.adapter.idempotent or not found.parts.filter(status=S.QUEUED, sent_at__isnull=False).exists()
        ):
            status, fields = S.QUEUED, {"next_attempt_at": timezone.now()}
        else:
            status, fields = S.FAILED, {"error": _unconfirmed()}
            Part.objects.filter(message=found, status=S.QUEUED).update(status=S.FAILED)
        Message.objects.filter(pk=message_id).update(status=status, **fields)
        record(ticket, "message.status", SYSTEM, message=found, changes={"status": [S.SENDING, status]})
        if status == S.QUEUED:
            jobs.enqueue("tickets.delivery.deliver", message_id)


def _unconfirmed() -> dict[str, object]:
    return receipts.error_json(
        DeliveryFailed(
            N_("Nobody knows whether this was sent."),
            detail=N_("The hub stopped while it was being sent. Look at the platform, then retry if need be."),
            permanent=False,
            category="unconfirmed",
        )
    )


def retry(message_id: int, by: Actor) -> Message:
    """An agent sends a failed reply again: only the parts that did not go out. Raises Conflict."""
    with transaction.atomic():
        found = Message.objects.get(pk=message_id)
        ticket = Ticket.objects.locked().get(pk=found.ticket_id)
        now = timezone.now()
        failed = Message.objects.filter(pk=message_id, status=S.FAILED, direction=Message.Direction.OUT)
        again = failed.filter(claimed_until=None)
        if found.agent_id is None or not again.update(
            status=S.QUEUED, error=None, next_attempt_at=now, attempts=0, first_attempt_at=None
        ):
            raise Conflict(_("Only a reply that failed can be sent again."))
        Part.objects.filter(message_id=message_id, status=S.FAILED).update(
            status=S.QUEUED, external_id=None, sent_at=None
        )
        if found.parts.filter(position=0, external_id=None).exists():
            Message.objects.filter(pk=message_id).update(external_id=None)
        record(ticket, "message.status", by, message=found, changes={"status": [S.FAILED, S.QUEUED]})
        jobs.enqueue("tickets.delivery.deliver", message_id)
    return Message.objects.for_reading().get(pk=message_id)
