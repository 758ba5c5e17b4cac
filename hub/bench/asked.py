"""Inside a desk: so many resolved tickets are due at once and are asked about; and a million answers are looked at.

`python -m hub.bench.asked TICKETS ANSWERS` prints as JSON what the row `surveys` shows.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from hub import boot
from hub.bench import text
from hub.bench.data import cookie_of
from hub.bench.floor import call
from hub.bench.report import percentile

CUSTOMERS_AT_A_TIME = 5_000
DAYS = 365
AGENTS, TEAMS = 50, 20
TURNS = 40
SENT = 500


def fill(tickets: int) -> None:
    """One resolved ticket each, of a customer of their own who has written once."""
    from agents.models import Agent, Team
    from channels_app.models import Address, Channel
    from customers.models import Customer, CustomerAddress
    from tickets.models import Activity, Message, Ticket

    now = timezone.now()
    Team.objects.bulk_create([Team(id=number, name=f"Team {number}") for number in range(1, TEAMS + 1)])
    Agent.objects.bulk_create(
        [
            Agent(id=number, email=f"a{number}@bench.example", name=f"Agent {number}", role="admin", password="!")
            for number in range(1, AGENTS + 1)
        ]
    )
    for number in range(1, TEAMS + 1):
        Channel.objects.create(id=number, kind="sandbox", name=f"Channel {number}", team_id=number)
    for start in range(1, tickets + 1, CUSTOMERS_AT_A_TIME):
        numbers = range(start, min(start + CUSTOMERS_AT_A_TIME, tickets + 1))
        Customer.objects.bulk_create([Customer(id=one, name=f"Siti {one}", language="id") for one in numbers])
        Address.objects.bulk_create(
            [
                Address(id=one, channel_id=1 + one % TEAMS, external_id=f"u-{one}", phone=text.phone_of(one))
                for one in numbers
            ]
        )
        CustomerAddress.objects.bulk_create([CustomerAddress(address_id=one, customer_id=one) for one in numbers])
        common = {"status": "resolved", "resolved_at": now, "last_inbound_at": now, "created_at": now}
        Ticket.objects.bulk_create(
            [
                Ticket(
                    number=one,
                    channel_id=1 + one % TEAMS,
                    team_id=1 + one % TEAMS,
                    customer_id=one,
                    address_id=one,
                    **common,
                )
                for one in numbers
            ]
        )
        Message.objects.bulk_create(
            [
                Message(
                    id=one, ticket_id=one, channel_id=1 + one % TEAMS, team_id=1 + one % TEAMS, direction="in",
                    status="received", external_id=f"m-{one}", address_id=one, text="Halo",
                )
                for one in numbers
            ]
        )  # fmt: skip
        Activity.objects.bulk_create(
            [
                Activity(type="ticket.resolved", ticket_id=one, actor_type="agent", agent_id=1 + one % AGENTS)
                for one in numbers
            ]
        )
    _count_on()


def _count_on() -> None:
    """PostgreSQL's counters know nothing of numbers that were given."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        for table, key in (("tickets_ticket", "number"), ("tickets_message", "id"), ("agents_agent", "id")):
            cursor.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', '{key}'), (SELECT max({key}) FROM {table}))"
            )


def a_survey() -> Any:
    from surveys import definition, texts
    from surveys.models import Survey

    # Each customer's zone is looked at, and it is nobody's night.
    noon = timezone.now().astimezone(ZoneInfo("Asia/Jakarta"))
    night = [f"{(noon + timedelta(hours=hours)):%H:%M}" for hours in (10, 14)]
    when = {"delay_minutes": 0, "quiet_from": night[0], "quiet_to": night[1], "every_days": 30}
    content = {"look": "stars", "languages": list(texts.LANGUAGES), "texts": texts.usual(definition.CSAT)}
    return Survey.objects.create(
        name="Bench", kind="csat", enabled=True, content=content, when=when, rules=[], defects={}
    )


