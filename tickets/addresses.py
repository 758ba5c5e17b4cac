"""Who wrote: one address for one person on a channel, under whichever of their ids they come.

Rows are locked address first, ticket second. Whoever makes an address, or learns another id of one,
first takes the ids themselves (PostgreSQL; SQLite has one writer), so that one person who arrives twice
at once, under two ids, does not become two.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from importlib import import_module
from itertools import pairwise
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from channels_app import prepared
from channels_app.contract import Sender, UnreadableEvent, clean_text, fit_id
from channels_app.models import Address, AddressAlias, Channel
from channels_app.prepared import Select
from customers.models import Customer, CustomerAddress
from tickets import people
from tickets.continuing import finding as continued
from tickets.models import Activity, Message, Ticket
from tickets.models.activity import SYSTEM, record

ADDRESS_FIELDS = {"name": 200, "username": 200, "phone": 32, "email": 254, "language": 16}
MOST_FACTS = 40


def lock_address(channel: Channel, external_id: str) -> Address | None:
    """The conversation is ours until the transaction ends: what arrives in parallel waits here."""
    return _BY_ID.first(channel.pk, external_id)


# With every message.
_BY_ID = Select(
    lambda channel, external_id: _lockable().filter(channel=channel.number, external_id=external_id.text), holes=2
)


def lock(address_id: int) -> Address | None:
    return (
        Address.objects.select_for_update(of=("self",))
        .select_related("channel", "customer_link__customer")
        .filter(pk=address_id)
        .first()
    )


def find(channel: Channel, external_id: str) -> Address | None:
    """The same by any id that the person is known by."""
    return lock_address(channel, external_id) or _locked(
        channel, pk__in=AddressAlias.objects.filter(channel=channel, alias=external_id).values("address")
    )


def known_address(channel: Channel, sender: Sender, *, is_group: bool = False) -> Address:
    """The address row with its customer, made if need be, and brought up to date."""
    external_id = fit_id(sender.external_id)
    if not external_id:
        raise UnreadableEvent("the sender has no id")
    ids = {external_id, *(fit_id(other) for other in sender.alt_ids if other)}
    said = {name: clean_text(getattr(sender, name))[:limit] for name, limit in ADDRESS_FIELDS.items()}
    address = lock_address(channel, external_id)
    if address is None:
        _alone(channel, ids)
        address = lock_address(channel, external_id) or _met(channel, ids)
    if address is None:
        Address.objects.bulk_create(
            [Address(channel=channel, external_id=external_id, is_group=is_group, **said)], ignore_conflicts=True
        )
        address = lock_address(channel, external_id)
        assert address is not None
    if unknown := ids.difference([address.external_id], address.known_ids):
        address = _learn(channel, address, unknown)
    update(address, {name: value for name, value in said.items() if value})
    _add_facts(address, sender)
    if not hasattr(address, "customer_link"):
        party = Customer.Party.GROUP if is_group else Customer.Party.INDIVIDUAL
        customer = prepared.insert(Customer(name=address.name, language=address.language, party=party))
        address.customer_link = prepared.insert(CustomerAddress(address=address, customer=customer))
    return address


def update(address: Address, said: dict[str, str]) -> bool:
    """What the platform says of them, on the address and, where no agent has written another, on the
    customer. The caller holds the address. True: something is new."""
    changed = {name: value for name, value in said.items() if getattr(address, name) != value}
    if not changed:
        return False
    Address.objects.filter(pk=address.pk).update(**changed)
    link = getattr(address, "customer_link", None)
    if link is not None:
        _follow(link.customer, address, changed)
    for name, value in changed.items():
        setattr(address, name, value)
    return True


def _add_facts(address: Address, sender: Sender) -> None:
    """Newer ones in place of older ones of the same name; an empty one ends it. The caller holds the address."""
    given = {clean_text(name)[:60]: clean_text(value)[:200] for name, value in sender.facts.items()}
    known = [(name, value) for name, value in {**address.facts, **given}.items() if value]
    facts = dict(known[-MOST_FACTS:])
    if facts != address.facts:
        Address.objects.filter(pk=address.pk).update(facts=facts)
        address.facts = facts


def unname(address: Address) -> None:
    """Forget what the platform said of them; what an agent wrote about the customer stays."""
    link = getattr(address, "customer_link", None)
    for name in ("name", "language") if link is not None else ():
        said = getattr(address, name)
        if link is not None and said:
            Customer.objects.filter(pk=link.customer_id, **{name: said}).update(**{name: ""})
    Address.objects.filter(pk=address.pk).update(name="", username="", language="")


def unmeet(*met: Address) -> None:
    """Forget those of whom there is neither ticket nor message: a repeated message of somebody who was erased, or who
    deleted all that they said, makes no new customer. The caller holds them."""
    for address in {row.pk: row for row in met}.values():
        if Ticket.objects.filter(address=address).exists() or Message.objects.filter(address=address).exists():
            continue
        Address.objects.filter(pk=address.pk).delete()
        Customer.objects.filter(pk=address.customer_link.customer_id, links=None, tickets=None).delete()


def _follow(customer: Customer, address: Address, changed: dict[str, str]) -> None:
    """A customer's name is what the platform says until an agent writes another."""
    said = {name: changed[name] for name in ("name", "language") if name in changed}
    fill = {name: value for name, value in said.items() if getattr(customer, name) in ("", getattr(address, name))}
    if fill:
        Customer.objects.filter(pk=customer.pk).update(**fill)
        for name, value in fill.items():
            setattr(customer, name, value)


