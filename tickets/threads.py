"""Which ticket a message belongs to, where one address may have several (mail), and who is in on it.

Believed in this order: the ids it answers, the key of a ticket's own reply address, a number in its subject. The
first two are nobody's guess. The last is anybody's, so it counts only for those who are on that ticket already, and
not where the sender is forged. Words of a subject alone join nothing: "Re: Invoice" would join strangers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.models import Case, Q, Value, When
from django.db.models.functions import Lower
from django.utils.crypto import get_random_string

from channels_app.contract import InboundMessage, clean_text, fit_id
from channels_app.models import Address, Channel
from channels_app.prepared import Select
from tickets.continuing import finding as continued
from tickets.models import Activity, Message, Participant, Ticket

MOST_IDS = 60
MOST_PARTICIPANTS = 50
SPOKEN = (Message.Direction.IN, Message.Direction.OUT)
LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"


def new_token() -> str:
    """Of one case, as mail servers fold it; 24 of 32 letters are 120 bits."""
    return get_random_string(24, LETTERS)


def facts(news: InboundMessage) -> Mapping[str, Any]:
    """What a mail says about itself (``InboundMessage.mail``); empty for a chat."""
    return news.mail or {}


def is_silent(news: InboundMessage) -> bool:
    """A machine answered us: it belongs to its ticket, and nobody waits for anything (RFC 3834)."""
    return bool(facts(news).get("auto_reply"))


def forged(said: Mapping[str, Any]) -> bool:
    """The sender's own domain says that this is not from them."""
    return said.get("dmarc") == "fail"


# ── Which ticket ─────────────────────────────────────────────────────────────────────────────


def ticket_of(channel: Channel, author: Address, news: InboundMessage) -> Ticket | None:
    """The ticket that the message goes on with, its row locked; None: it begins a new one."""
    said = facts(news)
    number = _by_ids(channel, author, said) or _by_token(channel, said)
    if number is None:
        chat = continued.conversation_of(channel, _ids(said), _texts(said.get("reply_token")))
        if chat is not None:
            # They answer what was mailed after a chat: it goes on where that chat is now.
            Address.objects.select_for_update().get(pk=chat)
            return last_ticket(chat)
        number = _by_number(channel, author, said)
    if number is None:
        return None
    # The message's own ticket may have been merged away meanwhile.
    return Ticket.objects.locked().get(pk=_forwarded(number))


def last_ticket(address_id: int) -> Ticket | None:
    """The unresolved one, else the newest; its row is ours. The caller holds the address."""
    return _LAST.first(address_id)


_RESOLVED_LAST = Case(When(status=Ticket.Status.RESOLVED, then=Value(1)), default=Value(0))
# With every message.
_LAST = Select(
    lambda address: Ticket.objects.locked().filter(address=address.number).order_by(_RESOLVED_LAST, "-number")
)


def _texts(value: Any) -> list[str]:
    given = [value] if isinstance(value, str) else value if isinstance(value, list | tuple) else []
    return [clean_text(one) for one in given if isinstance(one, str) and one][:MOST_IDS]


def _ids(said: Mapping[str, Any]) -> list[str]:
    """In-Reply-To as written, then References from the newest to the oldest."""
    references = list(said.get("references") or ())
    written = _texts(said.get("in_reply_to")) + _texts(references[::-1])
    return list(dict.fromkeys(written + _texts(said.get("ids"))))


def _by_ids(channel: Channel, author: Address, said: Mapping[str, Any]) -> int | None:
    ids = _ids(said)
    if not ids:
        return None
    # As written, and in lower case: no index helps with a third spelling.
    spelled = {fit_id(spelling, 512) for one in ids for spelling in (one, one.lower())}
    here = Message.objects.filter(channel=channel, direction__in=SPOKEN, ticket__address__erased_at=None)
    rows = here.filter(external_id__in=spelled).values_list("external_id", "ticket_id")
    found = {external_id.lower(): ticket for external_id, ticket in rows if external_id}
    if not found:
        # A program that changed the case: looked for among the sender's own tickets alone.
        mine = here.filter(Q(ticket__address=author) | Q(ticket__participants__address=author.external_id))
        lower = mine.annotate(lower=Lower("external_id")).filter(lower__in={one.lower() for one in spelled})
        found = dict(lower.values_list("lower", "ticket_id"))
    return next((found[fit_id(one, 512).lower()] for one in ids if fit_id(one, 512).lower() in found), None)


