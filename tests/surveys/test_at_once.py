"""Several workers at once, and workers that die: each asked once, each answer once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, connections
from django.test import Client

from agents.models import Agent, Team
from channels_app.models import Channel
from surveys import asking, following, links, tallies, watching
from surveys.models import FollowUp, Invitation, Response, Tally
from tests.conftest import Customer, connect, hire
from tests.platforms.webhook import SECRET
from tests.surveys.conftest import survey
from tickets import automatic, lifecycle
from tickets.models import Actor, Message
from tickets.models.activity import newest

pytestmark = pytest.mark.django_db(transaction=True)
TICKETS, WORKERS = 24, 4


class Dead(BaseException):
    """kill -9: nothing is written any more, nothing is caught."""


def together(act: Callable[[], object], count: int = WORKERS) -> None:
    """In threads with connections of their own, begun at one moment."""
    gate, failed = threading.Barrier(count), []

    def run() -> None:
        try:
            gate.wait(30)
            act()
        except BaseException as error:
            failed.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _one in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    assert not failed, failed


@pytest.fixture
def channel(transactional_db: None) -> Channel:
    team = Team.objects.create(name="North")
    hire("Lena", team, Agent.Role.LEAD)
    return connect("webhook", team, "Shop", secret=SECRET, reply_url="http://127.0.0.1:9/reply/")


@pytest.fixture
def waiting(channel: Channel) -> list[int]:
    """Tickets that are resolved and to be asked about; the log is not read yet."""
    survey(rules=[{"name": "Low", "low": 1, "high": 2, "follow_up_hours": 2}])
    bea = hire("Bea", channel.team)
    watching.now_reads_from(newest())
    numbers = [Customer(channel, id=f"u-{place}").writes().ticket_id for place in range(TICKETS)]
    for number in numbers:
        lifecycle.resolve(number, Actor.of(bea))
    return numbers


def asked_once(numbers: list[int]) -> None:
    questions = Message.objects.filter(direction="out", agent=None).values_list("ticket_id", flat=True)
    assert sorted(questions) == sorted(numbers)
    assert Invitation.objects.filter(state="asked").count() == len(numbers)


def everything() -> None:
    watching.follow()
    asking.sweep()
    following.sweep()
    tallies.sweep()


def test_four_workers_ask_each_once(waiting: list[int]) -> None:
    together(everything)
    # Whom all of them left to another is found by the next look.
    Invitation.objects.filter(state="pending").update(due_at="2026-01-01T00:00:00Z")
    everything()
    asked_once(waiting)


@pytest.mark.parametrize("place", ["offer", "write", "record_all", "_keep", "touch", "version_of"])
def test_a_worker_that_dies_in_the_middle(waiting: list[int], monkeypatch: Any, place: str) -> None:
    """At any of its steps: all or nothing of that batch is there."""
    owner: Any = {
        "offer": automatic.Many, "write": automatic.Many, "record_all": automatic, "_keep": asking, "touch": tallies,
        "version_of": asking.versions,
    }[place]  # fmt: skip
    real, left = getattr(owner, place), [3 if place == "offer" else 0]

    def die(*args: Any, **options: Any) -> Any:
        if not left[0]:
            raise Dead
        left[0] -= 1
        return real(*args, **options)

    watching.follow()
    with monkeypatch.context() as patch:
        patch.setattr(owner, place, die)
        with pytest.raises(Dead):
            asking.sweep()
    connection.close()
    assert not Message.objects.filter(direction="out").exists(), "nothing of what was not finished"
    # The claim runs out.
    Invitation.objects.filter(state="pending").update(due_at="2026-01-01T00:00:00Z")
    together(everything, 2)
    Invitation.objects.filter(state="pending").update(due_at="2026-01-01T00:00:00Z")
    everything()
    asked_once(waiting)


def test_a_reader_of_the_log_that_dies(waiting: list[int], monkeypatch: Any) -> None:
    def die(*_args: Any) -> None:
        raise Dead

    with monkeypatch.context() as patch:
        patch.setattr(tallies, "touch", die)
        with pytest.raises(Dead):
            watching.follow()
    connection.close()
    assert not Invitation.objects.exists()
    together(watching.follow)
    assert Invitation.objects.count() == len(waiting)


def test_one_answer_whatever_is_clicked_at_once(waiting: list[int]) -> None:
    everything()
    row = Invitation.objects.filter(ticket=waiting[0]).get()
    path = f"/s/{links.token(row.pk)}/"
    codes: list[int] = []

    def click() -> None:
        codes.append(Client(raise_request_exception=False).post(path, {"score": "1", "comment": "x"}).status_code)

    together(click)
    assert codes == [303] * WORKERS
    assert Response.objects.count() == 1
    together(following.sweep)
    assert FollowUp.objects.count() == 1
    together(tallies.sweep)
    assert [(one.s1, one.answered) for one in Tally.objects.filter(by="all")] == [(1, 1)]