def _locked(channel: Channel, **which: Any) -> Address | None:
    return _lockable().filter(channel=channel, **which).first()


def _lockable() -> QuerySet[Address]:
    return Address.objects.select_for_update(of=("self",)).select_related("customer_link__customer").order_by("pk")


# ── Several ids of one person ────────────────────────────────────────────────────────────────


def _alone(channel: Channel, ids: Iterable[str]) -> None:
    """Hold these ids until the transaction ends, whether rows have them or not, always in one order."""
    if connection.vendor != "postgresql":
        return
    keys = sorted(_key(channel, one) for one in ids)
    with connection.cursor() as cursor:
        # Two numbers: apart from the log's locks, which are one (tickets/models/activity.py).
        cursor.execute("SELECT pg_advisory_xact_lock(%s, key) FROM unnest(%s::int[]) AS key", [channel.pk, keys])


def _key(channel: Channel, external_id: str) -> int:
    digest = hashlib.sha256(f"{channel.pk}\n{external_id}".encode()).digest()
    return int.from_bytes(digest[:4], "big", signed=True)


def _met(channel: Channel, ids: Iterable[str]) -> Address | None:
    """Somebody who is known by one of these: the first that we met."""
    bearers = _bearers(channel, ids)
    return _locked(channel, pk__in=bearers) if bearers else None


def _bearers(channel: Channel, ids: Iterable[str]) -> list[int]:
    """Rows that have one of these ids, as their own or as an alias; in one statement, both by index."""
    given = sorted(ids)
    holes = ", ".join(["%s"] * len(given))
    sql = (
        f"SELECT id FROM channels_app_address WHERE channel_id = %s AND external_id IN ({holes})"  # noqa: S608
        f" UNION SELECT address_id FROM channels_app_addressalias WHERE channel_id = %s AND alias IN ({holes})"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [channel.pk, *given, channel.pk, *given])
        return sorted(row[0] for row in cursor.fetchall())


def _learn(channel: Channel, address: Address, unknown: set[str]) -> Address:
    """More ids of somebody we know. Who was known by them so far is the same person: the two become one."""
    _alone(channel, unknown)
    for pk in _bearers(channel, unknown):
        other = _locked(channel, pk=pk) if pk != address.pk else None
        if other is not None:
            first, second = sorted((address, other), key=lambda row: row.pk)
            merge(first, second)
            address = first
    _add_aliases(address, unknown)
    return address


def _add_aliases(address: Address, ids: Iterable[str]) -> None:
    new = sorted(set(ids).difference([address.external_id], address.known_ids))
    if new:
        rows = [AddressAlias(channel_id=address.channel_id, alias=one, address=address) for one in new]
        AddressAlias.objects.bulk_create(rows, ignore_conflicts=True)
        address.known_ids = sorted({*address.known_ids, *new})
        Address.objects.filter(pk=address.pk).update(known_ids=address.known_ids)


def move(channel: Channel, old_id: str, new_id: str) -> Address | None:
    """The person or group has another id from now on; None: we have never met them.

    The row stays and gets the new id, and is still found by the old one. Where the new id has been here
    already, before its news of the move, that row's conversation joins this one.
    """
    old_id, new_id = fit_id(old_id), fit_id(new_id)
    if not old_id or not new_id or old_id == new_id:
        return find(channel, old_id or new_id)
    _alone(channel, {old_id, new_id})
    # Both rows at once in one order, so that two who move the same never wait for each other.
    pks = _bearers(channel, {old_id, new_id})
    rows = [row for pk in pks if (row := _locked(channel, pk=pk)) is not None]
    address = next((row for row in rows if old_id in (row.external_id, *row.known_ids)), None)
    if address is None or address.external_id == new_id:
        return address
    for other in rows:
        if other.pk != address.pk:
            merge(address, other)
    before = address.external_id
    AddressAlias.objects.filter(channel=channel, alias=new_id).delete()
    address.external_id = new_id
    address.known_ids = [one for one in address.known_ids if one != new_id]
    Address.objects.filter(pk=address.pk).update(external_id=new_id, known_ids=address.known_ids)
    _add_aliases(address, {before, old_id})
    return address


