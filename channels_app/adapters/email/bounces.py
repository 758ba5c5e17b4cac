"""Is this a report that our mail did not arrive: which mail, which address, for good or for now.

The standard's reports (RFC 3464) come first. A fifth to a third of real bounces are none, so a machine as the sender
together with the words such machines use counts too; a person's words about a failed delivery do not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from channels_app.adapters.email import headers
from channels_app.adapters.email.headers import Headers
from channels_app.adapters.email.mail import Bounce, BounceKind, Mailbox
from channels_app.adapters.email.phrases import (
    BOUNCE_BODY,
    BOUNCE_SUBJECT,
    BOUNCE_TECHNICAL,
    BOUNCE_TEMPORARY,
    DAEMON,
    DAEMON_NAME,
    MAYBE_DAEMON,
)

FAILED = {"failed", "delayed", "expired", "undeliverable", "failure", "deferred", "error"}
_FIELD = re.compile(r"^([A-Za-z0-9-]{3,40})[ \t]*:[ \t]*(.*(?:\n[ \t]+.*){0,20})", re.MULTILINE)
_DAEMON = re.compile(DAEMON)
_MAYBE_DAEMON = re.compile(MAYBE_DAEMON)
_DAEMON_NAME = re.compile(DAEMON_NAME)
_SUBJECT = re.compile(BOUNCE_SUBJECT)
_BODY = re.compile(BOUNCE_BODY)
_TECHNICAL = re.compile(BOUNCE_TECHNICAL)
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_REPLY_CODE = re.compile(r"(?<![\d.])([45]\d\d)(?=[ \-#:])")
_ADDRESS = re.compile(r"[A-Za-z0-9._%+=&/][A-Za-z0-9._%+=&'/-]{0,63}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}")
_ID_LINE = re.compile(
    r"^[> \t]{0,4}(?:X-)?(?:Original-)?Message-I[Dd]:[ \t]*(?:\n[ \t]+)?<?([^<>\s]{3,900})>?",
    re.MULTILINE | re.IGNORECASE,
)
_TEMPORARY = re.compile(BOUNCE_TEMPORARY)
_SAMPLE = 20_000


@dataclass(slots=True)
class Report:
    """The fields of one delivery-status part: of the message, then of each recipient."""

    recipient: str = ""
    action: str = ""
    status: str = ""
    diagnostic: str = ""
    others: list[str] = field(default_factory=list)


def read(
    found: Headers,
    sender: Mailbox,
    subject: str,
    text: str,
    reports: Sequence[str],
    returned: Sequence[bytes],
    null_path: bool,
) -> Bounce | None:
    """None where this is no bounce."""
    told = _report(reports)
    if told is not None and told.action and told.action not in FAILED and not told.status.startswith(("4", "5")):
        return None  # A receipt: delivered, relayed, expanded.
    if not (_reported(found, told) or _worded(found, sender, subject, text, returned, null_path)):
        return None
    told = told or Report()
    sample = text[:_SAMPLE]
    status = told.status or _status_in(told.diagnostic) or _status_in(sample)
    recipient = told.recipient or found.raw("x-failed-recipients").split(",")[0].strip() or _recipient(sample, sender)
    return Bounce(
        kind=_kind(told, status, subject, sample),
        recipient=recipient,
        status=status,
        message_id=_original_id(found, returned, text),
        diagnostic=told.diagnostic[:500],
    )


def _reported(found: Headers, told: Report | None) -> bool:
    """What the standards provide for."""
    if found.has("x-failed-recipients"):
        return True
    if "report-type=delivery-status" in re.sub(r"[\s\"]", "", found.raw("content-type").lower()) and told is None:
        return True
    return told is not None and (told.action in FAILED or told.status.startswith(("4", "5")))


def _worded(
    found: Headers, sender: Mailbox, subject: str, text: str, returned: Sequence[bytes], null_path: bool
) -> bool:
    """A machine says so in words. Two signs out of three, one of them the sender."""
    machine = is_daemon(sender) or null_path
    said = bool(_SUBJECT.search(subject[:500].lower()))
    explained = bool(_BODY.search(text[:_SAMPLE].lower()))
    technical = bool(_TECHNICAL.search(text[:_SAMPLE].lower()))
    if is_daemon(sender):
        return (said or explained or bool(returned)) and (technical or _is_certain_daemon(sender))
    if "report" in found.raw("content-type").lower() and (said or explained):
        return "disposition-notification" not in found.raw("content-type").lower()
    if machine:
        return said and explained
    if returned and explained and _SUBJECT.match(subject.strip().lower()):
        return True  # Some gateways name nobody, but give the mail back.
    admin = bool(
        re.match(
            r"(?:.*[-_.])?(?:admin|owner|request|bounce|no-?reply|support|system|noreply)(?:[-_.+].*)?@",
            sender.address.lower(),
        )
    )
    return admin and said and explained and not _is_reply(subject) and technical


def _is_reply(subject: str) -> bool:
    return bool(re.match(r"\s*(?:re|aw|sv|antw|res|tr|fwd?|wg)\s*:", subject.lower()))


def is_daemon(sender: Mailbox) -> bool:
    """mailer-daemon@, postmaster@ and their kin."""
    return bool(_MAYBE_DAEMON.search(_local(sender))) or _is_certain_daemon(sender)


def _local(sender: Mailbox) -> str:
    return sender.address.lower().rpartition("@")[0] or sender.address.lower()


def _is_certain_daemon(sender: Mailbox) -> bool:
    local = _local(sender)
    return bool(_DAEMON.search(local) or _DAEMON_NAME.search(local) or _DAEMON_NAME.search(sender.name.lower()))


def _report(reports: Sequence[str]) -> Report | None:
    """The first recipient of all status parts that failed, else the first."""
    found: list[Report] = []
    for text in reports:
        for block in re.split(r"\n\s*\n", text[:200_000])[:200]:
            told = _block(block)
            if told.recipient or told.action or told.status:
                found.append(told)
    return next((told for told in found if told.action in FAILED), found[0] if found else None)


def _block(block: str) -> Report:
    told = Report()
    for name, value in _FIELD.findall(block):
        key, value = name.lower(), re.sub(r"\s+", " ", value).strip()
        if key in ("final-recipient", "original-recipient") and (not told.recipient or key == "original-recipient"):
            address = _ADDRESS.search(value.rpartition(";")[2])
            told.recipient = address[0] if address else told.recipient
        elif key == "action":
            told.action = value.lower().split(" ")[0].strip(";,.")
        elif key == "status":
            told.status = _status_in(value)
        elif key == "diagnostic-code":
            told.diagnostic = value
    return told


def _status_in(text: str) -> str:
    found = _STATUS.search(text)
    if found:
        return found[1]
    code = _REPLY_CODE.search(text)
    return (
        f"{code[1][0]}.0.0"
        if code and re.search(r"smtp|error|said|rejected|refused|reply|response", text[:_SAMPLE].lower())
        else ""
    )


def _kind(told: Report, status: str, subject: str, sample: str) -> BounceKind:
    """By the action first: a delay is a delay whatever code it quotes."""
    if told.action in ("delayed", "deferred") or status.startswith("4"):
        return "soft"
    if status.startswith("5"):
        return "hard"
    if told.action == "failed":
        return "hard"
    return "soft" if _TEMPORARY.search(f"{subject}\n{sample}".lower()) else "hard"


def _recipient(sample: str, sender: Mailbox) -> str:
    return next((found for found in _ADDRESS.findall(sample) if found.lower() != sender.address.lower()), "")


def _original_id(found: Headers, returned: Sequence[bytes], text: str) -> str:
    """The Message-ID in the returned part, else in the quoted headers, else what the report says it answers."""
    for part in returned:
        inner, _ = headers.read(part, 0, len(part))
        got = headers.ids(inner.raw("message-id")) or headers.ids(inner.raw("x-original-message-id"))
        if got:
            return got[0]
    quoted = _ID_LINE.search(text[:200_000])
    if quoted:
        return quoted[1]
    for name in ("in-reply-to", "references", "x-original-message-id"):
        got = headers.ids(found.raw(name))
        if got:
            return got[-1]
    return ""
