"""Whose conversation a mail goes on with, and what becomes of it when two rows turn out to be one person."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Q

from channels_app.models import Address, Channel
from tickets.continuing.models import ContinuedMail, Unseen


def conversation_of(channel: Channel, ids: Sequence[str], tokens: Sequence[str]) -> int | None:
    """The address of the conversation, by the Message-IDs that are answered or the key of a reply address.

    Both are nobody's guess: the ids carry a proof (``composing.message_id``), the keys are random.
    """
    if not ids and not tokens:
        return None
    named = Q(external_id__in=[one.lower() for one in ids if one]) | Q(token__in=[one.lower() for one in tokens if one])
    found = ContinuedMail.objects.filter(named, channel=channel).order_by("-pk")
    return found.values_list("unseen_id", flat=True).first()


def merge(kept: Address, gone: Address) -> None:
    """All that was mailed after the other row's conversation is this one's. The caller holds both."""
    old = Unseen.objects.filter(pk=gone.pk).first()
    if old is None:
        return
    row, _made = Unseen.objects.get_or_create(address=kept)
    ContinuedMail.objects.filter(unseen=old).update(unseen=row)
    times = [at for at in (row.due_at, old.due_at) if at]
    Unseen.objects.filter(pk=row.pk).update(
        due_at=min(times, default=None), to=row.to or old.to, upto=max(row.upto, old.upto)
    )
