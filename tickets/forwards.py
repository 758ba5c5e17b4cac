"""A mail that an agent forwards by hand is from whoever wrote it first (rule 24): the ticket is theirs, and answers go
to them, not to the agent. Only where the agent's own address is proved: anybody can type a head of a forwarded mail.
"""

from __future__ import annotations

from dataclasses import replace

from agents.models import Agent
from channels_app.contract import InboundMessage, Sender, fit_id
from channels_app.models import Channel
from tickets import threads


def original(channel: Channel, news: InboundMessage) -> InboundMessage:
    """The message as its first author's; unchanged where nobody of ours forwards, or it is not proved."""
    said = threads.facts(news)
    found = said.get("forwarded")
    if not isinstance(found, dict) or said.get("authentic") is not True or news.is_group:
        return news
    adapter, account = channel.adapter, channel.account()
    try:
        address = adapter.normalise_address(account, str(found.get("address") or ""))
    except ValueError:
        return news
    agents = set(
        Agent.objects.filter(email__in=[news.sender.email.lower(), address], is_active=True).values_list(
            "email", flat=True
        )
    )
    # Neither of ourselves nor of a colleague: those are no customers.
    if news.sender.email.lower() not in agents or address in agents or adapter.is_own_address(account, address):
        return news
    name = str(found.get("name") or "")
    by = {"name": news.sender.name, "address": news.sender.external_id}
    mail = {
        **said,
        "from": {"name": name, "address": address},
        "forwarded_by": by,
        # Whoever had the agent's mail had not the customer's.
        "to": [], "cc": [], "bcc": [], "reply_to": [],
        "message_id": str(found.get("message_id") or ""),
        # They have written nothing to us, so nothing of ours goes out by itself.
        "automatic": said.get("automatic") or "forwarded",
    }  # fmt: skip
    return replace(
        news,
        sender=Sender(external_id=fit_id(address), name=name, email=address),
        conversation=fit_id(address),
        subject=str(found.get("subject") or "") or news.subject,
        reply_text=str(found.get("text") or "") or news.reply_text,
        mail=mail,
    )
