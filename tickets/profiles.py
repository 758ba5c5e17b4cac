"""What a platform tells about a person: name, language and picture, fetched by a worker and kept.

Due with a first message, and again with a message when the last answer is old. A row waits with its due
time; no broker remembers it. What an agent has written about a customer is never overwritten.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from io import BytesIO

import structlog
from django.conf import settings
from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from agents.models import Sight
from channels_app import asking, filetypes, jobs
from channels_app.contract import DeliveryFailed, MediaGone, MediaNotReady, Profile, clean_text
from channels_app.http import Blocked, HttpError, TooLarge
from channels_app.models import Address, Channel
from tickets import addresses, thumbnails
from tickets.models import Actor, Message, Ticket
from tickets.models.activity import SYSTEM, record

log = structlog.get_logger(__name__)

LINE = "customer.profile"
"""In the log, so that open pages show the new name and picture; no line of the conversation."""
LEASE = timedelta(seconds=60)
BACKOFF = (10, 60, 600)
EDGE = 192
MOST_BYTES = 5 * 1024 * 1024
MOST_KEPT = 1024 * 1024


def want(channel: Channel, *met: Address) -> None:
    """Somebody wrote: have the platform asked who they are, if that is due. The caller holds the addresses."""
    if not channel.adapter.has_profiles:
        return
    now = timezone.now()
    old = now - timedelta(days=settings.PROFILE_REFRESH_DAYS)
    for address in {row.pk: row for row in met}.values():
        if address.profile_due_at is None and (address.profile_at is None or address.profile_at < old):
            Address.objects.filter(pk=address.pk).update(profile_due_at=now, profile_attempts=0)
            address.profile_due_at = now
            jobs.enqueue("tickets.profiles.fetch", address.pk)


def sweep() -> None:
    """Ask about whoever is due (timetable)."""
    due = Address.objects.filter(profile_due_at__lte=timezone.now()).order_by("profile_due_at")
    for pk in due.values_list("pk", flat=True)[:50]:
        jobs.spread(fetch, pk)


def fetch(address_id: int) -> None:
    """Claim, ask, finish. A worker that dies on the way leaves a claim that runs out."""
    now = timezone.now()
    if not Address.objects.filter(pk=address_id, profile_due_at__lte=now).update(profile_due_at=now + LEASE):
        return
    address = Address.objects.select_related("channel").get(pk=address_id)
    try:
        profile = asking.profile(address.channel, address.external_id) or _as_member(address)
    except DeliveryFailed as failure:
        _again(address, failure)
        return
    try:
        picture = _picture(address.channel, profile) if profile else b""
    except HttpError as failure:
        # The name is not kept waiting for the picture.
        _keep(address_id, profile, None)
        _again(address, failure)
    else:
        _keep(address_id, profile, picture)


def _again(address: Address, failure: Exception) -> None:
    """A few times; then what we have is good enough until the next refresh."""
    attempts = address.profile_attempts + 1
    log.info("a profile could not be read", address=address.pk, attempt=attempts, reason=type(failure).__name__)
    given_up = attempts > len(BACKOFF) or (isinstance(failure, DeliveryFailed) and failure.permanent)
    now = timezone.now()
    Address.objects.filter(pk=address.pk, erased_at=None).update(
        profile_attempts=attempts,
        profile_due_at=None if given_up else now + timedelta(seconds=BACKOFF[attempts - 1]),
        **({"profile_at": now} if given_up else {}),
    )


def _as_member(address: Address) -> Profile | None:
    """Where they are known from a group alone, the group's last word on them."""
    group = (
        Message.objects.filter(address=address, ticket__address__is_group=True)
        .order_by("-pk")
        .values_list("ticket__address__external_id", flat=True)
        .first()
    )
    return asking.member(address.channel, group, address.external_id) if group else None


def _picture(channel: Channel, profile: Profile) -> bytes | None:
    """The small picture, b"" if there is none; None: it cannot be used. Raises HttpError where it may come later."""
    try:
        body = _download(channel, profile)
    except (MediaGone, MediaNotReady, Blocked, TooLarge):
        return None
    if not body:
        return b""
    mime = filetypes.sniff(body[:4096], "")
    small = thumbnails.shrunk(BytesIO(body), mime, EDGE)
    if small is None and mime in thumbnails.FORMATS and len(body) <= MOST_KEPT:
        return body
    return small


def _download(channel: Channel, profile: Profile) -> bytes:
    if profile.picture is None:
        if not profile.picture_url:
            return b""
        with asking.http_of(channel).media(profile.picture_url, max_bytes=MOST_BYTES) as download:
            return b"".join(download)
    body = b""
    for chunk in asking.picture(channel, profile.picture):
        body += chunk
        if len(body) > MOST_BYTES:
            raise TooLarge("a picture of a person is small")
    return body


def _keep(address_id: int, profile: Profile | None, picture: bytes | None) -> None:
    """Address first, ticket second. The line makes open pages show it."""
    with transaction.atomic():
        address = addresses.lock(address_id)
        if address is None or address.erased_at:
            return  # Erased while the platform was asked.
        Address.objects.filter(pk=address_id).update(profile_at=timezone.now(), profile_due_at=None, profile_attempts=0)
        if profile is None:
            return
        said = {
            name: clean_text(getattr(profile, name))[:limit]
            for name, limit in addresses.ADDRESS_FIELDS.items()
            if name in ("name", "username", "language")
        }
        news = addresses.update(address, {name: value for name, value in said.items() if value})
        if picture is not None:
            news = _put_picture(address, picture) or news
        if news:
            _tell(address)


def _put_picture(address: Address, picture: bytes) -> bool:
    """b"" takes the picture away. True: it is another one than before."""
    if picture == _kept(address):
        return False
    if address.picture:
        transaction.on_commit(partial(address.picture.storage.delete, str(address.picture.name)))
    address.picture = None
    address.picture_mime = filetypes.sniff(picture[:4096], "") if picture else ""
    if picture:
        address.picture.save("", ContentFile(picture), save=False)
    Address.objects.filter(pk=address.pk).update(picture=address.picture.name or "", picture_mime=address.picture_mime)
    return True


def _kept(address: Address) -> bytes:
    if not address.picture:
        return b""
    try:
        with address.picture.open("rb") as file:
            return bytes(file.read())
    except FileNotFoundError:
        return b""


def _tell(address: Address) -> None:
    for ticket in Ticket.objects.locked().unresolved().filter(address=address).order_by("pk"):
        record(ticket, LINE, SYSTEM)


def forget(address_id: int, by: Actor) -> None:
    """Picture, names and language go; the platform is not asked again until the next refresh is due."""
    with transaction.atomic():
        address = addresses.lock(address_id)
        if address is None:
            return
        _put_picture(address, b"")
        addresses.unname(address)
        Address.objects.filter(pk=address_id).update(profile_at=timezone.now(), profile_due_at=None)
        for ticket in Ticket.objects.locked().unresolved().filter(address=address).order_by("pk"):
            record(ticket, LINE, by)


def may_see(sight: Sight, address: Address) -> bool:
    """Whoever may see a ticket of theirs or a message that they wrote; all if there is neither."""
    tickets = Ticket.objects.filter(Q(address=address) | Q(customer__links__address=address))
    messages = Message.objects.filter(address=address)
    if sight.teams is None or tickets.seen_with(sight).exists() or messages.seen_with(sight).exists():
        return True
    return not tickets.exists() and not messages.exists()
