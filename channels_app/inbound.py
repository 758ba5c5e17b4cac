"""Up: a raw request becomes an envelope and what it says, in one transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import cache
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from channels_app.contract import InboundRequest, News, Unreadable, UnreadableEvent
from channels_app.models import Channel, Envelope

log = structlog.get_logger(__name__)

RETRY_EVERY = timedelta(seconds=4)
RETRY_SLOWLY = timedelta(minutes=10)
RETRY_QUICKLY_FOR = timedelta(days=3)
AT_A_TIME = 20
KEPT_HEADERS = ("content-type", "user-agent", "webhook-id", "webhook-timestamp", "i-twilio-idempotency-token")

Handler = Callable[[Channel, News, Envelope], None]


@cache
def handler() -> Handler:
    """The seam upward: settings.INBOUND_HANDLER, called in a transaction, once per piece of news."""
    found: Handler = import_string(settings.INBOUND_HANDLER)
    return found


def accept(channel: Channel, request: InboundRequest, payload: Any) -> Envelope | None:
    """Keep the request and open it, in one transaction. None: this delivery is known already.

    The request is authentic and decoded. Whatever opening it raises, the envelope is committed
    (marked failed) when this returns; only a database that cannot commit raises.
    """
    envelope = _envelope(channel, request)
    try:
        news = list(channel.adapter.parse(channel.account(), payload))
        if len(news) == 1 and not isinstance(news[0], Unreadable):
            return _open_whole(channel, envelope, news[0])
    except UnreadableEvent as error:
        return _keep_failed(envelope, str(error), again=False)
    except _Known:
        return None
    except Exception as error:
        if isinstance(error, DatabaseError) and not _database_lives():
            raise
        log.exception("an envelope could not be opened", channel=channel.pk)
        return _keep_failed(envelope, _words(error), again=True)
    try:
        with transaction.atomic():
            _insert(envelope)
            _open_each(channel, envelope, news)
    except _Known:
        return None
    return envelope


def accept_own(channel: Channel, payload: dict[str, Any]) -> Envelope | None:
    """The same for a platform of our own making (the sandbox page): no HTTP request to verify."""
    request = InboundRequest(method="POST", url="", headers={}, body=json.dumps(payload).encode())
    return accept(channel, request, payload)


class _Known(Exception):
    """The envelope constraint says: this delivery has been here."""


def _envelope(channel: Channel, request: InboundRequest) -> Envelope:
    delivery = channel.adapter.delivery_id(channel.account(), request)
    # The body belongs to the key: should a sender use one id for two bodies, neither is lost.
    key = hashlib.sha256(delivery.encode("utf-8", "replace") + b"\n" + request.body).hexdigest() if delivery else None
    headers = {name: request.headers[name][:500] for name in KEPT_HEADERS if name in request.headers}
    if request.suffix:
        headers["suffix"] = request.suffix
    return Envelope(channel=channel, delivery_key=key, url=request.url[:2000], headers=headers, body=request.body)


def _insert(envelope: Envelope) -> None:
    try:
        envelope.save(force_insert=True)
    except IntegrityError as error:
        if envelope.delivery_key:
            raise _Known from error
        raise


def _open_whole(channel: Channel, envelope: Envelope, news: News) -> Envelope:
    """One piece of news, the common case: no savepoint, for a failure rolls back just this."""
    with transaction.atomic():
        _insert(envelope)
        handler()(channel, news, envelope)
    return envelope


def _open_each(channel: Channel, envelope: Envelope, news: Sequence[News | Unreadable]) -> None:
    """A batch: each in its own savepoint, so that one failure loses no neighbour."""
    errors: list[str] = []
    again = False
    # Rows are locked in one order whatever the order of the batch, so that two batches never deadlock.
    in_order = sorted(enumerate(news), key=lambda item: (getattr(item[1], "conversation", ""), item[0]))
    for number, item in in_order:
        if isinstance(item, Unreadable):
            errors.append(f"[{number}] {item.error}")
            continue
        try:
            with transaction.atomic():
                handler()(channel, item, envelope)
        except UnreadableEvent as error:
            errors.append(f"[{number}] {error}")
        except Exception as error:  # noqa: BLE001 (kept in the envelope, tried again)
            log.warning("an event of a batch could not be opened", channel=channel.pk, error=_words(error))
            errors.append(f"[{number}] {_words(error)}")
            again = True
    _settle(envelope, errors, again=again, any_news=bool(news))


def _settle(envelope: Envelope, errors: list[str], *, again: bool, any_news: bool) -> None:
    state = Envelope.State.FAILED if errors else Envelope.State.OPENED if any_news else Envelope.State.IGNORED
    if state == envelope.state and not envelope.error and not envelope.retry_at:
        return
    envelope.state, envelope.error = state, "\n".join(errors)[:4000]
    envelope.retry_at = _next_try(envelope) if errors and again else None
    envelope.save(update_fields=["state", "error", "retry_at", "attempts"])


def _keep_failed(envelope: Envelope, error: str, *, again: bool) -> Envelope | None:
    envelope.pk = None
    envelope.state, envelope.error = Envelope.State.FAILED, error[:4000]
    envelope.retry_at = _next_try(envelope) if again else None
    try:
        with transaction.atomic():
            _insert(envelope)
    except _Known:
        return None
    return envelope


def _next_try(envelope: Envelope) -> Any:
    now = timezone.now()
    quick = now - envelope.received_at < RETRY_QUICKLY_FOR
    return now + (RETRY_EVERY if quick else RETRY_SLOWLY)


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:1000]


def _database_lives() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def retry_due() -> None:
    """Try again what failed for a reason that may have passed (timetable)."""
    due = Envelope.objects.filter(retry_at__lte=timezone.now()).order_by("retry_at").values_list("pk", flat=True)
    for pk in due[:AT_A_TIME]:
        replay(pk)


def replay(envelope_id: int) -> Envelope | None:
    """Open a kept envelope again. Opening is idempotent: what is there already stays as it is."""
    with transaction.atomic():
        envelope = (
            Envelope.objects.select_for_update(of=("self",))
            .select_related("channel")
            .filter(pk=envelope_id)
            .exclude(state=Envelope.State.OPENED)
            .first()
        )
        if envelope is None or not envelope.body:
            return envelope
        envelope.attempts += 1
        channel = envelope.channel
        try:
            news = list(channel.adapter.parse(channel.account(), _decoded(envelope)))
        except Exception as error:  # noqa: BLE001 (kept in the envelope, shown to the administrator)
            again = not isinstance(error, UnreadableEvent)
            _settle(envelope, [_words(error) if again else str(error)], again=again, any_news=True)
            return envelope
        envelope.retry_at = envelope.retry_at or timezone.now()
        _open_each(channel, envelope, news)
    return envelope


def _decoded(envelope: Envelope) -> Any:
    request = InboundRequest(
        method="POST",
        url=envelope.url,
        headers=envelope.headers,
        body=bytes(envelope.body),
        suffix=envelope.headers.get("suffix", ""),
    )
    return envelope.channel.adapter.decode(envelope.channel.account(), request)


def erase(envelope_id: int | None, words: Sequence[str]) -> None:
    """A customer took back what this envelope brought: the content goes, the fact that it came stays.

    words: texts and addresses of files of the message taken back. An envelope that still waits to be
    opened holds neighbours that must not be lost, so there only these words are struck out.
    """
    envelope = Envelope.objects.filter(pk=envelope_id).first() if envelope_id else None
    if envelope is None:
        return
    if envelope.state == Envelope.State.FAILED:
        try:
            envelope.body = json.dumps(_struck(json.loads(bytes(envelope.body)), {w for w in words if w})).encode()
        except ValueError:
            envelope.body = b""
            envelope.retry_at = None
    else:
        envelope.body = b""
    envelope.erased_at = timezone.now()
    envelope.save(update_fields=["body", "erased_at", "retry_at"])


def _struck(value: Any, words: set[str]) -> Any:
    if isinstance(value, str):
        return "" if value in words else value
    if isinstance(value, list):
        return [_struck(item, words) for item in value]
    if isinstance(value, dict):
        return {key: _struck(item, words) for key, item in value.items()}
    return value


def purge() -> None:
    """Bodies are kept settings.ENVELOPE_KEEP_DAYS; the rows behind them go too, a batch at a time."""
    old = timezone.now() - timedelta(days=settings.ENVELOPE_KEEP_DAYS)
    while True:
        batch = list(Envelope.objects.filter(received_at__lt=old).values_list("pk", flat=True)[:1000])
        if not batch:
            return
        Envelope.objects.filter(pk__in=batch).delete()
