"""Mails in what a provider posted (``esp_door``): the mail itself where it comes along, else put together from its
pieces. None for an event. Nothing is fetched: a file that stayed with the provider is named, and fetched by a worker.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from channels_app import reading
from channels_app.adapters.email import inward, posted, rebuilt
from channels_app.contract import Account, UnreadableEvent

BREVO = "https://api.brevo.com"


@dataclass(frozen=True, slots=True)
class Found:
    """raw: RFC 5322 bytes. extra: as ``inward.read`` takes it."""

    raw: bytes
    extra: dict[str, Any] = field(default_factory=dict)


def of(name: str, one: Mapping[str, Any]) -> Found | None:
    """Raises UnreadableEvent for a mail that cannot be had."""
    reader = _READERS.get(name)
    return reader(one) if reader else None


def file_url(account: Account, url: str) -> str:
    """Where a file that stayed with Brevo is fetched from; "" for any other address, or without its key."""
    if not url.startswith(f"{BREVO}/v3/inbound/attachments/") or not account.get("provider_key"):
        return ""
    return account.base_url(BREVO) + url.removeprefix(BREVO) if account.get("provider") == "brevo" else ""


def _whole(text: Any, *, encoded: bool = False) -> bytes:
    """The mail as it was sent: text of a JSON string, or base64 of its bytes."""
    if not isinstance(text, str) or not text:
        raise UnreadableEvent("the mail itself is not in it")
    return posted.unpacked(text) if encoded else text.encode("utf-8", "replace")


def _pairs(headers: Any) -> list[tuple[str, str]]:
    """{name: value or [values]} → each by itself."""
    found = reading.mapping(headers)
    return [
        (str(name), reading.text(value))
        for name, values in found.items()
        for value in (values if isinstance(values, list) else [values])
        if isinstance(value, str)
    ]


def _people(value: Any) -> str:
    """Brevo's {"Name", "Address"}, one or several, as a header."""
    found = value if isinstance(value, list) else [value]
    boxes = [reading.mapping(one) for one in found]
    return ", ".join(
        f'"{reading.line(box.get("Name")).replace(chr(34), "")}" <{reading.line(box.get("Address"))}>'
        for box in boxes
        if box.get("Address")
    )


def _brevo(one: Mapping[str, Any]) -> Found | None:
    if "event" in one:
        return None
    pairs = _pairs(one.get("Headers"))
    there = {name.lower() for name, _value in pairs}
    summary = {
        "From": _people(one.get("From")), "To": _people(one.get("To")), "Cc": _people(one.get("Cc")),
        "Reply-To": _people(one.get("ReplyTo")), "Subject": reading.text(one.get("Subject")),
        "Date": reading.text(one.get("SentAtDate")), "Message-ID": reading.text(one.get("MessageId")),
        "In-Reply-To": reading.text(one.get("InReplyTo")),
    }  # fmt: skip
    pairs += [(name, value) for name, value in summary.items() if value and name.lower() not in there]
    remote = [
        {
            "url": f"{BREVO}/v3/inbound/attachments/{quote(str(file['DownloadToken']), safe='')}",
            "filename": file.get("Name"), "mime": file.get("ContentType"), "size": file.get("ContentLength"),
        }
        for file in reading.listed(one.get("Attachments"))
        if isinstance(file, Mapping) and isinstance(file.get("DownloadToken"), str)
    ]  # fmt: skip
    text, html = reading.text(one.get("RawTextBody")), reading.text(one.get("RawHtmlBody"))
    recipients = [reading.mapping(box).get("Address") for box in reading.listed(one.get("Recipients"))]
    return Found(rebuilt.mail(pairs, text, html), {"remote": remote, "recipients": posted.recipients(recipients)})


