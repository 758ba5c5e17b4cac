"""How many messages a channel's month still has, where the platform counts them."""

from __future__ import annotations

from datetime import timedelta

import structlog
from django.db.models import Q
from django.utils import timezone

from channels_app import asking, jobs, registry
from channels_app.contract import Adapter, DeliveryFailed
from channels_app.models import Channel

log = structlog.get_logger(__name__)

EVERY = timedelta(hours=1)
UNCOUNTED = timedelta(hours=24)
LARGEST = 2**31 - 1


def sweep() -> None:
    """Channels whose figures are old, or that have sent something since (timetable)."""
    kinds = [kind for kind in registry.kinds() if _counts(registry.adapter(kind))]
    if not kinds:
        return
    due = Channel.objects.filter(_due(), kind__in=kinds, enabled=True, last_in_at__isnull=False)
    for pk in due.order_by("pk").values_list("pk", flat=True):
        jobs.spread(refresh, pk)


def refresh(channel_id: int) -> None:
    now = timezone.now()
    if not Channel.objects.filter(_due(), pk=channel_id).update(quota_due_at=now + EVERY):
        return
    channel = Channel.objects.get(pk=channel_id)
    try:
        found = asking.quota(channel)
    except DeliveryFailed as failure:
        log.info("a quota could not be read", channel=channel_id, reason=str(failure))
        return
    if found is None:
        Channel.objects.filter(pk=channel_id).update(
            quota_limit=None, quota_used=None, quota_at=None, quota_due_at=now + UNCOUNTED
        )
        return
    limit = None if found.limit is None else min(max(found.limit, 0), LARGEST)
    Channel.objects.filter(pk=channel_id).update(
        quota_limit=limit, quota_used=min(max(found.used, 0), LARGEST), quota_at=timezone.now()
    )


def _counts(adapter: Adapter) -> bool:
    return type(adapter).quota is not Adapter.quota


def _due() -> Q:
    return Q(quota_due_at=None) | Q(quota_due_at__lte=timezone.now())
