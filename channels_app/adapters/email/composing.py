"""A reply as the bytes of a mail: plain text as typed beside HTML made of it, files, and the ids that hold a thread.

``OutboundMessage.mail`` says what only the desk knows (``Letter`` reads it). Nothing in it is trusted to be
one line: names and subjects are folded and encoded by the standard library, addresses and ids are checked here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.crypto import salted_hmac
from django.utils.html import escape
from django.utils.translation import gettext_noop as N_

from channels_app.adapters.email import loops, threading, written
from channels_app.contract import Account, DeliveryFailed, OutboundAttachment, OutboundMessage

MOST_REFERENCES = 20
_ID = re.compile(r"[\x21-\x3b\x3d\x3f-\x7e]{1,900}")
_ADDRESS = re.compile(r"[^\s@<>()\[\],;:\"\\\x00-\x1f\x7f]{1,64}@[^\s@<>()\[\],;:\"\\/\x00-\x1f\x7f]{1,250}")
_NAMED = re.compile(r"[^<>\x00-\x1f\x7f]*<([^<>]*)>")


@dataclass(frozen=True, slots=True)
class Letter:
    """What the desk says about a mail beside its text (``OutboundMessage.mail``); all of it may be missing."""

    subject: str = ""
    number: int = 0
    """Stands in the subject as [#number] where the channel wants it."""
    to_name: str = ""
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    answered: str = ""
    """The id of the mail answered, without brackets."""
    references: tuple[str, ...] = ()
    token: str = ""
    """Goes into the reply address (help+TOKEN@…), where the channel wants it."""
    quoted_line: str = ""
    """"On …, … wrote:" in the customer's language."""
    quoted_text: str = ""
    automatic: str = ""
    """"auto-replied" or "auto-generated" where no person wrote it."""

    @classmethod
    def of(cls, message: OutboundMessage) -> Letter:
        said: Mapping[str, Any] = message.mail or {}
        lists = {name: tuple(str(one) for one in said.get(name) or ()) for name in ("cc", "bcc", "references")}
        lines = ("subject", "to_name", "answered", "token", "quoted_line", "quoted_text", "automatic")
        texts = {name: str(said.get(name) or "") for name in lines}
        return cls(**texts, **lists, number=int(said.get("number") or 0))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Composed:
    """Ready for a mail server. message_id is without brackets, in lower case."""

    message_id: str
    envelope_from: str
    recipients: tuple[str, ...]
    content: bytes


# ── Addresses and ids ────────────────────────────────────────────────────────────────────────


def address(text: str) -> str:
    """The bare address in one spelling (the domain in lower case and as it is on the wire). Raises ValueError."""
    text = text.strip()
    named = _NAMED.fullmatch(text)
    found = named[1] if named else text
    if not _ADDRESS.fullmatch(found):
        raise ValueError(text[:100])
    local, _at, domain = found.rpartition("@")
    if not domain.isascii():
        domain = domain.encode("idna").decode()  # UnicodeError is a ValueError
    if domain.startswith(".") or domain.endswith(".") or ".." in domain or local.startswith(".") or ".." in local:
        raise ValueError(text[:100])
    return f"{local}@{domain.lower()}"


def domain_of(account: Account) -> str:
    """Of the channel's own address; Message-IDs end in it."""
    return address(account.get("address")).rpartition("@")[2]


def message_id(account: Account, message: OutboundMessage) -> str:
    """The same on every attempt, and nobody's guess: who names it in a reply has had this mail."""
    said = f"{account.id}:{message.key}:{message.sent_at.isoformat() if message.sent_at else ''}"
    proof = salted_hmac("pelanggan.mail.id", said, algorithm="sha256").hexdigest()[:20]
    return f"{message.key}.{proof}@{domain_of(account)}"


def own_key(external_id: str) -> str:
    """``OutboundMessage.key`` out of a Message-ID of ours; "" if it is none. It proves nothing by itself."""
    found = loops.OWN_ID.match(external_id.strip("<> "))
    return found[1] if found else ""


def reply_address(account: Account, token: str) -> str:
    """help+TOKEN@shop.example where the channel's mail server knows such addresses, else ""."""
    local, _at, domain = address(account.get("address")).rpartition("@")
    return f"{local}+{token}@{domain}" if token and account.get("reply_tokens") == "on" else ""


# ── The mail ─────────────────────────────────────────────────────────────────────────────────


def compose(account: Account, message: OutboundMessage) -> Composed:
    """Raises DeliveryFailed for an address that cannot be one."""
    letter = Letter.of(message)
    try:
        own, to = address(account.get("address")), address(message.to)
        cc, bcc = [address(one) for one in letter.cc], [address(one) for one in letter.bcc]
    except ValueError as error:
        raise DeliveryFailed(
            N_("One of the addresses is not an e-mail address."), permanent=True, category="content", detail=str(error)
        ) from error
    mail = EmailMessage(policy=SMTP.clone(cte_type="7bit") if _plain(own, to, *cc) else SMTPUTF8)
    mail["From"] = _box(account.get("from_name") or account.name, own)
    mail["To"] = _box(letter.to_name, to)
    if cc:
        mail["Cc"] = [_box("", one) for one in cc]
    answer_to = reply_address(account, letter.token)
    if answer_to:
        mail["Reply-To"] = _box(account.get("from_name") or account.name, answer_to)
    mail["Subject"] = subject(account, letter)
    mail["Date"] = format_datetime(datetime.now(UTC))
    _mark(mail, letter)
    _fill(mail, account, message, letter)
    own_id = message_id(account, message)
    recipients = tuple(dict.fromkeys([to, *cc, *bcc]))
    # A null return path: nobody's machine can answer what a machine sent.
    return Composed(own_id, "" if letter.automatic else own, recipients, _ids(own_id, letter) + mail.as_bytes())


def _plain(*addresses: str) -> bool:
    return all(one.isascii() for one in addresses)


def _box(name: str, address: str) -> Address:
    local, _at, domain = address.rpartition("@")
    return Address(_line(name)[:150], local, domain)


def _line(text: str) -> str:
    """One line for a header: without what could begin another, or turn the reading direction."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def subject(account: Account, letter: Letter) -> str:
    """``Re: what it is about [#12]``; the first mail of a conversation has no Re."""
    plain = threading.SUBJECT_TOKEN.sub("", threading.plain_subject(_line(letter.subject)))
    said = _line(plain)[:400]
    if letter.answered:
        said = f"Re: {said}".strip()
    if letter.number and account.get("subject_number") != "off":
        said = f"{said} [#{letter.number}]".strip()
    return said


def _mark(mail: EmailMessage, letter: Letter) -> None:
    instance = urlsplit(settings.PUBLIC_URL).hostname or "localhost"
    if letter.automatic == "auto-replied":
        marks = loops.automatic_headers("auto-replied", instance)
    elif letter.automatic:
        marks = loops.automatic_headers("auto-generated", instance)
    else:
        marks = loops.agent_headers(instance)
    for name, value in marks.items():
        mail[name] = value


def _ids(own_id: str, letter: Letter) -> bytes:
    """Message-ID, In-Reply-To and References, each id on a line of its own.

    Written by us: the standard library would encode an id that is longer than a line, and so break the thread.
    """
    answered = letter.answered if _ID.fullmatch(letter.answered) else ""
    chain = [one for one in dict.fromkeys([*letter.references, answered]) if _ID.fullmatch(one)]
    if len(chain) > MOST_REFERENCES:
        # The first names the conversation to whoever has lost what is between.
        chain = [chain[0], *chain[-(MOST_REFERENCES - 1) :]]
    lines = [f"Message-ID: <{own_id}>"]
    if answered:
        lines.append(f"In-Reply-To: <{answered}>")
    if chain:
        lines.append("References: " + "\r\n ".join(f"<{one}>" for one in chain))
    return "".join(f"{line}\r\n" for line in lines).encode("utf-8")


# ── What it says ─────────────────────────────────────────────────────────────────────────────


def closing(account: Account, agent_name: str, agent_signature: str) -> str:
    """The channel's signature, in which {name} and {signature} are the agent's; a channel without one leaves it to the
    agent. One without {signature} stands alone: whoever wrote it wanted all mails to end alike."""
    # A form's lines end in CR LF.
    own, template = (text.replace("\r\n", "\n").strip() for text in (agent_signature, account.get("signature")))
    return (template or own).replace("{name}", agent_name).replace("{signature}", own).strip()


def _fill(mail: EmailMessage, account: Account, message: OutboundMessage, letter: Letter) -> None:
    signature = closing(account, message.agent_name, message.agent_signature)
    quoted = letter if account.get("quote_history") == "on" and letter.quoted_text.strip() else None
    mail.set_content("\n".join(_text(message.text, signature, quoted)) + "\n")
    mail.add_alternative("".join(_html(message.text, signature, quoted)), subtype="html")
    for file in message.attachments:
        _attach(mail, file)


def _text(text: str, signature: str, quoted: Letter | None) -> Iterator[str]:
    yield text
    if signature:
        # The dash and the blank that every mail program knows; what follows is folded away there.
        yield f"\n-- \n{signature}"
    if quoted:
        yield f"\n{quoted.quoted_line}"
        yield from (f"> {line}".rstrip() for line in quoted.quoted_text.strip().split("\n"))


def _html(text: str, signature: str, quoted: Letter | None) -> Iterator[str]:
    yield '<!doctype html><html><head><meta charset="utf-8"></head><body>'
    yield written.as_html(text)
    if signature:
        yield f'<div class="signature">-- <br>{_lines(signature)}</div>'
    if quoted:
        said = _lines(quoted.quoted_text.strip())
        yield f'<div class="gmail_quote"><div>{escape(quoted.quoted_line)}</div>'
        yield f'<blockquote type="cite">{said}</blockquote></div>'
    yield "</body></html>"


def _lines(text: str) -> str:
    return "<br>".join(escape(line) for line in text.split("\n"))


def _attach(mail: EmailMessage, file: OutboundAttachment) -> None:
    main, _slash, sub = file.mime.partition("/")
    if not re.fullmatch(r"[a-z0-9.+-]+/[a-z0-9.+-]+", file.mime.lower()) or main in ("multipart", "message"):
        main, sub = "application", "octet-stream"
    mail.add_attachment(file.open(), maintype=main, subtype=sub, filename=_line(file.filename) or "file")


def total(files: Sequence[OutboundAttachment]) -> int:
    """Bytes of all files together, before they are encoded."""
    return sum(file.size for file in files)
