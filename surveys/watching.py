"""What is resolved is to be asked about: the desk's log is read on from where we stopped.

Nothing below calls us. The place in the log moves in the transaction that acts on what was read, so a line is
acted on once, whatever is killed meanwhile; and no further than the log's safe horizon, so none is skipped.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import Min

from surveys import definition, tallies, versions, zones
from surveys.models import Invitation, Place, Response, Survey
from tickets.letters import language
from tickets.models import Activity, Message, Ticket
from tickets.models.activity import horizon

LINES = 500
PAGES = 40
WATCHED = ("ticket.resolved", "ticket.reopened", "ticket.changed")
LONGEST_WAIT = timedelta(days=7)
"""What could not be asked so long after it was due is not asked any more."""

State, Reason = Invitation.State, Invitation.Reason


def follow() -> None:
    """Read on (timetable)."""
    for _page in range(PAGES):
        if not _read():
            return


def _read() -> bool:
    """One page of the log; True: there may be more."""
    until = horizon()
    # Most of the time nobody has written: then nothing is locked.
    if Place.objects.filter(name="log", seq__gte=until).exists():
        return False
    with transaction.atomic():
        place, _made = Place.objects.select_for_update().get_or_create(name="log", defaults={"seq": until})
        lines = Activity.objects.filter(seq__gt=place.seq, seq__lte=until, type__in=WATCHED).order_by("seq")
        found = list(lines.only("seq", "type", "ticket", "actor_type", "agent", "at", "changes")[:LINES])
        full = len(found) == LINES
        upto = found[-1].seq if full else until
        if upto <= place.seq:
            return False
        _resolved([line for line in found if line.type == "ticket.resolved"])
        # After them: what was resolved and reopened on one page is not asked about.
        _reopened([line for line in found if line.type == "ticket.reopened"])
        _retagged([line for line in found if line.type == "ticket.changed" and "tags" in line.changes])
        Place.objects.filter(pk=place.pk).update(seq=upto)
    return full


# ── Resolved ─────────────────────────────────────────────────────────────────────────────────


def _resolved(lines: Sequence[Activity]) -> None:
    surveys = [(row, definition.when(row.when)) for row in Survey.objects.filter(enabled=True, deleted_at=None)]
    if not lines or not surveys:
        return
    numbers = {line.ticket_id for line in lines if line.ticket_id}
    rows = Ticket.objects.filter(pk__in=numbers).select_related("channel", "customer", "address")
    tickets = {row.pk: row for row in rows.prefetch_related("tags")}
    replied = _first_replies(numbers)
    current = versions.current([survey for survey, _when in surveys])
    phones = zones.phones_of(ticket.customer_id for ticket in tickets.values())
    made = []
    for line in lines:
        ticket = tickets.get(line.ticket_id or 0)
        chosen = next(((row, when) for row, when in surveys if ticket and _fits(ticket, when)), None)
        if ticket is None or chosen is None:
            continue
        survey, when = chosen
        spoken = current[survey.pk].language(language(ticket))
        row = _invitation(line, ticket, survey, when, spoken, phones[ticket.customer_id])
        first = replied.get(ticket.pk)
        row.first_reply_seconds = int((first - ticket.created_at).total_seconds()) if first else None
        made.append(row)
    Invitation.objects.bulk_create(made, ignore_conflicts=True)
    tallies.touch({(row.survey_id, row.day) for row in made})


def _first_replies(numbers: Iterable[int]) -> dict[int, datetime]:
    sent = Message.objects.filter(ticket__in=numbers, direction=Message.Direction.OUT, agent__isnull=False)
    return dict(sent.values_list("ticket").annotate(first=Min("created_at")))


def _fits(ticket: Ticket, when: definition.When) -> bool:
    return (
        (not when.channels or ticket.channel_id in when.channels)
        and (not when.teams or ticket.team_id in when.teams)
        and (not when.types or ticket.customer.type in when.types)
    )


def _invitation(
    line: Activity, ticket: Ticket, survey: Survey, when: definition.When, spoken: str, phones: Sequence[str]
) -> Invitation:
    reason = _not_asked(line, ticket, survey, when)
    theirs = zones.zones_of(ticket.address, ticket.channel, ticket.customer, phones)
    due = zones.awake(line.at + when.delay, theirs, when.quiet_from, when.quiet_to)
    return Invitation(
        survey=survey,
        ticket=ticket,
        resolution=line.seq,
        customer_id=ticket.customer_id,
        channel_id=ticket.channel_id,
        team_id=ticket.team_id,
        agent_id=line.agent_id or ticket.assignee_id,
        language=spoken,
        customer_type=ticket.customer.type,
        state=State.SKIPPED if reason else State.PENDING,
        reason=reason,
        due_at=None if reason else due,
        expires_at=due + LONGEST_WAIT,
        day=line.at.astimezone(UTC).date(),
        created_at=line.at,
    )


def _not_asked(line: Activity, ticket: Ticket, survey: Survey, when: definition.When) -> str:
    """What is known already now; the rest is looked at when it is due."""
    if line.actor_type != "agent":
        return Reason.AUTOMATIC
    if ticket.address.is_group:
        return Reason.GROUP
    if _is_spam(ticket, when):
        return Reason.SPAM
    return "" if is_drawn(survey.pk, line.seq, when.percent) else Reason.SAMPLE


def _is_spam(ticket: Ticket, when: definition.When) -> bool:
    return bool({tag.name.lower() for tag in ticket.tags.all()} & {name.lower() for name in when.not_tags})


def is_drawn(survey: int, resolution: int, percent: int) -> bool:
    """By lot, but the same each time one looks."""
    digest = hashlib.blake2b(f"{survey}:{resolution}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) % 10_000 < percent * 100


# ── Reopened, tagged otherwise ───────────────────────────────────────────────────────────────


def _reopened(lines: Sequence[Activity]) -> None:
    """Not asked any more, if not asked yet; and a defect of the resolution before it, if that is what one counts."""
    if not lines:
        return
    earlier: dict[int, list[Invitation]] = defaultdict(list)
    known = Invitation.objects.filter(ticket__in={line.ticket_id for line in lines}).order_by("resolution")
    for row in known.only("ticket_id", "resolution", "state", "reopened", "survey_id", "day"):
        earlier[row.ticket_id].append(row)
    before = [[row for row in earlier[line.ticket_id or 0] if row.resolution < line.seq] for line in lines]
    waiting = {row.pk for rows in before for row in rows if row.state == State.PENDING}
    last = {rows[-1].pk: rows[-1] for rows in before if rows and not rows[-1].reopened}
    # Looked at once more by the statement itself: one may have been asked meanwhile.
    Invitation.objects.filter(pk__in=waiting, state=State.PENDING).update(
        state=State.SKIPPED, reason=Reason.REOPENED, due_at=None, claim=None, claimed_until=None
    )
    Invitation.objects.filter(pk__in=last).update(reopened=True)
    tallies.touch({(row.survey_id, row.day) for row in last.values()})


def _retagged(lines: Sequence[Activity]) -> None:
    """Counted anew; and who turned out to be spam before they were asked is not."""
    numbers = {line.ticket_id for line in lines}
    if numbers:
        waiting = Invitation.objects.filter(ticket__in=numbers, state=State.PENDING)
        rows = waiting.select_related("survey", "ticket").prefetch_related("ticket__tags")
        spam = [row.pk for row in rows if _is_spam(row.ticket, definition.when(row.survey.when))]
        if spam:
            # Looked at once more by the statement itself: one may have been asked meanwhile.
            waiting.filter(pk__in=spam).update(
                state=State.SKIPPED, reason=Reason.SPAM, due_at=None, claim=None, claimed_until=None
            )
        days = set(Invitation.objects.filter(ticket__in=numbers).values_list("survey_id", "day"))
        tallies.touch(days | set(Response.objects.filter(ticket__in=numbers).values_list("survey_id", "day")))


def now_reads_from(seq: int) -> None:
    """For a database whose place in the log was lost (tests, a restored backup)."""
    Place.objects.update_or_create(name="log", defaults={"seq": seq})