def asked(tickets: int) -> dict[str, Any]:
    """All of them at once, and the bare claims of as many rows in batches of the same size."""
    from surveys import asking, watching
    from surveys.models import Invitation
    from tickets.models import Message

    before = memory()
    seen = timed(lambda: until_done(watching.follow, lambda: Invitation.objects.count() < tickets))
    counter, took, used = Counter(), 0.0, 0.0
    while Invitation.objects.filter(state="pending").exists():
        began = time.process_time()
        with connection.execute_wrapper(counter):
            took += timed(asking.sweep)
        used += time.process_time() - began
        _taken()
    out = Message.objects.filter(direction="out")
    answers = {
        "invitations": Invitation.objects.count(),
        "asked": Invitation.objects.filter(state="asked").count(),
        "messages": out.count(),
        "tickets": out.values("ticket").distinct().count(),
        "noticed": tickets / seen,
        "rate": tickets / took,
        "used": used / tickets,
        "statements": counter.count / tickets,
        "memory": memory() - before,
    }
    answers["claims"] = tickets / timed(claims)
    answers["sent"] = sent(min(tickets, SENT))
    return answers


def _taken() -> None:
    """The channel has taken what was waiting for it, in no time: so that the rate is that of asking alone."""
    from tickets.models import Message

    Message.objects.filter(status="queued").update(status="sent", next_attempt_at=None)


def sent(count: int) -> float:
    """So many of the questions really go out, one after the other, by a channel that answers at once."""
    from tickets import delivery
    from tickets.models import Message

    chosen = list(Message.objects.filter(direction="out").order_by("-pk").values_list("pk", flat=True)[:count])
    Message.objects.filter(pk__in=chosen).update(status="queued", next_attempt_at=timezone.now())

    def send() -> None:
        for pk in chosen:
            delivery.deliver(pk)

    took = timed(send)
    if Message.objects.filter(pk__in=chosen).exclude(status="delivered").exists():
        raise RuntimeError("not all went out")
    return count / took


def claims() -> None:
    """What any sweep must do: claim rows, and write that they are done."""
    from surveys import asking
    from surveys.models import Invitation

    far = timezone.now() + timedelta(days=400)
    Invitation.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    for channel in range(1, TEAMS + 1):
        while True:
            claimed = asking.claim(channel, asking.BATCH, timezone.now())
            if claimed is None:
                break
            mine: uuid.UUID = claimed[0]
            Invitation.objects.filter(claim=mine).update(claim=None, claimed_until=None, due_at=far)


def until_done(act: Callable[[], None], waits: Callable[[], bool]) -> None:
    while waits():
        act()


def timed(act: Callable[[], Any]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def memory() -> float:
    """The most that this process has had so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


# ── Answers ──────────────────────────────────────────────────────────────────────────────────

INVITATIONS = """
INSERT INTO surveys_invitation (survey_id, version_id, ticket_id, resolution, customer_id, channel_id, team_id,
  agent_id, language, customer_type, first_reply_seconds, reopened, state, reason, due_at, asked_at, expires_at,
  message_id, claim, claimed_until, attempts, is_test, created_at, day)
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %s)
SELECT %s, %s, 1 + i %% %s, 1000000000 + i, 1 + i %% %s, 1 + i %% 20, 1 + i %% 20, 1 + i %% 50,
  CASE i %% 3 WHEN 0 THEN 'id' WHEN 1 THEN 'th' ELSE 'ms' END, 'external', (i * 37) %% 7200, i %% 29 = 0, 'answered',
  '', NULL, {at}, {at}, NULL, NULL, NULL, 0, {false}, {at}, {day}
FROM n
"""
RESPONSES = """
INSERT INTO surveys_response (invitation_id, survey_id, version_id, ticket_id, customer_id, channel_id, team_id,
  agent_id, language, customer_type, score, comment, answers, via, at, changed_at, day, follow_at, done)
