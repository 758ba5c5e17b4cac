"""An answer that a visitor has not seen goes to their e-mail address, where the channel's administrator wants that.

``answered`` notes when to look; ``sweep`` looks; what is still unseen then goes out as one mail. The mail's row stands
before the mail is handed over and names it the same on every attempt: a process that dies in between leads to the
same Message-ID again, never to another mail.

The address was typed by a visitor and proves nothing. So nothing goes there but what agents wrote in this very
conversation, to one address for good, a few mails a day, and never to ourselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as N_
from django.utils.translation import override

from channels_app import jobs, outbound, vault
from channels_app.contract import (
    CONTINUE_AFTER,
    CONTINUE_BY,
    Abilities,
    Conversation,
    DeliveryFailed,
    OutboundMessage,
    fit_id,
)
from channels_app.models import Address, Channel
from tickets import automatic, letters, media, pending, threads
from tickets.continuing import fates
from tickets.continuing.models import ContinuedMail, Unseen
from tickets.models import Attachment, Message, Part, Ticket

log = structlog.get_logger(__name__)

S = Message.Status
LEASE = timedelta(seconds=60)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
A_DAY = 5
AT_A_TIME = 100
# To whoever answers by mail the next answer goes by mail soon: they are not before the chat.
SOON = timedelta(minutes=1)
NO_ADDRESS = N_("The e-mail address cannot be written to.")


# ── When to look ─────────────────────────────────────────────────────────────────────────────


def answered(channel: Channel, ticket: Ticket, message: Message) -> None:
    """An agent's answer is where the visitor could read it. The caller holds the ticket."""
    given = channel.public_settings
    if not given.get(CONTINUE_BY.name) or message.agent_id is None:
        return
    wait = SOON if _by_mail(ticket) else timedelta(minutes=_minutes(given.get(CONTINUE_AFTER.name)))
    Unseen.objects.get_or_create(address_id=ticket.address_id)
    Unseen.objects.filter(address_id=ticket.address_id).update(due_at=timezone.now() + wait)


def _minutes(value: object) -> int:
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else int(CONTINUE_AFTER.default)


def _by_mail(ticket: Ticket) -> bool:
    theirs = Message.objects.filter(ticket=ticket, direction=Message.Direction.IN).order_by("-pk")
    return theirs.values_list("channel_id", flat=True).first() not in (None, ticket.channel_id)


def sweep() -> None:
    """Look at what is due (timetable)."""
    due = Unseen.objects.filter(due_at__lte=timezone.now()).order_by("due_at")
    for pk in due.values_list("pk", flat=True)[:AT_A_TIME]:
        jobs.spread(go_on, pk)


# ── One conversation ─────────────────────────────────────────────────────────────────────────


def go_on(address_id: int) -> None:
    """Claim, write down, send, finish. Whoever dies on the way leaves a claim that runs out."""
    until = timezone.now() + LEASE
    if not Unseen.objects.filter(pk=address_id, due_at__lte=timezone.now()).update(due_at=until):
        return
    mail, again = _prepared(address_id)
    if mail is None:
        _done(address_id, until, again)
        return
    # Reasons are stored as their English source and translated for whoever reads them.
    with override("en"):
        try:
            sent = outbound.send(mail.channel, _message(mail))
        except DeliveryFailed as failure:
            _failed(mail, failure, until)
            return
    fates.sent(mail, sent.external_id)
    _done(address_id, until)
    # What the server said of it may have been faster.
    with transaction.atomic():
        pending.apply(mail.channel, fit_id(sent.external_id, 512))


def _done(address_id: int, until: datetime, again: datetime | None = None) -> None:
    # A newer answer has put another time there, and stays due.
    Unseen.objects.filter(pk=address_id, due_at=until).update(due_at=again)


@transaction.atomic
def _prepared(address_id: int) -> tuple[ContinuedMail | None, datetime | None]:
    """The mail to send now, or None and when to look again (None: not before the next answer)."""
    row = Unseen.objects.select_for_update(of=("self",)).select_related("address__channel").get(pk=address_id)
    begun = row.mails.select_related("channel", "ticket").filter(ended_at=None).first()
    if begun is not None:
        return _still(begun), None
    channel = _mail_channel(row.address.channel)
    if channel is None:
        return None, None
    messages = list(_unseen(address_id).filter(pk__gt=row.upto).order_by("pk"))
    to = row.to or row.address.email
    if not messages or not to:
        return None, None
    able, to = _able(channel, to)
    if able.closed:
        return None, None
    wait = _wait(row, channel, able, to)
    if wait is not None:
        return None, wait
    return _written(row, messages, channel, to), None


def _still(mail: ContinuedMail) -> ContinuedMail | None:
    """Somebody died over this one, or it was not taken: it goes out, unless all of it was seen meanwhile."""
    left = _unseen(mail.unseen_id).filter(pk__in=mail.messages).exists()
    if left and not _able(mail.channel, mail.to)[0].closed:
        return mail
    ContinuedMail.objects.filter(pk=mail.pk).update(ended_at=timezone.now())
    return None


def _unseen(address_id: int) -> QuerySet[Message]:
    """What agents wrote there, what arrived, and what nobody has looked at."""
    ours = Message.objects.filter(
        ticket__address=address_id, direction=Message.Direction.OUT, agent__isnull=False, deleted_at=None,
        status__in=(S.SENT, S.DELIVERED),
    )  # fmt: skip
    return ours.select_related("agent")


def _mail_channel(channel: Channel) -> Channel | None:
    number = str(channel.public_settings.get(CONTINUE_BY.name) or "")
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        return None
    found = Channel.objects.filter(pk=int(number), enabled=True).first()
    return found if found is not None and found.adapter.threads else None