def _by_token(channel: Channel, said: Mapping[str, Any]) -> int | None:
    tokens = [one.lower() for one in _texts(said.get("reply_token"))]
    if not tokens:
        return None
    # The token is not enough by itself to see a gap: "" is every chat's.
    return Ticket.objects.filter(channel=channel, reply_token__in=tokens).values_list("pk", flat=True).first()


def _by_number(channel: Channel, author: Address, said: Mapping[str, Any]) -> int | None:
    numbers = [int(one) for one in _texts(said.get("subject_numbers")) if one.isascii() and one.isdigit()]
    if not numbers or forged(said):
        return None
    on_it = Q(address=author) | Q(participants__address=author.external_id)
    found = Ticket.objects.filter(on_it, channel=channel, pk__in=[one for one in numbers if one < 2**63])
    return found.order_by("-pk").values_list("pk", flat=True).first()


def _forwarded(number: int) -> int:
    for _step in range(10):
        line = Activity.objects.filter(ticket=number, type="ticket.merged").order_by("-seq").first()
        into = line.changes.get("into") if line else None
        if not isinstance(into, int) or not Ticket.objects.filter(pk=into).exists():
            break
        number = into
    return number


# ── Who is in on it ──────────────────────────────────────────────────────────────────────────


def heard(ticket: Ticket, author: Address, news: InboundMessage) -> None:
    """Whoever answered, and whoever got a copy, is on the ticket from now on; its own address stays as it is.

    Not by a forged mail: nobody may write themselves into what is answered next.
    """
    said = facts(news)
    if forged(said):
        return
    rows: dict[str, Participant] = {}
    if author.pk != ticket.address_id:
        writer = Participant.Role.WRITER
        rows[author.external_id] = Participant(ticket=ticket, address=author.external_id, name=author.name, role=writer)
    for address, name in copied(ticket, said):
        row = Participant(ticket=ticket, address=address, name=name[:200], role=Participant.Role.COPY)
        rows.setdefault(address, row)
    if not rows:
        return
    there = {row.address: row for row in Participant.objects.filter(ticket=ticket)}
    came = there.get(author.external_id)
    if came and came.role == Participant.Role.COPY:
        Participant.objects.filter(pk=came.pk).update(role=Participant.Role.WRITER)
    new = [row for address, row in rows.items() if address not in there]
    Participant.objects.bulk_create(new[: max(MOST_PARTICIPANTS - len(there), 0)], ignore_conflicts=True)


def copied(ticket: Ticket, said: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(address, name) of all who got that mail beside us and the ticket's own address, each once."""
    boxes = [*_boxes(said.get("to")), *_boxes(said.get("cc"))]
    return others(ticket, boxes)


def _boxes(value: Any) -> list[tuple[str, str]]:
    rows: Iterable[Any] = value if isinstance(value, list | tuple) else ()
    return [(str(one.get("address") or ""), str(one.get("name") or "")) for one in rows if isinstance(one, dict)]


def others(ticket: Ticket, boxes: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those who are neither we nor the ticket's own address, in the channel's spelling; odd ones are left out."""
    if not boxes:
        return []
    adapter, account = ticket.channel.adapter, ticket.channel.account()
    found: dict[str, str] = {}
    for written, name in boxes:
        try:
            address = adapter.normalise_address(account, clean_text(written))
        except ValueError:
            continue
        if (
            address != ticket.address.external_id
            and len(address) <= 255
            and not adapter.is_own_address(account, address)
        ):
            found.setdefault(address, clean_text(name))
    return list(found.items())