SELECT id, survey_id, version_id, ticket_id, customer_id, channel_id, team_id, agent_id, language, customer_type,
  CASE WHEN resolution %% 10 < 6 THEN 5 WHEN resolution %% 10 < 8 THEN 4 ELSE 1 + resolution %% 3 END,
  CASE WHEN resolution %% 12 = 0 THEN 'Cepat sekali' ELSE '' END, '{{}}', 'page', asked_at, asked_at, day, NULL, '[]'
FROM surveys_invitation WHERE resolution > 1000000000
"""


def answer(survey: Any, tickets: int, answers: int) -> float:
    """So many answers over a year, by two statements; gives the seconds that counting them by day took."""
    from surveys import tallies, versions

    today = timezone.now().date()
    version = versions.version_of(survey).pk
    embedded = connection.vendor == "sqlite"
    day = f"date('{today}', '-' || (i % {DAYS}) || ' days')" if embedded else f"date '{today}' - (i % {DAYS})::int"
    at = f"{day} || ' 10:00:00'" if embedded else f"({day})::timestamptz"
    words = {"at": at.replace("%", "%%"), "day": day.replace("%", "%%"), "false": "0" if embedded else "false"}
    with connection.cursor() as cursor:
        cursor.execute(INVITATIONS.format(**words), [answers, survey.pk, version, tickets, tickets])
        cursor.execute(RESPONSES.format(), [])
        cursor.execute("ANALYZE")
    tallies.touch_all(survey)
    return timed(tallies.sweep)


RAW = "SELECT {by}, score, count(*) FROM surveys_response WHERE survey_id = %s AND day BETWEEN %s AND %s GROUP BY 1, 2"


def looked_at(survey: Any) -> list[tuple[str, float, float, int, float]]:
    """(page, p50, p99, statements, the same counted by raw SQL from the answers) in seconds."""
    today = timezone.now().date()
    cookie = cookie_of(1)

    def get(path: str) -> Callable[[], None]:
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n\r\n".encode()

        def ask() -> None:
            status, _content = call(request)
            if not status.startswith("200"):
                raise RuntimeError(f"{path}: {status}")

        return ask

    found = []
    for name, days in (("30 days", 30), ("90 days", 90), ("a year", DAYS)):
        first = today - timedelta(days=days - 1)
        query = f"?survey={survey.pk}&from={first}&to={today}"
        raw = timed(partial(counted, survey.pk, first, today))
        for page, path in (("results", f"/surveys/results/{query}"), ("tickets", f"/surveys/results/answers/{query}")):
            ask = get(path)
            ask()
            counter = Counter()
            with connection.execute_wrapper(counter):
                ask()
            times = [timed(ask) for _turn in range(TURNS)]
            found.append((f"{page}, {name}", percentile(times, 0.5), percentile(times, 0.99), counter.count, raw))
    return found


class Counter:
    """Of statements, but for SQLite's BEGIN, which Django sends as one."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.count += not sql.startswith("BEGIN")
        return execute(sql, params, many, context)


def counted(survey: int, first: Any, last: Any) -> None:
    """What a page of results shows, from the answers themselves: the total and five breakdowns."""
    with connection.cursor() as cursor:
        for by in ("day", "agent_id", "team_id", "channel_id", "language", "customer_type"):
            cursor.execute(RAW.format(by=by), [survey, first, last])
            cursor.fetchall()


def main() -> None:
    tickets, answers = int(sys.argv[1]), int(sys.argv[2])
    boot.start()
    # Only now: these read the settings.
    from hub.management.commands import prepare
    from surveys import watching
    from tickets.models.activity import newest

    with prepare.alone():
        call_command("migrate", interactive=False, verbosity=0, skip_checks=True)
    watching.now_reads_from(newest())
    survey = a_survey()
    fill(tickets)
    said = asked(tickets)
    said["counting"] = answer(survey, tickets, answers)
    said["pages"] = looked_at(survey)
    print(json.dumps(said))


if __name__ == "__main__":
    main()
