"""Up: a raw request becomes an envelope and what it says, in one transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from functools import cache
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.module_loading import import_string

from channels_app import jobs, prepared
from channels_app.contract import (
    Account,
    Described,
    Edit,
    InboundMessage,
    InboundRequest,
    News,
    Receipt,
    Typing,
    Unreadable,
    UnreadableEvent,
    clean_text,
    fit_id,
)
from channels_app.models import Channel, Envelope, UsedToken

log = structlog.get_logger(__name__)

RETRY_EVERY = timedelta(seconds=4)
RETRY_SLOWLY = timedelta(minutes=10)
RETRY_QUICKLY_FOR = timedelta(days=3)
AT_A_TIME = 1000
KEPT_HEADERS = ("content-type", "user-agent", "webhook-id", "webhook-timestamp", "i-twilio-idempotency-token")

Handler = Callable[[Channel, News, Envelope], None]


class NotYet(Exception):
    """The handler cannot say yet what this is: the envelope is opened again in a few seconds."""


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
    # Once: its secrets are opened each time.
    account = channel.account()
    envelope = _accept(channel, account, request, payload)
    if envelope is not None:
        _acknowledge(channel, account, payload, envelope)
    return envelope


def _acknowledge(channel: Channel, account: Account, payload: Any, envelope: Envelope) -> None:
    """By a worker, where the platform waits for it: what it posted is committed by now."""
    try:
        wanted = channel.adapter.wants_acknowledgement(account, payload)
    except Exception:
        log.exception("an adapter broke over whether to acknowledge", channel=channel.pk)
        return
    if wanted:
        jobs.enqueue("channels_app.acknowledging.acknowledge", envelope.pk)


def _accept(channel: Channel, account: Account, request: InboundRequest, payload: Any) -> Envelope | None:
    channel.heard()
    envelope = _envelope(channel, account, request)
    try:
        news = list(channel.adapter.parse(account, payload))
        if len(news) == 1 and not isinstance(news[0], Unreadable):
            return _open_whole(channel, envelope, news[0])
    except UnreadableEvent as error:
        return _keep_failed(envelope, str(error), again=False)
    except _Known:
        return None
    except NotYet as error:
        return _keep_failed(envelope, str(error), again=True)
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


def tell(channel: Channel, news: Receipt | Typing | Described) -> None:
    """News of a platform of our own in which nobody says anything: no envelope is kept for it."""
    with transaction.atomic():
        handler()(channel, news, Envelope(channel=channel))


class _Known(Exception):
    """The envelope constraint says: this delivery has been here."""


def _envelope(channel: Channel, account: Account, request: InboundRequest) -> Envelope:
    delivery = channel.adapter.delivery_id(account, request)
    # The body belongs to the key: should a sender use one id for two bodies, neither is lost.
    key = hashlib.sha256(delivery.encode("utf-8", "replace") + b"\n" + request.body).hexdigest() if delivery else None
    headers = {name: clean_text(request.headers[name])[:500] for name in KEPT_HEADERS if name in request.headers}
    if request.suffix:
        headers["suffix"] = clean_text(request.suffix)[:500]
    url = clean_text(request.url)[:2000]
    envelope = Envelope(channel=channel, delivery_key=key, url=url, headers=headers, body=request.body)
    envelope.once = channel.adapter.once(account, request)
    return envelope


def _insert(envelope: Envelope) -> None:
    try:
        prepared.insert(envelope)
        if envelope.once:
            digest = hashlib.sha256(envelope.once.encode("utf-8", "replace")).hexdigest()
            UsedToken.objects.create(channel=envelope.channel, digest=digest)
    except IntegrityError as error:
        if envelope.delivery_key or envelope.once:
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
    for number, item in sorted(enumerate(news), key=_lock_order):
        if isinstance(item, Unreadable):
            errors.append(f"[{number}] {item.error}")
            continue
        try:
            with transaction.atomic():
                handler()(channel, item, envelope)
        except UnreadableEvent as error:
            errors.append(f"[{number}] {error}")
        except NotYet as error:
            errors.append(f"[{number}] {error}")
            again = True
        except Exception as error:  # noqa: BLE001 (kept in the envelope, tried again)
            log.warning("an event of a batch could not be opened", channel=channel.pk, error=_words(error))
            errors.append(f"[{number}] {_words(error)}")
            again = True
    _settle(envelope, errors, again=again, any_news=bool(news))


def _lock_order(item: tuple[int, News | Unreadable]) -> tuple[bool, str, int]:
    """Whatever the order of the batch: addresses in one order, then what locks no address. So two
    batches never wait for each other."""
    number, news = item
    conversation = getattr(news, "conversation", "")
    return not conversation, conversation, number


def _settle(envelope: Envelope, errors: list[str], *, again: bool, any_news: bool) -> None:
    state = Envelope.State.FAILED if errors else Envelope.State.OPENED if any_news else Envelope.State.IGNORED
    if state == envelope.state and not envelope.error and not envelope.retry_at:
        return
    envelope.state, envelope.error = state, clean_text("\n".join(errors))[:4000]
    envelope.retry_at = _next_try(envelope) if errors and again else None
    envelope.save(update_fields=["state", "error", "retry_at", "attempts"])


def _keep_failed(envelope: Envelope, error: str, *, again: bool) -> Envelope | None:
    envelope.pk = None
    envelope.state, envelope.error = Envelope.State.FAILED, clean_text(error)[:4000]
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
        _replay(Envelope.objects.filter(pk=pk, retry_at__lte=timezone.now()))


def replay(envelope_id: int) -> Envelope | None:
    """Open a kept envelope again. Opening is idempotent: what is there already stays as it is."""
    return _replay(Envelope.objects.filter(pk=envelope_id))


def _replay(wanted: QuerySet[Envelope]) -> Envelope | None:
    with transaction.atomic():
        rows = wanted.select_for_update(of=("self",)).select_related("channel")
        envelope = rows.exclude(state=Envelope.State.OPENED).first()
        if envelope is None:
            return None
        if not envelope.body:
            Envelope.objects.filter(pk=envelope.pk).update(retry_at=None)
            return envelope
        envelope.attempts += 1
        channel = envelope.channel
        try:
            news = _read(envelope)
        except Exception as error:  # noqa: BLE001 (kept in the envelope, shown to the administrator)
            again = not isinstance(error, UnreadableEvent)
            _settle(envelope, [_words(error) if again else str(error)], again=again, any_news=True)
            return envelope
        envelope.retry_at = envelope.retry_at or timezone.now()
        _open_each(channel, envelope, news)
    return envelope


def _read(envelope: Envelope) -> list[News | Unreadable]:
    channel = envelope.channel
    return list(channel.adapter.parse(channel.account(), decoded(envelope)))


def decoded(envelope: Envelope) -> Any:
    request = InboundRequest(
        method="POST",
        url=envelope.url,
        headers=envelope.headers,
        body=bytes(envelope.body),
        suffix=envelope.headers.get("suffix", ""),
    )
    return envelope.channel.adapter.decode(envelope.channel.account(), request)


def erase(envelope_id: int | None, target: str) -> None:
    """A customer took back the message with that id: its content goes, the fact that it came stays.

    What else the envelope brought may still have to be opened again, so of a batch only that
    message's own words are struck out.
    """
    envelope = Envelope.objects.filter(pk=envelope_id).select_related("channel").first() if envelope_id else None
    if envelope is None or not envelope.body:
        return
    try:
        news = _read(envelope)
        own = [item for item in news if _is_of(item, target)]
        envelope.body = _without(bytes(envelope.body), target, own, news) if len(own) < len(news) else b""
    except Exception:  # noqa: BLE001 (what cannot be read cannot be struck out: all of it goes)
        envelope.body = b""
    envelope.erased_at = timezone.now()
    fields = ["body", "erased_at"]
    if not envelope.body:
        envelope.retry_at = None
        fields.append("retry_at")
    envelope.save(update_fields=fields)


def _is_of(item: News | Unreadable, target: str) -> bool:
    ids = [getattr(item, name, "") for name in ("external_id", "target")]
    return not isinstance(item, Receipt) and target in [fit_id(name, 512) for name in ids if name]


def _said(news: Iterable[News | Unreadable]) -> set[str]:
    """Every word of theirs that is the customer's."""
    words: list[str | None] = []
    for item in news:
        words += [getattr(item, name, None) for name in ("text", "html", "reply_text", "subject")]
        if isinstance(item, InboundMessage | Edit):
            for file in item.attachments or ():
                words += [file.filename, file.caption, *((file.remote.url, file.remote.id) if file.remote else ())]
        if isinstance(item, InboundMessage) and item.postback:
            words += [item.postback.title, item.postback.payload]
    return {word for word in words if word}


