"""What became of these mails: sent, refused at once, or taken and sent back days later.

One that was refused for good is the last to its address, as with any other mail, and agents read why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_noop as N_

from channels_app.models import Address, Channel
from tickets.continuing.models import ContinuedMail, Unseen
from tickets.models import Ticket
from tickets.models.activity import SYSTEM, record

FAILED = "failed"
UNWANTED = N_("The recipient calls our mail spam, so nothing more goes there.")


def told(channel: Channel, target: str, payload: Mapping[str, Any], *, own_key: str = "", recipient: str = "") -> bool:
    """A receipt (as ``receipts`` keeps it) for one of these mails. False: none has that id (yet)."""
    mail = _find(channel, target, own_key) if channel.adapter.threads else None
    if mail is None:
        return False
    error = payload["error"]
    if payload["state"] == FAILED and error:
        # Whom it was passed on to says nothing of who left us their address.
        gone = error["category"] == "blocked" and not error["retryable"] and recipient.lower() in ("", mail.to)
        refused(mail, error["title"], for_good=gone)
    return True


def unwanted(channel: Channel, to: str) -> None:
    """Somebody who has never written to us calls our mail spam; nothing where it is none of these."""
    mail = ContinuedMail.objects.select_related("channel").filter(channel=channel, to=to).order_by("-pk").first()
    if mail is not None:
        refused(mail, UNWANTED, for_good=True)


def forget(conversations: Sequence[int]) -> None:
    """What was mailed after them, and the addresses that are known by such a mail alone. The caller holds the rows."""
    mails = ContinuedMail.objects.filter(unseen__in=conversations)
    for channel, to in set(mails.values_list("channel", "to")):
        Address.objects.filter(channel=channel, external_id=to, customer_link=None, blocked_at__isnull=False).delete()
    Unseen.objects.filter(pk__in=conversations).delete()


def _find(channel: Channel, target: str, own_key: str) -> ContinuedMail | None:
    """By the mail server's id, else by the key that the provider was given."""
    here = ContinuedMail.objects.select_related("channel").filter(channel=channel)
    found = here.filter(external_id=target.lower()).order_by("-pk").first() if target else None
    number = ContinuedMail.read_key(own_key)
    return found or (here.filter(pk=number).first() if number is not None else None)


@transaction.atomic
def sent(mail: ContinuedMail, external_id: str) -> None:
    _end(mail, external_id=external_id.lower())


@transaction.atomic
def refused(mail: ContinuedMail, why: str, *, for_good: bool) -> None:
    """why: the English source of the words. for_good: nobody is there, so nothing goes there any more."""
    if for_good:
        _block(mail)
    _end(mail, error=why)


def _block(mail: ContinuedMail) -> None:
    """Where any mail to them would see it; writing to us unblocks them. They may leave another address instead."""
    now = timezone.now()
    row = Address(channel_id=mail.channel_id, external_id=mail.to, blocked_at=now)
    Address.objects.bulk_create([row], ignore_conflicts=True)
    here = Address.objects.filter(channel_id=mail.channel_id, external_id=mail.to, blocked_at=None)
    here.update(blocked_at=now)
    Unseen.objects.filter(pk=mail.unseen_id, to=mail.to).update(to="")


def _end(mail: ContinuedMail, external_id: str = "", error: str = "") -> None:
    """Written down, with a line that agents read beside the answers. Once; that it came back is a line of its own."""
    ticket = Ticket.objects.locked().get(pk=mail.ticket_id)
    left = ContinuedMail.objects.filter(pk=mail.pk, error="", **({} if error else {"ended_at": None}))
    named = {"external_id": external_id} if external_id else {}
    if not left.update(ended_at=Coalesce("ended_at", timezone.now()), error=error, **named):
        return
    changes = {"to": mail.to, "channel": mail.channel.name, "messages": mail.messages, "error": error}
    record(ticket, "ticket.continued", SYSTEM, changes=changes)