def _able(channel: Channel, to: str) -> tuple[Abilities, str]:
    """What the mail channel can do for this address, in its one spelling; closed where it can do nothing."""
    try:
        to = channel.adapter.normalise_address(channel.account(), to)
    except (ValueError, vault.Unreadable):
        return Abilities(closed=NO_ADDRESS), to
    if automatic.is_own(channel.kind, to):
        return Abilities(closed=NO_ADDRESS), to
    blocked = Address.objects.filter(channel=channel, external_id=to, blocked_at__isnull=False).exists()
    return outbound.abilities(channel, Conversation(external_id=to, blocked=blocked)), to


def _wait(row: Unseen, channel: Channel, able: Abilities, to: str) -> datetime | None:
    """Until when enough has been sent: to this person in a day, through this channel in a minute."""
    now = timezone.now()
    sent = ContinuedMail.objects.filter(Q(to=to) | Q(unseen=row), created_at__gt=now - DAY)
    times = list(sent.order_by("-created_at").values_list("created_at", flat=True)[:A_DAY])
    if len(times) >= A_DAY:
        return times[-1] + DAY
    if able.per_minute is None:
        return None
    gone = Part.objects.filter(channel=channel, sent_at__gt=now - MINUTE).count()
    gone += ContinuedMail.objects.filter(channel=channel, created_at__gt=now - MINUTE).count()
    return now + MINUTE if gone >= able.per_minute else None


def _written(row: Unseen, messages: Sequence[Message], channel: Channel, to: str) -> ContinuedMail:
    last = messages[-1]
    mail, _made = ContinuedMail.objects.get_or_create(
        unseen=row,
        upto=last.pk,
        defaults={
            "ticket_id": last.ticket_id,
            "channel": channel,
            "to": to,
            "messages": [one.pk for one in messages],
            "token": threads.new_token(),
        },
    )
    Unseen.objects.filter(pk=row.pk).update(to=to, upto=last.pk)
    return ContinuedMail.objects.select_related("channel", "ticket").get(pk=mail.pk)


# ── The mail ─────────────────────────────────────────────────────────────────────────────────


def _message(mail: ContinuedMail) -> OutboundMessage:
    """The same on every attempt, but for answers that were seen or deleted meanwhile."""
    ContinuedMail.objects.filter(pk=mail.pk).update(attempts=mail.attempts + 1)
    mail.attempts += 1
    messages = list(_unseen(mail.unseen_id).filter(pk__in=mail.messages).order_by("pk"))
    ticket = Ticket.objects.select_related("customer", "address", "channel").get(pk=mail.ticket_id)
    with override(letters.language(ticket)):
        text, subject = _words(ticket, messages), _("Our answer from the chat")
    names = list(dict.fromkeys(one.agent.name for one in messages if one.agent))
    before = list(
        ContinuedMail.objects.filter(unseen=mail.unseen_id, channel=mail.channel_id, pk__lt=mail.pk)
        .exclude(external_id="").order_by("pk").values_list("external_id", flat=True)
    )  # fmt: skip
    theirs = _their_last(mail)
    return OutboundMessage(
        key=mail.key,
        to=mail.to,
        text=text,
        attachments=tuple(media.for_platform(file) for file in _files(mail, messages)),
        agent_name=names[0] if len(names) == 1 else "",
        sent_at=mail.created_at,
        attempt=mail.attempts,
        mail={
            "subject": subject,
            "number": ticket.pk,
            "to_name": ticket.address.name,
            "answered": theirs or (before[-1] if before else ""),
            "references": [*before, *([theirs] if theirs else [])],
            "token": mail.token,
        },
    )


def _words(ticket: Ticket, messages: Sequence[Message]) -> str:
    several = len({one.agent_id for one in messages}) > 1
    said = [f"{one.agent.name}:\n{one.text}" if several and one.agent else one.text for one in messages]
    last = (
        "—\n"
        + _("You wrote to us in the chat on our website and left before the answer came.")
        + " "
        + _("You can answer this mail: your answer joins the same conversation.")
    )
    return "\n\n".join([*(text for text in said if text.strip()), last])


def _files(mail: ContinuedMail, messages: Sequence[Message]) -> list[Attachment]:
    """As many as one mail takes; the others are in the chat."""
    able, _to = _able(mail.channel, mail.to)
    found: list[Attachment] = []
    size = 0
    rows = Attachment.objects.filter(message__in=messages, state=Attachment.State.STORED)
    for row in rows.order_by("message", "position"):
        size += row.size or 0
        if size > (able.max_total_bytes or able.max_attachment_bytes) or len(found) >= able.max_attachments:
            break
        found.append(row)
    return found


def _their_last(mail: ContinuedMail) -> str:
    """The id of what they wrote last by mail, for their mail program to show it as one conversation."""
    theirs = Message.objects.filter(
        ticket__address=mail.unseen_id, channel=mail.channel_id, direction=Message.Direction.IN
    ).order_by("-pk")
    newest = theirs.first()
    return str(newest.extra.get("mail", {}).get("message_id") or "") if newest else ""


def _failed(mail: ContinuedMail, failure: DeliveryFailed, until: datetime) -> None:
    again = outbound.next_attempt(failure, mail.attempts, mail.created_at, mail.channel.adapter.idempotent)
    log.info("a conversation was not continued by mail", mail=mail.pk, attempt=mail.attempts, reason=str(failure))
    if again is None:
        fates.refused(mail, failure.title, for_good=failure.category == "blocked" and failure.permanent)
        mail.channel.refused(failure)
    _done(mail.unseen_id, until, again)
