"""What goes along with a reply where a channel threads: whom it goes to besides, what it answers, what it is about.

A chat needs none of it. A mail that lacks it comes to the customer as a letter from nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import override

from channels_app.contract import Abilities, clean_text
from tickets import threads
from tickets.models import Message, Ticket
from tickets.sendable import CannotSend

MOST_COPIES = 48
MOST_IDS = 200
LONGEST_QUOTE = 20_000


# ── Whom it goes to ──────────────────────────────────────────────────────────────────────────


def usual_copies(ticket: Ticket) -> list[str]:
    """Who gets a copy unless the agent says otherwise: all who had the customer's last mail, and who wrote it."""
    last = _newest_of_theirs(ticket)
    said: Mapping[str, Any] = last.extra.get("mail", {}) if last else {}
    if last is None or threads.forged(said):
        return []
    boxes = [(last.address.external_id, last.address.name)] if last.address else []
    copies = threads.others(ticket, boxes) + threads.copied(ticket, said)
    return list(dict(copies))[:MOST_COPIES]


def copies(
    ticket: Ticket, able: Abilities, cc: Sequence[str] | None, bcc: Sequence[str] | None
) -> dict[str, list[str]]:
    """What is kept of it with the reply. None: as usual. Raises CannotSend for what is no address."""
    if not able.has_recipients:
        if cc or bcc:
            raise CannotSend(_("This channel sends to one address only: leave Cc and Bcc empty."))
        return {}
    shown = usual_copies(ticket) if cc is None else _addresses(ticket, cc)
    hidden = [one for one in _addresses(ticket, bcc or ()) if one not in shown]
    if len(shown) + len(hidden) > MOST_COPIES:
        raise CannotSend(_("At most %(count)d people can get a copy.") % {"count": MOST_COPIES})
    return {name: found for name, found in (("cc", shown), ("bcc", hidden)) if found}


def _addresses(ticket: Ticket, given: Sequence[str]) -> list[str]:
    adapter, account = ticket.channel.adapter, ticket.channel.account()
    found: list[str] = []
    for written in given:
        text = clean_text(written).strip()
        if not text:
            continue
        try:
            found.append(adapter.normalise_address(account, text))
        except ValueError as error:
            raise CannotSend(_("%(address)s is not an address on this channel.") % {"address": text[:100]}) from error
    return [one for one in dict.fromkeys(found) if one != ticket.address.external_id]


# ── What goes along ──────────────────────────────────────────────────────────────────────────


def of(message: Message) -> dict[str, Any] | None:
    """``OutboundMessage.mail`` of a reply; None where the channel does not thread."""
    ticket = message.ticket
    if not ticket.threads:
        return None
    chain = _chain(message)
    answered = message.reply_to or _newest_of_theirs(ticket, message)
    theirs = _id_of(answered) if answered else ""
    kept = message.extra.get("mail", {})
    return {
        "subject": ticket.subject,
        "number": ticket.pk,
        "to_name": ticket.address.name,
        "cc": kept.get("cc", []),
        "bcc": kept.get("bcc", []),
        # Where nobody has answered yet, it goes on with our own.
        "answered": theirs or (chain[-1] if chain else ""),
        "references": chain,
        "token": ticket.reply_token,
        "automatic": message.extra.get("automatic", ""),
        **(_quote(ticket, answered) if answered and answered.direction == Message.Direction.IN else {}),
    }


def _newest_of_theirs(ticket: Ticket, before: Message | None = None) -> Message | None:
    theirs = Message.objects.filter(ticket=ticket, direction=Message.Direction.IN, deleted_at=None)
    if before is not None:
        theirs = theirs.filter(pk__lt=before.pk)
    rows = theirs.select_related("address").order_by("-at", "-pk")[:10]
    # What a machine answered is nothing to go on with, unless there is nothing else.
    spoken = [row for row in rows if not row.extra.get("mail", {}).get("auto_reply")]
    return next(iter(spoken or rows), None)


def _chain(message: Message) -> list[str]:
    """The ids of all that was said before, oldest first: the first and the newest are sent."""
    said = Message.objects.filter(
        ticket=message.ticket_id, direction__in=threads.SPOKEN, pk__lt=message.pk, external_id__isnull=False
    )
    rows = [said.order_by("pk").first(), *reversed(said.order_by("-pk")[:MOST_IDS])]
    return list(dict.fromkeys(filter(None, (_id_of(row) for row in rows if row))))


def _id_of(row: Message) -> str:
    """As its sender wrote it: the column may be cut."""
    if row.direction == Message.Direction.IN:
        return str(row.extra.get("mail", {}).get("message_id") or "")
    return row.external_id or ""


def _quote(ticket: Ticket, answered: Message) -> dict[str, str]:
    """What is answered, with the line above it in the customer's language."""
    text = (answered.reply_text or answered.text)[:LONGEST_QUOTE]
    author = answered.address
    with override(language(ticket)):
        at = date_format(timezone.localtime(answered.at), "DATETIME_FORMAT")
        name = (author.name or author.external_id) if author else ""
        line = _("On %(at)s, %(name)s wrote:") % {"at": at, "name": name}
    return {"quoted_line": line, "quoted_text": text}


def language(ticket: Ticket) -> str:
    """The customer's, as far as we have words in it."""
    known = dict(settings.LANGUAGES)
    said = (ticket.customer.language or ticket.address.language or "").lower()
    return next((one for one in (said, said.partition("-")[0]) if one in known), settings.LANGUAGE_CODE)
