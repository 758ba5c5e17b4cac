"""Waiting tickets for the row `routing`. Run inside a desk: `open`, `wait`, `drain` or `bare`; prints JSON."""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from hub import boot

TEAM = 1
SOME = 500


def main() -> None:
    boot.start()
    what, *numbers = sys.argv[1:]
    print(json.dumps(_DO[what](*map(int, numbers))))


def _open(agents: int, capacity: int) -> bool:
    """The first team gives out work; so many colleagues of it take on so much."""
    # Only now: these read the settings.
    from agents.models import Agent
    from agents.presence.models import Presence, Seat
    from tickets.routing.models import Queue

    # Whoever listened to the row before has gone home, whatever the grace says.
    Presence.objects.update(seen_at=None)
    Queue.objects.update_or_create(team_id=TEAM, defaults={"mode": "direct", "strategy": "least_busy"})
    chosen = Agent.objects.filter(teams=TEAM).order_by("pk")[:agents]
    Seat.objects.all().delete()
    Seat.objects.bulk_create(Seat(agent=one, capacity=capacity) for one in chosen)
    return True


def _wait(tickets: int) -> int:
    """So many people have written, and nobody has their ticket. What there was before is resolved."""
    from django.utils import timezone

    from channels_app.models import Address, Channel
    from customers.models import Customer, CustomerAddress
    from tickets.models import Ticket

    now = timezone.now()
    Ticket.objects.exclude(status="resolved").update(status="resolved", resolved_at=now, snoozed_until=None)
    channel = Channel.objects.filter(team=TEAM)[0]
    for start in range(0, tickets, SOME):
        numbers = range(start, min(start + SOME, tickets))
        people = Customer.objects.bulk_create(Customer(name=f"Waits {n}") for n in numbers)
        addresses = Address.objects.bulk_create(
            Address(channel=channel, external_id=f"waits-{now.timestamp()}-{n}") for n in numbers
        )
        pairs = list(zip(people, addresses, strict=True))
        CustomerAddress.objects.bulk_create(CustomerAddress(customer=one, address=two) for one, two in pairs)
        Ticket.objects.bulk_create(
            Ticket(channel=channel, team_id=TEAM, customer=one, address=two, waiting_since=now) for one, two in pairs
        )
    return tickets


def _here() -> None:
    from django.utils import timezone

    from agents.presence.models import Presence, Seat

    later = timezone.now() + timedelta(hours=1)
    for seat in Seat.objects.all():
        Presence.objects.update_or_create(
            agent_id=seat.pk, defaults={"seen_at": later, "active_at": later, "choice": "", "status": "online"}
        )


def _drain(claimers: int) -> dict[str, Any]:
    """All that waits, by so many at once, each with a connection of its own."""
    from collections import Counter

    from django.db import OperationalError

    from agents.presence.models import Seat
    from tickets.models import Activity, Ticket
    from tickets.routing import crew, desk
    from tickets.routing.models import Queue

    _here()
    queue = Queue.objects.get(team=TEAM)
    before = Activity.objects.order_by("-seq").values_list("seq", flat=True).first() or 0

    def claim() -> None:
        while desk.waiting(queue).exists():
            try:
                if not desk.serve(queue):
                    time.sleep(random.random() / 20)
            except OperationalError:
                # So many wait for the same seats that the database's own limit is reached: a job would be tried again.
                continue

    seconds = _at_once([claim] * claimers)
    given = Counter(Activity.objects.filter(seq__gt=before, type="ticket.assigned").values_list("ticket", flat=True))
    held = crew.loads(Seat.objects.values_list("pk", flat=True), crew.weights())
    seats = dict(Seat.objects.values_list("pk", "capacity"))
    return {
        "seconds": seconds,
        "assigned": len(given),
        "twice": sum(count > 1 for count in given.values()),
        "over": sum(held[agent] > capacity for agent, capacity in seats.items()),
        "left": Ticket.objects.filter(status="open", assignee=None, team=TEAM).count(),
    }


def _bare(claimers: int) -> dict[str, float]:
    """The same by nothing but the conditional update, each in a transaction of its own."""
    from django.db import connection

    from agents.presence.models import Seat
    from tickets.models import Ticket

    agents = list(Seat.objects.values_list("pk", flat=True))
    numbers = list(Ticket.objects.filter(status="open", assignee=None, team=TEAM).values_list("pk", flat=True))

    def update(start: int) -> Callable[[], None]:
        def run() -> None:
            for number in numbers[start::claimers]:
                with connection.cursor() as cursor:
                    cursor.execute(
                        "UPDATE tickets_ticket SET assignee_id = %s"
                        " WHERE number = %s AND assignee_id IS NULL AND status = 'open' AND team_id = %s",
                        [agents[number % len(agents)], number, TEAM],
                    )

        return run

    return {"seconds": _at_once([update(start) for start in range(claimers)])}


def _at_once(jobs: list[Callable[[], None]]) -> float:
    from django.db import connections

    gate, failed = threading.Barrier(len(jobs) + 1), []

    def run(job: Callable[[], None]) -> None:
        gate.wait()
        try:
            job()
        except Exception as error:
            failed.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    gate.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return time.perf_counter() - began


_DO: dict[str, Callable[..., Any]] = {"open": _open, "wait": _wait, "drain": _drain, "bare": _bare}

if __name__ == "__main__":
    main()
