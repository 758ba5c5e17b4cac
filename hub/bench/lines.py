"""Writes so many messages into the log at once and prints the bytes of one line's frame. Run inside a desk."""

from __future__ import annotations

import sys

from hub import boot


def main() -> None:
    boot.start()
    # Only now: these read the settings.
    from django.db import transaction
    from django.utils import timezone

    from tickets import live, log, shapes
    from tickets.models import Activity, Message, Ticket

    count = int(sys.argv[1])
    ticket = Ticket.objects.order_by("number")[0]
    text = "Halo kak, pesanan saya belum sampai. สินค้ายังไม่ได้รับเลยค่ะ"
    last = Activity.objects.order_by("-seq")[0]
    with transaction.atomic():
        messages = Message.objects.bulk_create(
            Message(
                ticket=ticket, channel_id=ticket.channel_id, team_id=ticket.team_id, direction="in", status="received",
                external_id=f"burst-{number:06}", address_id=ticket.address_id, text=text,
            )
            for number in range(count)
        )  # fmt: skip
        Activity.objects.bulk_create(
            Activity(type="message.added", ticket=ticket, message=message, actor_type="system", at=timezone.now())
            for message in messages
        )
    rows = log.lines(last.seq, last.seq + 10 * count, 5 * count)
    sizes = [len(live.encode(shapes.line_of(row)).encode()) + 4 for row in rows]
    # Numbers grow by a digit now and then; all of it must be waited for.
    print(sum(sizes) // count)


if __name__ == "__main__":
    main()
