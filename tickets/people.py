"""Who is behind a ticket: what stands beside the conversation about them, and what an agent may change of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import phonenumbers
from django.conf import settings
from django.conf.locale import LANG_INFO
from django.db import transaction
from django.db.models import Count, Q, QuerySet, Window
from django.utils.translation import gettext as _

from agents.models import Agent, Sight
from channels_app.contract import Words
from channels_app.models import Address
from customers import notes
from customers.models import Customer, CustomerAddress, CustomerTag
from tickets.erasing.models import Erasure
from tickets.lifecycle import Conflict, Refused
from tickets.models import Activity, Actor, Message, Ticket
from tickets.models.activity import record

FIELDS = ("name", "language", "party", "type", "standing")
OTHERS = 5
ADDRESSES = 30
MEMBERS = 30
# Beside those of the product, what is spoken and written around it.
LANGUAGES_NEAR = (
    "zh-hans", "zh-hant", "ta", "hi", "bn", "ur", "vi", "my", "km", "ar", "ja", "ko", "nl", "fr", "de", "es", "pt",
    "ru",
)  # fmt: skip


# ── Changing ─────────────────────────────────────────────────────────────────────────────────


@transaction.atomic
def change(customer_id: int, by: Actor, sight: Sight, *, number: int | None = None, **wanted: Any) -> Activity | None:
    """name, language, party, type, standing; tags (all of them), or tagged and untagged (beside what is there);
    attributes ({name: value}, None where it is to go, what is not named stays). Raises Refused.

    The door saw to it that ``by`` may see the customer. The line stands on the ticket at hand, else on their newest
    unresolved one that the agent sees, else on the newest. None: nothing changed, or there is no such ticket.
    """
    customer = held(customer_id)
    if Erasure.objects.filter(pk=customer_id).exists():
        raise Refused(_("This customer was erased. Nothing can be written about them any more."))
    changes = {name: [getattr(customer, name), value] for name, value in _read(wanted).items()}
    changes = {name: pair for name, pair in changes.items() if pair[0] != pair[1]}
    fields = {name: pair[1] for name, pair in changes.items()}
    try:
        changes |= _retag(customer, wanted) | _note(customer, wanted, fields)
    except notes.Wrong as error:
        raise Refused(str(error)) from error
    if fields:
        Customer.objects.filter(pk=customer.pk).update(**fields)
    ticket = _ticket_of(customer_id, sight, number) if changes else None
    return None if ticket is None else record(ticket, "customer.changed", by, changes=changes)


def held(customer_id: int) -> Customer:
    """For a change. Not against rows that name the customer: a message that has the ticket would wait for us, and we
    for it."""
    return Customer.objects.select_for_update(no_key=True).get(pk=customer_id)


def _retag(customer: Customer, wanted: dict[str, Any]) -> dict[str, Any]:
    """{"tags": [what was, what is]} where they differ; a tag that is there keeps its spelling."""
    if not wanted.keys() & {"tags", "tagged", "untagged"}:
        return {}
    now = sorted(customer.tags.values_list("name", flat=True))
    gone = {one.lower() for one in wanted.get("untagged", ())}
    stay = [one for one in now if one.lower() not in gone]
    spelled = {one.lower(): one for one in now}
    given = notes.tags_of([*wanted["tags"]] if "tags" in wanted else [*stay, *wanted.get("tagged", ())])
    after = sorted(spelled.get(one.lower(), one) for one in given)
    if after == now:
        return {}
    customer.tags.exclude(name__in=after).delete()
    CustomerTag.objects.bulk_create(CustomerTag(customer=customer, name=one) for one in after if one not in now)
    return {"tags": [now, after]}


def _note(customer: Customer, wanted: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    """{"attributes": [what was, what is]}, of those that differ."""
    if "attributes" not in wanted:
        return {}
    after = notes.patched(customer.attributes, notes.patch_of(wanted["attributes"]))
    differing = notes.differing(customer.attributes, after)
    if not differing[0]:
        return {}
    fields["attributes"] = after
    return {"attributes": differing}


def take_over(customer_id: int, left: Customer) -> None:
    """What was noted about another row of the same person; where both say something, this one's stays."""
    customer = held(customer_id)
    known = {one.lower() for one in customer.tags.values_list("name", flat=True)}
    names = [one for one in left.tags.values_list("name", flat=True) if one.lower() not in known]
    CustomerTag.objects.bulk_create(CustomerTag(customer=customer, name=one) for one in names)
    said = {name.lower() for name in customer.attributes}
    more = {name: value for name, value in left.attributes.items() if name.lower() not in said}
    fields: dict[str, Any] = {"attributes": {**customer.attributes, **more}} if more else {}
    if left.standing and not customer.standing:
        fields["standing"] = left.standing
        Customer.objects.filter(pk=left.pk).update(standing="")
    if fields:
        Customer.objects.filter(pk=customer_id).update(**fields)


