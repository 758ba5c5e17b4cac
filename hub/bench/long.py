"""The newest ticket of a desk, grown to 10,000 messages. Run inside a desk where a customer has written."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from hub import boot
from hub.bench import data, text

MESSAGES = 10_000
WORDS = 500


def main() -> None:
    boot.start()
    # Only now: these read the settings.
    from tickets.models import Message, Ticket

    ticket = Ticket.objects.select_related("channel", "address").latest("pk")
    said = {kind: text.pool(WORDS, kind) for kind in ("in", "out")}
    begun = datetime.now(UTC) - timedelta(minutes=MESSAGES + 5)

    def message(turn: int) -> Message:
        way = "in" if turn % 3 else "out"
        return Message(
            ticket=ticket, channel=ticket.channel, team_id=ticket.team_id, external_id=f"long-{turn}", direction=way,
            status="received" if way == "in" else "delivered", agent_id=None if way == "in" else 2,
            address=ticket.address if way == "in" else None, text=said[way][turn % WORDS],
            at=begun + timedelta(minutes=turn),
        )  # fmt: skip

    Message.objects.bulk_create(map(message, range(MESSAGES)), batch_size=500)
    print(json.dumps({"ticket": ticket.pk, "cookies": {"small": data.cookie_of(2)}}))


if __name__ == "__main__":
    main()
