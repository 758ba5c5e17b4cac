"""A read mail → news for the desk. Pure: what the mail says, and nothing that has to be looked up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django.utils.translation import gettext_noop as N_

from channels_app import reading
from channels_app.adapters.email import fields, forwarded, loops, parser, threading
from channels_app.adapters.email.mail import Bounce, File, Mail, Mailbox
from channels_app.contract import (
    Account,
    AttachmentKind,
    DeliveryFailed,
    InboundAttachment,
    InboundMessage,
    News,
    Notice,
    Receipt,
    Sender,
    UnreadableEvent,
    clean_text,
    fit_id,
)

FAILED_FOR_GOOD = N_("The mail could not be delivered.")
SHOWN_PEOPLE = 200
ELSEWHERE = N_(
    "The mail itself stayed with the provider: it posts only the head. Have the whole mail posted, or fetch it from a "
    "mailbox."
)
IN_S3 = N_(
    "The mail itself lies in Amazon S3. Have SES put it into the notification (up to 150 KB), or post it from a Lambda "
    "function to mime/."
)


def read(account: Account, raw: bytes, extra: Mapping[str, Any] | None = None) -> list[News]:
    """The bytes of one mail → what it means. extra: what the way it came by knows besides.

    Of ``extra`` are read: ``recipients`` (the envelope's), ``spam``, ``dmarc``, ``received`` (a date-time for a
    mail without one), ``missing`` (words why the content is not there) and ``remote`` (files that stayed elsewhere).
    """
    return told(account, parser.read(raw, authserv=account.get("authserv")), extra or {})


def told(account: Account, mail: Mail, extra: Mapping[str, Any]) -> list[News]:
    if mail.bounce:
        return _bounced(mail, mail.bounce)
    if _is_own_copy(account, mail):
        return []
    sender = who(account, mail)
    if not fields.is_address(sender.address):
        raise UnreadableEvent("the mail names no sender")
    return [_message(account, mail, sender, extra)]


def _is_own_copy(account: Account, mail: Mail) -> bool:
    """What this channel sent, in its own mailbox once more (rules 10 and 11). Another channel of ours may write to
    this one like anybody."""
    return bool(mail.instance) and loops.is_own_address(mail.sender, [account.get("address")])


def who(account: Account, mail: Mail) -> Mailbox:
    """The person: From; behind a mailing group, the one who wrote to it (rule 23)."""
    sender = mail.sender
    group = mail.automatic.is_list or loops.is_own_address(sender, [account.get("address")])
    if not group:
        return sender
    name = sender.name.rpartition(" via ")[0] or sender.name
    own = [account.get("address")]
    for address in (mail.original_sender, *(box.address for box in mail.reply_to)):
        other = Mailbox(name=name.strip("'\" "), address=address)
        # A list's Reply-To is mostly the list itself: then nobody but From is a person.
        listed = {box.key for box in (*mail.to, *mail.cc)}
        if fields.is_address(address) and not loops.is_own_address(other, own) and other.key not in listed:
            return other
    return sender


def _message(account: Account, mail: Mail, sender: Mailbox, extra: Mapping[str, Any]) -> InboundMessage:
    address = clean_text(sender.address.strip().lower())
    name = reading.line(sender.name)
    missing = str(extra.get("missing") or "")
    return InboundMessage(
        external_id=fit_id(clean_text(mail.message_id or threading.identity(mail))),
        conversation=fit_id(address),
        sender=Sender(external_id=fit_id(address), name=name, email=address),
        occurred_at=mail.date or reading.moment(extra.get("received")),
        subject=reading.line(mail.subject, 500),
        text=clean_text(mail.text),
        reply_text=clean_text(mail.reply_text),
        html=None if mail.html is None else clean_text(mail.html),
        attachments=(*(_file(file) for file in mail.files), *reading.attachments(extra.get("remote"))),
        unsupported=bool(missing),
        unsupported_reason=missing,
        mail=facts(account, mail, extra),
    )


def facts(account: Account, mail: Mail, extra: Mapping[str, Any]) -> dict[str, Any]:
    """``InboundMessage.mail``: what threading, loops and the display ask of a mail. Plain JSON values.

    message_id, ids (In-Reply-To, then References from the newest, lower case), in_reply_to, references, reply_token
    (of our own reply address), subject_numbers ([#12] → "12"), from, to, cc, bcc, reply_to ({name, address}),
    recipients (of the envelope), date, automatic (None, or why no automatic answer may follow), auto_reply (a
    machine answered), list, forwarded (whom and what it forwards, None), authentic (From is proved), own_address (From
    is this channel's), dmarc, spf, dkim, spam, instance, invites, notes.
    """
    keys = threading.keys(mail, [account.get("address")])
    return {
        "message_id": mail.message_id,
        "ids": list(keys.ids),
        "in_reply_to": list(mail.in_reply_to),
        "references": list(mail.references[-50:]),
        "reply_token": next(iter(keys.by_address), _token(account, mail, extra)),
        "subject_numbers": list(keys.by_subject[:10]),
        "from": _box(mail.sender),
        "to": [_box(box) for box in mail.to[:SHOWN_PEOPLE]],
        "cc": [_box(box) for box in mail.cc[:SHOWN_PEOPLE]],
        "bcc": [_box(box) for box in mail.bcc[:SHOWN_PEOPLE]],
        "reply_to": [_box(box) for box in mail.reply_to[:20]],
        "recipients": [*_recipients(extra), *mail.delivered_to][:SHOWN_PEOPLE],
        "date": mail.date.isoformat() if mail.date else "",
        "automatic": loops.may_answer_automatically(
            mail, [account.get("address")], account.get("address").rpartition("@")[2]
        ),
        "auto_reply": mail.automatic.is_reply,
        "list": mail.automatic.is_list,
        "own_address": loops.is_own_address(mail.sender, [account.get("address")]),
        "forwarded": _forwarded(mail),
        "authentic": _authentic(account, mail, extra),
        "dmarc": mail.verdicts.dmarc or str(extra.get("dmarc") or ""),
        "spf": mail.verdicts.spf,
        "dkim": mail.verdicts.dkim,
        "spam": mail.verdicts.spam or bool(extra.get("spam")),
        "instance": mail.instance,
        "invites": [asdict(event) for event in mail.invites[:5]],
        "notes": list(mail.notes),
    }


def _forwarded(mail: Mail) -> dict[str, str] | None:
    if mail.automatic.is_list or mail.automatic.is_reply:
        return None
    found = forwarded.original(mail)
    if found is None or not fields.is_address(found.sender.address):
        return None
    return {
        "address": found.sender.address.lower(),
        "name": reading.line(found.sender.name),
        "subject": reading.line(found.subject, 500),
        "text": clean_text(found.text),
        "message_id": found.message_id,
    }


def _authentic(account: Account, mail: Mail, extra: Mapping[str, Any]) -> bool:
    """DMARC passed by the word of somebody who is named: the topmost such header may be the sender's own."""
    return extra.get("dmarc") == "pass" or (bool(account.get("authserv").strip()) and mail.verdicts.dmarc == "pass")


def _box(box: Mailbox) -> dict[str, str]:
    return {"name": reading.line(box.name), "address": box.address}


def _recipients(extra: Mapping[str, Any]) -> list[str]:
    given = extra.get("recipients")
    found = given if isinstance(given, list | tuple) else []
    return [one.lower() for one in found if isinstance(one, str) and fields.is_address(one)]


def _token(account: Account, mail: Mail, extra: Mapping[str, Any]) -> str:
    """The same from the envelope's recipients, which no header need name."""
    boxes = tuple(Mailbox(address=address) for address in _recipients(extra))
    return next(iter(threading.reply_tokens(Mail(to=boxes), [account.get("address")])), "")


def _file(file: File) -> InboundAttachment:
    return InboundAttachment(
        kind=kind_of(file.mime),
        mime=file.mime,
        filename=reading.line(file.filename),
        size=file.size,
        data=file.data,
        content_id=reading.line(file.content_id),
        inline=file.inline,
    )


def kind_of(mime: str) -> AttachmentKind:
    kind = mime.partition("/")[0]
    return "image" if kind == "image" else "video" if kind == "video" else "audio" if kind == "audio" else "file"


def _bounced(mail: Mail, bounce: Bounce) -> list[News]:
    """Never a message (rule 8). For good: our mail failed. For now: a line in the open conversation, nothing more,
    for the other server goes on trying."""
    recipient = fit_id(clean_text(bounce.recipient.lower()))
    if bounce.kind == "soft":
        detail = {"message_id": bounce.message_id, "status": bounce.status, "diagnostic": bounce.diagnostic}
        return [
            Notice(
                kind="mail_delayed",
                conversation=recipient,
                occurred_at=mail.date,
                event_id=fit_id(mail.message_id or threading.identity(mail)),
                detail={name: clean_text(value) for name, value in detail.items() if value},
            )
        ]
    error = failed(bounce.status, bounce.diagnostic)
    return [
        Receipt(
            state="failed",
            external_id=fit_id(clean_text(bounce.message_id)),
            recipient=recipient,
            occurred_at=mail.date,
            error=error,
        )
    ]


def failed(code: str, detail: str) -> DeliveryFailed:
    """The other server will not take it, now or later: category "blocked"."""
    return DeliveryFailed(
        FAILED_FOR_GOOD,
        permanent=True,
        category="blocked",
        code=clean_text(code)[:100],
        detail=clean_text(detail)[:500],
    )
