"""The drill's surveys: 1,000 resolved tickets are asked about and answered while the parts are killed with -9.

The questions arrive at a platform over HTTP; each customer there answers at once, a third by writing "5", a third by
pressing a button, a third on the page, and says everything twice, as platforms and impatient people do. Then it is
counted: at the platform (a question is known by our message's number), and in the database.

`python -m tests.drill_surveys fill 1000` and `… count` are run beside the hub, in its environment.
"""

from __future__ import annotations

import collections
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from tests.platforms.webhook import FakeWebhookPlatform, signed
from tests.running import ROOT, RunningHub

TICKETS = 1000
SENDER = "drill-s"
LINK = re.compile(r"/s/[\w-]+/")
LOW, BEST = 1, 5


class Surveys:
    """kills: after so many questions have come to the platform, and after so many answers were taken."""

    def __init__(
        self,
        hub: RunningHub,
        platform: FakeWebhookPlatform,
        asking: dict[int, Callable[[], None]],
        answering: dict[int, Callable[[], None]],
        tickets: int = TICKETS,
    ) -> None:
        self.hub, self.platform, self.tickets = hub, platform, tickets
        self.kills = {"asking": asking, "answering": answering}
        self.counts = collections.Counter[str]()
        self.repeated = 0
        self.lock = threading.Lock()
        self.clients = threading.local()
        self.channel = hub.channel("webhook")

    def run(self, seconds: float = 600) -> list[str]:
        self.links = inside(self.hub, "fill", str(self.tickets), str(self.channel["id"]))["links"]
        with ThreadPoolExecutor(8) as customers:
            answers = [customers.submit(self.answer, said) for said in self.questions(seconds)]
            for answer in answers:
                answer.result()
        self.hub.wait_ready()
        found = self.settled(seconds)
        return [*self.at_the_platform(), *problems_in(found, self.tickets)]

    # ── The customers ──

    def questions(self, seconds: float) -> Iterator[dict[str, Any]]:
        """Each as it comes, once for each number of ours; until none has come for so long."""
        end, seen = time.monotonic() + seconds, 0
        while seen < self.tickets and time.monotonic() < end:
            said = [one for one in list(self.platform.replies.values()) if _is_question(one)]
            if len(said) > seen:
                end = time.monotonic() + seconds
            for one in said[seen:]:
                self.count("asking")
                yield one
            seen = len(said)
            time.sleep(0.05)

    def answer(self, said: dict[str, Any]) -> None:
        sender = said["to"]["id"]
        number = int(sender.removeprefix(SENDER))
        way = (self.write, self.press, self.open)[number % 3]
        for _time in range(2):
            self.until_taken(lambda: way(sender, said))
        self.count("answering")

    def write(self, sender: str, said: dict[str, Any]) -> httpx.Response:
        return self.post({"type": "message", "text": str(BEST)}, sender)

    def press(self, sender: str, said: dict[str, Any]) -> httpx.Response:
        button = said["quick_replies"][LOW - 1]
        return self.post({"type": "postback", "title": button["title"], "payload": button["payload"]}, sender)

    def open(self, sender: str, said: dict[str, Any]) -> httpx.Response:
        link = self.hub.url + self.links[sender]
        return self.client().post(link, data={"score": str(LOW), "comment": "Masih rusak"})

    def post(self, event: dict[str, Any], sender: str) -> httpx.Response:
        event = {**event, "id": f"answer-{sender}", "sender": {"id": sender}}
        body, headers = signed(event, self.channel["settings"]["secret"], f"answer-{sender}")
        return self.client().post(self.channel["webhook_url"], content=body, headers=headers)

    def until_taken(self, send: Callable[[], httpx.Response]) -> None:
        end, got = time.monotonic() + 400, ""
        while time.monotonic() < end:
            try:
                response = send()
                if response.is_success or response.status_code == 303:
                    return
                got = f"{response.status_code} {response.text[:300]}"
            except httpx.TransportError as error:
                got = repr(error)
            with self.lock:
                self.repeated += 1
            time.sleep(0.2)
        raise AssertionError(f"an answer was never taken: {got}")

    def client(self) -> httpx.Client:
        if not hasattr(self.clients, "one"):
            self.clients.one = httpx.Client(timeout=20, trust_env=False)
        return self.clients.one

    def count(self, what: str) -> None:
        with self.lock:
            self.counts[what] += 1
            kill = self.kills[what].pop(self.counts[what], None)
        if kill is not None:
            threading.Thread(target=kill).start()

    # ── What came of it ──

    def settled(self, seconds: float) -> dict[str, Any]:
        """Until nothing more is to be done, or nothing has been done for so long."""
        end, found = time.monotonic() + seconds, inside(self.hub, "count")
        while found["left"] and time.monotonic() < end:
            time.sleep(1)
            before, found = found, inside(self.hub, "count")
            if found["left"] < before["left"]:
                end = time.monotonic() + seconds
        return found

    def at_the_platform(self) -> list[str]:
        """By our numbers: the same one handed over again is no second question."""
        asked = collections.Counter(one["to"]["id"] for one in self.platform.replies.values() if _is_question(one))
        thanked = collections.Counter(
            one["to"]["id"] for one in self.platform.replies.values() if not _is_question(one) and _is_ours(one)
        )
        wanted = {f"{SENDER}{number}" for number in range(self.tickets)}
        writers = {f"{SENDER}{number}" for number in range(0, self.tickets, 3)}
        problems = [f"never asked: {len(wanted - set(asked))}"] if wanted - set(asked) else []
        problems += [f"asked {times} times: {who}" for who, times in asked.items() if times > 1]
        problems += [f"thanked {thanked[who]} times: {who}" for who in writers | set(thanked) if thanked[who] != 1]
        problems += [f"a kill never happened: {what} {at}" for what, left in self.kills.items() for at in left]
        return problems


