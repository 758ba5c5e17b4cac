"""Mailboxes that are fetched: one process holds each, in a thread; what it fetches is accepted like a webhook.

In the embedded default the threads are in the one process, else in ``manage.py mailboxes``. A lease in the row of each
mailbox lets one process hold it; should that process end, another takes it over within a minute. How far it has come is
in the row too, so a broken connection costs nothing and doubles nothing.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Sequence
from datetime import timedelta

import structlog
from django.db import DatabaseError, close_old_connections, connection
from django.db.models import Q
from django.utils import timezone

from channels_app import inbound, registry, vault
from channels_app.contract import DeliveryFailed, InboundRequest, Source, SourceLost, Waiting
from channels_app.models import Channel, Heartbeat, Mailbox
from channels_app.outbound import http_for

log = structlog.get_logger(__name__)

NAME = "mailboxes"
LEASE = timedelta(seconds=40)
LOOK = 3.0
"""Seconds between two looks at which channels have a mailbox."""
IDLE = 12.0
"""Seconds of one wait; well below the lease, which is renewed after it."""
BATCH = 50
BATCH_BYTES = 8 * 1024 * 1024
MOST = 64
"""Mailboxes that one process holds."""
FIRST_PAUSE, LONGEST_PAUSE, REFUSED_PAUSE = 2.0, 300.0, 600.0

_keeper: Keeper | None = None


def start(*, beats: bool = False) -> Keeper:
    """Hold mailboxes in this process; beats: it is one for them alone, and says that it lives."""
    global _keeper
    _keeper = Keeper(beats=beats)
    _keeper.start()
    return _keeper


def stop_soon() -> None:
    """Begin nothing more; what is held ends with the process, and the lease by itself."""
    if _keeper is not None:
        _keeper.over.set()


def stop() -> None:
    global _keeper
    if _keeper is not None:
        _keeper.end()
        _keeper = None


class Keeper(threading.Thread):
    """Looks which channels have a mailbox, and has a thread for each that nobody holds."""

    def __init__(self, *, beats: bool = False) -> None:
        super().__init__(name=NAME, daemon=True)
        self.holder = secrets.token_hex(8)
        self.beats = beats
        self.over = threading.Event()
        self.held: dict[int, Holding] = {}
        self.paused: dict[int, tuple[float, str]] = {}
        self.failures: dict[int, int] = {}
        """In a row, of sessions that could not be opened."""

    def run(self) -> None:
        while True:
            try:
                close_old_connections()
                if self.beats:
                    Heartbeat.objects.update_or_create(name=NAME, defaults={"at": timezone.now()})
                self.look()
            except Exception:
                log.exception("the mailboxes could not be looked at")
            if self.over.wait(LOOK):
                return

    def look(self) -> None:
        self.held = {pk: thread for pk, thread in self.held.items() if thread.is_alive()}
        for channel in with_mailbox():
            if self.over.is_set() or len(self.held) >= MOST:
                return
            pause, settings = self.paused.get(channel.pk, (0.0, ""))
            # New settings are tried at once.
            waits = time.monotonic() < pause and settings == channel.settled()
            if channel.pk not in self.held and not waits and take(channel.pk, self.holder):
                self.held[channel.pk] = thread = Holding(self, channel.pk)
                thread.start()

    def end(self) -> None:
        self.over.set()
        for thread in list(self.held.values()):
            thread.join(2)


def lives() -> bool:
    """Whether a process of its own looks after the mailboxes."""
    return Heartbeat.objects.filter(name=NAME, at__gt=timezone.now() - LEASE).exists()


def with_mailbox() -> list[Channel]:
    kinds = [kind for kind in registry.kinds() if registry.adapter(kind).fetches]
    found = []
    for channel in Channel.objects.filter(kind__in=kinds, enabled=True).order_by("pk"):
        try:
            if channel.adapter.has_mailbox(channel.account()):
                found.append(channel)
        except vault.Unreadable:
            continue
    return found


def take(channel_id: int, holder: str) -> bool:
    """Take or renew the lease; False: another process has it."""
    now = timezone.now()
    Mailbox.objects.get_or_create(channel_id=channel_id)
    free = Q(holder=holder) | Q(until__isnull=True) | Q(until__lt=now)
    return bool(Mailbox.objects.filter(free, channel_id=channel_id).update(holder=holder, until=now + LEASE))


def give_back(channel_id: int, holder: str) -> None:
    Mailbox.objects.filter(channel_id=channel_id, holder=holder).update(until=None)


class Holding(threading.Thread):
    """One mailbox in one session; when that ends, however it ends, the keeper begins another."""

    def __init__(self, keeper: Keeper, channel_id: int) -> None:
        super().__init__(name=f"mailbox-{channel_id}", daemon=True)
        self.keeper, self.channel_id = keeper, channel_id

    def run(self) -> None:
        try:
            self.hold()
        except Exception:
            log.exception("a mailbox could not be held", channel=self.channel_id)
            self.pause("", FIRST_PAUSE * 5)
        finally:
            try:
                give_back(self.channel_id, self.keeper.holder)
            except DatabaseError:
                log.warning("the lease of a mailbox ends by itself", channel=self.channel_id)
            connection.close()

    def hold(self) -> None:
        channel = Channel.objects.get(pk=self.channel_id)
        settings = channel.settled()
        try:
            account = channel.account()
            source = channel.adapter.open_mailbox(account, http_for(account, channel.adapter.fields))
        except (DeliveryFailed, SourceLost) as error:
            self.failed(channel, error)
            return
        try:
            self.opened(channel)
            while not self.keeper.over.is_set() and take(self.channel_id, self.keeper.holder):
                channel = Channel.objects.get(pk=self.channel_id)
                if not channel.enabled or channel.settled() != settings:
                    return
                catch_up(channel, source, self.keeper.holder)
                source.wait(IDLE)
        except (DeliveryFailed, SourceLost) as error:
            self.failed(channel, error)
        finally:
            source.close()

    def opened(self, channel: Channel) -> None:
        box = Mailbox.objects.get(channel=channel)
        if box.error:
            Mailbox.objects.filter(channel=channel).update(error="")
            channel.took()
        self.keeper.paused.pop(self.channel_id, None)
        self.keeper.failures.pop(self.channel_id, None)

    def failed(self, channel: Channel, error: DeliveryFailed | SourceLost) -> None:
        """Wrong for good: an administrator is told, and it is tried seldom. Else soon, then less and less often."""
        log.warning("a mailbox could not be read", channel=channel.pk, reason=str(error))
        words = "\n".join((error.title, error.detail)) if isinstance(error, DeliveryFailed) else str(error)
        Mailbox.objects.filter(channel=channel).update(error=words[:1000])
        if isinstance(error, DeliveryFailed) and error.permanent:
            channel.refused(error)
            self.pause(channel.settled(), REFUSED_PAUSE)
            return
        failures = self.keeper.failures[channel.pk] = self.keeper.failures.get(channel.pk, 0) + 1
        self.pause(channel.settled(), min(FIRST_PAUSE * 2 ** min(failures - 1, 10), LONGEST_PAUSE))

    def pause(self, settings: str, seconds: float) -> None:
        self.keeper.paused[self.channel_id] = (time.monotonic() + seconds, settings)


def catch_up(channel: Channel, source: Source, holder: str) -> int:
    """Fetch what is new, in order; how many were fetched. Ends early when the lease is lost."""
    box = begin(channel, source)
    first = box.last_uid == 0
    found = source.waiting(box.last_uid, box.since if first else None)
    count = 0
    for batch in batches(found):
        if not take(channel.pk, holder):
            return count
        count += fetch(channel, source, batch, holder)
    reached = max(source.next_uid - 1, *(one.uid for one in found)) if found else source.next_uid - 1
    Mailbox.objects.filter(channel=channel, holder=holder, last_uid__lt=reached).update(last_uid=reached)
    Mailbox.objects.filter(channel=channel, holder=holder).update(checked_at=timezone.now())
    return count


def begin(channel: Channel, source: Source) -> Mailbox:
    """The row, begun anew where its numbers are not the server's any more: what is known already stays once, for a
    delivery with the same bytes is known, and a mail with the same id too."""
    box = Mailbox.objects.get(channel=channel)
    if box.place != source.place:
        box.since = timezone.now().date() - timedelta(days=channel.adapter.backfill_days(channel.account()))
    if box.place != source.place or box.uidvalidity != source.validity:
        box.place, box.uidvalidity, box.last_uid = source.place, source.validity, 0
        box.save(update_fields=["place", "uidvalidity", "last_uid", "since"])
    return box


def batches(found: Sequence[Waiting]) -> list[list[Waiting]]:
    """As many as are kept between two notes of how far it has come."""
    made: list[list[Waiting]] = []
    size = 0
    for one in found:
        if not made or len(made[-1]) >= BATCH or size + one.size > BATCH_BYTES:
            made.append([])
            size = 0
        made[-1].append(one)
        size += one.size
    return made


def fetch(channel: Channel, source: Source, batch: Sequence[Waiting], holder: str) -> int:
    """Each is accepted before it is noted as fetched, so that nothing is lost where the line breaks."""
    done: list[int] = []
    try:
        for uid, raw in source.fetch(batch, channel.adapter.max_body):
            accept(channel, raw)
            done.append(uid)
        source.fetched(done)
    finally:
        # Only up to the last one kept, unless all are: one that somebody deleted is passed over.
        if done:
            reached = max(done)
            Mailbox.objects.filter(channel=channel, holder=holder, last_uid__lt=reached).update(last_uid=reached)
    return len(done)


def accept(channel: Channel, raw: bytes) -> None:
    request = InboundRequest(method="POST", url="", headers={}, body=raw, suffix=channel.adapter.mailbox_door)
    account = channel.account()
    inbound.accept(channel, request, channel.adapter.decode(account, request))