def _without(body: bytes, target: str, own: Sequence[News | Unreadable], news: Sequence[News | Unreadable]) -> bytes:
    """Struck out of what names the message, for a neighbour may have said the same; where nothing
    names it in so many letters, everywhere but in the neighbours' words."""
    whole, words = json.loads(body), _said(own)
    struck = _struck(whole, target, words, inside=False)
    if struck == whole:
        struck = _struck(whole, "", words - _said(item for item in news if item not in own), inside=True)
    return json.dumps(struck).encode()


def _struck(value: Any, target: str, words: set[str], *, inside: bool) -> Any:
    if isinstance(value, dict):
        inside = inside or any(str(item) == target for item in value.values() if isinstance(item, str | int))
        return {name: _struck(item, target, words, inside=inside) for name, item in value.items()}
    if isinstance(value, list):
        return [_struck(item, target, words, inside=inside) for item in value]
    return "" if inside and isinstance(value, str) and clean_text(value) in words and value != target else value


def purge() -> None:
    """Bodies are kept settings.ENVELOPE_KEEP_DAYS; the rows behind them go too, a batch at a time."""
    old = timezone.now() - timedelta(days=settings.ENVELOPE_KEEP_DAYS)
    while True:
        batch = list(Envelope.objects.filter(received_at__lt=old).values_list("pk", flat=True)[:1000])
        if not batch:
            return
        Envelope.objects.filter(pk__in=batch).delete()
