"""The question goes out: in the conversation, once, when it is due, and no faster than the channel takes it.

Every step is a row with a due time. A batch is claimed by one conditional UPDATE, then asked in one short
transaction that writes messages, lines and the rows' new states together: a worker killed anywhere in it has
either asked or not, and what it had claimed is due again when the claim runs out. What is read and written is so
for the whole batch, in as many statements for a hundred as for one.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property

import structlog
from django.db import transaction
from django.db.models import Max, OuterRef, QuerySet, Subquery
from django.utils import timezone

from channels_app import outbound, prepared
from channels_app.contract import Abilities, Conversation
from channels_app.contract import Template as Approved
from channels_app.models import Channel
from customers.models import Customer
from surveys import definition, links, phrasing, tallies, versions, zones
from surveys.models import Invitation, Survey, SurveyVersion
from tickets import automatic, sendable
from tickets.models import Message, Ticket

log = structlog.get_logger(__name__)

State, Reason = Invitation.State, Invitation.Reason
LEASE = timedelta(seconds=60)
BATCH = 100
"""So many in one transaction: few statements for each, and no lock for longer than a moment."""
WAITING = 40
"""So many may wait on one channel to be sent, or as many as it sent within LATELY, so that it is never without work:
what an agent writes meanwhile has but a few seconds of ours before it."""
LATELY = timedelta(seconds=5)
CHANNELS = 50
SHARE = 2
"""Of what a channel takes in a minute, surveys have one part in so many."""
LONGEST_SWEEP = 20.0
"""Seconds; then the timetable's other entries have the thread."""
AGAIN = timedelta(minutes=10)
MINUTE = timedelta(minutes=1)
MOST_ATTEMPTS = 20


def sweep() -> None:
    """Whatever is due: ask, remind, or close (timetable)."""
    until = time.monotonic() + LONGEST_SWEEP
    # All channels have their turn before one has its second.
    while [channel for channel in _channels() if _turn(channel)] and time.monotonic() < until:
        pass


def _channels() -> QuerySet[Channel]:
    """Those with something due, who waits longest first: one that has much to ask holds up no other.

    Each channel is asked for its first: all that is open and not due yet stands in the same index.
    """
    due = Invitation.objects.filter(channel=OuterRef("pk"), due_at__lte=timezone.now()).order_by("due_at")
    found = Channel.objects.annotate(first=Subquery(due.values("due_at")[:1])).filter(first__isnull=False)
    return found.order_by("first", "pk")[:CHANNELS]


def _turn(channel: Channel) -> bool:
    """One batch of one channel; True: there may be more right now."""
    now = timezone.now()
    room = min(BATCH, _room(channel, now))
    claimed = claim(channel.pk, room, now) if room > 0 else None
    if claimed is None:
        return False
    mine, ids = claimed
    try:
        done(mine, ids)
    except Exception:
        log.exception("a batch of surveys failed; each is tried by itself", channel=channel.pk)
        for pk in ids:
            _alone(mine, pk)
    return len(ids) == room


