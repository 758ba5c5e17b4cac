"""A channel's approved texts: taken over from the platform once a day, and when an administrator asks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from channels_app import asking, contract, jobs, registry
from channels_app.contract import DeliveryFailed, clean_text
from channels_app.models import Channel, MessageTemplate

log = structlog.get_logger(__name__)

EVERY = timedelta(hours=24)
AGAIN = timedelta(hours=1)
MOST = 5000
WRITTEN = [
    "external_id", "category", "status", "header", "body", "footer", "buttons", "variables", "optional",
    "media", "example", "synced_at",
]  # fmt: skip


def sync(channel_id: int) -> int:
    """Make our templates what the platform's are now, and say how many. Raises DeliveryFailed; then nothing changed."""
    channel = Channel.objects.get(pk=channel_id)
    found = asking.templates(channel) if channel.adapter.has_templates else []
    with transaction.atomic():
        # Two at once must not strike out each other's.
        Channel.objects.select_for_update(no_key=True).get(pk=channel_id)
        now = timezone.now()
        rows = _rows(channel, found, now)
        MessageTemplate.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["channel", "name", "language"], update_fields=WRITTEN
        )
        MessageTemplate.objects.filter(channel=channel, synced_at__lt=now).delete()
        Channel.objects.filter(pk=channel_id).update(templates_at=now, templates_due_at=now + EVERY)
    return len(rows)


def _rows(channel: Channel, found: Iterable[contract.MessageTemplate], now: datetime) -> list[MessageTemplate]:
    rows: dict[tuple[str, str], MessageTemplate] = {}
    for item in found:
        name, language = clean_text(item.name), clean_text(item.language)
        if name and len(name) <= 512 and len(language) <= 20:
            rows[name, language] = MessageTemplate(
                channel=channel, name=name, language=language, synced_at=now, **_said(item)
            )
    return [rows[key] for key in sorted(rows)][:MOST]


def _said(item: contract.MessageTemplate) -> dict[str, Any]:
    return {
        "external_id": clean_text(item.external_id)[:255],
        "category": clean_text(item.category)[:60],
        "status": clean_text(item.status)[:60],
        "header": clean_text(item.header),
        "body": clean_text(item.body),
        "footer": clean_text(item.footer),
        "buttons": [clean_text(words) for words in item.buttons],
        "variables": [clean_text(name) for name in item.variables],
        "optional": [clean_text(name) for name in item.optional],
        "media": item.media,
        "example": clean_text(item.example),
    }


def sweep() -> None:
    """Channels whose templates are a day old (timetable). One that has never been heard is left alone: it
    may not be connected yet."""
    kinds = [kind for kind in registry.kinds() if registry.adapter(kind).has_templates]
    if not kinds:
        return
    due = Channel.objects.filter(_due(), kind__in=kinds, enabled=True, last_in_at__isnull=False)
    for pk in due.order_by("pk").values_list("pk", flat=True):
        jobs.spread(refresh, pk)


def refresh(channel_id: int) -> None:
    """Claim and synchronise; a failure is tried again in an hour."""
    if not Channel.objects.filter(_due(), pk=channel_id).update(templates_due_at=timezone.now() + AGAIN):
        return
    try:
        sync(channel_id)
    except DeliveryFailed as failure:
        log.info("templates could not be synchronised", channel=channel_id, reason=str(failure))


def _due() -> Q:
    return Q(templates_due_at=None) | Q(templates_due_at__lte=timezone.now())
