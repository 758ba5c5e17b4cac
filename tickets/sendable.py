"""What a conversation takes right now, and whether a draft is that: asked when it is written and when it goes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Max, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as N_
from django.utils.translation import ngettext

from channels_app import outbound
from channels_app.contract import (
    Abilities,
    Conversation,
    DeliveryFailed,
    NoSeam,
    OutboundMessage,
    Template,
    clean_text,
)
from channels_app.models import Channel, MessageTemplate
from tickets import media
from tickets.lifecycle import Refused
from tickets.models import Attachment, Message, Ticket

MAX_PARTS = 20
LONGEST_BLANK = 1024
FREE_TIME_OVER = N_("The time to answer freely was over before this could be sent.")


class CannotSend(Refused):
    """The channel does not take this; the text says what and why."""


# ── The conversation ─────────────────────────────────────────────────────────────────────────


def conversation_of(ticket: Ticket, sending: Message | None = None) -> Conversation:
    """sending: the reply that goes out now."""
    theirs = _theirs(ticket=ticket)
    handle = theirs.filter(extra__has_key="reply_handle").first()
    newest = theirs.filter(~Q(external_id=None)).values_list("external_id", flat=True).first()
    return _conversation(ticket, newest, handle if handle and not _spent(handle, sending) else None)


def conversations_of(tickets: Sequence[Ticket]) -> dict[int, Conversation]:
    """``conversation_of`` each, in one statement; in up to three where a channel has handles. → by ticket."""
    theirs = _theirs(ticket=OuterRef("pk"))
    with_handle = theirs.filter(extra__has_key="reply_handle")
    found = Ticket.objects.filter(pk__in=[ticket.pk for ticket in tickets]).values_list(
        "pk",
        Subquery(theirs.filter(~Q(external_id=None)).values("external_id")[:1]),
        Subquery(with_handle.values("pk")[:1]),
    )
    newest = {pk: (external_id, handle) for pk, external_id, handle in found}
    handles = _unspent([handle for _external_id, handle in newest.values() if handle])
    made = {}
    for ticket in tickets:
        external_id, handle = newest[ticket.pk]
        made[ticket.pk] = _conversation(ticket, external_id, handles.get(handle))
    return made


def _theirs(**of: Any) -> QuerySet[Message]:
    return Message.objects.filter(**of, direction=Message.Direction.IN).order_by("-at", "-id")


def _conversation(ticket: Ticket, newest: str | None, handle: Message | None) -> Conversation:
    return Conversation(
        external_id=ticket.address.external_id,
        is_group=ticket.address.is_group,
        last_inbound_at=ticket.last_inbound_at,
        last_inbound_id=newest or "",
        blocked=ticket.address.blocked_at is not None,
        erased=ticket.address.erased_at is not None,
        reply_handle=handle.extra["reply_handle"] if handle else None,
        quota_left=ticket.channel.quota_left,
    )


def _unspent(numbers: Sequence[int]) -> dict[int, Message]:
    rows = Message.objects.filter(pk__in=numbers) if numbers else ()
    found = {row.pk: row for row in rows}
    once = {row.ticket_id for row in found.values() if row.extra["reply_handle"].get("once")}
    tried: dict[int, datetime] = {}
    if once:
        attempts = Message.objects.filter(ticket__in=once, first_attempt_at__isnull=False)
        tried = dict(attempts.values_list("ticket").annotate(last=Max("first_attempt_at")))

    def spent(row: Message) -> bool:
        return row.ticket_id in tried and tried[row.ticket_id] >= row.created_at

    return {pk: row for pk, row in found.items() if not (row.extra["reply_handle"].get("once") and spent(row))}


def _spent(last: Message, sending: Message | None) -> bool:
    """A handle that is good for one reply, and another reply has tried it."""
    if not last.extra["reply_handle"].get("once"):
        return False
    tried = Message.objects.filter(ticket=last.ticket_id, first_attempt_at__gte=last.created_at)
    return (tried.exclude(pk=sending.pk) if sending else tried).exists()


def abilities_of(ticket: Ticket) -> Abilities:
    return outbound.abilities(ticket.channel, conversation_of(ticket))


def strange(channel: Channel, external_id: str) -> Conversation:
    """With somebody who has not written yet."""
    return Conversation(external_id=external_id, quota_left=channel.quota_left)


def in_words(able: Abilities) -> str:
    """Why nothing, or nothing but a template, can be sent; "" where anything can."""
    if able.closed:
        return str(able.closed)
    if able.only_templates:
        return f"{able.window_words or ''} {_('Only an approved template can be sent now.')}".strip()
    return ""


# ── A draft ──────────────────────────────────────────────────────────────────────────────────


def parts(ticket: Ticket, text: str, files: Sequence[Attachment]) -> Sequence[OutboundMessage]:
    """How the reply will be cut; raises CannotSend in words for what the channel cannot carry."""
    able = abilities_of(ticket)
    if able.closed or able.only_templates:
        raise CannotSend(in_words(able))
    _check_files(able, files)
    # With its files: an adapter may send each in a part of its own.
    attachments = tuple(media.for_platform(row) for row in files)
    whole = OutboundMessage(key="", to=ticket.address.external_id, text=text, attachments=attachments)
    try:
        found = outbound.split(ticket.channel, whole, able)
    except NoSeam:
        found = ()
    if not found or len(found) > MAX_PARTS:
        raise CannotSend(
            _("The text is %(length)d characters long; this channel takes %(limit)d. Shorten it or add a line break.")
            % {"length": len(text), "limit": able.max_length or 0}
        )
    return found


def _check_files(able: Abilities, files: Sequence[Attachment]) -> None:
    for row in files:
        if row.kind not in able.attachment_kinds:
            raise CannotSend(_("This channel cannot carry the file %(name)s.") % {"name": row.filename})
        if (row.size or 0) > able.max_attachment_bytes:
            limit = able.max_attachment_bytes // (1024 * 1024)
            raise CannotSend(
                _("%(name)s is over this channel's limit of %(limit)d MB.") % {"name": row.filename, "limit": limit}
            )
    if able.max_total_bytes is not None and sum(row.size or 0 for row in files) > able.max_total_bytes:
        limit = able.max_total_bytes // (1024 * 1024)
        raise CannotSend(_("The files are over this channel's limit of %(limit)d MB together.") % {"limit": limit})
    if len(files) > able.max_attachments:
        raise CannotSend(
            ngettext(
                "This channel takes %(count)d file in a message.",
                "This channel takes %(count)d files in a message.",
                able.max_attachments,
            )
            % {"count": able.max_attachments}
        )


# ── A template ───────────────────────────────────────────────────────────────────────────────


Lookup = Callable[[Channel, Template], MessageTemplate | None]


def filled(
    ticket: Ticket,
    given: Template,
    text: str,
    files: Sequence[Attachment],
    *,
    able: Abilities | None = None,
    lookup: Lookup | None = None,
) -> tuple[str, dict[str, Any]]:
    """(what the customer will read, what is kept to send it by). Raises CannotSend.

    able, lookup: for whoever knows the one, or has the templates already.
    """
    able = able or abilities_of(ticket)
    if able.closed:
        raise CannotSend(str(able.closed))
    if text.strip():
        raise CannotSend(_("A template goes out as it is: leave the text empty."))
    row = _usable((lookup or found_template)(ticket.channel, given), given)
    values = {clean_text(name): " ".join(clean_text(value).split()) for name, value in given.parameters.items()}
    _check_blanks(row, values)
    kept: dict[str, Any] = {
        "name": row.name, "language": row.language, "category": row.category, "parameters": values,
    }  # fmt: skip
    if row.media or files:
        kept |= _media(ticket.channel, row, values, files)
    return row.preview(values), kept


def _media(
    channel: Channel, row: MessageTemplate, values: Mapping[str, str], files: Sequence[Attachment]
) -> dict[str, str]:
    """What its header will show: one file, an address, or what it was approved with. Raises CannotSend."""
    if not row.media:
        raise CannotSend(_("This template has no picture or file: send it without one."))
    if len(files) > 1:
        raise CannotSend(_("This template takes one file."))
    link = values.get(f"header_{row.media}") or row.example
    if not files and not link:
        raise CannotSend(_("This template needs a file: add one."))
    if not files and not link.startswith(("https://", "http://")):
        raise CannotSend(_("%(address)s is not an address of a file.") % {"address": link[:100]})
    types, most = channel.adapter.template_file(row.media)
    for file in files:
        named = {"name": file.filename, "limit": most // (1024 * 1024)}
        if types is not None and file.mime.partition(";")[0].strip() not in types:
            kinds = ", ".join(sorted(one.partition("/")[2].upper() for one in types))
            raise CannotSend(
                _("%(name)s is not what this template shows: it takes %(kinds)s.") % {**named, "kinds": kinds}
            )
        if (file.size or 0) > most:
            raise CannotSend(_("%(name)s is over this channel's limit of %(limit)d MB.") % named)
    return {"media": row.media, "media_link": "" if files else link}


def preview(channel: Channel, given: Template | None) -> str:
    """What a template will say, for the subject of a ticket that begins with it; "" where it cannot."""
    row = found_template(channel, given) if given else None
    return row.preview(given.parameters) if row and given else ""


def found_template(channel: Channel, given: Template) -> MessageTemplate | None:
    return MessageTemplate.objects.filter(channel=channel, name=given.name, language=given.language).first()


def _usable(row: MessageTemplate | None, given: Template) -> MessageTemplate:
    named = {"name": given.name[:100], "language": given.language[:20]}
    if row is None:
        raise CannotSend(_("This channel has no template %(name)s (%(language)s).") % named)
    if not row.approved:
        raise CannotSend(_("The template %(name)s (%(language)s) is not approved by the platform.") % named)
    return row


def _check_blanks(row: MessageTemplate, values: Mapping[str, str]) -> None:
    unknown = [name for name in values if name not in row.variables and name not in row.optional]
    if unknown:
        raise CannotSend(_("The template has no blank %(name)s.") % {"name": unknown[0][:100]})
    empty = [name for name in row.variables if not values.get(name)]
    if empty:
        raise CannotSend(_("Fill in every blank. Still empty: %(names)s.") % {"names": ", ".join(empty)})
    if any(len(value) > LONGEST_BLANK for value in values.values()):
        raise CannotSend(_("What stands in a blank may have at most %(limit)d characters.") % {"limit": LONGEST_BLANK})


def template_of(message: Message) -> Template | None:
    """What a reply goes out by; None: it is free text."""
    kept = message.extra.get("template")
    if not kept:
        return None
    return Template(
        name=kept["name"], language=kept["language"], parameters=kept["parameters"], media=kept.get("media", ""),
        media_link=kept.get("media_link", ""),
    )  # fmt: skip


# ── The moment of sending ────────────────────────────────────────────────────────────────────


def still(able: Abilities, conversation: Conversation, template: Template | None) -> None:
    """Windows close and people leave while a reply waits. Raises DeliveryFailed, and nothing goes out."""
    if able.closed is outbound.SEALED_LAZY:
        return  # The exchange says so itself, and that it is about credentials.
    if able.closed:
        raise DeliveryFailed(str(able.closed), permanent=True, category=_category(able, conversation), code="closed")
    if able.only_templates and template is None:
        raise DeliveryFailed(
            FREE_TIME_OVER, permanent=True, category="window", code="window", detail=str(able.window_words or "")
        )


def _category(able: Abilities, conversation: Conversation) -> Any:
    if conversation.blocked:
        return "blocked"
    if conversation.quota_left == 0:
        return "rate"
    return "window" if able.window_words or able.reply_window else "content"
