"""A person is forgotten: what the exchange knows of them goes, and what is counted stays without them.

An address that is erased keeps its row, for others name it, but has another id and none of its names. So the
same person is a new one when they come again. Raw requests are found by the messages that they became, and by the
person's ids in them; whoever shares a request that was opened long ago loses nothing but the view of it.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Collection, Iterable, Sequence
from typing import Any
from urllib.parse import quote

from django.db import connection, transaction
from django.utils import timezone

from channels_app import inbound
from channels_app.contract import fit_id
from channels_app.models import Address, AddressAlias, Envelope
from channels_app.widget import forgetting

SHORTEST = 3
"""A shorter id stands in every second request by chance."""
SPAN = 2000
"""So many raw requests are looked through at once."""
BESIDE = rb"[0-9A-Za-z]"


def names(addresses: Iterable[Address]) -> list[str]:
    """All by which a raw request may name them."""
    rows = list(addresses)
    aliases = AddressAlias.objects.filter(address__in=[row.pk for row in rows]).values_list("alias", flat=True)
    said = {one for row in rows for one in (row.external_id, row.phone, row.email, row.username, *row.known_ids)}
    return sorted(one for one in {*said, *aliases} if len(one) >= SHORTEST)


def conversations(addresses: Iterable[Address]) -> None:
    """Where we are the platform: what was said there, by whom, and their files. Before the addresses are locked."""
    for row in addresses:
        for one in (row.external_id, *row.known_ids):
            forgetting.forget(row.channel_id, one)


def forget(address: Address) -> None:
    """The caller holds the address. Picture and ids go with the names; nobody can be written to here any more."""
    AddressAlias.objects.filter(address=address).delete()
    if address.picture:
        # Before the row, not after the commit: a process that ends in between would leave it on the disk for good.
        address.picture.storage.delete(str(address.picture.name))
    now = timezone.now()
    Address.objects.filter(pk=address.pk).update(
        external_id=f"erased-{uuid.uuid4().hex}", name="", username="", phone="", email="", language="", facts={},
        known_ids=[], picture="", picture_mime="", profile_at=now, profile_due_at=None, blocked_at=now, erased_at=now,
    )  # fmt: skip


def kept(address: Address) -> dict[str, Any]:
    """For an export: what the exchange knows of them."""
    aliases = AddressAlias.objects.filter(address=address).order_by("pk").values_list("alias", flat=True)
    said = {name: getattr(address, name) for name in ("external_id", "name", "username", "phone", "email", "language")}
    return {
        "channel": address.channel.name,
        **said,
        "other_ids": list(aliases),
        "facts": address.facts,
        "picture": bool(address.picture),
        **forgetting.kept(address.channel_id, address.external_id),
    }


# ── Raw requests ─────────────────────────────────────────────────────────────────────────────


def oldest() -> int:
    """The first raw request that there is."""
    return Envelope.objects.order_by("pk").values_list("pk", flat=True).first() or 1


def newest() -> int:
    """The last one; 0: there is none."""
    return Envelope.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def naming(channels: Collection[int], said: Sequence[str], after: int) -> list[int]:
    """Those of the next ``SPAN`` after that number which have one of these names in them."""
    if not channels or not said:
        return []
    spelled = sorted({spelling for one in said for spelling in _spellings(one)})
    inside = "position(%s in body) > 0" if connection.vendor == "postgresql" else "instr(body, %s) > 0"
    where = " OR ".join([inside] * len(spelled))
    holes = ", ".join(["%s"] * len(channels))
    sql = (
        f"SELECT id, body FROM channels_app_envelope WHERE id > %s AND id <= %s"  # noqa: S608 (our own texts)
        f" AND channel_id IN ({holes}) AND ({where})"
    )
    word = re.compile(rb"(?<!%b)(?:%b)(?!%b)" % (BESIDE, b"|".join(map(re.escape, spelled)), BESIDE))
    with connection.cursor() as cursor:
        cursor.execute(sql, [after, after + SPAN, *sorted(channels), *spelled])
        return [pk for pk, body in cursor.fetchall() if word.search(bytes(body))]


def _spellings(name: str) -> set[bytes]:
    """As text, in JSON, in a form; a phone number also without its plus."""
    bare = name.removeprefix("+")
    return {one.encode() for one in (name, bare, json.dumps(name)[1:-1], quote(name, safe=""), quote(name))}


def erase(envelope_id: int, said: Collection[str]) -> None:
    """The request's content goes; that it came stays, so that it is known when it is repeated.

    Of one that is still to be opened only what is theirs goes.
    """
    with transaction.atomic():
        rows = Envelope.objects.select_for_update(of=("self",)).select_related("channel")
        row = rows.filter(pk=envelope_id).first()
        if row is None or not row.body:
            return
        others = _shared(row, set(said)) if row.state == Envelope.State.FAILED else None
        if others is not None:
            for target in others:
                inbound.erase(row.pk, target)
            return
        failed = {"state": Envelope.State.IGNORED} if row.state == Envelope.State.FAILED else {}
        Envelope.objects.filter(pk=row.pk).update(
            body=b"", url="", headers={}, error="", retry_at=None, erased_at=timezone.now(), **failed
        )


def _shared(row: Envelope, said: set[str]) -> list[str] | None:
    """The ids of what is theirs in a request that has news of others, too; None: it has not, or cannot be read."""
    try:
        news = list(row.channel.adapter.parse(row.channel.account(), inbound.decoded(row)))
    except Exception:  # noqa: BLE001 (whatever an adapter makes of a broken request)
        return None
    own = [item for item in news if _of(item) & said]
    if len(own) == len(news):
        return None
    ids = (getattr(item, "external_id", "") or getattr(item, "target", "") for item in own)
    return [fit_id(one, 512) for one in ids if one]


def _of(item: Any) -> set[str]:
    sender = getattr(item, "sender", None)
    ids = {getattr(item, "conversation", ""), *((sender.external_id, *sender.alt_ids) if sender else ())}
    return {fit_id(one) for one in ids if one}
