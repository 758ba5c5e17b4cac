"""What a provider tells about a mail of ours → receipts and notices, the same words for all of them."""

from __future__ import annotations

from typing import Any, cast, get_args

from channels_app import reading
from channels_app.adapters.email import inward
from channels_app.contract import DeliveryFailed, News, Notice, Receipt, ReceiptState, Sender, Unreadable

COMPLAINTS = ("complained", "complaint", "spamreport", "spamcomplaint")


def one(
    state: str,
    *,
    message_id: Any,
    recipient: Any,
    at: Any,
    code: Any = "",
    words: Any = "",
    soft: bool = False,
    event_id: Any = "",
    own_key: Any = "",
) -> list[News | Unreadable]:
    """state: one of the contract's, or a complaint; anything else (a click) says nothing that the desk shows.

    soft: the provider goes on trying, so the message keeps its state and the conversation gets a line. own_key: our
    number of the mail, as we told it to the provider.
    """
    own = (reading.ident(message_id) or "").strip("<> ")
    person = (reading.ident(recipient) or "").lower()
    detail = {"message_id": own, "status": reading.line(code), "diagnostic": reading.line(words, 500)}
    if state in COMPLAINTS:
        # Whoever calls our mail spam gets none until they write themselves.
        return [_notice("mail_complaint", person, at, event_id, detail, blocked=True)]
    if state not in get_args(ReceiptState):
        return []
    if state == "failed" and soft:
        return [_notice("mail_delayed", person, at, event_id, detail)]
    key = (reading.ident(own_key) or "").strip()
    if not own and not person and not key:
        return [Unreadable(error="the event names neither a message nor a recipient")]
    error: DeliveryFailed | None = None
    if state == "failed":
        error = inward.failed(reading.line(code), reading.line(words, 500))
    return [
        Receipt(
            state=cast(ReceiptState, state),
            external_id=own,
            own_key=key,
            recipient=person,
            occurred_at=reading.moment(at),
            error=error,
            event_id=reading.ident(event_id) or "",
        )
    ]


def _notice(
    kind: str, person: str, at: Any, event_id: Any, detail: dict[str, str], blocked: bool | None = None
) -> Notice:
    return Notice(
        kind=kind,
        conversation=person,
        sender=Sender(external_id=person, email=person) if person else None,
        occurred_at=reading.moment(at),
        event_id=reading.ident(event_id) or "",
        blocked=blocked,
        detail={name: value for name, value in detail.items() if value},
    )