def _room(channel: Channel, now: datetime) -> int:
    """How many more may be asked on the channel now."""
    asked = Invitation.objects.filter(channel=channel)
    gone = asked.filter(asked_at__gt=now - LATELY).exclude(message__status=Message.Status.QUEUED).count()
    most = max(WAITING, gone)
    # By the index of what is to be sent, which is small; that of the channel's invitations is not.
    queued = Message.objects.filter(next_attempt_at__isnull=False, status=Message.Status.QUEUED, channel=channel)
    room = most - queued.filter(agent=None)[:most].count()
    able = outbound.abilities(channel, sendable.strange(channel, ""))
    if able.per_minute is None:
        return room
    share = max(able.per_minute // SHARE, 1)
    return min(room, share - asked.filter(asked_at__gt=now - MINUTE)[:share].count())


def claim(channel_id: int, count: int, now: datetime) -> tuple[uuid.UUID, list[int]] | None:
    """Conditional update: what another has claimed meanwhile is not among them. None: nothing was due."""
    due = Invitation.objects.filter(channel=channel_id, due_at__lte=now).order_by("due_at", "pk")
    ids = list(due.values_list("pk", flat=True)[:count])
    mine = uuid.uuid4()
    # Due again when the claim runs out: whoever dies with it leaves nothing undone.
    still = Invitation.objects.filter(pk__in=ids, due_at__lte=now)
    if not ids or not still.update(claim=mine, due_at=now + LEASE, claimed_until=now + LEASE):
        return None
    return mine, sorted(Invitation.objects.filter(claim=mine).values_list("pk", flat=True))


def _alone(mine: uuid.UUID, pk: int) -> None:
    try:
        done(mine, [pk])
    except Exception:
        log.exception("a survey could not be asked", invitation=pk)
        row = Invitation.objects.get(pk=pk)
        attempts = row.attempts + 1
        ours = Invitation.objects.filter(pk=pk, claim=mine)
        if attempts >= MOST_ATTEMPTS:
            ours.update(state=State.SKIPPED, reason=Reason.CLOSED, due_at=None, claim=None, claimed_until=None)
        else:
            ours.update(attempts=attempts, due_at=timezone.now() + AGAIN, claim=None, claimed_until=None)


@transaction.atomic
def done(mine: uuid.UUID, ids: Sequence[int]) -> None:
    """Do what is due for these, if they are ours still. Locked: customers, tickets, invitations, each by number."""
    people = Invitation.objects.filter(pk__in=ids).values("customer_id")
    list(Customer.objects.select_for_update(no_key=True).filter(pk__in=people).order_by("pk").values_list("pk"))
    numbers = Invitation.objects.filter(pk__in=ids).values("ticket_id")
    held = Ticket.objects.locked().filter(pk__in=numbers).select_related("address", "customer").order_by("pk")
    # Not joined what is long and the same for all: the channel here, survey and words below.
    tickets = {row.pk: row for row in held.prefetch_related("channel")}
    rows = Invitation.objects.select_for_update(of=("self",)).filter(pk__in=ids, claim=mine)
    batch = Batch(list(rows.prefetch_related("survey", "version").order_by("pk")), tickets, timezone.now())
    for row in batch.rows:
        batch.step(row)
    batch.write()
    tallies.touch({(row.survey_id, row.day) for row in batch.changed})


def _keep(rows: Sequence[Invitation]) -> None:
    prepared.update_all(rows, *KEPT)


KEPT = (
    "state", "reason", "due_at", "asked_at", "expires_at", "version", "message", "claim", "claimed_until",
)  # fmt: skip


class Batch:
    """Some invitations whose customers, tickets and rows are ours until the transaction ends."""

    def __init__(self, rows: list[Invitation], tickets: Mapping[int, Ticket], now: datetime) -> None:
        self.rows, self.tickets, self.now = rows, tickets, now
        self.changed: list[Invitation] = []
        self.many = automatic.Many([tickets[number] for number in {row.ticket_id for row in rows}])
        self.asked: list[tuple[Invitation, Message]] = []
        """What goes out, the first question or its reminder."""
        self.versions: dict[int, SurveyVersion] = {}
        self.contents: dict[int, definition.Content] = {}
        self.whens = {row.survey_id: definition.when(row.survey.when) for row in rows}
        self.last_asked = self._last_asked()

    def _last_asked(self) -> dict[int, datetime | None]:
        """When each customer was last asked anything, in one statement."""
        people = {row.customer_id for row in self.rows}
        asked = Invitation.objects.filter(customer__in=people, asked_at__isnull=False, is_test=False)
        return dict(asked.values_list("customer").annotate(last=Max("asked_at")))

    def write(self) -> None:
        """All that was decided, at once."""
        self.many.write()
        for row, message in self.asked:
            row.message_id = message.pk
        _keep(self.rows)

    def step(self, row: Invitation) -> None:
        ticket = self.tickets[row.ticket_id]
        row.claim = row.claimed_until = None
        if row.state == State.PENDING:
            self._ask(row, ticket)
        elif row.state in (State.ASKED, State.REMINDED):
            self._remind_or_close(row, ticket)
        else:
            row.due_at = None

    # ── Ask ──

    def _ask(self, row: Invitation, ticket: Ticket) -> None:
        when = self.whens[row.survey_id]
        reason = "" if row.is_test else self._not_now(row, ticket, when)
        if reason:
            self._skip(row, ticket, reason)
            return
        awake = self._awake(ticket, when)
        if awake > self.now and not row.is_test:
            row.due_at = awake
            return
        if row.version is None:
            row.version = self._version(row.survey)
        outcome = self._send(row, ticket, when, phrasing.question)
        if isinstance(outcome, Message):
            self._asked(row, ticket, when, outcome)
        elif outcome == LATER:
            row.due_at = self.now + AGAIN
        else:
            self._skip(row, ticket, outcome)

    def _asked(self, row: Invitation, ticket: Ticket, when: definition.When, message: Message) -> None:
        row.state, row.asked_at = State.ASKED, self.now
        self.asked.append((row, message))
        row.expires_at = self.now + timedelta(days=when.expire_days)
        remind = self.now + timedelta(days=when.remind_days)
        row.due_at = min(remind, row.expires_at) if when.remind_days else row.expires_at
        self.last_asked[row.customer_id] = self.now
        self.changed.append(row)
        self.many.note(ticket, "survey.asked", {"survey": row.survey.name, "invitation": row.pk})

    def _not_now(self, row: Invitation, ticket: Ticket, when: definition.When) -> str:
        last = self.last_asked.get(row.customer_id)
        if not row.survey.enabled or row.survey.deleted_at:
            return Reason.OFF
        if ticket.status != Ticket.Status.RESOLVED:
            return Reason.REOPENED
        if row.expires_at and row.expires_at <= self.now:
            return Reason.LATE
        if last and when.every_days and self.now - last < timedelta(days=when.every_days):
            return Reason.RECENT
        return ""

    def _skip(self, row: Invitation, ticket: Ticket, reason: str) -> None:
        row.state, row.reason, row.due_at = State.SKIPPED, reason, None
        self.changed.append(row)
        if reason != Reason.REOPENED:
            self.many.note(ticket, "survey.skipped", {"survey": row.survey.name, "reason": reason})

    def _version(self, survey: Survey) -> SurveyVersion:
        if survey.pk not in self.versions:
            self.versions[survey.pk] = versions.version_of(survey)
        return self.versions[survey.pk]

    def _content(self, version: SurveyVersion) -> definition.Content:
        if version.pk not in self.contents:
            self.contents[version.pk] = versions.content_of(version)
        return self.contents[version.pk]

    def _awake(self, ticket: Ticket, when: definition.When) -> datetime:
        """From when on it is not their night."""
        if when.quiet_from is None or when.quiet_to is None:
            return self.now
        theirs = zones.zones_of(ticket.address, ticket.channel, ticket.customer, self._phones[ticket.customer_id])
        return zones.awake(self.now, theirs, when.quiet_from, when.quiet_to)

    @cached_property
    def _phones(self) -> dict[int, list[str]]:
        return zones.phones_of(ticket.customer_id for ticket in self.tickets.values())

    @cached_property
    def _newest(self) -> dict[int, int]:
        """Ticket → the newest that was asked on it."""
        asked = Invitation.objects.filter(ticket__in=self.tickets, asked_at__isnull=False)
        return dict(asked.values_list("ticket").annotate(newest=Max("pk")))

    # ── Remind, close ──

    def _remind_or_close(self, row: Invitation, ticket: Ticket) -> None:
        when = self.whens[row.survey_id]
        assert row.expires_at is not None
        if row.expires_at <= self.now:
            row.state, row.due_at = State.EXPIRED, None
            self.changed.append(row)
            return
        row.due_at = row.expires_at
        # Somebody who writes again has other worries; a survey that is off asks nobody twice; and where the ticket was
        # resolved and asked about again, that question is the one to remind of.
        quiet = ticket.status != Ticket.Status.RESOLVED or not row.survey.enabled or row.survey.deleted_at
        if row.state == State.REMINDED or quiet or not when.remind_days or self._newest[row.ticket_id] != row.pk:
            return
        awake = self._awake(ticket, when)
        if awake > self.now:
            row.due_at = awake
            return
        outcome = self._send(row, ticket, when, phrasing.reminder)
        if isinstance(outcome, Message):
            # From now on it is this one that is answered, whatever an agent has written since the first.
            row.state = State.REMINDED
            self.asked.append((row, outcome))

    # ── On its way ──

    def _send(self, row: Invitation, ticket: Ticket, when: definition.When, phrase: phrasing.Phrase) -> Message | str:
        """The message; else LATER, or the reason why it cannot be."""
        assert row.version is not None
        content = self._content(row.version)
        conversation = self.many.conversation_of(ticket)
        able = outbound.abilities(ticket.channel, conversation)
        if not ticket.channel.enabled:
            return LATER
        template = when.template(ticket.channel_id) if able.only_templates else None
        if conversation.blocked or able.closed or (able.only_templates and template is None):
            return _closed(able, conversation)
        language = content.language(row.language)
        offered = phrasing.buttons(content, row.pk, able, language)
        long = bool(type(ticket.channel.adapter).threads)
        words = phrase(content, row.pk, language, pressed=bool(offered), long=long)
        try:
            answer = self.many.offer(
                ticket,
                lambda: words,
                able=able,
                quick_replies=lambda: offered,
                template=_filled(template, row, ticket) if template else None,
            )
        except sendable.CannotSend as error:
            log.info("a survey cannot be sent", invitation=row.pk, reason=str(error))
            return Reason.WINDOW if template else Reason.CLOSED
        return answer if isinstance(answer, Message) else _REFUSED.get(answer, Reason.AUTOMATIC)


LATER = "later"
_REFUSED = {"rate": LATER, "breaker": LATER, "closed": Reason.CLOSED.value}


def _closed(able: Abilities, conversation: Conversation) -> str:
    if conversation.blocked:
        return Reason.BLOCKED
    return Reason.WINDOW if able.only_templates or able.window_words or able.reply_window else Reason.CLOSED


def _filled(template: definition.Template, row: Invitation, ticket: Ticket) -> Approved:
    said = {"link": links.url(row.pk), "name": ticket.customer.name or ticket.address.name or "-"}
    blanks = {name: _blank(text, said) for name, text in template.blanks.items()}
    return Approved(name=template.name, language=template.language, parameters=blanks)


def _blank(text: str, said: dict[str, str]) -> str:
    for name, value in said.items():
        text = text.replace(f"{{{name}}}", value)
    return text