def take_back(line: Activity, customer_id: int, by: Actor) -> None:
    """What a line of ``change`` has done, as long as it is so still. Raises Conflict."""
    assert by.agent is not None
    customer, wanted = held(customer_id), dict[str, Any]()
    for name in FIELDS:
        if name in line.changes:
            wanted[name], after = line.changes[name]
            _still(getattr(customer, name) == after)
    if "tags" in line.changes:
        before, after = map(set, line.changes["tags"])
        wanted |= {"tagged": sorted(before - after), "untagged": sorted(after - before)}
    if "attributes" in line.changes:
        wanted["attributes"], after = line.changes["attributes"]
        _still(all(customer.attributes.get(name) == value for name, value in after.items()))
    change(customer_id, by, by.agent.sight(), number=line.ticket_id, **wanted)


def _still(same: bool) -> None:
    if not same:
        raise Conflict(_("This was changed meanwhile, so it stays as it is."))


def _read(wanted: dict[str, Any]) -> dict[str, str]:
    values: dict[str, str] = {}
    for name in FIELDS:
        if name in wanted:
            values[name] = notes.plain(wanted[name])
    standings = ["", *Customer.Standing.values]
    for name, choices in (("party", Customer.Party.values), ("type", Customer.Type.values), ("standing", standings)):
        if name in values and values[name] not in choices:
            raise Refused(_("Choose one of those that are offered."))
    if len(values.get("name", "")) > 200 or len(values.get("language", "")) > 16:
        raise Refused(_("The name is too long."))
    return values


def _ticket_of(customer_id: int, sight: Sight, number: int | None) -> Ticket | None:
    theirs = Ticket.objects.seen_with(sight).filter(customer=customer_id).order_by("-seq")
    found = theirs.filter(pk=number).first() if number else theirs.unresolved().first() or theirs.first()
    return None if found is None else Ticket.objects.locked().get(pk=found.pk)


def may_see(ticket: Ticket) -> QuerySet[Agent]:
    """Colleagues who may have this ticket: of its team, administrators, and all if it has none."""
    active = Agent.objects.filter(is_active=True)
    if ticket.team_id is None:
        return active
    members = Agent.teams.through.objects.filter(team_id=ticket.team_id).values("agent_id")
    return active.filter(Q(role=Agent.Role.ADMIN) | Q(pk__in=members))


# ── Beside the conversation ──────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Panel:
    customer: Customer
    name: str
    addresses: Sequence[Address]
    tags: Sequence[str]
    others: Sequence[Ticket]
    total: int
    """Of their other tickets, as far as this agent sees them."""
    members: Sequence[Address]
    """Who has written in a group chat; empty where it is none."""
    first_seen: datetime


def panel(ticket: Ticket, sight: Sight) -> Panel:
    """Two statements, in a group three; the ticket was read with its customer's tags."""
    links = CustomerAddress.objects.filter(customer=ticket.customer_id).select_related("address__channel")
    addresses = [link.address for link in links.order_by("pk")[:ADDRESSES]]
    others = list(
        Ticket.objects.seen_with(sight)
        .filter(customer=ticket.customer_id)
        .exclude(pk=ticket.pk)
        .select_related("channel")
        .annotate(total=Window(Count("pk")))
        .order_by("-seq")[:OTHERS]
    )
    return Panel(
        customer=ticket.customer,
        name=name_of(ticket),
        addresses=addresses,
        tags=sorted(tag.name for tag in ticket.customer.tags.all()),
        others=others,
        total=getattr(others[0], "total", 0) if others else 0,
        members=_members(ticket) if ticket.address.is_group else (),
        first_seen=min([ticket.customer.created_at, *(address.created_at for address in addresses)]),
    )


def _members(ticket: Ticket) -> Sequence[Address]:
    wrote = Message.objects.filter(ticket=ticket, direction=Message.Direction.IN).values("address")
    return list(Address.objects.filter(pk__in=wrote).exclude(pk=ticket.address_id).order_by("name", "pk")[:MEMBERS])


def name_of(ticket: Ticket) -> str:
    return ticket.customer.name or ticket.address.name or ticket.address.handle


def phone(number: str) -> str:
    """+6281234567890 as people write it; what is no whole number stays as it is."""
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def languages(now: str) -> list[tuple[str, Words]]:
    """For a choice; what a platform has said stays among them, whatever it is."""
    known = [code for code, _name in settings.LANGUAGES]
    listed = [(code, LANG_INFO[code]["name_local"]) for code in (*known, *LANGUAGES_NEAR)]
    if now and now not in dict(listed):
        listed.insert(0, (now, LANG_INFO.get(now.lower(), {}).get("name_local", now)))
    return [("", _("Not known")), *listed]