# ── Two rows that are one person ─────────────────────────────────────────────────────────────


def merge(address: Address, gone: Address) -> None:
    """All that is the other row's becomes this one's, and the other row goes. The caller holds both."""
    tickets = list(Ticket.objects.locked().filter(address__in=[address, gone]).order_by("number"))
    _one_unresolved(tickets)
    customer = _one_customer(address, gone)
    Ticket.objects.filter(address=gone).update(address=address, **({"customer": customer} if customer else {}))
    if customer is not None:
        # What other floors keep would go with the row that is dropped below.
        for path in settings.PERSONAL_DATA:
            import_module(path).moved([ticket.pk for ticket in tickets], customer.pk)
    Message.objects.filter(address=gone).update(address=address)
    AddressAlias.objects.filter(address=gone).update(address=address)
    continued.merge(address, gone)
    _fill(address, gone)
    if gone.picture:
        # Fetched anew for this row.
        gone.picture.storage.delete(str(gone.picture.name))
    Address.objects.filter(pk=gone.pk).delete()
    address.known_ids = sorted({*address.known_ids, *gone.known_ids})
    _add_aliases(address, {gone.external_id})
    Address.objects.filter(pk=address.pk).update(known_ids=address.known_ids)
    if customer is not None:
        _drop_if_empty(gone, customer)


def _fill(address: Address, gone: Address) -> None:
    said = {name: getattr(gone, name) for name in ADDRESS_FIELDS if not getattr(address, name)}
    update(address, {name: value for name, value in said.items() if value})


def _one_customer(address: Address, gone: Address) -> Customer | None:
    """Whose tickets all are from now on; None where neither row has one yet."""
    mine, theirs = _link(address), _link(gone)
    if theirs is None:
        return mine.customer if mine else None
    if mine is None:
        CustomerAddress.objects.filter(pk=theirs.pk).update(address=address)
        address.customer_link = theirs
        return theirs.customer
    if mine.customer_id != theirs.customer_id:
        Activity.objects.filter(customer=theirs.customer, ticket__address=gone).update(customer=mine.customer)
    return mine.customer


def _link(address: Address) -> CustomerAddress | None:
    found: CustomerAddress | None = getattr(address, "customer_link", None)
    return found


def _drop_if_empty(gone: Address, into: Customer) -> None:
    """Nobody is left behind it: what was noted about them goes along, and the row goes unless more was written."""
    link = _link(gone)
    left = Customer.objects.filter(pk=link.customer_id, links=None, tickets=None).first() if link else None
    if left is None:
        return
    people.take_over(into.pk, left)
    Customer.objects.filter(pk=left.pk, note="", standing="").delete()


def _one_unresolved(tickets: Iterable[Ticket]) -> None:
    """A conversation has one: of several the newest stays, and takes over what the older ones held."""
    unresolved = [row for row in tickets if row.status != Ticket.Status.RESOLVED and not row.threads]
    for older, newer in pairwise(unresolved):
        since = older.waiting_since
        record(
            older, "ticket.merged", SYSTEM, changes={"into": newer.pk}, status=Ticket.Status.RESOLVED,
            resolved_at=timezone.now(), snoozed_until=None, waiting_since=None,
        )  # fmt: skip
        _take_over(newer, older, since)


def _take_over(newer: Ticket, older: Ticket, since: datetime | None) -> None:
    waits = [at for at in (newer.waiting_since, since) if at]
    fields: dict[str, Any] = {"waiting_since": min(waits, default=None)}
    changes: dict[str, Any] = {"continues": [None, older.pk]}
    if newer.previous_id is None:
        fields["previous"] = older
    if newer.assignee_id is None and older.assignee_id is not None:
        fields["assignee_id"] = older.assignee_id
    if newer.status == Ticket.Status.SNOOZED:
        fields |= {"status": Ticket.Status.OPEN, "snoozed_until": None}
    newer.tags.add(*older.tags.all())
    record(newer, "ticket.changed", SYSTEM, changes=changes, **fields)


def by_any_id(ids: Iterable[str], channel_id: int | None) -> Q:
    """For a search among customers' links: addresses with one of these ids, as their own or as an alias."""
    given = sorted(ids)
    here: dict[str, Any] = {"channel_id": channel_id} if channel_id else {"channel__in": Channel.objects.all()}
    own = Address.objects.filter(external_id__in=given, **here).values_list("pk", flat=True)
    other = AddressAlias.objects.filter(alias__in=given, **here).values_list("address_id", flat=True)
    return Q(address__in=sorted(set(own.union(other))))
