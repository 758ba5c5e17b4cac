"""Amazon SES through SNS: mails and events in signed notifications; subscriptions are confirmed after all checks.

Signature versions 1 (SHA-1) and 2 (SHA-256) over named fields, with a certificate of Amazon's; the topic must be one of
the channel's. A relay that is no SNS (a Lambda function posting its ``Records``) proves itself with the channel's
secret. Source: Amazon's documentation of SNS signatures and of SES notifications.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from channels_app import reading
from channels_app.adapters.email import composing, fields, inward, posted, rebuilt, sns, told
from channels_app.adapters.email.doors import Mime
from channels_app.contract import (
    Account,
    BadBody,
    InboundRequest,
    News,
    NotAuthentic,
    Unreadable,
    UnreadableEvent,
    read_json_object,
)
from channels_app.http import Http

STATES = {
    "Send": "sent", "Delivery": "delivered", "Open": "read", "Bounce": "failed", "Reject": "failed",
    "DeliveryDelay": "failed", "Complaint": "complaint",
}  # fmt: skip


class Ses(Mime):
    def verify(self, account: Account, request: InboundRequest) -> None:
        try:
            post = read_json_object(request.body)
        except BadBody as error:
            raise NotAuthentic("there is nothing signed in it") from error
        if "Records" in post and "Type" not in post:
            super().verify(account, request)
            return
        if post.get("TopicArn") not in fields.words(account.settings.get("ses_topics")):
            raise NotAuthentic("the topic is not one of this channel's")
        sns.verify(post, fields.read_certificates(account.settings.get("sns_certificates")) or {})

    def decode(self, account: Account, request: InboundRequest) -> Any:
        post = read_json_object(request.body)
        if post.get("Type") == "Notification" and isinstance(post.get("Message"), str):
            # What SES says when a topic is set up is a plain sentence.
            told_ = post["Message"].strip()
            post["Message"] = read_json_object(told_.encode("utf-8", "replace")) if told_.startswith("{") else {}
        return post

    def delivery_id(self, account: Account, request: InboundRequest) -> str:
        try:
            return reading.ident(read_json_object(request.body).get("MessageId")) or ""
        except BadBody:
            return ""

    def read(self, account: Account, content: Any) -> Iterable[News | Unreadable]:
        if not isinstance(content, Mapping):
            raise UnreadableEvent("this is no object")
        if "Records" in content:
            return [news for record in reading.listed(content["Records"]) for news in _record(account, record)]
        if content.get("Type") != "Notification":
            return []
        return _notification(account, reading.mapping(content.get("Message")))

    def confirms(self, content: Any) -> bool:
        return isinstance(content, Mapping) and content.get("Type") == "SubscriptionConfirmation"

    def confirm(self, account: Account, content: Any, http: Http) -> None:
        """At Amazon's own host, or at what an administrator has put in its place, and nowhere else."""
        url = content.get("SubscribeURL")
        if not isinstance(url, str) or not sns.is_amazon_url(url):
            return
        parts = urlsplit(url)
        http.request(
            "GET", url.replace(f"{parts.scheme}://{parts.netloc}", account.base_url(f"https://{parts.netloc}"), 1)
        )


def _record(account: Account, record: Any) -> list[News | Unreadable]:
    event = reading.mapping(reading.mapping(record).get("ses"))
    return _mail(account, event) if event else [Unreadable(error="the record is none of SES")]


def _notification(account: Account, message: Mapping[str, Any]) -> list[News | Unreadable]:
    kind = message.get("notificationType") or message.get("eventType")
    if kind == "Received":
        return _mail(account, message)
    mail = reading.mapping(message.get("mail"))
    if not mail:
        return []
    details = reading.mapping(message.get(_key(str(kind))))
    return [news for recipient in _recipients(details, mail) for news in _event(str(kind), recipient, details, mail)]


def _key(kind: str) -> str:
    return kind[:1].lower() + kind[1:]


