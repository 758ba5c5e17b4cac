"""A person has envelopes opened again after a fix: one at once, or all of a channel that failed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from channels_app import inbound
from channels_app.models import Envelope


class CannotReplay(Exception):
    """The text says why, in the reader's language."""


def one(envelope_id: int) -> Envelope | None:
    """Open it now. What is there already stays as it is. Raises CannotReplay."""
    found = Envelope.objects.filter(pk=envelope_id)
    if found.filter(state=Envelope.State.OPENED).exists():
        raise CannotReplay(_("This envelope was opened already."))
    if not found.exclude(body=b"").exists():
        raise CannotReplay(_("What came is no longer kept, so it cannot be opened again."))
    return inbound.replay(envelope_id)


@dataclass(frozen=True, slots=True)
class Run:
    """All that failed of one channel, opened again by the timetable. Nothing of it is kept: the rows say how far it is.

    since: when it was asked for. count: how many that were.
    """

    channel_id: int
    since: datetime
    count: int

    @property
    def waiting(self) -> int:
        """How many have not had their turn yet (one statement)."""
        return _failed(self.channel_id).filter(retry_at__lte=self.since).count()


def all_failed(channel_id: int) -> Run:
    """Make them due now; ``inbound.retry_due`` takes them up, also after a restart."""
    now = timezone.now()
    return Run(channel_id, now, _failed(channel_id).exclude(body=b"").update(retry_at=now))


def _failed(channel_id: int) -> QuerySet[Envelope]:
    return Envelope.objects.filter(~Q(state=Envelope.State.OPENED), channel=channel_id, state=Envelope.State.FAILED)