def _is_ours(said: dict[str, Any]) -> bool:
    return str(said.get("to", {}).get("id", "")).startswith(SENDER)


def _is_question(said: dict[str, Any]) -> bool:
    return _is_ours(said) and bool(said.get("quick_replies"))


def problems_in(found: dict[str, Any], tickets: int) -> list[str]:
    """Of what the database holds: each asked once, answered once, followed up once."""
    wanted = {"left": 0, "tickets": tickets, "asked": tickets, "answers": tickets}
    wanted |= {"questions": tickets, "lines": tickets, "reopened": 0}
    low = len([number for number in range(tickets) if number % 3])
    wanted |= {"follow_ups": low, "follow_up_lines": low}
    return [f"{name}: {found[name]} instead of {value}" for name, value in wanted.items() if found[name] != value]


def inside(hub: RunningHub, *arguments: str) -> dict[str, Any]:
    """One of the two below, in a process of its own beside the hub."""
    command = [sys.executable, "-m", "tests.drill_surveys", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=hub.environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"{arguments}: {done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


# ── Beside the hub ───────────────────────────────────────────────────────────────────────────


def fill(count: int, channel_id: int) -> dict[str, Any]:
    """So many customers with one resolved ticket each, and a survey that is due at once: in one transaction."""
    from django.db import transaction
    from django.utils import timezone

    from agents.models import Agent
    from channels_app.models import Address, Channel
    from customers.models import Customer, CustomerAddress
    from surveys import definition, texts
    from surveys.models import Survey
    from tickets.models import Activity, Message, Ticket

    channel, now = Channel.objects.get(pk=channel_id), timezone.now()
    agent = Agent.objects.filter(role=Agent.Role.AGENT, teams=channel.team_id).order_by("pk").first()
    names = [f"{SENDER}{number}" for number in range(count)]
    content = {"look": "stars", "languages": list(texts.LANGUAGES), "texts": texts.usual(definition.CSAT)}
    when = {"delay_minutes": 0, "quiet_from": "", "quiet_to": "", "every_days": 30}
    rules = [
        {"name": "Low", "low": LOW, "high": 2, "follow_up_hours": 2},
        {"name": "Thanks", "low": BEST, "high": BEST, "thank": True},
    ]
    with transaction.atomic():
        Survey.objects.create(
            name="Drill", kind="csat", enabled=True, position=0, content=content, when=when, rules=rules
        )
        people = Customer.objects.bulk_create([Customer(name=name, language="id") for name in names])
        addresses = Address.objects.bulk_create([Address(channel=channel, external_id=name) for name in names])
        CustomerAddress.objects.bulk_create(
            [CustomerAddress(address=one, customer=who) for one, who in zip(addresses, people, strict=True)]
        )
        tickets = Ticket.objects.bulk_create(
            [
                Ticket(
                    channel=channel, team_id=channel.team_id, customer=who, address=one, status="resolved",
                    resolved_at=now, last_inbound_at=now,
                )
                for one, who in zip(addresses, people, strict=True)
            ]
        )  # fmt: skip
        Message.objects.bulk_create(
            [
                Message(
                    ticket=one, channel=channel, team_id=channel.team_id, direction="in", status="received",
                    external_id=f"first-{one.pk}", address_id=one.address_id, text="Halo",
                )
                for one in tickets
            ]
        )  # fmt: skip
        Activity.objects.bulk_create(
            [Activity(type="ticket.resolved", ticket=one, actor_type="agent", agent=agent) for one in tickets]
        )
    return {"links": _links(names)}


def _links(names: list[str]) -> dict[str, str]:
    """sender → path of the page, as soon as the log was read."""
    from surveys import links
    from surveys.models import Invitation

    end = time.monotonic() + 120
    found: dict[str, int] = {}
    while len(found) < len(names) and time.monotonic() < end:
        time.sleep(0.2)
        rows = Invitation.objects.filter(ticket__address__external_id__startswith=SENDER)
        found = dict(rows.values_list("ticket__address__external_id", "pk"))
    return {name: f"/s/{links.token(pk)}/" for name, pk in found.items()}


def count() -> dict[str, int]:
    from django.db.models import Q

    from surveys.models import FollowUp, Invitation, Response
    from tickets.models import Activity, Message, Ticket

    ours = {"ticket__address__external_id__startswith": SENDER}
    tickets = Ticket.objects.filter(address__external_id__startswith=SENDER)
    lines = Activity.objects.filter(**ours)
    out = Message.objects.filter(direction="out", **ours)
    left = Invitation.objects.filter(Q(state="pending") | Q(claim__isnull=False), **ours).count()
    left += Response.objects.filter(follow_at__isnull=False, **ours).count()
    left += out.filter(Q(status="queued") | Q(claimed_until__isnull=False)).count()
    return {
        "left": left,
        "tickets": tickets.count(),
        "reopened": tickets.exclude(status="resolved").count(),
        "asked": Invitation.objects.filter(asked_at__isnull=False, **ours).values("ticket").distinct().count(),
        "questions": out.filter(extra__has_key="quick_replies").count(),
        "lines": lines.filter(type="survey.asked").count(),
        "answers": Response.objects.filter(**ours).count(),
        "follow_ups": FollowUp.objects.filter(response__ticket__in=tickets).count(),
        "follow_up_lines": lines.filter(type="survey.follow_up").count(),
    }


def main() -> None:
    from hub import boot

    boot.start()
    what, *arguments = sys.argv[1:]
    print(json.dumps(fill(*map(int, arguments)) if what == "fill" else count()))


if __name__ == "__main__":
    main()