def _recipients(details: Mapping[str, Any], mail: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Those that the event is about, as objects; without any, all that the mail went to."""
    for name in ("bouncedRecipients", "complainedRecipients", "delayedRecipients", "recipients"):
        found = reading.listed(details.get(name))
        if found:
            return [one if isinstance(one, Mapping) else {"emailAddress": one} for one in found[:100]]
    return [{"emailAddress": one} for one in reading.listed(mail.get("destination"))[:100]] or [{}]


def _event(
    kind: str, recipient: Mapping[str, Any], details: Mapping[str, Any], mail: Mapping[str, Any]
) -> list[News | Unreadable]:
    return told.one(
        STATES.get(kind, ""),
        message_id=mail.get("messageId"),
        recipient=recipient.get("emailAddress"),
        at=details.get("timestamp") or mail.get("timestamp"),
        code=recipient.get("status") or details.get("bounceSubType") or details.get("reason"),
        words=recipient.get("diagnosticCode") or details.get("smtpResponse"),
        soft=kind == "DeliveryDelay" or details.get("bounceType") in ("Transient", "Undetermined"),
        event_id=details.get("feedbackId"),
        own_key=_own_key(mail),
    )


def _own_key(mail: Mapping[str, Any]) -> str:
    """SES gives every mail a Message-ID of its own; ours stands among the headers that it was handed."""
    headers = [reading.mapping(one) for one in reading.listed(mail.get("headers"))[:200]]
    own = next((one.get("value") for one in headers if str(one.get("name")).lower() == "message-id"), "")
    return composing.own_key(str(own or ""))


def _mail(account: Account, message: Mapping[str, Any]) -> list[News | Unreadable]:
    mail, receipt = reading.mapping(message.get("mail")), reading.mapping(message.get("receipt"))
    extra = {
        "recipients": posted.recipients(receipt.get("recipients")),
        "received": mail.get("timestamp"),
        "spam": _verdict(receipt, "spamVerdict") == "FAIL" or _verdict(receipt, "virusVerdict") == "FAIL",
        "dmarc": {"PASS": "pass", "FAIL": "fail"}.get(_verdict(receipt, "dmarcVerdict"), ""),
    }
    content = message.get("content")
    if isinstance(content, str) and content:
        return [*inward.read(account, _decoded(content, receipt), extra)]
    # The mail lies in a bucket that only its owner can open: what is known of it is shown.
    return [*inward.read(account, rebuilt.mail(_headers(mail), "", ""), {**extra, "missing": inward.IN_S3})]


COMMON = (
    ("From", "from"), ("To", "to"), ("Cc", "cc"), ("Reply-To", "replyTo"), ("Subject", "subject"), ("Date", "date"),
    ("Message-ID", "messageId"), ("Return-Path", "returnPath"),
)  # fmt: skip


def _headers(mail: Mapping[str, Any]) -> list[tuple[str, str]]:
    """All that came along; what only the summary has is added."""
    pairs = [
        (str(item.get("name")), str(item.get("value")))
        for item in reading.listed(mail.get("headers"))
        if isinstance(item, Mapping)
    ]
    there = {name.lower() for name, _value in pairs}
    summary = reading.mapping(mail.get("commonHeaders"))
    for name, key in COMMON:
        values = summary.get(key)
        value = ", ".join(map(str, values)) if isinstance(values, list) else reading.text(values)
        if value and name.lower() not in there:
            pairs.append((name, value))
    return pairs


def _verdict(receipt: Mapping[str, Any], name: str) -> str:
    return str(reading.mapping(receipt.get(name)).get("status") or "").upper()


def _decoded(content: str, receipt: Mapping[str, Any]) -> bytes:
    if str(reading.mapping(receipt.get("action")).get("encoding") or "").upper() != "BASE64":
        return content.encode("utf-8", "replace")
    return posted.unpacked(content)