def _mailjet(one: Mapping[str, Any]) -> Found | None:
    if "event" in one:
        return None
    files = [
        _mailjet_file(part, one)
        for part in reading.listed(one.get("Parts"))
        if isinstance(part, Mapping) and "Attachment" in str(part.get("ContentRef"))
    ]
    pairs = _pairs(one.get("Headers"))
    if not any(name.lower() == "from" for name, _value in pairs):
        pairs.append(("From", reading.text(one.get("From") or one.get("Sender"))))
    text, html = reading.text(one.get("Text-part")), reading.text(one.get("Html-part"))
    extra = {"recipients": posted.recipients(one.get("Recipient"))}
    return Found(rebuilt.mail(pairs, text, html, files), extra)


def _mailjet_file(part: Mapping[str, Any], one: Mapping[str, Any]) -> rebuilt.Piece:
    headers = {name.lower(): value for name, value in _pairs(part.get("Headers"))}
    form = headers.get("content-type", "")
    named = re.search(r'name="?([^";\r\n]+)', f"{headers.get('content-disposition', '')};{form}")
    return rebuilt.Piece(
        filename=named[1].strip() if named else "",
        mime=form.partition(";")[0].strip(),
        content_id=headers.get("content-id", "").strip("<> "),
        encoded=reading.text(one.get(str(part.get("ContentRef")))),
    )


def _mailersend(one: Mapping[str, Any]) -> Found | None:
    if one.get("type") != "inbound.message":
        return None
    data = reading.mapping(one.get("data"))
    to = reading.listed(reading.mapping(data.get("recipients")).get("rcptTo"))
    boxes = [reading.mapping(box).get("email") for box in to]
    return Found(_whole(data.get("raw")), {"recipients": posted.recipients(boxes), "received": data.get("created_at")})


def _mandrill(one: Mapping[str, Any]) -> Found | None:
    if one.get("event") != "inbound":
        return None
    message = reading.mapping(one.get("msg"))
    extra = {"recipients": posted.recipients(message.get("email")), "received": one.get("ts")}
    return Found(_whole(message.get("raw_msg")), extra)


def _postal(one: Mapping[str, Any]) -> Found | None:
    if "rcpt_to" not in one:
        return None
    extra = {
        "recipients": posted.recipients(one.get("rcpt_to")),
        "spam": str(one.get("spam_status")).lower() == "spam",
        "received": one.get("timestamp"),
    }
    return Found(_whole(one.get("message"), encoded=one.get("base64") is True), extra)


def _sparkpost(one: Mapping[str, Any]) -> Found | None:
    relayed = reading.mapping(reading.mapping(one.get("msys")).get("relay_message"))
    if not relayed:
        return None
    content = reading.mapping(relayed.get("content"))
    encoded = content.get("email_rfc822_is_base64") is True
    return Found(
        _whole(content.get("email_rfc822"), encoded=encoded), {"recipients": posted.recipients(relayed.get("rcpt_to"))}
    )


def _resend(one: Mapping[str, Any]) -> Found | None:
    """The post names the mail and does not bring it: what is known of it is shown."""
    if one.get("type") != "email.received":
        return None
    data = reading.mapping(one.get("data"))
    pairs = [
        ("From", reading.text(data.get("from"))), ("Subject", reading.text(data.get("subject"))),
        ("Message-ID", reading.text(data.get("message_id"))), ("Date", reading.text(data.get("created_at"))),
        *((name.title(), ", ".join(posted.recipients(data.get(name)))) for name in ("to", "cc")),
    ]  # fmt: skip
    return Found(rebuilt.mail([pair for pair in pairs if pair[1]], "", ""), {"missing": inward.ELSEWHERE})


def _mailtrap(one: Mapping[str, Any]) -> Found | None:
    if str(one.get("event")).startswith("inbound"):
        raise UnreadableEvent(
            "Mailtrap posts only that a mail has come, not the mail: have it forwarded to a mailbox that is fetched"
        )
    return None


_READERS: Mapping[str, Callable[[Mapping[str, Any]], Found | None]] = {
    "brevo": _brevo, "mailersend": _mailersend, "mailjet": _mailjet, "mailtrap": _mailtrap, "mandrill": _mandrill,
    "postal": _postal, "resend": _resend, "sparkpost": _sparkpost,
}  # fmt: skip
