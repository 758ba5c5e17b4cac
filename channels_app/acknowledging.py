"""Some platforms wait to hear that what they posted was seen: a pressed button turns until then."""

from __future__ import annotations

import structlog

from channels_app import asking
from channels_app.contract import DeliveryFailed
from channels_app.inbound import decoded
from channels_app.models import Envelope

log = structlog.get_logger(__name__)

TRIES = 2


def acknowledge(envelope_id: int) -> None:
    """Soon or never: nobody waits for it after a minute, so no row remembers it."""
    envelope = Envelope.objects.select_related("channel").filter(pk=envelope_id).first()
    if envelope is None or not envelope.body:
        return
    payload = decoded(envelope)
    for attempt in range(1, TRIES + 1):
        try:
            asking.acknowledge(envelope.channel, payload)
        except DeliveryFailed as failure:
            log.info("not acknowledged", envelope=envelope_id, attempt=attempt, reason=str(failure))
            if failure.permanent:
                return
        else:
            return
