"""How a channel fares: what came in, what went out, what failed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from channels_app import registry
from channels_app.models import Channel, Envelope, Mailbox

UNOPENED = ~Q(state=Envelope.State.OPENED)
"""Said with every question about failures: the indexes hold these alone."""


@dataclass(frozen=True, slots=True)
class Looked:
    """failure: "" where it works."""

    failure: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Health:
    """One channel as the settings pages show it. failed: envelopes that could not be opened."""

    channel: Channel
    failed: int

    @property
    def installed(self) -> bool:
        return self.channel.kind in registry.kinds()

    @property
    def label(self) -> Any:
        return self.channel.adapter.label if self.installed else self.channel.kind

    @property
    def failing(self) -> bool:
        """The newest that is known of sending is that it failed."""
        failed, sent = self.channel.last_failure_at, self.channel.last_out_at
        return failed is not None and (sent is None or failed > sent)

    @property
    def failure(self) -> str:
        """Why the last one failed: what was stored in English, in the reader's language."""
        return said(self.channel.last_failure)

    @property
    def mailbox(self) -> Looked | None:
        """When its mailbox was last looked into, or why it cannot be; None where it has none. One statement."""
        if not self.installed or not self.channel.adapter.fetches:
            return None
        found = Mailbox.objects.filter(channel=self.channel).exclude(checked_at=None, error="").first()
        return Looked(said(found.error), found.checked_at) if found else None

    @property
    def state(self) -> str:
        """off, broken, failing, quiet or well: one word for the sign beside the name."""
        if not self.channel.enabled:
            return "off"
        if not self.installed:
            return "broken"
        if self.failing or self.failed:
            return "failing"
        return "well" if self.channel.last_in_at or self.channel.last_out_at else "quiet"

    @property
    def words(self) -> Any:
        return STATES[self.state]

    @property
    def quota(self) -> tuple[int, int | None] | None:
        """Used and limit of this month, where the platform counts."""
        used: int | None = self.channel.quota_used
        return None if used is None else (used, self.channel.quota_limit)

    @property
    def quota_at(self) -> datetime | None:
        return self.channel.quota_at


def said(failure: str) -> str:
    """What was stored in English, a line each, in the reader's language."""
    return " ".join(gettext(line) for line in failure.splitlines() if line.strip())


STATES = {
    "off": _("Switched off"),
    "broken": _("Not installed"),
    "failing": _("Something failed"),
    "quiet": _("Nothing yet"),
    "well": _("Working"),
}


def of(channels: Iterable[Channel]) -> list[Health]:
    """One statement, however many there are."""
    rows = list(channels)
    failed = Envelope.objects.filter(UNOPENED, state=Envelope.State.FAILED, channel__in=[row.pk for row in rows])
    counts = dict(failed.values_list("channel").annotate(n=Count("pk")).order_by())
    return [Health(row, counts.get(row.pk, 0)) for row in rows]
